//! How MariaDB speaks. Its sessions are set to ANSI_QUOTES and NO_BACKSLASH_ESCAPES, and work in UTC.

mod json;
mod stored;
mod values;

pub use stored::is_stored_alike;
pub(crate) use stored::{Likeness, is_labelled, label_number};
pub use values::coded_type;
pub(crate) use values::{Family, bytes, exact, is_invalid_label};

use super::contract::{DATES, NUMBERS, VERBS, between};
use super::{Cycles, Engine, Purpose, literal, quote_table};
use crate::catalog::{Column, Reference, TableId, TableName};
use crate::label::is_hidden;
use crate::plan::Checks;
use std::time::Duration;

pub(super) struct MariaDb;

impl Engine for MariaDb {
    /// REPEATABLE READ would lock every row that an INSERT … SELECT into a key table reads. The
    /// level is the session's, so that it can be asked for.
    fn begin(&self, purpose: Purpose) -> &'static str {
        match purpose {
            Purpose::Look => {
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION READ ONLY"
            }
            // By START TRANSACTION READ WRITE a replica would refuse all of it, and not only what changes its tables.
            Purpose::Read => {
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; START TRANSACTION"
            }
            Purpose::Write => {
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION READ WRITE"
            }
        }
    }

    /// Whole seconds, and 0 would not wait at all.
    fn session(&self, lock_timeout: Duration, _write: bool) -> String {
        let seconds = lock_timeout.as_millis().div_ceil(1000).max(1);
        format!("SET SESSION innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}")
    }

    fn transaction_facts(&self, _write: bool) -> Option<(&'static str, &'static str)> {
        Some((FACTS, "READ-COMMITTED"))
    }

    fn session_number(&self) -> Option<&'static str> {
        Some("SELECT CAST(connection_id() AS CHAR)")
    }

    fn role(&self) -> Option<&'static str> {
        Some("SELECT current_user()")
    }

    fn database(&self) -> Option<&'static str> {
        Some("SELECT DATABASE()")
    }

    fn cancel(&self, pid: &str) -> Option<String> {
        Some(format!("KILL QUERY {pid}"))
    }

    fn limit(&self, each: Duration, _begun: bool) -> Option<String> {
        Some(format!("SET SESSION max_statement_time = {:.3}", each.as_secs_f64().max(0.001)))
    }

    fn unlimit(&self) -> Option<&'static str> {
        Some("SET SESSION max_statement_time = 0")
    }

    /// It tells this to those with PROCESS.
    fn blockers(&self, pid: &str) -> Option<String> {
        Some(format!(
            "SELECT DISTINCT concat('process ', b.trx_mysql_thread_id, ' of ', coalesce(p.user, '?'), \
                 ' from ', coalesce(p.host, 'this machine'), ', ', \
                 CASE p.command WHEN 'Sleep' THEN 'idle in transaction' ELSE coalesce(p.command, 'state unknown') END, \
                 ', in a transaction since ', time(b.trx_started), \
                 CASE WHEN b.trx_query REGEXP '^[[:space:]]*(?i:{VERBS})[[:>:]]' \
                 THEN concat(': ', upper(regexp_substr(b.trx_query, '[[:alpha:]]+'))) ELSE '' END) \
                 FROM information_schema.innodb_lock_waits w \
                 JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id \
                 JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id \
                 LEFT JOIN information_schema.processlist p ON p.id = b.trx_mysql_thread_id \
                 WHERE r.trx_mysql_thread_id = {pid} LIMIT 3"
        ))
    }

    /// It tells this to those with PROCESS.
    fn locks_held(&self) -> Option<&'static str> {
        Some(
            "SELECT 'row locks', concat(trx_rows_locked, ' in ', trx_tables_locked, ' tables') \
             FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = connection_id()",
        )
    }

    fn write_set_limits(&self) -> Option<&'static str> {
        Some(
            "SELECT v.variable_name, v.variable_value \
             FROM information_schema.global_variables w, information_schema.global_variables v \
             WHERE w.variable_name = 'WSREP_ON' AND w.variable_value = 'ON' AND v.variable_name IN \
             ('WSREP_MAX_WS_ROWS', 'WSREP_MAX_WS_SIZE', 'WSREP_TRX_FRAGMENT_SIZE')",
        )
    }

    /// On, but for deletions ([`Engine::set_fk_enforcement`]).
    fn reference_checks(&self, _checks: Checks) -> Option<&'static str> {
        self.set_fk_enforcement(true)
    }

    fn set_fk_enforcement(&self, enforced: bool) -> Option<&'static str> {
        Some(if enforced {
            "SET SESSION foreign_key_checks = 1"
        } else {
            "SET SESSION foreign_key_checks = 0"
        })
    }

    fn cycles(&self) -> Cycles {
        Cycles::LeavesFirst
    }

    /// <https://dev.mysql.com/doc/refman/8.0/en/innodb-locks-set.html>
    fn locks_index_entries(&self) -> bool {
        true
    }

    /// Metadata locks do not: ALTER TABLE takes them on the table that names, and on no other.
    fn keeps_references_out(&self) -> bool {
        false
    }

    /// '7abc' is 7.
    fn compares_anything(&self) -> bool {
        true
    }

    fn indexes_all_of(&self, type_name: &str) -> bool {
        !Family::is_long(type_name)
    }

    /// <https://mariadb.com/kb/en/trigger-limitations/>
    fn cascades_fire_triggers(&self) -> bool {
        false
    }

    /// InnoDB goes through the references to a row by their names.
    fn cascades_before(&self, _root: TableId, first: &Reference, then: &Reference) -> bool {
        (first.parent, &first.parent_columns, &first.columns)
            == (then.parent, &then.parent_columns, &then.columns)
            && first.name < then.name
    }

    fn table(&self, name: &TableName) -> String {
        quote_table(name)
    }

    /// It would hide a user's table of the same name: `Sql::own` chooses another one.
    fn temporary(&self, name: &str) -> String {
        name.to_owned()
    }

    /// Without the word TEMPORARY it would commit.
    fn drop_temporary(&self, relation: &str) -> String {
        format!("DROP TEMPORARY TABLE {relation}")
    }

    /// A session of its own does not take double quotes, ours takes both.
    fn identifier(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    /// `||` may be OR.
    fn joined(&self, texts: &[String]) -> String {
        if texts.len() > 1 { format!("concat({})", texts.join(", ")) } else { texts.concat() }
    }

    fn as_text(&self, expression: &str) -> String {
        format!("CAST({expression} AS CHAR)")
    }

    fn value_text(&self, value: &str, type_name: &str) -> String {
        Family::of(type_name).text(value)
    }

    /// Of a BIT its number, of bytes their digits: as characters they might be another value's text.
    fn exact_text(&self, value: &str, type_name: &str) -> String {
        match Family::of(type_name) {
            Family::Bit | Family::Bytes | Family::Vector => exact(&self.output(value, type_name)),
            _ => exact(value),
        }
    }

    fn collated(&self, value: &str, own: &Column, other: &Column) -> Option<String> {
        let collation = other.collation.as_deref()?;
        let char_set = collation.split('_').next().unwrap_or_default();
        (own.collation.as_deref() != Some(collation))
            .then(|| format!("CONVERT({value} USING {char_set}) COLLATE {collation}"))
    }

    /// Collations take it in any case and with any padding.
    fn as_it_is(&self, text: String) -> String {
        exact(&text)
    }

    fn age(&self, column: &str, type_name: &str) -> Option<String> {
        age(column, type_name)
    }

    fn archived(&self, value: &str, type_name: &str) -> String {
        Family::of(type_name).archived(value)
    }

    fn comes_as_bytes(&self, type_name: &str) -> bool {
        matches!(Family::of(type_name), Family::Bytes | Family::Vector | Family::Coded)
    }

    fn lenient(&self, statement: &str) -> String {
        format!(
            "SET STATEMENT sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO' \
             FOR {statement}"
        )
    }

    fn or_ignore(&self) -> &'static str {
        "IGNORE "
    }

    fn create_temporary(&self, name: &str) -> String {
        format!("CREATE OR REPLACE TEMPORARY TABLE {name}")
    }

    fn ordered_join(&self) -> &'static str {
        "STRAIGHT_JOIN"
    }

    /// Our own tables' rows along with it.
    fn for_update(&self, _alias: &str, lock: bool) -> String {
        if lock { " FOR UPDATE".to_owned() } else { String::new() }
    }

    fn analyze(&self) -> &'static str {
        "ANALYZE TABLE"
    }

    /// It ends at the first error by itself.
    fn client(&self) -> &'static str {
        "mariadb DATABASE"
    }

    fn begin_script(&self) -> &'static str {
        "SET NAMES utf8mb4;\n\
         SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES';\n\
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;\nSTART TRANSACTION READ WRITE;\n"
    }

    fn refuse_in_script(&self) -> &'static str {
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'orgsweep clean refuses this: the script''s comments say why';\n"
    }

    /// <https://mariadb.com/kb/en/execute-immediate/>
    fn spelled_out(&self, statement: &str) -> Option<String> {
        Some(format!("EXECUTE IMMEDIATE concat({})", pieces(statement, literal).join(", ")))
    }
}

