//! What an organization reaches, as a table, a picture's source or JSON.

use super::grouped;
use super::table::{line, plain};
use crate::catalog::{Catalog, OnDelete, ReferenceId, TableId};
use crate::findings::Findings;
use crate::label::printable;
use crate::plan::{Plan, Unlink, Which};
use serde::Serialize;
use std::collections::BTreeMap;

/// The reachable part of the reference graph; with findings, how many rows of it are concerned.
pub struct GraphView<'a> {
    pub catalog: &'a Catalog,
    pub plan: &'a Plan,
    pub findings: Option<&'a Findings>,
}

/// One reference from a reachable table, in the order of discovery.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Edge {
    reference: String,
    child: String,
    columns: Vec<String>,
    parent: String,
    on_delete: &'static str,
    effect: Effect,
    /// Says whose the child's rows are.
    owning: bool,
    /// Only in rows that name nobody by a stronger one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    yields: bool,
    indexed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

/// What becomes of the child's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Effect {
    Deleted,
    NeedsForce,
    Unlinked,
    Kept,
}

impl GraphView<'_> {
    fn edges(&self) -> Vec<Edge> {
        numbered(self).into_iter().map(|(_, edge)| edge).collect()
    }

    fn edge(&self, id: ReferenceId) -> Edge {
        let reference = self.catalog.reference(id);
        Edge {
            reference: self.catalog.reference_name(id),
            child: self.name(reference.child),
            columns: reference.columns.clone(),
            parent: self.name(reference.parent),
            on_delete: reference.on_delete.as_str(),
            effect: match reference.on_delete {
                OnDelete::Cascade => Effect::Deleted,
                OnDelete::SetNull | OnDelete::SetDefault => Effect::Unlinked,
                OnDelete::Restrict | OnDelete::NoAction => Effect::NeedsForce,
                OnDelete::Ignore => Effect::Kept,
            },
            owning: self.plan.owning_of(reference.child).contains(&id),
            yields: !self.plan.ownership.yields_to(id).is_empty(),
            indexed: reference.index.is_some(),
            rows: self.findings.map(|findings| rows_by(findings, self.plan, id)),
        }
    }

    fn name(&self, table: TableId) -> String {
        self.catalog.table(table).name.to_string()
    }

    fn rows(&self) -> BTreeMap<TableId, u64> {
        self.findings.map(Findings::rows).unwrap_or_default()
    }
}

fn rows_by(findings: &Findings, plan: &Plan, id: ReferenceId) -> u64 {
    let found = findings.found.iter().filter(|found| found.reference == Some(id));
    let is_it = |unlink: &Unlink| unlink.reference == id && !unlink.erases();
    let unlinked = findings.unlinked.iter().filter(|it| is_it(&plan.unlinks[it.unlink]));
    found.map(|found| found.rows).sum::<u64>() + unlinked.map(|unlinked| unlinked.rows).sum::<u64>()
}

/// One line per reference.
pub fn table(view: &GraphView, width: u16) -> String {
    let row = |edge: &Edge| {
        let effect = match edge.effect {
            Effect::Deleted => "deleted",
            Effect::NeedsForce => "⚠ needs --force",
            Effect::Unlinked => "unlinked",
            Effect::Kept => "kept",
        };
        let mut row = vec![
            edge.child.clone(),
            format!("{} → {}", edge.columns.join(", "), edge.parent),
            edge.on_delete.to_owned(),
            effect.to_owned(),
            match (edge.owning, edge.yields) {
                (false, _) => "",
                (true, false) => "owns",
                (true, true) => "may own",
            }
            .to_owned(),
        ];
        row.extend(edge.rows.map(grouped));
        row
    };
    let mut header = vec!["Table", "Reference", "On delete", "Rows are", "Owner"];
    if view.findings.is_some() {
        header.push("Rows");
    }
    let edges = view.edges();
    let summary = format!(
        "{} reaches {} by {}",
        view.name(view.plan.root),
        super::counted(view.plan.tables.len() as u64 - 1, "table"),
        super::counted(edges.len() as u64, "reference"),
    );
    plain(&header, edges.iter().map(row).collect(), &[5], width) + "\n" + &line(&summary)
}

