//! What will bite a deletion, before it does: read from the catalog and the plan alone. Pure.

use crate::catalog::{
    Catalog, Event, Mismatch, OnDelete, Reference, ReferenceId, Table, TableId, TableKind,
};
use crate::engine::{Dialect, Silence, usage_of};
use crate::findings::Findings;
use crate::label::shell_word;
use crate::plan::{Checks, Plan};
use crate::restoration;
use crate::sql::{Sql, fixes};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// Something worth knowing before a deletion.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Diagnostic {
    pub severity: Severity,
    pub kind: Kind,
    pub table: String,
    pub what: String,
    /// The statement that cures it.
    pub cure: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A deletion that meets it is refused or fails.
    Blocks,
    /// It takes longer than it needs to.
    Slows,
    /// It goes another way than it would without.
    Note,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Privilege,
    RowSecurity,
    Engine,
    BinaryLog,
    ReplicaIdentity,
    NotNull,
    Mismatch,
    Incomparable,
    Unindexed,
    Trigger,
    RestoreTrigger,
    ReplicaRole,
    Unwatched,
    NotValidated,
    NoKey,
    History,
    NoStatistics,
    Hidden,
    WriteSet,
    Untried,
    ScopeColumn,
}

/// What the session may and the server does, besides the catalog.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The role of the session, for the statements that somebody else has to run.
    pub role: String,
    /// Why per-row checks cannot be left out, where that is a matter of privilege.
    pub needs_replica_role: bool,
    /// The database in which this role may create no temporary tables.
    pub without_temporary_tables: Option<String>,
    /// MariaDB: the binary log is written in statements (`binlog_format`).
    pub logs_statements: bool,
    /// What keeps triggers from firing when rows are put back.
    pub silence: Silence,
    /// Galera: each limit of one transaction, with its variable.
    pub write_set_limits: Vec<String>,
    /// The server's version, where this program was never run on it.
    pub untried_version: Option<String>,
    /// Columns that may say whose a row is: nobody is asked to believe it.
    pub possible_scopes: Vec<Reference>,
}

/// Rows that one core reads per second while it looks for children without an index; measured on
/// PostgreSQL 15 and SQLite 3.53, for orders of magnitude.
const ROWS_PER_SECOND: f64 = 10_000_000.0;
/// Tables up to so many rows are read as fast as an index is.
const SMALL: u64 = 1_000;

/// Everything that the catalog tells, worst first.
pub fn examine(catalog: &Catalog, plan: &Plan, dialect: Dialect, facts: &Facts) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for id in &plan.tables {
        diagnostics.extend(of_table(catalog, plan, dialect, facts, *id));
    }
    let sql = Sql::new(dialect, catalog, plan);
    for id in catalog.reference_ids() {
        if plan.tables.contains(&catalog.reference(id).parent) {
            diagnostics.extend(of_reference(catalog, plan, dialect, facts, id));
            diagnostics.extend(sql.unlike(id).map(|why| incomparable(catalog, id, &why)));
        }
    }
    for mismatch in &catalog.mismatches {
        if plan.tables.contains(&mismatch.parent) {
            diagnostics.push(of_mismatch(catalog, plan, dialect, mismatch));
        }
    }
    diagnostics.extend(catalog.scopes.iter().map(|it| scope(catalog, it, Severity::Blocks)));
    diagnostics.extend(facts.possible_scopes.iter().map(|it| scope(catalog, it, Severity::Note)));
    let of_server = |severity, kind, what, cure| Diagnostic {
        severity,
        kind,
        table: String::new(),
        what,
        cure,
    };
    if let Some(database) = &facts.without_temporary_tables {
        let what =
            "this role may create no temporary tables, in which the rows that are found are kept";
        let cure = Some(fixes::grant_temporary(dialect, database, &facts.role));
        diagnostics.push(of_server(Severity::Blocks, Kind::Privilege, what.into(), cure));
    }
    if facts.logs_statements {
        let what = "the binary log takes statements, and InnoDB then refuses READ COMMITTED";
        let cure = Some("SET GLOBAL binlog_format = 'ROW'".into());
        diagnostics.push(of_server(Severity::Blocks, Kind::BinaryLog, what.into(), cure));
    }
    if catalog.may_be_hidden {
        let what = "this user may not see every reference, so that the engine checks row by row; what it deletes \
                    by those that are hidden is neither shown nor archived";
        let cure = Some(fixes::grant_process(&facts.role));
        diagnostics.push(of_server(Severity::Slows, Kind::Hidden, what.into(), cure));
    }
    if catalog.may_be_unlisted {
        let what = "this user may not read every table of the database: rows in those that the server does not list would \
                    be left behind unseen";
        let database = catalog.default_schema.as_deref().unwrap_or_default();
        let cure = Some(fixes::grant_select(database, &facts.role));
        diagnostics.push(of_server(Severity::Note, Kind::Hidden, what.into(), cure));
    }
    for limit in &facts.write_set_limits {
        let what = format!(
            "the cluster takes at most {limit} in one transaction: beyond that, --batch-rows"
        );
        diagnostics.push(of_server(Severity::Note, Kind::WriteSet, what, None));
    }
    if let Some(version) = &facts.untried_version {
        let what = format!("this is {version}, on which orgsweep was not run: it was on MySQL 9.7");
        diagnostics.push(of_server(Severity::Note, Kind::Untried, what, None));
    }
    if facts.needs_replica_role {
        let what = "this role may not leave out the engine's per-row checks, which are most of the cost of a \
                    large deletion";
        let cure = Some(fixes::grant_replica_role(&facts.role));
        diagnostics.push(of_server(Severity::Slows, Kind::ReplicaRole, what.into(), cure));
    }
    diagnostics.sort_by(|a, b| (a.severity, a.kind, &a.table).cmp(&(b.severity, b.kind, &b.table)));
    diagnostics
}

