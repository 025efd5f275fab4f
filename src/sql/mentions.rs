//! MySQL takes the name of a temporary table once in a statement, in whatever part of it (error 1137): every further
//! mention is that of a copy, made before the statement and dropped after it. On the other engines a mention is the
//! table's name.
//!
//! What *reads* one of our tables names it by [`Sql::mentioned`], what writes to it or drops it by [`Sql::temporary`];
//! who reads and writes has it named by [`Sql::written_to`] first. The text is a statement by [`Sql::said`], which takes the
//! copies along: no statement leaves without them.

use super::Sql;
use crate::engine::Statement;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// What the statement that is being put together names.
#[derive(Debug, Default)]
pub(super) struct Mentions(RefCell<Named>);

#[derive(Debug, Default)]
struct Named {
    tables: BTreeSet<String>,
    before: Vec<String>,
    after: Vec<String>,
    /// No two copies have the same name: one that was forgotten would be missed, not mistaken.
    copies: u32,
}

/// A forgotten copy would fail in the database; tests are to see it at once.
impl Drop for Mentions {
    fn drop(&mut self) {
        let forgotten = &self.0.get_mut().before;
        debug_assert!(forgotten.is_empty() || std::thread::panicking(), "unsaid: {forgotten:?}");
    }
}

impl Sql<'_> {
    /// One of our own temporary tables, read.
    pub(super) fn mentioned(&self, name: &str) -> String {
        self.mentioned_where(name, "")
    }

    /// The same where the statement reads no more of it than `which` says: no more is copied.
    pub(super) fn mentioned_where(&self, name: &str, which: &str) -> String {
        let table = self.temporary(name);
        let mut named = self.mentions.0.borrow_mut();
        if self.dialect.names_twice() || named.tables.insert(table.clone()) {
            return table;
        }
        named.copies += 1;
        let copy = self.temporary(&format!("orgsweep_copy{}", named.copies));
        // A statement that failed has left its own.
        named.before.push(format!("{} LIKE {table}", self.dialect.create_temporary(&copy)));
        named.before.push(format!("INSERT INTO {copy} SELECT * FROM {table}{which}"));
        named.after.push(self.dialect.drop_temporary(&copy));
        copy
    }

    /// One of our own temporary tables that the statement writes to: whatever it reads of it is a copy.
    pub(super) fn written_to(&self, name: &str) -> String {
        let table = self.temporary(name);
        if !self.dialect.names_twice() {
            let first = self.mentions.0.borrow_mut().tables.insert(table.clone());
            debug_assert!(first, "{table} is read before it is written to");
        }
        table
    }

    /// The statement, with the copies that it names.
    pub(super) fn said(&self, text: impl Into<Statement>) -> Statement {
        let mut named = self.mentions.0.borrow_mut();
        named.tables.clear();
        let (before, after) = (std::mem::take(&mut named.before), std::mem::take(&mut named.after));
        text.into().between(before, after)
    }

    /// The same as one text, for statements without values that create one of our tables.
    pub(super) fn said_together(&self, text: String) -> String {
        self.said(text).inlined(self.dialect)
    }

    /// Questions whose answers are read together: in one statement, or in as many as keep it from naming a table twice.
    pub(super) fn together<Q>(
        &self,
        questions: impl IntoIterator<Item = Q>,
        ask: impl Fn(Q) -> String,
    ) -> Vec<Statement> {
        let mut packs: Vec<Pack> = Vec::new();
        for question in questions {
            let text = ask(question);
            let tables = std::mem::take(&mut self.mentions.0.borrow_mut().tables);
            let free = |pack: &&mut Pack| pack.tables.is_disjoint(&tables);
            match packs.iter_mut().find(free) {
                Some(pack) => {
                    pack.statement.push(" UNION ALL ").append(&self.said(text));
                    pack.tables.extend(tables);
                }
                None => packs.push(Pack { statement: self.said(text), tables }),
            }
        }
        packs.into_iter().map(|pack| pack.statement).collect()
    }
}

/// A statement, and what it names.
struct Pack {
    statement: Statement,
    tables: BTreeSet<String>,
}
