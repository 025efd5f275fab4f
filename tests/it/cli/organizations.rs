//! `orgsweep organizations`: which there are.

use super::{SMALL, small};
use crate::support::*;

fn list(db: &TestDatabase, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&["organizations"][..], flags].concat()).exits(0)
}

fn names(db: &TestDatabase, flags: &[&str]) -> Vec<String> {
    let json = list(db, &[flags, &["--format", "json"]].concat()).json();
    let name = |one: &serde_json::Value| one["name"].as_str().expect("a name").to_owned();
    json["organizations"].as_array().expect("organizations").iter().map(name).collect()
}

each_backend! {
    fn all_or_those_that_are_selected_are_listed(db: TestDatabase) {
        let before = small(&db);
        db.execute("INSERT INTO organizations VALUES (3, 'e2e-1'), (4, 'e2e-2')");
        list(&db, &[]).says(&["Apex", "Global", "e2e-1", "4 organizations in organizations of "]);
        assert_eq!(names(&db, &["--org-like", "e2e-*"]), ["e2e-1", "e2e-2"]);
        assert_eq!(names(&db, &["--org-name", "Apex", "--org-id", "4"]), ["Apex", "e2e-2"]);
        assert_eq!(names(&db, &["--where", "id > 2", "--org-like", "*-1"]), ["e2e-1"]);
        list(&db, &["--org-name", "Apx"]).says(&["0 organizations", "the nearest: Apex"]);
        db.orgsweep(&["organizations", "--org-name", "Apx", "--require-match"]).exits(3);
        assert_eq!(changes(&before, &db.dump()).deleted("users"), 0);
    }

    fn by_age(db: TestDatabase) {
        db.execute(&format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20), created_at {}); \
             INSERT INTO organizations VALUES (1, 'Old', '2001-02-03 04:05:06'), (2, 'Ageless', NULL)",
            db.pick("text", "timestamp", "datetime")
        ));
        assert_eq!(names(&db, &["--older-than", "1d"]), ["Old"]);
        assert_eq!(names(&db, &[]), ["Old", "Ageless"]);
        let json = list(&db, &["--format", "json"]).json();
        assert!(json["organizations"][0]["age_seconds"].as_u64() > Some(86_400), "{json}");
    }

    /// As `clean --force` would take them, and nothing is changed by the count.
    fn with_the_rows_of_each(db: TestDatabase) {
        let before = small(&db);
        let json = list(&db, &["--rows", "--format", "json"]).json();
        let rows: Vec<_> = json["organizations"].as_array().expect("some").iter().map(|one| one["rows"].as_u64()).collect();
        assert_eq!(rows, [Some(4), Some(3)], "{json}");
        list(&db, &["--rows"]).says(&["Rows"]);
        changes(&before, &db.dump()).assert_none();
    }

    fn so_many_at_most_and_how_many_more(db: TestDatabase) {
        db.execute(SMALL);
        list(&db, &["--limit", "1"]).says(&["Apex", "and 1 more: 2 organizations"]).hides("Global");
        let json = list(&db, &["--limit", "1", "--format", "json"]).json();
        assert_eq!((&json["total"], &json["more"]), (&2.into(), &1.into()), "{json}");
        db.orgsweep(&["organizations", "--limit", "0"]).exits(2);
    }

    fn as_csv(db: TestDatabase) {
        db.execute(SMALL);
        db.execute("UPDATE organizations SET name = 'a, \"b\"' WHERE id = 2");
        let csv = list(&db, &["--format", "csv", "--rows"]).stdout;
        assert_eq!(csv, "key,name,age_seconds,rows\n1,Apex,,4\n2,\"a, \"\"b\"\"\",,3\n");
    }

    fn what_the_flags_misname_exits_2(db: TestDatabase) {
        db.execute(SMALL);
        for flags in [["--where", "nosuch"], ["--select", "x"], ["--root", "nosuch"], ["--older-than", "1d"], ["--format", "sql"]] {
            db.orgsweep(&[&["organizations"][..], &flags].concat()).exits(2);
        }
    }
}
