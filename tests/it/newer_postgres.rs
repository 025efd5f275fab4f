//! What PostgreSQL knows since 18, on databases of that version or later.

use crate::support::{Backend, Outcome, TestDatabase, postgres_version, skip};

/// Rooms that change hands, and stays that name them by their days.
const ROOMS: &str = "
    CREATE EXTENSION btree_gist;
    CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL);
    INSERT INTO organizations VALUES (1, 'A'), (2, 'B');
    CREATE TABLE rooms (id int, days daterange, organization_id int NOT NULL REFERENCES organizations ON DELETE CASCADE,
        PRIMARY KEY (id, days WITHOUT OVERLAPS));
    INSERT INTO rooms VALUES (1, '[2026-01-01,2026-02-01)', 1), (1, '[2026-02-01,2026-03-01)', 1),
        (1, '[2026-03-01,2026-04-01)', 2), (2, '[2026-01-01,2026-04-01)', 2);
    CREATE TABLE stays (id int PRIMARY KEY, room int NOT NULL, days daterange NOT NULL,
        FOREIGN KEY (room, PERIOD days) REFERENCES rooms (id, PERIOD days));
    INSERT INTO stays VALUES (1, 1, '[2026-01-05,2026-01-09)'), (2, 1, '[2026-01-30,2026-02-03)'),
        (4, 2, '[2026-02-01,2026-02-03)');";

fn fresh(schema: &str) -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Postgres)?;
    if postgres_version() < 180_000 {
        skip("the server is older than PostgreSQL 18");
        return None;
    }
    db.execute(schema);
    Some(db)
}

fn clean(db: &TestDatabase, flags: &[&str]) -> Outcome {
    let directory = db.directory().join("archives").to_string_lossy().into_owned();
    let common =
        ["clean", "--org-name", "A", "--yes", "--format", "json", "--archive-dir", &directory];
    db.orgsweep(&[&common, flags].concat())
}

fn restore(db: &TestDatabase) -> Outcome {
    let directory = db.directory().join("archives").to_string_lossy().into_owned();
    db.orgsweep(&["restore", "latest", "--archive-dir", &directory])
}

/// By each reference into the table, how many rows went.
fn deleted(outcome: &Outcome, table: &str) -> u64 {
    let steps = outcome.json()["steps"].as_array().expect("steps").clone();
    let of_table = steps.iter().filter(|step| step["table"] == table);
    of_table.map(|step| step["rows"].as_u64().expect("a count")).sum()
}

#[test]
fn a_stay_in_two_rooms_of_one_organization_is_one_row() {
    let Some(db) = fresh(ROOMS) else { return };
    let before = db.dump();
    clean(&db, &[]).exits(3);
    for flags in [&["--dry-run"][..], &[]] {
        let outcome = clean(&db, &[&["--force"], flags].concat()).exits(0);
        assert_eq!(deleted(&outcome, "stays"), 2, "{outcome}");
    }
    assert_eq!(
        [db.value("SELECT string_agg(id::text, ',') FROM stays"), db.count("rooms").to_string()],
        ["4", "2"]
    );
    restore(&db).exits(0);
    assert_eq!(db.dump(), before);
}

#[test]
fn a_stay_in_the_rooms_of_two_organizations_belongs_to_both() {
    let Some(db) = fresh(ROOMS) else { return };
    db.execute("INSERT INTO stays VALUES (3, 1, '[2026-02-25,2026-03-05)')");
    let before = db.dump();
    for flags in [&["--force"][..], &["--force", "--batch-rows", "1"], &["--force", "--per-org"]] {
        let outcome = clean(&db, flags).exits(3);
        assert!(outcome.stdout.contains("\"shared\""), "{outcome}");
    }
    assert_eq!(db.dump(), before);
    let outcome = clean(&db, &["--force", "--foreign", "delete=stays.room,days"]).exits(0);
    assert_eq!(deleted(&outcome, "stays"), 3, "{outcome}");
}

