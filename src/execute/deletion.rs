//! The changes themselves, in the plan's order.

use super::failure::Doing;
use super::{Failure, Job, Progress, Run, archiving, timed};
use crate::catalog::{Catalog, Event, Reference, ReferenceId, TableId};
use crate::database::{self, Database};
use crate::engine::{Cycles, Dialect};
use crate::findings::{Change, Findings, Step, Work};
use crate::plan::Checks;
use crate::sql::Constraint;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// So many times leaves are looked for among all rows that are left: a chain has as many levels as rows.
const LEVELS: usize = 50;

/// Before BEGIN.
pub fn set_reference_checks(database: &mut Database, checks: Checks) -> database::Result<()> {
    database.dialect().reference_checks(checks).map_or(Ok(()), |set| database.run(set))
}

/// Turns the engine's checks of each row off or on within the transaction, and its cascades with them.
pub(super) fn set_fk_enforcement(run: &mut Run, watched: bool) -> Result<(), Failure> {
    run.sql.dialect.set_fk_enforcement(watched).map_or(Ok(()), |set| run.run(set))
}

/// Unlinks and deletes, children before parents; rows of the tables in `taken` are gone already.
/// Tells how long each step took.
pub fn remove(
    run: &mut Run,
    findings: &Findings,
    single_pass: &BTreeSet<TableId>,
) -> Result<BTreeMap<Step, Duration>, Failure> {
    let mut durations = BTreeMap::new();
    let (dialect, checks) = (run.sql.dialect, run.job.plan.rules.checks);
    if let Some(defer) = dialect.defer_checks(checks) {
        run.run(defer)?;
    }
    let work = findings.work(run.job.catalog, run.job.plan, single_pass);
    let unlinks = work.iter().any(|work| matches!(work, Work::Unlink(_)));
    // Nobody's code runs when rows go that no trigger sees.
    if unlinks || run.job.plan.is_seen(run.job.catalog, &[Event::Delete]).is_some() {
        run.names_theirs()?;
    }
    let unchecked = checks == Checks::Set && dialect.set_fk_enforcement(false).is_some();
    let mut unwatched = false;
    let seen = findings.is_seen_by_triggers(run.job.catalog) && run.job.batch.is_none();
    let may_cascade =
        !run.job.in_batches && findings.may_cascade(dialect, run.job.catalog, run.job.plan);
    for work in work {
        let deletes = matches!(work, Work::Delete(_));
        if unchecked && unwatched != deletes {
            set_fk_enforcement(run, !deletes)?;
            unwatched = deletes;
        }
        match work {
            Work::Unlink(change) => {
                let unlinked = timed(|| unlink(run, findings, &change));
                let (catalog, plan) = (run.job.catalog, run.job.plan);
                let first = plan.unlinks[change.unlinks[0]].reference;
                let ((), took) = unlinked.map_err(|failure| {
                    let failure = failure.at_unlink(catalog, first);
                    let failure = failure.at(Doing::Unlinking, &[change.table], catalog);
                    failure.with_other_order(may_cascade)
                })?;
                durations.extend(change.unlinks.iter().map(|unlink| (Step::Unlink(*unlink), took)));
            }
            Work::Delete(tables) => {
                if seen {
                    expect_ours(run, findings, &tables)?;
                }
                delete(run, findings, &tables, unwatched, &mut durations).map_err(|failure| {
                    let failure = failure.at(Doing::Deleting, &tables, run.job.catalog);
                    failure.with_other_order(may_cascade)
                })?;
            }
        }
    }
    if unwatched {
        set_fk_enforcement(run, true)?;
    }
    Ok(durations)
}

