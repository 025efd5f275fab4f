//! The Django project that a command may be told of instead of a URL.

use super::headings::TARGET;
use clap::Args;
use std::path::PathBuf;

/// Which project, and how it is run.
#[derive(Debug, Clone, Args)]
pub struct DjangoArgs {
    /// The database of this Django project's settings: its manage.py, instead of a URL
    #[arg(long, global = true, value_name = "FILE", help_heading = TARGET, hide_short_help = true)]
    pub manage: Option<PathBuf>,

    /// The Python in which the Django project runs
    #[arg(
        long,
        global = true,
        value_name = "PYTHON",
        default_value = "python3",
        help_heading = TARGET,
        hide_short_help = true
    )]
    pub python: PathBuf,

    /// The alias of the Django project's database [default: default]
    #[arg(long, global = true, value_name = "ALIAS", help_heading = TARGET, hide_short_help = true)]
    pub database: Option<String>,
}
