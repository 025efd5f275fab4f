use super::*;
use expect_test::{Expect, expect};

fn unit(key: &str, name: Option<&str>, age_seconds: Option<i64>) -> Unit {
    Unit::of(Organization { key: key.into(), name: name.map(str::to_owned), age_seconds })
}

fn ended(unit: Unit, ended: Ended, exit: Exit, deleted: u64, unlinked: u64) -> Unit {
    let took = Duration::from_millis(1_250);
    Unit { ended, exit: Some(exit), deleted, unlinked, took, ..unit }
}

fn failed(unit: Unit, exit: Exit, message: &str) -> Unit {
    let mut failed = Unit { took: Duration::from_millis(7), ..unit };
    failed.failed(Problem::new(exit, message).hint("try again"));
    failed
}

fn skipped(mut unit: Unit) -> Unit {
    unit.skipped("interrupted before its turn");
    unit
}

fn check(exit: Exit, units: &[Unit], next: Option<&str>, expected: Expect) {
    check_width(78, exit, units, next, expected);
}

fn check_width(width: u16, exit: Exit, units: &[Unit], next: Option<&str>, expected: Expect) {
    let summary = Summary {
        command: "clean",
        database: "sqlite:crm.db",
        exit,
        selection: "--org-like 'e2e-*'",
        units,
        full: None,
        next,
    };
    expected.assert_eq(&table(&summary, width));
}

