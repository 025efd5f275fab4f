//! The archives of the last deletion from a database, all of them: of a run, and of those before it that were cut off
//! and that it went on with.

use super::{receipts, run_record};
use crate::archive::{self, ArchiveDirectory, Entry, Kind, Organization};
use crate::database::Target;
use crate::exit::{Exit, Problem};
use crate::label::printable;
use crate::receipt::{Part, Receipt};
use crate::render::history::{moment, organizations};
use anyhow::Result;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Without `target`: of the last run in this directory.
///
/// # Errors
/// There is none; some or all of it is not kept, so that another would come back in its place.
pub fn archives(directory: &Path, target: Option<&Target>) -> Result<Vec<PathBuf>> {
    let complete = ArchiveDirectory::own(directory, Entry::is_complete)?;
    let kept = match target {
        Some(target) => run_record::of_database(target, complete)?,
        None => complete.into_iter().map(|(entry, _)| entry).collect(),
    };
    let receipts = receipts::receipts(directory)?.into_iter().map(|(_, receipt)| receipt);
    let receipts: Vec<Receipt> = receipts.collect();
    let Some(last) = kept.last() else {
        if let Some(target) = target {
            is_the_last(target, &kept, &receipts, None)?;
        }
        let whose = if target.is_some() { " of this database" } else { "" };
        let problem = format!("there is no archive{whose} in {}", directory.display());
        return Err(Problem::usage(problem).hint("orgsweep archives lists all there are").into());
    };
    let run = receipts.iter().rev().find(|it| archives_of(it).any(|name| name == last.name()));
    if let (Some(target), Some(run)) = (target, run) {
        is_the_last(target, &kept, &receipts, Some(run))?;
    }
    let mut names: BTreeSet<String> = BTreeSet::from([last.name()]);
    names.extend(run.iter().flat_map(|run| archives_of(run)).map(str::to_owned));
    names.extend(cut_off(&kept, &receipts, last, run)?);
    let gone: Vec<&str> = names
        .iter()
        .filter(|name| kept.iter().all(|entry| entry.name() != **name))
        .map(String::as_str)
        .collect();
    if gone.is_empty() {
        let meant = kept.iter().filter(|entry| names.contains(&entry.name()));
        return Ok(meant.map(|entry| entry.path.clone()).collect());
    }
    let problem = format!(
        "{} of the {} archives of the last deletion are not in {} any more: {}; nothing was written",
        gone.len(),
        names.len(),
        directory.display(),
        gone.join(", ")
    );
    Err(Problem::new(Exit::Refused, problem).hint(BY_NAME).into())
}

const BY_NAME: &str =
    "orgsweep archives lists what was kept; orgsweep restore NAME puts one of them back";

fn cleaned(receipt: &Receipt) -> impl Iterator<Item = &Part> {
    let parts = receipt.parts.iter().filter(|_| receipt.command == "clean");
    parts.filter(|part| part.outcome == "cleaned")
}

fn archives_of(receipt: &Receipt) -> impl Iterator<Item = &str> {
    cleaned(receipt).filter_map(|part| part.archive.as_deref())
}

/// Digests of the archives that a run put back.
fn restored_by(receipt: &Receipt) -> impl Iterator<Item = &str> {
    receipt.parts.iter().filter_map(|part| part.restored.as_deref())
}

/// A deletion later than `last` of which no archive is there is the last one, and does not come back.
fn is_the_last(
    target: &Target,
    kept: &[Entry],
    receipts: &[Receipt],
    last: Option<&Receipt>,
) -> Result<()> {
    let database = target.redacted();
    let restored: BTreeSet<&str> = receipts.iter().flat_map(restored_by).collect();
    let is_later = |it: &&Receipt| {
        it.database == database && last.is_none_or(|last| it.started_at > last.started_at)
    };
    let later = receipts.iter().filter(is_later);
    let parts = later.flat_map(|receipt| cleaned(receipt).map(|part| (part, receipt.started_at)));
    let is_gone = |(part, _): &(&Part, _)| {
        let is_kept = |name: &str| kept.iter().any(|entry| entry.name() == name);
        !part.archive.as_deref().is_some_and(is_kept)
            && !part.archive_digest.as_deref().is_some_and(|digest| restored.contains(digest))
    };
    let parts = parts.filter(is_gone);
    let Some((part, at)) = parts.last() else { return Ok(()) };
    let what = match &part.archive {
        None => "kept no archive".to_owned(),
        Some(name) => format!("has its archive {name} here no more"),
    };
    let problem = format!(
        "the last deletion from this database {what}: {} on {}",
        printable(&organizations(std::slice::from_ref(part))),
        moment(at)
    );
    Err(Problem::new(Exit::Refused, problem).hint(BY_NAME).into())
}

/// Archives of organizations whose own rows went later, with `last` or its run: of batches before, of a run that was
/// interrupted, and that selected others, too, or fewer. Where it was killed no receipt tells of it.
fn cut_off(
    kept: &[Entry],
    receipts: &[Receipt],
    last: &Entry,
    run: Option<&Receipt>,
) -> Result<Vec<String>> {
    let known: BTreeSet<&str> = receipts.iter().flat_map(archives_of).collect();
    let unknown = |entry: &&Entry| !known.contains(&*entry.name()) && entry.path != last.path;
    let unknown: Vec<&Entry> = kept.iter().filter(unknown).collect();
    let before = receipts.iter().rev().filter(|it| {
        run.is_some_and(|run| it.started_at < run.started_at && it.database == run.database)
    });
    let before: Vec<&Receipt> = before.filter(|it| cleaned(it).next().is_some()).collect();
    if unknown.is_empty() && before.is_empty() {
        return Ok(Vec::new());
    }
    let manifest = run_record::checked(&last.path)?.manifest;
    let parts = run.into_iter().flat_map(cleaned).map(|part| &part.organizations);
    let went: BTreeSet<&str> =
        parts.chain([&manifest.organizations]).flatten().map(|one| one.key.as_str()).collect();
    let is_of = |organizations: &[Organization]| {
        organizations.iter().any(|one| went.contains(one.key.as_str()))
    };
    let restored: BTreeSet<&str> = receipts
        .iter()
        .filter(|it| run.is_none_or(|run| it.started_at < run.started_at))
        .flat_map(restored_by)
        .collect();
    let came_back = |digest: Option<&str>| digest.is_some_and(|digest| restored.contains(digest));
    let (mut names, mut since) = (Vec::new(), None);
    for receipt in before {
        let parts: Vec<&Part> =
            cleaned(receipt).filter(|part| is_of(&part.organizations)).collect();
        let whole = |part: &&Part| {
            part.tables.contains_key(&manifest.root) || came_back(part.archive_digest.as_deref())
        };
        if parts.is_empty() {
            continue;
        }
        if receipt.exit == Exit::Done.code() || parts.iter().any(whole) {
            since = Some(receipt.started_at);
            break;
        }
        names.extend(parts.iter().filter_map(|part| part.archive.clone()));
    }
    for entry in unknown {
        let of = run_record::checked(&entry.path)?.manifest;
        let own = |section: &archive::Section| {
            section.kind == Kind::Rows && section.table_name().to_string() == of.root
        };
        if of.root == manifest.root
            && is_of(&of.organizations)
            && !of.sections.iter().any(own)
            && since.is_none_or(|since| of.made_at > since)
            && !came_back(Some(&of.digest()))
        {
            names.push(entry.name());
        }
    }
    Ok(names)
}
