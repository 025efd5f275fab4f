//! Guards on the database itself, which hold before anything is read from it.

use super::file::Shared;
use super::{Fault, Policy};
use crate::plan::{Guards, Pattern};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The names under which a database and its server may be meant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerNames {
    pub databases: Meant,
    pub hosts: Meant,
}

/// What one kind of guard is asked about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meant {
    /// What is named, and the server's own name for it: each of them must be allowed.
    pub asked: Vec<Spellings>,
    /// Names that can only be forbidden.
    pub also: Vec<String>,
    /// Why these are not all.
    pub unknown: Option<String>,
}

/// The ways to write one of them: any of its names allows it, or all of its addresses do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spellings {
    pub names: Vec<String>,
    pub addresses: Vec<String>,
}

/// Names in the guards that are no patterns, so that somebody can ask whether they are other names of the same.
#[derive(Debug, Clone, Default)]
pub struct Guarded {
    pub databases: Vec<String>,
    pub forbidden_hosts: Vec<String>,
    pub asks_for_hosts: bool,
    /// Where the policy stands.
    pub folder: PathBuf,
}

/// What a guard is about: its settings and the word for it.
struct About<'a> {
    setting: &'static str,
    noun: &'static str,
    allowed: &'a [Spanned<String>],
    forbidden: &'a [Spanned<String>],
    canonical: fn(&str) -> String,
}

impl Policy {
    /// Is this a database that the policy lets be cleaned?
    ///
    /// # Errors
    /// The guard that does not hold.
    pub fn guard(&self, place: &ServerNames) -> Result<(), Fault> {
        let guards = &self.file.guards;
        let databases = About {
            setting: "databases",
            noun: "database",
            allowed: allowed(&guards.databases),
            forbidden: &guards.forbidden_databases,
            canonical: str::to_owned,
        };
        let hosts = About {
            setting: "hosts",
            noun: "host",
            allowed: allowed(&guards.hosts),
            forbidden: &guards.forbidden_hosts,
            canonical: canonical_host,
        };
        self.holds(&databases, &place.databases)?;
        self.holds(&hosts, &place.hosts)
    }

    /// What the guards name in so many words.
    pub fn guarded(&self) -> Guarded {
        let guards = &self.file.guards;
        let literal = |glob: &&Spanned<String>| !glob.as_ref().contains(['*', '?']);
        let literals = |globs: &[Spanned<String>]| -> Vec<String> {
            globs.iter().filter(literal).map(|glob| glob.as_ref().clone()).collect()
        };
        let folder = Path::new(self.path()).parent().unwrap_or(Path::new(""));
        Guarded {
            databases: [
                literals(allowed(&guards.databases)),
                literals(&guards.forbidden_databases),
            ]
            .concat(),
            forbidden_hosts: literals(&guards.forbidden_hosts),
            asks_for_hosts: guards.hosts.is_some() || !guards.forbidden_hosts.is_empty(),
            folder: folder.to_owned(),
        }
    }

    fn holds(&self, about: &About, meant: &Meant) -> Result<(), Fault> {
        let matches = |glob: &Spanned<String>, name: &String| {
            let glob = (about.canonical)(glob.as_ref());
            Pattern { glob, place: String::new() }.matches(&(about.canonical)(name))
        };
        let refused = |glob: &Spanned<String>, message: String| {
            let hint =
                "a guard of the policy; --force does not pass it: check which database is meant";
            Err(self.fault(&glob.span(), format!("guard: {message}")).hint(hint))
        };
        let noun = about.noun;
        if let (Some(why), Some(first)) =
            (&meant.unknown, about.allowed.iter().chain(about.forbidden).next())
        {
            return refused(
                first,
                format!("the {noun} is not known, as {why}: name it in the URL"),
            );
        }
        let any = |globs: &[Spanned<String>], name: &String| globs.iter().any(|g| matches(g, name));
        let is_allowed = |spellings: &&Spellings| {
            let Spellings { names, addresses } = spellings;
            names.iter().any(|name| any(about.allowed, name))
                || (!addresses.is_empty() && addresses.iter().all(|name| any(about.allowed, name)))
        };
        if let Some(first) = about.allowed.first()
            && let Some(other) = meant.asked.iter().find(|spellings| !is_allowed(spellings))
        {
            let (names, setting) = (other.names.join(" or "), about.setting);
            return refused(first, format!("the {noun} {names} is not among {setting}"));
        }
        let asked = || meant.asked.iter().flat_map(|spellings| &spellings.names);
        let addresses = meant.asked.iter().flat_map(|spellings| &spellings.addresses);
        for name in asked().chain(addresses).chain(&meant.also) {
            if let Some(glob) = about.forbidden.iter().find(|glob| matches(glob, name)) {
                let mut names: Vec<&str> = asked().map(String::as_str).collect();
                names.dedup();
                let names = names.join(" or ");
                let why = format!("the {noun} {names} is forbidden by {:?}", glob.as_ref());
                return refused(glob, why);
            }
        }
        Ok(())
    }

    fn pattern(&self, glob: &Spanned<String>) -> Pattern {
        Pattern { glob: glob.as_ref().clone(), place: self.place(&glob.span()) }
    }

    /// The guards that are about organizations and rows; those on tables are resolved elsewhere.
    pub(super) fn guards(&self) -> Guards {
        let patterns = |globs: &[Spanned<String>]| globs.iter().map(|g| self.pattern(g)).collect();
        let guards = &self.file.guards;
        let max_rows = guards.max_rows.as_ref();
        Guards {
            organizations: patterns(allowed(&guards.organizations)),
            forbidden_organizations: patterns(&guards.forbidden_organizations),
            max_rows: max_rows.map(|most| (*most.as_ref(), self.place(&most.span()))),
            refuses_shared: guards.shared == Some(Shared::Refuse),
            max_organizations: None,
            test_data: Vec::new(),
        }
    }

    /// Patterns that could never hold, and pairs that contradict each other.
    pub(super) fn guard_faults(&self) -> Vec<Fault> {
        let guards = &self.file.guards;
        let pairs = [
            (&guards.databases, &guards.forbidden_databases),
            (&guards.hosts, &guards.forbidden_hosts),
            (&guards.organizations, &guards.forbidden_organizations),
        ];
        let mut faults = Vec::new();
        for (list, forbidden) in pairs {
            let allowed = allowed(list);
            if let Some(list) = list.as_ref().filter(|list| list.as_ref().is_empty()) {
                let fault = self.fault(&list.span(), "an empty list allows nothing");
                faults.push(fault.hint("name what is allowed, or leave the setting out"));
            }
            for glob in allowed.iter().chain(forbidden) {
                if glob.as_ref().trim().is_empty() {
                    faults.push(self.fault(&glob.span(), "a blank pattern matches nothing"));
                }
            }
            for glob in allowed {
                if let Some(other) = forbidden.iter().find(|other| other.as_ref() == glob.as_ref())
                {
                    let line = self.place(&other.span());
                    let message =
                        format!("{:?} is allowed here and forbidden in {line}", glob.as_ref());
                    faults.push(self.fault(&glob.span(), message));
                }
            }
        }
        faults
    }
}

/// A setting that is left out allows everything.
fn allowed(list: &Option<Spanned<Vec<Spanned<String>>>>) -> &[Spanned<String>] {
    list.as_ref().map_or(&[], |list| list.as_ref())
}

/// A host's name or address in one spelling: no capitals, no mapped or long-winded addresses.
pub fn canonical_host(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => host,
    }
}
