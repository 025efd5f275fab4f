//! A preview where no key can be kept: the rows are counted by one statement, in one snapshot.

use super::{Failure, Job, Observer, Progress, Run, closure};
use crate::database::Database;
use crate::findings::{Findings, Found, Unlinked};
use crate::interrupt;
use crate::plan::{Rank, Rules};
use crate::selection::Selection;

/// What can be told of this run: whose the rows are, what protects them, samples and guards need keys.
pub fn can_count(job: &Job) -> bool {
    let Rules { consents, with_children, orphans, .. } = &job.plan.rules;
    let is_told_by_key = job.selection.conditions.is_empty() || !job.root.key.is_empty();
    let asks_keys = job.digest || *with_children || !job.plan.kept.is_empty();
    is_told_by_key && !asks_keys && orphans.is_empty() && consents.is_empty()
}

/// Counts what would go and what would be unlinked.
///
/// # Errors
/// See [`Failure`].
pub fn count(database: &mut Database, job: &Job, observe: Observer) -> Result<Findings, Failure> {
    database.in_snapshot(|database| {
        let mut run = Run::new(database, job, observe, false);
        let findings = run.prepare().and_then(|()| measure(&mut run));
        interrupt::cancel_by(None);
        findings
    })
}

fn measure(run: &mut Run) -> Result<Findings, Failure> {
    let question = run.sql.find_roots(run.job.root, run.job.selection);
    let roots = run.selecting(|run| run.query(&question));
    let organizations: Vec<_> =
        roots.map_err(Failure::at_selection)?.iter().map(closure::organization).collect();
    (run.observe)(Progress::Selected(&organizations));
    if organizations.is_empty() {
        return Ok(Findings::default());
    }
    let (mut found, mut unlinked) = (Vec::new(), Vec::new());
    let mut counts = Vec::new();
    // The condition was asked: its names would not mean the same here.
    let keys = organizations.iter().map(|one| one.key.clone()).collect();
    let found_by_then = Selection { only: Some(keys), ..Selection::default() };
    let selection =
        if run.job.selection.conditions.is_empty() { run.job.selection } else { &found_by_then };
    for row in run.query(&run.sql.count_closure(run.job.root, selection))? {
        counts.push((row.count(2)? as usize, row.number(1)?, row.count(3)?, row.flag(0)));
    }
    counts.sort_unstable();
    for (rank, position, rows, goes) in counts {
        let position = usize::try_from(position).ok();
        if goes {
            let followed = position.map(|position| run.job.plan.followed[position].reference);
            let table = followed.map(|id| run.job.catalog.reference(id).child);
            found.push(Found {
                table: table.unwrap_or(run.job.plan.root),
                reference: followed,
                rank: Rank::ALL[rank],
                rows,
                script: String::new(),
            });
        } else if let Some(unlink) = position.filter(|_| rows > 0) {
            unlinked.push(Unlinked { unlink, rows, organizations: Vec::new(), stranded: 0 });
        }
    }
    let (staying, found) =
        found.into_iter().partition(|found: &Found| run.job.plan.keeps(found.table));
    // Without keys nobody can tell which rows two unlinks have in common: at most so many.
    let unlinked_rows = unlinked.iter().map(|unlinked| unlinked.rows).sum();
    Ok(Findings {
        organizations,
        found,
        staying,
        unlinked,
        unlinked_rows,
        only_counted: true,
        ..Findings::default()
    })
}
