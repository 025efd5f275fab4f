//! SQLite's rowids that no column is: an external index or an application may keep them.

use super::*;

/// Notes without a key, tags whose key is another one, and somebody who remembers rowids.
fn notes() -> TestDatabase {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE notes (body text, org integer REFERENCES organizations ON DELETE CASCADE, twice AS (org * 2));
         CREATE TABLE tags (name text PRIMARY KEY, org integer REFERENCES organizations ON DELETE CASCADE, rowid text);
         CREATE VIRTUAL TABLE search USING fts5(body, content='notes');
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO notes (rowid, body, org) VALUES (5, 'five', 1), (7, 'seven', 2), (9, 'nine', 1), (-3, 'less', 1),
             (9223372036854775807, 'last', 1), (20, 'same', 1), (21, 'same', 1);
         INSERT INTO tags (oid, name, org, rowid) VALUES (40, 'red', 1, 'x'), (30, 'blue', 1, 'y'), (35, 'green', 2, 'z');
         INSERT INTO search (search) VALUES ('rebuild')",
    );
    db
}

fn rowids(db: &TestDatabase) -> Vec<Vec<Option<String>>> {
    db.query(
        "SELECT oid, body, org FROM notes UNION ALL SELECT oid, name, org FROM tags ORDER BY 2, 1",
    )
}

#[test]
fn rows_come_back_under_their_rowids() {
    let db = notes();
    let before = rowids(&db);
    let restored = comes_back(&db, &["--org-name", "Apex"]);
    assert_eq!(rowids(&db), before, "{restored}");
    assert_eq!(restored.json()["renumbered"], serde_json::json!([]));
    assert_eq!(db.value("SELECT group_concat(rowid) FROM search WHERE search MATCH 'nine'"), "9");
    assert_eq!(db.value("SELECT body FROM search WHERE search MATCH 'five'"), "five");
}

/// The others keep theirs: a new number is none that a row still waits for.
#[test]
fn a_rowid_that_is_taken_gives_way_to_a_new_one() {
    let db = notes();
    db.execute("DELETE FROM notes WHERE rowid > 1000");
    clean(&db, &["--org-name", "Apex"]).exits(0);
    db.execute(
        "INSERT INTO notes (rowid, body, org) VALUES (5, 'new', 2), (20, 'new', 2), (19, 'top', 2)",
    );
    let archive = only_archive(&db);
    let note = "2 rows of notes have a new rowid";
    restore(&db, &archive, &["--dry-run"]).exits(0).says(&[note]);
    let restored = restore(&db, &archive, &[]).exits(0).says(&[note]);
    assert_eq!(restored.json()["renumbered"][0]["rows"], 2);
    let kept = "SELECT group_concat(body) FROM (SELECT body FROM notes WHERE rowid IN (-3, 7, 9, 21) ORDER BY rowid)";
    assert_eq!(db.value(kept), "less,seven,nine,same");
    assert_eq!(db.count("notes WHERE rowid > 21 AND body IN ('five', 'same')"), 2);
    assert_eq!(db.count("notes"), 9);
}

/// Columns hide all names of the rowid: it is nobody's business.
#[test]
fn a_rowid_without_a_name_is_left_alone() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE notes (rowid text NOT NULL UNIQUE, _rowid_ text, oid integer REFERENCES organizations ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO notes VALUES ('a', 'b', 1), ('c', 'd', 2)",
    );
    round_trip(&db, &["--org-name", "Apex"]);
}
