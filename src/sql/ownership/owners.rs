//! The organizations that own the traced rows.

use super::suspects::Closure;
use super::{EDGES, OWNERS};
use crate::catalog::{ReferenceId, TableId};
use crate::engine::{Dialect, Statement};
use crate::sql::{RowKey, Sql};

/// How far it is known which organization owns which row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Counted {
    /// For each row all of its owners.
    #[default]
    Each,
    /// For each row whether a selected organization owns it, and whether another does. Pairs of rows and owners would
    /// be too many: some rows stand for the others where organizations are named.
    Flags,
}

/// How many organizations are named.
const NAMED: u32 = 5;
/// So many rows stand for the others.
const SAMPLES: u32 = 100;

impl Sql<'_> {
    /// Organizations come down the edges to all rows that they own: each pair once, in one statement. A selected orphan of
    /// `orphaned` counts as a selected organization, and so does 0.
    pub fn find_owners(&self, closure: Closure, orphaned: &[TableId], counted: Counted) -> String {
        let root = self.plan.root;
        let organization = match counted {
            Counted::Each => "t.n",
            Counted::Flags => "0",
        };
        let own = format!(
            "SELECT t.n, {organization}, CASE WHEN k.gen IS NULL THEN 0 ELSE 1 END FROM {} t {}",
            self.traced(root),
            self.and_selected(root, closure),
        );
        let orphans = orphaned.iter().map(|table| {
            let selected = self.and_selected(*table, closure);
            format!(
                "SELECT t.n, 0, 1 FROM {} t {selected} WHERE k.gen IS NOT NULL",
                self.traced(*table)
            )
        });
        let start: Vec<String> = [own].into_iter().chain(orphans).collect();
        let create = match self.dialect {
            Dialect::Mysql(_) => self.create_indexed(OWNERS, vec!["KEY (n)".into()]) + " AS",
            _ => self.create_as(OWNERS),
        };
        self.said_together(format!(
            "{}{create} WITH RECURSIVE owner(n, organization, selected) AS ({} UNION SELECT 0, 0, 1 \
             UNION SELECT e.child, w.organization, w.selected FROM owner w {}) \
             SELECT n, organization, selected FROM owner",
            self.index_edges(EDGES),
            start.join(" UNION "),
            self.along_edges(EDGES, "w", "parent"),
        ))
    }

    /// Joins the edges whose `end` the row `from` is, by their index at each step: a chain has as many steps as rows.
    pub(super) fn along_edges(&self, edges: &str, from: &str, end: &str) -> String {
        let (edges, join) = (self.mentioned(edges), self.dialect.ordered_join());
        match self.dialect {
            Dialect::Postgres => format!(
                "CROSS JOIN LATERAL (SELECT * FROM {edges} e WHERE e.{end} = {from}.n OFFSET 0) e"
            ),
            _ => format!("{join} {edges} e ON e.{end} = {from}.n"),
        }
    }

    /// Joins what is selected, `k`, of the traced rows `t`.
    fn and_selected(&self, table: TableId, closure: Closure) -> String {
        format!(
            "LEFT JOIN {} k ON {} AND k.gen <= {}",
            self.key_relation(table),
            self.same_key(table, "k", "t"),
            closure.selected,
        )
    }

    /// Of each owned row whether all of its owners are selected (`least`), and whether any is (`most`).
    pub(super) fn owned_rows(&self) -> String {
        format!(
            "(SELECT n, max(selected) AS most, min(selected) AS least FROM {} GROUP BY n)",
            self.owner_table()
        )
    }

    /// Label, key and number of rows of the other organizations that own the rows whose traced numbers `rows` selects;
    /// where that is not known of each row, those that own some of them, without numbers.
    pub(super) fn other_owners(&self, rows: &str, closure: Closure, counted: Counted) -> Statement {
        let root = self.plan.root;
        let [label, key] = self.label(root, "o");
        if counted == Counted::Flags {
            let some = format!("{rows} LIMIT {SAMPLES}").into();
            return self.organizations_above(&some, closure, " WHERE k.gen IS NULL");
        }
        self.said(format!(
            "SELECT s.label, s.row_key, {} FROM (SELECT {} AS label, {key} AS row_key FROM ({rows}) v \
             JOIN {} w ON w.n = v.n JOIN {} t ON t.n = w.organization JOIN {} o ON {} WHERE w.selected = 0) s \
             GROUP BY s.label, s.row_key ORDER BY count(*) DESC, s.row_key LIMIT {NAMED}",
            self.dialect.count(),
            self.dialect.as_text(&label),
            self.owner_table(),
            self.traced(root),
            self.relation(root),
            self.same_row(root, "t", "o"),
        ))
    }

    /// The other organizations whose rows an unlink changes.
    pub fn owners_of_unlinked(
        &self,
        position: usize,
        table: TableId,
        closure: Closure,
        counted: Counted,
    ) -> Statement {
        let unlinked = self.traced_unlinked(position, table);
        self.other_owners(&format!("SELECT t.n FROM {unlinked}"), closure, counted)
    }

    /// Rows of an unlink that belong to the selected organizations alone and survive.
    pub fn count_stranded(&self, position: usize, table: TableId) -> Statement {
        let linked = self.plan.linked.iter();
        let linked = linked.filter(|id| self.catalog.reference(**id).child == table);
        let same = self.same_row(table, "u", "c");
        let belongs = |id: &ReferenceId| {
            format!(" AND NOT EXISTS (SELECT 1 FROM {} WHERE {same})", self.children(*id))
        };
        // Whoever is kept is left on purpose.
        let kept = self.plan.kept.contains_key(&table).then(|| {
            let same = self.same_key(table, "s", "u");
            format!(" AND NOT EXISTS (SELECT 1 FROM {} s WHERE {same})", self.stays(table))
        });
        self.said(format!(
            "SELECT {} FROM {} JOIN {} w ON w.n = t.n WHERE w.least = 1{}",
            self.dialect.count(),
            self.traced_unlinked(position, table),
            self.owned_rows(),
            linked.map(belongs).chain(kept).collect::<String>(),
        ))
    }

    fn traced_unlinked(&self, position: usize, table: TableId) -> String {
        let same = self.same_key(table, "t", "u");
        format!("{} u JOIN {} t ON {same}", self.kept(position), self.traced(table))
    }

    /// Label and key of the organizations that one traced row belongs to, and whether they are selected.
    pub fn owners_of_row(&self, row: &RowKey, closure: Closure) -> Statement {
        let mut traced = Statement::from(format!(
            "SELECT t.n FROM {} c JOIN {} t ON {} WHERE ",
            self.relation(row.table),
            self.traced(row.table),
            self.same_row(row.table, "t", "c"),
        ));
        traced.append(&self.is_row(row, "c"));
        self.organizations_above(&traced, closure, "")
    }

    /// The organizations at the upper end of the edges from these rows, as far as `which` says.
    fn organizations_above(&self, rows: &Statement, closure: Closure, which: &str) -> Statement {
        let root = self.plan.root;
        let [label, key] = self.label(root, "o");
        let mut statement = Statement::from("WITH RECURSIVE up(n) AS (SELECT v.n FROM (");
        statement.append(rows).push(&format!(
            ") v UNION SELECT e.parent FROM up u {}) \
             SELECT {label}, {key}, CASE WHEN k.gen IS NULL THEN '0' ELSE '1' END \
             FROM up u JOIN {} t ON t.n = u.n JOIN {} o ON {} {}{which} ORDER BY {}",
            self.along_edges(EDGES, "u", "child"),
            self.traced(root),
            self.relation(root),
            self.same_row(root, "t", "o"),
            self.and_selected(root, closure),
            self.identity_values(root, "o").join(", "),
        ));
        if !which.is_empty() {
            statement.push(&format!(" LIMIT {NAMED}"));
        }
        self.said(statement)
    }
}
