//! Statements as text, for both engines.

use super::*;
use crate::catalog::ReferenceId;
use crate::catalog::fixture::catalog;
use crate::database::Row;
use crate::engine::{Statement, literal, quote};
use crate::findings::Change;
use crate::plan::{self, Rules};
use crate::policy::{Policy, Scopes};
use crate::selection::{RootNames, Selection, find_root};
use expect_test::{Expect, expect};

const SCHEMA: &str = "
    organizations(id, name)
    users(id, org -> organizations cascade, boss -> users set null, name)
    deals(id, org -> organizations cascade, by -> users restrict)";

/// One line per dialect.
fn check(statement: impl Fn(&Sql) -> Statement, expected: Expect) {
    let catalog = catalog(SCHEMA);
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    let text = |dialect| statement(&Sql::new(dialect, &catalog, &plan)).inlined(dialect);
    expected.assert_eq(&format!("{}\n{}\n", text(Dialect::Sqlite), text(Dialect::Postgres)));
}

const USERS: TableId = TableId(1);
const DEALS: TableId = TableId(2);
const USERS_ORG: ReferenceId = ReferenceId(0);
const DEALS_ORG: ReferenceId = ReferenceId(2);
const DEALS_BY: ReferenceId = ReferenceId(3);

#[test]
fn names_are_matched_exactly_and_values_are_bound() {
    check(
        |sql| {
            let root = find_root(sql.catalog, RootNames::default()).expect("organizations");
            let names = vec!["O'Neil".to_owned()];
            let selection = Selection { names, ids: vec!["7".into()], ..Selection::default() };
            sql.select_roots(&root, &selection, 1, true)
        },
        expect![[r#"
            INSERT INTO temp.orgsweep_k0 SELECT c.rowid AS c0, 1 FROM main."organizations" c WHERE ((c."name" = 'O''Neil' AND CAST(c."name" AS TEXT) COLLATE BINARY = 'O''Neil') OR c."id" = '7')
            INSERT INTO pg_temp.orgsweep_k0 SELECT c."id" AS c0, 1 FROM "organizations" c WHERE ((c."name" OPERATOR(pg_catalog.=) 'O''Neil'::pg_catalog.text::pg_catalog.text AND ((c."name")::pg_catalog.text) COLLATE pg_catalog."C" OPERATOR(pg_catalog.=) 'O''Neil'::pg_catalog.text) OR c."id" OPERATOR(pg_catalog.=) '7'::pg_catalog.text::integer) FOR UPDATE OF c
        "#]],
    );
}

#[test]
fn conditions_stand_by_themselves_and_are_asked_again_of_what_is_locked() {
    let conditions = vec!["name > 'a' -- or so".to_owned()];
    let alone = Selection { conditions: conditions.clone(), ..Selection::default() };
    let beside = Selection { ids: vec!["7".into()], ..alone.clone() };
    let root = |sql: &Sql| find_root(sql.catalog, RootNames::default()).expect("organizations");
    check(
        |sql| sql.select_roots(&root(sql), &alone, 1, false),
        expect![[r#"
        INSERT INTO temp.orgsweep_k0 SELECT c.rowid AS c0, 1 FROM main."organizations" c WHERE (true) AND (
        name > 'a' -- or so
        )
        INSERT INTO pg_temp.orgsweep_k0 SELECT c."id" AS c0, 1 FROM "organizations" c WHERE (true) AND (
        name > 'a' -- or so
        )
    "#]],
    );
    check(
        |sql| sql.count_roots(&root(sql), &beside),
        expect![[r#"
        SELECT CAST(count(*) AS TEXT) FROM main."organizations" c WHERE (c."id" = '7') AND (
        name > 'a' -- or so
        )
        SELECT (pg_catalog.count(*))::pg_catalog.text FROM "organizations" c WHERE (c."id" OPERATOR(pg_catalog.=) '7'::pg_catalog.text::integer) AND (
        name > 'a' -- or so
        )
    "#]],
    );
    check(
        |sql| sql.find_first_roots(&root(sql), &alone, 9),
        expect![[r#"
        SELECT CAST(c."id" AS TEXT), CAST(c."name" AS TEXT), NULL FROM main."organizations" c WHERE (true) AND (
        name > 'a' -- or so
        ) ORDER BY c.rowid LIMIT 9
        SELECT (c."id")::pg_catalog.text, (c."name")::pg_catalog.text, NULL FROM "organizations" c WHERE (true) AND (
        name > 'a' -- or so
        ) ORDER BY c."id" LIMIT 9
    "#]],
    );
    check(
        |sql| sql.still_selected(&root(sql), &alone),
        expect![[r#"
        SELECT CAST(count(*) AS TEXT) FROM main."organizations" c WHERE EXISTS (SELECT 1 FROM temp.orgsweep_k0 k WHERE k.c0 = c.rowid) AND (true) AND (
        name > 'a' -- or so
        )
        SELECT (pg_catalog.count(*))::pg_catalog.text FROM "organizations" c WHERE EXISTS (SELECT 1 FROM pg_temp.orgsweep_k0 k WHERE k.c0 OPERATOR(pg_catalog.=) c."id") AND (true) AND (
        name > 'a' -- or so
        )
    "#]],
    );
    check(
        |sql| sql.lock_roots(TableId(0)),
        expect![[r#"
        SELECT CAST(count(*) AS TEXT) FROM (SELECT 1 FROM main."organizations" c JOIN temp.orgsweep_k0 k ON k.c0 = c.rowid) l
        SELECT (pg_catalog.count(*))::pg_catalog.text FROM (SELECT 1 FROM "organizations" c JOIN pg_temp.orgsweep_k0 k ON k.c0 OPERATOR(pg_catalog.=) c."id" FOR UPDATE OF c) l
    "#]],
    );
    check(
        |sql| sql.rows_up_to(TableId(0), 9),
        expect![[r#"
        SELECT CAST(count(*) AS TEXT) FROM (SELECT 1 FROM main."organizations" c LIMIT 9) l
        SELECT (pg_catalog.count(*))::pg_catalog.text FROM (SELECT 1 FROM "organizations" c LIMIT 9) l
    "#]],
    );
    let all = Selection { every: true, ..Selection::default() };
    check(
        |sql| sql.count_roots(&root(sql), &all),
        expect![[r#"
        SELECT CAST(count(*) AS TEXT) FROM main."organizations" c WHERE (true)
        SELECT (pg_catalog.count(*))::pg_catalog.text FROM "organizations" c WHERE (true)
    "#]],
    );
    let nobody = Selection::default();
    check(
        |sql| sql.count_roots(&root(sql), &nobody),
        expect![[r#"
        SELECT CAST(count(*) AS TEXT) FROM main."organizations" c WHERE (false)
        SELECT (pg_catalog.count(*))::pg_catalog.text FROM "organizations" c WHERE (false)
    "#]],
    );
}

#[test]
fn a_key_of_several_columns_is_all_of_them() {
    let mut catalog = catalog("organizations(region, no, name)");
    catalog.tables[0].keys[0].columns = vec!["region".into(), "no".into()];
    let root = find_root(&catalog, RootNames::default()).expect("organizations");
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    let sql = Sql::new(Dialect::Postgres, &catalog, &plan);
    let selection = Selection { ids: vec!["1,2".into(), "1".into()], ..Selection::default() };
    let text = sql.find_roots(&root, &selection).inlined(sql.dialect);
    let both = r#"((c."region" OPERATOR(pg_catalog.=) '1'::pg_catalog.text::integer AND c."no" OPERATOR(pg_catalog.=) '2'::pg_catalog.text::integer) OR (false))"#;
    assert!(text.contains(both), "{text}");
}

#[test]
fn rows_join_by_the_parents_key_once() {
    let first = Follow {
        limit: None,
        reference: USERS_ORG,
        since: 0,
        generation: 2,
        known: false,
        excluding: false,
        lock: false,
    };
    check(
        |sql| sql.follow(&first),
        expect![[r#"
            INSERT OR IGNORE INTO temp.orgsweep_k1 SELECT c.rowid AS c0, 2 FROM temp.orgsweep_k0 p CROSS JOIN main."users" c ON p.c0 = c."org"
            INSERT INTO pg_temp.orgsweep_k1 SELECT c."id" AS c0, 2 FROM "users" c JOIN pg_temp.orgsweep_k0 p ON p.c0 OPERATOR(pg_catalog.=) c."org"
        "#]],
    );
    let again =
        Follow { reference: DEALS_BY, since: 3, generation: 5, known: true, lock: true, ..first };
    check(
        |sql| sql.follow(&again),
        expect![[r#"
            INSERT OR IGNORE INTO temp.orgsweep_k2 SELECT c.rowid AS c0, c."org" AS c1, 5 FROM temp.orgsweep_k1 p CROSS JOIN main."deals" c ON p.c0 = c."by" WHERE p.gen > 3 AND NOT EXISTS (SELECT 1 FROM temp.orgsweep_k2 k WHERE k.c0 = c.rowid)
            INSERT INTO pg_temp.orgsweep_k2 SELECT c."id" AS c0, c."org" AS c1, 5 FROM "deals" c JOIN pg_temp.orgsweep_k1 p ON p.c0 OPERATOR(pg_catalog.=) c."by" WHERE p.gen > 3 AND c."by" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_temp.orgsweep_k2 k WHERE k.c0 OPERATOR(pg_catalog.=) c."id") FOR UPDATE OF c
        "#]],
    );
}

#[test]
fn rows_are_deleted_by_their_key_table() {
    check(
        |sql| sql.delete(USERS),
        expect![[r#"
            DELETE FROM main."users" AS c WHERE (c.rowid) IN (SELECT c0 FROM temp.orgsweep_k1)
            DELETE FROM "users" c USING pg_temp.orgsweep_k1 k WHERE k.c0 OPERATOR(pg_catalog.=) c."id"
        "#]],
    );
}

#[test]
fn a_cycle_goes_in_one_statement_where_the_engine_checks() {
    let catalog = catalog(SCHEMA);
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    let sql = Sql::new(Dialect::Postgres, &catalog, &plan);
    expect![[r#"WITH d0 AS (DELETE FROM "users" c USING pg_temp.orgsweep_k1 k WHERE k.c0 OPERATOR(pg_catalog.=) c."id" RETURNING 1), d1 AS (DELETE FROM "deals" c USING pg_temp.orgsweep_k2 k WHERE k.c0 OPERATOR(pg_catalog.=) c."id" RETURNING 1) SELECT (SELECT (pg_catalog.count(*))::pg_catalog.text FROM d0), (SELECT (pg_catalog.count(*))::pg_catalog.text FROM d1)"#]].assert_eq(&sql.delete_together(&[USERS, DEALS]).inlined(sql.dialect));
}

#[test]
fn surviving_rows_are_unlinked_and_nothing_else_of_them_changes() {
    check(
        |sql| sql.unlink(&Change { table: USERS, unlinks: vec![0] }),
        expect![[r#"
            UPDATE main."users" AS c SET "boss" = (NULL) FROM temp.orgsweep_u0 w WHERE w.c0 = c.rowid
            UPDATE "users" AS c SET "boss" = (NULL)::integer FROM pg_temp.orgsweep_u0 w WHERE w.c0 OPERATOR(pg_catalog.=) c."id"
        "#]],
    );
}

#[test]
fn several_unlinks_of_a_row_are_written_at_once() {
    let catalog = catalog(
        "organizations(id, name)\n users(id, org -> organizations set null, boss -> organizations set null)",
    );
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    let sql = Sql::new(Dialect::Postgres, &catalog, &plan);
    let both = Change { table: USERS, unlinks: vec![0, 1] };
    expect!["CREATE TEMP TABLE orgsweep_w1 ON COMMIT DROP AS SELECT c0, max(CASE WHEN unlink = 0 THEN 1 ELSE 0 END) AS f0, max(CASE WHEN unlink = 1 THEN 1 ELSE 0 END) AS f1 FROM (SELECT c0, 0 AS unlink FROM pg_temp.orgsweep_u0 UNION ALL SELECT c0, 1 AS unlink FROM pg_temp.orgsweep_u1) s GROUP BY c0"].assert_eq(&sql.merge_kept(&both).unwrap_or_default());
    expect![[r#"UPDATE "users" AS c SET "org" = CASE WHEN w.f0 OPERATOR(pg_catalog.=) 1 THEN (NULL)::integer ELSE c."org" END, "boss" = CASE WHEN w.f1 OPERATOR(pg_catalog.=) 1 THEN (NULL)::integer ELSE c."boss" END FROM pg_temp.orgsweep_w1 w WHERE w.c0 OPERATOR(pg_catalog.=) c."id""#]].assert_eq(&sql.unlink(&both).inlined(sql.dialect));
}

#[test]
fn what_must_be_zero_is_counted_not_tested_for_existence() {
    check(
        |sql| sql.count_dangling(&[DEALS_BY]).remove(0),
        expect![[r#"
            SELECT CAST(3 AS TEXT), CAST(count(*) AS TEXT) FROM temp.orgsweep_k1 p CROSS JOIN main."deals" c ON p.c0 = c."by"
            SELECT (3)::pg_catalog.text, (pg_catalog.count(*))::pg_catalog.text FROM "deals" c JOIN pg_temp.orgsweep_k1 p ON p.c0 OPERATOR(pg_catalog.=) c."by"
        "#]],
    );
    check(
        |sql| sql.count_left(DEALS),
        expect![[r#"
            SELECT CAST(count(*) AS TEXT) FROM temp.orgsweep_k2 k JOIN main."deals" c ON k.c0 = c.rowid
            SELECT (pg_catalog.count(*))::pg_catalog.text FROM pg_temp.orgsweep_k2 k JOIN "deals" c ON k.c0 OPERATOR(pg_catalog.=) c."id"
        "#]],
    );
}

#[test]
fn identifiers_and_literals_survive_any_quote() {
    assert_eq!(quote("we\"ird"), "\"we\"\"ird\"");
    assert_eq!(literal("O'Neil"), "'O''Neil'");
}

#[test]
fn one_reading_finds_rows_by_several_references() {
    let catalog = catalog(SCHEMA);
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    let sql = Sql::new(Dialect::Postgres, &catalog, &plan);
    let (adding, rows) = ([DEALS_ORG], BTreeMap::from([(USERS, 7)]));
    let shared_scan = SharedScan {
        table: DEALS,
        adding: &adding,
        deferred: &[DEALS_BY],
        generation: 4,
        again: false,
        lock: true,
        rows: &rows,
    };
    let text = |shared_scan: &SharedScan| sql.shared_scan(shared_scan).inlined(sql.dialect) + "\n";
    expect![[r#"
        INSERT INTO pg_temp.orgsweep_k2 SELECT c."id" AS c0, c."org" AS c1, CASE WHEN p0.gen IS NOT NULL THEN 4 ELSE -(CASE WHEN c."by" IN (SELECT p.c0 FROM pg_temp.orgsweep_k1 p) THEN 1 ELSE 0 END) END FROM "deals" c LEFT JOIN pg_temp.orgsweep_k0 p0 ON p0.c0 OPERATOR(pg_catalog.=) c."org" WHERE p0.gen IS NOT NULL OR c."by" IN (SELECT p.c0 FROM pg_temp.orgsweep_k1 p) FOR UPDATE OF c
    "#]].assert_eq(&text(&shared_scan));
    // Of too many parents for a list; and the row's owner comes second.
    let (adding, rows) = ([DEALS_BY, DEALS_ORG], BTreeMap::new());
    expect![[r#"
        INSERT INTO pg_temp.orgsweep_k2 SELECT c."id" AS c0, c."org" AS c1, CASE WHEN p0.gen IS NOT NULL THEN CASE WHEN (p1.gen IS NOT NULL) AND (p1.gen IS NOT NULL OR NOT (c."org" IS NOT NULL)) THEN 4 ELSE 6 END WHEN p1.gen IS NOT NULL THEN 5 END FROM "deals" c LEFT JOIN pg_temp.orgsweep_k1 p0 ON p0.c0 OPERATOR(pg_catalog.=) c."by" LEFT JOIN pg_temp.orgsweep_k0 p1 ON p1.c0 OPERATOR(pg_catalog.=) c."org" WHERE p0.gen IS NOT NULL OR p1.gen IS NOT NULL FOR UPDATE OF c
    "#]].assert_eq(&text(&SharedScan { adding: &adding, deferred: &[], rows: &rows, ..shared_scan }));
}

/// The schema may be as it was: nothing was proven, and that is what is to be said.
#[test]
fn a_foreign_key_that_cannot_be_read_is_told_as_it_came() {
    let catalog = catalog(SCHEMA);
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    let came =
        |values: &[&str]| Row(values.iter().map(|value| Some((*value).to_owned())).collect());
    for (dialect, values) in [
        (
            Dialect::Postgres,
            ["0", "0", "ONLY users", "fk (users)", "true", "[{\"key\": null}]", ""],
        ),
        (Dialect::Sqlite, ["nobody", "0", "organizations", "org", "id", "", ""]),
        (Dialect::MARIADB, ["crm", "users", "fk", "crm", "nobody", "org", "id"]),
    ] {
        let said = Sql::new(dialect, &catalog, &plan).constraints(&[came(&values)]);
        assert_eq!(said, Err(values.join(", ")), "{dialect:?}");
    }
}

/// On every engine a row of an archive comes with how many of its values are null.
#[test]
fn archived_rows_come_with_the_number_of_their_nulls() {
    let catalog = catalog(SCHEMA);
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    for (dialect, count) in [
        (Dialect::Sqlite, r#"(c."id" IS NULL) + (c."org" IS NULL)"#),
        (Dialect::Postgres, r#"pg_catalog.num_nulls(c."id", c."org", c."by")"#),
        (Dialect::MARIADB, r#"(c.`id` IS NULL) + (c.`org` IS NULL)"#),
    ] {
        let text = Sql::new(dialect, &catalog, &plan).read_rows(DEALS).inlined(dialect);
        assert!(text.replace('"', "`").contains(&count.replace('"', "`")), "{text}");
    }
    let sql = Sql::new(Dialect::Postgres, &catalog, &plan);
    let step = Follow {
        limit: None,
        reference: DEALS_ORG,
        since: 0,
        generation: 2,
        known: false,
        excluding: false,
        lock: false,
    };
    expect![[r#"WITH d AS (DELETE FROM "deals" c USING pg_temp.orgsweep_k0 p WHERE p.c0 OPERATOR(pg_catalog.=) c."org" RETURNING c."id" AS v0, c."org" AS v1, c."by" AS v2, c."id" AS c0, c."org" AS c1), k AS (INSERT INTO pg_temp.orgsweep_k2 SELECT c0, c1, 2 FROM d) SELECT (d.v0)::pg_catalog.text, (d.v1)::pg_catalog.text, (d.v2)::pg_catalog.text, (pg_catalog.num_nulls(d.v0, d.v1, d.v2))::pg_catalog.text FROM d"#]].assert_eq(&sql.delete_children_returning(&step, true).inlined(sql.dialect));
}

#[test]
fn rows_that_name_nobody_are_counted_in_one_reading() {
    let counts = |sql: &Sql| sql.dangling_rows(USERS).map_or("nothing".into(), |(_, it)| it);
    check(
        counts,
        expect![[r#"
        SELECT CAST(count(CASE WHEN c."org" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM main."organizations" r WHERE r."id" = c."org") THEN 1 END) AS TEXT), CAST(count(CASE WHEN c."boss" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM main."users" r WHERE r."id" = c."boss") THEN 1 END) AS TEXT) FROM temp.orgsweep_k1 k CROSS JOIN main."users" c WHERE k.c0 = c.rowid
        nothing
    "#]],
    );
}

#[test]
fn a_row_is_suspect_where_an_owner_is_outside_the_closure() {
    let selected =
        Closure { selected: 1, cascaded: 1, has_keys: &|_| true, doubtful: &Doubtful::new() };
    check(
        |sql| sql.trace_suspects(DEALS, selected, 7),
        expect![[r#"
            INSERT INTO temp.orgsweep_t2 SELECT 7000000000000 + row_number() OVER (), 7, s.* FROM (SELECT k.c0 FROM temp.orgsweep_k2 k LEFT JOIN temp.orgsweep_k0 p0 ON p0.c0 = k.c1 WHERE ((k.c1 IS NOT NULL AND p0.gen IS NULL) OR (NOT (k.c1 IS NOT NULL)))) s
            INSERT INTO pg_temp.orgsweep_t2 SELECT 7000000000000 + row_number() OVER (), 7, s.* FROM (SELECT k.c0 FROM pg_temp.orgsweep_k2 k LEFT JOIN pg_temp.orgsweep_k0 p0 ON p0.c0 OPERATOR(pg_catalog.=) k.c1 WHERE ((k.c1 IS NOT NULL AND p0.gen IS NULL) OR (NOT (k.c1 IS NOT NULL)))) s
        "#]],
    );
}

#[test]
fn ancestors_are_traced_once_and_joined_by_edges() {
    check(
        |sql| sql.trace_parents(DEALS_ORG, 2, 8),
        expect![[r#"
            INSERT INTO temp.orgsweep_t0 SELECT 8000000000000 + row_number() OVER (), 8, s.* FROM (SELECT DISTINCT r.rowid AS c0 FROM temp.orgsweep_t2 t CROSS JOIN main."deals" c ON t.c0 = c.rowid CROSS JOIN main."organizations" r ON r."id" = c."org" WHERE t.gen > 2 AND t.gen < 8 AND c."org" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM temp.orgsweep_t0 x WHERE x.c0 = r.rowid)) s
            INSERT INTO pg_temp.orgsweep_t0 SELECT 8000000000000 + row_number() OVER (), 8, s.* FROM (SELECT DISTINCT r."id" AS c0 FROM pg_temp.orgsweep_t2 t JOIN "deals" c ON t.c0 OPERATOR(pg_catalog.=) c."id" JOIN "organizations" r ON r."id" OPERATOR(pg_catalog.=) c."org" WHERE t.gen > 2 AND t.gen < 8 AND c."org" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_temp.orgsweep_t0 x WHERE x.c0 OPERATOR(pg_catalog.=) r."id")) s
        "#]],
    );
    check(
        |sql| sql.add_edges(DEALS_ORG, 2, 8),
        expect![[r#"
            INSERT INTO temp.orgsweep_edge SELECT t.n, x.n FROM temp.orgsweep_t2 t CROSS JOIN main."deals" c ON t.c0 = c.rowid CROSS JOIN main."organizations" r ON r."id" = c."org" CROSS JOIN temp.orgsweep_t0 x ON x.c0 = r.rowid WHERE t.gen > 2 AND t.gen < 8 AND c."org" IS NOT NULL
            INSERT INTO pg_temp.orgsweep_edge SELECT t.n, x.n FROM pg_temp.orgsweep_t2 t JOIN "deals" c ON t.c0 OPERATOR(pg_catalog.=) c."id" JOIN "organizations" r ON r."id" OPERATOR(pg_catalog.=) c."org" JOIN pg_temp.orgsweep_t0 x ON x.c0 OPERATOR(pg_catalog.=) r."id" WHERE t.gen > 2 AND t.gen < 8 AND c."org" IS NOT NULL
        "#]],
    );
}

#[test]
fn rows_in_doubt_are_followed_up_to_what_force_did_not_find() {
    let closure =
        Closure { selected: 1, cascaded: 3, has_keys: &|_| true, doubtful: &Doubtful::new() };
    let step = StepUp { reference: DEALS_BY, since: 2, generation: 8, doubts_parents: true };
    check(
        |sql| sql.add_grounds(&step, closure),
        expect![[r#"
            INSERT INTO temp.orgsweep_g1 SELECT 8000000000000 + row_number() OVER (), 8, s.* FROM (SELECT DISTINCT p.c0 FROM temp.orgsweep_g2 t CROSS JOIN main."deals" c ON t.c0 = c.rowid CROSS JOIN temp.orgsweep_k1 p ON p.c0 = c."by" WHERE t.gen > 2 AND t.gen < 8 AND p.gen > 3 AND NOT EXISTS (SELECT 1 FROM temp.orgsweep_g1 x WHERE x.c0 = p.c0)) s
            INSERT INTO pg_temp.orgsweep_g1 SELECT 8000000000000 + row_number() OVER (), 8, s.* FROM (SELECT DISTINCT p.c0 FROM pg_temp.orgsweep_g2 t JOIN "deals" c ON t.c0 OPERATOR(pg_catalog.=) c."id" JOIN pg_temp.orgsweep_k1 p ON p.c0 OPERATOR(pg_catalog.=) c."by" WHERE t.gen > 2 AND t.gen < 8 AND p.gen > 3 AND NOT EXISTS (SELECT 1 FROM pg_temp.orgsweep_g1 x WHERE x.c0 OPERATOR(pg_catalog.=) p.c0)) s
        "#]],
    );
    check(
        |sql| sql.add_ways(&step, closure),
        expect![[r#"
            INSERT INTO temp.orgsweep_way SELECT t.n, x.n FROM temp.orgsweep_g2 t CROSS JOIN main."deals" c ON t.c0 = c.rowid CROSS JOIN temp.orgsweep_k1 p ON p.c0 = c."by" CROSS JOIN temp.orgsweep_g1 x ON x.c0 = p.c0 WHERE t.gen > 2 AND t.gen < 8 AND p.gen > 3
            INSERT INTO pg_temp.orgsweep_way SELECT t.n, x.n FROM pg_temp.orgsweep_g2 t JOIN "deals" c ON t.c0 OPERATOR(pg_catalog.=) c."id" JOIN pg_temp.orgsweep_k1 p ON p.c0 OPERATOR(pg_catalog.=) c."by" JOIN pg_temp.orgsweep_g1 x ON x.c0 OPERATOR(pg_catalog.=) p.c0 WHERE t.gen > 2 AND t.gen < 8 AND p.gen > 3
        "#]],
    );
    check(
        |sql| sql.add_sure_ways(&step, closure),
        expect![[r#"
            INSERT INTO temp.orgsweep_way SELECT DISTINCT t.n, 0 FROM temp.orgsweep_g2 t CROSS JOIN main."deals" c ON t.c0 = c.rowid CROSS JOIN temp.orgsweep_k1 p ON p.c0 = c."by" WHERE t.gen > 2 AND t.gen < 8 AND p.gen <= 3
            INSERT INTO pg_temp.orgsweep_way SELECT DISTINCT t.n, 0 FROM pg_temp.orgsweep_g2 t JOIN "deals" c ON t.c0 OPERATOR(pg_catalog.=) c."id" JOIN pg_temp.orgsweep_k1 p ON p.c0 OPERATOR(pg_catalog.=) c."by" WHERE t.gen > 2 AND t.gen < 8 AND p.gen <= 3
        "#]],
    );
    check(
        |sql| sql.find_grounded().into(),
        expect![[r#"
        CREATE TEMP TABLE orgsweep_ground AS WITH RECURSIVE ground(n) AS (SELECT e.child FROM temp.orgsweep_way e WHERE e.parent = 0 UNION SELECT e.child FROM ground w CROSS JOIN temp.orgsweep_way e ON e.parent = w.n) SELECT n FROM ground
        CREATE INDEX orgsweep_way_parent ON pg_temp.orgsweep_way (parent); CREATE INDEX orgsweep_way_child ON pg_temp.orgsweep_way (child); CREATE TEMP TABLE orgsweep_ground ON COMMIT DROP AS WITH RECURSIVE ground(n) AS (SELECT e.child FROM pg_temp.orgsweep_way e WHERE e.parent = 0 UNION SELECT e.child FROM ground w CROSS JOIN LATERAL (SELECT * FROM pg_temp.orgsweep_way e WHERE e.parent = w.n OFFSET 0) e) SELECT n FROM ground
    "#]],
    );
    check(
        |sql| sql.settle_doubts(DEALS),
        expect![[r#"
        UPDATE temp.orgsweep_v2 SET cascaded = 0 WHERE cascaded = 2 AND n NOT IN (SELECT g.n FROM temp.orgsweep_ground g)
        UPDATE pg_temp.orgsweep_v2 SET cascaded = 0 WHERE cascaded = 2 AND n NOT IN (SELECT g.n FROM pg_temp.orgsweep_ground g)
    "#]],
    );
}

#[test]
fn organizations_come_down_the_edges_to_all_that_they_own() {
    let selected =
        Closure { selected: 1, cascaded: 1, has_keys: &|_| true, doubtful: &Doubtful::new() };
    check(
        |sql| sql.find_owners(selected, &[], Counted::Each).into(),
        expect![[r#"
            CREATE TEMP TABLE orgsweep_owner AS WITH RECURSIVE owner(n, organization, selected) AS (SELECT t.n, t.n, CASE WHEN k.gen IS NULL THEN 0 ELSE 1 END FROM temp.orgsweep_t0 t LEFT JOIN temp.orgsweep_k0 k ON k.c0 = t.c0 AND k.gen <= 1 UNION SELECT 0, 0, 1 UNION SELECT e.child, w.organization, w.selected FROM owner w CROSS JOIN temp.orgsweep_edge e ON e.parent = w.n) SELECT n, organization, selected FROM owner
            CREATE INDEX orgsweep_edge_parent ON pg_temp.orgsweep_edge (parent); CREATE INDEX orgsweep_edge_child ON pg_temp.orgsweep_edge (child); CREATE TEMP TABLE orgsweep_owner ON COMMIT DROP AS WITH RECURSIVE owner(n, organization, selected) AS (SELECT t.n, t.n, CASE WHEN k.gen IS NULL THEN 0 ELSE 1 END FROM pg_temp.orgsweep_t0 t LEFT JOIN pg_temp.orgsweep_k0 k ON k.c0 OPERATOR(pg_catalog.=) t.c0 AND k.gen <= 1 UNION SELECT 0, 0, 1 UNION SELECT e.child, w.organization, w.selected FROM owner w CROSS JOIN LATERAL (SELECT * FROM pg_temp.orgsweep_edge e WHERE e.parent = w.n OFFSET 0) e) SELECT n, organization, selected FROM owner
        "#]],
    );
}

/// Deals name organizations by a column without a foreign key, notes by one with a type beside it.
fn scoped(statement: impl Fn(&Sql) -> Statement, expected: Expect) {
    let mut catalog = catalog(
        "tenants(id, name)
         deals(id, tenant_id)
         notes(id, owner_id, owner_type)
         users(id, owner_id -> tenants cascade)",
    );
    catalog.tables[2].columns[2].textual = true;
    let (policy, root) = (Policy::default(), TableId(0));
    catalog.scopes = Scopes { policy: &policy, catalog: &catalog, root }.found();
    let plan = plan::build(&catalog, root, Rules::default());
    let text = |dialect| statement(&Sql::new(dialect, &catalog, &plan)).inlined(dialect);
    let all =
        [Dialect::Sqlite, Dialect::Postgres, Dialect::MARIADB].map(|dialect| text(dialect) + "\n");
    expected.assert_eq(&all.concat());
}

#[test]
fn what_is_left_behind_is_counted_by_the_roots_key_table() {
    scoped(
        |sql| sql.count_left_behind(ReferenceId(1), true, &[]),
        expect![[r#"
        SELECT CAST(count(*) AS TEXT) FROM temp.orgsweep_k0 p JOIN main."deals" c ON p.c0 = c."tenant_id" WHERE NOT EXISTS (SELECT 1 FROM temp.orgsweep_k1 k WHERE k.c0 = c.rowid)
        SELECT (pg_catalog.count(*))::pg_catalog.text FROM pg_temp.orgsweep_k0 p JOIN "deals" c ON p.c0 OPERATOR(pg_catalog.=) c."tenant_id" WHERE NOT EXISTS (SELECT 1 FROM pg_temp.orgsweep_k1 k WHERE k.c0 OPERATOR(pg_catalog.=) c."id")
        SELECT CAST(count(*) AS CHAR) FROM orgsweep_k0 p JOIN "deals" c ON p.c0 = c."tenant_id" WHERE NOT EXISTS (SELECT 1 FROM orgsweep_k1 k WHERE k.c0 = c."id")
    "#]],
    );
    scoped(
        |sql| sql.count_left_behind(ReferenceId(2), false, &[]),
        expect![[r#"
            SELECT CAST(count(*) AS TEXT) FROM temp.orgsweep_k0 p JOIN main."notes" c ON p.c0 = c."owner_id" AND (lower(CAST(c."owner_type" AS TEXT)) = 'tenant' OR substr(lower(CAST(c."owner_type" AS TEXT)), -7) = ':tenant' OR substr(lower(CAST(c."owner_type" AS TEXT)), -7) = '\tenant' OR substr(lower(CAST(c."owner_type" AS TEXT)), -7) = '.tenant' OR substr(lower(CAST(c."owner_type" AS TEXT)), -7) = '/tenant' OR lower(CAST(c."owner_type" AS TEXT)) = 'tenants' OR substr(lower(CAST(c."owner_type" AS TEXT)), -8) = ':tenants' OR substr(lower(CAST(c."owner_type" AS TEXT)), -8) = '\tenants' OR substr(lower(CAST(c."owner_type" AS TEXT)), -8) = '.tenants' OR substr(lower(CAST(c."owner_type" AS TEXT)), -8) = '/tenants')
            SELECT (pg_catalog.count(*))::pg_catalog.text FROM pg_temp.orgsweep_k0 p JOIN "notes" c ON p.c0 OPERATOR(pg_catalog.=) c."owner_id" AND (pg_catalog.lower((c."owner_type")::pg_catalog.text) OPERATOR(pg_catalog.=) 'tenant' OR pg_catalog.right(pg_catalog.lower((c."owner_type")::pg_catalog.text), 7) OPERATOR(pg_catalog.=) ':tenant' OR pg_catalog.right(pg_catalog.lower((c."owner_type")::pg_catalog.text), 7) OPERATOR(pg_catalog.=) E'\\tenant' OR pg_catalog.right(pg_catalog.lower((c."owner_type")::pg_catalog.text), 7) OPERATOR(pg_catalog.=) '.tenant' OR pg_catalog.right(pg_catalog.lower((c."owner_type")::pg_catalog.text), 7) OPERATOR(pg_catalog.=) '/tenant' OR pg_catalog.lower((c."owner_type")::pg_catalog.text) OPERATOR(pg_catalog.=) 'tenants' OR pg_catalog.right(pg_catalog.lower((c."owner_type")::pg_catalog.text), 8) OPERATOR(pg_catalog.=) ':tenants' OR pg_catalog.right(pg_catalog.lower((c."owner_type")::pg_catalog.text), 8) OPERATOR(pg_catalog.=) E'\\tenants' OR pg_catalog.right(pg_catalog.lower((c."owner_type")::pg_catalog.text), 8) OPERATOR(pg_catalog.=) '.tenants' OR pg_catalog.right(pg_catalog.lower((c."owner_type")::pg_catalog.text), 8) OPERATOR(pg_catalog.=) '/tenants')
            SELECT CAST(count(*) AS CHAR) FROM orgsweep_k0 p JOIN "notes" c ON p.c0 = c."owner_id" AND (lower(CAST(c."owner_type" AS CHAR)) = 'tenant' OR right(lower(CAST(c."owner_type" AS CHAR)), 7) = ':tenant' OR right(lower(CAST(c."owner_type" AS CHAR)), 7) = '\tenant' OR right(lower(CAST(c."owner_type" AS CHAR)), 7) = '.tenant' OR right(lower(CAST(c."owner_type" AS CHAR)), 7) = '/tenant' OR lower(CAST(c."owner_type" AS CHAR)) = 'tenants' OR right(lower(CAST(c."owner_type" AS CHAR)), 8) = ':tenants' OR right(lower(CAST(c."owner_type" AS CHAR)), 8) = '\tenants' OR right(lower(CAST(c."owner_type" AS CHAR)), 8) = '.tenants' OR right(lower(CAST(c."owner_type" AS CHAR)), 8) = '/tenants')
        "#]],
    );
}

#[test]
fn a_series_asks_each_table_once_for_all_of_its_organizations() {
    let root = |sql: &Sql| find_root(sql.catalog, RootNames::default()).expect("tenants");
    let selection = Selection { patterns: vec!["e2e-*".into()], ..Selection::default() };
    scoped(
        |sql| sql.count_by_organization(ReferenceId(1), &root(sql), &selection),
        expect![[r#"
        SELECT CAST(c."id" AS TEXT), CAST(count(*) AS TEXT) FROM main."tenants" c JOIN main."deals" s ON c."id" = s."tenant_id" WHERE (CAST(c."name" AS TEXT) GLOB 'e2e-*') GROUP BY 1
        SELECT (c."id")::pg_catalog.text, (pg_catalog.count(*))::pg_catalog.text FROM "tenants" c JOIN "deals" s ON c."id" OPERATOR(pg_catalog.=) s."tenant_id" WHERE (((c."name")::pg_catalog.text) COLLATE pg_catalog."C" OPERATOR(pg_catalog.~~) pg_catalog.like_escape('e2e-%'::pg_catalog.text, '!')) GROUP BY 1
        SELECT CAST(c."id" AS CHAR), CAST(count(*) AS CHAR) FROM "tenants" c JOIN "deals" s ON c."id" = s."tenant_id" WHERE (CAST(c."name" AS CHAR) COLLATE utf8mb4_bin LIKE 'e2e-%' ESCAPE '!') GROUP BY 1
    "#]],
    );
}

/// One statement of MySQL's a line.
fn on_mysql(statement: impl Fn(&Sql) -> Vec<Statement>, expected: Expect) {
    let catalog = catalog(
        "organizations(id, name)
         users(id, org -> organizations cascade, boss -> users cascade, name)
         deals(id, org -> organizations cascade, by -> users restrict, of -> users set null)",
    );
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    let statements = statement(&Sql::new(Dialect::MYSQL, &catalog, &plan));
    let texts = statements.iter().flat_map(|it| it.texts(Dialect::MYSQL));
    let texts: Vec<String> = texts.map(|text| text + "\n").collect();
    for text in texts.iter().flat_map(|text| text.split("; ")) {
        for name in ["orgsweep_k0", "orgsweep_k1", "orgsweep_k2", "orgsweep_copy1"] {
            assert!(text.matches(name).count() < 2, "{name} in {text}");
        }
    }
    expected.assert_eq(&texts.concat());
}

#[test]
fn mysql_follows_a_self_reference_from_a_copy_of_what_was_found_since() {
    let step = Follow {
        reference: ReferenceId(1),
        since: 3,
        generation: 4,
        known: true,
        excluding: false,
        lock: true,
        limit: None,
    };
    on_mysql(
        |sql| vec![sql.follow(&step)],
        expect![[r#"
            DROP TEMPORARY TABLE IF EXISTS orgsweep_copy1; CREATE TEMPORARY TABLE orgsweep_copy1 LIKE orgsweep_k1
            INSERT INTO orgsweep_copy1 SELECT * FROM orgsweep_k1 WHERE gen > 3
            INSERT IGNORE INTO orgsweep_k1 SELECT c."id" AS c0, c."org" AS c1, c."boss" AS c2, 4 FROM orgsweep_copy1 p STRAIGHT_JOIN "users" c ON p.c0 = c."boss" WHERE p.gen > 3 FOR UPDATE OF c
            DROP TEMPORARY TABLE orgsweep_copy1
        "#]],
    );
    on_mysql(
        |sql| vec![sql.follow(&Follow { limit: Some(10), ..step })],
        expect![[r#"
            DROP TEMPORARY TABLE IF EXISTS orgsweep_copy1; CREATE TEMPORARY TABLE orgsweep_copy1 LIKE orgsweep_k1
            INSERT INTO orgsweep_copy1 SELECT * FROM orgsweep_k1 WHERE gen > 3
            DROP TEMPORARY TABLE IF EXISTS orgsweep_copy2; CREATE TEMPORARY TABLE orgsweep_copy2 LIKE orgsweep_k1
            INSERT INTO orgsweep_copy2 SELECT * FROM orgsweep_k1
            INSERT IGNORE INTO orgsweep_k1 SELECT c."id" AS c0, c."org" AS c1, c."boss" AS c2, 4 FROM orgsweep_copy1 p STRAIGHT_JOIN "users" c ON p.c0 = c."boss" WHERE p.gen > 3 AND NOT EXISTS (SELECT 1 FROM orgsweep_copy2 k WHERE k.c0 = c."id") LIMIT 10 FOR UPDATE OF c
            DROP TEMPORARY TABLE orgsweep_copy1
            DROP TEMPORARY TABLE orgsweep_copy2
        "#]],
    );
}

#[test]
fn mysql_is_asked_about_one_parent_in_one_statement_at_a_time() {
    let asked = [ReferenceId(1), ReferenceId(3), ReferenceId(2)];
    on_mysql(
        |sql| sql.count_dangling(&asked),
        expect![[r#"
        SELECT CAST(1 AS CHAR), CAST(count(*) AS CHAR) FROM orgsweep_k1 p STRAIGHT_JOIN "users" c ON p.c0 = c."boss" UNION ALL SELECT CAST(2 AS CHAR), CAST(count(*) AS CHAR) FROM orgsweep_k0 p STRAIGHT_JOIN "deals" c ON p.c0 = c."org"
        SELECT CAST(3 AS CHAR), CAST(count(*) AS CHAR) FROM orgsweep_k1 p STRAIGHT_JOIN "deals" c ON p.c0 = c."by"
    "#]],
    );
}
