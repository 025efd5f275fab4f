//! Which organizations are meant, and which table they are in. Pure.

mod candidates;
mod key;

use crate::catalog::{Catalog, Misnomer, Table, TableId};
use candidates::{candidates, references_to};
use std::time::Duration;

pub use candidates::is_called_organizations;
pub use key::parts;

/// The organizations to take: everything that any of these matches.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Exact names; all duplicates of a name are taken.
    pub names: Vec<String>,
    /// Values of the root table's key.
    pub ids: Vec<String>,
    /// Names with `*` for any text and `?` for one character.
    pub patterns: Vec<String>,
    /// SQL expressions over the root table's row. Alone they select; beside the others only those for which all of
    /// them hold.
    pub conditions: Vec<String>,
    /// Every organization, where none of these says which: for lists.
    pub every: bool,
    /// Of these only the ones that were made longer ago.
    pub older_than: Option<Duration>,
    /// Of these only those with one of these keys: they were found before.
    pub only: Option<Vec<String>>,
}

impl Selection {
    pub fn is_empty(&self) -> bool {
        self.names_nobody() && self.conditions.is_empty() && !self.every
    }

    fn names_nobody(&self) -> bool {
        self.names.is_empty() && self.ids.is_empty() && self.patterns.is_empty()
    }

    /// It begins with all organizations: what it says besides only filters.
    pub fn is_of_all(&self) -> bool {
        self.names_nobody() && (self.every || self.only.is_some() || !self.conditions.is_empty())
    }

    /// Why this selection is not to be trusted with a deletion.
    pub fn problem(&self) -> Option<String> {
        if self.is_empty() {
            return Some("no organization is selected".into());
        }
        if self
            .names
            .iter()
            .chain(&self.ids)
            .chain(&self.patterns)
            .any(|text| text.trim().is_empty())
        {
            return Some("a blank name selects nothing on purpose".into());
        }
        if self.conditions.iter().any(|condition| condition.trim().is_empty()) {
            return Some("a blank condition selects nothing on purpose".into());
        }
        let unbound = |pattern: &&String| {
            pattern.chars().all(|c| matches!(c, '*' | '?') || c.is_whitespace())
        };
        let pattern = self.patterns.iter().find(unbound)?;
        Some(format!("the pattern {pattern:?} would match every organization"))
    }
}

/// The table of organizations and the columns that tell them apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Root {
    pub table: TableId,
    /// The columns of the key, for `--org-id`: none where nothing tells one row from all others.
    pub key: Vec<String>,
    pub name: Option<String>,
    /// When the row was made, for showing its age.
    pub created: Option<String>,
}

/// Why there is no root table; a value to render with `--root` choices.
#[derive(Debug, Clone, PartialEq)]
pub enum RootProblem {
    NoSuchTable {
        wanted: String,
        similar: Vec<String>,
    },
    NoSuchColumn {
        table: String,
        wanted: String,
        similar: Vec<String>,
    },
    /// Several tables are called so; each as a name that means it alone.
    SeveralTables {
        wanted: String,
        choices: Vec<String>,
    },
    /// Several rows could have the same value of this column.
    NoKey {
        table: String,
        wanted: String,
    },
    /// No table looks like organizations; the tables that most others refer to.
    NoneFound {
        choices: Vec<Choice>,
    },
    Ambiguous {
        choices: Vec<Choice>,
    },
}

/// A table that could be named.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub table: TableId,
    /// A name that means it alone.
    pub name: String,
    /// How many references lead to it.
    pub references: usize,
}

const NAME_COLUMNS: [&str; 9] = [
    "name",
    "display_name",
    "title",
    "org_name",
    "organization_name",
    "company_name",
    "tenant_name",
    "slug",
    "domain",
];
const CREATED_COLUMNS: [&str; 6] =
    ["created_at", "created", "created_on", "date_created", "inserted_at", "createdat"];

/// What flags, environment or policy say about the root table.
#[derive(Debug, Clone, Copy, Default)]
pub struct RootNames<'a> {
    pub table: Option<&'a str>,
    pub key: Option<&'a str>,
    pub name: Option<&'a str>,
    pub created: Option<&'a str>,
}

