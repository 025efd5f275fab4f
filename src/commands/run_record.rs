//! What a clean keeps of what it deletes, and for how long.

use super::context::{Prepared, Session};
use super::receipts;
use crate::archive::{self, ArchiveDirectory, FORMAT, Head, Link, Manifest};
use crate::bug;
use crate::cli::{self, RecordArgs};
use crate::database::{Database, Target};
use crate::execute::{Archiving, Failure};
use crate::exit::{self, Exit, Problem};
use crate::files::Destination;
use crate::findings::Organization;
use crate::metrics;
use crate::receipt::chain::KEPT;
use crate::receipt::{Part, Planned, Receipt};
use crate::settings::Settings;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use time::OffsetDateTime;

/// The directory of archives and receipts.
///
/// # Errors
/// Nobody says which, and the user has no home.
pub fn directory(archives: &cli::ArchiveDir, settings: &Settings) -> Result<PathBuf> {
    let directory = archives.archive_dir.clone().or_else(|| settings.state_directory());
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
    session: &Session,
    prepared: &Prepared,
    database: &mut Database,
    record: &RecordArgs,
) -> Result<Option<Archiving>> {
    if record.no_archive {
        return Ok(None);
    }
    let archives = ArchiveDirectory::open(&directory(&record.archives, &session.settings)?)
        .map_err(unwritable)?;
    let none = || Head { number: 0, link: Link { id: String::new(), sha256: String::new() } };
    let after = receipts::latest(&archives.directory)?.unwrap_or_else(none);
    let manifest = Manifest { after: Some(after), ..manifest(session, prepared, database)? };
    Ok(Some(Archiving::into_directory(archives, manifest)))
}

/// What an archive says of itself before any row is in it.
///
/// # Errors
/// The database does not tell who it is.
pub fn manifest(
    session: &Session,
    prepared: &Prepared,
    database: &mut Database,
) -> Result<Manifest> {
    Ok(Manifest {
        format: FORMAT,
        tool: concat!("orgsweep ", env!("CARGO_PKG_VERSION")).into(),
        made_at: OffsetDateTime::now_utc(),
        actor: session.settings.actor(),
        database: prepared.target.clone(),
        identity: database.identity()?,
        dialect: prepared.dialect,
        root: prepared.catalog.table(prepared.root.table).name.to_string(),
        organizations: Vec::new(),
        policy: prepared.policy.clone(),
        schema: prepared.catalog.fingerprint.clone(),
        after: None,
        exported: false,
        sections: Vec::new(),
    })
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
    pub archives: &'a cli::ArchiveDir,
    /// Where it was asked for besides.
    pub receipt: Option<&'a Path>,
    /// Where its numbers go.
    pub metrics: Option<&'a Path>,
    /// Who keeps no archive may have no place for a receipt.
    pub needed: bool,
    /// Archives older than this go.
    pub keep: Option<Duration>,
    /// The saved plan that it carries out.
    pub plan: Option<Planned>,
}

/// No metrics are larger.
const LARGEST_METRICS: u64 = 16 << 20;

/// Runs a command and writes its receipt, however it ends; where it ended well, removes what was kept long
/// enough.
///
/// # Errors
/// Those of the command; a file that was asked for and cannot be written, before anything else.
pub fn recorded(
    session: &Session,
    recording: Recording,
    ui: &mut Ui,
    run: impl FnOnce(&mut Vec<Part>, &mut Ui) -> Result<Exit>,
) -> Result<Exit> {
    let Recording { command, selection, archives, receipt: file, metrics, needed, keep, plan } =
        recording;
    let file = destination("--receipt", file, 0o600)?;
    let metrics = destination("--metrics", metrics, 0o644)?;
    let directory = directory(archives, &session.settings);
    let exposed = directory
        .as_ref()
        .ok()
        .filter(|_| needed)
        .and_then(|path| ArchiveDirectory::exposure(path));
    if let Some(exposure) = exposed {
        ui.warn(&exposure);
    }
    let database = session.target.redacted();
    let mut receipt =
        Receipt::begin(command, session.settings.actor(), database, selection.join(" "));
    receipt.plan = plan;
    receipt.archive_until = keep.filter(|_| needed).map(|keep| receipt.started_at + keep);
    let start = Instant::now();
    let ended = bug::caught(|| run(&mut receipt.parts, ui));
    match &ended {
        Ok(exit) => receipt.end(Ok(*exit), start.elapsed()),
        Err(error) => receipt.end(Err(&exit::diagnose(error)), start.elapsed()),
    }
    if receipt.exit != Exit::Usage.code()
        && let Err(why) = write(&mut receipt, directory.as_deref().ok(), file, needed, ui)
    {
        ui.warn(&format!("no receipt: {why}"));
    }
    if let Some(file) = metrics {
        let previous = file.previous(LARGEST_METRICS).unwrap_or_default();
        if let Err(error) = file.write(metrics::render(&receipt, &previous).as_bytes()) {
            ui.warn(&format!("no metrics: {error}"));
        }
    }
    // Who could not do their work leaves everything as it is, for those who look why.
    if let (Ok(directory), Some(keep), Ok(Exit::Done)) = (directory, keep, &ended)
        && let Err(error) = prune(session, &directory, keep, &receipt, ui)
    {
        ui.warn(&format!("old archives were not removed: {error}"));
    }
    ended
}

