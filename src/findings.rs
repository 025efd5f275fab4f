//! What a plan found in the data: counts, samples and refusals. Measured, then only read.

use crate::catalog::{Catalog, Event, OnDelete, Origin, Reference, ReferenceId, TableId};
use crate::engine::Dialect;
use crate::graph::Component;
use crate::label;
use crate::plan::{EngineCascade, Plan, Rank, Refusal, Unlink, Which};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    pub organizations: Vec<Organization>,
    /// Every statement that found rows, in the order in which it ran.
    pub found: Vec<Found>,
    /// The same of root rows that stay.
    pub staying: Vec<Found>,
    /// Rows that go on naming those, by reference.
    pub linked: Vec<(ReferenceId, u64)>,
    /// Rows that stay as the policy says, per table.
    pub stays: BTreeMap<TableId, u64>,
    /// Rows that belong to nobody any more, by the reference of the association whose last row goes.
    pub unassociated: Vec<(ReferenceId, u64)>,
    /// Unlinks with rows.
    pub unlinked: Vec<Unlinked>,
    /// Rows that they change: one that several unlinks concern counts once.
    pub unlinked_rows: u64,
    /// Rows that the selected organizations share with others, and that go.
    pub shared: Vec<Shared>,
    pub refusals: Vec<Refusal>,
    /// What stays although a scope column says whose it is, agreed to or not.
    pub left_behind: Vec<LeftBehind>,
    /// Rows go from the top down as they are found, and unlinks come last.
    pub top_down: bool,
    /// The engine's own DELETE of the selected rows takes the rest along.
    pub engine_cascade: bool,
    /// A standby keeps no keys: whose the rows are, and what stands in their way, was not asked.
    pub only_counted: bool,
    /// A batch: more rows may be there.
    pub is_cut: bool,
    /// Of the rows of each step, where it was asked for.
    pub digests: BTreeMap<Step, String>,
    /// What was proven before COMMIT.
    pub proof: Proof,
    /// For scripts: the statements that found which rows `--foreign` keeps out of the closure.
    pub prelude: Vec<String>,
}

/// What was proven by something else than what found the rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proof {
    /// What was not, and why.
    pub missing: Vec<String>,
    /// What triggers or rules wrote besides, as the engine counts it.
    pub beyond: Vec<Beyond>,
    /// How long deferred constraints took, which are checked before COMMIT. `None`: the engine defers nothing.
    pub settled: Option<Duration>,
}

/// What a rehearsal has learnt beside the rows: it did all of it but COMMIT.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// From the first lock to where COMMIT would have come.
    pub until_commit: Duration,
    /// What was held, by kind; or why that is not known.
    pub locks: Result<Vec<Locks>, String>,
}

/// Locks of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Locks {
    pub kind: String,
    /// Tables, or how many rows.
    pub on: Vec<String>,
}

/// Rows of a table that were written beyond what was shown. Those that a trigger took back may be among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Beyond {
    pub table: String,
    pub deleted: u64,
    pub inserted: u64,
    pub updated: u64,
    /// Truncated or altered: nobody counted its rows.
    pub rewritten: bool,
}

impl Proof {
    /// What another transaction of the same series left unproven.
    pub fn add(&mut self, other: Proof) {
        for missing in other.missing {
            if !self.missing.contains(&missing) {
                self.missing.push(missing);
            }
        }
        for more in other.beyond {
            match self.beyond.iter_mut().find(|one| one.table == more.table) {
                Some(one) => {
                    one.deleted += more.deleted;
                    one.inserted += more.inserted;
                    one.updated += more.updated;
                    one.rewritten |= more.rewritten;
                }
                None => self.beyond.push(more),
            }
        }
    }
}

/// What must be found again: what somebody has seen and confirmed, or saved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    /// Their keys.
    pub organizations: Vec<String>,
    /// What they are called; none, where nobody noted it.
    pub titles: Vec<String>,
    pub rows: BTreeMap<TableId, u64>,
    /// By position in [`Plan::unlinks`].
    pub unlinked: BTreeMap<usize, u64>,
    pub digests: BTreeMap<Step, String>,
    /// Rows that stay though they name what goes; `None` where nobody knows.
    pub left_behind: BTreeMap<ReferenceId, Option<u64>>,
}

