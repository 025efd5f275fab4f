//! The changes themselves, in the plan's order, and the proof that they did what was said.

use super::{Failure, Job, Progress, Run, archiving, timed};
use crate::catalog::{ReferenceId, TableId};
use crate::database::{self, Database};
use crate::findings::{Change, Findings, Step, Work};
use crate::plan::Checks;
use crate::sql::Dialect;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// SQLite decides before BEGIN whether it checks foreign keys.
pub fn set_reference_checks(database: &mut Database, checks: Checks) -> database::Result<()> {
    match (database.dialect(), checks) {
        (Dialect::Sqlite, Checks::Set) => database.run("PRAGMA foreign_keys = OFF"),
        (Dialect::Sqlite, Checks::Engine) => database.run("PRAGMA foreign_keys = ON"),
        (Dialect::Postgres, _) => Ok(()),
    }
}

/// Unlinks and deletes, children before parents; rows of the tables in `taken` are gone already.
/// Tells how long each step took.
pub fn remove(
    run: &mut Run,
    findings: &Findings,
    taken: &BTreeSet<TableId>,
) -> Result<BTreeMap<Step, Duration>, Failure> {
    let mut durations = BTreeMap::new();
    defer_checks(run)?;
    let unchecked =
        run.sql.dialect == Dialect::Postgres && run.job.plan.rules.checks == Checks::Set;
    let mut replica = false;
    for work in findings.work(run.job.catalog, run.job.plan, taken) {
        let deletes = matches!(work, Work::Delete(_));
        if unchecked && replica != deletes {
            let role = if deletes { "replica" } else { "origin" };
            run.run(&format!("SET LOCAL session_replication_role = {role}"))?;
            replica = deletes;
        }
        match work {
            Work::Unlink(change) => {
                let ((), took) = timed(|| unlink(run, findings, &change))?;
                durations.extend(change.unlinks.iter().map(|unlink| (Step::Unlink(*unlink), took)));
            }
            Work::Delete(tables) => delete(run, findings, &tables, replica, &mut durations)?,
        }
    }
    if replica {
        run.run("SET LOCAL session_replication_role = origin")?;
    }
    Ok(durations)
}

/// Cycles hold at COMMIT, those of RESTRICT references too: SQLite defers even these.
fn defer_checks(run: &mut Run) -> Result<(), Failure> {
    match run.sql.dialect == Dialect::Sqlite && run.job.plan.rules.checks == Checks::Engine {
        true => run.run("PRAGMA defer_foreign_keys = ON"),
        false => Ok(()),
    }
}

fn delete(
    run: &mut Run,
    findings: &Findings,
    tables: &[TableId],
    replica: bool,
    durations: &mut BTreeMap<Step, Duration>,
) -> Result<(), Failure> {
    let rows = findings.rows();
    // Without checks of rows, or with SQLite's deferred ones, a cycle needs no care.
    if tables.len() > 1 && run.sql.dialect == Dialect::Postgres && !replica {
        let (counts, took) = timed(|| delete_together(run, tables))?;
        for (table, deleted) in tables.iter().zip(counts) {
            expect_gone(run, *table, rows[table], deleted)?;
            durations.insert(Step::Delete(*table), took);
        }
        return Ok(());
    }
    for table in tables {
        let (deleted, took) = timed(|| run.execute(&run.sql.delete(*table)))?;
        expect_gone(run, *table, rows[table], deleted)?;
        durations.insert(Step::Delete(*table), took);
        report(run, Step::Delete(*table), rows[table], findings);
    }
    Ok(())
}

fn report(run: &mut Run, step: Step, rows: u64, findings: &Findings) {
    (run.observe)(Progress::Working { step, rows, of: findings.deleted() });
}

fn delete_together(run: &mut Run, tables: &[TableId]) -> Result<Vec<u64>, Failure> {
    let row = run.one(run.sql.delete_together(tables))?;
    Ok((0..tables.len()).map(|n| row.number(n) as u64).collect())
}

/// A trigger may have deleted some of our rows before we came; it may not have kept any.
pub(super) fn expect_gone(
    run: &mut Run,
    table: TableId,
    rows: u64,
    deleted: u64,
) -> Result<(), Failure> {
    if rows == deleted {
        return Ok(());
    }
    let left = run.one(run.sql.count_left(table))?.number(0);
    if left == 0 {
        return Ok(());
    }
    let name = &run.job.catalog.table(table).name;
    Err(Failure::Unproven(format!(
        "{left} of {rows} rows of {name} are still there after their DELETE (does a trigger keep them?)"
    )))
}

fn unlink(run: &mut Run, findings: &Findings, change: &Change) -> Result<(), Failure> {
    let rows = run.one(run.sql.count_changed(change))?.number(0) as u64;
    archiving::unlinked(run, change, rows)?;
    let changed = run.execute(&run.sql.unlink(change))?;
    report(run, Step::Unlink(change.unlinks[0]), rows, findings);
    if changed == rows {
        return Ok(());
    }
    let name = &run.job.catalog.table(change.table).name;
    Err(Failure::Unproven(format!(
        "{changed} of {rows} rows of {name} were unlinked (does a trigger keep the others?)"
    )))
}

/// Before COMMIT: deferred constraints hold, and no key that was deleted is named by anything.
pub fn prove(run: &mut Run, findings: &Findings) -> Result<(), Failure> {
    if run.sql.dialect == Dialect::Postgres {
        // Deferred checks would otherwise do their work, and fail, inside COMMIT.
        run.run("SET CONSTRAINTS ALL IMMEDIATE")?;
    }
    let rows = findings.rows();
    let doubtful: Vec<ReferenceId> = run
        .job
        .catalog
        .reference_ids()
        .filter(|id| rows.contains_key(&run.job.catalog.reference(*id).parent))
        .filter(|id| is_doubtful(run.job, *id, run.sql.dialect))
        .filter(|id| run.unreadable(run.job.catalog.reference(*id).child).is_none())
        .collect();
    for batch in doubtful.chunks(100) {
        let counts = run.query(&run.sql.count_dangling(batch))?;
        if let Some(row) = counts.iter().find(|row| row.number(1) > 0) {
            let reference = ReferenceId(row.number(0) as usize);
            let arrow = run.job.catalog.reference_arrow(reference);
            let what = format!("{} rows name a deleted row by {arrow}", row.text(1));
            return Err(match run.sql.dialect {
                Dialect::Postgres => Failure::Disturbed(what),
                // No other session writes: running again would change nothing.
                Dialect::Sqlite => Failure::Unproven(what + " (does a trigger add them?)"),
            });
        }
    }
    if run.job.verify {
        for table in rows.keys() {
            expect_gone(run, *table, rows[table], 0)?;
        }
    }
    Ok(())
}

/// References that neither the engine's checks nor our locks vouch for: unwatched ones; all of them
/// where a trigger may write, since the engine believes its own actions, which a trigger may
/// swallow, and since rows that a trigger adds come after ours were found; and with `--verify`.
fn is_doubtful(job: &Job, id: ReferenceId, dialect: Dialect) -> bool {
    let unwatched = dialect == Dialect::Postgres && !job.catalog.reference(id).enforced;
    job.verify || unwatched || fires_triggers(job)
}

/// A table that the plan deletes from or unlinks in has a trigger.
fn fires_triggers(job: &Job) -> bool {
    let written =
        |id: &TableId| job.plan.tables.contains(id) || job.plan.unlinks_in(*id, job.catalog);
    let mut tables = job.catalog.table_ids().filter(written);
    tables.any(|id| !job.catalog.table(id).triggers.is_empty())
}
