//! Rows on their way into the archive: read before they go, or returned by the very statement that
//! deletes them. The counts of the archive are part of the proof.

use super::{Failure, Progress, Run, lock_wait};
use crate::archive::{self, ArchiveDirectory, Kind, Manifest, Sealed, Writer, line};
use crate::catalog::{Column, TableId, TableName};
use crate::database::Value;
use crate::engine::{Dialect, Statement, hex};
use crate::findings::{Change, Findings, Organization};
use crate::interrupt;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// Where the archive goes, and what it says of the run.
#[derive(Debug, Clone)]
pub struct Archiving {
    place: Place,
    /// All but the organizations and the sections.
    manifest: Manifest,
}

#[derive(Debug, Clone)]
enum Place {
    /// Under a name of its own.
    Directory(ArchiveDirectory),
    File(PathBuf),
}

impl Archiving {
    pub fn into_directory(archives: ArchiveDirectory, manifest: Manifest) -> Archiving {
        Archiving { place: Place::Directory(archives), manifest }
    }

    pub fn to_file(path: &Path, manifest: Manifest) -> Archiving {
        Archiving { place: Place::File(path.to_owned()), manifest }
    }
}

/// How often watchers hear of rows.
const REPORT: u64 = 10_000;

/// Creates the file, of these organizations: nothing was deleted yet.
pub fn begin(run: &mut Run, organizations: &[Organization]) -> Result<(), Failure> {
    let Some(archiving) = run.job.archive.filter(|_| run.archive.is_none()) else {
        return Ok(());
    };
    let organization =
        |one: &Organization| archive::Organization { key: one.key.clone(), name: one.name.clone() };
    let manifest = Manifest {
        made_at: OffsetDateTime::now_utc(),
        organizations: organizations.iter().map(organization).collect(),
        ..archiving.manifest.clone()
    };
    let path = match &archiving.place {
        Place::Directory(archives) => {
            archives.archive(&archives.stem(manifest.made_at, &manifest.subject()))
        }
        Place::File(path) => path.clone(),
    };
    run.archive = Some(Writer::create(&path, manifest)?);
    Ok(())
}

/// Runs a statement that returns the rows it deletes, and keeps them; tells how many.
pub fn archive_rows(run: &mut Run, table: TableId, statement: &Statement) -> Result<u64, Failure> {
    let columns = run.sql.archived_columns(table);
    keep(run, Kind::Rows, table, &columns, &[], statement)
}

/// Keeps all rows of the closure but those of the tables in `taken`, which are kept already.
pub fn closure(
    run: &mut Run,
    findings: &Findings,
    single_pass: &BTreeSet<TableId>,
) -> Result<(), Failure> {
    if run.archive.is_none() {
        return Ok(());
    }
    for (table, rows) in
        findings.rows().into_iter().filter(|(table, _)| !single_pass.contains(table))
    {
        let kept = archive_rows(run, table, &run.sql.read_rows(table))?;
        expect(run, table, kept, rows)?;
        dangling(run, table)?;
    }
    Ok(())
}

/// Says of the rows that are to go how many name nobody, by which references.
fn dangling(run: &mut Run, table: TableId) -> Result<(), Failure> {
    let catalog = run.job.catalog;
    let Some((references, question)) = run.sql.dangling_rows(table) else { return Ok(()) };
    let counts = run.one(question)?;
    for (n, reference) in references.into_iter().enumerate() {
        let rows = counts.count(n)?;
        if let Some(writer) = run.archive.as_mut().filter(|_| rows > 0) {
            writer.dangling(&catalog.table(table).name, catalog.reference_arrow(reference), rows);
        }
    }
    Ok(())
}

/// Keeps what a change overwrites.
pub fn unlinked(run: &mut Run, change: &Change, rows: u64) -> Result<(), Failure> {
    if run.archive.is_none() {
        return Ok(());
    }
    let identity = run.sql.lasting_identity(change.table);
    let (written, statement) = (run.sql.written(change), run.sql.read_unlinked(change));
    let kept = keep(run, Kind::Unlinked, change.table, &identity, &written, &statement)?;
    expect(run, change.table, kept, rows)
}

fn expect(run: &Run, table: TableId, kept: u64, rows: u64) -> Result<(), Failure> {
    if kept == rows {
        return Ok(());
    }
    let name = &run.job.catalog.table(table).name;
    Err(Failure::Unproven(format!("the archive holds {kept} of {rows} rows of {name}")))
}

