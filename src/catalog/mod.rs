//! What a database says about itself: tables, keys, references. Pure data; `introspect` fills it.

mod constraint;
#[cfg(test)]
pub mod fixture;
mod names;
mod pseudonyms;
mod trigger;

pub use constraint::{Check, ExcludedPart, Exclusion, Key, KeyComparison};
pub use names::Misnomer;
pub(crate) use pseudonyms::Pseudonyms;
pub use trigger::{Event, Fires, Trigger};

use serde::Deserialize;
use std::fmt;

/// The whole schema as orgsweep needs it. Tables and references are addressed by their position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    pub tables: Vec<Table>,
    pub references: Vec<Reference>,
    /// Columns that say whose a row is without a foreign key: as references to the root that nobody follows. They
    /// are addressed after [`Catalog::references`].
    pub scopes: Vec<Reference>,
    /// SQLite's foreign keys that are no [`Reference`].
    pub mismatches: Vec<Mismatch>,
    /// SQLite: tables of which a foreign key names no table or no key. With foreign keys on it takes no row of them.
    pub unsound: Vec<TableId>,
    /// MariaDB: further references to these tables may come from tables that this user may not see.
    pub may_be_hidden: bool,
    /// MariaDB, MySQL: of the current database, tables or columns may not be listed here, since this user holds nothing on
    /// them.
    pub may_be_unlisted: bool,
    /// MariaDB: what in the current database, views too, is named as our temporary tables are, which would hide it.
    pub own_names: Vec<String>,
    /// The schema in which a table without one is found, where the tables do not tell: SQLite's `main`, MariaDB's
    /// current database.
    pub default_schema: Option<String>,
    /// Changes whenever a reference, table, column or trigger is added, dropped or altered.
    pub fingerprint: String,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, Deserialize,
)]
pub struct TableId(pub usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct ReferenceId(pub usize);

/// A relation's name. Displayed the way people write it: the schema only where it is not the
/// default one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct TableName {
    /// `None` where the table is found without a schema (SQLite's `main`, PostgreSQL's search path,
    /// MariaDB's current database).
    pub schema: Option<String>,
    pub name: String,
    /// PostgreSQL: the schema in which the search path finds a table without one. People do not write it,
    /// our statements do: under another path, or with another table before it, the name means another.
    #[serde(default)]
    pub found_in: Option<String>,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

impl TableName {
    /// The schema that a statement names.
    pub fn qualifier(&self) -> Option<&str> {
        self.schema.as_deref().or(self.found_in.as_deref())
    }

    /// What one row is called, by the whole name and by its last word: `user_session` and `session`
    /// for `user_sessions`, `crm_deal` and `deal` for `crm_deal`.
    pub fn nouns(&self) -> [String; 2] {
        let name = self.name.to_ascii_lowercase();
        let last = name.rsplit('_').next().unwrap_or(&name);
        [singular(&name), singular(last)]
    }
}

fn singular(noun: &str) -> String {
    match noun.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => noun.strip_suffix('s').unwrap_or(noun).to_owned(),
    }
}

/// One table; a partitioned table stands for all of its partitions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Table {
    pub name: TableName,
    pub kind: TableKind,
    #[serde(default)]
    pub columns: Vec<Column>,
    /// Unique keys over plain columns that hold for every row and are checked at once; the primary
    /// key first.
    #[serde(default)]
    pub keys: Vec<Key>,
    /// What keeps rows apart besides.
    #[serde(default)]
    pub exclusions: Vec<Exclusion>,
    /// CHECK constraints, those of columns' domains too, as SQL over the table's own column names.
    #[serde(default)]
    pub checks: Vec<Check>,
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Row-level security would hide rows from this session.
    pub row_security: bool,
    pub privileges: Privileges,
    /// PostgreSQL: this role holds USAGE on the schema, without which privileges on the table are worth nothing.
    pub usable: bool,
    /// PostgreSQL: statements that fail because they are published and nothing identifies the rows.
    #[serde(default)]
    pub unidentified: Unidentified,
    /// PostgreSQL: the columns that decide about a row's partition.
    #[serde(default)]
    pub partitioned_by: Vec<String>,
    /// The planner's estimate, where there is one.
    pub estimated_rows: Option<u64>,
    /// MariaDB: the storage engine, where a ROLLBACK does not bring its rows back.
    #[serde(default)]
    pub lasting_engine: Option<String>,
    /// MariaDB: system-versioned, so that rows that go can still be read.
    #[serde(default)]
    pub keeps_history: bool,
    /// SQLite, where the table is not WITHOUT ROWID.
    #[serde(skip)]
    pub rowid: Option<RowId>,
}

