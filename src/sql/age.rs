//! How old a row is, by the database's clock and a column that tells when the row was made.
//!
//! A time without a zone is one of the database's own time zone: what its other users write, whose sessions have no
//! other. Drivers set their sessions' (Diesel to UTC, we MariaDB's to UTC, so that archives lose nothing).
//! Numbers are seconds since 1970. What lies outside 1971 to 9999 is a placeholder (Go's year 1), a Julian
//! day, a bare year, milliseconds: it tells nothing.

use crate::engine::Dialect;
use crate::engine::mysql::Family;

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

/// The zone that a session has before anybody sets one: the URL's or PGTZ, else the role's, the database's or the
/// server's (<https://www.postgresql.org/docs/current/view-pg-settings.html>).
const OWN_ZONE: &str =
    "(SELECT reset_val FROM pg_catalog.pg_settings WHERE name OPERATOR(pg_catalog.=) 'TimeZone')";

/// No operator of somebody else's stands in for one of these: a selection's condition keeps the session's path.
fn postgres(column: &str, type_name: &str) -> Option<String> {
    let within = |least: &str, most: &str| {
        format!(
            "{column} OPERATOR(pg_catalog.>=) {least} AND {column} OPERATOR(pg_catalog.<=) {most}"
        )
    };
    const NUMERIC: [&str; 4] = ["integer", "bigint", "double precision", "real"];
    match () {
        // Infinity has no distance.
        () if type_name.starts_with("timestamp") || type_name == "date" => {
            let made = match type_name.ends_with("with time zone") {
                true => column.to_owned(),
                false => format!("pg_catalog.timezone({OWN_ZONE}, {column}::timestamp)"),
            };
            Some(format!(
                "CASE WHEN {} THEN extract(epoch FROM pg_catalog.now() OPERATOR(pg_catalog.-) {made}) END",
                within("'1971-01-01'", "'9999-12-31'")
            ))
        }
        () if NUMERIC.contains(&type_name) || type_name.starts_with("numeric") => Some(format!(
            "CASE WHEN {} THEN extract(epoch FROM pg_catalog.now()) OPERATOR(pg_catalog.-) {column} END",
            within("31536000", "253402300799")
        )),
        () => None,
    }
}

/// A TIMESTAMP is told in the session's zone, which is UTC. What is out of CONVERT_TZ's range, it leaves as it is
/// (<https://mariadb.com/kb/en/convert_tz/>).
fn mysql(column: &str, type_name: &str) -> Option<String> {
    match Family::of(type_name) {
        Family::Date => {
            let made = match type_name.to_ascii_lowercase().starts_with("timestamp") {
                true => column.to_owned(),
                false => format!("convert_tz({column}, @@global.time_zone, '+00:00')"),
            };
            Some(format!(
                "CASE WHEN {column} {DATES} THEN timestampdiff(SECOND, {made}, utc_timestamp(6)) END"
            ))
        }
        Family::Integer | Family::Decimal | Family::Float => Some(format!(
            "CASE WHEN {column} {NUMBERS} \
             THEN unix_timestamp() - CAST({column} AS DECIMAL(30, 6)) END"
        )),
        _ => None,
    }
}
