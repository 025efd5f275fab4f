//! A plan that is wrong, as a defect of ours would make it: what found the rows does not vouch for them.

use crate::support::*;
use orgsweep::catalog::{Catalog, Reference};
use orgsweep::execute::{self, Failure, Job};
use orgsweep::introspect;
use orgsweep::plan::{self, Checks, Rules};
use orgsweep::selection::{RootNames, Selection, find_root};
use std::time::Duration;

/// A note names a user's `id`; user 1 of Apex has the `n` that is the `id` of Beta's.
const SCHEMA: &str = "
    CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(99) NOT NULL);
    CREATE TABLE users (id integer PRIMARY KEY, n integer UNIQUE, organization_id integer NOT NULL,
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
    CREATE TABLE notes (id integer PRIMARY KEY, u integer NOT NULL,
        FOREIGN KEY (u) REFERENCES users (id) ON DELETE CASCADE);
    INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
    INSERT INTO users VALUES (1, 3, 1), (3, 7, 2);";

/// Cleans Apex by a catalog that is not the database's. The failure; everything is as it was.
fn stopped(db: &TestDatabase, checks: Checks, wrong: &dyn Fn(&mut Catalog)) -> Failure {
    let before = db.dump();
    let failure = db.with(|database| {
        let mut catalog = database.in_snapshot(introspect::load).expect("a catalog");
        wrong(&mut catalog);
        let root = find_root(&catalog, RootNames::default()).expect("organizations");
        let plan = plan::build(&catalog, root.table, Rules { checks, ..Rules::default() });
        let selection = Selection { ids: vec!["1".into()], ..Selection::default() };
        let job = Job {
            catalog: &catalog,
            plan: &plan,
            root: &root,
            selection: &selection,
            lock_timeout: Duration::from_secs(10),
            verify: true,
            digest: false,
            batch: None,
            in_batches: false,
            archive: None,
            weigh: false,
            may_shrink: false,
            scopes: None,
        };
        execute::clean(database, &job, None, &mut |_| {}).expect_err("it is stopped")
    });
    assert_eq!(db.dump(), before, "{failure}");
    failure
}

fn of_notes(catalog: &mut Catalog) -> &mut Reference {
    let is_of_notes =
        |it: &usize| catalog.tables[catalog.references[*it].child.0].name.name == "notes";
    let position = (0..catalog.references.len()).find(is_of_notes).expect("notes.u");
    &mut catalog.references[position]
}

fn by_another_column(catalog: &mut Catalog) {
    of_notes(catalog).parent_columns = vec!["n".into()];
}

fn each(notes: &str, check: impl Fn(&TestDatabase, Checks)) {
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::Mysql] {
        for checks in [Checks::Engine, Checks::Set] {
            let Some(db) = TestDatabase::fresh(backend) else { continue };
            db.execute(&format!("{SCHEMA} INSERT INTO notes VALUES {notes}"));
            check(&db, checks);
        }
    }
}

#[test]
fn a_row_of_another_organization_that_was_found_stops_the_deletion() {
    each("(1, 3)", |db, checks| {
        let failure = stopped(db, checks, &by_another_column);
        let told = failure.to_string();
        assert!(matches!(failure, Failure::Unproven(_)), "{told}");
        assert!(
            told.contains("1 of 1 rows of notes that were to go name none that goes"),
            "{told}"
        );
    });
}

#[test]
fn a_row_that_was_not_found_stops_the_deletion() {
    each("(1, 1)", |db, checks| {
        let failure = stopped(db, checks, &by_another_column);
        assert!(matches!(failure, Failure::Unproven(_) | Failure::Disturbed(_)), "{failure}");
    });
}

#[test]
fn a_foreign_key_that_the_plan_lacks_stops_the_deletion() {
    each("(1, 1)", |db, checks| {
        let failure = stopped(db, checks, &|catalog| {
            let wanted = of_notes(catalog).clone();
            catalog.references.retain(|it| *it != wanted);
        });
        assert!(matches!(failure, Failure::Unproven(_) | Failure::SchemaMoved), "{failure}");
    });
}
