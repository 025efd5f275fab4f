//! The engine's own count of what went: it knows nothing of our keys, so it can disagree with them.

use super::{Failure, Run};
use crate::catalog::{Event, TableId};
use crate::database::{Database, Row};
use crate::engine::Dialect;
use crate::findings::{Beyond, Findings};
use crate::plan::Checks;
use std::collections::{BTreeMap, BTreeSet};

/// What was counted when the transaction began.
#[derive(Debug, Default)]
pub enum Ledger {
    /// Nobody deletes here.
    #[default]
    Unread,
    /// There is none, and why.
    Missing(String),
    /// PostgreSQL, per table. A transaction that was rolled back may still count.
    Tables(BTreeMap<String, Counted>),
    /// SQLite counts along with each change of the user's tables ([`written_rows`]).
    Along,
}

/// Rows of a table, as PostgreSQL counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counted {
    deleted: i64,
    inserted: i64,
    updated: i64,
}

/// What our changes of the user's tables have written since then.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// Rows as the engine counts them, its cascades and triggers included (SQLite).
    pub counted: u64,
    /// Rows that were unlinked.
    pub unlinked: BTreeMap<TableId, u64>,
}

/// Reads the ledger, right after BEGIN, where there is one.
pub fn open(run: &mut Run) -> Result<(), Failure> {
    if matches!(run.ledger, Ledger::Missing(_)) {
        return Ok(());
    }
    run.ledger = match run.sql.dialect {
        Dialect::Sqlite => Ledger::Along,
        _ => Ledger::Tables(counted(run)?),
    };
    Ok(())
}

/// What this transaction has written so far, by the table's address.
fn counted(run: &mut Run) -> Result<BTreeMap<String, Counted>, Failure> {
    let rows = run.query(&run.sql.counted_rows(&[]))?;
    rows.iter().map(|row| Ok((row.text(0).to_owned(), Counted::read(row)?))).collect()
}

/// How many rows this connection has written so far, by whatever means; 0 where the engine tells by table.
pub fn written_rows(run: &mut Run) -> Result<u64, Failure> {
    match run.sql.dialect.written_rows() {
        Some(question) => Ok(run.one(question)?.count(0)?),
        None => Ok(0),
    }
}

/// Nothing beyond what was shown: as many rows went as were found, and no others. What triggers did elsewhere
/// is told.
///
/// # Errors
/// [`Failure::Unproven`]
pub fn compare(run: &mut Run, findings: &Findings) -> Result<Result<Vec<Beyond>, String>, Failure> {
    match std::mem::take(&mut run.ledger) {
        Ledger::Unread => Ok(Err("nothing was counted when the transaction began".into())),
        Ledger::Missing(reason) => Ok(Err(reason)),
        Ledger::Along => one_number(run, findings),
        Ledger::Tables(before) => by_table(run, findings, &before).map(Ok),
    }
}

/// Nothing is left for COMMIT to do, where no proof would see it: an event of a trigger comes of a row that is written, and
/// no more are when all that is deferred is done.
///
/// # Errors
/// [`Failure::Unproven`]
pub fn expect_settled(run: &mut Run) -> Result<(), Failure> {
    let Some(settle) = run.sql.dialect.settle_checks() else { return Ok(()) };
    let before = counted(run)?;
    run.names_theirs()?;
    run.run(settle)?;
    run.names_ours()?;
    if counted(run)? == before {
        return Ok(());
    }
    Err(Failure::Unproven("a trigger had left something for COMMIT, where no proof sees it".into()))
}

/// What PostgreSQL says of one table at the end.
struct Entry {
    /// `None`: nothing of it is in the closure or unlinked.
    table: Option<TableId>,
    name: String,
    counted: Counted,
    partitioned: bool,
    /// Truncated or altered in this transaction, which counts no rows.
    rewritten: bool,
    /// Nobody else can look at it.
    locked: bool,
}

impl Counted {
    fn read(row: &Row) -> Result<Counted, Failure> {
        let (deleted, inserted, updated) = (row.number(3)?, row.number(4)?, row.number(5)?);
        Ok(Counted { deleted, inserted, updated })
    }

    fn since(self, before: Counted) -> Counted {
        Counted {
            deleted: self.deleted - before.deleted,
            inserted: self.inserted - before.inserted,
            updated: self.updated - before.updated,
        }
    }
}