/// A column that says, or may say, whose a row is without a foreign key.
fn scope(catalog: &Catalog, reference: &Reference, severity: Severity) -> Diagnostic {
    let table = catalog.table(reference.child).name.to_string();
    let (columns, root) = (reference.columns.join(","), &catalog.table(reference.parent).name);
    let ways = format!(
        "--scope-column {}, or scope-columns in the policy's [root], makes it one",
        shell_word(&columns)
    );
    let what = match severity {
        _ if reference.is_untold() => format!(
            "{table}.{columns} may name {root}, and nothing tells which of its values is which key: rows that have one \
             stop a deletion; {} or the policy's keep = \"ignore\" for {table} lets them stay",
            shell_word(&format!("--leave-behind={table}.{columns}"))
        ),
        Severity::Blocks => format!(
            "{table}.{columns} names {root}, and is no foreign key: rows that would be left behind stop a deletion; {ways}"
        ),
        _ => format!(
            "{table}.{columns} may name {root}, and is no foreign key: such rows stay; {ways}"
        ),
    };
    Diagnostic { severity, kind: Kind::ScopeColumn, table, what, cure: None }
}

fn incomparable(catalog: &Catalog, id: ReferenceId, why: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Blocks,
        kind: Kind::Incomparable,
        table: catalog.table(catalog.reference(id).child).name.to_string(),
        what: format!("{}: {why}", catalog.reference_arrow(id)),
        cure: None,
    }
}

