//! What bites a deletion is told before it does, with the statement that cures it.

use crate::support::*;
use serde_json::Value;

/// Kind and cure of everything that the doctor finds, per table.
fn findings(db: &TestDatabase, code: i32) -> Vec<(String, String, Option<String>)> {
    let outcome = db.orgsweep(&["doctor", "--format", "json"]).exits(code);
    let json = outcome.json();
    let found = json["findings"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let finding = |one: &Value| {
        (
            text(&one["table"]).unwrap_or_default(),
            text(&one["kind"]).unwrap_or_default(),
            text(&one["cure"]),
        )
    };
    found.iter().map(finding).collect()
}

/// Everything that can be told to be cured is, by the statements shown.
fn cured(db: &TestDatabase, code: i32) -> Vec<String> {
    let found = findings(db, code);
    for (_, _, cure) in &found {
        if let Some(cure) = cure {
            db.execute(cure);
        }
    }
    found.into_iter().map(|(table, kind, _)| format!("{table} {kind}")).collect()
}

const SCHEMA: &str = "
    CREATE TABLE organizations (id integer PRIMARY KEY, name text);
    CREATE TABLE users (id integer PRIMARY KEY, organization_id integer REFERENCES organizations ON DELETE CASCADE);
    CREATE INDEX users_organization ON users (organization_id);
    CREATE TABLE deals (id integer PRIMARY KEY, created_by integer REFERENCES users ON DELETE CASCADE,
        checked_by integer NOT NULL REFERENCES users ON DELETE SET NULL);
    CREATE INDEX deals_checked ON deals (checked_by);
    INSERT INTO organizations VALUES (1, 'Apex');
    INSERT INTO users VALUES (1, 1);";

/// More deals than are worth a look at all of them.
fn many_deals(db: &TestDatabase) {
    let recursive = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n";
    let numbers = db.pick(recursive, "SELECT generate_series(1, 3000)", recursive);
    let analyze = db.pick("ANALYZE", "ANALYZE", "ANALYZE TABLE deals");
    db.execute(
        &format!("INSERT INTO deals SELECT i, 1, 1 FROM ({numbers}) s(i); {analyze}")
            .replace("s(i)", db.pick("s", "s(i)", "s")),
    );
}

each_backend! {
    fn a_redacted_report_has_the_same_findings_and_no_name(db: TestDatabase) {
        // InnoDB takes no SET NULL of what is NOT NULL.
        db.execute(&SCHEMA.replace(" NOT NULL", db.pick(" NOT NULL", " NOT NULL", "")));
        db.execute("CREATE TABLE notes (id integer PRIMARY KEY, organization_id integer)");
        many_deals(&db);
        let kinds = |report: &Value| -> Vec<Value> {
            report["findings"].as_array().unwrap().iter().map(|it| it["kind"].clone()).collect()
        };
        let plain = db.orgsweep(&["doctor", "--format", "json"]).exits(3).json();
        let redacted = db.orgsweep(&["doctor", "--format", "json", "--redact"]).exits(3);
        assert_eq!(kinds(&redacted.json()), kinds(&plain));
        for name in ["organizations", "organization_id", "users", "deals", "notes", "created_by", "checked_by", db.name()] {
            assert!(!redacted.stdout.contains(name), "{name}: {redacted}");
        }
        assert!(redacted.stdout.contains("column_"), "{redacted}");
    }

    fn a_healthy_database_has_nothing_to_be_told(db: TestDatabase) {
        let analyze = db.pick("ANALYZE", "ANALYZE", "ANALYZE TABLE organizations");
        db.execute(&format!("CREATE TABLE organizations (id integer PRIMARY KEY, name text); {analyze}"));
        assert_eq!(findings(&db, 0), []);
        db.orgsweep(&["doctor"]).exits(0).says(&["nothing will bite"]);
    }

    fn what_is_found_is_cured_by_the_statements_shown(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("InnoDB indexes every foreign key, and knows no SET NULL of a NOT NULL column");
        }
        db.execute(SCHEMA);
        many_deals(&db);
        let found = cured(&db, 3);
        assert_eq!(found, ["deals not_null", "deals unindexed"]);
        let left = findings(&db, if db.is_sqlite() { 3 } else { 0 });
        // SQLite cannot drop a NOT NULL.
        assert_eq!(left.len(), usize::from(db.is_sqlite()), "{left:?}");
    }

    fn triggers_and_tables_without_keys_are_told(db: TestDatabase) {
        db.execute("CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
                    CREATE TABLE logs (what text, organization_id integer REFERENCES organizations ON DELETE CASCADE)");
        db.execute(db.pick(
            "CREATE TRIGGER history AFTER DELETE ON logs BEGIN SELECT 1; END",
            "CREATE FUNCTION history() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN old; END$$; \
             CREATE TRIGGER history AFTER DELETE ON logs FOR EACH ROW EXECUTE FUNCTION history()",
            "CREATE TRIGGER history AFTER DELETE ON logs BEGIN SET @gone = OLD.what; END",
        ));
        db.execute("CREATE INDEX logs_organization ON logs (organization_id)");
        db.execute(db.pick("ANALYZE", "ANALYZE", "ANALYZE TABLE logs"));
        let kinds: Vec<String> =
            findings(&db, 0).into_iter().map(|(table, kind, _)| format!("{table} {kind}")).collect();
        assert_eq!(kinds, ["logs trigger", "logs no_key"]);
    }

    fn missing_indexes_are_warned_of_and_created_where_that_is_asked_for(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("InnoDB indexes every foreign key");
        }
        db.execute(&SCHEMA.replace("NOT NULL REFERENCES users ON DELETE SET NULL", ""));
        db.execute("INSERT INTO organizations VALUES (2, 'Global')");
        let numbers = db.either(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) SELECT i, 1 FROM n",
            "SELECT generate_series(2, 6000), 1",
        );
        db.execute(&format!("INSERT INTO users {numbers}"));
        db.execute("INSERT INTO deals SELECT id, 1, 1 FROM users; ANALYZE");
        let flags = ["--org-name", "Apex", "--force", "--reference-checks", "engine"];
        let preview = db.orgsweep(&[&["preview"][..], &flags].concat()).exits(0);
        preview.says(&["no index finds the rows of deals.created_by (about 4 s)"]);
        let creating = ["clean", "--reference-checks", "engine", "--create-missing-indexes", "--org-name"];
        let without = |rest: &[&str], exit| {
            db.orgsweep(&[&creating[..], rest].concat()).exits(exit).hides("created for good");
        };
        // Nothing matches; nothing goes that would want an index; nobody has confirmed it.
        without(&["Nobody", "--yes"], 0);
        without(&["Global", "--yes"], 0);
        without(&["Apex"], 4);
        let clean = [&["clean", "--yes"][..], &flags, &["--create-missing-indexes"]].concat();
        let clean = db.orgsweep(&clean).exits(0);
        clean.says(&["created for good: CREATE INDEX"]).hides("warning: no index");
        assert_eq!(db.count("deals"), 0);
        assert_eq!(findings(&db, 0), []);
    }
}

