//! The command that is printed to be typed next: one line, pasted as it is, meets the same database under the
//! same guards (DESIGN 5).

use super::SMALL;
use crate::support::*;
use std::path::Path;
use std::process::Command;

/// `next: …` or another heading's line, without the heading.
#[track_caller]
fn told(outcome: &Outcome, heading: &str) -> String {
    let line = outcome.stdout.lines().find_map(|line| line.trim_start().strip_prefix(heading));
    line.unwrap_or_else(|| panic!("no {heading} in {outcome}")).trim().to_owned()
}

/// Pastes a line into a shell where `DATABASE_URL` names a database.
fn paste(line: &str, database_url: &str, directory: &Path) -> i32 {
    let binary = Path::new(env!("CARGO_BIN_EXE_orgsweep")).parent().expect("a directory");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    let mut bash = Command::new("bash");
    bash.args(["-c", line]).current_dir(directory).env("PATH", path).env("HOME", directory);
    bash.env("DATABASE_URL", database_url).env("CI", "true");
    bash.output().expect("bash runs").status.code().unwrap_or(-1)
}

#[test]
fn it_meets_the_database_that_was_previewed() {
    let Some(other) = TestDatabase::fresh(Backend::Sqlite) else { return };
    let Some(meant) = TestDatabase::fresh(Backend::Sqlite) else { return };
    other.execute(SMALL);
    meant.execute(SMALL);
    let preview = ["preview", "--org-name", "Apex", "--force", "--max-rows", "9", "--no-config"];
    let outcome = meant.command(&preview).env("DATABASE_URL", other.url()).run().exits(0);
    let next = told(&outcome, "next:");
    assert!(next.contains("--max-rows 9 ") && next.contains("--no-config"), "{next}");
    assert_eq!(paste(&format!("{next} --yes"), other.url(), meant.directory()), 0, "{next}");
    assert_eq!((other.count("organizations"), meant.count("organizations")), (2, 1), "{next}");
}

each_backend! {
    fn it_is_one_line_without_a_password(db: TestDatabase) {
        db.execute(SMALL);
        let outcome = db.command(&["preview", "--org-name", "Apex"]).env("COLUMNS", "40").run().exits(3);
        let next = told(&outcome, "next:");
        assert!(next.starts_with("orgsweep clean --org-name Apex --force --database-url "), "{next}");
        let hint = told(&outcome, "try:");
        assert!(hint.contains("--force=deals.created_by by this reference only"), "{outcome}");
        let password = db.url().split_once("://").and_then(|(_, rest)| rest.split_once('@'));
        if let Some((_, password)) = password.and_then(|(account, _)| account.split_once(':')) {
            let outcome = outcome.hides(&format!(":{password}@"));
            assert!(next.contains(":***@"), "{outcome}");
        }
    }

    /// The mask in the place of a password is nobody's password.
    fn a_masked_password_is_asked_for(db: TestDatabase) {
        if db.backend == Backend::Sqlite {
            return;
        }
        let scheme = db.pick("", "postgres", "mysql");
        let url = format!("{scheme}://me:***@127.0.0.1/x");
        let outcome = orgsweep(&["--database-url", &url, "preview", "--org-id", "1"]).exits(2);
        outcome.says(&["***", "the password"]);
    }

    /// What nobody can confirm is not told to be tried again as it was.
    fn where_nobody_is_there_it_says_yes(db: TestDatabase) {
        db.execute(SMALL);
        db.execute("DELETE FROM notes; DELETE FROM deals");
        for series in [&[][..], &["--per-org"]] {
            let clean = [&["clean", "--org-name", "Apex"][..], series].concat();
            let next = told(&db.orgsweep(&clean).exits(4), "next:");
            assert!(next.ends_with(" --yes") || next.contains(" --yes "), "{next}");
        }
    }

    fn of_a_saved_plan_it_is_the_plan(db: TestDatabase) {
        db.execute(SMALL);
        let preview = ["preview", "--org-name", "Apex", "--force", "--save-plan", "a plan.json"];
        let next = told(&db.orgsweep(&preview).exits(0), "next:");
        assert!(next.starts_with("orgsweep clean --plan 'a plan.json' --database-url"), "{next}");
        let plan = ["clean", "--plan", "a plan.json"];
        let again = told(&db.orgsweep(&plan).exits(4), "next:");
        assert!(again.starts_with("orgsweep clean --plan 'a plan.json' --yes"), "{again}");
    }

    fn names_are_quoted_for_the_shell(db: TestDatabase) {
        let q = if db.backend == Backend::Mysql { '`' } else { '"' };
        db.execute(&format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE {q}Mixed Case{q} (id integer PRIMARY KEY, {q}tenantId{q} integer NOT NULL,
                 FOREIGN KEY ({q}tenantId{q}) REFERENCES organizations (id) ON DELETE RESTRICT);
             INSERT INTO organizations VALUES (1, '-dash');
             INSERT INTO {q}Mixed Case{q} VALUES (1, 1)"
        ));
        let outcome = db.orgsweep(&["preview", "--org-name=-dash"]).exits(3);
        let outcome = outcome.says(&["'--force=Mixed Case.tenantId' by this reference only"]);
        assert!(told(&outcome, "next:").starts_with("orgsweep clean --org-name=-dash --force"), "{outcome}");
    }

    /// What is told to be granted is what is missing, in SQL: for a clean, and for a restore, which no doctor sees.
    fn grants_are_told_in_sql(db: TestDatabase) {
        if db.backend == Backend::Sqlite {
            return;
        }
        db.execute(SMALL);
        let role = db.role();
        let grantee = &role.name;
        for table in ["organizations", "users", "deals", "notes"] {
            db.execute(&format!("GRANT SELECT ON {table} TO {grantee}"));
        }
        if db.backend == Backend::Mysql {
            db.execute(&format!("GRANT CREATE TEMPORARY TABLES ON {}.* TO {grantee}", db.name()));
        }
        let run = |words: &[&str]| {
            let target = ["--database-url", &role.url, "--archive-dir", "kept"];
            Invocation::new(&[words, &target].concat()).directory(db.directory()).run()
        };
        let clean = ["clean", "--org-name", "Apex", "--force", "--yes"];
        let refused = run(&clean).exits(3);
        let told = refused.stdout.lines().filter_map(|line| line.trim().strip_prefix("try: "));
        let grants: Vec<&str> = told.filter(|hint| hint.starts_with("GRANT ")).collect();
        assert!(!grants.is_empty(), "{refused}");
        grants.iter().for_each(|grant| db.execute(grant));
        run(&clean).exits(0);
        let archive = std::fs::read_dir(db.directory().join("kept")).expect("archives");
        let mut paths = archive.filter_map(Result::ok).map(|entry| entry.path());
        let archive = paths.find(|path| path.display().to_string().ends_with(".tar.zst"));
        let archive = archive.expect("an archive").display().to_string();
        // Without another privilege no role sees that nothing fires there.
        let fire = if db.backend == Backend::Mysql { &["--fire-triggers"][..] } else { &[] };
        let restore = [&["restore", &archive][..], fire].concat();
        let refused = run(&restore).exits(3);
        let told = refused.stderr.lines().find_map(|line| line.split_once("on its tables: "));
        let grants = told.unwrap_or_else(|| panic!("{refused}")).1;
        grants.split("; ").for_each(|grant| db.execute(grant));
        run(&restore).exits(0);
        assert_eq!(db.count("organizations"), 2);
    }
}
