//! `src/policy/django.py`, run as orgsweep runs it, on every Django at hand.

use crate::support::django_pythons;
use expect_test::{Expect, expect, expect_file};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const READER: &str = include_str!("../../src/policy/django.py");
const MANAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/django/actions/manage.py");

/// Hands over to Django with `settings.py`, as the manage.py that Django generates.
const USUAL_MANAGE: &str = "
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')
execute_from_command_line(sys.argv)
";
const USUAL_SETTINGS: &str = "
SECRET_KEY = 'for tests only'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}
";
/// A driver of Python alone.
const INSTEAD_OF_MYSQLCLIENT: &str = "import pymysql; pymysql.install_as_MySQLdb()\n";

#[test]
fn every_action_and_every_kind_of_relation_is_read() {
    for python in django_pythons() {
        let read = Reader::new(&python).setting("actions.settings").reads();
        expect_file!["../django/actions/read.txt"].assert_eq(&lines(&read, &[]));
    }
}

/// Two of the models need newer versions of Django.
#[test]
fn what_no_policy_can_express_is_a_caveat() {
    let newer = ["oddities.Preset", "oddities.Membership"];
    for python in django_pythons() {
        let read = Reader::new(&python).setting("actions.odd_settings").reads();
        expect_file!["../django/actions/read_odd.txt"].assert_eq(&lines(&read, &newer));
        if version(&read) >= (5, 2) {
            let preset = entry(&read, "references", newer[0]);
            assert_eq!(preset["db_default"], "1", "{preset}");
            assert_eq!(preset["set_value"]["value"], 2, "Python's default goes first: {preset}");
            let membership = entry(&read, "references", newer[1]);
            assert_eq!(membership["columns"][0], "organization_id", "{membership}");
            let caveat = entry(&read, "caveats", newer[1]);
            assert_eq!(caveat["kind"], "generic relation", "{caveat}");
        }
    }
}

/// The server need not run, and what hangs on the engine is that engine's.
#[test]
fn the_database_is_not_connected_to() {
    for python in django_pythons() {
        let read = Reader::new(&python)
            .setting("actions.odd_settings")
            .env("ORGSWEEP_DJANGO_DATABASE", "postgres://nobody@127.0.0.1:1/nothing")
            .reads();
        assert_eq!(read["vendor"], "postgresql");
        assert_eq!(read["database_engine"], "django.db.backends.postgresql");
        let caveats = read["caveats"].as_array().expect("caveats");
        // PostgreSQL has a type for UUIDs.
        assert!(caveats.iter().all(|caveat| caveat["kind"] != "generic key format"));
    }
}

#[test]
fn another_database_has_other_models() {
    for python in django_pythons() {
        let read = Reader::new(&python).setting("actions.odd_settings").database("logs").reads();
        // The organizations that its table names are elsewhere.
        assert_eq!(read["references"], Value::Array(vec![]));
        let caveats = read["caveats"].as_array().expect("caveats");
        let elsewhere = |model: &str| {
            let found = |caveat: &&Value| caveat["model"] == model;
            caveats.iter().find(found).is_some_and(|caveat| caveat["kind"] == "other database")
        };
        assert!(elsewhere("crm.Deal") && !elsewhere("oddities.LogLine"));
    }
}

#[test]
fn a_project_without_content_types_has_no_generic_references() {
    for python in django_pythons() {
        let project = project(USUAL_MANAGE, USUAL_SETTINGS);
        let read = Reader::new(&python).project(&project).reads();
        assert_eq!(read["content_types"], Value::Null);
        assert_eq!(read["generic"], Value::Array(vec![]));
    }
}

#[test]
fn what_the_project_prints_is_kept_out_of_the_result() {
    let noise = "
import os, subprocess, sys
print('noise')
sys.__stdout__.write('noise')
os.write(1, b'noise')
subprocess.run(['echo', 'noise'])
";
    for python in django_pythons() {
        let manage = [noise, USUAL_MANAGE].concat();
        let settings = [noise, USUAL_SETTINGS].concat();
        let outcome = Reader::new(&python).project(&project(&manage, &settings)).run();
        assert_eq!(outcome.json()["format"], 1);
        assert_eq!(outcome.stderr.matches("noise").count(), 8, "{}", outcome.stderr);
    }
}

#[test]
fn threads_of_the_project_do_not_keep_it_alive() {
    let thread = "
import threading, time
threading.Thread(target=time.sleep, args=[600]).start()
";
    for python in django_pythons() {
        let settings = [thread, USUAL_SETTINGS].concat();
        let read = Reader::new(&python).project(&project(USUAL_MANAGE, &settings)).reads();
        assert_eq!(read["format"], 1);
    }
}

