//! The references along which rows go, as a picture: tables in layers, parents left of their children.

use super::super::{Report, counted, grouped};
use crate::catalog::{OnDelete, ReferenceId, TableId};
use crate::label::printable;
use maud::{Markup, html};
use std::collections::BTreeMap;
use textwrap::core::display_width;

const WIDTH: usize = 184;
const HEIGHT: usize = 38;
/// Between layers, where the arrows are; between the columns of one layer; between tables of a column.
const GAP: usize = 64;
const COLUMN_GAP: usize = 16;
const ROW_GAP: usize = 12;
/// More tables of a layer stand in another column.
const TALLEST: usize = 16;
/// More tables than this are looked at by those who want to.
const LARGE: usize = 40;

struct Node {
    table: TableId,
    name: String,
    count: String,
    kind: &'static str,
    x: usize,
    y: usize,
}

/// The tables with rows that go or are unlinked, and the references between them.
pub fn picture(report: &Report) -> Markup {
    let edges = edges(report);
    let nodes = placed(report, &edges);
    if nodes.len() < 2 {
        return html! {};
    }
    let far = |at: fn(&Node) -> usize| nodes.iter().map(at).max().unwrap_or_default();
    let (width, height) = (far(|node| node.x) + WIDTH + 4, far(|node| node.y) + HEIGHT + 4);
    let place: BTreeMap<TableId, &Node> = nodes.iter().map(|node| (node.table, node)).collect();
    let kind = |id: ReferenceId| match report.catalog.reference(id).on_delete {
        OnDelete::Restrict | OnDelete::NoAction => "force",
        _ if report.plan.follows(id) => "",
        _ => "unlink",
    };
    let drawing = html! {
        div.picture {
            svg width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) role="img"
                aria-label="the references along which rows go" {
                @for id in &edges {
                    path.edge.(kind(*id)) d=(way(report, &place, *id)) {
                        title { (printable(&named(report, *id))) }
                    }
                }
                @for node in &nodes {
                    g.node.(node.kind) {
                        title { (printable(&node.name)) ": " (node.count) }
                        rect x=(node.x) y=(node.y) width=(WIDTH) height=(HEIGHT) rx="5" {}
                        text x=(node.x + 10) y=(node.y + 16) { (fitting(&node.name)) }
                        text.count x=(node.x + 10) y=(node.y + 31) { (node.count) }
                    }
                }
            }
        }
        p {
            span.key { "cascade" } span.key.force { "restrict or no action: needs --force" }
            span.key.unlink { "unlinked, the row stays" }
        }
    };
    let tables = counted(nodes.len() as u64, "table");
    let references = counted(edges.len() as u64, "reference");
    html! {
        h2 { "Along which references" }
        @if nodes.len() > LARGE {
            details { summary { "picture of " (tables) " and " (references) } (drawing) }
        } @else {
            (drawing)
        }
    }
}

/// The references between tables of the picture.
fn edges(report: &Report) -> Vec<ReferenceId> {
    let rows = report.findings.rows();
    let is_shown = |id: &ReferenceId| {
        let reference = report.catalog.reference(*id);
        rows.contains_key(&reference.parent) && rows.contains_key(&reference.child)
    };
    let followed = report.plan.followed.iter().map(|followed| followed.reference);
    let unlinks = report.findings.unlinked.iter().map(|it| &report.plan.unlinks[it.unlink]);
    let unlinked = unlinks.filter(|unlink| !unlink.erases()).map(|unlink| unlink.reference);
    followed.filter(is_shown).chain(unlinked).collect()
}

/// The tables, each where it stands.
fn placed(report: &Report, edges: &[ReferenceId]) -> Vec<Node> {
    let mut layers = layers(report, edges);
    let mut heights = BTreeMap::<TableId, usize>::new();
    let mut nodes = Vec::new();
    let tallest = layers.iter().map(|layer| layer.len().min(TALLEST)).max().unwrap_or_default();
    let mut x = 2;
    for layer in &mut layers {
        // Near their parents, so that arrows cross less.
        layer.sort_by_key(|table| parents_height(report, edges, &heights, *table));
        let columns = layer.len().div_ceil(TALLEST).max(1);
        let each = layer.len().div_ceil(columns).max(1);
        for (n, table) in layer.iter().enumerate() {
            let column_size = each.min(layer.len() - n / each * each);
            let above = (tallest - column_size) * (HEIGHT + ROW_GAP) / 2;
            let y = 2 + above + n % each * (HEIGHT + ROW_GAP);
            heights.insert(*table, y);
            nodes.push(node(report, *table, x + n / each * (WIDTH + COLUMN_GAP), y));
        }
        x += columns * (WIDTH + COLUMN_GAP) - COLUMN_GAP + GAP;
    }
    nodes
}

