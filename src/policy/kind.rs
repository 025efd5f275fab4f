//! What values a column has, and whether they can be told to be another column's.

use crate::catalog::Column;

/// What values a column has.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Number,
    /// Which a comparison with a number may round.
    Float,
    Text,
    Uuid,
    Bytes,
    /// Those of SQLite's columns without a type, or with one that it takes for a number's.
    Any,
    /// A list or a document, which may hold keys.
    Several(String),
    /// A time, a truth.
    NoKey(String),
    Other(String),
}

impl Kind {
    pub(super) fn of(column: &Column) -> Kind {
        const NUMBERS: [&str; 12] = [
            "bit",
            "int",
            "integer",
            "tinyint",
            "smallint",
            "mediumint",
            "bigint",
            "serial",
            "bigserial",
            "unsigned",
            "numeric",
            "decimal",
        ];
        const BYTES: [&str; 7] =
            ["bytea", "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"];
        const NO_KEYS: [&str; 4] = ["date", "time", "bool", "interval"];
        let name = column.value_type().to_lowercase();
        let word: &str = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        match word {
            _ if column.textual => Kind::Text,
            _ if name.ends_with(']') || word.starts_with("json") => Kind::Several(name),
            _ if NO_KEYS.iter().any(|it| word.starts_with(it)) => Kind::NoKey(name),
            _ if NUMBERS.contains(&word) => Kind::Number,
            "" | "any" => Kind::Any,
            "uuid" => Kind::Uuid,
            "double" | "float" | "real" if !column.affinity.is_numeric() => Kind::Float,
            _ if BYTES.contains(&word) => Kind::Bytes,
            _ if column.affinity.is_numeric() => Kind::Any,
            _ => Kind::Other(name.split('(').next().unwrap_or_default().to_owned()),
        }
    }

    /// The engine compares the two as they are.
    fn is(&self, other: &Kind) -> bool {
        self == other || *self == Kind::Any || *other == Kind::Any
    }

    /// No value of this one, whatever it is written as, is one of the other.
    fn is_never(&self, other: &Kind) -> bool {
        matches!(self, Kind::NoKey(_))
            || (*self == Kind::Uuid && matches!(other, Kind::Number | Kind::Float))
    }

    /// A value of this one stands for one of the other, and their texts do not say so: the bytes of a UUID have several
    /// orders.
    fn is_another_form(&self, other: &Kind) -> bool {
        matches!(self, Kind::Several(_))
            || (*self == Kind::Bytes
                && matches!(other, Kind::Text | Kind::Uuid | Kind::Number | Kind::Other(_)))
    }
}

/// How a column may hold the values of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    AsIs,
    /// Where their texts are alike.
    AsText,
    /// No SQL tells which of its values is which of the other's.
    Untold,
    Never,
}

impl Fit {
    pub(super) fn of(own: &Column, key: &Column) -> Fit {
        let (kind, other) = (Kind::of(own), Kind::of(key));
        // SQLite keeps a number as it is among bytes: rows tell.
        let sqlite = own.affinity.is_numeric() || key.affinity.is_numeric();
        let are = |one| [&kind, &other].contains(&&one);
        let is_padded = |number: &Column| number.type_name.to_lowercase().contains("zerofill");
        match () {
            () if dashes_apart(own, key) => Fit::Untold,
            () if kind.is(&other) => Fit::AsIs,
            () if kind.is_never(&other) || other.is_never(&kind) => Fit::Never,
            () if sqlite && are(Kind::Bytes) && are(Kind::Number) => Fit::AsText,
            () if kind.is_another_form(&other) || other.is_another_form(&kind) => Fit::Untold,
            // Such a number reads 007 where the text may well be 7.
            () if is_padded(own) || is_padded(key) => Fit::Untold,
            () => Fit::AsText,
        }
    }
}

/// One of them has room for a UUID with its dashes, the other just for one without. Texts of any length up to there may
/// well be other keys.
fn dashes_apart(one: &Column, other: &Column) -> bool {
    let form = |column: &Column| match column.value_type().to_lowercase().as_str() {
        "uuid" | "char(36)" | "character(36)" => Some((36, true)),
        "char(32)" | "character(32)" => Some((32, true)),
        "varchar(36)" | "character varying(36)" => Some((36, false)),
        "varchar(32)" | "character varying(32)" => Some((32, false)),
        _ => None,
    };
    let forms = form(one).zip(form(other));
    forms.is_some_and(|((one, fixed), (other, also))| one != other && (fixed || also))
}
