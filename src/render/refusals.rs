//! Refusals in words: what stands in the way, whose it is, and what to try.

use super::consents;
use super::report::owners;
use super::{Report, counted};
use crate::label::shell_word;
use crate::plan::{Refusal, RefusalKind};
use crate::sql::cures;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefusalView {
    pub kind: RefusalKind,
    pub table: String,
    pub reference: Option<String>,
    pub parent: Option<String>,
    pub rows: u64,
    pub organizations: Vec<String>,
    pub samples: Vec<String>,
    pub message: String,
    pub hint: String,
}

pub(super) fn views(report: &Report) -> Vec<RefusalView> {
    let view = |refusal: &Refusal| RefusalView {
        kind: refusal.kind,
        table: report.table_name(refusal.table),
        reference: refusal.reference.map(|id| report.catalog.reference_name(id)),
        parent: refusal.reference.map(|id| report.table_name(report.catalog.reference(id).parent)),
        rows: refusal.rows,
        organizations: refusal.organizations.iter().map(|(name, _)| name.clone()).collect(),
        samples: refusal.samples.clone(),
        message: message(report, refusal),
        hint: hint(report, refusal),
    };
    report.findings.refusals.iter().map(view).collect()
}

fn message(report: &Report, refusal: &Refusal) -> String {
    let table = report.table_name(refusal.table);
    let rows = counted(refusal.rows, "row");
    let Some(id) = refusal.reference else {
        return match refusal.kind {
            RefusalKind::RowSecurity => {
                format!("row-level security hides rows of {table} from this role")
            }
            RefusalKind::ReadOnly => refusal.detail.clone(),
            RefusalKind::WriteSet => format!(
                "the cluster takes at most {} in one transaction, and {} change",
                refusal.detail,
                counted(refusal.rows, "row")
            ),
            RefusalKind::Engine => lasting(&table, &refusal.detail),
            RefusalKind::NamelessRows => nameless(&table, refusal),
            RefusalKind::EngineCascade => {
                format!("the engine's own cascades do not do this: {}", refusal.detail)
            }
            RefusalKind::Guard if refusal.samples.is_empty() => refusal.detail.clone(),
            RefusalKind::Guard => format!("{}: {rows} of {table}", refusal.detail),
            RefusalKind::ReplicaIdentity => published(&table, "delete from"),
            _ => lacking(&refusal.detail, &table),
        };
    };
    let arrow = report.catalog.reference_arrow(id);
    let action = report.catalog.reference(id).on_delete;
    let parent = report.table_name(report.catalog.reference(id).parent);
    let owned = match refusal.organizations.is_empty() {
        true => String::new(),
        false => format!(" ({})", owners(&refusal.organizations)),
    };
    match refusal.kind {
        RefusalKind::Protected => format!(
            "{arrow} ({action}) protects {}: {rows} of {table} name them",
            format_args!("{} of {parent}", counted(refusal.parents, "row")),
        ),
        RefusalKind::Foreign => {
            format!(
                "{arrow} ({action}) reaches {rows} of {table} that belong to other organizations{owned}"
            )
        }
        RefusalKind::Shared => format!(
            "{arrow} ({action}) reaches {rows} of {table} that are shared with other organizations{owned}"
        ),
        RefusalKind::Global => {
            format!("{arrow} ({action}) reaches {rows} of {table} that belong to no organization")
        }
        RefusalKind::NotNull => {
            format!(
                "{arrow} is {action}, but {} is NOT NULL: {rows} of {table} cannot be unlinked",
                refusal.detail
            )
        }
        RefusalKind::SetDefault => format!(
            "{arrow} is {action}, but the default of {} names a row that is missing or goes too: {rows} of {table}",
            refusal.detail
        ),
        RefusalKind::Check => {
            format!(
                "unlinking {rows} of {table} by {arrow} would break the check {}",
                refusal.detail
            )
        }
        RefusalKind::MatchFull => {
            format!(
                "unlinking {rows} of {table} by {arrow} would leave {} (MATCH FULL) partly null",
                refusal.detail
            )
        }
        RefusalKind::Unique => {
            format!(
                "unlinking rows of {table} by {arrow} would repeat values of the unique key ({})",
                refusal.detail
            )
        }
        RefusalKind::Exclusion => format!(
            "unlinking {rows} of {table} by {arrow} would make rows alike that {} keeps apart",
            refusal.detail
        ),
        RefusalKind::Referenced => format!(
            "unlinking {rows} of {table} by {arrow} would change a key that {} refers to",
            refusal.detail
        ),
        RefusalKind::Overlap => format!(
            "{arrow} ({action}) would change a column of {rows} of {table} that is also {}",
            refusal.detail
        ),
        RefusalKind::Reassign => {
            format!(
                "{rows} of {table} cannot be reassigned: the new {parent} is missing or goes too"
            )
        }
        RefusalKind::Incomparable => format!(
            "which rows of {table} name {parent} by {arrow} ({action}) cannot be told: {}",
            refusal.detail
        ),
        RefusalKind::Kept => {
            format!("{rows} of {table} still name {parent} by {arrow}, and the policy keeps them")
        }
        RefusalKind::Guard => refusal.detail.clone(),
        RefusalKind::Privilege => {
            format!("{}, which {arrow} unlinks", lacking(&refusal.detail, &table))
        }
        RefusalKind::ReplicaIdentity => {
            format!("{}, and {arrow} unlinks {rows}", published(&table, "update"))
        }
        RefusalKind::Partition => format!(
            "unlinking {rows} of {table} by {arrow} would leave them without a partition: none takes their new {}",
            refusal.detail
        ),
        RefusalKind::RowSecurity => {
            format!("row-level security hides rows of {table} from this role")
        }
        RefusalKind::ReadOnly | RefusalKind::WriteSet | RefusalKind::EngineCascade => {
            refusal.detail.clone()
        }
        RefusalKind::Engine => lasting(&table, &refusal.detail),
        RefusalKind::NamelessRows => nameless(&table, refusal),
        RefusalKind::Comparison => format!(
            "{arrow} ({action}): {rows} of {table} name {parent} by SQLite's check and not by its DELETE, or the \
             other way round, as their types differ: it would leave them dangling, fail, or take others' rows"
        ),
    }
}

