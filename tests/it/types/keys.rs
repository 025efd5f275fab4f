//! SQLite: one column may hold 1, '1' and X'31'. A key on the command line is one of them.

use super::*;

/// Organizations whose keys read alike, with a user each.
fn alike(key: &str, end: &str) -> TestDatabase {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    db.execute(&format!(
        "CREATE TABLE organizations (id {key} PRIMARY KEY, name text){end};
         CREATE TABLE users (id integer PRIMARY KEY, org {key} REFERENCES organizations ON DELETE CASCADE){end};
         INSERT INTO organizations VALUES (1, 'number'), ('1', 'text'), (x'31', 'blob'), (2, 'two'), ('X''31''', 'literal'),
             ('a', 'a'), ('a::text', 'typed'), (0.5, 'real'), ('0.5', 'real text');
         INSERT INTO users (org) SELECT id FROM organizations"
    ));
    db
}

fn names(db: &TestDatabase) -> Vec<String> {
    let rows = db.query("SELECT name FROM organizations ORDER BY name");
    rows.into_iter().flatten().flatten().collect()
}

#[test]
fn a_key_that_reads_like_another_is_told_apart_by_its_type() {
    for (key, end) in [("", ""), ("BLOB", ""), ("ANY", " STRICT")] {
        for (id, name) in [
            ("1::integer", "number"),
            ("1::text", "text"),
            ("X'31'::blob", "blob"),
            ("2", "two"),
            ("2::integer", "two"),
            ("X'31'::text", "literal"),
            ("a::text::text", "typed"),
            ("0.5::real", "real"),
            ("0.5::text", "real text"),
        ] {
            let db = alike(key, end);
            let before = names(&db);
            db.orgsweep(&["verify", "--org-id", id]).exits(3).says(&[name, "1 row by"]);
            db.orgsweep(&["clean", "--org-id", id, "--yes", "--no-archive"]).exits(0);
            let gone: Vec<_> = before.iter().filter(|it| !names(&db).contains(it)).collect();
            assert_eq!(gone, [name], "{id} {key}");
            assert_eq!(db.count("users"), 8);
            assert_eq!(db.count("users WHERE org NOT IN (SELECT id FROM organizations)"), 0);
            db.orgsweep(&["verify", "--org-id", id]).exits(0);
        }
        let db = alike(key, end);
        for nobody in ["3", "1::real", "1::blob", "2::text", "b", "01", "1.0"] {
            db.orgsweep(&["preview", "--org-id", nobody, "--require-match"]).exits(3);
        }
    }
}

#[test]
fn a_key_that_may_be_two_is_refused_with_both() {
    let db = alike("", "");
    let before = archive::contents(&db);
    let both = ["1::integer", "1::text", "its type included"];
    db.orgsweep(&["preview", "--org-id", "1"]).exits(3).says(&both);
    db.orgsweep(&["clean", "--org-id", "1", "--yes"]).exits(3).says(&both);
    db.orgsweep(&["clean", "--org-id", "1", "--per-org", "--yes"]).exits(3).says(&both);
    db.orgsweep(&["verify", "--org-id", "1"]).exits(3).says(&both);
    db.orgsweep(&["explain", "users", "1", "--org-id", "1"]).exits(3).says(&both);
    db.orgsweep(&["clean", "--org-id", "X'31'", "--yes"])
        .exits(3)
        .says(&["X'31'::blob", "X'31'::text"]);
    changes(&before, &archive::contents(&db)).assert_none();
}

/// What is shown can be typed, and means that row alone; so does each of a series.
#[test]
fn what_is_shown_is_one_key() {
    let db = alike("", "");
    let shown =
        db.orgsweep(&["preview", "--org-like", "*e*", "--org-like", "*b*", "--format", "json"]);
    let json = shown.exits(0).json();
    let organizations = json["organizations"].as_array().cloned().unwrap_or_default();
    assert_eq!(organizations.len(), 7, "{json}");
    for one in &organizations {
        let (key, name) = (one["key"].as_str().expect("a key"), &one["name"]);
        let previewed = db.orgsweep(&["preview", "--org-id", key, "--format", "json"]);
        // One that is not shown reads like it.
        if key != "X'31'" && key != "1" && key != "0.5" {
            assert_eq!(previewed.exits(0).json()["organizations"][0]["name"], *name, "{key}");
        }
    }
    let all =
        ["clean", "--org-like", "*e*", "--org-like", "*b*", "--per-org", "--yes", "--no-archive"];
    db.orgsweep(&all).exits(0);
    assert_eq!(names(&db), ["a", "two"]);
    assert_eq!(db.count("users"), 2);
}

/// Keys of one type are shown as they are.
#[test]
fn other_texts_have_no_type() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    db.execute(
        "CREATE TABLE organizations (id text PRIMARY KEY, name text);
         INSERT INTO organizations VALUES ('1', 'one'), ('fe80::1', 'two')",
    );
    for key in ["1", "fe80::1"] {
        let shown = db.orgsweep(&["preview", "--org-id", key, "--format", "json"]).exits(0);
        assert_eq!(shown.json()["organizations"][0]["key"], key);
    }
}
