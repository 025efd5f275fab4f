//! Unlinks that a constraint forbids are refused before anything changes, whatever the constraint is made of.

use crate::support::*;

const SCHEMA: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO users VALUES (10, 1), (11, 1), (20, 2);
";
const AUTHOR: &str = "FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE SET NULL";
/// Only one of them is unlinked.
const ONE: &str = "INSERT INTO notes (id, title, author_id) VALUES (1, 'a', 10), (2, 'b', 20)";
/// Two that would be alike.
const TWO: &str = "INSERT INTO notes (id, title, author_id) VALUES (1, 'a', 10), (2, 'a', 11)";
/// One that would be like another that is there.
const MEETS: &str = "INSERT INTO notes (id, title, author_id) VALUES (1, 'a', 10), (2, 'a', NULL)";

/// The note that is unlinked breaks a constraint of this kind: in preview and clean, and nothing changes.
#[track_caller]
fn refuses(db: &TestDatabase, rows: &str, kind: &str, told: &str) {
    db.execute(rows);
    let before = db.dump();
    for command in [&["preview"][..], &["clean", "--yes"], &["clean", "--yes", "--force"]] {
        let outcome = db.orgsweep(&[command, &["--org-id", "1", "--format", "json"]].concat());
        let outcome = outcome.exits(3);
        let refusals = outcome.refusals(kind);
        assert_eq!(refusals.len(), 1, "{outcome}");
        assert_eq!(refusals[0]["reference"], "notes.author_id", "{outcome}");
        outcome.says(&[told]);
    }
    changes(&before, &db.dump()).assert_none();
    db.execute("DELETE FROM notes");
}

#[track_caller]
fn passes(db: &TestDatabase, rows: &str) {
    let copy = db.copy();
    copy.execute(rows);
    copy.orgsweep(&["preview", "--org-id", "1"]).exits(0);
    copy.orgsweep(&["clean", "--org-id", "1", "--yes"]).exits(0).says(&["1 row unlinked"]);
}

fn notes(db: &TestDatabase, columns: &str) {
    db.execute(SCHEMA);
    db.execute(&format!(
        "CREATE TABLE notes (id integer PRIMARY KEY, title varchar(9), {columns}, {AUTHOR})"
    ));
}

each_backend! {
    fn a_unique_key_over_a_generated_column(db: TestDatabase) {
        let kind = if db.backend == Backend::Postgres { "STORED" } else { "VIRTUAL" };
        let slot = format!("slot integer GENERATED ALWAYS AS (coalesce(author_id, 0)) {kind}");
        notes(&db, &format!("author_id integer, {slot}, UNIQUE (slot)"));
        refuses(&db, TWO, "unique", "slot");
        refuses(&db, MEETS, "unique", "slot");
        passes(&db, ONE);
    }

    fn a_generated_column_that_takes_no_null(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("MariaDB has no NOT NULL for generated columns");
        }
        let twice = "twice integer NOT NULL GENERATED ALWAYS AS (author_id * 2) STORED";
        notes(&db, &format!("author_id integer, {twice}"));
        refuses(&db, ONE, "not_null", "twice");
    }

    fn a_unique_index_over_some_rows(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("MariaDB has no such indexes");
        }
        notes(&db, "author_id integer");
        db.execute("CREATE UNIQUE INDEX one_draft ON notes (title DESC) WHERE author_id IS NULL");
        refuses(&db, TWO, "exclusion", "one_draft");
        refuses(&db, MEETS, "exclusion", "one_draft");
        passes(&db, ONE);
    }

    fn a_unique_index_over_an_expression(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("MariaDB has no such indexes");
        }
        notes(&db, "author_id integer");
        db.execute("CREATE UNIQUE INDEX slots ON notes (title, (coalesce(author_id, 0)))");
        refuses(&db, TWO, "exclusion", "slots");
        refuses(&db, MEETS, "exclusion", "slots");
        passes(&db, ONE);
    }

    fn a_default_that_is_null_after_all(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("InnoDB has no SET DEFAULT");
        }
        db.execute(SCHEMA);
        db.execute(
            "CREATE TABLE notes (id integer PRIMARY KEY, title text, author_id integer NOT NULL DEFAULT (nullif(1, 1)) \
             REFERENCES users (id) ON DELETE SET DEFAULT)",
        );
        refuses(&db, ONE, "not_null", "author_id");
    }
}

#[test]
fn an_index_by_another_collation_than_its_columns() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    notes(&db, "author_id integer DEFAULT 0");
    db.execute(
        "CREATE UNIQUE INDEX drafts ON notes (title COLLATE nocase) WHERE author_id IS NULL",
    );
    refuses(&db, &TWO.replace("'a', 11", "'A', 11"), "exclusion", "drafts");
    passes(&db, ONE);
}

fn postgres(columns: &str) -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Postgres)?;
    notes(&db, columns);
    Some(db)
}

