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
pub struct SharedScan<'a> {
    pub table: TableId,
    /// Add rows, each by the first that reaches it.
    pub adding: &'a [ReferenceId],
    /// Set rows aside that none of the others reaches.
    pub deferred: &'a [ReferenceId],
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
    pub fn shared_scan(&self, shared_scan: &SharedScan) -> Statement {
        self.said(format!(
            "INSERT INTO {} SELECT {}, {} FROM {}{}",
            self.key_relation(shared_scan.table),
            self.key_values(shared_scan.table, "c").join(", "),
            self.found_by(shared_scan),
            self.scanned(shared_scan),
            self.dialect.for_update("c", shared_scan.lock),
        ))
    }

    /// What a shared scan would find: each `gen`, and its rows.
    pub fn count_shared_scan(&self, shared_scan: &SharedScan) -> Statement {
        format!(
            "SELECT gen::text, count(*)::text FROM (SELECT {} AS gen FROM {}) s GROUP BY gen",
            self.found_by(shared_scan),
            self.scanned(shared_scan)
        )
        .into()
    }

    fn scanned(&self, shared_scan: &SharedScan) -> String {
        let joined =
            shared_scan.references().filter(|(n, id)| self.list(shared_scan, *n, *id).is_none());
        let joins = joined.map(|(n, id)| {
            let parent = self.key_relation(self.catalog.reference(id).parent);
            let names = self.names_key(id, &format!("p{n}"), "c");
            let until = if shared_scan.again {
                format!(" AND p{n}.gen < {}", shared_scan.generation)
            } else {
                String::new()
            };
            format!(" LEFT JOIN {parent} p{n} ON {names}{until}")
        });
        let joins: String = joins.collect();
        let any: Vec<String> =
            shared_scan.references().map(|(n, id)| self.reached(shared_scan, n, id)).collect();
        format!("{} c{joins} WHERE {}", self.relation(shared_scan.table), any.join(" OR "))
    }

    /// The row names a parent that is found, by the reference number `n`.
    fn reached(&self, shared_scan: &SharedScan, n: usize, id: ReferenceId) -> String {
        self.list(shared_scan, n, id).unwrap_or_else(|| format!("p{n}.gen IS NOT NULL"))
    }

    /// The same without a join, where rows are set aside for few parents with a plain key.
    fn list(&self, shared_scan: &SharedScan, n: usize, id: ReferenceId) -> Option<String> {
        let reference = self.catalog.reference(id);
        let few = shared_scan.rows.get(&reference.parent).is_some_and(|rows| *rows <= LISTED);
        let ([column], [key]) = (&reference.columns[..], &reference.parent_columns[..]) else {
            return None;
        };
        (n >= shared_scan.adding.len() && few && reference.is_plain() && !shared_scan.again).then(
            || {
                let (parent, key) = (reference.parent, self.key_column(reference.parent, key));
                format!(
                    "c.{} IN (SELECT p.{key} FROM {} p)",
                    quote(column),
                    self.key_relation(parent)
                )
            },
        )
    }

    /// The number that a row gets.
    fn found_by(&self, shared_scan: &SharedScan) -> String {
        let first = shared_scan.adding.len();
        let added = (0..first).map(|n| {
            let number = shared_scan.generation as usize + n;
            let number = match self.ours(shared_scan, n) {
                Some(ours) => format!("CASE WHEN {ours} THEN {number} ELSE {} END", number + first),
                None => number.to_string(),
            };
            format!("WHEN {} THEN {number}", self.reached(shared_scan, n, shared_scan.adding[n]))
        });
        let added: Vec<String> = added.collect();
        let bits = shared_scan.deferred.iter().enumerate().map(|(n, id)| {
            let reached = self.reached(shared_scan, first + n, *id);
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
    fn ours(&self, shared_scan: &SharedScan, first: usize) -> Option<String> {
        if !self.plan.may_be_foreign(self.catalog, shared_scan.table) {
            return None;
        }
        let owning = self.plan.owning_of(shared_scan.table);
        let found = |id: &ReferenceId| {
            let (n, _) = shared_scan.references().find(|(_, other)| other == id)?;
            Some(self.reached(shared_scan, n, *id))
        };
        let mut conditions = Vec::new();
        let first = shared_scan.adding[first];
        if !owning.contains(&first) {
            let some: Vec<String> = owning.iter().filter_map(found).collect();
            if some.is_empty() {
                return Some("1 = 0".into());
            } else {
                conditions.push(format!("({})", some.join(" OR ")))
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

    /// What a shared scan has found by others than the first, who finds nearly all: each `gen`, and its rows.
    pub fn count_scanned(&self, shared_scan: &SharedScan) -> Statement {
        self.said(format!(
            "SELECT gen::text, count(*)::text FROM {} WHERE gen <> {} GROUP BY gen",
            self.key_relation(shared_scan.table),
            shared_scan.generation
        ))
    }

    /// Moves the rows that are to be set aside out of the key table.
    pub fn defer_rows(&self, table: TableId) -> String {
        let keys = self.key_relation(table);
        let create = self.create_as(&format!("orgsweep_a{}", table.0));
        format!("{create} SELECT * FROM {keys} WHERE gen < 0; DELETE FROM {keys} WHERE gen < 0")
    }

    pub fn drop_deferred(&self, table: TableId) -> String {
        self.dialect.drop_temporary(&self.deferred(table))
    }

    fn deferred(&self, table: TableId) -> String {
        self.temporary(&format!("orgsweep_a{}", table.0))
    }

    /// The rows `a` set aside for the reference of this bit. `grown`: others were added since.
    fn waiting(&self, table: TableId, bit: usize, grown: bool) -> String {
        let rows = format!("{} a WHERE -a.gen & {} <> 0", self.deferred(table), 1 << bit);
        if grown {
            format!(
                "{rows} AND NOT EXISTS (SELECT 1 FROM {} k WHERE {})",
                self.key_relation(table),
                self.same_key(table, "k", "a"),
            )
        } else {
            rows
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
        self.said(format!(
            "INSERT INTO {} SELECT {}, {generation} FROM {}",
            self.key_relation(table),
            columns.join(", "),
            self.waiting(table, bit, grown)
        ))
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
        self.said(format!(
            "{} SELECT row_number() OVER () AS n, {columns} FROM {}",
            self.create_as(&format!("orgsweep_u{position}")),
            self.waiting(table, bit, grown),
        ))
    }
}

impl SharedScan<'_> {
    /// Numbered, as their parents' key tables are.
    fn references(&self) -> impl Iterator<Item = (usize, ReferenceId)> {
        self.adding.iter().chain(self.deferred).copied().enumerate()
    }
}
