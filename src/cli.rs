//! The command line. The doc comments are the help.

mod archives;
mod crm;
mod django;
pub mod durations;
mod env_file;
mod flags;
mod headings;
mod invocation;
pub mod mistakes;
mod organizations;
mod policy;
mod records;
mod version;
mod wait;

pub use archives::{
    ArchiveDir, Archives, ArchivesCommand, Export, ExportFormat, RecordArgs, Restore, Undo,
};
pub use crm::{Demo, Migrate, Seed};
pub use django::DjangoArgs;
pub use flags::{
    DeleteArgs, EngineCascade, Flags, Name, Orphans, ReferenceChecks, Scope, SelectArgs,
};
pub use invocation::{Invocation, NextCommand};
pub use organizations::{ListFormat, Organizations};
pub use policy::{PolicyCheck, PolicyCommand, PolicyDjango, PolicyInit};
pub use records::{History, HistoryCommand, OutputArgs, PageFormat, PlanCommand};
pub use wait::Wait;

use crate::settings::{Colour, PolicyChoice};
use crate::ui::{LogLevel, LogOptions};
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use durations::duration;
use headings::{HOW, OUTPUT, SAFETY, TARGET, WHAT, WHICH};
use std::path::PathBuf;
use std::time::Duration;

/// Delete everything that belongs to one organization, in one transaction.
///
/// orgsweep reads the foreign keys from the live database, works out the exact rows, shows them, and
/// removes them in order. Rows of other organizations are never deleted unless you say so.
#[derive(Debug, Clone, Parser)]
#[command(name = "orgsweep", version, long_version = version::long(), propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    /// sqlite:PATH, postgres://…, mysql://… [default: DATABASE_URL]
    ///
    /// The database, or the path of an SQLite file. Without it DATABASE_URL counts, that of a .env included.
    #[arg(long, global = true, value_name = "URL", help_heading = TARGET)]
    pub database_url: Option<String>,

    #[command(flatten)]
    pub django: DjangoArgs,

    /// The policy file [default: orgsweep.toml in this folder or above, as far as the repository's root or
    /// the home directory]
    #[arg(long, global = true, value_name = "FILE", env = "ORGSWEEP_CONFIG", help_heading = TARGET, hide_short_help = true)]
    pub config: Option<PathBuf>,

    /// Without a policy, whatever stands in this folder or above
    #[arg(long, global = true, help_heading = TARGET, hide_short_help = true)]
    pub no_config: bool,

    /// Refuse to run without a policy (exit 3)
    #[arg(long, global = true, env = "ORGSWEEP_REQUIRE_POLICY", value_parser = FalseyValueParser::new(), help_heading = TARGET, hide_short_help = true)]
    pub require_policy: bool,

    /// Without the .env of this folder or above
    #[arg(long, global = true, help_heading = TARGET, hide_short_help = true)]
    pub no_env: bool,

    /// How progress, warnings and errors are written to stderr: json is one object a line
    #[arg(long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        env = "ORGSWEEP_LOG_FORMAT", help_heading = OUTPUT, hide_short_help = true)]
    pub log_format: LogFormat,

    /// Nothing less grave than this is told on stderr; a JSON log still ends by saying how it ended
    #[arg(long,
        global = true,
        value_name = "LEVEL",
        default_value = "info",
        env = "ORGSWEEP_LOG_LEVEL", help_heading = OUTPUT, hide_short_help = true)]
    pub log_level: LogLevel,

    /// Say nothing where it ends well; previews and JSON are still printed
    ///
    /// Otherwise say only why it ended.
    #[arg(long, short, global = true, help_heading = OUTPUT)]
    pub quiet: bool,

    /// Whether to paint
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = OUTPUT, hide_short_help = true)]
    pub color: Colour,

    #[command(subcommand)]
    pub command: Command,

    /// What of it was typed.
    #[arg(skip)]
    pub invocation: Invocation,
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
4 not confirmed, 5 busy, 6 a proof failed, 7 outcome unknown, 8 partly done,
10 something to delete (preview --detailed-exitcode), 70 bug, 130/143 interrupted";

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    Preview(Preview),
    #[command(visible_alias = "delete")]
    Clean(Clean),
    Verify(Verify),
    Restore(Restore),
    Undo(Undo),
    Export(Export),
    Archives(Archives),
    History(History),
    /// Show a saved plan
    Plan {
        #[command(subcommand)]
        command: PlanCommand,
    },
    Graph(Graph),
    Explain(Explain),
    Doctor(Doctor),
    Organizations(Organizations),
    /// Write a policy file, or check one against the database
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    Wait(Wait),
    Migrate(Migrate),
    Seed(Seed),
    Demo(Demo),
    /// Print a shell's completion script
    Completions {
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man {
        /// Write one for each command into this folder instead
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
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
  orgsweep preview --where \"deleted_at < now() - interval '30 days'\"
  orgsweep preview --org-name X --force --format sql > clean.sql   # for psql or sqlite3
  orgsweep preview --org-name X --force --format html --output x.html
  orgsweep preview --org-name X --force --save-plan x.json         # then: orgsweep clean --plan x.json")]
pub struct Preview {
    #[command(flatten)]
    pub organization: Name,

    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub delete: DeleteArgs,

    /// Save the plan with a digest of the rows, for clean --plan FILE
    #[arg(long, value_name = "FILE", conflicts_with = "per_org", help_heading = OUTPUT)]
    pub save_plan: Option<PathBuf>,

    /// Exit with 10 where there is something to delete, 0 where nothing
    #[arg(long, help_heading = OUTPUT)]
    pub detailed_exitcode: bool,

    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = OUTPUT)]
    pub format: PreviewFormat,

    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PreviewFormat {
    Table,
    Json,
    Markdown,
    Csv,
    /// A script that psql or sqlite3 runs by itself
    Sql,
    /// One self-contained page, to be attached to a change request, printed or filed
    Html,
}

/// What excludes batches, and what is said of them: clap asks for no flag that is excluded, nor for what that one needs.
const WITHOUT_BATCHES: [&str; 4] = ["per_org", "plan", "foreign", "reference_checks"];

/// Delete the organizations and everything that belongs to them.
///
/// At a terminal you type the organization's name to confirm, wherever the streams go; elsewhere, and with the
/// variable CI set, --yes or --force is needed.
/// One transaction: everything goes or nothing does; with --per-org that holds for each organization.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "\
Examples:
  orgsweep clean 'Apex Innovations Inc.'                       # asks for its name
  orgsweep clean --org-like 'e2e-*' --force --yes              # in CI",
    after_long_help = "\
Examples:
  orgsweep clean 'Apex Innovations Inc.'                       # asks for its name
  orgsweep clean --org-name X --force --rehearse               # all of it, rolled back
  orgsweep clean --org-name X --force=deals.created_by --yes
  orgsweep clean --org-name X --force --foreign unlink=deals.created_by --yes

From cron, every night (exit 8: some are done, others not):
  15 3 * * *  orgsweep clean --org-like 'e2e-*' --older-than 1d --max-orgs 20 --per-org --yes"
)]
pub struct Clean {
    #[command(flatten)]
    pub organization: Name,

    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub delete: DeleteArgs,

