//! The preview for a pull request or an issue.

use super::{Report, grouped};
use crate::label::printable;

/// Of whom and where it is, a GitHub-flavoured table, then refusals and notes as lists.
pub fn report(report: &Report) -> String {
    let organizations = report.findings.organizations.iter();
    let organizations = organizations.map(|one| match &one.name {
        Some(name) => format!("{name} (key {})", one.key),
        None => format!("key {}", one.key),
    });
    let mut organizations = organizations.collect::<Vec<_>>().join(", ");
    if organizations.is_empty() {
        organizations = "no organization".into();
    }
    let mut text = format!(
        "**{}** in `{}`\n\n| # | action | table | rows | reached by |\n|---:|---|---|---:|---|\n",
        printable(&organizations),
        printable(&report.database),
    );
    for step in report.steps() {
        let reached: Vec<String> = step
            .reached_by
            .iter()
            .map(|reached| match (&reached.parent, reached.on_delete) {
                (Some(parent), Some(action)) => {
                    let force = match (reached.needs_force, reached.forced) {
                        (false, _) => "",
                        (true, false) => ", needs `--force`",
                        (true, true) => ", forced",
                    };
                    format!("{} → {parent} ({action}{force})", reached.columns)
                }
                _ => reached.columns.clone(),
            })
            .collect();
        let cells = [step.action.to_owned(), step.table, grouped(step.rows), reached.join("<br>")];
        let cells: Vec<String> =
            cells.iter().map(|cell| printable(cell).replace('|', "\\|")).collect();
        text += &format!("| {} | {} |\n", step.order, cells.join(" | "));
    }
    let refusals = report.refusal_views();
    for refusal in &refusals {
        text += &format!("\n- **refused**: {}", printable(&refusal.message));
        for sample in &refusal.samples {
            text += &format!("\n  - {}", printable(sample));
        }
    }
    for note in report.notes() {
        text += &format!("\n- {}", printable(&note));
    }
    text + "\n"
}
