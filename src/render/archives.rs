//! Archives, their contents and the receipts of runs, as tables and as JSON.

use super::table::{age, line, plain, wrapped};
use super::{counted, grouped};
use crate::archive::{Entry, Kind, Manifest, State};
use crate::receipt::{Part, Receipt};
use serde_json::{Value, json};
use std::path::Path;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// An archive in its directory, and what the receipt of its run says of it.
pub struct Kept {
    pub name: String,
    pub entry: Entry,
    pub part: Option<Part>,
    /// When it was put back last.
    pub restored: Option<OffsetDateTime>,
}

impl Kept {
    fn organizations(&self) -> String {
        self.part.as_ref().map(|part| organizations(std::slice::from_ref(part))).unwrap_or_default()
    }

    fn rows(&self) -> Option<u64> {
        self.part.as_ref().map(|part| part.deleted)
    }

    /// Size, age and state.
    fn facts(&self) -> [String; 3] {
        let seconds = i64::try_from(self.entry.age().as_secs()).unwrap_or_default();
        let age = if seconds < 60 { "new".into() } else { age(seconds).unwrap_or_default() };
        [size(self.entry.bytes), age, self.state().to_owned()]
    }

    fn state(&self) -> &'static str {
        match self.entry.state {
            State::Complete if self.restored.is_some() => "put back",
            State::Complete => "complete",
            State::Pending => "pending",
            State::Partial => "partial",
        }
    }
}

fn organizations(parts: &[Part]) -> String {
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

pub fn archives_table(directory: &Path, archives: &[Kept], width: u16) -> String {
    if archives.is_empty() {
        return line(&format!("no archives in {}", directory.display()));
    }
    let count = counted(archives.len() as u64, "archive");
    let mut text = listed(archives, width) + "\n";
    text += &line(&format!("{count} in {}", directory.display()));
    for (state, note) in [
        (State::Pending, "pending: complete; orgsweep verify --org-id tells whether its rows went"),
        (State::Partial, "partial: being written, or left by a run that was killed before COMMIT"),
    ] {
        if archives.iter().any(|kept| kept.entry.state == state) {
            text += &wrapped("", note, width);
        }
    }
    text
}

/// A table where it fits; else each name, which nobody could copy if it were folded, on a line of its own.
fn listed(archives: &[Kept], width: u16) -> String {
    let row = |kept: &Kept| {
        let rows = kept.rows().map(grouped).unwrap_or_default();
        let [size, age, state] = kept.facts();
        vec![kept.name.clone(), kept.organizations(), rows, size, age, state]
    };
    let header = ["Archive", "Organizations", "Rows", "Size", "Age", "State"];
    let table = plain(&header, archives.iter().map(row).collect(), &[2, 3], u16::MAX);
    if table.lines().all(|line| line.chars().count() <= usize::from(width)) {
        return table;
    }
    let block = |kept: &Kept| {
        let rows = kept.rows().map(|rows| counted(rows, "row"));
        let organizations = Some(kept.organizations()).filter(|names| !names.is_empty());
        let facts: Vec<String> =
            organizations.into_iter().chain(rows).chain(kept.facts()).collect();
        line(&kept.name) + &wrapped("  ", &facts.join(", "), width)
    };
    archives.iter().map(block).collect::<String>().trim_end().to_owned()
}

pub fn archives_json(archives: &[Kept]) -> String {
    let archive = |kept: &Kept| {
        json!({
            "file": kept.entry.path.display().to_string(),
            "state": kept.entry.state,
            "bytes": kept.entry.bytes,
            "age_seconds": kept.entry.age().as_secs(),
            "run": kept.part,
            "restored_at": kept.restored.and_then(|at| at.format(&Rfc3339).ok()),
        })
    };
    pretty(&json!({ "format": 1, "archives": archives.iter().map(archive).collect::<Vec<_>>() }))
}

pub fn pruned(archives: &[Kept], dry_run: bool) -> String {
    let verb = if dry_run { "would be removed" } else { "removed" };
    let one = |kept: &Kept| line(&format!("{verb}: {}", kept.entry.path.display()));
    let mut text: String = archives.iter().map(one).collect();
    text += &format!("{} {verb}\n", counted(archives.len() as u64, "archive"));
    text
}

pub fn manifest_table(manifest: &Manifest, width: u16) -> String {
    let section = |section: &crate::archive::Section| {
        let what = match section.kind {
            Kind::Rows => "deleted".to_owned(),
            Kind::Unlinked => {
                let columns: Vec<&str> =
                    section.written.iter().map(|column| column.name.as_str()).collect();
                format!("unlinked: {}", columns.join(", "))
            }
        };
        vec![
            section.table_name().to_string(),
            what,
            grouped(section.rows),
            section.directory.clone(),
        ]
    };
    let mut text = String::new();
    let named: Vec<String> = manifest
        .organizations
        .iter()
        .map(|one| {
            crate::label::title(one.name.as_deref().unwrap_or(""), &format!("key {}", one.key))
        })
        .collect();
    for (heading, value) in [
        ("organizations: ", named.join(", ")),
        ("database: ", manifest.database.clone()),
        (
            "made: ",
            format!(
                "{} by {}@{}, {}",
                moment(manifest.made_at),
                manifest.actor.user,
                manifest.actor.host,
                manifest.tool
            ),
        ),
    ] {
        text += &wrapped(heading, &value, width);
    }
    let rows = manifest.sections.iter().map(section).collect();
    text += &plain(&["Table", "What", "Rows", "Folder"], rows, &[2], width);
    text += &format!(
        "\n{} deleted, {} unlinked; every checksum holds\n",
        counted(manifest.deleted(), "row"),
        counted(manifest.unlinked(), "row")
    );
    text
}

pub fn manifest_json(manifest: &Manifest) -> String {
    pretty(&json!({ "format": 1, "manifest": manifest }))
}

pub fn history_table(receipts: &[Receipt], width: u16) -> String {
    if receipts.is_empty() {
        return "no runs".into();
    }
    let row = |receipt: &Receipt| {
        let sum = |count: fn(&Part) -> u64| receipt.parts.iter().map(count).sum();
        let restored = |part: &Part| {
            if part.outcome == "restored" { part.tables.values().sum() } else { part.deleted }
        };
        vec![
            moment(receipt.started_at),
            receipt.command.clone(),
            organizations(&receipt.parts),
            receipt.outcome(),
            receipt.exit.to_string(),
            grouped(sum(restored)),
            format!("{}@{}", receipt.actor.user, receipt.actor.host),
        ]
    };
    let header = ["When (UTC)", "Command", "Organizations", "Outcome", "Exit", "Rows", "Who"];
    plain(&header, receipts.iter().map(row).collect(), &[4, 5], width)
}

pub fn history_json(receipts: &[Receipt]) -> String {
    pretty(&json!({ "format": 1, "runs": receipts }))
}

fn moment(time: OffsetDateTime) -> String {
    let minutes = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    time.format(minutes).or_else(|_| time.format(&Rfc3339)).unwrap_or_default()
}

/// `4.1 kB`, `312 MB`
fn size(bytes: u64) -> String {
    let units = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let number = bytes as f64;
    match units.iter().find(|(_, unit)| number >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", number / unit),
        None => format!("{bytes} B"),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("plain data always serializes")
}
