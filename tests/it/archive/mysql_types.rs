//! Every type of MariaDB's, at its edges: each value comes back as it was, in rows that went and in rows that
//! were unlinked.

use super::*;

/// Types, and values as literals. Every table has each value, and null.
const TYPES: &[(&str, &[&str])] = &[
    ("bit(1)", &["b'0'", "b'1'"]),
    ("bit(9)", &["b'0'", "b'1'", "b'100000000'", "b'111111111'"]),
    (
        "bit(64)",
        &["b'0'", "b'1'", "x'8000000000000000'", "x'ffffffffffffffff'", "x'00ff00ff00ff00ff'"],
    ),
    ("boolean", &["false", "true"]),
    ("tinyint", &["-128", "0", "127"]),
    ("tinyint unsigned", &["0", "255"]),
    ("smallint", &["-32768", "32767"]),
    ("mediumint unsigned", &["0", "16777215"]),
    ("int", &["-2147483648", "2147483647"]),
    ("int(8) zerofill", &["0", "42", "4294967295"]),
    ("bigint", &["-9223372036854775808", "9223372036854775807", "9007199254740993"]),
    ("bigint unsigned", &["0", "18446744073709551615", "9223372036854775808"]),
    (
        "decimal(65,30)",
        &[
            "0",
            "-0.000000000000000000000000000001",
            "99999999999999999999999999999999999.999999999999999999999999999999",
            "-99999999999999999999999999999999999.999999999999999999999999999999",
        ],
    ),
    ("decimal(1,0) unsigned", &["0", "9"]),
    (
        "float",
        &[
            "0",
            "-0.0",
            "0.1",
            "3.4028234663852886e38",
            "-1.1754943508222875e-38",
            "16777217",
            "1e-45",
        ],
    ),
    (
        "double",
        &[
            "0",
            "-0e0",
            "0.1",
            "1.7976931348623157e308",
            "-2.2250738585072014e-308",
            "5e-324",
            "9007199254740993",
            "0.30000000000000004",
            "123456789012345680",
        ],
    ),
    ("float(7,3)", &["1234.567", "-0.001"]),
    ("double unsigned", &["0", "1e-300"]),
    ("char(5)", TEXTS),
    ("varchar(60)", TEXTS),
    ("varchar(60) character set latin1", &["''", "'é'", "'a''b\\\\c'", "' x '", "x'80ff00'"]),
    ("varchar(60) character set utf16", &["''", "'🦀'", "'a''b'"]),
    ("varchar(60) collate utf8mb4_bin", TEXTS),
    ("varchar(60) collate utf8mb4_general_ci", &["'A'", "'a'", "'a '", "'ä'"]),
    ("tinytext", TEXTS),
    ("text character set ucs2", &["''", "'žluť'"]),
    ("mediumtext", TEXTS),
    ("longtext", &["repeat('🦀', 100000)", "''"]),
    ("binary(4)", BYTES),
    ("varbinary(300)", BYTES),
    ("tinyblob", BYTES),
    ("blob", BYTES),
    ("mediumblob", &["repeat(x'00ff', 200000)", "''"]),
    ("longblob", BYTES),
    (
        "json",
        &[
            "'null'",
            "'{}'",
            "'{\"a\": [1, 2.50, \"\\\\u00e9\\\\n\", null],  \"a\": 1}'",
            "'\"it''s\"'",
            "'1e2'",
        ],
    ),
    ("enum('', 'a', 'B''s', 'c,d', '1')", &["''", "'a'", "'B''s'", "'c,d'", "'1'", "5"]),
    ("enum('x', 'y')", &["'x'", "0"]),
    ("set('a', 'b''s', 'c d')", &["''", "'a'", "'a,b''s,c d'", "7"]),
    ("date", &["'0000-00-00'", "'2020-00-00'", "'2020-02-31'", "'1000-01-01'", "'9999-12-31'"]),
    ("datetime", &["'0000-00-00 00:00:00'", "'1000-01-01 00:00:00'", "'2020-00-01 23:59:59'"]),
    ("datetime(6)", &["'9999-12-31 23:59:59.999999'", "'2020-02-02 02:02:02.000001'"]),
    (
        "timestamp(6)",
        &["'0000-00-00 00:00:00'", "'1970-01-01 00:00:01.000001'", "'2038-01-19 03:14:07.999999'"],
    ),
    ("time", &["'-838:59:59'", "'838:59:59'", "'00:00:00'"]),
    ("time(6)", &["'-838:59:59.999999'", "'-00:00:00.000001'", "'23:59:59.5'"]),
    ("year", &["0000", "1901", "2155"]),
    ("inet6", &["'::'", "'::ffff:1.2.3.4'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'"]),
    ("inet4", &["'0.0.0.0'", "'255.255.255.255'"]),
    ("uuid", &["'00000000-0000-0000-0000-000000000000'", "'f47ac10b-58cc-4372-a567-0e02b2c3d479'"]),
    (
        "point",
        &[
            "ST_GeomFromText('POINT(1.1 -0.30000000000000004)')",
            "ST_GeomFromText('POINT(0 0)', 4326)",
        ],
    ),
    ("linestring", &["ST_GeomFromText('LINESTRING(0 0, 1e300 1)')"]),
    ("polygon", &["ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))')"]),
    ("geometry", &["ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 1 1))', 7)"]),
    ("multipoint", &["ST_GeomFromText('MULTIPOINT(1 1, 2 2)')"]),
];

