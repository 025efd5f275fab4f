//! Why a run did not end as planned. Everything was rolled back, one case excepted.

use super::Job;
use crate::archive;
use crate::catalog::{Catalog, Event, ReferenceId, TableId};
use crate::database::{self, Fault};
use crate::findings::{Expected, Findings, Step};
use crate::interrupt::{self, Interrupted};
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Debug)]
pub enum Failure {
    Database(database::Error),
    /// The database stopped a statement that these triggers see; one of them may have said so.
    Trigger {
        error: database::Error,
        triggers: Vec<String>,
        doing: Doing,
        /// --engine-cascade would delete the same rows in the engine's order, parents first.
        other_order: bool,
    },
    /// Triggers kept rows, gave them to somebody else or undid an unlink: not what was shown.
    Overruled {
        what: String,
        triggers: Vec<String>,
    },
    /// The engine refuses an unlink, which no question has told.
    Unlinkable(String),
    /// A key on the command line is not of its column's type.
    BadKey(String),
    /// A key on the command line is several, of several types; each in full.
    SeveralKeys {
        id: String,
        keys: Vec<String>,
    },
    /// The schema changed between planning and locking: plan again.
    SchemaMoved,
    /// The counts differ from those that were confirmed: the difference per table.
    CountsMoved(Vec<String>),
    /// A proof failed; what remained where.
    Unproven(String),
    /// Something is not as it should be, and may not have been before: that has to be asked first.
    Unweighed,
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

/// What a statement does to the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    Finding,
    Unlinking,
    Deleting,
    /// By the engine's own actions.
    Cascading,
    Inserting,
    Linking,
}

impl Doing {
    fn as_str(self) -> &'static str {
        match self {
            Doing::Finding => "finding",
            Doing::Unlinking => "unlinking",
            Doing::Deleting | Doing::Cascading => "deleting",
            Doing::Inserting => "putting back",
            Doing::Linking => "linking again",
        }
    }

    /// What triggers see of it.
    fn events(self) -> &'static [Event] {
        match self {
            Doing::Finding => &[],
            Doing::Unlinking | Doing::Linking => &[Event::Update],
            Doing::Deleting => &[Event::Delete],
            Doing::Cascading => &[Event::Delete, Event::Update],
            Doing::Inserting => &[Event::Insert],
        }
    }
}

impl From<database::Error> for Failure {
    fn from(error: database::Error) -> Self {
        match error.fault {
            Fault::Cancelled if interrupt::requested() => Failure::Interrupted,
            // Nobody waits longer for a lock than until the deadline.
            Fault::Busy if interrupt::requested() => {
                interrupt::doing(format!("waiting for a lock: {}", error.message));
                Failure::Interrupted
            }
            _ => Failure::Database(error),
        }
    }
}

