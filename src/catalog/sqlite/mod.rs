//! Loads a [`Catalog`] from SQLite's pragma functions, in five queries.
//!
//! Quirks: names compare without case; a reference without columns means the parent's primary key;
//! one to a missing table or column is left out, because SQLite itself reports "foreign key
//! mismatch" there and deletes nothing. A PRIMARY KEY may hold NULL unless it is the rowid, NOT NULL or
//! WITHOUT ROWID (<https://sqlite.org/lang_createtable.html>, 3.5). Deferrability is left unread: it
//! makes no difference to a deletion whose checks are off or deferred.

mod ddl;

use super::{
    Catalog, Column, Firing, Key, OnDelete, Privileges, Reference, Table, TableId, TableKind,
    TableName, Trigger,
};
use crate::database::{Database, Result, Row};
use crate::sql::Statement;
use std::collections::HashMap;

/// Changes with every change of the schema.
pub fn fingerprint(database: &mut Database) -> Result<String> {
    let version =
        database.query_one(&Statement::from("SELECT schema_version FROM pragma_schema_version"))?;
    Ok(version.text(0).to_owned())
}

pub fn load(database: &mut Database) -> Result<Catalog> {
    let mut rows = |sql: &str| database.query(&Statement::from(sql));
    let columns = rows(include_str!("columns.sql"))?;
    let indexes = rows(include_str!("indexes.sql"))?;
    let references = rows(include_str!("references.sql"))?;
    let schema = rows(include_str!("schema.sql"))?;
    let mut tables = tables(&columns);
    let ids: HashMap<String, TableId> = tables
        .iter()
        .enumerate()
        .map(|(n, table)| (table.name.name.to_lowercase(), TableId(n)))
        .collect();
    let indexes = by_table(&indexes);
    for (table, rows) in tables.iter_mut().zip(grouped_columns(&columns)) {
        let own = indexes.get(table.name.name.as_str()).map_or(&[][..], Vec::as_slice);
        table.keys = keys(table, &rows, own);
    }
    for row in &schema {
        add_text(&mut tables, &ids, row);
    }
    let references = self::references(&tables, &ids, &references, &indexes);
    Ok(Catalog { tables, references, fingerprint: fingerprint(database)? })
}

/// Rows of one table stand together.
fn grouped_columns(rows: &[Row]) -> Vec<Vec<&Row>> {
    let groups = rows.chunk_by(|a, b| a.text(0) == b.text(0));
    groups.map(|group| group.iter().collect()).collect()
}

fn tables(rows: &[Row]) -> Vec<Table> {
    let table = |rows: &Vec<&Row>| {
        let without_rowid = rows[0].flag(1);
        let key_columns = rows.iter().filter(|row| row.number(6) > 0).count();
        let column = |row: &&Row| {
            let type_name = row.text(3).to_owned();
            let upper = type_name.to_ascii_uppercase();
            let in_key = row.number(6) > 0;
            let rowid = in_key && key_columns == 1 && upper == "INTEGER";
            Column {
                name: row.text(2).to_owned(),
                textual: ["CHAR", "CLOB", "TEXT"].iter().any(|word| upper.contains(word)),
                type_name,
                nullable: !(row.flag(4) || in_key && (without_rowid || rowid)),
                generated: row.number(7) >= 2,
                default: row.optional(5).map(str::to_owned),
                collation: None,
            }
        };
        Table {
            name: TableName { schema: None, name: rows[0].text(0).to_owned() },
            kind: if without_rowid { TableKind::WithoutRowid } else { TableKind::Ordinary },
            columns: rows.iter().map(column).collect(),
            keys: Vec::new(),
            checks: Vec::new(),
            triggers: Vec::new(),
            row_security: false,
            privileges: Privileges::ALL,
            estimated_rows: None,
        }
    };
    grouped_columns(rows).iter().map(table).collect()
}

/// An index with its columns in order; a column that is an expression is `None`.
#[derive(Debug)]
struct Index<'a> {
    name: &'a str,
    unique: bool,
    partial: bool,
    columns: Vec<Option<&'a str>>,
}

fn by_table(rows: &[Row]) -> HashMap<&str, Vec<Index<'_>>> {
    let mut tables: HashMap<&str, Vec<Index>> = HashMap::new();
    for group in rows.chunk_by(|a, b| a.text(0) == b.text(0) && a.text(1) == b.text(1)) {
        let first = &group[0];
        tables.entry(first.text(0)).or_default().push(Index {
            name: first.text(1),
            unique: first.flag(2),
            partial: first.flag(4),
            columns: group.iter().map(|row| row.optional(5)).collect(),
        });
    }
    tables
}

