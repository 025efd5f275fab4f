//! Real schemas, where `../shared/corpus` (or `ORGSWEEP_CORPUS`) exists: what a forced deletion takes
//! is known there for three root values of each, row by row.

mod snapshot;

use crate::support::*;
use serde_json::Value;
use snapshot::{Snapshot, Values};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// One test per schema and backend, each over all its root values.
macro_rules! schemas {
    ($($schema:ident: $($backend:ident)+;)*) => {$(
        mod $schema {
            use super::*;
            $(
                #[test]
                fn $backend() {
                    check_schema(&stringify!($schema).replace('_', "-"), Backend::named(stringify!($backend)));
                }
            )+
        }
    )*};
}

schemas! {
    chinook: sqlite postgres mysql;
    sakila: sqlite postgres mysql;
    northwind: postgres;
    kratos: sqlite postgres mysql;
    hoppscotch: postgres;
    langfuse: postgres;
    langfuse_cross: postgres;
    lobsters: sqlite postgres;
}

/// A row whose parents are of two tenants is both tenants': it is told, and refused where the policy says so.
#[test]
fn rows_that_two_tenants_share_are_told_or_refused() {
    let Some(original) = load("langfuse-cross", Backend::Postgres) else { return };
    let before = original.dump();
    for (tenant, _) in expected("langfuse-cross", Backend::Postgres) {
        let preview = ["preview", "--root", "organizations", "--org-name", &tenant, "--force"];
        let told = original.orgsweep(&preview);
        assert!(told.stdout.contains("shared with other organizations"), "{told}");
    }
    let policy = "[guards]\nshared = \"refuse\"\n";
    std::fs::write(original.directory().join("orgsweep.toml"), policy).expect("a policy");
    for (tenant, _) in expected("langfuse-cross", Backend::Postgres) {
        let select = ["--root", "organizations", "--org-name", &tenant, "--format", "json"];
        for more in [&["preview"][..], &["clean", "--yes"], &["clean", "--yes", "--force"]] {
            let outcome = original.orgsweep(&[more, &select].concat()).exits(3);
            let kinds = ["foreign", "shared"];
            let refusals: Vec<_> = kinds.iter().flat_map(|kind| outcome.refusals(kind)).collect();
            assert!(!refusals.is_empty(), "no foreign rows refused\n{outcome}");
            for refusal in &refusals {
                assert!(refusal["table"].is_string() && refusal["reference"].is_string());
                let others = refusal["organizations"].as_array().cloned().unwrap_or_default();
                let other = |name: &Value| name.as_str().is_some_and(|name| name != tenant);
                assert!(others.iter().any(other), "no other organization named\n{outcome}");
            }
        }
    }
    changes(&before, &original.dump()).assert_none();
}

/// `payment.rental_id` is SET NULL and NOT NULL: nobody can delete a store's rentals.
#[test]
fn set_null_on_a_not_null_column_is_refused_forced_or_not() {
    let Some(db) = load("sakila", Backend::Postgres) else { return };
    let before = db.dump();
    let clean = ["clean", "--root", "store", "--org-id", "1", "--yes", "--format", "json"];
    let outcome = db.orgsweep(&clean).exits(3);
    assert_ne!(outcome.json()["refusals"], Value::Array(vec![]), "{outcome}");
    let forced = [&clean[..], &["--force", "--foreign", "delete"]].concat();
    let outcome = db.orgsweep(&forced).exits(3);
    let of_payments = |refusal: &Value| refusal["reference"] == "payment.rental_id";
    assert!(outcome.refusals("not_null").iter().any(of_payments), "{outcome}");
    changes(&before, &db.dump()).assert_none();
}

fn check_schema(schema: &str, backend: Backend) {
    let Some(original) = load(schema, backend) else { return };
    let before = Snapshot::of(&original);
    let dangling = original.dangling();
    for (value, expected) in expected(schema, backend) {
        let select = selection(&before, &value, &expected["root"]);
        for checks in ["auto", "engine"] {
            let db = original.copy();
            let case = format!("{schema} {value} {checks}");
            // What the schema forgot is not what is compared.
            let flags = ["--force", "--foreign", "delete", "--leave-behind", "--format", "json"];
            let flags = [&flags[..], &["--reference-checks", checks]].concat();
            let run = |command: &[&str]| {
                db.orgsweep(&[command, &borrowed(&select)[..], &flags[..]].concat())
            };

            let preview = run(&["preview"]).exits(0);
            check_counts(&case, &preview, &expected);
            assert!(before == Snapshot::of(&db), "{case}: the preview changed something");

            let clean = run(&["clean", "--yes"]).exits(0);
            check_counts(&case, &clean, &expected);
            check_rows(&case, &before, &Snapshot::of(&db), &expected);
            assert_eq!(db.dangling().difference(&dangling).next(), None, "{case}: dangling");

            let verify = [&["verify", "--leave-behind"][..], &borrowed(&select)].concat();
            db.orgsweep(&verify).exits(0);
            let again = run(&["clean", "--yes"]).exits(0);
            assert_eq!(again.json()["outcome"], "nothing", "{again}");
        }
    }
}

