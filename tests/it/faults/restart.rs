//! The server is stopped and started again in the midst of a run, in order and as in a crash: either
//! everything of the organization is there or nothing, the exit code does not say more than is known, the
//! archive agrees, and the next run succeeds.

use super::company::{Company, Left, each_server};
use super::proxy::{Proxy, Verdict};
use super::server::{Server, Shutdown};
use super::stall::*;
use crate::support::*;
use orgsweep::database::Database;
use std::sync::mpsc;

const SHUTDOWNS: [Shutdown; 2] = [Shutdown::Fast, Shutdown::Immediate];

/// What is known after a run that lost its server: the code, the rows, the archive, and what `verify` and
/// `restore` make of them. Everything is there again afterwards.
fn agrees(company: &Company, outcome: &Outcome, expected: (i32, Left), case: &str) {
    let db = &company.db;
    // Its own connection went with the server.
    db.close();
    let case = format!("{case}\n{outcome}");
    assert_eq!((outcome.code, company.left(&case)), expected, "{case}");
    let kept = archives(db);
    if outcome.code != 7 {
        assert!(kept.is_empty(), "rolled back, and left {kept:?}: {case}");
    } else {
        let [pending] = &kept[..] else { panic!("{kept:?}: {case}") };
        assert!(pending.ends_with(".tar.zst.pending"), "{pending}: {case}");
        // It is named, and so is the command that tells.
        assert!(outcome.text().contains(pending), "{case}");
        assert!(outcome.text().contains("verify --org-id"), "{case}");
        answered(company, pending, expected.1, &case);
    }
    assert_eq!(company.left(&case), Left::Everything, "{case}");
    goes(company, &case);
    company.refill();
    std::fs::remove_dir_all(archive_dir(db)).expect("the archives");
}

/// After exit 7: `verify` tells what happened, and `restore` puts back what went, or is refused.
fn answered(company: &Company, pending: &str, left: Left, case: &str) {
    let db = &company.db;
    let pending = archive_dir(db).join(pending).display().to_string();
    db.orgsweep(&["archives", "show", &pending]).exits(0);
    let (verify, restore) = (["verify", "--org-id", "1"], ["restore", &pending]);
    match left {
        Left::Nothing => {
            db.orgsweep(&verify).exits(0).says(&["nothing is left"]);
            db.orgsweep(&restore).exits(0);
        }
        Left::Everything => {
            db.orgsweep(&verify).exits(3).says(&["still there: Apex"]);
            db.orgsweep(&restore).exits(3).says(&["nothing was written"]);
        }
    }
    assert_eq!(company.left(case), Left::Everything, "{case}");
    std::fs::remove_file(pending).expect("the archive");
}

/// The company's database goes before its server.
fn company(backend: Backend) -> Option<(Server, Company)> {
    let server = Server::start(backend)?;
    let company = Company::fresh(server.database());
    Some((server, company))
}

each_server! {
    fn during_a_statement_of_every_phase(backend: Backend) {
        let Some((server, company)) = company(backend) else { return };
        for phase in phases(backend) {
            for how in SHUTDOWNS {
                let clean = cleaning(&company.db, &phase.flags(&company));
                phase.stall(&company.db);
                let run = company.db.command(&texts(&clean));
                let run = run.start();
                wait_for_stall(&company.db);
                server.control().restart(how);
                let outcome = run.finish();
                company.db.close();
                phase.release(&company.db);
                let case = format!("{how:?} while {phase:?}");
                agrees(&company, &outcome, (1, Left::Everything), &case);
            }
        }
    }

    fn during_commit(backend: Backend) {
        let Some((server, company)) = company(backend) else { return };
        // MariaDB's orderly stop may end the backup first: COMMIT then goes on.
        let shutdowns = match backend {
            Backend::Postgres => &SHUTDOWNS[..],
            _ => &[Shutdown::Immediate],
        };
        for &how in shutdowns {
            for checks in ["engine", "set"] {
                let clean = cleaning(&company.db, &["--reference-checks", checks].map(str::to_owned));
                let (holder, left) = hold_commits(&company.db);
                let run = company.db.command(&texts(&clean)).start();
                wait_for_commit(&company.db);
                server.control().restart(how);
                let outcome = run.finish();
                drop(holder);
                release_commits(&company.db);
                agrees(&company, &outcome, (7, left), &format!("{how:?} ({checks})"));
            }
        }
    }

    fn in_the_gaps_with_set_based_checks(backend: Backend) {
        in_the_gap_before_a_statement(backend, "set");
    }

    fn in_the_gaps_with_the_engine_s_checks(backend: Backend) {
        in_the_gap_before_a_statement(backend, "engine");
    }
}

