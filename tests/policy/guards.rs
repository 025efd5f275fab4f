//! Guards: what must hold for any row to go. No `--force` passes them, the preview tells of them, and
//! each names its place in the file.

use super::*;

fn small(db: &TestDatabase) {
    db.execute(PEOPLE);
    db.execute(
        "CREATE TABLE notes (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE SET NULL); \
         INSERT INTO notes VALUES (1, 10), (2, 20)",
    );
}

/// Two rows, and one that is unlinked.
const GONE: [&str; 3] = ["- organizations 1", "- users 10", "~ notes 1,"];

/// Refused by a guard on the database itself, before anything is looked at.
#[track_caller]
fn bars(db: &TestDatabase, text: &str, says: &[&str]) {
    policy(db, text);
    let before = db.dump();
    for command in ["preview", "clean"] {
        for force in [&[][..], &["--force"]] {
            let outcome = apex(db, command, force).exits(3).says(says);
            assert_eq!(
                (&outcome.json()["outcome"], &outcome.json()["exit"]),
                (&"error".into(), &3.into()),
                "{outcome}"
            );
        }
    }
    db.orgsweep(&["clean", "--org-name", "Nobody", "--force", "--yes"]).exits(3).says(says);
    changes(&before, &db.dump()).assert_none();
}

/// Refused by a guard on organizations or rows.
#[track_caller]
fn guards(db: &TestDatabase, text: &str, flags: &[&str], says: &[&str]) {
    for force in [&[][..], &["--force"], &["--force", "--foreign", "delete"]] {
        refuses(db, text, &[flags, force].concat(), &["guard"]).says(says);
    }
}

