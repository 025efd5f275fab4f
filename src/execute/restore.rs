//! Puts an archive back, in one transaction: rows into stage tables, questions about them, then
//! parents before children, then what was unlinked. The engine's checks are on throughout.

use super::{Failure, Job, Observer, Progress, Run, commit, deletion};
use crate::archive::Reader;
use crate::catalog::{ReferenceId, TableId};
use crate::database::{self, Database, Fault, Purpose};
use crate::interrupt;
use crate::plan::Checks;
use crate::restoration::{Obstacle, Part, Relinked, Restoration, Restored};
use crate::sql::{Cycles, Stage, Statement};
use std::collections::BTreeMap;

/// Rows that go into a stage table at once, and bytes of them.
const BATCH_ROWS: usize = 1_000;
const BATCH_BYTES: usize = 1 << 19;
/// Only a single row is as large, and may be more than a server takes.
const LARGE: usize = 2 * BATCH_BYTES;

/// What is restored into a database, and how it fits.
pub struct Source<'a> {
    pub reader: &'a Reader,
    pub restoration: &'a Restoration,
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
    super::retried(observe, &mut |observe| once(database, job, source, dry, observe))
}

fn once(
    database: &mut Database,
    job: &Job,
    source: &Source,
    dry: bool,
    observe: Observer,
) -> Result<Restored, Failure> {
    deletion::set_reference_checks(database, Checks::Engine)?;
    interrupt::committing(false);
    database.begin(Purpose::Write)?;
    let mut run = Run::new(database, job, observe, true);
    let outcome = put_back(&mut run, source);
    interrupt::cancel_by(None);
    match outcome {
        Ok(restored) if !dry && restored.obstacles.is_empty() => {
            (run.observe)(Progress::Committing);
            commit(run.database, None)?;
            Ok(restored)
        }
        outcome => {
            database.rollback();
            outcome
        }
    }
}

fn put_back(run: &mut Run, source: &Source) -> Result<Restored, Failure> {
    run.prepare()?;
    hold_schema(run, source)?;
    if let Some(defer) = run.sql.dialect.defer_checks(Checks::Engine) {
        run.run(defer)?;
    }
    let stages = fill(run, source)?;
    let mut restored =
        Restored { obstacles: obstacles(run, source, &stages)?, ..Restored::default() };
    if !restored.obstacles.is_empty() {
        restored.rows =
            source.restoration.rows.iter().map(|part| (part.table, stages.rows(*part))).collect();
        return Ok(restored);
    }
    // Rows that name each other pass no check of single rows. What they name is there and locked, or in
    // the archive: that was the question above.
    run.names_theirs()?;
    let row_by_row = run.sql.dialect.cycles() == Cycles::LeavesFirst;
    if row_by_row {
        deletion::watch_rows(run, false)?;
    }
    for tables in &source.restoration.order {
        insert(run, &stages, tables, &mut restored)?;
    }
    for part in &source.restoration.links {
        restored.links.push(relink(run, stages.stage(*part))?);
    }
    (run.observe)(Progress::Proving);
    if row_by_row {
        deletion::watch_rows(run, true)?;
    }
    if let Some(settle) = run.sql.dialect.settle_checks() {
        run.run(settle)?;
    }
    run.names_ours()?;
    for part in &source.restoration.rows {
        if let Some(question) = run.sql.altered(stages.stage(*part)) {
            let rows = run.one(question)?.number(0) as u64;
            restored.altered.extend((rows > 0).then_some((part.table, rows)));
        }
    }
    Ok(restored)
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
}

impl<'a> Stages<'a> {
    fn stage(&self, part: Part) -> Stage<'a> {
        Stage { part, section: &self.source.reader.manifest.sections[part.section] }
    }

    fn of(&self, table: TableId) -> Option<Stage<'a>> {
        self.by_table.get(&table).map(|part| self.stage(*part))
    }

    fn rows(&self, part: Part) -> u64 {
        self.stage(part).section.rows
    }
}

fn fill<'a>(run: &mut Run, source: &'a Source<'a>) -> Result<Stages<'a>, Failure> {
    let Restoration { rows, links, .. } = source.restoration;
    let by_table = rows.iter().map(|part| (part.table, *part)).collect();
    let stages = Stages { source, by_table };
    let parts: BTreeMap<usize, Part> =
        rows.iter().chain(links).map(|part| (part.section, *part)).collect();
    for part in parts.values() {
        run.run(&run.sql.create_stage(stages.stage(*part)))?;
    }
    let mut batch = Batch::default();
    source.reader.rows::<Failure>(&mut |section, values| {
        if batch.section != Some(section) || batch.is_full() {
            batch.flush(run, &stages, &parts)?;
            batch.section = Some(section);
        }
        batch.add(values);
        Ok(())
    })?;
    batch.flush(run, &stages, &parts)?;
    for part in parts.values() {
        for statement in run.sql.settle_stage(stages.stage(*part)) {
            run.run(&statement)?;
        }
    }
    Ok(stages)
}

