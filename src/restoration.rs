//! What putting an archive back means in the schema as it is now. Pure: the manifest and the catalog
//! alone decide it.

use crate::archive::{ArchivedColumn, Kind, Manifest, Section};
use crate::catalog::{Catalog, ReferenceId, Table, TableId, TableName};
use crate::graph::{self, Component};
use std::collections::BTreeSet;

/// The order of the work.
#[derive(Debug, Clone, PartialEq)]
pub struct Restoration {
    /// Sections of deleted rows.
    pub rows: Vec<Part>,
    /// Sections of rows that were unlinked.
    pub links: Vec<Part>,
    /// The tables of `rows`, parents before children.
    pub order: Vec<Component>,
}

/// A section of the archive and the table that its rows are of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Position in [`Manifest::sections`].
    pub section: usize,
    pub table: TableId,
}

/// A reason not to restore.
#[derive(Debug, Clone, PartialEq)]
pub enum Obstacle {
    /// The schema has changed in a way that matters.
    Schema(String),
    /// A key or unique value of archived rows is taken.
    Taken { table: TableId, columns: Vec<String>, rows: u64, samples: Vec<String> },
    /// A row that archived rows name has gone, and is not in the archive either.
    NoParent { reference: ReferenceId, rows: u64, samples: Vec<String> },
}

/// What a restore did, or would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Restored {
    /// Rows put back per table, in the order of the inserts.
    pub rows: Vec<(TableId, u64)>,
    pub links: Vec<Relinked>,
    /// Rows that are there and not as they were: a trigger changed them.
    pub altered: Vec<(TableId, u64)>,
    pub obstacles: Vec<Obstacle>,
}

/// Rows of one table that were unlinked.
#[derive(Debug, Clone, PartialEq)]
pub struct Relinked {
    pub table: TableId,
    pub columns: Vec<String>,
    /// They name again what they named.
    pub rows: u64,
    /// They were changed or deleted since, and are left alone.
    pub others: u64,
}

/// The plan, or what of the schema keeps the archive out.
///
/// # Errors
/// [`Obstacle::Schema`], all of them.
pub fn plan(manifest: &Manifest, catalog: &Catalog) -> Result<Restoration, Vec<Obstacle>> {
    let mut obstacles = Vec::new();
    let (mut rows, mut links) = (Vec::new(), Vec::new());
    for (number, section) in manifest.sections.iter().enumerate() {
        let name = section.table_name();
        let Some(id) = catalog.table_ids().find(|id| is_of(&name, &catalog.table(*id).name)) else {
            obstacles.push(Obstacle::Schema(format!("there is no table {name} any more")));
            continue;
        };
        obstacles.extend(misfits(section, catalog.table(id)).map(Obstacle::Schema));
        let part = Part { section: number, table: id };
        match section.kind {
            Kind::Rows => rows.push(part),
            Kind::Unlinked => links.push(part),
        }
    }
    if !obstacles.is_empty() {
        return Err(obstacles);
    }
    let tables: BTreeSet<TableId> = rows.iter().map(|part: &Part| part.table).collect();
    let order = graph::components(catalog, &tables, |id| catalog.reference(id).is_constraint());
    Ok(Restoration { rows, links, order })
}

/// The table that an archive names. Older archives do not know the schema of a table that was found without one:
/// it is the one that is found so now.
fn is_of(archived: &TableName, table: &TableName) -> bool {
    let same_schema = match archived.qualifier() {
        Some(schema) => Some(schema) == table.qualifier(),
        None => table.schema.is_none(),
    };
    same_schema && archived.name == table.name
}

/// Older archives name a type without its schema where the search path found it.
fn is_type(archived: &str, column: &str) -> bool {
    let schema = column.strip_suffix(archived);
    schema.is_some_and(|schema| schema.is_empty() || schema.ends_with('.'))
}

