//! Random schemas: every action, key and cycle that the contract speaks of, in small.

use super::edges::one_collation;
use super::schema::{Case, Column, Key, Kind, OnDelete, Reference, Schema, Table};
use super::{data, edges};
use crate::support::postgres_version;
use fastrand::Rng;
use orgsweep::engine::Dialect;

/// Names of all sorts; some need quotes.
const NAMES: [&str; 12] = [
    "users",
    "Deals",
    "order",
    "project items",
    "teams",
    "Notes",
    "tasks",
    "group",
    "invoices",
    "audit",
    "Files",
    "tags",
];

/// How a case's actions are drawn, and how many of its rows point at another organization's.
struct Profile {
    /// Weights of CASCADE, SET NULL, SET DEFAULT, RESTRICT and NO ACTION.
    actions: [u32; 5],
    crossing: f64,
    /// SET NULL may hit NOT NULL columns, and keys that others reference.
    careless: bool,
}

impl Profile {
    fn draw(rng: &mut Rng) -> Profile {
        let crossing = *rng.choice(&[0.0, 0.0, 0.02, 0.1]).unwrap();
        let actions = match rng.u32(..10) {
            0..3 => [80, 20, 0, 0, 0],
            3..6 => [70, 24, 2, 1, 3],
            6..9 => [45, 22, 4, 14, 15],
            _ => [20, 20, 20, 20, 20],
        };
        Profile { actions, crossing, careless: rng.u32(..6) == 0 }
    }

    fn action(&self, rng: &mut Rng) -> OnDelete {
        const ACTIONS: [OnDelete; 5] = [
            OnDelete::Cascade,
            OnDelete::SetNull,
            OnDelete::SetDefault,
            OnDelete::Restrict,
            OnDelete::NoAction,
        ];
        let total: u32 = self.actions.iter().sum();
        let mut left = rng.u32(..total);
        for (action, weight) in ACTIONS.into_iter().zip(self.actions) {
            if left < weight {
                return action;
            }
            left -= weight;
        }
        unreachable!("the weights sum to more than was drawn")
    }
}

/// The case that `seed` stands for, on this engine.
pub fn case(dialect: Dialect, seed: u64) -> Case {
    let mut rng = Rng::with_seed(seed);
    loop {
        let profile = Profile::draw(&mut rng);
        let schema = Generator { rng: &mut rng, profile: &profile, dialect }.schema();
        let data = data::fill(&schema, profile.crossing, &mut rng);
        // The repair of the data can cost organizations; one alone has nobody to spare.
        if data[0].len() >= 2 {
            let name = data[0][rng.usize(..data[0].len())][1].clone();
            return Case { seed, schema, data, name: name.expect("organizations have names") };
        }
    }
}

struct Generator<'a> {
    rng: &'a mut Rng,
    profile: &'a Profile,
    dialect: Dialect,
}

