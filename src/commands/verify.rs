//! `orgsweep verify`

use super::context::{Context, Subject};
use super::roots::tell_unmatched;
use crate::cli::{PlainFormat, Verify};
use crate::database::{Database, Fault};
use crate::engine::Statement;
use crate::execute;
use crate::exit::{Exit, Problem};
use crate::interrupt;
use crate::plan;
use crate::render::table::line;
use crate::selection::{Root, Selection};
use crate::sql::Sql;
use crate::ui::Ui;
use anyhow::Result;
use std::time::Duration;

const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// What is left, and what could be looked at.
struct Remains {
    /// Key and name of organizations that still exist.
    organizations: Vec<(String, String)>,
    /// Rows that name a selected key, or a parent that does not exist.
    rows: Vec<Left>,
    checked: String,
}

/// Rows that a reference has left.
struct Left {
    reference: String,
    rows: u64,
    /// They name nobody, and nobody can tell whose they were.
    dangling: bool,
}

pub fn run(subject: &Subject, args: &Verify, ui: &mut Ui) -> Result<Exit> {
    let mut context = Context::open(subject, &args.which, LOCK_TIMEOUT)?;
    let selection = context.selection(&args.which)?;
    let plan = plan::build(&context.catalog, context.root.table, context.rules.clone());
    let sql = Sql::new(context.database.dialect(), &context.catalog, &plan);
    let remains = context.database.in_snapshot(|database| {
        interrupt::cancel_by(database.cancellable()?);
        look(database, &sql, &context.root, &selection)
    });
    interrupt::cancel_by(None);
    let remains = remains?;
    let found: Vec<&str> = remains.organizations.iter().map(|(_, name)| name.as_str()).collect();
    tell_unmatched(&mut context.database, (&sql, &context.root, &selection), &found, ui)?;
    let unmatched = args.which.require_match && found.is_empty();
    let clean = found.is_empty() && remains.rows.is_empty();
    let exit = if clean && !unmatched { Exit::Done } else { Exit::Refused };
    ui.result(&match args.format {
        PlainFormat::Json => json(&remains, if clean { "gone" } else { "left" }, exit),
        PlainFormat::Table => text(&remains),
    });
    if unmatched {
        ui.warn("no organization matches, and --require-match wants one");
    }
    Ok(exit)
}

fn look(database: &mut Database, sql: &Sql, root: &Root, selection: &Selection) -> Result<Remains> {
    // Rows that a policy hides would pass for gone.
    database.run(&sql.dialect.session(LOCK_TIMEOUT, false))?;
    execute::one_key_each(database, sql, root, selection)?;
    // Only reads: the transaction does.
    let (theirs, ours) = match selection.conditions.is_empty() {
        true => (None, None),
        false => (sql.dialect.names_theirs(), sql.dialect.names_ours()),
    };
    theirs.map_or(Ok(()), |set| database.run(set))?;
    let found = database.query(&sql.find_roots(root, selection)).map_err(|error| {
        match error.fault == Fault::Value {
            true => anyhow::Error::from(Problem::usage(error.message)),
            false => error.into(),
        }
    })?;
    ours.map_or(Ok(()), |set| database.run(set))?;
    let organizations = found.iter().map(|row| (row.text(0).to_owned(), row.text(1).to_owned()));
    let mut rows = Vec::new();
    let mut count = |questions: Vec<(String, Statement)>, dangling: bool| -> Result<()> {
        for (reference, statement) in questions {
            let number = database.query_one(&statement)?.count(0)?;
            if number > 0 {
                rows.push(Left { reference, rows: number, dangling });
            }
        }
        Ok(())
    };
    let by_key = sql.rows_naming(root, &selection.ids);
    let (dangling, unread) = sql.rows_naming_nobody();
    let name = &sql.catalog.table(root.table).name;
    let mut checked = vec![format!("that no selected row of {name} exists")];
    if !selection.ids.is_empty() {
        checked.push(format!("that none of {} references to {name} names the key", by_key.len()));
    }
    if !dangling.is_empty() {
        checked.push(format!(
            "that none of {} unwatched references to {name} and what belongs to it dangles",
            dangling.len()
        ));
    }
    if !unread.is_empty() {
        checked.push(format!("but not {}, which this role may not read", unread.join(", ")));
    }
    count(by_key, false)?;
    count(dangling, true)?;
    Ok(Remains { organizations: organizations.collect(), rows, checked: checked.join("; ") })
}

fn text(remains: &Remains) -> String {
    let mut text = String::new();
    for (key, name) in &remains.organizations {
        text += &line(&format!("still there: {name} (key {key})"));
    }
    for Left { reference, rows, dangling } in &remains.rows {
        let rows = crate::render::counted(*rows, "row");
        text += &match dangling {
            true => line(&format!("dangling: {rows} by {reference} name nobody")),
            false => line(&format!("still there: {rows} by {reference}")),
        };
    }
    if text.is_empty() {
        text += "nothing is left\n";
    }
    text + &line(&format!("checked {}", remains.checked))
}

fn json(remains: &Remains, outcome: &str, exit: Exit) -> String {
    let organization =
        |(key, name): &(String, String)| serde_json::json!({ "key": key, "name": name });
    let row = |left: &Left| serde_json::json!({ "reference": left.reference, "rows": left.rows, "dangling": left.dangling });
    let document = serde_json::json!({
        "format": 1,
        "command": "verify",
        "outcome": outcome,
        "exit": exit.code(),
        "organizations": remains.organizations.iter().map(organization).collect::<Vec<_>>(),
        "rows": remains.rows.iter().map(row).collect::<Vec<_>>(),
        "checked": remains.checked,
    });
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}
