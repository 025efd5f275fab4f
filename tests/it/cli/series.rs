//! `--per-org` and `--max-orgs`: one transaction for each organization, and how the whole ends.

use crate::support::*;
use orgsweep::database::Database;
use serde_json::Value;
use std::time::Duration;

const NIGHTLY: [&str; 4] = ["clean", "--org-like", "e2e-*", "--per-org"];

/// Three organizations for tests, and one that is none. The users of `e2e-2` are protected by a deal.
fn company(db: &TestDatabase) -> Dump {
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text, created_at timestamp, \
            parent_id integer REFERENCES organizations ON DELETE CASCADE); \
         CREATE TABLE users (id integer PRIMARY KEY, \
            organization_id integer REFERENCES organizations ON DELETE CASCADE); \
         CREATE TABLE deals (id integer PRIMARY KEY, \
            organization_id integer REFERENCES organizations ON DELETE CASCADE, \
            created_by integer REFERENCES users ON DELETE RESTRICT); \
         INSERT INTO organizations VALUES (1, 'e2e-1', '2020-01-01', NULL), (2, 'e2e-2', '2020-01-01', NULL), \
            (3, 'e2e-3', '2020-01-01', NULL), (4, 'Global', '2020-01-01', NULL); \
         INSERT INTO users VALUES (1, 1), (2, 2), (3, 3), (4, 4); \
         INSERT INTO deals VALUES (2, 2, 2), (4, 4, 4)",
    );
    db.dump()
}

/// Nothing changed but that exactly these organizations are gone, with their users and deals.
#[track_caller]
fn assert_gone(before: &Dump, db: &TestDatabase, organizations: &[usize]) {
    let changed = changes(before, &db.dump());
    assert!(changed.new.is_empty(), "{changed}");
    let deals = usize::from(organizations.contains(&2));
    let deleted = ["organizations", "users", "deals"].map(|table| changed.deleted(table));
    assert_eq!(deleted, [organizations.len(), organizations.len(), deals], "{changed}");
    for id in organizations {
        assert_eq!(db.count(&format!("organizations WHERE id = {id}")), 0, "{changed}");
    }
}

/// Name, outcome and number of deleted rows of each.
fn fared(outcome: &Outcome) -> Vec<(String, String, u64)> {
    let json = outcome.json();
    let text = |value: &Value| value.as_str().unwrap_or("orphans").to_owned();
    let each = json["per_organization"].as_array().cloned().unwrap_or_default();
    each.iter()
        .map(|one| {
            (text(&one["name"]), text(&one["outcome"]), one["deleted"].as_u64().unwrap_or(99))
        })
        .collect()
}

#[track_caller]
fn assert_fared(outcome: &Outcome, expected: &[(&str, &str, u64)]) {
    let expected: Vec<(String, String, u64)> = expected
        .iter()
        .map(|(name, ended, rows)| ((*name).into(), (*ended).into(), *rows))
        .collect();
    assert_eq!(fared(outcome), expected, "{outcome}");
}

fn series(db: &TestDatabase, flags: &[&str]) -> Outcome {
    started(db, flags).finish()
}

fn started(db: &TestDatabase, flags: &[&str]) -> Running {
    db.command(&[&NIGHTLY[..], &["--yes", "--format", "json"], flags].concat()).start()
}

/// Makes deleting the user of `e2e-2` run `sqlite` or `plpgsql`.
fn on_the_second(db: &TestDatabase, sqlite: &str, plpgsql: &str) {
    match db.backend {
        Backend::Sqlite => db.execute(&format!(
            "CREATE TRIGGER fault BEFORE DELETE ON users WHEN old.id = 2 BEGIN {sqlite}; END"
        )),
        Backend::Postgres => db.execute(&format!(
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS \
             $$BEGIN IF old.id = 2 THEN {plpgsql}; END IF; RETURN old; END$$; \
             CREATE TRIGGER fault BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION fault()"
        )),
        Backend::Mysql => db.execute(&format!(
            "CREATE TRIGGER fault BEFORE DELETE ON users FOR EACH ROW \
             BEGIN IF old.id = 2 THEN {}; END IF; END",
            mysql::raising(sqlite)
        )),
    }
}

