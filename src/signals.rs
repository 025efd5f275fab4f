//! SIGINT and SIGTERM: ask the run to stop, cancel the statement that is running, and do not wait
//! for ever. Whatever was not committed is rolled back, by us or by the engine. SIGUSR1: tell where it is.

use crate::{exit, interrupt, ui};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use std::time::{Duration, Instant};

/// How long a run may take to roll back before the process ends without it. A second signal ends
/// it at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches from a thread of its own.
pub fn watch() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGUSR1]) else {
        return;
    };
    let start = Instant::now();
    std::thread::spawn(move || {
        let mut asked = false;
        for signal in signals.forever() {
            if signal == SIGUSR1 {
                let done = interrupt::committed_so_far().len();
                ui::whereabouts(interrupt::done_last(), start.elapsed(), done);
                continue;
            }
            if asked {
                leave();
            }
            asked = true;
            interrupt::request(signal);
            stop();
        }
    });
}

/// Ends the run after so long, as a signal would.
pub fn deadline(after: Duration) {
    interrupt::end_after(after);
    std::thread::spawn(move || {
        std::thread::sleep(after);
        stop();
    });
}

/// Cancels what runs; where that does not help, ends the process.
fn stop() {
    std::thread::spawn(|| {
        std::thread::sleep(PATIENCE);
        leave();
    });
    std::thread::spawn(interrupt::cancel);
}

fn leave() -> ! {
    let (exit, done) = exit::at_once();
    ui::last_words(exit, &done);
    std::process::exit(exit.code().into())
}
