//! From the archive's lines into stage tables, in batches: memory stays flat.

use super::{Failure, Run, Source, proof};
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
            expect_short(run, part.table, insert.inlined(run.sql.dialect).len())?;
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
