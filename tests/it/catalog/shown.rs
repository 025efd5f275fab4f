//! A catalog as a few lines of text for snapshots.

use orgsweep::catalog::{
    Catalog, Column, Exclusion, Fires, Key, Privileges, Reference, Table, TableId, TableKind,
    Trigger,
};

pub fn shown(catalog: &Catalog) -> String {
    catalog.table_ids().flat_map(|id| table(catalog, id)).collect::<Vec<_>>().join("\n")
}

/// Just the references, one a line.
pub fn references(catalog: &Catalog) -> String {
    let line =
        |it: &Reference| format!("{}: {}", catalog.table(it.child).name, reference(catalog, it));
    catalog.references.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn table(catalog: &Catalog, id: TableId) -> Vec<String> {
    let table = catalog.table(id);
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    let mut lines = vec![format!("{}({})", table.name, columns.join(", "))];
    lines.extend(remarks(table));
    lines.extend(table.keys.iter().map(key));
    lines.extend(table.exclusions.iter().map(exclusion));
    let check = |it: &orgsweep::catalog::Check| {
        format!("check {}: {} [{}]", it.name, it.expression, it.columns.join(", "))
    };
    lines.extend(table.checks.iter().map(check));
    lines.extend(table.triggers.iter().map(trigger));
    let references = catalog.references.iter().filter(|it| it.child == id);
    lines.extend(references.map(|it| reference(catalog, it)));
    let indent = |(place, line): (usize, String)| {
        if place == 0 { line } else { format!("  {line}") }
    };
    lines.into_iter().enumerate().map(indent).collect()
}

fn column(it: &Column) -> String {
    let mut text = format!("{} {}", it.name, it.type_name);
    text.push_str(if it.nullable { "" } else { "!" });
    text.push_str(if it.textual { "~" } else { "" });
    if it.generated {
        text.push_str(" generated");
    }
    if let Some(default) = &it.default {
        text.push_str(&format!(" = {default}"));
    }
    if let Some(collation) = &it.collation {
        text.push_str(&format!(" collate {collation}"));
    }
    text
}

fn remarks(table: &Table) -> Vec<String> {
    let mut remarks = Vec::new();
    if table.kind != TableKind::Ordinary {
        remarks.push(format!("{:?}", table.kind));
    }
    if table.keeps_history {
        remarks.push("keeps history".to_owned());
    }
    if table.row_security {
        remarks.push("row security".to_owned());
    }
    if table.privileges != Privileges::ALL {
        remarks.push(format!("{:?}", table.privileges));
    }
    remarks.extend(table.estimated_rows.map(|rows| format!("{rows} rows")));
    remarks
}

fn key(it: &Key) -> String {
    let mut text = format!("key {}({})", it.name, it.columns.join(", "));
    let marks = [
        (it.primary, " primary"),
        (it.not_null, " not null"),
        (it.nulls_not_distinct, " nulls not distinct"),
    ];
    marks.iter().filter(|(holds, _)| *holds).for_each(|(_, mark)| text.push_str(mark));
    text
}

fn exclusion(it: &Exclusion) -> String {
    let parts = it.parts.iter().map(|part| format!("{} {}", part.expression, part.operator));
    let only = it.predicate.as_ref().map(|predicate| format!(" where {predicate}"));
    let nulls = if it.nulls_not_distinct { " nulls not distinct" } else { "" };
    format!(
        "apart {}: {}{}{nulls} [{}]",
        it.name,
        if it.parts.is_empty() {
            "for the engine to ask".to_owned()
        } else {
            parts.collect::<Vec<_>>().join(", ")
        },
        only.unwrap_or_default(),
        it.columns.join(", ")
    )
}

fn trigger(it: &Trigger) -> String {
    let events = [(it.on_insert, " insert"), (it.on_delete, " delete"), (it.on_update, " update")];
    let events: String = events.iter().filter(|(on, _)| *on).map(|(_, event)| *event).collect();
    let role = match it.fires {
        Fires::Origin => "",
        Fires::Replica => " in replica role",
        Fires::Always => " in any role",
    };
    format!("trigger {} on{events}{role}", it.name)
}

fn reference(catalog: &Catalog, it: &Reference) -> String {
    let columns = it.columns.join(", ");
    let parent = &catalog.table(it.parent).name;
    let mut text =
        format!("{columns} -> {parent}({}) {}", it.parent_columns.join(", "), it.on_delete);
    if !it.set_columns.is_empty() {
        text.push_str(&format!(" ({})", it.set_columns.join(", ")));
    }
    let marks = [
        (it.match_full, " match full"),
        (it.deferrable, " deferrable"),
        (it.initially_deferred, " deferred"),
        (!it.validated, " not valid"),
        (!it.enforced, " not enforced"),
    ];
    marks.iter().filter(|(holds, _)| *holds).for_each(|(_, mark)| text.push_str(mark));
    let optional = [("by", &it.index), ("named", &it.name)];
    for (word, value) in optional {
        if let Some(value) = value {
            text.push_str(&format!(" {word} {value}"));
        }
    }
    for comparison in it.comparisons.iter().filter(|comparison| !comparison.plain) {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let operator = comparison.operator.as_deref().unwrap_or("=");
        text.push_str(&format!(
            " [{} {operator} {}]",
            part(&comparison.key),
            part(&comparison.child)
        ));
    }
    if let Some(partition) = &it.partition {
        text.push_str(&format!(" on {partition}"));
    }
    text
}
