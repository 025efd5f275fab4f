//! When one reading of a table serves several references.

use super::{Plan, Rank, Which};
use crate::catalog::{Catalog, Key, OnDelete, ReferenceId, TableId};
use std::collections::BTreeMap;

/// A smaller table is quickly read once for each reference.
const LARGE: u64 = 10_000;
/// The share of parents found from which on their children are found by reading all rows rather than
/// by looking them up: at about a quarter the two cost the same.
const SHARE: f64 = 0.25;

impl Plan {
    /// The unlinks that the schema asks for in `table`.
    pub fn unlinked_from(&self, table: TableId, catalog: &Catalog) -> Vec<ReferenceId> {
        let here = self.unlinks.iter().filter(|unlink| unlink.which == Which::Surviving);
        let references = here.map(|unlink| unlink.reference);
        references.filter(|id| catalog.reference(*id).child == table).collect()
    }

    /// Nothing but the references that find rows of `table` concerns it: who only counts them needs no
    /// keys.
    pub fn only_counts(&self, catalog: &Catalog, table: TableId) -> bool {
        let concerns = |id: ReferenceId| {
            let reference = catalog.reference(id);
            reference.parent == table
                || (reference.child == table && reference.on_delete == OnDelete::Ignore)
        };
        let mut guards = self.rules.guards.test_data.iter();
        table != self.root
            && !self.has_orphans(table)
            && !self.kept.contains_key(&table)
            && !self.unlinks_in(table, catalog)
            && !catalog.reference_ids().any(concerns)
            && !guards.any(|guard| guard.table == table)
            && self.followed_into(table, catalog).iter().all(|f| f.rank < Rank::Protected)
    }
}

/// Can rows be found along this reference while others are followed? Its parents are in another table,
/// and no row names two of them, so that a join adds no row.
pub fn can_share(catalog: &Catalog, id: ReferenceId) -> bool {
    let reference = catalog.reference(id);
    let named = |key: &Key| {
        key.columns.len() == reference.parent_columns.len()
            && key.columns.iter().all(|column| reference.parent_columns.contains(column))
    };
    reference.is_constraint()
        && reference.partition.is_none()
        && reference.parent != reference.child
        && catalog.table(reference.parent).keys.iter().any(named)
}

/// Is it worth reading all of `table` for these references, of whose parents so many `rows` are found?
pub fn pays(
    catalog: &Catalog,
    table: TableId,
    references: &[ReferenceId],
    rows: &BTreeMap<TableId, u64>,
) -> bool {
    let share = |id: &ReferenceId| {
        let parent = catalog.reference(*id).parent;
        let all = catalog.table(parent).estimated_rows.filter(|all| *all > 0);
        let found = rows.get(&parent).copied().unwrap_or_default();
        all.map_or(0.0, |all| (found as f64 / all as f64).min(1.0))
    };
    let large = catalog.table(table).estimated_rows.is_some_and(|rows| rows >= LARGE);
    references.len() > 1 && large && references.iter().map(share).sum::<f64>() >= SHARE
}
