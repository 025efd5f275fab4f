//! The page of a preview: what would go, what stands in the way, whose the rows are, how it would be done.

use super::super::refusals::RefusalView;
use super::super::report::{ReachedView, StepView, owners};
use super::super::table::{age, duration, reached_by};
use super::super::{Outcome, Report, counted, grouped};
use super::picture::picture;
use super::{Head, Made, Row, Tone, facts, list, moment, page, rows};
use crate::engine::Dialect;
use crate::findings::{Counted, Organization};
use crate::label::{printable, shell_word, title};
use maud::{Markup, html};
use std::time::Duration;

/// The whole page.
pub fn preview(report: &Report, made: &Made) -> String {
    let notes = report.run_notes();
    let body = html! {
        (head_facts(report, made))
        (refusals(report))
        (others(report))
        @if report.outcome != Outcome::Nothing {
            (picture(report))
            h2 { "What goes, in this order" }
            (rows(&report.steps().iter().map(row).collect::<Vec<_>>()))
            p { strong { (totals(report)) } }
            (untouched(report))
            (course(report))
        }
        @if !notes.is_empty() {
            h2 { "Notes" }
            (list(&notes))
        }
        @if let Some(next) = &report.next {
            h2 { "Next" }
            pre { code { (printable(next)) } }
        }
    };
    page(&head(report), &body, made)
}

fn head(report: &Report) -> Head<'static> {
    let (tone, verdict) = match report.outcome {
        Outcome::Nothing => (Tone::Plain, "Nothing to clean up.".into()),
        Outcome::Refused => {
            let reasons = counted(report.findings.refusals.len() as u64, "reason");
            let verdict = format!("A clean would refuse, for {reasons}: {}.", totals(report));
            (Tone::Bad, verdict)
        }
        _ => (Tone::Warning, format!("{} would be deleted.", totals(report))),
    };
    let organizations = &report.findings.organizations;
    let subject = match &organizations[..] {
        [] => report.selection.clone(),
        [one] => one.name.clone().unwrap_or_else(|| format!("key {}", one.key)),
        several => counted(several.len() as u64, "organization"),
    };
    Head { kind: "Preview of a deletion", subject, tone, verdict }
}

/// `100 rows of 15 tables, 3 unlinked`
fn totals(report: &Report) -> String {
    let findings = report.findings;
    let unlinked = match findings.unlinked_rows {
        0 => String::new(),
        rows => format!(", {} unlinked", counted(rows, "row")),
    };
    let tables = counted(findings.rows().len() as u64, "table");
    format!("{} of {tables}{unlinked}", counted(findings.deleted(), "row"))
}

fn head_facts(report: &Report, made: &Made) -> Markup {
    let organizations: Vec<String> =
        report.findings.organizations.iter().map(organization).collect();
    html! {
        (facts(&[
            ("Database", report.database.clone()),
            ("Organizations in", report.table_name(report.plan.root)),
            ("Asked for", report.selection.clone()),
            ("Where", report.conditions.join(" and ")),
            ("Looked at", moment(made.at)),
            ("By", made.by.to_string()),
        ]))
        @if !organizations.is_empty() {
            h2 { (counted(organizations.len() as u64, "organization")) }
            (list(&organizations))
        }
    }
}

/// `Apex Innovations Inc. (key 1, 325 days old)`
fn organization(one: &Organization) -> String {
    let old = one.age_seconds.and_then(age).map(|age| format!(", {age} old"));
    title(one.name.as_deref().unwrap_or(""), &format!("key {}{}", one.key, old.unwrap_or_default()))
}

fn refusals(report: &Report) -> Markup {
    const SHOWN: usize = 8;
    let all = report.refusal_views();
    let (shown, others) = all.split_at(all.len().min(SHOWN));
    let others: Vec<String> = others.iter().map(|refusal| refusal.message.clone()).collect();
    html! {
        @if !all.is_empty() {
            h2 { "What stands in the way" }
            @for one in shown { (refusal(one)) }
            @if !others.is_empty() {
                h3 { "And " (counted(others.len() as u64, "more reason")) }
                (list(&others))
            }
        }
    }
}

fn refusal(refusal: &RefusalView) -> Markup {
    let shown = refusal.samples.len() as u64;
    html! {
        div.refusal {
            p { strong { (printable(&refusal.message)) } }
            @if shown > 0 {
                ul {
                    @for sample in &refusal.samples { li { (printable(sample)) } }
                    @if refusal.rows > shown { li.dim { "… and " (grouped(refusal.rows - shown)) " more" } }
                }
            }
            @if !refusal.hint.is_empty() { p.dim { "way out: " (printable(&refusal.hint)) } }
        }
    }
}

/// Rows that are not the selected organizations' alone, and rows of theirs that stay.
fn others(report: &Report) -> Markup {
    let lines = whose(report);
    html! {
        @if !lines.is_empty() {
            h2 { "Rows of others, and rows that stay" }
            table {
                thead { tr { th { "Rows" } th { "Of" } th.number { "How many" } th { "Whose, or why" } } }
                tbody {
                    @for [what, of, rows, why] in &lines {
                        tr {
                            td { (what) }
                            td { (printable(of)) }
                            td.number { (rows) }
                            td { (printable(why)) }
                        }
                    }
                }
            }
        }
    }
}

