//! The firewall's answers: what the exceptions are, who owns them, and what is kept out of the closure.

use super::Sql;
use super::closure::where_all;
use crate::catalog::{OnDelete, ReferenceId, TableId};
use crate::engine::Statement;

/// Rows that the firewall refuses: foreign ones, and others that only a forced reference reaches.
const REFUSED: &str =
    "(v.class = 'foreign' OR (v.class IN ('shared', 'global') AND v.cascaded = 0))";

impl Sql<'_> {
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
            if table == self.plan.root {
                format!("SELECT h.origin, h.n, k.gen FROM {join}")
            } else {
                format!("SELECT h.origin, h.n, k.gen FROM {join} WHERE k.gen IS NOT NULL")
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
        let foreign =
            if self.plan.dependent.contains(&table) { "o.others = 1" } else { "o.mine = 0" };
        let reached = if reached.is_empty() { "false".to_owned() } else { reached.join(" OR ") };
        format!(
            "{} SELECT {}e.*, CASE WHEN o.n IS NULL THEN 'global' WHEN {foreign} THEN 'foreign' \
             WHEN o.others = 1 THEN 'shared' ELSE 'ours' END AS class, \
             CASE WHEN {reached} THEN 1 ELSE 0 END AS cascaded \
             FROM {} e LEFT JOIN {} o ON o.origin = {} AND o.n = e.n JOIN {} c ON {}{joins}",
            self.create_as(&format!("orgsweep_v{}", table.0)),
            self.once(table),
            self.exception_table(table),
            self.temporary("orgsweep_home"),
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
            self.named_once(id),
            self.names_key(id, "p", "c"),
            where_all(&conditions),
        )
    }

    /// Class and number of the refused rows that `id` reaches.
    pub fn count_refused(&self, id: ReferenceId, excluding: bool) -> Statement {
        format!(
            "SELECT v.class, {} FROM {} GROUP BY v.class",
            self.dialect.count(),
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
            self.dialect.count(),
            self.temporary("orgsweep_home"),
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
            self.dialect.count(),
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
        self.temporary(&format!("orgsweep_x{}", id.0))
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
        let outcome = self.temporary("orgsweep_home");
        let all = judged.chain(homes).chain([outcome]);
        all.map(|name| self.dialect.drop_temporary(&name) + "; ").collect()
    }
}
