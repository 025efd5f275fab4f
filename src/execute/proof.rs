//! What is proven before COMMIT, and by whom: what found the rows does not vouch for them. The engine's ledger says
//! that nothing went beyond what was shown; its catalog, read again, says which references there are, and each
//! is asked in the engine's own words.

use super::{Failure, Run, deletion, keeping, ledger, timed};
use crate::catalog::{Catalog, OnDelete, ReferenceId, TableId};
use crate::engine::Dialect;
use crate::findings::{Findings, Proof};
use crate::plan::Checks;
use crate::sql::Constraint;
use std::collections::{BTreeMap, BTreeSet};

/// Questions of one round trip.
const BATCH: usize = 100;

/// Rows of a table of which each is asked for what it names, though they were found in the engine's own words;
/// --verify asks however many there are.
const MOST_ROWS: u64 = 100_000;

/// Rows that name nobody, by reference.
pub type Dangling = BTreeMap<String, u64>;

/// What was asked of whole tables.
#[derive(Default)]
struct Whole {
    dangling: Dangling,
    /// Children of which no further question is needed.
    checked: BTreeSet<TableId>,
    /// What was not asked, and why.
    missing: Vec<String>,
}

/// Rows of the tables in `single_pass` went as they were found, and nobody has asked what they name.
///
/// # Errors
/// Whatever is not as it was said: [`Failure::Unproven`]; [`Failure::Disturbed`] and [`Failure::SchemaMoved`] where
/// others may have come between; [`Failure::Unweighed`] where it is to be asked how it was before.
pub fn prove(
    run: &mut Run,
    findings: &Findings,
    single_pass: &BTreeSet<TableId>,
) -> Result<Proof, Failure> {
    let settle = run.sql.dialect.settle_checks().map(|settle| timed(|| run.run(settle)));
    let settled = settle.transpose()?.map(|((), took)| took);
    run.names_ours()?;
    let rows = findings.rows();
    let missing = nothing_dangles(run, &rows, single_pass)?;
    let mut proof = Proof { missing, settled, ..Proof::default() };
    proof.missing.extend(keeping::prove(run, findings)?);
    match ledger::compare(run, findings)? {
        Ok(beyond) => {
            // Whoever wrote may have left something for COMMIT.
            if !beyond.is_empty() {
                ledger::expect_settled(run)?;
            }
            proof.beyond = beyond;
        }
        Err(reason) => proof.missing.push(format!("that nothing else went ({reason})")),
    }
    if run.job.verify {
        for table in rows.keys() {
            deletion::expect_gone(run, *table, rows[table], 0)?;
        }
    }
    Ok(proof)
}

/// How many rows of small children name nobody. Before the first change: whatever dangles then is not ours.
pub fn dangling(run: &mut Run, tables: &[TableId]) -> Result<Dangling, Failure> {
    let constraints = constraints(run, tables)?;
    Ok(whole_children(run, &constraints)?.dangling)
}

/// Before the first change: every row that is to go names one that goes, and nothing names one that the engine's own
/// CASCADE would take uncounted. Both by the engine's comparison: what found the rows does not vouch for them.
pub fn weigh_closure(run: &mut Run, findings: &Findings) -> Result<(), Failure> {
    let rows = findings.rows();
    let constraints = match findings.is_cut {
        // What a batch leaves for the next one may be what its rows name: they were asked while all was there.
        true => constraints(run, &rows.keys().copied().collect::<Vec<_>>())?,
        false => weigh_rows(run, &rows)?,
    };
    uncounted(run, &rows, &constraints)
}

/// Every row that is to go names one that goes. Tells by which constraints that was asked.
///
/// # Errors
/// [`Failure::Unproven`]
pub fn weigh_rows(
    run: &mut Run,
    rows: &BTreeMap<TableId, u64>,
) -> Result<Vec<Constraint>, Failure> {
    let root = run.job.plan.root;
    let stays = run.job.plan.keeps(root) && !rows.contains_key(&root);
    let tables: Vec<TableId> = rows.keys().copied().chain(stays.then_some(root)).collect();
    let constraints = constraints(run, &tables)?;
    for (table, found) in rows {
        if let Some(id) = unfounded(run, *table, rows, &constraints) {
            return Err(unknown(run, &run.job.catalog.reference_arrow(id)));
        }
        let asked = *found <= MOST_ROWS
            || run.job.verify
            || !is_said_alike(run, *table, rows, &constraints);
        if !asked {
            continue;
        }
        let strangers = deletion::strangers(run, *table, rows, &constraints)?;
        if strangers > 0 {
            let name = &run.job.catalog.table(*table).name;
            let what = format!(
                "{strangers} of {found} rows of {name} that were to go name none that goes"
            );
            return Err(Failure::Unproven(what));
        }
    }
    Ok(constraints)
}

