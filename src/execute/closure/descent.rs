//! A self-reference followed to its end at once, where its levels are many and narrow: a chain costs what its rows cost,
//! not a statement for each of them.

use super::register;
use crate::execute::discovery::Discovery;
use crate::execute::failure::Doing;
use crate::execute::{Failure, Run, archiving, timed};
use crate::findings::Found;
use crate::plan::Followed;
use crate::sql::Follow;

/// A tree that ends before is cheaper a level at a time …
const LEVELS: usize = 3;
/// … and so is a level of many rows, which one join finds together.
const WIDE: u64 = 1_000;

/// So many levels are followed, and the last of them is narrow.
pub fn pays(run: &Run, discovery: &Discovery, step: &Follow) -> bool {
    let by_it = |found: &&Found| found.reference == Some(step.reference);
    let levels: Vec<u64> = discovery.found.iter().filter(by_it).map(|found| found.rows).collect();
    levels.len() >= LEVELS
        && levels.last().is_none_or(|rows| *rows <= WIDE)
        && step.limit.is_none()
        && run.sql.descends(step.reference)
}

/// Finds all that hangs below the parents of this step, then takes hold of these rows: who was given another parent
/// meanwhile is not ours, nor what hangs below. Rows that came meanwhile are found by the reference's next turn, which
/// asks again from all that were found here.
pub fn descend(
    run: &mut Run,
    discovery: &mut Discovery,
    followed: Followed,
    step: &Follow,
) -> Result<(), Failure> {
    let table = run.job.catalog.reference(step.reference).child;
    discovery.done.insert(step.reference, step.generation - 1);
    let statement = run.sql.descend(step);
    let found = run.execute(&statement);
    let rows = found.map_err(|e| e.at(Doing::Finding, &[table], run.job.catalog))?;
    // There are no more levels than rows.
    discovery.generation += rows.saturating_sub(1) as u32;
    let script = statement.inlined(run.sql.dialect);
    register(run, discovery, table, Some(followed), step.generation, rows, script)?;
    if rows == 0 {
        return Ok(());
    }
    let single_pass = discovery.is_single_pass(table);
    let doing = if single_pass { Doing::Deleting } else { Doing::Finding };
    let held = timed(|| match (single_pass, run.archive.is_some()) {
        (true, true) => archiving::archive_rows(run, table, &run.sql.delete_descent(step, true)),
        (true, false) => run.change(&run.sql.delete_descent(step, false)),
        (false, _) if step.lock => {
            run.one(run.sql.lock_descent(step))?.count(0).map_err(Into::into)
        }
        (false, _) => Ok(rows),
    });
    let (held, took) = held.map_err(|e| e.at(doing, &[table], run.job.catalog))?;
    if single_pass {
        *discovery.durations.entry(table).or_default() += took;
    }
    if held == rows {
        return Ok(());
    }
    let name = &run.job.catalog.table(table).name;
    Err(Failure::Disturbed(format!("rows of {name} that were found are given other parents")))
}
