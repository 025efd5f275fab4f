//! Commands about the policy file.

use super::PlainFormat;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Write a policy file, or check one against the database.
///
/// A policy (orgsweep.toml) says what foreign keys do not tell: actions that the application keeps to
/// itself, references without a constraint, rows that nobody owns, tables never to be touched, and
/// guards that no --force passes.
#[derive(Debug, Clone, Subcommand)]
pub enum PolicyCommand {
    Init(PolicyInit),
    Check(PolicyCheck),
    Django(PolicyDjango),
}

/// Write a first policy from the database.
///
/// Columns that look like references, and whose values are there, are suggested: commented out, with
/// the evidence.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep policy init                            look at it
  orgsweep policy init --output orgsweep.toml     keep it
  orgsweep policy init --apply --output orgsweep.toml    with what it suggests as rules, to be read first")]
pub struct PolicyInit {
    /// The table of organizations [default: found by its name]
    #[arg(long, value_name = "TABLE", env = "ORGSWEEP_ROOT")]
    pub root: Option<String>,

    /// Write suggestions as rules, not as comments
    ///
    /// References and scope columns that the names, and the values, bear out. Read them: CASCADE deletes.
    #[arg(long)]
    pub apply: bool,

    /// Write it to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Replace the file
    #[arg(long, requires = "output")]
    pub overwrite: bool,
}

/// Write the policy of a Django project.
///
/// Reads the models through Django itself, with the project's own Python: on-delete actions, generic
/// relations, multi-table inheritance. What cannot be said in SQL is named in the file.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep policy django --output django.toml             the manage.py of this folder
  orgsweep policy django --python venv/bin/python --manage crm/manage.py --output django.toml")]
pub struct PolicyDjango {
    /// The table of organizations, to be written into the policy
    #[arg(long, value_name = "TABLE")]
    pub root: Option<String>,

    /// Write it to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Replace the file
    #[arg(long, requires = "output")]
    pub overwrite: bool,
}

/// Check the policy against the live database.
///
/// Names that do not exist are told with file, line and the nearest real name (exit 2). With
/// --complete, a table that neither a deletion reaches nor the policy speaks of fails the check (exit 3), and so does a
/// column that looks like a reference to what goes and is none: a gate against forgotten tables.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep policy check
  orgsweep policy check --complete --config ci/orgsweep.toml")]
pub struct PolicyCheck {
    /// The table of organizations [default: as the policy says]
    #[arg(long, value_name = "TABLE", env = "ORGSWEEP_ROOT")]
    pub root: Option<String>,

    /// Fail when a table is forgotten
    #[arg(long)]
    pub complete: bool,

    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PlainFormat,
}
