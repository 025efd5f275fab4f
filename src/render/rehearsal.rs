//! What a rehearsal has learnt, in words and for machines.

use super::lines::duration;
use super::{Report, unproven};
use crate::findings::{Locks, Proof, Rehearsal};
use serde::Serialize;
use std::time::Duration;

/// Kinds of locks name so many tables each.
const SHOWN: usize = 8;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RehearsalView<'a> {
    /// From the first lock to where COMMIT would have come.
    milliseconds_until_commit: f64,
    /// Of checking deferred constraints; `None` where nothing is deferred.
    deferred_milliseconds: Option<f64>,
    /// `None`: not known.
    locks: Option<&'a [Locks]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locks_unknown: Option<&'a str>,
}

impl<'a> RehearsalView<'a> {
    pub fn of(rehearsal: &'a Rehearsal, proof: &Proof) -> RehearsalView<'a> {
        let milliseconds = |took: Duration| took.as_secs_f64() * 1000.0;
        RehearsalView {
            milliseconds_until_commit: milliseconds(rehearsal.until_commit),
            deferred_milliseconds: proof.settled.map(milliseconds),
            locks: rehearsal.locks.as_deref().ok(),
            locks_unknown: rehearsal.locks.as_ref().err().map(String::as_str),
        }
    }
}

/// Sentences, each on a line of its own.
pub fn lines(report: &Report, rehearsal: &Rehearsal) -> Vec<String> {
    let proof = &report.findings.proof;
    let ledger = match &unproven(proof)[..] {
        [] => "proven as before COMMIT: nothing dangles, and by the engine's own count nothing else was written".into(),
        unproven => format!("proven as before COMMIT, except {}", unproven.join("; ")),
    };
    let commit = match proof.settled {
        Some(took) => format!(
            "COMMIT would have met nothing: deferred constraints and triggers were checked in {}",
            duration(took)
        ),
        None => "COMMIT would have met nothing: this engine defers nothing to it".to_owned(),
    };
    let held = duration(rehearsal.until_commit);
    let mut lines = vec![ledger, commit];
    match &rehearsal.locks {
        Ok(locks) => {
            lines.push(format!("locks, held for {held} until COMMIT would have come:"));
            lines.extend(locks.iter().map(kind));
        }
        Err(why) => lines.push(format!("locks were held for {held}; which is not known: {why}")),
    }
    lines
}

fn kind(locks: &Locks) -> String {
    let shown = &locks.on[..locks.on.len().min(SHOWN)];
    let more = match locks.on.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("  {}: {}{more}", locks.kind, shown.join(", "))
}
