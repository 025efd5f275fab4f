//! Plans as text.

use super::*;
use crate::catalog::OnDelete;
use crate::catalog::fixture::catalog;
use expect_test::{Expect, expect};
use std::fmt::Write;

/// The built-in CRM's core, with a user's own organization behind it.
const CRM: &str = "
    organizations(id, name, owner -> users set null)
    users(id, organization_id -> organizations cascade, role_id -> roles set null, name)
    roles(id, organization_id -> organizations cascade)
    deals(id, organization_id! -> organizations cascade, created_by! -> users restrict)
    payments(id, deal_id! -> deals cascade, recorded_by -> users no action)";

fn check(schema: &str, rules: impl FnOnce(&Catalog) -> Rules, expected: Expect) {
    let catalog = catalog(schema);
    let plan = build(&catalog, TableId(0), rules(&catalog));
    expected.assert_eq(&describe(&catalog, &plan));
}

fn describe(catalog: &Catalog, plan: &Plan) -> String {
    let name = |table: &TableId| catalog.table(*table).name.to_string();
    let names = |tables: &[TableId]| tables.iter().map(name).collect::<Vec<_>>().join("+");
    let components =
        |all: &[Component]| all.iter().map(|tables| names(tables)).collect::<Vec<_>>().join(" ");
    let mut text = String::new();
    let _ = writeln!(text, "find: {}", components(&plan.discovery));
    for followed in &plan.followed {
        let arrow = catalog.reference_arrow(followed.reference);
        let _ = writeln!(text, "  {arrow}: {:?}", followed.rank);
    }
    for unlink in &plan.unlinks {
        let arrow = catalog.reference_arrow(unlink.reference);
        let only = match unlink.which {
            Which::Surviving => "",
            Which::Foreign => " (foreign rows only)",
            Which::Kept => " (kept rows only)",
        };
        let _ = writeln!(text, "unlink {arrow}: {:?}{only}", unlink.value);
    }
    let _ = writeln!(text, "delete: {}", components(&plan.deletion));
    let listed = |ids: &[ReferenceId]| {
        ids.iter().map(|id| catalog.reference_name(*id)).collect::<Vec<_>>().join(", ")
    };
    for (table, owning) in &plan.ownership.owning {
        let links = if plan.ownership.is_association(*table) { " (association)" } else { "" };
        let _ = writeln!(text, "owner of {}{links}: {}", name(table), listed(owning));
        for id in owning {
            let stronger = plan.ownership.yields_to(*id);
            if !stronger.is_empty() {
                let (weaker, stronger) = (catalog.reference_name(*id), listed(stronger));
                let _ = writeln!(text, "  {weaker} yields to {stronger}");
            }
        }
    }
    text
}

