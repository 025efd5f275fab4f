//! Receipts follow one another, each with the digest of the one before: who removes, changes or forges one is found.

use super::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

const SCHEMA: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'), (3, 'Third'), (4, 'Fourth');
INSERT INTO users VALUES (10, 1), (20, 2), (30, 3), (40, 4);
";

fn history(directory: &Path, words: &[&str]) -> Outcome {
    orgsweep(&[&["history", "--archive-dir", &directory.to_string_lossy()], words].concat())
}

fn verified(directory: &Path, words: &[&str]) -> Value {
    history(directory, &[&["--verify", "--format", "json"], words].concat()).json()
}

fn kinds(verdict: &Value) -> Vec<&str> {
    let faults = verdict["faults"].as_array().expect("faults");
    faults.iter().filter_map(|fault| fault["kind"].as_str()).collect()
}

/// Three runs, and their receipts in the order in which they ended.
fn three(db: &TestDatabase) -> Vec<PathBuf> {
    db.execute(SCHEMA);
    for name in ["Apex", "Global", "Third"] {
        clean(db, &["--org-name", name]).exits(0);
    }
    files(&archive_dir(db), ".receipt.json")
}

each_backend! {
    fn every_receipt_follows_another(db: TestDatabase) {
        three(&db);
        restore(&db, &files(&archive_dir(&db), "third")[1], &[]).exits(0);
        clean(&db, &["--org-name", "Nobody"]).exits(0);
        let directory = archive_dir(&db);
        history(&directory, &["--verify"]).exits(0).says(&["5 receipts", "as written", "head: "]);
        let runs = history(&directory, &["--format", "json"]).json();
        let runs = runs["runs"].as_array().expect("runs").clone();
        let numbers: Vec<u64> = runs.iter().filter_map(|run| run["number"].as_u64()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        for pair in runs.windows(2) {
            assert_eq!(pair[1]["previous"]["sha256"], pair[0]["sha256"]);
        }
        // What a clean says on the way is what its receipt is called later.
        let said = db.orgsweep(&["clean", "--org-id", "4", "--yes", "--archive-dir", &directory.to_string_lossy()]).exits(0);
        let head = verified(&directory, &[])["head"]["sha256"].as_str().expect("a head").to_owned();
        assert!(said.stderr.contains(&head), "{said}");
        assert_eq!(verified(&directory, &["--head", &head])["outcome"], "intact");
        history(&directory, &["--verify", "--head", "0123"]).exits(3).says(&["no receipt here has the digest 0123"]);
    }
}

#[test]
fn what_happened_to_receipts_is_found() {
    let tampered = |change: &dyn Fn(&[PathBuf], &Path), found: &[&str]| {
        let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
        let receipts = three(&db);
        let directory = archive_dir(&db);
        change(&receipts, &directory);
        let outcome = history(&directory, &["--verify", "--format", "json"]);
        assert_eq!(outcome.code, if found.is_empty() { 0 } else { 3 }, "{outcome}");
        assert_eq!(kinds(&outcome.json()), found, "{outcome}");
        // The next run goes on, and hides nothing.
        clean(&db, &["--org-name", "Fourth"]).exits(0);
        let verdict = verified(&directory, &[]);
        let (mut still, mut found) = (kinds(&verdict), found.to_vec());
        still.sort_unstable();
        found.sort_unstable();
        assert_eq!(still, found);
    };
    let edit = |path: &Path, from: &str, to: &str| {
        let text = std::fs::read_to_string(path).expect("a receipt");
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replace(from, to)).expect("written");
    };
    let remove = |path: &Path| std::fs::remove_file(path).expect("it goes");
    tampered(&|_, _| (), &[]);
    for n in 0..3 {
        tampered(&|receipts, _| remove(&receipts[n]), &["removed"]);
        tampered(
            &|receipts, _| edit(&receipts[n], "organizations\": 1", "organizations\": 7"),
            &["changed"],
        );
        tampered(&|receipts, _| std::fs::write(&receipts[n], "{").expect("written"), &["changed"]);
    }
    tampered(
        &|receipts, _| {
            let second = std::fs::read(&receipts[1]).expect("a receipt");
            std::fs::rename(&receipts[0], &receipts[1]).expect("renamed");
            std::fs::write(&receipts[0], second).expect("written");
        },
        &["changed", "strange"],
    );
    tampered(
        &|receipts, directory| {
            let forged = directory.join("20261101T000000.000Z-forged-00000000.receipt.json");
            std::fs::copy(&receipts[1], forged).expect("a copy");
        },
        &["strange"],
    );
    tampered(&|_, directory| remove(&directory.join("receipts.head")), &["no_head"]);
    let headless = |directory: &Path| remove(&directory.join("receipts.head"));
    tampered(
        &|receipts, directory| {
            remove(&receipts[2]);
            headless(directory);
        },
        &["no_head", "no_receipt"],
    );
    tampered(
        &|receipts, directory| {
            receipts.iter().for_each(|receipt| remove(receipt));
            headless(directory);
        },
        &["removed", "removed"],
    );
}

