//! PostgreSQL takes a reference to a type of the key's operator family, or to what it casts by itself: what then
//! compares is the constraint's operator, in the key's collation.

use super::*;
use orgsweep::engine::literal;
use std::collections::{BTreeMap, BTreeSet};

/// Set for every key, and for both organizations with both kinds of checks; otherwise every third key is tried, and
/// each organization meets one kind.
const ALL: &str = "ORGSWEEP_TEST_TYPES";

const TYPES: &str = r#"
    CREATE COLLATION unaccented (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
    CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TYPE mood AS ENUM ('a', 'b', 'A', '1');
    CREATE TYPE place AS (x numeric, y text);
    CREATE DOMAIN whole AS int;
    CREATE DOMAIN bigger AS whole CHECK (VALUE > -1000);
    CREATE DOMAIN exact AS numeric(9, 3);
    CREATE DOMAIN word AS text COLLATE "C";
    CREATE DOMAIN padded AS char(4);
    CREATE DOMAIN code AS varchar(5);
    CREATE DOMAIN feeling AS mood;
    CREATE DOMAIN instant AS timestamptz;"#;

/// The same where the extension is there.
const CITEXT: &str = "CREATE EXTENSION citext; CREATE DOMAIN nick AS citext";

const NUMBERS: &[&str] = &[
    "0",
    "-0.0",
    "1",
    "1.0",
    "1.10",
    "1.1",
    "2",
    "0.1",
    "16777217",
    "16777216",
    "9007199254740993",
    "9007199254740992",
    "4294967295",
    "-1",
    "1e5",
    "0.100000001490116",
    "0.10000000149011612",
    "NaN",
    "Infinity",
    "-Infinity",
    "32767",
];
const TEXTS: &[&str] = &[
    "a", "A", "a ", "a   ", " a", "á", "a\u{301}", "ss", "ß", "", " ", "b", "1", "\\x61", "ab",
    "\u{fb01}", "fi",
];
const TIMES: &[&str] = &[
    "2020-01-01",
    "2020-01-01 00:00:00",
    "2020-01-01 00:00:00+02",
    "2019-12-31 22:00:00+00",
    "2020-03-29 02:30:00",
    "2020-03-29 03:30:00+02",
    "2020-10-25 01:30:00+00",
    "infinity",
    "-infinity",
    "0044-03-15 BC",
    "2020-01-01 00:00:00.000001",
    "epoch",
];
const HOURS: &[&str] = &[
    "00:00",
    "24:00",
    "24 hours",
    "1 day",
    "30 days",
    "1 month",
    "720:00:00",
    "12:00+00",
    "13:00+01",
    "12:00",
    "-1 day",
    "00:00:00.000001",
    "1 day -24:00",
];
const BYTES: &[&str] = &["a", "A", "a ", "\\x61", "\\x6100", "", "\\x00", "\\x20"];
const ADDRESSES: &[&str] = &[
    "10.0.0.0",
    "10.0.0.0/8",
    "10.0.0.0/32",
    "::1",
    "::1/128",
    "::ffff:10.0.0.0",
    "10.0.0.1/8",
    "10.1.2.3",
];
const CARDS: &[&str] =
    &["08:00:2b:01:02:03", "08002b-010203", "08:00:2b:ff:fe:01:02:03", "08:00:2b:01:02:04"];
const BITS: &[&str] = &["", "0", "1", "10", "01", "0010", "1000", "00000001"];
const JSON: &[&str] = &[
    "1",
    "1.0",
    "1.00",
    "\"a\"",
    "\"A\"",
    "null",
    "{\"a\": 1, \"b\": 2}",
    "{\"b\": 2, \"a\": 1.0}",
    "[]",
    "{}",
];
const LISTS: &[&str] = &[
    "{}",
    "{1}",
    "{1.0}",
    "{1,NULL}",
    "[0:0]={1}",
    "{{1}}",
    "{a}",
    "{A}",
    "{a,b}",
    "{NaN}",
    "{\"a \"}",
];
const RANGES: &[&str] = &[
    "empty",
    "[1,2]",
    "[1,3)",
    "(0,3)",
    "[1.0,3.00)",
    "[1,1)",
    "(,)",
    "[2020-01-01,2020-01-02]",
    "[2020-01-01,2020-01-03)",
    "{[1,3)}",
    "{[1,2),[2,3)}",
    "{}",
];
const ROWS: &[&str] = &["(1,a)", "(1.0,a)", "(1,A)", "(,)", "(1,)", "(,a)"];
const PLACES: &[&str] =
    &["(0,0)", "(1,2)", "(1,2),(0,0)", "0/1", "1:2:1", "1:1:2", "'a' 'b'", "'b' 'a'"];
const TRUTHS: &[&str] = &["t", "f", "1", "yes"];
const SIXTEEN: &[&str] = &[
    "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "{F47AC10B58CC4372A5670E02B2C3D479}",
    "00000000-0000-0000-0000-000000000000",
];

/// Types, and values that some of them take.
fn families() -> Vec<(&'static [&'static str], &'static [&'static str])> {
    vec![
        (
            &[
                "int2",
                "int4",
                "int8",
                "numeric",
                "numeric(9,2)",
                "numeric(9,1)",
                "float4",
                "float8",
                "oid",
                "regtype",
                "money",
                "whole",
                "bigger",
                "exact",
                "xid",
                "int2vector",
                "pg_lsn",
            ],
            NUMBERS,
        ),
        (
            &[
                "text",
                "varchar",
                "varchar(3)",
                "char(3)",
                "char(5)",
                "bpchar",
                "name",
                "\"char\"",
                "citext",
                "nick",
                "mood",
                "feeling",
                "word",
                "padded",
                "code",
                "text COLLATE caseless",
                "text COLLATE unaccented",
                "varchar(5) COLLATE caseless",
                "char(5) COLLATE caseless",
                "text COLLATE \"C\"",
                "xml",
                "refcursor",
            ],
            TEXTS,
        ),
        (&["date", "timestamp", "timestamptz", "timestamp(0)", "timestamptz(3)", "instant"], TIMES),
        (&["time", "timetz", "time(0)", "interval", "interval day", "interval(0)"], HOURS),
        (&["bytea"], BYTES),
        (&["inet", "cidr"], ADDRESSES),
        (&["macaddr", "macaddr8"], CARDS),
        (&["bit", "bit(4)", "bit(8)", "varbit", "varbit(4)"], BITS),
        (&["jsonb", "json"], JSON),
        (
            &[
                "int4[]",
                "int8[]",
                "numeric[]",
                "text[]",
                "varchar[]",
                "float8[]",
                "char(3)[]",
                "text[] COLLATE caseless",
            ],
            LISTS,
        ),
        (
            &["int4range", "int8range", "numrange", "daterange", "int4multirange", "nummultirange"],
            RANGES,
        ),
        (&["place", "place[]"], ROWS),
        (&["point", "box", "tsvector", "tsquery"], PLACES),
        (&["bool"], TRUTHS),
        (&["uuid"], SIXTEEN),
    ]
}

