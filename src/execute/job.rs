//! What one deletion is made from, what is told of it meanwhile, and how it ended.

use super::archiving::Archiving;
use super::scopes::ScopeCheck;
use crate::archive::Manifest;
use crate::catalog::{Catalog, TableId};
use crate::doctor::Unindexed;
use crate::findings::{Findings, Organization, Rehearsal, Step};
use crate::plan::Plan;
use crate::selection::{Root, Selection};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that one deletion is made from.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub catalog: &'a Catalog,
    pub plan: &'a Plan,
    pub root: &'a Root,
    pub selection: &'a Selection,
    pub lock_timeout: Duration,
    /// Re-check what holds by construction, too.
    pub verify: bool,
    /// Digest the rows of each step: they must be known before any of them goes.
    pub digest: bool,
    /// Only a batch of the closure: each statement finds at most so many rows.
    pub batch: Option<u64>,
    /// The rows go in several transactions: no limit of a single one is theirs.
    pub in_batches: bool,
    /// Keep what goes.
    pub archive: Option<&'a Archiving>,
    /// Ask before the first change what dangles and how many rows there are, so that it is not taken for ours.
    pub weigh: bool,
    /// Roll back where COMMIT would come.
    pub rehearse: bool,
    /// Less than what was confirmed may be found: earlier runs of a series took the rest.
    pub may_shrink: bool,
    /// Ask what would be left behind.
    pub scopes: Option<&'a ScopeCheck>,
}

impl<'a> Job<'a> {
    /// All at once, nothing kept, nothing proven twice.
    pub fn new(
        catalog: &'a Catalog,
        plan: &'a Plan,
        root: &'a Root,
        selection: &'a Selection,
        lock_timeout: Duration,
    ) -> Job<'a> {
        Job {
            catalog,
            plan,
            root,
            selection,
            lock_timeout,
            verify: false,
            digest: false,
            batch: None,
            in_batches: false,
            archive: None,
            weigh: false,
            rehearse: false,
            may_shrink: false,
            scopes: None,
        }
    }
}

/// What the run is doing, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress<'a> {
    /// These organizations, and no others.
    Selected(&'a [Organization]),
    Finding {
        table: TableId,
        rows: u64,
    },
    Checking,
    /// What the engine's checks will cost for want of an index; told before the first change.
    Slow(&'a [Unindexed]),
    Working {
        step: Step,
        rows: u64,
        of: u64,
    },
    /// Rows of a table that the archive holds so far.
    Archiving {
        table: TableId,
        rows: u64,
    },
    /// Rows of an archive that were read so far.
    Staging {
        table: TableId,
        rows: u64,
    },
    /// All rows of a table are back.
    Restored {
        table: TableId,
        rows: u64,
    },
    Proving,
    Committing,
    /// Of a rehearsal.
    RollingBack,
    Retrying {
        attempt: u32,
    },
}

pub type Observer<'a> = &'a mut dyn FnMut(Progress<'_>);

/// How a clean ended, short of a failure.
#[derive(Debug)]
pub enum Outcome {
    /// No organization matches, or nothing is there beside those that stay.
    Nothing(Findings),
    Refused(Findings),
    Cleaned {
        findings: Findings,
        durations: BTreeMap<Step, Duration>,
        /// Where what went is kept.
        archive: Option<Box<Kept>>,
    },
    /// All of it was done but COMMIT.
    Rehearsed {
        findings: Findings,
        durations: BTreeMap<Step, Duration>,
        rehearsal: Rehearsal,
    },
}

/// An archive of a deletion that was committed.
#[derive(Debug, Clone)]
pub struct Kept {
    pub path: PathBuf,
    pub manifest: Manifest,
}

impl Kept {
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}
