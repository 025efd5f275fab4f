//! SQLite keeps any value in nearly any column, and compares in three ways: `src/sql/affinities.rs`.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Set for every value with every action; otherwise each value meets one of them.
const ALL: &str = "ORGSWEEP_TEST_TYPES";

/// Every affinity by several names, the rowid and what only looks like it, collations, also where a comment hides them.
const KEYS: [Declared; 23] = [
    plain("INTEGER PRIMARY KEY"),
    plain("INTEGER PRIMARY KEY DESC"),
    plain("INT PRIMARY KEY"),
    plain("INTEGER UNIQUE"),
    plain("BIGINT UNIQUE"),
    plain("TEXT PRIMARY KEY"),
    plain("VARCHAR(9) UNIQUE"),
    plain("BLOB UNIQUE"),
    plain("UNIQUE"),
    plain("REAL UNIQUE"),
    plain("NUMERIC UNIQUE"),
    plain("DECIMAL(10,2) UNIQUE"),
    plain("STRING UNIQUE"),
    plain("ANY PRIMARY KEY"),
    plain("TEXT COLLATE NOCASE UNIQUE"),
    plain("TEXT /*/ a, b */ COLLATE /**/ \"rtrim\" UNIQUE"),
    plain("COLLATE NOCASE UNIQUE"),
    Declared { column: "ANY UNIQUE", end: " STRICT" },
    Declared { column: "TEXT UNIQUE", end: " STRICT" },
    Declared { column: "INTEGER PRIMARY KEY", end: " WITHOUT ROWID" },
    Declared { column: "INT PRIMARY KEY", end: " WITHOUT ROWID" },
    Declared { column: "TEXT COLLATE NOCASE PRIMARY KEY", end: " WITHOUT ROWID" },
    Declared { column: "PRIMARY KEY", end: " WITHOUT ROWID" },
];

const REFERENCES: [Declared; 17] = [
    plain("INTEGER"),
    plain("INT"),
    plain("TEXT"),
    plain("VARCHAR(9)"),
    plain("BLOB"),
    plain(""),
    plain("REAL"),
    plain("NUMERIC"),
    plain("DECIMAL(10,2)"),
    plain("ANY"),
    plain("TEXT COLLATE NOCASE"),
    plain("COLLATE RTRIM"),
    Declared { column: "ANY", end: " STRICT" },
    Declared { column: "INTEGER", end: " STRICT" },
    plain("INTEGER PRIMARY KEY"),
    plain("INTEGER PRIMARY KEY DESC"),
    Declared { column: "INT PRIMARY KEY", end: " WITHOUT ROWID" },
];

const VALUES: [&str; 27] = [
    "NULL",
    "1",
    "1.0",
    "'1'",
    "'1.0'",
    "' 1'",
    "'01'",
    "x'31'",
    "'a'",
    "'A'",
    "'a '",
    "x'61'",
    "''",
    "x''",
    "' '",
    "0",
    "-0.0",
    "9007199254740993",
    "9007199254740992.0",
    "'9007199254740993'",
    "1e18",
    "'1e18'",
    "100000",
    "'1e5'",
    "0.30000000000000004",
    "'0.3'",
    // (The smallest integer as a real is no rowid to SQLite, whatever its check says.)
    "9223372036854775807",
];

/// Every value in every key and reference that takes it. `checked`: only posts that SQLite lets in.
fn matrix(pairs: &[Pair], action: &str, checked: bool) -> TestDatabase {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    let tables: String = pairs.iter().map(|pair| pair.create(action)).collect();
    db.execute(&format!(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'); {tables}"
    ));
    let switch = if checked { "ON" } else { "OFF" };
    db.execute(&format!("PRAGMA synchronous = OFF; PRAGMA foreign_keys = {switch}; BEGIN"));
    db.with(|db| {
        for pair in pairs {
            for table in [pair.users(), pair.posts()] {
                let (columns, owner) =
                    if table.starts_with('u') { ("k, n, o", ", 2") } else { ("u, n", "") };
                for (n, value) in VALUES.iter().enumerate() {
                    // What the column does not take, and a second value that is equal, is left out.
                    let _ = db.run(&format!(
                        "INSERT INTO {table} ({columns}) VALUES ({value}, {n}{owner})"
                    ));
                }
            }
        }
    });
    db.execute("COMMIT; PRAGMA foreign_keys = OFF");
    db
}

