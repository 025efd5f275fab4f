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

/// Waits until a batch is committed, the directory has so many archives, and its pause begins.
fn paused(db: &TestDatabase, more: &[&str], kept: &std::path::Path, least: usize) -> Running {
    let directory = kept.display().to_string();
    let flags = ["--batch-rows", "20", "--archive-dir", &directory];
    let running = db.command(&[&CLEAN[..], &flags, more].concat()).start();
    let patience = Instant::now() + Duration::from_secs(60);
    while archives(kept).len() < least {
        assert!(Instant::now() < patience, "no batch was committed");
        std::thread::sleep(Duration::from_millis(20));
    }
    running
}

/// Organizations with users and docs.
const DOCS: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20));
CREATE TABLE users (id integer PRIMARY KEY, org_id integer NOT NULL,
    FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE);
CREATE TABLE docs (id integer PRIMARY KEY, org_id integer NOT NULL,
    FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE);
";

/// Cleans Apex in batches of one row and of two, and what is left is what one transaction leaves.
#[track_caller]
fn batches_do_as_one_does(db: &TestDatabase) -> Outcome {
    let whole = db.copy();
    whole.orgsweep(&CLEAN).exits(0);
    let one = db.copy();
    one.orgsweep(&[&CLEAN[..], &["--batch-rows", "1", "--no-archive"]].concat()).exits(0);
    assert_eq!(one.dump(), whole.dump());
    let outcome = db.orgsweep(&[&CLEAN[..], &["--batch-rows", "2"]].concat()).exits(0);
    assert_eq!(db.dump(), whole.dump(), "{outcome}");
    outcome
}

