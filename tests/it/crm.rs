//! The built-in CRM on every backend: migrations, the typed schema, seed data. A server is used where
//! `ORGSWEEP_TEST_POSTGRES` or `ORGSWEEP_TEST_MYSQL` names a superuser's maintenance database.

use diesel::prelude::*;
use orgsweep::crm::{migrate, schema, seed};
use orgsweep::database::{Database, Driver, Target};
use orgsweep::engine::{Dialect, Statement};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;
use time::PrimitiveDateTime;

/// An empty database of its own; gone when dropped.
struct Fresh {
    target: Target,
    /// Removes the SQLite file when dropped.
    _folder: Option<TempDir>,
    /// On the server: the maintenance database, and what to drop from there.
    on_server: Option<(Target, String)>,
}

impl Fresh {
    fn sqlite() -> Fresh {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm.db");
        let target = Target::parse(&format!("sqlite:{}", path.display())).unwrap();
        Fresh { target, _folder: Some(folder), on_server: None }
    }

    /// A database on the server that `variable` names.
    fn on_server(variable: &str) -> Option<Fresh> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = std::env::var(variable) else {
            eprintln!("skipped: {variable} is not set");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("crm_{}_{number}", std::process::id());
        let maintenance = Target::parse(&url).unwrap();
        let mut server = Database::connect(&maintenance, false).unwrap();
        server.run(&format!("CREATE DATABASE {name}")).unwrap();
        let (server, parameters) = url.split_at(url.find('?').unwrap_or(url.len()));
        let (server, _) = server.rsplit_once('/').unwrap();
        let target = Target::parse(&format!("{server}/{name}{parameters}")).unwrap();
        Some(Fresh { target, _folder: None, on_server: Some((maintenance, name)) })
    }

    fn connect(&self) -> Database {
        let mut database = Database::connect(&self.target, true).unwrap();
        if database.dialect().is_mysql() {
            let like_others = "SET SESSION sql_mode = concat(@@sql_mode, ',PIPES_AS_CONCAT')";
            database.run(like_others).unwrap();
        }
        database
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Some((maintenance, name)) = &self.on_server {
            let mut server = Database::connect(maintenance, false).unwrap();
            let force = if server.dialect() == Dialect::Postgres { " WITH (FORCE)" } else { "" };
            server.run(&format!("DROP DATABASE {name}{force}")).unwrap();
        }
    }
}

/// Runs a test's body on an empty database of each backend.
fn on_each_backend(mut body: impl FnMut(&mut Database)) {
    let servers = ["ORGSWEEP_TEST_POSTGRES", "ORGSWEEP_TEST_MYSQL"].map(Fresh::on_server);
    for fresh in [Some(Fresh::sqlite())].into_iter().chain(servers).flatten() {
        body(&mut fresh.connect());
    }
}

fn migrate(database: &mut Database) -> Vec<String> {
    migrate::run(database, &mut |_| {}).unwrap()
}

fn small() -> seed::Options {
    seed::Options { organizations: 3, rows: 200, other_rows: 70, seed: 7 }
}

fn seed(database: &mut Database, options: &seed::Options) -> seed::Summary {
    seed::run(database, options, &mut |_| {}).unwrap()
}

fn texts(database: &mut Database, sql: &str) -> Vec<String> {
    let rows = database.query(&Statement::from(sql)).unwrap();
    rows.iter().map(|row| row.text(0).to_owned()).collect()
}

fn number(database: &mut Database, sql: &str) -> i64 {
    texts(database, sql)[0].parse().unwrap()
}

