//! What putting an archive back means in the schema as it is now. Pure: the manifest and the catalog
//! alone decide it.

use crate::archive::{ArchivedColumn, Kind, Manifest, Section};
use crate::catalog::{Catalog, Fires, Reference, ReferenceId, Table, TableId, TableName, Trigger};
use crate::engine::Silence;
use crate::graph::{self, Component};
use std::collections::BTreeSet;

/// The order of the work.
#[derive(Debug, Clone, PartialEq)]
pub struct Restoration {
    /// Sections of deleted rows.
    pub rows: Vec<Part>,
    /// Sections of rows that were unlinked.
    pub links: Vec<Part>,
    /// The tables of `rows`, parents before children.
    pub order: Vec<Component>,
}

/// A section of the archive and the table that its rows are of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Position in [`Manifest::sections`].
    pub section: usize,
    pub table: TableId,
}

/// A reason not to restore.
#[derive(Debug, Clone, PartialEq)]
pub enum Obstacle {
    /// The schema has changed in a way that matters.
    Schema(String),
    /// A key or unique value of archived rows is taken.
    Taken { table: TableId, columns: Vec<String>, rows: u64, samples: Vec<String> },
    /// Rows without a key are there, just as the archive has them, and it was put back before.
    There { table: TableId, rows: u64 },
    /// A row that archived rows name has gone, and is not in the archive either.
    NoParent { reference: ReferenceId, rows: u64, samples: Vec<String> },
    /// Triggers would fire: what they make or change was not there.
    Triggers(Firing),
}

/// Triggers of one table that fire whatever orgsweep does.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    pub table: TableId,
    pub triggers: Vec<String>,
    /// Which there are among them.
    pub kinds: Kinds,
    /// By the UPDATE that links rows again, not by an INSERT.
    pub links: bool,
    /// The privilege to set PostgreSQL's replica role would stop them.
    pub needs_privilege: bool,
}

/// Triggers and rules are stopped by different words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds {
    pub triggers: bool,
    pub rules: bool,
}

impl Kinds {
    pub fn of(several: &[Firing]) -> Kinds {
        Kinds {
            triggers: several.iter().any(|one| one.kinds.triggers),
            rules: several.iter().any(|one| one.kinds.rules),
        }
    }
}

impl Silence {
    /// Rows of this table go in under the replica role: no trigger fires there, and nothing else than the
    /// engine's check of each row (`engine`: somebody has to do it) is left out with them.
    pub fn takes(self, table: &Table, engine: bool) -> bool {
        let mut triggers = table.triggers.iter();
        self == Silence::ReplicaRole
            && !engine
            && triggers.all(|trigger| !trigger.on_insert || trigger.fires == Fires::Origin)
    }
}

/// The triggers that fire when rows of the tables `rows` are put back, and those of `links` linked again.
/// `engine`: tables whose rows the engine has to check.
pub fn firing(
    catalog: &Catalog,
    (rows, links): (&BTreeSet<TableId>, &BTreeSet<TableId>),
    silence: Silence,
    engine: &BTreeSet<TableId>,
) -> Vec<Firing> {
    if silence == Silence::Switch {
        return Vec::new();
    }
    let of = |table: TableId, links: bool| {
        let facts = catalog.table(table);
        let silent = !links && silence.takes(facts, engine.contains(&table));
        let sees = facts.triggers.iter().filter(|trigger| {
            let event = if links { trigger.on_update } else { trigger.on_insert };
            event && trigger.fires != Fires::Replica && !silent
        });
        let sees: Vec<&Trigger> = sees.collect();
        let kinds = Kinds {
            triggers: sees.iter().any(|it| !it.rule),
            rules: sees.iter().any(|it| it.rule),
        };
        let triggers: Vec<String> = sees.iter().map(|trigger| trigger.name.clone()).collect();
        let needs_privilege = !links && Silence::ReplicaRole.takes(facts, engine.contains(&table));
        (!triggers.is_empty()).then_some(Firing { table, triggers, kinds, links, needs_privilege })
    };
    let inserts = rows.iter().filter_map(|table| of(*table, false));
    inserts.chain(links.iter().filter_map(|table| of(*table, true))).collect()
}

/// What a set-based question finds equal is equal for the engine, and is all that it asks.
pub fn is_plain(reference: &Reference) -> bool {
    reference.is_plain() && reference.partition.is_none() && !reference.match_full
}

/// What a restore did, or would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Restored {
    /// Rows put back per table, in the order of the inserts.
    pub rows: Vec<(TableId, u64)>,
    pub links: Vec<Relinked>,
    /// Rows that are there and not as they were: triggers that were let fire have changed them.
    pub altered: Vec<(TableId, u64)>,
    /// Rows that name nobody, as before they went.
    pub dangling: Vec<(ReferenceId, u64)>,
    /// Rows under a new rowid, because theirs is taken (SQLite).
    pub renumbered: Vec<(TableId, u64)>,
    /// Triggers that have fired, or would.
    pub fired: Vec<Firing>,
    pub obstacles: Vec<Obstacle>,
}

