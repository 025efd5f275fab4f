//! Puts an archive back, in one transaction: rows into stage tables, questions about them, then
//! parents before children, then what was unlinked. Triggers do not fire where they can be stopped; where
//! the engine's checks of each row stop with them, the proof asks in sets. What is back is compared with the
//! archive.

mod proof;
mod stages;
mod way;

use super::failure::Doing;
use super::{Failure, Job, Observer, Progress, Run, commit, deletion};
use crate::archive::Reader;
use crate::catalog::{Key, ReferenceId, TableId};
use crate::database::{Database, Purpose};
use crate::engine::{Cycles, Silence, Statement};
use crate::interrupt;
use crate::plan::Checks;
use crate::restoration::{Obstacle, Part, Relinked, Restoration, Restored};
use crate::sql::Stage;
use stages::{Stages, fill};
use std::collections::{BTreeMap, BTreeSet};
use way::Way;

/// What is restored into a database, and how it fits.
pub struct Source<'a> {
    pub reader: &'a Reader,
    pub restoration: &'a Restoration,
    /// This archive was put back before. Where no key is taken only the rows themselves can tell whether they are
    /// still there.
    pub restored_before: bool,
    /// What keeps triggers from firing …
    pub silence: Silence,
    /// … unless they shall.
    pub fire_triggers: bool,
}

/// Restores, or with `dry` only finds out whether it could; run again when others got in its way.
///
/// # Errors
/// See [`Failure`]; the transaction was rolled back, [`Failure::OutcomeUnknown`] excepted.
pub fn restore(
    database: &mut Database,
    job: &Job,
    source: &Source,
    dry: bool,
    observe: Observer,
) -> Result<Restored, Failure> {
    super::retried(job, observe, &mut |job, observe| once(database, job, source, dry, observe))
}

fn once(
    database: &mut Database,
    job: &Job,
    source: &Source,
    dry: bool,
    observe: Observer,
) -> Result<Restored, Failure> {
    deletion::set_reference_checks(database, way::checks(database.dialect(), job.catalog, source))?;
    interrupt::committing(false);
    database.begin(Purpose::Write)?;
    let mut run = Run::new(database, job, observe, true);
    let outcome = put_back(&mut run, source);
    interrupt::cancel_by(None);
    let outcome = outcome.and_then(|restored| {
        run.database.fire_triggers(true)?;
        Ok(restored)
    });
    match outcome {
        Ok(restored) if !dry && restored.obstacles.is_empty() => {
            (run.observe)(Progress::Committing);
            commit(run.database, None)?;
            Ok(restored)
        }
        outcome => {
            database.rollback();
            database.fire_triggers(true)?;
            outcome
        }
    }
}

fn put_back(run: &mut Run, source: &Source) -> Result<Restored, Failure> {
    run.prepare()?;
    hold_schema(run, source)?;
    let way = Way::choose(run, source)?;
    if let Some(defer) = run.sql.dialect.defer_checks(Checks::Engine) {
        run.run(defer)?;
    }
    let stages = fill(run, source)?;
    let mut restored = Restored { fired: way.firing.clone(), ..Restored::default() };
    look_for_obstacles(run, source, &stages, &way, &mut restored)?;
    if !source.fire_triggers {
        restored.obstacles.extend(way.firing.iter().cloned().map(Obstacle::Triggers));
    }
    if !restored.obstacles.is_empty() {
        restored.rows =
            source.restoration.rows.iter().map(|part| (part.table, stages.rows(*part))).collect();
        return Ok(restored);
    }
    run.names_theirs()?;
    if way.switches() {
        run.database.fire_triggers(false)?;
    }
    give_up_rowids(run, source, &stages, &mut restored)?;
    let unwatched = insert_all(run, source, &stages, &way, &mut restored)?;
    (run.observe)(Progress::Proving);
    if let Some(settle) = run.sql.dialect.settle_checks() {
        run.run(settle)?;
    }
    run.names_ours()?;
    proof::compare(run, source, &stages, &mut restored)?;
    proof::prove_references(run, &stages, &unwatched)?;
    if way.in_sets {
        proof::hold_links(run, source, &stages)?;
    }
    Ok(restored)
}

/// Rows get their rowids back but for those that other rows have by now (SQLite).
fn give_up_rowids(
    run: &mut Run,
    source: &Source,
    stages: &Stages,
    restored: &mut Restored,
) -> Result<(), Failure> {
    for part in &source.restoration.rows {
        if let Some(statement) = run.sql.give_up_rowids(stages.stage(*part)) {
            let rows = run.execute(&statement)?;
            restored.renumbered.extend((rows > 0).then_some((part.table, rows)));
        }
    }
    Ok(())
}