/// Cleans Apex in batches of two rows: just what is Apex's goes, nothing is unlinked, and all of it comes back.
#[track_caller]
fn goes_in_batches_and_comes_back(db: &TestDatabase, flags: &[&str]) {
    let before = db.dump();
    let whole = db.copy();
    let clean = [&["clean", "--org-name", "Apex", "--yes"], flags].concat();
    whole.orgsweep(&clean).exits(0);
    let kept = tempfile::TempDir::new().unwrap();
    let directory = kept.path().display().to_string();
    let batched = ["--batch-rows", "2", "--archive-dir", &directory, "--format", "json"];
    let outcome = db.orgsweep(&[&clean[..], &batched].concat()).exits(0);
    assert_eq!(db.dump(), whole.dump(), "{outcome}");
    assert_eq!(outcome.json()["totals"]["unlinked"], 0, "{outcome}");
    let archives = archives(kept.path());
    let names: Vec<&str> = archives.iter().map(String::as_str).collect();
    db.orgsweep(&[&["restore"], &names[..]].concat()).exits(0);
    assert_eq!(db.dump(), before, "{outcome}");
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
        let running = paused(&db, &["--pause", "30s"], kept.path(), 1);
        running.signal("INT");
        let told = running.finish().exits(8);
        let next = "the same command goes on with what is left: orgsweep clean --org-";
        told.says(&["committed", next]).hides("everything was rolled back");
        assert_eq!(db.count("organizations"), 2);
        assert!(db.dangling().is_empty());
        db.orgsweep(&[&CLEAN[..], &["--batch-rows", "20"]].concat()).exits(0);
        assert_eq!(db.dump(), whole.dump());
    }

    /// As cron does it, whose next night selects others besides.
    fn a_series_that_was_cut_off_and_went_on_with_more_is_undone_as_a_whole(db: TestDatabase) {
        for goes_on in [&["--batch-rows", "50"][..], &["--per-org"]] {
            let db = db.copy();
            let before = large(&db);
            let kept = tempfile::TempDir::new().unwrap();
            let directory = kept.path().display().to_string();
            let running = paused(&db, &["--pause", "30s"], kept.path(), 1);
            running.signal("INT");
            running.finish().exits(8);
            let both = ["clean", "--org-id", "1", "--org-id", "2", "--force", "--yes", "--archive-dir", &directory];
            db.orgsweep(&[&both[..], goes_on].concat()).exits(0);
            assert_eq!(db.count("organizations"), 0);
            db.orgsweep(&["undo", "--yes", "--archive-dir", &directory]).exits(0);
            assert_eq!(db.dump(), before, "{goes_on:?}");
        }
    }

    fn while_the_pause_file_is_there_no_batch_begins(db: TestDatabase) {
        let before = large(&db);
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("pause");
        std::fs::write(&file, "").unwrap();
        let name = file.display().to_string();
        let batches = [&CLEAN[..], &["--batch-rows", "50", "--pause-file", &name]].concat();
        let waiting = [&batches[..], &["--deadline", "3s"]].concat();
        db.orgsweep(&waiting).exits(5).says(&["paused while"]);
        assert_eq!(db.dump(), before);
        std::fs::remove_file(&file).unwrap();
        db.orgsweep(&batches).exits(0).hides("paused");
        assert_eq!(db.count("organizations"), 1);
    }

    fn a_run_that_is_asked_tells_where_it_is_and_goes_on(db: TestDatabase) {
        large(&db);
        let kept = tempfile::TempDir::new().unwrap();
        let grave = ["--pause", "500ms", "--log-level", "warning", "--log-format", "json"];
        let running = paused(&db, &grave, kept.path(), 1);
        running.signal("USR1");
        running.finish().exits(0).says(&["\"event\":\"status\"", "\"committed\":"]);
        assert_eq!(db.count("organizations"), 1);
    }

    /// Who was killed left no receipt that says so.
    fn a_series_that_was_cut_off_and_went_on_is_undone_as_a_whole(db: TestDatabase) {
        for signal in ["INT", "KILL"] {
            let db = db.copy();
            let before = large(&db);
            let kept = tempfile::TempDir::new().unwrap();
            let directory = kept.path().display().to_string();
            let archive_dir = ["--archive-dir", &directory];
            // One that was done and came back before is none of it.
            db.orgsweep(&[&CLEAN[..], &archive_dir].concat()).exits(0);
            db.orgsweep(&[&["undo", "--yes"][..], &archive_dir].concat()).exits(0);
            assert_eq!(db.dump(), before);
            let running = paused(&db, &["--pause", "30s"], kept.path(), 2);
            running.signal(signal);
            running.finish();
            db.orgsweep(&[&CLEAN[..], &archive_dir, &["--batch-rows", "50"]].concat()).exits(0);
            assert_eq!(db.count("organizations"), 1);
            db.orgsweep(&[&["undo", "--yes"][..], &archive_dir].concat()).exits(0);
            assert_eq!(db.dump(), before, "{signal}");
        }
    }

    fn rows_that_come_in_between_go_too_and_rows_that_leave_stay(db: TestDatabase) {
        large(&db);
        let kept = tempfile::TempDir::new().unwrap();
        let running = paused(&db, &["--pause", "1s"], kept.path(), 1);
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
        let archive_dir = ["--archive-dir", &directory];
        db.orgsweep(&[&CLEAN[..], &archive_dir, &["--batch-rows", "1"]].concat()).exits(0);
        let archives = archives(kept.path());
        let names: Vec<&str> = archives.iter().map(String::as_str).collect();
        // MariaDB's rows that are alike go together.
        assert!(names.len() > 2 || matches!(db.backend, Backend::Mysql), "{names:?}");
        let restore = |names: &[&str]| db.orgsweep(&[&["restore"], names, &archive_dir].concat());
        restore(&names).exits(0);
        assert_eq!(db.dump(), before);
        for name in &names {
            restore(&[name]).exits(3).says(&["refused"]);
        }
        restore(&[names[0]]).exits(3).says(&["already back"]);
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

    /// clap asks for no flag that another one excludes.
    fn what_is_said_of_batches_is_said_of_nothing_else(db: TestDatabase) {
        let before = large(&db);
        for of_batches in [["--pause-file", "hold"], ["--pause", "1s"], ["--max-lag", "1s"]] {
            for other in [&["--per-org"][..], &["--foreign", "unlink"], &["--reference-checks", "set"]] {
                db.orgsweep(&[&CLEAN[..], &of_batches, other].concat()).exits(2);
            }
            db.orgsweep(&[&["clean", "--plan", "x.json", "--yes"][..], &of_batches].concat()).exits(2).hides("x.json cannot");
        }
        assert_eq!(db.dump(), before);
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

    /// Another gets the confirmed one's name, and it another name.
    fn only_what_was_shown_goes_whoever_is_called_so_meanwhile(db: TestDatabase) {
        let before = large(&db);
        let kept = tempfile::TempDir::new().unwrap();
        let running = paused(&db, &["--pause", "1s"], kept.path(), 1);
        db.execute(
            "UPDATE organizations SET name = 'Renamed' WHERE id = 1;
             UPDATE organizations SET name = 'Apex' WHERE id = 2",
        );
        running.finish().exits(8).says(&["other organizations are selected now"]);
        let gone = changes(&before, &db.dump()).gone;
        let others = gone.get("deals").into_iter().flatten().filter(|row| row.contains("61"));
        assert_eq!(others.count(), 0, "{gone:?}");
        assert_eq!(db.count("organizations"), 2);
    }

    fn one_of_the_same_name_that_comes_meanwhile_stays(db: TestDatabase) {
        large(&db);
        let kept = tempfile::TempDir::new().unwrap();
        let running = paused(&db, &["--pause", "1s"], kept.path(), 1);
        db.execute("INSERT INTO organizations VALUES (3, 'Apex'); INSERT INTO users VALUES (900, 3, NULL)");
        running.finish().exits(0);
        assert_eq!(db.value("SELECT count(*) FROM users WHERE id = 900"), "1");
        assert_eq!(db.value("SELECT name FROM organizations WHERE id = 3"), "Apex");
        assert_eq!(db.count("organizations"), 2);
    }

    /// Events name who leads them by a key of which the organization is a part: unlinked, they would be nobody's.
    fn rows_that_go_later_are_not_unlinked_before(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20));
             CREATE TABLE users (id integer PRIMARY KEY, org_id integer, code integer,
                 FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE, UNIQUE (org_id, code));
             CREATE TABLE events (id integer PRIMARY KEY, org_id integer, leader integer,
                 FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE,
                 FOREIGN KEY (org_id, leader) REFERENCES users (org_id, code) ON DELETE SET NULL);
             CREATE INDEX users_org ON users (org_id, id); CREATE INDEX events_org ON events (org_id, id);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users VALUES (1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 1, 4), (5, 2, 1);
             INSERT INTO events VALUES (1, 1, 4), (2, 1, 3), (3, 1, 2), (4, 1, 1), (5, 2, 1)",
        );
        goes_in_batches_and_comes_back(&db, &["--force"]);
    }

    /// A folder of nobody's but a user's says whose the files in it are: the user goes after them.
    fn what_says_whose_a_row_is_is_not_unlinked_before_it_goes(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20));
             CREATE TABLE users (id integer PRIMARY KEY, org_id integer NOT NULL,
                 FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE folders (id integer PRIMARY KEY, made_by integer,
                 FOREIGN KEY (made_by) REFERENCES users (id) ON DELETE SET NULL);
             CREATE TABLE files (id integer PRIMARY KEY, folder_id integer NOT NULL, sent_by integer,
                 FOREIGN KEY (folder_id) REFERENCES folders (id) ON DELETE CASCADE,
                 FOREIGN KEY (sent_by) REFERENCES users (id) ON DELETE RESTRICT);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users VALUES (1, 1), (2, 1), (3, 1), (4, 1), (5, 2);
             INSERT INTO folders VALUES (1, 1), (2, 2);
             INSERT INTO files VALUES (1, 1, 4), (2, 1, 3), (3, 2, 3)",
        );
        batches_do_as_one_does(&db);
    }

    /// By its first document a cascade reaches it, which is found after the user who shared it.
    fn a_shared_row_waits_for_the_cascade_that_lets_it_go(db: TestDatabase) {
        db.execute(DOCS);
        db.execute(
            "CREATE TABLE shares (id integer PRIMARY KEY, doc_id integer, other_id integer, made_by integer,
                 FOREIGN KEY (doc_id) REFERENCES docs (id) ON DELETE CASCADE,
                 FOREIGN KEY (other_id) REFERENCES docs (id) ON DELETE CASCADE,
                 FOREIGN KEY (made_by) REFERENCES users (id) ON DELETE RESTRICT);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users VALUES (1, 1), (2, 1), (3, 2);
             INSERT INTO docs VALUES (1, 1), (2, 1), (3, 1), (4, 2);
             INSERT INTO shares VALUES (1, 3, 4, 1), (2, 2, 4, 2)",
        );
        batches_do_as_one_does(&db).says(&["shared with other organizations go too: Global (id 2): 2"]);
    }

    fn unlinks_that_a_constraint_wants_together_come_together(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("InnoDB lets no CHECK read what an unlink writes");
        }
        db.execute(DOCS);
        db.execute(
            "CREATE TABLE visits (id integer PRIMARY KEY, user_id integer, doc_id integer,
                 FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL,
                 FOREIGN KEY (doc_id) REFERENCES docs (id) ON DELETE SET NULL,
                 CHECK ((user_id IS NULL) = (doc_id IS NULL)));
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users VALUES (1, 1), (2, 1), (3, 1), (4, 1);
             INSERT INTO docs VALUES (1, 1), (2, 1), (3, 1), (4, 2);
             INSERT INTO visits VALUES (1, 1, 3), (2, 2, 2), (3, 3, 1)",
        );
        batches_do_as_one_does(&db);
    }

    fn what_the_organization_itself_names_goes_with_it(db: TestDatabase) {
        for action in ["CASCADE", "SET NULL", "NO ACTION"] {
            let key = format!("FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE {action}");
            let (inside, after) = if db.is_sqlite() {
                (format!(", {key}"), String::new())
            } else {
                (String::new(), format!("ALTER TABLE organizations ADD {key};"))
            };
            let db = TestDatabase::fresh(db.backend).unwrap();
            db.execute(&format!(
                "CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20), owner_id integer{inside});
                 CREATE TABLE users (id integer PRIMARY KEY, org_id integer,
                     FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE);
                 {after}
                 INSERT INTO organizations VALUES (1, 'Apex', NULL), (2, 'Global', NULL);
                 INSERT INTO users VALUES (1, 1), (2, 1), (3, 1), (4, 1), (5, 2);
                 UPDATE organizations SET owner_id = 1 WHERE id = 1;
                 UPDATE organizations SET owner_id = 5 WHERE id = 2",
            ));
            goes_in_batches_and_comes_back(&db, &["--force"]);
        }
    }

    /// Tasks name users without a cascade: those that go later are no protection.
    fn rows_that_go_later_protect_nobody(db: TestDatabase) {
        // InnoDB has no other, and takes it for a RESTRICT.
        let (references, flags): (&[[&str; 2]], &[&str]) = match db.backend {
            Backend::Mysql => (&[["", "NO ACTION"]], &["--force"]),
            _ => (&[["", "NO ACTION"], ["NOT NULL", "SET NULL"], ["DEFAULT 1", "SET DEFAULT"]], &[]),
        };
        for [declared, action] in references {
            let db = TestDatabase::fresh(db.backend).unwrap();
            db.execute(&format!(
                "CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20));
                 CREATE TABLE users (id integer PRIMARY KEY, org_id integer,
                     FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE);
                 CREATE TABLE tasks (id integer PRIMARY KEY, org_id integer, made_by integer {declared},
                     FOREIGN KEY (org_id) REFERENCES organizations (id) ON DELETE CASCADE,
                     FOREIGN KEY (made_by) REFERENCES users (id) ON DELETE {action});
                 INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
                 INSERT INTO users VALUES (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 2);
                 INSERT INTO tasks VALUES (1, 1, 5), (2, 1, 4), (3, 1, 3), (4, 1, 2), (5, 1, 1), (6, 2, 6)",
            ));
            goes_in_batches_and_comes_back(&db, flags);
        }
    }
}