/// Without its checks they mean nothing, with them the engine fails.
#[test]
fn a_foreign_key_of_sqlite_that_names_no_key_is_told_and_cured() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text, code text);
         CREATE TABLE users (id integer PRIMARY KEY, code text REFERENCES organizations (CODE) ON DELETE CASCADE);
         CREATE TABLE notes (id integer PRIMARY KEY, user_id integer REFERENCES users (absent));
         CREATE INDEX users_code ON users (code);
         PRAGMA foreign_keys = OFF;
         INSERT INTO organizations VALUES (1, 'Apex', 'A'), (2, 'Global', 'G');
         INSERT INTO users VALUES (1, 'A'), (2, 'G');
         PRAGMA foreign_keys = ON; ANALYZE;",
    );
    let clean = ["clean", "--org-id", "1", "--yes", "--reference-checks"];
    let with = |checks| [&clean[..], &[checks]].concat();
    db.orgsweep(&with("engine")).exits(1).says(&["foreign key mismatch", "orgsweep doctor"]);
    db.orgsweep(&["doctor"]).exits(0).says(&["it is not followed"]);
    assert_eq!(cured(&db, 0), ["users mismatch"]);
    // It is a reference now, so that another one is found by it.
    assert_eq!(cured(&db, 0), ["notes mismatch"]);
    db.orgsweep(&with("set")).exits(0);
    assert_eq!((db.count("users"), db.count("organizations")), (1, 1));
}

#[test]
fn what_only_postgresql_has_is_told() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(&SCHEMA.replace("NOT NULL REFERENCES users ON DELETE SET NULL", ""));
    db.execute(
        "ALTER TABLE deals DROP CONSTRAINT deals_pkey; ANALYZE; CREATE PUBLICATION everything FOR TABLE deals; \
         ALTER TABLE users ALTER CONSTRAINT users_organization_id_fkey DEFERRABLE; \
         ALTER TABLE deals DISABLE TRIGGER ALL; \
         CREATE TABLE notes (id integer PRIMARY KEY, user_id integer)",
    );
    db.execute(
        "ALTER TABLE notes ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID",
    );
    let kinds: Vec<String> =
        findings(&db, 3).into_iter().map(|(table, kind, _)| format!("{table} {kind}")).collect();
    assert_eq!(
        kinds,
        [
            "deals replica_identity",
            "notes unindexed",
            "notes no_statistics",
            "deals unwatched",
            "notes not_validated",
            "deals no_key"
        ]
    );

    let role = db.role();
    db.execute(&format!("GRANT SELECT ON organizations, users TO {}", role.name));
    let doctor = ["--database-url", &role.url, "doctor"];
    orgsweep(&doctor).exits(3).says(&[
        "deals: this role lacks SELECT, UPDATE, DELETE",
        "users: this role lacks UPDATE, DELETE",
        &format!("cure: GRANT UPDATE, DELETE ON \"users\" TO \"{}\";", role.name),
        "this role may not leave out the engine's per-row checks",
    ]);
}

