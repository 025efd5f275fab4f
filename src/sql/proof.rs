//! Questions that can disagree with the plan. Which foreign keys lead to the tables that lost rows is read from the
//! engine's catalog once more, and each is asked in the engine's own words; what the engine itself counted is
//! asked besides. Nothing here uses the comparisons by which the rows were found.

use super::Sql;
use super::closure::where_all;
use crate::catalog::{Reference, ReferenceId, TableId, TableName};
use crate::database::Row;
use crate::engine::mariadb::is_labelled;
use crate::engine::{Dialect, Statement, literal, quote};
use serde::Deserialize;

/// A foreign key as the engine has it by now.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// `None`: the plan does not know it.
    pub reference: Option<ReferenceId>,
    pub parent: TableId,
    /// Table and constraint, for people.
    pub name: String,
    /// The child, where the catalog has it.
    pub child: Option<TableId>,
    /// Its rows, as SQL.
    rows: String,
    /// The whole child can be asked, not only by the keys that went.
    pub small: bool,
    pairs: Vec<Pair>,
}

/// A column of the key, one of the child, and how the engine compares them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Pair {
    key: String,
    child: String,
    #[serde(default)]
    key_as: String,
    operator: String,
    #[serde(default)]
    child_as: String,
    /// What the values are taken as changes none of them: the operator is the same without it.
    #[serde(default)]
    relabeled: bool,
    /// SQLite: an index tells that the key is compared in another collation than the plan has for it.
    #[serde(default)]
    collated_otherwise: bool,
}

/// A whole child is asked up to so many bytes (PostgreSQL), or estimated rows (MariaDB).
const SMALL_BYTES: u64 = 8 << 20;
const SMALL_ROWS: u64 = 100_000;

/// The type of this column is the operator's, or is taken as it without a change: what a domain is over, what `pg_cast` calls
/// coercible as it is (`varchar` to `text`), any enum or array.
fn is_relabeled(column: &str, operand: &str) -> String {
    format!(
        "EXISTS (SELECT FROM pg_type t JOIN pg_type taken ON taken.oid = {operand} \
         CROSS JOIN LATERAL (SELECT CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END AS oid) base \
         WHERE t.oid = {column}.atttypid AND (base.oid = taken.oid OR taken.typtype = 'p' OR EXISTS (SELECT FROM pg_cast x \
         WHERE x.castsource = base.oid AND x.casttarget = taken.oid AND x.castmethod = 'b' AND x.castcontext = 'i')))"
    )
}

