//! How each engine speaks: its transactions and settings, what it can and cannot do, how a name, a literal and a
//! type are written. Pure text; nothing here knows a plan, and nothing runs.

mod capabilities;
mod dialect;
pub(crate) mod mysql;
mod order;
pub(crate) mod path;
mod statement;
pub(crate) mod token;

pub use capabilities::{Cycles, Silence};
pub(crate) use dialect::type_of;
pub use dialect::{Dialect, Purpose};
pub use mysql::{coded_type, is_stored_alike};
pub use statement::{Placeholder, Statement};

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
