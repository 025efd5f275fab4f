//! The catalog as it is read from real databases. PostgreSQL's tests need a superuser's URL of a
//! maintenance database in ORGSWEEP_TEST_POSTGRES.

mod mysql;
mod postgres;
mod shown;
mod sqlite;

use orgsweep::catalog::Catalog;
use orgsweep::database::Database;
use orgsweep::introspect;

/// Loads the catalog and checks what holds for every one of them.
#[track_caller]
fn loaded(database: &mut Database) -> Catalog {
    let before = database.statements;
    let catalog = database.in_snapshot(introspect::load).unwrap();
    assert!(database.statements - before <= 20, "as many questions, whatever the schema's size");
    let before = database.statements;
    assert_eq!(database.in_snapshot(introspect::fingerprint).unwrap(), catalog.fingerprint);
    assert_eq!(database.statements - before, 3);
    catalog
}

/// Runs each statement and compares the fingerprints before and after.
#[track_caller]
fn check_fingerprint(database: &mut Database, changing: &[&str], harmless: &[&str]) {
    let mut before = database.in_snapshot(introspect::fingerprint).unwrap();
    for (statements, changes) in [(changing, true), (harmless, false)] {
        for statement in statements {
            database.run(statement).unwrap();
            let after = database.in_snapshot(introspect::fingerprint).unwrap();
            assert_eq!(after != before, changes, "{statement}");
            before = after;
        }
    }
}
