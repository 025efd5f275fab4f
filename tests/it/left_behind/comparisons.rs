//! Whom a scope column names: its value is compared as a foreign key to the organizations would compare it.

use super::refused;
use crate::support::*;

/// A text that is compared in any case, and one that is compared as it is.
fn texts(db: &TestDatabase) -> [&'static str; 2] {
    match db.backend {
        Backend::Sqlite => ["varchar(20) COLLATE NOCASE", "varchar(20)"],
        Backend::Postgres => {
            db.execute("CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
            ["varchar(20) COLLATE any_case", "varchar(20)"]
        }
        Backend::Mysql => {
            ["varchar(20) COLLATE utf8mb4_general_ci", "varchar(20) COLLATE utf8mb4_bin"]
        }
    }
}

/// Tenants `a` and, where that is another key, `A`, with a visit each: the types of the key and of the column that names it.
fn tenants(db: &TestDatabase, key: &str, column: &str, rows: &[&str]) {
    db.execute(&format!(
        "CREATE TABLE tenants (id {key} NOT NULL PRIMARY KEY, name varchar(20));
         CREATE TABLE visits (no integer PRIMARY KEY, tenant_id {column})"
    ));
    for (n, row) in rows.iter().enumerate() {
        let (table, values) = row.split_once(' ').expect("table and key");
        db.execute(&match table {
            "tenant" => format!("INSERT INTO tenants VALUES ({values}, 'T{n}')"),
            _ => format!("INSERT INTO visits VALUES ({n}, {values})"),
        });
    }
}

fn left(db: &TestDatabase) -> Vec<String> {
    let rows = db.query("SELECT no FROM visits ORDER BY no");
    rows.into_iter().flatten().flatten().collect()
}

fn clean(db: &TestDatabase, id: &str, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&["clean", "--org-id", id, "--yes", "--format", "json"], flags].concat())
}

