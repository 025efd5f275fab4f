//! Where settings come from: a flag before the environment before the file; and which file.

use super::*;
use std::path::Path;

/// Tenants and companies: neither is found by its name alone.
const TENANTS: &str = "\
CREATE TABLE tenants (
    id integer PRIMARY KEY,
    code text NOT NULL UNIQUE,
    slug text NOT NULL UNIQUE,
    legal text NOT NULL,
    born text
);
CREATE TABLE companies (id integer PRIMARY KEY, legal text NOT NULL);
CREATE TABLE notes (
    id integer PRIMARY KEY,
    tenant_id integer REFERENCES tenants (id) ON DELETE CASCADE,
    company_id integer REFERENCES companies (id) ON DELETE CASCADE
);
INSERT INTO tenants VALUES (1, 'c1', 's1', 'One', '2020-01-01'), (2, 'c2', 's2', 'Two', '2020-01-01');
INSERT INTO companies VALUES (1, 'One'), (2, 'Two');
INSERT INTO notes VALUES (1, 1, NULL), (2, 2, NULL), (3, NULL, 1), (4, NULL, 2);
";

const FILE: &str = "[root]\ntable = \"tenants\"\nkey = \"code\"\nname = \"legal\"\n";

/// A preview with these flags and variables: the tables from which rows would go, or the exit code.
fn previewed(
    db: &TestDatabase,
    flags: &[&str],
    variables: &[(&str, &str)],
) -> Result<Vec<String>, i32> {
    let arguments = [&["preview", "--format", "json"], flags].concat();
    let mut command = db.command(&arguments);
    for (name, value) in variables {
        command = command.env(name, value);
    }
    let outcome = command.run();
    match outcome.code {
        0 => Ok(outcome.rows("delete").into_keys().collect()),
        code => Err(code),
    }
}

fn tables(names: &[&str]) -> Result<Vec<String>, i32> {
    Ok(names.iter().map(|&name| name.to_owned()).collect())
}

