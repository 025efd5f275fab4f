//! What orgsweep must do to a database, worked out row by row: DESIGN 2. No SQL, no cleverness.

use super::data::parent_of;
use super::firewall::{self, Owners};
use super::schema::{Case, Data, OnDelete, Reference, Row, Schema, Value};
use super::unlinks;
use orgsweep::engine::Dialect;
use std::collections::{BTreeMap, BTreeSet};

/// A row by its table's and its own position in the case's data.
pub type RowId = (usize, usize);
pub type Rows = BTreeSet<RowId>;

/// The flags that change what is deleted or refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub force: Force,
    /// Bare `--foreign delete`.
    pub foreign_delete: bool,
    pub with_children: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Force {
    None,
    All,
    /// `--force=NAME`, by orgsweep's names.
    Some(Vec<String>),
}

/// What must happen.
#[derive(Debug)]
pub struct Verdict {
    pub selected: Rows,
    /// The rows that go if nothing is refused.
    pub closure: Rows,
    /// Per reference the surviving rows that it is taken from; references without any are left out.
    pub unlinked: BTreeMap<usize, usize>,
    /// Surviving rows that are changed, each once.
    pub changed: usize,
    pub refusals: Vec<Refusal>,
    /// Every row that stays, unlinked where it has to be.
    pub after: Data,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// As in the JSON output.
    pub kind: &'static str,
    pub table: usize,
    pub reference: Option<usize>,
    pub rows: usize,
}

/// A case with every reference of every row looked up.
pub struct Model<'a> {
    pub schema: &'a Schema,
    pub data: &'a Data,
    /// Per reference and child row the row that it names.
    links: Vec<Vec<Option<RowId>>>,
}

pub fn verdict(case: &Case, options: &Options) -> Verdict {
    let model = Model::new(&case.schema, &case.data);
    let selected = model.select(&case.name, options.with_children);
    let closure = model.closure(&selected, |reference| !reference.action.unlinks());
    let deleted = model.deleted(options, &selected);
    let changed = model.unlink(&closure);
    let mut refusals = model.protected(&deleted, options);
    let owners = Owners::new(&model);
    let others = firewall::refusals(&owners, &selected, &closure).into_iter();
    // Other organizations go only where they are selected.
    refusals.extend(others.filter(|it| !options.foreign_delete || it.table == 0));
    refusals.extend(unlinks::refusals(&owners, &closure, &changed));
    refusals.extend(model.overlaps(&closure, options));
    refusals.sort();
    Verdict {
        unlinked: model.unlink_counts(&closure),
        changed: changed.len(),
        after: model.after(&closure, &changed),
        selected,
        closure,
        refusals,
    }
}

impl Options {
    fn forces(&self, schema: &Schema, reference: &Reference) -> bool {
        match &self.force {
            Force::None => false,
            Force::All => true,
            Force::Some(names) => names.contains(&schema.reference_name(reference)),
        }
    }
}

