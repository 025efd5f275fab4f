//! A connection to one of the engines over Diesel: statements, rows as text, transactions. The only
//! place besides the catalog's loaders that tells the backends apart.

mod conninfo;
mod copy;
mod drivers;
mod error;
mod limit;
mod mysql;
mod row;
mod server;
mod server_names;
mod spelling;
mod sqlite;
mod target;
mod url;

pub use conninfo::LibpqVariables;
pub use drivers::{engines, tls, trust_what_the_system_trusts};
pub use error::{Error, Fault};
pub use mysql::MysqlConnection;
use row::RawRow;
pub use row::Row;
pub use server::{ReplicaRole, Replicas, Replication};
pub use target::Target;
pub use url::shown_word;

pub use crate::engine::Purpose;
use crate::engine::{Dialect, Placeholder, Statement};
use crate::interrupt::Cancel;
use diesel::connection::{
    AnsiTransactionManager, CacheSize, Connection, DefaultLoadingMode, LoadConnection,
    SimpleConnection, TransactionManager,
};
use diesel::mysql::Mysql;
use diesel::pg::{Pg, PgConnection, PgRowByRowLoadingMode, PgValue};
use diesel::prelude::*;
use diesel::row::{Field, Row as _};
use diesel::sql_types::{Binary, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use std::time::Duration;

pub type Result<T> = std::result::Result<T, Error>;

pub struct Database {
    connection: Driver,
    /// SQLite's own, of the same connection.
    handle: Option<sqlite::Handle>,
    target: Target,
    dialect: Dialect,
    /// How long a statement may take, where that is limited.
    limit: Option<Duration>,
    /// Statements sent so far: round trips, give or take Diesel's own.
    pub statements: u64,
}

pub enum Driver {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    Mysql(MysqlConnection),
}

/// A value as text, as it is bytes; `None` is a null.
pub type Value<'a> = Option<&'a [u8]>;

/// Runs `$body` on whichever driver is connected.
macro_rules! on_driver {
    ($self:expr, $connection:ident => $body:expr) => {
        match &mut $self.connection {
            Driver::Sqlite($connection) => $body,
            Driver::Postgres($connection) => $body,
            Driver::Mysql($connection) => $body,
        }
    };
}

/// A statement with its values bound as text. A macro, because the bounds of a function over both
/// backends are private to Diesel.
macro_rules! bound {
    ($backend:ty, $statement:expr) => {{
        let (text, values) = $statement.prepared(<$backend as Placeholders>::STYLE);
        let query = diesel::sql_query(text).into_boxed::<$backend>();
        values.into_iter().fold(query, |query, value| query.bind::<Text, _>(value.to_owned()))
    }};
}

impl Database {
    /// Opens an existing database; with `create`, an SQLite file may come into being.
    ///
    /// # Errors
    /// [`Fault::Connect`], its message free of the password.
    pub fn connect(target: &Target, create: bool) -> Result<Database> {
        let connect_error = |error: ConnectionError| {
            let error = Error::from(error);
            Error { message: target.scrub(&error.message), ..error }
        };
        let url = target.driver_url(create);
        let (mut handle, mut dialect) = (None, target.dialect());
        let connection = match target {
            Target::Sqlite(path) => {
                if !create && !path.exists() {
                    let message = format!("there is no SQLite file {}", path.display());
                    return Err(Error { fault: Fault::Connect, message });
                }
                let (connection, own) = sqlite::establish(&url).map_err(connect_error)?;
                handle = own;
                Driver::Sqlite(connection)
            }
            Target::Postgres(_) => {
                let mut connection = PgConnection::establish(&url).map_err(connect_error)?;
                // PgBouncer's transaction pooling hands out servers that others have named statements in.
                connection.set_prepared_statement_cache_size(CacheSize::Disabled);
                Driver::Postgres(connection)
            }
            Target::Mysql(url) => {
                let (connection, server) = mysql::connect(url)
                    .map_err(|error| Error { message: target.scrub(&error.message), ..error })?;
                dialect = Dialect::Mysql(server);
                Driver::Mysql(connection)
            }
        };
        let target = target.clone();
        Ok(Database { connection, handle, target, dialect, limit: None, statements: 0 })
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The typed connection, for the built-in CRM and its migrations.
    pub fn driver(&mut self) -> &mut Driver {
        &mut self.connection
    }

    /// Runs statements that take no values and return nothing, in one round trip.
    pub fn run(&mut self, sql: &str) -> Result<()> {
        self.statements += 1;
        on_driver!(self, connection => connection.batch_execute(sql)).map_err(|e| self.error(e))
    }

    /// Runs one statement and tells how many rows it inserted, updated or deleted.
    pub fn execute(&mut self, statement: &Statement) -> Result<u64> {
        self.run_any(&statement.before())?;
        self.statements += 1;
        let rows = match &mut self.connection {
            Driver::Sqlite(connection) => bound!(Sqlite, statement).execute(connection),
            Driver::Postgres(connection) => bound!(Pg, statement).execute(connection),
            Driver::Mysql(connection) => bound!(Mysql, statement).execute(connection),
        };
        let rows = rows.map(|rows| rows as u64).map_err(|error| self.error(error))?;
        self.run_any(&statement.after())?;
        Ok(rows)
    }

    /// What comes before or after a statement, if anything does.
    fn run_any(&mut self, sql: &str) -> Result<()> {
        if sql.is_empty() { Ok(()) } else { self.run(sql) }
    }

    /// Puts bytes, or null, into a variable of the session: what is too long for a statement that does more
    /// (MariaDB). The driver sends it in pieces where it has to.
    pub fn set_variable(&mut self, name: &str, value: Option<&[u8]>) -> Result<()> {
        self.statements += 1;
        let Driver::Mysql(connection) = &mut self.connection else { return Ok(()) };
        let query = diesel::sql_query(format!("SET {name} = ?")).bind::<Nullable<Binary>, _>(value);
        query.execute(connection).map(|_| ()).map_err(|error| self.error(error))
    }

    /// Runs one query and loads its rows: for results that are small by construction (catalogs,
    /// counts, samples). PostgreSQL's and MariaDB's values must be cast to text in the select list.
    pub fn query(&mut self, statement: &Statement) -> Result<Vec<Row>> {
        let rows = match &mut self.connection {
            Driver::Sqlite(connection) => bound!(Sqlite, statement).load::<Row>(connection),
            Driver::Postgres(connection) => bound!(Pg, statement).load::<Row>(connection),
            Driver::Mysql(_) => {
                let mut rows = Vec::new();
                self.stream(statement, &mut |values| {
                    rows.push(Row::from_bytes(values));
                    Ok::<(), Error>(())
                })?;
                return Ok(rows);
            }
        };
        self.statements += 1;
        rows.map_err(|error| self.error(error))
    }

    /// Runs one query and gives its rows to `each` as they come, however many there are: values as
    /// text, as they are bytes. Tells how many there were. After a failure of `each` the rest is read
    /// and dropped.
    ///
    /// # Errors
    /// Those of the statement and of `each`.
    pub fn stream<E: From<Error>>(
        &mut self,
        statement: &Statement,
        each: &mut dyn FnMut(&[Value]) -> std::result::Result<(), E>,
    ) -> std::result::Result<u64, E> {
        self.run_any(&statement.before())?;
        self.statements += 1;
        let (target, dialect) = (&self.target, self.dialect);
        let fault = |error: diesel::result::Error| {
            E::from(scrubbed(target, Error::of(dialect, error, None)))
        };
        let mut count = 0;
        match &mut self.connection {
            Driver::Sqlite(connection) => {
                let query = bound!(Sqlite, statement);
                let rows = query.load_iter::<RawRow, DefaultLoadingMode>(connection);
                for row in rows.map_err(fault)? {
                    let row = row.map_err(fault)?;
                    let values: Vec<_> = row.0.iter().map(Option::as_deref).collect();
                    each(&values)?;
                    count += 1;
                }
            }
            Driver::Postgres(connection) => {
                let query = bound!(Pg, statement);
                let rows = LoadConnection::<PgRowByRowLoadingMode>::load(connection, query);
                for row in rows.map_err(fault)? {
                    let row = row.map_err(fault)?;
                    let fields: Vec<_> = (0..row.field_count())
                        .filter_map(|n| diesel::row::Row::get(&row, n))
                        .collect();
                    let values: Vec<_> = fields.iter().map(Field::value).collect();
                    let values: Vec<_> =
                        values.iter().map(|value| value.as_ref().map(PgValue::as_bytes)).collect();
                    each(&values)?;
                    count += 1;
                }
            }
            Driver::Mysql(connection) => {
                let scrub = |error| E::from(scrubbed(target, error));
                count = mysql::stream(connection, bound!(Mysql, statement), each, scrub)?;
            }
        }
        self.run_any(&statement.after())?;
        Ok(count)
    }

    /// The first row of a query that always has one.
    pub fn query_one(&mut self, statement: &Statement) -> Result<Row> {
        let rows = self.query(statement)?;
        rows.into_iter().next().ok_or_else(|| Error {
            fault: Fault::Other,
            message: format!("no row came back from: {}", statement.inlined(self.dialect)),
        })
    }

    /// Reads in one transaction, so that all queries see the same state, and a pooler that hands out
    /// servers per transaction (PgBouncer) keeps a query's parts together.
    pub fn in_snapshot<T, E: From<Error>>(
        &mut self,
        read: impl FnOnce(&mut Database) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.begin(Purpose::Look)?;
        let result = read(self);
        self.rollback();
        result
    }

    pub fn begin(&mut self, purpose: Purpose) -> Result<()> {
        self.statements += 1;
        let begin = self.dialect().begin(purpose);
        let begun = match &mut self.connection {
            Driver::Sqlite(connection) => {
                AnsiTransactionManager::begin_transaction_sql(connection, begin)
            }
            Driver::Postgres(connection) => {
                AnsiTransactionManager::begin_transaction_sql(connection, begin)
            }
            Driver::Mysql(connection) => connection.batch_execute(begin),
        };
        begun.map_err(|error| self.error(error))
    }

    /// # Errors
    /// [`Fault::Lost`] means that nobody knows whether the transaction was committed.
    pub fn commit(&mut self) -> Result<()> {
        self.statements += 1;
        let committed = match &mut self.connection {
            Driver::Sqlite(connection) => AnsiTransactionManager::commit_transaction(connection),
            Driver::Postgres(connection) => AnsiTransactionManager::commit_transaction(connection),
            Driver::Mysql(connection) => connection.batch_execute("COMMIT"),
        };
        committed.map_err(|error| self.error(error))
    }

    /// Ends the transaction without a trace. A connection that is already gone is no error: the
    /// engine has rolled back by itself.
    pub fn rollback(&mut self) {
        self.forget_limit();
        self.statements += 1;
        let _ = match &mut self.connection {
            Driver::Sqlite(connection) => AnsiTransactionManager::rollback_transaction(connection),
            Driver::Postgres(connection) => {
                AnsiTransactionManager::rollback_transaction(connection)
            }
            Driver::Mysql(connection) => connection.batch_execute("ROLLBACK"),
        };
    }

    /// How to cancel a statement of this session; SQLite has no way.
    pub fn cancellable(&mut self) -> Result<Option<Cancel>> {
        let Some(question) = self.dialect().session_number() else {
            return Ok(None);
        };
        let pid = self.query_one(&question.into())?;
        Ok(self.canceller(pid.text(0)))
    }

    /// Cancels what the server process `pid` runs, from a connection of its own (libpq's cancel
    /// request is hidden by Diesel).
    pub fn canceller(&self, pid: &str) -> Option<Cancel> {
        let target = self.target.clone();
        let cancel = self.dialect().cancel(pid)?;
        Some(Box::new(move || {
            if let Ok(mut database) = Database::connect(&target, false) {
                let _ = database.run(&cancel);
            }
        }))
    }

    /// How long a statement waits for a lock: SQLite's busy timeout. PostgreSQL and MariaDB take it per
    /// transaction ([`Dialect::session`]).
    pub fn set_busy_timeout(&mut self, timeout: Duration) -> Result<()> {
        self.dialect().busy_timeout(timeout).map_or(Ok(()), |set| self.run(&set))
    }

    /// Lets triggers fire, or not, in all statements from now on: SQLite's. The others have no such switch.
    ///
    /// # Errors
    /// SQLite did not obey.
    pub fn fire_triggers(&mut self, fire: bool) -> Result<()> {
        let obeys = self.handle.as_mut().is_none_or(|handle| handle.fire_triggers(fire));
        if obeys {
            Ok(())
        } else {
            Err(Error {
                fault: Fault::Other,
                message: "SQLite does not let its triggers be switched".into(),
            })
        }
    }

    /// Triggers can be switched off ([`Database::fire_triggers`]).
    pub fn switches_triggers(&self) -> bool {
        self.handle.is_some()
    }

    fn error(&mut self, error: diesel::result::Error) -> Error {
        let error = match &mut self.connection {
            Driver::Mysql(connection) => mysql::told(connection, error),
            Driver::Sqlite(_) => Error::of(Dialect::Sqlite, error, None),
            Driver::Postgres(_) => Error::of(Dialect::Postgres, error, None),
        };
        scrubbed(&self.target, error)
    }
}

/// How the placeholders of a backend's statements are written.
trait Placeholders {
    const STYLE: Placeholder;
}

impl Placeholders for Sqlite {
    const STYLE: Placeholder = Placeholder::Numbered('?');
}

impl Placeholders for Pg {
    const STYLE: Placeholder = Placeholder::Numbered('$');
}

impl Placeholders for Mysql {
    const STYLE: Placeholder = Placeholder::Plain;
}

/// Without the password.
fn scrubbed(target: &Target, error: Error) -> Error {
    Error { message: target.scrub(&error.message), ..error }
}
