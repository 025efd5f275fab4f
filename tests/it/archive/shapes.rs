//! Every shape of table and of reference that a schema can have.

use super::*;

const APEX: [&str; 3] = ["--org-name", "Apex", "--force"];

each_backend! {
    fn self_references(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL,
                 parent_id integer REFERENCES organizations (id));
             CREATE TABLE users (id integer PRIMARY KEY,
                 organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
                 manager_id integer NOT NULL REFERENCES users (id));
             INSERT INTO organizations VALUES (1, 'Apex', NULL), (2, 'Sub', 1), (3, 'Global', NULL);
             INSERT INTO users VALUES (12, 1, 12), (11, 1, 12), (10, 2, 11), (30, 3, 30)",
        );
        round_trip(&db, &[&APEX[..], &["--with-children"]].concat());
    }

    /// Three tables that each name the next, none of them null, one reference to itself besides.
    fn cycles_of_not_null_references(db: TestDatabase) {
        let late = |key: &str| db.either(key, "").to_owned();
        db.execute(&format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL, owner_id integer NOT NULL {});
             CREATE TABLE teams (id integer PRIMARY KEY, lead_id integer NOT NULL {},
                 organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE users (id integer PRIMARY KEY,
                 team_id integer NOT NULL REFERENCES teams (id) ON DELETE RESTRICT,
                 boss_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE)",
            late("REFERENCES users (id) ON DELETE RESTRICT"),
            late("REFERENCES users (id)"),
        ));
        if !db.is_sqlite() {
            db.execute(
                "ALTER TABLE organizations ADD FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE RESTRICT;
                 ALTER TABLE teams ADD FOREIGN KEY (lead_id) REFERENCES users (id)",
            );
        }
        unchecked(
            &db,
            "INSERT INTO organizations VALUES (1, 'Apex', 10), (2, 'Global', 20);
             INSERT INTO teams VALUES (100, 10, 1), (101, 11, 1), (200, 20, 2);
             INSERT INTO users VALUES (10, 101, 11), (11, 100, 10), (20, 200, 20)",
        );
        // The users of a circle are nobody's but each other's.
        round_trip(&db, &[&APEX[..], &["--foreign", "delete"]].concat());
    }

    /// In 17 digits; MySQL's CAST keeps 22 characters of them.
    fn doubles_with_all_of_their_digits(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE rates (id double precision PRIMARY KEY, rate double precision,
                 organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO rates VALUES (-1.2345678901234567e-10, -1.7976931348623157e308, 1), (2, -2.2250738585072014e-308, 1),
                 (3, -0e0, 1), (4, 0.1, 2)",
        );
        round_trip(&db, &APEX);
    }

    fn composite_and_permuted_keys(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE users (organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
                 number integer NOT NULL, login text UNIQUE, PRIMARY KEY (organization_id, number),
                 UNIQUE (number, organization_id));
             CREATE TABLE tasks (number integer, organization_id integer, what text,
                 FOREIGN KEY (number, organization_id) REFERENCES users (number, organization_id) ON DELETE CASCADE);
             CREATE TABLE notes (id integer PRIMARY KEY, login text REFERENCES users (login) ON DELETE SET NULL);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users VALUES (1, 2, 'ann'), (1, 1, NULL), (2, 1, 'gil'), (2, 2, 'gus');
             INSERT INTO tasks VALUES (2, 1, 'a'), (2, 1, 'a'), (1, 1, NULL), (1, 2, ''), (NULL, 1, 'x');
             INSERT INTO notes VALUES (1, 'ann'), (2, 'gil'), (3, NULL), (4, 'ann')",
        );
        // One task names nobody by its key, and Apex by half of it.
        round_trip(&db, &[&APEX[..], &["--leave-behind"]].concat());
    }

    /// Rows that are alike are unlinked and linked again, each of them once.
    fn unlinks_in_a_table_without_a_key(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("without a key MariaDB cannot tell apart what is alike");
        }
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE users (id integer PRIMARY KEY,
                 organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE notes (text text, by_id integer REFERENCES users (id) ON DELETE SET NULL,
                 for_id integer DEFAULT 20 REFERENCES users (id) ON DELETE SET DEFAULT, weight double precision);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users VALUES (10, 1), (11, 1), (20, 2);
             INSERT INTO notes VALUES ('a', 10, NULL, 0.5), ('a', 10, NULL, 0.5), ('a', 11, NULL, 0.5),
                 ('a', NULL, NULL, 0.5), ('a', 20, NULL, 0.5), ('a', 10, 11, 0.5), ('a', 10, 20, 0.5),
                 ('a', NULL, 11, 0.5), ('a', NULL, 20, 0.5), (NULL, 10, 10, NULL), (NULL, 10, 10, NULL),
                 (NULL, NULL, 20, NULL), ('', 10, 10, -1e300)",
        );
        round_trip(&db, &APEX);
    }

    fn unlinks_to_a_default_and_of_a_key(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("InnoDB knows no SET DEFAULT");
        }
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE users (id integer PRIMARY KEY,
                 organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE shifts (user_id integer NOT NULL DEFAULT 20 REFERENCES users (id) ON DELETE SET DEFAULT,
                 day integer NOT NULL, PRIMARY KEY (user_id, day));
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users VALUES (10, 1), (11, 1), (20, 2);
             INSERT INTO shifts VALUES (10, 1), (10, 2), (11, 3), (20, 4)",
        );
        let restored = round_trip(&db, &APEX);
        assert_eq!(restored.json()["totals"]["relinked"], 3, "{restored}");
    }

    fn names_of_every_sort(db: TestDatabase) {
        db.execute(
            "CREATE TABLE \"Organizations\" (\"Id\" integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE \"order\" (\"select\" integer PRIMARY KEY, \"a \"\"b\"\" 'c'\" text, \"tab\tand\\n\" text,
                 \"Org Id\" integer REFERENCES \"Organizations\" (\"Id\") ON DELETE CASCADE);
             CREATE TABLE \"Größe; DROP TABLE x --\" (\"会社\" integer REFERENCES \"order\" (\"select\") ON DELETE SET NULL,
                 \"../..\" text);
             INSERT INTO \"Organizations\" VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO \"order\" VALUES (1, 'x', 'y', 1), (2, NULL, '', 2);
             INSERT INTO \"Größe; DROP TABLE x --\" VALUES (1, 'x'), (1, 'x'), (2, 'x'), (NULL, NULL)",
        );
        round_trip(&db, &[&APEX[..], &["--root", "Organizations"]].concat());
    }

    fn generated_columns(db: TestDatabase) {
        let stored = "GENERATED ALWAYS AS (first || ' ' || last) STORED";
        // Without a key MariaDB cannot tell apart what is alike.
        let third = db.pick("'b'", "'b'", "'c'");
        let other = db.either("GENERATED ALWAYS AS (length(last)) VIRTUAL", "GENERATED ALWAYS AS (length(last)) STORED");
        db.execute(&format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE users (id integer PRIMARY KEY, whole text {stored}, first text, last text, length integer {other},
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE notes (whole text {stored}, first text, last text,
                 user_id integer REFERENCES users (id) ON DELETE SET NULL);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users (id, first, last, organization_id) VALUES (1, 'Ann', 'Lee', 1), (2, NULL, 'Li', 1), (3, '', '', 2);
             INSERT INTO notes (first, last, user_id) VALUES ('a', 'b', 1), ('a', 'b', 1), ('a', {third}, NULL)"
        ));
        round_trip(&db, &APEX);
    }

    /// More columns than a function takes arguments, and a row longer than a piece of the archive.
    fn wide_tables_and_long_values(db: TestDatabase) {
        let text = db.pick("text", "text", "longtext");
        let columns: Vec<String> = (0..120).map(|n| format!("c{n} {text}")).collect();
        db.execute(&format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE wide (id integer PRIMARY KEY, org integer REFERENCES organizations (id) ON DELETE CASCADE, {});
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO wide (id, org, c0, c119) VALUES (1, 1, 'first', 'last'), (2, 1, NULL, NULL), (3, 2, '', '')",
            columns.join(", ")
        ));
        let long = db.either("replace(hex(zeroblob(1250000)), '0', 'é')", "repeat('é', 2500000)");
        db.execute(&format!("UPDATE wide SET c7 = {long} WHERE id = 1"));
        round_trip(&db, &APEX);
    }

    /// Tables that lost nothing are not in the archive: what becomes of them matters to nobody.
    fn a_table_without_rows_of_it_may_go(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE users (id integer PRIMARY KEY, org integer REFERENCES organizations (id) ON DELETE CASCADE);
             CREATE TABLE logs (id integer PRIMARY KEY, org integer REFERENCES organizations (id) ON DELETE CASCADE);
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
             INSERT INTO users VALUES (1, 1)",
        );
        for checks in CHECKS {
            let copy = db.copy();
            clean(&copy, &[&APEX[..], &["--reference-checks", checks]].concat()).exits(0);
            copy.execute("DROP TABLE logs");
            restore(&copy, &only_archive(&copy), &[]).exits(0);
            assert_eq!((copy.count("organizations"), copy.count("users")), (2, 1));
        }
    }
}

