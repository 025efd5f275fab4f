//! The files that a working directory brings along: `.env` and `orgsweep.toml`, looked for in it and upwards as
//! far as the repository's root, the home directory or the file system's edge.
//!
//! Who can write into a directory above could otherwise choose a database, or take guards away: git's
//! `safe.directory` is about the same (<https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory>).

use crate::exit::Problem;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that is looked for.
pub struct Wanted {
    pub name: &'static str,
    /// A directory of this name is something else: a virtual environment of Python is often called .env.
    pub not_directory: bool,
    /// What does without it.
    pub way_out: &'static str,
}

/// The nearest file of that name in `start` or above it. `home` ends the search, and so does a `.git`.
///
/// # Errors
/// It, or the directory in which it stands, belongs to somebody else than the user or root; it is no regular
/// file; nobody can tell whether it is there.
pub fn nearest(
    wanted: &Wanted,
    start: &Path,
    home: Option<&Path>,
) -> Result<Option<PathBuf>, Problem> {
    for directory in start.ancestors() {
        let path = directory.join(wanted.name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() && wanted.not_directory => {}
            Ok(found) => return trusted(wanted, directory, path, &found).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(wanted, &path, &error)),
        }
        if home == Some(directory) || directory.join(".git").exists() {
            break;
        }
    }
    Ok(None)
}

/// The path, if nobody else has had a hand in it: neither in the directory, nor in the file (anybody may put
/// one into /tmp), nor in what a link leads to.
pub(super) fn trusted(
    wanted: &Wanted,
    directory: &Path,
    path: PathBuf,
    found: &Metadata,
) -> Result<PathBuf, Problem> {
    let seen = |error: io::Error| unreadable(wanted, &path, &error);
    let around = fs::metadata(directory).map_err(seen)?;
    let file = fs::metadata(&path).map_err(seen)?;
    let own = rustix::process::geteuid().as_raw();
    for (what, uid) in [
        ("stands in a directory of", around.uid()),
        ("belongs to", found.uid()),
        ("leads to a file of", file.uid()),
    ] {
        if uid != own && uid != 0 {
            let problem =
                format!("{} {what} user {uid}, who is neither you nor root", path.display());
            return Err(Problem::usage(problem).hint(wanted.way_out));
        }
    }
    if !file.is_file() {
        let problem = format!("{} is no regular file", path.display());
        return Err(Problem::usage(problem).hint(wanted.way_out));
    }
    Ok(path)
}

fn unreadable(wanted: &Wanted, path: &Path, error: &io::Error) -> Problem {
    Problem::usage(format!("{} cannot be read: {error}", path.display())).hint(wanted.way_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted { name: ".env", not_directory: true, way_out: "--no-env" };

    #[test]
    fn the_nearest_file_counts_up_to_the_root_of_the_repository_or_the_home() {
        let directory = tempfile::TempDir::new().unwrap();
        let top = fs::canonicalize(directory.path()).unwrap();
        let deep = top.join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        let found = |home: Option<&Path>| nearest(&WANTED, &deep, home).unwrap();
        fs::write(top.join(WANTED.name), "").unwrap();
        assert_eq!(found(None), Some(top.join(WANTED.name)));
        fs::create_dir(deep.join(WANTED.name)).unwrap();
        assert_eq!(found(None), Some(top.join(WANTED.name)));
        assert_eq!(found(Some(&top.join("a"))), None);
        assert_eq!(found(Some(&top)), Some(top.join(WANTED.name)));
        fs::write(top.join("a/.git"), "gitdir: elsewhere").unwrap();
        assert_eq!(found(None), None);
        fs::write(top.join("a").join(WANTED.name), "").unwrap();
        assert_eq!(found(None), Some(top.join("a").join(WANTED.name)));
        assert!(nearest(&Wanted { not_directory: false, ..WANTED }, &deep, None).is_err());
    }
}
