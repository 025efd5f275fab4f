//! Files that flags name: what is no plain file is written through or refused beforehand, and stays what it is.

use crate::cli::{CLEAN_APEX, small};
use crate::support::*;
use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;

/// Commands that write a file, and whether rows go.
fn writers(file: &str) -> Vec<(Vec<&str>, bool)> {
    let clean = |flag| [&CLEAN_APEX[..], &[flag, file]].concat();
    vec![
        (vec!["preview", "--org-name", "Apex", "--force", "--save-plan", file], false),
        (vec!["policy", "init", "--overwrite", "--output", file], false),
        (clean("--receipt"), true),
        (clean("--metrics"), true),
    ]
}

fn is_fifo(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|facts| facts.file_type().is_fifo())
}

fn make_fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
    assert!(made.success());
}

#[test]
fn a_link_is_written_through() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    small(&db);
    let directory = tempfile::TempDir::new().expect("a directory");
    let [file, link] = ["file", "link"].map(|name| directory.path().join(name));
    symlink("file", &link).expect("a link");
    for (words, _) in writers(&link.to_string_lossy()) {
        fs::write(&file, "of an earlier run\n".repeat(1000)).expect("a file");
        let outcome = db.copy().orgsweep(&words).exits(0);
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink(), "{outcome}");
        let text = fs::read_to_string(&file).expect("the file");
        assert!(!text.is_empty() && !text.contains("earlier"), "{outcome}\n{text}");
    }
    assert_eq!(fs::read_dir(directory.path()).expect("a list").count(), 2);
}

#[test]
fn a_fifo_that_nobody_reads_is_refused_before_anything_is_done() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    let before = small(&db);
    let directory = tempfile::TempDir::new().expect("a directory");
    let fifo = directory.path().join("fifo");
    make_fifo(&fifo);
    for (words, _) in writers(&fifo.to_string_lossy()) {
        db.orgsweep(&words).exits(2).says(&["nobody reads from it"]);
        assert!(is_fifo(&fifo), "{words:?}");
    }
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn a_fifo_that_somebody_reads_gets_the_whole() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    small(&db);
    let directory = tempfile::TempDir::new().expect("a directory");
    let fifo = directory.path().join("fifo");
    make_fifo(&fifo);
    for (words, deletes) in writers(&fifo.to_string_lossy()) {
        let path = fifo.clone();
        let reader = std::thread::spawn(move || fs::read_to_string(path).expect("what is written"));
        let copy = db.copy();
        // The reader opens its end whenever it comes to it.
        let outcome = (0..100).map(|_| copy.orgsweep(&words)).find(|outcome| outcome.code == 0);
        let outcome = outcome.expect("the reader is there");
        let text = reader.join().expect("no panic");
        assert!(text.contains("orgsweep") && is_fifo(&fifo), "{outcome}\n{text}");
        assert_eq!(copy.count("organizations"), if deletes { 1 } else { 2 }, "{outcome}");
    }
}

#[test]
fn a_policy_that_nobody_writes_is_not_waited_for_and_one_that_is_written_counts() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    let before = small(&db);
    let directory = tempfile::TempDir::new().expect("a directory");
    let fifo = directory.path().join("policy.toml");
    make_fifo(&fifo);
    let preview = ["preview", "--org-name", "Apex", "--force", "--config", &fifo.to_string_lossy()];
    db.orgsweep(&preview).exits(2).says(&["policy.toml", "nobody writes to it"]);
    let path = fifo.clone();
    let writer = std::thread::spawn(move || fs::write(path, "[guards]\nmax-rows = 1\n"));
    db.orgsweep(&preview).exits(3).says(&["max-rows"]);
    writer.join().expect("no panic").expect("written");
    let of = |file| ["preview", "--org-name", "Apex", "--force", "--config", file];
    db.orgsweep(&of("/dev/zero")).exits(2).says(&["it is larger than"]);
    db.orgsweep(&of("/dev/null")).exits(0);
    changes(&before, &db.dump()).assert_none();
}
