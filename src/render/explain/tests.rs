//! Rows of one small schema, explained.

use super::{ExplanationView, json, table};
use crate::catalog::fixture::catalog;
use crate::catalog::{ReferenceId, TableId};
use crate::explanation::{
    Ancestry, Explanation, Judgement, Named, Naming, Owner, Protector, Relative, Standing, Step,
};
use crate::findings::Organization;
use crate::plan::{self, Rank, Rules};
use expect_test::{Expect, expect};

const SCHEMA: &str = "
    organizations(id, name)
    users(id, organization_id -> organizations cascade, name)
    deals(id, organization_id -> organizations cascade, created_by -> users restrict, checked_by -> users set null)";

const APEX: &str = "Apex (id 1)";
const GLOBAL: &str = "Global Corp (id 2)";

fn relative(table: usize, title: &str, standing: Standing) -> Relative {
    Relative { table: TableId(table), title: title.into(), standing, refused: false }
}

fn step(child: usize, parent: usize, reference: usize, rank: Rank) -> Step {
    Step { child, parent, reference: ReferenceId(reference), rank }
}

fn named(reference: usize, parent: Relative) -> Naming {
    let parent = Named::Row { parent, excluded: false };
    Naming { reference: ReferenceId(reference), parent }
}

fn owner(title: &str, selected: bool) -> Owner {
    Owner { title: title.into(), selected }
}

/// A deal, and what `change` makes of it.
fn explanation(standing: Standing, change: impl Fn(&mut Explanation)) -> Explanation {
    let organization =
        Organization { key: "1".into(), name: Some("Apex".into()), age_seconds: None };
    let deal = relative(2, "DLID0001 - Global Corp (id 7)", standing);
    let mut explanation = Explanation {
        organizations: vec![organization],
        ancestry: Ancestry { rows: vec![deal], ..Ancestry::default() },
        owners: Vec::new(),
        names: Vec::new(),
        judged: None,
        said: None,
        unlinks: Vec::new(),
        protectors: Vec::new(),
        refusals: 0,
    };
    change(&mut explanation);
    explanation
}

fn check(explanation: &Explanation, render: fn(&ExplanationView) -> String, expected: Expect) {
    let catalog = catalog(SCHEMA);
    let plan = plan::build(&catalog, TableId(0), Rules::default());
    let database = "sqlite:crm.db";
    let view = ExplanationView { catalog: &catalog, plan: &plan, explanation, database, exit: 0 };
    expected.assert_eq(&render(&view));
}

fn text(view: &ExplanationView) -> String {
    table(view, 90)
}

fn going() -> Explanation {
    explanation(Standing::Goes, |deal| {
        deal.owners = vec![owner(APEX, true)];
        deal.ancestry.rows.push(relative(0, APEX, Standing::Selected));
        deal.ancestry.rows.push(relative(1, "Ann (id 3)", Standing::Goes));
        deal.ancestry.steps = vec![
            step(0, 2, 2, Rank::Protected),
            step(0, 1, 1, Rank::Cascade),
            step(2, 1, 0, Rank::Cascade),
        ];
        deal.refusals = 2;
    })
}

