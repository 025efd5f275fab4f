//! Reading an archive back: nothing of it is believed before all of it was checked.

use super::write::hex;
use super::{Error, FORMAT, Manifest, Result, Section, line};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use zstd::Decoder;

type Tar = tar::Archive<Decoder<'static, BufReader<File>>>;

/// No manifest is larger: 16 MiB are some 50,000 tables.
const LARGEST_MANIFEST: u64 = 16 << 20;

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
    let mut found = BTreeMap::<String, (Sha256, u64)>::new();
    let mut manifest = None;
    members(path, &mut |name, content| {
        if manifest.is_some() {
            return Err(Error::new(path, format!("{name} comes after the manifest")));
        }
        match (name, name.rsplit_once('/')) {
            ("README.txt", _) => {}
            ("manifest.json", _) => manifest = Some(parse(path, content)?),
            (_, Some((directory, _))) => {
                let (hash, rows) = found.entry(directory.to_owned()).or_default();
                digest(content, hash, rows).map_err(|error| damaged(path, error))?;
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

fn check(path: &Path, section: &Section, found: Option<(Sha256, u64)>) -> Result<()> {
    let (hash, rows) = found.unwrap_or_default();
    let table = section.table_name();
    if rows != section.rows {
        let message = format!("{rows} rows of {table} are there instead of {}", section.rows);
        return Err(Error::new(path, message));
    }
    match hex(&hash.finalize()) == section.sha256 {
        true => Ok(()),
        false => Err(Error::new(path, format!("the checksum of {table} does not match"))),
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
    /// Those of `each`; a line that has not as many values as its section has columns.
    pub fn rows<E: From<Error>>(
        &self,
        each: &mut dyn FnMut(usize, Vec<Option<String>>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        members(&self.path, &mut |name, content| {
            let Some((directory, _)) = name.rsplit_once('/') else {
                return Ok(());
            };
            let sections = &self.manifest.sections;
            let Some(section) = sections.iter().position(|s| s.directory == directory) else {
                return Err(Error::new(&self.path, format!("it changed: {name}")).into());
            };
            for text in content.lines() {
                let text = text.map_err(|error| damaged(&self.path, error))?;
                let values = line::decode(&text).filter(|v| v.len() == sections[section].width());
                let broken = || {
                    let table = sections[section].table_name();
                    Error::new(&self.path, format!("a line of {table} is no row of it"))
                };
                each(section, values.ok_or_else(broken)?)?;
            }
            Ok(())
        })
    }
}

/// Every member with its content, which need not be read to its end.
fn members<E: From<Error>>(
    path: &Path,
    each: &mut dyn FnMut(&str, &mut dyn BufRead) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut tar = open(path)?;
    for member in tar.entries().map_err(|error| damaged(path, error))? {
        let member = member.map_err(|error| damaged(path, error))?;
        let name = member.path().map_err(|error| damaged(path, error))?;
        let name = name.to_string_lossy().into_owned();
        each(&name, &mut BufReader::new(member))?;
    }
    // Up to the end of the compressed stream, where its checksum is.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(|error| damaged(path, error))?;
    Ok(())
}

fn open(path: &Path) -> Result<Tar> {
    let file = File::open(path).map_err(|error| Error::new(path, error))?;
    Ok(tar::Archive::new(Decoder::new(file).map_err(|error| damaged(path, error))?))
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

fn digest(content: &mut dyn BufRead, hash: &mut Sha256, rows: &mut u64) -> io::Result<()> {
    loop {
        let piece = content.fill_buf()?;
        if piece.is_empty() {
            return Ok(());
        }
        hash.update(piece);
        *rows += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        let length = piece.len();
        content.consume(length);
    }
}
