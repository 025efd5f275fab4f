//! `preview --save-plan` and `clean --plan`.

use super::context::{Prepared, Session};
use super::reporting::Reporting;
use crate::cli::{Clean, Flags};
use crate::database::Database;
use crate::execute::Failure;
use crate::exit::{self, Exit, Problem};
use crate::files::{self, Destination};
use crate::findings::Findings;
use crate::saved::{Bound, FORMAT, SavedPlan, policy_digest};
use crate::ui::Ui;
use anyhow::Result;
use clap::Parser;
use std::path::Path;

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
    findings: &Findings,
    ui: &mut Ui,
) -> Result<()> {
    if findings.is_empty() || findings.is_refused() {
        ui.note(&format!("no plan was saved: there is nothing that {} could do", path.display()));
        return Ok(());
    }
    let prepared = reporting.prepared;
    let bound = bound(session, prepared, database)?;
    let flags = reporting.flags(findings);
    let saved = SavedPlan::new(bound, flags, findings, &prepared.catalog, &prepared.plan);
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
        policy: policy_digest(session.policy.text()),
    })
}

/// The plan in a file, and the flags of `clean` that it stands for.
///
/// # Errors
/// It cannot be read, or is no plan of this version.
pub fn load(path: &Path, args: &Clean) -> Result<(SavedPlan, Clean)> {
    let broken = |why: String| {
        Problem::usage(format!("the plan {}: {why}", path.display()))
            .hint("orgsweep preview --save-plan FILE writes one")
    };
    let text = files::read(path, LARGEST).map_err(|error| broken(error.to_string()))?;
    let saved: SavedPlan = serde_json::from_slice(&text)
        .map_err(|error| broken(format!("it is no plan of orgsweep ({error})")))?;
    if saved.format != FORMAT {
        return Err(broken(format!(
            "its format is {}, this orgsweep reads {FORMAT}",
            saved.format
        ))
        .into());
    }
    let words = std::iter::once("orgsweep").chain(saved.flags.iter().map(String::as_str));
    let flags = Flags::try_parse_from(words)
        .map_err(|error| broken(format!("its flags make no sense: {}", error.kind())))?;
    let Flags { select, mut delete } = flags;
    // What narrows may be said anew.
    delete.lock_timeout = args.delete.lock_timeout;
    delete.deadline = args.delete.deadline;
    delete.max_rows = delete.max_rows.into_iter().chain(args.delete.max_rows).min();
    Ok((saved, Clean { select, delete, ..args.clone() }))
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
