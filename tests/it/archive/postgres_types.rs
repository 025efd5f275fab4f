//! Every type that a column of PostgreSQL can have, with values at its edges: as itself, as a domain,
//! in arrays and in rows, in rows that are deleted and in rows that are unlinked.

use super::*;

/// Types and their values, as PostgreSQL's string constants. Each gets a null besides.
const TYPES: &[(&str, &[&str])] = &[
    ("boolean", &["'t'", "'f'"]),
    ("smallint", &["'-32768'", "'32767'"]),
    ("integer", &["'-2147483648'", "'2147483647'"]),
    ("bigint", &["'-9223372036854775808'", "'9223372036854775807'"]),
    (
        "numeric",
        &[
            "repeat('9', 1000) || '.' || repeat('1', 1000)",
            "'-0.' || repeat('0', 999) || '1'",
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "'0'",
            "'0.000'",
            "'1.10'",
            "'1e5'",
        ],
    ),
    ("numeric(7,2)", &["'-99999.99'", "'0.10'", "'NaN'"]),
    (
        "real",
        &[
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "'1e-45'",
            "'3.4028235e38'",
            "'-0'",
            "'0.1'",
            "'16777217'",
        ],
    ),
    (
        "double precision",
        &[
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "'5e-324'",
            "'1.7976931348623157e308'",
            "'-0'",
            "'0.30000000000000004'",
            "'2.2250738585072011e-308'",
            "'9007199254740993'",
        ],
    ),
    ("money", &["'-92233720368547758.08'", "'92233720368547758.07'", "'0.05'", "'-1234.5'"]),
    (
        "text",
        &[
            "''",
            "' '",
            "'NULL'",
            "'null'",
            r"'\N'",
            r"'\.'",
            r"'\'",
            r"'a\\b\'",
            "E'tab\\tnew\\nline\\r\\n\\v\\f\\b\\x7f\\x01'",
            "E'\\n'",
            "E'\\r'",
            "E'\\t'",
            "'quote'' \"double\" {brace} (paren), comma'",
            "'{\"NULL\",\"\"}'",
            "'🦀👩‍👩‍👧‍👦 עברית العربية \u{202e}gnp.exe 会社 ไทย'",
            "'e\u{301} \u{e9} \u{feff}\u{2028}\u{85}'",
            "'\u{10ffff}\u{fffd}'",
            "repeat('long \\ ', 20000)",
        ],
    ),
    ("character varying(5)", &["'     '", "'a b  '", "'🦀🦀🦀🦀🦀'"]),
    ("character(5)", &["''", "'a'", "'a b  '", "'🦀'"]),
    ("bpchar", &["''", "'   '", "'a  '", "E'a\\n '"]),
    ("name", &["''", "'a'", "repeat('n', 63)"]),
    ("\"char\"", &["''", "'a'", r"'\377'", r"'\'"]),
    ("bytea", &[r"'\x'", r"'\x00'", r"'\x0001ff5c27220a0d09'", r"'\x' || repeat('00ff5c', 5000)"]),
    (
        "date",
        &[
            "'4713-01-01 BC'",
            "'5874897-12-31'",
            "'infinity'",
            "'-infinity'",
            "'0001-01-01'",
            "'2000-02-29'",
        ],
    ),
    (
        "timestamp without time zone",
        &[
            "'4713-01-01 00:00:00 BC'",
            "'294276-12-31 23:59:59.999999'",
            "'infinity'",
            "'-infinity'",
            "'2000-01-02 03:04:05.000006'",
        ],
    ),
    ("timestamp(0) without time zone", &["'2000-01-02 03:04:05'"]),
    (
        "timestamp with time zone",
        &[
            "'4713-01-02 00:00:00 BC UTC'",
            "'294276-12-31 23:59:59.999999 UTC'",
            "'infinity'",
            "'-infinity'",
            "'1883-11-18 12:03:57.5 America/New_York'",
            "'2021-10-31 02:30:00+01'",
            "'0044-03-15 12:00:00+05:53:28 BC'",
        ],
    ),
    ("time without time zone", &["'00:00:00'", "'24:00:00'", "'23:59:59.999999'"]),
    (
        "time with time zone",
        &["'00:00:00+15:59:59'", "'24:00:00-15:59:59'", "'12:34:56.000001+05:45'"],
    ),
    (
        "interval",
        &[
            "'1 year -2 months 3 days -04:05:06.000007'",
            "'-1 year 2 months -3 days 04:05:06'",
            "'-00:00:00.000001'",
            "'178000000 years'",
            "'-178000000 years'",
            "'0'",
            "'1 mon -1 day'",
            "'-1 day 24:00:01'",
            "'-2562047788:00:54.775807'",
        ],
    ),
    ("interval year to month", &["'-1-2'", "'13 months'"]),
    ("interval day to second(3)", &["'1 -02:03:04.005'"]),
    ("point", &["'(1e-300,-1e300)'", "'(NaN,Infinity)'", "'(-0,0.1)'"]),
    ("line", &["'{1,-2,0.30000000000000004}'"]),
    ("lseg", &["'[(1,2),(3,4)]'", "'[(0,0),(0,0)]'"]),
    ("box", &["'(3,4),(1,2)'", "'(Infinity,0),(-Infinity,-0)'"]),
    ("path", &["'((1,2),(3,4))'", "'[(1,2),(3,4)]'", "'[(1,2)]'"]),
    ("polygon", &["'((1,2),(3,4),(5,0.1))'"]),
    ("circle", &["'<(1,2),0.1>'", "'<(0,0),0>'", "'<(0,0),Infinity>'"]),
    ("cidr", &["'0.0.0.0/0'", "'10.0.0.0/8'", "'2001:db8::/32'", "'::/0'"]),
    ("inet", &["'10.1.2.3'", "'10.1.2.3/8'", "'::ffff:1.2.3.4/96'", "'fe80::1/64'"]),
    ("macaddr", &["'08:00:2b:01:02:03'"]),
    ("macaddr8", &["'08:00:2b:01:02:03:04:05'"]),
    ("bit(7)", &["'0000000'", "'1010101'"]),
    ("bit varying", &["''", "'1'", "repeat('10', 500)"]),
    ("bit varying(9)", &["''", "'101010101'"]),
    ("tsvector", &["''", "$$'a b':1A,2B 'it''s' '\\\\x':3C,16383$$", "$$'会社':1 'e'$$"]),
    ("tsquery", &["''", "$$'a b':*A & !( 'c' <2> 'd' | 'it''s' )$$"]),
    ("uuid", &["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"]),
    (
        "xml",
        &[
            "''",
            "'<a b=\"c\">&lt; é <!-- x --></a>'",
            "'text, <b/>, and <c/>'",
            "'<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>'",
        ],
    ),
    (
        "json",
        &[
            "'null'",
            "' { \"b\" : 1, \"a\":[ ] , \"b\" : 1.0e1 } '",
            "E'[\"\\\\u0000\\\\ud83e\\\\udd80\\\\n\",\\n 1]'",
            "'\"\"'",
        ],
    ),
    (
        "jsonb",
        &[
            "'null'",
            "'{\"b\": 1.10, \"a\": [null, {}, []], \"\": \"\\u00e9\\\\\\\"\"}'",
            "'1e1000'",
            "'\"\\n\"'",
            "'\"null\"'",
        ],
    ),
    (
        "jsonpath",
        &[
            "'$'",
            "'lax $.\"a b\"[*] ? (@ like_regex \"^x\\\\n\" flag \"i\").size()'",
            "'strict $.**{2 to last}'",
        ],
    ),
    ("int4range", &["'empty'", "'(,)'", "'[1,5)'", "'(,5)'", "'[-2147483648,)'"]),
    ("int8range", &["'empty'", "'[-9223372036854775808,9223372036854775807)'"]),
    ("numrange", &["'empty'", "'[1.10,1.1000]'", "'(-Infinity,NaN]'", "'(,)'"]),
    (
        "tsrange",
        &[
            "'empty'",
            "'[\"2000-01-01 00:00:00.000001\",infinity]'",
            "'(,\"0044-03-15 00:00:00 BC\")'",
        ],
    ),
    ("tstzrange", &["'empty'", "'(-infinity,\"2000-01-01 12:00:00+05:45\"]'"]),
    ("daterange", &["'empty'", "'[0044-03-15 BC,infinity)'", "'(,)'"]),
    ("int4multirange", &["'{}'", "'{[1,2),[5,)}'", "'{(,)}'"]),
    ("int8multirange", &["'{}'", "'{[1,2),[5,)}'"]),
    ("nummultirange", &["'{}'", "'{[1.10,1.2],(3,4.0)}'"]),
    ("tsmultirange", &["'{}'", "'{[2000-01-01,2000-01-02),[infinity,infinity]}'"]),
    ("tstzmultirange", &["'{}'", "'{[\"2000-01-01 00:00+14\",\"2000-01-02 00:00-11\")}'"]),
    ("datemultirange", &["'{}'", "'{[2000-01-01,2000-01-02)}'"]),
    ("oid", &["'0'", "'4294967295'"]),
    ("regclass", &["'0'", "'pg_class'", "'organizations'", "'4294967295'"]),
    ("regproc", &["'0'", "'pg_backend_pid'"]),
    ("regprocedure", &["'0'", "'substring(text, integer)'"]),
    ("regoper", &["'0'", "'||/'"]),
    ("regoperator", &["'0'", "'+(integer,integer)'"]),
    ("regtype", &["'0'", "'integer[]'", "'timestamp with time zone'"]),
    ("regrole", &["'0'", "'postgres'"]),
    ("regnamespace", &["'0'", "'public'"]),
    ("regconfig", &["'simple'"]),
    ("regdictionary", &["'simple'"]),
    ("regcollation", &["'\"C\"'"]),
    ("pg_lsn", &["'0/0'", "'FFFFFFFF/FFFFFFFF'"]),
    ("txid_snapshot", &["'10:20:10,14,15'"]),
    ("pg_snapshot", &["'10:20:10,14,15'", "'1:1:'"]),
    ("xid", &["'4294967295'"]),
    ("xid8", &["'18446744073709551615'"]),
    ("cid", &["'4294967295'"]),
    ("tid", &["'(4294967295,65535)'"]),
    ("int2vector", &["'1 -2 3'", "''"]),
    ("oidvector", &["'1 2 3'", "''"]),
    ("aclitem", &["'postgres=r*w/postgres'", "'=U/postgres'"]),
    ("refcursor", &["'a \"b\"'"]),
];