fn keys(table: &Table, rows: &[&Row], indexes: &[Index]) -> Vec<Key> {
    let mut primary: Vec<&&Row> = rows.iter().filter(|row| row.number(6) > 0).collect();
    primary.sort_by_key(|row| row.number(6));
    let not_null = |columns: &[String]| {
        columns.iter().all(|name| table.column(name).is_some_and(|c| !c.nullable))
    };
    let key = |name: String, columns: Vec<String>, primary| Key {
        not_null: not_null(&columns),
        name,
        columns,
        primary,
        nulls_not_distinct: false,
    };
    let mut keys = Vec::new();
    if !primary.is_empty() {
        let columns = primary.iter().map(|row| row.text(2).to_owned()).collect();
        keys.push(key("PRIMARY KEY".into(), columns, true));
    }
    for index in indexes.iter().filter(|index| index.unique && !index.partial) {
        let columns: Option<Vec<String>> =
            index.columns.iter().map(|column| column.map(str::to_owned)).collect();
        if let Some(columns) =
            columns.filter(|columns| keys.iter().all(|key| key.columns != *columns))
        {
            keys.push(key(index.name.to_owned(), columns, false));
        }
    }
    keys
}

/// What only the CREATE statements say.
fn add_text(tables: &mut [Table], ids: &HashMap<String, TableId>, row: &Row) {
    let Some(table) = ids.get(&row.text(2).to_lowercase()).map(|id| &mut tables[id.0]) else {
        return;
    };
    if row.text(0) == "trigger" {
        let (on_delete, on_update) = ddl::trigger_events(row.text(3));
        if on_delete || on_update {
            let name = row.text(1).to_owned();
            table.triggers.push(Trigger { name, on_delete, on_update, firing: Firing::Origin });
        }
        return;
    }
    let text = ddl::table(row.text(3));
    for (name, collation) in text.collations {
        let named = |column: &&mut Column| column.name.eq_ignore_ascii_case(&name);
        if let Some(column) = table.columns.iter_mut().find(named) {
            column.collation = Some(collation).filter(|name| !name.eq_ignore_ascii_case("binary"));
        }
    }
    table.checks = text.checks;
}

fn references(
    tables: &[Table],
    ids: &HashMap<String, TableId>,
    rows: &[Row],
    indexes: &HashMap<&str, Vec<Index>>,
) -> Vec<Reference> {
    let groups = rows.chunk_by(|a, b| a.text(0) == b.text(0) && a.text(1) == b.text(1));
    let reference = |group: &[Row]| -> Option<Reference> {
        let child = *ids.get(&group[0].text(0).to_lowercase())?;
        let parent = *ids.get(&group[0].text(3).to_lowercase())?;
        let spelled = |table: TableId, name: &str| {
            let mut columns = tables[table.0].columns.iter();
            columns.find(|column| column.name.eq_ignore_ascii_case(name)).map(|c| c.name.clone())
        };
        let columns: Option<Vec<String>> =
            group.iter().map(|row| spelled(child, row.text(4))).collect();
        let columns = columns?;
        let parent_columns: Vec<String> = match group[0].optional(5) {
            Some(_) => {
                group.iter().map(|row| spelled(parent, row.text(5))).collect::<Option<_>>()?
            }
            None => tables[parent.0].primary_key()?.columns.clone(),
        };
        if parent_columns.len() != columns.len() {
            return None;
        }
        let on_delete = action(group[0].text(6));
        let unlinks = matches!(on_delete, OnDelete::SetNull | OnDelete::SetDefault);
        Some(Reference {
            name: None,
            child,
            parent,
            on_delete,
            set_columns: if unlinks { columns.clone() } else { Vec::new() },
            match_full: false,
            deferrable: false,
            initially_deferred: false,
            validated: true,
            enforced: true,
            index: supporting_index(&tables[child.0], &columns, indexes),
            operators: vec![None; columns.len()],
            partition: None,
            columns,
            parent_columns,
        })
    };
    groups.filter_map(reference).collect()
}

fn action(text: &str) -> OnDelete {
    match text {
        "CASCADE" => OnDelete::Cascade,
        "SET NULL" => OnDelete::SetNull,
        "SET DEFAULT" => OnDelete::SetDefault,
        "RESTRICT" => OnDelete::Restrict,
        _ => OnDelete::NoAction,
    }
}

/// An index that begins with the columns, in any order.
fn supporting_index(
    table: &Table,
    columns: &[String],
    indexes: &HashMap<&str, Vec<Index>>,
) -> Option<String> {
    let covers = |index: &&Index| {
        let leading: Vec<_> = index.columns.iter().take(columns.len()).collect();
        !index.partial
            && leading.len() == columns.len()
            && columns
                .iter()
                .all(|c| leading.iter().any(|l| l.is_some_and(|l| l.eq_ignore_ascii_case(c))))
    };
    let own = indexes.get(table.name.name.as_str()).map_or(&[][..], Vec::as_slice);
    let rowid = || {
        let key = table.primary_key()?;
        let integer = |c: &Column| c.type_name.eq_ignore_ascii_case("integer");
        let alias = key.columns == columns
            && columns.len() == 1
            && table.column(&columns[0]).is_some_and(integer);
        alias.then(|| "(rowid)".to_owned())
    };
    own.iter().find(covers).map(|index| index.name.to_owned()).or_else(rowid)
}
