//! Archives and their contents, as tables and as JSON.

use super::history::{moment, organizations};
use super::table::{age, line, plain, wrapped};
use super::{counted, grouped};
use crate::archive::{Entry, Kind, Manifest, Organization, State};
use crate::receipt::Part;
use serde::Serialize;
use std::path::Path;
use time::OffsetDateTime;

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

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ArchivesDocument<'a> {
    format: u32,
    archives: Vec<ArchiveView<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ArchiveView<'a> {
    file: String,
    state: State,
    bytes: u64,
    age_seconds: u64,
    /// What the receipt of its run says of it.
    run: Option<&'a Part>,
    /// When it was put back last.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    restored_at: Option<OffsetDateTime>,
}

pub fn archives_json(archives: &[Kept]) -> String {
    let archives = archives.iter().map(|kept| ArchiveView {
        file: kept.entry.path.display().to_string(),
        state: kept.entry.state,
        bytes: kept.entry.bytes,
        age_seconds: kept.entry.age().as_secs(),
        run: kept.part.as_ref(),
        restored_at: kept.restored,
    });
    pretty(&ArchivesDocument { format: 1, archives: archives.collect() })
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
            Kind::Rows => if manifest.exported { "exported" } else { "deleted" }.to_owned(),
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
    let named: Vec<String> = manifest.organizations.iter().map(Organization::title).collect();
    for (heading, value) in [
        ("organizations: ", named.join(", ")),
        ("database: ", manifest.database.clone()),
        ("digest: ", manifest.digest()),
        (
            "made: ",
            format!("{} by {}, {}", moment(manifest.made_at), manifest.actor, manifest.tool),
        ),
    ] {
        text += &wrapped(heading, &value, width);
    }
    let rows = manifest.sections.iter().map(section).collect();
    text += &plain(&["Table", "What", "Rows", "Folder"], rows, &[2], width);
    let rows = counted(manifest.deleted(), "row");
    text += &if manifest.exported {
        format!("\n{rows} exported, nothing was deleted; every checksum holds\n")
    } else {
        let unlinked = counted(manifest.unlinked(), "row");
        format!("\n{rows} deleted, {unlinked} unlinked; every checksum holds\n")
    };
    text
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ManifestDocument<'a> {
    format: u32,
    /// [`Manifest::digest`]
    digest: String,
    manifest: &'a Manifest,
}

pub fn manifest_json(manifest: &Manifest) -> String {
    pretty(&ManifestDocument { format: 1, digest: manifest.digest(), manifest })
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

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("plain data always serializes")
}
