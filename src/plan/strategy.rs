//! When rows may go before all of them are known.

use super::{Force, Plan, Rank, Unlink, Which};
use crate::catalog::{Catalog, Discriminant, Event, ReferenceId, TableId, Trigger};
use std::collections::BTreeSet;

impl Plan {
    /// Can rows be deleted as they are found?
    pub fn allows_single_pass(&self, catalog: &Catalog) -> bool {
        self.must_know_first(catalog).is_none()
    }

    /// Why all rows have to be known before the first of them goes: something else than what is found
    /// on the way, or among the rows that are left, could stop the deletion.
    pub fn must_know_first(&self, catalog: &Catalog) -> Option<&'static str> {
        let rules = &self.rules;
        let follows_all = self.followed.iter().all(|followed| followed.rank < Rank::Protected);
        let apart = |unlink: &Unlink| self.users_of_its_columns(catalog, unlink).is_empty();
        let renames = |unlink: &Unlink| {
            let child = catalog.reference(unlink.reference).child;
            let mut named = catalog.references.iter().filter(|reference| reference.parent == child);
            named.any(|it| unlink.writes(catalog.table(child), &it.parent_columns))
        };
        let reasons = [
            (rules.keep_organization, "the organizations themselves stay"),
            (!rules.orphans.is_empty(), "the policy's orphans go along"),
            (!rules.guards.test_data.is_empty(), "a guard of the policy looks at the rows"),
            (!follows_all, "without --force, references may protect rows"),
            (!self.kept.is_empty(), "the policy keeps some of the rows"),
            (
                self.unlinks.iter().any(|unlink| unlink.which == Which::Foreign),
                "rows of other organizations are to be unlinked",
            ),
            // What it writes may name rows that are to go, and that the engine would miss already.
            (self.is_seen(catalog, &[Event::Update]).is_some(), "a trigger sees what is unlinked"),
            (
                rules.force != Force::All && !self.unlinks.iter().all(apart),
                "an unlink writes columns of other references",
            ),
            (
                !self.tables.iter().all(|table| may_delete(catalog, *table)),
                "privileges or row-level security may stop it",
            ),
            (
                self.unlinks.iter().any(|unlink| !self.loses_by(catalog, unlink).is_empty()),
                "an unlink writes columns by which rows name their own organization",
            ),
            // Who refers to it may be gone by then, and is a reason to refuse while all rows are known.
            (self.unlinks.iter().any(renames), "an unlink changes a key that others refer to"),
            (self.types_go(catalog), "the types of polymorphic references go, too"),
        ];
        reasons.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason)
    }

    /// Tables whose rows nothing refers to: they can go first, whoever checks.
    pub fn leaves(&self, catalog: &Catalog) -> BTreeSet<TableId> {
        let is_leaf = |table: &&TableId| {
            **table != self.root && catalog.references.iter().all(|r| r.parent != **table)
        };
        self.tables.iter().filter(is_leaf).copied().collect()
    }

    /// What this plan may do to rows of a table.
    pub fn events(&self, catalog: &Catalog, table: TableId) -> Vec<Event> {
        let deletes = self.tables.contains(&table) && !self.keeps(table);
        let deletes = deletes.then_some(Event::Delete);
        let updates = self.unlinks_in(table, catalog).then_some(Event::Update);
        deletes.into_iter().chain(updates).collect()
    }

    /// The first table of which a trigger or rule sees one of `events`, as far as this plan brings them about.
    pub fn is_seen(&self, catalog: &Catalog, events: &[Event]) -> Option<TableId> {
        let seen = |id: &TableId| {
            let mut own = self.events(catalog, *id);
            own.retain(|event| events.contains(event));
            let written = self.written(catalog, *id);
            let fires = |trigger: &Trigger| {
                let mut seen = own.iter().filter(|event| trigger.sees(**event));
                seen.any(|event| *event != Event::Update || trigger.is_of(&written))
            };
            catalog.table(*id).triggers_on(&own).any(fires)
        };
        catalog.table_ids().find(seen)
    }

    /// The columns that unlinks of a table's rows write, those that the engine computes from others included.
    fn written<'a>(&'a self, catalog: &'a Catalog, table: TableId) -> Vec<&'a str> {
        let of_table = |it: &&Unlink| catalog.reference(it.reference).child == table;
        let unlinked = self.unlinks.iter().filter(of_table).flat_map(|unlink| &unlink.columns);
        let columns = catalog.table(table).columns.iter();
        let computed = columns.filter(|it| it.generated || it.on_update).map(|it| &it.name);
        unlinked.chain(computed).map(String::as_str).collect()
    }

    /// Something else than the deletion itself looks at the keys of `table`: references to it, the
    /// question whose they are, and whom they link.
    pub fn looks_at(&self, catalog: &Catalog, table: TableId) -> bool {
        self.may_be_foreign(catalog, table)
            || self.links.iter().any(|id| catalog.reference(*id).child == table)
            || catalog.references.iter().any(|reference| reference.parent == table)
    }

    /// Other references of the child that use a column which the unlink writes: followed ones, and
    /// unlinks that it does not make needless.
    pub fn users_of_its_columns(&self, catalog: &Catalog, unlink: &Unlink) -> Vec<ReferenceId> {
        let child = catalog.reference(unlink.reference).child;
        let followed =
            self.followed_into(child, catalog).into_iter().map(|followed| followed.reference);
        let leaves_nothing = |other: &Unlink| {
            unlink.value == other.value
                && other.columns.iter().all(|column| unlink.columns.contains(column))
        };
        let unlinked = self.unlinks.iter().filter(|other| {
            catalog.reference(other.reference).child == child
                && other.reference != unlink.reference
                && other.which == Which::Surviving
                && !leaves_nothing(other)
        });
        let others = followed.chain(unlinked.map(|other| other.reference));
        let shares = |id: &ReferenceId| {
            catalog.reference(*id).columns.iter().any(|column| unlink.columns.contains(column))
        };
        others.filter(shares).collect()
    }

    /// What says whose a row is, or what goes on naming an organization that stays, by a column that this unlink writes.
    pub fn loses_by(&self, catalog: &Catalog, unlink: &Unlink) -> Vec<ReferenceId> {
        let child = catalog.reference(unlink.reference).child;
        let tells = |id: &ReferenceId| {
            let scope = catalog.is_scope(*id)
                && !catalog.reference(*id).is_untold()
                && !self.rules.leave_behind.covers(*id);
            scope || self.owning_of(child).contains(id) || self.linked.contains(id)
        };
        let loses = |id: &ReferenceId| {
            let other = catalog.reference(*id);
            other.child == child
                && *id != unlink.reference
                && other.columns.iter().any(|column| unlink.columns.contains(column))
        };
        let all = catalog.reference_ids().chain(catalog.scope_ids());
        all.filter(|id| loses(id) && tells(id)).collect()
    }

    /// A reference to rows that go whose two sides do not compare plainly: only the engine can tell whether it
    /// holds.
    pub fn compares_otherwise(&self, catalog: &Catalog) -> Option<ReferenceId> {
        let otherwise = |id: &ReferenceId| {
            let reference = catalog.reference(*id);
            reference.is_constraint()
                && reference.enforced
                && self.tables.contains(&reference.parent)
                && !reference.is_plain()
        };
        catalog.reference_ids().find(otherwise)
    }

    /// The types by which a polymorphic reference is told go themselves: before their rows, perhaps.
    fn types_go(&self, catalog: &Catalog) -> bool {
        let mut discriminators =
            catalog.references.iter().filter_map(|r| r.declaration.discriminator.as_ref());
        discriminators.any(|discriminator| match &discriminator.value {
            Discriminant::Literal(_) | Discriminant::Called(_) => false,
            Discriminant::Lookup { table, .. } => self.tables.contains(table),
        })
    }
}

fn may_delete(catalog: &Catalog, table: TableId) -> bool {
    let table = catalog.table(table);
    let privileges = table.privileges;
    privileges.select && privileges.lock && privileges.delete && !table.row_security
}
