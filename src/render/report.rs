//! The one view of a plan and its findings that every format shows.

use crate::catalog::{Catalog, Event, OnDelete, Origin, Reference, ReferenceId, TableId};
use crate::engine::{Dialect, Silence};
use crate::findings::{Beyond, Counted, Findings, LeftBehind, Proof, Rehearsal, Step};
use crate::label::shell_word;
use crate::plan::{Plan, Unlink, UnlinkValue, Which};
use crate::restoration::{Firing, Kinds, firing};
use crate::sql::{Sql, fixes};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything that a rendering may say.
pub struct Report<'a> {
    pub command: &'static str,
    pub outcome: Outcome,
    pub exit: u8,
    /// Redacted.
    pub database: String,
    pub dialect: Dialect,
    /// As whom the session works, where it lacks a privilege.
    pub role: &'a str,
    pub catalog: &'a Catalog,
    pub plan: &'a Plan,
    pub findings: &'a Findings,
    pub durations: BTreeMap<Step, Duration>,
    /// What a rehearsal has learnt.
    pub rehearsal: Option<&'a Rehearsal>,
    /// The files that keep what went; several of a series of batches.
    pub archives: Vec<String>,
    /// Why the reference checks are what they are.
    pub checks_reason: String,
    /// What keeps triggers from firing when the rows are put back.
    pub silence: Silence,
    /// What was looked for: `--org-name Apex`.
    pub selection: String,
    /// The SQL conditions that it stands for.
    pub conditions: &'a [String],
    /// What to type next.
    pub next: Option<String>,
    /// What brings back what is gone.
    pub restore: Option<String>,
    /// Tables without rows, too.
    pub all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Previewed,
    Cleaned,
    /// All of it was done but COMMIT.
    Rehearsed,
    Refused,
    Nothing,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Previewed => "previewed",
            Outcome::Cleaned => "cleaned",
            Outcome::Rehearsed => "rehearsed",
            Outcome::Refused => "refused",
            Outcome::Nothing => "nothing",
        }
    }
}

/// One step of the plan with what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepView {
    pub order: usize,
    pub action: &'static str,
    pub table: String,
    /// The reference that is unlinked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    pub rows: u64,
    pub reached_by: Vec<ReachedView>,
    /// Other organizations that own unlinked rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<OwnerView>,
    /// Unlinked rows that stay behind without an owner.
    #[serde(skip_serializing_if = "is_zero")]
    pub stranded: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<f64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A reference by which rows of a step were reached, and how many of them first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReachedView {
    /// `None` for the selected organizations themselves, and for orphans.
    pub reference: Option<String>,
    #[serde(skip)]
    pub columns: String,
    pub parent: Option<String>,
    pub on_delete: Option<&'static str>,
    pub rows: u64,
    pub needs_force: bool,
    /// It has the force that it needs.
    #[serde(skip)]
    pub forced: bool,
    /// The policy declares the reference, or overrides its action.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_policy: bool,
}

