//! The stable JSON of preview and clean. `format` changes when a field changes its meaning.

use super::refusals::RefusalView;
use super::rehearsal::RehearsalView;
use super::report::{Outcome, StepView};
use super::{Report, unproven};
use crate::catalog::ReferenceId;
use crate::findings::{Counted, LeftBehind};
use crate::plan::Checks;
use serde::Serialize;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Document<'a> {
    format: u32,
    tool: &'static str,
    command: &'static str,
    database: &'a str,
    /// As it was typed, and the SQL conditions that it stands for.
    selection: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    conditions: &'a [String],
    organizations: Vec<OrganizationView<'a>>,
    /// They stay themselves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    organizations_stay: bool,
    outcome: Outcome,
    exit: u8,
    reference_checks: Checks,
    reference_checks_reason: &'a str,
    /// In which order rows go.
    order: &'static str,
    /// The same of the clean to come in words, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    steps: Vec<StepView>,
    refusals: Vec<RefusalView>,
    /// Rows that stay although a column without a foreign key says that they are of what goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_behind: Vec<LeftBehindView>,
    /// Rows that go on naming organizations that stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stays_linked: Vec<LinkedView>,
    /// Rows that stay as the policy says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kept: Vec<KeptView>,
    /// Rows that belong to nobody once the last row that links them is gone, by its reference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unassociated: Vec<LinkedView>,
    notes: Vec<String>,
    totals: Totals,
    #[serde(skip_serializing_if = "Option::is_none")]
    rehearsal: Option<RehearsalView<'a>>,
    /// What was not proven before COMMIT, and why.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unproven: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    archives: &'a [String],
    /// What brings back what is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    restore: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OrganizationView<'a> {
    key: &'a str,
    name: Option<&'a str>,
    age_seconds: Option<i64>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LeftBehindView {
    table: String,
    columns: Vec<String>,
    /// `None`: not known.
    rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// `--leave-behind` says that they may stay.
    agreed: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LinkedView {
    reference: String,
    rows: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct KeptView {
    table: String,
    rows: u64,
}

fn left_behind(report: &Report, left: &LeftBehind) -> LeftBehindView {
    let scope = report.catalog.reference(left.scope);
    let (rows, unknown) = match &left.rows {
        Counted::Rows(rows) => (Some(*rows), None),
        Counted::Unknown(why) => (None, Some(why.clone())),
    };
    LeftBehindView {
        table: report.table_name(scope.child),
        columns: scope.columns.clone(),
        rows,
        unknown,
        agreed: report.plan.rules.leave_behind.covers(left.scope),
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Totals {
    deleted: u64,
    unlinked: u64,
    tables: usize,
}

/// One object, pretty-printed.
pub fn report(report: &Report) -> String {
    serde_json::to_string_pretty(&document(report)).expect("plain data always serializes")
}

/// The same object, to be part of another.
pub fn value(report: &Report) -> serde_json::Value {
    serde_json::to_value(document(report)).expect("plain data always serializes")
}

fn document<'a>(report: &'a Report) -> Document<'a> {
    let organizations = report.findings.organizations.iter().map(|organization| OrganizationView {
        key: &organization.key,
        name: organization.name.as_deref(),
        age_seconds: organization.age_seconds,
    });
    let linked = |(id, rows): &(ReferenceId, u64)| LinkedView {
        reference: report.catalog.reference_name(*id),
        rows: *rows,
    };
    Document {
        format: 1,
        tool: concat!("orgsweep ", env!("CARGO_PKG_VERSION")),
        command: report.command,
        database: &report.database,
        selection: &report.selection,
        conditions: report.conditions,
        organizations: organizations.collect(),
        organizations_stay: !report.findings.staying.is_empty(),
        outcome: report.outcome,
        exit: report.exit,
        reference_checks: report.plan.rules.checks,
        reference_checks_reason: &report.checks_reason,
        order: match report.findings {
            findings if findings.top_down => "top_down",
            findings if findings.engine_cascade => "engine_cascade",
            _ => "children_first",
        },
        path: (report.outcome == Outcome::Previewed).then(|| report.path()),
        steps: report.steps(),
        refusals: report.refusal_views(),
        left_behind: report.findings.left_behind.iter().map(|it| left_behind(report, it)).collect(),
        stays_linked: report.findings.linked.iter().map(linked).collect(),
        kept: report
            .findings
            .stays
            .iter()
            .map(|(table, rows)| KeptView { table: report.table_name(*table), rows: *rows })
            .collect(),
        unassociated: report.findings.unassociated.iter().map(linked).collect(),
        notes: report.notes(),
        totals: Totals {
            deleted: report.findings.deleted(),
            unlinked: report.findings.unlinked_rows,
            tables: report.findings.rows().len(),
        },
        rehearsal: report.rehearsal.map(|it| RehearsalView::of(it, &report.findings.proof)),
        unproven: unproven(&report.findings.proof),
        archives: &report.archives,
        restore: report.restore.as_deref(),
        next: report.next.as_deref(),
    }
}
