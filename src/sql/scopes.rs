//! Rows that say by a scope column whose they are.

use super::closure::where_all;
use super::{RowKey, Sql};
use crate::catalog::{Column, ReferenceId, TableId};
use crate::engine::{Dialect, Statement, quote};
use crate::selection::{Root, Selection};

impl Sql<'_> {
    /// SQLite, where a column of any type holds bytes: 1 where a scope column does and its key does not, or the other way
    /// round. Bytes come after all else in its order (<https://sqlite.org/datatype3.html#sort_order>), so that an index
    /// finds them.
    pub(crate) fn mixes_bytes(&self, scope: ReferenceId) -> Option<Statement> {
        let reference = self.catalog.reference(scope);
        let holds = |table: TableId, column: &str, values: &str| {
            let (relation, column) = (self.relation(table), quote(column));
            format!("EXISTS (SELECT 1 FROM {relation} WHERE {column} {values} x'')")
        };
        let pairs = reference.columns.iter().zip(&reference.parent_columns);
        let mixed = pairs.flat_map(|(column, key)| {
            [(">=", "<"), ("<", ">=")].map(|(own, other)| {
                let own = holds(reference.child, column, own);
                format!("({own} AND {})", holds(reference.parent, key, other))
            })
        });
        let mixed = mixed.collect::<Vec<_>>().join(" OR ");
        (self.dialect == Dialect::Sqlite).then(|| format!("SELECT {mixed}").into())
    }

    /// How many rows name a root row of the key table. `known`: those in their own table's key table go, and are none,
    /// nor are those that the unlinks `emptied` take the key from.
    pub(crate) fn count_left_behind(
        &self,
        scope: ReferenceId,
        known: bool,
        emptied: &[usize],
    ) -> Statement {
        let child = self.catalog.reference(scope).child;
        let same = self.same_row(child, "k", "c");
        let keys = known.then(|| self.key_relation(child));
        let others = keys.into_iter().chain(emptied.iter().map(|position| self.kept(*position)));
        let is_in_none = |rows| format!("NOT EXISTS (SELECT 1 FROM {rows} k WHERE {same})");
        let conditions: Vec<String> = others.map(is_in_none).collect();
        self.said(format!(
            "SELECT {} FROM {} p JOIN {} c ON {}{}",
            self.dialect.count(),
            self.named_once(scope),
            self.child_relation(scope),
            self.names_key(scope, "p", "c"),
            where_all(&conditions),
        ))
    }

    /// How many rows name somebody, whoever that is.
    pub(crate) fn count_naming_anybody(&self, scope: ReferenceId) -> Statement {
        let (rows, named) = (self.child_relation(scope), self.row_names_somebody(scope, "c"));
        format!("SELECT {} FROM {rows} c WHERE {named}", self.dialect.count()).into()
    }

    /// The key of each root row outside the key table that rows of the closure name, and how many do.
    pub(crate) fn others_by_organization(&self, scope: ReferenceId, root: &Root) -> Statement {
        let child = self.catalog.reference(scope).child;
        let key = self.key_text(root, "r");
        self.said(format!(
            "SELECT {key}, {} FROM {} k JOIN {} c ON {} JOIN {} r ON {} \
             WHERE NOT EXISTS (SELECT 1 FROM {} p WHERE {}) GROUP BY 1",
            self.dialect.count(),
            self.key_relation(child),
            self.child_relation(scope),
            self.same_row(child, "k", "c"),
            self.relation(root.table),
            self.names_row(scope, "r", "c"),
            self.key_relation(root.table),
            self.same_row(root.table, "p", "r"),
        ))
    }

    /// Label and key of the root row outside the key table that this row names.
    pub(crate) fn other_of_row(&self, scope: ReferenceId, root: &Root, row: &RowKey) -> Statement {
        let [label, key] = self.label(root.table, "r");
        let mut other = Statement::from(format!(
            "SELECT {label}, {key} FROM {} c JOIN {} r ON {} WHERE NOT EXISTS (SELECT 1 FROM {} p WHERE {}) AND ",
            self.child_relation(scope),
            self.relation(root.table),
            self.names_row(scope, "r", "c"),
            self.key_relation(root.table),
            self.same_row(root.table, "p", "r"),
        ));
        other.append(&self.is_row(row, "c"));
        other
    }

    /// The key of each selected root row that rows name, and how many do, whether they go or not.
    pub(crate) fn count_by_organization(
        &self,
        scope: ReferenceId,
        root: &Root,
        selection: &Selection,
    ) -> Statement {
        let key = self.key_text(root, "c");
        let mut statement = Statement::from(format!(
            "SELECT {key}, {} FROM {} c JOIN {} s ON {} WHERE ",
            self.dialect.count(),
            self.relation(root.table),
            self.child_relation(scope),
            self.names_row(scope, "c", "s"),
        ));
        statement.append(&self.selected(root, selection)).push(" GROUP BY 1");
        statement
    }

    /// The name of a class in `column` ends with one of these words, in any case.
    pub(super) fn is_called(&self, column: &str, declared: &Column, nouns: &[String]) -> String {
        let text = self.dialect.output(column, &declared.type_name);
        let text = format!("{}({text})", self.dialect.function("lower"));
        let equals = self.dialect.operator("=");
        let ends = |word: &String| {
            let end = match self.dialect {
                Dialect::Sqlite => format!("substr({text}, -{})", word.chars().count()),
                _ => {
                    format!("{}({text}, {})", self.dialect.function("right"), word.chars().count())
                }
            };
            format!("{end} {equals} {}", self.dialect.literal(word))
        };
        let one = |noun: &String| {
            let whole = format!("{text} {equals} {}", self.dialect.literal(noun));
            let within = [":", "\\", ".", "/"].map(|before| ends(&format!("{before}{noun}")));
            [&[whole], &within[..]].concat()
        };
        format!("({})", nouns.iter().flat_map(one).collect::<Vec<_>>().join(" OR "))
    }
}
