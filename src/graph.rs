//! The reference graph: who can be reached from where, and in which order. Pure; petgraph does
//! the algorithms.

use crate::catalog::{Catalog, ReferenceId, TableId};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use petgraph::visit::Dfs;
use std::collections::BTreeSet;

/// Tables that form a cycle of references, or a single table.
pub type Component = Vec<TableId>;

/// The tables reached from `roots` by following `references` from parents to children, `roots`
/// included.
pub fn reachable(
    catalog: &Catalog,
    roots: &[TableId],
    references: impl Fn(ReferenceId) -> bool,
) -> BTreeSet<TableId> {
    let mut graph = DiGraphMap::<TableId, ()>::from_edges(edges(catalog, references));
    let mut reached = BTreeSet::new();
    for root in roots {
        graph.add_node(*root);
        let mut walk = Dfs::new(&graph, *root);
        reached.extend(std::iter::from_fn(|| walk.next(&graph)));
    }
    reached
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::catalog;
    use expect_test::{Expect, expect};

    fn check(schema: &str, expected: Expect) {
        let catalog = catalog(schema);
        let all = reachable(&catalog, &[TableId(0)], |_| true);
        let name = |table: &TableId| catalog.table(*table).name.to_string();
        let component =
            |tables: &Component| tables.iter().map(name).collect::<Vec<_>>().join(" + ");
        let components: Vec<String> =
            components(&catalog, &all, |_| true).iter().map(component).collect();
        expected.assert_eq(&components.join(", "));
    }

    #[test]
    fn parents_come_before_children_and_cycles_stay_together() {
        check(
            "orgs(id)
             payments(id, deal_id -> deals cascade)
             deals(id, org_id -> orgs cascade, owner -> users restrict)
             users(id, org_id -> orgs cascade, boss -> users set null, best_deal -> deals set null)
             elsewhere(id)",
            expect!["orgs, deals + users, payments"],
        );
    }

    #[test]
    fn tables_that_nothing_orders_stand_in_catalog_order() {
        check(
            "orgs(id)
             b(id, o -> orgs cascade)
             a(id, o -> orgs cascade)
             c(id, o -> orgs cascade)",
            expect!["orgs, b, a, c"],
        );
    }
}
