//! Rows in bulk (PostgreSQL): lines of COPY's text format go into a table as they are, without a value bound or a
//! statement parsed for each.

use super::{Database, Driver, Result};
use diesel::ExecuteCopyFromDsl;
use diesel::pg::{CopyTarget, Pg};
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use std::cell::RefCell;
use std::io;

diesel::table! {
    /// Stands for whatever table it is: Diesel wants one that it knows when it compiles.
    any (id) {
        id -> Integer,
    }
}

thread_local! {
    /// The table that is meant: a target says its name without a value of its own.
    static MEANT: RefCell<String> = const { RefCell::new(String::new()) };
}

struct Meant;

impl CopyTarget for Meant {
    type Table = any::table;
    type SqlType = any::SqlType;

    fn walk_target(mut pass: AstPass<'_, '_, Pg>) -> QueryResult<()> {
        MEANT.with_borrow(|table| pass.push_sql(table));
        Ok(())
    }
}

impl Database {
    /// Adds `lines` to `table`, whose columns they have. Tells how many rows came of them.
    ///
    /// # Errors
    /// Those of the statement; the other engines have no such one.
    pub fn copy_in(&mut self, table: &str, lines: &[u8]) -> Result<u64> {
        self.statements += 1;
        let Driver::Postgres(connection) = &mut self.connection else {
            let message = "only PostgreSQL takes lines".into();
            return Err(super::Error { fault: super::Fault::Other, message });
        };
        MEANT.set(table.to_owned());
        let send = |to: &mut dyn io::Write| to.write_all(lines).map_err(unsent);
        let copied = diesel::copy_from(any::table).from_raw_data(Meant, send).execute(connection);
        copied.map(|rows| rows as u64).map_err(|error| self.error(error))
    }
}

fn unsent(error: io::Error) -> DieselError {
    DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(error.to_string()))
}
