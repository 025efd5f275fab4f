//! The preview for a pull request or an issue.

use super::{Report, grouped};
use crate::label::printable;

/// A text that shows as it is: what Markdown or HTML in it would mean is escaped
/// (<https://spec.commonmark.org/0.31.2/#backslash-escapes>).
fn plain(text: &str) -> String {
    let (mut plain, mut before) = (String::new(), ' ');
    let text = printable(text);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let inside = before.is_alphanumeric() && chars.peek().is_some_and(|c| c.is_alphanumeric());
        if "\\`*[]<>|~&!$#".contains(c) || c == '_' && !inside {
            plain.push('\\');
        }
        plain.push(c);
        before = c;
        // Nobody is called by a name that stands in a database.
        if c == '@' {
            plain.push_str("<!-- -->");
        }
    }
    plain
}

/// In monospace, whatever backticks are in it.
fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

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
        "**{}** in {}\n\n| # | action | table | rows | reached by |\n|---:|---|---|---:|---|\n",
        plain(&organizations),
        code(&report.database),
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
                    format!("{} → {} ({action}{force})", plain(&reached.columns), plain(parent))
                }
                _ => plain(&reached.columns),
            })
            .collect();
        let table = plain(&step.table);
        let cells = [step.action.to_owned(), table, grouped(step.rows), reached.join("<br>")];
        text += &format!("| {} | {} |\n", step.order, cells.join(" | "));
    }
    let refusals = report.refusal_views();
    for refusal in &refusals {
        text += &format!("\n- **refused**: {}", plain(&refusal.message));
        for sample in &refusal.samples {
            text += &format!("\n  - {}", plain(sample));
        }
    }
    for note in report.notes() {
        text += &format!("\n- {}", plain(&note));
    }
    text + "\n"
}
