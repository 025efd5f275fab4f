//! The server is stopped and started again in the midst of a run, in order and as in a crash: either
//! everything of the organization is there or nothing, the exit code does not say more than is known, the
//! archive agrees, and the next run succeeds.

use super::company::{Company, Left};
use super::proxy::{Proxy, Verdict};
use super::server::{Server, Shutdown};
use super::stall::*;
use super::support::*;
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
    std::fs::remove_dir_all(shelf(db)).expect("the archives");
}

/// After exit 7: `verify` tells what happened, and `restore` puts back what went, or is refused.
fn answered(company: &Company, pending: &str, left: Left, case: &str) {
    let db = &company.db;
    let pending = shelf(db).join(pending).display().to_string();
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
fn company() -> Option<(Server, Company)> {
    let server = Server::start()?;
    let company = Company::fresh(TestDatabase::on(&server.url()));
    Some((server, company))
}

#[test]
fn during_a_statement_of_every_phase() {
    let Some((server, company)) = company() else { return };
    for phase in PHASES {
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

/// COMMIT is on disk and waits for a standby: nobody has been told that it is done.
#[test]
fn during_commit() {
    let Some((server, company)) = company() else { return };
    let db = &company.db;
    for how in SHUTDOWNS {
        for checks in ["engine", "set"] {
            let name = db.name();
            db.execute(&format!("ALTER DATABASE {name} SET synchronous_commit = on"));
            let flags = ["--reference-checks", checks].map(str::to_owned);
            let clean = cleaning(db, &flags);
            let run = db.command(&texts(&clean)).start();
            wait_for(db, "SyncRep");
            server.control().restart(how);
            let outcome = run.finish();
            db.close();
            // This session, too, would wait.
            db.execute(&format!(
                "SET synchronous_commit = local; ALTER DATABASE {name} RESET synchronous_commit"
            ));
            db.close();
            agrees(&company, &outcome, (7, Left::Nothing), &format!("{how:?} ({checks})"));
        }
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

fn in_the_gap_before_a_statement(checks: &str) {
    let Some((server, company)) = company() else { return };
    for gap in (1..).step_by(STRIDE as usize) {
        let how = SHUTDOWNS[(gap / STRIDE % 2) as usize];
        let (outcome, sql) =
            restart_before(&server, &company, checks, how, move |number, _| number == gap);
        let Some(sql) = sql else {
            assert!(gap > 30, "statements are missed\n{outcome}");
            assert_eq!((outcome.code, company.left("undisturbed")), (0, Left::Nothing));
            company.refill();
            std::fs::remove_dir_all(shelf(&company.db)).expect("the archives");
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

#[test]
fn in_the_gaps_with_set_based_checks() {
    in_the_gap_before_a_statement("set");
}

#[test]
fn in_the_gaps_with_the_engine_s_checks() {
    in_the_gap_before_a_statement("engine");
}
