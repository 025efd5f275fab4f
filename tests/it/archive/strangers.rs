//! PostgreSQL: what somebody else has put on the search path is not asked, whatever it is called; what the
//! schema's own code means by a name is what it always meant.

use super::harness::*;
use crate::support::*;

/// Every operator and function of pg_catalog, and the types that our SQL names, once more in a schema before it.
/// Whoever asks one of them hears of it.
const STRANGERS: &str = r#"
CREATE SCHEMA evil;
CREATE FUNCTION evil.sings() RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'the canary sang'; END $f$;
DO $$ DECLARE it record; body text = $b$LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the canary sang''; END'$b$; BEGIN
  FOR it IN SELECT p.proname AS name, oidvectortypes(p.proargtypes) AS arguments, format_type(p.prorettype, NULL) AS result,
                   p.proretset AS many FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'w') LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s %s %s', it.name, it.arguments,
                     CASE WHEN it.many THEN 'SETOF' ELSE '' END, it.result, body);
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
  FOR it IN SELECT o.oid, o.oprname AS name, format_type(nullif(o.oprleft, 0), NULL) AS l, format_type(o.oprright, NULL) AS r,
                   format_type(o.oprresult, NULL) AS result FROM pg_operator o WHERE o.oprnamespace = 'pg_catalog'::regnamespace LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION evil.o%s(%s) RETURNS %s %s', it.oid, concat_ws(', ', it.l, it.r), it.result, body);
      EXECUTE format('CREATE OPERATOR evil.%s (%s RIGHTARG = %s, FUNCTION = evil.o%s)', it.name,
                     CASE WHEN it.l IS NULL THEN '' ELSE format('LEFTARG = %s,', it.l) END, it.r, it.oid);
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END $$;
CREATE FUNCTION evil.same(varchar, varchar) RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'the canary sang'; END $f$;
CREATE OPERATOR evil.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = evil.same);
CREATE FUNCTION evil.step(bigint) RETURNS bigint LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'the canary sang'; END $f$;
CREATE AGGREGATE evil.count(*) (SFUNC = evil.step, STYPE = bigint, INITCOND = '0');
CREATE DOMAIN evil.text AS pg_catalog.text CHECK (evil.sings());
CREATE DOMAIN evil.int4 AS pg_catalog.int4 CHECK (evil.sings());
CREATE DOMAIN evil.name AS pg_catalog.name CHECK (evil.sings());
CREATE DOMAIN evil.oid AS pg_catalog.oid CHECK (evil.sings());
CREATE DOMAIN evil.tid AS pg_catalog.tid CHECK (evil.sings());
"#;

/// Deletes, unlinks (to null, to a default, two of a row), a key of `varchar`, a type with a cast to text of its
/// owner's, tables called like our temporary ones, and triggers that name their table as the path finds it.
const SCHEMA: &str = r#"
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE FUNCTION mood_text(mood) RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'the canary sang'; END $f$;
CREATE CAST (mood AS text) WITH FUNCTION mood_text(mood) AS IMPLICIT;
CREATE TABLE audit (id integer);
CREATE TABLE orgsweep_k1 (id integer);
CREATE TABLE organizations (id varchar(20) PRIMARY KEY, name varchar(50) NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY, organization_id varchar(20) REFERENCES organizations ON DELETE CASCADE,
    m mood NOT NULL, boss integer REFERENCES users ON DELETE SET NULL);
CREATE TABLE docs (id integer PRIMARY KEY, organization_id varchar(20) REFERENCES organizations ON DELETE CASCADE,
    owner integer DEFAULT 20 REFERENCES users ON DELETE SET DEFAULT, m mood, UNIQUE (m, id));
CREATE TABLE notes (id integer PRIMARY KEY, a integer REFERENCES users ON DELETE SET NULL CHECK (coalesce(a, 1) > 0),
    b integer DEFAULT 20 REFERENCES users ON DELETE SET DEFAULT, kind varchar(50), oid varchar(20));
CREATE TABLE logs (what mood, user_id integer REFERENCES users ON DELETE CASCADE);
INSERT INTO organizations VALUES ('a', 'Apex'), ('b', 'Global');
INSERT INTO users VALUES (10, 'a', 'good', NULL), (11, 'a', 'bad', 10), (20, 'b', 'good', 11);
INSERT INTO docs VALUES (100, 'a', 10, 'bad'), (200, 'b', 11, 'good');
INSERT INTO notes VALUES (1, 10, 11, 'App\Models\Org', 'a'), (2, 20, 10, 'App\Models\Org', 'b'), (3, 10, 20, 'x', 'a');
INSERT INTO logs VALUES ('good', 10), ('good', 10), ('bad', 20);
"#;

const TRIGGERS: &str = "
CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO audit VALUES (OLD.id); INSERT INTO orgsweep_k1 VALUES (OLD.id); RETURN NULL; END $f$;
CREATE TRIGGER gone AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION gone();
CREATE TRIGGER changed AFTER UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION gone();";

const POLICY: &str = r#"
[[references]]
from = "notes.oid"
to = "organizations"
on-delete = "cascade"
type = { column = "kind", is = 'App\Models\Org' }

[guards]
test-data = { users = "organization_id IS NOT NULL" }
"#;

/// A role that may do everything here and finds strangers first.
fn surrounded(db: &TestDatabase) -> Role {
    let role = db.role();
    let name = &role.name;
    db.execute(STRANGERS);
    db.execute(&format!(
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}; GRANT USAGE ON SCHEMA evil TO {name}; \
         GRANT SET ON PARAMETER session_replication_role TO {name}; \
         ALTER ROLE {name} SET search_path = evil, public, pg_catalog"
    ));
    role
}