impl Generator<'_> {
    fn schema(mut self) -> Schema {
        let mut names = NAMES.to_vec();
        self.rng.shuffle(&mut names);
        let count = self.rng.usize(3..=9);
        let second_schema = self.dialect == Dialect::Postgres && self.chance(4);
        let mut schema = Schema {
            dialect: self.dialect,
            tables: vec![],
            references: vec![],
            triggers: vec![],
            large: false,
            wal: false,
        };
        schema.tables.push(self.root());
        for name in &names[..count] {
            let extra = (second_schema && self.chance(2)).then(|| "Extra".to_owned());
            self.table(extra, name, &mut schema);
        }
        self.root_references(&mut schema);
        for child in 1..schema.tables.len() {
            for _ in 0..self.rng.usize(1..=3) {
                let parent = self.parent_for(child, schema.tables.len());
                self.reference(child, parent, &mut schema);
            }
        }
        for table in 1..schema.tables.len() {
            self.add_check(table, &mut schema);
        }
        agree_on_values(&mut schema);
        if !self.profile.careless {
            keep_keys_still(&mut schema);
        }
        if self.dialect.is_mysql() {
            cascade_what_cannot_be_null(&mut schema);
        }
        self.rng.shuffle(&mut schema.references);
        edges::add(&mut schema, self.rng);
        schema
    }

    /// One time in `n`.
    fn chance(&mut self, n: u32) -> bool {
        self.rng.u32(..n) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())]
    }

    fn root(&mut self) -> Table {
        let kind = self.pick(&[Kind::Integer, Kind::Integer, Kind::Bigint, Kind::Text, Kind::Uuid]);
        let mut columns = vec![column("id", kind, true), column("name", Kind::Text, true)];
        let mut keys = vec![Key { columns: vec![0], primary: true }];
        if self.chance(4) {
            columns.push(column("Code", Kind::Text, self.rng.bool()));
            keys.push(Key { columns: vec![2], primary: false });
        }
        Table {
            schema: None,
            name: "organizations".to_owned(),
            columns,
            keys,
            checks: vec![],
            without_rowid: false,
            descending: false,
        }
    }

    /// A table with its keys and, for some, the `org_id` that scopes them.
    fn table(&mut self, extra: Option<String>, name: &str, schema: &mut Schema) {
        let child = schema.tables.len();
        let mut table = Table {
            schema: extra,
            name: name.to_owned(),
            columns: vec![],
            keys: vec![],
            checks: vec![],
            without_rowid: false,
            descending: false,
        };
        let scoped = self.rng.bool();
        let scope_required = scoped && self.rng.u32(..10) < 7;
        if scoped {
            let kind = schema.tables[0].columns[0].kind;
            table.columns.push(column("org_id", kind, scope_required));
        }
        self.keys(&mut table, scope_required);
        if table.keys.is_empty() || self.chance(3) {
            table.columns.push(column("Label", Kind::Text, false));
        }
        schema.tables.push(table);
        if scoped {
            self.add_reference(child, vec![0], 0, vec![0], schema);
        }
    }

    fn keys(&mut self, table: &mut Table, scope_required: bool) {
        let kind = self.key_kind();
        let primary_of_two = scope_required && self.chance(3);
        let none = !primary_of_two && self.chance(9);
        let id = table.columns.len();
        if !none {
            let name = self.pick(&["id", "id", "ID", "no"]);
            table.columns.push(column(name, kind, true));
            let columns = if primary_of_two { vec![0, id] } else { vec![id] };
            table.keys.push(Key { columns, primary: true });
            table.without_rowid = self.dialect == Dialect::Sqlite && self.chance(6);
        }
        if !none && !primary_of_two && scope_required && self.chance(2) {
            table.keys.push(Key { columns: vec![0, id], primary: false });
        }
        if self.chance(4) {
            let kind = self.key_kind();
            let required = self.rng.bool();
            table.keys.push(Key { columns: vec![table.columns.len()], primary: false });
            table.columns.push(column("Code", kind, required));
        }
    }

    fn key_kind(&mut self) -> Kind {
        let kinds = match self.dialect {
            Dialect::Sqlite => {
                [Kind::Integer, Kind::Integer, Kind::Bigint, Kind::Text, Kind::NoCase]
            }
            Dialect::Postgres => {
                [Kind::Integer, Kind::Bigint, Kind::Numeric, Kind::Text, Kind::Uuid]
            }
            Dialect::Mysql(_) => {
                [Kind::Integer, Kind::Integer, Kind::Bigint, Kind::Text, Kind::NoCase]
            }
        };
        self.pick(&kinds)
    }

    /// Mostly something made before, sometimes itself or something made later (a cycle).
    fn parent_for(&mut self, child: usize, tables: usize) -> usize {
        match self.rng.u32(..10) {
            0..2 => 0,
            2..7 => self.rng.usize(..child),
            7 => child,
            8 => self.rng.usize(..tables),
            _ => child - 1,
        }
    }

    fn root_references(&mut self, schema: &mut Schema) {
        if self.chance(3) {
            self.reference(0, 0, schema);
        }
        if self.chance(7) {
            let parent = self.rng.usize(1..schema.tables.len());
            self.reference(0, parent, schema);
        }
    }

    /// A reference to any key of `parent`, through new columns or, for a composite key, a shared
    /// `org_id`.
    fn reference(&mut self, child: usize, parent: usize, schema: &mut Schema) {
        let keys = &schema.tables[parent].keys;
        if keys.is_empty() {
            return;
        }
        let parent_columns = keys[self.rng.usize(..keys.len())].columns.clone();
        let required = self.rng.u32(..10) < 4;
        let mut columns = Vec::new();
        for parent_column in &parent_columns {
            columns.push(self.child_column(child, parent, *parent_column, required, schema));
        }
        self.add_reference(child, columns, parent, parent_columns, schema);
    }

    fn child_column(
        &mut self,
        child: usize,
        parent: usize,
        parent_column: usize,
        required: bool,
        schema: &mut Schema,
    ) -> usize {
        let wanted = schema.tables[parent].columns[parent_column].clone();
        let columns = &schema.tables[child].columns;
        let scope = columns.iter().position(|c| c.name == "org_id" && c.kind == wanted.kind);
        if let Some(scope) = scope
            && wanted.name == "org_id"
            && !self.chance(5)
        {
            return scope;
        }
        let kind = self.referencing_kind(wanted.kind);
        let stem = schema.tables[parent].name.to_lowercase().replace(' ', "_");
        let name = format!("{stem}_{}_{}", wanted.name, columns.len());
        schema.tables[child].columns.push(column(&name, kind, required));
        schema.tables[child].columns.len() - 1
    }

    /// A child's column need not have its parent's very type.
    fn referencing_kind(&mut self, parent: Kind) -> Kind {
        let loose = self.chance(8);
        match (parent, self.dialect) {
            // InnoDB wants the very type, collation included.
            (parent, Dialect::Mysql(_)) => parent,
            (Kind::Integer | Kind::Bigint, Dialect::Sqlite) if loose => Kind::Text,
            (Kind::Integer | Kind::Bigint, _) if loose => self.pick(&[Kind::Integer, Kind::Bigint]),
            (Kind::Numeric, _) if loose => Kind::Integer,
            (Kind::NoCase, Dialect::Postgres) if one_collation() => Kind::NoCase,
            (Kind::NoCase, _) => self.pick(&[Kind::NoCase, Kind::Text]),
            _ => parent,
        }
    }

    fn add_reference(
        &mut self,
        child: usize,
        columns: Vec<usize>,
        parent: usize,
        parent_columns: Vec<usize>,
        schema: &mut Schema,
    ) {
        let used = |r: &Reference, c: &usize| r.child == child && r.columns.contains(c);
        let shared = |c: &usize| schema.references.iter().any(|r| used(r, c));
        let own: Vec<usize> = columns.iter().copied().filter(|c| !shared(c)).collect();
        let composite = columns.len() > 1;
        let table = &mut schema.tables[child];
        let action = self.action(&columns, own.len(), table);
        let listed = self.dialect == Dialect::Postgres && action.unlinks() && composite;
        let some = listed && !own.is_empty() && self.rng.bool() && postgres_version() >= 150_000;
        let set_columns = if some { own } else { columns.clone() };
        if action.unlinks() && !(self.profile.careless && self.chance(4)) {
            make_nullable(&set_columns, table);
        }
        // One to one.
        if !composite && child != 0 && self.chance(12) {
            table.keys.push(Key { columns: columns.clone(), primary: false });
        }
        if action == OnDelete::SetDefault && !self.chance(3) {
            let kind = schema.tables[parent].columns[parent_columns[0]].kind;
            let value = data::key_value(kind, parent, self.rng.usize(..4));
            schema.tables[child].columns[columns[0]].default = Some(value);
        }
        schema.references.push(Reference {
            child,
            columns,
            parent,
            parent_columns,
            action,
            set_columns,
            match_full: self.dialect == Dialect::Postgres && composite && self.chance(8),
            deferred: action != OnDelete::Restrict && self.chance(6),
            indexed: self.chance(3),
        });
    }

    /// An action that the engine could carry out on these columns; a careless one on any.
    fn action(&mut self, columns: &[usize], own: usize, table: &Table) -> OnDelete {
        let action = self.profile.action(self.rng);
        let keyed = columns.iter().any(|column| in_primary_key(*column, table));
        match action {
            OnDelete::SetNull | OnDelete::SetDefault if keyed && !self.profile.careless => {
                OnDelete::Cascade
            }
            // Defaults on several columns would need a parent that has just those.
            OnDelete::SetDefault if columns.len() > 1 || own == 0 => OnDelete::SetNull,
            // InnoDB has none.
            OnDelete::SetDefault if self.dialect.is_mysql() => OnDelete::SetNull,
            OnDelete::NoAction if self.dialect.is_mysql() => OnDelete::Restrict,
            action => action,
        }
    }

    fn add_check(&mut self, table: usize, schema: &mut Schema) {
        let table = &mut schema.tables[table];
        let nullable: Vec<usize> =
            (0..table.columns.len()).filter(|c| !table.columns[*c].not_null).collect();
        if nullable.len() >= 2 && self.chance(12) {
            let first = self.rng.usize(..nullable.len() - 1);
            table.checks.push(nullable[first..first + 2].to_vec());
        }
    }
}

