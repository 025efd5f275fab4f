//! Policies against a small catalog: what they make of it, and what they are refused for.

use super::*;
use crate::catalog::fixture::catalog;
use crate::catalog::{Catalog, Origin, TableId};
use crate::plan;
use expect_test::{Expect, expect};
use std::fmt::Write;

const CRM: &str = "
    organizations(id, name)
    users(id, organization_id -> organizations no action, name, email)
    profiles(id -> users no action, name)
    deals(id, organization_id -> organizations no action, created_by -> users no action, title)
    notes(id, kind, object_id, name)
    types(id, app, model)
    audit(id, user_id, what)
    ledger(id, deal_id -> deals no action)";

fn resolved(text: &str) -> Result<(Catalog, plan::Plan), Vec<Fault>> {
    let policy = Policy::parse("orgsweep.toml", text).map_err(|fault| vec![fault])?;
    let Resolved { catalog, rules, .. } = resolve(&policy, catalog(CRM), TableId(0))?;
    let plan = plan::build(&catalog, TableId(0), rules);
    Ok((catalog, plan))
}

/// What the policy says of references, and whose the rows then are.
fn check(text: &str, expected: Expect) {
    let (catalog, plan) = resolved(text).expect("the policy fits");
    let mut shown = String::new();
    for id in catalog.reference_ids() {
        let reference = catalog.reference(id);
        if reference.declaration.origin != Origin::Database {
            let arrow = catalog.reference_arrow(id);
            let origin = reference.declaration.origin;
            let _ = writeln!(shown, "{arrow}: {} ({origin:?})", reference.on_delete);
        }
    }
    for (table, owning) in &plan.ownership.owning {
        let names: Vec<String> = owning.iter().map(|id| catalog.reference_name(*id)).collect();
        let _ = writeln!(shown, "owner of {}: {}", catalog.table(*table).name, names.join(" + "));
    }
    expected.assert_eq(&shown);
}

fn refused(text: &str, expected: Expect) {
    let faults = resolved(text).expect_err("the policy does not fit");
    let mut shown = String::new();
    for fault in faults {
        let _ = writeln!(shown, "{fault}");
        if let Some(hint) = fault.hint {
            let _ = writeln!(shown, "  {hint}");
        }
    }
    expected.assert_eq(&shown);
}

