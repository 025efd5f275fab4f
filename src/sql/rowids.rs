//! SQLite's rowids that no column is: an external index or an application may have kept them, so that rows come back
//! under theirs.

use super::Sql;
use super::staging::Stage;
use crate::engine::Statement;

impl Sql<'_> {
    /// The stage's column that holds the rowid, and what the table calls it: where both have one that no column is.
    pub(super) fn staged_rowid(&self, stage: Stage) -> Option<(String, &'static str)> {
        Some((stage.rowid()?, self.table(stage.part.table).hidden_rowid()?))
    }

    /// Takes the rowids from archived rows that cannot have them back, because other rows have them by now.
    pub fn give_up_rowids(&self, stage: Stage) -> Option<Statement> {
        let (staged, name) = self.staged_rowid(stage)?;
        let (stage_table, relation) = (self.stage(stage), self.relation(stage.part.table));
        Some(
            format!(
                "UPDATE {stage_table} SET {staged} = NULL WHERE typeof({staged}) <> 'integer' \
                 OR {staged} IN (SELECT c.{name} FROM {relation} c)"
            )
            .into(),
        )
    }

    /// Archived rows of which another is under their rowid, or none.
    pub fn misplaced(&self, stage: Stage) -> Option<Statement> {
        let (staged, name) = self.staged_rowid(stage)?;
        let found = format!("c.{name} = s.{staged}");
        Some(self.not_back(stage, found, &format!("s.{staged} IS NOT NULL AND ")))
    }
}
