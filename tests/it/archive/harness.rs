//! Cleaning with an archive, restoring it, and every value of every table told apart.

use crate::support::*;
use std::path::{Path, PathBuf};

/// Both ways of proving that nothing dangles: on PostgreSQL also two ways of archiving.
pub const CHECKS: [&str; 2] = ["engine", "set"];

/// Where the tests keep archives.
pub fn archive_dir(db: &TestDatabase) -> PathBuf {
    db.directory().join("archives")
}

/// The names of the files in a directory whose names hold `part`; none where there is no directory.
pub fn files(directory: &Path, part: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.retain(|path| path.to_string_lossy().contains(part));
    files.sort();
    files
}

/// The only archive that there is, whatever its state.
#[track_caller]
pub fn only_archive(db: &TestDatabase) -> PathBuf {
    let archives = files(&archive_dir(db), ".tar.zst");
    assert_eq!(archives.len(), 1, "{archives:?}");
    archives.into_iter().next().expect("one archive")
}

/// The flags of a clean that archives.
pub fn cleaning<'a>(directory: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    let common = ["clean", "--yes", "--format", "json", "--archive-dir", directory];
    [&common[..], flags].concat()
}

/// `clean --yes` in JSON, archived in the test's directory.
pub fn clean(db: &TestDatabase, flags: &[&str]) -> Outcome {
    db.orgsweep(&cleaning(&archive_dir(db).to_string_lossy(), flags))
}

/// `restore` in JSON.
pub fn restore(db: &TestDatabase, archive: &Path, flags: &[&str]) -> Outcome {
    let (archive, archive_dir) = (archive.to_string_lossy(), archive_dir(db));
    let common =
        ["restore", &archive, "--format", "json", "--archive-dir", &archive_dir.to_string_lossy()];
    db.orgsweep(&[&common[..], flags].concat())
}

/// A command with the test's directory of archives.
pub fn in_archives(db: &TestDatabase, words: &[&str]) -> Outcome {
    let archive_dir = archive_dir(db);
    db.orgsweep(&[words, &["--archive-dir", &archive_dir.to_string_lossy()]].concat())
}

/// Cleans and restores with either kind of checks, each in a copy of the database: see
/// [`comes_back`]. The last restore.
#[track_caller]
pub fn round_trip(db: &TestDatabase, flags: &[&str]) -> Outcome {
    let mut last = None;
    for checks in CHECKS {
        let copy = db.copy();
        last = Some(comes_back(&copy, &[flags, &["--reference-checks", checks]].concat()));
    }
    last.expect("a run")
}

/// Cleans, and restores the archive: every value of every table is as before.
#[track_caller]
pub fn comes_back(db: &TestDatabase, flags: &[&str]) -> Outcome {
    let before = contents(db);
    let cleaned = clean(db, flags).exits(0);
    let after = contents(db);
    let gone = before.keys().map(|table| changes(&before, &after).deleted(table)).sum::<usize>();
    assert!(gone > 0, "nothing was deleted\n{cleaned}");
    let unlinked = changes(&before, &after).new.values().map(Vec::len).sum::<usize>();
    let archive = only_archive(db);
    restore(db, &archive, &["--dry-run"]).exits(0);
    changes(&after, &contents(db)).assert_none();
    let restored = restore(db, &archive, &[]).exits(0);
    let changed = changes(&before, &contents(db));
    assert!(changed.is_empty(), "{flags:?}\n{changed}\n{cleaned}\n{restored}");
    assert!(db.dangling().is_empty(), "{:?}", db.dangling());
    let json = restored.json();
    assert_eq!(json["totals"]["restored"], gone, "{cleaned}\n{restored}");
    assert_eq!(json["totals"]["relinked"], unlinked, "{cleaned}\n{restored}");
    restored
}

/// Every value of every row, in a form that tells apart whatever the engine does.
pub fn contents(db: &TestDatabase) -> Dump {
    if !db.is_sqlite() {
        return db.dump();
    }
    // Types, bytes, and more digits than a double has.
    let tables = db.query(
        "SELECT l.name, group_concat('typeof(' || x || ') || hex(CAST(' || x || ' AS BLOB)) || \
         CASE typeof(' || x || ') WHEN ''real'' THEN printf(''%!.26g'', ' || x || ') ELSE '''' END', \
         ' || '','' || ') \
         FROM pragma_table_list l, (SELECT t.name AS t, '\"' || replace(c.name, '\"', '\"\"') || '\"' AS x \
         FROM pragma_table_list t, pragma_table_xinfo(t.name) c WHERE c.hidden <> 1) \
         WHERE t = l.name AND l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite%' \
         GROUP BY l.name",
    );
    let rows = |table: Vec<Option<String>>| {
        let [Some(name), Some(values)] = &table[..] else { panic!("{table:?}") };
        let quoted = name.replace('"', "\"\"");
        let rows = db.query(&format!("SELECT {values} FROM \"{quoted}\" ORDER BY 1"));
        (name.clone(), rows.into_iter().flatten().flatten().collect())
    };
    tables.into_iter().map(rows).collect()
}

/// Runs SQL without foreign keys and triggers: a cycle has no beginning.
pub fn unchecked(db: &TestDatabase, sql: &str) {
    let (off, on) = match db.backend {
        Backend::Sqlite => ("PRAGMA foreign_keys = OFF; ", "; PRAGMA foreign_keys = ON;"),
        Backend::Postgres => {
            ("SET session_replication_role = replica; ", "; RESET session_replication_role;")
        }
        Backend::Mysql => ("SET foreign_key_checks = 0; ", "; SET foreign_key_checks = 1"),
    };
    db.execute(&format!("{off}{sql}{on}"));
}
