//! The binary as its users meet it: exit codes, errors, confirmation, output.

mod age;
mod barriers;
mod batches;
mod cascade;
mod composite;
mod conditions;
mod confirmation;
mod constraints;
mod doctor;
mod explain;
mod faults;
mod files;
mod flags;
mod hostile;
mod layout;
mod machines;
mod names;
mod next;
mod organizations;
mod output;
mod pages;
mod rehearsal;
mod saved;
mod schemas;
pub mod scripts;
mod selection;
mod series;
mod target;
mod usage;

use crate::support::*;

/// Two organizations; `Apex`'s user created a deal, which protects the user (RESTRICT).
const SMALL: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email text NOT NULL
);
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    created_by integer NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    title text NOT NULL
);
CREATE TABLE notes (
    id integer PRIMARY KEY,
    deal_id integer REFERENCES deals (id) ON DELETE SET NULL,
    body text NOT NULL
);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO users VALUES (10, 1, 'ann@apex.test'), (11, 1, 'bob@apex.test'), (20, 2, 'gil@global.test');
INSERT INTO deals VALUES (100, 1, 10, 'DLID0001'), (200, 2, 20, 'DLID0001');
INSERT INTO notes VALUES (1000, 100, 'call back'), (2000, 200, 'sign');
";

/// The forced deletion of `Apex` from [`SMALL`], as every test here wants it.
const CLEAN_APEX: [&str; 5] = ["clean", "--org-name", "Apex", "--force", "--yes"];

fn small(db: &TestDatabase) -> Dump {
    db.execute(SMALL);
    db.dump()
}

/// Asserts that exactly `Apex` is gone.
#[track_caller]
fn assert_apex_is_gone(before: &Dump, db: &TestDatabase) {
    let changed = changes(before, &db.dump());
    let deleted = ["organizations", "users", "deals", "notes"].map(|table| changed.deleted(table));
    assert_eq!(deleted, [1, 2, 1, 0], "{changed}");
    assert_eq!(changed.new.keys().collect::<Vec<_>>(), ["notes"], "{changed}");
}
