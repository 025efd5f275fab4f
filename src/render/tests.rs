//! One small report in every format.

use super::report::{Outcome, Report};
use super::{csv, graph, json, markdown, script, table};
use crate::catalog::fixture::catalog;
use crate::catalog::{Catalog, ReferenceId, TableId};
use crate::engine::{Dialect, Silence};
use crate::findings::{Findings, Found, Organization, Proof, Unlinked};
use crate::plan::{self, Plan, Rank, Refusal, RefusalKind, Rules};
use expect_test::{Expect, expect};
use std::collections::BTreeMap;

pub const SCHEMA: &str = "
    organizations(id, name)
    users(id, organization_id -> organizations cascade, name)
    deals(id, organization_id -> organizations cascade, created_by -> users restrict, checked_by -> users set null)
    notes(id, deal_id -> deals cascade)";

fn found(table: usize, reference: Option<usize>, rank: Rank, rows: u64) -> Found {
    let script = format!("-- finds {rows} rows");
    Found { table: TableId(table), reference: reference.map(ReferenceId), rank, rows, script }
}

pub fn findings(plan: &Plan) -> Findings {
    let checked_by = plan.unlinks.iter().position(|unlink| unlink.columns == ["checked_by"]);
    Findings {
        only_counted: false,
        is_cut: false,
        digests: std::collections::BTreeMap::new(),
        proof: Proof::default(),
        prelude: Vec::new(),
        organizations: vec![Organization {
            key: "1".into(),
            name: Some("Apex".into()),
            age_seconds: Some(90_000),
        }],
        found: vec![
            found(0, None, Rank::Cascade, 1),
            found(1, Some(0), Rank::Cascade, 4),
            found(2, Some(1), Rank::Cascade, 1_200),
            found(2, Some(2), Rank::Protected, 3),
        ],
        staying: Vec::new(),
        linked: Vec::new(),
        stays: BTreeMap::new(),
        unassociated: Vec::new(),
        unlinked: vec![Unlinked {
            unlink: checked_by.expect("deals.checked_by is unlinked"),
            rows: 2,
            organizations: vec![("Global Corp (id 2)".into(), 2)],
            stranded: 0,
        }],
        unlinked_rows: 2,
        shared: Vec::new(),
        left_behind: Vec::new(),
        top_down: false,
        engine_cascade: false,
        refusals: vec![Refusal {
            rows: 3,
            parents: 1,
            samples: vec!["DLID0001 - Global Corp (id 7) → Ann (id 3)".into()],
            ..Refusal::new(RefusalKind::Protected, TableId(2), Some(ReferenceId(2)))
        }],
    }
}

fn check(render: impl Fn(&Report) -> String, expected: Expect) {
    check_of(Outcome::Refused, render, expected);
}

fn check_of(outcome: Outcome, render: impl Fn(&Report) -> String, expected: Expect) {
    let catalog: Catalog = catalog(SCHEMA);
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    let findings = findings(&plan);
    let report = Report {
        command: "preview",
        outcome,
        exit: if outcome == Outcome::Refused { 3 } else { 0 },
        database: "sqlite:crm.db".into(),
        dialect: Dialect::Sqlite,
        role: "",
        catalog: &catalog,
        plan: &plan,
        findings: &findings,
        durations: BTreeMap::new(),
        archives: Vec::new(),
        rehearsal: None,
        checks_reason: "asked for".into(),
        silence: Silence::Nothing,
        selection: "--org-name Apex".into(),
        conditions: &[],
        next: Some("orgsweep clean --org-name Apex --force".into()),
        restore: None,
        all: false,
    };
    expected.assert_eq(&render(&report));
}