/// Rows of one table that were unlinked.
#[derive(Debug, Clone, PartialEq)]
pub struct Relinked {
    pub table: TableId,
    pub columns: Vec<String>,
    /// They name again what they named.
    pub rows: u64,
    /// They were changed or deleted since, and are left alone.
    pub others: u64,
}

/// The plan, or what of the schema keeps the archive out.
///
/// # Errors
/// [`Obstacle::Schema`], all of them.
pub fn plan(manifest: &Manifest, catalog: &Catalog) -> Result<Restoration, Vec<Obstacle>> {
    let mut obstacles = Vec::new();
    let (mut rows, mut links) = (Vec::new(), Vec::new());
    for (number, section) in manifest.sections.iter().enumerate() {
        let name = section.table_name();
        let Some(id) = catalog.table_ids().find(|id| is_of(&name, &catalog.table(*id).name)) else {
            obstacles.push(Obstacle::Schema(format!("there is no table {name} any more")));
            continue;
        };
        obstacles.extend(misfits(section, catalog.table(id)).map(Obstacle::Schema));
        let part = Part { section: number, table: id };
        match section.kind {
            Kind::Rows => rows.push(part),
            Kind::Unlinked => links.push(part),
        }
    }
    if !obstacles.is_empty() {
        return Err(obstacles);
    }
    let tables: BTreeSet<TableId> = rows.iter().map(|part: &Part| part.table).collect();
    let order = graph::components(catalog, &tables, |id| catalog.reference(id).is_constraint());
    Ok(Restoration { rows, links, order })
}

/// The table that an archive names. Older archives do not know the schema of a table that was found without one:
/// it is the one that is found so now.
fn is_of(archived: &TableName, table: &TableName) -> bool {
    let same_schema = match archived.qualifier() {
        Some(schema) => Some(schema) == table.qualifier(),
        None => table.schema.is_none(),
    };
    same_schema && archived.name == table.name
}

/// Older archives name a type without its schema where the search path found it.
fn is_type(archived: &str, column: &str) -> bool {
    let schema = column.strip_suffix(archived);
    schema.is_some_and(|schema| schema.is_empty() || schema.ends_with('.'))
}

/// What of a table does not fit the archive's rows.
fn misfits(section: &Section, table: &Table) -> impl Iterator<Item = String> {
    let archived = section.columns.iter().chain(&section.written);
    let changed = archived.filter_map(|column| misfit(column, table));
    let known = |name: &str| section.columns.iter().any(|column| column.name == name);
    // A new column is null, or has its default; where it can be neither, no old row fits.
    let required = table.columns.iter().filter(|column| {
        let left_out = section.kind == Kind::Rows && !known(&column.name);
        left_out && !column.nullable && column.default.is_none() && !column.generated
    });
    let name = &table.name;
    let required = required.map(|column| {
        format!("{name}.{} is new, without a default, and must not be null", column.name)
    });
    changed.chain(required).collect::<Vec<_>>().into_iter()
}

fn misfit(archived: &ArchivedColumn, table: &Table) -> Option<String> {
    let name = format!("{}.{}", table.name, archived.name);
    match table.column(&archived.name) {
        None => Some(format!("there is no column {name} any more")),
        Some(column) if column.generated => Some(format!("{name} is computed now")),
        Some(column) if !is_type(&archived.type_name, &column.type_name) => {
            Some(format!("{name} is {} now; it was {}", column.type_name, archived.type_name))
        }
        Some(_) => None,
    }
}

impl Restoration {
    /// The tables that rows are put back into, and those in which rows are linked again.
    pub fn tables(&self) -> (BTreeSet<TableId>, BTreeSet<TableId>) {
        let tables = |parts: &[Part]| parts.iter().map(|part| part.table).collect();
        (tables(&self.rows), tables(&self.links))
    }
}

impl Restored {
    pub fn put_back(&self) -> u64 {
        self.rows.iter().map(|(_, rows)| rows).sum()
    }

    pub fn relinked(&self) -> u64 {
        self.links.iter().map(|relinked| relinked.rows).sum()
    }
}

