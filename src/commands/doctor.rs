//! `orgsweep doctor`

use super::context::{Context, Session};
use crate::catalog::Pseudonyms;
use crate::cli::{Doctor, DoctorFormat, SelectArgs};
use crate::database::ReplicaRole;
use crate::doctor::{Facts, Severity, examine};
use crate::execute;
use crate::exit::Exit;
use crate::plan;
use crate::policy::Scopes;
use crate::render::doctor::{json, sql, table};
use crate::ui::Ui;
use anyhow::Result;
use std::time::Duration;

const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

pub fn run(session: &Session, args: &Doctor, ui: &mut Ui) -> Result<Exit> {
    let select = SelectArgs { root: args.root.clone(), ..SelectArgs::default() };
    let mut context = Context::open(session, &select, LOCK_TIMEOUT)?;
    let mut plan = plan::build(&context.catalog, context.root.table, context.rules.clone());
    let dialect = context.database.dialect();
    let replica_role = context.database.replica_role()?;
    let checks = execute::choose_checks(&context.catalog, &plan, dialect, &replica_role);
    plan.rules.checks = checks.checks;
    let (policy, catalog, root) = (&session.policy, &context.catalog, context.root.table);
    let possible_scopes = Scopes { policy, catalog, root }.possible();
    let mut facts = Facts {
        possible_scopes,
        without_temporary_tables: context.database.without_temporary_tables()?,
        role: context.database.role()?,
        needs_replica_role: replica_role == ReplicaRole::NotGranted,
        silence: context.database.silence()?,
        logs_statements: context.database.logs_statements()?,
        write_set_limits: context.database.write_set_limits()?,
        untried_version: context.database.untried_version()?,
    };
    let mut database = session.target.redacted();
    if args.redact {
        let pseudonyms = Pseudonyms::of(&context.catalog);
        context.catalog = pseudonyms.catalog(&context.catalog);
        facts.possible_scopes =
            facts.possible_scopes.iter().map(|it| pseudonyms.reference(it)).collect();
        facts.role = "role".into();
        facts.without_temporary_tables =
            facts.without_temporary_tables.map(|_| "database".to_owned());
        database.truncate(database.find(':').unwrap_or(0));
    }
    let diagnostics = examine(&context.catalog, &plan, dialect, &facts);
    let blocked = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Blocks);
    let exit = if blocked { Exit::Refused } else { Exit::Done };
    ui.result(&match args.format {
        DoctorFormat::Table => table(&database, &diagnostics, args.all, ui.width),
        DoctorFormat::Json => json(&database, exit.code(), &diagnostics),
        DoctorFormat::Sql => sql(&database, &diagnostics),
    });
    Ok(exit)
}
