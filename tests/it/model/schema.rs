//! A database as plain data, and the SQL that makes it.

use orgsweep::engine::Dialect;
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
    pub triggers: Vec<Trigger>,
    /// Labels are longer than a page.
    pub large: bool,
    /// SQLite's journal is a WAL.
    pub wal: bool,
}

#[derive(Debug, Clone)]
pub struct Table {
    /// PostgreSQL: the second schema's name, or none for `public`; `public` where a table of the same name in an
    /// earlier schema hides it.
    pub schema: Option<String>,
    pub name: String,
    pub columns: Vec<Column>,
    pub keys: Vec<Key>,
    /// Each a `CHECK`: at least one of these columns is not null.
    pub checks: Vec<Vec<usize>>,
    pub without_rowid: bool,
    /// SQLite: the primary key, where it is one integer, descends.
    pub descending: bool,
}

/// On DELETE of each row.
#[derive(Debug, Clone)]
pub struct Trigger {
    pub table: usize,
    /// The table's number into the log; otherwise it does nothing.
    pub writes: bool,
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
    /// Compared without regard to case.
    NoCase,
    /// Compared without regard to blanks at the end.
    Padded,
    /// SQLite: without a type; values are as SQL writes them, so that 1 is not '1'.
    Untyped,
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
            (Kind::Numeric, Dialect::Mysql(_)) => "decimal(20)",
            (Kind::Text | Kind::Uuid, Dialect::Mysql(_)) => "varchar(100)",
            (Kind::NoCase, Dialect::Mysql(_)) => "varchar(100) COLLATE utf8mb4_general_ci",
            (Kind::Numeric, _) => "numeric",
            (Kind::NoCase, Dialect::Postgres) => "text COLLATE caseless",
            (Kind::NoCase, _) => "text COLLATE NOCASE",
            (Kind::Padded, Dialect::Sqlite) => "text COLLATE RTRIM",
            (Kind::Padded, Dialect::Postgres) => "char(100)",
            (Kind::Padded, Dialect::Mysql(_)) => "varchar(100) COLLATE utf8mb4_bin",
            (Kind::Untyped, _) => "",
            (Kind::Text | Kind::Uuid, _) => "text",
        }
    }

    pub fn is_number(self) -> bool {
        matches!(self, Kind::Integer | Kind::Bigint | Kind::Numeric)
    }

    /// What two values of this kind are compared by.
    pub fn canonical(self, value: &str) -> String {
        match self {
            Kind::NoCase => value.to_ascii_lowercase(),
            Kind::Padded => value.trim_end_matches(' ').to_owned(),
            _ => value.to_owned(),
        }
    }

    /// Another spelling of a key of this kind that a column of kind `own` keeps as it is.
    pub fn respelled(self, own: Kind, dialect: Dialect, value: &str) -> String {
        match self {
            Kind::NoCase => value.to_uppercase(),
            Kind::Padded if own != Kind::Padded || dialect != Dialect::Postgres => {
                format!("{value}  ")
            }
            _ => value.to_owned(),
        }
    }

    fn literal(self, value: &Value) -> String {
        match value {
            None => "NULL".to_owned(),
            Some(value) if self.is_number() || self == Kind::Untyped => value.clone(),
            Some(text) => format!("'{}'", text.replace('\'', "''")),
        }
    }
}

/// Where the triggers write.
pub const TRIGGER_LOG: &str = "trigger_log";

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

    /// The column that says of itself that it is a key, and descends.
    fn descending_key(&self) -> Option<usize> {
        let key = self.keys.iter().find(|key| key.primary)?;
        let [column] = key.columns[..] else { return None };
        let is_integer = self.columns[column].kind == Kind::Integer;
        (self.descending && !self.without_rowid && is_integer).then_some(column)
    }

    fn column_list(&self, columns: &[usize]) -> String {
        let names: Vec<String> = columns.iter().map(|c| quote(&self.columns[*c].name)).collect();
        names.join(", ")
    }
}

impl Column {
    /// Its values hang on its name.
    pub fn is_named_for_the_generator(&self) -> bool {
        ["id", "name"].contains(&self.name.as_str())
    }
}