impl<'a> Model<'a> {
    pub fn new(schema: &'a Schema, data: &'a Data) -> Model<'a> {
        let named = |reference: &Reference| {
            let parent =
                |child: &Row| Some((reference.parent, parent_of(schema, data, reference, child)?));
            data[reference.child].iter().map(parent).collect()
        };
        Model { schema, data, links: schema.references.iter().map(named).collect() }
    }

    /// The parent that a row names by a reference.
    pub fn parent(&self, reference: usize, row: usize) -> Option<RowId> {
        self.links[reference][row]
    }

    /// Every reference with its position.
    pub fn references(&self) -> impl Iterator<Item = (usize, &'a Reference)> + use<'a> {
        self.schema.references.iter().enumerate()
    }

    /// The references of a table.
    pub fn references_of(&self, table: usize) -> impl Iterator<Item = (usize, &'a Reference)> {
        self.references().filter(move |(_, reference)| reference.child == table)
    }

    /// The child rows that name a row of `parents` by this reference.
    pub fn naming<'b>(
        &'b self,
        reference: usize,
        parents: &'b Rows,
    ) -> impl Iterator<Item = RowId> + 'b {
        let child = self.schema.references[reference].child;
        let names = move |(row, parent): (usize, &Option<RowId>)| {
            parent.filter(|parent| parents.contains(parent)).map(|_| (child, row))
        };
        self.links[reference].iter().enumerate().filter_map(names)
    }

    fn select(&self, name: &str, with_children: bool) -> Rows {
        let named = |row: &usize| self.data[0][*row][1].as_deref() == Some(name);
        let selected = (0..self.data[0].len()).filter(named).map(|row| (0, row)).collect();
        if !with_children {
            return selected;
        }
        self.closure(&selected, |reference| {
            reference.child == 0 && reference.parent == 0 && !reference.action.unlinks()
        })
    }

    /// The rows that go without more force: those of cascades and forced references.
    pub fn deleted(&self, options: &Options, selected: &Rows) -> Rows {
        self.closure(selected, |reference| {
            reference.action == OnDelete::Cascade
                || (reference.action.protects() && options.forces(self.schema, reference))
        })
    }

    /// Every row that a refusal's reference protects is itself among `rows`.
    pub fn all_inside(&self, refusal: &Refusal, rows: &Rows) -> bool {
        refusal.reference.is_some_and(|r| self.naming(r, rows).all(|row| rows.contains(&row)))
    }

    /// The rows that `follow`ed references lead to, and the start.
    fn closure(&self, start: &Rows, follow: impl Fn(&Reference) -> bool) -> Rows {
        let mut rows = start.clone();
        loop {
            let followed = self.references().filter(|(_, reference)| follow(reference));
            let found = followed.flat_map(|(r, _)| self.naming(r, &rows));
            let found: Vec<RowId> = found.collect();
            let before = rows.len();
            rows.extend(found);
            if rows.len() == before {
                return rows;
            }
        }
    }

    pub fn refusal(&self, kind: &'static str, reference: usize, rows: usize) -> Option<Refusal> {
        let table = self.schema.references[reference].child;
        (rows > 0).then_some(Refusal { kind, table, reference: Some(reference), rows })
    }

    /// Rows in the way: of RESTRICT any, of NO ACTION those that are not deleted themselves.
    fn protected(&self, deleted: &Rows, options: &Options) -> Vec<Refusal> {
        let refused = |(number, reference): (usize, &Reference)| {
            if !reference.action.protects() || options.forces(self.schema, reference) {
                return None;
            }
            let immediate = reference.action == OnDelete::Restrict;
            let in_the_way = |row: &RowId| immediate || !deleted.contains(row);
            let rows = self.naming(number, deleted).filter(in_the_way).count();
            self.refusal("protected", number, rows)
        };
        self.references().filter_map(refused).collect()
    }

    /// Surviving rows that an unlinking reference names a row of the closure by.
    pub fn unlinkable<'b>(
        &'b self,
        reference: usize,
        closure: &'b Rows,
    ) -> impl Iterator<Item = usize> + 'b {
        let unlinks = self.schema.references[reference].action.unlinks();
        let survivors = self.naming(reference, closure).filter(|row| !closure.contains(row));
        survivors.filter(move |_| unlinks).map(|(_, row)| row)
    }

    /// The engine, should it do so while it deletes, could not unlink some row of the closure that
    /// is going anyway: by another row of the closure, in a column that must not change so.
    pub fn trips_over_itself(&self, closure: &Rows) -> bool {
        self.seeks_too_early(closure)
            || self.references().any(|(number, reference)| {
                let table = &self.schema.tables[reference.child];
                let bound = reference.set_columns.iter().any(|c| {
                    table.columns[*c].not_null || table.checks.iter().any(|check| check.contains(c))
                });
                let inside = |row: RowId| closure.contains(&row);
                reference.action.unlinks()
                    && (bound || reference.action == OnDelete::SetDefault)
                    && self.naming(number, closure).any(inside)
            })
    }

    /// SQLite takes a row out whose reference to its own table it sets to null, and looks for whom it names before it is
    /// back: not for itself, by another spelling of its key.
    fn seeks_too_early(&self, closure: &Rows) -> bool {
        let otherwise = |(table, row): RowId| {
            let values = &self.data[table][row];
            self.references_of(table).any(|(number, it)| {
                let mut columns = it.columns.iter().zip(&it.parent_columns);
                self.parent(number, row) == Some((table, row))
                    && columns.any(|(column, key)| values[*column] != values[*key])
            })
        };
        let own = |it: &Reference| it.child == it.parent && it.action.unlinks();
        let mut own = self.references().filter(|(_, it)| own(it));
        own.any(|(number, _)| self.naming(number, closure).any(otherwise))
    }

    /// Some rows of the closure name each other in a circle: one by one none of them goes first.
    pub fn names_in_circles(&self, closure: &Rows) -> bool {
        let mut left = closure.clone();
        loop {
            let parents = |(table, row): &RowId| {
                let row = *row;
                self.references_of(*table).filter_map(move |(number, _)| self.parent(number, row))
            };
            let named: Rows = left.iter().flat_map(parents).collect();
            let before = left.len();
            left.retain(|row| named.contains(row));
            if left.len() == before {
                return before > 0;
            }
        }
    }

    fn unlink_counts(&self, closure: &Rows) -> BTreeMap<usize, usize> {
        let counts = self.references().map(|(r, _)| (r, self.unlinkable(r, closure).count()));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// The new content of every row that survives changed.
    fn unlink(&self, closure: &Rows) -> BTreeMap<RowId, Row> {
        let mut changed = BTreeMap::new();
        for (number, reference) in self.references() {
            for row in self.unlinkable(number, closure) {
                let id = (reference.child, row);
                let new = changed.entry(id).or_insert_with(|| self.data[id.0][id.1].clone());
                for column in &reference.set_columns {
                    new[*column] = self.unlinked_value(reference, *column);
                }
            }
        }
        changed
    }

    pub fn after(&self, closure: &Rows, changed: &BTreeMap<RowId, Row>) -> Data {
        let survives = |table: usize, row: usize| {
            let id = (table, row);
            let unchanged = || self.data[table][row].clone();
            (!closure.contains(&id)).then(|| changed.get(&id).cloned().unwrap_or_else(unchanged))
        };
        let rows =
            |table: usize| (0..self.data[table].len()).filter_map(move |row| survives(table, row));
        (0..self.data.len()).map(|table| rows(table).collect()).collect()
    }

    /// Rows whose fate depends on which of two references the engine looks at first.
    fn overlaps(&self, closure: &Rows, options: &Options) -> Vec<Refusal> {
        let unforced = |reference: &&Reference| !options.forces(self.schema, reference);
        let refused = |(number, reference): (usize, &Reference)| {
            let undecided = |(table, row): &RowId| {
                let mut others = self.others_to(closure, number, (*table, *row));
                others.any(|other| {
                    unforced(&other)
                        && !self.goes_first(other, reference)
                        && !(other.action.unlinks() && self.makes_no_difference(reference, other))
                })
            };
            let unlinks = reference.action.unlinks() && !self.never_unlinks(reference);
            let rows = self.naming(number, closure).filter(|row| unlinks && undecided(row)).count();
            self.refusal("overlap", number, rows)
        };
        if options.force == Force::All {
            return Vec::new();
        }
        self.references().filter_map(refused).collect()
    }

    /// Other references of a row to the closure that use a column which unlinking by `reference`
    /// would change: an engine may lose sight of them, and the row stays, or a column its value.
    fn others_to<'b>(
        &'b self,
        closure: &'b Rows,
        reference: usize,
        (table, row): RowId,
    ) -> impl Iterator<Item = &'a Reference> + 'b {
        let written = &self.schema.references[reference].set_columns;
        self.references_of(table).filter_map(move |(number, other)| {
            let leads = self.parent(number, row).is_some_and(|parent| closure.contains(&parent));
            let shares = other.columns.iter().any(|column| written.contains(column));
            (number != reference && leads && shares).then_some(other)
        })
    }

    /// A column that takes no null lets no row survive so.
    fn never_unlinks(&self, reference: &Reference) -> bool {
        let columns = &self.schema.tables[reference.child].columns;
        reference.action == OnDelete::SetNull
            && reference.set_columns.iter().any(|column| columns[*column].not_null)
    }

    /// The engine has deleted a row by the one before it comes to the other: PostgreSQL by what names the organization
    /// itself. (InnoDB by the order of names, which these schemas leave to it.)
    fn goes_first(&self, one: &Reference, other: &Reference) -> bool {
        self.schema.dialect == Dialect::Postgres
            && one.action == OnDelete::Cascade
            && one.parent == 0
            && other.parent != 0
    }

    /// After the `first` unlink the `other` has nothing left to change.
    fn makes_no_difference(&self, first: &Reference, other: &Reference) -> bool {
        let same = |column: &usize| {
            first.set_columns.contains(column)
                && self.unlinked_value(first, *column) == self.unlinked_value(other, *column)
        };
        other.set_columns.iter().all(same)
    }

    fn unlinked_value(&self, reference: &Reference, column: usize) -> Value {
        let default = &self.schema.tables[reference.child].columns[column].default;
        default.clone().filter(|_| reference.action == OnDelete::SetDefault)
    }

    /// Whether engines could end differently for some row, by the order of their constraints.
    pub fn depends_on_order(&self, closure: &Rows) -> bool {
        let unlinks = self.references().filter(|(_, reference)| reference.action.unlinks());
        let mut rows = unlinks.flat_map(|(r, _)| self.naming(r, closure).map(move |row| (r, row)));
        rows.any(|(reference, row)| self.others_to(closure, reference, row).next().is_some())
    }
}

/// Rows as they compare: in no order, each as often as it is there.
pub fn sorted(mut data: Data) -> Data {
    for rows in &mut data {
        rows.sort();
    }
    data
}
