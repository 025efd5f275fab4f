//! In which order an engine acts on the references of a row that it deletes.

use super::Dialect;
use crate::catalog::{Catalog, OnDelete, Origin, ReferenceId, TableId};

impl Dialect {
    /// A row that `cascade` takes is gone, whatever the schema's history, before `unlink` would be set to null.
    ///
    /// PostgreSQL runs the triggers of what a trigger deletes after those of the statement itself: the selected rows'
    /// own cascades come first. InnoDB goes through the references to a row by their names.
    pub fn cascades_first(
        self,
        catalog: &Catalog,
        root: TableId,
        cascade: ReferenceId,
        unlink: ReferenceId,
    ) -> bool {
        let (first, then) = (catalog.reference(cascade), catalog.reference(unlink));
        if first.on_delete != OnDelete::Cascade || first.declaration.origin != Origin::Database {
            return false;
        }
        match self {
            Dialect::Sqlite => false,
            Dialect::Postgres => first.parent == root && then.parent != root,
            Dialect::Mysql => {
                (first.parent, &first.parent_columns, &first.columns)
                    == (then.parent, &then.parent_columns, &then.columns)
                    && first.name < then.name
            }
        }
    }
}
