//! SQLite has one writer at a time: other processes open, read, write, checkpoint and close the file while a clean
//! works on it, and whoever is killed leaves all of an organization or nothing. A process of its own each: SQLite's
//! locks are the process's.

use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// The file that this process shall be another process on; see [`neighbour`].
const NEIGHBOUR: &str = "ORGSWEEP_TEST_NEIGHBOUR";
/// How many processes are killed; 200 in a long run.
const KILLS: &str = "ORGSWEEP_TEST_KILLS";

const USERS: i64 = 8_000;

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
}

impl Neighbour {
    fn start(path: &Path) -> Neighbour {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.args(["--ignored", "--exact", "sqlite::neighbour", "--nocapture"]);
        command.env(NEIGHBOUR, path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("another process");
        let mut first = BufReader::with_capacity(1, child.stdout.as_mut().expect("a pipe"));
        let mut line = String::new();
        while line.trim() != "ready" {
            line.clear();
            assert!(first.read_line(&mut line).expect("its first words") > 0, "it did not start");
        }
        let stdin = child.stdin.take();
        Neighbour { child, stdin }
    }

    /// How many rows it says that it committed.
    fn stop(mut self) -> i64 {
        self.stdin.take();
        let mut said = String::new();
        self.child.stdout.take().expect("a pipe").read_to_string(&mut said).expect("its words");
        assert!(self.child.wait().expect("its end").success(), "another process failed: {said}");
        said.lines().filter(|line| *line == "committed").count() as i64
    }

    /// The same of one that is killed: it may have committed one more than it could say.
    fn kill(mut self) -> (i64, i64) {
        self.child.kill().expect("a process to kill");
        let mut said = String::new();
        self.child.stdout.take().expect("a pipe").read_to_string(&mut said).expect("its words");
        self.child.wait().expect("its end");
        let committed = said.lines().filter(|line| *line == "committed").count() as i64;
        (committed, committed + 1)
    }
}

/// No test: the process that the others start. It opens the file anew for all that it does.
#[test]
#[ignore = "the other process of the tests beside it"]
fn neighbour() {
    let Some(path) = std::env::var_os(NEIGHBOUR) else { return };
    let url = format!("sqlite:{}", Path::new(&path).display());
    let target = orgsweep::database::Target::parse(&url).expect("a file");
    println!("ready");
    let (stop, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = stop.send(());
    });
    let mut works = [
        "SELECT count(*) FROM users",
        "INSERT INTO other (about) VALUES (hex(zeroblob(1500)))",
        "PRAGMA wal_checkpoint(TRUNCATE)",
    ]
    .into_iter()
    .cycle();
    while ended.recv_timeout(Duration::from_millis(2)).is_err() {
        let work = works.next().expect("a circle");
        // It goes its way where it is locked out; a damaged file is seen at the end.
        let done = Database::connect(&target, false).and_then(|mut file| file.run(work));
        if done.is_ok() && work.starts_with("INSERT") {
            println!("committed");
            std::io::stdout().flush().expect("a pipe");
        }
    }
}

const CLEAN: [&str; 6] = ["clean", "--org-name", "Apex", "--yes", "--lock-timeout", "20s"];

/// Two others at work in each round.
fn beside_others(mode: &str) {
    let base = company(mode);
    let mut won = 0;
    for round in 0..ROUNDS {
        let db = base.copy();
        let others = [Neighbour::start(&db.path()), Neighbour::start(&db.path())];
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
    assert!(won > ROUNDS / 2, "{won} of {ROUNDS} came through");
}

#[test]
fn beside_others_in_wal_mode() {
    beside_others("wal");
}

#[test]
fn beside_others_with_rollback_journals() {
    for mode in ["delete", "truncate", "persist"] {
        beside_others(mode);
    }
}

/// All or nothing, and a file that the next one can work with.
#[test]
fn whoever_is_killed_leaves_a_sound_file() {
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
