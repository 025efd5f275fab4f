//! The flags of `wait`.

use super::durations::duration;
use clap::Args;
use std::time::Duration;

/// Wait until the database answers.
///
/// For a CI step, or a container that starts beside its database: whatever keeps it from answering (nobody listens yet, no
/// such database, no such user) is tried again until it does, or until the time is over (exit 5).
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep wait && orgsweep clean --org-like 'e2e-*' --force --yes
  orgsweep wait --timeout 5m --database-url postgres://db/app")]
pub struct Wait {
    /// How long at most
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = duration)]
    pub timeout: Duration,
}
