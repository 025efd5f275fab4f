//! How a run ends: one code per meaning, and one place that gives every error its code.

use crate::database::{self, Fault};
use crate::execute::Failure;
use crate::interrupt;
use std::fmt;

/// The exit codes, as documented in the README. Stable.
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
    /// A lock was not granted in time; rolled back.
    Busy,
    /// A proof failed before COMMIT; rolled back.
    Unproven,
    /// The connection died during COMMIT.
    Unknown,
    /// Some organizations are committed, others not.
    Partly,
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
            Exit::Bug => 70,
            Exit::Interrupted(signal) => 128 + signal as u8,
        }
    }
}

/// An error that knows its exit code and what to try next.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub exit: Exit,
    pub message: String,
    pub hint: Option<String>,
}

impl Problem {
    pub fn new(exit: Exit, message: impl Into<String>) -> Problem {
        Problem { exit, message: message.into(), hint: None }
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
        f.write_str(&self.message)
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
    match failure {
        Failure::Database(error) => of_database(error),
        Failure::BadKey(message) => {
            Problem::usage(message.as_str()).hint("a key takes a value of its column's own type")
        }
        Failure::SchemaMoved => Problem::new(
            Exit::Refused,
            "the schema changed while the deletion was being prepared; nothing was changed",
        )
        .hint("run the same command again"),
        Failure::CountsMoved(differences) => Problem::new(
            Exit::Refused,
            format!(
                "the data moved since the preview ({}); nothing was deleted",
                differences.join(", ")
            ),
        )
        .hint("run the same command again and look at the new preview"),
        Failure::Unproven(what) => {
            Problem::new(Exit::Unproven, format!("{what}; everything was rolled back"))
        }
        Failure::Disturbed(what) => Problem::new(
            Exit::Unproven,
            format!("{what}, again and again; everything was rolled back"),
        )
        .hint("something inserts rows while they are being deleted: stop it, or a trigger does"),
        Failure::Archive(error) => {
            Problem::new(Exit::Failed, format!("{error}; nothing was deleted"))
                .hint("--archive-dir DIRECTORY keeps it elsewhere, --no-archive keeps nothing")
        }
        Failure::OutcomeUnknown { error, archive } => {
            let kept =
                archive.as_ref().map(|path| format!("; {} holds what was to go", path.display()));
            Problem::new(
                Exit::Unknown,
                format!("the connection died during COMMIT ({error}): the rows may be gone or not"),
            )
            .hint("orgsweep verify --org-id KEY tells which".to_owned() + &kept.unwrap_or_default())
        }
        Failure::Interrupted => of_interruption(interrupt::reason().unwrap_or(INTERRUPTED), &[]),
    }
}

const INTERRUPTED: Exit = Exit::Interrupted(2);

/// What the deadline or a signal means, after what a series has committed already.
pub fn of_interruption(exit: Exit, committed: &[String]) -> Problem {
    let doing = interrupt::done_last().map(|doing| format!(" (last: {doing})")).unwrap_or_default();
    match exit {
        Exit::Busy => {
            let what = format!("the --deadline is over{doing}; everything was rolled back");
            Problem::new(exit, what)
                .hint("a longer --deadline, or --batch-rows, which keeps what is done")
        }
        Exit::Unknown => {
            Problem::new(exit, "interrupted during COMMIT: the rows may be gone or not")
                .hint("orgsweep verify --org-id KEY tells which")
        }
        Exit::Partly => {
            let what = "interrupted; what was not committed is rolled back".to_owned();
            let done = committed.iter().map(|done| format!("; already committed: {done}"));
            Problem::new(exit, what + &done.collect::<String>())
                .hint("the same command goes on with what is left")
        }
        exit => Problem::new(exit, "interrupted; everything was rolled back"),
    }
}

fn of_database(error: &database::Error) -> Problem {
    let problem = |exit, hint: Option<&str>| Problem {
        exit,
        message: error.message.clone(),
        hint: hint.map(str::to_owned),
    };
    match error.fault {
        Fault::Connect => problem(Exit::Failed, Some("check --database-url or DATABASE_URL")),
        Fault::Lost => problem(
            Exit::Failed,
            Some("the connection broke before COMMIT, so the database rolled everything back"),
        ),
        Fault::Busy if error.message.contains("is locked") => problem(
            Exit::Busy,
            Some(
                "another process writes to this file (SQLite does not tell which); nothing was changed: try again, or with a longer --lock-timeout",
            ),
        ),
        Fault::Busy => problem(
            Exit::Busy,
            Some(
                "somebody holds a lock; nothing was changed: try again, or with a longer --lock-timeout",
            ),
        ),
        Fault::Retryable => problem(
            Exit::Busy,
            Some(
                "others kept getting in the way; nothing was changed: try again when it is quieter",
            ),
        ),
        Fault::Cancelled => {
            problem(Exit::Failed, Some("the statement was cancelled; nothing was changed"))
        }
        Fault::TimeLimit => problem(
            Exit::Busy,
            Some(
                "the server lets this role's statements run no longer (PostgreSQL: statement_timeout, MariaDB: \
                 max_statement_time); everything was rolled back: ALTER ROLE … SET statement_timeout = 0, or ALTER USER … \
                 WITH MAX_STATEMENT_TIME 0; --deadline limits a run instead",
            ),
        ),
        Fault::Constraint => problem(
            Exit::Failed,
            Some("a constraint stopped the deletion; everything was rolled back"),
        ),
        Fault::TooLong => problem(
            Exit::Failed,
            Some("everything was rolled back; SET GLOBAL max_allowed_packet = 1073741824 lets it pass"),
        ),
        Fault::Mismatch => problem(
            Exit::Failed,
            Some("everything was rolled back; orgsweep doctor has the statement that cures it"),
        ),
        Fault::Standby => Problem::new(
            Exit::Refused,
            "this server is a standby: the rows that are found are kept in temporary tables, which it cannot have",
        )
        .hint("ask the primary; verify, graph, doctor and a plain preview of organizations work here, too"),
        Fault::ReadOnly => {
            problem(Exit::Refused, Some("the database takes no writes here; nothing was changed"))
        }
        Fault::Permission => problem(
            Exit::Refused,
            Some(
                "the role lacks a privilege; nothing was changed: orgsweep doctor names what is missing",
            ),
        ),
        Fault::RowSecurity => problem(
            Exit::Refused,
            Some(
                "row-level security hides rows from this role: use one with BYPASSRLS; nothing was changed",
            ),
        ),
        Fault::Value | Fault::Other => problem(Exit::Failed, None),
    }
}
