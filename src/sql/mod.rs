//! The only maker of SQL for user tables. Pure text: nothing here runs.
//!
//! The rows of a deletion are known by *key tables*, temporary tables named `orgsweep_k…`
//! (`keys`); the other files ask questions about them and delete by them. In every statement `c`
//! is the child or the table in question, `p` the parent's key table and `k` the table's own.

mod affinities;
mod archiving;
mod associations;
mod closure;
mod constraints;
mod deletion;
mod descent;
mod evidence;
mod explain;
pub mod fixes;
mod keeping;
mod keys;
mod labels;
mod meaning;
mod mentions;
mod naming;
mod number;
mod ownership;
mod proof;
mod refusals;
mod relinking;
mod restoring;
mod rowids;
mod scopes;
mod selection;
mod shared_scan;
mod staging;
mod standby;
#[cfg(test)]
mod tests;
mod unlinking;
mod verification;

pub use affinities::may_disagree;
pub use closure::Follow;
pub use explain::{Known, RowKey};
pub use keys::KeyTable;
pub use ownership::{CLASSES, Closure, Counted, Doubtful, StepUp, Suspects};
pub use proof::Constraint;
pub use refusals::ProtectedBy;
pub use shared_scan::SharedScan;
pub use staging::{Apart, Stage};

use crate::catalog::{Catalog, Column, ReferenceId, Table, TableId, TableKind};
use crate::engine::{Dialect, Statement};
use crate::plan::Plan;
use std::collections::BTreeMap;

/// What every statement about a plan's rows is made from.
pub struct Sql<'a> {
    pub dialect: Dialect,
    pub catalog: &'a Catalog,
    pub plan: &'a Plan,
    keys: BTreeMap<TableId, KeyTable>,
    /// What the names of our temporary tables begin with, where it is not `orgsweep_`.
    prefix: Option<String>,
    mentions: mentions::Mentions,
}

impl<'a> Sql<'a> {
    pub fn new(dialect: Dialect, catalog: &'a Catalog, plan: &'a Plan) -> Sql<'a> {
        let keys = keys::key_tables(dialect, catalog, plan);
        let (prefix, mentions) = (free_prefix(catalog), mentions::Mentions::default());
        Sql { dialect, catalog, plan, keys, prefix, mentions }
    }

    /// The name of one of our temporary tables, `orgsweep_…`, where no table or view of the user's has it: MariaDB's
    /// hide those of the same name, and cannot be in another schema.
    fn own(&self, name: &str) -> String {
        match (&self.prefix, name.strip_prefix(PREFIX)) {
            (Some(prefix), Some(rest)) => format!("{prefix}{rest}"),
            _ => name.to_owned(),
        }
    }

    /// One of our own temporary tables itself (`mentions`).
    fn temporary(&self, name: &str) -> String {
        self.dialect.temporary(&self.own(name))
    }

    /// `CREATE TEMP TABLE name [ON COMMIT DROP] AS`
    fn create_as(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("CREATE TEMP TABLE {name} AS"),
            Dialect::Postgres => format!("CREATE TEMP TABLE {name} ON COMMIT DROP AS"),
            // They outlive the transaction. Nothing commits implicitly that is about a TEMPORARY table,
            // indexes added to it later excepted: https://mariadb.com/kb/en/sql-statements-that-cause-an-implicit-commit/
            Dialect::Mysql(_) => format!("{} AS", self.create_indexed(name, Vec::new())),
        }
    }

    /// `CREATE TEMPORARY TABLE name (…) ENGINE = InnoDB`, where indexes cannot come later (MariaDB, MySQL).
    fn create_indexed(&self, name: &str, indexes: Vec<String>) -> String {
        let has_primary = indexes.iter().any(|index| index.contains("PRIMARY KEY"));
        let own = self.dialect.own_primary_key().filter(|_| !has_primary);
        let all: Vec<String> = own.map(str::to_owned).into_iter().chain(indexes).collect();
        let all = if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) };
        format!("{}{all} ENGINE = InnoDB", self.dialect.create_temporary(&self.own(name)))
    }

    /// Creates one of our tables with the rows `s` of a query, numbered, and locks them where `lock` says so.
    fn keep_numbered(&self, name: &str, rows: &str, lock: &str) -> Statement {
        let (create, kept) = (self.create_as(name), "SELECT row_number() OVER () AS n, s.* FROM");
        if self.dialect.locks_while_creating() {
            return self.said(format!("{create} {kept} ({rows}{lock}) s"));
        }
        let filled = format!("INSERT INTO {} {kept} ({rows}{lock}) s", self.temporary(name));
        self.said(filled).between(vec![format!("{create} {kept} ({rows}) s LIMIT 0")], Vec::new())
    }

    /// The operator by which values of a column are equal.
    fn equality(&self, column: &Column) -> String {
        column.equality.clone().unwrap_or_else(|| self.dialect.operator("="))
    }

    fn table(&self, id: TableId) -> &'a Table {
        self.catalog.table(id)
    }

    fn column(&self, id: TableId, name: &str) -> &'a Column {
        self.table(id).column(name).expect("the catalog's references name its columns")
    }

    /// The rows of one table and of no other: with all partitions, without inheritance children.
    fn relation(&self, id: TableId) -> String {
        let table = self.table(id);
        let only = if table.kind == TableKind::InheritanceParent { "ONLY " } else { "" };
        format!("{only}{}", self.dialect.table(&table.name))
    }

    /// Where a reference's child rows are: its table, or the one partition that carries it.
    fn child_relation(&self, id: ReferenceId) -> String {
        let reference = self.catalog.reference(id);
        match &reference.partition {
            Some(partition) => self.dialect.table(partition),
            None => self.relation(reference.child),
        }
    }
}

const PREFIX: &str = "orgsweep_";

fn free_prefix(catalog: &Catalog) -> Option<String> {
    let free = |prefix: &String| !catalog.own_names.iter().any(|name| name.starts_with(prefix));
    let mut others = (1..).map(|n| format!("orgsweep{n}_"));
    if free(&PREFIX.to_owned()) { None } else { others.find(free) }
}
