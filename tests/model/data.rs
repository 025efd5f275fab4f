//! Random rows that keep every constraint of their schema.

use super::schema::{Data, Kind, Reference, Row, Schema, Table, Value};
use fastrand::Rng;
use std::collections::HashSet;

/// The `n`th key of a table, so that defaults can name rows before there are any.
pub fn key_value(kind: Kind, table: usize, n: usize) -> String {
    match kind {
        Kind::Uuid => format!("00000000-0000-4000-8000-{:012}", table * 100 + n),
        Kind::Text | Kind::NoCase | Kind::Padded => format!("k{table}-{n}"),
        Kind::Untyped if n.is_multiple_of(2) => (n / 2).to_string(),
        Kind::Untyped => format!("'{}'", n / 2),
        Kind::Integer | Kind::Bigint | Kind::Numeric => (n + 1).to_string(),
    }
}

/// Rows for every table; `crossing` is how often a reference leaves its row's organization.
pub fn fill(schema: &Schema, crossing: f64, rng: &mut Rng) -> Data {
    let mut filler = Filler::new(schema, crossing, rng);
    filler.keys();
    // A referenced key may itself be filled by a reference, so the second pass finds more.
    for _ in 0..2 {
        for reference in &schema.references {
            filler.reference(reference);
        }
    }
    filler.finish()
}

struct Filler<'a> {
    schema: &'a Schema,
    crossing: f64,
    rng: &'a mut Rng,
    data: Data,
    /// Which values are settled; a settled null is a null.
    settled: Vec<Vec<Vec<bool>>>,
    /// The organization that a row is meant for, by its position; none for global rows.
    tags: Vec<Vec<Option<usize>>>,
}

impl<'a> Filler<'a> {
    fn new(schema: &'a Schema, crossing: f64, rng: &'a mut Rng) -> Filler<'a> {
        let organizations = rng.usize(2..=4);
        let mut tags = vec![(0..organizations).map(Some).collect::<Vec<_>>()];
        let busy = rng.usize(3..=14);
        for _ in 1..schema.tables.len() {
            let count = rng.usize(busy / 4..=busy);
            let tag = |_| (rng.u32(..14) > 0).then(|| rng.usize(..organizations));
            tags.push((0..count).map(tag).collect());
        }
        let shape = |table: usize, tags: &Vec<_>| {
            vec![vec![false; schema.tables[table].columns.len()]; tags.len()]
        };
        let settled: Vec<Vec<Vec<bool>>> =
            tags.iter().enumerate().map(|(table, tags)| shape(table, tags)).collect();
        let data = settled
            .iter()
            .map(|rows| rows.iter().map(|row| vec![None; row.len()]).collect())
            .collect();
        Filler { schema, crossing, rng, data, settled, tags }
    }

    fn set(&mut self, table: usize, row: usize, column: usize, value: Value) {
        self.data[table][row][column] = value;
        self.settled[table][row][column] = true;
    }

    /// Everything that no reference fills: keys, names, labels.
    fn keys(&mut self) {
        let schema = self.schema;
        for (number, table) in schema.tables.iter().enumerate() {
            for column in 0..table.columns.len() {
                let filled = schema.references.iter().any(|reference| {
                    reference.child == number && reference.columns.contains(&column)
                });
                if !filled {
                    for row in 0..self.data[number].len() {
                        let value = self.own_value(number, table, column, row);
                        self.set(number, row, column, value);
                    }
                }
            }
        }
        // A namesake: all duplicates of a name are taken.
        if self.rng.u32(..10) == 0 {
            self.data[0][1][1] = self.data[0][0][1].clone();
        }
    }

    fn own_value(&mut self, number: usize, table: &Table, column: usize, row: usize) -> Value {
        let definition = &table.columns[column];
        let in_key = table.keys.iter().any(|key| key.columns.contains(&column));
        match definition.name.as_str() {
            "name" => Some(format!("Org {row}")),
            "Label" => {
                let times = if self.schema.large { 700 } else { 1 };
                Some(format!("{} {row}", table.name).repeat(times))
            }
            _ if !in_key => None,
            _ if !definition.not_null && self.rng.u32(..5) == 0 => None,
            _ => Some(key_value(definition.kind, number, row)),
        }
    }

    fn reference(&mut self, reference: &Reference) {
        for row in 0..self.data[reference.child].len() {
            let open: Vec<usize> = (reference.columns.iter().copied())
                .filter(|c| !self.settled[reference.child][row][*c])
                .collect();
            if !open.is_empty() {
                self.point(reference, row, &open);
            }
        }
    }

    /// Fills the open columns of a row with the key of some parent, or with nulls.
    fn point(&mut self, reference: &Reference, row: usize, open: &[usize]) {
        let child = reference.child;
        let table = &self.schema.tables[child];
        let nullable: Vec<usize> =
            open.iter().copied().filter(|c| !table.columns[*c].not_null).collect();
        if !nullable.is_empty() && self.rng.u32(..8) == 0 {
            for column in nullable {
                self.set(child, row, column, None);
            }
        }
        let Some(parent) = self.choose_parent(reference, row) else {
            return;
        };
        for (column, parent_column) in reference.columns.iter().zip(&reference.parent_columns) {
            if !self.settled[child][row][*column] {
                let mut value = self.data[reference.parent][parent][*parent_column].clone();
                let kind = self.schema.tables[reference.parent].columns[*parent_column].kind;
                if self.rng.bool() {
                    let (own, dialect) = (table.columns[*column].kind, self.schema.dialect);
                    value = value.map(|value| kind.respelled(own, dialect, &value));
                }
                self.set(child, row, *column, value);
            }
        }
    }

    /// A parent whose key goes with what is settled: the row's own organization's, but for a few.
    fn choose_parent(&mut self, reference: &Reference, row: usize) -> Option<usize> {
        let tag = self.tags[reference.child][row];
        let fits: Vec<usize> = (0..self.data[reference.parent].len())
            .filter(|parent| self.fits(reference, row, *parent))
            .collect();
        let crossing = self.rng.f64() < self.crossing;
        let global = self.rng.u32(..12) == 0;
        let near = |parent: &usize| {
            let theirs = self.tags[reference.parent][*parent];
            crossing || theirs == tag || (theirs.is_none() && global)
        };
        let near: Vec<usize> = fits.into_iter().filter(near).collect();
        (!near.is_empty()).then(|| near[self.rng.usize(..near.len())])
    }

    fn fits(&self, reference: &Reference, row: usize, parent: usize) -> bool {
        let columns = reference.columns.iter().zip(&reference.parent_columns);
        columns.into_iter().all(|(column, parent_column)| {
            let theirs = &self.data[reference.parent][parent][*parent_column];
            let ours = &self.data[reference.child][row][*column];
            let kind = self.schema.tables[reference.parent].columns[*parent_column].kind;
            let settled = self.settled[reference.child][row][*column];
            theirs.is_some()
                && (!settled || ours.is_none() || canonical(kind, ours) == canonical(kind, theirs))
        })
    }

    /// Takes out rows that break a constraint, until none does.
    fn finish(self) -> Data {
        let mut data = self.data;
        while let Some((table, row)) = first_violation(self.schema, &data) {
            data[table].remove(row);
        }
        data
    }
}