impl ReachedView {
    /// By no reference.
    fn named(columns: String, rows: u64) -> ReachedView {
        ReachedView {
            reference: None,
            columns,
            parent: None,
            on_delete: None,
            rows,
            needs_force: false,
            forced: false,
            by_policy: false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OwnerView {
    pub organization: String,
    pub rows: u64,
}

impl Report<'_> {
    /// The steps with rows in order of execution; with `all`, then the tables without.
    pub fn steps(&self) -> Vec<StepView> {
        let steps = self.findings.steps(self.catalog, self.plan);
        let mut views: Vec<StepView> =
            steps.into_iter().map(|(step, rows)| self.step(step, rows)).collect();
        if self.all {
            views.extend(
                self.empty_tables().into_iter().map(|table| self.step(Step::Delete(table), 0)),
            );
        }
        for (n, view) in views.iter_mut().enumerate() {
            view.order = n + 1;
        }
        views
    }

    /// Reachable tables of which nothing goes.
    pub fn empty_tables(&self) -> Vec<TableId> {
        let rows = self.findings.rows();
        let tables = self.plan.deletion.iter().flatten();
        let is_empty = |table: &&TableId| !rows.contains_key(table) && !self.plan.keeps(**table);
        tables.filter(is_empty).copied().collect()
    }

    pub fn table_name(&self, table: TableId) -> String {
        self.catalog.table(table).name.to_string()
    }

    fn step(&self, step: Step, rows: u64) -> StepView {
        let milliseconds = self.durations.get(&step).map(|took| took.as_secs_f64() * 1000.0);
        match step {
            Step::Delete(table) => StepView {
                order: 0,
                action: "delete",
                table: self.table_name(table),
                reference: None,
                rows,
                reached_by: self.reached_by(table),
                organizations: Vec::new(),
                stranded: 0,
                milliseconds,
            },
            Step::Unlink(position) if self.plan.unlinks[position].erases() => {
                let unlink = &self.plan.unlinks[position];
                let table = self.catalog.reference(unlink.reference).child;
                StepView {
                    order: 0,
                    action: "erase",
                    table: self.table_name(table),
                    reference: None,
                    rows,
                    reached_by: vec![ReachedView::named(unlink.columns.join(", "), rows)],
                    organizations: Vec::new(),
                    stranded: 0,
                    milliseconds,
                }
            }
            Step::Unlink(position) => {
                let unlink = &self.plan.unlinks[position];
                let found = self.findings.unlinked.iter().find(|found| found.unlink == position);
                let owners = found.map_or(&[][..], |found| &found.organizations);
                StepView {
                    order: 0,
                    action: "unlink",
                    table: self.table_name(self.catalog.reference(unlink.reference).child),
                    reference: Some(self.catalog.reference_name(unlink.reference)),
                    rows,
                    reached_by: vec![self.unlinked(unlink, rows)],
                    organizations: owners.iter().map(owner).collect(),
                    stranded: found.map_or(0, |found| found.stranded),
                    milliseconds,
                }
            }
        }
    }

    /// The references that found rows, then those that only protect rows already found.
    fn reached_by(&self, table: TableId) -> Vec<ReachedView> {
        let found = self.findings.reached_by(table);
        let protecting = self.findings.refusals.iter().filter(|refusal| {
            refusal.table == table
                && refusal.kind == crate::plan::RefusalKind::Protected
                && !found.iter().any(|(reference, _)| *reference == refusal.reference)
        });
        let protecting =
            protecting.filter_map(|refusal| refusal.reference).map(|id| self.reached(id, 0));
        let found = found.iter().map(|(reference, rows)| match reference {
            Some(id) => self.reached(*id, *rows),
            None => {
                let how = if table == self.plan.root { "selected" } else { "orphaned" };
                ReachedView::named(how.into(), *rows)
            }
        });
        found.chain(protecting).collect()
    }

    fn unlinked(&self, unlink: &Unlink, rows: u64) -> ReachedView {
        let mut reached = self.reached(unlink.reference, rows);
        // It stays, whatever the reference says.
        reached.needs_force &= unlink.which != Which::Kept;
        if self.catalog.scope_ids().any(|id| id == unlink.reference) {
            reached.columns += ", which is no foreign key";
            (reached.on_delete, reached.by_policy) = (None, false);
        }
        if let UnlinkValue::Key(key) = &unlink.value {
            reached.columns += &format!(" := {key}");
        }
        reached
    }

    fn reached(&self, id: ReferenceId, rows: u64) -> ReachedView {
        let reference = self.catalog.reference(id);
        ReachedView {
            reference: Some(self.catalog.reference_name(id)),
            columns: reference.columns.join(", "),
            parent: Some(self.table_name(reference.parent)),
            on_delete: Some(reference.on_delete.as_str()),
            rows,
            needs_force: matches!(reference.on_delete, OnDelete::Restrict | OnDelete::NoAction),
            forced: self.plan.rules.force.covers(id),
            by_policy: reference.declaration.origin != Origin::Database,
        }
    }

    /// What is worth knowing and stops nothing.
    pub fn notes(&self) -> Vec<String> {
        self.row_notes().into_iter().chain(self.run_notes()).collect()
    }

    /// Of rows that are others' too, and of rows that stay.
    pub fn row_notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let shared = self.findings.shared.iter();
        for shared in shared.filter(|_| !self.plan.rules.guards.refuses_shared) {
            notes.push(format!(
                "rows of {} that are shared with other organizations go too: {}",
                self.table_name(shared.table),
                owners(&shared.organizations),
            ));
        }
        let unlinked = self.findings.unlinked.iter();
        for unlinked in unlinked.filter(|it| !self.plan.unlinks[it.unlink].erases()) {
            let id = self.plan.unlinks[unlinked.unlink].reference;
            let name = self.catalog.reference_arrow(id);
            if !unlinked.organizations.is_empty() {
                notes.push(format!(
                    "{name} is unlinked in rows of other organizations: {}",
                    owners(&unlinked.organizations),
                ));
            }
            if unlinked.stranded > 0 {
                notes.push(format!(
                    "{} of {} without another owner stay behind (--cascade {} takes them along): {name} is {}",
                    super::counted(unlinked.stranded, "row"),
                    self.table_name(self.catalog.reference(id).child),
                    shell_word(&self.catalog.reference_name(id)),
                    self.catalog.reference(id).on_delete,
                ));
            }
        }
        notes.extend(self.unassociated_notes());
        notes.extend(self.left_behind_notes());
        notes.extend(self.staying_notes());
        notes.extend(self.kept_notes());
        notes
    }

    fn unassociated_notes(&self) -> Vec<String> {
        let note = |(id, rows): &(ReferenceId, u64)| {
            let reference = self.catalog.reference(*id);
            let belong = if *rows == 1 { "belongs" } else { "belong" };
            format!(
                "{} of {parent} {belong} to nobody any more, as their last rows of {} go ({}): a policy's [[orphans]] of {parent}, \
                 and then clean --orphans only, delete such rows",
                super::counted(*rows, "row"),
                self.table_name(reference.child),
                self.catalog.reference_name(*id),
                parent = self.table_name(reference.parent),
            )
        };
        self.findings.unassociated.iter().map(note).collect()
    }

    /// What `--keep-organization` leaves: the organizations, and what names them without going along.
    fn staying_notes(&self) -> Vec<String> {
        let root = self.table_name(self.plan.root);
        let stay = (!self.findings.staying.is_empty())
            .then(|| format!("the selected rows of {root} stay, as --keep-organization says"));
        let linked = |(id, rows): &(ReferenceId, u64)| {
            let (name, reference) = (self.catalog.reference_name(*id), self.catalog.reference(*id));
            let (stay, action) = (if *rows == 1 { "stays" } else { "stay" }, reference.on_delete);
            let way = match action {
                OnDelete::Ignore => "the policy keeps them".to_owned(),
                _ => format!("--cascade {} takes them along", shell_word(&name)),
            };
            format!(
                "{} of {} {stay} linked to {root}: {name} is {action} ({way})",
                super::counted(*rows, "row"),
                self.table_name(reference.child),
            )
        };
        stay.into_iter().chain(self.findings.linked.iter().map(linked)).collect()
    }

    /// Rows that stay as the policy says.
    fn kept_notes(&self) -> Vec<String> {
        let note = |(table, rows): (&TableId, &u64)| {
            let stay = if *rows == 1 { "stays" } else { "stay" };
            let rules = &self.plan.rules.keeping;
            let hangs = self.catalog.references.iter().any(|it| {
                it.child == *table
                    && it.on_delete == OnDelete::Cascade
                    && self.plan.kept.contains_key(&it.parent)
            });
            let why = match rules.iter().find(|keeping| keeping.rows.table == *table) {
                Some(keeping) if hangs => {
                    format!("as {} says, or hanging on kept rows", keeping.rows.place)
                }
                Some(keeping) => format!("as {} says", keeping.rows.place),
                None => "hanging on kept rows".to_owned(),
            };
            format!("{} of {} {stay}, {why}", super::counted(*rows, "row"), self.table_name(*table))
        };
        self.findings.stays.iter().map(note).collect()
    }

    /// Of the rest: of schema, engine and what comes after.
    pub fn run_notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.unreferenced_note().into_iter().collect();
        let of_root = self.plan.rules.caveats.iter().filter(|_| !self.plan.keeps(self.plan.root));
        notes.extend(
            of_root.map(|what| format!("the application's own, and not done here: {what}")),
        );
        notes.extend(self.unforeseen_notes());
        notes.extend(self.unindexed_note());
        notes.extend(self.trigger_note());
        notes.extend(self.restore_note());
        notes
    }