#[test]
fn tables_of_sqlite_without_rowid() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    db.execute(
        "CREATE TABLE organizations (id text PRIMARY KEY, name text NOT NULL) WITHOUT ROWID;
         CREATE TABLE users (org text NOT NULL REFERENCES organizations ON DELETE CASCADE, n integer NOT NULL, rowid text,
             PRIMARY KEY (org, n)) WITHOUT ROWID;
         CREATE TABLE \"no rowid\" (rowid text, _rowid_ text, org text REFERENCES organizations ON DELETE CASCADE);
         CREATE TABLE tasks (a integer NOT NULL, b text NOT NULL, org text, n integer, PRIMARY KEY (b, a),
             FOREIGN KEY (org, n) REFERENCES users (org, n) ON DELETE SET NULL) WITHOUT ROWID;
         INSERT INTO organizations VALUES ('a', 'Apex'), ('b', 'Global');
         INSERT INTO users VALUES ('a', 1, 'x'), ('a', 2, NULL), ('b', 1, 'x');
         INSERT INTO \"no rowid\" VALUES ('1', '2', 'a'), ('1', '2', 'a'), ('1', '2', 'b');
         INSERT INTO tasks VALUES (1, 'x', 'a', 1), (2, 'x', 'b', 1), (1, 'y', 'a', 2)",
    );
    round_trip(&db, &APEX);
}

