//! What found the rows does not vouch for them: the engine's own count, and its catalog, can disagree.

use crate::support::*;

const SCHEMA: &str = "
    CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
    CREATE TABLE users (id int PRIMARY KEY, organization_id int NOT NULL,
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
    CREATE TABLE notes (id int PRIMARY KEY, user_id int NOT NULL,
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE);
    CREATE TABLE words (id int PRIMARY KEY);
    INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
    INSERT INTO users VALUES (1, 1), (2, 1), (3, 2);
    INSERT INTO notes VALUES (1, 1), (2, 2), (3, 3), (4, 3);
    INSERT INTO words VALUES (1), (2);";

const CLEAN: [&str; 4] = ["clean", "--org-id", "1", "--yes"];

/// As a trigger after each deleted note does it.
fn with_trigger(db: &TestDatabase, body: &str) {
    db.execute(db.pick(
        &format!("CREATE TRIGGER fault AFTER DELETE ON notes BEGIN {body}; END"),
        &format!(
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body}; RETURN NULL; END$$;
             CREATE TRIGGER fault AFTER DELETE ON notes FOR EACH ROW EXECUTE FUNCTION fault()"
        ),
        &format!("CREATE TRIGGER fault AFTER DELETE ON notes FOR EACH ROW BEGIN {body}; END"),
    ));
}

fn postgres() -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Postgres)?;
    db.execute(SCHEMA);
    Some(db)
}

#[test]
fn what_a_trigger_takes_of_another_organization_stops_the_deletion() {
    let Some(db) = postgres() else { return };
    with_trigger(&db, "DELETE FROM users WHERE id = 3");
    let before = db.dump();
    db.orgsweep(&CLEAN).exits(6).says(&["4 deleted rows of notes, 2 were found", "rolled back"]);
    assert_eq!(db.dump(), before);
}

#[test]
fn what_a_trigger_takes_elsewhere_is_told() {
    let Some(db) = postgres() else { return };
    with_trigger(&db, "DELETE FROM words");
    db.orgsweep(&CLEAN).exits(0).says(&[
        "committed; proven, except that nothing else was written",
        "words: 2 rows deleted",
    ]);
}

/// As many rows of users go as were found, but not the same.
#[test]
fn a_row_that_a_trigger_moves_and_another_that_it_takes_are_not_called_proven() {
    let Some(db) = postgres() else { return };
    db.execute("INSERT INTO users VALUES (4, 2)");
    with_trigger(
        &db,
        "UPDATE users SET id = 100, organization_id = 2 WHERE id = 2; DELETE FROM users WHERE id = 4",
    );
    db.orgsweep(&[&CLEAN[..], &["--engine-cascade=never"]].concat())
        .exits(0)
        .says(&["committed; proven, except that nothing else was written", "users: 1 row updated"]);
}

#[test]
fn what_a_trigger_adds_changes_and_truncates_is_told() {
    let Some(db) = postgres() else { return };
    db.execute(
        "CREATE TABLE heap (id int); CREATE TABLE scores (n int); INSERT INTO scores VALUES (0)",
    );
    with_trigger(
        &db,
        "TRUNCATE heap; INSERT INTO words VALUES (OLD.id + 10); UPDATE scores SET n = n + 1; \
         DELETE FROM words WHERE id = OLD.id",
    );
    let cleaned = db.orgsweep(&[&CLEAN[..], &["--format", "json"]].concat()).exits(0).json();
    let unproven = cleaned["unproven"][0].as_str().expect("a text");
    for told in [
        "heap: truncated or altered",
        "words: 2 rows deleted, 2 rows inserted",
        "scores: 2 rows updated",
    ] {
        assert!(unproven.contains(told), "{unproven}");
    }
}

/// It takes the rows of all organizations, and nobody counts them.
#[test]
fn a_trigger_that_truncates_a_table_of_the_organization_stops_the_deletion() {
    let Some(db) = postgres() else { return };
    db.execute(
        "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN TRUNCATE notes; RETURN NULL; END$$;
         CREATE TRIGGER fault AFTER DELETE ON organizations EXECUTE FUNCTION fault()",
    );
    let before = db.dump();
    let never = [&CLEAN[..], &["--engine-cascade=never"]].concat();
    db.orgsweep(&never).exits(6).says(&["notes was truncated", "rolled back"]);
    assert_eq!(db.dump(), before);
}

