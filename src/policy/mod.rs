//! The policy file, `orgsweep.toml`: what a database's foreign keys do not tell. Pure: it is given
//! text and a catalog, and gives back a catalog with the references that are meant, and rules.
//!
//! Whatever does not fit is a [`Fault`] that names file and line. A policy is applied whole or not
//! at all.

pub mod django;
mod draft;
mod file;
mod guards;
mod include;
mod keeping;
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
pub use suggest::{
    Candidate, Types, candidates, lists_of_keys, of_types, typed_pairs, unclassified,
};

use crate::catalog::TableId;
use crate::plan::Condition;
use crate::selection::{did_you_mean, similar};
use std::fmt;
use std::ops::Range;
use toml::Spanned;

/// A policy file that could be read, and those that it includes.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The file itself comes first, and each counts more than those after it; empty where there is no file.
    sources: Vec<Source>,
    pub file: File,
}

#[derive(Debug, Clone)]
struct Source {
    /// As it is shown.
    path: String,
    text: String,
    /// Where it begins among the texts of all of them: spans are of these.
    start: usize,
}

/// Another file that is to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Include {
    /// As it is written: relative to the folder of the file that says so.
    pub path: String,
    /// `orgsweep.toml:1`
    pub place: String,
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
    /// The policy that stands in one file.
    ///
    /// # Errors
    /// See [`Policy::add`].
    #[cfg(test)]
    pub fn parse(path: &str, text: &str) -> Result<Policy, Fault> {
        let mut policy = Policy::default();
        policy.add(path, text)?;
        Ok(policy)
    }

    /// Reads the text of a policy file, which says what the files before it have not said. Tells which ones it includes.
    ///
    /// # Errors
    /// No TOML, an unknown setting, a value of the wrong kind.
    pub fn add(&mut self, path: &str, text: &str) -> Result<Vec<Include>, Fault> {
        let start = self.sources.last().map_or(0, |last| last.start + last.text.len() + 1);
        self.sources.push(Source { path: path.to_owned(), text: text.to_owned(), start });
        // Lines before it keep its spans apart from those of the others.
        match toml::from_str::<File>(&("\n".repeat(start) + text)) {
            Ok(mut file) => {
                let include = |path: Spanned<String>| {
                    let place = self.place(&path.span());
                    Include { path: path.into_inner(), place }
                };
                let includes = std::mem::take(&mut file.include).into_iter().map(include).collect();
                self.file.include(file);
                Ok(includes)
            }
            Err(error) => {
                let place = error.span().map_or(path.to_owned(), |span| self.place(&span));
                let message = error.message().to_owned();
                Err(Fault { place, hint: nearest(&message), message })
            }
        }
    }

    /// Of all files, for a digest.
    pub fn text(&self) -> String {
        let texts = self.sources.iter().map(|source| source.text.as_str());
        texts.collect::<Vec<_>>().join("\n")
    }

    pub fn exists(&self) -> bool {
        !self.sources.is_empty()
    }

    pub fn path(&self) -> &str {
        self.sources.first().map_or("", |source| &source.path)
    }

    /// The same, where no row stays on purpose.
    pub fn without_keeping(&self) -> Policy {
        let mut policy = self.clone();
        for table in policy.file.tables.values_mut() {
            table.keep.take_if(|keep| matches!(keep.get_ref(), file::Keep::Some(_)));
        }
        policy
    }

    /// The columns that name files: `documents.file`.
    pub fn files(&self) -> Vec<String> {
        let of = |(name, table): (&Spanned<String>, &file::Table)| {
            let columns = table.files.clone().unwrap_or_default().into_iter();
            let table = name.as_ref().clone();
            columns.map(|column| format!("{table}.{}", column.as_ref())).collect::<Vec<_>>()
        };
        self.file.tables.iter().flat_map(of).collect()
    }

    /// Those of the files that it includes.
    pub fn included(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().skip(1).map(|source| source.path.as_str())
    }

    /// File and line of a piece of the text.
    pub fn place(&self, span: &Range<usize>) -> String {
        let Some(source) = self.sources.get(self.rank(span)) else { return String::new() };
        let end = span.start.saturating_sub(source.start).min(source.text.len());
        let before = &source.text.as_bytes()[..end];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{}:{line}", source.path)
    }

    /// Which file a piece of the text is of: the lowest counts most.
    fn rank(&self, span: &Range<usize>) -> usize {
        self.sources.iter().rposition(|source| source.start <= span.start).unwrap_or_default()
    }

    fn fault(&self, span: &Range<usize>, message: impl Into<String>) -> Fault {
        Fault { place: self.place(span), message: message.into(), hint: None }
    }

    /// An SQL expression of the file over the columns of a table.
    fn expression(&self, table: TableId, sql: &Spanned<String>) -> Result<Condition, Fault> {
        if sql.as_ref().trim().is_empty() {
            return Err(self.fault(&sql.span(), "a blank condition says nothing"));
        }
        Ok(Condition { table, sql: sql.as_ref().clone(), place: self.place(&sql.span()) })
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
