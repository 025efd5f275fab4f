//! `orgsweep clean`

use super::context::Prepared;
use super::preview::{self, Reporting, previewed};
use crate::cli::{Clean, Preview, PreviewFormat};
use crate::database::{Database, Target};
use crate::execute::{self, Failure, Progress};
use crate::exit::{Exit, Problem};
use crate::findings::Findings;
use crate::plan::Force;
use crate::render::Outcome;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeMap;

pub fn run(target: &Target, args: &Clean, ui: &mut Ui) -> Result<Exit> {
    if args.dry_run {
        let (which, how, format) = (args.which.clone(), args.how.clone(), args.format);
        return preview::run(target, &Preview { which, how, format }, ui);
    }
    if !matches!(args.format, PreviewFormat::Table | PreviewFormat::Json) {
        return Err(Problem::usage("clean reports as table or json")
            .hint("markdown, csv and sql are formats of the preview: --dry-run")
            .into());
    }
    // The schema may change between reading the catalog and locking its tables.
    const ATTEMPTS: u32 = 3;
    for _ in 1..ATTEMPTS {
        match once(target, args, ui) {
            Err(error) if matches!(error.downcast_ref(), Some(Failure::SchemaMoved)) => {
                ui.note("the schema changed meanwhile; planning again");
            }
            ended => return ended,
        }
    }
    once(target, args, ui)
}

fn once(target: &Target, args: &Clean, ui: &mut Ui) -> Result<Exit> {
    let (mut database, prepared) = Prepared::open(target, &args.which, &args.how)?;
    refuse_read_only(&mut database)?;
    if !ui.json {
        ui.note(&prepared.describe());
    }
    let reporting = Reporting {
        command: "clean",
        prepared: &prepared,
        which: &args.which,
        how: &args.how,
        format: args.format,
    };
    let job = prepared.job(args.how.lock_timeout, args.verify);
    let confirmed = match consent(args, ui, prepared.plan.rules.force != Force::None)? {
        Consent::Given => None,
        Consent::ToBeAsked => {
            let findings = execute::preview(&mut database, &job, &mut |progress| {
                prepared.narrate(ui, progress)
            })?;
            let outcome = previewed(&findings);
            let exit = reporting.finish(ui, outcome, &findings, BTreeMap::new());
            if outcome != Outcome::Previewed {
                return Ok(exit);
            }
            confirm(ui, &findings)?;
            Some(findings)
        }
    };
    let ended = execute::clean(&mut database, &job, confirmed.as_ref(), &mut |progress| {
        // Who was just asked has seen the organizations already.
        if confirmed.is_none() || !matches!(progress, Progress::Selected(_)) {
            prepared.narrate(ui, progress);
        }
    })?;
    let (outcome, findings, durations) = match ended {
        execute::Outcome::Nothing => (Outcome::Nothing, Findings::default(), BTreeMap::new()),
        execute::Outcome::Refused(findings) => (Outcome::Refused, findings, BTreeMap::new()),
        execute::Outcome::Cleaned { findings, durations } => {
            (Outcome::Cleaned, findings, durations)
        }
    };
    Ok(reporting.finish(ui, outcome, &findings, durations))
}

enum Consent {
    Given,
    ToBeAsked,
}

/// `--yes` is consent; so is `--force` where nobody can be asked (the original tool's CI usage).
///
/// # Errors
/// [`Exit::NotConfirmed`] when there is neither consent nor anybody to ask.
fn consent(args: &Clean, ui: &Ui, forced: bool) -> Result<Consent, Problem> {
    match (args.yes, ui.is_interactive(), forced) {
        (true, _, _) | (false, false, true) => Ok(Consent::Given),
        (false, true, _) => Ok(Consent::ToBeAsked),
        (false, false, false) => Err(Problem::new(
            Exit::NotConfirmed,
            "clean deletes rows, and nobody is there to confirm it",
        )
        .hint("--yes confirms (so does --force); orgsweep preview shows what would go")),
    }
}

/// No transaction is open while the person thinks.
fn confirm(ui: &mut Ui, findings: &Findings) -> Result<()> {
    let (question, expected) = match &findings.organizations[..] {
        [organization] => {
            let name = organization.name.as_deref().filter(|name| !name.trim().is_empty());
            let expected = name.unwrap_or(&organization.key).trim().to_owned();
            (format!("To delete it, type its name: {expected}"), expected)
        }
        several => {
            let expected = format!("delete {} organizations", several.len());
            (format!("To delete them, type: {expected}"), expected)
        }
    };
    Ok(ui.confirm(&question, &expected)?)
}

/// A role or database whose transactions are read-only by default is meant to be left alone, even
/// though a transaction could say otherwise.
fn refuse_read_only(database: &mut Database) -> Result<()> {
    let Some(question) = database.dialect().read_only() else {
        return Ok(());
    };
    match database.query_one(&question.into())?.text(0) {
        "" => Ok(()),
        why => Err(Problem::new(Exit::Refused, format!("the database takes no writes: {why}"))
            .hint("nothing was changed; use the primary server, or a role that may write")
            .into()),
    }
}
