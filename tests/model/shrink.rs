//! Makes a failing case small enough to read.

use super::data::first_violation;
use super::schema::{Case, Schema};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A smaller case that `fails` as well: without rows, references, tables and columns that do not
/// matter.
pub fn shrink(case: Case, fails: &mut dyn FnMut(&Case) -> bool) -> Case {
    let deadline = Instant::now() + PATIENCE;
    let mut smallest = case;
    loop {
        let Some(smaller) = smaller(&smallest, deadline, fails) else {
            return smallest;
        };
        smallest = smaller;
    }
}

fn smaller(case: &Case, deadline: Instant, fails: &mut dyn FnMut(&Case) -> bool) -> Option<Case> {
    let valid = |case: &Case| {
        let named = case.data[0].iter().any(|row| row[1].as_deref() == Some(&case.name));
        named && first_violation(&case.schema, &case.data).is_none()
    };
    let mut patient = |case: &Case| Instant::now() < deadline && fails(case);
    candidates(case).filter(valid).find(|case| patient(case))
}

/// The case with one thing less, big things first.
fn candidates(case: &Case) -> impl Iterator<Item = Case> + '_ {
    let tables = (1..case.schema.tables.len()).map(|table| without_table(case, table));
    let references = (0..case.schema.references.len()).map(|reference| {
        let mut case = case.clone();
        case.schema.references.remove(reference);
        case
    });
    let rows = positions(&case.data).map(|(table, row)| {
        let mut case = case.clone();
        case.data[table].remove(row);
        case
    });
    let keys = each(&case.schema, |table| table.keys.len()).filter_map(|(table, key)| {
        let mut case = case.clone();
        let key = case.schema.tables[table].keys.remove(key);
        case.schema.tables[table].without_rowid &= !key.primary;
        let used =
            |r: &super::schema::Reference| r.parent == table && r.parent_columns == key.columns;
        (table > 0 && !case.schema.references.iter().any(used)).then_some(case)
    });
    let checks = each(&case.schema, |table| table.checks.len()).map(|(table, check)| {
        let mut case = case.clone();
        case.schema.tables[table].checks.remove(check);
        case
    });
    let columns = each(&case.schema, |table| table.columns.len())
        .filter_map(|(table, column)| without_column(case, table, column));
    let plain = (0..case.schema.references.len()).filter_map(|reference| plainer(case, reference));
    let edges = without_edges(case);
    edges
        .into_iter()
        .chain(tables)
        .chain(references)
        .chain(rows)
        .chain(keys)
        .chain(checks)
        .chain(columns)
        .chain(plain)
}

/// The same without one of the edges.
fn without_edges(case: &Case) -> Vec<Case> {
    let without = |edge: fn(&mut Schema) -> bool| {
        let mut case = case.clone();
        edge(&mut case.schema).then_some(case)
    };
    let triggers = without(|schema| !std::mem::take(&mut schema.triggers).is_empty());
    let wal = without(|schema| std::mem::take(&mut schema.wal));
    let descending = without(|schema| {
        let tables = schema.tables.iter_mut();
        tables.map(|table| std::mem::take(&mut table.descending)).fold(false, |a, b| a | b)
    });
    [triggers, wal, descending].into_iter().flatten().collect()
}

fn positions<T>(tables: &[Vec<T>]) -> impl Iterator<Item = (usize, usize)> + '_ {
    tables.iter().enumerate().flat_map(|(table, rows)| (0..rows.len()).map(move |row| (table, row)))
}

fn each<'a>(
    schema: &'a Schema,
    count: impl Fn(&super::schema::Table) -> usize + 'a,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let tables = schema.tables.iter().enumerate();
    tables.flat_map(move |(number, table)| (0..count(table)).map(move |n| (number, n)))
}

fn without_table(case: &Case, table: usize) -> Case {
    let mut case = case.clone();
    case.schema.tables.remove(table);
    case.data.remove(table);
    case.schema.references.retain(|r| r.child != table && r.parent != table);
    case.schema.triggers.retain(|trigger| trigger.table != table);
    for trigger in &mut case.schema.triggers {
        trigger.table -= usize::from(trigger.table > table);
    }
    for reference in &mut case.schema.references {
        reference.child -= usize::from(reference.child > table);
        reference.parent -= usize::from(reference.parent > table);
    }
    case
}

/// `None` where something needs the column.
fn without_column(case: &Case, table: usize, column: usize) -> Option<Case> {
    let mut case = case.clone();
    let this = &mut case.schema.tables[table];
    let in_own = this.keys.iter().any(|key| key.columns.contains(&column))
        || this.checks.iter().any(|check| check.contains(&column));
    let in_reference = case.schema.references.iter().any(|r| {
        (r.child == table && r.columns.contains(&column))
            || (r.parent == table && r.parent_columns.contains(&column))
    });
    if in_own || in_reference || this.columns.len() == 1 || (table == 0 && column < 2) {
        return None;
    }
    this.columns.remove(column);
    let shift = |columns: &mut Vec<usize>| {
        columns.iter_mut().for_each(|other| *other -= usize::from(*other > column));
    };
    this.keys.iter_mut().for_each(|key| shift(&mut key.columns));
    this.checks.iter_mut().for_each(shift);
    for reference in &mut case.schema.references {
        if reference.child == table {
            shift(&mut reference.columns);
            shift(&mut reference.set_columns);
        }
        if reference.parent == table {
            shift(&mut reference.parent_columns);
        }
    }
    case.data[table].iter_mut().for_each(|row| {
        row.remove(column);
    });
    Some(case)
}

/// The same with an ordinary foreign key in place of a special one.
fn plainer(case: &Case, reference: usize) -> Option<Case> {
    let mut case = case.clone();
    let this = &mut case.schema.references[reference];
    let special = this.deferred || this.indexed || this.match_full;
    (this.deferred, this.indexed, this.match_full) = (false, false, false);
    special.then_some(case)
}
