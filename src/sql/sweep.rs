//! Finding rows by several references in one reading of their table (PostgreSQL).
//!
//! Rows that only references reach whose turn has not come yet are set aside, in `orgsweep_a…`: their
//! `gen` is negative and tells, bit by bit, by which of those references.

use super::Sql;
use crate::catalog::{ReferenceId, TableId};
use crate::engine::{Statement, quote};
use crate::plan::Unlink;
use std::collections::BTreeMap;

/// One reading of a table.
#[derive(Debug, Clone, Copy)]
pub struct Sweep<'a> {
    pub table: TableId,
    /// Add rows, each by the first that reaches it.
    pub adding: &'a [ReferenceId],
    /// Set rows aside that none of the others reaches.
    pub aside: &'a [ReferenceId],
    /// The number of the first that adds; the next ones follow. After them the same again: for rows
    /// that may be somebody else's.
    pub generation: u32,
    /// Parents that were found since do not count.
    pub again: bool,
    pub lock: bool,
    /// How many rows of a parent are found.
    pub rows: &'a BTreeMap<TableId, u64>,
}

/// So many keys fit into memory as a list, so that rows are looked for in it only where nothing else
/// has reached them. Of more keys the planner might read the list again for every row.
const LISTED: u64 = 100_000;

impl Sql<'_> {
    pub fn sweep(&self, sweep: &Sweep) -> Statement {
        format!(
            "INSERT INTO {} SELECT {}, {} FROM {}{}",
            self.key_relation(sweep.table),
            self.key_values(sweep.table, "c").join(", "),
            self.found_by(sweep),
            self.swept(sweep),
            self.dialect.for_update("c", sweep.lock),
        )
        .into()
    }

    /// What a sweep would find: each `gen`, and its rows.
    pub fn count_sweep(&self, sweep: &Sweep) -> Statement {
        format!(
            "SELECT gen::text, count(*)::text FROM (SELECT {} AS gen FROM {}) s GROUP BY gen",
            self.found_by(sweep),
            self.swept(sweep)
        )
        .into()
    }

    fn swept(&self, sweep: &Sweep) -> String {
        let joined = sweep.references().filter(|(n, id)| self.list(sweep, *n, *id).is_none());
        let joins = joined.map(|(n, id)| {
            let parent = self.key_relation(self.catalog.reference(id).parent);
            let names = self.names_key(id, &format!("p{n}"), "c");
            let until = match sweep.again {
                true => format!(" AND p{n}.gen < {}", sweep.generation),
                false => String::new(),
            };
            format!(" LEFT JOIN {parent} p{n} ON {names}{until}")
        });
        let joins: String = joins.collect();
        let any: Vec<String> =
            sweep.references().map(|(n, id)| self.reached(sweep, n, id)).collect();
        format!("{} c{joins} WHERE {}", self.relation(sweep.table), any.join(" OR "))
    }

    /// The row names a parent that is found, by the reference number `n`.
    fn reached(&self, sweep: &Sweep, n: usize, id: ReferenceId) -> String {
        self.list(sweep, n, id).unwrap_or_else(|| format!("p{n}.gen IS NOT NULL"))
    }

    /// The same without a join, where rows are set aside for few parents with a plain key.
    fn list(&self, sweep: &Sweep, n: usize, id: ReferenceId) -> Option<String> {
        let reference = self.catalog.reference(id);
        let few = sweep.rows.get(&reference.parent).is_some_and(|rows| *rows <= LISTED);
        let ([column], [key]) = (&reference.columns[..], &reference.parent_columns[..]) else {
            return None;
        };
        (n >= sweep.adding.len() && few && reference.is_plain() && !sweep.again).then(|| {
            let (parent, key) = (reference.parent, self.key_column(reference.parent, key));
            format!("c.{} IN (SELECT p.{key} FROM {} p)", quote(column), self.key_relation(parent))
        })
    }

    /// The number that a row gets.
    fn found_by(&self, sweep: &Sweep) -> String {
        let first = sweep.adding.len();
        let added = (0..first).map(|n| {
            let number = sweep.generation as usize + n;
            let number = match self.ours(sweep, n) {
                Some(ours) => format!("CASE WHEN {ours} THEN {number} ELSE {} END", number + first),
                None => number.to_string(),
            };
            format!("WHEN {} THEN {number}", self.reached(sweep, n, sweep.adding[n]))
        });
        let added: Vec<String> = added.collect();
        let bits = sweep.aside.iter().enumerate().map(|(n, id)| {
            let reached = self.reached(sweep, first + n, *id);
            format!("CASE WHEN {reached} THEN {} ELSE 0 END", 1 << n)
        });
        let otherwise = match bits.collect::<Vec<_>>() {
            none if none.is_empty() => String::new(),
            bits => format!(" ELSE -({})", bits.join(" + ")),
        };
        format!("CASE {}{otherwise} END", added.join(" "))
    }

    /// When a row that `first` reaches is ours for sure, where that is a question: every owner that it
    /// names is in the closure, and it names one. Only parents that are found anyway are asked.
    fn ours(&self, sweep: &Sweep, first: usize) -> Option<String> {
        if !self.plan.may_be_foreign(self.catalog, sweep.table) {
            return None;
        }
        let owning = self.plan.owning_of(sweep.table);
        let found = |id: &ReferenceId| {
            let (n, _) = sweep.references().find(|(_, other)| other == id)?;
            Some(self.reached(sweep, n, *id))
        };
        let mut conditions = Vec::new();
        let first = sweep.adding[first];
        if !owning.contains(&first) {
            let some: Vec<String> = owning.iter().filter_map(found).collect();
            match some.is_empty() {
                true => return Some("1 = 0".into()),
                false => conditions.push(format!("({})", some.join(" OR "))),
            }
        }
        conditions.extend(owning.iter().filter(|id| **id != first).map(|id| {
            let owned = self.row_is_owned_by(*id, "c");
            match found(id) {
                Some(found) => format!("({found} OR NOT ({owned}))"),
                None => format!("NOT ({owned})"),
            }
        }));
        (!conditions.is_empty()).then(|| conditions.join(" AND "))
    }

    /// What a sweep has found by others than the first, who finds nearly all: each `gen`, and its rows.
    pub fn count_swept(&self, sweep: &Sweep) -> Statement {
        format!(
            "SELECT gen::text, count(*)::text FROM {} WHERE gen <> {} GROUP BY gen",
            self.key_relation(sweep.table),
            sweep.generation
        )
        .into()
    }

    /// Moves the rows that are to be set aside out of the key table.
    pub fn set_aside(&self, table: TableId) -> String {
        let keys = self.key_relation(table);
        let create = self.create_as(&format!("orgsweep_a{}", table.0));
        format!("{create} SELECT * FROM {keys} WHERE gen < 0; DELETE FROM {keys} WHERE gen < 0")
    }

    pub fn drop_aside(&self, table: TableId) -> String {
        self.dialect.drop_temporary(&self.aside(table))
    }

    fn aside(&self, table: TableId) -> String {
        self.temporary(&format!("orgsweep_a{}", table.0))
    }

    /// The rows `a` set aside for the reference of this bit. `grown`: others were added since.
    fn waiting(&self, table: TableId, bit: usize, grown: bool) -> String {
        let rows = format!("{} a WHERE -a.gen & {} <> 0", self.aside(table), 1 << bit);
        match grown {
            true => format!(
                "{rows} AND NOT EXISTS (SELECT 1 FROM {} k WHERE {})",
                self.key_relation(table),
                self.same_key(table, "k", "a"),
            ),
            false => rows,
        }
    }

    /// Adds the rows that were set aside for a reference.
    pub fn add_waiting(
        &self,
        table: TableId,
        bit: usize,
        grown: bool,
        generation: u32,
    ) -> Statement {
        let columns = self.key_values(table, "a").len();
        let columns: Vec<String> = (0..columns).map(|n| format!("a.c{n}")).collect();
        format!(
            "INSERT INTO {} SELECT {}, {generation} FROM {}",
            self.key_relation(table),
            columns.join(", "),
            self.waiting(table, bit, grown)
        )
        .into()
    }

    /// [`Sql::keep_unlinked`], of the rows that were set aside, and locked, for it.
    pub fn keep_waiting(
        &self,
        position: usize,
        unlink: &Unlink,
        bit: usize,
        grown: bool,
    ) -> Statement {
        let table = self.catalog.reference(unlink.reference).child;
        let columns = self.key_table(table).identity_columns().join(", ");
        format!(
            "{} SELECT row_number() OVER () AS n, {columns} FROM {}",
            self.create_as(&format!("orgsweep_u{position}")),
            self.waiting(table, bit, grown),
        )
        .into()
    }
}

impl Sweep<'_> {
    /// Numbered, as their parents' key tables are.
    fn references(&self) -> impl Iterator<Item = (usize, ReferenceId)> {
        self.adding.iter().chain(self.aside).copied().enumerate()
    }
}