/// The number that SQLite addresses a row by (<https://sqlite.org/lang_createtable.html#rowid>).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowId {
    /// The column that is this number: INTEGER PRIMARY KEY.
    pub alias: Option<String>,
    /// What it is called in SQL. Columns may hide all of its names.
    pub name: Option<&'static str>,
}

/// What a publication takes of a table that has no replica identity
/// (<https://www.postgresql.org/docs/current/logical-replication-publication.html>).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Unidentified {
    pub on_delete: bool,
    pub on_update: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    Ordinary,
    /// Has inheritance children whose rows a plain query would mix in.
    InheritanceParent,
    Partitioned,
    /// SQLite: rows are addressed by the primary key, there is no rowid.
    WithoutRowid,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Column {
    pub name: String,
    /// As declared: `character varying(255)`, `INTEGER`, …
    pub type_name: String,
    /// PostgreSQL: the type that a domain, or the domain that it is over, is made from.
    pub domain_over: Option<String>,
    pub nullable: bool,
    pub generated: bool,
    /// What a generated column is computed by, over the table's own column names.
    #[serde(default)]
    pub generation: Option<String>,
    /// The default's SQL expression.
    pub default: Option<String>,
    /// It is another value each time, such as a sequence's next one: to ask for it is to take it.
    #[serde(default)]
    pub volatile_default: bool,
    /// The collation of comparisons with this column; on SQLite where it is not BINARY, on PostgreSQL where it is not
    /// the default one, qualified.
    pub collation: Option<String>,
    /// Holds text that a person can read: a candidate for names and labels.
    pub textual: bool,
    /// PostgreSQL: the operator of the type's own equality, where it is not the built-in `=`.
    #[serde(default)]
    pub equality: Option<String>,
    /// MariaDB: an UPDATE of another column moves it (ON UPDATE CURRENT_TIMESTAMP).
    #[serde(default)]
    pub on_update: bool,
    /// SQLite's.
    #[serde(skip)]
    pub affinity: Affinity,
}

/// What SQLite makes of a value that a column stores, or is compared with
/// (<https://sqlite.org/datatype3.html>, 3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Affinity {
    Integer,
    Text,
    /// Nothing.
    #[default]
    Blob,
    Real,
    Numeric,
}

impl Affinity {
    pub fn is_numeric(self) -> bool {
        matches!(self, Affinity::Integer | Affinity::Real | Affinity::Numeric)
    }

