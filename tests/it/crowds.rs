//! Many at once: runs of the same and of different organizations, writers and readers beside them, a
//! holder of a lock. Nobody is deleted by half, nobody waits without being told for whom.

use crate::support::*;
use orgsweep::database::Database;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// `orgs` organizations, each with users, deals that protect them, and notes that name deals.
fn crowd(db: &TestDatabase, orgs: u32) {
    let numbers = |most: u32| {
        format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {most}) SELECT n FROM n"
        )
    };
    let identity = db.either("integer PRIMARY KEY", "serial PRIMARY KEY");
    db.execute(&format!(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id {identity},
             organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE deals (id {identity},
             organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
             created_by integer NOT NULL REFERENCES users (id) ON DELETE RESTRICT);
         CREATE TABLE notes (id {identity},
             deal_id integer REFERENCES deals (id) ON DELETE SET NULL);
         CREATE INDEX users_org ON users (organization_id);
         CREATE INDEX deals_org ON deals (organization_id);
         CREATE INDEX deals_by ON deals (created_by);
         CREATE INDEX notes_deal ON notes (deal_id);
         INSERT INTO organizations SELECT n, 'org-' || n FROM ({orgs_numbers}) o;
         INSERT INTO users (organization_id) SELECT 1 + n % {orgs} FROM ({users}) u;
         INSERT INTO deals (organization_id, created_by) SELECT organization_id, id FROM users;
         INSERT INTO notes (deal_id) SELECT id FROM deals;",
        orgs_numbers = numbers(orgs),
        users = numbers(orgs * 30),
    ));
}

/// Deletes organization `org`, waiting for others as long as it takes.
fn clean(db: &TestDatabase, org: u32) -> Running {
    let org = org.to_string();
    let clean = ["clean", "--org-id", &org, "--force", "--yes", "--lock-timeout", "60s"];
    db.command(&clean).timeout(Duration::from_secs(240)).start()
}

/// Runs `processes` cleans of the organizations 1 to `gone`, `writers` writing beside them, and asserts
/// that exactly these are gone.
fn rush(db: &TestDatabase, processes: u32, gone: u32, writers: u32) {
    crowd(db, gone + 2);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..writers {
            let (session, done) = (db.connect(), &done);
            scope.spawn(move || write(session, writer, gone + 2, done));
        }
        let runs: Vec<Running> = (0..processes).map(|n| clean(db, 1 + n % gone)).collect();
        let codes: Vec<i32> = runs.into_iter().map(|run| run.finish().exits(0).code).collect();
        done.store(true, Ordering::SeqCst);
        assert_eq!(codes.len(), processes as usize);
    });
    assert!(db.dangling().is_empty(), "{:?}", db.dangling());
    for table in ["organizations", "users", "deals"] {
        let column = if table == "organizations" { "id" } else { "organization_id" };
        let left = db.value(&format!("SELECT count(*) FROM {table} WHERE {column} <= {gone}"));
        assert_eq!(left, "0", "{table}");
    }
    assert_eq!(db.value("SELECT count(*) FROM organizations"), "2");
    assert!(db.count("users") >= 60, "others lost users");
}