impl From<&Findings> for Expected {
    fn from(findings: &Findings) -> Expected {
        let unlinked = findings.unlinked.iter().map(|found| (found.unlink, found.rows));
        Expected {
            organizations: findings.organizations.iter().map(|one| one.key.clone()).collect(),
            titles: findings.organizations.iter().map(Organization::title).collect(),
            rows: findings.rows(),
            unlinked: unlinked.collect(),
            digests: findings.digests.clone(),
            left_behind: findings
                .left_behind
                .iter()
                .map(|it| (it.scope, it.rows.known()))
                .collect(),
        }
    }
}

/// A selected root row.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    pub key: String,
    pub name: Option<String>,
    pub age_seconds: Option<i64>,
}

impl Organization {
    /// `Apex (key 1)`
    pub fn title(&self) -> String {
        label::organization(self.name.as_deref(), &self.key)
    }
}

/// Rows that one statement added to the closure.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub table: TableId,
    /// `None` for the selected root rows themselves.
    pub reference: Option<ReferenceId>,
    pub rank: Rank,
    pub rows: u64,
    /// The statement as a script would run it.
    pub script: String,
}

/// Surviving rows whose reference is overwritten.
#[derive(Debug, Clone, PartialEq)]
pub struct Unlinked {
    /// Position in [`Plan::unlinks`].
    pub unlink: usize,
    pub rows: u64,
    /// Other organizations that own such rows.
    pub organizations: Vec<(String, u64)>,
    /// Rows that belong to the selected organizations alone and stay behind without an owner.
    pub stranded: u64,
}

impl Unlinked {
    /// More rows that were unlinked by the same reference.
    pub fn add(&mut self, more: Unlinked) {
        self.rows += more.rows;
        self.stranded += more.stranded;
        for (name, rows) in more.organizations {
            match self.organizations.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known += rows,
                None => self.organizations.push((name, rows)),
            }
        }
    }
}

/// All unlinks that change rows of one table: positions in [`Plan::unlinks`].
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub table: TableId,
    pub unlinks: Vec<usize>,
}

/// The unlinks by the table that they change.
pub fn changes(catalog: &Catalog, plan: &Plan, unlinked: &[Unlinked]) -> Vec<Change> {
    let mut tables = BTreeMap::<TableId, Vec<usize>>::new();
    for found in unlinked {
        let child = catalog.reference(plan.unlinks[found.unlink].reference).child;
        tables.entry(child).or_default().push(found.unlink);
    }
    tables.into_iter().map(|(table, unlinks)| Change { table, unlinks }).collect()
}

#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    pub table: TableId,
    pub organizations: Vec<(String, u64)>,
}

/// Rows that a scope column says are the selected organizations', and that survive.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftBehind {
    pub scope: ReferenceId,
    pub rows: Counted,
}

/// How many rows there are.
#[derive(Debug, Clone, PartialEq)]
pub enum Counted {
    Rows(u64),
    /// Why nobody knows.
    Unknown(String),
}

impl Counted {
    pub fn known(&self) -> Option<u64> {
        match self {
            Counted::Rows(rows) => Some(*rows),
            Counted::Unknown(_) => None,
        }
    }
}

/// One unit of work with rows, in the order of execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Position in [`Plan::unlinks`].
    Unlink(usize),
    Delete(TableId),
}

/// What is done at once.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    Unlink(Change),
    Delete(Component),
}

impl Findings {
    /// Nothing was selected, or nothing is there beside organizations that stay.
    pub fn is_empty(&self) -> bool {
        let idle = || self.unlinked.is_empty() && self.refusals.is_empty();
        let nothing =
            || if self.staying.is_empty() { self.organizations.is_empty() } else { idle() };
        self.found.is_empty() && nothing()
    }

    /// Rows of the closure per table.
    pub fn rows(&self) -> BTreeMap<TableId, u64> {
        let mut rows = BTreeMap::new();
        for found in &self.found {
            *rows.entry(found.table).or_default() += found.rows;
        }
        rows
    }

