//! Random databases: orgsweep against the engine's own DELETE, and against a row-by-row model.
//!
//! A failure prints its seed and a reduced script. `ORGSWEEP_SEED=<seed> ORGSWEEP_CASES=1` replays
//! it; `ORGSWEEP_CASES` also sets how many cases run, from that seed on: thousands where time is no matter. Most of
//! the time is the engine's, planning the questions about its catalog for each run.

use crate::model::arena::Arena;
use crate::model::contract::{Force, Model, Options, Refusal, Verdict, sorted};
use crate::model::schema::{Case, OnDelete, Schema};
use crate::model::{generate, shrink, trial};
use crate::support::Backend;
use fastrand::Rng;
use orgsweep::engine::Dialect;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

#[test]
fn sqlite() {
    run(Backend::Sqlite);
}

#[test]
fn postgres() {
    run(Backend::Postgres);
}

#[test]
fn mysql() {
    run(Backend::Mysql);
}

/// How orgsweep and the engine's own DELETE compare on one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Comparison {
    BothSucceed,
    BothRefuse,
    /// Only the engine succeeds, and the contract says why.
    RestrictInsideTheClosure,
    OverlappingColumns,
    RowsOfOthers,
    /// Only the engine succeeds, where orgsweep was told to let it check every statement.
    TheEnginesChecks,
    /// Only orgsweep succeeds: the engine stumbled over the order of its constraints.
    OnlyOrgsweep,
    /// The engine's own cascades left rows that name what went: MySQL 9.7's do, where two CASCADE references of a table lead
    /// to what goes and `innodb_native_foreign_keys` is off, as it is by default.
    TheEngineLeavesDangling,
}

/// The first failure is reduced and shown in full; of the others one line is shown.
const ENOUGH_FAILURES: usize = 10;

/// How often each comparison and each kind of refusal came up.
#[derive(Default)]
struct Counts {
    comparisons: BTreeMap<Comparison, usize>,
    refusals: BTreeMap<&'static str, usize>,
}

fn run(backend: Backend) {
    let Some(mut arena) = Arena::open(backend) else {
        return;
    };
    let dialect = match backend {
        Backend::Sqlite => Dialect::Sqlite,
        Backend::Postgres => Dialect::Postgres,
        Backend::Mysql => Dialect::MARIADB,
    };
    let first = from_environment("ORGSWEEP_SEED", 1);
    let cases = from_environment("ORGSWEEP_CASES", 100);
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    for seed in first..first + cases {
        let case = generate::case(dialect, seed);
        if let Err(failure) = examine(&mut arena, &case, &mut counts) {
            eprintln!("seed {seed}: {}", failure.lines().next().unwrap_or_default());
            failures.push((case, failure));
        }
        if failures.len() == ENOUGH_FAILURES {
            break;
        }
    }
    // Past the harness's capture: the counts are part of what the test shows.
    let _ =
        writeln!(std::io::stderr(), "{cases} cases on {backend:?} from seed {first}:\n{counts}");
    if let Some((case, failure)) = failures.into_iter().next() {
        report(&mut arena, case, &failure);
    }
    if cases >= 100 {
        counts.assert_both_sides_are_covered(cases);
    }
}

/// Some organization can be part of another one: of those that it would only be unlinked from none is.
fn has_children(schema: &Schema) -> bool {
    let mut own = schema.references.iter().filter(|it| it.child == 0 && it.parent == 0);
    own.any(|it| !it.action.unlinks())
}

fn from_environment(name: &str, default: u64) -> u64 {
    let number = |text: String| text.parse().unwrap_or_else(|_| panic!("{name} is not a number"));
    std::env::var(name).map_or(default, number)
}

/// Reduces a failing case and panics with it.
fn report(arena: &mut Arena, case: Case, failure: &str) -> ! {
    let seed = case.seed;
    let mut fails = |case: &Case| examine(arena, case, &mut Counts::default()).is_err();
    let small = shrink::shrink(case, &mut fails);
    let small_failure = examine(arena, &small, &mut Counts::default()).err();
    panic!(
        "seed {seed}: {failure}\n\nreduced, --org-name {:?}:\n{}\n{}",
        small.name,
        small.schema.script(&small.data),
        small_failure.unwrap_or_default()
    );
}

/// Everything that is tried with one case; what is tried hangs on its seed alone.
fn examine(arena: &mut Arena, case: &Case, counts: &mut Counts) -> Result<(), String> {
    let mut rng = Rng::with_seed(case.seed);
    arena.load(case);
    trial::same_rows(
        &case.schema,
        "loading",
        &sorted(case.data.clone()),
        arena.dump(&case.schema),
    )?;
    let with_children = rng.u32(..3) == 0 && has_children(&case.schema);

    let natural = Options { force: Force::None, foreign_delete: rng.u32(..10) < 7, with_children };
    let forced = Options { force: Force::All, foreign_delete: true, with_children };
    let force = some_force(case, &mut rng);
    let guarded = Options {
        force,
        foreign_delete: false,
        with_children: rng.bool() && has_children(&case.schema),
    };
    // A clean finds all that a preview finds: that these two agree is seen on one of the three.
    let previewed = [&natural, &forced, &guarded][rng.usize(..3)];
    trial::preview(arena, case, previewed, checks(case, &mut rng))?;

    let outcome = trial::run(arena, case, &natural, checks(case, &mut rng))?;
    counts.refused(&outcome.verdict);
    let comparison = compare_with_engine(arena, case, &natural, &outcome)?;
    *counts.comparisons.entry(comparison).or_default() += 1;
    let outcome = trial::run(arena, case, &forced, checks(case, &mut rng))?;
    counts.refused(&outcome.verdict);
    let guarded = trial::run(arena, case, &guarded, way(case, &mut rng))?;
    counts.refused(&guarded.verdict);
    Ok(())
}

