//! The connection strings of other libraries, said in this program's own words: what people paste is what their
//! application's configuration holds. Nothing of a text is quoted in an error: it may hold a password.

use anyhow::{Result, bail};
use std::path::Path;

/// What a database URL means that SQLAlchemy, Rails, Django, Laravel, Prisma or JDBC writes in a way of its own; any
/// other text as it is.
///
/// # Errors
/// A form, or a parameter, that means more than can be taken over: the right one is named.
pub(super) fn usual(text: &str) -> Result<String> {
    let text = match text.split_at_checked(5) {
        Some((jdbc, rest)) if jdbc.eq_ignore_ascii_case("jdbc:") => rest,
        _ => text,
    };
    if ["@tcp(", "@unix("].iter().any(|go| text.contains(go)) {
        bail!("this is a connection string of Go: use mysql://USER:PASSWORD@HOST:PORT/DATABASE");
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return named_words(text);
    };
    let whole = scheme.to_ascii_lowercase();
    // SQLAlchemy: DIALECT+DRIVER.
    let (name, driver) =
        whole.split_once('+').map_or((&*whole, ""), |(name, driver)| (name, driver));
    let family = match name {
        "postgres" => "postgres",
        "postgresql" | "psql" | "pgsql" | "postgis" => "postgresql",
        "mysql" | "mysql2" | "trilogy" | "mysqlgis" => "mysql",
        "mariadb" => "mariadb",
        "sqlite" | "sqlite3" | "spatialite" => return sqlite(rest),
        "file" => return file(rest),
        "ecto" => bail!("ecto:// does not say which server it is: use postgres://… or mysql://…"),
        _ => return named_words(text),
    };
    if !rest.starts_with("//") || !driver.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(text.to_owned());
    }
    let Some((address, query)) = rest.split_once('?') else {
        return Ok(format!("{family}:{rest}"));
    };
    let mut parameters = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        parameters.extend(self::parameter(family, parameter)?);
    }
    let query = parameters.join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    Ok(format!("{family}:{address}{mark}{query}"))
}

/// What is no URL and no path: a text of names and values.
fn named_words(text: &str) -> Result<String> {
    let has = |name: &str| text.to_ascii_lowercase().replace(' ', "").contains(name);
    if has("dbname=") && !Path::new(text).exists() {
        bail!(
            "this is a connection string of libpq: use postgres://USER:PASSWORD@HOST:PORT/DATABASE"
        );
    }
    if has("database=") && (has("server=") || has("host=")) && !Path::new(text).exists() {
        bail!(
            "this is a connection string of ADO.NET: use postgres://USER:PASSWORD@HOST:PORT/DATABASE, or mysql://…"
        );
    }
    Ok(text.to_owned())
}

/// Parameters that say nothing about which database it is and who asks: pools, caches, how a library reads values.
const ASIDE: [&str; 46] = [
    "advisorylocks",
    "allowpublickeyretrieval",
    "autocommit",
    "autoreconnect",
    "cacheprepstmts",
    "characterencoding",
    "charset",
    "checkouttimeout",
    "collation",
    "connectionlimit",
    "connecttimeout",
    "connectiontimezone",
    "connhealthchecks",
    "connmaxage",
    "encoding",
    "idletimeout",
    "loc",
    "maxconnections",
    "maxoverflow",
    "multistatements",
    "parsetime",
    "pgbouncer",
    "pool",
    "poolpreping",
    "poolrecycle",
    "poolsize",
    "pooltimeout",
    "preparedstatements",
    "preparethreshold",
    "reapingfrequency",
    "reconnect",
    "rewritebatchedinserts",
    "rewritebatchedstatements",
    "serverprepstmts",
    "servertimezone",
    "serverversion",
    "sockettimeout",
    "statementcachesize",
    "statementlimit",
    "stringtype",
    "timeout",
    "timezone",
    "tinyint1isbit",
    "useunicode",
    "useserverprepstmts",
    "zerodatetimebehavior",
];

/// A parameter in this program's words. `None`: it is about something else.
fn parameter(family: &str, parameter: &str) -> Result<Option<String>> {
    let kept = Ok(Some(parameter.to_owned()));
    let Some((name, value)) = parameter.split_once('=') else { return kept };
    // Anything else may be the end of a password.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:+%".contains(c);
    if !value.chars().all(plain) {
        return kept;
    }
    let postgres = family.starts_with("postgres");
    let squeezed = name.to_ascii_lowercase().replace(['_', '-'], "");
    let truth = value.eq_ignore_ascii_case("true");
    let renamed = |name: &str, value: &str| Ok(Some(format!("{name}={value}")));
    match (squeezed.as_str(), postgres) {
        // libpq's own.
        ("connecttimeout", true) if name == "connect_timeout" => kept,
        ("applicationname", true) => renamed("application_name", value),
        ("schema" | "currentschema", true) if value == "public" => Ok(None),
        ("schema" | "currentschema", true) => bail!(
            "the schema is said to PostgreSQL as ?options=-csearch_path%3DNAME in the database URL"
        ),
        ("sslaccept", _) if value == "accept_invalid_certs" => Ok(None),
        ("sslaccept", true) => {
            bail!(
                "sslaccept in the database URL is Prisma's: use sslmode=verify-full or sslmode=require"
            )
        }
        ("sslaccept", false) => {
            bail!(
                "sslaccept in the database URL is Prisma's: use ssl-mode=verify_identity or ssl-mode=required"
            )
        }
        // asyncpg and pg8000; JDBC's ssl=true libpq takes itself.
        ("ssl", true)
            if !truth && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') =>
        {
            renamed("sslmode", if value == "false" { "disable" } else { value })
        }
        ("usessl", false) => renamed("ssl-mode", if truth { "required" } else { "disabled" }),
        ("unixsocket", false) => renamed("socket", value),
        (aside, _) if ASIDE.contains(&aside) => Ok(None),
        _ => kept,
    }
}

