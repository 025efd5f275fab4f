//! SIGINT and SIGTERM: a flag that the run looks at between statements, and a cancel request for
//! the statement that is running.

use crate::execute::Failure;
use std::sync::atomic::{AtomicI32, Ordering};

static SIGNAL: AtomicI32 = AtomicI32::new(0);

pub fn request(signal: i32) {
    SIGNAL.store(signal, Ordering::SeqCst);
}

/// The signal that asked us to stop.
pub fn signal() -> Option<i32> {
    match SIGNAL.load(Ordering::SeqCst) {
        0 => None,
        signal => Some(signal),
    }
}

pub fn requested() -> bool {
    signal().is_some()
}

/// # Errors
/// [`Failure::Interrupted`] once a signal has come.
pub fn check() -> Result<(), Failure> {
    if requested() { Err(Failure::Interrupted) } else { Ok(()) }
}
