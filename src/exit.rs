//! How a run ends: one code per meaning, and one place that gives every error its code.

mod codes;

use crate::database::{self, Fault};
use crate::execute::Failure;
use crate::interrupt::{self, Reason};
use std::fmt;

/// The exit codes, as documented in docs/exit-codes.md. Stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Failed; rolled back.
    Failed,
    /// The command line or its target makes no sense.
    Usage,
    /// Protected or foreign rows, privileges, counts that moved, no match where one is required.
    Refused,
    /// Nobody said yes.
    NotConfirmed,
    /// A lock was not granted in time, or a limit of time was over: the deadline, the server's; rolled back.
    Busy,
    /// A proof failed before COMMIT; rolled back.
    Unproven,
    /// The connection died during COMMIT.
    Unknown,
    /// Some organizations are committed, others not.
    Partly,
    /// `preview --detailed-exitcode`: there is something to delete.
    Something,
    /// A bug in orgsweep.
    Bug,
    /// A signal; rolled back.
    Interrupted(i32),
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
            Exit::NotConfirmed => 4,
            Exit::Busy => 5,
            Exit::Unproven => 6,
            Exit::Unknown => 7,
            Exit::Partly => 8,
            Exit::Something => 10,
            Exit::Bug => 70,
            Exit::Interrupted(signal) => 128 + signal as u8,
        }
    }
}

impl From<Reason> for Exit {
    fn from(reason: Reason) -> Exit {
        match reason {
            Reason::Deadline => Exit::Busy,
            Reason::Signal(signal) => Exit::Interrupted(signal),
        }
    }
}

/// How a process ends that does not wait for its run to stop, and what it has done by then.
pub fn at_once() -> (Exit, Vec<String>) {
    let done = interrupt::committed_so_far();
    let exit = if interrupt::is_committing() {
        Exit::Unknown
    } else if !done.is_empty() {
        Exit::Partly
    } else {
        interrupt::reason().map_or(Exit::Failed, Exit::from)
    };
    (exit, done)
}

/// An error that knows its exit code and what to try next.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub exit: Exit,
    /// Which of them it is, for machines: `lock_timeout`.
    pub code: &'static str,
    /// One line, whatever is in it.
    pub message: String,
    /// What else is wrong, a line each.
    pub more: Vec<String>,
    pub hint: Option<String>,
}

impl Problem {
    pub fn new(exit: Exit, message: impl Into<String>) -> Problem {
        let (code, message) = (codes::of_exit(exit), message.into());
        Problem { exit, code, message, more: Vec::new(), hint: None }
    }

    pub fn code(self, code: &'static str) -> Problem {
        Problem { code, ..self }
    }

    pub fn usage(message: impl Into<String>) -> Problem {
        Problem::new(Exit::Usage, message)
    }

