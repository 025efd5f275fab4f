//! `--create-missing-indexes`: the indexes without which the engine's checks of the rows that go would
//! read whole tables. They are made once it is certain that these rows go, outside any transaction, so
//! that nobody waits for them; and they stay.

use super::context::{Prepared, Session};
use crate::catalog::{Catalog, ReferenceId, TableId};
use crate::cli::{DeleteArgs, SelectArgs};
use crate::database::Database;
use crate::doctor;
use crate::execute::Failure;
use crate::sql::fixes;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeSet;

/// Something would be created where the right rows go.
pub fn any_missing(prepared: &Prepared) -> bool {
    !doctor::worth_an_index(&prepared.catalog, &prepared.plan).is_empty()
}

/// Creates what the deletion of rows of `tables` wants, and reads the catalog again.
///
/// # Errors
/// The database forbids it; the schema has changed otherwise, too.
pub fn create_missing(
    (mut database, prepared): (Database, Prepared),
    tables: &BTreeSet<TableId>,
    (session, select, delete): (&Session, &SelectArgs, &DeleteArgs),
    ui: &mut Ui,
) -> Result<(Database, Prepared)> {
    let wanted = |id: &ReferenceId| tables.contains(&prepared.catalog.reference(*id).parent);
    let missing = doctor::worth_an_index(&prepared.catalog, &prepared.plan);
    let missing: Vec<ReferenceId> = missing.into_iter().filter(wanted).collect();
    if missing.is_empty() {
        return Ok((database, prepared));
    }
    for id in missing {
        if fixes::locks_writers(&prepared.catalog, id) {
            let create = fixes::create_index(prepared.dialect, &prepared.catalog, id);
            ui.note(&format!(
                "not created, it would keep writers of a partitioned table waiting: {create}"
            ));
            continue;
        }
        let create = fixes::create_index(prepared.dialect, &prepared.catalog, id);
        ui.progress(create.clone());
        database.run(&create)?;
        ui.note(&format!("created for good: {create}"));
    }
    let (database, again) = Prepared::open(session, select, delete)?;
    if without_indexes(&again.catalog) == without_indexes(&prepared.catalog) {
        Ok((database, again))
    } else {
        Err(Failure::SchemaMoved.into())
    }
}

/// What has to be the same before and after.
fn without_indexes(catalog: &Catalog) -> Catalog {
    let mut catalog = catalog.clone();
    catalog.fingerprint.clear();
    let references = catalog.references.iter_mut().chain(&mut catalog.scopes);
    references.for_each(|reference| reference.index = None);
    catalog.tables.iter_mut().for_each(|table| table.estimated_rows = None);
    catalog
}