fn nameless(table: &str, refusal: &Refusal) -> String {
    let rows = counted(refusal.rows, "row");
    format!("nothing tells {rows} of {table} from others: {}", refusal.detail)
}

fn published(table: &str, doing: &str) -> String {
    format!("{table} is published without a replica identity: PostgreSQL refuses to {doing} it")
}

/// `detail`: privileges on the table, or `USAGE ON SCHEMA "billing"`.
fn lacking(detail: &str, table: &str) -> String {
    match detail.contains(" ON SCHEMA ") {
        true => format!("this role lacks {detail}, where {table} is"),
        false => format!("this role lacks {detail} on {table}"),
    }
}

fn lasting(table: &str, engine: &str) -> String {
    format!("{table} is kept by {engine}, whose rows no ROLLBACK brings back")
}

fn hint(report: &Report, refusal: &Refusal) -> String {
    let name = refusal.reference.map(|id| report.catalog.reference_name(id)).unwrap_or_default();
    let table = report.table_name(refusal.table);
    match refusal.kind {
        RefusalKind::Protected => {
            let named = shell_word(&format!("--force={name}"));
            format!("--force deletes these rows too; {named} by this reference only")
        }
        RefusalKind::Foreign | RefusalKind::Shared | RefusalKind::Global => {
            consents::hint(report.catalog, report.plan, refusal)
        }
        RefusalKind::Overlap => "--force deletes these rows".into(),
        RefusalKind::Privilege if refusal.detail.contains(" ON SCHEMA ") => {
            cures::grant_usage(&refusal.detail, report.role)
        }
        RefusalKind::Privilege => {
            let table = report.catalog.table(refusal.table);
            cures::grant(report.dialect, &refusal.detail, table, report.role)
        }
        RefusalKind::ReplicaIdentity => {
            cures::replica_identity(report.catalog.table(refusal.table))
        }
        RefusalKind::RowSecurity => {
            "use a role with BYPASSRLS, or the owner without FORCE ROW LEVEL SECURITY".into()
        }
        RefusalKind::Incomparable => format!(
            "give both columns one type and collation (ALTER TABLE), or drop the foreign key of {name}; --force does \
             not pass it"
        ),
        RefusalKind::Kept => {
            "the policy says so: see what keeps or ignores this table, and change these rows first"
                .into()
        }
        RefusalKind::Guard => match refusal.detail.split_once(' ') {
            Some((flag, _)) if flag.starts_with("--") => {
                format!(
                    "is all of it meant? then raise {}; --force does not pass it",
                    flag.trim_end_matches(':')
                )
            }
            _ => "a guard of the policy; --force does not pass it".into(),
        },
        RefusalKind::Engine => cures::transactional(report.catalog.table(refusal.table)),
        RefusalKind::WriteSet => {
            "--batch-rows ROWS deletes in several transactions, at most ROWS by each reference"
                .into()
        }
        RefusalKind::NamelessRows => {
            format!("add a key to {table}, or rename one of these columns")
        }
        RefusalKind::Comparison => {
            format!("write the values of {name} as the key has them, or declare both with one type")
        }
        RefusalKind::EngineCascade => "without --engine-cascade children go first".into(),
        RefusalKind::ReadOnly => "use the primary server, or a user who may write".into(),
        RefusalKind::Reassign => "name the key of a row that stays".into(),
        _ => "the engine cannot do it either: change these rows, or the schema, first".into(),
    }
}
