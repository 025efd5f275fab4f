//! `orgsweep organizations`

use super::context::{Context, Session};
use super::roots::tell_unmatched;
use crate::cli::{ListFormat, Organizations};
use crate::database::Database;
use crate::execute::{self, Job};
use crate::exit::{Exit, Problem};
use crate::findings::Organization;
use crate::plan::{self, Force, Rules};
use crate::render::organizations::{OrganizationsView, csv, json, table};
use crate::selection::Selection;
use crate::sql::Sql;
use crate::ui::Ui;
use anyhow::Result;
use std::time::Duration;

const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

pub fn run(session: &Session, args: &Organizations, ui: &mut Ui) -> Result<Exit> {
    let mut context = Context::open(session, &args.select, LOCK_TIMEOUT)?;
    let selection = context.listed(&args.select)?;
    let Context { database, catalog, root, rules, .. } = &mut context;
    // As --force would take it, and nobody who belongs to none.
    let rules = Rules { force: Force::All, orphans: Vec::new(), ..rules.clone() };
    let plan = plan::build(catalog, root.table, rules);
    let job = Job::new(catalog, &plan, root, &selection, LOCK_TIMEOUT);
    let (found, total) = execute::list(database, &job, args.limit)?;
    let names: Vec<&str> = found.iter().filter_map(|one| one.name.as_deref()).collect();
    let sql = Sql::new(database.dialect(), catalog, &plan);
    tell_unmatched(database, (&sql, root, &selection), &names, ui)?;
    let rows = if args.rows { Some(rows(database, &job, &found, ui)?) } else { None };
    let unmatched = args.select.require_match && found.is_empty();
    let view = OrganizationsView {
        database: database.target().redacted(),
        table: catalog.table(root.table).name.to_string(),
        organizations: &found,
        rows: rows.as_deref(),
        total,
        exit: if unmatched { Exit::Refused } else { Exit::Done },
    };
    ui.result(&match args.format {
        ListFormat::Table => table(&view, ui.width),
        ListFormat::Json => json(&view),
        ListFormat::Csv => csv(&view),
    });
    Ok(view.exit)
}

/// How many rows would go with each.
///
/// # Errors
/// No key tells one from the others; see [`execute::preview`].
fn rows(
    database: &mut Database,
    job: &Job,
    organizations: &[Organization],
    ui: &mut Ui,
) -> Result<Vec<u64>> {
    if job.root.key.is_empty() {
        let table = &job.catalog.table(job.root.table).name;
        return Err(Problem::usage(format!(
            "{table} has no key by which --rows could tell one from all others"
        ))
        .hint("--key-column COLUMN")
        .into());
    }
    let of = organizations.len();
    let one = |(n, one): (usize, &Organization)| -> Result<u64> {
        ui.progress(format!("{} of {of}", n + 1));
        let only = Some(vec![one.key.clone()]);
        let selection = Selection { only, ..Selection::default() };
        let job = Job { selection: &selection, ..*job };
        Ok(execute::preview(database, &job, &mut |_| {})?.deleted())
    };
    organizations.iter().enumerate().map(one).collect()
}
