//! Triggers that look for other rows while theirs go: as the engine's own DELETE has it, or named and refused.

use crate::support::*;

const SCHEMA: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE members (id integer PRIMARY KEY, role varchar(9) NOT NULL,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
CREATE TABLE articles (id integer PRIMARY KEY,
    author_id integer NOT NULL REFERENCES members (id) ON DELETE CASCADE);
CREATE TABLE entries (article_id integer NOT NULL REFERENCES articles (id) ON DELETE CASCADE);
CREATE TABLE notes (id integer PRIMARY KEY, author_id integer REFERENCES members (id) ON DELETE SET NULL);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO members VALUES (10, 'owner', 1), (11, 'guest', 1), (20, 'owner', 2);
INSERT INTO articles VALUES (100, 11), (200, 20);
INSERT INTO entries VALUES (100), (200);
INSERT INTO notes VALUES (1, 10), (2, 20);
";

const CLEAN: [&str; 6] = ["clean", "--org-name", "Apex", "--yes", "--format", "json"];

fn clean(db: &TestDatabase, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&CLEAN[..], flags].concat())
}

/// A trigger `BEFORE` or `AFTER` rows of `table` go; the same SQL on every engine.
fn add_trigger(db: &TestDatabase, name: &str, (when, table): (&str, &str), sql: &str) {
    let sqlite = format!("CREATE TRIGGER {name} {when} DELETE ON {table} BEGIN {sql}; END");
    let postgres = format!(
        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {sql}; RETURN OLD; END$$; \
         CREATE TRIGGER {name} {when} DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    );
    let mysql =
        format!("CREATE TRIGGER {name} {when} DELETE ON {table} FOR EACH ROW BEGIN {sql}; END");
    db.execute(db.pick(&sqlite, &postgres, &mysql));
}

/// An owner goes with the organization only.
fn keep_owner(db: &TestDatabase) {
    db.execute(SCHEMA);
    let there = "OLD.role = 'owner' AND EXISTS (SELECT 1 FROM organizations WHERE id = OLD.organization_id)";
    let sqlite = format!(
        "CREATE TRIGGER keep_owner BEFORE DELETE ON members WHEN {there} BEGIN SELECT RAISE(ABORT, 'one must stay'); END"
    );
    let postgres = format!(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN \
         IF {there} THEN RAISE EXCEPTION 'one must stay'; END IF; RETURN OLD; END$$; \
         CREATE TRIGGER keep_owner BEFORE DELETE ON members FOR EACH ROW EXECUTE FUNCTION keep()"
    );
    let mysql = format!(
        "CREATE TRIGGER keep_owner BEFORE DELETE ON members FOR EACH ROW BEGIN \
         IF {there} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'one must stay'; END IF; END"
    );
    db.execute(db.pick(&sqlite, &postgres, &mysql));
}

/// What the engine's own DELETE leaves.
fn by_the_engine(db: &TestDatabase) -> Dump {
    let copy = db.copy();
    let own = "DELETE FROM organizations WHERE id = 1";
    copy.execute(db.either(&format!("PRAGMA foreign_keys = ON; {own}"), own));
    copy.dump()
}

