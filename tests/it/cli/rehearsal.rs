//! `clean --rehearse`: all of it but COMMIT.

use super::small;
use crate::support::*;
use serde_json::Value;

const REHEARSE: [&str; 5] = ["clean", "--org-name", "Apex", "--force", "--rehearse"];

/// A trigger that writes beside what goes.
fn log_users(db: &TestDatabase) {
    db.execute("CREATE TABLE gone (email varchar(100))");
    db.execute(db.pick(
        "CREATE TRIGGER log_users AFTER DELETE ON users BEGIN INSERT INTO gone VALUES (OLD.email); END",
        "CREATE FUNCTION log_gone() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO gone VALUES (OLD.email); RETURN OLD; END $$; \
         CREATE TRIGGER log_users AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION log_gone()",
        "CREATE TRIGGER log_users AFTER DELETE ON users FOR EACH ROW INSERT INTO gone VALUES (OLD.email)",
    ));
}

each_backend! {
    fn a_rehearsal_does_all_of_it_and_nothing_stays(db: TestDatabase) {
        small(&db);
        log_users(&db);
        let before = db.dump();
        let kept = db.directory().join("archives").display().to_string();
        let (receipt, metrics) = (db.directory().join("receipt"), db.directory().join("metrics"));
        let (to_receipt, to_metrics) = (receipt.display().to_string(), metrics.display().to_string());
        let recorded = ["--archive-dir", &kept, "--receipt", &to_receipt, "--metrics", &to_metrics];
        let format = ["--format", "json"];
        let json = db.orgsweep(&[&REHEARSE[..], &recorded, &format].concat()).exits(0).json();
        assert_eq!(json["outcome"], "rehearsed", "{json}");
        assert_eq!(json["totals"]["deleted"], 4, "{json}");
        let steps = json["steps"].as_array().cloned().unwrap_or_default();
        assert!(steps.iter().all(|step| step["milliseconds"].is_number()), "{json}");
        assert!(!json["rehearsal"]["locks"].as_array().is_some_and(Vec::is_empty), "{json}");
        assert!(json["next"].as_str().is_some_and(|next| !next.contains("rehearse")), "{json}");
        // The triggers have fired, as the ledger says where there is one.
        if db.backend != Backend::Mysql {
            let unproven = json["unproven"].to_string();
            assert!(unproven.contains("trigger"), "{json}");
        }
        changes(&before, &db.dump()).assert_none();
        let files = std::fs::read_dir(&kept).map(Iterator::count).unwrap_or_default();
        assert_eq!((files, receipt.exists(), metrics.exists()), (0, false, false));
        let history = ["history", "--archive-dir", &kept, "--format", "json"];
        assert!(!orgsweep(&history).exits(0).stdout.contains("Apex"));
    }

    fn a_rehearsal_says_what_is_locked_and_then_what_to_type(db: TestDatabase) {
        let before = small(&db);
        let told = db.orgsweep(&REHEARSE).exits(0);
        let next = "next: orgsweep clean --org-name Apex --force --database-url";
        let told = told.says(&["rehearsed and rolled back: 4 rows of 3 tables", "COMMIT would have met nothing", next]);
        told.says(&[db.pick("against other writers: the whole database", "ROW EXCLUSIVE: ", "row locks: ")]);
        changes(&before, &db.dump()).assert_none();
    }

    fn what_is_refused_is_not_rehearsed(db: TestDatabase) {
        let before = small(&db);
        let told = db.orgsweep(&["clean", "--org-name", "Apex", "--rehearse"]).exits(3);
        told.says(&["deals.created_by", "refused"]).hides("rehearsed");
        changes(&before, &db.dump()).assert_none();
    }
}

/// What only COMMIT would check.
#[test]
fn a_rehearsal_meets_what_commit_would_have_met() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    small(&db);
    db.execute(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'users are kept for the audit'; END $$; \
         CREATE CONSTRAINT TRIGGER keep AFTER DELETE ON users DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION keep()",
    );
    let before = db.dump();
    db.orgsweep(&REHEARSE).exits(1).says(&["users are kept for the audit"]);
    changes(&before, &db.dump()).assert_none();
}

/// Rows that a plan was saved of are rehearsed by it, and the plan is followed next.
#[test]
fn a_saved_plan_is_rehearsed() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    let before = small(&db);
    let plan = db.directory().join("plan.json").display().to_string();
    db.orgsweep(&["preview", "--org-name", "Apex", "--force", "--save-plan", &plan]).exits(0);
    let rehearsed = db.orgsweep(&["clean", "--plan", &plan, "--rehearse", "--format", "json"]);
    let json: Value = rehearsed.exits(0).json();
    assert_eq!(json["outcome"], "rehearsed", "{json}");
    assert!(json["next"].as_str().is_some_and(|next| next.contains("--plan")), "{json}");
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn only_one_transaction_is_rehearsed() {
    for other in ["--per-org", "--dry-run", "--create-missing-indexes", "--batch-rows=5"] {
        orgsweep(&["clean", "--org-name", "A", "--rehearse", other]).exits(2).says(&["--rehearse"]);
    }
}
