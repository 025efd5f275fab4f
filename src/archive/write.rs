//! Writing an archive: streamed, so that memory stays flat however many rows there are.

use super::directory::{lock, slug};
use super::{About, ArchivedColumn, Error, Kind, Manifest, Result, Section};
use crate::catalog::{Column, TableName};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tar::{Builder, Header};
use zstd::Encoder;

/// A piece of a table's rows: what is held in memory.
pub(super) const PIECE: usize = 4 << 20;
/// The fastest: a deletion waits for it.
const LEVEL: i32 = 1;

/// An archive that is being written. Dropped before it is sealed, the file is removed.
pub struct Writer {
    path: PathBuf,
    partial: PathBuf,
    /// `None` once it is sealed.
    tar: Option<Builder<Encoder<'static, BufWriter<File>>>>,
    open: Vec<Open>,
    buffer: Vec<u8>,
    /// All but the sections.
    manifest: Manifest,
}

/// A section under way.
struct Open {
    section: Section,
    hash: Sha256,
    pieces: u32,
}

/// A complete archive, synced to disk, of a deletion that is not committed yet.
#[must_use]
pub struct Sealed {
    path: PathBuf,
    pending: PathBuf,
    pub manifest: Manifest,
    /// Locked until it has its name.
    _file: File,
}

impl Writer {
    /// Creates the file, readable by its owner alone.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn create(path: &Path, manifest: Manifest) -> Result<Writer> {
        let partial = with_suffix(path, ".partial");
        let fault = |error: io::Error| Error::new(&partial, error);
        let mut options = OpenOptions::new();
        let file =
            options.write(true).create_new(true).mode(0o600).open(&partial).map_err(fault)?;
        lock(&file);
        let mut writer = Writer {
            path: path.to_owned(),
            partial: partial.clone(),
            tar: None,
            open: Vec::new(),
            buffer: Vec::new(),
            manifest,
        };
        let mut encoder = Encoder::new(BufWriter::new(file), LEVEL).map_err(fault)?;
        encoder.include_checksum(true).map_err(fault)?;
        // On a thread of its own, beside the database's work.
        encoder.multithread(1).map_err(fault)?;
        writer.tar = Some(Builder::new(encoder));
        let about = About::of(&writer.manifest);
        let about = serde_json::to_vec_pretty(&about).expect("plain data always serializes");
        writer.member(About::NAME, &about)?;
        writer.member("README.txt", README.as_bytes())?;
        Ok(writer)
    }

    /// The section of a table, begun where it is new. `written`, `rowid`: see [`Section`].
    pub fn section(
        &mut self,
        kind: Kind,
        table: &TableName,
        columns: &[&Column],
        written: &[&Column],
        rowid: bool,
    ) -> usize {
        let known = |open: &Open| open.section.kind == kind && open.section.table_name() == *table;
        if let Some(number) = self.open.iter().position(known) {
            return number;
        }
        let number = self.open.len();
        let folder = match kind {
            Kind::Rows => "rows",
            Kind::Unlinked => "unlinked",
        };
        let section = Section {
            kind,
            directory: format!("{folder}/{number:03}-{}", slug(&table.name)),
            schema: table.schema.clone(),
            found_in: table.found_in.clone(),
            table: table.name.clone(),
            columns: columns.iter().map(|column| ArchivedColumn::of(column)).collect(),
            written: written.iter().map(|column| ArchivedColumn::of(column)).collect(),
            rowid,
            dangling: BTreeMap::new(),
            rows: 0,
            sha256: String::new(),
        };
        self.open.push(Open { section, hash: Sha256::new(), pieces: 0 });
        number
    }

    /// So many of a table's rows that go name nobody by this reference.
    pub fn dangling(&mut self, table: &TableName, reference: String, rows: u64) {
        let mut sections = self.open.iter_mut().map(|open| &mut open.section);
        let section = sections.find(|it| it.kind == Kind::Rows && it.table_name() == *table);
        if let Some(section) = section {
            *section.dangling.entry(reference).or_default() += rows;
        }
    }

    /// Rows of a section so far.
    pub fn rows(&self, section: usize) -> u64 {
        self.open[section].section.rows
    }

    /// Why this archive cannot be written.
    pub fn fault(&self, message: &str) -> Error {
        Error::new(&self.partial, message)
    }

    /// Adds a row, which is a line with its end; [`Writer::flush`] ends a series of them.
    ///
    /// # Errors
    /// The disk is full, or fails.
    pub fn row(&mut self, section: usize, line: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(line);
        self.open[section].section.rows += 1;
        if self.buffer.len() >= PIECE { self.flush(section) } else { Ok(()) }
    }

    /// Writes what is buffered of a section.
    ///
    /// # Errors
    /// As for [`Writer::row`].
    pub fn flush(&mut self, section: usize) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let open = &mut self.open[section];
        open.pieces += 1;
        open.hash.update(&self.buffer);
        let name = format!("{}/{:06}.tsv", open.section.directory, open.pieces);
        let mut buffer = std::mem::take(&mut self.buffer);
        self.member(&name, &buffer)?;
        buffer.clear();
        self.buffer = buffer;
        Ok(())
    }

    fn member(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(self.manifest.made_at.unix_timestamp().unsigned_abs());
        let tar = self.tar.as_mut().expect("a sealed archive takes no more");
        let written = tar.append_data(&mut header, name, content);
        written.map_err(|error| Error::new(&self.partial, error))
    }

    /// Completes the archive and waits until the disk has it.
    ///
    /// # Errors
    /// As for [`Writer::row`].
    pub fn seal(mut self) -> Result<Sealed> {
        let finished = |open: &mut Open| {
            let digest = std::mem::take(&mut open.hash).finalize();
            Section { sha256: hex(&digest), ..open.section.clone() }
        };
        // What lost nothing must not be there to come back to.
        let sections = self.open.iter_mut().filter(|open| open.section.rows > 0);
        let sections = sections.map(finished).collect();
        let manifest = Manifest { sections, ..self.manifest.clone() };
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| Error::new(&self.partial, error))?;
        self.member("manifest.json", &text)?;
        let pending = with_suffix(&self.path, ".pending");
        let tar = self.tar.take().expect("an archive is sealed once");
        let synced = tar.into_inner().and_then(Encoder::finish).and_then(|mut file| {
            file.flush()?;
            file.get_ref().sync_all()?;
            fs::rename(&self.partial, &pending)?;
            sync_directory(&pending)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)
        });
        match synced {
            Ok(file) => Ok(Sealed { path: self.path.clone(), pending, manifest, _file: file }),
            Err(error) => {
                let _ = fs::remove_file(&pending);
                Err(Error::new(&self.partial, error))
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Of a deletion that was rolled back; after sealing it has another name.
        let _ = fs::remove_file(&self.partial);
    }
}