/// All rows as text, loaded by the typed schema and sorted. Compiles only when the schema has these
/// types; runs only when the database has its columns, of those types.
macro_rules! dump_tables {
    ($($table:ident: $row:ty),* $(,)?) => {
        fn dump(database: &mut Database) -> Vec<String> {
            let mut lines = Vec::new();
            $(
                let query = schema::$table::table;
                let rows: Vec<$row> = match database.driver() {
                    Driver::Sqlite(connection) => query.load(connection),
                    Driver::Postgres(connection) => query.load(connection),
                    Driver::Mysql(connection) => query.load(connection),
                }
                .unwrap();
                lines.extend(rows.iter().map(|row| format!("{} {row:?}", stringify!($table))));
            )*
            lines.sort();
            lines
        }

        /// Table and column names of the typed schema, as `table.column`.
        fn typed_columns() -> BTreeSet<String> {
            let mut names = BTreeSet::new();
            $(
                let query = schema::$table::table.select(schema::$table::all_columns);
                let columns = diesel::debug_query::<diesel::pg::Pg, _>(&query).to_string();
                let columns = columns.split(" FROM ").next().unwrap().trim_start_matches("SELECT ");
                names.extend(columns.split(", ").map(|column| column.replace('"', "")));
            )*
            names
        }
    };
}

type Time = PrimitiveDateTime;

dump_tables! {
    organizations: (i64, String, Time),
    permissions: (i64, String, String),
    roles: (i64, Option<i64>, String),
    role_permissions: (i64, i64),
    users: (i64, Option<i64>, Option<i64>, String, String, bool, Time),
    user_sessions: (i64, i64, String, Time, Time),
    notifications: (i64, i64, String, bool, Time),
    clients: (i64, i64, Option<i64>, String, Time),
    teams: (i64, i64, Option<i64>, String),
    team_members: (i64, i64),
    projects: (i64, i64, Option<i64>, String),
    team_projects: (i64, i64),
    deals: (i64, i64, i64, i64, String, String, i64, String, Time),
    payments: (i64, i64, Option<i64>, i64, Time),
    activity_logs: (i64, i64, Option<i64>, String, Time),
    commissions: (i64, i64, i64, i64),
}

#[test]
fn migrations_make_the_typed_schema_once() {
    on_each_backend(|database| {
        let mut heard = Vec::new();
        let applied = migrate::run(database, &mut |name| heard.push(name.to_owned())).unwrap();
        assert_eq!(applied, ["2026-11-22-000000_create_crm"]);
        assert_eq!(heard, applied);
        assert_eq!(migrate(database), [""; 0], "twice changes nothing");

        let columns = match database.dialect() {
            Dialect::Sqlite => {
                "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c
                 WHERE t.type = 'table' AND t.name NOT LIKE '%diesel%'"
            }
            Dialect::Postgres => {
                "SELECT (table_name || '.' || column_name)::text FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name NOT LIKE '%diesel%'"
            }
            Dialect::Mysql(_) => {
                "SELECT concat(TABLE_NAME, '.', COLUMN_NAME) FROM information_schema.COLUMNS
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT LIKE '%diesel%'"
            }
        };
        let columns: BTreeSet<String> = texts(database, columns).into_iter().collect();
        assert_eq!(columns, typed_columns());
    });
}