/// A foreign key by which rows of this table were found, and which the engine's catalog does not have.
fn unfounded(
    run: &Run,
    table: TableId,
    rows: &BTreeMap<TableId, u64>,
    constraints: &[Constraint],
) -> Option<ReferenceId> {
    let catalog = run.job.catalog;
    let is_it = |it: &Constraint, id: ReferenceId| {
        it.reference == Some(id) && it.parent == catalog.reference(id).parent
    };
    deletion::references_into(run.job, table, rows).into_iter().find(|id| {
        catalog.reference(*id).is_constraint() && !constraints.iter().any(|it| is_it(it, *id))
    })
}

/// Plan and catalog do not have the same foreign keys.
fn unknown(run: &Run, name: &str) -> Failure {
    if run.sql.dialect.keeps_references_out() {
        Failure::Unproven(format!("plan and catalog do not agree about {name}"))
    } else {
        Failure::SchemaMoved
    }
}

/// The rows of this table were found in the words of the engine's catalog.
fn is_said_alike(
    run: &Run,
    table: TableId,
    rows: &BTreeMap<TableId, u64>,
    constraints: &[Constraint],
) -> bool {
    let mut into = deletion::references_into(run.job, table, rows).into_iter();
    into.all(|id| run.sql.says_it_alike(id, constraints))
}

/// An engine that cascades by itself and counts nothing (MariaDB), or not by table (SQLite), must not find more than
/// we did.
fn uncounted(
    run: &mut Run,
    rows: &BTreeMap<TableId, u64>,
    constraints: &[Constraint],
) -> Result<(), Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let by_table = matches!(run.ledger, ledger::Ledger::Tables(_));
    if by_table || plan.rules.checks != Checks::Engine {
        return Ok(());
    }
    for constraint in constraints.iter().filter(|it| is_readable(run, it)).collect::<Vec<_>>() {
        let Some(id) = constraint.reference else { continue };
        let reference = catalog.reference(id);
        // SQLite's other comparisons are refused where they differ.
        let told = run.sql.dialect == Dialect::Sqlite && !reference.is_plain();
        let stays = plan.keeps(reference.parent);
        if reference.on_delete != OnDelete::Cascade || plan.unlinks_by(id) || stays || told {
            continue;
        }
        let known = rows.contains_key(&reference.child);
        let more = run.one(run.sql.count_further(constraint, id, known))?;
        if more.text(0) != "0" {
            return Err(still_named(run, more.text(0), &constraint.name));
        }
    }
    Ok(())
}

/// The foreign keys on these tables, from the engine's catalog as it is now.
fn constraints(run: &mut Run, tables: &[TableId]) -> Result<Vec<Constraint>, Failure> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let rows = run.query(&run.sql.constraints_on(tables))?;
    let constraints = run.sql.constraints(&rows).map_err(|said| {
        let what =
            "it cannot be proven that nothing dangles: the engine's catalog says of a foreign key";
        Failure::Unproven(format!("{what}: {said}"))
    })?;
    let known = |it: &&Constraint| it.reference.is_none() || run.sql.knows_key(it);
    match constraints.iter().find(|it| !known(it)) {
        None => Ok(constraints),
        Some(other) => {
            let what = format!("the plan does not know the key that {} names", other.name);
            Err(Failure::Unproven(what))
        }
    }
}

/// No row names what went. Tells what was not asked.
fn nothing_dangles(
    run: &mut Run,
    rows: &BTreeMap<TableId, u64>,
    single_pass: &BTreeSet<TableId>,
) -> Result<Vec<String>, Failure> {
    let tables: Vec<TableId> = rows.keys().copied().collect();
    let constraints = constraints(run, &tables)?;
    if let Some(other) = constraints.iter().find(|it| is_unknown(run.job.catalog, it)) {
        return Err(unknown(run, &other.name));
    }
    // They are gone: where others than the engine's words found them, each has to be asked first.
    if rows
        .keys()
        .any(|it| single_pass.contains(it) && !is_said_alike(run, *it, rows, &constraints))
    {
        return Err(Failure::Unweighed);
    }
    by_keys(run, &constraints)?;
    let whole = whole_children(run, &constraints)?;
    by_the_plan(run, rows, &whole.checked)?;
    let before = run.before.as_ref().map(|before| &before.dangling);
    let more = whole.dangling.iter().find(|(name, now)| {
        before.and_then(|before| before.get(*name)).is_none_or(|before| before < *now)
    });
    match (more, before) {
        (None, _) => {}
        (Some(_), None) => return Err(Failure::Unweighed),
        (Some((name, now)), Some(_)) => {
            let what = format!("{now} rows name nobody by {name} now, more than before");
            return Err(Failure::Unproven(what));
        }
    }
    let mut missing = whole.missing;
    if run.job.catalog.may_be_hidden {
        missing.push("that nothing dangles in tables that this user may not see".into());
    }
    Ok(missing)
}

/// The plan does not have it; mismatches name nothing that could be deleted.
fn is_unknown(catalog: &Catalog, constraint: &Constraint) -> bool {
    let is_mismatch = |child: TableId| {
        let mut mismatches = catalog.mismatches.iter();
        mismatches.any(|it| it.parent == constraint.parent && it.child == child)
    };
    constraint.reference.is_none() && !constraint.child.is_some_and(is_mismatch)
}

