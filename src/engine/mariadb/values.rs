//! What MariaDB's types ask for: how a value is written as text so that the same value can be read
//! again, and how a text is compared with it.

use super::{json, label_number};
use crate::engine::quoting::unhex;
use crate::engine::{Dialect, Statement};

/// MariaDB's types, as far as their texts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Integer,
    Decimal,
    Float,
    /// Bytes: BINARY, BLOB, geometries.
    Bytes,
    /// MySQL's functions take no such value for bytes.
    Vector,
    Bit,
    Date,
    /// Texts of a character set in which some bytes mean the same as others, or nothing (`char_set`).
    Coded,
    /// Labels one of which is the empty text, as a value reads that is none of them: kept as numbers.
    Labels,
    /// MySQL's own; MariaDB's are texts.
    Json,
    Other,
}

/// Character sets of which every text comes back from Unicode as the bytes that it was: tried with every code
/// of MariaDB 10.11's (`tests/it/archive/charsets.rs`).
const FAITHFUL: [&str; 19] = [
    "cp850", "cp852", "cp866", "keybcs2", "koi8r", "koi8u", "latin1", "latin2", "latin5", "latin7",
    "macce", "macroman", "utf16", "utf16le", "utf8", "utf8mb3", "utf8mb4", "binary", "",
];

/// A column's type, with its character set where texts have to be kept as their bytes.
pub fn coded_type(type_name: &str, collation: &str) -> String {
    let char_set = collation.split('_').next().unwrap_or_default();
    if FAITHFUL.contains(&char_set) {
        type_name.to_owned()
    } else {
        format!("{type_name}{CHARACTER_SET}{char_set}")
    }
}

const CHARACTER_SET: &str = " character set ";

/// What [`coded_type`] added.
fn char_set(type_name: &str) -> Option<&str> {
    let (_, name) = type_name.rsplit_once(CHARACTER_SET)?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(name)
}

impl Family {
    /// Told from a declared type: `int(10) unsigned`, `varbinary(16)`, …
    pub(crate) fn of(type_name: &str) -> Family {
        let name = type_name.to_ascii_lowercase();
        let word = name.split(['(', ' ']).next().unwrap_or_default();
        match word {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => Family::Integer,
            "decimal" => Family::Decimal,
            "float" | "double" => Family::Float,
            "bit" => Family::Bit,
            "vector" => Family::Vector,
            "date" | "datetime" | "timestamp" => Family::Date,
            "binary" | "varbinary" | "geometry" | "point" | "linestring" | "polygon"
            | "multipoint" | "multilinestring" | "multipolygon" | "geometrycollection"
            | "geomcollection" => Family::Bytes,
            word if word.ends_with("blob") => Family::Bytes,
            "json" => Family::Json,
            "enum" | "set" if has_empty_label(&name) => Family::Labels,
            _ if char_set(type_name).is_some() => Family::Coded,
            _ => Family::Other,
        }
    }

    /// Values of the two types mean the same where they are equal.
    pub(crate) fn are_alike(left: &str, right: &str) -> bool {
        const TEXTS: [&str; 4] = ["char", "text", "enum", "set"];
        let kind = |type_name: &str| {
            let name = type_name.to_ascii_lowercase();
            let word = name.split(['(', ' ']).next().unwrap_or_default().to_owned();
            match Family::of(type_name) {
                Family::Integer | Family::Decimal | Family::Float | Family::Bit => "number".into(),
                Family::Bytes | Family::Vector => "bytes".into(),
                Family::Date => "date".into(),
                Family::Coded | Family::Labels => "text".into(),
                Family::Other if TEXTS.iter().any(|text| word.ends_with(text)) => "text".into(),
                Family::Json | Family::Other => word,
            }
        };
        kind(left) == kind(right)
    }

    /// No index can be made over all of a value.
    pub(crate) fn is_long(type_name: &str) -> bool {
        let name = type_name.to_ascii_lowercase();
        let word = name.split(['(', ' ']).next().unwrap_or_default();
        word.ends_with("text")
            || word.ends_with("blob")
            || matches!(word, "json" | "vector")
            || (Family::of(word) == Family::Bytes && !word.ends_with("binary"))
    }

