//! Why one row goes, or stays.

use super::{CLEAN_APEX, small};
use crate::support::*;
use orgsweep::engine::quote;
use serde_json::{Value, json};

const APEX: [&str; 2] = ["--org-name", "Apex"];

fn explain(db: &TestDatabase, row: &[&str], flags: &[&str]) -> Outcome {
    db.orgsweep(&[&["explain"], row, &APEX, flags].concat())
}

fn explained(db: &TestDatabase, row: &[&str], flags: &[&str]) -> Value {
    let json = [flags, &["--format", "json"]].concat();
    explain(db, row, &json).exits(0).json()
}

fn verdict(db: &TestDatabase, row: &[&str], flags: &[&str]) -> String {
    let json = explained(db, row, flags);
    json["verdict"].as_str().unwrap_or_else(|| panic!("{json:#}")).to_owned()
}

/// The tables of each way, from the top, and whether it needs force.
fn ways(json: &Value) -> Vec<String> {
    let way = |way: &Value| {
        let rows = way["rows"].as_array().into_iter().flatten();
        let tables: Vec<&str> = rows.filter_map(|row| row["table"].as_str()).collect();
        let force = if way["needs_force"] == true { " needs force" } else { "" };
        tables.join(" ") + force
    };
    json["ways"].as_array().into_iter().flatten().map(way).collect()
}

fn effects(json: &Value) -> Vec<(&str, &str)> {
    let references = json["references"].as_array().into_iter().flatten();
    references
        .filter_map(|naming| Some((naming["reference"].as_str()?, naming["effect"].as_str()?)))
        .collect()
}

