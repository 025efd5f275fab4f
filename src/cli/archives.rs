//! Flags and commands about archives and receipts.

use super::durations::{duration, lock_timeout};
use super::headings::{OUTPUT, SAFETY};
use super::{DeleteArgs, Name, PlainFormat, SelectArgs};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Where archives and receipts are.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = SAFETY)]
pub struct ArchiveDir {
    /// The directory of archives and receipts [default: $XDG_STATE_HOME/orgsweep or
    /// ~/.local/state/orgsweep]
    #[arg(
        long,
        global = true,
        value_name = "DIRECTORY",
        env = "ORGSWEEP_ARCHIVE_DIR",
        hide_short_help = true
    )]
    pub archive_dir: Option<PathBuf>,
}

/// What is kept of what goes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = SAFETY)]
pub struct RecordArgs {
    #[command(flatten)]
    pub archives: ArchiveDir,

    /// Keep no archive: what is deleted cannot be restored
    #[arg(long)]
    pub no_archive: bool,

    /// Remove this database's archives of earlier runs that are older than this, where the run ends well
    /// (exit 0): personal data is not kept for ever
    #[arg(long, value_name = "AGE", default_value = "30d", env = "ORGSWEEP_ARCHIVE_KEEP", value_parser = duration, hide_short_help = true)]
    pub archive_keep: Duration,

    /// Write the receipt to this file, too (JSON)
    #[arg(long, value_name = "FILE", help_heading = OUTPUT, hide_short_help = true)]
    pub receipt: Option<PathBuf>,

    /// Write the run's numbers to this file, for node_exporter's textfile collector; also when it fails
    #[arg(long, value_name = "FILE", env = "ORGSWEEP_METRICS", help_heading = OUTPUT, hide_short_help = true)]
    pub metrics: Option<PathBuf>,
}

/// Put a deleted organization back from its archive.
///
/// One transaction: rows, parents first, then the references that were unlinked, where what orgsweep
/// wrote is still there. Triggers do not fire, unless --fire-triggers says so. Refused (exit 3), before anything is written, when the archive is damaged or of
/// another database, a key or unique value is taken, the schema has changed in a way that matters, or a
/// row that is named has gone, or triggers would fire that cannot be stopped. What triggers did when the rows went is not undone.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep archives                               which there are
  orgsweep restore latest --dry-run               what was deleted last
  orgsweep restore 20261123T0502                  the one whose name begins so
  orgsweep restore backup/apex.tar.zst")]
pub struct Restore {
    /// The archive: a path, a name in the archive directory or its beginning, or latest
    ///
    /// The eight digits at the end of its name will do, too. latest is the last deletion from this database, all of its
    /// archives, those of a --batch-rows that was cut off and went on included. Several are restored one after the other, the newest first.
    #[arg(required = true)]
    pub archive: Vec<PathBuf>,

    /// Find out whether it could be put back; write nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,

    /// Let triggers on INSERT and UPDATE fire as rows come back
    ///
    /// By default they do not: what a trigger made or changed when the rows were new is in the archive
    /// already. Where they cannot be stopped (MariaDB; PostgreSQL without the right to set
    /// session_replication_role; any UPDATE there), the restore is refused without this flag. What they
    /// change is told.
    #[arg(long)]
    pub fire_triggers: bool,

    /// The database is a copy of the one that the archive is of, or was moved
    #[arg(long)]
    pub other_database: bool,

    /// How long to wait for a lock
    #[arg(long, value_name = "DURATION", default_value = "10s", env = "ORGSWEEP_LOCK_TIMEOUT", value_parser = lock_timeout)]
    pub lock_timeout: Duration,

    #[command(flatten)]
    pub archives: ArchiveDir,

    /// Write the receipt to this file, too (JSON)
    #[arg(long, value_name = "FILE", help_heading = OUTPUT, hide_short_help = true)]
    pub receipt: Option<PathBuf>,

    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = OUTPUT)]
    pub format: PlainFormat,
}

