//! `--batch-rows`: many transactions that together do what one would have done.

use crate::support::*;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// An organization of some hundred rows: notes answer each other in long chains, teams and their
/// leaders name each other, and rows of others are unlinked.
const LARGE: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    team_id integer
);
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    created_by integer NOT NULL REFERENCES users (id) ON DELETE RESTRICT
);
CREATE TABLE notes (
    id integer PRIMARY KEY,
    deal_id integer NOT NULL REFERENCES deals (id) ON DELETE CASCADE,
    answers integer REFERENCES notes (id) ON DELETE CASCADE
);
CREATE TABLE visits (
    id integer PRIMARY KEY,
    deal_id integer REFERENCES deals (id) ON DELETE SET NULL
);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO users SELECT n, 1 + (n - n % 21) / 21, NULL FROM numbers WHERE n <= 40;
INSERT INTO deals SELECT n, 1 + (n - n % 61) / 61, 1 + (n - 1 - (n - 1) % 3) / 3 FROM numbers WHERE n <= 120;
INSERT INTO notes SELECT n, 1 + (n - 1 - (n - 1) % 5) / 5, CASE WHEN n % 20 <> 1 AND n <= 280 THEN n - 1 END FROM numbers;
INSERT INTO visits SELECT n, n FROM numbers WHERE n <= 120;
DROP TABLE numbers;
";

fn large(db: &TestDatabase) -> Dump {
    let numbers = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 600)";
    db.execute(&format!("CREATE TABLE numbers AS {numbers} SELECT n FROM n; {LARGE}"));
    db.dump()
}

const CLEAN: [&str; 5] = ["clean", "--org-name", "Apex", "--force", "--yes"];

fn archives(directory: &std::path::Path) -> Vec<String> {
    let files = std::fs::read_dir(directory).unwrap().flatten().map(|file| file.path());
    let archive = |path: &PathBuf| path.to_string_lossy().ends_with(".tar.zst");
    let mut names: Vec<String> =
        files.filter(archive).map(|path| path.display().to_string()).collect();
    names.sort();
    names
}

/// Waits until the first batch is committed, and its pause begins.
fn paused(db: &TestDatabase, pause: &str, kept: &std::path::Path) -> Running {
    let directory = kept.display().to_string();
    let flags = ["--batch-rows", "20", "--pause", pause, "--archive-dir", &directory];
    let running = db.command(&[&CLEAN[..], &flags].concat()).start();
    let patience = Instant::now() + Duration::from_secs(60);
    while archives(kept).is_empty() {
        assert!(Instant::now() < patience, "no batch was committed");
        std::thread::sleep(Duration::from_millis(20));
    }
    running
}

