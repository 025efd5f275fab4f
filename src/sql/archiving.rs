//! Reading whole rows, losslessly, as they go into an archive.

use super::{Follow, Sql};
use crate::catalog::{Column, ReferenceId, TableId};
use crate::engine::{Dialect, Statement, quote};
use crate::findings::Change;

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

    pub(super) fn archived_values(&self, table: TableId, alias: &str) -> Vec<String> {
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
        let all: Vec<&str> = values.iter().map(|it| it.0.as_str()).collect();
        kept.push(self.dialect.as_text(&self.dialect.count_of_nulls(&all)));
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
        let text =
            |(column, type_name): (String, String)| self.dialect.identity_text(&column, &type_name);
        let columns: Vec<String> = columns.map(text).collect();
        self.said(format!("SELECT {} FROM {relation}", columns.join(", ")))
    }

    /// The rows of one table's key table, whole.
    pub fn read_rows(&self, table: TableId) -> Statement {
        let mut values = self.archived_values(table, "c");
        if let Some(name) = self.table(table).hidden_rowid() {
            values.insert(values.len() - 1, self.dialect.as_text(&format!("c.{name}")));
        }
        self.said(format!("SELECT {} FROM {}", values.join(", "), self.keyed_rows(table)))
    }

    /// The rows `c` of one table's key table.
    fn keyed_rows(&self, table: TableId) -> String {
        let (keys, relation) = (self.key_relation(table), self.relation(table));
        let same = self.same_row(table, "k", "c");
        match self.dialect {
            // SQLite has no statistics of temporary tables.
            Dialect::Sqlite => format!("{keys} k CROSS JOIN {relation} c WHERE {same}"),
            Dialect::Postgres => format!("{keys} k JOIN {relation} c ON {same}"),
            // Without a key, rows that are alike are in the key table as often as in their own.
            Dialect::Mysql(_) if self.has_twins(table) => {
                format!("{relation} c WHERE EXISTS (SELECT 1 FROM {keys} k WHERE {same})")
            }
            Dialect::Mysql(_) => format!("{keys} k STRAIGHT_JOIN {relation} c ON {same}"),
        }
    }

    /// Of the rows of one table's key table those that name nobody, counted by each foreign key for which the engine
    /// does not vouch: its checks may have been off, or came later than the rows. One reading of the rows for all of them.
    pub fn dangling_rows(&self, table: TableId) -> Option<(Vec<ReferenceId>, Statement)> {
        let may_dangle = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            let parent = self.table(reference.parent);
            let vouched = self.dialect == Dialect::Postgres && reference.validated;
            (reference.child == table && reference.is_constraint() && reference.enforced)
                && !vouched
                && (parent.privileges.select && !parent.row_security)
                && self.unlike(*id).is_none()
        };
        let count = |id: &ReferenceId| {
            let dangles = format!(
                "{} AND NOT EXISTS (SELECT 1 FROM {} r WHERE {})",
                self.row_names_somebody(*id, "c"),
                self.relation(self.catalog.reference(*id).parent),
                self.names_row(*id, "r", "c"),
            );
            let count = self.dialect.function("count");
            self.dialect.as_text(&format!("{count}(CASE WHEN {dangles} THEN 1 END)"))
        };
        let ids: Vec<ReferenceId> = self.catalog.reference_ids().filter(may_dangle).collect();
        let counts: Vec<String> = ids.iter().map(count).collect();
        let rows = self.keyed_rows(table);
        (!ids.is_empty())
            .then(|| (ids, self.said(format!("SELECT {} FROM {rows}", counts.join(", ")))))
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
        let delete = self.delete_children_by(step);
        if !keep {
            let values = self.archived_values(child, "c");
            return format!("{delete} RETURNING {}", values.join(", ")).into();
        }
        // Between the two that read them rows are as the engine has them, which is shorter than their texts.
        let columns = self.archived_columns(child).into_iter().enumerate();
        let (own, values): (Vec<String>, Vec<(String, &Column)>) = columns
            .map(|(n, column)| {
                (format!("c.{} AS v{n}", quote(&column.name)), (format!("d.v{n}"), column))
            })
            .unzip();
        let keys = self.key_values(child, "c");
        let key_names: Vec<String> = (0..keys.len()).map(|n| format!("c{n}")).collect();
        self.said(format!(
            "WITH d AS ({delete} RETURNING {}), k AS (INSERT INTO {} SELECT {}, {} FROM d) SELECT {} FROM d",
            own.into_iter().chain(keys).collect::<Vec<_>>().join(", "),
            self.key_relation(child),
            key_names.join(", "),
            step.generation,
            self.kept_values(&values).join(", "),
        ))
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
        self.said(format!(
            "SELECT {} FROM {} w JOIN {} c ON {}",
            self.kept_values(&values).join(", "),
            self.changed_once(change),
            self.relation(table),
            self.same_row(table, "w", "c"),
        ))
    }

    /// The columns that a change writes.
    pub fn written(&self, change: &Change) -> Vec<&'a Column> {
        let names = self.written_columns(change);
        names.into_iter().map(|name| self.column(change.table, name)).collect()
    }
}
