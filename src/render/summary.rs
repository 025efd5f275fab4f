//! How each organization of a series fared.

use super::table::{age, duration, line, with_whole, wrapped};
use super::{Outcome, Report, counted, grouped, json as report_json};
use crate::exit::{Exit, Problem};
use crate::findings::Organization;
use crate::label::{printable, title};
use crate::plan::RefusalKind;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// Everything that the summary may say.
pub struct Summary<'a> {
    pub command: &'static str,
    /// Redacted.
    pub database: &'a str,
    pub exit: Exit,
    /// What was looked for: `--org-like 'e2e-*'`.
    pub selection: &'a str,
    pub units: &'a [Unit],
    /// The command that shows one in full.
    pub full: Option<&'a str>,
    /// What to type next.
    pub next: Option<&'a str>,
}

/// One organization, or the policy's orphans, and what became of it.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// `None`: the orphans.
    pub organization: Option<Organization>,
    /// `None`: not tried.
    pub exit: Option<Exit>,
    pub took: Duration,
    ended: Ended,
    /// Rows that went or would go; nothing where it was refused.
    deleted: u64,
    unlinked: u64,
    /// `--force` is all that is missing.
    passable: bool,
    /// Why it did not go, in few words.
    short: Option<String>,
    why: Option<String>,
    hint: Option<String>,
    report: Option<Value>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Ended {
    #[default]
    NotTried,
    Cleaned,
    Previewed,
    Refused,
    Nothing,
    Failed,
    /// The connection died during COMMIT.
    Unknown,
}

impl Ended {
    fn as_str(self) -> &'static str {
        match self {
            Ended::NotTried => "not tried",
            Ended::Cleaned => "cleaned",
            Ended::Previewed => "would go",
            Ended::Refused => "refused",
            Ended::Nothing => "nothing left",
            Ended::Failed => "failed",
            Ended::Unknown => "unknown",
        }
    }
}

impl Unit {
    pub fn of(organization: Organization) -> Unit {
        Unit { organization: Some(organization), ..Unit::default() }
    }

    pub fn key(&self) -> Option<&str> {
        self.organization.as_ref().map(|organization| organization.key.as_str())
    }

    /// `e2e-17 (key 42)`, or what the orphans are called.
    pub fn title(&self) -> String {
        match &self.organization {
            Some(Organization { key, name, .. }) => {
                title(name.as_deref().unwrap_or_default(), &format!("key {key}"))
            }
            None => "orphans".into(),
        }
    }

    pub fn is_cleaned(&self) -> bool {
        self.ended == Ended::Cleaned
    }

    pub fn would_go(&self) -> bool {
        self.ended == Ended::Previewed
    }

    pub fn is_nothing(&self) -> bool {
        self.ended == Ended::Nothing
    }

    pub fn is_refused(&self) -> bool {
        self.ended == Ended::Refused
    }

    pub fn is_unknown(&self) -> bool {
        self.ended == Ended::Unknown
    }

    /// Refused, and `--force` would get past all of it.
    pub fn is_passable(&self) -> bool {
        self.is_refused() && self.passable
    }

    /// It ended with a report, which is kept where it is to be shown.
    pub fn reported(&mut self, report: &Report, keep: bool) {
        let refused = report.outcome == Outcome::Refused;
        let refusals = report.refusal_views();
        let ended = match report.outcome {
            Outcome::Cleaned => Ended::Cleaned,
            Outcome::Previewed | Outcome::Rehearsed => Ended::Previewed,
            Outcome::Refused => Ended::Refused,
            Outcome::Nothing => Ended::Nothing,
        };
        let count = |rows: u64| if refused { 0 } else { rows };
        // What comes after the colon counts rows; a guard's place is before it.
        let short = |kind: RefusalKind, message: &str| match kind {
            RefusalKind::Guard | RefusalKind::ReadOnly => message.to_owned(),
            _ => message.split(": ").next().unwrap_or_default().to_owned(),
        };
        let first = refusals.first().map(|refusal| {
            let more = match refusals.len() - 1 {
                0 => String::new(),
                more => format!(" (and {})", counted(more as u64, "other reason")),
            };
            short(refusal.kind, &refusal.message) + &more
        });
        *self = Unit {
            organization: self.organization.take(),
            exit: Some(if refused { Exit::Refused } else { Exit::Done }),
            took: self.took,
            ended,
            deleted: count(report.findings.deleted()),
            unlinked: count(report.findings.unlinked_rows),
            passable: refusals.iter().all(|refusal| refusal.kind.is_passable()),
            short: first,
            why: refusals.first().map(|refusal| refusal.message.clone()),
            hint: refusals.first().map(|refusal| refusal.hint.clone()),
            report: keep.then(|| report_json::value(report)),
        };
    }

    /// It is refused now, and is not in its turn: what stands in its way goes with those before it.
    pub fn goes_after_others(&mut self, deleted: u64, unlinked: u64) {
        let first = "goes after those before it, whose rows are in its way";
        (self.exit, self.ended) = (Some(Exit::Done), Ended::Previewed);
        (self.deleted, self.unlinked, self.passable) = (deleted, unlinked, false);
        (self.short, self.why) = (Some(first.into()), Some(first.into()));
        self.hint = None;
    }