/// Adds users, deals and notes to any organization, gone or not; what fails was refused by a key.
fn write(mut session: Database, writer: u32, orgs: u32, done: &AtomicBool) {
    let mut n = writer;
    while !done.load(Ordering::SeqCst) {
        n = n.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let org = 1 + n % orgs;
        let user = format!("SELECT max(id) FROM users WHERE organization_id = {org}");
        for statement in [
            format!("INSERT INTO users (organization_id) VALUES ({org})"),
            format!("INSERT INTO deals (organization_id, created_by) SELECT {org}, ({user})"),
            format!(
                "INSERT INTO notes (deal_id) SELECT max(id) FROM deals WHERE organization_id = {org}"
            ),
        ] {
            let _ = session.run(&statement);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_hundred_runs_at_once_delete_each_organization_whole() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    rush(&db, 100, 20, 4);
}

#[test]
fn a_hundred_runs_at_once_on_mariadb_delete_each_organization_whole() {
    let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
    rush(&db, 100, 20, 4);
}

#[test]
fn runs_on_one_sqlite_file_take_turns() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    rush(&db, 16, 4, 1);
}

/// A session that holds a row of organization 1 until it is dropped.
fn holder(db: &TestDatabase) -> Database {
    let mut session = db.connect();
    if db.backend == Backend::Mysql {
        // In REPEATABLE READ a small table is locked as a whole.
        session.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").expect("a level");
    }
    session.run("BEGIN").expect("a transaction");
    let update = "UPDATE users SET id = id WHERE organization_id = 1 AND 's3cret' <> ''";
    session.run(update).expect("a lock");
    session
}

fn a_second_run_waits(backend: Backend, first_has_locks: &str, told: &[&str]) {
    let Some(db) = TestDatabase::fresh(backend) else { return };
    crowd(&db, 3);
    let mut session = holder(&db);
    let first = clean(&db, 1);
    let patience = Instant::now() + Duration::from_secs(20);
    while db.value(first_has_locks) == "0" {
        assert!(Instant::now() < patience, "the first run takes no lock");
        thread::sleep(Duration::from_millis(200));
    }
    let second = ["clean", "--org-id", "1", "--force", "--yes", "--lock-timeout", "1500ms"];
    db.orgsweep(&second).exits(5).says(told);
    // Another organization waits for nobody.
    let other = ["clean", "--org-id", "2", "--force", "--yes", "--lock-timeout", "1500ms"];
    db.orgsweep(&other).exits(0);
    session.run("ROLLBACK").expect("the lock is released");
    first.finish().exits(0);
    db.orgsweep(&second).exits(0).says(&["nothing to clean up"]);
}

#[test]
fn a_second_run_of_the_same_organization_waits_and_is_told_for_whom() {
    let advisory = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted \
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let told = ["lock timeout", "process ", "(orgsweep)", "--lock-timeout"];
    a_second_run_waits(Backend::Postgres, advisory, &told);
}

#[test]
fn a_second_run_on_mariadb_waits_and_is_told_for_whom() {
    let waits = "SELECT count(*) FROM information_schema.innodb_trx t \
                 JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
                 WHERE p.db = database() AND t.trx_state = 'LOCK WAIT'";
    let told = ["Lock wait timeout", "process ", "in a transaction since", "--lock-timeout"];
    a_second_run_waits(Backend::Mysql, waits, &told);
}

fn a_holder_is_named(backend: Backend, told: &[&str]) {
    let Some(db) = TestDatabase::fresh(backend) else { return };
    crowd(&db, 3);
    let _session = holder(&db);
    let before = db.dump();
    for checks in ["set", "engine"] {
        let flags = ["--reference-checks", checks, "--lock-timeout", "1s"];
        let clean = [&["clean", "--org-id", "1", "--force", "--yes"], &flags[..]].concat();
        // What their statement says is theirs.
        db.orgsweep(&clean).exits(5).says(told).hides("s3cret");
    }
    assert_eq!(db.dump(), before);
}

#[test]
fn whoever_holds_a_row_is_named() {
    let told = ["idle in transaction", ": UPDATE", "in a transaction since"];
    a_holder_is_named(Backend::Postgres, &told);
}

/// Of a session that does nothing, its last statement is not known there.
#[test]
fn whoever_holds_a_row_on_mariadb_is_named() {
    a_holder_is_named(
        Backend::Mysql,
        &["idle in transaction", "process ", "in a transaction since"],
    );
}

each_backend! {
    fn the_deadline_ends_a_run_that_waits(db: TestDatabase) {
        crowd(&db, 3);
        let before = db.dump();
        let mut session = db.connect();
        let hold = db.either("BEGIN IMMEDIATE", "BEGIN; UPDATE users SET id = id");
        session.run(hold).expect("a lock");
        let start = Instant::now();
        let flags = ["--lock-timeout", "60s", "--deadline", "1s"];
        let clean = [&["clean", "--org-id", "1", "--force", "--yes"], &flags[..]].concat();
        db.orgsweep(&clean).exits(5).says(&[
            "the --deadline is over (last: waiting for",
            db.either("database is locked", "idle in transaction"),
            "everything was rolled back",
        ]);
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
        session.run("ROLLBACK").expect("the lock is released");
        assert_eq!(db.dump(), before);
    }
}

#[test]
fn readers_and_writers_of_others_wait_for_no_lock_of_ours() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    crowd(&db, 2);
    // A row of organization 1 that is held keeps the run in the midst of its work, all its locks taken.
    let mut session = db.connect();
    session.run("BEGIN; UPDATE notes SET id = id WHERE deal_id IN (SELECT id FROM deals WHERE organization_id = 1)")
        .expect("a lock");
    let run = clean(&db, 1);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock'";
    let patience = Instant::now() + Duration::from_secs(20);
    while db.value(waiting) == "0" {
        assert!(Instant::now() < patience, "the run never waits");
        thread::sleep(Duration::from_millis(20));
    }
    let mut other = db.connect();
    other.run("SET lock_timeout = '200ms'").expect("a setting");
    for statement in [
        "SELECT count(*) FROM users; SELECT count(*) FROM deals; SELECT count(*) FROM notes",
        "INSERT INTO users (organization_id) VALUES (2)",
        "INSERT INTO deals (organization_id, created_by) SELECT 2, max(id) FROM users WHERE organization_id = 2",
        "INSERT INTO notes (deal_id) SELECT max(id) FROM deals WHERE organization_id = 2",
        "UPDATE deals SET created_by = created_by WHERE organization_id = 2",
        "UPDATE organizations SET name = 'renamed' WHERE id = 2",
        "DELETE FROM notes WHERE deal_id IN (SELECT id FROM deals WHERE organization_id = 2)",
        "BEGIN; SELECT FROM users WHERE organization_id = 2 FOR UPDATE; COMMIT",
    ] {
        other.run(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    assert_eq!(db.value(waiting), "1", "nobody but our run waits");
    session.run("ROLLBACK").expect("the lock is released");
    run.finish().exits(0);
}
