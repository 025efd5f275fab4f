//! Who proves that nothing dangles: the engine row by row, or checks in sets.

use crate::catalog::{Catalog, Event};
use crate::database::ReplicaRole;
use crate::engine::Dialect;
use crate::plan::{Checks, Plan};

/// Which proof to use where nobody chose, why, and whether set-based checks could be used at all.
pub struct AutomaticChecks {
    pub checks: Checks,
    pub reason: String,
    pub set_is_possible: bool,
}

/// The engine's checks are left out only where nothing else would be left out with them, and where no
/// reference compares values of two kinds, of which the engine itself knows best.
pub fn choose_checks(
    catalog: &Catalog,
    plan: &Plan,
    dialect: Dialect,
    replica_role: &ReplicaRole,
) -> AutomaticChecks {
    let choice = possible_checks(catalog, plan, dialect, replica_role);
    match plan.compares_otherwise(catalog).filter(|_| choice.checks == Checks::Set) {
        None => choice,
        Some(id) => AutomaticChecks {
            checks: Checks::Engine,
            reason: format!("{} compares values of two kinds", catalog.reference_arrow(id)),
            ..choice
        },
    }
}

fn possible_checks(
    catalog: &Catalog,
    plan: &Plan,
    dialect: Dialect,
    replica_role: &ReplicaRole,
) -> AutomaticChecks {
    let choice = |checks, set_is_possible, reason: String| AutomaticChecks {
        checks,
        reason,
        set_is_possible,
    };
    let seen = |events: &[Event]| {
        plan.is_seen(catalog, events).map(|id| catalog.table(id).name.to_string())
    };
    let (deletion, change) = (seen(&[Event::Delete]), seen(&[Event::Delete, Event::Update]));
    match replica_role {
        ReplicaRole::NotGranted => {
            let reason = "this role may not set session_replication_role";
            choice(Checks::Engine, false, reason.into())
        }
        ReplicaRole::NotPostgres(name) => {
            let reason = format!("this is {name}, whose locks are not known here");
            choice(Checks::Engine, false, reason)
        }
        // Whatever fires in one role only would be skipped, or would fire out of turn; and what a
        // trigger that fires always writes elsewhere would go unchecked. Unlinks are written under
        // the other role, and what their triggers add the engine may cascade: only it takes that.
        ReplicaRole::Usable => match (deletion, change) {
            (Some(table), _) => {
                choice(Checks::Engine, false, format!("{table} has a trigger or rule on DELETE"))
            }
            (None, Some(table)) => {
                choice(Checks::Engine, true, format!("{table} has a trigger that unlinking fires"))
            }
            (None, None) => {
                choice(Checks::Set, true, "rows are locked, no trigger is skipped".into())
            }
        },
        // What a trigger writes, here or elsewhere, only the engine would check and cascade. Deferred,
        // its checks let cycles pass.
        ReplicaRole::None => match change {
            Some(table) => {
                choice(Checks::Engine, false, format!("{table} has a trigger that would fire"))
            }
            // They would dangle, were it not for the engine.
            None if catalog.may_be_hidden => {
                let reason =
                    "this user may not see every reference: GRANT PROCESS ON *.* shows them";
                choice(Checks::Engine, false, reason.into())
            }
            None if dialect.excludes_writers() => {
                choice(Checks::Set, true, "BEGIN IMMEDIATE keeps other writers out".into())
            }
            None => choice(Checks::Set, true, "rows are locked, no trigger would fire".into()),
        },
    }
}
