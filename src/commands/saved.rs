//! `preview --save-plan`, `clean --plan` and `plan show`.

use super::context::{Prepared, Session};
use super::output::Output;
use super::reporting::{Ended, Reporting};
use crate::cli::{Clean, Flags, PageFormat, PlanCommand};
use crate::database::Database;
use crate::execute::Failure;
use crate::exit::{self, Exit, Problem};
use crate::files::{self, Destination};
use crate::receipt::Planned;
use crate::receipt::chain::sha256;
use crate::render;
use crate::render::html::Made;
use crate::saved::{Bound, FORMAT, SavedPlan, policy_digest};
use crate::settings::Settings;
use crate::ui::Ui;
use anyhow::Result;
use clap::Parser;
use std::path::Path;
use time::OffsetDateTime;

/// No plan is larger.
const LARGEST: u64 = 64 << 20;

/// Writes the plan of what was found; a refused one is none.
///
/// # Errors
/// The file cannot be written.
pub fn save(
    path: &Path,
    file: Destination,
    session: &Session,
    database: &mut Database,
    reporting: &Reporting,
    ended: &Ended,
    ui: &mut Ui,
) -> Result<()> {
    let findings = &ended.findings;
    if findings.is_refused() || findings.is_empty() {
        let refused = findings.is_refused();
        let why = if refused { "a clean would be refused" } else { "there is nothing to delete" };
        ui.note(&format!("{} was not saved: {why}", path.display()));
        return Ok(());
    }
    let prepared = reporting.prepared;
    let bound = bound(session, prepared, database)?;
    let flags = reporting.flags(findings);
    let made = (bound, prepared.actor.clone());
    let notes = reporting.report(ended).row_notes();
    let saved = SavedPlan::new(made, flags, findings, &prepared.catalog, &prepared.plan);
    let saved = SavedPlan { notes, ..saved };
    let text = serde_json::to_vec_pretty(&saved)?;
    file.write(&text).map_err(|error| {
        Problem::usage(format!("--save-plan {} cannot be written: {error}", path.display()))
    })?;
    ui.note(&format!("saved: clean --plan {} does exactly this", path.display()));
    Ok(())
}

fn bound(session: &Session, prepared: &Prepared, database: &mut Database) -> Result<Bound> {
    Ok(Bound {
        database: prepared.target.clone(),
        identity: database.identity()?,
        schema: prepared.catalog.fingerprint.clone(),
        policy: policy_digest(&session.policy.text()),
    })
}

/// `orgsweep plan show`
pub fn show(settings: &Settings, command: &PlanCommand, ui: &mut Ui) -> Result<Exit> {
    let PlanCommand::Show { plan: path, format, output } = command;
    let output = Output::open(output)?;
    let (saved, text) = read(path)?;
    let shown = match format {
        PageFormat::Table => render::plan::table(&saved, ui.width),
        PageFormat::Json => serde_json::to_string_pretty(&saved)?,
        PageFormat::Html => {
            let made = Made { at: OffsetDateTime::now_utc(), by: settings.actor() };
            render::html::plan(&saved, &sha256(&text), &made)
        }
    };
    output.write(&shown, ui)?;
    Ok(Exit::Done)
}

fn broken(path: &Path, why: &str) -> Problem {
    Problem::usage(format!("the plan {}: {why}", path.display()))
        .hint("orgsweep preview --save-plan FILE writes one")
}

/// The plan in a file, and the file's text.
fn read(path: &Path) -> Result<(SavedPlan, Vec<u8>)> {
    let text = files::read(path, LARGEST).map_err(|error| broken(path, &error.to_string()))?;
    let saved: SavedPlan = serde_json::from_slice(&text)
        .map_err(|error| broken(path, &format!("it is no plan of orgsweep ({error})")))?;
    if saved.format != FORMAT {
        let why = format!("its format is {}, this orgsweep reads {FORMAT}", saved.format);
        return Err(broken(path, &why).into());
    }
    Ok((saved, text))
}

/// The plan in a file, what its receipt says of it, and the flags of `clean` that it stands for.
///
/// # Errors
/// It cannot be read, or is no plan of this version.
pub fn load(path: &Path, args: &Clean) -> Result<(SavedPlan, Planned, Clean)> {
    let (saved, text) = read(path)?;
    let planned = Planned { sha256: sha256(&text), flags: saved.flags.clone() };
    let words = std::iter::once("orgsweep").chain(saved.flags.iter().map(String::as_str));
    let flags = Flags::try_parse_from(words)
        .map_err(|error| broken(path, &format!("its flags make no sense: {}", error.kind())))?;
    let Flags { select, mut delete } = flags;
    if delete.per_org {
        let why = "its flags are of a series, and a plan is of one transaction";
        return Err(broken(path, why).into());
    }
    // What narrows may be said anew.
    delete.lock_timeout = args.delete.lock_timeout;
    delete.deadline = args.delete.deadline;
    delete.max_rows = delete.max_rows.into_iter().chain(args.delete.max_rows).min();
    Ok((saved, planned, Clean { select, delete, ..args.clone() }))
}

/// # Errors
/// The plan was made for another database, schema or policy.
pub fn check(
    saved: &SavedPlan,
    session: &Session,
    prepared: &Prepared,
    database: &mut Database,
    path: &Path,
) -> Result<()> {
    let moved = saved.moved(&bound(session, prepared, database)?);
    if moved.is_empty() {
        return Ok(());
    }
    let what = format!(
        "the plan is stale: {} changed since it was saved ({}); nothing was changed",
        moved.join(" and "),
        saved.bound.database
    );
    Err(Problem::new(Exit::Refused, what).hint(anew(saved, path, session)).into())
}

/// A plan whose rows have moved: it will never fit again, so that the same command would end the same way.
pub fn outdated(
    failure: Failure,
    saved: &SavedPlan,
    path: &Path,
    session: &Session,
) -> anyhow::Error {
    match failure {
        Failure::CountsMoved(_) => {
            exit::diagnose(&failure.into()).hint(anew(saved, path, session)).into()
        }
        failure => failure.into(),
    }
}

fn anew(saved: &SavedPlan, path: &Path, session: &Session) -> String {
    let preview = session.invocation.next("preview").saving(&saved.flags, &path.to_string_lossy());
    format!("preview it again, and save a new plan: {preview}")
}
