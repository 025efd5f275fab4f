//! Why one row goes, or stays, as a person reads it.

mod json;
#[cfg(test)]
mod tests;
mod words;

pub use json::json;

use super::counted;
use super::table::{line, plain, wrapped};
use crate::catalog::{Catalog, OnDelete, Origin, Reference, ReferenceId};
use crate::explanation::{Explanation, Named, Naming, Standing, Step, Verdict, Way};
use crate::plan::{Plan, Rank};

/// Ways that a person is shown.
const WAYS: usize = 5;
/// Rows of a way that are shown at either end, where it is longer than both.
const ENDS: usize = 6;

/// Everything that a rendering may say about the row.
pub struct ExplanationView<'a> {
    pub catalog: &'a Catalog,
    pub plan: &'a Plan,
    pub explanation: &'a Explanation,
    /// Redacted.
    pub database: &'a str,
    pub exit: u8,
}

/// The row, its verdict, and the ways to it or the references that explain why there is none.
pub fn table(view: &ExplanationView, width: u16) -> String {
    let row = view.explanation.row();
    let name = format!("{}: {}", view.table_name(row.table), row.title);
    let mut text = wrapped("", &name, width);
    if let Some(owners) = words::owners(view) {
        text += &wrapped("", &owners, width);
    }
    text += &wrapped("", &words::sentence(view), width);
    if let Some(hint) = words::hint(view) {
        text += &line(&format!("  try: {hint}"));
    }
    text += &ways(view, width);
    let stays = matches!(view.verdict(), Verdict::Stays | Verdict::Unlinked);
    if stays && !view.explanation.names.is_empty() {
        text += &references(view, width);
    }
    for protector in &view.explanation.protectors {
        text += &wrapped("protected: ", &words::protected(view, protector), width);
        for sample in &protector.samples {
            text += &wrapped("    ", sample, width);
        }
        text += &words::more(protector.rows, protector.samples.len());
    }
    if view.explanation.refusals > 0 && view.verdict() != Verdict::Stays {
        let reasons = counted(view.explanation.refusals as u64, "reason");
        let note =
            format!("clean refuses with these flags, for {reasons}: orgsweep preview tells them");
        text += &wrapped("note: ", &note, width);
    }
    text
}

impl ExplanationView<'_> {
    fn verdict(&self) -> Verdict {
        self.explanation.verdict()
    }

    fn table_name(&self, table: crate::catalog::TableId) -> String {
        self.catalog.table(table).name.to_string()
    }
}

/// One line per row of every way, from the selected row down.
fn ways(view: &ExplanationView, width: u16) -> String {
    let ways = view.explanation.ancestry.ways();
    let shown = ways.iter().take(WAYS).enumerate();
    let rows: Vec<Vec<String>> = shown.flat_map(|(n, way)| way_rows(view, n + 1, way)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut text = plain(&["Way", "Table", "Row", "Reached by"], rows, &[0], width) + "\n";
    if ways.len() > WAYS || view.explanation.ancestry.cut {
        text += &match ways.len().saturating_sub(WAYS) {
            0 => "… and more\n".into(),
            more => format!("… and {}\n", counted(more as u64, "more way")),
        };
    }
    text
}

fn way_rows(view: &ExplanationView, number: usize, way: &Way) -> Vec<Vec<String>> {
    let rows = &view.explanation.ancestry.rows;
    let start = &rows[way.start];
    let selected = if start.table == view.plan.root { "selected" } else { "orphaned" };
    let mut lines = vec![vec![
        number.to_string(),
        view.table_name(start.table),
        start.title.clone(),
        selected.into(),
    ]];
    let between = way.steps.len().saturating_sub(2 * ENDS);
    for (n, step) in way.steps.iter().enumerate() {
        let row = &rows[step.child];
        match between > 1 && (ENDS..ENDS + between).contains(&n) {
            false => lines.push(vec![
                String::new(),
                view.table_name(row.table),
                row.title.clone(),
                reached_by(view, step),
            ]),
            true if n == ENDS => lines.push(vec![
                String::new(),
                "…".into(),
                format!("… {}", counted(between as u64, "more row")),
                "…".into(),
            ]),
            true => {}
        }
    }
    lines
}

/// `created_by (restrict) ⚠ needs --force ⚠ refused`
fn reached_by(view: &ExplanationView, step: &Step) -> String {
    let text = words::columns_and_action(view.catalog.reference(step.reference));
    let forced = match step.rank {
        Rank::Cascade => "",
        Rank::Forced => " by --force",
        Rank::Protected => " ⚠ needs --force",
    };
    let refused =
        if view.explanation.ancestry.rows[step.child].refused { " ⚠ refused" } else { "" };
    text + forced + refused
}

/// Whom the row names, and what follows from it.
fn references(view: &ExplanationView, width: u16) -> String {
    let row = |naming: &Naming| {
        let reference = view.catalog.reference(naming.reference);
        let parent = match &naming.parent {
            Named::Nobody => "nobody".into(),
            Named::Missing(values) => format!("{values}, which does not exist"),
            Named::Unreadable => "a row that this role may not read".into(),
            Named::Row { parent, .. } => parent.title.clone(),
        };
        vec![
            words::arrow(view, reference),
            if owns(view, naming) { "owns" } else { "" }.into(),
            parent,
            words::consequence(view, naming),
        ]
    };
    let rows = view.explanation.names.iter().map(row).collect();
    plain(&["Reference", "Owner", "Names", "So"], rows, &[], width) + "\n"
}

/// The row belongs to the owners of whom it names so: nothing that it names speaks before that.
fn owns(view: &ExplanationView, naming: &Naming) -> bool {
    let names = |id: &ReferenceId| {
        let by_it = |other: &Naming| other.reference == *id && other.parent != Named::Nobody;
        view.explanation.names.iter().any(by_it)
    };
    let child = view.catalog.reference(naming.reference).child;
    let stronger = view.plan.ownership.yields_to(naming.reference);
    view.plan.owning_of(child).contains(&naming.reference)
        && naming.parent != Named::Nobody
        && !stronger.iter().any(names)
}

/// `restrict` and `no action` are followed by `--force` alone.
fn needs_force(reference: &Reference) -> bool {
    matches!(reference.on_delete, OnDelete::Restrict | OnDelete::NoAction)
}

fn by_policy(reference: &Reference) -> bool {
    reference.declaration.origin != Origin::Database
}

fn is_selected_root(view: &ExplanationView) -> bool {
    let row = view.explanation.row();
    row.table == view.plan.root && row.standing == Standing::Selected
}
