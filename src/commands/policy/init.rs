//! `orgsweep policy init`: a first policy from the live catalog. What it suggests is commented out, unless `--apply` asks
//! for it, with its evidence.

use super::super::roots::root_problem;
use super::{LOCK_TIMEOUT, evidence, readable, write};
use crate::catalog::{Catalog, Reference, ReferenceId, TableId};
use crate::cli::PolicyInit;
use crate::database::{Database, Target};
use crate::exit::Exit;
use crate::introspect;
use crate::plan::{self, Rules};
use crate::policy::{
    Candidate, Caveat, Draft, Policy, Scopes, candidates, lists_of_keys, of_types, typed_pairs,
};
use crate::render::{counted, grouped};
use crate::selection::{Choice, RootNames, RootProblem, find_root};
use crate::sql::Sql;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeMap;

/// Of the rows that name somebody, so many must name a row that exists: logs outlive what they name.
const CONTAINED: f64 = 0.5;

pub fn run(target: &Target, args: &PolicyInit, ui: &mut Ui) -> Result<Exit> {
    let mut database = Database::connect(target, false)?;
    database.set_busy_timeout(LOCK_TIMEOUT)?;
    let catalog = database.in_snapshot(introspect::load)?;
    let root =
        find_root(&catalog, RootNames { table: args.root.as_deref(), ..RootNames::default() });
    let mut draft = Draft {
        head: vec![
            format!("The policy of orgsweep for {}.", target.redacted()),
            "Foreign keys are read from the database; say here what they do not tell.".into(),
            "`orgsweep policy check` looks whether this file fits the database.".into(),
        ],
        tail: tail(),
        applied: args.apply,
        ..Draft::default()
    };
    let start = match root {
        Ok(root) => {
            draft.root.push(("table", catalog.table(root.table).name.to_string()));
            let key = Some(root.key).filter(|key| key.len() == 1).map(|key| key[0].clone());
            let columns = [("key", key), ("name", root.name), ("created-at", root.created)];
            let named = columns.into_iter().filter_map(|(setting, name)| Some((setting, name?)));
            draft.root.extend(named);
            draft.scopes = scopes(&catalog, root.table, args.apply);
            root.table
        }
        Err(problem) if args.root.is_some() => {
            return Err(root_problem(&problem, None, &catalog, &mut database));
        }
        Err(problem) => {
            draft.head.push(String::new());
            draft.head.push(format!("{} Say which: [root] table = \"…\"", undecided(&problem)));
            TableId(0)
        }
    };
    if !catalog.tables.is_empty() {
        let spoken: Vec<&String> = draft.scopes.iter().map(|(column, _)| column).collect();
        // A column that is applied as one that says whose a row is is no reference besides.
        let is_scope = |it: &Reference| {
            args.apply && it.parent == start && spoken.contains(&&it.columns.join(","))
        };
        draft.entries = suggested(&mut database, &catalog, start)?
            .into_iter()
            .filter(|(candidate, _)| !is_scope(&candidate.reference))
            .map(|(candidate, why)| crate::policy::Entry { comment: Some(why), ..candidate.entry })
            .collect();
    }
    draft.caveats = lists_of_keys(&catalog).into_iter().map(|it| list(&catalog, it)).collect();
    if !draft.entries.is_empty() || !draft.scopes.is_empty() {
        draft.head.push(String::new());
        draft.head.push(
            match args.apply {
                true => "--apply made rules of what looks like references: read them before you rely on them.",
                false => "What is commented out is a suggestion: it is not applied.",
            }
            .into(),
        );
    }
    write(ui, args.output.as_deref(), args.overwrite, &draft.text())?;
    Ok(Exit::Done)
}

/// What no reference can be declared of.
fn list(catalog: &Catalog, (table, column, parent): (TableId, String, TableId)) -> Caveat {
    let (table, parent) = (&catalog.table(table).name, &catalog.table(parent).name);
    Caveat {
        model: format!("{table}.{column}"),
        table: None,
        what: format!("it may hold keys of {parent} in a list: they stay in it when those rows go"),
    }
}

