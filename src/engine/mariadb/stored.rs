//! How InnoDB compares the two sides of a foreign key: by what it stores, not by what SQL makes of it
//! (`cmp_cols_are_equal` and `cmp_data` in
//! <https://github.com/MariaDB/server/blob/10.11/storage/innobase/rem/rem0cmp.cc>). Measured on MariaDB 10.11, every
//! pair of types that it accepts: `tests/it/types/mariadb.rs`.

use crate::catalog::Column;

/// How SQL asks which values InnoDB calls equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// By `=`.
    Plain,
    /// By `=` and the numbers of the labels: the empty text may be a label, and is what an invalid value reads as.
    Labels,
    /// By numbers: an ENUM or SET is nothing else, whatever its labels are.
    Numbers,
    /// Not at all: InnoDB compares bytes of which SQL sees nothing, such as those of a DECIMAL with a DATETIME's.
    Unlike,
}

impl Likeness {
    pub(crate) fn of(parent: &Column, child: &Column) -> Likeness {
        match (Stored::of(parent), Stored::of(child)) {
            // Nobody sees this column, so nobody compares it either.
            (Stored::Hidden, _) | (_, Stored::Hidden) => Likeness::Plain,
            (Stored::Labels(a), Stored::Labels(b)) if a == b => Likeness::Labels,
            (Stored::Labels(_), Stored::Labels(_)) => Likeness::Numbers,
            (Stored::Labels(_), Stored::Integer { unsigned: true, .. }) => Likeness::Numbers,
            (Stored::Integer { unsigned: true, .. }, Stored::Labels(_)) => Likeness::Numbers,
            (Stored::Text(a), Stored::Text(b)) if a.is_like(&b) => Likeness::Plain,
            (a, b) if a == b => Likeness::Plain,
            _ => Likeness::Unlike,
        }
    }

    /// `parent` is equal to `child`. What is unlike is never asked (`Sql::unlike`).
    pub(crate) fn equal(self, parent: &str, child: &str) -> String {
        let plain = format!("{parent} = {child}");
        let numbers = format!("{} = {}", label_number(parent), label_number(child));
        match self {
            Likeness::Plain | Likeness::Unlike => plain,
            Likeness::Labels => format!("{plain} AND {numbers}"),
            Likeness::Numbers => numbers,
        }
    }
}

/// Key and child hold what is equal to InnoDB in one way only.
pub fn is_stored_alike(parent: &Column, child: &Column) -> bool {
    matches!(Likeness::of(parent, child), Likeness::Plain | Likeness::Labels)
}

/// The number that an ENUM or SET is. `+ 0` would be a DOUBLE, and a SET has 64 bits.
pub(crate) fn label_number(value: &str) -> String {
    format!("({value} | 0)")
}

/// Its values are texts to SQL and numbers to InnoDB.
pub(crate) fn is_labelled(type_name: &str) -> bool {
    matches!(word(type_name), "enum" | "set")
}

fn word(type_name: &str) -> &str {
    type_name.split(['(', ' ']).next().unwrap_or_default()
}

/// What InnoDB makes of a column.
#[derive(Debug, PartialEq)]
enum Stored<'a> {
    Hidden,
    Integer {
        word: &'a str,
        unsigned: bool,
    },
    /// The declaration and the collation, which may be another character set.
    Labels((&'a str, Option<&'a str>)),
    Text(Text<'a>),
    /// No padding, whatever their lengths.
    Bytes,
    /// Equal only to the same type, digits and all: of two DECIMALs or two DATETIMEs with different digits other bytes
    /// are equal than of the values.
    Exactly(String),
}

#[derive(Debug, PartialEq)]
struct Text<'a> {
    collation: Option<&'a str>,
    fixed: bool,
}

impl Text<'_> {
    /// A CHAR is stored with its blanks, which count where the collation pads nothing: InnoDB then finds by a CHAR
    /// what it does not find by a VARCHAR. With `foreign_key_checks` off collations may differ.
    fn is_like(&self, other: &Text) -> bool {
        let pads = self.collation.is_some_and(|name| {
            !name.contains("_nopad_") && !name.contains("_0900_") && name != "binary"
        });
        self.collation == other.collation && (pads || self.fixed == other.fixed)
    }
}