#[test]
fn a_row_that_goes_shows_every_way_to_it() {
    check(
        &going(),
        text,
        expect![[r#"
            deals: DLID0001 - Global Corp (id 7)
            belongs to Apex (id 1), selected
            goes with Apex (id 1), by deals.organization_id → organizations (cascade)
            ┌─────┬───────────────┬───────────────────────────────┬───────────────────────────────┐
            │ Way ┆ Table         ┆ Row                           ┆ Reached by                    │
            ╞═════╪═══════════════╪═══════════════════════════════╪═══════════════════════════════╡
            │   1 ┆ organizations ┆ Apex (id 1)                   ┆ selected                      │
            │     ┆ deals         ┆ DLID0001 - Global Corp (id 7) ┆ organization_id (cascade)     │
            │   2 ┆ organizations ┆ Apex (id 1)                   ┆ selected                      │
            │     ┆ users         ┆ Ann (id 3)                    ┆ organization_id (cascade)     │
            │     ┆ deals         ┆ DLID0001 - Global Corp (id 7) ┆ created_by (restrict) ⚠ needs │
            │     ┆               ┆                               ┆ --force                       │
            └─────┴───────────────┴───────────────────────────────┴───────────────────────────────┘
            note: clean refuses with these flags, for 2 reasons: orgsweep preview tells them
        "#]],
    );
}

#[test]
fn what_only_force_reaches_says_so() {
    let deal = explanation(Standing::NeedsForce, |deal| {
        deal.ancestry.rows.push(relative(1, "Ann (id 3)", Standing::Selected));
        deal.ancestry.steps = vec![step(0, 1, 2, Rank::Protected)];
        deal.owners = vec![owner(GLOBAL, false)];
    });
    check(
        &deal,
        text,
        expect![[r#"
        deals: DLID0001 - Global Corp (id 7)
        belongs to Global Corp (id 2), not selected
        goes only with --force: by deals.created_by → users (restrict)
          try: --force, or only --force=deals.created_by
        ┌─────┬───────┬───────────────────────────────┬───────────────────────────────────────┐
        │ Way ┆ Table ┆ Row                           ┆ Reached by                            │
        ╞═════╪═══════╪═══════════════════════════════╪═══════════════════════════════════════╡
        │   1 ┆ users ┆ Ann (id 3)                    ┆ orphaned                              │
        │     ┆ deals ┆ DLID0001 - Global Corp (id 7) ┆ created_by (restrict) ⚠ needs --force │
        └─────┴───────┴───────────────────────────────┴───────────────────────────────────────┘
    "#]],
    );
    let mut foreign = Explanation { judged: Some(Judgement::Foreign), ..deal };
    foreign.ancestry.rows[0].refused = true;
    check(
        &foreign,
        text,
        expect![[r#"
            deals: DLID0001 - Global Corp (id 7)
            belongs to Global Corp (id 2), not selected
            refused: it belongs to Global Corp (id 2), and --force deletes no foreign row
              try: --foreign unlink=deals.created_by keeps it, --foreign delete=deals.created_by lets it go
            ┌─────┬───────┬───────────────────────────────┬──────────────────────────────────────────┐
            │ Way ┆ Table ┆ Row                           ┆ Reached by                               │
            ╞═════╪═══════╪═══════════════════════════════╪══════════════════════════════════════════╡
            │   1 ┆ users ┆ Ann (id 3)                    ┆ orphaned                                 │
            │     ┆ deals ┆ DLID0001 - Global Corp (id 7) ┆ created_by (restrict) ⚠ needs --force ⚠  │
            │     ┆       ┆                               ┆ refused                                  │
            └─────┴───────┴───────────────────────────────┴──────────────────────────────────────────┘
        "#]],
    );
}

#[test]
fn a_row_that_stays_shows_what_becomes_of_those_it_names() {
    let stays = explanation(Standing::Stays, |deal| {
        deal.owners = vec![owner(APEX, true), owner(GLOBAL, false)];
        deal.names = vec![
            named(1, relative(0, GLOBAL, Standing::Stays)),
            Naming { reference: ReferenceId(2), parent: Named::Missing("99".into()) },
            Naming { reference: ReferenceId(3), parent: Named::Nobody },
        ];
    });
    check(
        &stays,
        text,
        expect![[r#"
            deals: DLID0001 - Global Corp (id 7)
            belongs to Apex (id 1), selected, and Global Corp (id 2), not selected
            stays: no row that it names takes it along
            ┌───────────────────────────────────┬───────┬──────────────────────────┬─────────────────┐
            │ Reference                         ┆ Owner ┆ Names                    ┆ So              │
            ╞═══════════════════════════════════╪═══════╪══════════════════════════╪═════════════════╡
            │ organization_id → organizations   ┆ owns  ┆ Global Corp (id 2)       ┆ is not selected │
            │ (cascade)                         ┆       ┆                          ┆                 │
            │ created_by → users (restrict)     ┆       ┆ 99, which does not exist ┆                 │
            │ checked_by → users (set null)     ┆       ┆ nobody                   ┆                 │
            └───────────────────────────────────┴───────┴──────────────────────────┴─────────────────┘
        "#]],
    );
    let unlinked = explanation(Standing::Stays, |deal| {
        deal.names = vec![named(3, relative(1, "Ann (id 3)", Standing::Goes))];
        deal.unlinks = vec![0];
    });
    check(
        &unlinked,
        text,
        expect![[r#"
            deals: DLID0001 - Global Corp (id 7)
            belongs to no organization
            stays, and is unlinked: checked_by becomes null
            ┌───────────────────────────────┬───────┬────────────┬───────────────────────────────┐
            │ Reference                     ┆ Owner ┆ Names      ┆ So                            │
            ╞═══════════════════════════════╪═══════╪════════════╪═══════════════════════════════╡
            │ checked_by → users (set null) ┆       ┆ Ann (id 3) ┆ goes; checked_by becomes null │
            └───────────────────────────────┴───────┴────────────┴───────────────────────────────┘
        "#]],
    );
}

#[test]
fn a_row_that_is_protected_names_those_that_do() {
    let protected = explanation(Standing::Selected, |user| {
        user.ancestry.rows[0] = relative(0, APEX, Standing::Selected);
        let samples = vec!["DLID0001 (id 7)".into()];
        user.protectors = vec![Protector { reference: ReferenceId(2), rows: 1_200, samples }];
        user.refusals = 1;
    });
    check(
        &protected,
        text,
        expect![[r#"
        organizations: Apex (id 1)
        goes: it is a selected organization
        protected: 1,200 rows of deals name it by created_by (restrict), which only
                   --force=deals.created_by follows
            DLID0001 (id 7)
            … and 1,199 more
        note: clean refuses with these flags, for 1 reason: orgsweep preview tells them
    "#]],
    );
}

#[test]
fn long_ways_and_many_are_shortened() {
    let many = explanation(Standing::Goes, |deal| {
        deal.ancestry.rows.push(relative(0, APEX, Standing::Selected));
        deal.ancestry.steps = (0..7).map(|_| step(0, 1, 1, Rank::Cascade)).collect();
        let chain = (2..22).map(|n| relative(1, &format!("id {n}"), Standing::Goes));
        deal.ancestry.rows.extend(chain);
        deal.ancestry.steps.truncate(6);
        deal.ancestry.steps.push(step(0, 21, 2, Rank::Cascade));
        deal.ancestry.steps.extend((2..22).map(|n| step(n, n - 1, 0, Rank::Cascade)));
        deal.ancestry.steps.drain(0..5);
    });
    check(
        &many,
        text,
        expect![[r#"
        deals: DLID0001 - Global Corp (id 7)
        belongs to no organization
        goes with Apex (id 1), by deals.organization_id → organizations (cascade)
        ┌─────┬───────────────┬───────────────────────────────┬───────────────────────────┐
        │ Way ┆ Table         ┆ Row                           ┆ Reached by                │
        ╞═════╪═══════════════╪═══════════════════════════════╪═══════════════════════════╡
        │   1 ┆ organizations ┆ Apex (id 1)                   ┆ selected                  │
        │     ┆ deals         ┆ DLID0001 - Global Corp (id 7) ┆ organization_id (cascade) │
        │   2 ┆ organizations ┆ Apex (id 1)                   ┆ selected                  │
        │     ┆ users         ┆ id 2                          ┆ organization_id (cascade) │
        │     ┆ users         ┆ id 3                          ┆ organization_id (cascade) │
        │     ┆ users         ┆ id 4                          ┆ organization_id (cascade) │
        │     ┆ users         ┆ id 5                          ┆ organization_id (cascade) │
        │     ┆ users         ┆ id 6                          ┆ organization_id (cascade) │
        │     ┆ users         ┆ id 7                          ┆ organization_id (cascade) │
        │     ┆ …             ┆ … 9 more rows                 ┆ …                         │
        │     ┆ users         ┆ id 17                         ┆ organization_id (cascade) │
        │     ┆ users         ┆ id 18                         ┆ organization_id (cascade) │
        │     ┆ users         ┆ id 19                         ┆ organization_id (cascade) │
        │     ┆ users         ┆ id 20                         ┆ organization_id (cascade) │
        │     ┆ users         ┆ id 21                         ┆ organization_id (cascade) │
        │     ┆ deals         ┆ DLID0001 - Global Corp (id 7) ┆ created_by (restrict)     │
        └─────┴───────────────┴───────────────────────────────┴───────────────────────────┘
    "#]],
    );
    let many = explanation(Standing::Goes, |deal| {
        deal.ancestry.rows.push(relative(0, APEX, Standing::Selected));
        deal.ancestry.steps = (0..7).map(|_| step(0, 1, 1, Rank::Cascade)).collect();
    });
    let last_line = |view: &ExplanationView| text(view).lines().last().unwrap_or("").to_owned();
    check(&many, last_line, expect!["… and 2 more ways"]);
}

#[test]
fn everything_fits_a_narrow_terminal() {
    check(
        &going(),
        |view| {
            let text = table(view, 50);
            assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
            String::new()
        },
        expect![[""]],
    );
}

#[test]
fn json_is_complete_and_stable() {
    let deal = explanation(Standing::Stays, |deal| {
        deal.owners = vec![owner(GLOBAL, false)];
        deal.names = vec![
            named(1, relative(0, GLOBAL, Standing::Stays)),
            named(3, relative(1, "Ann (id 3)", Standing::Goes)),
            Naming { reference: ReferenceId(2), parent: Named::Missing("99".into()) },
        ];
        deal.unlinks = vec![0];
        let samples = vec!["id 8".into()];
        deal.protectors = vec![Protector { reference: ReferenceId(2), rows: 1, samples }];
        deal.refusals = 1;
    });
    check(
        &deal,
        json,
        expect![[r#"
            {
              "format": 1,
              "tool": "orgsweep 0.2.0",
              "command": "explain",
              "database": "sqlite:crm.db",
              "organizations": [
                {
                  "key": "1",
                  "name": "Apex",
                  "age_seconds": null
                }
              ],
              "outcome": "explained",
              "exit": 0,
              "row": {
                "table": "deals",
                "title": "DLID0001 - Global Corp (id 7)",
                "standing": "stays",
                "refused": false
              },
              "verdict": "unlinked",
              "reason": "stays, and is unlinked: checked_by becomes null",
              "hint": null,
              "belongs_to": [
                {
                  "organization": "Global Corp (id 2)",
                  "selected": false
                }
              ],
              "ways": [],
              "ways_cut": false,
              "references": [
                {
                  "reference": "deals.organization_id",
                  "parent": "organizations",
                  "on_delete": "cascade",
                  "needs_force": false,
                  "by_policy": false,
                  "owning": true,
                  "names": {
                    "table": "organizations",
                    "title": "Global Corp (id 2)",
                    "standing": "stays",
                    "refused": false
                  },
                  "effect": "parent_stays"
                },
                {
                  "reference": "deals.checked_by",
                  "parent": "users",
                  "on_delete": "set null",
                  "needs_force": false,
                  "by_policy": false,
                  "owning": false,
                  "names": {
                    "table": "users",
                    "title": "Ann (id 3)",
                    "standing": "goes",
                    "refused": false
                  },
                  "effect": "unlinked",
                  "becomes": "null"
                },
                {
                  "reference": "deals.created_by",
                  "parent": "users",
                  "on_delete": "restrict",
                  "needs_force": true,
                  "by_policy": false,
                  "owning": false,
                  "names": null,
                  "missing": "99",
                  "effect": "names_nobody"
                }
              ],
              "protected_by": [
                {
                  "reference": "deals.created_by",
                  "parent": "users",
                  "on_delete": "restrict",
                  "needs_force": true,
                  "by_policy": false,
                  "table": "deals",
                  "rows": 1,
                  "samples": [
                    "id 8"
                  ]
                }
              ],
              "refusals": 1
            }"#]],
    );
}