#[test]
fn a_published_table_without_identity_is_refused_and_cured() {
    for partitioned in [false, true] {
        let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
        let by = if partitioned { "PARTITION BY HASH (what)" } else { "" };
        db.execute(&format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
             CREATE TABLE logs (what text, organization_id integer REFERENCES organizations ON DELETE CASCADE) {by}; \
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global')"
        ));
        if partitioned {
            db.execute(
                "CREATE TABLE logs_0 PARTITION OF logs FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
            );
        }
        db.execute("INSERT INTO logs VALUES ('a', 1), ('b', 2); ANALYZE; CREATE PUBLICATION p FOR ALL TABLES");
        for command in [&["preview"][..], &["clean", "--yes"]] {
            let flags = ["--org-name", "Apex", "--format", "json"];
            let refused = db.orgsweep(&[command, &flags].concat()).exits(3);
            assert_eq!(refused.refusals("replica_identity").len(), 1, "{refused}");
        }
        let found = findings(&db, 3);
        let (_, kind, cure) = &found[0];
        assert_eq!(kind, "replica_identity");
        db.execute(cure.as_deref().expect("a cure"));
        db.orgsweep(&["clean", "--org-name", "Apex", "--yes"]).exits(0);
        assert_eq!((db.count("organizations"), db.count("logs")), (1, 1));
    }
}

#[test]
fn a_schema_without_usage_is_told_and_cured() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text); CREATE SCHEMA \"Billing\"; \
         CREATE TABLE \"Billing\".invoices (id integer PRIMARY KEY, \
             organization_id integer REFERENCES organizations ON DELETE CASCADE); \
         INSERT INTO organizations VALUES (1, 'Apex'); INSERT INTO \"Billing\".invoices VALUES (1, 1); ANALYZE",
    );
    let role = db.role();
    let name = &role.name;
    db.execute(&format!(
        "GRANT SELECT, UPDATE, DELETE ON organizations, \"Billing\".invoices TO {name}"
    ));
    let of_role =
        |arguments: &[&str]| orgsweep(&[&["--database-url", &role.url], arguments].concat());
    let clean = ["clean", "--org-name", "Apex", "--yes"];
    of_role(&clean)
        .exits(3)
        .says(&["lacks USAGE ON SCHEMA \"Billing\"", "GRANT USAGE ON SCHEMA \"Billing\" TO"]);
    let cure = format!("GRANT USAGE ON SCHEMA \"Billing\" TO \"{name}\"");
    of_role(&["doctor"]).exits(3).says(&[&cure]);
    db.execute(&cure);
    of_role(&clean).exits(0);
}

#[test]
fn a_roles_statement_timeout_stops_no_run_and_the_urls_does() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
         CREATE TABLE users (id integer PRIMARY KEY, organization_id integer REFERENCES organizations ON DELETE CASCADE); \
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM pg_sleep(0.3); RETURN OLD; END $f$; \
         CREATE TRIGGER slow BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION slow(); \
         INSERT INTO organizations VALUES (1, 'Apex'); INSERT INTO users VALUES (1, 1)",
    );
    let role = db.role();
    db.execute(&format!(
        "GRANT ALL ON organizations, users TO {0}; ALTER ROLE {0} SET statement_timeout = '100ms'",
        role.name
    ));
    let clean = ["clean", "--org-name", "Apex", "--yes", "--database-url"];
    let hurried = format!("{}?options=-cstatement_timeout%3D100", role.url);
    orgsweep(&[&clean[..], &[&hurried]].concat())
        .exits(5)
        .says(&["statement_timeout", "--deadline"]);
    orgsweep(&[&clean[..], &[&role.url]].concat()).exits(0);
}

#[test]
fn an_index_of_a_partitioned_table_is_not_created_unasked() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
         CREATE TABLE users (id integer PRIMARY KEY, organization_id integer REFERENCES organizations ON DELETE CASCADE); \
         CREATE TABLE events (id integer, user_id integer REFERENCES users ON DELETE CASCADE) PARTITION BY HASH (id); \
         CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 1, REMAINDER 0); \
         CREATE TABLE visits (id integer PRIMARY KEY, user_id integer REFERENCES users ON DELETE CASCADE); \
         CREATE TABLE visits_user_id_idx (id integer); \
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'); \
         INSERT INTO users SELECT g, 1 + g % 2 FROM generate_series(1, 3000) g; \
         INSERT INTO events SELECT g, g FROM generate_series(1, 3000) g; \
         INSERT INTO visits SELECT g, g FROM generate_series(1, 3000) g; ANALYZE",
    );
    let clean = [
        "clean",
        "--org-name",
        "Apex",
        "--yes",
        "--reference-checks",
        "engine",
        "--create-missing-indexes",
    ];
    db.copy().orgsweep(&clean).exits(0).says(&[
        "not created",
        "CREATE INDEX ON \"public\".\"events\" (\"user_id\")",
        "created for good: CREATE INDEX CONCURRENTLY ON \"public\".\"visits\"",
    ]);
    // Both statements work, whatever names are taken.
    assert!(cured(&db, 0).contains(&"events unindexed".to_owned()));
    assert!(!cured(&db, 0).contains(&"events unindexed".to_owned()));
}