fn of_table(
    catalog: &Catalog,
    plan: &Plan,
    dialect: Dialect,
    facts: &Facts,
    id: TableId,
) -> Vec<Diagnostic> {
    let table = catalog.table(id);
    let name = table.name.to_string();
    let diagnostic = |severity, kind, what: String, cure| Diagnostic {
        severity,
        kind,
        table: name.clone(),
        what,
        cure,
    };
    let mut diagnostics = Vec::new();
    let privileges = table.privileges;
    let wanted =
        [(privileges.select, "SELECT"), (privileges.lock, "UPDATE"), (privileges.delete, "DELETE")];
    diagnostics.extend(missing(dialect, table, &wanted, facts));
    if table.row_security {
        let what = "row-level security hides rows from this role".into();
        let cure = Some(fixes::bypass_row_security(&facts.role));
        diagnostics.push(diagnostic(Severity::Blocks, Kind::RowSecurity, what, cure));
    }
    if let Some(engine) = &table.lasting_engine {
        let what = format!("{engine} keeps it, whose rows no ROLLBACK brings back");
        diagnostics.push(diagnostic(
            Severity::Blocks,
            Kind::Engine,
            what,
            Some(fixes::transactional(table)),
        ));
    }
    if table.unidentified.on_delete {
        diagnostics.push(unidentified(table, "delete from"));
    }
    let unlinks = plan.unlinks_in(id, catalog).then_some(Event::Update);
    let events: Vec<Event> = [Event::Delete].into_iter().chain(unlinks).collect();
    let firing = table.triggers_on(&events);
    let firing: Vec<&str> = firing.map(|trigger| trigger.name.as_str()).collect();
    if !firing.is_empty() {
        let what = format!("{} sees the deletion: the engine checks row by row", firing.join(", "));
        let unseen = table.triggers.iter().any(|trigger| trigger.unseen);
        let cure = unseen.then(|| fixes::grant(dialect, "TRIGGER", table, &facts.role));
        diagnostics.push(diagnostic(Severity::Slows, Kind::Trigger, what, cure));
    }
    let (back, linked) = (BTreeSet::from([id]), plan.unlinks_in(id, catalog).then_some(id));
    let linked: BTreeSet<TableId> = linked.into_iter().collect();
    for firing in restoration::firing(catalog, (&back, &linked), facts.silence, &BTreeSet::new()) {
        let event = if firing.links { "linked again" } else { "put back" };
        let names = firing.triggers.join(", ");
        let way_out = fixes::silencing(dialect, firing.kinds, firing.needs_privilege);
        let what = format!(
            "{names} fires when its rows are {event}, which orgsweep restore refuses: {way_out}; --fire-triggers lets it"
        );
        let granted = firing.needs_privilege.then(|| fixes::grant_silence(dialect, &facts.role));
        let cure = granted.flatten();
        diagnostics.push(diagnostic(Severity::Note, Kind::RestoreTrigger, what, cure));
    }
    if table.has_nameless_rows() {
        let what = "nothing tells its rows apart: no key does, and SQLite's rowid has no name here";
        diagnostics.push(diagnostic(Severity::Blocks, Kind::NoKey, what.into(), None));
    } else if table.identifying_key().is_none() && table.kind != TableKind::WithoutRowid {
        let by = dialect.row_address().map_or("all of their values", |_| "their address");
        let what = format!("no key tells its rows apart: they go by {by}");
        let cure = fixes::add_key(dialect, table);
        diagnostics.push(diagnostic(Severity::Note, Kind::NoKey, what, cure));
    }
    if table.keeps_history {
        let what = "it is system-versioned: what goes can still be read in its history".into();
        diagnostics.push(diagnostic(Severity::Note, Kind::History, what, None));
    }
    if dialect.waits_for_analyze() && table.estimated_rows.is_none() {
        let what = "it was never analyzed: joins with it are planned blindly".into();
        diagnostics.push(diagnostic(
            Severity::Slows,
            Kind::NoStatistics,
            what,
            Some(fixes::analyze(dialect, table)),
        ));
    }
    diagnostics
}

