//! The shape of `orgsweep.toml`. docs/policy.md describes it for people; unknown settings are errors.

use crate::catalog::OnDelete;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct File {
    /// Other files, of which counts what this one does not say.
    pub include: Vec<Spanned<String>>,
    pub root: Root,
    pub references: Vec<Reference>,
    pub tables: BTreeMap<Spanned<String>, Table>,
    pub orphans: Vec<Orphans>,
    /// Organizations by a condition, for `--select NAME`.
    pub selections: BTreeMap<Spanned<String>, Selection>,
    pub guards: Guards,
    /// What the policy cannot express; for people, written by `policy django`.
    pub caveats: Vec<Caveat>,
}

/// The table of organizations.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Root {
    pub table: Option<Spanned<String>>,
    pub key: Option<Spanned<String>>,
    pub name: Option<Spanned<String>>,
    pub created_at: Option<Spanned<String>>,
    /// Columns that say whose a row is without a foreign key: references to this table with CASCADE.
    pub scope_columns: Vec<Spanned<String>>,
}

/// Overrides a foreign key, or declares a reference that the database does not know.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reference {
    /// `table.column[,column…]`, or a constraint's name.
    pub from: Spanned<String>,
    /// `table.column[,column…]`, or a table for its primary key.
    pub to: Option<Spanned<String>>,
    pub on_delete: Option<Spanned<OnDelete>>,
    /// What SET DEFAULT writes, where it is not the column's own default.
    pub default: Option<Spanned<String>>,
    #[serde(rename = "type")]
    pub discriminator: Option<Spanned<Discriminator>>,
    /// The parent row goes with the child row (multi-table inheritance).
    #[serde(default)]
    pub with_parent: bool,
}

/// Which rows of a polymorphic reference point at this table: `column` holds `is`, or the key of
/// the rows in the table `in` for which `where` holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discriminator {
    pub column: String,
    pub is: Option<OneOrMore>,
    #[serde(rename = "in")]
    pub table: Option<String>,
    #[serde(rename = "where", default)]
    pub conditions: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Table {
    /// The columns of the references that say whose a row is.
    pub owning: Option<Vec<Spanned<String>>>,
    /// Whether its rows link others: then all of these own them alike.
    pub association: Option<Spanned<bool>>,
    /// The columns by which people recognise a row.
    pub label: Option<Vec<Spanned<String>>>,
    /// The columns that name files: `archives files` lists those of rows that went.
    pub files: Option<Vec<Spanned<String>>>,
    pub keep: Option<Spanned<Keep>>,
}

impl Table {
    /// No row of it goes.
    pub fn is_untouched(&self) -> bool {
        self.keep.as_ref().is_some_and(|keep| matches!(keep.get_ref(), Keep::All(_)))
    }
}

/// What of a table stays.
#[derive(Debug, Clone)]
pub enum Keep {
    /// The table is never touched; what then happens to its references into the closure.
    All(Untouched),
    Some(Kept),
}

/// Rows that stay on purpose, and their children with them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    #[serde(rename = "where")]
    pub condition: Spanned<String>,
    /// Columns, and the expressions by which they are overwritten.
    #[serde(default)]
    pub erase: BTreeMap<Spanned<String>, Spanned<String>>,
    /// What becomes of their references to rows that go: `null`, or `ghost:KEY`.
    pub references: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Untouched {
    /// A row that names one of the closure stops the deletion.
    Refuse,
    /// Such a row is set to null, and stays.
    Unlink,
    /// Such a row stays as it is; only for references that the database does not watch.
    Ignore,
}

/// Rows without an owner that go along.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orphans {
    pub table: Spanned<String>,
    #[serde(rename = "where")]
    pub condition: Spanned<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    #[serde(rename = "where")]
    pub condition: Spanned<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Guards {
    // Left out, an allow-list allows everything; empty, it is a mistake.
    pub databases: Option<Spanned<Vec<Spanned<String>>>>,
    pub hosts: Option<Spanned<Vec<Spanned<String>>>>,
    pub organizations: Option<Spanned<Vec<Spanned<String>>>>,
    pub forbidden_databases: Vec<Spanned<String>>,
    pub forbidden_hosts: Vec<Spanned<String>>,
    pub forbidden_organizations: Vec<Spanned<String>>,
    pub max_rows: Option<Spanned<u64>>,
    /// Rows that other organizations own, too.
    pub shared: Option<Shared>,
    /// Per table a condition that proves a row to be test data.
    pub test_data: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shared {
    /// They stop the deletion, as rows of others do.
    Refuse,
}

/// Something that happens in the application when rows go, and that no policy can express.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Caveat {
    /// `crm.Deal` or `crm.Deal.created_by`
    pub model: String,
    /// The table whose own rows it is about: told where they go as organizations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    pub what: String,
}

/// A word for the whole table, or a table of settings: told apart before either is read, so that what is wrong with it
/// keeps its place.
impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Keep, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Keep;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"refuse\", \"unlink\", \"ignore\" or { where = \"SQL\", … }")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Keep, E> {
                Untouched::deserialize(StrDeserializer::new(word)).map(Keep::All)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Keep, A::Error> {
                Kept::deserialize(MapAccessDeserializer::new(map)).map(Keep::Some)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