/// Those of `constraints` that `which` wants, with their numbers, of children that may be read.
fn asked<'c>(
    run: &Run,
    constraints: &'c [Constraint],
    which: impl Fn(&Run, &Constraint) -> bool,
) -> Vec<(usize, &'c Constraint)> {
    let numbered = constraints.iter().enumerate();
    numbered.filter(|(_, it)| which(run, it) && is_readable(run, it)).collect()
}

fn is_readable(run: &Run, constraint: &Constraint) -> bool {
    constraint.child.is_none_or(|child| run.unreadable(child).is_none())
}

/// All rows of the child can be asked in reasonable time, and whatever dangles is news.
fn is_whole(run: &Run, constraint: &Constraint) -> bool {
    let watched = |id: ReferenceId| {
        let reference = run.job.catalog.reference(id);
        reference.enforced && reference.validated
    };
    run.sql.dialect != Dialect::Sqlite
        && constraint.small
        && constraint.reference.is_some_and(watched)
}

/// No row names a key that went, by the engine's comparison. SQLite has a check of its own.
fn by_keys(run: &mut Run, constraints: &[Constraint]) -> Result<(), Failure> {
    let asked = asked(run, constraints, |run, it| {
        let followed = run.sql.dialect != Dialect::Sqlite && it.reference.is_some();
        followed && (run.before.is_some() || !is_whole(run, it))
    });
    for batch in asked.chunks(BATCH) {
        let counts = run.query_all(&run.sql.named_still(batch))?;
        if let Some(row) = counts.iter().find(|row| row.text(1) != "0") {
            let name = &constraints[row.count(0)? as usize].name;
            return Err(still_named(run, row.text(1), name));
        }
    }
    Ok(())
}

/// The same by the plan's comparison: references that only the policy declares, and what SQLite did not check.
fn by_the_plan(
    run: &mut Run,
    rows: &BTreeMap<TableId, u64>,
    checked: &BTreeSet<TableId>,
) -> Result<(), Failure> {
    let catalog = run.job.catalog;
    let sqlite = run.sql.dialect == Dialect::Sqlite;
    let doubtful: Vec<ReferenceId> = catalog
        .reference_ids()
        .filter(|id| {
            let reference = catalog.reference(*id);
            let asked =
                reference.is_constraint() && (!sqlite || checked.contains(&reference.child));
            rows.contains_key(&reference.parent)
                && !asked
                && run.unreadable(reference.child).is_none()
        })
        .collect();
    for batch in doubtful.chunks(BATCH) {
        let counts = run.query_all(&run.sql.count_dangling(batch))?;
        if let Some(row) = counts.iter().find(|row| row.text(1) != "0") {
            let arrow = catalog.reference_arrow(ReferenceId(row.count(0)? as usize));
            return Err(still_named(run, row.text(1), &arrow));
        }
    }
    Ok(())
}

fn still_named(run: &Run, rows: &str, name: &str) -> Failure {
    let what = format!("{rows} rows name a deleted row by {name}");
    match run.sql.dialect.excludes_writers() {
        false => Failure::Disturbed(what),
        // Running again would change nothing.
        true => Failure::Unproven(what + " (does a trigger add them?)"),
    }
}

/// Rows of whole tables that name nobody, where such tables are small enough to be asked.
fn whole_children(run: &mut Run, constraints: &[Constraint]) -> Result<Whole, Failure> {
    let mut whole = Whole::default();
    for constraint in constraints.iter().filter(|it| !is_readable(run, it)) {
        let name = &constraint.name;
        whole.missing.push(format!("that nothing dangles by {name} (it may not be read)"));
    }
    if run.sql.dialect == Dialect::Sqlite {
        check_children(run, constraints, &mut whole)?;
        return Ok(whole);
    }
    for batch in asked(run, constraints, is_whole).chunks(BATCH) {
        for row in run.query(&run.sql.orphans_of(batch))? {
            let name = &constraints[row.count(0)? as usize].name;
            whole.dangling.insert(name.clone(), row.count(1)?);
        }
    }
    whole.dangling.retain(|_, rows| *rows > 0);
    Ok(whole)
}

/// SQLite checks its tables itself.
fn check_children(
    run: &mut Run,
    constraints: &[Constraint],
    whole: &mut Whole,
) -> Result<(), Failure> {
    let catalog = run.job.catalog;
    let children: BTreeSet<TableId> = constraints.iter().filter_map(|it| it.child).collect();
    for child in children {
        let name = &catalog.table(child).name;
        if catalog.mismatches.iter().any(|it| it.child == child) {
            whole.missing.push(format!(
                "that nothing dangles in {name} (a foreign key of it names no key, so SQLite cannot check it)"
            ));
        } else if run.job.verify || run.one(run.sql.is_checkable(child))?.flag(0) {
            whole.checked.insert(child);
            for row in run.query(&run.sql.foreign_key_check(child))? {
                whole.dangling.insert(format!("{name} ({})", row.text(0)), row.count(1)?);
            }
        } else {
            whole.missing.push(format!(
                "that nothing dangles in {name} but for the keys that went (it has more than a million rows; \
                 --verify asks all of them)"
            ));
        }
    }
    Ok(())
}
