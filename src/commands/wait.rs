//! `orgsweep wait`

use crate::cli::Wait;
use crate::database::{self, Database, Target};
use crate::execute::Failure;
use crate::exit::{Exit, Problem};
use crate::interrupt;
use crate::ui::Ui;
use anyhow::Result;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// # Errors
/// [`Exit::Busy`] when the time is over, with what the last attempt met; a signal.
pub fn run(target: &Target, args: &Wait, ui: &mut Ui) -> Result<Exit> {
    const LOOK: Duration = Duration::from_millis(500);
    let start = Instant::now();
    let mut last = String::new();
    loop {
        let left = args.timeout.saturating_sub(start.elapsed());
        match answers_within(target, left)? {
            Some(Ok(())) => {
                ui.report(&format!("{} answers", target.redacted()), Exit::Done);
                return Ok(Exit::Done);
            }
            Some(Err(error)) => last = format!(": {error}"),
            None => {}
        }
        let left = args.timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            let timeout = humantime::format_duration(args.timeout);
            return Err(Problem::new(Exit::Busy, format!("no answer within {timeout}{last}"))
                .hint("--timeout DURATION waits longer")
                .into());
        }
        ui.progress(format!("waiting{last}"));
        interrupt::sleep(LOOK.min(left)).map_err(Failure::from)?;
    }
}

/// One attempt, on a thread of its own: a server may take the connection and say nothing, and no driver waits for less
/// than seconds. `None`: it was still at it when the time was over.
fn answers_within(target: &Target, left: Duration) -> Result<Option<database::Result<()>>> {
    const LOOK: Duration = Duration::from_millis(100);
    let (says, heard) = mpsc::channel();
    let target = target.clone();
    // Nobody may be listening any more.
    std::thread::spawn(move || says.send(answers(&target)).ok());
    let until = Instant::now() + left;
    loop {
        interrupt::check().map_err(Failure::from)?;
        let left = until.saturating_duration_since(Instant::now());
        match heard.recv_timeout(left.min(LOOK)) {
            Ok(answer) => return Ok(Some(answer)),
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
            Err(_) => return Ok(None),
        }
    }
}

/// A server can take a connection before it takes statements.
fn answers(target: &Target) -> database::Result<()> {
    let mut database = Database::connect(target, false)?;
    database.query(&"SELECT 1".into()).map(drop)
}
