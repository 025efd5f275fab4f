//! Rows that hang below each other, level below level: they cost what rows cost, and are exactly those.

use crate::archive::harness::round_trip;
use crate::support::*;
use std::time::{Duration, Instant};

/// More levels than a server of MySQL's protocol follows unasked.
const LONG: i64 = 1_200;

/// `Apex` (1) owns node 1 alone, and `levels` hang below each other from there; every tenth has a leaf. `Global` (2) has a
/// tree of its own.
fn chain(db: &TestDatabase, levels: i64) {
    let numbers = "WITH RECURSIVE t (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM t WHERE i < 39)
                   SELECT a.i * 40 + b.i FROM t a CROSS JOIN t b";
    db.execute(&format!(
        "CREATE TABLE organizations (id int PRIMARY KEY, name text NOT NULL);
         CREATE TABLE nodes (id int PRIMARY KEY,
             organization_id int REFERENCES organizations (id) ON DELETE CASCADE,
             parent_id int REFERENCES nodes (id) ON DELETE CASCADE,
             twin_id int REFERENCES nodes (id) ON DELETE CASCADE);
         CREATE INDEX nodes_organization ON nodes (organization_id);
         CREATE INDEX nodes_parent ON nodes (parent_id);
         CREATE INDEX nodes_twin ON nodes (twin_id);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO nodes VALUES (1, 1, NULL, NULL), (9001, 2, NULL, NULL), (9002, NULL, 9001, NULL);
         CREATE TABLE numbers (n int PRIMARY KEY);
         INSERT INTO numbers {numbers};
         INSERT INTO nodes SELECT n, NULL, n - 1, NULL FROM numbers WHERE n > 1 AND n <= {levels} ORDER BY n;
         INSERT INTO nodes SELECT 10000 + n, NULL, n, NULL FROM numbers WHERE n > 0 AND n <= {levels} AND n % 10 = 0"
    ));
}

each_backend! {
    fn a_chain_is_found_by_a_few_statements_and_comes_back(db: TestDatabase) {
        chain(&db, LONG);
        let preview = db.orgsweep(&["preview", "--org-name", "Apex", "--format", "sql"]).exits(0);
        let statements = preview.text().matches("INSERT INTO").count();
        assert!(statements < 20, "{statements} statements for {LONG} levels\n{preview}");
        let json = db.orgsweep(&["preview", "--org-name", "Apex", "--format", "json"]).exits(0);
        assert_eq!(json.rows("delete")["nodes"], (LONG + LONG / 10) as u64);
        round_trip(&db, &["--org-name", "Apex"]);
        db.orgsweep(&["clean", "--org-name", "Apex", "--yes", "--no-archive", "--verify"]).exits(0);
        assert_eq!(db.count("nodes"), 2);
    }

    fn another_organizations_row_deep_in_a_chain_is_refused(db: TestDatabase) {
        chain(&db, LONG);
        db.execute("UPDATE nodes SET organization_id = 2 WHERE id = 600");
        let refused = db.orgsweep(&["clean", "--org-name", "Apex", "--yes", "--format", "json"]).exits(3);
        let foreign = refused.refusals("foreign");
        assert_eq!(foreign[0]["rows"], 1, "{refused}");
        // What hangs below that row is its owner's.
        db.orgsweep(&["clean", "--org-name", "Global", "--yes"]).exits(0);
        assert_eq!(db.count("nodes WHERE id < 9000"), 599);
    }

    /// Two references take turns, and the end of the chain names itself in a circle.
    fn a_chain_along_two_references_and_into_a_circle_goes(db: TestDatabase) {
        chain(&db, 80);
        db.execute(
            "UPDATE nodes SET twin_id = parent_id, parent_id = NULL WHERE id > 30 AND id < 60 AND id % 2 = 0;
             UPDATE nodes SET twin_id = 80 WHERE id = 70",
        );
        round_trip(&db, &["--org-name", "Apex"]);
        db.orgsweep(&["clean", "--org-name", "Apex", "--yes"]).exits(0);
        assert_eq!(db.count("nodes"), 2);
    }

    /// The key is composite, and the engine compares its text without regard to case where it can.
    fn a_chain_by_composite_texts_goes(db: TestDatabase) {
        chain(&db, 1);
        let text = db.pick("text COLLATE NOCASE", "text", "varchar(20) COLLATE utf8mb4_general_ci");
        let parent = db.either("'K' || (n - 1)", "'k' || (n - 1)");
        db.execute(&format!(
            "CREATE TABLE boxes (realm int NOT NULL, name {text} NOT NULL, outer_name {text},
                 organization_id int REFERENCES organizations (id) ON DELETE CASCADE, PRIMARY KEY (realm, name),
                 FOREIGN KEY (realm, outer_name) REFERENCES boxes (realm, name) ON DELETE CASCADE);
             CREATE INDEX boxes_outer ON boxes (realm, outer_name);
             INSERT INTO boxes VALUES (1, 'k0', NULL, 1), (2, 'k0', NULL, 2);
             INSERT INTO boxes SELECT 1, 'k' || n, {parent}, NULL FROM numbers WHERE n > 0 AND n <= 40 ORDER BY n;
             INSERT INTO boxes SELECT 2, 'k' || n, 'k' || (n - 1), NULL FROM numbers WHERE n > 0 AND n <= 40 ORDER BY n"
        ));
        round_trip(&db, &["--org-name", "Apex"]);
        db.orgsweep(&["clean", "--org-name", "Apex", "--yes"]).exits(0);
        assert_eq!(db.count("boxes WHERE realm = 1"), 0);
        assert_eq!(db.count("boxes WHERE realm = 2"), 41);
    }
}

