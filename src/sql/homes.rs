//! The firewall's questions: whose rows are the candidates (DESIGN 3).
//!
//! A candidate is ours when every parent that its owning references name is in the closure. Only
//! the exceptions are climbed: `orgsweep_e…` holds them numbered, `orgsweep_h…` per table the rows
//! met on the way up, `orgsweep_home` the outcome, `orgsweep_v…` the verdict per exception.

use super::Sql;
use super::closure::where_all;
use crate::catalog::{ReferenceId, TableId};
use crate::engine::{Dialect, Statement};

/// The home of an exception, as the verdict tables write it.
pub const CLASSES: [(&str, Home); 3] =
    [("foreign", Home::Foreign), ("shared", Home::Shared), ("global", Home::Global)];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Home {
    Foreign,
    Shared,
    Global,
}

/// How the rows of a table might be exceptions, by what found them.
#[derive(Debug, Clone)]
pub struct Suspicion {
    pub table: TableId,
    /// Owning references that did not find all of the rows themselves.
    pub owning: Vec<ReferenceId>,
    /// Some rows were not found by any owning reference.
    pub homeless: bool,
    /// Rows with these numbers are none: the first and the last.
    pub known_owned: Option<(u32, u32)>,
}

impl Sql<'_> {
    /// `CREATE TEMP TABLE name [ON COMMIT DROP] AS`
    pub(super) fn create_as(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("CREATE TEMP TABLE {name} AS"),
            Dialect::Postgres => format!("CREATE TEMP TABLE {name} ON COMMIT DROP AS"),
            // They outlive the transaction. Nothing commits implicitly that is about a TEMPORARY table,
            // indexes added to it later excepted: https://mariadb.com/kb/en/sql-statements-that-cause-an-implicit-commit/
            Dialect::Mysql => {
                format!("CREATE OR REPLACE TEMPORARY TABLE {} ENGINE = InnoDB AS", self.own(name))
            }
        }
    }

    pub(super) fn exception_table(&self, table: TableId) -> String {
        self.temporary(&format!("orgsweep_e{}", table.0))
    }

    pub(super) fn home_table(&self, table: TableId) -> String {
        self.temporary(&format!("orgsweep_h{}", table.0))
    }

    pub(super) fn verdict_table(&self, table: TableId) -> String {
        self.temporary(&format!("orgsweep_v{}", table.0))
    }

    /// Candidates `k` some owning parent of which is outside the closure, or that name none.
    /// `present` tells which key tables exist; root rows after generation `selected` are foreign.
    fn exceptions(
        &self,
        table: TableId,
        selected: u32,
        present: &dyn Fn(TableId) -> bool,
    ) -> String {
        let own = self.key_relation(table);
        if table == self.plan.root {
            return format!("{own} k WHERE k.gen > {selected}");
        }
        let (mut joins, mut outside) = (String::new(), Vec::new());
        for (n, id) in self.plan.owning_of(table).iter().enumerate() {
            let parent = self.catalog.reference(*id).parent;
            let named = self.names_somebody(*id, "k");
            if present(parent) {
                let (alias, parent) = (format!("p{n}"), self.key_relation(parent));
                joins += &format!(
                    " LEFT JOIN {parent} {alias} ON {}",
                    self.key_names_key(*id, &alias, "k")
                );
                outside.push(format!("({named} AND {alias}.gen IS NULL)"));
            } else {
                outside.push(format!("({named})"));
            }
        }
        outside.push(format!("({})", self.names_nobody_at_all(table)));
        let exceptions = format!("{own} k{joins} WHERE ({})", outside.join(" OR "));
        match self.plan.has_orphans(table) {
            // Orphans have none either, and were selected for it.
            true => format!("{exceptions} AND k.gen > {selected}"),
            false => exceptions,
        }
    }

    /// The tables of `suspicions` that have exceptions, each with a number: in one round trip, and
    /// without the joins that tell which rows they are.
    pub fn count_exceptions(
        &self,
        suspicions: &[Suspicion],
        selected: u32,
        present: &dyn Fn(TableId) -> bool,
    ) -> Statement {
        let questions = suspicions.iter().flat_map(|suspicion| {
            let (table, count) =
                (self.dialect.as_text(&suspicion.table.0.to_string()), self.dialect.count());
            let rows = self.suspects(suspicion, selected, present).into_iter();
            rows.map(move |rows| format!("SELECT {table}, {count} FROM {rows}"))
        });
        questions.collect::<Vec<_>>().join(" UNION ALL ").into()
    }

    /// Where the exceptions of a table are, one way to be one after the other.
    fn suspects(
        &self,
        suspicion: &Suspicion,
        selected: u32,
        present: &dyn Fn(TableId) -> bool,
    ) -> Vec<String> {
        let table = suspicion.table;
        let own = self.key_relation(table);
        if table == self.plan.root {
            return vec![self.exceptions(table, selected, present)];
        }
        let outside = suspicion.owning.iter().map(|id| {
            let parent = self.catalog.reference(*id).parent;
            let named = self.names_somebody(*id, "k");
            if present(parent) {
                format!(
                    "{named} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
                    self.key_relation(parent),
                    self.key_names_key(*id, "p", "k")
                )
            } else {
                named
            }
        });
        let homeless = suspicion.homeless.then(|| self.names_nobody_at_all(table));
        // Orphans have no home either, and were selected for it.
        let chosen = if self.plan.has_orphans(table) {
            format!(" AND k.gen > {selected}")
        } else {
            String::new()
        };
        let unsure = suspicion.known_owned.map_or(String::new(), |(first, last)| {
            format!(" AND k.gen NOT BETWEEN {first} AND {last}")
        });
        let ways = outside.chain(homeless);
        ways.map(|way| format!("{own} k WHERE {way}{chosen}{unsure}")).collect()
    }

    /// A row without owning references, and a row that names nobody, have no home.
    fn names_nobody_at_all(&self, table: TableId) -> String {
        let owning = self.plan.owning_of(table).iter();
        let nobody: Vec<String> =
            owning.map(|id| format!("NOT ({})", self.names_somebody(*id, "k"))).collect();
        if nobody.is_empty() { "true".to_owned() } else { nobody.join(" AND ") }
    }

    pub fn keep_exceptions(
        &self,
        table: TableId,
        selected: u32,
        present: &dyn Fn(TableId) -> bool,
    ) -> String {
        format!(
            "{} SELECT row_number() OVER () AS n, k.* FROM (SELECT {}k.* FROM {}) k",
            self.create_as(&format!("orgsweep_e{}", table.0)),
            self.once(table),
            self.exceptions(table, selected, present)
        )
    }

    /// `DISTINCT`, where joins would meet rows of the table more than once: those that are alike, and those
    /// that name by what is not unique.
    pub(super) fn once(&self, table: TableId) -> &'static str {
        let into = self.plan.followed_into(table, self.catalog).into_iter();
        let references = into.map(|followed| followed.reference);
        let mut references = references.chain(self.plan.owning_of(table).iter().copied());
        if self.has_twins(table) || references.any(|id| !self.names_one(id)) {
            "DISTINCT "
        } else {
            ""
        }
    }

    /// The empty table for the rows of `table` met while climbing.
    pub fn create_home_table(&self, table: TableId) -> String {
        let name = format!("orgsweep_h{}", table.0);
        let identity = self.identity_values(table, "c");
        match self.dialect {
            Dialect::Postgres => {
                let values: Vec<String> = identity
                    .iter()
                    .enumerate()
                    .map(|(n, value)| format!("{value} AS c{n}"))
                    .collect();
                format!(
                    "{} SELECT 0::int4 AS origin, 0::int8 AS n, 0::int4 AS gen, {} FROM {} c WITH NO DATA",
                    self.create_as(&name),
                    values.join(", "),
                    self.relation(table)
                )
            }
            Dialect::Sqlite => {
                let columns = self.key_table(table).identity_columns().join(", ");
                let end = if self.table(table).has_nameless_rows() {
                    ")".to_owned()
                } else {
                    format!(", PRIMARY KEY (origin, n, {columns})) WITHOUT ROWID")
                };
                format!("CREATE TEMP TABLE {name} (origin, n, gen, {columns}{end}")
            }
            Dialect::Mysql => {
                let values = identity.iter().enumerate();
                let values: Vec<String> = values.map(|(n, v)| format!("{v} AS c{n}")).collect();
                format!(
                    "CREATE OR REPLACE TEMPORARY TABLE {} (KEY (origin, n), KEY (gen)) ENGINE = InnoDB AS \
                     SELECT CAST(0 AS SIGNED) AS origin, CAST(0 AS SIGNED) AS n, CAST(0 AS SIGNED) AS gen, {} \
                     FROM {} c WHERE 1 = 0",
                    self.own(&name),
                    values.join(", "),
                    self.relation(table),
                )
            }
        }
    }

    /// Starts the climb of the exceptions of `table`, which are their own origin.
    pub fn climb_from_exceptions(&self, table: TableId, generation: u32) -> Statement {
        self.climb_from(table, &self.exception_table(table), table.0, generation)
    }

    /// Starts the climb of the rows kept for an unlink, under the number `origin`.
    pub fn climb_from_unlinked(
        &self,
        position: usize,
        table: TableId,
        origin: usize,
        generation: u32,
    ) -> Statement {
        self.climb_from(table, &self.kept(position), origin, generation)
    }

    fn climb_from(&self, table: TableId, from: &str, origin: usize, generation: u32) -> Statement {
        let columns: Vec<String> =
            self.key_table(table).identity_columns().iter().map(|c| format!("e.{c}")).collect();
        format!(
            "INSERT INTO {} SELECT {origin}, e.n, {generation}, {} FROM {from} e",
            self.home_table(table),
            columns.join(", ")
        )
        .into()
    }

    /// One step up: the parents that the owning reference `id` names, from rows met after `since`.
    pub fn climb(&self, id: ReferenceId, since: u32, generation: u32) -> Statement {
        let reference = self.catalog.reference(id);
        let (child, parent) = (reference.child, reference.parent);
        let parents = self.identity_values(parent, "r");
        let join = self.dialect.ordered_join();
        let mut conditions = vec![format!("h.gen > {since}")];
        if self.dialect != Dialect::Sqlite || self.table(parent).has_nameless_rows() {
            conditions.push(format!(
                "NOT EXISTS (SELECT 1 FROM {} x WHERE x.origin = h.origin AND x.n = h.n AND {})",
                self.home_table(parent),
                self.same_row(parent, "x", "r")
            ));
        }
        format!(
            "INSERT {}INTO {} SELECT DISTINCT h.origin, h.n, {generation}, {} FROM {} h {join} {} c ON {} {join} {} r ON {}{}",
            self.dialect.or_ignore(),
            self.home_table(parent),
            parents.join(", "),
            self.home_table(child),
            self.child_relation(id),
            self.same_row(child, "h", "c"),
            self.relation(parent),
            self.names_row(id, "r", "c"),
            where_all(&conditions),
        )
        .into()
    }

    /// One step up to parents that are already deleted: all of those belong to the selected
    /// organizations alone, so that any one of these stands for them.
    pub fn climb_to_taken(&self, id: ReferenceId, since: u32, generation: u32) -> Statement {
        let reference = self.catalog.reference(id);
        let root = self.plan.root;
        let columns = self.key_table(root).identity_columns();
        let any = columns.iter().map(|c| format!("o.{c}")).collect::<Vec<_>>().join(", ");
        format!(
            "INSERT INTO {} SELECT DISTINCT h.origin, h.n, {generation}, {any} FROM {} h JOIN {} c ON {} \
             JOIN {} p ON {} CROSS JOIN (SELECT * FROM {} LIMIT 1) o WHERE h.gen > {since}",
            self.home_table(root),
            self.home_table(reference.child),
            self.child_relation(id),
            self.same_row(reference.child, "h", "c"),
            self.key_relation(reference.parent),
            self.names_key(id, "p", "c"),
            self.key_relation(root),
        )
        .into()
    }
}
