//! A self-reference followed down to its end in one statement, and those rows held.

use super::{Follow, Sql};
use crate::catalog::{Key, KeyComparison, ReferenceId, TableId};
use crate::engine::{Dialect, Server, Statement};

impl Sql<'_> {
    /// All that hangs below a row by this reference can be found in one statement: it leads from a table into itself,
    /// each row names one parent, by values of one kind, and an index finds the children.
    pub fn descends(&self, id: ReferenceId) -> bool {
        let reference = self.catalog.reference(id);
        let table = self.table(reference.parent);
        let alike = |(key, column): (&String, &String)| {
            let key = self.column(reference.parent, key);
            let own = self.column(reference.child, column);
            let types = self.dialect == Dialect::Sqlite || key.type_name == own.type_name;
            types && key.collation == own.collation
        };
        // PostgreSQL's key table gets an index of the default operator class.
        let indexed = |key: &Key| {
            key.comparisons.iter().all(|comparison| *comparison == KeyComparison::default())
        };
        reference.child == reference.parent
            && reference.partition.is_none()
            && reference.index.is_some()
            && !reference.declaration.as_text
            && !self.has_twins(reference.child)
            && !table.has_nameless_rows()
            && table.identifying_key().is_none_or(indexed)
            && self.catalog.names_one(id)
            && self.is_looked_up(id)
            && reference.parent_columns.iter().zip(&reference.columns).all(alike)
    }

    /// Adds the rows that name a parent found after generation `since`, those that name these, and so on. A row's `gen`
    /// is that of its parent and one: no row is met twice, for it names one parent, and none is followed that is known.
    pub fn descend(&self, step: &Follow) -> Statement {
        let child = self.catalog.reference(step.reference).child;
        let target = self.key_target(child);
        let keys = self.key_relation(child);
        let newer = format!(" AND p.gen {} {}", self.dialect.operator(">"), step.since);
        let is_new = |offset: &str| self.is_new(step, offset);
        let number = step.generation.to_string();
        let first = self.step_down(step.reference, (&keys, &newer), &number, is_new);
        let next = format!("p.gen {} 1", self.dialect.operator("+"));
        let further = self.step_down(step.reference, ("d", ""), &next, is_new);
        let columns = self.key_columns(child).join(", ");
        // PostgreSQL would add the first rows while it looks for the others, and read them for each of these.
        let after = if self.dialect == Dialect::Postgres { " ORDER BY d.gen" } else { "" };
        let said = self.said(format!(
            "INSERT INTO {target} WITH RECURSIVE d({columns}, gen) AS ({first} UNION ALL {further}) SELECT d.* FROM d{after}"
        ));
        said.between(self.before_descent(child).into_iter().collect(), Vec::new())
    }

    /// Each step asks the key table, which has an index from the start but on PostgreSQL; and a server of MySQL's protocol
    /// ends after so many steps, MariaDB without a word.
    pub(super) fn before_descent(&self, table: TableId) -> Option<String> {
        match self.dialect {
            Dialect::Postgres => self.index_rows(table, &self.key_table(table).name),
            Dialect::Mysql(Server::MariaDb) => {
                Some("SET SESSION max_recursive_iterations = 4294967295".to_owned())
            }
            Dialect::Mysql(Server::MySql) => {
                Some("SET SESSION cte_max_recursion_depth = 4294967295".to_owned())
            }
            Dialect::Sqlite => None,
        }
    }

    /// The rows that name one of `parents` by `id` and are new: for which `is_new`, given what an engine's sub-queries end
    /// with, says so.
    pub(super) fn step_down(
        &self,
        id: ReferenceId,
        (parents, newer): (&str, &str),
        number: &str,
        is_new: impl Fn(&str) -> Vec<String>,
    ) -> String {
        let values = self.key_values(self.catalog.reference(id).child, "c").join(", ");
        match self.dialect {
            // Its planner guesses how many rows a step has: OFFSET keeps it from reading all of a table for each.
            Dialect::Postgres => format!(
                "SELECT n.*, {number} FROM {parents} p CROSS JOIN LATERAL (SELECT {values} FROM {} c WHERE {} AND \
                 {} OFFSET 0) n WHERE true{newer}",
                self.child_relation(id),
                self.names_key(id, "p", "c"),
                is_new(" OFFSET 0").join(" AND "),
            ),
            Dialect::Sqlite | Dialect::Mysql(_) => format!(
                "SELECT {values}, {number} FROM {} WHERE {}{newer}",
                self.children_of(id, parents),
                is_new("").join(" AND "),
            ),
        }
    }

    /// The row `c` is not known yet, and not to be left out.
    fn is_new(&self, step: &Follow, offset: &str) -> Vec<String> {
        let child = self.catalog.reference(step.reference).child;
        let known = std::iter::once_with(|| (self.key_relation(child), "k"));
        let out = step.excluding.then(|| (self.excluded(step.reference), "x"));
        let is_in_none = |(rows, alias): (String, &str)| {
            let same = self.same_row(child, alias, "c");
            format!("NOT EXISTS (SELECT 1 FROM {rows} {alias} WHERE {same}{offset})")
        };
        known.chain(out).map(is_in_none).collect()
    }

    /// Locks the rows that were found so, from this generation on, as far as they still name a row found before them,
    /// and counts these.
    pub fn lock_descent(&self, step: &Follow) -> Statement {
        let child = self.catalog.reference(step.reference).child;
        let join = self.dialect.ordered_join();
        let [keys, parents] = [(); 2].map(|()| self.key_relation(child));
        self.said(format!(
            "SELECT {} FROM (SELECT 1 FROM {keys} k {join} {} c ON {} {join} {parents} p ON {} WHERE {}{}) l",
            self.dialect.count(),
            self.child_relation(step.reference),
            self.same_row(child, "k", "c"),
            self.names_key(step.reference, "p", "c"),
            self.found_later(step),
            self.dialect.for_update("c", true),
        ))
    }

    /// Deletes the same rows, and returns them for an archive (PostgreSQL).
    pub fn delete_descent(&self, step: &Follow, archived: bool) -> Statement {
        let child = self.catalog.reference(step.reference).child;
        let keys = self.key_relation(child);
        let values = archived.then(|| self.archived_values(child, "c").join(", "));
        let returning = values.map(|values| format!(" RETURNING {values}")).unwrap_or_default();
        self.said(format!(
            "DELETE FROM {} c USING {keys} k, {keys} p WHERE {} AND {} AND {}{returning}",
            self.child_relation(step.reference),
            self.same_row(child, "k", "c"),
            self.names_key(step.reference, "p", "c"),
            self.found_later(step),
        ))
    }

    /// How many rows of the closure hang below each other by this reference from a table into itself, at most (SQLite).
    pub fn deepest(&self, id: ReferenceId) -> Statement {
        let (depths, deepest) = (self.depths(id), self.dialect.as_text("coalesce(max(d.gen), 0)"));
        self.said(format!("{depths} SELECT {deepest} FROM d"))
    }

    /// Writes how deep each of them hangs in the place of what found it (SQLite).
    pub fn number_by_depth(&self, id: ReferenceId) -> Statement {
        let table = self.catalog.reference(id).child;
        self.said(format!(
            "{} UPDATE {} AS k SET gen = d.gen FROM d WHERE {}",
            self.depths(id),
            self.key_target(table),
            self.same_key(table, "d", "k"),
        ))
    }

    /// The rows `d` of a key table with their depth, those that hang in a circle left out. Each names one other row at most:
    /// no way down comes back.
    fn depths(&self, id: ReferenceId) -> String {
        let table = self.catalog.reference(id).child;
        let (keys, columns) = (self.key_relation(table), self.key_columns(table).join(", "));
        let values: Vec<String> =
            self.key_columns(table).iter().map(|column| format!("k.{column}")).collect();
        let (values, rows) = (values.join(", "), self.child_relation(id));
        let (same, names) = (self.same_row(table, "k", "c"), self.names_key(id, "p", "c"));
        format!(
            "WITH RECURSIVE d({columns}, gen) AS (SELECT {values}, 1 FROM {keys} k WHERE NOT EXISTS \
             (SELECT 1 FROM {rows} c JOIN {keys} p ON {names} WHERE {same} AND NOT ({})) \
             UNION ALL SELECT {values}, d.gen + 1 FROM d JOIN {rows} c ON {} JOIN {keys} k ON {same} \
             WHERE NOT ({}))",
            self.same_key(table, "p", "k"),
            self.names_key(id, "d", "c"),
            self.same_key(table, "d", "k"),
        )
    }

    /// The last generation of rows in the key table of `table`.
    pub fn last_generation(&self, table: TableId) -> Statement {
        let last = self.dialect.as_text("coalesce(max(k.gen), 0)");
        self.said(format!("SELECT {last} FROM {} k", self.key_relation(table)))
    }

    /// Deletes the rows of one table's key table that were found after this generation (SQLite).
    pub fn delete_found_after(&self, table: TableId, generation: u64) -> Statement {
        let rows = self.identity_values(table, "c").join(", ");
        let columns = self.key_table(table).identity_columns().join(", ");
        let (relation, keys) = (self.relation(table), self.key_relation(table));
        self.said(format!(
            "DELETE FROM {relation} AS c WHERE ({rows}) IN (SELECT {columns} FROM {keys} WHERE gen > {generation})"
        ))
    }

    /// The row `k` was found by this step, and its parent `p` before it.
    fn found_later(&self, step: &Follow) -> String {
        let [least, less] = [">=", "<"].map(|operator| self.dialect.operator(operator));
        format!("k.gen {least} {} AND p.gen {less} k.gen", step.generation)
    }
}
