//! When a child row names a parent row: the comparison that the foreign key itself makes.

use super::Sql;
use super::affinities::compares_plainly;
use super::closure::where_all;
use crate::catalog::{Affinity, Column, Discriminant, Reference, ReferenceId, TableId, Unlike};
use crate::engine::mariadb::Likeness;
use crate::engine::{Dialect, quote};

impl Sql<'_> {
    /// The child row names the parent row in the key table, by the foreign key's own comparison:
    /// the parent's value on the left, so that its collation counts (SQLite) and the operator's
    /// types fit (PostgreSQL's `conpfeqop`).
    pub(super) fn names_key(&self, id: ReferenceId, parent: &str, child: &str) -> String {
        self.names(id, &self.in_keys(self.parent(id), parent), &in_table(child))
    }

    /// The same of two rows in their tables.
    pub(super) fn names_row(&self, id: ReferenceId, parent: &str, child: &str) -> String {
        self.names(id, &in_table(parent), &in_table(child))
    }

    /// The same where the child's columns are in its own key table.
    pub(super) fn key_names_key(&self, id: ReferenceId, parent: &str, child: &str) -> String {
        let own = self.catalog.reference(id).child;
        self.names(id, &self.in_keys(self.parent(id), parent), &self.in_keys(own, child))
    }

    /// The child, in its own key table, names the parent row in its table.
    pub(super) fn key_names_row(&self, id: ReferenceId, parent: &str, child: &str) -> String {
        let own = self.catalog.reference(id).child;
        self.names(id, &in_table(parent), &self.in_keys(own, child))
    }

    fn parent(&self, id: ReferenceId) -> TableId {
        self.catalog.reference(id).parent
    }

    /// A column of `table` in its key table `alias`.
    fn in_keys(&self, table: TableId, alias: &str) -> impl Fn(&str) -> String {
        move |column| format!("{alias}.{}", self.key_column(table, column))
    }

    fn names(
        &self,
        id: ReferenceId,
        parent: &dyn Fn(&str) -> String,
        child: &dyn Fn(&str) -> String,
    ) -> String {
        let reference = self.catalog.reference(id);
        let pairs = reference.parent_columns.iter().zip(&reference.columns).enumerate();
        let equal = pairs.map(|(n, (key, column))| self.equal(id, n, parent(key), child(column)));
        equal.chain(self.discriminated(id, child)).collect::<Vec<_>>().join(" AND ")
    }

    pub(super) fn equal(&self, id: ReferenceId, n: usize, parent: String, child: String) -> String {
        let reference = self.catalog.reference(id);
        if reference.declaration.as_text {
            return self.equal_as_text(id, n, &parent, &child);
        }
        if let Some(likeness) = self.likeness(id, n) {
            return likeness.equal(&parent, &child);
        }
        let comparison = &reference.comparisons[n];
        if let Some(child) = self.in_the_keys_collation(id, n, &child) {
            return format!("{parent} {} {child}", self.dialect.operator("="));
        }
        let child = match self.conversion(id, n) {
            Some(convert) => convert.replace("{}", &child),
            None => child,
        };
        let taken_as = |cast: &Option<String>| cast.clone().unwrap_or_default();
        format!(
            "{parent}{} {} {child}{}",
            taken_as(&comparison.key),
            comparison.operator.clone().unwrap_or_else(|| self.dialect.operator("=")),
            taken_as(&comparison.child),
        )
    }

    /// What is declared to name a key by a text of another collation than its: by the key's own no two keys are equal.
    pub(super) fn in_the_keys_collation(
        &self,
        id: ReferenceId,
        n: usize,
        child: &str,
    ) -> Option<String> {
        let reference = self.catalog.reference(id);
        let own = self.column(reference.child, &reference.columns[n]);
        let key = self.column(reference.parent, &reference.parent_columns[n]);
        let are_texts = own.textual && key.textual;
        (are_texts && !reference.is_constraint())
            .then(|| self.dialect.collated(child, own, key))
            .flatten()
    }

    /// How InnoDB compares the columns `n` of one of its foreign keys.
    fn likeness(&self, id: ReferenceId, n: usize) -> Option<Likeness> {
        let reference = self.catalog.reference(id);
        let stored = self.dialect.is_mysql() && reference.is_constraint();
        stored.then(|| {
            let parent = self.column(reference.parent, &reference.parent_columns[n]);
            Likeness::of(parent, self.column(reference.child, &reference.columns[n]))
        })
    }

    /// Why no SQL tells which rows name which by this reference.
    pub fn unlike(&self, id: ReferenceId) -> Option<String> {
        let reference = self.catalog.reference(id);
        let declared = |table, name: &str| {
            let column = self.column(table, name);
            let collation = column.collation.as_ref();
            let collation = collation.map(|name| format!(" COLLATE {name}")).unwrap_or_default();
            format!("{} {}{collation}", column.name, column.type_name)
        };
        let why = |n: usize| {
            let child = declared(reference.child, &reference.columns[n]);
            let key = declared(reference.parent, &reference.parent_columns[n]);
            let unlike = reference.comparisons.get(n).and_then(|comparison| comparison.unlike);
            match unlike {
                Some(Unlike::Collation) => Some(format!(
                    "PostgreSQL cannot tell by which collation to compare {key} with {child}, so its own DELETE fails"
                )),
                Some(Unlike::Order) => Some(format!(
                    "{key} and {child} are equal by = and not by their order, or the other way round"
                )),
                Some(Unlike::Form) => {
                    Some(format!("nothing tells which value of {child} stands for which of {key}"))
                }
                None if self.likeness(id, n) == Some(Likeness::Unlike) => Some(format!(
                    "InnoDB compares the bytes that it stores of {child} with those of {key}, which no SQL does"
                )),
                None => None,
            }
        };
        (0..reference.columns.len()).find_map(why)
    }

    /// An index over the child's columns finds what a parent is named by.
    pub(super) fn is_looked_up(&self, id: ReferenceId) -> bool {
        let plain =
            |n| self.conversion(id, n).is_none() && self.likeness(id, n) != Some(Likeness::Numbers);
        (0..self.catalog.reference(id).columns.len()).all(plain)
    }

    /// SQLite finds the parent by its own index only when the child's value is made to fit; the text
    /// decides ('007' is not 7).
    fn equal_as_text(&self, id: ReferenceId, n: usize, parent: &str, child: &str) -> String {
        let reference = self.catalog.reference(id);
        let key = self.column(reference.parent, &reference.parent_columns[n]);
        let own = self.column(reference.child, &reference.columns[n]);
        let are_uuids = self.holds_a_uuid(key, own);
        let text = |value, column: &Column| match are_uuids {
            true => self.plain_uuid(&self.dialect.output(value, &column.type_name)),
            false => self.dialect.exact_text(value, &column.type_name),
        };
        let (parent_text, child_text) = (text(parent, key), text(child, own));
        let equal = format!("{parent_text} {} {child_text}", self.dialect.operator("="));
        match (self.dialect, key.affinity) {
            (Dialect::Sqlite, Affinity::Integer) => {
                format!("{parent} = CAST({child} AS INTEGER) AND {equal}")
            }
            _ => equal,
        }
    }

    /// One is a UUID and the other a text of it.
    pub(super) fn holds_a_uuid(&self, one: &Column, other: &Column) -> bool {
        let is_uuid = |column: &Column| column.value_type().eq_ignore_ascii_case("uuid");
        is_uuid(one) != is_uuid(other)
    }

    /// The digits of a UUID's text, which may be written in capitals, in braces, and without hyphens.
    pub(super) fn plain_uuid(&self, text: &str) -> String {
        let lower = format!("{}({text})", self.dialect.function("lower"));
        let digits = ["-", "{", "}"].iter().fold(lower, |text, mark| {
            let (replace, mark) = (self.dialect.function("replace"), self.dialect.literal(mark));
            format!("{replace}({text}, {mark}, {})", self.dialect.literal(""))
        });
        self.dialect.exact_text(&digits, "text")
    }

    /// The condition under which a child row names anybody by a polymorphic reference.
    pub(super) fn discriminated(
        &self,
        id: ReferenceId,
        child: &dyn Fn(&str) -> String,
    ) -> Option<String> {
        let discriminator = self.catalog.reference(id).declaration.discriminator.as_ref()?;
        let column = child(&discriminator.column);
        let declared = self.column(self.catalog.reference(id).child, &discriminator.column);
        let equals = self.equality(declared);
        let (column, values) = match &discriminator.value {
            // IN would look for its operator by the search path.
            Discriminant::Literal(texts) if self.dialect == Dialect::Postgres => {
                let is =
                    |text: &String| format!("{column} {equals} {}", self.dialect.literal(text));
                return Some(format!(
                    "({})",
                    texts.iter().map(is).collect::<Vec<_>>().join(" OR ")
                ));
            }
            Discriminant::Called(nouns) => return Some(self.is_called(&column, declared, nouns)),
            Discriminant::Literal(texts) => {
                let values =
                    texts.iter().map(|text| self.dialect.as_it_is(self.dialect.literal(text)));
                (self.dialect.as_it_is(column), values.collect::<Vec<_>>().join(", "))
            }
            Discriminant::Lookup { table, key, conditions } => {
                let condition = |(name, value): &(String, String)| {
                    let (name, value) = (quote(name), self.dialect.literal(value));
                    format!("t.{name} {} {value}", self.dialect.operator("="))
                };
                let named = format!(
                    "SELECT t.{} FROM {} t WHERE {}",
                    quote(key),
                    self.relation(*table),
                    conditions.iter().map(condition).collect::<Vec<_>>().join(" AND ")
                );
                (column, named)
            }
        };
        Some(match self.dialect {
            Dialect::Postgres => format!("{column} {equals} ANY ({values})"),
            Dialect::Sqlite | Dialect::Mysql(_) => format!("{column} IN ({values})"),
        })
    }

    /// SQLite's check applies the parent column's affinity to the child's value (see `affinities`), as its `=`
    /// does with a value that has none; with two columns it would weigh both.
    fn conversion(&self, id: ReferenceId, n: usize) -> Option<&'static str> {
        let mixed = self.dialect == Dialect::Sqlite && !compares_plainly(self.catalog, id, n);
        mixed.then_some("+{}")
    }

    /// `FROM` for the rows that name a parent in its key table: SQLite's and MariaDB's planners have no
    /// statistics of temporary tables, so the join order is ours: over the child's index where it has one.
    pub(super) fn children(&self, id: ReferenceId) -> String {
        self.children_of(id, &self.key_relation(self.parent(id)))
    }

    /// The same of parents found after generation `since`, each child once, and conditions.
    pub(super) fn children_once(&self, id: ReferenceId, since: u32) -> (String, Vec<String>) {
        let newer = |gen_of: &str| (since > 0).then(|| format!("{gen_of} > {since}"));
        if self.catalog.names_one(id) {
            let which = newer("gen").map(|newer| where_all(&[newer])).unwrap_or_default();
            let parents = self.mentioned_where(&self.key_table(self.parent(id)).name, &which);
            (self.children_of(id, &parents), newer("p.gen").into_iter().collect())
        } else {
            (self.children_of(id, &self.named_values(id, newer("gen"))), Vec::new())
        }
    }

    /// A relation of what the rows in the parent's key table are named by: each value once.
    pub(super) fn named_once(&self, id: ReferenceId) -> String {
        if self.catalog.names_one(id) {
            self.key_relation(self.parent(id))
        } else {
            self.named_values(id, None)
        }
    }

    fn named_values(&self, id: ReferenceId, condition: Option<String>) -> String {
        let (parent, reference) = (self.parent(id), self.catalog.reference(id));
        let named = reference.parent_columns.iter();
        let named: Vec<String> = named.map(|name| self.key_column(parent, name)).collect();
        // Texts that the child's collation takes for equal are one value.
        let taken = named.iter().zip(&reference.comparisons).map(|(column, comparison)| {
            format!("{column}{}", comparison.key.as_deref().unwrap_or_default())
        });
        let distinct = if reference.is_in_another_collation() {
            format!("DISTINCT ON ({})", taken.collect::<Vec<_>>().join(", "))
        } else {
            "DISTINCT".to_owned()
        };
        let condition = condition.into_iter().collect::<Vec<_>>();
        let (keys, which) = (self.key_relation(parent), where_all(&condition));
        if reference.names_a_period() {
            return self.periods(reference, &named, &format!("{keys}{which}"));
        }
        format!("(SELECT {distinct} {} FROM {keys}{which})", named.join(", "))
    }

    /// All periods of a key are one value, which what overlaps several of them overlaps once.
    fn periods(&self, reference: &Reference, named: &[String], keys: &str) -> String {
        let comparisons = named.iter().zip(&reference.comparisons);
        let taken: Vec<String> = comparisons
            .clone()
            .map(|(column, comparison)| {
                if comparison.overlaps {
                    format!("{}({column}) AS {column}", self.dialect.function("range_agg"))
                } else {
                    column.clone()
                }
            })
            .collect();
        let by: Vec<&str> = comparisons
            .filter(|(_, comparison)| !comparison.overlaps)
            .map(|(column, _)| column.as_str())
            .collect();
        format!("(SELECT {} FROM {keys} GROUP BY {})", taken.join(", "), by.join(", "))
    }

    pub(super) fn children_of(&self, id: ReferenceId, parent: &str) -> String {
        let reference = self.catalog.reference(id);
        let child = self.child_relation(id);
        let on = self.names_key(id, "p", "c");
        let plain = self.is_looked_up(id);
        match self.dialect {
            Dialect::Postgres => format!("{child} c JOIN {parent} p ON {on}"),
            Dialect::Sqlite | Dialect::Mysql(_) => {
                let join = self.dialect.ordered_join();
                if reference.index.is_some() && plain {
                    format!("{parent} p {join} {child} c ON {on}")
                } else {
                    format!("{child} c {join} {parent} p ON {on}")
                }
            }
        }
    }

    /// The child's columns, in its key table, name somebody: none of them is null.
    pub(super) fn names_somebody(&self, id: ReferenceId, child_key: &str) -> String {
        let own = self.in_keys(self.catalog.reference(id).child, child_key);
        self.somebody(id, &own)
    }

    /// The same of a row in its table.
    pub(super) fn row_names_somebody(&self, id: ReferenceId, child: &str) -> String {
        self.somebody(id, &in_table(child))
    }

    /// The child, in its own key table, is owned by what it names by the owning reference `id`.
    pub(super) fn key_is_owned_by(&self, id: ReferenceId, child_key: &str) -> String {
        let own = self.in_keys(self.catalog.reference(id).child, child_key);
        self.owned_by(id, &own)
    }

    /// The same of a row in its table.
    pub(super) fn row_is_owned_by(&self, id: ReferenceId, child: &str) -> String {
        self.owned_by(id, &in_table(child))
    }

    fn owned_by(&self, id: ReferenceId, child: &dyn Fn(&str) -> String) -> String {
        let stronger = self.plan.ownership.yields_to(id).iter();
        let without = stronger.map(|other| format!(" AND NOT ({})", self.somebody(*other, child)));
        self.somebody(id, child) + &without.collect::<String>()
    }

    fn somebody(&self, id: ReferenceId, child: &dyn Fn(&str) -> String) -> String {
        // The type's column, too: a null type names nobody, and the question has an answer.
        let columns = self.catalog.reference(id).naming_columns();
        let named = columns.map(|name| format!("{} IS NOT NULL", child(name)));
        named.chain(self.discriminated(id, child)).collect::<Vec<_>>().join(" AND ")
    }
}

/// A column of a user's table under its alias.
fn in_table(alias: &str) -> impl Fn(&str) -> String {
    move |column| format!("{alias}.{}", quote(column))
}