impl Sql<'_> {
    /// The foreign keys that lead to `tables` by now, to be read by [`Sql::constraints`].
    pub fn constraints_on(&self, tables: &[TableId]) -> Statement {
        match self.dialect {
            Dialect::Postgres => self.postgres_constraints(tables),
            Dialect::Sqlite => {
                let names =
                    tables.iter().map(|id| self.dialect.literal(&self.table(*id).name.name));
                // An index is what a key is found by, so it has the key's collation; a rowid has neither.
                format!(
                    "SELECT m.name, CAST(f.id AS TEXT), f.\"table\", f.\"from\", f.\"to\", \
                     (SELECT group_concat(DISTINCT lower(x.coll)) FROM pragma_index_list(f.\"table\", 'main') i, \
                     pragma_index_xinfo(i.name, 'main') x WHERE i.\"unique\" AND x.key AND x.name = coalesce(f.\"to\", \
                     (SELECT t.name FROM pragma_table_info(f.\"table\", 'main') t WHERE t.pk = f.seq + 1)) COLLATE NOCASE) \
                     FROM main.sqlite_schema m, pragma_foreign_key_list(m.name, 'main') f \
                     WHERE m.type = 'table' AND f.\"table\" COLLATE NOCASE IN ({}) ORDER BY 1, f.id, f.seq",
                    names.collect::<Vec<_>>().join(", ")
                )
                .into()
            }
            Dialect::Mysql(_) => self.mysql_constraints(tables),
        }
    }

    /// `conpfeqop` and the types that it takes: the words of PostgreSQL's own checks (`generate_operator_clause` in
    /// its ruleutils.c, `RI_FKey_cascade_del` in ri_triggers.c).
    fn postgres_constraints(&self, tables: &[TableId]) -> Statement {
        let oid = |name: &TableName| {
            format!("pg_catalog.to_regclass({})::oid", literal(&self.dialect.table(name)))
        };
        let gone = tables.iter().map(|id| format!("({}, {})", id.0, oid(&self.table(*id).name)));
        let known = self.catalog.reference_ids().filter_map(|id| {
            let reference = self.catalog.reference(id);
            let name = reference.name.as_ref().filter(|_| reference.is_constraint())?;
            let child = reference.partition.as_ref().unwrap_or(&self.table(reference.child).name);
            tables
                .contains(&reference.parent)
                .then(|| format!("({}, {}, {}::name)", id.0, oid(child), literal(name)))
        });
        let known: Vec<String> = known.collect();
        let known = if known.is_empty() {
            "SELECT 0, 0::oid, ''::name WHERE false".to_owned()
        } else {
            format!("VALUES {}", known.join(", "))
        };
        format!(
            "WITH gone(n, oid) AS (VALUES {gone}), known(id, oid, name) AS ({known}) \
             SELECT k.id::text, g.n::text, \
             CASE WHEN c.relkind <> 'p' THEN 'ONLY ' ELSE '' END || format('%I.%I', n.nspname, c.relname), \
             format('%s (%s)', r.conname, c.relname), \
             ((SELECT sum(pg_relation_size(t.relid)) FROM pg_partition_tree(c.oid) t) <= {SMALL_BYTES})::text, \
             (SELECT json_agg(json_build_object('key', b.attname, 'child', a.attname, \
             'key_as', CASE WHEN b.atttypid <> o.oprleft THEN (SELECT format('::%I.%I', s.nspname, t.typname) \
             FROM pg_type t JOIN pg_namespace s ON s.oid = t.typnamespace WHERE t.oid = o.oprleft) ELSE '' END \
             || CASE WHEN a.attcollation NOT IN (0, b.attcollation) AND bc.collisdeterministic \
             THEN (SELECT format(' COLLATE %I.%I', s.nspname, l.collname) FROM pg_collation l \
             JOIN pg_namespace s ON s.oid = l.collnamespace WHERE l.oid = a.attcollation) ELSE '' END, \
             'operator', (SELECT format('OPERATOR(%I.%s)', s.nspname, o.oprname) FROM pg_namespace s \
             WHERE s.oid = o.oprnamespace), \
             'child_as', CASE WHEN a.atttypid <> o.oprright THEN (SELECT format('::%I.%I', s.nspname, t.typname) \
             FROM pg_type t JOIN pg_namespace s ON s.oid = t.typnamespace WHERE t.oid = o.oprright) ELSE '' END \
             || CASE WHEN a.attcollation <> b.attcollation AND NOT bc.collisdeterministic \
             THEN (SELECT format(' COLLATE %I.%I', s.nspname, bc.collname) FROM pg_namespace s \
             WHERE s.oid = bc.collnamespace) ELSE '' END, \
             'relabeled', a.attcollation = b.attcollation AND {} AND {}) ORDER BY u.place) \
             FROM unnest(r.conkey, r.confkey, r.conpfeqop) WITH ORDINALITY u(child, parent, op, place) \
             JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = u.child \
             JOIN pg_attribute b ON b.attrelid = r.confrelid AND b.attnum = u.parent \
             JOIN pg_operator o ON o.oid = u.op LEFT JOIN pg_collation bc ON bc.oid = b.attcollation)::text \
             FROM pg_constraint r JOIN gone g ON g.oid = coalesce(pg_partition_root(r.confrelid), r.confrelid) \
             JOIN pg_class c ON c.oid = r.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN known k ON k.oid = r.conrelid AND k.name = r.conname \
             WHERE r.contype = 'f' AND r.conparentid = 0 ORDER BY c.relname, r.conname",
            is_relabeled("b", "o.oprleft"),
            is_relabeled("a", "o.oprright"),
            gone = gone.collect::<Vec<_>>().join(", "),
        )
        .into()
    }

    /// Of the databases that the catalog knows: any other would open every table on the server.
    fn mysql_constraints(&self, tables: &[TableId]) -> Statement {
        let schema = |name: &TableName| {
            name.schema.as_ref().map_or("database()".into(), |schema| self.dialect.literal(schema))
        };
        let schemas: std::collections::BTreeSet<String> =
            self.catalog.tables.iter().map(|table| schema(&table.name)).collect();
        let parents = tables.iter().map(|id| {
            let name = &self.table(*id).name;
            format!("({}, {})", schema(name), self.dialect.literal(&name.name))
        });
        format!(
            "SELECT nullif(TABLE_SCHEMA, database()), TABLE_NAME, CONSTRAINT_NAME, \
             nullif(REFERENCED_TABLE_SCHEMA, database()), REFERENCED_TABLE_NAME, COLUMN_NAME, REFERENCED_COLUMN_NAME \
             FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA IN ({}) \
             AND (REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME) IN ({}) \
             ORDER BY CAST(TABLE_SCHEMA AS BINARY), CAST(TABLE_NAME AS BINARY), CAST(CONSTRAINT_NAME AS BINARY), \
             ORDINAL_POSITION",
            schemas.into_iter().collect::<Vec<_>>().join(", "),
            parents.collect::<Vec<_>>().join(", ")
        )
        .into()
    }

    /// What [`Sql::constraints_on`] answered.
    ///
    /// # Errors
    /// The rows of one constraint that make no sense, as they came.
    pub fn constraints(&self, rows: &[Row]) -> Result<Vec<Constraint>, String> {
        let same = |a: &Row, b: &Row| match self.dialect {
            Dialect::Postgres => false,
            Dialect::Sqlite => (0..2).all(|n| a.text(n) == b.text(n)),
            Dialect::Mysql(_) => (0..3).all(|n| a.optional(n) == b.optional(n)),
        };
        let mut all = Vec::new();
        for rows in rows.chunk_by(same) {
            let constraint = match self.dialect {
                Dialect::Postgres => self.postgres_constraint(&rows[0]),
                Dialect::Sqlite => self.sqlite_constraint(rows, &all),
                Dialect::Mysql(_) => self.mysql_constraint(rows),
            };
            let said = rows[0].0.iter().map(|value| value.as_deref().unwrap_or("NULL"));
            all.push(constraint.ok_or_else(|| said.collect::<Vec<_>>().join(", "))?);
        }
        Ok(all)
    }

    fn postgres_constraint(&self, row: &Row) -> Option<Constraint> {
        let reference = match row.optional(0) {
            Some(id) => Some(ReferenceId(id.parse().ok()?)),
            None => None,
        };
        Some(Constraint {
            reference,
            parent: TableId(row.text(1).parse().ok()?),
            name: row.text(3).to_owned(),
            child: reference.map(|id| self.catalog.reference(id).child),
            rows: row.text(2).to_owned(),
            small: row.flag(4),
            pairs: serde_json::from_str(row.text(5)).ok()?,
        })
    }

    /// Its foreign keys have no names: one of `others` may be over the same columns, and is another one.
    fn sqlite_constraint(&self, rows: &[Row], others: &[Constraint]) -> Option<Constraint> {
        let find = |name: &str| {
            let is = |id: &TableId| self.table(*id).name.name.eq_ignore_ascii_case(name);
            self.catalog.table_ids().find(is)
        };
        let (child, parent) = (find(rows[0].text(0))?, find(rows[0].text(2))?);
        let columns = || rows.iter().map(|row| row.text(3));
        let is_it = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            let named = reference.columns.iter().map(String::as_str);
            reference.is_constraint()
                && (reference.child, reference.parent) == (child, parent)
                && named.eq(columns())
        };
        let pairs = self.plain_pairs(parent, rows);
        // Several may be over the same columns.
        let exactly = |id: &ReferenceId| {
            let keys = self.catalog.reference(*id).parent_columns.iter();
            is_it(id) && keys.eq(pairs.iter().map(|pair| &pair.key))
        };
        let another =
            |id: &ReferenceId| exactly(id) && !others.iter().any(|it| it.reference == Some(*id));
        let known = || self.catalog.reference_ids();
        let reference = known().find(another).or_else(|| known().find(exactly));
        let reference = reference.or_else(|| known().find(is_it));
        Some(Constraint {
            reference,
            parent,
            name: format!("{}.{}", rows[0].text(0), columns().collect::<Vec<_>>().join(",")),
            child: Some(child),
            rows: self.relation(child),
            small: true,
            pairs,
        })
    }

    /// The columns as SQLite names them; where it names none of the parent's, its primary key is meant.
    fn plain_pairs(&self, parent: TableId, rows: &[Row]) -> Vec<Pair> {
        let parent = self.table(parent);
        let pair = |(n, row): (usize, &Row)| {
            let named = |name: &str| {
                parent
                    .columns
                    .iter()
                    .find(|it| it.name.eq_ignore_ascii_case(name))
                    .map(|it| &it.name)
            };
            let key = match row.optional(4) {
                Some(name) => named(name)?,
                None => parent.primary_key()?.columns.get(n)?,
            };
            let (key, child) = (key.clone(), row.text(3).to_owned());
            let (key_as, child_as) = (String::new(), String::new());
            let collation = parent.column(&key).and_then(|it| it.collation.as_deref());
            let collation = collation.unwrap_or("BINARY").to_lowercase();
            let collated_otherwise = !parent.is_rowid(&key)
                && !row.optional(5).unwrap_or_default().split(',').any(|it| it == collation);
            let operator = "=".to_owned();
            let relabeled = false;
            Some(Pair { key, child, key_as, operator, child_as, relabeled, collated_otherwise })
        };
        rows.iter().enumerate().map(pair).collect::<Option<_>>().unwrap_or_default()
    }

    fn mysql_constraint(&self, rows: &[Row]) -> Option<Constraint> {
        let name = |row: &Row, n: usize| TableName {
            schema: row.optional(n).map(str::to_owned),
            name: row.text(n + 1).to_owned(),
            found_in: None,
        };
        let find =
            |name: &TableName| self.catalog.table_ids().find(|id| self.table(*id).name == *name);
        let (child, parent) = (name(&rows[0], 0), find(&name(&rows[0], 3))?);
        let known = find(&child);
        let constraint = rows[0].text(2);
        let is_it = |reference: &Reference| {
            reference.is_constraint()
                && Some(reference.child) == known
                && reference.name.as_deref() == Some(constraint)
        };
        let reference = self.catalog.reference_ids().find(|id| is_it(self.catalog.reference(*id)));
        let pair = |row: &Row| {
            let key = row.text(6).to_owned();
            // InnoDB compares the numbers of labels.
            let labelled = |table: TableId, name: &str| {
                self.table(table).column(name).is_some_and(|it| is_labelled(&it.type_name))
            };
            let label = labelled(parent, &key) || known.is_some_and(|id| labelled(id, row.text(5)));
            let taken_as = if label { " | 0" } else { "" }.to_owned();
            let child = row.text(5).to_owned();
            let (key_as, child_as, operator) = (taken_as.clone(), taken_as, "=".to_owned());
            let (relabeled, collated_otherwise) = (false, false);
            Pair { key, child, key_as, operator, child_as, relabeled, collated_otherwise }
        };
        let rows_of = |id: TableId| self.table(id).estimated_rows;
        Some(Constraint {
            reference,
            parent,
            name: format!("{constraint} ({child})"),
            rows: self.dialect.table(&child),
            child: known,
            small: known.and_then(rows_of).is_some_and(|rows| rows <= SMALL_ROWS),
            pairs: rows.iter().map(pair).collect(),
        })
    }
}

