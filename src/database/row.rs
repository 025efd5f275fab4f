//! Rows whose shape is known only at run time: every value as text, as the SQL cast it.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::row::{Field, NamedRow};
use diesel::sql_types::{Binary, Double, Text};
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};

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

    /// A count or number; 0 for NULL.
    pub fn number(&self, index: usize) -> i64 {
        self.text(index).parse().unwrap_or_default()
    }

    /// `1`, `t` and `true` are what SQLite and PostgreSQL write.
    pub fn flag(&self, index: usize) -> bool {
        matches!(self.text(index), "1" | "t" | "true")
    }
}
