//! The only printer: results to stdout, everything else to stderr; the only reader of stdin and of
//! the terminal.

use crate::exit::{Exit, Problem};
use crate::settings::Settings;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

pub struct Ui {
    /// Columns of the terminal, or of whoever set `COLUMNS`.
    pub width: u16,
    interactive: bool,
    /// Results and errors are JSON.
    pub json: bool,
    spinner: Option<ProgressBar>,
}

impl Ui {
    pub fn new(settings: &Settings, json: bool) -> Ui {
        const UNKNOWN: u16 = 100;
        let terminal = terminal_size::terminal_size().map(|(width, _)| width.0);
        let stdout = io::stdout().is_terminal();
        let width = settings.columns.or(terminal.filter(|_| stdout)).unwrap_or(UNKNOWN).max(20);
        let interactive = io::stdin().is_terminal() && io::stderr().is_terminal();
        Ui { width, interactive, json, spinner: None }
    }

    /// A person sits at the other end.
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Writes a result. A reader that has gone away is no error: `orgsweep preview | head` is fine,
    /// and a committed deletion stays a success.
    pub fn result(&mut self, text: &str) {
        self.clear();
        let mut stdout = io::stdout().lock();
        let _ = stdout
            .write_all(text.as_bytes())
            .and_then(|()| if text.ends_with('\n') { Ok(()) } else { stdout.write_all(b"\n") });
        let _ = stdout.flush();
    }

    /// Says something beside the result.
    pub fn note(&mut self, text: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "{text}");
    }

    pub fn problem(&mut self, problem: &Problem) {
        if self.json {
            let error = serde_json::json!({
                "format": 1,
                "outcome": "error",
                "exit": problem.exit.code(),
                "error": problem.message,
                "hint": problem.hint,
            });
            self.result(&error.to_string());
            return;
        }
        self.note(&format!("error: {}", problem.message));
        if let Some(hint) = &problem.hint {
            self.note(&format!("hint: {hint}"));
        }
    }

    /// Asks the person to type `expected`.
    ///
    /// # Errors
    /// [`Exit::NotConfirmed`] for any other answer, or for none.
    pub fn confirm(&mut self, question: &str, expected: &str) -> Result<(), Problem> {
        self.clear();
        let _ = write!(io::stderr(), "{question}\n> ");
        let _ = io::stderr().flush();
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        match read {
            Ok(_) if answer.trim() == expected => Ok(()),
            _ => Err(Problem::new(Exit::NotConfirmed, "not confirmed; nothing was deleted")),
        }
    }

    /// Shows what is going on, on a terminal only, in one line that replaces itself.
    pub fn progress(&mut self, message: String) {
        if !io::stderr().is_terminal() {
            return;
        }
        let spinner = self.spinner.get_or_insert_with(|| {
            let spinner = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(120));
            spinner
        });
        spinner.set_message(message);
    }

    /// Takes the progress line away before anything else is printed.
    fn clear(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}

/// What a process that ends without its report has done nevertheless.
pub fn last_words(done: &[String]) {
    let mut stderr = io::stderr();
    for what in done {
        let _ = writeln!(stderr, "interrupted; already committed: {what}");
    }
}
