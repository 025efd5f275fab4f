//! The stable JSON of explain. `format` changes when a field changes its meaning.

use super::{ExplanationView, by_policy, needs_force, words};
use crate::catalog::ReferenceId;
use crate::explanation::{Effect, Named, Naming, Relative, Standing, Step, Verdict, Way};
use crate::plan::Rank;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    tool: &'static str,
    command: &'static str,
    database: &'a str,
    organizations: Vec<OrganizationView<'a>>,
    outcome: &'static str,
    exit: u8,
    row: RowView<'a>,
    verdict: Verdict,
    reason: String,
    hint: Option<String>,
    belongs_to: Vec<OwnerView<'a>>,
    /// Those past refused rows last; those that need no force first; then the shorter ones.
    ways: Vec<WayView<'a>>,
    /// There may be more ways than were looked at.
    ways_cut: bool,
    references: Vec<NamingView<'a>>,
    protected_by: Vec<ProtectorView<'a>>,
    /// Reasons for which the whole deletion is refused.
    refusals: usize,
}

#[derive(Serialize)]
struct OrganizationView<'a> {
    key: &'a str,
    name: Option<&'a str>,
    age_seconds: Option<i64>,
}

#[derive(Serialize)]
struct RowView<'a> {
    table: String,
    title: &'a str,
    standing: Standing,
    /// It is refused as somebody else's.
    refused: bool,
}

#[derive(Serialize)]
struct OwnerView<'a> {
    organization: &'a str,
    selected: bool,
}

#[derive(Serialize)]
struct WayView<'a> {
    needs_force: bool,
    /// It leads through a row that is refused.
    refused: bool,
    /// How many references it follows.
    length: usize,
    rows: Vec<StepView<'a>>,
}

#[derive(Serialize)]
struct StepView<'a> {
    #[serde(flatten)]
    row: RowView<'a>,
    /// `None` for the selected row that the way begins with.
    #[serde(flatten)]
    reached_by: Option<ReferenceView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forced: Option<bool>,
}

#[derive(Serialize)]
struct ReferenceView {
    reference: String,
    parent: String,
    on_delete: &'static str,
    needs_force: bool,
    by_policy: bool,
}

#[derive(Serialize)]
struct NamingView<'a> {
    #[serde(flatten)]
    reference: ReferenceView,
    owning: bool,
    names: Option<RowView<'a>>,
    /// The values that name a row which does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'a str>,
    effect: Effect,
    #[serde(skip_serializing_if = "Option::is_none")]
    becomes: Option<String>,
}

#[derive(Serialize)]
struct ProtectorView<'a> {
    #[serde(flatten)]
    reference: ReferenceView,
    table: String,
    rows: u64,
    samples: &'a [String],
}

/// One object, pretty-printed.
pub fn json(view: &ExplanationView) -> String {
    let explanation = view.explanation;
    let organizations = explanation.organizations.iter().map(|organization| OrganizationView {
        key: &organization.key,
        name: organization.name.as_deref(),
        age_seconds: organization.age_seconds,
    });
    let owners = explanation.owners.iter();
    let protectors = explanation.protectors.iter().map(|protector| ProtectorView {
        reference: view.reference(protector.reference),
        table: view.table_name(view.catalog.reference(protector.reference).child),
        rows: protector.rows,
        samples: &protector.samples,
    });
    let document = Document {
        format: 1,
        tool: concat!("orgsweep ", env!("CARGO_PKG_VERSION")),
        command: "explain",
        database: view.database,
        organizations: organizations.collect(),
        outcome: "explained",
        exit: view.exit,
        row: view.row(explanation.row()),
        verdict: view.verdict(),
        reason: words::sentence(view),
        hint: words::hint(view),
        belongs_to: owners
            .map(|owner| OwnerView { organization: &owner.title, selected: owner.selected })
            .collect(),
        ways: explanation.ancestry.ways().iter().map(|way| view.way(way)).collect(),
        ways_cut: explanation.ancestry.cut,
        references: explanation.names.iter().map(|naming| view.naming(naming)).collect(),
        protected_by: protectors.collect(),
        refusals: explanation.refusals,
    };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}

impl<'a> ExplanationView<'a> {
    fn row(&self, row: &'a Relative) -> RowView<'a> {
        let Relative { table, title, standing, refused } = row;
        RowView { table: self.table_name(*table), title, standing: *standing, refused: *refused }
    }

    fn way(&self, way: &Way) -> WayView<'a> {
        let rows = &self.explanation.ancestry.rows;
        let start = StepView { row: self.row(&rows[way.start]), reached_by: None, forced: None };
        let step = |step: &Step| StepView {
            row: self.row(&rows[step.child]),
            reached_by: Some(self.reference(step.reference)),
            forced: Some(step.rank == Rank::Forced),
        };
        WayView {
            needs_force: way.needs_force,
            refused: way.refused.is_some(),
            length: way.steps.len(),
            rows: std::iter::once(start).chain(way.steps.iter().map(step)).collect(),
        }
    }

    fn reference(&self, id: ReferenceId) -> ReferenceView {
        let reference = self.catalog.reference(id);
        ReferenceView {
            reference: self.catalog.reference_name(id),
            parent: self.table_name(reference.parent),
            on_delete: reference.on_delete.as_str(),
            needs_force: needs_force(reference),
            by_policy: by_policy(reference),
        }
    }

    fn naming(&self, naming: &'a Naming) -> NamingView<'a> {
        let (names, missing) = match &naming.parent {
            Named::Row { parent, .. } => (Some(self.row(parent)), None),
            Named::Missing(values) => (None, Some(values.as_str())),
            Named::Nobody | Named::Unreadable => (None, None),
        };
        NamingView {
            reference: self.reference(naming.reference),
            owning: super::owns(self, naming),
            names,
            missing,
            effect: self.explanation.effect(naming, self.catalog, self.plan),
            becomes: self.explanation.becomes(naming.reference, self.plan).map(words::value),
        }
    }
}
