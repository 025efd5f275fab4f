//! `--batch-rows`: several transactions, from the leaves up, for what one should not hold.

mod lag;

use super::consent::{confirm, consents};
use super::context::{Prepared, Session};
use super::indexes;
use super::preview;
use super::reporting::{Ended, Reporting};
use super::run_record;
use crate::catalog::{Event, TableId};
use crate::cli::{Clean, DeleteArgs, EngineCascade, NextCommand, ReferenceChecks};
use crate::database::Database;
use crate::execute::{self, Batch, Failure, Job, Progress};
use crate::exit::{self, Exit, Problem};
use crate::findings::{Expected, Findings};
use crate::interrupt;
use crate::plan::Force;
use crate::receipt::Part;
use crate::render::{Outcome, counted, grouped};
use crate::selection::Selection;
use crate::ui::Ui;
use anyhow::Result;
use lag::Lag;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// No engine's LIMIT is higher.
const MOST_ROWS: u64 = i64::MAX as u64;

/// Refuses what would be refused, asks, then deletes batch after batch; the organizations' own rows go
/// in the last one, so that a series that was interrupted can be begun again.
///
/// # Errors
/// As for a clean; [`Exit::Partly`] once a batch is committed.
pub fn clean(
    session: &Session,
    args: &Clean,
    rows: u64,
    parts: &mut Vec<Part>,
    ui: &mut Ui,
) -> Result<Exit> {
    let mut delete = args.delete.clone();
    // Between two batches everybody looks: only the engine's own checks hold then.
    delete.reference_checks = ReferenceChecks::Engine;
    let (mut database, mut prepared) = Prepared::open(session, &args.select, &delete)?;
    if ui.is_heard() {
        ui.heading(&prepared.describe());
    }
    if !delete.foreign.is_empty() || !prepared.plan.rules.orphans.is_empty() {
        return Err(Problem::usage("--batch-rows takes neither --foreign nor a policy's orphans")
            .hint("--orphans without, or one transaction for all of it")
            .into());
    }
    if !prepared.plan.kept.is_empty() {
        return Err(Problem::usage(
            "--batch-rows cannot tell which rows the policy keeps: that hangs on all that would go",
        )
        .hint("one transaction for all of it, or --per-org for one an organization")
        .into());
    }
    if delete.engine_cascade == EngineCascade::Always {
        return Err(Problem::usage("--batch-rows deletes children first")
            .hint("--engine-cascade takes one transaction for all of it")
            .into());
    }
    let lag = args.max_lag.map(|most| Lag::begin(&mut database, most, ui)).transpose()?;
    let archiving = run_record::archiving(session, &prepared, &mut database, &args.record)?;
    let start = Instant::now();
    let seen = {
        let job = Job { in_batches: true, ..prepared.job(delete.lock_timeout, true) };
        let findings = preview::measure(&mut database, &prepared, &job, ui)?;
        prepared.tell_unmatched(&mut database, &findings.organizations, ui)?;
        Ended::previewed(findings)
    };
    if seen.outcome != Outcome::Previewed {
        let reporting = reporting(args, &delete, &prepared);
        parts.push(reporting.part(&seen, start.elapsed()));
        return Ok(reporting.finish(ui, &seen));
    }
    if archiving.is_some() {
        untouched_by_triggers(&prepared, &seen.findings)?;
    }
    if !consents(args, ui, prepared.plan.rules.force != Force::None) {
        reporting(args, &delete, &prepared).show(ui, &seen);
        let about = (&*prepared.target, seen.findings.deleted());
        confirm(ui, args, &seen.findings.organizations, about)?;
    }
    if args.create_missing_indexes {
        let tables = seen.findings.rows().into_keys().collect();
        let open = (session, &args.select, &delete);
        (database, prepared) = indexes::create_missing((database, prepared), &tables, open, ui)?;
    }
    let reporting = reporting(args, &delete, &prepared);
    let (archive, in_batches) = (archiving.as_ref(), true);
    // What was shown, and nothing else: an organization of the same name may come meanwhile.
    let organizations = Expected::from(&seen.findings).organizations;
    let only = (!prepared.root.key.is_empty()).then(|| organizations.clone());
    let selection = Selection { only, ..prepared.selection.clone() };
    // What holds of an organization may not hold of one that is half gone.
    let conditions = match &selection.only {
        Some(_) => Vec::new(),
        None => selection.conditions.clone(),
    };
    let begun = Selection { conditions, ..selection.clone() };
    let job = Job {
        archive,
        in_batches,
        selection: &selection,
        ..prepared.job(delete.lock_timeout, true)
    };
    let total = seen.findings.deleted();
    let mut series = Series { job, begun: &begun, reporting, organizations, parts, total, lag };
    let ended = series.run(&mut database, args, rows, ui);
    let committed = series.parts.iter().filter(|part| part.deleted > 0).count();
    match ended {
        Ok(mut ended) => {
            ended.findings.unlinked_rows = unlinked_rows(&seen.findings, &ended.findings);
            // Who is linked by rows of another batch is not alone yet: only all of it tells. And shared rows are of all batches.
            ended.findings.unassociated.clone_from(&seen.findings.unassociated);
            ended.findings.shared.clone_from(&seen.findings.shared);
            let told = series.reporting.part(&ended, Duration::ZERO).unassociated;
            series.parts.last_mut().into_iter().for_each(|part| part.unassociated = told.clone());
            Ok(series.reporting.finish(ui, &ended))
        }
        Err(error) if committed > 0 => {
            let next = series.reporting.clean_command(false);
            let next = if args.yes { next.agreed() } else { next };
            Err(partly(&error, committed, series.parts, &next).into())
        }
        Err(error) => Err(error),
    }
}