    /// Do exactly what preview --save-plan FILE has found
    ///
    /// Refused (exit 3) where anything has moved since.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "org_name", "org_id", "org_like", "condition", "select", "older_than", "force", "foreign", "cascade", "scope_column", "leave_behind", "with_children", "keep_organization", "per_org", "dry_run", "create_missing_indexes"], help_heading = WHICH)]
    pub plan: Option<PathBuf>,

    /// The same as preview
    #[arg(long, short = 'n', help_heading = SAFETY)]
    pub dry_run: bool,

    /// Do all of it, and roll back where COMMIT would come
    ///
    /// With triggers and proofs. Tells how long each step takes, what is locked and for how long, and what COMMIT would meet. Nothing stays: no
    /// row is changed, no archive, receipt or metrics are left. Others wait for its locks as for those of a
    /// clean; what a trigger does outside of the transaction is done.
    #[arg(long, conflicts_with_all = ["dry_run", "per_org", "batch_rows", "create_missing_indexes"], help_heading = SAFETY)]
    pub rehearse: bool,

    /// Do not ask
    #[arg(long, short, help_heading = SAFETY)]
    pub yes: bool,

    /// How long to wait for an answer (then exit 4)
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration, help_heading = SAFETY, hide_short_help = true)]
    pub confirm_timeout: Duration,

    /// Create the indexes for want of which the engine's checks would be slow: before the deletion, and
    /// for good
    #[arg(long, help_heading = HOW, hide_short_help = true)]
    pub create_missing_indexes: bool,

    /// Delete in several transactions, of about so many rows each
    ///
    /// From the leaves up, so many rows of a table at a time: for what one transaction should not hold. Each batch is archived by itself and is final once it is
    /// committed; the organizations' own rows go last, so the same command goes on after an interruption
    /// (exit 8). Everything that would refuse the whole is looked for before the first batch. Rows that
    /// name each other in a cycle go together.
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), conflicts_with_all = WITHOUT_BATCHES, help_heading = HOW)]
    pub batch_rows: Option<u64>,

    /// Wait so long after each batch
    #[arg(long, value_name = "DURATION", requires = "batch_rows", conflicts_with_all = WITHOUT_BATCHES, value_parser = duration, help_heading = HOW, hide_short_help = true)]
    pub pause: Option<Duration>,

    /// Wait before a batch while this file is there: touch it to pause, remove it to go on
    #[arg(long, value_name = "FILE", requires = "batch_rows", conflicts_with_all = WITHOUT_BATCHES, help_heading = HOW, hide_short_help = true)]
    pub pause_file: Option<PathBuf>,

    /// Before the first batch and after each wait until no replica is further behind than this (PostgreSQL, by
    /// a role that may see replicas: a superuser, or one with pg_monitor)
    #[arg(long, value_name = "DURATION", requires = "batch_rows", conflicts_with_all = WITHOUT_BATCHES, value_parser = duration, help_heading = HOW, hide_short_help = true)]
    pub max_lag: Option<Duration>,

    /// Re-check before COMMIT even what holds by construction
    #[arg(long, help_heading = HOW, hide_short_help = true)]
    pub verify: bool,

    #[command(flatten)]
    pub record: RecordArgs,

    /// table or json; with --dry-run all of preview's
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = OUTPUT, hide_possible_values = true)]
    pub format: PreviewFormat,
}

