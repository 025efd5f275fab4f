//! The command line. The doc comments are the help.

mod archives;

pub use archives::{Archives, ArchivesCommand, History, Keep, Restore, Shelf};

use crate::ui::Voice;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Delete everything that belongs to one organization, in one transaction.
///
/// orgsweep reads the foreign keys from the live database, works out the exact rows, shows them, and
/// removes them in order. Rows of other organizations are never deleted unless you say so.
#[derive(Debug, Parser)]
#[command(name = "orgsweep", version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    /// The database: sqlite:PATH, a path, postgres://…, mysql://… [default: DATABASE_URL, .env included]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// The policy file [default: orgsweep.toml in this folder, where there is one]
    #[arg(long, global = true, value_name = "FILE", env = "ORGSWEEP_CONFIG")]
    pub config: Option<PathBuf>,

    /// How progress, warnings and errors are written to stderr: json is one object a line
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        env = "ORGSWEEP_LOG_FORMAT"
    )]
    pub log_format: LogFormat,

    /// Say nothing but why it ended, where it did not end well; JSON results and previews are still
    /// printed
    #[arg(long, short, global = true)]
    pub quiet: bool,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

const EXAMPLES: &str = "\
Examples:
  orgsweep demo                                        see it work on a scratch SQLite file
  orgsweep preview --org-name 'Apex Innovations Inc.'  what would go, and why
  orgsweep clean --org-name 'Apex Innovations Inc.'    delete it, after a confirmation
  orgsweep clean --org-like 'e2e-*' --force --yes      a CI step before the tests
  orgsweep clean --org-like 'e2e-*' --older-than 1d --max-orgs 20 --per-org --force --yes
                                                       from cron, every night

Exit codes: 0 done or nothing to do, 1 failed and rolled back, 2 usage, 3 refused,
4 not confirmed, 5 busy, 6 verification failed, 7 outcome unknown, 8 partly done, 70 bug,
130/143 interrupted";

