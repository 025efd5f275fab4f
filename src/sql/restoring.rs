//! Putting archived rows back, from the stage tables into those that they are of, and the questions
//! that come before.

use super::Sql;
use super::staging::Stage;
use crate::archive::{ArchivedColumn, Section};
use crate::catalog::{Column, Key, ReferenceId, TableId};
use crate::engine::mariadb::bytes;
use crate::engine::{Dialect, Statement, literal, quote};
use std::iter;

impl Sql<'_> {
    /// Archived rows whose value of `key` is taken: how many, and of some the value.
    pub fn taken_keys(&self, stage: Stage, key: &Key) -> Option<(Statement, Statement)> {
        Some(self.counted(&self.staged_and_takers(stage, key)?, &self.staged_key(stage)))
    }

    /// How many of them are taken by rows of `links`, which give that value up again.
    pub fn taken_by_links(&self, stage: Stage, key: &Key, links: Stage) -> Option<Statement> {
        Some(self.said(format!(
            "SELECT {} {} {} {} l ON {}",
            self.dialect.count(),
            self.staged_and_takers(stage, key)?,
            self.dialect.ordered_join(),
            self.mentioned(&self.links(links)),
            self.is_link(stage.part.table),
        )))
    }

    /// The staged rows `s`, and the rows `c` that have their values of `key`.
    fn staged_and_takers(&self, stage: Stage, key: &Key) -> Option<String> {
        let equal = |(n, name): (usize, &String)| {
            let (column, value) = (format!("c.{}", quote(name)), stage.column("s", name)?);
            let equal = self.equal_in(key, n, &column, &value);
            Some(match key.nulls_not_distinct {
                // PostgreSQL's.
                true => format!("({equal} OR ({column} IS NULL AND {value} IS NULL))"),
                false => equal,
            })
        };
        let equal: Option<Vec<String>> = key.columns.iter().enumerate().map(equal).collect();
        Some(format!(
            "FROM {} s {} {} c ON {}",
            self.stage(stage),
            self.dialect.ordered_join(),
            self.relation(stage.part.table),
            equal?.join(" AND ")
        ))
    }

    /// What people know a staged row by: its key, never another value, which may be a secret.
    fn staged_key(&self, stage: Stage) -> Vec<String> {
        let key = self.table(stage.part.table).identifying_key();
        let columns = key.iter().flat_map(|key| &key.columns);
        let text = |name: &String| self.staged_text(stage, name);
        let named: Vec<String> = columns.filter_map(text).collect();
        if named.is_empty() { vec!["'?'".into()] } else { named }
    }

    /// Rows of the table, alike ones once, that are as archived ones: in sets, because nothing finds them by a key.
    pub fn count_alike(&self, stage: Stage) -> Statement {
        let columns = || stage.section.columns.iter().enumerate();
        let column = |name: &str| self.column(stage.part.table, name);
        let own = columns().map(|(n, archived)| {
            let value = format!("c.{}", quote(&archived.name));
            format!("{} AS v{n}", self.comparable(&value, column(&archived.name)))
        });
        let archived = columns().map(|(n, archived)| {
            format!("{} AS v{n}", self.comparable(&format!("s.v{n}"), column(&archived.name)))
        });
        self.said(format!(
            "SELECT {} FROM (SELECT {} FROM {} c INTERSECT SELECT {} FROM {} s) b",
            self.dialect.count(),
            own.collect::<Vec<_>>().join(", "),
            self.relation(stage.part.table),
            archived.collect::<Vec<_>>().join(", "),
            self.stage(stage),
        ))
    }

    fn staged_text(&self, stage: Stage, name: &str) -> Option<String> {
        let column = self.column(stage.part.table, name);
        let value = stage.column("s", name)?;
        Some(self.dialect.output(&value, &column.type_name))
    }

    fn counted(&self, from: &str, sample: &[String]) -> (Statement, Statement) {
        const SAMPLES: u32 = 3;
        let from = self.said(from);
        let mut count = Statement::from(format!("SELECT {} ", self.dialect.count()));
        count.append(&from);
        let mut some = Statement::from(format!("SELECT {} ", sample.join(", ")));
        some.append(&from).push(&format!(" LIMIT {SAMPLES}"));
        (count, some)
    }

    /// Keeps the rows from going that archived rows name by `id` (not SQLite, which has one writer).
    pub fn lock_parents(&self, stage: Stage, id: ReferenceId) -> Option<Statement> {
        let reference = self.catalog.reference(id);
        let names = self.staged_names(stage, id, &|name| Some(format!("r.{}", quote(name))))?;
        let (parent, stage) = (self.relation(reference.parent), self.stage(stage));
        match self.dialect {
            Dialect::Sqlite => None,
            Dialect::Postgres => Some(
                format!(
                    "SELECT count(*)::text FROM (SELECT 1 FROM {parent} r WHERE EXISTS \
                     (SELECT 1 FROM {stage} s WHERE {names}) FOR KEY SHARE OF r) l"
                )
                .into(),
            ),
            Dialect::Mysql(_) => {
                let count = self.dialect.count();
                let from = format!("{stage} s STRAIGHT_JOIN {parent} r ON {names}");
                Some(self.said(format!("SELECT {count} FROM {from} LOCK IN SHARE MODE")))
            }
        }
    }

    /// Archived rows that name, by `id`, a row that is neither there nor in the archive: how many, and
    /// of some the name. `parent`: the stage of the parent's rows.
    pub fn without_parent(
        &self,
        stage: Stage,
        id: ReferenceId,
        parent: Option<Stage>,
    ) -> Option<(Statement, Statement)> {
        let reference = self.catalog.reference(id);
        let columns: Option<Vec<String>> =
            reference.columns.iter().map(|name| stage.column("s", name)).collect();
        let columns = columns?;
        let there = self.staged_names(stage, id, &|name| Some(format!("r.{}", quote(name))))?;
        let mut conditions: Vec<String> =
            columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        conditions.push(format!(
            "NOT EXISTS (SELECT 1 FROM {} r WHERE {there})",
            self.relation(reference.parent)
        ));
        if let Some(parent) = parent {
            let archived = self.staged_names(stage, id, &|name| parent.column("r", name))?;
            conditions.push(format!(
                "NOT EXISTS (SELECT 1 FROM {} r WHERE {archived})",
                self.stage(parent)
            ));
        }
        let from = format!("FROM {} s WHERE {}", self.stage(stage), conditions.join(" AND "));
        let texts = reference.columns.iter().filter_map(|name| self.staged_text(stage, name));
        Some(self.counted(&from, &texts.collect::<Vec<_>>()))
    }

    /// A staged row names, by `id`, the row whose columns `parent` gives.
    fn staged_names(
        &self,
        stage: Stage,
        id: ReferenceId,
        parent: &dyn Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let reference = self.catalog.reference(id);
        let pairs = reference.parent_columns.iter().zip(&reference.columns).enumerate();
        let equal = pairs.map(|(n, (key, column))| {
            Some(self.equal(id, n, parent(key)?, stage.column("s", column)?))
        });
        Some(equal.collect::<Option<Vec<_>>>()?.join(" AND "))
    }

    /// Puts the rows of one table back, as they were: identity columns too.
    pub fn put_back(&self, stage: Stage) -> Statement {
        let overriding = match self.dialect {
            Dialect::Postgres => " OVERRIDING SYSTEM VALUE",
            Dialect::Sqlite | Dialect::Mysql(_) => "",
        };
        let (mut columns, mut values) = (stage.columns(), stage.values("s"));
        let mut order = String::new();
        if let Some((staged, name)) = self.staged_rowid(stage) {
            columns += &format!(", {name}");
            values += &format!(", s.{staged}");
            // A new one must not be one that an archived row still waits for.
            order = format!(" ORDER BY s.{staged} IS NULL");
        }
        self.said(format!(
            "INSERT INTO {} ({columns}){overriding} SELECT {values} FROM {} s{order}",
            self.dialect.table(&self.table(stage.part.table).name),
            self.stage(stage)
        ))
    }

    /// Puts the rows of a cycle of tables back in one statement, whose checks come at its end
    /// (PostgreSQL). One count per table.
    pub fn put_back_together(&self, stages: &[Stage]) -> Statement {
        let insert = |(n, stage): (usize, &Stage)| {
            format!("i{n} AS ({} RETURNING 1)", self.put_back(*stage).inlined(self.dialect))
        };
        let inserts: Vec<String> = stages.iter().enumerate().map(insert).collect();
        let count = |n: usize| format!("(SELECT {} FROM i{n})", self.dialect.count());
        let counts: Vec<String> = (0..stages.len()).map(count).collect();
        format!("WITH {} SELECT {}", inserts.join(", "), counts.join(", ")).into()
    }

    /// The rows of a table that has a key, read again as an archive keeps them.
    pub fn restored_rows(&self, stage: Stage) -> Option<Statement> {
        let found = self.found_by_key(stage)?;
        let values = self.archived_again(stage, &|column, _| format!("c.{}", quote(column)));
        let (stage_table, relation) = (self.stage(stage), self.relation(stage.part.table));
        let join = self.dialect.ordered_join();
        Some(
            self.said(format!(
                "SELECT {values} FROM {stage_table} s {join} {relation} c ON {found}"
            )),
        )
    }

    /// The same of a stage table itself.
    pub fn staged_rows(&self, stage: Stage) -> Statement {
        let values = self.archived_again(stage, &|_, n| format!("s.v{n}"));
        self.said(format!("SELECT {values} FROM {} s", self.stage(stage)))
    }

    fn archived_again(&self, stage: Stage, of: &dyn Fn(&str, usize) -> String) -> String {
        let columns = stage.section.columns.iter().enumerate();
        let values = columns.map(|(n, archived)| {
            let column = self.column(stage.part.table, &archived.name);
            self.dialect.archived(&of(&archived.name, n), column.value_type())
        });
        values.collect::<Vec<_>>().join(", ")
    }

    /// Kinds of rows of which a table without a key has fewer than its stage table. The table is read whole:
    /// nothing finds such rows.
    pub fn missing_rows(&self, stage: Stage) -> Statement {
        let values = |of: &dyn Fn(&str, usize) -> String| {
            let columns = stage.section.columns.iter().enumerate();
            let value = |(n, column): (usize, &ArchivedColumn)| {
                let declared = self.column(stage.part.table, &column.name);
                format!("{} AS w{n}", self.comparable(&of(&column.name, n), declared))
            };
            columns.map(value).collect::<Vec<_>>().join(", ")
        };
        let staged = values(&|_, n| format!("s.v{n}"));
        let own = values(&|name, _| format!("c.{}", quote(name)));
        let names: Vec<String> =
            (0..stage.section.columns.len()).map(|n| format!("w{n}")).collect();
        self.said(format!(
            "SELECT {} FROM (SELECT 1 AS kind FROM (SELECT {staged}, 1 AS staged, 0 AS own FROM {} s \
             UNION ALL SELECT {own}, 0, 1 FROM {} c) u GROUP BY {} HAVING sum(own) < sum(staged)) d",
            self.dialect.count(),
            self.stage(stage),
            self.relation(stage.part.table),
            names.join(", "),
        ))
    }

    /// `c` is the row that a staged one was, by its key.
    fn found_by_key(&self, stage: Stage) -> Option<String> {
        let table = stage.part.table;
        let key = self.table(table).identifying_key()?;
        let equal = |(n, name): (usize, &String)| {
            let staged = stage.column("s", name)?;
            Some(self.identical_keys(table, n, &format!("c.{}", quote(name)), &staged))
        };
        let equal = key.columns.iter().enumerate().map(equal);
        Some(equal.collect::<Option<Vec<_>>>()?.join(" AND "))
    }

    /// Of each table what the engine watches beside the references that are known here: its foreign keys in
    /// number, and whether a unique key is checked late, by triggers that the replica role leaves out
    /// (PostgreSQL).
    pub fn watched_besides(&self, tables: &[TableId]) -> Option<Statement> {
        if self.dialect != Dialect::Postgres || tables.is_empty() {
            return None;
        }
        let place = |table: &TableId| {
            let name = self.dialect.table(&self.table(*table).name);
            format!("({}, {}::regclass)", table.0, literal(&name))
        };
        let tables = tables.iter().map(place).collect::<Vec<_>>().join(", ");
        Some(
            format!(
                "WITH part(n, t) AS (SELECT v.n, v.t FROM (VALUES {tables}) v(n, t) UNION \
                 SELECT v.n, p.relid FROM (VALUES {tables}) v(n, t) CROSS JOIN LATERAL pg_partition_tree(v.t) p) \
                 SELECT n::text, sum((SELECT count(*) FROM pg_constraint k WHERE k.conrelid = t \
                 AND k.contype = 'f' AND k.conparentid = 0))::text, \
                 bool_or(EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t AND NOT i.indimmediate))::text \
                 FROM part GROUP BY n"
            )
            .into(),
        )
    }

    /// Where nothing checks each row as it goes in: staged rows that name, by `id`, a row which is not of the archive, and
    /// for how many of them it is there, and held until COMMIT.
    pub fn held_parents(
        &self,
        stage: Stage,
        id: ReferenceId,
        parent: Option<Stage>,
    ) -> Option<Statement> {
        let reference = self.catalog.reference(id);
        let columns: Option<Vec<String>> =
            reference.columns.iter().map(|name| stage.column("s", name)).collect();
        let named: Vec<String> =
            columns?.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        let archived = match parent {
            Some(parent) => {
                let names = self.staged_names(stage, id, &|name| parent.column("r", name))?;
                Some((parent, names))
            }
            None => None,
        };
        let within = archived.iter().map(|(parent, names)| {
            format!("NOT EXISTS (SELECT 1 FROM {} r WHERE {names})", self.stage(*parent))
        });
        let outside = named.into_iter().chain(within).collect::<Vec<_>>().join(" AND ");
        let there = self.staged_names(stage, id, &|name| Some(format!("r.{}", quote(name))))?;
        let hold = match self.dialect {
            Dialect::Mysql(_) => " LOCK IN SHARE MODE",
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR KEY SHARE OF r",
        };
        let held = format!(
            "CASE WHEN EXISTS (SELECT 1 FROM {} r WHERE {there}{hold}) THEN 1 END",
            self.relation(reference.parent)
        );
        let held = format!("{}({held})", self.dialect.function("count"));
        Some(self.said(format!(
            "SELECT {}, {} FROM {} s WHERE {outside}",
            self.dialect.count(),
            self.dialect.as_text(&held),
            self.stage(stage),
        )))
    }

    /// Rows that are not in their table as they were archived. `None`: the table has no key to find
    /// them by.
    pub fn altered(&self, stage: Stage) -> Option<Statement> {
        Some(self.not_back(stage, self.found_by_key(stage)?, ""))
    }

    /// Staged rows for which no row `c` that is `found` is as they are.
    pub(super) fn not_back(&self, stage: Stage, found: String, which: &str) -> Statement {
        let same = stage.section.columns.iter().enumerate();
        let same = same.map(|(n, column)| {
            let column = self.column(stage.part.table, &column.name);
            self.identical(&format!("c.{}", quote(&column.name)), &format!("s.v{n}"), column)
        });
        let conditions: Vec<String> = std::iter::once(found).chain(same).collect();
        self.said(format!(
            "SELECT {} FROM {} s WHERE {which}NOT EXISTS (SELECT 1 FROM {} c WHERE {})",
            self.dialect.count(),
            self.stage(stage),
            self.relation(stage.part.table),
            conditions.join(" AND ")
        ))
    }

    /// Not only equal: 1.0 is not 1.00, and a text is no number.
    pub(super) fn identical(&self, left: &str, right: &str, column: &Column) -> String {
        match self.dialect {
            Dialect::Sqlite => self.same_bytes(left, right),
            Dialect::Postgres => format!(
                "({} {} {} OR ({left} IS NULL AND {right} IS NULL))",
                self.comparable(left, column),
                self.dialect.operator("="),
                self.comparable(right, column),
            ),
            Dialect::Mysql(_) => format!("{} <=> {}", bytes(left), bytes(right)),
        }
    }

    /// The same value of the same type (SQLite).
    pub(super) fn same_bytes(&self, left: &str, right: &str) -> String {
        format!("{left} IS {right} COLLATE BINARY AND typeof({left}) = typeof({right})")
    }

    /// The rows that are as an unlink left them, in a table of their own: how to find them, and what
    /// they named. Where no key tells rows apart, those that are alike are told apart by their number.
    pub fn find_links(&self, stage: Stage) -> String {
        let table = stage.part.table;
        let Section { columns, written, .. } = stage.section;
        let key = self.table(table).identifying_key();
        let keyed = key.is_some();
        let equal = |left: &str, right: &str, column: &Column| {
            let place = key.and_then(|key| {
                Some((key, key.columns.iter().position(|name| *name == column.name)?))
            });
            match place {
                Some((key, n)) => self.equal_in(key, n, left, right),
                None => self.identical(left, right, column),
            }
        };
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut same: Vec<String> = Vec::new();
        for (n, column) in columns.iter().enumerate() {
            // A column that was overwritten finds the row by its new value.
            if !written.iter().any(|other| other.name == column.name) {
                let pair = (format!("c.{}", quote(&column.name)), format!("s.v{n}"));
                let column = self.column(table, &column.name);
                same.push(equal(&pair.0, &pair.1, column));
                pairs.push((self.comparable(&pair.0, column), self.comparable(&pair.1, column)));
            }
        }
        for (n, column) in written.iter().enumerate() {
            let pair = (format!("c.{}", quote(&column.name)), stage.link("s", n).1);
            let column = self.column(table, &column.name);
            same.push(self.identical(&pair.0, &pair.1, column));
            pairs.push((self.comparable(&pair.0, column), self.comparable(&pair.1, column)));
        }
        let (staged, own) = if keyed {
            (self.stage(stage), self.relation(table))
        } else {
            let (own, staged) = pairs.into_iter().unzip();
            same.push(format!("s.orgsweep_n {} c.orgsweep_n", self.dialect.operator("=")));
            (self.numbered("s", self.stage(stage), staged), self.numbered_rows(table, own))
        };
        let identity: Vec<String> = if keyed {
            self.identity_values(table, "c")
        } else {
            (0..self.identity_values(table, "c").len())
                .map(|n| format!("c.orgsweep_i{n}"))
                .collect()
        };
        let identity = identity.iter().enumerate().map(|(n, value)| format!("{value} AS i{n}"));
        let old = (0..written.len()).map(|n| format!("{} AS o{n}", stage.link("s", n).0));
        self.said_together(format!(
            "{} SELECT {} FROM {staged} s {} {own} c ON {}",
            self.create_as(&self.links(stage)),
            identity.chain(old).collect::<Vec<_>>().join(", "),
            self.dialect.ordered_join(),
            same.join(" AND "),
        ))
    }

    /// Rows with a number among those that are alike in `values`.
    fn numbered(&self, alias: &str, relation: String, values: Vec<String>) -> String {
        format!(
            "(SELECT {alias}.*, {}() OVER (PARTITION BY {}) AS orgsweep_n FROM {relation} {alias})",
            self.dialect.function("row_number"),
            values.join(", ")
        )
    }

    /// The same of a user's table, with what identifies each row for now.
    fn numbered_rows(&self, table: TableId, values: Vec<String>) -> String {
        let identity = self.identity_values(table, "c").into_iter().enumerate();
        let identity: Vec<String> =
            identity.map(|(n, value)| format!("{value} AS orgsweep_i{n}")).collect();
        let rows = format!("(SELECT c.*, {} FROM {} c)", identity.join(", "), self.relation(table));
        self.numbered("c", rows, values)
    }

    /// A value by which rows that are the same can be put together, whatever its type: not only
    /// equal, as 1 and 1.0 or two cases of a letter can be.
    fn comparable(&self, value: &str, column: &Column) -> String {
        match self.dialect {
            Dialect::Sqlite => self.dialect.archived(value, ""),
            Dialect::Postgres => {
                let text = self.dialect.output(value, column.value_type());
                format!("({text}) COLLATE pg_catalog.\"C\"")
            }
            Dialect::Mysql(_) => bytes(value),
        }
    }

    pub(super) fn links(&self, stage: Stage) -> String {
        format!("orgsweep_l{}", stage.part.section)
    }

    pub fn count_links(&self, stage: Stage) -> Statement {
        let links = self.mentioned(&self.links(stage));
        self.said(format!("SELECT {} FROM {links}", self.dialect.count()))
    }

    /// Rows that name again what they named. `None`: nothing finds them after their change.
    pub fn count_linked(&self, stage: Stage) -> Option<Statement> {
        let table = stage.part.table;
        let key = self.table(table).identifying_key()?;
        let written = &stage.section.written;
        if written.iter().any(|column| key.columns.contains(&column.name)) {
            return None;
        }
        let linked = written.iter().enumerate().map(|(n, column)| {
            let column = self.column(table, &column.name);
            self.identical(&format!("c.{}", quote(&column.name)), &format!("l.o{n}"), column)
        });
        Some(
            format!(
                "SELECT {} FROM {} l {} {} c ON {}",
                self.dialect.count(),
                self.mentioned(&self.links(stage)),
                self.dialect.ordered_join(),
                self.relation(table),
                iter::once(self.is_link(table)).chain(linked).collect::<Vec<_>>().join(" AND ")
            )
            .into(),
        )
    }

    /// Lets the rows name again what they named.
    pub fn relink(&self, stage: Stage) -> Statement {
        let table = stage.part.table;
        let set: Vec<(&str, String)> = stage
            .section
            .written
            .iter()
            .enumerate()
            .map(|(n, column)| (column.name.as_str(), format!("l.o{n}")))
            .collect();
        let links = self.mentioned(&self.links(stage));
        self.said(self.update(table, &set, &format!("{links} l"), &self.is_link(table)))
    }

    /// The row `c` is the one that was found as the link `l`.
    pub(super) fn is_link(&self, table: TableId) -> String {
        let identity = self.identity_values(table, "c").into_iter().enumerate();
        let same =
            identity.map(|(n, value)| self.identical_keys(table, n, &format!("l.i{n}"), &value));
        same.collect::<Vec<_>>().join(" AND ")
    }
}
