//! MariaDB, a child process: it has no program that starts and stops it.

use super::*;
use orgsweep::database::{Database, Target};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Clone)]
pub struct Control {
    program: PathBuf,
    owner: Option<Owner>,
    directory: PathBuf,
    port: u16,
    process: Arc<Mutex<Option<Child>>>,
    /// Further options that it is started with.
    options: Arc<Mutex<Vec<String>>>,
}

/// How long it may take to stop, or to start, on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn start() -> Option<Server> {
    let db = TestDatabase::fresh(Backend::Mysql)?;
    let base = PathBuf::from(db.value("SELECT @@basedir"));
    let places = ["sbin/mariadbd", "bin/mariadbd", "libexec/mariadbd"];
    let Some(program) = places.map(|place| base.join(place)).into_iter().find(|it| it.exists())
    else {
        skip("the server's programs are not on this machine");
        return None;
    };
    let (home, owner) = directory("mysql");
    let control = Control {
        program,
        owner,
        directory: home.path().to_owned(),
        port: free_port(),
        process: Arc::default(),
        options: Arc::default(),
    };
    control.install();
    control.start();
    let port = control.port;
    Some(Server { control: super::Control::Mysql(control), port, _directory: home })
}

impl Control {
    pub fn restart(&self, how: Shutdown) {
        self.stop(how);
        self.start();
    }

    pub fn stop(&self, how: Shutdown) {
        let Some(mut process) = self.process().take() else { return };
        match how {
            Shutdown::Immediate => process.kill().expect("it runs"),
            Shutdown::Fast => {
                let signal = Command::new("kill").arg(process.id().to_string()).status();
                assert!(signal.expect("kill runs").success());
            }
        }
        process.wait().expect("it ends");
    }

    pub fn show_certificate(&self, certificate: &Path, key: &Path) {
        let [certificate, key] =
            [certificate, key].map(|file| own_copy(&self.directory, self.owner, file));
        *self.options.lock().unwrap_or_else(PoisonError::into_inner) = vec![
            format!("--ssl-cert={}", certificate.display()),
            format!("--ssl-key={}", key.display()),
        ];
        self.restart(Shutdown::Fast);
    }

    /// Returns when it takes connections.
    fn start(&self) {
        let mut command = program(&self.program, &self.directory, self.owner, "server.log");
        // A commit that was answered must outlive a crash of the server. The machine does not crash.
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
        command.args(["--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync"]);
        command.args(["--skip-log-bin", &format!("--port={}", self.port)]);
        for (option, file) in [("datadir", "data"), ("tmpdir", "tmp"), ("socket", "socket")] {
            command.arg(format!("--{option}={}", self.directory.join(file).display()));
        }
        command.arg(format!("--init-file={}", self.directory.join("users.sql").display()));
        command.args(&*self.options.lock().unwrap_or_else(PoisonError::into_inner));
        *self.process() = Some(command.spawn().expect("the server"));
        let url = format!("mysql://root@127.0.0.1:{}/mysql", self.port);
        let target = Target::parse(&url).expect("a valid URL");
        let patience = Instant::now() + PATIENCE;
        while Database::connect(&target, false).is_err() {
            let log = || fs::read_to_string(self.directory.join("server.log")).unwrap_or_default();
            assert!(Instant::now() < patience, "it does not start:\n{}", log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its directory. No program that it starts with may use the temporary files of another server, which it
    /// would remove.
    fn install(&self) {
        let (data, tmp) = (self.directory.join("data"), self.directory.join("tmp"));
        fs::create_dir(&tmp).expect("its directory");
        if let Some((user, group)) = self.owner {
            chown(&tmp, Some(user), Some(group)).expect("its own directory");
        }
        let users = "CREATE USER IF NOT EXISTS root@'127.0.0.1';\n\
                     GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n";
        fs::write(self.directory.join("users.sql"), users).expect("its users");
        let installer = Path::new("mariadb-install-db");
        let mut command = program(installer, &self.directory, self.owner, "install.log");
        command.env("TMPDIR", &tmp).args(["--no-defaults", "--skip-test-db"]);
        command.arg("--auth-root-authentication-method=normal");
        command.arg(format!("--datadir={}", data.display()));
        succeeds(command, &self.directory, "install.log");
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