/// How the root rows are named: by key where the column is the primary key, else by name.
fn selection(snapshot: &Snapshot, value: &str, root: &Value) -> Vec<String> {
    let (table, column) = (text(&root["table"]), text(&root["column"]));
    let by_key = snapshot.0[&table].key == [column.clone()];
    let words = if by_key {
        vec!["--root", &table, "--org-id", value]
    } else {
        vec!["--root", &table, "--name-column", &column, "--org-name", value]
    };
    words.into_iter().map(str::to_owned).collect()
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// The steps' rows agree with `per_table`.
fn check_counts(case: &str, outcome: &Outcome, expected: &Value) {
    for (action, field) in [("delete", "deleted"), ("unlink", "nulled")] {
        let tables = expected["per_table"].as_object().expect("per_table");
        let counts = tables.iter().map(|(table, counts)| (table.clone(), counts[field].as_u64()));
        let counts = counts.filter_map(|(table, count)| count.map(|count| (table, count)));
        let wanted: BTreeMap<_, _> = counts.filter(|(_, count)| *count > 0).collect();
        assert_eq!(outcome.rows(action), wanted, "{case}: {action} counts\n{outcome}");
    }
}

/// Exactly the expected rows are gone, exactly the expected values are null, all else is as it was.
fn check_rows(case: &str, before: &Snapshot, after: &Snapshot, expected: &Value) {
    for (name, table) in &before.0 {
        let deleted = &expected["deleted_keys"][name];
        let deleted: BTreeSet<Values> = deleted.as_array().into_iter().flatten().map(key).collect();
        let mut wanted = table.rows.clone();
        wanted.retain(|(key, _), _| !deleted.contains(key));
        assert_eq!(
            table.rows.len() - wanted.len(),
            deleted.len(),
            "{case}: unknown keys expected in {name}"
        );
        for unlinked in expected["nulled_keys"][name].as_array().into_iter().flatten() {
            let row = wanted.get_mut(&(key(&unlinked["key"]), 0)).expect("the unlinked row");
            for column in unlinked["set"].as_object().expect("columns").keys() {
                row[table.columns.iter().position(|c| c == column).expect("the column")] = None;
            }
        }
        assert!(
            wanted == after.0[name].rows,
            "{case}: {name}: {}",
            snapshot::difference(&wanted, &after.0[name].rows)
        );
    }
}

/// The expected deletions by root value.
fn expected(schema: &str, backend: Backend) -> Vec<(String, Value)> {
    let file = match backend {
        Backend::Sqlite => "expected.sqlite.json.gz",
        Backend::Postgres => "expected.json.gz",
        Backend::Mysql => "expected.mysql.json.gz",
    };
    let json = unzip(&corpus().expect("the corpus").join(schema).join(file));
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    let entries = json.as_object().expect("an object").clone();
    entries.into_iter().collect()
}

/// A fresh database with a schema of the corpus, or `None`, said loudly.
fn load(schema: &str, backend: Backend) -> Option<TestDatabase> {
    let folder = corpus()?.join(schema);
    let db = TestDatabase::fresh(backend)?;
    match backend {
        Backend::Sqlite => {
            let file = unzip(&folder.join(format!("{schema}.sqlite.gz")));
            std::fs::write(db.path(), file).expect("the SQLite file");
        }
        Backend::Postgres => psql(db.url(), &unzip(&folder.join("dump.sql.gz"))),
        Backend::Mysql if schema == "kratos" && db.is_mysql_itself() => {
            skip("the dump has values of generated columns, which MySQL does not take");
            return None;
        }
        Backend::Mysql => {
            let dump = unzip(&folder.join("mysql.sql.gz"));
            // A mode that MySQL has no longer.
            let dump = String::from_utf8(dump).expect("UTF-8").replace("NO_AUTO_CREATE_USER,", "");
            mysql::client(db.name(), dump.as_bytes());
        }
    }
    Some(db)
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("ORGSWEEP_CORPUS")
        .map(PathBuf::from)
        .unwrap_or_else(|| [env!("CARGO_MANIFEST_DIR"), "..", "shared", "corpus"].iter().collect());
    let exists = folder.is_dir();
    if !exists {
        skip(&format!("there is no {}", folder.display()));
    }
    exists.then_some(folder)
}

fn unzip(file: &std::path::Path) -> Vec<u8> {
    let output = Command::new("gzip").arg("-dc").arg(file).output().expect("gzip runs");
    assert!(output.status.success(), "{}: {:?}", file.display(), output);
    output.stdout
}

/// Runs a dump, which may hold COPY data.
fn psql(url: &str, script: &[u8]) {
    let mut psql = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", url])
        .stdin(Stdio::piped())
        .spawn()
        .expect("psql runs");
    psql.stdin.take().expect("a pipe").write_all(script).expect("psql reads the dump");
    assert!(psql.wait().expect("psql ends").success());
}

fn key(values: &Value) -> Values {
    let value = |value: &Value| value.as_str().map(str::to_owned);
    values.as_array().expect("a key").iter().map(value).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