const FACTS: &str = "SELECT @@tx_isolation, CAST(connection_id() AS CHAR), \
                           CAST(@@max_allowed_packet AS CHAR), 'MariaDB counts no rows of a transaction'";

/// A TIMESTAMP is told in the session's zone, which is UTC. What is out of CONVERT_TZ's range, it leaves as it is
/// (<https://mariadb.com/kb/en/convert_tz/>).
pub(super) fn age(column: &str, type_name: &str) -> Option<String> {
    match Family::of(type_name) {
        Family::Date => {
            let made = if type_name.to_ascii_lowercase().starts_with("timestamp") {
                column.to_owned()
            } else {
                format!("convert_tz({column}, @@global.time_zone, '+00:00')")
            };
            Some(format!(
                "CASE WHEN {column} {} THEN timestampdiff(SECOND, {made}, utc_timestamp(6)) END",
                between(DATES)
            ))
        }
        Family::Integer | Family::Decimal | Family::Float => Some(format!(
            "CASE WHEN {column} {} \
             THEN unix_timestamp() - CAST({column} AS DECIMAL(30, 6)) END",
            between(NUMBERS)
        )),
        _ => None,
    }
}

/// Literals of what is seen, and numbers of what is not.
pub(super) fn pieces(statement: &str, literal: impl Fn(&str) -> String) -> Vec<String> {
    let characters: Vec<char> = statement.chars().collect();
    let pieces = characters.chunk_by(|a, b| is_hidden(*a) == is_hidden(*b));
    let piece = |piece: &[char]| {
        let text: String = piece.iter().collect();
        if is_hidden(piece[0]) {
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            format!("convert(x'{hex}' USING utf8mb4)")
        } else {
            literal(&text)
        }
    };
    pieces.map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That it is one, `@@global.read_only` says: nothing that other tests run beside.
    #[test]
    fn a_preview_begins_as_a_replica_lets_it() {
        let begun = |purpose| MariaDb.begin(purpose).ends_with("START TRANSACTION READ WRITE");
        assert_eq!([Purpose::Look, Purpose::Read, Purpose::Write].map(begun), [false, false, true]);
    }
}
