//! What a restore did, or would do, as a person and as a machine read it.

use super::table::{plain, wrapped};
use super::{counted, grouped};
use crate::archive::{Manifest, Organization};
use crate::catalog::{Catalog, Fires, ReferenceId, TableId, Trigger};
use crate::exit::Exit;
use crate::label::printable;
use crate::restoration::{Firing, Obstacle, Restored, is_back};
use crate::sql::fixes;
use serde::Serialize;

pub struct View<'a> {
    pub ended: Ended,
    pub archive: String,
    /// Redacted.
    pub database: String,
    pub manifest: &'a Manifest,
    pub catalog: &'a Catalog,
    pub restored: &'a Restored,
    /// Triggers were let fire.
    pub fired: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Restored,
    Previewed,
    Refused,
}

impl Ended {
    pub fn as_str(self) -> &'static str {
        match self {
            Ended::Restored => "restored",
            Ended::Previewed => "previewed",
            Ended::Refused => "refused",
        }
    }
}

impl View<'_> {
    pub fn exit(&self) -> Exit {
        if self.ended == Ended::Refused { Exit::Refused } else { Exit::Done }
    }

    fn name(&self, table: TableId) -> String {
        self.catalog.table(table).name.to_string()
    }

    fn is_back(&self) -> bool {
        is_back(self.manifest, self.catalog, self.restored)
    }

    /// Why not, one sentence each.
    fn obstacles(&self) -> Vec<String> {
        let values = |samples: &[String], rows: u64| {
            let more = rows.saturating_sub(samples.len() as u64);
            let more =
                if more > 0 { format!(" and {} more", grouped(more)) } else { String::new() };
            let samples: Vec<String> = samples.iter().map(|sample| printable(sample)).collect();
            format!("{}{more}", samples.join("; "))
        };
        let obstacle = |obstacle: &Obstacle| match obstacle {
            Obstacle::Schema(what) => format!("the schema has changed: {what}"),
            Obstacle::Taken { table, columns, rows, samples } => format!(
                "{} of {} would take a value of {} that is taken (key {})",
                counted(*rows, "row"),
                self.name(*table),
                columns.join(", "),
                values(samples, *rows)
            ),
            Obstacle::There { table, rows } => format!(
                "the archive was put back before, and {} of {} as it holds them are there: rows without a key would be \
                 there twice",
                counted(*rows, "row"),
                self.name(*table)
            ),
            Obstacle::NoParent { reference, rows, samples } => format!(
                "{} would name by {} what is neither there nor in the archive: {}",
                counted(*rows, "row"),
                self.catalog.reference_arrow(*reference),
                values(samples, *rows)
            ),
            Obstacle::Triggers(firing) => self.in_the_way(firing),
        };
        self.restored.obstacles.iter().map(obstacle).collect()
    }

    /// Triggers that nothing stops, and what does.
    fn in_the_way(&self, firing: &Firing) -> String {
        let (table, names) = (self.name(firing.table), firing.triggers.join(", "));
        let event =
            if firing.links { "rows are linked again (UPDATE)" } else { "rows come back (INSERT)" };
        let way_out = fixes::silencing(self.manifest.dialect, firing.kinds, firing.needs_privilege);
        format!(
            "{names} of {table} would fire as {event}, and make or change what was not archived: {way_out}; \
             --fire-triggers lets it"
        )
    }

    /// Who kept still, or did not.
    fn trigger_notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        if self.fired {
            let fired = self.restored.fired.iter();
            let fired = fired.map(|firing| {
                format!("{} of {}", firing.triggers.join(", "), self.name(firing.table))
            });
            let fired: Vec<String> = fired.collect();
            notes.extend((!fired.is_empty()).then(|| {
                format!(
                    "triggers fire as rows come back, whatever they do elsewhere: {}",
                    fired.join("; ")
                )
            }));
            return notes;
        }
        let (rows, links) = (self.restored.rows.iter(), self.restored.links.iter());
        let inserted = rows.map(|(table, _)| (*table, false));
        let linked = links.map(|link| (link.table, true));
        let silent = inserted.chain(linked).filter_map(|(table, links)| {
            let sees = |trigger: &&Trigger| {
                let event = if links { trigger.on_update } else { trigger.on_insert };
                event && trigger.fires != Fires::Replica
            };
            let names = self.catalog.table(table).triggers.iter().filter(sees);
            let names: Vec<&str> = names.map(|trigger| trigger.name.as_str()).collect();
            (!names.is_empty()).then(|| format!("{} of {}", names.join(", "), self.name(table)))
        });
        let silent: Vec<String> = silent.collect();
        if !silent.is_empty() && self.ended != Ended::Refused {
            notes.push(format!(
                "triggers do not fire, so that rows are as they were: {} (--fire-triggers lets them)",
                silent.join("; ")
            ));
        }
        notes
    }

    /// What is worth knowing and stops nothing.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for link in self.restored.links.iter().filter(|link| link.others > 0) {
            notes.push(format!(
                "{} of {} were changed or deleted since they were unlinked, and are left alone ({})",
                counted(link.others, "row"),
                self.name(link.table),
                link.columns.join(", ")
            ));
        }
        for (table, rows) in &self.restored.altered {
            notes.push(format!(
                "{} of {} are not as they were archived: a trigger changed them",
                counted(*rows, "row"),
                self.name(*table)
            ));
        }
        for (reference, rows) in &self.restored.dangling {
            notes.push(format!(
                "{} name by {} what is not there, as they did before they went",
                counted(*rows, "row"),
                self.catalog.reference_arrow(*reference)
            ));
        }
        for (table, rows) in &self.restored.renumbered {
            notes.push(format!(
                "{} of {} have a new rowid: another row has theirs",
                counted(*rows, "row"),
                self.name(*table)
            ));
        }
        let tables = self.restored.rows.iter().map(|(table, _)| *table);
        let unsound = tables.clone().filter(|table| self.catalog.unsound.contains(table));
        let unsound: Vec<String> = unsound.map(|table| self.name(table)).collect();
        if !unsound.is_empty() {
            notes.push(format!(
                "a foreign key of {} names no table or no key, so that nothing can tell whether rows name somebody by \
                 it",
                unsound.join(", ")
            ));
        }
        notes.extend(self.trigger_notes());
        let sees = |trigger: &Trigger| trigger.on_delete;
        let fired = |table: &TableId| self.catalog.table(*table).triggers.iter().any(sees);
        let fired: Vec<String> = tables.filter(fired).map(|table| self.name(table)).collect();
        if !fired.is_empty() {
            notes.push(format!(
                "what triggers did when rows of {} went is not undone",
                fired.join(", ")
            ));
        }
        notes
    }

    fn summary(&self) -> String {
        let rows = counted(self.restored.put_back(), "row");
        let tables = counted(self.restored.rows.len() as u64, "table");
        let relinked = match self.restored.relinked() {
            0 => String::new(),
            rows => format!(", {} linked again", counted(rows, "row")),
        };
        match self.ended {
            Ended::Restored => {
                format!("put back {rows} of {tables}{relinked}; proven and committed")
            }
            Ended::Previewed => format!("would put back {rows} of {tables}{relinked}"),
            Ended::Refused if self.is_back() => {
                let rows = counted(self.manifest.deleted(), "row");
                format!(
                    "refused: already back: the keys of all {rows} are there; nothing was written"
                )
            }
            Ended::Refused => "refused: nothing was written".into(),
        }
    }
}

