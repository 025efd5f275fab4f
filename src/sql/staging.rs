//! Stage tables: the rows of an archive as temporary tables named `orgsweep_r…`, where sets of them can
//! be asked about before any of them is put back.

use super::Sql;
use crate::archive::{ArchivedColumn, Section};
use crate::engine::mariadb::{Family, is_invalid_label};
use crate::engine::{Dialect, Statement, path, quote, type_of};
use crate::restoration::Part;

/// A section's rows in its stage table, alias `s`, columns `v0`, `v1`, …
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    pub part: Part,
    pub section: &'a Section,
}

/// A row whose long values are sent ahead.
pub struct Apart {
    /// Variables of the session, and what each is to hold.
    pub ahead: Vec<(String, Vec<u8>)>,
    /// Names them.
    pub insert: Statement,
}

impl Stage<'_> {
    fn name(&self) -> String {
        format!("orgsweep_r{}", self.part.section)
    }

    /// The stage's column that holds the table's column `name`.
    pub(super) fn column(&self, alias: &str, name: &str) -> Option<String> {
        Some(format!("{alias}.{}", self.value(name)?))
    }

    fn value(&self, name: &str) -> Option<String> {
        let n = self.section.columns.iter().position(|column| column.name == name)?;
        Some(format!("v{n}"))
    }

    /// What an unlink found in its column `n`, and what it wrote.
    pub(super) fn link(&self, alias: &str, n: usize) -> (String, String) {
        let first = self.section.columns.len();
        let written = self.section.written.len();
        (format!("{alias}.v{}", first + n), format!("{alias}.v{}", first + written + n))
    }

    /// What holds the rowid that no column is (SQLite).
    pub(super) fn rowid(&self) -> Option<String> {
        self.section.rowid.then(|| format!("v{}", self.section.columns.len()))
    }

    /// The columns, named.
    pub(super) fn columns(&self) -> String {
        let names: Vec<String> = self.section.columns.iter().map(|c| quote(&c.name)).collect();
        names.join(", ")
    }

    pub(super) fn values(&self, alias: &str) -> String {
        let values = (0..self.section.columns.len()).map(|n| format!("{alias}.v{n}"));
        values.collect::<Vec<_>>().join(", ")
    }

    /// The column of each value of a line.
    fn archived(&self) -> impl Iterator<Item = &ArchivedColumn> {
        let Section { columns, written, .. } = self.section;
        columns.iter().chain(written).chain(written)
    }
}

/// From so many bytes on a value does not go into the text of a statement with others.
const LONG: usize = 1 << 12;

