//! SQLite keeps any value in nearly any column, and compares in three ways: `src/sql/affinities.rs`.

use super::*;
use std::collections::BTreeMap;

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
    "-9223372036854775808",
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
                let owner = if table.starts_with('u') { ", 2" } else { "" };
                for (n, value) in VALUES.iter().enumerate() {
                    // What the column does not take, and a second value that is equal, is left out.
                    let _ = db.run(&format!("INSERT INTO {table} VALUES ({value}, {n}{owner})"));
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
    db.execute("PRAGMA foreign_keys = ON");
    let orphans = |pair: &Pair| {
        let table = pair.posts();
        if pair.reference.end != " WITHOUT ROWID" {
            let check = format!("rowid IN (SELECT rowid FROM pragma_foreign_key_check('{table}'))");
            return (pair.n, posts(db, pair, &check));
        }
        let refused = |n: &i64| {
            let write = format!("UPDATE {table} SET u = u WHERE n = {n}");
            db.with(|db| db.run(&write)).is_err()
        };
        (pair.n, posts(db, pair, "u IS NOT NULL").into_iter().filter(refused).collect())
    };
    let orphans = pairs.iter().map(orphans).collect();
    db.execute("PRAGMA foreign_keys = OFF");
    orphans
}

/// The posts that name a user of the organization by SQLite's check: those that dangle once it is gone.
fn named(db: &TestDatabase, pairs: &[Pair]) -> BTreeMap<usize, Numbers> {
    let before = orphans(db, pairs);
    let copy = db.copy();
    copy.execute("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF");
    for pair in pairs {
        copy.execute(&format!("DELETE FROM {} WHERE o = 1", pair.users()));
    }
    let after = orphans(&copy, pairs);
    let new = |pair: &Pair| {
        (pair.n, after[&pair.n].difference(&before[&pair.n]).copied().collect::<Numbers>())
    };
    pairs.iter().map(new).collect()
}

/// The posts that SQLite's own DELETE of the users takes, or unlinks; `None` where it fails.
fn taken_by_the_engine(db: &TestDatabase, pairs: &[Pair]) -> BTreeMap<usize, Option<Numbers>> {
    db.execute("PRAGMA foreign_keys = ON");
    let taken = |pair: &Pair| {
        let before = posts(db, pair, "u IS NOT NULL");
        db.execute("BEGIN");
        let delete = format!("DELETE FROM {} WHERE o = 1", pair.users());
        let gone = db.with(|db| db.run(&delete)).is_ok().then(|| {
            let after = posts(db, pair, "u IS NOT NULL");
            before.difference(&after).copied().collect()
        });
        db.execute("ROLLBACK");
        (pair.n, gone)
    };
    let taken = pairs.iter().map(taken).collect();
    db.execute("PRAGMA foreign_keys = OFF");
    taken
}

/// The posts that SQLite finds when it looks for children of the users: two columns, weighed.
fn found_by_the_engine(db: &TestDatabase, pairs: &[Pair]) -> BTreeMap<usize, Option<Numbers>> {
    let found = |pair: &Pair| {
        let users = pair.users();
        let names = format!(
            "EXISTS (SELECT 1 FROM {users} AS x WHERE x.k = {}.u AND x.o = 1)",
            pair.posts()
        );
        (pair.n, Some(posts(db, pair, &names)))
    };
    pairs.iter().map(found).collect()
}

/// What of each pair went, over all values.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    users: usize,
    posts: usize,
    refused: usize,
}

/// Deletes an organization whose users have the value number `v` in every pair at once.
fn trial(base: &TestDatabase, pairs: &[Pair], v: usize, action: &str, tally: &mut Tally) {
    let db = base.copy();
    let mut owned = String::from("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN;");
    for pair in pairs {
        owned += &format!("UPDATE {} SET o = 1 WHERE n = {v};", pair.users());
        // An index may change what SQLite finds, and must not change what we find.
        if (pair.n + v).is_multiple_of(2) {
            owned += &format!("CREATE INDEX i{} ON {} (u);", pair.n, pair.posts());
        }
    }
    db.execute(&(owned + "COMMIT"));
    let acts = matches!(action, "CASCADE" | "SET NULL");
    let mut named = named(&db, pairs);
    let engine = match acts {
        true => taken_by_the_engine(&db, pairs),
        false => found_by_the_engine(&db, pairs),
    };
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
    let users = |pair: &Pair| db.count(&format!("{} WHERE o = 1", pair.users())) as usize;
    tally.users += pairs.iter().map(users).sum::<usize>();
    let checks = if v.is_multiple_of(2) { "set" } else { "engine" };
    let flags = [flags, &["--reference-checks", checks]].concat();
    cleans_and_restores(&db, pairs, &named, action == "SET NULL", &flags);
}

fn every_pair(action: &str, references: &[Declared], checked: bool) -> Tally {
    let pairs = Pair::all(&KEYS, references);
    let base = matrix(&pairs, action, checked);
    let mut tally = Tally::default();
    for v in 0..VALUES.len() {
        trial(&base, &pairs, v, action, &mut tally);
    }
    println!("{action}: {} pairs, {tally:?}", pairs.len());
    tally
}

#[test]
fn cascades() {
    let tally = every_pair("CASCADE", &REFERENCES, true);
    assert!(tally.posts > 5_000 && tally.refused > 1_000, "{tally:?}");
}

/// Posts that name nobody, too, but for an action that compares otherwise.
#[test]
fn cascades_among_orphans() {
    every_pair("CASCADE", &REFERENCES, false);
}

/// What is not null cannot be set to it.
#[test]
fn unlinks() {
    let nullable = REFERENCES.into_iter().filter(|reference| !reference.column.contains("PRIMARY"));
    every_pair("SET NULL", &nullable.collect::<Vec<_>>(), true);
}

#[test]
fn forced() {
    every_pair("RESTRICT", &REFERENCES, true);
}
