//! Conditions in SQL: one expression over one table. What is more than that is refused before
//! anything happens.

use super::*;

fn small(db: &TestDatabase) {
    db.execute(PEOPLE);
    db.execute("INSERT INTO users VALUES (40, NULL, 'left@e2e.test')");
}

const ORPHANS: &str = "[[orphans]]\ntable = \"users\"\nwhere = ";
const TEST_DATA: &str = "[guards.test-data]\nusers = ";

/// Refused as an orphan's condition and as a guard's.
#[track_caller]
fn unfit(db: &TestDatabase, condition: &str) {
    let before = db.dump();
    let quoted = format!("'''{condition}'''\n");
    // An orphan's condition tells where it stands, and so does a guard's, beside orphans in order.
    let guard = format!("{TEST_DATA}{quoted}{ORPHANS}'1 = 0'\n");
    for (text, place) in
        [(format!("{ORPHANS}{quoted}"), "orgsweep.toml:3"), (guard, "orgsweep.toml:2")]
    {
        policy(db, &text);
        for command in [
            &["preview", "--org-name", "Apex"][..],
            &["clean", "--orphans", "only", "--yes"],
            &["clean", "--org-name", "Apex", "--force", "--yes"],
            &["policy", "check"],
        ] {
            let outcome = db.orgsweep(&[command, &["--format", "json"]].concat());
            changes(&before, &db.dump()).assert_none();
            outcome.exits(2).says(&[place]);
        }
    }
}

each_backend! {
    fn no_sql(db: TestDatabase) {
        small(&db);
        for condition in ["email LIKE", "email = = 'x'", "nothing = 1", "email = 'open", "", "  ", "SELECT",
            "no_such_function(email)", "EXISTS (SELECT 1 FROM nothing)"]
        {
            unfit(&db, condition);
        }
    }

    fn more_than_one_statement(db: TestDatabase) {
        small(&db);
        for condition in ["1 = 1; DROP TABLE users", "1 = 1); DROP TABLE users; --", "1 = 1; --", "1 = 1;",
            "1 = 1); DELETE FROM users; SELECT (1"]
        {
            unfit(&db, condition);
        }
    }

    /// They would get round what orgsweep adds: that nobody else owns the row.
    fn what_breaks_out_of_its_parentheses(db: TestDatabase) {
        small(&db);
        for condition in ["1 = 1) OR (1 = 1", "1 = 1) --", "1 = 1) /*", "1 = 1) OR (1 = 1) --",
            "1 = 1) LIMIT 0 --", "1 = 1) UNION SELECT email FROM users WHERE (1 = 1", "(1 = 1", "1 = 1)",
            "1 = 1 THEN 1 WHEN 1 = 1"]
        {
            unfit(&db, condition);
        }
    }

    /// Comments, line ends, quotes and sub-selects are a condition's own business.
    fn what_people_write(db: TestDatabase) {
        small(&db);
        for condition in [
            "organization_id IS NULL AND email LIKE '%@e2e.test'",
            "organization_id IS NULL -- left over",
            "\norganization_id IS NULL\n  AND email LIKE '%e2e%'  -- left over\n",
            "/* left over */ organization_id IS NULL",
            "email IN ('left@e2e.test', 'it''s', 'a ) b', '; --')",
            "id = (SELECT max(o.id) FROM users o)",
            "(email LIKE '%@e2e.test') OR (email = 'x')",
            "id = 1 OR id = 40",
        ] {
            let text = format!("{ORPHANS}'''{condition}'''\n");
            cleans_of(&db, &text, &["--orphans", "only"], &["- users 40"]);
        }
        let text = format!("{TEST_DATA}'''email LIKE '%@apex.test' -- ours\n'''\n");
        cleans(&db, &text, &[], &["- organizations 1", "- users 10"]);
        let text = format!("{TEST_DATA}'''email LIKE '%@e2e.test' OR\n 1 = 0 -- none\n'''\n");
        refuses(&db, &text, &["--force"], &["guard"]);
    }
}
