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

/// Cleans Apex by this URL, which must be refused.
#[track_caller]
fn barred_by(db: &TestDatabase, url: &str) {
    let before = db.dump();
    let clean = ["--database-url", url, "clean", "--org-name", "Apex", "--force", "--yes"];
    let outcome = Invocation::new(&clean).directory(db.directory()).run();
    // A driver may not take a spelling at all.
    assert!(matches!(outcome.code, 1..=3), "{url}\n{outcome}");
    changes(&before, &db.dump()).assert_none();
}

/// User, address, port and name of a server's database.
fn parts(db: &TestDatabase) -> [String; 4] {
    let (_, rest) = db.url().split_once("://").expect("a URL");
    let (user, rest) = rest.split_once('@').expect("a user");
    let (host, port) = rest.split('/').next().and_then(|at| at.split_once(':')).expect("a port");
    [user, host, port, db.name()].map(str::to_owned)
}

#[test]
fn a_postgresql_server_by_any_other_name() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    small(&db);
    let [user, host, port, name] = parts(&db);
    assert_eq!(host, "127.0.0.1");
    let urls = [
        format!("postgres://{user}@localhost:{port}/{name}"),
        format!("postgres://{user}@2130706433:{port}/{name}"),
        format!("postgres://{user}@[::ffff:127.0.0.1]:{port}/{name}"),
        format!("postgres://{user}@%31%32%37.0.0.1:{port}/{name}"),
        format!("postgres://{user}@127.0.0.9:1,127.0.0.1:{port}/{name}"),
        format!("postgres://{user}@example.invalid:{port}/{name}?hostaddr=127.0.0.1"),
        format!("postgres://{user}@example.invalid:{port}/{name}?%68ost=127.0.0.1"),
        format!("postgres://{user}:x?y@127.0.0.1:{port}/{name}"),
        format!("postgres:///{name}?host=127.0.0.1&port={port}&user={user}"),
    ];
    for forbidden in ["127.0.0.1", "LOCALHOST", "127.*", "0x7f000001", "::1"] {
        policy(&db, &format!("[guards]\nforbidden-hosts = [\"{forbidden}\"]\n"));
        urls.iter().for_each(|url| barred_by(&db, url));
    }
    // A list of what is allowed lets nobody in by a name that is on it beside one that is not.
    for allowed in ["127.0.0.9", "example.invalid", "localhost"] {
        policy(&db, &format!("[guards]\nhosts = [\"{allowed}\"]\n"));
        urls[1..].iter().for_each(|url| barred_by(&db, url));
    }
    policy(&db, &format!("[guards]\nforbidden-databases = [\"{name}\"]\n"));
    barred_by(&db, &format!("postgres://{user}@{host}:{port}/postgres?dbname={name}"));
    policy(&db, "[guards]\ndatabases = [\"postgres\"]\n");
    barred_by(&db, &format!("postgres://{user}@{host}:{port}/postgres?dbname={name}"));
    // libpq's variables lead elsewhere, too.
    policy(&db, "[guards]\nhosts = [\"example.invalid\"]\n");
    let url = format!("postgres://{user}@example.invalid:{port}/{name}");
    let clean = ["--database-url", &url, "clean", "--org-name", "Apex", "--yes"];
    let command = Invocation::new(&clean).directory(db.directory());
    command.env("PGHOSTADDR", "127.0.0.1").run().exits(3).says(&["127.0.0.1 is not among hosts"]);
}

#[test]
fn a_mariadb_server_by_any_other_name() {
    let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
    small(&db);
    let [user, _, port, name] = parts(&db);
    for host in ["localhost", "LocalHost", "[::ffff:127.0.0.1]", "2130706433", "127.1"] {
        policy(&db, "[guards]\nforbidden-hosts = [\"127.0.0.1\"]\n");
        barred_by(&db, &format!("mysql://{user}@{host}:{port}/{name}"));
    }
    policy(&db, "[guards]\nhosts = [\"db.*\"]\n");
    barred_by(&db, &format!("mysql://{user}@127.0.0.1:{port}/{name}"));
}

#[test]
fn an_sqlite_file_by_any_other_name() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    small(&db);
    let (folder, file) = (db.directory().display().to_string(), db.path().display().to_string());
    let other = |name: &str| db.directory().join(name);
    std::os::unix::fs::symlink(db.path(), other("link_e2e.db")).expect("a link");
    std::fs::hard_link(db.path(), other("hard_e2e.db")).expect("a hard link");
    std::fs::create_dir(other("below")).expect("a folder");
    for forbidden in [&file, "test.db", "./test.db", "below/../test.db"] {
        policy(&db, &format!("[guards]\nforbidden-databases = [\"{forbidden}\"]\n"));
        for url in ["link_e2e.db", "hard_e2e.db", "below/../test.db"] {
            barred_by(&db, &format!("sqlite:{url}"));
            barred_by(&db, &format!("sqlite:{folder}/{url}"));
        }
    }
    // The name of a link is allowed, the file behind it is not.
    policy(&db, "[guards]\ndatabases = [\"*_e2e.db\"]\n");
    barred_by(&db, "sqlite:link_e2e.db");
    policy(&db, "[guards]\ndatabases = [\"./below/../test.db\"]\n");
    db.orgsweep(&["clean", "--org-name", "Apex", "--yes"]).exits(0);
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

    fn an_empty_list_is_a_mistake(db: TestDatabase) {
        small(&db);
        let before = db.dump();
        for list in ["databases", "hosts", "organizations"] {
            policy(&db, &format!("[guards]\n{list} = []\n"));
            apex(&db, "clean", &[]).exits(2).says(&["orgsweep.toml:2", "an empty list allows nothing"]);
        }
        changes(&before, &db.dump()).assert_none();
        cleans(&db, "[guards]\nforbidden-hosts = []\n", &[], &GONE);
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
