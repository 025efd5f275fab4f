//! MariaDB's texts in every character set that it has come back as the bytes that they were.

use super::*;

fn database() -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Mysql)?;
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');",
    );
    Some(db)
}

const OWNED: &str = "FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE";

/// Every row's bytes.
fn bytes(db: &TestDatabase, table: &str) -> Vec<Vec<Option<String>>> {
    db.query(&format!("SELECT organization_id, hex(v) FROM {table} ORDER BY 2, 1"))
}

#[test]
fn every_code_of_every_character_set_comes_back() {
    let Some(db) = database() else { return };
    let sets = db.query(
        "SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME <> 'binary'",
    );
    let sets: Vec<String> = sets.into_iter().flatten().flatten().collect();
    assert!(sets.len() > 35, "{sets:?}");
    let define = |set: &String| {
        // What is no code is stored as the server likes; two bytes are a code in some of them.
        format!(
            "CREATE TABLE t_{set} (id int AUTO_INCREMENT PRIMARY KEY, organization_id int, v text CHARACTER SET {set}, {OWNED} CASCADE);
             SET STATEMENT sql_mode = '' FOR INSERT INTO t_{set} (organization_id, v)
                 SELECT 1, CONVERT(unhex(lpad(hex(seq), 2, '0')) USING {set}) FROM seq_0_to_255;
             SET STATEMENT sql_mode = '' FOR INSERT INTO t_{set} (organization_id, v)
                 SELECT 1, group_concat(CONVERT(unhex(hex(seq)) USING {set}) SEPARATOR '')
                   FROM seq_33088_to_65278 GROUP BY seq DIV 256;"
        )
    };
    db.execute(&sets.iter().map(define).collect::<String>());
    let of_each = || sets.iter().map(|set| bytes(&db, &format!("t_{set}"))).collect::<Vec<_>>();
    let before = of_each();
    clean(&db, &["--org-id", "1"]).exits(0);
    assert_eq!(db.count("t_cp1257"), 0);
    restore(&db, &only_archive(&db), &[]).exits(0);
    let after = of_each();
    for (n, set) in sets.iter().enumerate() {
        let changed: Vec<_> =
            before[n].iter().zip(&after[n]).filter(|(old, new)| old != new).collect();
        assert!(
            changed.is_empty(),
            "{set}: {} of {}: {:?}",
            changed.len(),
            before[n].len(),
            changed[0]
        );
    }
}

/// Codes that mean nothing are told apart in keys, and where a row is known by all of its values only.
#[test]
fn such_texts_are_keys_and_are_found_again() {
    for (table, action) in [
        (
            "v varchar(9) CHARACTER SET cp1257 COLLATE cp1257_bin PRIMARY KEY, organization_id int",
            "CASCADE",
        ),
        (
            "v varchar(9) CHARACTER SET cp1257 COLLATE cp1257_bin PRIMARY KEY, organization_id int",
            "SET NULL",
        ),
        ("v varchar(9) CHARACTER SET cp1257 COLLATE cp1257_bin, organization_id int", "SET NULL"),
        ("v enum('x', 'y') CHARACTER SET sjis PRIMARY KEY, organization_id int", "CASCADE"),
    ] {
        let Some(db) = database() else { return };
        let values = if table.contains("enum") {
            "('x', 1), ('y', 1)"
        } else {
            "(X'81', 1), (X'83', 1), (X'', 1), ('a', 2)"
        };
        db.execute(&format!(
            "CREATE TABLE t ({table}, {OWNED} {action}); INSERT INTO t VALUES {values}"
        ));
        let before = bytes(&db, "t");
        clean(&db, &["--org-id", "1"]).exits(0);
        assert_ne!(bytes(&db, "t"), before);
        restore(&db, &only_archive(&db), &[]).exits(0);
        assert_eq!(bytes(&db, "t"), before, "{table} {action}");
    }
}
