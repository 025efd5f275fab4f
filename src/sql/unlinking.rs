//! Surviving rows whose reference is set to null, to its default or to another key.

use super::closure::where_all;
use super::{Dialect, Sql, Statement, literal, quote};
use crate::catalog::{Check, Key, ReferenceId};
use crate::plan::{Unlink, UnlinkValue};

impl Sql<'_> {
    /// The surviving rows `c` that an unlink changes. `known`: the child has a key table.
    fn unlinked(&self, unlink: &Unlink, known: bool) -> String {
        let child = self.catalog.reference(unlink.reference).child;
        let mut conditions = Vec::new();
        if known {
            conditions.push(format!(
                "NOT EXISTS (SELECT 1 FROM {} k WHERE {})",
                self.key_relation(child),
                self.same_row(child, "k", "c")
            ));
        }
        if unlink.foreign_only {
            conditions.push(format!(
                "EXISTS (SELECT 1 FROM {} x WHERE {})",
                self.excluded(unlink.reference),
                self.same_row(child, "x", "c")
            ));
        }
        self.children(unlink.reference) + &where_all(&conditions)
    }

    /// How many rows each of `unlinks` (with its position and `known`) changes.
    pub fn count_unlinked(&self, unlinks: &[(usize, &Unlink, bool)]) -> Statement {
        let one = |(position, unlink, known): &(usize, &Unlink, bool)| {
            let (position, count) =
                (self.dialect.as_text(&position.to_string()), self.dialect.as_text("count(*)"));
            format!("SELECT {position}, {count} FROM {}", self.unlinked(unlink, *known))
        };
        unlinks.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ").into()
    }

    /// Keeps the rows of an unlink in a table of their own: locked, numbered for the firewall.
    pub fn keep_unlinked(
        &self,
        position: usize,
        unlink: &Unlink,
        known: bool,
        lock: bool,
    ) -> Statement {
        let child = self.catalog.reference(unlink.reference).child;
        let identity = self.identity_values(child, "c").into_iter().enumerate();
        let identity: Vec<String> = identity.map(|(n, value)| format!("{value} AS c{n}")).collect();
        let create = self.create_as(&format!("orgsweep_u{position}"));
        format!(
            "{create} SELECT row_number() OVER () AS n, s.* FROM (SELECT {} FROM {}{}) s",
            identity.join(", "),
            self.unlinked(unlink, known),
            self.dialect.for_update("c", lock),
        )
        .into()
    }

    pub fn count_kept(&self, position: usize) -> Statement {
        format!("SELECT {} FROM {}", self.dialect.as_text("count(*)"), self.kept(position)).into()
    }

    pub fn drop_kept(&self, position: usize) -> String {
        format!("DROP TABLE {}", self.kept(position))
    }

    pub(super) fn kept(&self, position: usize) -> String {
        self.dialect.temporary(&format!("orgsweep_u{position}"))
    }

    /// Writes the unlink. Only the reference's own columns change (no `ON UPDATE` column moves).
    pub fn unlink(&self, position: usize, unlink: &Unlink, known: bool) -> Statement {
        let reference = self.catalog.reference(unlink.reference);
        let mut statement =
            Statement::from(format!("UPDATE {} AS c SET ", self.child_relation(unlink.reference)));
        for (n, column) in unlink.columns.iter().enumerate() {
            let comma = if n > 0 { ", " } else { "" };
            statement.push(&format!("{comma}{} = {}", quote(column), self.written(unlink, column)));
        }
        match self.dialect {
            Dialect::Sqlite => {
                let kept = self.kept(position);
                let same = self.same_row(reference.child, "u", "c");
                statement.push(&format!(" FROM {kept} u WHERE {same}"));
            }
            // By the reference again: an earlier unlink may have moved a row that has no key.
            Dialect::Postgres => {
                let mut conditions = vec![self.names_key(unlink.reference, "p", "c")];
                if known {
                    conditions.push(format!(
                        "NOT EXISTS (SELECT 1 FROM {} k WHERE {})",
                        self.key_relation(reference.child),
                        self.same_row(reference.child, "k", "c")
                    ));
                }
                if unlink.foreign_only {
                    conditions.push(format!(
                        "EXISTS (SELECT 1 FROM {} x WHERE {})",
                        self.excluded(unlink.reference),
                        self.same_row(reference.child, "x", "c")
                    ));
                }
                statement.push(&format!(
                    " FROM {} p{}",
                    self.key_relation(reference.parent),
                    where_all(&conditions)
                ));
            }
        }
        statement
    }

    fn written(&self, unlink: &Unlink, column: &str) -> String {
        match (&unlink.value, self.dialect) {
            (UnlinkValue::Default, Dialect::Postgres) => "DEFAULT".to_owned(),
            _ => self.new_value(unlink, column),
        }
    }

    /// The value that a column has after the unlink, as an expression.
    fn new_value(&self, unlink: &Unlink, column: &str) -> String {
        let column = self.column(self.catalog.reference(unlink.reference).child, column);
        let typed = |value: &str| match self.dialect {
            Dialect::Sqlite => format!("({value})"),
            Dialect::Postgres => format!("({value})::{}", column.type_name),
        };
        match &unlink.value {
            UnlinkValue::Null => typed("NULL"),
            UnlinkValue::Default => typed(column.default.as_deref().unwrap_or("NULL")),
            UnlinkValue::Key(key) => typed(&literal(key)),
        }
    }

    /// The rows of an unlink as they will be, under their own column names.
    fn unlinked_rows(&self, position: usize, unlink: &Unlink) -> String {
        let child = self.catalog.reference(unlink.reference).child;
        let value = |name: &str| match unlink.columns.iter().any(|column| column == name) {
            true => format!("{} AS {}", self.new_value(unlink, name), quote(name)),
            false => format!("c.{}", quote(name)),
        };
        let columns: Vec<String> =
            self.table(child).columns.iter().map(|column| value(&column.name)).collect();
        format!(
            "SELECT {} FROM {} u JOIN {} c ON {}",
            columns.join(", "),
            self.kept(position),
            self.relation(child),
            self.same_row(child, "u", "c")
        )
    }

    /// Rows that would break a CHECK constraint. Its expression may name the table.
    pub fn breaks_check(&self, position: usize, unlink: &Unlink, check: &Check) -> Statement {
        let child = self.catalog.reference(unlink.reference).child;
        format!(
            "SELECT {} FROM ({}) AS {} WHERE NOT ({})",
            self.dialect.as_text("count(*)"),
            self.unlinked_rows(position, unlink),
            quote(&self.table(child).name.name),
            check.expression
        )
        .into()
    }

    /// Rows that would leave the MATCH FULL reference `id` partly null.
    pub fn breaks_match_full(
        &self,
        position: usize,
        unlink: &Unlink,
        id: ReferenceId,
    ) -> Statement {
        let columns = &self.catalog.reference(id).columns;
        let test = |test: &str, join: &str| {
            columns.iter().map(|c| format!("a.{} {test}", quote(c))).collect::<Vec<_>>().join(join)
        };
        format!(
            "SELECT {} FROM ({}) a WHERE ({}) AND ({})",
            self.dialect.as_text("count(*)"),
            self.unlinked_rows(position, unlink),
            test("IS NULL", " OR "),
            test("IS NOT NULL", " OR "),
        )
        .into()
    }

    /// Values of a unique key that would occur more than once among the surviving rows.
    pub fn breaks_unique(
        &self,
        position: usize,
        unlink: &Unlink,
        key: &Key,
        known: bool,
    ) -> Statement {
        let child = self.catalog.reference(unlink.reference).child;
        let columns: Vec<String> = key.columns.iter().map(|column| quote(column)).collect();
        let columns = columns.join(", ");
        let absent = |relation: String| {
            format!(
                "NOT EXISTS (SELECT 1 FROM {relation} k WHERE {})",
                self.same_row(child, "k", "c")
            )
        };
        let mut others = vec![absent(self.kept(position))];
        if known {
            others.push(absent(self.key_relation(child)));
        }
        let not_null = match key.nulls_not_distinct {
            true => String::new(),
            false => {
                key.columns.iter().map(|c| format!(" AND d.{} IS NOT NULL", quote(c))).collect()
            }
        };
        format!(
            "SELECT {} FROM (SELECT {columns}, max(changed) AS changed FROM (\
             SELECT {columns}, 1 AS changed FROM ({}) a UNION ALL SELECT {columns}, 0 FROM {} c WHERE {}) b \
             GROUP BY {columns} HAVING count(*) > 1) d WHERE d.changed = 1{not_null}",
            self.dialect.as_text("count(*)"),
            self.unlinked_rows(position, unlink),
            self.relation(child),
            others.join(" AND "),
        )
        .into()
    }

    /// Rows whose new value names a parent that is missing or goes too. `known`: the parent has a
    /// key table.
    pub fn names_nobody(&self, position: usize, unlink: &Unlink, known: bool) -> Statement {
        let reference = self.catalog.reference(unlink.reference);
        let survives = match known {
            true => format!(
                " AND NOT EXISTS (SELECT 1 FROM {} k WHERE {})",
                self.key_relation(reference.parent),
                self.same_row(reference.parent, "k", "r")
            ),
            false => String::new(),
        };
        let named: Vec<String> =
            reference.columns.iter().map(|c| format!("a.{} IS NOT NULL", quote(c))).collect();
        format!(
            "SELECT {} FROM ({}) a WHERE {} AND NOT EXISTS (SELECT 1 FROM {} r WHERE {}{survives})",
            self.dialect.as_text("count(*)"),
            self.unlinked_rows(position, unlink),
            named.join(" AND "),
            self.relation(reference.parent),
            self.names_row(unlink.reference, "r", "a"),
        )
        .into()
    }
}
