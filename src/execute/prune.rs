//! A batch of the closure: what was found when each statement stopped at so many rows, without the rows
//! that others still name. What is left can go by itself, and nothing that stays will miss it.

use super::closure::Discovery;
use super::{Failure, Run};
use crate::catalog::{ReferenceId, TableId};
use std::collections::BTreeSet;

/// Takes every row out of the key tables that a row names which does not go in this batch. Children
/// first; in a cycle again and again, until nothing changes.
pub fn prune(run: &mut Run, discovery: &mut Discovery) -> Result<(), Failure> {
    let root = run.job.plan.root;
    for component in &run.job.plan.deletion {
        let tables: Vec<TableId> =
            component.iter().copied().filter(|table| discovery.has_rows(*table)).collect();
        loop {
            let mut pruned = 0;
            for table in tables.iter().filter(|table| **table != root) {
                for id in holding(run, *table) {
                    let child = run.job.catalog.reference(id).child;
                    let known = discovery.has_keys(child);
                    pruned += run.execute(&run.sql.prune(id, known))?;
                }
            }
            if pruned == 0 || !is_cyclic(run, &tables) {
                break;
            }
        }
        for table in tables.iter().filter(|table| **table != root) {
            let rows = run.one(run.sql.count_keys(*table))?.number(0) as u64;
            discovery.cut(*table, rows);
        }
    }
    // The organizations' own rows stay in their key table: homes are told by them.
    let mut held = 0;
    for id in holding(run, root) {
        let known = discovery.has_keys(run.job.catalog.reference(id).child);
        held += run.one(run.sql.count_held(id, known))?.number(0);
    }
    if held > 0 {
        discovery.cut(root, 0);
    }
    Ok(())
}

/// References by which rows hold their parent in `table`: not those that are unlinked with it.
fn holding(run: &Run, table: TableId) -> Vec<ReferenceId> {
    let plan = run.job.plan;
    let unlinked: BTreeSet<ReferenceId> =
        plan.unlinks.iter().map(|unlink| unlink.reference).collect();
    let followed = |id: &ReferenceId| plan.followed.iter().any(|f| f.reference == *id);
    let catalog = run.job.catalog;
    let holds = |id: &ReferenceId| {
        let reference = catalog.reference(*id);
        reference.parent == table
            && !unlinked.contains(id)
            && (reference.is_constraint() || followed(id))
    };
    catalog.reference_ids().filter(holds).collect()
}

fn is_cyclic(run: &Run, tables: &[TableId]) -> bool {
    let within = |table: &TableId| tables.contains(table);
    run.job.catalog.references.iter().any(|r| within(&r.parent) && within(&r.child))
}
