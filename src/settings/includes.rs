//! A policy with the files that it includes: `include = ["django.toml"]`, relative to the file that says so.

use super::LARGEST_POLICY;
use super::discovery::{Wanted, trusted};
use crate::exit::Problem;
use crate::files;
use crate::policy::{Fault, Include, Policy};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub struct Includes<'a> {
    policy: Policy,
    /// Files that were read already, as nobody else is called.
    seen: Vec<PathBuf>,
    /// Who may own them, where nobody named the policy.
    trust: Option<&'a Wanted>,
}

impl<'a> Includes<'a> {
    pub fn new(trust: Option<&'a Wanted>) -> Includes<'a> {
        Includes { policy: Policy::default(), seen: Vec::new(), trust }
    }

    /// # Errors
    /// What is no policy; a file that cannot be read, is somebody else's, or includes itself.
    pub fn read(mut self, path: &Path, text: &str) -> Result<Policy, Problem> {
        let own = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.add(path, text, &[own])?;
        Ok(self.policy)
    }

    /// `within`: the file, and who includes it.
    fn add(&mut self, path: &Path, text: &str, within: &[PathBuf]) -> Result<(), Problem> {
        let includes = self.policy.add(&path.display().to_string(), text).map_err(told)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        // Of two that speak of the same the later one counts.
        for include in includes.into_iter().rev() {
            self.include(&folder.join(&include.path), &include, within)?;
        }
        Ok(())
    }

    fn include(
        &mut self,
        path: &Path,
        include: &Include,
        within: &[PathBuf],
    ) -> Result<(), Problem> {
        let unreadable = |error: io::Error| {
            fault(include, format!("{} cannot be read: {error}", path.display()))
        };
        let own = fs::canonicalize(path).map_err(unreadable)?;
        if within.contains(&own) {
            return Err(fault(include, format!("{} includes itself by this", path.display())));
        }
        if self.seen.contains(&own) {
            return Ok(());
        }
        if let Some(wanted) = self.trust {
            let found = fs::symlink_metadata(path).map_err(unreadable)?;
            let around = path.parent().filter(|it| !it.as_os_str().is_empty());
            trusted(wanted, around.unwrap_or(Path::new(".")), path.to_owned(), &found).map_err(
                |problem| {
                    let message = format!("{}: {}", include.place, problem.message);
                    Problem { message, ..problem }
                },
            )?;
        }
        let text = files::read_text(path, LARGEST_POLICY).map_err(unreadable)?;
        self.seen.push(own.clone());
        self.add(path, &text, &[within, &[own]].concat())
    }
}

fn fault(include: &Include, message: String) -> Problem {
    told(Fault { place: include.place.clone(), message, hint: None })
        .hint("include names files relative to the one that includes them")
}

fn told(fault: Fault) -> Problem {
    let problem = Problem::usage(fault.to_string());
    Problem { hint: fault.hint, ..problem }
}
