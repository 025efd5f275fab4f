//! Flags that several commands share: which organizations are meant, and what may be done to them.

use super::durations::{duration, lock_timeout};
use super::headings::{HOW, OUTPUT, SAFETY, WHAT, WHICH};
use clap::{Args, Parser, ValueEnum};
use std::time::Duration;

/// The organization, as a person types it.
#[derive(Debug, Clone, Default, Args)]
pub struct Name {
    /// Its name, as --org-name has it; for clean only at a terminal
    #[arg(value_name = "NAME", help_heading = WHICH)]
    pub name: Option<String>,
}

/// Which organizations are meant.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = WHICH)]
pub struct SelectArgs {
    /// Its exact name; all that share it are taken (repeatable)
    #[arg(long, value_name = "NAME")]
    pub org_name: Vec<String>,

    /// Its key (repeatable)
    ///
    /// Of a key of several columns the values in its order, with commas between them: eu,1; one that has a comma in it
    /// stands in double quotes, '"a,b",1', and a double quote is two there.
    ///
    /// SQLite may keep the number 1 and the text 1 in one column: 1::integer and 1::text say which is meant
    /// (real and blob are the other types), and 1 alone is refused where both are there.
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub org_id: Vec<String>,

    /// Those whose name matches: * is any text, ? one character (repeatable)
    #[arg(long, value_name = "PATTERN")]
    pub org_like: Vec<String>,

    /// Those for which this SQL expression over their table holds
    ///
    /// One expression, as in WHERE: "deleted_at < now() - interval '30 days'". Alone it selects; beside --org-name,
    /// --org-id and --org-like only those of them for which it holds. It only reads: whatever would write fails. Inside
    /// a sub-query the organization is c: "NOT EXISTS (SELECT 1 FROM users u WHERE u.organization_id = c.id)".
    #[arg(long = "where", value_name = "SQL")]
    pub condition: Option<String>,

    /// Those of the policy's [selections.NAME]; as --where
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub select: Option<String>,

    /// Of these only the ones made longer ago: 7d, 12h, 1d 12h
    ///
    /// Only filters what the others select. By the database's clock, and once
    /// more under the lock. A time without a zone is one of the database's own time zone (of the URL's, where
    /// that sets one; SQLite: UTC); numbers are seconds since 1970. An organization whose time is missing, cannot be
    /// read or lies before 1971 is never older than anything.
    #[arg(long, value_name = "AGE", value_parser = duration)]
    pub older_than: Option<Duration>,

    /// The table of organizations [default: found by its name]
    ///
    /// SCHEMA.TABLE where several schemas have one.
    #[arg(long, value_name = "TABLE", env = "ORGSWEEP_ROOT")]
    pub root: Option<String>,

    /// The column that tells one from all others, for --org-id [default: the primary key]
    #[arg(long, value_name = "COLUMN", env = "ORGSWEEP_KEY_COLUMN", hide_short_help = true)]
    pub key_column: Option<String>,

    /// The column that holds their names [default: name, title, slug, …]
    #[arg(long, value_name = "COLUMN", env = "ORGSWEEP_NAME_COLUMN", hide_short_help = true)]
    pub name_column: Option<String>,

    /// The column that tells when they were made [default: created_at, created, …]
    #[arg(long, value_name = "COLUMN", env = "ORGSWEEP_CREATED_COLUMN", hide_short_help = true)]
    pub created_column: Option<String>,

    /// Exit with 3 when no organization matches
    #[arg(long, hide_short_help = true)]
    pub require_match: bool,
}

impl SelectArgs {
    /// Whether an organization is named, by whatever flag.
    pub fn selects(&self) -> bool {
        let names = [&self.org_name, &self.org_id, &self.org_like];
        names.iter().any(|names| !names.is_empty())
            || self.condition.is_some()
            || self.select.is_some()
    }
}

