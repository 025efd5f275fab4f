//! `--where` and `--select`: organizations by an SQL expression that only reads.

use super::SMALL;
use crate::support::*;
use std::time::Duration;

/// [`SMALL`], with organizations that were given up: Apex, and one more.
fn given_up(db: &TestDatabase) -> Dump {
    db.execute(SMALL);
    db.execute(
        "ALTER TABLE organizations ADD COLUMN deleted integer; \
         INSERT INTO organizations VALUES (3, 'Old', NULL); \
         UPDATE organizations SET deleted = 5 WHERE id IN (1, 3)",
    );
    db.dump()
}

fn policy(db: &TestDatabase, text: &str) {
    std::fs::write(db.directory().join("orgsweep.toml"), text).expect("a policy");
}

/// The names that a preview selects.
fn selected(db: &TestDatabase, flags: &[&str]) -> Vec<String> {
    let preview = [&["preview", "--force", "--format", "json"][..], flags].concat();
    let json = db.orgsweep(&preview).exits(0).json();
    let name = |one: &serde_json::Value| one["name"].as_str().expect("a name").to_owned();
    json["organizations"].as_array().expect("organizations").iter().map(name).collect()
}

fn clean(db: &TestDatabase, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&["clean", "--force", "--yes"][..], flags].concat())
}

