//! A database as plain data, and the SQL that makes it.

use orgsweep::sql::Dialect;
use std::fmt::Write as _;

/// Values as text, whatever the column's type; `None` is null.
pub type Value = Option<String>;
pub type Row = Vec<Value>;
/// The rows of every table.
pub type Data = Vec<Vec<Row>>;

/// One random database and the organization to delete.
#[derive(Debug, Clone)]
pub struct Case {
    pub seed: u64,
    pub schema: Schema,
    pub data: Data,
    /// The name given to `--org-name`.
    pub name: String,
}

/// Table 0 is the root: `id`, `name` and what else the dice add.
#[derive(Debug, Clone)]
pub struct Schema {
    pub dialect: Dialect,
    pub tables: Vec<Table>,
    pub references: Vec<Reference>,
}

#[derive(Debug, Clone)]
pub struct Table {
    /// PostgreSQL: the second schema's name, or none for `public`.
    pub schema: Option<String>,
    pub name: String,
    pub columns: Vec<Column>,
    pub keys: Vec<Key>,
    /// Each a `CHECK`: at least one of these columns is not null.
    pub checks: Vec<Vec<usize>>,
    pub without_rowid: bool,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    pub not_null: bool,
    pub default: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Bigint,
    Numeric,
    Text,
    /// SQLite: compared without regard to case.
    NoCase,
    Uuid,
}

#[derive(Debug, Clone)]
pub struct Key {
    pub columns: Vec<usize>,
    pub primary: bool,
}

/// A foreign key.
#[derive(Debug, Clone)]
pub struct Reference {
    pub child: usize,
    pub columns: Vec<usize>,
    pub parent: usize,
    pub parent_columns: Vec<usize>,
    pub action: OnDelete,
    /// What SET NULL and SET DEFAULT write: all columns, or PostgreSQL's column list.
    pub set_columns: Vec<usize>,
    pub match_full: bool,
    pub deferred: bool,
    pub indexed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    Cascade,
    SetNull,
    SetDefault,
    Restrict,
    NoAction,
}

impl OnDelete {
    pub fn sql(self) -> &'static str {
        match self {
            OnDelete::Cascade => "CASCADE",
            OnDelete::SetNull => "SET NULL",
            OnDelete::SetDefault => "SET DEFAULT",
            OnDelete::Restrict => "RESTRICT",
            OnDelete::NoAction => "NO ACTION",
        }
    }

    /// The child row survives and is changed.
    pub fn unlinks(self) -> bool {
        matches!(self, OnDelete::SetNull | OnDelete::SetDefault)
    }

    /// The child row stands in the way, unless it is forced.
    pub fn protects(self) -> bool {
        matches!(self, OnDelete::Restrict | OnDelete::NoAction)
    }
}

impl Kind {
    fn sql(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Kind::Integer, _) => "integer",
            (Kind::Bigint, _) => "bigint",
            (Kind::Uuid, Dialect::Postgres) => "uuid",
            (Kind::Numeric, Dialect::Mysql) => "decimal(20)",
            (Kind::Text | Kind::Uuid, Dialect::Mysql) => "varchar(100)",
            (Kind::NoCase, Dialect::Mysql) => "varchar(100) COLLATE utf8mb4_general_ci",
            (Kind::Numeric, _) => "numeric",
            (Kind::NoCase, _) => "text COLLATE NOCASE",
            (Kind::Text | Kind::Uuid, _) => "text",
        }
    }

    pub fn is_number(self) -> bool {
        matches!(self, Kind::Integer | Kind::Bigint | Kind::Numeric)
    }

    /// What two values of this kind are compared by.
    pub fn canonical(self, value: &str) -> String {
        if self == Kind::NoCase { value.to_ascii_lowercase() } else { value.to_owned() }
    }

    fn literal(self, value: &Value) -> String {
        match value {
            None => "NULL".to_owned(),
            Some(number) if self.is_number() => number.clone(),
            Some(text) => format!("'{}'", text.replace('\'', "''")),
        }
    }
}

pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Table {
    pub fn sql_name(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", quote(schema), quote(&self.name)),
            None => quote(&self.name),
        }
    }

    /// As orgsweep prints it.
    pub fn shown(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }

    fn column_list(&self, columns: &[usize]) -> String {
        let names: Vec<String> = columns.iter().map(|c| quote(&self.columns[*c].name)).collect();
        names.join(", ")
    }
}

