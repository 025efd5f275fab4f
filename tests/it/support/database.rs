//! A database of its own for every test, dropped afterwards.

use super::mysql;
use super::process::{Invocation, Outcome};
use super::rows::Dump;
use super::skip;
use orgsweep::database::{Database, Target};
use orgsweep::engine::{Statement, literal, quote};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
    /// MariaDB.
    Mysql,
}

impl Backend {
    /// As tests are named after it.
    pub fn named(name: &str) -> Backend {
        match name {
            "sqlite" => Backend::Sqlite,
            "postgres" => Backend::Postgres,
            "mysql" => Backend::Mysql,
            other => panic!("no backend {other}"),
        }
    }
}

/// The superuser's URL of the throw-away server that `tests/run` starts, or `None`, said loudly.
pub fn postgres_url() -> Option<String> {
    let url = std::env::var("ORGSWEEP_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        skip("ORGSWEEP_TEST_POSTGRES is not set: run tests/run, which starts a server");
    }
    url
}

/// Its version, 180004 for 18.4; 0 where there is none.
pub fn postgres_version() -> u64 {
    static VERSION: OnceLock<u64> = OnceLock::new();
    *VERSION.get_or_init(|| {
        let url = std::env::var("ORGSWEEP_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
        let Some(target) = url.and_then(|url| Target::parse(&url).ok()) else { return 0 };
        let question = Statement::from("SELECT current_setting('server_version_num')");
        let mut server = Database::connect(&target, false).expect("the server answers");
        server.query_one(&question).and_then(|row| row.count(0)).expect("a version")
    })
}

/// The same of the throw-away MariaDB server.
pub fn mysql_url() -> Option<String> {
    let url = std::env::var("ORGSWEEP_TEST_MYSQL").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        skip("ORGSWEEP_TEST_MYSQL is not set: run tests/run, which starts a server");
    }
    url
}

/// A fresh database. Its own connection opens when it is first needed.
pub struct TestDatabase {
    pub backend: Backend,
    url: String,
    /// The superuser's URL of its server; empty for a file.
    server: String,
    connection: RefCell<Option<Database>>,
    /// Server-wide roles made for this test.
    roles: RefCell<Vec<String>>,
    /// An empty directory: the SQLite file's, and where the binary runs.
    directory: TempDir,
}

/// A login role with a password.
pub struct Role {
    pub name: String,
    pub password: String,
    pub url: String,
}

impl TestDatabase {
    /// An empty database, or `None` where the backend's server is missing.
    pub fn fresh(backend: Backend) -> Option<TestDatabase> {
        let directory = TempDir::new().expect("a temporary directory");
        match backend {
            Backend::Sqlite => {
                let path = directory.path().join("test.db");
                std::fs::File::create(&path).expect("an empty SQLite file");
                let url = format!("sqlite:{}", path.display());
                Some(Self::open(backend, url, String::new(), directory))
            }
            Backend::Postgres => Some(Self::on(&postgres_url()?)),
            Backend::Mysql => Some(Self::on_mysql(&mysql_url()?)),
        }
    }

    /// An empty database on this MariaDB server. Texts compare as they do in the other engines.
    pub fn on_mysql(server: &str) -> TestDatabase {
        let directory = TempDir::new().expect("a temporary directory");
        let name = unique("orgsweep_test");
        let url = with_database(server, &name);
        let db = Self::open(Backend::Mysql, url, server.to_owned(), directory);
        let quoted = quote(&name);
        let own = server == mysql_url().unwrap_or_default() && mysql::is_mysql_itself();
        let collation = if own { "utf8mb4_0900_bin" } else { "utf8mb4_nopad_bin" };
        db.admin(&format!("CREATE DATABASE {quoted} CHARACTER SET utf8mb4 COLLATE {collation}"));
        db
    }

    /// An empty database on this PostgreSQL server.
    pub fn on(server: &str) -> TestDatabase {
        let directory = TempDir::new().expect("a temporary directory");
        let name = unique("orgsweep_test");
        let url = with_database(server, &name);
        let db = Self::open(Backend::Postgres, url, server.to_owned(), directory);
        db.admin(&format!("CREATE DATABASE {}", quote(&name)));
        db
    }

    /// Another database with the same contents.
    pub fn copy(&self) -> TestDatabase {
        self.close();
        let directory = TempDir::new().expect("a temporary directory");
        match self.backend {
            Backend::Sqlite => {
                let path = directory.path().join("test.db");
                std::fs::copy(self.path(), &path).expect("a copy of the SQLite file");
                let url = format!("sqlite:{}", path.display());
                Self::open(self.backend, url, String::new(), directory)
            }
            Backend::Postgres => {
                let name = unique("orgsweep_copy");
                let url = with_database(&self.url, &name);
                let copy = Self::open(self.backend, url, self.server.clone(), directory);
                let template = quote(self.name());
                copy.admin(&format!("CREATE DATABASE {} TEMPLATE {template}", quote(&name)));
                copy
            }
            Backend::Mysql => self.copy_mysql(),
        }
    }

