//! The directory where archives and receipts are kept.

use super::{Error, Result};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::macros::format_description;

const ENDING: &str = ".tar.zst";
const RECEIPT: &str = ".receipt.json";

/// A directory that archives can be written to.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelf {
    pub directory: PathBuf,
}

/// An archive in the directory, by its name alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub path: PathBuf,
    pub state: State,
    pub bytes: u64,
    pub modified: SystemTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its deletion was committed.
    Complete,
    /// Complete; whether its deletion was committed is unknown, or it is being committed just now.
    Pending,
    /// Being written, or left behind by a process that was killed before it could commit.
    Partial,
}

impl Shelf {
    /// Makes the directory where it is missing, for its owner alone, and tries to write there.
    ///
    /// # Errors
    /// It cannot be made or written.
    pub fn open(directory: &Path) -> Result<Shelf> {
        let fault = |error: io::Error| Error::new(directory, error);
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(fault)?;
        let trial = directory.join(format!(".orgsweep-{:08x}", fastrand::u32(..)));
        fs::write(&trial, b"").and_then(|()| fs::remove_file(&trial)).map_err(fault)?;
        Ok(Shelf { directory: directory.to_owned() })
    }

    /// A new name without its ending: the time, what it is of, and what tells it from others.
    pub fn stem(&self, now: OffsetDateTime, subject: &str) -> String {
        let stamp =
            format_description!("[year][month][day]T[hour][minute][second].[subsecond digits:3]Z");
        let stamp = now.format(stamp).unwrap_or_default();
        format!("{stamp}-{}-{:08x}", slug(subject), fastrand::u32(..))
    }

    pub fn archive(&self, stem: &str) -> PathBuf {
        self.directory.join(format!("{stem}{ENDING}"))
    }

    pub fn receipt(&self, stem: &str) -> PathBuf {
        self.directory.join(format!("{stem}{RECEIPT}"))
    }

    /// All archives of `directory`, the oldest first; none where it does not exist.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn archives(directory: &Path) -> Result<Vec<Entry>> {
        let state = |name: &str| match name {
            _ if name.ends_with(ENDING) => Some(State::Complete),
            _ if name.ends_with(".tar.zst.pending") => Some(State::Pending),
            _ if name.ends_with(".tar.zst.partial") => Some(State::Partial),
            _ => None,
        };
        files(directory, state)
    }

    /// All receipts of `directory`, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn receipts(directory: &Path) -> Result<Vec<Entry>> {
        files(directory, |name| name.ends_with(RECEIPT).then_some(State::Complete))
    }
}

impl Entry {
    pub fn age(&self) -> Duration {
        self.modified.elapsed().unwrap_or_default()
    }

    /// Takes the file away; one that is gone already is no error.
    ///
    /// # Errors
    /// It may not be removed.
    pub fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::new(&self.path, error))
            }
            _ => Ok(()),
        }
    }
}

/// Writes a file that its owner alone may read; see [`write_whole`].
///
/// # Errors
/// It cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    write_whole(path, content, 0o600)
}

/// Writes a file with these permissions; whoever looks sees the old one or the new one whole.
///
/// # Errors
/// It cannot be written.
pub fn write_whole(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let fault = |error: io::Error| Error::new(path, error);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:08x}", fastrand::u32(..)));
    let beside = PathBuf::from(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        fault(error)
    })
}

fn files(directory: &Path, state: impl Fn(&str) -> Option<State>) -> Result<Vec<Entry>> {
    let fault = |error: io::Error| Error::new(directory, error);
    let listed = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(fault)?,
    };
    let mut entries = Vec::new();
    for file in listed {
        let file = file.map_err(fault)?;
        let name = file.file_name().to_string_lossy().into_owned();
        // Another run may take a file away while we look.
        let (Some(state), Ok(facts)) = (state(&name), file.metadata()) else {
            continue;
        };
        let modified = facts.modified().map_err(fault)?;
        entries.push(Entry { path: file.path(), state, bytes: facts.len(), modified });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// `apex-innovations-inc`: what a file can be called everywhere.
pub(super) fn slug(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut slug = String::new();
    for character in text.chars().take(LONGEST) {
        match character.is_ascii_alphanumeric() {
            true => slug.push(character.to_ascii_lowercase()),
            false if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            false => {}
        }
    }
    match slug.trim_end_matches('-') {
        "" => "organization".into(),
        slug => slug.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_name_becomes_what_a_file_can_be_called() {
        assert_eq!(slug("Apex Innovations Inc."), "apex-innovations-inc");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("会社"), "organization");
    }
}
