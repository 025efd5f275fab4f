//! Reading whole rows, losslessly, as they go into an archive.

use super::{Follow, Sql};
use crate::catalog::{Column, ReferenceId, TableId};
use crate::engine::mysql::Family;
use crate::engine::{Dialect, Statement, path, quote};
use crate::findings::Change;
use std::borrow::Cow;
use std::fmt::Write as _;

impl Dialect {
    /// A value as an archive keeps it. PostgreSQL's text of a value is what its type reads again; but
    /// a cast takes the blanks off a `bpchar`, the names of functions and operators are not
    /// theirs alone, and to text a type may have a cast that says something else ([`Dialect::output`]). SQLite's
    /// values have types of their own, so it is an SQL literal; `quote` ends a text at its first NUL, and knows no
    /// -0.0, which comes as the number that it is.
    pub(super) fn archived(self, value: &str, value_type: &str) -> String {
        match (self, value_type) {
            (Dialect::Sqlite, _) => format!(
                "CASE WHEN typeof({value}) = 'text' AND instr({value}, char(0)) > 0 \
                 THEN 'CAST(X''' || hex({value}) || ''' AS TEXT)' \
                 WHEN typeof({value}) = 'real' AND {value} = 0.0 THEN {value} ELSE quote({value}) END"
            ),
            (Dialect::Postgres, "bpchar" | "character") => {
                format!("CASE WHEN {value} IS NOT NULL THEN pg_catalog.concat({value}) END")
            }
            (Dialect::Postgres, "regproc" | "regoper") => {
                self.as_text(&format!("({value})::pg_catalog.oid"))
            }
            (Dialect::Postgres, _) => self.output(value, value_type),
            (Dialect::Mysql, value_type) => Family::of(value_type).archived(value),
        }
    }

    /// The same of a value that came back and is not UTF-8, as SQLite's texts need not be. `None`: it
    /// cannot be kept.
    pub fn archived_bytes(self, value: &[u8]) -> Option<String> {
        let text =
            value.strip_prefix(b"'")?.strip_suffix(b"'").filter(|_| self == Dialect::Sqlite)?;
        let mut hex = String::with_capacity(2 * text.len());
        let mut quote = false;
        for byte in text {
            // Quotes come in pairs.
            quote = *byte == b'\'' && !quote;
            if !quote {
                let _ = write!(hex, "{byte:02X}");
            }
        }
        Some(format!("CAST(X'{hex}' AS TEXT)"))
    }

    /// A value of this type as the archive keeps it: MariaDB's bytes come as they are, and are written here.
    pub fn written<'v>(self, value_type: &str, value: Option<&'v [u8]>) -> Option<Cow<'v, [u8]>> {
        value.map(|value| match self {
            Dialect::Mysql => Family::of(value_type).written(value),
            Dialect::Sqlite | Dialect::Postgres => Cow::Borrowed(value),
        })
    }

    /// It stands for a null in an archive: SQLite's values are literals.
    pub fn is_kept_as_null(self, value: Option<&[u8]>) -> bool {
        value.is_none() || (self == Dialect::Sqlite && value == Some(b"NULL"))
    }

    /// How many of these values are null.
    fn count_of_nulls<'v>(self, values: impl Iterator<Item = &'v String>) -> String {
        let values: Vec<&str> = values.map(String::as_str).collect();
        let counts: Vec<String> = match self {
            // IS NULL says so of a composite value whose parts are. A function takes a hundred arguments.
            Dialect::Postgres => values
                .chunks(100)
                .map(|some| format!("pg_catalog.num_nulls({})", some.join(", ")))
                .collect(),
            _ => values.iter().map(|value| format!("({value} IS NULL)")).collect(),
        };
        if counts.is_empty() {
            "0".to_owned()
        } else {
            counts.join(&format!(" {} ", self.operator("+")))
        }
    }

    /// The value of `column` that an archive kept as `text` (PostgreSQL).
    pub(super) fn unarchived(self, text: &str, column: &Column) -> String {
        let value = match column.value_type() {
            // The cast knows names only, and not every value has one.
            "regclass" => format!("pg_catalog.regclassin({text}::pg_catalog.cstring)"),
            _ => text.to_owned(),
        };
        format!("{value}::{}", staged_type(column))
    }
}

