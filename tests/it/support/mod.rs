//! What the integration tests share: a fresh database per test on every backend, the binary run
//! as a user would run it, and what changed in the rows.

mod database;
mod django;
pub mod mysql;
mod process;
mod rows;

pub use database::{Backend, Role, TestDatabase, postgres_url, postgres_version};
pub use django::{DjangoOutcome, DjangoTrial, django_pythons};
pub use process::{Invocation, Outcome, Running, evil, orgsweep};
pub use rows::{Dump, changes};

use std::io::Write;

/// Turns each test body into one test per backend: `name::sqlite`, `name::postgres` and `name::mysql`.
///
/// ```ignore
/// each_backend! {
///     fn preview_changes_nothing(db: TestDatabase) {
///         db.execute("CREATE TABLE …");
///     }
/// }
/// ```
macro_rules! each_backend {
    ($($(#[$attribute:meta])* fn $name:ident($db:ident: TestDatabase) $body:block)*) => {$(
        mod $name {
            use super::*;

            fn body($db: TestDatabase) $body

            $(#[$attribute])*
            #[test]
            fn sqlite() {
                if let Some(db) = TestDatabase::fresh(Backend::Sqlite) {
                    body(db);
                }
            }

            $(#[$attribute])*
            #[test]
            fn postgres() {
                if let Some(db) = TestDatabase::fresh(Backend::Postgres) {
                    body(db);
                }
            }

            $(#[$attribute])*
            #[test]
            fn mysql() {
                if let Some(db) = TestDatabase::fresh(Backend::Mysql) {
                    body(db);
                }
            }
        }
    )*};
}
pub(crate) use each_backend;

/// Says loudly that a test did not run, past the test harness's capture; `tests/run` repeats it.
pub fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason}");
    if let Some(file) = std::env::var_os("ORGSWEEP_TEST_SKIPPED")
        && let Ok(mut file) = std::fs::File::options().create(true).append(true).open(file)
    {
        // One write: many tests append at once.
        let _ = file.write_all(format!("{reason}\n").as_bytes());
    }
}
