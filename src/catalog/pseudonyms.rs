//! The same schema under other names, to be shown to strangers: what is told of it afterwards cannot give a name away.

use super::{
    Catalog, Check, Column, Discriminator, Exclusion, Key, Mismatch, Reference, Table, TableName,
    Trigger,
};
use std::collections::{BTreeMap, BTreeSet};

/// What each name is called instead: `table_3`, `column_12`, in the order of the alphabet, so that it is the same as long as
/// no name comes or goes. One name is one word wherever it stands, since `tenant_id` here and there means something.
pub struct Pseudonyms {
    schemas: Names,
    tables: Names,
    columns: Names,
    triggers: Names,
    types: Names,
}

/// The first words of types that are everybody's.
const KNOWN_TYPES: [&str; 52] = [
    "array",
    "bigint",
    "bigserial",
    "binary",
    "bit",
    "blob",
    "bool",
    "boolean",
    "box",
    "bytea",
    "char",
    "character",
    "cidr",
    "citext",
    "clob",
    "date",
    "datetime",
    "decimal",
    "double",
    "enum",
    "float",
    "inet",
    "inet4",
    "inet6",
    "int",
    "integer",
    "interval",
    "json",
    "jsonb",
    "longblob",
    "longtext",
    "macaddr",
    "mediumint",
    "mediumtext",
    "money",
    "name",
    "numeric",
    "nvarchar",
    "oid",
    "real",
    "serial",
    "smallint",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tinyint",
    "tinytext",
    "uuid",
    "varbinary",
    "varchar",
];

impl Pseudonyms {
    pub fn of(catalog: &Catalog) -> Pseudonyms {
        let tables = || catalog.tables.iter();
        let references = || catalog.references.iter().chain(&catalog.scopes);
        let partitions = references().filter_map(|reference| reference.partition.as_ref());
        let named: Vec<&TableName> = tables().map(|table| &table.name).chain(partitions).collect();
        let schemas = named.iter().flat_map(|name| name.schema.iter().chain(&name.found_in));
        let mismatched = catalog.mismatches.iter();
        let mismatched = mismatched.flat_map(|it| it.columns.iter().chain(&it.parent_columns));
        let columns = || tables().flat_map(|table| &table.columns);
        let own_types = columns().filter(|column| !has_known_type(column));
        Pseudonyms {
            schemas: numbered("schema", schemas.chain(&catalog.default_schema)),
            tables: numbered("table", named.iter().map(|name| &name.name)),
            columns: numbered("column", columns().map(|column| &column.name).chain(mismatched)),
            triggers: numbered(
                "trigger",
                tables().flat_map(|table| table.triggers.iter().map(|it| &it.name)),
            ),
            types: numbered("type", own_types.map(|column| &column.type_name)),
        }
    }

    /// The same tables and references at the same places. SQL of the schema, which may say anything, is left out.
    pub fn catalog(&self, catalog: &Catalog) -> Catalog {
        Catalog {
            tables: catalog.tables.iter().map(|table| self.table(table)).collect(),
            references: catalog.references.iter().map(|it| self.reference(it)).collect(),
            scopes: catalog.scopes.iter().map(|it| self.reference(it)).collect(),
            mismatches: catalog.mismatches.iter().map(|it| self.mismatch(it)).collect(),
            own_names: Vec::new(),
            default_schema: catalog.default_schema.as_deref().map(|it| self.schemas.of(it)),
            ..catalog.clone()
        }
    }

    pub fn reference(&self, reference: &Reference) -> Reference {
        let mut shown = reference.clone();
        shown.name = reference.name.as_ref().map(|_| "constraint".into());
        shown.index = reference.index.as_ref().map(|_| "index".into());
        for columns in [&mut shown.columns, &mut shown.parent_columns, &mut shown.set_columns] {
            *columns = self.columns.all(columns);
        }
        shown.partition = reference.partition.as_ref().map(|name| self.table_name(name));
        shown.declaration.place = String::new();
        shown.declaration.default = None;
        if let Some(Discriminator { column, .. }) = &mut shown.declaration.discriminator {
            *column = self.columns.of(column);
        }
        shown
    }

    fn table(&self, table: &Table) -> Table {
        let mut shown = table.clone();
        shown.name = self.table_name(&table.name);
        shown.partitioned_by = self.columns.all(&table.partitioned_by);
        for column in &mut shown.columns {
            self.rename(column);
        }
        for Key { name, columns, .. } in &mut shown.keys {
            *name = "key".into();
            *columns = self.columns.all(columns);
        }
        for Exclusion { name, parts, predicate, columns, .. } in &mut shown.exclusions {
            *name = "key".into();
            (*parts, *predicate) = (Vec::new(), None);
            *columns = self.columns.all(columns);
        }
        for Check { name, expression, columns } in &mut shown.checks {
            (*name, *expression) = ("check".into(), String::new());
            *columns = self.columns.all(columns);
        }
        for Trigger { name, update_of, .. } in &mut shown.triggers {
            *name = self.triggers.of(name);
            *update_of = self.columns.all(update_of);
        }
        if let Some(alias) = shown.rowid.as_mut().and_then(|rowid| rowid.alias.as_mut()) {
            *alias = self.columns.of(alias);
        }
        shown
    }

