//! Selection for cron: by age, bounded in number, one transaction for each organization.

use crate::support::*;
use serde_json::Value;

const NIGHTLY: [&str; 4] = ["clean", "--org-like", "e2e-*", "--per-org"];

/// Three organizations for tests, and one that is none. The users of `e2e-2` are protected by a deal.
fn company(db: &TestDatabase) -> Dump {
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text, created_at timestamp); \
         CREATE TABLE users (id integer PRIMARY KEY, \
            organization_id integer REFERENCES organizations ON DELETE CASCADE); \
         CREATE TABLE deals (id integer PRIMARY KEY, \
            organization_id integer REFERENCES organizations ON DELETE CASCADE, \
            created_by integer REFERENCES users ON DELETE RESTRICT); \
         INSERT INTO organizations VALUES (1, 'e2e-1', '2020-01-01'), (2, 'e2e-2', '2020-01-01'), \
            (3, 'e2e-3', '2020-01-01'), (4, 'Global', '2020-01-01'); \
         INSERT INTO users VALUES (1, 1), (2, 2), (3, 3), (4, 4); \
         INSERT INTO deals VALUES (2, 2, 2), (4, 4, 4)",
    );
    db.dump()
}

/// Outcome and number of deleted rows per organization.
fn fared(outcome: &Outcome) -> Vec<(String, String, u64)> {
    let json = outcome.json();
    let text = |value: &Value| value.as_str().unwrap_or("orphans").to_owned();
    let each = json["per_organization"].as_array().cloned().unwrap_or_default();
    each.iter()
        .map(|one| {
            (text(&one["name"]), text(&one["outcome"]), one["deleted"].as_u64().unwrap_or(99))
        })
        .collect()
}

fn series(db: &TestDatabase, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&NIGHTLY[..], &["--yes", "--format", "json"], flags].concat())
}

fn expected(outcomes: &[(&str, &str, u64)]) -> Vec<(String, String, u64)> {
    outcomes.iter().map(|(name, ended, rows)| ((*name).into(), (*ended).into(), *rows)).collect()
}

/// The organizations that a preview selects.
fn selected(db: &TestDatabase, flags: &[&str]) -> Vec<i64> {
    let preview = ["preview", "--org-like", "e2e-*", "--format", "json", "--older-than"];
    let json = db.orgsweep(&[&preview[..], flags].concat()).exits(0).json();
    let organizations = json["organizations"].as_array().cloned().unwrap_or_default();
    let key = |one: &Value| one["key"].as_str().and_then(|key| key.parse().ok());
    organizations.iter().filter_map(key).collect()
}