    fn copy_mysql(&self) -> TestDatabase {
        let copy = Self::fresh(Backend::Mysql).expect("it was there before");
        mysql::copy(self, &copy);
        copy
    }

    fn open(backend: Backend, url: String, server: String, directory: TempDir) -> TestDatabase {
        let (connection, roles) = (RefCell::new(None), RefCell::new(Vec::new()));
        TestDatabase { backend, url, server, connection, roles, directory }
    }

    /// Runs one statement on the server's own database.
    fn admin(&self, sql: &str) {
        let target = Target::parse(&self.server).expect("a valid URL of the server");
        let result = Database::connect(&target, false).and_then(|mut server| server.run(sql));
        // A second panic while a failed test unwinds would hide the first.
        match result {
            Err(error) if std::thread::panicking() => eprintln!("{error}\nin: {sql}"),
            result => result.unwrap_or_else(|error| panic!("{error}\nin: {sql}")),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// PostgreSQL's name of the database.
    pub fn name(&self) -> &str {
        let path = self.url.rsplit('/').next().unwrap_or_default();
        path.split('?').next().unwrap_or_default()
    }

    /// The SQLite file.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(self.url.trim_start_matches("sqlite:"))
    }

    /// The test's own directory, where the binary runs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn is_sqlite(&self) -> bool {
        self.backend == Backend::Sqlite
    }

    /// Picks the text for this backend, where MariaDB understands PostgreSQL's.
    pub fn either<'a>(&self, sqlite: &'a str, postgres: &'a str) -> &'a str {
        if self.is_sqlite() { sqlite } else { postgres }
    }

