//! SIGINT, SIGTERM and the deadline come while the server is busy with one statement that takes a minute:
//! it is cancelled at once, and everything is as before.

use super::company::{Company, Left, each_server};
use super::stall::*;
use crate::support::*;
use std::time::{Duration, Instant};

/// "Within about a second", on a machine that has other work; a process that cannot cancel gives up after
/// five.
const AT_ONCE: Duration = Duration::from_secs(3);

const SIGNALS: [(&str, i32); 2] = [("INT", 130), ("TERM", 143)];

/// Starts the run, signals when it is stalled; it ends at once, and nothing has happened.
fn signalled(company: &Company, arguments: &[String], (signal, code): (&str, i32), case: &str) {
    let db = &company.db;
    let run = db.command(&texts(arguments)).start();
    wait_for_stall(db);
    let start = Instant::now();
    run.signal(signal);
    let outcome = run.finish();
    let took = start.elapsed();
    assert_eq!(outcome.code, code, "{case}\n{outcome}");
    assert!(took < AT_ONCE, "{case}: {took:?}\n{outcome}");
    assert!(is_released(db), "{case}: the server goes on\n{outcome}");
    assert_eq!(company.left(case), Left::Everything, "{case}");
    assert!(archives(db).is_empty(), "{case}: {:?}", archives(db));
    outcome.says(&["interrupted; everything was rolled back"]);
}

each_server! {
    fn a_signal_cancels_the_statement_of_a_clean_in_every_phase(backend: Backend) {
        let Some(company) = Company::on(backend) else { return };
        for phase in phases(backend) {
            phase.stall(&company.db);
            let clean = cleaning(&company.db, &phase.flags(&company));
            for signal in SIGNALS {
                signalled(&company, &clean, signal, &format!("{phase:?} {signal:?}"));
            }
            phase.release(&company.db);
            goes(&company, &format!("{phase:?}"));
            company.refill();
            std::fs::remove_dir_all(archive_dir(&company.db)).expect("the archives");
        }
    }

    fn a_signal_cancels_the_statement_of_a_preview(backend: Backend) {
        let Some(company) = Company::on(backend) else { return };
        for phase in phases(backend) {
            if !matches!(phase, Phase::Finding | Phase::Judging) {
                continue;
            }
            phase.stall(&company.db);
            let preview = ["preview", "--org-id", "1", "--force"].map(str::to_owned).to_vec();
            let preview = [preview, phase.flags(&company)].concat();
            for signal in SIGNALS {
                signalled(&company, &preview, signal, &format!("{phase:?} {signal:?}"));
            }
            phase.release(&company.db);
        }
    }

    /// Nothing of the archive is written back.
    fn a_signal_cancels_the_statement_of_a_restore(backend: Backend) {
        let Some(company) = Company::on(backend) else { return };
        let db = &company.db;
        goes(&company, "at first");
        let postgres = "CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS \
                        $$BEGIN PERFORM pg_sleep(60); RETURN NEW; END$$; \
                        CREATE TRIGGER stall BEFORE INSERT ON deals FOR EACH ROW EXECUTE FUNCTION stall()";
        let mysql = "CREATE TRIGGER stall BEFORE INSERT ON deals FOR EACH ROW DO SLEEP(60)";
        db.execute(db.pick("", postgres, mysql));
        let archive = archive_dir(db).join(&archives(db)[0]).display().to_string();
        for (signal, code) in SIGNALS {
            let run = db.command(&["restore", &archive, "--fire-triggers"]).start();
            wait_for_stall(db);
            let start = Instant::now();
            run.signal(signal);
            let outcome = run.finish().exits(code);
            assert!(start.elapsed() < AT_ONCE, "{:?}\n{outcome}", start.elapsed());
            assert!(is_released(db), "the server goes on\n{outcome}");
            assert_eq!(company.left(signal), Left::Nothing, "{outcome}");
        }
        Phase::Deleting.release(db);
        db.orgsweep(&["restore", &archive]).exits(0);
        assert_eq!(company.left("restored"), Left::Everything);
    }

    fn the_deadline_cancels_the_statement_in_every_phase(backend: Backend) {
        let Some(company) = Company::on(backend) else { return };
        for phase in phases(backend) {
            phase.stall(&company.db);
            let deadline = ["--deadline", "1500ms"].map(str::to_owned).to_vec();
            let flags = [phase.flags(&company), deadline];
            let clean = cleaning(&company.db, &flags.concat());
            let start = Instant::now();
            let outcome = company.db.orgsweep(&texts(&clean)).exits(5);
            let took = start.elapsed();
            assert!(took < Duration::from_millis(1500) + AT_ONCE, "{phase:?}: {took:?}\n{outcome}");
            assert!(is_released(&company.db), "{phase:?}: the server goes on\n{outcome}");
            assert_eq!(company.left(&format!("{phase:?}")), Left::Everything, "{outcome}");
            assert!(archives(&company.db).is_empty(), "{phase:?}: {:?}", archives(&company.db));
            outcome.says(&["--deadline"]);
            phase.release(&company.db);
        }
    }

    /// It reads, and waits behind a change of the schema.
    fn a_signal_cancels_the_statement_of_a_verify(backend: Backend) {
        let Some(company) = Company::on(backend) else { return };
        let db = &company.db;
        let mut change = db.connect();
        let postgres = "BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE";
        change.run(db.pick("", postgres, "LOCK TABLE users WRITE")).expect("a lock");
        let waiting = db.pick(
            "",
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
             AND datname = current_database()",
            "SELECT count(*) FROM information_schema.processlist \
             WHERE state LIKE 'Waiting for table metadata lock%' AND db = database()",
        );
        for (signal, code) in SIGNALS {
            let run = db.command(&["verify", "--org-id", "1"]).start();
            while db.value(waiting) == "0" {
                std::thread::sleep(Duration::from_millis(10));
            }
            let start = Instant::now();
            run.signal(signal);
            let outcome = run.finish().exits(code).says(&["interrupted"]);
            assert!(start.elapsed() < AT_ONCE, "{:?}\n{outcome}", start.elapsed());
            assert_eq!(db.value(waiting), "0", "the server goes on\n{outcome}");
        }
    }
}

/// SQLite cannot be cancelled while it waits for a lock: the process ends without its run, and says so.
#[test]
fn a_signal_while_sqlite_waits_ends_the_process_which_says_why() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    let company = Company::fresh(db);
    let mut session = company.db.connect();
    session.run("BEGIN IMMEDIATE").expect("a lock");
    let clean = ["clean", "--org-id", "1", "--force", "--yes", "--lock-timeout", "60s"];
    let starts = [(&[][..], "INT", 130), (&["--format", "json"], "TERM", 143)];
    let runs = starts.map(|(flags, signal, code)| {
        let run = company.db.command(&[&clean[..], flags].concat()).start();
        std::thread::sleep(Duration::from_millis(500));
        run.signal(signal);
        (run, flags, code)
    });
    for (run, flags, code) in runs {
        let outcome = run.finish().exits(code);
        if flags.is_empty() {
            assert!(outcome.stderr.contains("error: interrupted"), "{outcome}")
        } else {
            assert_eq!(outcome.json()["exit"], code, "{outcome}")
        }
    }
    session.run("ROLLBACK").expect("the lock is released");
    assert_eq!(company.left("after signals"), Left::Everything);
}
