//! The closure, found to its fixpoint: semi-naive evaluation over key tables. Each statement is a
//! numbered generation; a reference is followed again only for parents found since its last turn,
//! and a table whose parents' key tables are empty is never queried. A long self-reference is followed to its
//! end at once (`descent`).

mod descent;
mod shared_scan;

pub(super) use shared_scan::key_counted;

use super::deletion::{expect_gone, set_fk_enforcement};
use super::discovery::Discovery;
use super::failure::Doing;
use super::obstacles::nameless_rows;
use super::{Failure, Progress, Run, archiving, guards, one_key_each, timed};
use crate::catalog::{ReferenceId, TableId};
use crate::database::Row;
use crate::engine::Statement;
use crate::findings::{Found, Organization};
use crate::plan::{Condition, Followed, Rank, Refusal, RefusalKind};
use crate::sql::Follow;
use std::collections::BTreeSet;

/// Statistics pay from about here on; below it the planner's guess does no harm.
const ANALYZE_FROM: u64 = 500;
/// Ask first which references have rows at all, from so many on …
const PROBE_FROM: usize = 8;
/// … while their parents are so few that any join order is quick.
const PROBE_PARENTS: u64 = 1_000;
/// References per probing statement.
const PROBE_BATCH: usize = 100;

pub fn discover(run: &mut Run, excluded: &BTreeSet<ReferenceId>) -> Result<Discovery, Failure> {
    let mut discovery = Discovery { excluded: excluded.clone(), ..Discovery::default() };
    select_roots(run, &mut discovery)?;
    if discovery.is_empty() {
        return Ok(discovery);
    }
    for rank in Rank::ALL {
        // Of a part nobody can say what protects it: the rest may be what names it.
        if rank == Rank::Protected && discovery.is_cut() {
            break;
        }
        to_fixpoint(run, &mut discovery, rank, excluded)?;
        match rank {
            Rank::Cascade => discovery.cascaded = discovery.generation,
            Rank::Forced => discovery.boundary = discovery.generation,
            Rank::Protected => {}
        }
    }
    discovery.refusals.extend(missing_privileges(run, &discovery));
    Ok(discovery)
}

/// The closure, with the rows of `tables` deleted as they are found. Where those are all tables, the
/// root's go first and the engine's checks are off: each statement sees what was committed before its
/// parents were deleted, and later children must wait for these parents, and fail (DESIGN 7). Nothing
/// goes where too many organizations are selected.
pub fn find_and_delete(run: &mut Run, tables: BTreeSet<TableId>) -> Result<Discovery, Failure> {
    let mut discovery = Discovery::default();
    select_roots(run, &mut discovery)?;
    if discovery.is_empty() || guards::too_many(run, &discovery).is_some() {
        return Ok(discovery);
    }
    discovery.single_pass = tables;
    let root = run.job.plan.root;
    let top_down = discovery.is_single_pass(root);
    if top_down {
        set_fk_enforcement(run, false)?;
        let (deleted, took) = timed(|| {
            if run.archive.is_some() {
                archiving::archive_rows(run, root, &run.sql.delete_returning(root))
            } else {
                run.change(&run.sql.delete(root))
            }
        })?;
        expect_gone(run, root, discovery.rows[&root], deleted)?;
        discovery.durations.insert(root, took);
    }
    let nothing = BTreeSet::new();
    for rank in [Rank::Cascade, Rank::Forced] {
        to_fixpoint(run, &mut discovery, rank, &nothing)?;
    }
    discovery.boundary = discovery.generation;
    if top_down {
        set_fk_enforcement(run, true)?;
    }
    Ok(discovery)
}