each_backend! {
    fn the_root_table(db: TestDatabase) {
        db.execute(TENANTS);
        policy(&db, FILE);
        let before = db.dump();
        let tenants = tables(&["notes", "tenants"]);
        let companies = tables(&["companies", "notes"]);
        let one = ["--org-name", "One"];
        assert_eq!(previewed(&db, &one, &[]), tenants);
        let named = [("ORGSWEEP_NAME_COLUMN", "legal")];
        let other = [("ORGSWEEP_ROOT", "companies"), named[0]];
        assert_eq!(previewed(&db, &one, &other), companies);
        let flags = ["--org-name", "One", "--root", "tenants"];
        assert_eq!(previewed(&db, &flags, &other), tenants);
        assert_eq!(previewed(&db, &["--org-name", "One", "--root", "companies"], &named), companies);
        assert_eq!(previewed(&db, &["--org-name", "One", "--root", "nothing"], &[]), Err(2));
        changes(&before, &db.dump()).assert_none();
    }

    fn the_columns(db: TestDatabase) {
        db.execute(TENANTS);
        policy(&db, FILE);
        let found = tables(&["notes", "tenants"]);
        let nothing = tables(&[]);
        let name = |value| ("ORGSWEEP_NAME_COLUMN", value);
        assert_eq!(previewed(&db, &["--org-name", "One"], &[]), found);
        assert_eq!(previewed(&db, &["--org-name", "s1"], &[name("slug")]), found);
        assert_eq!(previewed(&db, &["--org-name", "One"], &[name("slug")]), nothing);
        assert_eq!(previewed(&db, &["--org-name", "c1", "--name-column", "code"], &[name("slug")]), found);
        let key = |value| ("ORGSWEEP_KEY_COLUMN", value);
        assert_eq!(previewed(&db, &["--org-id", "c1"], &[]), found);
        assert_eq!(previewed(&db, &["--org-id", "s1"], &[key("slug")]), found);
        assert_eq!(previewed(&db, &["--org-id", "c1"], &[key("slug")]), nothing);
        assert_eq!(previewed(&db, &["--org-id", "1", "--key-column", "id"], &[key("slug")]), found);
        assert_eq!(previewed(&db, &["--org-id", "One", "--key-column", "legal"], &[]), Err(2));
        assert_eq!(previewed(&db, &["--org-name", "One"], &[("ORGSWEEP_CREATED_COLUMN", "nothing")]), Err(2));
    }

    /// The policy's columns are those of its own table, whoever names the table.
    fn the_policy_s_columns_belong_to_its_table(db: TestDatabase) {
        db.execute(TENANTS);
        policy(&db, FILE);
        let found = tables(&["notes", "tenants"]);
        assert_eq!(previewed(&db, &["--org-id", "c1", "--root", "tenants"], &[]), found);
        assert_eq!(previewed(&db, &["--org-id", "c1"], &[("ORGSWEEP_ROOT", "TENANTS")]), found);
        // Companies have no code.
        assert_eq!(previewed(&db, &["--org-id", "1", "--root", "companies"], &[]), tables(&["companies", "notes"]));
        policy(&db, "[root]\nkey = \"code\"\nname = \"legal\"\n");
        assert_eq!(previewed(&db, &["--org-id", "c1", "--root", "tenants"], &[]), found);
    }

    fn the_file_that_is_named(db: TestDatabase) {
        db.execute(PEOPLE);
        policy(&db, "[guards]\nmax-rows = 0\n");
        let preview = ["preview", "--org-name", "Apex"];
        db.orgsweep(&preview).exits(3);
        let below = db.directory().join("below");
        std::fs::create_dir(&below).expect("a folder");
        db.command(&[&preview[..], &["--config", "../orgsweep.toml"]].concat()).directory(&below).run().exits(3)
            .says(&["../orgsweep.toml:2"]);
        let variable = |file: &str, folder: &Path, flags: &[&str]| {
            db.command(&[&preview[..], flags].concat()).env("ORGSWEEP_CONFIG", file).directory(folder).run()
        };
        variable("../orgsweep.toml", &below, &[]).exits(3);
        // The flag before the environment, and either instead of the file in the folder.
        std::fs::write(below.join("open.toml"), "").expect("a file");
        variable("../orgsweep.toml", &below, &["--config", "open.toml"]).exits(0);
        variable("below/open.toml", db.directory(), &[]).exits(0);
        variable("orgsweep.toml", db.directory(), &["--config", "below/open.toml"]).exits(0);
    }

    /// `.env` is part of the environment.
    fn variables_in_a_dotenv_file(db: TestDatabase) {
        db.execute(TENANTS);
        policy(&db, FILE);
        std::fs::write(db.directory().join(".env"), "ORGSWEEP_NAME_COLUMN=slug\nORGSWEEP_MAX_ROWS=1\n").expect("written");
        assert_eq!(previewed(&db, &["--org-name", "s1"], &[]), Err(3));
        assert_eq!(previewed(&db, &["--org-name", "s1", "--max-rows", "2"], &[]), tables(&["notes", "tenants"]));
        assert_eq!(previewed(&db, &["--org-name", "s1"], &[("ORGSWEEP_MAX_ROWS", "2")]), tables(&["notes", "tenants"]));
    }

    fn how_long_to_wait_for_a_lock(db: TestDatabase) {
        db.execute(PEOPLE);
        let clean = ["clean", "--org-name", "Apex", "--yes"];
        let before = db.dump();
        let mut other = db.connect();
        other.run(db.either("BEGIN IMMEDIATE; UPDATE users SET email = 'x'",
            "BEGIN; UPDATE users SET email = 'x'")).expect("a lock");
        let outcome = db.command(&clean).env("ORGSWEEP_LOCK_TIMEOUT", "200ms").run();
        other.run("ROLLBACK").expect("rolled back");
        outcome.exits(5);
        changes(&before, &db.dump()).assert_none();
        db.command(&clean).env("ORGSWEEP_LOCK_TIMEOUT", "soon").run().exits(2);
    }
}
