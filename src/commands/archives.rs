//! `orgsweep archives`: what is kept.

use super::receipts;
use super::run_record;
use crate::archive::{self, ArchiveDirectory};
use crate::cli::{Archives, ArchivesCommand, PlainFormat};
use crate::database::Target;
use crate::exit::{Exit, Problem};
use crate::render::archives::{self, Kept};
use crate::settings::Settings;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;

/// `target`: the database that is named, where one is.
pub fn run(
    settings: &Settings,
    target: impl FnOnce() -> Result<Option<Target>, Problem>,
    args: &Archives,
    ui: &mut Ui,
) -> Result<Exit> {
    let directory = run_record::directory(&args.archives, settings)?;
    let json = args.format == PlainFormat::Json;
    match &args.command {
        None => {
            let kept = kept(&directory, ArchiveDirectory::archives(&directory)?)?;
            ui.result(&if json {
                archives::archives_json(&kept)
            } else {
                archives::archives_table(&directory, &kept, ui.width)
            });
        }
        Some(ArchivesCommand::Show { archive }) => {
            let path = if archive.exists() { archive.clone() } else { directory.join(archive) };
            let reader = archive::verify(&path).map_err(|error| {
                Problem::new(Exit::Refused, error.to_string())
                    .hint("orgsweep archives lists those that there are")
            })?;
            ui.result(&if json {
                archives::manifest_json(&reader.manifest)
            } else {
                archives::manifest_table(&reader.manifest, ui.width)
            });
        }
        Some(ArchivesCommand::Prune { older_than, dry_run }) => {
            let old = ArchiveDirectory::expired(&directory, *older_than)?;
            let removed = match target()? {
                Some(target) => run_record::of_database(&target, old)?,
                None => old.into_iter().map(|(entry, _)| entry).collect(),
            };
            for entry in removed.iter().filter(|_| !dry_run) {
                entry.remove()?;
            }
            let removed = kept(&directory, removed)?;
            ui.result(&if json {
                archives::archives_json(&removed)
            } else {
                archives::pruned(&removed, *dry_run)
            });
        }
    }
    Ok(Exit::Done)
}

/// Archives with what their receipts say of them: reading all of each would take long.
fn kept(directory: &Path, entries: Vec<archive::Entry>) -> Result<Vec<Kept>> {
    let mut parts = BTreeMap::new();
    for (_, receipt) in receipts::receipts(directory)? {
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