/// Put back what was deleted last from this database.
///
/// All archives of the last deletion, once somebody has confirmed it; what is back already is passed over. Nothing is
/// put back where some of them are gone. At a terminal you type "undo"; elsewhere --yes is needed.
#[derive(Debug, Clone, Args)]
pub struct Undo {
    /// Find out whether it could be put back; write nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,

    /// How long to wait for an answer (then exit 4)
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub confirm_timeout: Duration,

    /// Let triggers on INSERT and UPDATE fire as rows come back
    #[arg(long)]
    pub fire_triggers: bool,

    /// How long to wait for a lock
    #[arg(long, value_name = "DURATION", default_value = "10s", env = "ORGSWEEP_LOCK_TIMEOUT", value_parser = lock_timeout)]
    pub lock_timeout: Duration,

    #[command(flatten)]
    pub archives: ArchiveDir,

    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = OUTPUT)]
    pub format: PlainFormat,
}

/// Write an organization's rows into an archive; delete nothing.
///
/// The rows that clean --force would take, and what it would unlink, in one read-only transaction: for the customer, or
/// to be kept before a change. The organization's rows are found and judged as preview does. Since nothing goes, no row is
/// protected; rows of others are refused (exit 3) unless --foreign says what of them. restore puts the archive back where the
/// organization has gone since, and says "already back" as long as it is there.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep export --org-name 'Apex Innovations Inc.' --output apex.tar.zst
  orgsweep export --org-id 7 --format jsonl --output apex
  orgsweep archives show ./apex.tar.zst")]
pub struct Export {
    #[command(flatten)]
    pub organization: Name,

    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub delete: DeleteArgs,

    /// A new file, or with --format jsonl a new folder, for its owner alone
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub output: PathBuf,

    #[arg(long, value_name = "FORMAT", default_value = "archive", help_heading = OUTPUT)]
    pub format: ExportFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// What restore takes
    Archive,
    /// A file for each table, of a JSON object for each row
    Jsonl,
}

/// List, check and remove archives.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep archives
  orgsweep archives show 20261123T050231Z-apex-innovations-inc-749551fb.tar.zst
  orgsweep archives files latest --column documents.file | xargs -d '\\n' -I{} aws s3 rm s3://media/{}
  orgsweep archives prune --older-than 30d")]
pub struct Archives {
    #[command(subcommand)]
    pub command: Option<ArchivesCommand>,

    #[command(flatten)]
    pub archives: ArchiveDir,

    #[arg(long, global = true, value_name = "FORMAT", default_value = "table", help_heading = OUTPUT)]
    pub format: PlainFormat,
}

#[derive(Debug, Clone, Subcommand)]
pub enum ArchivesCommand {
    /// List them: whose rows they hold, how many, and whether they were put back
    List,
    /// Check an archive whole, and tell what is in it
    Show {
        /// A path, a name in the archive directory or its beginning, or latest
        archive: PathBuf,
    },
    /// List what columns of an archive's rows hold, one value a line: paths of files to remove from an object store
    ///
    /// Nothing in a database says which columns name files: --column does, or the policy ([tables.documents] files =
    /// ["file"], which `policy django` writes). Rows that were unlinked stayed, and their files with them.
    Files {
        /// A path, a name in the archive directory or its beginning, or latest
        archive: PathBuf,

        /// TABLE.COLUMN (repeatable) [default: what the policy says]
        #[arg(long, value_name = "COLUMN")]
        column: Vec<String>,
    },
    /// Remove archives for good: those of the database that is named, otherwise of all
    ///
    /// Only complete archives under the names that orgsweep gave them; one that is pending may hold the only
    /// copy of its rows, and stays.
    Prune {
        /// Those that are older than this: 30d, 12h
        #[arg(long, value_name = "AGE", value_parser = duration)]
        older_than: Duration,

        /// Only tell which
        #[arg(long)]
        dry_run: bool,
    },
}