    /// What stays because `--leave-behind` says so.
    fn left_behind_notes(&self) -> Vec<String> {
        let agreed = |left: &&LeftBehind| self.plan.rules.leave_behind.covers(left.scope);
        let note = |left: &LeftBehind| {
            let name = self.catalog.reference_name(left.scope);
            match &left.rows {
                Counted::Rows(rows) => format!(
                    "{} of {} {} left behind, as --leave-behind says: {name} names {} that go",
                    super::counted(*rows, "row"),
                    self.table_name(self.catalog.reference(left.scope).child),
                    if *rows == 1 { "is" } else { "are" },
                    self.table_name(self.plan.root)
                ),
                Counted::Unknown(why) => {
                    format!(
                        "whether rows are left behind by {name} is not known, as --leave-behind says: {why}"
                    )
                }
            }
        };
        self.findings.left_behind.iter().filter(agreed).map(note).collect()
    }

    /// Nothing belongs to an organization as far as anybody says.
    fn unreferenced_note(&self) -> Option<String> {
        let root = self.plan.root;
        let leads = |it: &Reference| it.parent == root && it.child != root;
        let mut found = self.findings.found.iter().chain(&self.findings.staying);
        let alone =
            found.any(|found| found.table == root) && !self.catalog.references.iter().any(leads);
        alone.then(|| {
            let table = self.table_name(root);
            let what = if self.plan.keeps(root) { "nothing goes" } else { "only its own rows go" };
            format!("no reference leads to {table}: {what}")
        })
    }

