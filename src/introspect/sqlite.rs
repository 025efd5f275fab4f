//! Loads a [`Catalog`] from SQLite's pragma functions and the text of its schema, in six queries.
//! Rows are grouped here: SQLite would join its pragma functions in quadratic time.
//!
//! Only the `main` database counts, and of it the ordinary tables: no views, virtual tables, or
//! shadow tables of these. Names are compared as SQLite does, in any (ASCII) case, and given as
//! the tables and columns themselves spell them.

mod ddl;
mod reference;
mod table;

use self::table::Described;
use crate::catalog::{Catalog, Fires, Trigger};
use crate::database::{self, Database, Row};
use crate::engine::Statement;
use std::collections::HashMap;

const FINGERPRINT: &str = "PRAGMA main.schema_version";
const SCHEMA: &str = include_str!("sqlite/schema.sql");
const COLUMNS: &str = include_str!("sqlite/columns.sql");
const INDEXES: &str = include_str!("sqlite/indexes.sql");
const REFERENCES: &str = include_str!("sqlite/references.sql");
const STATISTICS: &str = include_str!("sqlite/statistics.sql");

/// The answers to the queries above.
struct Answers {
    fingerprint: String,
    schema: Vec<Row>,
    columns: Vec<Row>,
    indexes: Vec<Row>,
    references: Vec<Row>,
    statistics: Vec<Row>,
}

/// See [`super::load`].
pub fn load(database: &mut Database) -> database::Result<Catalog> {
    let fingerprint = fingerprint(database)?;
    let mut answer = |sql: &str| database.query(&Statement::from(sql));
    let schema = answer(SCHEMA)?;
    let analyzed = schema.iter().any(|row| row.text(1) == "sqlite_stat1");
    let answers = Answers {
        columns: answer(COLUMNS)?,
        indexes: answer(INDEXES)?,
        references: answer(REFERENCES)?,
        statistics: if analyzed { answer(STATISTICS)? } else { Vec::new() },
        fingerprint,
        schema,
    };
    Ok(catalog(answers))
}

/// SQLite counts every change of the schema, whoever makes it.
pub fn fingerprint(database: &mut Database) -> database::Result<String> {
    Ok(database.query_one(&Statement::from(FINGERPRINT))?.text(0).to_owned())
}

fn catalog(answers: Answers) -> Catalog {
    let texts = texts_of(&answers.schema, "table");
    let index_texts = texts_of(&answers.schema, "index");
    let indexes = by_table(&answers.indexes);
    let mut triggers = triggers_by_table(&answers.schema);
    let estimates = by_table(&answers.statistics);
    let described = |columns: &[Row]| {
        let name = columns[0].text(0);
        let indexes = indexes.get(name).copied().unwrap_or_default();
        let text = texts.get(name).copied().unwrap_or_default();
        let mut described = Described::new(columns, indexes, ddl::declared(text), &index_texts);
        described.table.triggers = triggers.remove(&folded(name)).unwrap_or_default();
        described.table.estimated_rows = estimates.get(name).and_then(|rows| rows[0].count(1).ok());
        described
    };
    let described: Vec<Described> = groups(&answers.columns).map(described).collect();
    Catalog {
        references: reference::references(&described, &answers.references),
        mismatches: reference::mismatches(&described, &answers.references),
        unsound: reference::unsound(&described, &answers.references),
        tables: described.into_iter().map(|described| described.table).collect(),
        default_schema: Some("main".into()),
        fingerprint: answers.fingerprint,
        ..Catalog::default()
    }
}

/// Rows that share their first value, a table's name; they come ordered by it.
fn groups(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    rows.chunk_by(|a, b| a.text(0) == b.text(0))
}

fn by_table(rows: &[Row]) -> HashMap<&str, &[Row]> {
    groups(rows).map(|rows| (rows[0].text(0), rows)).collect()
}

/// The statements that made what is of this type, by name.
fn texts_of<'r>(schema: &'r [Row], kind: &str) -> HashMap<&'r str, &'r str> {
    let made = schema.iter().filter(|row| row.text(0) == kind);
    made.map(|row| (row.text(1), row.text(3))).collect()
}

/// A trigger names its table as its author wrote it.
fn triggers_by_table(schema: &[Row]) -> HashMap<String, Vec<Trigger>> {
    let mut triggers: HashMap<String, Vec<Trigger>> = HashMap::new();
    for row in schema.iter().filter(|row| row.text(0) == "trigger") {
        let [on_insert, on_delete, on_update] = ddl::trigger_events(row.text(3));
        let update_of = ddl::update_of(row.text(3));
        let (name, fires) = (row.text(1).to_owned(), Fires::Origin);
        let trigger = Trigger {
            name,
            on_insert,
            on_delete,
            on_update,
            update_of,
            rule: false,
            fires,
            unseen: false,
        };
        triggers.entry(folded(row.text(2))).or_default().push(trigger);
    }
    triggers
}

/// A name as SQLite compares it.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