/// The posts that name nobody by SQLite's check. It cannot say which rows of a table WITHOUT ROWID those are: there
/// they are written again. (A write's check takes no REAL for the number that a rowid is, where
/// `foreign_key_check` and DELETE do: only these two are meant.)
fn orphans(db: &TestDatabase, pairs: &[Pair]) -> BTreeMap<usize, Numbers> {
    let (without_rowid, others): (Vec<Pair>, Vec<Pair>) =
        pairs.iter().partition(|pair| pair.reference.end == " WITHOUT ROWID");
    let mut orphans = posts(db, &others, &|pair| {
        format!("rowid IN (SELECT rowid FROM pragma_foreign_key_check('{}'))", pair.posts())
    });
    db.execute("PRAGMA foreign_keys = ON; BEGIN");
    for pair in &without_rowid {
        let refused = |n: &i64| {
            let write = format!("UPDATE {} SET u = u WHERE n = {n}", pair.posts());
            db.with(|db| db.run(&write)).is_err()
        };
        let all = posts(db, &[*pair], &|_| "1 = 1".into());
        orphans.insert(pair.n, all[&pair.n].iter().copied().filter(refused).collect());
    }
    db.execute("ROLLBACK; PRAGMA foreign_keys = OFF");
    orphans
}

/// The posts that name a user of the organization by SQLite's check: those that dangle once it is gone. `before`:
/// those that did already.
fn named(
    db: &TestDatabase,
    pairs: &[Pair],
    before: &BTreeMap<usize, Numbers>,
) -> BTreeMap<usize, Numbers> {
    let copy = db.copy();
    let delete = |pair: &Pair| format!("DELETE FROM {} WHERE o = 1;", pair.users());
    let deletes: String = pairs.iter().map(delete).collect();
    copy.execute(&format!(
        "PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN; {deletes} COMMIT"
    ));
    without(&orphans(&copy, pairs), before)
}

/// The posts that SQLite's own DELETE of the users takes, or unlinks; `None` where it fails.
fn taken_by_the_engine(db: &TestDatabase, pairs: &[Pair]) -> BTreeMap<usize, Option<Numbers>> {
    let before = linked(db, pairs);
    db.execute("PRAGMA foreign_keys = ON; BEGIN");
    let deleted = |pair: &&Pair| {
        let delete = format!("DELETE FROM {} WHERE o = 1", pair.users());
        db.with(|db| db.run(&delete)).is_ok()
    };
    let done: BTreeSet<usize> = pairs.iter().filter(deleted).map(|pair| pair.n).collect();
    let gone = without(&before, &linked(db, pairs));
    db.execute("ROLLBACK; PRAGMA foreign_keys = OFF");
    gone.into_iter().map(|(n, posts)| (n, done.contains(&n).then_some(posts))).collect()
}

/// The posts that SQLite finds when it looks for children of the users: two columns, weighed.
fn found_by_the_engine(db: &TestDatabase, pairs: &[Pair]) -> BTreeMap<usize, Option<Numbers>> {
    let found = posts(db, pairs, &|pair| {
        let (users, posts) = (pair.users(), pair.posts());
        format!("EXISTS (SELECT 1 FROM {users} AS x WHERE x.k = {posts}.u AND x.o = 1)")
    });
    found.into_iter().map(|(n, posts)| (n, Some(posts))).collect()
}

/// What of each pair went, over all values.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    users: usize,
    posts: usize,
    refused: usize,
}

