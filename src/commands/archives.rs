//! `orgsweep archives`: what is kept.

use super::{archive_files, archive_names, receipts, run_record};
use crate::archive::{self, ArchiveDirectory, Reader};
use crate::cli::{Archives, ArchivesCommand, PlainFormat};
use crate::database::Target;
use crate::exit::{Exit, Problem};
use crate::policy::Policy;
use crate::render::archives::{self, Kept};
use crate::settings::Settings;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;

/// `target`: the database that is named, where one is.
pub fn run(
    settings: &Settings,
    target: impl FnOnce() -> Result<Option<Target>>,
    policy: impl FnOnce() -> Result<Policy, Problem>,
    args: &Archives,
    ui: &mut Ui,
) -> Result<Exit> {
    let directory = run_record::directory(&args.archives, settings)?;
    let json = args.format == PlainFormat::Json;
    match &args.command {
        None | Some(ArchivesCommand::List) => {
            let kept = kept(&directory, ArchiveDirectory::archives(&directory)?)?;
            ui.result(&if json {
                archives::archives_json(&kept)
            } else {
                archives::archives_table(&directory, &kept, ui.width)
            });
        }
        Some(ArchivesCommand::Show { archive }) => {
            let target = target()?;
            for path in archive_names::find(&directory, archive, target.as_ref())? {
                let reader = checked(&path)?;
                ui.result(&if json {
                    archives::manifest_json(&reader.manifest)
                } else {
                    archives::manifest_table(&reader.manifest, ui.width)
                });
            }
        }
        Some(ArchivesCommand::Files { archive, column }) => {
            let target = target()?;
            let named = if column.is_empty() { policy()?.files() } else { Vec::new() };
            if column.is_empty() && named.is_empty() {
                return Err(Problem::usage("nothing says which columns name files")
                    .hint("--column TABLE.COLUMN, or the policy: [tables.documents] files = [\"file\"]")
                    .into());
            }
            for path in archive_names::find(&directory, archive, target.as_ref())? {
                let reader = checked(&path)?;
                archive_files::list(&reader, (&column[..], &named[..]), json, ui)?;
            }
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

/// # Errors
/// Something is wrong with it.
fn checked(path: &Path) -> Result<Reader> {
    let checked = archive::verify(path).map_err(|error| {
        Problem::new(Exit::Refused, error.to_string())
            .hint("orgsweep archives lists those that there are")
    });
    Ok(checked?)
}

/// Archives with what their receipts say of them: reading all of each would take long.
fn kept(directory: &Path, entries: Vec<archive::Entry>) -> Result<Vec<Kept>> {
    let (mut parts, mut restored) = (BTreeMap::new(), BTreeMap::new());
    for (_, receipt) in receipts::receipts(directory)? {
        for part in receipt.parts {
            let Some(archive) = part.archive.clone() else { continue };
            if part.outcome == "cleaned" {
                parts.insert(archive, part);
            } else if part.outcome == "restored"
                && let Some(name) = Path::new(&archive).file_name()
            {
                restored.insert(name.to_string_lossy().into_owned(), receipt.started_at);
            }
        }
    }
    let kept = |entry: archive::Entry| {
        let name = entry.name();
        Kept { part: parts.remove(&name), restored: restored.remove(&name), name, entry }
    };
    Ok(entries.into_iter().map(kept).collect())
}
