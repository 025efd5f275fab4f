//! A case in a real database: loaded, dumped, deleted from by the engine, loaded again.

use super::contract::{RowId, Rows};
use super::schema::{Case, Column, Data, Kind, Row, Schema, TRIGGER_LOG, quote};
use crate::support::{Backend, TestDatabase};
use orgsweep::engine::{Dialect, Statement, literal};

/// One database that many cases are loaded into, one after the other.
pub struct Arena {
    pub db: TestDatabase,
    loads: usize,
}

/// PostgreSQL's own catalog grows with every dropped schema, and everything slows down.
const LOADS_PER_DATABASE: usize = 25;

impl Arena {
    /// `None` where the backend's server is missing.
    pub fn open(backend: Backend) -> Option<Arena> {
        Some(Arena { db: TestDatabase::fresh(backend)?, loads: 0 })
    }

    /// Replaces whatever is there by this case.
    pub fn load(&mut self, case: &Case) {
        let renew = self.db.is_sqlite() || self.loads.is_multiple_of(LOADS_PER_DATABASE);
        self.loads += 1;
        if renew {
            self.db = TestDatabase::fresh(self.db.backend).expect("it was there before");
        }
        if self.db.backend == Backend::Mysql {
            return self.load_mysql(case);
        }
        self.db.execute(self.db.either(
            "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF",
            "SET client_min_messages = error; DROP SCHEMA IF EXISTS \"Extra\" CASCADE; \
             DO $$ BEGIN EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', current_user); END $$; \
             DROP SCHEMA public CASCADE; CREATE SCHEMA public",
        ));
        if case.schema.wal {
            self.db.query("PRAGMA journal_mode = WAL");
        }
        self.db.execute(&format!("BEGIN;\n{}COMMIT;", case.schema.script(&case.data)));
        if self.db.is_sqlite() {
            let dangling = self.db.query("PRAGMA foreign_key_check");
            assert!(dangling.is_empty(), "the case itself is broken: {dangling:?}");
        } else {
            self.pretend_sizes(case.seed);
        }
    }

    fn load_mysql(&self, case: &Case) {
        let tables = self.db.dump().into_keys();
        let drop: String = tables.map(|name| format!("DROP TABLE {}; ", quote(&name))).collect();
        let script = case.schema.script(&case.data);
        self.db.with(|db| {
            db.run(&format!(
                "SET foreign_key_checks = 0; {drop} {script} SET foreign_key_checks = 1"
            ))
            .unwrap_or_else(|error| panic!("{error}\nin: {script}"));
        });
        let dangling = self.db.dangling();
        assert!(dangling.is_empty(), "the case itself is broken: {dangling:?}");
    }

    /// Lets PostgreSQL's statistics call about half of the tables large, others with the next seed, so
    /// that the ways of large tables are taken too.
    fn pretend_sizes(&self, seed: u64) {
        self.db.execute(&format!(
            "UPDATE pg_class SET reltuples = \
             CASE WHEN hashtext(relname || '{seed}') % 2 = 0 THEN 100000 ELSE 2 END \
             WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', '\"Extra\"')"
        ));
    }

    /// Puts the rows back after a deletion.
    pub fn reload(&self, case: &Case) {
        let tables = case.schema.tables.iter();
        let empty: String = tables.map(|t| format!("DELETE FROM {};\n", t.sql_name())).collect();
        let (off, on) = match self.db.backend {
            Backend::Sqlite => ("PRAGMA foreign_keys = OFF", ""),
            Backend::Postgres => {
                ("SET session_replication_role = replica", "SET session_replication_role = origin")
            }
            Backend::Mysql => ("SET foreign_key_checks = 0", "SET foreign_key_checks = 1"),
        };
        let inserts = case.schema.inserts(&case.data);
        let log = if case.schema.triggers.is_empty() {
            String::new()
        } else {
            format!("DELETE FROM {TRIGGER_LOG};\n")
        };
        self.db.execute(&format!("{off}; BEGIN;\n{empty}{log}{inserts}COMMIT; {on}"));
    }

    /// Rows dangle, though MySQL checks them.
    pub fn is_broken(&self) -> bool {
        self.db.is_mysql_itself() && !self.db.dangling().is_empty()
    }

    /// Every row, in the order of the case's tables and columns.
    pub fn dump(&self, schema: &Schema) -> Data {
        let rows = |sql: String| {
            let rows = self.db.with(|db| db.query(&Statement::from(sql.as_str())));
            rows.expect("a dump").into_iter().map(|row| row.0).collect::<Vec<Row>>()
        };
        let type_name = if self.db.backend == Backend::Mysql { "CHAR" } else { "text" };
        let text = |column: &Column| match column.kind {
            // (`quote` of a null is a text.)
            Kind::Untyped => format!("nullif(quote({}), 'NULL')", quote(&column.name)),
            _ => format!("CAST({} AS {type_name})", quote(&column.name)),
        };
        let table = |table: &super::schema::Table| {
            let columns: Vec<String> = table.columns.iter().map(&text).collect();
            rows(format!("SELECT {} FROM {}", columns.join(", "), table.sql_name()))
        };
        schema.tables.iter().map(table).collect()
    }

    /// The tables, by number, of which triggers saw a row go, each as often as they did.
    pub fn trigger_log(&self, schema: &Schema) -> Vec<usize> {
        if schema.triggers.is_empty() {
            return Vec::new();
        }
        let lines = self.db.query(&format!("SELECT line FROM {TRIGGER_LOG} ORDER BY line"));
        lines.into_iter().flatten().flatten().map(|line| line.parse().expect("a number")).collect()
    }

    /// What the engine's own `DELETE` of these root rows leaves, or its error.
    pub fn engine_deletes(&self, case: &Case, selected: &Rows) -> Result<Data, String> {
        let id = |(_, row): &RowId| literal(case.data[0][*row][0].as_deref().expect("a key"));
        let ids: Vec<String> = selected.iter().map(id).collect();
        let enforce = match case.schema.dialect {
            Dialect::Sqlite => "PRAGMA foreign_keys = ON;",
            Dialect::Postgres | Dialect::Mysql(_) => "",
        };
        let delete = format!("DELETE FROM organizations WHERE id IN ({})", ids.join(", "));
        let outcome = self.db.with(|db| {
            let outcome = db.run(&format!("{enforce} BEGIN; {delete}; COMMIT;"));
            if outcome.is_err() {
                // The transaction may be gone already.
                let _ = db.run("ROLLBACK");
            }
            outcome
        });
        outcome.map(|()| self.dump(&case.schema)).map_err(|error| error.message)
    }
}