/// Letters of either case are the same to the column, and not to whoever wrote them.
#[test]
fn alike_rows_of_sqlite_that_differ_in_case_or_type() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("a file");
    db.execute(
        "CREATE TABLE organizations (id text COLLATE NOCASE PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (login text COLLATE NOCASE PRIMARY KEY,
             org text NOT NULL REFERENCES organizations ON DELETE CASCADE);
         CREATE TABLE notes (text text COLLATE NOCASE, what, login text REFERENCES users ON DELETE SET NULL);
         INSERT INTO organizations VALUES ('Apex', 'Apex'), ('B', 'Global');
         INSERT INTO users VALUES ('Ann', 'APEX'), ('gil', 'b');
         INSERT INTO notes VALUES ('A', 1.0, 'ANN'), ('a', 1, 'ann'), ('a', 1.0, 'Ann'), ('A', 1, 'aNN'), ('A', 1, 'aNn'),
             ('A', '1', NULL), ('a', 1, NULL), ('a', x'31', 'ann'), ('a', x'31', 'anN')",
    );
    round_trip(&db, &APEX);
}

#[test]
fn columns_of_postgres_with_an_identity() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, n serial,
             organization_id integer REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE logs (n integer GENERATED ALWAYS AS IDENTITY, user_id bigint REFERENCES users ON DELETE CASCADE);
         INSERT INTO organizations (name) VALUES ('Apex'), ('Global');
         INSERT INTO users (organization_id) VALUES (1), (1), (2);
         INSERT INTO logs (user_id) VALUES (1), (1), (3)",
    );
    round_trip(&db, &APEX);
    comes_back(&db, &APEX);
    db.execute("INSERT INTO organizations (name) VALUES ('New')");
    assert_eq!(db.value("SELECT max(id) FROM organizations"), "3");
}

#[test]
fn several_schemas_of_postgres() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE SCHEMA \"Sales Team\"; CREATE SCHEMA other;
         CREATE TYPE other.mood AS ENUM ('so', 'so so');
         CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE \"Sales Team\".users (id integer PRIMARY KEY, mood other.mood,
             organization_id integer REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE other.users (id integer PRIMARY KEY, moods other.mood[],
             user_id integer REFERENCES \"Sales Team\".users (id) ON DELETE SET NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO \"Sales Team\".users VALUES (1, 'so so', 1), (2, NULL, 2);
         INSERT INTO other.users VALUES (1, '{so,NULL,\"so so\"}', 1), (2, '{}', 2)",
    );
    round_trip(&db, &APEX);
}

