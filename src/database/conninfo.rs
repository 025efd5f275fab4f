//! A PostgreSQL URL as libpq reads it (`conninfo_uri_parse` in fe-connect.c), for those who ask where it leads:
//! any other reading would be a way around the guards.

use super::target::{MysqlUrl, Target, Tls, is_local};
use percent_encoding::percent_decode_str;

/// What libpq takes from the environment where the URL does not say it.
#[derive(Debug, Clone, Default)]
pub struct LibpqVariables {
    pub host: Option<String>,
    pub hostaddr: Option<String>,
    pub database: Option<String>,
    pub service: Option<String>,
    pub sslmode: Option<String>,
}

/// The parameters of a URL, in their order: of two of one name the last one counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conninfo(Vec<(String, String)>);

impl Conninfo {
    pub fn parse(url: &str) -> Conninfo {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let mut info = Conninfo::default();
        // Whatever stands before the first @ that no / precedes is an account, a ? included.
        let end = rest.find(['@', '/']).filter(|end| rest[*end..].starts_with('@'));
        let rest = match end {
            Some(end) => {
                let (user, password) = rest[..end].split_once(':').unwrap_or((&rest[..end], ""));
                info.add_given("user", user);
                info.add_given("password", password);
                &rest[end + 1..]
            }
            None => rest,
        };
        let (servers, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        info.add_given("host", &hosts(servers));
        let (database, query) = rest.split_once('?').unwrap_or((rest, ""));
        info.add_given("dbname", database.strip_prefix('/').unwrap_or_default());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decoded(name).as_str(), value) {
                ("ssl", "true") => info.add("sslmode", "require"),
                (name, value) => info.add(name, value),
            }
        }
        info
    }

    fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), decoded(value)));
    }

    fn add_given(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.add(name, value);
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `[::1]:5432,db` as libpq's `host`: `::1,db`.
fn hosts(servers: &str) -> String {
    let host = |server: &str| match server.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default().to_owned(),
        None => server.split(':').next().unwrap_or_default().to_owned(),
    };
    let hosts: Vec<String> = servers.split(',').map(host).collect();
    hosts.join(",")
}

impl Target {
    /// What this URL says beyond which database it means: a parameter that names a file, a service or options of
    /// the server, or asks for less than the TLS that would be used without it.
    pub fn overreach(&self, variables: &LibpqVariables) -> Option<String> {
        match self {
            Target::Sqlite(_) => None,
            Target::Postgres(url) => postgres_overreach(&Conninfo::parse(url), variables),
            Target::Mysql(url) => mysql_overreach(url),
        }
    }
}

fn postgres_overreach(info: &Conninfo, variables: &LibpqVariables) -> Option<String> {
    const HARMLESS: [&str; 10] = [
        "host",
        "hostaddr",
        "port",
        "user",
        "password",
        "dbname",
        "connect_timeout",
        "application_name",
        "target_session_attrs",
        "load_balance_hosts",
    ];
    let otherwise = rank(variables.sslmode.as_deref().unwrap_or("prefer"));
    let overreaches = |(name, value): &&(String, String)| match name.as_str() {
        "sslmode" => rank(value) < otherwise,
        "channel_binding" => value != "require",
        name => !HARMLESS.contains(&name),
    };
    info.0.iter().find(overreaches).map(|(name, value)| match name.as_str() {
        "sslmode" => format!("sslmode={value}"),
        name => name.to_owned(),
    })
}

/// libpq's `sslmode`, the weakest first.
fn rank(sslmode: &str) -> usize {
    const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
    MODES.iter().position(|mode| *mode == sslmode).unwrap_or(0)
}

fn mysql_overreach(url: &MysqlUrl) -> Option<String> {
    let plain = url.tls == Tls::Disabled && url.socket.is_none() && !is_local(&url.host);
    match &url.ca {
        Some(_) => Some("ssl-ca".to_owned()),
        None => plain.then(|| "ssl-mode=disabled".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_as_libpq_reads_it() {
        let host = |url: &str| Conninfo::parse(url).get("host").unwrap_or("-").to_owned();
        assert_eq!(host("postgres://u:p@db.ci:5432/crm"), "db.ci");
        assert_eq!(host("postgres://u@[::1]:5432,b/crm"), "::1,b");
        assert_eq!(host("postgres:///crm?host=%2Frun%2Fpg"), "/run/pg");
        assert_eq!(host("postgres:///crm"), "-");
        assert_eq!(host("postgres://"), "-");
        // Each of these is a way to write another host than one sees at first.
        assert_eq!(host("postgres://safe/crm?host=prod"), "prod");
        assert_eq!(host("postgres://safe/crm?%68ost=prod"), "prod");
        assert_eq!(host("postgres://safe%2Cprod/crm"), "safe,prod");
        assert_eq!(host("postgres://safe:x?y@prod/crm"), "prod");
        assert_eq!(host("postgres://safe?host=a&host=prod"), "prod");
        let info = Conninfo::parse("postgres://u@h/a?dbname=b&hostaddr=10.0.0.7");
        assert_eq!((info.get("dbname"), info.get("hostaddr")), (Some("b"), Some("10.0.0.7")));
    }

    #[test]
    fn a_url_says_too_much_by_files_services_options_and_weaker_tls() {
        let says = |url: &str, sslmode: Option<&str>| {
            let variables =
                LibpqVariables { sslmode: sslmode.map(str::to_owned), ..LibpqVariables::default() };
            Target::parse(url).unwrap().overreach(&variables)
        };
        for url in [
            "sqlite:crm.db",
            "postgres://u:p@h:5432/crm",
            "postgres:///crm?host=/run/pg",
            "postgres://h/crm?sslmode=require&channel_binding=require",
            "mysql://u@h/crm?ssl-mode=required",
            "mysql://u@127.0.0.1/crm?ssl-mode=disabled",
        ] {
            assert_eq!(says(url, None), None, "{url}");
        }
        for (url, parameter) in [
            ("postgres://h/crm?sslrootcert=/x", "sslrootcert"),
            ("postgres://h/crm?ssl%63ert=/x", "sslcert"),
            ("postgres://h/crm?service=x", "service"),
            ("postgres://h/crm?options=-c%20x", "options"),
            ("postgres://h/crm?sslmode=disable", "sslmode=disable"),
            ("postgres://h/crm?sslmode=what", "sslmode=what"),
            ("postgres://h/crm?channel_binding=disable", "channel_binding"),
            ("mysql://h/crm?ssl-ca=/x", "ssl-ca"),
            ("mysql://h/crm?ssl-mode=disabled", "ssl-mode=disabled"),
        ] {
            assert_eq!(says(url, None).as_deref(), Some(parameter), "{url}");
        }
        let url = "postgres://h/crm?sslmode=require";
        assert_eq!(says(url, Some("verify-full")).as_deref(), Some("sslmode=require"));
        assert_eq!(says(url, Some("require")), None);
    }
}
