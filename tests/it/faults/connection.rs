//! The connection breaks at every statement, before or after the server has seen it.

use super::company::{CLEAN, Company, Left, each_server, proxied, wait_for_backends};
use super::proxy::{Proxy, Verdict};
use crate::support::Backend;
use orgsweep::database::Database;
use std::sync::mpsc;
use std::time::Duration;

/// Breaks the run at its `n`th statement; the statement that was hit, `None` when there were fewer.
fn break_at(company: &Company, n: u32, checks: &str, verdict: Verdict) -> Option<String> {
    let (hit, was_hit) = mpsc::channel();
    let proxy = Proxy::start(&company.db, move |message| {
        if message.number == n {
            hit.send(message.sql.clone()).expect("the test listens");
            verdict
        } else {
            Verdict::Forward
        }
    });
    let outcome = proxy.command(&[&CLEAN[..], &["--reference-checks", checks]].concat()).run();
    wait_for_backends(&company.db);
    let sql = was_hit.try_recv().ok();
    let case = format!("{verdict:?} {n} ({checks}): {sql:?}\n{outcome}");
    let committing = sql.as_deref() == Some("COMMIT");
    let (code, left) = match (&sql, committing, verdict) {
        (None, ..) => (0, Left::Nothing),
        (_, true, Verdict::CutBefore) => (7, Left::Everything),
        (_, true, _) => (7, Left::Nothing),
        _ => (1, Left::Everything),
    };
    assert_eq!((outcome.code, company.left(&case)), (code, left), "{case}");
    if committing {
        let verified = if left == Left::Nothing { 0 } else { 3 };
        company.db.orgsweep(&["verify", "--org-id", "1"]).exits(verified);
    }
    if left == Left::Nothing {
        company.refill();
    }
    sql
}

/// Nothing may be committed before the COMMIT, and MariaDB commits at many a statement without a word.
fn break_everywhere(backend: Backend, checks: &str, verdict: Verdict) {
    let Some(company) = Company::on(backend) else { return };
    let mut broken = Vec::new();
    for n in 1.. {
        match break_at(&company, n, checks, verdict) {
            Some(sql) => broken.push(sql),
            None => break,
        }
    }
    assert!(broken.len() > 40, "statements are missed: {broken:#?}");
    assert_eq!(broken.iter().filter(|sql| *sql == "COMMIT").count(), 1, "{broken:#?}");
}

each_server! {
    fn cut_before_every_statement_with_set_based_checks(backend: Backend) {
        break_everywhere(backend, "set", Verdict::CutBefore);
    }

    fn cut_before_every_statement_with_the_engine_s_checks(backend: Backend) {
        break_everywhere(backend, "engine", Verdict::CutBefore);
    }

    fn cut_after_every_statement_with_set_based_checks(backend: Backend) {
        break_everywhere(backend, "set", Verdict::CutAfter);
    }

    fn cut_after_every_statement_with_the_engine_s_checks(backend: Backend) {
        break_everywhere(backend, "engine", Verdict::CutAfter);
    }

    /// The answer to COMMIT never comes and the person gives up: nobody may say "rolled back".
    fn a_signal_during_commit_leaves_the_outcome_unknown(backend: Backend) {
        let Some(company) = Company::on(backend) else { return };
        let (reached, commits) = mpsc::channel();
        let proxy = Proxy::start(&company.db, move |message| match message.sql.as_str() {
            "COMMIT" => {
                reached.send(()).expect("the test listens");
                Verdict::Mute
            }
            _ => Verdict::Forward,
        });
        let clean = proxy.command(&CLEAN).start();
        commits.recv().expect("a COMMIT");
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(100));
            clean.signal("INT");
        }
        let outcome = clean.finish().exits(7);
        let outcome =
            outcome.says(&["may be gone or not", "orgsweep verify --org-id 1 --database-url "]);
        wait_for_backends(&company.db);
        assert_eq!(company.left(""), Left::Nothing, "{outcome}");
    }

    /// Nobody knows of the first whether it is gone, so that the second is not begun.
    fn an_unknown_outcome_ends_a_series(backend: Backend) {
        let Some(company) = Company::on(backend) else { return };
        for (verdict, left) in [(Verdict::CutBefore, 2), (Verdict::CutAfter, 1)] {
            let proxy = Proxy::start(&company.db, move |message| match message.sql.as_str() {
                "COMMIT" => verdict,
                _ => Verdict::Forward,
            });
            let series = [&CLEAN[..], &["--org-name", "Global", "--per-org"]].concat();
            let outcome = proxy.command(&series).run().exits(7);
            wait_for_backends(&company.db);
            let json = outcome.json();
            let fared = |n: usize| json["per_organization"][n]["outcome"].clone();
            assert_eq!((fared(0), fared(1)), ("unknown".into(), "not_tried".into()), "{outcome}");
            let next = json["next"].as_str().unwrap_or_default();
            assert!(next.starts_with("orgsweep verify --org-id 1 --database-url "), "{outcome}");
            assert_eq!(company.db.count("organizations"), left, "{outcome}");
            company.db.orgsweep(&["verify", "--org-id", "1"]).exits(if left == 1 { 0 } else { 3 });
        }
    }

    /// An administrator ends the session, as a failover does.
    fn terminated_before_every_statement(backend: Backend) {
        let Some(company) = Company::on(backend) else { return };
        for n in 1.. {
            let mut session = company.db.connect();
            let (hit, was_hit) = mpsc::channel();
            let proxy = Proxy::start(&company.db, move |message| {
                if message.number == n {
                    hit.send(message.sql.clone()).expect("the test listens");
                    terminate(&mut session, backend);
                }
                Verdict::Forward
            });
            let outcome = proxy.command(&CLEAN).run();
            wait_for_backends(&company.db);
            let Ok(sql) = was_hit.try_recv() else {
                assert_eq!((outcome.code, n > 30), (0, true), "{outcome}");
                break;
            };
            let case = format!("{n}: {sql}\n{outcome}");
            assert_eq!(outcome.code, if sql == "COMMIT" { 7 } else { 1 }, "{case}");
            assert_eq!(company.left(&case), Left::Everything, "{case}");
        }
    }
}

/// Ends the proxied sessions, and waits until they are gone.
fn terminate(session: &mut Database, backend: Backend) {
    let proxied = proxied(backend);
    if backend == Backend::Postgres {
        let end = format!("SELECT pg_terminate_backend(pid, 5000)::text {proxied}");
        session.query(&end.into()).expect("the session is ended");
        return;
    }
    let sessions = format!("SELECT CAST(id AS CHAR) {proxied}");
    loop {
        let numbers = session.query(&sessions.clone().into()).expect("sessions");
        for number in &numbers {
            // It may have ended by itself.
            let _ = session.run(&format!("KILL {}", number.text(0)));
        }
        if numbers.is_empty() {
            return;
        }
    }
}
