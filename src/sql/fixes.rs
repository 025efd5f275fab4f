//! Statements that cure what `doctor` finds: shown, and run only where a flag asks for it.

use crate::catalog::{Catalog, ReferenceId, Table, TableKind, TableName};
use crate::engine::{Dialect, literal, quote, quote_table};
use crate::restoration::Kinds;

/// An index that finds the child rows of a key. `CONCURRENTLY` keeps writers going; inside a
/// transaction it cannot run, nor on a partitioned table. PostgreSQL finds a name by itself that nothing has.
pub fn create_index(dialect: Dialect, catalog: &Catalog, id: ReferenceId) -> String {
    let reference = catalog.reference(id);
    let table = reference.partition.as_ref().unwrap_or(&catalog.table(reference.child).name);
    let columns: Vec<String> =
        reference.columns.iter().map(|column| dialect.identifier(column)).collect();
    let columns = columns.join(", ");
    let name = match dialect {
        Dialect::Postgres if locks_writers(catalog, id) => String::new(),
        Dialect::Postgres => "CONCURRENTLY ".into(),
        _ => dialect.identifier(&index_name(&table.name, &reference.columns, "idx")) + " ",
    };
    let on = match dialect {
        Dialect::Postgres => dialect.table(table),
        _ => relation(dialect, table),
    };
    format!("CREATE INDEX {name}ON {on} ({columns})")
}

/// The index of a partitioned table is made while nobody writes to it.
pub fn locks_writers(catalog: &Catalog, id: ReferenceId) -> bool {
    let reference = catalog.reference(id);
    let partitioned = catalog.table(reference.child).kind == TableKind::Partitioned;
    partitioned && reference.partition.is_none()
}

/// What makes the named columns a key; `None` where they are no columns of the table.
pub fn unique_index(dialect: Dialect, table: &Table, names: &[String]) -> Option<String> {
    let spelled = |name: &String| {
        let column = table.columns.iter().find(|it| it.name.eq_ignore_ascii_case(name));
        column.map(|column| column.name.clone())
    };
    let columns: Vec<String> = names.iter().map(spelled).collect::<Option<_>>()?;
    let listed: Vec<String> = columns.iter().map(|name| dialect.identifier(name)).collect();
    let name = dialect.identifier(&index_name(&table.name.name, &columns, "key"));
    let on = format!("{} ({})", relation(dialect, &table.name), listed.join(", "));
    (!listed.is_empty()).then(|| format!("CREATE UNIQUE INDEX {name} ON {on}"))
}

fn relation(dialect: Dialect, name: &TableName) -> String {
    match (dialect, &name.schema) {
        (Dialect::Sqlite, _) | (_, None) => dialect.identifier(&name.name),
        (_, Some(schema)) => {
            format!("{}.{}", dialect.identifier(schema), dialect.identifier(&name.name))
        }
    }
}

/// PostgreSQL cuts names at 63 bytes, and would then complain of a second one.
fn index_name(table: &str, columns: &[String], purpose: &str) -> String {
    const LONGEST: usize = 63;
    let name = format!("{table}_{}_{purpose}", columns.join("_"));
    if name.len() <= LONGEST {
        name
    } else {
        let mut hasher = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(&name, &mut hasher);
        let mut short: String = name.chars().take(40).collect();
        while short.len() > LONGEST - 17 {
            short.pop();
        }
        format!("{short}_{:016x}", std::hash::Hasher::finish(&hasher))
    }
}

/// `role` is a name, or `user@host` on MariaDB.
pub fn grant(dialect: Dialect, privilege: &str, table: &Table, role: &str) -> String {
    format!("GRANT {privilege} ON {} TO {}", relation(dialect, &table.name), grantee(dialect, role))
}

/// `usage`: `USAGE ON SCHEMA "billing"`.
pub fn grant_usage(usage: &str, role: &str) -> String {
    format!("GRANT {usage} TO {}", quote(role))
}

/// Where a clean keeps what it has found. Not on SQLite, which has no privileges.
pub fn grant_temporary(dialect: Dialect, database: &str, role: &str) -> String {
    let (database, grantee) = (dialect.identifier(database), grantee(dialect, role));
    match dialect {
        Dialect::Mysql(_) => format!("GRANT CREATE TEMPORARY TABLES ON {database}.* TO {grantee}"),
        _ => format!("GRANT TEMPORARY ON DATABASE {database} TO {grantee}"),
    }
}

/// InnoDB's own dictionary is shown to those who hold it (MariaDB).
pub fn grant_process(role: &str) -> String {
    format!("GRANT PROCESS ON *.* TO {}", grantee(Dialect::MARIADB, role))
}

/// Of every table of a database (MariaDB, MySQL).
pub fn grant_select(database: &str, role: &str) -> String {
    let dialect = Dialect::MARIADB;
    format!("GRANT SELECT ON {}.* TO {}", dialect.identifier(database), grantee(dialect, role))
}

