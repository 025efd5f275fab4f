//! Questions without key tables: what still exists, what still names a key.

use super::selection::bound_type;
use super::{Dialect, Sql, Statement, quote};
use crate::catalog::{Origin, ReferenceId, TableId};
use crate::selection::{Root, Selection};

impl Sql<'_> {
    /// Key, name and age of the selected root rows.
    pub fn find_roots(&self, root: &Root, selection: &Selection) -> Statement {
        let mut statement = Statement::from(format!(
            "SELECT {} FROM {} c WHERE ",
            self.root_columns(root),
            self.relation(root.table)
        ));
        statement.append(&self.selected(root, selection));
        statement.push(&format!(" ORDER BY {}", self.identity_values(root.table, "c").join(", ")));
        statement
    }

    /// Per reference to the root's key: its name, and a count of the rows that name one of `ids`.
    pub fn rows_naming(&self, root: &Root, ids: &[String]) -> Vec<(String, Statement)> {
        let Some(key) = root.key.as_ref().filter(|_| !ids.is_empty()) else {
            return Vec::new();
        };
        let names_it = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            reference.parent == root.table && reference.parent_columns == [key.clone()]
        };
        let question = |id: ReferenceId| {
            let reference = self.catalog.reference(id);
            let as_text = reference.declaration.as_text;
            let column = format!("c.{}", quote(&reference.columns[0]));
            if self.dialect == Dialect::Postgres {
                return (self.catalog.reference_arrow(id), self.rows_naming_by(id, key, ids));
            }
            let mut statement = Statement::from(format!(
                "SELECT {} FROM {} c WHERE {} IN (",
                self.dialect.as_text("count(*)"),
                self.child_relation(id),
                match as_text {
                    true => {
                        let own = self.column(reference.child, &reference.columns[0]);
                        self.dialect.exact_text(&column, &own.type_name)
                    }
                    false => column,
                }
            ));
            for (n, value) in ids.iter().enumerate() {
                statement.push(if n > 0 { ", " } else { "" }).bind(value);
            }
            statement.push(")");
            if let Some(condition) = self.discriminated(id, &|name| format!("c.{}", quote(name))) {
                statement.push(&format!(" AND {condition}"));
            }
            (self.catalog.reference_arrow(id), statement)
        };
        self.catalog.reference_ids().filter(names_it).map(question).collect()
    }

    /// A count of the rows that name one of `ids` by `id`, as the reference itself compares (PostgreSQL).
    fn rows_naming_by(&self, id: ReferenceId, key: &str, ids: &[String]) -> Statement {
        let reference = self.catalog.reference(id);
        let type_name = match reference.declaration.as_text {
            true => "pg_catalog.text".into(),
            false => bound_type(self.column(reference.parent, key)),
        };
        let mut statement = Statement::from(format!(
            "SELECT {} FROM {} c WHERE EXISTS (SELECT 1 FROM (VALUES ",
            self.dialect.as_text("count(*)"),
            self.child_relation(id),
        ));
        for (n, value) in ids.iter().enumerate() {
            statement.push(if n > 0 { ", (" } else { "(" }).bind(value);
            statement.push(&format!("::pg_catalog.text::{type_name})"));
        }
        let column = format!("c.{}", quote(&reference.columns[0]));
        let equal = match reference.declaration.as_text {
            true => {
                let own = self.column(reference.child, &reference.columns[0]);
                let text = self.dialect.exact_text(&column, &own.type_name);
                format!("v.key {} {text}", self.dialect.operator("="))
            }
            false => self.equal(id, 0, "v.key".into(), column),
        };
        statement.push(&format!(") v(key) WHERE {equal})"));
        if let Some(condition) = self.discriminated(id, &|name| format!("c.{}", quote(name))) {
            statement.push(&format!(" AND {condition}"));
        }
        statement
    }

    /// Per reference to `parent` that the engine does not vouch for: a count of the rows that name
    /// no row of it. SQLite vouches for nothing: its checks are a setting of each connection.
    pub fn rows_naming_nobody(&self, parent: TableId) -> Vec<(String, Statement)> {
        let doubtful = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            let vouched = reference.enforced && reference.validated;
            reference.parent == parent
                && reference.declaration.origin != Origin::Inverse
                && (self.dialect == Dialect::Sqlite || !vouched)
        };
        let question = |id: ReferenceId| {
            let statement = format!(
                "SELECT {} FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} r WHERE {})",
                self.dialect.as_text("count(*)"),
                self.child_relation(id),
                self.row_names_somebody(id, "c"),
                self.relation(parent),
                self.names_row(id, "r", "c"),
            );
            (self.catalog.reference_arrow(id), statement.into())
        };
        self.catalog.reference_ids().filter(doubtful).map(question).collect()
    }
}
