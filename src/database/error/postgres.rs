//! PostgreSQL's errors. Diesel 2.3 keeps SQLSTATE to itself but for the kinds that it has, and so does diesel-async's
//! driver; neither tells the severity or the context, by which a trigger's own RAISE could be known. What is left is
//! the text: the server's very own, in any of its languages (`postgres.txt`), and nothing around it.

use super::{Fault, matches};
use std::sync::OnceLock;

const MESSAGES: &str = include_str!("postgres.txt");

/// What libpq itself says, and goes on after; it is built without translations.
const CLIENT: [&str; 6] = [
    "server closed the connection unexpectedly",
    "no connection to the server",
    "could not receive data from server",
    "could not send data to server",
    "SSL connection has been closed unexpectedly",
    "SSL SYSCALL error",
];

/// `detailed`: the message has a DETAIL, which those of a deadlock always have.
pub(super) fn told(message: &str, detailed: bool) -> Fault {
    if CLIENT.iter().any(|text| message.starts_with(text)) {
        return Fault::Lost;
    }
    let known = known().iter().find(|(_, text)| matches(text, message));
    match known.map_or(Fault::Other, |(fault, _)| *fault) {
        Fault::Retryable if !detailed => Fault::Other,
        fault => fault,
    }
}

fn known() -> &'static [(Fault, &'static str)] {
    static KNOWN: OnceLock<Vec<(Fault, &str)>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut fault = Fault::Other;
        let mut known = Vec::new();
        for line in MESSAGES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                Some(name) => fault = named(name),
                None => known.push((fault, line)),
            }
        }
        known
    })
}

fn named(section: &str) -> Fault {
    match section {
        "retryable" => Fault::Retryable,
        "busy" => Fault::Busy,
        "cancelled" => Fault::Cancelled,
        "time limit" => Fault::TimeLimit,
        "lost" => Fault::Lost,
        "standby" => Fault::Standby,
        "row security" => Fault::RowSecurity,
        "permission" => Fault::Permission,
        "value" => Fault::Value,
        _ => Fault::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_means_something_and_every_message_is_its_own() {
        assert!(known().len() > 400);
        for (fault, text) in known() {
            assert_ne!(*fault, Fault::Other, "{text}");
            let message = text.replace("%s", "x");
            let (first, _) = known().iter().find(|(_, text)| matches(text, &message)).expect(text);
            assert_eq!(first, fault, "{text}");
            assert_eq!(told(&format!("{message} in the books"), true), Fault::Other, "{text}");
        }
    }

    #[test]
    fn other_languages_are_understood() {
        for (message, fault) in [
            ("deadlock detected", Fault::Retryable),
            ("Verklemmung (Deadlock) entdeckt", Fault::Retryable),
            (
                "annulation de la requête à cause du délai écoulé pour l'obtention des verrous",
                Fault::Busy,
            ),
            ("ユーザーからの要求により文をキャンセルしています", Fault::Cancelled),
            ("выполнение оператора отменено из-за тайм-аута", Fault::TimeLimit),
            ("INSERT kann nicht während der Wiederherstellung ausgeführt werden", Fault::Standby),
            ("permiso denegado a la tabla users", Fault::Permission),
            ("invalid input syntax for type integer: \"7abc\"", Fault::Value),
            ("server closed the connection unexpectedly\n\tThis probably means", Fault::Lost),
        ] {
            assert_eq!(told(message, true), fault, "{message}");
        }
        assert_eq!(told("deadlock detected", false), Fault::Other);
    }
}