each_backend! {
    fn databases(db: TestDatabase) {
        small(&db);
        bars(&db, "[guards]\ndatabases = [\n  \"crm_*\",\n  \"*_e2e\",\n]\n", &["orgsweep.toml:3", "databases"]);
        let (file, name) = (db.path().display().to_string(), db.name().to_owned());
        let own = db.either("test.db", &name);
        bars(&db, &format!("[guards]\nforbidden-databases = [\"*prod*\", \"{own}\"]\n"), &["orgsweep.toml:2", own]);
        for allowed in ["*", db.either("*.db", "orgsweep_*"), db.either("test.*", "orgsweep_????_*")] {
            cleans(&db, &format!("[guards]\ndatabases = [\"nothing\", \"{allowed}\"]\n"), &[], &GONE);
        }
        if db.is_sqlite() {
            bars(&db, &format!("[guards]\nforbidden-databases = [\"{file}\"]\n"), &["orgsweep.toml:2"]);
        }
        // A guard holds the whole name, not a part of it, and minds its case.
        bars(&db, &format!("[guards]\ndatabases = [\"{}\"]\n", &own[1..]), &["orgsweep.toml:2"]);
        bars(&db, &format!("[guards]\ndatabases = [\"{}\"]\n", own.to_uppercase()), &["orgsweep.toml:2"]);
    }

    fn hosts(db: TestDatabase) {
        small(&db);
        bars(&db, "[guards]\nhosts = [\"db.example.com\", \"10.*\"]\n", &["orgsweep.toml:2", "hosts"]);
        let own = db.either("localhost", "127.0.0.1");
        bars(&db, &format!("[guards]\nforbidden-hosts = [\"{own}\"]\n"), &["orgsweep.toml:2", own]);
        cleans(&db, &format!("[guards]\nhosts = [\"{own}\"]\nforbidden-hosts = [\"*prod*\"]\n"), &[], &GONE);
    }

    fn organizations(db: TestDatabase) {
        small(&db);
        guards(&db, "[guards]\norganizations = [\"e2e-*\", \"Test*\"]\n", &[], &["orgsweep.toml:2", "Apex", "e2e-*"]);
        guards(&db, "[guards]\nforbidden-organizations = [\"Glob*\", \"A*x\"]\n", &[], &["orgsweep.toml:2", "A*x"]);
        guards(&db, "[guards]\norganizations = [\"Ape\"]\n", &[], &["Apex"]);
        cleans(&db, "[guards]\norganizations = [\"e2e-*\", \"Ape?\"]\nforbidden-organizations = [\"Global\"]\n", &[], &GONE);
        // One of two is enough to refuse both.
        guards(&db, "[guards]\norganizations = [\"Apex\"]\n", &["--org-name", "Global"], &["Global"]);
        // Nobody selected, nobody to complain about.
        policy(&db, "[guards]\norganizations = [\"e2e-*\"]\n");
        of(&db, "clean", &["--org-name", "Nobody"]).exits(0);
    }

    /// A name that is null matches no pattern.
    fn organizations_without_a_name(db: TestDatabase) {
        db.execute("CREATE TABLE organizations (id integer PRIMARY KEY, name text); INSERT INTO organizations VALUES (1, NULL), (2, '')");
        for id in ["1", "2"] {
            refuses_of(&db, "[guards]\norganizations = [\"e2e-*\"]\n", &["--org-id", id, "--force"], &["guard"]);
        }
    }

    fn max_rows(db: TestDatabase) {
        small(&db);
        guards(&db, "[guards]\nmax-rows = 1\n", &[], &["orgsweep.toml:2", "max-rows", "2 rows"]);
        guards(&db, "[guards]\nmax-rows = 0\n", &[], &["orgsweep.toml:2"]);
        cleans(&db, "[guards]\nmax-rows = 2\n", &[], &GONE);
    }

    fn max_rows_can_only_be_tightened(db: TestDatabase) {
        small(&db);
        guards(&db, "[guards]\nmax-rows = 1\n", &["--max-rows", "1000"], &["orgsweep.toml:2"]);
        guards(&db, "[guards]\nmax-rows = 1000\n", &["--max-rows", "1"], &["max-rows is 1,"]);
        guards(&db, "", &["--max-rows", "1"], &["--max-rows"]);
        cleans(&db, "", &["--max-rows", "2"], &GONE);
        policy(&db, "[guards]\nmax-rows = 1\n");
        let before = db.dump();
        let run = |rows: &str, flags: &[&str]| {
            let arguments = [&["clean", "--org-name", "Apex", "--yes"], flags].concat();
            db.command(&arguments).env("ORGSWEEP_MAX_ROWS", rows).run()
        };
        run("1000", &[]).exits(3).says(&["orgsweep.toml:2"]);
        run("1000", &["--max-rows", "999"]).exits(3).says(&["orgsweep.toml:2"]);
        policy(&db, "");
        run("1", &[]).exits(3).says(&["max-rows"]);
        run("many", &[]).exits(2);
        changes(&before, &db.dump()).assert_none();
        // The flag before the environment: neither is a guard of the policy.
        run("1", &["--max-rows", "2"]).exits(0);
    }

    fn test_data(db: TestDatabase) {
        small(&db);
        let of = |condition: &str| format!("[guards]\ntest-data = {{ users = \"{condition}\" }}\n");
        guards(&db, &of("email LIKE '%@e2e.test'"), &[], &["orgsweep.toml:2", "users", "ann@apex.test"]);
        // Unknown is not proven.
        guards(&db, &of("nullif(email, email) = 'x'"), &[], &["users"]);
        guards(&db, &of("false OR email IS NULL"), &[], &["users"]);
        cleans(&db, &of("email LIKE '%@apex.test'"), &[], &GONE);
        cleans(&db, &of("email = 'nobody' OR email LIKE '%@apex.test'"), &[], &GONE);
        // Of a table that loses nothing, and that only unlinks touch.
        cleans(&db, "[guards]\ntest-data = { notes = \"1 = 0\" }\n", &[], &GONE);
        let both = "[guards.test-data]\nusers = \"1 = 1\"\norganizations = \"name LIKE 'e2e-%'\"\n";
        guards(&db, both, &[], &["orgsweep.toml:3", "Apex"]);
    }

    fn orphans_are_guarded_alike(db: TestDatabase) {
        small(&db);
        db.execute("INSERT INTO users VALUES (40, NULL, 'left@e2e.test'), (50, NULL, 'root@apex.test')");
        let orphans = "[[orphans]]\ntable = \"users\"\nwhere = \"1 = 1\"\n";
        let only = ["--orphans", "only", "--force"];
        refuses_of(&db, &(orphans.to_owned() + "[guards]\nmax-rows = 1\n"), &only, &["guard"]);
        let test_data = "[guards]\ntest-data = { users = \"email LIKE '%@e2e.test'\" }\n";
        refuses_of(&db, &(orphans.to_owned() + test_data), &only, &["guard"]).says(&["root@apex.test"]);
        let allowed = orphans.to_owned() + "[guards]\norganizations = [\"e2e-*\"]\n";
        cleans_of(&db, &allowed, &only, &["- users 40", "- users 50"]);
    }

    /// Commands that delete nothing say what they have to say.
    fn looking_is_not_guarded(db: TestDatabase) {
        small(&db);
        policy(&db, "[guards]\ndatabases = [\"nothing\"]\nmax-rows = 0\n");
        db.orgsweep(&["graph"]).exits(0);
        db.orgsweep(&["verify", "--org-name", "Nobody"]).exits(0);
        db.orgsweep(&["policy", "check"]).exits(0).says(&["orgsweep.toml:2"]);
    }
}
