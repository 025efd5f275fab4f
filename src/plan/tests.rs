//! Plans as text.

use super::*;
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
        let only = if unlink.foreign_only { " (foreign rows only)" } else { "" };
        let _ = writeln!(text, "unlink {arrow}: {:?}{only}", unlink.value);
    }
    let _ = writeln!(text, "delete: {}", components(&plan.deletion));
    for (table, owning) in &plan.owning {
        let columns: Vec<String> = owning.iter().map(|id| catalog.reference_name(*id)).collect();
        let _ = writeln!(text, "home of {}: {}", name(table), columns.join(", "));
    }
    for table in &plan.dependent {
        let _ = writeln!(text, "owners of {} must agree", name(table));
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
            home of users: users.organization_id
            home of roles: roles.organization_id
            home of deals: deals.organization_id
            home of payments: payments.deal_id
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
            home of users: users.org
            home of deals: deals.org, deals.by
        "#]],
    );
}

#[test]
fn the_strongest_action_owns_and_a_weaker_one_only_where_nothing_stronger_leads_home() {
    check(
        "orgs(id)
         users(id, org -> orgs set null)
         tasks(id, user -> users restrict, org -> orgs set null, kind -> kinds cascade)
         kinds(id)",
        |_| Rules::default(),
        expect![[r#"
            find: orgs
            unlink users.org → orgs: Null
            unlink tasks.org → orgs: Null
            delete: orgs
            home of users: users.org
            home of tasks: tasks.user
        "#]],
    );
}

#[test]
fn owners_that_meet_below_the_root_must_agree() {
    let schema = "
        orgs(id)
        projects(id, org -> orgs cascade)
        users(id, org -> orgs cascade)
        models(id, project -> projects cascade)
        prices(id, project -> projects cascade, model -> models cascade)
        members(id, user -> users cascade, project -> projects cascade)";
    let catalog = catalog(schema);
    let plan = build(&catalog, TableId(0), Rules::default());
    let names: Vec<String> =
        plan.dependent.iter().map(|table| catalog.table(*table).name.to_string()).collect();
    assert_eq!(names, ["prices"], "a membership's ways home meet at the root alone");
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
            home of users: users.org
            home of deals: deals.org
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
