//! `--keep-organization`: everything goes as if the organizations' own rows went, and these stay.

use crate::support::*;

/// Of Apex a user is its owner, two are linked by SET NULL, an invoice protects it, a circle of rows leads back to it.
const ACCOUNTS: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL, contact_id integer);
CREATE TABLE projects (id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
CREATE TABLE tasks (id integer PRIMARY KEY, project_id integer NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    after_id integer REFERENCES tasks (id) ON DELETE CASCADE);
CREATE TABLE logins (id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE SET NULL,
    project_id integer REFERENCES projects (id) ON DELETE SET NULL);
CREATE TABLE invoices (id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE RESTRICT);
CREATE TABLE marks (organization_id integer NOT NULL, word varchar(9) NOT NULL,
    FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
INSERT INTO organizations VALUES (1, 'Apex', NULL), (2, 'Global', NULL);
INSERT INTO projects VALUES (10, 1), (11, 1), (20, 2);
INSERT INTO tasks VALUES (100, 10, NULL), (101, 10, 100), (102, 11, 101), (200, 20, NULL);
INSERT INTO logins VALUES (1, 1, 10), (2, 1, NULL), (3, 2, 20);
INSERT INTO marks VALUES (1, 'a'), (1, 'a'), (2, 'b');
";

const TABLES: [&str; 6] = ["organizations", "projects", "tasks", "logins", "invoices", "marks"];
const KEEP: [&str; 5] = ["clean", "--org-name", "Apex", "--keep-organization", "--yes"];
const VERIFY: [&str; 4] = ["verify", "--org-name", "Apex", "--keep-organization"];

fn left(db: &TestDatabase) -> [i64; 6] {
    TABLES.map(|table| db.count(table))
}

fn keep(db: &TestDatabase, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&KEEP[..], flags].concat())
}

