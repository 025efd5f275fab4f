//! The CRM of `project/` in its virtual environment: migrated, with a neighbour's rows, and served.

use super::support::*;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ChildStdout;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/django");

/// A migrated database and the server on it, which stops in the end.
pub struct Application {
    pub db: TestDatabase,
    python: PathBuf,
    server: Running,
    url: String,
    /// It must stay open for as long as the server may write to it.
    _log: BufReader<ChildStdout>,
}

impl Application {
    /// On an empty database, or `None`, said loudly, where this Django is not installed.
    pub fn start(django: &str, db: TestDatabase) -> Option<Application> {
        let python = python(django)?;
        invocation(&python, &db, &["manage.py", "migrate", "--verbosity", "0"]).run().exits(0);
        invocation(&python, &db, &["manage.py", "loaddata", "neighbour"]).run().exits(0);

        let mut server =
            invocation(&python, &db, &["manage.py", "runserver", "--noreload", "127.0.0.1:0"])
                .start();
        let mut log = BufReader::new(server.child.stdout.take().expect("the server's output"));
        let url = announced_url(&mut log);
        let Some(url) = url else { panic!("the server did not start\n{}", server.finish()) };
        Some(Application { db, python, server, url, _log: log })
    }

    /// A run of `manage.py`.
    pub fn manage(&self, arguments: &[&str]) -> Outcome {
        invocation(&self.python, &self.db, &[&["manage.py"], arguments].concat()).run()
    }

    /// A run of the API tests against the server.
    pub fn api_tests(&self, options: &[&str]) -> Outcome {
        let arguments = [&["../api_test.py", &self.url], options].concat();
        invocation(&self.python, &self.db, &arguments).run()
    }

    pub fn api_tests_with_orgsweep(&self) -> Outcome {
        let program = ["--orgsweep", env!("CARGO_BIN_EXE_orgsweep")];
        let policy = self.policy();
        let policy: Vec<_> = policy.iter().map(String::as_str).collect();
        self.api_tests(&[&program, &policy[..]].concat())
    }

    /// POLICY HOOK: the arguments that tell orgsweep what only Django knows. To be
    /// `orgsweep policy django --python {self.python} --manage {SOURCES}/project/manage.py --output FILE`
    /// and then `["--config", FILE]`; without it there are no generic relations.
    fn policy(&self) -> Vec<String> {
        ["--root", "crm_organization"].map(str::to_owned).into()
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.server.child.kill();
        let _ = self.server.child.wait();
    }
}

/// The interpreter of the virtual environment that `tests/run` makes for this Django.
fn python(django: &str) -> Option<PathBuf> {
    let environment = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/django").join(django);
    // Written last: without it an installation was cut short.
    if environment.join("requirements.txt").exists() {
        return Some(environment.join("bin/python"));
    }
    skip(&format!("Django {django} is not installed: run tests/run, which does that"));
    None
}

/// A Python program in the project's directory, on the test's database.
fn invocation(python: &Path, db: &TestDatabase, arguments: &[&str]) -> Invocation {
    Invocation::of(python, arguments)
        .directory(&Path::new(SOURCES).join("project"))
        .env("DATABASE_URL", db.url())
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
}

/// Reads on until the server says where it listens; `None` when it ends before.
fn announced_url(log: &mut impl BufRead) -> Option<String> {
    let announced = |line: String| {
        let (_, url) = line.split_once("Starting development server at ")?;
        Some(url.trim_end_matches('/').to_owned())
    };
    log.lines().map_while(Result::ok).find_map(announced)
}
