//! What a text that somebody typed means as a value of a column, exactly: an engine's own conversion cuts, rounds and
//! ignores what does not fit the type, and would find another row.

use super::Sql;
use super::number::Decimal;
use super::selection::as_blob;
use crate::catalog::{Affinity, Column, TableId};
use crate::engine::mariadb::{Family, exact};
use crate::engine::{Dialect, Statement, literal, quote};
use std::net::IpAddr;

/// How a column's value is compared with a text.
#[derive(Debug, Clone, PartialEq)]
enum Meaning {
    /// The engine's equality with this spelling of it is exact.
    Value(String),
    /// Only where the value's own text is this one, too.
    Text(String),
    /// SQLite: the value of this type whose own text is this one.
    Typed { kind: &'static str, text: String },
    /// MariaDB: the value is this time, whatever the number of digits that its column keeps.
    Time { text: String, whole: String },
    /// No value of this type.
    Nothing,
}

impl Sql<'_> {
    /// The column of row `c` holds the value, and none that is only like it.
    pub(super) fn value_is(&self, table: TableId, name: &str, value: &str) -> Statement {
        let meaning = self.meaning(table, name, value);
        let mut condition = Statement::from("(");
        match meaning {
            Meaning::Value(value) => return self.value_equals(table, name, &value),
            Meaning::Nothing => return Statement::from("false"),
            Meaning::Typed { kind, text } => return self.typed_is(table, name, kind, &text),
            Meaning::Text(text) => {
                condition.append(&self.value_equals(table, name, &text)).push(" AND ");
                condition.append(&self.reads(table, name, &text));
            }
            Meaning::Time { text, whole } => {
                condition.append(&self.value_equals(table, name, &text)).push(" AND (");
                condition.append(&self.reads(table, name, &text));
                let own = format!("CAST(c.{} AS DATETIME(6))", quote(name));
                condition.push(&format!(" OR CAST({own} AS CHAR) = ")).bind(&whole).push(")");
            }
        }
        condition.push(")");
        condition
    }

    /// The column of row `c` holds what the engine takes for the value: another condition than [`Sql::value_is`]
    /// only where that is more than what is exactly it.
    pub(super) fn value_is_like(&self, table: TableId, name: &str, value: &str) -> Statement {
        match self.meaning(table, name, value) {
            Meaning::Text(text) | Meaning::Time { text, .. } => {
                self.value_equals(table, name, &text)
            }
            Meaning::Value(_) | Meaning::Typed { .. } | Meaning::Nothing => {
                self.value_is(table, name, value)
            }
        }
    }

    /// The column of row `c` holds the value of this type that reads so (SQLite). By itself, `=` is for the index.
    pub(super) fn typed_is(&self, table: TableId, name: &str, kind: &str, text: &str) -> Statement {
        let column = format!("c.{}", quote(name));
        let equal = match kind {
            "integer" => text.parse::<i64>().ok().map(|number| number.to_string()),
            "text" => Some(literal(text)),
            "blob" => as_blob(text).map(str::to_owned),
            _ => None,
        };
        let equal = equal.map(|value| format!("{column} = {value} AND ")).unwrap_or_default();
        let mut condition = Statement::from(format!("({equal}typeof({column}) = '{kind}' AND "));
        condition.append(&self.reads(table, name, text)).push(")");
        condition
    }

    fn meaning(&self, table: TableId, name: &str, value: &str) -> Meaning {
        let column = self.column(table, name);
        match self.dialect {
            Dialect::Sqlite => match typed(value) {
                Some((text, kind)) => Meaning::Typed { kind, text: text.to_owned() },
                // A blob, a text or a number, that reads so.
                None if column.affinity == Affinity::Blob => Meaning::Value(value.to_owned()),
                None => of_sqlite(column.affinity, value),
            },
            Dialect::Postgres => of_postgres(column, value),
            Dialect::Mysql(_) => of_mysql(&column.type_name, value),
        }
    }

