//! Whose rows the candidates are (DESIGN 3), asked in sets.
//!
//! A candidate is ours when every parent that its owning references name is in the closure: all others are *suspects*
//! (`suspects`). They and their distinct ancestors are numbered in `orgsweep_t…`, a table each, and who names whom is in
//! `orgsweep_edge` (`ancestors`). Down these edges the organizations come to all rows that they own, in one statement:
//! `orgsweep_owner` (`owners`). What follows for each suspect is in `orgsweep_v…` (`verdicts`); whether a CASCADE reaches it
//! from more than a circle, `grounds` ask.

mod ancestors;
mod grounds;
mod owners;
mod suspects;
mod verdicts;

pub use grounds::StepUp;
pub use owners::Counted;
pub use suspects::{Closure, Doubtful, Suspects};
pub use verdicts::CLASSES;

use super::Sql;
use crate::catalog::TableId;

impl Sql<'_> {
    /// The rows of `table` whose owners are traced: suspects, unlinked ones, and the ancestors of both.
    fn traced(&self, table: TableId) -> String {
        self.mentioned(&traced_name(table))
    }

    /// A traced row, and the number of a parent that owns it.
    fn edges(&self) -> String {
        self.mentioned(EDGES)
    }

    fn owner_table(&self) -> String {
        self.mentioned(OWNERS)
    }

    pub(in crate::sql) fn verdict_table(&self, table: TableId) -> String {
        self.mentioned(&verdict_name(table))
    }

    /// Removes everything that was asked about owners, before the closure is found again.
    pub fn forget_owners(&self, suspects: &[TableId], traced: &[TableId]) -> String {
        let verdicts = suspects.iter().map(|table| verdict_name(*table));
        let traced = traced.iter().map(|table| traced_name(*table));
        let all = verdicts.chain(traced).chain([EDGES.to_owned(), OWNERS.to_owned()]);
        all.map(|name| self.dialect.drop_temporary(&self.temporary(&name)) + "; ").collect()
    }

    /// `DISTINCT`, where rows of the table are alike and nothing tells them apart.
    fn distinct(&self, table: TableId) -> &'static str {
        if self.has_twins(table) { "DISTINCT " } else { "" }
    }
}

const EDGES: &str = "orgsweep_edge";
const OWNERS: &str = "orgsweep_owner";
const WAYS: &str = "orgsweep_way";
const GROUND: &str = "orgsweep_ground";

fn traced_name(table: TableId) -> String {
    format!("orgsweep_t{}", table.0)
}

fn grounds_name(table: TableId) -> String {
    format!("orgsweep_g{}", table.0)
}

fn verdict_name(table: TableId) -> String {
    format!("orgsweep_v{}", table.0)
}
