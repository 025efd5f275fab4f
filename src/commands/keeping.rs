//! What a clean keeps of what it deletes, and for how long.

use super::context::{Prepared, Subject};
use crate::archive::{self, FORMAT, Manifest, Shelf, write_private, write_whole};
use crate::cli::{self, Keep};
use crate::database::Database;
use crate::execute::{Archiving, Failure};
use crate::exit::{self, Exit, Problem};
use crate::findings::Organization;
use crate::metrics;
use crate::receipt::{Part, Receipt};
use crate::settings::Settings;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;
use time::OffsetDateTime;

/// The directory of archives and receipts.
///
/// # Errors
/// Nobody says which, and the user has no home.
pub fn directory(shelf: &cli::Shelf, settings: &Settings) -> Result<PathBuf> {
    let directory = shelf.archive_dir.clone().or_else(|| settings.state_directory());
    directory.ok_or_else(|| {
        Problem::usage("there is no home directory to keep archives in")
            .hint("--archive-dir DIRECTORY, or ORGSWEEP_ARCHIVE_DIR, or --no-archive")
            .into()
    })
}

/// Where this clean writes its archive; `None` where it shall keep none.
///
/// # Errors
/// The directory cannot be written: told before anything is deleted.
pub fn archiving(
    subject: &Subject,
    prepared: &Prepared,
    database: &mut Database,
    keep: &Keep,
) -> Result<Option<Archiving>> {
    if keep.no_archive {
        return Ok(None);
    }
    let shelf = Shelf::open(&directory(&keep.shelf, &subject.settings)?).map_err(unwritable)?;
    let manifest = Manifest {
        format: FORMAT,
        tool: concat!("orgsweep ", env!("CARGO_PKG_VERSION")).into(),
        made_at: OffsetDateTime::now_utc(),
        actor: subject.settings.actor(),
        database: prepared.target.clone(),
        identity: database.identity()?,
        dialect: prepared.dialect,
        root: prepared.catalog.table(prepared.root.table).name.to_string(),
        organizations: Vec::new(),
        policy: prepared.policy.clone(),
        schema: prepared.catalog.fingerprint.clone(),
        sections: Vec::new(),
    };
    Ok(Some(Archiving { shelf, manifest }))
}

fn unwritable(error: archive::Error) -> anyhow::Error {
    let message = format!(
        "{} cannot be written, so what is deleted could not be kept: {}; nothing was deleted",
        error.path.display(),
        error.message
    );
    Problem::new(Exit::Usage, message)
        .hint("--archive-dir DIRECTORY keeps archives elsewhere, --no-archive keeps none")
        .into()
}

/// What becomes of a run's receipt.
pub struct Recording<'a> {
    pub command: &'static str,
    /// What was asked for.
    pub selection: Vec<String>,
    pub shelf: &'a cli::Shelf,
    /// Where it was asked for besides.
    pub receipt: Option<&'a Path>,
    /// Where its numbers go.
    pub metrics: Option<&'a Path>,
    /// Who keeps no archive may have no place for a receipt.
    pub needed: bool,
    /// Archives older than this go.
    pub keep: Option<Duration>,
}

