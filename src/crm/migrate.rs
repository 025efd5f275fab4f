//! Creates the CRM's tables. The only place that touches Diesel's `__diesel_schema_migrations`: its
//! name is fixed and merely asking for pending migrations creates it, so a database that belongs to
//! another application is recognised, and refused, before Diesel is asked anything.

use crate::database::{Database, Driver};
use crate::engine::{Dialect, Statement};
use crate::exit::{Exit, Problem};
use anyhow::{Result, anyhow};
use diesel::backend::Backend;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::collections::BTreeSet;

// Cargo does not notice a new migration's folder: touch this file after adding one.
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/crm/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/crm/postgres");
const MYSQL: EmbeddedMigrations = embed_migrations!("migrations/crm/mysql");

/// The version of the first migration, the same on every backend: whoever has it recorded has our
/// tables.
const FIRST: &str = "20261122000000";
const RECORD: &str = "__diesel_schema_migrations";

/// Every table of the CRM.
const TABLES: [&str; 16] = [
    "activity_logs",
    "clients",
    "commissions",
    "deals",
    "notifications",
    "organizations",
    "payments",
    "permissions",
    "projects",
    "role_permissions",
    "roles",
    "team_members",
    "team_projects",
    "teams",
    "user_sessions",
    "users",
];

/// Applies the migrations that are still pending, each in its own transaction, and returns their
/// names; `observe` hears each name before it runs.
///
/// # Errors
/// The database belongs to another application (its own migrations, or tables named like ours), or
/// a migration failed; the failed one leaves nothing behind.
pub fn run(database: &mut Database, observe: &mut dyn FnMut(&str)) -> Result<Vec<String>> {
    refuse_another_application(database)?;
    match database.driver() {
        Driver::Sqlite(connection) => apply(connection, SQLITE, observe),
        Driver::Postgres(connection) => apply(connection, POSTGRES, observe),
        Driver::Mysql(connection) => apply(connection, MYSQL, observe),
    }
}

fn apply<DB: Backend>(
    connection: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
    observe: &mut dyn FnMut(&str),
) -> Result<Vec<String>> {
    let mut applied = Vec::new();
    for migration in connection.pending_migrations(source).map_err(|error| anyhow!(error))? {
        let name = migration.name().to_string();
        observe(&name);
        connection
            .run_migration(&*migration)
            .map_err(|error| anyhow!(error).context(format!("migration {name} failed")))?;
        applied.push(name);
    }
    Ok(applied)
}

fn refuse_another_application(database: &mut Database) -> Result<()> {
    let names: Vec<&str> = TABLES.into_iter().chain([RECORD]).collect();
    let mut taken = existing(database, &names)?;
    if taken.remove(RECORD) {
        let recorded = recorded(database)?;
        if recorded.contains(FIRST) {
            return Ok(());
        }
        if !recorded.is_empty() {
            let problem = format!(
                "{RECORD} holds the migrations of another application; the CRM needs a database of its own"
            );
            return Err(Problem::new(Exit::Failed, problem)
                .hint("create an empty database and migrate that one")
                .into());
        }
    }
    if !taken.is_empty() {
        let taken: Vec<String> = taken.into_iter().collect();
        let problem = format!(
            "the database already has tables that the CRM did not create: {}",
            taken.join(", ")
        );
        return Err(Problem::new(Exit::Failed, problem)
            .hint("the CRM is never mixed with another application; create an empty database and migrate that one")
            .into());
    }
    Ok(())
}

/// Which of these names a table, view or other relation already has.
fn existing(database: &mut Database, names: &[&str]) -> Result<BTreeSet<String>> {
    let names: Vec<String> = names.iter().map(|name| database.dialect().literal(name)).collect();
    let names = names.join(", ");
    let query = match database.dialect() {
        Dialect::Sqlite => {
            format!("SELECT lower(name) FROM sqlite_master WHERE lower(name) IN ({names})")
        }
        Dialect::Postgres => format!(
            "SELECT relname::text FROM pg_catalog.pg_class \
             WHERE relname IN ({names}) AND pg_catalog.pg_table_is_visible(oid)"
        ),
        Dialect::Mysql(_) => format!(
            "SELECT lower(TABLE_NAME) FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA = DATABASE() AND lower(TABLE_NAME) IN ({names})"
        ),
    };
    let rows = database.query(&Statement::from(query))?;
    Ok(rows.iter().map(|row| row.text(0).to_owned()).collect())
}

fn recorded(database: &mut Database) -> Result<BTreeSet<String>> {
    let query = format!("SELECT {} FROM {RECORD}", database.dialect().as_text("version"));
    let rows = database.query(&Statement::from(query))?;
    Ok(rows.iter().map(|row| row.text(0).to_owned()).collect())
}
