//! Reading an archive back: nothing of it is believed before all of it was checked, and nothing is taken into
//! memory before its size is known. Some kilobytes may inflate to gigabytes.

use super::write::{PIECE, hex};
use super::{About, Error, FORMAT, Manifest, Result, Section, line};
use crate::files;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use tar::EntryType;
use zstd::Decoder;

type Tar = tar::Archive<Decoder<'static, BufReader<File>>>;

/// No manifest is larger: 16 MiB are some 50,000 tables.
const LARGEST_MANIFEST: u64 = 16 << 20;
/// Nor are there more.
const MOST_SECTIONS: usize = 50_000;
/// No engine takes a longer row back: a value of PostgreSQL's and a packet of MariaDB's end at 1 GiB, a statement
/// of SQLite's at 10^9 bytes (<https://www.sqlite.org/limits.html>).
const LONGEST_ROW: u64 = 1 << 30;
/// A piece ends with the row that makes it one.
const LARGEST_PIECE: u64 = LONGEST_ROW + PIECE as u64;
/// A tar ends with zeros, and some tools fill up a record of 10 kB with them.
const LONGEST_END: u64 = 64 << 10;
/// What an archive says of itself at its head is short.
const LARGEST_HEAD: u64 = 64 << 10;

/// An archive whose every byte was checked.
pub struct Reader {
    path: PathBuf,
    pub manifest: Manifest,
}

/// Reads the whole archive against its manifest.
///
/// # Errors
/// It is truncated, damaged, of another format, or no archive at all.
pub fn verify(path: &Path) -> Result<Reader> {
    let mut found = BTreeMap::<String, Content>::new();
    let mut manifest = None;
    members(path, &mut |name, content| {
        if manifest.is_some() {
            return Err(Error::new(path, format!("{name} comes after the manifest")));
        }
        match (name, name.rsplit_once('/')) {
            ("README.txt" | About::NAME, _) => {}
            ("manifest.json", _) => manifest = Some(parse(path, content)?),
            (_, Some(_)) if found.len() > MOST_SECTIONS => {
                return Err(Error::new(
                    path,
                    format!("it holds more than {MOST_SECTIONS} folders"),
                ));
            }
            (_, Some((directory, _))) => {
                let rows = found.entry(directory.to_owned()).or_default();
                rows.add(content).map_err(|error| damaged(path, error))?;
            }
            _ => return Err(Error::new(path, format!("it holds {name}, which no archive holds"))),
        }
        Ok(())
    })?;
    let Some(manifest) = manifest else {
        return Err(Error::new(
            path,
            "it has no manifest: it was cut off, or is no archive of orgsweep",
        ));
    };
    for section in &manifest.sections {
        check(path, section, found.remove(&section.directory))?;
    }
    match found.into_keys().next() {
        Some(stray) => Err(Error::new(path, format!("its manifest does not know {stray}"))),
        None => Ok(Reader { path: path.to_owned(), manifest }),
    }
}

/// What was found of a section.
#[derive(Default)]
struct Content {
    hash: Sha256,
    rows: u64,
    /// Of the row that has not ended yet, and the longest.
    length: u64,
    longest: u64,
    /// Its tabs so far, and how many tabs rows have.
    tabs: usize,
    widths: BTreeSet<usize>,
}

impl Content {
    fn add(&mut self, content: &mut dyn BufRead) -> io::Result<()> {
        loop {
            let piece = content.fill_buf()?;
            if piece.is_empty() {
                return Ok(());
            }
            self.hash.update(piece);
            for part in piece.split_inclusive(|byte| *byte == b'\n') {
                self.length += part.len() as u64;
                self.longest = self.longest.max(self.length);
                self.tabs += part.iter().filter(|byte| **byte == b'\t').count();
                if part.ends_with(b"\n") {
                    self.rows += 1;
                    self.length = 0;
                    let tabs = std::mem::take(&mut self.tabs);
                    // Two are one too many already.
                    if self.widths.len() < 2 {
                        self.widths.insert(tabs);
                    }
                }
            }
            let length = piece.len();
            content.consume(length);
        }
    }
}

fn check(path: &Path, section: &Section, found: Option<Content>) -> Result<()> {
    let Content { hash, rows, longest, widths, .. } = found.unwrap_or_default();
    let table = section.table_name();
    if longest > LONGEST_ROW {
        let message = format!("a row of {table} has {longest} bytes, which no database takes back");
        return Err(Error::new(path, message));
    }
    if rows != section.rows {
        let message = format!("{rows} rows of {table} are there instead of {}", section.rows);
        return Err(Error::new(path, message));
    }
    if hex(&hash.finalize()) != section.sha256 {
        return Err(Error::new(path, format!("the checksum of {table} does not match")));
    }
    if widths.iter().all(|tabs| tabs + 1 == section.width()) {
        Ok(())
    } else {
        Err(Error::new(path, format!("a line of {table} is no row of it")))
    }
}

