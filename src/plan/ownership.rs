//! Whose row is it: the references that can say so, and what each of them yields to in a row (DESIGN 3).

use super::Rules;
use crate::catalog::{Catalog, OnDelete, Origin, Reference, ReferenceId, TableId};
use crate::graph;
use std::collections::{BTreeMap, BTreeSet};

/// The declared actions decide, not what this run follows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ownership {
    /// Per table that leads to the root, the references by which a row of it may be owned. A row belongs to the
    /// owners of every parent that it names by one of them, unless that one yields. Root rows own themselves.
    pub owning: BTreeMap<TableId, Vec<ReferenceId>>,
    /// An owning reference says nothing in a row that names somebody by one of these.
    yields: BTreeMap<ReferenceId, Vec<ReferenceId>>,
    /// Tables whose rows link others.
    associations: BTreeSet<TableId>,
    /// Tables that lead to the root, and it.
    leading: BTreeSet<TableId>,
    /// Tables whose rows may own each other in a circle, or themselves.
    circular: BTreeSet<TableId>,
}

impl Ownership {
    /// Tables lead to one of `starts`: the root, and tables with orphans.
    pub fn new(catalog: &Catalog, root: TableId, starts: &[TableId], rules: &Rules) -> Ownership {
        let counts = |id: ReferenceId| catalog.reference(id).on_delete != OnDelete::Ignore;
        let leading = graph::reachable(catalog, starts, counts);
        let mut ownership = Ownership { leading, ..Ownership::default() };
        for (table, leading) in references(catalog, root, &ownership.leading) {
            let claims = leading.iter().map(|id| Claim::of(catalog, root, *id));
            let claims: Vec<Claim> = claims.collect();
            let links = match rules.associations.get(&table) {
                Some(links) => *links,
                None => links(catalog, table, &claims),
            };
            let owning = match rules.owning.get(&table) {
                Some(named) => named.clone(),
                None if links => {
                    ownership.associations.insert(table);
                    let linking = claims.iter().filter(|claim| claim.links_or_is_direct());
                    linking.map(|claim| claim.id).collect()
                }
                None => ownership.rank(catalog, &but_those_of_its_makers(claims)),
            };
            ownership.owning.insert(table, owning);
        }
        ownership.circular = circular(catalog, &ownership);
        ownership
    }

    /// The owning references of an ordinary table: not those that yield in every row.
    fn rank(&mut self, catalog: &Catalog, claims: &[Claim]) -> Vec<ReferenceId> {
        let mut owning = Vec::new();
        for claim in claims {
            let stronger = claims.iter().filter(|other| claim.yields_to(other));
            let stronger: Vec<ReferenceId> = stronger.map(|other| other.id).collect();
            if stronger.iter().any(|id| names_somebody_always(catalog, *id)) {
                continue;
            }
            owning.push(claim.id);
            if !stronger.is_empty() {
                self.yields.insert(claim.id, stronger);
            }
        }
        owning
    }

    /// In a row that names somebody by one of these, the owning reference says nothing.
    pub fn yields_to(&self, reference: ReferenceId) -> &[ReferenceId] {
        self.yields.get(&reference).map_or(&[], Vec::as_slice)
    }

    pub fn is_circular(&self, table: TableId) -> bool {
        self.circular.contains(&table)
    }

    /// Every row of `table` that this reference finds is owned by the parent that it names by it, or by a row of a table
    /// that is in no circle.
    pub fn always_owns(&self, catalog: &Catalog, table: TableId, reference: ReferenceId) -> bool {
        let owning = self.owning.get(&table).is_some_and(|owning| owning.contains(&reference));
        let mut stronger = self.yields_to(reference).iter();
        owning && !stronger.any(|id| self.is_circular(catalog.reference(*id).parent))
    }

    /// No row of `table` is without an owner that it names.
    pub(super) fn always_has_owner(&self, catalog: &Catalog, table: TableId) -> bool {
        let owning = self.owning.get(&table).into_iter().flatten();
        owning.copied().any(|id| names_somebody_always(catalog, id))
    }

    pub fn is_association(&self, table: TableId) -> bool {
        self.associations.contains(&table)
    }

    /// The CASCADE references that lead to the root and that every row of `table` names somebody by.
    pub fn links(&self, catalog: &Catalog, table: TableId) -> Vec<ReferenceId> {
        let links = |id: &ReferenceId| {
            let reference = catalog.reference(*id);
            reference.child == table
                && reference.lasting_action() == OnDelete::Cascade
                && self.leading.contains(&reference.parent)
                && names_somebody_always(catalog, *id)
        };
        catalog.reference_ids().filter(links).collect()
    }
}

/// A reference that leads to the root, as a claim on the rows that name somebody by it.
struct Claim {
    id: ReferenceId,
    /// It names an organization itself.
    direct: bool,
    strength: Strength,
}

