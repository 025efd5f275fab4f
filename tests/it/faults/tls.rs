//! Who is at the other end: a server's certificate is checked as far as the URL asks, against the authorities that the URL
//! names, or else those that the system trusts.

use super::company::each_server;
use super::server::Server;
use crate::support::*;
use std::process::Command;
use tempfile::TempDir;

/// Two authorities, and a certificate of `localhost` that the first one signed.
const CERTIFICATES: &str = "
    make='openssl req -x509 -nodes -newkey rsa:2048 -days 2'
    $make -subj /CN=ours -keyout ours.key -out ours.pem
    $make -subj /CN=other -keyout other.key -out other.pem
    $make -subj /CN=server -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \\
        -CA ours.pem -CAkey ours.key -keyout server.key -out server.pem
    cat other.pem ours.pem >both.pem";

struct Case {
    db: TestDatabase,
    certificates: TempDir,
    _server: Server,
}

impl Case {
    fn new(backend: Backend) -> Option<Case> {
        let certificates = TempDir::new().expect("a temporary directory");
        let mut shell = Command::new("sh");
        shell.args(["-ec", CERTIFICATES]).current_dir(certificates.path());
        if !shell.output().is_ok_and(|output| output.status.success()) {
            skip("openssl makes no certificates here");
            return None;
        }
        let server = Server::start(backend)?;
        let [certificate, key] =
            ["server.pem", "server.key"].map(|it| certificates.path().join(it));
        server.show_certificate(&certificate, &key);
        let db = server.database();
        db.execute("CREATE TABLE organizations (id integer PRIMARY KEY, name text)");
        Some(Case { db, certificates, _server: server })
    }

    fn file(&self, name: &str) -> String {
        self.certificates.path().join(name).display().to_string()
    }

    /// By this name of the machine, in libpq's words, which those of MariaDB's URLs may be.
    fn url(&self, host: &str, parameters: &str) -> String {
        let url = self.db.url().replace("127.0.0.1", host);
        let url = url.split_once('?').map_or(&*url, |(url, _)| url);
        format!("{url}?{parameters}")
    }

    fn lists(&self, url: &str, variables: &[(&str, &str)]) -> Outcome {
        let listing = Invocation::new(&["organizations", "--database-url", url]);
        variables.iter().fold(listing, |run, (name, value)| run.env(name, value)).run()
    }
}

each_server! {
    fn a_certificate_is_checked_as_far_as_the_url_asks(backend: Backend) {
        let Some(case) = Case::new(backend) else { return };
        let url = |host: &str, mode: &str, file: &str| {
            case.url(host, &format!("sslmode={mode}&sslrootcert={}", case.file(file)))
        };
        for trusted in ["ours.pem", "both.pem"] {
            case.lists(&url("localhost", "verify-full", trusted), &[]).exits(0);
            case.lists(&url("127.0.0.1", "verify-ca", trusted), &[]).exits(0);
        }
        case.lists(&case.url("127.0.0.1", "sslmode=require"), &[]).exits(0);
        for (host, mode, file) in [
            ("127.0.0.1", "verify-full", "ours.pem"),
            ("localhost", "verify-full", "other.pem"),
            ("localhost", "verify-ca", "other.pem"),
        ] {
            case.lists(&url(host, mode, file), &[]).exits(1).says(&["certificate"]);
        }
    }

    fn the_systems_authorities_are_those_of_this_machine(backend: Backend) {
        let Some(case) = Case::new(backend) else { return };
        let system = case.db.pick("", "&sslrootcert=system", "");
        let url = case.url("localhost", &format!("sslmode=verify-full{system}"));
        let trusted = case.file("ours.pem");
        case.lists(&url, &[("SSL_CERT_FILE", &trusted)]).exits(0);
        case.lists(&url, &[]).exits(1).says(&["certificate"]);
    }
}
