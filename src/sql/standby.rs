//! The closure of one statement, where a server keeps no key tables: PostgreSQL's standbys have no temporary
//! tables. Rows are known by their address, which a snapshot keeps.
//!
//! Each round joins all rows of the round before with every reference. PostgreSQL allows one mention of the
//! recursive query, so the round is given a name of its own (`w`), and read by that as often as needed:
//! <https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-RECURSIVE>.

use super::Sql;
use crate::catalog::ReferenceId;
use crate::engine::Statement;
use crate::plan::{Rank, Unlink};
use crate::selection::{Root, Selection};

impl Sql<'_> {
    /// Rows of `found, position, rank, rows`: of the references (`found` is `t`; their position in
    /// `Plan::followed`, or -1 for the selected rows), and of the unlinks (`f`; in `Plan::unlinks`).
    pub fn count_closure(&self, root: &Root, selection: &Selection) -> Statement {
        let mut statement = Statement::from(format!(
            "WITH RECURSIVE reached(tab, relation, address, rank, via) AS (\n\
             SELECT {}, c.tableoid, c.ctid::text, 0, -1 FROM {} c WHERE ",
            root.table.0,
            self.relation(root.table),
        ));
        statement.append(&self.selected(root, selection));
        if !self.plan.followed.is_empty() {
            let branches: Vec<String> =
                (0..self.plan.followed.len()).map(|position| self.reached_by(position)).collect();
            statement.push(&format!(
                "\nUNION\n(WITH w AS (SELECT * FROM reached)\n{})",
                branches.join("\nUNION ALL\n")
            ));
        }
        // A row counts once, by its easiest way.
        statement.push(
            "), closure AS MATERIALIZED (SELECT DISTINCT ON (tab, relation, address) * FROM reached \
             ORDER BY tab, relation, address, rank, via)\n\
             SELECT 't', via::text, rank::text, count(*)::text FROM closure GROUP BY via, rank",
        );
        for (position, unlink) in self.plan.unlinks.iter().enumerate() {
            statement.push(&format!("\nUNION ALL\n{}", self.left_behind(position, unlink)));
        }
        statement
    }

    /// The children of one round by a reference.
    fn reached_by(&self, position: usize) -> String {
        let followed = self.plan.followed[position];
        let child = self.catalog.reference(followed.reference).child;
        let rank = Rank::ALL.iter().position(|rank| *rank == followed.rank).unwrap_or_default();
        format!(
            "SELECT {}, c.tableoid, c.ctid::text, greatest(w.rank, {rank}), {position} FROM w {}",
            child.0,
            self.parents_and_children("w", followed.reference),
        )
    }

    /// Rows that stay and name one that goes.
    fn left_behind(&self, position: usize, unlink: &Unlink) -> String {
        let child = self.catalog.reference(unlink.reference).child;
        format!(
            "SELECT 'f', '{position}', '0', count(DISTINCT (c.tableoid, c.ctid::text))::text \
             FROM closure w {} WHERE NOT EXISTS (SELECT 1 FROM closure k WHERE k.tab = {} \
             AND k.relation = c.tableoid AND k.address = c.ctid::text)",
            self.parents_and_children("w", unlink.reference),
            child.0,
        )
    }

    /// Joins for the rows `c` that name the rows of `known` by a reference.
    fn parents_and_children(&self, known: &str, id: ReferenceId) -> String {
        let parent = self.catalog.reference(id).parent;
        format!(
            "JOIN {} q ON {known}.tab = {} AND q.tableoid = {known}.relation \
             AND q.ctid = {known}.address::tid JOIN {} c ON {}",
            self.relation(parent),
            parent.0,
            self.child_relation(id),
            self.names_row(id, "q", "c"),
        )
    }
}