#[test]
fn migrations_go_back_to_nothing() {
    let down = |backend: &str| {
        let path = format!("migrations/crm/{backend}/2026-11-22-000000_create_crm/down.sql");
        std::fs::read_to_string(path).unwrap()
    };
    on_each_backend(|database| {
        migrate(database);
        seed(database, &small());
        let (down, left) = match database.dialect() {
            Dialect::Sqlite => {
                (down("sqlite"), "SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            Dialect::Postgres => (
                down("postgres"),
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
            ),
            Dialect::Mysql(_) => (
                down("mysql"),
                "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
            ),
        };
        database.run(&down).unwrap();
        assert_eq!(texts(database, left), ["__diesel_schema_migrations"]);
    });
}

#[test]
fn another_application_is_refused_and_left_alone() {
    let tables = typed_columns().into_iter().map(|name| name.split('.').next().unwrap().to_owned());
    let tables: BTreeSet<String> = tables.collect();
    assert_eq!(tables.len(), 16);
    on_each_backend(|database| {
        for table in &tables {
            let setup = format!("CREATE TABLE {} (id BIGINT PRIMARY KEY)", table.to_uppercase());
            refuses(database, &setup, table);
        }
        let migrations =
            "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY);
             INSERT INTO __diesel_schema_migrations VALUES ('20200101000000')";
        refuses(database, migrations, "__diesel_schema_migrations");
        assert_eq!(migrate(database).len(), 1, "an empty database is welcome again");
    });
}

/// Migrating is refused while the one table made by `setup` is there.
fn refuses(database: &mut Database, setup: &str, table: &str) {
    database.run(setup).unwrap();
    let error = migrate::run(database, &mut |_| {}).unwrap_err();
    let problem = orgsweep::exit::diagnose(&error);
    assert!(problem.message.contains(table) && problem.hint.is_some(), "{problem:?}");
    let tables = match database.dialect() {
        Dialect::Sqlite => "SELECT count(*) FROM sqlite_master WHERE type = 'table'",
        Dialect::Postgres => "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'",
        Dialect::Mysql(_) => {
            "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
        }
    };
    assert_eq!(number(database, tables), 1);
    let found = match database.dialect() {
        // Its names are those of files: their case counts.
        Dialect::Mysql(_) if table != "__diesel_schema_migrations" => table.to_uppercase(),
        _ => table.to_owned(),
    };
    database.run(&format!("DROP TABLE {found}")).unwrap();
}

#[test]
fn seeds_are_the_same_each_time_on_each_backend() {
    let mut dumps = Vec::new();
    for _ in 0..2 {
        on_each_backend(|database| {
            migrate(database);
            let summary = seed(database, &small());
            let rows = dump(database);
            assert_eq!(summary.rows, rows.len() as u64);
            assert_eq!(small().total_rows(), 200 + 70 + 70);
            assert_eq!(summary.rows - small().total_rows(), 6 + 1 + 6 + 2, "outside organizations");
            dumps.push(rows);
        });
    }
    assert!(dumps.windows(2).all(|pair| pair[0] == pair[1]));

    on_each_backend(|database| {
        migrate(database);
        seed(database, &seed::Options { seed: 8, ..small() });
        assert_ne!(dump(database), dumps[0], "another seed");
    });
}

#[test]
fn the_story_is_told() {
    on_each_backend(|database| {
        migrate(database);
        let summary = seed(database, &seed::Options { rows: 0, other_rows: 0, ..small() });
        assert_eq!(summary.created[..2], [seed::APEX, seed::GLOBAL]);

        let first_deal = "SELECT d.deal_id || ' - ' || d.name || ' for ' || c.name FROM deals d
             JOIN organizations o ON o.id = d.organization_id JOIN clients c ON c.id = d.client_id
             WHERE o.name = 'Apex Innovations Inc.' ORDER BY d.deal_id";
        assert_eq!(texts(database, first_deal)[0], "DLID0001 - Global Corp for Global Corp");
        let staff = "SELECT u.email || ' ' || r.name FROM users u JOIN roles r ON r.id = u.role_id
             WHERE u.organization_id = (SELECT id FROM organizations WHERE name = 'Apex Innovations Inc.')
             ORDER BY u.id";
        let staff = texts(database, staff);
        assert_eq!(staff[0], "ada.reyes@apex-innovations.test admin");
        assert_eq!(staff[1], "marcus.chen@apex-innovations.test manager");
        assert_eq!(staff[2], "priya.nair@apex-innovations.test sales");
        let nobodys = "SELECT u.email || ' ' || coalesce(r.name, 'no role') FROM users u
             LEFT JOIN roles r ON r.id = u.role_id AND r.organization_id IS NULL
             WHERE u.organization_id IS NULL ORDER BY u.id";
        let nobodys = texts(database, nobodys);
        assert!(nobodys[0].ends_with("@crm-platform.test super admin"), "{nobodys:?}");
        assert!(nobodys[1].ends_with("@closed-company.test no role"), "{nobodys:?}");
    });
}

#[test]
fn no_row_refers_to_another_organization() {
    on_each_backend(|database| {
        migrate(database);
        seed(database, &small());
        for (child, column, parent) in [
            ("users", "role_id", "roles"),
            ("clients", "created_by", "users"),
            ("deals", "created_by", "users"),
            ("deals", "client_id", "clients"),
            ("teams", "lead_id", "users"),
            ("projects", "client_id", "clients"),
        ] {
            let strangers = format!(
                "SELECT count(*) || '' FROM {child} c JOIN {parent} p ON p.id = c.{column}
                 WHERE p.organization_id <> c.organization_id"
            );
            assert_eq!(number(database, &strangers), 0, "{child}.{column}");
        }
        for (child, column) in
            [("payments", "recorded_by"), ("activity_logs", "user_id"), ("commissions", "user_id")]
        {
            let strangers = format!(
                "SELECT count(*) || '' FROM {child} c JOIN deals d ON d.id = c.deal_id
                 JOIN users u ON u.id = c.{column} WHERE u.organization_id <> d.organization_id"
            );
            assert_eq!(number(database, &strangers), 0, "{child}.{column}");
        }
    });
}

#[test]
fn what_was_cleaned_away_comes_back_and_the_rest_stays() {
    on_each_backend(|database| {
        migrate(database);
        seed(database, &small());
        let before = dump(database);

        let again = seed(database, &small());
        assert_eq!((again.rows, again.created.len(), again.existing.len()), (0, 0, 3));
        assert_eq!(dump(database), before);

        for _ in 0..2 {
            // What a forced clean-up does, in the order that RESTRICT asks for.
            for table in ["deals", "users", "organizations"] {
                let column = if table == "organizations" { "id" } else { "organization_id" };
                database
                    .run(&format!(
                        "DELETE FROM {table} WHERE {column} IN
                     (SELECT id FROM organizations WHERE name = 'Apex Innovations Inc.')"
                    ))
                    .unwrap();
            }
            let others = dump(database);
            let summary = seed(database, &small());
            assert_eq!((summary.rows, summary.created), (200, vec![seed::APEX.to_owned()]));
            let after = dump(database);
            assert_eq!(after.len(), before.len());
            assert!(others.iter().all(|row| after.binary_search(row).is_ok()));
        }
        if database.dialect() == Dialect::Sqlite {
            assert_eq!(texts(database, "SELECT \"table\" FROM pragma_foreign_key_check"), [""; 0]);
        }
    });
}

#[test]
fn the_engine_goes_on_after_the_seeded_keys() {
    on_each_backend(|database| {
        migrate(database);
        seed(database, &small());
        database.run("INSERT INTO organizations (name) VALUES ('By hand')").unwrap();
        database.run("INSERT INTO users (email, full_name) VALUES ('a@b.test', 'A B')").unwrap();
        let key = "SELECT id || '' FROM organizations WHERE name = 'By hand'";
        assert_eq!(number(database, key), 4);
    });
}

#[test]
fn a_failed_seed_leaves_nothing() {
    on_each_backend(|database| {
        let error = seed::run(database, &small(), &mut |_| {}).unwrap_err();
        assert!(format!("{error:#}").contains("orgsweep migrate"), "{error:#}");

        migrate(database);
        // An address is taken, which shows when the organizations are already written.
        database
            .run("INSERT INTO users (email, full_name) VALUES ('priya.nair@apex-innovations.test', 'x')")
            .unwrap();
        let before = dump(database);
        assert!(seed::run(database, &small(), &mut |_| {}).is_err());
        assert_eq!(dump(database), before);
    });
}

#[test]
fn many_rows_are_written_chunk_by_chunk() {
    on_each_backend(|database| {
        migrate(database);
        let options = seed::Options { organizations: 30, rows: 25_000, other_rows: 0, seed: 1 };
        let mut heard = Vec::new();
        let summary = seed::run(database, &options, &mut |rows| heard.push(rows)).unwrap();
        assert!(heard.len() > 2 && heard.is_sorted(), "{heard:?}");
        assert_eq!(*heard.last().unwrap(), summary.rows);
        assert_eq!(options.total_rows(), 25_000 + 29 * 63);
        assert_eq!(dump(database).len() as u64, summary.rows);
        let busiest = "SELECT max(deal_id) FROM deals";
        assert_eq!(texts(database, busiest), ["DLID3120"]);
    });
}
