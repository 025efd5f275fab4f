//! How a series ends, told from how each organization fared.

use crate::database::{self, Fault};
use crate::execute::Failure;
use crate::exit::Exit;
use crate::render::summary::Unit;

/// Why nothing can be done after this error.
pub fn stops_series(error: &anyhow::Error, unit: &Unit) -> Option<String> {
    match error.downcast_ref() {
        Some(Failure::Interrupted) => return Some("interrupted before its turn".into()),
        Some(Failure::OutcomeUnknown { .. }) => {
            return Some(format!("the outcome of {} is unknown", unit.title()));
        }
        _ => {}
    }
    let cause = match error.downcast_ref() {
        Some(Failure::Database(error)) => Some(error),
        _ => error.downcast_ref::<database::Error>(),
    };
    let gone = |error: &&database::Error| matches!(error.fault, Fault::Lost | Fault::Connect);
    cause.filter(gone).map(|_| "the connection was lost".into())
}

/// All done; nothing done, with the worst reason; or something between.
pub fn combined(units: &[Unit], unmatched: bool, stopped: Option<Exit>) -> Exit {
    let unmatched = unmatched.then_some(Exit::Refused);
    let left = units.iter().any(|unit| unit.exit.is_none());
    let interrupted = stopped.filter(|_| left);
    let failures = units.iter().filter_map(|unit| unit.exit).filter(|exit| *exit != Exit::Done);
    match failures.chain(interrupted).chain(unmatched).max_by_key(|exit| severity(*exit)) {
        None => Exit::Done,
        Some(Exit::Unknown) => Exit::Unknown,
        Some(_) if units.iter().any(Unit::is_cleaned) => Exit::Partly,
        Some(worst) => worst,
    }
}

/// Which of several failures the exit code tells of, where none was done.
fn severity(exit: Exit) -> u8 {
    match exit {
        Exit::Done | Exit::Something => 0,
        Exit::NotConfirmed | Exit::Refused => 1,
        Exit::Busy => 2,
        Exit::Usage | Exit::Failed => 3,
        Exit::Unproven => 4,
        Exit::Interrupted(_) => 5,
        Exit::Partly | Exit::Bug => 6,
        Exit::Unknown => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exits: &[Option<Exit>]) -> Vec<Unit> {
        let mut units = vec![Unit::default(); exits.len()];
        units.iter_mut().zip(exits).for_each(|(unit, exit)| unit.exit = *exit);
        units
    }

    /// Where none was committed.
    #[track_caller]
    fn check(exits: &[Option<Exit>], stopped: Option<Exit>, expected: Exit) {
        assert_eq!(combined(&ended(exits), false, stopped), expected);
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst() {
        let (done, refused) = (Some(Exit::Done), Some(Exit::Refused));
        check(&[], None, Exit::Done);
        check(&[done, refused], None, Exit::Refused);
        check(&[refused, Some(Exit::Busy)], None, Exit::Busy);
        check(&[Some(Exit::Failed), Some(Exit::Busy), refused], None, Exit::Failed);
        check(&[Some(Exit::Unproven), Some(Exit::Failed)], None, Exit::Unproven);
        check(&[refused, Some(Exit::Unknown), None], None, Exit::Unknown);
    }

    #[test]
    fn a_signal_counts_where_it_kept_one_from_its_turn() {
        let done = Some(Exit::Done);
        check(&[done, None], Some(Exit::Interrupted(15)), Exit::Interrupted(15));
        check(&[done, done], Some(Exit::Interrupted(15)), Exit::Done);
        assert_eq!(combined(&[], true, None), Exit::Refused);
    }
}
