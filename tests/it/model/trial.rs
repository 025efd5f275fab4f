//! One run of preview or clean on a loaded case, held against the model.

use super::arena::Arena;
use super::contract::{Force, Model, Options, Refusal, Verdict, sorted, verdict};
use super::data::first_violation;
use super::schema::{Case, Data, Schema};
use crate::support::Outcome;
use orgsweep::engine::Dialect;
use serde_json::Value;
use std::collections::BTreeMap;

/// So that there are several of them.
pub const BATCHES: &str = "--batch-rows=1";

/// What orgsweep did, after it turned out to be what the model says.
pub struct Trial {
    pub verdict: Verdict,
    /// The rows that a clean left; none where it was refused or failed.
    pub left: Option<Data>,
    /// The engine's own checks stopped it half-way, for no fault of the order of its statements.
    pub stumbled: bool,
}

/// Previews: nothing changes.
///
/// # Errors
/// What differs from the model, with the whole output.
pub fn preview(arena: &Arena, case: &Case, options: &Options, way: &str) -> Result<(), String> {
    let verdict = verdict(case, options);
    let expected = Report::expected(&case.schema, &verdict);
    let outcome = orgsweep(arena, "preview", &flags(&case.name, options, way));
    if is_nulled_first(case, &verdict, &outcome) {
        return Ok(());
    }
    let (untouched, left) = (sorted(case.data.clone()), arena.dump(&case.schema));
    expected
        .same_as(&outcome)
        .and_then(|()| same_rows(&case.schema, "the preview changed rows", &untouched, left))
        .map_err(|difference| format!("{difference}\n{outcome}"))
}

/// Cleans, in batches, too, by what `way` says. The rows are those of the case before and, where the deletion is refused,
/// afterwards; after a deletion they are put back.
///
/// # Errors
/// What differs from the model, with the whole output.
pub fn run(arena: &Arena, case: &Case, options: &Options, way: &str) -> Result<Trial, String> {
    let verdict = verdict(case, options);
    let expected = Report::expected(&case.schema, &verdict);
    let untouched = sorted(case.data.clone());
    let flags = flags(&case.name, options, way);

    let outcome = orgsweep(arena, "clean", &flags);
    let left = arena.dump(&case.schema);
    let log = arena.trigger_log(&case.schema);
    if is_nulled_first(case, &verdict, &outcome)
        || (by_the_engine(case, way) && stumbles(case, &verdict, outcome.code))
    {
        same_rows(&case.schema, "a failure changed rows", &untouched, left)?;
        return Ok(Trial { verdict, left: None, stumbled: true });
    }
    let refused = !verdict.refusals.is_empty();
    let after = if refused { untouched } else { sorted(verdict.after.clone()) };
    expected
        .same_as(&outcome)
        .and_then(|()| same_rows(&case.schema, "rows after clean", &after, left.clone()))
        .and_then(|()| sound(&case.schema, &left))
        .and_then(|()| same_log(&case.schema, &verdict, refused, &log))
        .map_err(|difference| format!("{difference}\n{outcome}"))?;
    if refused {
        return Ok(Trial { verdict, left: None, stumbled: false });
    }
    arena.reload(case);
    Ok(Trial { verdict, left: Some(left), stumbled: false })
}

/// Triggers saw each row go once. (InnoDB's cascades fire none, and then it hangs on who deletes.)
fn same_log(
    schema: &Schema,
    verdict: &Verdict,
    refused: bool,
    log: &[usize],
) -> Result<(), String> {
    let gone = verdict.closure.iter().filter(|_| !refused).map(|(table, _)| *table);
    let expected = schema.log_of(gone);
    if schema.dialect.is_mysql() || expected == log {
        Ok(())
    } else {
        Err(format!("triggers wrote {log:?} instead of {expected:?}"))
    }
}

/// The engine's checks stop what only goes without them. SQLite unlinks row by row, also rows that the same statement is
/// about to delete; InnoDB lets no row go that another one names, and where triggers see them, there is no other way.
fn stumbles(case: &Case, verdict: &Verdict, code: i32) -> bool {
    let model = Model::new(&case.schema, &case.data);
    match case.schema.dialect {
        Dialect::Sqlite => code == 1 && model.trips_over_itself(&verdict.closure),
        Dialect::Mysql(_) => code == 6 && model.names_in_circles(&verdict.closure),
        Dialect::Postgres => false,
    }
}

/// The same foreseen, where it is left to the engine, or has to be.
fn is_nulled_first(case: &Case, verdict: &Verdict, outcome: &Outcome) -> bool {
    outcome.code == 3
        && !outcome.refusals("nulled_first").is_empty()
        && Model::new(&case.schema, &case.data).trips_over_itself(&verdict.closure)
}

/// The engine checks, and unlinks, what goes.
fn by_the_engine(case: &Case, way: &str) -> bool {
    way == "--reference-checks=engine" || way == BATCHES || !case.schema.triggers.is_empty()
}