    /// Rows that went or would go.
    pub fn deleted(&self) -> u64 {
        self.deleted
    }

    pub fn unlinked(&self) -> u64 {
        self.unlinked
    }

    /// It ended with an error.
    pub fn failed(&mut self, problem: Problem) {
        let ended = match problem.exit {
            Exit::Unknown => Ended::Unknown,
            Exit::Refused => Ended::Refused,
            _ => Ended::Failed,
        };
        *self = Unit {
            organization: self.organization.take(),
            exit: Some(problem.exit),
            took: self.took,
            ended,
            short: Some(shortened(&problem.message)),
            why: Some(problem.message),
            hint: problem.hint,
            ..Unit::default()
        };
    }

    /// The series ended before its turn.
    pub fn skipped(&mut self, why: &str) {
        let organization = self.organization.take();
        let (short, why) = (Some(why.to_owned()), Some(why.to_owned()));
        *self = Unit { organization, short, why, ..Unit::default() };
    }
}

/// The first line, as long as a cell may be.
fn shortened(message: &str) -> String {
    const LONGEST: usize = 160;
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// From so many columns on, reasons have one of the table's.
const WIDE: u16 = 100;

/// A table, and in words how many of them fared how.
pub fn table(summary: &Summary, width: u16) -> String {
    let mut text = String::new();
    if !summary.units.is_empty() {
        let beside = width >= WIDE;
        text += &units(summary.units, beside, width);
        text.push('\n');
        let below = |unit: &&Unit| unit.short.is_some() && !beside;
        for unit in summary.units.iter().filter(below) {
            let why = printable(unit.short.as_deref().unwrap_or_default());
            let heading = format!("{}: ", unit.ended.as_str());
            text += &wrapped(&heading, &format!("{}: {why}", unit.title()), width);
        }
    }
    text += &wrapped("", &totals(summary), width);
    for (heading, command) in [("in full: ", summary.full), ("next: ", summary.next)] {
        let told = command.map(|command| line(&format!("{heading}{command}")));
        text += &told.unwrap_or_default();
    }
    text
}

fn units(units: &[Unit], reasons: bool, width: u16) -> String {
    let tried = |unit: &Unit, text: String| if unit.exit.is_some() { text } else { String::new() };
    let went = |unit: &Unit, rows: u64| match unit.ended {
        Ended::Cleaned | Ended::Previewed => grouped(rows),
        _ => String::new(),
    };
    let name = |unit: &Unit| match &unit.organization {
        Some(Organization { name: Some(name), .. }) if !name.trim().is_empty() => title(name, ""),
        Some(_) => "(no name)".into(),
        None => "(orphans)".into(),
    };
    let old = |unit: &Unit| unit.organization.as_ref()?.age_seconds.and_then(age);
    type Cell<'a> = Box<dyn Fn(&Unit) -> String + 'a>;
    let columns: [(&str, bool, Cell); 8] = [
        ("Organization", false, Box::new(name)),
        ("Key", false, Box::new(|unit| unit.key().map(printable).unwrap_or_default())),
        ("Age", true, Box::new(|unit| old(unit).unwrap_or_default())),
        ("Outcome", false, Box::new(|unit| unit.ended.as_str().into())),
        ("Rows", true, Box::new(|unit| went(unit, unit.deleted))),
        ("Unlinked", true, Box::new(|unit| went(unit, unit.unlinked))),
        ("Time", true, Box::new(|unit| tried(unit, duration(unit.took)))),
        ("Why", false, Box::new(|unit| unit.short.as_deref().map(printable).unwrap_or_default())),
    ];
    // Columns that say nothing about any of them are left out.
    let speaks = |name: &str, cell: &Cell| match name {
        "Why" if !reasons => false,
        "Unlinked" => units.iter().any(|unit| unit.unlinked > 0),
        "Organization" | "Outcome" => true,
        _ => units.iter().any(|unit| !cell(unit).is_empty()),
    };
    let shown: Vec<_> = columns.iter().filter(|(name, _, cell)| speaks(name, cell)).collect();
    let header: Vec<&str> = shown.iter().map(|(name, ..)| *name).collect();
    let numbers: Vec<usize> =
        shown.iter().enumerate().filter(|(_, column)| column.1).map(|(n, _)| n).collect();
    let row = |unit: &Unit| shown.iter().map(|(_, _, cell)| cell(unit)).collect();
    // Names and reasons are folded before numbers are.
    let whole: Vec<usize> = (0..header.len())
        .filter(|n| !["Organization", "Key", "Why"].contains(&header[*n]))
        .collect();
    with_whole(&header, units.iter().map(row).collect(), &numbers, &whole, width)
}

fn totals(summary: &Summary) -> String {
    const WORDS: [(Ended, &str); 7] = [
        (Ended::Cleaned, "cleaned"),
        (Ended::Previewed, "would go"),
        (Ended::Refused, "refused"),
        (Ended::Failed, "failed"),
        (Ended::Unknown, "of unknown outcome"),
        (Ended::Nothing, "with nothing left"),
        (Ended::NotTried, "not tried"),
    ];
    if summary.units.is_empty() {
        return format!("nothing to clean up: nothing matches {}", summary.selection);
    }
    let count = |ended: Ended| summary.units.iter().filter(|unit| unit.ended == ended).count();
    let parts: Vec<String> = WORDS
        .iter()
        .filter(|(ended, _)| count(*ended) > 0)
        .map(|(ended, words)| format!("{} {words}", grouped(count(*ended) as u64)))
        .collect();
    let sum = |rows: fn(&Unit) -> u64| summary.units.iter().map(rows).sum::<u64>();
    let rows = counted(sum(|unit| unit.deleted), "row");
    let unlinked = match sum(|unit| unit.unlinked) {
        0 => String::new(),
        rows => format!(", {} unlinked", counted(rows, "row")),
    };
    let partly = if summary.exit == Exit::Partly { "partly done: " } else { "" };
    let went = match count(Ended::Cleaned) {
        0 if count(Ended::Previewed) == 0 => "nothing was changed".to_owned(),
        0 => format!("{rows} would be deleted{unlinked}"),
        _ => {
            let took: Duration = summary.units.iter().map(|unit| unit.took).sum();
            format!("{rows} deleted{unlinked} in {}", duration(took))
        }
    };
    let went = if count(Ended::Unknown) > 0 && count(Ended::Cleaned) == 0 {
        "the connection died during COMMIT".into()
    } else {
        went
    };
    format!("{partly}{}; {went}", parts.join(", "))
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SeriesDocument<'a> {
    format: u32,
    tool: &'static str,
    command: &'a str,
    database: &'a str,
    outcome: &'static str,
    exit: u8,
    per_organization: Vec<UnitView<'a>>,
    totals: SeriesTotals,
    next: Option<&'a str>,
}

/// An organization, or with a null key the policy's orphans, and what became of it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UnitView<'a> {
    key: Option<&'a str>,
    name: Option<&'a str>,
    age_seconds: Option<i64>,
    outcome: Ended,
    /// `null`: it was not tried.
    exit: Option<u8>,
    deleted: u64,
    unlinked: u64,
    milliseconds: f64,
    why: Option<&'a str>,
    hint: Option<&'a str>,
    /// As it would have been alone.
    #[cfg_attr(test, schemars(with = "Option<super::json::Document>"))]
    report: Option<&'a Value>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SeriesTotals {
    selected: usize,
    cleaned: usize,
    refused: usize,
    failed: usize,
    not_tried: usize,
    deleted: u64,
    unlinked: u64,
}

