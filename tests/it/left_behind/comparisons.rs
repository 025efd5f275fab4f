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

    /// Nobody's types say in which order a UUID's bytes stand, or whose a list of keys makes a row.
    fn what_no_sql_compares_is_not_known_and_is_no_all_clear(db: TestDatabase) {
        let (uuid, other) = ("5f0c8a3e-6d1b-4b7a-9c2e-0f1a2b3c4d5e", "00000000-0000-4000-8000-000000000000");
        let bytes = db.pick(
            "X'5f0c8a3e6d1b4b7a9c2e0f1a2b3c4d5e'",
            "'\\x5f0c8a3e6d1b4b7a9c2e0f1a2b3c4d5e'",
            "X'5f0c8a3e6d1b4b7a9c2e0f1a2b3c4d5e'",
        );
        let (binary, list) = (db.pick("blob", "bytea", "binary(16)"), db.pick("json", "jsonb", "json"));
        tenants(&db, "uuid", binary, &[&format!("tenant '{uuid}'"), &format!("tenant '{other}'")]);
        db.execute(&format!("CREATE TABLE notes (id integer PRIMARY KEY, tenant_id {list})"));
        let clean_up = |flags: &[&str]| clean(&db, uuid, flags);
        // Of rows that name nobody nothing has to be known.
        db.execute("INSERT INTO notes VALUES (1, NULL)");
        clean_up(&["--dry-run"]).exits(0);
        db.execute(&format!("INSERT INTO visits VALUES (1, {bytes})"));
        let outcome = clean_up(&["--force"]).exits(3);
        assert_eq!(refused(&outcome, "uncounted"), [("visits.tenant_id".to_owned(), 0)]);
        assert!(!outcome.stdout.contains("--scope-column tenant_id"), "{outcome}");
        for flags in [&["--per-org"][..], &["--batch-rows", "1"], &["--no-archive"], &["--reference-checks", "engine"]] {
            let outcome = clean_up(flags).exits(3);
            assert!(outcome.stdout.contains("visits.tenant_id"), "{outcome}");
        }
        let outcome = clean_up(&["--scope-column", "visits.tenant_id"]).exits(2);
        assert!(outcome.stdout.contains("nothing tells which value"), "{outcome}");
        db.orgsweep(&["doctor"]).says(&["visits.tenant_id may name tenants", "--leave-behind=visits.tenant_id"]);
        let verified = db.orgsweep(&["verify", "--org-id", uuid]).exits(3);
        assert!(verified.stdout.contains("visits.tenant_id"), "{verified}");
        clean_up(&["--leave-behind=visits.tenant_id"]).exits(0);
        db.orgsweep(&["verify", "--org-id", uuid]).exits(3);
        db.orgsweep(&["verify", "--org-id", uuid, "--leave-behind=visits.tenant_id"]).exits(0);
    }
}

/// SQLite keeps what it is given, whatever a column is declared as.
#[test]
fn bytes_in_a_column_of_texts_are_not_known() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    let text = "'5f0c8a3e-6d1b-4b7a-9c2e-0f1a2b3c4d5e'";
    let bytes = "X'5f0c8a3e6d1b4b7a9c2e0f1a2b3c4d5e'";
    for (key, value) in [(text, bytes), (bytes, text)] {
        let db = db.copy();
        let other = key.replace('5', "6");
        tenants(&db, "uuid", "text", &[&format!("tenant {key}"), &format!("tenant {other}")]);
        let named = ["clean", "--org-name", "T0", "--yes", "--format", "json"];
        let clean_up = |more: &[&str]| db.orgsweep(&[&named[..], more].concat());
        clean_up(&["--dry-run"]).exits(0);
        db.execute(&format!("INSERT INTO visits VALUES (1, {value})"));
        for more in [&[][..], &["--per-org"]] {
            assert!(clean_up(more).exits(3).stdout.contains("visits.tenant_id"));
        }
    }
}

/// `007` of a number that is filled with zeros, and `7` of a text.
#[test]
fn a_number_filled_with_zeros_is_not_compared_with_a_text_mysql() {
    let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
    tenants(&db, "int(5) unsigned zerofill", "varchar(20)", &["tenant 7", "visit '7'"]);
    let outcome = clean(&db, "7", &[]).exits(3);
    assert_eq!(refused(&outcome, "uncounted"), [("visits.tenant_id".to_owned(), 0)]);
    db.execute("ALTER TABLE visits MODIFY tenant_id int");
    let outcome = clean(&db, "7", &[]).exits(3);
    assert_eq!(refused(&outcome, "left_behind"), [("visits.tenant_id".to_owned(), 1)]);
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
