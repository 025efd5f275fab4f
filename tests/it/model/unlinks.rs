//! Unlinks that a constraint forbids: what the engine cannot do either, with or without force.

use super::contract::{Model, Refusal, RowId, Rows};
use super::data::{breaks_check, breaks_match_full, key_of, parent_of};
use super::firewall::Owners;
use super::schema::{Data, OnDelete, Reference, Row};
use std::collections::BTreeMap;

/// Refusals for the rows that survive `changed`: each row with all of its unlinks done.
pub fn refusals(owners: &Owners, closure: &Rows, changed: &BTreeMap<RowId, Row>) -> Vec<Refusal> {
    let model = owners.model;
    let after = model.after(closure, changed);
    let unlinks = Unlinks { model, owners, closure, changed, after };
    let unlinking = model.references().filter(|(_, reference)| reference.action.unlinks());
    unlinking.flat_map(|(number, reference)| unlinks.refusals(number, reference)).collect()
}

struct Unlinks<'a> {
    model: &'a Model<'a>,
    owners: &'a Owners<'a>,
    closure: &'a Rows,
    changed: &'a BTreeMap<RowId, Row>,
    after: Data,
}

impl Unlinks<'_> {
    fn refusals(&self, number: usize, reference: &Reference) -> Vec<Refusal> {
        let model = self.model;
        let table = &model.schema.tables[reference.child];
        let count = |kind, breaks: &dyn Fn(usize, &Row) -> bool| {
            let new = |row: &usize| &self.changed[&(reference.child, *row)];
            let rows = model.unlinkable(number, self.closure);
            model.refusal(kind, number, rows.filter(|row| breaks(*row, new(row))).count())
        };
        let not_null = count("not_null", &|_, row| {
            reference.set_columns.iter().any(|c| row[*c].is_none() && table.columns[*c].not_null)
        });
        if not_null.is_some() {
            return not_null.into_iter().collect();
        }
        let own: Vec<&Reference> =
            model.references_of(reference.child).map(|(_, own)| own).collect();
        let broken = [
            count("set_default", &|_, row| self.names_nobody(reference, row)),
            count("check", &|_, row| breaks_check(table, row)),
            count("match_full", &|_, row| own.iter().any(|own| breaks_match_full(own, row))),
            count("unique", &|_, row| self.breaks_unique(reference, row)),
            count("referenced", &|row, _| self.is_referenced(reference, row)),
            count("loses_link", &|row, _| self.loses_owner(number, row)),
        ];
        broken.into_iter().flatten().collect()
    }

    /// A default that was written makes the row name a parent that is missing afterwards: by this
    /// reference or by another that shares the column.
    fn names_nobody(&self, reference: &Reference, row: &Row) -> bool {
        let written =
            |other: &Reference| other.columns.iter().any(|c| reference.set_columns.contains(c));
        let dangles = |other: &Reference| {
            other.columns.iter().all(|c| row[*c].is_some())
                && parent_of(self.model.schema, &self.after, other, row).is_none()
        };
        reference.action == OnDelete::SetDefault
            && self
                .model
                .references_of(reference.child)
                .any(|(_, other)| written(other) && dangles(other))
    }

    fn breaks_unique(&self, reference: &Reference, row: &Row) -> bool {
        let table = &self.model.schema.tables[reference.child];
        let changed = |key: &[usize]| key.iter().any(|c| reference.set_columns.contains(c));
        table.keys.iter().filter(|key| changed(&key.columns)).any(|key| {
            let own = key_of(table, &key.columns, row);
            let same = |other: &&Row| own.is_some() && key_of(table, &key.columns, other) == own;
            self.after[reference.child].iter().filter(same).count() > 1
        })
    }

    /// The unlink changes a column by which the row names an owner that stays.
    fn loses_owner(&self, number: usize, row: usize) -> bool {
        let unlink = &self.model.schema.references[number];
        let written =
            |other: &Reference| other.columns.iter().any(|c| unlink.set_columns.contains(c));
        let mut others = self.owners.named_by((unlink.child, row)).into_iter();
        others.any(|(other, parent)| {
            other != number
                && written(&self.model.schema.references[other])
                && !self.closure.contains(&parent)
        })
    }

    /// The unlink changes a key by which another row names this one.
    fn is_referenced(&self, reference: &Reference, row: usize) -> bool {
        let changes = |other: &Reference| {
            other.parent == reference.child
                && other.parent_columns.iter().any(|c| reference.set_columns.contains(c))
        };
        let row = Rows::from([(reference.child, row)]);
        let mut others = self.model.references().filter(|(_, other)| changes(other));
        others.any(|(number, _)| self.model.naming(number, &row).next().is_some())
    }
}
