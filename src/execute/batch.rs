//! A batch of the closure: what was found when each statement stopped at so many rows, without the rows
//! that others still name. What is left can go by itself, and nothing that stays will miss it.

use super::discovery::Discovery;
use super::{Failure, Job, Observer, Outcome, Run, deletion, retried, transaction};
use crate::catalog::{ReferenceId, TableId};
use crate::database::Database;
use crate::findings::Findings;
use std::collections::BTreeSet;

/// How a batch ended.
pub struct Batch {
    pub outcome: Outcome,
    /// There may be more.
    pub cut: bool,
}

/// One batch of a series that was confirmed for these organizations, as [`super::clean`] runs it; where rows name each
/// other none may be found that could go by itself: [`Outcome::Nothing`], and more of them at once would.
///
/// # Errors
/// See [`Failure`]; [`Failure::CountsMoved`] where not just these organizations are selected any more.
pub fn batch(
    database: &mut Database,
    job: &Job,
    organizations: &[String],
    observe: Observer,
) -> Result<Batch, Failure> {
    retried(job, observe, &mut |job, observe| cut_batch(database, job, organizations, observe))
}

fn cut_batch(
    database: &mut Database,
    job: &Job,
    organizations: &[String],
    observe: Observer,
) -> Result<Batch, Failure> {
    deletion::set_reference_checks(database, job.plan.rules.checks)?;
    let mut cut = false;
    let outcome = transaction(database, job, observe, |run| {
        let outcome = run.clean(None)?;
        let findings = match &outcome {
            Outcome::Refused(findings)
            | Outcome::Cleaned { findings, .. }
            | Outcome::Nothing(findings) => Some(findings),
            Outcome::Rehearsed { .. } => None,
        };
        let selected = findings.iter().flat_map(|it| &it.organizations).map(|one| &one.key);
        if !selected.eq(organizations) {
            let what = "other organizations are selected now";
            return Err(Failure::CountsMoved(vec![what.to_owned()]));
        }
        // With the organizations goes the last of what was theirs.
        let root = run.job.plan.root;
        cut = findings
            .is_some_and(|it| it.is_cut && it.rows().get(&root).is_none_or(|rows| *rows == 0));
        let stuck =
            matches!(&outcome, Outcome::Cleaned { findings, .. } if findings.deleted() == 0);
        Ok(Some(outcome).filter(|_| !stuck))
    })?;
    let nothing = || Outcome::Nothing(Findings::default());
    Ok(Batch { outcome: outcome.unwrap_or_else(nothing), cut })
}

/// Takes every row out of the key tables that a row names which is still to go, or that would stop it; again and
/// again, until nothing changes. Who only would be unlinked counts, too, where the unlink has to wait
/// ([`crate::plan::Plan::unlink_waits`]). Tables with rows that are left to other batches are added to `later`.
pub fn prune(
    run: &mut Run,
    discovery: &mut Discovery,
    later: &mut BTreeSet<TableId>,
) -> Result<(), Failure> {
    let root = run.job.plan.root;
    let stays = run.job.plan.keeps(root);
    later.extend(to_go_later(run, discovery));
    later.retain(|table| !(stays && *table == root));
    let tables = run.job.plan.deletion.iter().flatten().copied();
    let tables: Vec<TableId> =
        tables.filter(|table| *table != root && discovery.has_rows(*table)).collect();
    loop {
        let mut pruned = false;
        for table in &tables {
            for id in holding(run, *table, later) {
                if run.execute(&run.sql.prune(id, is_known(run, discovery, id, later)))? > 0 {
                    pruned = true;
                    later.insert(*table);
                }
            }
        }
        // The organizations' own rows stay in their key table: owners are told by them.
        if !stays && !later.contains(&root) && is_held(run, discovery, root, later)? {
            pruned = true;
            later.insert(root);
        }
        if !pruned {
            break;
        }
    }
    for table in tables {
        let rows = run.one(run.sql.count_keys(table))?.count(0)?;
        discovery.keep_only(table, rows);
    }
    if later.contains(&root) {
        discovery.keep_only(root, 0);
    }
    Ok(())
}

/// Tables of which not all rows that belong to the closure were found: a statement stopped at its limit there, or on
/// the way to them.
fn to_go_later(run: &Run, discovery: &Discovery) -> BTreeSet<TableId> {
    let mut later = discovery.cut.clone();
    loop {
        let before = later.len();
        for followed in &run.job.plan.followed {
            let reference = run.job.catalog.reference(followed.reference);
            if later.contains(&reference.parent) {
                later.insert(reference.child);
            }
        }
        if later.len() == before {
            return later;
        }
    }
}

/// The rows of the reference's child that go in this batch are in a key table.
fn is_known(run: &Run, discovery: &Discovery, id: ReferenceId, later: &BTreeSet<TableId>) -> bool {
    let (child, root) = (run.job.catalog.reference(id).child, run.job.plan.root);
    discovery.has_keys(child) && !(child == root && later.contains(&root))
}

fn is_held(
    run: &mut Run,
    discovery: &Discovery,
    table: TableId,
    later: &BTreeSet<TableId>,
) -> Result<bool, Failure> {
    for id in holding(run, table, later) {
        let held = run.sql.count_held(id, is_known(run, discovery, id, later));
        if run.one(held)?.count(0)? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// References by which rows hold their parent in `table`: not those that are unlinked with it, unless that has to wait.
fn holding(run: &Run, table: TableId, later: &BTreeSet<TableId>) -> Vec<ReferenceId> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let holds = |id: &ReferenceId| {
        let (reference, unlinked) = (catalog.reference(*id), plan.unlinks_by(*id));
        reference.parent == table
            && (!unlinked || plan.unlink_waits(catalog, *id, later))
            && (reference.is_constraint() || plan.follows(*id) || unlinked)
    };
    catalog.reference_ids().filter(holds).collect()
}
