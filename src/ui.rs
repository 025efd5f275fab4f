//! The only printer: results to stdout, everything else to stderr, as text or as JSON lines; the only
//! reader of the terminal.
//!
//! Names and texts of a database, of an archive or of the command line reach no terminal raw. Renderings
//! put them on one line each (`render::table`, `label::printable`); what is said here is one line, unless it
//! comes as several; and whatever is printed has its hidden characters escaped, JSON with its own escapes.

mod log;
mod paint;
mod terminal;

use crate::exit::{self, Exit, Problem};
use crate::interrupt;
use crate::label::{printable, visible, visible_json};
use crate::render::{counted, grouped};
use crate::settings::Settings;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use log::{log, output};
use serde_json::json;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;
use terminal::{Answer, Terminal};

pub use log::{LogLevel, LogOptions, set_organization, set_output};

/// The event of a JSON log's last line.
const ENDED: &str = "ended";

pub struct Ui {
    /// Columns of the terminal, or of whoever set `COLUMNS`.
    pub width: u16,
    /// Nobody is there, whatever terminals there are.
    unattended: bool,
    /// Results and errors are JSON.
    pub json: bool,
    log_options: LogOptions,
    bar: Option<Bar>,
    /// What the rest is about, as long as `--quiet` has nothing to say of it.
    unsaid: Option<String>,
    /// Why a result was not written.
    unwritten: Option<io::Error>,
}

/// Something that goes on.
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// A stable name, for logs.
    pub name: &'static str,
    pub message: String,
    pub table: Option<String>,
    /// Rows of this step so far.
    pub rows: Option<u64>,
    /// Rows of the whole work, where that is known; then `rows` are those that this event adds.
    pub of: Option<u64>,
}

/// The line that replaces itself.
struct Bar {
    bar: ProgressBar,
    /// Of how many, where that is known.
    of: Option<u64>,
}

impl Ui {
    pub fn new(settings: &Settings) -> Ui {
        // A file or a pipe is as wide as what is written to it.
        const ENDLESS: u16 = u16::MAX;
        let terminal = terminal_width().filter(|_| io::stdout().is_terminal());
        let width = settings.columns.or(terminal).unwrap_or(ENDLESS).max(NARROWEST);
        let (json, log_options) = output();
        let unattended = settings.unattended;
        Ui { width, unattended, json, log_options, bar: None, unsaid: None, unwritten: None }
    }

    /// A person may be there to ask.
    pub fn is_interactive(&self) -> bool {
        self.terminal().is_some()
    }

    fn terminal(&self) -> Option<Terminal> {
        if self.unattended { None } else { Terminal::find() }
    }

    /// Somebody reads what is said beside the result: not where all output is one JSON document.
    pub fn is_heard(&self) -> bool {
        self.log_options.log_json || !self.json
    }

    /// A result as whoever reads it may see it.
    pub fn shown(&self, text: &str) -> String {
        if self.json { visible_json(text) } else { visible(text) }
    }

