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
    /// Who mistypes a name is told which there are; an organization that is gone is told to be none.
    fn a_name_that_nobody_has_is_answered_with_the_nearest(db: TestDatabase) {
        super::small(&db);
        db.execute("UPDATE organizations SET name = 'Apex Innovations Inc.' WHERE id = 1");
        let told = "no organization has the name Apex Innovations; the nearest: Apex Innovations Inc.";
        let name = ["--org-name", "Apex Innovations"];
        for command in [&["preview"][..], &["verify"], &["graph"], &["explain", "users", "10"], &["clean", "--yes"], &["clean", "--yes", "--per-org"],
            &["clean", "--yes", "--batch-rows", "5"]] {
            db.orgsweep(&[command, &name].concat()).exits(0).says(&[told]);
        }
        let both = ["preview", "--force", "--org-name", "Apex Innovations Inc.", "--org-name", "Globl"];
        db.orgsweep(&both).exits(0).says(&["name Globl; the nearest: Global"]).hides("name Apex");
        let none = db.orgsweep(&["verify", "--org-name", "Zzz"]).exits(0);
        none.says(&["no organization has the name Zzz"]).hides("nearest");
        db.orgsweep(&["verify", "--org-name", "Zzz", "--require-match"]).exits(3).says(&["--require-match"]);
    }

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

    /// What the key's type would cut, round or compare loosely is no such key, to no command.
    fn an_id_is_the_whole_key(db: TestDatabase) {
        let keys: &[(&str, &str, &[&str], &[&str])] = match db.backend {
            Backend::Sqlite => &[
                ("integer", "1", &["1.4", "1abc", "1.00000000000000001", "0x1"], &["01", "1.0"]),
                ("bigint", "9007199254740992", &["9007199254740993", "9007199254740993.0"], &[]),
                ("real", "9007199254740992", &["9007199254740993"], &["9007199254740992.0"]),
                ("text COLLATE NOCASE", "'Apex'", &["apex", "Apex "], &["Apex"]),
                ("text", "'1'", &["01", "1.0"], &["1"]),
                ("", "'1'", &["01"], &["1"]),
            ],
            Backend::Postgres => &[
                ("integer", "1", &["1.4", "1abc"], &["01", " 1"]),
                ("varchar(3)", "'ABC'", &["ABCDEF", "abc"], &["ABC"]),
                ("char(3)", "'AB'", &["ABxx", "ab"], &["AB", "AB "]),
                ("bit(3)", "B'100'", &["1", "1000"], &["100"]),
                ("varbit(3)", "B'10'", &["1", "1000"], &["10"]),
                ("name", "repeat('a', 63)", &["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaazzz"], &[]),
                ("\"char\"", "'A'", &["ABC"], &["A"]),
                ("numeric(9,2)", "1.01", &["1.005", "1.014"], &["1.010"]),
                ("double precision", "1", &["1.00000000000000001"], &["1.0", "1e0"]),
                ("real", "16777216", &["16777217"], &["16777216"]),
                ("money", "1.01", &["1.005", "$1.005"], &["$1.01"]),
                ("timestamp(0)", "'2026-01-01'", &["2026-01-01 00:00:00.4", "2026-01-01 00:00:00+05"], &["2026-01-01", "2026-01-01T00:00"]),
                ("timestamp", "'2026-01-01'", &["2026-01-01 00:00:00.0000004"], &["2026-01-01 00:00:00"]),
                ("timestamptz(0)", "'2026-01-01 00:00+00'", &["2026-01-01 00:00:00.4+00"], &["2026-01-01 01:00:00+01"]),
                ("date", "'2026-01-01'", &["2026-01-01 10:00"], &["2026-01-01"]),
                ("interval(0)", "'1 day'", &["24:00:00", "1 day 00:00:00.4"], &["1 day"]),
                ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", &[], &["A0EEBC999C0B4EF8BB6D6BB9BD380A11"]),
            ],
            Backend::Mysql => &[
                ("int", "1", &["1abc", "1.4", "1e0"], &["01"]),
                ("bigint", "9007199254740992", &["9007199254740993", "9007199254740992e0"], &[]),
                ("decimal(9,2)", "1.01", &["1.005", "1.01e0"], &["1.010"]),
                ("double", "1", &["1.00000000000000001"], &["1.0"]),
                ("varchar(20) COLLATE utf8mb4_general_ci", "'é'", &["e", "É", "é "], &["é"]),
                ("varchar(3)", "'ABC'", &["ABCDEF"], &["ABC"]),
                ("char(3)", "'AB'", &["ABxx", "ab"], &["AB"]),
                ("datetime", "'2026-01-01'", &["2026-01-01 00:00:00.4", "2026-01-01abc"], &["2026-01-01", "2026-01-01 00:00:00"]),
                ("datetime(6)", "'2026-01-01'", &["2026-01-01 00:00:00.0000004"], &["2026-01-01T00:00:00.0"]),
                ("date", "'2026-01-01'", &["2026-01-01 10:00:00", "20260101x"], &["2026-01-01"]),
                ("year", "2026", &["26"], &["2026"]),
                ("binary(4)", "X'DEADBEEF'", &["X'DEAD'", "DEADBEEF"], &["X'DEADBEEF'", "X'deadbeef'"]),
                ("enum('b', 'a')", "'b'", &["1", "B"], &["b"]),
            ],
        };
        for (type_name, key, others, same) in keys {
            db.execute(&format!(
                "DROP TABLE IF EXISTS users; DROP TABLE IF EXISTS organizations; \
                 CREATE TABLE organizations (id {type_name} PRIMARY KEY, name varchar(30)); \
                 CREATE TABLE users (id int PRIMARY KEY, org {type_name}, \
                     FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE); \
                 INSERT INTO organizations VALUES ({key}, 'innocent'); INSERT INTO users VALUES (1, {key})"
            ));
            let before = db.dump();
            let run = |command: &[&str], id: &str| {
                let outcome = db.orgsweep(&[command, &[&format!("--org-id={id}")]].concat());
                (outcome.code, outcome.text())
            };
            for id in *others {
                for command in [&["preview", "--force"][..], &["clean", "--yes"], &["verify"]] {
                    let (code, said) = run(command, id);
                    assert!(matches!(code, 0 | 2) && !said.contains("innocent"), "{type_name} {id}: {said}");
                }
            }
            changes(&before, &db.dump()).assert_none();
            for id in *same {
                let (code, said) = run(&["preview"], id);
                assert!(code == 0 && said.contains("innocent"), "{type_name} {id}: {said}");
                assert_eq!(run(&["verify"], id).0, 3, "{type_name} {id}");
            }
            // A key as it is shown is that key.
            let shown = db.orgsweep(&["preview", "--org-name", "innocent", "--format", "json"]).exits(0).json();
            let shown = shown["organizations"][0]["key"].as_str().unwrap_or_default().to_owned();
            let (code, said) = run(&["clean", "--yes"], &shown);
            assert!(code == 0 && db.count("users") == 0, "{type_name} {shown}: {said}");
            assert_eq!(run(&["verify"], &shown).0, 0, "{type_name} {shown}");
        }
    }

    fn a_row_is_reassigned_to_the_whole_key(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(30)); \
             CREATE TABLE users (id varchar(3) PRIMARY KEY, organization_id integer, \
                 FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE); \
             CREATE TABLE deals (id integer PRIMARY KEY, organization_id integer, created_by varchar(3), \
                 FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE, \
                 FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE RESTRICT); \
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'); \
             INSERT INTO users VALUES ('XYZ', 1), ('ABC', 2); INSERT INTO deals VALUES (200, 2, 'XYZ')",
        );
        let before = db.dump();
        let clean = |key: &str| {
            let to = format!("reassign=deals.created_by:{key}");
            db.orgsweep(&["clean", "--org-id", "1", "--force", "--foreign", &to, "--yes"])
        };
        assert_ne!(clean("ABCDEF").code, 0);
        changes(&before, &db.dump()).assert_none();
        clean("ABC").exits(0);
        assert_eq!(db.value("SELECT created_by FROM deals"), "ABC");
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

    /// A table further down, whose rows name somebody who is gone: the organization's name is long forgotten.
    fn verify_finds_what_dangles_further_down(db: TestDatabase) {
        small(&db);
        db.orgsweep(&CLEAN_APEX).exits(0);
        db.execute(db.pick(
            "PRAGMA foreign_keys = OFF",
            "ALTER TABLE deals DROP CONSTRAINT deals_created_by_fkey; \
             ALTER TABLE deals ADD FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE RESTRICT NOT VALID; \
             SET session_replication_role = replica",
            "SET foreign_key_checks = 0",
        ));
        db.orgsweep(&["verify", "--org-name", "Apex"]).exits(0).says(&["nothing is left"]);
        db.execute("INSERT INTO deals VALUES (101, 2, 99, 'late')");
        let outcome = db.orgsweep(&["verify", "--org-name", "Apex"]).exits(3);
        outcome.says(&["dangling: 1 row by deals.created_by"]).hides("nothing is left");
        let json = db.orgsweep(&["verify", "--org-id", "1", "--format", "json"]).exits(3).json();
        assert_eq!(json["rows"][0]["dangling"], true, "{json}");
    }

    /// Whose key is known is not left by rows that name another one, of whom nobody knows anything any more.
    fn verify_by_id_is_no_matter_of_rows_that_name_another_key(db: TestDatabase) {
        small(&db);
        db.execute("CREATE TABLE audit (id integer PRIMARY KEY, organization_id integer); INSERT INTO audit VALUES (1, 99), (2, 1)");
        let scoped = ["--scope-column", "organization_id"];
        let verify = [&["verify", "--org-id", "1"][..], &scoped].concat();
        db.orgsweep(&[&CLEAN_APEX[..], &scoped].concat()).exits(0);
        db.orgsweep(&verify).exits(0).says(&["dangling: 1 row by audit.organization_id", "of other keys"]);
        db.orgsweep(&[&["verify", "--org-name", "Apex"][..], &scoped].concat()).exits(3);
        db.execute("INSERT INTO audit VALUES (3, 1)");
        db.orgsweep(&verify).exits(3);
    }

    /// A row that names the key as the reference compares, and no other row.
    fn verify_by_id_compares_as_the_reference_does(db: TestDatabase) {
        let type_name = db.pick("text COLLATE NOCASE", "text", "varchar(20) COLLATE utf8mb4_general_ci");
        db.execute(&format!(
            "CREATE TABLE organizations (id {type_name} PRIMARY KEY, name varchar(30)); \
             CREATE TABLE users (id int PRIMARY KEY, org {type_name}, \
                 FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE); \
             INSERT INTO organizations VALUES ('Apex', 'A'); INSERT INTO users VALUES (1, 'Apex')"
        ));
        if db.backend != Backend::Postgres {
            db.execute("INSERT INTO users VALUES (2, 'apex')");
        }
        db.orgsweep(&["verify", "--org-id", "APEX"]).exits(0);
        db.orgsweep(&["verify", "--org-id", "Apex"]).exits(3);
        db.execute(db.pick(
            "PRAGMA foreign_keys = OFF",
            "SET session_replication_role = replica",
            "SET foreign_key_checks = 0",
        ));
        db.execute("DELETE FROM organizations");
        let all = db.pick("2 rows", "1 row", "2 rows");
        db.orgsweep(&["verify", "--org-id", "Apex"]).exits(3).says(&[&format!("still there: {all} by users.org")]);
    }
}
