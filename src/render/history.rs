//! Runs that receipts tell of, and what the receipts say of each other.

use super::lines::{line, seconds};
use super::table::{plain, wrapped};
use super::{counted, grouped};
use crate::archive::Organization;
use crate::label::shell_word;
use crate::receipt::chain::{FaultKind, Link, Verdict};
use crate::receipt::{Part, Planned, Receipt};
use serde::Serialize;
use std::path::Path;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// A receipt that can be read.
pub struct Run<'a> {
    pub link: &'a Link,
    pub receipt: &'a Receipt,
    /// When what it deleted was put back last, as another receipt says.
    pub put_back: Option<OffsetDateTime>,
}

impl Run<'_> {
    /// What tells it from others, short enough to be typed.
    fn name(&self) -> &str {
        self.link.id.rsplit_once('-').map_or(&self.link.id, |(_, end)| end)
    }

    fn rows(&self) -> u64 {
        self.receipt.parts.iter().map(Part::moved).sum()
    }

    fn took(&self) -> String {
        seconds(self.receipt.seconds)
    }
}

/// Each run on a line of its own, and below it what it was about.
pub fn table(runs: &[Run], of: usize, width: u16) -> String {
    if runs.is_empty() {
        return "no runs".into();
    }
    let mut text = String::new();
    for run in runs {
        let receipt = run.receipt;
        text += &line(&format!(
            "{}  {}  {} {}, exit {}: {} in {}, by {}{}",
            moment(receipt.started_at),
            run.name(),
            receipt.command,
            receipt.outcome(),
            receipt.exit,
            counted(run.rows(), "row"),
            run.took(),
            receipt.actor,
            if run.put_back.is_some() { "; put back since" } else { "" },
        ));
        let about = [organizations(&receipt.parts), receipt.selection.clone()];
        let about: Vec<String> = about.into_iter().filter(|it| !it.is_empty()).collect();
        text += &wrapped("  ", &format!("{}: {}", receipt.database, about.join("; ")), width);
    }
    if of > runs.len() {
        text += &line(&format!(
            "the latest {} of {} runs: --last shows more",
            runs.len(),
            grouped(of as u64)
        ));
    }
    text
}

/// `Apex, Global, Third and 4 more`
pub fn organizations(parts: &[Part]) -> String {
    const SHOWN: usize = 3;
    let mut all: Vec<String> = parts
        .iter()
        .flat_map(|part| &part.organizations)
        .map(|one| one.name.clone().unwrap_or_else(|| one.key.clone()))
        .collect();
    // Batches are of the same one.
    all.dedup();
    match all.len() {
        0..=SHOWN => all.join(", "),
        many => format!("{} and {} more", all[..SHOWN].join(", "), many - SHOWN),
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RunView<'a> {
    /// Of the receipt, and SHA-256 of its file.
    id: &'a str,
    sha256: &'a str,
    /// When what it deleted was put back last.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    put_back: Option<OffsetDateTime>,
    #[serde(flatten)]
    receipt: &'a Receipt,
}

fn view<'a>(run: &Run<'a>) -> RunView<'a> {
    let Run { link, receipt, put_back } = *run;
    RunView { id: &link.id, sha256: &link.sha256, put_back, receipt }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct HistoryDocument<'a> {
    format: u32,
    runs: Vec<RunView<'a>>,
}

pub fn json(runs: &[Run]) -> String {
    let document = HistoryDocument { format: 1, runs: runs.iter().map(view).collect() };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}

pub fn one_json(run: &Run) -> String {
    serde_json::to_string_pretty(&view(run)).expect("plain data always serializes")
}

/// All of one run.
pub fn one(run: &Run, width: u16) -> String {
    let receipt = run.receipt;
    let mut text = String::new();
    for (heading, value) in [
        ("run: ", run.link.id.clone()),
        ("sha256: ", run.link.sha256.clone()),
        ("database: ", receipt.database.clone()),
        ("asked for: ", receipt.selection.clone()),
        ("plan: ", receipt.plan.as_ref().map(planned).unwrap_or_default()),
        (
            "made: ",
            format!(
                "{}, in {}, by {}, {}",
                moment(receipt.started_at),
                run.took(),
                receipt.actor,
                receipt.tool
            ),
        ),
        ("ended: ", format!("{} {}, exit {}", receipt.command, receipt.outcome(), receipt.exit)),
    ] {
        if !value.is_empty() {
            text += &wrapped(heading, &value, width);
        }
    }
    if let Some(at) = run.put_back {
        text += &line(&format!("put back: {}", moment(at)));
    }
    if let Some(error) = &receipt.error {
        text += &wrapped("error: ", error, width);
    }
    for part in &receipt.parts {
        text += &of_part(part, width);
    }
    text
}

