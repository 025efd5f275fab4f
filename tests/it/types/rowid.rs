//! SQLite's rowid, and what is only called so: <https://sqlite.org/lang_createtable.html#rowid>.

use super::*;

/// Two organizations, 5 and 1, after the schema.
fn organizations(schema: &str) -> TestDatabase {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    db.execute(schema);
    db
}

const ORGANIZATIONS: &str =
    "CREATE TABLE organizations (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    INSERT INTO organizations VALUES (5, 'Apex'), (1, 'Global');";

/// A clean, with either kind of checks, leaves what SQLite's own DELETE leaves; a restore gives all back.
fn goes_as_the_engine_deletes(schema: &str) {
    let db = organizations(schema);
    let engine = db.copy();
    engine.execute("PRAGMA foreign_keys = ON; DELETE FROM organizations WHERE name = 'Apex'");
    for checks in archive::CHECKS {
        let copy = db.copy();
        archive::clean(&copy, &["--org-name", "Apex", "--reference-checks", checks]).exits(0);
        changes(&archive::contents(&engine), &archive::contents(&copy)).assert_none();
    }
    archive::round_trip(&db, &["--org-name", "Apex"]);
}

/// Nothing is written, with an archive and without, and the table is named.
fn is_refused_by_name(schema: &str, table: &str) {
    let db = organizations(schema);
    let before = archive::contents(&db);
    for flags in [&["--force"][..], &["--no-archive"], &["--batch-rows", "1"]] {
        let outcome = archive::clean(&db, &[&["--org-name", "Apex"], flags].concat()).exits(3);
        let refusals = outcome.refusals("nameless_rows");
        assert!(refusals.iter().any(|refusal| refusal["table"] == table), "{outcome}");
        changes(&before, &archive::contents(&db)).assert_none();
    }
}

#[test]
fn a_descending_key_is_not_the_rowid() {
    goes_as_the_engine_deletes(
        "CREATE TABLE organizations (id INTEGER PRIMARY KEY DESC, name TEXT NOT NULL);
         CREATE TABLE users (id INTEGER PRIMARY KEY DESC, org INTEGER REFERENCES organizations ON DELETE CASCADE);
         CREATE TABLE tasks (id INTEGER, user INTEGER REFERENCES users ON DELETE SET NULL, PRIMARY KEY (id DESC));
         INSERT INTO organizations VALUES (2, 'Apex'), (1, 'Global');
         INSERT INTO users VALUES (2, 2), (1, 1), (3, 2); INSERT INTO tasks VALUES (7, 2), (8, 1), (9, 3)",
    );
}

#[test]
fn an_int_key_is_not_the_rowid() {
    goes_as_the_engine_deletes(&format!(
        "{ORGANIZATIONS}
         CREATE TABLE users (id INT PRIMARY KEY, org INT REFERENCES organizations ON DELETE CASCADE);
         CREATE TABLE tasks (user INT REFERENCES users ON DELETE CASCADE, what);
         INSERT INTO users VALUES (2, 5), (1, 1), (NULL, 5), (2.5, 5), (x'31', 1), ('one', 5);
         INSERT INTO tasks SELECT id, typeof(id) FROM users"
    ));
}

#[test]
fn names_that_columns_hide_are_not_the_rowid() {
    let tasks =
        "INSERT INTO tasks VALUES ('1', '2', '3', 5), ('1', '2', '3', 1), ('7', '8', '9', 1)";
    for named in ["rowid, oid, x", "RowID, _ROWID_, x", "x, _rowid_, \"oid\""] {
        goes_as_the_engine_deletes(&format!(
            "{ORGANIZATIONS} CREATE TABLE tasks ({named}, org INT REFERENCES organizations ON DELETE CASCADE); {tasks}"
        ));
    }
    let all = "rowid, oid, _rowid_, org INT REFERENCES organizations ON DELETE";
    let schema = |rest: &str| format!("{ORGANIZATIONS} CREATE TABLE tasks ({all} {rest}); {tasks}");
    is_refused_by_name(&schema("CASCADE"), "tasks");
    is_refused_by_name(&schema("SET NULL"), "tasks");
    is_refused_by_name(&schema("CASCADE, UNIQUE (org, oid)"), "tasks");
    is_refused_by_name(
        "CREATE TABLE organizations (rowid, oid, _rowid_, name TEXT);
         INSERT INTO organizations VALUES (1, 1, 1, 'Apex'), (2, 1, 1, 'Global')",
        "organizations",
    );
}

/// Where none of the table's rows is concerned, it is in nobody's way.
#[test]
fn rows_without_a_name_that_stay_are_no_matter() {
    goes_as_the_engine_deletes(&format!(
        "{ORGANIZATIONS}
         CREATE TABLE tasks (rowid, oid, _rowid_, org INT REFERENCES organizations ON DELETE CASCADE);
         CREATE TABLE notes (rowid, oid, _rowid_, org INT REFERENCES organizations ON DELETE SET NULL);
         INSERT INTO tasks VALUES (1, 2, 3, 1); INSERT INTO notes VALUES (1, 2, 3, 1)"
    ));
}

