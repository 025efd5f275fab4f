//! InnoDB compares what it stores: labels are numbers, a DECIMAL and a DATETIME are bytes.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

const GENERAL: &str = "character set utf8mb4 collate utf8mb4_general_ci";
const BINARY: &str = "character set utf8mb4 collate utf8mb4_bin";
const UNPADDED: &str = "character set utf8mb4 collate utf8mb4_nopad_bin";
const UNICODE: &str = "character set utf8mb4 collate utf8mb4_unicode_ci";
const GERMAN: &str = "character set latin1 collate latin1_german2_ci";
const BALTIC: &str = "character set cp1257 collate cp1257_general_ci";

const NUMBERS: &[&str] = &["0", "1", "2", "3", "100", "-1", "127"];
const DIGITS: &[&str] = &["0", "1", "1.5", "1.50", "1.005", "99.99", "-0.5", "0.32"];
const FLOATS: &[&str] = &["0", "-0e0", "0.1", "0.125", "0.1250001", "123456.75", "123456.06"];
const LABELS: &[&str] = &["1", "2", "3", "'a'", "'b'", "''", "0"];
const TEXTS: &[&str] = &[
    "'a'",
    "'a '",
    "'A'",
    "'á'",
    "'a\u{301}'",
    "'ss'",
    "'ß'",
    "''",
    "' '",
    "'b'",
    "char(0 using utf8mb4)",
    "'a   '",
];
const BYTES: &[&str] =
    &["'a'", "'A'", "'a '", "x'6100'", "x'610000'", "x'800132'", "''", "x'00'", "x'20'", "x'01'"];
const TIMES: &[&str] = &[
    "'2020-01-01'",
    "'2020-01-01 00:00:00.822400'",
    "'2020-02-02 02:02:02.5'",
    "'2020-02-02 02:02:03'",
    "'1999-12-31 23:59:59'",
];
const HOURS: &[&str] =
    &["'00:00:00'", "'00:00:00.000001'", "'-01:00:00'", "'01:00:00'", "'01:00:00.5'"];
const BITS: &[&str] = &["b'0'", "b'1'", "b'10'", "b'100000000'", "b'1000000000'"];
const SIXTEEN: &[&str] =
    &["'00000000-0000-0000-0000-000000000000'", "'f47ac10b-58cc-4372-a567-0e02b2c3d479'"];
const ADDRESSES: &[&str] = &["'::'", "'::1'", "'::ffff:1.2.3.4'"];

/// A declared type, its character set, and values.
fn types() -> Vec<(String, &'static [&'static str])> {
    let plain: &[(&str, &[&str])] = &[
        ("tinyint", NUMBERS),
        ("tinyint unsigned", NUMBERS),
        ("smallint unsigned", NUMBERS),
        ("mediumint", &["0", "1", "1034785", "1023517"]),
        ("int", NUMBERS),
        ("int unsigned", NUMBERS),
        ("int(5) zerofill", NUMBERS),
        ("bigint", &["0", "9007199254740992", "9007199254740993", "-1"]),
        (
            "bigint unsigned",
            &["0", "9007199254740993", "18446744073709551615", "9223372036854775808"],
        ),
        ("float", FLOATS),
        ("float(9,3)", FLOATS),
        ("double", FLOATS),
        ("double(15,2)", FLOATS),
        ("date", &["'2020-01-01'", "'2020-02-02'", "'1999-12-31'"]),
        ("decimal(5,2)", DIGITS),
        ("decimal(5,3)", DIGITS),
        ("decimal(5,2) unsigned", DIGITS),
        ("binary(3)", BYTES),
        ("varbinary(16)", BYTES),
        (
            "binary(16)",
            &["x'f47ac10b58cc4372a5670e02b2c3d479'", "x'a5670e02b2c3d4794372f47ac10b58cc'", "''"],
        ),
        ("datetime", TIMES),
        ("datetime(4)", TIMES),
        ("timestamp", TIMES),
        ("time", HOURS),
        ("time(6)", HOURS),
        ("bit(1)", BITS),
        ("bit(9)", BITS),
        ("bit(10)", BITS),
        ("uuid", SIXTEEN),
        ("inet6", ADDRESSES),
        ("year", &["0", "1901", "1902", "2155"]),
    ];
    let labelled = |declared: &str| (declared.to_owned(), LABELS);
    let textual = |(declared, collation): &(&str, &str)| (format!("{declared} {collation}"), TEXTS);
    let texts = [
        ("char(5)", GENERAL),
        ("char(10)", GENERAL),
        ("varchar(5)", GENERAL),
        ("varchar(300)", GENERAL),
        ("varchar(10)", BINARY),
        ("char(10)", BINARY),
        ("char(5)", UNPADDED),
        ("char(10)", UNPADDED),
        ("varchar(5)", UNPADDED),
        ("varchar(10)", UNPADDED),
        ("varchar(10)", UNICODE),
        ("char(10)", UNICODE),
        ("varchar(10)", GERMAN),
        ("char(10)", GERMAN),
        ("varchar(10)", BALTIC),
        ("char(10)", BALTIC),
    ];
    let many: Vec<String> = (0..64).map(|n| format!("'m{n}'")).collect();
    let plain = plain.iter().map(|(declared, values)| ((*declared).to_owned(), *values));
    let labels = [
        labelled(&format!("enum('a', 'b', '') {GENERAL}")),
        labelled(&format!("enum('b', 'a') {GENERAL}")),
        labelled(&format!("enum('b', 'a', 'c') {GERMAN}")),
        labelled(&format!("set('a', 'b') {GENERAL}")),
        labelled(&format!("set('b', 'a') {GENERAL}")),
        labelled("set('1', '2', '3', '4', '5', '6', '7', '8', '9')"),
        (
            format!("set({})", many.join(", ")),
            &["0", "9007199254740993", "9007199254740992", "18446744073709551615", "'m63'"],
        ),
    ];
    plain.chain(labels).chain(texts.iter().map(textual)).collect()
}