impl Schema {
    /// As orgsweep names it: `table.column,column`.
    pub fn reference_name(&self, reference: &Reference) -> String {
        let child = &self.tables[reference.child];
        let names: Vec<&str> =
            reference.columns.iter().map(|c| child.columns[*c].name.as_str()).collect();
        format!("{}.{}", child.shown(), names.join(","))
    }

    /// The statements that lay the tables out and fill them, for a person as for the engine.
    pub fn script(&self, data: &Data) -> String {
        let mut sql = String::new();
        if self.dialect == Dialect::Postgres && self.tables.iter().any(|t| t.schema.is_some()) {
            sql.push_str("CREATE SCHEMA \"Extra\";\n");
        }
        for table in 0..self.tables.len() {
            self.create_table(table, &mut sql);
        }
        sql.push_str(&self.inserts(data));
        for (number, reference) in self.references.iter().enumerate() {
            // Loaded first, so that PostgreSQL checks the data as it adds the constraint.
            if self.dialect != Dialect::Sqlite {
                let child = self.tables[reference.child].sql_name();
                let _ = writeln!(sql, "ALTER TABLE {child} ADD {};", self.foreign_key(reference));
            }
            if reference.indexed {
                let child = &self.tables[reference.child];
                let columns = child.column_list(&reference.columns);
                let name = child.sql_name();
                let _ = writeln!(sql, "CREATE INDEX \"ix {number}\" ON {name} ({columns});");
            }
        }
        sql
    }

    /// Every row of `data`, one statement a table.
    pub fn inserts(&self, data: &Data) -> String {
        let mut sql = String::new();
        for (table, rows) in self.tables.iter().zip(data).filter(|(_, rows)| !rows.is_empty()) {
            let tuples: Vec<String> = rows.iter().map(|row| tuple(table, row)).collect();
            let _ = writeln!(sql, "INSERT INTO {} VALUES {};", table.sql_name(), tuples.join(", "));
        }
        sql
    }

    fn create_table(&self, table: usize, sql: &mut String) {
        let Table { columns, keys, checks, without_rowid, .. } = &self.tables[table];
        let this = &self.tables[table];
        let mut parts: Vec<String> =
            columns.iter().map(|column| column_definition(column, self.dialect)).collect();
        for key in keys {
            let kind = if key.primary { "PRIMARY KEY" } else { "UNIQUE" };
            parts.push(format!("{kind} ({})", this.column_list(&key.columns)));
        }
        for check in checks {
            let tests: Vec<String> =
                check.iter().map(|c| format!("{} IS NOT NULL", quote(&columns[*c].name))).collect();
            parts.push(format!("CHECK ({})", tests.join(" OR ")));
        }
        if self.dialect == Dialect::Sqlite {
            let own = self.references.iter().filter(|reference| reference.child == table);
            parts.extend(own.map(|reference| self.foreign_key(reference)));
        }
        let tail = if *without_rowid { " WITHOUT ROWID" } else { "" };
        let _ = writeln!(sql, "CREATE TABLE {} ({}){tail};", this.sql_name(), parts.join(", "));
    }

    fn foreign_key(&self, reference: &Reference) -> String {
        let child = &self.tables[reference.child];
        let parent = &self.tables[reference.parent];
        let mut sql = format!(
            "FOREIGN KEY ({}) REFERENCES {} ({}){} ON DELETE {}",
            child.column_list(&reference.columns),
            parent.sql_name(),
            parent.column_list(&reference.parent_columns),
            if reference.match_full { " MATCH FULL" } else { "" },
            reference.action.sql(),
        );
        if reference.set_columns != reference.columns {
            let _ = write!(sql, " ({})", child.column_list(&reference.set_columns));
        }
        if reference.deferred && self.dialect != Dialect::Mysql {
            sql.push_str(" DEFERRABLE INITIALLY DEFERRED");
        }
        sql
    }
}

fn column_definition(column: &Column, dialect: Dialect) -> String {
    let mut sql = format!("{} {}", quote(&column.name), column.kind.sql(dialect));
    if column.not_null {
        sql.push_str(" NOT NULL");
    }
    if column.default.is_some() {
        let _ = write!(sql, " DEFAULT {}", column.kind.literal(&column.default));
    }
    sql
}

fn tuple(table: &Table, row: &Row) -> String {
    let values: Vec<String> =
        table.columns.iter().zip(row).map(|(column, value)| column.kind.literal(value)).collect();
    format!("({})", values.join(", "))
}
