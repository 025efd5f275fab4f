//! A server of a test's own, which it may stop and start as it likes.

mod mariadb;
mod postgres;

use crate::support::*;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
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
pub enum Control {
    Postgres(postgres::Control),
    Mysql(mariadb::Control),
}

impl Server {
    /// A running server, its programs those of the one that `tests/run` starts; `None` where that is
    /// missing, or on another machine.
    pub fn start(backend: Backend) -> Option<Server> {
        match backend {
            Backend::Sqlite => unreachable!("a server"),
            Backend::Postgres => postgres::start(),
            Backend::Mysql => mariadb::start(),
        }
    }

    /// A hot standby of this server, which has replayed all that is committed by now.
    pub fn standby(&self) -> Server {
        match &self.control {
            Control::Postgres(primary) => postgres::standby(primary, self.port),
            Control::Mysql(_) => unreachable!("PostgreSQL's"),
        }
    }

    /// The superuser's URL.
    pub fn url(&self) -> String {
        match self.control {
            Control::Postgres(_) => format!("postgres://postgres@127.0.0.1:{}/postgres", self.port),
            Control::Mysql(_) => format!("mysql://root@127.0.0.1:{}/mysql", self.port),
        }
    }

    /// An empty database on it.
    pub fn database(&self) -> TestDatabase {
        match self.control {
            Control::Postgres(_) => TestDatabase::on(&self.url()),
            Control::Mysql(_) => TestDatabase::on_mysql(&self.url()),
        }
    }

    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// From now on it speaks TLS, by this certificate and its key.
    pub fn show_certificate(&self, certificate: &Path, key: &Path) {
        match &self.control {
            Control::Postgres(control) => control.show_certificate(certificate, key),
            Control::Mysql(control) => control.show_certificate(certificate, key),
        }
    }
}

impl Control {
    /// Returns when it takes connections again.
    pub fn restart(&self, how: Shutdown) {
        match self {
            Control::Postgres(control) => control.restart(how),
            Control::Mysql(control) => control.restart(how),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match &self.control {
            Control::Postgres(control) => control.stop(),
            Control::Mysql(control) => control.stop(Shutdown::Immediate),
        }
    }
}

/// User and group who run a server.
type Owner = (u32, u32);

/// A directory that `name`, or else `nobody`, may write to, where root would run the server: servers refuse
/// that.
fn directory(name: &str) -> (TempDir, Option<Owner>) {
    let directory = TempDir::new().expect("a temporary directory");
    let root = fs::metadata(directory.path()).expect("the directory").uid() == 0;
    let owner = root.then(|| unprivileged(name));
    if let Some((user, group)) = owner {
        chown(directory.path(), Some(user), Some(group)).expect("its own directory");
    }
    (directory, owner)
}

/// A program of the server that runs in its directory as its owner, and writes to a log there: the server
/// would keep a pipe open.
fn program(path: &Path, directory: &Path, owner: Option<Owner>, log: &str) -> Command {
    let file = fs::File::options().create(true).append(true).open(directory.join(log));
    let file = file.expect("a log");
    let mut command = Command::new(path);
    command.current_dir(directory).stdout(file.try_clone().expect("a handle")).stderr(file);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// A copy of a file in the server's directory, which its owner alone may read.
fn own_copy(directory: &Path, owner: Option<Owner>, file: &Path) -> PathBuf {
    let copy = directory.join(file.file_name().expect("a file"));
    fs::copy(file, &copy).expect("a copy");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).expect("its mode");
    if let Some((user, group)) = owner {
        chown(&copy, Some(user), Some(group)).expect("its own file");
    }
    copy
}

/// Runs it to its end, which has to be a good one.
fn succeeds(mut command: Command, directory: &Path, log: &str) {
    let ended = command.status().expect("a program of the server");
    let said = || fs::read_to_string(directory.join(log)).unwrap_or_default();
    assert!(ended.success() || std::thread::panicking(), "{command:?}: {}", said());
}

fn free_port() -> u16 {
    let free = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    free.local_addr().expect("an address").port()
}

/// User and group of this name, or else `nobody`.
fn unprivileged(name: &str) -> Owner {
    let users = fs::read_to_string(Path::new("/etc/passwd")).expect("the users");
    let named = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map_while(|field| field.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    };
    named(name).or_else(|| named("nobody")).unwrap_or((65534, 65534))
}
