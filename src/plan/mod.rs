//! What will happen, decided from the catalog and the rules alone: which tables are reached by
//! which references, in which order rows are found and removed, whose rows they are. Pure data:
//! the preview and the deletion run the same plan, and nothing below it decides a rule anew.

mod associations;
mod build;
mod ownership;
mod refusal;
mod rules;
mod shared_scan;
mod strategy;
#[cfg(test)]
mod tests;
mod waiting;

pub use build::{build, nulled_columns};
pub use ownership::Ownership;
pub use refusal::{Refusal, RefusalKind};
pub use rules::{
    Checks, Condition, Consent, EngineCascade, Erased, Force, ForeignAction, Guards, Keeping,
    LeaveBehind, Pattern, Rules, Severed,
};
pub use shared_scan::{can_share, pays};

use crate::catalog::{Catalog, Exclusion, Key, ReferenceId, Table, TableId};
use crate::graph::Component;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub root: TableId,
    /// Every table that the closure can reach, the root and those with orphans included.
    pub tables: BTreeSet<TableId>,
    /// Those tables, parents before children by the followed references: the order of discovery.
    pub discovery: Vec<Component>,
    /// References along which rows join the closure, in the order of discovery.
    pub followed: Vec<Followed>,
    /// References that are set to null or default where the child row survives.
    pub unlinks: Vec<Unlink>,
    /// Tables of which the policy keeps rows, and those whose rows hang on such by CASCADE and stay with them: each with
    /// the position of the rule that says what becomes of their references.
    pub kept: BTreeMap<TableId, usize>,
    /// References to a root whose rows stay that do not take their rows along: these go on naming it.
    pub linked: Vec<ReferenceId>,
    /// Those tables, children before parents by every reference: the order of deletion.
    pub deletion: Vec<Component>,
    pub ownership: Ownership,
    /// References of associations to rows that may belong to nobody once the last of these is gone.
    pub links: Vec<ReferenceId>,
    /// The root's references to itself along which `--with-children` selects.
    pub children: Vec<ReferenceId>,
    pub rules: Rules,
}

/// A reference along which rows join the closure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Followed {
    pub reference: ReferenceId,
    pub rank: Rank,
}

/// In which round a reference is followed. The rows of the first two are the closure of this run;
/// what only the third adds shows what `--force` would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    Cascade,
    /// RESTRICT or NO ACTION, covered by `--force`.
    Forced,
    /// RESTRICT or NO ACTION, not covered: its rows are protected.
    Protected,
}

impl Rank {
    pub const ALL: [Rank; 3] = [Rank::Cascade, Rank::Forced, Rank::Protected];
}

/// A reference whose surviving child rows are changed instead of deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct Unlink {
    /// Of an erasure the first of those that reach the rows: whatever they name, they are erased.
    pub reference: ReferenceId,
    /// The columns that are written.
    pub columns: Vec<String>,
    pub value: UnlinkValue,
    pub which: Which,
}

/// The rows that an unlink changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All that survive and name a row that goes.
    Surviving,
    /// Asked for by `--foreign unlink|reassign`: only rows of other organizations, and only where
    /// they would be refused.
    Foreign,
    /// Only rows that the policy keeps.
    Kept,
}

impl Unlink {
    /// No row survives by an unlink that NOT NULL forbids: it goes, or the statement fails.
    pub fn is_possible(&self, catalog: &Catalog) -> bool {
        let table = catalog.table(catalog.reference(self.reference).child);
        let required = |name: &String| table.column(name).is_some_and(|column| !column.nullable);
        self.value != UnlinkValue::Null || !self.columns.iter().any(required)
    }

    /// Not the reference's own columns, but others of rows that stay.
    pub fn erases(&self) -> bool {
        matches!(self.value, UnlinkValue::Erased(_))
    }

    /// Does one of these columns change? What a generated one is computed from is not told: any of them may.
    pub fn writes(&self, table: &Table, columns: &[String]) -> bool {
        columns.iter().any(|name| self.columns.contains(name) || table.is_computed(name))
    }

    /// Can what is written make values of `key` occur twice? Nulls are distinct in most keys.
    pub fn may_repeat(&self, table: &Table, key: &Key) -> bool {
        let computed = key.columns.iter().any(|name| table.is_computed(name));
        self.writes(table, &key.columns)
            && (computed || key.nulls_not_distinct || self.value != UnlinkValue::Null)
    }

    /// What else keeps rows apart by something that changes.
    pub fn exclusions<'t>(&self, table: &'t Table) -> impl Iterator<Item = &'t Exclusion> {
        let exclusions = table.exclusions.iter();
        exclusions.filter(|it| it.columns.is_empty() || self.writes(table, &it.columns))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum UnlinkValue {
    Null,
    Default,
    /// The key of another parent row (`--foreign reassign=…:KEY`, or a policy's `default`).
    Key(String),
    /// No unlink, as it is: the row stays and other columns of it are overwritten.
    Erased(Vec<Erased>),
}

impl Plan {
    pub fn followed_into(&self, table: TableId, catalog: &Catalog) -> Vec<Followed> {
        let into = |followed: &&Followed| catalog.reference(followed.reference).child == table;
        self.followed.iter().filter(into).copied().collect()
    }

    /// Can a row of `table` join the closure without being ours? Not where one reference both owns
    /// and reaches it, and names one parent.
    pub fn may_be_foreign(&self, catalog: &Catalog, table: TableId) -> bool {
        let owning = self.owning_of(table);
        let followed = self.followed_into(table, catalog);
        table != self.root
            && !(owning.len() == 1
                && catalog.names_one(owning[0])
                && followed.iter().all(|f| f.reference == owning[0]))
    }

    /// The references by which a row of `table` may be owned.
    pub fn owning_of(&self, table: TableId) -> &[ReferenceId] {
        self.ownership.owning.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The selected rows of this table stay: it is the organizations' own, and these are only emptied.
    pub fn keeps(&self, table: TableId) -> bool {
        self.rules.keep_organization && table == self.root
    }

    /// Rows that name a parent by this reference join its closure.
    pub fn follows(&self, reference: ReferenceId) -> bool {
        self.followed.iter().any(|followed| followed.reference == reference)
    }

    /// Rows that name a parent by this reference may be unlinked from it, be they kept or not.
    pub fn unlinks_by(&self, reference: ReferenceId) -> bool {
        let of_any = |unlink: &&Unlink| unlink.which != Which::Kept;
        self.unlinks.iter().filter(of_any).any(|unlink| unlink.reference == reference)
    }

    /// Rows of `table` may be unlinked.
    pub fn unlinks_in(&self, table: TableId, catalog: &Catalog) -> bool {
        self.unlinks.iter().any(|unlink| catalog.reference(unlink.reference).child == table)
    }

    /// The policy selects rows of `table` that have no owner.
    pub fn has_orphans(&self, table: TableId) -> bool {
        self.rules.orphans.iter().any(|orphans| orphans.table == table)
    }

    /// May rows of other organizations that `reference` reaches be deleted? Other organizations go only where they are
    /// selected: guards, limits and the question to the operator are about these.
    pub fn deletes_foreign(&self, catalog: &Catalog, reference: ReferenceId) -> bool {
        catalog.reference(reference).child != self.root && self.rules.deletes_foreign(reference)
    }

    pub fn foreign_unlink(&self, reference: ReferenceId) -> Option<&Unlink> {
        let foreign = |unlink: &&Unlink| unlink.which == Which::Foreign;
        self.unlinks.iter().filter(foreign).find(|unlink| unlink.reference == reference)
    }
}