/// Tables `k…` of keys and `c…` of what names them, as far as the engine accepts it: of each key type one, with a
/// column `x…` of each reference type. A row names one key. Every second key is of the other organization.
/// Tells how many pairs there are.
fn fill(db: &TestDatabase, action: &str, beside: bool) -> usize {
    let types = types();
    // What does not fit becomes what the engine makes of it, and what names nobody stays out.
    db.execute(
        "SET SESSION sql_mode = 'ANSI_QUOTES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';
         CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global')",
    );
    for (n, (declared, values)) in types.iter().enumerate() {
        let rows = values.iter().enumerate();
        let rows: Vec<String> =
            rows.map(|(row, value)| format!("({row}, {value}, {})", 1 + row % 2)).collect();
        db.execute(&format!(
            "CREATE TABLE k{n} (id int UNIQUE, x {declared} NOT NULL PRIMARY KEY, org int, t int DEFAULT 7,
                 UNIQUE (x, t), FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
             INSERT IGNORE INTO k{n} (id, x, org) VALUES {}",
            rows.join(", ")
        ));
    }
    let classes = classes(db);
    for class in &classes {
        for n in class {
            db.execute(&create(&format!("c{n}"), *n, class, action, beside));
            for m in class {
                let rows = types[*m].1.iter().enumerate();
                let rows: Vec<String> =
                    rows.map(|(row, value)| format!("({}, {value})", m * 100 + row)).collect();
                let rows = rows.join(", ");
                db.execute(&format!("INSERT IGNORE INTO c{n} (id, x{m}) VALUES {rows}"));
            }
        }
    }
    classes.iter().map(|class| class.len() * class.len()).sum()
}

/// `beside`: a second column goes along that is of one type.
fn create(table: &str, n: usize, columns: &[usize], action: &str, beside: bool) -> String {
    let (types, t) = (types(), if beside { ", t" } else { "" });
    let column = |m: &usize| {
        let declared = &types[*m].0;
        format!(
            ", x{m} {declared} NULL, CONSTRAINT {table}_{m} FOREIGN KEY (x{m}{t})
                 REFERENCES k{n} (x{t}) ON DELETE {action}"
        )
    };
    let columns: String = columns.iter().map(column).collect();
    format!("CREATE TABLE {table} (id int PRIMARY KEY, t int DEFAULT 7{columns})")
}

/// Types that may refer to each other: what refers to one of them refers to all.
fn classes(db: &TestDatabase) -> Vec<Vec<usize>> {
    let mut classes: Vec<Vec<usize>> = Vec::new();
    for m in 0..types().len() {
        let refers = |class: &&mut Vec<usize>| {
            let trial = create("trial", class[0], &[m], "CASCADE", false);
            db.with(|database| database.run(&format!("{trial}; DROP TABLE trial"))).is_ok()
        };
        match classes.iter_mut().rev().find(refers) {
            Some(class) => class.push(m),
            None => classes.push(vec![m]),
        }
    }
    classes
}