each_backend! {
    fn the_shortest_way_comes_first_and_protected_ones_last(db: TestDatabase) {
        small(&db);
        let json = explained(&db, &["deals", "100"], &[]);
        assert_eq!(json["verdict"], "goes", "{json:#}");
        assert_eq!(json["belongs_to"], json!([{ "organization": "Apex (id 1)", "selected": true }]));
        assert_eq!(ways(&json), ["organizations deals", "organizations users deals needs force"]);
        assert_eq!(ways(&explained(&db, &["deals", "100"], &["--force"]))[1], "organizations users deals");
        let text = explain(&db, &["deals", "100"], &[]).exits(0);
        text.says(&["DLID0001 (id 100)", "Apex (id 1)", "ann@apex.test (id 10)", "⚠ needs --force"]);
    }

    fn the_json_is_complete(db: TestDatabase) {
        small(&db);
        let json = explained(&db, &["deals", "100"], &[]);
        assert_eq!((&json["format"], &json["exit"]), (&1.into(), &0.into()), "{json:#}");
        assert_eq!((&json["command"], &json["outcome"]), (&"explain".into(), &"explained".into()));
        assert_eq!(json["organizations"][0]["key"], "1");
        assert_eq!(json["row"], json!({ "table": "deals", "title": "DLID0001 (id 100)", "standing": "goes", "refused": false }));
        let step = json!({
            "table": "deals", "title": "DLID0001 (id 100)", "standing": "goes", "refused": false, "forced": false,
            "reference": "deals.created_by", "parent": "users", "on_delete": "restrict",
            "needs_force": true, "by_policy": false,
        });
        assert_eq!(json["ways"][1]["rows"][2], step, "{json:#}");
        assert_eq!(json["ways"][1]["length"], 2);
        assert_eq!(effects(&json), [("deals.organization_id", "followed"), ("deals.created_by", "needs_force")]);
        assert_eq!(json["refusals"], 1);
    }

    fn every_verdict_is_what_clean_does(db: TestDatabase) {
        small(&db);
        let rows = ["organizations 1", "organizations 2", "users 10", "users 11", "users 20", "deals 100",
            "deals 200", "notes 1000", "notes 2000"];
        let verdict = |row: &&str| {
            let (table, key) = row.split_once(' ').expect("table key");
            verdict(&db, &[table, key], &["--force"])
        };
        let verdicts: Vec<String> = rows.iter().map(verdict).collect();
        let row = |row: &&str| {
            let (table, key) = row.split_once(' ').expect("table key");
            db.query(&format!("SELECT * FROM {table} WHERE id = {key}"))
        };
        let before: Vec<_> = rows.iter().map(row).collect();
        db.orgsweep(&CLEAN_APEX).exits(0);
        for ((name, verdict), before) in rows.iter().zip(verdicts).zip(before) {
            let expected = match row(name) {
                after if after.is_empty() => ["goes", "selected"],
                after if after == before => ["stays", "stays"],
                _ => ["unlinked", "unlinked"],
            };
            assert!(expected.contains(&verdict.as_str()), "{name} is explained as {verdict}");
        }
    }

    fn a_selected_organization_needs_no_way(db: TestDatabase) {
        small(&db);
        assert_eq!(verdict(&db, &["organizations", "1"], &[]), "selected");
        assert_eq!(verdict(&db, &["organizations", "2"], &[]), "stays");
        explain(&db, &["organizations", "1"], &[]).exits(0).says(&["it is a selected organization"]);
    }

    fn a_row_that_others_protect_names_them(db: TestDatabase) {
        small(&db);
        let json = explained(&db, &["users", "10"], &[]);
        assert_eq!(json["protected_by"][0]["reference"], "deals.created_by", "{json:#}");
        assert_eq!(json["protected_by"][0]["samples"], json!(["DLID0001 (id 100)"]));
        assert_eq!(explained(&db, &["users", "10"], &["--force"])["protected_by"], json!([]));
        assert_eq!(explained(&db, &["users", "11"], &[])["protected_by"], json!([]));
        explain(&db, &["users", "10"], &[]).says(&["protected: 1 row of deals names it", "DLID0001 (id 100)"]);
    }

    fn a_row_of_another_organization_says_whose_it_is(db: TestDatabase) {
        small(&db);
        let json = explained(&db, &["deals", "200"], &[]);
        assert_eq!(json["verdict"], "stays", "{json:#}");
        assert_eq!(json["belongs_to"], json!([{ "organization": "Global (id 2)", "selected": false }]));
        assert_eq!(ways(&json), Vec::<String>::new());
        assert_eq!(effects(&json), [("deals.organization_id", "parent_stays"), ("deals.created_by", "parent_stays")]);
        let text = explain(&db, &["deals", "200"], &[]).exits(0);
        text.says(&["belongs to Global (id 2), not selected", "gil@global.test (id 20)", "is not selected"]);
    }

    fn a_foreign_row_is_refused_until_somebody_consents(db: TestDatabase) {
        small(&db);
        db.execute("UPDATE deals SET created_by = 10 WHERE id = 200");
        for force in [&[][..], &["--force"]] {
            let outcome = explain(&db, &["deals", "200"], force).exits(0);
            outcome.says(&["refused", "Global (id 2)", "--foreign reassign=deals.created_by:KEY"]);
            assert_eq!(verdict(&db, &["deals", "200"], force), "foreign");
        }
        let delete = ["--force", "--foreign", "delete=deals.created_by"];
        assert_eq!(verdict(&db, &["deals", "200"], &delete), "goes");
        assert_eq!(verdict(&db, &["deals", "200"], &delete[1..]), "needs_force");
        let reassign = ["--force", "--foreign", "reassign=deals.created_by:20"];
        let json = explained(&db, &["deals", "200"], &reassign);
        assert_eq!(json["verdict"], "unlinked", "{json:#}");
        assert_eq!(json["references"][1]["effect"], "consent", "{json:#}");
        assert_eq!(json["references"][1]["becomes"], "20", "{json:#}");
    }

    fn a_row_that_goes_with_a_refused_one_is_refused_with_it(db: TestDatabase) {
        small(&db);
        db.execute(
            "UPDATE deals SET created_by = 10 WHERE id = 200; \
             CREATE TABLE payments (id integer PRIMARY KEY, deal_id integer REFERENCES deals (id) ON DELETE CASCADE); \
             INSERT INTO payments VALUES (1, 200), (2, 100)",
        );
        for force in [&[][..], &["--force"]] {
            let json = explained(&db, &["payments", "1"], force);
            assert_eq!(json["verdict"], "refused_parent", "{json:#}");
            assert_eq!((&json["ways"][0]["refused"], &json["ways"][0]["rows"][2]["refused"]), (&true.into(), &true.into()));
            assert_eq!(verdict(&db, &["payments", "2"], force), "goes");
        }
        let outcome = explain(&db, &["payments", "1"], &["--force"]).exits(0);
        outcome.says(&["refused: it would go with DLID0001 (id 200), which is refused", "⚠ refused"]);
        let consent = ["--force", "--foreign", "delete"];
        assert_eq!(verdict(&db, &["payments", "1"], &consent), "goes");
    }

    fn an_unlinked_row_says_which_columns_become_what(db: TestDatabase) {
        small(&db);
        let json = explained(&db, &["notes", "1000"], &[]);
        assert_eq!((&json["verdict"], &json["references"][0]["becomes"]), (&"unlinked".into(), &"null".into()));
        explain(&db, &["notes", "1000"], &[]).exits(0).says(&["deal_id becomes null", "DLID0001 (id 100)"]);
        assert_eq!(verdict(&db, &["notes", "2000"], &[]), "stays");
        db.execute("INSERT INTO notes VALUES (3000, NULL, 'nobody')");
        let json = explained(&db, &["notes", "3000"], &[]);
        assert_eq!((&json["verdict"], &json["belongs_to"]), (&"stays".into(), &json!([])), "{json:#}");
        assert_eq!(effects(&json), [("notes.deal_id", "names_nobody")]);
    }

    fn chains_and_circles_of_one_table_end(db: TestDatabase) {
        small(&db);
        db.execute(
            "CREATE TABLE parts (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE CASCADE, \
             part_of integer REFERENCES parts (id) ON DELETE CASCADE)",
        );
        db.execute("INSERT INTO parts VALUES (1, 10, NULL), (2, NULL, 1), (3, NULL, 2), (4, NULL, 3)");
        db.execute("UPDATE parts SET part_of = 4 WHERE id = 1");
        db.execute("INSERT INTO parts VALUES (5, 10, 5)");
        let json = explained(&db, &["parts", "4"], &[]);
        assert_eq!(ways(&json), ["organizations users parts parts parts parts"], "{json:#}");
        assert_eq!(ways(&explained(&db, &["parts", "5"], &[])), ["organizations users parts"]);
        assert_eq!(ways(&explained(&db, &["parts", "1"], &[])), ["organizations users parts"]);
    }

    fn keys_of_several_columns_are_named_in_order_or_by_column(db: TestDatabase) {
        small(&db);
        db.execute(
            "CREATE TABLE \"Seats\" (row_no text, \"Seat\" integer, user_id integer REFERENCES users (id) ON DELETE CASCADE, \
             PRIMARY KEY (row_no, \"Seat\")); INSERT INTO \"Seats\" VALUES ('a,b', 7, 10), ('c', 7, 20)",
        );
        assert_eq!(verdict(&db, &["Seats", "c,7"], &[]), "stays");
        assert_eq!(verdict(&db, &["seats", "a,b", "7"], &[]), "goes");
        assert_eq!(verdict(&db, &["Seats", "seat=7", "row_no=a,b"], &[]), "goes");
        assert_eq!(verdict(&db, &["Seats", "row_no=a,b,Seat=7"], &[]), "goes");
        explain(&db, &["Seats", "7"], &[]).exits(2).says(&["row_no, Seat"]);
        explain(&db, &["Seats", "Seat=7"], &[]).exits(2).says(&["several rows"]);
        explain(&db, &["Seats", "c,8"], &[]).exits(3).says(&["no row"]);
    }

    fn rows_without_a_key_are_named_by_their_place_or_their_columns(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("MariaDB's rows have no address");
        }
        small(&db);
        db.execute("CREATE TABLE hits (user_id integer REFERENCES users (id) ON DELETE CASCADE, page text)");
        db.execute("INSERT INTO hits VALUES (10, 'x'), (20, 'y')");
        let first = db.either("1", "(0,1)");
        assert_eq!(verdict(&db, &["hits", first], &[]), "goes");
        assert_eq!(verdict(&db, &["hits", "page=y"], &[]), "stays");
        explain(&db, &["hits", "x"], &[]).exits(2).says(&["no key", db.either("rowid", "ctid")]);
        explain(&db, &["hits", db.either("99", "(9,9)")], &[]).exits(3);
    }

    fn a_row_that_does_not_exist_is_told_from_a_wrong_question(db: TestDatabase) {
        let before = small(&db);
        explain(&db, &["deals", "999"], &[]).exits(3).says(&["deals", "999"]);
        explain(&db, &["deal", "100"], &[]).exits(2).says(&["there is no table deal", "deals"]);
        for key in ["x", "1.x", "99999999999999999999x"] {
            explain(&db, &["deals", key], &[]).exits(2).says(&["own type"]);
        }
        explain(&db, &["deals", "1", "2"], &[]).exits(2);
        db.orgsweep(&["explain", "deals", "100"]).exits(2).says(&["--org-name"]);
        db.orgsweep(&["explain", "deals", "--org-name", "Apex"]).exits(2);
        let json = explain(&db, &["deals", "999"], &["--format", "json"]).exits(3).json();
        assert_eq!((&json["outcome"], &json["exit"]), (&"error".into(), &3.into()));
        changes(&before, &db.dump()).assert_none();
    }

    fn where_nothing_is_selected_the_row_stays(db: TestDatabase) {
        small(&db);
        let nobody = ["explain", "deals", "100", "--org-name", "Nobody"];
        db.orgsweep(&nobody).exits(0).says(&["stays", "no organization is selected", "Apex (id 1), not selected"]);
        db.orgsweep(&[&nobody[..], &["--require-match"]].concat()).exits(3);
    }

    fn orphans_of_a_policy_are_selected_rows(db: TestDatabase) {
        small(&db);
        db.execute("ALTER TABLE deals RENAME TO old_deals");
        db.execute(
            "CREATE TABLE logs (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE CASCADE); \
             CREATE TABLE lines (id integer PRIMARY KEY, log_id integer REFERENCES logs (id) ON DELETE CASCADE); \
             INSERT INTO logs VALUES (1, NULL); INSERT INTO lines VALUES (1, 1)",
        );
        let directory = tempfile::TempDir::new().unwrap();
        let policy = directory.path().join("orgsweep.toml");
        std::fs::write(&policy, "[[orphans]]\ntable = 'logs'\nwhere = 'user_id IS NULL'\n").unwrap();
        let flags = ["--config", policy.to_str().unwrap()];
        assert_eq!(verdict(&db, &["logs", "1"], &flags), "selected");
        assert_eq!(ways(&explained(&db, &["lines", "1"], &flags)), ["logs lines"]);
        explain(&db, &["logs", "1"], &flags).exits(0).says(&["the policy selects it"]);
        assert_eq!(verdict(&db, &["lines", "1"], &[]), "stays");
    }

    fn explaining_changes_nothing_and_fits_the_terminal(db: TestDatabase) {
        let before = small(&db);
        for (table, key) in [("deals", "100"), ("deals", "200"), ("users", "10"), ("notes", "1000")] {
            for width in [60, 80] {
                let arguments = [&["explain", table, key][..], &APEX].concat();
                let outcome = db.command(&arguments).env("COLUMNS", &width.to_string()).run().exits(0);
                let widest = outcome.stdout.lines().map(|line| line.chars().count()).max();
                assert!((1..=width).contains(&widest.unwrap_or_default()), "{width} columns\n{outcome}");
            }
        }
        changes(&before, &db.dump()).assert_none();
    }

    fn the_creator_of_a_seeded_deal_is_a_longer_way(db: TestDatabase) {
        db.orgsweep(&["migrate"]).exits(0);
        db.orgsweep(&["seed"]).exits(0);
        let apex = ["--org-name", "Apex Innovations Inc."];
        let outcome = db.orgsweep(&[&["explain", "deals", "1"], &apex[..], &["--format", "json"]].concat()).exits(0);
        let json = outcome.json();
        let expected = ["organizations deals", "organizations clients deals", "organizations users deals needs force"];
        assert_eq!(ways(&json), expected, "{outcome}");
    }
}