/// Types whose values nobody can write.
const INTERNAL: [&str; 6] = [
    "pg_node_tree",
    "pg_ndistinct",
    "pg_dependencies",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "pg_mcv_list",
];

/// Types of one's own and of extensions, and how they come to be.
const OWN: &[(&str, &str, &[&str])] = &[
    (
        "mood",
        "CREATE TYPE mood AS ENUM ('', 'it''s', 'NULL', 'so, so', '会社')",
        &["''", "'it''s'", "'NULL'", "'so, so'", "'会社'"],
    ),
    (
        "pair",
        "CREATE TYPE pair AS (a text, \"B c\" numeric[])",
        &[
            "'(,)'",
            "'(\"\",{})'",
            r#"ROW(E'a"b\\c (d), \n', '{1.10,NULL}'::numeric[])::pair::text"#,
            "'(NULL,\"[0:1]={1,2}\")'",
        ],
    ),
    (
        "pair_of_pairs",
        "CREATE TYPE pair_of_pairs AS (one pair, many pair[])",
        &[
            "'(,)'",
            r#"ROW(ROW('"', '{}')::pair, ARRAY[ROW('\,"', NULL)::pair, NULL])::pair_of_pairs::text"#,
        ],
    ),
    // The type of a table's rows.
    (
        "ledger",
        "CREATE TABLE ledger (id integer, gone integer, note text); ALTER TABLE ledger DROP COLUMN gone",
        &["'(1,\"a b\")'", "'(,)'"],
    ),
    (
        "text_range",
        "CREATE TYPE text_range AS RANGE (subtype = text, collation = \"C\")",
        &["'empty'", r#"'["a\"b,","c)"]'"#, "'(,\"\")'"],
    ),
    ("stars", "CREATE DOMAIN stars AS integer NOT NULL CHECK (VALUE BETWEEN 1 AND 5)", &["'5'"]),
    (
        "letters",
        "CREATE DOMAIN letters AS bpchar; CREATE DOMAIN more_letters AS letters",
        &["'a  '", "'  '"],
    ),
    ("more_letters", "SELECT", &["'a  '"]),
    ("hstore", "CREATE EXTENSION hstore", &["''", r#"'"a b"=>NULL, "\""=>"NULL", "é"=>""'"#]),
    ("citext", "CREATE EXTENSION citext", &["'MiXed'", "''"]),
    ("ltree", "CREATE EXTENSION ltree", &["'a.b.c'", "''"]),
    ("lquery", "SELECT", &["'*.a|b{1,2}.*'"]),
    ("cube", "CREATE EXTENSION cube", &["'(0.1,2),(3,4)'"]),
    ("seg", "CREATE EXTENSION seg", &["'1.10 .. ~2'"]),
    ("isbn13", "CREATE EXTENSION isn", &["'978-0-393-04002-9'"]),
];

/// One table of deleted rows, one of unlinked rows without a key; each with the type itself, a domain
/// over it, arrays and rows that hold it.
fn tables(kind: &str, values: &[&str], n: usize) -> String {
    // A subscript below the first leaves nulls between.
    let (null, first) = if kind == "stars" { (None, 0) } else { (Some("NULL"), -3) };
    let values = values.iter().copied().chain(null);
    let values: Vec<String> = values.map(|value| format!("(({value})::{kind})")).collect();
    let all = format!("(VALUES {}) AS a (v)", values.join(", "));
    format!(
        "CREATE DOMAIN d{n} AS {kind}; CREATE TYPE c{n} AS (x {kind}, y d{n}, z {kind}[]);
         CREATE TABLE t{n} (org integer REFERENCES organizations ON DELETE CASCADE, x {kind}, d d{n}, a {kind}[], c c{n}, cs c{n}[]);
         CREATE TABLE u{n} (x {kind}, d d{n}, a {kind}[], c c{n}, u integer REFERENCES organizations ON DELETE SET NULL);
         INSERT INTO t{n} SELECT o, v, v, ARRAY[v, v], ROW(v, v, ARRAY[v])::c{n}, ARRAY[ROW(v, v, ARRAY[[v], [v]])::c{n}, NULL]
             FROM {all}, generate_series(1, 2) o;
         INSERT INTO t{n} (org, x, d, a) SELECT 1, v, v, ARRAY(SELECT v FROM {all}) FROM {all};
         INSERT INTO t{n} (org, x, d, a) SELECT 1, v, v, '{{}}' FROM {all};
         UPDATE t{n} SET a[{first}] = x WHERE array_length(a, 1) = 2;
         INSERT INTO u{n} SELECT v, v, ARRAY[v, v], ROW(v, v, ARRAY[v])::c{n}, u FROM {all}, unnest('{{1,1,2,NULL}}'::int[]) u;"
    )
}

/// A database with a table for each type, those of extensions where these are installed.
fn every_type() -> Option<TestDatabase> {
    let db = TestDatabase::fresh(Backend::Postgres)?;
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global')",
    );
    for (n, (kind, values)) in TYPES.iter().enumerate() {
        db.execute(&tables(kind, values, n));
    }
    let available = "SELECT count(*) FROM pg_available_extensions WHERE name =";
    for (n, (kind, create, values)) in OWN.iter().enumerate() {
        let extension = create.strip_prefix("CREATE EXTENSION ");
        if extension.is_some_and(|name| db.value(&format!("{available} '{name}'")) == "0") {
            skip(&format!("the contrib package of {kind} is not installed"));
            continue;
        }
        db.execute(create);
        let missing = db.value(&format!("SELECT to_regtype('{kind}') IS NULL")) == "true";
        if !missing {
            db.execute(&tables(kind, values, TYPES.len() + n));
        }
    }
    Some(db)
}

#[test]
fn every_type_comes_back() {
    let Some(db) = every_type() else { return };
    round_trip(&db, &["--org-name", "Apex"]);
}

/// A name that functions, or operators, share.
#[test]
fn references_to_functions_of_one_name_come_back() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
         CREATE TABLE rules (org integer REFERENCES organizations ON DELETE CASCADE, f regproc, o regoper);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
         INSERT INTO rules SELECT 1, p.oid, o.oid FROM
             (SELECT oid FROM pg_proc WHERE proname = 'substring') p, (SELECT oid FROM pg_operator WHERE oprname = '+') o",
    );
    round_trip(&db, &["--org-name", "Apex"]);
}

