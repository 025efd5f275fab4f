//! SIGINT, SIGTERM and the deadline: a flag that the run looks at between statements, and a cancel
//! request for the statement that is running.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The signal that came; 0 for none.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// When the time that a run may take is over.
static END: OnceLock<Instant> = OnceLock::new();

/// What the run was last seen doing.
static DOING: Mutex<Option<String>> = Mutex::new(None);

/// How to cancel the statement that runs; nothing outside a transaction and during COMMIT.
static CANCEL: Mutex<Option<Cancel>> = Mutex::new(None);

/// What asks a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Signal(i32),
    Deadline,
}

/// Something asked the run to stop: see [`reason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

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

/// Something of a series is committed, whatever becomes of the rest.
pub fn has_committed() -> bool {
    !COMMITTED.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
}

/// What a series has committed so far, for who does not wait for its run to stop.
pub fn committed_so_far() -> Vec<String> {
    COMMITTED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

pub fn is_committing() -> bool {
    COMMITTING.load(Ordering::SeqCst)
}

/// From now on the run may take so long.
pub fn end_after(time: Duration) {
    let _ = END.set(Instant::now() + time);
}

/// `patience`, or what is left until the deadline where that is less.
pub fn at_most(patience: Duration) -> Duration {
    END.get().map_or(patience, |end| {
        // A wait that ends with the deadline ends after it, so that the deadline is what is told.
        let left = end.saturating_duration_since(Instant::now()) + Duration::from_millis(2);
        patience.min(left)
    })
}

/// For who is told that the time is over.
pub fn doing(what: String) {
    *DOING.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
}

pub fn done_last() -> Option<String> {
    DOING.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The command that tells whether the deletion under way was committed, where nobody else can.
static TELLS: Mutex<Option<String>> = Mutex::new(None);

pub fn told_by(command: String) {
    *TELLS.lock().unwrap_or_else(PoisonError::into_inner) = Some(command);
}

pub fn tells_outcome() -> String {
    let command = TELLS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    command.unwrap_or_else(|| "orgsweep verify".into())
}

pub fn request(signal: i32) {
    SIGNAL.store(signal, Ordering::SeqCst);
}

/// What asked us to stop.
pub fn reason() -> Option<Reason> {
    match SIGNAL.load(Ordering::SeqCst) {
        0 => END.get().filter(|end| Instant::now() >= **end).map(|_| Reason::Deadline),
        signal => Some(Reason::Signal(signal)),
    }
}

pub fn requested() -> bool {
    reason().is_some()
}

/// # Errors
/// Once something asks to stop.
pub fn check() -> Result<(), Interrupted> {
    if requested() { Err(Interrupted) } else { Ok(()) }
}

/// Sleeps so long, unless something asks to stop.
///
/// # Errors
/// Something does.
pub fn sleep(long: Duration) -> Result<(), Interrupted> {
    const LOOK: Duration = Duration::from_millis(100);
    let until = Instant::now() + long;
    loop {
        check()?;
        match until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => return Ok(()),
            left => std::thread::sleep(left.min(LOOK)),
        }
    }
}
