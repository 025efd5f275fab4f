//! SQLite has one writer at a time: other processes open, read, write, checkpoint and close the file while a clean
//! works on it, and whoever is killed leaves all of an organization or nothing. The others are Python, with the
//! system's SQLite: beside others with the one that is built in here, lost locks did no harm that showed.

use super::*;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How many processes are killed; 200 in a long run.
const KILLS: &str = "ORGSWEEP_TEST_KILLS";

/// So many that others come and go in the midst of the transaction.
const USERS: i64 = 20_000;

/// `mode`: a journal mode.
fn company(mode: &str) -> TestDatabase {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    db.execute(&format!(
        "PRAGMA journal_mode = {mode};
         CREATE TABLE organizations (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
         CREATE TABLE users (
             id INTEGER PRIMARY KEY,
             organization_id INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
             manager_id INTEGER REFERENCES users ON DELETE SET NULL,
             about TEXT
         );
         CREATE INDEX users_1 ON users (organization_id); CREATE INDEX users_2 ON users (manager_id);
         CREATE TABLE other (n INTEGER PRIMARY KEY, about TEXT);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2 * {USERS})
         INSERT INTO users SELECT n, 1 + n % 2, max(n - 2, 1 + (n + 1) % 2), hex(zeroblob(100)) FROM s"
    ));
    assert_eq!(db.value("PRAGMA journal_mode"), mode);
    db
}

/// What the file has to be whenever nobody works on it. `written`: how many rows the others committed, at least
/// and at most. Whether the organization is gone.
fn sound(db: &TestDatabase, written: (i64, i64), case: &str) -> bool {
    assert_eq!(db.value("PRAGMA integrity_check"), "ok", "{case}");
    assert_eq!(db.query("PRAGMA foreign_key_check"), Vec::<Vec<_>>::new(), "{case}");
    let others = db.count("other");
    assert!((written.0..=written.1).contains(&others), "{case}: {others} of {written:?} rows");
    assert_eq!(db.count("users WHERE organization_id = 2"), USERS, "{case}");
    let left =
        (db.count("organizations WHERE id = 1"), db.count("users WHERE organization_id = 1"));
    assert!(left == (0, 0) || left == (1, USERS), "{case}: half of it is gone, {left:?} left");
    left.0 == 0
}

/// Another process on the file.
struct Neighbour {
    child: Child,
    /// It goes on until this is closed.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Neighbour {
    fn start(path: &Path) -> Neighbour {
        let mut command = Command::new("python3");
        command.args(["-c", include_str!("neighbour.py")]).arg(path);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3");
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("its first word");
        assert_eq!(line, "ready\n");
        Neighbour { child, stdin, stdout }
    }

    /// How many rows it says that it committed.
    fn stop(mut self) -> i64 {
        self.stdin.take();
        let committed = self.committed();
        assert!(self.child.wait().expect("its end").success(), "another process failed");
        committed
    }

    /// The same of one that is killed: it may have committed one more than it could say.
    fn kill(mut self) -> (i64, i64) {
        self.child.kill().expect("a process to kill");
        let committed = self.committed();
        self.child.wait().expect("its end");
        (committed, committed + 1)
    }

    fn committed(&mut self) -> i64 {
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).expect("its words");
        said.lines().filter(|line| *line == "committed").count() as i64
    }
}

/// Says so where there is no Python.
fn has_neighbours() -> bool {
    let python = Command::new("python3").args(["-c", "import sqlite3"]).status();
    let found = python.is_ok_and(|status| status.success());
    if !found {
        skip("python3 is missing: its sqlite3 is the other process");
    }
    found
}

const CLEAN: [&str; 6] = ["clean", "--org-name", "Apex", "--yes", "--lock-timeout", "20s"];

/// One or two others at work in each round: who closes the file as the last one tidies up.
fn beside_others(mode: &str, rounds: u32) {
    if !has_neighbours() {
        return;
    }
    let base = company(mode);
    let mut won = 0;
    for round in 0..rounds {
        let db = base.copy();
        let others: Vec<_> = (0..=round / 2 % 2).map(|_| Neighbour::start(&db.path())).collect();
        std::thread::sleep(Duration::from_millis(fastrand::u64(..40)));
        let checks = if round % 2 == 0 { "set" } else { "engine" };
        let outcome = db.orgsweep(&[&CLEAN[..], &["--reference-checks", checks]].concat());
        std::thread::sleep(Duration::from_millis(20));
        let committed = others.into_iter().map(Neighbour::stop).sum();
        let case = format!("{mode}, {checks}\n{outcome}");
        assert!(matches!(outcome.code, 0 | 5), "{case}");
        assert_eq!(sound(&db, (committed, committed), &case), outcome.code == 0, "{case}");
        won += u32::from(outcome.code == 0);
    }
    assert!(won > rounds / 2, "{won} of {rounds} came through");
}

#[test]
fn beside_others_in_wal_mode() {
    beside_others("wal", ROUNDS);
}

#[test]
fn beside_others_with_rollback_journals() {
    for mode in ["delete", "truncate", "persist"] {
        beside_others(mode, 2);
    }
}

/// All or nothing, and a file that the next one can work with.
#[test]
fn whoever_is_killed_leaves_a_sound_file() {
    if !has_neighbours() {
        return;
    }
    let rounds = std::env::var(KILLS).ok().and_then(|text| text.parse().ok()).unwrap_or(10_u32);
    let base = company("wal");
    let start = Instant::now();
    base.copy().orgsweep(&CLEAN).exits(0);
    let whole = start.elapsed().as_micros() as u64;
    let (mut gone, mut ended) = (0, 0);
    for round in 0..rounds {
        let db = base.copy();
        let other = Neighbour::start(&db.path());
        let mut running = db.command(&CLEAN).start();
        std::thread::sleep(Duration::from_micros(fastrand::u64(..whole + whole / 2)));
        running.child.kill().expect("a process to kill");
        let written = match round % 2 {
            0 => other.kill(),
            _ => {
                std::thread::sleep(Duration::from_millis(20));
                let committed = other.stop();
                (committed, committed)
            }
        };
        let outcome = running.finish();
        let case = format!("round {round}\n{outcome}");
        ended += u32::from(outcome.code == 0);
        gone += u32::from(sound(&db, written, &case));
        db.close();
        db.orgsweep(&CLEAN).exits(0);
        assert!(sound(&db, written, &case), "the next run cleans it, {case}");
    }
    println!("{rounds} killed: {gone} after COMMIT ({ended} had ended), {} before", rounds - gone);
}
