//! How each organization of a series fared.

use super::table::{duration, plain};
use super::{Outcome, Report, counted, grouped, json as report_json};
use crate::exit::Exit;
use crate::label::{printable, title};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// Everything that the summary may say.
pub struct Summary<'a> {
    pub command: &'static str,
    /// Redacted.
    pub database: &'a str,
    pub exit: u8,
    pub units: &'a [Unit],
}

/// One organization, or the policy's orphans, and what became of it.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// `None`: the orphans.
    pub key: Option<String>,
    pub name: Option<String>,
    /// `None`: not tried.
    pub exit: Option<Exit>,
    pub took: Duration,
    ended: Ended,
    deleted: u64,
    unlinked: u64,
    why: Option<String>,
    report: Option<Value>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Ended {
    #[default]
    NotTried,
    Cleaned,
    Previewed,
    Refused,
    Nothing,
    Failed,
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
        }
    }
}

impl Unit {
    pub fn organization(key: String, name: Option<String>) -> Unit {
        Unit { key: Some(key), name, ..Unit::default() }
    }

    /// `e2e-17 (key 42)`, or what the orphans are called.
    pub fn title(&self) -> String {
        match &self.key {
            Some(key) => title(self.name.as_deref().unwrap_or_default(), &format!("key {key}")),
            None => "orphans".into(),
        }
    }

    pub fn is_cleaned(&self) -> bool {
        self.ended == Ended::Cleaned
    }

    /// It ended with a report.
    pub fn reported(&mut self, report: &Report) {
        let refused = report.outcome == Outcome::Refused;
        self.exit = Some(if refused { Exit::Refused } else { Exit::Done });
        self.ended = match report.outcome {
            Outcome::Cleaned => Ended::Cleaned,
            Outcome::Previewed => Ended::Previewed,
            Outcome::Refused => Ended::Refused,
            Outcome::Nothing => Ended::Nothing,
        };
        self.deleted = report.findings.deleted();
        self.unlinked = report.findings.unlinked_rows();
        // What comes after the colon counts rows; the report has it.
        let short = |message: &str| message.split(": ").next().unwrap_or_default().to_owned();
        self.why = report.refusal_views().first().map(|refusal| short(&refusal.message));
        self.report = Some(report_json::value(report));
    }

    /// It ended with an error.
    pub fn failed(&mut self, exit: Exit, why: &str) {
        self.exit = Some(exit);
        self.ended = Ended::Failed;
        self.why = Some(why.to_owned());
    }
}

pub fn table(summary: &Summary, width: u16) -> String {
    let row = |unit: &Unit| {
        vec![
            unit.title(),
            unit.ended.as_str().to_owned(),
            grouped(unit.deleted),
            grouped(unit.unlinked),
            duration(unit.took),
            unit.why.as_deref().map(printable).unwrap_or_default(),
        ]
    };
    let header = ["Organization", "Outcome", "Rows", "Unlinked", "Time", "Why"];
    let mut text = String::new();
    if !summary.units.is_empty() {
        text += &plain(&header, summary.units.iter().map(row).collect(), &[2, 3, 4], width);
        text.push('\n');
    }
    text + &totals(summary) + "\n"
}

fn totals(summary: &Summary) -> String {
    let count =
        |ended: Ended| summary.units.iter().filter(|unit| unit.ended == ended).count() as u64;
    let going = [(Ended::Cleaned, "cleaned"), (Ended::Previewed, "would go")];
    let others = [
        (Ended::Refused, "refused"),
        (Ended::Failed, "failed"),
        (Ended::Nothing, "with nothing left"),
        (Ended::NotTried, "not tried"),
    ];
    let said = going.iter().chain(&others).filter(|(ended, _)| count(*ended) > 0);
    let parts: Vec<String> =
        said.map(|(ended, words)| format!("{} {words}", grouped(count(*ended)))).collect();
    let rows = |unit: &&Unit| matches!(unit.ended, Ended::Cleaned | Ended::Previewed);
    let rows: u64 = summary.units.iter().filter(rows).map(|unit| unit.deleted).sum();
    let verb = if summary.command == "clean" { "deleted" } else { "would be deleted" };
    let more = count(Ended::Refused) + count(Ended::Failed) > 0;
    let more = if more { "\nmore of one: orgsweep preview --org-id KEY" } else { "" };
    match parts.is_empty() {
        true => "nothing to clean up: no organization matches".into(),
        false => format!("{}; {} {verb}{more}", parts.join(", "), counted(rows, "row")),
    }
}

pub fn json(summary: &Summary) -> String {
    let unit = |unit: &Unit| {
        serde_json::json!({
            "key": unit.key,
            "name": unit.name,
            "outcome": unit.ended,
            "exit": unit.exit.map(Exit::code),
            "deleted": unit.deleted,
            "unlinked": unit.unlinked,
            "milliseconds": unit.took.as_secs_f64() * 1000.0,
            "why": unit.why,
            "report": unit.report,
        })
    };
    let document = serde_json::json!({
        "format": 1,
        "tool": concat!("orgsweep ", env!("CARGO_PKG_VERSION")),
        "command": summary.command,
        "database": summary.database,
        "exit": summary.exit,
        "per_organization": summary.units.iter().map(unit).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}