/// A session that holds the user of `e2e-2`. PostgreSQL only: SQLite locks the whole file.
fn second_is_locked(db: &TestDatabase) -> Database {
    let mut other = db.connect();
    other.run("BEGIN; SELECT 1 FROM users WHERE id = 2 FOR UPDATE").expect("the lock");
    other
}

/// A series that has cleaned `e2e-1` and waits for `e2e-2`.
fn waiting(db: &TestDatabase) -> Running {
    if db.is_sqlite() {
        db.execute("PRAGMA busy_timeout = 30000");
    }
    let running = started(db, &["--force", "--lock-timeout", "60s"]);
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while db.count("organizations WHERE id = 1") > 0 {
        assert!(std::time::Instant::now() < deadline, "e2e-1 stays");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    running
}

each_backend! {
    /// What the preview of a series says is what the series does: one after the other.
    fn what_stands_in_the_way_may_go_with_those_before(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
             CREATE TABLE users (id integer PRIMARY KEY, \
                organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE); \
             CREATE TABLE docs (id integer PRIMARY KEY, \
                organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE, \
                author_id integer NOT NULL REFERENCES users (id)); \
             INSERT INTO organizations VALUES (1, 'e2e-1'), (2, 'e2e-2'), (3, 'e2e-3'), (4, 'Global'); \
             INSERT INTO users VALUES (1, 1), (2, 2), (3, 3), (4, 4); \
             INSERT INTO docs VALUES (1, 1, 2), (2, 2, 2), (3, 4, 3)",
        );
        // A document of e2e-1 is by a user of e2e-2, and one of Global's by one of e2e-3.
        let series = ["--org-like", "e2e-*", "--per-org", "--force", "--format", "json"];
        let expected = [("e2e-1", 3), ("e2e-2", 3)];
        let fared = |ended: &'static str| {
            let gone = expected.map(|(name, rows)| (name, ended, rows));
            [gone[0], gone[1], ("e2e-3", "refused", 0)]
        };
        let preview = db.orgsweep(&[&["preview"], &series[..]].concat()).exits(3);
        assert_fared(&preview, &fared("previewed"));
        let clean = db.orgsweep(&[&["clean", "--yes"], &series[..]].concat()).exits(8);
        assert_fared(&clean, &fared("cleaned"));
        assert_eq!((db.count("organizations"), db.count("docs")), (2, 1));
    }

    fn one_that_is_refused_leaves_the_others_done(db: TestDatabase) {
        let before = company(&db);
        let outcome = series(&db, &[]).exits(8);
        assert_fared(&outcome, &[("e2e-1", "cleaned", 2), ("e2e-2", "refused", 0), ("e2e-3", "cleaned", 2)]);
        assert_gone(&before, &db, &[1, 3]);

        let again = series(&db, &[]).exits(3);
        assert_fared(&again, &[("e2e-2", "refused", 0)]);
        let forced = series(&db, &["--force"]).exits(0);
        assert_fared(&forced, &[("e2e-2", "cleaned", 3)]);
        assert_gone(&before, &db, &[1, 2, 3]);
        assert_fared(&series(&db, &["--force"]).exits(0), &[]);
        series(&db, &["--require-match"]).exits(3);
        db.orgsweep(&[&NIGHTLY[..], &["--yes"]].concat()).exits(0).says(&["nothing to clean up: nothing matches --org-like 'e2e-*'"]);
    }

    fn one_that_fails_leaves_the_others_done(db: TestDatabase) {
        let before = company(&db);
        on_the_second(&db, "SELECT RAISE(ABORT, 'kept')", "RAISE 'kept'");
        let outcome = series(&db, &["--force"]).exits(8);
        assert_fared(&outcome, &[("e2e-1", "cleaned", 2), ("e2e-2", "failed", 0), ("e2e-3", "cleaned", 2)]);
        assert_eq!(outcome.json()["per_organization"][1]["exit"], 1, "{outcome}");
        outcome.says(&["kept"]);
        assert_gone(&before, &db, &[1, 3]);
        series(&db, &["--force"]).exits(1);
    }

    /// Where none was done the code tells of the worst.
    fn a_failure_is_worse_than_a_refusal(db: TestDatabase) {
        let before = company(&db);
        db.execute("DELETE FROM organizations WHERE id = 1; DELETE FROM users WHERE id = 1; INSERT INTO deals VALUES (3, 3, 3)");
        let before = if before.is_empty() { before } else { db.dump() };
        on_the_second(&db, "SELECT RAISE(ABORT, 'kept')", "RAISE 'kept'");
        let outcome = series(&db, &["--force=deals.created_by", "--max-rows", "2"]).exits(3);
        assert_fared(&outcome, &[("e2e-2", "refused", 0), ("e2e-3", "refused", 0)]);
        db.execute("DELETE FROM deals WHERE id = 2");
        let outcome = series(&db, &[]).exits(1);
        assert_fared(&outcome, &[("e2e-2", "failed", 0), ("e2e-3", "refused", 0)]);
        assert_eq!(changes(&before, &db.dump()).deleted("deals"), 1);
        assert_eq!(db.count("organizations"), 3);
    }

    fn one_that_is_busy_leaves_the_others_done(db: TestDatabase) {
        let before = company(&db);
        let flags = ["--force", "--lock-timeout", "300ms"];
        if db.is_sqlite() {
            let mut other = db.connect();
            other.run("BEGIN IMMEDIATE").expect("the lock");
            let outcome = series(&db, &flags).exits(5);
            assert_fared(&outcome, &[("e2e-1", "failed", 0), ("e2e-2", "failed", 0), ("e2e-3", "failed", 0)]);
            return changes(&before, &db.dump()).assert_none();
        }
        let mut other = second_is_locked(&db);
        let outcome = series(&db, &flags).exits(8);
        assert_fared(&outcome, &[("e2e-1", "cleaned", 2), ("e2e-2", "failed", 0), ("e2e-3", "cleaned", 2)]);
        series(&db, &flags).exits(5);
        assert_gone(&before, &db, &[1, 3]);
        other.run("ROLLBACK").expect("the lock is released");
        series(&db, &flags).exits(0);
    }

    fn each_is_previewed_as_it_will_be_cleaned(db: TestDatabase) {
        let before = company(&db);
        let preview = ["preview", "--org-like", "e2e-*", "--per-org", "--format", "json"];
        let outcome = db.orgsweep(&preview).exits(3);
        assert_fared(&outcome, &[("e2e-1", "previewed", 2), ("e2e-2", "refused", 0), ("e2e-3", "previewed", 2)]);
        let table = db.orgsweep(&preview[..4]).exits(3);
        table.says(&["e2e-1", "would go", "2 would go, 1 refused; 4 rows would be deleted",
            "in full: orgsweep preview --org-id 2", "next: orgsweep clean --org-like 'e2e-*' --per-org"]);
        let dry = db.orgsweep(&[&NIGHTLY[..], &["--dry-run", "--force", "--format", "json"]].concat()).exits(0);
        assert_fared(&dry, &[("e2e-1", "previewed", 2), ("e2e-2", "previewed", 3), ("e2e-3", "previewed", 2)]);
        db.orgsweep(&[&preview[..4], &["--format", "sql"]].concat()).exits(2).says(&["hint"]);
        changes(&before, &db.dump()).assert_none();
    }

    /// What two selected organizations share would go with both at once; each for itself shares it with
    /// another.
    fn each_is_for_itself_where_they_share_rows(db: TestDatabase) {
        company(&db);
        db.execute("INSERT INTO deals VALUES (9, 1, 3)");
        db.orgsweep(&["clean", "--org-like", "e2e-*", "--force", "--dry-run"]).exits(0);
        let outcome = series(&db, &["--force"]).exits(0);
        assert_fared(&outcome, &[("e2e-1", "cleaned", 3), ("e2e-2", "cleaned", 3), ("e2e-3", "cleaned", 2)]);
        assert_eq!(db.count("users"), 1);
    }

    fn a_sub_organization_that_went_along_is_nothing_left(db: TestDatabase) {
        let before = company(&db);
        db.execute("UPDATE organizations SET parent_id = 1 WHERE id = 3");
        let outcome = series(&db, &[]).exits(8);
        assert_fared(&outcome, &[("e2e-1", "refused", 0), ("e2e-2", "refused", 0), ("e2e-3", "cleaned", 2)]);
        db.execute("INSERT INTO organizations VALUES (3, 'e2e-3', '2020-01-01', 1); INSERT INTO users VALUES (3, 3)");
        let outcome = series(&db, &["--with-children", "--force"]).exits(0);
        assert_fared(&outcome, &[("e2e-1", "cleaned", 4), ("e2e-2", "cleaned", 3), ("e2e-3", "nothing", 0)]);
        assert_gone(&before, &db, &[1, 2, 3]);
    }

    fn duplicates_of_a_name_are_cleaned_each_for_itself(db: TestDatabase) {
        let before = company(&db);
        db.execute("UPDATE organizations SET name = 'e2e-1' WHERE id = 3");
        let clean = ["clean", "--org-name", "e2e-1", "--per-org", "--yes", "--format", "json"];
        let outcome = db.orgsweep(&clean).exits(0);
        assert_fared(&outcome, &[("e2e-1", "cleaned", 2), ("e2e-1", "cleaned", 2)]);
        assert_gone(&before, &db, &[1, 3]);
    }

    fn orphans_go_for_themselves(db: TestDatabase) {
        company(&db);
        db.execute("INSERT INTO users VALUES (9, NULL), (10, NULL)");
        let policy = "[[orphans]]\ntable = \"users\"\nwhere = \"organization_id IS NULL AND id = 9\"\n";
        std::fs::write(db.directory().join("orgsweep.toml"), policy).expect("a policy");
        let none = ["clean", "--org-name", "Nobody", "--per-org", "--yes", "--require-match", "--format", "json"];
        let unmatched = db.orgsweep(&none).exits(3);
        assert_fared(&unmatched, &[]);
        assert_eq!(db.count("users"), 6);
        let outcome = series(&db, &["--force"]).exits(0);
        let last = fared(&outcome).pop();
        assert_eq!(last, Some(("orphans".into(), "cleaned".into(), 1)), "{outcome}");
        assert_eq!(db.count("users"), 2);
        assert_fared(&series(&db, &["--force"]).exits(0), &[]);
    }

    fn more_organizations_than_expected_are_refused(db: TestDatabase) {
        let before = company(&db);
        let too_many = "--max-orgs is 2, and 3 organizations are selected";
        for flags in [&["--per-org"][..], &[]] {
            for command in ["clean", "preview"] {
                let yes: &[&str] = if command == "clean" { &["--yes"] } else { &[] };
                let run = [&[command, "--org-like", "e2e-*", "--force", "--max-orgs", "2"], yes, flags].concat();
                db.orgsweep(&run).exits(3).says(&[too_many, "e2e-1 (key 1"]);
                let json = db.orgsweep(&[&run[..], &["--format", "json"]].concat()).exits(3);
                assert_eq!(json.json()["exit"], 3, "{json}");
            }
        }
        changes(&before, &db.dump()).assert_none();
        series(&db, &["--force", "--max-orgs", "3"]).exits(0);
        assert_gone(&before, &db, &[1, 2, 3]);
    }

    fn nobody_to_confirm_it_exits_4_and_shows_each(db: TestDatabase) {
        let before = company(&db);
        db.orgsweep(&NIGHTLY).exits(4).says(&["2 would go, 1 refused", "--yes"]);
        let json = db.orgsweep(&[&NIGHTLY[..], &["--format", "json"]].concat()).exits(4);
        assert_eq!(json.json()["exit"], 4, "{json}");
        changes(&before, &db.dump()).assert_none();
    }

    fn the_organizations_are_named_before_the_first_goes(db: TestDatabase) {
        company(&db);
        let outcome = db.orgsweep(&[&NIGHTLY[..], &["--yes"]].concat()).exits(8);
        assert!(outcome.stderr.contains("3 organizations:\n  e2e-1 (key 1, "), "{outcome}");
        assert!(outcome.stdout.contains("partly done: 2 cleaned, 1 refused; 4 rows deleted in "), "{outcome}");
    }

    fn each_has_its_report_in_json(db: TestDatabase) {
        company(&db);
        let json = series(&db, &[]).exits(8).json();
        assert_eq!((&json["format"], &json["outcome"], &json["exit"]), (&1.into(), &"partly".into(), &8.into()));
        let totals = serde_json::json!({
            "selected": 3, "cleaned": 2, "refused": 1, "failed": 0, "not_tried": 0, "deleted": 4, "unlinked": 0,
        });
        assert_eq!(json["totals"], totals);
        let (first, second) = (&json["per_organization"][0], &json["per_organization"][1]);
        assert_eq!((&first["key"], &first["exit"]), (&"1".into(), &0.into()), "{first}");
        assert!(first["age_seconds"].as_i64().is_some_and(|age| age > 0), "{first}");
        assert_eq!(first["report"]["totals"]["deleted"], 2, "{first}");
        assert_eq!(first["report"]["organizations"][0]["name"], "e2e-1", "{first}");
        assert_eq!((&second["exit"], &second["report"]["refusals"][0]["kind"]), (&3.into(), &"protected".into()));
        assert!(second["hint"].as_str().is_some_and(|hint| hint.contains("--force")), "{second}");
        let alone = db.orgsweep(&["preview", "--org-id", "2", "--format", "json"]).exits(3).json();
        let keys = |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>());
        let mut own = keys(&alone);
        own.iter_mut().for_each(|keys| keys.retain(|key| key != "next"));
        assert_eq!(keys(&second["report"]), own);
    }

    fn keys_of_other_types_tell_organizations_apart(db: TestDatabase) {
        let key = db.either("X'c0ffee00'", "'c0ffee00-0000-4000-8000-000000000001'");
        let other = db.either("X'c0ffee01'", "'c0ffee00-0000-4000-8000-000000000002'");
        db.execute(&format!(
            "CREATE TABLE organizations (id {0} PRIMARY KEY, name text); \
             CREATE TABLE users (id integer PRIMARY KEY, organization_id {0} REFERENCES organizations ON DELETE CASCADE); \
             INSERT INTO organizations VALUES ({key}, 'e2e-1'), ({other}, 'e2e-2'); \
             INSERT INTO users VALUES (1, {key}), (2, {other})",
            db.either("blob", "uuid"),
        ));
        let outcome = series(&db, &[]).exits(0);
        assert_fared(&outcome, &[("e2e-1", "cleaned", 2), ("e2e-2", "cleaned", 2)]);
        assert_eq!((db.count("organizations"), db.count("users")), (0, 0));
    }

    fn missing_indexes_are_created_for_a_series_too(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("InnoDB indexes every foreign key");
        }
        let before = company(&db);
        let flags = ["--force", "--reference-checks", "engine", "--create-missing-indexes"];
        series(&db, &flags).exits(0).says(&["created for good"]);
        assert_gone(&before, &db, &[1, 2, 3]);
    }

    fn without_a_key_it_is_usage(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (region integer, no integer, name text); \
             INSERT INTO organizations VALUES (1, 1, 'e2e-1')",
        );
        series(&db, &[]).exits(2).says(&["no key", "--key-column"]);
        assert_eq!(db.count("organizations"), 1);
    }

    fn a_signal_ends_the_series_and_leaves_what_is_done(db: TestDatabase) {
        let before = company(&db);
        let mut other = (!db.is_sqlite()).then(|| second_is_locked(&db));
        if db.is_sqlite() {
            // Long enough for the signal to come in time.
            db.execute("CREATE VIEW slow AS WITH RECURSIVE n (i) AS \
                (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000000) SELECT count(*) AS i FROM n");
            on_the_second(&db, "SELECT i FROM slow", "");
        }
        let running = waiting(&db);
        running.signal("TERM");
        let outcome = running.finish().exits(8);
        // On a slow machine SQLite's statement outlasts the patience.
        if !outcome.stdout.contains("already committed: e2e-1") {
            assert_fared(&outcome, &[("e2e-1", "cleaned", 2), ("e2e-2", "failed", 0), ("e2e-3", "not_tried", 0)]);
            assert_eq!(outcome.json()["per_organization"][1]["exit"], 143, "{outcome}");
        }
        assert_gone(&before, &db, &[1]);
        if let Some(other) = &mut other {
            other.run("ROLLBACK").expect("the lock is released");
        }
    }
}

