//! `orgsweep restore`

use super::archive_names;
use super::context::Session;
use super::progress::show_progress;
use super::receipts;
use super::run_record::{self, Recording};
use crate::archive::{Manifest, Reader};
use crate::catalog::{Catalog, TableId};
use crate::cli::{PlainFormat, Restore};
use crate::database::{self, Database, Fault};
use crate::execute::{self, Failure, Job, Progress, Source};
use crate::exit::{self, Exit, Problem};
use crate::interrupt;
use crate::introspect;
use crate::plan::{self, Rules};
use crate::receipt::{Part, digests};
use crate::render::restoration::{self, Ended, View};
use crate::restoration::{Obstacle, Restored};
use crate::selection::{Root, Selection};
use crate::sql::fixes;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

pub fn run(session: &Session, args: &Restore, ui: &mut Ui) -> Result<Exit> {
    let mut readers = Vec::new();
    for path in find(session, args)? {
        readers.push(
            run_record::checked(&path)
                .map_err(|problem| problem.hint("orgsweep archives lists those that there are"))?,
        );
    }
    // What went last comes back first: batches are deleted from the leaves up.
    readers.sort_by_key(|reader| std::cmp::Reverse(reader.manifest.made_at));
    if args.dry_run {
        return all(session, args, &readers, &mut Vec::new(), ui);
    }
    let recording = Recording {
        command: "restore",
        selection: readers.iter().map(|reader| reader.path().display().to_string()).collect(),
        archives: &args.archives,
        receipt: args.receipt.as_deref(),
        metrics: None,
        needed: false,
        keep: None,
        plan: None,
    };
    run_record::recorded(session, recording, ui, |parts, ui| {
        all(session, args, &readers, parts, ui)
    })
}

/// Each in a transaction of its own; the first that cannot be restored ends it.
fn all(
    session: &Session,
    args: &Restore,
    readers: &[Reader],
    parts: &mut Vec<Part>,
    ui: &mut Ui,
) -> Result<Exit> {
    let doubted = doubted(session, args, readers, ui)?;
    for (n, reader) in readers.iter().enumerate() {
        let ended = restore(session, args, (reader, doubted[n]), parts, ui);
        let path = reader.path().display();
        match ended {
            Ok(Exit::Done) if args.dry_run => {}
            Ok(Exit::Done) => interrupt::committed(format!("{path}")),
            ended if n == 0 || args.dry_run => return ended,
            Ok(_) => {
                return Err(Problem::new(
                    Exit::Partly,
                    format!("{n} of {} archives are restored; {path} was refused", readers.len()),
                )
                .hint("see above why; the same command without the restored ones goes on")
                .into());
            }
            Err(error) => {
                let problem = exit::diagnose(&error);
                let done = format!(
                    "{n} of {} archives are restored, then: {}",
                    readers.len(),
                    problem.message
                );
                return Err(Problem { exit: Exit::Partly, message: done, ..problem }.into());
            }
        }
    }
    Ok(Exit::Done)
}

/// The files that are meant, each once.
fn find(session: &Session, args: &Restore) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for word in &args.archive {
        // A path needs no directory.
        let directory = run_record::directory(&args.archives, &session.settings);
        let meant = match directory {
            Err(_) if word.exists() => vec![word.clone()],
            directory => archive_names::find(&directory?, word, Some(&session.target))?,
        };
        files.extend(meant);
    }
    Ok(files)
}

fn restore(
    session: &Session,
    args: &Restore,
    (reader, restored_before): (&Reader, bool),
    parts: &mut Vec<Part>,
    ui: &mut Ui,
) -> Result<Exit> {
    let manifest = &reader.manifest;
    let start = Instant::now();
    let mut database = Database::connect(&session.target, false)?;
    database.set_busy_timeout(args.lock_timeout)?;
    fits(manifest, &mut database, args)?;
    let catalog = database.in_snapshot(introspect::load)?;
    if ui.is_heard() {
        ui.note(&format!("{} of {}", manifest.subject(), database.target().redacted()));
    }
    let restored = match crate::restoration::plan(manifest, &catalog) {
        Ok(restoration) => {
            let silence = database.silence()?;
            let fire_triggers = args.fire_triggers;
            let source = Source {
                reader,
                restoration: &restoration,
                restored_before,
                silence,
                fire_triggers,
            };
            put_back(&mut database, &catalog, &source, args, ui)?
        }
        Err(obstacles) => Restored { obstacles, ..Restored::default() },
    };
    let ended = match () {
        () if !restored.obstacles.is_empty() => Ended::Refused,
        () if args.dry_run => Ended::Previewed,
        () => Ended::Restored,
    };
    let view = View {
        ended,
        archive: reader.path().display().to_string(),
        database: database.target().redacted(),
        manifest,
        catalog: &catalog,
        restored: &restored,
        fired: args.fire_triggers,
    };
    parts.push(part(&view, start));
    let text = match args.format {
        PlainFormat::Json => restoration::json(&view),
        PlainFormat::Table => restoration::table(&view, ui.width),
    };
    if args.dry_run {
        ui.result(&text)
    } else {
        ui.report(&text, view.exit())
    }
    Ok(view.exit())
}

