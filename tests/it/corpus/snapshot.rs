//! The rows of a database by primary key.

use crate::support::{Backend, TestDatabase};
use std::collections::BTreeMap;

/// Every table of the schema; views and virtual tables are left out.
#[derive(PartialEq)]
pub struct Snapshot(pub BTreeMap<String, Table>);

#[derive(PartialEq, Default)]
pub struct Table {
    pub columns: Vec<String>,
    /// The primary key's columns in order.
    pub key: Vec<String>,
    pub rows: Rows,
}

/// By primary key, or by all values where there is none; the number tells equal rows apart.
pub type Rows = BTreeMap<(Values, usize), Values>;

pub type Values = Vec<Option<String>>;

impl Snapshot {
    pub fn of(db: &TestDatabase) -> Snapshot {
        let mut keys: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        for row in db.query(columns_query(db.backend)) {
            let mut values = row.into_iter().map(Option::unwrap_or_default);
            let mut next = || values.next().unwrap_or_default();
            let (table, column, position) = (next(), next(), next());
            if position != "0" {
                keys.entry(table.clone()).or_default().insert(position, column.clone());
            }
            tables.entry(table).or_default().columns.push(column);
        }
        for (name, table) in &mut tables {
            table.key = keys.remove(name).unwrap_or_default().into_values().collect();
            table.load(db, name);
        }
        Snapshot(tables)
    }
}

impl Table {
    fn load(&mut self, db: &TestDatabase, name: &str) {
        let column = |name: &String| match db.backend {
            Backend::Sqlite => {
                format!(
                    "CASE typeof(\"{name}\") WHEN 'blob' THEN quote(\"{name}\") ELSE \"{name}\" END"
                )
            }
            Backend::Postgres => format!("\"{name}\"::text AS \"{name}\""),
            Backend::Mysql => format!("CAST(\"{name}\" AS CHAR)"),
        };
        let columns: Vec<_> = self.columns.iter().map(column).collect();
        let only = db.pick("", "ONLY", "");
        for row in db.query(&format!("SELECT {} FROM {only} \"{name}\"", columns.join(", "))) {
            let key = self.key_of(&row);
            let number = (0..).find(|n| !self.rows.contains_key(&(key.clone(), *n)));
            self.rows.insert((key, number.unwrap_or_default()), row);
        }
    }

    fn key_of(&self, row: &[Option<String>]) -> Values {
        if self.key.is_empty() {
            return row.to_vec();
        }
        let place = |column: &String| self.columns.iter().position(|name| name == column);
        let value = |column| row[place(column).expect("a key column")].clone();
        self.key.iter().map(value).collect()
    }
}

/// A few of the rows that differ.
pub fn difference(wanted: &Rows, actual: &Rows) -> String {
    let unlike = |left: &Rows, right: &Rows| -> Vec<_> {
        let rows = left.iter().filter(|(key, row)| right.get(*key) != Some(row));
        rows.take(5).map(|(_, row)| row.clone()).collect()
    };
    format!("missing {:?}, surplus {:?}", unlike(wanted, actual), unlike(actual, wanted))
}

/// Table, column, and its place in the primary key, counted from 1.
fn columns_query(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => {
            "SELECT t.name, c.name, c.pk FROM pragma_table_list AS t, pragma_table_xinfo(t.name) AS c \
             WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             ORDER BY t.name, c.cid"
        }
        Backend::Postgres => {
            "SELECT relname, attname, coalesce(array_position(indkey::int2[], attnum) + 1, 0) \
             FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped \
             LEFT JOIN pg_index ON indrelid = c.oid AND indisprimary \
             WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1, attnum"
        }
        Backend::Mysql => {
            "SELECT c.TABLE_NAME, c.COLUMN_NAME, CAST(coalesce(k.ORDINAL_POSITION, 0) AS CHAR) \
             FROM information_schema.COLUMNS c JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME) \
             LEFT JOIN information_schema.KEY_COLUMN_USAGE k ON k.TABLE_SCHEMA = c.TABLE_SCHEMA \
             AND k.TABLE_NAME = c.TABLE_NAME AND k.COLUMN_NAME = c.COLUMN_NAME AND k.CONSTRAINT_NAME = 'PRIMARY' \
             WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' ORDER BY 1, c.ORDINAL_POSITION"
        }
    }
}
