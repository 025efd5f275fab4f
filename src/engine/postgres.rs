//! How PostgreSQL speaks.

use super::contract::{DATES, NUMBERS, VERBS};
use super::{Cycles, Engine, Purpose, literal, path, quote};
use crate::catalog::{Column, Reference, TableId, TableName};
use crate::label::is_hidden;
use crate::plan::Checks;
use std::time::Duration;

pub(super) struct Postgres;

/// A role's or a database's own limits of time are meant for the statements of an application, and would cut
/// a deletion off at the first large table: `--deadline` bounds a run. What the URL's options or PGOPTIONS
/// say is meant for us and stays.
macro_rules! unhurried {
    () => {
        "SELECT set_config(name, '0', true) FROM (VALUES ('statement_timeout'), \
         ('idle_in_transaction_session_timeout'), ('transaction_timeout')) v(name) \
         WHERE current_setting(name, true) <> '0' \
         AND NOT EXISTS (SELECT FROM pg_settings s WHERE s.name = v.name AND s.source = 'client')"
    };
}

/// How each of PostgreSQL's transactions begins.
macro_rules! begin {
    ($mode:literal) => {
        concat!("BEGIN ISOLATION LEVEL ", $mode, "; ", path::leave!(), "; ", unhurried!())
    };
}

