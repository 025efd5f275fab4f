//! How old a row is, by the database's clock and a column that tells when the row was made.
//!
//! Numbers are seconds since 1970. What lies outside 1971 to 9999 is a placeholder (Go's year 1), a Julian
//! day, a bare year, milliseconds: it tells nothing.

use super::Dialect;
use super::mysql::Family;

const NUMBERS: &str = "BETWEEN 31536000 AND 253402300799";
const DATES: &str = "BETWEEN '1971-01-01' AND '9999-12-31'";

impl Dialect {
    /// How many seconds ago the time of `column` was; null where it does not tell. `None`: a column of this type
    /// cannot.
    pub(super) fn age(self, column: &str, type_name: &str) -> Option<String> {
        match self {
            Dialect::Sqlite => Some(sqlite(column)),
            Dialect::Postgres => postgres(column, type_name),
            Dialect::Mysql => mysql(column, type_name),
        }
    }

    /// A column of this type can tell a time. In SQLite each value speaks for itself.
    pub fn tells_time(self, type_name: &str) -> bool {
        self.age("c", type_name).is_some()
    }
}

/// strftime would read '2020' as a Julian day and '12:30' as a day in 2000.
fn sqlite(column: &str) -> String {
    let day = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*";
    let seconds = format!(
        "CASE typeof({column}) WHEN 'integer' THEN {column} WHEN 'real' THEN {column} \
         WHEN 'text' THEN CASE WHEN {column} GLOB '{day}' \
         THEN CAST(strftime('%s', {column}) AS INTEGER) END END"
    );
    format!(
        "(SELECT CASE WHEN s {NUMBERS} THEN CAST(strftime('%s', 'now') AS INTEGER) - s END \
         FROM (SELECT {seconds} AS s))"
    )
}

fn postgres(column: &str, type_name: &str) -> Option<String> {
    const NUMERIC: [&str; 4] = ["integer", "bigint", "double precision", "real"];
    match () {
        // Infinity has no distance.
        () if type_name.starts_with("timestamp") || type_name == "date" => Some(format!(
            "CASE WHEN {column} {DATES} THEN extract(epoch FROM now() - {column}) END"
        )),
        () if NUMERIC.contains(&type_name) || type_name.starts_with("numeric") => Some(format!(
            "CASE WHEN {column} {NUMBERS} THEN extract(epoch FROM now()) - {column} END"
        )),
        () => None,
    }
}

/// The session's time zone is UTC, and so is a DATETIME for want of a better guess.
fn mysql(column: &str, type_name: &str) -> Option<String> {
    match Family::of(type_name) {
        Family::Date => Some(format!(
            "CASE WHEN {column} {DATES} THEN timestampdiff(SECOND, {column}, now(6)) END"
        )),
        Family::Integer | Family::Decimal | Family::Float => Some(format!(
            "CASE WHEN {column} {NUMBERS} \
             THEN unix_timestamp() - CAST({column} AS DECIMAL(30, 6)) END"
        )),
        _ => None,
    }
}