fn flags(name: &str, options: &Options, way: &str) -> Vec<String> {
    let mut flags = vec!["--org-name".to_owned(), name.to_owned()];
    // Random columns without a foreign key may be called as references to the organizations are: the engine knows
    // nothing of them, nor does the model.
    flags.push("--leave-behind".to_owned());
    match &options.force {
        Force::None => {}
        Force::All => flags.push("--force".to_owned()),
        Force::Some(names) => flags.extend(names.iter().map(|name| format!("--force={name}"))),
    }
    if options.foreign_delete {
        flags.extend(["--foreign".to_owned(), "delete".to_owned()]);
    }
    if options.with_children {
        flags.push("--with-children".to_owned());
    }
    flags.push(way.to_owned());
    flags
}

fn orgsweep(arena: &Arena, command: &str, flags: &[String]) -> Outcome {
    let mut arguments = vec![command, "--format", "json"];
    if command == "clean" {
        arguments.push("--yes");
    }
    arguments.extend(flags.iter().map(String::as_str));
    arena.db.orgsweep(&arguments)
}

/// The part of the JSON that the model foretells.
#[derive(Debug, PartialEq)]
struct Report {
    exit: i32,
    /// Rows by action and table (delete) or reference (unlink).
    steps: BTreeMap<(String, String), u64>,
    /// Rows by kind and table; the kinds whose references the model names also by those.
    refusals: BTreeMap<(String, String, String), u64>,
    totals: (u64, u64),
}

impl Report {
    fn expected(schema: &Schema, verdict: &Verdict) -> Report {
        let mut steps = BTreeMap::new();
        for (table, _) in &verdict.closure {
            let name = schema.tables[*table].shown();
            *steps.entry(("delete".to_owned(), name)).or_default() += 1;
        }
        for (reference, rows) in &verdict.unlinked {
            let name = schema.reference_name(&schema.references[*reference]);
            *steps.entry(("unlink".to_owned(), name)).or_default() += *rows as u64;
        }
        let totals = (verdict.closure.len() as u64, verdict.changed as u64);
        let mut refusals = BTreeMap::new();
        for refusal in &verdict.refusals {
            let (key, rows) = summary(schema, refusal);
            *refusals.entry(key).or_default() += rows;
        }
        let exit = if verdict.refusals.is_empty() { 0 } else { 3 };
        Report { exit, steps, refusals, totals }
    }

    fn same_as(&self, outcome: &Outcome) -> Result<(), String> {
        if outcome.code != self.exit {
            let why = format!("the model refuses {:?}", self.refusals);
            return Err(format!("exit {} instead of {}; {why}", outcome.code, self.exit));
        }
        let json: Value =
            serde_json::from_str(&outcome.stdout).map_err(|error| format!("no JSON: {error}"))?;
        let found = Report::found(&json);
        if found == *self { Ok(()) } else { Err(format!("model    {self:?}\norgsweep {found:?}")) }
    }

    fn found(json: &Value) -> Report {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let mut steps = BTreeMap::new();
        for step in json["steps"].as_array().into_iter().flatten() {
            let action = text(&step["action"]);
            let subject = if action == "delete" { &step["table"] } else { &step["reference"] };
            *steps.entry((action, text(subject))).or_default() += number(&step["rows"]);
        }
        let mut refusals = BTreeMap::new();
        for refusal in json["refusals"].as_array().into_iter().flatten() {
            let (kind, table) = (text(&refusal["kind"]), text(&refusal["table"]));
            let (reference, rows) = if is_counted(&kind) {
                (text(&refusal["reference"]), number(&refusal["rows"]))
            } else {
                (String::new(), 0)
            };
            *refusals.entry((kind, table, reference)).or_default() += rows;
        }
        let totals = &json["totals"];
        Report {
            exit: number(&json["exit"]) as i32,
            steps,
            refusals,
            totals: (number(&totals["deleted"]), number(&totals["unlinked"])),
        }
    }
}

/// Kinds that are counted per reference; the others may be told per reference or per table.
fn is_counted(kind: &str) -> bool {
    matches!(kind, "protected" | "not_null" | "set_default")
}

fn summary(schema: &Schema, refusal: &Refusal) -> ((String, String, String), u64) {
    let (kind, table) = (refusal.kind.to_owned(), schema.tables[refusal.table].shown());
    match refusal.reference.filter(|_| is_counted(refusal.kind)) {
        Some(number) => {
            let reference = schema.reference_name(&schema.references[number]);
            ((kind, table, reference), refusal.rows as u64)
        }
        None => ((kind, table, String::new()), 0),
    }
}

/// Compares rows table by table; `expected` is sorted.
pub fn same_rows(schema: &Schema, what: &str, expected: &Data, found: Data) -> Result<(), String> {
    let found = sorted(found);
    let differs = |n: &usize| expected[*n] != found[*n];
    match (0..found.len()).find(differs) {
        None => Ok(()),
        Some(n) => Err(format!(
            "{what}: {}\nexpected {:?}\nfound    {:?}",
            schema.tables[n].shown(),
            expected[n],
            found[n]
        )),
    }
}

fn sound(schema: &Schema, left: &Data) -> Result<(), String> {
    match first_violation(schema, left) {
        None => Ok(()),
        Some((table, row)) => Err(format!(
            "a constraint does not hold for {:?} of {}",
            left[table][row],
            schema.tables[table].shown()
        )),
    }
}
