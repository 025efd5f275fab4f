//! How each engine says what the rest of `sql` means.

use super::{literal, mysql, path, quote, quote_table};
use crate::catalog::{Affinity, TableName};
use std::time::Duration;

/// An engine's way of writing SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    Sqlite,
    Postgres,
    /// MariaDB.
    Mysql,
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

impl Dialect {
    /// Isolation and mode are always named: roles and databases may have other defaults.
    pub fn begin(self, purpose: Purpose) -> &'static str {
        match (self, purpose) {
            (Dialect::Sqlite, Purpose::Look | Purpose::Read) => "BEGIN DEFERRED",
            (Dialect::Sqlite, Purpose::Write) => "BEGIN IMMEDIATE",
            (Dialect::Postgres, Purpose::Look) => begin!("REPEATABLE READ, READ ONLY"),
            (Dialect::Postgres, Purpose::Read) => begin!("REPEATABLE READ, READ WRITE"),
            (Dialect::Postgres, Purpose::Write) => begin!("READ COMMITTED, READ WRITE"),
            // REPEATABLE READ would lock every row that an INSERT … SELECT into a key table reads. The
            // level is the session's, so that it can be asked for.
            (Dialect::Mysql, Purpose::Look) => {
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION READ ONLY"
            }
            (Dialect::Mysql, Purpose::Read | Purpose::Write) => {
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION READ WRITE"
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
    /// settings are not more generous. A `lock_timeout` of 0 would wait for ever.
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
                lock_timeout.as_micros().div_ceil(1000).max(1)
            ),
            // Whole seconds, and 0 would not wait at all.
            Dialect::Mysql => {
                let seconds = lock_timeout.as_millis().div_ceil(1000).max(1);
                format!(
                    "SET SESSION innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
                )
            }
        }
    }

    /// Asks for the isolation level, this session's number on the server, the longest statement that it takes (MariaDB,
    /// in bytes), and why it does not count the rows of a transaction by itself, where it does not; and the level that a
    /// transaction of this kind shall have. SQLite has no such facts.
    pub fn transaction_facts(self, write: bool) -> Option<(&'static str, &'static str)> {
        match (self, write) {
            (Dialect::Sqlite, _) => None,
            (Dialect::Postgres, _) => {
                Some((POSTGRES_FACTS, if write { "read committed" } else { "repeatable read" }))
            }
            (Dialect::Mysql, _) => Some((MYSQL_FACTS, "READ-COMMITTED")),
        }
    }

    /// Asks for this session's number on the server.
    pub fn session_number(self) -> Option<&'static str> {
        match self {
            Dialect::Sqlite => None,
            Dialect::Postgres => Some("SELECT pg_catalog.pg_backend_pid()::pg_catalog.text"),
            Dialect::Mysql => Some("SELECT CAST(connection_id() AS CHAR)"),
        }
    }

    /// Lets each of the reading statements that come next take so long. PostgreSQL's transaction goes on from here where
    /// one of them fails. `begun`: they are under a limit already. SQLite has no such statement.
    pub(crate) fn limit(self, each: Duration, begun: bool) -> Option<String> {
        match self {
            Dialect::Sqlite => None,
            Dialect::Postgres => Some(format!(
                "{}SAVEPOINT orgsweep_limited; SET LOCAL statement_timeout = {}",
                if begun { "ROLLBACK TO " } else { "" },
                each.as_millis().max(1)
            )),
            Dialect::Mysql => Some(format!(
                "SET SESSION max_statement_time = {:.3}",
                each.as_secs_f64().max(0.001)
            )),
        }
    }

    /// Ends what [`Dialect::limit`] began.
    pub(crate) fn unlimit(self) -> Option<&'static str> {
        match self {
            Dialect::Sqlite => None,
            Dialect::Postgres => {
                Some("ROLLBACK TO SAVEPOINT orgsweep_limited; RELEASE SAVEPOINT orgsweep_limited")
            }
            Dialect::Mysql => Some("SET SESSION max_statement_time = 0"),
        }
    }

    /// Cancels what the server's session `pid` runs.
    pub fn cancel(self, pid: &str) -> String {
        match self {
            Dialect::Sqlite => String::new(),
            Dialect::Postgres => format!("SELECT pg_catalog.pg_cancel_backend({pid})"),
            Dialect::Mysql => format!("KILL QUERY {pid}"),
        }
    }

    /// Asks for a cluster's limits of one transaction: name and number of each. No rows where the server is
    /// in none.
    pub fn write_set_limits(self) -> Option<&'static str> {
        match self {
            Dialect::Sqlite | Dialect::Postgres => None,
            Dialect::Mysql => Some(
                "SELECT v.variable_name, v.variable_value \
                 FROM information_schema.global_variables w, information_schema.global_variables v \
                 WHERE w.variable_name = 'WSREP_ON' AND w.variable_value = 'ON' AND v.variable_name IN \
                 ('WSREP_MAX_WS_ROWS', 'WSREP_MAX_WS_SIZE', 'WSREP_TRX_FRAGMENT_SIZE')",
            ),
        }
    }

    /// One line a session that `pid` waits for. Of its statement only the verb, where it is one: anything
    /// else may be a value, a password that was typed into the wrong window included. MariaDB tells it to those with
    /// PROCESS.
    pub fn blockers(self, pid: &str) -> String {
        match self {
            Dialect::Sqlite => String::new(),
            Dialect::Postgres => format!(
                "SELECT concat('process ', a.pid, ' of ', coalesce(a.usename::text, '?'), \
                 CASE WHEN a.application_name <> '' THEN ' (' || a.application_name || ')' END, \
                 ' from ', coalesce(host(a.client_addr), 'this machine'), ', ', coalesce(a.state, 'state unknown'), \
                 ', in a transaction since ', to_char(a.xact_start, 'HH24:MI:SS'), \
                 ', its statement since ', to_char(a.query_start, 'HH24:MI:SS'), \
                 coalesce(': ' || upper(substring(a.query FROM '(?i)^\\s*({VERBS})\\M')), '')) \
                 FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids({pid})) ORDER BY a.xact_start LIMIT 3"
            ),
            Dialect::Mysql => format!(
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
            ),
        }
    }

    /// A user's table. SQLite's temporary tables would hide one of the same name.
    pub(crate) fn table(self, name: &TableName) -> String {
        match self {
            Dialect::Sqlite => format!("main.{}", quote(&name.name)),
            Dialect::Postgres => match name.qualifier() {
                Some(schema) => format!("{}.{}", quote(schema), quote(&name.name)),
                None => quote(&name.name),
            },
            Dialect::Mysql => quote_table(name),
        }
    }

    /// One of our own temporary tables.
    pub(crate) fn temporary(self, name: &str) -> String {
        match self {
            Dialect::Sqlite => format!("temp.{name}"),
            Dialect::Postgres => format!("pg_temp.{name}"),
            // It would hide a user's table of the same name: `Sql::own` chooses another one.
            Dialect::Mysql => name.to_owned(),
        }
    }

    /// What an INSERT into a key table says of rows that are in it: two ways to the same row.
    pub(crate) fn or_ignore(self) -> &'static str {
        match self {
            Dialect::Sqlite => "OR IGNORE ",
            Dialect::Postgres => "",
            Dialect::Mysql => "IGNORE ",
        }
    }

    /// MariaDB: without the word TEMPORARY it would commit.
    pub(crate) fn drop_temporary(self, relation: &str) -> String {
        match self {
            Dialect::Sqlite | Dialect::Postgres => format!("DROP TABLE {relation}"),
            Dialect::Mysql => format!("DROP TEMPORARY TABLE {relation}"),
        }
    }

    /// A string literal. PostgreSQL's `E''` is the same text whatever `standard_conforming_strings` is, which a
    /// user's own functions may want as it is.
    pub(crate) fn literal(self, value: &str) -> String {
        match self == Dialect::Postgres && value.contains('\\') {
            true => format!("E{}", literal(&value.replace('\\', "\\\\"))),
            false => literal(value),
        }
    }

    /// Texts one after the other; null where one of them is. To MariaDB `||` may be OR.
    pub(crate) fn joined(self, texts: &[String]) -> String {
        match self {
            Dialect::Mysql if texts.len() > 1 => format!("concat({})", texts.join(", ")),
            Dialect::Postgres if texts.len() > 1 => {
                format!("({})", texts.join(&format!(" {} ", self.operator("||"))))
            }
            _ => texts.join(" || "),
        }
    }

    /// Joins in the order as written, where the planner has no statistics of temporary tables.
    pub(crate) fn ordered_join(self) -> &'static str {
        match self {
            Dialect::Sqlite => "CROSS JOIN",
            Dialect::Postgres => "JOIN",
            Dialect::Mysql => "STRAIGHT_JOIN",
        }
    }

    /// How many rows there are, as text.
    pub(crate) fn count(self) -> String {
        self.as_text(&format!("{}(*)", self.function("count")))
    }

    pub fn as_text(self, expression: &str) -> String {
        match self {
            Dialect::Sqlite => format!("CAST({expression} AS TEXT)"),
            Dialect::Postgres => format!("({expression})::pg_catalog.text"),
            Dialect::Mysql => format!("CAST({expression} AS CHAR)"),
        }
    }

    /// A value's text as its type writes it. PostgreSQL's cast to text may be somebody's own function
    /// where the type is; `concat` always asks the type
    /// (<https://www.postgresql.org/docs/current/sql-createcast.html>). `num_nulls`, because a composite that has a null in it
    /// is not `IS NOT NULL`.
    pub(crate) fn output(self, value: &str, type_name: &str) -> String {
        match self == Dialect::Postgres && path::is_users(type_name) {
            true => format!(
                "CASE WHEN pg_catalog.num_nulls({value}) OPERATOR(pg_catalog.=) 0 THEN pg_catalog.concat({value}) END"
            ),
            false => self.as_text(value),
        }
    }

    /// A value's text that is equal to the same text alone.
    pub(crate) fn exact_text(self, value: &str, type_name: &str) -> String {
        match self {
            Dialect::Sqlite | Dialect::Postgres => self.output(value, type_name),
            Dialect::Mysql => mysql::exact(value),
        }
    }

    /// A text that is compared as it is: MariaDB's collations take it in any case and with any padding.
    pub(crate) fn as_it_is(self, text: String) -> String {
        match self {
            Dialect::Sqlite | Dialect::Postgres => text,
            Dialect::Mysql => mysql::exact(&text),
        }
    }

    /// Locks the rows of `alias` that a query returns, where rows can be locked.
    pub(crate) fn for_update(self, alias: &str, lock: bool) -> String {
        match self {
            Dialect::Postgres if lock => format!(" FOR UPDATE OF {alias}"),
            // Our own tables' rows along with it.
            Dialect::Mysql if lock => " FOR UPDATE".to_owned(),
            _ => String::new(),
        }
    }
}