/// `--yes` is not to be asked for again: there is nothing to confirm.
#[test]
fn a_database_that_takes_no_writes_refuses_each() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = company(&db);
    db.execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", db.name()));
    db.close();
    for command in [&["preview"][..], &["clean", "--yes"], &["clean"]] {
        let run = [command, &NIGHTLY[1..], &["--force", "--format", "json"]].concat();
        let outcome = db.orgsweep(&run).exits(3);
        assert_fared(
            &outcome,
            &[("e2e-1", "refused", 0), ("e2e-2", "refused", 0), ("e2e-3", "refused", 0)],
        );
        outcome.says(&["default_transaction_read_only"]);
    }
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn a_file_that_takes_no_writes_refuses_each() {
    use std::os::unix::fs::PermissionsExt;
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    let before = company(&db);
    db.close();
    let mode = |path: &std::path::Path, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("another mode");
    };
    mode(db.directory(), 0o777);
    mode(&db.path(), 0o444);
    let run = [&NIGHTLY[..], &["--yes"]].concat();
    db.command(&run).unprivileged().run().exits(3).says(&["3 refused; nothing was changed"]);
    changes(&before, &db.dump()).assert_none();
}

/// A second signal ends the process at once: there is no report, but it says what is committed.
#[test]
fn killed_hard_it_says_what_is_committed() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    let before = company(&db);
    db.execute(
        "CREATE VIEW slow AS WITH RECURSIVE n (i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 900000000) SELECT count(*) AS i FROM n",
    );
    on_the_second(&db, "SELECT i FROM slow", "");
    let running = waiting(&db);
    running.signal("INT");
    std::thread::sleep(Duration::from_millis(200));
    running.signal("INT");
    running.finish().exits(8).says(&["already committed: e2e-1 (key 1)"]);
    assert_gone(&before, &db, &[1]);
}