fn delete(
    run: &mut Run,
    findings: &Findings,
    tables: &[TableId],
    unwatched: bool,
    durations: &mut BTreeMap<Step, Duration>,
) -> Result<(), Failure> {
    let rows = findings.rows();
    match run.sql.dialect.cycles() {
        Cycles::OneStatement if tables.len() > 1 && !unwatched => {
            let (counts, took) = timed(|| delete_together(run, tables))?;
            for (table, deleted) in tables.iter().zip(counts) {
                expect_gone(run, *table, rows[table], deleted)?;
                durations.insert(Step::Delete(*table), took);
            }
            return Ok(());
        }
        Cycles::LeavesFirst if !unwatched && !within(run, tables).is_empty() => {
            let ((), took) = timed(|| delete_leaves(run, tables, &rows))?;
            for table in tables {
                durations.insert(Step::Delete(*table), took);
                report(run, Step::Delete(*table), rows[table], findings);
            }
            return Ok(());
        }
        // Nothing checks them now.
        _ => {}
    }
    for table in tables {
        let (deleted, took) = timed(|| {
            let mut deleted = 0;
            for slice in slices(run, *table, rows[table])? {
                deleted += run.change(&run.sql.delete_found_after(*table, slice))?;
            }
            Ok(deleted + run.change(&run.sql.delete(*table))?)
        })?;
        expect_gone(run, *table, rows[table], deleted)?;
        durations.insert(Step::Delete(*table), took);
        report(run, Step::Delete(*table), rows[table], findings);
    }
    Ok(())
}

/// The depths below which rows of a table that names itself go first: SQLite's cascades end at 1,000 levels, and whoever
/// deletes the first row of a chain asks for all of them. Where several references lead from the table into itself, those
/// are the generations that found the rows.
fn slices(run: &mut Run, table: TableId, rows: u64) -> Result<Vec<u64>, Failure> {
    const CASCADES: u64 = 500;
    let own = within(run, &[table]);
    let cascades = run.sql.dialect == Dialect::Sqlite
        && run.job.plan.rules.checks == Checks::Engine
        && rows > CASCADES;
    if !cascades || own.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(id) = only_way(run, &own) {
        run.execute(&run.sql.number_by_depth(id))?;
    }
    let last = run.one(run.sql.last_generation(table))?.count(0)?;
    Ok((1..=last / CASCADES).rev().map(|n| n * CASCADES).collect())
}

/// How many rows of the closure in this table name, by none of the references that lead there, a row of it: by the
/// comparisons of `constraints` where these have them, else by the plan's. Selected rows, and the policy's orphans, were
/// found otherwise.
pub fn strangers(
    run: &mut Run,
    table: TableId,
    rows: &BTreeMap<TableId, u64>,
    constraints: &[Constraint],
) -> Result<u64, Failure> {
    let plan = run.job.plan;
    if table == plan.root || plan.has_orphans(table) {
        return Ok(0);
    }
    let into = references_into(run.job, table, rows);
    Ok(run.one(run.sql.count_strangers(table, &into, constraints))?.count(0)?)
}

/// The references by which rows of this table come into the closure.
pub fn references_into(
    job: &Job,
    table: TableId,
    rows: &BTreeMap<TableId, u64>,
) -> Vec<ReferenceId> {
    let into = job.plan.followed_into(table, job.catalog).into_iter().map(|it| it.reference);
    let is_there = |parent: &TableId| rows.contains_key(parent) || job.plan.keeps(*parent);
    into.filter(|id| is_there(&job.catalog.reference(*id).parent)).collect()
}

/// A trigger that saw other rows go may have given these to somebody else: whatever names no parent that goes any
/// more is not ours.
fn expect_ours(run: &mut Run, findings: &Findings, tables: &[TableId]) -> Result<(), Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let rows = findings.rows();
    for table in tables {
        let others = strangers(run, *table, &rows, &[])?;
        if others > 0 {
            let name = &catalog.table(*table).name;
            let written = |id: &TableId| rows.contains_key(id) || plan.unlinks_in(*id, catalog);
            let written: Vec<TableId> = catalog.table_ids().filter(written).collect();
            return Err(Failure::Overruled {
                what: format!(
                    "{others} of {} rows of {name} name other rows since the deletion began",
                    rows[table]
                ),
                triggers: catalog.triggers_on(&written, &[Event::Delete, Event::Update]),
            });
        }
    }
    Ok(())
}

