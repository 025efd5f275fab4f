//! Refusals in words: what stands in the way, whose it is, and what to try.

use super::consents;
use super::report::owners;
use super::{Report, counted};
use crate::catalog::ReferenceId;
use crate::label::{shell_word, toml_key, toml_text};
use crate::plan::{Refusal, RefusalKind, Which};
use crate::sql::fixes;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusalView {
    pub kind: RefusalKind,
    pub code: &'static str,
    pub table: String,
    pub reference: Option<String>,
    /// The columns of the reference.
    #[serde(skip)]
    pub columns: String,
    pub parent: Option<String>,
    /// With more time it would be known.
    #[serde(skip)]
    pub is_slow: bool,
    pub rows: u64,
    pub organizations: Vec<String>,
    pub samples: Vec<String>,
    pub message: String,
    pub hint: String,
}

pub(super) fn views(report: &Report) -> Vec<RefusalView> {
    let view = |refusal: &Refusal| RefusalView {
        kind: refusal.kind,
        code: refusal.kind.code(),
        table: report.table_name(refusal.table),
        reference: refusal.reference.map(|id| report.catalog.reference_name(id)),
        columns: scope_columns(report, refusal),
        parent: refusal.reference.map(|id| report.table_name(report.catalog.reference(id).parent)),
        is_slow: refusal.kind == RefusalKind::Uncounted && {
            let table = report.catalog.table(refusal.table);
            let untold =
                refusal.reference.is_some_and(|id| report.catalog.reference(id).is_untold());
            table.privileges.select && !table.row_security && !untold
        },
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
            RefusalKind::NotNull => {
                format!(
                    "{} is NOT NULL: {rows} of {table} cannot be erased to null",
                    refusal.detail
                )
            }
            RefusalKind::Check
            | RefusalKind::Unique
            | RefusalKind::Exclusion
            | RefusalKind::Partition => {
                format!("erasing columns of {rows} of {table} would break {}", refusal.detail)
            }
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
    let (arrow, name) = (report.catalog.reference_arrow(id), report.catalog.reference_name(id));
    let action = report.catalog.reference(id).on_delete;
    let parent = report.table_name(report.catalog.reference(id).parent);
    let owned = if refusal.organizations.is_empty() {
        String::new()
    } else {
        format!(" ({})", owners(&refusal.organizations))
    };
    match refusal.kind {
        RefusalKind::Protected => format!(
            "{arrow} ({action}) protects {}: {rows} of {table} name them",
            format_args!("{} of {parent}", counted(refusal.parents, "row")),
        ),
        RefusalKind::Foreign if report.catalog.is_scope(id) => format!(
            "{rows} of {table} that go name other organizations by {name}, which is no foreign key{owned}"
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
        RefusalKind::VolatileDefault => format!(
            "{arrow} is {action}, but the default of {} is another value each time: what {rows} of {table} would \
             name cannot be foreseen",
            refusal.detail
        ),
        RefusalKind::NulledFirst if refusal.detail.is_empty() => format!(
            "{arrow} is {action}: SQLite takes {rows} of {table} out and puts them back as {parent} goes, and does not \
             find in between that they name themselves, by what is only equal to their key"
        ),
        RefusalKind::NulledFirst => format!(
            "{arrow} is {action}: SQLite sets {} of {rows} of {table} to null as {parent} goes, before they go \
             themselves, and it is NOT NULL",
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
        RefusalKind::LosesLink => format!(
            "{arrow} ({action}) would empty a column of {rows} of {table} by which they name {}",
            refusal.detail
        ),
        RefusalKind::Reassign => {
            format!(
                "{rows} of {table} cannot be reassigned: no row of {parent} that stays has this key"
            )
        }
        RefusalKind::Incomparable => format!(
            "which rows of {table} name {parent} by {arrow} ({action}) cannot be told: {}",
            refusal.detail
        ),
        RefusalKind::LeftBehind => {
            format!(
                "{rows} of {table} would be left behind: {name} is no foreign key, and names {parent} that go"
            )
        }
        RefusalKind::Uncounted => format!(
            "whether rows of {table} would be left behind is not known: {name} is no foreign key, and may name \
             {parent} that go, but {}",
            refusal.detail
        ),
        RefusalKind::Kept => {
            let still = if refusal.rows == 1 { "still names" } else { "still name" };
            format!("{rows} of {table} {still} {parent} by {arrow}, and the policy keeps them")
        }
        RefusalKind::Held => {
            format!("{rows} of {table} would stay and name {parent} that go, by {arrow} ({action})")
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

/// Rows of this table stay as the policy says, and would have gone by this reference.
fn is_kept(report: &Report, refusal: &Refusal) -> bool {
    let plan = report.plan;
    let severs = |id: ReferenceId| {
        plan.unlinks.iter().any(|it| it.which == Which::Kept && it.reference == id)
    };
    let concerns = refusal.reference.is_some_and(|id| plan.follows(id) || severs(id));
    concerns && plan.kept.contains_key(&refusal.table)
}

/// Where the column takes no null, the unlink is refused in its turn.
fn held(name: &str) -> String {
    let from = toml_text(name);
    format!(
        "set {name} to null first, or let the policy do it: [[references]] from = {from}, on-delete = \"set null\""
    )
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
    if detail.contains(" ON SCHEMA ") {
        format!("this role lacks {detail}, where {table} is")
    } else {
        format!("this role lacks {detail} on {table}")
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
        RefusalKind::Foreign if refusal.reference.is_some_and(|id| report.catalog.is_scope(id)) => {
            consents::of_scope(&name)
        }
        RefusalKind::Foreign | RefusalKind::Shared | RefusalKind::Global => {
            consents::hint(report.catalog, report.plan, refusal)
        }
        RefusalKind::Overlap => {
            "--force deletes these rows by the one reference, or unlinks them by both".into()
        }
        RefusalKind::LosesLink if report.plan.rules.keep_organization => {
            format!("--cascade {} takes them along", shell_word(&name))
        }
        RefusalKind::LosesLink => {
            "set another column of the reference to null in these rows first, or declare which ones its SET NULL empties: \
             ON DELETE SET NULL (COLUMN), from PostgreSQL 15 on"
                .into()
        }
        RefusalKind::Privilege if refusal.detail.contains(" ON SCHEMA ") => {
            fixes::grant_usage(&refusal.detail, report.role)
        }
        RefusalKind::Privilege => {
            let table = report.catalog.table(refusal.table);
            fixes::grant(report.dialect, &refusal.detail, table, report.role)
        }
        RefusalKind::ReplicaIdentity => {
            fixes::replica_identity(report.catalog.table(refusal.table))
        }
        RefusalKind::RowSecurity => {
            "use a role with BYPASSRLS, or the owner without FORCE ROW LEVEL SECURITY".into()
        }
        RefusalKind::Incomparable => format!(
            "give both columns one type and collation (ALTER TABLE), or drop the foreign key of {name}; --force does \
             not pass it"
        ),
        RefusalKind::LeftBehind | RefusalKind::Uncounted => {
            ways_out(&scope_columns(report, refusal), &[name], &table).join("; ")
        }
        RefusalKind::Kept | RefusalKind::NotNull if is_kept(report, refusal) => {
            "keep of this table: references = \"null\" sets them to null, \"ghost:KEY\" to the row of one table that has \
             this primary key and stays; what is computed, or names another key, must be changed first"
                .into()
        }
        RefusalKind::Kept => {
            "the policy says so: see what keeps or ignores this table, and change these rows first"
                .into()
        }
        RefusalKind::Held => held(&name),
        RefusalKind::Guard => match refusal.detail.split_once(' ') {
            Some((flag, _)) if flag.starts_with("--") => {
                format!(
                    "is all of it meant? then raise {}; --force does not pass it",
                    flag.trim_end_matches(':')
                )
            }
            _ => "a guard of the policy; --force does not pass it".into(),
        },
        RefusalKind::Engine => fixes::transactional(report.catalog.table(refusal.table)),
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
        RefusalKind::VolatileDefault => {
            "a policy can give the reference another on-delete action: set null or cascade".into()
        }
        RefusalKind::NulledFirst => {
            "--reference-checks set looks at no row as it goes; with a trigger there, or in batches, the engine \
             cannot do it either"
                .into()
        }
        RefusalKind::Reassign => "name the key of a row that stays".into(),
        _ => "the engine cannot do it either: change these rows, or the schema, first".into(),
    }
}

/// What can be done about rows that would be left behind, once for all of them.
pub(super) fn ways_out_of_all(refusals: &[&RefusalView]) -> Vec<String> {
    let scoped = || refusals.iter().filter(|view| is_left_behind(view.kind));
    let mut columns: Vec<&str> = scoped().map(|view| view.columns.as_str()).collect();
    columns.sort_unstable();
    columns.dedup();
    let mut ways = Vec::new();
    for column in columns {
        let own = || scoped().filter(|view| view.columns == column);
        let names: Vec<String> = own().filter_map(|view| view.reference.clone()).collect();
        let table = own().next().map(|view| view.table.clone()).unwrap_or_default();
        ways.extend(ways_out(column, &names, &table));
    }
    if scoped().any(|view| view.is_slow) {
        ways.push("--scope-timeout 5m counts for longer, and in larger tables".into());
    }
    ways
}

/// It is about rows of which a scope column says whose they are.
pub(super) fn is_left_behind(kind: RefusalKind) -> bool {
    matches!(kind, RefusalKind::LeftBehind | RefusalKind::Uncounted)
}

/// What `--scope-column` may make a reference of: nothing, where no SQL tells what its values name.
fn scope_columns(report: &Report, refusal: &Refusal) -> String {
    let reference = refusal.reference.map(|id| report.catalog.reference(id));
    let told = reference.filter(|reference| !reference.is_untold());
    told.map(|reference| reference.columns.join(",")).unwrap_or_default()
}

fn ways_out(column: &str, names: &[String], table: &str) -> Vec<String> {
    const MANY: usize = 4;
    let left: Vec<String> =
        names.iter().map(|name| shell_word(&format!("--leave-behind={name}"))).collect();
    let left = match left.len() {
        0..=MANY => left.join(" "),
        _ => "--leave-behind".to_owned(),
    };
    let left = format!("{left} leaves them, and says so");
    let keep = format!("[tables.{}] keep = \"ignore\"", toml_key(table));
    if column.is_empty() {
        return vec![left, format!("the policy: {keep}")];
    }
    vec![
        format!("--scope-column {} deletes them, too", shell_word(column)),
        left,
        format!("the policy: [root] scope-columns = [{}], or {keep}", toml_text(column)),
    ]
}
