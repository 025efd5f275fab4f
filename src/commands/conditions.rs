//! `--where` and `--select`: organizations by an SQL expression, which only reads. It is tried before anything else, so
//! that what is wrong with it is told in the engine's words.

use crate::cli::SelectArgs;
use crate::database::{self, Database, Fault};
use crate::exit::Problem;
use crate::plan::Condition;
use crate::policy::Policy;
use crate::selection::{Root, Selection, did_you_mean, similar};
use crate::sql::Sql;
use anyhow::Result;
use std::collections::BTreeMap;
use std::time::Duration;

/// What the flags say that must hold of an organization.
///
/// # Errors
/// The policy has no selection of that name.
pub fn conditions(
    select: &SelectArgs,
    root: &Root,
    policy: &Policy,
    selections: &BTreeMap<String, Condition>,
) -> Result<Vec<Condition>> {
    let typed = select
        .condition
        .iter()
        .map(|sql| Ok(Condition { table: root.table, sql: sql.clone(), place: "--where".into() }));
    let named = select.select.iter().map(|name| {
        selections.get(name).cloned().ok_or_else(|| unknown(name, policy, selections).into())
    });
    typed.chain(named).collect()
}

fn unknown(name: &str, policy: &Policy, selections: &BTreeMap<String, Condition>) -> Problem {
    let problem = if policy.exists() {
        Problem::usage(format!("{} has no [selections.{name}]", policy.path()))
    } else {
        Problem::usage(format!("--select {name}: there is no policy here"))
    };
    match &similar(name, selections.keys().cloned())[..] {
        [] => problem.hint(format!("[selections.{name}] in orgsweep.toml, with where = \"SQL\"")),
        near => problem.hint(did_you_mean(near)),
    }
}

/// Asks the engine for the organizations for which all of `conditions` hold, as whoever may only read.
///
/// # Errors
/// One of them is no expression over the root table, fails for one of its rows, or would write.
pub fn try_all(
    database: &mut Database,
    sql: &Sql,
    root: &Root,
    conditions: &[Condition],
) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let session = sql.dialect.session(PATIENCE, false);
    let theirs = sql.dialect.names_theirs();
    for condition in conditions {
        if let Some(parameter) = sql.parameter(condition) {
            return Err(wrong(condition, &format!("{parameter} is a parameter, with no value")));
        }
        let alone = Selection { conditions: vec![condition.sql.clone()], ..Selection::default() };
        let tries = sql.try_expression(condition).into_iter();
        for question in tries.chain([sql.find_roots(root, &alone)]) {
            let answer = database.in_snapshot(|database| {
                database.run(&session)?;
                theirs.map_or(Ok(()), |set| database.run(set))?;
                database.query(&question)
            });
            answer.map_err(|error| failed(condition, error))?;
        }
    }
    Ok(())
}

fn failed(condition: &Condition, error: database::Error) -> anyhow::Error {
    let elsewhere = [
        Fault::Connect,
        Fault::Lost,
        Fault::Busy,
        Fault::Retryable,
        Fault::Cancelled,
        Fault::RowSecurity,
    ];
    if elsewhere.contains(&error.fault) { error.into() } else { wrong(condition, &error.message) }
}

fn wrong(condition: &Condition, why: &str) -> anyhow::Error {
    Problem::usage(format!("{}: this condition fails: {why}", condition.place))
        .hint("one SQL expression over the table of organizations, as in WHERE, that only reads")
        .into()
}
