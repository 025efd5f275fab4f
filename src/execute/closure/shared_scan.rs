//! One reading of a table for several references, where each of them would read all of it: rows join
//! the closure by those whose turn it is; those that only later ones reach, and those to be unlinked,
//! are set aside until then. What is found, and by what, is as if each had been followed by itself.

use super::{analyze, create_keys, register};
use crate::catalog::{ReferenceId, TableId};
use crate::engine::Statement;
use crate::execute::discovery::{Deferred, Discovery, KnownOwned, Scanned};
use crate::execute::{Failure, Run};
use crate::plan::{Followed, Rank, can_share, pays};
use crate::sql::{Follow, SharedScan};
use std::collections::BTreeMap;

/// More references than these are not set aside at once: each has a bit.
const DEFERRED: usize = 24;

impl Scanned {
    fn references(&self) -> Vec<ReferenceId> {
        self.adding.iter().map(|followed| followed.reference).collect()
    }

    fn shared_scan<'a>(
        &'a self,
        table: TableId,
        adding: &'a [ReferenceId],
        rows: &'a BTreeMap<TableId, u64>,
    ) -> SharedScan<'a> {
        let Scanned { deferred, generation, .. } = self;
        let generation = *generation;
        SharedScan { table, adding, deferred, generation, again: false, lock: false, rows }
    }
}

/// Rows per number; those set aside have negative ones.
type Counts = BTreeMap<i64, u64>;

/// Follows the first reference of `round` together with all others that lead into its child. False
/// where that does not pay, and nothing was done.
pub fn shared_scan(
    run: &mut Run,
    discovery: &mut Discovery,
    round: &[Followed],
    rank: Rank,
) -> Result<bool, Failure> {
    let child = run.job.catalog.reference(round[0].reference).child;
    let Some((adding, deferred)) = shared(run, discovery, child, round, rank) else {
        return Ok(false);
    };
    let generation = discovery.next();
    let scanned = Scanned { adding, deferred, generation };
    let references = scanned.references();
    let last = generation + references.len() as u32 - 1;
    // As many again for rows that may be somebody else's.
    discovery.generation = last + references.len() as u32;
    let followed = references.iter().chain(&scanned.deferred);
    discovery.done.extend(followed.map(|id| (*id, discovery.generation)));
    let counts = match count(run, discovery, child, &scanned)? {
        Some(counts) => {
            discovery.counted.insert(child, scanned.clone());
            counts
        }
        None => find(run, discovery, child, &scanned)?,
    };
    let rows = |n: u32| counts.get(&i64::from(n)).copied().unwrap_or_default();
    let known_owned =
        KnownOwned { rows: (generation..=last).map(rows).sum(), generations: (generation, last) };
    discovery.known_owned.insert(child, known_owned);
    for (followed, generation) in scanned.adding.iter().zip(generation..) {
        let rows = rows(generation) + rows(generation + references.len() as u32);
        let script = alone(run, discovery, followed.reference, generation);
        register(run, discovery, child, Some(*followed), generation, rows, script)?;
    }
    Ok(true)
}

/// What a preview wants to know, where it gets by without keys: all rows are ours for sure, and none
/// waits.
fn count(
    run: &mut Run,
    discovery: &Discovery,
    child: TableId,
    scanned: &Scanned,
) -> Result<Option<Counts>, Failure> {
    if !run.counts || !run.job.plan.only_counts(run.job.catalog, child) {
        return Ok(None);
    }
    let references = scanned.references();
    let statement =
        run.sql.count_shared_scan(&scanned.shared_scan(child, &references, &discovery.rows));
    let counts = counts(run, &statement)?;
    let known_owned =
        i64::from(scanned.generation)..i64::from(scanned.generation) + references.len() as i64;
    Ok(counts.keys().all(|n| known_owned.contains(n)).then_some(counts))
}

fn find(
    run: &mut Run,
    discovery: &mut Discovery,
    child: TableId,
    scanned: &Scanned,
) -> Result<Counts, Failure> {
    create_keys(run, discovery, child)?;
    let references = scanned.references();
    let lock = run.lock && run.job.catalog.table(child).privileges.lock;
    let shared_scan =
        SharedScan { lock, ..scanned.shared_scan(child, &references, &discovery.rows) };
    let rows = run.execute(&run.sql.shared_scan(&shared_scan))?;
    let mut counts = match rows {
        0 => Counts::new(),
        _ => counts(run, &run.sql.count_scanned(&shared_scan))?,
    };
    counts.insert(i64::from(scanned.generation), rows - counts.values().sum::<u64>());
    defer_rows(run, discovery, child, &scanned.deferred, &counts)?;
    Ok(counts)
}