impl From<Interrupted> for Failure {
    fn from(Interrupted: Interrupted) -> Self {
        Failure::Interrupted
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

    /// What a constraint or a trigger says does not always tell where; no engine tells a trigger's name.
    pub(super) fn at(self, doing: Doing, tables: &[TableId], catalog: &Catalog) -> Failure {
        match self {
            Failure::Database(error) if matches!(error.fault, Fault::Constraint | Fault::Other) => {
                let names = tables.iter().map(|id| catalog.table(*id).name.to_string());
                let names = names.collect::<Vec<_>>().join(", ");
                let message = format!("{} {names}: {}", doing.as_str(), error.message);
                let error = database::Error { message, ..error };
                match catalog.triggers_on(tables, doing.events()) {
                    triggers if triggers.is_empty() => Failure::Database(error),
                    triggers => Failure::Trigger { error, triggers, doing, other_order: false },
                }
            }
            failure => failure,
        }
    }

    /// A trigger that said no may think otherwise of another order.
    pub(super) fn with_other_order(self, possible: bool) -> Failure {
        match self {
            Failure::Trigger { error, triggers, doing, .. } => {
                Failure::Trigger { error, triggers, doing, other_order: possible }
            }
            failure => failure,
        }
    }

    /// A constraint says no to rows that are unlinked by this reference. Where a trigger may have said it, see [`Failure::at`].
    pub(super) fn at_unlink(self, catalog: &Catalog, id: ReferenceId) -> Failure {
        let reference = catalog.reference(id);
        match self {
            // A key that somebody gave, or a default.
            Failure::Database(error) if error.fault == Fault::Value => {
                let (name, arrow) =
                    (&catalog.table(reference.child).name, catalog.reference_arrow(id));
                Failure::Unlinkable(format!(
                    "unlinking rows of {name} by {arrow}: {}",
                    error.message
                ))
            }
            Failure::Database(error)
                if error.fault == Fault::Constraint
                    && !catalog.table(reference.child).is_seen(&[Event::Update]) =>
            {
                Failure::Unlinkable(format!(
                    "unlinking rows of {} by {} ({}) breaks a constraint: {}",
                    catalog.table(reference.child).name,
                    catalog.reference_arrow(id),
                    reference.on_delete,
                    error.message
                ))
            }
            failure => failure,
        }
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

/// What was found is still what was expected.
pub(super) fn unmoved(job: &Job, expected: &Expected, found: &Findings) -> Result<(), Failure> {
    let found = Expected::from(found);
    let catalog = job.catalog;
    let mut moved = Vec::new();
    let mut compare = |step: Step, before: Option<&u64>, after: Option<&u64>, name: String| {
        let rows = |count: Option<&u64>| i128::from(count.copied().unwrap_or(0));
        let difference = rows(after) - rows(before);
        let others = || match (expected.digests.get(&step), found.digests.get(&step)) {
            (Some(before), Some(after)) => before != after,
            _ => false,
        };
        if difference > 0 || (difference < 0 && !job.may_shrink) {
            moved.push(format!("{difference:+} {name}"));
        } else if difference == 0 && others() {
            moved.push(format!("other rows of {name}"));
        }
    };
    for table in expected.rows.keys().chain(found.rows.keys()).collect::<BTreeSet<_>>() {
        let name = catalog.table(*table).name.to_string();
        let (before, after) = (expected.rows.get(table), found.rows.get(table));
        compare(Step::Delete(*table), before, after, name);
    }
    for position in expected.unlinked.keys().chain(found.unlinked.keys()).collect::<BTreeSet<_>>() {
        let reference = job.plan.unlinks[*position].reference;
        let name = format!("{} to unlink", catalog.reference_name(reference));
        let (before, after) = (expected.unlinked.get(position), found.unlinked.get(position));
        compare(Step::Unlink(*position), before, after, name);
    }
    for (scope, after) in &found.left_behind {
        let before = expected.left_behind.get(scope).copied().unwrap_or(Some(0));
        if before.is_some_and(|before| after.is_none_or(|after| after > before)) {
            let name = catalog.reference_name(*scope);
            let more =
                after.map_or("?".to_owned(), |after| (after - before.unwrap_or(0)).to_string());
            moved.push(format!("+{more} left behind by {name}"));
        }
    }
    if found.organizations != expected.organizations && moved.is_empty() {
        moved.push("other organizations are selected now".into());
    } else if !expected.titles.is_empty() && found.titles != expected.titles {
        moved.push(match &found.titles[..] {
            [] => "none of the organizations is there any more".to_owned(),
            titles if found.organizations == expected.organizations => {
                format!("they are called {} now", titles.join(", "))
            }
            titles => format!("the organizations are {} now", titles.join(", ")),
        });
    }
    if moved.is_empty() { Ok(()) } else { Err(Failure::CountsMoved(moved)) }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Database(error) | Failure::OutcomeUnknown { error, .. } => error.fmt(f),
            Failure::Trigger { error, triggers, .. } => {
                write!(f, "{error} (triggers: {})", triggers.join(", "))
            }
            Failure::Overruled { what, triggers } if triggers.is_empty() => f.write_str(what),
            Failure::Overruled { what, triggers } => {
                write!(f, "{what} (triggers: {})", triggers.join(", "))
            }
            Failure::Archive(error) => error.fmt(f),
            Failure::BadKey(message) => f.write_str(message),
            Failure::SeveralKeys { id, keys } => {
                write!(f, "--org-id {id} may be {}: keys of different types", keys.join(" or "))
            }
            Failure::SchemaMoved => f.write_str("the schema changed"),
            Failure::CountsMoved(differences) => {
                write!(f, "counts moved: {}", differences.join(", "))
            }
            Failure::Unproven(what) | Failure::Disturbed(what) | Failure::Unlinkable(what) => {
                f.write_str(what)
            }
            Failure::Unweighed => f.write_str("how it was before was not asked"),
            Failure::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Failure {}