    /// The text of the value is this one.
    pub(super) fn reads(&self, table: TableId, name: &str, text: &str) -> Statement {
        let shown = self.plain(table, name, "c");
        let mut condition = Statement::default();
        match self.dialect {
            Dialect::Sqlite => condition.push(&format!("{shown} COLLATE BINARY = ")).bind(text),
            Dialect::Postgres => condition
                .push(&format!("({shown}) COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) "))
                .bind(text)
                .push("::pg_catalog.text"),
            Dialect::Mysql(_) => {
                condition.push(&format!("{} = CAST(", exact(&shown))).bind(text).push(" AS BINARY)")
            }
        };
        condition
    }
}

/// The types of SQLite's values (<https://sqlite.org/datatype3.html>, 2).
pub(super) const TYPES: [&str; 4] = ["integer", "real", "text", "blob"];

/// A value and its type, as `1::text` says them: where values of several types stand in one column of SQLite's, only
/// together do they mean one.
pub(super) fn typed(value: &str) -> Option<(&str, &'static str)> {
    let (text, kind) = value.rsplit_once("::")?;
    Some((text, TYPES.into_iter().find(|it| *it == kind)?))
}

/// A column of a numeric affinity keeps texts, too.
fn of_sqlite(affinity: Affinity, text: &str) -> Meaning {
    let number = match affinity {
        Affinity::Integer | Affinity::Real | Affinity::Numeric => Decimal::parse(text),
        Affinity::Text | Affinity::Blob => None,
    };
    let spelled = number.and_then(|number| match affinity == Affinity::Real {
        true => number.is_double().then(|| text.trim().to_owned()),
        // SQLite reads 9007199254740993.0 as 9007199254740992.
        false => match number.integer().filter(|text| text.parse::<i64>().is_ok()) {
            Some(integer) => Some(integer),
            None => number.is_double().then(|| text.trim().to_owned()),
        },
    });
    match spelled {
        Some(spelled) => Meaning::Value(spelled),
        None => Meaning::Text(text.to_owned()),
    }
}

/// Types whose input takes a value as it is or not at all
/// (<https://www.postgresql.org/docs/current/datatype.html>). Others round (`money`, `interval`), cut (`"char"`, `name`)
/// or have values that are equal and not the same (`citext`).
const UNFORGIVING: [&str; 11] = [
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "boolean",
    "uuid",
    "bytea",
    "bit",
    "bit varying",
    "inet",
    "macaddr",
];

fn of_postgres(column: &Column, text: &str) -> Meaning {
    let type_name = column.domain_over.as_deref().unwrap_or(&column.type_name);
    let plain = without_length(type_name);
    let number = || Decimal::parse(text);
    let is_exact = match plain.as_str() {
        plain if UNFORGIVING.contains(&plain.trim_matches('"')) => true,
        "double precision" => number().is_some_and(|number| number.is_double()),
        "real" => number().is_some_and(|number| number.is_float()),
        "date" => is_date(text),
        "timestamp without time zone" => is_time(text, false),
        "timestamp with time zone" => is_time(text, true),
        _ => false,
    };
    match is_exact {
        true => Meaning::Value(text.to_owned()),
        // Blanks at the end of a `char(n)` are no part of it.
        false if plain == "bpchar" => Meaning::Text(text.trim_end_matches(' ').to_owned()),
        false => Meaning::Text(text.to_owned()),
    }
}

/// PostgreSQL's type without the length or precision to which a cast would cut or round; `bit` and `character`
/// alone would have a length of one.
pub(super) fn without_length(type_name: &str) -> String {
    let plain = match (type_name.split_once('('), type_name.rsplit_once(')')) {
        (Some((before, _)), Some((_, after))) if !type_name.starts_with('"') => {
            format!("{before}{after}")
        }
        _ => type_name.to_owned(),
    };
    match plain.as_str() {
        "bit" => "\"bit\"".to_owned(),
        "character" => "bpchar".to_owned(),
        interval if interval.starts_with("interval ") => "interval".to_owned(),
        _ => plain,
    }
}

