//! What the person asked for, with every name resolved against the catalog.

use crate::catalog::{ReferenceId, TableId};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    pub force: Force,
    pub consents: Vec<Consent>,
    pub with_children: bool,
    /// The selected rows of the root stay; what is theirs goes as if they went.
    pub keep_organization: bool,
    pub checks: Checks,
    pub engine_cascade: EngineCascade,
    /// Owning references that the policy names, per table.
    pub owning: BTreeMap<TableId, Vec<ReferenceId>>,
    /// Tables of which the policy says whether their rows link others.
    pub associations: BTreeMap<TableId, bool>,
    /// The columns by which people recognise a row of a table, where the policy names them.
    pub labels: BTreeMap<TableId, Vec<String>>,
    /// Rows without an owner that go along with whatever organization is selected.
    pub orphans: Vec<Condition>,
    /// Rows that stay on purpose, at most one rule a table.
    pub keeping: Vec<Keeping>,
    pub guards: Guards,
    pub leave_behind: LeaveBehind,
    /// What the application does as an organization's own row goes, and nobody does here.
    pub caveats: Vec<String>,
}

/// Rows that would go and stay, and their children with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Keeping {
    pub rows: Condition,
    /// What their references to rows that go are set to; `None`: such references stop the deletion.
    pub references: Option<Severed>,
    /// The columns of the rows themselves, not of their children, that are overwritten.
    pub erased: Vec<Erased>,
}

/// What a row that stays names instead of one that goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Severed {
    Null,
    /// Instead of an organization, and wherever a column takes no null: the row that has this key.
    Ghost(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Erased {
    pub column: String,
    /// An expression over the row as it is.
    pub value: Condition,
}

/// An SQL expression over the columns of a table: as a condition, the rows for which it is true.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub table: TableId,
    pub sql: String,
    /// Where the policy says so: `orgsweep.toml:12`.
    pub place: String,
}

impl Condition {
    /// Beside other conditions, whatever comment it ends with.
    pub fn parenthesized(&self) -> String {
        format!("(\n{}\n)", self.sql)
    }
}

/// What must hold for any row to go, `--force` or not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Guards {
    /// Every selected organization's name matches one of these; none: any name will do.
    pub organizations: Vec<Pattern>,
    /// No selected organization's name matches any of these.
    pub forbidden_organizations: Vec<Pattern>,
    /// The most organizations that may be selected.
    pub max_organizations: Option<u64>,
    /// Rows that the selected organizations share with others are refused like those of others.
    pub refuses_shared: bool,
    /// The most rows that may go, and where the policy says so.
    pub max_rows: Option<(u64, String)>,
    /// Holds for every row of its table that goes.
    pub test_data: Vec<Condition>,
}

/// `*` for any text and `?` for one character.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    pub glob: String,
    /// Where the policy says so: `orgsweep.toml:12`.
    pub place: String,
}

impl Pattern {
    pub fn matches(&self, text: &str) -> bool {
        wildmatch::WildMatch::new(&self.glob).matches(text)
    }
}

/// Which RESTRICT and NO ACTION references are followed like cascades.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Force {
    #[default]
    None,
    All,
    Only(BTreeSet<ReferenceId>),
}

impl Force {
    pub fn covers(&self, reference: ReferenceId) -> bool {
        match self {
            Force::None => false,
            Force::All => true,
            Force::Only(named) => named.contains(&reference),
        }
    }
}

/// `--leave-behind`: of which scope columns rows may stay that name an organization that goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum LeaveBehind {
    #[default]
    None,
    All,
    Only(BTreeSet<ReferenceId>),
}

impl LeaveBehind {
    pub fn covers(&self, scope: ReferenceId) -> bool {
        match self {
            LeaveBehind::None => false,
            LeaveBehind::All => true,
            LeaveBehind::Only(named) => named.contains(&scope),
        }
    }
}

/// `--foreign`: what may happen to rows of other organizations that a reference reaches.
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    pub action: ForeignAction,
    /// `None` for every reference.
    pub reference: Option<ReferenceId>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ForeignAction {
    Delete,
    Unlink,
    Reassign(String),
}

/// Who proves that nothing dangles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Checks {
    /// The engine's own check of every row.
    #[default]
    Engine,
    /// The engine's checks are off for the deletes; rows are locked and proven in sets.
    Set,
}

/// Whether the engine deletes by its own cascades.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EngineCascade {
    /// Where triggers see rows go, and it does just what was found.
    #[default]
    Auto,
    Always,
    Never,
}

impl Checks {
    pub fn as_str(self) -> &'static str {
        match self {
            Checks::Engine => "engine",
            Checks::Set => "set",
        }
    }
}

impl Rules {
    /// May rows of other organizations that `reference` reaches be deleted? Not asked of organizations themselves:
    /// [`super::Plan::deletes_foreign`].
    pub(super) fn deletes_foreign(&self, reference: ReferenceId) -> bool {
        let applies = |consent: &&Consent| consent.reference.is_none_or(|named| named == reference);
        // The consent that names the reference speaks before the one for all.
        let mut consents: Vec<_> = self.consents.iter().filter(applies).collect();
        consents.sort_by_key(|consent| consent.reference.is_none());
        consents.first().is_some_and(|consent| consent.action == ForeignAction::Delete)
    }
}
