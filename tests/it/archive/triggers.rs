//! Triggers that make or change rows when rows come: what is back is what was there, or the restore is refused,
//! and says by whose fault.

use super::*;

const APEX: [&str; 2] = ["--org-name", "Apex"];

/// A sign-up trigger that makes a profile, a counter of users, and a document that outlives its author.
const SCHEMA: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL, users integer NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY, email varchar(50) NOT NULL,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
CREATE TABLE profiles (id integer PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, nick text);
CREATE TABLE visits (user_id integer REFERENCES users (id) ON DELETE CASCADE, page text);
CREATE TABLE docs (id integer PRIMARY KEY, owner_id integer REFERENCES users (id) ON DELETE SET NULL,
    version integer NOT NULL DEFAULT 1);
INSERT INTO organizations VALUES (1, 'Apex', 2), (2, 'Global', 1);
INSERT INTO users VALUES (10, 'ann', 1), (11, 'al', 1), (20, 'gil', 2);
INSERT INTO profiles VALUES (10, 'Annie'), (20, NULL);
INSERT INTO visits VALUES (10, '/'), (10, '/'), (11, NULL), (20, '/');
INSERT INTO docs VALUES (1, 10, 1), (2, 20, 1);
";

fn with_triggers(db: &TestDatabase) {
    db.execute(SCHEMA);
    let profile = "INSERT INTO profiles VALUES (NEW.id, NEW.email)";
    let count = "UPDATE organizations SET users = users + 1 WHERE id = NEW.organization_id";
    let sqlite = format!(
        "CREATE TRIGGER on_user_created AFTER INSERT ON users BEGIN {profile}; {count}; END;
         CREATE TRIGGER seen AFTER INSERT ON visits BEGIN UPDATE visits SET page = 'seen' WHERE rowid = NEW.rowid; END"
    );
    let postgres = format!(
        "CREATE FUNCTION created() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {profile}; {count}; RETURN NEW; END $$;
         CREATE TRIGGER on_user_created AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION created();
         CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.page := 'seen'; RETURN NEW; END $$;
         CREATE TRIGGER seen BEFORE INSERT ON visits FOR EACH ROW EXECUTE FUNCTION seen()"
    );
    let mysql = format!(
        "CREATE TRIGGER on_user_created AFTER INSERT ON users FOR EACH ROW BEGIN {profile}; {count}; END;
         CREATE TRIGGER seen BEFORE INSERT ON visits FOR EACH ROW SET NEW.page = 'seen'"
    );
    db.execute(db.pick(&sqlite, &postgres, &mysql));
}

each_backend! {
    fn rows_that_triggers_would_make_again_come_back_once(db: TestDatabase) {
        with_triggers(&db);
        if db.backend != Backend::Mysql {
            round_trip(&db, &APEX);
            return;
        }
        let told = ["on_user_created of users", "seen of visits", "--fire-triggers"];
        db.orgsweep(&["doctor"]).says(&["on_user_created fires when its rows are put back"]);
        db.orgsweep(&[&["preview"][..], &APEX].concat()).says(&["will not put these rows back", told[0]]);
        clean(&db, &APEX).exits(0).says(&["will not put these rows back", told[0]]);
        let after = contents(&db);
        let archive = only_archive(&db);
        restore(&db, &archive, &["--dry-run"]).exits(3).says(&told);
        restore(&db, &archive, &[]).exits(3).says(&told);
        // Let fire, it makes the profile that the archive has.
        restore(&db, &archive, &["--fire-triggers"]).exits(3).says(&["nothing was written"]);
        changes(&after, &contents(&db)).assert_none();
        db.execute("DROP TRIGGER on_user_created");
        let outcome = restore(&db, &archive, &["--fire-triggers"]).exits(0).says(&["a trigger changed them"]);
        assert_eq!(outcome.json()["altered"][0]["table"], "visits", "{outcome}");
    }

    /// Linking a row again is an UPDATE, in which only SQLite's triggers can be stopped.
    fn links_set_off_no_trigger_unseen(db: TestDatabase) {
        db.execute(SCHEMA);
        let bump = "UPDATE docs SET version = version + 1 WHERE id = NEW.id";
        let sqlite = format!("CREATE TRIGGER bump AFTER UPDATE OF owner_id ON docs BEGIN {bump}; END");
        db.execute(db.pick(
            &sqlite,
            "CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 NEW.version := OLD.version + 1; RETURN NEW; END $$;
             CREATE TRIGGER bump BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION bump()",
            "CREATE TRIGGER bump BEFORE UPDATE ON docs FOR EACH ROW SET NEW.version = OLD.version + 1",
        ));
        clean(&db, &APEX).exits(0);
        let archive = only_archive(&db);
        let versions = |n: &str| assert_eq!(db.value("SELECT version FROM docs WHERE id = 1"), n);
        if db.is_sqlite() {
            restore(&db, &archive, &[]).exits(0).says(&["bump of docs"]);
            versions("2");
        } else {
            restore(&db, &archive, &[]).exits(3).says(&["bump of docs", "UPDATE", "--fire-triggers"]);
            versions("2");
            restore(&db, &archive, &["--fire-triggers"]).exits(0).says(&["bump of docs"]);
            versions("3");
        }
        assert_eq!(db.value("SELECT owner_id FROM docs WHERE id = 1"), "10");
    }

    /// Zero has two signs where values have types, and rows that are alike are counted.
    fn every_value_is_compared(db: TestDatabase) {
        let zero = db.pick("-0.0", "'-0'", "-0e0");
        let real = db.pick("x", "x double precision", "x double");
        db.execute(&format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE points (id integer PRIMARY KEY, {real},
                 organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE marks ({real}, organization_id integer REFERENCES organizations (id) ON DELETE CASCADE);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global')"
        ));
        db.execute(&format!(
            "INSERT INTO points VALUES (1, {zero}, 1), (2, 0, 1), (3, 0.5, 1);
             INSERT INTO marks VALUES ({zero}, 1), (0, 1), ({zero}, 2), (NULL, 1), (0.5, 1), (0.5, 1)"
        ));
        round_trip(&db, &APEX);
    }
}

