//! Organizations that stay (`--keep-organization`), and rows that the policy keeps: what goes on naming them, and what they
//! must not go on naming.

use super::closure::key_counted;
use super::discovery::Discovery;
use super::obstacles::ask;
use super::{Failure, Run};
use crate::catalog::{Reference, ReferenceId};
use crate::findings::Unlinked;
use crate::plan::{Followed, Refusal, RefusalKind, Unlink, UnlinkValue, Which};

/// Those that name by a column of their own a row that goes.
pub fn held(run: &mut Run, discovery: &Discovery) -> Result<Vec<Refusal>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let mut refusals = Vec::new();
    for Followed { reference, .. } in &plan.followed {
        let Reference { child, parent, .. } = *catalog.reference(*reference);
        if plan.keeps(child) && discovery.loses_rows(parent) {
            let question = run.sql.named_within(*reference);
            refusals.extend(ask(run, RefusalKind::Held, Some(*reference), &question)?);
        }
    }
    Ok(refusals)
}

/// Rows that would stop naming them, or what is theirs, as an unlink from something else empties a column of both
/// references.
pub fn lost_links(run: &mut Run, discovery: &Discovery) -> Result<Vec<Refusal>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let mut refusals = Vec::new();
    for unlink in &plan.unlinks {
        let Reference { child, parent, .. } = *catalog.reference(unlink.reference);
        if !discovery.has_rows(parent) || !unlink.is_possible(catalog) {
            continue;
        }
        for id in plan.loses_by(catalog, unlink) {
            let parent = catalog.reference(id).parent;
            let goes = discovery.may_lose(parent);
            let question = run.sql.losing_link(unlink, id, discovery.shows(child), goes);
            let refusal = ask(run, RefusalKind::LosesLink, Some(unlink.reference), &question)?;
            let parent = &catalog.table(parent).name;
            let detail = format!("{parent} that stay ({})", catalog.reference_name(id));
            refusals.extend(refusal.map(|refusal| Refusal { detail, ..refusal }));
        }
    }
    Ok(refusals)
}

/// Rows that the policy keeps and that name rows that go, where no rule says what becomes of that; or where one ghost
/// would be a row of several tables.
pub fn unsevered(
    run: &mut Run,
    discovery: &Discovery,
    unlinked: &[Unlinked],
) -> Result<Vec<Refusal>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let found = unlinked.iter().map(|it| &plan.unlinks[it.unlink]);
    let is_ghost =
        |it: &&Unlink| it.which == Which::Kept && matches!(it.value, UnlinkValue::Key(_));
    let ghosts: Vec<ReferenceId> = found.filter(is_ghost).map(|it| it.reference).collect();
    let is_one_of_several = |id: ReferenceId| {
        let Reference { child, parent, .. } = *catalog.reference(id);
        let differs = |other: &ReferenceId| {
            let other = catalog.reference(*other);
            plan.kept.get(&other.child) == plan.kept.get(&child) && other.parent != parent
        };
        ghosts.contains(&id) && ghosts.iter().any(differs)
    };
    let severed = |id: ReferenceId| {
        let mut kept = plan.unlinks.iter().filter(|it| it.which == Which::Kept && !it.erases());
        kept.any(|unlink| unlink.reference == id) && !is_one_of_several(id)
    };
    let mut refusals = Vec::new();
    for followed in &plan.followed {
        let id = followed.reference;
        let Reference { child, parent, .. } = *catalog.reference(id);
        let asked = discovery.stays.contains_key(&child) && discovery.loses_rows(parent);
        if asked && !severed(id) {
            let question = run.sql.named_by_stays(id);
            refusals.extend(ask(run, RefusalKind::Kept, Some(id), &question)?);
        }
    }
    Ok(refusals)
}

/// How many rows go on naming organizations that stay, by reference.
pub fn linked(
    run: &mut Run,
    discovery: &mut Discovery,
) -> Result<Vec<(ReferenceId, u64)>, Failure> {
    let mut linked = Vec::new();
    for id in &run.job.plan.linked {
        let child = run.job.catalog.reference(*id).child;
        if let Some(refusal) = run.unreadable(child) {
            discovery.refusals.push(refusal);
            continue;
        }
        key_counted(run, discovery, child)?;
        let question = run.sql.kept_rows(*id, discovery.shows(child));
        let rows = run.one(run.sql.count_protected(&question))?.count(0)?;
        linked.extend((rows > 0).then_some((*id, rows)));
    }
    Ok(linked)
}