impl Stored<'_> {
    fn of(column: &Column) -> Stored<'_> {
        let (type_name, collation) = (column.type_name.as_str(), column.collation.as_deref());
        let text = |fixed| Stored::Text(Text { collation, fixed });
        match word(type_name) {
            "" => Stored::Hidden,
            word @ ("tinyint" | "smallint" | "mediumint" | "int" | "bigint") => {
                Stored::Integer { word, unsigned: type_name.contains(" unsigned") }
            }
            "enum" | "set" => Stored::Labels((type_name, collation)),
            "char" => text(true),
            "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => text(false),
            "binary" | "varbinary" => Stored::Bytes,
            // Their digits are how they are shown.
            word @ ("float" | "double") => Stored::Exactly(word.to_owned()),
            _ => {
                let plain = type_name.replace(" unsigned", "").replace(" zerofill", "");
                Stored::Exactly(plain)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Affinity;

    fn column(type_name: &str, collation: &str) -> Column {
        Column {
            name: "x".into(),
            type_name: type_name.into(),
            domain_over: None,
            nullable: true,
            generated: false,
            default: None,
            volatile_default: false,
            collation: Some(collation.to_owned()).filter(|name| !name.is_empty()),
            textual: false,
            on_update: false,
            affinity: Affinity::Blob,
            equality: None,
            generation: None,
        }
    }

    #[test]
    fn what_is_stored_decides() {
        use Likeness::{Labels, Numbers, Plain, Unlike};
        let compared = |parent: &str, child: &str, collation: &str| {
            Likeness::of(&column(parent, collation), &column(child, collation))
        };
        for (parent, child, collation, expected) in [
            ("int(11) unsigned", "int(5) unsigned zerofill", "", Plain),
            ("int(11)", "int(11) unsigned", "", Unlike),
            ("int(11)", "bigint(20)", "", Unlike),
            ("decimal(5,2)", "decimal(5,2) unsigned", "", Plain),
            ("decimal(5,2)", "decimal(5,3)", "", Unlike),
            ("float", "float(7,3) unsigned", "", Plain),
            ("datetime", "datetime", "", Plain),
            ("datetime", "datetime(6)", "", Unlike),
            ("datetime", "timestamp", "", Unlike),
            ("bit(8)", "bit(9)", "", Unlike),
            ("uuid", "binary(16)", "", Unlike),
            ("binary(3)", "varbinary(9)", "", Plain),
            ("char(5)", "varchar(9)", "utf8mb4_general_ci", Plain),
            ("char(5)", "varchar(9)", "utf8mb4_nopad_bin", Unlike),
            ("char(5)", "char(9)", "utf8mb4_nopad_bin", Plain),
            ("enum('a','b')", "enum('a','b')", "latin1_swedish_ci", Labels),
            ("enum('a','b')", "enum('b','a')", "latin1_swedish_ci", Numbers),
            ("enum('a','b')", "set('a','b')", "latin1_swedish_ci", Numbers),
            ("year(4)", "enum('a','b')", "latin1_swedish_ci", Unlike),
            ("int(11)", "", "", Plain),
        ] {
            assert_eq!(compared(parent, child, collation), expected, "{parent} <- {child}");
        }
        let (general, binary) =
            (column("varchar(5)", "utf8mb4_general_ci"), column("varchar(5)", "utf8mb4_bin"));
        assert_eq!(Likeness::of(&general, &binary), Unlike);
        let (tiny, set) = (column("tinyint(3) unsigned", ""), column("set('a')", "utf8mb4_bin"));
        assert_eq!(Likeness::of(&tiny, &set), Numbers);
    }

    #[test]
    fn labels_are_compared_by_their_numbers() {
        assert_eq!(Likeness::Numbers.equal("p.c0", "c.x"), "(p.c0 | 0) = (c.x | 0)");
        assert_eq!(Likeness::Labels.equal("p", "c"), "p = c AND (p | 0) = (c | 0)");
        assert!(is_labelled("enum('a')") && !is_labelled("varchar(9)"));
    }
}
