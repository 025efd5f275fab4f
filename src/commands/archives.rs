//! `orgsweep archives` and `orgsweep history`: what is kept, and what was done.

use super::keeping;
use crate::archive::{self, Shelf, State};
use crate::cli::{Archives, ArchivesCommand, History, PlainFormat};
use crate::exit::{Exit, Problem};
use crate::receipt::Receipt;
use crate::render::shelf::{self, Kept};
use crate::settings::Settings;
use crate::ui::Ui;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};

pub fn run(settings: &Settings, args: &Archives, ui: &mut Ui) -> Result<Exit> {
    let directory = keeping::directory(&args.shelf, settings)?;
    let json = args.format == PlainFormat::Json;
    match &args.command {
        None => {
            let kept: Vec<Kept> = Shelf::archives(&directory)?
                .into_iter()
                .map(|entry| kept(&directory, entry))
                .collect();
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
                    removed.push(kept(&directory, entry));
                }
            }
            ui.result(&match json {
                true => shelf::archives_json(&removed),
                false => shelf::pruned(&removed, *dry_run),
            });
        }
    }
    Ok(Exit::Done)
}

/// An archive with what its receipt says of it: reading all of each would take long.
fn kept(directory: &Path, entry: archive::Entry) -> Kept {
    let name = entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.split(".tar.zst").next().unwrap_or_default();
    let receipt = Shelf { directory: directory.to_owned() }.receipt(stem);
    let receipt = read(&receipt).filter(|_| entry.state == State::Complete);
    Kept { name, entry, receipt }
}

fn read(path: &PathBuf) -> Option<Receipt> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

pub fn history(settings: &Settings, args: &History, ui: &mut Ui) -> Result<Exit> {
    let directory = keeping::directory(&args.shelf, settings)?;
    let receipts = Shelf::receipts(&directory)?;
    let mut receipts: Vec<Receipt> =
        receipts.iter().filter_map(|entry| read(&entry.path)).collect();
    receipts.sort_by_key(|receipt| receipt.started_at);
    let first = receipts.len().saturating_sub(args.last);
    ui.result(&match args.format {
        PlainFormat::Json => shelf::history_json(&receipts[first..]),
        PlainFormat::Table => shelf::history_table(&receipts[first..], ui.width),
    });
    Ok(Exit::Done)
}
