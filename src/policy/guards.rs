//! Guards on the database itself, which hold before anything is read from it.

use super::{Fault, Policy};
use crate::plan::{Guards, Pattern};
use toml::Spanned;

/// The names under which a database and its server may be meant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    pub databases: Vec<String>,
    pub hosts: Vec<String>,
}

impl Policy {
    /// Is this a database that the policy lets be cleaned?
    ///
    /// # Errors
    /// The guard that does not hold.
    pub fn guard(&self, place: &Place) -> Result<(), Fault> {
        let guards = &self.file.guards;
        self.one_of("databases", "database", &guards.databases, &place.databases)?;
        self.one_of("hosts", "host", &guards.hosts, &place.hosts)?;
        self.none_of("database", &guards.forbidden_databases, &place.databases)?;
        self.none_of("host", &guards.forbidden_hosts, &place.hosts)
    }

    fn one_of(
        &self,
        setting: &str,
        noun: &str,
        allowed: &[Spanned<String>],
        names: &[String],
    ) -> Result<(), Fault> {
        let Some(first) = allowed.first() else { return Ok(()) };
        if allowed.iter().any(|glob| self.pattern(glob).matches_any(names)) {
            return Ok(());
        }
        let message = format!("guard: the {noun} {} is not among {setting}", names.join(" or "));
        Err(self
            .fault(&first.span(), message)
            .hint("a guard of the policy; --force does not pass it: check which database is meant"))
    }

    fn none_of(
        &self,
        noun: &str,
        forbidden: &[Spanned<String>],
        names: &[String],
    ) -> Result<(), Fault> {
        let Some(glob) = forbidden.iter().find(|glob| self.pattern(glob).matches_any(names)) else {
            return Ok(());
        };
        let message =
            format!("guard: the {noun} {} is forbidden by {:?}", names.join(" or "), glob.as_ref());
        Err(self
            .fault(&glob.span(), message)
            .hint("a guard of the policy; --force does not pass it: check which database is meant"))
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
            organizations: patterns(&guards.organizations),
            forbidden_organizations: patterns(&guards.forbidden_organizations),
            max_rows: max_rows.map(|most| (*most.as_ref(), self.place(&most.span()))),
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
        for (allowed, forbidden) in pairs {
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

impl Pattern {
    fn matches_any(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.matches(name))
    }
}