/// The file that a flag names, before anything is done.
///
/// # Errors
/// It cannot be written.
pub fn destination(flag: &str, path: Option<&Path>, mode: u32) -> Result<Option<Destination>> {
    let open = |path: &Path| {
        Destination::open(path, mode).map_err(|error| {
            let what = format!("{flag} {} cannot be written: {error}", path.display());
            Problem::usage(what).hint("nothing was deleted; its folder must exist")
        })
    };
    Ok(path.map(open).transpose()?)
}

/// Beside its archive, and where it was asked for.
fn write(
    receipt: &mut Receipt,
    directory: Option<&Path>,
    file: Option<Destination>,
    needed: bool,
    ui: &mut Ui,
) -> Result<()> {
    let archives = match directory.map(ArchiveDirectory::open) {
        Some(Ok(archives)) => archives,
        Some(Err(error)) if needed => return Err(error.into()),
        _ => return receipts::written(receipt, file).map(drop),
    };
    let archive = match &receipt.parts[..] {
        [part] if part.outcome == "cleaned" => part.archive.as_deref(),
        _ => None,
    };
    let stem = match archive.and_then(|name| name.strip_suffix(".tar.zst")) {
        Some(stem) => stem.to_owned(),
        None => archives.stem(receipt.started_at, &receipt.command),
    };
    let link = receipts::keep(receipt, &archives, &stem, file)?;
    if receipt.number == 0 {
        ui.warn("the receipt carries no digest of the one before: another run held the directory too long");
    } else if ui.is_heard() {
        let name = link.id.rsplit_once('-').map_or(link.id.as_str(), |(_, end)| end);
        ui.note(&format!("receipt {name}: sha256 {}", link.sha256));
    }
    Ok(())
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
        left_behind: BTreeMap::new(),
        stay: false,
        linked: BTreeMap::new(),
        kept: BTreeMap::new(),
        unassociated: BTreeMap::new(),
        stranded: BTreeMap::new(),
        unproven: Vec::new(),
        archive: pending.map(|name| name.to_string_lossy().into_owned()),
        digests: BTreeMap::new(),
        archive_digest: None,
        restored: None,
    }
}

/// Removes this database's archives of earlier runs that were kept long enough, and its receipts.
fn prune(
    session: &Session,
    directory: &Path,
    keep: Duration,
    receipt: &Receipt,
    ui: &mut Ui,
) -> Result<()> {
    let began = SystemTime::from(receipt.started_at);
    let own: BTreeSet<&str> =
        receipt.parts.iter().filter_map(|part| part.archive.as_deref()).collect();
    let earlier = |entry: &archive::Entry| entry.modified < began && !own.contains(&*entry.name());
    let mut archives = ArchiveDirectory::expired(directory, keep)?;
    archives.retain(|(entry, _)| earlier(entry));
    let mut old = of_database(&session.target, archives)?;
    let receipts = receipts::receipts(directory)?
        .into_iter()
        .filter(|(entry, old)| entry.age() > KEPT && old.database == receipt.database);
    old.extend(receipts.map(|(entry, _)| entry));
    for entry in old {
        match entry.remove() {
            Ok(()) => ui.note(&format!("kept long enough, removed: {}", entry.path.display())),
            Err(error) => ui.warn(&error.to_string()),
        }
    }
    Ok(())
}

/// An archive of which rows are to be put back.
///
/// # Errors
/// Something is wrong with it.
pub fn checked(path: &Path) -> Result<archive::Reader, Problem> {
    let checked = archive::verify(path);
    checked.map_err(|error| Problem::new(Exit::Refused, format!("{error}; nothing was written")))
}

/// Those of this database, and of no other.
///
/// # Errors
/// It cannot be asked who it is.
pub fn of_database(
    target: &Target,
    archives: Vec<(archive::Entry, archive::About)>,
) -> Result<Vec<archive::Entry>> {
    if archives.is_empty() {
        return Ok(Vec::new());
    }
    let identity = Database::connect(target, false)?.identity()?;
    let ours = archives.into_iter().filter(|(_, about)| about.identity == identity);
    Ok(ours.map(|(entry, _)| entry).collect())
}
