//! How archives are named by people, and the last deletion undone.

use super::*;

const SCHEMA: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'), (3, 'Third');
INSERT INTO users VALUES (10, 1), (20, 2), (30, 3);
";

each_backend! {
    fn an_archive_is_named_by_how_its_name_begins_or_ends(db: TestDatabase) {
        db.execute(SCHEMA);
        let before = contents(&db);
        clean(&db, &["--org-name", "Apex"]).exits(0);
        let archive = only_archive(&db);
        clean(&db, &["--org-name", "Global"]).exits(0);
        let name = archive.file_name().expect("a name").to_string_lossy().into_owned();
        let id = name.trim_end_matches(".tar.zst").rsplit('-').next().expect("an id");
        in_archives(&db, &["archives", "show", id]).exits(0).says(&["Apex"]);
        in_archives(&db, &["restore", &name[..5], "-n"]).exits(2).says(&["may be any of 2 archives", &name]);
        in_archives(&db, &["restore", "20010101", "-n"]).exits(2).says(&["there is no archive 20010101"]);
        in_archives(&db, &["restore", &name[..name.len() - 12]]).exits(0);
        in_archives(&db, &["restore", "latest"]).exits(0).says(&["Global"]);
        changes(&before, &contents(&db)).assert_none();
    }

    fn the_last_run_is_undone_with_all_of_its_archives(db: TestDatabase) {
        db.execute(SCHEMA);
        clean(&db, &["--org-name", "Third"]).exits(0);
        let before = contents(&db);
        clean(&db, &["--org-name", "Apex", "--org-name", "Global", "--per-org"]).exits(0);
        let after = contents(&db);
        // Nobody is there to confirm it.
        in_archives(&db, &["undo"]).exits(4).says(&["Apex", "Global", "--yes"]);
        in_archives(&db, &["undo", "--dry-run"]).exits(0);
        changes(&after, &contents(&db)).assert_none();
        in_archives(&db, &["undo", "--yes"]).exits(0);
        changes(&before, &contents(&db)).assert_none();
        // Batches of one organization are one run, too.
        clean(&db, &["--org-name", "Apex", "--batch-rows", "1"]).exits(0);
        in_archives(&db, &["restore", "latest"]).exits(0);
        changes(&before, &contents(&db)).assert_none();
    }

    /// No other is put back in its place.
    fn a_deletion_that_kept_no_archive_is_the_last_one_all_the_same(db: TestDatabase) {
        db.execute(SCHEMA);
        in_archives(&db, &["clean", "--org-name", "Third", "--yes", "--no-archive"]).exits(0);
        in_archives(&db, &["undo", "--yes"]).exits(3).says(&["kept no archive: Third"]);
        clean(&db, &["--org-name", "Apex"]).exits(0);
        in_archives(&db, &["clean", "--org-name", "Global", "--yes", "--no-archive"]).exits(0);
        let after = contents(&db);
        for words in [&["undo", "--yes"][..], &["restore", "latest"]] {
            in_archives(&db, words).exits(3).says(&["kept no archive: Global", "orgsweep archives lists"]);
        }
        changes(&after, &contents(&db)).assert_none();
        in_archives(&db, &["history", "show", "latest"]).exits(0).says(&["Global"]);
    }

    fn one_that_is_back_is_said_first_and_passed_over(db: TestDatabase) {
        db.execute(SCHEMA);
        let before = contents(&db);
        clean(&db, &["--org-name", "Apex", "--org-name", "Global", "--per-org"]).exits(0);
        let apex = files(&archive_dir(&db), "-apex-").into_iter().find(|path| path.extension().is_some_and(|it| it == "zst"));
        restore(&db, &apex.expect("its archive"), &[]).exits(0);
        in_archives(&db, &["undo"]).exits(4).says(&["Apex: 2 rows deleted", "already back", "Global: 2 rows deleted"]);
        in_archives(&db, &["undo", "--yes"]).exits(0).says(&["already back"]);
        changes(&before, &contents(&db)).assert_none();
        in_archives(&db, &["undo"]).exits(3).says(&["already back"]);
    }

    /// No part of it, and no other in its place.
    fn a_deletion_some_of_which_is_not_kept_any_more_stays_as_it_is(db: TestDatabase) {
        db.execute(SCHEMA);
        clean(&db, &["--org-name", "Third"]).exits(0);
        clean(&db, &["--org-name", "Apex", "--org-name", "Global", "--per-org"]).exits(0);
        let after = contents(&db);
        for (name, why) in [("-apex-", "1 of the 2 archives of the last deletion"), ("-global-", "has its archive")] {
            for path in files(&archive_dir(&db), name).iter().filter(|path| path.extension().is_some_and(|it| it == "zst")) {
                std::fs::remove_file(path).expect("an archive");
            }
            in_archives(&db, &["undo", "--yes"]).exits(3).says(&[why, "orgsweep restore NAME"]);
            changes(&after, &contents(&db)).assert_none();
        }
    }

    fn files_of_rows_that_went_are_listed_by_column(db: TestDatabase) {
        db.execute(SCHEMA);
        db.execute("CREATE TABLE documents (id integer PRIMARY KEY, user_id integer, file varchar(40), size integer,
                FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE);
            INSERT INTO documents VALUES (1, 10, 'a/it''s é.pdf', 1), (2, 10, NULL, 2), (3, 10, '', 3), (4, 20, 'b.pdf', 4)");
        clean(&db, &["--org-name", "Apex"]).exits(0);
        let files = |column: &str, more: &[&str]| {
            in_archives(&db, &[&["archives", "files", "latest", "--column", column], more].concat())
        };
        assert_eq!(files("documents.file", &[]).exits(0).stdout.trim_end(), "a/it's é.pdf");
        files("documents.file", &["--format", "json"]).exits(0).says(&["\"a/it's é.pdf\"", "\"\""]);
        files("documents.size", &[]).exits(2).says(&["documents.size holds no texts"]);
        files("documents.path", &[]).exits(2).says(&["holds no column documents.path"]);
        let by_policy = || in_archives(&db, &["archives", "files", "latest"]);
        by_policy().exits(2).says(&["nothing says which columns name files"]);
        let policy = "[tables.documents]\nfiles = [\"file\"]\n[tables.users]\nfiles = [\"photo\"]\n";
        std::fs::write(db.directory().join("orgsweep.toml"), policy).expect("a policy");
        assert_eq!(by_policy().exits(0).stdout.trim_end(), "a/it's é.pdf");
        db.orgsweep(&["preview", "--org-name", "Global"]).exits(2).says(&["orgsweep.toml:4", "users has no column photo"]);
    }

    fn what_is_back_is_said_to_be_back(db: TestDatabase) {
        db.execute(SCHEMA);
        let before = contents(&db);
        clean(&db, &["--org-name", "Apex"]).exits(0);
        in_archives(&db, &["archives", "list"]).exits(0).says(&["complete"]);
        in_archives(&db, &["history", "show", "latest"]).exits(0).hides("put back");
        in_archives(&db, &["undo", "--yes"]).exits(0);
        in_archives(&db, &["history", "show", "latest"]).exits(0).says(&["ended: clean", "put back: "]);
        in_archives(&db, &["history"]).exits(0).says(&["put back since"]);
        in_archives(&db, &["undo", "--yes"]).exits(3).says(&["already back: the keys of all 2 rows"]);
        assert_eq!(restore(&db, &only_archive(&db), &[]).exits(3).json()["already_back"], true);
        in_archives(&db, &["archives"]).exits(0).says(&["put back"]);
        changes(&before, &contents(&db)).assert_none();
        // Somebody else's row under one of the keys is another matter.
        db.execute("DELETE FROM users WHERE id = 10; DELETE FROM organizations WHERE id = 1; \
            INSERT INTO organizations VALUES (1, 'Other')");
        in_archives(&db, &["restore", "latest"]).exits(3).says(&["would take a value"]).hides("already back");
    }

    fn a_clean_ends_with_the_line_that_brings_it_back(db: TestDatabase) {
        db.execute(SCHEMA);
        let before = contents(&db);
        let json = clean(&db, &["--org-name", "Apex", "--receipt", "r.json"]).exits(0).json();
        let line = json["restore"].as_str().expect("a line").to_owned();
        let words: Vec<&str> = line.split(' ').skip(1).collect();
        assert!(!words.contains(&"--receipt"), "{line}");
        let flag = words.iter().position(|word| *word == "--database-url").expect("its database");
        let own: Vec<&str> = words.iter().enumerate().filter(|(n, _)| *n != flag && *n != flag + 1).map(|(_, word)| *word).collect();
        db.orgsweep(&own).exits(0);
        changes(&before, &contents(&db)).assert_none();
    }
}

/// Another database's archives in the same directory are not meant.
#[test]
fn the_latest_is_of_this_database() {
    let (Some(db), Some(other)) =
        (TestDatabase::fresh(Backend::Sqlite), TestDatabase::fresh(Backend::Sqlite))
    else {
        return;
    };
    db.execute(SCHEMA);
    other.execute(SCHEMA);
    let kept = archive_dir(&db).to_string_lossy().into_owned();
    clean(&db, &["--org-name", "Apex"]).exits(0);
    let before = other.dump();
    other.orgsweep(&["undo", "--yes", "--archive-dir", &kept]).exits(2).says(&["of this database"]);
    other.orgsweep(&cleaning(&kept, &["--org-name", "Global"])).exits(0);
    in_archives(&db, &["undo", "--yes"]).exits(0).says(&["Apex"]);
    other.orgsweep(&["undo", "--yes", "--archive-dir", &kept]).exits(0).says(&["Global"]);
    changes(&before, &other.dump()).assert_none();
}