impl Entry {
    fn read(row: &Row, before: &BTreeMap<String, Counted>) -> Result<Entry, Failure> {
        let before = before.get(row.text(0)).copied().unwrap_or_default();
        Ok(Entry {
            table: row.optional(1).and_then(|n| n.parse().ok()).map(TableId),
            name: row.text(2).to_owned(),
            counted: Counted::read(row)?.since(before),
            partitioned: row.flag(6),
            rewritten: row.flag(7),
            locked: row.flag(8),
        })
    }

    /// What was counted beside the rows that we deleted and unlinked. A row that moves to another partition goes
    /// there and comes here, which is no UPDATE.
    fn beside(&self, deleted: u64, unlinked: u64) -> Counted {
        let (deleted, unlinked) = (deleted as i64, unlinked as i64);
        let Counted { deleted: gone, inserted, updated } = self.counted;
        let (gone, moved) = if self.partitioned {
            (gone - inserted, (unlinked - updated).clamp(0, inserted))
        } else {
            (gone, 0)
        };
        Counted {
            deleted: gone - deleted,
            inserted: inserted - moved,
            updated: (updated - unlinked).max(0),
        }
    }
}

/// Only triggers and rules may have written more than we did, and that is told.
fn by_table(
    run: &mut Run,
    findings: &Findings,
    before: &BTreeMap<String, Counted>,
) -> Result<Vec<Beyond>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let shown = findings.rows();
    let unlinked = unlinked(run, findings);
    let written = &[Event::Delete, Event::Update];
    let fires = plan.is_seen(catalog, written).is_some();
    let mut beyond = Vec::new();
    for entry in entries(run, (&shown, &unlinked), before)? {
        let rows = |of: &BTreeMap<TableId, u64>| {
            entry.table.and_then(|table| of.get(&table)).copied().unwrap_or_default()
        };
        let mut beside = entry.beside(rows(&shown), rows(&unlinked));
        if let Some(table) = entry.table.filter(|table| shown.contains_key(table)) {
            beside = of_the_closure(run, &entry, (table, rows(&shown)), beside, fires)?;
        } else if beside.deleted > 0 && !fires {
            let name = &entry.name;
            return Err(Failure::Unproven(format!("rows of {name} went, which were not found")));
        }
        let Counted { deleted, inserted, updated } = beside;
        if fires && (deleted > 0 || inserted > 0 || updated > 0 || entry.rewritten) {
            let [deleted, inserted, updated] =
                [deleted, inserted, updated].map(|rows| u64::try_from(rows).unwrap_or_default());
            let (table, rewritten) = (entry.name, entry.rewritten);
            beyond.push(Beyond { table, deleted, inserted, updated, rewritten });
        }
    }
    Ok(beyond)
}

