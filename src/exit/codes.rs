//! What machines are told beside an exit code: which of the errors it is. Stable, as the codes of refusals are
//! (`RefusalKind::code`).

use super::Exit;
use crate::database::Fault;
use crate::execute::Failure;

/// Of an error of which nobody knows more.
pub fn of_exit(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "done",
        Exit::Failed => "failed",
        Exit::Usage => "usage",
        Exit::Refused => "refused",
        Exit::NotConfirmed => "not_confirmed",
        Exit::Busy => "deadline",
        Exit::Unproven => "unproven",
        Exit::Unknown => "outcome_unknown",
        Exit::Partly => "partly_done",
        Exit::Something => "something_to_delete",
        Exit::Bug => "bug",
        Exit::Interrupted(_) => "interrupted",
    }
}

/// `None`: as its exit code says.
pub fn of_failure(failure: &Failure) -> Option<&'static str> {
    Some(match failure {
        Failure::Trigger { .. } => "trigger",
        Failure::Overruled { .. } => "overruled",
        Failure::Unlinkable(_) => "unlinkable",
        Failure::BadKey(_) => "bad_key",
        Failure::SeveralKeys { .. } => "several_keys",
        Failure::SchemaMoved => "schema_moved",
        Failure::CountsMoved(_) => "counts_moved",
        Failure::Disturbed(_) => "disturbed",
        Failure::Archive(_) => "archive",
        Failure::Database(error) => of_fault(error.fault),
        Failure::Unproven(_)
        | Failure::Unweighed
        | Failure::OutcomeUnknown { .. }
        | Failure::Interrupted => return None,
    })
}

pub fn of_fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Connect => "connect",
        Fault::Lost => "connection_lost",
        Fault::Busy => "lock_timeout",
        Fault::Retryable => "conflict",
        Fault::Cancelled => "cancelled",
        Fault::TimeLimit => "time_limit",
        Fault::Constraint => "constraint",
        Fault::TooLong => "too_long",
        Fault::TooDeep => "too_deep",
        Fault::Mismatch => "mismatch",
        Fault::Standby => "standby",
        Fault::ReadOnly => "read_only",
        Fault::Permission => "privilege",
        Fault::RowSecurity => "row_security",
        Fault::Value => "value",
        Fault::Other => "database",
    }
}
