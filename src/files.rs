//! Files that somebody names on the command line, or has put in our way: read and written without waiting
//! for ever, in bounded memory, and without taking what is no plain file from its place.

use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long a pipe or a terminal may let us wait for its other end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is asked meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// A FIFO is opened without waiting for its other end; a terminal does not become ours.
fn at_once() -> i32 {
    (OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32
}

/// Opens a regular file for reading.
///
/// # Errors
/// It cannot be read, or is something else: a FIFO, a device, a directory.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(at_once()).open(path)?;
    match kind(&file.metadata()?) {
        None => Ok(file),
        Some(kind) => Err(io::Error::other(format!("it is {kind}, not a file"))),
    }
}

/// Reads a file of at most so many bytes. From a pipe or terminal as well, as long as somebody writes there.
///
/// # Errors
/// It cannot be read, is larger, or nobody has written to it in time.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(at_once()).open(path)?;
    let waits = file.metadata()?.file_type().is_fifo();
    let (mut file, mut content) = (file.take(most + 1), Vec::new());
    let until = Instant::now() + PATIENCE;
    loop {
        match file.read_to_end(&mut content) {
            // A FIFO that nobody has opened for writing yet looks as if it had ended.
            Ok(0) if waits && content.is_empty() && Instant::now() < until => thread::sleep(LOOK),
            Ok(_) if waits && content.is_empty() => return Err(silent()),
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if Instant::now() >= until {
                    return Err(silent());
                }
                thread::sleep(LOOK);
            }
            Err(error) => return Err(error),
        }
    }
    if content.len() as u64 > most {
        return Err(io::Error::other(format!("it is larger than {most} bytes")));
    }
    Ok(content)
}

/// The same of a text.
///
/// # Errors
/// As for [`read`], or it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let content = read(path, most)?;
    String::from_utf8(content)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

fn silent() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, format!("nobody writes to it in {} s", PATIENCE.as_secs()))
}

/// What is no regular file, in words.
fn kind(facts: &fs::Metadata) -> Option<&'static str> {
    let kind = facts.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("a directory"),
        () if kind.is_fifo() => Some("a FIFO"),
        () if kind.is_block_device() => Some("a block device"),
        () if kind.is_char_device() => Some("a device"),
        () => Some("a socket"),
    }
}

/// A file that was asked for, and that can be written: found out before anything else is done.
///
/// A regular file is replaced whole, so that whoever looks sees the old one or the new one. What a link leads
/// to, a file of several names, a FIFO or a device is written through, and stays what it is.
#[derive(Debug)]
pub struct Destination {
    path: PathBuf,
    /// The permissions of a new file.
    mode: u32,
    /// What is written through. Held from the start: the reader of a FIFO goes with the last writer.
    through: Option<File>,
}

impl Destination {
    /// Changes nothing yet.
    ///
    /// # Errors
    /// It cannot be written, is a directory or a disk, or a FIFO that nobody reads.
    pub fn open(path: &Path, mode: u32) -> io::Result<Destination> {
        let facts = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            facts => Some(facts?),
        };
        let replaced = facts.as_ref().is_none_or(|facts| facts.is_file() && facts.nlink() == 1);
        let may_write = || OpenOptions::new().append(true).open(path);
        if facts.is_some() && replaced {
            may_write()?;
        }
        let through = if replaced && can_be_replaced(path, facts.is_none())? {
            None
        } else {
            Some(through(path, mode)?)
        };
        Ok(Destination { path: path.to_owned(), mode, through })
    }

    /// What a regular file held so far; nothing of what is larger than `most`.
    pub fn previous(&self, most: u64) -> Option<String> {
        open_regular(&self.path).ok()?;
        String::from_utf8(read(&self.path, most).ok()?).ok()
    }

    /// Writes it whole.
    ///
    /// # Errors
    /// The disk is full, or whoever reads has gone or does not read.
    pub fn write(self, content: &[u8]) -> io::Result<()> {
        if let Some(file) = self.through {
            return write_through(file, content);
        }
        let Some(made) = beside(&self.path, content, self.mode)? else {
            return Err(ErrorKind::InvalidInput.into());
        };
        match fs::rename(&made, &self.path) {
            Ok(()) => Ok(()),
            // A file that is mounted by itself cannot be replaced.
            Err(_) => {
                let _ = fs::remove_file(&made);
                write_through(through(&self.path, self.mode)?, content)
            }
        }
    }
}

/// A file can be made beside it. Where not, a folder of others may hold a file that is ours to write.
fn can_be_replaced(path: &Path, is_new: bool) -> io::Result<bool> {
    match beside(path, b"", 0o600) {
        Ok(Some(trial)) => fs::remove_file(trial).map(|()| true),
        Err(error) if is_new => Err(error),
        Ok(None) | Err(_) => Ok(false),
    }
}

/// Writes a new file beside `path`, synced to disk; `None` where the path ends in no name.
fn beside(path: &Path, content: &[u8], mode: u32) -> io::Result<Option<PathBuf>> {
    let Some(name) = path.file_name() else { return Ok(None) };
    let mut name = name.to_owned();
    name.push(format!(".{:08x}", fastrand::u32(..)));
    let made = path.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&made)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    match written {
        Ok(()) => Ok(Some(made)),
        Err(error) => {
            let _ = fs::remove_file(&made);
            Err(error)
        }
    }
}