/// Deletes an organization whose users have the value number `v` in every pair at once.
fn trial(
    base: &TestDatabase,
    orphans: &BTreeMap<usize, Numbers>,
    pairs: &[Pair],
    (v, action): (usize, &str),
    tally: &mut Tally,
) {
    let db = base.copy();
    let mut setup = String::from("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN;");
    for pair in pairs {
        setup += &format!("UPDATE {} SET o = 1 WHERE n = {v};", pair.users());
        // An index may change what SQLite finds, and must not change what we find.
        if (pair.n + v).is_multiple_of(2) {
            setup += &format!("CREATE INDEX i{} ON {} (u);", pair.n, pair.posts());
        }
    }
    db.execute(&(setup + "COMMIT"));
    let acts = matches!(action, "CASCADE" | "SET NULL");
    let mut named = named(&db, pairs, orphans);
    let engine =
        if acts { taken_by_the_engine(&db, pairs) } else { found_by_the_engine(&db, pairs) };
    let flags: &[&str] = if acts { &[] } else { &["--force"] };
    let refused = refused_tables(&db, flags);
    for pair in pairs {
        let sound = engine[&pair.n].as_ref() == Some(&named[&pair.n]);
        assert_eq!(
            refused.contains(&pair.posts()),
            !sound,
            "{pair}, {} goes, {action}: named {:?}, by the engine {:?}",
            VALUES[v],
            named[&pair.n],
            engine[&pair.n]
        );
        if !sound {
            named.remove(&pair.n);
            db.execute(&format!("UPDATE {} SET o = 2", pair.users()));
        }
    }
    tally.refused += refused.len();
    tally.posts += named.values().map(Numbers::len).sum::<usize>();
    tally.users += owned(&db, pairs);
    let checks = if v.is_multiple_of(2) { "set" } else { "engine" };
    let flags = [flags, &["--reference-checks", checks]].concat();
    cleans_and_restores(&db, pairs, &named, action == "SET NULL", &flags);
}

/// All values, or every fourth from `first` on.
fn every_pair(action: &str, pairs: &[Pair], checked: bool, first: usize) {
    let step = if std::env::var_os(ALL).is_some() { 1 } else { 4 };
    let base = matrix(pairs, action, checked);
    let orphans = orphans(&base, pairs);
    let mut tally = Tally::default();
    for v in (0..VALUES.len()).skip(first % step).step_by(step) {
        trial(&base, &orphans, pairs, (v, action), &mut tally);
    }
    println!("{action}: {} pairs, {tally:?}", pairs.len());
    assert!(tally.posts > 500 && tally.refused > 50, "{tally:?}");
}

fn pairs() -> Vec<Pair> {
    Pair::all(&KEYS, &REFERENCES)
}

/// What is not null cannot be set to it.
fn nullable() -> Vec<Pair> {
    let references = REFERENCES.into_iter().filter(|other| !other.column.contains("PRIMARY"));
    Pair::all(&KEYS, &references.collect::<Vec<_>>())
}

/// Two columns of which one compares plainly.
fn beside_numbers(pairs: Vec<Pair>) -> Vec<Pair> {
    pairs.into_iter().map(Pair::beside_a_number).collect()
}

#[test]
fn cascades() {
    every_pair("CASCADE", &pairs(), true, 0);
}

/// Posts that name nobody, too, but for an action that compares otherwise.
#[test]
fn cascades_among_orphans() {
    every_pair("CASCADE", &pairs(), false, 1);
}

#[test]
fn cascades_beside_numbers() {
    every_pair("CASCADE", &beside_numbers(pairs()), true, 2);
}

#[test]
fn unlinks() {
    every_pair("SET NULL", &nullable(), true, 2);
}

#[test]
fn unlinks_beside_numbers() {
    every_pair("SET NULL", &beside_numbers(nullable()), true, 3);
}

#[test]
fn forced() {
    every_pair("RESTRICT", &pairs(), true, 3);
}
