//! `--per-org`: one transaction for each organization. One that is refused or fails leaves the others
//! done; a lost connection, an unknown outcome and a signal end the series.

use super::preview::{Reporting, previewed};
use crate::database::Database;
use crate::execute::{self, Failure, Job};
use crate::exit::{self, Exit, Problem};
use crate::findings::Findings;
use crate::interrupt;
use crate::plan::{self, Plan, Rules};
use crate::render::summary::{Summary, Unit};
use crate::render::{self, Outcome, Report};
use crate::selection::Selection;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeMap;
use std::time::Instant;

/// What is done to each organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Preview,
    Clean { verify: bool },
}

/// Runs `task` for each organization in turn, then for the policy's orphans, and reports on all.
///
/// # Errors
/// What keeps the organizations from being found; more of them than `--max-orgs`.
pub fn run(
    database: &mut Database,
    reporting: &Reporting,
    task: Task,
    ui: &mut Ui,
) -> Result<Exit> {
    let prepared = reporting.prepared;
    let rules = Rules { orphans: Vec::new(), ..prepared.plan.rules.clone() };
    let without_orphans = plan::build(&prepared.catalog, prepared.root.table, rules);
    let mut units = found(database, reporting)?;
    let orphans = !prepared.plan.rules.orphans.is_empty();
    units.extend(orphans.then(Unit::default));
    let of = units.len();
    let mut stopped = false;
    for (n, unit) in units.iter_mut().enumerate() {
        stopped |= interrupt::requested();
        if stopped {
            continue;
        }
        ui.progress(format!("{} of {of}: {}", n + 1, unit.title()));
        let plan = if unit.key.is_some() { &without_orphans } else { &prepared.plan };
        stopped = one(database, reporting, task, plan, unit);
    }
    let exit = combined(&units, reporting.which.require_match);
    let summary = Summary {
        command: reporting.command,
        database: &prepared.target,
        exit: exit.code(),
        units: &units,
    };
    ui.result(&match ui.json {
        true => render::summary::json(&summary),
        false => render::summary::table(&summary, ui.width),
    });
    Ok(exit)
}

/// The selected organizations by their keys.
fn found(database: &mut Database, reporting: &Reporting) -> Result<Vec<Unit>> {
    let prepared = reporting.prepared;
    if prepared.root.key.is_none() {
        return Err(Problem::usage(
            "--per-org needs a key of one column to tell organizations apart",
        )
        .hint("--key-column COLUMN")
        .into());
    }
    let job = prepared.job(reporting.how.lock_timeout, false);
    let found = execute::organizations(database, &job)?;
    if let Some(most) = reporting.how.max_orgs.filter(|most| found.len() as u64 > *most) {
        let selected = found.len();
        let problem = format!(
            "--max-orgs is {most}, and {selected} organizations are selected; nothing was changed"
        );
        return Err(Problem::new(Exit::Refused, problem)
            .hint("look at them: orgsweep preview with the same selection")
            .into());
    }
    Ok(found.into_iter().map(|(key, name)| Unit::organization(key, name)).collect())
}

/// Runs the task for one unit and writes down how it ended. True where the series cannot go on.
fn one(
    database: &mut Database,
    reporting: &Reporting,
    task: Task,
    plan: &Plan,
    unit: &mut Unit,
) -> bool {
    let selection = match &unit.key {
        // Selected again, under the lock.
        Some(key) => Selection {
            only: Some(key.clone()),
            required: false,
            ..reporting.prepared.selection.clone()
        },
        None => Selection::default(),
    };
    let verify = task == Task::Clean { verify: true };
    let job = Job {
        selection: &selection,
        plan,
        ..reporting.prepared.job(reporting.how.lock_timeout, verify)
    };
    let start = Instant::now();
    let ended = match task {
        Task::Preview => execute::preview(database, &job, &mut |_| {})
            .map(|findings| (previewed(&findings), findings, BTreeMap::new())),
        Task::Clean { .. } => execute::clean(database, &job, None, &mut |_| {}).map(outcome),
    };
    unit.took = start.elapsed();
    match ended {
        Ok((outcome, findings, durations)) => {
            let report =
                Report { durations, plan, next: None, ..reporting.report(outcome, &findings) };
            unit.reported(&report);
            false
        }
        Err(failure) => {
            let ends = matches!(failure, Failure::Interrupted | Failure::OutcomeUnknown(_))
                || failure.is_lost();
            let problem = exit::diagnose(&failure.into());
            unit.failed(problem.exit, &problem.message);
            ends
        }
    }
}

type Ended = (Outcome, Findings, BTreeMap<crate::findings::Step, std::time::Duration>);

/// How a clean ended, as reports know it.
pub fn outcome(ended: execute::Outcome) -> Ended {
    match ended {
        execute::Outcome::Nothing => (Outcome::Nothing, Findings::default(), BTreeMap::new()),
        execute::Outcome::Refused(findings) => (Outcome::Refused, findings, BTreeMap::new()),
        execute::Outcome::Cleaned { findings, durations } => {
            (Outcome::Cleaned, findings, durations)
        }
    }
}

/// All done; nothing done, with the worst reason; or something between.
fn combined(units: &[Unit], require_match: bool) -> Exit {
    let failures = || units.iter().filter_map(|unit| unit.exit).filter(|exit| *exit != Exit::Done);
    let committed = units.iter().any(Unit::is_cleaned);
    match failures().max_by_key(|exit| severity(*exit)) {
        None if units.is_empty() && require_match => Exit::Refused,
        None => Exit::Done,
        Some(Exit::Unknown) => Exit::Unknown,
        Some(_) if committed => Exit::Partly,
        Some(worst) => worst,
    }
}

/// Which of several failures the exit code tells of.
fn severity(exit: Exit) -> u8 {
    match exit {
        Exit::Done => 0,
        Exit::NotConfirmed | Exit::Refused => 1,
        Exit::Busy => 2,
        Exit::Usage | Exit::Failed => 3,
        Exit::Unproven => 4,
        Exit::Interrupted(_) => 5,
        Exit::Partly | Exit::Bug => 6,
        Exit::Unknown => 7,
    }
}