#[test]
fn a_person_sees_steps_then_reasons_then_totals() {
    check(
        |report| table::report(report, 90),
        expect![[r#"
            ┌───┬────────┬───────────────┬───────┬─────────────────────────────────────────────────┐
            │ # ┆ Action ┆ Table         ┆  Rows ┆ Reached by                                      │
            ╞═══╪════════╪═══════════════╪═══════╪═════════════════════════════════════════════════╡
            │ 1 ┆ unlink ┆ deals         ┆     2 ┆ checked_by → users (set null)                   │
            │ 2 ┆ delete ┆ deals         ┆ 1,203 ┆ organization_id → organizations (cascade) 1,200 │
            │   ┆        ┆               ┆       ┆ created_by → users (restrict) 3 ⚠ needs --force │
            │ 3 ┆ delete ┆ users         ┆     4 ┆ organization_id → organizations (cascade)       │
            │ 4 ┆ delete ┆ organizations ┆     1 ┆ selected                                        │
            └───┴────────┴───────────────┴───────┴─────────────────────────────────────────────────┘
            1 more table without rows (--all shows them)

            refused: deals.created_by → users (restrict) protects 1 row of users: 3 rows of deals name
                     them
                DLID0001 - Global Corp (id 7) → Ann (id 3)
                … and 2 more
              try: --force deletes these rows too; --force=deals.created_by by this reference only

            note: deals.checked_by → users is unlinked in rows of other organizations: Global Corp (id
                  2): 2
            refused: nothing was changed (1,208 rows of 3 tables, 2 rows unlinked at stake)
            next: orgsweep clean --org-name Apex --force
        "#]],
    );
}

#[test]
fn everything_but_what_is_pasted_fits_a_narrow_terminal() {
    check(
        |report| {
            let text = table::report(report, 60);
            let pasted = |line: &&str| line.starts_with("  try: ") || line.starts_with("next: ");
            let mut lines = text.lines().filter(|line| !pasted(line));
            assert!(lines.all(|line| line.chars().count() <= 60), "{text}");
            String::new()
        },
        expect![[r#""#]],
    );
}

#[test]
fn markdown_and_csv_show_the_same_steps() {
    check(
        markdown::report,
        expect![[r#"
            **Apex (key 1)** in <code>sqlite:crm.db</code>

            | # | action | table | rows | reached by |
            |---:|---|---|---:|---|
            | 1 | unlink | deals | 2 | checked_by → users (set null) |
            | 2 | delete | deals | 1,203 | organization_id → organizations (cascade)<br>created_by → users (restrict, needs `--force`) |
            | 3 | delete | users | 4 | organization_id → organizations (cascade) |
            | 4 | delete | organizations | 1 | selected |

            - **refused**: deals.created_by → users (restrict) protects 1 row of users: 3 rows of deals name them
              - DLID0001 - Global Corp (id 7) → Ann (id 3)
            - deals.checked_by → users is unlinked in rows of other organizations: Global Corp (id 2): 2
        "#]],
    );
    check(
        csv::report,
        expect![[r#"
        order,action,table,rows,reference,parent,on_delete,reached_rows,needs_force
        1,unlink,deals,2,deals.checked_by,users,set null,2,false
        2,delete,deals,1203,deals.organization_id,organizations,cascade,1200,false
        2,delete,deals,1203,deals.created_by,users,restrict,3,true
        3,delete,users,4,users.organization_id,organizations,cascade,4,false
        4,delete,organizations,1,,,,1,false
    "#]],
    );
}

#[test]
fn json_is_complete_and_stable() {
    check(
        json::report,
        expect![[r#"
            {
              "format": 1,
              "tool": "orgsweep 0.2.0",
              "command": "preview",
              "database": "sqlite:crm.db",
              "selection": "--org-name Apex",
              "organizations": [
                {
                  "key": "1",
                  "name": "Apex",
                  "age_seconds": 90000
                }
              ],
              "outcome": "refused",
              "exit": 3,
              "reference_checks": "engine",
              "reference_checks_reason": "asked for",
              "order": "children_first",
              "steps": [
                {
                  "order": 1,
                  "action": "unlink",
                  "table": "deals",
                  "reference": "deals.checked_by",
                  "rows": 2,
                  "reached_by": [
                    {
                      "reference": "deals.checked_by",
                      "parent": "users",
                      "on_delete": "set null",
                      "rows": 2,
                      "needs_force": false
                    }
                  ],
                  "organizations": [
                    {
                      "organization": "Global Corp (id 2)",
                      "rows": 2
                    }
                  ]
                },
                {
                  "order": 2,
                  "action": "delete",
                  "table": "deals",
                  "rows": 1203,
                  "reached_by": [
                    {
                      "reference": "deals.organization_id",
                      "parent": "organizations",
                      "on_delete": "cascade",
                      "rows": 1200,
                      "needs_force": false
                    },
                    {
                      "reference": "deals.created_by",
                      "parent": "users",
                      "on_delete": "restrict",
                      "rows": 3,
                      "needs_force": true
                    }
                  ]
                },
                {
                  "order": 3,
                  "action": "delete",
                  "table": "users",
                  "rows": 4,
                  "reached_by": [
                    {
                      "reference": "users.organization_id",
                      "parent": "organizations",
                      "on_delete": "cascade",
                      "rows": 4,
                      "needs_force": false
                    }
                  ]
                },
                {
                  "order": 4,
                  "action": "delete",
                  "table": "organizations",
                  "rows": 1,
                  "reached_by": [
                    {
                      "reference": null,
                      "parent": null,
                      "on_delete": null,
                      "rows": 1,
                      "needs_force": false
                    }
                  ]
                }
              ],
              "refusals": [
                {
                  "kind": "protected",
                  "code": "protected_rows",
                  "table": "deals",
                  "reference": "deals.created_by",
                  "parent": "users",
                  "rows": 3,
                  "organizations": [],
                  "samples": [
                    "DLID0001 - Global Corp (id 7) → Ann (id 3)"
                  ],
                  "message": "deals.created_by → users (restrict) protects 1 row of users: 3 rows of deals name them",
                  "hint": "--force deletes these rows too; --force=deals.created_by by this reference only"
                }
              ],
              "notes": [
                "deals.checked_by → users is unlinked in rows of other organizations: Global Corp (id 2): 2"
              ],
              "totals": {
                "deleted": 1208,
                "unlinked": 2,
                "tables": 3
              },
              "next": "orgsweep clean --org-name Apex --force"
            }"#]],
    );
}

#[test]
fn the_script_says_what_it_does_not_check() {
    check_of(
        Outcome::Previewed,
        |report| script::report(report).expect("plain names"),
        expect![[r#"
            .bail on
            -- orgsweep 0.2.0: delete what the preview showed. Run it with: sqlite3 -bail FILE < THIS
            -- Checked by the engine alone: it stops when a count differs or a reference forbids a
            -- DELETE. orgsweep clean proves more, and shows refusals in words.
            -- organization Apex (1)
            PRAGMA foreign_keys = ON;
            BEGIN IMMEDIATE;
            PRAGMA defer_foreign_keys = ON;
            CREATE TEMP TABLE orgsweep_k0 (c0 INTEGER, gen INTEGER, PRIMARY KEY (c0));
            CREATE TEMP TABLE orgsweep_k1 (c0 INTEGER, gen INTEGER, PRIMARY KEY (c0));
            CREATE TEMP TABLE orgsweep_k2 (c0 INTEGER, c1 INT COLLATE "BINARY", gen INTEGER, PRIMARY KEY (c0));
            -- finds 1 rows;
            -- finds 4 rows;
            -- finds 1200 rows;
            -- finds 3 rows;

            -- the counts must be those of the preview
            CREATE TEMP TABLE orgsweep_count0 (rows CHECK (rows = 1)); INSERT INTO orgsweep_count0 SELECT count(*) FROM temp.orgsweep_k0;
            CREATE TEMP TABLE orgsweep_count1 (rows CHECK (rows = 4)); INSERT INTO orgsweep_count1 SELECT count(*) FROM temp.orgsweep_k1;
            CREATE TEMP TABLE orgsweep_count2 (rows CHECK (rows = 1203)); INSERT INTO orgsweep_count2 SELECT count(*) FROM temp.orgsweep_k2;

            CREATE TEMP TABLE orgsweep_u0 AS SELECT row_number() OVER () AS n, s.* FROM (SELECT c.rowid AS c0 FROM temp.orgsweep_k1 p CROSS JOIN main."deals" c ON p.c0 = c."checked_by" WHERE NOT EXISTS (SELECT 1 FROM temp.orgsweep_k2 k WHERE k.c0 = c.rowid)) s;
            UPDATE main."deals" AS c SET "checked_by" = (NULL) FROM temp.orgsweep_u0 w WHERE w.c0 = c.rowid;
            DELETE FROM main."deals" AS c WHERE (c.rowid) IN (SELECT c0 FROM temp.orgsweep_k2);
            DELETE FROM main."users" AS c WHERE (c.rowid) IN (SELECT c0 FROM temp.orgsweep_k1);
            DELETE FROM main."organizations" AS c WHERE (c.rowid) IN (SELECT c0 FROM temp.orgsweep_k0);
            COMMIT;
        "#]],
    );
}

#[test]
fn the_script_of_a_refused_preview_does_nothing_but_fail() {
    check(
        |report| script::report(report).expect("plain names"),
        expect![[r#"
            .bail on
            -- orgsweep 0.2.0: delete what the preview showed. Run it with: sqlite3 -bail FILE < THIS
            -- Checked by the engine alone: it stops when a count differs or a reference forbids a
            -- DELETE. orgsweep clean proves more, and shows refusals in words.
            -- REFUSED by orgsweep clean: deals.created_by → users (restrict) protects 1 row of users: 3 rows of deals name them
            CREATE TEMP TABLE orgsweep_refused (refused CONSTRAINT "orgsweep clean refuses this: the script's comments say why" CHECK (refused = 0));
            INSERT INTO orgsweep_refused VALUES (1);
        "#]],
    );
}

#[test]
fn the_graph_marks_what_is_protected() {
    let catalog = catalog(SCHEMA);
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    let view = graph::GraphView { catalog: &catalog, plan: &plan, findings: None };
    expect![[r#"
        ┌───────┬─────────────────────────────────┬───────────┬─────────────────┬───────┐
        │ Table ┆ Reference                       ┆ On delete ┆ Rows are        ┆ Owner │
        ╞═══════╪═════════════════════════════════╪═══════════╪═════════════════╪═══════╡
        │ users ┆ organization_id → organizations ┆ cascade   ┆ deleted         ┆ owns  │
        │ deals ┆ organization_id → organizations ┆ cascade   ┆ deleted         ┆ owns  │
        │ deals ┆ created_by → users              ┆ restrict  ┆ ⚠ needs --force ┆       │
        │ notes ┆ deal_id → deals                 ┆ cascade   ┆ deleted         ┆ owns  │
        │ deals ┆ checked_by → users              ┆ set null  ┆ unlinked        ┆       │
        └───────┴─────────────────────────────────┴───────────┴─────────────────┴───────┘
        organizations reaches 3 tables by 5 references
    "#]]
    .assert_eq(&graph::table(&view, 90));
    expect![[r#"
        digraph orgsweep {
          rankdir=LR;
          node [shape=box];
          t0 [label="organizations", style=bold];
          t1 [label="users"];
          t2 [label="deals"];
          t3 [label="notes"];
          t0 -> t1 [label="organization_id (cascade)"];
          t0 -> t2 [label="organization_id (cascade)"];
          t1 -> t2 [label="created_by (restrict)", color=red, fontcolor=red, style=bold];
          t2 -> t3 [label="deal_id (cascade)"];
          t1 -> t2 [label="checked_by (set null)", style=dashed];
        }
    "#]]
    .assert_eq(&graph::dot(&view));
    expect![[r#"
        flowchart LR
          t0["organizations"]
          t1["users"]
          t2["deals"]
          t3["notes"]
          t0 -->|"organization_id (cascade)"| t1
          t0 -->|"organization_id (cascade)"| t2
          t1 ==>|"created_by (restrict)"| t2
          t2 -->|"deal_id (cascade)"| t3
          t1 -.->|"checked_by (set null)"| t2
    "#]]
    .assert_eq(&graph::mermaid(&view));
}
