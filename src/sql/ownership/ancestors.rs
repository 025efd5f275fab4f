//! The rows from which owners are traced, their ancestors, and who names whom: every row once.

use super::{EDGES, traced_name};
use crate::catalog::{ReferenceId, TableId};
use crate::engine::{Dialect, Statement};
use crate::sql::closure::where_all;
use crate::sql::{RowKey, Sql};

/// Numbers of one generation lie between its own and the next one's.
const GENERATION: u64 = 1_000_000_000_000;

impl Sql<'_> {
    /// PostgreSQL indexes them when all are there.
    pub(super) fn index_edges(&self, edges: &str) -> String {
        let index = |end: &&str| {
            format!("CREATE INDEX {edges}_{end} ON {} ({end}); ", self.temporary(edges))
        };
        let ends = ["parent", "child"].iter().filter(|_| self.dialect == Dialect::Postgres);
        ends.map(index).collect()
    }

    /// The empty table of who owns whom.
    pub fn create_owning_edges(&self) -> String {
        self.create_edges(EDGES)
    }

    /// An empty table of edges, indexed from the start where that costs little.
    pub(super) fn create_edges(&self, edges: &str) -> String {
        match self.dialect {
            Dialect::Postgres => {
                format!("CREATE TEMP TABLE {edges} (child int8, parent int8) ON COMMIT DROP; ")
            }
            Dialect::Sqlite => format!(
                "CREATE TEMP TABLE {edges} (child INTEGER, parent INTEGER); \
                 CREATE INDEX temp.{edges}_parent ON {edges} (parent, child); \
                 CREATE INDEX temp.{edges}_child ON {edges} (child, parent); "
            ),
            Dialect::Mysql(_) => {
                let columns =
                    "child BIGINT, parent BIGINT, KEY (parent, child), KEY (child, parent)";
                self.create_indexed(edges, vec![columns.into()]) + "; "
            }
        }
    }

    /// The empty table for traced rows of `table`.
    pub fn create_traced(&self, table: TableId) -> String {
        self.create_numbered(&traced_name(table), table)
    }

    /// An empty table for rows of `table`: number, generation and identity of each.
    pub(super) fn create_numbered(&self, name: &str, table: TableId) -> String {
        let columns = self.key_table(table).identity_columns();
        let values = self.identity_values(table, "c").into_iter().zip(&columns);
        let values: Vec<String> = values.map(|(value, c)| format!("{value} AS {c}")).collect();
        let (values, rows) = (values.join(", "), self.relation(table));
        let primary = format!("PRIMARY KEY ({})", columns.join(", "));
        match self.dialect {
            Dialect::Postgres => format!(
                "{} SELECT 0::int8 AS n, 0::int4 AS gen, {values} FROM {rows} c WITH NO DATA; ",
                self.create_as(name)
            ),
            Dialect::Sqlite => {
                let own = (0..columns.len()).map(|n| self.sqlite_column(table, n));
                let own = own.collect::<Vec<_>>().join(", ");
                let end = if self.table(table).has_nameless_rows() {
                    ")".to_owned()
                } else {
                    format!(", {primary}) WITHOUT ROWID")
                };
                format!("CREATE TEMP TABLE {name} (n INTEGER, gen INTEGER, {own}{end}; ")
            }
            Dialect::Mysql(_) => {
                let own = (!self.has_twins(table)).then_some(primary);
                let numbers = "n BIGINT, gen INT, KEY (n), KEY (gen)".to_owned();
                let create = self.create_indexed(name, [numbers].into_iter().chain(own).collect());
                format!("{create} AS SELECT 0 AS n, 0 AS gen, {values} FROM {rows} c WHERE 1 = 0; ")
            }
        }
    }

    /// PostgreSQL plans for a table that it knows nothing of as if it were small.
    pub fn analyze_traced(&self, table: TableId) -> Option<String> {
        (self.dialect == Dialect::Postgres).then(|| format!("ANALYZE {}", self.traced(table)))
    }

    /// Traces the rows kept for an unlink.
    pub fn trace_unlinked(&self, position: usize, table: TableId, generation: u32) -> Statement {
        let columns = self.key_table(table).identity_columns().into_iter();
        let columns: Vec<String> = columns.map(|column| format!("u.{column}")).collect();
        let target = self.traced_target(table);
        let rows = format!(
            "SELECT DISTINCT {} FROM {} u WHERE NOT EXISTS (SELECT 1 FROM {} x WHERE {})",
            columns.join(", "),
            self.kept(position),
            self.traced(table),
            self.same_key(table, "x", "u"),
        );
        self.number_traced(&target, generation, &rows)
    }

    /// Traces one row.
    pub fn trace_row(&self, row: &RowKey, generation: u32) -> Statement {
        let mut rows = Statement::from(format!(
            "INSERT INTO {} SELECT {}, {generation}, {} FROM {} c WHERE NOT EXISTS (SELECT 1 FROM {} x WHERE {}) AND ",
            self.traced_target(row.table),
            u64::from(generation) * GENERATION,
            self.identity_values(row.table, "c").join(", "),
            self.relation(row.table),
            self.traced(row.table),
            self.same_row(row.table, "x", "c"),
        ));
        rows.append(&self.is_row(row, "c"));
        self.said(rows)
    }

    /// The owning parents by `id` of rows traced after `since` and before `generation`, as far as they are not traced.
    pub fn trace_parents(&self, id: ReferenceId, since: u32, generation: u32) -> Statement {
        let parent = self.catalog.reference(id).parent;
        let target = self.traced_target(parent);
        let values = self.identity_values(parent, "r").into_iter().enumerate();
        let values: Vec<String> = values.map(|(n, value)| format!("{value} AS c{n}")).collect();
        let mut conditions = self.newly_owned_by(id, since, generation);
        conditions.push(format!(
            "NOT EXISTS (SELECT 1 FROM {} x WHERE {})",
            self.traced(parent),
            self.same_row(parent, "x", "r")
        ));
        let rows = format!(
            "SELECT DISTINCT {} FROM {}{}",
            values.join(", "),
            self.traced_and_parents(id),
            where_all(&conditions)
        );
        self.number_traced(&target, generation, &rows)
    }

    /// Who of these names whom.
    pub fn add_edges(&self, id: ReferenceId, since: u32, generation: u32) -> Statement {
        let parent = self.catalog.reference(id).parent;
        self.said(format!(
            "INSERT INTO {} SELECT t.n, x.n FROM {} {} {} x ON {}{}",
            self.edges(),
            self.traced_and_parents(id),
            self.dialect.ordered_join(),
            self.traced(parent),
            self.same_row(parent, "x", "r"),
            where_all(&self.newly_owned_by(id, since, generation)),
        ))
    }

    /// The same of parents that are already deleted: all of these belong to the selected organizations alone, for which
    /// number 0 stands.
    pub fn add_edges_to_taken(&self, id: ReferenceId, since: u32, generation: u32) -> Statement {
        let reference = self.catalog.reference(id);
        self.said(format!(
            "INSERT INTO {} SELECT t.n, 0 FROM {} t JOIN {} c ON {} JOIN {} p ON {}{}",
            self.edges(),
            self.traced(reference.child),
            self.child_relation(id),
            self.same_row(reference.child, "t", "c"),
            self.key_relation(reference.parent),
            self.names_key(id, "p", "c"),
            where_all(&self.newly_owned_by(id, since, generation)),
        ))
    }

    /// Traced rows `t`, these rows `c` in their table, and the parents `r` that they name by `id`.
    fn traced_and_parents(&self, id: ReferenceId) -> String {
        let reference = self.catalog.reference(id);
        let join = self.dialect.ordered_join();
        format!(
            "{} t {join} {} c ON {} {join} {} r ON {}",
            self.traced(reference.child),
            self.child_relation(id),
            self.same_row(reference.child, "t", "c"),
            self.relation(reference.parent),
            self.names_row(id, "r", "c"),
        )
    }

    fn newly_owned_by(&self, id: ReferenceId, since: u32, generation: u32) -> Vec<String> {
        let newly = format!("t.gen > {since} AND t.gen < {generation}");
        vec![newly, self.row_is_owned_by(id, "c")]
    }

    /// The traced rows of `table`, to be added to.
    pub(super) fn traced_target(&self, table: TableId) -> String {
        self.written_to(&traced_name(table))
    }

    pub(super) fn number_traced(&self, target: &str, generation: u32, rows: &str) -> Statement {
        self.said(format!(
            "INSERT INTO {target} SELECT {} + row_number() OVER (), {generation}, s.* FROM ({rows}) s",
            u64::from(generation) * GENERATION,
        ))
    }
}