/// SQLite's text of -0.0 is that of 0.0: the archive tells them apart.
#[test]
fn negative_zero_of_sqlite() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE points (x, organization_id integer REFERENCES organizations (id) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex');
         INSERT INTO points VALUES (-0.0, 1)",
    );
    clean(&db, &APEX).exits(0);
    let archive = only_archive(&db);
    let file = std::process::Command::new("tar")
        .args(["--zstd", "-xOf"])
        .arg(&archive)
        .args(["--wildcards", "rows/*points/*"])
        .output()
        .expect("tar runs");
    assert!(String::from_utf8_lossy(&file.stdout).starts_with("-0.0\t"), "{file:?}");
    restore(&db, &archive, &[]).exits(0);
}

/// What the replica role would leave out besides triggers stays with the engine: keys that are checked late,
/// and references that do not compare plainly.
#[test]
fn keys_of_postgres_that_are_checked_late() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id integer PRIMARY KEY, place integer UNIQUE DEFERRABLE,
             organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE tasks (id integer PRIMARY KEY, organization_id bigint REFERENCES organizations (id) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO users VALUES (10, 7, 1), (20, 8, 2);
         INSERT INTO tasks VALUES (1, 1), (2, 2)",
    );
    round_trip(&db, &APEX);
    clean(&db, &APEX).exits(0);
    db.execute("INSERT INTO users VALUES (21, 7, 2)");
    let after = contents(&db);
    restore(&db, &only_archive(&db), &[]).exits(3).says(&["users_place_key"]);
    changes(&after, &contents(&db)).assert_none();
}

/// `DISABLE TRIGGER` stops no rule.
#[test]
fn rules_are_disabled_as_rules() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id integer PRIMARY KEY,
             organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE seen (id integer);
         CREATE RULE welcome AS ON INSERT TO users DO ALSO INSERT INTO seen VALUES (NEW.id);
         ALTER TABLE users ENABLE ALWAYS RULE welcome;
         INSERT INTO organizations VALUES (1, 'Apex');
         INSERT INTO users VALUES (10, 1)",
    );
    let told = ["rule welcome of users", "DISABLE RULE"];
    let outcome = db.orgsweep(&["preview", "--org-id", "1"]).exits(0).says(&told);
    outcome.hides("DISABLE TRIGGER");
    clean(&db, &APEX).exits(0);
    restore(&db, &only_archive(&db), &[]).exits(3).says(&told).hides("DISABLE TRIGGER");
    db.execute("ALTER TABLE users DISABLE RULE welcome");
    restore(&db, &only_archive(&db), &[]).exits(0);
    assert_eq!(db.count("users"), 1);
}

/// PostgreSQL's triggers of the other replication role: none is skipped that fires always, none fires out of turn.
#[test]
fn triggers_of_the_other_replication_role() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    with_triggers(&db);
    db.execute("DROP TRIGGER seen ON visits");
    for (role, code) in [("REPLICA", 0), ("ALWAYS", 3)] {
        let copy = db.copy();
        copy.execute(&format!("ALTER TABLE users ENABLE {role} TRIGGER on_user_created"));
        let before = contents(&copy);
        clean(&copy, &APEX).exits(0);
        let after = contents(&copy);
        let outcome = restore(&copy, &only_archive(&copy), &[]).exits(code);
        let expected = if code == 0 { &before } else { &after };
        changes(expected, &contents(&copy)).assert_none();
        if code != 0 {
            outcome.says(&["on_user_created of users", "DISABLE TRIGGER", "--fire-triggers"]);
        }
    }
}
