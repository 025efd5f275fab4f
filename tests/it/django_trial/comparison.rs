//! One organization on one random database, deleted by Django and by orgsweep.

use super::difference::{Difference, differences};
use crate::support::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

const MANAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/django/actions/manage.py");
const POLICY: &str = "django.toml";

/// How Django and orgsweep compare on one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Every row that is left is the same.
    BothDelete,
    /// For the same rows of the same references.
    BothRefuse,
    /// Django knows no firewall. With `--foreign delete` the same organization counts once more.
    ForeignRowsAreInTheWay,
    /// They differ, and orgsweep does what Django does without its shortcuts.
    Known(Difference),
}

#[derive(Default)]
pub struct Counts(BTreeMap<Kind, usize>);

impl Counts {
    fn add(&mut self, kind: Kind) {
        *self.0.entry(kind).or_default() += 1;
    }

    /// Without one of them the other numbers say less than they seem to.
    pub fn assert_every_kind(&self) {
        let known = Difference::ALL.into_iter().map(Kind::Known);
        let kinds = [Kind::BothDelete, Kind::BothRefuse, Kind::ForeignRowsAreInTheWay];
        for kind in kinds.into_iter().chain(known) {
            assert!(self.0.contains_key(&kind), "no {kind:?} in:\n{self}");
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(kind, count)| writeln!(f, "{count:>6}  {kind:?}"))
    }
}

/// Has orgsweep read the models of the project.
pub fn write_policy(python: &Path, db: &TestDatabase) {
    let python = python.to_str().expect("a path in UTF-8");
    let django = ["policy", "django", "--python", python, "--manage", MANAGE];
    let output = ["--output", POLICY, "--overwrite"];
    let command = db.command(&[&django[..], &output].concat());
    command.env("ORGSWEEP_DJANGO_DATABASE", db.url()).run().exits(0);
}

/// Everything that is tried with one seed. An error says what Django and orgsweep disagree about.
pub fn examine(
    trial: &mut DjangoTrial,
    db: &TestDatabase,
    seed: u64,
    counts: &mut Counts,
) -> Result<(), String> {
    // A quarter of the worlds is as the seed says; there references mostly keep to their organization,
    // rows are few, and little stops a deletion.
    let (across, crowded) = match seed % 4 {
        0 => (Some(0.7), false),
        1 => (None, true),
        2 => (Some(0.5), true),
        _ => (None, false),
    };
    let organizations = trial.fill(seed, across, crowded);
    let organization = organizations[seed as usize % organizations.len()];
    let before = trial.dump();
    let (django, thorough) = (trial.delete(organization), trial.delete_thoroughly(organization));

    let key = organization.to_string();
    let checks = if (seed / 4).is_multiple_of(2) { "engine" } else { "auto" };
    let selection = ["--config", POLICY, "--root", "crm_organization", "--org-id", &key];
    let options = ["--yes", "--format", "json", "--reference-checks", checks];
    let clean = [&["clean"], &selection[..], &options].concat();
    let verify = [&["verify"], &selection[..]].concat();

    let dangled = dangling(&db.orgsweep(&verify));
    let guarded = db.orgsweep(&clean);
    let ours = if foreign_rows_are_in_the_way(&guarded) {
        counts.add(Kind::ForeignRowsAreInTheWay);
        if trial.dump() != before {
            return Err(format!("refused, but not as it was\n{}", told(&guarded)));
        }
        db.orgsweep(&[&clean[..], &["--foreign", "delete"]].concat())
    } else {
        guarded
    };
    let after = trial.dump();
    let case = Case { actions: &trial.actions, content_types: &trial.content_types };
    match ours.code {
        0 => {
            let verified = db.orgsweep(&verify);
            let news: Vec<String> =
                dangling(&verified).into_iter().filter(|line| !dangled.contains(line)).collect();
            if !news.is_empty() || verified.text().contains("still there") {
                return Err(format!("{news:?}\n{}", told(&verified)));
            }
        }
        3 if after == before => {}
        3 => return Err(format!("refused, but not as it was\n{}", told(&ours))),
        _ => return Err(format!("Django: {}\n{}", shown(&django), told(&ours))),
    }
    let same = case.agree(&django, &ours, &after);
    let Err(difference) = same else {
        counts.add(if ours.code == 0 { Kind::BothDelete } else { Kind::BothRefuse });
        return Ok(());
    };
    let described = format!(
        "organization {organization}: {difference}\nDjango: {}\nthorough: {}\n{}",
        shown(&django),
        shown(&thorough),
        told(&ours),
    );
    case.agree(&thorough, &ours, &after)
        .map_err(|thorough| format!("{described}\nneither does thorough Django: {thorough}"))?;
    let known = differences(&case, &before, &django, &thorough)
        .map_err(|unknown| format!("{described}\nunexplained: {unknown}"))?;
    known.into_iter().for_each(|difference| counts.add(Kind::Known(difference)));
    Ok(())
}

fn shown(outcome: &DjangoOutcome) -> String {
    if outcome.refusals.is_empty() {
        "deletes".to_owned()
    } else {
        Value::from(outcome.refusals.clone()).to_string()
    }
}

