//! Whatever goes wrong on the way, everything or nothing is deleted.

use super::{CLEAN_APEX, assert_apex_is_gone, small};
use crate::support::*;
use orgsweep::database::Database;
use std::time::Duration;

/// What a clean of the small database does to each of its tables.
const STEPS: [(&str, &str); 4] =
    [("notes", "UPDATE"), ("deals", "DELETE"), ("users", "DELETE"), ("organizations", "DELETE")];

/// Makes `event` on any row of `table` run `sqlite` or `plpgsql`.
fn add_trigger(db: &TestDatabase, (table, event): (&str, &str), sqlite: &str, plpgsql: &str) {
    match db.backend {
        Backend::Sqlite => {
            db.execute(&format!(
                "CREATE TRIGGER fault BEFORE {event} ON {table} BEGIN {sqlite}; END"
            ));
        }
        Backend::Postgres => db.execute(&format!(
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {plpgsql}; END$$; \
             CREATE TRIGGER fault BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION fault()"
        )),
        Backend::Mysql => db.execute(&format!(
            "CREATE TRIGGER fault BEFORE {event} ON {table} FOR EACH ROW BEGIN {}; END",
            mysql::raising(sqlite)
        )),
    }
}

/// A session that holds what a clean will need: SQLite's write lock, PostgreSQL's row of a user.
fn in_the_way(db: &TestDatabase) -> Database {
    let mut other = db.connect();
    let lock = db.either("BEGIN IMMEDIATE", "BEGIN; SELECT 1 FROM users WHERE id = 10 FOR UPDATE");
    other.run(lock).expect("the lock");
    other
}

/// Starts a clean that waits for the lock.
fn waiting_clean(db: &TestDatabase) -> Running {
    let clean = db.command(&[&CLEAN_APEX[..], &["--lock-timeout", "60s"]].concat()).start();
    std::thread::sleep(Duration::from_millis(700));
    clean
}

each_backend! {
    fn a_trigger_that_raises_at_any_step_rolls_everything_back(db: TestDatabase) {
        let before = small(&db);
        for step in STEPS {
            let db = db.copy();
            let raise = ("SELECT RAISE(ABORT, 'rows are kept')", "RAISE EXCEPTION 'rows are kept'");
            add_trigger(&db, step, raise.0, raise.1);
            db.orgsweep(&CLEAN_APEX).exits(1).says(&["rows are kept"]);
            changes(&before, &db.dump()).assert_none();
        }
    }

    fn a_trigger_that_swallows_any_step_is_noticed(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("MariaDB's triggers cannot skip a row");
        }
        let before = small(&db);
        for step in STEPS {
            let db = db.copy();
            add_trigger(&db, step, "SELECT RAISE(IGNORE)", "RETURN NULL");
            let outcome = db.orgsweep(&CLEAN_APEX);
            assert!(matches!(outcome.code, 1 | 3 | 6), "{outcome}");
            changes(&before, &db.dump()).assert_none();
        }
    }

    /// The application's own bookkeeping of deletions is not ours to count or to undo.
    fn a_trigger_that_writes_elsewhere_is_run(db: TestDatabase) {
        let before = small(&db);
        db.execute("CREATE TABLE graveyard (what text)");
        let insert = "INSERT INTO graveyard VALUES (old.email)";
        add_trigger(&db, ("users", "DELETE"), insert, &format!("{insert}; RETURN old"));
        db.orgsweep(&CLEAN_APEX).exits(0);
        assert_eq!(db.count("graveyard"), 2);
        db.execute("DROP TABLE graveyard");
        assert_apex_is_gone(&before, &db);
    }

    fn an_interrupted_clean_is_rolled_back(db: TestDatabase) {
        let before = small(&db);
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let mut other = in_the_way(&db);
            let clean = waiting_clean(&db);
            clean.signal(signal);
            std::thread::sleep(Duration::from_millis(300));
            let _ = other.run("ROLLBACK");
            clean.finish().exits(code);
            changes(&before, &db.dump()).assert_none();
        }
        db.orgsweep(&CLEAN_APEX).exits(0);
    }

    fn a_killed_clean_leaves_everything(db: TestDatabase) {
        let before = small(&db);
        let mut other = in_the_way(&db);
        let clean = waiting_clean(&db);
        clean.signal("KILL");
        clean.finish().exits(137);
        other.run("ROLLBACK").expect("the lock is released");
        changes(&before, &db.dump()).assert_none();
        db.orgsweep(&CLEAN_APEX).exits(0);
    }
}

#[test]
fn a_connection_that_is_killed_ends_with_exit_1_and_nothing_lost() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = small(&db);
    let mut other = in_the_way(&db);
    let clean = waiting_clean(&db);
    let killed = db.value(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    assert_eq!(killed, "1", "the clean waits for the lock");
    clean.finish().exits(1);
    other.run("ROLLBACK").expect("the lock is released");
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn a_constraint_that_fails_at_commit_rolls_everything_back() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = small(&db);
    db.execute(
        "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'too late'; END$$; \
         CREATE CONSTRAINT TRIGGER fault AFTER DELETE ON users DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION fault()",
    );
    db.orgsweep(&CLEAN_APEX).exits(1).says(&["too late"]);
    changes(&before, &db.dump()).assert_none();
}
