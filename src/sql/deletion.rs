//! Removing the closure, and proving that it is gone.

use super::{Follow, Sql};
use crate::catalog::{ReferenceId, TableId, TableName};
use crate::engine::{Dialect, Statement, quote};
use crate::label::printable;

impl Sql<'_> {
    /// Keeps others from adding references to these tables while rows go (`ALTER TABLE … ADD
    /// FOREIGN KEY` takes SHARE ROW EXCLUSIVE on both ends). The mode is that of a DELETE.
    pub fn lock_tables(&self, tables: &[TableId]) -> Option<String> {
        let names: Vec<String> = tables.iter().map(|table| self.relation(*table)).collect();
        match self.dialect {
            _ if tables.is_empty() => None,
            Dialect::Sqlite => None,
            Dialect::Postgres => {
                Some(format!("LOCK TABLE {} IN ROW EXCLUSIVE MODE", names.join(", ")))
            }
            // Whatever reads a table keeps its definition until the transaction ends (LOCK TABLES would
            // commit): https://mariadb.com/kb/en/metadata-locking/
            Dialect::Mysql(_) => {
                let hold = |name: &String| format!("DO (SELECT 1 FROM {name} WHERE 1 = 0)");
                Some(names.iter().map(hold).collect::<Vec<_>>().join("; "))
            }
        }
    }

    /// InnoDB's estimate of the bytes of a row.
    pub fn average_row_length(&self, table: TableId) -> Statement {
        let TableName { schema, name, .. } = &self.table(table).name;
        let schema =
            schema.as_ref().map_or("database()".into(), |schema| self.dialect.literal(schema));
        format!(
            "SELECT CAST(coalesce(max(avg_row_length), 0) AS CHAR) FROM information_schema.tables \
             WHERE table_schema = {schema} AND table_name = {}",
            self.dialect.literal(name)
        )
        .into()
    }

    /// Deletes the rows of one table's key table.
    pub fn delete(&self, table: TableId) -> Statement {
        let (relation, keys) = (self.relation(table), self.key_relation(table));
        let same = self.same_row(table, "k", "c");
        match self.dialect {
            Dialect::Postgres => {
                self.said(format!("DELETE FROM {relation} c USING {keys} k WHERE {same}"))
            }
            Dialect::Mysql(_) => {
                self.said(format!("DELETE c FROM {keys} k STRAIGHT_JOIN {relation} c ON {same}"))
            }
            Dialect::Sqlite => {
                let rows = self.identity_values(table, "c").join(", ");
                let columns = self.key_table(table).identity_columns().join(", ");
                self.said(format!(
                    "DELETE FROM {relation} AS c WHERE ({rows}) IN (SELECT {columns} FROM {keys})"
                ))
            }
        }
    }

    /// Deletes the rows that name a parent found since, and puts their keys, as `keep` says, into
    /// their key table (PostgreSQL): rows that are gone are never found twice.
    pub fn delete_children(&self, step: &Follow, keep: bool) -> Statement {
        if self.dialect.keeps_deleted_keys() {
            self.delete_child_rows(step, keep)
        } else {
            self.delete_unseen_children(step)
        }
    }

    fn delete_unseen_children(&self, step: &Follow) -> Statement {
        let child = self.catalog.reference(step.reference).child;
        let rows = self.identity_values(child, "c").join(", ");
        let since =
            if step.since > 0 { format!(" WHERE p.gen > {}", step.since) } else { String::new() };
        let found = format!("{}{since}", self.children(step.reference));
        self.said(match self.dialect {
            Dialect::Mysql(_) => format!("DELETE c FROM {found}"),
            _ => format!(
                "DELETE FROM {} AS c WHERE ({rows}) IN (SELECT {rows} FROM {found})",
                self.relation(child)
            ),
        })
    }

    fn delete_child_rows(&self, step: &Follow, keep: bool) -> Statement {
        let reference = self.catalog.reference(step.reference);
        let delete = self.delete_children_by(step);
        if keep {
            self.said(format!(
                "WITH d AS ({delete} RETURNING {}) INSERT INTO {} SELECT d.*, {} FROM d",
                self.key_values(reference.child, "c").join(", "),
                self.key_relation(reference.child),
                step.generation,
            ))
        } else {
            delete.into()
        }
    }

    /// Deletes the rows that name a parent found since (PostgreSQL).
    pub(super) fn delete_children_by(&self, step: &Follow) -> String {
        let reference = self.catalog.reference(step.reference);
        let newer = self.dialect.operator(">");
        let since = match step.since {
            0 => String::new(),
            since => format!(" AND p.gen {newer} {since}"),
        };
        format!(
            "DELETE FROM {} c USING {} p WHERE {}{since}",
            self.child_relation(step.reference),
            self.key_relation(reference.parent),
            self.names_key(step.reference, "p", "c"),
        )
    }

    /// Deletes a cycle of tables in one statement, whose checks come at its end: it passes NOT
    /// NULL, non-deferrable and RESTRICT cycles without DDL (DESIGN 4). One count per table.
    pub fn delete_together(&self, tables: &[TableId]) -> Statement {
        let delete = |(n, table): (usize, &TableId)| {
            format!("d{n} AS ({} RETURNING 1)", self.delete(*table).inlined(self.dialect))
        };
        let deletes: Vec<String> = tables.iter().enumerate().map(delete).collect();
        let count = |n: usize| format!("(SELECT {} FROM d{n})", self.dialect.count());
        let counts: Vec<String> = (0..tables.len()).map(count).collect();
        format!("WITH {} SELECT {}", deletes.join(", "), counts.join(", ")).into()
    }

    /// Deletes those rows of one table's key table that no row names, by `references`, any more
    /// (MariaDB, which checks row by row, and lets no row go that names itself): to be repeated.
    pub fn delete_leaves(&self, table: TableId, references: &[ReferenceId]) -> Statement {
        let (mut joins, mut conditions) = (String::new(), Vec::new());
        for (n, id) in references.iter().enumerate() {
            let alias = format!("d{n}");
            let on = self.names_row(*id, "c", &alias);
            joins += &format!(" LEFT JOIN {} {alias} ON {on}", self.child_relation(*id));
            let column = &self.catalog.reference(*id).columns[0];
            conditions.push(format!("{alias}.{} IS NULL", quote(column)));
        }
        self.said(format!(
            "DELETE c FROM {} k STRAIGHT_JOIN {} c ON {}{joins} WHERE {}",
            self.key_relation(table),
            self.relation(table),
            self.same_row(table, "k", "c"),
            conditions.join(" AND ")
        ))
    }

    /// Takes rows out of a key table that are named, by `id`, by a row which does not go. `known`: the
    /// child has a key table.
    pub fn prune(&self, id: ReferenceId, known: bool) -> Statement {
        self.take_out(self.catalog.reference(id).parent, || self.is_held(id, known))
    }

    /// Takes the rows `k` of which this holds out of a key table. It is put together once that table is written to.
    pub(super) fn take_out(&self, table: TableId, which: impl FnOnce() -> String) -> Statement {
        let (target, which) = (self.key_target(table), which());
        self.said(match self.dialect {
            // A table that rows go from may be read in a derived table only (error 1093).
            Dialect::Mysql(_) => format!(
                "DELETE k FROM {target} k JOIN (SELECT DISTINCT {} FROM {} k WHERE {which}) h ON {}",
                self.key_table(table).identity_columns().join(", "),
                self.key_relation(table),
                self.same_key(table, "k", "h"),
            ),
            _ => format!("DELETE FROM {target} AS k WHERE {which}"),
        })
    }

    /// How many rows of a key table are so named.
    pub fn count_held(&self, id: ReferenceId, known: bool) -> Statement {
        let keys = self.key_relation(self.catalog.reference(id).parent);
        let count = self.dialect.count();
        self.said(format!("SELECT {count} FROM {keys} AS k WHERE {}", self.is_held(id, known)))
    }

    fn is_held(&self, id: ReferenceId, known: bool) -> String {
        let child = self.catalog.reference(id).child;
        let stays = if known {
            format!(
                " AND NOT EXISTS (SELECT 1 FROM {} x WHERE {})",
                self.key_relation(child),
                self.same_row(child, "x", "c")
            )
        } else {
            String::new()
        };
        format!(
            "EXISTS (SELECT 1 FROM {} c WHERE {}{stays})",
            self.child_relation(id),
            self.names_key(id, "k", "c")
        )
    }

    pub fn count_keys(&self, table: TableId) -> Statement {
        self.said(format!("SELECT {} FROM {}", self.dialect.count(), self.key_relation(table)))
    }

    /// How many rows of the closure are still in their table.
    pub fn count_left(&self, table: TableId) -> Statement {
        self.said(format!(
            "SELECT {} FROM {} k JOIN {} c ON {}",
            self.dialect.count(),
            self.key_relation(table),
            self.relation(table),
            self.same_row(table, "k", "c")
        ))
    }

    /// How many rows name a deleted key, per reference. A plain count: EXISTS tempts the planner
    /// into loops that run for minutes (DESIGN 7).
    pub fn count_dangling(&self, references: &[ReferenceId]) -> Vec<Statement> {
        let one = |id: &ReferenceId| {
            let (id_text, count) = (self.dialect.as_text(&id.0.to_string()), self.dialect.count());
            format!("SELECT {id_text}, {count} FROM {}", self.children(*id))
        };
        self.together(references, one)
    }
}