each_backend! {
    fn a_condition_selects_alone_and_narrows_beside_others(db: TestDatabase) {
        given_up(&db);
        assert_eq!(selected(&db, &["--where", "deleted < 10"]), ["Apex", "Old"]);
        assert_eq!(selected(&db, &["--where", "deleted < 10 -- long ago"]), ["Apex", "Old"]);
        assert_eq!(selected(&db, &["--where", "deleted < 10", "--org-like", "A*"]), ["Apex"]);
        assert_eq!(selected(&db, &["--where", "deleted < 10", "--org-name", "Global", "--org-id", "3"]), ["Old"]);
        let no_users = "NOT EXISTS (SELECT 1 FROM users u WHERE u.organization_id = c.id)";
        assert_eq!(selected(&db, &["--where", no_users]), ["Old"]);
        assert!(selected(&db, &["--where", "deleted > 10"]).is_empty());
    }

    fn it_holds_for_every_way_of_cleaning(db: TestDatabase) {
        given_up(&db);
        for way in [&[][..], &["--reference-checks", "engine"], &["--per-org"], &["--batch-rows", "1"], &["--no-archive"]] {
            let db = db.copy();
            clean(&db, &[&["--where", "deleted < 10"], way].concat()).exits(0);
            assert_eq!((db.value("SELECT name FROM organizations"), db.count("users")), ("Global".into(), 1), "{way:?}");
            db.orgsweep(&["verify", "--where", "deleted < 10"]).exits(0).says(&["nothing is left"]);
        }
        db.orgsweep(&["verify", "--where", "deleted < 10"]).exits(3).says(&["still there: Apex"]);
    }

    /// What is true of an organization before the first batch need not be true of one that is half gone.
    fn batches_go_on_with_what_they_began(db: TestDatabase) {
        given_up(&db);
        let has_deals = "EXISTS (SELECT 1 FROM deals d WHERE d.organization_id = c.id AND d.id = 100)";
        clean(&db, &["--where", has_deals, "--batch-rows", "1"]).exits(0);
        assert_eq!((db.count("organizations"), db.count("users")), (2, 1));
    }

    fn header_json_receipt_and_next_command_tell_it(db: TestDatabase) {
        given_up(&db);
        let flags = ["--where", "deleted < 10"];
        let preview = db.orgsweep(&[&["preview"][..], &flags].concat()).exits(3);
        preview.says(&["organizations in organizations.name, where deleted < 10", "--where 'deleted < 10'"]);
        let json = db.orgsweep(&[&["preview", "--format", "json"][..], &flags].concat()).exits(3).json();
        assert_eq!((&json["selection"], &json["conditions"][0]), (&"--where 'deleted < 10'".into(), &"deleted < 10".into()));
        let receipt = db.directory().join("receipt.json").display().to_string();
        clean(&db, &[&flags[..], &["--receipt", &receipt]].concat()).exits(0);
        let told = std::fs::read_to_string(&receipt).expect("a receipt");
        assert!(told.contains("--where 'deleted < 10'"), "{told}");
        clean(&db, &flags).exits(0).says(&["nothing matches --where 'deleted < 10'"]);
    }

    fn the_guard_on_their_number_holds(db: TestDatabase) {
        let before = given_up(&db);
        for series in [&[][..], &["--per-org"]] {
            let flags = [&["--where", "deleted < 10", "--max-orgs", "1"][..], series].concat();
            clean(&db, &flags).exits(3).says(&["--max-orgs is 1"]);
        }
        changes(&before, &db.dump()).assert_none();
    }

    fn a_saved_plan_carries_it(db: TestDatabase) {
        given_up(&db);
        let file = db.directory().join("plan.json").display().to_string();
        db.orgsweep(&["preview", "--where", "deleted < 10", "--force", "--save-plan", &file]).exits(0);
        let before = db.copy();
        before.execute("UPDATE organizations SET deleted = NULL WHERE id = 3");
        before.orgsweep(&["clean", "--plan", &file, "--yes"]).exits(3);
        assert_eq!(before.count("organizations"), 3);
        db.orgsweep(&["clean", "--plan", &file, "--yes"]).exits(0);
        assert_eq!(db.count("organizations"), 1);
        db.orgsweep(&["clean", "--plan", &file, "--yes", "--where", "1 = 1"]).exits(2);
    }

    /// One expression over the table, and nothing that gets round what stands beside it.
    fn anything_but_one_expression_is_refused(db: TestDatabase) {
        let before = given_up(&db);
        for condition in [
            "", " ", "nosuch = 1", "\"nosuch\" = 'nosuch'", "deleted =", "deleted < 10; DELETE FROM organizations",
            "deleted < 10);DELETE FROM organizations;--", "1 = 1) OR (1 = 1", "deleted < 10) --", "count(*) > 1",
            "deleted < 10, id = 2", "DELETE FROM organizations", "SELECT 1", "1 = 1 UNION SELECT 1", "1 = 1 ORDER BY 1",
            "1 = 1 LIMIT 1", "id = ?1", "id = ?", "id = $1", "id = :id", "EXISTS (DELETE FROM organizations RETURNING 1)", "1 = 1 /*",
        ] {
            for command in [&["clean", "--force", "--yes"][..], &["preview"], &["verify"]] {
                let outcome = db.orgsweep(&[command, &["--org-name", "Global", "--where", condition]].concat());
                assert_eq!(outcome.code, 2, "{condition:?}: {outcome}");
            }
        }
        db.orgsweep(&["clean", "--where", "nosuch = 1", "--yes"]).exits(2).says(&["--where: this condition fails", "nosuch"]);
        db.orgsweep(&["clean", "--older-than", "1d", "--yes"]).exits(2).says(&["--where SQL"]);
        changes(&before, &db.dump()).assert_none();
    }

    fn the_policy_names_selections(db: TestDatabase) {
        given_up(&db);
        policy(&db, "[selections.expired]\nwhere = \"deleted < 10\"\n[selections.new]\nwhere = \"deleted IS NULL\"\n");
        assert_eq!(selected(&db, &["--select", "expired"]), ["Apex", "Old"]);
        assert_eq!(selected(&db, &["--select", "expired", "--where", "id > 1"]), ["Old"]);
        assert_eq!(selected(&db, &["--select", "new"]), ["Global"]);
        db.orgsweep(&["policy", "check"]).exits(0).says(&["--select expired: deleted < 10"]);
        clean(&db, &["--select", "expird"]).exits(2).says(&["has no [selections.expird]", "did you mean expired?"]);
        let receipt = db.directory().join("receipt.json").display().to_string();
        clean(&db, &["--select", "expired", "--receipt", &receipt]).exits(0).says(&["where deleted < 10"]);
        assert!(std::fs::read_to_string(&receipt).expect("a receipt").contains("--select expired (where deleted < 10)"));
        assert_eq!(db.count("organizations"), 1);
        db.orgsweep(&["clean", "--select", "expired", "--no-config"]).exits(2).says(&["there is no policy here"]);
    }

    fn a_selection_that_is_none_is_told_with_file_and_line(db: TestDatabase) {
        let before = given_up(&db);
        for (condition, code) in [("nosuch = 1", 2), (" ", 2), ("count(*) > 1", 2), ("1 = 1) OR (1 = 1", 2)] {
            policy(&db, &format!("[selections.good]\nwhere = \"deleted < 10\"\n[selections.bad]\nwhere = \"{condition}\"\n"));
            clean(&db, &["--select", "bad"]).exits(code).says(&["orgsweep.toml:4"]);
            db.orgsweep(&["policy", "check"]).exits(code).says(&["orgsweep.toml:4"]);
        }
        policy(&db, "[selections.bad]\nsql = \"deleted < 10\"\n");
        clean(&db, &["--select", "bad"]).exits(2).says(&["orgsweep.toml:2"]);
        changes(&before, &db.dump()).assert_none();
    }
}

