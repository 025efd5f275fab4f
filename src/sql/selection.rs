//! The condition that selects root rows. Names match exactly, whatever the column's collation:
//! the plain comparison is for the index, the binary one for the truth.

use super::Sql;
use super::staging::literal_alone;
use crate::catalog::{Affinity, Column, TableId};
use crate::engine::mariadb::{Family, exact};
use crate::engine::{Dialect, Statement, path, quote};
use crate::selection::{Root, Selection, parts};

impl Sql<'_> {
    /// The condition on the root table's row `c`.
    pub(super) fn selected(&self, root: &Root, selection: &Selection) -> Statement {
        let mut conditions = Vec::new();
        if let Some(name) = &root.name {
            conditions.extend(selection.names.iter().map(|value| self.name_is(root, name, value)));
            conditions
                .extend(selection.patterns.iter().map(|glob| self.name_like(root, name, glob)));
        }
        if !root.key.is_empty() {
            conditions.extend(selection.ids.iter().map(|id| self.key_is(root, id)));
        }
        let mut all = Statement::from("(");
        for (n, condition) in conditions.iter().enumerate() {
            all.push(if n > 0 { " OR " } else { "" }).append(condition);
        }
        if conditions.is_empty() {
            // What only filters selects where nothing else does.
            all.push(if selection.is_of_all() { "true" } else { "false" });
        }
        all.push(")");
        for condition in &selection.conditions {
            all.push(&format!(" AND (\n{condition}\n)"));
        }
        // A filter that this root table cannot serve lets nothing pass.
        match &selection.only {
            Some(only) if !root.key.is_empty() => {
                all.push(" AND ").append(&self.is_one_of(root, only));
            }
            Some(_) => {
                all.push(" AND false");
            }
            None => {}
        }
        if let Some(least) = selection.older_than {
            match self.age(root) {
                Some(age) => {
                    let above = self.dialect.operator(">");
                    all.push(&format!(" AND {age} {above} {}", least.as_secs()))
                }
                None => all.push(" AND false"),
            };
        }
        all
    }

    /// The key of row `c` is one of these, as they are shown.
    fn is_one_of(&self, root: &Root, shown: &[String]) -> Statement {
        let mut any = Statement::from("(");
        for (n, value) in shown.iter().enumerate() {
            any.push(if n > 0 { " OR " } else { "" }).append(&self.key_is(root, value));
            for (column, part) in key_values(root, value) {
                if self.may_mix(root.table, column) {
                    let is = self.shown(root.table, column, "c");
                    any.push(&format!(" AND {is} COLLATE BINARY = ")).bind(&part);
                }
            }
        }
        any.push(if shown.is_empty() { "false)" } else { ")" });
        any
    }

    /// The key of row `c` is this one.
    fn key_is(&self, root: &Root, id: &str) -> Statement {
        let values = key_values(root, id);
        if let [(column, part)] = &values[..] {
            return self.value_is(root.table, column, part);
        }
        let mut all = Statement::from("(");
        for (n, (column, part)) in values.iter().enumerate() {
            all.push(if n > 0 { " AND " } else { "" });
            all.append(&self.value_is(root.table, column, part));
        }
        all.push(if values.is_empty() { "false)" } else { ")" });
        all
    }

    /// The key of row `alias` as [`crate::selection::parts`] reads it; of a table without one what identifies the row.
    pub(super) fn key_text(&self, root: &Root, alias: &str) -> String {
        match &root.key[..] {
            [] => return self.row_key(root.table, alias),
            [column] => return self.shown(root.table, column, alias),
            _ => {}
        }
        let (length, replace) = (self.dialect.function("length"), self.dialect.function("replace"));
        let equals = self.dialect.operator("=");
        let quoted = |column: &String| {
            // SQLite's keys take nulls, and no text means such a row: this one cannot be read.
            let text = format!("coalesce({}, '\"null')", self.shown(root.table, column, alias));
            let plain = format!("{replace}({replace}({text}, ',', ''), '\"', '')");
            let inside = format!("{replace}({text}, '\"', '\"\"')");
            let quoted = self.dialect.joined(&["'\"'".into(), inside, "'\"'".into()]);
            let null = format!("{alias}.{} IS NULL", quote(column));
            format!(
                "CASE WHEN {null} OR {length}({plain}) {equals} {length}({text}) THEN {text} ELSE {quoted} END"
            )
        };
        let mut texts = Vec::new();
        for column in &root.key {
            if !texts.is_empty() {
                texts.push("','".to_owned());
            }
            texts.push(quoted(column));
        }
        self.dialect.joined(&texts)
    }

    /// The keys that `id` may mean, each with its type, where a column holds values of several (SQLite).
    pub fn keys_meant(&self, root: &Root, id: &str) -> Option<Statement> {
        if !root.key.iter().any(|column| self.may_mix(root.table, column)) {
            return None;
        }
        let typed = |column: &String| {
            format!(
                "{} || '::' || typeof(c.{})",
                self.plain(root.table, column, "c"),
                quote(column)
            )
        };
        let mut statement = Statement::from(format!(
            "SELECT {} FROM {} c WHERE ",
            root.key.iter().map(typed).collect::<Vec<_>>().join(" || ',' || "),
            self.relation(root.table)
        ));
        statement.append(&self.key_is(root, id)).push(" ORDER BY 1");
        Some(statement)
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
                    condition.push(&format!("({column} {} ", self.equality(declared))).bind(value);
                    condition.push(&format!("::pg_catalog.text::{} AND ", bound_type(declared)));
                } else {
                    condition.push("(");
                }
                let text = self.dialect.output(&column, &declared.type_name);
                let equals = self.dialect.operator("=");
                condition
                    .push(&format!("({text}) COLLATE pg_catalog.\"C\" {equals} "))
                    .bind(value)
                    .push("::pg_catalog.text)");
            }
            Dialect::Mysql(_) => {
                condition.push("(");
                if self.column(root.table, name).textual {
                    condition.push(&format!("{column} = ")).bind(value).push(" AND ");
                }
                condition.push(&format!("{} = CAST(", exact(&column))).bind(value);
                condition.push(" AS BINARY))");
            }
        }
        condition
    }

    fn name_like(&self, root: &Root, name: &str, glob: &str) -> Statement {
        let column = format!("c.{}", quote(name));
        let mut condition = Statement::default();
        match self.dialect {
            Dialect::Sqlite => {
                condition.push(&format!("CAST({column} AS TEXT) GLOB "));
                condition.bind(&glob.replace('[', "[[]"));
            }
            Dialect::Postgres => {
                let text = self.dialect.output(&column, &self.column(root.table, name).type_name);
                condition.push(&format!(
                    "({text}) COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.~~) pg_catalog.like_escape("
                ));
                condition.bind(&glob_to_like(glob)).push("::pg_catalog.text, '!')");
            }
            // By characters, and each as it is.
            Dialect::Mysql(_) => {
                condition.push(&format!("CAST({column} AS CHAR) COLLATE utf8mb4_bin LIKE "));
                condition.bind(&glob_to_like(glob)).push(" ESCAPE '!'");
            }
        }
        condition
    }

    /// The column of row `c` holds what the engine takes for the value ([`Sql::value_is`] for what is exactly it).
    pub(super) fn value_equals(&self, table: TableId, name: &str, value: &str) -> Statement {
        let column = format!("c.{}", quote(name));
        let type_name = &self.column(table, name).type_name;
        let mut condition = Statement::default();
        match self.dialect {
            // It keeps numbers and texts apart, and a value comes as a text.
            Dialect::Sqlite if self.column(table, name).affinity == Affinity::Blob => {
                return self.reads(table, name, value);
            }
            Dialect::Sqlite => match as_blob(value) {
                None => {
                    condition.push(&format!("{column} = ")).bind(value);
                }
                Some(blob) => {
                    condition.push(&format!("({column} = {blob} OR {column} = ")).bind(value);
                    condition.push(")");
                }
            },
            Dialect::Postgres => {
                let declared = self.column(table, name);
                let bound = format!("\0::pg_catalog.text::{}", bound_type(declared));
                let mut keys = self.table(table).keys.iter();
                let equal = match keys.find(|key| key.columns == [name.to_owned()]) {
                    Some(key) => self.equal_in(key, 0, &column, &bound),
                    None => format!("{column} {} {bound}", self.equality(declared)),
                };
                let (left, right) = equal.split_once('\0').expect("what is bound is in it");
                condition.push(left).bind(value).push(right);
            }
            Dialect::Mysql(_) => condition = Family::of(type_name).is(&column, value),
        }
        condition
    }
    /// One run at a time deletes an organization: a second one waits here, before it touches a row
    /// (PostgreSQL). The lock's number is the hash of the root table and the key, in a stable order, so
    /// that two runs that select several never wait for each other; it ends with the transaction, which
    /// PgBouncer's transaction pooling allows.
    pub fn lock_organizations(&self, root: &Root, selection: &Selection) -> Option<Statement> {
        if self.dialect != Dialect::Postgres {
            return None;
        }
        let table = self.dialect.literal(&format!("orgsweep:{}:", self.relation(root.table)));
        let key: Vec<String> = self
            .identity_values(root.table, "c")
            .iter()
            .zip(self.identity_types(root.table))
            .map(|(value, type_name)| self.dialect.value_text(value, &type_name))
            .collect();
        let mut statement = Statement::from(format!(
            "SELECT pg_catalog.pg_advisory_xact_lock(o.number)::pg_catalog.text FROM (SELECT DISTINCT \
             pg_catalog.hashtextextended(pg_catalog.concat_ws(',', {table}, {}), 0) AS number FROM {} c WHERE ",
            key.join(", "),
            self.relation(root.table)
        ));
        statement.append(&self.selected(root, selection));
        statement.push(" ORDER BY 1) o");
        Some(statement)
    }

    /// Key, name and age in seconds of the selected root rows, by key.
    pub fn describe_roots(&self, root: &Root, up_to: u32) -> Statement {
        self.said(format!(
            "SELECT {} FROM {} k JOIN {} c ON {} WHERE k.gen <= {up_to} ORDER BY {}",
            self.root_columns(root),
            self.key_relation(root.table),
            self.relation(root.table),
            self.same_row(root.table, "k", "c"),
            self.identity_values(root.table, "c").join(", "),
        ))
    }

    /// Key, name and age of a root row `c`.
    pub(super) fn root_columns(&self, root: &Root) -> String {
        let column = |name: &Option<String>| match name {
            Some(name) => {
                let type_name = &self.column(root.table, name).type_name;
                self.dialect.output(&format!("c.{}", quote(name)), type_name)
            }
            None => "NULL".into(),
        };
        let key = self.key_text(root, "c");
        let age = self.age(root).map_or_else(|| "NULL".into(), |age| self.whole(&age));
        format!("{key}, {}, {age}", column(&root.name))
    }

    /// How many seconds ago a root row was made. `None`: its column cannot tell.
    fn age(&self, root: &Root) -> Option<String> {
        let created = root.created.as_deref()?;
        let type_name = &self.column(root.table, created).type_name;
        self.dialect.age(&format!("c.{}", quote(created)), type_name)
    }

    fn whole(&self, number: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("CAST(CAST({number} AS INTEGER) AS TEXT)"),
            Dialect::Postgres => format!("pg_catalog.floor({number})::pg_catalog.text"),
            Dialect::Mysql(_) => format!("CAST(floor({number}) AS CHAR)"),
        }
    }
}

/// The columns of the root's key, and what `id` says of each; nothing where it does not say it of all.
pub(super) fn key_values<'a>(root: &'a Root, id: &str) -> Vec<(&'a str, String)> {
    let parts = match root.key.len() {
        1 => vec![id.to_owned()],
        _ => parts(id).filter(|parts| parts.len() == root.key.len()).unwrap_or_default(),
    };
    root.key.iter().map(String::as_str).zip(parts).collect()
}

/// A blob as it is shown: SQLite may keep one in any column.
pub(super) fn as_blob(value: &str) -> Option<&str> {
    literal_alone(value).filter(|literal| literal.starts_with("X'"))
}

/// The type that a value for a column is bound as. A cast to PostgreSQL's `character varying(3)` or `numeric(9,2)`
/// cuts or rounds what does not fit, and would find another row.
pub(super) fn bound_type(column: &Column) -> String {
    path::of_any_length(column.value_type())
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
