//! Rows of the closure that stay on purpose, and those that hang on them by CASCADE.

use super::closure::where_all;
use super::unlinking::kept_name;
use super::{ProtectedBy, Sql};
use crate::catalog::{Affinity, Reference, ReferenceId, RowId, TableId};
use crate::engine::{Dialect, Statement, quote};
use crate::plan::{Erased, Keeping};

impl Sql<'_> {
    /// The empty table of rows that stay: a key table, of which generation 0 are those for which the condition holds.
    pub fn create_stays(&self, table: TableId) -> String {
        let name = stays_name(table);
        let create = self.create_keys(table, &name);
        self.index_rows(table, &name).into_iter().fold(create, |all, index| all + "; " + &index)
    }

    /// Adds the rows of the closure for which the condition holds. It names columns of its table alone: no other row is in
    /// its scope. Those stay out that are somebody else's and reached by one of the references `reached`.
    pub fn keep_rows(&self, keeping: &Keeping, reached: Option<&[ReferenceId]>) -> Statement {
        let table = keeping.rows.table;
        let target = self.written_to(&stays_name(table));
        let mut conditions = vec![self.is_among_found(table), keeping.rows.parenthesized()];
        conditions.extend(self.is_not_refused(table, reached));
        self.said(format!(
            "INSERT INTO {target} SELECT {}, 0 AS gen FROM {} c{}",
            self.key_values(table, "c").join(", "),
            self.relation(table),
            where_all(&conditions),
        ))
    }

    /// Whatever is somebody else's is refused as such, kept or not.
    fn is_not_refused(&self, table: TableId, reached: Option<&[ReferenceId]>) -> Option<String> {
        reached.map(|reached| format!("NOT {}", self.is_refused_by(table, reached)))
    }

    /// The same, where all of the table would be read for it.
    fn is_among_found(&self, table: TableId) -> String {
        match self.dialect {
            Dialect::Sqlite => {
                let rows = self.identity_values(table, "c").join(", ");
                let columns = self.key_table(table).identity_columns().join(", ");
                format!("({rows}) IN (SELECT {columns} FROM {})", self.key_relation(table))
            }
            _ => self.is_found(table, ""),
        }
    }

    /// Adds the rows of the closure that name, by the CASCADE reference `id`, one that stays and was found after generation
    /// `since`; where it leads on from there (`descends`), all that hangs below them at once.
    pub fn keep_children(
        &self,
        id: ReferenceId,
        (since, generation): (u32, u32),
        reached: Option<&[ReferenceId]>,
    ) -> Statement {
        let Reference { child, parent, .. } = *self.catalog.reference(id);
        let target = self.written_to(&stays_name(child));
        let is_new = |offset: &str| {
            let known = self.is_in_stays(child, offset);
            let mut conditions = vec![self.is_found(child, offset), format!("NOT {known}")];
            conditions.extend(self.is_not_refused(child, reached));
            conditions
        };
        let number = format!("{generation} AS gen");
        let newer = format!(" AND p.gen {} {since}", self.dialect.operator(">="));
        let parents = self.stays(parent);
        if !self.descends(id) {
            return self.said(format!(
                "INSERT INTO {target} SELECT DISTINCT {}, {number} FROM {} WHERE {}{newer}",
                self.key_values(child, "c").join(", "),
                self.children_of(id, &parents),
                is_new("").join(" AND "),
            ));
        }
        let first = self.step_down(id, (&parents, &newer), &number, is_new);
        let columns = self.key_columns(child).join(", ");
        let further = self.step_down(id, ("d", ""), &number, is_new);
        let said = self.said(format!(
            "INSERT INTO {target} WITH RECURSIVE d({columns}, gen) AS ({first} UNION ALL {further}) SELECT d.* FROM d"
        ));
        said.between(self.before_descent(child).into_iter().collect(), Vec::new())
    }

    pub fn count_stays(&self, table: TableId) -> Statement {
        self.said(format!("SELECT {} FROM {}", self.dialect.count(), self.stays(table)))
    }

    /// How many of them are not there.
    pub fn count_stays_gone(&self, table: TableId) -> Statement {
        self.said(format!(
            "SELECT {} FROM {} s WHERE NOT EXISTS (SELECT 1 FROM {} c WHERE {})",
            self.dialect.count(),
            self.stays(table),
            self.relation(table),
            self.same_row(table, "s", "c"),
        ))
    }

    /// How many of them are there for the condition's sake.
    pub fn count_own_stays(&self, table: TableId) -> Statement {
        let (count, stays) = (self.dialect.count(), self.stays(table));
        self.said(format!(
            "SELECT {count} FROM {stays} s WHERE s.gen {} 0",
            self.dialect.operator("=")
        ))
    }

    /// A row of this table is told from others by what a change of these columns does not touch.
    pub fn is_told_without(&self, table: TableId, columns: &[String]) -> bool {
        let facts = self.table(table);
        match &facts.rowid {
            Some(RowId { alias: None, name: Some(_) }) => true,
            Some(RowId { alias: Some(alias), .. }) => !columns.contains(alias),
            _ => facts
                .identifying_key()
                .is_some_and(|it| !it.columns.iter().any(|it| columns.contains(it))),
        }
    }

    /// Keeps them out of the closure where `id` reaches them.
    pub fn exclude_stays(&self, id: ReferenceId) -> Statement {
        let table = self.catalog.reference(id).child;
        let target = self.excluded_target(id);
        let columns = self.key_table(table).identity_columns().join(", ");
        self.said(format!("INSERT INTO {target} SELECT {columns} FROM {}", self.stays(table)))
    }

    /// Rows that stay and name, by `id`, one that goes.
    pub fn named_by_stays(&self, id: ReferenceId) -> ProtectedBy {
        let stays = self.is_in_stays(self.catalog.reference(id).child, "");
        self.named_by(id, self.children(id) + &where_all(&[stays]))
    }

    /// The row `c` stays.
    pub(super) fn is_in_stays(&self, table: TableId, offset: &str) -> String {
        let same = self.same_row(table, "s", "c");
        format!("EXISTS (SELECT 1 FROM {} s WHERE {same}{offset})", self.stays(table))
    }

    pub(super) fn stays(&self, table: TableId) -> String {
        self.mentioned(&stays_name(table))
    }

    /// The empty table of rows that are to be overwritten, with the values that they get: of the columns' own types, so
    /// that whatever does not fit one fails here, before anything is written.
    pub fn create_erased(&self, position: usize, table: TableId, erased: &[Erased]) -> String {
        let column = |(n, it): (usize, &Erased)| format!(", c.{} AS e{n}", quote(&it.column));
        let values: String = erased.iter().enumerate().map(column).collect();
        let more = format!(", row_number() OVER () AS n{values}");
        self.create_rows(table, &kept_name(position), &more)
    }

    /// Fills it: what the expressions say of the rows as they are.
    pub fn fill_erased(&self, position: usize, table: TableId, erased: &[Erased]) -> Statement {
        let (own, relation) = (self.dialect.operator("="), self.relation(table));
        let stays = format!(
            "EXISTS (SELECT 1 FROM {} s WHERE {} AND s.gen {own} 0)",
            self.stays(table),
            self.same_row(table, "s", "c")
        );
        let values: Vec<String> = erased.iter().map(|it| it.value.parenthesized()).collect();
        self.said(format!(
            "INSERT INTO {} SELECT {}, {}() OVER (), {} FROM {relation} c WHERE {stays}",
            self.temporary(&kept_name(position)),
            self.identity_values(table, "c").join(", "),
            self.dialect.function("row_number"),
            values.join(", "),
        ))
    }

    /// How many values are none of their column's type, where the engine would write them all the same (SQLite).
    pub fn count_unfit(
        &self,
        position: usize,
        table: TableId,
        erased: &[Erased],
    ) -> Option<Statement> {
        let unfit = |(n, erased): (usize, &Erased)| match self
            .column(table, &erased.column)
            .affinity
        {
            Affinity::Integer | Affinity::Real => Some(format!("typeof(e{n}) IN ('text', 'blob')")),
            // A date is NUMERIC, and a text.
            Affinity::Numeric | Affinity::Text | Affinity::Blob => None,
        };
        let unfit: Vec<String> = erased.iter().enumerate().filter_map(unfit).collect();
        let asked = self.dialect == Dialect::Sqlite && !unfit.is_empty();
        asked.then(|| {
            let rows = self.kept(position);
            self.said(format!("SELECT count(*) FROM {rows} WHERE {}", unfit.join(" OR ")))
        })
    }

    /// One of them fails where this is no expression that a column takes: see [`Sql::try_condition`]. Of an aggregate, or a
    /// function that makes several rows of one, the first; of a column that takes nothing, PostgreSQL's last.
    pub fn try_erased(&self, erased: &Erased) -> Vec<Statement> {
        let table = erased.value.table;
        let relation = self.relation(table);
        let (enclosed, bare) = (erased.value.parenthesized(), &erased.value.sql);
        let column = quote(&erased.column);
        let mut tries = vec![
            format!("SELECT 1 FROM {relation} c WHERE {enclosed} IS NULL LIMIT 0"),
            // PostgreSQL wants one type of both, and reads what has none as the column's.
            format!(
                "SELECT CASE WHEN 1 = 0 THEN c.{column} ELSE\n{bare}\nEND FROM {relation} c LIMIT 0"
            ),
        ];
        if self.dialect == Dialect::Postgres && self.table(table).privileges.update {
            tries.push(format!("EXPLAIN UPDATE {relation} AS c SET {column} = {enclosed}"));
        }
        tries.into_iter().map(Statement::from).collect()
    }
}

fn stays_name(table: TableId) -> String {
    format!("orgsweep_s{}", table.0)
}
