//! Names to positions: the policy against the live catalog.

use super::file::{Keep, Table, Untouched};
use super::keeping::keeping;
use super::names::{column_named, table_called};
use super::scope::{Scopes, Unfit};
use super::{Fault, Policy, references};
use crate::catalog::{Catalog, OnDelete, ReferenceId, TableId};
use crate::plan::{Condition, Keeping, Rules};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

/// The catalog with the references that are meant, and the policy's part of the rules.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub catalog: Catalog,
    pub rules: Rules,
    /// What `--select NAME` means, by name.
    pub selections: BTreeMap<String, Condition>,
}

/// Applies `policy` to what the database says. `root` is the table of organizations.
///
/// # Errors
/// Everything in the file that names nothing, or contradicts itself or the database.
pub fn resolve(policy: &Policy, catalog: Catalog, root: TableId) -> Result<Resolved, Vec<Fault>> {
    let rules = Rules { guards: policy.guards(), ..Rules::default() };
    let mut resolved = Resolved { catalog, rules, selections: BTreeMap::new() };
    let mut faults = policy.guard_faults();
    faults.extend(references::apply(policy, &mut resolved.catalog));
    let mut tables = Vec::new();
    for (name, table) in &policy.file.tables {
        match table_named(policy, &resolved.catalog, name) {
            Ok(id) => tables.push((id, name, table)),
            Err(fault) => faults.push(fault),
        }
    }
    // First what changes references, then what names them.
    for (id, name, table) in &tables {
        faults.extend(resolved.kept(policy, *id, name, table, root));
    }
    faults.extend(resolved.scopes(policy, root));
    for (id, name, table) in &tables {
        faults.extend(resolved.table(policy, *id, name, table, root));
    }
    for orphans in &policy.file.orphans {
        match condition(policy, &resolved.catalog, &orphans.table, &orphans.condition) {
            Ok(orphans) => resolved.rules.orphans.push(orphans),
            Err(fault) => faults.push(fault),
        }
    }
    for (table, sql) in &policy.file.guards.test_data {
        match condition(policy, &resolved.catalog, table, sql) {
            Ok(guard) => resolved.rules.guards.test_data.push(guard),
            Err(fault) => faults.push(fault),
        }
    }
    for (name, selection) in &policy.file.selections {
        match policy.expression(root, &selection.condition) {
            Ok(condition) => drop(resolved.selections.insert(name.as_ref().clone(), condition)),
            Err(fault) => faults.push(fault),
        }
    }
    let about_root = policy.file.caveats.iter().filter(|caveat| {
        let table = caveat.table.as_ref().map(|name| resolved.catalog.table_named(name));
        table == Some(Ok(root))
    });
    resolved.rules.caveats = about_root.map(|caveat| caveat.what.clone()).collect();
    faults.extend(resolved.contradictions(policy, root));
    faults.sort_by_key(Fault::line);
    if faults.is_empty() { Ok(resolved) } else { Err(faults) }
}

impl Resolved {
    fn kept(
        &mut self,
        policy: &Policy,
        id: TableId,
        name: &Spanned<String>,
        table: &Table,
        root: TableId,
    ) -> Vec<Fault> {
        match &table.keep {
            Some(keep) if id == root => {
                let message =
                    format!("{} is the table of organizations: it cannot be kept", name.as_ref());
                vec![policy.fault(&keep.span(), message)]
            }
            Some(keep) => match keep.get_ref() {
                Keep::All(untouched) => self.keep(policy, id, *untouched, &keep.span()),
                // What it says of columns is of all references, those included that other tables' keep takes away.
                Keep::Some(_) => Vec::new(),
            },
            None => Vec::new(),
        }
    }

    /// Two spellings of a table's name may each have a rule.
    fn keep_some(
        &mut self,
        policy: &Policy,
        keeping: Keeping,
        span: &Range<usize>,
    ) -> Option<Fault> {
        let table = keeping.rows.table;
        if let Some(other) = self.rules.keeping.iter().find(|other| other.rows.table == table) {
            let (name, place) = (&self.catalog.table(table).name, &other.rows.place);
            return Some(
                policy.fault(span, format!("rows of {name} are kept already, by {place}")),
            );
        }
        self.rules.keeping.push(keeping);
        None
    }