#[test]
fn actions_are_overridden_and_the_strongest_then_owns() {
    check(
        r#"
        [[references]]
        from = "users.organization_id"
        on-delete = "cascade"

        [[references]]
        from = "deals.organization_id"
        on-delete = "cascade"

        [[references]]
        from = "deals.created_by"
        on-delete = "restrict"
        "#,
        expect![[r#"
            users.organization_id → organizations: cascade (Overridden)
            deals.organization_id → organizations: cascade (Overridden)
            deals.created_by → users: restrict (Overridden)
            owner of users: users.organization_id
            owner of profiles: profiles.id
            owner of deals: deals.organization_id
            owner of ledger: ledger.deal_id
        "#]],
    );
}

#[test]
fn references_that_the_database_does_not_know_are_declared() {
    check(
        r#"
        [[references]]
        from = "audit.user_id"
        to = "users"
        on-delete = "set null"

        [[references]]
        from = "notes.object_id"
        to = "deals.id"
        on-delete = "cascade"
        type = { column = "kind", is = "Deal" }

        [[references]]
        from = "notes.object_id"
        to = "users"
        on-delete = "cascade"
        type = { column = "kind", in = "types", where = { app = "crm", model = "user" } }
        "#,
        expect![[r#"
            audit.user_id → users: set null (Declared)
            notes.object_id → deals: cascade (Declared)
            notes.object_id → users: cascade (Declared)
            owner of users: users.organization_id
            owner of profiles: profiles.id
            owner of deals: deals.organization_id + deals.created_by
            owner of notes: notes.object_id + notes.object_id
            owner of audit: audit.user_id
            owner of ledger: ledger.deal_id
        "#]],
    );
}

#[test]
fn a_parent_goes_with_its_one_child_and_is_owned_by_it_only_where_nothing_else_owns_it() {
    check(
        r#"
        [[references]]
        from = "profiles.id"
        on-delete = "cascade"
        with-parent = true
        "#,
        expect![[r#"
            profiles.id → users: cascade (Overridden)
            users.id → profiles: cascade (Inverse)
            owner of users: users.organization_id + users.id
            owner of profiles: profiles.id
            owner of deals: deals.organization_id + deals.created_by
            owner of ledger: ledger.deal_id
        "#]],
    );
}

#[test]
fn a_kept_table_is_neither_followed_nor_owned() {
    check(
        "tables.ledger.keep = \"refuse\"",
        expect![[r#"
            ledger.deal_id → deals: ignore (Overridden)
            owner of users: users.organization_id
            owner of profiles: profiles.id
            owner of deals: deals.organization_id + deals.created_by
        "#]],
    );
    check(
        "tables.ledger.keep = \"unlink\"",
        expect![[r#"
            ledger.deal_id → deals: set null (Overridden)
            owner of users: users.organization_id
            owner of profiles: profiles.id
            owner of deals: deals.organization_id + deals.created_by
            owner of ledger: ledger.deal_id
        "#]],
    );
}

#[test]
fn owning_references_can_be_named() {
    check(
        "tables.deals.owning = [\"created_by\"]",
        expect![[r#"
            owner of users: users.organization_id
            owner of profiles: profiles.id
            owner of deals: deals.created_by
            owner of ledger: ledger.deal_id
        "#]],
    );
}

#[test]
fn what_names_nothing_is_told_with_its_line_and_the_nearest_name() {
    refused(
        r#"[root]
        table = "organizations"
        [[references]]
        from = "deal.created_by"
        on-delete = "cascade"
        [[references]]
        from = "deals.creatd_by"
        on-delete = "cascade"
        [[references]]
        from = "audit.user_id"
        on-delete = "cascade"
        [[references]]
        from = "audit.user_id"
        to = "user.id"
        on-delete = "cascade"
        [[references]]
        from = "audit.user_id"
        to = "users"
        [tables.leger]
        keep = "refuse"
        [tables.deals]
        owning = ["user_id"]
        label = ["titel"]
        [[orphans]]
        table = "user"
        where = "organization_id IS NULL"
        [guards]
        organizations = [" "]
        test-data = { userz = "1 = 1" }
        "#,
        expect![[r#"
            orgsweep.toml:4: there is no table deal
              did you mean deals?
            orgsweep.toml:7: deals has no column creatd_by
              did you mean created_by?
            orgsweep.toml:10: the database has no foreign key audit.user_id
              to declare a reference that it does not know, say to = "TABLE.COLUMN"
            orgsweep.toml:14: there is no table user
              did you mean users?
            orgsweep.toml:17: audit.user_id is declared here, but what happens on delete is not said
              on-delete = "cascade", "set null", "set default", "restrict", "no action" or "ignore"
            orgsweep.toml:19: there is no table leger
              did you mean ledger?
            orgsweep.toml:22: deals has no reference over user_id
            orgsweep.toml:23: deals has no column titel
              did you mean title?
            orgsweep.toml:25: there is no table user
              did you mean users?
            orgsweep.toml:28: a blank pattern matches nothing
            orgsweep.toml:29: there is no table userz
              did you mean users?
        "#]],
    );
}

#[test]
fn a_policy_that_contradicts_itself_is_refused() {
    refused(
        r#"[[references]]
        from = "deals.created_by"
        on-delete = "cascade"
        [[references]]
        from = "deals.created_by"
        on-delete = "restrict"
        [[references]]
        from = "ledger.deal_id"
        on-delete = "cascade"
        [[references]]
        from = "users.organization_id"
        on-delete = "ignore"
        default = "7"
        [[references]]
        from = "deals.organization_id"
        on-delete = "ignore"
        [[references]]
        from = "ledger.deal_id"
        to = "users.email"
        on-delete = "cascade"
        [[references]]
        from = "audit.user_id"
        to = "users"
        on-delete = "cascade"
        with-parent = true
        [tables.organizations]
        keep = "refuse"
        [tables.ledger]
        keep = "unlink"
        [tables.profiles]
        keep = "ignore"
        [tables.deals]
        owning = ["organization_id"]
        [[orphans]]
        table = "ledger"
        where = "1 = 1"
        [guards]
        hosts = ["localhost"]
        forbidden-hosts = ["localhost"]
        "#,
        expect![[r#"
            orgsweep.toml:5: deals.created_by has been spoken of in orgsweep.toml:2
            orgsweep.toml:13: default is written by on-delete = "set default" only
            orgsweep.toml:19: users.email is no unique key: a row could name several
            orgsweep.toml:22: audit.user_id is no unique key, so several rows could share one parent
              with-parent is for one-to-one references
            orgsweep.toml:27: organizations is the table of organizations: it cannot be kept
            orgsweep.toml:29: ledger.deal_id is kept here, but orgsweep.toml:18 says cascade
            orgsweep.toml:31: the database watches profiles.id → users: what it names cannot go and be ignored
              keep = "refuse" stops such a deletion, keep = "unlink" sets the reference to null
            orgsweep.toml:33: deals.organization_id is ignored, so it cannot say whose a row is
            orgsweep.toml:35: orphans of ledger go, but orgsweep.toml:28 keeps it
            orgsweep.toml:38: "localhost" is allowed here and forbidden in orgsweep.toml:39
        "#]],
    );
}

#[test]
fn a_malformed_file_is_told_with_its_line() {
    refused(
        "[root]\ntable = organizations\n",
        expect![[r#"
        orgsweep.toml:2: string values must be quoted, expected literal string
    "#]],
    );
    refused(
        "[root]\nnme = \"x\"\n",
        expect![[r#"
            orgsweep.toml:2: unknown field `nme`, expected one of `table`, `key`, `name`, `created-at`, `scope-columns`
              did you mean name?
        "#]],
    );
    refused(
        "[[references]]\nfrom = \"a.b\"\non-delete = \"casade\"\n",
        expect![[r#"
        orgsweep.toml:3: unknown variant `casade`, expected one of `cascade`, `set null`, `set default`, `restrict`, `no action`, `ignore`
          did you mean cascade?
    "#]],
    );
    refused(
        "[guards]\nmax-rows = -1\n",
        expect![[r#"
        orgsweep.toml:2: invalid value: integer `-1`, expected u64
    "#]],
    );
    refused(
        "[[references]]\non-delete = \"cascade\"\n",
        expect![[r#"
        orgsweep.toml:1: missing field `from`
    "#]],
    );
}

#[test]
fn a_database_must_be_allowed_and_not_forbidden() {
    let policy = |text: &str| Policy::parse("orgsweep.toml", text).expect("well formed");
    let spelled = |names: &[&str], addresses: &[&str]| Spellings {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        addresses: addresses.iter().map(|&name| name.to_owned()).collect(),
    };
    let mut place = ServerNames::default();
    place.databases.asked = vec![spelled(&["crm_test"], &[])];
    place.hosts.asked = vec![spelled(&["db.ci"], &["10.0.0.7", "10.0.0.8"])];
    place.hosts.also = vec!["172.17.0.2".into()];
    let holds = |place: &ServerNames, text: &str| policy(text).guard(place).is_ok();
    assert!(holds(&place, ""));
    assert!(holds(&place, "guards.databases = [\"*_test\"]"));
    assert!(holds(&place, "guards.hosts = [\"localhost\", \"10.*\"]"));
    assert!(holds(&place, "guards.hosts = [\"DB.ci\"]"));
    assert!(!holds(&place, "guards.databases = [\"*_e2e\"]"));
    assert!(!holds(&place, "guards.hosts = [\"localhost\", \"10.0.0.7\"]"));
    assert!(!holds(&place, "guards.hosts = [\"172.*\"]"));
    assert!(!holds(&place, "guards.forbidden-databases = [\"crm*\"]"));
    assert!(!holds(&place, "guards.forbidden-hosts = [\"10.*\"]"));
    assert!(!holds(&place, "guards.forbidden-hosts = [\"::ffff:10.0.0.8\"]"));
    assert!(!holds(&place, "guards.forbidden-hosts = [\"172.*\"]"));
    // Each of several must be allowed; what is not known can only be refused.
    place.databases.asked.push(spelled(&["prod"], &[]));
    assert!(!holds(&place, "guards.databases = [\"*_test\"]"));
    place.hosts.unknown = Some("a service says it".into());
    assert!(holds(&place, ""));
    assert!(!holds(&place, "guards.hosts = [\"*\"]"));
    assert!(!holds(&place, "guards.forbidden-hosts = [\"prod\"]"));
}

#[test]
fn an_empty_allow_list_is_a_mistake() {
    refused(
        "[guards]\ndatabases = []\norganizations = []\nforbidden-hosts = []\n",
        expect![[r#"
            orgsweep.toml:2: an empty list allows nothing
              name what is allowed, or leave the setting out
            orgsweep.toml:3: an empty list allows nothing
              name what is allowed, or leave the setting out
        "#]],
    );
}