/// How orgsweep ended: its exit code, and what stood in the way.
fn told(ours: &Outcome) -> String {
    let told = ours.json();
    let message = |refusal: &Value| refusal["message"].as_str().unwrap_or_default().to_owned();
    let refusals = told["refusals"].as_array().into_iter().flatten().map(message);
    let error = told["error"].as_str().map(str::to_owned);
    let lines: Vec<String> = refusals.chain(error).collect();
    format!("orgsweep exits {}: {}", ours.code, lines.join("\n  "))
}

fn foreign_rows_are_in_the_way(outcome: &Outcome) -> bool {
    outcome.code == 3 && !outcome.refusals("foreign").is_empty()
}

/// What is known of the models.
pub struct Case<'a> {
    pub actions: &'a BTreeMap<String, String>,
    pub content_types: &'a BTreeMap<i64, String>,
}

/// Django stops at the first of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Protect,
    Restrict,
    Integrity,
    Dangling,
}

/// Rows by the reference that stops the deletion, `table.column`; a UNIQUE violation has no number.
type Obstacles = BTreeMap<(Stage, String), u64>;

impl Case<'_> {
    /// Whether orgsweep did what Django did: every row that is left, or everything that Django found
    /// in the way before it stopped.
    fn agree(&self, django: &DjangoOutcome, ours: &Outcome, after: &Value) -> Result<(), String> {
        if django.refusals.is_empty() {
            return match ours.code {
                0 if django.tables == *after => Ok(()),
                0 => Err(format!("(Django, orgsweep) {}", differing(&django.tables, after))),
                _ => Err("only Django deletes".to_owned()),
            };
        }
        if ours.code == 0 {
            return Err("only orgsweep deletes".to_owned());
        }
        let theirs = obstacles_of_django(django)?;
        let ours = self.obstacles(ours)?;
        let stage = theirs.keys().map(|(stage, _)| *stage).min();
        let ours: Obstacles = ours.into_iter().filter(|((s, _), _)| Some(*s) <= stage).collect();
        if ours == theirs {
            Ok(())
        } else {
            Err(format!("Django refuses for {theirs:?}, orgsweep for {ours:?}"))
        }
    }

    fn obstacles(&self, ours: &Outcome) -> Result<Obstacles, String> {
        let json = ours.json();
        let refusals = json["refusals"].as_array().ok_or("no refusals")?;
        refusals.iter().map(|refusal| self.obstacle(refusal)).collect()
    }

    fn obstacle(&self, refusal: &Value) -> Result<((Stage, String), u64), String> {
        let reference = refusal["reference"].as_str().unwrap_or_default().to_owned();
        let action = self.actions.get(&reference).map_or("", String::as_str);
        let stage = match (refusal["kind"].as_str().unwrap_or_default(), action) {
            ("protected", "PROTECT") => Stage::Protect,
            ("protected", "RESTRICT") => Stage::Restrict,
            ("unique", _) => return Ok(((Stage::Integrity, String::new()), 0)),
            ("protected", "DO_NOTHING") => Stage::Dangling,
            ("set_default", "SET_DEFAULT" | "set_on_delete") => Stage::Dangling,
            _ => return Err(format!("Django knows no such refusal: {refusal}")),
        };
        Ok(((stage, reference), refusal["rows"].as_u64().unwrap_or_default()))
    }
}

fn obstacles_of_django(django: &DjangoOutcome) -> Result<Obstacles, String> {
    let mut keys: BTreeMap<(Stage, String), std::collections::BTreeSet<String>> = BTreeMap::new();
    for refusal in &django.refusals {
        let stage = match refusal["action"].as_str().unwrap_or_default() {
            "PROTECT" => Stage::Protect,
            "RESTRICT" => Stage::Restrict,
            "INTEGRITY" => Stage::Integrity,
            "DANGLING" => Stage::Dangling,
            other => return Err(format!("{other}?")),
        };
        let rows = refusal["keys"].as_array().into_iter().flatten().map(Value::to_string);
        keys.entry((stage, reference_of(refusal))).or_default().extend(rows);
    }
    Ok(keys.into_iter().map(|(reference, keys)| (reference, keys.len() as u64)).collect())
}

/// `table.column` of one of Django's refusals.
pub fn reference_of(refusal: &Value) -> String {
    match (refusal["table"].as_str(), refusal["column"].as_str()) {
        (Some(table), Some(column)) => format!("{table}.{column}"),
        _ => String::new(),
    }
}

/// The tables that differ, with the rows that only one side has.
fn differing(left: &Value, right: &Value) -> String {
    let tables = left.as_object().into_iter().flatten();
    let parts = tables.filter(|(name, rows)| right[name.as_str()] != **rows).map(|(name, rows)| {
        let other = &right[name.as_str()];
        format!("{name}: {:?} / {:?}", without(rows, other), without(other, rows))
    });
    parts.collect::<Vec<_>>().join("\n")
}

/// Rows of `rows` that `others` lacks.
pub fn without<'a>(rows: &'a Value, others: &Value) -> Vec<&'a Value> {
    let none = Vec::new();
    let others = others.as_array().unwrap_or(&none);
    rows.as_array().into_iter().flatten().filter(|row| !others.contains(row)).collect()
}

/// By which references rows name nobody: Django's data has such rows before anything is deleted.
fn dangling(verified: &Outcome) -> Vec<String> {
    let lines = verified.stdout.lines().filter(|line| line.starts_with("dangling:"));
    let by = |line: &str| line.split_once(" by ").map_or(line, |(_, by)| by).to_owned();
    lines.map(by).collect()
}
