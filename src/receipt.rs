//! The receipt that a run leaves: who deleted what, when, and how it ended. No row is in it. Pure data;
//! stable, versioned JSON.

pub mod chain;

use crate::archive::{Actor, Manifest, Organization};
use crate::exit::{Exit, Problem};
use chain::Link;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;

/// The version of the receipt's format.
const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Receipt {
    pub format: u32,
    pub tool: String,
    /// `clean` or `restore`.
    pub command: String,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub started_at: OffsetDateTime,
    pub seconds: f64,
    pub actor: Actor,
    /// Redacted.
    pub database: String,
    /// What was asked for: `--org-like 'e2e-*'`, or the archive.
    pub selection: String,
    pub exit: u8,
    /// Why it ended, where it did not end well.
    pub error: Option<String>,
    /// From 1 on, in the order in which the runs of a directory ended; 0: it is not linked.
    #[serde(default)]
    pub number: u64,
    /// The receipt that was the latest when this run ended.
    #[serde(default)]
    pub previous: Option<Link>,
    /// There were receipts and no head when this one was written: later ones may have been taken away with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub headless: bool,
    /// The saved plan that was carried out (`clean --plan`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Planned>,
    /// Archives are kept so long.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub archive_until: Option<OffsetDateTime>,
    /// One for each transaction.
    pub parts: Vec<Part>,
}

/// A saved plan, as its receipt names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Planned {
    /// Of its file.
    pub sha256: String,
    /// Those that it was saved with.
    pub flags: Vec<String>,
}

/// What one transaction did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, Default))]
pub struct Part {
    pub organizations: Vec<Organization>,
    /// `cleaned`, `refused`, `nothing`, `failed`, `restored`.
    pub outcome: String,
    pub error: Option<String>,
    pub seconds: f64,
    pub deleted: u64,
    pub unlinked: u64,
    /// Rows deleted (or put back) per table.
    pub tables: BTreeMap<String, u64>,
    /// What was not proven before COMMIT, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unproven: Vec<String>,
    /// Rows that stay although a column without a foreign key (`audit.tenant_id`) says that they are of what goes; no
    /// number where nobody knows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_behind: BTreeMap<String, Option<u64>>,
    /// The organizations' own rows stay.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stay: bool,
    /// Rows that go on naming them, by reference.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub linked: BTreeMap<String, u64>,
    /// Rows that stayed as the policy says, per table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, u64>,
    /// Rows that belong to nobody since the last row that linked them went, by that row's reference.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unassociated: BTreeMap<String, u64>,
    /// Rows that belonged to these organizations alone, by the reference that was unlinked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stranded: BTreeMap<String, u64>,
    /// The archive's file name.
    pub archive: Option<String>,
    /// [`Manifest::digest`] of the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_digest: Option<String>,
    /// SHA-256 of the rows of each section of the archive.
    pub digests: BTreeMap<String, String>,
    /// [`Manifest::digest`] of an archive that was put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<String>,
}

impl Part {
    /// Rows deleted, or put back.
    pub fn moved(&self) -> u64 {
        if self.outcome == "restored" { self.tables.values().sum() } else { self.deleted }
    }
}

impl Receipt {
    pub fn begin(command: &str, actor: Actor, database: String, selection: String) -> Receipt {
        Receipt {
            format: FORMAT,
            tool: concat!("orgsweep ", env!("CARGO_PKG_VERSION")).into(),
            command: command.into(),
            started_at: OffsetDateTime::now_utc(),
            seconds: 0.0,
            actor,
            database,
            selection,
            exit: 0,
            error: None,
            number: 0,
            previous: None,
            headless: false,
            plan: None,
            archive_until: None,
            parts: Vec::new(),
        }
    }

    /// `took` is measured by a clock that nobody sets.
    pub fn end(&mut self, ended: Result<Exit, &Problem>, took: Duration) {
        self.seconds = took.as_secs_f64();
        self.exit = ended.unwrap_or_else(|problem| problem.exit).code();
        self.error = ended.err().map(Problem::to_string);
    }

    /// `cleaned`, `3 cleaned, 1 refused`, or how the whole run ended where it came to nothing.
    pub fn outcome(&self) -> String {
        let mut counts = BTreeMap::<&str, u64>::new();
        for part in &self.parts {
            *counts.entry(&part.outcome).or_default() += 1;
        }
        match (self.parts.len(), &self.error) {
            (0, None) => "nothing".into(),
            // What was refused before a row was looked at.
            (0, Some(_)) if self.exit == Exit::Refused.code() => "refused".into(),
            (0, Some(_)) => "failed".into(),
            (1, _) => self.parts[0].outcome.clone(),
            _ => {
                let counts = counts.iter().map(|(outcome, count)| format!("{count} {outcome}"));
                counts.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// SHA-256 of the rows of each section.
pub fn digests(manifest: &Manifest) -> BTreeMap<String, String> {
    let digest =
        |section: &crate::archive::Section| (section.directory.clone(), section.sha256.clone());
    manifest.sections.iter().map(digest).collect()
}
