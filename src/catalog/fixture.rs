//! Catalogs for tests of the pure layers, written as one string.
//!
//! One table a line: `users(id, org_id! -> organizations cascade, boss -> users set null, name)`. The
//! first column is the primary key; `!` is NOT NULL; a reference names the parent's first column.

use super::{
    Affinity, Catalog, Column, Comparison, Declaration, Key, OnDelete, Privileges, Reference,
    RowId, Table, TableId, TableKind, TableName, Unidentified,
};

/// Reads a catalog; a malformed line is a mistake in the test.
pub fn catalog(text: &str) -> Catalog {
    let lines: Vec<(&str, Vec<&str>)> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(split).collect();
    let tables: Vec<Table> = lines.iter().map(|(name, columns)| table(name, columns)).collect();
    let mut references = Vec::new();
    for (n, (_, columns)) in lines.iter().enumerate() {
        references
            .extend(columns.iter().filter_map(|column| reference(&tables, TableId(n), column)));
    }
    Catalog { tables, references, fingerprint: "fixture".into(), ..Catalog::default() }
}

fn split(line: &str) -> (&str, Vec<&str>) {
    let (name, rest) = line.split_once('(').expect("table(columns)");
    let columns = rest.strip_suffix(')').expect("table(columns)");
    (name, columns.split(',').map(str::trim).collect())
}

fn table(name: &str, columns: &[&str]) -> Table {
    let column = |(n, text): (usize, &&str)| {
        let declared = text.split(" -> ").next().unwrap_or(text);
        let name = declared.trim_end_matches('!').to_owned();
        let textual = ["name", "title", "email"].contains(&name.as_str());
        Column {
            type_name: if textual { "text" } else { "integer" }.into(),
            domain_over: None,
            nullable: n > 0 && !declared.ends_with('!'),
            generated: false,
            generation: None,
            default: None,
            volatile_default: false,
            collation: None,
            textual,
            equality: None,
            on_update: false,
            affinity: if textual { Affinity::Text } else { Affinity::Integer },
            name,
        }
    };
    let columns: Vec<Column> = columns.iter().enumerate().map(column).collect();
    let rowid = RowId { alias: Some(columns[0].name.clone()), name: Some("rowid") };
    let primary = Key {
        name: format!("{name}_pkey"),
        columns: vec![columns[0].name.clone()],
        primary: true,
        not_null: true,
        nulls_not_distinct: false,
        comparisons: Vec::new(),
    };
    Table {
        name: TableName { schema: None, name: name.into(), found_in: None },
        kind: TableKind::Ordinary,
        columns,
        keys: vec![primary],
        exclusions: Vec::new(),
        checks: Vec::new(),
        triggers: Vec::new(),
        row_security: false,
        privileges: Privileges::ALL,
        usable: true,
        unidentified: Unidentified::default(),
        partitioned_by: Vec::new(),
        estimated_rows: None,
        lasting_engine: None,
        keeps_history: false,
        rowid: Some(rowid),
    }
}

fn reference(tables: &[Table], child: TableId, column: &str) -> Option<Reference> {
    let (name, target) = column.split_once(" -> ")?;
    let name = name.trim_end_matches('!').to_owned();
    let (parent, action) = target.split_once(' ').expect("-> parent action");
    let parent = tables.iter().position(|table| table.name.name == parent).expect("a known parent");
    let on_delete = match action {
        "cascade" => OnDelete::Cascade,
        "set null" => OnDelete::SetNull,
        "set default" => OnDelete::SetDefault,
        "restrict" => OnDelete::Restrict,
        "no action" => OnDelete::NoAction,
        other => panic!("unknown action {other:?}"),
    };
    let unlinks = on_delete.unlinks();
    Some(Reference {
        name: None,
        child,
        parent: TableId(parent),
        parent_columns: vec![tables[parent].columns[0].name.clone()],
        on_delete,
        set_columns: if unlinks { vec![name.clone()] } else { Vec::new() },
        match_full: false,
        deferrable: false,
        initially_deferred: false,
        validated: true,
        enforced: true,
        not_enforced: false,
        index: Some(format!("{name}_index")),
        comparisons: vec![Comparison::plain()],
        partition: None,
        declaration: Declaration::default(),
        columns: vec![name],
    })
}
