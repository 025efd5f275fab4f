//! Before COMMIT: what is back is what the archive holds, and names what is there.

use super::{Failure, Run, Source, Stages, counted};
use crate::catalog::{ReferenceId, TableId};
use crate::engine::Statement;
use crate::execute::archiving::write_row;
use crate::execute::digest::Sum;
use crate::restoration::{Part, Restored};
use crate::sql::Stage;
use std::collections::BTreeSet;

/// Compares every value that is back with the archive's, both as an archive writes them. What was let change
/// them is told; otherwise they are as they were, or nothing is restored.
pub fn compare(
    run: &mut Run,
    source: &Source,
    stages: &Stages,
    restored: &mut Restored,
) -> Result<(), Failure> {
    for part in &source.restoration.rows {
        if is_back(run, stages, *part)? {
            continue;
        }
        let rows = altered(run, stages.stage(*part))?.max(1);
        restored.altered.push((part.table, rows));
        if !source.fire_triggers {
            let name = &run.job.catalog.table(part.table).name;
            return Err(Failure::Unproven(format!(
                "rows of {name} are not back as they were archived ({rows} or more)"
            )));
        }
    }
    Ok(())
}

fn is_back(run: &mut Run, stages: &Stages, part: Part) -> Result<bool, Failure> {
    let stage = stages.stage(part);
    let (question, keyed) = match run.sql.restored_rows(stage) {
        Some(question) => (question, true),
        None => (run.sql.staged_rows(stage), false),
    };
    let same = read_again(run, stage, &question)? == stages.archived(part);
    let mut questions: Vec<Statement> = run.sql.misplaced(stage).into_iter().collect();
    // No key finds these: they are counted by kind.
    questions.extend((!keyed).then(|| run.sql.missing_rows(stage)));
    for question in questions.iter().filter(|_| same) {
        if run.one(question.clone())?.count(0)? > 0 {
            return Ok(false);
        }
    }
    Ok(same)
}

/// How many rows are not as they were staged; of a table without a key, how many kinds of them.
pub fn altered(run: &mut Run, stage: Stage) -> Result<u64, Failure> {
    let question = run.sql.altered(stage).unwrap_or_else(|| run.sql.missing_rows(stage));
    Ok(run.one(question)?.count(0)?)
}

/// The sum of rows, each as an archive writes it.
fn read_again(run: &mut Run, stage: Stage, question: &Statement) -> Result<Sum, Failure> {
    let table = run.job.catalog.table(stage.part.table);
    let dialect = run.sql.dialect;
    let columns = stage.section.columns.iter();
    let bytes: Vec<bool> = columns
        .map(|column| table.column(&column.name).map_or("", |column| column.value_type()))
        .map(|value_type| dialect.comes_as_bytes(value_type))
        .collect();
    let (mut sum, mut line) = (Sum::default(), Vec::new());
    run.database.stream(question, &mut |values| {
        line.clear();
        let unsound = || Failure::Unproven(format!("a value of {} is not UTF-8", table.name));
        write_row(&mut line, dialect, values, &bytes).ok_or_else(unsound)?;
        sum.add_line(&line);
        Ok::<(), Failure>(())
    })?;
    Ok(sum)
}

/// Where nothing has checked the rows of `unwatched`: what they name is there. What is not of the archive has been held
/// since before they went in.
pub fn prove_references(
    run: &mut Run,
    stages: &Stages,
    unwatched: &BTreeSet<TableId>,
) -> Result<(), Failure> {
    let catalog = run.job.catalog;
    let watched = |id: &ReferenceId| {
        let reference = catalog.reference(*id);
        reference.is_constraint() && reference.enforced && unwatched.contains(&reference.child)
    };
    let references: Vec<ReferenceId> = catalog.reference_ids().filter(watched).collect();
    for id in references {
        let reference = catalog.reference(id);
        let Some(stage) = stages.of(reference.child) else { continue };
        let (arrow, dangled) = (catalog.reference_arrow(id), stages.dangled(id, catalog));
        if let Some(question) = run.sql.without_parent(stage, id, None) {
            let (rows, samples) = counted(run, question)?;
            if rows > dangled {
                let what = format!("{rows} rows name nothing by {arrow}: {}", samples.join("; "));
                return Err(Failure::Unproven(what));
            }
        }
    }
    Ok(())
}

/// The same of rows that were linked again: SQLite does not check them either where it checks none.
pub fn hold_links(run: &mut Run, source: &Source, stages: &Stages) -> Result<(), Failure> {
    let catalog = run.job.catalog;
    for part in &source.restoration.links {
        let stage = stages.stage(*part);
        let written = |name: &String| stage.section.written.iter().any(|it| it.name == *name);
        let linked = |id: &ReferenceId| {
            let reference = catalog.reference(*id);
            (reference.child == part.table && reference.is_constraint())
                && reference.columns.iter().any(written)
        };
        for id in catalog.reference_ids().filter(linked) {
            let rows = run.one(run.sql.linked_to_nobody(stage, id))?.count(0)?;
            if rows > 0 {
                let arrow = catalog.reference_arrow(id);
                return Err(Failure::Unproven(format!(
                    "{rows} linked rows name nothing by {arrow}"
                )));
            }
        }
    }
    Ok(())
}