    /// Values of both are stored and compared alike: numbers of any kind are.
    pub fn compares_as(self, other: Affinity) -> bool {
        self == other || (self.is_numeric() && other.is_numeric())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Privileges {
    pub select: bool,
    /// Of some columns, at least.
    pub update: bool,
    pub delete: bool,
    /// Rows may be locked (`FOR UPDATE`): on PostgreSQL by those who may update them, on MariaDB by those who
    /// may delete them, too.
    pub lock: bool,
}

impl Privileges {
    pub const ALL: Privileges = Privileges { select: true, update: true, delete: true, lock: true };
    pub const NONE: Privileges =
        Privileges { select: false, update: false, delete: false, lock: false };
}

/// A child's columns that point at a parent's key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Reference {
    /// The constraint's name, where it has one.
    pub name: Option<String>,
    pub child: TableId,
    /// In the order of `parent_columns`.
    pub columns: Vec<String>,
    /// Where PostgreSQL's constraint names one partition, that partition's topmost table.
    pub parent: TableId,
    pub parent_columns: Vec<String>,
    pub on_delete: OnDelete,
    /// The columns that SET NULL / SET DEFAULT writes: all, or PostgreSQL 15's column list.
    pub set_columns: Vec<String>,
    pub match_full: bool,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// False when existing rows were never checked (NOT VALID).
    pub validated: bool,
    /// False when the engine does not watch it (NOT ENFORCED, its triggers disabled, declared).
    pub enforced: bool,
    /// PostgreSQL 18: declared NOT ENFORCED.
    #[serde(default)]
    pub not_enforced: bool,
    /// An index that finds the child rows of a key; SQLite's rowid is `(rowid)`.
    pub index: Option<String>,
    /// Per column how the engine compares the key's value with the child's.
    pub comparisons: Vec<Comparison>,
    /// PostgreSQL: the one partition (of `child`) that carries this reference.
    pub partition: Option<TableName>,
    /// What only a policy can say.
    #[serde(skip)]
    pub declaration: Declaration,
}

/// How the engine compares a key's value with the one that refers to it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Comparison {
    /// PostgreSQL: the constraint's operator, qualified, where it is not the built-in `=`.
    pub operator: Option<String>,
    /// PostgreSQL: what the key's value is taken as (`::type`, ` COLLATE …`), where the operator wants it.
    pub key: Option<String>,
    /// The same for the child's value.
    pub child: Option<String>,
    /// PostgreSQL: the key's value is compared in the child's collation, which is another than its own.
    #[serde(default)]
    pub key_in_childs_collation: bool,
    /// Both sides are of the same type and collation, and the operator is the engine's own: what is equal
    /// is equal for every way of comparing. Only then do checks in sets stand for the engine's.
    pub plain: bool,
    /// PostgreSQL 18: of a PERIOD. What overlaps the child's is named, which may be several keys'.
    #[serde(default)]
    pub overlaps: bool,
    /// PostgreSQL: why nobody can tell which values are equal.
    #[serde(default)]
    pub unlike: Option<Unlike>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlike {
    /// The key's type has another collation than the child's column: the engine's own check fails.
    Collation,
    /// What is equal by the operator is not by its order, so it hangs on how the engine joins.
    Order,
    /// Declared: one holds the other's values in a form that has several readings (a UUID's bytes, a list).
    Form,
}

impl Comparison {
    pub fn plain() -> Comparison {
        Comparison { plain: true, ..Comparison::default() }
    }
}

/// A foreign key that names no key of its parent. SQLite stores it, and with its checks on fails every
/// deletion from the parent: "foreign key mismatch" (<https://sqlite.org/foreignkeys.html#fk_indexes>). MariaDB keeps one
/// by a column that is gone, and follows it no more.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    pub child: TableId,
    pub columns: Vec<String>,
    pub parent: TableId,
    /// Empty where the parent's primary key is meant, and it has none.
    pub parent_columns: Vec<String>,
}

/// What a policy adds to a reference, or says of one that the database does not know.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declaration {
    pub origin: Origin,
    /// The two sides are of different types and mean the same where their texts are equal.
    pub as_text: bool,
    /// Only rows for which this holds name a parent by this reference (polymorphic references).
    pub discriminator: Option<Discriminator>,
    /// What SET DEFAULT writes, where the column's own default is not meant.
    pub default: Option<String>,
    /// What is done on delete where this run is not told otherwise (`--cascade`): it says whose a row is.
    pub without_flag: Option<OnDelete>,
    /// A scope column that somebody calls one.
    pub scope: bool,
    /// Where the policy says so: `orgsweep.toml:12`.
    pub place: String,
}