/// It says what the application means, though nobody holds it to it.
#[test]
fn what_is_not_enforced_is_followed_as_it_is_declared() {
    let schema = "
        CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL);
        INSERT INTO organizations VALUES (1, 'A'), (2, 'B');
        CREATE TABLE users (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) VIRTUAL,
            organization_id int CONSTRAINT their_own REFERENCES organizations ON DELETE CASCADE NOT ENFORCED);
        INSERT INTO users VALUES (1, DEFAULT, 1), (2, DEFAULT, 2);
        CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users NOT ENFORCED);
        INSERT INTO notes VALUES (1, 1), (2, 2);";
    let Some(db) = fresh(schema) else { return };
    let before = db.dump();
    let outcome = clean(&db, &[]).exits(3);
    assert!(outcome.stdout.contains("notes.user_id"), "{outcome}");
    clean(&db, &["--force"]).exits(0);
    assert_eq!((db.count("users"), db.count("notes")), (1, 1));
    restore(&db).exits(0);
    assert_eq!(db.dump(), before);
}

/// Each cure can be pasted, and the finding is gone then.
#[test]
fn doctor_knows_how_what_is_not_enforced_and_not_valid_is_mended() {
    let schema = "
        CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL);
        CREATE TABLE users (id int PRIMARY KEY,
            organization_id int CONSTRAINT theirs REFERENCES organizations ON DELETE CASCADE NOT ENFORCED);
        CREATE TABLE notes (id int PRIMARY KEY, user_id int);
        ALTER TABLE notes ADD CONSTRAINT of_users FOREIGN KEY (user_id) REFERENCES users NOT VALID;";
    let Some(db) = fresh(schema) else { return };
    let cures = || {
        let outcome = db.orgsweep(&["doctor", "--format", "json"]);
        let findings = outcome.json()["findings"].as_array().expect("findings").clone();
        let of_checks = |it: &&serde_json::Value| {
            ["unwatched", "not_validated"].iter().any(|kind| it["kind"] == *kind)
        };
        let found = findings.iter().filter(of_checks);
        found.map(|it| it["cure"].as_str().expect("a cure").to_owned()).collect::<Vec<_>>()
    };
    let found = cures();
    assert_eq!(
        found,
        [
            r#"ALTER TABLE "users" ALTER CONSTRAINT "theirs" ENFORCED"#,
            r#"ALTER TABLE "notes" VALIDATE CONSTRAINT "of_users""#
        ]
    );
    found.iter().for_each(|cure| db.execute(cure));
    assert_eq!(cures(), Vec::<String>::new());
}

/// An identity that partitions share, and a column that is not yet held to its NOT NULL.
#[test]
fn identities_of_partitions_and_columns_not_yet_without_nulls_come_back() {
    let schema = "
        CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL);
        INSERT INTO organizations VALUES (1, 'A'), (2, 'B');
        CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY, organization_id int REFERENCES organizations ON DELETE CASCADE,
            note text) PARTITION BY LIST (organization_id);
        CREATE TABLE events_a PARTITION OF events FOR VALUES IN (1);
        CREATE TABLE events_b PARTITION OF events FOR VALUES IN (2);
        INSERT INTO events (organization_id) VALUES (1), (1), (2);
        ALTER TABLE events_a ADD CONSTRAINT noted NOT NULL note NOT VALID;";
    let Some(db) = fresh(schema) else { return };
    let before = db.dump();
    clean(&db, &[]).exits(0);
    assert_eq!(db.count("events"), 1);
    let outcome = restore(&db);
    // What was there before the constraint, it does not let in again.
    assert_eq!((outcome.code, db.count("events")), (3, 1), "{outcome}");
    db.execute("ALTER TABLE events_a DROP CONSTRAINT noted");
    restore(&db).exits(0);
    assert_eq!(db.dump(), before);
}
