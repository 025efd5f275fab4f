//! What a database may hold against a deletion: locks, privileges, read-only modes, row-level
//! security. Each ends with its exit code and an explanation, and nothing is lost.

use super::{CLEAN_APEX, assert_apex_is_gone, small};
use crate::support::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const PREVIEW: [&str; 4] = ["preview", "--org-name", "Apex", "--force"];
const JSON: [&str; 2] = ["--format", "json"];

/// Runs preview and clean as another user of the database; both must refuse, with this kind and words.
#[track_caller]
fn both_refuse(url: &str, kind: &str, words: &[&str]) {
    for command in [&PREVIEW[..], &CLEAN_APEX] {
        let arguments = [&["--database-url", url], command].concat();
        orgsweep(&arguments).exits(3).says(words);
        let outcome = orgsweep(&[&arguments[..], &JSON].concat()).exits(3);
        assert!(!outcome.refusals(kind).is_empty(), "no refusal of kind {kind}\n{outcome}");
    }
}

each_backend! {
    fn a_lock_that_is_not_granted_in_time_exits_5(db: TestDatabase) {
        let before = small(&db);
        let mut other = db.connect();
        other.run(db.either("BEGIN IMMEDIATE", "BEGIN; SELECT 1 FROM organizations WHERE id = 1 FOR UPDATE")).unwrap();
        let started = Instant::now();
        let impatient = [&CLEAN_APEX[..], &["--lock-timeout", "200ms"]].concat();
        db.orgsweep(&impatient).exits(5).says(&["lock"]);
        let outcome = db.orgsweep(&[&impatient[..], &JSON].concat()).exits(5);
        assert_eq!(outcome.json()["exit"], 5, "{outcome}");
        assert!(started.elapsed() < Duration::from_secs(20), "it waited {:?}", started.elapsed());
        // A reader is in nobody's way.
        db.orgsweep(&PREVIEW).exits(0);
        other.run("ROLLBACK").unwrap();
        changes(&before, &db.dump()).assert_none();
        db.orgsweep(&impatient).exits(0);
    }

    fn a_lock_that_is_granted_in_time_is_waited_for(db: TestDatabase) {
        let before = small(&db);
        let mut other = db.connect();
        other.run(db.either("BEGIN IMMEDIATE", "BEGIN; SELECT 1 FROM users WHERE id = 10 FOR UPDATE")).unwrap();
        let clean = db.command(&[&CLEAN_APEX[..], &["--lock-timeout", "30s"]].concat()).start();
        std::thread::sleep(Duration::from_millis(500));
        other.run("ROLLBACK").unwrap();
        clean.finish().exits(0);
        assert_apex_is_gone(&before, &db);
    }
}

#[test]
fn a_read_only_database_is_refused() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = small(&db);
    db.execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", db.name()));
    db.close();
    for command in [&CLEAN_APEX[..], &PREVIEW] {
        db.orgsweep(command).exits(3).says(&["default_transaction_read_only"]);
        let json = db.orgsweep(&[command, &JSON].concat()).exits(3);
        assert_eq!(json.json()["exit"], 3, "{json}");
    }
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn a_read_only_sqlite_file_is_refused() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    let before = small(&db);
    db.close();
    let directory = db.path().parent().expect("a directory").to_owned();
    // The file: SQLite opens it read-only by itself.
    fs::set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(db.path(), Permissions::from_mode(0o444)).unwrap();
    for command in [&CLEAN_APEX[..], &PREVIEW] {
        db.command(command).unprivileged().run().exits(3).says(&["read-only"]);
    }
    // The directory: the journal cannot be written.
    fs::set_permissions(db.path(), Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(&directory, Permissions::from_mode(0o555)).unwrap();
    let outcome = db.command(&CLEAN_APEX).unprivileged().run();
    assert!(matches!(outcome.code, 1 | 3), "{outcome}");
    fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn a_missing_privilege_is_refused_with_the_grant_that_gives_it() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = small(&db);
    let role = db.role();
    let grant = |what: &str| db.execute(&format!("GRANT {what} TO {}", role.name));
    grant("SELECT ON ALL TABLES IN SCHEMA public");
    both_refuse(&role.url, "privilege", &["users", "GRANT"]);
    grant("DELETE ON organizations, users");
    grant("UPDATE ON notes, organizations, users");
    both_refuse(&role.url, "privilege", &["deals", "GRANT DELETE"]);
    changes(&before, &db.dump()).assert_none();

    grant("DELETE, UPDATE ON deals");
    orgsweep(&[&["--database-url", &role.url], &CLEAN_APEX[..]].concat()).exits(0);
    assert_apex_is_gone(&before, &db);
}

