//! What only MariaDB lets be: foreign keys that name what is not unique, and rows that nothing tells apart.

use crate::support::*;

/// Organizations 1 and 2, and these tables and rows.
fn database(schema: &str) -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Mysql)?;
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');",
    );
    db.execute(schema);
    Some(db)
}

const OWNED: &str = "FOREIGN KEY (o) REFERENCES organizations (id) ON DELETE";

/// Two users of Apex have the same code, one of Beta has another.
fn coded(child: &str) -> String {
    format!(
        "CREATE TABLE users (id int PRIMARY KEY, o int, code int, KEY (code), {OWNED} CASCADE);
         INSERT INTO users VALUES (1, 1, 7), (2, 1, 7), (3, 2, 8); {child}"
    )
}

/// Clean does what the engine's own DELETE does, with either kind of checks, says beforehand how much that is,
/// and takes it back.
fn as_the_engine(schema: &str) {
    let Some(db) = database(schema) else { return };
    let before = db.dump();
    let engine = db.copy();
    engine.execute("DELETE FROM organizations WHERE id = 1");
    let expected = engine.dump();
    let preview = db.orgsweep(&["preview", "--org-id", "1", "--format", "json"]).exits(0);
    let changed = changes(&before, &expected);
    for (table, rows) in preview.rows("delete") {
        assert_eq!(rows, changed.deleted(&table) as u64, "{table} {schema}\n{preview}");
    }
    let unlinked: usize = changed.new.values().map(Vec::len).sum();
    let said: u64 = preview.rows("unlink").values().sum();
    assert_eq!(said, unlinked as u64, "{schema}\n{preview}");
    let kept = db.directory().display().to_string();
    for checks in ["set", "engine"] {
        let clean = ["clean", "--org-id", "1", "--yes", "--format", "json", "--archive-dir", &kept];
        let cleaned = db.orgsweep(&[&clean[..], &["--reference-checks", checks]].concat()).exits(0);
        let wrong = changes(&expected, &db.dump());
        assert!(wrong.is_empty(), "{checks} {schema}\n{wrong}\n{cleaned}");
        let archive = cleaned.json()["archives"][0].as_str().expect("an archive").to_owned();
        db.orgsweep(&["restore", &archive]).exits(0);
        let wrong = changes(&before, &db.dump());
        assert!(wrong.is_empty(), "restored, {checks} {schema}\n{wrong}");
    }
}

#[test]
fn a_value_that_several_parents_have_is_followed_once() {
    for action in ["CASCADE", "SET NULL"] {
        for key in ["id int PRIMARY KEY", "id int"] {
            as_the_engine(&coded(&format!(
                "CREATE TABLE notes ({key}, code int, FOREIGN KEY (code) REFERENCES users (code) ON DELETE {action});
                 INSERT INTO notes VALUES (1, 7), (2, 8), (3, 7), (4, NULL)"
            )));
        }
        // The first part of a key.
        as_the_engine(&format!(
            "CREATE TABLE users (a int, b int, o int, PRIMARY KEY (a, b), {OWNED} CASCADE);
             CREATE TABLE notes (id int, a int, FOREIGN KEY (a) REFERENCES users (a) ON DELETE {action});
             INSERT INTO users VALUES (1, 1, 1), (1, 2, 1), (2, 1, 2); INSERT INTO notes VALUES (1, 1), (2, 2)"
        ));
    }
}

#[test]
fn a_restricting_one_is_refused_and_forced() {
    let Some(db) = database(&coded(
        "CREATE TABLE notes (id int, code int, FOREIGN KEY (code) REFERENCES users (code));
         INSERT INTO notes VALUES (1, 7), (1, 7), (2, 8)",
    )) else {
        return;
    };
    db.orgsweep(&["clean", "--org-id", "1", "--yes"]).exits(3).says(&["notes.code"]);
    db.orgsweep(&["clean", "--org-id", "1", "--yes", "--force"]).exits(0);
    assert_eq!((db.count("notes"), db.count("users")), (1, 1));
}