impl Schema {
    /// The columns, each by its table's and its own position, by which others refer to this one.
    pub fn columns_referring_to(&self, table: usize, column: usize) -> Vec<(usize, usize)> {
        let pairs = |reference: &Reference| {
            let pairs = reference.columns.iter().zip(&reference.parent_columns);
            let to_it = pairs.filter(|(_, parent)| **parent == column);
            to_it.map(|(own, _)| (reference.child, *own)).collect::<Vec<_>>()
        };
        self.references.iter().filter(|it| it.parent == table).flat_map(pairs).collect()
    }

    /// The column is part of a reference.
    pub fn refers(&self, table: usize, column: usize) -> bool {
        self.references.iter().any(|it| it.child == table && it.columns.contains(&column))
    }

    pub fn retype(&mut self, table: usize, column: usize, kind: Kind) {
        let column = &mut self.tables[table].columns[column];
        column.kind = kind;
        if kind == Kind::Untyped {
            column.default = column.default.take().map(|text| format!("'{text}'"));
        }
    }

    /// What triggers write, of deleted rows' tables.
    pub fn log_of(&self, deleted: impl Iterator<Item = usize>) -> Vec<usize> {
        let writes = |table: &usize| self.triggers.iter().any(|it| it.writes && it.table == *table);
        let mut log: Vec<usize> = deleted.filter(writes).collect();
        log.sort_unstable();
        log
    }

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
            sql.push_str("CREATE SCHEMA IF NOT EXISTS \"Extra\";\n");
        }
        self.create_surroundings(&mut sql);
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
        for trigger in &self.triggers {
            self.create_trigger(trigger, &mut sql);
        }
        self.create_namesakes(&mut sql);
        sql
    }

    /// What comes first in the search path, which begins with "$user".
    fn create_namesakes(&self, sql: &mut String) {
        let hidden = self.tables.iter().filter(|it| it.schema.as_deref() == Some("public"));
        let first: String =
            hidden.map(|it| format!(" CREATE TABLE {} (x integer)", quote(&it.name))).collect();
        if !first.is_empty() {
            let _ = writeln!(sql, "CREATE SCHEMA AUTHORIZATION CURRENT_USER{first};");
        }
    }

    /// What tables and triggers are made with.
    fn create_surroundings(&self, sql: &mut String) {
        let columns = self.tables.iter().flat_map(|table| &table.columns);
        if self.dialect == Dialect::Postgres && columns.clone().any(|it| it.kind == Kind::NoCase) {
            sql.push_str(
                "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);\n",
            );
        }
        if !self.triggers.is_empty() {
            let _ = writeln!(sql, "CREATE TABLE {TRIGGER_LOG} (line integer);");
        }
        if self.dialect == Dialect::Postgres && !self.triggers.is_empty() {
            let _ = writeln!(
                sql,
                "CREATE FUNCTION write_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                   INSERT INTO public.{TRIGGER_LOG} VALUES (TG_ARGV[0]::int); RETURN NULL; END $$;
                 CREATE FUNCTION do_nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;"
            );
        }
    }

    fn create_trigger(&self, trigger: &Trigger, sql: &mut String) {
        let Trigger { table: number, writes } = trigger;
        let table = self.tables[*number].sql_name();
        let when = if *writes { "AFTER" } else { "BEFORE" };
        let write = format!("INSERT INTO {TRIGGER_LOG} VALUES ({number})");
        let body = match (self.dialect, writes) {
            (Dialect::Postgres, true) => format!("EXECUTE FUNCTION write_log({number})"),
            (Dialect::Postgres, false) => "EXECUTE FUNCTION do_nothing()".to_owned(),
            (Dialect::Sqlite, true) => format!("BEGIN {write}; END"),
            (Dialect::Sqlite, false) => "BEGIN SELECT 1; END".to_owned(),
            (Dialect::Mysql(_), true) => write,
            (Dialect::Mysql(_), false) => "SET @nothing = 1".to_owned(),
        };
        let _ = writeln!(
            sql,
            "CREATE TRIGGER \"sees {number}\" {when} DELETE ON {table} FOR EACH ROW {body};"
        );
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
        let descending = this.descending_key();
        if let Some(column) = descending {
            parts[column].push_str(" PRIMARY KEY DESC");
        }
        for key in keys.iter().filter(|key| descending.is_none() || !key.primary) {
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
        if reference.deferred && !self.dialect.is_mysql() {
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
