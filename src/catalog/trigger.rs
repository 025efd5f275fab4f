//! Who sees rows change: triggers and rules. What each of them sees is asked here and nowhere else.

use super::{Catalog, Table, TableId};
use serde::Deserialize;

/// What is done to rows of a table, as its triggers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Insert,
    Delete,
    Update,
}

/// A user's trigger or rule that sees INSERT, DELETE or UPDATE on its table (or on a partition of it), in
/// whatever replication role. Disabled ones are not in the catalog.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Trigger {
    pub name: String,
    pub on_insert: bool,
    pub on_delete: bool,
    pub on_update: bool,
    /// `UPDATE OF` these columns; empty: of any.
    #[serde(default)]
    pub update_of: Vec<String>,
    /// PostgreSQL: it is a rule.
    #[serde(default)]
    pub rule: bool,
    #[serde(default)]
    pub fires: Fires,
    /// MariaDB shows no trigger to who lacks the privilege: this stands for those that there may be.
    pub unseen: bool,
}

/// In which of PostgreSQL's replication roles a trigger fires
/// (<https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER>).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fires {
    /// In that of every session which asks for no other.
    #[default]
    Origin,
    Replica,
    Always,
}

impl Trigger {
    pub fn sees(&self, event: Event) -> bool {
        match event {
            Event::Insert => self.on_insert,
            Event::Delete => self.on_delete,
            Event::Update => self.on_update,
        }
    }
}

impl Trigger {
    /// It fires where an UPDATE writes one of these columns.
    pub fn is_of(&self, written: &[&str]) -> bool {
        let writes = |name: &String| written.iter().any(|it| it.eq_ignore_ascii_case(name));
        self.update_of.is_empty() || self.update_of.iter().any(writes)
    }
}

impl Table {
    /// Its triggers and rules that see one of these events.
    pub fn triggers_on(&self, events: &[Event]) -> impl Iterator<Item = &Trigger> {
        self.triggers.iter().filter(move |trigger| events.iter().any(|event| trigger.sees(*event)))
    }

    pub fn is_seen(&self, events: &[Event]) -> bool {
        self.triggers_on(events).next().is_some()
    }
}

impl Catalog {
    /// `keep_owner of members`: the triggers and rules of these tables that see one of these events.
    pub fn triggers_on<'t>(
        &self,
        tables: impl IntoIterator<Item = &'t TableId>,
        events: &[Event],
    ) -> Vec<String> {
        let of = |id: &TableId| {
            let table = self.table(*id);
            let name = |trigger: &Trigger| format!("{} of {}", trigger.name, table.name);
            table.triggers_on(events).map(name).collect::<Vec<_>>()
        };
        tables.into_iter().flat_map(of).collect()
    }
}
