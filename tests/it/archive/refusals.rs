//! What keeps an archive out: told, with exit 3, before anything is written.

use super::*;
use std::path::PathBuf;

/// Apex: an organization, two users, three tasks; a note and a project of others name one of its users.
const SCHEMA: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE plans (id integer PRIMARY KEY);
CREATE TABLE users (
    id integer PRIMARY KEY, email varchar(40), code integer,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    plan_id integer REFERENCES plans (id), UNIQUE (email)
);
CREATE TABLE tasks (a integer NOT NULL, b integer NOT NULL,
    user_id integer REFERENCES users (id) ON DELETE CASCADE, PRIMARY KEY (a, b));
CREATE TABLE notes (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE SET NULL);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO plans VALUES (7), (8), (9);
INSERT INTO users VALUES (10, 'ann@apex.test', 1, 1, 7), (11, 'al@apex.test', 2, 1, 8), (20, 'gil', 3, 2, 7);
INSERT INTO tasks VALUES (1, 1, 10), (1, 2, 10), (2, 1, 11), (2, 2, 20);
INSERT INTO notes VALUES (1, 10), (2, 20);
";

/// A database without Apex, and its archive.
fn cleaned(db: &TestDatabase) -> PathBuf {
    db.execute(SCHEMA);
    clean(db, &["--org-name", "Apex"]).exits(0);
    only_archive(db)
}

/// After `change` the archive is refused, previewed or not, for these reasons; no row is written.
#[track_caller]
fn refused(db: &TestDatabase, archive: &std::path::Path, change: &str, why: &[&str]) {
    db.execute(change);
    let before = contents(db);
    for flags in [&["--dry-run"][..], &[]] {
        let outcome = restore(db, archive, flags).exits(3).says(why);
        let changed = changes(&before, &contents(db));
        assert!(changed.is_empty(), "{change}\n{changed}\n{outcome}");
    }
}

/// Every change on its own, each in the database as the clean left it; then `undo` lets the archive in.
#[track_caller]
fn each_refused(db: &TestDatabase, cases: &[(&str, &[&str], &str)]) {
    let archive = cleaned(db);
    for (change, why, undo) in cases {
        refused(db, &archive, change, why);
        db.execute(undo);
    }
    restore(db, &archive, &[]).exits(0);
}

each_backend! {
    fn keys_and_unique_values_that_are_taken(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("MariaDB has no partial indexes");
        }
        each_refused(&db, &[
            ("INSERT INTO organizations VALUES (1, 'New')", &["1 row of organizations", "id", "taken (key 1)"],
             "DELETE FROM organizations WHERE id = 1"),
            ("INSERT INTO users VALUES (30, 'al@apex.test', 3, 2, NULL)", &["1 row of users", "email", "(key 11)"],
             "DELETE FROM users WHERE id = 30"),
            ("INSERT INTO tasks VALUES (2, 1, NULL), (1, 2, NULL)", &["2 rows of tasks", "a, b", "1, 2; 2, 1"],
             "DELETE FROM tasks WHERE user_id IS NULL"),
            ("INSERT INTO organizations VALUES (1, 'New'); INSERT INTO users VALUES (10, NULL, 3, 2, NULL)",
             &["row of organizations", "row of users"], "DELETE FROM users WHERE id = 10; DELETE FROM organizations WHERE id = 1"),
            // What a plain key cannot say: the engine refuses.
            ("CREATE UNIQUE INDEX codes ON users (code) WHERE code < 5; INSERT INTO users VALUES (31, NULL, 2, 2, NULL)",
             &["nothing was written"], "DROP INDEX codes"),
        ]);
    }

    fn parents_that_have_gone(db: TestDatabase) {
        each_refused(&db, &[(
            "DELETE FROM plans WHERE id > 7",
            &["1 row would name by users.plan_id", "8"],
            "INSERT INTO plans VALUES (8), (9)",
        )]);
    }

    fn an_archive_that_was_restored_before(db: TestDatabase) {
        let archive = cleaned(&db);
        restore(&db, &archive, &[]).exits(0);
        refused(&db, &archive, "SELECT 1", &["organizations", "users", "tasks", "taken"]);
    }

    fn a_table_or_column_that_was_dropped(db: TestDatabase) {
        let archive = cleaned(&db);
        refused(&db, &archive, "ALTER TABLE users DROP COLUMN code", &["there is no column users.code"]);
        refused(&db, &archive, "DROP TABLE tasks", &["there is no table tasks", "there is no column users.code"]);
    }

    fn a_column_that_is_new_and_required(db: TestDatabase) {
        let archive = cleaned(&db);
        db.execute("ALTER TABLE users ADD COLUMN note text; ALTER TABLE users ADD COLUMN kind text NOT NULL DEFAULT 'x'");
        if db.is_sqlite() {
            restore(&db, &archive, &["--dry-run"]).exits(0);
            db.execute("CREATE TABLE copied (id integer PRIMARY KEY, a integer NOT NULL, b integer NOT NULL, must text NOT NULL,
                user_id integer); DROP TABLE tasks; ALTER TABLE copied RENAME TO tasks");
        } else {
            restore(&db, &archive, &["--dry-run"]).exits(0);
            db.execute("DELETE FROM tasks; ALTER TABLE tasks ADD COLUMN must text NOT NULL");
        }
        refused(&db, &archive, "SELECT 1", &["tasks.must is new, without a default, and must not be null"]);
        db.execute(db.either(
            "DROP TABLE tasks; CREATE TABLE tasks (a integer, b integer, user_id integer)",
            "ALTER TABLE tasks ALTER must SET DEFAULT 'y'",
        ));
        restore(&db, &archive, &[]).exits(0);
        assert_eq!(db.count("users WHERE kind = 'x' AND note IS NULL AND organization_id = 1"), 2);
    }

    fn a_constraint_that_is_new(db: TestDatabase) {
        if db.is_mysql_itself() {
            return skip("MySQL adds no CHECK that rows break");
        }
        let archive = cleaned(&db);
        db.execute(db.pick(
            "DROP TABLE tasks; CREATE TABLE tasks (a integer, b integer CHECK (b > 1), user_id integer)",
            "ALTER TABLE tasks ADD CHECK (b > 1) NOT VALID",
            "SET check_constraint_checks = 0; ALTER TABLE tasks ADD CHECK (b > 1); SET check_constraint_checks = 1",
        ));
        refused(&db, &archive, "SELECT 1", &["nothing was written"]);
    }

    fn another_database(db: TestDatabase) {
        db.execute(SCHEMA);
        let before = contents(&db);
        let other = db.copy();
        clean(&db, &["--org-name", "Apex"]).exits(0);
        let archive = only_archive(&db);
        refused(&other, &archive, "SELECT 1", &["of another database", "--other-database"]);
        let outcome = restore(&other, &archive, &["--other-database"]).exits(3);
        outcome.says(&["taken"]);
        let copy = db.copy();
        restore(&copy, &archive, &[]).exits(3).says(&["of another database"]);
        restore(&copy, &archive, &["--other-database"]).exits(0);
        changes(&before, &contents(&copy)).assert_none();
    }

    fn what_is_no_archive(db: TestDatabase) {
        let archive = cleaned(&db);
        let foreign = db.directory().join("foreign");
        let zst = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("compressed");
        let gone = db.directory().join("gone");
        restore(&db, &gone, &[]).exits(2).says(&["there is no archive"]);
        let random: Vec<u8> = (0..5000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for bytes in [vec![], b"hello".to_vec(), random.clone(), zst(b""), zst(b"hello"), zst(&random), zst(&[0; 2048]),
            std::fs::read(db.directory().join("../../proc/self/exe")).unwrap_or_default()] {
            std::fs::write(&foreign, &bytes).expect("a file");
            refused(&db, &foreign, "SELECT 1", &["nothing was written"]);
        }
        refused(&db, db.directory(), "SELECT 1", &["nothing was written"]);
        restore(&db, &archive, &[]).exits(0);
    }
}

