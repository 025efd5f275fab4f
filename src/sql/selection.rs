//! The condition that selects root rows. Names match exactly, whatever the column's collation:
//! the plain comparison is for the index, the binary one for the truth.

use super::mysql::{Family, exact};
use super::{Dialect, Sql, Statement, literal, quote};
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
        // A filter that this root table cannot serve lets nothing pass.
        match (&selection.only, &root.key) {
            (Some(only), Some(key)) => {
                all.push(" AND ").append(&self.value_is(root.table, key, only));
            }
            (Some(_), None) => {
                all.push(" AND 1 = 0");
            }
            (None, _) => {}
        }
        if let Some(least) = selection.older_than {
            match self.age(root) {
                Some(age) => all.push(&format!(" AND {age} > {}", least.as_secs())),
                None => all.push(" AND 1 = 0"),
            };
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
            Dialect::Mysql => {
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
            // By characters, and each as it is.
            Dialect::Mysql => {
                condition.push(&format!("CAST({column} AS CHAR) COLLATE utf8mb4_bin LIKE "));
                condition.bind(&glob_to_like(glob)).push(" ESCAPE '!'");
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
            Dialect::Mysql => condition = Family::of(type_name).is(&column, value),
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
        let table = literal(&format!("orgsweep:{}:", self.relation(root.table)));
        let key: Vec<String> = self
            .identity_values(root.table, "c")
            .iter()
            .map(|value| self.dialect.as_text(value))
            .collect();
        let mut statement = Statement::from(format!(
            "SELECT pg_advisory_xact_lock(o.number)::text FROM (SELECT DISTINCT \
             hashtextextended(concat_ws(',', {table}, {}), 0) AS number FROM {} c WHERE ",
            key.join(", "),
            self.relation(root.table)
        ));
        statement.append(&self.selected(root, selection));
        statement.push(" ORDER BY 1) o");
        Some(statement)
    }

    /// Key, name and age in seconds of the selected root rows, by key.
    pub fn describe_roots(&self, root: &Root, up_to: u32) -> Statement {
        format!(
            "SELECT {} FROM {} k JOIN {} c ON {} WHERE k.gen <= {up_to} ORDER BY {}",
            self.root_columns(root),
            self.key_relation(root.table),
            self.relation(root.table),
            self.same_row(root.table, "k", "c"),
            self.identity_values(root.table, "c").join(", "),
        )
        .into()
    }

    /// Key, name and age of a root row `c`.
    pub(super) fn root_columns(&self, root: &Root) -> String {
        let column = |name: &Option<String>| match name {
            Some(name) => self.dialect.as_text(&format!("c.{}", quote(name))),
            None => "NULL".into(),
        };
        let key = match &root.key {
            Some(key) => self.shown(root.table, key, "c"),
            None => self.row_key(root.table, "c"),
        };
        let age = self.age(root).map_or_else(|| "NULL".into(), |age| self.whole(&age));
        format!("{key}, {}, {age}", column(&root.name))
    }

    /// How many seconds ago a root row was made, by the database's clock; null where its column does
    /// not tell. Numbers are seconds since 1970. What lies outside 1971 to 9999 is a placeholder (Go's
    /// year 1), a Julian day, a bare year, milliseconds: it tells nothing. `None`: the column is of no such type.
    fn age(&self, root: &Root) -> Option<String> {
        const TIMES: &str = "BETWEEN 31536000 AND 253402300799";
        let created = root.created.as_deref()?;
        let column = format!("c.{}", quote(created));
        if self.dialect == Dialect::Sqlite {
            // strftime would read '2020' as a Julian day and '12:30' as a day in 2000.
            let day = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*";
            let seconds = format!(
                "CASE typeof({column}) WHEN 'integer' THEN {column} WHEN 'real' THEN {column} \
                 WHEN 'text' THEN CASE WHEN {column} GLOB '{day}' \
                 THEN CAST(strftime('%s', {column}) AS INTEGER) END END"
            );
            return Some(format!(
                "(SELECT CASE WHEN s {TIMES} THEN CAST(strftime('%s', 'now') AS INTEGER) - s END \
                 FROM (SELECT {seconds} AS s))"
            ));
        }
        let type_name = &self.column(root.table, created).type_name;
        if self.dialect == Dialect::Mysql {
            return match Family::of(type_name) {
                // The session's time zone is UTC, and so is a DATETIME for want of a better guess.
                Family::Date => Some(format!(
                    "CASE WHEN {column} BETWEEN '1971-01-01' AND '9999-12-31' \
                     THEN timestampdiff(SECOND, {column}, now(6)) END"
                )),
                Family::Integer | Family::Decimal | Family::Float => Some(format!(
                    "CASE WHEN {column} {TIMES} THEN unix_timestamp() - CAST({column} AS DECIMAL(30, 6)) END"
                )),
                _ => None,
            };
        }
        match time(type_name)? {
            // Infinity has no distance.
            Time::Date => Some(format!(
                "CASE WHEN {column} BETWEEN '1971-01-01' AND '9999-12-31' \
                 THEN extract(epoch FROM now() - {column}) END"
            )),
            Time::Number => Some(format!(
                "CASE WHEN {column} {TIMES} THEN extract(epoch FROM now()) - {column} END"
            )),
        }
    }

    fn whole(&self, number: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("CAST(CAST({number} AS INTEGER) AS TEXT)"),
            Dialect::Postgres => format!("floor({number})::text"),
            Dialect::Mysql => format!("CAST(floor({number}) AS CHAR)"),
        }
    }
}

impl Dialect {
    /// A column of this type can tell a time. In SQLite each value speaks for itself.
    pub fn tells_time(self, type_name: &str) -> bool {
        match self {
            Dialect::Sqlite => true,
            Dialect::Postgres => time(type_name).is_some(),
            Dialect::Mysql => matches!(
                Family::of(type_name),
                Family::Date | Family::Integer | Family::Decimal | Family::Float
            ),
        }
    }
}

enum Time {
    Date,
    Number,
}

/// How a PostgreSQL type tells a time.
fn time(type_name: &str) -> Option<Time> {
    const NUMBERS: [&str; 4] = ["integer", "bigint", "double precision", "real"];
    match () {
        () if type_name.starts_with("timestamp") || type_name == "date" => Some(Time::Date),
        () if NUMBERS.contains(&type_name) || type_name.starts_with("numeric") => {
            Some(Time::Number)
        }
        () => None,
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
