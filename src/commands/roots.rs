//! Which table holds the organizations, and which of them are meant: flags and environment before the
//! policy before a look at the names.

use crate::catalog::Catalog;
use crate::cli::SelectArgs;
use crate::database::Database;
use crate::exit::Problem;
use crate::label::shell_word;
use crate::plan::{self, Rules};
use crate::policy::Policy;
use crate::render::counted;
use crate::selection::{
    Choice, Root, RootNames, RootProblem, Selection, did_you_mean, find_root, nearest, parts,
};
use crate::sql::Sql;
use crate::ui::Ui;
use anyhow::Result;
use std::time::Duration;
use toml::Spanned;

/// The organizations of `all` that the flags select.
///
/// # Errors
/// Nothing selected, or what could select everything; a flag that this root table cannot serve.
pub fn selection(
    select: &SelectArgs,
    root: &Root,
    catalog: &Catalog,
    all: Selection,
) -> Result<Selection> {
    let selection = Selection {
        names: select.org_name.clone(),
        ids: select.org_id.clone(),
        patterns: select.org_like.clone(),
        older_than: select.older_than,
        ..all
    };
    if let Some(problem) = selection.problem() {
        let hint = if selection.is_empty() && selection.older_than.is_some() {
            "--older-than only filters what --org-name, --org-id, --org-like 'e2e-*' or --where SQL selects"
        } else {
            "name it: --org-name NAME, --org-id KEY, --org-like 'e2e-*' or --where SQL"
        };
        return Err(Problem::usage(problem).hint(hint).into());
    }
    let table = &catalog.table(root.table).name;
    if root.name.is_none() && !(selection.names.is_empty() && selection.patterns.is_empty()) {
        return Err(Problem::usage(format!("{table} has no column that looks like a name"))
            .hint("--name-column COLUMN, or --org-id KEY")
            .into());
    }
    if root.key.is_empty() && !selection.ids.is_empty() {
        return Err(Problem::usage(format!("{table} has no key for --org-id"))
            .hint("--org-name NAME")
            .into());
    }
    let is_whole = |id: &&String| parts(id).is_some_and(|parts| parts.len() == root.key.len());
    if root.key.len() > 1
        && let Some(id) = selection.ids.iter().find(|id| !is_whole(id))
    {
        let key = root.key.join(",");
        let problem = format!("--org-id {id}: the key of {table} is {key}, a value for each");
        let hint =
            format!("--org-id {}; a value with a comma in double quotes", key.to_uppercase());
        return Err(Problem::usage(problem).hint(hint).into());
    }
    if selection.older_than.is_some() && root.created.is_none() {
        let problem =
            format!("{table} has no column that tells when a row was made, for --older-than");
        return Err(Problem::usage(problem).hint("--created-column COLUMN").into());
    }
    Ok(selection)
}

/// Answers each name that is no organization's with the nearest ones that are; `found` are the names that were
/// selected.
///
/// # Errors
/// The organizations cannot be read.
pub fn tell_unmatched(
    database: &mut Database,
    (sql, root, selection): (&Sql, &Root, &Selection),
    found: &[&str],
    ui: &mut Ui,
) -> Result<()> {
    /// Of more the nearest is not looked for.
    const MOST: usize = 10_000;
    const PATIENCE: Duration = Duration::from_secs(10);
    let is_found = |name: &&String| found.contains(&name.as_str());
    let unmatched: Vec<&String> = selection.names.iter().filter(|name| !is_found(name)).collect();
    if !ui.is_heard() || unmatched.is_empty() {
        return Ok(());
    }
    let rows = database.in_snapshot(|database| -> Result<_> {
        database.run(&sql.dialect.session(PATIENCE, false))?;
        Ok(database.query(&sql.some_roots(root, MOST))?)
    })?;
    for wanted in unmatched {
        let near = nearest(wanted, rows.iter().map(|row| row.text(1).to_owned()));
        // It is there, and another flag filters it.
        if near.contains(wanted) {
            continue;
        }
        let near = if near.is_empty() {
            String::new()
        } else {
            format!("; the nearest: {}", near.join(", "))
        };
        ui.note(&format!("no organization has the name {wanted}{near}"));
    }
    Ok(())
}

/// No organization: `--orphans only`.
pub fn orphans_alone(select: &SelectArgs, rules: &Rules) -> Result<Selection> {
    if select.selects() {
        return Err(Problem::usage("--orphans only takes no organization along")
            .hint("--orphans with takes both; leave the organization out to take the orphans alone")
            .into());
    }
    if rules.orphans.is_empty() {
        return Err(Problem::usage("--orphans only: no policy names any orphans")
            .hint("[[orphans]] in orgsweep.toml names them; --config FILE names another policy")
            .into());
    }
    Ok(Selection::default())
}

