//! What a failed statement means: by Diesel's own kind where it has one, by the engine's number where that can be had,
//! else by its very text, each engine's in a file of its own. What a trigger says in such words is not the engine's.

mod mysql;
mod postgres;
mod sqlite;

use crate::engine::Dialect;
use diesel::result::{
    ConnectionError, DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError,
};
use std::fmt;

/// A failed statement or connection. The message never holds the password.
#[derive(Debug, Clone)]
pub struct Error {
    pub fault: Fault,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server could not be reached or did not let us in.
    Connect,
    /// The connection broke while in use.
    Lost,
    /// A lock was not granted in time.
    Busy,
    /// A serialization failure or deadlock: the transaction may succeed when run again.
    Retryable,
    /// Cancelled on request (a signal, an administrator).
    Cancelled,
    /// The server lets no statement run that long (`statement_timeout`, `max_statement_time`).
    TimeLimit,
    /// A constraint forbids the change.
    Constraint,
    /// MariaDB: a statement is longer than the server takes.
    TooLong,
    /// SQLite: its own cascades end after 1,000 levels (<https://sqlite.org/limits.html#max_trigger_depth>).
    TooDeep,
    /// SQLite: a foreign key into the table names nothing that is unique there.
    Mismatch,
    ReadOnly,
    /// A hot standby takes no writes, not even of temporary tables.
    Standby,
    Permission,
    /// Row-level security would have hidden rows.
    RowSecurity,
    /// A text is no value of the type that was asked for.
    Value,
    Other,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl Error {
    /// `code`: the number by which MariaDB knows the error, where it could be asked.
    pub(super) fn of(dialect: Dialect, error: DieselError, code: Option<u16>) -> Error {
        Error::by(error, |information| told(dialect, information, code))
    }

    fn by(error: DieselError, told: impl Fn(&dyn DatabaseErrorInformation) -> Fault) -> Error {
        let fault = match &error {
            DieselError::DatabaseError(kind, information) => {
                of_kind(kind, || told(information.as_ref()))
            }
            DieselError::BrokenTransactionManager => Fault::Lost,
            _ => Fault::Other,
        };
        let message = match &error {
            DieselError::DatabaseError(_, information) => {
                // MariaDB's driver says it once itself and once for what it passes on.
                let message = information.message().trim();
                let message = message.trim_start_matches("Input/output error: ");
                let mut message = unfolded(message);
                for more in [information.details(), information.hint()].into_iter().flatten() {
                    message.push_str("; ");
                    message.push_str(more);
                }
                message
            }
            other => other.to_string(),
        };
        Error { fault, message }
    }
}

/// What Diesel tells by the engine's code, else what the engine is `told` by.
fn of_kind(kind: &DatabaseErrorKind, told: impl Fn() -> Fault) -> Fault {
    match kind {
        DatabaseErrorKind::SerializationFailure => Fault::Retryable,
        DatabaseErrorKind::ReadOnlyTransaction => match told() {
            Fault::Standby => Fault::Standby,
            _ => Fault::ReadOnly,
        },
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => Fault::Lost,
        DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::ExclusionViolation => Fault::Constraint,
        _ => told(),
    }
}

/// What the engine itself tells of kinds that are none of Diesel's.
fn told(dialect: Dialect, information: &dyn DatabaseErrorInformation, code: Option<u16>) -> Fault {
    let message = information.message();
    match (dialect, code) {
        (Dialect::Mysql(_), Some(code)) => mysql::numbered(code, message),
        (Dialect::Mysql(_), None) => mysql::unnumbered(message),
        (Dialect::Postgres, _) => postgres::told(message, information.details().is_some()),
        (Dialect::Sqlite, _) => sqlite::told(message),
    }
}

/// Of a typed query, which does not say by which engine it was answered.
impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        const ALL: [Dialect; 3] = [Dialect::Sqlite, Dialect::Postgres, Dialect::MARIADB];
        Error::by(error, |information| {
            let told = ALL.map(|dialect| told(dialect, information, None));
            told.into_iter().find(|fault| *fault != Fault::Other).unwrap_or(Fault::Other)
        })
    }
}

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        let message = match error {
            // A line for each address that libpq tried.
            ConnectionError::BadConnection(message) => unfolded(message.trim()).replace('\n', "; "),
            other => other.to_string(),
        };
        let fault = match sqlite::told(&message) {
            Fault::Busy => Fault::Busy,
            _ => Fault::Connect,
        };
        Error { fault, message }
    }
}

/// libpq folds its own long messages: "server closed the connection unexpectedly\n\tThis probably means …".
fn unfolded(message: &str) -> String {
    message.replace("\n\t", " ")
}

/// The text is the pattern's, where that has `%s` for values: at its end for a single word.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once("%s") else { return text == pattern };
    let (between, last) = rest.rsplit_once("%s").unwrap_or(("", rest));
    let inner = text.strip_prefix(first).and_then(|text| text.strip_suffix(last));
    let mut parts = between.split("%s");
    let after = |rest: &str, part: &str| rest.find(part).map(|place| place + part.len());
    inner.is_some_and(|inner| {
        let value = parts.try_fold(0, |done, part| Some(done + after(&inner[done..], part)?));
        value.is_some_and(|from| !last.is_empty() || is_word(&inner[from..]))
    })
}

/// A name, or the words of a statement: `CREATE TABLE AS`.
fn is_word(value: &str) -> bool {
    let word = |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase());
    !value.contains(char::is_whitespace) || value.split(' ').all(word)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn only_values_may_differ() {
        assert!(matches("deadlock detected", "deadlock detected"));
        assert!(!matches("deadlock detected", "deadlock detected in the books"));
        assert!(!matches("deadlock detected", "no deadlock detected"));
        assert!(matches("type %s: \"%s\"", "type integer: \"x: \"y\"\""));
        assert!(!matches("type %s: \"%s\"", "type integer"));
        assert!(
            matches("a %s", "a b") && !matches("a %s", "b") && !matches("a %s", "a b in the books")
        );
        assert!(matches("cannot execute %s", "cannot execute CREATE TABLE AS"));
    }
}