impl Sql<'_> {
    pub(super) fn stage(&self, stage: Stage) -> String {
        self.mentioned(&stage.name())
    }

    /// `INSERT INTO` the stage table.
    fn insert_into_stage(&self, stage: Stage) -> String {
        format!("INSERT INTO {}", self.temporary(&stage.name()))
    }

    /// Values compare here as they do in their table: by its columns' collations and, on SQLite, their
    /// affinities, which every value went through before.
    pub fn create_stage(&self, stage: Stage) -> String {
        let (name, table) = (stage.name(), stage.part.table);
        let columns = stage.archived().enumerate();
        match self.dialect {
            Dialect::Sqlite => {
                let column = |(n, archived): (usize, &ArchivedColumn)| {
                    let column = self.column(table, &archived.name);
                    let collation = column.collation.as_deref().unwrap_or("BINARY");
                    format!("v{n} {} COLLATE {}", type_of(column.affinity), quote(collation))
                };
                let mut columns: Vec<String> = columns.map(column).collect();
                columns.extend(stage.rowid().map(|rowid| format!("{rowid} INT")));
                format!("CREATE TEMP TABLE {name} ({})", columns.join(", "))
            }
            Dialect::Postgres => {
                let columns = columns.map(|(n, archived)| {
                    let column = self.column(table, &archived.name);
                    let value = format!("c.{}", quote(&column.name));
                    // A domain's own checks run where the row goes into its table.
                    match &column.domain_over {
                        Some(base) => format!("{value}::{} AS v{n}", path::of_any_length(base)),
                        None => format!("{value} AS v{n}"),
                    }
                });
                format!(
                    "CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT {} FROM {} c WITH NO DATA",
                    columns.collect::<Vec<_>>().join(", "),
                    self.relation(table),
                )
            }
            Dialect::Mysql(_) => {
                let columns: Vec<String> = columns
                    .map(|(n, column)| format!("c.{} AS v{n}", quote(&column.name)))
                    .collect();
                let keys = self.staged_keys(stage).into_iter();
                let keys = keys.map(|key| format!("KEY ({})", key.join(", "))).collect();
                format!(
                    "{} AS SELECT {} FROM {} c WHERE 1 = 0",
                    self.create_indexed(&name, keys),
                    columns.join(", "),
                    self.relation(table),
                )
            }
        }
    }

    /// The stage table that takes an archive's lines as they are (PostgreSQL): its types read their values' texts
    /// themselves.
    pub fn copied_stage(&self, stage: Stage) -> Option<String> {
        (self.dialect == Dialect::Postgres).then(|| self.temporary(&stage.name()))
    }

    /// Adds rows to a stage table that takes no lines. `None`: a value is none that an archive holds.
    pub fn fill_stage(&self, stage: Stage, rows: &[Vec<Option<String>>]) -> Option<Statement> {
        match self.dialect {
            Dialect::Sqlite => {
                let row = |row: &Vec<Option<String>>| {
                    let values: Option<Vec<&str>> =
                        row.iter().map(|value| literal_alone(value.as_deref()?)).collect();
                    Some(format!("({})", values?.join(", ")))
                };
                let rows: Option<Vec<String>> = rows.iter().map(row).collect();
                Some(
                    format!("{} VALUES {}", self.insert_into_stage(stage), rows?.join(", ")).into(),
                )
            }
            Dialect::Mysql(_) => {
                let types = self.staged_types(stage);
                let row = |row: &Vec<Option<String>>| {
                    let value = |(value, type_name): (&Option<String>, &&str)| match value {
                        Some(text) => Family::unarchived(type_name, text, self.dialect),
                        None => Some("NULL".into()),
                    };
                    let values: Option<Vec<String>> = row.iter().zip(&types).map(value).collect();
                    Some(format!("({})", values?.join(", ")))
                };
                let lenient = is_lenient(rows, &types);
                let rows: Option<Vec<String>> = rows.iter().map(row).collect();
                let insert =
                    format!("{} VALUES {}", self.insert_into_stage(stage), rows?.join(", "));
                Some(if lenient { self.dialect.lenient(&insert) } else { insert }.into())
            }
            Dialect::Postgres => None,
        }
    }

    /// The same of one row whose values may be too long for one statement (MariaDB, whose statements have a longest
    /// length).
    pub fn fill_stage_apart(&self, stage: Stage, row: &[Option<String>]) -> Option<Apart> {
        let types = self.staged_types(stage);
        let (mut ahead, mut values) = (Vec::new(), Vec::new());
        for (n, (value, type_name)) in row.iter().zip(&types).enumerate() {
            values.push(match value {
                None => "NULL".into(),
                Some(text) if text.len() < LONG => {
                    Family::unarchived(type_name, text, self.dialect)?
                }
                Some(text) => {
                    let variable = format!("@orgsweep_v{n}");
                    let (bytes, named) = Family::sent(type_name, text, &variable, self.dialect)?;
                    ahead.push((variable, bytes));
                    named
                }
            });
        }
        let insert = format!("{} VALUES ({})", self.insert_into_stage(stage), values.join(", "));
        let lenient = is_lenient(&[row], &types);
        let insert = if lenient { self.dialect.lenient(&insert) } else { insert };
        Some(Apart { ahead, insert: insert.into() })
    }

    /// The declared type of each value of a line.
    fn staged_types(&self, stage: Stage) -> Vec<&str> {
        let column = |archived: &ArchivedColumn| {
            self.column(stage.part.table, &archived.name).type_name.as_str()
        };
        stage.archived().map(column).collect()
    }

    /// What makes a filled stage table quick to ask: PostgreSQL hashes it, by its statistics; SQLite looks
    /// its rows up by each key that references name.
    pub fn settle_stage(&self, stage: Stage) -> Vec<String> {
        match self.dialect {
            Dialect::Postgres => return vec![format!("ANALYZE {}", self.stage(stage))],
            // It was created with its indexes: one that comes later would commit.
            Dialect::Mysql(_) => return Vec::new(),
            Dialect::Sqlite => {}
        }
        let index = |key: Vec<String>| {
            let (name, suffix) = (stage.name(), key.join("_"));
            format!("CREATE INDEX temp.{name}_{suffix} ON {name} ({})", key.join(", "))
        };
        self.staged_keys(stage).into_iter().map(index).collect()
    }

    /// The keys that references name, in the stage's columns.
    fn staged_keys(&self, stage: Stage) -> Vec<Vec<String>> {
        let mut keys: Vec<Vec<String>> = Vec::new();
        for reference in self.catalog.references.iter().filter(|r| r.parent == stage.part.table) {
            let long = |name: &String| {
                let type_name = &self.column(stage.part.table, name).type_name;
                !self.dialect.indexes_all_of(type_name)
            };
            if reference.parent_columns.iter().any(long) {
                continue;
            }
            let key: Option<Vec<String>> =
                reference.parent_columns.iter().map(|name| stage.value(name)).collect();
            keys.extend(key.filter(|key| !keys.contains(key)));
        }
        keys
    }
}

