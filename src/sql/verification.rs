//! Questions without key tables: what still exists, what still names a key.

use super::Sql;
use super::affinities::compares_plainly;
use super::meaning::typed;
use super::selection::{as_blob, bound_type, key_values};
use crate::catalog::{Affinity, Origin, ReferenceId, TableId};
use crate::engine::{Dialect, Statement, quote};
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

    /// The first of those.
    pub fn find_first_roots(&self, root: &Root, selection: &Selection, limit: u64) -> Statement {
        let mut statement = self.find_roots(root, selection);
        statement.push(&format!(" LIMIT {limit}"));
        statement
    }

    /// How many they are.
    pub fn count_roots(&self, root: &Root, selection: &Selection) -> Statement {
        let (count, relation) = (self.dialect.count(), self.relation(root.table));
        let mut statement = Statement::from(format!("SELECT {count} FROM {relation} c WHERE "));
        statement.append(&self.selected(root, selection));
        statement
    }

    /// The same of any root rows, so many at most.
    pub fn some_roots(&self, root: &Root, most: usize) -> Statement {
        let (columns, relation) = (self.root_columns(root), self.relation(root.table));
        format!("SELECT {columns} FROM {relation} c LIMIT {most}").into()
    }

    /// How many rows a table has; of more than `most` it is told no more.
    pub fn rows_up_to(&self, table: TableId, most: u64) -> Statement {
        let (count, relation) = (self.dialect.count(), self.relation(table));
        format!("SELECT {count} FROM (SELECT 1 FROM {relation} c LIMIT {most}) l").into()
    }

    /// Per reference to the root's key, scope columns too, and a count of the rows that name one of `ids`.
    pub fn naming(
        &self,
        root: &Root,
        ids: &[String],
        references: &mut dyn Iterator<Item = ReferenceId>,
    ) -> Vec<(ReferenceId, Statement)> {
        let [key] = &root.key[..] else {
            return self.naming_parts(root, ids, references);
        };
        if ids.is_empty() {
            return Vec::new();
        }
        let names_it = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            reference.parent == root.table && reference.parent_columns == [key.clone()]
        };
        let question = |id: ReferenceId| {
            let mut statement = Statement::from(format!(
                "SELECT {} FROM {} c WHERE (",
                self.dialect.count(),
                self.child_relation(id),
            ));
            let (declared, reference) = (self.column(root.table, key), self.catalog.reference(id));
            let unlike =
                declared.affinity == Affinity::Blob || !compares_plainly(self.catalog, id, 0);
            if self.dialect == Dialect::Sqlite && unlike && !reference.declaration.as_text {
                statement.append(&self.names_any_unlike(id, declared.affinity, ids));
            } else {
                for (n, value) in ids.iter().enumerate() {
                    statement.push(if n > 0 { " OR " } else { "" });
                    statement.append(&self.names_key_of(id, key, value));
                }
            }
            statement.push(")");
            if let Some(condition) = self.discriminated(id, &|name| format!("c.{}", quote(name))) {
                statement.push(&format!(" AND {condition}"));
            }
            (id, statement)
        };
        references.filter(names_it).map(question).collect()
    }

    /// The same of a key of several columns.
    fn naming_parts(
        &self,
        root: &Root,
        ids: &[String],
        references: &mut dyn Iterator<Item = ReferenceId>,
    ) -> Vec<(ReferenceId, Statement)> {
        let names_it = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            let named = &reference.parent_columns;
            reference.parent == root.table
                && !ids.is_empty()
                && named.len() == root.key.len()
                && root.key.iter().all(|column| named.contains(column))
        };
        let question = |id: ReferenceId| {
            let reference = self.catalog.reference(id);
            let count = self.dialect.count();
            let mut statement = Statement::from(format!(
                "SELECT {count} FROM {} c WHERE (",
                self.child_relation(id)
            ));
            for (n, value) in ids.iter().enumerate() {
                statement.push(if n > 0 { ") OR (" } else { "(" });
                for (m, (key, part)) in key_values(root, value).iter().enumerate() {
                    let named = reference.parent_columns.iter().position(|name| name == key);
                    let column = &reference.columns[named.unwrap_or_default()];
                    statement.push(if m > 0 { " AND " } else { "" });
                    statement.append(&self.value_is(reference.child, column, part));
                }
            }
            statement.push("))");
            if let Some(condition) = self.discriminated(id, &|name| format!("c.{}", quote(name))) {
                statement.push(&format!(" AND {condition}"));
            }
            (id, statement)
        };
        references.filter(names_it).map(question).collect()
    }

    /// The same where SQLite would not compare the texts that `ids` are as it compares the key.
    fn names_any_unlike(&self, id: ReferenceId, key: Affinity, ids: &[String]) -> Statement {
        let reference = self.catalog.reference(id);
        let column = format!("c.{}", quote(&reference.columns[0]));
        let mut condition = Statement::from("(");
        for (n, value) in ids.iter().enumerate() {
            condition.push(if n > 0 { " OR " } else { "" });
            // The type is the key's: a key that has one of its own for each value compares it, too.
            let plain = typed(value).map_or(value.as_str(), |(text, _)| text);
            let value = if key == Affinity::Blob { value } else { plain };
            match key {
                Affinity::Blob => {
                    let (child, column) = (reference.child, &reference.columns[0]);
                    condition.append(&match typed(value) {
                        Some((text, kind)) => self.typed_is(child, column, kind, text),
                        None => self.reads(child, column, value),
                    });
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

    /// The row `c` names the key `value`: holds it exactly, or holds what the reference takes for it and names no
    /// other row by that ('E' names 'é' where nothing tells them apart, as long as there is no 'E').
    fn names_key_of(&self, id: ReferenceId, key: &str, value: &str) -> Statement {
        let reference = self.catalog.reference(id);
        let (child, column) = (reference.child, &reference.columns[0]);
        if reference.declaration.as_text {
            let (own, text) =
                (self.column(child, column), typed(value).map_or(value, |(text, _)| text));
            let (held, equals) = (format!("c.{}", quote(column)), self.dialect.operator("="));
            if self.holds_a_uuid(own, self.column(reference.parent, key)) {
                let held = self.dialect.output(&held, &own.type_name);
                let digits = text.to_lowercase().replace(['-', '{', '}'], "");
                let mut condition =
                    Statement::from(format!("{} {equals} ", self.plain_uuid(&held)));
                condition.bind(&digits);
                return condition;
            }
            let held = self.dialect.exact_text(&held, &own.type_name);
            let mut condition = Statement::from(format!("{held} {equals} "));
            condition.bind(text);
            return condition;
        }
        let mut condition = Statement::from("(");
        condition.append(&self.value_is(child, column, value)).push(" OR (");
        match self.dialect {
            Dialect::Postgres => {
                let bound = format!(
                    "\0::pg_catalog.text::{}",
                    bound_type(self.column(reference.parent, key))
                );
                let equal = self.equal(id, 0, bound, format!("c.{}", quote(column)));
                let (left, right) = equal.split_once('\0').expect("what is bound is in it");
                condition.push(left).bind(value).push(right);
            }
            Dialect::Sqlite | Dialect::Mysql(_) => {
                let held = format!("c.{}", quote(column));
                match self.in_the_keys_collation(id, 0, &held) {
                    Some(held) => condition.push(&format!("{held} = ")).bind(value),
                    None => condition.append(&self.value_is_like(child, column, value)),
                };
            }
        }
        condition.push(&format!(
            " AND NOT EXISTS (SELECT 1 FROM {} r WHERE {})))",
            self.relation(reference.parent),
            self.names_row(id, "r", "c"),
        ));
        condition
    }

    /// Per reference into the tables that a clean reaches, and that the engine does not vouch for: a count of the
    /// rows that name no row there. SQLite and MariaDB vouch for nothing: their checks are a setting of each session.
    /// Beside them the references whose tables cannot be read whole.
    pub fn rows_naming_nobody(&self) -> (Vec<(ReferenceId, Statement)>, Vec<String>) {
        let doubtful = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            let vouched = reference.enforced && reference.validated;
            self.plan.tables.contains(&reference.parent)
                && reference.declaration.origin != Origin::Inverse
                && (self.dialect != Dialect::Postgres || !vouched)
        };
        let question = |id: ReferenceId| {
            let statement = format!(
                "SELECT {} FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} r WHERE {})",
                self.dialect.count(),
                self.child_relation(id),
                self.row_names_somebody(id, "c"),
                self.relation(self.catalog.reference(id).parent),
                self.names_row(id, "r", "c"),
            );
            (id, statement.into())
        };
        let is_readable = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            [reference.child, reference.parent].iter().all(|table| {
                self.table(*table).privileges.select && !self.table(*table).row_security
            })
        };
        let (readable, unread): (Vec<_>, Vec<_>) =
            self.catalog.reference_ids().filter(doubtful).partition(is_readable);
        let unread = unread.into_iter().map(|id| self.catalog.reference_arrow(id));
        (readable.into_iter().map(question).collect(), unread.collect())
    }
}
