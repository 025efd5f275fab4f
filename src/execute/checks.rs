//! Who proves that nothing dangles: the engine row by row, or checks in sets.

use crate::catalog::{Catalog, TableId};
use crate::plan::{Checks, Plan};
use crate::sql::Dialect;

/// Which proof to use where nobody chose, why, and whether set-based checks could be used at all.
pub struct AutomaticChecks {
    pub checks: Checks,
    pub reason: String,
    pub set_is_possible: bool,
}

/// Whether a session may leave PostgreSQL's per-row checks out, and the locks that make up for them can be
/// trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicaRole {
    Usable,
    NotGranted,
    /// It speaks PostgreSQL's protocol and is something else: its name.
    NotPostgres(String),
}

/// What else may answer as PostgreSQL does. Set-based checks want its row locks, READ COMMITTED and replica
/// role, of which these have their own ideas, or several servers' worth.
///
/// `version` is what `version()` says.
pub fn relative_of_postgres(version: &str, has_citus: bool) -> Option<String> {
    const RELATIVES: [(&str, &str); 4] = [
        ("-YB-", "YugabyteDB"),
        ("Greenplum", "Greenplum"),
        ("Redshift", "Redshift"),
        ("CockroachDB", "CockroachDB"),
    ];
    let known = RELATIVES.iter().find(|(mark, _)| version.contains(mark));
    match known {
        Some((_, name)) => Some((*name).into()),
        None if has_citus => Some("Citus".into()),
        None if version.starts_with("PostgreSQL ") => None,
        None => Some(version.split_whitespace().next().unwrap_or("an unknown server").into()),
    }
}

/// The engine's checks are left out only where nothing else would be left out with them.
pub fn choose_checks(
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
    let with_trigger = |unlinked: bool| {
        let fires = |id: &TableId| {
            let deletes = plan.tables.contains(id);
            let updates = unlinked && plan.unlinks_in(*id, catalog);
            let mut triggers = catalog.table(*id).triggers.iter();
            triggers.any(|t| (deletes && t.on_delete) || (updates && t.on_update))
        };
        catalog.table_ids().find(fires).map(|id| catalog.table(id).name.to_string())
    };
    match (dialect, replica_role) {
        (Dialect::Postgres, ReplicaRole::NotGranted) => {
            let reason = "this role may not set session_replication_role";
            choice(Checks::Engine, false, reason.into())
        }
        (Dialect::Postgres, ReplicaRole::NotPostgres(name)) => {
            let reason = format!("this is {name}, whose locks are not known here");
            choice(Checks::Engine, false, reason)
        }
        // Whatever fires in one role only would be skipped, or would fire out of turn; and what a
        // trigger that fires always writes elsewhere would go unchecked. Unlinks are written under
        // the other role, and what their triggers add the engine may cascade: only it takes that.
        (Dialect::Postgres, ReplicaRole::Usable) => match (with_trigger(false), with_trigger(true))
        {
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
        _ => match with_trigger(true) {
            Some(table) => {
                choice(Checks::Engine, false, format!("{table} has a trigger that would fire"))
            }
            None if dialect.excludes_writers() => {
                choice(Checks::Set, true, "BEGIN IMMEDIATE keeps other writers out".into())
            }
            None => choice(Checks::Set, true, "rows are locked, no trigger would fire".into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_postgresql_itself_is_taken_for_it() {
        let told = |version: &str| relative_of_postgres(version, false).unwrap_or_default();
        assert_eq!(told("PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu"), "");
        assert_eq!(told("PostgreSQL 11.2-YB-2.20.1.0-b0 on x86_64-pc-linux-gnu"), "YugabyteDB");
        assert_eq!(told("CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu)"), "CockroachDB");
        assert_eq!(told("Materialize v0.100"), "Materialize");
        let citus = relative_of_postgres("PostgreSQL 16.2 on x86_64", true);
        assert_eq!(citus.as_deref(), Some("Citus"));
    }
}
