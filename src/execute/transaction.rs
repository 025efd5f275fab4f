//! A transaction from BEGIN to COMMIT, and the archive beside it; run again when others got in its way.

use super::{Failure, Job, Kept, Observer, Outcome, Progress, Run, archiving, ledger, rehearsal};
use crate::archive::Sealed;
use crate::database::{Database, Fault, Purpose};
use crate::interrupt;
use std::time::{Duration, Instant};

/// How often a transaction is run at most.
const ATTEMPTS: u32 = 5;

/// Runs a transaction again when others got in its way: a deadlock, a serialization failure, rows that
/// came in. Each time it waits twice as long, more or less, so that two runs do not meet again. And at once
/// where the proof wants to know how it was before.
pub fn retried<T>(
    job: &Job,
    observe: Observer,
    once: &mut dyn FnMut(&Job, Observer) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut attempt = 1;
    loop {
        let ended = match once(job, observe) {
            Err(Failure::Unweighed) => once(&Job { weigh: true, ..*job }, observe),
            ended => ended,
        };
        match ended {
            Err(failure) if failure.is_retryable() && attempt < ATTEMPTS => {
                observe(Progress::Retrying { attempt });
                let wait = Duration::from_millis(50) * 2_u32.pow(attempt);
                std::thread::sleep(wait.mul_f64(0.5 + fastrand::f64()));
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Runs `work` in one transaction, which is committed only where rows were deleted, and not rehearsed.
pub fn transaction(
    database: &mut Database,
    job: &Job,
    observe: Observer,
    work: impl FnOnce(&mut Run) -> Result<Option<Outcome>, Failure>,
) -> Result<Option<Outcome>, Failure> {
    interrupt::committing(false);
    database.set_busy_timeout(interrupt::at_most(job.lock_timeout))?;
    database.begin(Purpose::Write)?;
    let mut run = Run::new(database, job, observe, true);
    let began = Instant::now();
    let outcome = run
        .prepare()
        .and_then(|()| run.hold_schema(run.job.plan.tables.iter().copied()))
        .and_then(|()| {
            ledger::open(&mut run)?;
            work(&mut run)
        });
    let outcome = outcome.and_then(|outcome| match outcome {
        Some(Outcome::Cleaned { findings, durations, .. }) if job.rehearse => {
            discard(archiving::seal(&mut run)?);
            let rehearsal = rehearsal::look(&mut run, began)?;
            (run.observe)(Progress::RollingBack);
            Ok((Some(Outcome::Rehearsed { findings, durations, rehearsal }), None))
        }
        Some(Outcome::Cleaned { .. }) => Ok((outcome, archiving::seal(&mut run)?)),
        outcome => Ok((outcome, None)),
    });
    interrupt::cancel_by(None);
    match outcome {
        Ok((Some(Outcome::Cleaned { findings, durations, .. }), sealed)) => {
            (run.observe)(Progress::Committing);
            let archive = commit(run.database, sealed)?;
            Ok(Some(Outcome::Cleaned { findings, durations, archive }))
        }
        outcome => {
            database.rollback();
            outcome.map(|(outcome, _)| outcome)
        }
    }
}

/// The archive is named for good once the deletion is; where the deletion did not happen it goes.
pub fn commit(
    database: &mut Database,
    sealed: Option<Sealed>,
) -> Result<Option<Box<Kept>>, Failure> {
    if interrupt::requested() {
        database.rollback();
        discard(sealed);
        return Err(Failure::Interrupted);
    }
    interrupt::committing(true);
    let committed = database.commit().map_err(|error| match error.fault {
        Fault::Lost => {
            let archive = sealed.as_ref().map(|sealed| sealed.pending().to_owned());
            Failure::OutcomeUnknown { error, archive }
        }
        _ => Failure::Database(error),
    });
    interrupt::committing(!matches!(committed, Err(Failure::Database(_))));
    match committed {
        Ok(()) => {
            Ok(sealed
                .map(|sealed| Box::new(Kept { path: sealed.keep(), manifest: sealed.manifest })))
        }
        Err(failure) => {
            if matches!(failure, Failure::Database(_)) {
                discard(sealed);
            }
            Err(failure)
        }
    }
}

fn discard(sealed: Option<Sealed>) {
    if let Some(sealed) = sealed {
        sealed.discard();
    }
}
