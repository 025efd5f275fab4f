//! Nothing is left behind unsaid: columns that name an organization without a foreign key, and rows that are
//! unlinked from it.

mod budget;
mod comparisons;
mod misuse;
mod modes;
mod stranded;
mod unassociated;

use crate::support::*;
use serde_json::Value;

/// `Apex` goes; its visits name it by a column without a foreign key, as the logs do.
const VISITS: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE TABLE visits (id integer PRIMARY KEY, organization_id integer, path text);
CREATE TABLE logs (id integer PRIMARY KEY, organization_id integer, line text);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'), (3, 'Third');
INSERT INTO users VALUES (10, 1), (20, 2), (30, 3);
INSERT INTO visits VALUES (1, 1, '/'), (2, 2, '/'), (3, 1, '/x'), (4, NULL, '/');
INSERT INTO logs VALUES (1, 1, 'in'), (2, 2, 'in'), (3, 99, 'in');
";

const APEX: [&str; 4] = ["clean", "--org-name", "Apex", "--yes"];

/// Reference and rows of each refusal of a kind.
fn refused(outcome: &Outcome, kind: &str) -> Vec<(String, u64)> {
    let one = |it: &Value| {
        (it["reference"].as_str().unwrap_or("?").to_owned(), it["rows"].as_u64().unwrap_or(99))
    };
    outcome.refusals(kind).iter().map(one).collect()
}

/// Preview and clean are refused for just these rows, forced or not, whoever checks; nothing changes.
#[track_caller]
fn refuses(db: &TestDatabase, flags: &[&str], expected: &[(&str, u64)]) -> Outcome {
    let before = db.dump();
    let expected: Vec<(String, u64)> =
        expected.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect();
    let mut last = None;
    for more in [&[][..], &["--force"], &["--reference-checks", "engine"], &["--verify"]] {
        for command in ["preview", "clean"] {
            let yes = if command == "clean" { &["--yes"][..] } else { &[] };
            let more = if command == "preview" && more == ["--verify"] { &[] } else { more };
            let arguments = [&[command], flags, more, yes, &["--format", "json"]].concat();
            let outcome = db.orgsweep(&arguments).exits(3);
            assert_eq!(refused(&outcome, "left_behind"), expected, "{outcome}");
            changes(&before, &db.dump()).assert_none();
            last = Some(outcome);
        }
    }
    last.expect("a run")
}

/// What a clean has taken and left of [`VISITS`].
fn left(db: &TestDatabase) -> [i64; 4] {
    ["organizations", "users", "visits", "logs"].map(|table| db.count(table))
}

