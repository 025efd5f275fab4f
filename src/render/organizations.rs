//! The organizations that there are, as a table, JSON and CSV.

use super::csv::field;
use super::table::{age, line, plain};
use super::{counted, grouped};
use crate::exit::Exit;
use crate::findings::Organization;
use serde::Serialize;

pub struct OrganizationsView<'a> {
    pub database: String,
    pub table: String,
    pub organizations: &'a [Organization],
    /// How many rows would go with each, where that was asked.
    pub rows: Option<&'a [u64]>,
    /// How many there are, those included that are not listed.
    pub total: u64,
    pub exit: Exit,
}

impl OrganizationsView<'_> {
    fn more(&self) -> u64 {
        self.total.saturating_sub(self.organizations.len() as u64)
    }

    /// Each with its rows.
    fn each(&self) -> impl Iterator<Item = (&Organization, Option<u64>)> {
        let rows = |n: usize| self.rows.and_then(|rows| rows.get(n).copied());
        self.organizations.iter().enumerate().map(move |(n, one)| (one, rows(n)))
    }
}

pub fn table(view: &OrganizationsView, width: u16) -> String {
    let row = |(one, rows): (&Organization, Option<u64>)| {
        let name = one.name.clone().unwrap_or_default();
        let mut cells =
            vec![one.key.clone(), name, one.age_seconds.and_then(age).unwrap_or_default()];
        cells.extend(rows.map(grouped));
        cells
    };
    let header = ["Key", "Name", "Age", "Rows"];
    let header = if view.rows.is_some() { &header[..] } else { &header[..3] };
    let mut text = if view.organizations.is_empty() {
        String::new()
    } else {
        plain(header, view.each().map(row).collect(), &[2, 3], width) + "\n"
    };
    let of = format!("in {} of {}", view.table, view.database);
    text += &match view.more() {
        0 => line(&format!("{} {of}", counted(view.total, "organization"))),
        more => line(&format!(
            "and {} more: {} {of}; --limit NUMBER lists so many",
            grouped(more),
            counted(view.total, "organization")
        )),
    };
    text
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct OrganizationsDocument<'a> {
    format: u32,
    command: &'static str,
    /// `listed`, or `nothing`.
    outcome: &'static str,
    exit: u8,
    database: &'a str,
    table: &'a str,
    organizations: Vec<ListedView<'a>>,
    total: u64,
    /// How many are not listed.
    more: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ListedView<'a> {
    key: &'a str,
    name: Option<&'a str>,
    age_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

pub fn json(view: &OrganizationsView) -> String {
    let document = OrganizationsDocument {
        format: 1,
        command: "organizations",
        outcome: if view.total > 0 { "listed" } else { "nothing" },
        exit: view.exit.code(),
        database: &view.database,
        table: &view.table,
        organizations: view.each().map(listed).collect(),
        total: view.total,
        more: view.more(),
    };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}

fn listed((one, rows): (&Organization, Option<u64>)) -> ListedView<'_> {
    let Organization { key, name, age_seconds } = one;
    ListedView { key, name: name.as_deref(), age_seconds: *age_seconds, rows }
}

pub fn csv(view: &OrganizationsView) -> String {
    let header = ["key", "name", "age_seconds", "rows"];
    let header = if view.rows.is_some() { &header[..] } else { &header[..3] };
    let row = |(one, rows): (&Organization, Option<u64>)| {
        let age = one.age_seconds.map(|age| age.to_string()).unwrap_or_default();
        let mut cells = vec![one.key.clone(), one.name.clone().unwrap_or_default(), age];
        cells.extend(rows.map(|rows| rows.to_string()));
        cells.iter().map(|cell| field(cell)).collect::<Vec<_>>().join(",") + "\n"
    };
    header.join(",") + "\n" + &view.each().map(row).collect::<String>()
}
