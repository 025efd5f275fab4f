//! Loads a [`Catalog`] from PostgreSQL's system catalogs (12 to 18).
//!
//! The questions answer in the catalog's own shape, as JSON, one object a row; so an object's fields
//! are those of [`Table`], [`Column`], [`Reference`] and so on. The SQL says how it reads columns of the system
//! catalogs that older versions lack.
//!
//! There are many small questions, and what few schemas have is asked only where there is any: planning costs more than
//! reading (one question for all of a table took five times as long, 25 ms of a new session's 31 for three tables).
//! information_schema is not used: it takes 14.6 s where pg_catalog takes 7 ms (1,000 tables).

use crate::catalog::{
    Catalog, Check, Column, Exclusion, Key, KeyComparison, Reference, Table, TableId, Trigger,
    Unidentified,
};
use crate::database::{self, Database, Error, Fault};
use crate::engine::Statement;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// A question about the tables of [`Tables`], with what it begins with.
macro_rules! about_tables {
    ($($file:literal),+) => {
        concat!(include_str!("postgres/of.sql"), $(include_str!(concat!("postgres/", $file))),+)
    };
}

const FINGERPRINT: &str = include_str!("postgres/fingerprint.sql");
const PRESENT: &str = include_str!("postgres/present.sql");
const TABLES: &str =
    concat!(include_str!("postgres/visible.sql"), include_str!("postgres/tables.sql"));
const REFERENCES: &str =
    concat!(include_str!("postgres/visible.sql"), include_str!("postgres/references.sql"));
const COLUMNS: &str = about_tables!("columns.sql");
const TYPES: &str = about_tables!("domain.sql", "types.sql");
const KEYS: &str = about_tables!("keys.sql");
const COMPARISONS: &str = about_tables!("domain.sql", "comparisons.sql");
const EXCLUSIONS: &str = about_tables!("partition.sql", "exclusions.sql");
const CHECKS: &str = about_tables!("domain.sql", "partition.sql", "checks.sql");
const TRIGGERS: &str = about_tables!("partition.sql", "triggers.sql");
const PARTITIONS: &str = about_tables!("partition.sql", "partitions.sql");
const PUBLICATIONS: &str = about_tables!("publications.sql");

/// What there is any of, as present.sql tells.
#[derive(Deserialize)]
struct Present {
    operator_classes: bool,
    exclusions: bool,
    checks: bool,
    triggers: bool,
    partitions: bool,
    publications: bool,
}

/// What belongs to an object of this oid.
#[derive(Deserialize)]
struct Of<T> {
    of: usize,
    it: T,
}

#[derive(Deserialize)]
struct TypedColumn {
    #[serde(rename = "type")]
    of_type: usize,
    /// Not one of pg_catalog's.
    foreign_type: bool,
    column: Column,
}

/// What is to be known of types that are not PostgreSQL's own.
#[derive(Deserialize)]
struct Type {
    domain_over: Option<String>,
    not_null: bool,
    equality: Option<String>,
}

#[derive(Deserialize)]
struct IndexedKey {
    index: usize,
    key: Key,
}

#[derive(Deserialize)]
struct Partitioning {
    columns: Vec<String>,
    rows: Option<u64>,
}

/// The queries are planned as they are written, for the rest of this transaction. Of 1,000 tables the planner expects so
/// much that it would compile the query: 0.4 s where 0.13 is enough. And half of the time that a small catalog takes is
/// the search for a better order of its joins.
const AS_WRITTEN: &str =
    "SET LOCAL jit = off; SET LOCAL join_collapse_limit = 1; SET LOCAL from_collapse_limit = 1";

/// See [`super::load`].
pub fn load(database: &mut Database) -> database::Result<Catalog> {
    database.run(AS_WRITTEN)?;
    let fingerprint = fingerprint(database)?;
    let present: Present = parsed(database.query_one(&Statement::from(PRESENT))?.text(0))?;
    let mut tables = Tables::load(database)?;
    let foreign_types = add_columns(database, &mut tables, present.operator_classes)?;
    add_keys(database, &mut tables, foreign_types)?;
    if present.exclusions || present.partitions {
        tables.ask(database, EXCLUSIONS, |table, it: Exclusion| table.exclusions.push(it))?;
    }
    if present.checks || present.partitions || foreign_types {
        tables.ask(database, CHECKS, |table, it: Check| table.checks.push(it))?;
    }
    if present.triggers {
        tables.ask(database, TRIGGERS, |table, it: Trigger| table.triggers.push(it))?;
    }
    if present.partitions {
        tables.ask(database, PARTITIONS, |table, it: Partitioning| {
            (table.partitioned_by, table.estimated_rows) = (it.columns, it.rows);
        })?;
    }
    if present.publications {
        tables.ask(database, PUBLICATIONS, |table, it: Unidentified| table.unidentified = it)?;
    }
    let references = references(database, &tables.positions)?;
    Ok(Catalog { tables: tables.list, references, fingerprint, ..Catalog::default() })
}

