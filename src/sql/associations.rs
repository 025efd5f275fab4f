//! Who is linked by no row of an association any more.

use super::Sql;
use crate::catalog::ReferenceId;
use crate::engine::Statement;

impl Sql<'_> {
    /// Per link (`gone`: its table has a key table) how many rows it named by rows that go, that stay themselves, that
    /// name no owner, and that no other link (of `links`) names. `shows`: rows of the closure are still in the reference's
    /// table.
    pub(crate) fn count_unassociated(
        &self,
        gone: &[ReferenceId],
        links: &[ReferenceId],
        shows: &dyn Fn(crate::catalog::TableId) -> bool,
    ) -> Vec<Statement> {
        self.together(gone.iter().copied(), |id| {
            let reference = self.catalog.reference(id);
            let parent = reference.parent;
            let going = |table, row: &str| {
                let same = self.same_row(table, "g", row);
                shows(table).then(|| {
                    format!(
                        "NOT EXISTS (SELECT 1 FROM {} g WHERE {same})",
                        self.key_relation(table)
                    )
                })
            };
            let others =
                links.iter().filter(|link| self.catalog.reference(**link).parent == parent);
            let linked = others.map(|link| {
                let stays = going(self.catalog.reference(*link).child, "c");
                let stays = stays.map(|stays| format!(" AND {stays}")).unwrap_or_default();
                format!(
                    "NOT EXISTS (SELECT 1 FROM {} c WHERE {}{stays})",
                    self.child_relation(*link),
                    self.names_row(*link, "r", "c"),
                )
            });
            let owning = self.plan.owning_of(parent).iter();
            let owned = owning.map(|id| format!("NOT ({})", self.row_names_somebody(*id, "r")));
            let conditions: Vec<String> =
                going(parent, "r").into_iter().chain(linked).chain(owned).collect();
            format!(
                "SELECT {}, {} FROM (SELECT DISTINCT {} FROM {} k JOIN {} r ON {}{}) d",
                self.dialect.as_text(&id.0.to_string()),
                self.dialect.count(),
                self.identity_values(parent, "r").join(", "),
                self.key_relation(reference.child),
                self.relation(parent),
                self.key_names_row(id, "r", "k"),
                super::closure::where_all(&conditions),
            )
        })
    }
}
