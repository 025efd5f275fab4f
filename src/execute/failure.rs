//! Why a run did not end as planned. Everything was rolled back, one case excepted.

use super::Job;
use crate::archive;
use crate::database::{self, Fault};
use crate::findings::Findings;
use std::path::PathBuf;

#[derive(Debug)]
pub enum Failure {
    Database(database::Error),
    /// A key on the command line is not of its column's type.
    BadKey(String),
    /// The schema changed between planning and locking: plan again.
    SchemaMoved,
    /// The counts differ from those that were confirmed: the difference per table.
    CountsMoved(Vec<String>),
    /// A proof failed; what remained where.
    Unproven(String),
    /// Rows came in while we worked, although they should not have: run again.
    Disturbed(String),
    /// The archive cannot be written.
    Archive(archive::Error),
    /// The connection died during COMMIT; where the complete archive is.
    OutcomeUnknown {
        error: database::Error,
        archive: Option<PathBuf>,
    },
    Interrupted,
}

impl From<database::Error> for Failure {
    fn from(error: database::Error) -> Self {
        match error.fault {
            Fault::Cancelled if crate::interrupt::requested() => Failure::Interrupted,
            _ => Failure::Database(error),
        }
    }
}

impl From<archive::Error> for Failure {
    fn from(error: archive::Error) -> Self {
        Failure::Archive(error)
    }
}

impl Failure {
    /// Selecting root rows failed; where a key made no sense, say so.
    pub(super) fn at_selection(failure: Failure) -> Failure {
        match failure {
            Failure::Database(error) if error.fault == Fault::Value => {
                Failure::BadKey(error.message)
            }
            failure => failure,
        }
    }

    /// The connection is gone.
    pub fn is_lost(&self) -> bool {
        matches!(self, Failure::Database(error) if error.fault == Fault::Lost)
    }

    /// May the same transaction succeed when it is run again?
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Failure::Database(error) => error.fault == Fault::Retryable,
            Failure::Disturbed(_) => true,
            _ => false,
        }
    }
}

/// The counts are still the confirmed ones.
pub(super) fn unmoved(job: &Job, expected: &Findings, found: &Findings) -> Result<(), Failure> {
    let (before, after) = (expected.rows(), found.rows());
    let mut moved = Vec::new();
    for table in before.keys().chain(after.keys()).collect::<std::collections::BTreeSet<_>>() {
        let rows =
            |counts: &std::collections::BTreeMap<_, u64>| counts.get(table).copied().unwrap_or(0);
        let difference = rows(&after) as i64 - rows(&before) as i64;
        if difference > 0 || (difference < 0 && !job.may_shrink) {
            moved.push(format!("{difference:+} {}", job.catalog.table(*table).name));
        }
    }
    let unlinked = found.unlinked_rows() as i64 - expected.unlinked_rows() as i64;
    if unlinked > 0 || (unlinked < 0 && !job.may_shrink) {
        moved.push(format!("{unlinked:+} rows to unlink"));
    }
    if found.organizations != expected.organizations && moved.is_empty() {
        let same = |f: &Findings| f.organizations.iter().map(|o| o.key.clone()).collect::<Vec<_>>();
        if same(expected) != same(found) {
            moved.push("other organizations are selected now".into());
        }
    }
    if moved.is_empty() { Ok(()) } else { Err(Failure::CountsMoved(moved)) }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Database(error) | Failure::OutcomeUnknown { error, .. } => error.fmt(f),
            Failure::Archive(error) => error.fmt(f),
            Failure::BadKey(message) => f.write_str(message),
            Failure::SchemaMoved => f.write_str("the schema changed"),
            Failure::CountsMoved(differences) => {
                write!(f, "counts moved: {}", differences.join(", "))
            }
            Failure::Unproven(what) | Failure::Disturbed(what) => f.write_str(what),
            Failure::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Failure {}
