//! One table out of what the queries and its CREATE TABLE say about it.

use super::ddl::{self, Declared, DeclaredIndex, DeclaredReference};
use crate::catalog::{
    Affinity, Check, Column, ExcludedPart, Exclusion, Key, Privileges, RowId, Table, TableKind,
    TableName, Unidentified,
};
use crate::database::Row;
use crate::engine::{quote, token};
use std::collections::HashMap;

/// A table and what its references need besides.
pub struct Described {
    pub table: Table,
    pub indexes: Vec<Index>,
    /// In the order of the text.
    pub references: Vec<DeclaredReference>,
}

pub struct Index {
    pub name: String,
    unique: bool,
    primary: bool,
    pub partial: bool,
    declared: DeclaredIndex,
    /// Column (none for an expression) and collation.
    pub parts: Vec<(Option<String>, String)>,
}

/// What an index on the rowid is called here: SQLite has no name for it.
pub const ROWID: &str = "(rowid)";

/// The names that SQLite knows it by, where no column has them.
const ROWID_NAMES: [&str; 3] = ["rowid", "_rowid_", "oid"];

impl Described {
    /// From the rows of `columns.sql` and `indexes.sql` about one table, its text and those of indexes.
    pub fn new(
        rows: &[Row],
        indexes: &[Row],
        declared: Declared,
        texts: &HashMap<&str, &str>,
    ) -> Described {
        let without_rowid = rows[0].flag(1);
        let indexes: Vec<Index> = indexes
            .chunk_by(|a, b| a.text(1) == b.text(1))
            .map(|rows| index(rows, texts))
            .collect();
        let rowid = (!without_rowid).then(|| rowid(rows, &indexes));
        let alias = rowid.as_ref().and_then(|rowid| rowid.alias.as_deref());
        let columns: Vec<Column> = rows.iter().map(|row| column(row, alias, &declared)).collect();
        let exclusions = exclusions(&indexes, &columns);
        let table = Table {
            name: TableName { schema: None, name: rows[0].text(0).to_owned(), found_in: None },
            kind: if without_rowid { TableKind::WithoutRowid } else { TableKind::Ordinary },
            keys: keys(alias, &indexes, &columns),
            exclusions,
            checks: declared.checks.iter().map(|check| table_check(check, &columns)).collect(),
            columns,
            triggers: Vec::new(),
            row_security: false,
            privileges: Privileges::ALL,
            usable: true,
            unidentified: Unidentified::default(),
            partitioned_by: Vec::new(),
            estimated_rows: None,
            lasting_engine: None,
            keeps_history: false,
            rowid,
        };
        Described { table, indexes, references: declared.references }
    }
}

fn index(rows: &[Row], texts: &HashMap<&str, &str>) -> Index {
    let part = |row: &Row| (row.optional(5).map(str::to_owned), row.text(6).to_owned());
    Index {
        name: rows[0].text(1).to_owned(),
        unique: rows[0].flag(2),
        primary: rows[0].flag(3),
        partial: rows[0].flag(4),
        declared: texts
            .get(rows[0].text(1))
            .map(|text| ddl::declared_index(text))
            .unwrap_or_default(),
        parts: rows.iter().map(part).collect(),
    }
}

/// INTEGER PRIMARY KEY is the rowid, and then has no index of its own. (INTEGER PRIMARY KEY DESC
/// is not and has one: an old mistake that SQLite keeps. INT PRIMARY KEY is not either.)
fn rowid(rows: &[Row], indexes: &[Index]) -> RowId {
    let mut key = rows.iter().filter(|row| row.text(6) != "0");
    let alias = match (key.next(), key.next()) {
        (Some(only), None) if !indexes.iter().any(|it| it.primary) => {
            only.text(3).eq_ignore_ascii_case("INTEGER").then(|| only.text(2).to_owned())
        }
        _ => None,
    };
    let free = |name: &&str| !rows.iter().any(|row| row.text(2).eq_ignore_ascii_case(name));
    RowId { alias, name: ROWID_NAMES.into_iter().find(free) }
}

