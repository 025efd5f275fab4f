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
    Relative { table: TableId(table), title: title.into(), standing }
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
