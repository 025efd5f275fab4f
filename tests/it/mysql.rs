//! What MySQL has and MariaDB does not: backslashes that escape, keys and columns that nobody sees, CHECKs that are not
//! enforced, keys over expressions; and chains as long as they come, though it names a temporary table once.

use crate::archive::harness::{clean, only_archive, restore};
use crate::cli::scripts::run_script;
use crate::support::*;

/// None on MariaDB, to which nothing of this applies.
fn database() -> Option<TestDatabase> {
    TestDatabase::fresh(Backend::Mysql).filter(TestDatabase::is_mysql_itself)
}

/// Cleans the organization of this name, and puts it back: all is as it was.
#[track_caller]
fn comes_back(db: &TestDatabase, name: &str) {
    let before = db.dump();
    clean(db, &["--org-name", name, "--force"]).exits(0);
    assert_ne!(db.dump(), before);
    restore(db, &only_archive(db), &[]).exits(0);
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn backslashes_and_quotes_are_themselves_in_names_values_checks_and_scripts() {
    let Some(db) = database() else { return };
    db.execute(
        r"CREATE TABLE organizations (id int PRIMARY KEY, name varchar(40));
          CREATE TABLE users (id varchar(20) PRIMARY KEY, org int, word varchar(20) DEFAULT 'a\''b', CHECK (word <> 'o''\'),
              twice varchar(50) AS (concat(word, '\', '''')) STORED,
              FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
          CREATE TABLE notes (id int PRIMARY KEY, user varchar(20), word varchar(20), CHECK (word <> '\'''),
              FOREIGN KEY (user) REFERENCES users (id) ON DELETE SET NULL);
          INSERT INTO organizations VALUES (1, 'Ap\ex''s'), (2, 'Apex');
          INSERT INTO users (id, org) VALUES ('a\', 1), ('\''', 1), ('b', 2);
          INSERT INTO notes VALUES (1, 'a\', '\'), (2, 'b', 'x')",
    );
    let preview = ["preview", "--org-name", r"Ap\ex's", "--format", "sql"];
    let script = db.orgsweep(&preview).exits(0).stdout;
    comes_back(&db, r"Ap\ex's");
    let ended = run_script(&db, &script).expect("the client");
    assert!(ended.status.success(), "{ended:?}\n{script}");
    assert_eq!((db.count("users"), db.count("notes WHERE user IS NULL")), (1, 1));
}

#[test]
fn what_would_break_a_check_with_a_quote_is_refused() {
    let Some(db) = database() else { return };
    // MySQL has no CHECK over a column that a foreign key sets to null.
    db.execute(
        r"CREATE TABLE organizations (id int PRIMARY KEY, name varchar(40));
          CREATE TABLE notes (id int PRIMARY KEY, org int, word varchar(20), KEY (org),
              CONSTRAINT named CHECK (word <> '\''' OR org IS NOT NULL),
              CONSTRAINT idle CHECK (org IS NOT NULL) NOT ENFORCED);
          INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
          INSERT INTO notes VALUES (1, 1, '\'''), (2, 2, 'x')",
    );
    let policy = "[[references]]\nfrom = \"notes.org\"\nto = \"organizations.id\"\non-delete = \"set null\"\n";
    std::fs::write(db.directory().join("orgsweep.toml"), policy).expect("a policy");
    let before = db.dump();
    db.orgsweep(&["clean", "--org-id", "1", "--yes"]).exits(3).says(&["named"]);
    changes(&before, &db.dump()).assert_none();
    // One that is not enforced is nobody's business.
    db.orgsweep(&["clean", "--org-id", "2", "--yes"]).exits(0);
    assert_eq!(db.count("notes WHERE org IS NULL"), 1);
}

#[test]
fn keys_and_columns_that_nobody_sees_come_back() {
    let Some(db) = database() else { return };
    db.execute(
        "SET SESSION sql_generate_invisible_primary_key = 1;
         CREATE TABLE organizations (id int PRIMARY KEY, name varchar(40), secret int DEFAULT 7 INVISIBLE);
         CREATE TABLE logs (org int, line varchar(20),
             FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
         SET SESSION sql_generate_invisible_primary_key = 0;
         INSERT INTO organizations (id, name, secret) VALUES (1, 'Apex', 8), (2, 'Beta', 9);
         INSERT INTO logs VALUES (1, 'a'), (1, 'a'), (2, 'a')",
    );
    comes_back(&db, "Apex");
}

#[test]
fn keys_over_expressions_and_indexes_that_nobody_uses_are_no_keys_of_columns() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(40), UNIQUE ((lower(name))));
         CREATE TABLE users (id int PRIMARY KEY, org int, UNIQUE KEY loud ((upper(concat(id, 'x')))), KEY idle (org) INVISIBLE,
             FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta'); INSERT INTO users VALUES (1, 1), (2, 2)",
    );
    comes_back(&db, "Apex");
}

#[test]
fn chains_and_owners_go_up_as_far_as_they_go() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(40));
         CREATE TABLE folders (id int PRIMARY KEY, org int, parent int, next int,
             FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE,
             FOREIGN KEY (next) REFERENCES folders (id) ON DELETE SET NULL,
             FOREIGN KEY (parent) REFERENCES folders (id) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
         INSERT INTO folders WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
             SELECT i, if(i < 3, i, NULL), if(i < 3, NULL, i - 2), NULL FROM n;
         UPDATE folders SET next = id - 1 WHERE id > 80",
    );
    for checks in ["set", "engine"] {
        let copy = db.copy();
        copy.orgsweep(&["clean", "--org-id", "1", "--yes", "--reference-checks", checks]).exits(0);
        assert_eq!(copy.count("folders"), 50);
        assert_eq!(copy.count("folders WHERE next IS NOT NULL"), 0);
    }
    comes_back(&db, "Apex");
}

#[test]
fn rows_that_are_alike_are_linked_again_as_many_as_there_were() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(20));
         CREATE TABLE users (id int PRIMARY KEY, org int,
             FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE logs (u int, u2 int, t varchar(10), FOREIGN KEY (u) REFERENCES users (id) ON DELETE SET NULL,
             FOREIGN KEY (u2) REFERENCES users (id) ON DELETE SET NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta'); INSERT INTO users VALUES (1, 1), (2, 2), (3, 1);
         INSERT INTO logs VALUES (1, 3, 'x'), (1, 3, 'x'), (2, 2, 'y'), (1, 2, 'z'), (2, 3, 'z'), (1, NULL, 'z'), (NULL, 1, 'z')",
    );
    comes_back(&db, "Apex");
}

/// A DECIMAL, a time or bytes in a JSON value, of each type of column that they come from, read otherwise as text.
#[test]
fn what_json_values_are_made_of_comes_back() {
    let Some(db) = database() else { return };
    db.execute(
        r#"CREATE TABLE organizations (id int PRIMARY KEY, name varchar(40));
          CREATE TABLE made (bits bit(9), two binary(2), some varbinary(9), b blob, tiny tinyblob, medium mediumblob, large longblob, moment timestamp(3));
          CREATE TABLE notes (id int AUTO_INCREMENT PRIMARY KEY, org int, j json, FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
          CREATE TABLE keyless (org int, j json, FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
          CREATE TABLE kept (j json, org int, FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE SET NULL);
          INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
          INSERT INTO made VALUES (b'100000001', x'00ff', x'0020', 'ab', x'', x'27', repeat(x'00ff', 3000), '2026-01-02 03:04:05.678');
          INSERT INTO notes (org, j) SELECT 1, json_object('price', CAST(1.10 AS DECIMAL(5, 2)), 'whole', CAST(7 AS DECIMAL(3)), 'we"ird\\
.$[*]é', json_array(CAST('2026-01-02' AS DATE), json_object('', CAST('-11:12:13.5' AS TIME(1)), 'f', 1.5e0)),
              'at', CAST('2026-01-02 03:04:05.678' AS DATETIME(3)), 'all', json_array(bits, two, some, b, tiny, medium, large, moment)) FROM made;
          INSERT INTO notes (org, j) VALUES (1, CAST(CAST(2.50 AS DECIMAL(5, 2)) AS JSON)), (1, '2.5'), (1, ' [1.0, "a b", null]'), (1, NULL),
              (1, json_array(repeat('x', 600000), CAST(1.10 AS DECIMAL(5, 2)))), (2, '{}');
          INSERT INTO notes (org, j) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 250)
              SELECT 1, json_arrayagg(CAST(i / 7 AS DECIMAL(9, 4))) FROM n;
          INSERT INTO keyless SELECT org, j FROM notes WHERE id <= 3;
          INSERT INTO kept SELECT j, org FROM notes WHERE id <= 3"#,
    );
    let types = "SELECT group_concat(concat_ws(' ', id, JSON_TYPE(x.v), x.v) ORDER BY id, x.n SEPARATOR '\n') FROM notes, \
                 JSON_TABLE(j, '$**[0]' COLUMNS (n FOR ORDINALITY, v JSON PATH '$')) x WHERE id <> 6";
    let before = db.value(types);
    assert!(before.contains("DECIMAL 1.10") && before.contains("base64:type16:"), "{before}");
    comes_back(&db, "Apex");
    assert_eq!(db.value(types), before);
}

#[test]
fn vectors_come_back() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(40));
         CREATE TABLE words (id int PRIMARY KEY, org int, v vector(3), long_one vector(2000), FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE keyless (org int, v vector(3), FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE kept (v vector(3), org int, FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE SET NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');
         INSERT INTO words VALUES (1, 1, string_to_vector('[1, 2.5, -3e-7]'), repeat(x'0000803f', 2000)), (2, 1, NULL, NULL), (3, 2, x'0000803f0000004000004040', NULL);
         INSERT INTO keyless SELECT org, v FROM words; INSERT INTO keyless SELECT org, v FROM words;
         INSERT INTO kept SELECT v, org FROM words; INSERT INTO kept SELECT v, org FROM words",
    );
    let contents = || {
        let own = ["words", "keyless", "kept"].map(|table| {
            let long = if table == "words" { ", hex(long_one)" } else { "" };
            db.query(&format!("SELECT org, hex(v){long} FROM {table} ORDER BY 1, 2"))
        });
        own.concat()
    };
    let before = contents();
    clean(&db, &["--org-name", "Apex"]).exits(0);
    assert_ne!(contents(), before);
    restore(&db, &only_archive(&db), &[]).exits(0);
    assert_eq!(contents(), before);
}

/// With `innodb_native_foreign_keys` off, as by default, MySQL 9.7 leaves a row that two cascades lead to.
#[test]
fn what_its_own_cascades_leave_is_laid_to_no_trigger() {
    let Some(db) = database() else { return };
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(20));
         CREATE TABLE users (id int PRIMARY KEY, org int, FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE notes (id int PRIMARY KEY, org int, u int,
             FOREIGN KEY (u) REFERENCES users (id) ON DELETE CASCADE,
             FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE bits (id int PRIMARY KEY, note int, u int,
             FOREIGN KEY (note) REFERENCES notes (id) ON DELETE CASCADE,
             FOREIGN KEY (u) REFERENCES users (id) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta'); INSERT INTO users VALUES (1, 1), (3, 1), (2, 2);
         INSERT INTO notes VALUES (1, 1, 1), (2, 2, 2), (3, 1, NULL), (4, NULL, 1), (5, 1, 3);
         INSERT INTO bits VALUES (1, 1, 1), (2, 2, 2), (3, 3, NULL), (4, NULL, 1), (5, 5, 1)",
    );
    let before = db.dump();
    let outcome = clean(&db, &["--org-name", "Apex", "--engine-cascade"]);
    if outcome.code != 0 {
        outcome
            .exits(3)
            .says(&["after the engine's own DELETE", "without --engine-cascade orgsweep deletes"]);
        changes(&before, &db.dump()).assert_none();
    }
    comes_back(&db, "Apex");
}
