//! Loads a [`Catalog`] from PostgreSQL's system catalogs (12 and later), in six queries.
//!
//! `information_schema` would take seconds where `pg_catalog` takes milliseconds (DESIGN 7).
//! Columns that older versions lack are read through `to_jsonb`.

use super::{
    Catalog, Check, Column, Firing, Key, OnDelete, Privileges, Reference, Table, TableId,
    TableKind, TableName, Trigger,
};
use crate::database::{Database, Result, Row};
use crate::sql::Statement;
use serde::Deserialize;
use std::collections::HashMap;

/// One round trip.
pub fn fingerprint(database: &mut Database) -> Result<String> {
    let row = database.query_one(&Statement::from(include_str!("fingerprint.sql")))?;
    Ok(row.text(0).to_owned())
}

pub fn load(database: &mut Database) -> Result<Catalog> {
    // Before the rest: what changes meanwhile is then noticed.
    let fingerprint = fingerprint(database)?;
    let mut rows = |sql: &str| database.query(&Statement::from(sql));
    let (tables, columns) = (rows(include_str!("tables.sql"))?, rows(include_str!("columns.sql"))?);
    let (keys, checks) = (rows(include_str!("keys.sql"))?, rows(include_str!("checks.sql"))?);
    let references = rows(include_str!("references.sql"))?;
    let ids: HashMap<&str, TableId> =
        tables.iter().enumerate().map(|(n, row)| (row.text(0), TableId(n))).collect();
    let mut tables: Vec<Table> = tables.iter().map(table).collect();
    let mut each = |rows: &[Row], add: &dyn Fn(&mut Table, &Row)| {
        for row in rows {
            if let Some(id) = ids.get(row.text(0)) {
                add(&mut tables[id.0], row);
            }
        }
    };
    each(&columns, &|table, row| table.columns.push(column(row)));
    each(&keys, &|table, row| {
        let key = key(table, row);
        table.keys.push(key);
    });
    each(&checks, &|table, row| table.checks.push(check(row)));
    let references = references.iter().filter_map(|row| reference(row, &ids)).collect();
    Ok(Catalog { tables, references, fingerprint })
}

fn table(row: &Row) -> Table {
    Table {
        name: TableName {
            schema: row.optional(1).map(str::to_owned),
            name: row.text(2).to_owned(),
        },
        kind: match (row.text(3), row.flag(4)) {
            ("p", _) => TableKind::Partitioned,
            (_, true) => TableKind::InheritanceParent,
            (_, false) => TableKind::Ordinary,
        },
        columns: Vec::new(),
        keys: Vec::new(),
        checks: Vec::new(),
        triggers: triggers(row.text(10)),
        row_security: row.flag(5),
        privileges: Privileges { select: row.flag(6), update: row.flag(7), delete: row.flag(8) },
        estimated_rows: row.optional(9).and_then(|rows| rows.parse().ok()),
    }
}

fn triggers(json: &str) -> Vec<Trigger> {
    #[derive(Deserialize)]
    struct Raw {
        name: String,
        delete: bool,
        update: bool,
        firing: String,
    }
    let trigger = |raw: Raw| Trigger {
        name: raw.name,
        on_delete: raw.delete,
        on_update: raw.update,
        firing: match raw.firing.as_str() {
            "A" => Firing::Always,
            "R" => Firing::Replica,
            _ => Firing::Origin,
        },
    };
    list::<Raw>(json).into_iter().map(trigger).collect()
}

/// A JSON array that a query of ours built.
fn list<T: for<'de> Deserialize<'de>>(json: &str) -> Vec<T> {
    serde_json::from_str(json).expect("the catalog queries build valid JSON")
}

fn column(row: &Row) -> Column {
    Column {
        name: row.text(1).to_owned(),
        type_name: row.text(2).to_owned(),
        nullable: !row.flag(3),
        generated: row.flag(4),
        default: row.optional(5).map(str::to_owned),
        collation: None,
        textual: row.flag(6),
    }
}

fn key(table: &Table, row: &Row) -> Key {
    let columns: Vec<String> = list(row.text(4));
    let not_null = columns.iter().all(|name| table.column(name).is_some_and(|c| !c.nullable));
    Key {
        name: row.text(1).to_owned(),
        columns,
        primary: row.flag(2),
        not_null,
        nulls_not_distinct: row.flag(3),
    }
}

fn check(row: &Row) -> Check {
    Check {
        name: row.text(1).to_owned(),
        expression: row.text(2).to_owned(),
        columns: list(row.text(3)),
    }
}

fn reference(row: &Row, ids: &HashMap<&str, TableId>) -> Option<Reference> {
    let columns: Vec<String> = list(row.text(3));
    let on_delete = match row.text(5) {
        "c" => OnDelete::Cascade,
        "n" => OnDelete::SetNull,
        "d" => OnDelete::SetDefault,
        "r" => OnDelete::Restrict,
        _ => OnDelete::NoAction,
    };
    let set_columns = match on_delete {
        OnDelete::SetNull | OnDelete::SetDefault => {
            row.optional(11).map_or_else(|| columns.clone(), list)
        }
        _ => Vec::new(),
    };
    Some(Reference {
        name: Some(row.text(0).to_owned()),
        child: *ids.get(row.text(1))?,
        columns,
        parent: *ids.get(row.text(2))?,
        parent_columns: list(row.text(4)),
        on_delete,
        set_columns,
        match_full: row.flag(6),
        deferrable: row.flag(7),
        initially_deferred: row.flag(8),
        validated: row.flag(9),
        enforced: row.flag(10),
        index: row.optional(12).map(str::to_owned),
        operators: list(row.text(13)),
        partition: row.optional(15).map(|name| TableName {
            schema: row.optional(14).map(str::to_owned),
            name: name.to_owned(),
        }),
    })
}