impl Sql<'_> {
    /// Number and count of the rows that name nobody by each of `constraints`: of all of the child.
    pub fn orphans_of(&self, constraints: &[(usize, &Constraint)]) -> Statement {
        let one = |(n, constraint): &(usize, &Constraint)| {
            let named =
                constraint.pairs.iter().map(|pair| format!("c.{} IS NOT NULL", quote(&pair.child)));
            format!(
                "SELECT {}, {} FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
                self.dialect.as_text(&n.to_string()),
                self.dialect.count(),
                constraint.rows,
                named.collect::<Vec<_>>().join(" AND "),
                self.relation(constraint.parent),
                constraint.compared(&|key| format!("p.{}", quote(key)), "c"),
            )
        };
        constraints.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ").into()
    }

    /// The same of the rows that name a key that went.
    pub fn named_still(&self, constraints: &[(usize, &Constraint)]) -> Vec<Statement> {
        let one = |(n, constraint): &(usize, &Constraint)| {
            let on = constraint.compared(&self.key_of(constraint), "c");
            format!(
                "SELECT {}, {} FROM {} c JOIN {} p ON {on}",
                self.dialect.as_text(&n.to_string()),
                self.dialect.count(),
                constraint.rows,
                self.key_relation(constraint.parent),
            )
        };
        self.together(constraints, one)
    }

    /// How many rows of the closure name, by none of `references`, a row of it. By the engine's comparison, where that is
    /// known; the plan's own otherwise.
    pub fn count_strangers(
        &self,
        table: TableId,
        references: &[ReferenceId],
        constraints: &[Constraint],
    ) -> Statement {
        let named = |id: &ReferenceId| {
            let mut asked = constraints.iter().filter(|it| !it.pairs.is_empty());
            let named = match asked.find(|it| it.reference == Some(*id)) {
                Some(constraint) => self.named_by_the_engine(constraint),
                None => {
                    let keys = self.key_relation(self.catalog.reference(*id).parent);
                    format!("{keys} p WHERE {}", self.names_key(*id, "p", "c"))
                }
            };
            format!("NOT EXISTS (SELECT 1 FROM {named})")
        };
        let named: Vec<String> = references.iter().map(named).collect();
        self.said(format!(
            "SELECT {} FROM {} k JOIN {} c ON {}{}",
            self.dialect.count(),
            self.key_relation(table),
            self.relation(table),
            self.same_row(table, "k", "c"),
            where_all(&named),
        ))
    }

    /// `FROM` for the row that goes and that `c` names. SQLite's check gives the child's value the affinity and the
    /// collation of the key's own column, which no key table of ours has to know.
    fn named_by_the_engine(&self, constraint: &Constraint) -> String {
        let (parent, keys) = (constraint.parent, self.key_relation(constraint.parent));
        match self.dialect {
            Dialect::Sqlite => format!(
                "{} q CROSS JOIN {keys} p WHERE {} AND {}",
                self.relation(parent),
                constraint.compared(&|key| format!("q.{}", quote(key)), "+c"),
                self.same_row(parent, "p", "q"),
            ),
            _ => format!("{keys} p WHERE {}", constraint.compared(&self.key_of(constraint), "c")),
        }
    }

    /// A column of the parent's key, in its key table.
    fn key_of(&self, constraint: &Constraint) -> impl Fn(&str) -> String {
        let parent = constraint.parent;
        move |key| format!("p.{}", self.key_column(parent, key))
    }

    /// The plan has the columns by which the engine's catalog tells what is named.
    pub fn knows_key(&self, constraint: &Constraint) -> bool {
        let holds = |pair: &Pair| self.holds_key_column(constraint.parent, &pair.key);
        constraint.pairs.iter().all(holds)
    }

    /// The plan finds what names a parent by `id` in the very words that the engine's catalog has for it. Both were
    /// put together apart from each other, so a wrong column, cast or operator shows. What only the policy declares
    /// has no other words.
    pub fn says_it_alike(&self, id: ReferenceId, constraints: &[Constraint]) -> bool {
        let reference = self.catalog.reference(id);
        let found = self.names_key(id, "p", "c");
        let alike = |it: &Constraint| {
            it.reference == Some(id)
                && it.parent == reference.parent
                && !it.pairs.iter().any(|pair| pair.collated_otherwise)
                && self.words(it).contains(&found)
        };
        !reference.is_constraint() || constraints.iter().any(alike)
    }

    /// How the engine compares the rows of a child with a key table, in all ways to say so.
    fn words(&self, constraint: &Constraint) -> Vec<String> {
        let key = self.key_of(constraint);
        let mut words = vec![constraint.compared(&key, "c")];
        match self.dialect {
            Dialect::Sqlite => words.push(constraint.compared(&key, "+c")),
            _ if constraint.pairs.iter().all(|pair| pair.relabeled) => {
                let bare = |pair: &Pair| Pair {
                    key_as: String::new(),
                    child_as: String::new(),
                    ..pair.clone()
                };
                let pairs = constraint.pairs.iter().map(bare).collect();
                words.push(Constraint { pairs, ..constraint.clone() }.compared(&key, "c"));
            }
            _ => {}
        }
        words
    }

    /// How many rows name one that goes and do not go themselves. `known`: the child has a key table.
    pub fn count_further(
        &self,
        constraint: &Constraint,
        id: ReferenceId,
        known: bool,
    ) -> Statement {
        let child = self.catalog.reference(id).child;
        let on = constraint.compared(&self.key_of(constraint), "c");
        let goes = known.then(|| format!("NOT {}", self.is_found(child, "")));
        let kept = self.plan.kept.contains_key(&child);
        let kept = kept.then(|| format!("NOT {}", self.is_in_stays(child, "")));
        self.said(format!(
            "SELECT {} FROM {} c JOIN {} p ON {on}{}",
            self.dialect.count(),
            constraint.rows,
            self.key_relation(constraint.parent),
            where_all(&goes.into_iter().chain(kept).collect::<Vec<_>>()),
        ))
    }

    /// Whether a table has no more than a million rows, so that SQLite can check all of it.
    pub fn is_checkable(&self, table: TableId) -> Statement {
        const MOST: u64 = 1_000_000;
        let (rows, limit) = (self.relation(table), MOST + 1);
        format!("SELECT CAST(count(*) <= {MOST} AS TEXT) FROM (SELECT 1 FROM {rows} LIMIT {limit})")
            .into()
    }

    /// What dangles in a table by SQLite's own check: number and parent of the foreign key, and a count.
    /// <https://sqlite.org/pragma.html#pragma_foreign_key_check>
    pub fn foreign_key_check(&self, table: TableId) -> Statement {
        format!(
            "SELECT CAST(fkid AS TEXT) || ' to ' || parent, CAST(count(*) AS TEXT) \
             FROM pragma_foreign_key_check({}, 'main') GROUP BY 1",
            literal(&self.table(table).name.name)
        )
        .into()
    }
}

