//! Which tables look like the table of organizations, where nobody says which it is.

use crate::catalog::{Catalog, Table, TableId};
use std::collections::BTreeSet;

/// Nouns for what a tenant is called, singular; a table is recognised by its singular or plural,
/// alone or as the end of a Django-style name (`organization_organization`).
const NOUNS: [&str; 7] =
    ["organization", "organisation", "org", "tenant", "tenancy", "company", "workspace"];
/// The same of nouns that mean much else besides: without a name such a row may be anything, and the exact noun is no
/// better than a part of a name.
const VAGUE_NOUNS: [&str; 2] = ["account", "customer_account"];

/// The tables that are called like organizations, without those that speak against themselves. Most rules only
/// choose: where none of the tables is left by one, it tells nothing.
pub(super) fn candidates(catalog: &Catalog, has_name: impl Fn(&Table) -> bool) -> Vec<TableId> {
    let is_called = |table: &Table| {
        let name = &table.name.name;
        is_called_so(name, &NOUNS) || (is_called_so(name, &VAGUE_NOUNS) && has_name(table))
    };
    let called = |id: &TableId| is_called(catalog.table(*id)) && !is_junction(catalog, *id);
    let mut found: Vec<TableId> = catalog.table_ids().filter(called).collect();
    prefer(&mut found, |id, _| has_name(catalog.table(id)));
    prefer(&mut found, |id, others| !is_hidden(catalog, id, others));
    prefer(&mut found, |id, _| is_any(&catalog.table(id).name.name.to_ascii_lowercase(), &NOUNS));
    prefer(&mut found, |id, _| is_referenced(catalog, id));
    prefer(&mut found, |id, others| {
        let is_below = |other: &&TableId| {
            belongs_to(catalog, id, **other) && !belongs_to(catalog, **other, id)
        };
        !others.iter().any(|other| is_below(&other))
    });
    found
}

fn prefer(found: &mut Vec<TableId>, is_better: impl Fn(TableId, &[TableId]) -> bool) {
    let better: Vec<TableId> =
        found.iter().copied().filter(|id| is_better(*id, found.as_slice())).collect();
    if !better.is_empty() {
        *found = better;
    }
}

/// A table of this name is that of the organizations, as far as a name tells.
pub fn is_called_organizations(name: &str) -> bool {
    is_called_so(name, &NOUNS)
}

fn is_called_so(name: &str, nouns: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    let last = name.rsplit('_').next().unwrap_or_default();
    is_any(&name, nouns) || is_any(last, nouns)
}

fn is_any(name: &str, nouns: &[&str]) -> bool {
    nouns.iter().any(|noun| name == *noun || name == plural(noun))
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    }
}

/// A key of it consists of references to others: its rows link, and are nobody.
fn is_junction(catalog: &Catalog, id: TableId) -> bool {
    let own = || catalog.references.iter().filter(|reference| reference.child == id);
    catalog.table(id).keys.iter().any(|key| {
        let within = |reference: &&crate::catalog::Reference| {
            reference.columns.iter().all(|column| key.columns.contains(column))
        };
        let within: Vec<_> = own().filter(within).collect();
        let covers = |column| within.iter().any(|reference| reference.columns.contains(column));
        within.len() > 1 && key.columns.iter().all(covers)
    })
}

/// Another is found by the name without a schema.
fn is_hidden(catalog: &Catalog, id: TableId, others: &[TableId]) -> bool {
    let name = &catalog.table(id).name;
    let has_its_name = |other: &&TableId| {
        let other = &catalog.table(**other).name;
        other.schema.is_none() && other.name.eq_ignore_ascii_case(&name.name)
    };
    name.schema.is_some() && others.iter().any(|other| has_its_name(&other))
}

pub(super) fn references_to(catalog: &Catalog, id: TableId) -> usize {
    catalog.references.iter().filter(|reference| reference.parent == id).count()
}

fn is_referenced(catalog: &Catalog, id: TableId) -> bool {
    catalog.references.iter().any(|reference| reference.parent == id && reference.child != id)
}

