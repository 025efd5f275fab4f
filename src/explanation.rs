//! Why one row goes, or stays: what was found about it, and what follows from that. Plain data.

use crate::catalog::{Catalog, OnDelete, ReferenceId, TableId};
use crate::findings::Organization;
use crate::plan::{Plan, Rank, UnlinkValue};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

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
    /// What the firewall says of the row, where it is an exception.
    pub judged: Option<Judgement>,
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

/// The firewall's word on a row that is not simply ours.
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

/// The rows from which the first one can be reached, itself included, and how.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ancestry {
    pub rows: Vec<Relative>,
    pub steps: Vec<Step>,
    /// There are more rows than were looked at.
    pub cut: bool,
}

/// `child` names `parent`, and joins the closure with it. Both are positions in the ancestry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub child: usize,
    pub parent: usize,
    pub reference: ReferenceId,
    pub rank: Rank,
}

/// A way from a selected row down to the row in question.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// Position of the selected row that it begins with.
    pub start: usize,
    /// From there down.
    pub steps: Vec<Step>,
    /// Not without `--force`.
    pub needs_force: bool,
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
    /// The parent goes, and the policy takes no notice.
    Ignored,
}

impl Explanation {
    pub fn row(&self) -> &Relative {
        &self.ancestry.rows[0]
    }

    pub fn verdict(&self, plan: &Plan) -> Verdict {
        let consented = |step: &Step| plan.rules.deletes_foreign(step.reference);
        let all_consented = self.ancestry.steps.iter().filter(|s| s.child == 0).all(consented);
        match (self.row().standing, self.judged) {
            (Standing::Selected, _) => Verdict::Selected,
            (Standing::Stays, _) if self.unlinks.is_empty() => Verdict::Stays,
            (Standing::Stays, _) => Verdict::Unlinked,
            (_, Some(Judgement::Foreign)) if !all_consented => Verdict::Foreign,
            (_, Some(Judgement::Shared)) if !all_consented => Verdict::Shared,
            (_, Some(Judgement::Global)) if !all_consented => Verdict::Global,
            (Standing::NeedsForce, _) => Verdict::NeedsForce,
            (Standing::Goes, _) => Verdict::Goes,
        }
    }

    pub fn effect(&self, naming: &Naming, catalog: &Catalog, plan: &Plan) -> Effect {
        let (parent, excluded) = match &naming.parent {
            Named::Nobody | Named::Missing(_) => return Effect::NamesNobody,
            Named::Unreadable => return Effect::Unreadable,
            Named::Row { parent, excluded } => (parent, *excluded),
        };
        if parent.standing == Standing::Stays {
            return Effect::ParentStays;
        }
        if excluded {
            return Effect::Consent;
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
        unlinks.find(|unlink| unlink.reference == reference).map(|unlink| &unlink.value)
    }
}

impl Ancestry {
    /// Every way to the first row, one for each parent that it names: the shortest; without
    /// `--force` where there is one. Those that need none come first, then the shorter ones.
    pub fn ways(&self) -> Vec<Way> {
        let free = self.descend(|step| step.rank < Rank::Protected);
        let any = self.descend(|_| true);
        let last = self.steps.iter().filter(|step| step.child == 0);
        let mut ways: Vec<Way> = last
            .filter_map(|last| match last.rank < Rank::Protected {
                true => way(&free, *last, false).or_else(|| way(&any, *last, true)),
                false => way(&any, *last, true),
            })
            .collect();
        ways.sort_by_key(|way| (way.needs_force, way.steps.len()));
        ways
    }

    /// Breadth first from the selected rows: for every row reached the step that reaches it first.
    /// No way leads through the row in question.
    fn descend(&self, counts: impl Fn(&Step) -> bool) -> BTreeMap<usize, Option<Step>> {
        let mut below: BTreeMap<usize, Vec<Step>> = BTreeMap::new();
        for step in self.steps.iter().filter(|step| counts(step) && step.child != 0) {
            below.entry(step.parent).or_default().push(*step);
        }
        let selected = |(_, row): &(usize, &Relative)| row.standing == Standing::Selected;
        let starts = self.rows.iter().enumerate().filter(selected);
        let mut reached: BTreeMap<usize, Option<Step>> =
            starts.map(|(start, _)| (start, None)).collect();
        let mut queue: VecDeque<usize> = reached.keys().copied().collect();
        while let Some(parent) = queue.pop_front() {
            for step in below.get(&parent).into_iter().flatten() {
                if let Entry::Vacant(unreached) = reached.entry(step.child) {
                    unreached.insert(Some(*step));
                    queue.push_back(step.child);
                }
            }
        }
        reached
    }
}

/// The way that ends with `last`, where its parent was reached.
fn way(reached: &BTreeMap<usize, Option<Step>>, last: Step, needs_force: bool) -> Option<Way> {
    let mut steps = vec![last];
    let mut at = last.parent;
    while let Some(step) = reached.get(&at)? {
        steps.push(*step);
        at = step.parent;
    }
    steps.reverse();
    Some(Way { start: at, steps, needs_force })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    /// `0<1` says that row 0 names row 1; `!` that it takes force. Row 9 is selected.
    fn check(steps: &str, expected: Expect) {
        let standing = |n| if n == 9 { Standing::Selected } else { Standing::Goes };
        let row = |n| Relative { table: TableId(n), title: n.to_string(), standing: standing(n) };
        let step = |(n, text): (usize, &str)| {
            let rank = if text.ends_with('!') { Rank::Protected } else { Rank::Cascade };
            let (child, parent) = text.trim_end_matches('!').split_once('<').expect("child<parent");
            let number = |text: &str| text.parse().expect("a number");
            let (child, parent) = (number(child), number(parent));
            Step { child, parent, reference: ReferenceId(n), rank }
        };
        let steps = steps.split_whitespace().enumerate().map(step).collect();
        let ancestry = Ancestry { rows: (0..10).map(row).collect(), steps, cut: false };
        let line = |way: &Way| {
            let rows: Vec<String> = way.steps.iter().map(|step| step.child.to_string()).collect();
            let force = if way.needs_force { " needs force" } else { "" };
            format!("{} {}{force}\n", way.start, rows.join(" "))
        };
        expected.assert_eq(&ancestry.ways().iter().map(line).collect::<String>());
    }

    #[test]
    fn the_shortest_way_without_force_comes_first() {
        check(
            "0<9! 0<1 1<2 2<9 1<3 3<9!",
            expect![[r#"
                9 2 1 0
                9 0 needs force
            "#]],
        );
        check(
            "0<1 1<9 0<9",
            expect![[r#"
                9 0
                9 1 0
            "#]],
        );
    }

    #[test]
    fn a_way_that_takes_force_anywhere_takes_force() {
        check(
            "0<1 1<9!",
            expect![[r#"
                9 1 0 needs force
            "#]],
        );
    }

    #[test]
    fn circles_are_no_ways() {
        check("0<0 0<1 1<0", expect![[""]]);
        check(
            "0<1 1<2 2<1 2<9 1<0",
            expect![[r#"
                9 2 1 0
            "#]],
        );
    }
}