    /// Picks the text for this backend.
    pub fn pick<'a>(&self, sqlite: &'a str, postgres: &'a str, mysql: &'a str) -> &'a str {
        match self.backend {
            Backend::Sqlite => sqlite,
            Backend::Postgres => postgres,
            Backend::Mysql => mysql,
        }
    }

    /// It is on MySQL, and not on MariaDB.
    pub fn is_mysql_itself(&self) -> bool {
        self.backend == Backend::Mysql && mysql::is_mysql_itself()
    }

    /// A separate connection, for sessions that compete.
    pub fn connect(&self) -> Database {
        let target = Target::parse(&self.url).expect("a valid URL");
        let mut database =
            Database::connect(&target, false).expect("a connection to the test database");
        if self.backend == Backend::Mysql {
            database.run(mysql::session(database.dialect())).expect("a mode that it knows");
        }
        database
    }

    /// Runs `work` on the test's own connection (PostgreSQL: as superuser).
    pub fn with<T>(&self, work: impl FnOnce(&mut Database) -> T) -> T {
        work(self.connection.borrow_mut().get_or_insert_with(|| self.connect()))
    }

    /// Closes the test's own connection until it is needed again.
    pub fn close(&self) {
        self.connection.borrow_mut().take();
    }

    /// Runs a batch of statements.
    pub fn execute(&self, sql: &str) {
        let own = match self.backend {
            Backend::Mysql => &mysql::translated(sql),
            _ => sql,
        };
        self.with(|db| db.run(own)).unwrap_or_else(|error| panic!("{error}\nin: {own}"));
    }

    /// The rows of a SELECT, every value as text.
    pub fn query(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let sql = sql.trim().trim_end_matches(';');
        let own = match self.backend {
            Backend::Mysql => &mysql::translated(sql),
            _ => sql,
        };
        let sql = own;
        let run = |text: &str| {
            self.with(|db| db.query(&Statement::from(text)))
                .unwrap_or_else(|error| panic!("{error}\nin: {sql}"))
        };
        match self.backend {
            Backend::Sqlite | Backend::Mysql => run(sql).into_iter().map(|row| row.0).collect(),
            // Binary results: the server writes each row as a JSON list of texts.
            Backend::Postgres => run(&format!(
                "SELECT array_to_json(ARRAY(SELECT value FROM json_each_text(row_to_json(q))))::text \
                 FROM ({sql}) AS q"
            ))
            .iter()
            .map(|row| serde_json::from_str(row.text(0)).expect("a JSON list"))
            .collect(),
        }
    }

    /// The single value of a SELECT; NULL and no row are the empty string.
    pub fn value(&self, sql: &str) -> String {
        self.query(sql).into_iter().flatten().next().flatten().unwrap_or_default()
    }

    pub fn count(&self, table: &str) -> i64 {
        self.value(&format!("SELECT count(*) FROM {table}")).parse().expect("a count")
    }

    /// Every row of every user table as text, sorted, by table name (with the schema unless it is
    /// `public`). Partitions stand for their partitioned table; views and virtual tables are left out.
    pub fn dump(&self) -> Dump {
        let tables = match self.backend {
            Backend::Sqlite => self.query(
                "SELECT name, NULL FROM pragma_table_list \
                 WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
            ),
            Backend::Postgres => self.query(
                "SELECT relname, nspname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace \
                 WHERE relkind = 'r' AND nspname <> 'information_schema' AND nspname !~ '^pg_'",
            ),
            Backend::Mysql => return mysql::dump(self),
        };
        let rows = |table: Vec<Option<String>>| {
            let name = table[0].clone().unwrap_or_default();
            match table[1].as_deref() {
                None => (name.clone(), self.sqlite_rows(&name)),
                Some("public") => (name.clone(), self.postgres_rows("public", &name)),
                Some(schema) => (format!("{schema}.{name}"), self.postgres_rows(schema, &name)),
            }
        };
        tables.into_iter().map(rows).collect()
    }

    fn sqlite_rows(&self, table: &str) -> Vec<String> {
        let columns = self.query(&format!(
            "SELECT name FROM pragma_table_xinfo({}) WHERE hidden <> 1",
            literal(table)
        ));
        let columns = columns.into_iter().flatten().flatten();
        let quoted: Vec<_> = columns.map(|name| format!("quote({})", quote(&name))).collect();
        let row = quoted.join(" || ', ' || ");
        self.texts(&format!("SELECT {row} FROM {}", quote(table)))
    }

    fn postgres_rows(&self, schema: &str, table: &str) -> Vec<String> {
        let from = format!("{}.{}", quote(schema), quote(table));
        self.texts(&format!("SELECT orgsweep_row::text FROM ONLY {from} AS orgsweep_row"))
    }

    /// One column of text, sorted here: engines differ in how.
    fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.with(|db| db.query(&Statement::from(sql)));
        let rows = rows.unwrap_or_else(|error| panic!("{error}\nin: {sql}"));
        let mut texts: Vec<_> = rows.iter().map(|row| row.text(0).to_owned()).collect();
        texts.sort_unstable();
        texts
    }

    /// Child rows whose foreign key points nowhere, as text.
    pub fn dangling(&self) -> BTreeSet<String> {
        let rows = |sql: &str| self.query(sql).into_iter().flatten().flatten();
        match self.backend {
            Backend::Sqlite => rows(
                "SELECT \"table\" || ' ' || rowid || ' ' || parent || ' ' || fkid \
                 FROM pragma_foreign_key_check",
            )
            .collect(),
            Backend::Postgres => {
                let queries: Vec<_> = rows(include_str!("dangling.sql")).collect();
                queries.iter().flat_map(|query| rows(query)).collect()
            }
            Backend::Mysql => mysql::dangling(self).iter().flat_map(|query| rows(query)).collect(),
        }
    }

    /// Rows and their digest, by table.
    pub fn fingerprint(&self) -> BTreeMap<String, (usize, u64)> {
        let digest = |(table, rows): (String, Vec<String>)| {
            let mut hasher = DefaultHasher::new();
            rows.hash(&mut hasher);
            (table, (rows.len(), hasher.finish()))
        };
        self.dump().into_iter().map(digest).collect()
    }

    /// A new login role with a password and no privileges. Not on SQLite.
    pub fn role(&self) -> Role {
        let name = unique("orgsweep_role");
        let password = format!("S3cret-{name}");
        match self.backend {
            Backend::Mysql => self.admin(&format!(
                "CREATE USER {} IDENTIFIED BY {}",
                quote(&name),
                literal(&password)
            )),
            _ => self.admin(&format!(
                "CREATE ROLE {} LOGIN PASSWORD {}",
                quote(&name),
                literal(&password)
            )),
        }
        self.roles.borrow_mut().push(name.clone());
        let url = with_user(&self.url, &name, &password);
        Role { name, password, url }
    }

    /// The binary, aimed at this database, in the test's empty directory.
    pub fn command(&self, arguments: &[&str]) -> Invocation {
        let target = ["--database-url", self.url()];
        Invocation::new(&[&target, arguments].concat()).directory(self.directory.path())
    }

    /// Runs the binary on this database.
    pub fn orgsweep(&self, arguments: &[&str]) -> Outcome {
        self.command(arguments).run()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        self.close();
        if self.backend == Backend::Postgres {
            self.admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote(self.name())));
            for role in self.roles.borrow().iter() {
                self.admin(&format!("DROP ROLE IF EXISTS {}", quote(role)));
            }
        }
        if self.backend == Backend::Mysql {
            self.admin(&format!("DROP DATABASE IF EXISTS {}", quote(self.name())));
            for role in self.roles.borrow().iter() {
                self.admin(&format!("DROP USER IF EXISTS {}", quote(role)));
            }
        }
    }
}

fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{}_{number}_{:08x}", std::process::id(), fastrand::u32(..))
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (base, parameters) = url.split_once('?').map_or((url, None), |(b, p)| (b, Some(p)));
    let (server, _) = base.rsplit_once('/').expect("a URL with a database name");
    let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
    format!("{server}/{name}{parameters}")
}

/// The same database, another user.
fn with_user(url: &str, user: &str, password: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{user}:{password}@{host}")
}
