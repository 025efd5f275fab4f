//! Key tables: the rows found so far, per table, inside the database.
//!
//! A key table holds what identifies a row, the columns that references point at, the owning
//! columns where it is asked whose a row is or whom it links, and `gen`, the number of the statement that found the
//! row. Columns are called `c0`, `c1`, … and keep their type and collation.

use super::Sql;
use crate::catalog::{Catalog, Key, KeyComparison, RowId, Table, TableId, TableKind};
use crate::engine::mariadb::{is_labelled, label_number};
use crate::engine::{Dialect, path, quote, type_of};
use crate::plan::Plan;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub struct KeyTable {
    pub name: String,
    columns: Vec<Source>,
    /// The first so many columns identify a row.
    identity: usize,
}

/// What a column of a key table is taken from.
#[derive(Debug, Clone, PartialEq)]
enum Source {
    Column(String),
    /// SQLite's rowid, by one of its names that no column hides, or by the column that it is.
    RowId(String),
    /// PostgreSQL's row address: for tables without a key. Rows are locked or seen in one snapshot.
    Ctid,
    /// The partition that a `Ctid` belongs to.
    TableOid,
}

impl Source {
    fn of(&self, alias: &str) -> String {
        match self {
            Source::Column(name) => format!("{alias}.{}", quote(name)),
            Source::RowId(name) => format!("{alias}.{name}"),
            Source::Ctid => format!("{alias}.ctid"),
            Source::TableOid => format!("{alias}.tableoid"),
        }
    }
}

impl KeyTable {
    /// `c0, c1`
    pub(super) fn identity_columns(&self) -> Vec<String> {
        (0..self.identity).map(|n| format!("c{n}")).collect()
    }
}

/// A key table for every table: only those of rows found come into being.
pub(super) fn key_tables(
    dialect: Dialect,
    catalog: &Catalog,
    plan: &Plan,
) -> BTreeMap<TableId, KeyTable> {
    let mut columns: BTreeMap<TableId, Vec<&String>> =
        catalog.table_ids().map(|table| (table, Vec::new())).collect();
    for reference in catalog.references.iter().chain(&catalog.scopes) {
        columns.entry(reference.parent).or_default().extend(&reference.parent_columns);
    }
    for table in plan.tables.iter().filter(|table| plan.may_be_foreign(catalog, **table)) {
        let owning = plan.owning_of(*table).iter();
        let asked = owning.flat_map(|id| plan.ownership.yields_to(*id).iter().chain([id]));
        let naming = asked.flat_map(|id| catalog.reference(*id).naming_columns());
        columns.entry(*table).or_default().extend(naming);
    }
    for id in &plan.links {
        let reference = catalog.reference(*id);
        columns.entry(reference.child).or_default().extend(reference.naming_columns());
    }
    let key_table = |(id, columns): (TableId, Vec<&String>)| {
        let table = catalog.table(id);
        let mut sources = identity(dialect, table);
        let identity = sources.len();
        for column in columns {
            let source = Source::Column(column.clone());
            let is_identity = dialect == Dialect::Sqlite && table.is_rowid(column);
            if !is_identity && !sources.contains(&source) {
                sources.push(source);
            }
        }
        (id, KeyTable { name: format!("orgsweep_k{}", id.0), columns: sources, identity })
    };
    columns.into_iter().map(key_table).collect()
}

/// What tells a row of `table` from every other.
fn identity(dialect: Dialect, table: &Table) -> Vec<Source> {
    let by_key = |table: &Table| -> Option<Vec<Source>> {
        Some(table.identifying_key()?.columns.iter().cloned().map(Source::Column).collect())
    };
    let all_of = |table: &Table| -> Vec<Source> {
        let stored = table.columns.iter().filter(|column| !column.generated);
        stored.map(|column| Source::Column(column.name.clone())).collect()
    };
    match (dialect, table.kind) {
        // A row without a name is never written to: what finds it is good enough for a refusal.
        (Dialect::Sqlite, _) => match &table.rowid {
            Some(RowId { name: Some(name), .. }) => vec![Source::RowId((*name).to_owned())],
            Some(RowId { alias: Some(alias), .. }) => vec![Source::RowId(quote(alias))],
            _ => by_key(table).unwrap_or_else(|| all_of(table)),
        },
        (Dialect::Postgres, TableKind::Partitioned) => {
            by_key(table).unwrap_or_else(|| vec![Source::TableOid, Source::Ctid])
        }
        (Dialect::Postgres, _) => by_key(table).unwrap_or_else(|| vec![Source::Ctid]),
        // Rows have no address: those that are alike in everything go, or stay, together.
        (Dialect::Mysql(_), _) => by_key(table).unwrap_or_else(|| all_of(table)),
    }
}