/// A key of any type is found again by its own text.
#[test]
fn keys_of_many_types_are_walked_on_postgres() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    small(&db);
    db.execute(
        "CREATE TYPE colour AS ENUM ('red', 'sky blue'); \
         CREATE TABLE a (at timestamptz, c colour, n numeric(6,2), u uuid, PRIMARY KEY (at, c, n, u), \
             user_id integer REFERENCES users (id) ON DELETE CASCADE); \
         CREATE TABLE b (id uuid PRIMARY KEY, at timestamptz, c colour, n numeric(6,2), u uuid, \
             FOREIGN KEY (at, c, n, u) REFERENCES a ON DELETE CASCADE) PARTITION BY HASH (id); \
         CREATE TABLE b0 PARTITION OF b FOR VALUES WITH (MODULUS 2, REMAINDER 0); \
         CREATE TABLE b1 PARTITION OF b FOR VALUES WITH (MODULUS 2, REMAINDER 1); \
         INSERT INTO a VALUES ('2026-01-01 10:00:00.123456+02', 'sky blue', 1.50, 'a0000000-0000-0000-0000-000000000001', 10); \
         INSERT INTO b SELECT 'b0000000-0000-0000-0000-000000000001', at, c, n, u FROM a",
    );
    let key = "b0000000-0000-0000-0000-000000000001";
    assert_eq!(ways(&explained(&db, &["b", key], &[])), ["organizations users a b"]);
    explain(&db, &["b", "not-a-uuid"], &[]).exits(2);
    explain(&db, &["a", "c=green"], &[]).exits(2);
    assert_eq!(verdict(&db, &["a", "c=sky blue"], &[]), "goes");
}

