//! A panic is a bug of ours: exit 70, told like any other error. What was not committed is rolled back, by the
//! connection's end.

use crate::exit::{Exit, Problem};
use anyhow::Result;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, PoisonError};
use std::{process, thread};

/// Where it went wrong, and what was said there.
static WHERE: Mutex<Option<String>> = Mutex::new(None);

/// From now on a panic is remembered instead of printed. One of a thread beside the run ends the process: nobody
/// waits for it.
pub fn watch() {
    let run = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        *WHERE.lock().unwrap_or_else(PoisonError::into_inner) = Some(words(info));
        // As the variable RUST_BACKTRACE says.
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            crate::ui::trace(&trace.to_string());
        }
        if thread::current().id() != run {
            crate::ui::problem(&problem());
            process::exit(Exit::Bug.code().into());
        }
    }));
}

/// Runs `work`; a panic drops what it held, the connection included.
///
/// # Errors
/// Those of `work`, and [`Exit::Bug`].
pub fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(problem().into()))
}

fn words(info: &PanicHookInfo) -> String {
    let said = info.payload();
    let message = said.downcast_ref::<&str>().copied();
    let message = message.or_else(|| said.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
    message.unwrap_or("it is not said what").replace('\n', " ") + &place.unwrap_or_default()
}

fn problem() -> Problem {
    let place = WHERE.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let place = place.map(|place| format!(": {place}")).unwrap_or_default();
    let what = format!("orgsweep has a bug{place}; what was not committed is rolled back");
    Problem::new(Exit::Bug, what)
        .hint("please report it, with the command and the tables concerned")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::diagnose;

    #[test]
    fn a_panic_becomes_an_error_and_drops_what_it_held() {
        struct Held<'a>(&'a mut bool);
        impl Drop for Held<'_> {
            fn drop(&mut self) {
                *self.0 = true;
            }
        }
        let mut dropped = false;
        let held = Held(&mut dropped);
        let ended: Result<()> = caught(move || {
            let _held = held;
            panic!("a count of {}", "nothing")
        });
        let problem = diagnose(&ended.expect_err("a bug"));
        assert_eq!(problem.exit, Exit::Bug);
        assert!(problem.message.starts_with("orgsweep has a bug"), "{}", problem.message);
        assert!(dropped);
    }
}