pub fn canonical(kind: Kind, value: &Value) -> Value {
    value.as_ref().map(|value| kind.canonical(value))
}

/// A row that the engine would not have accepted.
pub fn first_violation(schema: &Schema, data: &Data) -> Option<(usize, usize)> {
    for (number, table) in schema.tables.iter().enumerate() {
        if let Some(row) = own_violation(table, &data[number]) {
            return Some((number, row));
        }
    }
    schema.references.iter().find_map(|reference| {
        let row =
            (0..data[reference.child].len()).find(|row| dangles(schema, data, reference, *row));
        Some((reference.child, row?))
    })
}

/// A row that breaks NOT NULL, a key or a CHECK of its own table.
fn own_violation(table: &Table, rows: &[Row]) -> Option<usize> {
    let mut seen: Vec<HashSet<Vec<String>>> = vec![HashSet::new(); table.keys.len()];
    rows.iter().position(|row| {
        breaks_not_null(table, row)
            || breaks_check(table, row)
            || (table.keys.iter().zip(&mut seen)).any(|(key, seen)| {
                key_of(table, &key.columns, row).is_some_and(|key| !seen.insert(key))
            })
    })
}

pub fn breaks_not_null(table: &Table, row: &Row) -> bool {
    table.columns.iter().zip(row).any(|(column, value)| column.not_null && value.is_none())
}

pub fn breaks_check(table: &Table, row: &Row) -> bool {
    table.checks.iter().any(|check| check.iter().all(|column| row[*column].is_none()))
}

/// The values of `columns` as keys compare them, where none is null.
pub fn key_of(table: &Table, columns: &[usize], row: &Row) -> Option<Vec<String>> {
    columns.iter().map(|c| canonical(table.columns[*c].kind, &row[*c])).collect()
}

/// The row names a parent that is not there, or a MATCH FULL key by half.
fn dangles(schema: &Schema, data: &Data, reference: &Reference, row: usize) -> bool {
    let child = &data[reference.child][row];
    if breaks_match_full(reference, child) {
        return true;
    }
    let named = reference.columns.iter().all(|c| child[*c].is_some());
    named && parent_of(schema, data, reference, child).is_none()
}

pub fn breaks_match_full(reference: &Reference, child: &Row) -> bool {
    let nulls = reference.columns.iter().filter(|c| child[**c].is_none()).count();
    reference.match_full && nulls > 0 && nulls < reference.columns.len()
}

/// The parent row that `child` names.
pub fn parent_of(
    schema: &Schema,
    data: &Data,
    reference: &Reference,
    child: &Row,
) -> Option<usize> {
    let parent = &schema.tables[reference.parent];
    let kinds = reference.parent_columns.iter().map(|c| parent.columns[*c].kind);
    let wanted: Vec<String> = (reference.columns.iter().zip(kinds))
        .map(|(column, kind)| canonical(kind, &child[*column]))
        .collect::<Option<_>>()?;
    let key = |row: &Row| key_of(parent, &reference.parent_columns, row);
    data[reference.parent].iter().position(|row| key(row).as_ref() == Some(&wanted))
}