/// A value is one that only a statement which is not strict takes. The archive's other values come from these very types.
fn is_lenient(rows: &[impl AsRef<[Option<String>]>], types: &[&str]) -> bool {
    let invalid = |row: &[Option<String>]| {
        row.iter().zip(types).any(|(value, type_name)| {
            value.as_ref().is_some_and(|text| is_invalid_label(type_name, text))
        })
    };
    rows.iter().any(|row| invalid(row.as_ref()))
}

/// The text, where it is one SQL literal of those that an archive holds and nothing else: it becomes
/// part of a statement.
pub(super) fn literal_alone(text: &str) -> Option<&str> {
    let hex = |text: &str| {
        text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let blob = |text: &str| {
        text.strip_prefix("X'").and_then(|rest| rest.strip_suffix('\'')).is_some_and(hex)
    };
    let quoted = |text: &str| {
        let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        inner.is_some_and(|inner| !inner.replace("''", "").contains('\''))
    };
    let number = |text: &str| {
        let characters = "0123456789.+-eE";
        text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            && text.chars().all(|c| characters.contains(c))
            && text.parse::<f64>().is_ok()
    };
    let cast = text.strip_prefix("CAST(").and_then(|rest| rest.strip_suffix(" AS TEXT)"));
    let sound = text == "NULL"
        || number(text)
        || (text.len() > 1 && quoted(text))
        || blob(text)
        || cast.is_some_and(blob);
    sound.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_literal_by_itself_becomes_part_of_a_statement() {
        for sound in [
            "NULL",
            "-1",
            "0.5",
            "9.0e+999",
            "''",
            "'it''s'",
            "X''",
            "X'0aFF'",
            "CAST(X'6100' AS TEXT)",
        ] {
            assert_eq!(literal_alone(sound), Some(sound));
        }
        for other in [
            "",
            "'",
            "'a'b'",
            "1; DROP TABLE t",
            "X'0g'",
            "X'0'",
            "1-1a",
            "(SELECT 1)",
            "'''",
            "--",
            "CAST(1 AS TEXT)",
        ] {
            assert_eq!(literal_alone(other), None, "{other}");
        }
    }
}
