//! Loads a [`Catalog`] from MariaDB's or MySQL's information_schema in a handful of queries, grouped here.
//!
//! The current database counts, and every other one that foreign keys lead to or from: their tables
//! are named with their database.

mod grants;
mod reference;
mod stored;

use self::grants::Grant;
use crate::catalog::{
    Affinity, Catalog, Check, Column, Exclusion, Fires, Key, Privileges, Table, TableId, TableKind,
    TableName, Trigger, Unidentified,
};
use crate::database::{self, Database, Fault, Row};
use crate::engine::{Dialect, Statement, coded_type};
use std::collections::{BTreeMap, BTreeSet};

/// What the two servers are asked in words of their own.
struct Questions {
    fingerprint: &'static str,
    schemas: &'static str,
    columns: &'static str,
    indexes: &'static str,
    checks: &'static str,
    hidden: &'static str,
}

const MARIADB: Questions = Questions {
    fingerprint: include_str!("mysql/mariadb/fingerprint.sql"),
    schemas: include_str!("mysql/mariadb/schemas.sql"),
    columns: include_str!("mysql/mariadb/columns.sql"),
    indexes: include_str!("mysql/mariadb/indexes.sql"),
    checks: include_str!("mysql/mariadb/checks.sql"),
    hidden: include_str!("mysql/mariadb/hidden.sql"),
};

const MYSQL: Questions = Questions {
    fingerprint: include_str!("mysql/mysql/fingerprint.sql"),
    schemas: include_str!("mysql/mysql/schemas.sql"),
    columns: include_str!("mysql/mysql/columns.sql"),
    indexes: include_str!("mysql/mysql/indexes.sql"),
    checks: include_str!("mysql/mysql/checks.sql"),
    hidden: include_str!("mysql/mysql/hidden.sql"),
};

fn questions(dialect: Dialect) -> &'static Questions {
    if dialect == Dialect::MYSQL { &MYSQL } else { &MARIADB }
}

const SCHEMAS_VISIBLE: &str = include_str!("mysql/schemas_visible.sql");
const TABLES: &str = include_str!("mysql/tables.sql");
const REFERENCES: &str = include_str!("mysql/references.sql");
const TRIGGERS: &str = include_str!("mysql/triggers.sql");

/// The name of [`Trigger::unseen`].
const UNSEEN: &str = "any trigger (without the TRIGGER privilege none is seen)";

/// Rows of the queries above by the table that their first two values name.
type ByTable = BTreeMap<(String, String), Vec<Row>>;
/// Where tables are in the catalog.
type Positions = BTreeMap<(String, String), TableId>;