/// Rows of one section on their way into its stage table.
#[derive(Default)]
struct Batch {
    section: Option<usize>,
    rows: Vec<Vec<Option<String>>>,
    bytes: usize,
    /// Rows of the section so far.
    done: BTreeMap<usize, u64>,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    fn add(&mut self, values: Vec<Option<String>>) {
        self.bytes += values.iter().flatten().map(String::len).sum::<usize>();
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
        let statement = run.sql.fill_stage(stages.stage(part), &self.rows).ok_or_else(|| {
            let table = &run.job.catalog.table(part.table).name;
            let path = stages.source.reader.path();
            crate::archive::Error::new(
                path,
                format!("a value of {table} is none of its column's type"),
            )
        })?;
        if self.bytes > LARGE {
            expect_short(run, part.table, &statement)?;
        }
        run.execute(&statement)?;
        let done = self.done.entry(section).or_default();
        *done += self.rows.len() as u64;
        (run.observe)(Progress::Staging { table: part.table, rows: *done });
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// MariaDB ends the session of who sends it too long a statement, without a word.
fn expect_short(run: &mut Run, table: TableId, statement: &Statement) -> Result<(), Failure> {
    let Some(question) = run.sql.dialect.longest_statement() else { return Ok(()) };
    let (longest, length) = (run.one(question)?.number(0), statement.inlined().len());
    if usize::try_from(longest).is_ok_and(|longest| length < longest) {
        return Ok(());
    }
    let name = &run.job.catalog.table(table).name;
    let message = format!(
        "a row of {name} makes a statement of {length} bytes, and max_allowed_packet is {longest}"
    );
    Err(Failure::Database(database::Error { fault: Fault::TooLong, message }))
}

/// What keeps the rows out, all of it.
fn obstacles(run: &mut Run, source: &Source, stages: &Stages) -> Result<Vec<Obstacle>, Failure> {
    (run.observe)(Progress::Checking);
    let catalog = run.job.catalog;
    let mut obstacles = Vec::new();
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
    }
    let watched = |id: &ReferenceId| {
        let reference = catalog.reference(*id);
        reference.is_constraint() && reference.enforced
    };
    let references: Vec<ReferenceId> = catalog.reference_ids().filter(watched).collect();
    for id in references {
        let reference = catalog.reference(id);
        let Some(stage) = stages.of(reference.child) else {
            continue;
        };
        let lock = run.sql.lock_parents(stage, id);
        if let Some(lock) = lock.filter(|_| catalog.table(reference.parent).privileges.lock) {
            run.one(lock)?;
        }
        let parent = stages.of(reference.parent);
        if let Some(question) = run.sql.without_parent(stage, id, parent) {
            let (rows, samples) = counted(run, question)?;
            obstacles.extend((rows > 0).then_some(Obstacle::NoParent {
                reference: id,
                rows,
                samples,
            }));
        }
    }
    Ok(obstacles)
}

fn counted(
    run: &mut Run,
    (count, sample): (Statement, Statement),
) -> Result<(u64, Vec<String>), Failure> {
    let rows = run.one(count)?.number(0) as u64;
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
    restored: &mut Restored,
) -> Result<(), Failure> {
    let together: Vec<Stage> = tables.iter().filter_map(|table| stages.of(*table)).collect();
    let in_one = run.sql.dialect.cycles() == Cycles::OneStatement;
    let counts: Vec<u64> = if together.len() > 1 && in_one {
        let row = run.one(run.sql.put_back_together(&together))?;
        (0..together.len()).map(|n| row.number(n) as u64).collect()
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
    let found = run.one(run.sql.count_links(stage))?.number(0) as u64;
    let table = stage.part.table;
    let name = &run.job.catalog.table(table).name;
    let keyless = run.sql.count_indistinct_links(stage);
    let indistinct = match &keyless {
        Some(question) => run.one(question.clone())?.number(0) > 0,
        None => false,
    };
    let mut changed = if indistinct { 0 } else { run.execute(&run.sql.relink(stage))? };
    // A trigger may have written something else.
    if let Some(question) = run.sql.count_linked(stage) {
        changed = changed.min(run.one(question)?.number(0) as u64);
    }
    if changed != found && keyless.is_some() {
        return Err(Failure::Unproven(format!(
            "rows of {name} that are alike in every column did not all name the same: without a key MariaDB cannot \
             tell which of them is to be linked again"
        )));
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
