//! Preview and summary as a person reads them; and the ways in which any text gets its lines: what is
//! put into a cell or on a line stays there, whatever is in it.

use super::refusals::{is_left_behind, ways_out_of_all};
use super::report::{ReachedView, StepView};
use super::{Outcome, Report, counted, grouped, rehearsal, unproven};
use crate::findings::Proof;
use crate::label::printable;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table};
use std::time::Duration;

/// The whole report, at most `width` columns wide.
pub fn report(report: &Report, width: u16) -> String {
    let mut text = String::new();
    let steps = report.steps();
    if !steps.is_empty() {
        text += &steps_table(&steps, width);
        text.push('\n');
    }
    if !report.all && report.outcome != Outcome::Nothing {
        text += &empty_tables(report);
    }
    text += &refusals(report, width);
    for note in report.notes() {
        text += &wrapped("note: ", &note, width);
    }
    for sentence in totals(report) {
        text += &wrapped("", &sentence, width);
    }
    match &report.archives[..] {
        [] => {}
        [archive] => text += &line(&format!("archive: {archive}")),
        [first, .., last] => {
            let several = report.archives.len();
            text += &line(&format!("{several} archives, the newest to be restored first:"));
            text += &line(&format!("  {first}"));
            text += &line(&format!("  … {last}"));
        }
    }
    if let Some(restore) = &report.restore {
        text += &line(&format!("undo: {restore}"));
    }
    if let Some(next) = &report.next {
        text += &line(&format!("next: {next}"));
    }
    text
}

/// A table in the house style.
pub fn plain(header: &[&str], rows: Vec<Vec<String>>, numbers: &[usize], width: u16) -> String {
    with_whole(header, rows, numbers, &[], width)
}

/// A table in the house style, of which some columns are never folded.
pub fn with_whole(
    header: &[&str],
    rows: Vec<Vec<String>>,
    numbers: &[usize],
    whole: &[usize],
    width: u16,
) -> String {
    let cells = |row: Vec<String>| row.into_iter().map(|cell| vec![cell]).collect();
    framed(header, rows.into_iter().map(cells).collect(), numbers, whole, width)
}