/// Somebody gives a row in the middle to another organization, and adds a child to one before it, while we wait.
fn what_moves_meanwhile(backend: Backend, flags: &[&str]) {
    let Some(db) = TestDatabase::fresh(backend) else { return };
    chain(&db, LONG);
    let mut other = db.connect();
    other.run("BEGIN; UPDATE nodes SET parent_id = 9001 WHERE id = 600").expect("a row that moves");
    other.run("INSERT INTO nodes VALUES (20000, NULL, 500, NULL)").expect("a row that comes");
    let clean =
        [&["clean", "--org-name", "Apex", "--yes", "--lock-timeout", "60s"], flags].concat();
    let clean = db.command(&clean).start();
    let waits = db.pick(
        "",
        "SELECT count(*) FROM pg_locks WHERE NOT granted",
        "SELECT count(*) FROM information_schema.processlist \
         WHERE db = database() AND command <> 'Sleep' AND time_ms > 300",
    );
    let patience = Instant::now() + Duration::from_secs(20);
    while db.value(waits) == "0" {
        assert!(Instant::now() < patience, "nobody waits");
        std::thread::yield_now();
    }
    other.run("COMMIT").expect("both");
    clean.finish().exits(0);
    assert_eq!(db.count("nodes WHERE id < 600 OR id = 20000"), 0, "{flags:?}");
    assert_eq!(db.count("nodes"), LONG - 599 + 61 + 2, "{flags:?}");
    assert!(db.dangling().is_empty());
}

#[test]
fn what_moves_meanwhile_stays_and_what_comes_goes_on_postgres() {
    for flags in [&["--no-archive"][..], &[], &["--reference-checks", "engine"]] {
        what_moves_meanwhile(Backend::Postgres, flags);
    }
}

#[test]
fn what_moves_meanwhile_stays_and_what_comes_goes_on_mysql() {
    what_moves_meanwhile(Backend::Mysql, &[]);
}

/// The engine's own checks follow its own cascades: rows go from below, and it is not left to these alone.
#[test]
fn what_is_too_deep_for_sqlite_s_cascades_goes_without_them() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text);
         CREATE TABLE folders (id integer PRIMARY KEY,
             organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
             parent_id integer REFERENCES folders (id) ON DELETE CASCADE);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1500)
         INSERT INTO folders SELECT n, 1, nullif(n - 1, 0) FROM n",
    );
    let before = db.dump();
    let flags = ["--org-name", "Apex", "--engine-cascade"];
    for command in [&["preview"][..], &["clean", "--yes"]] {
        let told = db.orgsweep(&[command, &flags].concat()).exits(3);
        told.says(&[
            "end after 1,000 levels, and 1500 rows of folders hang below",
            "children go first",
        ]);
    }
    assert_eq!(db.dump(), before);
    let trigger = "CREATE TABLE gone (id integer);
        CREATE TRIGGER folder_gone AFTER DELETE ON folders BEGIN INSERT INTO gone VALUES (old.id); END";
    let ways = [("", "set"), ("", "engine"), (trigger, "auto"), (trigger, "engine")];
    for (trigger, checks) in ways {
        let db = db.copy();
        db.execute(trigger);
        db.orgsweep(&["clean", "--org-name", "Apex", "--yes", "--reference-checks", checks])
            .exits(0);
        assert_eq!(db.count("folders"), 0, "{checks}");
    }
}