/// The strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Cascade,
    /// RESTRICT and NO ACTION.
    Protects,
    /// SET NULL and SET DEFAULT.
    Unlinks,
    /// Of a parent that goes with its child: few parents name anybody by it, though no column is null.
    Inverse,
}

impl Claim {
    fn of(catalog: &Catalog, root: TableId, id: ReferenceId) -> Claim {
        let reference = catalog.reference(id);
        let strength = match reference.lasting_action() {
            _ if reference.declaration.origin == Origin::Inverse => Strength::Inverse,
            OnDelete::Cascade => Strength::Cascade,
            OnDelete::Restrict | OnDelete::NoAction => Strength::Protects,
            OnDelete::SetNull | OnDelete::SetDefault | OnDelete::Ignore => Strength::Unlinks,
        };
        Claim { id, direct: reference.parent == root, strength }
    }

    /// Whose a row is that names somebody by both, `other` says alone.
    fn yields_to(&self, other: &Claim) -> bool {
        let stronger = other.strength < self.strength;
        match (self.direct, self.strength) {
            (_, Strength::Inverse) => stronger,
            (true, Strength::Cascade | Strength::Protects) => false,
            (true, Strength::Unlinks) => other.strength == Strength::Cascade,
            (false, Strength::Cascade) => other.direct && other.strength <= Strength::Protects,
            (false, _) => stronger || (other.direct && other.strength <= Strength::Unlinks),
        }
    }

    fn links_or_is_direct(&self) -> bool {
        self.strength == Strength::Cascade || (self.direct && self.strength != Strength::Inverse)
    }
}

/// A row that could name its organization by a CASCADE reference, and does not, is meant to be nobody's: a system role, a
/// super admin. Who made it, by a weaker reference to one of an organization's rows, does not make it that one's.
fn but_those_of_its_makers(mut claims: Vec<Claim>) -> Vec<Claim> {
    let cascades = |claim: &Claim| claim.strength == Strength::Cascade;
    if claims.iter().any(|claim| claim.direct && cascades(claim)) {
        claims.retain(|claim| claim.direct || cascades(claim));
    }
    claims
}

/// Per table the references to tables that lead to the root, by whatever action.
fn references(
    catalog: &Catalog,
    root: TableId,
    leading: &BTreeSet<TableId>,
) -> BTreeMap<TableId, Vec<ReferenceId>> {
    let mut references = BTreeMap::<TableId, Vec<ReferenceId>>::new();
    for id in catalog.reference_ids() {
        let Reference { child, parent, on_delete, .. } = *catalog.reference(id);
        if child != root && on_delete != OnDelete::Ignore && leading.contains(&parent) {
            references.entry(child).or_default().push(id);
        }
    }
    references
}

fn circular(catalog: &Catalog, ownership: &Ownership) -> BTreeSet<TableId> {
    let owns = |id: ReferenceId| {
        let owning = ownership.owning.get(&catalog.reference(id).child);
        owning.is_some_and(|owning| owning.contains(&id))
    };
    let names_itself = |table: TableId| {
        let owning = ownership.owning.get(&table).into_iter().flatten();
        owning.copied().any(|id| catalog.reference(id).parent == table)
    };
    let components = graph::components(catalog, &ownership.leading, owns).into_iter();
    components.filter(|tables| tables.len() > 1 || names_itself(tables[0])).flatten().collect()
}

/// All columns of a unique key belong to CASCADE references that lead to the root, to two or more of them: such rows
/// link others.
fn links(catalog: &Catalog, table: TableId, claims: &[Claim]) -> bool {
    let cascades = claims.iter().filter(|claim| claim.strength == Strength::Cascade);
    let cascades: Vec<&Reference> = cascades.map(|claim| catalog.reference(claim.id)).collect();
    catalog.table(table).keys.iter().any(|key| {
        let naming = |column: &String| {
            cascades.iter().any(|reference| reference.naming_columns().any(|it| it == column))
        };
        let in_key = |reference: &&&Reference| {
            reference.columns.iter().any(|column| key.columns.contains(column))
        };
        // References of one column are one, to several tables: a row names one of these.
        let ways: BTreeSet<_> = cascades.iter().filter(in_key).map(|it| &it.columns).collect();
        key.columns.iter().all(naming) && ways.len() > 1
    })
}

/// No row of the table is without a parent that it names by this reference.
fn names_somebody_always(catalog: &Catalog, id: ReferenceId) -> bool {
    let reference = catalog.reference(id);
    let table = catalog.table(reference.child);
    let required = |name: &String| table.column(name).is_some_and(|column| !column.nullable);
    reference.declaration.origin != Origin::Inverse
        && reference.declaration.discriminator.is_none()
        && reference.partition.is_none()
        && reference.columns.iter().all(required)
}