/// The same of cells that have several lines.
fn framed(
    header: &[&str],
    rows: Vec<Vec<Vec<String>>>,
    numbers: &[usize],
    whole: &[usize],
    width: u16,
) -> String {
    let cell = |lines: Vec<String>| {
        lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
    };
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.into_iter().map(cell).collect::<Vec<_>>());
    }
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for column in whole {
        if let Some(column) = table.column_mut(*column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.to_string()
}

fn steps_table(steps: &[StepView], width: u16) -> String {
    let timed = steps.iter().any(|step| step.milliseconds.is_some());
    let row = |step: &StepView| {
        let reached: Vec<String> =
            step.reached_by.iter().map(|reached| reached_by(reached, step.rows)).collect();
        let mut row = vec![
            vec![step.order.to_string()],
            vec![step.action.to_owned()],
            vec![step.table.clone()],
            vec![grouped(step.rows)],
            reached,
        ];
        if timed {
            let took = step.milliseconds.unwrap_or_default();
            row.push(vec![duration(Duration::from_secs_f64(took / 1000.0))]);
        }
        row
    };
    let mut header = vec!["#", "Action", "Table", "Rows", "Reached by"];
    let mut numbers = vec![0, 3];
    if timed {
        header.push("Time");
        numbers.push(5);
    }
    framed(&header, steps.iter().map(row).collect(), &numbers, &[], width)
}

/// `client_id → clients (cascade) 10`, and a mark where only `--force` follows it.
pub(super) fn reached_by(reached: &ReachedView, of: u64) -> String {
    let (Some(parent), Some(action)) = (&reached.parent, reached.on_delete) else {
        return reached.columns.clone();
    };
    let by_policy = if reached.by_policy { ", policy" } else { "" };
    let mut text = format!("{} → {parent} ({action}{by_policy})", reached.columns);
    if reached.rows != of && reached.rows > 0 {
        text += &format!(" {}", grouped(reached.rows));
    }
    if reached.needs_force {
        text += if reached.forced { " ⚠ forced" } else { " ⚠ needs --force" };
    }
    text
}

fn empty_tables(report: &Report) -> String {
    let empty = report.empty_tables();
    match empty.len() as u64 {
        0 => String::new(),
        count => format!("{} without rows (--all shows them)\n", counted(count, "more table")),
    }
}

fn refusals(report: &Report, width: u16) -> String {
    let mut text = String::new();
    let refusals = report.refusal_views();
    let mut grouped_before = false;
    for refusal in &refusals {
        let grouped_now = is_left_behind(refusal.kind);
        if !(grouped_before && grouped_now) {
            text.push('\n');
        }
        grouped_before = grouped_now;
        text += &wrapped("refused: ", &refusal.message, width);
        for sample in &refusal.samples {
            text += &wrapped("    ", sample, width);
        }
        let shown = refusal.samples.len() as u64;
        if shown > 0 && refusal.rows > shown {
            text += &format!("    … and {} more\n", grouped(refusal.rows - shown));
        }
        if !grouped_now {
            text += &line(&format!("  try: {}", refusal.hint));
        }
    }
    for (n, way) in ways_out_of_all(&refusals).iter().enumerate() {
        let heading = if n == 0 { "try" } else { "or" };
        text += &line(&format!("  {heading}: {way}"));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A line that is never folded: to be copied.
pub fn line(text: &str) -> String {
    printable(text) + "\n"
}

/// A line with a heading, folded under its own text where it is too long: no name, however long, comes to
/// stand where a line begins.
pub(super) fn wrapped(heading: &str, text: &str, width: u16) -> String {
    let indent = " ".repeat(heading.chars().count().max(2));
    let options = textwrap::Options::new(usize::from(width))
        .initial_indent(heading)
        .subsequent_indent(&indent);
    textwrap::fill(&printable(text), options) + "\n"
}

/// Sentences, each on a line of its own.
fn totals(report: &Report) -> Vec<String> {
    let findings = report.findings;
    let rows = counted(findings.deleted(), "row");
    let tables = counted(findings.rows().len() as u64, "table");
    let unlinked = match findings.unlinked_rows {
        0 => String::new(),
        rows => format!(", {} unlinked", counted(rows, "row")),
    };
    let order = match findings {
        findings if findings.top_down => ", in one pass from the top down",
        findings if findings.engine_cascade => ", by the engine's own cascades",
        _ => "",
    };
    let proof = report.plan.rules.checks.as_str();
    let checks = |order| format!("reference checks: {proof}{order} ({})", report.checks_reason);
    match report.outcome {
        Outcome::Nothing => {
            vec![format!("nothing to clean up: nothing matches {}", report.selection)]
        }
        Outcome::Cleaned => {
            let took = duration(report.durations.values().sum());
            vec![
                format!(
                    "deleted {rows} of {tables}{unlinked} in {took}; {}",
                    ended(&findings.proof)
                ),
                checks(order),
            ]
        }
        Outcome::Rehearsed => {
            let took = duration(report.durations.values().sum());
            let mut lines = vec![format!(
                "rehearsed and rolled back: {rows} of {tables} went{unlinked} in {took}; nothing was changed"
            )];
            lines.push(checks(order));
            lines.extend(report.rehearsal.iter().flat_map(|it| rehearsal::lines(report, it)));
            lines
        }
        Outcome::Previewed => vec![
            format!("{rows} of {tables} would be deleted{unlinked}"),
            checks(""),
            format!("path: {}", report.path()),
        ],
        Outcome::Refused => {
            vec![format!("refused: nothing was changed ({rows} of {tables}{unlinked} at stake)")]
        }
    }
}

/// Committed, and what was proven before.
fn ended(proof: &Proof) -> String {
    match &unproven(proof)[..] {
        [] => "proven and committed".into(),
        unproven => format!("committed; proven, except {}", unproven.join("; ")),
    }
}

/// `3 ms`, `1.2 s`
pub fn duration(duration: Duration) -> String {
    match duration.as_millis() {
        0..1000 => format!("{} ms", duration.as_millis()),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

/// How old somebody is, in one unit; nothing where the future made them.
pub fn age(seconds: i64) -> Option<String> {
    const DAY: u64 = 86_400;
    let seconds = u64::try_from(seconds).ok()?;
    Some(match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => counted(seconds / 60, "minute"),
        7_200..172_800 => counted(seconds / 3_600, "hour"),
        _ => counted(seconds / DAY, "day"),
    })
}