/// What manage.py prepares before it calls Django is in force, and what follows does not run.
#[test]
fn manage_py_runs_up_to_where_it_calls_django() {
    let manage = "
import os, sys
os.environ['DATABASE_FILE'] = 'from manage.py'
os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'
assert __file__ == sys.argv[0] == os.path.abspath('manage.py') and len(sys.argv) > 1
from django.core.management import ManagementUtility
try:
    ManagementUtility(sys.argv).execute()
except Exception:
    raise SystemExit('swallowed')
raise SystemExit('went on')
";
    let settings = [USUAL_SETTINGS, "import os; os.environ['DATABASE_FILE']"].concat();
    for python in django_pythons() {
        Reader::new(&python).project(&project(manage, &settings)).reads();
    }
}

#[test]
fn a_python_without_django_is_told() {
    // -S leaves out the packages of the virtual environment.
    check_failure(
        |reader| reader.without_packages().setting("actions.settings"),
        expect!["django-missing: ModuleNotFoundError: No module named 'django'"],
    );
}

#[test]
fn a_manage_py_that_is_not_there_is_told() {
    check_failure(
        |reader| reader.manage("/nonexistent/manage.py"),
        expect!["manage: FileNotFoundError: [Errno 2] No such file or directory: '/nonexistent'"],
    );
}

#[test]
fn a_manage_py_that_fails_is_told() {
    let check = |manage, expected| check_project(manage, USUAL_SETTINGS, expected);
    check("raise ValueError('no .env\\nhere')", expect!["manage: ValueError: no .env here"]);
    check("import sys; sys.exit('set STAGE')", expect!["manage: SystemExit: set STAGE"]);
    check(
        "print('hello')",
        expect!["manage: manage.py ended without calling Django's execute_from_command_line()"],
    );
}

#[test]
fn settings_that_fail_are_told() {
    let check = |settings, expected| check_project(USUAL_MANAGE, settings, expected);
    check("import os; os.environ['NO_SUCH']", expect!["settings: KeyError: 'NO_SUCH'"]);
    check("import no_such", expect!["settings: ModuleNotFoundError: No module named 'no_such'"]);
    check(
        "SECRET_KEY = ''; INSTALLED_APPS = ['no_such']",
        expect!["import: ModuleNotFoundError: No module named 'no_such'"],
    );
    let unset = "
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
";
    check_project(
        unset,
        USUAL_SETTINGS,
        expect![
            "settings: ImproperlyConfigured: Requested setting INSTALLED_APPS, but settings are not configured. You must either define the environment variable DJANGO_SETTINGS_MODULE or call settings.configure() before accessing settings."
        ],
    );
}

#[test]
fn the_database_of_the_settings_is_a_url() {
    let postgres = "'ENGINE': 'django.db.backends.postgresql', 'NAME': 'crm'";
    let mysql = "'ENGINE': 'django.db.backends.mysql', 'NAME': 'crm', 'USER': 'me'";
    let check = |database: &str, expected: Expect| {
        let settings = format!(
            "{USUAL_SETTINGS}{INSTEAD_OF_MYSQLCLIENT}DATABASES['default'] = {{{database}}}"
        );
        if let Some(python) = django_pythons().pop() {
            let project = project(USUAL_MANAGE, &settings);
            let told = Reader::new(&python).project(&project).address().run().json();
            let text = told["url"]
                .as_str()
                .or(told["error"].as_str())
                .expect("a URL, or why there is none");
            expected.assert_eq(text);
        }
    };
    check(
        &format!(
            "{postgres}, 'USER': 'me@x', 'PASSWORD': 'p/w:1', 'HOST': 'db', 'PORT': 6000, \
                  'OPTIONS': {{'sslmode': 'verify-full', 'isolation_level': 4}}, 'CONN_MAX_AGE': 60"
        ),
        expect!["postgres://me%40x:p%2Fw%3A1@db:6000/crm?sslmode=verify-full"],
    );
    check(postgres, expect!["postgres:///crm"]);
    check(&format!("{postgres}, 'HOST': '/run/pg'"), expect!["postgres:///crm?host=%2Frun%2Fpg"]);
    check(&format!("{postgres}, 'HOST': '::1'"), expect!["postgres://[::1]/crm"]);
    check(
        "'ENGINE': 'django.db.backends.postgresql', 'OPTIONS': {'service': 'crm'}",
        expect!["postgres:///?service=crm"],
    );
    check(
        &format!("{mysql}, 'HOST': '/run/mysqld.sock'"),
        expect!["mysql://me@/crm?socket=%2Frun%2Fmysqld.sock"],
    );
    check(
        &format!(
            "{mysql}, 'HOST': 'db', 'OPTIONS': {{'ssl': {{'ca': '/ca.pem'}}, 'charset': 'utf8mb4'}}"
        ),
        expect!["mysql://me@db/crm?ssl-ca=%2Fca.pem&ssl-mode=verify_ca"],
    );
    check(
        &format!("{mysql}, 'OPTIONS': {{'read_default_file': '/etc/my.cnf'}}"),
        expect!["its settings leave the database to read_default_file"],
    );
    check(
        "'ENGINE': 'django.db.backends.sqlite3', 'NAME': '/srv/a b.db'",
        expect!["sqlite:/srv/a b.db"],
    );
    check(
        "'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'",
        expect!["its database is in the memory of its own process"],
    );
}

