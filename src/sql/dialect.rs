//! How each engine says what the rest of `sql` means.

use super::{quote, quote_table};
use crate::catalog::TableName;
use std::time::Duration;

/// An engine's way of writing SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// One unchanging picture of the data, and nothing else: a standby serves it, too.
    Look,
    /// The same, with temporary tables for what is found.
    Read,
    /// Deleting. PostgreSQL: READ COMMITTED, where a lock once granted shows what was committed
    /// before it (DESIGN 7). SQLite: BEGIN IMMEDIATE keeps other writers out.
    Write,
}

impl Dialect {
    /// Isolation and mode are always named: roles and databases may have other defaults.
    pub fn begin(self, purpose: Purpose) -> &'static str {
        match (self, purpose) {
            (Dialect::Sqlite, Purpose::Look | Purpose::Read) => "BEGIN DEFERRED",
            (Dialect::Sqlite, Purpose::Write) => "BEGIN IMMEDIATE",
            (Dialect::Postgres, Purpose::Look) => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            }
            (Dialect::Postgres, Purpose::Read) => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE"
            }
            (Dialect::Postgres, Purpose::Write) => {
                "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"
            }
        }
    }

    /// Settings for one transaction of `purpose`, right after BEGIN. SQLite's default cache of 2 MB
    /// is read over and over where rows go in another order than they lie in; a deletion changes
    /// the user's tables, a preview only its key tables.
    ///
    /// PostgreSQL: `row_security = off` turns rows that a policy would hide into an error; JIT costs
    /// more than these statements take, and a key table's statistics need no more than 3,000 rows;
    /// key tables and the hash joins over them shall fit in the server's memory, where a role's own
    /// settings are not more generous.
    pub fn session(self, lock_timeout: Duration, write: bool) -> String {
        match self {
            Dialect::Sqlite => {
                let (main, temporary) = if write { (20, 8) } else { (8, 24) };
                format!(
                    "PRAGMA main.cache_size = -{}; PRAGMA temp.cache_size = -{}",
                    main * 1024,
                    temporary * 1024
                )
            }
            Dialect::Postgres => format!(
                "SET LOCAL row_security = off; SET LOCAL jit = off; SET LOCAL default_statistics_target = 10; \
                 SET LOCAL client_min_messages = error; SET LOCAL lock_timeout = {}; {LOSSLESS}; \
                 SELECT set_config('application_name', 'orgsweep', true) \
                 WHERE current_setting('application_name') = ''; \
                 SELECT set_config(name, '65536kB', true) FROM (VALUES ('work_mem'), ('temp_buffers')) v(name) \
                 WHERE pg_size_bytes(current_setting(name)) < 65536 * 1024",
                lock_timeout.as_millis()
            ),
        }
    }

    /// A user's table. SQLite's temporary tables would hide one of the same name.
    pub(super) fn table(self, name: &TableName) -> String {
        match self {
            Dialect::Sqlite => format!("main.{}", quote(&name.name)),
            Dialect::Postgres => quote_table(name),
        }
    }

    /// One of our own temporary tables.
    pub(super) fn temporary(self, name: &str) -> String {
        match self {
            Dialect::Sqlite => format!("temp.{name}"),
            Dialect::Postgres => format!("pg_temp.{name}"),
        }
    }

    pub(super) fn as_text(self, expression: &str) -> String {
        match self {
            Dialect::Sqlite => format!("CAST({expression} AS TEXT)"),
            Dialect::Postgres => format!("({expression})::text"),
        }
    }

    /// Locks the rows of `alias` that a query returns, where rows can be locked.
    pub(super) fn for_update(self, alias: &str, lock: bool) -> String {
        match self {
            Dialect::Postgres if lock => format!(" FOR UPDATE OF {alias}"),
            _ => String::new(),
        }
    }
}

/// Texts of values that their types read again, whatever the settings of the role that writes them or of
/// the one that reads them (PostgreSQL).
const LOSSLESS: &str = "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; \
                        SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; \
                        SET LOCAL lc_monetary = 'C'; SET LOCAL xmloption = 'content'; \
                        SET LOCAL array_nulls = on";

/// SQLite's column affinities, told from a declared type (<https://sqlite.org/datatype3.html>, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

impl Affinity {
    pub(super) fn of(type_name: &str) -> Affinity {
        let name = type_name.to_ascii_uppercase();
        let holds = |words: &[&str]| words.iter().any(|word| name.contains(word));
        match () {
            () if holds(&["INT"]) => Affinity::Integer,
            () if holds(&["CHAR", "CLOB", "TEXT"]) => Affinity::Text,
            () if name.is_empty() || holds(&["BLOB"]) || name == "ANY" => Affinity::Blob,
            () if holds(&["REAL", "FLOA", "DOUB"]) => Affinity::Real,
            () => Affinity::Numeric,
        }
    }

    pub(super) fn as_type(self) -> &'static str {
        match self {
            Affinity::Integer => "INTEGER",
            Affinity::Text => "TEXT",
            Affinity::Blob => "BLOB",
            Affinity::Real => "REAL",
            Affinity::Numeric => "NUMERIC",
        }
    }
}
