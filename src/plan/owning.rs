//! Whose row is it: the references that say so (DESIGN 3).

use crate::catalog::{Catalog, OnDelete, ReferenceId, TableId};
use crate::graph;
use std::collections::BTreeMap;

/// Per table that leads to `root`, its owning references: those that lead to the root and have the
/// strongest action that the table has among them. The root's own rows own themselves.
pub fn owning(catalog: &Catalog, root: TableId) -> BTreeMap<TableId, Vec<ReferenceId>> {
    // A table leads to the root when the root reaches it, by whatever action.
    let leading = graph::reachable(catalog, root, |_| true);
    let mut owning = BTreeMap::<TableId, Vec<ReferenceId>>::new();
    for id in catalog.reference_ids() {
        let reference = catalog.reference(id);
        if reference.child != root && leading.contains(&reference.parent) {
            owning.entry(reference.child).or_default().push(id);
        }
    }
    for references in owning.values_mut() {
        let strength = |id: &ReferenceId| strength(catalog.reference(*id).on_delete);
        let strongest = references.iter().map(strength).min();
        references.retain(|id| Some(strength(id)) == strongest);
    }
    owning
}

/// 0 is the strongest claim.
fn strength(action: OnDelete) -> u8 {
    match action {
        OnDelete::Cascade => 0,
        OnDelete::Restrict | OnDelete::NoAction => 1,
        OnDelete::SetNull | OnDelete::SetDefault => 2,
    }
}
