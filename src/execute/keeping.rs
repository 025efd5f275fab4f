//! Rows that the policy keeps, and those that hang on them by CASCADE. They are found among the rows that would go, and
//! the closure is found again without them, as it is without those that `--foreign` saves; what they are to name, and to
//! hold, from then on, unlinks of their own write.

use super::discovery::Discovery;
use super::ownership::{self, Ownership};
use super::{Failure, Run, deletion};
use crate::catalog::{Catalog, Event, OnDelete, Reference, ReferenceId, TableId};
use crate::database::Fault;
use crate::findings::{self, Findings};
use crate::plan::{Erased, Which};
use std::collections::{BTreeMap, BTreeSet};

/// What an expression may fail with.
const EXPRESSION: [Fault; 4] = [Fault::Constraint, Fault::Value, Fault::ReadOnly, Fault::Other];

/// Creates the tables that they will be in.
pub fn begin(run: &mut Run) -> Result<(), Failure> {
    for table in run.job.plan.kept.keys().copied() {
        run.run(&run.sql.create_stays(table))?;
    }
    Ok(())
}

/// Takes them out of the closure, and tells how many there are per table. Rows that are refused as somebody else's are
/// not among them: they stay in the closure, and are refused.
pub fn exclude(
    run: &mut Run,
    discovery: &Discovery,
    ownership: &Ownership,
    excluded: &mut BTreeSet<ReferenceId>,
) -> Result<BTreeMap<TableId, u64>, Failure> {
    let plan = run.job.plan;
    let mut stays = BTreeMap::new();
    find(run, discovery, ownership)?;
    for table in plan.kept.keys().copied().filter(|table| discovery.has_rows(*table)) {
        let rows = run.one(run.sql.count_stays(table))?.count(0)?;
        stays.extend((rows > 0).then_some((table, rows)));
    }
    for followed in &plan.followed {
        let id = followed.reference;
        if stays.contains_key(&run.job.catalog.reference(id).child) {
            if excluded.insert(id) {
                run.run(&run.sql.create_excluded(id))?;
            }
            run.execute(&run.sql.exclude_stays(id))?;
        }
    }
    Ok(stays)
}

/// Those for which a condition holds, then, a level at a time, what hangs on them.
fn find(run: &mut Run, discovery: &Discovery, ownership: &Ownership) -> Result<(), Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let refusing = |run: &Run, table: TableId| {
        ownership.judges(table).then(|| ownership::without_consent(run, discovery, table))
    };
    let own = plan.rules.keeping.iter().filter(|keeping| discovery.has_rows(keeping.rows.table));
    for keeping in own {
        let reached = refusing(run, keeping.rows.table);
        let statement = run.sql.keep_rows(keeping, reached.as_deref());
        theirs(run, &keeping.rows.place, |run| run.execute(&statement))?;
    }
    let hangs = |id: &ReferenceId| {
        let Reference { child, parent, on_delete, .. } = catalog.reference(*id);
        *on_delete == OnDelete::Cascade
            && [child, parent]
                .iter()
                .all(|it| plan.kept.contains_key(*it) && discovery.has_rows(**it))
    };
    let hanging: Vec<ReferenceId> = catalog.reference_ids().filter(hangs).collect();
    for generation in 1.. {
        let mut more = 0;
        for id in &hanging {
            let reached = refusing(run, catalog.reference(*id).child);
            let since = (generation - 1, generation);
            more += run.execute(&run.sql.keep_children(*id, since, reached.as_deref()))?;
        }
        if more == 0 {
            break;
        }
    }
    Ok(())
}