    /// What only the UPDATE itself can tell.
    fn unforeseen_notes(&self) -> Vec<String> {
        if self.outcome != Outcome::Previewed {
            return Vec::new();
        }
        let mut notes = Vec::new();
        for unlinked in &self.findings.unlinked {
            let unlink = &self.plan.unlinks[unlinked.unlink];
            let table = self.catalog.table(self.catalog.reference(unlink.reference).child);
            for unasked in unlink.exclusions(table).filter(|it| it.parts.is_empty()) {
                notes.push(format!(
                    "whether {} can be unlinked, the unique index {} decides, which cannot be asked: a clean is \
                     refused if it says no",
                    self.catalog.reference_arrow(unlink.reference),
                    unasked.name
                ));
            }
        }
        notes
    }

    /// Triggers that look for other rows see what the order of the deletion has left of them.
    fn trigger_note(&self) -> Option<String> {
        if !self.findings.is_seen_by_triggers(self.catalog) {
            return None;
        }
        let rows = self.findings.rows();
        let names = self.catalog.triggers_on(rows.keys(), &[Event::Delete]).join(", ");
        if self.findings.engine_cascade {
            return Some(format!(
                "triggers see these rows go, so that the engine deletes them by its own cascades: {names}"
            ));
        }
        let possible = self.findings.may_cascade(self.dialect, self.catalog, self.plan);
        let way_out = if possible {
            "; --engine-cascade deletes as the engine's own DELETE does"
        } else {
            ""
        };
        Some(format!(
            "rows go before their parents do, whatever triggers look for: {names}{way_out}"
        ))
    }

