//! What one engine can do and another cannot, by the name of what it is good for: whoever runs a plan asks
//! here, and never who the engine is.

use super::Dialect;
use super::mysql::Family;
use crate::plan::Checks;

/// How rows that name each other are deleted while the engine checks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cycles {
    /// The checks wait for COMMIT.
    Deferred,
    /// The checks come at the end of a statement: one that deletes them all.
    OneStatement,
    /// Each row is checked as it goes: those first that nothing names.
    LeavesFirst,
}

/// What keeps a user's triggers from firing while rows are put back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Silence {
    /// Nothing does.
    #[default]
    Nothing,
    /// PostgreSQL's replica role. Only INSERTs are made in it: nothing checks references there, and an UPDATE
    /// can break what was not looked at.
    ReplicaRole,
    /// SQLite's switch, which leaves the actions of foreign keys alone.
    Switch,
}

impl Dialect {
    /// What the address of a row is called, for tables without a key. MariaDB's rows have none: there those
    /// that are alike in everything go, or stay, together.
    pub fn row_address(self) -> Option<&'static str> {
        match self {
            Dialect::Sqlite => Some("rowid"),
            Dialect::Postgres => Some("ctid"),
            Dialect::Mysql => None,
        }
    }

    pub fn cycles(self) -> Cycles {
        match self {
            Dialect::Sqlite => Cycles::Deferred,
            Dialect::Postgres => Cycles::OneStatement,
            Dialect::Mysql => Cycles::LeavesFirst,
        }
    }

    /// Nobody else writes while we do.
    pub fn excludes_writers(self) -> bool {
        self == Dialect::Sqlite
    }

    /// Whoever adds a child waits for a lock in the very index that its reference leads to, not for one on
    /// the row. <https://dev.mysql.com/doc/refman/8.0/en/innodb-locks-set.html>
    pub fn locks_index_entries(self) -> bool {
        self == Dialect::Mysql
    }

    /// Who holds a table keeps others from adding references to it. MariaDB's metadata locks do not: ALTER TABLE
    /// takes them on the table that names, and on no other.
    pub fn keeps_references_out(self) -> bool {
        self != Dialect::Mysql
    }

    /// Values of any two types are compared, as numbers where nothing else fits: '7abc' is 7.
    pub fn compares_anything(self) -> bool {
        self == Dialect::Mysql
    }

    /// An index can hold all of a value of this type.
    pub(crate) fn indexes_all_of(self, type_name: &str) -> bool {
        self != Dialect::Mysql || !Family::is_long(type_name)
    }

    /// One reading of a table can serve several references at once (`sql/sweep.rs`).
    pub fn sweeps(self) -> bool {
        self == Dialect::Postgres
    }

    /// Statistics of tables are there when somebody has asked for them.
    pub fn waits_for_analyze(self) -> bool {
        self == Dialect::Postgres
    }

    /// Asks for the names of our own tables that an earlier transaction has left.
    pub fn leftovers(self) -> Option<&'static str> {
        (self == Dialect::Sqlite).then_some(
            "SELECT name FROM temp.sqlite_schema WHERE type = 'table' AND name GLOB 'orgsweep_*'",
        )
    }

    /// A statement can delete rows and put their keys into a table.
    pub fn keeps_deleted_keys(self) -> bool {
        self == Dialect::Postgres
    }

    /// What makes the rest of a transaction only read, and what ends that: the mode of a subtransaction goes with it.
    /// `None`: SQLite has nothing in an expression that writes, and MariaDB's transactions are read-only whole or not
    /// at all.
    pub fn read_only_apart(self) -> Option<(&'static str, &'static str)> {
        (self == Dialect::Postgres).then_some((
            "SAVEPOINT orgsweep_selection; SET TRANSACTION READ ONLY",
            "RELEASE SAVEPOINT orgsweep_selection",
        ))
    }

    /// The reference checks of a session, said before BEGIN: SQLite decides there whether it checks at all;
    /// MariaDB's are on but for deletions ([`Dialect::watch_rows`]).
    pub fn reference_checks(self, checks: Checks) -> Option<&'static str> {
        match (self, checks) {
            (Dialect::Sqlite, Checks::Set) => Some("PRAGMA foreign_keys = OFF"),
            (Dialect::Sqlite, Checks::Engine) => Some("PRAGMA foreign_keys = ON"),
            (Dialect::Postgres, _) => None,
            (Dialect::Mysql, _) => Some("SET SESSION foreign_key_checks = 1"),
        }
    }

    /// Turns the checks of each row off or on within a transaction, and the cascades with them.
    pub fn watch_rows(self, watched: bool) -> Option<&'static str> {
        match (self, watched) {
            (Dialect::Sqlite, _) => None,
            (Dialect::Postgres, true) => Some("SET LOCAL session_replication_role = origin"),
            (Dialect::Postgres, false) => Some("SET LOCAL session_replication_role = replica"),
            (Dialect::Mysql, true) => Some("SET SESSION foreign_key_checks = 1"),
            (Dialect::Mysql, false) => Some("SET SESSION foreign_key_checks = 0"),
        }
    }

    /// Rows that the engine's own actions delete or change fire triggers. MariaDB's fire none
    /// (<https://mariadb.com/kb/en/trigger-limitations/>).
    pub fn cascades_fire_triggers(self) -> bool {
        self != Dialect::Mysql
    }

    /// Lets cycles hold at COMMIT, those of RESTRICT references too: SQLite defers even these.
    pub fn defer_checks(self, checks: Checks) -> Option<&'static str> {
        (self == Dialect::Sqlite && checks == Checks::Engine)
            .then_some("PRAGMA defer_foreign_keys = ON")
    }

    /// Makes up for deferred checks, which would otherwise do their work, and fail, inside COMMIT.
    pub fn settle_checks(self) -> Option<&'static str> {
        (self == Dialect::Postgres).then_some("SET CONSTRAINTS ALL IMMEDIATE")
    }
}
