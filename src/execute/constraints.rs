//! Unlinks that constraints forbid: known before the first change.

use super::discovery::Discovery;
use super::obstacles::{ask, changes};
use super::{Failure, Run};
use crate::catalog::{Check, Column, OnDelete, Reference, TableId};
use crate::engine::Statement;
use crate::findings::{Change, Unlinked};
use crate::plan::{Checks, Refusal, RefusalKind, Unlink, UnlinkValue, Which};

/// Unlinks that a constraint forbids, `--force` or not: the engine cannot do them either.
pub fn broken_unlinks(
    run: &mut Run,
    discovery: &Discovery,
    unlinked: &[Unlinked],
) -> Result<Vec<Refusal>, Failure> {
    let mut refusals = Vec::new();
    for change in changes(run, unlinked)? {
        for position in &change.unlinks {
            let unlink = &run.job.plan.unlinks[*position];
            let kept = unlinked.iter().find(|kept| kept.unlink == *position);
            let rows = kept.map_or(0, |kept| kept.rows);
            let broken = if let Some(column) = not_null_column(run, unlink) {
                vec![(RefusalKind::NotNull, rows, column)]
            } else if let Some(column) = no_number(run, unlink) {
                vec![(RefusalKind::Reassign, rows, column)]
            } else if let Some(column) = volatile_column(run, unlink) {
                vec![(RefusalKind::VolatileDefault, rows, column)]
            } else {
                broken_constraints(run, discovery, &change, *position)?
            };
            let reference = Some(unlink.reference).filter(|_| !unlink.erases());
            refusals.extend(broken.into_iter().map(|(kind, rows, detail)| Refusal {
                rows,
                detail,
                ..Refusal::new(kind, change.table, reference)
            }));
        }
    }
    Ok(refusals)
}

/// A NOT NULL column that the unlink would set to null.
fn not_null_column(run: &Run, unlink: &Unlink) -> Option<String> {
    let table = run.job.catalog.table(run.job.catalog.reference(unlink.reference).child);
    let becomes_null = |column: &&Column| match unlink.value {
        UnlinkValue::Null => true,
        UnlinkValue::Default => column.default.is_none(),
        UnlinkValue::Key(_) | UnlinkValue::Erased(_) => false,
    };
    let mut columns = unlink.columns.iter().filter_map(|name| table.column(name));
    columns.find(|column| !column.nullable && becomes_null(column)).map(|c| c.name.clone())
}

/// A column of numbers that the unlink would set to something else.
fn no_number(run: &Run, unlink: &Unlink) -> Option<String> {
    let UnlinkValue::Key(key) = &unlink.value else { return None };
    let table = run.job.catalog.table(run.job.catalog.reference(unlink.reference).child);
    let mut columns = unlink.columns.iter().filter_map(|name| table.column(name));
    columns.find(|column| run.sql.misreads(column, key)).map(|column| column.name.clone())
}

/// A column that the unlink would set to a default that nobody can foresee: a question would take a value of it.
fn volatile_column(run: &Run, unlink: &Unlink) -> Option<String> {
    let table = run.job.catalog.table(run.job.catalog.reference(unlink.reference).child);
    let by_default = unlink.columns.iter().filter(|_| unlink.value == UnlinkValue::Default);
    let mut columns = by_default.filter_map(|name| table.column(name));
    columns.find(|column| column.volatile_default).map(|column| column.name.clone())
}

/// References between rows that go by which SQLite's own checks set a NOT NULL column to null as the parent goes,
/// before the child does: its DELETE fails. `cascading`: the engine's cascades choose the order of all tables.
pub fn nulled_on_the_way(
    run: &mut Run,
    discovery: &Discovery,
    cascading: bool,
) -> Result<Vec<Refusal>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    if !run.sql.dialect.unlinks_what_goes() || plan.rules.checks != Checks::Engine {
        return Ok(Vec::new());
    }
    let together = |a: TableId, b: TableId| {
        plan.deletion.iter().any(|tables| tables.contains(&a) && tables.contains(&b))
    };
    let mut refusals = Vec::new();
    for id in catalog.reference_ids() {
        let reference = catalog.reference(id);
        let Reference { child, parent, .. } = *reference;
        let becomes_null = |column: &&Column| match reference.on_delete {
            OnDelete::SetNull => true,
            OnDelete::SetDefault => column.default.is_none(),
            _ => false,
        };
        let mut written =
            reference.set_columns.iter().filter_map(|name| catalog.table(child).column(name));
        let Some(column) = written.find(|it| !it.nullable && becomes_null(it)) else { continue };
        let asked = reference.is_constraint()
            && (cascading || together(child, parent))
            && [child, parent]
                .iter()
                .all(|table| discovery.shows(*table) && discovery.has_rows(*table));
        if !asked {
            continue;
        }
        let refusal = ask(run, RefusalKind::NulledFirst, Some(id), &run.sql.named_within(id))?;
        let detail = column.name.clone();
        refusals.extend(refusal.map(|refusal| Refusal { detail, ..refusal }));
    }
    refusals.extend(sought_too_early(run, discovery)?);
    Ok(refusals)
}

