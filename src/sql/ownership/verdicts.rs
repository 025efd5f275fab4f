//! What follows from its owners for each suspect, and what is kept out of the closure.

use super::owners::Counted;
use super::suspects::Closure;
use super::{OWNERS, verdict_name};
use crate::catalog::{OnDelete, ReferenceId, TableId};
use crate::engine::{Dialect, Statement};
use crate::plan::RefusalKind;
use crate::sql::Sql;
use crate::sql::closure::where_all;
use std::collections::BTreeSet;

/// How the verdict tables call rows that are not ours alone.
pub const CLASSES: [(&str, RefusalKind); 3] = [
    ("foreign", RefusalKind::Foreign),
    ("shared", RefusalKind::Shared),
    ("global", RefusalKind::Global),
];

impl Sql<'_> {
    /// The suspects of `table`, those that were traced in this generation, with their class, and whether a CASCADE
    /// reference reaches them: 2 where that hangs on rows of `doubted` tables, which may be refused themselves.
    pub fn judge(
        &self,
        table: TableId,
        closure: Closure,
        generation: u32,
        doubted: &BTreeSet<TableId>,
    ) -> String {
        let columns = self.key_table(table).identity_columns().into_iter();
        let columns: Vec<String> = columns.map(|column| format!("t.{column}")).collect();
        let (mut joins, mut reached, mut hanging) = (String::new(), Vec::new(), Vec::new());
        for (n, id) in self.cascades_into(table, closure).enumerate() {
            let Some(key) = self.catalog.reference(id).parent_columns.first() else { continue };
            let key = self.key_column(self.catalog.reference(id).parent, key);
            let names = self.names_key(id, &format!("p{n}"), "c");
            joins += &format!(" LEFT JOIN {} p{n} ON {names}", self.named_once(id));
            let parent = self.catalog.reference(id).parent;
            let found = if doubted.contains(&parent) { &mut hanging } else { &mut reached };
            found.push(format!("p{n}.{key} IS NOT NULL"));
        }
        if !hanging.is_empty() {
            let same = self.same_key(table, "k", "t");
            joins += &format!(" JOIN {} k ON {same}", self.key_relation(table));
            reached.push(format!("k.gen <= {}", closure.cascaded));
        }
        let any = |ways: &[String]| match ways {
            [] => "1 = 0".to_owned(),
            ways => ways.join(" OR "),
        };
        let (reached, hanging) = (any(&reached), any(&hanging));
        self.said_together(format!(
            "{} SELECT {}t.n, {}, CASE WHEN w.n IS NULL THEN 'global' WHEN w.most = 0 THEN 'foreign' \
             WHEN w.least = 0 THEN 'shared' ELSE 'ours' END AS class, \
             CASE WHEN {reached} THEN 1 WHEN {hanging} THEN 2 ELSE 0 END AS cascaded \
             FROM {} t LEFT JOIN {} w ON w.n = t.n JOIN {} c ON {}{joins} WHERE t.gen = {generation}",
            self.create_as(&verdict_name(table)),
            self.distinct(table),
            columns.join(", "),
            self.traced(table),
            self.owned_rows(),
            self.relation(table),
            self.same_row(table, "t", "c"),
        ))
    }

    /// As for traced rows: refusals join all of these.
    pub fn analyze_verdicts<'t>(
        &self,
        tables: impl Iterator<Item = &'t TableId>,
    ) -> Option<String> {
        let verdicts = tables.map(|table| verdict_name(*table));
        let names = verdicts.chain([OWNERS.to_owned()]).map(|name| self.temporary(&name));
        (self.dialect == Dialect::Postgres)
            .then(|| format!("ANALYZE {}", names.collect::<Vec<_>>().join(", ")))
    }

    fn cascades_into(&self, table: TableId, closure: Closure) -> impl Iterator<Item = ReferenceId> {
        let followed = self.plan.followed_into(table, self.catalog).into_iter();
        followed.map(|followed| followed.reference).filter(move |id| {
            let reference = self.catalog.reference(*id);
            reference.on_delete == OnDelete::Cascade && (closure.has_keys)(reference.parent)
        })
    }

    /// Rows that are refused: foreign ones; shared and global ones that only a forced reference reaches; shared ones
    /// that the policy does not let go either.
    fn is_refused(&self) -> &'static str {
        if self.plan.rules.guards.refuses_shared {
            "(v.class IN ('foreign', 'shared') OR (v.class = 'global' AND v.cascaded = 0))"
        } else {
            "(v.class = 'foreign' OR (v.class IN ('shared', 'global') AND v.cascaded = 0))"
        }
    }

    /// The row `c` of a table with suspects is somebody else's and reached by one of these references, which nobody's
    /// consent covers.
    pub(in crate::sql) fn is_refused_by(&self, table: TableId, reached: &[ReferenceId]) -> String {
        let (verdicts, same) = (self.verdict_table(table), self.same_row(table, "v", "c"));
        let named = reached.iter().map(|id| {
            let names = self.names_key(*id, "p", "c");
            format!("EXISTS (SELECT 1 FROM {} p WHERE {names})", self.named_once(*id))
        });
        let named: Vec<String> = named.collect();
        let named = if named.is_empty() { "1 = 0".to_owned() } else { named.join(" OR ") };
        format!(
            "(EXISTS (SELECT 1 FROM {verdicts} v WHERE {same} AND {}) AND ({named}))",
            self.is_refused()
        )
    }

    /// Takes those of them out of the key table that do not belong to others alone.
    pub fn postpone_refused(&self, table: TableId) -> Statement {
        self.take_out(table, || {
            let (verdicts, same) = (self.verdict_table(table), self.same_key(table, "v", "k"));
            let refused = self.is_refused();
            format!(
                "EXISTS (SELECT 1 FROM {verdicts} v WHERE {same} AND {refused} AND v.class IN ('shared', 'global'))"
            )
        })
    }

    /// Refused rows `v`/`c` of one class that the followed reference `id` reaches.
    fn refused(&self, id: ReferenceId, class: Option<&str>, excluding: bool) -> String {
        let reference = self.catalog.reference(id);
        let mut conditions = vec![self.is_refused().to_owned()];
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
        self.said(format!(
            "SELECT v.class, {} FROM {} GROUP BY v.class",
            self.dialect.count(),
            self.refused(id, None, excluding)
        ))
    }

    pub fn sample_refused(
        &self,
        id: ReferenceId,
        class: &str,
        excluding: bool,
        limit: u32,
    ) -> Statement {
        let child = self.catalog.reference(id).child;
        self.said(format!(
            "SELECT {} FROM {} ORDER BY {} LIMIT {limit}",
            self.label(child, "c").join(", "),
            self.refused(id, Some(class), excluding),
            self.identity_values(child, "c").join(", "),
        ))
    }

    /// The other organizations that own refused rows, with their number of rows.
    pub fn owners_of_refused(
        &self,
        id: ReferenceId,
        class: &str,
        excluding: bool,
        closure: Closure,
        counted: Counted,
    ) -> Statement {
        let rows = format!("SELECT v.n FROM {}", self.refused(id, Some(class), excluding));
        self.other_owners(&rows, closure, counted)
    }

    /// Shared rows that go with a cascade, by the other organizations.
    pub fn owners_of_shared(
        &self,
        table: TableId,
        closure: Closure,
        counted: Counted,
    ) -> Statement {
        let verdict = self.verdict_table(table);
        let rows =
            format!("SELECT v.n FROM {verdict} v WHERE v.class = 'shared' AND v.cascaded > 0");
        self.other_owners(&rows, closure, counted)
    }

    pub(in crate::sql) fn excluded(&self, id: ReferenceId) -> String {
        self.mentioned(&excluded_name(id))
    }

    pub(in crate::sql) fn not_excluded(&self, id: ReferenceId) -> String {
        let child = self.catalog.reference(id).child;
        let same = self.same_row(child, "x", "c");
        format!("NOT EXISTS (SELECT 1 FROM {} x WHERE {same})", self.excluded(id))
    }

    /// The same to be written to.
    pub(in crate::sql) fn excluded_target(&self, id: ReferenceId) -> String {
        self.written_to(&excluded_name(id))
    }

    /// The empty table of rows that a consent, or the policy, keeps out of the closure.
    pub fn create_excluded(&self, id: ReferenceId) -> String {
        let child = self.catalog.reference(id).child;
        self.create_rows(child, &excluded_name(id), "")
    }

    /// Keeps the refused rows that `id` reaches out of the closure.
    pub fn exclude_refused(&self, id: ReferenceId) -> Statement {
        let child = self.catalog.reference(id).child;
        self.said(format!(
            "INSERT INTO {} SELECT {} FROM {}",
            self.excluded_target(id),
            self.identity_values(child, "c").join(", "),
            self.refused(id, None, true)
        ))
    }
}

fn excluded_name(id: ReferenceId) -> String {
    format!("orgsweep_x{}", id.0)
}
