//! A small company with one of everything that makes deleting hard: CASCADE, RESTRICT, NO ACTION and
//! SET NULL, a cycle of NOT NULL references, a self-reference, a table without key.

use super::proxy::SESSION;
use crate::support::*;
use std::time::{Duration, Instant};

/// The forced deletion of `Apex` (1).
pub const CLEAN: [&str; 7] =
    ["clean", "--org-name", "Apex", "--force", "--yes", "--format", "json"];

/// What a clean does to which table, in no order.
pub const STEPS: [(&str, &str); 7] = [
    ("organizations", "DELETE"),
    ("teams", "DELETE"),
    ("users", "DELETE"),
    ("deals", "DELETE"),
    ("logs", "DELETE"),
    ("inbox", "DELETE"),
    ("notes", "UPDATE"),
];

/// `{users}` is declared after `users` where the engine wants it so.
const SCHEMA: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE teams (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    lead_id integer NOT NULL {users}
);
CREATE TABLE users (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    team_id integer NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    manager_id integer REFERENCES users (id)
);
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    created_by integer NOT NULL REFERENCES users (id) ON DELETE RESTRICT
);
CREATE TABLE logs (deal_id integer NOT NULL REFERENCES deals (id) ON DELETE CASCADE, what text);
CREATE TABLE inbox (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE TABLE notes (id integer PRIMARY KEY, deal_id integer REFERENCES deals (id) ON DELETE SET NULL);
CREATE TABLE graveyard (what text);
";

/// Organizations 1 and 2, with the same of everything.
const ROWS: &str = "\
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO teams VALUES (10, 1, 101), (11, 1, 103), (20, 2, 201);
INSERT INTO users VALUES
    (101, 1, 10, NULL), (102, 1, 10, 101), (103, 1, 11, 102), (201, 2, 20, NULL), (202, 2, 20, 201);
INSERT INTO deals VALUES (1001, 1, 101), (1002, 1, 103), (2001, 2, 201);
INSERT INTO logs VALUES (1001, 'won'), (1001, 'won'), (1002, 'lost'), (2001, 'won');
INSERT INTO inbox VALUES (1, 1), (2, 1), (3, 2);
INSERT INTO notes VALUES (1, 1001), (2, NULL), (3, 2001);
";

pub struct Company {
    pub db: TestDatabase,
    pub before: Dump,
    /// After an undisturbed clean.
    pub after: Dump,
}

/// What a run left of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Everything,
    /// Of Apex.
    Nothing,
}

impl Company {
    /// In an empty database.
    pub fn fresh(db: TestDatabase) -> Company {
        Company::create(&db);
        let before = db.dump();
        let outcome = db.orgsweep(&CLEAN).exits(0);
        let after = db.dump();
        let changed = changes(&before, &after);
        let deleted = STEPS.map(|(table, _)| changed.deleted(table));
        assert_eq!(deleted, [1, 2, 3, 2, 3, 2, 0], "{changed}");
        assert_eq!(outcome.rows("delete").values().sum::<u64>(), 13, "{outcome}");
        let company = Company { db, before, after };
        company.refill();
        company
    }

    pub fn on(backend: Backend) -> Option<Company> {
        TestDatabase::fresh(backend).map(Company::fresh)
    }

    /// For tests of PostgreSQL alone.
    pub fn on_postgres() -> Option<Company> {
        Company::on(Backend::Postgres)
    }

    fn create(db: &TestDatabase) {
        let lead = "REFERENCES users (id)";
        db.execute(&SCHEMA.replace("{users}", db.either(lead, "")));
        if !db.is_sqlite() {
            db.execute(&format!("ALTER TABLE teams ADD FOREIGN KEY (lead_id) {lead}"));
        }
        unchecked(db, ROWS);
    }

    /// The rows as they were at first.
    pub fn refill(&self) {
        let delete = self.before.keys().map(|table| format!("DELETE FROM {table}; "));
        unchecked(&self.db, &(delete.collect::<String>() + ROWS));
    }

    /// Everything or nothing is left and nothing dangles.
    #[track_caller]
    pub fn left(&self, case: &str) -> Left {
        let now = self.db.dump();
        assert!(self.db.dangling().is_empty(), "{case}: {:?}", self.db.dangling());
        let changed = changes(&self.before, &now);
        if changed.is_empty() {
            Left::Everything
        } else {
            let wrong = changes(&self.after, &now);
            assert!(wrong.is_empty(), "{case}: half deleted:\n{changed}");
            Left::Nothing
        }
    }
}

/// Without foreign keys and triggers: the cycle has no beginning.
fn unchecked(db: &TestDatabase, sql: &str) {
    let (off, on) = match db.backend {
        Backend::Sqlite => ("PRAGMA foreign_keys = OFF; ", "PRAGMA foreign_keys = ON;"),
        Backend::Postgres => {
            ("SET session_replication_role = replica; ", "RESET session_replication_role;")
        }
        Backend::Mysql => ("SET foreign_key_checks = 0; ", "SET foreign_key_checks = 1;"),
    };
    db.execute(&format!("{off}{sql}{on}"));
}

/// `FROM` for the proxied sessions of a database.
pub fn proxied(backend: Backend) -> String {
    match backend {
        Backend::Sqlite => unreachable!("a server's sessions"),
        Backend::Postgres => format!(
            "FROM pg_stat_activity a WHERE datname = current_database() AND application_name = '{SESSION}'"
        ),
        Backend::Mysql => format!(
            "FROM information_schema.processlist p WHERE db = database() AND user = '{SESSION}'"
        ),
    }
}

/// Waits until no proxied session is left: what it did is then decided.
pub fn wait_for_backends(db: &TestDatabase) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let sessions = format!("SELECT count(*) {}", proxied(db.backend));
    while db.value(&sessions) != "0" {
        assert!(Instant::now() < deadline, "a session of orgsweep hangs");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Defines a test that runs once on each server: `fn name(backend)`.
macro_rules! each_server {
    ($($(#[$attribute:meta])* fn $name:ident($backend:ident: Backend) $body:block)*) => {$(
        mod $name {
            use super::*;

            fn body($backend: Backend) $body

            $(#[$attribute])*
            #[test]
            fn postgres() {
                body(Backend::Postgres);
            }

            $(#[$attribute])*
            #[test]
            fn mysql() {
                body(Backend::Mysql);
            }
        }
    )*};
}
pub(crate) use each_server;
