//! A PostgreSQL server of a test's own, which it may stop and start as it likes.

use super::support::*;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// As a service manager stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Sessions are ended, then a checkpoint is written.
    Fast,
    /// Without a farewell, as in a crash: the next start recovers from the log.
    Immediate,
}

pub struct Server {
    control: Control,
    port: u16,
    /// Its data and logs.
    _directory: TempDir,
}

/// Starts and stops it; may be handed to whoever decides when.
#[derive(Clone)]
pub struct Control {
    programs: PathBuf,
    /// Who runs it: PostgreSQL refuses root.
    owner: Option<(u32, u32)>,
    directory: PathBuf,
}

impl Server {
    /// A running server, its programs those of the one that `tests/run` starts; `None` where that is
    /// missing, or on another machine.
    pub fn start() -> Option<Server> {
        let db = TestDatabase::fresh(Backend::Postgres)?;
        let programs = db.value("SELECT setting FROM pg_config() WHERE name = 'BINDIR'");
        let programs = PathBuf::from(programs);
        if !programs.join("initdb").exists() {
            skip("the server's programs are not on this machine");
            return None;
        }
        let directory = TempDir::new().expect("a temporary directory");
        let root = fs::metadata(directory.path()).expect("the directory").uid() == 0;
        let owner = root.then(unprivileged);
        if let Some((user, group)) = owner {
            chown(directory.path(), Some(user), Some(group)).expect("its own directory");
        }
        let port = free_port();
        let control = Control { programs, owner, directory: directory.path().to_owned() };
        let options = ["-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-A", "trust"];
        control.program("initdb", &options);
        // A commit that was answered must outlive a crash of the server. The machine does not crash.
        let configuration = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n\
             fsync = off\nsynchronous_commit = local\nsynchronous_standby_names = 'nobody'\nautovacuum = off\n"
        );
        fs::write(control.data().join("postgresql.auto.conf"), configuration)
            .expect("its settings");
        control.run(&["start"]);
        Some(Server { control, port, _directory: directory })
    }

    /// A hot standby of this server, which has replayed all that is committed by now.
    pub fn standby(&self) -> Server {
        let directory = TempDir::new().expect("a temporary directory");
        if let Some((user, group)) = self.control.owner {
            chown(directory.path(), Some(user), Some(group)).expect("its own directory");
        }
        let control = Control { directory: directory.path().to_owned(), ..self.control.clone() };
        let from = self.port.to_string();
        let options = ["-h", "127.0.0.1", "-p", &from, "-U", "postgres", "-R", "--no-sync"];
        control.program("pg_basebackup", &[&options[..], &["-c", "fast"]].concat());
        let port = free_port();
        let settings = control.data().join("postgresql.auto.conf");
        let copied = fs::read_to_string(&settings).expect("its settings");
        fs::write(&settings, format!("{copied}port = {port}\n")).expect("its settings");
        control.run(&["start"]);
        Server { control, port, _directory: directory }
    }

    /// The superuser's URL.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Control {
    /// Returns when it takes connections again.
    pub fn restart(&self, how: Shutdown) {
        let mode = if how == Shutdown::Fast { "fast" } else { "immediate" };
        self.run(&["restart", "-m", mode]);
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn run(&self, command: &[&str]) {
        let log = self.directory.join("server.log");
        let common = ["-w", "-s", "-l", &log.to_string_lossy()];
        self.program("pg_ctl", &[command, &common].concat());
    }

    fn program(&self, name: &str, arguments: &[&str]) {
        let mut command = Command::new(self.programs.join(name));
        command.arg("-D").arg(self.data()).args(arguments).current_dir(&self.directory);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        // Not through pipes: the server keeps them open.
        let output = self.directory.join(format!("{name}.log"));
        let file = fs::File::create(&output).expect("a log");
        command.stdout(file.try_clone().expect("a handle")).stderr(file);
        let ended = command.status().expect("a program of the server");
        let log = || fs::read_to_string(&output).unwrap_or_default();
        assert!(ended.success() || std::thread::panicking(), "{name} {arguments:?}: {}", log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control.run(&["stop", "-m", "immediate"]);
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    free.local_addr().expect("an address").port()
}

/// User and group `postgres`, or else `nobody`.
fn unprivileged() -> (u32, u32) {
    let users = fs::read_to_string(Path::new("/etc/passwd")).expect("the users");
    let named = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map_while(|field| field.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    };
    named("postgres").or_else(|| named("nobody")).unwrap_or((65534, 65534))
}
