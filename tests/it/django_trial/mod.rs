//! Django's own deletions of random organizations, and orgsweep's with the policy of the same models.
//!
//! `ORGSWEEP_SEED=<seed> ORGSWEEP_CASES=1` replays a failure; `ORGSWEEP_CASES` also sets how many
//! seeds run, from that one on.

mod comparison;
mod difference;

use crate::support::*;
use comparison::Counts;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

/// Among few seeds these show every kind of difference.
const FIRST: u64 = 33;
const CASES: u64 = 40;

/// Each Django at hand, and how many of so many cases it gets: what differs between versions are the models that they
/// know, which a few cases have all of.
fn shares(cases: u64) -> impl Iterator<Item = (PathBuf, u64)> {
    let mut pythons = django_pythons();
    let first = pythons.pop().map(|python| (python, cases));
    first.into_iter().chain(pythons.into_iter().map(move |python| (python, cases.div_ceil(4))))
}

each_backend! {
    /// A deletion takes the organization, is rolled back, and some are refused, for most reasons.
    fn django_deletes_and_refuses(db: TestDatabase) {
        for (python, cases) in shares(40) {
            let mut trial = DjangoTrial::start(&python, &db);
            let (mut deleted, mut reasons) = (0, BTreeSet::new());
            for seed in 1..=cases {
                let organizations = trial.fill(seed, None, false);
                let before = trial.dump();
                for organization in organizations {
                    let outcome = trial.delete(organization);
                    assert_eq!(trial.dump(), before, "seed {seed}: not rolled back");
                    if outcome.refusals.is_empty() {
                        assert!(exists(&before, organization) && !exists(&outcome.tables, organization));
                        deleted += 1;
                    }
                    let actions = outcome.refusals.iter().map(|refusal| refusal["action"].clone());
                    reasons.extend(actions.map(|action| action.as_str().unwrap_or_default().to_owned()));
                }
            }
            assert!(deleted >= cases, "{deleted} deletions");
            assert!(cases < 40 || reasons.iter().eq(["DANGLING", "INTEGRITY", "PROTECT", "RESTRICT"]), "{reasons:?}");
        }
    }

    /// Without `--force`, orgsweep removes, unlinks and refuses what Django does.
    fn orgsweep_does_as_django_does(db: TestDatabase) {
        let first = from_environment("ORGSWEEP_SEED", FIRST);
        let cases = from_environment("ORGSWEEP_CASES", CASES);
        let mut failures = Vec::new();
        for (python, cases) in shares(cases) {
            let mut trial = DjangoTrial::start(&python, &db);
            comparison::write_policy(&python, &db);
            let mut counts = Counts::default();
            for seed in first..first + cases {
                if let Err(failure) = comparison::examine(&mut trial, &db, seed, &mut counts) {
                    failures.push(format!("Django {}, seed {seed}: {failure}", trial.django));
                }
            }
            // Past the harness's capture: the counts are part of what the test shows.
            let _ = writeln!(
                std::io::stderr(),
                "{cases} organizations by Django {} on {:?}, from seed {first}:\n{counts}",
                trial.django,
                db.backend,
            );
            if (first, cases) == (FIRST, CASES) && failures.is_empty() {
                counts.assert_every_kind();
            }
        }
        let some = &failures[..failures.len().min(10)];
        assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), some.join("\n\n"));
    }
}

fn exists(tables: &Value, organization: i64) -> bool {
    let rows = tables["crm_organization"].as_array().into_iter().flatten();
    rows.into_iter().any(|row| row["id"] == organization)
}

fn from_environment(name: &str, default: u64) -> u64 {
    let number = |text: String| text.parse().unwrap_or_else(|_| panic!("{name} is not a number"));
    std::env::var(name).map_or(default, number)
}