/// Runs a command and writes its receipt, however it ends; removes what was kept long enough.
///
/// # Errors
/// Those of the command; a receipt that was asked for and cannot be written, before anything else.
pub fn recorded(
    subject: &Subject,
    recording: Recording,
    ui: &mut Ui,
    run: impl FnOnce(&mut Vec<Part>, &mut Ui) -> Result<Exit>,
) -> Result<Exit> {
    let Recording { command, selection, shelf, receipt: file, metrics, needed, keep } = recording;
    for (flag, path) in [("--receipt", file), ("--metrics", metrics)] {
        if let Some(path) = path {
            OpenOptions::new().append(true).create(true).open(path).map_err(|error| {
                let what = format!("{flag} {} cannot be written: {error}", path.display());
                Problem::usage(what).hint("nothing was deleted; its folder must exist")
            })?;
        }
    }
    let database = subject.target.redacted();
    let mut receipt =
        Receipt::begin(command, subject.settings.actor(), database, selection.join(" "));
    let ended = run(&mut receipt.parts, ui);
    match &ended {
        Ok(exit) => receipt.end(Ok(*exit)),
        Err(error) => receipt.end(Err(&exit::diagnose(error))),
    }
    let directory = directory(shelf, &subject.settings);
    if receipt.exit != Exit::Usage.code()
        && let Err(why) = write(&receipt, directory.as_deref().ok(), file, needed)
    {
        ui.warn(&format!("no receipt: {why}"));
    }
    if let Some(path) = metrics {
        let previous = fs::read_to_string(path).unwrap_or_default();
        let text = metrics::render(&receipt, &previous);
        if let Err(error) = write_whole(path, text.as_bytes(), 0o644) {
            ui.warn(&format!("no metrics: {}: {}", path.display(), error.message));
        }
    }
    if let (Ok(directory), Some(keep)) = (directory, keep) {
        prune(&directory, keep, ui);
    }
    ended
}

/// Beside its archive, and where it was asked for.
fn write(
    receipt: &Receipt,
    directory: Option<&Path>,
    file: Option<&Path>,
    needed: bool,
) -> archive::Result<()> {
    let text = serde_json::to_vec_pretty(receipt).expect("plain data always serializes");
    if let Some(path) = file {
        write_private(path, &text)?;
    }
    let Some(directory) = directory else {
        return Ok(());
    };
    let shelf = match Shelf::open(directory) {
        Err(_) if !needed => return Ok(()),
        shelf => shelf?,
    };
    let archive = match &receipt.parts[..] {
        [part] if part.outcome == "cleaned" => part.archive.as_deref(),
        _ => None,
    };
    let stem = match archive.and_then(|name| name.strip_suffix(".tar.zst")) {
        Some(stem) => stem.to_owned(),
        None => shelf.stem(receipt.started_at, &receipt.command),
    };
    write_private(&shelf.receipt(&stem), &text)
}

/// How a transaction failed, for the receipt.
pub fn failed(organizations: &[Organization], error: &anyhow::Error, took: Duration) -> Part {
    let problem = exit::diagnose(error);
    let pending = match error.downcast_ref() {
        Some(Failure::OutcomeUnknown { archive, .. }) => {
            archive.as_deref().and_then(Path::file_name)
        }
        _ => None,
    };
    let organization =
        |one: &Organization| archive::Organization { key: one.key.clone(), name: one.name.clone() };
    Part {
        organizations: organizations.iter().map(organization).collect(),
        outcome: if problem.exit == Exit::Unknown { "unknown" } else { "failed" }.into(),
        error: Some(problem.to_string()),
        seconds: took.as_secs_f64(),
        deleted: 0,
        unlinked: 0,
        tables: BTreeMap::new(),
        unproven: Vec::new(),
        archive: pending.map(|name| name.to_string_lossy().into_owned()),
        digests: BTreeMap::new(),
    }
}

/// Receipts say who deleted what, without any of it.
const KEEP_RECEIPTS: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// A file that is still being written is not older than this.
const UNFINISHED: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes what was kept long enough.
pub fn prune(directory: &Path, keep: Duration, ui: &mut Ui) {
    let old = |entry: &archive::Entry| match entry.state {
        archive::State::Partial => entry.age() > UNFINISHED,
        _ => entry.age() > keep,
    };
    let archives = Shelf::archives(directory).unwrap_or_default();
    let receipts = Shelf::receipts(directory).unwrap_or_default();
    let receipts = receipts.into_iter().filter(|entry| entry.age() > KEEP_RECEIPTS);
    for entry in archives.into_iter().filter(old).chain(receipts) {
        match entry.remove() {
            Ok(()) => ui.note(&format!("kept long enough, removed: {}", entry.path.display())),
            Err(error) => ui.warn(&error.to_string()),
        }
    }
}
