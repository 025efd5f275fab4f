//! The policy file, `orgsweep.toml`: what a database's foreign keys do not tell. Pure: it is given
//! text and a catalog, and gives back a catalog with the references that are meant, and rules.
//!
//! Whatever does not fit is a [`Fault`] that names file and line. A policy is applied whole or not
//! at all.

pub mod django;
mod draft;
mod file;
mod guards;
mod kind;
mod names;
mod references;
mod resolve;
mod scope;
mod suggest;
#[cfg(test)]
mod tests;

pub use draft::{Draft, Entry};
pub use file::{Caveat, File};
pub use guards::{Guarded, Meant, ServerNames, Spellings, canonical_host};
pub(crate) use references::act;
pub use resolve::{Resolved, resolve};
pub(crate) use scope::{Scopes, Unfit};
pub use suggest::{Candidate, Types, candidates, of_types, typed_pairs, unclassified};

use crate::selection::{did_you_mean, similar};
use std::fmt;
use std::ops::Range;

/// A policy file that could be read.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// As it is shown; empty where there is no file.
    path: String,
    text: String,
    pub file: File,
}

/// Something in the file that cannot be.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// `orgsweep.toml:12`
    pub place: String,
    pub message: String,
    pub hint: Option<String>,
}

impl Policy {
    /// Reads the text of a policy file.
    ///
    /// # Errors
    /// No TOML, an unknown setting, a value of the wrong kind.
    pub fn parse(path: &str, text: &str) -> Result<Policy, Fault> {
        let mut policy =
            Policy { path: path.to_owned(), text: text.to_owned(), file: File::default() };
        match toml::from_str(text) {
            Ok(file) => policy.file = file,
            Err(error) => {
                let place = error.span().map_or(path.to_owned(), |span| policy.place(&span));
                let message = error.message().to_owned();
                return Err(Fault { place, hint: nearest(&message), message });
            }
        }
        Ok(policy)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn exists(&self) -> bool {
        !self.path.is_empty()
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// File and line of a piece of the text.
    pub fn place(&self, span: &Range<usize>) -> String {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{}:{line}", self.path)
    }

    fn fault(&self, span: &Range<usize>, message: impl Into<String>) -> Fault {
        Fault { place: self.place(span), message: message.into(), hint: None }
    }
}

impl Fault {
    fn line(&self) -> Option<usize> {
        self.place.rsplit(':').next()?.parse().ok()
    }

    fn hint(self, hint: impl Into<String>) -> Fault {
        Fault { hint: Some(hint.into()), ..self }
    }

    /// Suggests the names that are nearest to the one that does not exist.
    fn nearest(self, wanted: &str, names: impl Iterator<Item = String>) -> Fault {
        match &similar(wanted, names)[..] {
            [] => self,
            near => self.hint(did_you_mean(near)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// serde says "unknown field `x`, expected one of `a`, `b`": the names between backticks.
fn nearest(message: &str) -> Option<String> {
    let mut names = message.split('`').skip(1).step_by(2).map(str::to_owned);
    let wanted = names.next()?;
    match &similar(&wanted, names)[..] {
        [] => None,
        near => Some(did_you_mean(near)),
    }
}
