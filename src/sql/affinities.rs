//! SQLite compares a key with what names it in three ways, which only columns of one kind make the same
//! (`fkey.c`; tried on every pair of kinds by `tests/it/types`):
//!
//! - its *check*, of a child that is written and in `PRAGMA foreign_key_check`, applies the key column's affinity to
//!   the child's value (<https://sqlite.org/foreignkeys.html>, 3; `fkLookupParent`);
//! - its *search* for the children of a parent that goes weighs two columns, `key = child` (`fkScanChildren`);
//! - its *actions*, CASCADE and SET NULL, run `… WHERE OLD.key = child`, and `OLD.key` has no affinity unless it is
//!   the rowid (`fkActionTrigger`): the child's is applied to the key.
//!
//! So a text '1' and an untyped 1 name each other by the check, and stay behind when the parent goes; the key '01' takes
//! the numeric child 1 along, which names '1'. We go by the check, and refuse where the others have other rows.

use super::Sql;
use super::closure::where_all;
use super::refusals::ProtectedBy;
use crate::catalog::{Affinity, Catalog, OnDelete, Origin, ReferenceId};
use crate::engine::{Dialect, quote};

/// Values of key and reference are stored and compared alike.
pub(super) fn compares_plainly(catalog: &Catalog, id: ReferenceId, n: usize) -> bool {
    let reference = catalog.reference(id);
    let affinity = |table, name: &String| {
        catalog.table(table).column(name).map_or(Affinity::Blob, |column| column.affinity)
    };
    let parent = affinity(reference.parent, &reference.parent_columns[n]);
    parent.compares_as(affinity(reference.child, &reference.columns[n]))
}

/// The three ways are one for this column: a rowid is compared as a number in all of them.
fn agrees(catalog: &Catalog, id: ReferenceId, n: usize) -> bool {
    let reference = catalog.reference(id);
    let parent = catalog.table(reference.parent);
    parent.is_rowid(&reference.parent_columns[n]) || compares_plainly(catalog, id, n)
}

/// The three ways may find different rows, where the data is so: [`Sql::disagreements`].
pub fn may_disagree(dialect: Dialect, catalog: &Catalog, id: ReferenceId) -> bool {
    let reference = catalog.reference(id);
    dialect == Dialect::Sqlite
        && reference.is_constraint()
        && !(0..reference.columns.len()).all(|n| agrees(catalog, id, n))
}

impl Sql<'_> {
    /// Rows that name a row of the closure by the check and not by the search or the action; and those that the
    /// search or the action finds, and that name none of it.
    pub fn disagreements(&self, id: ReferenceId) -> [ProtectedBy; 2] {
        let reference = self.catalog.reference(id);
        let (child, keys) = (self.child_relation(id), self.key_relation(reference.parent));
        let all = |compare: &dyn Fn(usize, String, String) -> String| {
            let pairs = reference.parent_columns.iter().zip(&reference.columns).enumerate();
            let equal = pairs.map(|(n, (key, column))| {
                let key = format!("p.{}", self.key_column(reference.parent, key));
                compare(n, key, format!("c.{}", quote(column)))
            });
            equal.collect::<Vec<_>>().join(" AND ")
        };
        let checked = all(&|n, key, column| self.equal(id, n, key, column));
        let searched = all(&|_, key, column| format!("{key} = {column}"));
        let acted = all(&|n, key, column| {
            if agrees(self.catalog, id, n) {
                format!("{key} = {column}")
            } else {
                format!("+{key} = {column}")
            }
        });
        let acts = !matches!(reference.on_delete, OnDelete::Restrict | OnDelete::NoAction)
            || reference.declaration.origin == Origin::Overridden;
        let (missed, others) = if acts {
            (format!("NOT ({searched} AND {acted})"), format!("NOT ({checked})"))
        } else {
            (format!("NOT ({searched})"), format!("{searched} AND NOT ({checked})"))
        };
        let rows = |from: String, condition: String| ProtectedBy {
            table: reference.child,
            parent: Some(reference.parent),
            several: false,
            source: (from + &where_all(&[condition])).into(),
        };
        [
            rows(format!("{child} c CROSS JOIN {keys} p ON {checked}"), missed),
            rows(format!("{keys} p CROSS JOIN {child} c ON {acted}"), others),
        ]
    }
}