fn grantee(dialect: Dialect, role: &str) -> String {
    match (dialect, role.rsplit_once('@')) {
        (Dialect::Mysql(_), Some((user, host))) => {
            format!("{}@{}", dialect.identifier(user), dialect.identifier(host))
        }
        _ => dialect.identifier(role),
    }
}

pub fn grant_replica_role(role: &str) -> String {
    format!("GRANT SET ON PARAMETER session_replication_role TO {}", quote(role))
}

pub fn bypass_row_security(role: &str) -> String {
    format!("ALTER ROLE {} BYPASSRLS", quote(role))
}

/// SQLite cannot, and MariaDB wants the column's whole definition again.
pub fn drop_not_null(dialect: Dialect, table: &Table, column: &str) -> Option<String> {
    let (table, column) = (quote_table(&table.name), quote(column));
    (dialect == Dialect::Postgres)
        .then(|| format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL"))
}

/// SQLite cannot add one to a table that is there.
pub fn add_key(dialect: Dialect, table: &Table) -> Option<String> {
    let column = match dialect {
        Dialect::Sqlite => return None,
        // Its key would have to hold what decides about the partition.
        Dialect::Postgres if table.kind == TableKind::Partitioned => return None,
        Dialect::Postgres => "bigint GENERATED ALWAYS AS IDENTITY",
        Dialect::Mysql(_) => "bigint AUTO_INCREMENT",
    };
    let is_taken = |name: &str| table.columns.iter().any(|it| it.name.eq_ignore_ascii_case(name));
    let name = ["id", "row_id", "row_number_id"].into_iter().find(|name| !is_taken(name))?;
    let table = relation(dialect, &table.name);
    Some(format!("ALTER TABLE {table} ADD COLUMN {name} {column} PRIMARY KEY"))
}

/// An engine whose rows a ROLLBACK brings back.
pub fn transactional(table: &Table) -> String {
    format!("ALTER TABLE {} ENGINE = InnoDB", relation(Dialect::MARIADB, &table.name))
}

/// Partitions do not have it from their table.
pub fn replica_identity(table: &Table) -> String {
    let name = quote_table(&table.name);
    match table.kind {
        TableKind::Partitioned => format!(
            "DO $$ DECLARE leaf regclass; BEGIN FOR leaf IN SELECT relid FROM pg_partition_tree({}) WHERE isleaf \
             LOOP EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', leaf); END LOOP; END $$",
            literal(&name)
        ),
        _ => format!("ALTER TABLE {name} REPLICA IDENTITY FULL"),
    }
}

pub fn validate(catalog: &Catalog, id: ReferenceId) -> Option<String> {
    let name = quote(catalog.reference(id).name.as_deref()?);
    Some(format!("ALTER TABLE {} VALIDATE CONSTRAINT {name}", constrained(catalog, id)))
}

/// Has the engine watch a reference again, that was declared so or whose triggers are off.
pub fn watch(catalog: &Catalog, id: ReferenceId) -> String {
    let (table, reference) = (constrained(catalog, id), catalog.reference(id));
    match &reference.name {
        Some(name) if reference.not_enforced => {
            format!("ALTER TABLE {table} ALTER CONSTRAINT {} ENFORCED", quote(name))
        }
        _ => format!("ALTER TABLE {table} ENABLE TRIGGER ALL"),
    }
}

/// The table that has the constraint: a partition may have one of its own.
fn constrained(catalog: &Catalog, id: ReferenceId) -> String {
    let reference = catalog.reference(id);
    quote_table(reference.partition.as_ref().unwrap_or(&catalog.table(reference.child).name))
}

pub fn analyze(dialect: Dialect, table: &Table) -> String {
    format!("{} {}", dialect.analyze(), relation(dialect, &table.name))
}

/// The privilege that lets orgsweep stop triggers on INSERT, where there is one.
pub fn grant_silence(dialect: Dialect, role: &str) -> Option<String> {
    (dialect == Dialect::Postgres).then(|| grant_replica_role(role))
}

/// What stops triggers and rules while rows are put back.
pub fn silencing(dialect: Dialect, kinds: Kinds, needs_privilege: bool) -> String {
    let disable = match kinds {
        Kinds { rules: false, .. } => "DISABLE TRIGGER",
        Kinds { triggers: false, .. } => "DISABLE RULE",
        _ => "DISABLE TRIGGER and DISABLE RULE",
    };
    match dialect {
        Dialect::Postgres if needs_privilege => format!(
            "GRANT SET ON PARAMETER session_replication_role (PostgreSQL 15) lets orgsweep stop it, \
             ALTER TABLE … {disable} does so meanwhile"
        ),
        Dialect::Postgres => format!("ALTER TABLE … {disable} stops it meanwhile"),
        Dialect::Sqlite | Dialect::Mysql(_) => "drop it meanwhile".into(),
    }
}