/// What may be deleted.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = WHAT)]
pub struct DeleteArgs {
    /// Get past restrict and no-action references, or only past this one
    ///
    /// --force is all of them, --force=TABLE.COLUMN one (repeatable). A reference may also be named SCHEMA.TABLE.COLUMN, by its constraint (TABLE.CONSTRAINT), or with the table that
    /// it leads to, TABLE.COLUMN->TABLE. TABLE alone is the default schema's. Where nobody can be asked, clean takes it for a yes.
    #[arg(
        long,
        value_name = "REFERENCE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "*"
    )]
    pub force: Vec<String>,

    /// What may happen to rows of other organizations, such as delete=REFERENCE
    ///
    /// delete, unlink, delete=REFERENCE, unlink=REFERENCE or reassign=REFERENCE:KEY (repeatable).
    #[arg(long, value_name = "ACTION")]
    pub foreign: Vec<String>,

    /// For this run, rows that name one that goes by this reference go, too, whatever its on-delete action is:
    /// TABLE.COLUMN (repeatable)
    ///
    /// Whose a row is stays as the schema, or the policy, has it.
    #[arg(long, value_name = "REFERENCE", hide_short_help = true)]
    pub cascade: Vec<String>,

    #[command(flatten)]
    pub scope: Scope,

    /// Take sub-organizations along
    #[arg(long)]
    pub with_children: bool,

    /// Delete what is theirs, and leave the organizations' own rows where they are
    ///
    /// As if those went: rows that name them with CASCADE go, RESTRICT and NO ACTION want --force. Rows that SET NULL
    /// would unlink stay linked, and are listed.
    #[arg(long)]
    pub keep_organization: bool,

    /// A transaction for each organization, not one for all
    ///
    /// One that is refused or fails leaves the others done: exit 8 then, and the output lists which. Where
    /// none was done, the exit code is the worst of theirs (failed before busy before refused). Rows that
    /// two selected organizations share are shared with another one, as long as that exists. A signal, a
    /// lost connection and an unknown outcome (exit 7) end the series. --max-rows holds for each.
    #[arg(long, help_heading = HOW)]
    pub per_org: bool,

    /// Refuse all when more organizations are selected
    ///
    /// A guard, not a batch size: a job that suddenly matches hundreds stops before it deletes any.
    #[arg(long, value_name = "NUMBER", help_heading = SAFETY)]
    pub max_orgs: Option<u64>,

    /// The policy's orphans: go along, go alone, or stay
    ///
    /// Where no organization matches they stay, unless they are to go alone.
    #[arg(long, value_name = "WHICH", default_value = "with", hide_short_help = true)]
    pub orphans: Orphans,

    /// The most rows that may go
    ///
    /// Of a policy's limit and this one the lower holds.
    #[arg(long, value_name = "ROWS", env = "ORGSWEEP_MAX_ROWS", help_heading = SAFETY)]
    pub max_rows: Option<u64>,

    /// Who proves that nothing dangles: the engine, row by row, or set-based checks
    #[arg(long, value_name = "WHO", default_value = "auto", help_heading = HOW, hide_short_help = true)]
    pub reference_checks: ReferenceChecks,

    /// Let the engine delete by its own cascades: auto, always or never [bare: always]
    ///
    /// All rows are found and shown as ever; then one DELETE of the organizations' rows takes the others along,
    /// so that triggers which look for other rows see what they see without orgsweep. auto does so where
    /// triggers see the rows go (not on MariaDB, whose cascades fire none). Refused, or with auto not done,
    /// where the rows are reached by anything else than cascades of the database. Rolled back (exit 3)
    /// where a trigger keeps what was shown.
    #[arg(long,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_value = "auto",
        default_missing_value = "always", help_heading = HOW, hide_short_help = true)]
    pub engine_cascade: EngineCascade,

    /// How long to wait for a lock; who holds it is named (exit 5). Deadlocks and serialization failures
    /// are tried again, four times
    #[arg(long, value_name = "DURATION", default_value = "10s", env = "ORGSWEEP_LOCK_TIMEOUT", value_parser = lock_timeout, help_heading = SAFETY, hide_short_help = true)]
    pub lock_timeout: Duration,

    /// How long all of it may take (then exit 5)
    ///
    /// The statement that runs then is cancelled, and everything is rolled back.
    #[arg(long, value_name = "DURATION", env = "ORGSWEEP_DEADLINE", value_parser = duration, help_heading = SAFETY)]
    pub deadline: Option<Duration>,

    /// Show tables without rows, too, and lists in full
    #[arg(long, short = 'v', visible_alias = "verbose", help_heading = OUTPUT)]
    pub all: bool,
}

/// Columns that say whose a row is although no foreign key does.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = WHAT)]
pub struct Scope {
    /// Columns called so say whose a row is, as references to the organizations with CASCADE: COLUMN in all
    /// tables, or TABLE.COLUMN (repeatable)
    ///
    /// Rows that name a selected organization by tenant_id and no foreign key, and that would stay, stop a
    /// deletion. In a policy: [root] scope-columns = ["tenant_id"].
    #[arg(long, value_name = "COLUMN", hide_short_help = true)]
    pub scope_column: Vec<String>,

    /// Leave rows behind that name a selected organization by a column without a foreign key: all of them, or only
    /// --leave-behind=TABLE.COLUMN (repeatable); they are listed
    #[arg(long,
        value_name = "TABLE.COLUMN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "*", hide_short_help = true)]
    pub leave_behind: Vec<String>,

    /// How long may be counted what would be left behind; a tenth of it in one table, and no large one without
    /// an index (over 1,000,000 rows by default). What was not counted is not known to be gone, and refused
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = duration, hide_short_help = true)]
    pub scope_timeout: Duration,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineCascade {
    Auto,
    Always,
    Never,
}

/// The flags that a saved plan stands for.
#[derive(Debug, Parser)]
#[command(no_binary_name = false)]
pub struct Flags {
    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub delete: DeleteArgs,
}
