//! Preview and summary as a person reads them, and tables: what is put into a cell stays there, whatever is in it.

pub use super::lines::{duration, line};

pub(super) use super::lines::wrapped;
use super::report::{ReachedView, StepView};
use super::{Outcome, Report, counted, grouped, refusal_groups, rehearsal, unproven};
use crate::findings::{Organization, Proof};
use crate::label::printable;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};
use std::time::Duration;

/// A person reads no more than so many steps, ways to the rows of one, and notes.
const MOST_STEPS: usize = 30;
const MOST_WAYS: usize = 3;
const MOST_NOTES: usize = 12;

/// The whole report, at most `width` columns wide.
pub fn report(report: &Report, width: u16) -> String {
    let mut text = String::new();
    let steps = report.steps();
    if !steps.is_empty() {
        let shown = largest(&steps, if report.all { usize::MAX } else { MOST_STEPS });
        text += &steps_table(&shown, report.all, width);
        text.push('\n');
        text += &left_out(&steps, &shown);
    }
    if !report.all && report.outcome != Outcome::Nothing {
        text += &empty_tables(report);
    }
    text += &refusal_groups::text(report, width);
    text += &notes(report, width);
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

/// The same of cells that have several lines. No word is broken: where the table would not fit otherwise, each row
/// stands on lines of its own.
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
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect();
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.set_header(header.to_vec());
    for row in &rows {
        table.add_row(row.clone());
    }
    for (n, name) in header.iter().enumerate() {
        const PADDING: usize = 2;
        let texts = rows.iter().filter_map(|row| row.get(n)).map(String::as_str);
        let words = texts.chain([*name]).flat_map(str::split_whitespace);
        let longest = words.map(|word| word.chars().count()).max().unwrap_or_default() + PADDING;
        let longest = Width::Fixed(u16::try_from(longest).unwrap_or(u16::MAX));
        if let Some(column) = table.column_mut(n) {
            column.set_constraint(ColumnConstraint::LowerBoundary(longest));
        }
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
    let text = table.to_string();
    if text.lines().all(|line| line.chars().count() <= usize::from(width)) {
        text
    } else {
        stacked(header, &rows, numbers, width)
    }
}

/// `1  delete  activity_logs  rows 21  deal_id → deals (cascade)`
fn stacked(header: &[&str], rows: &[Vec<String>], numbers: &[usize], width: u16) -> String {
    let cell = |(n, text): (usize, &String)| {
        let text = text.replace('\n', "; ");
        match header[n] {
            _ if text.is_empty() => None,
            name if numbers.contains(&n) && name != "#" => {
                Some(format!("{} {text}", name.to_lowercase()))
            }
            _ => Some(text),
        }
    };
    let row = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().enumerate().filter_map(cell).collect();
        wrapped("", &cells.join("  "), width)
    };
    rows.iter().map(row).collect::<String>().trim_end().to_owned()
}

/// The steps with the most rows, in their order.
fn largest(steps: &[StepView], most: usize) -> Vec<&StepView> {
    let mut shown: Vec<&StepView> = steps.iter().collect();
    shown.sort_by_key(|step| std::cmp::Reverse(step.rows));
    shown.truncate(most);
    shown.sort_by_key(|step| step.order);
    shown
}

fn left_out(steps: &[StepView], shown: &[&StepView]) -> String {
    let rows =
        |steps: &mut dyn Iterator<Item = &StepView>| steps.map(|step| step.rows).sum::<u64>();
    match (steps.len() - shown.len()) as u64 {
        0 => String::new(),
        more => {
            let rest = rows(&mut steps.iter()) - rows(&mut shown.iter().copied());
            format!(
                "… and {} with fewer rows, {} in all (--all)\n",
                counted(more, "more step"),
                grouped(rest)
            )
        }
    }
}

/// What is worth knowing, as much of it as a person reads.
fn notes(report: &Report, width: u16) -> String {
    let notes = report.notes();
    let shown = if report.all { notes.len() } else { notes.len().min(MOST_NOTES) };
    let mut text: String =
        notes[..shown].iter().map(|note| wrapped("note: ", note, width)).collect();
    if let more @ 1.. = notes.len() - shown {
        text += &format!("… and {} (--all)\n", counted(more as u64, "more note"));
    }
    text
}

fn steps_table(steps: &[&StepView], all: bool, width: u16) -> String {
    let timed = steps.iter().any(|step| step.milliseconds.is_some());
    let row = |step: &&StepView| {
        let shown = if all { step.reached_by.len() } else { step.reached_by.len().min(MOST_WAYS) };
        let ways = step.reached_by[..shown].iter();
        let mut reached: Vec<String> = ways.map(|reached| reached_by(reached, step.rows)).collect();
        if let more @ 1.. = step.reached_by.len() - shown {
            reached.push(format!("and {more} more (--all)"));
        }
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
        Outcome::Nothing if !findings.organizations.is_empty() => {
            let titles = findings.organizations.iter().map(Organization::title);
            let titles = titles.collect::<Vec<_>>().join(", ");
            vec![format!("nothing to clean up: {titles} has nothing that would go")]
        }
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