    fn table(
        &mut self,
        policy: &Policy,
        id: TableId,
        name: &Spanned<String>,
        table: &Table,
        root: TableId,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        let kept = table.keep.as_ref().map(Spanned::get_ref).filter(|_| id != root);
        if let Some(Keep::Some(kept)) = kept {
            match keeping(policy, &self.catalog, id, kept) {
                Ok(keeping) => {
                    faults.extend(self.keep_some(policy, keeping, &kept.condition.span()))
                }
                Err(those) => faults.extend(those),
            }
        }
        if let Some(columns) = &table.label {
            match columns.iter().map(|column| self.column(policy, id, column)).collect() {
                Ok(columns) => drop(self.rules.labels.insert(id, columns)),
                Err(fault) => faults.push(fault),
            }
        }
        let files = table.files.iter().flatten().map(|column| self.column(policy, id, column));
        faults.extend(files.filter_map(Result::err));
        if let Some(association) = &table.association {
            self.rules.associations.insert(id, *association.as_ref());
        }
        if let Some(columns) = &table.owning {
            let owning = columns.iter().map(|columns| self.owning(policy, id, columns));
            match owning.collect::<Result<Vec<_>, _>>() {
                Ok(owning) if owning.is_empty() => {
                    let message =
                        format!("{} is owned by nothing: name a reference", name.as_ref());
                    faults.push(policy.fault(&name.span(), message));
                }
                Ok(owning) => drop(self.rules.owning.insert(id, owning.concat())),
                Err(fault) => faults.push(fault),
            }
        }
        faults
    }

    /// Makes references of the scope columns that the policy names, and finds the others.
    fn scopes(&mut self, policy: &Policy, root: TableId) -> Vec<Fault> {
        let mut faults = Vec::new();
        for name in &policy.file.root.scope_columns {
            let scopes = Scopes { policy, catalog: &self.catalog, root };
            match scopes.named(name.as_ref(), &policy.place(&name.span())) {
                Ok(named) => self.catalog.references.extend(named),
                Err(Unfit { message, hint }) => {
                    faults.push(Fault { hint, ..policy.fault(&name.span(), message) });
                }
            }
        }
        self.catalog.scopes = Scopes { policy, catalog: &self.catalog, root }.found();
        faults
    }

    fn column(
        &self,
        policy: &Policy,
        table: TableId,
        column: &Spanned<String>,
    ) -> Result<String, Fault> {
        column_named(policy, &self.catalog, table, column.as_ref(), &column.span())
    }

