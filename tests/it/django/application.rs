//! The CRM of `project/` in its virtual environment: migrated, with a neighbour's rows, and served.

use crate::support::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::ChildStdout;

const MANAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/django/project/manage.py");
const API_TEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/django/api_test.py");

/// A migrated database and the server on it, which stops in the end.
pub struct Application {
    pub db: TestDatabase,
    python: PathBuf,
    policy: [&'static str; 2],
    server: Running,
    url: String,
    /// It must stay open for as long as the server may write to it.
    _log: BufReader<ChildStdout>,
}

impl Application {
    /// On an empty database, or `None`, said loudly, where this Django is not installed.
    pub fn start(django: &str, db: TestDatabase) -> Option<Application> {
        let python = python(django)?;
        invocation(&python, &db, &[MANAGE, "migrate", "--verbosity", "0"]).run().exits(0);
        invocation(&python, &db, &[MANAGE, "loaddata", "neighbour"]).run().exits(0);
        let policy = policy(&python, &db);

        let serve = [MANAGE, "runserver", "--noreload", "127.0.0.1:0"];
        let mut server = invocation(&python, &db, &serve).start();
        let mut log = BufReader::new(server.child.stdout.take().expect("the server's output"));
        let url = announced_url(&mut log);
        let Some(url) = url else { panic!("the server did not start\n{}", server.finish()) };
        Some(Application { db, python, policy, server, url, _log: log })
    }

    /// A run of `manage.py`.
    pub fn manage(&self, arguments: &[&str]) -> Outcome {
        invocation(&self.python, &self.db, &[&[MANAGE], arguments].concat()).run()
    }

    /// orgsweep, told of the project; what the environment says is another database.
    pub fn orgsweep(&self, arguments: &[&str]) -> Outcome {
        let python = self.python.to_str().expect("a path in UTF-8");
        Invocation::new(&[arguments, &["--python", python, "--manage", MANAGE]].concat())
            .directory(self.db.directory())
            .env("CRM_DATABASE", self.db.url())
            .env("DATABASE_URL", "sqlite:elsewhere.db")
            .run()
    }

    /// The API tests against the server, with nobody but the API to clean up.
    pub fn api_tests(&self) -> Outcome {
        let arguments = [API_TEST, &self.url, "--no-orgsweep"];
        invocation(&self.python, &self.db, &arguments).run()
    }

    /// The API tests against the server, with orgsweep to clean up where the API cannot.
    pub fn api_tests_with_orgsweep(&self) -> Outcome {
        let program = [API_TEST, &self.url, "--orgsweep", env!("CARGO_BIN_EXE_orgsweep")];
        invocation(&self.python, &self.db, &[&program, &self.policy[..]].concat()).run()
    }

    /// Someone of another organization, who goes on working while this one is cleaned up.
    pub fn neighbour(&self) -> Neighbour {
        Neighbour { host: self.url.trim_start_matches("http://").to_owned() }
    }
}

/// Of `fixtures/neighbour.json`.
pub struct Neighbour {
    host: String,
}

impl Neighbour {
    /// The answer to a request for the neighbour's own deals, head and body.
    pub fn deals(&self) -> String {
        let mut connection = TcpStream::connect(&self.host).expect("the server listens");
        let token = "5f2c1e0000000000000000000000000000000000";
        let request = format!(
            "GET /api/deals/ HTTP/1.1\r\nHost: {}\r\nAuthorization: Token {token}\r\n\
             Connection: close\r\n\r\n",
            self.host
        );
        connection.write_all(request.as_bytes()).expect("the request is sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("the answer is read");
        answer
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.server.child.kill();
        let _ = self.server.child.wait();
    }
}

/// What the team says beside what Django knows, as docs/django.md has it.
const OWN: &str = "\
include = [\"django.toml\"]

[[references]]
from = \"crm_user.organization_id\"
on-delete = \"cascade\"

[[orphans]]
table = \"crm_user\"
where = \"organization_id IS NULL AND email LIKE '%@apex.example'\"
";

/// Tells orgsweep of the rules that only Django knows; made once for a server. Not as
/// `orgsweep.toml`: one test wants to go without, in the same directory.
fn policy(python: &Path, db: &TestDatabase) -> [&'static str; 2] {
    let python = python.to_str().expect("a path in UTF-8");
    let django = ["policy", "django", "--python", python, "--manage", MANAGE];
    let command = db.command(&[&django[..], &["--output", "django.toml"]].concat());
    let written = command.env("DATABASE_URL", db.url()).run().exits(0);
    let text = std::fs::read_to_string(db.directory().join("django.toml")).expect("it is written");
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.iter().position(|line| *line == "from = \"crm_user.organization_id\"");
    // The action stands below from and to.
    let line = from.expect("the users' organization") + 3;
    assert_eq!(lines[line - 1], "on-delete = \"set null\"", "{text}");
    written.says(&[&format!("django.toml:{line}: crm_user.organization_id is set null")]);
    std::fs::write(db.directory().join("crm.toml"), OWN).expect("the team's own policy");
    ["--config", "crm.toml"]
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

/// A Python program on the test's database, in the test's directory: nothing lands among the sources.
fn invocation(python: &Path, db: &TestDatabase, arguments: &[&str]) -> Invocation {
    Invocation::of(python, arguments)
        .directory(db.directory())
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