each_backend! {
    fn one_that_is_refused_leaves_the_others_done(db: TestDatabase) {
        let before = company(&db);
        let outcome = series(&db, &[]).exits(8);
        let refused = expected(&[("e2e-1", "cleaned", 2), ("e2e-2", "refused", 3), ("e2e-3", "cleaned", 2)]);
        assert_eq!(fared(&outcome), refused, "{outcome}");
        assert_eq!(outcome.json()["exit"], 8);
        let changed = changes(&before, &db.dump());
        assert!(changed.new.is_empty(), "{changed}");
        assert_eq!((db.count("organizations"), db.count("users"), db.count("deals")), (2, 2, 2));
        assert_eq!(db.count("organizations WHERE name = 'e2e-2'"), 1);

        let again = series(&db, &[]).exits(3);
        assert_eq!(fared(&again), expected(&[("e2e-2", "refused", 3)]), "{again}");
        let forced = series(&db, &["--force"]).exits(0);
        assert_eq!(fared(&forced), expected(&[("e2e-2", "cleaned", 3)]), "{forced}");
        let nothing = series(&db, &["--force"]).exits(0);
        assert_eq!(fared(&nothing), [], "{nothing}");
        series(&db, &["--require-match"]).exits(3);
    }

    fn one_that_fails_leaves_the_others_done(db: TestDatabase) {
        company(&db);
        db.execute(db.either(
            "CREATE TRIGGER fault BEFORE DELETE ON users WHEN old.id = 2 BEGIN SELECT RAISE(ABORT, 'kept'); END",
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS \
             $$BEGIN IF old.id = 2 THEN RAISE 'kept'; END IF; RETURN old; END$$; \
             CREATE TRIGGER fault BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION fault()",
        ));
        let outcome = series(&db, &["--force"]).exits(8);
        let failed = expected(&[("e2e-1", "cleaned", 2), ("e2e-2", "failed", 0), ("e2e-3", "cleaned", 2)]);
        assert_eq!(fared(&outcome), failed, "{outcome}");
        outcome.says(&["kept"]);
        assert_eq!((db.count("organizations"), db.count("users"), db.count("deals")), (2, 2, 2));
        series(&db, &["--force"]).exits(1);
    }

    fn each_is_previewed_as_it_will_be_cleaned(db: TestDatabase) {
        let before = company(&db);
        let preview = ["preview", "--org-like", "e2e-*", "--per-org", "--format", "json"];
        let outcome = db.orgsweep(&preview).exits(3);
        let seen = expected(&[("e2e-1", "previewed", 2), ("e2e-2", "refused", 3), ("e2e-3", "previewed", 2)]);
        assert_eq!(fared(&outcome), seen, "{outcome}");
        let table = db.orgsweep(&preview[..4]).exits(3);
        table.says(&["e2e-1 (key 1)", "would go", "2 would go, 1 refused; 4 rows would be deleted"]);
        db.orgsweep(&[&preview[..4], &["--format", "sql"]].concat()).exits(2);
        changes(&before, &db.dump()).assert_none();
    }

    /// What two selected organizations share would go with both at once; each for itself shares it with
    /// another.
    fn each_is_for_itself_where_they_share_rows(db: TestDatabase) {
        company(&db);
        db.execute("INSERT INTO deals VALUES (9, 1, 3)");
        let together = ["clean", "--org-like", "e2e-*", "--force", "--dry-run"];
        db.orgsweep(&together).exits(0);
        let outcome = series(&db, &["--force"]).exits(0);
        let order = expected(&[("e2e-1", "cleaned", 3), ("e2e-2", "cleaned", 3), ("e2e-3", "cleaned", 2)]);
        assert_eq!(fared(&outcome), order, "{outcome}");
        assert_eq!(db.count("users"), 1);
    }

    fn orphans_go_for_themselves(db: TestDatabase) {
        company(&db);
        db.execute("INSERT INTO users VALUES (9, NULL), (10, NULL)");
        let policy = "[[orphans]]\ntable = \"users\"\nwhere = \"organization_id IS NULL AND id = 9\"\n";
        std::fs::write(db.directory().join("orgsweep.toml"), policy).expect("a policy");
        let outcome = series(&db, &["--force"]).exits(0);
        let last = fared(&outcome).pop();
        assert_eq!(last, expected(&[("orphans", "cleaned", 1)]).pop(), "{outcome}");
        assert_eq!(db.count("users"), 2);
    }

    fn more_organizations_than_expected_are_refused(db: TestDatabase) {
        let before = company(&db);
        let too_many = "--max-orgs is 2, and 3 organizations are selected";
        for flags in [&["--per-org"][..], &[]] {
            let clean = [&["clean", "--org-like", "e2e-*", "--force", "--yes", "--max-orgs", "2"], flags].concat();
            db.orgsweep(&clean).exits(3).says(&[too_many]);
        }
        let preview = ["preview", "--org-like", "e2e-*", "--force", "--max-orgs", "2"];
        db.orgsweep(&preview).exits(3).says(&[too_many]);
        changes(&before, &db.dump()).assert_none();
        series(&db, &["--force", "--max-orgs", "3"]).exits(0);
    }

    fn only_older_organizations_are_taken(db: TestDatabase) {
        let (now, ago) = match db.is_sqlite() {
            true => ("datetime('now')", "datetime('now', '-25 hours')"),
            false => ("now()", "now() - interval '25 hours'"),
        };
        let unix = db.either("CAST(strftime('%s', 'now') AS INTEGER)", "extract(epoch FROM now())");
        let types: &[&str] = match db.is_sqlite() {
            true => &["text", "timestamp", "datetime", "date"],
            false => &["timestamp", "timestamptz", "timestamp(3)", "date"],
        };
        for column in types {
            db.execute(&format!(
                "CREATE TABLE organizations (id integer PRIMARY KEY, name text, created_at {column}); \
                 INSERT INTO organizations VALUES (1, 'e2e-1', {now}), (2, 'e2e-2', {ago}), (3, 'e2e-3', NULL)"
            ));
            assert_eq!(selected(&db, &["1d"]), [2], "{column}");
            assert_eq!(selected(&db, &["3d"]), [0; 0], "{column}");
            db.execute("DROP TABLE organizations");
        }
        for column in ["integer", "real", db.either("numeric", "bigint")] {
            db.execute(&format!(
                "CREATE TABLE organizations (id integer PRIMARY KEY, name text, born {column}); \
                 INSERT INTO organizations VALUES (1, 'e2e-1', {unix}), (2, 'e2e-2', {unix} - 90000), (3, 'e2e-3', NULL)"
            ));
            assert_eq!(selected(&db, &["1d", "--created-column", "born"]), [2], "{column}");
            db.execute("DROP TABLE organizations");
        }
    }

    fn age_only_filters_and_needs_a_column_that_tells_it(db: TestDatabase) {
        let before = company(&db);
        let clean = |flags: &[&str]| db.orgsweep(&[&["clean", "--yes", "--older-than", "1d"], flags].concat());
        clean(&[]).exits(2).says(&["no organization is selected"]);
        clean(&["--org-id", "1", "--created-column", "nope"]).exits(2).says(&["no column nope"]);
        db.execute("CREATE TABLE tenants (id integer PRIMARY KEY, name text)");
        clean(&["--org-id", "1", "--root", "tenants"]).exits(2).says(&["--created-column"]);
        if !db.is_sqlite() {
            clean(&["--org-id", "1", "--root", "organizations", "--created-column", "name"]).exits(2).says(&["is no time"]);
        }
        db.execute("DROP TABLE tenants");
        changes(&before, &db.dump()).assert_none();
    }
}
