//! What the working directory brings along: a policy and a `.env`, in it and above; what they may say, and whose
//! they may be.

use super::*;
use std::os::unix::fs::chown;
use std::path::PathBuf;

const CLEAN: [&str; 4] = ["clean", "--org-name", "Apex", "--yes"];
const FORBIDDEN: &str = "[guards]\nforbidden-organizations = [\"Apex\"]\n";

fn people(backend: Backend) -> Option<TestDatabase> {
    let db = TestDatabase::fresh(backend)?;
    db.execute(PEOPLE);
    Some(db)
}

/// A folder below the test's own, with these above it.
fn below(db: &TestDatabase, path: &str) -> PathBuf {
    let folder = db.directory().join(path);
    std::fs::create_dir_all(&folder).expect("folders");
    folder
}

fn env_file(db: &TestDatabase, text: &str) {
    std::fs::write(db.directory().join(".env"), text).expect("a .env");
}

#[test]
fn the_nearest_policy_counts_as_far_as_the_repository_or_the_home() {
    let Some(db) = people(Backend::Sqlite) else { return };
    policy(&db, FORBIDDEN);
    let deep = below(&db, "repository/src");
    let repository = below(&db, "repository");
    let preview = |flags: &[&str]| {
        db.command(&[&["preview", "--org-name", "Apex"], flags].concat()).directory(&deep)
    };
    let above = db.directory().join("orgsweep.toml").display().to_string();
    preview(&[]).run().exits(3).says(&[&above, "forbidden"]);
    preview(&["--no-config"]).run().exits(0);
    preview(&["--no-config"]).env("ORGSWEEP_CONFIG", &above).run().exits(0);
    preview(&["--no-config", "--config", &above]).run().exits(2);
    let home = repository.display().to_string();
    preview(&[]).env("HOME", &home).run().exits(0);
    std::fs::create_dir(repository.join(".git")).expect("a repository");
    preview(&[]).run().exits(0).hides("policy");
    std::fs::write(repository.join("orgsweep.toml"), FORBIDDEN).expect("a policy");
    preview(&[]).run().exits(3);
    std::fs::write(deep.join("orgsweep.toml"), "").expect("a policy");
    preview(&[]).run().exits(0).says(&["policy orgsweep.toml"]);
}

#[test]
fn without_a_policy_that_is_required_nothing_runs() {
    let Some(db) = people(Backend::Sqlite) else { return };
    let before = db.dump();
    db.orgsweep(&[&CLEAN[..], &["--require-policy"]].concat())
        .exits(3)
        .says(&["policy is required"]);
    db.command(&CLEAN).env("ORGSWEEP_REQUIRE_POLICY", "1").run().exits(3);
    env_file(&db, "ORGSWEEP_REQUIRE_POLICY=yes\n");
    db.orgsweep(&CLEAN).exits(3);
    policy(&db, "");
    db.orgsweep(&[&CLEAN[..], &["--no-config"]].concat()).exits(3);
    changes(&before, &db.dump()).assert_none();
    db.orgsweep(&CLEAN).exits(0);
}

#[test]
fn a_dotenv_names_no_policy_no_place_to_write_and_nothing_to_remove() {
    let Some(db) = people(Backend::Sqlite) else { return };
    let before = db.dump();
    std::fs::write(db.directory().join("empty.toml"), "").expect("a policy");
    for (name, value) in [
        ("ORGSWEEP_CONFIG", "empty.toml"),
        ("ORGSWEEP_ARCHIVE_DIR", "archives"),
        ("ORGSWEEP_ARCHIVE_KEEP", "0s"),
        ("ORGSWEEP_METRICS", "metrics.prom"),
        ("ORGSWEEP_RECEIPT", "receipt.json"),
        ("ORGSWEEP_MAXROWS", "1"),
    ] {
        env_file(&db, &format!("{name}={value}\n"));
        db.orgsweep(&CLEAN).exits(2).says(&[".env", name]);
    }
    changes(&before, &db.dump()).assert_none();
    assert!(
        !db.directory().join("archives").exists() && !db.directory().join("metrics.prom").exists()
    );
    // Where a flag or the environment says it, or nobody needs it, it does not matter.
    env_file(&db, "ORGSWEEP_CONFIG=empty.toml\nORGSWEEP_METRICS=metrics.prom\n");
    db.orgsweep(&["graph", "--config", "empty.toml"]).exits(0);
    db.orgsweep(&["graph", "--no-env"]).exits(0);
    db.command(&[&CLEAN[..], &["--config", "empty.toml"]].concat())
        .env("ORGSWEEP_METRICS", "m.prom")
        .run()
        .exits(0);
    assert!(db.directory().join("m.prom").exists());
}

