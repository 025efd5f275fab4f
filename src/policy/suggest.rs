//! Columns that look like references although no foreign key says so. Names only: whether the
//! values are there is for the database to tell.

use super::draft::Entry;
use super::file::{Discriminator, OneOrMore};
use super::kind::Kind;
use super::references::{mentioned, plain};
use super::{Policy, references};
use crate::catalog::{
    Catalog, Column, Declaration, Discriminant, Discriminator as Resolved, OnDelete, Origin,
    Reference, TableId,
};
use crate::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

/// A reference that might be meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub reference: Reference,
    /// How a policy would declare it.
    pub entry: Entry,
    /// Its name does not say which table it means: only its values do.
    pub guessed: bool,
}

/// A pair of columns that may name rows of several tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Types {
    pub table: TableId,
    pub type_column: String,
    pub key_column: String,
    /// The table of types that the type column refers to, with its key (Django's content types).
    pub lookup: Option<(TableId, String)>,
}

/// Columns that are called like another table's key, or like the references that others have.
pub fn candidates(catalog: &Catalog) -> Vec<Candidate> {
    let habits = habits(catalog);
    let typed: BTreeSet<(TableId, String)> =
        typed_pairs(catalog).into_iter().map(|pair| (pair.table, pair.key_column)).collect();
    let mut candidates = Vec::new();
    for child in catalog.table_ids() {
        for column in &catalog.table(child).columns {
            let known = catalog.references.iter().any(|reference| {
                reference.child == child && reference.columns.contains(&column.name)
            });
            if known || typed.contains(&(child, column.name.clone())) {
                continue;
            }
            let named = table_of_column(catalog, &column.name)
                .or_else(|| table_linked(catalog, child, &column.name))
                .or(habits.get(&column.name.to_ascii_lowercase()).copied().flatten());
            let other = |parent: &TableId| *parent != child;
            candidates.extend(match (named, holds_several(column)) {
                (_, true) => None,
                (Some(parent), _) if other(&parent) => {
                    candidate(catalog, child, &column.name, parent, None)
                }
                (Some(_), _) => None,
                (None, _) => table_of_people(catalog, &column.name)
                    .filter(other)
                    .and_then(|people| made_by(catalog, child, &column.name, people)),
            });
        }
    }
    candidates
}

/// What somebody has made does not go with them: it loses their name.
fn made_by(catalog: &Catalog, child: TableId, column: &str, people: TableId) -> Option<Candidate> {
    let nullable = catalog.table(child).column(column).is_some_and(|column| column.nullable);
    let action = if nullable { OnDelete::SetNull } else { OnDelete::Restrict };
    let mut candidate = candidate(catalog, child, column, people, None)?;
    references::act(&mut candidate.reference, action);
    candidate.entry.on_delete = Some(action);
    Some(Candidate { guessed: true, ..candidate })
}

/// `deal_ids integer[]`: keys in a list or a document, which no reference can be declared of; and whose they may be.
pub fn lists_of_keys(catalog: &Catalog) -> Vec<(TableId, String, TableId)> {
    let mut lists = Vec::new();
    for id in catalog.table_ids() {
        for column in catalog.table(id).columns.iter().filter(|column| holds_several(column)) {
            let Some(name) = column.name.strip_suffix('s') else { continue };
            let named = table_of_column(catalog, name).or_else(|| table_called(catalog, name));
            lists.extend(named.map(|parent| (id, column.name.clone(), parent)));
        }
    }
    lists
}

fn holds_several(column: &Column) -> bool {
    matches!(Kind::of(column), Kind::Several(_))
}

/// To which table columns of a name refer everywhere; `None` where they differ.
fn habits(catalog: &Catalog) -> BTreeMap<String, Option<TableId>> {
    let mut habits = BTreeMap::new();
    for reference in catalog.references.iter().filter(|reference| reference.columns.len() == 1) {
        let name = reference.columns[0].to_ascii_lowercase();
        if name == "id" {
            continue;
        }
        let habit = habits.entry(name).or_insert(Some(reference.parent));
        if *habit != Some(reference.parent) {
            *habit = None;
        }
    }
    habits
}

/// The table that a column such as `deal_id` or `dealId` is called after.
fn table_of_column(catalog: &Catalog, column: &str) -> Option<TableId> {
    const ENDS: [&str; 6] = ["_id", "_uuid", "_pk", "_ref", "Id", "ID"];
    let stem =
        ENDS.iter().find_map(|end| column.strip_suffix(end)).filter(|stem| !stem.is_empty())?;
    table_called(catalog, stem)
}