/// Finds the keys of rows that were only counted, before more of them are looked for.
pub fn key_counted(
    run: &mut Run,
    discovery: &mut Discovery,
    child: TableId,
) -> Result<(), Failure> {
    let Some(scanned) = discovery.counted.remove(&child) else {
        return Ok(());
    };
    create_keys(run, discovery, child)?;
    let references = scanned.references();
    let shared_scan =
        SharedScan { again: true, ..scanned.shared_scan(child, &references, &discovery.rows) };
    run.execute(&run.sql.shared_scan(&shared_scan))?;
    analyze(run, discovery, child)
}

fn counts(run: &mut Run, statement: &Statement) -> Result<Counts, Failure> {
    let counts = run.query(statement)?;
    counts.iter().map(|row| Ok((row.number(0)?, row.count(1)?))).collect()
}

/// The references that can be followed together with the first of `round`, and those for which rows
/// can be set aside, where it pays.
fn shared(
    run: &Run,
    discovery: &Discovery,
    child: TableId,
    round: &[Followed],
    rank: Rank,
) -> Option<(Vec<Followed>, Vec<ReferenceId>)> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let untouched = run.sql.dialect.shares_scans()
        && run.job.batch.is_none()
        && !discovery.is_single_pass(child)
        && !discovery.has_rows(child)
        && !plan.ownership.is_circular(child)
        && run.unreadable(child).is_none();
    if !untouched {
        return None;
    }
    let fits = |id: &ReferenceId| {
        can_share(catalog, *id)
            && discovery.has_rows(catalog.reference(*id).parent)
            && !discovery.done.contains_key(id)
            && !discovery.is_excluded(*id)
    };
    let into: Vec<Followed> =
        plan.followed_into(child, catalog).into_iter().filter(|f| fits(&f.reference)).collect();
    let (now, later): (Vec<Followed>, Vec<Followed>) =
        into.into_iter().partition(|f| f.rank <= rank);
    // In the order in which they would be followed one by one.
    let (mut adding, next): (Vec<Followed>, Vec<Followed>) =
        now.into_iter().partition(|followed| round.contains(followed));
    if adding.first() != round.first() {
        return None;
    }
    adding.extend(next);
    let unlinked = plan.unlinked_from(child, catalog).into_iter().filter(fits);
    let deferred: Vec<ReferenceId> =
        later.iter().map(|followed| followed.reference).chain(unlinked).take(DEFERRED).collect();
    let all: Vec<ReferenceId> =
        adding.iter().map(|followed| followed.reference).chain(deferred.iter().copied()).collect();
    pays(catalog, child, &all, &discovery.rows).then_some((adding, deferred))
}

/// Moves rows whose turn has not come out of the key table; `counts` are those of each `gen`.
fn defer_rows(
    run: &mut Run,
    discovery: &mut Discovery,
    child: TableId,
    deferred: &[ReferenceId],
    counts: &Counts,
) -> Result<(), Failure> {
    let waiting: Vec<i64> = counts.keys().filter(|n| **n < 0).map(|n| -n).collect();
    if !waiting.is_empty() {
        run.run(&run.sql.defer_rows(child))?;
        discovery.with_deferred.insert(child);
    }
    for (bit, id) in deferred.iter().enumerate() {
        let waits = waiting.iter().any(|bits| bits & (1 << bit) != 0);
        discovery
            .deferred
            .insert(*id, if waits { Deferred::Rows { bit } } else { Deferred::Nothing });
    }
    Ok(())
}

/// The turn of a reference for which rows were set aside.
pub fn add_waiting(
    run: &mut Run,
    discovery: &mut Discovery,
    followed: Followed,
    bit: usize,
) -> Result<(), Failure> {
    let child = run.job.catalog.reference(followed.reference).child;
    let grown = discovery.has_grown(followed.reference, child);
    discovery.deferred.insert(followed.reference, Deferred::Nothing);
    let generation = discovery.next();
    let script = alone(run, discovery, followed.reference, generation);
    let rows = run.execute(&run.sql.add_waiting(child, bit, grown, generation))?;
    register(run, discovery, child, Some(followed), generation, rows, script)
}

/// The statement that follows the reference by itself, for scripts.
fn alone(run: &Run, discovery: &Discovery, reference: ReferenceId, generation: u32) -> String {
    let known = discovery.has_rows(run.job.catalog.reference(reference).child);
    let step = Follow {
        reference,
        since: 0,
        generation,
        known,
        excluding: false,
        lock: run.lock,
        limit: None,
    };
    run.sql.follow(&step).inlined(run.sql.dialect)
}
