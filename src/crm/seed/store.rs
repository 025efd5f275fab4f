//! Where generated rows go: collected per table, written in chunks, so that memory stays flat.

use super::rows::*;
use crate::crm::schema;
use crate::database::{Database, Driver, Result};
use diesel::dsl::max;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use std::mem::take;

/// Rows in memory before they are written.
const CHUNK: usize = 10_000;
/// Rows in one statement (MariaDB).
const STATEMENT: usize = 1_000;

diesel::define_sql_function! {
    fn pg_get_serial_sequence(table: diesel::sql_types::Text, column: diesel::sql_types::Text) -> diesel::sql_types::Text;
}
diesel::define_sql_function! {
    fn setval(sequence: diesel::sql_types::Text, value: diesel::sql_types::BigInt) -> diesel::sql_types::BigInt;
}

/// Runs `$body` on whichever driver is connected.
macro_rules! on_driver {
    ($database:expr, $connection:ident => $body:expr) => {
        match $database.driver() {
            Driver::Sqlite($connection) => $body,
            Driver::Postgres($connection) => $body,
            Driver::Mysql($connection) => $body,
        }
    };
}
pub(super) use on_driver;

/// The rows waiting to be written, parents before children.
macro_rules! batch {
    ($($table:ident: $row:ident),* $(,)?) => {
        #[derive(Default)]
        pub(super) struct Batch { $(pub $table: Vec<$row>),* }

        impl Batch {
            fn len(&self) -> usize {
                0 $(+ self.$table.len())*
            }

            fn write(&mut self, database: &mut Database) -> QueryResult<()> {
                $(
                    let rows = take(&mut self.$table);
                    match database.driver() {
                        // Diesel prepares this once; a multi-row INSERT would be parsed every time.
                        Driver::Sqlite(connection) => {
                            for row in rows {
                                diesel::insert_into(schema::$table::table)
                                    .values(row)
                                    .execute(connection)?;
                            }
                        }
                        Driver::Postgres(connection) if !rows.is_empty() => {
                            diesel::copy_from(schema::$table::table)
                                .from_insertable(rows)
                                .execute(connection)?;
                        }
                        Driver::Postgres(_) => {}
                        // A statement has at most 65,535 values.
                        Driver::Mysql(connection) => {
                            let mut rows = rows;
                            while !rows.is_empty() {
                                let rest = rows.split_off(rows.len().min(STATEMENT));
                                diesel::insert_into(schema::$table::table)
                                    .values(std::mem::replace(&mut rows, rest))
                                    .execute(connection)?;
                            }
                        }
                    }
                )*
                Ok(())
            }
        }
    };
}

batch! {
    organizations: Organization,
    permissions: Permission,
    roles: Role,
    role_permissions: RolePermission,
    users: User,
    user_sessions: UserSession,
    notifications: Notification,
    clients: Client,
    teams: Team,
    team_members: TeamMember,
    projects: Project,
    team_projects: TeamProject,
    deals: Deal,
    payments: Payment,
    activity_logs: ActivityLog,
    commissions: Commission,
}

/// The last key in use, per table that has an `id`.
macro_rules! ids {
    ($($table:ident),* $(,)?) => {
        pub(super) struct Ids { $(pub $table: i64),* }

        impl Ids {
            fn load(database: &mut Database) -> QueryResult<Ids> {
                $(
                    let query = schema::$table::table.select(max(schema::$table::id));
                    let $table: Option<i64> =
                        on_driver!(database, connection => query.first(connection))?;
                )*
                Ok(Ids { $($table: $table.unwrap_or_default()),* })
            }

            /// Moves PostgreSQL's sequences past the keys given here.
            fn publish(&self, connection: &mut PgConnection) -> QueryResult<()> {
                for (table, last) in [$((stringify!($table), self.$table)),*] {
                    if last > 0 {
                        diesel::select(setval(pg_get_serial_sequence(table, "id"), last))
                            .execute(connection)?;
                    }
                }
                Ok(())
            }
        }
    };
}

ids! {
    organizations,
    permissions,
    roles,
    users,
    user_sessions,
    notifications,
    clients,
    teams,
    projects,
    deals,
    payments,
    activity_logs,
    commissions,
}

/// Gives out a table's next key.
pub(super) fn next(last: &mut i64) -> i64 {
    *last += 1;
    *last
}

pub(super) struct Store<'a> {
    pub database: &'a mut Database,
    pub ids: Ids,
    pub batch: Batch,
    /// Rows written so far.
    pub written: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl<'a> Store<'a> {
    pub fn open(database: &'a mut Database, progress: &'a mut dyn FnMut(u64)) -> Result<Store<'a>> {
        let ids = Ids::load(database)?;
        Ok(Store { database, ids, batch: Batch::default(), written: 0, progress })
    }

    /// Writes the rows collected so far if they are many; to be called after every few rows.
    pub fn relieve(&mut self) -> Result<()> {
        if self.batch.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    /// Writes what is left; returns how many rows were written in all.
    pub fn finish(mut self) -> Result<u64> {
        self.write()?;
        if let Driver::Postgres(connection) = self.database.driver() {
            self.ids.publish(connection)?;
        }
        Ok(self.written)
    }

    fn write(&mut self) -> Result<()> {
        self.written += self.batch.len() as u64;
        self.batch.write(self.database)?;
        (self.progress)(self.written);
        Ok(())
    }
}