/// See [`super::load`].
pub fn load(database: &mut Database) -> database::Result<Catalog> {
    let fingerprint = fingerprint(database)?;
    let (dialect, questions) = (database.dialect(), questions(database.dialect()));
    let current = database.query_one(&"SELECT DATABASE()".into())?.text(0).to_owned();
    let schemas: Vec<String> =
        schemas(database, &current)?.iter().map(|name| dialect.literal(name)).collect();
    let schemas = schemas.join(", ");
    let grants = grants(database)?;
    let named = answer(database, TABLES, &schemas)?;
    let own_names = own_names(&named, &current);
    let listed: Vec<Row> = named.into_iter().filter(|row| !row.flag(6)).collect();
    let columns = by_table(answer(database, questions.columns, &schemas)?);
    let indexes = by_table(answer(database, questions.indexes, &schemas)?);
    let checks = by_table(answer(database, questions.checks, &schemas)?);
    let triggers = by_table(answer(database, TRIGGERS, &schemas)?);
    let rows = answer(database, REFERENCES, &schemas)?;
    let table = |row: &Row| {
        let place = place(row);
        let of = |rows: &ByTable| rows.get(&place).cloned().unwrap_or_default();
        let held = |privilege: &str| grants::hold(&grants, &place, privilege);
        let columns: Vec<Column> = of(&columns).iter().map(|row| column(dialect, row)).collect();
        Table {
            name: name(&place, &current),
            kind: if row.flag(4) { TableKind::Partitioned } else { TableKind::Ordinary },
            keys: keys(&of(&indexes)),
            columns,
            exclusions: exclusions(&of(&indexes)),
            checks: of(&checks).iter().map(|row| check(dialect, row)).collect(),
            triggers: if held("TRIGGER") {
                of(&triggers).iter().map(trigger).collect()
            } else {
                vec![unseen()]
            },
            row_security: false,
            privileges: Privileges {
                select: held("SELECT"),
                update: held("UPDATE"),
                delete: held("DELETE"),
                lock: held("UPDATE") || held("DELETE"),
            },
            usable: true,
            unidentified: Unidentified::default(),
            partitioned_by: Vec::new(),
            estimated_rows: row.optional(3).and_then(|rows| rows.parse().ok()),
            lasting_engine: row.optional(2).map(str::to_owned),
            keeps_history: row.flag(5),
            rowid: None,
        }
    };
    let mut tables: Vec<Table> = listed.iter().map(table).collect();
    let mut positions: Positions =
        listed.iter().enumerate().map(|(n, row)| (place(row), TableId(n))).collect();
    let hidden = reference::hidden(database, &grants, (questions.hidden, &schemas), &positions)?;
    let may_be_hidden = hidden.is_none();
    // What holds on a table without a name holds on every one.
    let may_be_unlisted = !grants::hold(&grants, &(current.clone(), String::new()), "SELECT");
    let hidden = hidden.unwrap_or_default();
    for rows in hidden.chunk_by(|a, b| place(a) == place(b)) {
        positions.insert(place(&rows[0]), TableId(tables.len()));
        tables.push(hidden_table(name(&place(&rows[0]), &current), rows));
    }
    let rules = reference::rules(database, &rows)?;
    let rows = [rows, hidden].concat();
    let references = reference::references(&rows, (&tables, &positions), &indexes, &rules);
    let mismatches = reference::mismatches(&rows, (&tables, &positions));
    Ok(Catalog {
        tables,
        references,
        may_be_hidden,
        may_be_unlisted,
        own_names,
        default_schema: Some(current),
        mismatches,
        fingerprint,
        ..Catalog::default()
    })
}

/// See [`Catalog::own_names`].
fn own_names(named: &[Row], current: &str) -> Vec<String> {
    let here = named.iter().filter(|row| row.text(0) == current);
    let names = here.map(|row| row.text(1).to_ascii_lowercase());
    names.filter(|name| name.starts_with("orgsweep")).collect()
}

fn answer(database: &mut Database, sql: &str, schemas: &str) -> database::Result<Vec<Row>> {
    database.query(&Statement::from(sql.replace("/*schemas*/", schemas)))
}

fn name((schema, table): &(String, String), current: &str) -> TableName {
    TableName {
        schema: Some(schema.clone()).filter(|schema| schema != current),
        name: table.clone(),
        found_in: None,
    }
}

/// What this user holds, by its roles, too.
fn grants(database: &mut Database) -> database::Result<Vec<Grant>> {
    let lines = database.query(&"SHOW GRANTS".into())?;
    Ok(lines.iter().filter_map(|line| grants::read(line.text(0))).collect())
}

/// All that is known of a table that this user does not see: the columns of its references.
fn hidden_table(name: TableName, references: &[Row]) -> Table {
    let mut columns: Vec<Column> = Vec::new();
    for row in references {
        if !columns.iter().any(|column| column.name == row.text(5)) {
            columns.push(Column {
                name: row.text(5).to_owned(),
                type_name: String::new(),
                domain_over: None,
                nullable: true,
                generated: false,
                generation: None,
                default: None,
                volatile_default: false,
                collation: None,
                textual: false,
                equality: None,
                on_update: false,
                affinity: Affinity::default(),
            });
        }
    }
    Table {
        name,
        kind: TableKind::Ordinary,
        columns,
        keys: Vec::new(),
        exclusions: Vec::new(),
        checks: Vec::new(),
        triggers: vec![unseen()],
        row_security: false,
        privileges: Privileges::NONE,
        usable: true,
        unidentified: Unidentified::default(),
        partitioned_by: Vec::new(),
        estimated_rows: None,
        lasting_engine: None,
        keeps_history: false,
        rowid: None,
    }
}

/// A hash over everything that the catalog is made of in the current database, indexes that are not
/// unique and statistics excepted.
pub fn fingerprint(database: &mut Database) -> database::Result<String> {
    let question = questions(database.dialect()).fingerprint;
    Ok(database.query_one(&question.into())?.text(0).to_owned())
}

