//! SIGINT, SIGTERM and the deadline: a flag that the run looks at between statements, and a cancel
//! request for the statement that is running.

use crate::execute::Failure;
use crate::exit::Exit;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

/// The signal that came; [`DEADLINE`] for none but the end of the time.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

const DEADLINE: i32 = -1;

/// How to cancel the statement that runs; nothing outside a transaction and during COMMIT.
static CANCEL: Mutex<Option<Cancel>> = Mutex::new(None);

pub type Cancel = Box<dyn Fn() + Send>;

/// Tells how to cancel from now on.
pub fn cancel_by(cancel: Option<Cancel>) {
    *CANCEL.lock().unwrap_or_else(PoisonError::into_inner) = cancel;
}

/// Cancels the statement that runs, if there is a way.
pub fn cancel() {
    if let Some(cancel) = &*CANCEL.lock().unwrap_or_else(PoisonError::into_inner) {
        cancel();
    }
}

/// COMMIT was sent: from then on nobody can say "rolled back".
static COMMITTING: AtomicBool = AtomicBool::new(false);

pub fn committing(yes: bool) {
    COMMITTING.store(yes, Ordering::SeqCst);
}

/// What a series has committed already.
static COMMITTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// One of a series is done.
pub fn committed(what: String) {
    COMMITTED.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

/// How a process ends that does not wait for its run to stop, and what it has done by then.
pub fn exit() -> (Exit, Vec<String>) {
    let done = COMMITTED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let exit = match COMMITTING.load(Ordering::SeqCst) {
        true => Exit::Unknown,
        false if !done.is_empty() => Exit::Partly,
        false => reason().unwrap_or(Exit::Failed),
    };
    (exit, done)
}

/// The time that a run may take is over.
pub fn expire() {
    // A signal that came before has the last word.
    let _ = SIGNAL.compare_exchange(0, DEADLINE, Ordering::SeqCst, Ordering::SeqCst);
}

pub fn request(signal: i32) {
    SIGNAL.store(signal, Ordering::SeqCst);
}

/// What asked us to stop, as the exit code that it means.
pub fn reason() -> Option<Exit> {
    match SIGNAL.load(Ordering::SeqCst) {
        0 => None,
        DEADLINE => Some(Exit::Busy),
        signal => Some(Exit::Interrupted(signal)),
    }
}

pub fn requested() -> bool {
    reason().is_some()
}

/// # Errors
/// [`Failure::Interrupted`] once a signal has come, or the deadline.
pub fn check() -> Result<(), Failure> {
    if requested() { Err(Failure::Interrupted) } else { Ok(()) }
}
