//! Rows whose shape is known only at run time: every value as text, as the SQL cast it.

use super::{Error, Fault, Result};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::row::{Field, NamedRow};
use diesel::sql_types::{Binary, Double, Text};
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};
use std::str::FromStr;

/// One row, its values in the order of the select list.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Vec<Option<String>>);

impl<DB> QueryableByName<DB> for Row
where
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn build<'a>(row: &impl NamedRow<'a, DB>) -> deserialize::Result<Self> {
        let value = |index| {
            let field = diesel::row::Row::get(row, index).ok_or("a column is missing")?;
            field.value().map(<String as FromSql<Text, DB>>::from_sql).transpose()
        };
        (0..row.field_count()).map(value).collect::<deserialize::Result<_>>().map(Row)
    }
}

/// The same with values as they are bytes: what SQLite calls a text need not be UTF-8.
pub(super) struct RawRow(pub(super) Vec<Option<Vec<u8>>>);

impl QueryableByName<Sqlite> for RawRow {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let value = |index| {
            let field = diesel::row::Row::get(row, index).ok_or("a column is missing")?;
            let is_real = |value: &SqliteValue| value.value_type() == Some(SqliteType::Double);
            if let Some(value) = field.value().filter(is_real) {
                return Ok(Some(real(<f64 as FromSql<Double, Sqlite>>::from_sql(value)?)));
            }
            let text = field.value().map(<String as FromSql<Text, Sqlite>>::from_sql);
            match text {
                Some(Ok(text)) => Ok(Some(text.into_bytes())),
                Some(Err(_)) => {
                    field.value().map(<Vec<u8> as FromSql<Binary, Sqlite>>::from_sql).transpose()
                }
                None => Ok(None),
            }
        };
        (0..row.field_count()).map(value).collect::<deserialize::Result<_>>().map(RawRow)
    }
}

/// A number that came as it is: SQLite's own text of -0.0 is that of 0.0.
fn real(value: f64) -> Vec<u8> {
    format!("{value:?}").into_bytes()
}

impl Row {
    /// Of values that are text by the query's own casts.
    pub(super) fn from_bytes(values: &[super::Value]) -> Row {
        let text = |value: &super::Value| value.map(|text| String::from_utf8_lossy(text).into());
        Row(values.iter().map(text).collect())
    }

    pub fn optional(&self, index: usize) -> Option<&str> {
        self.0.get(index).and_then(Option::as_deref)
    }

    /// The value, or the empty string for NULL.
    pub fn text(&self, index: usize) -> &str {
        self.optional(index).unwrap_or_default()
    }

    /// A whole number.
    ///
    /// # Errors
    /// It is NULL, or none. Never 0 for what cannot be read: numbers are proofs.
    pub fn number(&self, index: usize) -> Result<i64> {
        self.parsed(index)
    }

    /// A number of rows, or a position.
    ///
    /// # Errors
    /// As for [`Row::number`]; it is less than 0.
    pub fn count(&self, index: usize) -> Result<u64> {
        self.parsed(index)
    }

    fn parsed<T: FromStr>(&self, index: usize) -> Result<T> {
        let said = self.optional(index);
        said.and_then(|text| text.parse().ok()).ok_or_else(|| Error {
            fault: Fault::Other,
            message: format!(
                "the database said {} where a number was asked for",
                said.unwrap_or("NULL")
            ),
        })
    }

    /// `1`, `t` and `true` are what SQLite and PostgreSQL write.
    pub fn flag(&self, index: usize) -> bool {
        matches!(self.text(index), "1" | "t" | "true")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_cannot_be_read_is_an_error_and_not_0() {
        let row = Row(vec![
            Some("12".into()),
            None,
            Some("".into()),
            Some("-1".into()),
            Some("1.5".into()),
        ]);
        assert_eq!((row.count(0).ok(), row.number(3).ok()), (Some(12), Some(-1)));
        for (index, said) in [(1, "NULL"), (3, "-1"), (4, "1.5"), (5, "NULL")] {
            let error = row.count(index).expect_err(said);
            assert!(error.message.contains(said), "{}", error.message);
        }
        row.number(2).expect_err("an empty text");
    }
}