each_backend! {
    fn rows_that_name_an_organization_without_a_foreign_key_are_refused_with_their_number(db: TestDatabase) {
        db.execute(VISITS);
        refuses(
            &db,
            &["--org-name", "Apex"],
            &[("logs.organization_id", 1), ("visits.organization_id", 2)],
        );
        db.orgsweep(&APEX).exits(3).says(&[
            "refused: 1 row of logs would be left behind: logs.organization_id",
            "refused: 2 rows of visits would be left behind",
            "  try: --scope-column organization_id ",
            "  or: --leave-behind=logs.organization_id --leave-behind=visits.organization_id ",
            "[root] scope-columns = [\"organization_id\"]",
            "next: orgsweep preview --org-name Apex --scope-column organization_id --database-url",
        ]);
    }

    fn nothing_stands_in_the_way_of_those_whom_nobody_names(db: TestDatabase) {
        db.execute(VISITS);
        db.orgsweep(&["clean", "--org-name", "Third", "--yes"]).exits(0).hides("left behind");
        assert_eq!(left(&db), [2, 2, 4, 3]);
    }

    /// They are references to the organizations, with CASCADE, from then on.
    fn scope_columns_go_along(db: TestDatabase) {
        db.execute(VISITS);
        for checks in ["engine", "set"] {
            let copy = db.copy();
            let scoped = [&APEX[..], &["--scope-column", "organization_id"]].concat();
            copy.orgsweep(&[&scoped[..], &["--reference-checks", checks]].concat()).exits(0);
            assert_eq!(left(&copy), [2, 2, 2, 2]);
            copy.orgsweep(&["verify", "--org-id", "1"]).exits(0).says(&["nothing is left"]);
        }
    }

    fn one_column_alone_may_be_named(db: TestDatabase) {
        db.execute(VISITS);
        let visits = [&APEX[..], &["--scope-column", "visits.organization_id"]].concat();
        db.orgsweep(&visits).exits(3).says(&["1 row of logs"]).hides("of visits would");
        db.orgsweep(&[&visits[..], &["--leave-behind=logs.organization_id"]].concat()).exits(0);
        assert_eq!(left(&db), [2, 2, 2, 3]);
    }

    fn what_is_left_behind_on_purpose_is_listed(db: TestDatabase) {
        db.execute(VISITS);
        let half = [&APEX[..], &["--leave-behind=visits.organization_id"]].concat();
        db.orgsweep(&half).exits(3).says(&["1 row of logs"]).hides("of visits would");
        let receipt = db.directory().join("receipt.json");
        let receipt = receipt.to_string_lossy().into_owned();
        let all = [&APEX[..], &["--leave-behind", "--receipt", &receipt]].concat();
        db.orgsweep(&all).exits(0).says(&["2 rows of visits are left behind, as --leave-behind says"]);
        assert_eq!(left(&db), [2, 2, 4, 3]);
        let receipt: Value = serde_json::from_slice(&std::fs::read(receipt).unwrap()).unwrap();
        let left = &receipt["parts"][0]["left_behind"];
        assert_eq!(left["visits.organization_id"], 2, "{receipt}");
        let gone = ["verify", "--org-id", "1"];
        db.orgsweep(&gone).exits(3).says(&["left behind: 2 rows by visits.organization_id"]);
        let agreed = [&gone[..], &["--leave-behind=logs.organization_id"]].concat();
        db.orgsweep(&agreed).exits(3);
        db.orgsweep(&[&gone[..], &["--leave-behind"]].concat())
            .exits(0)
            .says(&["left behind: 2 rows by visits.organization_id", "as --leave-behind says"]);
    }

    fn a_policy_says_it_for_good(db: TestDatabase) {
        db.execute(VISITS);
        let policy = |text: &str| std::fs::write(db.directory().join("orgsweep.toml"), text).unwrap();
        policy("[root]\nscope-columns = [\"visits.organization_id\"]\n[tables.logs]\nkeep = \"ignore\"\n");
        db.orgsweep(&APEX).exits(0);
        assert_eq!(left(&db), [2, 2, 2, 3]);
        db.orgsweep(&["verify", "--org-id", "1"]).exits(0);
        policy("[root]\nscope-columns = [\"visits.organisation_id\"]\n");
        db.orgsweep(&APEX)
            .exits(2)
            .says(&["orgsweep.toml:2: no table has a column visits.organisation_id", "did you mean visits.organization_id"]);
    }

    fn sixty_tables_without_foreign_keys_are_refused_and_leave_nothing_once_named(db: TestDatabase) {
        let tables: Vec<String> = (0..60).map(|n| format!("t{n:02}")).collect();
        let mut setup = "CREATE TABLE tenants (id integer PRIMARY KEY, name text); \
             INSERT INTO tenants VALUES (1, 'Apex'), (2, 'Global');"
            .to_owned();
        for table in &tables {
            setup += &format!(
                "CREATE TABLE {table} (id integer PRIMARY KEY, tenant_id integer); \
                 INSERT INTO {table} VALUES (1, 1), (2, 1), (3, 2);"
            );
        }
        db.execute(&setup);
        let names: Vec<String> = tables.iter().map(|table| format!("{table}.tenant_id")).collect();
        let expected: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 2)).collect();
        refuses(&db, &["--org-name", "Apex"], &expected);
        let told = db.orgsweep(&APEX).exits(3);
        assert_eq!(told.stdout.matches("--scope-column tenant_id").count(), 2, "{told}");
        told.says(&["no reference leads to tenants: only its own rows go", "  or: --leave-behind leaves"]);
        db.orgsweep(&[&APEX[..], &["--scope-column", "tenant_id"]].concat()).exits(0);
        for table in tables {
            assert_eq!(db.count(&table), 1, "{table}");
            assert_eq!(db.count(&format!("{table} WHERE tenant_id = 1")), 0, "{table}");
        }
        db.orgsweep(&["verify", "--org-id", "1"]).exits(0);
    }

    /// What a composite key to another table takes goes, and what it does not take is left behind.
    fn rows_that_go_by_another_reference_are_not_left_behind(db: TestDatabase) {
        db.execute(
            "CREATE TABLE tenants (id integer PRIMARY KEY, name text); \
             CREATE TABLE projects (tenant_id integer REFERENCES tenants (id) ON DELETE CASCADE, id integer, \
                PRIMARY KEY (tenant_id, id)); \
             CREATE TABLE tasks (id integer PRIMARY KEY, tenant_id integer, project_id integer, \
                FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id) ON DELETE CASCADE); \
             INSERT INTO tenants VALUES (1, 'Apex'), (2, 'Global'); \
             INSERT INTO projects VALUES (1, 1), (2, 1); \
             INSERT INTO tasks VALUES (1, 1, 1), (2, 2, 1), (3, 1, 1)",
        );
        let copy = db.copy();
        copy.orgsweep(&APEX).exits(0);
        assert_eq!(copy.count("tasks"), 1);
        db.execute("INSERT INTO tasks VALUES (4, 1, NULL), (5, 2, NULL)");
        refuses(&db, &["--org-name", "Apex"], &[("tasks.tenant_id", 1)]);
        db.orgsweep(&[&APEX[..], &["--scope-column", "tasks.tenant_id"]].concat()).exits(0);
        assert_eq!(db.count("tasks"), 2);
    }

    fn a_type_beside_it_tells_whose_key_it_is(db: TestDatabase) {
        db.execute(
            "CREATE TABLE tenants (id integer PRIMARY KEY, name text); \
             CREATE TABLE users (id integer PRIMARY KEY, owner_id integer REFERENCES tenants (id) ON DELETE CASCADE); \
             CREATE TABLE notes (id integer PRIMARY KEY, owner_id integer, owner_type varchar(40)); \
             INSERT INTO tenants VALUES (1, 'Apex'), (2, 'Global'); \
             INSERT INTO notes VALUES (1, 1, 'User'), (2, 1, 'Crm::Tenant'), (3, 1, 'App\\Models\\Tenant'), \
                (4, 1, 'Subtenant'), (5, 1, NULL), (6, 2, 'Tenant'), (7, 1, 'tenants')",
        );
        refuses(&db, &["--org-name", "Apex"], &[("notes.owner_id", 3)]);
        db.orgsweep(&[&APEX[..], &["--scope-column", "owner_id"]].concat()).exits(0);
        let ids = db.query("SELECT id FROM notes ORDER BY id");
        let ids: Vec<i64> = ids.iter().map(|row| row[0].clone().unwrap().parse().unwrap()).collect();
        assert_eq!(ids, [1, 4, 5, 6]);
    }

    /// A text may hold the key of another type; it is compared as it is written.
    fn keys_of_another_type_are_compared_as_text(db: TestDatabase) {
        let uuid = db.pick("text", "uuid", "uuid");
        let [apex, global] = [1, 2].map(|n| format!("6f1c1d1e-0000-4000-8000-00000000000{n}"));
        db.execute(&format!(
            "CREATE TABLE organizations (id {uuid} PRIMARY KEY, name varchar(20)); \
             CREATE TABLE visits (id integer PRIMARY KEY, organization_id varchar(40)); \
             CREATE TABLE days (id integer PRIMARY KEY, organization_id date); \
             INSERT INTO organizations VALUES ('{apex}', 'Apex'), ('{global}', 'Global'); \
             INSERT INTO visits VALUES (1, '{apex}'), (2, '{global}'), (3, 'x'), (4, NULL); \
             INSERT INTO days VALUES (1, '2026-01-01')"
        ));
        refuses(&db, &["--org-name", "Apex"], &[("visits.organization_id", 1)]);
        db.orgsweep(&[&APEX[..], &["--leave-behind"]].concat()).exits(0);
        db.orgsweep(&["verify", "--org-id", &apex]).exits(3).says(&["1 row by visits.organization_id"]);
    }

    fn doctor_and_a_first_policy_name_them(db: TestDatabase) {
        db.execute(VISITS);
        db.execute("CREATE TABLE events (id integer PRIMARY KEY, tenant_id integer)");
        db.orgsweep(&["doctor"]).exits(3).says(&[
            "blocks: visits.organization_id names organizations, and is no foreign key",
            "note: events.tenant_id may name organizations",
        ]);
        db.orgsweep(&["policy", "init"]).exits(0).says(&[
            "# organization_id names organizations without a foreign key in 2 tables: logs, visits",
            "# tenant_id may name organizations without a foreign key in 1 table: events",
            "# scope-columns = [\"organization_id\", \"tenant_id\"]",
        ]);
        let both = ["--scope-column", "organization_id", "--scope-column", "tenant_id"];
        db.execute("INSERT INTO events VALUES (1, 1), (2, 2)");
        db.orgsweep(&[&APEX[..], &both].concat()).exits(0);
        assert_eq!(db.count("events"), 1);
    }
}

#[test]
fn verify_says_in_which_database_it_looked() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    db.execute(VISITS);
    let path = db.path().display().to_string();
    db.orgsweep(&["verify", "--org-id", "77"]).exits(0).says(&["checked in sqlite:", &path]);
    let json = db.orgsweep(&["verify", "--org-id", "77", "--format", "json"]).exits(0).json();
    assert!(json["database"].as_str().is_some_and(|database| database.contains(&path)), "{json}");
    // Of a name that is gone nobody knows the key.
    db.orgsweep(&["verify", "--org-name", "Gone"])
        .exits(0)
        .says(&["nothing is left of what was looked for", "but not logs.organization_id, visits"]);
}