#[test]
fn an_exclusion_constraint() {
    let Some(db) = postgres("author_id integer") else { return };
    db.execute(
        "ALTER TABLE notes ADD CONSTRAINT apart EXCLUDE USING gist (int4range(author_id, author_id + 1) WITH &&)",
    );
    refuses(&db, ONE, "exclusion", "apart");
    refuses(&db, TWO, "exclusion", "apart");
}

#[test]
fn a_domain() {
    for (constraint, kind) in
        [("NOT NULL", "not_null"), ("CONSTRAINT named CHECK (VALUE IS NOT NULL)", "check")]
    {
        let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
        db.execute(&format!("CREATE DOMAIN inner_author AS integer {constraint}; CREATE DOMAIN author AS inner_author"));
        notes(&db, "author_id author");
        refuses(&db, ONE, kind, if kind == "check" { "named" } else { "author_id" });
    }
}

#[test]
fn a_key_to_which_nulls_are_alike() {
    let Some(db) = postgres("author_id integer, UNIQUE NULLS NOT DISTINCT (author_id, title)")
    else {
        return;
    };
    refuses(&db, TWO, "unique", "author_id");
    refuses(&db, MEETS, "unique", "author_id");
    passes(&db, ONE);
    db.execute(
        "CREATE UNIQUE INDEX drafts ON notes (author_id) NULLS NOT DISTINCT WHERE title <> ''",
    );
    refuses(&db, &MEETS.replace("(2, 'a'", "(2, 'b'"), "exclusion", "drafts");
}

#[test]
fn a_key_that_is_checked_late() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(SCHEMA);
    db.execute(
        "CREATE TABLE notes (id integer PRIMARY KEY, title text, author_id integer DEFAULT 20 \
         REFERENCES users ON DELETE SET DEFAULT, CONSTRAINT late UNIQUE (author_id) DEFERRABLE INITIALLY DEFERRED)",
    );
    refuses(&db, TWO, "exclusion", "late");
    refuses(&db, ONE, "exclusion", "late");
    passes(&db, &ONE.replace("20)", "NULL)"));
}

/// They are about the rows that the partition takes, and about no others.
#[test]
fn what_one_partition_says() {
    for (rule, kind) in [
        ("CREATE UNIQUE INDEX decides ON a (title) WHERE author_id IS NULL", "exclusion"),
        ("ALTER TABLE a ADD CONSTRAINT decides CHECK (coalesce(author_id, 0) > 0)", "check"),
        ("ALTER TABLE a ALTER author_id SET NOT NULL", "check"),
    ] {
        let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
        db.execute(SCHEMA);
        db.execute(&format!(
            "CREATE TABLE notes (id integer, title text, author_id integer, {AUTHOR}) PARTITION BY LIST (title);
             CREATE TABLE a PARTITION OF notes FOR VALUES IN ('a'); CREATE TABLE b PARTITION OF notes DEFAULT; {rule}"
        ));
        refuses(&db, TWO, kind, " of a");
        passes(&db, &ONE.replace("'a', 10", "'c', 10"));
    }
}

/// What no question has told is a refusal, too: here MariaDB's unique index over the beginnings of values.
#[test]
fn what_the_engine_alone_knows() {
    let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE stages (code varchar(9) PRIMARY KEY, organization_id integer,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE slots (id integer PRIMARY KEY, code varchar(9), KEY whole (code), UNIQUE KEY first (code(1)),
             FOREIGN KEY (code) REFERENCES stages (code));
         INSERT INTO organizations VALUES (1, 'Apex');
         INSERT INTO stages VALUES ('aa', NULL), ('ab', NULL), ('b', 1);
         INSERT INTO slots VALUES (1, 'b'), (2, 'ab')",
    );
    let policy = db.directory().join("orgsweep.toml");
    let text =
        "[[references]]\nfrom = \"slots.code\"\non-delete = \"set default\"\ndefault = \"aa\"\n";
    std::fs::write(&policy, text).unwrap();
    let before = db.dump();
    let policy = policy.to_string_lossy();
    let preview =
        db.orgsweep(&["preview", "--org-id", "1", "--config", &policy, "--format", "json"]);
    preview.exits(0).says(&["slots.code → stages can be unlinked, the unique index first decides"]);
    let clean = db.orgsweep(&["clean", "--org-id", "1", "--yes", "--config", &policy]).exits(3);
    clean.says(&["slots.code → stages (set default)", "first", "rolled back"]);
    changes(&before, &db.dump()).assert_none();
}

/// A row that is not written yet is none of the table's to a function over its rows.
#[test]
fn an_index_over_whole_rows_is_for_the_engine_to_ask() {
    let Some(db) = postgres("author_id integer") else { return };
    db.execute(
        "CREATE FUNCTION slot(notes) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT coalesce($1.author_id, 0)'",
    );
    db.execute("CREATE UNIQUE INDEX slots ON notes (slot(notes))");
    passes(&db, ONE);
    db.execute(TWO);
    let before = db.dump();
    db.orgsweep(&["preview", "--org-id", "1", "--format", "json"])
        .exits(0)
        .says(&["the unique index slots decides"]);
    db.orgsweep(&["clean", "--org-id", "1", "--yes"]).exits(3).says(&["slots", "rolled back"]);
    changes(&before, &db.dump()).assert_none();
}