each_backend! {
    fn all_goes_but_the_organizations_and_what_stays_linked(db: TestDatabase) {
        db.execute(ACCOUNTS);
        db.orgsweep(&VERIFY).exits(3).says(&["still there: 2 rows by projects.organization_id"]);
        for flags in [
            &[][..],
            &["--reference-checks", "engine"],
            &["--no-archive", "--verify"],
            &["--batch-rows", "2"],
            &["--batch-rows", "1", "--no-archive"],
            &["--per-org"],
        ] {
            let copy = db.copy();
            keep(&copy, flags).exits(0);
            assert_eq!(left(&copy), [2, 1, 1, 3, 0, 1], "{flags:?}");
            let linked = "logins WHERE organization_id = 1 AND project_id IS NULL";
            assert_eq!(copy.count(linked), 2, "{flags:?}");
            copy.orgsweep(&VERIFY).exits(0).says(&[
                "stays: Apex (key 1)",
                "stays linked: 2 rows by logins.organization_id",
                "nothing else is left",
            ]);
            // It can be done again, as a job does before each of its runs.
            keep(&copy, flags).exits(0).hides("deleted");
        }
    }

    fn preview_and_receipt_tell_what_stays(db: TestDatabase) {
        db.execute(ACCOUNTS);
        let before = db.dump();
        let preview = ["preview", "--org-name", "Apex", "--keep-organization"];
        db.orgsweep(&preview).exits(0).says(&[
            "7 rows of 3 tables would be deleted, 1 row unlinked",
            "the selected rows of organizations stay, as --keep-organization says",
            "2 rows of logins stay linked to organizations: logins.organization_id is set null",
            "next: orgsweep clean --org-name Apex --keep-organization",
        ]);
        let html = db.orgsweep(&[&preview[..], &["--format", "html"]].concat()).exits(0);
        html.says(&["they stay linked", "--keep-organization says so"]);
        changes(&before, &db.dump()).assert_none();
        let receipt = db.directory().join("receipt.json").display().to_string();
        let json = keep(&db, &["--format", "json", "--receipt", &receipt]).exits(0).json();
        assert_eq!(json["organizations_stay"], true, "{json:#}");
        assert_eq!(json["stays_linked"][0]["rows"], 2, "{json:#}");
        let receipt: serde_json::Value = serde_json::from_slice(&std::fs::read(receipt).unwrap()).unwrap();
        assert_eq!(receipt["parts"][0]["stay"], true, "{receipt:#}");
        assert_eq!(receipt["parts"][0]["linked"]["logins.organization_id"], 2, "{receipt:#}");
        assert_eq!(receipt["parts"][0]["tables"]["organizations"], serde_json::Value::Null, "{receipt:#}");
    }

    /// Neither by a preview that only counts.
    fn what_goes_anyway_is_not_said_to_stay_linked(db: TestDatabase) {
        db.execute(ACCOUNTS);
        db.execute(
            "CREATE TABLE notes (id integer PRIMARY KEY,
                project_id integer NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
                organization_id integer REFERENCES organizations (id) ON DELETE SET NULL)",
        );
        db.execute("INSERT INTO notes VALUES (1, 10, 1), (2, 20, 1), (3, 11, NULL)");
        let told = "1 row of notes stays linked to organizations";
        db.orgsweep(&["preview", "--org-name", "Apex", "--keep-organization"]).exits(0).says(&[told]);
        keep(&db, &[]).exits(0).says(&[told]);
        assert_eq!(db.query("SELECT id FROM notes"), [[Some("2".to_owned())]]);
    }

    fn what_protects_an_organization_wants_force(db: TestDatabase) {
        db.execute(ACCOUNTS);
        db.execute("INSERT INTO invoices VALUES (1, 1), (2, 2)");
        let before = db.dump();
        keep(&db, &[]).exits(3).says(&["invoices.organization_id", "--force deletes these rows too"]);
        changes(&before, &db.dump()).assert_none();
        keep(&db, &["--force"]).exits(0);
        assert_eq!(left(&db), [2, 1, 1, 3, 1, 1]);
        db.orgsweep(&VERIFY).exits(0);
    }

    fn a_saved_plan_and_a_restore_take_it(db: TestDatabase) {
        db.execute(ACCOUNTS);
        let before = db.dump();
        let plan = db.directory().join("plan.json").display().to_string();
        let archives = db.directory().join("archives").display().to_string();
        let preview = ["preview", "--org-name", "Apex", "--keep-organization", "--save-plan", &plan];
        db.orgsweep(&preview).exits(0);
        db.orgsweep(&["plan", "show", &plan]).exits(0).says(&["the selected rows of organizations stay"]);
        db.orgsweep(&["clean", "--plan", &plan, "--yes", "--archive-dir", &archives]).exits(0);
        assert_eq!(left(&db), [2, 1, 1, 3, 0, 1]);
        db.orgsweep(&["restore", "latest", "--archive-dir", &archives]).exits(0);
        changes(&before, &db.dump()).assert_none();
        keep(&db, &["--archive-dir", &archives]).exits(0);
        db.orgsweep(&["undo", "--archive-dir", &archives, "--yes"]).exits(0);
        changes(&before, &db.dump()).assert_none();
    }

    /// What an organization names itself cannot go from under it; what may become null does.
    fn an_organization_that_stays_names_nobody_who_went(db: TestDatabase) {
        db.execute(ACCOUNTS);
        db.execute("UPDATE organizations SET contact_id = 10 WHERE id = 1");
        let policy = |action: &str| {
            let text = format!(
                "[[references]]\nfrom = \"organizations.contact_id\"\nto = \"projects\"\non-delete = \"{action}\"\n"
            );
            std::fs::write(db.directory().join("orgsweep.toml"), text).unwrap();
        };
        policy("cascade");
        let before = db.dump();
        let why = "1 row of organizations would stay and name projects that go";
        keep(&db, &["--force"]).exits(3).says(&[why, "on-delete = \"set null\""]);
        keep(&db, &["--batch-rows", "2"]).exits(3).says(&[why]);
        changes(&before, &db.dump()).assert_none();
        policy("set null");
        for flags in [&[][..], &["--batch-rows", "2"]] {
            let copy = db.copy();
            std::fs::copy(db.directory().join("orgsweep.toml"), copy.directory().join("orgsweep.toml")).unwrap();
            keep(&copy, flags).exits(0).hides("without another owner");
            assert_eq!(left(&copy), [2, 1, 1, 3, 0, 1]);
            assert_eq!(copy.count("organizations WHERE contact_id IS NULL"), 2);
        }
    }

    fn a_script_empties_it_too(db: TestDatabase) {
        db.execute(ACCOUNTS);
        let script = ["preview", "--org-name", "Apex", "--keep-organization", "--format", "sql"];
        let script = db.orgsweep(&script).exits(0).stdout;
        if db.is_sqlite() {
            db.execute(script.trim_start_matches(".bail on"));
            assert_eq!(left(&db), [2, 1, 1, 3, 0, 1]);
        }
        assert!(!script.contains("DELETE FROM \"organizations\"") && !script.contains("DELETE FROM `organizations`"), "{script}");
    }

    fn nothing_is_left_behind_unsaid_of_it_either(db: TestDatabase) {
        db.execute(ACCOUNTS);
        db.execute("CREATE TABLE visits (id integer PRIMARY KEY, organization_id integer)");
        db.execute("INSERT INTO visits VALUES (1, 1), (2, 2)");
        let before = db.dump();
        keep(&db, &[]).exits(3).says(&["1 row of visits would be left behind"]);
        keep(&db, &["--batch-rows", "2"]).exits(3).says(&["1 row of visits would be left behind"]);
        changes(&before, &db.dump()).assert_none();
        keep(&db, &["--batch-rows", "2", "--leave-behind"]).exits(0).says(&["1 row of visits is left behind"]);
        db.orgsweep(&VERIFY).exits(3).says(&["left behind: 1 row by visits.organization_id"]);
        db.orgsweep(&[&VERIFY[..], &["--leave-behind"]].concat()).exits(0);
        keep(&db, &["--scope-column", "organization_id"]).exits(0);
        db.orgsweep(&VERIFY).exits(0);
    }

    fn the_engines_own_cascades_cannot_do_it(db: TestDatabase) {
        db.execute(ACCOUNTS);
        keep(&db, &["--engine-cascade"]).exits(3).says(&["the organizations themselves stay"]);
    }

    fn limits_and_explanations_know_that_it_stays(db: TestDatabase) {
        db.execute(ACCOUNTS);
        keep(&db, &["--max-rows", "6", "--rehearse"]).exits(3);
        keep(&db, &["--max-rows", "7", "--rehearse"]).exits(0).says(&["7 rows of 3 tables went, 1 row unlinked"]);
        let explain = |table: &str, key: &str| {
            db.orgsweep(&["explain", table, key, "--org-id", "1", "--keep-organization"]).exits(0)
        };
        explain("organizations", "1").says(&["stays: it is a selected organization"]);
        explain("projects", "10").says(&["goes with Apex"]);
        explain("logins", "2").says(&["stays"]).hides("becomes null");
    }

    /// They are organizations of their own, and the one that they name stays.
    fn organizations_within_it_stay_unless_they_are_taken_along(db: TestDatabase) {
        let key = |action: &str| format!("ALTER TABLE organizations ADD COLUMN parent_id integer
            REFERENCES organizations (id) ON DELETE {action}");
        for action in ["CASCADE", "RESTRICT"] {
            let db = TestDatabase::fresh(db.backend).unwrap();
            db.execute(ACCOUNTS);
            db.execute(&key(action));
            db.execute("UPDATE organizations SET parent_id = 1 WHERE id = 2");
            for flags in [&[][..], &["--batch-rows", "1"], &["--foreign", "delete"]] {
                let copy = db.copy();
                keep(&copy, flags).exits(0).says(&["1 row of organizations stays linked to organizations"]);
                assert_eq!(left(&copy), [2, 1, 1, 3, 0, 1], "{flags:?}");
                copy.orgsweep(&VERIFY).exits(0);
            }
            keep(&db, &["--with-children"]).exits(0);
            assert_eq!(left(&db), [2, 0, 0, 3, 0, 0]);
        }
    }

    /// One column of two references: what unlinks the team would unlink the organization.
    fn what_would_lose_the_organization_that_stays_is_refused(db: TestDatabase) {
        let key = db.pick("", "", "CREATE INDEX of_team ON users (organization_id, team_id);");
        db.execute(&format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20) NOT NULL);
             CREATE TABLE teams (id integer PRIMARY KEY, organization_id integer NOT NULL, UNIQUE (organization_id, id),
                 FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE users (id integer PRIMARY KEY, organization_id integer, team_id integer,
                 FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE SET NULL,
                 FOREIGN KEY (organization_id, team_id) REFERENCES teams (organization_id, id) ON DELETE SET NULL);
             {key} INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO teams VALUES (10, 1), (20, 2); INSERT INTO users VALUES (1, 1, 10), (2, 2, 20), (3, 1, NULL)"
        ));
        let before = db.dump();
        for flags in [&[][..], &["--force"]] {
            let outcome = keep(&db, flags).exits(3);
            outcome.says(&["would empty a column of 1 row of users", "--cascade users.organization_id,team_id"]);
        }
        changes(&before, &db.dump()).assert_none();
        keep(&db, &["--cascade", "users.organization_id,team_id"]).exits(0);
        assert_eq!(db.value("SELECT count(*) FROM users WHERE organization_id = 1"), "1");
    }
}
