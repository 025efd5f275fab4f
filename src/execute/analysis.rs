//! What preview, clean and explain have in common: the rows, and what stands in their way.

use super::batch::prune;
use super::closure;
use super::digest::digests;
use super::discovery::Discovery;
use super::ownership::{self, Ownership};
use super::single_pass;
use super::{
    Failure, Progress, Run, associations, cascade, constraints, guards, keeping, obstacles, proof,
    scopes, staying, write_set,
};
use crate::catalog::{ReferenceId, TableId};
use crate::findings::{Findings, Proof, Unlinked};
use crate::plan::{EngineCascade, Refusal, RefusalKind, Which};
use std::collections::{BTreeMap, BTreeSet};

/// What is found before anything is refused. The key tables and those of the owners stay.
pub struct Analysis {
    pub discovery: Discovery,
    pub unlinked: Vec<Unlinked>,
    pub ownership: Ownership,
    pub excluded: BTreeSet<ReferenceId>,
    /// The statements that found those.
    prelude: Vec<String>,
    /// Nothing found so far keeps a clean from deleting these rows as it finds them.
    top_down: bool,
}

/// The closure, the refusals, the unlinks: all that is known before the first change. The key
/// tables stay for the deletion.
pub fn measure(run: &mut Run) -> Result<Findings, Failure> {
    let mut analysis = analyze(run)?;
    collect_refusals(run, &mut analysis)
}

pub fn analyze(run: &mut Run) -> Result<Analysis, Failure> {
    let (mut excluded, mut prelude) = (BTreeSet::new(), Vec::new());
    let plan = run.job.plan;
    let mut foreign = plan.unlinks.iter().filter(|unlink| unlink.which == Which::Foreign);
    let may_exclude = foreign.next().is_some() || !plan.kept.is_empty();
    run.transcript = (may_exclude && !run.lock).then(Vec::new);
    keeping::begin(run)?;
    prelude.extend(run.transcript.iter().flatten().cloned());
    let mut stays = None;
    loop {
        let mut discovery = closure::discover(run, &excluded)?;
        discovery.stays = stays.clone().unwrap_or_default();
        let mut incomparable = Vec::new();
        if !discovery.is_empty() {
            (run.observe)(Progress::Checking);
            incomparable = obstacles::incomparable(run, &discovery);
        }
        if discovery.is_empty() || !incomparable.is_empty() {
            discovery.refusals.extend(incomparable);
            let (unlinked, ownership) = (Vec::new(), Ownership::default());
            run.transcript = None;
            let top_down = false;
            return Ok(Analysis { discovery, unlinked, ownership, excluded, prelude, top_down });
        }
        let suspects = ownership::tables_with_suspects(run, &discovery)?;
        if discovery.is_cut() && run.lock {
            proof::weigh_rows(run, &discovery.rows)?;
        }
        let (unlinked, ownership) = unlinked_and_owned(run, &mut discovery, &suspects)?;
        let all = run.job.plan.tables.clone();
        let top_down =
            suspects.is_empty() && single_pass::tables(run.sql.dialect, run.job) == Some(all);
        if ownership::exclude(run, &discovery, &ownership, &mut excluded)? {
            ownership::forget(run, &ownership, &unlinked)?;
            ownership::forget_keys(run, &discovery)?;
            prelude = run.transcript.clone().unwrap_or_default();
            continue;
        }
        if stays.is_none() && !plan.kept.is_empty() {
            // Of these no verdict tells: where a scope column says so, all of them are refused.
            let others = scopes::others(run, &mut discovery)?;
            let found = match others.iter().any(|refusal| plan.kept.contains_key(&refusal.table)) {
                true => BTreeMap::new(),
                false => keeping::exclude(run, &discovery, &ownership, &mut excluded)?,
            };
            let again = !found.is_empty();
            stays = Some(found);
            if again {
                ownership::forget(run, &ownership, &unlinked)?;
                ownership::forget_keys(run, &discovery)?;
                prelude = run.transcript.clone().unwrap_or_default();
                continue;
            }
        }
        run.transcript = None;
        return Ok(Analysis { discovery, unlinked, ownership, excluded, prelude, top_down });
    }
}