fn select_roots(run: &mut Run, discovery: &mut Discovery) -> Result<(), Failure> {
    let root = run.job.root.table;
    run.must_read(root)?;
    discovery.staying = Some(root).filter(|root| run.job.plan.keeps(*root));
    create_keys(run, discovery, root)?;
    let generation = discovery.next();
    let lock = run.lock && run.job.catalog.table(root).privileges.lock;
    if run.lock
        && let Some(lock) = run.sql.lock_organizations(run.job.root, run.job.selection)
    {
        run.selecting(|run| run.query(&lock)).map_err(Failure::at_selection)?;
    }
    one_key_each(run.database, &run.sql, run.job.root, run.job.selection)?;
    let again = lock && run.reads_only_apart();
    let at_once = lock && !again;
    let statement = run.sql.select_roots(run.job.root, run.job.selection, generation, at_once);
    run.selecting(|run| add(run, discovery, root, None, &statement))
        .map_err(Failure::at_selection)?;
    if again {
        select_again(run, discovery.rows.get(&root).copied().unwrap_or_default())?;
    }
    let mut since = 0;
    while discovery.newest.get(&root).is_some_and(|newest| *newest > since) {
        since = discovery.generation;
        for reference in run.job.plan.children.clone() {
            let followed = Followed { reference, rank: Rank::Cascade };
            follow(run, discovery, followed, false)?;
        }
    }
    // Who mistyped a name wants nothing to go.
    if !run.job.selection.is_empty() && !discovery.has_rows(root) {
        return Ok(());
    }
    for orphans in &run.job.plan.rules.orphans {
        select_orphans(run, discovery, orphans)?;
    }
    // Selected along the root's own references, they are to be followed from again.
    discovery.done.clear();
    discovery.selected = discovery.generation;
    discovery.boundary = discovery.generation;
    let described = run.sql.describe_roots(run.job.root, discovery.selected);
    discovery.organizations = run.query(&described)?.iter().map(organization).collect();
    archiving::begin(run, &discovery.organizations)?;
    // Only the first time: with rows excluded the closure is being found again.
    if !discovery.organizations.is_empty() && discovery.excluded.is_empty() {
        (run.observe)(Progress::Selected(&discovery.organizations));
    }
    Ok(())
}

/// Locks the root rows that a condition has selected, and asks it once more: a statement that may only read locks
/// nothing, so that somebody may have come between.
fn select_again(run: &mut Run, selected: u64) -> Result<(), Failure> {
    let (root, selection) = (run.job.root, run.job.selection);
    let locked = run.one(run.sql.lock_roots(root.table))?.count(0)?;
    let question = run.sql.still_selected(root, selection);
    let still = run.selecting(|run| run.one(question))?.count(0)?;
    match (locked, still) {
        (locked, still) if locked == selected && still == selected => Ok(()),
        _ => Err(Failure::Disturbed(
            "organizations that were selected no longer are: somebody changes them".into(),
        )),
    }
}

/// A root row as it is described.
pub fn organization(row: &Row) -> Organization {
    Organization {
        key: row.text(0).to_owned(),
        name: row.optional(1).map(str::to_owned),
        age_seconds: row.optional(2).and_then(|age| age.parse().ok()),
    }
}

fn select_orphans(
    run: &mut Run,
    discovery: &mut Discovery,
    orphans: &Condition,
) -> Result<(), Failure> {
    if let Some(refusal) = run.unreadable(orphans.table) {
        discovery.refusals.push(refusal);
        return Ok(());
    }
    create_keys(run, discovery, orphans.table)?;
    let generation = discovery.next();
    let lock = run.lock && run.job.catalog.table(orphans.table).privileges.lock;
    let again = lock && run.sql.dialect.read_only_apart().is_some();
    let rows =
        |discovery: &Discovery| discovery.rows.get(&orphans.table).copied().unwrap_or_default();
    let before = rows(discovery);
    let statement = run.sql.select_orphans(orphans, generation, before > 0, lock && !again);
    run.reading(|run| add(run, discovery, orphans.table, None, &statement))?;
    let found = rows(discovery) - before;
    // As in `select_again`.
    if again && found > 0 {
        let locked = run.one(run.sql.lock_roots(orphans.table))?.count(0)?;
        let question = run.sql.still_orphaned(orphans, generation);
        let still = run.reading(|run| run.one(question))?.count(0)?;
        if (locked, still) != (before + found, found) {
            let name = &run.job.catalog.table(orphans.table).name;
            let what = format!("orphans of {name} no longer are: somebody changes them");
            return Err(Failure::Disturbed(what));
        }
    }
    Ok(())
}

/// Follows every reference up to `rank` until no statement finds anything new.
fn to_fixpoint(
    run: &mut Run,
    discovery: &mut Discovery,
    rank: Rank,
    excluded: &BTreeSet<ReferenceId>,
) -> Result<(), Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let ready = |discovery: &Discovery, followed: &Followed| {
        let parent = catalog.reference(followed.reference).parent;
        followed.rank <= rank && discovery.is_ready(*followed, parent)
    };
    loop {
        let round: Vec<Followed> =
            plan.followed.iter().filter(|f| ready(discovery, f)).copied().collect();
        if round.is_empty() {
            return Ok(());
        }
        let round = probe(run, discovery, round)?;
        for (n, followed) in round.iter().enumerate() {
            // A sweep may have followed it along with another.
            if ready(discovery, followed)
                && !shared_scan::shared_scan(run, discovery, &round[n..], rank)?
            {
                follow(run, discovery, *followed, excluded.contains(&followed.reference))?;
            }
        }
    }
}

