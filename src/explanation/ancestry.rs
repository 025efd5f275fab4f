//! The rows by which a row is reached, and the ways through them.

use super::{Relative, Standing};
use crate::catalog::ReferenceId;
use crate::plan::Rank;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

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
    /// The first row on it, above the one in question, that is refused as somebody else's.
    pub refused: Option<usize>,
}

impl Ancestry {
    /// Every way to the first row, one for each parent that it names: past refused rows only where
    /// there is no other, by `--force` only where there is no other, the shortest of those. The ways
    /// are in this order, too.
    pub fn ways(&self) -> Vec<Way> {
        let open = |step: &Step| !self.rows[step.parent].refused;
        let free = |step: &Step| step.rank < Rank::Protected;
        let kinds: [&dyn Fn(&Step) -> bool; 4] =
            [&|step| open(step) && free(step), &open, &free, &|_| true];
        let reached = kinds.map(|counts| (counts, self.descend(counts)));
        let best = |last: &Step| {
            let mut kinds = reached.iter().filter(|(counts, _)| counts(last));
            kinds.find_map(|(_, reached)| self.way(reached, *last))
        };
        let mut ways: Vec<Way> =
            self.steps.iter().filter(|step| step.child == 0).filter_map(best).collect();
        ways.sort_by_key(|way| (way.refused.is_some(), way.needs_force, way.steps.len()));
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

    /// The way that ends with `last`, where its parent was reached.
    fn way(&self, reached: &BTreeMap<usize, Option<Step>>, last: Step) -> Option<Way> {
        let mut steps = vec![last];
        let mut at = last.parent;
        while let Some(step) = reached.get(&at)? {
            steps.push(*step);
            at = step.parent;
        }
        steps.reverse();
        let needs_force = steps.iter().any(|step| step.rank == Rank::Protected);
        let refused = steps.iter().map(|step| step.parent).find(|row| self.rows[*row].refused);
        Some(Way { start: at, steps, needs_force, refused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::TableId;
    use expect_test::{Expect, expect};

    /// `0<1` says that row 0 names row 1; `!` that it takes force. Row 9 is selected, 8 refused.
    fn check(steps: &str, expected: Expect) {
        let standing = |n| if n == 9 { Standing::Selected } else { Standing::Goes };
        let row = |n| Relative {
            table: TableId(n),
            title: n.to_string(),
            standing: standing(n),
            refused: n == 8,
        };
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
            let refused = if way.refused.is_some() { " refused" } else { "" };
            format!("{} {}{force}{refused}\n", way.start, rows.join(" "))
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
    fn a_way_past_a_refused_row_comes_last() {
        check(
            "0<8 8<9 0<1 1<8 1<2! 2<9",
            expect![[r#"
            9 2 1 0 needs force
            9 8 0 refused
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
