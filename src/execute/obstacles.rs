//! What stands in the way besides other organizations: protected rows, and unlinks that cannot be.

use super::closure::Discovery;
use super::{Failure, Run};
use crate::catalog::{Check, Key, ReferenceId};
use crate::findings::Unlinked;
use crate::label::title;
use crate::plan::{Followed, Force, Rank, Refusal, RefusalKind, Unlink, UnlinkValue};
use crate::sql::ProtectedBy;
use std::collections::BTreeSet;

const SAMPLES: u32 = 3;

/// Rows that unforced RESTRICT and NO ACTION references protect.
pub fn protected(
    run: &mut Run,
    discovery: &Discovery,
    excluded: &BTreeSet<ReferenceId>,
) -> Result<Vec<Refusal>, Failure> {
    let catalog = run.job.catalog;
    let unforced = |followed: &&Followed| {
        let reference = catalog.reference(followed.reference);
        followed.rank == Rank::Protected
            && discovery.has_rows(reference.parent)
            && discovery.has_rows(reference.child)
    };
    let mut refusals = Vec::new();
    for followed in run.job.plan.followed.iter().filter(unforced) {
        let id = followed.reference;
        let excluding = excluded.contains(&id);
        let question = run.sql.protected(id, discovery.boundary, excluding);
        refusals.extend(ask(run, RefusalKind::Protected, id, &question)?);
    }
    Ok(refusals)
}

/// Rows that an unlink would change and a followed reference would delete.
pub fn overlaps(run: &mut Run, discovery: &Discovery) -> Result<Vec<Refusal>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    if plan.rules.force == Force::All {
        return Ok(Vec::new());
    }
    let mut refusals = Vec::new();
    for unlink in plan.unlinks.iter().filter(|unlink| !unlink.foreign_only) {
        let reference = catalog.reference(unlink.reference);
        if !discovery.has_rows(reference.parent) || !discovery.has_rows(reference.child) {
            continue;
        }
        for followed in plan.followed_into(reference.child, catalog) {
            let other = catalog.reference(followed.reference);
            let common = other.columns.iter().any(|column| unlink.columns.contains(column));
            let named = plan.rules.force.covers(followed.reference)
                || plan.rules.force.covers(unlink.reference);
            if common && !named && discovery.has_rows(other.parent) {
                let question = run.sql.overlapping(unlink, followed.reference);
                let refusal = ask(run, RefusalKind::Overlap, unlink.reference, &question)?;
                let detail = format!("used by {}", catalog.reference_arrow(followed.reference));
                refusals.extend(refusal.map(|refusal| Refusal { detail, ..refusal }));
            }
        }
    }
    Ok(refusals)
}

fn ask(
    run: &mut Run,
    kind: RefusalKind,
    id: ReferenceId,
    question: &ProtectedBy,
) -> Result<Option<Refusal>, Failure> {
    let counts = run.one(run.sql.count_protected(question))?;
    if counts.number(0) == 0 {
        return Ok(None);
    }
    let rows = run.query(&run.sql.sample_protected(question, SAMPLES))?;
    let sample = |row: &crate::database::Row| {
        let child = title(row.text(0), row.text(1));
        match row.0.len() {
            4 => format!("{child} → {}", title(row.text(2), row.text(3))),
            _ => child,
        }
    };
    Ok(Some(Refusal {
        rows: counts.number(0) as u64,
        parents: counts.number(1) as u64,
        samples: rows.iter().map(sample).collect(),
        ..Refusal::new(kind, question.table, Some(id))
    }))
}

/// The unlinks that have surviving rows; those are kept, and locked, in tables of their own.
pub fn unlinked(run: &mut Run, discovery: &mut Discovery) -> Result<Vec<Unlinked>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let mut asked: Vec<Asked> = Vec::new();
    for (position, unlink) in plan.unlinks.iter().enumerate() {
        let reference = catalog.reference(unlink.reference);
        let concerned = discovery.has_rows(reference.parent)
            && (!unlink.foreign_only || discovery.is_excluded(unlink.reference));
        if !concerned {
            continue;
        }
        match run.unreadable(reference.child) {
            Some(refusal) => discovery.refusals.push(refusal),
            None => asked.push((position, unlink, discovery.has_keys(reference.child))),
        }
    }
    let mut unlinked = Vec::new();
    for (position, unlink, known) in with_rows(run, asked)? {
        let child = catalog.reference(unlink.reference).child;
        let privileges = catalog.table(child).privileges;
        let lock = run.lock && privileges.update;
        run.execute(&run.sql.keep_unlinked(position, unlink, known, lock))?;
        let rows = run.one(run.sql.count_kept(position))?.number(0) as u64;
        if rows == 0 {
            run.run(&run.sql.drop_kept(position))?;
            continue;
        }
        if !privileges.update {
            let mut refusal = Refusal::new(RefusalKind::Privilege, child, Some(unlink.reference));
            refusal.detail = "UPDATE".into();
            discovery.refusals.push(refusal);
        }
        unlinked.push(Unlinked { unlink: position, rows, organizations: Vec::new(), stranded: 0 });
    }
    Ok(unlinked)
}

