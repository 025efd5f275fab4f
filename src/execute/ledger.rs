//! The engine's own count of what went: it knows nothing of our keys, so it can disagree with them.

use super::{Failure, Job, Run};
use crate::catalog::TableId;
use crate::database::Database;
use crate::findings::{Beyond, Findings};
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
    /// SQLite: rows written by this connection.
    Total(u64),
}

/// What our own statements have written since then.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    /// Rows of any table, our own included.
    pub all: u64,
    /// Rows of the user's tables.
    pub users: u64,
    /// Of these, rows that were unlinked.
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
        Dialect::Sqlite => Ok(Ledger::Total(total(run)?)),
        _ => {
            let rows = run.query(&run.sql.counted_rows(&[]))?;
            let counted = rows
                .iter()
                .map(|row| Ok((row.text(0).to_owned(), (row.number(3)?, row.number(4)?))));
            Ok(Ledger::Tables(counted.collect::<Result<_, Failure>>()?))
        }
    }
}

fn total(run: &mut Run) -> Result<u64, Failure> {
    let question = run.sql.dialect.written_rows();
    Ok(run.one(question)?.count(0)?)
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
        Ledger::Total(before) => one_number(run, findings, before).map(Ok),
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
                beyond.push(Beyond { table: Some(row.text(2).to_owned()), rows: gone as u64 });
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
        let names: Vec<&str> = beyond.iter().filter_map(|it| it.table.as_deref()).collect();
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

/// SQLite counts rows of all tables together. Our own statements tell what they wrote themselves; the rest are
/// the engine's cascades, and triggers.
fn one_number(run: &mut Run, findings: &Findings, before: u64) -> Result<Vec<Beyond>, Failure> {
    let written = run.written;
    let by_others = (total(run)? as i64) - (before as i64) - (written.all as i64);
    let cascaded = (findings.deleted() + written.unlinked) as i64 - written.users as i64;
    match by_others - cascaded {
        0 => Ok(Vec::new()),
        further if further > 0 && fires(run) => {
            Ok(vec![Beyond { table: None, rows: further as u64 }])
        }
        // A trigger may put rows in and take ours before we come; what it swallows was asked by key.
        _ if fires(run) => Ok(Vec::new()),
        further => Err(Failure::Unproven(format!(
            "the engine counts {further} written rows more than were found"
        ))),
    }
}
