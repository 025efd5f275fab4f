//! `preview --format sql`: the script does what clean does, or fails and changes nothing, by the client alone and
//! without any flag that stops it.

use super::{SMALL, small};
use crate::support::*;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs a script by its engine's client as somebody does who forgets the flags; `None` where there is no client.
pub fn run_script(db: &TestDatabase, script: &str) -> Option<Output> {
    let program = db.pick("sqlite3", "psql", "mariadb");
    if Command::new(program).arg("--version").output().is_err() {
        skip(&format!("no {program} to run the script"));
        return None;
    }
    db.close();
    let mut client = match db.backend {
        Backend::Mysql => mysql::client_of(db.name()),
        _ => Command::new(program),
    };
    match db.backend {
        Backend::Sqlite => client.arg(db.path()),
        Backend::Postgres => client.args(["-X", "-q", db.url()]),
        Backend::Mysql => &mut client,
    };
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = client.spawn().expect("the client runs");
    // It may end at the first error without reading the rest.
    let _ = child.stdin.take().expect("a pipe").write_all(script.as_bytes());
    Some(child.wait_with_output().expect("the client ends"))
}

/// A refused preview: its script fails, and says why in a comment.
#[track_caller]
fn refused(db: &TestDatabase, flags: &[&str], code: i32, why: &str) {
    let preview = [&["preview", "--format", "sql"], flags].concat();
    let outcome = db.orgsweep(&preview).exits(code);
    let comments = outcome.stdout.lines().filter(|line| line.starts_with("-- "));
    assert!(comments.clone().any(|line| line.contains(why)), "{why:?} is no reason\n{outcome}");
    assert!(!outcome.stdout.contains("DELETE FROM"), "{outcome}");
    let before = db.dump();
    if let Some(ended) = run_script(db, &outcome.stdout) {
        assert!(!ended.status.success(), "{ended:?}\n{outcome}");
        changes(&before, &db.dump()).assert_none();
    }
}

fn policy(db: &TestDatabase, text: &str) {
    std::fs::write(db.directory().join("orgsweep.toml"), text).expect("the policy is written");
}

/// A task of organization 2 is done by a user of organization 1, and named by another one.
const ENTANGLED: &str = "\
CREATE TABLE tasks (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    done_by integer REFERENCES users (id) ON DELETE RESTRICT,
    after_task integer REFERENCES tasks (id) ON DELETE CASCADE
);
INSERT INTO tasks VALUES (1, 2, 10, NULL), (2, 2, 20, 1), (3, 1, 10, NULL), (4, 1, 11, 3);
";

each_backend! {
    fn of_every_refusal_it_fails(db: TestDatabase) {
        small(&db);
        refused(&db, &["--org-name", "Apex"], 3, "protects");
        refused(&db, &["--org-name", "Apex", "--force", "--max-rows", "1"], 3, "--max-rows");
        refused(&db, &["--org-id", "1", "--org-id", "2", "--force", "--max-orgs", "1"], 3, "--max-orgs");
        refused(&db, &["--org-name", "Nobody", "--require-match"], 3, "Nobody");
        refused(&db, &["--org-name", "Apex", "--root", "nothing"], 2, "nothing");
        refused(&db, &["--org-name", "Apex", "--per-org"], 2, "--per-org");
        db.execute(ENTANGLED);
        refused(&db, &["--org-name", "Apex", "--force"], 3, "other organizations");
        refused(&db, &["--org-name", "Apex", "--force", "--foreign", "reassign=tasks.done_by:99"], 3, "reassigned");
    }

    fn of_every_guard_it_fails(db: TestDatabase) {
        small(&db);
        let apex = ["--org-name", "Apex", "--force"];
        for (guard, why) in [
            ("forbidden-organizations = [\"A*\"]", "Apex"),
            ("organizations = [\"e2e-*\"]", "Apex"),
            ("forbidden-databases = [\"*\"]", "forbidden"),
            ("databases = [\"nothing\"]", "databases"),
            ("hosts = [\"nowhere\"]", "hosts"),
            ("max-rows = 1", "max-rows"),
            ("test-data = { deals = \"title = 'x'\" }", "deals"),
        ] {
            policy(&db, &format!("[guards]\n{guard}\n"));
            refused(&db, &apex, 3, why);
        }
    }

    fn it_stops_where_the_data_moved(db: TestDatabase) {
        small(&db);
        let script = db.orgsweep(&["preview", "--org-name", "Apex", "--force", "--format", "sql"]).exits(0).stdout;
        db.execute("INSERT INTO users VALUES (12, 1, 'cyd@apex.test')");
        let before = db.dump();
        let Some(ended) = run_script(&db, &script) else { return };
        assert!(!ended.status.success(), "{ended:?}\n{script}");
        changes(&before, &db.dump()).assert_none();
    }

    /// What `--foreign` keeps out of the closure is found again by the script.
    fn with_foreign_rows_kept_it_does_what_clean_does(db: TestDatabase) {
        db.execute(SMALL);
        db.execute(ENTANGLED);
        db.execute(
            "INSERT INTO users VALUES (30, 2, 'eve@global.test'); UPDATE tasks SET after_task = NULL WHERE id = 2;
             INSERT INTO tasks VALUES (5, 2, 11, 1)",
        );
        for consent in ["unlink=tasks.done_by", "unlink", "reassign=tasks.done_by:30"] {
            let (cleaned, scripted) = (db.copy(), db.copy());
            let flags = ["--org-name", "Apex", "--force", "--foreign", consent];
            cleaned.orgsweep(&[&["clean", "--yes"], &flags[..]].concat()).exits(0);
            let script = scripted.orgsweep(&[&["preview", "--format", "sql"], &flags[..]].concat()).exits(0).stdout;
            let Some(ended) = run_script(&scripted, &script) else { return };
            assert!(ended.status.success(), "{ended:?}\n{script}");
            assert_eq!(scripted.dump(), cleaned.dump(), "{consent}\n{script}");
            assert_ne!(scripted.dump(), db.dump());
        }
    }
}

#[test]
fn of_a_missing_privilege_it_fails() {
    for backend in [Backend::Postgres, Backend::Mysql] {
        let Some(db) = TestDatabase::fresh(backend) else { continue };
        small(&db);
        let role = db.role();
        let tables = ["organizations", "users", "deals", "notes"];
        for table in tables {
            db.execute(&format!("GRANT SELECT ON {table} TO {}", role.name));
        }
        if backend == Backend::Mysql {
            db.execute(&format!(
                "GRANT CREATE TEMPORARY TABLES ON {}.* TO {}",
                db.name(),
                role.name
            ));
        }
        let preview = ["--database-url", &role.url, "preview", "--org-name", "Apex", "--force"];
        let outcome = orgsweep(&[&preview[..], &["--format", "sql"]].concat()).exits(3);
        assert!(outcome.stdout.contains("REFUSED"), "{outcome}");
        let before = db.dump();
        // Whoever has the privileges runs it in vain, too.
        let Some(ended) = run_script(&db, &outcome.stdout) else { continue };
        assert!(!ended.status.success(), "{ended:?}\n{outcome}");
        changes(&before, &db.dump()).assert_none();
    }
}