fn whose(report: &Report) -> Vec<[String; 4]> {
    let mut lines = Vec::new();
    let sum = |owners: &[(String, u64)]| owners.iter().map(|(_, rows)| rows).sum::<u64>();
    let number = |rows: u64| if rows > 0 { grouped(rows) } else { String::new() };
    for shared in &report.findings.shared {
        let table = report.table_name(shared.table);
        let rows = number(sum(&shared.organizations));
        lines.push(["shared, and go".into(), table, rows, owners(&shared.organizations)]);
    }
    for (table, rows) in &report.findings.stays {
        let why = "the policy keeps them".to_owned();
        lines.push(["they stay".into(), report.table_name(*table), number(*rows), why]);
    }
    let unlinked = report.findings.unlinked.iter();
    for unlinked in unlinked.filter(|it| !report.plan.unlinks[it.unlink].erases()) {
        let id = report.plan.unlinks[unlinked.unlink].reference;
        let name = report.catalog.reference_arrow(id);
        if !unlinked.organizations.is_empty() {
            let rows = number(sum(&unlinked.organizations));
            let owners = owners(&unlinked.organizations);
            lines.push(["of others, unlinked".into(), name.clone(), rows, owners]);
        }
        if unlinked.stranded > 0 {
            let why = format!(
                "without another owner: it is {}; --cascade {} takes them along",
                report.catalog.reference(id).on_delete,
                shell_word(&report.catalog.reference_name(id))
            );
            lines.push(["stranded: they stay".into(), name, number(unlinked.stranded), why]);
        }
    }
    if let Some(found) = report.findings.staying.first() {
        let why = "--keep-organization says so".into();
        let rows = grouped(report.findings.organizations.len() as u64);
        lines.push(["they stay".into(), report.table_name(found.table), rows, why]);
    }
    for (id, rows) in &report.findings.unassociated {
        let reference = report.catalog.reference(*id);
        let why = format!("the last rows of {} go", report.table_name(reference.child));
        let name = report.catalog.reference_arrow(*id);
        lines.push(["nobody's: they stay".into(), name, number(*rows), why]);
    }
    for (id, rows) in &report.findings.linked {
        let why = format!("it is {}", report.catalog.reference(*id).on_delete);
        let name = report.catalog.reference_arrow(*id);
        lines.push(["they stay linked".into(), name, number(*rows), why]);
    }
    for left in &report.findings.left_behind {
        let agreed = report.plan.rules.leave_behind.covers(left.scope);
        let what = if agreed { "left behind, as agreed" } else { "left behind: refused" };
        let (rows, why) = match &left.rows {
            Counted::Rows(rows) => (number(*rows), "it names them, and is no foreign key".into()),
            Counted::Unknown(why) => ("not known".into(), why.clone()),
        };
        lines.push([what.into(), report.catalog.reference_name(left.scope), rows, why]);
    }
    lines
}

fn row(step: &StepView) -> Row {
    let took = step.milliseconds.map(|took| duration(Duration::from_secs_f64(took / 1000.0)));
    let reached = |reached: &ReachedView| (reached_by(reached, step.rows), reached.needs_force);
    Row {
        action: step.action,
        table: step.table.clone(),
        rows: step.rows,
        reached: step.reached_by.iter().map(reached).collect(),
        took,
    }
}

/// Tables that were looked for, and of which nothing goes.
fn untouched(report: &Report) -> Markup {
    let tables: Vec<String> =
        report.empty_tables().into_iter().map(|table| report.table_name(table)).collect();
    html! {
        @if !report.all && !tables.is_empty() {
            details {
                summary { (counted(tables.len() as u64, "more table")) " that it reaches, without rows" }
                p { (printable(&tables.join(", "))) }
            }
        }
    }
}

/// How it would be done, and who would notice.
fn course(report: &Report) -> Markup {
    let checks = report.plan.rules.checks.as_str();
    let path = if report.outcome == Outcome::Previewed { report.path() } else { String::new() };
    html! {
        h2 { "How" }
        (facts(&[
            ("Transaction", "one: everything of this goes, or nothing does".into()),
            ("Path", path),
            ("Reference checks", format!("{checks} ({})", report.checks_reason)),
            ("Locks", locks(report.dialect)),
            ("Undo", "orgsweep restore, from the archive that a clean keeps (30 days, unless told otherwise; \
                      none with --no-archive)".into()),
        ]))
    }
}

/// What others meet while it runs.
fn locks(dialect: Dialect) -> String {
    if dialect.excludes_writers() {
        return "until COMMIT whoever else writes waits, to whatever table; reading goes on".into();
    }
    let mut locks = String::from(
        "until COMMIT: the rows that go and those that are unlinked; other rows are read and written as ever",
    );
    if dialect.keeps_references_out() {
        locks += "; nobody alters these tables meanwhile";
    }
    if dialect.locks_index_entries() {
        locks += "; who adds a row beside them in an index may wait";
    }
    locks
}