#[test]
fn a_dotenv_that_cannot_be_read_is_told_where_it_matters() {
    let Some(db) = people(Backend::Sqlite) else { return };
    env_file(&db, "DATABASE_URL=postgres://me:hunter2 x\n");
    let json = db.orgsweep(&["graph", "--format", "json"]).exits(2).hides("hunter2").json();
    assert!(json["error"].as_str().unwrap_or_default().contains(".env"), "{json}");
    db.command(&["completions", "bash"]).run().exits(0);
    db.orgsweep(&["graph", "--no-env"]).exits(0);
    env_file(&db, "ORGSWEEP_LOCK_TIMEOUT=soon\n");
    db.orgsweep(&["preview", "--org-id", "1"]).exits(2).says(&[".env", "soon", "--lock-timeout"]);
    // It is nobody's business what else a .env holds.
    env_file(&db, "SECRET_KEY=x\nPGPASSWORD=y\n");
    db.orgsweep(&["preview", "--org-id", "1"]).exits(0).hides(".env");
    env_file(&db, "ORGSWEEP_MAX_ROWS=100\n");
    db.orgsweep(&["preview", "--org-id", "1"]).exits(0).says(&["settings of .env"]);
}

#[test]
fn nothing_of_a_dotenv_reaches_libpq() {
    let Some(db) = people(Backend::Postgres) else { return };
    let preview = ["preview", "--org-name", "Apex", "--format", "sql"];
    let before = db.orgsweep(&preview).exits(0);
    env_file(
        &db,
        "PGHOSTADDR=127.0.0.2\nPGOPTIONS='-c default_transaction_read_only=on'\nPGSSLMODE=verify-full\n\
         PGSSLROOTCERT=/nowhere\nPGSERVICE=nowhere\nPGPASSFILE=/nowhere\nOPENSSL_CONF=/nowhere\n",
    );
    let after = db.orgsweep(&preview).exits(0);
    assert_eq!((before.stdout, before.stderr), (after.stdout, after.stderr));
    db.orgsweep(&CLEAN).exits(0);
}

#[test]
fn the_url_of_a_dotenv_says_which_database_and_no_more() {
    let Some(db) = people(Backend::Postgres) else { return };
    let graph = |parameters: &str| {
        env_file(&db, &format!("DATABASE_URL={}{parameters}\n", db.url()));
        Invocation::new(&["graph"]).directory(db.directory())
    };
    for parameter in ["options=-ctimezone%3DUTC", "sslmode=disable", "passfile=/x", "ssl%6Bey=/x"] {
        graph(&format!("?{parameter}")).run().exits(2).says(&[".env", "--database-url"]);
    }
    graph("?sslmode=prefer").run().exits(0);
    graph("?sslmode=prefer").env("PGSSLMODE", "require").run().exits(2).says(&["sslmode=prefer"]);
    graph("?connect_timeout=5").run().exits(0);
}

/// Only root can give files away.
#[test]
fn what_somebody_else_put_there_is_an_error() {
    const NOBODY: Option<u32> = Some(65534);
    let Some(db) = people(Backend::Sqlite) else { return };
    let folder = below(&db, "theirs/ours");
    if chown(below(&db, "theirs"), NOBODY, None).is_err() {
        return skip("only root can give a directory to somebody else");
    }
    let graph = |flags: &[&str]| db.command(&[&["graph"], flags].concat()).directory(&folder);
    graph(&[]).run().exits(0);
    std::fs::write(folder.join("../orgsweep.toml"), "").expect("a policy");
    graph(&[])
        .run()
        .exits(2)
        .says(&["theirs/orgsweep.toml stands in a directory of", "--no-config"]);
    graph(&["--no-config"]).run().exits(0);
    graph(&["--config", "../orgsweep.toml"]).run().exits(0);
    std::fs::write(folder.join("../.env"), "").expect("a .env");
    graph(&["--no-config"])
        .run()
        .exits(2)
        .says(&["theirs/.env stands in a directory of", "--no-env"]);
    graph(&["--no-config", "--no-env"]).run().exits(0);
    // In a directory of ours, as /tmp is everybody's.
    let own = below(&db, "own");
    std::fs::write(own.join("orgsweep.toml"), "").expect("a policy");
    chown(own.join("orgsweep.toml"), NOBODY, None).expect("given away");
    db.command(&["graph"]).directory(&own).run().exits(2).says(&["belongs to"]);
}
