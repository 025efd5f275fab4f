//! What a row rests on that CASCADE may reach from nothing but itself: rows that only rest on each other rest on nothing.
//!
//! What is not ours alone and the ancestors of these rows among what force found are numbered in `orgsweep_g…`, a table
//! each. Who takes whom along is in `orgsweep_way`: by CASCADE, and by force what is ours alone or has consent; 0 stands for
//! all rows that are in no doubt. Down these edges it comes to all that go, in one statement.

use super::suspects::Closure;
use super::{GROUND, WAYS, grounds_name, verdict_name};
use crate::catalog::{ReferenceId, TableId};
use crate::engine::{Dialect, Statement};
use crate::sql::Sql;

/// One step up from the rows in doubt.
#[derive(Clone, Copy)]
pub struct StepUp {
    pub reference: ReferenceId,
    /// From rows that were numbered after this generation, into this one.
    pub since: u32,
    pub generation: u32,
    /// Parents that force found may be in doubt themselves.
    pub doubts_parents: bool,
}

impl Sql<'_> {
    /// Of each table how many rows that are not ours alone are in doubt, and how many no CASCADE reaches.
    pub fn count_doubted(&self, tables: &[TableId]) -> Vec<Statement> {
        self.together(tables, |table| {
            let text = |number: &str| self.dialect.as_text(number);
            let count = |state| text(&format!("count(CASE WHEN v.cascaded = {state} THEN 1 END)"));
            format!(
                "SELECT {}, {}, {} FROM {} v WHERE v.class <> 'ours'",
                text(&table.0.to_string()),
                count(2),
                count(0),
                self.verdict_table(*table),
            )
        })
    }

    pub fn create_ways(&self) -> String {
        self.create_edges(WAYS)
    }

    pub fn create_grounds(&self, table: TableId) -> String {
        self.create_numbered(&grounds_name(table), table)
    }

    pub fn analyze_grounds(&self, table: TableId) -> Option<String> {
        (self.dialect == Dialect::Postgres).then(|| format!("ANALYZE {}", self.grounds(table)))
    }

    /// The rows of `table` that are not ours alone: from those that a CASCADE reaches anyhow no step goes up.
    pub fn add_not_ours(&self, table: TableId, generation: u32) -> Statement {
        let columns = self.key_table(table).identity_columns().join(", v.");
        self.said(format!(
            "INSERT INTO {} SELECT v.n, CASE WHEN v.cascaded = 1 THEN 0 ELSE {generation} END, v.{columns} FROM {} v \
             WHERE v.class <> 'ours'",
            self.written_to(&grounds_name(table)),
            self.verdict_table(table),
        ))
    }

    /// Those are in no doubt.
    pub fn add_reached(&self, table: TableId) -> Statement {
        self.said(format!(
            "INSERT INTO {} SELECT v.n, 0 FROM {} v WHERE v.class <> 'ours' AND v.cascaded = 1",
            self.written_to(WAYS),
            self.verdict_table(table),
        ))
    }

    /// Parents that force found, as far as they are not numbered.
    pub fn add_grounds(&self, step: &StepUp, closure: Closure) -> Statement {
        let parent = self.catalog.reference(step.reference).parent;
        let target = self.written_to(&grounds_name(parent));
        let columns = self.key_table(parent).identity_columns().join(", p.");
        let rows = format!(
            "SELECT DISTINCT p.{columns} FROM {} AND p.gen > {} AND NOT EXISTS (SELECT 1 FROM {} x WHERE {})",
            self.doubted_and_parents(step, ""),
            closure.cascaded,
            self.grounds(parent),
            self.same_key(parent, "x", "p"),
        );
        self.number_traced(&target, step.generation, &rows)
    }

    /// Who of these takes whom along.
    pub fn add_ways(&self, step: &StepUp, closure: Closure) -> Statement {
        let parent = self.catalog.reference(step.reference).parent;
        let own = format!(
            " {} {} x ON {}",
            self.dialect.ordered_join(),
            self.grounds(parent),
            self.same_key(parent, "x", "p"),
        );
        self.said(format!(
            "INSERT INTO {} SELECT t.n, x.n FROM {} AND p.gen > {}",
            self.written_to(WAYS),
            self.doubted_and_parents(step, &own),
            closure.cascaded,
        ))
    }

    /// The same of parents that are in no doubt.
    pub fn add_sure_ways(&self, step: &StepUp, closure: Closure) -> Statement {
        let sure = step.doubts_parents.then(|| format!(" AND p.gen <= {}", closure.cascaded));
        self.said(format!(
            "INSERT INTO {} SELECT DISTINCT t.n, 0 FROM {}{}",
            self.written_to(WAYS),
            self.doubted_and_parents(step, ""),
            sure.unwrap_or_default(),
        ))
    }

    /// Newly numbered rows `t`, these rows `c` in their table, the keys `p` of the parents that they name, and what is joined to these.
    fn doubted_and_parents(&self, step: &StepUp, joined: &str) -> String {
        let reference = self.catalog.reference(step.reference);
        let join = self.dialect.ordered_join();
        format!(
            "{} t {join} {} c ON {} {join} {} p ON {}{joined} WHERE t.gen > {} AND t.gen < {}",
            self.grounds(reference.child),
            self.child_relation(step.reference),
            self.same_row(reference.child, "t", "c"),
            self.key_relation(reference.parent),
            self.names_key(step.reference, "p", "c"),
            step.since,
            step.generation,
        )
    }

    /// The numbered rows that would go without those that are refused.
    pub fn find_grounded(&self) -> String {
        self.said_together(format!(
            "{}{} WITH RECURSIVE ground(n) AS (SELECT e.child FROM {} e WHERE e.parent = 0 \
             UNION SELECT e.child FROM ground w {}) SELECT n FROM ground",
            self.index_edges(WAYS),
            self.create_as(GROUND),
            self.mentioned(WAYS),
            self.along_edges(WAYS, "w", "parent"),
        ))
    }

    /// No CASCADE reaches the others.
    pub fn settle_doubts(&self, table: TableId) -> Statement {
        self.said(format!(
            "UPDATE {} SET cascaded = 0 WHERE cascaded = 2 AND n NOT IN (SELECT g.n FROM {} g)",
            self.written_to(&verdict_name(table)),
            self.mentioned(GROUND),
        ))
    }

    pub fn forget_grounds(&self, numbered: impl Iterator<Item = TableId>) -> String {
        let all = numbered.map(grounds_name).chain([WAYS.to_owned(), GROUND.to_owned()]);
        all.map(|name| self.dialect.drop_temporary(&self.temporary(&name)) + "; ").collect()
    }

    fn grounds(&self, table: TableId) -> String {
        self.mentioned(&grounds_name(table))
    }
}