    /// The references of `table` over these columns: several where they are polymorphic.
    fn owning(
        &self,
        policy: &Policy,
        table: TableId,
        columns: &Spanned<String>,
    ) -> Result<Vec<ReferenceId>, Fault> {
        let own = |id: &ReferenceId| self.catalog.reference(*id).child == table;
        let named = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            reference.columns.join(",").eq_ignore_ascii_case(&columns.as_ref().replace(' ', ""))
                || reference.name.as_deref() == Some(columns.as_ref())
        };
        let references = || self.catalog.reference_ids().filter(own);
        match references().filter(named).collect::<Vec<_>>() {
            found if !found.is_empty() => Ok(found),
            _ => {
                let name = &self.catalog.table(table).name;
                let message = format!("{name} has no reference over {}", columns.as_ref());
                let names = references().map(|id| self.catalog.reference(id).columns.join(","));
                Err(policy.fault(&columns.span(), message).nearest(columns.as_ref(), names))
            }
        }
    }

    /// What becomes of the references of a table that is never touched; what the policy says of a
    /// single one holds.
    fn keep(
        &mut self,
        policy: &Policy,
        table: TableId,
        keep: Untouched,
        span: &Range<usize>,
    ) -> Vec<Fault> {
        let spoken = references::mentioned(policy, &self.catalog);
        let mut faults = Vec::new();
        for id in self.catalog.reference_ids().collect::<Vec<_>>() {
            let name = self.catalog.reference_name(id);
            let reference = &mut self.catalog.references[id.0];
            if reference.child != table {
                continue;
            }
            let counts = |place: &&Range<usize>| policy.rank(place) <= policy.rank(span);
            if let Some(place) = spoken.get(&id).filter(counts) {
                let action = reference.on_delete;
                if !action.unlinks() && action != OnDelete::Ignore {
                    let place = policy.place(place);
                    let message =
                        format!("{name} is kept here, but {place} says {}", reference.on_delete);
                    faults.push(policy.fault(span, message));
                }
                continue;
            }
            match keep {
                Untouched::Unlink => references::act(reference, OnDelete::SetNull),
                Untouched::Refuse | Untouched::Ignore => {
                    references::act(reference, OnDelete::Ignore)
                }
            }
        }
        if keep == Untouched::Ignore {
            faults.extend(self.watched(policy, table, span));
            self.catalog.references.retain(|reference| {
                let ignored = reference.child == table && reference.on_delete == OnDelete::Ignore;
                reference.is_constraint() || !ignored
            });
        }
        faults
    }

    /// The engine itself does not let the parent of a watched reference go.
    fn watched(&self, policy: &Policy, table: TableId, span: &Range<usize>) -> Option<Fault> {
        let mut watched = self.catalog.reference_ids().filter(|id| {
            let reference = self.catalog.reference(*id);
            reference.child == table
                && reference.enforced
                && reference.on_delete == OnDelete::Ignore
        });
        let arrow = self.catalog.reference_arrow(watched.next()?);
        let message =
            format!("the database watches {arrow}: what it names cannot go and be ignored");
        let hint =
            "keep = \"refuse\" stops such a deletion, keep = \"unlink\" sets the reference to null";
        Some(policy.fault(span, message).hint(hint))
    }

    fn contradictions(&self, policy: &Policy, root: TableId) -> Vec<Fault> {
        let mut faults = Vec::new();
        let kept = |id: TableId| {
            let mut tables = policy.file.tables.iter().filter(|(_, table)| table.keep.is_some());
            tables.find(|(name, _)| self.catalog.table_named(name.as_ref()) == Ok(id))
        };
        for (orphans, file) in self.rules.orphans.iter().zip(&policy.file.orphans) {
            let name = &self.catalog.table(orphans.table).name;
            if let Some((keep, _)) = kept(orphans.table) {
                let message =
                    format!("orphans of {name} go, but {} keeps it", policy.place(&keep.span()));
                faults.push(policy.fault(&file.table.span(), message));
            }
            if orphans.table == root {
                let message = format!("{name} is the table of organizations: select them by name");
                faults.push(policy.fault(&file.table.span(), message));
            }
        }
        faults.extend(self.associations(policy, root));
        for (name, table) in &policy.file.tables {
            let Some(columns) = &table.owning else { continue };
            let ignored = self.catalog.table_named(name.as_ref()).ok().and_then(|id| {
                let mut owning = self.rules.owning.get(&id)?.iter();
                owning.find(|id| self.catalog.reference(**id).on_delete == OnDelete::Ignore)
            });
            if let (Some(id), Some(column)) = (ignored, columns.first()) {
                let name = self.catalog.reference_name(*id);
                let message = format!("{name} is ignored, so it cannot say whose a row is");
                faults.push(policy.fault(&column.span(), message));
            }
        }
        faults
    }

    /// Tables that cannot link others.
    fn associations(&self, policy: &Policy, root: TableId) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (name, table) in &policy.file.tables {
            let Some(association) = &table.association else { continue };
            let Ok(id) = table_named(policy, &self.catalog, name) else { continue };
            let links = self.catalog.references.iter().filter(|reference| {
                let leads = reference.parent == root || reference.on_delete == OnDelete::Cascade;
                reference.child == id && leads
            });
            let name = name.as_ref();
            let message = if id == root {
                format!("{name} is the table of organizations: its rows own themselves")
            } else if table.owning.is_some() {
                format!("owning says already whose the rows of {name} are")
            } else if *association.as_ref() && links.count() < 2 {
                format!("{name} has no two CASCADE references: its rows link nothing")
            } else {
                continue;
            };
            faults.push(policy.fault(&association.span(), message));
        }
        faults
    }
}

fn condition(
    policy: &Policy,
    catalog: &Catalog,
    table: &Spanned<String>,
    sql: &Spanned<String>,
) -> Result<Condition, Fault> {
    policy.expression(table_named(policy, catalog, table)?, sql)
}

pub(super) fn table_named(
    policy: &Policy,
    catalog: &Catalog,
    name: &Spanned<String>,
) -> Result<TableId, Fault> {
    table_called(policy, catalog, name.as_ref(), &name.span())
}