/// Every table with a count, and those of the closure without one.
fn entries(
    run: &mut Run,
    (shown, unlinked): (&BTreeMap<TableId, u64>, &BTreeMap<TableId, u64>),
    before: &BTreeMap<String, Counted>,
) -> Result<Vec<Entry>, Failure> {
    let tables: BTreeSet<TableId> = shown.keys().chain(unlinked.keys()).copied().collect();
    let tables: Vec<TableId> = tables.into_iter().collect();
    let rows = run.query(&run.sql.counted_rows(&tables))?;
    let mut entries =
        rows.iter().map(|row| Entry::read(row, before)).collect::<Result<Vec<_>, _>>()?;
    for table in shown.keys() {
        if !entries.iter().any(|entry| entry.table == Some(*table)) {
            entries.push(Entry {
                table: Some(*table),
                name: run.job.catalog.table(*table).name.to_string(),
                counted: Counted::default(),
                partitioned: false,
                rewritten: false,
                locked: false,
            });
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// How often the engine wrote a row to unlink it. Its own actions do so for each reference by itself.
fn unlinked(run: &Run, findings: &Findings) -> BTreeMap<TableId, u64> {
    if !findings.engine_cascade {
        return run.written.unlinked.clone();
    }
    let mut rows = BTreeMap::new();
    for found in &findings.unlinked {
        let reference = run.job.plan.unlinks[found.unlink].reference;
        *rows.entry(run.job.catalog.reference(reference).child).or_default() += found.rows;
    }
    rows
}

/// As many rows of a table of the closure went as were found there, and no others. Tells what else happened to it.
fn of_the_closure(
    run: &mut Run,
    entry: &Entry,
    (table, rows): (TableId, u64),
    beside: Counted,
    fires: bool,
) -> Result<Counted, Failure> {
    let name = &run.job.catalog.table(table).name;
    if entry.rewritten {
        let what = format!("{name} was truncated or altered, of which {rows} rows were found");
        return Err(Failure::Unproven(what + " (does a trigger do it?)"));
    }
    let gone = beside.deleted + rows as i64;
    let told = format!("the engine counts {gone} deleted rows of {name}, {rows} were found");
    let explained = fires && (beside.inserted > 0 || beside.updated > 0);
    match beside.deleted {
        0 => Ok(beside),
        // What a trigger or rule puts in, or changes instead, is its own affair.
        ..0 if explained => Ok(beside),
        ..0 => Err(Failure::Unproven(told)),
        _ if !fires || entry.locked || went_beyond(run, table, rows)? => {
            Err(Failure::Unproven(told))
        }
        _ if explained => Ok(beside),
        // They were taken back.
        _ => Ok(Counted { deleted: 0, ..beside }),
    }
}

/// Whether more than `rows` rows of a table really went. Deletions that a trigger's exception block took back are
/// counted, too; so what others see of the table is compared with what this transaction leaves of it. Others
/// write meanwhile: one agreement is enough.
fn went_beyond(run: &mut Run, table: TableId, rows: u64) -> Result<bool, Failure> {
    const LOOKS: u32 = 5;
    let target = run.database.target().clone();
    let mut others = Database::connect(&target, false)?;
    for _ in 0..LOOKS {
        let there = others.in_snapshot(|others| others.query_one(&run.sql.count_rows(table)))?;
        let there = there.number(0)?;
        let here = run.one(run.sql.count_rows(table))?.number(0)?;
        if there - here <= rows as i64 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many rows tables have, and those of which the engine may take rows along with theirs: where nobody else writes
/// meanwhile.
pub fn rows(run: &mut Run, tables: &[TableId]) -> Result<BTreeMap<TableId, u64>, Failure> {
    let mut rows = BTreeMap::new();
    let naming = run.job.catalog.references.iter().filter(|it| it.is_constraint());
    let naming = naming.filter(|it| tables.contains(&it.parent)).map(|it| it.child);
    let all: BTreeSet<TableId> = tables.iter().copied().chain(naming).collect();
    if run.sql.dialect.excludes_writers() {
        for table in all {
            rows.insert(table, run.one(run.sql.count_rows(table))?.count(0)?);
        }
    }
    Ok(rows)
}

/// SQLite counts rows of all tables together, those that its cascades and triggers write included. Where it
/// checks, it also unlinks rows that are to go themselves: then the tables' rows are counted, before and after.
fn one_number(run: &mut Run, findings: &Findings) -> Result<Result<Vec<Beyond>, String>, Failure> {
    let shown = findings.deleted() + run.written.unlinked.values().sum::<u64>();
    let further = run.written.counted as i64 - shown as i64;
    if further == 0 {
        return Ok(Ok(Vec::new()));
    }
    let written = &[Event::Delete, Event::Update];
    if further > 0 && run.job.plan.is_seen(run.job.catalog, written).is_some() {
        return Ok(Err(format!(
            "triggers wrote {further} rows more, and SQLite does not tell where"
        )));
    }
    if further > 0 && run.job.plan.rules.checks == Checks::Engine {
        return as_many_went(run, findings).map(|()| Ok(Vec::new()));
    }
    Err(Failure::Unproven(format!(
        "the engine counts {further:+} written rows beside the {shown} that were found"
    )))
}

fn as_many_went(run: &mut Run, findings: &Findings) -> Result<(), Failure> {
    let Some(before) = run.before.take() else { return Err(Failure::Unweighed) };
    let shown = findings.rows();
    let after = rows(run, &shown.keys().copied().collect::<Vec<_>>())?;
    for (table, after) in after {
        let rows = shown.get(&table).copied().unwrap_or_default();
        let before = before.rows.get(&table).copied().unwrap_or_default();
        let went = before as i64 - after as i64;
        if went != rows as i64 {
            let name = &run.job.catalog.table(table).name;
            return Err(Failure::Unproven(format!(
                "{went} rows of {name} went, {rows} were found"
            )));
        }
    }
    Ok(())
}
