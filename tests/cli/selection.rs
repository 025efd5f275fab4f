//! Which organizations a command line means.

use super::{CLEAN_APEX, small};
use crate::support::*;

const JSON: [&str; 2] = ["--format", "json"];

/// The names that a preview selects, sorted.
fn selected(db: &TestDatabase, selection: &[&str]) -> Vec<String> {
    let outcome = db.orgsweep(&[&["preview", "--force"][..], selection, &JSON].concat()).exits(0);
    let json = outcome.json();
    let organizations = json["organizations"].as_array().cloned().unwrap_or_default();
    let name = |organization: &serde_json::Value| organization["name"].as_str().map(str::to_owned);
    let mut names: Vec<_> = organizations.iter().filter_map(name).collect();
    names.sort();
    names
}

each_backend! {
    fn names_ids_and_patterns_unite(db: TestDatabase) {
        small(&db);
        db.execute("INSERT INTO organizations VALUES (3, 'e2e-1'), (4, 'e2e-2'), (5, 'Apex'), (6, 'e2e')");
        assert_eq!(selected(&db, &["--org-name", "Apex"]), ["Apex", "Apex"]);
        assert_eq!(selected(&db, &["--org-id", "1"]), ["Apex"]);
        assert_eq!(selected(&db, &["--org-like", "e2e-*"]), ["e2e-1", "e2e-2"]);
        let united = ["--org-id", "2", "--org-name", "e2e", "--org-name", "e2e-1", "--org-like", "e2e-?"];
        assert_eq!(selected(&db, &united), ["Global", "e2e", "e2e-1", "e2e-2"]);
    }

    fn names_match_exactly(db: TestDatabase) {
        let before = small(&db);
        for name in ["apex", "APEX", "Ape", "Apex ", "A%", "Ape_", "*", "' OR '1'='1"] {
            let outcome = db.orgsweep(&["clean", "--org-name", name, "--force", "--yes"]).exits(0);
            outcome.says(&["othing to clean up"]);
        }
        changes(&before, &db.dump()).assert_none();
    }

    fn names_match_exactly_whatever_the_collation(db: TestDatabase) {
        db.execute(db.pick(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text COLLATE NOCASE)",
            "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
             CREATE TABLE organizations (id integer PRIMARY KEY, name text COLLATE nocase)",
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text COLLATE utf8mb4_general_ci)",
        ));
        db.execute("INSERT INTO organizations VALUES (1, 'Apex'), (2, 'APEX')");
        assert_eq!(selected(&db, &["--org-name", "APEX"]), ["APEX"]);
    }

    fn no_match_is_success_unless_one_is_required(db: TestDatabase) {
        let before = small(&db);
        for command in [&["preview"][..], &["clean"], &["clean", "--yes"], &["clean", "--dry-run"]] {
            let none = [command, &["--org-name", "Nobody"]].concat();
            db.orgsweep(&none).exits(0).says(&["othing to clean up"]);
            let json = db.orgsweep(&[&none[..], &JSON].concat()).exits(0);
            assert_eq!(json.json()["outcome"], "nothing", "{json}");
            db.orgsweep(&[&none[..], &["--require-match"]].concat()).exits(3).says(&["Nobody"]);
        }
        changes(&before, &db.dump()).assert_none();
    }

    fn an_id_of_another_type_matches_nothing(db: TestDatabase) {
        let before = small(&db);
        for id in ["x", "1.5", "99999999999999999999", "1; DROP TABLE users", "-1"] {
            let id = format!("--org-id={id}");
            let outcome = db.orgsweep(&["clean", &id, "--force", "--yes"]);
            assert!(matches!(outcome.code, 0 | 2), "{outcome}");
        }
        changes(&before, &db.dump()).assert_none();
    }

    fn a_wrong_root_is_answered_with_suggestions(db: TestDatabase) {
        small(&db);
        let wrong = |flags: &[&str]| db.orgsweep(&[&["preview", "--org-name", "Apex"], flags].concat()).exits(2);
        wrong(&["--root", "organisations"]).says(&["organisations", "organizations"]);
        wrong(&["--root", "user"]).says(&["users"]);
        wrong(&["--name-column", "nam"]).says(&["nam", "name"]);
        wrong(&["--root", "users", "--name-column", "mail"]).says(&["email"]);
    }

    fn an_ambiguous_root_is_asked_about(db: TestDatabase) {
        small(&db);
        db.execute("CREATE TABLE tenants (id integer PRIMARY KEY, name text)");
        db.execute("CREATE TABLE sites (id integer PRIMARY KEY, tenant_id integer REFERENCES tenants (id))");
        let outcome = db.orgsweep(&["preview", "--org-name", "Apex"]).exits(2);
        outcome.says(&["--root organizations", "--root tenants"]);
        let chosen = ["preview", "--org-name", "Apex", "--root", "organizations", "--force"];
        db.orgsweep(&chosen).exits(0);
    }

    fn a_root_of_another_name_is_named(db: TestDatabase) {
        db.execute("CREATE TABLE things (id integer PRIMARY KEY, label text)");
        db.execute("INSERT INTO things VALUES (1, 'Apex'), (2, 'Global')");
        db.orgsweep(&["preview", "--org-name", "Apex"]).exits(2).says(&["--root"]);
        let clean = ["clean", "--yes", "--root", "things", "--name-column", "label"];
        db.orgsweep(&[&clean[..], &["--org-name", "Apex"]].concat()).exits(0);
        assert_eq!(db.query("SELECT id FROM things"), [[Some("2".to_owned())]]);
    }

    fn common_names_of_the_root_are_found(db: TestDatabase) {
        for table in ["organization", "organization_organization", "tenants", "tenant", "companies", "accounts"] {
            db.execute(&format!(
                "CREATE TABLE {table} (id integer PRIMARY KEY, name text); \
                 INSERT INTO {table} VALUES (1, 'Apex'), (2, 'Global')"
            ));
            db.orgsweep(&["clean", "--org-name", "Apex", "--yes"]).exits(0);
            assert_eq!(db.count(table), 1, "{table}");
            db.execute(&format!("DROP TABLE {table}"));
        }
    }

    fn references_that_do_not_exist_exit_2(db: TestDatabase) {
        let before = small(&db);
        let clean = ["clean", "--org-name", "Apex", "--yes"];
        for flag in [
            "--force=deals.creator",
            "--force=deal.created_by",
            "--foreign=delete=deals.creator",
            "--foreign=unlink=nosuch",
            "--foreign=reassign=deals.created_by",
            "--foreign=reassign",
            "--foreign=keep",
        ] {
            db.orgsweep(&[&clean[..], &[flag]].concat()).exits(2);
        }
        changes(&before, &db.dump()).assert_none();
    }

    fn verify_tells_what_is_left(db: TestDatabase) {
        small(&db);
        for selection in [["--org-name", "Apex"], ["--org-id", "1"]] {
            db.orgsweep(&[&["verify"][..], &selection].concat()).exits(3);
        }
        db.orgsweep(&CLEAN_APEX).exits(0);
        for selection in [["--org-name", "Apex"], ["--org-id", "1"]] {
            db.orgsweep(&[&["verify"][..], &selection].concat()).exits(0);
        }
    }

    /// SQLite keeps a dangling key where foreign keys are off; PostgreSQL under the replica role.
    fn verify_by_id_finds_what_still_names_the_key(db: TestDatabase) {
        small(&db);
        db.orgsweep(&CLEAN_APEX).exits(0);
        db.execute(db.pick(
            "PRAGMA foreign_keys = OFF",
            "SET session_replication_role = replica",
            "SET foreign_key_checks = 0",
        ));
        db.execute("INSERT INTO users VALUES (12, 1, 'late@apex.test')");
        db.orgsweep(&["verify", "--org-id", "1"]).exits(3).says(&["users"]);
    }
}
