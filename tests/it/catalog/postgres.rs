use crate::catalog::shown::{references, shown};
use crate::catalog::{check_fingerprint, loaded};
use crate::support::{postgres_version, skip};
use orgsweep::catalog::{Catalog, Privileges};
use orgsweep::database::{Database, Target};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A new database that is dropped with this value.
struct Scratch {
    server: Database,
    name: String,
    url: String,
}

impl Scratch {
    /// None, and says so, where there is no server to test with.
    fn new(schema: &str) -> Option<Scratch> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let Ok(url) = std::env::var("ORGSWEEP_TEST_POSTGRES") else {
            eprintln!("skipped: ORGSWEEP_TEST_POSTGRES names no PostgreSQL server");
            return None;
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("orgsweep_catalog_{}_{count}", std::process::id());
        let mut server = Database::connect(&Target::parse(&url).unwrap(), false).unwrap();
        server.run(&format!("CREATE DATABASE {name}")).unwrap();
        let (base, _) = url.rsplit_once('/').unwrap();
        let scratch = Scratch { url: format!("{base}/{name}"), server, name };
        scratch.connect().run(schema).unwrap();
        Some(scratch)
    }

    fn connect(&self) -> Database {
        Database::connect(&Target::parse(&self.url).unwrap(), false).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = self.server.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn catalog(schema: &str) -> Option<Catalog> {
    Scratch::new(schema).map(|scratch| loaded(&mut scratch.connect()))
}

#[test]
fn tables_keys_and_references() {
    if (1..150_000).contains(&postgres_version()) {
        return skip("SET NULL of some columns is PostgreSQL 15's");
    }
    let Some(catalog) = catalog(include_str!("postgres.sql")) else { return };
    expect_test::expect![[r#"
        Mixed Schema.Weird "quoted" tbl(id integer!, tenant;id uuid, parent integer)
          key Weird "quoted" tbl_pkey(id) primary not null
          parent -> Mixed Schema.Weird "quoted" tbl(id) cascade named Weird "quoted" tbl_parent_fkey
          tenant;id -> tenants(id) no action named Weird "quoted" tbl_tenant;id_fkey
        billing.Invoice(Tenant uuid!, No integer!, User bigint, total numeric(12,2), total_x2 numeric generated, note bytea, tags text[])
          key Invoice_pkey(Tenant, No) primary not null
          check Invoice_total_check: (total >= (0)::numeric) [total]
          Tenant, User -> users(tenant_id, id) no action match full deferrable named inv user
          Tenant -> tenants(id) restrict by Invoice_pkey named inv_tenant
        billing.invoice_lines(id integer! = nextval('billing.invoice_lines_id_seq'::regclass), tenant uuid, no integer, line jsonb)
          key invoice_lines_pkey(id) primary not null
          no, tenant -> billing.Invoice(No, Tenant) cascade by il_narrow named il_fk
        a(id integer!, b_id integer, tenant_id uuid)
          key a_pkey(id) primary not null
          b_id -> b(id) no action named a_b
          tenant_id -> tenants(id) no action named a_tenant_id_fkey
        animals(id integer!, tenant_id uuid)
          InheritanceParent
          key animals_pkey(id) primary not null
          tenant_id -> tenants(id) no action named animals_tenant_id_fkey
        b(id integer!, a_id integer!)
          key b_pkey(id) primary not null
          a_id -> a(id) no action named b_a_id_fkey
        docs(tenant_id uuid!, doc_id integer!, author bigint = 7)
          key docs_pkey(tenant_id, doc_id) primary not null
          tenant_id, author -> users(tenant_id, id) set null (author) named docs_author
          author -> users(id) set default (author) named docs_default
        dogs(id integer!, tenant_id uuid, bark text~)
        keys(a integer!, b integer, c integer!)
          key keys_b_a_key(b, a)
          key keys_c_a_key(c) not null
          key one_null(b) nulls not distinct
          apart keys_a_excl: a OPERATOR(pg_catalog.=) [a]
          apart keys_expression: abs(a) OPERATOR(pg_catalog.=) [a]
          apart keys_partial: a OPERATOR(pg_catalog.=) where (a > 5) [a]
          apart late: a OPERATOR(pg_catalog.=) [a]
        logs(m public.mood, s public.short_label!~ = 'none'::character varying, c character(3)~, n name~ collate pg_catalog."C", x xml, at timestamp with time zone)
          check later: (c <> ''::bpchar) [c]
          check short_label_check: (SELECT (length((VALUE)::text) < 10) FROM (SELECT s) v(value)) [s]
          check whole: (logs.* IS NOT NULL) []
          trigger rule no_del on delete
          trigger rule no_ins on insert
        sess(token text!~, tenant_id uuid!)
          key sess_token_key(token) not null
          trigger sess_both on delete update
          trigger sess_del on delete
          trigger sess_ins on insert
          trigger sess_replica on delete in replica role
          tenant_id -> tenants(id) no action not valid named sess_t
        tenants(id uuid! = gen_random_uuid(), slug text!~, owner_id bigint)
          key tenants_pkey(id) primary not null
          key tenants_slug_key(slug) not null
          owner_id -> users(id) no action deferrable deferred named tenants_owner_fk
        users(id bigint!, tenant_id uuid!, email text~, manager_id bigint)
          key users_pkey(id) primary not null
          key users_tenant_id_id_key(tenant_id, id) not null
          manager_id -> users(id) set null (manager_id) named users_manager_id_fkey
          tenant_id -> tenants(id) cascade by users_tenant named users_tenant_id_fkey"#]].assert_eq(&shown(&catalog));
}

#[test]
fn partitions_stand_behind_their_table() {
    let schema = "
        CREATE TABLE tenants(id int PRIMARY KEY);
        CREATE TABLE events(tenant_id int NOT NULL, id int NOT NULL, parent_id int, note_id int,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT e_tenant FOREIGN KEY (tenant_id) REFERENCES tenants ON DELETE CASCADE,
            CONSTRAINT e_parent FOREIGN KEY (tenant_id, parent_id) REFERENCES events
        ) PARTITION BY LIST (tenant_id);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1);
        CREATE TABLE events_2 PARTITION OF events FOR VALUES IN (2) PARTITION BY HASH (id);
        CREATE SCHEMA deep;
        CREATE TABLE deep.events_2_0 PARTITION OF events_2 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE notes(id int PRIMARY KEY, tenant_id int, event_id int, one int UNIQUE,
            CONSTRAINT n_event FOREIGN KEY (tenant_id, event_id) REFERENCES events ON DELETE CASCADE,
            CONSTRAINT n_one FOREIGN KEY (tenant_id, event_id) REFERENCES events_1);
        ALTER TABLE deep.events_2_0 ADD CONSTRAINT only_here FOREIGN KEY (note_id) REFERENCES notes(one);
        CREATE INDEX deep_note ON deep.events_2_0(note_id);

        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
        CREATE TRIGGER everywhere AFTER DELETE ON events FOR EACH ROW EXECUTE FUNCTION f();
        ALTER TABLE events_1 ENABLE ALWAYS TRIGGER everywhere;
        CREATE TRIGGER row_of_one BEFORE DELETE OR UPDATE ON events_1 FOR EACH ROW EXECUTE FUNCTION f();
        CREATE TRIGGER statement_of_one AFTER DELETE ON events_1 EXECUTE FUNCTION f();
        ALTER TABLE deep.events_2_0 DISABLE TRIGGER ALL;
        INSERT INTO tenants VALUES (1), (2);
        INSERT INTO events SELECT 1 + i % 2, i FROM generate_series(1, 10) i;
        ANALYZE events_1; ANALYZE deep.events_2_0;";
    let Some(catalog) = catalog(schema) else { return };
    expect_test::expect![[r#"
        events(tenant_id integer!, id integer!, parent_id integer, note_id integer)
          Partitioned
          10 rows
          key events_pkey(tenant_id, id) primary not null
          trigger everywhere on delete in any role
          trigger everywhere on delete
          trigger row_of_one on delete update
          note_id -> notes(one) no action not enforced by deep_note named only_here on deep.events_2_0
          tenant_id, parent_id -> events(tenant_id, id) no action not enforced named e_parent
          tenant_id -> tenants(id) cascade not enforced by events_pkey named e_tenant
        notes(id integer!, tenant_id integer, event_id integer, one integer)
          key notes_pkey(id) primary not null
          key notes_one_key(one)
          tenant_id, event_id -> events(tenant_id, id) cascade not enforced named n_event
          tenant_id, event_id -> events(tenant_id, id) no action named n_one
        tenants(id integer!)
          key tenants_pkey(id) primary not null"#]]
    .assert_eq(&shown(&catalog));
}

#[test]
fn sleeping_constraint_triggers_enforce_nothing() {
    let schema = "
        CREATE TABLE p(id int PRIMARY KEY);
        CREATE TABLE all_off(id int REFERENCES p); ALTER TABLE all_off DISABLE TRIGGER ALL;
        CREATE TABLE replicated(id int REFERENCES p);
        CREATE TABLE q(id int PRIMARY KEY);
        CREATE TABLE of_q(id int REFERENCES q); ALTER TABLE q DISABLE TRIGGER ALL;
        CREATE TABLE watched(id int REFERENCES p);
        DO $$ DECLARE t name; BEGIN
            FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'replicated'::regclass LOOP
                EXECUTE format('ALTER TABLE replicated ENABLE REPLICA TRIGGER %I', t);
            END LOOP;
        END $$;";
    let Some(catalog) = catalog(schema) else { return };
    expect_test::expect![[r#"
        all_off: id -> p(id) no action not enforced named all_off_id_fkey
        of_q: id -> q(id) no action not enforced named of_q_id_fkey
        replicated: id -> p(id) no action not enforced named replicated_id_fkey
        watched: id -> p(id) no action named watched_id_fkey"#]]
    .assert_eq(&references(&catalog));
}

#[test]
fn what_postgresql_18_added() {
    let Some(scratch) = Scratch::new("CREATE TABLE p(id int PRIMARY KEY, maybe int UNIQUE)") else {
        return;
    };
    let mut database = scratch.connect();
    if postgres_version() < 180_000 {
        return skip("the server is older than PostgreSQL 18");
    }
    let schema = "
        ALTER TABLE p ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) VIRTUAL;
        ALTER TABLE p ADD CONSTRAINT not_yet NOT NULL maybe NOT VALID;
        CREATE TABLE c(id int CONSTRAINT c_p REFERENCES p, CONSTRAINT no_check CHECK (id > 0) NOT ENFORCED);
        CREATE TABLE rooms(id int4range, at daterange, PRIMARY KEY (id, at WITHOUT OVERLAPS));
        CREATE TABLE stays(room int4range, at daterange,
            FOREIGN KEY (room, PERIOD at) REFERENCES rooms(id, PERIOD at));";
    database.run(schema).unwrap();
    check_fingerprint(&mut database, &["ALTER TABLE c ALTER CONSTRAINT c_p NOT ENFORCED"], &[]);
    expect_test::expect![[r#"
    c(id integer)
      id -> p(id) no action not valid not enforced named c_p
    p(id integer!, maybe integer!, twice integer generated)
      key p_pkey(id) primary not null
      key p_maybe_key(maybe)
    rooms(id int4range!, at daterange!)
      key rooms_pkey(id, at) primary not null
    stays(room int4range, at daterange)
      room, at -> rooms(id, at) no action named stays_room_at_fkey [ OPERATOR(pg_catalog.&&) ]"#]]
    .assert_eq(&shown(&loaded(&mut database)));
}

#[test]
fn operators_are_those_of_the_constraint() {
    let schema = "
        CREATE SCHEMA \"My ext\"; CREATE EXTENSION citext SCHEMA \"My ext\";
        CREATE TABLE p(name \"My ext\".citext, n numeric, PRIMARY KEY (n, name));
        CREATE TABLE c(n int, name \"My ext\".citext, FOREIGN KEY (name, n) REFERENCES p(name, n));";
    let Some(catalog) = catalog(schema) else { return };
    expect_test::expect![[r#"
        c(n integer, name "My ext".citext~)
          name, n -> p(name, n) no action named c_name_n_fkey [ OPERATOR("My ext".=) ] [ = ::pg_catalog."numeric"]
        p(name "My ext".citext!~, n numeric!)
          key p_pkey(n, name) primary not null"#]]
    .assert_eq(&shown(&catalog));
}

#[test]
fn tables_of_an_extension_count_only_where_they_refer_to_the_users() {
    let schema = "
        CREATE TABLE users(id int PRIMARY KEY);
        CREATE TABLE lookup(id int PRIMARY KEY);
        CREATE TABLE own(id int REFERENCES lookup);
        CREATE TABLE watching(id int REFERENCES users);
        CREATE TABLE mine(id int REFERENCES lookup);
        ALTER EXTENSION plpgsql ADD TABLE lookup; ALTER EXTENSION plpgsql ADD TABLE own;
        ALTER EXTENSION plpgsql ADD TABLE watching;";
    let Some(catalog) = catalog(schema) else { return };
    expect_test::expect![[r#"
        mine(id integer)
        users(id integer!)
          key users_pkey(id) primary not null
        watching(id integer)
          id -> users(id) no action named watching_id_fkey"#]]
    .assert_eq(&shown(&catalog));
}

#[test]
fn privileges_and_row_security_are_those_of_the_session() {
    let schema = "
        CREATE SCHEMA closed;
        CREATE TABLE closed.t(id int);
        CREATE TABLE partly(id int, name text);
        CREATE TABLE readable(id int);
        CREATE TABLE secured(id int);
        ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
        GRANT SELECT, UPDATE, DELETE ON closed.t, secured TO pg_monitor;
        GRANT SELECT ON readable TO pg_monitor;
        GRANT UPDATE (name), DELETE ON partly TO pg_monitor;";
    let Some(scratch) = Scratch::new(schema) else { return };
    let mut database = scratch.connect();
    let everything = loaded(&mut database);
    assert!(
        everything.tables.iter().all(|it| it.privileges == Privileges::ALL && !it.row_security)
    );
    database.run("SET ROLE pg_monitor").unwrap();
    expect_test::expect![[r#"
        closed.t(id integer)
          Privileges { select: false, update: false, delete: false, lock: false }
        partly(id integer, name text~)
          Privileges { select: false, update: true, delete: true, lock: true }
        readable(id integer)
          Privileges { select: true, update: false, delete: false, lock: false }
        secured(id integer)
          row security"#]]
    .assert_eq(&shown(&loaded(&mut database)));
}

#[test]
fn the_search_path_decides_about_schemas() {
    let schema = "
        CREATE SCHEMA b; CREATE TABLE b.t(id int PRIMARY KEY); CREATE TABLE public.t(id int REFERENCES b.t);
        CREATE TABLE b.only_here(id int); CREATE TEMP TABLE temporary(id int);";
    let Some(scratch) = Scratch::new(schema) else { return };
    let mut database = scratch.connect();
    database.run("SET search_path = b, public").unwrap();
    expect_test::expect![[r#"
        only_here(id integer)
        t(id integer!)
          key t_pkey(id) primary not null
        public.t(id integer)
          id -> t(id) no action named t_id_fkey"#]]
    .assert_eq(&shown(&loaded(&mut database)));
}

#[test]
fn the_fingerprint_follows_the_schema() {
    let schema = "
        CREATE TABLE p(id int PRIMARY KEY, name text);
        CREATE TABLE l(id int) PARTITION BY LIST (id);
        CREATE TABLE l_1(id int);
        CREATE TABLE base(id int); CREATE TABLE heir(id int);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';";
    let Some(scratch) = Scratch::new(schema) else { return };
    let changing = [
        "CREATE TABLE c(p_id int)",
        "ALTER TABLE c ADD CONSTRAINT c_p FOREIGN KEY (p_id) REFERENCES p NOT VALID",
        "ALTER TABLE c VALIDATE CONSTRAINT c_p",
        "ALTER TABLE c ALTER CONSTRAINT c_p DEFERRABLE",
        "ALTER TABLE c DISABLE TRIGGER ALL",
        "ALTER TABLE c ADD CHECK (p_id > 0)",
        "ALTER TABLE c ADD COLUMN q_id bigint",
        "ALTER TABLE c ALTER COLUMN q_id SET NOT NULL",
        "ALTER TABLE c ALTER COLUMN q_id TYPE numeric",
        "ALTER TABLE c ALTER COLUMN q_id SET DEFAULT 1",
        "ALTER TABLE c RENAME COLUMN q_id TO r_id",
        "CREATE UNIQUE INDEX p_name ON p(name)",
        "CREATE UNIQUE INDEX p_some ON p(name) WHERE id > 1",
        "DROP INDEX p_some; CREATE UNIQUE INDEX p_some ON p(name) WHERE id > 2",
        "DROP INDEX p_name; CREATE UNIQUE INDEX p_name ON p(name COLLATE \"C\")",
        "DROP INDEX p_name; CREATE UNIQUE INDEX p_name ON p(name COLLATE \"C\" text_pattern_ops)",
        "ALTER TABLE p ALTER COLUMN name TYPE text COLLATE \"C\"",
        "CREATE TRIGGER t AFTER DELETE ON p FOR EACH ROW EXECUTE FUNCTION f()",
        "ALTER TABLE p ENABLE REPLICA TRIGGER t",
        "CREATE RULE r AS ON DELETE TO p DO ALSO SELECT 1",
        "ALTER TABLE l ATTACH PARTITION l_1 FOR VALUES IN (1)",
        "ALTER TABLE heir INHERIT base",
        "ALTER TABLE p ENABLE ROW LEVEL SECURITY",
        "DROP TABLE c",
    ];
    let harmless = [
        "INSERT INTO p SELECT i FROM generate_series(1, 100) i",
        "VACUUM ANALYZE p",
        "CREATE INDEX ON p(name)",
        "REINDEX TABLE CONCURRENTLY p",
        "CREATE TEMP TABLE keys(id int PRIMARY KEY CHECK (id > 0))",
        "CREATE VIEW v AS SELECT * FROM p",
    ];
    check_fingerprint(&mut scratch.connect(), &changing, &harmless);
}
