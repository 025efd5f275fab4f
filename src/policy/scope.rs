//! Scope columns: columns that say whose a row is although no foreign key does (DESIGN 2, "Nothing is left behind
//! unsaid"). Names and types only: whether a row holds a selected key is for the database to tell.

use super::Policy;
use super::kind::{Fit, Kind};
use super::references::{act, mark, plain, spoken};
use crate::catalog::{
    Catalog, Column, Declaration, Discriminant, Discriminator, OnDelete, Origin, Reference, Table,
    TableId,
};
use crate::selection::did_you_mean;
use std::collections::BTreeSet;

/// What is looked at for scope columns: a catalog with the policy's references, and the root in it.
#[derive(Clone, Copy)]
pub struct Scopes<'a> {
    pub policy: &'a Policy,
    pub catalog: &'a Catalog,
    pub root: TableId,
}

/// Why a name is that of no scope column.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfit {
    pub message: String,
    pub hint: Option<String>,
}

/// What tenants are called elsewhere: where no table is called so, its key may be one of the root's.
const SYNONYMS: [&str; 8] = [
    "tenant",
    "organization",
    "organisation",
    "org",
    "company",
    "account",
    "workspace",
    "customer",
];

impl Scopes<'_> {
    /// Those of which nobody has to say that they are.
    pub fn found(self) -> Vec<Reference> {
        let habits = self.habits();
        let conventional = self.conventional();
        self.each(|table| {
            let own = table.columns.iter().map(|column| vec![column.name.clone()]);
            let own = own.filter(|columns| conventional.contains(&joined(&columns[0])));
            let alike = habits.iter().filter_map(|names| columns_called(table, names));
            alike.chain(own).collect()
        })
    }

    /// Those that are called like the key of a tenant, of which there is no table by that name: to be asked about.
    pub fn possible(self) -> Vec<Reference> {
        let found = self.found();
        let synonyms: BTreeSet<String> = SYNONYMS
            .iter()
            .filter(|noun| !self.is_another(noun))
            .map(|noun| joined(noun) + "id")
            .collect();
        let mut possible = self.each(|table| {
            let own = table.columns.iter().map(|column| vec![column.name.clone()]);
            own.filter(|columns| synonyms.contains(&joined(&columns[0]))).collect()
        });
        let is_new = |it: &Reference| {
            !found.iter().any(|other| (other.child, &other.columns) == (it.child, &it.columns))
        };
        possible.retain(|it| is_new(it) && !it.is_untold());
        possible
    }

    /// The columns that somebody calls scope columns, as references to the root with CASCADE: by a column's name all
    /// that are called so, or one as `TABLE.COLUMN`. None, where foreign keys say so already.
    ///
    /// # Errors
    /// There are none, or they cannot hold the root's key.
    pub fn named(self, text: &str, place: &str) -> Result<Vec<Reference>, Unfit> {
        let called = self.called(text);
        let mut fit: Vec<Reference> = called
            .iter()
            .filter_map(|(id, columns)| self.reference(*id, columns.clone()))
            .filter(|it| !it.is_untold())
            .collect();
        if fit.is_empty() && !called.iter().any(|(id, columns)| self.is_known(*id, columns)) {
            return Err(self.unfit(text, &called));
        }
        for reference in &mut fit {
            act(reference, OnDelete::Cascade);
            reference.declaration.place = place.to_owned();
            reference.declaration.scope = true;
        }
        Ok(fit)
    }

    /// The columns that `text` means: `COLUMN[,COLUMN…]` of any table, or of one `TABLE.`; names may have dots and commas.
    fn called(self, text: &str) -> Vec<(TableId, Vec<String>)> {
        let catalog = self.catalog;
        let anywhere = || (catalog.table_ids().collect::<Vec<_>>(), text);
        let by_table = text.rmatch_indices('.').filter_map(|(dot, _)| {
            Some((vec![catalog.table_named(&text[..dot]).ok()?], &text[dot + 1..]))
        });
        let within = |(tables, names): (Vec<TableId>, &str)| {
            let listed = names.split(',').map(|name| name.trim().to_owned()).collect();
            let mut ways = [vec![names.to_owned()], listed].into_iter();
            let of = |names: Vec<String>| -> Vec<(TableId, Vec<String>)> {
                let others = tables.iter().filter(|id| **id != self.root);
                others
                    .filter_map(|id| Some((*id, columns_called(catalog.table(*id), &names)?)))
                    .collect()
            };
            ways.find_map(|names| Some(of(names)).filter(|called| !called.is_empty()))
        };
        by_table.chain(std::iter::once_with(anywhere)).find_map(within).unwrap_or_default()
    }

    fn unfit(self, text: &str, called: &[(TableId, Vec<String>)]) -> Unfit {
        let catalog = self.catalog;
        let root = catalog.table(self.root);
        let typed = |table: &Table, names: &[String]| {
            let columns = names.iter().filter_map(|name| table.column(name));
            columns.map(|column| column.type_name.clone()).collect::<Vec<_>>().join(", ")
        };
        let Some((id, columns)) = called.first() else {
            let tables = catalog.tables.iter().filter(|table| table.name != root.name);
            let near = if text.contains('.') {
                nearest(text, tables.flat_map(dotted))
            } else {
                let names: BTreeSet<String> =
                    tables.flat_map(|table| &table.columns).map(|c| c.name.clone()).collect();
                nearest(text, names.into_iter())
            };
            let hint = (!near.is_empty()).then(|| did_you_mean(&near));
            return Unfit { message: format!("no table has a column {text}"), hint };
        };
        let table = catalog.table(*id);
        let name = format!("{}.{}", table.name, columns.join(","));
        let message = if let Some(parent) = self.parent_of(*id, columns) {
            format!("{name} is a reference to {}", catalog.table(parent).name)
        } else if self.has_a_namesake(*id) {
            format!("{name} is of a schema that has {} of its own", root.name.name)
        } else if self.is_kept(*id) {
            format!("the policy keeps {}", table.name)
        } else {
            let keys = self.keys(columns);
            let key = keys.first().map(|key| (key.join(", "), typed(root, key)));
            match key {
                Some((key, type_name)) => {
                    let untold = self.reference(*id, columns.clone()).is_some();
                    let why = if untold { "nothing tells which" } else { "no" };
                    format!(
                        "{name} is {}, and {}.{key} is {type_name}: {why} value of it is a key of {}",
                        typed(table, columns),
                        root.name,
                        root.name
                    )
                }
                None => {
                    format!("{name} is not as many columns as the key of {} has", root.name)
                }
            }
        };
        Unfit { message, hint: None }
    }

    fn each(self, columns: impl Fn(&Table) -> Vec<Vec<String>>) -> Vec<Reference> {
        let mut found: Vec<Reference> = Vec::new();
        for id in self.catalog.table_ids() {
            for columns in columns(self.catalog.table(id)) {
                let is_new = !found.iter().any(|it| it.child == id && it.columns == columns);
                found.extend(self.reference(id, columns).filter(|_| is_new));
            }
        }
        found
    }

    /// What a row of `table` says by these columns, unless something else says what they mean.
    fn reference(self, table: TableId, columns: Vec<String>) -> Option<Reference> {
        let said = table == self.root
            || self.has_a_namesake(table)
            || self.is_kept(table)
            || self.is_known(table, &columns)
            || self.parent_of(table, &columns).is_some();
        if said {
            return None;
        }
        let (own, root) = (self.catalog.table(table), self.catalog.table(self.root));
        let fits = |key: &Vec<String>| -> Option<Vec<Fit>> {
            let pairs = columns.iter().zip(key).map(|(c, k)| own.column(c).zip(root.column(k)));
            pairs.map(|pair| pair.map(|(own, key)| Fit::of(own, key))).collect()
        };
        let fitting = self.keys(&columns).into_iter().filter_map(|key| Some((fits(&key)?, key)));
        let best = fitting.min_by_key(|(fits, _)| fits.iter().max().copied());
        let (fits, key) = best.filter(|(fits, _)| !fits.contains(&Fit::Never))?;
        let textual = |table: &Table, name: &String| table.column(name).is_some_and(|c| c.textual);
        let as_text = columns.iter().zip(&key).any(|(c, k)| textual(own, c) != textual(root, k))
            || fits.iter().any(|fit| *fit != Fit::AsIs);
        let discriminator = self.discriminator(own, &columns);
        let mut reference = plain(self.catalog, table, columns, self.root, key);
        reference.on_delete = OnDelete::Ignore;
        let origin = Origin::Declared;
        reference.declaration =
            Declaration { origin, as_text, discriminator, ..Declaration::default() };
        mark(&mut reference, &fits);
        Some(reference)
    }

    /// The column beside it that tells of which table's row a row holds the key.
    fn discriminator(self, table: &Table, columns: &[String]) -> Option<Discriminator> {
        let [column] = columns else { return None };
        let name = joined(column);
        // What kind of organization it is, the column beside that may well say.
        if self.conventional().contains(&name) {
            return None;
        }
        let kind = name.strip_suffix("id")?.to_owned() + "type";
        let is_type = |it: &&Column| joined(&it.name) == kind && Kind::of(it) != Kind::Number;
        let column = table.columns.iter().find(is_type)?.name.clone();
        let root = &self.catalog.table(self.root).name;
        let names = root.nouns().into_iter().chain([root.name.to_lowercase()]);
        let names: BTreeSet<String> =
            names.flat_map(|name| [name.replace('_', ""), name]).collect();
        Some(Discriminator { column, value: Discriminant::Called(names.into_iter().collect()) })
    }

    /// Names by which other tables refer to the root, and to nothing else.
    fn habits(self) -> Vec<Vec<String>> {
        let catalog = self.catalog;
        let alike = |one: &[String], other: &[String]| lowered(one) == lowered(other);
        let speaks = |it: &&Reference| {
            it.declaration.origin != Origin::Inverse && it.declaration.discriminator.is_none()
        };
        let spoken = || catalog.references.iter().filter(speaks);
        let is_habit = |it: &&Reference| {
            let key = catalog.table(it.child).primary_key();
            let is_key = key.is_some_and(|key| {
                key.columns.len() == it.columns.len()
                    && key.columns.iter().all(|name| it.columns.contains(name))
            });
            let elsewhere = spoken()
                .any(|other| other.parent != self.root && alike(&other.columns, &it.columns));
            let names_rows = is_key && self.names_rows(&it.columns);
            it.parent == self.root && it.child != self.root && !names_rows && !elsewhere
        };
        let habits: BTreeSet<Vec<String>> =
            spoken().filter(is_habit).map(|it| lowered(&it.columns)).collect();
        habits.into_iter().collect()
    }

    /// Rows of some table are called so, whosever they are: by `id`, as a rule, or by something else than an id.
    fn names_rows(self, columns: &[String]) -> bool {
        let are_ids = columns.iter().all(|name| joined(name).ends_with("id"));
        !are_ids
            || self.catalog.table_ids().any(|id| {
                let key = self.catalog.table(id).primary_key();
                let refers =
                    |it: &Reference| it.child == id && lowered(&it.columns) == lowered(columns);
                let is_own = key.is_some_and(|key| lowered(&key.columns) == lowered(columns));
                is_own && !self.catalog.references.iter().any(refers)
            })
    }

    /// What the key of the root is called elsewhere, as [`joined`] has it.
    fn conventional(self) -> BTreeSet<String> {
        let name = &self.catalog.table(self.root).name;
        let lower = name.name.to_lowercase();
        let [whole, last] = name.nouns();
        let bare = lower.strip_suffix("es").map(str::to_owned);
        let last = Some(last).filter(|noun| !self.is_another(noun));
        let short = [&whole, &lower]
            .into_iter()
            .chain(&last)
            .any(|noun| matches!(noun.trim_end_matches('s'), "organization" | "organisation"));
        let short = (short && !self.is_another("org")).then(|| "org".to_owned());
        let nouns = [Some(whole), Some(lower), bare, last, short].into_iter().flatten();
        nouns.map(|noun| joined(&noun) + "id").collect()
    }

    /// A table other than the root is called so.
    fn is_another(self, noun: &str) -> bool {
        let called = |id: TableId| self.catalog.table(id).name.nouns().iter().any(|it| it == noun);
        self.catalog.table_ids().any(|id| id != self.root && called(id))
    }

    /// The root's keys that these columns may hold: what others of their name refer to, then the primary key.
    fn keys(self, columns: &[String]) -> Vec<Vec<String>> {
        let names = lowered(columns);
        let references = self.catalog.references.iter();
        let by_habit = references
            .filter(|it| it.parent == self.root && lowered(&it.columns) == names)
            .map(|it| it.parent_columns.clone());
        let root = self.catalog.table(self.root);
        let key = root.primary_key().or(root.identifying_key());
        let key = key.filter(|key| key.columns.len() == columns.len());
        by_habit.chain(key.map(|key| key.columns.clone())).collect()
    }

    /// Its schema has a table of its own that is called as the root is, and that its columns mean.
    fn has_a_namesake(self, table: TableId) -> bool {
        let schema = |id: TableId| self.catalog.table(id).name.qualifier();
        let name = |id: TableId| self.catalog.table(id).name.name.to_lowercase();
        let is_namesake = |id: TableId| schema(id) == schema(table) && name(id) == name(self.root);
        schema(table) != schema(self.root) && self.catalog.table_ids().any(is_namesake)
    }

    fn is_kept(self, table: TableId) -> bool {
        let mut kept = self.policy.file.tables.iter().filter(|(_, table)| table.is_untouched());
        kept.any(|(name, _)| self.catalog.table_named(name.as_ref()) == Ok(table))
    }

    /// A reference to the root, or the policy, says what the row means by one of them.
    fn is_known(self, table: TableId, columns: &[String]) -> bool {
        let shares = |it: &Reference| it.columns.iter().any(|name| columns.contains(name));
        let mut own = self.catalog.references.iter().filter(|it| it.child == table);
        own.any(|it| it.parent == self.root && shares(it))
            || spoken(self.policy, self.catalog).contains(&(table, columns.to_vec()))
    }

    /// The table that a reference over just these columns names, whatever a row says.
    fn parent_of(self, table: TableId, columns: &[String]) -> Option<TableId> {
        let mut own = self.catalog.references.iter().filter(|it| it.child == table);
        own.find(|it| it.columns == columns && it.declaration.discriminator.is_none())
            .map(|it| it.parent)
    }
}

/// The columns of `table` that are called so, in any case.
fn columns_called(table: &Table, names: &[String]) -> Option<Vec<String>> {
    let called = |name: &String| {
        let alike = |it: &&Column| it.name.to_lowercase() == name.to_lowercase();
        table.column(name).or(table.columns.iter().find(alike)).map(|column| column.name.clone())
    };
    names.iter().map(called).collect()
}

/// The columns that somebody may have meant, best first.
fn nearest(wanted: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    const NEAR: f64 = 0.85;
    const SHOWN: usize = 3;
    let wanted = wanted.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&wanted, &name.to_lowercase());
    let mut near: Vec<(f64, String)> = names
        .map(|name| (likeness(&name), name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    near.into_iter().take(SHOWN).map(|(_, name)| name).collect()
}

fn dotted(table: &Table) -> Vec<String> {
    table.columns.iter().map(|column| format!("{}.{}", table.name, column.name)).collect()
}

fn lowered(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.to_lowercase()).collect()
}

/// `tenantid` for `tenant_id`, `tenantId` and `TenantID`.
fn joined(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
