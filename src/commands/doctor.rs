//! `orgsweep doctor`

use super::context::{Context, Subject, replica_role};
use crate::catalog::{Catalog, TableId};
use crate::cli::{Doctor, PlainFormat, Which};
use crate::database::{self, Database};
use crate::doctor::{Facts, Severity, examine};
use crate::execute::{self, ReplicaRole};
use crate::exit::Exit;
use crate::plan;
use crate::render::doctor::{json, table};
use crate::sql::{Dialect, Statement};
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeSet;
use std::time::Duration;

const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

pub fn run(subject: &Subject, args: &Doctor, ui: &mut Ui) -> Result<Exit> {
    let which = Which { root: args.root.clone(), ..Which::default() };
    let mut context = Context::open(subject, &which, LOCK_TIMEOUT)?;
    let mut plan = plan::build(&context.catalog, context.root.table, context.rules.clone());
    let dialect = context.database.dialect();
    let replica_role = match dialect {
        Dialect::Postgres => context.database.in_snapshot(replica_role)?,
        _ => ReplicaRole::Usable,
    };
    let checks = execute::choose_checks(&context.catalog, &plan, dialect, &replica_role);
    plan.rules.checks = checks.checks;
    let facts = Facts {
        role: role(&mut context.database)?,
        needs_replica_role: replica_role == ReplicaRole::NotGranted,
        unidentified: match dialect {
            Dialect::Postgres => {
                context.database.in_snapshot(|database| unidentified(database, &context.catalog))?
            }
            _ => BTreeSet::new(),
        },
        logs_statements: logs_statements(&mut context.database)?,
        write_set_limits: write_set_limits(&mut context.database)?,
    };
    let symptoms = examine(&context.catalog, &plan, dialect, &facts);
    let blocked = symptoms.iter().any(|symptom| symptom.severity == Severity::Blocks);
    let exit = if blocked { Exit::Refused } else { Exit::Done };
    let database = subject.target.redacted();
    ui.result(&match args.format {
        PlainFormat::Table => table(&database, &symptoms, ui.width),
        PlainFormat::Json => json(&database, exit.code(), &symptoms),
    });
    Ok(exit)
}

fn role(database: &mut Database) -> database::Result<String> {
    let Some(question) = database.dialect().current_user() else { return Ok(String::new()) };
    Ok(database.query_one(&question.into())?.text(0).to_owned())
}

fn logs_statements(database: &mut Database) -> database::Result<bool> {
    let Some(question) = database.dialect().logs_statements() else { return Ok(false) };
    Ok(database.query_one(&question.into())?.flag(0))
}

/// `6000 rows (wsrep_max_ws_rows)`; none where the server is in no cluster.
fn write_set_limits(database: &mut Database) -> database::Result<Vec<String>> {
    let Some(question) = database.dialect().write_set_limits() else { return Ok(Vec::new()) };
    let rows = database.query(&question.into())?;
    let limit = |row: &database::Row| {
        let name = row.text(0).to_ascii_lowercase();
        let of = if name.ends_with("rows") { "rows" } else { "bytes" };
        let limits = name.starts_with("wsrep_max_ws") && row.number(1) > 0;
        limits.then(|| format!("{} {of} ({name})", row.number(1)))
    };
    Ok(rows.iter().filter_map(limit).collect())
}

/// Tables whose deletions are published although nothing in them identifies a row to the subscriber.
fn unidentified(database: &mut Database, catalog: &Catalog) -> database::Result<BTreeSet<TableId>> {
    let published = Statement::from(
        "SELECT DISTINCT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname::text \
                ELSE n.nspname || '.' || c.relname END \
           FROM pg_publication p \
           CROSS JOIN LATERAL pg_get_publication_tables(p.pubname) t \
           JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace \
          WHERE p.pubdelete AND (c.relreplident = 'n' OR (c.relreplident = 'd' \
                AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)))",
    );
    let rows = database.query(&published)?;
    Ok(rows.iter().flat_map(|row| catalog.tables_named(row.text(0))).collect())
}
