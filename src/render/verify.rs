//! What `verify` found to be left, and where it looked.

use super::counted;
use super::table::line;
use crate::findings::Counted;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What is left, and what could be looked at.
#[derive(Debug, Default)]
pub struct Remains {
    /// Redacted.
    pub database: String,
    /// Key and name of organizations that still exist.
    pub organizations: Vec<(String, String)>,
    /// Rows that name a selected key, or a parent that does not exist.
    pub rows: Vec<Left>,
    /// What the records say was unlinked.
    pub stranded: Vec<Stranded>,
    pub checked: Vec<String>,
    /// Some columns were not: of a name that is gone nobody knows the key, and not every table is listed.
    pub unasked: bool,
    /// The organizations themselves stay: only what is theirs was to go.
    pub keep: bool,
}

/// Rows that a reference, or a column without a foreign key, has left.
#[derive(Debug)]
pub struct Left {
    pub reference: String,
    pub rows: Counted,
    pub what: What,
    /// They are no matter: `--leave-behind` or `--keep-organization` says so, or they name other keys.
    pub agreed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// They name the key.
    Names,
    /// They name it by a scope column.
    Scoped,
    /// They name nobody, and nobody can tell whose they were.
    Dangles,
}

/// Rows that belonged to an organization alone, and were unlinked from it when it went.
#[derive(Debug)]
pub struct Stranded {
    pub reference: String,
    pub rows: u64,
    /// Keys of those that went together.
    pub organizations: Vec<String>,
    pub at: OffsetDateTime,
}

impl Remains {
    /// Rows of which there are none are not left.
    pub fn add(&mut self, left: Left) {
        if left.rows != Counted::Rows(0) {
            self.rows.push(left);
        }
    }

    /// Nothing is left, as far as anybody can know.
    pub fn is_clear(&self) -> bool {
        (self.keep || self.organizations.is_empty()) && self.rows.iter().all(|left| left.agreed)
    }
}

pub fn text(remains: &Remains) -> String {
    let mut text = String::new();
    let there = if remains.keep { "stays" } else { "still there" };
    for (key, name) in &remains.organizations {
        text += &line(&format!("{there}: {name} (key {key})"));
    }
    for left in &remains.rows {
        text += &line(&sentence(left));
    }
    let stays = remains.keep && !remains.organizations.is_empty();
    if remains.is_clear() && (text.is_empty() || stays) {
        text += match (remains.unasked, stays) {
            (true, _) => "nothing is left of what was looked for\n",
            (false, true) => "nothing else is left\n",
            (false, false) => "nothing is left\n",
        };
    }
    for stranded in &remains.stranded {
        text += &line(&recalled(stranded));
    }
    text + &line(&format!("checked in {}: {}", remains.database, remains.checked.join("; ")))
}

fn sentence(left: &Left) -> String {
    let Left { reference, rows, what, agreed } = left;
    let as_agreed = if *agreed { ", as --leave-behind says" } else { "" };
    match (rows, what) {
        (Counted::Unknown(why), _) => {
            format!("not known: whether rows of it are left by {reference}: {why}{as_agreed}")
        }
        (Counted::Rows(rows), What::Names) if *agreed => {
            format!("stays linked: {} by {reference}", counted(*rows, "row"))
        }
        (Counted::Rows(rows), What::Names) => {
            format!("still there: {} by {reference}", counted(*rows, "row"))
        }
        (Counted::Rows(rows), What::Scoped) => format!(
            "left behind: {} by {reference}, which is no foreign key{as_agreed}",
            counted(*rows, "row")
        ),
        (Counted::Rows(rows), What::Dangles) => {
            let whose = if *agreed { ", of other keys" } else { "" };
            format!("dangling: {} by {reference} name nobody{whose}", counted(*rows, "row"))
        }
    }
}

fn recalled(stranded: &Stranded) -> String {
    let Stranded { reference, rows, organizations, at } = stranded;
    let table = reference.rsplit_once('.').map_or(reference.as_str(), |(table, _)| table);
    format!(
        "{} of {table} stayed when {} went on {}: unlinked by {reference}",
        counted(*rows, "row"),
        organizations.join(", "),
        at.date()
    )
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct VerifyDocument<'a> {
    format: u32,
    command: &'static str,
    database: &'a str,
    /// `gone`, or `left`.
    outcome: &'static str,
    exit: u8,
    /// The organizations themselves were to stay.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    keep_organization: bool,
    /// Those that still exist.
    organizations: Vec<OrganizationView<'a>>,
    rows: Vec<LeftView<'a>>,
    /// What the receipts say was unlinked.
    stranded: Vec<StrandedView<'a>>,
    /// What was looked for, and where, in words.
    checked: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OrganizationView<'a> {
    key: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LeftView<'a> {
    reference: &'a str,
    /// `null`: not known.
    rows: Option<u64>,
    unknown: Option<&'a str>,
    what: What,
    dangling: bool,
    /// `--leave-behind` or `--keep-organization` says that they may be there.
    agreed: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct StrandedView<'a> {
    reference: &'a str,
    rows: u64,
    organizations: &'a [String],
    at: String,
}

fn left(left: &Left) -> LeftView<'_> {
    let (rows, unknown) = match &left.rows {
        Counted::Rows(rows) => (Some(*rows), None),
        Counted::Unknown(why) => (None, Some(why.as_str())),
    };
    let dangling = left.what == What::Dangles;
    LeftView {
        reference: &left.reference,
        rows,
        unknown,
        what: left.what,
        dangling,
        agreed: left.agreed,
    }
}

fn stranded(it: &Stranded) -> StrandedView<'_> {
    let at = it.at.format(&Rfc3339).unwrap_or_default();
    StrandedView { reference: &it.reference, rows: it.rows, organizations: &it.organizations, at }
}

pub fn json(remains: &Remains, exit: u8) -> String {
    let organizations = remains.organizations.iter();
    let document = VerifyDocument {
        format: 1,
        command: "verify",
        database: &remains.database,
        outcome: if remains.is_clear() { "gone" } else { "left" },
        exit,
        keep_organization: remains.keep,
        organizations: organizations.map(|(key, name)| OrganizationView { key, name }).collect(),
        rows: remains.rows.iter().map(left).collect(),
        stranded: remains.stranded.iter().map(stranded).collect(),
        checked: remains.checked.join("; "),
    };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}
