//! What schemas in the field have besides: each rare, so that most cases have one or two of them.

use super::schema::{Kind, Schema, Trigger};
use crate::support::postgres_version;
use fastrand::Rng;
use orgsweep::engine::Dialect;

/// Names that want quotes, or look like others.
const NAMES: [&str; 10] = [
    "say \"hi\"",
    "it's",
    "a.b",
    "semi;colon",
    "-- dash",
    "naïve",
    "\u{ff55}sers",
    "100%",
    "select",
    "line\u{301}",
];

pub fn add(schema: &mut Schema, rng: &mut Rng) {
    let edges: &[fn(&mut Schema, &mut Rng)] = match schema.dialect {
        Dialect::Sqlite => &[
            other_kinds,
            other_names,
            triggers,
            large_values,
            descending_keys,
            shadowed_rowids,
            wal,
        ],
        Dialect::Postgres => {
            &[other_kinds, other_names, triggers, large_values, names_in_two_cases, shadowed_tables]
        }
        Dialect::Mysql(_) => &[other_kinds, other_names, triggers],
    };
    for edge in edges {
        if rng.u32(..8) == 0 {
            edge(schema, rng);
        }
    }
}

/// Text keys of which different spellings are one value, and what refers to them by either type.
fn other_kinds(schema: &mut Schema, rng: &mut Rng) {
    for table in 1..schema.tables.len() {
        for column in 0..schema.tables[table].columns.len() {
            let referring = schema.columns_referring_to(table, column);
            // InnoDB wants the very collation all along.
            let chained = |(child, own): &(usize, usize)| {
                !schema.columns_referring_to(*child, *own).is_empty()
            };
            let of_text = schema.tables[table].columns[column].kind == Kind::Text
                && !schema.refers(table, column)
                && !referring.iter().any(chained);
            if !of_text || referring.is_empty() {
                continue;
            }
            let kind = kinds(schema.dialect)[rng.usize(..3)];
            schema.retype(table, column, kind);
            for (child, own) in referring {
                let same = schema.dialect.is_mysql()
                    || kind == Kind::Untyped
                    || (kind == Kind::NoCase && one_collation())
                    || rng.bool();
                schema.retype(child, own, if same { kind } else { Kind::Text });
            }
        }
    }
}

/// PostgreSQL 18 has key and reference of one collation, where one of them takes different texts for equal.
pub fn one_collation() -> bool {
    postgres_version() >= 180_000
}

fn kinds(dialect: Dialect) -> [Kind; 3] {
    match dialect {
        Dialect::Sqlite => [Kind::Padded, Kind::NoCase, Kind::Untyped],
        Dialect::Postgres | Dialect::Mysql(_) => [Kind::Padded, Kind::Padded, Kind::NoCase],
    }
}

fn other_names(schema: &mut Schema, rng: &mut Rng) {
    for (table, name) in schema.tables.iter_mut().skip(1).zip(NAMES) {
        if rng.bool() {
            table.name = name.to_owned();
        }
    }
}

/// Two tables that only PostgreSQL tells apart.
fn names_in_two_cases(schema: &mut Schema, _: &mut Rng) {
    let last = schema.tables.len() - 1;
    schema.tables[last].name = schema.tables[1].name.to_uppercase();
}

/// A table of the same name comes first in the search path.
fn shadowed_tables(schema: &mut Schema, rng: &mut Rng) {
    for table in schema.tables.iter_mut().skip(1) {
        if table.schema.is_none() && rng.bool() {
            table.schema = Some("public".to_owned());
        }
    }
}

/// Some that write down what goes, and some that do nothing.
fn triggers(schema: &mut Schema, rng: &mut Rng) {
    for table in 0..schema.tables.len() {
        if rng.bool() {
            let writes = rng.bool();
            schema.triggers.push(Trigger { table, writes });
        }
    }
}

/// Longer than a page.
fn large_values(schema: &mut Schema, _: &mut Rng) {
    schema.large = true;
}

/// `INTEGER PRIMARY KEY DESC` is not the rowid.
fn descending_keys(schema: &mut Schema, rng: &mut Rng) {
    for table in &mut schema.tables {
        table.descending = rng.bool();
    }
}

/// A column that is called as the rowid is.
fn shadowed_rowids(schema: &mut Schema, rng: &mut Rng) {
    for table in &mut schema.tables {
        let free = table.columns.iter_mut().filter(|column| !column.is_named_for_the_generator());
        let mut free: Vec<_> = free.collect();
        if !free.is_empty() {
            let column = rng.usize(..free.len());
            free[column].name = ["rowid", "oid", "_rowid_"][rng.usize(..3)].to_owned();
        }
    }
}

fn wal(schema: &mut Schema, _: &mut Rng) {
    schema.wal = true;
}