impl Sealed {
    /// The deletion is committed: the archive takes its name. Where that fails it is complete under
    /// the other one, and nothing is lost.
    pub fn keep(&self) -> PathBuf {
        match fs::rename(&self.pending, &self.path).and_then(|()| sync_directory(&self.path)) {
            Ok(()) => self.path.clone(),
            Err(_) => self.pending.clone(),
        }
    }

    /// Nobody knows whether the deletion was committed.
    pub fn pending(&self) -> &Path {
        &self.pending
    }

    /// The deletion was rolled back.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.pending);
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A new name is safe once its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const README: &str = "\
An archive of orgsweep: rows that were deleted from a database, or exported from it, and values that were overwritten,
or would be.

  orgsweep restore FILE --dry-run     what would be put back
  orgsweep restore FILE               put all of it back

Without orgsweep: tar --zstd -xf FILE (or zstd -d < FILE | tar -x). manifest.json says which columns the lines
of each folder have. PostgreSQL takes a folder of rows/ as it is:

  cat rows/000-deals/*.tsv | psql -c 'COPY deals (id, name, ...) FROM STDIN'

SQLite's values are SQL literals, tab between them; backslash, newline, carriage return and tab are escaped
as in PostgreSQL's COPY. A line of unlinked/ has what identifies the row, the old values, the new ones.
";