/// Parents before children, and what was unlinked in a table before its rows, which may want a value that it took.
/// Tells in which tables nothing has checked the rows: what these name is there and held, or in the archive; that was
/// the question before.
fn insert_all(
    run: &mut Run,
    source: &Source,
    stages: &Stages,
    way: &Way,
    restored: &mut Restored,
) -> Result<BTreeSet<TableId>, Failure> {
    let mut unwatched = BTreeSet::new();
    let mut watching = true;
    let mut watch = |run: &mut Run, watched: bool| {
        let changes = std::mem::replace(&mut watching, watched) != watched;
        if changes { deletion::set_fk_enforcement(run, watched) } else { Ok(()) }
    };
    let mut links: Vec<(usize, Part)> =
        source.restoration.links.iter().copied().enumerate().collect();
    let mut linked = BTreeMap::new();
    for tables in &source.restoration.order {
        let ready = |(_, part): &mut (usize, Part)| {
            tables.contains(&part.table) && names_what_is_back(run, stages, *part, restored)
        };
        let ready: Vec<(usize, Part)> = links.extract_if(.., ready).collect();
        for (n, part) in ready {
            watch(run, true)?;
            linked.insert(n, link(run, stages, part)?);
        }
        let watched = !way.is_unwatched(run, tables);
        watch(run, watched)?;
        let inserted = insert(run, stages, tables, watched, restored);
        inserted.map_err(|e| e.at(Doing::Inserting, tables, run.job.catalog))?;
        unwatched.extend(tables.iter().filter(|_| !watched));
    }
    watch(run, true)?;
    for (n, part) in links {
        linked.insert(n, link(run, stages, part)?);
    }
    restored.links.extend(linked.into_values());
    Ok(unwatched)
}

/// All that the links of a table name is there before its own rows are.
fn names_what_is_back(run: &Run, stages: &Stages, part: Part, restored: &Restored) -> bool {
    let written = &stages.stage(part).section.written;
    let is_written = |name: &String| written.iter().any(|column| column.name == *name);
    let is_back = |table: TableId| {
        stages.of(table).is_none() || restored.rows.iter().any(|(back, _)| *back == table)
    };
    let mut references = run.job.catalog.references.iter();
    references.all(|reference| {
        reference.child != part.table
            || !reference.columns.iter().any(is_written)
            || is_back(reference.parent)
    })
}

fn link(run: &mut Run, stages: &Stages, part: Part) -> Result<Relinked, Failure> {
    let linked = relink(run, stages.stage(part));
    linked.map_err(|e| e.at(Doing::Linking, &[part.table], run.job.catalog))
}

/// As for a deletion: the schema is the one that was planned for, and stays so.
fn hold_schema(run: &mut Run, source: &Source) -> Result<(), Failure> {
    let parts = source.restoration.rows.iter().chain(&source.restoration.links);
    run.hold_schema(parts.map(|part| part.table))
}

/// What keeps the rows out, all of it.
fn look_for_obstacles(
    run: &mut Run,
    source: &Source,
    stages: &Stages,
    way: &Way,
    restored: &mut Restored,
) -> Result<(), Failure> {
    (run.observe)(Progress::Checking);
    let catalog = run.job.catalog;
    let Restored { obstacles, dangling, .. } = restored;
    for part in &source.restoration.rows {
        let stage = stages.stage(*part);
        for key in &catalog.table(part.table).keys {
            if let Some(question) = run.sql.taken_keys(stage, key) {
                let (rows, samples) = counted(run, question)?;
                if rows > 0 && given_up(run, source, stages, (stage, key))? == rows {
                    continue;
                }
                let taken = || {
                    let columns = key.columns.clone();
                    Obstacle::Taken { table: part.table, columns, rows, samples }
                };
                obstacles.extend((rows > 0).then(taken));
            }
        }
        if source.restored_before && catalog.table(part.table).identifying_key().is_none() {
            let rows = run.one(run.sql.count_alike(stage))?.count(0)?;
            obstacles.extend((rows > 0).then_some(Obstacle::There { table: part.table, rows }));
        }
    }
    for id in watched(run, stages) {
        let reference = catalog.reference(id);
        let Some(stage) = stages.of(reference.child) else {
            continue;
        };
        // The engine will tell, row by row.
        if run.sql.unlike(id).is_some() {
            continue;
        }
        let parent = stages.of(reference.parent);
        let unwatched = way.leaves_unwatched(run, source, reference.child);
        if unwatched {
            // Nothing else holds what rows name that the archive does not have. Mostly it is all there.
            let Some(question) = run.sql.held_parents(stage, id, parent) else { continue };
            let counts = run.one(question)?;
            if counts.count(0)? == counts.count(1)? {
                continue;
            }
        } else if let Some(lock) = run.sql.lock_parents(stage, id)
            && catalog.table(reference.parent).privileges.lock
        {
            run.one(lock)?;
        }
        if let Some(question) = run.sql.without_parent(stage, id, parent) {
            let (rows, samples) = counted(run, question)?;
            match rows {
                0 => {}
                _ if unwatched && rows <= stages.dangled(id, catalog) => dangling.push((id, rows)),
                _ => obstacles.push(Obstacle::NoParent { reference: id, rows, samples }),
            }
        }
    }
    Ok(())
}

