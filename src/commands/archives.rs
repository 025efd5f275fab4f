//! `orgsweep archives` and `orgsweep history`: what is kept, and what was done.

use super::keeping;
use crate::archive::{self, Shelf};
use crate::cli::{Archives, ArchivesCommand, History, PlainFormat};
use crate::exit::{Exit, Problem};
use crate::receipt::Receipt;
use crate::render::shelf::{self, Kept};
use crate::settings::Settings;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub fn run(settings: &Settings, args: &Archives, ui: &mut Ui) -> Result<Exit> {
    let directory = keeping::directory(&args.shelf, settings)?;
    let json = args.format == PlainFormat::Json;
    match &args.command {
        None => {
            let kept = kept(&directory, Shelf::archives(&directory)?)?;
            ui.result(&match json {
                true => shelf::archives_json(&kept),
                false => shelf::archives_table(&directory, &kept, ui.width),
            });
        }
        Some(ArchivesCommand::Show { archive }) => {
            let path = if archive.exists() { archive.clone() } else { directory.join(archive) };
            let reader = archive::verify(&path).map_err(|error| {
                Problem::new(Exit::Refused, error.to_string())
                    .hint("orgsweep archives lists those that there are")
            })?;
            ui.result(&match json {
                true => shelf::manifest_json(&reader.manifest),
                false => shelf::manifest_table(&reader.manifest, ui.width),
            });
        }
        Some(ArchivesCommand::Prune { older_than, dry_run }) => {
            let mut removed = Vec::new();
            for entry in Shelf::archives(&directory)? {
                if entry.age() >= *older_than {
                    if !dry_run {
                        entry.remove()?;
                    }
                    removed.push(entry);
                }
            }
            let removed = kept(&directory, removed)?;
            ui.result(&match json {
                true => shelf::archives_json(&removed),
                false => shelf::pruned(&removed, *dry_run),
            });
        }
    }
    Ok(Exit::Done)
}

/// Archives with what their receipts say of them: reading all of each would take long.
fn kept(directory: &Path, entries: Vec<archive::Entry>) -> Result<Vec<Kept>> {
    let mut parts = BTreeMap::new();
    for receipt in receipts(directory)? {
        for part in receipt.parts.into_iter().filter(|part| part.outcome == "cleaned") {
            parts.extend(part.archive.clone().map(|name| (name, part)));
        }
    }
    let kept = |entry: archive::Entry| {
        let name = entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Kept { part: parts.remove(&name), name, entry }
    };
    Ok(entries.into_iter().map(kept).collect())
}

/// Those that can be read, the oldest first.
fn receipts(directory: &Path) -> Result<Vec<Receipt>> {
    let read = |entry: &archive::Entry| serde_json::from_slice(&fs::read(&entry.path).ok()?).ok();
    let mut receipts: Vec<Receipt> = Shelf::receipts(directory)?.iter().filter_map(read).collect();
    receipts.sort_by_key(|receipt| receipt.started_at);
    Ok(receipts)
}

pub fn history(settings: &Settings, args: &History, ui: &mut Ui) -> Result<Exit> {
    let directory = keeping::directory(&args.shelf, settings)?;
    let receipts = receipts(&directory)?;
    let first = receipts.len().saturating_sub(args.last);
    ui.result(&match args.format {
        PlainFormat::Json => shelf::history_json(&receipts[first..]),
        PlainFormat::Table => shelf::history_table(&receipts[first..], ui.width),
    });
    Ok(Exit::Done)
}
