//! Catalog and rules to plan.

use super::associations::links;
use super::{
    Followed, ForeignAction, Keeping, Ownership, Plan, Rank, Rules, Severed, Unlink, UnlinkValue,
    Which,
};
use crate::catalog::{Catalog, OnDelete, ReferenceId, TableId};
use crate::graph::{self, Component};
use std::collections::{BTreeMap, BTreeSet};

/// The plan for deleting rows of `root` under `rules`.
pub fn build(catalog: &Catalog, root: TableId, rules: Rules) -> Plan {
    let follows = |id| rank(catalog, root, &rules, id).is_some();
    let mut starts = vec![root];
    starts.extend(rules.orphans.iter().map(|orphans| orphans.table));
    let tables = graph::reachable(catalog, &starts, follows);
    let discovery = graph::components(catalog, &tables, follows);
    let deletion = deletion(catalog, &tables);
    let followed = in_order(catalog, root, &rules, &discovery);
    let kept = kept(catalog, root, &rules, &tables);
    let mut unlinks = unlinks(catalog, root, &rules, &tables);
    unlinks.extend(severed(catalog, root, &rules, &followed, &kept));
    unlinks.extend(erasures(catalog, &rules, &followed));
    let linked = linked(catalog, root, &rules);
    // Who is unlinked when the other one goes is no part of it: a referrer, a partner.
    let is_part = |id: &ReferenceId| {
        let action = catalog.reference(*id).on_delete;
        !action.unlinks() && action != OnDelete::Ignore
    };
    let children = if rules.with_children {
        catalog.self_references(root).filter(is_part).collect()
    } else {
        Vec::new()
    };
    let ownership = Ownership::new(catalog, root, &starts, &rules);
    let links = links(catalog, (root, &tables), &ownership, &rules);
    Plan {
        root,
        tables,
        discovery,
        followed,
        unlinks,
        kept,
        linked,
        deletion,
        ownership,
        links,
        children,
        rules,
    }
}

/// Children before parents. The engine watches no order among references that it does not know: they
/// count where they close no further cycle.
fn deletion(catalog: &Catalog, tables: &BTreeSet<TableId>) -> Vec<Component> {
    let constraints =
        graph::components(catalog, tables, |id| catalog.reference(id).is_constraint());
    let all = graph::components(catalog, tables, |_| true);
    let order = if all.len() == constraints.len() { all } else { constraints };
    order.into_iter().rev().collect()
}

/// The round in which rows of this reference are found; `None` where they are unlinked instead, or are organizations that
/// go on naming one that stays.
fn rank(catalog: &Catalog, root: TableId, rules: &Rules, id: ReferenceId) -> Option<Rank> {
    let reference = catalog.reference(id);
    if rules.keep_organization && (reference.child, reference.parent) == (root, root) {
        return None;
    }
    match reference.on_delete {
        OnDelete::Cascade => Some(Rank::Cascade),
        OnDelete::SetNull | OnDelete::SetDefault | OnDelete::Ignore => None,
        OnDelete::Restrict | OnDelete::NoAction if rules.force.covers(id) => Some(Rank::Forced),
        OnDelete::Restrict | OnDelete::NoAction => Some(Rank::Protected),
    }
}

/// The followed references by the place of their parent, then of their child, in the discovery.
fn in_order(
    catalog: &Catalog,
    root: TableId,
    rules: &Rules,
    discovery: &[Component],
) -> Vec<Followed> {
    let tables = discovery.iter().enumerate();
    let place: BTreeMap<TableId, usize> = tables
        .flat_map(|(place, tables)| tables.iter().map(move |table| (*table, place)))
        .collect();
    let followed =
        |reference| rank(catalog, root, rules, reference).map(|rank| Followed { reference, rank });
    let reached =
        |followed: &Followed| place.contains_key(&catalog.reference(followed.reference).parent);
    let mut all: Vec<Followed> =
        catalog.reference_ids().filter_map(followed).filter(reached).collect();
    all.sort_by_key(|followed| {
        let reference = catalog.reference(followed.reference);
        (place[&reference.child], place[&reference.parent], followed.reference)
    });
    all
}

fn unlinks(
    catalog: &Catalog,
    root: TableId,
    rules: &Rules,
    tables: &BTreeSet<TableId>,
) -> Vec<Unlink> {
    let reached = |id: &ReferenceId| tables.contains(&catalog.reference(*id).parent);
    let loses = |id: &ReferenceId| {
        reached(id) && !(rules.keep_organization && catalog.reference(*id).parent == root)
    };
    let by_schema = catalog.reference_ids().filter(loses).filter_map(|id| {
        let reference = catalog.reference(id);
        let value = match reference.on_delete {
            OnDelete::SetNull => UnlinkValue::Null,
            OnDelete::SetDefault => match &reference.declaration.default {
                Some(value) => UnlinkValue::Key(value.clone()),
                None => UnlinkValue::Default,
            },
            _ => return None,
        };
        let columns = reference.set_columns.clone();
        Some(Unlink { reference: id, columns, value, which: Which::Surviving })
    });
    let by_consent = catalog.reference_ids().filter(reached).filter_map(|id| {
        rank(catalog, root, rules, id)?;
        let value = consented_value(rules, id)?;
        let columns = match value {
            UnlinkValue::Key(_) => catalog.reference(id).columns.clone(),
            _ => nulled_columns(catalog, id).unwrap_or(catalog.reference(id).columns.clone()),
        };
        Some(Unlink { reference: id, columns, value, which: Which::Foreign })
    });
    by_schema.chain(by_consent).collect()
}

