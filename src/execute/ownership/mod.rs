//! Whose rows are the candidates: suspects found in sets, their owners traced, and judged (DESIGN 3). Nothing is refused
//! that a CASCADE reference shares with us, unless the policy says so.

pub mod ancestry;
mod grounds;
mod trace;
mod verdicts;

pub use verdicts::{
    exclude, judgement, owners_of_row, owners_of_unlinked, postpone, refusals, shared,
    without_consent,
};

use super::discovery::Discovery;
use super::{Failure, Run};
use crate::catalog::{ReferenceId, TableId};
use crate::findings::Unlinked;
use crate::sql::{Closure, Counted, Suspects};
use std::collections::{BTreeMap, BTreeSet};
use trace::Trace;

/// What was found out about suspects and unlinked rows.
#[derive(Debug, Default)]
pub struct Ownership {
    /// Tables with suspects, and in which generation these were traced.
    suspects: BTreeMap<TableId, u32>,
    /// Can go on from other rows.
    trace: Trace,
    counted: Counted,
}

impl Ownership {
    /// Something was said of rows of this table.
    pub fn judges(&self, table: TableId) -> bool {
        self.suspects.contains_key(&table)
    }
}

/// Tables with rows in the closure some owner of which is outside.
pub fn tables_with_suspects(run: &mut Run, discovery: &Discovery) -> Result<Vec<TableId>, Failure> {
    let all: Vec<Suspects> =
        discovery.tables().filter_map(|table| possible(run, discovery, table)).collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let questions = run.sql.count_suspects(&all, closure(discovery, &has_keys(discovery)));
    let mut tables = BTreeSet::new();
    for row in run.query_all(&questions)? {
        if row.count(1)? > 0 {
            tables.insert(TableId(row.count(0)? as usize));
        }
    }
    Ok(tables.into_iter().collect())
}

/// Rows that an owning reference found have that parent in the closure: what is left to ask.
fn possible(run: &Run, discovery: &Discovery, table: TableId) -> Option<Suspects> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let found = || discovery.found.iter().filter(|found| found.table == table);
    if table == plan.root {
        let reached = found().any(|found| found.reference.is_some());
        let owning = Vec::new();
        let suspects = Suspects { table, owning, ownerless: false, known_owned: None };
        return reached.then_some(suspects);
    }
    if !plan.may_be_foreign(catalog, table) || discovery.is_sure(table) {
        return None;
    }
    let known_owned = discovery.known_owned(table).map(|known_owned| known_owned.generations);
    let all = plan.owning_of(table);
    let found_all = |id: &ReferenceId| {
        catalog.names_one(*id) && found().all(|found| found.reference == Some(*id))
    };
    let owning: Vec<ReferenceId> = all.iter().copied().filter(|id| !found_all(id)).collect();
    let ownerless = found().any(|found| found.reference.is_none_or(|id| !all.contains(&id)));
    let suspects = Suspects { table, owning, ownerless, known_owned };
    let doubtful = discovery.doubtful.contains_key(&table);
    (ownerless || doubtful || !suspects.owning.is_empty()).then_some(suspects)
}

/// Traces the owners of the suspects in `tables` and of the unlinked rows, and judges.
pub fn analyze(
    run: &mut Run,
    discovery: &Discovery,
    tables: &[TableId],
    unlinked: &[Unlinked],
) -> Result<Ownership, Failure> {
    let mut ownership = Ownership::default();
    if tables.is_empty() && unlinked.is_empty() {
        return Ok(ownership);
    }
    let present = has_keys(discovery);
    let closure = closure(discovery, &present);
    let trace = &mut ownership.trace;
    let changed = unlinked.iter().map(|unlinked| child_of(run, unlinked.unlink));
    let changed: Vec<(usize, TableId)> =
        unlinked.iter().map(|unlinked| unlinked.unlink).zip(changed).collect();
    let starts = tables.iter().copied().chain(changed.iter().map(|(_, table)| *table));
    trace.create(run, starts)?;
    for table in tables {
        let generation = trace.next();
        let statement = run.sql.trace_suspects(*table, closure, generation);
        trace.add(run, *table, &statement)?;
        ownership.suspects.insert(*table, generation);
    }
    for (position, table) in &changed {
        let statement = run.sql.trace_unlinked(*position, *table, trace.next());
        trace.add(run, *table, &statement)?;
    }
    trace.follow_to_the_top(run, discovery)?;
    ownership.counted = trace.counted(run.job.plan.root);
    let orphaned: Vec<TableId> = trace
        .tables()
        .filter(|table| *table != run.job.plan.root && run.job.plan.has_orphans(*table))
        .filter(|table| discovery.has_keys(*table))
        .collect();
    run.run(&run.sql.find_owners(closure, &orphaned, ownership.counted))?;
    let doubted = grounds::doubted(run, ownership.suspects.keys());
    for (table, generation) in &ownership.suspects {
        run.run(&run.sql.judge(*table, closure, *generation, &doubted))?;
    }
    match run.sql.analyze_verdicts(ownership.suspects.keys()) {
        Some(analyze) if ownership.trace.is_long() => run.run(&analyze)?,
        _ => {}
    }
    grounds::settle(run, discovery, closure, &doubted, &mut ownership)?;
    Ok(ownership)
}

/// Drops what was found out about owners, and the rows kept for unlinks.
pub fn forget(run: &mut Run, ownership: &Ownership, unlinked: &[Unlinked]) -> Result<(), Failure> {
    let suspects: Vec<TableId> = ownership.suspects.keys().copied().collect();
    let traced: Vec<TableId> = ownership.trace.tables().collect();
    // Nobody was traced where nobody was suspected.
    if !traced.is_empty() {
        run.run(&run.sql.forget_owners(&suspects, &traced))?;
    }
    for unlink in unlinked {
        run.run(&run.sql.drop_kept(unlink.unlink))?;
    }
    Ok(())
}

/// Drops the key tables.
pub fn forget_keys(run: &mut Run, discovery: &Discovery) -> Result<(), Failure> {
    let keys: Vec<TableId> = discovery.created().collect();
    for table in keys {
        run.run(&run.sql.drop_key_table(table))?;
    }
    for table in discovery.with_deferred() {
        run.run(&run.sql.drop_deferred(table))?;
    }
    Ok(())
}

fn has_keys(discovery: &Discovery) -> impl Fn(TableId) -> bool {
    |table| discovery.has_keys(table)
}

fn closure<'a>(discovery: &'a Discovery, has_keys: &'a dyn Fn(TableId) -> bool) -> Closure<'a> {
    let Discovery { selected, cascaded, doubtful, .. } = discovery;
    Closure { selected: *selected, cascaded: *cascaded, has_keys, doubtful }
}

fn child_of(run: &Run, unlink: usize) -> TableId {
    run.job.catalog.reference(run.job.plan.unlinks[unlink].reference).child
}