/// Blobs, floating-point numbers and texts in columns of numbers are values of their own.
#[test]
fn keys_of_many_types_are_walked_on_sqlite() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    small(&db);
    db.execute(
        "CREATE TABLE a (k blob, r real, n decimal(9, 2), i integer, \
             user_id integer REFERENCES users (id) ON DELETE CASCADE, PRIMARY KEY (k, r, n, i)) WITHOUT ROWID; \
         CREATE TABLE b (id text COLLATE NOCASE PRIMARY KEY, k blob, r real, n decimal(9, 2), i integer, \
             FOREIGN KEY (k, r, n, i) REFERENCES a ON DELETE CASCADE) WITHOUT ROWID; \
         INSERT INTO a VALUES (x'00ff', 0.1 + 0.2, '1.50', 'x', 10); \
         INSERT INTO b SELECT 'Key', k, r, n, i FROM a",
    );
    assert_eq!(ways(&explained(&db, &["b", "key"], &[])), ["organizations users a b"]);
    assert_eq!(verdict(&db, &["a", "i=x"], &[]), "goes");
    assert_eq!(verdict(&db, &["a", "k=X'00FF'"], &[]), "goes");
    explain(&db, &["b", "key"], &[]).exits(0).says(&["k X'00FF', r 0.3"]);
}

/// A role without the right to read the row's table, or that of a parent.
#[test]
fn what_may_not_be_read_is_said() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    small(&db);
    let role = db.role();
    db.execute(&format!("GRANT SELECT ON organizations, deals TO {}", quote(&role.name)));
    let explain = |row: [&str; 2]| {
        let url = ["--database-url", &role.url, "explain"];
        Invocation::new(&[&url[..], &row, &APEX].concat()).run()
    };
    explain(["users", "10"]).exits(3).says(&["SELECT", "users"]);
    explain(["deals", "200"]).exits(0).says(&["stays", "a row that this role may not read"]);
}

/// Text keys that look alike, as the engine compares them.
#[test]
fn a_text_key_is_no_other_after_a_cast() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id varchar(3) PRIMARY KEY, name text); \
         INSERT INTO organizations VALUES ('abc', 'Apex')",
    );
    let explain = |key| db.orgsweep(&["explain", "organizations", key, "--org-name", "Apex"]);
    explain("abc").exits(0);
    explain("abcd").exits(3);
    let preview = db.orgsweep(&["preview", "--org-id", "abcd"]).exits(0);
    preview.says(&["nothing to clean up"]);
}
