//! The archive: every row that a clean deletes and every value that it overwrites, in one file that
//! standard tools open.
//!
//! A `.tar.zst`. Its members are `orgsweep.json`, which says whose it is, `README.txt`, the rows in pieces of some megabytes,
//! `rows/003-deals/000001.tsv`, the overwritten values, `unlinked/004-users/000001.tsv`, and last
//! `manifest.json`, which says what there must be: columns, counts, checksums. A line is a row, in the
//! text format of PostgreSQL's COPY ([`mod@line`]).
//!
//! While it is written its name ends in `.partial`; complete and synced to disk, before COMMIT, in
//! `.pending`; the plain name says that the deletion was committed.

mod directory;
pub mod line;
mod manifest;
mod read;
mod write;

pub use directory::{ArchiveDirectory, Entry, State};
pub use manifest::{
    About, Actor, ArchivedColumn, FORMAT, Head, Kind, Link, Manifest, Organization, Section,
};
pub use read::{Reader, about, verify};
pub use write::{Sealed, Writer};

use std::fmt;
use std::path::{Path, PathBuf};

/// An archive that cannot be written, or that cannot be believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub path: PathBuf,
    pub message: String,
}

impl Error {
    pub fn new(path: &Path, message: impl fmt::Display) -> Error {
        Error { path: path.to_owned(), message: message.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the archive {}: {}", self.path.display(), self.message)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;