/// Where a reference comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    #[default]
    Database,
    /// A foreign key whose action the policy overrides.
    Overridden,
    /// The database does not know it.
    Declared,
    /// The other direction of a reference whose parent goes with the child. Most rows of the parent
    /// name nobody by it, and that is no defect.
    Inverse,
}

/// The column that tells to which table a polymorphic reference points, and its value for this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Discriminator {
    pub column: String,
    pub value: Discriminant,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Discriminant {
    /// One of these texts (Rails' `commentable_type`).
    Literal(Vec<String>),
    /// The last word of a class's name, in any case: `tenant` for `Crm::Tenant` and `App\\Models\\Tenant`.
    Called(Vec<String>),
    /// The key of a row in a table of types (Django's `django_content_type`).
    Lookup { table: TableId, key: String, conditions: Vec<(String, String)> },
}

/// What the schema says shall happen to a referencing row when its parent is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum OnDelete {
    #[serde(rename = "cascade")]
    Cascade,
    #[serde(rename = "set null")]
    SetNull,
    #[serde(rename = "set default")]
    SetDefault,
    #[serde(rename = "restrict")]
    Restrict,
    #[serde(rename = "no action")]
    NoAction,
    /// Only a policy says so: never followed and never unlinked. Where the engine watches the
    /// reference, rows that would be left behind by it stop the deletion.
    #[serde(rename = "ignore")]
    Ignore,
}

impl OnDelete {
    /// SQL's words, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            OnDelete::Cascade => "cascade",
            OnDelete::SetNull => "set null",
            OnDelete::SetDefault => "set default",
            OnDelete::Restrict => "restrict",
            OnDelete::NoAction => "no action",
            OnDelete::Ignore => "ignore",
        }
    }

    /// The child row stays, and is emptied or given its default.
    pub fn unlinks(self) -> bool {
        matches!(self, OnDelete::SetNull | OnDelete::SetDefault)
    }
}

impl fmt::Display for OnDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Catalog {
    pub fn table(&self, id: TableId) -> &Table {
        &self.tables[id.0]
    }

    pub fn reference(&self, id: ReferenceId) -> &Reference {
        self.references.get(id.0).unwrap_or_else(|| &self.scopes[id.0 - self.references.len()])
    }

    pub fn table_ids(&self) -> impl Iterator<Item = TableId> + use<> {
        (0..self.tables.len()).map(TableId)
    }

    pub fn reference_ids(&self) -> impl Iterator<Item = ReferenceId> + use<> {
        (0..self.references.len()).map(ReferenceId)
    }

    /// The references of `table` to itself.
    pub fn self_references(&self, table: TableId) -> impl Iterator<Item = ReferenceId> + '_ {
        self.reference_ids().filter(move |id| {
            let reference = self.reference(*id);
            reference.child == table && reference.parent == table
        })
    }

    /// More values than one name the same key by this reference.
    pub(crate) fn likens(&self, id: ReferenceId) -> bool {
        let reference = self.reference(id);
        let parent = self.table(reference.parent);
        let mut keys = reference.parent_columns.iter().filter_map(|key| parent.column(key));
        !reference.is_plain() || keys.any(|key| key.collation.is_some())
    }

    /// It is a scope column, a reference only because somebody says so, if at all.
    pub(crate) fn is_scope(&self, id: ReferenceId) -> bool {
        id.0 >= self.references.len() || self.reference(id).declaration.scope
    }

    pub(crate) fn scope_ids(&self) -> impl Iterator<Item = ReferenceId> + use<> {
        (self.references.len()..self.references.len() + self.scopes.len()).map(ReferenceId)
    }

    /// No two parents have the value that a child names. InnoDB lets a foreign key name what is not unique, and
    /// PostgreSQL periods that overlap, and values that the child's collation takes for equal.
    pub fn names_one(&self, id: ReferenceId) -> bool {
        let reference = self.reference(id);
        let named = &reference.parent_columns;
        let keys = &self.table(reference.parent).keys;
        let is_unique = keys.iter().any(|key| key.columns.iter().all(|it| named.contains(it)));
        is_unique && !reference.is_in_another_collation() && !reference.names_a_period()
    }

    /// `deals.created_by`, `billing.lines.tenant,no`: how people name a reference, `--force` too.
    pub fn reference_name(&self, id: ReferenceId) -> String {
        let reference = self.reference(id);
        let child = reference.partition.as_ref().unwrap_or(&self.table(reference.child).name);
        format!("{child}.{}", reference.columns.join(","))
    }

    /// `deals.created_by → users`
    pub fn reference_arrow(&self, id: ReferenceId) -> String {
        format!("{} → {}", self.reference_name(id), self.table(self.reference(id).parent).name)
    }
}

