//! Django at hand, and its own collector to compare with.

use super::{TestDatabase, skip};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A python per version of Django: those that `ORGSWEEP_DJANGO_PYTHON` names (of a virtual environment;
/// several as in `PATH`), or else those of `target/django/<version>`, which `tests/run` makes.
pub fn django_pythons() -> Vec<PathBuf> {
    let named = std::env::var_os("ORGSWEEP_DJANGO_PYTHON").filter(|named| !named.is_empty());
    let found: Vec<PathBuf> = match named {
        Some(named) => std::env::split_paths(&named).collect(),
        None => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/django");
            let versions = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let pythons = versions.map(|version| version.path().join("bin/python"));
            pythons.filter(|python| python.exists()).collect()
        }
    };
    if found.is_empty() {
        skip("no Django: run tests/run, which installs it, or set ORGSWEEP_DJANGO_PYTHON");
    }
    found
}

/// `tests/django/actions/trial.py` at work on a database: fills it, and deletes as Django does.
pub struct DjangoTrial {
    child: Child,
    answers: BufReader<ChildStdout>,
    /// Its version.
    pub django: String,
    /// Django's action of every `table.column` that is a reference.
    pub actions: BTreeMap<String, String>,
    /// The tables that content types stand for, by key.
    pub content_types: BTreeMap<i64, String>,
}

/// What Django did with an organization, before it was rolled back.
#[derive(Debug)]
pub struct DjangoOutcome {
    /// What stood in the way: `action` and mostly `table`, `column` and `keys`.
    pub refusals: Vec<Value>,
    /// Every row that would be left, by table; null where Django did not get so far.
    pub tables: Value,
}

impl DjangoTrial {
    /// Creates the tables where they are missing.
    pub fn start(python: &Path, db: &TestDatabase) -> DjangoTrial {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/django/actions/trial.py");
        let mut child = Command::new(python)
            .arg(script)
            .env("ORGSWEEP_DJANGO_DATABASE", db.url())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut trial = DjangoTrial {
            child,
            answers,
            django: String::new(),
            actions: BTreeMap::new(),
            content_types: BTreeMap::new(),
        };
        let mut ready = trial.answer();
        trial.django = ready["django"].as_str().expect("a version").to_owned();
        trial.actions = serde_json::from_value(ready["actions"].take()).expect("names");
        trial.content_types = serde_json::from_value(ready["content_types"].take()).expect("names");
        trial
    }

    /// Replaces all rows by random ones. `across` says how likely a reference leads to another
    /// organization, where the seed shall not; `crowded` has more of everything. The keys of the
    /// organizations.
    pub fn fill(&mut self, seed: u64, across: Option<f64>, crowded: bool) -> Vec<i64> {
        let request = json!({
            "command": "fill", "seed": seed, "across": across, "crowded": crowded,
        });
        let answer = self.ask(&request);
        serde_json::from_value(answer["organizations"].clone()).expect("keys")
    }

    /// Deletes one organization and rolls back.
    pub fn delete(&mut self, organization: i64) -> DjangoOutcome {
        self.deletion(organization, false)
    }

    /// The same without Django's shortcuts: whatever goes is looked at in full, and nothing is
    /// updated that goes.
    pub fn delete_thoroughly(&mut self, organization: i64) -> DjangoOutcome {
        self.deletion(organization, true)
    }

    fn deletion(&mut self, organization: i64, thorough: bool) -> DjangoOutcome {
        let request = json!({
            "command": "delete", "organizations": [organization], "thorough": thorough,
        });
        let mut answer = self.ask(&request);
        let refusals = serde_json::from_value(answer["refusals"].take()).expect("a list");
        DjangoOutcome { refusals, tables: answer["tables"].take() }
    }

    /// Every row as it is now, by table.
    pub fn dump(&mut self) -> Value {
        self.ask(&json!({"command": "dump"}))["tables"].take()
    }

    fn ask(&mut self, request: &Value) -> Value {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{request}").expect("trial.py reads");
        self.answer()
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("trial.py answers");
        serde_json::from_str(&line).expect("trial.py failed, see above")
    }
}

impl Drop for DjangoTrial {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