/// At most `width` columns wide.
pub fn table(view: &View, width: u16) -> String {
    let mut text = String::new();
    let refused = view.ended == Ended::Refused;
    let back = view
        .restored
        .rows
        .iter()
        .filter(|_| !refused)
        .map(|(table, rows)| (*table, "put back", *rows));
    let links = view.restored.links.iter().map(|link| (link.table, "link again", link.rows));
    let steps: Vec<Vec<String>> = back
        .chain(links)
        .enumerate()
        .map(|(n, (table, action, rows))| {
            vec![(n + 1).to_string(), action.into(), view.name(table), grouped(rows)]
        })
        .collect();
    if !steps.is_empty() {
        text += &plain(&["#", "Action", "Table", "Rows"], steps, &[0, 3], width);
        text.push('\n');
    }
    let obstacles = if view.is_back() { Vec::new() } else { view.obstacles() };
    for obstacle in obstacles {
        text += &wrapped("refused: ", &obstacle, width);
    }
    for note in view.notes() {
        text += &wrapped("note: ", &note, width);
    }
    text += &wrapped("", &view.summary(), width);
    text
}

/// One object, pretty-printed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RestoreDocument<'a> {
    format: u32,
    tool: &'static str,
    command: &'static str,
    database: &'a str,
    archive: &'a str,
    organizations: &'a [Organization],
    outcome: Ended,
    exit: u8,
    /// In the order in which they come back.
    rows: Vec<RowsView>,
    links: Vec<LinkView<'a>>,
    /// Rows that named nobody when they went.
    dangling: Vec<DanglingView>,
    /// Rows that got another rowid.
    renumbered: Vec<RowsView>,
    /// Rows that triggers changed as they came back.
    altered: Vec<RowsView>,
    /// It is refused because all of it is there.
    already_back: bool,
    obstacles: Vec<String>,
    notes: Vec<String>,
    totals: RestoreTotals,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RowsView {
    table: String,
    rows: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LinkView<'a> {
    table: String,
    columns: &'a [String],
    rows: u64,
    /// Rows in which what orgsweep wrote is not there any more.
    left_alone: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DanglingView {
    reference: String,
    rows: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RestoreTotals {
    restored: u64,
    relinked: u64,
}

pub fn json(view: &View) -> String {
    let rows = |(table, rows): &(TableId, u64)| RowsView { table: view.name(*table), rows: *rows };
    let links = view.restored.links.iter().map(|it| LinkView {
        table: view.name(it.table),
        columns: &it.columns,
        rows: it.rows,
        left_alone: it.others,
    });
    let dangling = |(reference, rows): &(ReferenceId, u64)| DanglingView {
        reference: view.catalog.reference_arrow(*reference),
        rows: *rows,
    };
    let document = RestoreDocument {
        format: 1,
        tool: concat!("orgsweep ", env!("CARGO_PKG_VERSION")),
        command: "restore",
        database: &view.database,
        archive: &view.archive,
        organizations: &view.manifest.organizations,
        outcome: view.ended,
        exit: view.exit().code(),
        rows: view.restored.rows.iter().map(rows).collect(),
        links: links.collect(),
        dangling: view.restored.dangling.iter().map(dangling).collect(),
        renumbered: view.restored.renumbered.iter().map(rows).collect(),
        altered: view.restored.altered.iter().map(rows).collect(),
        already_back: view.ended == Ended::Refused && view.is_back(),
        obstacles: view.obstacles(),
        notes: view.notes(),
        totals: RestoreTotals {
            restored: view.restored.put_back(),
            relinked: view.restored.relinked(),
        },
    };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}