/// What a unique index may say of its column. It may hold less equal than the column's own `=` calls so, and then
/// one child names several.
const INDEXES: [(&str, &str); 5] = [
    ("text", "text_pattern_ops"),
    ("char(5)", "bpchar_pattern_ops"),
    ("text COLLATE caseless", "COLLATE \"C\""),
    ("text", "COLLATE caseless"),
    ("jsonb", "jsonb_ops"),
];

#[derive(Debug)]
struct Sort {
    declared: &'static str,
    values: &'static [&'static str],
}

fn sorts() -> Vec<Sort> {
    let of_family = |(types, values): (&'static [&'static str], _)| {
        types.iter().map(move |declared| Sort { declared, values })
    };
    families().into_iter().flat_map(of_family).collect()
}

/// A key's type and its index.
fn keys() -> Vec<(&'static str, &'static str)> {
    let own = sorts().into_iter().map(|sort| (sort.declared, ""));
    own.chain(INDEXES).collect()
}

/// References of one column, or of two of which the other one compares plainly.
#[derive(Debug, Clone, Copy)]
enum Beside {
    Nothing,
    Number,
}

#[derive(Debug, Default)]
struct Built {
    accepted: usize,
    rejected: usize,
    rows: i64,
    /// What the engine accepts, and then cannot compare: it lets no key go.
    useless: Vec<String>,
}

