//! What is said beside a result: how much of it, and one JSON object a line where a machine reads it.

use crate::label::visible_json;
use crate::settings::Colour;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::sync::{LazyLock, Mutex, PoisonError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The gravest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    Error,
    Warning,
    /// What is found and done, too
    #[default]
    Info,
}

impl LogLevel {
    fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warning => "warning",
            LogLevel::Info => "info",
        }
    }
}

/// How much is said beside the result, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogOptions {
    /// What is said is one JSON object a line.
    pub log_json: bool,
    /// What is less grave is not said.
    pub level: LogLevel,
    /// Nothing is said but why it ended, where it did not end well.
    pub quiet: bool,
    pub colour: Colour,
}

impl LogOptions {
    pub fn says(&self, level: LogLevel) -> bool {
        !self.quiet && level <= self.level
    }
}

/// What all of a process's lines say, whoever writes them: for who ends it from another thread, or before it has begun.
static SPOKEN: Mutex<Spoken> = Mutex::new(Spoken {
    json: false,
    options: LogOptions {
        log_json: false,
        level: LogLevel::Info,
        quiet: false,
        colour: Colour::Auto,
    },
    organization: None,
});

struct Spoken {
    /// Results are JSON.
    json: bool,
    options: LogOptions,
    /// The one that a series is at.
    organization: Option<String>,
}

/// Tells the lines of one run from those of another.
static RUN: LazyLock<String> = LazyLock::new(|| {
    let began = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    format!("{began:x}-{:x}", std::process::id())
});

pub fn set_output(json: bool, options: LogOptions) {
    let mut spoken = SPOKEN.lock().unwrap_or_else(PoisonError::into_inner);
    (spoken.json, spoken.options) = (json, options);
}

/// Which organization of a series the lines that follow are about.
pub fn set_organization(title: Option<String>) {
    SPOKEN.lock().unwrap_or_else(PoisonError::into_inner).organization = title;
}

pub fn output() -> (bool, LogOptions) {
    let spoken = SPOKEN.lock().unwrap_or_else(PoisonError::into_inner);
    (spoken.json, spoken.options)
}

/// One object, one line, whatever the level: whoever says it knows whether it is asked for.
pub fn log(level: LogLevel, event: &str, fields: Value) {
    let organization = SPOKEN.lock().unwrap_or_else(PoisonError::into_inner).organization.clone();
    let time = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
    let mut line = json!({ "time": time, "run": *RUN, "level": level.as_str(), "event": event });
    if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
        line.extend(organization.map(|it| ("organization".into(), it.into())));
        line.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
    }
    super::eprint(&visible_json(&line.to_string()));
}
