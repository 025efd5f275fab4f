//! The policy's guards: what must hold for any row to go. No `--force` passes them.

use super::discovery::Discovery;
use super::obstacles::ask;
use super::{Failure, Run};
use crate::plan::{Pattern, Rank, Refusal, RefusalKind};

/// The guards that do not hold.
pub fn guards(run: &mut Run, discovery: &Discovery) -> Result<Vec<Refusal>, Failure> {
    let guards = &run.job.plan.rules.guards;
    let mut refusals: Vec<Refusal> =
        names(run, discovery).into_iter().map(|why| refusal(run, why)).collect();
    refusals.extend(too_many(run, discovery));
    if let Some((most, place)) = &guards.max_rows {
        let (going, _) = discovery.found_to_go();
        let deleted = going.iter().filter(|found| found.rank < Rank::Protected);
        let rows: u64 = deleted.map(|found| found.rows).sum();
        if rows > *most {
            let why = format!("{place}: max-rows is {most}, and {rows} rows would go");
            refusals.push(Refusal { rows, ..refusal(run, why) });
        }
    }
    for guard in &guards.test_data {
        if discovery.loses_rows(guard.table) {
            let question = run.sql.unguarded(guard);
            let broken = run.reading(|run| ask(run, RefusalKind::Guard, None, &question))?;
            let detail = format!("{}: rows that are no test data ({})", guard.place, guard.sql);
            refusals.extend(broken.map(|refusal| Refusal { detail, ..refusal }));
        }
    }
    Ok(refusals)
}

/// More organizations are selected than an unattended run expects.
pub fn too_many(run: &Run, discovery: &Discovery) -> Option<Refusal> {
    let selected = discovery.organizations.len() as u64;
    let most = run.job.plan.rules.guards.max_organizations.filter(|most| selected > *most)?;
    let are = if selected == 1 { "organization is" } else { "organizations are" };
    let why = format!("--max-orgs is {most}, and {selected} {are} selected");
    Some(refusal(run, why))
}

fn refusal(run: &Run, why: String) -> Refusal {
    Refusal { detail: why, ..Refusal::new(RefusalKind::Guard, run.job.plan.root, None) }
}

/// Selected organizations whose names are not allowed.
fn names(run: &Run, discovery: &Discovery) -> Vec<String> {
    let guards = &run.job.plan.rules.guards;
    let complaint = |organization: &crate::findings::Organization| {
        let name = organization.name.as_deref().unwrap_or_default();
        let matches = |pattern: &&Pattern| pattern.matches(name);
        let shown = organization.title();
        if let Some(pattern) = guards.forbidden_organizations.iter().find(matches) {
            return Some(format!("{}: {shown} is forbidden by {:?}", pattern.place, pattern.glob));
        }
        let first = guards.organizations.first()?;
        let allowed = guards.organizations.iter().any(|pattern| pattern.matches(name));
        let globs: Vec<&str> = guards.organizations.iter().map(|p| p.glob.as_str()).collect();
        (!allowed).then(|| {
            format!("{}: {shown} matches none of the allowed {}", first.place, globs.join(", "))
        })
    };
    discovery.organizations.iter().filter_map(complaint).collect()
}