#[test]
fn a_series_tells_how_each_fared_and_how_many_did() {
    let units = [
        ended(unit("1", Some("e2e-1"), Some(90_000)), Ended::Cleaned, Exit::Done, 1_200, 3),
        failed(unit("2", Some(" "), None), Exit::Busy, "database is locked\nby somebody"),
        ended(unit("3", Some("e2e\u{1b}3"), Some(-5)), Ended::Nothing, Exit::Done, 0, 0),
        skipped(unit("4", Some("e2e-4"), Some(864_000))),
        skipped(Unit::default()),
    ];
    check(
        Exit::Partly,
        &units,
        None,
        expect![[r#"
        ┌──────────────┬─────┬──────────┬──────────────┬───────┬──────────┬───────┐
        │ Organization ┆ Key ┆      Age ┆ Outcome      ┆  Rows ┆ Unlinked ┆  Time │
        ╞══════════════╪═════╪══════════╪══════════════╪═══════╪══════════╪═══════╡
        │ e2e-1        ┆ 1   ┆ 25 hours ┆ cleaned      ┆ 1,200 ┆        3 ┆ 1.2 s │
        │ (no name)    ┆ 2   ┆          ┆ failed       ┆       ┆          ┆  7 ms │
        │ e2e\u{1b}3   ┆ 3   ┆          ┆ nothing left ┆       ┆          ┆ 1.2 s │
        │ e2e-4        ┆ 4   ┆  10 days ┆ not tried    ┆       ┆          ┆       │
        │ (orphans)    ┆     ┆          ┆ not tried    ┆       ┆          ┆       │
        └──────────────┴─────┴──────────┴──────────────┴───────┴──────────┴───────┘
        failed: key 2: database is locked
        not tried: e2e-4 (key 4): interrupted before its turn
        not tried: orphans: interrupted before its turn
        partly done: 1 cleaned, 1 failed, 1 with nothing left, 2 not tried; 1,200 rows
          deleted, 3 rows unlinked in 2.5 s
    "#]],
    );
    check_width(
        110,
        Exit::Partly,
        &units,
        None,
        expect![[r#"
            ┌──────────────┬─────┬──────────┬──────────────┬───────┬──────────┬───────┬─────────────────────────────┐
            │ Organization ┆ Key ┆      Age ┆ Outcome      ┆  Rows ┆ Unlinked ┆  Time ┆ Why                         │
            ╞══════════════╪═════╪══════════╪══════════════╪═══════╪══════════╪═══════╪═════════════════════════════╡
            │ e2e-1        ┆ 1   ┆ 25 hours ┆ cleaned      ┆ 1,200 ┆        3 ┆ 1.2 s ┆                             │
            │ (no name)    ┆ 2   ┆          ┆ failed       ┆       ┆          ┆  7 ms ┆ database is locked          │
            │ e2e\u{1b}3   ┆ 3   ┆          ┆ nothing left ┆       ┆          ┆ 1.2 s ┆                             │
            │ e2e-4        ┆ 4   ┆  10 days ┆ not tried    ┆       ┆          ┆       ┆ interrupted before its turn │
            │ (orphans)    ┆     ┆          ┆ not tried    ┆       ┆          ┆       ┆ interrupted before its turn │
            └──────────────┴─────┴──────────┴──────────────┴───────┴──────────┴───────┴─────────────────────────────┘
            partly done: 1 cleaned, 1 failed, 1 with nothing left, 2 not tried; 1,200 rows deleted, 3 rows unlinked in 2.5
              s
        "#]],
    );
}

#[test]
fn columns_that_say_nothing_are_left_out() {
    let units = [ended(unit("1", Some("e2e-1"), None), Ended::Previewed, Exit::Done, 63, 0)];
    check(
        Exit::Done,
        &units,
        Some("orgsweep clean --org-like 'e2e-*' --per-org"),
        expect![[r#"
            ┌──────────────┬─────┬──────────┬──────┬───────┐
            │ Organization ┆ Key ┆ Outcome  ┆ Rows ┆  Time │
            ╞══════════════╪═════╪══════════╪══════╪═══════╡
            │ e2e-1        ┆ 1   ┆ would go ┆   63 ┆ 1.2 s │
            └──────────────┴─────┴──────────┴──────┴───────┘
            1 would go; 63 rows would be deleted
            next: orgsweep clean --org-like 'e2e-*' --per-org
        "#]],
    );
    check(
        Exit::Done,
        &[],
        None,
        expect![[r#"
        nothing to clean up: nothing matches --org-like 'e2e-*'
    "#]],
    );
}

#[test]
fn an_unknown_outcome_is_not_called_unchanged() {
    let units = [failed(unit("1", Some("e2e-1"), None), Exit::Unknown, "the connection died")];
    check(
        Exit::Unknown,
        &units,
        None,
        expect![[r#"
            ┌──────────────┬─────┬─────────┬──────┐
            │ Organization ┆ Key ┆ Outcome ┆ Time │
            ╞══════════════╪═════╪═════════╪══════╡
            │ e2e-1        ┆ 1   ┆ unknown ┆ 7 ms │
            └──────────────┴─────┴─────────┴──────┘
            unknown: e2e-1 (key 1): the connection died
            1 of unknown outcome; the connection died during COMMIT
        "#]],
    );
}

#[test]
fn json_has_all_of_it() {
    let units = [
        ended(unit("1", Some("e2e-1"), Some(90_000)), Ended::Cleaned, Exit::Done, 63, 0),
        failed(unit("2", None, None), Exit::Failed, "kept"),
    ];
    let summary = Summary {
        command: "clean",
        database: "sqlite:crm.db",
        exit: Exit::Partly,
        selection: "--org-like 'e2e-*'",
        units: &units,
        full: None,
        next: None,
    };
    let json = json(&summary).replace(env!("CARGO_PKG_VERSION"), "VERSION");
    expect![[r#"
        {
          "format": 1,
          "tool": "orgsweep VERSION",
          "command": "clean",
          "database": "sqlite:crm.db",
          "outcome": "partly",
          "exit": 8,
          "per_organization": [
            {
              "key": "1",
              "name": "e2e-1",
              "age_seconds": 90000,
              "outcome": "cleaned",
              "exit": 0,
              "deleted": 63,
              "unlinked": 0,
              "milliseconds": 1250.0,
              "why": null,
              "hint": null,
              "report": null
            },
            {
              "key": "2",
              "name": null,
              "age_seconds": null,
              "outcome": "failed",
              "exit": 1,
              "deleted": 0,
              "unlinked": 0,
              "milliseconds": 7.0,
              "why": "kept",
              "hint": "try again",
              "report": null
            }
          ],
          "totals": {
            "selected": 2,
            "cleaned": 1,
            "refused": 0,
            "failed": 1,
            "not_tried": 0,
            "deleted": 63,
            "unlinked": 0
          },
          "next": null
        }"#]]
    .assert_eq(&json);
}
