//! Loads a [`Catalog`] from MariaDB's information_schema in a handful of queries, grouped here.
//!
//! The current database counts, and every other one that foreign keys lead to or from: their tables
//! are named with their database.

use super::{
    Catalog, Check, Column, Declaration, Key, OnDelete, Privileges, Reference, Table, TableId,
    TableKind, TableName, Trigger,
};
use crate::database::{self, Database, Fault, Row};
use crate::sql::{Statement, literal};
use std::collections::{BTreeMap, BTreeSet};

const FINGERPRINT: &str = include_str!("mysql/fingerprint.sql");
const SCHEMAS: &str = include_str!("mysql/schemas.sql");
const SCHEMAS_VISIBLE: &str = include_str!("mysql/schemas_visible.sql");
const TABLES: &str = include_str!("mysql/tables.sql");
const COLUMNS: &str = include_str!("mysql/columns.sql");
const INDEXES: &str = include_str!("mysql/indexes.sql");
const REFERENCES: &str = include_str!("mysql/references.sql");
const CHECKS: &str = include_str!("mysql/checks.sql");
const TRIGGERS: &str = include_str!("mysql/triggers.sql");
const PRIVILEGES: &str = include_str!("mysql/privileges.sql");

/// The name of [`Trigger::unseen`].
const UNSEEN: &str = "any trigger (without the TRIGGER privilege none is seen)";

/// Rows of the queries above by the table that their first two values name.
type ByTable = BTreeMap<(String, String), Vec<Row>>;

/// See [`super::load`].
pub fn load(database: &mut Database) -> database::Result<Catalog> {
    let fingerprint = fingerprint(database)?;
    let current = database.query_one(&"SELECT DATABASE()".into())?.text(0).to_owned();
    let schemas: Vec<String> =
        schemas(database, &current)?.iter().map(|name| literal(name)).collect();
    let schemas = schemas.join(", ");
    let mut answer =
        |sql: &str| database.query(&Statement::from(sql.replace("/*schemas*/", &schemas)));
    let listed = answer(TABLES)?;
    let columns = by_table(answer(COLUMNS)?);
    let indexes = by_table(answer(INDEXES)?);
    let checks = by_table(answer(CHECKS)?);
    let triggers = by_table(answer(TRIGGERS)?);
    let references = answer(REFERENCES)?;
    let grants = answer(PRIVILEGES)?;
    let table = |row: &Row| {
        let place = place(row);
        let of = |rows: &ByTable| rows.get(&place).cloned().unwrap_or_default();
        let held = |privilege: &str| is_granted(&grants, &place, privilege);
        let columns: Vec<Column> = of(&columns).iter().map(column).collect();
        Table {
            name: TableName {
                schema: Some(place.0.clone()).filter(|schema| *schema != current),
                name: place.1.clone(),
            },
            kind: if row.flag(4) { TableKind::Partitioned } else { TableKind::Ordinary },
            keys: keys(&of(&indexes)),
            columns,
            checks: of(&checks).iter().map(check).collect(),
            triggers: match held("TRIGGER") {
                true => of(&triggers).iter().map(trigger).collect(),
                false => vec![unseen()],
            },
            row_security: false,
            privileges: Privileges {
                select: held("SELECT"),
                update: held("UPDATE"),
                delete: held("DELETE"),
            },
            estimated_rows: row.optional(3).and_then(|rows| rows.parse().ok()),
            lasting_engine: row.optional(2).map(str::to_owned),
        }
    };
    let tables = listed.iter().map(table).collect();
    let positions = listed.iter().enumerate().map(|(n, row)| (place(row), TableId(n))).collect();
    let references = grouped(&references, &positions, &indexes);
    Ok(Catalog { tables, references, mismatches: Vec::new(), fingerprint })
}

/// A hash over everything that the catalog is made of in the current database, indexes that are not
/// unique and statistics excepted.
pub fn fingerprint(database: &mut Database) -> database::Result<String> {
    Ok(database.query_one(&Statement::from(FINGERPRINT))?.text(0).to_owned())
}

/// The current database and those that foreign keys connect it with, over several steps too.
fn schemas(database: &mut Database, current: &str) -> database::Result<BTreeSet<String>> {
    let pairs = match database.query(&Statement::from(SCHEMAS)) {
        Err(error) if error.fault == Fault::Permission => {
            database.query(&Statement::from(SCHEMAS_VISIBLE))?
        }
        pairs => pairs?,
    };
    let mut schemas = BTreeSet::from([current.to_owned()]);
    loop {
        let before = schemas.len();
        for pair in &pairs {
            let ends = [pair.text(0), pair.text(1)];
            if ends.iter().any(|name| schemas.contains(*name)) {
                schemas.extend(ends.map(str::to_owned));
            }
        }
        if schemas.len() == before {
            return Ok(schemas);
        }
    }
}

fn place(row: &Row) -> (String, String) {
    (row.text(0).to_owned(), row.text(1).to_owned())
}

fn by_table(rows: Vec<Row>) -> ByTable {
    let mut groups = ByTable::new();
    for row in rows {
        groups.entry(place(&row)).or_default().push(row);
    }
    groups
}

