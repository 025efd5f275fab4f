//! Why one row goes, or stays: the same analysis as a preview's, then what it holds of the row.

use super::analysis::{Analysis, analyze, collect_refusals};
use super::discovery::Discovery;
use super::naming::{key, named, standing};
use super::ownership::{self, ancestry};
use super::{Failure, Job, Observer, Run, scopes};
use crate::address::{Address, Place};
use crate::catalog::{Origin, ReferenceId, TableId};
use crate::database::{Database, Purpose};
use crate::explanation::{Explanation, Named, Naming, Protector, Relative};
use crate::interrupt;
use crate::label::title;
use crate::plan::{Followed, Rank};
use crate::sql::RowKey;

const SAMPLES: u32 = 3;

/// What there is to say about an address.
#[derive(Debug)]
pub enum Answer {
    Explained(Box<Explanation>),
    /// There is no such row.
    Missing,
    /// The address means several rows.
    Several,
    /// The value of this column is no value of its type.
    NoValue(String),
}

/// Explains one row and rolls back: writes to no user table.
///
/// # Errors
/// See [`Failure`].
pub fn explain(
    database: &mut Database,
    job: &Job,
    address: &Address,
    observe: Observer,
) -> Result<Answer, Failure> {
    database.begin(Purpose::Read)?;
    let mut run = Run::new(database, job, observe, false);
    let answer = run.prepare().and_then(|()| answer(&mut run, address));
    interrupt::cancel_by(None);
    database.rollback();
    answer
}

fn answer(run: &mut Run, address: &Address) -> Result<Answer, Failure> {
    run.must_read(address.table)?;
    let found = run.query(&run.sql.find_row(address)).map_err(Failure::at_selection)?;
    match &found[..] {
        [] => Ok(nothing(run, address)),
        [row] => {
            let title = title(row.text(0), row.text(1));
            let explanation = explained(run, title, &key(address.table, row, 2))?;
            Ok(Answer::Explained(Box::new(explanation)))
        }
        _ => Ok(Answer::Several),
    }
}

fn nothing(run: &Run, address: &Address) -> Answer {
    let misfit = address.parts.iter().find_map(|part| match &part.column {
        Place::Column(name) if !run.sql.fits(address.table, name, &part.value) => Some(name),
        _ => None,
    });
    misfit.map_or(Answer::Missing, |column| Answer::NoValue(column.clone()))
}

fn explained(run: &mut Run, title: String, key: &RowKey) -> Result<Explanation, Failure> {
    let mut analysis = analyze(run)?;
    let refusals = collect_refusals(run, &mut analysis)?.refusals.len();
    let generation = if analysis.discovery.has_keys(key.table) {
        run.query(&run.sql.generation(key))?.first().map(|row| row.number(0)).transpose()?
    } else {
        None
    };
    let standing = standing(&analysis.discovery, generation);
    let row = Relative { table: key.table, title, standing, refused: false };
    Ok(Explanation {
        ancestry: ancestry::of(run, &analysis.discovery, &analysis.ownership, row, key)?,
        names: names(run, &analysis.discovery, key)?,
        owners: ownership::owners_of_row(run, &analysis.discovery, &mut analysis.ownership, key)?,
        judged: ownership::judgement(run, &analysis.ownership, key)?,
        said: if analysis.discovery.has_keys(run.job.plan.root) {
            scopes::said_of(run, key)?
        } else {
            None
        },
        unlinks: unlinks(run, &analysis, key)?,
        protectors: protectors(run, &analysis, key)?,
        refusals,
        organizations: analysis.discovery.organizations,
    })
}

/// Whom the row names, reference by reference.
fn names(run: &mut Run, discovery: &Discovery, key: &RowKey) -> Result<Vec<Naming>, Failure> {
    let catalog = run.job.catalog;
    let mut names = Vec::new();
    for reference in references_of(run, key.table) {
        for (parent, _) in named(run, discovery, reference, key)? {
            // Most rows name nobody by the other direction of a reference, and need not.
            let inverse = catalog.reference(reference).declaration.origin == Origin::Inverse;
            if !inverse || matches!(parent, Named::Row { .. }) {
                names.push(Naming { reference, parent });
            }
        }
    }
    Ok(names)
}

/// The references that a table has: those that say whose its rows are, then by their columns.
fn references_of(run: &Run, table: TableId) -> Vec<ReferenceId> {
    let (catalog, owning) = (run.job.catalog, run.job.plan.owning_of(table));
    let columns = &catalog.table(table).columns;
    let own = catalog.reference_ids().filter(|id| catalog.reference(*id).child == table);
    let mut references: Vec<ReferenceId> = own.collect();
    references.sort_by_key(|id| {
        let first = &catalog.reference(*id).columns[0];
        (!owning.contains(id), columns.iter().position(|column| column.name == *first))
    });
    references
}

fn unlinks(run: &mut Run, analysis: &Analysis, key: &RowKey) -> Result<Vec<usize>, Failure> {
    let child =
        |position: usize| run.job.catalog.reference(run.job.plan.unlinks[position].reference).child;
    let positions = analysis.unlinked.iter().map(|unlinked| unlinked.unlink);
    let asked: Vec<usize> = positions.filter(|n| child(*n) == key.table).collect();
    let mut unlinks = Vec::new();
    for position in asked {
        if !run.query(&run.sql.is_kept(position, key))?.is_empty() {
            unlinks.push(position);
        }
    }
    Ok(unlinks)
}

/// Rows that name this one by references which only `--force` would follow.
fn protectors(run: &mut Run, analysis: &Analysis, key: &RowKey) -> Result<Vec<Protector>, Failure> {
    let Analysis { discovery, excluded, .. } = analysis;
    let catalog = run.job.catalog;
    let mut protectors = Vec::new();
    let protects = |followed: &&Followed| {
        let reference = catalog.reference(followed.reference);
        followed.rank == Rank::Protected
            && reference.parent == key.table
            && discovery.has_rows(reference.parent)
            && discovery.has_rows(reference.child)
    };
    for followed in run.job.plan.followed.iter().filter(protects) {
        let reference = followed.reference;
        let excluding = excluded.contains(&reference);
        let question = run.sql.protected(reference, discovery.boundary, excluding);
        let rows = run.query(&run.sql.protectors(&question, key, SAMPLES))?;
        if let Some(first) = rows.first() {
            let samples = rows.iter().map(|row| title(row.text(1), row.text(2))).collect();
            protectors.push(Protector { reference, rows: first.count(0)?, samples });
        }
    }
    Ok(protectors)
}
