//! Questions without key tables: what still exists, what still names a key.

use super::affinities::compares_plainly;
use super::selection::as_blob;
use super::{Dialect, Sql, Statement, quote};
use crate::catalog::{Affinity, Origin, ReferenceId, TableId};
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
            let mut statement = Statement::from(format!(
                "SELECT {} FROM {} c WHERE ",
                self.dialect.as_text("count(*)"),
                self.child_relation(id),
            ));
            statement.append(&self.names_any(root.table, key, id, ids));
            if let Some(condition) = self.discriminated(id, &|name| format!("c.{}", quote(name))) {
                statement.push(&format!(" AND {condition}"));
            }
            (self.catalog.reference_arrow(id), statement)
        };
        self.catalog.reference_ids().filter(names_it).map(question).collect()
    }

    /// The row `c` names one of `ids` by the reference `id` to the root's key.
    fn names_any(&self, root: TableId, key: &str, id: ReferenceId, ids: &[String]) -> Statement {
        let reference = self.catalog.reference(id);
        let as_text = reference.declaration.as_text;
        let column = format!("c.{}", quote(&reference.columns[0]));
        let declared = self.column(root, key);
        let unlike = declared.affinity == Affinity::Blob || !compares_plainly(self.catalog, id, 0);
        if self.dialect == Dialect::Sqlite && unlike && !as_text {
            return self.names_any_unlike(id, declared.affinity, ids);
        }
        let left = if as_text { self.dialect.exact_text(&column) } else { column };
        let mut condition = Statement::from(format!("{left} IN ("));
        for (n, value) in ids.iter().enumerate() {
            condition.push(if n > 0 { ", " } else { "" }).bind(value);
            if self.dialect == Dialect::Postgres && !as_text {
                condition.push(&format!("::text::{}", declared.type_name));
            }
            if let Some(blob) = as_blob(value).filter(|_| self.dialect == Dialect::Sqlite) {
                condition.push(&format!(", {blob}"));
            }
        }
        condition.push(")");
        condition
    }

    /// The same where SQLite would not compare the texts that `ids` are as it compares the key.
    fn names_any_unlike(&self, id: ReferenceId, key: Affinity, ids: &[String]) -> Statement {
        let reference = self.catalog.reference(id);
        let column = format!("c.{}", quote(&reference.columns[0]));
        let mut condition = Statement::from("(");
        for (n, value) in ids.iter().enumerate() {
            condition.push(if n > 0 { " OR " } else { "" });
            match key {
                Affinity::Blob => {
                    let shown = self.shown(reference.child, &reference.columns[0], "c");
                    condition.push(&format!("{shown} = ")).bind(value);
                }
                Affinity::Text => {
                    condition.push("CAST(").bind(value).push(&format!(" AS TEXT) = +{column}"));
                    let blob = as_blob(value).map(|blob| format!(" OR {column} = {blob}"));
                    condition.push(&blob.unwrap_or_default());
                }
                // A text that is no number is only its like.
                _ => {
                    condition.push(&format!("{column} = ")).bind(value);
                    condition.push(&format!(" OR +{column} = CAST(")).bind(value);
                    condition.push(" AS NUMERIC) AND ").bind(value);
                    condition.push(" = CAST(").bind(value).push(" AS NUMERIC)");
                }
            }
        }
        condition.push(")");
        condition
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