/// Graphviz: an arrow from parent to child, as the deletion goes.
pub fn dot(view: &GraphView) -> String {
    let escape = |text: &str| printable(text).replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = String::from("digraph orgsweep {\n  rankdir=LR;\n  node [shape=box];\n");
    for (table, label) in labels(view) {
        let bold = if table == view.plan.root { ", style=bold" } else { "" };
        text += &format!("  t{} [label=\"{}\"{bold}];\n", table.0, escape(&label));
    }
    for (id, edge) in numbered(view) {
        let style = match edge.effect {
            Effect::Deleted => "",
            Effect::NeedsForce => ", color=red, fontcolor=red, style=bold",
            Effect::Unlinked => ", style=dashed",
            Effect::Kept => ", style=dotted",
        };
        let reference = view.catalog.reference(id);
        text += &format!(
            "  t{} -> t{} [label=\"{} ({})\"{style}];\n",
            reference.parent.0,
            reference.child.0,
            escape(&edge.columns.join(", ")),
            edge.on_delete
        );
    }
    text + "}\n"
}

/// A Mermaid flowchart, for Markdown.
pub fn mermaid(view: &GraphView) -> String {
    // Mermaid's own entities: a label is HTML otherwise (<https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters>).
    let escape = |text: &str| {
        let text = printable(text).replace('#', "#35;").replace('&', "#amp;");
        text.replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
    };
    let mut text = String::from("flowchart LR\n");
    for (table, label) in labels(view) {
        text += &format!("  t{}[\"{}\"]\n", table.0, escape(&label));
    }
    for (id, edge) in numbered(view) {
        let reference = view.catalog.reference(id);
        let arrow = match edge.effect {
            Effect::Deleted => "-->",
            Effect::NeedsForce => "==>",
            Effect::Unlinked => "-.->",
            Effect::Kept => "-.-x",
        };
        text += &format!(
            "  t{} {arrow}|\"{} ({})\"| t{}\n",
            reference.parent.0,
            escape(&edge.columns.join(", ")),
            edge.on_delete,
            reference.child.0
        );
    }
    text
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct GraphDocument {
    format: u32,
    command: &'static str,
    root: String,
    /// In the order of discovery.
    tables: Vec<TableView>,
    references: Vec<Edge>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TableView {
    table: String,
    /// With a selection: how many go.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

pub fn json(view: &GraphView) -> String {
    let rows = view.rows();
    let counted = |id: &TableId| rows.get(id).copied().unwrap_or(0);
    let table = |id: &TableId| TableView {
        table: view.name(*id),
        rows: view.findings.map(|_| counted(id)),
    };
    let document = GraphDocument {
        format: 1,
        command: "graph",
        root: view.name(view.plan.root),
        tables: view.plan.discovery.iter().flatten().map(table).collect(),
        references: view.edges(),
    };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}

fn numbered(view: &GraphView) -> Vec<(ReferenceId, Edge)> {
    let followed = view.plan.followed.iter().map(|followed| followed.reference);
    // The others are of references that are followed.
    let of_survivors = view.plan.unlinks.iter().filter(|it| it.which == Which::Surviving);
    let unlinked = of_survivors.map(|unlink| unlink.reference);
    followed.chain(unlinked).map(|id| (id, view.edge(id))).collect()
}

/// Every table of the picture: the reachable ones and those that are only unlinked.
fn labels(view: &GraphView) -> BTreeMap<TableId, String> {
    let rows = view.rows();
    let unlinked =
        view.plan.unlinks.iter().map(|unlink| view.catalog.reference(unlink.reference).child);
    let tables = view.plan.tables.iter().copied().chain(unlinked);
    let label = |table: TableId| {
        let label = match rows.get(&table) {
            Some(rows) => format!("{} ({})", view.name(table), grouped(*rows)),
            None => view.name(table),
        };
        (table, label)
    };
    tables.map(label).collect()
}
