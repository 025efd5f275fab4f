//! `orgsweep graph`

use super::context::{Context, Session};
use super::progress::show_progress;
use super::roots::tell_unmatched;
use crate::cli::{Graph, GraphFormat, SelectArgs};
use crate::execute::{self, Job};
use crate::exit::Exit;
use crate::findings::Findings;
use crate::plan::{self, Plan};
use crate::render::graph::{GraphView, dot, json, mermaid, table};
use crate::sql::Sql;
use crate::ui::Ui;
use anyhow::Result;
use std::time::Duration;

const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

pub fn run(session: &Session, args: &Graph, ui: &mut Ui) -> Result<Exit> {
    let mut context = Context::open(session, &args.select, LOCK_TIMEOUT)?;
    let plan = plan::build(&context.catalog, context.root.table, context.rules.clone());
    let select = &args.select;
    let findings = if select.selects() || select.older_than.is_some() {
        Some(measure(&mut context, &plan, select, ui)?)
    } else {
        None
    };
    let view = GraphView { catalog: &context.catalog, plan: &plan, findings: findings.as_ref() };
    let text = match args.format {
        GraphFormat::Table => table(&view, ui.width),
        GraphFormat::Dot => dot(&view),
        GraphFormat::Mermaid => mermaid(&view),
        GraphFormat::Json => json(&view),
    };
    ui.result(&text);
    let matched = findings.is_none_or(|findings| !findings.organizations.is_empty());
    Ok(if select.require_match && !matched { Exit::Refused } else { Exit::Done })
}

fn measure(
    context: &mut Context,
    plan: &Plan,
    select: &SelectArgs,
    ui: &mut Ui,
) -> Result<Findings> {
    let selection = context.selection(select)?;
    let job = Job::new(&context.catalog, plan, &context.root, &selection, LOCK_TIMEOUT);
    let mut observe =
        |progress: execute::Progress| show_progress(ui, &context.catalog, plan, progress);
    let findings = execute::preview(&mut context.database, &job, &mut observe)?;
    let sql = Sql::new(context.database.dialect(), &context.catalog, plan);
    let names: Vec<&str> =
        findings.organizations.iter().filter_map(|one| one.name.as_deref()).collect();
    tell_unmatched(&mut context.database, (&sql, &context.root, &selection), &names, ui)?;
    Ok(findings)
}
