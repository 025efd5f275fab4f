//! Directories and disks that take no archive, runs that end before they are done, processes that are
//! killed: what went is in an archive, and what is in no archive did not go.

use super::*;
use crate::faults::proxy::{Proxy, Verdict};
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Apex has many users with what cannot be compressed; notes name some of them, deals protect them.
fn company(db: &TestDatabase, users: u32) {
    let random =
        db.pick("hex(randomblob(40))", "md5(i::text) || md5((i * 7)::text)", "sha2(i, 256)");
    db.execute(&format!(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id integer PRIMARY KEY, secret text,
             organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE deals (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE RESTRICT);
         CREATE TABLE notes (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE SET NULL);
         CREATE INDEX u ON users (organization_id); CREATE INDEX d ON deals (user_id); CREATE INDEX n ON notes (user_id);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO users WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users})
             SELECT i, {random}, 1 + i % 2 FROM n;
         INSERT INTO deals SELECT id, id FROM users WHERE id % 3 = 0;
         INSERT INTO notes SELECT id, id FROM users WHERE id % 5 = 0"
    ));
}

const APEX: [&str; 3] = ["--org-name", "Apex", "--force"];

/// The directory is told before anything is deleted, with what helps.
#[track_caller]
fn no_directory(db: &TestDatabase, directory: &str) {
    let before = contents(db);
    let outcome = db.orgsweep(&cleaning(directory, &APEX)).exits(2);
    outcome.says(&["nothing was deleted", "--archive-dir", "--no-archive"]);
    changes(&before, &contents(db)).assert_none();
}

