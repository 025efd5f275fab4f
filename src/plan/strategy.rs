//! When rows may go before all of them are known.

use super::{Force, Plan, Rank, Unlink};
use crate::catalog::{Catalog, Discriminant, ReferenceId, TableId};
use std::collections::BTreeSet;

impl Plan {
    /// Can rows be deleted as they are found? Where nothing but what is found on the way, or among the
    /// rows that are left, could stop the deletion.
    pub fn may_take(&self, catalog: &Catalog) -> bool {
        let rules = &self.rules;
        rules.orphans.is_empty()
            && rules.guards.test_data.is_empty()
            && self.followed.iter().all(|followed| followed.rank < Rank::Protected)
            && self.unlinks.iter().all(|unlink| !unlink.foreign_only)
            && !self.unlinks_fire(catalog)
            && (rules.force == Force::All
                || self
                    .unlinks
                    .iter()
                    .all(|unlink| self.users_of_its_columns(catalog, unlink).is_empty()))
            && self.tables.iter().all(|table| may_delete(catalog, *table))
            && !self.types_go(catalog)
    }

    /// Tables whose rows nothing refers to: they can go first, whoever checks.
    pub fn leaves(&self, catalog: &Catalog) -> BTreeSet<TableId> {
        let is_leaf = |table: &&TableId| {
            **table != self.root && catalog.references.iter().all(|r| r.parent != **table)
        };
        self.tables.iter().filter(is_leaf).copied().collect()
    }

    /// A trigger or rule sees the deletion.
    pub fn fires(&self, catalog: &Catalog) -> bool {
        let mut tables = self.tables.iter();
        tables.any(|table| catalog.table(*table).triggers.iter().any(|trigger| trigger.on_delete))
    }

    /// Something else than the deletion itself looks at the keys of `table`: references to it, the
    /// firewall.
    pub fn looks_at(&self, catalog: &Catalog, table: TableId) -> bool {
        self.may_be_foreign(catalog, table)
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
                && !other.foreign_only
                && !leaves_nothing(other)
        });
        let others = followed.chain(unlinked.map(|other| other.reference));
        let shares = |id: &ReferenceId| {
            catalog.reference(*id).columns.iter().any(|column| unlink.columns.contains(column))
        };
        others.filter(shares).collect()
    }

    /// A trigger sees an unlink: what it writes may name rows that are to go, and that the engine would
    /// miss already.
    fn unlinks_fire(&self, catalog: &Catalog) -> bool {
        let mut children =
            self.unlinks.iter().map(|unlink| catalog.reference(unlink.reference).child);
        children.any(|table| catalog.table(table).triggers.iter().any(|trigger| trigger.on_update))
    }

    /// The types by which a polymorphic reference is told go themselves: before their rows, perhaps.
    fn types_go(&self, catalog: &Catalog) -> bool {
        let mut discriminators =
            catalog.references.iter().filter_map(|r| r.declaration.discriminator.as_ref());
        discriminators.any(|discriminator| match &discriminator.value {
            Discriminant::Literal(_) => false,
            Discriminant::Lookup { table, .. } => self.tables.contains(table),
        })
    }
}

fn may_delete(catalog: &Catalog, table: TableId) -> bool {
    let table = catalog.table(table);
    let privileges = table.privileges;
    privileges.select && privileges.update && privileges.delete && !table.row_security
}