/// A hash over everything that the catalog is made of, indexes and statistics excepted.
pub fn fingerprint(database: &mut Database) -> database::Result<String> {
    Ok(database.query_one(&Statement::from(FINGERPRINT))?.text(0).to_owned())
}

/// The tables, and where each of them, known by its oid, stands among them.
struct Tables {
    list: Vec<Table>,
    positions: HashMap<usize, TableId>,
}

impl Tables {
    fn load(database: &mut Database) -> database::Result<Tables> {
        let mut tables = Tables { list: Vec::new(), positions: HashMap::new() };
        for Of { of, it } in answers(database, &Statement::from(TABLES))? {
            tables.positions.insert(of, TableId(tables.list.len()));
            tables.list.push(it);
        }
        Ok(tables)
    }

    /// Each answer to a question about them, with what it is of.
    fn about<T: DeserializeOwned>(
        &self,
        database: &mut Database,
        question: &str,
    ) -> database::Result<Vec<Of<T>>> {
        let oids: Vec<String> = self.positions.keys().map(usize::to_string).collect();
        let (start, rest) = question.split_once("/*oids*/").expect("of.sql says where they belong");
        let mut statement = Statement::from(start);
        statement.bind(&format!("{{{}}}", oids.join(","))).push(rest);
        answers(database, &statement)
    }

    /// Gives each table what is said of it.
    fn ask<T: DeserializeOwned>(
        &mut self,
        database: &mut Database,
        question: &str,
        mut add: impl FnMut(&mut Table, T),
    ) -> database::Result<()> {
        for Of { of, it } in self.about(database, question)? {
            if let Some(position) = self.positions.get(&of) {
                add(&mut self.list[position.0], it);
            }
        }
        Ok(())
    }
}

/// Whether any type or operator is not PostgreSQL's own.
fn add_columns(
    database: &mut Database,
    tables: &mut Tables,
    foreign_operators: bool,
) -> database::Result<bool> {
    let columns: Vec<Of<TypedColumn>> = tables.about(database, COLUMNS)?;
    let foreign = foreign_operators || columns.iter().any(|column| column.it.foreign_type);
    let types = if foreign { tables.about(database, TYPES)? } else { Vec::new() };
    let types: HashMap<usize, Type> = types.into_iter().map(|Of { of, it }| (of, it)).collect();
    for Of { of, it: TypedColumn { of_type, mut column, .. } } in columns {
        if let Some(known) = types.get(&of_type) {
            column.domain_over.clone_from(&known.domain_over);
            column.equality.clone_from(&known.equality);
            column.nullable &= !known.not_null;
        }
        tables.list[tables.positions[&of].0].columns.push(column);
    }
    Ok(foreign)
}

fn add_keys(database: &mut Database, tables: &mut Tables, foreign: bool) -> database::Result<()> {
    let compared = if foreign { tables.about(database, COMPARISONS)? } else { Vec::new() };
    let mut compared: HashMap<usize, Vec<KeyComparison>> =
        compared.into_iter().map(|Of { of, it }| (of, it)).collect();
    tables.ask(database, KEYS, |table, IndexedKey { index, mut key }| {
        key.comparisons = compared.remove(&index).unwrap_or_default();
        table.keys.push(key);
    })
}

/// References between tables of the catalog. One whose parent is an extension's table is left out:
/// such a parent is never deleted from.
fn references(
    database: &mut Database,
    positions: &HashMap<usize, TableId>,
) -> database::Result<Vec<Reference>> {
    let found: Vec<Reference> = answers(database, &Statement::from(REFERENCES))?;
    Ok(found.into_iter().filter_map(|reference| placed(reference, positions)).collect())
}

/// The query puts the tables' oids where their positions belong.
fn placed(reference: Reference, positions: &HashMap<usize, TableId>) -> Option<Reference> {
    let child = *positions.get(&reference.child.0)?;
    let parent = *positions.get(&reference.parent.0)?;
    Some(Reference { child, parent, ..reference })
}

fn answers<T: DeserializeOwned>(
    database: &mut Database,
    question: &Statement,
) -> database::Result<Vec<T>> {
    database.query(question)?.iter().map(|row| parsed(row.text(0))).collect()
}

fn parsed<T: DeserializeOwned>(json: &str) -> database::Result<T> {
    serde_json::from_str(json).map_err(|error| Error {
        fault: Fault::Other,
        message: format!("PostgreSQL's catalog is not what orgsweep expects: {error} in {json}"),
    })
}
