//! What a table demands of its rows: keys, what else keeps rows apart, checks.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Key {
    pub name: String,
    pub columns: Vec<String>,
    pub primary: bool,
    /// No column of it can be null, so it identifies every row.
    pub not_null: bool,
    /// UNIQUE NULLS NOT DISTINCT (PostgreSQL 15).
    pub nulls_not_distinct: bool,
    /// PostgreSQL: how the key's own index compares each of its columns.
    #[serde(default)]
    pub comparisons: Vec<KeyComparison>,
}

/// PostgreSQL: an index compares by the operators of its class, which are not always those of its column's type.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct KeyComparison {
    /// `OPERATOR(extensions.=)`, where it is not the built-in `=`.
    pub operator: Option<String>,
    /// The type that both sides are compared as, where it is another than the column's.
    pub operand: Option<String>,
    /// The operator's own function, where more than one operator would do for the type.
    pub function: Option<String>,
}

/// Rows that must not be alike, where no [`Key`] says so: unique indexes that are partial, over expressions, checked
/// late, or compare otherwise than their columns do; PostgreSQL's exclusion constraints.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Exclusion {
    pub name: String,
    /// None where it cannot be asked: the engine decides.
    pub parts: Vec<ExcludedPart>,
    /// The rows that it is about, as SQL over the table's own column names; all of them where there is none.
    pub predicate: Option<String>,
    pub nulls_not_distinct: bool,
    /// Columns that it may read; empty when the engine does not tell.
    pub columns: Vec<String>,
}

/// What is compared, and how; two rows are alike where all parts are.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ExcludedPart {
    pub expression: String,
    /// Stands between the two: `OPERATOR(pg_catalog.&&)`, `COLLATE "NOCASE" =`.
    pub operator: String,
}

impl Exclusion {
    /// All SQL in it.
    pub fn texts(&self) -> impl Iterator<Item = &String> {
        self.parts.iter().map(|part| &part.expression).chain(&self.predicate)
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Check {
    /// SQLite: the expression itself, where the constraint has no name.
    pub name: String,
    pub expression: String,
    /// Columns that the expression may read; empty when the engine does not tell.
    pub columns: Vec<String>,
}
