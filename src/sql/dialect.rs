//! How each engine says what the rest of `sql` means.

/// An engine's way of writing SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// What stands before a bound value's number.
    pub fn sigil(self) -> char {
        match self {
            Dialect::Sqlite => '?',
            Dialect::Postgres => '$',
        }
    }

    /// Isolation and mode are always named: roles and databases may have other defaults.
    pub fn begin(self, write: bool) -> &'static str {
        match (self, write) {
            (Dialect::Sqlite, false) => "BEGIN DEFERRED",
            (Dialect::Sqlite, true) => "BEGIN IMMEDIATE",
            // READ WRITE for the temporary tables that hold the keys.
            (Dialect::Postgres, false) => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE",
            (Dialect::Postgres, true) => "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE",
        }
    }
}
