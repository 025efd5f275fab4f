//! Which database is meant, what happens when it is not there, and that no password is shown.

use super::{CLEAN_APEX, small};
use crate::support::*;
use std::net::TcpListener;
use tempfile::TempDir;

const PREVIEW: [&str; 3] = ["preview", "--org-name", "Apex"];

/// `sqlite_names` in a fresh directory, each a copy of the small database.
fn directory_with(sqlite_names: &[&str]) -> TempDir {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    small(&db);
    db.close();
    let directory = TempDir::new().expect("a temporary directory");
    for name in sqlite_names {
        std::fs::copy(db.path(), directory.path().join(name)).expect("a copy");
    }
    directory
}

#[test]
fn a_missing_sqlite_file_is_an_error_and_stays_missing() {
    let directory = TempDir::new().unwrap();
    for url in ["sqlite:missing.db", "missing.db", "./missing.db", "sqlite:///nowhere/missing.db"] {
        for command in [&PREVIEW[..], &CLEAN_APEX, &["verify", "--org-id", "1"], &["graph"]] {
            let arguments = [&["--database-url", url], command].concat();
            let outcome = Invocation::new(&arguments).directory(directory.path()).run();
            assert!(matches!(outcome.code, 1 | 2), "{outcome}");
            outcome.says(&["missing.db"]);
        }
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "a file was created");
}

#[test]
fn a_file_that_is_no_database_is_an_error_and_stays_as_it_is() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("letter.txt");
    let text = "Dear Sir or Madam, ".repeat(100);
    std::fs::write(&file, &text).unwrap();
    for command in [&PREVIEW[..], &CLEAN_APEX, &["graph"]] {
        let url = file.to_str().unwrap();
        orgsweep(&[&["--database-url", url], command].concat()).exits(1);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn every_way_to_name_a_file_works() {
    let directory = directory_with(&["crm.db", "with space.db"]);
    let absolute = directory.path().join("crm.db").display().to_string();
    for url in [
        "sqlite:crm.db",
        "sqlite://crm.db",
        "crm.db",
        "./crm.db",
        "with space.db",
        "sqlite:with%20space.db",
        &absolute,
        &format!("sqlite:{absolute}"),
        &format!("sqlite://{absolute}"),
    ] {
        let arguments = [&["--database-url", url][..], &PREVIEW, &["--force"]].concat();
        Invocation::new(&arguments).directory(directory.path()).run().exits(0);
    }
}

#[test]
fn the_flag_beats_the_environment_and_that_beats_the_env_file() {
    let directory = directory_with(&["flag.db", "env.db", "file.db"]);
    std::fs::write(directory.path().join(".env"), "DATABASE_URL=sqlite:file.db\n").unwrap();
    let preview = [&PREVIEW[..], &["--force", "--format", "json"]].concat();
    let flag = [&["--database-url", "sqlite:flag.db"], &preview[..]].concat();
    let env = |invocation: Invocation| invocation.env("DATABASE_URL", "sqlite:env.db");
    for (invocation, used) in [
        (Invocation::new(&preview), "file.db"),
        (env(Invocation::new(&preview)), "env.db"),
        (env(Invocation::new(&flag)), "flag.db"),
    ] {
        let outcome = invocation.directory(directory.path()).run().exits(0);
        let json = outcome.json();
        let shown = json["database"].as_str().unwrap_or_default();
        assert!(shown.ends_with(used), "{used}\n{outcome}");
    }
}

#[test]
fn an_unreachable_server_exits_1_without_the_password() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("postgres://scott:hunter2@127.0.0.1:{port}/crm");
    for command in [&PREVIEW[..], &CLEAN_APEX, &["graph"]] {
        for format in ["table", "json"] {
            let arguments = [&["--database-url", &url], command, &["--format", format]].concat();
            let outcome = orgsweep(&arguments).exits(1).hides("hunter2");
            outcome.says(&["127.0.0.1", &port.to_string()]);
        }
    }
}

/// A server that accepts and then says nothing, or nonsense, must not hang the run either.
#[test]
fn a_server_that_speaks_another_protocol_exits_1() {
    use std::io::Write;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let url = format!("postgres://scott:hunter2@127.0.0.1:{port}/crm?sslmode=disable");
    let arguments = [&["--database-url", url.as_str()], &PREVIEW[..]].concat();
    orgsweep(&arguments).exits(1).hides("hunter2");
}

/// Drivers are more patient.
#[test]
fn wait_ends_in_time_where_a_server_takes_the_connection_and_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for scheme in ["postgres", "mysql"] {
        let url = format!("{scheme}://scott@127.0.0.1:{port}/crm");
        // Both drivers give up after ten seconds, and that would be what is told.
        let waits = ["wait", "--timeout", "1s", "--database-url", &url];
        orgsweep(&waits).exits(5).says(&["no answer within 1s"]).hides("10 s").hides("expired");
    }
}

