//! `preview --save-plan` and `clean --plan`: exactly what was seen, or nothing.

use crate::cli::SMALL;
use crate::support::*;
use std::path::PathBuf;

/// Saves the plan for Apex, forced.
fn saved(db: &TestDatabase) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("apex.json");
    let path = file.display().to_string();
    let preview = ["preview", "--org-name", "Apex", "--force", "--save-plan", &path];
    db.orgsweep(&preview).exits(0).says(&["clean --plan"]);
    (directory, file)
}

fn clean(db: &TestDatabase, file: &std::path::Path) -> Outcome {
    db.orgsweep(&["clean", "--plan", &file.display().to_string(), "--yes"])
}

/// A change between the two makes the plan stale, and says what moved.
#[track_caller]
fn stale(change: &str, told: &str, backend: Backend) {
    let Some(db) = TestDatabase::fresh(backend) else { return };
    db.execute(SMALL);
    let (_directory, file) = saved(&db);
    db.execute(change);
    let before = db.fingerprint();
    clean(&db, &file).exits(3).says(&[told]);
    assert_eq!(db.fingerprint(), before, "{change}");
}

each_backend! {
    fn a_saved_plan_deletes_what_was_previewed(db: TestDatabase) {
        db.execute(SMALL);
        let (_directory, file) = saved(&db);
        let (all, most) = ("proven and committed", "committed; proven, except that nothing else went");
        clean(&db, &file).exits(0).says(&[db.pick(all, all, most)]);
        assert_eq!((db.count("organizations"), db.count("users"), db.count("deals")), (1, 1, 1));
        clean(&db, &file).exits(3).says(&["-2 users"]);
    }

    /// Which plan was approved, its receipt tells, however it ended.
    fn the_receipt_names_the_plan_that_was_carried_out(db: TestDatabase) {
        use sha2::{Digest, Sha256};
        db.execute(SMALL);
        let (directory, file) = saved(&db);
        let text = std::fs::read(&file).expect("the plan");
        let flags = serde_json::from_slice::<serde_json::Value>(&text).expect("JSON")["flags"].clone();
        let sha256: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        let (path, kept) = (file.display().to_string(), directory.path().join("kept").display().to_string());
        for exit in [0, 3] {
            db.orgsweep(&["clean", "--plan", &path, "--yes", "--archive-dir", &kept]).exits(exit);
            let history = ["history", "--archive-dir", &kept];
            let runs = orgsweep(&[&history[..], &["--last", "1", "--format", "json"]].concat()).json();
            let plan = &runs["runs"][0]["plan"];
            assert_eq!((&plan["sha256"], &plan["flags"]), (&sha256.as_str().into(), &flags));
        }
        orgsweep(&["history", "show", "latest", "--archive-dir", &kept]).exits(0).says(&["plan: sha256", &sha256, "--force"]);
    }

    /// The key may be another organization's by now.
    fn a_plan_is_of_organizations_that_are_called_so(db: TestDatabase) {
        db.execute(SMALL);
        let (_directory, file) = saved(&db);
        db.execute("UPDATE organizations SET name = 'Precious' WHERE id = 1");
        clean(&db, &file).exits(3).says(&["called Precious (key 1) now"]);
        assert_eq!(db.count("organizations"), 2);
    }

    /// It is bound to what it is of, and a series is of nothing that it names.
    fn a_plan_that_somebody_made_a_series_is_none(db: TestDatabase) {
        db.execute(SMALL);
        let (_directory, file) = saved(&db);
        let text = std::fs::read_to_string(&file).expect("the plan");
        let series = text.replace(r#""flags": ["#, r#""flags": ["--per-org", "--org-id=2","#);
        assert_ne!(series, text);
        std::fs::write(&file, series).expect("the plan");
        clean(&db, &file).exits(2).says(&["series"]);
        assert_eq!(db.count("organizations"), 2);
    }

    /// The same command would end the same way for ever.
    fn a_plan_that_is_stale_names_the_preview_that_saves_a_new_one(db: TestDatabase) {
        db.execute(SMALL);
        let (_directory, file) = saved(&db);
        let new = format!("--save-plan {}", file.display());
        let anew = ["save a new plan: orgsweep preview --org-id=1 --force ", &new];
        db.execute("INSERT INTO users VALUES (12, 1, 'new@apex.test')");
        clean(&db, &file).exits(3).says(&anew).hides("run the same command again");
        db.execute("CREATE TABLE audit (id integer PRIMARY KEY)");
        clean(&db, &file).exits(3).says(&anew);
    }

    fn rows_that_moved_make_it_stale_and_are_told(db: TestDatabase) {
        let backend = db.backend;
        stale("INSERT INTO users VALUES (12, 1, 'new@apex.test')", "+1 users", backend);
        stale("DELETE FROM deals WHERE id = 100", "-1 deals", backend);
        // As many as before, but others.
        stale("UPDATE users SET id = 13 WHERE id = 11", "other rows of users", backend);
        stale("INSERT INTO notes VALUES (2001, 100, 'new')", "notes.deal_id to unlink", backend);
        stale("CREATE TABLE audit (id integer PRIMARY KEY)", "the schema changed", backend);
    }

    /// What `--force` says off a terminal, the plan that was saved with it does not.
    fn a_saved_plan_is_no_consent(db: TestDatabase) {
        db.execute(SMALL);
        let (_directory, file) = saved(&db);
        let before = db.dump();
        let plan = ["clean", "--plan", &file.display().to_string()];
        db.orgsweep(&plan).exits(4).says(&["nobody is there to confirm", "--yes"]);
        changes(&before, &db.dump()).assert_none();
    }

    /// And a row that both unlink is one row.
    fn references_over_the_same_columns_are_told_apart(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE users (id integer PRIMARY KEY, organization_id integer NOT NULL,
                 FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE people (id integer PRIMARY KEY, organization_id integer NOT NULL,
                 FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE notes (id integer PRIMARY KEY, who integer,
                 FOREIGN KEY (who) REFERENCES users (id) ON DELETE SET NULL,
                 FOREIGN KEY (who) REFERENCES people (id) ON DELETE SET NULL);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users VALUES (1, 1), (2, 2), (3, 1);
             INSERT INTO people VALUES (1, 1), (2, 2), (3, 1), (4, 1);
             INSERT INTO notes VALUES (1, 1), (2, 2), (3, 3)",
        );
        let (_directory, file) = saved(&db);
        let preview = db.orgsweep(&["preview", "--org-name", "Apex", "--format", "json"]).exits(0);
        assert_eq!(preview.json()["totals"]["unlinked"], 2, "{preview}");
        clean(&db, &file).exits(0).says(&["2 rows unlinked"]);
        assert_eq!(db.count("notes WHERE who IS NULL"), 2);
    }

    fn another_database_or_policy_refuses_it(db: TestDatabase) {
        db.execute(SMALL);
        let (directory, file) = saved(&db);
        let other = db.copy();
        clean(&other, &file).exits(3).says(&["the database changed"]);
        let policy = directory.path().join("orgsweep.toml");
        std::fs::write(&policy, "[guards]\nmax-rows = 1000\n").unwrap();
        let (plan, policy) = (file.display().to_string(), policy.display().to_string());
        let clean = ["clean", "--plan", &plan, "--yes", "--config", &policy];
        db.orgsweep(&clean).exits(3).says(&["the policy changed"]);
        assert_eq!(db.count("organizations"), 2);
    }

    fn a_refused_preview_saves_nothing_and_selections_do_not_mix(db: TestDatabase) {
        db.execute(SMALL);
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("plan.json").display().to_string();
        // What is to be approved is not deleted by the next command.
        let next = format!("next: orgsweep preview --org-name Apex --force --save-plan {path}");
        db.orgsweep(&["preview", "--org-name", "Apex", "--save-plan", &path])
            .exits(3)
            .says(&["was not saved", &next]);
        assert!(!std::path::Path::new(&path).exists());
        db.orgsweep(&["clean", "--plan", &path, "--yes"]).exits(2).says(&["preview --save-plan"]);
        db.orgsweep(&["clean", "--plan", &path, "--org-id", "1"]).exits(2);
        std::fs::write(&path, "{}").unwrap();
        db.orgsweep(&["clean", "--plan", &path, "--yes"]).exits(2).says(&["no plan of orgsweep"]);
    }
}
