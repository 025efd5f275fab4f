//! What a policy means in the database that it was checked against.

use super::table::{line, plain, wrapped};
use super::{counted, grouped};
use crate::policy::Caveat;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub struct PolicyView {
    pub file: String,
    /// Files that it includes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<String>,
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
    for caveat in grouped_caveats(&view.caveats) {
        text += &wrapped("not expressed: ", &caveat, width);
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
            "{count} not classified: declare the reference, be it only to be ignored, or say [tables.NAME] keep = \"ignore\""
        );
        text += &wrapped("incomplete: ", &what, width);
    }
    let with = match &view.included[..] {
        [] => String::new(),
        included => format!(" with {}", included.join(", ")),
    };
    let PolicyView { file, database, root, .. } = view;
    text + &line(&format!("{file}{with} fits {database}, organizations in {root}"))
}

/// What cannot be expressed, once for all that it is said of.
pub fn grouped_caveats(caveats: &[Caveat]) -> Vec<String> {
    const SHOWN: usize = 5;
    let mut groups: Vec<(String, Vec<&Caveat>)> = Vec::new();
    for caveat in caveats {
        // What it says of each names that one.
        let what = match &*caveat.model {
            "" => caveat.what.clone(),
            model => caveat.what.replace(model, "…"),
        };
        match groups.iter_mut().find(|(known, _)| *known == what) {
            Some((_, those)) => those.push(caveat),
            None => groups.push((what, vec![caveat])),
        }
    }
    let told = |(what, those): (String, Vec<&Caveat>)| match &those[..] {
        [Caveat { model, what, .. }] => format!("{model}: {what}"),
        _ => {
            let models = those.iter().take(SHOWN).map(|it| it.model.as_str());
            let models = models.collect::<Vec<_>>().join(", ");
            let more = match those.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{what}: {models}{more}")
        }
    };
    groups.into_iter().map(told).collect()
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