/// The one reference of these, where each row names one parent by it.
fn only_way(run: &Run, own: &[ReferenceId]) -> Option<ReferenceId> {
    own.first().copied().filter(|id| own.len() == 1 && run.job.catalog.names_one(*id))
}

/// Why SQLite's own cascades would not come to an end: rows hang below each other too deep.
pub(super) fn too_deep(
    run: &mut Run,
    rows: &BTreeMap<TableId, u64>,
) -> Result<Option<String>, Failure> {
    const LEVELS: u64 = 1_000;
    if run.sql.dialect != Dialect::Sqlite {
        return Ok(None);
    }
    // Other tables are on the way.
    let most = LEVELS.saturating_sub(rows.len() as u64);
    for (table, _) in rows.iter().filter(|(_, rows)| **rows > most) {
        let own = within(run, &[*table]);
        let Some(id) = only_way(run, &own) else { continue };
        let deepest = run.one(run.sql.deepest(id))?.count(0)?;
        if deepest > most {
            let name = &run.job.catalog.table(*table).name;
            return Ok(Some(format!(
                "SQLite's end after 1,000 levels, and {deepest} rows of {name} hang below each other"
            )));
        }
    }
    Ok(None)
}

/// The foreign keys between these tables, self-references included.
fn within(run: &Run, tables: &[TableId]) -> Vec<ReferenceId> {
    let within = |id: &ReferenceId| {
        let reference = run.job.catalog.reference(*id);
        reference.is_constraint()
            && tables.contains(&reference.child)
            && tables.contains(&reference.parent)
    };
    run.job.catalog.reference_ids().filter(within).collect()
}

/// MariaDB checks each row as it goes, so rows that name each other go from the leaves up. What is left
/// names itself or each other in a circle, or hangs deeper than `LEVELS`, and nothing else names it any more: where no
/// trigger sees it, it goes unwatched, and the proof looks at it again.
fn delete_leaves(
    run: &mut Run,
    tables: &[TableId],
    rows: &BTreeMap<TableId, u64>,
) -> Result<(), Failure> {
    let references = within(run, tables);
    let catalog = run.job.catalog;
    let seen = |table: &&TableId| catalog.table(**table).is_seen(&[Event::Delete]);
    let levels = if tables.iter().any(|table| seen(&table)) { usize::MAX } else { LEVELS };
    for _ in 0..levels {
        let mut deleted = 0;
        for table in tables {
            let named_by: Vec<ReferenceId> = references
                .iter()
                .copied()
                .filter(|id| run.job.catalog.reference(*id).parent == *table)
                .collect();
            let statement = if named_by.is_empty() {
                run.sql.delete(*table)
            } else {
                run.sql.delete_leaves(*table, &named_by)
            };
            deleted += run.change(&statement)?;
        }
        if deleted == 0 {
            break;
        }
    }
    let mut circle = Vec::new();
    for table in tables {
        let left = run.one(run.sql.count_left(*table))?.count(0)?;
        if left > 0 {
            circle.push(*table);
        }
    }
    if let Some(table) = circle.iter().find(seen) {
        let name = &run.job.catalog.table(*table).name;
        return Err(Failure::Unproven(format!(
            "of {} rows of {name} some name each other in a circle, which MariaDB's checks of each row do not \
             let go, and a trigger sees them, so that they cannot go unwatched",
            rows[table]
        )));
    }
    if !circle.is_empty() {
        set_fk_enforcement(run, false)?;
        for table in &circle {
            run.change(&run.sql.delete(*table))?;
        }
        set_fk_enforcement(run, true)?;
    }
    Ok(())
}

fn report(run: &mut Run, step: Step, rows: u64, findings: &Findings) {
    (run.observe)(Progress::Working { step, rows, of: findings.deleted() });
}