/// A trigger may take rows along that would be of a later batch: no archive would hold them.
///
/// # Errors
/// There are triggers that see the rows go.
fn untouched_by_triggers(prepared: &Prepared, findings: &Findings) -> Result<()> {
    let (catalog, plan) = (&prepared.catalog, &prepared.plan);
    let rows = findings.rows();
    let changed: BTreeSet<TableId> = findings
        .unlinked
        .iter()
        .map(|found| catalog.reference(plan.unlinks[found.unlink].reference).child)
        .collect();
    let mut names = catalog.triggers_on(rows.keys(), &[Event::Delete]);
    for name in catalog.triggers_on(&changed, &[Event::Update]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let what = format!(
        "triggers see the rows of each batch go, and may take along what no archive would hold then: {}; nothing was \
         changed",
        names.join(", ")
    );
    Err(Problem::new(Exit::Refused, what)
        .hint("one transaction for all of it, without --batch-rows; or --no-archive, which keeps nothing")
        .into())
}

fn reporting<'a>(args: &'a Clean, delete: &'a DeleteArgs, prepared: &'a Prepared) -> Reporting<'a> {
    let Clean { select, format, .. } = args;
    let detailed = false;
    Reporting { command: "clean", prepared, select, delete, format: *format, plan: None, detailed }
}

struct Series<'a> {
    job: Job<'a>,
    /// The same organizations, once the first batch is committed.
    begun: &'a Selection,
    reporting: Reporting<'a>,
    /// Keys of those that were shown and confirmed.
    organizations: Vec<String>,
    /// One for each batch.
    parts: &'a mut Vec<Part>,
    total: u64,
    lag: Option<Lag>,
}

impl Series<'_> {
    fn run(
        &mut self,
        database: &mut Database,
        args: &Clean,
        rows: u64,
        ui: &mut Ui,
    ) -> Result<Ended> {
        let mut all = Ended::from(execute::Outcome::Nothing(Findings::default()));
        let mut limit = rows;
        loop {
            hold(args.pause_file.as_deref(), ui)?;
            if let Some(lag) = &mut self.lag {
                lag.wait(database, ui)?;
            }
            let start = Instant::now();
            let batch = self.batch(database, limit, ui)?;
            let last = !batch.cut;
            let ended = Ended::from(batch.outcome);
            match ended.outcome {
                Outcome::Refused => {
                    self.parts.push(self.reporting.part(&ended, start.elapsed()));
                    return self.refused(ended);
                }
                Outcome::Cleaned => {
                    let rows = counted(ended.findings.deleted(), "row");
                    interrupt::committed(format!("a batch of {rows}"));
                    self.parts.push(self.reporting.part(&ended, start.elapsed()));
                }
                // Rows that name each other go in one transaction, however many there are.
                _ if !last => limit = limit.saturating_mul(2).min(MOST_ROWS),
                _ => {}
            }
            add(&mut all, ended);
            if last {
                return Ok(all);
            }
            let done = all.findings.deleted();
            let rows = format!("{} of {}", grouped(done), counted(self.total, "row"));
            let batches = self.parts.len() as u64;
            let about = batches + self.total.saturating_sub(done).div_ceil(limit);
            ui.progress(format!(
                "{rows} deleted in {batches} of about {}",
                counted(about, "batch")
            ));
            interrupt::sleep(args.pause.unwrap_or_default()).map_err(Failure::from)?;
        }
    }

    fn batch(&self, database: &mut Database, limit: u64, ui: &mut Ui) -> Result<Batch, Failure> {
        let first = self.parts.is_empty();
        let selection = if first { self.job.selection } else { self.begun };
        let job = Job { batch: Some(limit), selection, ..self.job };
        let mut observe = |progress: Progress| match progress {
            // The preview has told them, and what is slow is slow for every batch.
            Progress::Selected(_) => {}
            Progress::Slow(_) if !first => {}
            progress => self.reporting.prepared.show_progress(ui, progress),
        };
        execute::batch(database, &job, &self.organizations, &mut observe)
    }

    /// Something came in the way between two batches.
    fn refused(&self, ended: Ended) -> Result<Ended> {
        let committed = self.parts.iter().any(|part| part.deleted > 0);
        if committed {
            let report = self.reporting.report(&ended);
            let why = report.refusal_views().into_iter().map(|view| view.message);
            let why = why.collect::<Vec<_>>().join("; ");
            Err(Problem::new(Exit::Refused, why).into())
        } else {
            Ok(ended)
        }
    }
}