/// A row that a reference to its own table is set to null in is taken out and put back by SQLite, which looks in between for
/// whom it names: not for itself, where it names itself by what is only equal to its key.
fn sought_too_early(run: &mut Run, discovery: &Discovery) -> Result<Vec<Refusal>, Failure> {
    let catalog = run.job.catalog;
    let mut refusals = Vec::new();
    for id in catalog.reference_ids() {
        let reference = catalog.reference(id);
        let unlinks = reference.on_delete.unlinks() && reference.is_constraint();
        let table = reference.parent;
        if !unlinks || reference.child != table || !discovery.shows(table) {
            continue;
        }
        for own in catalog.self_references(table).filter(|own| *own != id) {
            if catalog.reference(own).is_constraint() && catalog.likens(own) {
                let question = run.sql.named_by_their_like(id, own);
                refusals.extend(ask(run, RefusalKind::NulledFirst, Some(id), &question)?);
            }
        }
    }
    Ok(refusals)
}

type Broken = (RefusalKind, u64, String);

/// The constraints that rows of one unlink would break.
fn broken_constraints(
    run: &mut Run,
    discovery: &Discovery,
    change: &Change,
    position: usize,
) -> Result<Vec<Broken>, Failure> {
    let catalog = run.job.catalog;
    let unlink = &run.job.plan.unlinks[position];
    let table = catalog.table(change.table);
    let writes = |columns: &[String]| unlink.writes(table, columns);
    let mut broken = Vec::new();
    let mut ask = |run: &mut Run, kind, question: Statement, detail: String| {
        let rows = run
            .one(question)
            .map_err(|failure| failure.at_unlink(catalog, unlink.reference))?
            .count(0)?;
        if run.sql.calls_theirs(change.table) {
            run.theirs = true;
            run.names_ours()?;
        }
        if rows > 0 {
            broken.push((kind, rows, detail));
        }
        Ok::<(), Failure>(())
    };
    let concerns = |check: &&Check| check.columns.is_empty() || writes(&check.columns);
    for check in table.checks.iter().filter(concerns) {
        let question = run.sql.breaks_check(position, change, check);
        ask(run, RefusalKind::Check, question, check.name.clone())?;
    }
    let may_become_null = |column: &&Column| {
        let told = unlink.value == UnlinkValue::Default || unlink.erases();
        let by_default = told && unlink.columns.contains(&column.name);
        !column.nullable && (column.generation.is_some() || by_default)
    };
    for column in table.columns.iter().filter(may_become_null) {
        let question = run.sql.becomes_null(position, change, &column.name);
        ask(run, RefusalKind::NotNull, question, column.name.clone())?;
    }
    if writes(&table.partitioned_by) {
        let bounds = run.one(run.sql.partition_bounds(change.table))?;
        let question =
            run.sql.breaks_partitioning(position, change, bounds.optional(0).unwrap_or("false"));
        ask(run, RefusalKind::Partition, question, table.partitioned_by.join(", "))?;
    }
    for id in catalog.reference_ids() {
        let reference = catalog.reference(id);
        let name = || catalog.reference_name(id);
        let changes_key = reference.parent == change.table && writes(&reference.parent_columns);
        if changes_key {
            ask(run, RefusalKind::Referenced, run.sql.is_named(position, id), name())?;
        }
        if reference.child != change.table || !writes(&reference.columns) {
            continue;
        }
        if reference.match_full {
            let question = run.sql.breaks_match_full(position, change, id);
            ask(run, RefusalKind::MatchFull, question, name())?;
        }
        // A self-reference whose key moves along is the question before.
        if unlink.value != UnlinkValue::Null && !changes_key {
            let known = discovery.may_lose(reference.parent);
            let kind = match unlink.value {
                UnlinkValue::Key(_) if unlink.which != Which::Surviving => RefusalKind::Reassign,
                _ => RefusalKind::SetDefault,
            };
            let question = run.sql.names_nobody(position, change, id, known);
            ask(run, kind, question, reference.columns.join(", "))?;
        }
    }
    let known = discovery.may_lose(change.table);
    for exclusion in unlink.exclusions(table).filter(|it| !it.parts.is_empty()) {
        let question = run.sql.breaks_exclusion(position, change, exclusion, known);
        ask(run, RefusalKind::Exclusion, question, exclusion.name.clone())?;
    }
    for key in table.keys.iter().filter(|key| unlink.may_repeat(table, key)) {
        let question = run.sql.breaks_unique(position, change, key, known);
        ask(run, RefusalKind::Unique, question, key.columns.join(", "))?;
    }
    Ok(broken)
}
