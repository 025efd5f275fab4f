//! Tables whose rows link others, and whom they link: somebody whose last membership goes belongs to nobody any more.

use super::{Ownership, Rules};
use crate::catalog::{Catalog, OnDelete, Origin, ReferenceId, TableId};
use std::collections::BTreeSet;

/// References of tables in `tables` that link rows which may be nobody's without it. Whether the table is one that links
/// says the policy, or a unique key that consists of references.
pub(super) fn links(
    catalog: &Catalog,
    (root, tables): (TableId, &BTreeSet<TableId>),
    ownership: &Ownership,
    rules: &Rules,
) -> Vec<ReferenceId> {
    let mut links = Vec::new();
    for table in tables.iter().copied().filter(|table| *table != root) {
        let own: Vec<ReferenceId> =
            catalog.reference_ids().filter(|id| may_link(catalog, table, *id)).collect();
        let linking = match rules.associations.get(&table) {
            Some(false) => Vec::new(),
            Some(true) => own,
            None => of_a_key(catalog, table, &own),
        };
        links.extend(linking.into_iter().filter(|id| {
            let parent = catalog.reference(*id).parent;
            parent != root && parent != table && !ownership.always_has_owner(catalog, parent)
        }));
    }
    links
}

fn may_link(catalog: &Catalog, table: TableId, id: ReferenceId) -> bool {
    let reference = catalog.reference(id);
    reference.child == table
        && reference.on_delete != OnDelete::Ignore
        && reference.declaration.origin != Origin::Inverse
}

/// Those of which a unique key consists, where it takes two or more.
fn of_a_key(catalog: &Catalog, table: TableId, own: &[ReferenceId]) -> Vec<ReferenceId> {
    let columns = |id: &ReferenceId| &catalog.reference(*id).columns;
    let consists = |key: &&crate::catalog::Key| {
        let within = own.iter().filter(|id| columns(id).iter().all(|it| key.columns.contains(it)));
        let ways: BTreeSet<_> = within.map(columns).collect();
        ways.len() > 1 && key.columns.iter().all(|it| ways.iter().any(|way| way.contains(it)))
    };
    let Some(key) = catalog.table(table).keys.iter().find(consists) else { return Vec::new() };
    let in_key = |id: &&ReferenceId| columns(id).iter().all(|it| key.columns.contains(it));
    own.iter().filter(in_key).copied().collect()
}
