//! Where Django's collector takes shortcuts, known by the rows concerned.

use super::comparison::{Case, reference_of, without};
use crate::support::DjangoOutcome;
use serde_json::Value;
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// A parent model's row goes with the row of one child model; the row of another child model
    /// stays and dangles, so that Django fails.
    Sibling,
    /// Notes about a parent model's row that goes with its child's: Django leaves them.
    NoteOfAParentRow,
    /// Django sets to the default a row that it deletes afterwards, and that repeats a unique value.
    UpdatedBeforeDeleted,
    /// Django sets a row to the default while a row that it deletes afterwards still has that value.
    StillTaken,
}

impl Difference {
    pub const ALL: [Difference; 4] = [
        Difference::Sibling,
        Difference::NoteOfAParentRow,
        Difference::UpdatedBeforeDeleted,
        Difference::StillTaken,
    ];
}

/// Inheritance: the child's table, its link, and the parent's table.
const LINKS: [(&str, &str, &str); 3] = [
    ("crm_manager", "person_ptr_id", "crm_person"),
    ("crm_executive", "manager_ptr_id", "crm_manager"),
    ("crm_contractor", "person_id", "crm_person"),
];

/// What tells a thorough Django from the real one; an error where no rows explain it.
pub fn differences(
    case: &Case,
    before: &Value,
    django: &DjangoOutcome,
    thorough: &DjangoOutcome,
) -> Result<BTreeSet<Difference>, String> {
    match django.refusals.first().and_then(|refusal| refusal["action"].as_str()) {
        None => notes(case, before, &django.tables, &thorough.tables),
        Some("INTEGRITY") => updates(before, &thorough.tables),
        Some("DANGLING") => {
            let mut found = siblings(before, django, thorough)?;
            // What else differs may be the siblings' own.
            let known = !thorough.tables.is_null();
            if known && notes_left(case, before, &django.tables, &thorough.tables).0 {
                found.insert(Difference::NoteOfAParentRow);
            }
            Ok(found)
        }
        Some(_) => Err("no shortcut protects rows".to_owned()),
    }
}

/// Notes that only a thorough Django takes, and nothing else.
fn notes(
    case: &Case,
    before: &Value,
    django: &Value,
    thorough: &Value,
) -> Result<BTreeSet<Difference>, String> {
    let (_, unexplained) = notes_left(case, before, django, thorough);
    if !unexplained.is_empty() {
        return Err(format!("notes {unexplained:?}"));
    }
    for (name, rows) in django.as_object().into_iter().flatten() {
        let other = &thorough[name.as_str()];
        let more = name != "crm_note" && !without(rows, other).is_empty();
        if more || !without(other, rows).is_empty() {
            return Err(format!("rows of {name}"));
        }
    }
    Ok([Difference::NoteOfAParentRow].into())
}

/// Of the notes that only a thorough Django takes: whether some are about a parent model's row or
/// answer such a note, and those that are neither.
fn notes_left<'a>(
    case: &Case,
    before: &Value,
    django: &'a Value,
    thorough: &Value,
) -> (bool, Vec<&'a Value>) {
    let mut left = without(&django["crm_note"], &thorough["crm_note"]);
    let mut explained: BTreeSet<Option<i64>> = BTreeSet::new();
    loop {
        let known = |note: &&Value| {
            let answers = note["answers_id"].as_i64();
            is_left_of_a_parent_row(case, before, django, note)
                || answers.is_some() && explained.contains(&answers)
        };
        let (more, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(known);
        left = rest;
        if more.is_empty() {
            return (!explained.is_empty(), left);
        }
        explained.extend(more.iter().map(|note| note["id"].as_i64()));
    }
}

/// It names a row that is gone, with that of a child model, and by the type of the parent's.
fn is_left_of_a_parent_row(case: &Case, before: &Value, django: &Value, note: &Value) -> bool {
    let kind = note["content_type_id"].as_i64().and_then(|kind| case.content_types.get(&kind));
    let Some(table) = kind else { return false };
    let key = &note["object_id"];
    let children = LINKS.iter().filter(|(_, _, parent)| parent == table);
    let went_with_a_child = children.into_iter().any(|(child, link, _)| {
        has(&before[*child], link, key) && !has(&django[*child], link, key)
    });
    let parent_key = LINKS.iter().find(|(child, ..)| child == table).map_or("id", |link| link.1);
    let went = has(&before[table], parent_key, key) && !has(&django[table], parent_key, key);
    went && went_with_a_child
}

/// Rows of a child model that dangle, and their parents' rows, which have another child.
fn siblings(
    before: &Value,
    django: &DjangoOutcome,
    thorough: &DjangoOutcome,
) -> Result<BTreeSet<Difference>, String> {
    let mut found = BTreeSet::new();
    for refusal in &django.refusals {
        let link = LINKS
            .iter()
            .find(|(table, link, _)| reference_of(refusal) == format!("{table}.{link}"));
        let Some((table, link, parent)) = link else {
            // Found by the thorough Django too, or in a row that goes with a sibling.
            let also =
                thorough.refusals.iter().any(|other| reference_of(other) == reference_of(refusal));
            let table = &refusal["table"].as_str().unwrap_or_default();
            let keys: Vec<&Value> = refusal["keys"].as_array().into_iter().flatten().collect();
            if also || keys.iter().all(|key| !has(&thorough.tables[*table], "id", key)) {
                continue;
            }
            return Err(format!("{refusal}"));
        };
        let keys = refusal["keys"].as_array().into_iter().flatten();
        for key in keys.into_iter() {
            let others = LINKS.iter().filter(|(other, ..)| other != table);
            let another = others.into_iter().any(|(other, link, of)| {
                of == parent
                    && has(&before[*other], link, key)
                    && !has(&django.tables[*other], link, key)
            });
            if !another || !has(&before[*table], link, key) {
                return Err(format!("{table} {key}"));
            }
        }
        found.insert(Difference::Sibling);
    }
    if found.is_empty() {
        Err("nothing dangles for want of its parent model's row".to_owned())
    } else {
        Ok(found)
    }
}

/// Rows of the one table with a unique column that is set.
fn updates(before: &Value, thorough: &Value) -> Result<BTreeSet<Difference>, String> {
    const DEFAULT: i64 = 1;
    let (rows, left) = (&before["crm_parking"], &thorough["crm_parking"]);
    let mut found = BTreeSet::new();
    let going = rows.as_array().into_iter().flatten().filter(|row| !has(left, "id", &row["id"]));
    let going: Vec<&Value> = going.collect();
    let stage_goes = |row: &Value| !has(&thorough["crm_stage"], "id", &row["stage_id"]);
    if going.iter().any(|row| stage_goes(row)) {
        found.insert(Difference::UpdatedBeforeDeleted);
    }
    let set = without(left, rows).into_iter().any(|row| row["stage_id"] == DEFAULT);
    if set && going.iter().any(|row| row["stage_id"] == DEFAULT) {
        found.insert(Difference::StillTaken);
    }
    if found.is_empty() || thorough.is_null() {
        Err("no such row is updated and goes".to_owned())
    } else {
        Ok(found)
    }
}

fn has(rows: &Value, column: &str, key: &Value) -> bool {
    rows.as_array().into_iter().flatten().any(|row| row[column] == *key)
}