/// Before COMMIT: each of them is there, and names and holds what it was to name and to hold, whatever triggers think of
/// it. Tells what could not be asked.
pub fn prove(run: &mut Run, findings: &Findings) -> Result<Vec<String>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let mut missing = Vec::new();
    let kept = |position: &usize| plan.unlinks[*position].which == Which::Kept;
    let changes = findings::changes(catalog, plan, &findings.unlinked);
    let changes = || changes.iter().filter(|change| change.unlinks.iter().any(kept));
    for (table, rows) in &findings.stays {
        let name = &catalog.table(*table).name;
        let unlinks = changes().filter(|change| change.table == *table);
        let unlinks = unlinks.flat_map(|change| &change.unlinks);
        let written: Vec<String> =
            unlinks.flat_map(|position| plan.unlinks[*position].columns.clone()).collect();
        if !run.sql.is_told_without(*table, &written) {
            missing.push(format!(
                "that the rows of {name} that stay are there (no key tells them from others before and after)"
            ));
            continue;
        }
        let gone = run.one(run.sql.count_stays_gone(*table))?.count(0)?;
        if gone > 0 {
            let what = format!("{gone} of {rows} kept rows of {name} are gone");
            return Err(by_triggers(catalog, what));
        }
    }
    for change in changes() {
        deletion::expect_unlinked(run, change).map_err(|failure| match failure {
            Failure::Overruled { what, .. } => by_triggers(catalog, what),
            failure => failure,
        })?;
    }
    Ok(missing)
}

/// Whichever did it, of whatever table: it saw something go or change.
fn by_triggers(catalog: &Catalog, what: String) -> Failure {
    let tables: Vec<TableId> = catalog.table_ids().collect();
    let triggers = catalog.triggers_on(&tables, &[Event::Delete, Event::Update]);
    Failure::Overruled { what, triggers }
}

/// Finds what the columns of rows that stay are overwritten with, in the table of the unlink that does so.
pub fn evaluate(
    run: &mut Run,
    position: usize,
    table: TableId,
    erased: &[Erased],
) -> Result<(), Failure> {
    let Some(place) = erased.first().map(|erased| &erased.value.place) else { return Ok(()) };
    run.run(&run.sql.create_erased(position, table, erased))?;
    let fill = run.sql.fill_erased(position, table, erased);
    theirs(run, place, |run| run.execute(&fill)).map_err(|failure| match failure {
        Failure::Unlinkable(what) => Failure::Unlinkable(named(what, erased)),
        failure => failure,
    })?;
    let name = &run.job.catalog.table(table).name;
    let names = erased.iter().map(|erased| erased.column.as_str()).collect::<Vec<_>>().join(", ");
    let wrong = |what: String| Err(Failure::Unlinkable(format!("{place}: erase: {what}")));
    let rows = run.one(run.sql.count_own_stays(table))?.count(0)?;
    let values = run.one(run.sql.count_kept(position))?.count(0)?;
    if rows != values {
        return wrong(format!(
            "each row wants one value: rows of {name}: {rows}, values of {names}: {values}"
        ));
    }
    if let Some(question) = run.sql.count_unfit(position, table, erased) {
        let unfit = run.one(question)?.count(0)?;
        if unfit > 0 {
            return wrong(format!(
                "rows of {name} in which a value of {names} is not of its column's type: {unfit}"
            ));
        }
    }
    Ok(())
}

/// What an engine says of the columns of that table, by the names that people know: MariaDB names ours `e0`, with or
/// without table and database.
fn named(what: String, erased: &[Erased]) -> String {
    erased.iter().enumerate().fold(what, |what, (n, erased)| {
        let what = what.replace(&format!("'e{n}'"), &format!("'{}'", erased.column));
        match what.split_once(&format!("`.`e{n}`")) {
            Some((before, after)) => {
                let until = before.rfind("column ").map_or(0, |at| at + "column ".len());
                format!("{}'{}'{after}", &before[..until], erased.column)
            }
            None => what,
        }
    })
}

/// Runs what has an expression of the policy in it, which may only read; what the engine says of one is told with its
/// place.
fn theirs<T>(
    run: &mut Run,
    place: &str,
    ask: impl FnOnce(&mut Run) -> Result<T, Failure>,
) -> Result<T, Failure> {
    run.reading(ask).map_err(|failure| match failure {
        Failure::Database(error) if EXPRESSION.contains(&error.fault) => {
            Failure::Unlinkable(format!("{place}: keep: {}", error.message))
        }
        failure => failure,
    })
}
