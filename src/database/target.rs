//! Which database is meant: a URL or a path, and how it may be shown. The only place that sees a
//! password; everything shown or logged goes through [`Target::redacted`] or [`Target::scrub`].

use super::spelling;
use super::url::Pieces;
use crate::engine::Dialect;
use anyhow::{Result, bail};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use std::fmt;
use std::path::{Path, PathBuf};

#[derive(Clone, PartialEq)]
pub enum Target {
    Sqlite(PathBuf),
    /// A complete libpq URL.
    Postgres(String),
    /// MariaDB.
    Mysql(MysqlUrl),
}

/// A `mysql://` or `mariadb://` URL, taken apart.
#[derive(Clone, PartialEq)]
pub struct MysqlUrl {
    /// As it was given: it may hold the password.
    text: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: String,
    pub(super) socket: Option<String>,
    pub(super) tls: Tls,
    /// The authorities that may have signed the server's certificate; otherwise the well-known ones.
    pub(super) ca: Option<PathBuf>,
}

/// `ssl-mode`, in the words of the MySQL clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    Disabled,
    /// Encrypted where the server can.
    Preferred,
    Required,
    VerifyCa,
    VerifyIdentity,
}

/// Never the password, not even in a debug print.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl Target {
    /// Reads `sqlite:PATH`, `sqlite:///PATH`, a plain path, `postgres://…`, `postgresql://…`,
    /// `mysql://…` or `mariadb://…`, and what other libraries make of these (`spelling`).
    ///
    /// # Errors
    /// An unknown scheme, or a URL whose password would not survive libpq's own parsing.
    pub fn parse(text: &str) -> Result<Target> {
        let text = text.trim();
        if text.is_empty() {
            bail!("the database URL is empty");
        }
        let text = &spelling::usual(text)?;
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite_path(rest),
            scheme @ ("postgres" | "postgresql") => postgres_url(scheme, rest),
            "mysql" | "mariadb" => Ok(Target::Mysql(mysql_url(text, rest)?)),
            other if rest.starts_with("//") && is_scheme(other) => bail!(
                "unknown database URL scheme {other:?}: use sqlite:PATH, postgres://… or mysql://…"
            ),
            _ if Path::new(text).exists() => Ok(Target::Sqlite(PathBuf::from(text))),
            // A connection string, whose password nobody shall read in "there is no SQLite file …".
            "" if !text.contains(['=', ':']) => Ok(Target::Sqlite(PathBuf::from(text))),
            _ => bail!(
                "this is no database URL, and no file that is there: use sqlite:PATH, postgres://… or mysql://…"
            ),
        }
    }

    /// The URL as it may be printed: no password, no other secret parameter.
    pub fn redacted(&self) -> String {
        let Some(url) = self.url() else {
            let Target::Sqlite(path) = self else { return String::new() };
            return format!("sqlite:{}", path.display());
        };
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        Pieces::of(rest).map_or_else(|_| format!("{scheme}://***"), |pieces| pieces.shown(scheme))
    }

    pub fn dialect(&self) -> Dialect {
        match self {
            Target::Sqlite(_) => Dialect::Sqlite,
            Target::Postgres(_) => Dialect::Postgres,
            Target::Mysql(_) => Dialect::MARIADB,
        }
    }

    /// The URL of a server; a file has none.
    fn url(&self) -> Option<&str> {
        match self {
            Target::Sqlite(_) => None,
            Target::Postgres(url) | Target::Mysql(MysqlUrl { text: url, .. }) => Some(url),
        }
    }

    /// A driver's message without the URL. Its password is not looked for: drivers are given URLs that they
    /// can read, of which they quote no secret, and a mask in the midst of other words would give a short
    /// password away.
    pub fn scrub(&self, message: &str) -> String {
        match self.url() {
            Some(url) => message.replace(url, &self.redacted()),
            None => message.to_owned(),
        }
    }

    /// What the driver is given. SQLite files are opened, never created.
    pub(super) fn driver_url(&self, create: bool) -> String {
        match self {
            Target::Sqlite(path) => {
                const URI: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');
                let path = path.to_string_lossy();
                let path = utf8_percent_encode(&path, URI);
                format!("file:{path}?mode={}", if create { "rwc" } else { "rw" })
            }
            Target::Postgres(url) => {
                let mut url = url.clone();
                for (name, value) in [("connect_timeout", "10"), ("application_name", "orgsweep")] {
                    if !url.contains(&format!("{name}=")) {
                        match url.contains('?') {
                            false => url.push('?'),
                            true if url.ends_with(['?', '&']) => {}
                            true => url.push('&'),
                        }
                        url.push_str(&format!("{name}={value}"));
                    }
                }
                url
            }
            Target::Mysql(url) => url.text.clone(),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// `mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=…&ssl-ca=…&socket=…`
fn mysql_url(text: &str, rest: &str) -> Result<MysqlUrl> {
    let Some(rest) = rest.strip_prefix("//") else {
        bail!("a MariaDB URL starts with mysql:// or mariadb://");
    };
    Pieces::of(rest)?;
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (account, server) = match authority.rsplit_once('@') {
        Some((account, server)) => (account, server),
        None => ("", authority),
    };
    let (user, password) = match account.split_once(':') {
        Some((user, password)) => (user, Some(decoded(password))),
        None => (account, None),
    };
    let (host, port) = host_and_port(server)?;
    let mut url = MysqlUrl {
        text: text.to_owned(),
        tls: if is_local(&host) { Tls::Disabled } else { Tls::Preferred },
        host,
        port,
        user: Some(decoded(user)).filter(|user| !user.is_empty()),
        password: password.filter(|password| !password.is_empty()),
        database: decoded(database),
        socket: None,
        ca: None,
    };
    if url.database.is_empty() {
        bail!("the URL names no database: use mysql://USER@HOST/DATABASE");
    }
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = decoded(value);
        match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "ssl-mode" | "sslmode" => url.tls = tls(&value)?,
            "ssl-ca" | "sslrootcert" => url.ca = Some(PathBuf::from(value)),
            "socket" => url.socket = Some(value),
            "user" => url.user = Some(value),
            "password" => url.password = Some(value),
            // Not named: it may be the end of a password.
            _ => bail!(
                "a parameter of the database URL is unknown: ssl-mode, ssl-ca and socket are known"
            ),
        }
    }
    if url.socket.is_some() {
        url.tls = Tls::Disabled;
    }
    Ok(url)
}