each_backend! {
    fn a_directory_that_cannot_be_written_is_told_first(db: TestDatabase) {
        company(&db, 10);
        let file = db.directory().join("file");
        std::fs::write(&file, "mine").expect("a file");
        for directory in ["/proc/orgsweep", "/proc/self", "/dev/null"] {
            no_directory(&db, directory);
        }
        no_directory(&db, &file.to_string_lossy());
        no_directory(&db, &file.join("below").to_string_lossy());
        assert_eq!(std::fs::read_to_string(file).expect("the file"), "mine");
    }

    /// A limit on the size of files stands for the full disk: the kernel then refuses to write on.
    fn a_full_disk_stops_the_deletion(db: TestDatabase) {
        company(&db, 1_600);
        // What cannot be compressed, in few rows.
        db.execute(db.pick(
            "UPDATE users SET secret = hex(randomblob(8000))",
            "UPDATE users SET secret = (SELECT string_agg(md5((id * 1000 + n)::text), '') FROM generate_series(1, 500) n)",
            "ALTER TABLE users MODIFY secret mediumtext; SET SESSION group_concat_max_len = 100000;
             UPDATE users SET secret = (SELECT group_concat(sha2(id * 1000 + seq, 256) SEPARATOR '') FROM
                 (WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 250) SELECT seq FROM n) s)",
        ));
        let before = contents(&db);
        let mut told = 0;
        for (blocks, checks) in [(0, "set"), (8, "set"), (600, "engine"), (1200, "set")] {
            let archive_dir = archive_dir(&db);
            let flags = cleaning(&archive_dir.to_string_lossy(), &APEX).join(" ");
            let script = format!(
                "trap '' XFSZ; ulimit -f {blocks}; exec {} --database-url '{}' {flags} --reference-checks {checks}",
                env!("CARGO_BIN_EXE_orgsweep"), db.url()
            );
            let outcome = Invocation::of("sh".as_ref(), &["-c", &script]).run().exits(1);
            // SQLite's own files may be the first that cannot grow.
            let outcome = if db.is_sqlite() && outcome.text().contains("disk I/O error") { outcome } else { outcome.says(&["the archive", "nothing was deleted", "too large"]) };
            told += u32::from(outcome.text().contains("nothing was deleted"));
            // Receipts, and which is the latest.
            let receipts = files(&archive_dir, ".json").len() + files(&archive_dir, "receipts.head").len();
            assert_eq!(files(&archive_dir, "").len(), receipts, "{outcome}");
            changes(&before, &contents(&db)).assert_none();
        }
        assert!(told > 0, "the archive never was what could not grow");
    }

    /// Only what was committed leaves an archive.
    fn runs_that_are_rolled_back_leave_no_archive(db: TestDatabase) {
        company(&db, 10);
        db.execute("INSERT INTO organizations VALUES (3, 'Third')");
        let before = contents(&db);
        // Refused: the deals protect.
        clean(&db, &["--org-name", "Apex"]).exits(3);
        // Nothing to do, and not confirmed.
        clean(&db, &["--org-name", "Nobody"]).exits(0);
        db.orgsweep(&["clean", "--org-name", "Third", "--archive-dir", &archive_dir(&db).to_string_lossy()]).exits(4);
        // Failed at the last step.
        db.execute(db.pick(
            "CREATE TRIGGER no BEFORE DELETE ON organizations BEGIN SELECT RAISE(ABORT, 'not today'); END",
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;
             CREATE TRIGGER no BEFORE DELETE ON organizations FOR EACH ROW EXECUTE FUNCTION no()",
            "CREATE TRIGGER refuses BEFORE DELETE ON organizations BEGIN
                 SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'; END",
        ));
        clean(&db, &APEX).exits(1).says(&["not today"]);
        assert_eq!(files(&archive_dir(&db), ".tar"), [""; 0].map(std::path::PathBuf::from));
        changes(&before, &contents(&db)).assert_none();
    }

    fn only_the_owner_may_read_what_is_kept(db: TestDatabase) {
        company(&db, 10);
        clean(&db, &APEX).exits(0);
        let mode = |path: &std::path::Path| {
            std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
        };
        let archive_dir = archive_dir(&db);
        assert_eq!(mode(&archive_dir), 0o700);
        let kept = files(&archive_dir, "");
        assert_eq!((kept.len(), files(&archive_dir, ".receipt.json").len()), (3, 1), "{kept:?}");
        for path in kept {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }

    /// A restore that is killed has restored nothing or all of it.
    fn whenever_a_restore_is_killed_it_was_all_or_nothing(db: TestDatabase) {
        const MOMENTS: u32 = 6;
        company(&db, 12_000);
        let before = db.fingerprint();
        clean(&db, &APEX).exits(0);
        let (archive, after) = (only_archive(&db), db.fingerprint());
        let start = Instant::now();
        restore(&db, &archive, &[]).exits(0);
        let whole = start.elapsed();
        let mut killed = 0;
        for moment in 0..MOMENTS {
            if db.fingerprint() == before {
                clean(&db, &[&APEX[..], &["--no-archive"]].concat()).exits(0);
            }
            let restoring = db.command(&["restore", &archive.to_string_lossy()]).start();
            std::thread::sleep(whole * (2 * moment + 1) / (2 * MOMENTS));
            restoring.signal("KILL");
            killed += u32::from(restoring.finish().code == 137);
            settle(&db);
            let now = db.fingerprint();
            assert!(now == before || now == after, "moment {moment} of {whole:?}");
        }
        assert!(killed > 1, "{killed} of {MOMENTS} were killed");
    }

    /// Killed at moments spread over its whole run: either nothing went, or all of it, and then the
    /// archive is complete and brings it back.
    fn whenever_it_is_killed_what_went_can_be_restored(db: TestDatabase) {
        const MOMENTS: u32 = 12;
        company(&db, 12_000);
        let before = db.fingerprint();
        let start = Instant::now();
        let reference = db.copy();
        let flags = cleaning("archives", &APEX);
        reference.orgsweep(&flags).exits(0);
        let (whole, after) = (start.elapsed(), reference.fingerprint());
        let (mut killed, mut restored) = (0, 0);
        for moment in 0..MOMENTS {
            let copy = db.copy();
            let archive_dir = archive_dir(&copy);
            let clean = copy.command(&cleaning(&archive_dir.to_string_lossy(), &APEX)).start();
            std::thread::sleep(whole * (2 * moment + 1) / (2 * MOMENTS));
            clean.signal("KILL");
            let outcome = clean.finish();
            settle(&copy);
            let now = copy.fingerprint();
            let (partial, sealed) = (files(&archive_dir, ".partial").len(), files(&archive_dir, ".tar.zst").len());
            killed += u32::from(outcome.code == 137);
            let case = format!("moment {moment} of {whole:?}: {:?}\n{outcome}", files(&archive_dir, ""));
            if now == before {
                assert!(sealed <= 1 && files(&archive_dir, "zst").iter().all(|path| !path.ends_with("zst")), "{case}");
            } else {
                assert!(now == after && (partial, sealed) == (0, 1), "{case}");
                restore(&copy, &only_archive(&copy), &[]).exits(0);
                assert!(copy.fingerprint() == before, "{case}");
                restored += 1;
            }
        }
        assert!(killed > 2, "of {MOMENTS} processes {killed} were killed, {restored} were done");
    }
}