fn of_mysql(type_name: &str, text: &str) -> Meaning {
    let name = type_name.to_ascii_lowercase();
    let word = name.split(['(', ' ']).next().unwrap_or_default();
    let value = || Meaning::Value(text.to_owned());
    let valid = |sound: bool| if sound { value() } else { Meaning::Nothing };
    let number = Decimal::parse(text);
    match (Family::of(type_name), word) {
        // 26 is 2026 to it.
        (_, "year") => Meaning::Text(text.to_owned()),
        (Family::Integer, _) => {
            let digits = text.trim().trim_start_matches(['-', '+']);
            valid(number.is_some() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        }
        // With an exponent it would be a floating-point number. One of more digits than the column's is rounded where
        // an index is read: `WHERE d = 1.005` finds 1.01 (MariaDB 10.11).
        (Family::Decimal, _) => {
            let (before, behind) = digits(&name);
            let fits = |(whole, fraction): (i64, i64)| whole <= before && fraction <= behind;
            let plain = text.len() < 80 && !text.contains(['e', 'E']);
            valid(plain && number.is_some_and(|number| fits(number.places())))
        }
        (Family::Float, _) => match number {
            Some(number) if number.is_double() => value(),
            Some(_) => Meaning::Text(text.to_owned()),
            None => Meaning::Nothing,
        },
        // These compare as they are shown.
        (Family::Bytes | Family::Vector | Family::Bit, _) => value(),
        (Family::Date, _) => match whole_time(text) {
            Some(whole) => Meaning::Time { text: text.to_owned(), whole },
            None => Meaning::Text(text.to_owned()),
        },
        (Family::Other, "uuid") => {
            let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
            let dashes = text.bytes().filter(|byte| *byte == b'-').count();
            valid(digits == 32 && digits + dashes == text.len())
        }
        (Family::Other, "inet4" | "inet6") => valid(text.parse::<IpAddr>().is_ok()),
        (Family::Coded | Family::Labels | Family::Json | Family::Other, _) => {
            Meaning::Text(text.to_owned())
        }
    }
}

/// How many digits a `decimal(9,2)` has before and behind the point.
fn digits(type_name: &str) -> (i64, i64) {
    let within = type_name.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let mut numbers = within.map_or("", |(within, _)| within).split(',');
    let mut number = || numbers.next().and_then(|number| number.trim().parse::<i64>().ok());
    let (all, behind) = (number().unwrap_or(10), number().unwrap_or(0));
    (all - behind, behind)
}

/// `2026-01-31`
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.iter().all(digits)
        && matches!(parts[..], [year, month, day] if year.len() >= 4 && month.len() == 2 && day.len() == 2)
}

/// `12:30`, `12:30:00` or `12:30:00.123456`, and nothing that would be rounded
fn is_clock(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let pairs = parts.iter().all(|part| part.len() == 2 && digits(part));
    let fraction = fraction.trim_end_matches('0');
    pairs && matches!(parts.len(), 2 | 3) && fraction.len() <= 6 && digits(fraction)
}

/// A date and perhaps a time of day, which may have a zone where the type has one.
fn is_time(text: &str, zoned: bool) -> bool {
    let Some((date, clock)) = text.split_once([' ', 'T']) else { return is_date(text) };
    let clock = match clock.find(['+', '-', 'Z']).filter(|_| zoned) {
        Some(zone) => {
            let known = clock[zone..].bytes().all(|byte| b"+-:Z0123456789".contains(&byte));
            if known { &clock[..zone] } else { "" }
        }
        None => clock,
    };
    is_date(date) && is_clock(clock)
}