#[test]
fn another_key_names_the_rows_then() {
    let values = "INSERT INTO tasks VALUES (1, 2, 3, 5, 7), (1, 2, 3, 1, 8), (4, 5, 6, 5, 9)";
    for key in ["id INTEGER PRIMARY KEY", "id INT NOT NULL UNIQUE", "id TEXT NOT NULL PRIMARY KEY"]
    {
        for action in ["CASCADE", "SET NULL"] {
            goes_as_the_engine_deletes(&format!(
                "{ORGANIZATIONS} CREATE TABLE tasks (rowid, oid, _rowid_,
                     org INT REFERENCES organizations ON DELETE {action}, {key}); {values}"
            ));
        }
    }
    // The column that is the rowid may bear its name.
    goes_as_the_engine_deletes(&format!(
        "{ORGANIZATIONS} CREATE TABLE tasks (oid, _rowid_, x, org INT REFERENCES organizations ON DELETE CASCADE,
             rowid INTEGER PRIMARY KEY); {values}"
    ));
}

#[test]
fn rows_of_tables_without_rowid_go_by_their_key() {
    goes_as_the_engine_deletes(&format!(
        "{ORGANIZATIONS}
         CREATE TABLE tags (k INT PRIMARY KEY, org INT REFERENCES organizations ON DELETE CASCADE) WITHOUT ROWID;
         CREATE TABLE uses (k INTEGER PRIMARY KEY REFERENCES tags ON DELETE CASCADE, n) WITHOUT ROWID;
         CREATE TABLE words (w TEXT COLLATE NOCASE PRIMARY KEY, org INT REFERENCES organizations ON DELETE SET NULL)
             WITHOUT ROWID;
         INSERT INTO tags VALUES ('red', 5), (7, 5), ('blue', 1), (x'726564', 1), (2.5, 5), (9007199254740993, 5);
         INSERT INTO uses SELECT k, typeof(k) FROM tags;
         INSERT INTO words VALUES ('a', 5), ('B', 5), ('b ', 1), (x'61', 5)"
    ));
    is_refused_by_name(
        &format!(
            "{ORGANIZATIONS} CREATE TABLE words (w TEXT COLLATE NOCASE, org INT REFERENCES organizations
                 ON DELETE CASCADE, PRIMARY KEY (w COLLATE BINARY)) WITHOUT ROWID;
             INSERT INTO words VALUES ('a', 5), ('A', 1)"
        ),
        "words",
    );
}

/// A blob is no text of the same bytes, in a TEXT column either.
#[test]
fn organizations_may_have_blobs_for_keys() {
    let schema = "CREATE TABLE organizations (id TEXT PRIMARY KEY NOT NULL, name TEXT);
         CREATE TABLE users (id INTEGER PRIMARY KEY, org TEXT REFERENCES organizations (id) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (x'0190ffb2', 'Apex'), ('b', 'Global'), (x'62', 'Other');
         INSERT INTO users VALUES (1, x'0190ffb2'), (2, 'b'), (3, x'62'), (4, x'0190ffb2')";
    goes_as_the_engine_deletes(schema);
    let db = organizations(schema);
    let verify = ["verify", "--org-id", "X'0190FFB2'"];
    db.orgsweep(&verify).exits(3);
    db.orgsweep(&["clean", "--org-id", "X'0190FFB2'", "--yes"]).exits(0);
    db.orgsweep(&verify).exits(0);
    assert_eq!(db.value("SELECT group_concat(id) FROM users"), "2,3");
    db.orgsweep(&["explain", "organizations", "X'62'", "--org-name", "Other"])
        .exits(0)
        .says(&["X'62'"]);
}

/// What still names a key is asked as the reference compares: an untyped 5 and a text '5.0' are it.
#[test]
fn verify_sees_what_names_a_key_by_another_type() {
    for (key, reference, value, finds) in [
        ("INTEGER PRIMARY KEY", "", "5", true),
        ("INTEGER PRIMARY KEY", "TEXT", "'5.0'", true),
        ("INTEGER PRIMARY KEY", "INT", "5", true),
        ("INTEGER PRIMARY KEY", "TEXT", "'5a'", false),
        ("TEXT PRIMARY KEY", "", "5", true),
        ("TEXT PRIMARY KEY", "INT", "5", true),
        ("PRIMARY KEY", "", "5", true),
        ("INTEGER PRIMARY KEY", "", "x'35'", false),
    ] {
        let db = organizations(&format!(
            "PRAGMA foreign_keys = OFF; CREATE TABLE organizations (id {key}, name TEXT);
             CREATE TABLE users (org {reference} REFERENCES organizations (id));
             INSERT INTO users VALUES ({value})"
        ));
        let case = format!("{key} <- {reference} {value}");
        let outcome = db.orgsweep(&["verify", "--org-id", "5"]);
        // It dangles besides.
        let told = if finds { 2 } else { 1 };
        assert_eq!(outcome.text().matches("1 row by").count(), told, "{case}\n{outcome}");
    }
}
