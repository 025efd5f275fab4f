use crate::catalog::shown::shown;
use crate::catalog::{check_fingerprint, loaded};
use orgsweep::catalog::Catalog;
use orgsweep::database::{Database, Target};

/// A new database in a temporary directory, which goes with the first of the pair.
fn database(schema: &str) -> (tempfile::TempDir, Database) {
    let directory = tempfile::tempdir().unwrap();
    let target = Target::Sqlite(directory.path().join("test.db"));
    let mut database = Database::connect(&target, true).unwrap();
    database.run(schema).unwrap();
    (directory, database)
}

fn catalog(schema: &str) -> Catalog {
    let (_directory, mut database) = database(schema);
    loaded(&mut database)
}

#[test]
fn tables_keys_and_references() {
    let catalog = catalog(include_str!("sqlite.sql"));
    expect_test::expect![[r#"
        Invoice(Tenant TEXT!~, No INT!, User INTEGER, total NUMERIC, total_x2  generated, v2 INT generated, note BLOB)
          WithoutRowid
          key sqlite_autoindex_Invoice_1(Tenant, No) primary not null
          check total >= 0: total >= 0 [total]
          check no refunds: "Tenant" <> 'x (' OR Total > 0 [Tenant, total]
          Tenant, User -> users(tenant_id, id) no action named inv user
          Tenant -> tenants(id) restrict by sqlite_autoindex_Invoice_1
        Weird "quoted" [tbl](id INT, tenant;id TEXT~, parent INT)
          key sqlite_autoindex_Weird "quoted" [tbl]_1(id) primary
          tenant;id -> tenants(id) no action
          parent -> Weird "quoted" [tbl](id) cascade
        a(id INTEGER!, b_id INT)
          key (rowid)(id) primary not null
          b_id -> b(id) no action
        b(id INTEGER!, a_id INT!)
          key (rowid)(id) primary not null
          id -> a(id) no action by (rowid)
          a_id -> a(id) no action
        copied(tenant_id TEXT~, msg TEXT~, pointint INT)
        descending(id INTEGER)
          key sqlite_autoindex_descending_1(id) primary
        lines(id INTEGER!, tenant TEXT~, no INT, line TEXT~)
          key (rowid)(id) primary not null
          no, tenant -> Invoice(No, Tenant) cascade by lines_narrow
          tenant, no -> Invoice(Tenant, No) no action by lines_narrow
        logs(tenant_id TEXT~, msg CLOB~, pointint POINTINT, org TEXT~ collate NOCASE)
          trigger logs_del on delete
          trigger logs_ins on insert
          trigger logs_upd on update
          org -> tenants(id) no action
        strict(id ANY!, n INTEGER)
          key sqlite_autoindex_strict_1(id) primary not null
        tenants(id TEXT~, slug TEXT!~ collate NOCASE, owner_id INTEGER = 1 + 1)
          key sqlite_autoindex_tenants_1(id) primary
          key sqlite_autoindex_tenants_2(slug) not null
          owner_id -> users(id) no action deferrable deferred named owner
        users(id INTEGER!, tenant_id TEXT!~, email TEXT~ collate NOCASE, manager_id INTEGER, tenant_slug VARCHAR(20)~)
          key (rowid)(id) primary not null
          key sqlite_autoindex_users_1(tenant_id, id) not null
          apart sqlite_autoindex_users_2: "email" COLLATE "BINARY" = [email]
          tenant_id -> tenants(id) cascade by sqlite_autoindex_users_1
          manager_id -> users(id) set null (manager_id)
          tenant_slug -> tenants(slug) set default (tenant_slug)
        without_rowid(id INTEGER!)
          WithoutRowid
          key sqlite_autoindex_without_rowid_1(id) primary not null"#]].assert_eq(&shown(&catalog));
}

#[test]
fn what_sqlite_calls_a_mismatch_is_no_reference() {
    let catalog = catalog(
        "CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT, name TEXT COLLATE NOCASE, half TEXT);
         CREATE UNIQUE INDEX p_name ON p(name COLLATE BINARY);
         CREATE UNIQUE INDEX p_half ON p(half) WHERE half > '';
         CREATE VIEW v AS SELECT * FROM p;
         CREATE TABLE two(a INT, b INT, PRIMARY KEY(a, b));
         CREATE TABLE c(
             id INTEGER PRIMARY KEY REFERENCES p,
             missing_table INT REFERENCES nowhere(id),
             missing_column INT REFERENCES p(absent),
             view INT REFERENCES v(id),
             not_unique TEXT REFERENCES p(code),
             other_collation TEXT REFERENCES p(name),
             partial TEXT REFERENCES p(half),
             too_few INT REFERENCES two);",
    );
    let columns: Vec<_> = catalog.references.iter().map(|it| it.columns.join(",")).collect();
    assert_eq!(columns, ["id"]);
}

#[test]
fn what_keeps_rows_apart_and_is_no_key() {
    let catalog = catalog(
        "CREATE TABLE t(a TEXT COLLATE NOCASE, b INT, c INT AS (b + 1), UNIQUE (b, a COLLATE BINARY));
         CREATE UNIQUE INDEX some ON t(b DESC) WHERE a IS NULL;
         CREATE UNIQUE INDEX words ON t(lower(a), c);
         CREATE INDEX many ON t(lower(a));",
    );
    expect_test::expect![[r#"
        t(a TEXT~ collate NOCASE, b INT, c INT generated)
          apart some: b COLLATE "BINARY" = where a IS NULL [a, b]
          apart sqlite_autoindex_t_1: "b" COLLATE "BINARY" =, "a" COLLATE "BINARY" = [a, b]
          apart words: lower(a) COLLATE "BINARY" =, c COLLATE "BINARY" = [a, c]"#]]
    .assert_eq(&shown(&catalog));
}

#[test]
fn statistics_are_used_when_there_are_any() {
    let (_directory, mut database) = database(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a INT); CREATE INDEX t_a ON t(a);
         CREATE TABLE empty(id INTEGER PRIMARY KEY);
         INSERT INTO t(a) VALUES (1), (1), (2); ANALYZE;",
    );
    let catalog = loaded(&mut database);
    let rows: Vec<_> =
        catalog.tables.iter().map(|it| (it.name.name.as_str(), it.estimated_rows)).collect();
    assert_eq!(rows, [("empty", None), ("t", Some(3))]);
}

#[test]
fn a_temporary_table_hides_nothing() {
    let (_directory, mut database) = database(
        "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p_id INT REFERENCES p);
         CREATE TEMP TABLE c(x); CREATE TEMP TABLE other(x);",
    );
    let catalog = loaded(&mut database);
    expect_test::expect![[r#"
        c(p_id INT)
          p_id -> p(id) no action
        p(id INTEGER!)
          key (rowid)(id) primary not null"#]]
    .assert_eq(&shown(&catalog));
}

#[test]
fn the_fingerprint_follows_the_schema() {
    let (_directory, mut database) = database("CREATE TABLE p(id INTEGER PRIMARY KEY);");
    check_fingerprint(
        &mut database,
        &[
            "CREATE TABLE c(p_id INT REFERENCES p)",
            "ALTER TABLE c ADD COLUMN q_id INT REFERENCES p",
            "CREATE TRIGGER t AFTER DELETE ON p BEGIN SELECT 1; END",
            "DROP TABLE c",
        ],
        &["INSERT INTO p DEFAULT VALUES", "CREATE TEMP TABLE keys(id)"],
    );
}
