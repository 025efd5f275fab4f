//! `[[references]]`: foreign keys that mean something else, and references without a foreign key.

use super::file::{self, OneOrMore};
use super::kind::Fit;
use super::names::{column_named, table_called};
use super::{Fault, Policy};
use crate::catalog::{
    Catalog, Comparison, Declaration, Discriminant, Discriminator, Misnomer, OnDelete, Origin,
    Reference, ReferenceId, TableId, Unlike,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Applies every entry to `catalog`; what cannot be applied is a fault.
pub fn apply(policy: &Policy, catalog: &mut Catalog) -> Vec<Fault> {
    let known = catalog.clone();
    let mut places: BTreeMap<ReferenceId, Range<usize>> = BTreeMap::new();
    let mut declared: Vec<(Reference, usize)> = Vec::new();
    let mut faults = Vec::new();
    for entry in &policy.file.references {
        let (span, rank) = (entry.from.span(), policy.rank(&entry.from.span()));
        match meaning(policy, &known, entry) {
            Ok(Meaning::Override(id)) => {
                match places.get(&id) {
                    Some(earlier) if policy.rank(earlier) < rank => continue,
                    Some(earlier) => {
                        let name = known.reference_name(id);
                        let earlier = policy.place(earlier);
                        let message = format!("{name} has been spoken of in {earlier}");
                        faults.push(policy.fault(&span, message));
                    }
                    None => override_action(policy, &mut catalog.references[id.0], entry),
                }
                places.insert(id, span);
                faults.extend(inverse(policy, catalog, entry, id).err());
            }
            Ok(Meaning::Declare(reference)) => {
                let same = |(other, by): &(Reference, usize)| {
                    *by < rank && same_declaration(other, &reference)
                };
                if declared.iter().any(same) {
                    continue;
                }
                declared.push(((*reference).clone(), rank));
                if catalog.references.iter().any(|other| same_declaration(other, &reference)) {
                    let message = "this reference has been declared before";
                    faults.push(policy.fault(&entry.from.span(), message));
                    continue;
                }
                // What is declared only to be ignored need not be known at all.
                if reference.on_delete == OnDelete::Ignore {
                    continue;
                }
                let id = ReferenceId(catalog.references.len());
                catalog.references.push(*reference);
                faults.extend(inverse(policy, catalog, entry, id).err());
            }
            Err(fault) => faults.push(fault),
        }
    }
    faults
}

/// The references that the policy speaks of, and where: of several files in the one that counts most.
pub fn mentioned(policy: &Policy, catalog: &Catalog) -> BTreeMap<ReferenceId, Range<usize>> {
    let mut mentioned: BTreeMap<ReferenceId, Range<usize>> = BTreeMap::new();
    for entry in &policy.file.references {
        let span = entry.from.span();
        for id in catalog.references_named(entry.from.as_ref()).unwrap_or_default() {
            let counts_less = |earlier| policy.rank(earlier) < policy.rank(&span);
            if !mentioned.get(&id).is_some_and(counts_less) {
                mentioned.insert(id, span.clone());
            }
        }
    }
    mentioned
}

/// The columns that the policy speaks of, where it says nothing else of them than to ignore them, too.
pub(super) fn spoken(policy: &Policy, catalog: &Catalog) -> BTreeSet<(TableId, Vec<String>)> {
    let entries = policy.file.references.iter();
    let columns = entries
        .filter_map(|entry| columns(policy, catalog, entry.from.as_ref(), &entry.from.span()).ok());
    columns.collect()
}

/// Makes `action` the reference's own.
pub fn act(reference: &mut Reference, action: OnDelete) {
    reference.on_delete = action;
    let unlinks = action.unlinks();
    if unlinks && reference.set_columns.is_empty() {
        reference.set_columns.clone_from(&reference.columns);
    }
    if reference.declaration.origin == Origin::Database {
        reference.declaration.origin = Origin::Overridden;
    }
}

enum Meaning {
    Override(ReferenceId),
    Declare(Box<Reference>),
}

fn meaning(policy: &Policy, catalog: &Catalog, entry: &file::Reference) -> Result<Meaning, Fault> {
    check_default(policy, entry)?;
    let target = match &entry.to {
        Some(to) => Some(target(policy, catalog, to.as_ref(), &to.span())?),
        None => None,
    };
    let fits = |id: &ReferenceId| {
        let reference = catalog.reference(*id);
        target.as_ref().is_none_or(|(table, columns)| {
            reference.parent == *table && reference.parent_columns == *columns
        })
    };
    let found: Vec<ReferenceId> = match entry.discriminator {
        Some(_) => Vec::new(),
        None => named(policy, catalog, entry)?.into_iter().filter(fits).collect(),
    };
    match (&found[..], target) {
        ([id], _) => Ok(Meaning::Override(*id)),
        ([], Some(target)) => declared(policy, catalog, entry, target),
        ([], None) => Err(unknown(policy, catalog, entry)),
        (_, _) => {
            let message = format!("{} names several references", entry.from.as_ref());
            Err(policy.fault(&entry.from.span(), message).hint("use the constraint's name"))
        }
    }
}

/// The references of the database that `from` names, if any.
fn named(
    policy: &Policy,
    catalog: &Catalog,
    entry: &file::Reference,
) -> Result<Vec<ReferenceId>, Fault> {
    match catalog.references_named(entry.from.as_ref()) {
        Ok(found) => Ok(found),
        Err(Misnomer::Unknown) => Ok(Vec::new()),
        Err(Misnomer::Ambiguous(names)) => {
            let message = format!("several references are called {}", entry.from.as_ref());
            let hint = format!("choose: {}", names.join(" or "));
            Err(policy.fault(&entry.from.span(), message).hint(hint))
        }
    }
}

fn unknown(policy: &Policy, catalog: &Catalog, entry: &file::Reference) -> Fault {
    let from = entry.from.as_ref();
    if let Err(fault) = columns(policy, catalog, from, &entry.from.span()) {
        return fault;
    }
    policy
        .fault(&entry.from.span(), format!("the database has no foreign key {from}"))
        .hint("to declare a reference that it does not know, say to = \"TABLE.COLUMN\"")
}

fn check_default(policy: &Policy, entry: &file::Reference) -> Result<(), Fault> {
    let Some(default) = &entry.default else { return Ok(()) };
    let action = entry.on_delete.as_ref().map(|action| *action.as_ref());
    if action == Some(OnDelete::SetDefault) {
        return Ok(());
    }
    Err(policy.fault(&default.span(), "default is written by on-delete = \"set default\" only"))
}

fn override_action(policy: &Policy, reference: &mut Reference, entry: &file::Reference) {
    if let Some(action) = &entry.on_delete {
        act(reference, *action.as_ref());
    }
    reference.declaration.default = entry.default.as_ref().map(|value| value.as_ref().clone());
    reference.declaration.place = policy.place(&entry.from.span());
}

fn declared(
    policy: &Policy,
    catalog: &Catalog,
    entry: &file::Reference,
    (parent, parent_columns): (TableId, Vec<String>),
) -> Result<Meaning, Fault> {
    let span = entry.from.span();
    let (child, columns) = columns(policy, catalog, entry.from.as_ref(), &span)?;
    if columns.len() != parent_columns.len() {
        let message = format!("{} columns cannot name {}", columns.len(), parent_columns.len());
        return Err(policy.fault(&span, message));
    }
    let Some(action) = &entry.on_delete else {
        let message = format!(
            "{} is declared here, but what happens on delete is not said",
            entry.from.as_ref()
        );
        return Err(policy.fault(&span, message).hint(
            "on-delete = \"cascade\", \"set null\", \"set default\", \"restrict\", \"no action\" or \"ignore\"",
        ));
    };
    let kind = |table: TableId, name: &String| {
        catalog.table(table).column(name).is_some_and(|c| c.textual)
    };
    let as_text =
        columns.iter().zip(&parent_columns).any(|(c, p)| kind(child, c) != kind(parent, p));
    let pairs = columns.iter().zip(&parent_columns).filter_map(|(column, key)| {
        catalog.table(child).column(column).zip(catalog.table(parent).column(key))
    });
    let fits: Vec<Fit> = pairs.map(|(own, key)| Fit::of(own, key)).collect();
    let discriminator = match &entry.discriminator {
        Some(given) => Some(discriminator(policy, catalog, child, given.as_ref(), &given.span())?),
        None => None,
    };
    let mut reference = plain(catalog, child, columns, parent, parent_columns);
    reference.declaration = Declaration {
        origin: Origin::Declared,
        as_text,
        discriminator,
        default: entry.default.as_ref().map(|value| value.as_ref().clone()),
        place: policy.place(&span),
        ..Declaration::default()
    };
    mark(&mut reference, &fits);
    act(&mut reference, *action.as_ref());
    Ok(Meaning::Declare(Box::new(reference)))
}

/// A reference that nobody watches.
pub(super) fn plain(
    catalog: &Catalog,
    child: TableId,
    columns: Vec<String>,
    parent: TableId,
    parent_columns: Vec<String>,
) -> Reference {
    let by_index =
        |reference: &&Reference| reference.child == child && reference.columns == columns;
    Reference {
        name: None,
        index: catalog.references.iter().find(by_index).and_then(|other| other.index.clone()),
        comparisons: vec![Comparison::plain(); columns.len()],
        child,
        columns,
        parent,
        parent_columns,
        on_delete: OnDelete::NoAction,
        set_columns: Vec::new(),
        match_full: false,
        deferrable: false,
        initially_deferred: false,
        validated: false,
        enforced: false,
        not_enforced: false,
        partition: None,
        declaration: Declaration::default(),
    }
}

/// Says of which columns nothing tells what they name.
pub(super) fn mark(reference: &mut Reference, fits: &[Fit]) {
    for (comparison, fit) in reference.comparisons.iter_mut().zip(fits) {
        comparison.unlike = (*fit == Fit::Untold).then_some(Unlike::Form);
    }
}

/// With `with-parent`: the parent row names its child row, and goes with it.
fn inverse(
    policy: &Policy,
    catalog: &mut Catalog,
    entry: &file::Reference,
    id: ReferenceId,
) -> Result<(), Fault> {
    if !entry.with_parent {
        return Ok(());
    }
    let forward = catalog.reference(id).clone();
    let untold = forward.is_untold();
    if !is_key(catalog, forward.child, &forward.columns) {
        let name = catalog.reference_name(id);
        let message = format!("{name} is no unique key, so several rows could share one parent");
        return Err(policy
            .fault(&entry.from.span(), message)
            .hint("with-parent is for one-to-one references"));
    }
    let mut reference =
        plain(catalog, forward.parent, forward.parent_columns, forward.child, forward.columns);
    reference.on_delete = OnDelete::Cascade;
    reference.declaration.origin = Origin::Inverse;
    reference.declaration.as_text = forward.declaration.as_text;
    if untold {
        reference.comparisons.clone_from(&forward.comparisons);
    }
    catalog.references.push(reference);
    Ok(())
}

fn same_declaration(one: &Reference, other: &Reference) -> bool {
    one.declaration.origin == Origin::Declared
        && (one.child, &one.columns, one.parent) == (other.child, &other.columns, other.parent)
        && one.declaration.discriminator == other.declaration.discriminator
}

fn is_key(catalog: &Catalog, table: TableId, columns: &[String]) -> bool {
    let same = |key: &crate::catalog::Key| {
        key.columns.len() == columns.len() && key.columns.iter().all(|c| columns.contains(c))
    };
    catalog.table(table).keys.iter().any(same)
}

/// `table.column[,column…]`, where table and columns may hold dots.
fn columns(
    policy: &Policy,
    catalog: &Catalog,
    text: &str,
    span: &Range<usize>,
) -> Result<(TableId, Vec<String>), Fault> {
    let dots: Vec<usize> = text.match_indices('.').map(|(at, _)| at).collect();
    let split = dots.iter().rev().map(|at| (&text[..*at], &text[at + 1..]));
    let (table, names) = split
        .clone()
        .find(|(table, _)| catalog.table_named(table) != Err(Misnomer::Unknown))
        .or(split.clone().next())
        .ok_or_else(|| {
            policy.fault(span, format!("{text} is no TABLE.COLUMN and no constraint's name"))
        })?;
    let id = table_called(policy, catalog, table, span)?;
    let names = names.split(',').map(str::trim);
    let columns = names.map(|name| column_named(policy, catalog, id, name, span));
    Ok((id, columns.collect::<Result<_, _>>()?))
}

/// The parent and the key of it that is named: its primary key where only a table is.
fn target(
    policy: &Policy,
    catalog: &Catalog,
    text: &str,
    span: &Range<usize>,
) -> Result<(TableId, Vec<String>), Fault> {
    if let Ok(table) = catalog.table_named(text) {
        let key = catalog.table(table).primary_key();
        return key.map(|key| (table, key.columns.clone())).ok_or_else(|| {
            policy
                .fault(span, format!("{text} has no primary key"))
                .hint("name the column: TABLE.COLUMN")
        });
    }
    if !text.contains('.') {
        return table_called(policy, catalog, text, span).map(|table| (table, Vec::new()));
    }
    let (table, columns) = columns(policy, catalog, text, span)?;
    if !is_key(catalog, table, &columns) {
        let message = format!("{text} is no unique key: a row could name several");
        return Err(policy.fault(span, message));
    }
    Ok((table, columns))
}

fn discriminator(
    policy: &Policy,
    catalog: &Catalog,
    child: TableId,
    given: &file::Discriminator,
    span: &Range<usize>,
) -> Result<Discriminator, Fault> {
    let column = column_named(policy, catalog, child, &given.column, span)?;
    let value = match (&given.is, &given.table) {
        (Some(OneOrMore::One(text)), None) => Discriminant::Literal(vec![text.clone()]),
        (Some(OneOrMore::More(texts)), None) if !texts.is_empty() => {
            Discriminant::Literal(texts.clone())
        }
        (None, Some(to)) if !given.conditions.is_empty() => {
            let (table, columns) = target(policy, catalog, to, span)?;
            let [key] = &columns[..] else {
                return Err(policy.fault(span, format!("{to} is no key of one column")));
            };
            let condition = |(name, value): (&String, &String)| {
                Ok((column_named(policy, catalog, table, name, span)?, value.clone()))
            };
            let conditions = given.conditions.iter().map(condition).collect::<Result<_, _>>()?;
            Discriminant::Lookup { table, key: key.clone(), conditions }
        }
        _ => {
            let hint = "type = { column = \"kind\", is = \"Deal\" }, or \
                        type = { column = \"content_type_id\", in = \"django_content_type\", where = { model = \"deal\" } }";
            return Err(policy.fault(span, "a type is told by is, or by in and where").hint(hint));
        }
    };
    Ok(Discriminator { column, value })
}