/// Finds the root table: the one asked for, or the only one that is called like organizations.
///
/// # Errors
/// No table, several, or no such column: never a guess.
pub fn find_root(catalog: &Catalog, names: RootNames) -> Result<Root, RootProblem> {
    if let Some(wanted) = names.table {
        let table = catalog.table_named(wanted).map_err(|misnomer| match misnomer {
            Misnomer::Unknown => {
                let tables = catalog.tables.iter().map(|table| table.name.to_string());
                let similar = similar(wanted, tables);
                RootProblem::NoSuchTable { wanted: wanted.into(), similar }
            }
            Misnomer::Ambiguous(choices) => {
                RootProblem::SeveralTables { wanted: wanted.into(), choices }
            }
        })?;
        return root(catalog, table, names);
    }
    let has_name = |table: &Table| {
        let is = |name: &str| table.columns.iter().any(|c| c.name.eq_ignore_ascii_case(name));
        names.name.map_or_else(|| NAME_COLUMNS.iter().any(|name| is(name)), is)
    };
    match candidates(catalog, has_name)[..] {
        [table] => root(catalog, table, names),
        [] => Err(RootProblem::NoneFound { choices: most_referenced(catalog) }),
        ref several => {
            let choices = several.iter().map(|id| choice(catalog, *id)).collect();
            Err(RootProblem::Ambiguous { choices })
        }
    }
}

fn choice(catalog: &Catalog, table: TableId) -> Choice {
    let references = references_to(catalog, table);
    Choice { table, name: catalog.table_spelling(table), references }
}

fn root(catalog: &Catalog, id: TableId, names: RootNames) -> Result<Root, RootProblem> {
    let table = catalog.table(id);
    let first = |names: &[&str]| {
        let find = |name: &&str| table.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name));
        names.iter().find_map(find).map(|column| column.name.clone())
    };
    let column = |wanted: Option<&str>, guess: Option<String>| match wanted {
        None => Ok(guess),
        Some(wanted) => first(&[wanted]).map(Some).ok_or_else(|| RootProblem::NoSuchColumn {
            table: table.name.to_string(),
            wanted: wanted.into(),
            similar: similar(wanted, table.columns.iter().map(|column| column.name.clone())),
        }),
    };
    let key = table.identifying_key().or(table.primary_key());
    let key = match names.key {
        None => key.map(|key| key.columns.clone()).unwrap_or_default(),
        Some(_) => column(names.key, None)?.into_iter().collect(),
    };
    let root = Root {
        table: id,
        key,
        name: column(names.name, first(&NAME_COLUMNS))?,
        created: column(names.created, first(&CREATED_COLUMNS))?,
    };
    let is_unique = table.keys.iter().any(|unique| unique.columns == root.key);
    match names.key {
        Some(key) if !is_unique => {
            Err(RootProblem::NoKey { table: table.name.to_string(), wanted: key.into() })
        }
        _ => Ok(root),
    }
}

/// Suggestions: the tables that most references point at, first.
fn most_referenced(catalog: &Catalog) -> Vec<Choice> {
    const SHOWN: usize = 5;
    let mut choices: Vec<Choice> = catalog.table_ids().map(|id| choice(catalog, id)).collect();
    choices.sort_by_key(|choice| (std::cmp::Reverse(choice.references), choice.table));
    choices.truncate(SHOWN);
    choices
}

/// The organizations' names that somebody may have meant, best first.
pub fn nearest(wanted: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    const NEAR: f64 = 0.85;
    const SHOWN: usize = 3;
    let wanted = wanted.trim().to_lowercase();
    let likeness = |name: &str| {
        let name = name.trim().to_lowercase();
        if !name.is_empty() && (name.contains(&wanted) || wanted.contains(&name)) {
            1.0
        } else {
            strsim::jaro_winkler(&wanted, &name)
        }
    };
    let mut near: Vec<(f64, String)> = names
        .map(|name| (likeness(&name), name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.len().cmp(&b.1.len())));
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().take(SHOWN).map(|(_, name)| name).collect()
}

/// Asks whether one of these names was meant.
pub fn did_you_mean(near: &[String]) -> String {
    format!("did you mean {}?", near.join(" or "))
}

/// The names nearest to `wanted`, best first.
pub fn similar(wanted: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    const NEAR: f64 = 0.75;
    let wanted = wanted.to_ascii_lowercase();
    let likeness = |name: &String| {
        let name = name.to_ascii_lowercase();
        let last = name.rsplit('.').next().unwrap_or(&name);
        if name.contains(&wanted) || wanted.contains(last) {
            1.0
        } else {
            strsim::jaro_winkler(&wanted, &name).max(strsim::jaro_winkler(&wanted, last))
        }
    };
    let mut near: Vec<(f64, String)> = names
        .map(|name| (likeness(&name), name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(5).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_that_could_take_everything_are_a_problem() {
        let pattern =
            |text: &str| Selection { patterns: vec![text.into()], ..Selection::default() };
        assert!(Selection::default().problem().is_some());
        assert!(pattern("*").problem().is_some());
        assert!(pattern("?? *").problem().is_some());
        assert!(pattern("e2e-*").problem().is_none());
        let blank = Selection { names: vec!["Apex".into(), " ".into()], ..Selection::default() };
        assert!(blank.problem().is_some());
    }
}
