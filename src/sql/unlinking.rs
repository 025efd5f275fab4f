//! Surviving rows whose reference is set to null, to its default or to another key.

use super::Sql;
use super::closure::where_all;
use super::selection::bound_type;
use crate::catalog::{Affinity, Column, TableId};
use crate::engine::{Dialect, Statement, path, quote};
use crate::findings::Change;
use crate::plan::{Erased, Unlink, UnlinkValue, Which};

impl Sql<'_> {
    /// The surviving rows `c` that an unlink changes. `known`: the child has a key table.
    fn unlinked(&self, unlink: &Unlink, known: bool) -> String {
        let child = self.catalog.reference(unlink.reference).child;
        let (children, mut conditions) = self.children_once(unlink.reference, 0);
        if known {
            conditions.push(format!("NOT {}", self.is_found(child, "")));
        }
        match unlink.which {
            Which::Surviving => {}
            Which::Kept => conditions.push(self.is_in_stays(child, "")),
            Which::Foreign => {
                conditions.push(format!(
                    "EXISTS (SELECT 1 FROM {} x WHERE {})",
                    self.excluded(unlink.reference),
                    self.same_row(child, "x", "c")
                ));
                if self.plan.kept.contains_key(&child) {
                    conditions.push(format!("NOT {}", self.is_in_stays(child, "")));
                }
            }
        }
        children + &where_all(&conditions)
    }

    /// How many rows each of `unlinks` (with its position and `known`) changes.
    pub fn count_unlinked(&self, unlinks: &[(usize, &Unlink, bool)]) -> Vec<Statement> {
        let one = |(position, unlink, known): &(usize, &Unlink, bool)| {
            let (position, count) =
                (self.dialect.as_text(&position.to_string()), self.dialect.count());
            format!("SELECT {position}, {count} FROM {}", self.unlinked(unlink, *known))
        };
        self.together(unlinks, one)
    }

    /// Keeps the rows of an unlink in a table of their own: locked, numbered for the question whose they are.
    pub fn keep_unlinked(
        &self,
        position: usize,
        unlink: &Unlink,
        known: bool,
        lock: bool,
    ) -> Statement {
        let child = self.catalog.reference(unlink.reference).child;
        let rows =
            format!("SELECT {} FROM {}", self.identified(child), self.unlinked(unlink, known));
        self.keep_numbered(&kept_name(position), &rows, &self.dialect.for_update("c", lock))
    }

    pub fn count_kept(&self, position: usize) -> Statement {
        self.said(format!("SELECT {} FROM {}", self.dialect.count(), self.kept(position)))
    }

    pub fn drop_kept(&self, position: usize) -> String {
        self.dialect.drop_temporary(&self.temporary(&kept_name(position)))
    }

    pub(super) fn kept(&self, position: usize) -> String {
        self.mentioned(&kept_name(position))
    }

    /// Where several unlinks change rows of one table: these rows, and which unlink concerns each.
    pub fn merge_kept(&self, change: &Change) -> Option<String> {
        if change.unlinks.len() == 1 {
            return None;
        }
        let identity = self.key_table(change.table).identity_columns().join(", ");
        let own = |position: &usize| {
            format!("SELECT {identity}, {position} AS unlink FROM {}", self.kept(*position))
        };
        let flag = |position: &usize| {
            format!("max(CASE WHEN unlink = {position} THEN 1 ELSE 0 END) AS f{position}")
        };
        let flags: Vec<String> = change.unlinks.iter().map(flag).collect();
        let rows: Vec<String> = change.unlinks.iter().map(own).collect();
        // As many as are alike, where nothing tells them apart: what concerns one of them concerns all.
        let alike = if self.has_twins(change.table) {
            ", count(*) DIV count(DISTINCT unlink) AS alike"
        } else {
            ""
        };
        // Computed here, where names are ours: the UPDATE reads the value.
        let defaults: Vec<String> = self
            .written_columns(change)
            .into_iter()
            .enumerate()
            .filter(|(_, column)| self.merges_default(change, column))
            .map(|(n, column)| format!(", {} AS d{n}", self.default_value(change.table, column)))
            .collect();
        let merged = format!(
            "SELECT {identity}, {}{alike}{} FROM ({}) s GROUP BY {identity}",
            flags.join(", "),
            defaults.concat(),
            rows.join(" UNION ALL ")
        );
        let create = self.create_as(&format!("orgsweep_w{}", change.table.0));
        Some(self.said_together(match self.erasure(change) {
            None => format!("{create} {merged}"),
            Some(position) => format!(
                "{create} SELECT s.*, {} FROM ({merged}) s LEFT JOIN {} e ON {}",
                erased_columns(&self.plan.unlinks[position]).join(", "),
                self.kept(position),
                self.same_key(change.table, "s", "e"),
            ),
        }))
    }

    /// The one among the unlinks that overwrites other columns.
    fn erasure(&self, change: &Change) -> Option<usize> {
        change.unlinks.iter().copied().find(|position| self.plan.unlinks[*position].erases())
    }

    /// One of several unlinks writes the column's default, on an engine where the default's text could
    /// mean something else in the UPDATE.
    fn merges_default(&self, change: &Change, column: &str) -> bool {
        let writes = |position: &usize| {
            let unlink = &self.plan.unlinks[*position];
            unlink.value == UnlinkValue::Default && unlink.columns.iter().any(|it| it == column)
        };
        self.dialect == Dialect::Postgres
            && change.unlinks.len() > 1
            && change.unlinks.iter().any(writes)
    }

    fn default_value(&self, table: TableId, column: &str) -> String {
        let default = self.column(table, column).default.as_deref();
        self.typed(table, column, default.unwrap_or("NULL"))
    }

    /// The rows that a change concerns.
    pub(super) fn changed(&self, change: &Change) -> String {
        match change.unlinks[..] {
            [position] => self.kept(position),
            _ => self.mentioned(&format!("orgsweep_w{}", change.table.0)),
        }
    }

    /// The same, where rows that are alike (MariaDB, without a key) shall not be met twice.
    pub(super) fn changed_once(&self, change: &Change) -> String {
        let changed = self.changed(change);
        if self.has_twins(change.table) && change.unlinks.len() == 1 {
            let identity = self.key_table(change.table).identity_columns().join(", ");
            format!("(SELECT DISTINCT {identity} FROM {changed})")
        } else {
            changed
        }
    }

    /// Rows that the unlinks of one table change.
    pub fn count_changed(&self, change: &Change) -> Statement {
        let rows = if self.has_twins(change.table) && change.unlinks.len() > 1 {
            self.dialect.as_text("coalesce(sum(alike), 0)")
        } else {
            self.dialect.count()
        };
        self.said(format!("SELECT {rows} FROM {}", self.changed(change)))
    }

    /// Writes all unlinks of one table at once: a row that several concern is written once, and
    /// checked by the engine as it will be. Only the references' own columns change.
    pub fn unlink(&self, change: &Change) -> Statement {
        let columns = self.written_columns(change);
        let set: Vec<(&str, String)> =
            columns.into_iter().map(|column| (column, self.set_value(change, column))).collect();
        let from = format!("{} w", self.changed(change));
        self.said(self.update(change.table, &set, &from, &self.same_row(change.table, "w", "c")))
    }

    /// What the UPDATE writes. The word DEFAULT is the engine's own: the default's text could mean something
    /// else here, where names are the session's (PostgreSQL).
    fn set_value(&self, change: &Change, column: &str) -> String {
        let default = |position: &usize| {
            let unlink = &self.plan.unlinks[*position];
            unlink.value == UnlinkValue::Default && unlink.columns.iter().any(|it| it == column)
        };
        match self.dialect == Dialect::Postgres && change.unlinks.len() == 1 {
            true if change.unlinks.iter().all(default) => "DEFAULT".into(),
            _ => self.new_value(change, column, "c"),
        }
    }

    /// Writes columns of the rows `c` of a table that `from` has, where `on` holds. MariaDB's ON UPDATE
    /// columns would move with any other (not with the engine's own SET NULL), unless they are written, too.
    pub(super) fn update(
        &self,
        table: TableId,
        set: &[(&str, String)],
        from: &str,
        on: &str,
    ) -> String {
        let relation = self.relation(table);
        let all = self.with_still(table, set.to_vec());
        let assign = |alias: &str| {
            let one = |(name, value): &(&str, String)| format!("{alias}{} = {value}", quote(name));
            all.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        match self.dialect {
            Dialect::Sqlite | Dialect::Postgres => {
                format!("UPDATE {relation} AS c SET {} FROM {from} WHERE {on}", assign(""))
            }
            Dialect::Mysql(_) => {
                format!("UPDATE {from} STRAIGHT_JOIN {relation} c ON {on} SET {}", assign("c."))
            }
        }
    }

    /// What an UPDATE writes, and the columns that would move by themselves as they are (MariaDB).
    pub(super) fn with_still<'t>(
        &'t self,
        table: TableId,
        set: Vec<(&'t str, String)>,
    ) -> Vec<(&'t str, String)> {
        let written = |name: &str| set.iter().any(|(column, _)| *column == name);
        let still = self.table(table).columns.iter().filter(|c| c.on_update && !written(&c.name));
        let still: Vec<(&str, String)> = still
            .map(|column| (column.name.as_str(), format!("c.{}", quote(&column.name))))
            .collect();
        set.into_iter().chain(still).collect()
    }

    /// Rows that do not have what the unlinks of one table wrote.
    pub fn count_not_unlinked(&self, change: &Change) -> Statement {
        let as_written = |column: &str| {
            let declared = self.column(change.table, column);
            let new = self.as_stored(declared, self.new_value(change, column, "c"));
            self.identical(&format!("c.{}", quote(column)), &new, declared)
        };
        let columns = self.written_columns(change).into_iter();
        self.said(format!(
            "SELECT {} FROM {} w JOIN {} c ON {} WHERE ({}) IS NOT TRUE",
            self.dialect.count(),
            self.changed_once(change),
            self.relation(change.table),
            self.same_row(change.table, "w", "c"),
            columns.map(as_written).collect::<Vec<_>>().join(" AND "),
        ))
    }

    pub(super) fn written_columns(&self, change: &Change) -> Vec<&'_ str> {
        let mut columns: Vec<&str> = Vec::new();
        for position in &change.unlinks {
            for column in &self.plan.unlinks[*position].columns {
                if !columns.contains(&column.as_str()) {
                    columns.push(column);
                }
            }
        }
        columns
    }

    /// The value that a column of row `c` (with its flags in `w`) has after all unlinks.
    pub(super) fn new_value(&self, change: &Change, column: &str, c: &str) -> String {
        let old = format!("{c}.{}", quote(column));
        let writing: Vec<usize> = change
            .unlinks
            .iter()
            .copied()
            .filter(|position| {
                self.plan.unlinks[*position].columns.iter().any(|name| name == column)
            })
            .collect();
        match (&writing[..], change.unlinks.len()) {
            ([], _) => old,
            ([position], 1) => self.written_value(*position, change.table, column),
            (several, _) => {
                let default = self.merges_default(change, column).then(|| {
                    let mut written = self.written_columns(change).into_iter();
                    let n = written.position(|name| name == column);
                    format!("w.d{}", n.expect("the column is written"))
                });
                let case = |position: &usize| {
                    let value = match (&self.plan.unlinks[*position].value, &default) {
                        (UnlinkValue::Default, Some(merged)) => merged.clone(),
                        _ => self.written_value(*position, change.table, column),
                    };
                    format!("WHEN w.f{position} {} 1 THEN {value}", self.dialect.operator("="))
                };
                let cases: Vec<String> = several.iter().map(case).collect();
                format!("CASE {} ELSE {old} END", cases.join(" "))
            }
        }
    }

    /// What one unlink writes, as an expression of the column's type.
    fn written_value(&self, position: usize, table: TableId, column: &str) -> String {
        let typed = |value: &str| self.typed(table, column, value);
        match &self.plan.unlinks[position].value {
            UnlinkValue::Null => typed("NULL"),
            UnlinkValue::Default => self.default_value(table, column),
            // The column's own length would cut it to another key.
            UnlinkValue::Key(key) if self.dialect == Dialect::Postgres => {
                format!(
                    "({})::{}",
                    self.dialect.literal(key),
                    bound_type(self.column(table, column))
                )
            }
            UnlinkValue::Key(key) => typed(&self.dialect.literal(key)),
            UnlinkValue::Erased(erased) => erased_value(erased, column),
        }
    }

    /// An expression as a value of the column's type.
    pub(super) fn typed(&self, table: TableId, column: &str, value: &str) -> String {
        match self.dialect {
            Dialect::Sqlite | Dialect::Mysql(_) => format!("({value})"),
            // A domain's own constraints are asked apart, by name.
            Dialect::Postgres => {
                let column = self.column(table, column);
                let type_name = column.domain_over.as_ref().unwrap_or(&column.type_name);
                format!("({value})::{}", path::built_in(type_name))
            }
        }
    }

    /// A value as it reads once it is in the column: SQLite converts by the column's affinity, where
    /// that loses nothing.
    pub(super) fn as_stored(&self, column: &Column, value: String) -> String {
        if self.dialect != Dialect::Sqlite {
            return value;
        }
        match column.affinity {
            Affinity::Blob => value,
            Affinity::Text => {
                format!(
                    "CASE typeof({value}) WHEN 'blob' THEN {value} ELSE CAST({value} AS TEXT) END"
                )
            }
            affinity => {
                // An INTEGER's CAST cuts off, which storing does not.
                let number = if affinity == Affinity::Real { "REAL" } else { "NUMERIC" };
                let number = format!("CAST({value} AS {number})");
                format!("CASE WHEN {value} = {number} THEN {number} ELSE {value} END")
            }
        }
    }
}

/// The columns of an erasure's table that hold what it writes.
fn erased_columns(erasure: &Unlink) -> Vec<String> {
    (0..erasure.columns.len()).map(|n| format!("e{n}")).collect()
}

/// The one of them for a column.
fn erased_value(erased: &[Erased], column: &str) -> String {
    let n = erased.iter().position(|erased| erased.column == column);
    format!("w.e{}", n.expect("the column is erased"))
}

pub(super) fn kept_name(position: usize) -> String {
    format!("orgsweep_u{position}")
}
