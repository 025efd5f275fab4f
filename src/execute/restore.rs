//! Puts an archive back, in one transaction: rows into stage tables, questions about them, then
//! parents before children, then what was unlinked. Triggers do not fire where they can be stopped; where
//! the engine's checks of each row stop with them, the proof asks in sets. What is back is compared with the
//! archive.

mod proof;
mod way;

use super::archiving::STATEMENT;
use super::digest::Sum;
use super::failure::Doing;
use super::{Failure, Job, Observer, Progress, Run, commit, deletion};
use crate::archive::Reader;
use crate::catalog::{Catalog, ReferenceId, TableId};
use crate::database::{self, Database, Fault, Purpose};
use crate::interrupt;
use crate::plan::Checks;
use crate::restoration::{Obstacle, Part, Relinked, Restoration, Restored, Silence};
use crate::sql::{Apart, Cycles, Stage, Statement};
use std::collections::{BTreeMap, BTreeSet};
use way::Way;

/// Rows that go into a stage table at once, and bytes of them.
const BATCH_ROWS: usize = 1_000;
const BATCH_BYTES: usize = 1 << 19;

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
    deletion::set_reference_checks(database, way::checks(job.catalog, source))?;
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
    for part in &source.restoration.links {
        let linked = relink(run, stages.stage(*part));
        let linked = linked.map_err(|e| e.at(Doing::Linking, &[part.table], run.job.catalog))?;
        restored.links.push(linked);
    }
    (run.observe)(Progress::Proving);
    if let Some(settle) = run.sql.dialect.settle_checks() {
        run.run(settle)?;
    }
    run.names_ours()?;
    proof::compare(run, source, &stages, &mut restored)?;
    proof::hold_references(run, &stages, &unwatched)?;
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

/// Parents before children. Tells in which tables nothing has checked the rows: what these name is there and
/// locked, or in the archive; that was the question before.
fn insert_all(
    run: &mut Run,
    source: &Source,
    stages: &Stages,
    way: &Way,
    restored: &mut Restored,
) -> Result<BTreeSet<TableId>, Failure> {
    let mut unwatched = BTreeSet::new();
    let mut watching = true;
    for tables in &source.restoration.order {
        let watched = !way.is_unwatched(run, tables);
        if watched != watching {
            deletion::watch_rows(run, watched)?;
            watching = watched;
        }
        let inserted = insert(run, stages, tables, watched, restored);
        inserted.map_err(|e| e.at(Doing::Inserting, tables, run.job.catalog))?;
        unwatched.extend(tables.iter().filter(|_| !watched));
    }
    if !watching {
        deletion::watch_rows(run, true)?;
    }
    Ok(unwatched)
}

/// As for a deletion: the schema is the one that was planned for, and stays so.
fn hold_schema(run: &mut Run, source: &Source) -> Result<(), Failure> {
    let parts = source.restoration.rows.iter().chain(&source.restoration.links);
    run.hold_schema(parts.map(|part| part.table))
}

/// The stage tables, filled.
struct Stages<'a> {
    source: &'a Source<'a>,
    by_table: BTreeMap<TableId, Part>,
    /// Of the archive's lines, by section.
    sums: BTreeMap<usize, Sum>,
}

impl<'a> Stages<'a> {
    fn stage(&self, part: Part) -> Stage<'a> {
        Stage { part, section: &self.source.reader.manifest.sections[part.section] }
    }

    fn of(&self, table: TableId) -> Option<Stage<'a>> {
        self.by_table.get(&table).map(|part| self.stage(*part))
    }

    /// How many rows named nobody by this reference when they went.
    fn dangled(&self, id: ReferenceId, catalog: &Catalog) -> u64 {
        let stage = self.of(catalog.reference(id).child);
        let rows = stage.and_then(|stage| stage.section.dangling.get(&catalog.reference_arrow(id)));
        rows.copied().unwrap_or_default()
    }

    fn rows(&self, part: Part) -> u64 {
        self.stage(part).section.rows
    }

    /// The sum of what the archive holds of it.
    fn archived(&self, part: Part) -> Sum {
        self.sums.get(&part.section).cloned().unwrap_or_default()
    }
}