/// A time as MariaDB writes it with all six digits behind the second.
fn whole_time(text: &str) -> Option<String> {
    if !is_time(text, false) {
        return None;
    }
    let (date, clock) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let seconds = if clock.len() == "00:00".len() { ":00" } else { "" };
    let fraction = fraction.trim_end_matches('0');
    Some(format!("{date} {clock}{seconds}.{fraction:0<6}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(type_name: &str, text: &str) -> Meaning {
        let column = Column {
            name: "id".into(),
            type_name: type_name.into(),
            domain_over: None,
            nullable: false,
            generated: false,
            default: None,
            volatile_default: false,
            collation: None,
            textual: false,
            on_update: false,
            affinity: Affinity::Blob,
            equality: None,
            generation: None,
        };
        of_postgres(&column, text)
    }

    #[test]
    fn what_postgresql_would_cut_or_round_is_compared_as_text() {
        let exact =
            |type_name: &str, text: &str| matches!(postgres(type_name, text), Meaning::Value(_));
        for (type_name, text) in [
            ("integer", "007"),
            ("numeric(9,2)", "1.005"),
            ("uuid", "A0EEBC999C0B4EF8BB6D6BB9BD380A11"),
            ("bit(3)", "1"),
            ("double precision", "0.1"),
            ("timestamp(0) without time zone", "2026-01-01 00:00:00.4"),
            ("timestamp without time zone", "2026-01-01T00:00"),
            ("timestamp with time zone", "2026-01-01 00:00:00.123456+05:30"),
            ("date", "2026-01-01"),
        ] {
            assert!(exact(type_name, text), "{type_name} {text}");
        }
        for (type_name, text) in [
            ("character varying(3)", "ABCDEF"),
            ("name", "x"),
            ("\"char\"", "xyz"),
            ("money", "1.005"),
            ("real", "16777217"),
            ("timestamp without time zone", "2026-01-01 00:00:00.0000004"),
            ("timestamp without time zone", "2026-01-01 00:00:00+05"),
            ("timestamp with time zone", "2026-01-01 00:00:00 tomorrow"),
            ("date", "2026-01-01 10:00"),
            ("date", "today"),
        ] {
            assert!(!exact(type_name, text), "{type_name} {text}");
        }
        assert_eq!(postgres("character(5)", "AB   "), Meaning::Text("AB".into()));
    }

    #[test]
    fn lengths_are_left_out_of_types() {
        for (type_name, plain) in [
            ("character varying(3)", "character varying"),
            ("character(3)", "bpchar"),
            ("bit(3)", "\"bit\""),
            ("timestamp(0) without time zone", "timestamp without time zone"),
            ("interval day to second(3)", "interval"),
            ("numeric(9,2)", "numeric"),
            ("\"odd (name)\"", "\"odd (name)\""),
        ] {
            assert_eq!(without_length(type_name), plain);
        }
    }

    #[test]
    fn mariadb_is_asked_for_sound_values_only() {
        let value = |text: &str| Meaning::Value(text.into());
        assert_eq!(of_mysql("int(11)", "007"), value("007"));
        assert_eq!(of_mysql("decimal(9,2)", "1.010"), value("1.010"));
        for (type_name, text) in [
            ("int(11)", "1abc"),
            ("bigint(20)", "1e0"),
            ("int(11)", "1.4"),
            ("decimal(9,2)", "1e2"),
            ("decimal(9,2)", "1.005"),
            ("uuid", "123"),
            ("double", "1x"),
        ] {
            assert_eq!(of_mysql(type_name, text), Meaning::Nothing, "{type_name} {text}");
        }
        assert_eq!(of_mysql("varchar(20)", "e"), Meaning::Text("e".into()));
        assert_eq!(of_mysql("year(4)", "26"), Meaning::Text("26".into()));
        let whole = |text: &str| whole_time(text).unwrap_or_default();
        assert_eq!(whole("2026-01-01"), "2026-01-01 00:00:00.000000");
        assert_eq!(whole("2026-01-01T10:00:00.40"), "2026-01-01 10:00:00.400000");
        assert_eq!(whole("2026-01-01 10:00abc"), "");
    }

    #[test]
    fn sqlite_converts_no_more_than_a_number_says() {
        let value = |text: &str| Meaning::Value(text.into());
        assert_eq!(of_sqlite(Affinity::Integer, "007.0"), value("7"));
        assert_eq!(of_sqlite(Affinity::Integer, "9007199254740993.0"), value("9007199254740993"));
        assert_eq!(of_sqlite(Affinity::Real, "0.5"), value("0.5"));
        for (affinity, text) in [
            (Affinity::Real, "9007199254740993"),
            (Affinity::Integer, "1.00000000000000001"),
            (Affinity::Numeric, "7abc"),
            (Affinity::Text, "007"),
        ] {
            assert_eq!(of_sqlite(affinity, text), Meaning::Text(text.into()), "{text}");
        }
    }
}