    /// A value as text that people can type again. A FLOAT's own text has six digits.
    pub(crate) fn text(self, value: &str) -> String {
        match self {
            Family::Bytes | Family::Vector => format!("concat('X''', hex({value}), '''')"),
            Family::Bit => format!("CAST({value} + 0 AS CHAR)"),
            Family::Float => format!("CAST(CAST({value} AS DOUBLE) AS CHAR)"),
            _ => format!("CAST({value} AS CHAR)"),
        }
    }

    /// A value as it is read for an archive: its bytes, or a text. Whatever makes a long value longer, as hex() and
    /// CAST do, is NULL where the result would be longer than `max_allowed_packet`; these are not
    /// (<https://github.com/MariaDB/server/blob/10.11/sql/item_strfunc.cc>, measured in `tests/it/archive/large.rs`).
    pub(crate) fn archived(self, value: &str) -> String {
        match self {
            Family::Bytes | Family::Other => format!("concat({value})"),
            Family::Coded => format!("CONVERT({value} USING binary)"),
            Family::Vector => format!("CAST({value} AS BINARY)"),
            Family::Bit => format!("hex({value})"),
            Family::Json => json::archived(value),
            Family::Labels => format!("concat('{NUMBER}', {})", label_number(value)),
            Family::Integer | Family::Decimal | Family::Float | Family::Date => self.text(value),
        }
    }

    /// The literal of an archived value of this type. `None`: it is none.
    pub(crate) fn unarchived(type_name: &str, text: &str, dialect: Dialect) -> Option<String> {
        let literal = |text: &str| dialect.literal(text);
        let hex = || text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match Family::of(type_name) {
            Family::Bytes | Family::Vector if hex() && text.len().is_multiple_of(2) => {
                Some(format!("X'{text}'"))
            }
            Family::Coded if hex() && text.len().is_multiple_of(2) => {
                Some(format!("_{} X'{text}'", char_set(type_name)?))
            }
            // One digit a bit position of eight: BIT(9) can have three.
            Family::Bit if hex() && !text.is_empty() => {
                let zero = if text.len().is_multiple_of(2) { "" } else { "0" };
                Some(format!("X'{zero}{text}'"))
            }
            Family::Bytes | Family::Vector | Family::Bit | Family::Coded => None,
            Family::Json => {
                let parts = json::parts(text)?;
                parts.value(literal(parts.text), dialect)
            }
            Family::Labels => {
                Some(text.strip_prefix(NUMBER).and_then(number).unwrap_or_else(|| literal(text)))
            }
            // As an integer it would be 0.
            Family::Float if text == "-0" => Some("-0e0".to_owned()),
            Family::Integer | Family::Decimal | Family::Float => number(text),
            Family::Date | Family::Other => Some(literal(text)),
        }
    }

    /// The value itself of an archived one, to be sent apart from the statement, and how that names it there.
    /// `None`: it is none.
    pub(crate) fn sent(
        type_name: &str,
        text: &str,
        variable: &str,
        dialect: Dialect,
    ) -> Option<(Vec<u8>, String)> {
        match Family::of(type_name) {
            Family::Json => {
                let parts = json::parts(text)?;
                let value = parts.value(variable.to_owned(), dialect)?;
                Some((parts.text.as_bytes().to_vec(), value))
            }
            Family::Bytes | Family::Vector | Family::Coded => {
                Some((unhex(text)?, format!("CONVERT({variable} USING binary)")))
            }
            _ => Some((text.as_bytes().to_vec(), variable.to_owned())),
        }
    }

    /// A column can hold the value that the text means: a number is asked for only of numbers.
    pub(crate) fn reads(self, text: &str) -> bool {
        match self {
            Family::Integer | Family::Decimal | Family::Float => number(text.trim()).is_some(),
            Family::Bytes
            | Family::Vector
            | Family::Bit
            | Family::Date
            | Family::Coded
            | Family::Labels
            | Family::Json
            | Family::Other => true,
        }
    }

