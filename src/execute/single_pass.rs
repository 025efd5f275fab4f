//! Rows deleted as they are found, where nothing has to be known of the closure before the first
//! change: all of them in one pass from the top down, a third of the work of finding them first
//! (DESIGN 7), or at least those that nothing refers to. Whatever stands in the way is found at the
//! end, and sends the run back to the closure.

use super::{
    Failure, Job, Outcome, Progress, Run, archiving, associations, closure, constraints, deletion,
    failure, guards, obstacles, ownership, proof, scopes,
};
use crate::catalog::{Event, Reference, TableId};
use crate::doctor;
use crate::engine::Dialect;
use crate::findings::{Expected, Findings, Step};
use crate::plan::{Checks, EngineCascade};
use crate::sql::may_disagree;
use std::collections::{BTreeMap, BTreeSet};

/// Deletes, then asks. `None`: something is in the way, or has to be told of the rows that went;
/// the transaction is to be rolled back.
///
/// # Errors
/// See [`Failure`].
pub fn clean(
    run: &mut Run,
    tables: BTreeSet<TableId>,
    expected: Option<&Expected>,
) -> Result<Option<Outcome>, Failure> {
    let mut discovery = closure::find_and_delete(run, tables.clone())?;
    if discovery.is_empty() {
        return Ok(Some(Outcome::Nothing(Findings::default())));
    }
    if guards::too_many(run, &discovery).is_some() {
        return Ok(None);
    }
    (run.observe)(Progress::Checking);
    if !obstacles::incomparable(run, &discovery).is_empty() {
        return Ok(None);
    }
    if !ownership::tables_with_suspects(run, &discovery)?.is_empty() {
        return Ok(None);
    }
    let unlinked = obstacles::unlinked(run, &mut discovery)?;
    let mut refusals = obstacles::kept(run, &mut discovery)?;
    refusals.extend(discovery.refusals.clone());
    refusals.extend(guards::guards(run, &discovery)?);
    refusals.extend(obstacles::disagreements(run, &discovery)?);
    refusals.extend(constraints::broken_unlinks(run, &discovery, &unlinked)?);
    let left_behind = scopes::left_behind(run, &mut discovery, &unlinked)?;
    refusals.extend(scopes::refusals(run, &left_behind));
    refusals.extend(constraints::nulled_on_the_way(run, &discovery, false)?);
    if !refusals.is_empty() {
        return Ok(None);
    }
    let unassociated = associations::unassociated(run, &mut discovery)?;
    let ownership = ownership::analyze(run, &discovery, &[], &unlinked)?;
    let unlinked_rows = obstacles::unlinked_rows(run, &unlinked)?;
    let unlinked = ownership::owners_of_unlinked(run, &discovery, &ownership, &unlinked)?;
    let passed = discovery.durations().iter();
    let mut durations: BTreeMap<Step, _> =
        passed.map(|(table, took)| (Step::Delete(*table), *took)).collect();
    let top_down = discovery.is_single_pass(run.job.plan.root);
    let mut findings = Findings {
        organizations: discovery.organizations,
        found: discovery.found,
        unlinked,
        unlinked_rows,
        left_behind,
        unassociated,
        top_down,
        ..Findings::default()
    };
    if let Some(expected) = expected {
        failure::unmoved(run.job, expected, &findings)?;
    }
    let slow = doctor::unindexed(run.job.catalog, run.job.plan, &findings);
    (run.observe)(Progress::Slow(&slow));
    archiving::closure(run, &findings, &tables)?;
    durations.extend(deletion::remove(run, &findings, &tables)?);
    (run.observe)(Progress::Proving);
    findings.proof = proof::prove(run, &findings, &tables)?;
    Ok(Some(Outcome::Cleaned { findings, durations, archive: None }))
}

/// The tables whose rows can be deleted as they are found: all of them from the top down where the
/// engine does not check each row, otherwise those that nothing refers to. SQLite and MariaDB cannot
/// delete rows and keep their keys in one statement.
pub fn tables(dialect: Dialect, job: &Job) -> Option<BTreeSet<TableId>> {
    let (catalog, plan) = (job.catalog, job.plan);
    let engine = plan.rules.engine_cascade == EngineCascade::Always;
    // --verify asks what each row names before it goes.
    if job.digest
        || job.weigh
        || job.verify
        || job.batch.is_some()
        || engine
        || !plan.allows_single_pass(catalog)
    {
        return None;
    }
    // Rows may say by it that they are somebody else's: that is asked while all of them are there.
    let says_whose = |scope| plan.tables.contains(&catalog.reference(scope).child);
    if job.scopes.is_some() && scopes::telling_others(catalog, plan).into_iter().any(says_whose) {
        return None;
    }
    // Its DELETE would fail, and say so only then.
    if plan.tables.iter().any(|table| catalog.table(*table).unidentified.on_delete) {
        return None;
    }
    // The archive says which rows name nobody: that is asked while all of them are there.
    let doubtful = |it: &Reference| {
        plan.tables.contains(&it.child) && it.is_constraint() && it.enforced && !it.validated
    };
    if job.archive.is_some() && catalog.references.iter().any(doubtful) {
        return None;
    }
    let named_oddly = |table: TableId| {
        let own = catalog.reference_ids().filter(|id| catalog.reference(*id).child == table);
        own.into_iter().any(|id| may_disagree(dialect, catalog, id))
    };
    let nameless = plan.tables.iter().any(|table| catalog.table(*table).has_nameless_rows());
    let unseen = |table: &TableId| !plan.looks_at(catalog, *table) && !named_oddly(*table);
    let tables = match (dialect.keeps_deleted_keys(), plan.rules.checks) {
        (true, Checks::Set) => plan.tables.clone(),
        // Of rows that come by keys which it does not lock, its cascades would take some uncounted.
        (_, Checks::Engine) if dialect.locks_index_entries() => return None,
        // Only all of the closure tells of it.
        _ if nameless => return None,
        // What a trigger does must not happen before all refusals are known.
        _ if plan.is_seen(catalog, &[Event::Delete]).is_some() => return None,
        // What will be slow is told before the first change.
        (_, Checks::Engine) if !doctor::worth_an_index(catalog, plan).is_empty() => return None,
        (true, Checks::Engine) => plan.leaves(catalog),
        // It cannot return the rows that it deletes without holding all of them in memory either.
        (false, _) if job.archive.is_some() => return None,
        (false, _) => plan.leaves(catalog).into_iter().filter(unseen).collect(),
    };
    Some(tables).filter(|tables| !tables.is_empty())
}
