//! Rows that named nobody before they went come back as they were; so do those of which SQLite checks nothing.

use super::*;

each_backend! {
    fn rows_that_named_nobody_come_back_so(db: TestDatabase) {
        // SQLite's belong to the column; the others' come after the rows, PostgreSQL's unchecked.
        let (author, parent) = (" REFERENCES users (id)", " REFERENCES notes (id) ON DELETE SET NULL");
        db.execute(&format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE users (id integer PRIMARY KEY, org integer REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE notes (id integer PRIMARY KEY, org integer REFERENCES organizations (id) ON DELETE CASCADE,
                 author integer{}, parent integer{});
             CREATE TABLE stars (id integer PRIMARY KEY, note integer REFERENCES notes (id) ON DELETE SET NULL);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'); INSERT INTO users VALUES (10, 1), (20, 2), (21, 2)",
            db.either(author, ""),
            db.either(parent, ""),
        ));
        unchecked(&db, "INSERT INTO notes VALUES (1, 1, 999, NULL), (2, 1, 10, 777), (3, 1, 20, 1), (4, 2, 998, 3),
                            (5, 2, 21, NULL);
                        INSERT INTO stars VALUES (1, 1), (2, 5)");
        if !db.is_sqlite() {
            let late = db.pick("", " NOT VALID", "");
            unchecked(&db, &format!(
                "ALTER TABLE notes ADD CONSTRAINT a FOREIGN KEY (author){author}{late};
                 ALTER TABLE notes ADD CONSTRAINT p FOREIGN KEY (parent){parent}{late}"
            ));
        }
        let before = contents(&db);
        clean(&db, &["--org-name", "Apex", "--force"]).exits(0);
        let archive = only_archive(&db);
        let told = ["1 row name by notes.author → users", "1 row name by notes.parent → notes"];
        restore(&db, &archive, &["--dry-run"]).exits(0).says(&told);
        // What went meanwhile has not dangled before.
        let copy = db.copy();
        copy.execute("DELETE FROM users WHERE id = 20");
        restore(&copy, &archive, &["--other-database"]).exits(3).says(&["neither there nor in the archive"]);
        let restored = restore(&db, &archive, &[]).exits(0).says(&told);
        assert_eq!(restored.json()["dangling"][0]["rows"], 1, "{restored}");
        assert_eq!(restored.json()["totals"]["relinked"], 2, "{restored}");
        let changed = changes(&before, &contents(&db));
        assert!(changed.is_empty(), "{changed}");
    }
}

/// With foreign keys on SQLite takes no row of these tables, neither new nor changed.
#[test]
fn a_foreign_key_that_names_no_table_or_no_key_keeps_nothing_out() {
    for kinds in ["", "CREATE TABLE kinds (id integer, name text);"] {
        let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
        unchecked(
            &db,
            &format!(
                "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL); {kinds}
                 CREATE TABLE users (id integer PRIMARY KEY, org integer REFERENCES organizations ON DELETE CASCADE,
                     kind integer REFERENCES kinds (id));
                 CREATE TABLE notes (id integer PRIMARY KEY, author integer REFERENCES users ON DELETE SET NULL,
                     kind integer REFERENCES kinds (id));
                 INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
                 INSERT INTO users VALUES (1, 1, 3), (2, 1, NULL), (3, 2, 4);
                 INSERT INTO notes VALUES (1, 1, 5), (2, 3, 6), (3, 2, NULL)"
            ),
        );
        let before = contents(&db);
        clean(&db, &["--org-name", "Apex"]).exits(0);
        let archive = only_archive(&db);
        restore(&db, &archive, &[]).exits(0).says(&["users names no table or no key"]);
        let changed = changes(&before, &contents(&db));
        assert!(changed.is_empty(), "{changed}");
    }
}

/// SQLite looks for the parent before the row is there.
#[test]
fn a_row_that_names_itself_in_another_case_comes_back() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    unchecked(
        &db,
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE nodes (id text COLLATE NOCASE PRIMARY KEY, parent text REFERENCES nodes (id) ON DELETE CASCADE,
             org integer REFERENCES organizations ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO nodes VALUES ('A', 'a', 1), ('B', 'A', 1), ('c', 'C', 2)",
    );
    comes_back(&db, &["--org-name", "Apex"]);
}