#[test]
fn partitions_and_inheritance_of_postgres() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    if postgres_version() < 150_000 {
        return skip("SET NULL of some columns is PostgreSQL 15's");
    }
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE events (organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
             day date NOT NULL, what text) PARTITION BY RANGE (day);
         CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
         CREATE TABLE events_new (what text, gone text, day date NOT NULL, organization_id integer NOT NULL);
         ALTER TABLE events_new DROP COLUMN gone;
         ALTER TABLE events ATTACH PARTITION events_new FOR VALUES FROM ('2020-01-01') TO ('2030-01-01');
         CREATE TABLE events_rest PARTITION OF events DEFAULT PARTITION BY LIST (what);
         CREATE TABLE events_x PARTITION OF events_rest FOR VALUES IN ('x', NULL);
         CREATE TABLE events_any PARTITION OF events_rest DEFAULT;
         CREATE TABLE jobs (id integer, organization_id integer REFERENCES organizations (id) ON DELETE CASCADE,
             region text, PRIMARY KEY (region, id)) PARTITION BY HASH (region);
         CREATE TABLE jobs_0 PARTITION OF jobs FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE jobs_1 PARTITION OF jobs FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         CREATE TABLE steps (n integer, region text, job integer,
             FOREIGN KEY (region, job) REFERENCES jobs (region, id) ON DELETE SET NULL (job)) PARTITION BY LIST (region);
         CREATE TABLE steps_eu PARTITION OF steps FOR VALUES IN ('eu');
         CREATE TABLE steps_any PARTITION OF steps DEFAULT;
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO events SELECT o, d::date, w FROM generate_series(1, 2) o,
             unnest('{-infinity,2019-12-31,2020-01-01,2040-01-01,infinity}'::text[]) d, unnest('{x,y,NULL}'::text[]) w;
         INSERT INTO jobs SELECT n, 1 + n % 2, r FROM generate_series(1, 6) n, unnest('{eu,us,as}'::text[]) r;
         INSERT INTO steps SELECT n % 2, r, n FROM generate_series(1, 6) n, unnest('{eu,us,as}'::text[]) r",
    );
    db.execute(
        "CREATE TABLE people (id integer PRIMARY KEY, organization_id integer REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE staff (salary numeric, PRIMARY KEY (id),
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE) INHERITS (people);
         INSERT INTO people VALUES (1, 1), (2, 2);
         INSERT INTO staff VALUES (3, 1, 1.50), (4, 2, 2), (1, 1, 3)",
    );
    round_trip(&db, &[&APEX[..], &["--foreign", "delete"]].concat());
}

/// Equal to the foreign key, and spelled in another way.
#[test]
fn keys_of_postgres_that_are_equal_without_being_the_same() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let icu = db.value("SELECT count(*) FROM pg_collation WHERE collprovider = 'i'") != "0";
    let text = if icu { "text COLLATE folded" } else { "text" };
    let other = if icu { "APEX" } else { "Apex" };
    if icu {
        db.execute("CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
    }
    db.execute(&format!(
        "CREATE TABLE organizations (id {text} PRIMARY KEY, name text NOT NULL);
         CREATE TABLE users (id numeric PRIMARY KEY,
             organization_id {text} REFERENCES organizations (id) ON DELETE CASCADE, code char(4) UNIQUE);
         CREATE TABLE tasks (id real PRIMARY KEY, user_id numeric REFERENCES users (id) ON DELETE CASCADE);
         CREATE TABLE notes (user_id integer REFERENCES users (id) ON DELETE SET NULL, code bpchar REFERENCES users (code));
         INSERT INTO organizations VALUES ('Apex', 'Apex'), ('B', 'Global');
         INSERT INTO users VALUES (1.00, '{other}', 'a'), (2, 'B', 'b');
         INSERT INTO tasks VALUES ('-0', 1.0000), (0.1, 1), ('NaN', 2), ('-Infinity', 1);
         INSERT INTO notes VALUES (1, 'a        '), (1, NULL), (2, 'b'), (NULL, 'a')"
    ));
    round_trip(&db, &[&APEX[..], &["--foreign", "delete"]].concat());
}