fn of_reference(
    catalog: &Catalog,
    plan: &Plan,
    dialect: Dialect,
    facts: &Facts,
    id: ReferenceId,
) -> Vec<Diagnostic> {
    let reference = catalog.reference(id);
    let table = catalog.table(reference.child);
    let arrow = catalog.reference_arrow(id);
    let diagnostic = |severity, kind, what, cure| Diagnostic {
        severity,
        kind,
        table: table.name.to_string(),
        what,
        cure,
    };
    let mut diagnostics = Vec::new();
    if !plan.tables.contains(&reference.child) {
        let unlinks = plan.unlinks_by(id);
        let privileges = table.privileges;
        let wanted = [(privileges.select, "SELECT"), (privileges.update || !unlinks, "UPDATE")];
        diagnostics.extend(missing(dialect, table, &wanted, facts));
        if unlinks && table.unidentified.on_update {
            diagnostics.push(unidentified(table, "update"));
        }
    }
    if reference.index.is_none()
        && table.privileges.select
        && reference.is_constraint()
        && table.estimated_rows.is_none_or(|rows| rows > SMALL)
    {
        let cost = match table.estimated_rows {
            Some(rows) => format!(
                "about {} for each row that it names",
                seconds(rows as f64 / ROWS_PER_SECOND)
            ),
            None => "a look at the whole table for each row that it names".into(),
        };
        let effect = match plan.rules.checks {
            Checks::Engine => {
                format!("no index finds the rows of {arrow}: the engine's check costs {cost}")
            }
            Checks::Set => format!(
                "no index finds the rows of {arrow}: a small organization costs a look at the whole table, and the \
                 engine's checks, where they are needed, {cost}"
            ),
        };
        let cure = Some(fixes::create_index(dialect, catalog, id));
        diagnostics.push(diagnostic(Severity::Slows, Kind::Unindexed, effect, cure));
    }
    let fixed = |name: &&String| table.column(name).is_some_and(|column| !column.nullable);
    if reference.on_delete == OnDelete::SetNull
        && let Some(column) = reference.set_columns.iter().find(fixed)
    {
        let what = format!(
            "{arrow} is set null, and {column} is NOT NULL: a row to unlink stops the deletion"
        );
        let cure = fixes::drop_not_null(dialect, table, column);
        diagnostics.push(diagnostic(Severity::Blocks, Kind::NotNull, what, cure));
    }
    if reference.is_constraint() && !reference.enforced {
        let what = format!(
            "the engine does not watch {arrow}: orgsweep checks it last, other sessions can get past it"
        );
        let cure = Some(fixes::watch(catalog, id));
        diagnostics.push(diagnostic(Severity::Note, Kind::Unwatched, what, cure));
    }
    // What is enforced again is validated with it.
    if reference.is_constraint() && !reference.validated && !reference.not_enforced {
        let what =
            format!("rows that were there before {arrow} were never checked: they may dangle");
        diagnostics.push(diagnostic(
            Severity::Note,
            Kind::NotValidated,
            what,
            fixes::validate(catalog, id),
        ));
    }
    diagnostics
}

/// A published table in which nothing identifies a row to the subscriber.
fn unidentified(table: &Table, doing: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Blocks,
        kind: Kind::ReplicaIdentity,
        table: table.name.to_string(),
        what: format!(
            "it is published, and has no replica identity: PostgreSQL refuses to {doing} it"
        ),
        cure: Some(fixes::replica_identity(table)),
    }
}

/// The privileges that are wanted, and whether they are held.
fn missing(
    dialect: Dialect,
    table: &Table,
    wanted: &[(bool, &str)],
    facts: &Facts,
) -> Option<Diagnostic> {
    let missing: Vec<&str> =
        wanted.iter().filter(|(held, _)| !held).map(|(_, name)| *name).collect();
    let missing = Some(missing.join(", ")).filter(|names| !names.is_empty())?;
    let (what, cure) = match table.closed_schema() {
        Some(schema) => {
            let usage = usage_of(schema);
            (
                format!("this role lacks {usage}, without which no privilege on the table counts"),
                fixes::grant_usage(&usage, &facts.role),
            )
        }
        None => (
            format!("this role lacks {missing}"),
            fixes::grant(dialect, &missing, table, &facts.role),
        ),
    };
    Some(Diagnostic {
        severity: Severity::Blocks,
        kind: Kind::Privilege,
        table: table.name.to_string(),
        what,
        cure: Some(cure),
    })
}

fn of_mismatch(
    catalog: &Catalog,
    plan: &Plan,
    dialect: Dialect,
    mismatch: &Mismatch,
) -> Diagnostic {
    let (child, parent) = (catalog.table(mismatch.child), catalog.table(mismatch.parent));
    let key = match &mismatch.parent_columns[..] {
        [] => parent.name.to_string(),
        columns => format!("{} ({})", parent.name, columns.join(", ")),
    };
    let name = format!("{}.{}", child.name, mismatch.columns.join(","));
    let unique = format!("{name} → {key} names nothing that is unique there");
    let (severity, what) = match plan.rules.checks {
        _ if dialect.is_mysql() => {
            (Severity::Note, format!("{name} → {key} names no column: InnoDB follows it no more"))
        }
        Checks::Engine => (
            Severity::Blocks,
            format!("{unique}: the engine fails every deletion from {}", parent.name),
        ),
        Checks::Set => (
            Severity::Note,
            format!("{unique}: it is not followed, and the engine's own checks would fail"),
        ),
    };
    Diagnostic {
        severity,
        kind: Kind::Mismatch,
        table: child.name.to_string(),
        what,
        cure: fixes::unique_index(dialect, parent, &mismatch.parent_columns),
    }
}

