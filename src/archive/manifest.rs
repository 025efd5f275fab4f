//! What an archive says of itself. Pure data; stable, versioned JSON.

use super::write::hex;
use crate::catalog::{Column, TableName};
use crate::engine::Dialect;
use crate::label;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use time::OffsetDateTime;

/// The version of the archive's format that this program writes, and the only one that it reads.
pub const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Manifest {
    pub format: u32,
    /// `orgsweep 0.1.0`
    pub tool: String,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub made_at: OffsetDateTime,
    pub actor: Actor,
    /// Redacted.
    pub database: String,
    /// Tells this database from every other: see `Database::identity`.
    pub identity: String,
    #[cfg_attr(test, schemars(with = "String"))]
    pub dialect: Dialect,
    /// The table of organizations.
    pub root: String,
    pub organizations: Vec<Organization>,
    /// The policy file, where one was used.
    pub policy: Option<String>,
    /// The catalog's fingerprint when the rows went.
    pub schema: String,
    /// The latest receipt of the directory when the archive was begun; of an export none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Head>,
    /// Nothing was deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exported: bool,
    pub sections: Vec<Section>,
}

/// A receipt, as another one names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Link {
    /// Its file's name without the ending.
    pub id: String,
    /// Of its file.
    pub sha256: String,
}

/// The latest receipt of a directory, as a file beside them says: without it nobody would miss the last one. As an
/// archive says, number 0: there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Head {
    pub number: u64,
    #[serde(flatten)]
    pub link: Link,
}

/// What an archive says of itself at its head, where pruning finds it without reading the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub format: u32,
    pub tool: String,
    /// As in the manifest.
    pub identity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Head>,
}

impl About {
    /// The name of the archive's first member.
    pub const NAME: &str = "orgsweep.json";

    pub fn of(manifest: &Manifest) -> About {
        let Manifest { format, tool, identity, after, .. } = manifest.clone();
        About { format, tool, identity, after }
    }
}

/// Who ran it, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Actor {
    pub user: String,
    pub host: String,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Organization {
    pub key: String,
    pub name: Option<String>,
}

impl Organization {
    /// `Apex (key 1)`
    pub fn title(&self) -> String {
        label::organization(self.name.as_deref(), &self.key)
    }
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Section {
    pub kind: Kind,
    /// Where its pieces are in the archive.
    pub directory: String,
    pub schema: Option<String>,
    pub table: String,
    /// PostgreSQL: the schema in which the search path found a table without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_in: Option<String>,
    /// Of an unlink: first what identifies the row, then the old values of `written`, then the new
    /// ones.
    pub columns: Vec<ArchivedColumn>,
    /// Columns that an unlink overwrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<ArchivedColumn>,
    /// SQLite: after the columns' values a line has the row's rowid, which none of them is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rowid: bool,
    /// How many of the rows named nobody when they went, by reference: they come back so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dangling: BTreeMap<String, u64>,
    pub rows: u64,
    /// Of all pieces, one after the other.
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArchivedColumn {
    pub name: String,
    #[serde(rename = "type")]
    pub type_name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Rows that were deleted, or would be.
    Rows,
    /// Rows that stayed, and lost what they named, or would.
    Unlinked,
}

impl ArchivedColumn {
    pub fn of(column: &Column) -> ArchivedColumn {
        ArchivedColumn { name: column.name.clone(), type_name: column.type_name.clone() }
    }
}

impl Section {
    pub fn table_name(&self) -> TableName {
        TableName {
            schema: self.schema.clone(),
            name: self.table.clone(),
            found_in: self.found_in.clone(),
        }
    }

    /// How many values a line has.
    pub fn width(&self) -> usize {
        self.columns.len() + 2 * self.written.len() + usize::from(self.rowid)
    }
}

impl Manifest {
    /// Rows that were deleted.
    pub fn deleted(&self) -> u64 {
        self.count(Kind::Rows)
    }

    /// Rows that were unlinked.
    pub fn unlinked(&self) -> u64 {
        self.count(Kind::Unlinked)
    }

    fn count(&self, kind: Kind) -> u64 {
        self.sections.iter().filter(|section| section.kind == kind).map(|s| s.rows).sum()
    }

    /// What tells this archive from every other, whatever its file is called: SHA-256 of what it says of itself,
    /// the time included.
    pub fn digest(&self) -> String {
        let text = serde_json::to_vec(self).expect("plain data always serializes");
        hex(&Sha256::digest(text))
    }

    /// `Apex Innovations Inc.`, `3 organizations`, `orphans`.
    pub fn subject(&self) -> String {
        match &self.organizations[..] {
            [] => "orphans".into(),
            [one] => one.name.clone().unwrap_or_else(|| format!("key {}", one.key)),
            several => format!("{} organizations", several.len()),
        }
    }
}
