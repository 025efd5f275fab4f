//! All of a clean but COMMIT: what it would meet, and what it keeps others from meanwhile.

use super::{Failure, Run};
use crate::database::Fault;
use crate::findings::{Locks, Rehearsal};
use std::time::Instant;

/// Right before ROLLBACK, where COMMIT would come: the proofs are done, and with them the deferred constraints.
pub fn look(run: &mut Run, began: Instant) -> Result<Rehearsal, Failure> {
    let until_commit = began.elapsed();
    run.names_ours()?;
    Ok(Rehearsal { until_commit, locks: locks(run)? })
}

fn locks(run: &mut Run) -> Result<Result<Vec<Locks>, String>, Failure> {
    let Some(question) = run.sql.dialect.locks_held() else {
        return Ok(Ok(whole_database(run)));
    };
    let rows = match run.query(&question.into()) {
        Err(Failure::Database(error)) if error.fault == Fault::Permission => {
            return Ok(Err(error.message));
        }
        rows => rows?,
    };
    let mut locks: Vec<Locks> = Vec::new();
    for row in &rows {
        let (kind, on) = (row.text(0), row.text(1).to_owned());
        match locks.last_mut().filter(|last| last.kind == kind) {
            Some(last) => last.on.push(on),
            None => locks.push(Locks { kind: kind.to_owned(), on: vec![on] }),
        }
    }
    Ok(Ok(locks))
}

fn whole_database(run: &Run) -> Vec<Locks> {
    let all = Locks { kind: "against other writers".into(), on: vec!["the whole database".into()] };
    if run.sql.dialect.excludes_writers() { vec![all] } else { Vec::new() }
}