/// References by which the engine would look for children in whole tables: those worth an index.
pub fn worth_an_index(catalog: &Catalog, plan: &Plan) -> Vec<ReferenceId> {
    let worth = |id: &ReferenceId| {
        let reference = catalog.reference(*id);
        let rows = catalog.table(reference.child).estimated_rows;
        plan.rules.checks == Checks::Engine
            && plan.tables.contains(&reference.parent)
            // A look at the whole table for each organization is bearable.
            && reference.parent != plan.root
            && reference.index.is_none()
            && reference.enforced
            && rows.is_none_or(|rows| rows > SMALL)
    };
    catalog.reference_ids().filter(worth).collect()
}

/// A reference by which the engine looks for children without an index.
#[derive(Debug, Clone, PartialEq)]
pub struct Unindexed {
    pub reference: ReferenceId,
    /// For the rows that go: their number times the child's.
    pub cost: Duration,
}

/// What the engine's checks of the rows that go will cost for want of an index, dearest first. Where
/// the child's rows were never counted, nothing is said.
pub fn unindexed(catalog: &Catalog, plan: &Plan, findings: &Findings) -> Vec<Unindexed> {
    const WORTH_A_WORD: Duration = Duration::from_secs(1);
    if plan.rules.checks == Checks::Set {
        return Vec::new();
    }
    let rows = findings.rows();
    let cost = |id: ReferenceId| {
        let reference = catalog.reference(id);
        let parents = rows.get(&reference.parent).copied()?;
        let children =
            catalog.table(reference.child).estimated_rows.filter(|rows| *rows > SMALL)?;
        let looked_for = reference.index.is_none() && reference.enforced;
        let cost = Duration::from_secs_f64(parents as f64 * children as f64 / ROWS_PER_SECOND);
        (looked_for && cost >= WORTH_A_WORD).then_some(Unindexed { reference: id, cost })
    };
    let mut found: Vec<Unindexed> = catalog.reference_ids().filter_map(cost).collect();
    found.sort_by_key(|unindexed| std::cmp::Reverse(unindexed.cost));
    found
}

/// `40 ms`, `3 s`, `25 min`, `9 h`: an order of magnitude.
pub fn seconds(seconds: f64) -> String {
    match seconds {
        ..1.0 => format!("{:.0} ms", (seconds * 1_000.0).max(1.0)),
        ..120.0 => format!("{seconds:.0} s"),
        ..7_200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.0} h", seconds / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture;
    use crate::plan::{self, Rules};

    fn told(facts: &Facts) -> Vec<(Severity, Kind, String)> {
        let catalog = fixture::catalog("organizations(id, name)");
        let plan = plan::build(&catalog, TableId(0), Rules::default());
        let diagnostics = examine(&catalog, &plan, Dialect::MARIADB, facts);
        diagnostics.into_iter().map(|s| (s.severity, s.kind, s.what)).collect()
    }

    #[test]
    fn a_log_of_statements_blocks_every_deletion() {
        let found = told(&Facts { logs_statements: true, ..Facts::default() });
        assert!(matches!(&found[..], [(Severity::Blocks, Kind::BinaryLog, _)]), "{found:?}");
        assert_eq!(told(&Facts::default()), []);
    }

    #[test]
    fn a_version_that_was_not_tried_is_told() {
        let untried_version = Some("MySQL 8.0.36".to_owned());
        let found = told(&Facts { untried_version, ..Facts::default() });
        let [(Severity::Note, Kind::Untried, what)] = &found[..] else { panic!("{found:?}") };
        assert!(what.contains("MySQL 8.0.36"), "{what}");
    }

    #[test]
    fn limits_of_a_cluster_are_told_with_the_way_around() {
        let write_set_limits = vec!["128 rows (wsrep_max_ws_rows)".to_owned()];
        let found = told(&Facts { write_set_limits, ..Facts::default() });
        let [(Severity::Note, Kind::WriteSet, what)] = &found[..] else { panic!("{found:?}") };
        assert!(what.contains("128 rows") && what.contains("--batch-rows"), "{what}");
    }
}