/// The whole series; each with the report that it would have had alone.
pub fn json(summary: &Summary) -> String {
    let count = |is: fn(&Unit) -> bool| summary.units.iter().filter(|unit| is(unit)).count();
    let document = SeriesDocument {
        format: 1,
        tool: concat!("orgsweep ", env!("CARGO_PKG_VERSION")),
        command: summary.command,
        database: summary.database,
        outcome: outcome(summary),
        exit: summary.exit.code(),
        per_organization: summary.units.iter().map(view).collect(),
        totals: SeriesTotals {
            selected: count(|unit| unit.organization.is_some()),
            cleaned: count(Unit::is_cleaned),
            refused: count(Unit::is_refused),
            failed: count(|unit| matches!(unit.ended, Ended::Failed | Ended::Unknown)),
            not_tried: count(|unit| unit.ended == Ended::NotTried),
            deleted: summary.units.iter().map(|unit| unit.deleted).sum(),
            unlinked: summary.units.iter().map(|unit| unit.unlinked).sum(),
        },
        next: summary.next,
    };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}

fn view(unit: &Unit) -> UnitView<'_> {
    let organization = unit.organization.as_ref();
    UnitView {
        key: unit.key(),
        name: organization.and_then(|organization| organization.name.as_deref()),
        age_seconds: organization.and_then(|organization| organization.age_seconds),
        outcome: unit.ended,
        exit: unit.exit.map(Exit::code),
        deleted: unit.deleted,
        unlinked: unit.unlinked,
        milliseconds: unit.took.as_secs_f64() * 1000.0,
        why: unit.why.as_deref(),
        hint: unit.hint.as_deref(),
        report: unit.report.as_ref(),
    }
}

fn outcome(summary: &Summary) -> &'static str {
    let any = |is: fn(&Unit) -> bool| summary.units.iter().any(is);
    match summary.exit {
        Exit::Done if any(Unit::is_cleaned) => "cleaned",
        Exit::Done | Exit::Something if any(Unit::would_go) => "previewed",
        Exit::Done => "nothing",
        Exit::Refused if summary.units.is_empty() => "nothing",
        Exit::Refused => "refused",
        Exit::Partly => "partly",
        Exit::Unknown => "unknown",
        Exit::Interrupted(_) => "interrupted",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests;