    /// What will stand in the way of a restore.
    fn restore_note(&self) -> Option<String> {
        let rows = self.findings.rows().into_keys().collect();
        let unlinked =
            self.findings.unlinked.iter().map(|found| {
                self.catalog.reference(self.plan.unlinks[found.unlink].reference).child
            });
        let unlinked = unlinked.collect();
        let firing = firing(self.catalog, (&rows, &unlinked), self.silence, &Default::default());
        let name = |firing: &Firing| {
            format!("{} of {}", firing.triggers.join(", "), self.table_name(firing.table))
        };
        let needs_privilege = firing.iter().any(|one| one.needs_privilege);
        let cure = fixes::silencing(self.dialect, Kinds::of(&firing), needs_privilege);
        let names: Vec<String> = firing.iter().map(name).collect();
        (!names.is_empty()).then(|| {
            format!(
                "orgsweep restore will not put these rows back while triggers would fire: {} ({cure}; \
                 --fire-triggers lets them)",
                names.join("; ")
            )
        })
    }

    /// The engine looks for children row by row: without an index each look reads a whole table.
    fn unindexed_note(&self) -> Option<String> {
        const MANY: u64 = 100;
        if self.plan.rules.checks == crate::plan::Checks::Set {
            return None;
        }
        let rows = self.findings.rows();
        let slow = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            reference.index.is_none()
                && rows.get(&reference.parent).is_some_and(|rows| *rows >= MANY)
        };
        let costs = crate::doctor::unindexed(self.catalog, self.plan, self.findings);
        let name = |id: ReferenceId| {
            let cost = costs.iter().find(|unindexed| unindexed.reference == id);
            let cost = cost.map(|unindexed| crate::doctor::seconds(unindexed.cost.as_secs_f64()));
            let cost = cost.map(|cost| format!(" (about {cost})")).unwrap_or_default();
            format!("{}{cost}", self.catalog.reference_name(id))
        };
        let names: Vec<String> = self.catalog.reference_ids().filter(slow).map(name).collect();
        (!names.is_empty()).then(|| {
            format!(
                "no index finds the rows of {}: the engine's checks will be slow; orgsweep doctor tells the cure",
                names.join(", ")
            )
        })
    }

    pub fn refusal_views(&self) -> Vec<super::refusals::RefusalView> {
        super::refusals::views(self)
    }

    /// The plan's statements, for those who want to read or run them.
    pub fn sql(&self) -> Sql<'_> {
        Sql::new(self.dialect, self.catalog, self.plan)
    }
}

/// What was not proven before COMMIT, and why: each goes on after "proven, except".
pub fn unproven(proof: &Proof) -> Vec<String> {
    let mut unproven = proof.missing.clone();
    let written = proof.beyond.iter().map(written).collect::<Vec<_>>().join("; ");
    if !written.is_empty() {
        unproven.push(format!(
            "that nothing else was written (triggers or rules did, as the engine counts: {written})"
        ));
    }
    unproven
}

/// `words: 2 rows deleted, 1 row inserted`
fn written(beyond: &Beyond) -> String {
    let Beyond { table, deleted, inserted, updated, rewritten } = beyond;
    let counts = [(deleted, "deleted"), (inserted, "inserted"), (updated, "updated")];
    let counts = counts.iter().filter(|(rows, _)| **rows > 0);
    let counts = counts.map(|(rows, how)| format!("{} {how}", super::counted(**rows, "row")));
    let rewritten = rewritten.then(|| "truncated or altered".to_owned());
    format!("{table}: {}", counts.chain(rewritten).collect::<Vec<_>>().join(", "))
}

fn owner((organization, rows): &(String, u64)) -> OwnerView {
    OwnerView { organization: organization.clone(), rows: *rows }
}

/// `Global Corp (id 2): 3, Umbra (id 9): 1`; without numbers where the rows of each are not counted.
pub fn owners(organizations: &[(String, u64)]) -> String {
    let owner = |(name, rows): &(String, u64)| match rows {
        0 => name.clone(),
        rows => format!("{name}: {}", super::grouped(*rows)),
    };
    let owners = organizations.iter().map(owner).collect::<Vec<_>>().join(", ");
    let some = organizations.iter().any(|(_, rows)| *rows == 0);
    if some { format!("{owners}, perhaps others") } else { owners }
}
