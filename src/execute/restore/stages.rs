//! From the archive's lines into stage tables, in batches: memory stays flat.

use super::{Failure, Run, Source};
use crate::archive::{self, Reader};
use crate::catalog::{Catalog, ReferenceId, TableId};
use crate::database::{self, Fault};
use crate::execute::Progress;
use crate::execute::archiving::STATEMENT;
use crate::execute::digest::Sum;
use crate::restoration::{Part, Restoration};
use crate::sql::{Apart, Stage};
use std::collections::BTreeMap;

/// Rows that go into a stage table at once, and bytes of them.
const BATCH_ROWS: usize = 1_000;
const BATCH_BYTES: usize = 1 << 19;

/// The stage tables, filled.
pub struct Stages<'a> {
    source: &'a Source<'a>,
    by_table: BTreeMap<TableId, Part>,
    /// Of the archive's lines, by section.
    sums: BTreeMap<usize, Sum>,
}

impl<'a> Stages<'a> {
    pub fn stage(&self, part: Part) -> Stage<'a> {
        Stage { part, section: &self.source.reader.manifest.sections[part.section] }
    }

    pub fn of(&self, table: TableId) -> Option<Stage<'a>> {
        self.by_table.get(&table).map(|part| self.stage(*part))
    }

    /// How many rows named nobody by this reference when they went.
    pub fn dangled(&self, id: ReferenceId, catalog: &Catalog) -> u64 {
        let stage = self.of(catalog.reference(id).child);
        let rows = stage.and_then(|stage| stage.section.dangling.get(&catalog.reference_arrow(id)));
        rows.copied().unwrap_or_default()
    }

    pub fn rows(&self, part: Part) -> u64 {
        self.stage(part).section.rows
    }

    /// The sum of what the archive holds of it.
    pub fn archived(&self, part: Part) -> Sum {
        self.sums.get(&part.section).cloned().unwrap_or_default()
    }
}

pub fn fill<'a>(run: &mut Run, source: &'a Source<'a>) -> Result<Stages<'a>, Failure> {
    let Restoration { rows, links, .. } = source.restoration;
    let by_table = rows.iter().map(|part| (part.table, *part)).collect();
    let mut stages = Stages { source, by_table, sums: BTreeMap::new() };
    let parts: BTreeMap<usize, Part> =
        rows.iter().chain(links).map(|part| (part.section, *part)).collect();
    for part in parts.values() {
        run.run(&run.sql.create_stage(stages.stage(*part)))?;
    }
    let manifest = &source.reader.manifest;
    let mut batch = Batch::new(run);
    let mut sums = BTreeMap::<usize, Sum>::new();
    source.reader.lines::<Failure>(|section, line| {
        if batch.section != Some(section) || batch.is_full() || line.len() >= batch.most {
            batch.flush(run, &stages, &parts)?;
            batch.section = Some(section);
        }
        let sum = sums.entry(section).or_default();
        if manifest.sections[section].rowid {
            // It is none of the columns.
            let rowid = line.iter().rposition(|byte| *byte == b'\t').unwrap_or_default();
            sum.add_line(&[&line[..rowid], b"\n"].concat());
        } else {
            sum.add_line(line);
        }
        batch.add(line);
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

/// Rows of one section on their way into its stage table, as lines.
struct Batch {
    section: Option<usize>,
    lines: Vec<u8>,
    rows: usize,
    /// Bytes with which it is full. Only a single row has more.
    most: usize,
    /// Rows of the section so far.
    done: BTreeMap<usize, u64>,
}

impl Batch {
    fn new(run: &Run) -> Batch {
        // Quotes and the next row may double what is written, twice.
        let most = |longest: u64| BATCH_BYTES.min(longest as usize / 4);
        Batch {
            section: None,
            lines: Vec::new(),
            rows: 0,
            most: run.longest.map_or(BATCH_BYTES, most),
            done: BTreeMap::new(),
        }
    }

    fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.lines.len() >= self.most
    }

    fn add(&mut self, line: &[u8]) {
        self.lines.extend_from_slice(line);
        self.rows += 1;
    }

    fn flush(
        &mut self,
        run: &mut Run,
        stages: &Stages,
        parts: &BTreeMap<usize, Part>,
    ) -> Result<(), Failure> {
        let Some(section) = self.section.filter(|_| self.rows > 0) else {
            return Ok(());
        };
        let part = parts[&section];
        let stage = stages.stage(part);
        if let Some(table) = run.sql.copied_stage(stage) {
            let copied = run.watched(|database| database.copy_in(&table, &self.lines))?;
            if copied != self.rows as u64 {
                let name = &run.job.catalog.table(part.table).name;
                let message = format!("{copied} rows came of {} lines of {name}", self.rows);
                return Err(Failure::Unproven(message));
            }
        } else {
            self.insert(run, stage, stages.source.reader)?;
        }
        let done = self.done.entry(section).or_default();
        *done += self.rows as u64;
        (run.observe)(Progress::Staging { table: part.table, rows: *done });
        self.lines.clear();
        self.rows = 0;
        Ok(())
    }

    fn insert(&self, run: &mut Run, stage: Stage, reader: &Reader) -> Result<(), Failure> {
        let Part { section, table } = stage.part;
        let unfit = || {
            let name = &run.job.catalog.table(table).name;
            let message = format!("a value of {name} is none of its column's type");
            archive::Error::new(reader.path(), message)
        };
        let lines = self.lines.split_inclusive(|byte| *byte == b'\n');
        let rows = lines.map(|line| reader.row(section, line));
        let rows: Vec<_> = rows.collect::<archive::Result<_>>()?;
        let ([row], Some(_)) = (&rows[..], run.longest.filter(|_| self.is_full())) else {
            let statement = run.sql.fill_stage(stage, &rows).ok_or_else(unfit)?;
            run.execute(&statement)?;
            return Ok(());
        };
        let Apart { ahead, insert } = run.sql.fill_stage_apart(stage, row).ok_or_else(unfit)?;
        for (variable, value) in &ahead {
            expect_short(run, table, value.len())?;
            run.watched(|database| database.set_variable(variable, Some(value)))?;
        }
        expect_short(run, table, insert.inlined(run.sql.dialect).len())?;
        run.execute(&insert)?;
        for (variable, _) in &ahead {
            run.watched(|database| database.set_variable(variable, None))?;
        }
        Ok(())
    }
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