#[derive(Debug, Subcommand)]
pub enum Command {
    Preview(Preview),
    Clean(Clean),
    Verify(Verify),
    Restore(Restore),
    Archives(Archives),
    History(History),
    Graph(Graph),
    Explain(Explain),
    Doctor(Doctor),
    /// Write a policy file, or check one against the database
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    Migrate(Migrate),
    Seed(Seed),
    Demo(Demo),
    /// Print a shell's completion script
    Completions {
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

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
  orgsweep policy init --output orgsweep.toml     keep it")]
pub struct PolicyInit {
    /// The table of organizations [default: found by its name]
    #[arg(long, value_name = "TABLE", env = "ORGSWEEP_ROOT")]
    pub root: Option<String>,

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
  orgsweep policy django --python venv/bin/python --manage manage.py --output orgsweep.toml")]
pub struct PolicyDjango {
    /// The Python in which the project runs
    #[arg(long, value_name = "PYTHON", default_value = "python3")]
    pub python: PathBuf,

    /// The project's manage.py
    #[arg(long, value_name = "FILE", default_value = "manage.py")]
    pub manage: PathBuf,

    /// The database of the project that is meant [default: Django's default one]
    #[arg(long, value_name = "ALIAS")]
    pub database: Option<String>,

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
/// --complete, a table that looks as if it belonged to an organization and is neither reached nor
/// spoken of fails the check (exit 3): a gate against forgotten tables.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep policy check
  orgsweep policy check --complete --config ci/orgsweep.toml")]
pub struct PolicyCheck {
    /// The table of organizations [default: as the policy says]
    #[arg(long, value_name = "TABLE", env = "ORGSWEEP_ROOT")]
    pub root: Option<String>,

    /// Fail when a table looks forgotten
    #[arg(long)]
    pub complete: bool,

    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PlainFormat,
}

/// Which organizations are meant.
#[derive(Debug, Clone, Default, Args)]
pub struct Which {
    /// Name of an organization, exactly; all that share it are taken (repeatable)
    #[arg(long, value_name = "NAME")]
    pub org_name: Vec<String>,

    /// Key of an organization (repeatable)
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub org_id: Vec<String>,

    /// Names that match a pattern, * for any text and ? for one character (repeatable)
    #[arg(long, value_name = "PATTERN")]
    pub org_like: Vec<String>,

    /// Of these only the ones made longer ago than this: 7d, 12h, 1d 12h
    ///
    /// Only filters what --org-name, --org-id and --org-like select. By the database's clock, and once
    /// more under the lock. A time without a zone is one of the session's time zone (PostgreSQL) or of
    /// UTC (SQLite); numbers are seconds since 1970. An organization whose time is missing, cannot be
    /// read or lies before 1971 is never older than anything.
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    pub older_than: Option<Duration>,

    /// The table of organizations [default: found by its name]
    #[arg(long, value_name = "TABLE", env = "ORGSWEEP_ROOT")]
    pub root: Option<String>,

    /// The column that tells one from all others, for --org-id [default: the primary key]
    #[arg(long, value_name = "COLUMN", env = "ORGSWEEP_KEY_COLUMN")]
    pub key_column: Option<String>,

    /// The column that holds their names [default: name, title, slug, …]
    #[arg(long, value_name = "COLUMN", env = "ORGSWEEP_NAME_COLUMN")]
    pub name_column: Option<String>,

    /// The column that tells when they were made [default: created_at, created, …]
    #[arg(long, value_name = "COLUMN", env = "ORGSWEEP_CREATED_COLUMN")]
    pub created_column: Option<String>,

    /// Exit with 3 when no organization matches
    #[arg(long)]
    pub require_match: bool,
}

/// What may be deleted.
#[derive(Debug, Clone, Args)]
pub struct How {
    /// Get past restrict and no-action references: all of them, or only --force=TABLE.COLUMN
    /// (repeatable)
    #[arg(
        long,
        value_name = "REFERENCE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "*"
    )]
    pub force: Vec<String>,

    /// What may happen to rows of other organizations: delete, unlink, delete=REFERENCE,
    /// unlink=REFERENCE or reassign=REFERENCE:KEY (repeatable)
    #[arg(long, value_name = "ACTION")]
    pub foreign: Vec<String>,

    /// Take sub-organizations along
    #[arg(long)]
    pub with_children: bool,

    /// One transaction for each organization instead of one for all
    ///
    /// One that is refused or fails leaves the others done: exit 8 then, and the output lists which. Where
    /// none was done, the exit code is the worst of theirs (failed before busy before refused). Rows that
    /// two selected organizations share are shared with another one, as long as that exists. A signal, a
    /// lost connection and an unknown outcome (exit 7) end the series. --max-rows holds for each.
    #[arg(long)]
    pub per_org: bool,

    /// Refuse everything when more organizations than this are selected
    ///
    /// A guard, not a batch size: a job that suddenly matches hundreds stops before it deletes any.
    #[arg(long, value_name = "NUMBER")]
    pub max_orgs: Option<u64>,

    /// The policy's orphans: go along, go alone, or stay
    #[arg(long, value_name = "WHICH", default_value = "with")]
    pub orphans: Orphans,

    /// The most rows that may go; of a policy's limit and this one the lower holds
    #[arg(long, value_name = "ROWS", env = "ORGSWEEP_MAX_ROWS")]
    pub max_rows: Option<u64>,

    /// Who proves that nothing dangles: the engine, row by row, or set-based checks
    #[arg(long, value_name = "WHO", default_value = "auto")]
    pub reference_checks: ReferenceChecks,

    /// How long to wait for a lock; who holds it is named (exit 5). Deadlocks and serialization failures
    /// are tried again, four times
    #[arg(long, value_name = "DURATION", default_value = "10s", env = "ORGSWEEP_LOCK_TIMEOUT", value_parser = humantime::parse_duration)]
    pub lock_timeout: Duration,

    /// How long all of it may take: then the statement that runs is cancelled and everything is rolled back
    /// (exit 5)
    #[arg(long, value_name = "DURATION", env = "ORGSWEEP_DEADLINE", value_parser = humantime::parse_duration)]
    pub deadline: Option<Duration>,

    /// Show the tables without rows, too
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Orphans {
    With,
    Only,
    Without,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReferenceChecks {
    /// Set-based where nothing but the engine's checks is skipped by it
    Auto,
    Engine,
    Set,
}

/// The flags that a saved plan stands for.
#[derive(Debug, Parser)]
#[command(no_binary_name = false)]
pub struct Flags {
    #[command(flatten)]
    pub which: Which,

    #[command(flatten)]
    pub how: How,
}

/// Show what would be deleted, and why; change nothing.
///
/// Shows the whole closure as --force would take it, and marks what needs --force. Exits with 3
/// when clean with the same flags would refuse.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep preview --org-name 'Apex Innovations Inc.'
  orgsweep preview --org-id 7 --force --format json | jq .totals
  orgsweep preview --org-like 'e2e-*' --older-than 1d --per-org    # each by itself, in one line
  orgsweep preview --org-name X --force --format sql > clean.sql   # for psql or sqlite3
  orgsweep preview --org-name X --force --save-plan x.json         # then: orgsweep clean --plan x.json")]
pub struct Preview {
    #[command(flatten)]
    pub which: Which,

    #[command(flatten)]
    pub how: How,

    /// Save the plan, with a digest of the rows: clean --plan FILE does exactly this, or refuses
    #[arg(long, value_name = "FILE", conflicts_with = "per_org")]
    pub save_plan: Option<PathBuf>,

    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PreviewFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PreviewFormat {
    Table,
    Json,
    Markdown,
    Csv,
    /// A script that psql or sqlite3 runs by itself
    Sql,
}

/// Delete the organizations and everything that belongs to them.
///
/// At a terminal you type the organization's name to confirm; elsewhere --yes or --force is needed.
/// One transaction: everything goes or nothing does; with --per-org that holds for each organization.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep clean --org-name 'Apex Innovations Inc.' --force
  orgsweep clean --org-name X --force=deals.created_by --yes
  orgsweep clean --org-name X --force --foreign unlink=deals.created_by --yes

From cron, every night (exit 8: some are done, others not):
  15 3 * * *  orgsweep clean --org-like 'e2e-*' --older-than 1d --max-orgs 20 --per-org --yes")]
pub struct Clean {
    #[command(flatten)]
    pub which: Which,

    #[command(flatten)]
    pub how: How,

    /// Do exactly what preview --save-plan FILE has found, or refuse (exit 3) where anything moved
    #[arg(long, value_name = "FILE", conflicts_with_all = ["org_name", "org_id", "org_like", "older_than", "force", "foreign", "with_children", "per_org", "dry_run", "create_missing_indexes"])]
    pub plan: Option<PathBuf>,

    /// The same as preview
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,

    /// Create the indexes for want of which the engine's checks would be slow: before the deletion, and
    /// for good
    #[arg(long)]
    pub create_missing_indexes: bool,

    /// Delete in several transactions, from the leaves up, of about so many rows of a table each
    ///
    /// For what one transaction should not hold. Each batch is archived by itself and is final once it is
    /// committed; the organizations' own rows go last, so the same command goes on after an interruption
    /// (exit 8). Everything that would refuse the whole is looked for before the first batch. Rows that
    /// name each other in a cycle go together.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..), conflicts_with_all = ["per_org", "plan", "foreign", "reference_checks"])]
    pub batch_rows: Option<u64>,

    /// Wait so long after each batch
    #[arg(long, value_name = "DURATION", requires = "batch_rows", value_parser = humantime::parse_duration)]
    pub pause: Option<Duration>,

    /// After each batch wait until no replica is further behind than this (PostgreSQL)
    #[arg(long, value_name = "DURATION", requires = "batch_rows", value_parser = humantime::parse_duration)]
    pub max_lag: Option<Duration>,

    /// Re-check before COMMIT even what holds by construction
    #[arg(long)]
    pub verify: bool,

    #[command(flatten)]
    pub keep: Keep,

    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PreviewFormat,
}

/// Check that nothing of an organization is left.
///
/// Exits with 3 when a selected organization still exists or, by --org-id, when anything still
/// names that key. A name that is gone tells no key: then only dangling references are looked for.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep verify --org-id 7
  orgsweep verify --org-like 'e2e-*' --older-than 2d    # has cron done its work?")]
pub struct Verify {
    #[command(flatten)]
    pub which: Which,

    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PlainFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlainFormat {
    Table,
    Json,
}

/// Show what an organization reaches, by which references.
///
/// With a selection, also how many rows.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep graph
  orgsweep graph --format dot | dot -Tsvg > graph.svg
  orgsweep graph --org-name 'Apex Innovations Inc.' --format mermaid")]
pub struct Graph {
    #[command(flatten)]
    pub which: Which,

    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: GraphFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    Table,
    Dot,
    Mermaid,
    Json,
}

/// Tell why one row goes, or stays.
///
/// Shows the ways by which the row is reached from the selected organizations, every row on the way
/// named, those that need no --force first, then the shorter ones. For a row that stays: whose it is,
/// and what becomes of each row that it names. Changes nothing.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep explain deals 42 --org-name 'Apex Innovations Inc.'
  orgsweep explain team_members 3,7 --org-id 1              # a key of two columns, in its order
  orgsweep explain users email=ann@apex.test --org-id 1     # by any columns that name one row
  orgsweep explain deals 42 --org-id 1 --force --format json | jq .verdict")]
pub struct Explain {
    /// The row's table
    pub table: String,

    /// The value of the table's key: several for a key of several columns, in its order, or
    /// COLUMN=VALUE; where there is no key, SQLite's rowid or PostgreSQL's ctid
    #[arg(required = true, allow_negative_numbers = true)]
    pub key: Vec<String>,

    #[command(flatten)]
    pub which: Which,

    #[command(flatten)]
    pub how: How,

    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PlainFormat,
}

/// Tell what will bite a deletion, before it does.
///
/// Unindexed references, triggers, row-level security, missing privileges, and the like, each with the
/// statement that cures it. Exits with 3 when something would stop a deletion.
#[derive(Debug, Clone, Args)]
pub struct Doctor {
    /// The table of organizations [default: found by its name]
    #[arg(long, value_name = "TABLE", env = "ORGSWEEP_ROOT")]
    pub root: Option<String>,

    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: PlainFormat,
}

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

impl Cli {
    pub fn voice(&self) -> Voice {
        Voice { log_json: self.log_format == LogFormat::Json, quiet: self.quiet }
    }

    /// Results, and errors with them, are JSON.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::Preview(preview) => preview.format == PreviewFormat::Json,
            Command::Clean(clean) => clean.format == PreviewFormat::Json,
            Command::Verify(Verify { format, .. })
            | Command::Restore(Restore { format, .. })
            | Command::Archives(Archives { format, .. })
            | Command::History(History { format, .. })
            | Command::Doctor(Doctor { format, .. })
            | Command::Explain(Explain { format, .. })
            | Command::Migrate(Migrate { format })
            | Command::Seed(Seed { format, .. }) => *format == PlainFormat::Json,
            Command::Graph(graph) => graph.format == GraphFormat::Json,
            Command::Policy { command: PolicyCommand::Check(check) } => {
                check.format == PlainFormat::Json
            }
            Command::Policy { command: PolicyCommand::Init(_) | PolicyCommand::Django(_) } => false,
            Command::Demo(_) | Command::Completions { .. } | Command::Man => false,
        }
    }
}