impl Sql<'_> {
    pub fn key_table(&self, table: TableId) -> &KeyTable {
        &self.keys[&table]
    }

    pub(super) fn key_relation(&self, table: TableId) -> String {
        self.mentioned(&self.key_table(table).name)
    }

    /// The same to be written to.
    pub(super) fn key_target(&self, table: TableId) -> String {
        self.written_to(&self.key_table(table).name)
    }

    /// Statements that create the empty key table of `table`.
    pub fn create_key_table(&self, table: TableId) -> String {
        self.create_keys(table, &self.key_table(table).name)
    }

    /// The same by another name.
    pub(super) fn create_keys(&self, table: TableId, name: &str) -> String {
        let key = self.key_table(table);
        match self.dialect {
            Dialect::Postgres => format!(
                "CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT {}, 0::int4 AS gen FROM {} c WITH NO DATA",
                self.key_values(table, "c").join(", "),
                self.relation(table),
            ),
            Dialect::Sqlite => {
                let columns: Vec<String> =
                    (0..key.columns.len()).map(|n| self.sqlite_column(table, n)).collect();
                let primary = format!(", PRIMARY KEY ({})", key.identity_columns().join(", "));
                let (primary, end) = match self.table(table).has_nameless_rows() {
                    true => (String::new(), ""),
                    // A column named alone would be the rowid, which takes nothing but integers.
                    false if matches!(key.columns[0], Source::RowId(_)) => (primary, ""),
                    false => (primary, " WITHOUT ROWID"),
                };
                let create = format!(
                    "CREATE TEMP TABLE {name} ({}, gen INTEGER{primary}){end}",
                    columns.join(", "),
                );
                let index = |columns: Vec<String>| {
                    format!(
                        "; CREATE INDEX temp.{name}_{} ON {name} ({})",
                        columns.join("_"),
                        columns.join(", ")
                    )
                };
                create + &self.looked_up(table).into_iter().map(index).collect::<String>()
            }
            // An index that is added later would commit.
            Dialect::Mysql(_) => {
                let short = |columns: &Vec<String>| self.is_short(table, columns);
                let keys = self.looked_up(table).into_iter().filter(short);
                let keys = keys.map(|columns| format!("KEY ({})", columns.join(", ")));
                let primary = format!("PRIMARY KEY ({})", key.identity_columns().join(", "));
                let primary = (!self.has_twins(table)).then_some(primary);
                format!(
                    "{} AS SELECT {}, CAST(0 AS SIGNED) AS gen FROM {} c WHERE 1 = 0",
                    self.create_indexed(name, primary.into_iter().chain(keys).collect()),
                    self.key_values(table, "c").join(", "),
                    self.relation(table),
                )
            }
        }
    }

    /// PostgreSQL's have no index from the start: one for the rows themselves, in the key's own order.
    pub(super) fn index_rows(&self, table: TableId, name: &str) -> Option<String> {
        let plain = |key: &Key| key.comparisons.iter().all(|it| *it == KeyComparison::default());
        let indexed = self.table(table).identifying_key().is_none_or(plain);
        (self.dialect == Dialect::Postgres && indexed).then(|| {
            let columns = self.key_table(table).identity_columns().join(", ");
            let relation = self.temporary(name);
            format!("CREATE INDEX IF NOT EXISTS {name}_rows ON {relation} ({columns})")
        })
    }

    /// The empty table of what tells rows of `table` apart, which is looked up by that, and of whatever else: `, …`.
    pub(super) fn create_rows(&self, table: TableId, name: &str, more: &str) -> String {
        let columns = self.key_table(table).identity_columns();
        let is_short = self.is_short(table, &columns) && !self.has_twins(table);
        let columns = columns.join(", ");
        let (create, then) = match self.dialect {
            // An index that is added later would commit.
            Dialect::Mysql(_) => {
                let key = is_short.then(|| format!("KEY ({columns})"));
                (self.create_indexed(name, key.into_iter().collect()) + " AS", None)
            }
            Dialect::Postgres => (self.create_as(name), self.index_rows(table, name)),
            Dialect::Sqlite => {
                let index = format!("CREATE INDEX temp.{name}_rows ON {name} ({columns})");
                (self.create_as(name), Some(index))
            }
        };
        let (values, relation) = (self.identified(table), self.relation(table));
        let create = format!("{create} SELECT {values}{more} FROM {relation} c WHERE 1 = 0");
        then.into_iter().fold(create, |create, index| format!("{create}; {index}"))
    }

    pub fn drop_key_table(&self, table: TableId) -> String {
        self.dialect.drop_temporary(&self.temporary(&self.key_table(table).name))
    }

    /// A key table's statistics decide between a hash join and a loop over an index; without them
    /// PostgreSQL guesses, at twice the cost (DESIGN 7).
    pub fn analyze_key_table(&self, table: TableId) -> Option<String> {
        (self.dialect == Dialect::Postgres).then(|| format!("ANALYZE {}", self.key_relation(table)))
    }

    /// The columns of referenced keys that the identity does not serve.
    fn looked_up(&self, table: TableId) -> Vec<Vec<String>> {
        let mut columns: Vec<Vec<String>> = Vec::new();
        for reference in self.catalog.references.iter().filter(|r| r.parent == table) {
            let key: Vec<String> =
                reference.parent_columns.iter().map(|name| self.key_column(table, name)).collect();
            if key != self.key_table(table).identity_columns() && !columns.contains(&key) {
                columns.push(key);
            }
        }
        columns
    }

    /// It keeps what the user's column keeps, a text in an INT column of a table WITHOUT ROWID, too.
    pub(super) fn sqlite_column(&self, table: TableId, n: usize) -> String {
        match &self.key_table(table).columns[n] {
            Source::Column(name) => {
                let column = self.column(table, name);
                let collation = column.collation.as_deref().unwrap_or("BINARY");
                format!("c{n} {} COLLATE {}", type_of(column.affinity), quote(collation))
            }
            _ => format!("c{n} INTEGER"),
        }
    }

    /// `c."id" AS c0, c."org_id" AS c1`, as expressions.
    pub(super) fn key_values(&self, table: TableId, alias: &str) -> Vec<String> {
        let sources = self.key_table(table).columns.iter().enumerate();
        sources.map(|(n, source)| format!("{} AS c{n}", source.of(alias))).collect()
    }

    /// `c0, c1`, those that identify no row included
    pub(super) fn key_columns(&self, table: TableId) -> Vec<String> {
        (0..self.key_table(table).columns.len()).map(|n| format!("c{n}")).collect()
    }

    /// The expressions in a table that identify its row.
    pub(super) fn identity_values(&self, table: TableId, alias: &str) -> Vec<String> {
        let key = self.key_table(table);
        key.columns[..key.identity].iter().map(|source| source.of(alias)).collect()
    }

    /// The row `c` is in its key table; `more` ends the sub-query.
    pub(super) fn is_found(&self, table: TableId, more: &str) -> String {
        let (keys, same) = (self.key_relation(table), self.same_row(table, "k", "c"));
        format!("EXISTS (SELECT 1 FROM {keys} k WHERE {same}{more})")
    }

    /// The same of `c`, named as in its key table.
    pub(super) fn identified(&self, table: TableId) -> String {
        let identity = self.identity_values(table, "c").into_iter().enumerate();
        identity.map(|(n, value)| format!("{value} AS c{n}")).collect::<Vec<_>>().join(", ")
    }

    /// The types of the identity's values, for those that are bound as text.
    pub(super) fn identity_types(&self, table: TableId) -> Vec<String> {
        let key = self.key_table(table);
        let type_name = |source: &Source| match source {
            Source::Column(name) => self.column(table, name).type_name.clone(),
            Source::RowId(_) => "INTEGER".into(),
            Source::Ctid => "tid".into(),
            Source::TableOid => "oid".into(),
        };
        key.columns[..key.identity].iter().map(type_name).collect()
    }

    /// The column of the key table that holds the table's column `name`.
    pub(super) fn key_column(&self, table: TableId, name: &str) -> String {
        let n = self.key_position(table, name);
        format!("c{}", n.expect("referenced and owning columns are in the key table"))
    }

    /// The key table has the table's column `name`.
    pub(super) fn holds_key_column(&self, table: TableId, name: &str) -> bool {
        self.key_position(table, name).is_some()
    }

    fn key_position(&self, table: TableId, name: &str) -> Option<usize> {
        let is = |source: &Source| matches!(source, Source::Column(column) if column == name);
        if self.dialect == Dialect::Sqlite && self.table(table).is_rowid(name) {
            Some(0)
        } else {
            self.key_table(table).columns.iter().position(is)
        }
    }

    /// The key row `key` and the table row `row` are the same.
    pub(super) fn same_row(&self, table: TableId, key: &str, row: &str) -> String {
        let values = self.identity_values(table, row).into_iter().enumerate();
        values
            .map(|(n, value)| self.identical_keys(table, n, &format!("{key}.c{n}"), &value))
            .collect::<Vec<_>>()
            .join(" AND ")
    }

    /// The comparison of two values of an identity's column number `n`: MariaDB's may be of columns that can
    /// be null, and its ENUMs are told apart by their numbers, too (the empty text may be a label, and is what an invalid
    /// value reads as); PostgreSQL's is that of the key's own index.
    pub(super) fn identical_keys(&self, id: TableId, n: usize, left: &str, right: &str) -> String {
        if self.table(id).has_nameless_rows() {
            return self.same_bytes(left, right);
        }
        let twins = self.has_twins(id);
        let equal = match self.table(id).identifying_key() {
            _ if twins => format!("{left} <=> {right}"),
            Some(key) => self.equal_in(key, n, left, right),
            None => format!("{left} {} {right}", self.dialect.operator("=")),
        };
        let labelled = |type_name: &String| is_labelled(type_name);
        if self.dialect.is_mysql() && self.identity_types(id).get(n).is_some_and(labelled) {
            let same = if twins { "<=>" } else { "=" };
            format!("{equal} AND {} {same} {}", label_number(left), label_number(right))
        } else {
            equal
        }
    }

    /// Two values of a key's column number `n` are the same to the key.
    pub(super) fn equal_in(&self, key: &Key, n: usize, left: &str, right: &str) -> String {
        let KeyComparison { operator, operand, function } =
            key.comparisons.get(n).cloned().unwrap_or_default();
        if let Some(function) = function {
            return format!("{function}({left}, {right})");
        }
        let operator = operator.unwrap_or_else(|| self.dialect.operator("="));
        match operand.as_deref().map(path::built_in) {
            Some(operand) => format!("({left})::{operand} {operator} ({right})::{operand}"),
            None => format!("{left} {operator} {right}"),
        }
    }

    /// MariaDB: rows of the table that are alike cannot be told apart, having neither key nor address.
    pub(super) fn has_twins(&self, table: TableId) -> bool {
        self.dialect.row_address().is_none() && self.table(table).identifying_key().is_none()
    }

    /// An index over these columns of the key table is possible.
    fn is_short(&self, table: TableId, columns: &[String]) -> bool {
        let long = |(n, source): (usize, &Source)| match source {
            Source::Column(name) => {
                columns.contains(&format!("c{n}"))
                    && !self.dialect.indexes_all_of(&self.column(table, name).type_name)
            }
            _ => false,
        };
        !self.key_table(table).columns.iter().enumerate().any(long)
    }

    /// The same row in two tables of keys.
    pub(super) fn same_key(&self, table: TableId, left: &str, right: &str) -> String {
        let columns = self.key_table(table).identity_columns().into_iter().enumerate();
        let same = |(n, c): (usize, String)| {
            self.identical_keys(table, n, &format!("{left}.{c}"), &format!("{right}.{c}"))
        };
        columns.map(same).collect::<Vec<_>>().join(" AND ")
    }
}