each_backend! {
    fn batches_do_what_one_transaction_does_and_all_of_it_comes_back(db: TestDatabase) {
        let before = large(&db);
        let whole = db.copy();
        whole.orgsweep(&CLEAN).exits(0);
        let kept = tempfile::TempDir::new().unwrap();
        let directory = kept.path().display().to_string();
        let batched = [&CLEAN[..], &["--batch-rows", "25", "--archive-dir", &directory, "--format", "json"]];
        let outcome = db.orgsweep(&batched.concat()).exits(0);
        assert_eq!(db.dump(), whole.dump());
        let archives = archives(kept.path());
        assert!(archives.len() > 5, "{archives:?}");
        assert_eq!(outcome.json()["archives"].as_array().map(Vec::len), Some(archives.len()));
        let names: Vec<&str> = archives.iter().map(String::as_str).collect();
        db.orgsweep(&[&["restore"], &names[..]].concat()).exits(0);
        assert_eq!(db.dump(), before);
    }

    fn what_would_refuse_the_whole_is_refused_before_the_first_batch(db: TestDatabase) {
        let before = large(&db);
        let clean = ["clean", "--org-name", "Apex", "--yes", "--batch-rows", "10"];
        db.orgsweep(&clean).exits(3).says(&["deals.created_by"]);
        let limited = [&CLEAN[..], &["--batch-rows", "10", "--max-rows", "100"]].concat();
        db.orgsweep(&limited).exits(3).says(&["100"]);
        assert_eq!(db.dump(), before);
    }

    fn an_interrupted_series_is_partly_done_and_goes_on(db: TestDatabase) {
        large(&db);
        let whole = db.copy();
        whole.orgsweep(&CLEAN).exits(0);
        let kept = tempfile::TempDir::new().unwrap();
        let running = paused(&db, "30s", kept.path());
        running.signal("INT");
        let told = running.finish().exits(8);
        let next = "the same command goes on with what is left: orgsweep clean --org-";
        told.says(&["committed", next]).hides("everything was rolled back");
        assert_eq!(db.count("organizations"), 2);
        assert!(db.dangling().is_empty());
        db.orgsweep(&[&CLEAN[..], &["--batch-rows", "20"]].concat()).exits(0);
        assert_eq!(db.dump(), whole.dump());
    }

    fn rows_that_come_in_between_go_too_and_rows_that_leave_stay(db: TestDatabase) {
        large(&db);
        let kept = tempfile::TempDir::new().unwrap();
        let running = paused(&db, "1s", kept.path());
        // A deal moves to the other organization, with its creator's; another one gets a note.
        db.execute("UPDATE deals SET organization_id = 2, created_by = 30 WHERE id = 60");
        db.execute("INSERT INTO notes VALUES (9000, 59, NULL)");
        running.finish().exits(0);
        assert_eq!(db.value("SELECT count(*) FROM deals WHERE id = 60"), "1");
        assert_eq!(db.value("SELECT count(*) FROM notes WHERE id = 9000"), "0");
        assert_eq!(db.count("organizations"), 1);
        assert!(db.dangling().is_empty());
    }

    /// Rows without a key: only the batch that holds the organization itself finds one taken.
    fn each_archive_of_batches_comes_back_once(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20));
             CREATE TABLE logs (organization_id integer, t varchar(9),
                 FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO logs VALUES (1, 'a'), (1, 'a'), (1, NULL), (1, 'c'), (2, 'a')",
        );
        let before = db.dump();
        let kept = tempfile::TempDir::new().unwrap();
        let directory = kept.path().display().to_string();
        let shelf = ["--archive-dir", &directory];
        db.orgsweep(&[&CLEAN[..], &shelf, &["--batch-rows", "1"]].concat()).exits(0);
        let archives = archives(kept.path());
        let names: Vec<&str> = archives.iter().map(String::as_str).collect();
        // MariaDB's rows that are alike go together.
        assert!(names.len() > 2 || matches!(db.backend, Backend::Mysql), "{names:?}");
        let restore = |names: &[&str]| db.orgsweep(&[&["restore"], names, &shelf].concat());
        restore(&names).exits(0);
        assert_eq!(db.dump(), before);
        for name in &names {
            restore(&[name]).exits(3).says(&["refused"]);
        }
        restore(&[names[0]]).exits(3).says(&["was put back before", "of logs"]);
        assert_eq!(db.dump(), before);
        // Gone again, it can be put back again.
        db.orgsweep(&[&CLEAN[..], &["--no-archive"]].concat()).exits(0);
        restore(&names).exits(0);
        assert_eq!(db.dump(), before);
    }

    /// Its user goes in one batch, its deal in another.
    fn a_row_that_two_batches_unlink_is_one_row(db: TestDatabase) {
        large(&db);
        db.execute(
            "CREATE TABLE calls (id integer PRIMARY KEY, user_id integer, deal_id integer,
                 FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL,
                 FOREIGN KEY (deal_id) REFERENCES deals (id) ON DELETE SET NULL);
             DELETE FROM visits; INSERT INTO calls VALUES (1, 1, 1), (2, 2, NULL)",
        );
        let whole = db.copy();
        let json = ["--format", "json"];
        let whole = whole.orgsweep(&[&CLEAN[..], &json].concat()).exits(0).json();
        let batched = [&CLEAN[..], &["--batch-rows", "10"], &json].concat();
        let batched = db.orgsweep(&batched).exits(0).json();
        assert_eq!((&whole["totals"]["unlinked"], &batched["totals"]["unlinked"]), (&2.into(), &2.into()));
    }

    fn max_lag_is_refused_where_nobody_can_tell_it(db: TestDatabase) {
        let before = large(&db);
        let waiting = [&CLEAN[..], &["--batch-rows", "100", "--max-lag", "5s"]].concat();
        match db.backend {
            Backend::Postgres => {
                db.orgsweep(&waiting).exits(0).says(&["no replica is connected"]);
                return;
            }
            Backend::Sqlite | Backend::Mysql => db.orgsweep(&waiting).exits(2).says(&["--max-lag", "--pause"]),
        };
        assert_eq!(db.dump(), before);
    }

    fn batches_are_no_way_around_consents(db: TestDatabase) {
        large(&db);
        let foreign = [&CLEAN[..], &["--batch-rows", "10", "--foreign", "delete"]].concat();
        db.orgsweep(&foreign).exits(2);
        for rows in ["0", "18446744073709551615"] {
            db.orgsweep(&[&CLEAN[..], &["--batch-rows", rows]].concat()).exits(2);
        }
        db.orgsweep(&[&CLEAN[..], &["--pause", "1s"]].concat()).exits(2).says(&["--batch-rows"]);
    }
}
