use super::*;
use crate::catalog::{ReferenceId, fixture};
use expect_test::{Expect, expect};

/// The scope columns of a schema whose first table is the root; `types` are `table.column type`.
fn scopes(schema: &str, policy: &str, types: &str) -> (Policy, Catalog) {
    let mut catalog = fixture::catalog(schema);
    for line in types.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, type_name) = line.split_once(' ').expect("table.column type");
        let (table, column) = name.split_once('.').expect("table.column");
        let table = catalog.table_named(table).expect("a table");
        let columns = catalog.tables[table.0].columns.iter_mut();
        let column = columns.into_iter().find(|it| it.name == column).expect("a column");
        column.type_name = type_name.into();
        column.textual = type_name == "text" || type_name.contains("char");
        column.affinity = Default::default();
    }
    (Policy::parse("orgsweep.toml", policy).expect("a policy"), catalog)
}

fn shown(catalog: &mut Catalog, found: Vec<Reference>) -> String {
    catalog.scopes = found;
    let name = |id: ReferenceId| {
        let it = catalog.reference(id);
        let key = it.parent_columns.join(",");
        let of_type = it.declaration.discriminator.as_ref();
        let of_type = of_type.map(|it| format!(" by {}", it.column)).unwrap_or_default();
        let as_text = if it.declaration.as_text { " as text" } else { "" };
        let untold = if it.is_untold() { ", untold" } else { "" };
        format!("{}.{key}{as_text}{untold}{of_type}\n", catalog.reference_arrow(id))
    };
    catalog.scope_ids().map(name).collect()
}

fn check_typed(schema: &str, policy: &str, types: &str, expected: Expect) {
    let (policy, mut catalog) = scopes(schema, policy, types);
    let found = Scopes { policy: &policy, catalog: &catalog, root: TableId(0) }.found();
    expected.assert_eq(&shown(&mut catalog, found));
}

fn check(schema: &str, expected: Expect) {
    check_typed(schema, "", "", expected);
}