fn delete_together(run: &mut Run, tables: &[TableId]) -> Result<Vec<u64>, Failure> {
    let row = run.one(run.sql.delete_together(tables))?;
    (0..tables.len()).map(|n| Ok(row.count(n)?)).collect()
}

/// A trigger may have deleted some of our rows before we came; it may not have kept any.
///
/// # Errors
/// [`Failure::Overruled`] where a trigger or rule may have kept them.
pub(super) fn expect_gone(
    run: &mut Run,
    table: TableId,
    rows: u64,
    deleted: u64,
) -> Result<(), Failure> {
    let name = &run.job.catalog.table(table).name;
    if deleted > rows {
        let what = format!("{deleted} rows of {name} were deleted where {rows} were found");
        return Err(Failure::Unproven(what));
    }
    if rows == deleted {
        return Ok(());
    }
    let Some(still) = still_there(run, table, rows)? else { return Ok(()) };
    Err(kept(run, table, Event::Delete, format!("{still} after their DELETE")))
}

/// Rows are not as the plan has written them. Whoever sees that may have decided so.
fn kept(run: &Run, table: TableId, event: Event, what: String) -> Failure {
    match run.job.catalog.triggers_on(&[table], &[event]) {
        none if none.is_empty() => Failure::Unproven(what),
        triggers => Failure::Overruled { what, triggers },
    }
}

/// How many of the rows that were to go are left, in words; `None` where none is.
pub(super) fn still_there(
    run: &mut Run,
    table: TableId,
    rows: u64,
) -> Result<Option<String>, Failure> {
    let left = run.one(run.sql.count_left(table))?.count(0)?;
    let name = &run.job.catalog.table(table).name;
    Ok((left > 0).then(|| format!("{left} of {rows} rows of {name} are still there")))
}

/// A trigger may have undone what was written.
pub(super) fn expect_unlinked(run: &mut Run, change: &Change) -> Result<(), Failure> {
    let catalog = run.job.catalog;
    let undone = run.one(run.sql.count_not_unlinked(change))?.count(0)?;
    if undone == 0 {
        return Ok(());
    }
    let name = &catalog.table(change.table).name;
    Err(Failure::Overruled {
        what: format!("{undone} of the unlinked rows of {name} do not hold what was written"),
        triggers: catalog.triggers_on(&[change.table], &[Event::Update]),
    })
}

fn unlink(run: &mut Run, findings: &Findings, change: &Change) -> Result<(), Failure> {
    let rows = run.one(run.sql.count_changed(change))?.count(0)?;
    // Names of tables and types among the values are kept with their schemas.
    if run.archive.is_some() {
        run.names_ours()?;
        archiving::unlinked(run, change, rows)?;
        run.names_theirs()?;
    }
    let changed = run.change(&run.sql.unlink(change))?;
    run.written.unlinked.insert(change.table, changed);
    report(run, Step::Unlink(change.unlinks[0]), rows, findings);
    let table = run.job.catalog.table(change.table);
    if changed == rows {
        return if table.is_seen(&[Event::Update]) { expect_unlinked(run, change) } else { Ok(()) };
    }
    let what = format!("{changed} of {rows} rows of {} were unlinked", table.name);
    Err(kept(run, change.table, Event::Update, what))
}

/// Whoever adds a child in MariaDB waits for a shared lock on its parent's entry in the index that the
/// reference leads to. Ours is on the primary key's: rows that were there before it was granted are found
/// after it, and later ones wait until their parent is gone. Any other index is locked by the DELETE
/// only. <https://dev.mysql.com/doc/refman/8.0/en/innodb-locks-set.html>
pub(super) fn locks_keep_children_out(catalog: &Catalog, reference: &Reference) -> bool {
    let parent = catalog.table(reference.parent);
    let by_primary =
        parent.primary_key().is_some_and(|key| key.columns == reference.parent_columns);
    by_primary && parent.privileges.lock
}