each_backend! {
    /// A trigger on UPDATE of other columns than an unlink writes does not fire, so that nobody has to ask what it does.
    fn a_trigger_on_other_columns_does_not_count(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("MariaDB's triggers see any UPDATE");
        }
        for (columns, checks) in [("id", "set"), ("id, author_id", "engine")] {
            let db = db.copy();
            db.execute(SCHEMA);
            let sqlite = format!("CREATE TRIGGER seen AFTER UPDATE OF {columns} ON notes BEGIN SELECT 1; END");
            let postgres = format!(
                "CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$; \
                 CREATE TRIGGER seen AFTER UPDATE OF {columns} ON notes FOR EACH ROW EXECUTE FUNCTION seen()"
            );
            db.execute(db.either(&sqlite, &postgres));
            let outcome = clean(&db, &[]).exits(0);
            assert_eq!(outcome.json()["reference_checks"], checks, "{columns}: {outcome}");
            assert_eq!(db.count("notes WHERE author_id IS NULL"), 1);
        }
    }

    fn an_owner_goes_with_its_organization(db: TestDatabase) {
        keep_owner(&db);
        let (before, after) = (db.dump(), by_the_engine(&db));
        let never = clean(&db, &["--engine-cascade=never"]).exits(1);
        never.says(&["one must stay", "keep_owner of members", "--engine-cascade"]);
        changes(&before, &db.dump()).assert_none();
        // MariaDB's own cascades fire no trigger: orgsweep's deletions do, unless told otherwise.
        let flags: &[&str] = if db.backend == Backend::Mysql { &["--engine-cascade"] } else { &[] };
        let preview = db.orgsweep(&[&["preview", "--org-name", "Apex", "--format", "json"][..], flags].concat());
        assert_eq!(preview.json()["order"], "engine_cascade", "{preview}");
        changes(&before, &db.dump()).assert_none();
        let outcome = clean(&db, flags).exits(0);
        assert_eq!(outcome.json()["totals"]["deleted"], 5, "{outcome}");
        assert_eq!(outcome.json()["totals"]["unlinked"], 1, "{outcome}");
        changes(&after, &db.dump()).assert_none();
    }

    /// Whether the engine's own DELETE unlinks a row or takes it along hangs on its order: PostgreSQL comes to what it reaches
    /// through others last.
    fn a_row_that_is_unlinked_or_goes_by_the_order_of_the_engine_goes_by_ours(db: TestDatabase) {
        db.execute("CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
            CREATE TABLE orders (org integer NOT NULL, no integer NOT NULL, PRIMARY KEY (org, no),
                FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
            CREATE TABLE teams (id integer PRIMARY KEY, org integer, no integer,
                FOREIGN KEY (org, no) REFERENCES orders (org, no) ON DELETE CASCADE,
                FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE SET NULL);
            CREATE TABLE log (team integer);
            INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
            INSERT INTO orders VALUES (1, 1), (2, 1); INSERT INTO teams VALUES (1, 1, 1), (2, 2, 1)");
        add_trigger(&db, "seen", ("AFTER", "teams"), "INSERT INTO log VALUES (OLD.id)");
        let outcome = clean(&db, &["--engine-cascade", "--force"]).exits(3);
        outcome.says(&["teams.org", "takes the row along"]);
        clean(&db, &["--force"]).exits(0);
        assert_eq!((db.value("SELECT id FROM teams"), db.value("SELECT team FROM log")), ("2".into(), "1".into()));
    }

    /// Nobody is told to try what has just failed.
    fn a_trigger_that_stops_the_engine_itself_has_another_hint(db: TestDatabase) {
        db.execute(SCHEMA);
        let sqlite = "CREATE TRIGGER keep BEFORE DELETE ON organizations BEGIN SELECT RAISE(ABORT, 'it must stay'); END";
        let postgres = "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN \
                        RAISE EXCEPTION 'it must stay'; END$$; CREATE TRIGGER keep BEFORE DELETE ON organizations \
                        FOR EACH ROW EXECUTE FUNCTION keep()";
        let mysql = "CREATE TRIGGER keep BEFORE DELETE ON organizations FOR EACH ROW BEGIN \
                     SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'it must stay'; END";
        db.execute(db.pick(sqlite, postgres, mysql));
        let outcome = clean(&db, &["--engine-cascade"]).exits(1).says(&["it must stay", "disabled"]);
        outcome.hides("--engine-cascade");
        // Nor where the engine cascades without being told to, or could not.
        if db.backend != Backend::Mysql {
            clean(&db, &[]).exits(1).says(&["it must stay"]).hides("--engine-cascade");
        }
        db.execute("CREATE TABLE tags (id integer PRIMARY KEY, member_id integer REFERENCES members (id))");
        db.execute("INSERT INTO tags VALUES (1, 10)");
        clean(&db, &["--force"]).exits(1).says(&["it must stay"]).hides("--engine-cascade");
    }

    fn what_the_engine_deletes_is_archived_and_comes_back(db: TestDatabase) {
        db.execute(SCHEMA);
        let before = db.dump();
        let archive_dir = db.directory().join("archives");
        let archive_dir = archive_dir.to_string_lossy();
        let outcome = clean(&db, &["--engine-cascade", "--archive-dir", &archive_dir]).exits(0);
        let json = outcome.json();
        let archive = json["archives"][0].as_str().expect("an archive");
        assert_eq!(changes(&before, &db.dump()).deleted("articles"), 1);
        db.orgsweep(&["restore", archive]).exits(0);
        changes(&before, &db.dump()).assert_none();
    }

    /// Its owner's trigger gives an article away before the engine's cascade comes to it.
    fn an_article_that_is_given_away_does_not_go(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("MariaDB's cascades fire no trigger");
        }
        db.execute(SCHEMA);
        let give = "UPDATE articles SET author_id = 20 WHERE author_id = OLD.id";
        add_trigger(&db, "give", ("BEFORE", "members"), give);
        let before = db.dump();
        clean(&db, &[]).exits(3).says(&["rows of articles", "give of members", "rolled back"]);
        changes(&before, &db.dump()).assert_none();
    }

    /// The same while rows go children first: what was found is not ours any more.
    fn an_article_that_is_given_away_on_the_way_does_not_go(db: TestDatabase) {
        db.execute(SCHEMA);
        let give = "UPDATE articles SET author_id = 20 WHERE id = OLD.article_id";
        add_trigger(&db, "give", ("AFTER", "entries"), give);
        let before = db.dump();
        let outcome = clean(&db, &["--engine-cascade=never"]).exits(3);
        outcome.says(&["1 of 1 rows of articles", "give of entries", "rolled back"]);
        changes(&before, &db.dump()).assert_none();
    }

    fn what_no_cascade_reaches_is_not_for_the_engine(db: TestDatabase) {
        db.execute(&SCHEMA.replace("members (id) ON DELETE CASCADE", "members (id) ON DELETE RESTRICT"));
        let before = db.dump();
        let outcome = clean(&db, &["--force", "--engine-cascade"]).exits(3);
        outcome.says(&["articles.author_id → members", "engine_cascade"]);
        clean(&db, &["--engine-cascade", "--batch-rows", "1"]).exits(2);
        clean(&db, &["--engine-cascade", "--reference-checks", "set"]).exits(2);
        changes(&before, &db.dump()).assert_none();
        clean(&db, &["--force"]).exits(0);
    }

    /// What a trigger takes along of a later batch would be in no archive.
    fn batches_keep_what_triggers_take(db: TestDatabase) {
        db.execute(SCHEMA);
        add_trigger(&db, "leaving", ("AFTER", "entries"), "DELETE FROM notes WHERE author_id = 99");
        let before = db.dump();
        let told = ["leaving of entries", "--no-archive", "--batch-rows"];
        clean(&db, &["--batch-rows", "1"]).exits(3).says(&told);
        changes(&before, &db.dump()).assert_none();
        clean(&db, &["--batch-rows", "1", "--no-archive"]).exits(0);
        assert_eq!(changes(&before, &db.dump()).deleted("members"), 2);
    }
}