/// Rows that are alike go, are unlinked, and come back together.
#[test]
fn rows_that_are_alike_are_counted_as_often_as_they_are() {
    let two = format!(
        "{OWNED} SET NULL, FOREIGN KEY (q) REFERENCES organizations (id) ON DELETE SET NULL"
    );
    for rows in ["(1, 1), (1, 1)", "(1, 1), (1, 1), (1, NULL), (1, NULL), (NULL, 1), (2, 1)"] {
        let schema = format!("CREATE TABLE t (o int, q int, {two}); INSERT INTO t VALUES {rows}");
        let Some(db) = database(&schema) else { return };
        let engine = db.copy();
        engine.execute("DELETE FROM organizations WHERE id = 1");
        for checks in ["set", "engine"] {
            let copy = db.copy();
            let clean = [
                "clean",
                "--org-id",
                "1",
                "--yes",
                "--foreign",
                "unlink",
                "--reference-checks",
                checks,
            ];
            copy.orgsweep(&clean).exits(0);
            assert_eq!(copy.dump(), engine.dump(), "{rows}");
        }
    }
}

/// Rows that an unlink has made alike named different rows, and some that are like them named nobody before.
#[test]
fn rows_that_became_alike_are_linked_again_as_they_were() {
    let Some(db) = database(
        "CREATE TABLE users (id int PRIMARY KEY, o int, FOREIGN KEY (o) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE logs (u int, v int, t varchar(10), moved timestamp NOT NULL DEFAULT '2001-02-03' ON UPDATE CURRENT_TIMESTAMP,
             FOREIGN KEY (u) REFERENCES users (id) ON DELETE SET NULL, FOREIGN KEY (v) REFERENCES users (id) ON DELETE SET NULL);
         INSERT INTO users VALUES (1, 1), (2, 2), (3, 1);
         INSERT INTO logs (u, v, t) VALUES (1, 3, 'x'), (1, 3, 'x'), (2, 2, 'y'), (1, 2, 'z'), (2, 3, 'z'), (1, NULL, 'z'),
             (NULL, 1, 'z'), (NULL, NULL, 'z'), (NULL, NULL, 'z'), (NULL, NULL, 'Z'), (3, NULL, 'Z'), (3, 1, 'z')",
    ) else {
        return;
    };
    let before = db.dump();
    let engine = db.copy();
    engine.execute("DELETE FROM organizations WHERE id = 1");
    let kept = db.directory().display().to_string();
    for checks in ["set", "engine"] {
        let clean = ["clean", "--org-id", "1", "--yes", "--format", "json", "--archive-dir", &kept];
        let cleaned = db.orgsweep(&[&clean[..], &["--reference-checks", checks]].concat()).exits(0);
        assert_eq!(db.dump(), engine.dump(), "{checks}");
        let archive = cleaned.json()["archives"][0].as_str().expect("an archive").to_owned();
        db.orgsweep(&["restore", &archive]).exits(0);
        assert_eq!(db.dump(), before, "{checks}");
    }
}

#[test]
fn batches_take_rows_that_are_alike_at_once() {
    let Some(db) = database(&format!(
        "CREATE TABLE t (o int, v int, {OWNED} CASCADE);
         INSERT INTO t VALUES (1, 1), (1, 1), (1, 1), (1, 2), (1, 2), (2, 1)"
    )) else {
        return;
    };
    db.orgsweep(&["clean", "--org-id", "1", "--yes", "--batch-rows", "1"]).exits(0);
    assert_eq!((db.count("t"), db.count("organizations")), (1, 1));
}

#[test]
fn foreign_rows_that_are_alike_are_counted_as_often_as_they_are() {
    let Some(db) = database(&format!(
        "CREATE TABLE users (id int PRIMARY KEY, o int, {OWNED} CASCADE);
         CREATE TABLE d (o int, u int, {OWNED} CASCADE, FOREIGN KEY (u) REFERENCES users (id));
         INSERT INTO users VALUES (1, 1), (2, 2); INSERT INTO d VALUES (2, 1), (2, 1), (2, 2)"
    )) else {
        return;
    };
    let refused = db.orgsweep(&["clean", "--org-id", "1", "--yes", "--force"]).exits(3);
    refused.says(&["reaches 2 rows of d that belong to other organizations"]);
    db.orgsweep(&["clean", "--org-id", "1", "--yes", "--force", "--foreign", "delete"]).exits(0);
    assert_eq!((db.count("d"), db.count("users")), (1, 1));
}