    /// How the rows of a table were reached, each row counted once, by its first reference.
    pub fn reached_by(&self, table: TableId) -> Vec<(Option<ReferenceId>, u64)> {
        let mut reached: Vec<(Option<ReferenceId>, u64)> = Vec::new();
        for found in self.found.iter().filter(|found| found.table == table) {
            match reached.iter_mut().find(|(reference, _)| *reference == found.reference) {
                Some((_, rows)) => *rows += found.rows,
                None => reached.push((found.reference, found.rows)),
            }
        }
        reached
    }

    pub fn deleted(&self) -> u64 {
        self.found.iter().map(|found| found.rows).sum()
    }

    pub fn is_refused(&self) -> bool {
        !self.refusals.is_empty()
    }

    /// The steps that have rows, with their number, in the order of execution.
    pub fn steps(&self, catalog: &Catalog, plan: &Plan) -> Vec<(Step, u64)> {
        let rows = self.rows();
        let delete = |table: &TableId| Some((Step::Delete(*table), *rows.get(table)?));
        let unlink = |position: usize| {
            let found = self.unlinked.iter().find(|found| found.unlink == position)?;
            Some((Step::Unlink(position), found.rows))
        };
        if !self.top_down && !self.engine_cascade {
            let work = self.work(catalog, plan, &BTreeSet::new()).into_iter();
            return work
                .flat_map(|work| -> Vec<(Step, u64)> {
                    match work {
                        Work::Unlink(change) => {
                            change.unlinks.into_iter().filter_map(unlink).collect()
                        }
                        Work::Delete(tables) => tables.iter().filter_map(delete).collect(),
                    }
                })
                .collect();
        }
        let mut found: Vec<TableId> = Vec::new();
        for table in self.found.iter().map(|found| found.table) {
            if !found.contains(&table) {
                found.push(table);
            }
        }
        let unlinks = self.unlinked.iter().filter_map(|found| unlink(found.unlink));
        found.iter().filter_map(delete).chain(unlinks).collect()
    }

    /// Triggers see rows go together with others, which they may look for.
    pub fn is_seen_by_triggers(&self, catalog: &Catalog) -> bool {
        let rows = self.rows();
        let seen = |table: &TableId| catalog.table(*table).is_seen(&[Event::Delete]);
        rows.len() + self.unlinked.len() > 1 && rows.keys().any(seen)
    }

    /// `--engine-cascade`, where it is not at work already, would delete just these rows, parents before children.
    pub fn may_cascade(&self, dialect: Dialect, catalog: &Catalog, plan: &Plan) -> bool {
        let by_itself = dialect.cascades_fire_triggers() && self.is_seen_by_triggers(catalog);
        let unasked = match plan.rules.engine_cascade {
            EngineCascade::Auto => !by_itself,
            EngineCascade::Always => false,
            EngineCascade::Never => true,
        };
        let several = self.rows().len() + self.unlinked.len() > 1;
        unasked && several && self.beyond_cascades(dialect, catalog, plan).is_none()
    }