impl Engine for Postgres {
    fn begin(&self, purpose: Purpose) -> &'static str {
        match purpose {
            Purpose::Look => begin!("REPEATABLE READ, READ ONLY"),
            Purpose::Read => begin!("REPEATABLE READ, READ WRITE"),
            Purpose::Write => begin!("READ COMMITTED, READ WRITE"),
        }
    }

    /// `row_security = off` turns rows that a policy would hide into an error; JIT costs
    /// more than these statements take, and a key table's statistics need no more than 3,000 rows;
    /// key tables and the hash joins over them shall fit in the server's memory, where a role's own
    /// settings are not more generous.
    fn session(&self, lock_timeout: Duration, _write: bool) -> String {
        format!(
            "SET LOCAL row_security = off; SET LOCAL jit = off; SET LOCAL default_statistics_target = 10; \
                 SET LOCAL client_min_messages = error; SET LOCAL lock_timeout = {}; {LOSSLESS}; \
                 SELECT set_config('application_name', 'orgsweep', true) \
                 WHERE current_setting('application_name') = ''; \
                 SELECT set_config(name, '65536kB', true) FROM (VALUES ('work_mem'), ('temp_buffers')) v(name) \
                 WHERE pg_size_bytes(current_setting(name)) < 65536 * 1024",
            lock_timeout.as_micros().div_ceil(1000).max(1)
        )
    }

    fn transaction_facts(&self, write: bool) -> Option<(&'static str, &'static str)> {
        Some((FACTS, if write { "read committed" } else { "repeatable read" }))
    }

    fn session_number(&self) -> Option<&'static str> {
        Some("SELECT pg_catalog.pg_backend_pid()::pg_catalog.text")
    }

    fn role(&self) -> Option<&'static str> {
        Some("SELECT current_user::pg_catalog.text")
    }

    fn database(&self) -> Option<&'static str> {
        Some("SELECT current_database()::text")
    }

    fn cancel(&self, pid: &str) -> Option<String> {
        Some(format!("SELECT pg_catalog.pg_cancel_backend({pid})"))
    }

    /// The transaction goes on from here where one of them fails.
    fn limit(&self, each: Duration, begun: bool) -> Option<String> {
        Some(format!(
            "{}SAVEPOINT orgsweep_limited; SET LOCAL statement_timeout = {}",
            if begun { "ROLLBACK TO " } else { "" },
            each.as_millis().max(1)
        ))
    }

    fn unlimit(&self) -> Option<&'static str> {
        Some("ROLLBACK TO SAVEPOINT orgsweep_limited; RELEASE SAVEPOINT orgsweep_limited")
    }

    fn blockers(&self, pid: &str) -> Option<String> {
        Some(format!(
            "SELECT concat('process ', a.pid, ' of ', coalesce(a.usename::text, '?'), \
                 CASE WHEN a.application_name <> '' THEN ' (' || a.application_name || ')' END, \
                 ' from ', coalesce(host(a.client_addr), 'this machine'), ', ', coalesce(a.state, 'state unknown'), \
                 ', in a transaction since ', to_char(a.xact_start, 'HH24:MI:SS'), \
                 ', its statement since ', to_char(a.query_start, 'HH24:MI:SS'), \
                 coalesce(': ' || upper(substring(a.query FROM '(?i)^\\s*({VERBS})\\M')), '')) \
                 FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids({pid})) ORDER BY a.xact_start LIMIT 3"
        ))
    }

    /// Of each table the strongest one.
    fn locks_held(&self) -> Option<&'static str> {
        Some(
            "SELECT upper(regexp_replace(replace(mode, 'Lock', ''), '([a-z])([A-Z])', '\\1 \\2', 'g')), name \
                 FROM (SELECT DISTINCT ON (c.oid) l.mode, CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END \
                     || c.relname AS name, m.strength \
                     FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
                     JOIN unnest(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', \
                         'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock']) \
                         WITH ORDINALITY AS m (mode, strength) ON m.mode = l.mode \
                     WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted \
                         AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' \
                         AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
                     ORDER BY c.oid, m.strength DESC) AS held \
             UNION ALL SELECT 'kept waiting', count(*) || ' other sessions' FROM pg_stat_activity a \
                 WHERE pg_backend_pid() = ANY (pg_blocking_pids(a.pid)) HAVING count(*) > 0 \
             UNION ALL SELECT 'row locks', 'each row that goes or is unlinked' \
             ORDER BY 1 DESC, 2",
        )
    }

    fn reference_checks(&self, _checks: Checks) -> Option<&'static str> {
        None
    }

    fn set_fk_enforcement(&self, enforced: bool) -> Option<&'static str> {
        Some(if enforced {
            "SET LOCAL session_replication_role = origin"
        } else {
            "SET LOCAL session_replication_role = replica"
        })
    }

    fn settle_checks(&self) -> Option<&'static str> {
        Some("SET CONSTRAINTS ALL IMMEDIATE")
    }

    fn cycles(&self) -> Cycles {
        Cycles::OneStatement
    }

    fn row_address(&self) -> Option<&'static str> {
        Some("ctid")
    }

    /// A block and the line in it.
    fn is_row_address(&self, value: &str) -> bool {
        let inner = || value.trim().strip_prefix('(')?.strip_suffix(')')?.split_once(',');
        inner().is_some_and(|(block, line)| {
            block.parse::<u32>().is_ok() && line.parse::<u16>().is_ok()
        })
    }

    fn shares_scans(&self) -> bool {
        true
    }

    fn waits_for_analyze(&self) -> bool {
        true
    }

    fn keeps_deleted_keys(&self) -> bool {
        true
    }

    /// The triggers of what a trigger deletes come after those of the statement itself: the selected rows' own cascades
    /// come first.
    fn cascades_before(&self, root: TableId, first: &Reference, then: &Reference) -> bool {
        first.parent == root && then.parent != root
    }

    /// The mode of a subtransaction goes with it.
    fn read_only_apart(&self) -> Option<(&'static str, &'static str)> {
        Some((
            "SAVEPOINT orgsweep_selection; SET TRANSACTION READ ONLY",
            "RELEASE SAVEPOINT orgsweep_selection",
        ))
    }

    fn names_ours(&self) -> Option<&'static str> {
        Some("SET LOCAL search_path = pg_catalog, pg_temp")
    }

    fn names_theirs(&self) -> Option<&'static str> {
        Some(
            "SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('orgsweep.search_path'), true)",
        )
    }

    fn table(&self, name: &TableName) -> String {
        match name.qualifier() {
            Some(schema) => format!("{}.{}", quote(schema), quote(&name.name)),
            None => quote(&name.name),
        }
    }

    fn temporary(&self, name: &str) -> String {
        format!("pg_temp.{name}")
    }

    fn operator(&self, operator: &str) -> String {
        format!("OPERATOR(pg_catalog.{operator})")
    }

    fn function(&self, name: &str) -> String {
        format!("pg_catalog.{name}")
    }

    /// `E''` is the same text whatever `standard_conforming_strings` is, which a user's own functions may want as
    /// it is.
    fn literal(&self, value: &str) -> String {
        if value.contains('\\') {
            format!("E{}", literal(&value.replace('\\', "\\\\")))
        } else {
            literal(value)
        }
    }

    fn joined(&self, texts: &[String]) -> String {
        if texts.len() > 1 {
            format!("({})", texts.join(&format!(" {} ", self.operator("||"))))
        } else {
            texts.concat()
        }
    }

    fn as_text(&self, expression: &str) -> String {
        format!("({expression})::pg_catalog.text")
    }

    /// IS NULL says so of a composite value whose parts are. A function takes a hundred arguments.
    fn null_counts(&self, values: &[&str]) -> Vec<String> {
        let count = |some: &[&str]| format!("pg_catalog.num_nulls({})", some.join(", "));
        values.chunks(100).map(count).collect()
    }

    /// The cast to text may be somebody's own function where the type is; `concat` always asks the type
    /// (<https://www.postgresql.org/docs/current/sql-createcast.html>). `num_nulls`, because a composite that has a
    /// null in it is not `IS NOT NULL`.
    fn output(&self, value: &str, type_name: &str) -> String {
        if path::is_users(type_name) {
            format!(
                "CASE WHEN pg_catalog.num_nulls({value}) OPERATOR(pg_catalog.=) 0 THEN pg_catalog.concat({value}) END"
            )
        } else {
            self.as_text(value)
        }
    }

    fn looks_before_a_row_is_there(&self) -> bool {
        false
    }

    fn exact_text(&self, value: &str, type_name: &str) -> String {
        format!("({}) COLLATE pg_catalog.\"C\"", self.output(value, type_name))
    }

    fn collated(&self, value: &str, own: &Column, other: &Column) -> Option<String> {
        let collation = other.collation.as_deref().unwrap_or("pg_catalog.\"default\"");
        (own.collation != other.collation).then(|| format!("{value} COLLATE {collation}"))
    }

    fn age(&self, column: &str, type_name: &str) -> Option<String> {
        age(column, type_name)
    }

    /// Text of a value is what its type reads again; but a cast takes the blanks off a `bpchar`, the names of
    /// functions and operators are not theirs alone, and to text a type may have a cast that says something else.
    fn archived(&self, value: &str, type_name: &str) -> String {
        match type_name {
            "bpchar" | "character" => {
                format!("CASE WHEN {value} IS NOT NULL THEN pg_catalog.concat({value}) END")
            }
            "regproc" | "regoper" => self.as_text(&format!("({value})::pg_catalog.oid")),
            _ => self.output(value, type_name),
        }
    }

    fn ordered_join(&self) -> &'static str {
        "JOIN"
    }

    fn for_update(&self, alias: &str, lock: bool) -> String {
        if lock { format!(" FOR UPDATE OF {alias}") } else { String::new() }
    }

    fn client(&self) -> &'static str {
        "psql -v ON_ERROR_STOP=1"
    }

    fn stop_at_errors(&self) -> &'static str {
        "\\set ON_ERROR_STOP on\n"
    }

    /// PERFORM, for psql would show what a SELECT returns.
    fn begin_script(&self) -> &'static str {
        concat!(
            "SET standard_conforming_strings = on;\n",
            "BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE;\nDO $$ BEGIN PERFORM ",
            path::noted!(),
            "; END $$;\n",
            path::left!(),
            ";\nSET LOCAL row_security = off;\n"
        )
    }

    fn begin_changes(&self) -> &'static str {
        "DO $$ BEGIN PERFORM pg_catalog.set_config('search_path', \
         pg_catalog.current_setting('orgsweep.search_path'), true); END $$;\n"
    }

    fn refuse_in_script(&self) -> &'static str {
        "DO $$ BEGIN RAISE EXCEPTION 'orgsweep clean refuses this: the script''s comments say why'; END $$;\n"
    }

    fn spelled_out(&self, statement: &str) -> Option<String> {
        let body = format!("BEGIN EXECUTE {}; END", escape_string(statement));
        Some(format!("DO {}", escape_string(&body)))
    }
}

