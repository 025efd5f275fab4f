//! MariaDB's errors by their numbers (<https://mariadb.com/kb/en/mariadb-error-code-reference/>). diesel-async throws
//! them away, so the server is asked for the number right after (`database::mysql`). Who has lost the connection cannot
//! ask: there the driver's texts count, and the server's very own.

use super::{Fault, matches};

/// What the error of this number means.
pub(super) fn numbered(code: u16, message: &str) -> Fault {
    match code {
        // Deadlock (a Galera cluster's at COMMIT, too); a record changed since the snapshot.
        1213 | 1020 => Fault::Retryable,
        // A lock was waited for too long, or not at all.
        1205 | 3572 => Fault::Busy,
        1317 => Fault::Cancelled,
        1969 | 3024 => Fault::TimeLimit,
        // The server shuts down; the connection was killed.
        1053 | 1927 => Fault::Lost,
        // A packet is too long.
        1153 | 1301 => Fault::TooLong,
        1792 | 1836 => Fault::ReadOnly,
        // The server runs with an option that forbids it: not always this one.
        1290 if message.contains("read-only") => Fault::ReadOnly,
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 => Fault::Permission,
        // A key is taken or missing, a null where there can be none, a CHECK.
        1022 | 1048 | 1062 | 1169 | 1216 | 1217 | 1364 | 1451 | 1452 | 1557 | 1586 | 1761
        | 1762 | 3819 | 4025 => Fault::Constraint,
        // No value of its type, or cut off: 1265, 1406; out of range: 1264, 1690.
        1264 | 1265 | 1292 | 1366 | 1367 | 1406 | 1411 | 1690 => Fault::Value,
        _ => Fault::Other,
    }
}

/// What a message means where no number is to be had: the connection is gone, or the statement has raised more warnings
/// than the server keeps. Its own texts are English (`lc_messages` of the session).
pub(super) fn unnumbered(message: &str) -> Fault {
    // What went wrong with the connection, the driver says twice.
    if message.starts_with("Input/output error: ") {
        return Fault::Lost;
    }
    const KNOWN: [(&str, Fault); 7] = [
        // The driver's.
        ("Driver error: `Connection to the server is closed.'", Fault::Lost),
        ("Driver error: `Packet too large.'", Fault::TooLong),
        // The server's.
        ("Server shutdown in progress", Fault::Lost),
        ("Connection was killed", Fault::Lost),
        ("Deadlock found when trying to get lock; try restarting transaction", Fault::Retryable),
        ("Lock wait timeout exceeded; try restarting transaction", Fault::Busy),
        ("Query execution was interrupted", Fault::Cancelled),
    ];
    let known = KNOWN.iter().find(|(text, _)| matches(text, message));
    known.map_or(Fault::Other, |(_, fault)| *fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_decide() {
        assert_eq!(numbered(1213, "Verklemmung"), Fault::Retryable);
        assert_eq!(numbered(1644, "Deadlock found when trying to get lock"), Fault::Other);
        assert_eq!(numbered(1290, "running with the --read-only option"), Fault::ReadOnly);
        assert_eq!(numbered(1290, "running with the --secure-file-priv option"), Fault::Other);
    }

    #[test]
    fn words_count_where_there_is_no_number() {
        for (message, fault) in [
            ("Input/output error: Input/output error: broken pipe", Fault::Lost),
            ("Driver error: `Connection to the server is closed.'", Fault::Lost),
            ("Driver error: `Packet too large.'", Fault::TooLong),
            ("Server shutdown in progress", Fault::Lost),
            ("Connection was killed", Fault::Lost),
            (
                "Deadlock found when trying to get lock; try restarting transaction",
                Fault::Retryable,
            ),
            ("Lock wait timeout exceeded; try restarting transaction", Fault::Busy),
            ("Query execution was interrupted", Fault::Cancelled),
            ("Deadlock found when trying to get lock in the books", Fault::Other),
        ] {
            assert_eq!(unnumbered(message), fault, "{message}");
        }
    }
}
