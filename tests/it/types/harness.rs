//! Tables for pairs of types: users with a key, posts that name it.

use crate::archive::harness as archive;
use crate::support::*;
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
    /// Both have a second column, a number that says nothing.
    pub beside: bool,
}

impl Pair {
    /// Every key with every reference.
    pub fn all(keys: &[Declared], references: &[Declared]) -> Vec<Pair> {
        let both = keys.iter().flat_map(|key| references.iter().map(move |other| (*key, *other)));
        let pair = |(n, (key, reference))| Pair { n, key, reference, beside: false };
        both.enumerate().map(pair).collect()
    }

    /// The same as a composite key.
    pub fn beside_a_number(self) -> Pair {
        Pair { beside: true, ..self }
    }

    pub fn users(&self) -> String {
        format!("u{}", self.n)
    }

    pub fn posts(&self) -> String {
        format!("p{}", self.n)
    }

    pub fn create(&self, action: &str) -> String {
        let Pair { n, key, reference, beside } = self;
        let (column, both, unique, foreign) = if *beside {
            (", t integer DEFAULT 7", "(k, t)", ", UNIQUE (k, t)", "(u, t)")
        } else {
            ("", "(k)", "", "(u)")
        };
        format!(
            "CREATE TABLE u{n} (k {}, n integer, o integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE
                 {column}{unique}){};
             CREATE TABLE p{n} (u {}, n integer{column},
                 FOREIGN KEY {foreign} REFERENCES u{n} {both} ON DELETE {action}){};",
            key.column, key.end, reference.column, reference.end
        )
    }
}

/// For messages: `#7 INT PRIMARY KEY <- TEXT`.
impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Pair { n, key, reference, beside } = self;
        let beside = if *beside { ", beside a number" } else { "" };
        write!(f, "#{n} {}{} <- {}{}{beside}", key.column, key.end, reference.column, reference.end)
    }
}

/// The numbers of some posts.
pub type Numbers = BTreeSet<i64>;

/// The posts of each pair for which its condition holds, in one query.
pub fn posts(
    db: &TestDatabase,
    pairs: &[Pair],
    condition: &dyn Fn(&Pair) -> String,
) -> BTreeMap<usize, Numbers> {
    let mut all: BTreeMap<usize, Numbers> =
        pairs.iter().map(|pair| (pair.n, Numbers::new())).collect();
    let one = |pair: &Pair| {
        format!("SELECT {}, n FROM {} WHERE {}", pair.n, pair.posts(), condition(pair))
    };
    for some in pairs.chunks(400) {
        let question: Vec<String> = some.iter().map(one).collect();
        for row in db.query(&question.join(" UNION ALL ")) {
            let [Some(pair), Some(n)] = &row[..] else { panic!("{row:?}") };
            let pair: usize = pair.parse().expect("a number");
            all.entry(pair).or_default().insert(n.parse().expect("a number"));
        }
    }
    all
}

/// The posts that name anybody.
pub fn linked(db: &TestDatabase, pairs: &[Pair]) -> BTreeMap<usize, Numbers> {
    posts(db, pairs, &|_| "u IS NOT NULL".into())
}

/// What is in `before` and not in `after`, pair by pair.
pub fn without(
    before: &BTreeMap<usize, Numbers>,
    after: &BTreeMap<usize, Numbers>,
) -> BTreeMap<usize, Numbers> {
    let gone =
        |(n, posts): (&usize, &Numbers)| (*n, posts.difference(&after[n]).copied().collect());
    before.iter().map(gone).collect()
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
    let (before, named_anybody) = (archive::contents(db), linked(db, pairs));
    let outcome = archive::clean(db, &[&["--org-name", "Apex"], flags].concat()).exits(0);
    let gone = without(&named_anybody, &linked(db, pairs));
    let counted = outcome.rows(if unlinked { "unlink" } else { "delete" });
    for pair in pairs {
        let nobody = Numbers::new();
        let expected = named.get(&pair.n).unwrap_or(&nobody);
        assert_eq!(&gone[&pair.n], expected, "{pair}: posts that went\n{flags:?}");
        let rows = counted.get(&pair.posts()).copied().unwrap_or(0);
        assert_eq!(rows, expected.len() as u64, "{pair}: posts counted");
    }
    assert_eq!(owned(db, pairs), 0, "users left");
    archive::restore(db, &archive::only_archive(db), &[]).exits(0);
    changes(&before, &archive::contents(db)).assert_none();
}

/// Users of the organization, of all pairs.
pub fn owned(db: &TestDatabase, pairs: &[Pair]) -> usize {
    let one = |pair: &Pair| format!("SELECT n FROM {} WHERE o = 1", pair.users());
    let rows = |some: &[Pair]| {
        let all: Vec<String> = some.iter().map(one).collect();
        db.query(&all.join(" UNION ALL ")).len()
    };
    pairs.chunks(400).map(rows).sum()
}