/// A preview changes nothing, sequences included; and what a clean would write nobody could foresee.
#[test]
fn a_default_that_is_another_value_each_time_is_never_asked_for() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    for (default, volatile) in [
        ("nextval('numbers')", true),
        ("abs(nextval('numbers')::integer)", true),
        ("drawn()", true),
        ("abs(-20)", false),
        ("20", false),
    ] {
        let db = db.copy();
        db.execute(SCHEMA);
        db.execute(&format!(
            "CREATE SEQUENCE numbers START 20;
             CREATE FUNCTION drawn() RETURNS integer LANGUAGE sql AS $$SELECT nextval('numbers')::integer$$;
             CREATE TABLE notes (id integer PRIMARY KEY, author_id integer DEFAULT {default}
                 REFERENCES users (id) ON DELETE SET DEFAULT);
             INSERT INTO notes VALUES (1, 10), (2, 20)"
        ));
        let code = if volatile { 3 } else { 0 };
        for command in [&["preview"][..], &["clean", "--yes"], &["clean", "--yes", "--no-archive"]]
        {
            let json = ["--org-id", "1", "--format", "json"];
            let db = db.copy();
            let outcome = db.orgsweep(&[command, &json].concat()).exits(code);
            let refusals = outcome.refusals("volatile_default");
            assert_eq!(refusals.len(), usize::from(volatile), "{default}: {outcome}");
            assert_eq!(db.value("SELECT is_called::text FROM numbers"), "false", "{default}");
        }
    }
}

/// SQLite's own checks act row by row: what would be deleted next is unlinked before.
#[test]
fn what_sqlite_would_set_to_null_before_it_goes_is_refused_beforehand() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id integer PRIMARY KEY,
             organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
             boss_id integer NOT NULL REFERENCES users (id) ON DELETE SET NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'), (3, 'Solo');
         INSERT INTO users VALUES (10, 1, 10), (11, 1, 10), (20, 2, 20), (30, 3, 30);",
    );
    let before = db.dump();
    let engine = ["--reference-checks", "engine", "--format", "json"];
    let ways: [&[&str]; 4] = [
        &["preview"],
        &["clean", "--yes"],
        &["clean", "--yes", "--no-archive"],
        &["clean", "--yes", "--batch-rows", "1"],
    ];
    for way in ways {
        let batches = way.contains(&"--batch-rows");
        let checks = if batches { &engine[2..] } else { &engine[..] };
        let outcome = db.orgsweep(&[way, &["--org-id", "1"], checks].concat()).exits(3);
        let refusals = outcome.refusals("nulled_first");
        assert_eq!(refusals.len(), 1, "{outcome}");
        assert_eq!(
            (&refusals[0]["reference"], &refusals[0]["rows"]),
            (&"users.boss_id".into(), &1.into())
        );
    }
    // A row that is taken out and put back is not found by another spelling of its key.
    let other = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    other.execute(
        "PRAGMA foreign_keys = OFF;
         CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (code text COLLATE NOCASE PRIMARY KEY,
             organization_id integer REFERENCES organizations (id) ON DELETE CASCADE,
             made_by text REFERENCES users (code) ON DELETE CASCADE,
             boss text REFERENCES users (code) ON DELETE SET NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO users VALUES ('a', 1, 'a', NULL), ('b', 1, 'B', 'a'), ('c', 2, 'C', 'a'), ('d', 2, 'd', 'a')",
    );
    let there = other.dump();
    for way in ways {
        let checks = if way.contains(&"--batch-rows") { &engine[2..] } else { &engine[..] };
        let outcome = other.orgsweep(&[way, &["--org-id", "1"], checks].concat()).exits(3);
        assert_eq!(outcome.refusals("nulled_first")[0]["rows"], 2, "{outcome}");
    }
    changes(&there, &other.dump()).assert_none();
    other.orgsweep(&["clean", "--yes", "--org-id", "1"]).exits(0);
    assert_eq!(other.count("users"), 2);
    changes(&before, &db.dump()).assert_none();
    // Who names nobody else is deleted as the engine does it; and in sets nobody is unlinked on the way.
    db.orgsweep(&[&["clean", "--yes", "--org-id", "3"], &engine[..]].concat()).exits(0);
    db.orgsweep(&["clean", "--yes", "--org-id", "1", "--reference-checks", "set"]).exits(0);
    assert_eq!(db.count("users"), 1);
    // Where triggers see the rows, the engine's own cascades would do the same.
    db.execute("INSERT INTO organizations VALUES (1, 'Apex'); INSERT INTO users VALUES (10, 1, 10), (11, 1, 10)");
    db.execute("CREATE TRIGGER seen AFTER DELETE ON users BEGIN SELECT 1; END");
    db.orgsweep(&["preview", "--org-id", "1"]).exits(3).says(&["users.boss_id"]);
    db.orgsweep(&["clean", "--yes", "--org-id", "1"]).exits(3).says(&["users.boss_id"]);
}
