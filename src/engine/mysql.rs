//! How MySQL speaks, from 8.0.23 on. As MariaDB in all that is not said here. Its sessions are set to ANSI_QUOTES, and a
//! backslash escapes in them: under NO_BACKSLASH_ESCAPES it cannot open tables whose CHECK or generated column holds a
//! quote (error 1064, for a DELETE of their parents, too), and misreads those with a backslash.

use super::contract::VERBS;
use super::mariadb::{MariaDb, pieces};
use super::{Cycles, Engine, Purpose};
use crate::catalog::{Column, Reference, TableId, TableName};
use crate::plan::Checks;
use std::time::Duration;

pub(super) struct MySql;

/// Answers of MariaDB that are MySQL's, too.
macro_rules! as_mariadb {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $name(&self $(, $argument: $type)*) -> $answer { MariaDb.$name($($argument),*) })*
    };
}

impl Engine for MySql {
    as_mariadb! {
        begin(purpose: Purpose) -> &'static str;
        session(lock_timeout: Duration, write: bool) -> String;
        session_number() -> Option<&'static str>;
        role() -> Option<&'static str>;
        database() -> Option<&'static str>;
        cancel(pid: &str) -> Option<String>;
        reference_checks(checks: Checks) -> Option<&'static str>;
        set_fk_enforcement(enforced: bool) -> Option<&'static str>;
        locks_held() -> Option<&'static str>;
        looks_before_a_row_is_there() -> bool;
        collated(value: &str, own: &Column, other: &Column) -> Option<String>;
        cycles() -> Cycles;
        locks_index_entries() -> bool;
        compares_anything() -> bool;
        indexes_all_of(type_name: &str) -> bool;
        cascades_fire_triggers() -> bool;
        cascades_before(root: TableId, first: &Reference, then: &Reference) -> bool;
        table(name: &TableName) -> String;
        temporary(name: &str) -> String;
        drop_temporary(relation: &str) -> String;
        identifier(name: &str) -> String;
        joined(texts: &[String]) -> String;
        as_text(expression: &str) -> String;
        value_text(value: &str, type_name: &str) -> String;
        exact_text(value: &str, type_name: &str) -> String;
        as_it_is(text: String) -> String;
        age(column: &str, type_name: &str) -> Option<String>;
        or_ignore() -> &'static str;
        ordered_join() -> &'static str;
        analyze() -> &'static str;
        refuse_in_script() -> &'static str;
    }

    fn transaction_facts(&self, _write: bool) -> Option<(&'static str, &'static str)> {
        Some((FACTS, "READ-COMMITTED"))
    }

    /// In milliseconds, and of statements that read alone.
    fn limit(&self, each: Duration, _begun: bool) -> Option<String> {
        Some(format!("SET SESSION max_execution_time = {}", each.as_millis().max(1)))
    }

    fn unlimit(&self) -> Option<&'static str> {
        Some("SET SESSION max_execution_time = 0")
    }

    /// It tells this to those with SELECT on performance_schema.
    fn blockers(&self, pid: &str) -> Option<String> {
        Some(format!(
            "SELECT DISTINCT concat('process ', b.processlist_id, ' of ', coalesce(b.processlist_user, '?'), \
                 ' from ', coalesce(b.processlist_host, 'this machine'), ', ', \
                 CASE b.processlist_command WHEN 'Sleep' THEN 'idle in transaction' \
                 ELSE coalesce(b.processlist_command, 'state unknown') END, \
                 CASE WHEN t.trx_started IS NULL THEN '' ELSE concat(', in a transaction since ', time(t.trx_started)) END, \
                 CASE WHEN regexp_like(b.processlist_info, '^[[:space:]]*({VERBS})\\\\b', 'i') \
                 THEN concat(': ', upper(regexp_substr(b.processlist_info, '[[:alpha:]]+'))) ELSE '' END) \
                 FROM performance_schema.data_lock_waits w \
                 JOIN performance_schema.threads r ON r.thread_id = w.requesting_thread_id \
                 JOIN performance_schema.threads b ON b.thread_id = w.blocking_thread_id \
                 LEFT JOIN information_schema.innodb_trx t ON t.trx_id = w.blocking_engine_transaction_id \
                 WHERE r.processlist_id = {pid} LIMIT 3"
        ))
    }

    /// Whoever adds a reference waits for those who have read its parent.
    fn keeps_references_out(&self) -> bool {
        true
    }

    /// Error 1137.
    fn names_twice(&self) -> bool {
        false
    }

    /// Error 1746.
    fn locks_while_creating(&self) -> bool {
        false
    }

    fn literal(&self, value: &str) -> String {
        super::literal(&value.replace('\\', "\\\\"))
    }

    fn lenient(&self, statement: &str) -> String {
        let (verb, rest) = statement.split_once(' ').unwrap_or((statement, ""));
        format!(
            "{verb} /*+ SET_VAR(sql_mode = 'ANSI_QUOTES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO') */ {rest}"
        )
    }

    fn comes_as_bytes(&self, type_name: &str) -> bool {
        MariaDb.comes_as_bytes(type_name)
    }

    /// A double as text has all of its digits where it comes from a column; what CAST makes has at most 22 characters.
    fn archived(&self, value: &str, type_name: &str) -> String {
        if type_name.to_ascii_lowercase().starts_with("double") {
            format!("CAST({value} AS CHAR)")
        } else {
            MariaDb.archived(value, type_name)
        }
    }

    fn for_update(&self, alias: &str, lock: bool) -> String {
        if lock { format!(" FOR UPDATE OF {alias}") } else { String::new() }
    }

    fn create_temporary(&self, name: &str) -> String {
        format!("DROP TEMPORARY TABLE IF EXISTS {name}; CREATE TEMPORARY TABLE {name}")
    }

    /// `sql_require_primary_key`, error 3750.
    fn own_primary_key(&self) -> Option<&'static str> {
        Some("orgsweep_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT INVISIBLE PRIMARY KEY")
    }

    /// It ends at the first error by itself.
    fn client(&self) -> &'static str {
        "mysql DATABASE"
    }

    fn begin_script(&self) -> &'static str {
        "SET NAMES utf8mb4;\n\
         SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES';\n\
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;\nSTART TRANSACTION READ WRITE;\n"
    }

    /// A prepared statement is one alone: what drops a table of ours before it is created goes ahead. `None`: it reads copies.
    fn spelled_out(&self, statement: &str) -> Option<String> {
        let drops = |text: &str| text.starts_with("DROP TEMPORARY TABLE IF EXISTS ");
        let (ahead, own) = match statement.split_once("; ") {
            Some((drop, rest)) if drops(drop) => (format!("{drop};\n"), rest),
            _ => (String::new(), statement),
        };
        if own.contains("orgsweep_copy") {
            return None;
        }
        let text = pieces(own, |text| self.literal(text)).join(", ");
        Some(format!(
            "{ahead}SET @orgsweep_text = concat({text});\nPREPARE orgsweep_statement FROM @orgsweep_text;\n\
             EXECUTE orgsweep_statement"
        ))
    }
}

const FACTS: &str = "SELECT @@transaction_isolation, CAST(connection_id() AS CHAR), \
                           CAST(@@max_allowed_packet AS CHAR), 'MySQL counts no rows of a transaction'";