/// Every value of every row, numbers of labels included.
fn contents(db: &TestDatabase) -> Dump {
    let columns = db.query(
        "SELECT TABLE_NAME, group_concat(concat('coalesce(hex(concat(', COLUMN_NAME, ')), ''null'')', \
         if(DATA_TYPE IN ('enum', 'set'), concat(', coalesce(', COLUMN_NAME, ' | 0, ''null'')'), ''))) \
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() GROUP BY TABLE_NAME",
    );
    let rows = |table: Vec<Option<String>>| {
        let [Some(name), Some(columns)] = &table[..] else { panic!("{table:?}") };
        let rows = db.query(&format!("SELECT concat_ws(' ', {columns}) FROM {name} ORDER BY id"));
        (name.clone(), rows.into_iter().flatten().flatten().collect())
    };
    columns.into_iter().map(rows).collect()
}

/// Takes the columns away of which a preview says that they cannot be compared, and tells which.
fn refused(db: &TestDatabase) -> BTreeSet<String> {
    let preview = db.orgsweep(&["preview", "--org-id", "1", "--format", "json"]).exits(3).json();
    let refusals = preview["refusals"].as_array().expect("refusals");
    let reference = |refusal: &serde_json::Value| {
        assert_eq!(refusal["kind"], "incomparable", "{refusal}");
        let name = refusal["reference"].as_str().expect("a reference");
        name.trim_end_matches(",t").to_owned()
    };
    let references: BTreeSet<String> = refusals.iter().map(reference).collect();
    let mut tables: BTreeMap<&str, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for name in &references {
        let (table, column) = name.split_once(".x").expect("a column");
        let (rows, drops) = tables.entry(table).or_default();
        rows.push(format!("x{column} IS NOT NULL"));
        drops.push(format!("DROP FOREIGN KEY {table}_{column}, DROP COLUMN x{column}"));
    }
    for (table, (rows, drops)) in tables {
        let (rows, drops) = (rows.join(" OR "), drops.join(", "));
        db.execute(&format!("DELETE FROM {table} WHERE {rows}; ALTER TABLE {table} {drops}"));
    }
    references
}

/// How many rows of each table there are less, and how many are others now.
fn lost(before: &Dump, after: &Dump) -> (BTreeMap<String, u64>, u64) {
    let changed = changes(before, after);
    let deleted = before.keys().map(|table| (table.clone(), changed.deleted(table) as u64));
    let unlinked = changed.new.values().map(Vec::len).sum::<usize>() as u64;
    (deleted.filter(|(_, rows)| *rows > 0).collect(), unlinked)
}

fn every_pair(action: &str, beside: bool) {
    let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
    let pairs = fill(&db, action, beside);
    let refused = refused(&db);
    println!("{} of {pairs} pairs are refused", refused.len());
    assert!(pairs > 300, "{pairs} pairs");
    for (n, (declared, _)) in types().iter().enumerate() {
        assert!(!refused.contains(&format!("c{n}.x{n}")), "{declared}");
    }
    let before = contents(&db);
    for organization in ["1", "2"] {
        // The engine does it, and it is seen, and undone.
        db.execute(&format!("BEGIN; DELETE FROM organizations WHERE id = {organization}"));
        let expected = contents(&db);
        db.execute("ROLLBACK");
        let (deleted, unlinked) = lost(&before, &expected);
        for checks in ["set", "engine"] {
            let kept = db.directory().display().to_string();
            let clean = ["clean", "--org-id", organization, "--yes", "--format", "json"];
            let flags = ["--reference-checks", checks, "--archive-dir", &kept];
            let cleaned = db.orgsweep(&[&clean[..], &flags].concat()).exits(0);
            let wrong = changes(&expected, &contents(&db));
            assert!(wrong.is_empty(), "{action} {checks} {organization}\n{wrong}");
            let counted: BTreeMap<String, u64> = cleaned.rows("delete").into_iter().collect();
            assert_eq!(counted, deleted, "{action} {checks}");
            assert_eq!(cleaned.rows("unlink").values().sum::<u64>(), unlinked, "{action} {checks}");
            let archive = cleaned.json()["archives"][0].as_str().expect("an archive").to_owned();
            let restored = db.orgsweep(&["restore", &archive, "--format", "json"]).exits(0).json();
            assert_eq!(restored["totals"]["restored"], deleted.values().sum::<u64>());
            let wrong = changes(&before, &contents(&db));
            assert!(wrong.is_empty(), "restored, {action} {checks} {organization}\n{wrong}");
        }
    }
}