/// Opens what is there as it is; only what a link leads to may be made.
fn through(path: &Path, mode: u32) -> io::Result<File> {
    let missing = fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    let mut options = OpenOptions::new();
    let options = options.write(true).create(missing).mode(mode).custom_flags(at_once());
    let file = options.open(path).map_err(|error| {
        // <https://www.man7.org/linux/man-pages/man7/fifo.7.html>
        if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) {
            io::Error::other("nobody reads from it")
        } else {
            error
        }
    })?;
    if file.metadata()?.file_type().is_block_device() {
        return Err(io::Error::other("it is a block device"));
    }
    Ok(file)
}

fn write_through(mut file: File, content: &[u8]) -> io::Result<()> {
    let is_file = file.metadata()?.is_file();
    if is_file {
        file.set_len(0)?;
    }
    let (mut left, mut until) = (content, Instant::now() + PATIENCE);
    while !left.is_empty() {
        match file.write(left) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                left = &left[written..];
                until = Instant::now() + PATIENCE;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < until => {
                thread::sleep(LOOK);
            }
            Err(error) => return Err(error),
        }
    }
    if is_file { file.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::os::unix::fs::symlink;

    fn write(path: &Path, text: &str) -> io::Result<()> {
        Destination::open(path, 0o600)?.write(text.as_bytes())
    }

    fn make_fifo(path: &Path) {
        mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a FIFO");
    }

    #[test]
    fn a_file_is_replaced_and_a_link_is_written_through() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let [file, link, other] = ["file", "link", "other"].map(|name| directory.path().join(name));
        write(&file, "one").expect("a new file");
        symlink(&file, &link).expect("a link");
        fs::hard_link(&file, &other).expect("another name");
        for path in [&link, &other] {
            let long = "a longer text, of which nothing is left";
            write(path, long).expect("written through");
            write(path, "two").expect("written through");
            assert_eq!(fs::read_to_string(&file).expect("the file"), "two");
        }
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
        // What it leads to need not be there.
        fs::remove_file(&file).expect("it goes");
        write(&link, "three").expect("made through the link");
        assert_eq!(fs::read_to_string(&file).expect("the file"), "three");
        assert_eq!(fs::read_dir(directory.path()).expect("a list").count(), 3);
    }

    #[test]
    fn nothing_is_changed_before_it_is_written() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let file = directory.path().join("file");
        drop(Destination::open(&file, 0o600).expect("it can be written"));
        assert!(!file.exists());
        write(&file, "one").expect("a file");
        let destination = Destination::open(&file, 0o600).expect("it can be written");
        assert_eq!(destination.previous(10).as_deref(), Some("one"));
        assert_eq!(destination.previous(2), None);
        for wrong in
            [directory.path(), &directory.path().join("no/file"), Path::new("/"), Path::new("")]
        {
            Destination::open(wrong, 0o600).expect_err("it cannot be written");
        }
    }

    #[test]
    fn a_fifo_is_written_where_somebody_reads_and_never_waited_for() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let fifo = directory.path().join("fifo");
        make_fifo(&fifo);
        let error = write(&fifo, "text").expect_err("nobody reads");
        assert_eq!(error.to_string(), "nobody reads from it");
        let error = open_regular(&fifo).expect_err("no file");
        assert_eq!(error.to_string(), "it is a FIFO, not a file");
        assert_eq!(read(&fifo, 10).expect_err("nobody writes").kind(), ErrorKind::TimedOut);

        let reader = OpenOptions::new().read(true).custom_flags(at_once()).open(&fifo);
        let destination = Destination::open(&fifo, 0o600).expect("somebody reads");
        assert_eq!(destination.previous(10), None);
        destination.write(b"text").expect("written");
        let mut text = String::new();
        reader.expect("a reader").read_to_string(&mut text).expect("read");
        assert_eq!(text, "text");

        let path = fifo.clone();
        let writer = thread::spawn(move || fs::write(path, "a plan"));
        assert_eq!(read(&fifo, 10).expect("somebody writes"), b"a plan");
        writer.join().expect("no panic").expect("written");
        assert!(fs::symlink_metadata(&fifo).expect("a FIFO").file_type().is_fifo());
    }

    /// One of our own, as only root can make it: what goes wrong must not take the system's away.
    fn make_device(path: &Path, minor: u32) -> bool {
        let device = rustix::fs::makedev(1, minor);
        let mode = Mode::from_raw_mode(0o600);
        mknodat(CWD, path, FileType::CharacterDevice, mode, device).is_ok()
    }

    #[test]
    fn what_never_ends_is_not_read_to_its_end() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let [zero, full] = ["zero", "full"].map(|name| directory.path().join(name));
        let (zero, full) = (zero.as_path(), full.as_path());
        if !make_device(zero, 5) || !make_device(full, 7) {
            return;
        }
        assert_eq!(
            read(zero, 10).expect_err("too large").to_string(),
            "it is larger than 10 bytes"
        );
        assert_eq!(Destination::open(zero, 0o600).expect("a device").previous(10), None);
        write(zero, "text").expect("swallowed");
        write(full, "text").expect_err("a full disk");
        let is_device =
            |path| fs::symlink_metadata(path).is_ok_and(|f| f.file_type().is_char_device());
        assert!(is_device(zero) && is_device(full));
    }
}
