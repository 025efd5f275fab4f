//! A batch of the closure: what was found when each statement stopped at so many rows, without the rows
//! that others still name. What is left can go by itself, and nothing that stays will miss it.

use super::closure::Discovery;
use super::{Failure, Job, Observer, Outcome, Run, deletion, retried, transaction};
use crate::catalog::{ReferenceId, TableId};
use crate::database::Database;
use std::collections::BTreeSet;

/// How a batch ended.
pub struct Batch {
    pub outcome: Outcome,
    /// There may be more.
    pub cut: bool,
}

/// One batch of a series, as [`super::clean`] runs it; where rows name each other none may be found that could
/// go by itself: [`Outcome::Nothing`], and more of them at once would.
///
/// # Errors
/// See [`Failure`].
pub fn batch(database: &mut Database, job: &Job, observe: Observer) -> Result<Batch, Failure> {
    retried(job, observe, &mut |job, observe| cut_batch(database, job, observe))
}

fn cut_batch(database: &mut Database, job: &Job, observe: Observer) -> Result<Batch, Failure> {
    deletion::set_reference_checks(database, job.plan.rules.checks)?;
    let mut cut = false;
    let outcome = transaction(database, job, observe, |run| {
        let outcome = run.clean(None)?;
        cut = match &outcome {
            Outcome::Nothing => false,
            Outcome::Refused(findings) | Outcome::Cleaned { findings, .. } => findings.is_cut,
        };
        let stuck =
            matches!(&outcome, Outcome::Cleaned { findings, .. } if findings.deleted() == 0);
        Ok(Some(if stuck { Outcome::Nothing } else { outcome }))
    })?;
    Ok(Batch { outcome: outcome.unwrap_or(Outcome::Nothing), cut })
}

/// Takes every row out of the key tables that a row names which does not go in this batch. Children
/// first; in a cycle again and again, until nothing changes.
pub fn prune(run: &mut Run, discovery: &mut Discovery) -> Result<(), Failure> {
    let root = run.job.plan.root;
    for component in &run.job.plan.deletion {
        let tables: Vec<TableId> =
            component.iter().copied().filter(|table| discovery.has_rows(*table)).collect();
        loop {
            let mut pruned = 0;
            for table in tables.iter().filter(|table| **table != root) {
                for id in holding(run, *table) {
                    let child = run.job.catalog.reference(id).child;
                    let known = discovery.has_keys(child);
                    pruned += run.execute(&run.sql.prune(id, known))?;
                }
            }
            if pruned == 0 || !is_cyclic(run, &tables) {
                break;
            }
        }
        for table in tables.iter().filter(|table| **table != root) {
            let rows = run.one(run.sql.count_keys(*table))?.count(0)?;
            discovery.cut(*table, rows);
        }
    }
    // The organizations' own rows stay in their key table: homes are told by them.
    let mut held = 0;
    for id in holding(run, root) {
        let known = discovery.has_keys(run.job.catalog.reference(id).child);
        held += run.one(run.sql.count_held(id, known))?.count(0)?;
    }
    if held > 0 {
        discovery.cut(root, 0);
    }
    Ok(())
}

/// References by which rows hold their parent in `table`: not those that are unlinked with it.
fn holding(run: &Run, table: TableId) -> Vec<ReferenceId> {
    let plan = run.job.plan;
    let unlinked: BTreeSet<ReferenceId> =
        plan.unlinks.iter().map(|unlink| unlink.reference).collect();
    let followed = |id: &ReferenceId| plan.followed.iter().any(|f| f.reference == *id);
    let catalog = run.job.catalog;
    let holds = |id: &ReferenceId| {
        let reference = catalog.reference(*id);
        reference.parent == table
            && !unlinked.contains(id)
            && (reference.is_constraint() || followed(id))
    };
    catalog.reference_ids().filter(holds).collect()
}

fn is_cyclic(run: &Run, tables: &[TableId]) -> bool {
    let within = |table: &TableId| tables.contains(table);
    run.job.catalog.references.iter().any(|r| within(&r.parent) && within(&r.child))
}