/// # Errors
/// An archive of another engine, or of another database where that was not asked for.
fn fits(manifest: &Manifest, database: &mut Database, args: &Restore) -> Result<()> {
    if !manifest.dialect.is_like(database.dialect()) {
        let what = format!("the archive is of {}; nothing was written", manifest.database);
        return Err(Problem::new(Exit::Refused, what)
            .hint("an archive goes back into the same kind of database")
            .into());
    }
    let identity = database.identity()?;
    if identity != manifest.identity && !args.other_database {
        let what = format!(
            "the archive is of another database ({}); nothing was written",
            manifest.database
        );
        return Err(Problem::new(Exit::Refused, what)
            .hint("--other-database restores into a copy or a moved database")
            .into());
    }
    Ok(())
}

/// Of which archives rows without a key may be there already: those that receipts say were put back before. Of
/// several this is looked for before the first of them is put back, since batches may hold rows that are alike.
fn doubted(
    session: &Session,
    args: &Restore,
    readers: &[Reader],
    ui: &mut Ui,
) -> Result<Vec<bool>> {
    let restored = put_back_before(session, args);
    let (mut doubted, mut earlier) = (Vec::new(), BTreeSet::new());
    for reader in readers {
        let digest = reader.manifest.digest();
        let mut doubt = restored.contains(&*digest);
        if doubt && readers.len() > 1 && !args.dry_run {
            doubt = is_still_there(session, args, reader, ui)?;
        }
        doubted.push(!earlier.insert(digest) || doubt);
    }
    Ok(doubted)
}

/// Digests of archives that were put back, as receipts say.
pub fn put_back_before(session: &Session, args: &Restore) -> BTreeSet<String> {
    let directory = run_record::directory(&args.archives, &session.settings);
    let receipts = directory.map(|directory| receipts::receipts(&directory));
    let receipts = receipts.ok().and_then(|receipts| receipts.ok()).unwrap_or_default();
    let parts = receipts.into_iter().flat_map(|(_, receipt)| receipt.parts);
    parts.filter_map(|part| part.restored).collect()
}

fn is_still_there(session: &Session, args: &Restore, reader: &Reader, ui: &mut Ui) -> Result<bool> {
    let there = |obstacle: &Obstacle| matches!(obstacle, Obstacle::There { .. });
    let tried = tried(session, args, reader, ui)?;
    Ok(tried.is_some_and(|(_, restored)| restored.obstacles.iter().any(there)))
}

/// An archive that was put back before: all of it is there, as far as keys tell.
pub fn is_back(session: &Session, args: &Restore, reader: &Reader, ui: &mut Ui) -> Result<bool> {
    let tried = tried(session, args, reader, ui)?;
    Ok(tried.is_some_and(|(catalog, restored)| {
        crate::restoration::is_back(&reader.manifest, &catalog, &restored)
    }))
}

/// What would come of it. `None`: the schema is another one; what else keeps it out is told when its turn comes.
fn tried(
    session: &Session,
    args: &Restore,
    reader: &Reader,
    ui: &mut Ui,
) -> Result<Option<(Catalog, Restored)>> {
    let dry = Restore { dry_run: true, ..args.clone() };
    let mut database = Database::connect(&session.target, false)?;
    database.set_busy_timeout(args.lock_timeout)?;
    let catalog = database.in_snapshot(introspect::load)?;
    let Ok(restoration) = crate::restoration::plan(&reader.manifest, &catalog) else {
        return Ok(None);
    };
    let silence = database.silence()?;
    let source = Source {
        reader,
        restoration: &restoration,
        restored_before: true,
        silence,
        fire_triggers: args.fire_triggers,
    };
    let restored = put_back(&mut database, &catalog, &source, &dry, ui)?;
    Ok(Some((catalog, restored)))
}

