//! The way back from a row to what was selected, row by row.

use super::Ownership;
use super::verdicts::judgement;
use crate::catalog::ReferenceId;
use crate::execute::discovery::Discovery;
use crate::execute::naming::named;
use crate::execute::{Failure, Run};
use crate::explanation::{Ancestry, Judgement, Named, Relative, Standing, Step};
use crate::plan::Followed;
use crate::sql::RowKey;
use std::collections::BTreeMap;

/// More ancestors than these are not looked at: a chain may be as long as its table.
const ANCESTORS: usize = 1_000;

/// Breadth first along the followed references, from the row up to what was selected.
pub fn of(
    run: &mut Run,
    discovery: &Discovery,
    ownership: &Ownership,
    row: Relative,
    key: &RowKey,
) -> Result<Ancestry, Failure> {
    let mut ancestry = Ancestry { rows: vec![row], ..Ancestry::default() };
    let mut keys = vec![key.clone()];
    let mut positions = BTreeMap::from([(key.clone(), 0)]);
    let mut child = 0;
    while child < keys.len() {
        for followed in followed_to(run, discovery, &ancestry.rows[child]) {
            for (parent, key) in parents(run, discovery, followed.reference, &keys[child])? {
                if keys.len() == ANCESTORS && !positions.contains_key(&key) {
                    ancestry.cut = true;
                    continue;
                }
                let position = *positions.entry(key.clone()).or_insert_with(|| {
                    keys.push(key);
                    ancestry.rows.push(parent);
                    ancestry.rows.len() - 1
                });
                let Followed { reference, rank } = followed;
                ancestry.steps.push(Step { child, parent: position, reference, rank });
            }
        }
        child += 1;
    }
    for (position, key) in keys.iter().enumerate() {
        ancestry.rows[position].refused = is_refused(run, ownership, &ancestry, position, key)?;
    }
    Ok(ancestry)
}

/// The row is refused for its owners, and not every reference that reaches it has consent.
fn is_refused(
    run: &mut Run,
    ownership: &Ownership,
    ancestry: &Ancestry,
    position: usize,
    key: &RowKey,
) -> Result<bool, Failure> {
    let judged = judgement(run, ownership, key)?;
    let mut reaching = ancestry.steps.iter().filter(|step| step.child == position);
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    Ok(judged.is_some_and(|judgement| judgement != Judgement::Passed)
        && !reaching.all(|step| plan.deletes_foreign(catalog, step.reference)))
}

/// References along which a row of the closure may have joined it. Selected rows need no reason.
fn followed_to(run: &Run, discovery: &Discovery, row: &Relative) -> Vec<Followed> {
    if matches!(row.standing, Standing::Selected | Standing::Stays) {
        return Vec::new();
    }
    let catalog = run.job.catalog;
    let mut followed = run.job.plan.followed_into(row.table, catalog);
    followed.retain(|followed| discovery.has_rows(catalog.reference(followed.reference).parent));
    followed
}

/// The parents with which the row joins the closure by one reference.
fn parents(
    run: &mut Run,
    discovery: &Discovery,
    id: ReferenceId,
    key: &RowKey,
) -> Result<Vec<(Relative, RowKey)>, Failure> {
    let going = |(named, key)| match named {
        Named::Row { parent, excluded: false } if parent.standing != Standing::Stays => {
            Some((parent, key))
        }
        _ => None,
    };
    Ok(named(run, discovery, id, key)?.into_iter().filter_map(going).collect())
}
