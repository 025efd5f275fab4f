//! Organizations with a key of several columns: `--org-id eu,1`.

use crate::support::*;

/// The key of one is told apart by its second column, another has a comma and quotes in it.
fn regions(db: &TestDatabase) -> Dump {
    db.execute(
        "CREATE TABLE organizations (region varchar(20) NOT NULL, no integer NOT NULL, name varchar(20), PRIMARY KEY (region, no)); \
         CREATE TABLE users (id integer PRIMARY KEY, org integer, region varchar(20), \
             FOREIGN KEY (region, org) REFERENCES organizations (region, no) ON DELETE CASCADE); \
         INSERT INTO organizations VALUES ('eu', 1, 'Apex'), ('us', 1, 'Apex'), ('eu', 2, 'Global'), ('a,\"b\"', 1, 'Odd'); \
         INSERT INTO users VALUES (1, 1, 'eu'), (2, 1, 'us'), (3, 2, 'eu'), (4, 1, 'a,\"b\"')",
    );
    db.dump()
}

fn clean(db: &TestDatabase, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&["clean", "--yes"][..], flags].concat())
}

each_backend! {
    fn its_values_say_which_one_is_meant(db: TestDatabase) {
        let before = regions(&db);
        for way in [&[][..], &["--per-org"], &["--batch-rows", "1"], &["--reference-checks", "engine"]] {
            let db = db.copy();
            clean(&db, &[&["--org-id", "eu,1"], way].concat()).exits(0);
            let changed = changes(&before, &db.dump());
            assert_eq!(["organizations", "users"].map(|table| changed.deleted(table)), [1, 1], "{way:?} {changed}");
            assert_eq!(db.value("SELECT count(*) FROM organizations WHERE region = 'eu' AND no = 1"), "0");
            db.orgsweep(&["verify", "--org-id", "eu,1"]).exits(0);
            db.orgsweep(&["verify", "--org-id", "us,1"]).exits(3).says(&["Apex (key us,1)"]);
        }
    }

    fn a_comma_in_it_is_quoted_and_shown_so(db: TestDatabase) {
        regions(&db);
        let shown = db.orgsweep(&["organizations", "--org-name", "Odd", "--format", "json"]).exits(0).json();
        let key = shown["organizations"][0]["key"].as_str().expect("a key").to_owned();
        assert_eq!(key, r#""a,""b""",1"#);
        clean(&db, &["--org-id", &key]).exits(0);
        assert_eq!((db.count("organizations"), db.count("users")), (3, 3));
    }

    /// Both of the name, each in its own transaction, by what the list and the plan say of them.
    fn series_and_saved_plans_go_by_it(db: TestDatabase) {
        regions(&db);
        let series = db.copy();
        clean(&series, &["--org-name", "Apex", "--per-org"]).exits(0).says(&["eu,1", "us,1"]);
        assert_eq!((series.count("organizations"), series.count("users")), (2, 2));
        let file = db.directory().join("plan.json").display().to_string();
        db.orgsweep(&["preview", "--org-name", "Apex", "--save-plan", &file]).exits(0);
        assert!(std::fs::read_to_string(&file).expect("a plan").contains("--org-id=eu,1"));
        clean(&db, &["--plan", &file]).exits(0);
        assert_eq!((db.count("organizations"), db.count("users")), (2, 2));
    }

    fn verify_finds_what_still_names_it(db: TestDatabase) {
        regions(&db);
        clean(&db, &["--org-id", "eu,1"]).exits(0);
        db.execute(db.pick(
            "PRAGMA foreign_keys = OFF",
            "SET session_replication_role = replica",
            "SET foreign_key_checks = 0",
        ));
        db.execute("INSERT INTO users VALUES (9, 1, 'eu')");
        db.orgsweep(&["verify", "--org-id", "eu,1"]).exits(3).says(&["still there: 1 row by users"]);
        db.orgsweep(&["verify", "--org-id", "eu,3"]).hides("still there: 1 row");
    }

    /// SQLite's primary keys take nulls: what such a row is called means no row, and no other one.
    fn a_key_that_is_null_means_nobody(db: TestDatabase) {
        if !db.is_sqlite() {
            return;
        }
        db.execute(
            "CREATE TABLE organizations (region text, no integer, name text, PRIMARY KEY (region, no)); \
             INSERT INTO organizations VALUES ('', 1, 'Apex'), (NULL, 1, 'Apex'), ('null', 1, 'Apex'), ('eu', 1, 'Apex')",
        );
        clean(&db, &["--org-id", "eu,1"]).exits(0);
        assert_eq!(db.count("organizations"), 3);
        clean(&db, &["--org-name", "Apex", "--per-org"]);
        assert_eq!(db.query("SELECT region FROM organizations"), [[None]]);
    }

    fn a_part_of_it_is_a_mistake(db: TestDatabase) {
        let before = regions(&db);
        for id in ["eu", "eu,1,2", "\"eu,1", "\"eu\"x,1", "1"] {
            clean(&db, &["--org-id", id]).exits(2).says(&["the key of organizations is region,no", "--org-id REGION,NO"]);
        }
        for id in ["eu,7", "EU,1", "eu ,1"] {
            clean(&db, &["--org-id", id]).exits(0).says(&["othing to clean up"]);
        }
        changes(&before, &db.dump()).assert_none();
    }
}
