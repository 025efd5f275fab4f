//! Queries that may take only so long, and whose failure leaves the transaction as it was: PostgreSQL's within a
//! savepoint, with a `statement_timeout` of its own; MariaDB's by `max_statement_time`; SQLite's stopped by its progress
//! handler, which ends a SELECT and nothing else (<https://sqlite.org/c3ref/progress_handler.html>).

use super::{Database, Fault, Result, Row};
use crate::engine::{Dialect, Statement};
use std::time::Duration;

impl Database {
    /// Runs a query that may take so long: [`Fault::TimeLimit`] otherwise. Only reads may come between the first of
    /// them and [`Database::unlimit`].
    pub(crate) fn query_limited(
        &mut self,
        statement: &Statement,
        each: Duration,
    ) -> Result<Vec<Row>> {
        // SQLite's goes on from now.
        if self.limit != Some(each) || self.dialect() == Dialect::Sqlite {
            self.limit(each)?;
        }
        let rows = self.query(statement);
        if let Err(error) = &rows
            && error.fault != Fault::Lost
        {
            self.limit(each)?;
        }
        rows
    }

    /// The same before a ROLLBACK, which ends a savepoint by itself, and must not be stopped.
    pub(super) fn forget_limit(&mut self) {
        match self.dialect() {
            Dialect::Postgres => self.limit = None,
            // Who is gone has no limit either.
            Dialect::Sqlite | Dialect::Mysql(_) => drop(self.unlimit()),
        }
    }

    fn limit(&mut self, each: Duration) -> Result<()> {
        let begun = self.limit.replace(each).is_some();
        match self.dialect().limit(each, begun) {
            Some(limit) => self.run(&limit),
            None => {
                self.stop_after(Some(each));
                Ok(())
            }
        }
    }

    /// From here on statements take as long as they take.
    pub(crate) fn unlimit(&mut self) -> Result<()> {
        if self.limit.take().is_none() {
            return Ok(());
        }
        match self.dialect().unlimit() {
            Some(unlimit) => self.run(unlimit),
            None => {
                self.stop_after(None);
                Ok(())
            }
        }
    }

    fn stop_after(&mut self, each: Option<Duration>) {
        if let Some(handle) = &mut self.handle {
            handle.stop_after(each);
        }
    }
}
