//! Why one row goes, or stays: what was found about it, and what follows from that. Plain data.

mod ancestry;

pub use ancestry::{Ancestry, Step, Way};

use crate::catalog::{Catalog, OnDelete, ReferenceId, TableId};
use crate::findings::Organization;
use crate::plan::{Plan, Rank, Unlink, UnlinkValue};

/// Everything that is known about one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The selected organizations.
    pub organizations: Vec<Organization>,
    /// The row in question is the first of them.
    pub ancestry: Ancestry,
    /// The organizations that the row belongs to.
    pub owners: Vec<Owner>,
    /// Every reference that the row has.
    pub names: Vec<Naming>,
    /// Whose the row turned out to be, where that was a question.
    pub judged: Option<Judgement>,
    /// The scope column, and the organization that is not selected, of which it says that the row is its.
    pub said: Option<(ReferenceId, String)>,
    /// Unlinks that change the row: positions in [`Plan::unlinks`].
    pub unlinks: Vec<usize>,
    /// Rows that protect this one.
    pub protectors: Vec<Protector>,
    /// How many reasons there are for refusing the whole deletion.
    pub refusals: usize,
}

/// A row as people know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Relative {
    pub table: TableId,
    /// `DLID0001 - Global Corp (id 7)`
    pub title: String,
    pub standing: Standing,
    /// It is refused as somebody else's, and no consent covers every reference that reaches it.
    pub refused: bool,
}

/// What becomes of a row, as far as the closure tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// An organization that is meant, or one of the policy's orphans.
    Selected,
    Goes,
    NeedsForce,
    Stays,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Owner {
    pub title: String,
    pub selected: bool,
}

/// What the row names by one reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Naming {
    pub reference: ReferenceId,
    pub parent: Named,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Named {
    Nobody,
    /// The values of the row's columns, for which there is no parent.
    Missing(String),
    /// This role may not read the parents.
    Unreadable,
    Row {
        parent: Relative,
        /// `--foreign unlink|reassign` keeps the row although this parent goes.
        excluded: bool,
    },
}

/// Whose a suspect turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Ours after all, or shared or nobody's and reached by a CASCADE reference.
    Passed,
    Foreign,
    Shared,
    Global,
}

/// Rows that name this one by a reference that protects it.
#[derive(Debug, Clone, PartialEq)]
pub struct Protector {
    pub reference: ReferenceId,
    pub rows: u64,
    pub samples: Vec<String>,
}

/// What a clean with these flags does with the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Selected,
    Goes,
    NeedsForce,
    /// Refused: it belongs to others.
    Foreign,
    /// Refused: it belongs to others, too.
    Shared,
    /// Refused: it belongs to nobody.
    Global,
    /// Every way to it leads through a row that is refused.
    RefusedParent,
    Unlinked,
    Stays,
}

/// What follows from one reference of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Names nobody, or a row that does not exist.
    NamesNobody,
    ParentStays,
    Unreadable,
    /// The parent goes, and the row with it.
    Followed,
    /// The parent goes only with `--force`, or the row only goes with it by `--force`.
    NeedsForce,
    Unlinked,
    /// The parent goes; the row goes as well, so nothing is unlinked.
    Moot,
    /// The parent goes, and `--foreign` keeps the row.
    Consent,
    /// The policy keeps this row.
    Kept,
    /// The parent goes, and the policy takes no notice.
    Ignored,
}

impl Explanation {
    pub fn row(&self) -> &Relative {
        &self.ancestry.rows[0]
    }

    pub fn verdict(&self) -> Verdict {
        let row = self.row();
        match (row.standing, self.judged) {
            (Standing::Selected, _) => Verdict::Selected,
            (Standing::Stays, _) if self.unlinks.is_empty() => Verdict::Stays,
            (Standing::Stays, _) => Verdict::Unlinked,
            _ if self.said.is_some() => Verdict::Foreign,
            (_, Some(Judgement::Foreign)) if row.refused => Verdict::Foreign,
            (_, Some(Judgement::Shared)) if row.refused => Verdict::Shared,
            (_, Some(Judgement::Global)) if row.refused => Verdict::Global,
            (standing, _) => self.verdict_on_ways(standing),
        }
    }

    /// The first way is the best there is.
    fn verdict_on_ways(&self, standing: Standing) -> Verdict {
        match self.ancestry.ways().first() {
            Some(way) if way.refused.is_some() => Verdict::RefusedParent,
            Some(way) if way.needs_force => Verdict::NeedsForce,
            None if standing == Standing::NeedsForce => Verdict::NeedsForce,
            _ => Verdict::Goes,
        }
    }

    /// The refused row through which the first way leads, where every way leads through one.
    pub fn behind(&self) -> Option<&Relative> {
        let ways = self.ancestry.ways();
        ways.first().and_then(|way| way.refused).map(|row| &self.ancestry.rows[row])
    }

    pub fn effect(&self, naming: &Naming, catalog: &Catalog, plan: &Plan) -> Effect {
        let (parent, excluded) = match &naming.parent {
            Named::Nobody | Named::Missing(_) => return Effect::NamesNobody,
            Named::Unreadable => return Effect::Unreadable,
            Named::Row { parent, excluded } => (parent, *excluded),
        };
        let linked = plan.keeps(parent.table) && !plan.follows(naming.reference);
        if parent.standing == Standing::Stays || linked {
            return Effect::ParentStays;
        }
        if excluded {
            let kept = plan.kept.contains_key(&self.row().table);
            let consented = plan.foreign_unlink(naming.reference).is_some();
            return if kept && !consented { Effect::Kept } else { Effect::Consent };
        }
        let followed = plan.followed.iter().find(|f| f.reference == naming.reference);
        match (followed, catalog.reference(naming.reference).on_delete) {
            (Some(followed), _) if followed.rank == Rank::Protected => Effect::NeedsForce,
            (Some(_), _) if parent.standing == Standing::NeedsForce => Effect::NeedsForce,
            (Some(_), _) => Effect::Followed,
            (None, OnDelete::Ignore) => Effect::Ignored,
            (None, _) if self.row().standing == Standing::Stays => Effect::Unlinked,
            (None, _) => Effect::Moot,
        }
    }

    /// What an unlink by this reference writes.
    pub fn becomes<'a>(&self, reference: ReferenceId, plan: &'a Plan) -> Option<&'a UnlinkValue> {
        let mut unlinks = self.unlinks.iter().map(|position| &plan.unlinks[*position]);
        let is_it = |unlink: &&Unlink| unlink.reference == reference && !unlink.erases();
        unlinks.find(is_it).map(|unlink| &unlink.value)
    }
}
