//! Finding rows: the statements that fill the key tables.

use super::Sql;
use crate::catalog::{ReferenceId, TableId};
use crate::engine::{Dialect, Statement};
use crate::plan::Condition;
use crate::selection::{Root, Selection};

impl Sql<'_> {
    /// Puts the selected root rows into the root's key table, locking them.
    pub fn select_roots(
        &self,
        root: &Root,
        selection: &Selection,
        generation: u32,
        lock: bool,
    ) -> Statement {
        let mut statement = Statement::from(format!(
            "INSERT INTO {} SELECT {}, {generation} FROM {} c WHERE ",
            self.key_target(root.table),
            self.key_values(root.table, "c").join(", "),
            self.relation(root.table),
        ));
        statement.append(&self.selected(root, selection));
        statement.push(&self.dialect.for_update("c", lock));
        self.said(statement)
    }

    /// Locks the rows of a table that were found, the root's or orphans, and counts them.
    pub fn lock_roots(&self, table: TableId) -> Statement {
        let same = self.same_row(table, "k", "c");
        self.said(format!(
            "SELECT {} FROM (SELECT 1 FROM {} c JOIN {} k ON {same}{}) l",
            self.dialect.count(),
            self.relation(table),
            self.key_relation(table),
            self.dialect.for_update("c", true),
        ))
    }

    /// How many of those are selected still.
    pub fn still_selected(&self, root: &Root, selection: &Selection) -> Statement {
        let mut statement = Statement::from(format!(
            "SELECT {} FROM {} c WHERE {} AND ",
            self.dialect.count(),
            self.relation(root.table),
            self.is_found(root.table, ""),
        ));
        statement.append(&self.selected(root, selection));
        self.said(statement)
    }

    /// Adds the rows of a policy's orphans: the condition holds, and no owning reference names a row that may have
    /// an owner, so that no condition, however careless, takes a row that somebody owns.
    pub fn select_orphans(
        &self,
        orphans: &Condition,
        generation: u32,
        known: bool,
        lock: bool,
    ) -> Statement {
        let table = orphans.table;
        let target = self.key_target(table);
        let mut conditions = self.is_orphaned(orphans);
        if self.plan.kept.contains_key(&table) {
            conditions.push(format!("NOT {}", self.is_in_stays(table, "")));
        }
        if known {
            conditions.push(format!("NOT {}", self.is_found(table, "")));
        }
        self.said(format!(
            "INSERT INTO {target} SELECT {}, {generation} FROM {} c{}{}",
            self.key_values(table, "c").join(", "),
            self.relation(table),
            where_all(&conditions),
            self.dialect.for_update("c", lock),
        ))
    }

    /// How many of those that this generation found are still such.
    pub fn still_orphaned(&self, orphans: &Condition, generation: u32) -> Statement {
        let (table, equals) = (orphans.table, self.dialect.operator("="));
        let found = self.is_found(table, &format!(" AND k.gen {equals} {generation}"));
        let conditions: Vec<String> =
            self.is_orphaned(orphans).into_iter().chain([found]).collect();
        self.said(format!(
            "SELECT {} FROM {} c{}",
            self.dialect.count(),
            self.relation(table),
            where_all(&conditions),
        ))
    }

    /// The condition holds for the row `c`, and nothing that may have an owner owns it.
    fn is_orphaned(&self, orphans: &Condition) -> Vec<String> {
        let unowned = self.plan.owning_of(orphans.table).iter().map(|id| {
            let parent = self.catalog.reference(*id).parent;
            let owned =
                [self.names_row(*id, "r", "c")].into_iter().chain(self.may_be_owned(parent));
            let owned = where_all(&owned.collect::<Vec<_>>());
            format!("NOT EXISTS (SELECT 1 FROM {} r{owned})", self.relation(parent))
        });
        std::iter::once(orphans.parenthesized()).chain(unowned).collect()
    }

    /// A row `r` that names nobody by its owning references has no owner. (Root rows own themselves.)
    fn may_be_owned(&self, table: TableId) -> Option<String> {
        let owning = self.plan.owning_of(table).iter();
        let names: Vec<String> =
            owning.map(|id| format!("({})", self.row_names_somebody(*id, "r"))).collect();
        match table == self.plan.root {
            true => None,
            false if names.is_empty() => Some("1 = 0".to_owned()),
            false => Some(format!("({})", names.join(" OR "))),
        }
    }

    /// Adds the rows that name a parent found after generation `since` by `reference`.
    /// `known` tells whether the child's key table may already hold some of them; rows in the
    /// table `excluding` (same identity) stay out.
    pub fn follow(&self, step: &Follow) -> Statement {
        let child = self.catalog.reference(step.reference).child;
        let target = self.key_target(child);
        let (children, mut conditions) = self.children_once(step.reference, step.since);
        // SQLite's OR IGNORE would do, after a look at every row: the key is in the child's index.
        if step.known && !self.drops_doubles(step) {
            // PostgreSQL looks for rows that are not known yet first, those that name nobody included.
            if self.dialect == Dialect::Postgres {
                conditions.push(self.row_names_somebody(step.reference, "c"));
            }
            conditions.push(format!("NOT {}", self.is_found(child, "")));
        }
        if step.excluding {
            conditions.push(self.not_excluded(step.reference));
        }
        // Rows that are alike go together, however many there are.
        let limit = step.limit.filter(|_| !self.has_twins(child));
        let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
        self.said(format!(
            "INSERT {}INTO {target} SELECT {}, {} FROM {}{}{limit}{}",
            self.dialect.or_ignore(),
            self.key_values(child, "c").join(", "),
            step.generation,
            children,
            where_all(&conditions),
            self.dialect.for_update("c", step.lock),
        ))
    }

    /// Which of `references` (position, found since) have child rows at all: one round trip for
    /// many small tables. Only asked while the parents are few, because a planner that expects an
    /// early hit may choose a loop over everything (DESIGN 7).
    pub fn probe(&self, references: &[(usize, ReferenceId, u32)]) -> Vec<Statement> {
        let one = |(position, id, since): &(usize, ReferenceId, u32)| {
            let since = if *since > 0 { format!(" WHERE p.gen > {since}") } else { String::new() };
            let found = format!("EXISTS (SELECT 1 FROM {}{since})", self.children(*id));
            format!("SELECT {} WHERE {found}", self.dialect.as_text(&position.to_string()))
        };
        self.together(references, one)
    }

    /// The key table's primary key keeps each row from being added twice, where to look for it would need a copy. Not
    /// where a limit counts rows before they are added.
    fn drops_doubles(&self, step: &Follow) -> bool {
        let child = self.catalog.reference(step.reference).child;
        !self.dialect.names_twice() && !self.has_twins(child) && step.limit.is_none()
    }
}

/// One statement of the discovery.
#[derive(Debug, Clone, Copy)]
pub struct Follow {
    pub reference: ReferenceId,
    pub since: u32,
    pub generation: u32,
    pub known: bool,
    pub excluding: bool,
    pub lock: bool,
    /// Stop at so many rows.
    pub limit: Option<u64>,
}

pub(super) fn where_all(conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    }
}