fn column(name: &str, kind: Kind, not_null: bool) -> Column {
    Column { name: name.to_owned(), kind, not_null, default: None }
}

fn in_primary_key(column: usize, table: &Table) -> bool {
    table.keys.iter().any(|key| key.primary && key.columns.contains(&column))
}

fn make_nullable(columns: &[usize], table: &mut Table) {
    for column in columns {
        let required = in_primary_key(*column, table);
        table.columns[*column].not_null &= required;
    }
}

/// InnoDB knows no SET NULL of a NOT NULL column.
fn cascade_what_cannot_be_null(schema: &mut Schema) {
    for reference in &mut schema.references {
        let columns = &schema.tables[reference.child].columns;
        let fixed = reference.columns.iter().any(|column| columns[*column].not_null);
        if reference.action == OnDelete::SetNull && fixed {
            reference.action = OnDelete::Cascade;
        }
    }
    // … and none of a column that a CHECK reads.
    for (child, table) in schema.tables.iter_mut().enumerate() {
        let unlinked = schema.references.iter().filter(|r| r.child == child && r.action.unlinks());
        let unlinked: Vec<usize> = unlinked.flat_map(|r| r.columns.clone()).collect();
        table.checks.retain(|check| !check.iter().any(|column| unlinked.contains(column)));
    }
}

/// No column is set to null by one reference and to its default by another: which of the two comes
/// last is nobody's business here.
fn agree_on_values(schema: &mut Schema) {
    let unlinks = schema.references.iter().filter(|reference| reference.action.unlinks());
    let written: Vec<(usize, usize)> =
        unlinks.flat_map(|r| r.set_columns.iter().map(|c| (r.child, *c))).collect();
    for reference in &mut schema.references {
        let child = reference.child;
        let shared = |c: &usize| written.iter().filter(|other| **other == (child, *c)).count() > 1;
        if reference.action == OnDelete::SetDefault && reference.set_columns.iter().any(shared) {
            reference.action = OnDelete::SetNull;
        }
    }
}

/// Drops references to keys that an unlink may change: the engine's ON UPDATE rules are not what
/// these cases are about.
fn keep_keys_still(schema: &mut Schema) {
    let moving: Vec<(usize, usize)> = schema
        .references
        .iter()
        .filter(|reference| reference.action.unlinks())
        .flat_map(|reference| reference.set_columns.iter().map(|c| (reference.child, *c)))
        .collect();
    schema.references.retain(|reference| {
        !reference.parent_columns.iter().any(|c| moving.contains(&(reference.parent, *c)))
    });
}