/// The other columns of a primary key may be null in SQLite, unless the table is STRICT or WITHOUT
/// ROWID; its "notnull" says so.
fn column(row: &Row, rowid: Option<&str>, declared: &Declared) -> Column {
    let name = row.text(2).to_owned();
    let affinity = affinity(row.text(3), row.flag(8));
    let of_column = |clauses: &[(String, String)]| {
        let mut clauses = clauses.iter();
        let clause = clauses.find(|(column, _)| column.eq_ignore_ascii_case(&name));
        clause.map(|(_, text)| text.clone())
    };
    let collation = of_column(&declared.collations);
    Column {
        type_name: row.text(3).to_owned(),
        domain_over: None,
        nullable: !row.flag(4) && rowid != Some(&name),
        generated: matches!(row.text(7), "2" | "3"),
        generation: of_column(&declared.generations),
        default: row.optional(5).map(str::to_owned),
        volatile_default: row.optional(5).is_some_and(|it| it.to_lowercase().contains("random")),
        collation: collation.filter(|it| !it.eq_ignore_ascii_case("BINARY")),
        textual: affinity == Affinity::Text,
        equality: None,
        on_update: false,
        affinity,
        name,
    }
}

/// The rules of <https://sqlite.org/datatype3.html>, 3.1. ANY keeps what it is given in STRICT tables only
/// (<https://sqlite.org/stricttables.html>, 3); elsewhere it is a name like any other.
fn affinity(type_name: &str, strict: bool) -> Affinity {
    let name = type_name.to_ascii_uppercase();
    let holds = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match () {
        () if holds(&["INT"]) => Affinity::Integer,
        () if holds(&["CHAR", "CLOB", "TEXT"]) => Affinity::Text,
        () if name.is_empty() || holds(&["BLOB"]) || (strict && name == "ANY") => Affinity::Blob,
        () if holds(&["REAL", "FLOA", "DOUB"]) => Affinity::Real,
        () => Affinity::Numeric,
    }
}

/// The primary key first.
fn keys(rowid: Option<&str>, indexes: &[Index], columns: &[Column]) -> Vec<Key> {
    let rowid = rowid.map(|column| Key {
        name: ROWID.to_owned(),
        columns: vec![column.to_owned()],
        primary: true,
        not_null: true,
        nulls_not_distinct: false,
        comparisons: Vec::new(),
    });
    let mut keys: Vec<Key> = rowid.into_iter().collect();
    keys.extend(indexes.iter().filter_map(|index| key(index, columns)));
    keys.sort_by_key(|key| !key.primary);
    keys
}

/// An index in another collation than its columns' own is no key: comparisons with the columns see
/// other values as equal than the index does. (SQLite wants none for a foreign key's parent either.)
fn key(index: &Index, columns: &[Column]) -> Option<Key> {
    if !index.unique || index.partial {
        return None;
    }
    let column = |(name, collation): &(Option<String>, String)| {
        let column = columns.iter().find(|column| Some(&column.name) == name.as_ref())?;
        collation_of(column).eq_ignore_ascii_case(collation).then_some(column)
    };
    let columns: Vec<&Column> = index.parts.iter().map(column).collect::<Option<_>>()?;
    Some(Key {
        name: index.name.clone(),
        columns: columns.iter().map(|column| column.name.clone()).collect(),
        primary: index.primary,
        not_null: columns.iter().all(|column| !column.nullable),
        nulls_not_distinct: false,
        comparisons: Vec::new(),
    })
}

/// The unique indexes that are no keys.
fn exclusions(indexes: &[Index], columns: &[Column]) -> Vec<Exclusion> {
    let exclusion = |index: &Index| {
        let declared = &index.declared;
        let part = |(n, (column, collation)): (usize, &(Option<String>, String))| {
            let written = declared.parts.get(n).cloned();
            let expression = written.or_else(|| column.as_deref().map(quote))?;
            Some(ExcludedPart { expression, operator: format!("COLLATE {} =", quote(collation)) })
        };
        let parts: Vec<ExcludedPart> =
            index.parts.iter().enumerate().map(part).collect::<Option<_>>()?;
        let texts = || parts.iter().map(|part| &part.expression).chain(&declared.predicate);
        let read = columns.iter().filter(|it| texts().any(|text| token::mentions(text, &it.name)));
        Some(Exclusion {
            name: index.name.clone(),
            columns: read.map(|column| column.name.clone()).collect(),
            predicate: declared.predicate.clone(),
            nulls_not_distinct: false,
            parts,
        })
    };
    let apart = |index: &&Index| index.unique && key(index, columns).is_none();
    indexes.iter().filter(apart).filter_map(exclusion).collect()
}

pub fn collation_of(column: &Column) -> &str {
    column.collation.as_deref().unwrap_or("BINARY")
}

fn table_check(check: &ddl::DeclaredCheck, columns: &[Column]) -> Check {
    let read = columns.iter().filter(|column| token::mentions(&check.expression, &column.name));
    Check {
        name: check.name.clone(),
        expression: check.expression.clone(),
        columns: read.map(|column| column.name.clone()).collect(),
    }
}
