//! The engine's own count of what went: it knows nothing of our keys, so it can disagree with them.

use super::{Failure, Job, Run};
use crate::catalog::TableId;
use crate::database::Database;
use crate::findings::{Beyond, Findings};
use crate::plan::Checks;
use crate::sql::Dialect;
use std::collections::BTreeMap;

/// What was counted when the transaction began.
#[derive(Debug, Default)]
pub enum Ledger {
    /// Nobody deletes here.
    #[default]
    Unread,
    /// There is none, and why.
    Missing(String),
    /// PostgreSQL, per table: rows deleted and inserted. A transaction that was rolled back may still count.
    Tables(BTreeMap<String, (i64, i64)>),
    /// SQLite counts along with each change of the user's tables ([`written_rows`]).
    Along,
}

/// What our changes of the user's tables have written since then.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    /// Rows as the engine counts them, its cascades and triggers included (SQLite).
    pub counted: u64,
    /// Rows that were unlinked.
    pub unlinked: u64,
}

/// Reads the ledger, right after BEGIN.
pub fn open(run: &mut Run) -> Result<Ledger, Failure> {
    let question = match run.sql.dialect.has_ledger() {
        Err(reason) => return Ok(Ledger::Missing(reason.into())),
        Ok(question) => question,
    };
    if let Some(question) = question
        && let Some(reason) = run.one(question)?.optional(0)
    {
        return Ok(Ledger::Missing(reason.to_owned()));
    }
    match run.sql.dialect {
        Dialect::Sqlite => Ok(Ledger::Along),
        _ => {
            let rows = run.query(&run.sql.counted_rows(&[]))?;
            let counted = rows
                .iter()
                .map(|row| Ok((row.text(0).to_owned(), (row.number(3)?, row.number(4)?))));
            Ok(Ledger::Tables(counted.collect::<Result<_, Failure>>()?))
        }
    }
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
pub fn judge(run: &mut Run, findings: &Findings) -> Result<Result<Vec<Beyond>, String>, Failure> {
    match std::mem::take(&mut run.ledger) {
        Ledger::Unread => Ok(Err("nothing was counted when the transaction began".into())),
        Ledger::Missing(reason) => Ok(Err(reason)),
        Ledger::Along => one_number(run, findings),
        Ledger::Tables(before) => by_table(run, findings, &before).map(Ok),
    }
}

fn by_table(
    run: &mut Run,
    findings: &Findings,
    before: &BTreeMap<String, (i64, i64)>,
) -> Result<Vec<Beyond>, Failure> {
    let shown = findings.rows();
    let tables: Vec<TableId> = shown.keys().copied().collect();
    let mut beyond = Vec::new();
    let mut counted = BTreeMap::new();
    for row in run.query(&run.sql.counted_rows(&tables))? {
        let (gone, made) = before.get(row.text(0)).copied().unwrap_or_default();
        let (gone, made) = (row.number(3)? - gone, row.number(4)? - made);
        // A row that moves to another partition goes there and comes here.
        let gone = if row.flag(5) { gone - made } else { gone };
        match row.optional(1).and_then(|n| n.parse().ok()).map(TableId) {
            Some(table) => {
                counted.insert(table, (gone, row.flag(5)));
            }
            None if gone > 0 => {
                beyond.push(Beyond { table: row.text(2).to_owned(), rows: gone as u64 });
            }
            None => {}
        }
    }
    for (table, rows) in shown {
        let (gone, partitioned) = counted.get(&table).copied().unwrap_or_default();
        let further = gone - rows as i64;
        let name = run.job.catalog.table(table).name.clone();
        let told = format!("the engine counts {gone} deleted rows of {name}, {rows} were found");
        if further > 0 && (!fires(run) || went_beyond(run, table, rows)?) {
            return Err(Failure::Unproven(told));
        }
        // What a trigger or rule puts in, or does instead, is its own affair.
        if further < 0 && !partitioned && run.job.catalog.table(table).triggers.is_empty() {
            return Err(Failure::Unproven(told));
        }
    }
    if !beyond.is_empty() && !fires(run) {
        let names: Vec<&str> = beyond.iter().map(|it| it.table.as_str()).collect();
        let names = names.join(", ");
        return Err(Failure::Unproven(format!("rows of {names} went, which were not found")));
    }
    Ok(beyond)
}

/// A trigger or rule sees what is written.
fn fires(run: &Run) -> bool {
    let Job { catalog, plan, .. } = run.job;
    let written = |id: &TableId| plan.tables.contains(id) || plan.unlinks_in(*id, catalog);
    let mut tables = catalog.table_ids().filter(written);
    tables.any(|id| !catalog.table(id).triggers.is_empty())
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

/// How many rows tables have, where nobody else writes meanwhile.
pub fn rows(run: &mut Run, tables: &[TableId]) -> Result<BTreeMap<TableId, u64>, Failure> {
    let mut rows = BTreeMap::new();
    if run.sql.dialect.excludes_writers() {
        for table in tables {
            rows.insert(*table, run.one(run.sql.count_rows(*table))?.count(0)?);
        }
    }
    Ok(rows)
}

/// SQLite counts rows of all tables together, those that its cascades and triggers write included. Where it
/// checks, it also unlinks rows that are to go themselves: then the tables' rows are counted, before and after.
fn one_number(run: &mut Run, findings: &Findings) -> Result<Result<Vec<Beyond>, String>, Failure> {
    let shown = findings.deleted() + run.written.unlinked;
    let further = run.written.counted as i64 - shown as i64;
    if further == 0 {
        return Ok(Ok(Vec::new()));
    }
    if further > 0 && fires(run) {
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
    if run.dangled.is_none() {
        return Err(Failure::Unweighed);
    }
    let shown = findings.rows();
    let before = std::mem::take(&mut run.rows_before);
    let after = rows(run, &shown.keys().copied().collect::<Vec<_>>())?;
    for (table, rows) in shown {
        let count =
            |counts: &BTreeMap<TableId, u64>| counts.get(&table).copied().unwrap_or_default();
        let went = count(&before) as i64 - count(&after) as i64;
        if went != rows as i64 {
            let name = &run.job.catalog.table(table).name;
            return Err(Failure::Unproven(format!(
                "{went} rows of {name} went, {rows} were found"
            )));
        }
    }
    Ok(())
}