/// A role that still holds privileges on the server cannot be dropped.
fn released(db: &TestDatabase, role: &Role) {
    db.execute(&format!("REVOKE SET ON PARAMETER session_replication_role FROM {}", role.name));
}

fn run(role: &Role, db: &TestDatabase, arguments: &[&str]) -> Outcome {
    let policy = db.directory().join("orgsweep.toml");
    std::fs::write(&policy, POLICY).expect("the policy is written");
    let url = ["--database-url", &role.url, "--config", policy.to_str().expect("a path")];
    orgsweep(&[arguments, &url].concat()).hides("canary")
}

fn postgres(schema: &str) -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Postgres)?;
    db.execute(schema);
    Some(db)
}

#[test]
fn nobody_on_the_search_path_is_asked_by_who_only_looks() {
    let Some(db) = postgres(SCHEMA) else { return };
    let role = surrounded(&db);
    let before = db.dump();
    let apex = ["--org-name", "Apex"];
    run(&role, &db, &[&["preview"], &apex[..]].concat()).exits(0);
    run(&role, &db, &["preview", "--org-like", "Ap*", "--format", "json"]).exits(0);
    run(&role, &db, &["explain", "users", "20", "--org-id", "a"]).exits(0);
    run(&role, &db, &["explain", "users", "10", "--org-id", "a"]).exits(0);
    run(&role, &db, &["verify", "--org-id", "a"]).exits(3);
    run(&role, &db, &["graph"]).exits(0);
    run(&role, &db, &["doctor"]);
    run(&role, &db, &["policy", "check"]);
    run(&role, &db, &["policy", "init"]).exits(0);
    released(&db, &role);
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn nobody_on_the_search_path_is_asked_by_who_deletes_and_restores() {
    for (triggers, checks) in [("", "set"), ("", "engine"), (TRIGGERS, "engine")] {
        let Some(db) = postgres(&format!("{SCHEMA}{triggers}")) else { return };
        let role = surrounded(&db);
        let before = contents(&db);
        let archive_dir = archive_dir(&db).to_string_lossy().into_owned();
        let flags = ["--org-name", "Apex", "--reference-checks", checks, "--verify"];
        run(&role, &db, &cleaning(&archive_dir, &flags)).exits(0);
        let rows = ["organizations", "users", "docs", "notes", "logs"].map(|table| db.count(table));
        assert_eq!(rows, [1, 1, 1, 2, 1]);
        // The trigger meant its own table, not ours.
        let own = if triggers.is_empty() { 0 } else { 4 };
        assert_eq!((db.count("audit"), db.count("orgsweep_k1")), (own, own));
        db.execute("DROP TRIGGER IF EXISTS changed ON notes; TRUNCATE audit, orgsweep_k1");
        let archive = only_archive(&db).to_string_lossy().into_owned();
        run(&role, &db, &["restore", &archive, "--archive-dir", &archive_dir]).exits(0);
        released(&db, &role);
        changes(&before, &contents(&db)).assert_none();
    }
}

#[test]
fn an_archive_is_restored_under_another_search_path() {
    let Some(db) = postgres(
        "CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('good', 'bad'); \
         CREATE TABLE app.organizations (id integer PRIMARY KEY, name text, m app.mood); \
         CREATE TABLE app.users (id integer PRIMARY KEY, t regclass, \
             organization_id integer REFERENCES app.organizations ON DELETE CASCADE); \
         INSERT INTO app.organizations VALUES (1, 'Apex', 'bad'), (2, 'Global', NULL); \
         INSERT INTO app.users VALUES (10, 'app.users', 1)",
    ) else {
        return;
    };
    let before = contents(&db);
    let archive_dir = archive_dir(&db).to_string_lossy().into_owned();
    let of_app = format!("{}?options=-csearch_path%3Dapp", db.url());
    let flags = cleaning(&archive_dir, &["--org-name", "Apex"]);
    orgsweep(&[&flags[..], &["--database-url", &of_app]].concat()).exits(0);
    restore(&db, &only_archive(&db), &[]).exits(0);
    changes(&before, &contents(&db)).assert_none();
}

#[test]
fn the_schema_s_own_functions_find_what_the_path_shows_them() {
    let Some(db) = postgres(
        "CREATE TABLE limits (least integer); INSERT INTO limits VALUES (0); \
         CREATE FUNCTION sound(integer) RETURNS boolean LANGUAGE plpgsql AS \
             $f$ BEGIN RETURN coalesce($1, 0) >= (SELECT least FROM limits); END $f$; \
         CREATE DOMAIN amount AS integer CHECK (sound(VALUE)); \
         CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
         CREATE TABLE users (id integer PRIMARY KEY, a amount, \
             organization_id integer REFERENCES organizations ON DELETE CASCADE); \
         CREATE TABLE notes (id integer PRIMARY KEY, \
             u integer REFERENCES users ON DELETE SET NULL CHECK (sound(u))); \
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'); \
         INSERT INTO users VALUES (10, 7, 1), (20, 8, 2); INSERT INTO notes VALUES (1, 10), (2, 20)",
    ) else {
        return;
    };
    round_trip(&db, &["--org-name", "Apex"]);
    db.execute("UPDATE limits SET least = 1");
    let refused = db.orgsweep(&["preview", "--org-name", "Apex", "--format", "json"]).exits(3);
    assert_eq!(refused.refusals("check").len(), 1, "{refused}");
}
