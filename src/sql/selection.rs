//! The condition that selects root rows. Names match exactly, whatever the column's collation:
//! the plain comparison is for the index, the binary one for the truth.

use super::{Dialect, Sql, Statement, quote};
use crate::catalog::TableId;
use crate::selection::{Root, Selection};

impl Sql<'_> {
    /// The condition on the root table's row `c`.
    pub(super) fn selected(&self, root: &Root, selection: &Selection) -> Statement {
        let mut conditions = Vec::new();
        if let Some(name) = &root.name {
            conditions.extend(selection.names.iter().map(|value| self.name_is(root, name, value)));
            conditions.extend(selection.patterns.iter().map(|glob| self.name_like(name, glob)));
        }
        if let Some(key) = &root.key {
            conditions
                .extend(selection.ids.iter().map(|value| self.value_is(root.table, key, value)));
        }
        let mut all = Statement::from("(");
        for (n, condition) in conditions.iter().enumerate() {
            all.push(if n > 0 { " OR " } else { "" }).append(condition);
        }
        if conditions.is_empty() {
            all.push("1 = 0");
        }
        all.push(")");
        if let (Some(key), Some(only)) = (&root.key, &selection.only) {
            all.push(" AND ").append(&self.value_is(root.table, key, only));
        }
        if let (Some(age), Some(least)) = (self.age(root), selection.older_than) {
            all.push(&format!(" AND {age} > {}", least.as_secs()));
        }
        all
    }

    fn name_is(&self, root: &Root, name: &str, value: &str) -> Statement {
        let column = format!("c.{}", quote(name));
        let mut condition = Statement::default();
        match self.dialect {
            Dialect::Sqlite => {
                condition.push(&format!("({column} = ")).bind(value);
                condition.push(&format!(" AND CAST({column} AS TEXT) COLLATE BINARY = "));
                condition.bind(value).push(")");
            }
            Dialect::Postgres => {
                let declared = self.column(root.table, name);
                if declared.textual {
                    condition.push(&format!("({column} = ")).bind(value);
                    condition.push(&format!("::text::{} AND ", declared.type_name));
                } else {
                    condition.push("(");
                }
                condition
                    .push(&format!("{column}::text COLLATE \"C\" = "))
                    .bind(value)
                    .push("::text)");
            }
        }
        condition
    }

    fn name_like(&self, name: &str, glob: &str) -> Statement {
        let column = format!("c.{}", quote(name));
        let mut condition = Statement::default();
        match self.dialect {
            Dialect::Sqlite => {
                condition.push(&format!("CAST({column} AS TEXT) GLOB "));
                condition.bind(&glob.replace('[', "[[]"));
            }
            Dialect::Postgres => {
                condition.push(&format!("{column}::text COLLATE \"C\" LIKE "));
                condition.bind(&glob_to_like(glob)).push("::text ESCAPE '!'");
            }
        }
        condition
    }

    /// The column of row `c` holds the value.
    pub(super) fn value_is(&self, table: TableId, name: &str, value: &str) -> Statement {
        let column = format!("c.{}", quote(name));
        let type_name = &self.column(table, name).type_name;
        let mut condition = Statement::default();
        match self.dialect {
            Dialect::Sqlite if self.may_be_blob(table, name) => {
                condition.push(&format!("{} = ", self.shown(table, name, "c"))).bind(value);
            }
            Dialect::Sqlite => {
                condition.push(&format!("{column} = ")).bind(value);
            }
            Dialect::Postgres => {
                condition.push(&format!("{column} = ")).bind(value);
                condition.push(&format!("::text::{}", without_length(type_name)));
            }
        }
        condition
    }

    /// Key, name and age in seconds of the selected root rows, by key.
    pub fn describe_roots(&self, root: &Root, up_to: u32) -> Statement {
        let column = |name: &Option<String>| match name {
            Some(name) => self.dialect.as_text(&format!("c.{}", quote(name))),
            None => "NULL".into(),
        };
        let key = match &root.key {
            Some(key) => self.shown(root.table, key, "c"),
            None => self.row_key(root.table, "c"),
        };
        format!(
            "SELECT {key}, {}, {} FROM {} k JOIN {} c ON {} WHERE k.gen <= {up_to} ORDER BY {}",
            column(&root.name),
            self.age(root).map_or_else(|| "NULL".into(), |age| self.whole(&age)),
            self.key_relation(root.table),
            self.relation(root.table),
            self.same_row(root.table, "k", "c"),
            self.identity_values(root.table, "c").join(", "),
        )
        .into()
    }

    /// How many seconds ago a root row was made, by the database's clock; null where its column does
    /// not tell. Numbers are seconds since 1970. `None`: the column is of no such type.
    pub fn age(&self, root: &Root) -> Option<String> {
        let created = root.created.as_deref()?;
        let column = format!("c.{}", quote(created));
        match self.dialect {
            Dialect::Sqlite => Some(format!(
                "(CAST(strftime('%s', 'now') AS INTEGER) - CASE WHEN typeof({column}) IN ('integer', 'real') \
                 THEN {column} ELSE CAST(strftime('%s', {column}) AS INTEGER) END)"
            )),
            Dialect::Postgres => {
                let type_name = self.column(root.table, created).type_name.as_str();
                let number = ["integer", "bigint", "double precision", "real"].contains(&type_name)
                    || type_name.starts_with("numeric");
                match type_name.starts_with("timestamp") || type_name == "date" {
                    true => Some(format!("extract(epoch FROM now() - {column})")),
                    false => number.then(|| format!("(extract(epoch FROM now()) - {column})")),
                }
            }
        }
    }

    fn whole(&self, number: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("CAST(CAST({number} AS INTEGER) AS TEXT)"),
            Dialect::Postgres => format!("floor({number})::text"),
        }
    }
}

/// A cast to PostgreSQL's `character varying(3)` or `numeric(9,2)` cuts or rounds what does not fit,
/// and would find another row.
fn without_length(type_name: &str) -> &str {
    match type_name.split_once('(') {
        Some(("character varying", _)) => "character varying",
        Some(("character", _)) => "bpchar",
        Some(("numeric", _)) => "numeric",
        _ => type_name,
    }
}

/// `*` and `?` to LIKE's wildcards, everything else literal; `!` escapes.
fn glob_to_like(glob: &str) -> String {
    let character = |c: char| match c {
        '*' => "%".to_owned(),
        '?' => "_".to_owned(),
        '%' | '_' | '!' => format!("!{c}"),
        other => other.to_string(),
    };
    glob.chars().map(character).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn globs_keep_the_other_engines_wildcards_literal() {
        assert_eq!(super::glob_to_like("e2e_*!100%?"), "e2e!_%!!100!%_");
    }
}
