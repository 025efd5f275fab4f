//! What a script for an engine's own client is made of, beside the statements.

use crate::engine::token::{Kind, tokens};
use crate::engine::{Dialect, literal, path};
use crate::label::is_hidden;

impl Dialect {
    /// The client that runs a script.
    pub fn client(self) -> &'static str {
        match self {
            Dialect::Sqlite => "sqlite3 -bail FILE",
            Dialect::Postgres => "psql -v ON_ERROR_STOP=1",
            Dialect::Mysql => "mariadb DATABASE",
        }
    }

    /// The first line of a script: its client ends at the first error, whoever forgot to tell it so, and with an
    /// exit code that says so. sqlite3 would go on to COMMIT. MariaDB's client ends by itself.
    pub fn stop_at_errors(self) -> &'static str {
        match self {
            Dialect::Sqlite => ".bail on\n",
            Dialect::Postgres => "\\set ON_ERROR_STOP on\n",
            Dialect::Mysql => "",
        }
    }

    /// How a script begins, in a session of its own.
    pub fn begin_script(self) -> &'static str {
        match self {
            Dialect::Sqlite => {
                "PRAGMA foreign_keys = ON;\nBEGIN IMMEDIATE;\nPRAGMA defer_foreign_keys = ON;\n"
            }
            // PERFORM, for psql would show what a SELECT returns.
            Dialect::Postgres => concat!(
                "SET standard_conforming_strings = on;\n",
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE;\nDO $$ BEGIN PERFORM ",
                path::noted!(),
                "; END $$;\n",
                path::left!(),
                ";\nSET LOCAL row_security = off;\n"
            ),
            Dialect::Mysql => {
                "SET NAMES utf8mb4;\n\
                 SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES';\n\
                 SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;\nSTART TRANSACTION READ WRITE;\n"
            }
        }
    }

    /// What a script says before its first change ([`Dialect::names_theirs`]).
    pub fn begin_changes(self) -> &'static str {
        match self {
            Dialect::Postgres => {
                "DO $$ BEGIN PERFORM pg_catalog.set_config('search_path', \
                 pg_catalog.current_setting('orgsweep.search_path'), true); END $$;\n"
            }
            Dialect::Sqlite | Dialect::Mysql => "",
        }
    }

    /// All that the script of a refused deletion does: it fails, and changes nothing.
    pub fn refuse_in_script(self) -> &'static str {
        match self {
            // The only way to fail outside a trigger.
            Dialect::Sqlite => {
                "CREATE TEMP TABLE orgsweep_refused (refused CONSTRAINT \
                 \"orgsweep clean refuses this: the script's comments say why\" CHECK (refused = 0));\n\
                 INSERT INTO orgsweep_refused VALUES (1);\n"
            }
            Dialect::Postgres => {
                "DO $$ BEGIN RAISE EXCEPTION 'orgsweep clean refuses this: the script''s comments say why'; END $$;\n"
            }
            Dialect::Mysql => {
                "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'orgsweep clean refuses this: the script''s comments say why';\n"
            }
        }
    }

    /// A statement of a script in characters that are seen: one with other names is put together by the engine.
    /// `None` where it has no way to do that (SQLite).
    pub fn in_seen_characters(self, statement: &str) -> Option<String> {
        if !hides_something(statement) {
            return Some(statement.to_owned());
        }
        match self {
            Dialect::Sqlite => {
                Some(with_plain_blanks(statement)).filter(|written| !hides_something(written))
            }
            Dialect::Postgres => {
                let body = format!("BEGIN EXECUTE {}; END", escape_string(statement));
                Some(format!("DO {}", escape_string(&body)))
            }
            // https://mariadb.com/kb/en/execute-immediate/
            Dialect::Mysql => {
                Some(format!("EXECUTE IMMEDIATE concat({})", mysql_pieces(statement).join(", ")))
            }
        }
    }
}

/// Tabs and the like between the words of a policy's condition become blanks.
fn with_plain_blanks(statement: &str) -> String {
    let mut written = String::with_capacity(statement.len());
    let mut end = 0;
    let between = |text: &str| -> String {
        text.chars().map(|c| if is_hidden(c) && c != '\n' { ' ' } else { c }).collect()
    };
    for token in tokens(statement) {
        written += &between(&statement[end..token.start]);
        written += token.text;
        end = token.end();
    }
    written + &between(&statement[end..])
}

/// A character that is not seen, or a line end inside a name or text.
fn hides_something(statement: &str) -> bool {
    statement.contains(|c| is_hidden(c) && c != '\n')
        || tokens(statement).iter().any(|t| t.kind == Kind::Quoted && t.text.contains('\n'))
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

fn mysql_pieces(statement: &str) -> Vec<String> {
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
    use expect_test::expect;

    #[test]
    fn ordinary_statements_stay_as_they_are() {
        let statement = "DELETE FROM \"a b\"\nWHERE x = 'é' -- it's\n";
        for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
            assert_eq!(dialect.in_seen_characters(statement).as_deref(), Some(statement));
        }
        let written = Dialect::Sqlite.in_seen_characters("a\t= 'b' -- c\r\n");
        assert_eq!(written.as_deref(), Some("a = 'b' -- c \n"));
    }

    #[test]
    fn names_that_are_not_seen_are_put_together_by_the_engine() {
        let statement = "DELETE FROM \"t\u{1b}'\n\\\" WHERE x = 'a\u{e0041}'";
        assert_eq!(Dialect::Sqlite.in_seen_characters(statement), None);
        let written = Dialect::Postgres.in_seen_characters(statement).unwrap();
        expect![[r#"DO E'BEGIN EXECUTE E\'DELETE FROM "t\\u001b\\\'\\u000a\\\\" WHERE x = \\\'a\\U000e0041\\\'\'; END'"#]]
            .assert_eq(&written);
        let written = Dialect::Mysql.in_seen_characters(statement).unwrap();
        expect![[r#"EXECUTE IMMEDIATE concat('DELETE FROM "t', convert(x'1b' USING utf8mb4), '''', convert(x'0a' USING utf8mb4), '\" WHERE x = ''a', convert(x'f3a08181' USING utf8mb4), '''')"#]]
            .assert_eq(&written);
    }
}