impl Reference {
    /// What is done on delete, whatever `--cascade` says.
    pub(crate) fn lasting_action(&self) -> OnDelete {
        self.declaration.without_flag.unwrap_or(self.on_delete)
    }

    /// The engine knows this reference: it orders deletions, watched or not.
    pub fn is_constraint(&self) -> bool {
        matches!(self.declaration.origin, Origin::Database | Origin::Overridden)
    }

    /// PostgreSQL: a key's value is compared in the child's collation, which need not tell it from the other keys.
    pub fn is_in_another_collation(&self) -> bool {
        self.comparisons.iter().any(|comparison| comparison.key_in_childs_collation)
    }

    /// Nothing tells which rows its values name.
    pub fn is_untold(&self) -> bool {
        self.comparisons.iter().any(|comparison| comparison.unlike == Some(Unlike::Form))
    }

    pub fn names_a_period(&self) -> bool {
        self.comparisons.iter().any(|comparison| comparison.overlaps)
    }

    /// Key and child compare in one way only.
    pub fn is_plain(&self) -> bool {
        self.comparisons.iter().all(|comparison| comparison.plain)
    }

    /// The child's columns that decide which parent it names, the discriminator's included.
    pub fn naming_columns(&self) -> impl Iterator<Item = &String> {
        let discriminator = self.declaration.discriminator.as_ref();
        self.columns.iter().chain(discriminator.map(|discriminator| &discriminator.column))
    }
}

impl Column {
    /// The type by whose rules values are read and written: a domain has none of its own. Without the
    /// quotes of a role that has `quote_all_identifiers` on.
    pub fn value_type(&self) -> &str {
        self.domain_over.as_deref().unwrap_or(&self.type_name).trim_matches('"')
    }
}

impl Table {
    /// The schema of which this role lacks USAGE.
    pub fn closed_schema(&self) -> Option<&str> {
        self.name.qualifier().filter(|_| !self.usable)
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column is computed from others.
    pub fn is_computed(&self, name: &str) -> bool {
        self.column(name).is_some_and(|column| column.generation.is_some())
    }

    pub fn primary_key(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.primary)
    }

    /// The key that identifies every row: the primary one, else another that has no nulls.
    pub fn identifying_key(&self) -> Option<&Key> {
        self.primary_key().filter(|key| key.not_null).or(self.keys.iter().find(|key| key.not_null))
    }

    /// The column is SQLite's rowid by another name.
    pub fn is_rowid(&self, column: &str) -> bool {
        self.rowid.as_ref().is_some_and(|rowid| rowid.alias.as_deref() == Some(column))
    }

    /// SQLite: what the rowid is called where no column is the same number.
    pub fn hidden_rowid(&self) -> Option<&'static str> {
        self.rowid.as_ref().filter(|rowid| rowid.alias.is_none())?.name
    }

    /// SQLite: nothing tells the rows apart that SQL could name. Columns hide all three names of the rowid, and
    /// no key identifies every row.
    pub fn has_nameless_rows(&self) -> bool {
        let nameless = match &self.rowid {
            Some(rowid) => rowid.alias.is_none() && rowid.name.is_none(),
            None => self.kind == TableKind::WithoutRowid,
        };
        nameless && self.identifying_key().is_none()
    }
}
