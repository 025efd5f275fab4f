//! Whose row is it: DESIGN 3, row by row.

use super::contract::{Model, Refusal, RowId, Rows};
use super::schema::{OnDelete, Reference};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of the closure that belong to somebody else and whose deletion nobody consented to.
pub fn refusals(owners: &Owners, selected: &Rows, closure: &Rows) -> Vec<Refusal> {
    let grounded = Rows::new();
    let mut firewall = Firewall { model: owners.model, owners, selected, closure, grounded };
    firewall.grounded = firewall.grounds();
    let mut counts: BTreeMap<(&'static str, usize), usize> = BTreeMap::new();
    for row in closure.difference(selected) {
        if let Some(kind) = firewall.refused(*row) {
            *counts.entry((kind, row.0)).or_default() += 1;
        }
    }
    let refusal = |((kind, table), rows)| Refusal { kind, table, reference: None, rows };
    counts.into_iter().map(refusal).collect()
}

/// Who owns whom.
pub struct Owners<'a> {
    pub model: &'a Model<'a>,
    /// Tables from which references lead to the root.
    leads: Vec<bool>,
    /// Tables whose rows link others.
    associations: Vec<bool>,
}

struct Firewall<'a> {
    model: &'a Model<'a>,
    owners: &'a Owners<'a>,
    selected: &'a Rows,
    closure: &'a Rows,
    /// Rows that no circle vouches for.
    grounded: Rows,
}

/// Tables from which references lead to the root, the root included.
fn leading_to_root(model: &Model) -> Vec<bool> {
    let mut leads = vec![false; model.schema.tables.len()];
    leads[0] = true;
    loop {
        let before = leads.clone();
        for (_, reference) in model.references() {
            leads[reference.child] |= leads[reference.parent];
        }
        if leads == before {
            return leads;
        }
    }
}

/// Some key has only columns of cascading references to the root, of at least two.
fn links_others(model: &Model, leads: &[bool], table: usize) -> bool {
    let cascades: Vec<&Reference> = model
        .references_of(table)
        .map(|(_, reference)| reference)
        .filter(|reference| reference.action == OnDelete::Cascade && leads[reference.parent])
        .collect();
    model.schema.tables[table].keys.iter().any(|key| {
        let touches = |it: &&&Reference| it.columns.iter().any(|c| key.columns.contains(c));
        let linking: BTreeSet<&Vec<usize>> =
            cascades.iter().filter(touches).map(|it| &it.columns).collect();
        let covered = |column: &usize| linking.iter().any(|columns| columns.contains(column));
        linking.len() > 1 && key.columns.iter().all(covered)
    })
}

impl<'a> Owners<'a> {
    pub fn new(model: &'a Model<'a>) -> Owners<'a> {
        let leads = leading_to_root(model);
        let tables = 0..model.schema.tables.len();
        let associations = tables.map(|table| links_others(model, &leads, table)).collect();
        Owners { model, leads, associations }
    }

    /// The parents whose owners own the row.
    pub fn of(&self, row: RowId) -> Vec<RowId> {
        self.named_by(row).into_iter().map(|(_, parent)| parent).collect()
    }

    /// The same with the references that name them, by the four rules.
    pub fn named_by(&self, (table, row): RowId) -> Vec<(usize, RowId)> {
        let cascades = |it: &Reference| it.action == OnDelete::Cascade;
        let direct = |it: &Reference| it.parent == 0;
        // Whoever could name its organization so, and does not, is not claimed by anything weaker.
        let own: Vec<_> = self.model.references_of(table).collect();
        let speaks = own.iter().any(|(_, it)| direct(it) && cascades(it));
        let named: Vec<(&Reference, (usize, RowId))> = own
            .into_iter()
            .filter(|(_, reference)| self.leads[reference.parent])
            .filter(|(_, reference)| !speaks || direct(reference) || cascades(reference))
            .filter_map(|(number, it)| Some((it, (number, self.model.parent(number, row)?))))
            .collect();
        let those = |which: &dyn Fn(&Reference) -> bool| -> Vec<(usize, RowId)> {
            named.iter().filter(|(it, _)| which(it)).map(|(_, parent)| *parent).collect()
        };
        if self.associations[table] {
            return those(&|it| direct(it) || cascades(it));
        }
        let any_cascades = named.iter().any(|(it, _)| cascades(it));
        let speaks_for_itself =
            |it: &Reference| direct(it) && !(it.action.unlinks() && any_cascades);
        let strongest = |it: &Reference| match it.action {
            OnDelete::Cascade => true,
            OnDelete::Restrict | OnDelete::NoAction => !any_cascades,
            OnDelete::SetNull | OnDelete::SetDefault => {
                named.iter().all(|(other, _)| other.action.unlinks())
            }
        };
        let own = those(&speaks_for_itself);
        if own.is_empty() { those(&strongest) } else { own }
    }
}

impl Firewall<'_> {
    fn refused(&self, row: RowId) -> Option<&'static str> {
        let kind = self.kind(row)?;
        (kind == "foreign" || !self.grounded.contains(&row)).then_some(kind)
    }

    /// Whose it is, where it is not ours alone.
    fn kind(&self, row: RowId) -> Option<&'static str> {
        if row.0 == 0 {
            return (!self.selected.contains(&row)).then_some("foreign");
        }
        // It goes or stays with its owners, and they are told of: whoever names nobody but itself, or a circle, has none.
        let above = self.above(row);
        let told_of = |it: &RowId| it.0 == 0 || !self.is_inside(*it);
        if self.is_inside(row) && above.iter().any(told_of) {
            return None;
        }
        let organizations: Rows = above.into_iter().filter(|(table, _)| *table == 0).collect();
        let ours = organizations.intersection(self.selected).count();
        match (ours, organizations.len()) {
            (_, 0) => Some("global"),
            (0, _) => Some("foreign"),
            (ours, all) if ours == all => None,
            _ => Some("shared"),
        }
    }

    /// All of its owners are found.
    fn is_inside(&self, row: RowId) -> bool {
        let owners = self.owners.of(row);
        !owners.is_empty() && owners.iter().all(|it| self.closure.contains(it))
    }

    /// The row and all owners to which it leads.
    fn above(&self, row: RowId) -> Rows {
        let (mut seen, mut open) = (Rows::from([row]), vec![row]);
        while let Some(row) = open.pop() {
            if row.0 != 0 {
                open.extend(self.owners.of(row).into_iter().filter(|owner| seen.insert(*owner)));
            }
        }
        seen
    }

    /// What goes though nothing is forced that is not ours alone: by CASCADE whatever it is.
    fn grounds(&self) -> Rows {
        let mut grounded = self.selected.clone();
        loop {
            let goes = |row: &RowId| {
                let by = |acts: fn(OnDelete) -> bool| {
                    self.parents(*row, acts).any(|it| grounded.contains(&it))
                };
                by(|it| it == OnDelete::Cascade)
                    || (by(OnDelete::protects) && self.kind(*row).is_none())
            };
            let new: Rows = self.closure.difference(&grounded).copied().filter(goes).collect();
            if new.is_empty() {
                return grounded;
            }
            grounded.extend(new);
        }
    }

    fn parents(
        &self,
        (table, row): RowId,
        by: impl Fn(OnDelete) -> bool,
    ) -> impl Iterator<Item = RowId> {
        let references = self.model.references_of(table).filter(move |(_, it)| by(it.action));
        references.filter_map(move |(number, _)| self.model.parent(number, row))
    }
}