/// What several batches did, as if it had been one.
fn add(all: &mut Ended, batch: Ended) {
    let Findings { organizations, found, unlinked, proof, left_behind, .. } = batch.findings;
    // The last one may find that the others have left nothing.
    if !batch.findings.staying.is_empty() {
        all.findings.staying = batch.findings.staying;
        all.findings.linked = batch.findings.linked;
        all.findings.left_behind.clone_from(&left_behind);
    }
    if batch.outcome != Outcome::Cleaned {
        return;
    }
    all.outcome = Outcome::Cleaned;
    all.findings.proof.add(proof);
    all.findings.organizations = organizations;
    for more in found {
        let same = |one: &&mut crate::findings::Found| {
            one.table == more.table && one.reference == more.reference
        };
        match all.findings.found.iter_mut().find(same) {
            Some(one) => one.rows += more.rows,
            None => all.findings.found.push(more),
        }
    }
    for more in unlinked {
        match all.findings.unlinked.iter_mut().find(|one| one.unlink == more.unlink) {
            Some(one) => one.add(more),
            None => all.findings.unlinked.push(more),
        }
    }
    // Asked with the last of them.
    all.findings.left_behind = left_behind;
    for (step, took) in batch.durations {
        *all.durations.entry(step).or_default() += took;
    }
    all.archives.extend(batch.archives);
}

/// A row that several references name is unlinked in several batches, and is one row: the preview tells how many
/// there are of these.
fn unlinked_rows(seen: &Findings, all: &Findings) -> u64 {
    let by_reference =
        |findings: &Findings| findings.unlinked.iter().map(|one| one.rows).sum::<u64>();
    let again = by_reference(seen).saturating_sub(seen.unlinked_rows);
    by_reference(all).saturating_sub(again)
}

/// Some of it is gone for good; the rest is as it was.
fn partly(error: &anyhow::Error, committed: usize, parts: &[Part], next: &NextCommand) -> Problem {
    let problem = exit::diagnose(error);
    let rows: u64 = parts.iter().map(|part| part.deleted).sum();
    let done = format!(
        "{} in {} committed, then: {}",
        counted(rows, "row"),
        counted(committed as u64, "batch"),
        problem.message
    );
    let exit = if problem.exit == Exit::Unknown { Exit::Unknown } else { Exit::Partly };
    let again = format!("the same command goes on with what is left: {next}");
    Problem::new(exit, done).hint(again)
}

/// Waits while there is such a file: no transaction is open, nothing is locked.
///
/// # Errors
/// A signal or the deadline.
fn hold(file: Option<&Path>, ui: &mut Ui) -> Result<(), Failure> {
    const LOOK: Duration = Duration::from_millis(250);
    let Some(file) = file.filter(|file| file.exists()) else { return Ok(()) };
    let paused = format!("paused while {} is there", file.display());
    ui.note(&paused);
    interrupt::doing(paused);
    while file.exists() {
        interrupt::sleep(LOOK)?;
    }
    ui.note("going on");
    Ok(())
}