/// What of a table does not fit the archive's rows.
fn misfits(section: &Section, table: &Table) -> impl Iterator<Item = String> {
    let archived = section.columns.iter().chain(&section.written);
    let changed = archived.filter_map(|column| misfit(column, table));
    let known = |name: &str| section.columns.iter().any(|column| column.name == name);
    // A new column is null, or has its default; where it can be neither, no old row fits.
    let required = table.columns.iter().filter(|column| {
        let left_out = section.kind == Kind::Rows && !known(&column.name);
        left_out && !column.nullable && column.default.is_none() && !column.generated
    });
    let name = &table.name;
    let required = required.map(|column| {
        format!("{name}.{} is new, without a default, and must not be null", column.name)
    });
    changed.chain(required).collect::<Vec<_>>().into_iter()
}

fn misfit(archived: &ArchivedColumn, table: &Table) -> Option<String> {
    let name = format!("{}.{}", table.name, archived.name);
    match table.column(&archived.name) {
        None => Some(format!("there is no column {name} any more")),
        Some(column) if column.generated => Some(format!("{name} is computed now")),
        Some(column) if !is_type(&archived.type_name, &column.type_name) => {
            Some(format!("{name} is {} now; it was {}", column.type_name, archived.type_name))
        }
        Some(_) => None,
    }
}

impl Restored {
    pub fn put_back(&self) -> u64 {
        self.rows.iter().map(|(_, rows)| rows).sum()
    }

    pub fn relinked(&self) -> u64 {
        self.links.iter().map(|relinked| relinked.rows).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Actor;
    use crate::catalog::fixture::catalog;
    use crate::sql::Dialect;
    use expect_test::{Expect, expect};
    use time::OffsetDateTime;

    fn section(kind: Kind, table: &str, columns: &[(&str, &str)]) -> Section {
        let column = |(name, type_name): &(&str, &str)| ArchivedColumn {
            name: (*name).into(),
            type_name: (*type_name).into(),
        };
        Section {
            kind,
            directory: String::new(),
            schema: None,
            table: table.into(),
            found_in: None,
            columns: columns.iter().map(column).collect(),
            written: Vec::new(),
            rows: 0,
            sha256: String::new(),
        }
    }

    fn check(schema: &str, sections: Vec<Section>, expected: Expect) {
        let catalog = catalog(schema);
        let manifest = Manifest {
            format: 1,
            tool: String::new(),
            made_at: OffsetDateTime::UNIX_EPOCH,
            actor: Actor { user: String::new(), host: String::new() },
            database: String::new(),
            identity: String::new(),
            dialect: Dialect::Postgres,
            root: "orgs".into(),
            organizations: Vec::new(),
            policy: None,
            schema: String::new(),
            sections,
        };
        let name = |id: &TableId| catalog.table(*id).name.to_string();
        let told = match plan(&manifest, &catalog) {
            Ok(plan) => {
                let component = |c: &Component| c.iter().map(name).collect::<Vec<_>>().join(" + ");
                plan.order.iter().map(component).collect::<Vec<_>>().join(", ")
            }
            Err(obstacles) => obstacles
                .iter()
                .map(|obstacle| match obstacle {
                    Obstacle::Schema(text) => text.clone(),
                    other => format!("{other:?}"),
                })
                .collect::<Vec<_>>()
                .join("\n"),
        };
        expected.assert_eq(&told);
    }

    #[test]
    fn parents_come_first_and_cycles_together() {
        let id = [("id", "integer")];
        let sections =
            ["logs", "orgs", "users", "teams"].map(|table| section(Kind::Rows, table, &id));
        check(
            "orgs(id)
             users(id, org_id -> orgs cascade, team_id -> teams set null)
             teams(id, lead_id -> users restrict)
             logs(id, user_id -> users cascade)",
            sections.into(),
            expect!["orgs, users + teams, logs"],
        );
    }

    #[test]
    fn a_schema_that_has_changed_is_told_in_full() {
        let gone = section(Kind::Rows, "invoices", &[("id", "integer")]);
        let other = section(Kind::Rows, "orgs", &[("id", "bigint"), ("slug", "text")]);
        check(
            "orgs(id)",
            vec![gone, other],
            expect![[r#"
                there is no table invoices any more
                orgs.id is integer now; it was bigint
                there is no column orgs.slug any more"#]],
        );
    }
}
