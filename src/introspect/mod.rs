//! What a database says about itself, read into a [`Catalog`] by as many questions, whatever the schema's
//! size: one file an engine.

mod mysql;
mod postgres;
mod sqlite;

use crate::catalog::{Catalog, TableName};
use crate::database::{self, Database};
use crate::engine::{Dialect, Statement};

/// Reads the whole schema. The fingerprint is read first, so that a change made meanwhile shows in the
/// next [`fingerprint`].
///
/// # Errors
/// Those of the connection; nothing about a schema's shape is one.
pub fn load(database: &mut Database) -> database::Result<Catalog> {
    match database.dialect() {
        Dialect::Sqlite => sqlite::load(database),
        Dialect::Postgres => postgres::load(database),
        Dialect::Mysql(_) => mysql::load(database),
    }
}

/// [`Catalog::fingerprint`] as it is now, in one cheap round trip.
pub fn fingerprint(database: &mut Database) -> database::Result<String> {
    match database.dialect() {
        Dialect::Sqlite => sqlite::fingerprint(database),
        Dialect::Postgres => postgres::fingerprint(database),
        Dialect::Mysql(_) => mysql::fingerprint(database),
    }
}

/// An index of all rows begins with this column: for the few columns of which the catalog does not say so.
pub(crate) fn is_indexed(
    database: &mut Database,
    table: &TableName,
    column: &str,
) -> database::Result<bool> {
    let question = match database.dialect() {
        Dialect::Sqlite => include_str!("sqlite/indexed.sql"),
        Dialect::Postgres => include_str!("postgres/indexed.sql"),
        Dialect::Mysql(_) => include_str!("mysql/indexed.sql"),
    };
    let mut parts = question.split("/*name*/");
    let mut statement = Statement::from(parts.next().unwrap_or_default());
    let schema = table.qualifier().unwrap_or_default();
    for (name, sql) in [schema, &table.name, column].into_iter().zip(parts) {
        statement.bind(name).push(sql);
    }
    Ok(database.query_one(&statement)?.count(0)? > 0)
}
