//! `orgsweep wait`

use crate::cli::Wait;
use crate::database::{self, Database, Target};
use crate::execute::Failure;
use crate::exit::{Exit, Problem};
use crate::interrupt;
use crate::ui::Ui;
use anyhow::Result;
use std::time::{Duration, Instant};

/// # Errors
/// [`Exit::Busy`] when the time is over, with what the last attempt met; a signal.
pub fn run(target: &Target, args: &Wait, ui: &mut Ui) -> Result<Exit> {
    const LOOK: Duration = Duration::from_millis(500);
    let start = Instant::now();
    loop {
        let Err(error) = answers(target) else {
            ui.report(&format!("{} answers", target.redacted()), Exit::Done);
            return Ok(Exit::Done);
        };
        let left = args.timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            let timeout = humantime::format_duration(args.timeout);
            let what = format!("no answer within {timeout}: {error}");
            return Err(Problem::new(Exit::Busy, what)
                .hint("--timeout DURATION waits longer")
                .into());
        }
        ui.progress(format!("waiting: {error}"));
        interrupt::sleep(LOOK.min(left)).map_err(Failure::from)?;
    }
}

/// A server can take a connection before it takes statements.
fn answers(target: &Target) -> database::Result<()> {
    let mut database = Database::connect(target, false)?;
    database.query(&"SELECT 1".into()).map(drop)
}