    pub fn hint(self, hint: impl Into<String>) -> Problem {
        Problem { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = std::iter::once(&self.message).chain(&self.more);
        f.write_str(&lines.map(String::as_str).collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for Problem {}

/// What any error means to the person and to the exit code.
pub fn diagnose(error: &anyhow::Error) -> Problem {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        return problem.clone();
    }
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return of_failure(failure);
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<database::Error>()) {
        Some(cause) => match Failure::from(cause.clone()) {
            Failure::Database(cause) => {
                Problem { message: format!("{error:#}"), ..of_database(&cause) }
            }
            // The signal is why, not the statement that it ended.
            failure => of_failure(&failure),
        },
        None => Problem::new(Exit::Failed, format!("{error:#}")),
    }
}

fn of_failure(failure: &Failure) -> Problem {
    let problem = told(failure);
    match codes::of_failure(failure) {
        Some(code) => problem.code(code),
        None => problem,
    }
}

fn told(failure: &Failure) -> Problem {
    match failure {
        Failure::Database(error) => of_database(error),
        Failure::Trigger { other_order, .. } => {
            let order = if *other_order {
                "a trigger that looks for other rows finds its row's parents still there: --engine-cascade \
                 deletes as the engine's own DELETE does; "
            } else {
                ""
            };
            let hint = format!("{order}one that must not fire can be dropped or disabled meanwhile");
            Problem::new(Exit::Failed, format!("{failure}; everything was rolled back")).hint(hint)
        }
        Failure::Overruled { triggers, .. } if triggers.is_empty() => {
            Problem::new(Exit::Refused, format!("{failure}; everything was rolled back"))
                .hint("no trigger did it: without --engine-cascade orgsweep deletes these rows itself")
        }
        Failure::Overruled { .. } => {
            Problem::new(Exit::Refused, format!("{failure}; everything was rolled back")).hint(
                "a trigger or rule decides otherwise than the references: change these rows first, or drop or disable \
                 it meanwhile",
            )
        }
        Failure::Unlinkable(_) => {
            Problem::new(Exit::Refused, format!("{failure}; everything was rolled back"))
                .hint("the engine cannot do it either: change these rows, or the schema, first")
        }
        Failure::BadKey(message) => {
            Problem::usage(message.as_str()).hint("a key takes a value of its column's own type")
        }
        Failure::SeveralKeys { .. } => {
            Problem::new(Exit::Refused, format!("{failure}; {}", nothing_was("deleted")))
                .hint("--org-id takes either of them, its type included")
        }
        Failure::SchemaMoved => Problem::new(
            Exit::Refused,
            format!(
                "the schema changed while the deletion was being prepared; {}",
                nothing_was("changed")
            ),
        )
        .hint("run the same command again"),
        Failure::CountsMoved(differences) => Problem::new(
            Exit::Refused,
            format!(
                "the data moved since the preview ({}); {}",
                differences.join(", "),
                nothing_was("deleted")
            ),
        )
        .hint("run the same command again and look at the new preview"),
        Failure::Unproven(what) => {
            Problem::new(Exit::Unproven, format!("{what}; {}", rolled_back()))
        }
        Failure::Unweighed => {
            Problem::new(Exit::Unproven, "rows would name nobody; everything was rolled back")
        }
        Failure::Disturbed(what) => Problem::new(
            Exit::Unproven,
            format!("{what}, again and again; {}", rolled_back()),
        )
        .hint("something inserts rows while they are being deleted: stop it, or a trigger does"),
        Failure::Archive(error) => {
            Problem::new(Exit::Failed, format!("{error}; {}", nothing_was("deleted")))
                .hint("--archive-dir DIRECTORY keeps it elsewhere, --no-archive keeps nothing")
        }
        Failure::OutcomeUnknown { error, archive } => {
            let kept =
                archive.as_ref().map(|path| format!("; {} holds what was to go", path.display()));
            Problem::new(
                Exit::Unknown,
                format!("the connection died during COMMIT ({error}): the rows may be gone or not"),
            )
            .hint(format!("{} tells which{}", interrupt::tells_outcome(), kept.unwrap_or_default()))
        }
        Failure::Interrupted => of_interruption(interrupt::reason().map_or(INTERRUPTED, Exit::from), &[]),
    }
}

const INTERRUPTED: Exit = Exit::Interrupted(2);

/// What the deadline or a signal means, after what a series has committed already.
pub fn of_interruption(exit: Exit, committed: &[String]) -> Problem {
    let doing = interrupt::done_last().map(|doing| format!(" (last: {doing})")).unwrap_or_default();
    match exit {
        Exit::Busy => {
            let what = format!("the --deadline is over{doing}; {}", rolled_back());
            Problem::new(exit, what)
                .hint("a longer --deadline, or --batch-rows, which keeps what is done")
        }
        Exit::Unknown => {
            Problem::new(exit, "interrupted during COMMIT: the rows may be gone or not")
                .hint(format!("{} tells which", interrupt::tells_outcome()))
        }
        Exit::Partly => {
            let what = "interrupted; what was not committed is rolled back".to_owned();
            let done = committed.iter().map(|done| format!("; already committed: {done}"));
            Problem::new(exit, what + &done.collect::<String>())
                .hint("the same command goes on with what is left")
        }
        exit => Problem::new(exit, format!("interrupted; {}", rolled_back())),
    }
}

fn of_database(error: &database::Error) -> Problem {
    of_fault(error).code(codes::of_fault(error.fault))
}

fn of_fault(error: &database::Error) -> Problem {
    let (exit, hint) = match error.fault {
        Fault::Connect => (Exit::Failed, "check --database-url or DATABASE_URL".to_owned()),
        Fault::Lost => (
            Exit::Failed,
            format!("the connection broke before COMMIT, with which {}", rolled_back()),
        ),
        Fault::Busy if error.message.contains("is locked") => (
            Exit::Busy,
            format!(
                "another process writes to this file (SQLite does not tell which); {}: try again, or with a longer \
                 --lock-timeout",
                nothing_was("changed")
            ),
        ),
        Fault::Busy => (
            Exit::Busy,
            format!(
                "somebody holds a lock; {}: try again, or with a longer --lock-timeout",
                nothing_was("changed")
            ),
        ),
        Fault::Retryable => (
            Exit::Busy,
            format!(
                "others kept getting in the way; {}: try again when it is quieter",
                nothing_was("changed")
            ),
        ),
        Fault::Cancelled => {
            (Exit::Failed, format!("the statement was cancelled; {}", nothing_was("changed")))
        }
        // The server's own limits are set aside for our transactions; what the URL says stays.
        Fault::TimeLimit => (
            Exit::Busy,
            format!(
                "a limit of time was over (PostgreSQL: statement_timeout in the URL's options or PGOPTIONS, MariaDB: \
                 max_statement_time); {}: without it, --deadline bounds the run",
                rolled_back()
            ),
        ),
        Fault::Constraint => {
            (Exit::Failed, format!("a constraint stopped the deletion; {}", rolled_back()))
        }
        Fault::TooLong => (
            Exit::Failed,
            format!("{}; SET GLOBAL max_allowed_packet = 1073741824 lets it pass", rolled_back()),
        ),
        Fault::TooDeep => (
            Exit::Failed,
            format!(
                "{}; SQLite's own cascades end after 1,000 levels: --reference-checks set, without --engine-cascade and \
                 --batch-rows, does not need them",
                rolled_back()
            ),
        ),
        Fault::Mismatch => (
            Exit::Failed,
            format!("{}; orgsweep doctor has the statement that cures it", rolled_back()),
        ),
        Fault::Standby => {
            return Problem::new(
                Exit::Refused,
                "this server is a standby: the rows that are found are kept in temporary tables, which it cannot have",
            )
            .hint("ask the primary; verify, graph, doctor and a plain preview of organizations work here, too");
        }
        Fault::ReadOnly => (
            Exit::Refused,
            format!("the database takes no writes here; {}", nothing_was("changed")),
        ),
        Fault::Permission => (
            Exit::Refused,
            format!(
                "the role lacks a privilege; {}: orgsweep doctor names what is missing",
                nothing_was("changed")
            ),
        ),
        Fault::RowSecurity => (
            Exit::Refused,
            format!(
                "row-level security hides rows from this role: use one with BYPASSRLS; {}",
                nothing_was("changed")
            ),
        ),
        Fault::Value | Fault::Other => return Problem::new(Exit::Failed, error.message.as_str()),
    };
    Problem::new(exit, error.message.as_str()).hint(hint)
}

/// What became of the transaction that failed: one of a series has others behind it, which are committed.
fn rolled_back() -> &'static str {
    if interrupt::has_committed() {
        "what was not committed before is rolled back"
    } else {
        "everything was rolled back"
    }
}

fn nothing_was(changed: &str) -> String {
    let more = if interrupt::has_committed() { "more " } else { "" };
    format!("nothing {more}was {changed}")
}