/// Its rows say whose they are, and so up to `owner`, by columns that are called after their parents: an
/// `owner_id` makes no organization a part of a person's account.
fn belongs_to(catalog: &Catalog, id: TableId, owner: TableId) -> bool {
    let (mut known, mut next) = (BTreeSet::from([id]), vec![id]);
    while let Some(child) = next.pop() {
        for reference in catalog.references.iter().filter(|reference| reference.child == child) {
            let after = |column: &String| is_named_after(column, catalog.table(reference.parent));
            if reference.columns.iter().any(after) && known.insert(reference.parent) {
                next.push(reference.parent);
            }
        }
    }
    id != owner && known.contains(&owner)
}

/// `organization`, `organization_id`, `organizationId`
fn is_named_after(column: &str, parent: &Table) -> bool {
    let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let column = plain(column);
    let stem = ["id", "uuid"].iter().find_map(|end| column.strip_suffix(end)).unwrap_or(&column);
    parent.name.nouns().iter().map(|noun| plain(noun)).any(|noun| noun == stem || noun == column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::catalog;
    use expect_test::{Expect, expect};

    fn check(tables: &str, expected: Expect) {
        let mut catalog = catalog(tables);
        for table in &mut catalog.tables {
            if let Some((schema, name)) = table.name.name.clone().split_once('.') {
                table.name.schema = Some(schema.into());
                table.name.name = name.into();
            }
            // A junction's key is both of its columns.
            if table.columns[0].name != "id" {
                table.keys[0].columns = table.columns[..2].iter().map(|c| c.name.clone()).collect();
            }
        }
        let found = candidates(&catalog, |table| table.column("name").is_some());
        let names = found.iter().map(|id| catalog.table(*id).name.to_string());
        expected.assert_eq(&names.collect::<Vec<_>>().join(", "));
    }

    #[test]
    fn one_that_is_called_so_is_found_whatever_else_is_known() {
        check("things(id, name)", expect![""]);
        check("app_organization(id, title)", expect!["app_organization"]);
        check("tenancies(id)", expect!["tenancies"]);
    }

    #[test]
    fn links_and_what_has_no_name_are_no_organizations() {
        check(
            "organizations(id, name)
             users(id)
             users_organizations(user_id -> users cascade, organization_id -> organizations cascade)
             invited_organizations(id, organization_id -> organizations cascade)",
            expect!["organizations"],
        );
        check("users(id)\n accounts(id, user_id -> users cascade)", expect![""]);
        check(
            "users(id)
             groups(id)
             users_orgs(user_id -> users cascade, group_id -> groups cascade)",
            expect![""],
        );
    }

    #[test]
    fn the_exact_name_wins_but_of_a_vague_one() {
        check(
            "organizations(id, name)
             partner_organizations(id, name)
             sites(id, partner_id -> partner_organizations cascade)",
            expect!["organizations"],
        );
        check(
            "accounts(id, name)
             posts(id, account_id -> accounts cascade)
             app_tenant(id, name)
             sites(id, tenant_id -> app_tenant cascade)",
            expect!["accounts, app_tenant"],
        );
    }

    #[test]
    fn what_nothing_refers_to_or_belongs_to_another_is_dropped() {
        check(
            "tenants(id, name)
             companies(id, name)
             sites(id, tenant_id -> tenants cascade)",
            expect!["tenants"],
        );
        check(
            "organizations(id, name)
             users(id, organization_id -> organizations cascade)
             workspaces(id, name, user_id -> users cascade)
             pages(id, workspace_id -> workspaces cascade)",
            expect!["organizations"],
        );
    }

    /// Who made an organization is not whose it is.
    #[test]
    fn an_owner_is_no_parent() {
        check(
            "accounts(id, name)
             organizations(id, name, owner_id -> accounts restrict)
             companies(id, name, owner_id -> accounts restrict)
             users(id, organization_id -> organizations cascade, company_id -> companies cascade)",
            expect!["organizations, companies"],
        );
    }

    #[test]
    fn the_default_schemas_is_the_one() {
        check(
            "organizations(id, name)
             billing.organizations(id, name)
             lines(id, organization_id -> billing.organizations cascade)",
            expect!["organizations"],
        );
        check(
            "a.organizations(id, name)
             b.organizations(id, name)",
            expect!["a.organizations, b.organizations"],
        );
    }
}