fn fill<'a>(run: &mut Run, source: &'a Source<'a>) -> Result<Stages<'a>, Failure> {
    let Restoration { rows, links, .. } = source.restoration;
    let by_table = rows.iter().map(|part| (part.table, *part)).collect();
    let mut stages = Stages { source, by_table, sums: BTreeMap::new() };
    let parts: BTreeMap<usize, Part> =
        rows.iter().chain(links).map(|part| (part.section, *part)).collect();
    for part in parts.values() {
        run.run(&run.sql.create_stage(stages.stage(*part)))?;
    }
    let mut batch = Batch::new(run.longest);
    let mut sums = BTreeMap::<usize, Sum>::new();
    source.reader.rows::<Failure>(&mut |section, values| {
        if batch.section != Some(section) || batch.is_full() || size(&values) >= batch.most {
            batch.flush(run, &stages, &parts)?;
            batch.section = Some(section);
        }
        let columns = values.len() - usize::from(source.reader.manifest.sections[section].rowid);
        proof::add(sums.entry(section).or_default(), &values[..columns]);
        batch.add(values);
        Ok(())
    })?;
    batch.flush(run, &stages, &parts)?;
    stages.sums = sums;
    for part in parts.values() {
        for statement in run.sql.settle_stage(stages.stage(*part)) {
            run.run(&statement)?;
        }
    }
    Ok(stages)
}

/// Rows of one section on their way into its stage table.
struct Batch {
    section: Option<usize>,
    rows: Vec<Vec<Option<String>>>,
    bytes: usize,
    /// Bytes with which it is full. Only a single row has more.
    most: usize,
    /// Rows of the section so far.
    done: BTreeMap<usize, u64>,
}

impl Batch {
    /// Quotes and the next row may double what is written, twice.
    fn new(longest: Option<u64>) -> Batch {
        let most = longest.map_or(BATCH_BYTES, |longest| BATCH_BYTES.min(longest as usize / 4));
        Batch { section: None, rows: Vec::new(), bytes: 0, most, done: BTreeMap::new() }
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.bytes >= self.most
    }

    fn add(&mut self, values: Vec<Option<String>>) {
        self.bytes += size(&values);
        self.rows.push(values);
    }

    fn flush(
        &mut self,
        run: &mut Run,
        stages: &Stages,
        parts: &BTreeMap<usize, Part>,
    ) -> Result<(), Failure> {
        let Some(section) = self.section.filter(|_| !self.rows.is_empty()) else {
            return Ok(());
        };
        let part = parts[&section];
        let stage = stages.stage(part);
        let unfit = || {
            let table = &run.job.catalog.table(part.table).name;
            let path = stages.source.reader.path();
            let message = format!("a value of {table} is none of its column's type");
            crate::archive::Error::new(path, message)
        };
        if let ([row], Some(_)) = (&self.rows[..], run.longest.filter(|_| self.is_full())) {
            let Apart { ahead, insert } = run.sql.fill_stage_apart(stage, row).ok_or_else(unfit)?;
            for (variable, value) in &ahead {
                expect_short(run, part.table, value.len())?;
                run.watched(|database| database.set_variable(variable, Some(value)))?;
            }
            expect_short(run, part.table, insert.inlined().len())?;
            run.execute(&insert)?;
            for (variable, _) in &ahead {
                run.watched(|database| database.set_variable(variable, None))?;
            }
        } else {
            let statement = run.sql.fill_stage(stage, &self.rows).ok_or_else(unfit)?;
            run.execute(&statement)?;
        }
        let done = self.done.entry(section).or_default();
        *done += self.rows.len() as u64;
        (run.observe)(Progress::Staging { table: part.table, rows: *done });
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }
}

fn size(values: &[Option<String>]) -> usize {
    values.iter().flatten().map(String::len).sum()
}

/// MariaDB ends the session of who sends it too long a statement, without a word.
fn expect_short(run: &Run, table: TableId, length: usize) -> Result<(), Failure> {
    let Some(longest) = run.longest else { return Ok(()) };
    if length as u64 + STATEMENT <= longest {
        return Ok(());
    }
    let name = &run.job.catalog.table(table).name;
    let message = format!(
        "a row of {name} makes a statement of {length} bytes, and max_allowed_packet is {longest}"
    );
    Err(Failure::Database(database::Error { fault: Fault::TooLong, message }))
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
        let lock = run.sql.lock_parents(stage, id);
        if let Some(lock) = lock.filter(|_| catalog.table(reference.parent).privileges.lock) {
            run.one(lock)?;
        }
        let parent = stages.of(reference.parent);
        if let Some(question) = run.sql.without_parent(stage, id, parent) {
            let (rows, samples) = counted(run, question)?;
            let unwatched = way.leaves_unwatched(run, source, reference.child);
            match rows {
                0 => {}
                _ if unwatched && rows <= stages.dangled(id, catalog) => dangling.push((id, rows)),
                _ => obstacles.push(Obstacle::NoParent { reference: id, rows, samples }),
            }
        }
    }
    Ok(())
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
