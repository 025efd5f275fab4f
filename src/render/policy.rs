//! What a policy means in the database that it was checked against.

use super::table::{line, plain, wrapped};
use super::{counted, grouped};
use crate::policy::Caveat;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub struct PolicyView {
    pub file: String,
    pub database: String,
    pub root: String,
    pub references: Vec<ReferenceView>,
    /// Table and condition.
    pub orphans: Vec<(String, String)>,
    /// Name and condition.
    pub selections: Vec<(String, String)>,
    /// The guard on databases and hosts that does not hold here.
    pub guard: Option<String>,
    pub caveats: Vec<Caveat>,
    /// Unclassified tables fail the check.
    #[serde(skip)]
    pub complete: bool,
    pub unclassified: Vec<UnclassifiedView>,
}

/// A reference of which the policy speaks.
#[derive(Debug, Clone, Serialize)]
pub struct ReferenceView {
    pub reference: String,
    pub parent: String,
    pub on_delete: &'static str,
    /// The database does not know it.
    pub declared: bool,
    /// Of a sample, the rows that name somebody, and those that name nobody who exists.
    pub rows: Option<u64>,
    pub dangling: Option<u64>,
    pub warning: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct UnclassifiedView {
    pub table: String,
    pub why: String,
}

impl PolicyView {
    pub fn fails(&self) -> bool {
        self.complete && !self.unclassified.is_empty()
    }
}

pub fn table(view: &PolicyView, width: u16) -> String {
    let row = |reference: &ReferenceView| {
        let number = |number: Option<u64>| number.map(grouped).unwrap_or_default();
        vec![
            format!("{} → {}", reference.reference, reference.parent),
            reference.on_delete.to_owned(),
            if reference.declared { "declared" } else { "overrides the database" }.to_owned(),
            number(reference.rows),
            number(reference.dangling),
        ]
    };
    let mut text = String::new();
    if !view.references.is_empty() {
        let header = ["Reference", "On delete", "", "Rows seen", "Dangling"];
        text += &plain(&header, view.references.iter().map(row).collect(), &[3, 4], width);
        text.push('\n');
    }
    for (table, condition) in &view.orphans {
        text += &wrapped("orphans: ", &format!("{table} where {condition}"), width);
    }
    for (name, condition) in &view.selections {
        text += &wrapped("selects: ", &format!("--select {name}: {condition}"), width);
    }
    for reference in &view.references {
        if let Some(warning) = &reference.warning {
            text += &wrapped("warning: ", &format!("{}: {warning}", reference.reference), width);
        }
    }
    for caveat in &view.caveats {
        text += &wrapped("not expressed: ", &format!("{}: {}", caveat.model, caveat.what), width);
    }
    if let Some(guard) = &view.guard {
        text += &wrapped("note: ", &format!("{guard}; clean is refused here"), width);
    }
    for table in &view.unclassified {
        text += &wrapped("unclassified: ", &format!("{}: {}", table.table, table.why), width);
    }
    if view.fails() {
        let count = counted(view.unclassified.len() as u64, "table");
        let what = format!(
            "{count} neither reached nor classified: declare the reference, or say [tables.NAME] keep = \"ignore\""
        );
        text += &wrapped("incomplete: ", &what, width);
    }
    text + &line(&format!("{} fits {}, organizations in {}", view.file, view.database, view.root))
}

pub fn json(view: &PolicyView) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        format: u32,
        command: &'static str,
        outcome: &'static str,
        exit: u8,
        #[serde(flatten)]
        view: &'a PolicyView,
    }
    let (outcome, exit) = if view.fails() { ("incomplete", 3) } else { ("fits", 0) };
    let document = Document { format: 1, command: "policy check", outcome, exit, view };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}