#[test]
fn every_pair_goes_as_the_engine_has_it() {
    every_pair("CASCADE", false);
}

#[test]
fn every_pair_is_unlinked_as_the_engine_has_it() {
    every_pair("SET NULL", false);
}

#[test]
fn every_pair_beside_a_number_goes_as_the_engine_has_it() {
    every_pair("CASCADE", true);
}

#[test]
fn every_pair_beside_a_number_is_unlinked_as_the_engine_has_it() {
    every_pair("SET NULL", true);
}

const ORGANIZATIONS: &str =
    "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(99) NOT NULL);
    INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta');";

fn database(schema: &str) -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Mysql)?;
    db.execute(&format!("{ORGANIZATIONS}{schema}"));
    Some(db)
}

/// What is no label reads as the empty text, which may be a label.
#[test]
fn an_invalid_label_is_not_the_empty_one() {
    let Some(db) = database(
        "SET SESSION sql_mode = 'ANSI_QUOTES';
         CREATE TABLE plans (code enum('a', '') PRIMARY KEY, organization_id int,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE subs (id int PRIMARY KEY, code enum('a', ''),
             FOREIGN KEY (code) REFERENCES plans (code) ON DELETE CASCADE);
         INSERT INTO plans VALUES (0, 1), (2, 2); INSERT INTO subs VALUES (1, 0), (2, 2), (3, 0);",
    ) else {
        return;
    };
    db.orgsweep(&["clean", "--org-id", "1", "--yes"]).exits(0);
    let left = |table: &str| db.value(&format!("SELECT group_concat(code | 0) FROM {table}"));
    assert_eq!((left("plans"), left("subs")), ("2".into(), "2".into()));
}

/// A dump is read with `foreign_key_checks` off, and then the engine takes any two collations of a table that comes
/// before those that it refers to.
#[test]
fn references_between_collations_are_refused_where_they_would_be_asked() {
    let Some(db) = database(
        "SET foreign_key_checks = 0;
         CREATE TABLE subs (id int PRIMARY KEY, organization_id int, code varchar(9) COLLATE utf8mb4_bin,
             FOREIGN KEY (code) REFERENCES plans (code) ON DELETE SET NULL,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE plans (code varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY, organization_id int,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
         INSERT INTO plans VALUES ('a', 1), ('b', 2); INSERT INTO subs VALUES (1, 2, 'A'), (2, 2, 'b'), (3, 2, NULL);
         SET foreign_key_checks = 1;",
    ) else {
        return;
    };
    let before = db.dump();
    for command in [&["preview"][..], &["clean", "--yes", "--force"]] {
        db.orgsweep(&[command, &["--org-id", "1"]].concat()).exits(3).says(&[
            "subs.code → plans (set null)",
            "utf8mb4_general_ci",
            "ALTER TABLE",
        ]);
    }
    db.orgsweep(&["doctor"]).exits(3).says(&["subs.code → plans", "utf8mb4_bin"]);
    assert_eq!(db.dump(), before);
    // Nobody asks by it where the plans stay.
    db.execute("UPDATE plans SET organization_id = NULL; DELETE FROM subs WHERE id = 1");
    let before = db.dump();
    let kept = db.directory().display().to_string();
    let clean = ["clean", "--org-id", "2", "--yes", "--format", "json", "--archive-dir", &kept];
    let cleaned = db.orgsweep(&clean).exits(0).json();
    assert_eq!(db.count("subs"), 0);
    // There the engine itself takes no row.
    let restored = db.orgsweep(&["restore", cleaned["archives"][0].as_str().expect("an archive")]);
    restored.exits(3).says(&["subs"]);
    db.execute("SET foreign_key_checks = 0; ALTER TABLE subs DROP FOREIGN KEY subs_ibfk_1");
    db.orgsweep(&["restore", cleaned["archives"][0].as_str().expect("an archive")]).exits(0);
    assert_eq!(db.dump(), before);
}
