//! What a database says about itself, read into a [`Catalog`] in a handful of round trips, whatever the schema's
//! size: one file an engine.

mod mysql;
mod postgres;
mod sqlite;

use crate::catalog::Catalog;
use crate::database::{self, Database};
use crate::engine::Dialect;

/// Reads the whole schema. The fingerprint is read first, so that a change made meanwhile shows in the
/// next [`fingerprint`].
///
/// # Errors
/// Those of the connection; nothing about a schema's shape is one.
pub fn load(database: &mut Database) -> database::Result<Catalog> {
    match database.dialect() {
        Dialect::Sqlite => sqlite::load(database),
        Dialect::Postgres => postgres::load(database),
        Dialect::Mysql => mysql::load(database),
    }
}

/// [`Catalog::fingerprint`] as it is now, in one cheap round trip.
pub fn fingerprint(database: &mut Database) -> database::Result<String> {
    match database.dialect() {
        Dialect::Sqlite => sqlite::fingerprint(database),
        Dialect::Postgres => postgres::fingerprint(database),
        Dialect::Mysql => mysql::fingerprint(database),
    }
}
