//! Reasons not to run, as values to render.

use crate::catalog::{ReferenceId, TableId};

/// One reason why the deletion is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub kind: RefusalKind,
    /// The table whose rows stand in the way.
    pub table: TableId,
    /// The reference that reaches or protects them.
    pub reference: Option<ReferenceId>,
    /// How many rows of `table` are concerned.
    pub rows: u64,
    /// How many rows of the parent they protect; 0 where that is not the question.
    pub parents: u64,
    /// Other organizations that own the rows, with their number of rows, largest first.
    pub organizations: Vec<(String, u64)>,
    /// Some of the rows as a person knows them.
    pub samples: Vec<String>,
    /// What else is to be said: columns, a constraint's name, a missing privilege.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// A restrict or no-action reference that `--force` could pass.
    Protected,
    /// Rows of other organizations.
    Foreign,
    /// Rows of a selected and another organization, reached only by a forced reference.
    Shared,
    /// Rows of no organization, reached only by a forced reference.
    Global,
    /// SET NULL on a NOT NULL column.
    NotNull,
    /// SET DEFAULT to a row that is missing or goes too.
    SetDefault,
    /// SET DEFAULT to a value that only its use tells.
    VolatileDefault,
    /// SQLite's own SET NULL on a NOT NULL column of a row that goes, too.
    NulledFirst,
    /// Unlinking would break a CHECK constraint.
    Check,
    /// Unlinking would leave a MATCH FULL reference half null.
    MatchFull,
    /// Unlinking would make a unique key occur twice.
    Unique,
    /// Unlinking would make two rows alike that a partial or other unique index, or an exclusion constraint keeps apart.
    Exclusion,
    /// Unlinking would change a key by which other rows name this one.
    Referenced,
    /// Unlinking would leave a row without a partition that takes it.
    Partition,
    /// Unlinking would change a column that another followed reference uses.
    Overlap,
    /// The row to reassign to does not exist, or goes too.
    Reassign,
    /// The engine compares key and reference as nobody else can.
    Incomparable,
    /// A scope column says that rows are the selected organizations', and they would stay.
    LeftBehind,
    /// Whether there are such rows is not known.
    Uncounted,
    /// The policy keeps rows that name a row of the closure.
    Kept,
    /// An organization that stays names a row of the closure.
    Held,
    /// An unlink would empty a column by which a row names an organization that stays, or what is another one's.
    LosesLink,
    /// A guard of the policy does not hold.
    Guard,
    /// A privilege is missing.
    Privilege,
    /// Row-level security hides rows from this session.
    RowSecurity,
    /// Changes are published, and nothing identifies the rows to the subscriber.
    ReplicaIdentity,
    /// A storage engine that would not bring the rows back.
    Engine,
    /// SQLite: nothing tells the rows apart.
    NamelessRows,
    /// SQLite's own ways to compare by a reference find different rows.
    Comparison,
    /// More than a cluster takes in one transaction.
    WriteSet,
    /// The engine's own cascades would not do what was asked for.
    EngineCascade,
    /// The database does not take writes.
    ReadOnly,
}

impl RefusalKind {
    /// For machines: beside the codes of errors, so that it says of what it is.
    pub fn code(self) -> &'static str {
        match self {
            RefusalKind::Protected => "protected_rows",
            RefusalKind::Foreign => "foreign_rows",
            RefusalKind::Shared => "shared_rows",
            RefusalKind::Global => "global_rows",
            RefusalKind::NotNull => "not_null",
            RefusalKind::SetDefault => "set_default",
            RefusalKind::VolatileDefault => "volatile_default",
            RefusalKind::NulledFirst => "nulled_first",
            RefusalKind::Check => "check",
            RefusalKind::MatchFull => "match_full",
            RefusalKind::Unique => "unique",
            RefusalKind::Exclusion => "exclusion",
            RefusalKind::Referenced => "referenced",
            RefusalKind::Partition => "partition",
            RefusalKind::Overlap => "overlap",
            RefusalKind::Reassign => "reassign",
            RefusalKind::Incomparable => "incomparable",
            RefusalKind::LeftBehind => "left_behind",
            RefusalKind::Uncounted => "uncounted",
            RefusalKind::Kept => "kept_rows",
            RefusalKind::Held => "held_rows",
            RefusalKind::LosesLink => "loses_link",
            RefusalKind::Guard => "guard",
            RefusalKind::Privilege => "privilege",
            RefusalKind::RowSecurity => "row_security",
            RefusalKind::ReplicaIdentity => "replica_identity",
            RefusalKind::Engine => "engine",
            RefusalKind::NamelessRows => "nameless_rows",
            RefusalKind::Comparison => "comparison",
            RefusalKind::WriteSet => "write_set",
            RefusalKind::EngineCascade => "engine_cascade",
            RefusalKind::ReadOnly => "read_only",
        }
    }

    /// `--force` gets past it.
    pub fn is_passable(self) -> bool {
        matches!(self, RefusalKind::Protected | RefusalKind::Overlap)
    }
}

impl Refusal {
    pub fn new(kind: RefusalKind, table: TableId, reference: Option<ReferenceId>) -> Refusal {
        Refusal {
            kind,
            table,
            reference,
            rows: 0,
            parents: 0,
            organizations: Vec::new(),
            samples: Vec::new(),
            detail: String::new(),
        }
    }
}
