//! What stands in the way besides other organizations: protected rows, and rows that cannot be unlinked.

use super::discovery::{Deferred, Discovery};
use super::{Failure, Run, keeping};
use crate::catalog::{Catalog, OnDelete, Origin, Reference, ReferenceId, TableId, TableKind};
use crate::findings::{self, Change, Unlinked};
use crate::label::title;
use crate::plan::{Followed, Force, Rank, Refusal, RefusalKind, Unlink, UnlinkValue, Which};
use crate::sql::{ProtectedBy, may_disagree};
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
        refusals.extend(ask(run, RefusalKind::Protected, Some(id), &question)?);
    }
    Ok(refusals)
}

/// References that would have to be asked and cannot be: those to tables that lose rows, and those that say whose a
/// row is.
pub fn incomparable(run: &Run, discovery: &Discovery) -> Vec<Refusal> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let asked = |id: &ReferenceId| {
        let Reference { child, parent, .. } = *catalog.reference(*id);
        let owns = || plan.owning_of(child).contains(id) && plan.may_be_foreign(catalog, child);
        discovery.has_rows(parent) || (discovery.has_rows(child) && owns())
    };
    let refusal = |id: ReferenceId| {
        let detail = run.sql.unlike(id)?;
        let table = catalog.reference(id).child;
        Some(Refusal { detail, ..Refusal::new(RefusalKind::Incomparable, table, Some(id)) })
    };
    catalog.reference_ids().filter(asked).filter_map(refusal).collect()
}

/// Rows that would be left behind by a reference which the policy ignores and the engine watches.
pub fn kept(run: &mut Run, discovery: &mut Discovery) -> Result<Vec<Refusal>, Failure> {
    let catalog = run.job.catalog;
    let mut refusals = Vec::new();
    for id in catalog.reference_ids() {
        let reference = catalog.reference(id);
        if reference.on_delete != OnDelete::Ignore || !discovery.loses_rows(reference.parent) {
            continue;
        }
        match run.unreadable(reference.child) {
            Some(refusal) => discovery.refusals.push(refusal),
            None => {
                let question = run.sql.kept_rows(id, discovery.shows(reference.child));
                refusals.extend(ask(run, RefusalKind::Kept, Some(id), &question)?);
            }
        }
    }
    Ok(refusals)
}

/// Rows by which SQLite's own DELETE would go wrong: it would leave them dangling, fail, or take others' rows.
pub fn disagreements(run: &mut Run, discovery: &Discovery) -> Result<Vec<Refusal>, Failure> {
    let catalog = run.job.catalog;
    let mut refusals = Vec::new();
    let dialect = run.sql.dialect;
    for id in catalog.reference_ids().filter(|id| may_disagree(dialect, catalog, *id)) {
        if !discovery.loses_rows(catalog.reference(id).parent) {
            continue;
        }
        for question in run.sql.disagreements(id) {
            refusals.extend(ask(run, RefusalKind::Comparison, Some(id), &question)?);
        }
    }
    Ok(refusals)
}

/// Rows that an unlink would change and a followed reference would delete: whether they survive hangs on the engine's
/// order.
pub fn overlaps(run: &mut Run, discovery: &Discovery) -> Result<Vec<Refusal>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    if plan.rules.force == Force::All {
        return Ok(Vec::new());
    }
    let mut refusals = Vec::new();
    for unlink in plan.unlinks.iter().filter(|unlink| unlink.which == Which::Surviving) {
        let reference = catalog.reference(unlink.reference);
        if !discovery.has_rows(reference.parent) || !unlink.is_possible(catalog) {
            continue;
        }
        for id in plan.users_of_its_columns(catalog, unlink) {
            let named = plan.rules.force.covers(id) || plan.rules.force.covers(unlink.reference);
            let other = catalog.reference(id);
            let cascades = other.on_delete == OnDelete::Cascade
                && other.declaration.origin == Origin::Database;
            let gone = cascades && run.sql.dialect.cascades_before(plan.root, other, reference);
            if !named && !gone && discovery.has_rows(catalog.reference(id).parent) {
                let question = run.sql.overlapping(unlink, id);
                let refusal = ask(run, RefusalKind::Overlap, Some(unlink.reference), &question)?;
                let detail = format!("used by {}", catalog.reference_arrow(id));
                refusals.extend(refusal.map(|refusal| Refusal { detail, ..refusal }));
            }
        }
    }
    Ok(refusals)
}

pub(super) fn ask(
    run: &mut Run,
    kind: RefusalKind,
    id: Option<ReferenceId>,
    question: &ProtectedBy,
) -> Result<Option<Refusal>, Failure> {
    let counts = run.one(run.sql.count_protected(question))?;
    if counts.count(0)? == 0 {
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
        rows: counts.count(0)?,
        parents: counts.count(1)?,
        samples: rows.iter().map(sample).collect(),
        ..Refusal::new(kind, question.table, id)
    }))
}

