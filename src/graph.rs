//! The reference graph: who can be reached from where, and in which order. Pure; petgraph does
//! the algorithms.

use crate::catalog::{Catalog, ReferenceId, TableId};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use petgraph::visit::Dfs;
use std::collections::BTreeSet;

/// Tables that form a cycle of references, or a single table.
pub type Component = Vec<TableId>;

/// The tables reached from `root` by following `references` from parents to children, `root`
/// included.
pub fn reachable(
    catalog: &Catalog,
    root: TableId,
    references: impl Fn(ReferenceId) -> bool,
) -> BTreeSet<TableId> {
    let mut graph = DiGraphMap::<TableId, ()>::from_edges(edges(catalog, references));
    graph.add_node(root);
    let mut walk = Dfs::new(&graph, root);
    std::iter::from_fn(|| walk.next(&graph)).collect()
}

/// The strongly connected components of `tables` under `references`, parents before children.
/// Tables that no reference orders stand in catalog order, so plans are stable.
pub fn components(
    catalog: &Catalog,
    tables: &BTreeSet<TableId>,
    references: impl Fn(ReferenceId) -> bool,
) -> Vec<Component> {
    let mut graph = DiGraphMap::<TableId, ()>::new();
    for table in tables.iter().rev() {
        graph.add_node(*table);
    }
    for (parent, child) in edges(catalog, references) {
        if tables.contains(&parent) && tables.contains(&child) {
            graph.add_edge(parent, child, ());
        }
    }
    // Tarjan yields a component after all that can be reached from it.
    let mut components = tarjan_scc(&graph);
    components.reverse();
    for component in &mut components {
        component.sort();
    }
    components
}

/// Parent and child of every reference that counts.
fn edges(catalog: &Catalog, references: impl Fn(ReferenceId) -> bool) -> Vec<(TableId, TableId)> {
    let ends = |id| {
        let reference = catalog.reference(id);
        (reference.parent, reference.child)
    };
    catalog.reference_ids().filter(|id| references(*id)).map(ends).collect()
}
