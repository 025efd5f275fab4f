//! The only maker of SQL for user tables. Pure text: nothing here runs.

mod dialect;
mod statement;

pub use dialect::Dialect;
pub use statement::Statement;

use crate::catalog::TableName;

/// An identifier, quoted for every engine here.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A table's name with its schema, quoted.
pub fn quote_table(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(&name.name)),
        None => quote(&name.name),
    }
}

/// A string literal. PostgreSQL runs with `standard_conforming_strings` on.
pub fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
