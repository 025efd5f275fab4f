//! What is said of suspects, and of the rows that unlinks change.

use super::{Ownership, child_of, closure, has_keys};
use crate::catalog::{ReferenceId, TableId};
use crate::database::Row;
use crate::engine::Statement;
use crate::execute::discovery::Discovery;
use crate::execute::{Failure, Run};
use crate::explanation::{Judgement, Owner};
use crate::findings::{Shared, Unlinked};
use crate::label::title;
use crate::plan::{Refusal, RefusalKind, Which};
use crate::sql::{CLASSES, RowKey};
use std::collections::BTreeSet;

const SAMPLES: u32 = 3;

/// The organizations that one row belongs to, and whether each is selected.
pub fn owners_of_row(
    run: &mut Run,
    discovery: &Discovery,
    ownership: &mut Ownership,
    row: &RowKey,
) -> Result<Vec<Owner>, Failure> {
    let trace = &mut ownership.trace;
    trace.create(run, [row.table].into_iter())?;
    let start = run.sql.trace_row(row, trace.next());
    trace.add(run, row.table, &start)?;
    trace.follow_to_the_top(run, discovery)?;
    let owner = |row: Row| Owner { title: title(row.text(0), row.text(1)), selected: row.flag(2) };
    let present = has_keys(discovery);
    let rows = run.query(&run.sql.owners_of_row(row, closure(discovery, &present)))?;
    Ok(rows.into_iter().map(owner).collect())
}

/// What was said of a row that is a suspect.
pub fn judgement(
    run: &mut Run,
    ownership: &Ownership,
    row: &RowKey,
) -> Result<Option<Judgement>, Failure> {
    if !ownership.suspects.contains_key(&row.table) {
        return Ok(None);
    }
    let refuses_shared = run.job.plan.rules.guards.refuses_shared;
    let judged = run.query(&run.sql.verdict(row))?;
    Ok(judged.first().map(|judged| match (judged.text(0), judged.flag(1)) {
        ("foreign", _) => Judgement::Foreign,
        ("shared", cascaded) if !cascaded || refuses_shared => Judgement::Shared,
        ("global", false) => Judgement::Global,
        _ => Judgement::Passed,
    }))
}

/// Followed references into tables with suspects, whose parents have rows.
fn reaching(run: &Run, discovery: &Discovery, ownership: &Ownership) -> Vec<ReferenceId> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let into = ownership.suspects.keys().flat_map(|table| plan.followed_into(*table, catalog));
    let references = into.map(|followed| followed.reference);
    references.filter(|id| discovery.has_rows(catalog.reference(*id).parent)).collect()
}

/// The references that reach rows of this table, and by which nobody has consented that others' rows go.
pub fn without_consent(run: &Run, discovery: &Discovery, table: TableId) -> Vec<ReferenceId> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let into = plan.followed_into(table, catalog).into_iter().map(|followed| followed.reference);
    let reaches = |id: &ReferenceId| discovery.has_rows(catalog.reference(*id).parent);
    into.filter(|id| reaches(id) && !plan.deletes_foreign(catalog, *id)).collect()
}

/// Keeps rows that `--foreign unlink|reassign` saves out of the closure. True when there were any:
/// the closure must then be found again without them.
pub fn exclude(
    run: &mut Run,
    discovery: &Discovery,
    ownership: &Ownership,
    excluded: &mut BTreeSet<ReferenceId>,
) -> Result<bool, Failure> {
    let mut any = false;
    for id in reaching(run, discovery, ownership) {
        if run.job.plan.foreign_unlink(id).is_none() {
            continue;
        }
        if excluded.insert(id) {
            run.run(&run.sql.create_excluded(id))?;
        }
        any |= run.execute(&run.sql.exclude_refused(id))? > 0;
    }
    Ok(any)
}