#[test]
fn a_wrong_password_exits_1_without_showing_it() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let before = small(&db);
    let role = db.role();
    let wrong = role.url.replace(&role.password, "hunter2");
    let bare = role.url.replace(&format!(":{}", role.password), "");
    for format in ["table", "json"] {
        let run = |url: &str| {
            let url = ["--database-url", url];
            Invocation::new(&[&url, &CLEAN_APEX[..], &["--format", format]].concat())
        };
        run(&wrong).run().exits(1).hides("hunter2").says(&[&role.name]);
        run(&bare).env("PGPASSWORD", "hunter2").run().exits(1).hides("hunter2");
        run(&bare).run().exits(1);
    }
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn the_right_password_is_never_shown() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    small(&db);
    let role = db.role();
    db.execute(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}", role.name));
    let bare = role.url.replace(&format!(":{}", role.password), "");
    let parameter = format!("{bare}?password={}", role.password);
    for url in [&role.url, &bare, &parameter] {
        for format in ["table", "json", "markdown", "csv", "sql"] {
            let arguments =
                [&["--database-url", url], &PREVIEW[..], &["--force", "--format", format]];
            let outcome =
                Invocation::new(&arguments.concat()).env("PGPASSWORD", &role.password).run();
            outcome.exits(0).hides(&role.password);
        }
        let arguments = [&["--database-url", url.as_str()], &PREVIEW[..], &["--force"]].concat();
        let outcome = Invocation::new(&arguments).env("PGPASSWORD", &role.password).run();
        outcome.says(&[&role.name, db.name()]);
    }
}

#[test]
fn libpq_s_own_variables_fill_what_the_url_leaves_out() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    small(&db);
    let (_, rest) = db.url().split_once('@').expect("a user in the URL");
    let (host, name) = rest.split_once('/').expect("a database in the URL");
    let (host, port) = host.split_once(':').unwrap_or((host, "5432"));
    let arguments = [&["--database-url", "postgres://"], &PREVIEW[..], &["--force"]].concat();
    let invocation = Invocation::new(&arguments).env("PGHOST", host).env("PGPORT", port);
    invocation.env("PGUSER", "postgres").env("PGDATABASE", name).run().exits(0);
}

#[test]
fn a_database_that_does_not_exist_exits_1() {
    let Some(server) = postgres_url() else { return };
    let (base, _) = server.rsplit_once('/').expect("a database in the URL");
    let url = format!("{base}/orgsweep_no_such_database");
    let outcome = orgsweep(&[&["--database-url", url.as_str()], &PREVIEW[..]].concat()).exits(1);
    outcome.says(&["orgsweep_no_such_database"]);
}

/// However a password is spelled, and whatever is wrong with the URL.
#[test]
fn no_piece_of_a_password_is_shown() {
    for url in [
        "postgres://scott:hun@ter2@127.0.0.1:1/crm",
        "postgres://scott:hun/ter2@127.0.0.1:1/crm",
        "postgres://scott:hun?ter2@127.0.0.1:1/crm",
        "postgres://scott:hun#ter2@127.0.0.1:1/crm",
        "postgres://scott:ter2%zz@127.0.0.1:1/crm",
        "postgres://scott:ter2 2@127.0.0.1:1/crm",
        "postgres://scott@127.0.0.1:ter2/crm",
        "postgres://127.0.0.1:1/crm?password=x&ter2=y",
        "postgres://127.0.0.1:1/crm?PASSWORD=ter2",
        "postgres://127.0.0.1:1/crm?pass%77ord=ter2",
        "postgres://127.0.0.1:1/crm?sslpassword=ter2",
        "POSTGRES://scott:ter2@127.0.0.1:1/crm",
        "postgres:scott:ter2@127.0.0.1:1/crm",
        "postgres+psycopg://scott:ter2@127.0.0.1:1/crm",
        "scott:ter2@127.0.0.1:1/crm",
        "host=127.0.0.1 port=1 user=scott password=ter2",
        "Host=127.0.0.1;Port=1;Username=scott;Password=ter2",
        "host=127.0.0.1 port=1 password='ter2:x'",
        "jdbc:postgresql://127.0.0.1:1/crm?user=scott&password=ter2",
        "mysql://scott:hun?ter2@127.0.0.1:1/crm",
        "mysql://scott:hun/ter2@127.0.0.1:1/crm",
        "mysql://scott@127.0.0.1:1/crm?pwd=ter2",
        "mysql://scott@127.0.0.1:1/crm?password=x&ter2=y",
        "mysql://scott@127.0.0.1:1/crm?password=ter2",
        "mysql://scott@127.0.0.1:ter2/crm",
        "sqlite:crm.db?key=ter2",
        "crm.db?key=ter2",
        "sqlite://scott:ter2@127.0.0.1/crm.db",
    ] {
        let commands = [&PREVIEW[..], &CLEAN_APEX, &["doctor"], &["policy", "init"], &["migrate"]];
        for command in commands {
            let arguments = [&["--database-url", url], command].concat();
            let outcome = orgsweep(&arguments).hides("ter2");
            assert!(matches!(outcome.code, 1 | 2), "{outcome}");
        }
        let log = [&PREVIEW[..], &["--format", "json", "--log-format", "json"]].concat();
        Invocation::new(&log).env("DATABASE_URL", url).run().hides("ter2");
        for misplaced in [
            &[url, "preview"][..],
            &["preview", url],
            &["preview", "--url", url],
            &["preview", "--format", url],
        ] {
            orgsweep(misplaced).exits(2).hides("ter2");
        }
    }
}

/// A mask wherever the password's letters stand would tell them.
#[test]
fn the_same_is_said_whatever_the_password() {
    for scheme in ["postgres", "mysql"] {
        let said = |password: &str| {
            let url = format!("{scheme}://scott:{password}@127.0.0.1:1/crm");
            let outcome = orgsweep(&[&["--database-url", url.as_str()], &PREVIEW[..]].concat());
            (outcome.code, outcome.stdout, outcome.stderr)
        };
        let wanted = said("hunter2");
        for password in ["o", "1", "connection", "refused", "crm", "scott"] {
            assert_eq!(said(password), wanted, "{scheme}: {password}");
        }
    }
}
