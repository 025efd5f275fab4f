//! `keep = { where, erase, references }`: rows that stay on purpose, against the live catalog.

use super::file::Kept;
use super::names::column_named;
use super::{Fault, Policy};
use crate::catalog::{Catalog, Reference, TableId};
use crate::plan::{Erased, Keeping, Severed};
use toml::Spanned;

pub(super) fn keeping(
    policy: &Policy,
    catalog: &Catalog,
    id: TableId,
    kept: &Kept,
) -> Result<Keeping, Vec<Fault>> {
    let mut faults = Vec::new();
    let rows = policy.expression(id, &kept.condition);
    let references = kept.references.as_ref().map(|said| severed(policy, said)).transpose();
    let mut erased: Vec<Erased> = Vec::new();
    for (column, sql) in &kept.erase {
        match self::erased(policy, catalog, id, column, sql) {
            Ok(one) if erased.iter().any(|other| other.column == one.column) => {
                let message = format!("{}.{} is erased twice", catalog.table(id).name, one.column);
                faults.push(policy.fault(&column.span(), message));
            }
            Ok(one) => erased.push(one),
            Err(fault) => faults.push(fault),
        }
    }
    match (rows, references) {
        (Ok(rows), Ok(references)) if faults.is_empty() => Ok(Keeping { rows, references, erased }),
        (rows, references) => {
            faults.extend(rows.err().into_iter().chain(references.err()));
            Err(faults)
        }
    }
}

/// A column that says neither which row it is nor what it names.
fn erased(
    policy: &Policy,
    catalog: &Catalog,
    id: TableId,
    column: &Spanned<String>,
    sql: &Spanned<String>,
) -> Result<Erased, Fault> {
    let name = column_named(policy, catalog, id, column.as_ref(), &column.span())?;
    let table = catalog.table(id);
    let is_in = |columns: &[String]| columns.contains(&name);
    let names_by_it = |it: &Reference| it.naming_columns().any(|column| *column == name);
    let named_by =
        catalog.references.iter().find(|it| it.parent == id && is_in(&it.parent_columns));
    let mut keys = [table.primary_key(), table.identifying_key()].into_iter().flatten();
    let why = if table.primary_key().or(table.identifying_key()).is_none() {
        "is of a table without a key, so that nothing tells the row from others afterwards".into()
    } else if keys.any(|key| is_in(&key.columns)) {
        "is part of its key, which tells the row from others".into()
    } else if let Some(it) = named_by {
        format!("is what {} names its rows by", catalog.table(it.child).name)
    } else if catalog.references.iter().any(|it| it.child == id && names_by_it(it)) {
        "names another row: references = \"null\" says what becomes of that".into()
    } else if table.column(&name).is_some_and(|column| column.generated) {
        "is computed from others".into()
    } else {
        return Ok(Erased { column: name, value: policy.expression(id, sql)? });
    };
    let message = format!("{}.{name} cannot be erased: it {why}", table.name);
    Err(policy.fault(&column.span(), message))
}

/// `null`, or `ghost:KEY`.
fn severed(policy: &Policy, said: &Spanned<String>) -> Result<Severed, Fault> {
    match said.as_ref().split_once(':') {
        None if said.as_ref() == "null" => Ok(Severed::Null),
        Some(("ghost", key)) if !key.trim().is_empty() => Ok(Severed::Ghost(key.to_owned())),
        _ => {
            let message = format!("references = {:?} means nothing", said.as_ref());
            let hint = "\"null\", or \"ghost:KEY\" with the key of a row that stays";
            Err(policy.fault(&said.span(), message).hint(hint))
        }
    }
}