#[test]
fn what_the_key_is_called_by_convention() {
    check(
        "tenants(id, name)
             a(id, tenant_id)
             b(id, tenantId)
             c(id, tenantid)
             d(id, tenants_id)
             e(id, TenantID)
             f(tenant_id, name)
             g(id, tenant)
             h(id, subtenant_id)",
        expect![[r#"
                a.tenant_id → tenants.id
                b.tenantId → tenants.id
                c.tenantid → tenants.id
                d.tenants_id → tenants.id
                e.TenantID → tenants.id
                f.tenant_id → tenants.id
            "#]],
    );
    check(
        "crm_companies(id, name)
             a(id, company_id)
             b(id, crm_company_id)",
        expect![[r#"
                a.company_id → crm_companies.id
                b.crm_company_id → crm_companies.id
            "#]],
    );
    check(
        "organizations(id, name)
             a(id, org_id)
             b(id, tenant_id)
             c(id, organization_id)",
        expect![[r#"
                a.org_id → organizations.id
                c.organization_id → organizations.id
            "#]],
    );
}

#[test]
fn a_name_that_another_table_has_is_that_tables() {
    check(
        "customer_accounts(id, name)
             accounts(id, name)
             a(id, account_id)
             b(id, customer_account_id)",
        expect![[r#"
                b.customer_account_id → customer_accounts.id
            "#]],
    );
}

/// But not where it is what rows are called by anywhere.
#[test]
fn a_one_to_one_table_says_what_the_key_is_called() {
    check(
        "companies(id, name)
             settings(owner_id -> companies cascade)
             profiles(id -> companies cascade)
             users(id, owner_id)",
        expect![[r#"
                users.owner_id → companies.id
            "#]],
    );
}

#[test]
fn what_others_refer_to_the_root_by() {
    check(
        "companies(id, name)
             users(id, owner_co -> companies cascade)
             page_views(id, owner_co, path)
             settings(key -> companies cascade)
             words(id, key)",
        expect![[r#"
                page_views.owner_co → companies.id
            "#]],
    );
}

#[test]
fn a_name_by_which_others_refer_to_something_else_says_nothing() {
    check(
        "companies(id, name)
             owners(id, name)
             users(id, owner -> companies cascade)
             cars(id, owner -> owners cascade)
             visits(id, owner)",
        expect![[""]],
    );
}

#[test]
fn a_foreign_key_says_what_its_column_means() {
    check(
        "tenants(id, parent_id -> tenants cascade, tenant_id)
             accounts(id, tenant_id -> tenants restrict)
             logos(tenant_id -> accounts cascade)",
        expect![[""]],
    );
}

#[test]
fn within_a_composite_key_to_another_table_it_is_one() {
    let (policy, mut catalog) = scopes(
        "tenants(id, name)
             projects(id, tenant_id -> tenants cascade)
             tasks(id, tenant_id -> projects cascade, project_id)",
        "",
        "",
    );
    catalog.references[1].columns.push("project_id".into());
    catalog.references[1].parent_columns = vec!["tenant_id".into(), "id".into()];
    let found = Scopes { policy: &policy, catalog: &catalog, root: TableId(0) }.found();
    expect![[r#"
            tasks.tenant_id → tenants.id
        "#]]
    .assert_eq(&shown(&mut catalog, found));
}

#[test]
fn a_composite_key_wants_all_of_its_columns() {
    let (policy, mut catalog) = scopes(
        "tenants(region, no)
             users(id, region -> tenants cascade, tenant_no)
             visits(id, region, tenant_no)
             maps(id, region)
             notes(id, tenant_id)",
        "",
        "",
    );
    catalog.tables[0].keys[0].columns = vec!["region".into(), "no".into()];
    catalog.references[0].columns.push("tenant_no".into());
    catalog.references[0].parent_columns.push("no".into());
    let found = Scopes { policy: &policy, catalog: &catalog, root: TableId(0) }.found();
    expect![[r#"
            visits.region,tenant_no → tenants.region,no
        "#]]
    .assert_eq(&shown(&mut catalog, found));
}

#[test]
fn with_a_type_beside_it_only_the_roots_rows_are_meant() {
    check_typed(
        "tenants(id, name)
             users(id, owner_id -> tenants cascade)
             notes(id, owner_id, owner_type)
             files(id, tenantId, tenantType)
             kinds(id, tenant_id, tenant_type)",
        "",
        "notes.owner_type text
             files.tenantType text",
        expect![[r#"
                notes.owner_id → tenants.id by owner_type
                files.tenantId → tenants.id
                kinds.tenant_id → tenants.id
            "#]],
    );
}

#[test]
fn types_have_to_be_comparable() {
    check_typed(
        "tenants(id, name)
             a(id, tenant_id)
             b(id, tenant_id)
             c(id, tenant_id)
             d(id, tenant_id)
             e(id, tenant_id)",
        "",
        "tenants.id uuid
             a.tenant_id uuid
             b.tenant_id text
             c.tenant_id date
             d.tenant_id bigint
             e.tenant_id uuid[]",
        expect![[r#"
                a.tenant_id → tenants.id
                b.tenant_id → tenants.id as text
                e.tenant_id → tenants.id as text, untold
            "#]],
    );
    check_typed(
        "tenants(id, name)
             a(id, tenant_id)
             b(id, tenant_id)
             c(id, tenant_id)
             d(id, tenant_id)",
        "",
        "tenants.id binary(16)
             a.tenant_id binary(16)
             b.tenant_id uuid
             c.tenant_id text
             d.tenant_id jsonb",
        expect![[r#"
                a.tenant_id → tenants.id
                b.tenant_id → tenants.id as text, untold
                c.tenant_id → tenants.id as text, untold
                d.tenant_id → tenants.id as text, untold
            "#]],
    );
    // With dashes and without; a number may well stand as bytes.
    check_typed(
        "tenants(id, name)
             a(id, tenant_id)
             b(id, tenant_id)
             c(id, tenant_id)",
        "",
        "tenants.id char(32)
             a.tenant_id char(32)
             b.tenant_id varchar(36)
             c.tenant_id varchar(20)",
        expect![[r#"
                a.tenant_id → tenants.id
                b.tenant_id → tenants.id as text, untold
                c.tenant_id → tenants.id
            "#]],
    );
    check_typed(
        "tenants(id, name)
             a(id, tenant_id)",
        "",
        "tenants.id bigint
             a.tenant_id bytea",
        expect![[r#"
                a.tenant_id → tenants.id as text, untold
            "#]],
    );
}

#[test]
fn what_the_policy_keeps_ignores_or_declares_is_none() {
    check_typed(
        "tenants(id, name)
             a(id, tenant_id)
             b(id, tenant_id)
             c(id, tenant_id)
             d(id, tenant_id)",
        "[tables.a]
             keep = \"ignore\"
             [[references]]
             from = \"b.tenant_id\"
             to = \"tenants\"
             on-delete = \"ignore\"",
        "",
        expect![[r#"
                c.tenant_id → tenants.id
                d.tenant_id → tenants.id
            "#]],
    );
}

#[test]
fn what_tenants_are_called_elsewhere_is_asked_about() {
    let (policy, mut catalog) = scopes(
        "organizations(id, name)
             accounts(id, name)
             a(id, tenant_id, account_id, organization_id)",
        "",
        "",
    );
    let scopes = Scopes { policy: &policy, catalog: &catalog, root: TableId(0) };
    let possible = scopes.possible();
    expect![[r#"
            a.tenant_id → organizations.id
        "#]]
    .assert_eq(&shown(&mut catalog, possible));
}

#[test]
fn those_that_somebody_names_are_followed() {
    let (policy, catalog) = scopes(
        "organizations(id, name)
             users(id, organization_id -> organizations cascade, boss -> users cascade)
             a(id, tenant, day)
             b(id, Tenant)",
        "",
        "a.day date",
    );
    let scopes = Scopes { policy: &policy, catalog: &catalog, root: TableId(0) };
    let all = scopes.named("tenant", "--scope-column").expect("two");
    assert!(all.iter().all(|it| it.on_delete == OnDelete::Cascade));
    let one = scopes.named("a.tenant", "--scope-column").expect("one");
    assert_eq!((all.len(), one.len()), (2, 1));
    assert_eq!(scopes.named("organization_id", "").map(|named| named.len()), Ok(0));
    let unfit = |name: &str| {
        let Unfit { message, hint } = scopes.named(name, "").expect_err("it does not fit");
        format!("{message} ({})\n", hint.unwrap_or_default())
    };
    expect![[r#"
            a.day is date, and organizations.id is integer: no value of it is a key of organizations ()
            users.boss is a reference to users ()
            no table has a column tennant (did you mean Tenant or tenant?)
            no table has a column c.tenant (did you mean a.tenant or b.Tenant?)
            a.tenant,day is not as many columns as the key of organizations has ()
        "#]]
    .assert_eq(&["day", "boss", "tennant", "c.tenant", "tenant,day"].map(unfit).concat());
}
