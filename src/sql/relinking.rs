//! Rows that are linked again: whether they name somebody, and those that nothing tells apart, of MariaDB's tables
//! without a key. Those that are alike in every column are interchangeable, so that of each sort as many are written as
//! there were, whichever.

use super::Sql;
use super::staging::Stage;
use crate::catalog::ReferenceId;
use crate::engine::mariadb::bytes;
use crate::engine::{Statement, quote};

impl Sql<'_> {
    /// Forgets which rows hold what was written.
    pub fn forget_links(&self, stage: Stage) -> String {
        self.dialect.drop_temporary(&self.temporary(&self.links(stage)))
    }

    /// Linked rows that name, by `id`, nobody.
    pub fn linked_to_nobody(&self, stage: Stage, id: ReferenceId) -> Statement {
        let table = stage.part.table;
        self.said(format!(
            "SELECT {} FROM {} l {} {} c ON {} WHERE {} AND NOT EXISTS (SELECT 1 FROM {} r WHERE {})",
            self.dialect.count(),
            self.mentioned(&self.links(stage)),
            self.dialect.ordered_join(),
            self.relation(table),
            self.is_link(table),
            self.row_names_somebody(id, "c"),
            self.relation(self.catalog.reference(id).parent),
            self.names_row(id, "r", "c"),
        ))
    }

    /// The rows of one unlink, each sort once (alias `g`): how many are `alike` before and after. `None`: a key or an
    /// address tells rows apart.
    pub fn group_links(&self, stage: Stage) -> Option<String> {
        let columns = self.group_columns(stage)?;
        let sorts: Vec<String> = columns.iter().map(|column| bytes(column)).collect();
        Some(self.said_together(format!(
            "{} SELECT row_number() OVER () AS n, 0 AS mixed, s.* FROM \
             (SELECT {}, count(*) AS alike FROM {} GROUP BY {}) s",
            self.create_as(&groups(stage)),
            columns.join(", "),
            self.mentioned(&self.links(stage)),
            sorts.join(", "),
        )))
    }

    fn group_columns(&self, stage: Stage) -> Option<Vec<String>> {
        let table = stage.part.table;
        let identity = (0..self.key_table(table).identity_columns().len()).map(|n| format!("i{n}"));
        let old = (0..stage.section.written.len()).map(|n| format!("o{n}"));
        self.has_twins(table).then(|| identity.chain(old).collect())
    }

    /// Marks the sorts of which others than those of one sort are left: they were told apart by what was unlinked, or
    /// stood beside them.
    pub fn mark_mixed_links(&self, stage: Stage) -> Statement {
        let table = stage.part.table;
        let same = self.alike(stage, |n| bytes(&format!("g.i{n}")));
        self.said(format!(
            "UPDATE {} g JOIN (SELECT g.n FROM {} g STRAIGHT_JOIN {} c ON {same} \
             GROUP BY g.n, g.alike HAVING count(*) <> g.alike) m ON m.n = g.n SET g.mixed = 1",
            self.written_to(&groups(stage)),
            self.mentioned(&groups(stage)),
            self.relation(table)
        ))
    }

    /// The row `c` has these values of the identity, to the byte (`bytes`).
    fn alike(&self, stage: Stage, value: impl Fn(usize) -> String) -> String {
        let own = self.identity_values(stage.part.table, "c").into_iter().enumerate();
        let same = own.map(|(n, own)| format!("{} <=> {}", bytes(&own), value(n)));
        same.collect::<Vec<_>>().join(" AND ")
    }

    /// Numbers of the marked sorts, and how many rows of each are to be linked.
    pub fn mixed_links(&self, stage: Stage) -> Statement {
        let (number, alike) = (self.dialect.as_text("g.n"), self.dialect.as_text("g.alike"));
        let groups = self.mentioned(&groups(stage));
        self.said(format!("SELECT {number}, {alike} FROM {groups} g WHERE g.mixed = 1"))
    }

    /// Lets all rows of the other sorts name again what they named.
    pub fn relink_groups(&self, stage: Stage) -> Statement {
        let written = stage.section.written.iter().enumerate();
        let set: Vec<(&str, String)> =
            written.map(|(n, column)| (column.name.as_str(), format!("g.o{n}"))).collect();
        let on = format!("g.mixed = 0 AND {}", self.alike(stage, |n| bytes(&format!("g.i{n}"))));
        let from = format!("{} g", self.mentioned(&groups(stage)));
        self.said(self.update(stage.part.table, &set, &from, &on))
    }

    /// Lets so many rows of one sort name again what they named.
    pub fn relink_some(&self, stage: Stage, number: u64, rows: u64) -> Statement {
        let table = stage.part.table;
        let kept = |value: String| {
            let groups = self.mentioned(&groups(stage));
            format!("(SELECT {value} FROM {groups} g WHERE g.n = {number})")
        };
        let written = stage.section.written.iter().enumerate();
        let written = written.map(|(n, column)| (column.name.as_str(), kept(format!("g.o{n}"))));
        let set: Vec<String> = self
            .with_still(table, written.collect())
            .into_iter()
            .map(|(name, value)| format!("c.{} = {value}", quote(name)))
            .collect();
        self.said(format!(
            "UPDATE {} c SET {} WHERE {} LIMIT {rows}",
            self.relation(table),
            set.join(", "),
            self.alike(stage, |n| kept(bytes(&format!("g.i{n}"))))
        ))
    }
}

fn groups(stage: Stage) -> String {
    format!("orgsweep_g{}", stage.part.section)
}