#[test]
fn interrupted_before_the_first_is_done_it_ends_as_the_signal_says() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = company(&db);
    let mut other = db.connect();
    other.run("BEGIN; SELECT 1 FROM users WHERE id = 1 FOR UPDATE").expect("the lock");
    let running = started(&db, &["--force", "--lock-timeout", "60s"]);
    std::thread::sleep(Duration::from_millis(700));
    running.signal("INT");
    let outcome = running.finish().exits(130);
    assert_fared(
        &outcome,
        &[("e2e-1", "failed", 0), ("e2e-2", "not_tried", 0), ("e2e-3", "not_tried", 0)],
    );
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn a_lost_connection_ends_the_series() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = company(&db);
    let _other = second_is_locked(&db);
    let running = waiting(&db);
    let killed = db.value(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    assert_eq!(killed, "1", "the clean waits for the lock");
    let outcome = running.finish().exits(8);
    assert_fared(
        &outcome,
        &[("e2e-1", "cleaned", 2), ("e2e-2", "failed", 0), ("e2e-3", "not_tried", 0)],
    );
    outcome.says(&["the connection was lost"]);
    assert_gone(&before, &db, &[1]);
}

/// A trigger of `e2e-1` makes a new reference: the others are planned again, with it.
#[test]
fn a_schema_that_changes_between_two_organizations_is_planned_for_again() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = company(&db);
    db.execute(
        "CREATE FUNCTION grow() RETURNS trigger LANGUAGE plpgsql AS \
         $$BEGIN CREATE TABLE IF NOT EXISTS late (deal_id integer REFERENCES deals ON DELETE CASCADE); \
         INSERT INTO late SELECT 2 WHERE old.id = 1; RETURN old; END$$; \
         CREATE TRIGGER grow BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION grow()",
    );
    let outcome = series(&db, &["--force"]).exits(0);
    assert_fared(
        &outcome,
        &[("e2e-1", "cleaned", 2), ("e2e-2", "cleaned", 4), ("e2e-3", "cleaned", 2)],
    );
    assert!(outcome.stderr.contains("planning again"), "{outcome}");
    db.execute("DROP TABLE late");
    assert_gone(&before, &db, &[1, 2, 3]);
}