fn put_back(
    database: &mut Database,
    catalog: &Catalog,
    source: &Source,
    args: &Restore,
    ui: &mut Ui,
) -> Result<Restored> {
    // No organization is selected and nothing is deleted: the root is only where statements begin.
    let parts = source.restoration.rows.iter().chain(&source.restoration.links);
    let table = parts.map(|part| part.table).next().unwrap_or(TableId(0));
    let plan = plan::build(catalog, table, Rules::default());
    let root = Root { table, key: Vec::new(), name: None, created: None };
    let selection = Selection::default();
    let job = Job::new(catalog, &plan, &root, &selection, args.lock_timeout);
    let mut observe = |progress: Progress| show_progress(ui, catalog, &plan, progress);
    match execute::restore(database, &job, source, args.dry_run, &mut observe) {
        Err(Failure::Database(error)) if error.fault == Fault::Permission => {
            Err(ungranted(&error, database, catalog, source)?.into())
        }
        ended => ended.map_err(told),
    }
}

/// What a restore needs, and no clean.
fn ungranted(
    error: &database::Error,
    database: &mut Database,
    catalog: &Catalog,
    source: &Source,
) -> Result<Problem> {
    let (dialect, role) = (database.dialect(), database.role()?);
    let (rows, links) = source.restoration.tables();
    let grant = |privileges: &str, id: &TableId| {
        fixes::grant(dialect, privileges, catalog.table(*id), &role)
    };
    let inserted = rows.iter().map(|id| {
        if links.contains(id) {
            grant("SELECT, INSERT, UPDATE", id)
        } else {
            grant("SELECT, INSERT", id)
        }
    });
    let linked = links.difference(&rows).map(|id| grant("SELECT, UPDATE", id));
    let grants: Vec<String> = inserted.chain(linked).collect();
    let problem = Problem::new(Exit::Refused, format!("{error}; nothing was written"));
    Ok(problem.hint(format!("what a restore needs on its tables: {}", grants.join("; "))))
}

/// What a failure means to whoever wanted rows back: nothing was to be deleted.
fn told(failure: Failure) -> anyhow::Error {
    let refused = |why: &dyn fmt::Display, hint: &str| {
        Problem::new(Exit::Refused, format!("{why}; nothing was written")).hint(hint)
    };
    match &failure {
        Failure::Archive(error) => refused(error, "orgsweep archives lists those that there are"),
        Failure::SchemaMoved => refused(
            &"the schema changed while the restore was being prepared",
            "run the same command again",
        ),
        Failure::Trigger { .. } => refused(
            &failure,
            "a trigger that was let fire, or a constraint, keeps an archived row out",
        ),
        Failure::Database(error) if error.fault == Fault::Constraint => {
            refused(error, "a constraint of the database keeps an archived row out")
        }
        Failure::OutcomeUnknown { error, .. } => Problem::new(
            Exit::Unknown,
            format!("the connection died during COMMIT ({error}): the rows may be back or not"),
        )
        .hint("run the same command again: it is refused where the rows are back"),
        _ => return failure.into(),
    }
    .into()
}

fn part(view: &View, start: Instant) -> Part {
    let done = view.ended == Ended::Restored;
    let rows = view.restored.rows.iter().filter(|_| done);
    let name = |table: &TableId| view.catalog.table(*table).name.to_string();
    Part {
        organizations: view.manifest.organizations.clone(),
        outcome: view.ended.as_str().into(),
        error: None,
        seconds: start.elapsed().as_secs_f64(),
        deleted: 0,
        unlinked: 0,
        tables: rows.map(|(table, rows)| (name(table), *rows)).collect(),
        unproven: Vec::new(),
        left_behind: BTreeMap::new(),
        stay: false,
        linked: BTreeMap::new(),
        kept: BTreeMap::new(),
        unassociated: BTreeMap::new(),
        stranded: BTreeMap::new(),
        archive: Some(view.archive.clone()),
        digests: digests(view.manifest),
        archive_digest: Some(view.manifest.digest()),
        restored: done.then(|| view.manifest.digest()),
    }
}