/// Check that nothing of an organization is left.
///
/// Exits with 3 when a selected organization still exists or, by --org-id, when anything still
/// names that key, by a reference or by a column without a foreign key (tenant_id). A name that is gone tells no
/// key: then only dangling references are looked for. What a SET NULL reference was emptied of, only the receipt of
/// the deletion can tell: it is named, and no reason to end with 3.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  orgsweep verify --org-id 7
  orgsweep verify --org-like 'e2e-*' --older-than 2d    # has cron done its work?")]
pub struct Verify {
    #[command(flatten)]
    pub organization: Name,

    #[command(flatten)]
    pub select: SelectArgs,

    /// That nothing is left but the organizations' own rows, and what stays linked to them
    #[arg(long, help_heading = WHAT)]
    pub keep_organization: bool,

    #[command(flatten)]
    pub scope: Scope,

    #[command(flatten)]
    pub archives: ArchiveDir,

    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = OUTPUT)]
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
    pub select: SelectArgs,

    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = OUTPUT)]
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
    pub select: SelectArgs,

    #[command(flatten)]
    pub delete: DeleteArgs,

    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = OUTPUT)]
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

    /// Call tables, columns and the like table_1, column_2, …: to be shown to strangers, in a report of a bug
    #[arg(long, help_heading = OUTPUT)]
    pub redact: bool,

    /// Show all findings of each kind
    #[arg(long, short = 'v', visible_alias = "verbose", help_heading = OUTPUT)]
    pub all: bool,

    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = OUTPUT)]
    pub format: DoctorFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    Table,
    Json,
    /// The statements that cure it, alone
    Sql,
}