/// SQLite's types are what was declared, so that tables must be made anew.
#[test]
fn a_type_of_postgres_that_was_changed() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    each_refused(
        &db,
        &[
            (
                "ALTER TABLE users ALTER email TYPE text",
                &["users.email is text now; it was character varying(40)"],
                "ALTER TABLE users ALTER email TYPE varchar(40)",
            ),
            (
                "ALTER TABLE notes ALTER user_id TYPE bigint",
                &["notes.user_id is bigint now"],
                "ALTER TABLE notes ALTER user_id TYPE integer",
            ),
        ],
    );
}

#[test]
fn an_archive_of_the_other_engine() {
    let Some(postgres) = TestDatabase::fresh(Backend::Postgres) else { return };
    let sqlite = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    let (of_postgres, of_sqlite) = (cleaned(&postgres), cleaned(&sqlite));
    for (db, archive) in [(&postgres, of_sqlite), (&sqlite, of_postgres)] {
        refused(db, &archive, "SELECT 1", &["the archive is of", "same kind of database"]);
        restore(db, &archive, &["--other-database"]).exits(3);
    }
}

/// Another session is about to delete a plan that Apex names: the restore waits for it, and is refused.
#[test]
fn a_parent_that_goes_meanwhile() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let archive = cleaned(&db);
    for (end, code) in [("ROLLBACK", 0), ("COMMIT", 3)] {
        if code == 3 {
            clean(&db, &["--org-name", "Apex", "--no-archive"]).exits(0);
        }
        let mut other = db.connect();
        other.run("BEGIN; DELETE FROM plans WHERE id = 8").expect("a deletion");
        let flags =
            ["restore", &archive.to_string_lossy(), "--format", "json", "--lock-timeout", "30s"];
        let restoring = db.command(&flags).start();
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while db.value(waiting) == "0" {
            assert!(std::time::Instant::now() < deadline, "it does not wait");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        other.run(end).expect("an end");
        let outcome = restoring.finish().exits(code);
        assert!(db.dangling().is_empty(), "{outcome}");
        assert_eq!(
            db.count("users WHERE organization_id = 1"),
            if code == 0 { 2 } else { 0 },
            "{outcome}"
        );
    }
}

/// And one that waits for longer than the restore may.
#[test]
fn a_parent_that_is_locked_for_too_long() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let archive = cleaned(&db);
    let before = contents(&db);
    let mut other = db.connect();
    other.run("BEGIN; DELETE FROM plans WHERE id = 8").expect("a deletion");
    restore(&db, &archive, &["--lock-timeout", "200ms"]).exits(5);
    other.run("ROLLBACK").expect("an end");
    changes(&before, &contents(&db)).assert_none();
}