    fn rename(&self, column: &mut Column) {
        if !has_known_type(column) {
            column.type_name = self.types.of(&column.type_name);
        }
        column.name = self.columns.of(&column.name);
        column.generation = column.generation.as_ref().map(|_| String::new());
        column.default = column.default.as_ref().map(|_| String::new());
    }

    fn mismatch(&self, mismatch: &Mismatch) -> Mismatch {
        let columns = self.columns.all(&mismatch.columns);
        let parent_columns = self.columns.all(&mismatch.parent_columns);
        Mismatch { columns, parent_columns, ..*mismatch }
    }

    fn table_name(&self, name: &TableName) -> TableName {
        let schema = |name: &Option<String>| name.as_deref().map(|name| self.schemas.of(name));
        let (schema, found_in) = (schema(&name.schema), schema(&name.found_in));
        TableName { schema, found_in, name: self.tables.of(&name.name) }
    }
}

fn has_known_type(column: &Column) -> bool {
    let name = column.type_name.to_ascii_lowercase();
    let word = name.split(|sign: char| !sign.is_ascii_alphanumeric()).next().unwrap_or_default();
    let qualified = name.contains(['.', '"']);
    column.domain_over.is_none() && !qualified && KNOWN_TYPES.contains(&word)
}

struct Names {
    kind: &'static str,
    all: BTreeMap<String, String>,
}

fn numbered<'n>(kind: &'static str, names: impl Iterator<Item = &'n String>) -> Names {
    let names: BTreeSet<&String> = names.collect();
    let all = (1..).zip(names).map(|(n, name)| (name.clone(), format!("{kind}_{n}")));
    Names { kind, all: all.collect() }
}

impl Names {
    fn of(&self, name: &str) -> String {
        self.all.get(name).cloned().unwrap_or_else(|| self.kind.to_owned())
    }

    fn all(&self, names: &[String]) -> Vec<String> {
        names.iter().map(|name| self.of(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{TableId, fixture};
    use expect_test::expect;

    /// Whatever the catalog holds, in words: what is not there cannot be told.
    fn told(catalog: &Catalog) -> String {
        format!("{catalog:?}").to_lowercase()
    }

    #[test]
    fn no_name_is_left() {
        let mut catalog = fixture::catalog(
            "acme_firms(firm_no, name)\nacme_deals(deal_no, firm_no! -> acme_firms cascade, closer -> acme_firms set null)",
        );
        let deals = &mut catalog.tables[1];
        deals.name.schema = Some("secret_schema".into());
        deals.columns[1].type_name = "secret_schema.secret_type".into();
        deals.columns[2].default = Some("'secret default'".into());
        deals.columns[2].generation = Some("secret_function()".into());
        deals.partitioned_by = vec!["closer".into()];
        deals.checks.push(Check {
            name: "secret check".into(),
            expression: "closer <> 'secret'".into(),
            columns: vec!["closer".into()],
        });
        catalog.references[0].name = Some("secret_constraint".into());
        catalog.references[0].partition = Some(deals.name.clone());
        catalog.references[0].declaration.place = "secret.toml:1".into();
        catalog.mismatches.push(Mismatch {
            child: TableId(0),
            columns: vec!["secret_column".into()],
            parent: TableId(1),
            parent_columns: vec![],
        });
        catalog.own_names.push("secret_view".into());
        catalog.default_schema = Some("secret_schema".into());
        let shown = told(&Pseudonyms::of(&catalog).catalog(&catalog));
        for name in ["acme", "firm", "deal", "closer", "secret"] {
            assert!(!shown.contains(name), "{name}: {shown}");
        }
    }

    #[test]
    fn a_name_is_the_same_word_wherever_it_stands() {
        let catalog = fixture::catalog(
            "firms(id, name)\ndeals(id, firm_id! -> firms cascade)\nusers(id, firm_id -> firms set null)",
        );
        let shown = Pseudonyms::of(&catalog).catalog(&catalog);
        let arrows: Vec<_> = shown.reference_ids().map(|id| shown.reference_arrow(id)).collect();
        expect![[r#"
            table_1.column_1 → table_2
            table_3.column_1 → table_2"#]]
        .assert_eq(&arrows.join("\n"));
        assert_eq!(shown.tables[0].columns[0].type_name, "integer");
    }
}
