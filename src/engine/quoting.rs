//! How names and texts are quoted, on every engine alike.

use crate::catalog::TableName;

/// An identifier, quoted for every engine here: MariaDB's sessions are set to read it so (`ANSI_QUOTES`).
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A table's name with its schema, quoted.
pub(crate) fn quote_table(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(&name.name)),
        None => quote(&name.name),
    }
}

/// The privilege without which nothing in a schema can be named, as a GRANT says it.
pub fn usage_of(schema: &str) -> String {
    format!("USAGE ON SCHEMA {}", quote(schema))
}

/// A string literal. MariaDB's sessions run with `NO_BACKSLASH_ESCAPES`; PostgreSQL's own way is
/// [`Dialect::literal`].
pub fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// Two hexadecimal digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |number: u8| DIGITS[usize::from(number)];
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that hexadecimal digits stand for. `None`: it is something else than two digits for each.
pub(crate) fn unhex(digits: &str) -> Option<Vec<u8>> {
    // A number may begin with a sign.
    let sound = digits.len().is_multiple_of(2) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if sound { digits.as_bytes().chunks(2).map(byte).collect() } else { None }
}
