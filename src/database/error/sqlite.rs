//! SQLite's own texts: Diesel passes on the extended code of constraints alone
//! (<https://github.com/sqlite/sqlite/blob/master/src/main.c>, `sqlite3ErrStr`).

use super::{Fault, matches};

const KNOWN: [(&str, Fault); 7] = [
    // Nobody but our own limit does that.
    ("interrupted", Fault::TimeLimit),
    ("database is locked", Fault::Busy),
    ("database table is locked", Fault::Busy),
    ("database table is locked: %s", Fault::Busy),
    ("foreign key mismatch - \"%s\" referencing \"%s\"", Fault::Mismatch),
    ("attempt to write a readonly database", Fault::ReadOnly),
    ("too many levels of trigger recursion", Fault::TooDeep),
];

pub(super) fn told(message: &str) -> Fault {
    let known = KNOWN.iter().find(|(text, _)| matches(text, message));
    known.map_or(Fault::Other, |(_, fault)| *fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_words_count() {
        assert_eq!(told("database is locked"), Fault::Busy);
        assert_eq!(told("database table is locked: users"), Fault::Busy);
        assert_eq!(told("foreign key mismatch - \"a\" referencing \"b\""), Fault::Mismatch);
        assert_eq!(told("attempt to write a readonly database"), Fault::ReadOnly);
        assert_eq!(told("too many levels of trigger recursion"), Fault::TooDeep);
        assert_eq!(told("the database is locked for the audit"), Fault::Other);
    }
}