fn column(row: &Row) -> Column {
    Column {
        name: row.text(2).to_owned(),
        type_name: row.text(3).to_owned(),
        domain_over: None,
        nullable: row.flag(4),
        default: row.optional(5).map(str::to_owned),
        generated: row.flag(6),
        on_update: row.flag(7),
        textual: row.flag(8),
        collation: row.optional(9).map(str::to_owned),
    }
}

/// Unique indexes over whole columns.
fn keys(indexes: &[Row]) -> Vec<Key> {
    let key = |index: &[Row]| Key {
        name: index[0].text(2).to_owned(),
        columns: index.iter().map(|row| row.text(4).to_owned()).collect(),
        primary: index[0].text(2) == "PRIMARY",
        not_null: index.iter().all(|row| !row.flag(6)),
        nulls_not_distinct: false,
    };
    let unique = |index: &&[Row]| index.iter().all(|row| row.flag(3) && row.flag(5));
    indexes.chunk_by(|a, b| a.text(2) == b.text(2)).filter(unique).map(key).collect()
}

fn check(row: &Row) -> Check {
    Check { name: row.text(2).to_owned(), expression: row.text(3).to_owned(), columns: Vec::new() }
}

fn trigger(row: &Row) -> Trigger {
    Trigger {
        name: row.text(2).to_owned(),
        on_delete: row.text(3) == "DELETE",
        on_update: row.text(3) == "UPDATE",
        unseen: false,
    }
}

fn unseen() -> Trigger {
    Trigger { name: UNSEEN.into(), on_delete: true, on_update: true, unseen: true }
}

/// A grant on a database names it by a pattern.
fn is_granted(grants: &[Row], (schema, table): &(String, String), privilege: &str) -> bool {
    grants.iter().any(|grant| {
        grant.text(2) == privilege
            && match grant.optional(1) {
                Some(name) => grant.text(0) == schema && name == table,
                None => is_like(schema.as_bytes(), grant.text(0).as_bytes()),
            }
    })
}

/// SQL's LIKE, with a backslash as the escape.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'%', rest @ ..] => (0..=text.len()).any(|n| is_like(&text[n..], rest)),
        [b'_', rest @ ..] => !text.is_empty() && is_like(&text[1..], rest),
        [b'\\', escaped, rest @ ..] | [escaped, rest @ ..] => {
            text.first() == Some(escaped) && is_like(&text[1..], rest)
        }
    }
}

fn grouped(
    rows: &[Row],
    positions: &BTreeMap<(String, String), TableId>,
    indexes: &ByTable,
) -> Vec<Reference> {
    let same = |a: &Row, b: &Row| (0..3).all(|n| a.text(n) == b.text(n));
    let reference = |pairs: &[Row]| {
        let first = &pairs[0];
        let columns: Vec<String> = pairs.iter().map(|row| row.text(5).to_owned()).collect();
        let on_delete = on_delete(first.text(7));
        let unlinks = matches!(on_delete, OnDelete::SetNull | OnDelete::SetDefault);
        let indexes = indexes.get(&place(first)).map(Vec::as_slice).unwrap_or_default();
        Some(Reference {
            name: Some(first.text(2).to_owned()),
            child: *positions.get(&place(first))?,
            parent: *positions.get(&(first.text(3).to_owned(), first.text(4).to_owned()))?,
            parent_columns: pairs.iter().map(|row| row.text(6).to_owned()).collect(),
            set_columns: if unlinks { columns.clone() } else { Vec::new() },
            index: index_of(indexes, &columns),
            operators: vec![None; columns.len()],
            columns,
            on_delete,
            match_full: false,
            deferrable: false,
            initially_deferred: false,
            // With foreign_key_checks off anything may have been written; InnoDB does not tell.
            validated: true,
            enforced: true,
            partition: None,
            declaration: Declaration::default(),
        })
    };
    rows.chunk_by(same).filter_map(reference).collect()
}

fn on_delete(rule: &str) -> OnDelete {
    match rule {
        "CASCADE" => OnDelete::Cascade,
        "SET NULL" => OnDelete::SetNull,
        "SET DEFAULT" => OnDelete::SetDefault,
        // RESTRICT and NO ACTION: InnoDB checks both at once, row by row, and which of them was declared
        // is lost (with foreign_key_checks off, as in a dump, MariaDB 10.11 keeps RESTRICT as NO ACTION).
        // https://mariadb.com/kb/en/foreign-keys/: "NO ACTION is a synonym for RESTRICT"
        _ => OnDelete::Restrict,
    }
}

/// The narrowest index that begins with the columns, in any order.
fn index_of(indexes: &[Row], columns: &[String]) -> Option<String> {
    let begins = |index: &&[Row]| {
        let mut first = index.iter().take(columns.len());
        index.len() >= columns.len() && first.all(|row| columns.iter().any(|c| c == row.text(4)))
    };
    let indexes = indexes.chunk_by(|a, b| a.text(2) == b.text(2)).filter(begins);
    indexes.min_by_key(|index| index.len()).map(|index| index[0].text(2).to_owned())
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn a_grant_on_a_pattern_covers_what_it_is_like() {
        let like = |text: &str, pattern: &str| is_like(text.as_bytes(), pattern.as_bytes());
        assert!(like("crm", "%") && like("crm", "c_m") && like("crm_1", "crm\\_%"));
        assert!(!like("crm1", "crm\\_%") && !like("crm", "cr") && !like("cr", "crm"));
    }
}