/// The unlinks that have surviving rows; those are kept, and locked, in tables of their own.
pub fn unlinked(run: &mut Run, discovery: &mut Discovery) -> Result<Vec<Unlinked>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let (mut asked, mut worth): (Vec<Asked>, Vec<Asked>) = (Vec::new(), Vec::new());
    for (position, unlink) in plan.unlinks.iter().enumerate() {
        let reference = catalog.reference(unlink.reference);
        let named = discovery.has_rows(reference.parent);
        let concerned = match unlink.which {
            Which::Surviving => named,
            Which::Foreign => named && discovery.is_excluded(unlink.reference),
            Which::Kept => {
                (named || unlink.erases()) && discovery.stays.contains_key(&reference.child)
            }
        };
        if !concerned {
            continue;
        }
        let deferred = discovery.defer_rows(unlink.reference, reference.parent);
        match (run.unreadable(reference.child), deferred) {
            (Some(refusal), _) => discovery.refusals.push(refusal),
            (None, Some(Deferred::Nothing)) => {}
            (None, Some(Deferred::Rows { .. })) => worth.push((position, unlink, true)),
            (None, None) => asked.push((position, unlink, discovery.shows(reference.child))),
        }
    }
    worth.extend(with_rows(run, asked)?);
    worth.sort_by_key(|(position, ..)| *position);
    let mut unlinked = Vec::new();
    for (position, unlink, known) in worth {
        let Reference { child, parent, .. } = *catalog.reference(unlink.reference);
        if catalog.table(child).has_nameless_rows() {
            let counts = run.query_all(&run.sql.count_unlinked(&[(position, unlink, known)]))?;
            let rows = counts.first().map_or(Ok(0), |count| count.count(1))?;
            let refusal = nameless_rows(catalog, child, rows);
            discovery.refusals.extend((rows > 0).then_some(refusal));
            continue;
        }
        let privileges = catalog.table(child).privileges;
        match (&unlink.value, discovery.defer_rows(unlink.reference, parent)) {
            (UnlinkValue::Erased(erased), _) => keeping::evaluate(run, position, child, erased)?,
            (_, Some(Deferred::Rows { bit })) => {
                let grown = discovery.has_grown(unlink.reference, child);
                run.execute(&run.sql.keep_waiting(position, unlink, bit, grown))?;
            }
            _ => {
                let lock = run.lock && privileges.lock;
                run.execute(&run.sql.keep_unlinked(position, unlink, known, lock))?;
            }
        }
        let rows = run.one(run.sql.count_kept(position))?.count(0)?;
        if rows == 0 {
            run.run(&run.sql.drop_kept(position))?;
            continue;
        }
        if !privileges.update {
            let mut refusal = Refusal::new(RefusalKind::Privilege, child, Some(unlink.reference));
            refusal.detail = "UPDATE".into();
            discovery.refusals.push(refusal);
        }
        if catalog.table(child).unidentified.on_update {
            let kind = RefusalKind::ReplicaIdentity;
            let refusal = Refusal::new(kind, child, Some(unlink.reference));
            discovery.refusals.push(Refusal { rows, ..refusal });
        }
        if let Some(engine) = catalog.table(child).lasting_engine.clone() {
            let refusal = Refusal::new(RefusalKind::Engine, child, Some(unlink.reference));
            discovery.refusals.push(Refusal { rows, detail: engine, ..refusal });
        }
        unlinked.push(Unlinked { unlink: position, rows, organizations: Vec::new(), stranded: 0 });
    }
    Ok(unlinked)
}

/// Rows that no statement could mean without meaning others.
pub(super) fn nameless_rows(catalog: &Catalog, table: TableId, rows: u64) -> Refusal {
    let detail = match catalog.table(table).kind {
        TableKind::WithoutRowid => "its primary key compares otherwise than its columns do",
        _ => {
            "columns hide rowid, oid and _rowid_, and no key is NOT NULL and compares as its columns do"
        }
    };
    Refusal { rows, detail: detail.into(), ..Refusal::new(RefusalKind::NamelessRows, table, None) }
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
        let counts = run.query_all(&run.sql.count_unlinked(batch))?;
        for row in counts {
            if row.count(1)? > 0 {
                found.insert(row.count(0)? as usize);
            }
        }
    }
    Ok(asked.into_iter().filter(|(position, ..)| found.contains(position)).collect())
}

/// Merges the unlinks of each table, so that a row is judged and written as all of them leave it.
pub fn changes(run: &mut Run, unlinked: &[Unlinked]) -> Result<Vec<Change>, Failure> {
    let changes = findings::changes(run.job.catalog, run.job.plan, unlinked);
    for change in &changes {
        if let Some(merge) = run.sql.merge_kept(change) {
            run.run(&merge)?;
        }
    }
    Ok(changes)
}

/// How many rows the unlinks change, once [`changes`] has merged them.
pub fn unlinked_rows(run: &mut Run, unlinked: &[Unlinked]) -> Result<u64, Failure> {
    let mut rows = 0;
    for change in findings::changes(run.job.catalog, run.job.plan, unlinked) {
        rows += match change.unlinks[..] {
            [position] => {
                unlinked.iter().filter(|one| one.unlink == position).map(|one| one.rows).sum()
            }
            _ => run.one(run.sql.count_changed(&change))?.count(0)?,
        };
    }
    Ok(rows)
}
