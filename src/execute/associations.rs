//! Rows that belong to nobody any more, as the last row that linked them goes: told, and no reason to refuse.

use super::closure::key_counted;
use super::discovery::Discovery;
use super::{Failure, Run};
use crate::catalog::ReferenceId;

/// How many there are, by the reference that linked them. Asked only where an association loses rows; of a batch nothing
/// is, as what it leaves may be of the next one.
pub fn unassociated(
    run: &mut Run,
    discovery: &mut Discovery,
) -> Result<Vec<(ReferenceId, u64)>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let can_be_asked = |id: &ReferenceId| {
        let reference = catalog.reference(*id);
        let unreadable = |table| run.unreadable(table).is_some();
        !unreadable(reference.child)
            && !unreadable(reference.parent)
            && run.sql.unlike(*id).is_none()
    };
    let gone = |id: &ReferenceId| discovery.loses_rows(catalog.reference(*id).child);
    let gone: Vec<ReferenceId> =
        plan.links.iter().copied().filter(|id| gone(id) && can_be_asked(id)).collect();
    if gone.is_empty() || run.job.batch.is_some() {
        return Ok(Vec::new());
    }
    for id in &plan.links {
        key_counted(run, discovery, catalog.reference(*id).child)?;
    }
    let gone: Vec<ReferenceId> =
        gone.into_iter().filter(|id| discovery.has_keys(catalog.reference(*id).child)).collect();
    let shows = |table| discovery.shows(table);
    let mut unassociated = Vec::new();
    for row in run.query_all(&run.sql.count_unassociated(&gone, &plan.links, &shows))? {
        let (id, rows) = (ReferenceId(row.count(0)? as usize), row.count(1)?);
        unassociated.extend((rows > 0).then_some((id, rows)));
    }
    unassociated.sort_unstable();
    Ok(unassociated)
}