const FACTS: &str = "SELECT current_setting('transaction_isolation'), pg_backend_pid()::text, NULL::text, \
     CASE WHEN version() NOT LIKE 'PostgreSQL %' OR version() LIKE '%-YB-%' OR version() LIKE '%Greenplum%' \
     OR version() LIKE '%Redshift%' THEN 'this server is not PostgreSQL' \
     WHEN current_setting('track_counts') <> 'on' THEN 'track_counts is off' END";

/// Texts of values that their types read again, whatever the settings of the role that writes them or of
/// the one that reads them (PostgreSQL).
const LOSSLESS: &str = "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; \
                        SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; \
                        SET LOCAL lc_monetary = 'C'; SET LOCAL xmloption = 'content'; \
                        SET LOCAL array_nulls = on";

/// The zone that a session has before anybody sets one: the URL's or PGTZ, else the role's, the database's or the
/// server's (<https://www.postgresql.org/docs/current/view-pg-settings.html>).
const OWN_ZONE: &str =
    "(SELECT reset_val FROM pg_catalog.pg_settings WHERE name OPERATOR(pg_catalog.=) 'TimeZone')";

/// No operator of somebody else's stands in for one of these: a selection's condition keeps the session's path.
fn age(column: &str, type_name: &str) -> Option<String> {
    let within = |[least, most]: [&str; 2]| {
        format!(
            "{column} OPERATOR(pg_catalog.>=) {least} AND {column} OPERATOR(pg_catalog.<=) {most}"
        )
    };
    const NUMERIC: [&str; 4] = ["integer", "bigint", "double precision", "real"];
    match () {
        // Infinity has no distance.
        () if type_name.starts_with("timestamp") || type_name == "date" => {
            let made = if type_name.ends_with("with time zone") {
                column.to_owned()
            } else {
                format!("pg_catalog.timezone({OWN_ZONE}, {column}::timestamp)")
            };
            Some(format!(
                "CASE WHEN {} THEN extract(epoch FROM pg_catalog.now() OPERATOR(pg_catalog.-) {made}) END",
                within(DATES)
            ))
        }
        () if NUMERIC.contains(&type_name) || type_name.starts_with("numeric") => Some(format!(
            "CASE WHEN {} THEN extract(epoch FROM pg_catalog.now()) OPERATOR(pg_catalog.-) {column} END",
            within(NUMBERS)
        )),
        () => None,
    }
}

/// PostgreSQL's `E'…'`, which means the same whatever the session's settings.
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-ESCAPE>
fn escape_string(text: &str) -> String {
    let escaped = |c: char| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if is_hidden(c) => match u32::from(c) {
            code @ 0..=0xffff => format!("\\u{code:04x}"),
            code => format!("\\U{code:08x}"),
        },
        c => c.to_string(),
    };
    format!("E'{}'", text.chars().map(escaped).collect::<String>())
}