    /// The column holds the value that the text means. A number that is none finds nothing: MariaDB
    /// would take 7 for '7abc', and compare a long integer with a text as floating-point numbers.
    pub(crate) fn is(self, column: &str, text: &str) -> Statement {
        let mut condition = Statement::default();
        match self {
            Family::Integer | Family::Decimal | Family::Float => match number(text.trim()) {
                Some(number) => condition.push(&format!("{column} = {number}")),
                None => condition.push("false"),
            },
            Family::Bytes | Family::Vector | Family::Bit => {
                condition.push(&format!("{} = ", self.text(column))).bind(text)
            }
            Family::Date | Family::Coded | Family::Labels | Family::Json | Family::Other => {
                condition.push(&format!("{column} = ")).bind(text)
            }
        };
        condition
    }
}

/// What the number of a label begins with in an archive.
const NUMBER: &str = " ";

/// Numbers say which label is meant; they may be kept of a type that has none that is empty, too.
fn has_empty_label(type_name: &str) -> bool {
    ["('',", "('')", ",'',", ",'')"].iter().any(|empty| type_name.contains(empty))
}

/// An archived value that the type has no label for.
pub(crate) fn is_invalid_label(type_name: &str, text: &str) -> bool {
    type_name.starts_with("enum") && (text.is_empty() || text.strip_prefix(NUMBER) == Some("0"))
}

/// A text that is a number and nothing else.
fn number(text: &str) -> Option<String> {
    let characters = "0123456789.+-eE";
    let sound = text.starts_with(|c: char| matches!(c, '-' | '+' | '.') || c.is_ascii_digit())
        && text.chars().all(|c| characters.contains(c))
        && text.parse::<f64>().is_ok();
    sound.then(|| text.to_owned())
}

/// The text of a value as bytes, so that they are compared as they are: no collation, no padding.
pub(crate) fn exact(value: &str) -> String {
    format!("CAST(CAST({value} AS CHAR) AS BINARY)")
}

/// Any value as bytes that differ where the values do, two of one column's type: of a long one a digest, since CAST
/// is NULL for what is longer than `max_allowed_packet`.
pub(crate) fn bytes(value: &str) -> String {
    format!("IF(octet_length({value}) > {LONG}, sha2({value}, 512), CAST({value} AS BINARY))")
}

/// Shorter than any server's `max_allowed_packet`, which is at least 1024.
const LONG: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_number_and_nothing_else() {
        for sound in ["7", "-7", "0.5", "18446744073709551615", "1e10", ".5"] {
            assert_eq!(number(sound).as_deref(), Some(sound));
        }
        for other in ["", "7abc", "7 OR 1=1", "e", "--7", "1-1", "0x10", "inf", "NaN"] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    fn families_are_told_from_declared_types() {
        assert_eq!(Family::of("int(10) unsigned"), Family::Integer);
        assert_eq!(Family::of("varbinary(16)"), Family::Bytes);
        assert_eq!(Family::of("mediumblob"), Family::Bytes);
        assert_eq!(Family::of("double"), Family::Float);
        assert_eq!(Family::of("varchar(20)"), Family::Other);
        assert_eq!(Family::of(&coded_type("varchar(20)", "cp1257_general_ci")), Family::Coded);
        assert_eq!(Family::of(&coded_type("varchar(20)", "utf8mb4_bin")), Family::Other);
        assert_eq!(Family::of("enum('a character set b')"), Family::Other);
        assert_eq!(Family::of("enum('a','')"), Family::Labels);
        assert_eq!(
            Family::unarchived("enum('a','')", " 2", Dialect::MARIADB).as_deref(),
            Some("2")
        );
        assert_eq!(Family::unarchived("enum('a','')", "", Dialect::MARIADB).as_deref(), Some("''"));
        assert!(Family::is_long("longtext") && !Family::is_long("varbinary(8)"));
    }
}
