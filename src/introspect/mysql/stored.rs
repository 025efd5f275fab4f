//! How MySQL's catalog writes expressions and defaults: those as the text of a literal, these without quotes.

use crate::database::Row;
use crate::engine::Dialect;

/// An expression as its server takes it: MySQL keeps it with quotes and backslashes escaped once more
/// (`_utf8mb4\\'z\\'`).
pub fn expression(dialect: Dialect, text: &str) -> String {
    if dialect != Dialect::MYSQL {
        return text.to_owned();
    }
    let mut written = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        written.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('0') => '\0',
                Some('Z') => '\u{1a}',
                Some(escaped) => escaped,
                None => break,
            },
            character => character,
        });
    }
    written
}

/// A column's default as SQL, from a row of MySQL's `columns.sql`.
pub fn default(row: &Row) -> Option<String> {
    let text = row.optional(5)?;
    let bits = text.starts_with("b'") && row.text(3).starts_with("bit");
    let bytes = text.starts_with("0x") && row.text(3).contains("binary");
    Some(if row.flag(11) {
        expression(Dialect::MYSQL, text)
    } else if bits || bytes {
        text.to_owned()
    } else {
        Dialect::MYSQL.literal(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_written_as_it_was() {
        let kept = r"(`n` <> _utf8mb4\'\\\'z\')";
        assert_eq!(expression(Dialect::MYSQL, kept), r"(`n` <> _utf8mb4'\'z')");
        assert_eq!(expression(Dialect::MARIADB, r"`n` <> '\'"), r"`n` <> '\'");
    }
}
