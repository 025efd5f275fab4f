//! Which archives a word on the command line means: a path, the name of one in the archive directory, how that name
//! begins or ends, or `latest`.

use super::last_deletion;
use crate::archive::{ArchiveDirectory, Entry};
use crate::database::Target;
use crate::exit::Problem;
use anyhow::Result;
use std::path::{Path, PathBuf};

const LATEST: &str = "latest";

/// The archives that `word` means: one, or with `latest` all of a deletion. Those of `target` alone, where one is named.
///
/// # Errors
/// None is meant, or one of several.
pub fn find(directory: &Path, word: &Path, target: Option<&Target>) -> Result<Vec<PathBuf>> {
    let kept = directory.join(word);
    if let Some(path) = [word, &kept].into_iter().find(|path| path.exists()) {
        return Ok(vec![path.to_owned()]);
    }
    let Some(text) = word.to_str().filter(|text| !text.is_empty()) else {
        return Err(missing(word).into());
    };
    if text == LATEST {
        return last_deletion::archives(directory, target);
    }
    let archives = ArchiveDirectory::archives(directory)?;
    let meant: Vec<&Entry> = archives.iter().filter(|entry| is_meant(entry, text)).collect();
    match meant[..] {
        [] => Err(missing(word).into()),
        [one] => Ok(vec![one.path.clone()]),
        _ => {
            let names: Vec<String> = meant.iter().map(|entry| entry.name()).collect();
            let problem = format!("{text} may be any of {} archives", names.len());
            Err(Problem::usage(problem).hint(names.join(", ")).into())
        }
    }
}

/// By the time with which its name begins, or by the eight digits at its end.
fn is_meant(entry: &Entry, text: &str) -> bool {
    const FEWEST: usize = 4;
    let name = entry.name();
    let stem = name.split(".tar.zst").next().unwrap_or_default();
    let id = stem.rsplit('-').next().unwrap_or_default();
    text.len() >= FEWEST && (name.starts_with(text) || id.starts_with(text))
}

fn missing(word: &Path) -> Problem {
    Problem::usage(format!("there is no archive {}", word.display()))
        .hint("orgsweep archives lists those that there are")
}