/// Of each key type a table `k…`, and a table `c…` of what names it, with a column `x…` of each type that the engine
/// accepts. A row names one key. Every second key is of the other organization. All keys, or every third from `first`
/// on.
fn fill(db: &TestDatabase, action: &str, beside: Beside, first: usize) -> Built {
    db.execute("SET client_min_messages = error");
    db.execute(TYPES);
    if db.with(|database| database.run(CITEXT)).is_err() {
        skip("the extension citext is not installed");
    }
    db.execute(
        "CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         CREATE FUNCTION attempt(statement text) RETURNS bool LANGUAGE plpgsql AS $$
             BEGIN EXECUTE statement; RETURN true; EXCEPTION WHEN others THEN RETURN false; END $$;
         CREATE FUNCTION undone(statement text) RETURNS bool LANGUAGE plpgsql AS $$
             BEGIN EXECUTE statement; RAISE 'done' USING ERRCODE = 'ZZZZZ';
             EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN RETURN true; WHEN others THEN RETURN false; END $$;",
    );
    let (mut built, sorts) = (Built::default(), sorts());
    let step = if std::env::var_os(ALL).is_some() { 1 } else { 3 };
    for (n, (key, index)) in keys().into_iter().enumerate().skip(first % step).step_by(step) {
        let Some(values) = sorts.iter().find(|sort| sort.declared == key) else { continue };
        if !created(db, n, key, index, beside) {
            built.rejected += sorts.len();
            continue;
        }
        attempts(
            db,
            values.values.iter().enumerate().map(|(row, value)| {
                format!("INSERT INTO k{n} VALUES ({row}, {}, {}, 7)", literal(value), 1 + row % 2)
            }),
        );
        let refers = sorts.iter().enumerate().map(|(m, sort)| {
            let (columns, key) = reference(m, beside);
            format!(
                "ALTER TABLE c{n} ADD x{m} {}, ADD CONSTRAINT c{n}_{m} FOREIGN KEY ({columns}) \
                 REFERENCES k{n} ({key}) ON DELETE {action}",
                sort.declared
            )
        });
        let accepted = attempts(db, refers);
        built.accepted += accepted.len();
        built.rejected += sorts.len() - accepted.len();
        attempts(
            db,
            accepted.iter().flat_map(|m| {
                sorts[*m].values.iter().enumerate().map(move |(row, value)| {
                    format!(
                        "INSERT INTO c{n} (id, t, x{m}) VALUES ({}, 7, {})",
                        m * 100 + row,
                        literal(value)
                    )
                })
            }),
        );
        let useless = useless(db, n, &accepted);
        built.useless.extend(useless.iter().map(|m| format!("{key} <- {}", sorts[*m].declared)));
        built.rows += db.count(&format!("c{n}"));
    }
    built
}

/// The columns of a reference, and of its key.
fn reference(m: usize, beside: Beside) -> (String, &'static str) {
    match beside {
        Beside::Nothing => (format!("x{m}"), "x"),
        Beside::Number => (format!("t, x{m}"), "t, x"),
    }
}

/// Whether there can be a key of this type.
fn created(db: &TestDatabase, n: usize, key: &str, index: &str, beside: Beside) -> bool {
    let t = if let Beside::Number = beside { "t, " } else { "" };
    let create = format!(
        "CREATE TABLE k{n} (id int PRIMARY KEY, x {key} NOT NULL, \
             o int REFERENCES organizations ON DELETE CASCADE, t bigint NOT NULL); \
         CREATE UNIQUE INDEX ON k{n} ({t}x {index}); \
         CREATE TABLE c{n} (id int PRIMARY KEY, t int)"
    );
    !attempts(db, std::iter::once(create)).is_empty()
}

/// Each statement by itself: which of them the engine took.
fn attempts(db: &TestDatabase, statements: impl Iterator<Item = String>) -> Vec<usize> {
    let tried: Vec<String> =
        statements.enumerate().map(|(n, sql)| format!("({n}, {})", literal(&sql))).collect();
    if tried.is_empty() {
        return Vec::new();
    }
    let took = db.query(&format!(
        "SELECT n FROM (VALUES {}) AS tried(n, sql) WHERE attempt(sql)",
        tried.join(", ")
    ));
    took.into_iter().flatten().flatten().map(|n| n.parse().expect("a number")).collect()
}