fn names(choices: &[Choice]) -> String {
    choices.iter().map(|choice| choice.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The columns that name organizations without a foreign key, or, unless only those are wanted, may: each name once.
fn scopes(catalog: &Catalog, root: TableId, sure: bool) -> Vec<(String, String)> {
    const SHOWN: usize = 5;
    let policy = Policy::default();
    let scopes = Scopes { policy: &policy, catalog, root };
    let mut named = BTreeMap::<String, (Vec<String>, bool)>::new();
    let found = scopes.found().into_iter().map(|it| (it, true));
    let told = |(it, _): &(Reference, bool)| !it.is_untold();
    let possible = scopes.possible().into_iter().filter(|_| !sure).map(|it| (it, false));
    for (it, sure) in found.chain(possible).filter(told) {
        let (tables, surely) = named.entry(it.columns.join(",")).or_default();
        tables.push(catalog.table(it.child).name.to_string());
        *surely |= sure;
    }
    let why = |(column, (tables, sure)): (String, (Vec<String>, bool))| {
        let names = if sure { "names" } else { "may name" };
        let more = if tables.len() > SHOWN { ", …" } else { "" };
        let shown = tables[..tables.len().min(SHOWN)].join(", ");
        let why = format!(
            "{column} {names} organizations without a foreign key in {}: {shown}{more}",
            counted(tables.len() as u64, "table")
        );
        (column, why)
    };
    named.into_iter().map(why).collect()
}

fn undecided(problem: &RootProblem) -> String {
    match problem {
        RootProblem::Ambiguous { choices } => {
            format!("Several tables could be the organizations: {}.", names(choices))
        }
        RootProblem::NoneFound { choices } => {
            format!("No table looks like organizations; most referred to: {}.", names(choices))
        }
        RootProblem::NoSuchTable { wanted, .. }
        | RootProblem::SeveralTables { wanted, .. }
        | RootProblem::NoSuchColumn { wanted, .. }
        | RootProblem::NoKey { wanted, .. } => format!("There is no {wanted}."),
    }
}

/// The candidates that the data bears out, and how.
fn suggested(
    database: &mut Database,
    catalog: &Catalog,
    start: TableId,
) -> Result<Vec<(Candidate, String)>> {
    let plan = plan::build(catalog, start, Rules::default());
    let dialect = database.dialect();
    let mut all = candidates(catalog);
    for pair in typed_pairs(catalog).iter().filter(|pair| readable(catalog, pair.table)) {
        let statement = Sql::new(dialect, catalog, &plan).types(pair, super::SAMPLE);
        let rows = database.in_snapshot(|database| database.query(&statement))?;
        let names =
            |row: &crate::database::Row| (0..row.0.len()).map(|n| row.text(n).to_owned()).collect();
        let types: Vec<Vec<String>> = rows.iter().map(names).collect();
        all.extend(of_types(catalog, pair, &types));
    }
    // As if all of them were declared, so that they can be asked about like any reference.
    let mut declared = catalog.clone();
    declared.references.extend(all.iter().map(|candidate| candidate.reference.clone()));
    let plan = plan::build(&declared, start, Rules::default());
    let sql = Sql::new(dialect, &declared, &plan);
    let mut suggested = Vec::new();
    for (n, candidate) in all.into_iter().enumerate() {
        let id = ReferenceId(catalog.references.len() + n);
        // Types that cannot be compared are no evidence of anything.
        let counts = database.in_snapshot(|database| evidence(database, &sql, id)).unwrap_or(None);
        let Some((rows, found)) = counts else { continue };
        let to = candidate.entry.to.as_deref().unwrap_or_default();
        if rows == 0 && !candidate.guessed {
            suggested.push((
                candidate.clone(),
                format!("called like a reference to {to}; no row names any yet"),
            ));
        } else if rows > 0 && found as f64 >= rows as f64 * CONTAINED {
            let (rows, found) = (grouped(rows), grouped(found));
            suggested.push((
                candidate.clone(),
                format!("{found} of {rows} rows looked at name a {to} that exists"),
            ));
        }
    }
    Ok(suggested)
}

/// What else a policy can say, ready to be filled in.
fn tail() -> Vec<String> {
    const TAIL: &str = r#"What else can be said:

[[references]]                  # a foreign key that means something else
from = "memberships.user_id"    # TABLE.COLUMN or a constraint's name
on-delete = "cascade"           # cascade, set null, set default, restrict, no action, ignore

[tables.deals]
owning = ["client_id"]          # the references that say whose a row is
label = ["number", "title"]     # what people call a row
[tables.audit_log]
keep = "refuse"                 # never touched: refuse, unlink, ignore

[[orphans]]                     # rows that nobody owns and that go along
table = "users"
where = "organization_id IS NULL AND email LIKE '%@e2e.example'"

[selections.expired]            # organizations by a condition: --select expired
where = "deleted_at < current_timestamp"

[guards]                        # what must hold for any row to go; no --force passes them
databases = ["*_test"]
hosts = ["localhost", "127.0.0.1"]
organizations = ["e2e-*"]
forbidden-databases = ["*prod*"]
max-rows = 100_000
test-data = { users = "email LIKE '%@e2e.example'" }"#;
    TAIL.lines().map(str::to_owned).collect()
}
