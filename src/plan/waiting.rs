//! Unlinks that a batch leaves to a later one (`--batch-rows`).

use super::{Plan, Unlink};
use crate::catalog::{Catalog, ReferenceId, Table, TableId};
use crate::graph;
use std::collections::BTreeSet;

impl Plan {
    /// Unlinking by this reference has to wait while rows of the tables `later` are still to go: some of these may be
    /// rows that it would change, or belong to us by such rows only. Or a constraint may hold only when another unlink
    /// comes along, and that may be of another batch.
    pub fn unlink_waits(
        &self,
        catalog: &Catalog,
        id: ReferenceId,
        later: &BTreeSet<TableId>,
    ) -> bool {
        let child = catalog.reference(id).child;
        let table = catalog.table(child);
        let in_child = |unlink: &&Unlink| catalog.reference(unlink.reference).child == child;
        let (own, others): (Vec<&Unlink>, Vec<&Unlink>) =
            self.unlinks.iter().filter(in_child).partition(|unlink| unlink.reference == id);
        let writes = |unlinks: &[&Unlink], columns: &[String]| {
            unlinks.iter().any(|unlink| unlink.writes(table, columns))
        };
        let owns = |id: ReferenceId| self.owning_of(catalog.reference(id).child).contains(&id);
        let mut owning = self.owning_of(child).iter().map(|id| &catalog.reference(*id).columns);
        let owned = || graph::reachable(catalog, &[child], owns);
        later.contains(&child)
            || (owning.any(|columns| writes(&own, columns)) && !owned().is_disjoint(later))
            || constrained(catalog, child, table)
                .any(|columns| writes(&own, &columns) && writes(&others, &columns))
    }
}

/// Columns whose values must go together, by each of the table's constraints.
fn constrained<'a>(
    catalog: &'a Catalog,
    id: TableId,
    table: &'a Table,
) -> impl Iterator<Item = Vec<String>> + 'a {
    let any_of_all = move |columns: &'a Vec<String>| -> Vec<String> {
        let all = || table.columns.iter().map(|column| column.name.clone()).collect();
        if columns.is_empty() { all() } else { columns.clone() }
    };
    let references = catalog.references.iter().filter(move |reference| reference.child == id);
    let computed = table.columns.iter().filter(|column| column.generation.is_some());
    let checks = table.checks.iter().map(|check| &check.columns);
    let stated = checks.chain(table.exclusions.iter().map(|exclusion| &exclusion.columns));
    let keys = table.keys.iter().map(|key| &key.columns);
    let named = references.map(|reference| &reference.columns).chain([&table.partitioned_by]);
    let plain = keys.chain(named).cloned();
    let computed = computed.map(|column| vec![column.name.clone()]);
    stated.map(any_of_all).chain(plain).chain(computed)
}