/// Whatever a function is called by, and whatever it knows of the transaction that it is called in.
#[test]
fn a_function_that_writes_fails() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    given_up(&db);
    db.execute(
        "CREATE SEQUENCE numbers; \
         CREATE FUNCTION takes(n int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN DELETE FROM notes; RETURN true; END $$; \
         CREATE FUNCTION sly(n int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
             IF current_setting('transaction_read_only') = 'off' THEN DELETE FROM notes; END IF; RETURN n = 3; END $$; \
         CREATE FUNCTION opens(n int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
             PERFORM set_config('transaction_read_only', 'off', true); DELETE FROM notes; RETURN true; END $$",
    );
    let before = db.dump();
    for condition in ["takes(id)", "opens(id)", "nextval('numbers') > 0"] {
        for series in [&[][..], &["--per-org"], &["--batch-rows", "1"]] {
            let outcome = clean(&db, &[&["--where", condition], series].concat()).exits(2);
            outcome.says(&["--where: this condition fails", "read"]);
        }
    }
    changes(&before, &db.dump()).assert_none();
    clean(&db, &["--where", "sly(id)"]).exits(0);
    assert_eq!((db.count("organizations"), db.count("notes")), (2, 2));
}

#[test]
fn a_function_that_writes_fails_on_mariadb() {
    let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
    given_up(&db);
    db.execute("CREATE FUNCTION takes(n int) RETURNS int MODIFIES SQL DATA RETURN (SELECT n)");
    db.execute("CREATE FUNCTION writes(n int) RETURNS int MODIFIES SQL DATA BEGIN DELETE FROM notes; RETURN 1; END");
    let before = db.dump();
    clean(&db, &["--where", "writes(id)"]).exits(2).says(&["this condition fails"]);
    changes(&before, &db.dump()).assert_none();
    clean(&db, &["--where", "takes(id) = 3"]).exits(0);
    assert_eq!(db.count("organizations"), 2);
}

/// Names in it are looked up as the session would: no schema has to be written.
#[test]
fn names_in_a_condition_keep_the_sessions_path() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    given_up(&db);
    db.execute(
        "CREATE SCHEMA app; CREATE FUNCTION app.is_old(n int) RETURNS boolean LANGUAGE sql AS 'SELECT n < 10'; \
         CREATE TABLE app.given_up (id int); INSERT INTO app.given_up VALUES (3)",
    );
    let url = format!("{}?options=-csearch_path%3Dapp,public", db.url());
    let condition = "is_old(deleted) AND id IN (SELECT id FROM given_up)";
    let flags = ["--where", condition, "--database-url", &url];
    orgsweep(&[&["preview"][..], &flags].concat()).exits(0).says(&["Old"]).hides("Apex");
    orgsweep(&[&["clean", "--yes", "--no-archive"][..], &flags].concat()).exits(0);
    assert_eq!(db.count("organizations"), 2);
}

/// Somebody takes it back while the run waits for the row.
#[test]
fn the_condition_is_asked_again_under_the_lock() {
    for backend in [Backend::Postgres, Backend::Mysql] {
        let Some(db) = TestDatabase::fresh(backend) else { continue };
        given_up(&db);
        db.with(|other| {
            other.run("BEGIN").expect("a transaction");
            other.run("UPDATE organizations SET deleted = NULL WHERE id = 1").expect("an update");
            let run = db.command(&["clean", "--where", "deleted < 10", "--force", "--yes"]).start();
            std::thread::sleep(Duration::from_millis(1500));
            other.run("COMMIT").expect("it ends");
            run.finish().exits(0);
        });
        assert_eq!(db.count("organizations"), 2, "{backend:?}");
        assert_eq!(db.value("SELECT name FROM organizations WHERE id = 1"), "Apex");
    }
}