/// No session but the test's own is left.
fn settle(db: &TestDatabase) {
    let others = db.pick(
        "",
        "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "SELECT count(*) FROM information_schema.processlist \
         WHERE db = database() AND id <> connection_id()",
    );
    while !db.is_sqlite() && db.value(others) != "0" {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The connection breaks during COMMIT: nobody can know, the archive stays, and says by being restored
/// or refused what happened.
#[test]
fn a_commit_without_an_answer_leaves_a_pending_archive() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    company(&db, 10);
    let before = contents(&db);
    for (verdict, gone) in [(Verdict::CutBefore, false), (Verdict::CutAfter, true)] {
        let proxy = Proxy::start(&db, move |message| match message.sql.as_str() {
            "COMMIT" => verdict,
            _ => Verdict::Forward,
        });
        let outcome =
            proxy.command(&cleaning(&archive_dir(&db).to_string_lossy(), &APEX)).run().exits(7);
        settle(&db);
        let archive = only_archive(&db);
        assert!(archive.to_string_lossy().ends_with(".tar.zst.pending"), "{}", archive.display());
        let outcome = outcome.says(&[&archive.to_string_lossy(), "orgsweep verify"]);
        assert_eq!(before != contents(&db), gone, "{outcome}");
        let receipt = files(&archive_dir(&db), ".receipt.json").pop().expect("a receipt");
        let receipt = std::fs::read_to_string(receipt).expect("a receipt");
        let name = archive.file_name().unwrap_or_default().to_string_lossy();
        assert!(receipt.contains("\"unknown\"") && receipt.contains(&*name), "{receipt}");
        if gone {
            restore(&db, &archive, &[]).exits(0)
        } else {
            restore(&db, &archive, &[]).exits(3).says(&["taken"])
        };
        changes(&before, &contents(&db)).assert_none();
        std::fs::remove_dir_all(archive_dir(&db)).expect("the archive is removed");
    }
}

/// Killed when COMMIT is about to be sent, and when its answer is on the way.
#[test]
fn killed_around_commit() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    company(&db, 10);
    let before = contents(&db);
    for (verdict, gone) in [(Verdict::CutBefore, false), (Verdict::Mute, true)] {
        let (reached, commits) = mpsc::channel();
        let (killed, go_on) = mpsc::channel::<()>();
        let proxy = Proxy::start(&db, move |message| match message.sql.as_str() {
            "COMMIT" => {
                reached.send(()).expect("the test listens");
                if verdict == Verdict::CutBefore {
                    go_on.recv().expect("the process is killed");
                }
                verdict
            }
            _ => Verdict::Forward,
        });
        let clean = proxy.command(&cleaning(&archive_dir(&db).to_string_lossy(), &APEX)).start();
        commits.recv().expect("a COMMIT");
        if gone {
            // The server has it by then.
            std::thread::sleep(Duration::from_millis(200));
        }
        clean.signal("KILL");
        clean.finish().exits(137);
        killed
            .send(())
            .or_else(|error| if gone { Ok(()) } else { Err(error) })
            .expect("the proxy listens");
        settle(&db);
        let archive = only_archive(&db);
        assert!(archive.to_string_lossy().ends_with(".tar.zst.pending"), "{}", archive.display());
        assert_eq!(before != contents(&db), gone);
        restore(&db, &archive, &[]).exits(if gone { 0 } else { 3 });
        changes(&before, &contents(&db)).assert_none();
        std::fs::remove_file(archive).expect("the archive is removed");
    }
}

/// Who is tried again writes a new archive, and the old one goes.
#[test]
fn retries_leave_one_archive() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    company(&db, 10);
    db.execute(
        "CREATE SEQUENCE tries; GRANT ALL ON tries TO public;
         CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('tries') < 3 THEN RAISE 'try again' USING ERRCODE = '40001'; END IF; RETURN old; END $$;
         CREATE TRIGGER no BEFORE DELETE ON organizations FOR EACH ROW EXECUTE FUNCTION no()",
    );
    comes_back(&db, &APEX);
    assert_eq!(db.value("SELECT last_value FROM tries"), "3");
}

#[test]
fn an_interrupted_run_leaves_no_archive() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    company(&db, 10);
    let before = contents(&db);
    db.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN old; END $$;
         CREATE TRIGGER slow BEFORE DELETE ON organizations FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let archive_dir = archive_dir(&db);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let clean = db.command(&cleaning(&archive_dir.to_string_lossy(), &APEX)).start();
        let deadline = Instant::now() + Duration::from_secs(20);
        while db.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "0"
        {
            assert!(Instant::now() < deadline, "the trigger never sleeps");
            std::thread::sleep(Duration::from_millis(20));
        }
        clean.signal(signal);
        let outcome = clean.finish().exits(code);
        assert_eq!(files(&archive_dir, ".tar").len(), 0, "{outcome}");
        settle(&db);
        changes(&before, &contents(&db)).assert_none();
    }
}

/// The same for a restore: it is tried again, and refused where the rows are back.
#[test]
fn a_restore_whose_commit_has_no_answer_can_be_tried_again() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    company(&db, 10);
    let before = contents(&db);
    for (verdict, back) in [(Verdict::CutBefore, false), (Verdict::CutAfter, true)] {
        clean(&db, &APEX).exits(0);
        let archive = only_archive(&db);
        let proxy = Proxy::start(&db, move |message| match message.sql.as_str() {
            "COMMIT" => verdict,
            _ => Verdict::Forward,
        });
        let restoring = ["restore", &archive.to_string_lossy()];
        proxy
            .command(&restoring)
            .run()
            .exits(7)
            .says(&["may be back or not", "run the same command again"]);
        settle(&db);
        assert_eq!(before == contents(&db), back);
        restore(&db, &archive, &[]).exits(if back { 3 } else { 0 });
        changes(&before, &contents(&db)).assert_none();
        std::fs::remove_file(archive).expect("the archive is removed");
    }
}
