//! What constraints would say to unlinked rows, asked of the rows as they will be: nothing is written.

use super::Sql;
use crate::catalog::{Check, Column, Exclusion, Key, ReferenceId, TableId};
use crate::engine::mariadb::Family;
use crate::engine::{Dialect, Statement, quote, token};
use crate::findings::Change;

impl Sql<'_> {
    /// The rows of one unlink as they will be after all of them, under their own column names.
    fn unlinked_rows(&self, position: usize, change: &Change) -> String {
        let written = self.written_columns(change);
        let columns = self.table(change.table).columns.iter();
        let (computed, stored): (Vec<&Column>, Vec<&Column>) =
            columns.partition(|column| column.generation.is_some());
        let columns: Vec<String> = stored
            .iter()
            .map(|column| {
                let value = self.new_value(change, &column.name, "c");
                let written = written.contains(&column.name.as_str());
                let value = if written { self.as_stored(column, value) } else { value };
                format!("{value} AS {}", quote(&column.name))
            })
            .collect();
        let (path, fence) = self.under_their_path(change.table);
        let rows = format!(
            "SELECT {} FROM {} u JOIN {} w ON {} JOIN {} c ON {}{path}{fence}",
            columns.join(", "),
            self.kept(position),
            self.changed(change),
            self.same_key(change.table, "u", "w"),
            self.relation(change.table),
            self.same_row(change.table, "u", "c")
        );
        self.with_computed(change.table, rows, computed)
    }

    /// The same with generated columns, each after those that it is computed from. Expressions may name the table.
    fn with_computed(
        &self,
        table: TableId,
        mut rows: String,
        mut computed: Vec<&Column>,
    ) -> String {
        let table = quote(&self.table(table).name.name);
        while !computed.is_empty() {
            let names: Vec<&str> = computed.iter().map(|column| column.name.as_str()).collect();
            let waits = |column: &&Column| {
                let text = column.generation.as_deref().unwrap_or_default();
                names.iter().any(|name| *name != column.name && token::mentions(text, name))
            };
            let (later, now): (Vec<&Column>, Vec<&Column>) = computed.into_iter().partition(waits);
            // Names that look alike may wait for each other.
            let (later, now) = if now.is_empty() { (now, later) } else { (later, now) };
            let values = now.iter().map(|column| {
                let expression = column.generation.as_deref().unwrap_or_default();
                let value = self.as_stored(column, format!("({expression})"));
                format!(", {value} AS {}", quote(&column.name))
            });
            rows =
                format!("SELECT {table}.*{} FROM ({rows}) AS {table}", values.collect::<String>());
            computed = later;
        }
        rows
    }

    /// What makes a query run under the user's path before its first row is made, and what keeps conditions on
    /// its rows outside.
    fn under_their_path(&self, table: TableId) -> (&'static str, &'static str) {
        if self.calls_theirs(table) {
            (
                " CROSS JOIN (SELECT set_config('search_path', current_setting('orgsweep.search_path'), true) OFFSET 0) x",
                " OFFSET 0",
            )
        } else {
            ("", "")
        }
    }

    /// Questions about changed rows run functions of the user's, in checks or defaults: their text is read under our
    /// path, by which its operators are told, and runs under theirs, which functions may want. It is in
    /// force after the question. PostgreSQL writes a schema before what is not its own.
    pub fn calls_theirs(&self, table: TableId) -> bool {
        let table = self.table(table);
        let columns = table.columns.iter();
        let texts = columns.flat_map(|column| column.default.iter().chain(&column.generation));
        let texts = texts.chain(table.checks.iter().map(|check| &check.expression));
        let mut texts = texts.chain(table.exclusions.iter().flat_map(|it| it.texts()));
        self.dialect == Dialect::Postgres && texts.any(|text| text.contains('.'))
    }

    /// Rows of which a column would become null.
    pub fn becomes_null(&self, position: usize, change: &Change, column: &str) -> Statement {
        let rows = self.unlinked_rows(position, change);
        let count = self.dialect.count();
        self.said(format!("SELECT {count} FROM ({rows}) a WHERE a.{} IS NULL", quote(column)))
    }

    /// Asks for what all partitions of a table take together, as one expression over its columns; null where
    /// there are none (PostgreSQL).
    pub fn partition_bounds(&self, table: TableId) -> Statement {
        format!(
            "SELECT string_agg(coalesce('(' || pg_get_partition_constraintdef(relid) || ')', 'true'), ' OR ') \
             FROM pg_partition_tree({}::regclass) WHERE isleaf",
            self.dialect.literal(&self.relation(table))
        )
        .into()
    }

    /// Rows that none of the partitions would take, whose bounds are these. They name the table as a CHECK does.
    pub fn breaks_partitioning(&self, position: usize, change: &Change, bounds: &str) -> Statement {
        let rows = self.unlinked_rows(position, change);
        let (count, table) = (self.dialect.count(), quote(&self.table(change.table).name.name));
        self.said(format!("SELECT {count} FROM ({rows}) AS {table} WHERE ({bounds}) IS NOT TRUE"))
    }

    /// Rows that would break a CHECK constraint. Its expression may name the table.
    pub fn breaks_check(&self, position: usize, change: &Change, check: &Check) -> Statement {
        self.said(format!(
            "SELECT {} FROM ({}) AS {} WHERE NOT ({})",
            self.dialect.count(),
            self.unlinked_rows(position, change),
            quote(&self.table(change.table).name.name),
            check.expression
        ))
    }

    /// Rows that would leave the MATCH FULL reference `id` partly null.
    pub fn breaks_match_full(
        &self,
        position: usize,
        change: &Change,
        id: ReferenceId,
    ) -> Statement {
        let columns = &self.catalog.reference(id).columns;
        let test = |test: &str, join: &str| {
            columns.iter().map(|c| format!("a.{} {test}", quote(c))).collect::<Vec<_>>().join(join)
        };
        self.said(format!(
            "SELECT {} FROM ({}) a WHERE ({}) AND ({})",
            self.dialect.count(),
            self.unlinked_rows(position, change),
            test("IS NULL", " OR "),
            test("IS NOT NULL", " OR "),
        ))
    }

    /// Values of a unique key that would occur more than once among the surviving rows.
    pub fn breaks_unique(
        &self,
        position: usize,
        change: &Change,
        key: &Key,
        known: bool,
    ) -> Statement {
        let columns: Vec<String> = key.columns.iter().map(|column| quote(column)).collect();
        let columns = columns.join(", ");
        let not_null = if key.nulls_not_distinct {
            String::new()
        } else {
            key.columns.iter().map(|c| format!(" AND d.{} IS NOT NULL", quote(c))).collect()
        };
        self.said(format!(
            "SELECT {} FROM (SELECT {columns}, max(changed) AS changed FROM (\
             SELECT {columns}, 1 AS changed FROM ({}) a UNION ALL SELECT {columns}, 0 FROM {} c WHERE {}) b \
             GROUP BY {columns} HAVING count(*) > 1) d WHERE d.changed = 1{not_null}",
            self.dialect.count(),
            self.unlinked_rows(position, change),
            self.relation(change.table),
            self.is_other(position, change.table, known),
        ))
    }

    /// A row `c` that survives and is not changed by this unlink. `known`: the table has a key table.
    fn is_other(&self, position: usize, table: TableId, known: bool) -> String {
        let same = self.same_row(table, "k", "c");
        let absent = |keys: String| format!("NOT EXISTS (SELECT 1 FROM {keys} k WHERE {same})");
        let going = known.then(|| absent(self.key_relation(table)));
        let others: Vec<String> =
            std::iter::once(absent(self.kept(position))).chain(going).collect();
        others.join(" AND ")
    }

    /// Rows that would be like another one, or like each other, in what the table keeps apart.
    pub fn breaks_exclusion(
        &self,
        position: usize,
        change: &Change,
        exclusion: &Exclusion,
        known: bool,
    ) -> Statement {
        let table = quote(&self.table(change.table).name.name);
        let parts = exclusion.parts.iter().enumerate();
        let values = parts.clone().map(|(n, part)| format!("{} AS e{n}", part.expression));
        let values = values.collect::<Vec<_>>().join(", ");
        let only = exclusion.predicate.as_ref().map(|predicate| format!(" WHERE {predicate}"));
        let only = only.unwrap_or_default();
        let alike = parts.map(|(n, part)| {
            let alike = format!("a.e{n} {} b.e{n}", part.operator);
            if exclusion.nulls_not_distinct {
                format!("({alike} OR (a.e{n} IS NULL AND b.e{n} IS NULL))")
            } else {
                alike
            }
        });
        let (path, fence) = self.under_their_path(change.table);
        self.said(format!(
            "WITH changed AS (SELECT row_number() OVER () AS n, {values} FROM ({}) AS {table}{only}) \
             SELECT {} FROM changed a JOIN (SELECT 0 AS n, {values} FROM (SELECT c.* FROM {} c{path} WHERE {}{fence}) \
             AS {table}{only} UNION ALL SELECT * FROM changed) b ON b.n <> a.n AND {}",
            self.unlinked_rows(position, change),
            self.dialect.as_text(&format!("{}(DISTINCT a.n)", self.dialect.function("count"))),
            self.relation(change.table),
            self.is_other(position, change.table, known),
            alike.collect::<Vec<_>>().join(" AND "),
        ))
    }

    /// Rows whose new value names, by the reference `id`, a parent that is missing or goes too.
    /// `known`: the parent has a key table.
    pub fn names_nobody(
        &self,
        position: usize,
        change: &Change,
        id: ReferenceId,
        known: bool,
    ) -> Statement {
        let reference = self.catalog.reference(id);
        let survives = if known {
            format!(
                " AND NOT EXISTS (SELECT 1 FROM {} k WHERE {})",
                self.key_relation(reference.parent),
                self.same_row(reference.parent, "k", "r")
            )
        } else {
            String::new()
        };
        self.said(format!(
            "SELECT {} FROM ({}) a WHERE {} AND NOT EXISTS (SELECT 1 FROM {} r WHERE {}{survives})",
            self.dialect.count(),
            self.unlinked_rows(position, change),
            self.row_names_somebody(id, "a"),
            self.relation(reference.parent),
            self.names_row(id, "r", "a"),
        ))
    }

    /// The text is none of the column's numbers: PostgreSQL would fail, MariaDB take it for the one that it begins with.
    pub fn misreads(&self, column: &Column, text: &str) -> bool {
        let family = match self.dialect {
            Dialect::Sqlite => return false,
            Dialect::Postgres
                if ["smallint", "integer", "bigint"].contains(&column.value_type()) =>
            {
                Family::Integer
            }
            Dialect::Postgres => return false,
            Dialect::Mysql(_) => Family::of(column.value_type()),
        };
        match family {
            Family::Integer => text.trim().parse::<i128>().is_err(),
            Family::Decimal | Family::Float => text.trim().parse::<f64>().is_err(),
            _ => false,
        }
    }

    /// Rows of one unlink that others name by the reference `id`, a key of which it changes.
    pub fn is_named(&self, position: usize, id: ReferenceId) -> Statement {
        let reference = self.catalog.reference(id);
        self.said(format!(
            "SELECT {} FROM {} u JOIN {} p ON {} JOIN {} c ON {}",
            self.dialect.count(),
            self.kept(position),
            self.relation(reference.parent),
            self.same_row(reference.parent, "u", "p"),
            self.child_relation(id),
            self.names_row(id, "p", "c")
        ))
    }
}
