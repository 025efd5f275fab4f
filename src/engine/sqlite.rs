//! How SQLite speaks.

use super::contract::{NUMBERS, between};
use super::seen::{hides_something, with_plain_blanks};
use super::{Cycles, Engine, Purpose, quote};
use crate::catalog::{Affinity, Column, TableName};
use crate::plan::Checks;
use std::fmt::Write as _;
use std::time::Duration;

pub(super) struct Sqlite;

impl Engine for Sqlite {
    fn begin(&self, purpose: Purpose) -> &'static str {
        match purpose {
            Purpose::Look | Purpose::Read => "BEGIN DEFERRED",
            Purpose::Write => "BEGIN IMMEDIATE",
        }
    }

    /// Its default cache of 2 MB is read over and over where rows go in another order than they lie in; a deletion
    /// changes the user's tables, a preview only its key tables.
    fn session(&self, _lock_timeout: Duration, write: bool) -> String {
        let (main, temporary) = if write { (20, 8) } else { (8, 24) };
        format!(
            "PRAGMA main.cache_size = -{}; PRAGMA temp.cache_size = -{}",
            main * 1024,
            temporary * 1024
        )
    }

    fn busy_timeout(&self, timeout: Duration) -> Option<String> {
        Some(format!("PRAGMA busy_timeout = {}", timeout.as_millis()))
    }

    fn leftovers(&self) -> Option<&'static str> {
        Some("SELECT name FROM temp.sqlite_schema WHERE type = 'table' AND name GLOB 'orgsweep_*'")
    }

    /// <https://sqlite.org/c3ref/total_changes.html>
    fn written_rows(&self) -> Option<&'static str> {
        Some("SELECT CAST(total_changes() AS TEXT)")
    }

    /// It decides before BEGIN whether it checks at all.
    fn reference_checks(&self, checks: Checks) -> Option<&'static str> {
        Some(match checks {
            Checks::Set => "PRAGMA foreign_keys = OFF",
            Checks::Engine => "PRAGMA foreign_keys = ON",
        })
    }

    fn defer_checks(&self, checks: Checks) -> Option<&'static str> {
        (checks == Checks::Engine).then_some("PRAGMA defer_foreign_keys = ON")
    }

    fn cycles(&self) -> Cycles {
        Cycles::Deferred
    }

    fn row_address(&self) -> Option<&'static str> {
        Some("rowid")
    }

    fn is_row_address(&self, value: &str) -> bool {
        value.parse::<i64>().is_ok()
    }

    fn excludes_writers(&self) -> bool {
        true
    }

    /// Its actions go row by row.
    fn unlinks_what_goes(&self) -> bool {
        true
    }

    /// Temporary tables would hide one of the same name.
    fn table(&self, name: &TableName) -> String {
        format!("main.{}", quote(&name.name))
    }

    fn temporary(&self, name: &str) -> String {
        format!("temp.{name}")
    }

    fn as_text(&self, expression: &str) -> String {
        format!("CAST({expression} AS TEXT)")
    }

    fn collated(&self, value: &str, own: &Column, other: &Column) -> Option<String> {
        let collation = quote(other.collation.as_deref().unwrap_or("BINARY"));
        (own.collation != other.collation).then(|| format!("{value} COLLATE {collation}"))
    }

    fn age(&self, column: &str, _type_name: &str) -> Option<String> {
        Some(age(column))
    }

    /// Values have types of their own, so it is an SQL literal; `quote` ends a text at its first NUL, and knows no
    /// -0.0, which comes as the number that it is.
    fn archived(&self, value: &str, _type_name: &str) -> String {
        format!(
            "CASE WHEN typeof({value}) = 'text' AND instr({value}, char(0)) > 0 \
             THEN 'CAST(X''' || hex({value}) || ''' AS TEXT)' \
             WHEN typeof({value}) = 'real' AND {value} = 0.0 THEN {value} ELSE quote({value}) END"
        )
    }

    /// 1 and '1' are two keys, and the text of a blob or a floating-point number is not its value.
    fn identity_text(&self, value: &str, type_name: &str) -> String {
        self.archived(value, type_name)
    }

    /// A text need not be UTF-8.
    fn archived_bytes(&self, value: &[u8]) -> Option<String> {
        let text = value.strip_prefix(b"'")?.strip_suffix(b"'")?;
        let mut hex = String::with_capacity(2 * text.len());
        let mut quote = false;
        for byte in text {
            // Quotes come in pairs.
            quote = *byte == b'\'' && !quote;
            if !quote {
                let _ = write!(hex, "{byte:02X}");
            }
        }
        Some(format!("CAST(X'{hex}' AS TEXT)"))
    }

    /// Values are literals.
    fn is_kept_as_null(&self, value: Option<&[u8]>) -> bool {
        value.is_none() || value == Some(b"NULL")
    }

    fn or_ignore(&self) -> &'static str {
        "OR IGNORE "
    }

    fn ordered_join(&self) -> &'static str {
        "CROSS JOIN"
    }

    fn client(&self) -> &'static str {
        "sqlite3 -bail FILE"
    }

    /// sqlite3 would go on to COMMIT.
    fn stop_at_errors(&self) -> &'static str {
        ".bail on\n"
    }

    fn begin_script(&self) -> &'static str {
        "PRAGMA foreign_keys = ON;\nBEGIN IMMEDIATE;\nPRAGMA defer_foreign_keys = ON;\n"
    }

    /// The only way to fail outside a trigger.
    fn refuse_in_script(&self) -> &'static str {
        "CREATE TEMP TABLE orgsweep_refused (refused CONSTRAINT \
         \"orgsweep clean refuses this: the script's comments say why\" CHECK (refused = 0));\n\
         INSERT INTO orgsweep_refused VALUES (1);\n"
    }

    fn spelled_out(&self, statement: &str) -> Option<String> {
        Some(with_plain_blanks(statement)).filter(|written| !hides_something(written))
    }
}

/// strftime would read '2020' as a Julian day and '12:30' as a day in 2000.
fn age(column: &str) -> String {
    let day = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*";
    let seconds = format!(
        "CASE typeof({column}) WHEN 'integer' THEN {column} WHEN 'real' THEN {column} \
         WHEN 'text' THEN CASE WHEN {column} GLOB '{day}' \
         THEN CAST(strftime('%s', {column}) AS INTEGER) END END"
    );
    format!(
        "(SELECT CASE WHEN s {} THEN CAST(strftime('%s', 'now') AS INTEGER) - s END \
         FROM (SELECT {seconds} AS s))",
        between(NUMBERS)
    )
}

/// A type whose columns have this affinity, and are never the rowid.
pub(crate) fn type_of(affinity: Affinity) -> &'static str {
    match affinity {
        Affinity::Integer => "INT",
        Affinity::Text => "TEXT",
        Affinity::Blob => "BLOB",
        Affinity::Real => "REAL",
        Affinity::Numeric => "NUMERIC",
    }
}