/// `[::1]:3306`, `db:3306`, `db`, or nothing for this machine.
fn host_and_port(server: &str) -> Result<(String, u16)> {
    const PORT: u16 = 3306;
    let (host, port) = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    let host = percent_decode_str(host).decode_utf8_lossy();
    let host = if host.is_empty() { "localhost".into() } else { host.into_owned() };
    match port.filter(|port| !port.is_empty()).map(str::parse) {
        None => Ok((host, PORT)),
        Some(Ok(port)) => Ok((host, port)),
        Some(Err(_)) => bail!("the port in the database URL is no number"),
    }
}

pub(super) fn is_local(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn tls(mode: &str) -> Result<Tls> {
    Ok(match mode.to_ascii_lowercase().replace('-', "_").as_str() {
        "disabled" | "disable" => Tls::Disabled,
        "preferred" | "prefer" => Tls::Preferred,
        "required" | "require" => Tls::Required,
        "verify_ca" => Tls::VerifyCa,
        "verify_identity" | "verify_full" => Tls::VerifyIdentity,
        _ => bail!(
            "unknown ssl-mode in the database URL: disabled, preferred, required, verify_ca or verify_identity"
        ),
    })
}

fn sqlite_path(rest: &str) -> Result<Target> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        bail!("the SQLite URL names no file: use sqlite:PATH");
    }
    let file = PathBuf::from(percent_decode_str(path).decode_utf8_lossy().into_owned());
    let has_account = rest.starts_with("//") && path.contains('@');
    if (path.contains(['?', ';', '&', '#']) || has_account) && !file.exists() {
        bail!(
            "an SQLite URL is sqlite:PATH, without account and parameters (in a new file's name, ? ; & # @ are \
             written %3F %3B %26 %23 %40)"
        );
    }
    Ok(Target::Sqlite(file))
}

