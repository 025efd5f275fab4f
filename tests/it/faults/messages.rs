//! What an error means is told by the engine's number or its very own words, in whatever language: never by what a
//! trigger says.

use crate::support::*;

const SCHEMA: &str = "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
    CREATE TABLE users (id integer PRIMARY KEY, o integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
    INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta'); INSERT INTO users VALUES (1, 1), (2, 2);";

const CLEAN: [&str; 4] = ["clean", "--org-id", "1", "--yes"];

/// A trigger that ends every DELETE with this message.
fn raise(db: &TestDatabase, message: &str) {
    let message = message.replace('\'', "''");
    db.execute(&match db.backend {
        Backend::Sqlite => format!(
            "DROP TRIGGER IF EXISTS audit;
             CREATE TRIGGER audit BEFORE DELETE ON users BEGIN SELECT RAISE(ABORT, '{message}'); END"
        ),
        Backend::Postgres => format!(
            "CREATE OR REPLACE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
                 $$BEGIN RAISE EXCEPTION USING MESSAGE = '{message}'; END$$;
             CREATE OR REPLACE TRIGGER audit BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION audit()"
        ),
        Backend::Mysql => format!(
            "CREATE OR REPLACE TRIGGER audit BEFORE DELETE ON users FOR EACH ROW
                 SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{message}'"
        ),
    });
}

each_backend! {
    fn what_a_trigger_says_is_no_fault_of_the_engine(db: TestDatabase) {
        db.execute(SCHEMA);
        let before = db.dump();
        let messages = [
            "deadlock detected",
            "Deadlock found when trying to get lock; try restarting transaction",
            "canceling statement due to lock timeout",
            "Lock wait timeout exceeded; try restarting transaction",
            "database is locked",
            "Query execution was interrupted",
            "permission denied for table users",
            "Input/output error",
            "server closed the connection unexpectedly",
        ];
        for message in messages {
            let message = format!("{message} in the books");
            // libpq's own message goes on after its first words.
            let libpq = db.backend == Backend::Postgres && message.starts_with("server closed");
            if !libpq {
                raise(&db, &message);
                db.orgsweep(&CLEAN).exits(1).says(&[&message, "users"]);
            }
        }
        // To the letter, where the engine has a number for it, or more to say.
        for message in [messages[0], messages[1]] {
            raise(&db, message);
            db.orgsweep(&CLEAN).exits(1).says(&[message, "users"]);
        }
        assert_eq!(db.dump(), before);
    }
}

/// A role that cannot choose the language of messages.
#[test]
fn postgresql_in_other_languages() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(SCHEMA);
    let role = db.role();
    db.execute(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}", role.name));
    let before = db.dump();
    let mut spoken = 0;
    for language in ["de_DE.UTF-8", "fr_FR.UTF-8", "ja_JP.UTF-8"] {
        let set = format!("ALTER DATABASE {} SET lc_messages = '{language}'", db.name());
        if db.with(|database| database.run(&set)).is_err() {
            continue;
        }
        let in_english = db.connect().run("SELECT 1/0").is_err_and(|e| e.message.contains("zero"));
        spoken += usize::from(!in_english);
        let with_role = |flags: &[&str]| {
            let common = ["--database-url", &role.url];
            db.orgsweep(&[flags, &common].concat())
        };
        let mut other = db.connect();
        other.run("BEGIN; SELECT FROM users WHERE id = 1 FOR UPDATE").expect("a lock");
        let clean = [&CLEAN[..], &["--lock-timeout", "1s"]].concat();
        with_role(&clean).exits(5).says(&["somebody holds a lock"]);
        other.run("ROLLBACK").expect("the end");
        with_role(&["preview", "--org-id", "one"]).exits(2);
        assert_eq!(db.dump(), before, "{language}");
    }
    if spoken == 0 {
        skip("PostgreSQL's server speaks English only: localedef -i de_DE -f UTF-8 de_DE.UTF-8");
    }
}
