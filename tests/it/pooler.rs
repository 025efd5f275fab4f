//! PostgreSQL behind PgBouncer in transaction pooling: a server for each transaction, another one for the
//! next, which somebody else has used meanwhile. No session outlives its transaction, and none is changed.

use crate::support::*;
use orgsweep::database::{Database, Target};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const APEX: &str = "Apex Innovations Inc.";
/// Fewer servers than clients.
const SERVERS: usize = 2;

struct Pooler {
    process: Child,
    url: String,
    /// Its settings and log.
    _directory: TempDir,
}

impl Pooler {
    /// In front of the database; `None`, said loudly, where the program is missing.
    fn start(db: &TestDatabase) -> Option<Pooler> {
        let places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
        let Some(program) = places.map(PathBuf::from).into_iter().find(|it| it.exists()) else {
            skip("pgbouncer is not installed");
            return None;
        };
        let directory = TempDir::new().expect("a temporary directory");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let settings = directory.path().join("settings");
        fs::write(&settings, configuration(db, port)).expect("its settings");
        let mut command = Command::new(program);
        if unprivileged(directory.path()) {
            command.args(["-u", "nobody"]);
        }
        let process = command.arg(&settings).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let url = format!("postgres://postgres@127.0.0.1:{port}/{}", db.name());
        let pooler = Pooler { process: process.expect("the pooler"), url, _directory: directory };
        let patience = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "the pooler does not start");
            thread::sleep(Duration::from_millis(10));
        }
        Some(pooler)
    }

    fn command(&self, db: &TestDatabase, arguments: &[&str]) -> Invocation {
        let target = ["--database-url", &self.url];
        Invocation::new(&[&target, arguments].concat()).directory(db.directory())
    }

    fn orgsweep(&self, db: &TestDatabase, arguments: &[&str]) -> Outcome {
        self.command(db, arguments).run()
    }

    fn session(&self) -> Database {
        let target = Target::parse(&self.url).expect("a valid URL");
        Database::connect(&target, false).expect("a session")
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(db: &TestDatabase, port: u16) -> String {
    let (_, rest) = db.url().split_once('@').expect("a URL with a user");
    let (host, server_port) =
        rest.split('/').next().and_then(|it| it.split_once(':')).expect("an address");
    format!(
        "[databases]\n* = host={host} port={server_port} user=postgres\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = any\npool_mode = transaction\ndefault_pool_size = {SERVERS}\n\
         max_client_conn = 50\n"
    )
}

/// Whether root would run it, which it refuses; its directory is then open to others.
fn unprivileged(directory: &Path) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let metadata = fs::metadata(directory).expect("the directory");
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("its permissions");
    metadata.uid() == 0
}

/// Everything of Apex, or nothing, as the CRM's tables have it.
fn deals(db: &TestDatabase) -> i64 {
    db.count(&format!(
        "deals WHERE organization_id IN (SELECT id FROM organizations WHERE name = '{APEX}')"
    ))
}

fn pooled() -> Option<(TestDatabase, Pooler)> {
    let db = TestDatabase::fresh(Backend::Postgres)?;
    let pooler = Pooler::start(&db)?;
    pooler.orgsweep(&db, &["migrate"]).exits(0);
    pooler.orgsweep(&db, &["seed", "--organizations", "6"]).exits(0);
    Some((db, pooler))
}

#[test]
fn the_whole_story_works_through_a_pooler() {
    let Some((db, pooler)) = pooled() else { return };
    let before = db.dump();
    let archives = db.directory().join("archives").display().to_string();
    for flags in [
        &["--reference-checks", "set"][..],
        &["--reference-checks", "engine"],
        &["--batch-rows", "10"],
    ] {
        let kept = ["--force", "--archive-dir", &archives];
        let of_apex = |command, rest: &[&str]| {
            let named = [command, "--org-name", APEX];
            pooler.orgsweep(&db, &[&named[..], rest].concat())
        };
        of_apex("preview", &["--force"]).exits(0);
        let clean = [&kept[..], &["--yes", "--format", "json"], flags].concat();
        let cleaned = of_apex("clean", &clean).exits(0).json();
        assert_eq!(deals(&db), 0, "{flags:?}");
        of_apex("verify", &[]).exits(0);
        let written = cleaned["archives"].as_array().expect("archives");
        assert!(!written.is_empty(), "{cleaned}");
        // The newest first: it has the rows that others name.
        for archive in written.iter().rev() {
            pooler.orgsweep(&db, &["restore", archive.as_str().expect("a path")]).exits(0);
        }
        let changed = changes(&before, &db.dump());
        assert!(changed.is_empty(), "{flags:?}: {changed}");
    }
}

/// What a run has set, or made, would be met by whoever is given the server next.
#[test]
fn runs_at_once_share_servers_and_leave_nothing_on_them() {
    let Some((db, pooler)) = pooled() else { return };
    let names = db.query("SELECT name FROM organizations");
    let names: Vec<String> = names.into_iter().flatten().flatten().collect();
    assert!(names.len() > SERVERS + 1, "{names:?}");
    thread::scope(|scope| {
        for (n, name) in names.iter().enumerate() {
            let checks = ["set", "engine"][n % 2];
            let arguments = [
                "clean",
                "--org-name",
                name,
                "--force",
                "--yes",
                "--no-archive",
                "--reference-checks",
                checks,
            ];
            let run = pooler.command(&db, &arguments);
            scope.spawn(move || run.run().exits(0));
        }
    });
    assert_eq!(db.count("organizations"), 0);
    let temporary = "SELECT count(*) FROM pg_class WHERE relpersistence = 't'";
    assert_eq!(db.value(temporary), "0");
    let mut sessions: Vec<_> = (0..SERVERS).map(|_| pooler.session()).collect();
    for session in &mut sessions {
        session.run("BEGIN").expect("a server of its own");
        for (setting, usual) in [
            ("session_replication_role", "origin"),
            ("lock_timeout", "0"),
            ("statement_timeout", "0"),
        ] {
            let now = session.query_one(&format!("SHOW {setting}").into()).expect("a setting");
            assert_eq!(now.text(0), usual, "{setting}");
        }
    }
}
