//! Commands of the built-in sample CRM.

use super::PlainFormat;
use clap::Args;
use std::path::PathBuf;

/// Create or update the built-in CRM's tables.
///
/// Refuses a database that holds other tables of the same names. An SQLite file is created.
#[derive(Debug, Clone, Args)]
pub struct Migrate {
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PlainFormat,
}

/// Fill the built-in CRM with sample organizations.
///
/// The same seed gives the same data. Organizations that exist are left as they are.
#[derive(Debug, Clone, Args)]
pub struct Seed {
    /// How many organizations there shall be
    #[arg(long, default_value_t = 3)]
    pub organizations: u32,

    /// About how many rows the first organization has
    #[arg(long, default_value_t = 100)]
    pub rows: u64,

    /// About how many rows each other organization has [default: as many as the first]
    #[arg(long)]
    pub other_rows: Option<u64>,

    /// What the sample data is drawn from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PlainFormat,
}

/// See the whole story on a scratch SQLite file in this folder.
///
/// Creates the file (or goes on with its own), fills it with two organizations, previews the deletion of one, is refused
/// without --force, deletes with it, verifies, and shows that the other is untouched.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// The file to create
    #[arg(long, value_name = "FILE", default_value = "orgsweep-demo.db")]
    pub file: PathBuf,
}