/// What triggers see is the engine's to check.
fn checks(case: &Case, rng: &mut Rng) -> &'static str {
    let possible = if case.schema.triggers.is_empty() { 3 } else { 2 };
    ["--reference-checks=auto", "--reference-checks=engine", "--reference-checks=set"]
        [rng.usize(..possible)]
}

/// In batches, too: not where triggers see them, as these may take along what is of another batch.
fn way(case: &Case, rng: &mut Rng) -> &'static str {
    let checks = checks(case, rng);
    let batches = case.schema.triggers.is_empty() && rng.bool();
    if batches { trial::BATCHES } else { checks }
}

/// Bare `--force`, or of every second reference that can be forced.
fn some_force(case: &Case, rng: &mut Rng) -> Force {
    let forcible = case.schema.references.iter().filter(|r| r.action.protects());
    let names = forcible.map(|reference| case.schema.reference_name(reference));
    if rng.bool() {
        return Force::All;
    }
    let names: Vec<String> = names.filter(|_| rng.bool()).collect();
    if names.is_empty() { Force::None } else { Force::Some(names) }
}

fn compare_with_engine(
    arena: &Arena,
    case: &Case,
    options: &Options,
    ours: &trial::Trial,
) -> Result<Comparison, String> {
    let engine = arena.engine_deletes(case, &ours.verdict.selected);
    let broken = engine.is_ok() && arena.is_broken();
    if engine.is_ok() {
        arena.reload(case);
    }
    if broken {
        return Ok(Comparison::TheEngineLeavesDangling);
    }
    if ours.stumbled {
        return Ok(if engine.is_ok() {
            Comparison::TheEnginesChecks
        } else {
            Comparison::BothRefuse
        });
    }
    match (&ours.left, engine) {
        (Some(ours), Ok(engine)) => {
            let engine = sorted(engine);
            trial::same_rows(
                &case.schema,
                "the engine (expected) and orgsweep",
                &engine,
                ours.clone(),
            )?;
            Ok(Comparison::BothSucceed)
        }
        (Some(_), Err(_)) => Ok(Comparison::OnlyOrgsweep),
        (None, Err(_)) => Ok(Comparison::BothRefuse),
        (None, Ok(_)) => only_the_engine(case, options, &ours.verdict),
    }
}

/// Why orgsweep refuses what the engine does; an error where the contract knows no such reason.
fn only_the_engine(
    case: &Case,
    options: &Options,
    verdict: &Verdict,
) -> Result<Comparison, String> {
    let model = Model::new(&case.schema, &case.data);
    let order = model.depends_on_order(&verdict.closure);
    let deleted = model.deleted(options, &verdict.selected);
    let reason = |refusal: &Refusal| match refusal.kind {
        "foreign" | "shared" | "global" | "loses_link" => Some(Comparison::RowsOfOthers),
        "overlap" | "referenced" => Some(Comparison::OverlappingColumns),
        "protected" if is_restrict(case, refusal) && model.all_inside(refusal, &deleted) => {
            Some(Comparison::RestrictInsideTheClosure)
        }
        // An unlink took the row out of the engine's sight before the engine looked.
        _ => order.then_some(Comparison::OverlappingColumns),
    };
    let reasons: Vec<Option<Comparison>> = verdict.refusals.iter().map(reason).collect();
    match reasons.iter().copied().collect::<Option<Vec<_>>>() {
        Some(reasons) => Ok(reasons[0]),
        None => Err(format!("only the engine succeeds, though refused: {:?}", verdict.refusals)),
    }
}

fn is_restrict(case: &Case, refusal: &Refusal) -> bool {
    let reference = refusal.reference.map(|number| &case.schema.references[number]);
    reference.is_some_and(|reference| reference.action == OnDelete::Restrict)
}

impl Counts {
    fn refused(&mut self, verdict: &Verdict) {
        for refusal in &verdict.refusals {
            *self.refusals.entry(refusal.kind).or_default() += 1;
        }
    }

    /// Without enough of both the other numbers say little.
    fn assert_both_sides_are_covered(&self, cases: u64) {
        for side in [Comparison::BothSucceed, Comparison::BothRefuse] {
            let count = self.comparisons.get(&side).copied().unwrap_or_default() as u64;
            assert!(count * 100 >= cases * 15, "{side:?} in {count} of {cases} cases only");
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (comparison, count) in &self.comparisons {
            writeln!(f, "{count:>6}  {comparison:?}")?;
        }
        for (kind, count) in &self.refusals {
            writeln!(f, "{count:>6}  refused as {kind}")?;
        }
        Ok(())
    }
}