/// From now on a COMMIT waits, and what is left of the data if the server goes meanwhile. PostgreSQL's is on
/// disk and waits for a standby: nobody has been told that it is done. MariaDB's waits for the end of a
/// backup, with nothing on disk.
fn hold_commits(db: &TestDatabase) -> (Option<Database>, Left) {
    if db.backend == Backend::Postgres {
        db.execute(&format!("ALTER DATABASE {} SET synchronous_commit = on", db.name()));
        return (None, Left::Nothing);
    }
    let mut backup = db.connect();
    backup.run("BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT").expect("a backup");
    (Some(backup), Left::Everything)
}

fn wait_for_commit(db: &TestDatabase) {
    let postgres = "SELECT count(*) FROM pg_stat_activity \
                    WHERE datname = current_database() AND wait_event = 'SyncRep'";
    let mysql = "SELECT count(*) FROM information_schema.processlist \
                 WHERE db = database() AND info = 'COMMIT' AND state = 'Waiting for backup lock'";
    wait_until_some(db, db.pick("", postgres, mysql));
}

/// Of a server that has started again, which knows of no backup.
fn release_commits(db: &TestDatabase) {
    db.close();
    if db.backend == Backend::Postgres {
        // This session, too, would wait.
        db.execute(&format!(
            "SET synchronous_commit = local; ALTER DATABASE {} RESET synchronous_commit",
            db.name()
        ));
        db.close();
    }
}

/// Restarts before the first statement that `is_it`: the run's outcome, and the statement.
fn restart_before(
    server: &Server,
    company: &Company,
    checks: &str,
    how: Shutdown,
    mut is_it: impl FnMut(u32, &str) -> bool + Send + 'static,
) -> (Outcome, Option<String>) {
    let (hit, was_hit) = mpsc::channel();
    let (control, mut done) = (server.control(), false);
    let proxy = Proxy::start(&company.db, move |message| {
        if !done && is_it(message.number, &message.sql) {
            done = true;
            hit.send(message.sql.clone()).expect("the test listens");
            control.restart(how);
            // The run has ended by now, but not the test.
            hit.send(String::new()).expect("the test listens");
        }
        Verdict::Forward
    });
    let flags = ["--reference-checks", checks].map(str::to_owned);
    let clean = cleaning(&company.db, &flags);
    let outcome = proxy.command(&texts(&clean)).run();
    let sql = was_hit.try_recv().ok();
    if sql.is_some() {
        was_hit.recv().expect("a server");
    }
    (outcome, sql)
}

/// One in so many statements.
const STRIDE: u32 = 5;

fn in_the_gap_before_a_statement(backend: Backend, checks: &str) {
    let Some((server, company)) = company(backend) else { return };
    for gap in (1..).step_by(STRIDE as usize) {
        let how = SHUTDOWNS[(gap / STRIDE % 2) as usize];
        let (outcome, sql) =
            restart_before(&server, &company, checks, how, move |number, _| number == gap);
        let Some(sql) = sql else {
            assert!(gap > 30, "statements are missed\n{outcome}");
            assert_eq!((outcome.code, company.left("undisturbed")), (0, Left::Nothing));
            company.refill();
            std::fs::remove_dir_all(archive_dir(&company.db)).expect("the archives");
            break;
        };
        let code = if sql == "COMMIT" { 7 } else { 1 };
        let case = format!("{how:?}, gap {gap} ({checks}): {sql}");
        agrees(&company, &outcome, (code, Left::Everything), &case);
    }
    for how in SHUTDOWNS {
        let (outcome, sql) =
            restart_before(&server, &company, checks, how, |_, sql| sql == "COMMIT");
        assert_eq!(sql.as_deref(), Some("COMMIT"), "{outcome}");
        let case = format!("{how:?}, before COMMIT ({checks})");
        agrees(&company, &outcome, (7, Left::Everything), &case);
    }
}