const TEXTS: &[&str] = &[
    "''",
    "' '",
    "'a'",
    "'it''s'",
    "'\\\\'",
    "'\\\\n\\\\0'",
    "'\"'",
    "'%_'",
    "'NULL'",
    "'🦀é'",
    "'e\u{301}'",
    "char(0 using utf8mb4)",
    "concat(char(10 using utf8mb4), char(13 using utf8mb4), char(9 using utf8mb4))",
    "'\u{202e}x'",
];

const BYTES: &[&str] =
    &["''", "x'00'", "x'0000ff'", "x'27225c00'", "'abc'", "x'f09fa680'", "x'20'"];

/// A table of rows that go and one of rows that are unlinked. Of lengths and dates that do not fit, what the
/// server makes of them is what comes back.
fn table(db: &TestDatabase, n: usize, declared: &str, values: &[&str]) {
    let reference =
        |action| format!("FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE {action}");
    let rows = |table: &str, columns: &str| {
        let row = |value: &&str| {
            format!("INSERT INTO {table} ({columns}) VALUES (1, {value}), (2, {value});")
        };
        values.iter().chain(&["NULL"]).map(row).collect::<String>()
    };
    db.execute(&format!(
        "SET SESSION sql_mode = 'ANSI_QUOTES,ALLOW_INVALID_DATES';
         CREATE TABLE t{n} (id int AUTO_INCREMENT PRIMARY KEY, org int, x {declared} NULL, {cascade});
         CREATE TABLE u{n} (x {declared} NULL, org int, id int AUTO_INCREMENT PRIMARY KEY, {set_null});
         {gone} {unlinked}",
        cascade = reference("CASCADE"),
        set_null = reference("SET NULL"),
        gone = rows(&format!("t{n}"), "org, x"),
        unlinked = rows(&format!("u{n}"), "org, x"),
    ));
}

fn organizations(db: &TestDatabase) {
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global')",
    );
}

/// With either kind of checks, in a database of its own: a dump would not keep every value.
fn each_check(fill: impl Fn(&TestDatabase)) {
    for checks in CHECKS {
        let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
        organizations(&db);
        fill(&db);
        comes_back(&db, &["--org-name", "Apex", "--reference-checks", checks]);
    }
}

#[test]
fn every_value_of_every_type_comes_back() {
    each_check(|db| {
        for (n, (declared, values)) in TYPES.iter().enumerate() {
            table(db, n, declared, values);
        }
    });
}

/// MariaDB has them since 11.7, MySQL since 9.0.
#[test]
fn vectors_come_back_mysql() {
    let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
    if db.with(|db| db.run("CREATE TABLE v (v vector(2))")).is_err() {
        return skip("the server has no VECTOR");
    }
    each_check(|db| {
        table(db, 0, "vector(3)", &["x'0000c03f000000c00000803f'", "x'000000000000008000000000'"]);
        db.execute(
            "CREATE TABLE keyless (v vector(2), org int, FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
             INSERT INTO keyless VALUES (x'0000803f00000040', 1), (x'0000803f00000040', 1), (x'0000803f00000041', 1), (NULL, 1)",
        );
    });
}

