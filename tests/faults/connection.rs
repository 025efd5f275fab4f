//! The connection breaks at every statement, before or after the server has seen it.

use super::company::{CLEAN, Company, Left, wait_for_backends};
use super::proxy::{Proxy, Verdict};
use super::support::*;
use std::sync::mpsc;

/// Breaks the run at its `n`th statement; the statement that was hit, `None` when there were fewer.
fn break_at(company: &Company, n: u32, checks: &str, verdict: Verdict) -> Option<String> {
    let (hit, was_hit) = mpsc::channel();
    let proxy = Proxy::start(&company.db, move |message| match message.number == n {
        true => {
            hit.send(message.sql.clone()).expect("the test listens");
            verdict
        }
        false => Verdict::Forward,
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

fn break_everywhere(checks: &str, verdict: Verdict) {
    let Some(company) = Company::on_postgres() else { return };
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

#[test]
fn cut_before_every_statement_with_set_based_checks() {
    break_everywhere("set", Verdict::CutBefore);
}

#[test]
fn cut_before_every_statement_with_the_engine_s_checks() {
    break_everywhere("engine", Verdict::CutBefore);
}

#[test]
fn cut_after_every_statement_with_set_based_checks() {
    break_everywhere("set", Verdict::CutAfter);
}

#[test]
fn cut_after_every_statement_with_the_engine_s_checks() {
    break_everywhere("engine", Verdict::CutAfter);
}
