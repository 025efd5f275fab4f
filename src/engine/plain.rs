//! What an archived value says, to those who know nothing of the engine that it is of.

use super::mariadb::Family;
use super::quoting::unhex;
use super::{Dialect, Server};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plain {
    Null,
    Boolean(bool),
    Integer(i128),
    /// Its text, which is not always a number of JSON: `NaN`.
    Float(String),
    /// All the rest: a decimal's digits, a date as the engine writes it.
    Text(String),
    /// In hexadecimal digits.
    Bytes(String),
}

impl Dialect {
    /// The value of a column of this type that an archive keeps so.
    pub(crate) fn plain(self, type_name: &str, archived: Option<&str>) -> Plain {
        let Some(text) = archived else { return Plain::Null };
        match self {
            Dialect::Sqlite => of_sqlite(text),
            Dialect::Postgres => of_postgres(type_name, text),
            Dialect::Mysql(Server::MariaDb | Server::MySql) => of_mysql(type_name, text),
        }
    }
}

fn integer(text: &str) -> Plain {
    text.parse().map_or_else(|_| Plain::Text(text.to_owned()), Plain::Integer)
}

/// A literal, which has a type of its own.
fn of_sqlite(literal: &str) -> Plain {
    let hex = |text: &str| {
        let digits = text.strip_prefix("X'").and_then(|rest| rest.strip_suffix('\''));
        digits.map(str::to_owned)
    };
    let quoted = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let cast = literal.strip_prefix("CAST(").and_then(|rest| rest.strip_suffix(" AS TEXT)"));
    match (quoted, hex(literal), cast.and_then(hex)) {
        _ if literal == "NULL" => Plain::Null,
        (Some(text), ..) => Plain::Text(text.replace("''", "'")),
        (_, Some(digits), _) => Plain::Bytes(digits),
        // A text with bytes that no text has stays bytes.
        (.., Some(digits)) => text_of(&digits).map_or(Plain::Bytes(digits), Plain::Text),
        _ if literal.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => integer(literal),
        _ => Plain::Float(literal.to_owned()),
    }
}

fn text_of(digits: &str) -> Option<String> {
    String::from_utf8(unhex(digits)?).ok()
}

fn of_postgres(type_name: &str, text: &str) -> Plain {
    match type_name {
        "smallint" | "integer" | "bigint" => integer(text),
        "real" | "double precision" => Plain::Float(text.to_owned()),
        "boolean" if matches!(text, "true" | "false") => Plain::Boolean(text == "true"),
        "bytea" => match text.strip_prefix("\\x") {
            Some(digits) => Plain::Bytes(digits.to_owned()),
            None => Plain::Text(text.to_owned()),
        },
        _ => Plain::Text(text.to_owned()),
    }
}

fn of_mysql(type_name: &str, text: &str) -> Plain {
    match Family::of(type_name) {
        Family::Integer => integer(text),
        Family::Float => Plain::Float(text.to_owned()),
        Family::Bytes | Family::Bit | Family::Vector => Plain::Bytes(text.to_owned()),
        // Of another character set than Unicode's: what it says there.
        Family::Coded => Plain::Bytes(text.to_owned()),
        // What its text does not tell comes before it.
        Family::Json if text.starts_with(' ') => {
            Plain::Text(text.split_once('\n').map_or(text, |(_, value)| value).to_owned())
        }
        // The number of a label, one of which is the empty text.
        Family::Labels => integer(text.trim_start_matches(' ')),
        Family::Decimal | Family::Date | Family::Json | Family::Other => {
            Plain::Text(text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_what_its_engine_meant() {
        let text = |text: &str| Plain::Text(text.to_owned());
        let bytes = |digits: &str| Plain::Bytes(digits.to_owned());
        let sqlite = |literal: &str| Dialect::Sqlite.plain("", Some(literal));
        assert_eq!(sqlite("NULL"), Plain::Null);
        assert_eq!(sqlite("'it''s'"), text("it's"));
        assert_eq!(sqlite("X'00FF'"), bytes("00FF"));
        assert_eq!(sqlite("CAST(X'610062' AS TEXT)"), text("a\0b"));
        assert_eq!(sqlite("CAST(X'00FF' AS TEXT)"), bytes("00FF"));
        assert_eq!(sqlite("-7"), Plain::Integer(-7));
        assert_eq!(sqlite("0.5"), Plain::Float("0.5".into()));
        let postgres = |kind: &str, value: &str| Dialect::Postgres.plain(kind, Some(value));
        assert_eq!(postgres("bigint", "9223372036854775807"), Plain::Integer(i64::MAX.into()));
        assert_eq!(postgres("boolean", "true"), Plain::Boolean(true));
        assert_eq!(postgres("bytea", "\\x00ff"), bytes("00ff"));
        assert_eq!(postgres("numeric", "1.10"), text("1.10"));
        let mysql = |kind: &str, value: &str| Dialect::MYSQL.plain(kind, Some(value));
        assert_eq!(
            mysql("bigint(20) unsigned", "18446744073709551615"),
            Plain::Integer(u64::MAX.into())
        );
        assert_eq!(mysql("varbinary(9)", "00FF"), bytes("00FF"));
        assert_eq!(mysql("varchar(9)", " x"), text(" x"));
        assert_eq!(mysql("json", " [[\"$\", \"DECIMAL\", \"1.10\"]]\n1.10"), text("1.10"));
        assert_eq!(Dialect::MARIADB.plain("int(11)", None), Plain::Null);
    }
}