/// The surviving rows that change, and whose all of them are. A batch leaves to others what cannot be judged before all is
/// found: the CASCADE that lets a shared row go may be among what was not.
fn unlinked_and_owned(
    run: &mut Run,
    discovery: &mut Discovery,
    suspects: &[TableId],
) -> Result<(Vec<Unlinked>, Ownership), Failure> {
    let mut later = BTreeSet::new();
    loop {
        if discovery.is_cut() {
            prune(run, discovery, &mut later)?;
        }
        let unlinked = obstacles::unlinked(run, discovery)?;
        let ownership = ownership::analyze(run, discovery, suspects, &unlinked)?;
        if !discovery.is_cut() || !ownership::postpone(run, &ownership, &mut later)? {
            return Ok((unlinked, ownership));
        }
        ownership::forget(run, &ownership, &unlinked)?;
    }
}

/// What stands in the way of what was found.
pub fn collect_refusals(run: &mut Run, analysis: &mut Analysis) -> Result<Findings, Failure> {
    let Analysis { discovery, unlinked, ownership, excluded, prelude, top_down } = analysis;
    if discovery.is_empty() {
        return Ok(Findings::default());
    }
    let (found, staying) = discovery.found_to_go();
    let incomparable = |refusal: &Refusal| refusal.kind == RefusalKind::Incomparable;
    if discovery.refusals.iter().any(incomparable) {
        // Any other question may compare by such a reference.
        return Ok(Findings {
            organizations: discovery.organizations.clone(),
            found,
            staying,
            refusals: discovery.refusals.clone(),
            ..Findings::default()
        });
    }
    let kept = obstacles::kept(run, discovery)?;
    let linked = staying::linked(run, discovery)?;
    let unassociated = associations::unassociated(run, discovery)?;
    let mut refusals = discovery.refusals.clone();
    refusals.extend(guards::guards(run, discovery)?);
    refusals.extend(write_set::too_large(run, discovery, unlinked)?);
    refusals.extend(kept);
    refusals.extend(staying::held(run, discovery)?);
    refusals.extend(staying::lost_links(run, discovery)?);
    refusals.extend(staying::unsevered(run, discovery, unlinked)?);
    refusals.extend(obstacles::disagreements(run, discovery)?);
    refusals.extend(obstacles::protected(run, discovery, excluded)?);
    refusals.extend(ownership::refusals(run, discovery, ownership, excluded)?);
    refusals.extend(constraints::broken_unlinks(run, discovery, unlinked)?);
    refusals.extend(obstacles::overlaps(run, discovery)?);
    let left_behind = scopes::left_behind(run, discovery, unlinked)?;
    refusals.extend(scopes::refusals(run, &left_behind));
    refusals.extend(scopes::others(run, discovery)?);
    let mut findings = Findings {
        organizations: discovery.organizations.clone(),
        found,
        staying,
        linked,
        stays: discovery.stays.clone(),
        unassociated,
        only_counted: false,
        is_cut: discovery.is_cut(),
        shared: ownership::shared(run, discovery, ownership)?,
        unlinked: ownership::owners_of_unlinked(run, discovery, ownership, unlinked)?,
        unlinked_rows: obstacles::unlinked_rows(run, unlinked)?,
        // A clean that comes after this one; its own run was sent back to the closure.
        top_down: *top_down && !run.lock && refusals.is_empty(),
        engine_cascade: false,
        refusals,
        left_behind,
        digests: BTreeMap::new(),
        proof: Proof::default(),
        prelude: prelude.clone(),
    };
    cascade::decide(run, &mut findings)?;
    let mut nulled = constraints::nulled_on_the_way(run, discovery, findings.engine_cascade)?;
    if !nulled.is_empty() && run.job.plan.rules.engine_cascade == EngineCascade::Auto {
        findings.engine_cascade = false;
        nulled = constraints::nulled_on_the_way(run, discovery, false)?;
    }
    findings.refusals.extend(nulled);
    if run.job.digest {
        findings.digests = digests(run, &findings)?;
    }
    Ok(findings)
}