/// The tables that Prisma's `_AToB` links: by its columns A and B.
fn table_linked(catalog: &Catalog, link: TableId, column: &str) -> Option<TableId> {
    let name = catalog.table(link).name.name.strip_prefix('_')?;
    let halves = name.match_indices("To").map(|(n, to)| (&name[..n], &name[n + to.len()..]));
    let mut tables =
        halves.filter_map(|(a, b)| Some((table_called(catalog, a)?, table_called(catalog, b)?)));
    let (a, b) = tables.next()?;
    match column {
        "A" => Some(a),
        "B" => Some(b),
        _ => None,
    }
}

/// The table of those who own, write and approve, for columns that say so (`owner_id`, `createdBy`).
fn table_of_people(catalog: &Catalog, column: &str) -> Option<TableId> {
    const ROLES: [&str; 14] = [
        "owner",
        "author",
        "creator",
        "editor",
        "assignee",
        "assigned_to",
        "reviewer",
        "approver",
        "reporter",
        "sender",
        "recipient",
        "manager",
        "uploader",
        "requester",
    ];
    const PEOPLE: [&str; 5] = ["user", "account", "member", "person", "profile"];
    let name = snake_case(column);
    let role =
        ["_id", "_uuid", "_pk"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let last = role.rsplit('_').next().unwrap_or(role);
    let is_role = ROLES.contains(&role) || ROLES.contains(&last) || role.ends_with("_by");
    PEOPLE.iter().filter(|_| is_role).find_map(|people| table_called(catalog, people))
}

/// The only table whose rows are called so: by its whole name, else by the last word of it.
fn table_called(catalog: &Catalog, noun: &str) -> Option<TableId> {
    let noun = snake_case(noun);
    let only = |part: usize| {
        let called = |id: &TableId| catalog.table(*id).name.nouns()[part] == noun;
        let mut tables = catalog.table_ids().filter(called);
        tables.next().filter(|_| tables.next().is_none())
    };
    only(0).or_else(|| only(1))
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            text.push('_');
        }
        before = c;
        text.extend(c.to_lowercase());
    }
    text
}

/// `commentable_type` and `commentable_id`, `content_type_id` and `object_id`.
pub fn typed_pairs(catalog: &Catalog) -> Vec<Types> {
    let mut pairs = Vec::new();
    for id in catalog.table_ids() {
        let table = catalog.table(id);
        for column in &table.columns {
            let stem = column.name.strip_suffix("_type").filter(|_| column.textual);
            let key_column = stem.map(|stem| format!("{stem}_id"));
            if let Some(key) = key_column.filter(|key| table.column(key).is_some()) {
                let type_column = column.name.clone();
                pairs.push(Types { table: id, type_column, key_column: key, lookup: None });
            }
        }
        pairs.extend(content_types(catalog, id));
    }
    pairs
}

/// Django's generic foreign key: a reference to a table with `app_label` and `model`.
fn content_types(catalog: &Catalog, id: TableId) -> Option<Types> {
    let key = catalog.table(id).column("object_id")?;
    let to_types = catalog.references.iter().find(|reference| {
        let types = catalog.table(reference.parent);
        reference.child == id
            && reference.columns.len() == 1
            && ["app_label", "model"].iter().all(|name| types.column(name).is_some())
    })?;
    Some(Types {
        table: id,
        type_column: to_types.columns[0].clone(),
        key_column: key.name.clone(),
        lookup: Some((to_types.parent, to_types.parent_columns[0].clone())),
    })
}

/// The candidates of a typed pair, from the types that its rows have: `[type]`, or `[app, model]`
/// where there is a table of types. Types that no table is called after are left out.
pub fn of_types(catalog: &Catalog, pair: &Types, types: &[Vec<String>]) -> Vec<Candidate> {
    let candidate = |names: &Vec<String>| {
        let (parent, value, given) = match (&names[..], &pair.lookup) {
            ([name], None) => {
                // Rails says Crm::Deal, Laravel App\Models\Deal.
                let last = name.rsplit([':', '\\', '.', '/']).next().unwrap_or(name);
                let is = Some(OneOrMore::One(name.clone()));
                let given = Discriminator {
                    column: pair.type_column.clone(),
                    is,
                    table: None,
                    conditions: BTreeMap::new(),
                };
                (table_called(catalog, last)?, Discriminant::Literal(vec![name.clone()]), given)
            }
            ([app, model], Some((table, key))) => {
                let conditions = vec![
                    ("app_label".to_owned(), app.clone()),
                    ("model".to_owned(), model.clone()),
                ];
                let given = Discriminator {
                    column: pair.type_column.clone(),
                    is: None,
                    table: Some(catalog.table(*table).name.to_string()),
                    conditions: conditions.iter().cloned().collect(),
                };
                let parent = catalog.table_named(&format!("{app}_{model}")).ok();
                let value = Discriminant::Lookup { table: *table, key: key.clone(), conditions };
                (parent?, value, given)
            }
            _ => return None,
        };
        let resolved = Resolved { column: pair.type_column.clone(), value };
        candidate(catalog, pair.table, &pair.key_column, parent, Some((resolved, given)))
    };
    types.iter().filter_map(candidate).collect()
}

