//! Commands about what was planned and what was done.

use super::durations::duration;
use super::{ArchiveDir, PlainFormat};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PageFormat {
    Table,
    Json,
    /// One self-contained page, to be attached, printed or filed
    Html,
}

/// Where a result goes.
#[derive(Debug, Clone, Default, Args)]
pub struct OutputArgs {
    /// Write the result to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum PlanCommand {
    /// Tell what a plan that preview --save-plan wrote would do; asks no database
    #[command(after_help = "\
Examples:
  orgsweep plan show x.json
  orgsweep plan show x.json --format html --output plan.html    # for whoever approves it")]
    Show {
        /// The plan
        plan: PathBuf,

        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: PageFormat,

        #[command(flatten)]
        output: OutputArgs,
    },
}

/// Tell what was deleted and restored, by whom, and how it ended.
///
/// From the receipts that runs leave in the archive directory; they are kept for 400 days. Each carries the digest of
/// the one before.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep history --since 30d --organization 'Apex Innovations Inc.'
  orgsweep history show latest --format html --output record.html    # the record of an erasure
  orgsweep history --verify                                          # is each receipt as it was?")]
pub struct History {
    #[command(subcommand)]
    pub command: Option<HistoryCommand>,

    #[command(flatten)]
    pub archives: ArchiveDir,

    /// Of the latest runs only so many
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub last: usize,

    /// Only runs on databases whose URL has this in it
    #[arg(long, value_name = "TEXT")]
    pub database: Option<String>,

    /// Only runs since then: 30d, 12h, 2026-11-01, 2026-11-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<OffsetDateTime>,

    /// Only runs that were about this organization: its name or its key
    #[arg(long, value_name = "NAME")]
    pub organization: Option<String>,

    /// Find out whether a receipt was removed, changed or put between (exit 3)
    ///
    /// Whoever can write to the directory can make all receipts anew. That only a digest shows that was kept
    /// elsewhere: see --head.
    #[arg(long, conflicts_with_all = ["last", "database", "since", "organization"])]
    pub verify: bool,

    /// A receipt's digest that was kept elsewhere, as a clean has told it: it must be among these
    #[arg(long, value_name = "SHA256", requires = "verify")]
    pub head: Option<String>,

    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PlainFormat,
}

#[derive(Debug, Clone, Subcommand)]
pub enum HistoryCommand {
    /// Tell all of one run
    Show {
        /// latest, or the run's name in the list; the end of its receipt's name will do
        run: String,

        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: PageFormat,

        #[command(flatten)]
        output: OutputArgs,
    },
}

/// A time, or how long ago it was.
fn since(text: &str) -> Result<OffsetDateTime, String> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(time);
    }
    if let Ok(date) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
        return Ok(date.midnight().assume_utc());
    }
    Ok(OffsetDateTime::now_utc() - duration(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_or_an_age() {
        assert_eq!(since("2026-11-01").unwrap().to_string(), "2026-11-01 0:00:00.0 +00:00:00");
        assert_eq!(since("2026-11-01T12:00:00+02:00").unwrap().unix_timestamp(), 1_793_527_200);
        assert!(since("30d").unwrap() < since("1h").unwrap());
        assert!(since("yesterday").is_err());
    }
}