/// Position, unlink, and whether its child has a key table.
type Asked<'a> = (usize, &'a Unlink, bool);

/// The unlinks worth a table of their own: all of a few, or those of many that a count finds.
fn with_rows<'a>(run: &mut Run, asked: Vec<Asked<'a>>) -> Result<Vec<Asked<'a>>, Failure> {
    const FEW: usize = 8;
    const BATCH: usize = 100;
    if asked.len() <= FEW {
        return Ok(asked);
    }
    let mut found = BTreeSet::new();
    for batch in asked.chunks(BATCH) {
        let counts = run.query(&run.sql.count_unlinked(batch))?;
        found.extend(
            counts.iter().filter(|row| row.number(1) > 0).map(|row| row.number(0) as usize),
        );
    }
    Ok(asked.into_iter().filter(|(position, ..)| found.contains(position)).collect())
}

/// Unlinks that a constraint forbids, `--force` or not: the engine cannot do them either.
pub fn broken_unlinks(
    run: &mut Run,
    discovery: &Discovery,
    unlinked: &[Unlinked],
) -> Result<Vec<Refusal>, Failure> {
    let mut refusals = Vec::new();
    for kept in unlinked {
        let unlink = &run.job.plan.unlinks[kept.unlink];
        let reference = run.job.catalog.reference(unlink.reference);
        let refusal = |kind, rows: u64, detail: String| Refusal {
            rows,
            detail,
            ..Refusal::new(kind, reference.child, Some(unlink.reference))
        };
        if let Some(column) = not_null_column(run, unlink) {
            refusals.push(refusal(RefusalKind::NotNull, kept.rows, column));
            continue;
        }
        if unlink.value != UnlinkValue::Null {
            let known = discovery.has_keys(reference.parent);
            let rows = run.one(run.sql.names_nobody(kept.unlink, unlink, known))?.number(0) as u64;
            let kind = match unlink.value {
                UnlinkValue::Key(_) => RefusalKind::Reassign,
                _ => RefusalKind::SetDefault,
            };
            if rows > 0 {
                refusals.push(refusal(kind, rows, unlink.columns.join(", ")));
            }
        }
        for (kind, rows, detail) in broken_constraints(run, discovery, kept.unlink)? {
            refusals.push(refusal(kind, rows, detail));
        }
    }
    Ok(refusals)
}

/// A NOT NULL column that the unlink would set to null.
fn not_null_column(run: &Run, unlink: &Unlink) -> Option<String> {
    let table = run.job.catalog.table(run.job.catalog.reference(unlink.reference).child);
    let becomes_null = |column: &&crate::catalog::Column| match unlink.value {
        UnlinkValue::Null => true,
        UnlinkValue::Default => column.default.is_none(),
        UnlinkValue::Key(_) => false,
    };
    let mut columns = unlink.columns.iter().filter_map(|name| table.column(name));
    columns.find(|column| !column.nullable && becomes_null(column)).map(|c| c.name.clone())
}

type Broken = (RefusalKind, u64, String);

fn broken_constraints(
    run: &mut Run,
    discovery: &Discovery,
    position: usize,
) -> Result<Vec<Broken>, Failure> {
    let catalog = run.job.catalog;
    let unlink = &run.job.plan.unlinks[position];
    let child = catalog.reference(unlink.reference).child;
    let table = catalog.table(child);
    let changes = |columns: &[String]| columns.iter().any(|column| unlink.columns.contains(column));
    let mut broken = Vec::new();
    let concerns = |check: &&Check| check.columns.is_empty() || changes(&check.columns);
    for check in table.checks.iter().filter(concerns) {
        let rows = run.one(run.sql.breaks_check(position, unlink, check))?.number(0) as u64;
        broken.push((RefusalKind::Check, rows, check.name.clone()));
    }
    for id in catalog.reference_ids() {
        let reference = catalog.reference(id);
        if reference.child == child && reference.match_full && changes(&reference.columns) {
            let rows = run.one(run.sql.breaks_match_full(position, unlink, id))?.number(0) as u64;
            broken.push((RefusalKind::MatchFull, rows, catalog.reference_name(id)));
        }
    }
    // Nulls are distinct in most keys, so only a value or NULLS NOT DISTINCT can occur twice.
    let may_repeat = |key: &&Key| {
        changes(&key.columns) && (key.nulls_not_distinct || unlink.value != UnlinkValue::Null)
    };
    for key in table.keys.iter().filter(may_repeat) {
        let known = discovery.has_keys(child);
        let rows = run.one(run.sql.breaks_unique(position, unlink, key, known))?.number(0) as u64;
        broken.push((RefusalKind::Unique, rows, key.columns.join(", ")));
    }
    broken.retain(|(_, rows, _)| *rows > 0);
    Ok(broken)
}