/// Takes away the references for which the engine cannot delete a key, and tells which.
fn useless(db: &TestDatabase, n: usize, accepted: &[usize]) -> Vec<usize> {
    if db.value(&format!("SELECT undone('DELETE FROM k{n}')")) == "true" {
        return Vec::new();
    }
    let others = |m: &usize| {
        let others = accepted.iter().filter(|other| *other != m);
        others.map(|other| format!(", DROP x{other}")).collect::<String>()
    };
    let fails = |m: &&usize| {
        let alone =
            format!("ALTER TABLE c{n} ALTER id SET NOT NULL{}; DELETE FROM k{n}", others(m));
        db.value(&format!("SELECT undone({})", literal(&alone))) != "true"
    };
    let useless: Vec<usize> = accepted.iter().filter(fails).copied().collect();
    for m in &useless {
        db.execute(&format!("ALTER TABLE c{n} DROP x{m}"));
    }
    useless
}

/// The same rows under another action.
fn redeclare(db: &TestDatabase, action: &str) {
    let changes = db.query(&format!(
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %2$I %s', conrelid::regclass, conname, \
                replace(pg_get_constraintdef(oid), 'CASCADE', '{action}')) \
           FROM pg_constraint WHERE contype = 'f' AND conname ~ '^c'"
    ));
    let changes: Vec<String> = changes.into_iter().flatten().flatten().collect();
    db.execute(&changes.join(";"));
}

/// What the engine's own DELETE of an organization leaves.
fn left_by_the_engine(db: &TestDatabase, organization: usize) -> Dump {
    db.execute(&format!("BEGIN; DELETE FROM organizations WHERE id = {organization}"));
    let left = db.dump();
    db.execute("ROLLBACK");
    left
}