/// SQLAlchemy's and Django's three slashes come before any path, this program's before one from the root; four are a
/// path from the root to all of them.
fn sqlite(rest: &str) -> Result<String> {
    let rest = without_parameters(rest);
    let path = match rest.strip_prefix("///") {
        Some(path) if path.starts_with('/') => path,
        Some(path) if !Path::new(&rest[2..]).exists() && Path::new(path).exists() => path,
        _ => rest,
    };
    Ok(format!("sqlite:{path}"))
}

/// Prisma's SQLite.
fn file(rest: &str) -> Result<String> {
    let path = without_parameters(rest);
    let path = path.strip_prefix("//").unwrap_or(path);
    if Path::new(path).exists() {
        return Ok(format!("sqlite:{path}"));
    }
    bail!(
        "there is no such file (Prisma's file: is relative to the folder of schema.prisma, this one to the current \
         folder): use sqlite:PATH"
    )
}

/// Without those that are about something else.
fn without_parameters(rest: &str) -> &str {
    match rest.split_once('?') {
        Some((path, query)) if !Path::new(rest).exists() => {
            let aside = |pair: &str| matches!(parameter("sqlite", pair), Ok(None));
            if query.split('&').all(aside) { path } else { rest }
        }
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_applications_write_is_understood() {
        for (theirs, ours) in [
            ("postgresql+psycopg2://u:p@h:5432/d", "postgresql://u:p@h:5432/d"),
            ("postgresql+asyncpg://u:p@h/d?ssl=require", "postgresql://u:p@h/d?sslmode=require"),
            ("mysql+pymysql://u:p@h/d?charset=utf8mb4", "mysql://u:p@h/d"),
            (
                "mysql+mysqldb://u@/d?unix_socket=%2Frun%2Fm.sock",
                "mysql://u@/d?socket=%2Frun%2Fm.sock",
            ),
            (
                "mysql2://u:p@h/d?pool=5&encoding=utf8mb4&sslmode=required",
                "mysql://u:p@h/d?sslmode=required",
            ),
            ("pgsql://u:p@h/d?serverVersion=16&charset=utf8", "postgresql://u:p@h/d"),
            (
                "postgres://u:p@h/d?schema=public&pgbouncer=true&connection_limit=1",
                "postgres://u:p@h/d",
            ),
            ("postgres://u:p@h/d?connect_timeout=3", "postgres://u:p@h/d?connect_timeout=3"),
            (
                "jdbc:postgresql://h:1/d?user=u&password=p&ApplicationName=x",
                "postgresql://h:1/d?user=u&password=p&application_name=x",
            ),
            (
                "JDBC:mysql://h/d?user=u&password=p&useSSL=false&serverTimezone=UTC",
                "mysql://h/d?user=u&password=p&ssl-mode=disabled",
            ),
            ("jdbc:sqlite:crm.db", "sqlite:crm.db"),
            ("sqlite+pysqlite:////var/crm.db", "sqlite:/var/crm.db"),
            ("sqlite3:db/crm.db?timeout=5", "sqlite:db/crm.db"),
            ("sqlite:///Cargo.toml", "sqlite:Cargo.toml"),
            ("file:./Cargo.toml?connection_limit=1", "sqlite:./Cargo.toml"),
            ("sqlite:///var/crm.db", "sqlite:///var/crm.db"),
            ("./crm.db", "./crm.db"),
            ("oracle://h/d", "oracle://h/d"),
        ] {
            assert_eq!(usual(theirs).unwrap(), ours, "{theirs}");
        }
    }

    #[test]
    fn what_cannot_be_taken_over_names_the_right_form_and_no_password() {
        for (text, form) in [
            ("u:cret@tcp(h:3306)/d?parseTime=true", "mysql://USER"),
            ("host=h dbname=d user=u password=cret", "postgres://USER"),
            ("Server=h;Database=d;Uid=u;Pwd=cret;", "mysql://"),
            ("ecto://u:cret@h/d", "postgres://"),
            ("file:./nosuch.db", "schema.prisma"),
            ("postgres://u:cret@h/d?schema=crm", "search_path"),
            ("postgres://u:cret@h/d?sslaccept=strict", "sslmode=verify-full"),
            ("mysql://u:cret@h/d?sslaccept=strict", "ssl-mode=verify_identity"),
        ] {
            let error = usual(text).expect_err(text).to_string();
            assert!(error.contains(form) && !error.contains("cret"), "{text}: {error}");
        }
    }

    #[test]
    fn what_may_be_the_end_of_a_password_is_never_left_out() {
        for text in
            ["mysql://u:1?pool=cr@h/d", "mysql://u:1?cret@h/d", "postgres://u:p?timeout=a/b@h/d"]
        {
            assert_eq!(usual(text).unwrap(), text);
        }
    }
}