/// Drops the references of a round that have no rows. The rest are followed in order of discovery,
/// so that a table is complete before its children are looked for.
fn probe(
    run: &mut Run,
    discovery: &mut Discovery,
    round: Vec<Followed>,
) -> Result<Vec<Followed>, Failure> {
    let catalog = run.job.catalog;
    let worth_asking = |followed: &&Followed| {
        let reference = catalog.reference(followed.reference);
        discovery.rows.get(&reference.parent).is_some_and(|rows| *rows <= PROBE_PARENTS)
            && run.unreadable(reference.child).is_none()
            && run.sql.unlike(followed.reference).is_none()
            && discovery.waiting(followed.reference).is_none()
    };
    let asked: Vec<Followed> = round.iter().filter(worth_asking).copied().collect();
    if asked.len() < PROBE_FROM {
        return Ok(round);
    }
    let generation = discovery.generation;
    let mut empty: BTreeSet<ReferenceId> = asked.iter().map(|f| f.reference).collect();
    for batch in asked.chunks(PROBE_BATCH) {
        let question: Vec<(usize, ReferenceId, u32)> = batch
            .iter()
            .enumerate()
            .map(|(n, f)| (n, f.reference, discovery.done.get(&f.reference).copied().unwrap_or(0)))
            .collect();
        for row in run.query_all(&run.sql.probe(&question))? {
            empty.remove(&question[row.count(0)? as usize].1);
        }
    }
    for reference in &empty {
        discovery.done.insert(*reference, generation);
    }
    Ok(round.into_iter().filter(|followed| !empty.contains(&followed.reference)).collect())
}

fn follow(
    run: &mut Run,
    discovery: &mut Discovery,
    followed: Followed,
    excluding: bool,
) -> Result<(), Failure> {
    if let Some(bit) = discovery.waiting(followed.reference) {
        return shared_scan::add_waiting(run, discovery, followed, bit);
    }
    let child = run.job.catalog.reference(followed.reference).child;
    // What cannot be compared is refused afterwards (`obstacles::incomparable`).
    if discovery.unreadable.contains(&child) || run.sql.unlike(followed.reference).is_some() {
        discovery.done.insert(followed.reference, discovery.generation);
        return Ok(());
    }
    if let Some(refusal) = run.unreadable(child) {
        discovery.refusals.push(refusal);
        discovery.unreadable.insert(child);
        return follow(run, discovery, followed, excluding);
    }
    shared_scan::key_counted(run, discovery, child)?;
    let single_pass = discovery.is_single_pass(child);
    let keep = !single_pass || run.job.verify || run.job.plan.looks_at(run.job.catalog, child);
    if keep {
        create_keys(run, discovery, child)?;
    }
    let since = discovery.done.get(&followed.reference).copied().unwrap_or(0);
    let generation = discovery.next();
    let step = Follow {
        reference: followed.reference,
        since,
        generation,
        known: discovery.has_rows(child),
        excluding,
        lock: run.lock && run.job.catalog.table(child).privileges.lock,
        // All organizations are selected, with their children.
        limit: run.job.batch.filter(|_| child != run.job.plan.root),
    };
    if descent::pays(run, discovery, &step) {
        return descent::descend(run, discovery, followed, &step);
    }
    let statement = match single_pass {
        true if run.archive.is_some() => run.sql.delete_children_returning(&step, keep),
        true => run.sql.delete_children(&step, keep),
        false => run.sql.follow(&step),
    };
    // Rows that a self-reference adds in this very statement are yet to be followed from.
    discovery.done.insert(followed.reference, generation - 1);
    add(run, discovery, child, Some(followed), &statement)
}

/// Runs a statement that finds rows; `followed` is `None` for selected ones.
fn add(
    run: &mut Run,
    discovery: &mut Discovery,
    table: TableId,
    followed: Option<Followed>,
    statement: &Statement,
) -> Result<(), Failure> {
    let single_pass = discovery.is_single_pass(table);
    let found = timed(|| match single_pass && run.archive.is_some() {
        true => archiving::archive_rows(run, table, statement),
        false if single_pass => run.change(statement),
        false => run.execute(statement),
    });
    let doing = if single_pass { Doing::Deleting } else { Doing::Finding };
    let (rows, took) = found.map_err(|e| e.at(doing, &[table], run.job.catalog))?;
    if single_pass {
        *discovery.durations.entry(table).or_default() += took;
    }
    let first = discovery.generation;
    register(run, discovery, table, followed, first, rows, statement.inlined(run.sql.dialect))
}

