//! Whose row is it: the references that say so (DESIGN 3).

use crate::catalog::{Catalog, OnDelete, ReferenceId, TableId};
use crate::graph;
use petgraph::algo::dominators::simple_fast;
use petgraph::graphmap::DiGraphMap;
use std::collections::{BTreeMap, BTreeSet};

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

/// Tables whose owners cannot differ in good faith: every way home leads through one table below
/// the root (a project, say), by whichever owning reference it starts. Where such owners name
/// different organizations, the row is not shared but torn, and losing it would be a loss to the
/// other organization. A membership's ways home (by user, by project) meet at the root alone.
///
/// The common tables are the dominators of the root in the graph of owning references
/// (Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm", as in petgraph).
pub fn dependent(
    catalog: &Catalog,
    root: TableId,
    owning: &BTreeMap<TableId, Vec<ReferenceId>>,
) -> BTreeSet<TableId> {
    let ways = owning.iter().flat_map(|(child, references)| {
        references.iter().map(|id| (*child, catalog.reference(*id).parent))
    });
    let graph = DiGraphMap::<TableId, ()>::from_edges(ways);
    let has_common = |table: &TableId| {
        let dominators = simple_fast(&graph, *table);
        let common = dominators.strict_dominators(root);
        common.is_some_and(|mut common| common.any(|between| between != *table))
    };
    let several = owning.iter().filter(|(_, references)| references.len() > 1);
    several.map(|(table, _)| *table).filter(has_common).collect()
}

/// 0 is the strongest claim.
fn strength(action: OnDelete) -> u8 {
    match action {
        OnDelete::Cascade => 0,
        OnDelete::Restrict | OnDelete::NoAction => 1,
        OnDelete::SetNull | OnDelete::SetDefault => 2,
    }
}
