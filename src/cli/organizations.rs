//! `orgsweep organizations`

use super::SelectArgs;
use super::headings::OUTPUT;
use clap::{Args, ValueEnum};

/// List the organizations that there are: key, name, age.
///
/// All of them, or those that are selected, by the flags of preview and clean. Only reads.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep organizations
  orgsweep organizations --org-like 'e2e-*' --older-than 1d
  orgsweep organizations --where \"plan = 'trial'\" --rows       # how many rows each would take along
  orgsweep organizations --limit 10000 --format csv > all.csv")]
pub struct Organizations {
    #[command(flatten)]
    pub select: SelectArgs,

    /// Count the rows that clean --force would delete with each: as long as a preview of each takes
    #[arg(long)]
    pub rows: bool,

    /// List so many at most; how many more there are is told
    #[arg(long, value_name = "NUMBER", default_value = "100", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub limit: u64,

    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = OUTPUT)]
    pub format: ListFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    Table,
    Json,
    Csv,
}