#[test]
fn a_database_that_the_settings_lack_is_told() {
    check_failure(
        |reader| reader.setting("actions.settings").database("replica"),
        expect!["database: ConnectionDoesNotExist: The connection 'replica' doesn't exist."],
    );
}

// --- running it ---

fn project(manage: &str, settings: &str) -> TempDir {
    let folder = TempDir::new().expect("a temporary directory");
    for (name, text) in [("manage.py", manage), ("settings.py", settings)] {
        std::fs::write(folder.path().join(name), text).expect("a written file");
    }
    folder
}

struct Reader {
    command: Command,
    manage: PathBuf,
    database: Option<&'static str>,
    address: bool,
}

impl Reader {
    fn new(python: &Path) -> Reader {
        let mut command = Command::new(python);
        command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1");
        std::env::var_os("PATH").map(|path| command.env("PATH", path));
        Reader { command, manage: MANAGE.into(), database: None, address: false }
    }

    fn setting(self, module: &str) -> Reader {
        self.env("DJANGO_SETTINGS_MODULE", module)
    }

    fn env(mut self, name: &str, value: &str) -> Reader {
        self.command.env(name, value);
        self
    }

    fn manage(mut self, path: &str) -> Reader {
        self.manage = path.into();
        self
    }

    fn project(mut self, folder: &TempDir) -> Reader {
        self.manage = folder.path().join("manage.py");
        self
    }

    fn database(mut self, alias: &'static str) -> Reader {
        self.database = Some(alias);
        self
    }

    fn address(mut self) -> Reader {
        self.address = true;
        self
    }

    fn without_packages(mut self) -> Reader {
        self.command.arg("-S");
        self
    }

    fn run(mut self) -> Read {
        self.command.arg("-").arg(self.manage);
        if let Some(alias) = self.database {
            self.command.args(["--database", alias]);
        }
        if self.address {
            self.command.arg("--address");
        }
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("python starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(READER.as_bytes()).expect("python reads");
        drop(stdin);
        let output = child.wait_with_output().expect("python ends");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code();
        Read { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    fn reads(self) -> Value {
        let outcome = self.run();
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        outcome.json()
    }
}

/// How the reader ended.
struct Read {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Read {
    #[track_caller]
    fn json(&self) -> Value {
        let one_line = self.stdout.strip_suffix('\n').filter(|line| !line.contains('\n'));
        let json = one_line.and_then(|line| serde_json::from_str(line).ok());
        json.unwrap_or_else(|| panic!("not one line of JSON:\n{}\n{}", self.stdout, self.stderr))
    }
}

#[track_caller]
fn check_project(manage: &str, settings: &str, expected: Expect) {
    let project = project(manage, settings);
    check_failure(|reader| reader.project(&project), expected);
}

/// The failure is JSON on stdout, and the traceback is on stderr.
#[track_caller]
fn check_failure(prepare: impl Fn(Reader) -> Reader, expected: Expect) {
    for python in django_pythons() {
        let outcome = prepare(Reader::new(&python)).run();
        assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("Traceback"), "{}", outcome.stderr);
        let json = outcome.json();
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        expected.assert_eq(&format!("{}: {}", text("kind"), text("error")));
    }
}

// --- showing it ---

/// One line per entry, those of `newer` models and the version of Django left out.
fn lines(read: &Value, newer: &[&str]) -> String {
    let mut text = String::new();
    for (name, value) in read.as_object().expect("an object") {
        match value.as_array() {
            _ if name == "django" => {}
            None => writeln!(text, "{name} {value}").expect("text"),
            Some(entries) => {
                let is_newer = |entry: &&Value| newer.iter().any(|model| entry["model"] == *model);
                for entry in entries.iter().filter(|entry| !is_newer(entry)) {
                    writeln!(text, "{name} {entry}").expect("text");
                }
            }
        }
    }
    text
}

#[track_caller]
fn entry<'a>(read: &'a Value, list: &str, model: &str) -> &'a Value {
    let mut entries = read[list].as_array().into_iter().flatten();
    entries.find(|entry| entry["model"] == model).expect("an entry")
}

fn version(read: &Value) -> (u32, u32) {
    let text = read["django"].as_str().expect("a version");
    let mut parts = text.split('.').map(|part| part.parse().expect("a number"));
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}
