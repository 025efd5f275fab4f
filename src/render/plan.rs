//! A saved plan in words.

use super::table::{line, plain, wrapped};
use super::{counted, grouped, history};
use crate::label::shell_word;
use crate::saved::{SavedPlan, SavedStep};

pub fn table(plan: &SavedPlan, width: u16) -> String {
    let named = if plan.titles.is_empty() { &plan.organizations } else { &plan.titles };
    let flags: Vec<String> = plan.flags.iter().map(|flag| shell_word(flag)).collect();
    let by = plan.made_by.as_ref().map(|by| format!("by {by}, "));
    let mut text = String::new();
    for (heading, value) in [
        ("organizations: ", named.join(", ")),
        ("database: ", plan.bound.database.clone()),
        (
            "saved: ",
            format!("{}, {}{}", history::moment(plan.made_at), by.unwrap_or_default(), plan.tool),
        ),
        ("flags: ", flags.join(" ")),
    ] {
        text += &wrapped(heading, &value, width);
    }
    let row = |action: &str, step: &SavedStep| {
        vec![action.to_owned(), step.of.clone(), grouped(step.rows), step.reached_by.join(", ")]
    };
    let deletions = plan.deletions.iter().map(|step| row("delete", step));
    let rows = deletions.chain(plan.unlinks.iter().map(|step| row("unlink", step)));
    text += &plain(&["Action", "Of", "Rows", "Reached by"], rows.collect(), &[2], width);
    text.push('\n');
    let sum = |steps: &[SavedStep]| counted(steps.iter().map(|step| step.rows).sum(), "row");
    text += &line(&format!("{} deleted, {} unlinked", sum(&plan.deletions), sum(&plan.unlinks)));
    text.extend(plan.notes.iter().map(|note| wrapped("note: ", note, width)));
    text
}
