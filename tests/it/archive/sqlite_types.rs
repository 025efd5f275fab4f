//! SQLite keeps a type with every value, whatever the column: each comes back with its own.

use super::*;

/// Every affinity, by declared types of all sorts, and none.
const DECLARED: [&str; 16] = [
    "",
    "INTEGER",
    "INT",
    "BIGINT",
    "TEXT",
    "VARCHAR(3)",
    "BLOB",
    "REAL",
    "DOUBLE PRECISION",
    "FLOAT",
    "NUMERIC",
    "DECIMAL(10,5)",
    "BOOLEAN",
    "DATE",
    "ANY",
    "\"a 'type' INT\"",
];

/// Values of every type, at their edges.
const VALUES: &[&str] = &[
    "NULL",
    "0",
    "-0",
    "1",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740993",
    "0.0",
    "-0.0",
    "1.0",
    "0.1",
    "1e308",
    "-1.7976931348623157e308",
    "5e-324",
    "-5e-324",
    "2.2250738585072014e-308",
    "2.2250738585072011e-308",
    "9223372036854775807.0",
    "1e15",
    "123456789012345680.0",
    "1e999",
    "-1e999",
    "3.141592653589793",
    "0.30000000000000004",
    "1.7976931348623155e308",
    "9007199254740993.0",
    "''",
    "' '",
    "'1'",
    "'1.0'",
    "'01'",
    "' 1 '",
    "'1e3'",
    "'-0'",
    "'0x10'",
    "'9223372036854775808'",
    "'Infinity'",
    "'NaN'",
    "'NULL'",
    "'it''s '''''",
    "char(10)",
    "char(13)",
    "char(13, 10, 9, 92, 78)",
    "'\\N'",
    "'\\.'",
    "'\\'",
    "'🦀 עברית \u{202e} 会社 e\u{301}'",
    "char(0)",
    "'a' || char(0) || 'b''' || char(0)",
    "char(1, 127, 128, 65279, 1114111)",
    "char(0, 9, 10)",
    "x''",
    "x'00'",
    "x'31'",
    "x'5c4e'",
    "zeroblob(9)",
    "x'ff00fe27220a0d09'",
    "randomblob(2000)",
];

fn organizations(db: &TestDatabase) {
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global')",
    );
}

/// A table of deleted rows and one of unlinked rows for each of the declared types.
fn tables(db: &TestDatabase, declared: &[&str], values: &[&str], strict: bool) {
    let end = if strict { " STRICT" } else { "" };
    let integer = "INTEGER REFERENCES organizations ON DELETE";
    for (n, kind) in declared.iter().enumerate() {
        let rows: Vec<String> = values.iter().map(|value| format!("({value})")).collect();
        let rows = format!("(SELECT column1 AS v FROM (VALUES {}))", rows.join(", "));
        db.execute(&format!(
            "CREATE TABLE t{n} (x {kind}, org {integer} CASCADE){end};
             CREATE TABLE u{n} (org {integer} SET NULL, x {kind}){end};
             INSERT INTO t{n} SELECT v, 1 FROM {rows}; INSERT INTO t{n} SELECT v, 2 FROM {rows};
             INSERT INTO u{n} SELECT 1, v FROM {rows}; INSERT INTO u{n} SELECT 1, x FROM u{n};
             INSERT INTO u{n} SELECT NULL, x FROM u{n}"
        ));
    }
}

fn fresh() -> TestDatabase {
    TestDatabase::fresh(Backend::Sqlite).expect("a file")
}

#[test]
fn every_value_in_every_column_comes_back() {
    let db = fresh();
    organizations(&db);
    tables(&db, &DECLARED, VALUES, false);
    round_trip(&db, &["--org-name", "Apex"]);
}

/// Seventeen digits of any double.
#[test]
fn random_doubles_come_back() {
    let db = fresh();
    organizations(&db);
    let mut rng = fastrand::Rng::with_seed(7);
    let double = |_| loop {
        let double = f64::from_bits(rng.u64(..));
        if double.is_finite() {
            return format!("{double:e}");
        }
    };
    let doubles: Vec<String> = (0..2000).map(double).collect();
    let doubles: Vec<&str> = doubles.iter().map(String::as_str).collect();
    tables(&db, &["", "REAL"], &doubles, false);
    round_trip(&db, &["--org-name", "Apex"]);
}

#[test]
fn strict_tables_come_back() {
    let db = fresh();
    organizations(&db);
    tables(&db, &["ANY"], VALUES, true);
    let db_of = |kind: &str, values: &[&str]| {
        let db = fresh();
        organizations(&db);
        tables(&db, &[kind], values, true);
        round_trip(&db, &["--org-name", "Apex"]);
    };
    round_trip(&db, &["--org-name", "Apex"]);
    db_of("INT", &["NULL", "1", "-9223372036854775808"]);
    db_of("REAL", &["NULL", "1", "-0.0", "1e999", "5e-324"]);
    db_of("TEXT", &["NULL", "''", "'1'", "char(0, 65)", "'é'"]);
    db_of("BLOB", &["NULL", "x''", "x'00'"]);
}

/// The bytes of a text depend on the database's encoding.
#[test]
fn utf_16_comes_back() {
    for encoding in ["UTF-16le", "UTF-16be"] {
        let db = fresh();
        db.execute(&format!("PRAGMA encoding = '{encoding}'"));
        organizations(&db);
        tables(&db, &["", "TEXT"], VALUES, false);
        assert_eq!(db.value("PRAGMA encoding"), encoding);
        round_trip(&db, &["--org-name", "Apex"]);
    }
}

/// What is no text, although SQLite calls it so: kept byte for byte.
#[test]
fn text_that_is_not_utf_8_comes_back() {
    let db = fresh();
    organizations(&db);
    let values = [
        "CAST(x'ff' AS TEXT)",
        "CAST(x'6100ff27' AS TEXT)",
        "CAST(x'c3' AS TEXT)",
        "CAST(x'eda080' AS TEXT)",
        "CAST(x'f09fa6' AS TEXT)",
        "'sound'",
    ];
    tables(&db, &["", "TEXT"], &values, false);
    round_trip(&db, &["--org-name", "Apex"]);
}

/// Keys are bytes, too.
#[test]
fn keys_of_every_type_come_back() {
    let db = fresh();
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id PRIMARY KEY, org integer REFERENCES organizations ON DELETE CASCADE);
         CREATE TABLE tasks (user REFERENCES users ON DELETE CASCADE, what);
         CREATE TABLE notes (user REFERENCES users ON DELETE SET NULL, id text PRIMARY KEY) WITHOUT ROWID;
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO users VALUES (1, 1), ('1', 1), (x'31', 2), (x'00', 1), ('a' || char(0), 1), (0.5, 1), ('', 1), (x'', 2);
         INSERT INTO tasks SELECT id, typeof(id) FROM users; INSERT INTO tasks VALUES (1.0, 'real');
         INSERT INTO notes SELECT id, typeof(id) || hex(id) FROM users",
    );
    round_trip(&db, &["--org-name", "Apex"]);
}
