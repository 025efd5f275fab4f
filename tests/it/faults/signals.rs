//! The process is killed or interrupted at moments spread over its whole run: everything or nothing,
//! a sound database, and the next clean succeeds.

use crate::support::*;
use std::time::{Duration, Instant};

const SCHEMA: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    manager_id integer REFERENCES users (id)
);
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    created_by integer NOT NULL REFERENCES users (id) ON DELETE RESTRICT
);
CREATE TABLE notes (
    id integer PRIMARY KEY,
    deal_id integer REFERENCES deals (id) ON DELETE SET NULL
);
CREATE INDEX users_organization ON users (organization_id); CREATE INDEX users_manager ON users (manager_id);
CREATE INDEX deals_organization ON deals (organization_id); CREATE INDEX deals_user ON deals (created_by);
CREATE INDEX notes_deal ON notes (deal_id);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO users WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
    SELECT i, 1 + i % 2, CASE WHEN i > 2 THEN i - 2 END FROM n;
INSERT INTO deals SELECT id, organization_id, id FROM users;
INSERT INTO deals SELECT id + 10000, organization_id, id FROM users;
INSERT INTO notes SELECT id, id FROM deals;
";

const CLEAN: [&str; 5] = ["clean", "--org-name", "Apex", "--force", "--yes"];
/// Signals per test, at moments spread evenly.
const MOMENTS: u32 = 6;

type Fingerprint = std::collections::BTreeMap<String, (usize, u64)>;

/// Sends `signal` after `moment`; `true`: it came too late, the clean was done.
fn interrupt(db: &TestDatabase, signal: &str, moment: Duration, code: i32) -> bool {
    let clean = db.command(&CLEAN).start();
    std::thread::sleep(moment);
    clean.signal(signal);
    let outcome = clean.finish();
    assert!(outcome.code == code || outcome.code == 0, "{signal} after {moment:?}\n{outcome}");
    outcome.code == 0
}

/// No session but the test's own is left.
fn settle(db: &TestDatabase) {
    let others = db.pick(
        "",
        "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "SELECT count(*) FROM information_schema.processlist \
         WHERE db = DATABASE() AND id <> connection_id()",
    );
    while !db.is_sqlite() && db.value(others) != "0" {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Everything or nothing, and sound; the state that it is in.
fn state(db: &TestDatabase, before: &Fingerprint, after: &Fingerprint, case: &str) -> bool {
    settle(db);
    if db.is_sqlite() {
        assert_eq!(db.value("PRAGMA integrity_check"), "ok", "{case}");
    }
    let now = db.fingerprint();
    assert!(now == *before || now == *after, "{case}: half deleted: {now:?}");
    assert!(db.dangling().is_empty(), "{case}");
    now == *after
}

/// Interrupts a clean at moments spread over its duration.
fn at_every_moment(original: &TestDatabase, signal: &str, code: i32) {
    let before = original.fingerprint();
    let reference = original.copy();
    let start = Instant::now();
    reference.orgsweep(&CLEAN).exits(0);
    let whole = start.elapsed();
    let after = reference.fingerprint();
    let mut db = original.copy();
    let mut stopped = 0;
    for moment in 0..MOMENTS {
        let moment = whole * (2 * moment + 1) / (2 * MOMENTS);
        let done = interrupt(&db, signal, moment, code);
        let case = format!("{signal} after {moment:?} of {whole:?}");
        let gone = state(&db, &before, &after, &case);
        // Killed in the instant between COMMIT and its end, a process cannot say that it is done.
        assert!(gone == done || (signal == "KILL" && gone), "{case}: done {done}, gone {gone}");
        stopped += u32::from(!gone);
        if gone {
            db = original.copy();
        }
    }
    assert!(stopped > 0, "{signal}: every one of them came too late");
    db.orgsweep(&CLEAN).exits(0);
    assert!(state(&db, &before, &after, "in the end"));
}

each_backend! {
    fn sigkill(db: TestDatabase) {
        db.execute(SCHEMA);
        at_every_moment(&db, "KILL", 137);
    }

    fn sigint(db: TestDatabase) {
        db.execute(SCHEMA);
        at_every_moment(&db, "INT", 130);
    }

    fn sigterm(db: TestDatabase) {
        db.execute(SCHEMA);
        at_every_moment(&db, "TERM", 143);
    }
}

#[test]
fn sigkill_with_a_write_ahead_log() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    db.execute("PRAGMA journal_mode = WAL");
    db.execute(SCHEMA);
    at_every_moment(&db, "KILL", 137);
}
