//! A plan that is wrong, as a defect of ours would make it: what found the rows does not vouch for them.

use crate::support::*;
use orgsweep::archive::{Actor, ArchiveDirectory, Manifest};
use orgsweep::catalog::{Catalog, Reference, Table};
use orgsweep::execute::{self, Archiving, Failure, Job};
use orgsweep::introspect;
use orgsweep::plan::{self, Checks, Rules};
use orgsweep::selection::{RootNames, Selection, find_root};
use orgsweep::sql::Sql;
use std::time::Duration;
use time::OffsetDateTime;

/// A note names a user's `id`; user 1 of Apex has the `n` that is the `id` of Beta's.
const SCHEMA: &str = "
    CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(99) NOT NULL);
    CREATE TABLE users (id integer PRIMARY KEY, n integer UNIQUE, organization_id integer NOT NULL,
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
    CREATE TABLE notes (id integer PRIMARY KEY, u integer NOT NULL, v integer NOT NULL,
        FOREIGN KEY (u) REFERENCES users (id) ON DELETE CASCADE);
    INSERT INTO organizations VALUES (1, 'Apex'), (3, 'Beta');
    INSERT INTO users VALUES (1, 3, 1), (3, 7, 3);";

/// A way to run a deletion.
#[derive(Debug, Clone, Copy)]
struct Mode {
    checks: Checks,
    /// Without it, and without --verify, rows may go as they are found.
    archive: bool,
    verify: bool,
    batch: Option<u64>,
}

fn modes() -> Vec<Mode> {
    let mut modes = Vec::new();
    for checks in [Checks::Engine, Checks::Set] {
        for archive in [false, true] {
            let plain = Mode { checks, archive, verify: false, batch: None };
            modes.extend([plain, Mode { verify: true, ..plain }, Mode { batch: Some(1), ..plain }]);
        }
    }
    modes
}

/// Cleans Apex by a catalog that is not the database's. The failure; everything is as it was.
fn stopped(db: &TestDatabase, mode: Mode, wrong: &dyn Fn(&mut Catalog)) -> Failure {
    let before = db.dump();
    let failure = db.with(|database| {
        let mut catalog = database.in_snapshot(introspect::load).expect("a catalog");
        wrong(&mut catalog);
        let root = find_root(&catalog, RootNames::default()).expect("organizations");
        let rules = Rules { checks: mode.checks, ..Rules::default() };
        let plan = plan::build(&catalog, root.table, rules);
        let selection = Selection { ids: vec!["1".into()], ..Selection::default() };
        let archives = ArchiveDirectory::open(db.directory()).expect("a directory");
        let manifest = manifest(database.dialect(), &catalog);
        let archiving = Archiving::into_directory(archives, manifest);
        let job = Job {
            catalog: &catalog,
            plan: &plan,
            root: &root,
            selection: &selection,
            lock_timeout: Duration::from_secs(10),
            verify: mode.verify,
            digest: false,
            batch: mode.batch,
            in_batches: mode.batch.is_some(),
            archive: mode.archive.then_some(&archiving),
            weigh: false,
            rehearse: false,
            may_shrink: false,
            scopes: None,
        };
        let ended = match mode.batch {
            None => execute::clean(database, &job, None, &mut |_| {}).map(|_| ()),
            Some(_) => execute::batch(database, &job, &["1".into()], &mut |_| {}).map(|_| ()),
        };
        ended.expect_err(&format!("{mode:?} is stopped"))
    });
    assert_eq!(db.dump(), before, "{mode:?}: {failure}");
    failure
}

fn manifest(dialect: orgsweep::engine::Dialect, catalog: &Catalog) -> Manifest {
    Manifest {
        format: orgsweep::archive::FORMAT,
        tool: "a test".into(),
        made_at: OffsetDateTime::UNIX_EPOCH,
        actor: Actor { user: "somebody".into(), host: "here".into() },
        database: String::new(),
        identity: String::new(),
        dialect,
        root: "organizations".into(),
        organizations: Vec::new(),
        policy: None,
        schema: catalog.fingerprint.clone(),
        after: None,
        exported: false,
        sections: Vec::new(),
    }
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

fn each(schema: &str, backends: &[Backend], check: impl Fn(&TestDatabase, Mode)) {
    on_each(backends, schema, |db| modes().into_iter().for_each(|mode| check(db, mode)));
}

fn on_each(backends: &[Backend], schema: &str, check: impl Fn(&TestDatabase)) {
    for backend in backends {
        let Some(db) = TestDatabase::fresh(*backend) else { continue };
        db.execute(schema);
        check(&db);
    }
}

const ALL: &[Backend] = &[Backend::Sqlite, Backend::Postgres, Backend::Mysql];

/// The rows of notes, which the database's own foreign key gives to nobody of Apex, stop the deletion.
fn check_stopped(notes: &str, backends: &[Backend], wrong: &dyn Fn(&mut Catalog)) {
    each(&format!("{SCHEMA} INSERT INTO notes VALUES {notes}"), backends, |db, mode| {
        let failure = stopped(db, mode, wrong);
        let told = failure.to_string();
        assert!(matches!(failure, Failure::Unproven(_)), "{mode:?}: {told}");
        assert!(
            told.contains("1 of 1 rows of notes that were to go name none that goes"),
            "{mode:?}: {told}"
        );
    });
}

#[test]
fn a_row_of_another_organization_that_was_found_stops_the_deletion() {
    check_stopped("(1, 3, 3)", ALL, &by_another_column);
}

#[test]
fn so_does_one_that_was_found_by_another_of_its_columns() {
    each(&format!("{SCHEMA} INSERT INTO notes VALUES (1, 3, 1)"), ALL, |db, mode| {
        let failure = stopped(db, mode, &|catalog| of_notes(catalog).columns = vec!["v".into()]);
        assert!(matches!(failure, Failure::Unproven(_)), "{mode:?}: {failure}");
    });
}

#[test]
fn so_does_one_that_was_found_by_another_table() {
    // User 1 is Beta's, but Apex has the same number.
    let wrong = |catalog: &mut Catalog| {
        let is_root = |table: &Table| table.name.name == "organizations";
        let root = catalog.tables.iter().position(is_root).expect("organizations");
        of_notes(catalog).parent = orgsweep::catalog::TableId(root);
    };
    each(
        &format!(
            "{SCHEMA} INSERT INTO notes VALUES (1, 1, 1); UPDATE users SET organization_id = 3"
        ),
        ALL,
        |db, mode| {
            let failure = stopped(db, mode, &wrong);
            assert!(
                matches!(failure, Failure::Unproven(_) | Failure::SchemaMoved),
                "{mode:?}: {failure}"
            );
        },
    );
}

#[test]
fn so_does_one_that_was_found_by_another_operator() {
    // MariaDB's foreign keys compare by what they store, whatever an operator says.
    check_stopped("(1, 3, 3)", &[Backend::Sqlite, Backend::Postgres], &|catalog| {
        of_notes(catalog).comparisons[0].operator = Some("<=".into());
    });
}

#[test]
fn so_does_one_that_was_found_in_another_collation() {
    let schema = "
        CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
        CREATE TABLE users (code text PRIMARY KEY, organization_id integer NOT NULL,
            FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
        CREATE TABLE notes (id integer PRIMARY KEY, u text NOT NULL,
            FOREIGN KEY (u) REFERENCES users (code) ON DELETE CASCADE);
        INSERT INTO organizations VALUES (1, 'Apex'), (3, 'Beta');
        INSERT INTO users VALUES ('ann', 1), ('ANN', 3);
        INSERT INTO notes VALUES (1, 'ANN')";
    each(schema, &[Backend::Sqlite], |db, mode| {
        let failure = stopped(db, mode, &|catalog| compares_by(catalog, Some("NOCASE")));
        let told = failure.to_string();
        assert!(told.contains("1 of 1 rows of notes"), "{mode:?}: {told}");
    });
}

fn compares_by(catalog: &mut Catalog, collation: Option<&str>) {
    let users = catalog.tables.iter_mut().find(|it| it.name.name == "users");
    let columns = &mut users.expect("users").columns;
    let code = columns.iter_mut().find(|it| it.name == "code").expect("code");
    code.collation = collation.map(str::to_owned);
    of_notes(catalog).comparisons.iter_mut().for_each(|it| it.plain = true);
}

/// SQLite's cascades take it along from a table none of whose rows was shown.
#[test]
fn a_row_that_was_not_found_for_its_collation_stops_the_deletion() {
    let schema = "
        CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
        CREATE TABLE users (code text COLLATE NOCASE PRIMARY KEY, organization_id integer NOT NULL,
            FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
        CREATE TABLE notes (id integer PRIMARY KEY, u text NOT NULL,
            FOREIGN KEY (u) REFERENCES users (code) ON DELETE CASCADE);
        INSERT INTO organizations VALUES (1, 'Apex'), (3, 'Beta');
        INSERT INTO users VALUES ('ann', 1), ('bob', 3);
        INSERT INTO notes VALUES (1, 'ANN'), (2, 'Bob')";
    each(schema, &[Backend::Sqlite], |db, mode| {
        let failure = stopped(db, mode, &|catalog| compares_by(catalog, None));
        assert!(matches!(failure, Failure::Unproven(_)), "{mode:?}: {failure}");
    });
}

#[test]
fn a_row_that_was_not_found_stops_the_deletion() {
    let schema = format!("{SCHEMA} INSERT INTO notes VALUES (1, 1, 1)");
    on_each(ALL, &schema, |db| {
        // Others may have put it there: each run tries again and again.
        for checks in [Checks::Engine, Checks::Set] {
            let mode = Mode { checks, archive: false, verify: false, batch: None };
            let failure = stopped(db, mode, &by_another_column);
            assert!(
                matches!(failure, Failure::Unproven(_) | Failure::Disturbed(_)),
                "{mode:?}: {failure}"
            );
        }
    });
}

#[test]
fn a_foreign_key_that_the_plan_lacks_stops_the_deletion() {
    each(&format!("{SCHEMA} INSERT INTO notes VALUES (1, 1, 1)"), ALL, |db, mode| {
        let failure = stopped(db, mode, &|catalog| {
            let wanted = of_notes(catalog).clone();
            catalog.references.retain(|it| *it != wanted);
        });
        assert!(
            matches!(failure, Failure::Unproven(_) | Failure::SchemaMoved),
            "{mode:?}: {failure}"
        );
    });
}

/// Otherwise every deletion that takes rows as they are found would be run twice.
#[test]
fn plan_and_catalog_say_the_same_of_ordinary_keys() {
    const ORDINARY: &str = "
        CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(99) NOT NULL, code varchar(20) NOT NULL UNIQUE);
        CREATE TABLE users (id bigint PRIMARY KEY, organization_id integer NOT NULL,
            FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
        CREATE TABLE teams (a integer NOT NULL, b varchar(20) NOT NULL, PRIMARY KEY (a, b),
            FOREIGN KEY (b) REFERENCES organizations (code) ON DELETE CASCADE);
        CREATE TABLE notes (id integer PRIMARY KEY, u bigint, a integer, b varchar(20),
            FOREIGN KEY (u) REFERENCES users (id) ON DELETE CASCADE,
            FOREIGN KEY (a, b) REFERENCES teams (a, b) ON DELETE CASCADE);";
    const POSTGRES: &str = "
        CREATE DOMAIN code AS varchar(20); CREATE TYPE kind AS ENUM ('x', 'y');
        CREATE TABLE kinds (kind kind PRIMARY KEY, c code UNIQUE, v varchar UNIQUE, n bigint UNIQUE, f char(3) UNIQUE,
            t uuid UNIQUE, l integer[] UNIQUE, o integer REFERENCES organizations ON DELETE CASCADE);
        CREATE TABLE things (kind kind REFERENCES kinds ON DELETE CASCADE, c text REFERENCES kinds (c) ON DELETE CASCADE,
            v code REFERENCES kinds (v) ON DELETE CASCADE, n integer REFERENCES kinds (n) ON DELETE CASCADE,
            f char(3) REFERENCES kinds (f) ON DELETE CASCADE, t uuid REFERENCES kinds (t) ON DELETE CASCADE,
            l integer[] REFERENCES kinds (l) ON DELETE CASCADE);";
    const SQLITE: &str = "
        CREATE TABLE kinds (code text COLLATE NOCASE PRIMARY KEY, r real UNIQUE, o REFERENCES organizations ON DELETE CASCADE);
        CREATE TABLE things (code text REFERENCES Kinds ON DELETE CASCADE, r real REFERENCES kinds (R) ON DELETE CASCADE);
        CREATE TABLE twice (o integer, FOREIGN KEY (o) REFERENCES organizations (id) ON DELETE SET NULL,
            FOREIGN KEY (o) REFERENCES organizations (id) ON DELETE CASCADE);";
    on_each(ALL, ORDINARY, |db| {
        match db.is_sqlite() {
            true => db.execute(SQLITE),
            false if db.url().starts_with("postgres") => db.execute(POSTGRES),
            false => {}
        }
        db.with(|database| {
            let catalog = database.in_snapshot(introspect::load).expect("a catalog");
            let root = find_root(&catalog, RootNames::default()).expect("organizations");
            let plan = plan::build(&catalog, root.table, Rules::default());
            let sql = Sql::new(database.dialect(), &catalog, &plan);
            let tables: Vec<_> = catalog.table_ids().collect();
            let rows = database.query(&sql.constraints_on(&tables)).expect("constraints");
            let constraints = sql.constraints(&rows).expect("constraints");
            for id in catalog.reference_ids() {
                let arrow = catalog.reference_arrow(id);
                assert!(sql.says_it_alike(id, &constraints), "{arrow}: {constraints:#?}");
            }
        });
    });
}