#[test]
fn every_type_of_the_engine_is_tried() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let all = db.query(
        "SELECT format_type(oid, NULL) FROM pg_type WHERE typtype IN ('b', 'r', 'm') AND typelem = 0 AND typrelid = 0 \
         AND typname <> 'gtsvector'",
    );
    let tried = |name: &String| {
        TYPES.iter().any(|(kind, _)| kind == name || kind.split('(').next() == Some(name))
    };
    let all = all.into_iter().flatten().flatten();
    let missing: Vec<String> =
        all.filter(|name| !tried(name) && !INTERNAL.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// How a role likes to see and to write values is no matter for an archive, be it the one that cleans or
/// the one that restores.
#[test]
fn a_role_s_settings_change_no_value() {
    let Some(db) = every_type() else { return };
    let role = db.role();
    let name = &role.name;
    let settings = [
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'sql_standard'",
        "extra_float_digits = -15",
        "bytea_output = 'escape'",
        "timezone = 'Foo+3:17'",
        "xmloption = 'document'",
        "array_nulls = off",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = off",
        "standard_conforming_strings = off",
        "client_encoding = 'LATIN1'",
    ];
    let set: String =
        settings.iter().map(|setting| format!("ALTER ROLE {name} SET {setting};")).collect();
    db.execute(&set);
    for locale in ["de_DE.utf8", "en_US.utf8", "ja_JP.utf8"] {
        let alter = format!("ALTER ROLE {name} SET lc_monetary = '{locale}'");
        if db.with(|db| db.run(&alter)).is_ok() {
            break;
        }
    }
    db.execute(&format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}"
    ));
    let before = contents(&db);
    let directory = archive_dir(&db).to_string_lossy().into_owned();
    let flags = cleaning(&directory, &["--org-name", "Apex"]);
    let odd = |flags: &[&str]| {
        let target = ["--database-url", &role.url];
        Invocation::new(&[&target, flags].concat()).env("PGTZ", "Asia/Kathmandu").run()
    };
    db.execute(&format!("ALTER ROLE {name} SET quote_all_identifiers = on"));
    for (cleans_as_role, restores_as_role) in [(true, true), (true, false), (false, true)] {
        if cleans_as_role { odd(&flags) } else { db.orgsweep(&flags) }.exits(0);
        let archive = only_archive(&db);
        let restoring = ["restore", &archive.to_string_lossy()];
        let outcome = if restores_as_role { odd(&restoring) } else { db.orgsweep(&restoring) };
        let outcome = outcome.exits(0);
        let changed = changes(&before, &contents(&db));
        assert!(changed.is_empty(), "{cleans_as_role} {restores_as_role}\n{changed}\n{outcome}");
        std::fs::remove_file(archive).expect("the archive is removed");
        // Types have other names with it, and another type is refused.
        db.execute(&format!("ALTER ROLE {name} SET quote_all_identifiers = off"));
    }
}