/// Rows that move to another partition by an unlink are ours; the row that a trigger adds is not.
#[test]
fn what_a_trigger_adds_to_a_partitioned_table_is_told() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id int PRIMARY KEY, organization_id int REFERENCES organizations ON DELETE CASCADE);
         CREATE TABLE notes (id int, user_id int REFERENCES users ON DELETE SET NULL) PARTITION BY LIST (user_id);
         CREATE TABLE written PARTITION OF notes FOR VALUES IN (1, 2);
         CREATE TABLE nobodys PARTITION OF notes FOR VALUES IN (NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta'); INSERT INTO users VALUES (1, 1), (2, 2);
         INSERT INTO notes VALUES (1, 1), (2, 2), (3, 1);
         CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS
         $$BEGIN INSERT INTO notes VALUES (9, NULL); RETURN NULL; END$$;
         CREATE TRIGGER fault AFTER DELETE ON organizations FOR EACH ROW EXECUTE FUNCTION fault()",
    );
    db.orgsweep(&CLEAN).exits(0).says(&["proven, except", "notes: 1 row inserted)"]);
    assert_eq!(db.count("nobodys"), 3);
}

/// PostgreSQL counts what a sub-transaction deleted, though it was rolled back.
#[test]
fn what_a_trigger_takes_back_is_no_deletion() {
    let Some(db) = postgres() else { return };
    with_trigger(
        &db,
        "BEGIN DELETE FROM users WHERE id = 3; RAISE EXCEPTION 'no'; EXCEPTION WHEN OTHERS THEN NULL; END",
    );
    db.orgsweep(&CLEAN).exits(0).says(&["proven and committed"]);
    assert_eq!((db.count("users"), db.count("notes")), (1, 2));
}

/// All that is deferred is done before the proofs; a trigger that defers more meanwhile would have it done by COMMIT.
#[test]
fn what_a_trigger_leaves_for_commit_stops_the_deletion() {
    let Some(db) = postgres() else { return };
    db.execute(
        "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN SET CONSTRAINTS ALL DEFERRED; INSERT INTO words VALUES (9); RETURN NULL; END$$;
         CREATE CONSTRAINT TRIGGER later AFTER DELETE ON users DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION later();
         CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN DELETE FROM notes WHERE id = 4; RETURN NULL; END$$;
         CREATE CONSTRAINT TRIGGER theirs AFTER INSERT ON words DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION theirs()",
    );
    let before = db.dump();
    db.orgsweep(&CLEAN).exits(6).says(&["left something for COMMIT", "rolled back"]);
    assert_eq!(db.dump(), before);
}

/// What was not proven is not called proven.
#[test]
fn a_server_that_counts_nothing_proves_less() {
    let Some(db) = postgres() else { return };
    db.execute(&format!("ALTER DATABASE \"{}\" SET track_counts = off", db.name()));
    let cleaned = db.orgsweep(&[&CLEAN[..], &["--format", "json"]].concat()).exits(0).json();
    assert_eq!(cleaned["unproven"][0], "that nothing else went (track_counts is off)");
}

#[test]
fn rows_that_move_to_another_partition_are_not_deleted() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id int PRIMARY KEY, organization_id int REFERENCES organizations ON DELETE CASCADE);
         CREATE TABLE notes (id int, user_id int REFERENCES users ON DELETE SET NULL) PARTITION BY LIST (user_id);
         CREATE TABLE written PARTITION OF notes FOR VALUES IN (1, 2);
         CREATE TABLE nobodys PARTITION OF notes FOR VALUES IN (NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta'); INSERT INTO users VALUES (1, 1), (2, 2);
         INSERT INTO notes VALUES (1, 1), (2, 2), (3, 1);",
    );
    db.orgsweep(&CLEAN).exits(0).says(&["proven and committed"]);
    assert_eq!((db.count("nobodys"), db.count("written")), (2, 1));
}

each_backend! {
    /// They were there before, and are nobody's doing.
    fn rows_that_named_nobody_before_are_left_alone(db: TestDatabase) {
        db.execute(SCHEMA);
        db.execute(db.pick(
            "PRAGMA foreign_keys = OFF; INSERT INTO notes VALUES (9, 99); PRAGMA foreign_keys = ON",
            "SET session_replication_role = replica; INSERT INTO notes VALUES (9, 99); RESET session_replication_role",
            "SET foreign_key_checks = 0; INSERT INTO notes VALUES (9, 99); SET foreign_key_checks = 1",
        ));
        db.orgsweep(&CLEAN).exits(0).says(&["committed"]);
        assert_eq!(db.count("notes"), 3);
    }
}
