//! The policy file as its users meet it: what it makes of a database goes, everything else stays,
//! and what does not fit is refused before anything is touched.

mod actions;
mod check;
mod conditions;
mod declared;
mod folders;
mod guards;
mod include;
mod inheritance;
mod init;
mod intruders;
mod keeping;
mod mistakes;
mod orphans;
mod polymorphic;
mod settings;
mod tables;

use crate::support::*;
use std::collections::{BTreeMap, BTreeSet};

/// Both ways of proving that nothing dangles.
const CHECKS: [&str; 2] = ["engine", "set"];

/// Three organizations, with a user each; `Apex` is the one to go.
const PEOPLE: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE,
    email text NOT NULL
);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'), (3, 'Third');
INSERT INTO users VALUES (10, 1, 'ann@apex.test'), (20, 2, 'gil@global.test'), (30, 3, 'tim@third.test');
";

/// Makes `text` the policy of the runs in the test's directory.
fn policy(db: &TestDatabase, text: &str) {
    std::fs::write(db.directory().join("orgsweep.toml"), text).expect("the policy is written");
}

/// `preview` or `clean --yes` of Apex, in JSON.
fn apex(db: &TestDatabase, command: &str, flags: &[&str]) -> Outcome {
    of(db, command, &[&["--org-name", "Apex"], flags].concat())
}

/// `preview` or `clean --yes` of what the flags select, in JSON.
fn of(db: &TestDatabase, command: &str, flags: &[&str]) -> Outcome {
    let yes: &[&str] = if command == "clean" { &["--yes"] } else { &[] };
    db.orgsweep(&[&[command], flags, yes, &["--format", "json"]].concat())
}

/// Cleans Apex under the policy, with either kind of checks: see [`cleans_of`].
#[track_caller]
fn cleans(db: &TestDatabase, text: &str, flags: &[&str], expected: &[&str]) -> Outcome {
    cleans_of(db, text, &[&["--org-name", "Apex"], flags].concat(), expected)
}

/// Cleans under the policy, each time in a copy of the database, and expects exactly these changes:
/// `- deals 100` for a row that is gone, `~ notes 7,,call` for one that is now so. The preview
/// changes nothing and shows what the clean does; a second clean finds nothing.
#[track_caller]
fn cleans_of(db: &TestDatabase, text: &str, flags: &[&str], expected: &[&str]) -> Outcome {
    let mut last = None;
    for checks in CHECKS {
        let copy = db.copy();
        policy(&copy, text);
        let flags = [flags, &["--reference-checks", checks]].concat();
        let before = copy.dump();
        let looking: Vec<&str> = flags.iter().copied().filter(|flag| *flag != "--verify").collect();
        let preview = of(&copy, "preview", &looking).exits(0);
        changes(&before, &copy.dump()).assert_none();
        let clean = of(&copy, "clean", &flags).exits(0);
        let happened = happened(&before, &copy.dump());
        let expected: BTreeSet<String> = expected.iter().map(|&line| line.to_owned()).collect();
        assert_eq!(happened, expected, "{checks}\n{text}\n{clean}");
        for action in ["delete", "unlink"] {
            assert_eq!(preview.rows(action), clean.rows(action), "{checks}\n{text}\n{clean}");
        }
        let gone = happened.iter().filter(|line| line.starts_with('-')).count();
        assert_eq!(clean.json()["totals"]["deleted"], gone, "{checks}\n{text}\n{clean}");
        let after = copy.dump();
        of(&copy, "clean", &flags).exits(0);
        changes(&after, &copy.dump()).assert_none();
        last = Some(clean);
    }
    last.expect("a run")
}

/// Refused under the policy, previewed and cleaned, with either kind of checks, for exactly these
/// kinds of reasons; nothing changes.
#[track_caller]
fn refuses(db: &TestDatabase, text: &str, flags: &[&str], kinds: &[&str]) -> Outcome {
    refuses_of(db, text, &[&["--org-name", "Apex"], flags].concat(), kinds)
}

#[track_caller]
fn refuses_of(db: &TestDatabase, text: &str, flags: &[&str], kinds: &[&str]) -> Outcome {
    policy(db, text);
    let before = db.dump();
    let mut last = None;
    for (command, checks) in [("preview", "engine"), ("clean", "engine"), ("clean", "set")] {
        let outcome = of(db, command, &[flags, &["--reference-checks", checks]].concat()).exits(3);
        let json = outcome.json();
        let refusals = json["refusals"].as_array().cloned().unwrap_or_default();
        let found: BTreeSet<&str> = refusals.iter().filter_map(|r| r["kind"].as_str()).collect();
        let wanted: BTreeSet<&str> = kinds.iter().copied().collect();
        assert_eq!(found, wanted, "{command} {checks}\n{text}\n{outcome}");
        changes(&before, &db.dump()).assert_none();
        last = Some(outcome);
    }
    last.expect("a run")
}

/// The rows that are gone and those that changed, in words that are the same on every backend.
fn happened(before: &Dump, after: &Dump) -> BTreeSet<String> {
    let changed = changes(before, after);
    let by_key = |dump: &Dump| -> BTreeMap<(String, String), String> {
        let rows = dump.iter().flat_map(|(table, rows)| rows.iter().map(move |row| (table, row)));
        let rows = rows.map(|(table, row)| (table.clone(), plain(row)));
        rows.map(|(table, row)| ((table, row.split(',').next().unwrap_or("").to_owned()), row))
            .collect()
    };
    let (gone, new) = (by_key(&changed.gone), by_key(&changed.new));
    let lost = gone.keys().filter(|key| !new.contains_key(key));
    let lost = lost.map(|(table, key)| format!("- {table} {key}"));
    let now = new.iter().map(|(key, row)| {
        let sign = if gone.contains_key(key) { '~' } else { '+' };
        format!("{sign} {} {row}", key.0)
    });
    lost.chain(now).collect()
}

/// `7, NULL, 'call'` and `(7,,call)` alike as `7,,call`.
fn plain(row: &str) -> String {
    let row = row.strip_prefix('(').and_then(|row| row.strip_suffix(')')).unwrap_or(row);
    row.replace(['\'', '"'], "").replace(", ", ",").replace("NULL", "")
}