/// The plan that a run carried out.
pub fn planned(plan: &Planned) -> String {
    let flags = plan.flags.iter().map(|flag| shell_word(flag)).collect::<Vec<_>>().join(" ");
    format!("sha256 {} of {flags}", plan.sha256)
}

fn of_part(part: &Part, width: u16) -> String {
    let names: Vec<String> = part.organizations.iter().map(Organization::title).collect();
    let names = names.join(", ");
    let mut text = wrapped(&format!("\n{}: ", part.outcome), &names, width);
    if !part.tables.is_empty() {
        let row = |(table, rows): (&String, &u64)| vec![table.clone(), grouped(*rows)];
        text += &plain(&["Table", "Rows"], part.tables.iter().map(row).collect(), &[1], width);
        text.push('\n');
    }
    let (rows, unlinked) = (counted(part.moved(), "row"), counted(part.unlinked, "row"));
    text += &line(&format!("{rows}, {unlinked} unlinked"));
    if part.stay {
        text += &wrapped("stayed: ", "the organizations' own rows", width);
    }
    for (table, rows) in &part.kept {
        text += &wrapped("kept: ", &format!("{} of {table}", counted(*rows, "row")), width);
    }
    for (reference, rows) in &part.linked {
        text += &wrapped("linked: ", &format!("{} by {reference}", counted(*rows, "row")), width);
    }
    for (reference, rows) in &part.stranded {
        text += &wrapped("stranded: ", &format!("{} by {reference}", counted(*rows, "row")), width);
    }
    for (reference, rows) in &part.unassociated {
        let rows = format!("{} named by {reference} no more", counted(*rows, "row"));
        text += &wrapped("nobody's: ", &rows, width);
    }
    for (column, rows) in &part.left_behind {
        let rows = rows.map_or("not known how many rows".into(), |rows| counted(rows, "row"));
        text += &wrapped("left behind: ", &format!("{rows} by {column}"), width);
    }
    for unproven in &part.unproven {
        text += &wrapped("not proven: ", unproven, width);
    }
    if let Some(archive) = &part.archive {
        text += &line(&format!("archive: {archive}"));
    }
    text
}

/// What the receipts say of each other.
pub fn verdict(directory: &Path, verdict: &Verdict, width: u16) -> String {
    let mut text = String::new();
    for fault in &verdict.faults {
        let before = match fault.lost {
            0 | 1 => String::new(),
            lost => format!(", and {} before it", counted(lost - 1, "receipt")),
        };
        let what = match fault.kind {
            FaultKind::Removed => format!("{} is gone{before}", fault.of),
            FaultKind::Changed => format!("{} is not what it was when it was written", fault.of),
            FaultKind::Strange => format!("{} is one that no other receipt knows", fault.of),
            FaultKind::NoHead if !fault.of.is_empty() => format!(
                "receipts.head was gone when {} was written: nothing tells whether runs before it are missing",
                fault.of
            ),
            FaultKind::NoReceipt => format!(
                "no receipt is of the archive {}: its run goes on, was killed before it could write one, or the \
                 receipt was taken away",
                fault.of
            ),
            FaultKind::NoHead => {
                "receipts.head is gone: nothing tells whether the latest runs are still here".into()
            }
            FaultKind::UnknownHead => format!("no receipt here has the digest {}", fault.of),
        };
        text += &wrapped("tampered: ", &what, width);
    }
    if !verdict.unlinked.is_empty() {
        let count = counted(verdict.unlinked.len() as u64, "receipt");
        let note = format!(
            "nothing vouches for {count} without a digest: {}",
            verdict.unlinked.join(", ")
        );
        text += &wrapped("note: ", &note, width);
    }
    if verdict.expired > 0 {
        let count = counted(verdict.expired, "receipt");
        text += &wrapped("note: ", &format!("{count} were kept long enough, and are gone"), width);
    }
    let linked = counted(verdict.linked, "receipt");
    let others = if verdict.faults.is_empty() { "" } else { "the others: " };
    let directory = directory.display();
    text += &line(&format!("{others}{linked} in {directory}: as written, one after the other"));
    if let Some(head) = &verdict.head {
        text += &line(&format!("head: {} of {}", head.sha256, head.id));
    }
    text
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct VerdictDocument<'a> {
    format: u32,
    command: &'static str,
    directory: String,
    outcome: &'static str,
    exit: u8,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

pub fn verdict_json(directory: &Path, verdict: &Verdict, exit: u8) -> String {
    let outcome = if verdict.faults.is_empty() { "intact" } else { "tampered" };
    let directory = directory.display().to_string();
    let document = VerdictDocument {
        format: 1,
        command: "history --verify",
        directory,
        outcome,
        exit,
        verdict,
    };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}

/// `2026-11-23 05:37:07 UTC`
pub fn moment(time: OffsetDateTime) -> String {
    let seconds = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let time = time.to_offset(UtcOffset::UTC);
    time.format(seconds).or_else(|_| time.format(&Rfc3339)).unwrap_or_default()
}