/// The current database and those that foreign keys connect it with, over several steps too.
fn schemas(database: &mut Database, current: &str) -> database::Result<BTreeSet<String>> {
    let pairs = match database.query(&questions(database.dialect()).schemas.into()) {
        Err(error) if error.fault == Fault::Permission => {
            database.query(&Statement::from(SCHEMAS_VISIBLE))?
        }
        pairs => pairs?,
    };
    let mut schemas = BTreeSet::from([current.to_owned()]);
    loop {
        let before = schemas.len();
        for pair in &pairs {
            let ends = [pair.text(0), pair.text(1)];
            if ends.iter().any(|name| schemas.contains(*name)) {
                schemas.extend(ends.map(str::to_owned));
            }
        }
        if schemas.len() == before {
            return Ok(schemas);
        }
    }
}

fn place(row: &Row) -> (String, String) {
    (row.text(0).to_owned(), row.text(1).to_owned())
}

fn by_table(rows: Vec<Row>) -> ByTable {
    let mut groups = ByTable::new();
    for row in rows {
        groups.entry(place(&row)).or_default().push(row);
    }
    groups
}

fn column(dialect: Dialect, row: &Row) -> Column {
    let default = match dialect {
        Dialect::MYSQL => stored::default(row),
        _ => row.optional(5).map(str::to_owned),
    };
    Column {
        name: row.text(2).to_owned(),
        type_name: coded_type(row.text(3), row.text(9)),
        domain_over: None,
        nullable: row.flag(4),
        volatile_default: default.as_deref().is_some_and(is_volatile),
        default,
        generated: row.flag(6),
        generation: row.optional(10).map(|text| stored::expression(dialect, text)),
        on_update: row.flag(7),
        textual: row.flag(8),
        equality: None,
        collation: row.optional(9).map(str::to_owned),
        affinity: Affinity::default(),
    }
}

/// A default calls a function that gives another value each time, or takes one from a sequence.
fn is_volatile(default: &str) -> bool {
    const VOLATILE: [&str; 7] =
        ["nextval(", "setval(", "next value for", "uuid(", "uuid_short(", "sys_guid(", "rand("];
    let default = default.to_ascii_lowercase().replace('`', "");
    VOLATILE.iter().any(|name| default.contains(name))
}

/// Unique indexes over whole columns.
fn keys(indexes: &[Row]) -> Vec<Key> {
    let key = |index: &[Row]| Key {
        name: index[0].text(2).to_owned(),
        columns: index.iter().map(|row| row.text(4).to_owned()).collect(),
        primary: index[0].text(2) == "PRIMARY",
        not_null: index.iter().all(|row| !row.flag(6)),
        nulls_not_distinct: false,
        comparisons: Vec::new(),
    };
    let unique = |index: &&[Row]| index.iter().all(|row| row.flag(3) && row.flag(5));
    indexes.chunk_by(|a, b| a.text(2) == b.text(2)).filter(unique).map(key).collect()
}

/// Unique indexes over the beginnings of values: the engine decides.
fn exclusions(indexes: &[Row]) -> Vec<Exclusion> {
    let partial = |index: &&[Row]| index[0].flag(3) && !index.iter().all(|row| row.flag(5));
    let exclusion = |index: &[Row]| Exclusion {
        name: index[0].text(2).to_owned(),
        parts: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
        columns: index.iter().map(|row| row.text(4).to_owned()).collect(),
    };
    indexes.chunk_by(|a, b| a.text(2) == b.text(2)).filter(partial).map(exclusion).collect()
}

fn check(dialect: Dialect, row: &Row) -> Check {
    let expression = stored::expression(dialect, row.text(3));
    Check { name: row.text(2).to_owned(), expression, columns: Vec::new() }
}

fn trigger(row: &Row) -> Trigger {
    Trigger {
        name: row.text(2).to_owned(),
        on_insert: row.text(3) == "INSERT",
        on_delete: row.text(3) == "DELETE",
        on_update: row.text(3) == "UPDATE",
        update_of: Vec::new(),
        rule: false,
        fires: Fires::Origin,
        unseen: false,
    }
}

fn unseen() -> Trigger {
    Trigger {
        name: UNSEEN.into(),
        on_insert: true,
        on_delete: true,
        on_update: true,
        update_of: Vec::new(),
        rule: false,
        fires: Fires::Origin,
        unseen: true,
    }
}