    /// Writes a result. A reader that has gone away is no error: `orgsweep preview | head` is fine,
    /// and a committed deletion stays a success. Any other failure is told at the end ([`Ui::ended`]).
    pub fn result(&mut self, text: &str) {
        self.clear();
        let shown = self.shown(text);
        let written = print(&match self.json {
            true => shown,
            false => self.painted(shown, io::stdout().is_terminal()),
        });
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.unwritten = Some(error);
        }
    }

    /// Says that the command has ended, to whoever reads the log. A result that was not written is a failure, unless
    /// it tells of what is done already.
    pub fn ended(&mut self, exit: Exit) -> Exit {
        if let Some(error) = self.unwritten.take() {
            let problem =
                Problem::new(Exit::Failed, format!("the result was not written: {error}"));
            if exit == Exit::Done && !interrupt::is_committing() {
                self.problem(&problem);
                return problem.exit;
            }
            self.warn(&problem.to_string());
        }
        if self.log_options.log_json {
            let well = matches!(exit, Exit::Done | Exit::Something);
            let level = if well { LogLevel::Info } else { LogLevel::Error };
            let code = exit.code();
            log(level, ENDED, json!({ "message": format!("exit {code}"), "exit": code }));
        }
        exit
    }

    /// Writes what a command did: `--quiet` leaves out what went well, unless it is JSON.
    pub fn report(&mut self, text: &str, exit: Exit) {
        if !self.log_options.quiet || self.json || exit != Exit::Done {
            self.introduce();
            self.result(text);
        }
    }

    /// Colours where they are wanted.
    fn painted(&self, text: String, terminal: bool) -> String {
        if self.log_options.colour.paints(terminal) { paint::painted(&text) } else { text }
    }

    /// Says what the rest is about, on one line.
    pub fn heading(&mut self, text: &str) {
        let shown = printable(text);
        let painted = self.log_options.colour.paints(io::stderr().is_terminal());
        if !self.log_options.says(LogLevel::Info) {
            self.unsaid = Some(shown);
        } else {
            self.say(LogLevel::Info, text, &if painted { paint::strong(&shown) } else { shown });
        }
    }

    /// A mail that says that something went wrong says where, too.
    fn introduce(&mut self) {
        if let Some(heading) = self.unsaid.take()
            && !self.json
            && !self.log_options.log_json
        {
            eprint(&heading);
        }
    }

    /// Says something beside the result, on one line.
    pub fn note(&mut self, text: &str) {
        self.say(LogLevel::Info, text, &printable(text));
    }

    /// Says what takes several lines.
    pub fn note_lines(&mut self, lines: &[String]) {
        let shown: Vec<String> = lines.iter().map(|line| printable(line)).collect();
        self.say(LogLevel::Info, &lines.join("\n"), &shown.join("\n"));
    }

    /// Shows a rendering beside the result.
    pub fn show_beside(&mut self, text: &str) {
        self.say(LogLevel::Info, text, &visible(text));
    }

    /// Says what somebody should look at, on one line.
    pub fn warn(&mut self, text: &str) {
        self.say(LogLevel::Warning, text, &format!("warning: {}", printable(text)));
    }

    fn say(&mut self, level: LogLevel, message: &str, shown: &str) {
        if !self.log_options.says(level) {
            return;
        }
        self.clear();
        if self.log_options.log_json {
            log(level, "note", json!({ "message": message }))
        } else {
            eprint(&self.painted(shown.to_owned(), io::stderr().is_terminal()))
        }
    }

    /// Why the command did not end well.
    pub fn problem(&mut self, problem: &Problem) {
        self.clear();
        self.introduce();
        tell(problem, self.json, self.log_options);
    }

    /// Shows what is to be confirmed: on the terminal, too, where the streams go elsewhere. Where stdout carries
    /// JSON, beside it.
    pub fn show(&mut self, render: impl Fn(u16) -> String) {
        let text = render(self.width);
        if self.json {
            self.show_beside(&text)
        } else {
            self.result(&text)
        }
        let seen = if self.json {
            io::stderr().is_terminal() && !self.log_options.quiet && !self.log_options.log_json
        } else {
            io::stdout().is_terminal()
        };
        if let Some(mut terminal) = self.terminal().filter(|_| !seen) {
            // It is as wide as it is, whatever the streams are.
            let width = terminal_width().unwrap_or(self.width).max(NARROWEST);
            terminal.print(&self.painted(visible(&render(width)), true));
        }
    }

    /// Asks the person to type `expected`, for at most so long; `danger` says what then is done.
    ///
    /// # Errors
    /// [`Exit::NotConfirmed`] for any other answer, or for none; a signal or the deadline ends it at once.
    pub fn confirm(
        &mut self,
        danger: &str,
        question: &str,
        expected: &str,
        patience: Duration,
    ) -> Result<(), Problem> {
        self.clear();
        let danger = printable(danger);
        let painted = self.log_options.colour.paints(true);
        let danger = if painted { paint::danger(&danger) } else { danger };
        let question = format!("{danger}\n{}", printable(question));
        let answer = match self.terminal() {
            Some(mut terminal) => terminal.ask(&question, patience),
            None => Answer::None,
        };
        let why = match answer {
            Answer::Line(line) if line.trim() == expected => return Ok(()),
            Answer::Late => {
                let patience = humantime::format_duration(patience);
                return Err(Problem::new(
                    Exit::NotConfirmed,
                    format!("nobody answered within {patience}; nothing was changed"),
                )
                .hint("--confirm-timeout DURATION waits longer, --yes does not ask"));
            }
            Answer::Line(_) | Answer::None => Exit::NotConfirmed,
            Answer::Interrupted => interrupt::reason().map_or(Exit::NotConfirmed, Exit::from),
        };
        let what = match why {
            Exit::NotConfirmed => "not confirmed",
            Exit::Busy => "the --deadline is over",
            _ => "interrupted",
        };
        Err(Problem::new(why, format!("{what}; nothing was changed")))
    }

    /// Shows what is going on, on a terminal only, in one line that replaces itself.
    pub fn progress(&mut self, message: String) {
        self.event(Event { name: "progress", message, ..Event::default() });
    }

    /// Logs what goes on; on a terminal shows it, with rows, rate and time.
    pub fn event(&mut self, event: Event) {
        if !self.log_options.says(LogLevel::Info) {
            return;
        }
        if self.log_options.log_json {
            let Event { name, message, table, rows, of } = event;
            let fields = json!({ "message": message, "table": table, "rows": rows, "of": of });
            return log(LogLevel::Info, name, fields);
        }
        if !io::stderr().is_terminal() {
            return;
        }
        if self.bar.as_ref().is_none_or(|bar| bar.of != event.of) {
            self.clear();
        }
        let Bar { bar, of } = self.bar.get_or_insert_with(|| Bar::new(event.of));
        match (event.rows, *of) {
            (Some(rows), Some(_)) => bar.inc(rows),
            (Some(rows), None) => {
                // The next table begins anew.
                if rows < bar.position() {
                    bar.reset_eta();
                }
                bar.set_style(style(COUNTER));
                bar.set_position(rows);
            }
            (None, None) => bar.set_style(style(SPINNER)),
            (None, Some(_)) => {}
        }
        bar.set_message(printable(&event.message));
    }

    /// Takes the progress line away before anything else is printed.
    fn clear(&mut self) {
        if let Some(Bar { bar, .. }) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

const NARROWEST: u16 = 20;

fn terminal_width() -> Option<u16> {
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

/// Of so many rows.
const BAR: &str =
    "{bar:24} {human_pos} of {human_len} rows, {rate}, {elapsed}, {eta} left {wide_msg}";
/// Rows of nobody knows how many.
const COUNTER: &str = "{spinner} {msg}, {rate}, {elapsed}";
/// Something without rows.
const SPINNER: &str = "{spinner} {msg} {elapsed}";

impl Bar {
    fn new(of: Option<u64>) -> Bar {
        let bar = match of {
            Some(of) => ProgressBar::new(of).with_style(style(BAR)),
            None => ProgressBar::new_spinner().with_style(style(SPINNER)),
        };
        bar.enable_steady_tick(Duration::from_millis(120));
        Bar { bar, of }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.with_key("rate", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        let _ = write!(text, "{} rows/s", grouped(state.per_sec() as u64));
    })
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    stdout.flush()
}

fn eprint(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn tell(problem: &Problem, json: bool, log_options: LogOptions) {
    let Problem { exit, code, message, more, hint } = problem;
    let whole = problem.to_string();
    if log_options.log_json {
        let fields = json!({ "message": whole, "hint": hint, "code": code, "exit": exit.code() });
        log(LogLevel::Error, ENDED, fields);
    }
    if json {
        let error = json!({
            "format": 1,
            "outcome": "error",
            "code": code,
            "exit": exit.code(),
            "error": whole,
            "hint": hint,
        });
        let _ = print(&visible_json(&error.to_string()));
    } else if !log_options.log_json {
        let lines = std::iter::once(message).chain(more);
        let lines: Vec<String> = lines.map(|line| printable(line)).collect();
        let mut text = format!("error: {}", lines.join("\n"));
        if let Some(hint) = hint {
            text += &format!("\nhint: {}", printable(hint));
        }
        let painted = log_options.colour.paints(io::stderr().is_terminal());
        eprint(&if painted { paint::painted(&text) } else { text });
    }
}

/// A command line that makes no sense, in clap's words; or the help that was asked for.
pub fn usage(error: &clap::Error) {
    let (json, log_options) = output();
    let text = error.render().to_string();
    if log_options.log_json {
        log(LogLevel::Error, ENDED, json!({ "message": text.trim(), "exit": Exit::Usage.code() }));
    }
    if json {
        let document = json!({
            "format": 1, "outcome": "error", "code": "usage", "exit": Exit::Usage.code(), "error": text.trim(), "hint": null,
        });
        let _ = print(&visible_json(&document.to_string()));
    } else if !log_options.log_json && visible(&text) == text {
        let _ = error.print();
    } else if !log_options.log_json {
        eprint(visible(&text).trim_end());
    }
}

/// Why the process does not end well.
pub fn problem(problem: &Problem) {
    let (json, log_options) = output();
    tell(problem, json, log_options);
}

/// What a run is doing, for who asks it from outside: how long it has run, how much of a series is committed.
pub fn whereabouts(doing: Option<String>, running: Duration, committed: usize) {
    let doing = doing.unwrap_or_else(|| "nothing in the database yet".into());
    let seconds = running.as_secs();
    if output().1.log_json {
        let fields = json!({ "message": doing, "seconds": seconds, "committed": committed });
        return log(LogLevel::Info, "status", fields);
    }
    let running = humantime::format_duration(Duration::from_secs(seconds));
    let committed = match committed {
        0 => "nothing is committed".into(),
        some => format!("{} committed", counted(some as u64, "transaction")),
    };
    eprint(&format!("{}; running for {running}; {committed}", printable(&doing)));
}

/// Where in the program something went wrong.
pub fn trace(text: &str) {
    if output().1.log_json {
        log(LogLevel::Error, "trace", json!({ "message": text }))
    } else {
        eprint(text)
    }
}

/// Why a process ends that does not wait for its run, and what it has done nevertheless.
pub fn last_words(exit: Exit, committed: &[String]) {
    problem(&exit::of_interruption(exit, committed));
}