/// As far from the root as the longest way; tables that name each other stand together.
fn layers(report: &Report, edges: &[ReferenceId]) -> Vec<Vec<TableId>> {
    let rows = report.findings.rows();
    let mut depth = BTreeMap::<TableId, usize>::new();
    let below = |table: TableId, depth: &BTreeMap<TableId, usize>| {
        let parents = edges.iter().map(|id| report.catalog.reference(*id));
        let parents = parents.filter(|it| it.child == table && it.parent != table);
        parents.filter_map(|it| depth.get(&it.parent)).map(|depth| depth + 1).max()
    };
    for component in &report.plan.discovery {
        let shown = component.iter().filter(|table| rows.contains_key(table));
        let deep = shown.clone().filter_map(|table| below(*table, &depth)).max();
        depth.extend(shown.map(|table| (*table, deep.unwrap_or_default())));
    }
    for unlinked in &report.findings.unlinked {
        let id = report.plan.unlinks[unlinked.unlink].reference;
        let child = report.catalog.reference(id).child;
        if !depth.contains_key(&child) {
            depth.insert(child, below(child, &depth).unwrap_or_default());
        }
    }
    let mut layers = vec![Vec::new(); depth.values().max().map_or(0, |deepest| deepest + 1)];
    for (table, depth) in depth {
        layers[depth].push(table);
    }
    layers
}

fn parents_height(
    report: &Report,
    edges: &[ReferenceId],
    heights: &BTreeMap<TableId, usize>,
    table: TableId,
) -> usize {
    let parents = edges.iter().map(|id| report.catalog.reference(*id));
    let parents = parents.filter(|reference| reference.child == table);
    let heights: Vec<usize> =
        parents.filter_map(|reference| heights.get(&reference.parent)).copied().collect();
    heights.iter().sum::<usize>() / heights.len().max(1)
}

fn node(report: &Report, table: TableId, x: usize, y: usize) -> Node {
    let unlinked = report.findings.unlinked.iter().filter(|found| {
        report.catalog.reference(report.plan.unlinks[found.unlink].reference).child == table
    });
    let (kind, count) = match report.findings.rows().get(&table) {
        Some(rows) if table == report.plan.root => ("root", counted(*rows, "row")),
        Some(rows) => ("delete", counted(*rows, "row")),
        None => ("unlink", format!("{} unlinked", grouped(unlinked.map(|found| found.rows).sum()))),
    };
    Node { table, name: report.table_name(table), count, kind, x, y }
}

/// From the parent's right side to the child's left one; around the corner where they stand in one column.
fn way(report: &Report, place: &BTreeMap<TableId, &Node>, id: ReferenceId) -> String {
    let reference = report.catalog.reference(id);
    let (Some(parent), Some(child)) = (place.get(&reference.parent), place.get(&reference.child))
    else {
        return String::new();
    };
    let (x, y) = (parent.x + WIDTH, parent.y + HEIGHT / 2);
    let end = child.y + HEIGHT / 2;
    if child.x <= parent.x {
        let (right, far) = (child.x + WIDTH, x.max(child.x + WIDTH) + GAP / 2);
        let (y, end) = if child.x == parent.x && y == end { (y - 8, end + 8) } else { (y, end) };
        return format!("M{x} {y}C{far} {y} {far} {end} {right} {end}");
    }
    let bend = (child.x - x) / 2;
    format!("M{x} {y}C{} {y} {} {end} {} {end}", x + bend, child.x - bend, child.x)
}

fn named(report: &Report, id: ReferenceId) -> String {
    let arrow = report.catalog.reference_arrow(id);
    format!("{arrow} ({})", report.catalog.reference(id).on_delete)
}

/// The name, cut to the box.
fn fitting(name: &str) -> String {
    const WIDEST: usize = 25;
    let name = printable(name);
    if display_width(&name) <= WIDEST {
        return name;
    }
    let mut short = String::new();
    for character in name.chars() {
        short.push(character);
        if display_width(&short) >= WIDEST {
            short.pop();
            break;
        }
    }
    short + "…"
}
