//! The way up to the owners, generation by generation: each ancestor is met once, however many rows it owns.

use crate::catalog::{ReferenceId, TableId};
use crate::engine::Statement;
use crate::execute::discovery::Discovery;
use crate::execute::{Failure, Run};
use crate::sql::Counted;
use std::collections::{BTreeMap, BTreeSet};

/// Statistics pay from about here on.
pub const ANALYZE_FROM: u64 = 500;
/// More pairs of rows and organizations than these are not written down.
const PAIRS: u64 = 2_000_000;

#[derive(Debug, Default)]
pub struct Trace {
    created: BTreeSet<TableId>,
    generation: u32,
    newest: BTreeMap<TableId, u32>,
    done: BTreeMap<ReferenceId, u32>,
    /// How many rows were met.
    rows: BTreeMap<TableId, u64>,
}

impl Trace {
    pub fn next(&mut self) -> u32 {
        self.generation += 1;
        self.generation
    }

    pub fn tables(&self) -> impl Iterator<Item = TableId> + '_ {
        self.created.iter().copied()
    }

    /// The tables of what is traced, in one round trip: of the organizations, too.
    pub fn create(
        &mut self,
        run: &mut Run,
        tables: impl Iterator<Item = TableId>,
    ) -> Result<(), Failure> {
        let mut sql = String::new();
        if self.created.is_empty() {
            sql += &run.sql.create_owning_edges();
        }
        for table in tables.chain([run.job.plan.root]) {
            if self.created.insert(table) {
                sql += &run.sql.create_traced(table);
            }
        }
        if sql.is_empty() { Ok(()) } else { run.run(&sql) }
    }

    /// Runs a statement that traces rows of `table` in the newest generation.
    pub fn add(
        &mut self,
        run: &mut Run,
        table: TableId,
        statement: &Statement,
    ) -> Result<(), Failure> {
        let rows = run.execute(statement)?;
        if rows == 0 {
            return Ok(());
        }
        self.newest.insert(table, self.generation);
        *self.rows.entry(table).or_default() += rows;
        match run.sql.analyze_traced(table) {
            Some(analyze) if rows >= ANALYZE_FROM => run.run(&analyze),
            _ => Ok(()),
        }
    }

    /// From all rows that were added to their owners, and on to theirs.
    pub fn follow_to_the_top(
        &mut self,
        run: &mut Run,
        discovery: &Discovery,
    ) -> Result<(), Failure> {
        let (catalog, plan) = (run.job.catalog, run.job.plan);
        loop {
            let all = plan.ownership.owning.values().flatten().copied();
            let round: Vec<ReferenceId> =
                all.filter(|id| self.is_ready(*id, catalog.reference(*id).child)).collect();
            if round.is_empty() {
                return Ok(());
            }
            self.create(run, round.iter().map(|id| catalog.reference(*id).parent))?;
            for id in round {
                self.follow(run, discovery, id)?;
            }
        }
    }

    fn is_ready(&self, id: ReferenceId, child: TableId) -> bool {
        let done = self.done.get(&id).copied().unwrap_or(0);
        self.newest.get(&child).is_some_and(|newest| *newest > done)
    }

    /// One step up: from the rows that were traced since this reference's last turn.
    fn follow(
        &mut self,
        run: &mut Run,
        discovery: &Discovery,
        id: ReferenceId,
    ) -> Result<(), Failure> {
        let parent = run.job.catalog.reference(id).parent;
        if run.unreadable(parent).is_some() {
            self.done.insert(id, u32::MAX);
            return Ok(());
        }
        let since = self.done.get(&id).copied().unwrap_or(0);
        let generation = self.next();
        // Parents that a self-reference finds in this very turn are yet to be followed from.
        self.done.insert(id, generation - 1);
        let statement = run.sql.trace_parents(id, since, generation);
        self.add(run, parent, &statement)?;
        if self.rows.contains_key(&parent) {
            run.execute(&run.sql.add_edges(id, since, generation))?;
        }
        if discovery.is_single_pass(parent) && discovery.has_keys(parent) {
            run.execute(&run.sql.add_edges_to_taken(id, since, generation))?;
        }
        Ok(())
    }

    /// Statistics pay.
    pub fn is_long(&self) -> bool {
        self.rows.values().any(|rows| *rows >= ANALYZE_FROM)
    }

    /// How much of who owns whom can be told at no great cost.
    pub fn counted(&self, root: TableId) -> Counted {
        let organizations = self.rows.get(&root).copied().unwrap_or_default();
        let rows: u64 = self.rows.values().sum();
        if rows.saturating_mul(organizations) <= PAIRS { Counted::Each } else { Counted::Flags }
    }
}
