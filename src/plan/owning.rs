//! Whose row is it: the references that say so (DESIGN 3).

use crate::catalog::{Catalog, OnDelete, Origin, Reference, ReferenceId, TableId};
use crate::graph;
use petgraph::algo::dominators::simple_fast;
use petgraph::graphmap::DiGraphMap;
use std::collections::{BTreeMap, BTreeSet};

/// Per table that leads to one of `starts` (the root, and tables with orphans), its owning
/// references: those that `named` has, else those that lead there and have the strongest action that
/// the table has among them. The root's own rows own themselves.
pub fn owning(
    catalog: &Catalog,
    root: TableId,
    starts: &[TableId],
    named: &BTreeMap<TableId, Vec<ReferenceId>>,
) -> BTreeMap<TableId, Vec<ReferenceId>> {
    let counts = |id: ReferenceId| catalog.reference(id).on_delete != OnDelete::Ignore;
    // A table leads to the root when the root reaches it, by whatever action.
    let leading = graph::reachable(catalog, starts, counts);
    let mut owning = BTreeMap::<TableId, Vec<ReferenceId>>::new();
    for id in catalog.reference_ids().filter(|id| counts(*id)) {
        let reference = catalog.reference(id);
        if reference.child != root && leading.contains(&reference.parent) {
            owning.entry(reference.child).or_default().push(id);
        }
    }
    for (table, references) in &mut owning {
        if let Some(named) = named.get(table) {
            references.clone_from(named);
            continue;
        }
        let strength = |id: &ReferenceId| strength(catalog.reference(*id));
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
fn strength(reference: &Reference) -> u8 {
    match reference.lasting_action() {
        // A row that goes with its child says nothing of its own owner where it names one.
        _ if reference.declaration.origin == Origin::Inverse => 3,
        OnDelete::Cascade => 0,
        OnDelete::Restrict | OnDelete::NoAction => 1,
        OnDelete::SetNull | OnDelete::SetDefault => 2,
        OnDelete::Ignore => 4,
    }
}