/// What libpq 18 knows, with what it takes for JDBC's sake
/// (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>).
const LIBPQ: [&str; 54] = [
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "passfile",
    "password",
    "port",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "ssl",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "tty",
    "user",
];

fn postgres_url(scheme: &str, rest: &str) -> Result<Target> {
    let Some(rest) = rest.strip_prefix("//") else {
        bail!("a PostgreSQL URL starts with postgres://");
    };
    Pieces::of(rest)?.expect_known(&LIBPQ)?;
    // libpq takes a scheme in capitals for something else, and quotes it.
    Ok(Target::Postgres(format!("{scheme}://{rest}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_paths_name_their_database() {
        let sqlite = |path: &str| Target::Sqlite(PathBuf::from(path));
        for (text, target) in [
            ("sqlite:crm.db", sqlite("crm.db")),
            ("sqlite:///var/crm.db", sqlite("/var/crm.db")),
            ("sqlite://crm.db", sqlite("crm.db")),
            ("./crm.db", sqlite("./crm.db")),
            ("postgres://u@h/db", Target::Postgres("postgres://u@h/db".into())),
        ] {
            assert_eq!(Target::parse(text).unwrap(), target, "{text}");
        }
        for text in ["", "oracle://x", "sqlite:", "postgres:db", "nosuch:thing"] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn parameters_are_added_where_the_url_has_none() {
        for url in ["postgres://h/d", "postgres://h/d?", "postgres://h/d?sslmode=require"] {
            let driver_url = Target::parse(url).unwrap().driver_url(false);
            assert_eq!(driver_url.matches('?').count(), 1, "{driver_url}");
            assert!(!driver_url.contains("?&") && !driver_url.contains("&&"), "{driver_url}");
            assert!(driver_url.contains("connect_timeout=10&application_name=orgsweep"));
        }
    }

    #[test]
    fn no_password_is_shown() {
        let target = Target::parse("postgres://me:s%40cret@db/x?sslpassword=hush").unwrap();
        assert_eq!(target.redacted(), "postgres://me:***@db/x?sslpassword=***");
        assert_eq!(format!("{target:?}"), target.redacted());
        assert_eq!(
            target.scrub("at postgres://me:s%40cret@db/x?sslpassword=hush: no"),
            "at postgres://me:***@db/x?sslpassword=***: no"
        );
    }

    #[test]
    fn what_is_no_url_is_not_shown() {
        for text in [
            "host=h password=cret",
            "Host=h;Password=cret",
            "host=h password=a:cret",
            "cret:x@h/d",
            "sqlite:x.db?key=cret",
            "sqlite:x.db&key=cret",
            "sqlite://u:cret@h/x.db",
            "x.db?key=cret",
            "jdbc:oracle:thin:u/cret@h:1521/d",
            "postgres:cret@h/d",
            "postgres://h/d?PASSWORD=cret",
            "POSTGRES://h/d?pwd=cret",
            "postgres://h/d?password=a&cret=b",
            "mysql://h/d?pwd=cret",
            "mysql://h/d?password=a&cret=b",
            "mysql://h/d?ssl-mode=cret",
            "mysql://u:1?cret@h/d",
        ] {
            let error = Target::parse(text).expect_err(text).to_string();
            assert!(!error.contains("cret"), "{text}: {error}");
        }
    }

    #[test]
    fn a_password_that_libpq_would_split_is_refused_without_being_shown() {
        for url in
            ["postgres://me:s@cret@db/x", "postgres://me:s/cret@db/x", "postgres://me:s#t@db/x"]
        {
            let error = Target::parse(url).unwrap_err().to_string();
            assert!(error.contains("percent-encode") && !error.contains("cret"), "{error}");
        }
    }
}