impl Constraint {
    fn compared(&self, key: &dyn Fn(&str) -> String, row: &str) -> String {
        let compared = self.pairs.iter().map(|pair| {
            let Pair { key: name, child, key_as, operator, child_as, .. } = pair;
            format!("{}{key_as} {operator} {row}.{}{child_as}", key(name), quote(child))
        });
        compared.collect::<Vec<_>>().join(" AND ")
    }
}

/// What the engine counted.
impl Sql<'_> {
    /// Per table with any: its oid, our number of it, its name; rows deleted, inserted and updated in this transaction;
    /// whether it is partitioned, then it is counted as a whole; whether this transaction has truncated or altered
    /// it, and whether it keeps everybody else out of it (PostgreSQL). A transaction that was rolled back just before still counts
    /// until its numbers are sent: a reading after BEGIN has to be taken off. Rows that a cascade removes count,
    /// and those that go while checks are off; so do those of a sub-transaction that was rolled back. TRUNCATE
    /// counts none, and forgets those before it: it leaves its lock, and the table's description written by us.
    /// Measured on PostgreSQL 15; pgstat_relation.c, `AtEOSubXact_PgStat_Relations` and `pgstat_count_truncate`.
    pub fn counted_rows(&self, tables: &[TableId]) -> Statement {
        let known = tables.iter().map(|id| {
            let name = literal(&self.dialect.table(&self.table(*id).name));
            format!("({}, pg_catalog.to_regclass({name})::oid)", id.0)
        });
        let known: Vec<String> = known.collect();
        let known = if known.is_empty() {
            "SELECT 0, 0::oid WHERE false".to_owned()
        } else {
            format!("VALUES {}", known.join(", "))
        };
        format!(
            "WITH known(n, oid) AS ({known}), \
             held AS (SELECT relation FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' \
             AND mode = 'AccessExclusiveLock' AND granted), \
             counted AS (SELECT coalesce(pg_partition_root(oid), oid) AS root, \
             pg_stat_get_xact_tuples_deleted(oid) AS gone, pg_stat_get_xact_tuples_inserted(oid) AS made, \
             pg_stat_get_xact_tuples_updated(oid) AS changed, oid IN (SELECT relation FROM held) AS locked, \
             age(xmin) <= 0 AS described \
             FROM pg_class WHERE relkind = 'r' AND relpersistence <> 't' AND relnamespace <> 'pg_catalog'::regnamespace) \
             SELECT root::int8::text, min(k.n)::text, min(CASE WHEN n.nspname = ANY (current_setting('orgsweep.schemas')::name[]) THEN c.relname::text \
             ELSE format('%s.%s', n.nspname, c.relname) END), sum(gone)::text, sum(made)::text, sum(changed)::text, \
             bool_or(c.relkind = 'p')::text, bool_or(locked AND described)::text, bool_or(locked)::text \
             FROM counted JOIN pg_class c ON c.oid = root JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN known k ON k.oid = root \
             WHERE gone > 0 OR made > 0 OR changed > 0 OR (locked AND described) GROUP BY root"
        )
        .into()
    }

    /// All rows of a table, as this session sees them.
    pub fn count_rows(&self, table: TableId) -> Statement {
        let count = self.dialect.count();
        format!("SELECT {count} FROM {} c", self.relation(table)).into()
    }
}
