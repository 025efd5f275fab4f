//! Random databases: what was cleaned and restored is as it was. `ORGSWEEP_SEED` and `ORGSWEEP_CASES`
//! as for the differential tests.

use super::*;
use crate::model::arena::Arena;
use crate::model::contract::sorted;
use crate::model::schema::Case;
use crate::model::{generate, shrink, trial};
use orgsweep::engine::Dialect;

#[test]
fn sqlite() {
    run(Backend::Sqlite, Dialect::Sqlite);
}

#[test]
fn postgres() {
    run(Backend::Postgres, Dialect::Postgres);
}

#[test]
fn mysql() {
    run(Backend::Mysql, Dialect::MARIADB);
}

fn run(backend: Backend, dialect: Dialect) {
    let Some(mut arena) = Arena::open(backend) else { return };
    let first = from_environment("ORGSWEEP_SEED", 1);
    let cases = from_environment("ORGSWEEP_CASES", 50);
    let (mut cleaned, mut unlinked) = (0, 0);
    for seed in first..first + cases {
        let case = generate::case(dialect, seed);
        match examine(&mut arena, &case) {
            Ok(counts) => (cleaned, unlinked) = (cleaned + counts.0, unlinked + counts.1),
            Err(failure) => report(&mut arena, case, &failure),
        }
    }
    // Without enough of both the test says little.
    assert!(
        cases < 50 || cleaned > cases / 2 && unlinked > cases / 5,
        "{cleaned} cleaned, {unlinked} unlinked"
    );
}

fn from_environment(name: &str, default: u64) -> u64 {
    let number = |text: String| text.parse().unwrap_or_else(|_| panic!("{name} is not a number"));
    std::env::var(name).map_or(default, number)
}

/// Cleans and restores with either kind of checks; how many cleans succeeded, and unlinked rows.
fn examine(arena: &mut Arena, case: &Case) -> Result<(u64, u64), String> {
    arena.load(case);
    let before = sorted(case.data.clone());
    let (mut cleaned, mut unlinked) = (0, 0);
    for checks in CHECKS {
        let consent = ["delete", "unlink"][case.seed as usize % 2];
        let flags = [
            "--org-name",
            &case.name,
            "--force",
            "--foreign",
            consent,
            // Its columns without a foreign key mean nothing, whatever they are called.
            "--leave-behind",
            "--reference-checks",
            checks,
        ];
        let clean = clean(&arena.db, &flags);
        let archives = files(&archive_dir(&arena.db), ".tar.zst");
        if clean.code != 0 {
            if !archives.is_empty() {
                return Err(format!("an archive of what was not deleted: {archives:?}\n{clean}"));
            }
            trial::same_rows(
                &case.schema,
                "rows after a failure",
                &before,
                arena.dump(&case.schema),
            )?;
            continue;
        }
        cleaned += 1;
        unlinked += u64::from(clean.json()["totals"]["unlinked"] != 0);
        let [archive] = &archives[..] else {
            return Err(format!("{archives:?}\n{clean}"));
        };
        let restored = restore(&arena.db, archive, &[]);
        let found = arena.dump(&case.schema);
        std::fs::remove_file(archive).expect("the archive is removed");
        if restored.code != 0 {
            let engine = arena.db.is_sqlite().then(|| engine_takes(arena, case));
            arena.reload(case);
            if engine == Some(false) {
                continue;
            }
            return Err(format!("{checks}: not restored\n{clean}\n{restored}"));
        }
        let same = trial::same_rows(&case.schema, checks, &before, found);
        if let Err(difference) = same {
            arena.reload(case);
            return Err(format!("{difference}\n{clean}\n{restored}"));
        }
    }
    Ok((u64::from(cleaned > 0), unlinked))
}

/// SQLite refuses a row WITHOUT ROWID that names itself in other letters, whoever inserts it, although
/// its own `foreign_key_check` finds nothing wrong with it.
fn engine_takes(arena: &Arena, case: &Case) -> bool {
    let tables = case.schema.tables.iter();
    let delete: String = tables.map(|table| format!("DELETE FROM {};", table.sql_name())).collect();
    let (delete, insert) = (format!("BEGIN; {delete} COMMIT"), case.schema.inserts(&case.data));
    arena.db.with(|db| {
        db.run("PRAGMA foreign_keys = OFF").and_then(|()| db.run(&delete)).expect("all rows go");
        db.run("PRAGMA foreign_keys = ON").expect("a pragma");
        let inserted = db.run(&format!("BEGIN; PRAGMA defer_foreign_keys = ON; {insert} COMMIT"));
        if inserted.is_err() {
            let _ = db.run("ROLLBACK");
        }
        let _ = db.run("PRAGMA foreign_keys = OFF");
        inserted.is_ok()
    })
}

/// Reduces a failing case and panics with it.
fn report(arena: &mut Arena, case: Case, failure: &str) -> ! {
    let seed = case.seed;
    let mut fails = |case: &Case| examine(arena, case).is_err();
    let small = shrink::shrink(case, &mut fails);
    let small_failure = examine(arena, &small).err();
    panic!(
        "seed {seed}: {failure}\n\nreduced, --org-name {:?}:\n{}\n{}",
        small.name,
        small.schema.script(&small.data),
        small_failure.unwrap_or_default()
    );
}
