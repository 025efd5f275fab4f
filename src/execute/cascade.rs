//! The engine's own DELETE of the organizations' rows, which takes the rest along by its cascades: triggers see
//! what they see without orgsweep, parents gone before children. All rows are found, locked and archived
//! before; what is left or not unlinked after it is not what was shown, and the proof looks for more.

use super::deletion::{expect_unlinked, locks_keep_children_out, still_there, too_deep};
use super::failure::Doing;
use super::{Failure, Run, archiving, timed};
use crate::catalog::{Event, TableId};
use crate::findings::{self, Findings, Step};
use crate::plan::{Checks, EngineCascade, Refusal, RefusalKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// Decides whether the engine deletes by itself: where it was asked for, or where triggers see the rows go and
/// its cascades fire them.
pub fn decide(run: &mut Run, findings: &mut Findings) -> Result<(), Failure> {
    let job = run.job;
    let wanted = match job.plan.rules.engine_cascade {
        EngineCascade::Never => false,
        EngineCascade::Always => true,
        EngineCascade::Auto => {
            run.sql.dialect.cascades_fire_triggers()
                && job.plan.rules.checks == Checks::Engine
                && !job.in_batches
                && findings.is_seen_by_triggers(job.catalog)
        }
    };
    if !wanted || findings.is_empty() {
        return Ok(());
    }
    let mut why_not = findings
        .beyond_cascades(run.sql.dialect, job.catalog, job.plan)
        .or_else(|| slips_in(run, findings));
    if why_not.is_none() {
        why_not = too_deep(run, &findings.rows())?;
    }
    match why_not {
        None => findings.engine_cascade = true,
        Some(detail) if job.plan.rules.engine_cascade == EngineCascade::Always => {
            let refusal = Refusal::new(RefusalKind::EngineCascade, job.plan.root, None);
            findings.refusals.push(Refusal { detail, ..refusal });
        }
        Some(_) => {}
    }
    Ok(())
}

/// A reference by which children may come in after theirs were found: the cascade would take them uncounted.
fn slips_in(run: &Run, findings: &Findings) -> Option<String> {
    let catalog = run.job.catalog;
    let rows = findings.rows();
    let doubtful = catalog.reference_ids().find(|id| {
        let reference = catalog.reference(*id);
        run.sql.dialect.locks_index_entries()
            && reference.is_constraint()
            && rows.contains_key(&reference.parent)
            && !locks_keep_children_out(catalog, reference)
    });
    doubtful.map(|id| format!("no lock keeps new rows of {} out", catalog.reference_arrow(id)))
}

/// Deletes the organizations' rows, and sees that all that was shown went with them.
pub fn remove(run: &mut Run, findings: &Findings) -> Result<BTreeMap<Step, Duration>, Failure> {
    let (catalog, root) = (run.job.catalog, run.job.plan.root);
    let changes = findings::changes(catalog, run.job.plan, &findings.unlinked);
    for change in &changes {
        let rows = run.one(run.sql.count_changed(change))?.count(0)?;
        archiving::unlinked(run, change, rows)?;
        run.written.unlinked.insert(change.table, rows);
    }
    let others = findings.rows().into_keys().filter(|table| *table != root);
    let others = others.chain(changes.iter().map(|change| change.table));
    let tables: Vec<TableId> = std::iter::once(root).chain(others).collect();
    run.names_theirs()?;
    let ((), took) = timed(|| run.change(&run.sql.delete(root)).map(|_| ()))
        .map_err(|failure| failure.at(Doing::Cascading, &tables, catalog))?;
    for (table, rows) in findings.rows() {
        if let Some(still) = still_there(run, table, rows)? {
            return Err(Failure::Overruled {
                what: format!("{still} after the engine's own DELETE"),
                triggers: catalog.triggers_on(&tables, &[Event::Delete, Event::Update]),
            });
        }
    }
    for change in &changes {
        expect_unlinked(run, change)?;
    }
    Ok(BTreeMap::from([(Step::Delete(root), took)]))
}