impl Reader {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives every row to `each`, with the position of its section, in the order in which they were
    /// written.
    ///
    /// # Errors
    /// Those of `each`; a line that is no row of its section.
    pub fn rows<E: From<Error>>(
        &self,
        each: &mut dyn FnMut(usize, Vec<Option<String>>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.lines(|section, line| each(section, self.row(section, line)?))
    }

    /// The values of a line, as [`Reader::lines`] gives it.
    ///
    /// # Errors
    /// It has not as many as its section has columns.
    pub fn row(&self, section: usize, line: &[u8]) -> Result<Vec<Option<String>>> {
        let section = &self.manifest.sections[section];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let values = std::str::from_utf8(line).ok().and_then(line::decode);
        values.filter(|values| values.len() == section.width()).ok_or_else(|| {
            Error::new(&self.path, format!("a line of {} is no row of it", section.table_name()))
        })
    }

    /// The same of rows as they stand there, each with its end.
    ///
    /// # Errors
    /// Those of `each`; it can no longer be read.
    pub fn lines<E: From<Error>>(
        &self,
        mut each: impl FnMut(usize, &[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut line = Vec::new();
        members(&self.path, &mut |name, content| {
            let Some((directory, _)) = name.rsplit_once('/') else {
                return Ok(());
            };
            let sections = &self.manifest.sections;
            let Some(section) = sections.iter().position(|s| s.directory == directory) else {
                return Err(Error::new(&self.path, format!("it changed: {name}")).into());
            };
            let mut next = |line: &mut Vec<u8>| {
                line.clear();
                content.read_until(b'\n', line).map_err(|error| damaged(&self.path, error))
            };
            while next(&mut line)? > 0 {
                each(section, &line)?;
            }
            Ok(())
        })
    }
}

/// Every member with its content, which need not be read to its end. Only members that an archive has: no link,
/// and none that a long name or an attribute of any size comes before.
fn members<E: From<Error>>(
    path: &Path,
    each: &mut dyn FnMut(&str, &mut dyn BufRead) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut tar = open(path)?;
    // Raw: the crate would read a long name into memory, however long it is.
    for member in tar.entries().map_err(|error| damaged(path, error))?.raw(true) {
        let member = member.map_err(|error| damaged(path, error))?;
        let name = plain_name(path, &member)?;
        each(&name, &mut BufReader::new(member))?;
    }
    // Up to the end of the compressed stream, where its checksum is. Nobody's checksum is over what comes after.
    let mut frame = tar.into_inner();
    let mut end = frame.by_ref().take(LONGEST_END + 1);
    let length = io::copy(&mut end, &mut io::sink()).map_err(|error| damaged(path, error))?;
    let mut file = frame.finish();
    let after = file.fill_buf().map_err(|error| damaged(path, error))?;
    if length > LONGEST_END || !after.is_empty() {
        Err(damaged(path, "it goes on after its end").into())
    } else {
        Ok(())
    }
}

fn plain_name(path: &Path, member: &tar::Entry<impl Read>) -> Result<String> {
    let kind = member.header().entry_type();
    if kind != EntryType::Regular {
        let message =
            format!("it holds a member of type {:?}, which no archive has", kind.as_byte() as char);
        return Err(Error::new(path, message));
    }
    let name = member.path().map_err(|error| damaged(path, error))?;
    let name = name.to_string_lossy().into_owned();
    if member.size() > LARGEST_PIECE {
        let message =
            format!("{name} has {} bytes, which no piece of an archive has", member.size());
        return Err(Error::new(path, message));
    }
    Ok(name)
}

/// What an archive says of itself at its head, without a look at the rest. `None`: it is none of orgsweep's, or of
/// a version that said nothing there.
pub fn about(path: &Path) -> Option<About> {
    let mut tar = open(path).ok()?;
    let member = tar.entries().ok()?.raw(true).next()?.ok()?;
    let ours = plain_name(path, &member).is_ok_and(|name| name == About::NAME);
    if !ours || member.size() > LARGEST_HEAD {
        return None;
    }
    serde_json::from_reader(member).ok()
}

fn open(path: &Path) -> Result<Tar> {
    let file = files::open_regular(path).map_err(|error| Error::new(path, error))?;
    let frame = Decoder::new(file).map_err(|error| damaged(path, error))?;
    Ok(tar::Archive::new(frame.single_frame()))
}

fn damaged(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::new(path, format!("it is damaged, or no archive of orgsweep ({error})"))
}

fn parse(path: &Path, content: &mut dyn BufRead) -> Result<Manifest> {
    #[derive(serde::Deserialize)]
    struct Version {
        format: u32,
    }
    let mut text = Vec::new();
    content.take(LARGEST_MANIFEST).read_to_end(&mut text).map_err(|error| damaged(path, error))?;
    let version: Version = serde_json::from_slice(&text).map_err(|error| damaged(path, error))?;
    if version.format != FORMAT {
        let message = format!("its format is {}, this orgsweep reads {FORMAT}", version.format);
        return Err(Error::new(path, message));
    }
    serde_json::from_slice(&text).map_err(|error| damaged(path, error))
}
