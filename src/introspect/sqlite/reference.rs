//! Foreign keys between the tables of the catalog.
//!
//! What SQLite itself calls a "foreign key mismatch" is none: a parent that does not exist or
//! is no table, a parent column that does not exist, parent columns without a unique index in
//! their own collation. With foreign keys on, SQLite fails every deletion from such a parent; off,
//! there is nothing that the reference could mean beyond doubt, and rows that stay are the lesser
//! evil. Those whose parent is a table are told apart ([`mismatches`]).

use super::table::{Described, Index, ROWID, collation_of};
use super::{folded, groups};
use crate::catalog::{Column, Comparison, Declaration, Mismatch, OnDelete, Reference, TableId};
use crate::database::Row;
use std::collections::HashMap;

/// From all rows of `references.sql`, ordered by table and then as declared.
pub fn references(tables: &[Described], rows: &[Row]) -> Vec<Reference> {
    let positions = positions(tables);
    let of_table = |rows| {
        let reference = |(place, rows)| reference(tables, &positions, place, rows);
        by_constraint(rows).enumerate().filter_map(reference).collect::<Vec<_>>()
    };
    groups(rows).flat_map(of_table).collect()
}

/// The foreign keys between tables that are no references, of the same rows.
pub fn mismatches(tables: &[Described], rows: &[Row]) -> Vec<Mismatch> {
    let positions = positions(tables);
    let mismatch = |rows: &[Row]| {
        let child = *positions.get(&folded(rows[0].text(0)))?;
        let parent = *positions.get(&folded(rows[0].text(2)))?;
        parent_columns(&tables[parent.0], rows).is_none().then(|| Mismatch {
            child,
            columns: rows.iter().map(|row| row.text(3).to_owned()).collect(),
            parent,
            parent_columns: rows
                .iter()
                .filter_map(|row| row.optional(4))
                .map(str::to_owned)
                .collect(),
        })
    };
    groups(rows).flat_map(by_constraint).filter_map(mismatch).collect()
}

/// The tables of which a foreign key is no reference, of the same rows.
pub fn unsound(tables: &[Described], rows: &[Row]) -> Vec<TableId> {
    let positions = positions(tables);
    let leads_nowhere = |rows: &[Row]| {
        let parent = positions.get(&folded(rows[0].text(2)));
        parent.is_none_or(|parent| parent_columns(&tables[parent.0], rows).is_none())
    };
    let of_table = |rows: &&[Row]| by_constraint(rows).any(leads_nowhere);
    groups(rows)
        .filter(of_table)
        .filter_map(|rows| positions.get(&folded(rows[0].text(0))))
        .copied()
        .collect()
}

fn positions(tables: &[Described]) -> HashMap<String, TableId> {
    let position = |(place, it): (usize, &Described)| (folded(&it.table.name.name), TableId(place));
    tables.iter().enumerate().map(position).collect()
}

fn by_constraint(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    rows.chunk_by(|a, b| a.text(1) == b.text(1))
}

/// The `place`-th foreign key of its table, one row a column.
fn reference(
    tables: &[Described],
    positions: &HashMap<String, TableId>,
    place: usize,
    rows: &[Row],
) -> Option<Reference> {
    let child = *positions.get(&folded(rows[0].text(0)))?;
    let parent = *positions.get(&folded(rows[0].text(2)))?;
    let (from, to) = (&tables[child.0], &tables[parent.0]);
    let keyed = parent_columns(to, rows)?;
    let columns: Vec<String> = rows.iter().map(|row| row.text(3).to_owned()).collect();
    let on_delete = on_delete(rows[0].text(5));
    let writes = on_delete.unlinks();
    let declared = from.references.get(place);
    let deferred = declared.is_some_and(|declared| declared.deferred);
    Some(Reference {
        name: declared.and_then(|declared| declared.name.clone()),
        child,
        parent,
        parent_columns: keyed.iter().map(|column| column.name.clone()).collect(),
        on_delete,
        set_columns: if writes { columns.clone() } else { Vec::new() },
        // SQLite reads MATCH and does as if it were SIMPLE.
        match_full: false,
        deferrable: deferred,
        initially_deferred: deferred,
        validated: true,
        enforced: true,
        not_enforced: false,
        index: index(from, &columns, &keyed),
        comparisons: columns.iter().zip(&keyed).map(|it| comparison(from, it)).collect(),
        partition: None,
        declaration: Declaration::default(),
        columns,
    })
}

/// The key's affinity is applied to the child's value (<https://sqlite.org/foreignkeys.html>, 3): where the
/// child's own is another, a value may be equal without being the same.
fn comparison(child: &Described, (name, key): (&String, &&Column)) -> Comparison {
    let column = child.table.columns.iter().find(|column| column.name == *name);
    let plain = column.is_some_and(|column| column.affinity == key.affinity);
    Comparison { plain, ..Comparison::default() }
}

/// The parent's columns, if they are a key of it: those that are named or its primary key.
fn parent_columns<'a>(parent: &'a Described, rows: &[Row]) -> Option<Vec<&'a Column>> {
    let table = &parent.table;
    let find = |name: &str| table.columns.iter().find(|it| it.name.eq_ignore_ascii_case(name));
    let named = rows.iter().map(|row| row.optional(4)).collect::<Option<Vec<_>>>();
    let columns: Vec<&Column> = match named {
        Some(names) => names.into_iter().map(find).collect::<Option<_>>()?,
        None => table.primary_key()?.columns.iter().filter_map(|name| find(name)).collect(),
    };
    let is_key = table.keys.iter().any(|key| {
        key.columns.len() == columns.len()
            && columns.iter().all(|column| key.columns.contains(&column.name))
    });
    (is_key && columns.len() == rows.len()).then_some(columns)
}

fn on_delete(words: &str) -> OnDelete {
    match words {
        "CASCADE" => OnDelete::Cascade,
        "SET NULL" => OnDelete::SetNull,
        "SET DEFAULT" => OnDelete::SetDefault,
        "RESTRICT" => OnDelete::Restrict,
        _ => OnDelete::NoAction,
    }
}

/// The narrowest index that begins with the columns, in any order. Foreign keys compare in the
/// parent's collation, so an index in another one does not find the rows.
fn index(child: &Described, columns: &[String], keyed: &[&Column]) -> Option<String> {
    if let [column] = columns
        && child.table.is_rowid(column)
    {
        return Some(ROWID.to_owned());
    }
    let finds = |index: &&Index| {
        let leading = &index.parts[..columns.len().min(index.parts.len())];
        !index.partial
            && columns.iter().zip(keyed).all(|(column, key)| {
                let collation = collation_of(key);
                leading.iter().any(|(name, collated)| {
                    name.as_ref() == Some(column) && collated.eq_ignore_ascii_case(collation)
                })
            })
    };
    let narrowest = child.indexes.iter().filter(finds).min_by_key(|index| index.parts.len())?;
    Some(narrowest.name.clone())
}