/// The type that a column's values are staged as. A domain's own checks run where the row goes into its table.
pub(super) fn staged_type(column: &Column) -> String {
    match &column.domain_over {
        Some(base) => path::of_any_length(base),
        None => path::built_in(&column.type_name),
    }
}

impl<'a> Sql<'a> {
    /// The columns that an archive keeps: all but those that the engine computes.
    pub fn archived_columns(&self, table: TableId) -> Vec<&'a Column> {
        self.table(table).columns.iter().filter(|column| !column.generated).collect()
    }

    /// What tells a row of `table` from others for good: its key, else all of it.
    pub fn lasting_identity(&self, table: TableId) -> Vec<&'a Column> {
        match self.table(table).identifying_key().or(self.table(table).primary_key()) {
            Some(key) => key.columns.iter().map(|name| self.column(table, name)).collect(),
            None => self.archived_columns(table),
        }
    }

    fn archived_values(&self, table: TableId, alias: &str) -> Vec<String> {
        let columns = self.archived_columns(table).into_iter();
        let value = |column: &'a Column| (format!("{alias}.{}", quote(&column.name)), column);
        self.kept_values(&columns.map(value).collect::<Vec<_>>())
    }

    /// Values as an archive keeps them, of columns, and at last how many of these are null: a value that was written as
    /// null without being it is null, too, and no error.
    fn kept_values(&self, values: &[(String, &Column)]) -> Vec<String> {
        let archived =
            |(value, column): &(String, &Column)| self.dialect.archived(value, column.value_type());
        let mut kept: Vec<String> = values.iter().map(archived).collect();
        kept.push(
            self.dialect.as_text(&self.dialect.count_of_nulls(values.iter().map(|it| &it.0))),
        );
        kept
    }

    /// What identifies the rows of one table's key table, as text.
    pub fn keys_of(&self, table: TableId) -> Statement {
        self.identities(table, &self.key_relation(table))
    }

    /// The same of the rows of one unlink.
    pub fn kept_keys(&self, position: usize) -> Statement {
        let reference = self.plan.unlinks[position].reference;
        self.identities(self.catalog.reference(reference).child, &self.kept(position))
    }

    fn identities(&self, table: TableId, relation: &str) -> Statement {
        let columns = self.key_table(table).identity_columns().into_iter();
        let columns = columns.zip(self.identity_types(table));
        let text = |(column, type_name): (String, String)| match self.dialect {
            // 1 and '1' are two keys.
            Dialect::Sqlite => self.dialect.archived(&column, &type_name),
            Dialect::Postgres | Dialect::Mysql => self.value_text(&column, &type_name),
        };
        let columns: Vec<String> = columns.map(text).collect();
        format!("SELECT {} FROM {relation}", columns.join(", ")).into()
    }

    /// The rows of one table's key table, whole.
    pub fn read_rows(&self, table: TableId) -> Statement {
        let mut values = self.archived_values(table, "c");
        if let Some(name) = self.table(table).hidden_rowid() {
            values.insert(values.len() - 1, self.dialect.as_text(&format!("c.{name}")));
        }
        format!("SELECT {} FROM {}", values.join(", "), self.keyed_rows(table)).into()
    }

    /// The rows `c` of one table's key table; a condition may follow.
    fn keyed_rows(&self, table: TableId) -> String {
        let (keys, relation) = (self.key_relation(table), self.relation(table));
        let same = self.same_row(table, "k", "c");
        match self.dialect {
            // SQLite has no statistics of temporary tables.
            Dialect::Sqlite => format!("{keys} k CROSS JOIN {relation} c WHERE {same}"),
            Dialect::Postgres => format!("{keys} k JOIN {relation} c ON {same}"),
            // Without a key, rows that are alike are in the key table as often as in their own.
            Dialect::Mysql if self.has_twins(table) => {
                format!("{relation} c WHERE EXISTS (SELECT 1 FROM {keys} k WHERE {same})")
            }
            Dialect::Mysql => format!("{keys} k STRAIGHT_JOIN {relation} c ON {same}"),
        }
    }

    /// Of the rows of one table's key table those that name nobody, counted by each foreign key for which the engine
    /// does not vouch: its checks may have been off, or came later than the rows.
    pub fn dangling_rows(&self, table: TableId) -> Vec<(ReferenceId, Statement)> {
        let may_dangle = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            let parent = self.table(reference.parent);
            let vouched = self.dialect == Dialect::Postgres && reference.validated;
            (reference.child == table && reference.is_constraint() && reference.enforced)
                && !vouched
                && (parent.privileges.select && !parent.row_security)
                && self.unlike(*id).is_none()
        };
        let question = |id: ReferenceId| {
            let statement = format!(
                "SELECT {} FROM {} AND {} AND NOT EXISTS (SELECT 1 FROM {} r WHERE {})",
                self.dialect.count(),
                self.keyed_rows(table),
                self.row_names_somebody(id, "c"),
                self.relation(self.catalog.reference(id).parent),
                self.names_row(id, "r", "c"),
            );
            (id, statement.into())
        };
        self.catalog.reference_ids().filter(may_dangle).map(question).collect()
    }

    /// [`Sql::delete`], returning the rows (PostgreSQL).
    pub fn delete_returning(&self, table: TableId) -> Statement {
        let mut statement = self.delete(table);
        statement.push(&format!(" RETURNING {}", self.archived_values(table, "c").join(", ")));
        statement
    }

    /// [`Sql::delete_children`], returning the rows (PostgreSQL).
    pub fn delete_children_returning(&self, step: &Follow, keep: bool) -> Statement {
        let child = self.catalog.reference(step.reference).child;
        let values = self.archived_values(child, "c");
        let delete = self.delete_children_by(step);
        if !keep {
            return format!("{delete} RETURNING {}", values.join(", ")).into();
        }
        let numbered = values.iter().enumerate().map(|(n, value)| format!("{value} AS v{n}"));
        let names: Vec<String> = (0..values.len()).map(|n| format!("v{n}")).collect();
        let keys = self.key_values(child, "c");
        let key_names: Vec<String> = (0..keys.len()).map(|n| format!("c{n}")).collect();
        format!(
            "WITH d AS ({delete} RETURNING {}), k AS (INSERT INTO {} SELECT {}, {} FROM d) SELECT {} FROM d",
            numbered.chain(keys).collect::<Vec<_>>().join(", "),
            self.key_relation(child),
            key_names.join(", "),
            step.generation,
            names.join(", "),
        )
        .into()
    }

    /// The rows that a change concerns: what identifies them, the values that it overwrites, and what
    /// it writes.
    pub fn read_unlinked(&self, change: &Change) -> Statement {
        let table = change.table;
        let old = |column: &'a Column| (format!("c.{}", quote(&column.name)), column);
        let written = self.written(change);
        let mut values: Vec<(String, &Column)> =
            self.lasting_identity(table).into_iter().map(old).collect();
        values.extend(written.iter().map(|column| old(column)));
        values.extend(written.iter().map(|column| {
            let new = self.new_value(change, &column.name, "c");
            (self.as_stored(column, new), *column)
        }));
        format!(
            "SELECT {} FROM {} w JOIN {} c ON {}",
            self.kept_values(&values).join(", "),
            self.changed_once(change),
            self.relation(table),
            self.same_row(table, "w", "c"),
        )
        .into()
    }

    /// The columns that a change writes.
    pub fn written(&self, change: &Change) -> Vec<&'a Column> {
        let names = self.written_columns(change);
        names.into_iter().map(|name| self.column(change.table, name)).collect()
    }
}