/// Nothing but its own rows is in the way, all of them as far as their keys tell.
pub fn is_back(manifest: &Manifest, catalog: &Catalog, restored: &Restored) -> bool {
    let name = |table: TableId| catalog.table(table).name.to_string();
    let all_there = |section: &Section| {
        let own = section.table_name().to_string();
        restored.obstacles.iter().any(|obstacle| match obstacle {
            Obstacle::Taken { table, rows, .. } => *rows == section.rows && name(*table) == own,
            Obstacle::There { table, .. } => name(*table) == own,
            _ => false,
        })
    };
    let its_own =
        |obstacle: &Obstacle| matches!(obstacle, Obstacle::Taken { .. } | Obstacle::There { .. });
    let mut sections = manifest.sections.iter().filter(|it| it.kind == Kind::Rows);
    restored.obstacles.iter().all(its_own) && sections.all(all_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Actor;
    use crate::catalog::Trigger;
    use crate::catalog::fixture::catalog;
    use crate::engine::Dialect;
    use expect_test::{Expect, expect};
    use std::collections::BTreeMap;
    use time::OffsetDateTime;

    fn section(kind: Kind, table: &str, columns: &[(&str, &str)]) -> Section {
        let column = |(name, type_name): &(&str, &str)| ArchivedColumn {
            name: (*name).into(),
            type_name: (*type_name).into(),
        };
        Section {
            kind,
            directory: String::new(),
            schema: None,
            table: table.into(),
            found_in: None,
            columns: columns.iter().map(column).collect(),
            written: Vec::new(),
            rowid: false,
            dangling: BTreeMap::new(),
            rows: 0,
            sha256: String::new(),
        }
    }

    fn check(schema: &str, sections: Vec<Section>, expected: Expect) {
        let catalog = catalog(schema);
        let manifest = Manifest {
            format: 1,
            tool: String::new(),
            made_at: OffsetDateTime::UNIX_EPOCH,
            actor: Actor { user: String::new(), host: String::new() },
            database: String::new(),
            identity: String::new(),
            dialect: Dialect::Postgres,
            root: "orgs".into(),
            organizations: Vec::new(),
            policy: None,
            schema: String::new(),
            after: None,
            exported: false,
            sections,
        };
        let name = |id: &TableId| catalog.table(*id).name.to_string();
        let told = match plan(&manifest, &catalog) {
            Ok(plan) => {
                let component = |c: &Component| c.iter().map(name).collect::<Vec<_>>().join(" + ");
                plan.order.iter().map(component).collect::<Vec<_>>().join(", ")
            }
            Err(obstacles) => obstacles
                .iter()
                .map(|obstacle| match obstacle {
                    Obstacle::Schema(text) => text.clone(),
                    other => format!("{other:?}"),
                })
                .collect::<Vec<_>>()
                .join("\n"),
        };
        expected.assert_eq(&told);
    }

    #[test]
    fn parents_come_first_and_cycles_together() {
        let id = [("id", "integer")];
        let sections =
            ["logs", "orgs", "users", "teams"].map(|table| section(Kind::Rows, table, &id));
        check(
            "orgs(id)
             users(id, org_id -> orgs cascade, team_id -> teams set null)
             teams(id, lead_id -> users restrict)
             logs(id, user_id -> users cascade)",
            sections.into(),
            expect!["orgs, users + teams, logs"],
        );
    }

    /// A trigger on INSERT, DELETE and UPDATE that fires in these roles: who would see `users` come back, and
    /// be linked again.
    #[track_caller]
    fn check_firing(fires: Fires, silence: Silence, engine: bool, expected: (bool, bool)) {
        let mut catalog = catalog("users(id)");
        let table = TableId(0);
        let name = "watch".to_owned();
        let (on_insert, on_delete, on_update) = (true, true, true);
        let trigger = Trigger {
            name,
            on_insert,
            on_delete,
            on_update,
            update_of: Vec::new(),
            rule: false,
            fires,
            unseen: false,
        };
        catalog.tables[0].triggers.push(trigger);
        let all = BTreeSet::from([table]);
        let engine = if engine { all.clone() } else { BTreeSet::new() };
        let firing = firing(&catalog, (&all, &all), silence, &engine);
        let found = [false, true].map(|links| firing.iter().any(|firing| firing.links == links));
        assert_eq!(found, [expected.0, expected.1], "{fires:?} {silence:?} {engine:?}");
    }

    #[test]
    fn triggers_fire_where_nothing_stops_them() {
        use Silence::{Nothing, ReplicaRole, Switch};
        check_firing(Fires::Origin, Nothing, false, (true, true));
        check_firing(Fires::Origin, Switch, false, (false, false));
        check_firing(Fires::Always, Switch, true, (false, false));
        // INSERTs under the replica role, every UPDATE under the other.
        check_firing(Fires::Origin, ReplicaRole, false, (false, true));
        check_firing(Fires::Origin, ReplicaRole, true, (true, true));
        check_firing(Fires::Always, ReplicaRole, false, (true, true));
        check_firing(Fires::Replica, ReplicaRole, false, (false, false));
        check_firing(Fires::Replica, Nothing, false, (false, false));
    }

    #[test]
    fn a_schema_that_has_changed_is_told_in_full() {
        let gone = section(Kind::Rows, "invoices", &[("id", "integer")]);
        let other = section(Kind::Rows, "orgs", &[("id", "bigint"), ("slug", "text")]);
        check(
            "orgs(id)",
            vec![gone, other],
            expect![[r#"
                there is no table invoices any more
                orgs.id is integer now; it was bigint
                there is no column orgs.slug any more"#]],
        );
    }
}
