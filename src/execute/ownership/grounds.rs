//! Whether what takes a row along that is not ours alone goes without it: what only rests on a circle rests on nothing.

use super::Ownership;
use super::trace::ANALYZE_FROM;
use crate::catalog::{ReferenceId, TableId};
use crate::engine::Statement;
use crate::execute::discovery::Discovery;
use crate::execute::{Failure, Run};
use crate::graph;
use crate::plan::{Followed, Rank};
use crate::sql::{Closure, StepUp};
use std::collections::{BTreeMap, BTreeSet};

/// Tables with rows that a refusal of suspects may leave without what takes them along.
pub fn doubted<'a>(run: &Run, suspects: impl Iterator<Item = &'a TableId>) -> BTreeSet<TableId> {
    let starts: Vec<TableId> = suspects.copied().collect();
    graph::reachable(run.job.catalog, &starts, |id| run.job.plan.follows(id))
}

/// Decides of rows of which it hangs on others in doubt whether a CASCADE reaches them.
pub fn settle(
    run: &mut Run,
    discovery: &Discovery,
    closure: Closure,
    doubted: &BTreeSet<TableId>,
    ownership: &mut Ownership,
) -> Result<(), Failure> {
    let suspects: Vec<TableId> = ownership.suspects.keys().copied().collect();
    let (mut hanging, mut refused) = (Vec::new(), false);
    for row in run.query_all(&run.sql.count_doubted(&suspects))? {
        let table = TableId(row.count(0)? as usize);
        if row.count(1)? > 0 {
            hanging.push(table);
        }
        refused |= row.count(2)? > 0;
    }
    // What CASCADEs found was reached from what came before it.
    let forced = hanging.iter().any(|table| is_forced(run, discovery, *table));
    if hanging.is_empty() || !(refused || forced) {
        return Ok(());
    }
    run.run(&run.sql.create_ways())?;
    let not_ours = ownership.trace.next();
    let (numbered, done) = (BTreeMap::new(), BTreeMap::new());
    let mut climb = Climb { doubted, closure, not_ours, numbered, done };
    for table in suspects {
        climb.number(run, table, not_ours, &run.sql.add_not_ours(table, not_ours))?;
        run.execute(&run.sql.add_reached(table))?;
    }
    while let Some(followed) = climb.ready(run, discovery) {
        climb.step(run, followed, ownership)?;
    }
    run.run(&run.sql.find_grounded())?;
    for table in hanging {
        run.execute(&run.sql.settle_doubts(table))?;
    }
    run.run(&run.sql.forget_grounds(climb.numbered.keys().copied()))
}

fn is_forced(run: &Run, discovery: &Discovery, table: TableId) -> bool {
    let forced = |it: &Followed| {
        it.rank != Rank::Cascade
            && discovery.has_rows(run.job.catalog.reference(it.reference).parent)
    };
    run.job.plan.followed_into(table, run.job.catalog).iter().any(forced)
}

/// From the rows in doubt up to rows that are in none.
struct Climb<'a> {
    doubted: &'a BTreeSet<TableId>,
    closure: Closure<'a>,
    /// The generation of rows that are not ours alone.
    not_ours: u32,
    /// Tables with numbered rows, and the generation of the newest.
    numbered: BTreeMap<TableId, u32>,
    done: BTreeMap<ReferenceId, u32>,
}

impl Climb<'_> {
    fn number(
        &mut self,
        run: &mut Run,
        table: TableId,
        generation: u32,
        rows: &Statement,
    ) -> Result<(), Failure> {
        let before = self.numbered.get(&table).copied();
        if before.is_none() {
            run.run(&run.sql.create_grounds(table))?;
        }
        let rows = run.execute(rows)?;
        let newest = if rows > 0 { generation } else { before.unwrap_or(0) };
        self.numbered.insert(table, newest);
        match run.sql.analyze_grounds(table) {
            Some(analyze) if rows >= ANALYZE_FROM => run.run(&analyze),
            _ => Ok(()),
        }
    }

    /// A reference by which rows were numbered that it was not followed up from.
    fn ready(&self, run: &Run, discovery: &Discovery) -> Option<Followed> {
        let is_ready = |followed: &&Followed| {
            let reference = run.job.catalog.reference(followed.reference);
            let done = self.done.get(&followed.reference).copied().unwrap_or(0);
            self.numbered.get(&reference.child).is_some_and(|newest| *newest > done)
                && discovery.has_keys(reference.parent)
        };
        run.job.plan.followed.iter().find(is_ready).copied()
    }

    fn step(
        &mut self,
        run: &mut Run,
        followed: Followed,
        ownership: &mut Ownership,
    ) -> Result<(), Failure> {
        let (catalog, plan) = (run.job.catalog, run.job.plan);
        let Followed { reference, rank } = followed;
        let parent = catalog.reference(reference).parent;
        let generation = ownership.trace.next();
        let takes_all = rank == Rank::Cascade || plan.deletes_foreign(catalog, reference);
        let since = if takes_all { 0 } else { self.not_ours };
        let since = self.done.insert(reference, generation - 1).unwrap_or(since);
        let doubts_parents = self.doubted.contains(&parent);
        let step = StepUp { reference, since, generation, doubts_parents };
        run.execute(&run.sql.add_sure_ways(&step, self.closure))?;
        if !step.doubts_parents {
            return Ok(());
        }
        let rows = run.sql.add_grounds(&step, self.closure);
        self.number(run, parent, generation, &rows)?;
        run.execute(&run.sql.add_ways(&step, self.closure))?;
        Ok(())
    }
}