/// The table of organizations: flags and environment before the policy before a look at the names.
///
/// # Errors
/// No table, several, or none with such columns.
pub fn root(
    policy: &Policy,
    select: &SelectArgs,
    catalog: &Catalog,
    database: &mut Database,
) -> Result<Root> {
    let file = &policy.file.root;
    // Columns that the policy names are those of its own table, whoever names that.
    let other = match (&select.root, &file.table) {
        (Some(wanted), Some(own)) => {
            catalog.table_named(wanted) != catalog.table_named(own.as_ref())
        }
        _ => false,
    };
    let column = |flag: &Option<String>, named: &Option<Spanned<String>>| {
        let named = named.as_ref().filter(|_| !other).map(|name| name.as_ref().clone());
        flag.clone().or(named)
    };
    let table = select.root.clone().or(file.table.as_ref().map(|table| table.as_ref().clone()));
    let key = column(&select.key_column, &file.key);
    let name = column(&select.name_column, &file.name);
    let created = column(&select.created_column, &file.created_at);
    let names = RootNames {
        table: table.as_deref(),
        key: key.as_deref(),
        name: name.as_deref(),
        created: created.as_deref(),
    };
    find_root(catalog, names).map_err(|problem| {
        let mut said = [&file.table, &file.key, &file.name, &file.created_at].into_iter().flatten();
        let place = match &problem {
            RootProblem::NoSuchTable { wanted, .. }
            | RootProblem::SeveralTables { wanted, .. }
            | RootProblem::NoSuchColumn { wanted, .. }
            | RootProblem::NoKey { wanted, .. } => said.find(|name| name.as_ref() == wanted),
            _ => None,
        };
        let place = place.map(|place| policy.place(&place.span()));
        root_problem(&problem, place, catalog, database)
    })
}

/// What to say instead, with what is known of each table that could be meant.
pub fn root_problem(
    problem: &RootProblem,
    place: Option<String>,
    catalog: &Catalog,
    database: &mut Database,
) -> anyhow::Error {
    let nearest = |problem: Problem, similar: &[String]| match similar {
        [] => problem.hint("orgsweep graph --root TABLE shows what a table reaches"),
        near => problem.hint(did_you_mean(near)),
    };
    let error = match problem {
        RootProblem::NoSuchTable { wanted, similar } => {
            nearest(Problem::usage(format!("there is no table {wanted}")), similar)
        }
        RootProblem::SeveralTables { wanted, choices } => {
            Problem::usage(format!("several tables are called {wanted}")).hint(choose(choices))
        }
        RootProblem::NoSuchColumn { table, wanted, similar } => {
            nearest(Problem::usage(format!("{table} has no column {wanted}")), similar)
        }
        RootProblem::NoKey { table, wanted } => {
            Problem::usage(format!("{table}.{wanted} is no unique key"))
                .hint("the key tells one organization from all others")
        }
        RootProblem::NoneFound { choices } if choices.is_empty() => {
            Problem::usage("no table looks like organizations")
                .hint("the database has no tables; --root TABLE names one where there are")
        }
        RootProblem::NoneFound { choices } => {
            let known = described(choices, catalog, database).join(", ");
            Problem::usage("no table looks like organizations")
                .hint(format!("name it with --root: {known}?"))
        }
        RootProblem::Ambiguous { choices } => {
            let known = described(choices, catalog, database).join(", ");
            let names: Vec<String> = choices.iter().map(|choice| choice.name.clone()).collect();
            Problem::usage(format!("several tables could be the organizations: {known}"))
                .hint(choose(&names))
        }
    };
    match place {
        Some(place) => Problem { message: format!("{place}: {}", error.message), ..error }.into(),
        None => error.into(),
    }
}

/// `--root organizations or --root billing.organizations`
fn choose(names: &[String]) -> String {
    let roots = names.iter().map(|name| format!("--root {}", shell_word(name)));
    format!("choose one: {}", roots.collect::<Vec<_>>().join(" or "))
}

/// `organizations (12 rows, 3 references)`
fn described(choices: &[Choice], catalog: &Catalog, database: &mut Database) -> Vec<String> {
    const MOST: u64 = 100_000;
    const PATIENCE: Duration = Duration::from_secs(5);
    let Some(first) = choices.first() else { return Vec::new() };
    let plan = plan::build(catalog, first.table, Rules::default());
    let sql = Sql::new(database.dialect(), catalog, &plan);
    let session = sql.dialect.session(PATIENCE, false);
    let mut rows = |table| -> Option<u64> {
        let counted = database.in_snapshot(|database| {
            database.run(&session)?;
            database.query_one(&sql.rows_up_to(table, MOST + 1))
        });
        // A table that may not be read, say: the question does not depend on it.
        counted.ok()?.count(0).ok()
    };
    let describe = |choice: &Choice| {
        let rows = match rows(choice.table) {
            Some(rows) if rows > MOST => format!("more than {}, ", counted(MOST, "row")),
            Some(rows) => format!("{}, ", counted(rows, "row")),
            None => String::new(),
        };
        let references = counted(choice.references as u64, "reference");
        format!("{} ({rows}{references})", choice.name)
    };
    choices.iter().map(describe).collect()
}
