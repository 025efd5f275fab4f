//! A Django project's models as a policy: what `django.py`, run inside the project, tells of them.

use super::draft::{Draft, Entry};
use super::file::{Caveat, Discriminator};
use crate::catalog::OnDelete;
use crate::selection::is_called_organizations;
use serde::Deserialize;
use serde_json::Value;

/// Reads a Django project through Django itself; prints [`draft`]'s input.
pub const READER: &str = include_str!("django.py");

#[derive(Deserialize)]
struct Project {
    django: String,
    references: Vec<ForeignKey>,
    generic: Vec<Generic>,
    content_types: Option<ContentTypes>,
    inherits: Vec<Inherits>,
    labels: Vec<Columns>,
    files: Vec<Columns>,
    caveats: Vec<About>,
}

#[derive(Deserialize)]
struct ForeignKey {
    model: String,
    field: String,
    table: String,
    columns: Vec<String>,
    to_table: String,
    to_columns: Vec<String>,
    on_delete: String,
    /// The database watches it.
    constraint: bool,
    set_value: Option<SetValue>,
    /// The column's own default, as SQL.
    db_default: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum SetValue {
    Value {
        value: Value,
    },
    /// Only Python knows what it gives.
    Callable,
}

#[derive(Deserialize)]
struct Generic {
    model: String,
    table: String,
    type_column: String,
    key_column: String,
    cascades_from: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    table: String,
    key: String,
    app_label: String,
    model_name: String,
}

#[derive(Deserialize)]
struct ContentTypes {
    table: String,
    key: String,
    app_label: String,
    model: String,
}

/// Multi-table inheritance: Django deletes the parent's row with the child's.
#[derive(Deserialize)]
struct Inherits {
    table: String,
    column: String,
}

#[derive(Deserialize)]
struct Columns {
    table: String,
    columns: Vec<String>,
}

#[derive(Deserialize)]
struct About {
    model: Option<String>,
    field: Option<String>,
    /// Whose rows it is about, where that is worth being told of them.
    table: Option<String>,
    what: String,
}

/// The policy that has a deletion do what Django's own `delete()` does.
///
/// # Errors
/// Text that `django.py` does not print.
pub fn draft(json: &str) -> Result<Draft, serde_json::Error> {
    let project: Project = serde_json::from_str(json)?;
    let mut draft = Draft {
        head: vec![
            format!(
                "Written by `orgsweep policy django` from the models of Django {}.",
                project.django
            ),
            "Django keeps these actions in Python; the database's constraints say NO ACTION."
                .into(),
            "PROTECT is restrict here, RESTRICT is no action.".into(),
        ],
        ..Draft::default()
    };
    draft.entries =
        project.references.iter().map(|key| foreign_key(key, &project.inherits)).collect();
    if let Some(types) = &project.content_types {
        draft
            .entries
            .extend(project.generic.iter().flat_map(|generic| generic_keys(generic, types)));
    }
    for label in project.labels {
        draft.tables.entry(label.table).or_default().label = label.columns;
    }
    for files in project.files {
        draft.tables.entry(files.table).or_default().files = files.columns;
    }
    draft.caveats = project.caveats.into_iter().map(caveat).collect();
    Ok(draft)
}

/// Marks the references by which rows stay without an organization when theirs goes, and tells what they are `from`.
/// `root` is the table of organizations, where somebody says so.
pub fn mark_stranding(draft: &mut Draft, root: Option<&str>) -> Vec<String> {
    let is_root = |table: &str| root.map_or(is_called_organizations(table), |root| table == root);
    let table = |name: &str| name.rsplit_once('.').map_or(name, |(table, _)| table).to_owned();
    let mut stranding = Vec::new();
    for entry in draft.entries.iter_mut().filter(|it| it.on_delete == Some(OnDelete::SetNull)) {
        let parent = entry.to.as_deref().map(table).unwrap_or_default();
        if is_root(&parent) && table(&entry.from) != parent {
            let comment = entry.comment.get_or_insert_default();
            comment.push_str(
                "; these rows stay without an organization, \"cascade\" takes them along",
            );
            stranding.push(entry.from.clone());
        }
    }
    stranding
}

fn foreign_key(key: &ForeignKey, inherits: &[Inherits]) -> Entry {
    let (on_delete, default) = action(key);
    let is_link = |link: &Inherits| link.table == key.table && key.columns == [link.column.clone()];
    Entry {
        comment: Some(format!("{}.{}: {}", key.model, key.field, key.on_delete)),
        from: format!("{}.{}", key.table, key.columns.join(",")),
        to: Some(format!("{}.{}", key.to_table, key.to_columns.join(","))),
        on_delete: Some(on_delete),
        default,
        with_parent: inherits.iter().any(is_link),
        function: key
            .on_delete
            .strip_prefix("OTHER (")
            .and_then(|it| it.strip_suffix(')'))
            .map(str::to_owned),
        ..Entry::default()
    }
}

/// Django's action in SQL's words, and the value that is written. What only Python can do is
/// ignored, so that it stops the deletion where rows are concerned.
fn action(key: &ForeignKey) -> (OnDelete, Option<String>) {
    match (key.on_delete.as_str(), &key.set_value) {
        ("CASCADE" | "DB_CASCADE", _) => (OnDelete::Cascade, None),
        ("PROTECT", _) => (OnDelete::Restrict, None),
        ("RESTRICT", _) => (OnDelete::NoAction, None),
        ("SET_NULL" | "DB_SET_NULL", _) => (OnDelete::SetNull, None),
        ("SET_DEFAULT" | "SET", Some(SetValue::Value { value: Value::Null })) => {
            (OnDelete::SetNull, None)
        }
        ("SET_DEFAULT" | "SET", Some(SetValue::Value { value })) => {
            (OnDelete::SetDefault, Some(text(value)))
        }
        ("DB_SET_DEFAULT", _) => (OnDelete::SetDefault, None),
        ("SET_DEFAULT", None) if key.db_default.is_some() => (OnDelete::SetDefault, None),
        // The constraint, where there is one, decides.
        ("DO_NOTHING", _) if key.constraint => (OnDelete::NoAction, None),
        _ => (OnDelete::Ignore, None),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn generic_keys<'a>(
    generic: &'a Generic,
    types: &'a ContentTypes,
) -> impl Iterator<Item = Entry> + 'a {
    generic.cascades_from.iter().map(|target| Entry {
        comment: Some(format!(
            "{}, a generic relation of {}.{}",
            generic.model, target.app_label, target.model_name
        )),
        from: format!("{}.{}", generic.table, generic.key_column),
        to: Some(format!("{}.{}", target.table, target.key)),
        on_delete: Some(OnDelete::Cascade),
        discriminator: Some(Discriminator {
            column: generic.type_column.clone(),
            is: None,
            table: Some(format!("{}.{}", types.table, types.key)),
            conditions: [
                (types.app_label.clone(), target.app_label.clone()),
                (types.model.clone(), target.model_name.clone()),
            ]
            .into(),
        }),
        ..Entry::default()
    })
}

fn caveat(about: About) -> Caveat {
    let names = [about.model, about.field];
    let model = names.into_iter().flatten().collect::<Vec<_>>().join(".");
    let what = about.what.strip_prefix(&format!("{model}: ")).unwrap_or(&about.what).to_owned();
    Caveat { model, table: about.table, what }
}