/// How many archived rows find a value of theirs taken by what we wrote when they went, and write back first.
fn given_up(
    run: &mut Run,
    source: &Source,
    stages: &Stages,
    (stage, key): (Stage, &Key),
) -> Result<u64, Failure> {
    let mut rows = 0;
    for part in source.restoration.links.iter().filter(|part| part.table == stage.part.table) {
        let links = stages.stage(*part);
        let concerns =
            links.section.written.iter().any(|column| key.columns.contains(&column.name));
        if let Some(question) = run.sql.taken_by_links(stage, key, links).filter(|_| concerns) {
            run.run(&run.sql.find_links(links))?;
            rows += run.one(question)?.count(0)?;
            run.run(&run.sql.forget_links(links))?;
        }
    }
    Ok(rows)
}

/// References of archived rows that the engine watches.
fn watched(run: &Run, stages: &Stages) -> Vec<ReferenceId> {
    let catalog = run.job.catalog;
    let watched = |id: &ReferenceId| {
        let reference = catalog.reference(*id);
        reference.is_constraint() && reference.enforced && stages.of(reference.child).is_some()
    };
    catalog.reference_ids().filter(watched).collect()
}

fn counted(
    run: &mut Run,
    (count, sample): (Statement, Statement),
) -> Result<(u64, Vec<String>), Failure> {
    let rows = run.one(count)?.count(0)?;
    if rows == 0 {
        return Ok((0, Vec::new()));
    }
    let text = |row: &crate::database::Row| {
        let values = row.0.iter().map(|value| value.as_deref().unwrap_or("null"));
        values.collect::<Vec<_>>().join(", ")
    };
    Ok((rows, run.query(&sample)?.iter().map(text).collect()))
}

fn insert(
    run: &mut Run,
    stages: &Stages,
    tables: &[TableId],
    watched: bool,
    restored: &mut Restored,
) -> Result<(), Failure> {
    let together: Vec<Stage> = tables.iter().filter_map(|table| stages.of(*table)).collect();
    let in_one = watched && run.sql.dialect.cycles() == Cycles::OneStatement;
    let counts: Vec<u64> = if together.len() > 1 && in_one {
        let row = run.one(run.sql.put_back_together(&together))?;
        (0..together.len()).map(|n| Ok(row.count(n)?)).collect::<Result<_, Failure>>()?
    } else {
        let insert = |stage: &Stage| run.execute(&run.sql.put_back(*stage));
        together.iter().map(insert).collect::<Result<_, _>>()?
    };
    for (stage, inserted) in together.iter().zip(counts) {
        let (table, rows) = (stage.part.table, stage.section.rows);
        if inserted != rows {
            let name = &run.job.catalog.table(table).name;
            return Err(Failure::Unproven(format!(
                "{inserted} of {rows} rows of {name} were put back (does a trigger keep the others out?)"
            )));
        }
        (run.observe)(Progress::Restored { table, rows });
        restored.rows.push((table, rows));
    }
    Ok(())
}

/// A value is put back only where what we wrote is still there.
fn relink(run: &mut Run, stage: Stage) -> Result<Relinked, Failure> {
    run.run(&run.sql.find_links(stage))?;
    let found = run.one(run.sql.count_links(stage))?.count(0)?;
    let table = stage.part.table;
    let name = &run.job.catalog.table(table).name;
    let mut changed = match run.sql.group_links(stage) {
        Some(groups) => relink_alike(run, stage, &groups)?,
        None => run.execute(&run.sql.relink(stage))?,
    };
    // A trigger may have written something else.
    match run.sql.count_linked(stage) {
        Some(question) => changed = changed.min(run.one(question)?.count(0)?),
        // They are whole in the archive, or found by a key that names again what it named.
        None if changed == stage.section.rows => {
            changed = changed.saturating_sub(proof::altered(run, stage)?);
        }
        None => {}
    }
    if changed != found {
        return Err(Failure::Unproven(format!(
            "{changed} of {found} rows of {name} were linked again (does a trigger keep the others?)"
        )));
    }
    let columns = stage.section.written.iter().map(|column| column.name.clone()).collect();
    let others = stage.section.rows.saturating_sub(found);
    Ok(Relinked { table, columns, rows: changed, others })
}

/// The same of rows that nothing tells apart. All of one sort at once where all of them are to be linked alike: any
/// other order would find those that another sort has become.
fn relink_alike(run: &mut Run, stage: Stage, groups: &str) -> Result<u64, Failure> {
    run.run(groups)?;
    run.execute(&run.sql.mark_mixed_links(stage))?;
    let mixed = run.query(&run.sql.mixed_links(stage))?;
    let mut changed = run.execute(&run.sql.relink_groups(stage))?;
    for sort in &mixed {
        let (number, rows) = (sort.count(0)?, sort.count(1)?);
        changed += run.execute(&run.sql.relink_some(stage, number, rows))?;
    }
    Ok(changed)
}
