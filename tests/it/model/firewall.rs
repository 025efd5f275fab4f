//! Whose row is it: DESIGN 3, row by row.

use super::contract::{Model, Refusal, RowId, Rows};
use super::schema::OnDelete;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of the closure that belong to somebody else and whose deletion nobody consented to.
pub fn refusals(model: &Model, selected: &Rows, closure: &Rows) -> Vec<Refusal> {
    let owning = owning(model);
    let torn = (0..owning.len()).map(|table| has_common_owner(model, &owning, table)).collect();
    let firewall = Firewall { model, owning, torn, selected, closure };
    let mut counts: BTreeMap<(&'static str, usize), usize> = BTreeMap::new();
    for row in closure.difference(selected) {
        if let Some(kind) = firewall.refused(*row) {
            *counts.entry((kind, row.0)).or_default() += 1;
        }
    }
    let refusal = |((kind, table), rows)| Refusal { kind, table, reference: None, rows };
    counts.into_iter().map(refusal).collect()
}

struct Firewall<'a> {
    model: &'a Model<'a>,
    /// Per table its owning references.
    owning: Vec<Vec<usize>>,
    /// Per table whether rows of several organizations are torn, not shared.
    torn: Vec<bool>,
    selected: &'a Rows,
    closure: &'a Rows,
}

/// Per table the references that lead to the root by the strongest action it has.
fn owning(model: &Model) -> Vec<Vec<usize>> {
    let leads = leading_to_root(model);
    let of_table = |table: usize| {
        let leading = model.references_of(table).filter(|(_, reference)| leads[reference.parent]);
        let ranked: Vec<(u8, usize)> =
            leading.map(|(number, reference)| (rank(reference.action), number)).collect();
        let strongest = ranked.iter().map(|(rank, _)| *rank).min();
        ranked
            .iter()
            .filter(|(rank, _)| Some(*rank) == strongest)
            .map(|(_, number)| *number)
            .collect()
    };
    (0..model.schema.tables.len()).map(of_table).collect()
}

fn rank(action: OnDelete) -> u8 {
    match action {
        OnDelete::Cascade => 0,
        OnDelete::Restrict | OnDelete::NoAction => 1,
        OnDelete::SetNull | OnDelete::SetDefault => 2,
    }
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

/// Whichever of several owning references is taken first, all ways to the root lead through one
/// table: its rows cannot belong to several organizations in good faith.
fn has_common_owner(model: &Model, owning: &[Vec<usize>], table: usize) -> bool {
    let reaches_root_without = |closed: Option<usize>| {
        let (mut seen, mut open) = (BTreeSet::from([table]), vec![table]);
        while let Some(table) = open.pop() {
            let parents = owning[table].iter().map(|r| model.schema.references[*r].parent);
            open.extend(parents.filter(|p| Some(*p) != closed && seen.insert(*p)));
        }
        seen.contains(&0)
    };
    let mut others = (1..owning.len()).filter(|other| *other != table);
    table != 0
        && owning[table].len() > 1
        && reaches_root_without(None)
        && others.any(|other| !reaches_root_without(Some(other)))
}

impl Firewall<'_> {
    fn refused(&self, row: RowId) -> Option<&'static str> {
        if row.0 == 0 {
            return Some("foreign");
        }
        if !self.is_exception(row) {
            return None;
        }
        let home = self.home(row);
        let ours = home.intersection(self.selected).count();
        let kind = match (ours, home.len()) {
            (_, 0) => "global",
            (0, _) => "foreign",
            (ours, all) if ours == all => return None,
            _ if self.torn[row.0] => "foreign",
            _ => "shared",
        };
        (kind == "foreign" || !self.cascaded(row)).then_some(kind)
    }

    /// Not every parent that the owning references name goes too, or none is named.
    fn is_exception(&self, row: RowId) -> bool {
        let owners = self.owners(row);
        owners.is_empty() || !owners.iter().all(|owner| self.closure.contains(owner))
    }

    fn owners(&self, (table, row): RowId) -> Vec<RowId> {
        self.owning[table].iter().filter_map(|number| self.model.parent(*number, row)).collect()
    }

    /// The organizations that the owning references lead to.
    fn home(&self, row: RowId) -> Rows {
        let mut seen = BTreeSet::from([row]);
        let mut open = vec![row];
        while let Some(row) = open.pop() {
            if row.0 != 0 {
                open.extend(self.owners(row).into_iter().filter(|owner| seen.insert(*owner)));
            }
        }
        seen.into_iter().filter(|(table, _)| *table == 0).collect()
    }

    fn cascaded(&self, (table, row): RowId) -> bool {
        self.model.references_of(table).any(|(number, reference)| {
            let parent = self.model.parent(number, row);
            reference.action == OnDelete::Cascade
                && parent.is_some_and(|p| self.closure.contains(&p))
        })
    }
}
