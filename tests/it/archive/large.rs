//! MariaDB's values that are longer, as text or with others, than what the server takes in one statement.

use super::*;

fn database(schema: &str) -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Mysql)?;
    db.execute(&format!(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta'); {schema}"
    ));
    Some(db)
}

/// Digests of every value: a dump would be too long itself.
fn digests(db: &TestDatabase, table: &str, columns: &[&str]) -> Vec<Vec<Option<String>>> {
    let digests: Vec<String> =
        columns.iter().map(|column| format!("length({column}), sha2({column}, 256)")).collect();
    db.query(&format!(
        "SELECT id, organization_id, {} FROM {table} ORDER BY id",
        digests.join(", ")
    ))
}

/// hex() and CAST are NULL for what they would make longer than `max_allowed_packet` (16 MB by default).
#[test]
fn long_values_of_every_kind_come_back() {
    for (action, column, value) in [
        ("CASCADE", "longblob", "repeat(x'00ff5c27', 2300000)"),
        ("CASCADE", "longblob NOT NULL", "repeat('x', 16000000)"),
        ("CASCADE", "longtext CHARACTER SET latin1", "repeat(_latin1 X'E4', 7900000)"),
        ("CASCADE", "longtext CHARACTER SET cp1257", "repeat('x', 9000000)"),
        (
            "SET NULL",
            "longtext CHARACTER SET utf8mb4",
            "repeat(concat(char(39), char(92)), 7900000)",
        ),
        ("CASCADE", "longtext CHARACTER SET utf16", "repeat('x', 4100000)"),
        ("CASCADE", "json", "concat('\"', repeat('x', 9000000), '\"')"),
        (
            "CASCADE",
            "geometry",
            "ST_GeomFromText(concat('LINESTRING(0 0', repeat(', 1 1', 600000), ')'))",
        ),
    ] {
        let Some(db) = database(&format!(
            "CREATE TABLE t (id int PRIMARY KEY, organization_id int, v {column},
                 FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE {action});
             INSERT INTO t VALUES (1, 1, {value}), (2, 2, {value})"
        )) else {
            return;
        };
        let before = digests(&db, "t", &["v"]);
        clean(&db, &["--org-id", "1"]).exits(0);
        assert_ne!(digests(&db, "t", &["v"]), before, "{column}");
        restore(&db, &only_archive(&db), &[]).exits(0);
        assert_eq!(digests(&db, "t", &["v"]), before, "{column}");
    }
}

/// Without a key a row is known by all of its values, the long ones too.
#[test]
fn rows_without_a_key_come_back_by_long_values() {
    let Some(db) = database(
        "CREATE TABLE t (id int, organization_id int, other int, v longblob,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE SET NULL,
             FOREIGN KEY (other) REFERENCES organizations (id) ON DELETE CASCADE);
         INSERT INTO t VALUES (1, 1, 2, repeat('x', 9000000)), (1, 1, 2, concat(repeat('x', 8999999), 'y')),
             (2, 2, 1, repeat('x', 9000000)), (3, 2, 2, 'x')",
    ) else {
        return;
    };
    let before = digests(&db, "t", &["v"]);
    clean(&db, &["--org-id", "1", "--force", "--foreign", "delete"]).exits(0);
    assert_eq!(db.count("t"), 3);
    restore(&db, &only_archive(&db), &[]).exits(0);
    let sorted = |mut rows: Vec<Vec<Option<String>>>| {
        rows.sort();
        rows
    };
    assert_eq!(sorted(digests(&db, "t", &["v"])), sorted(before));
}

/// One INSERT would not hold it whole.
#[test]
fn a_row_may_be_longer_than_a_statement() {
    let Some(db) = database(
        "CREATE TABLE t (id int PRIMARY KEY, organization_id int, v longblob, w longblob NOT NULL, x longtext,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
         INSERT INTO t VALUES (1, 1, repeat('x', 7000000), 'w', NULL), (2, 1, NULL, '', repeat('y', 300000)),
             (3, 1, NULL, '', 'y'), (4, 2, '', '', '');
         UPDATE t SET w = repeat('y', 9000000) WHERE id = 1; UPDATE t SET x = repeat('z', 9000000) WHERE id = 1",
    ) else {
        return;
    };
    let columns = ["v", "w", "x"];
    let before = digests(&db, "t", &columns);
    clean(&db, &["--org-id", "1"]).exits(0);
    assert_eq!(db.count("t"), 1);
    restore(&db, &only_archive(&db), &[]).exits(0);
    assert_eq!(digests(&db, "t", &columns), before);
}