fn candidate(
    catalog: &Catalog,
    child: TableId,
    column: &str,
    parent: TableId,
    typed: Option<(Resolved, Discriminator)>,
) -> Option<Candidate> {
    let (from, to) = (catalog.table(child), catalog.table(parent));
    let key = to.primary_key().filter(|key| key.columns.len() == 1)?;
    let textual =
        |table: &crate::catalog::Table, name: &str| table.column(name).is_some_and(|c| c.textual);
    let (resolved, given) = typed.unzip();
    let mut reference =
        plain(catalog, child, vec![column.to_owned()], parent, vec![key.columns[0].clone()]);
    references::act(&mut reference, OnDelete::Cascade);
    reference.declaration = Declaration {
        origin: Origin::Declared,
        as_text: textual(from, column) != textual(to, &key.columns[0]),
        discriminator: resolved,
        ..Declaration::default()
    };
    let entry = Entry {
        from: format!("{}.{column}", from.name),
        to: Some(format!("{}.{}", to.name, key.columns[0])),
        on_delete: Some(OnDelete::Cascade),
        discriminator: given,
        suggested: true,
        ..Entry::default()
    };
    Some(Candidate { reference, entry, guessed: false })
}

/// Tables that look as if they belonged to an organization, and that neither the plan reaches nor the
/// policy speaks of; and the columns that make them look so. `complete`: all tables that are neither, and reached ones
/// with such a column of which nobody speaks.
pub fn unclassified(
    policy: &Policy,
    catalog: &Catalog,
    plan: &Plan,
    complete: bool,
) -> Vec<(TableId, String)> {
    let tables = || {
        let all = policy.file.tables.iter();
        all.filter_map(|(name, table)| Some((catalog.table_named(name.as_ref()).ok()?, table)))
    };
    let spoken: BTreeSet<TableId> = mentioned(policy, catalog)
        .into_keys()
        .map(|id| catalog.reference(id).child)
        .chain(tables().map(|(id, _)| id))
        .chain(ignored(policy, catalog))
        .collect();
    let kept: BTreeSet<TableId> =
        tables().filter(|(_, table)| table.is_untouched()).map(|(id, _)| id).collect();
    let columns = references::spoken(policy, catalog);
    let reached = |id: TableId| plan.tables.contains(&id) || plan.unlinks_in(id, catalog);
    let is_told = |table: TableId, column: &String| {
        let has = |columns: &[String]| columns.contains(column);
        kept.contains(&table)
            || columns.iter().any(|(id, names)| *id == table && has(names))
            || catalog.references.iter().any(|it| it.child == table && has(&it.columns))
    };
    let is_classified = |table: TableId, column: &String| match (reached(table), complete) {
        (true, true) => is_told(table, column),
        (reached, _) => reached || spoken.contains(&table),
    };
    let mut found = BTreeMap::new();
    for (table, column, why) in doubtful_columns(catalog, plan) {
        if !is_classified(table, &column) {
            found.entry(table).or_insert(why);
        }
    }
    let rest = catalog.table_ids().filter(|id| complete && !reached(*id) && !spoken.contains(id));
    for table in rest {
        let root = &catalog.table(plan.root).name;
        found.entry(table).or_insert_with(|| format!("nothing leads from it to {root}"));
    }
    found.into_iter().collect()
}

/// Columns that look as if they named rows that go with an organization, and why.
fn doubtful_columns<'a>(
    catalog: &'a Catalog,
    plan: &'a Plan,
) -> impl Iterator<Item = (TableId, String, String)> + 'a {
    let looks = |child: TableId, columns: &[String], parent: TableId| {
        let why = format!(
            "{} looks like a reference to {}",
            columns.join(","),
            catalog.table(parent).name
        );
        (child, columns[0].clone(), why)
    };
    let named = candidates(catalog).into_iter().map(|candidate| candidate.reference);
    let named = named.filter(|it| plan.tables.contains(&it.parent));
    let named = named.map(move |it| looks(it.child, &it.columns, it.parent));
    let scoped = catalog.scopes.iter().map(move |it| looks(it.child, &it.columns, it.parent));
    let typed = typed_pairs(catalog).into_iter().map(|pair| {
        let Types { table, type_column, key_column, .. } = pair;
        let why = format!("{type_column} and {key_column} may name rows of any table");
        (table, key_column, why)
    });
    named.chain(scoped).chain(typed)
}

/// Tables of which a reference is declared only to be ignored; the catalog does not know it.
fn ignored(policy: &Policy, catalog: &Catalog) -> Vec<TableId> {
    let entries = policy.file.references.iter();
    let tables = entries.filter_map(|entry| entry.from.as_ref().rsplit_once('.'));
    tables.filter_map(|(table, _)| catalog.table_named(table).ok()).collect()
}