/// Keys of all sorts, in a table of rows that go and in what names them.
#[test]
fn rows_come_back_by_keys_of_every_type() {
    let keys: &[(&str, &[&str])] = &[
        ("bigint unsigned", &["0", "18446744073709551615"]),
        ("decimal(30,10)", &["0", "-0.0000000001", "99999999999999999999.9999999999"]),
        ("varchar(40)", &["''", "'a'", "'it''s'", "'\\\\'", "'🦀'"]),
        ("varchar(40) collate utf8mb4_general_ci", &["'A'", "'b'", "'É'"]),
        ("char(8) character set latin1", &["''", "'é'", "'x'"]),
        ("varbinary(20)", &["''", "x'00'", "x'0000'", "x'ff27'"]),
        ("binary(4)", &["x'00000000'", "x'ff000000'"]),
        ("date", &["'0000-00-00'", "'2020-00-00'", "'9999-12-31'"]),
        ("datetime(6)", &["'2020-02-02 02:02:02.000001'", "'0000-00-00 00:00:00'"]),
        ("timestamp(6)", &["'1970-01-01 00:00:01.000001'", "'2038-01-19 03:14:07.999999'"]),
        ("time(6)", &["'-838:59:59.999999'", "'00:00:00'"]),
        ("year", &["0000", "2155"]),
        ("uuid", &["'f47ac10b-58cc-4372-a567-0e02b2c3d479'"]),
        ("inet6", &["'::'", "'::1'"]),
        ("enum('x', 'y')", &["'x'", "'y'"]),
        ("bit(9)", &["b'0'", "b'100000000'"]),
        ("double", &["0.1", "5e-324", "1.7976931348623157e308"]),
    ];
    each_check(|db| {
        for (n, (declared, values)) in keys.iter().enumerate() {
            let values: Vec<String> = values.iter().map(|value| format!("(1, {value})")).collect();
            db.execute(&format!(
                "SET SESSION sql_mode = 'ANSI_QUOTES,ALLOW_INVALID_DATES';
                 CREATE TABLE k{n} (org int, x {declared} NOT NULL PRIMARY KEY,
                     FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
                 CREATE TABLE c{n} (id int AUTO_INCREMENT PRIMARY KEY, x {declared} NULL,
                     FOREIGN KEY (x) REFERENCES k{n} (x) ON DELETE CASCADE);
                 CREATE TABLE s{n} (id int AUTO_INCREMENT PRIMARY KEY, x {declared} NULL,
                     FOREIGN KEY (x) REFERENCES k{n} (x) ON DELETE SET NULL);
                 INSERT INTO k{n} VALUES {};
                 INSERT INTO c{n} (x) SELECT x FROM k{n}; INSERT INTO c{n} (x) SELECT x FROM k{n};
                 INSERT INTO s{n} (x) SELECT x FROM k{n}; INSERT INTO s{n} (x) VALUES (NULL);",
                values.join(", ")
            ));
        }
    });
}

/// Generated columns, invisible ones, a zero in an AUTO_INCREMENT column, a time that moves by itself, and a
/// default that is never asked.
#[test]
fn columns_of_every_kind_come_back() {
    each_check(|db| {
        db.execute(
            "SET SESSION sql_mode = 'ANSI_QUOTES,NO_AUTO_VALUE_ON_ZERO';
             CREATE TABLE kinds (id int AUTO_INCREMENT PRIMARY KEY, org int,
                 a int NOT NULL DEFAULT 7, v int AS (a + 1) VIRTUAL, s varchar(20) AS (concat('x', a)) STORED,
                 hidden int INVISIBLE DEFAULT 5,
                 changed timestamp(3) NOT NULL DEFAULT '2001-02-03 04:05:06' ON UPDATE CURRENT_TIMESTAMP(3),
                 \"odd \"\"name` ?\" int,
                 FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE linked (id int PRIMARY KEY, org int DEFAULT 3, v int AS (id * 2) VIRTUAL,
                 changed datetime NOT NULL DEFAULT '2001-02-03 04:05:06' ON UPDATE CURRENT_TIMESTAMP,
                 FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE SET NULL);
             INSERT INTO kinds (id, org, a, hidden, \"odd \"\"name` ?\") VALUES (0, 1, 1, NULL, 1), (-5, 1, 2, 9, NULL), (7, 2, 3, 4, 5);
             INSERT INTO linked (id, org) VALUES (1, 1), (2, 2), (3, NULL)",
        );
    });
}