/// The rows to unlink need UPDATE, the rows to find SELECT.
#[test]
fn privileges_on_unlinked_and_unreadable_tables_count_too() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = small(&db);
    let role = db.role();
    let grant = |what: &str| db.execute(&format!("GRANT {what} TO {}", role.name));
    grant("SELECT, DELETE, UPDATE ON organizations, users, deals");
    both_refuse(&role.url, "privilege", &["notes", "GRANT SELECT"]);
    grant("SELECT ON notes");
    both_refuse(&role.url, "privilege", &["notes", "GRANT UPDATE"]);
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn row_level_security_that_hides_rows_is_refused() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = small(&db);
    let role = db.role();
    db.execute(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}", role.name));
    db.execute("ALTER TABLE deals ENABLE ROW LEVEL SECURITY");
    both_refuse(&role.url, "row_security", &["deals"]);
    db.execute("CREATE POLICY visible_ones ON deals USING (title LIKE 'visible%')");
    both_refuse(&role.url, "row_security", &["deals"]);
    // Forced on its owner.
    db.execute(&format!(
        "ALTER TABLE deals OWNER TO {}; ALTER TABLE deals FORCE ROW LEVEL SECURITY",
        role.name
    ));
    both_refuse(&role.url, "row_security", &["deals"]);
    changes(&before, &db.dump()).assert_none();
    // A superuser sees every row.
    db.orgsweep(&CLEAN_APEX).exits(0);
    assert_apex_is_gone(&before, &db);
}

#[test]
fn an_unlink_that_the_engine_could_not_write_is_refused_by_the_preview() {
    let unlinked = |table: &str| {
        format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
             CREATE TABLE users (id integer PRIMARY KEY, organization_id integer REFERENCES organizations ON DELETE CASCADE); \
             {table}; INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'); \
             INSERT INTO users VALUES (1, 1), (2, 2); INSERT INTO jobs (id, assignee) VALUES (1, 1), (2, 2)"
        )
    };
    let reference = "assignee integer REFERENCES users ON DELETE SET NULL";
    for (kind, table) in [
        (
            "partition",
            format!(
                "CREATE TABLE jobs (id integer, {reference}) PARTITION BY LIST (assignee); \
                 CREATE TABLE jobs_1 PARTITION OF jobs FOR VALUES IN (1, 2)"
            ),
        ),
        (
            "partition",
            format!(
                "CREATE TABLE jobs (id integer, {reference}) PARTITION BY RANGE (id); \
                 CREATE TABLE jobs_1 PARTITION OF jobs FOR VALUES FROM (0) TO (9) PARTITION BY RANGE (assignee); \
                 CREATE TABLE jobs_1_1 PARTITION OF jobs_1 FOR VALUES FROM (0) TO (9)"
            ),
        ),
        (
            "check",
            format!(
                "CREATE TABLE jobs (id integer, {reference}, \
                 busy boolean GENERATED ALWAYS AS (assignee IS NOT NULL) STORED CHECK (busy))"
            ),
        ),
        (
            "not_null",
            format!(
                "CREATE TABLE jobs (id integer, {reference}, \
                 twice integer NOT NULL GENERATED ALWAYS AS (assignee * 2) STORED)"
            ),
        ),
    ] {
        let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
        db.execute(&unlinked(&table));
        let before = db.dump();
        both_refuse(db.url(), kind, &["jobs"]);
        changes(&before, &db.dump()).assert_none();
    }
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(&unlinked(&format!(
        "CREATE TABLE jobs (id integer, {reference}) PARTITION BY LIST (assignee); \
         CREATE TABLE jobs_1 PARTITION OF jobs FOR VALUES IN (1, 2); \
         CREATE TABLE jobs_null PARTITION OF jobs FOR VALUES IN (NULL)"
    )));
    db.orgsweep(&CLEAN_APEX).exits(0);
    assert_eq!(db.value("SELECT count(*) FROM jobs WHERE assignee IS NULL"), "1");
}