/// What a statement may begin with.
const VERBS: &str = "alter|analyze|begin|call|cluster|commit|copy|create|delete|do|drop|end|execute|fetch|insert|load|lock|\
                     merge|optimize|refresh|reindex|rename|replace|rollback|savepoint|select|set|start|table|truncate|update|\
                     vacuum|values|with";
const MYSQL_FACTS: &str = "SELECT @@tx_isolation, CAST(connection_id() AS CHAR), \
                           CAST(@@max_allowed_packet AS CHAR), 'MariaDB counts no rows of a transaction'";
const POSTGRES_FACTS: &str = "SELECT current_setting('transaction_isolation'), pg_backend_pid()::text, NULL::text, \
     CASE WHEN version() NOT LIKE 'PostgreSQL %' OR version() LIKE '%-YB-%' OR version() LIKE '%Greenplum%' \
     OR version() LIKE '%Redshift%' THEN 'this server is not PostgreSQL' \
     WHEN current_setting('track_counts') <> 'on' THEN 'track_counts is off' END";

/// Texts of values that their types read again, whatever the settings of the role that writes them or of
/// the one that reads them (PostgreSQL).
const LOSSLESS: &str = "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; \
                        SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; \
                        SET LOCAL lc_monetary = 'C'; SET LOCAL xmloption = 'content'; \
                        SET LOCAL array_nulls = on";

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