/// Counts what was just found from the generation `first` on, as a script would find it.
fn register(
    run: &mut Run,
    discovery: &mut Discovery,
    table: TableId,
    followed: Option<Followed>,
    first: u32,
    rows: u64,
    script: String,
) -> Result<(), Failure> {
    if rows == 0 {
        return Ok(());
    }
    if followed.is_some() && run.job.batch.is_some_and(|limit| rows >= limit) {
        discovery.cut.insert(table);
    }
    discovery.newest.insert(table, discovery.generation);
    let ownership = &run.job.plan.ownership;
    if let Some(Followed { reference, .. }) = followed
        && ownership.is_circular(table)
        && !ownership.always_owns(run.job.catalog, table, reference)
    {
        discovery.doubtful.entry(table).or_default().insert((first, discovery.generation));
    }
    let total = discovery.rows.entry(table).or_default();
    *total += rows;
    let total = *total;
    (run.observe)(Progress::Finding { table, rows: total });
    let reference = followed.map(|followed| followed.reference);
    let rank = followed.map_or(Rank::Cascade, |followed| followed.rank);
    discovery.found.push(Found { table, reference, rank, rows, script });
    let analyzed = discovery.analyzed.get(&table).copied().unwrap_or(0);
    // One root row is planned for as if it were thousands.
    let few = table == run.job.plan.root && analyzed == 0;
    if discovery.has_keys(table) && (few || total >= ANALYZE_FROM && total >= analyzed * 2) {
        analyze(run, discovery, table)?;
    }
    Ok(())
}

fn analyze(run: &mut Run, discovery: &mut Discovery, table: TableId) -> Result<(), Failure> {
    if let Some(analyze) = run.sql.analyze_key_table(table) {
        run.run(&analyze)?;
    }
    // None, where rows were only counted and there are none.
    let rows = discovery.rows.get(&table).copied().unwrap_or_default();
    discovery.analyzed.insert(table, rows);
    Ok(())
}

fn create_keys(run: &mut Run, discovery: &mut Discovery, table: TableId) -> Result<(), Failure> {
    if discovery.created.insert(table) {
        run.run(&run.sql.create_key_table(table))?;
    }
    Ok(())
}

/// Rows may only be promised when they may be locked and deleted, and would come back if something failed.
fn missing_privileges(run: &Run, discovery: &Discovery) -> Vec<Refusal> {
    let missing = |table: TableId| {
        let privileges = run.job.catalog.table(table).privileges;
        let deletes = privileges.delete || discovery.staying == Some(table);
        let wanted = [(deletes, "DELETE"), (privileges.lock, "UPDATE")];
        let missing: Vec<&str> =
            wanted.iter().filter(|(held, _)| !held).map(|(_, name)| *name).collect();
        let mut refusal = Refusal::new(RefusalKind::Privilege, table, None);
        refusal.rows = discovery.rows[&table];
        refusal.detail = missing.join(", ");
        (!missing.is_empty()).then_some(refusal)
    };
    let unidentified = |table: TableId| {
        let refusal = Refusal::new(RefusalKind::ReplicaIdentity, table, None);
        let refusal = Refusal { rows: discovery.rows[&table], ..refusal };
        run.job.catalog.table(table).unidentified.on_delete.then_some(refusal)
    };
    let lasting = |table: TableId| {
        let engine = run.job.catalog.table(table).lasting_engine.clone()?;
        let rows = discovery.rows[&table];
        Some(Refusal { rows, detail: engine, ..Refusal::new(RefusalKind::Engine, table, None) })
    };
    let catalog = run.job.catalog;
    let nameless = discovery.tables().filter(|table| catalog.table(*table).has_nameless_rows());
    let nameless = nameless.map(|table| nameless_rows(catalog, table, discovery.rows[&table]));
    let missing: Vec<Refusal> = discovery.tables().filter_map(missing).collect();
    let going = || discovery.tables().filter(|table| discovery.loses_rows(*table));
    let unidentified = going().filter_map(unidentified);
    let others = going().filter_map(lasting).chain(nameless);
    missing.into_iter().chain(unidentified).chain(others).collect()
}
