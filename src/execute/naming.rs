//! Whom a row names, and whether that goes.

use super::discovery::Discovery;
use super::{Failure, Run};
use crate::catalog::{ReferenceId, TableId};
use crate::database::Row;
use crate::explanation::{Named, Relative, Standing};
use crate::label::{printable, title};
use crate::sql::{Known, RowKey};

/// What becomes of a row that was found by the statement of this number.
pub fn standing(discovery: &Discovery, generation: Option<i64>) -> Standing {
    match generation {
        None => Standing::Stays,
        Some(n) if n <= i64::from(discovery.selected) => Standing::Selected,
        Some(n) if n <= i64::from(discovery.boundary) => Standing::Goes,
        Some(_) => Standing::NeedsForce,
    }
}

/// The identity of a row whose values begin at this column.
pub fn key(table: TableId, row: &Row, from: usize) -> RowKey {
    RowKey { table, values: (from..row.0.len()).map(|n| row.text(n).to_owned()).collect() }
}

/// Whom the row names by a reference, with the identity of each.
pub fn named(
    run: &mut Run,
    discovery: &Discovery,
    id: ReferenceId,
    key: &RowKey,
) -> Result<Vec<(Named, RowKey)>, Failure> {
    const PARENT: usize = 6;
    let parent = run.job.catalog.reference(id).parent;
    let known = Known {
        readable: run.unreadable(parent).is_none(),
        keyed: discovery.has_keys(parent),
        excluding: discovery.is_excluded(id),
    };
    let rows = run.query(&run.sql.named(id, key, known))?;
    let name = |row: &Row| match () {
        () if !row.flag(0) => Named::Nobody,
        () if !known.readable => Named::Unreadable,
        () if row.optional(PARENT).is_none() => Named::Missing(printable(row.text(1))),
        () => Named::Row {
            excluded: row.flag(2),
            parent: Relative {
                table: parent,
                title: title(row.text(4), row.text(5)),
                standing: standing(discovery, row.optional(3).and_then(|n| n.parse().ok())),
                refused: false,
            },
        },
    };
    Ok(rows.iter().map(|row| (name(row), self::key(parent, row, PARENT))).collect())
}
