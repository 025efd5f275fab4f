//! The directory where archives and receipts are kept.

use super::{About, Error, Result, about};
use crate::files;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use time::OffsetDateTime;
use time::macros::format_description;

const ENDING: &str = ".tar.zst";
const PENDING: &str = ".tar.zst.pending";
const PARTIAL: &str = ".tar.zst.partial";
const RECEIPT: &str = ".receipt.json";
/// Which receipt is the latest.
const HEAD: &str = "receipts.head";

/// A file that is still being written is not older than this.
const UNFINISHED: Duration = Duration::from_secs(24 * 60 * 60);

/// A directory that archives can be written to.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveDirectory {
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its deletion was committed.
    Complete,
    /// Complete; whether its deletion was committed is unknown, or it is being committed just now.
    Pending,
    /// Being written, or left behind by a process that was killed before it could commit.
    Partial,
}

impl ArchiveDirectory {
    /// Makes the directory where it is missing, for its owner alone, and tries to write there.
    ///
    /// # Errors
    /// It cannot be made or written.
    pub fn open(directory: &Path) -> Result<ArchiveDirectory> {
        let fault = |error: io::Error| Error::new(directory, error);
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(fault)?;
        let trial = directory.join(format!(".orgsweep-{:08x}", fastrand::u32(..)));
        fs::write(&trial, b"").and_then(|()| fs::remove_file(&trial)).map_err(fault)?;
        Ok(ArchiveDirectory { directory: directory.to_owned() })
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

    pub fn head(directory: &Path) -> PathBuf {
        directory.join(HEAD)
    }

    /// Keeps other runs from writing receipts, as long as the file is open. `None`: one of them took too long.
    ///
    /// # Errors
    /// The directory cannot be opened.
    pub fn lock(&self, patience: Duration) -> Result<Option<File>> {
        const LOOK: Duration = Duration::from_millis(10);
        let directory =
            File::open(&self.directory).map_err(|error| Error::new(&self.directory, error))?;
        let until = Instant::now() + patience;
        while let Err(Errno::WOULDBLOCK) =
            flock(&directory, FlockOperation::NonBlockingLockExclusive)
        {
            if Instant::now() >= until {
                return Ok(None);
            }
            thread::sleep(LOOK);
        }
        // Not every file system can lock.
        Ok(Some(directory))
    }

    /// All archives of `directory`, the oldest first; none where it does not exist.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn archives(directory: &Path) -> Result<Vec<Entry>> {
        let state = |name: &str| match name {
            _ if name.ends_with(ENDING) => Some(State::Complete),
            _ if name.ends_with(PENDING) => Some(State::Pending),
            _ if name.ends_with(PARTIAL) => Some(State::Partial),
            _ => None,
        };
        files(directory, state)
    }

    /// Archives that pruning may remove: orgsweep's own by name and content, older than `age`. Never one that is
    /// pending, which may hold the only copy of its rows; one that was left unfinished, which no COMMIT came after,
    /// once nobody has written to it for a day.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn expired(directory: &Path, age: Duration) -> Result<Vec<(Entry, About)>> {
        let is_old = |entry: &Entry| match entry.state {
            State::Complete => entry.age() > age,
            State::Partial => entry.age() > age.max(UNFINISHED) && !is_locked(&entry.path),
            State::Pending => false,
        };
        ArchiveDirectory::own(directory, is_old)
    }

    /// Archives under the names that they were made with, and what they say of themselves: under another one it may be
    /// anything, an export, too.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn own(directory: &Path, which: impl Fn(&Entry) -> bool) -> Result<Vec<(Entry, About)>> {
        let archives = ArchiveDirectory::archives(directory)?.into_iter();
        let own = archives.filter(|entry| is_own_name(&entry.path) && which(entry));
        Ok(own.filter_map(|entry| about(&entry.path).map(|about| (entry, about))).collect())
    }

    /// What to say where others may look into the directory, or change it: archives are for their owner alone,
    /// but their names tell who was deleted, and whoever may write there can replace them.
    pub fn exposure(directory: &Path) -> Option<String> {
        let facts = fs::metadata(directory).ok().filter(|facts| facts.mode() & 0o077 != 0)?;
        let directory = directory.display();
        Some(if facts.uid() == rustix::process::geteuid().as_raw() {
            format!("others may enter the archive directory {directory}: chmod 700 '{directory}'")
        } else {
            format!(
                "the archive directory {directory} is somebody else's, and others may enter it: --archive-dir \
                 DIRECTORY keeps archives elsewhere"
            )
        })
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
    pub fn name(&self) -> String {
        file_name(&self.path)
    }

    /// The name of a receipt without its ending.
    pub fn stem(&self) -> String {
        let name = self.name();
        name.strip_suffix(RECEIPT).unwrap_or(&name).to_owned()
    }

    pub fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

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
        // A link, a FIFO or a directory is not ours.
        if !facts.is_file() {
            continue;
        }
        let modified = facts.modified().map_err(fault)?;
        entries.push(Entry { path: file.path(), state, bytes: facts.len(), modified });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// A name as it is told, and compared with those in receipts.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// As [`ArchiveDirectory::stem`] names them: whoever gave an archive another name wants to keep it.
fn is_own_name(path: &Path) -> bool {
    let name = file_name(path);
    let stem = [ENDING, PENDING, PARTIAL].iter().find_map(|ending| name.strip_suffix(ending));
    let Some((stamp, rest)) = stem.and_then(|stem| stem.split_once('-')) else { return false };
    let stamp_is_ours = stamp.len() == "20261129T150000.000Z".len()
        && stamp.chars().enumerate().all(|(n, character)| match n {
            8 => character == 'T',
            15 => character == '.',
            19 => character == 'Z',
            _ => character.is_ascii_digit(),
        });
    let hex = rest.rsplit_once('-').map_or("", |(_, hex)| hex);
    stamp_is_ours && hex.len() == 8 && hex.chars().all(|character| character.is_ascii_hexdigit())
}

/// Some run is writing to it, or committing what it holds.
fn is_locked(path: &Path) -> bool {
    let file = files::open_regular(path);
    file.is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_err())
}

/// Keeps pruning runs from taking the file away, as long as it is open.
pub(super) fn lock(file: &File) {
    // Not every file system can; a file is not taken for abandoned before it is a day old.
    let _ = flock(file, FlockOperation::NonBlockingLockExclusive);
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
    use super::*;

    #[test]
    fn only_names_that_we_give_are_ours() {
        let archives = ArchiveDirectory { directory: "/archives".into() };
        let path = archives.archive(&archives.stem(OffsetDateTime::now_utc(), "Apex Inc."));
        assert!(is_own_name(&path), "{}", path.display());
        for (name, ours) in [
            ("20261129T150000.000Z-apex-0123abcd.tar.zst.partial", true),
            ("20261129T150000.000Z-apex-0123abcd.tar", false),
            ("20261129T150000.000Z-apex.tar.zst", false),
            ("20261129-apex-0123abcd.tar.zst", false),
            ("apex-0123abcd.tar.zst", false),
            ("backup.tar.zst", false),
            (".tar.zst", false),
        ] {
            assert_eq!(is_own_name(Path::new(name)), ours, "{name}");
        }
    }

    #[test]
    fn a_name_becomes_what_a_file_can_be_called() {
        assert_eq!(slug("Apex Innovations Inc."), "apex-innovations-inc");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("会社"), "organization");
    }
}