each_backend! {
    fn a_text_of_any_case_names_the_one_key_that_it_is(db: TestDatabase) {
        let [any_case, plain] = texts(&db);
        let rows = ["tenant 'a'", "tenant 'A'", "visit 'a'", "visit 'A'"];
        tenants(&db, plain, any_case, &rows);
        assert_eq!(refused(&clean(&db, "a", &[]).exits(3), "left_behind"), [("visits.tenant_id".to_owned(), 1)]);
        clean(&db, "a", &["--scope-column", "tenant_id"]).exits(0);
        assert_eq!(left(&db), ["3"]);
        db.orgsweep(&["verify", "--org-id", "a"]).exits(0);
    }

    fn a_key_of_any_case_is_named_in_any(db: TestDatabase) {
        let [any_case, plain] = texts(&db);
        tenants(&db, any_case, plain, &["tenant 'a'", "tenant 'b'", "visit 'A'", "visit 'b'"]);
        assert_eq!(refused(&clean(&db, "a", &[]).exits(3), "left_behind"), [("visits.tenant_id".to_owned(), 1)]);
        let gone = db.copy();
        gone.execute("DELETE FROM tenants WHERE name = 'T0'");
        gone.orgsweep(&["verify", "--org-id", "a"]).exits(3).says(&["left behind: 1 row by visits.tenant_id"]);
        clean(&db, "a", &["--scope-column", "tenant_id"]).exits(0);
        assert_eq!(left(&db), ["3"]);
    }

    /// As a double 9007199254740993 is 9007199254740992.
    fn a_number_that_is_rounded_takes_no_row_of_another(db: TestDatabase) {
        let rows = ["tenant 9007199254740993", "tenant 9007199254740992", "tenant 7", "visit 9007199254740992", "visit 7"];
        tenants(&db, "bigint", "double precision", &rows);
        clean(&db, "9007199254740993", &["--scope-column", "tenant_id"]).exits(0);
        assert_eq!(left(&db), ["3", "4"]);
        assert_eq!(refused(&clean(&db, "7", &[]).exits(3), "left_behind"), [("visits.tenant_id".to_owned(), 1)]);
        clean(&db, "7", &["--scope-column", "tenant_id"]).exits(0);
        assert_eq!(left(&db), ["3"]);
    }

    fn a_uuid_is_the_same_however_it_is_written(db: TestDatabase) {
        // It has no such type.
        if db.is_mysql_itself() {
            return;
        }
        let (id, other) = ("6f9619ff-8b86-d011-b42d-00c04fc964ff", "6f9619ff-8b86-d011-b42d-00c04fc964fe");
        let spelled = [id.to_uppercase(), format!("{{{id}}}"), id.replace('-', ""), other.to_owned()];
        let rows = spelled.iter().map(|text| format!("visit '{text}'"));
        let rows: Vec<String> = [format!("tenant '{id}'")].into_iter().chain(rows).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        tenants(&db, "uuid", "varchar(40)", &rows);
        assert_eq!(refused(&clean(&db, id, &[]).exits(3), "left_behind"), [("visits.tenant_id".to_owned(), 3)]);
        let gone = db.copy();
        gone.execute("DELETE FROM tenants");
        gone.orgsweep(&["verify", "--org-id", id]).exits(3).says(&["left behind: 3 rows by visits.tenant_id"]);
        clean(&db, id, &["--scope-column", "tenant_id"]).exits(0);
        assert_eq!(left(&db), ["4"]);
    }

    /// Two columns that disagree make no membership of both.
    fn a_row_of_a_by_its_key_and_of_b_by_its_scope_column_is_refused(db: TestDatabase) {
        tenants(&db, "integer", "integer", &["tenant 1", "tenant 2"]);
        db.execute("CREATE TABLE bills (id integer PRIMARY KEY, payer integer NOT NULL, tenant_id integer,
                FOREIGN KEY (payer) REFERENCES tenants (id) ON DELETE CASCADE);
            INSERT INTO bills VALUES (1, 1, 1), (2, 1, 2), (3, 2, 2)");
        for flags in [&[][..], &["--scope-column", "tenant_id"], &["--scope-column", "tenant_id", "--no-archive"]] {
            let outcome = clean(&db, "1", flags).exits(3);
            assert_eq!(refused(&outcome, "foreign"), [("bills.tenant_id".to_owned(), 1)], "{outcome}");
        }
        db.execute("UPDATE bills SET tenant_id = 1 WHERE id = 2");
        clean(&db, "1", &["--scope-column", "tenant_id"]).exits(0);
        assert_eq!(db.count("bills"), 1);
    }

    fn a_column_is_named_whatever_is_in_its_name(db: TestDatabase) {
        tenants(&db, "integer", "integer", &["tenant 1"]);
        db.execute(r#"CREATE TABLE "a.b" (id integer PRIMARY KEY, "of.tenant,id" integer); INSERT INTO "a.b" VALUES (1, 1), (2, 2)"#);
        let named = "a.b.of.tenant,id";
        clean(&db, "1", &["--scope-column", "of.tenant,id", "--dry-run"]).exits(0);
        clean(&db, "1", &["--scope-column", named]).exits(0);
        assert_eq!(db.count(r#""a.b""#), 1);
    }

    /// What kind of organization it is, and no other thing that `tenant_id` might be a key of.
    fn a_type_beside_the_tenants_own_name_makes_it_no_other_key(db: TestDatabase) {
        tenants(&db, "integer", "integer", &["tenant 1", "visit 1"]);
        db.execute("ALTER TABLE visits ADD COLUMN tenant_type varchar(20)");
        db.execute("UPDATE visits SET tenant_type = 'enterprise'");
        assert_eq!(refused(&clean(&db, "1", &[]).exits(3), "left_behind"), [("visits.tenant_id".to_owned(), 1)]);
    }
}

/// A type that is compared with no other by itself.
#[test]
fn an_enum_and_an_oid_are_read_as_text() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute("CREATE TYPE code AS ENUM ('1', '2')");
    tenants(&db, "bigint", "code", &["tenant 1", "tenant 2", "visit '1'", "visit '2'"]);
    db.execute("CREATE TABLE files (id integer PRIMARY KEY, tenant_id oid); INSERT INTO files VALUES (1, 1), (2, 2)");
    let outcome = clean(&db, "1", &[]).exits(3);
    let both = ["files.tenant_id", "visits.tenant_id"].map(|name| (name.to_owned(), 1));
    assert_eq!(refused(&outcome, "left_behind"), both);
}
