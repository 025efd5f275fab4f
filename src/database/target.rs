//! Which database is meant: a URL or a path, and how it may be shown. The only place that sees a
//! password; everything shown or logged goes through [`Target::redacted`] or [`Target::scrub`].

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
    /// `mysql://…` or `mariadb://…`.
    ///
    /// # Errors
    /// An unknown scheme, or a URL whose password would not survive libpq's own parsing.
    pub fn parse(text: &str) -> Result<Target> {
        let text = text.trim();
        if text.is_empty() {
            bail!("the database URL is empty");
        }
        let Some((scheme, rest)) = text.split_once(':') else {
            return Ok(Target::Sqlite(PathBuf::from(text)));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite_path(rest),
            "postgres" | "postgresql" => postgres_url(text, rest),
            "mysql" | "mariadb" => Ok(Target::Mysql(mysql_url(text, rest)?)),
            other if rest.starts_with("//") => bail!(unknown_scheme(other)),
            _ if Path::new(text).exists() => Ok(Target::Sqlite(PathBuf::from(text))),
            other => bail!(unknown_scheme(other)),
        }
    }

    /// The URL as it may be printed: no password, no other secret parameter.
    pub fn redacted(&self) -> String {
        match self {
            Target::Sqlite(path) => format!("sqlite:{}", path.display()),
            Target::Postgres(url) | Target::Mysql(MysqlUrl { text: url, .. }) => {
                let mut shown = url.clone();
                if let Some(password) = authority_password(url) {
                    shown = shown.replacen(&format!(":{password}@"), ":***@", 1);
                }
                for secret in secret_parameters(url) {
                    shown = shown.replace(&format!("={secret}"), "=***");
                }
                shown
            }
        }
    }

    /// The URL of a server; a file has none.
    fn url(&self) -> Option<&str> {
        match self {
            Target::Sqlite(_) => None,
            Target::Postgres(url) | Target::Mysql(MysqlUrl { text: url, .. }) => Some(url),
        }
    }

    /// Removes the password from a driver's message.
    pub fn scrub(&self, message: &str) -> String {
        let Some(url) = self.url() else {
            return message.to_owned();
        };
        let mut clean = message.replace(url, &self.redacted());
        for secret in authority_password(url).into_iter().chain(secret_parameters(url)) {
            let decoded = percent_decode_str(secret).decode_utf8_lossy().into_owned();
            for form in [secret, decoded.as_str()] {
                if !form.is_empty() {
                    clean = clean.replace(form, "***");
                }
            }
        }
        clean
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

fn unknown_scheme(scheme: &str) -> String {
    format!("unknown database URL scheme {scheme:?}: use sqlite:PATH, postgres://… or mysql://…")
}

/// `mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=…&ssl-ca=…&socket=…`
fn mysql_url(text: &str, rest: &str) -> Result<MysqlUrl> {
    let Some(rest) = rest.strip_prefix("//") else {
        bail!("a MariaDB URL starts with mysql:// or mariadb://");
    };
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    if authority.matches('@').count() > 1 || database.contains(['@', '/']) || rest.contains('#') {
        bail!(
            "the password in the database URL holds one of @ / ? #: percent-encode it (%40 %2F %3F %23)"
        );
    }
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
            "password" => url.password = Some(value),
            other => bail!(
                "unknown parameter {other:?} in the URL: ssl-mode, ssl-ca and socket are known"
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
        other => bail!(
            "unknown ssl-mode {other:?}: disabled, preferred, required, verify_ca or verify_identity"
        ),
    })
}

fn sqlite_path(rest: &str) -> Result<Target> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        bail!("the SQLite URL names no file: use sqlite:PATH");
    }
    Ok(Target::Sqlite(PathBuf::from(percent_decode_str(path).decode_utf8_lossy().into_owned())))
}

fn postgres_url(text: &str, rest: &str) -> Result<Target> {
    if !rest.starts_with("//") {
        bail!("a PostgreSQL URL starts with postgres://");
    }
    // libpq ends the password at the first '@' and would show the remainder as a host name.
    let authority = rest[2..].split(['/', '?', '#']).next().unwrap_or_default();
    let ambiguous = authority.matches('@').count() > 1
        || (!authority.contains('@') && rest[2..].split('?').next().unwrap_or("").contains('@'));
    if ambiguous {
        bail!(
            "the password in the database URL holds one of @ / ? #: percent-encode it (%40 %2F %3F %23)"
        );
    }
    Ok(Target::Postgres(text.to_owned()))
}

fn authority_password(url: &str) -> Option<&str> {
    let rest = url.split_once("//")?.1;
    let authority = rest.split(['/', '?']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password).filter(|password| !password.is_empty())
}

fn secret_parameters(url: &str) -> Vec<&str> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
    let secret = |(name, _): &(&str, &str)| matches!(*name, "password" | "sslpassword");
    parameters.filter(secret).map(|(_, value)| value).filter(|value| !value.is_empty()).collect()
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
        assert_eq!(target.scrub("no s@cret, no s%40cret, no hush"), "no ***, no ***, no ***");
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
