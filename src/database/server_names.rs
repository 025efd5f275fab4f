//! Which database and which server these are, for the policy's guards: as the URL names them, and as they answer.

use super::conninfo::{Conninfo, LibpqVariables};
use super::{Database, Result, Target};
use crate::policy::{Guarded, Meant, ServerNames, Spellings, canonical_host};
use std::fs;
use std::net::{IpAddr, ToSocketAddrs, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A server that the URL names.
#[derive(Debug, Default)]
struct Endpoint {
    names: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Database {
    /// The names by which a guard knows this database and its server. What the server says of itself, and what a name
    /// is another name of, can only add a refusal: the first may be a proxy's word, the second may change.
    pub fn server_names(
        &mut self,
        variables: &LibpqVariables,
        guarded: &Guarded,
    ) -> Result<ServerNames> {
        let question = match &self.target {
            Target::Sqlite(path) => return Ok(of_file(path, guarded)),
            Target::Postgres(_) => "SELECT current_database()::text, host(inet_server_addr())",
            Target::Mysql(_) => "SELECT DATABASE(), @@hostname",
        };
        let facts = self.in_snapshot(|database| database.query_one(&question.into()))?;
        let (asked, endpoints, unknown) = match &self.target {
            Target::Postgres(url) => of_postgres(&Conninfo::parse(url), variables, guarded),
            Target::Mysql(url) => {
                let host = url.socket.as_deref().unwrap_or(&url.host);
                (Some(url.database.clone()), vec![endpoint(host, guarded)], None)
            }
            Target::Sqlite(_) => (None, Vec::new(), None),
        };
        let databases = asked.into_iter().chain([facts.text(0).to_owned()]);
        let databases =
            databases.map(|name| Spellings { names: vec![name], ..Spellings::default() });
        Ok(ServerNames {
            databases: Meant { asked: databases.collect(), ..Meant::default() },
            hosts: Meant { unknown, ..of_endpoints(endpoints, facts.optional(1), guarded) },
        })
    }
}

/// An SQLite file as it was named, and the one that a link or a `..` leads to.
fn of_file(path: &Path, guarded: &Guarded) -> ServerNames {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let literals: Vec<&String> = guarded
        .databases
        .iter()
        .filter(|name| {
            [guarded.folder.join(name), name.into()].iter().any(|other| is_same_file(other, path))
        })
        .collect();
    let spellings = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let names = name.into_iter().chain([path.display().to_string()]);
        let names = names.chain(literals.iter().map(|literal| literal.to_string()));
        Spellings { names: names.collect(), ..Spellings::default() }
    };
    ServerNames {
        databases: Meant { asked: vec![spellings(path), spellings(&real)], ..Meant::default() },
        hosts: of_endpoints(vec![endpoint("", guarded)], None, guarded),
    }
}

/// By what the file system says: neither is opened, which would take SQLite's locks away.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

/// The database's name, the servers, and why these are not all.
fn of_postgres(
    info: &Conninfo,
    variables: &LibpqVariables,
    guarded: &Guarded,
) -> (Option<String>, Vec<Endpoint>, Option<String>) {
    let said = |name: &str, variable: &Option<String>| {
        info.get(name).map(str::to_owned).or_else(|| variable.clone())
    };
    let listed = |text: String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let hosts = said("host", &variables.host).map(listed);
    let addresses = said("hostaddr", &variables.hostaddr).filter(|text| !text.is_empty());
    let hosts = match (hosts, &addresses) {
        (Some(hosts), _) => hosts,
        // The socket of this machine.
        (None, None) => vec![String::new()],
        (None, Some(_)) => Vec::new(),
    };
    let all = hosts.into_iter().chain(addresses.map(listed).unwrap_or_default());
    let service = said("service", &variables.service).filter(|name| !name.is_empty());
    let unknown = service.map(|name| format!("the service {name} may lead anywhere"));
    let database = said("dbname", &variables.database).filter(|name| !name.is_empty());
    (database, all.map(|host| endpoint(&host, guarded)).collect(), unknown)
}

/// A host as a driver takes it: a name, an address in any spelling, or the path of a socket.
fn endpoint(host: &str, guarded: &Guarded) -> Endpoint {
    match host {
        "" => Endpoint { names: vec!["localhost".into()], addresses: vec![LOOPBACK] },
        socket if socket.starts_with(['/', '@']) => {
            Endpoint { names: vec![host.into(), "localhost".into()], addresses: vec![LOOPBACK] }
        }
        // Without a guard nobody asks, and a name server may take its time.
        _ if !guarded.asks_for_hosts => {
            Endpoint { names: vec![host.into()], ..Endpoint::default() }
        }
        _ => Endpoint { names: vec![canonical_host(host)], addresses: addresses(host) },
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// What the resolver makes of a host: it knows `2130706433` and `0x7f.1`, too.
fn addresses(host: &str) -> Vec<IpAddr> {
    let found = (canonical_host(host).as_str(), 0).to_socket_addrs();
    let found = found.into_iter().flatten().map(|found| found.ip().to_canonical());
    let mut addresses: Vec<IpAddr> = found.collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

/// Only an address of this machine can be bound to.
fn is_here(address: &IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((*address, 0)).is_ok()
}

fn of_endpoints(endpoints: Vec<Endpoint>, answer: Option<&str>, guarded: &Guarded) -> Meant {
    let own = answer.and_then(|answer| answer.parse::<IpAddr>().ok());
    let named = endpoints.iter().flat_map(|endpoint| endpoint.addresses.iter().copied());
    let reached: Vec<IpAddr> = named.chain(own).map(|address| address.to_canonical()).collect();
    let here = reached.iter().any(is_here);
    let mut also: Vec<String> = answer.map(canonical_host).into_iter().collect();
    if here {
        also.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    }
    let is_reached = |name: &&String| {
        let meant = addresses(name);
        meant.iter().any(|address| reached.contains(address) || (here && is_here(address)))
    };
    also.extend(guarded.forbidden_hosts.iter().filter(is_reached).map(|name| canonical_host(name)));
    let spellings = |endpoint: Endpoint| Spellings {
        names: endpoint.names,
        addresses: endpoint.addresses.iter().map(IpAddr::to_string).collect(),
    };
    Meant { asked: endpoints.into_iter().map(spellings).collect(), also, unknown: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(url: &str, forbidden: &[&str]) -> Meant {
        let guarded = Guarded {
            asks_for_hosts: true,
            forbidden_hosts: forbidden.iter().map(|&name| name.to_owned()).collect(),
            ..Guarded::default()
        };
        let variables = LibpqVariables::default();
        let (_, endpoints, unknown) = of_postgres(&Conninfo::parse(url), &variables, &guarded);
        Meant { unknown, ..of_endpoints(endpoints, None, &guarded) }
    }

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        for host in [
            "127.0.0.1",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0177.0.0.1",
            "0x7f.1",
            "%31%32%37.0.0.1",
            "LocalHost",
            "10.9.8.7,127.0.0.1",
            "10.9.8.7/?host=127.0.0.1",
            "10.9.8.7/?hostaddr=127.0.0.1",
            "0.0.0.0",
            "[::1]",
            "",
        ] {
            let meant = meant(&format!("postgres://{host}"), &[]);
            assert!(meant.also.contains(&"127.0.0.1".to_owned()), "{host}: {meant:?}");
        }
        let elsewhere = meant("postgres://10.9.8.7/crm", &["10.9.8.6", "0xa090807"]);
        assert_eq!(elsewhere.also, ["0xa090807"]);
        assert_eq!(elsewhere.asked[0].names, ["10.9.8.7"]);
        assert!(meant("postgres://h/crm?service=x", &[]).unknown.is_some());
    }
}
