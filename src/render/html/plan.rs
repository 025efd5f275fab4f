//! The page of a saved plan: what `clean --plan` does, or refuses to.

use super::super::counted;
use super::{Head, Made, Row, Tone, facts, list, moment, page, rows};
use crate::label::{printable, shell_word};
use crate::saved::{SavedPlan, SavedStep, policy_digest};
use maud::html;

/// The whole page; `digest`: the SHA-256 of the plan's file.
pub fn plan(plan: &SavedPlan, digest: &str, made: &Made) -> String {
    let row = |action| {
        move |step: &SavedStep| Row {
            action,
            table: step.of.clone(),
            rows: step.rows,
            reached: step.reached_by.iter().map(|reached| (reached.clone(), false)).collect(),
            took: None,
        }
    };
    let steps: Vec<Row> = plan
        .deletions
        .iter()
        .map(row("delete"))
        .chain(plan.unlinks.iter().map(row("unlink")))
        .collect();
    let named = if plan.titles.is_empty() { &plan.organizations } else { &plan.titles };
    let policy = Some(plan.bound.policy.clone()).filter(|it| *it != policy_digest(""));
    let policy = policy.unwrap_or_else(|| "there was none".into());
    let flags: Vec<String> = plan.flags.iter().map(|flag| shell_word(flag)).collect();
    let body = html! {
        (facts(&[
            ("Database", plan.bound.database.clone()),
            ("Saved", moment(plan.made_at)),
            ("By", plan.made_by.as_ref().map(ToString::to_string).unwrap_or_default()),
            ("With", plan.tool.clone()),
            ("SHA-256 of the plan", digest.into()),
            ("Identity of the database", plan.bound.identity.clone()),
            ("Schema", plan.bound.schema.clone()),
            ("SHA-256 of the policy", policy),
        ]))
        h2 { (counted(named.len() as u64, "organization")) }
        (list(named))
        h2 { "What goes" }
        (rows(&steps))
        @if !plan.notes.is_empty() { h2 { "Beside that" } (list(&plan.notes)) }
        p.dim {
            "The plan holds a digest of the keys of each line. Where another row would go by now, or one less, \
             or where database, schema or policy are others, clean refuses."
        }
        h2 { "The flags that it stands for" }
        pre { code { (printable(&flags.join(" "))) } }
    };
    let sum = |steps: &[SavedStep]| steps.iter().map(|step| step.rows).sum::<u64>();
    let tables = counted(plan.deletions.len() as u64, "table");
    let mut verdict =
        format!("{} of {tables} will be deleted", counted(sum(&plan.deletions), "row"));
    if !plan.unlinks.is_empty() {
        verdict += &format!(", {} unlinked", counted(sum(&plan.unlinks), "row"));
    }
    let subject = match &named[..] {
        [one] => one.clone(),
        several => counted(several.len() as u64, "organization"),
    };
    let head = Head { kind: "Plan of a deletion", subject, tone: Tone::Warning, verdict };
    page(&head, &body, made)
}
