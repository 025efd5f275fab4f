//! Which archives a word on the command line means: a path, the name of one in the archive directory, how that name
//! begins or ends, or `latest`.

use super::{receipts, run_record};
use crate::archive::{self, ArchiveDirectory, Entry, State};
use crate::database::Target;
use crate::exit::{Exit, Problem};
use crate::label::printable;
use crate::receipt::{Part, Receipt};
use crate::render::history::{moment, organizations};
use anyhow::Result;
use std::path::{Path, PathBuf};

const LATEST: &str = "latest";

/// The archives that `word` means: one, or with `latest` all of a run. Those of `target` alone, where one is named.
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
        return latest(directory, target);
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

/// All archives of the last run that has left any.
fn latest(directory: &Path, target: Option<&Target>) -> Result<Vec<PathBuf>> {
    let complete = ArchiveDirectory::archives(directory)?.into_iter();
    let complete = complete.filter(|entry| entry.state == State::Complete);
    let about =
        complete.filter_map(|entry| archive::about(&entry.path).map(|about| (entry, about)));
    let archives = match target {
        Some(target) => run_record::of_database(target, about.collect())?,
        None => about.map(|(entry, _)| entry).collect(),
    };
    let Some(last) = archives.last().map(|entry| entry.name()) else {
        let whose = if target.is_some() { " of this database" } else { "" };
        let problem = format!("there is no archive{whose} in {}", directory.display());
        return Err(Problem::usage(problem).hint("orgsweep archives lists all there are").into());
    };
    let receipts = receipts::receipts(directory)?.into_iter().map(|(_, receipt)| receipt);
    let of_run = |name: &str| {
        let mut runs = receipts.clone().filter(|receipt| receipt.command == "clean");
        runs.find(|receipt| receipt.parts.iter().any(|part| part.archive.as_deref() == Some(name)))
    };
    let run = of_run(&last);
    if let (Some(target), Some(run)) = (target, &run) {
        kept_nothing(target, receipts.clone(), run)?;
    }
    let of_run = |entry: &&Entry| match &run {
        Some(run) => run.parts.iter().any(|part| part.archive.as_deref() == Some(&*entry.name())),
        None => entry.name() == last,
    };
    Ok(archives.iter().filter(of_run).map(|entry| entry.path.clone()).collect())
}

/// A later deletion that kept no archive is the last one, and does not come back: no other is put back in its place.
fn kept_nothing(
    target: &Target,
    receipts: impl Iterator<Item = Receipt>,
    last: &Receipt,
) -> Result<()> {
    let database = target.redacted();
    let later = receipts.filter(|it| it.database == database && it.started_at > last.started_at);
    let parts = later.flat_map(|receipt| {
        let gone = |part: &Part| part.outcome == "cleaned" && part.archive.is_none();
        receipt.parts.into_iter().filter(gone).map(move |part| (part, receipt.started_at))
    });
    let Some((part, at)) = parts.last() else { return Ok(()) };
    let problem = format!(
        "the last deletion from this database kept no archive: {} on {}",
        printable(&organizations(std::slice::from_ref(&part))),
        moment(at)
    );
    Err(Problem::new(Exit::Refused, problem)
        .hint("orgsweep archives lists what was kept; orgsweep restore NAME puts one of them back")
        .into())
}

fn missing(word: &Path) -> Problem {
    Problem::usage(format!("there is no archive {}", word.display()))
        .hint("orgsweep archives lists those that there are")
}
