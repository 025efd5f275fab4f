//! What an engine must say of itself, so that the rest of the house need not ask who it is.
//!
//! Where a method has an answer here, it is the one that most engines give.

use super::quoting::{literal, quote};
use crate::catalog::{Column, Reference, TableId, TableName};
use crate::plan::Checks;
use std::time::Duration;

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

/// How an engine speaks, and what it can and cannot do.
pub trait Engine: Sync {
    // Transactions and sessions.

    /// Isolation and mode are always named: roles and databases may have other defaults.
    fn begin(&self, purpose: Purpose) -> &'static str;

    /// Settings for one transaction, right after BEGIN; `write`: it deletes. A `lock_timeout` of 0 would wait for ever on
    /// some engines, and not at all on others: the least that it takes is asked for.
    fn session(&self, lock_timeout: Duration, write: bool) -> String;

    /// Asks for the isolation level, this session's number on the server, the longest statement that it takes (in
    /// bytes), and why it does not count the rows of a transaction by itself, where it does not; and the level that a
    /// transaction of this kind shall have. `None`: there are no such facts.
    fn transaction_facts(&self, _write: bool) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Asks for this session's number on the server.
    fn session_number(&self) -> Option<&'static str> {
        None
    }

    /// Asks as whom the session works, as GRANT names it. `None`: there are no users.
    fn role(&self) -> Option<&'static str> {
        None
    }

    /// Asks for the database's name, as its server knows it.
    fn database(&self) -> Option<&'static str> {
        None
    }

    /// Cancels what the server's session `pid` runs.
    fn cancel(&self, _pid: &str) -> Option<String> {
        None
    }

    /// Lets each of the reading statements that come next take so long. `begun`: they are under a limit already. `None`:
    /// no statement says so.
    fn limit(&self, _each: Duration, _begun: bool) -> Option<String> {
        None
    }

    /// Ends what [`Engine::limit`] began.
    fn unlimit(&self) -> Option<&'static str> {
        None
    }

    /// Asks for one line a session that `pid` waits for. Of its statement only the verb, where it is one: anything
    /// else may be a value, a password that was typed into the wrong window included.
    fn blockers(&self, _pid: &str) -> Option<String> {
        None
    }

    /// Asks which locks of tables and rows this transaction holds: their kind and what they are on, one a line; and who
    /// waits for them. `None`: it has them all, or nobody tells.
    fn locks_held(&self) -> Option<&'static str> {
        None
    }

    /// Asks for a cluster's limits of one transaction: name and number of each. No rows where the server is
    /// in none.
    fn write_set_limits(&self) -> Option<&'static str> {
        None
    }

    /// How long a statement waits for a lock, where that is no setting of a transaction ([`Engine::session`]).
    fn busy_timeout(&self, _timeout: Duration) -> Option<String> {
        None
    }

    /// Asks for the names of our own tables that an earlier transaction has left.
    fn leftovers(&self) -> Option<&'static str> {
        None
    }

    /// Asks how many rows this connection has written, triggers and foreign-key actions included.
    fn written_rows(&self) -> Option<&'static str> {
        None
    }

    // Checks of references.

    /// The reference checks of a session, said before BEGIN.
    fn reference_checks(&self, checks: Checks) -> Option<&'static str>;

    /// Turns the checks of each row off or on within a transaction, and the cascades with them.
    fn set_fk_enforcement(&self, _enforced: bool) -> Option<&'static str> {
        None
    }

    /// Lets cycles hold at COMMIT, those of RESTRICT references too.
    fn defer_checks(&self, _checks: Checks) -> Option<&'static str> {
        None
    }

    /// Makes up for deferred checks, which would otherwise do their work, and fail, inside COMMIT.
    fn settle_checks(&self) -> Option<&'static str> {
        None
    }

    fn cycles(&self) -> Cycles;

    // What it can and cannot do.

    /// What the address of a row is called, for tables without a key. `None`: rows have none, and those
    /// that are alike in everything go, or stay, together.
    fn row_address(&self) -> Option<&'static str> {
        None
    }

    /// The text could be such an address.
    fn is_row_address(&self, _value: &str) -> bool {
        false
    }

    /// Nobody else writes while we do.
    fn excludes_writers(&self) -> bool {
        false
    }

    /// Whoever adds a child waits for a lock in the very index that its reference leads to, not for one on
    /// the row.
    fn locks_index_entries(&self) -> bool {
        false
    }

    /// Who holds a table keeps others from adding references to it.
    fn keeps_references_out(&self) -> bool {
        true
    }

    /// Values of any two types are compared, as numbers where nothing else fits.
    fn compares_anything(&self) -> bool {
        false
    }

    /// An index can hold all of a value of this type.
    fn indexes_all_of(&self, _type_name: &str) -> bool {
        true
    }

    /// One reading of a table can serve several references at once (`sql/shared_scan.rs`).
    fn shares_scans(&self) -> bool {
        false
    }

    /// Statistics of tables are there when somebody has asked for them.
    fn waits_for_analyze(&self) -> bool {
        false
    }

    /// SET NULL and SET DEFAULT change rows that the same statement deletes later.
    fn unlinks_what_goes(&self) -> bool {
        false
    }

    /// A statement can delete rows and put their keys into a table.
    fn keeps_deleted_keys(&self) -> bool {
        false
    }

    /// Rows that the engine's own actions delete or change fire triggers.
    fn cascades_fire_triggers(&self) -> bool {
        true
    }

    /// A row that the cascade `first` takes is gone, whatever the schema's history, before `then` would be set to null.
    fn cascades_before(&self, _root: TableId, _first: &Reference, _then: &Reference) -> bool {
        false
    }

    /// What makes the rest of a transaction only read, and what ends that. `None`: nothing does, or nothing in an
    /// expression writes.
    fn read_only_apart(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// A statement may name one of our temporary tables more than once.
    fn names_twice(&self) -> bool {
        true
    }

    /// Rows are locked as `CREATE … AS SELECT` reads them.
    fn locks_while_creating(&self) -> bool {
        true
    }

    // Names.

    /// From here on, names mean what this program means. `None`: there is no path.
    fn names_ours(&self) -> Option<&'static str> {
        None
    }

    /// From here on, names mean what the user's code means.
    fn names_theirs(&self) -> Option<&'static str> {
        None
    }

    /// A user's table.
    fn table(&self, name: &TableName) -> String;

    /// One of our own temporary tables.
    fn temporary(&self, name: &str) -> String;

    fn drop_temporary(&self, relation: &str) -> String {
        format!("DROP TABLE {relation}")
    }

    /// An identifier as a person's own session reads it.
    fn identifier(&self, name: &str) -> String {
        quote(name)
    }

    /// An operator that no other can stand in for. It binds as `||` does, tighter than a comparison.
    fn operator(&self, operator: &str) -> String {
        operator.to_owned()
    }

    /// A function of the engine's own.
    fn function(&self, name: &str) -> String {
        name.to_owned()
    }

    // Values.

    /// A string literal, whatever the settings of the session that reads it.
    fn literal(&self, value: &str) -> String {
        literal(value)
    }

    /// Texts one after the other; null where one of them is.
    fn joined(&self, texts: &[String]) -> String {
        texts.join(" || ")
    }

    fn as_text(&self, expression: &str) -> String;

    /// How many rows there are, as text.
    fn count(&self) -> String {
        self.as_text(&format!("{}(*)", self.function("count")))
    }

    /// How many of these values are null, in numbers to be added up.
    fn null_counts(&self, values: &[&str]) -> Vec<String> {
        values.iter().map(|value| format!("({value} IS NULL)")).collect()
    }

    /// How many of these values are null.
    fn count_of_nulls(&self, values: &[&str]) -> String {
        let counts = self.null_counts(values);
        if counts.is_empty() {
            "0".to_owned()
        } else {
            counts.join(&format!(" {} ", self.operator("+")))
        }
    }

    /// A value's text as its type writes it.
    fn output(&self, value: &str, _type_name: &str) -> String {
        self.as_text(value)
    }

    /// A value's text by which it is found again.
    fn value_text(&self, value: &str, type_name: &str) -> String {
        self.output(value, type_name)
    }

    /// A key's text, by which its row is told from all others and found again.
    fn identity_text(&self, value: &str, type_name: &str) -> String {
        self.value_text(value, type_name)
    }

    /// A value's text that is equal to the same text alone.
    fn exact_text(&self, value: &str, type_name: &str) -> String {
        self.output(value, type_name)
    }

    /// Whether the parent of a row that names itself is looked for by what is only equal to its key, while it is not
    /// there yet.
    fn looks_before_a_row_is_there(&self) -> bool {
        true
    }

    /// A column's text, of a collation, as one of the collation of another column: by that one it can be compared.
    fn collated(&self, value: &str, own: &Column, other: &Column) -> Option<String>;

    /// A text that is compared as it is, whatever the collation.
    fn as_it_is(&self, text: String) -> String {
        text
    }

    /// How many seconds ago the time of `column` was; null where it does not tell. `None`: a column of this type
    /// cannot. A time without a zone is one of the database's own time zone, which its other users write.
    fn age(&self, column: &str, type_name: &str) -> Option<String>;

    /// A column of this type can tell a time.
    fn tells_time(&self, type_name: &str) -> bool {
        self.age("c", type_name).is_some()
    }

    /// A statement that is not strict about values: an ENUM can hold the empty text of a value that once was none of its own
    /// (<https://mariadb.com/kb/en/enum/>).
    fn lenient(&self, statement: &str) -> String {
        statement.to_owned()
    }

    // Archives.

    /// A value as an archive keeps it: a text from which the type reads the same value.
    fn archived(&self, value: &str, type_name: &str) -> String;

    /// The same of a value that came back and is not UTF-8. `None`: it cannot be kept.
    fn archived_bytes(&self, _value: &[u8]) -> Option<String> {
        None
    }

    /// Values of this type come as their bytes, which an archive keeps as hexadecimal digits.
    fn comes_as_bytes(&self, _type_name: &str) -> bool {
        false
    }

    /// It stands for a null in an archive.
    fn is_kept_as_null(&self, value: Option<&[u8]>) -> bool {
        value.is_none()
    }

    // Statements.

    /// What an INSERT into a key table says of rows that are in it: two ways to the same row.
    fn or_ignore(&self) -> &'static str {
        ""
    }

    /// The beginning of a statement that creates one of our temporary tables, in place of one of the same name.
    fn create_temporary(&self, name: &str) -> String {
        format!("CREATE TEMP TABLE {name}")
    }

    /// A column without meaning that is the primary key of a table of ours which has none, where some servers want one.
    fn own_primary_key(&self) -> Option<&'static str> {
        None
    }

    /// Joins in the order as written, where the planner has no statistics of temporary tables.
    fn ordered_join(&self) -> &'static str;

    /// Locks the rows of `alias` that a query returns, where rows can be locked.
    fn for_update(&self, _alias: &str, _lock: bool) -> String {
        String::new()
    }

    /// The words before a table's name that have its statistics taken.
    fn analyze(&self) -> &'static str {
        "ANALYZE"
    }

    // Scripts for its own client.

    /// The client that runs a script.
    fn client(&self) -> &'static str;

    /// The first line of a script: its client ends at the first error, whoever forgot to tell it so, and with an
    /// exit code that says so.
    fn stop_at_errors(&self) -> &'static str {
        ""
    }

    /// How a script begins, in a session of its own.
    fn begin_script(&self) -> &'static str;

    /// What a script says before its first change ([`Engine::names_theirs`]).
    fn begin_changes(&self) -> &'static str {
        ""
    }

    /// All that the script of a refused deletion does: it fails, and changes nothing.
    fn refuse_in_script(&self) -> &'static str;

    /// A statement that hides a character from its reader, put together by the engine out of characters that are
    /// seen. `None` where it has no way to do that.
    fn spelled_out(&self, statement: &str) -> Option<String>;
}

/// What a statement may begin with.
pub(super) const VERBS: &str = "alter|analyze|begin|call|cluster|commit|copy|create|delete|do|drop|end|execute|fetch|insert|load|lock|\
                     merge|optimize|refresh|reindex|rename|replace|rollback|savepoint|select|set|start|table|truncate|update|\
                     vacuum|values|with";

/// Seconds since 1970, and dates, that can be when a row was made: what lies outside 1971 to 9999 is a placeholder (Go's
/// year 1), a Julian day, a bare year, milliseconds, and tells nothing.
pub(super) const NUMBERS: [&str; 2] = ["31536000", "253402300799"];
pub(super) const DATES: [&str; 2] = ["'1971-01-01'", "'9999-12-31'"];

pub(super) fn between([least, most]: [&str; 2]) -> String {
    format!("BETWEEN {least} AND {most}")
}
