//! How far a reference that no constraint vouches for holds in the data.

use super::Sql;
use crate::catalog::ReferenceId;
use crate::engine::{Statement, quote};
use crate::policy::Types;

impl Sql<'_> {
    /// Of at most `sample` rows that name somebody by `id`: how many there are, and how many name
    /// a row that exists.
    pub fn evidence(&self, id: ReferenceId, sample: u32) -> Statement {
        let reference = self.catalog.reference(id);
        format!(
            "SELECT {}, {} FROM (SELECT c.* FROM {} c WHERE {} LIMIT {sample}) c",
            self.dialect.count(),
            self.dialect.as_text(&format!(
                "count(CASE WHEN EXISTS (SELECT 1 FROM {} r WHERE {}) THEN 1 END)",
                self.relation(reference.parent),
                self.names_row(id, "r", "c")
            )),
            self.child_relation(id),
            self.row_names_somebody(id, "c"),
        )
        .into()
    }

    /// The types that at most `sample` rows of a polymorphic pair have.
    pub fn types(&self, pair: &Types, sample: u32) -> Statement {
        let column = quote(&pair.type_column);
        let types = format!(
            "(SELECT DISTINCT s.{column} FROM (SELECT c.{column} FROM {} c WHERE c.{column} IS NOT NULL \
             LIMIT {sample}) s)",
            self.relation(pair.table)
        );
        match &pair.lookup {
            None => {
                let type_name = &self.column(pair.table, &pair.type_column).type_name;
                let text = self.dialect.output(&format!("s.{column}"), type_name);
                format!("SELECT {text} FROM {types} s ORDER BY 1").into()
            }
            Some((table, key)) => {
                let text = |name: &str| self.dialect.as_text(&format!("t.{}", quote(name)));
                format!(
                    "SELECT {}, {} FROM {} t WHERE t.{} IN {types} ORDER BY 1, 2",
                    text("app_label"),
                    text("model"),
                    self.relation(*table),
                    quote(key)
                )
                .into()
            }
        }
    }
}
