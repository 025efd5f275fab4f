//! What a Galera cluster takes in one transaction. All its changes travel to the other nodes together, and one
//! beyond the limits fails after all its work was done: `wsrep_max_ws_rows exceeded`, error 1180
//! (<https://mariadb.com/kb/en/galera-cluster-system-variables/#wsrep_max_ws_rows>).

use super::discovery::Discovery;
use super::{Failure, Run};
use crate::catalog::TableId;
use crate::findings::Unlinked;
use crate::plan::{Rank, Refusal, RefusalKind};
use std::collections::BTreeMap;

/// A refusal for each limit that the deletion would break. Bytes are estimated from the tables' statistics.
pub fn too_large(
    run: &mut Run,
    discovery: &Discovery,
    unlinked: &[Unlinked],
) -> Result<Vec<Refusal>, Failure> {
    let Some(question) = run.sql.dialect.write_set_limits().filter(|_| !run.job.in_batches) else {
        return Ok(Vec::new());
    };
    let mut limits = BTreeMap::new();
    for row in run.query(&question.into())? {
        limits.insert(row.text(0).to_ascii_lowercase(), row.count(1)?);
    }
    let limit = |name: &str| limits.get(name).copied().filter(|limit| *limit > 0);
    let changed = changed(run, discovery, unlinked);
    let rows = changed.values().sum();
    let refusal = |detail: String| Refusal {
        rows,
        detail,
        ..Refusal::new(RefusalKind::WriteSet, run.job.plan.root, None)
    };
    let mut refusals = Vec::new();
    if let Some(most) = limit("wsrep_max_ws_rows").filter(|most| rows > *most) {
        refusals.push(refusal(format!("{most} rows (wsrep_max_ws_rows)")));
    }
    // In fragments it travels while it grows.
    if let (Some(most), None) = (limit("wsrep_max_ws_size"), limit("wsrep_trx_fragment_size")) {
        let bytes = estimated_bytes(run, &changed)?;
        if bytes > most {
            let detail = format!("{most} bytes (wsrep_max_ws_size), these are about {bytes}");
            refusals.push(refusal(detail));
        }
    }
    Ok(refusals)
}

/// Rows of each table that this run would delete or unlink.
fn changed(run: &Run, discovery: &Discovery, unlinked: &[Unlinked]) -> BTreeMap<TableId, u64> {
    let (going, _) = discovery.found_to_go();
    let deleted = going.iter().filter(|found| found.rank < Rank::Protected);
    let deleted = deleted.map(|found| (found.table, found.rows));
    let child =
        |unlink: usize| run.job.catalog.reference(run.job.plan.unlinks[unlink].reference).child;
    let unlinked = unlinked.iter().map(|unlinked| (child(unlinked.unlink), unlinked.rows));
    let mut changed = BTreeMap::new();
    for (table, rows) in deleted.chain(unlinked) {
        *changed.entry(table).or_default() += rows;
    }
    changed
}

fn estimated_bytes(run: &mut Run, changed: &BTreeMap<TableId, u64>) -> Result<u64, Failure> {
    let mut bytes = 0;
    for (table, rows) in changed {
        let length = run.one(run.sql.average_row_length(*table))?.count(0)?;
        bytes += length * rows;
    }
    Ok(bytes)
}
