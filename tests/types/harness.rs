//! Tables for pairs of types: users with a key, posts that name it.

use super::archive;
use super::support::*;
use std::collections::{BTreeMap, BTreeSet};

/// A column's definition after its name, and what its table's ends with.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    pub column: &'static str,
    pub end: &'static str,
}

/// A column of an ordinary table.
pub const fn plain(column: &'static str) -> Declared {
    Declared { column, end: "" }
}

/// A key `k` in `u{n}`, which `u` in `p{n}` refers to. Rows of both have a number `n`; users belong to an
/// organization, `o`.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub n: usize,
    pub key: Declared,
    pub reference: Declared,
}

impl Pair {
    /// Every key with every reference.
    pub fn all(keys: &[Declared], references: &[Declared]) -> Vec<Pair> {
        let both = keys.iter().flat_map(|key| references.iter().map(move |other| (*key, *other)));
        both.enumerate().map(|(n, (key, reference))| Pair { n, key, reference }).collect()
    }

    pub fn users(&self) -> String {
        format!("u{}", self.n)
    }

    pub fn posts(&self) -> String {
        format!("p{}", self.n)
    }

    pub fn create(&self, action: &str) -> String {
        let Pair { n, key, reference } = self;
        format!(
            "CREATE TABLE u{n} (k {}, n integer, o integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE){};
             CREATE TABLE p{n} (u {} REFERENCES u{n} (k) ON DELETE {action}, n integer){};",
            key.column, key.end, reference.column, reference.end
        )
    }
}

/// For messages: `#7 INT PRIMARY KEY <- TEXT`.
impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Pair { n, key, reference } = self;
        write!(f, "#{n} {}{} <- {}{}", key.column, key.end, reference.column, reference.end)
    }
}

/// The numbers of some posts.
pub type Numbers = BTreeSet<i64>;

/// The posts of a pair that hold for `condition`.
pub fn posts(db: &TestDatabase, pair: &Pair, condition: &str) -> Numbers {
    let rows = db.query(&format!("SELECT n FROM {} WHERE {condition}", pair.posts()));
    rows.into_iter().flatten().flatten().map(|n| n.parse().expect("a number")).collect()
}

/// The child tables that a preview refuses to touch because of how their references compare.
pub fn refused_tables(db: &TestDatabase, flags: &[&str]) -> BTreeSet<String> {
    let preview = ["preview", "--org-name", "Apex", "--format", "json"];
    let outcome = db.orgsweep(&[&preview[..], flags].concat());
    let all = outcome.json()["refusals"].as_array().cloned().unwrap_or_default();
    let refusals = outcome.refusals("comparison");
    assert_eq!(all.len(), refusals.len(), "other refusals\n{outcome}");
    assert_eq!(outcome.code, if refusals.is_empty() { 0 } else { 3 }, "{outcome}");
    let table = |refusal: &serde_json::Value| refusal["table"].as_str().expect("a name").to_owned();
    refusals.iter().map(table).collect()
}

/// Cleans: of every pair's posts those in `named` go, or are unlinked where `unlinked` says so, and are counted;
/// every user of the organization goes; a restore gives all back.
pub fn cleans_and_restores(
    db: &TestDatabase,
    pairs: &[Pair],
    named: &BTreeMap<usize, Numbers>,
    unlinked: bool,
    flags: &[&str],
) {
    let all = |condition: &str| -> BTreeMap<usize, Numbers> {
        pairs.iter().map(|pair| (pair.n, posts(db, pair, condition))).collect()
    };
    let (before, linked) = (archive::contents(db), all("u IS NOT NULL"));
    let outcome = archive::clean(db, &[&["--org-name", "Apex"], flags].concat()).exits(0);
    let left = all("u IS NOT NULL");
    let counted = outcome.rows(if unlinked { "unlink" } else { "delete" });
    for pair in pairs {
        let gone: Numbers = linked[&pair.n].difference(&left[&pair.n]).copied().collect();
        let nobody = Numbers::new();
        let expected = named.get(&pair.n).unwrap_or(&nobody);
        assert_eq!(&gone, expected, "{pair}: posts that went\n{flags:?}");
        let rows = counted.get(&pair.posts()).copied().unwrap_or(0);
        assert_eq!(rows, gone.len() as u64, "{pair}: posts counted");
        let users = format!("SELECT count(*) FROM {} WHERE o = 1", pair.users());
        assert_eq!(db.value(&users), "0", "{pair}: users left");
    }
    archive::restore(db, &archive::only_archive(db), &[]).exits(0);
    changes(&before, &archive::contents(db)).assert_none();
}
