//! What a clean would archive, written and not deleted.

use super::{Failure, Job, Observer, Run, archiving, measure};
use crate::archive::Sealed;
use crate::database::{Database, Purpose};
use crate::findings::{self, Findings};
use crate::interrupt;
use crate::plan::{Refusal, RefusalKind};
use std::collections::BTreeSet;

/// Finds what a clean would take, and keeps it in the job's archive. Writes to no user table.
///
/// # Errors
/// See [`Failure`].
pub fn export(
    database: &mut Database,
    job: &Job,
    observe: Observer,
) -> Result<(Findings, Option<Sealed>), Failure> {
    database.begin(Purpose::Read)?;
    let mut run = Run::new(database, job, observe, false);
    let written = run.prepare().and_then(|()| write(&mut run));
    interrupt::cancel_by(None);
    database.rollback();
    written
}

fn write(run: &mut Run) -> Result<(Findings, Option<Sealed>), Failure> {
    let mut findings = measure(run)?;
    findings.refusals.retain(concerns_readers);
    if findings.is_empty() || findings.is_refused() {
        return Ok((findings, None));
    }
    archiving::closure(run, &findings, &BTreeSet::new())?;
    for change in findings::changes(run.job.catalog, run.job.plan, &findings.unlinked) {
        let rows = run.one(run.sql.count_changed(&change))?.count(0)?;
        archiving::unlinked(run, &change, rows)?;
    }
    let sealed = archiving::seal(run)?;
    Ok((findings, sealed))
}

/// Whose rows they are, which there are, and who may see them; what stands in the way of changes alone does not count.
fn concerns_readers(refusal: &Refusal) -> bool {
    match refusal.kind {
        RefusalKind::Privilege => {
            !refusal.detail.split(", ").all(|right| ["DELETE", "UPDATE"].contains(&right))
        }
        RefusalKind::Protected
        | RefusalKind::Foreign
        | RefusalKind::Shared
        | RefusalKind::Global
        | RefusalKind::Incomparable
        | RefusalKind::Comparison
        | RefusalKind::LeftBehind
        | RefusalKind::Uncounted
        | RefusalKind::Kept
        | RefusalKind::Guard
        | RefusalKind::RowSecurity => true,
        RefusalKind::NotNull
        | RefusalKind::SetDefault
        | RefusalKind::VolatileDefault
        | RefusalKind::NulledFirst
        | RefusalKind::Check
        | RefusalKind::MatchFull
        | RefusalKind::Unique
        | RefusalKind::Exclusion
        | RefusalKind::Referenced
        | RefusalKind::Partition
        | RefusalKind::Overlap
        | RefusalKind::Reassign
        | RefusalKind::Held
        | RefusalKind::LosesLink
        | RefusalKind::ReplicaIdentity
        | RefusalKind::Engine
        | RefusalKind::NamelessRows
        | RefusalKind::WriteSet
        | RefusalKind::EngineCascade
        | RefusalKind::ReadOnly => false,
    }
}
