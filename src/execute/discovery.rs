//! What is known while the closure is found, and after.

use crate::catalog::{ReferenceId, TableId};
use crate::findings::{Found, Organization};
use crate::plan::{Followed, Refusal};
use crate::sql::Doubtful;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Rows that wait for a reference's turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deferred {
    Nothing,
    Rows { bit: usize },
}

/// Rows of a table that are known to be ours: they were found with all of their owners.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownOwned {
    pub rows: u64,
    /// The first and the last of their numbers.
    pub generations: (u32, u32),
}

/// What one reading was for.
#[derive(Debug, Clone)]
pub struct Scanned {
    pub adding: Vec<Followed>,
    pub deferred: Vec<ReferenceId>,
    pub generation: u32,
}

/// What is known after (and during) the discovery.
#[derive(Debug, Default)]
pub struct Discovery {
    pub organizations: Vec<Organization>,
    pub found: Vec<Found>,
    pub refusals: Vec<Refusal>,
    /// The table whose rows are known and stay.
    pub staying: Option<TableId>,
    /// Rows that the policy keeps out of the closure, per table.
    pub stays: BTreeMap<TableId, u64>,
    /// The last generation of root rows that were selected, not reached.
    pub selected: u32,
    /// The last generation that CASCADEs alone reach.
    pub(super) cascaded: u32,
    /// The last generation that belongs to this run's closure; later ones need `--force`.
    pub boundary: u32,
    /// Tables of which a statement stopped at its limit: there may be more.
    pub cut: BTreeSet<TableId>,
    pub(super) generation: u32,
    pub(super) rows: BTreeMap<TableId, u64>,
    pub(super) newest: BTreeMap<TableId, u32>,
    pub(super) analyzed: BTreeMap<TableId, u64>,
    pub(super) created: BTreeSet<TableId>,
    pub(super) done: BTreeMap<ReferenceId, u32>,
    /// References that were followed before their turn, and what waits for it.
    pub(super) deferred: BTreeMap<ReferenceId, Deferred>,
    pub(super) with_deferred: BTreeSet<TableId>,
    pub(super) known_owned: BTreeMap<TableId, KnownOwned>,
    pub(super) doubtful: Doubtful,
    /// Tables whose rows are known in number only.
    pub(super) counted: BTreeMap<TableId, Scanned>,
    /// Tables whose rows are deleted as they are found.
    pub(super) single_pass: BTreeSet<TableId>,
    /// How long that took, per table.
    pub(super) durations: BTreeMap<TableId, Duration>,
    pub(super) unreadable: BTreeSet<TableId>,
    pub(super) excluded: BTreeSet<ReferenceId>,
}

impl Discovery {
    /// Nothing was selected.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table has a key table.
    pub fn has_keys(&self, table: TableId) -> bool {
        self.created.contains(&table)
    }

    /// Rows of the closure are still in this table, and its key table tells which.
    pub fn shows(&self, table: TableId) -> bool {
        !self.is_single_pass(table) && self.may_lose(table)
    }

    /// The table has a key table, and its rows in there go.
    pub fn may_lose(&self, table: TableId) -> bool {
        self.has_keys(table) && self.staying != Some(table)
    }

    /// Rows of the table go.
    pub fn loses_rows(&self, table: TableId) -> bool {
        self.has_rows(table) && self.staying != Some(table)
    }

    /// What was found and goes, or would by `--force`; and the root's rows that stay.
    pub fn found_to_go(&self) -> (Vec<Found>, Vec<Found>) {
        self.found.iter().cloned().partition(|found| self.staying != Some(found.table))
    }

    /// Rows of this table are deleted as they are found.
    pub fn is_single_pass(&self, table: TableId) -> bool {
        self.single_pass.contains(&table)
    }

    /// How long it took to delete rows as they were found, per table.
    pub fn durations(&self) -> &BTreeMap<TableId, Duration> {
        &self.durations
    }

    /// The table has rows in the closure.
    pub fn has_rows(&self, table: TableId) -> bool {
        self.rows.get(&table).is_some_and(|rows| *rows > 0)
    }

    pub fn tables(&self) -> impl Iterator<Item = TableId> + '_ {
        self.rows.iter().filter(|(_, rows)| **rows > 0).map(|(table, _)| *table)
    }

    pub fn created(&self) -> impl Iterator<Item = TableId> + '_ {
        self.created.iter().copied()
    }

    /// Some rows that this reference reaches are kept out of the closure.
    pub fn is_excluded(&self, reference: ReferenceId) -> bool {
        self.excluded.contains(&reference)
    }

    /// What was set aside for an unlink, where that is all of it: no parent was found since.
    pub fn defer_rows(&self, reference: ReferenceId, parent: TableId) -> Option<Deferred> {
        self.deferred.get(&reference).copied().filter(|_| !self.has_grown(reference, parent))
    }

    /// Rows that need no question whose they are.
    pub fn known_owned(&self, table: TableId) -> Option<KnownOwned> {
        self.known_owned.get(&table).copied()
    }

    /// All rows of the table are such.
    pub fn is_sure(&self, table: TableId) -> bool {
        self.known_owned(table).is_some_and(|known_owned| known_owned.rows == self.rows[&table])
    }

    pub fn with_deferred(&self) -> impl Iterator<Item = TableId> + '_ {
        self.with_deferred.iter().copied()
    }

    /// There may be more than what was found.
    pub fn is_cut(&self) -> bool {
        !self.cut.is_empty()
    }

    /// Of the rows of a table only so many go.
    pub fn keep_only(&mut self, table: TableId, rows: u64) {
        self.rows.insert(table, rows);
        let first = self.found.iter().position(|found| found.table == table);
        let mut position = 0;
        self.found.retain_mut(|found| {
            let kept = found.table != table || (rows > 0 && Some(position) == first);
            if found.table == table {
                found.rows = rows;
            }
            position += 1;
            kept
        });
    }

    pub(super) fn next(&mut self) -> u32 {
        self.generation += 1;
        self.generation
    }

    /// There are parents that this reference has not been followed from, or rows that wait for it.
    pub(super) fn is_ready(&self, followed: Followed, parent: TableId) -> bool {
        self.waiting(followed.reference).is_some() || self.has_grown(followed.reference, parent)
    }

    /// Rows of `table` were found since the reference was followed.
    pub fn has_grown(&self, reference: ReferenceId, table: TableId) -> bool {
        let done = self.done.get(&reference).copied().unwrap_or(0);
        self.newest.get(&table).is_some_and(|newest| *newest > done)
    }

    /// The bit of the rows that wait for this reference.
    pub(super) fn waiting(&self, reference: ReferenceId) -> Option<usize> {
        match self.deferred.get(&reference) {
            Some(Deferred::Rows { bit }) => Some(*bit),
            _ => None,
        }
    }
}