fn keep(
    run: &mut Run,
    kind: Kind,
    table: TableId,
    columns: &[&Column],
    written: &[&Column],
    statement: &Statement,
) -> Result<u64, Failure> {
    interrupt::check()?;
    let facts = run.job.catalog.table(table);
    let (name, rowid) = (&facts.name, kind == Kind::Rows && facts.hidden_rowid().is_some());
    let Run { database, archive, observe, lock_waits, .. } = run;
    let writer = archive.as_mut().expect("the archive was begun");
    let section = writer.section(kind, name, columns, written, rowid);
    let (dialect, longest) = (run.sql.dialect, run.longest);
    let columns = columns.iter().chain(written).chain(written);
    let bytes: Vec<bool> =
        columns.map(|column| dialect.comes_as_bytes(column.value_type())).chain([false]).collect();
    let mut line = Vec::new();
    let rows = lock_wait::over(lock_waits, || {
        database.stream(statement, &mut |values| {
            let values = without_count(dialect, values, name)?;
            fits(values, longest, writer, name)?;
            line.clear();
            write_row(&mut line, dialect, values, &bytes)
                .ok_or_else(|| writer.fault(&format!("a value of {name} is not UTF-8")))?;
            writer.row(section, &line)?;
            let rows = writer.rows(section);
            if rows % REPORT == 0 {
                interrupt::check()?;
                observe(Progress::Archiving { table, rows });
            }
            Ok::<(), Failure>(())
        })
    })?;
    writer.flush(section)?;
    if rows > 0 {
        observe(Progress::Archiving { table, rows });
    }
    Ok(rows)
}

/// The values of a row without the last one, which tells how many of them are null in the table.
///
/// # Errors
/// Others are: what is not null must not be kept as null.
fn without_count<'v, 'b>(
    dialect: Dialect,
    values: &'v [Value<'b>],
    table: &TableName,
) -> Result<&'v [Value<'b>], Failure> {
    let (count, values) = values.split_last().unwrap_or((&None, &[]));
    let count = count.and_then(|count| std::str::from_utf8(count).ok()?.parse::<usize>().ok());
    let nulls = values.iter().filter(|value| dialect.is_kept_as_null(**value)).count();
    if count == Some(nulls) {
        Ok(values)
    } else {
        Err(Failure::Unproven(format!(
            "a value of {table} that is not null came as null, so that the archive would not hold it"
        )))
    }
}

/// The server that has a value takes it back. Older ones may be longer than what it takes by now.
fn fits(
    values: &[Value],
    longest: Option<u64>,
    writer: &Writer,
    table: &TableName,
) -> Result<(), Failure> {
    let Some(longest) = longest else { return Ok(()) };
    let length = values.iter().flatten().map(|value| value.len() as u64).max().unwrap_or_default();
    if length + STATEMENT <= longest {
        return Ok(());
    }
    let message = format!(
        "a value of {table} is {length} bytes long, and the server takes none that is longer than \
         max_allowed_packet, {longest} bytes: SET GLOBAL max_allowed_packet = 1073741824 lets it come back"
    );
    Err(writer.fault(&message).into())
}

/// What is sent along with a single value.
pub(super) const STATEMENT: u64 = 1024;

/// Appends a row to `line` as an archive holds it. `bytes`: of each column whether its values come as their bytes.
/// `None`: a value is not UTF-8, and nothing else says it.
pub(super) fn write_row(
    line: &mut Vec<u8>,
    dialect: Dialect,
    values: &[Value],
    bytes: &[bool],
) -> Option<()> {
    let start = line.len();
    if !bytes.contains(&true) {
        line::encode(line, values.iter().copied());
        if std::str::from_utf8(&line[start..]).is_ok() {
            return Some(());
        }
        line.truncate(start);
    }
    let mut sound: Vec<Option<Cow<[u8]>>> = Vec::new();
    for (value, bytes) in values.iter().zip(bytes) {
        sound.push(match value {
            None => None,
            Some(value) if *bytes => Some(Cow::Owned(hex(value))),
            Some(value) if std::str::from_utf8(value).is_ok() => Some(Cow::Borrowed(*value)),
            Some(value) => Some(Cow::Owned(dialect.archived_bytes(value)?.into_bytes())),
        });
    }
    line::encode(line, sound.iter().map(Option::as_deref));
    Some(())
}

/// Completes the archive, before COMMIT.
pub fn seal(run: &mut Run) -> Result<Option<Sealed>, Failure> {
    let writer = run.archive.take();
    Ok(writer.map(Writer::seal).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_null_in_the_table_is_not_kept_as_null() {
        let table = TableName { schema: None, name: "notes".into(), found_in: None };
        // To SQLite alone the second one is a null, too: its values are literals.
        let row = |nulls: &'static str| [None, Some(&b"NULL"[..]), Some(nulls.as_bytes())];
        for (dialect, nulls) in
            [(Dialect::Postgres, "1"), (Dialect::MARIADB, "1"), (Dialect::Sqlite, "2")]
        {
            assert_eq!(without_count(dialect, &row(nulls), &table).expect(nulls).len(), 2);
        }
        for wrong in ["0", "3", "", "one"] {
            let failure = without_count(Dialect::Sqlite, &row(wrong), &table).expect_err(wrong);
            assert!(failure.to_string().contains("a value of notes"), "{failure}");
        }
    }
}