impl Sql<'_> {
    /// For scripts: fails unless the key table of `table` has so many rows.
    pub fn assert_count(&self, table: TableId, rows: u64) -> String {
        let keys = self.temporary(&self.key_table(table).name);
        match self.dialect {
            Dialect::Postgres => format!(
                "DO $$ BEGIN IF (SELECT count(*) FROM {keys}) <> {rows} THEN \
                 RAISE EXCEPTION 'the data moved since the preview: table {}'; END IF; END $$",
                printable(&self.table(table).name.to_string())
                    .replace('\'', "''")
                    .replace('$', "")
                    .replace('%', "%%")
            ),
            // The only way to raise outside a trigger: a CHECK that does not hold.
            Dialect::Sqlite => format!(
                "CREATE TEMP TABLE orgsweep_count{} (rows CHECK (rows = {rows})); \
                 INSERT INTO orgsweep_count{} SELECT count(*) FROM {keys}",
                table.0, table.0
            ),
            Dialect::Mysql(_) => {
                let own = self.own(&format!("orgsweep_count{}", table.0));
                format!(
                    "CREATE TEMPORARY TABLE {own} (found BIGINT CHECK (found = {rows})); \
                     INSERT INTO {own} SELECT count(*) FROM {keys}"
                )
            }
        }
    }
}
