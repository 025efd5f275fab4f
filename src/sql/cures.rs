//! Statements that cure what `doctor` finds: shown, and run only where a flag asks for it.

use super::{Dialect, quote, quote_table};
use crate::catalog::{Catalog, ReferenceId, Table, TableId};

/// An index that finds the child rows of a key. `CONCURRENTLY` keeps writers going; inside a
/// transaction it cannot run.
pub fn create_index(dialect: Dialect, catalog: &Catalog, id: ReferenceId) -> String {
    let reference = catalog.reference(id);
    let table = reference.partition.as_ref().unwrap_or(&catalog.table(reference.child).name);
    let columns: Vec<String> = reference.columns.iter().map(|column| quote(column)).collect();
    let columns = columns.join(", ");
    let name = quote(&index_name(&table.name, &reference.columns));
    match dialect {
        Dialect::Sqlite => {
            format!("CREATE INDEX {name} ON {} ({columns})", quote(&table.name))
        }
        Dialect::Postgres => {
            format!("CREATE INDEX CONCURRENTLY {name} ON {} ({columns})", quote_table(table))
        }
        Dialect::Mysql => format!("CREATE INDEX {name} ON {} ({columns})", quote_table(table)),
    }
}

/// PostgreSQL cuts names at 63 bytes, and would then complain of a second one.
fn index_name(table: &str, columns: &[String]) -> String {
    const LONGEST: usize = 63;
    let name = format!("{table}_{}_idx", columns.join("_"));
    match name.len() <= LONGEST {
        true => name,
        false => {
            let mut hasher = std::hash::DefaultHasher::new();
            std::hash::Hash::hash(&name, &mut hasher);
            let mut short: String = name.chars().take(40).collect();
            while short.len() > LONGEST - 17 {
                short.pop();
            }
            format!("{short}_{:016x}", std::hash::Hasher::finish(&hasher))
        }
    }
}

pub fn grant(privilege: &str, table: &Table, role: &str) -> String {
    format!("GRANT {privilege} ON {} TO {}", quote_table(&table.name), quote(role))
}

pub fn grant_replica_role(role: &str) -> String {
    format!("GRANT SET ON PARAMETER session_replication_role TO {}", quote(role))
}

pub fn bypass_row_security(role: &str) -> String {
    format!("ALTER ROLE {} BYPASSRLS", quote(role))
}

pub fn drop_not_null(table: &Table, column: &str) -> String {
    format!("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", quote_table(&table.name), quote(column))
}

pub fn add_key(table: &Table) -> String {
    format!(
        "ALTER TABLE {} ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        quote_table(&table.name)
    )
}

pub fn replica_identity(table: &Table) -> String {
    format!("ALTER TABLE {} REPLICA IDENTITY FULL", quote_table(&table.name))
}

pub fn validate(catalog: &Catalog, id: ReferenceId) -> Option<String> {
    let reference = catalog.reference(id);
    let table = quote_table(&catalog.table(reference.child).name);
    let name = quote(reference.name.as_deref()?);
    Some(format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}"))
}

pub fn enable_triggers(catalog: &Catalog, table: TableId) -> String {
    format!("ALTER TABLE {} ENABLE TRIGGER ALL", quote_table(&catalog.table(table).name))
}

pub fn analyze(dialect: Dialect, table: &Table) -> String {
    match dialect {
        Dialect::Sqlite => format!("ANALYZE {}", quote(&table.name.name)),
        Dialect::Postgres => format!("ANALYZE {}", quote_table(&table.name)),
        Dialect::Mysql => format!("ANALYZE TABLE {}", quote_table(&table.name)),
    }
}
