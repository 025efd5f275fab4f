//! Whose row is it: DESIGN 3, row by row.

use super::contract::{Model, Refusal, RowId, Rows};
use super::schema::{OnDelete, Reference};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of the closure that belong to somebody else and whose deletion nobody consented to.
pub fn refusals(owners: &Owners, selected: &Rows, closure: &Rows) -> Vec<Refusal> {
    let firewall = Firewall { model: owners.model, owners, selected, closure };
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
        if row.0 == 0 {
            return Some("foreign");
        }
        let owners = self.owners.of(row);
        let organizations = self.organizations(row);
        let inside = !owners.is_empty() && owners.iter().all(|it| self.closure.contains(it));
        // Who names nobody but itself, or a circle, is nobody's.
        if inside && !organizations.is_empty() {
            return None;
        }
        let ours = organizations.intersection(self.selected).count();
        let kind = match (ours, organizations.len()) {
            (_, 0) => "global",
            (0, _) => "foreign",
            (ours, all) if ours == all => return None,
            _ => "shared",
        };
        (kind == "foreign" || !self.cascaded(row)).then_some(kind)
    }

    /// The organizations to which that leads.
    fn organizations(&self, row: RowId) -> Rows {
        let mut seen = BTreeSet::from([row]);
        let mut open = vec![row];
        while let Some(row) = open.pop() {
            if row.0 != 0 {
                open.extend(self.owners.of(row).into_iter().filter(|owner| seen.insert(*owner)));
            }
        }
        seen.into_iter().filter(|(table, _)| *table == 0).collect()
    }

    /// By a parent that goes without the row, too; and without those of a circle that force alone would begin, for these
    /// would vouch for each other.
    fn cascaded(&self, row: RowId) -> bool {
        let mut apart = Rows::from([row]);
        if self.is_forced(row) {
            let above = self.cascading_ancestors(row);
            let circle =
                above.into_iter().filter(|it| self.cascading_ancestors(*it).contains(&row));
            apart.extend(circle.filter(|it| self.is_forced(*it)));
        }
        let cascades = |row, from: &Rows| {
            self.parents(row, |it| it == OnDelete::Cascade).any(|it| from.contains(&it))
        };
        loop {
            let without = self.model.closure_without(self.selected, &apart);
            // A cascade from outside begins it, too.
            let begun = apart.iter().copied().find(|it| *it != row && cascades(*it, &without));
            match begun {
                Some(begun) => apart.remove(&begun),
                None => return cascades(row, &without),
            };
        }
    }

    /// A reference that only force follows leads to it.
    fn is_forced(&self, row: RowId) -> bool {
        self.parents(row, OnDelete::protects).any(|it| self.closure.contains(&it))
    }

    fn cascading_ancestors(&self, row: RowId) -> Rows {
        let (mut seen, mut open) = (Rows::new(), vec![row]);
        while let Some(row) = open.pop() {
            let parents = self.parents(row, |action| action == OnDelete::Cascade);
            open.extend(parents.filter(|it| seen.insert(*it)));
        }
        seen
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
