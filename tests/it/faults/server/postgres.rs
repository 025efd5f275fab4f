//! PostgreSQL, through `pg_ctl`.

use super::*;

#[derive(Clone)]
pub struct Control {
    programs: PathBuf,
    owner: Option<Owner>,
    directory: PathBuf,
}

pub fn start() -> Option<Server> {
    let db = TestDatabase::fresh(Backend::Postgres)?;
    let programs = PathBuf::from(db.value("SELECT setting FROM pg_config() WHERE name = 'BINDIR'"));
    if !programs.join("initdb").exists() {
        skip("the server's programs are not on this machine");
        return None;
    }
    let (home, owner) = directory("postgres");
    let port = free_port();
    let control = Control { programs, owner, directory: home.path().to_owned() };
    let options = ["-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-A", "trust"];
    control.program("initdb", &options);
    // A commit that was answered must outlive a crash of the server. The machine does not crash.
    let configuration = format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n\
         fsync = off\nsynchronous_commit = local\nsynchronous_standby_names = 'nobody'\nautovacuum = off\n"
    );
    fs::write(control.settings(), configuration).expect("its settings");
    control.run(&["start"]);
    Some(Server { control: super::Control::Postgres(control), port, _directory: home })
}

pub fn standby(primary: &Control, port: u16) -> Server {
    let (home, owner) = directory("postgres");
    let programs = primary.programs.clone();
    let control = Control { programs, owner, directory: home.path().to_owned() };
    let from = port.to_string();
    let options = ["-h", "127.0.0.1", "-p", &from, "-U", "postgres", "-R", "--no-sync"];
    control.program("pg_basebackup", &[&options[..], &["-c", "fast"]].concat());
    let port = free_port();
    let copied = fs::read_to_string(control.settings()).expect("its settings");
    fs::write(control.settings(), format!("{copied}port = {port}\n")).expect("its settings");
    control.run(&["start"]);
    Server { control: super::Control::Postgres(control), port, _directory: home }
}

impl Control {
    pub fn restart(&self, how: Shutdown) {
        let mode = if how == Shutdown::Fast { "fast" } else { "immediate" };
        self.run(&["restart", "-m", mode]);
    }

    pub fn stop(&self) {
        self.run(&["stop", "-m", "immediate"]);
    }

    pub fn show_certificate(&self, certificate: &Path, key: &Path) {
        let [certificate, key] =
            [certificate, key].map(|file| own_copy(&self.directory, self.owner, file));
        let settings = fs::read_to_string(self.settings()).expect("its settings");
        let (certificate, key) = (certificate.display(), key.display());
        let tls = format!("ssl = on\nssl_cert_file = '{certificate}'\nssl_key_file = '{key}'\n");
        fs::write(self.settings(), settings + &tls).expect("its settings");
        self.restart(Shutdown::Fast);
    }

    fn settings(&self) -> PathBuf {
        self.directory.join("data").join("postgresql.auto.conf")
    }

    fn run(&self, command: &[&str]) {
        let log = self.directory.join("server.log");
        let common = ["-w", "-s", "-l", &log.to_string_lossy()];
        self.program("pg_ctl", &[command, &common].concat());
    }

    fn program(&self, name: &str, arguments: &[&str]) {
        let log = format!("{name}.log");
        let mut command = program(&self.programs.join(name), &self.directory, self.owner, &log);
        command.arg("-D").arg(self.directory.join("data")).args(arguments);
        succeeds(command, &self.directory, &log);
    }
}
