//! What a failed statement means. Diesel hides SQLSTATE, so the kinds it does not type are told
//! by the engine's (English) message; a message in another language is an ordinary failure.

use diesel::result::{ConnectionError, DatabaseErrorKind, Error as DieselError};
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
    /// Cancelled on request (a signal, an administrator, a statement timeout).
    Cancelled,
    /// A constraint forbids the change.
    Constraint,
    /// MariaDB: a statement is longer than the server takes.
    TooLong,
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

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        let fault = match &error {
            DieselError::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::SerializationFailure => Fault::Retryable,
                DatabaseErrorKind::ReadOnlyTransaction => match by_message(information.message()) {
                    Fault::Standby => Fault::Standby,
                    _ => Fault::ReadOnly,
                },
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                    Fault::Lost
                }
                DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::ExclusionViolation => Fault::Constraint,
                _ => by_message(information.message()),
            },
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

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        let message = match error {
            // A line for each address that libpq tried.
            ConnectionError::BadConnection(message) => unfolded(message.trim()).replace('\n', "; "),
            other => other.to_string(),
        };
        let fault = match by_message(&message) {
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

fn by_message(message: &str) -> Fault {
    const KNOWN: [(&str, Fault); 46] = [
        ("deadlock detected", Fault::Retryable),
        ("could not serialize access", Fault::Retryable),
        ("tuple to be locked was already moved", Fault::Retryable),
        ("lock timeout", Fault::Busy),
        ("could not obtain lock", Fault::Busy),
        ("database is locked", Fault::Busy),
        ("database table is locked", Fault::Busy),
        ("due to user request", Fault::Cancelled),
        ("statement timeout", Fault::Cancelled),
        ("server closed the connection", Fault::Lost),
        ("terminating connection", Fault::Lost),
        ("no connection to the server", Fault::Lost),
        ("could not receive data from server", Fault::Lost),
        ("foreign key mismatch", Fault::Mismatch),
        ("readonly database", Fault::ReadOnly),
        ("during recovery", Fault::Standby),
        ("permission denied", Fault::Permission),
        ("row-level security", Fault::RowSecurity),
        ("invalid input syntax", Fault::Value),
        ("invalid input value", Fault::Value),
        ("field value out of range", Fault::Value),
        ("out of range for type", Fault::Value),
        // MariaDB's numbers: 1213 (Galera's at COMMIT, too), 1020, 1205, 1317 and 1969, 1053, 1927,
        // what the driver says of a broken connection, 1290, 1836, 1142 and 1143, 1044, 1227, 4025,
        // 1366, 1292, 1264, 1406, 1367.
        ("max_allowed_packet", Fault::TooLong),
        ("Deadlock found", Fault::Retryable),
        ("Deadlock: wsrep", Fault::Retryable),
        ("Record has changed since last read", Fault::Retryable),
        ("Lock wait timeout exceeded", Fault::Busy),
        ("Query execution was interrupted", Fault::Cancelled),
        ("Server shutdown in progress", Fault::Lost),
        ("Connection was killed", Fault::Lost),
        ("Input/output error", Fault::Lost),
        ("Connection to the server is closed", Fault::Lost),
        ("--read-only", Fault::ReadOnly),
        ("--innodb-read-only", Fault::ReadOnly),
        ("running in read-only mode", Fault::ReadOnly),
        ("command denied to user", Fault::Permission),
        ("Access denied for user", Fault::Permission),
        ("Access denied; you need", Fault::Permission),
        ("` failed for `", Fault::Constraint),
        ("Incorrect integer value", Fault::Value),
        ("Incorrect datetime value", Fault::Value),
        ("Incorrect date value", Fault::Value),
        ("Incorrect decimal value", Fault::Value),
        ("Truncated incorrect", Fault::Value),
        ("Out of range value", Fault::Value),
        ("Data too long for column", Fault::Value),
    ];
    let known = KNOWN.iter().find(|(part, _)| message.contains(part));
    known.map_or(Fault::Other, |(_, fault)| *fault)
}