impl Preview {
    /// `clean --dry-run`
    pub fn of(clean: &Clean) -> Preview {
        let (select, delete, format) = (clean.select.clone(), clean.delete.clone(), clean.format);
        let (organization, save_plan, detailed_exitcode) = (Name::default(), None, false);
        let output = OutputArgs::default();
        Preview { organization, select, delete, save_plan, detailed_exitcode, format, output }
    }
}

impl Cli {
    /// Whether results are JSON and how to speak, as the words say by themselves: for who cannot parse them.
    pub fn log_options_asked_for() -> (bool, LogOptions) {
        let words: Vec<String> =
            std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        let says_json = |flag: &str| {
            let joined = format!("{flag}=json");
            words.contains(&joined) || words.windows(2).any(|pair| pair == [flag, "json"])
        };
        let by_default =
            std::env::var_os("ORGSWEEP_LOG_FORMAT").is_some_and(|format| format == "json");
        let log_json = says_json("--log-format") || by_default;
        (says_json("--format"), LogOptions { log_json, ..LogOptions::default() })
    }

    pub fn log_options(&self) -> LogOptions {
        LogOptions {
            log_json: self.log_format == LogFormat::Json,
            level: self.log_level,
            quiet: self.quiet,
            colour: self.color,
        }
    }

    pub fn policy(&self) -> PolicyChoice<'_> {
        match &self.config {
            _ if self.no_config => PolicyChoice::None,
            Some(path) => PolicyChoice::File(path),
            None => PolicyChoice::Nearest,
        }
    }

    /// A name without a flag is that of an organization, as --org-name has it.
    fn named(mut self) -> Cli {
        match &mut self.command {
            Command::Preview(Preview { organization, select, .. })
            | Command::Clean(Clean { organization, select, .. })
            | Command::Verify(Verify { organization, select, .. })
            | Command::Export(Export { organization, select, .. }) => {
                select.org_name.extend(organization.name.clone());
            }
            _ => {}
        }
        self
    }

    /// Results, and errors with them, are JSON.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::Preview(preview) => preview.format == PreviewFormat::Json,
            Command::Clean(clean) => clean.format == PreviewFormat::Json,
            Command::Verify(Verify { format, .. })
            | Command::Restore(Restore { format, .. })
            | Command::Undo(Undo { format, .. })
            | Command::Archives(Archives { format, .. })
            | Command::Explain(Explain { format, .. })
            | Command::Migrate(Migrate { format })
            | Command::Seed(Seed { format, .. }) => *format == PlainFormat::Json,
            Command::History(History {
                command: Some(HistoryCommand::Show { format, .. }),
                ..
            })
            | Command::Plan { command: PlanCommand::Show { format, .. } } => {
                *format == PageFormat::Json
            }
            Command::History(History { format, .. }) => *format == PlainFormat::Json,
            Command::Organizations(args) => args.format == ListFormat::Json,
            Command::Doctor(doctor) => doctor.format == DoctorFormat::Json,
            Command::Graph(graph) => graph.format == GraphFormat::Json,
            Command::Policy { command: PolicyCommand::Check(check) } => {
                check.format == PlainFormat::Json
            }
            Command::Policy { command: PolicyCommand::Init(_) | PolicyCommand::Django(_) } => false,
            Command::Wait(_)
            | Command::Export(_)
            | Command::Demo(_)
            | Command::Completions { .. }
            | Command::Man { .. } => false,
        }
    }
}