/// Takes rows that would be refused out of the key tables, those excepted that belong to others alone: they wait. True when
/// there were any; their tables are added to `later`.
pub fn postpone(
    run: &mut Run,
    ownership: &Ownership,
    later: &mut BTreeSet<TableId>,
) -> Result<bool, Failure> {
    let (mut any, root) = (false, run.job.plan.root);
    for table in ownership.suspects.keys().filter(|table| **table != root) {
        if run.execute(&run.sql.postpone_refused(*table))? > 0 {
            any = true;
            later.insert(*table);
        }
    }
    Ok(any)
}

/// Rows of others that would go, per reference that reaches them and has no consent.
pub fn refusals(
    run: &mut Run,
    discovery: &Discovery,
    ownership: &Ownership,
    excluded: &BTreeSet<ReferenceId>,
) -> Result<Vec<Refusal>, Failure> {
    let mut refusals = Vec::new();
    for id in reaching(run, discovery, ownership) {
        if run.job.plan.deletes_foreign(run.job.catalog, id) {
            continue;
        }
        let excluding = excluded.contains(&id);
        let counts = run.query(&run.sql.count_refused(id, excluding))?;
        for (class, kind) in CLASSES {
            let Some(row) = counts.iter().find(|row| row.text(0) == class) else { continue };
            let rows = row.count(1)?;
            let samples = run.query(&run.sql.sample_refused(id, class, excluding, SAMPLES))?;
            let samples = samples.iter().map(|row| title(row.text(0), row.text(1))).collect();
            let organizations = match kind {
                RefusalKind::Global => Vec::new(),
                _ => {
                    let present = has_keys(discovery);
                    let (closure, counted) = (closure(discovery, &present), ownership.counted);
                    let question =
                        run.sql.owners_of_refused(id, class, excluding, closure, counted);
                    owners(run, &question)?
                }
            };
            let table = run.job.catalog.reference(id).child;
            let refusal = Refusal::new(kind, table, Some(id));
            refusals.push(Refusal { rows, samples, organizations, ..refusal });
        }
    }
    Ok(refusals)
}

/// Shared rows that go, per table and other organization.
pub fn shared(
    run: &mut Run,
    discovery: &Discovery,
    ownership: &Ownership,
) -> Result<Vec<Shared>, Failure> {
    let present = has_keys(discovery);
    let mut all = Vec::new();
    for table in ownership.suspects.keys() {
        let closure = closure(discovery, &present);
        let question = run.sql.owners_of_shared(*table, closure, ownership.counted);
        let organizations = owners(run, &question)?;
        if !organizations.is_empty() {
            all.push(Shared { table: *table, organizations });
        }
    }
    Ok(all)
}

/// Whose rows the unlinks change, and which of them stay behind without an owner.
pub fn owners_of_unlinked(
    run: &mut Run,
    discovery: &Discovery,
    ownership: &Ownership,
    unlinked: &[Unlinked],
) -> Result<Vec<Unlinked>, Failure> {
    let present = has_keys(discovery);
    let mut described = Vec::new();
    for unlink in unlinked {
        let (position, table) = (unlink.unlink, child_of(run, unlink.unlink));
        let which = run.job.plan.unlinks[position].which;
        let closure = closure(discovery, &present);
        let question = run.sql.owners_of_unlinked(position, table, closure, ownership.counted);
        let organizations = owners(run, &question)?;
        let id = run.job.plan.unlinks[position].reference;
        let may_strand = which != Which::Kept && run.job.plan.owning_of(table).contains(&id);
        let stranded = if may_strand {
            run.one(run.sql.count_stranded(position, table))?.count(0)?
        } else {
            0
        };
        described.push(Unlinked { organizations, stranded, ..unlink.clone() });
    }
    Ok(described)
}

/// Each with its number of rows; 0 where those were not told apart.
fn owners(run: &mut Run, question: &Statement) -> Result<Vec<(String, u64)>, Failure> {
    let rows = run.query(question)?;
    let owner = |row: &Row| Ok((title(row.text(0), row.text(1)), row.count(2)?));
    rows.iter().map(owner).collect()
}