/// Takes the columns away that a preview refuses for how they compare, and tells which.
fn refused(db: &TestDatabase, organization: &str, flags: &[&str]) -> BTreeSet<String> {
    let preview = [&["preview", "--org-id", organization, "--format", "json"], flags].concat();
    let outcome = db.orgsweep(&preview);
    let references: BTreeSet<String> =
        (outcome.json()["refusals"].as_array().into_iter().flatten())
            .map(|refusal| {
                assert!(refusal["kind"] == "comparison", "{refusal}\n{outcome}");
                refusal["reference"].as_str().expect("a reference").to_owned()
            })
            .collect();
    for name in &references {
        let (table, column) = name.rsplit_once(".").expect("a column");
        let column = column.rsplit(',').next().expect("a column");
        db.execute(&format!(
            "DELETE FROM {table} WHERE {column} IS NOT NULL; ALTER TABLE {table} DROP {column}"
        ));
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

/// `action`: forced where the engine would not do it by itself.
fn every_pair(action: &str, beside: Beside, first: usize) {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let forced = action == "NO ACTION";
    let built = fill(&db, if forced { "CASCADE" } else { action }, beside, first);
    println!("{action}, {beside:?}: {built:?}");
    assert!(built.accepted > 80 && built.rows > 800, "{built:?}");
    // A value that the child's collation takes for keys of both organizations makes its row shared.
    let flags: &[&str] = if forced { &["--force", "--foreign", "delete"] } else { &[] };
    let refused: BTreeSet<String> =
        ["1", "2"].iter().flat_map(|o| refused(&db, o, flags)).collect();
    println!("refused by name: {refused:?}");
    let expected = [1, 2].map(|organization| left_by_the_engine(&db, organization));
    if forced {
        redeclare(&db, action);
    }
    for organization in [1, 2] {
        for (n, checks) in archive::CHECKS.iter().enumerate() {
            if std::env::var_os(ALL).is_some() || n + 1 == organization {
                trial(
                    &db,
                    organization,
                    &expected[organization - 1],
                    &[flags, &["--reference-checks", checks]].concat(),
                );
            }
        }
    }
}

/// Cleans one organization as the engine has it, and restores it.
fn trial(db: &TestDatabase, organization: usize, expected: &Dump, flags: &[&str]) {
    let before = db.dump();
    let (deleted, unlinked) = lost(&before, expected);
    let organization = organization.to_string();
    let cleaned = archive::clean(db, &[&["--org-id", &organization], flags].concat()).exits(0);
    changes(expected, &db.dump()).assert_none();
    let counted: BTreeMap<String, u64> = cleaned.rows("delete").into_iter().collect();
    assert_eq!(counted, deleted, "{flags:?}");
    assert_eq!(cleaned.rows("unlink").values().sum::<u64>(), unlinked, "{flags:?}");
    let kept = archive::only_archive(db);
    archive::restore(db, &kept, &[]).exits(0);
    changes(&before, &db.dump()).assert_none();
    std::fs::remove_file(kept).expect("the archive is removed");
}

#[test]
fn every_pair_goes_as_the_engine_has_it() {
    every_pair("CASCADE", Beside::Nothing, 0);
}

#[test]
fn every_pair_is_unlinked_as_the_engine_has_it() {
    every_pair("SET NULL", Beside::Nothing, 1);
}

#[test]
fn every_pair_is_forced_as_a_cascade_has_it() {
    every_pair("NO ACTION", Beside::Nothing, 2);
}

#[test]
fn every_pair_beside_a_number_goes_as_the_engine_has_it() {
    every_pair("CASCADE", Beside::Number, 1);
}

#[test]
fn every_pair_beside_a_number_is_unlinked_as_the_engine_has_it() {
    every_pair("SET NULL", Beside::Number, 2);
}

/// Since PostgreSQL 18 key and reference are of one collation, where one of these is not deterministic.
fn makes(db: &TestDatabase, schema: &str) -> bool {
    match db.with(|database| database.run(schema)) {
        Err(_) if postgres_version() >= 180_000 => {
            skip("PostgreSQL 18 makes no such reference");
            false
        }
        made => made.map(|()| true).expect("a schema"),
    }
}

/// A company with one user of each key; posts name them.
fn comes_back(key: &str, index: &str, reference: &str, rows: &str) {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    if !makes(&db, &format!(
        "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id int PRIMARY KEY, k {key}, o int REFERENCES organizations ON DELETE CASCADE);
         CREATE UNIQUE INDEX ON users (k {index});
         CREATE TABLE posts (id int PRIMARY KEY, u {reference} REFERENCES users (k) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO users VALUES (1, 'a', 1), (2, 'A', 1), (3, 'b', 2);
         INSERT INTO posts VALUES {rows}"
    )) {
        return;
    }
    archive::round_trip(&db, &["--org-name", "Apex"]);
}

#[test]
fn a_row_that_names_two_keys_by_its_own_collation_goes_once() {
    comes_back("text", "", "text COLLATE caseless", "(1, 'A'), (2, 'a'), (3, 'b')");
}

#[test]
fn a_key_that_is_unique_only_in_its_indexs_collation_tells_no_rows_apart() {
    let (key, index) = ("text COLLATE caseless", "COLLATE \"C\"");
    comes_back(key, index, key, "(1, 'A'), (2, 'a'), (3, 'B')");
}

#[test]
fn texts_are_named_by_what_has_no_collation() {
    comes_back("text", "", "\"char\"", "(1, 'A'), (2, 'a'), (3, 'b')");
}

/// The rows of one organization are named by such a reference, those of the other are not.
fn is_refused(types: &str, key: &str, reference: &str, why: &str) {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    if db.with(|database| database.run(types)).is_err() {
        return skip("the extension citext is not installed");
    }
    if !makes(&db, &format!(
        "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (k {key} PRIMARY KEY, o int REFERENCES organizations ON DELETE CASCADE);
         CREATE TABLE posts (u {reference} REFERENCES users ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO users VALUES ('a', 1); INSERT INTO posts VALUES ('a')"
    )) {
        return;
    }
    let before = db.dump();
    for checks in archive::CHECKS {
        let clean = ["clean", "--org-id", "1", "--yes", "--reference-checks", checks];
        db.orgsweep(&clean).exits(3).says(&["posts.u → users", why]);
    }
    changes(&before, &db.dump()).assert_none();
    archive::clean(&db, &["--org-id", "2"]).exits(0);
}

#[test]
fn what_the_engines_own_delete_cannot_compare_is_refused_by_name() {
    let word = "CREATE DOMAIN word AS text COLLATE \"C\"";
    for (key, reference) in [
        ("name", "text COLLATE caseless"),
        ("name", "text COLLATE \"de-x-icu\""),
        ("word", "text COLLATE caseless"),
        ("word COLLATE caseless", "text COLLATE caseless"),
    ] {
        is_refused(word, key, reference, "PostgreSQL cannot tell by which");
    }
}

#[test]
fn what_is_equal_one_way_and_not_the_other_is_refused_by_name() {
    let citext = "citext COLLATE caseless";
    is_refused("CREATE EXTENSION citext", citext, citext, "not by their order");
}