    /// What the engine's own DELETE of the selected rows would not do, or not as it was found.
    pub fn beyond_cascades(
        &self,
        dialect: Dialect,
        catalog: &Catalog,
        plan: &Plan,
    ) -> Option<String> {
        if plan.rules.keep_organization {
            return Some("the organizations themselves stay".into());
        }
        if !self.stays.is_empty() {
            return Some("the policy keeps some of the rows".into());
        }
        let rows = self.rows();
        let is_own = |reference: &Reference, actions: &[OnDelete]| {
            reference.declaration.origin == Origin::Database
                && reference.enforced
                && actions.contains(&reference.on_delete)
        };
        for found in &self.found {
            let Some(id) = found.reference else {
                if found.table != plan.root {
                    return Some("the policy's orphans go along".into());
                }
                continue;
            };
            if !is_own(catalog.reference(id), &[OnDelete::Cascade]) {
                return Some(format!(
                    "{} is no cascade of the database",
                    catalog.reference_arrow(id)
                ));
            }
        }
        for unlinked in &self.unlinked {
            let unlink = &plan.unlinks[unlinked.unlink];
            let reference = catalog.reference(unlink.reference);
            let actions = [OnDelete::SetNull, OnDelete::SetDefault];
            if unlink.which != Which::Surviving || !is_own(reference, &actions) {
                let arrow = catalog.reference_arrow(unlink.reference);
                return Some(format!(
                    "{arrow} is unlinked, which the database does not do by itself"
                ));
            }
        }
        let both = plan.unlinks.iter().find_map(|unlink| {
            let reference = catalog.reference(unlink.reference);
            if !rows.contains_key(&reference.parent) || !rows.contains_key(&reference.child) {
                return None;
            }
            let first = |id: &ReferenceId| {
                let other = catalog.reference(*id);
                rows.contains_key(&other.parent)
                    && !dialect.cascades_before(plan.root, other, reference)
            };
            let mut users = plan.users_of_its_columns(catalog, unlink).into_iter();
            Some((unlink.reference, users.find(first)?))
        });
        if let Some((unlinks, follows)) = both {
            return Some(format!(
                "{} changes columns of {}, before or after that takes the row along",
                catalog.reference_arrow(unlinks),
                catalog.reference_arrow(follows)
            ));
        }
        // The engine may stumble over its own order, or do what the policy has told otherwise.
        let other = catalog.reference_ids().find(|id| {
            let reference = catalog.reference(*id);
            let inside =
                rows.contains_key(&reference.parent) && rows.contains_key(&reference.child);
            let stops = matches!(reference.on_delete, OnDelete::Restrict | OnDelete::NoAction);
            reference.is_constraint()
                && ((inside && stops)
                    || (reference.declaration.origin == Origin::Overridden
                        && rows.contains_key(&reference.parent)))
        })?;
        let action = catalog.reference(other).on_delete;
        Some(format!(
            "{} ({action}) is not for the database to follow",
            catalog.reference_arrow(other)
        ))
    }

    /// From the bottom up: unlinks, then children before parents. An unlink may write a value that a
    /// row of its table has which goes: it comes after that row, where it can still come before the
    /// parents. Rows of the tables in `taken` are gone already.
    pub fn work(&self, catalog: &Catalog, plan: &Plan, taken: &BTreeSet<TableId>) -> Vec<Work> {
        let components = self.components(plan);
        let place = |table: TableId| components.iter().position(|tables| tables.contains(&table));
        let is_late = |change: &Change| {
            let unlinks = || change.unlinks.iter().map(|position| &plan.unlinks[*position]);
            let table = catalog.table(change.table);
            let may_repeat = |unlink: &Unlink| {
                table.keys.iter().any(|key| unlink.may_repeat(table, key))
                    || unlink.exclusions(table).next().is_some()
            };
            let parent = |unlink: &Unlink| catalog.reference(unlink.reference).parent;
            let own = place(change.table);
            own.is_some()
                && unlinks().all(|unlink| place(parent(unlink)) > own)
                && unlinks().any(may_repeat)
        };
        let (late, first): (Vec<Change>, Vec<Change>) =
            changes(catalog, plan, &self.unlinked).into_iter().partition(is_late);
        let mut work: Vec<Work> = first.into_iter().map(Work::Unlink).collect();
        for tables in components {
            let unlinked = late.iter().filter(|change| tables.contains(&change.table)).cloned();
            let unlinked: Vec<Work> = unlinked.map(Work::Unlink).collect();
            let left: Component =
                tables.into_iter().filter(|table| !taken.contains(table)).collect();
            work.extend((!left.is_empty()).then_some(Work::Delete(left)));
            work.extend(unlinked);
        }
        work
    }

    /// The components of the deletion that have rows, and only their tables that have.
    pub fn components(&self, plan: &Plan) -> Vec<Component> {
        let rows = self.rows();
        let with_rows = |component: &Component| -> Component {
            component.iter().copied().filter(|table| rows.contains_key(table)).collect()
        };
        plan.deletion.iter().map(with_rows).filter(|component| !component.is_empty()).collect()
    }
}