/// Such a database takes any bytes. An archive that could not be read again must not be made.
#[test]
fn text_that_is_not_utf_8_stays() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    let name = format!("{}_ascii", db.name());
    db.execute(&format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"
    ));
    let url = db.url().replace(db.name(), &name);
    let target = orgsweep::database::Target::parse(&url).expect("a URL");
    let mut ascii = orgsweep::database::Database::connect(&target, false).expect("a connection");
    ascii
        .run(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
             CREATE TABLE users (org integer REFERENCES organizations ON DELETE CASCADE, name text);
             INSERT INTO organizations VALUES (1, 'Apex'); INSERT INTO users VALUES (1, E'\\xff')",
        )
        .expect("a table with what is no UTF-8");
    let directory = archive_dir(&db).to_string_lossy().into_owned();
    for checks in CHECKS {
        let flags = cleaning(&directory, &["--org-name", "Apex", "--reference-checks", checks]);
        let outcome = Invocation::new(&[&["--database-url", &url], &flags[..]].concat()).run();
        outcome.exits(1).says(&["invalid byte sequence"]);
        let left = ascii.query(&"SELECT count(*)::text FROM users".into()).expect("a count");
        assert_eq!((left[0].text(0), files(&archive_dir(&db), ".tar.zst").len()), ("1", 0));
    }
    drop(ascii);
    db.execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
}