#[test]
fn cascades_are_followed_and_the_rest_waits_for_force() {
    check(
        CRM,
        |_| Rules::default(),
        expect![[r#"
            find: organizations users roles deals payments
              users.organization_id → organizations: Cascade
              roles.organization_id → organizations: Cascade
              deals.organization_id → organizations: Cascade
              deals.created_by → users: Protected
              payments.recorded_by → users: Protected
              payments.deal_id → deals: Cascade
            unlink organizations.owner → users: Null
            unlink users.role_id → roles: Null
            delete: payments deals organizations+users+roles
            owner of users: users.organization_id
            owner of roles: roles.organization_id
            owner of deals: deals.organization_id
            owner of payments: payments.deal_id
        "#]],
    );
}

#[test]
fn force_can_be_for_one_reference() {
    check(
        "orgs(id)
         users(id, org -> orgs cascade)
         deals(id, org -> orgs no action, by -> users restrict)",
        |catalog| Rules {
            force: Force::Only(
                catalog.references_named("deals.by").into_iter().flatten().collect(),
            ),
            ..Rules::default()
        },
        expect![[r#"
            find: orgs users deals
              users.org → orgs: Cascade
              deals.org → orgs: Protected
              deals.by → users: Forced
            delete: deals users orgs
            owner of users: users.org
            owner of deals: deals.org, deals.by
              deals.by yields to deals.org
        "#]],
    );
}

/// Who owns the rows of each table.
fn owners(schema: &str, rules: impl FnOnce(&Catalog) -> Rules, expected: Expect) {
    let catalog = catalog(schema);
    let plan = build(&catalog, TableId(0), rules(&catalog));
    let text = describe(&catalog, &plan);
    let start = text.find("owner of").unwrap_or(text.len());
    expected.assert_eq(&text[start..]);
}

#[test]
fn what_names_the_organization_itself_owns_before_what_only_leads_to_it() {
    owners(
        "orgs(id)
         users(id, org -> orgs cascade)
         deals(id, org! -> orgs restrict, by -> users cascade)
         refunds(id, org -> orgs restrict, deal -> deals cascade, referred_by -> orgs set null)",
        |_| Rules::default(),
        expect![[r#"
            owner of users: users.org
            owner of deals: deals.org
            owner of refunds: refunds.org, refunds.deal, refunds.referred_by
              refunds.deal yields to refunds.org
              refunds.referred_by yields to refunds.deal
        "#]],
    );
}

#[test]
fn the_strongest_action_owns_and_a_weaker_one_only_where_nothing_stronger_leads_to_the_root() {
    owners(
        "orgs(id)
         users(id, org -> orgs set null)
         tasks(id, user -> users restrict, helper -> users set null, kind -> kinds cascade)
         kinds(id)",
        |_| Rules::default(),
        expect![[r#"
            owner of users: users.org
            owner of tasks: tasks.user, tasks.helper
              tasks.helper yields to tasks.user
        "#]],
    );
}

#[test]
fn all_that_an_association_links_owns_it() {
    let schema = "
        orgs(id)
        users(id, org -> orgs cascade)
        members(id, org! -> orgs no action, user! -> users cascade)";
    owners(
        schema,
        |catalog| Rules {
            associations: [(catalog.table_named("members").expect("a table"), true)].into(),
            ..Rules::default()
        },
        expect![[r#"
            owner of users: users.org
            owner of members (association): members.org, members.user
        "#]],
    );
    let mut catalog = catalog(schema);
    let key = |columns: &[&str]| crate::catalog::Key {
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        primary: false,
        ..catalog.tables[0].keys[0].clone()
    };
    let (pair, single) = (key(&["org", "user"]), key(&["user"]));
    let is_association = |catalog: &Catalog| {
        build(catalog, TableId(0), Rules::default()).ownership.is_association(TableId(2))
    };
    catalog.tables[2].keys.push(pair);
    assert!(!is_association(&catalog), "one of the two is no CASCADE");
    catalog.references[1].on_delete = OnDelete::Cascade;
    assert!(is_association(&catalog));
    catalog.tables[2].keys.pop();
    catalog.tables[2].keys.push(single);
    assert!(!is_association(&catalog), "a key of one reference links nothing");
}

#[test]
fn who_could_name_its_organization_and_does_not_is_not_its_maker_s() {
    owners(
        "orgs(id)
         users(id, org -> orgs cascade)
         roles(id, org -> orgs cascade, made_by -> users restrict, copy_of -> roles cascade)",
        |_| Rules::default(),
        expect![[r#"
            owner of users: users.org
            owner of roles: roles.org, roles.copy_of
              roles.copy_of yields to roles.org
        "#]],
    );
}

#[test]
fn what_the_policy_calls_owning_comes_before_all_rules() {
    owners(
        "orgs(id)
         users(id, org -> orgs cascade)
         deals(id, org! -> orgs cascade, by -> users set null)",
        |catalog| {
            let by = catalog.references_named("deals.by").expect("a reference");
            Rules {
                owning: [(catalog.table_named("deals").expect("a table"), by)].into(),
                ..Rules::default()
            }
        },
        expect![[r#"
            owner of users: users.org
            owner of deals: deals.by
        "#]],
    );
}

#[test]
fn consent_to_unlink_or_reassign_becomes_an_unlink_of_foreign_rows() {
    let consent = |catalog: &Catalog, action, name: &str| Consent {
        action,
        reference: catalog.references_named(name).ok().and_then(|ids| ids.first().copied()),
    };
    check(
        "orgs(id)
         users(id, org -> orgs cascade)
         deals(id, org -> orgs cascade, by -> users restrict, seller -> users restrict)",
        |catalog| Rules {
            force: Force::All,
            consents: vec![
                consent(catalog, ForeignAction::Unlink, "deals.by"),
                consent(catalog, ForeignAction::Reassign("7".into()), "deals.seller"),
            ],
            ..Rules::default()
        },
        expect![[r#"
            find: orgs users deals
              users.org → orgs: Cascade
              deals.org → orgs: Cascade
              deals.by → users: Forced
              deals.seller → users: Forced
            unlink deals.by → users: Null (foreign rows only)
            unlink deals.seller → users: Key("7") (foreign rows only)
            delete: deals users orgs
            owner of users: users.org
            owner of deals: deals.org
        "#]],
    );
}

#[test]
fn a_consent_for_one_reference_speaks_before_the_one_for_all() {
    let catalog = catalog(CRM);
    let created_by = catalog.references_named("deals.created_by").expect("a reference")[0];
    let recorded_by = catalog.references_named("payments.recorded_by").expect("a reference")[0];
    let rules = Rules {
        consents: vec![
            Consent { action: ForeignAction::Delete, reference: None },
            Consent { action: ForeignAction::Unlink, reference: Some(created_by) },
        ],
        ..Rules::default()
    };
    assert!(!rules.deletes_foreign(created_by));
    assert!(rules.deletes_foreign(recorded_by));
}