/// Runs on several databases, at the same time, with one directory.
#[test]
fn runs_that_end_together_follow_one_another() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    db.execute(SCHEMA);
    let directory = archive_dir(&db);
    let kept = directory.to_string_lossy().into_owned();
    let copies: Vec<TestDatabase> = (0..6).map(|_| db.copy()).collect();
    let cleaning =
        cleaning(&kept, &["--org-id", "1", "--org-id", "2", "--org-id", "3", "--per-org"]);
    let running: Vec<_> = copies.iter().map(|copy| copy.command(&cleaning).start()).collect();
    for run in running {
        run.finish().exits(0);
    }
    let verdict = verified(&directory, &[]);
    assert_eq!(
        (&verdict["linked"], &verdict["outcome"]),
        (&6.into(), &"intact".into()),
        "{verdict:#}"
    );
}

/// Those of an orgsweep that linked none are told, and stop nothing.
#[test]
fn receipts_of_before_are_told() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    three(&db);
    let directory = archive_dir(&db);
    // Archives of that time named no receipt.
    for file in [files(&directory, ".tar.zst"), files(&directory, "receipts.head")].concat() {
        std::fs::remove_file(file).expect("it goes");
    }
    for receipt in files(&directory, ".receipt.json") {
        let text = std::fs::read_to_string(&receipt).expect("a receipt");
        let mut json: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("JSON");
        json.remove("number").and(json.remove("previous")).expect("they were linked");
        std::fs::write(&receipt, Value::from(json).to_string()).expect("written");
    }
    history(&directory, &["--verify"])
        .exits(0)
        .says(&["nothing vouches for 3 receipts without a digest"]);
    clean(&db, &["--org-name", "Fourth"]).exits(0);
    history(&directory, &["--verify"])
        .exits(0)
        .says(&["1 receipt in", "nothing vouches for 3 receipts"]);
    assert_eq!(
        history(&directory, &["--format", "json"]).json()["runs"].as_array().map(Vec::len),
        Some(4)
    );
}

#[test]
fn runs_are_found_by_what_they_were_about() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    three(&db);
    let directory = archive_dir(&db);
    let found = |words: &[&str]| {
        let json = history(&directory, &[words, &["--format", "json"]].concat()).exits(0).json();
        json["runs"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(found(&["--organization", "Apex"]), 1);
    assert_eq!(found(&["--organization", "3"]), 1);
    assert_eq!(found(&["--organization", "Ape"]), 0);
    assert_eq!(found(&["--database", db.name()]), 3);
    assert_eq!(found(&["--database", "another"]), 0);
    assert_eq!((found(&["--since", "1h"]), found(&["--since", "2999-01-01"])), (3, 0));
    assert_eq!(found(&["--last", "2"]), 2);
    let told = history(&directory, &[]).exits(0);
    let told = told.says(&[db.name(), "--org-name Apex", "2 rows in", "clean cleaned, exit 0"]);
    let name = told.stdout.split_whitespace().nth(3).expect("a name").to_owned();
    history(&directory, &["show", &name]).exits(0).says(&["Apex (key 1)", "users", "sha256: "]);
    history(&directory, &["show", "nothing"]).exits(3).says(&["no run is called nothing"]);
}