/// The tables of which rows stay on purpose, each with the first rule that says what becomes of their references: its own,
/// else that of the rows that they hang on.
fn kept(
    catalog: &Catalog,
    root: TableId,
    rules: &Rules,
    tables: &BTreeSet<TableId>,
) -> BTreeMap<TableId, usize> {
    let of = |keeping: &Keeping| keeping.rows.table;
    let reached = rules.keeping.iter().map(of).enumerate().filter(|(_, it)| tables.contains(it));
    let mut kept: BTreeMap<TableId, usize> =
        reached.clone().map(|(position, table)| (table, position)).collect();
    for (position, table) in reached {
        let cascades = |id| catalog.reference(id).on_delete == OnDelete::Cascade;
        for table in graph::reachable(catalog, &[table], cascades) {
            kept.entry(table).or_insert(position);
        }
    }
    kept.remove(&root);
    kept
}

/// What rows that stay name instead of rows that go: by references along which they would have gone, and by columns that
/// say whose they are without being one. None, where nothing can be written there. What `--foreign` says of a reference
/// is for rows of others.
fn severed(
    catalog: &Catalog,
    root: TableId,
    rules: &Rules,
    followed: &[Followed],
    kept: &BTreeMap<TableId, usize>,
) -> Vec<Unlink> {
    let named = |id: &ReferenceId| {
        let stays = rules.keep_organization && catalog.reference(*id).parent == root;
        kept.contains_key(&catalog.reference(*id).child) && !stays
    };
    let told =
        |id: &ReferenceId| !catalog.reference(*id).is_untold() && !rules.leave_behind.covers(*id);
    let references = followed.iter().map(|followed| followed.reference);
    let references = references.chain(catalog.scope_ids().filter(told)).filter(named);
    let takes_ghost = |id: ReferenceId| {
        catalog.reference(id).parent == root || nulled_columns(catalog, id).is_none()
    };
    let unlink = |id: ReferenceId| {
        let reference = catalog.reference(id);
        let keeping = &rules.keeping[kept[&reference.child]];
        let (columns, value) = match keeping.references.as_ref()? {
            Severed::Ghost(key) if takes_ghost(id) => {
                let primary = catalog.table(reference.parent).primary_key()?;
                if primary.columns != reference.parent_columns || primary.columns.len() != 1 {
                    return None;
                }
                (reference.columns.clone(), UnlinkValue::Key(key.clone()))
            }
            _ => {
                let nulled = nulled_columns(catalog, id).unwrap_or(reference.columns.clone());
                (nulled, UnlinkValue::Null)
            }
        };
        let table = catalog.table(reference.child);
        let computed = |name: &String| table.column(name).is_some_and(|column| column.generated);
        let can_be_written = !columns.iter().any(computed);
        can_be_written.then_some(Unlink { reference: id, columns, value, which: Which::Kept })
    };
    references.filter_map(unlink).collect()
}

fn erasures(catalog: &Catalog, rules: &Rules, followed: &[Followed]) -> Vec<Unlink> {
    let erasure = |keeping: &Keeping| {
        let reaches = |it: &&Followed| catalog.reference(it.reference).child == keeping.rows.table;
        let reference = followed.iter().find(reaches)?.reference;
        let columns = keeping.erased.iter().map(|erased| erased.column.clone()).collect();
        let value = UnlinkValue::Erased(keeping.erased.clone());
        Some(Unlink { reference, columns, value, which: Which::Kept })
    };
    rules.keeping.iter().filter(|keeping| !keeping.erased.is_empty()).filter_map(erasure).collect()
}

/// References that are neither followed nor emptied, as the root rows that they name stay.
fn linked(catalog: &Catalog, root: TableId, rules: &Rules) -> Vec<ReferenceId> {
    let names_root = |id: &ReferenceId| {
        catalog.reference(*id).parent == root && rank(catalog, root, rules, *id).is_none()
    };
    let all = catalog.reference_ids().filter(|_| rules.keep_organization);
    all.filter(names_root).collect()
}

fn consented_value(rules: &Rules, id: ReferenceId) -> Option<UnlinkValue> {
    let named = rules.consents.iter().find(|consent| consent.reference == Some(id));
    let consent = named.or(rules.consents.iter().find(|consent| consent.reference.is_none()))?;
    match &consent.action {
        ForeignAction::Delete => None,
        ForeignAction::Unlink => Some(UnlinkValue::Null),
        ForeignAction::Reassign(key) => Some(UnlinkValue::Key(key.clone())),
    }
}

/// The columns that are set to null to unlink a row by this reference; `None` where NOT NULL, or that they are computed,
/// forbids it. One null column unlinks a MATCH SIMPLE reference; MATCH FULL wants all of them null.
pub fn nulled_columns(catalog: &Catalog, id: ReferenceId) -> Option<Vec<String>> {
    let reference = catalog.reference(id);
    let table = catalog.table(reference.child);
    let nullable = |name: &&String| {
        table.column(name).is_some_and(|column| column.nullable && !column.generated)
    };
    let columns: Vec<String> = reference.columns.iter().filter(nullable).cloned().collect();
    let enough = if reference.match_full { reference.columns.len() } else { 1 };
    (columns.len() >= enough).then_some(columns)
}
