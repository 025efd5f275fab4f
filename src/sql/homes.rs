//! The firewall's questions: whose rows are the candidates (DESIGN 3).
//!
//! A candidate is ours when every parent that its owning references name is in the closure. Only
//! the exceptions are climbed: `orgsweep_e…` holds them numbered, `orgsweep_h…` per table the rows
//! met on the way up, `orgsweep_home` the outcome, `orgsweep_v…` the verdict per exception.

use super::closure::where_all;
use super::{Dialect, Sql, Statement};
use crate::catalog::{OnDelete, ReferenceId, TableId};

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
    pub sure: Option<(u32, u32)>,
}

/// Rows that the firewall refuses: foreign ones, and others that only a forced reference reaches.
const REFUSED: &str =
    "(v.class = 'foreign' OR (v.class IN ('shared', 'global') AND v.cascaded = 0))";

impl Sql<'_> {
    /// `CREATE TEMP TABLE name [ON COMMIT DROP] AS`
    pub(super) fn create_as(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("CREATE TEMP TABLE {name} AS"),
            Dialect::Postgres => format!("CREATE TEMP TABLE {name} ON COMMIT DROP AS"),
            // They outlive the transaction. Nothing commits implicitly that is about a TEMPORARY table,
            // indexes added to it later excepted: https://mariadb.com/kb/en/sql-statements-that-cause-an-implicit-commit/
            Dialect::Mysql => {
                format!("CREATE OR REPLACE TEMPORARY TABLE {name} ENGINE = InnoDB AS")
            }
        }
    }

    fn exception_table(&self, table: TableId) -> String {
        self.dialect.temporary(&format!("orgsweep_e{}", table.0))
    }

    pub(super) fn home_table(&self, table: TableId) -> String {
        self.dialect.temporary(&format!("orgsweep_h{}", table.0))
    }

    pub(super) fn verdict_table(&self, table: TableId) -> String {
        self.dialect.temporary(&format!("orgsweep_v{}", table.0))
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
            let (table, count) = (
                self.dialect.as_text(&suspicion.table.0.to_string()),
                self.dialect.as_text("count(*)"),
            );
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
            match present(parent) {
                true => format!(
                    "{named} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
                    self.key_relation(parent),
                    self.key_names_key(*id, "p", "k")
                ),
                false => named,
            }
        });
        let homeless = suspicion.homeless.then(|| self.names_nobody_at_all(table));
        // Orphans have no home either, and were selected for it.
        let chosen = match self.plan.has_orphans(table) {
            true => format!(" AND k.gen > {selected}"),
            false => String::new(),
        };
        let unsure = suspicion.sure.map_or(String::new(), |(first, last)| {
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
        if nobody.is_empty() { "1 = 1".to_owned() } else { nobody.join(" AND ") }
    }

    pub fn keep_exceptions(
        &self,
        table: TableId,
        selected: u32,
        present: &dyn Fn(TableId) -> bool,
    ) -> String {
        format!(
            "{} SELECT row_number() OVER () AS n, k.* FROM {}",
            self.create_as(&format!("orgsweep_e{}", table.0)),
            self.exceptions(table, selected, present)
        )
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
                format!(
                    "CREATE TEMP TABLE {name} (origin, n, gen, {columns}, PRIMARY KEY (origin, n, {columns})) \
                     WITHOUT ROWID"
                )
            }
            Dialect::Mysql => {
                let values = identity.iter().enumerate();
                let values: Vec<String> = values.map(|(n, v)| format!("{v} AS c{n}")).collect();
                format!(
                    "CREATE OR REPLACE TEMPORARY TABLE {name} (KEY (origin, n), KEY (gen)) ENGINE = InnoDB AS \
                     SELECT CAST(0 AS SIGNED) AS origin, CAST(0 AS SIGNED) AS n, CAST(0 AS SIGNED) AS gen, {} \
                     FROM {} c WHERE 1 = 0",
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
        if self.dialect != Dialect::Sqlite {
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

    /// Per origin and number: does a selected organization own it, does another. A selected orphan
    /// of one of `orphaned` (tables climbed to) counts as selected.
    pub fn classify(&self, selected: u32, orphaned: &[TableId]) -> String {
        let found = |table: TableId| {
            let join = format!(
                "{} h LEFT JOIN {} k ON {} AND k.gen <= {selected}",
                self.home_table(table),
                self.key_relation(table),
                self.same_key(table, "k", "h")
            );
            match table == self.plan.root {
                true => format!("SELECT h.origin, h.n, k.gen FROM {join}"),
                false => format!("SELECT h.origin, h.n, k.gen FROM {join} WHERE k.gen IS NOT NULL"),
            }
        };
        let tables = [&[self.plan.root], orphaned].concat();
        format!(
            "{} SELECT s.origin, s.n, max(CASE WHEN s.gen IS NULL THEN 0 ELSE 1 END) AS mine, \
             max(CASE WHEN s.gen IS NULL THEN 1 ELSE 0 END) AS others \
             FROM ({}) s GROUP BY s.origin, s.n",
            self.create_as("orgsweep_home"),
            tables.into_iter().map(found).collect::<Vec<_>>().join(" UNION ALL "),
        )
    }

    /// The exceptions of `table` with their class, and whether a CASCADE reference reaches them.
    pub fn judge(&self, table: TableId, present: &dyn Fn(TableId) -> bool) -> String {
        let cascades = self.plan.followed_into(table, self.catalog).into_iter();
        let cascades = cascades.map(|followed| followed.reference).filter(|id| {
            let reference = self.catalog.reference(*id);
            reference.on_delete == OnDelete::Cascade && present(reference.parent)
        });
        let (mut joins, mut reached) = (String::new(), Vec::new());
        for (n, id) in cascades.enumerate() {
            let parent = self.key_relation(self.catalog.reference(id).parent);
            joins += &format!(
                " LEFT JOIN {parent} p{n} ON {}",
                self.names_key(id, &format!("p{n}"), "c")
            );
            reached.push(format!("p{n}.gen IS NOT NULL"));
        }
        let foreign = match self.plan.dependent.contains(&table) {
            true => "o.others = 1",
            false => "o.mine = 0",
        };
        let reached = if reached.is_empty() { "1 = 0".to_owned() } else { reached.join(" OR ") };
        format!(
            "{} SELECT e.*, CASE WHEN o.n IS NULL THEN 'global' WHEN {foreign} THEN 'foreign' \
             WHEN o.others = 1 THEN 'shared' ELSE 'ours' END AS class, \
             CASE WHEN {reached} THEN 1 ELSE 0 END AS cascaded \
             FROM {} e LEFT JOIN {} o ON o.origin = {} AND o.n = e.n JOIN {} c ON {}{joins}",
            self.create_as(&format!("orgsweep_v{}", table.0)),
            self.exception_table(table),
            self.dialect.temporary("orgsweep_home"),
            table.0,
            self.relation(table),
            self.same_row(table, "e", "c"),
        )
    }

    /// Refused rows `v`/`c` of one class that the followed reference `id` reaches.
    fn refused(&self, id: ReferenceId, class: Option<&str>, excluding: bool) -> String {
        let reference = self.catalog.reference(id);
        let mut conditions = vec![REFUSED.to_owned()];
        conditions.extend(class.map(|class| format!("v.class = '{class}'")));
        if excluding {
            conditions.push(self.not_excluded(id));
        }
        format!(
            "{} v JOIN {} c ON {} JOIN {} p ON {}{}",
            self.verdict_table(reference.child),
            self.child_relation(id),
            self.same_row(reference.child, "v", "c"),
            self.key_relation(reference.parent),
            self.names_key(id, "p", "c"),
            where_all(&conditions),
        )
    }

    /// Class and number of the refused rows that `id` reaches.
    pub fn count_refused(&self, id: ReferenceId, excluding: bool) -> Statement {
        format!(
            "SELECT v.class, {} FROM {} GROUP BY v.class",
            self.dialect.as_text("count(*)"),
            self.refused(id, None, excluding)
        )
        .into()
    }

    pub fn sample_refused(
        &self,
        id: ReferenceId,
        class: &str,
        excluding: bool,
        limit: u32,
    ) -> Statement {
        let child = self.catalog.reference(id).child;
        format!(
            "SELECT {} FROM {} ORDER BY {} LIMIT {limit}",
            self.label(child, "c").join(", "),
            self.refused(id, Some(class), excluding),
            self.identity_values(child, "c").join(", "),
        )
        .into()
    }

    /// The other organizations that own refused rows, with their number of rows.
    pub fn owners_of_refused(
        &self,
        id: ReferenceId,
        class: &str,
        excluding: bool,
        selected: u32,
    ) -> Statement {
        let child = self.catalog.reference(id).child;
        let rows = format!("SELECT v.n FROM {}", self.refused(id, Some(class), excluding));
        self.owners(child.0, &rows, selected)
    }

    /// Shared rows that go with a cascade, by the other organizations.
    pub fn owners_of_shared(&self, table: TableId, selected: u32) -> Statement {
        let verdict = self.verdict_table(table);
        let rows =
            format!("SELECT v.n FROM {verdict} v WHERE v.class = 'shared' AND v.cascaded = 1");
        self.owners(table.0, &rows, selected)
    }

    /// The other organizations whose rows an unlink changes.
    pub fn owners_of_unlinked(&self, position: usize, origin: usize, selected: u32) -> Statement {
        self.owners(origin, &format!("SELECT u.n FROM {} u", self.kept(position)), selected)
    }

    /// Rows of an unlink that belong to the selected organizations alone and survive.
    pub fn count_stranded(&self, origin: usize) -> Statement {
        format!(
            "SELECT {} FROM {} WHERE origin = {origin} AND mine = 1 AND others = 0",
            self.dialect.as_text("count(*)"),
            self.dialect.temporary("orgsweep_home"),
        )
        .into()
    }

    /// Label, key and number of rows per unselected organization at home of the numbered `rows`.
    fn owners(&self, origin: usize, rows: &str, selected: u32) -> Statement {
        let root = self.plan.root;
        let [label, key] = self.label(root, "o");
        format!(
            "SELECT s.label, s.row_key, {} FROM (SELECT {} AS label, {key} AS row_key \
             FROM {} h JOIN {} o ON {} LEFT JOIN {} k ON {} AND k.gen <= {selected} \
             WHERE h.origin = {origin} AND k.gen IS NULL AND h.n IN ({rows})) s \
             GROUP BY s.label, s.row_key ORDER BY count(*) DESC, s.row_key LIMIT 5",
            self.dialect.as_text("count(*)"),
            self.dialect.as_text(&label),
            self.home_table(root),
            self.relation(root),
            self.same_row(root, "h", "o"),
            self.key_relation(root),
            self.same_key(root, "k", "h"),
        )
        .into()
    }

    pub(super) fn excluded(&self, id: ReferenceId) -> String {
        self.dialect.temporary(&format!("orgsweep_x{}", id.0))
    }

    pub(super) fn not_excluded(&self, id: ReferenceId) -> String {
        let child = self.catalog.reference(id).child;
        let same = self.same_row(child, "x", "c");
        format!("NOT EXISTS (SELECT 1 FROM {} x WHERE {same})", self.excluded(id))
    }

    /// The empty table of rows that a consent keeps out of the closure.
    pub fn create_excluded(&self, id: ReferenceId) -> String {
        let child = self.catalog.reference(id).child;
        let identity = self.identity_values(child, "c").into_iter().enumerate();
        let identity: Vec<String> = identity.map(|(n, value)| format!("{value} AS c{n}")).collect();
        format!(
            "{} SELECT {} FROM {} c WHERE 1 = 0",
            self.create_as(&format!("orgsweep_x{}", id.0)),
            identity.join(", "),
            self.relation(child)
        )
    }

    /// Keeps the refused rows that `id` reaches out of the closure.
    pub fn exclude_refused(&self, id: ReferenceId) -> Statement {
        let child = self.catalog.reference(id).child;
        format!(
            "INSERT INTO {} SELECT {} FROM {}",
            self.excluded(id),
            self.identity_values(child, "c").join(", "),
            self.refused(id, None, true)
        )
        .into()
    }

    /// Removes everything that the firewall built, before the closure is found again.
    pub fn forget_homes(&self, tables: &[TableId], homes: &[TableId]) -> String {
        let judged = tables.iter().flat_map(|t| [self.exception_table(*t), self.verdict_table(*t)]);
        let homes = homes.iter().map(|table| self.home_table(*table));
        let outcome = self.dialect.temporary("orgsweep_home");
        let all = judged.chain(homes).chain([outcome]);
        all.map(|name| self.dialect.drop_temporary(&name) + "; ").collect()
    }
}
