//! `export --format jsonl`: a file a table, an object a row.

use crate::archive::{ArchivedColumn, Kind, Reader, Section};
use crate::engine::{Dialect, Plain};
use crate::exit::Problem;
use anyhow::Result;
use serde_json::{Map, Number, Value, json};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// No reader of JSON rounds an integer up to here.
const EXACT: i128 = 1 << 53;

/// Makes the folder, for its owner alone.
///
/// # Errors
/// It cannot be made.
pub fn folder(path: &Path) -> Result<()> {
    let made = DirBuilder::new().mode(0o700).create(path);
    Ok(made.map_err(|error| unwritable(path, &error))?)
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    Problem::usage(format!("--output {} cannot be written: {error}", path.display()))
}

/// The rows of an archive that were its organizations', and its manifest.
///
/// # Errors
/// The disk is full.
pub fn write(reader: &Reader, folder: &Path) -> Result<()> {
    let dialect = reader.manifest.dialect;
    let mut open: Option<(usize, BufWriter<File>)> = None;
    reader.rows::<anyhow::Error>(&mut |number, values| {
        let section = &reader.manifest.sections[number];
        if section.kind == Kind::Unlinked {
            return Ok(());
        }
        if open.as_ref().is_none_or(|(of, _)| *of != number) {
            if let Some((_, mut done)) = open.take() {
                done.flush()?;
            }
            open = Some((number, BufWriter::new(create(&folder.join(file_name(section)))?)));
        }
        if let Some((_, file)) = &mut open {
            serde_json::to_writer(&mut *file, &object(section, dialect, &values))?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })?;
    if let Some((_, mut done)) = open {
        done.flush()?;
    }
    serde_json::to_writer_pretty(create(&folder.join("manifest.json"))?, &reader.manifest)?;
    Ok(())
}

/// Rows of a table may come in several parts.
fn create(path: &Path) -> Result<File> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    Ok(file.map_err(|error| unwritable(path, &error))?)
}

/// `003-deals.jsonl`, as the archive's own folder is called.
fn file_name(section: &Section) -> String {
    let name = section.directory.rsplit('/').next().unwrap_or_default();
    format!("{name}.jsonl")
}

fn object(section: &Section, dialect: Dialect, values: &[Option<String>]) -> Map<String, Value> {
    let columns = section.columns.iter().zip(values);
    let field = |(column, value): (&ArchivedColumn, &Option<String>)| {
        let plain = dialect.plain(&column.type_name, value.as_deref());
        (column.name.clone(), value_of(plain))
    };
    columns.map(field).collect()
}

fn value_of(plain: Plain) -> Value {
    match plain {
        Plain::Null => Value::Null,
        Plain::Boolean(value) => value.into(),
        Plain::Integer(value) if value.abs() <= EXACT => json!(value as i64),
        Plain::Integer(value) => value.to_string().into(),
        Plain::Float(text) => {
            let number = text.parse().ok().and_then(Number::from_f64);
            number.map_or_else(|| Value::from(text), Value::from)
        }
        Plain::Text(text) => text.into(),
        Plain::Bytes(digits) => json!({ "hex": digits.to_ascii_lowercase() }),
    }
}
