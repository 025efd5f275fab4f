//! Whose row is it (DESIGN 3): organization A is cleaned, and each test has one way in which a row of
//! organization B hangs on A. B's rows stay, whatever is forced, until somebody consents by name.

use crate::support::*;

/// Two organizations with a user and a client each.
const PEOPLE: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE,
    email text NOT NULL
);
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO users VALUES (10, 1, 'ann@apex.test'), (20, 2, 'gil@global.test');
";

/// Deals belong to the organization and are protected by (RESTRICT) who created them: deal 200 is
/// `Global`'s, created by `Apex`'s Ann.
const DEALS: &str = "\
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    created_by integer REFERENCES users (id) ON DELETE RESTRICT,
    title text NOT NULL
);
INSERT INTO deals VALUES (100, 1, 10, 'own'), (200, 2, 10, 'other');
";

const CLEAN: [&str; 6] = ["clean", "--root", "organizations", "--org-name", "Apex", "--yes"];
const FORCED: [&str; 7] =
    ["clean", "--root", "organizations", "--org-name", "Apex", "--yes", "--force"];

fn json(db: &TestDatabase, arguments: &[&str]) -> Outcome {
    db.orgsweep(&[arguments, &["--format", "json"]].concat())
}

/// Refused with and without force; forced with this kind, table, reference and number of rows, naming
/// `Global` unless the rows are nobody's. Nothing changes.
#[track_caller]
fn assert_refused(db: &TestDatabase, kind: &str, table: &str, reference: &str) {
    let before = db.dump();
    for arguments in [&CLEAN[..], &FORCED] {
        json(db, arguments).exits(3);
        let preview = [&["preview"], &arguments[1..]].concat();
        let preview: Vec<_> = preview.into_iter().filter(|word| *word != "--yes").collect();
        json(db, &preview).exits(3);
    }
    let outcome = json(db, &FORCED);
    let named = |refusal: &serde_json::Value| {
        let other = kind == "global" || refusal["organizations"].to_string().contains("Global");
        refusal["table"] == table
            && refusal["reference"] == reference
            && refusal["rows"] == 1
            && other
    };
    assert!(
        outcome.refusals(kind).iter().any(named),
        "no refusal of {table} by {reference}\n{outcome}"
    );
    db.orgsweep(&FORCED).exits(3).says(&[table]);
    changes(&before, &db.dump()).assert_none();
}

/// The keys left in a table.
fn keys(db: &TestDatabase, table: &str) -> Vec<String> {
    db.query(&format!("SELECT id FROM {table} ORDER BY id"))
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

each_backend! {
    fn a_deal_of_b_created_by_a_s_user(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(DEALS);
        assert_refused(&db, "foreign", "deals", "deals.created_by");
    }

    fn consent_to_delete_is_per_reference(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(DEALS);
        let copy = db.copy();
        for consent in ["delete=deals.created_by", "delete"] {
            let db = copy.copy();
            json(&db, &[&FORCED[..], &["--foreign", consent]].concat()).exits(0);
            assert_eq!(keys(&db, "deals"), Vec::<String>::new());
            assert_eq!((keys(&db, "users"), keys(&db, "organizations")), (vec!["20".into()], vec!["2".into()]));
        }
        // Consent to another reference is none to this one.
        db.execute(
            "CREATE TABLE logs (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE RESTRICT)",
        );
        json(&db, &[&FORCED[..], &["--foreign", "delete=logs.user_id"]].concat()).exits(3);
        // Consent is no force.
        json(&db, &[&CLEAN[..], &["--foreign", "delete=deals.created_by"]].concat()).exits(3);
        assert_eq!(keys(&db, "deals"), ["100", "200"]);
    }

    fn foreign_rows_can_be_unlinked_or_reassigned(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(DEALS);
        let original = db.copy();
        for (consent, creator) in [
            ("unlink", ""),
            ("unlink=deals.created_by", ""),
            ("reassign=deals.created_by:20", "20"),
        ] {
            let db = original.copy();
            let outcome = json(&db, &[&FORCED[..], &["--foreign", consent]].concat()).exits(0);
            assert_eq!(keys(&db, "deals"), ["200"], "{outcome}");
            assert_eq!(db.value("SELECT created_by FROM deals WHERE id = 200"), creator, "{outcome}");
            assert_eq!(outcome.rows("unlink").get("deals"), Some(&1), "{outcome}");
            if !creator.is_empty() {
                let preview = [&FORCED[..], &["--foreign", consent, "--dry-run"]].concat();
                original.copy().orgsweep(&preview).says(&["created_by := 20"]);
            }
            assert_eq!((keys(&db, "users"), keys(&db, "organizations")), (vec!["20".into()], vec!["2".into()]));
        }
        // To nobody, and to somebody who goes too.
        for heir in ["999", "10"] {
            let consent = format!("reassign=deals.created_by:{heir}");
            json(&db, &[&FORCED[..], &["--foreign", &consent]].concat()).exits(3);
        }
        assert_eq!(keys(&db, "deals"), ["100", "200"]);
    }

    fn unlinking_a_column_that_is_not_null_is_refused(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(&DEALS.replace("created_by integer", "created_by integer NOT NULL"));
        let before = db.dump();
        let outcome = json(&db, &[&FORCED[..], &["--foreign", "unlink"]].concat()).exits(3);
        assert!(!outcome.refusals("not_null").is_empty(), "{outcome}");
        changes(&before, &db.dump()).assert_none();
    }

    fn a_payment_recorded_by_a_s_user_on_b_s_deal(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(&DEALS.replace("(200, 2, 10", "(200, 2, 20"));
        db.execute(
            "CREATE TABLE payments (id integer PRIMARY KEY, \
             deal_id integer NOT NULL REFERENCES deals (id) ON DELETE CASCADE, \
             recorded_by integer REFERENCES users (id) ON DELETE RESTRICT); \
             INSERT INTO payments VALUES (1000, 100, 10), (2000, 200, 10)",
        );
        assert_refused(&db, "foreign", "payments", "payments.recorded_by");
    }

    fn an_organization_owned_by_a_s_user(db: TestDatabase) {
        for action in ["CASCADE", "RESTRICT"] {
            let db = db.copy();
            db.execute(PEOPLE);
            db.execute(&format!(
                "ALTER TABLE organizations ADD COLUMN owner_id integer REFERENCES users (id) ON DELETE {action}"
            ));
            db.execute("UPDATE organizations SET owner_id = 10");
            assert_refused(&db, "foreign", "organizations", "organizations.owner_id");
        }
    }

    fn a_sub_organization(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "ALTER TABLE organizations ADD COLUMN parent_id integer REFERENCES organizations (id) ON DELETE CASCADE",
        );
        db.execute("INSERT INTO organizations VALUES (3, 'Sub of Global', 2), (4, 'Bystander', NULL)");
        db.execute("UPDATE organizations SET parent_id = 1 WHERE id = 2");
        db.execute("INSERT INTO users VALUES (30, 3, 'sue@sub.test'), (40, 4, 'bea@bystander.test')");
        let before = db.dump();
        for arguments in [&CLEAN[..], &FORCED] {
            let outcome = json(&db, arguments).exits(3);
            let of_parents = |refusal: &serde_json::Value| refusal["reference"] == "organizations.parent_id";
            assert!(outcome.refusals("foreign").iter().any(of_parents), "{outcome}");
            outcome.says(&["Global"]);
        }
        changes(&before, &db.dump()).assert_none();
        json(&db, &[&CLEAN[..], &["--with-children"]].concat()).exits(0);
        assert_eq!((keys(&db, "organizations"), keys(&db, "users")), (vec!["4".into()], vec!["40".into()]));
    }

    fn a_sub_organization_that_is_unlinked_stays(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "ALTER TABLE organizations ADD COLUMN parent_id integer REFERENCES organizations (id) ON DELETE SET NULL",
        );
        db.execute("UPDATE organizations SET parent_id = 1 WHERE id = 2");
        let outcome = json(&db, &CLEAN).exits(0);
        assert_eq!(outcome.rows("unlink")["organizations"], 1, "{outcome}");
        assert_eq!(keys(&db, "organizations"), ["2"]);
        assert_eq!(db.value("SELECT parent_id FROM organizations"), "");
    }

    fn a_system_role_and_a_super_admin(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE roles (id integer PRIMARY KEY, \
             organization_id integer REFERENCES organizations (id) ON DELETE CASCADE, \
             created_by integer REFERENCES users (id) ON DELETE RESTRICT, name text); \
             INSERT INTO roles VALUES (1, 1, 10, 'seller'), (2, NULL, 10, 'system')",
        );
        assert_refused(&db, "global", "roles", "roles.created_by");
        db.execute("DELETE FROM roles WHERE id = 2");
        db.execute("ALTER TABLE users ADD COLUMN invited_by integer REFERENCES users (id) ON DELETE RESTRICT");
        db.execute("INSERT INTO users VALUES (1, NULL, 'admin@everywhere.test', 10)");
        assert_refused(&db, "global", "users", "users.invited_by");
    }

    fn a_membership_of_a_s_user_in_b_s_project_goes_and_is_listed(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE projects (id integer PRIMARY KEY, \
             organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE); \
             CREATE TABLE memberships (id integer PRIMARY KEY, \
             project_id integer NOT NULL REFERENCES projects (id) ON DELETE CASCADE, \
             user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE); \
             INSERT INTO projects VALUES (5, 1), (6, 2); \
             INSERT INTO memberships VALUES (1, 5, 10), (2, 6, 10), (3, 6, 20), (4, 5, 20)",
        );
        let preview = db.orgsweep(&["preview", "--root", "organizations", "--org-name", "Apex"]).exits(0);
        preview.says(&["memberships", "Global"]);
        let outcome = json(&db, &CLEAN).exits(0);
        assert!(outcome.json().to_string().contains("Global"), "the shared rows are not listed\n{outcome}");
        assert_eq!(outcome.rows("delete")["memberships"], 3, "{outcome}");
        assert_eq!((keys(&db, "memberships"), keys(&db, "projects")), (vec!["3".into()], vec!["6".into()]));
    }

    fn two_references_to_the_root(db: TestDatabase) {
        db.execute(PEOPLE);
        let partner = |action: &str| {
            format!(
                "DROP TABLE IF EXISTS contracts; CREATE TABLE contracts (id integer PRIMARY KEY, \
                 organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE, \
                 partner_id integer REFERENCES organizations (id) ON DELETE {action}); \
                 INSERT INTO contracts VALUES (1, 1, 2), (2, 2, 1), (3, 2, 2)"
            )
        };
        // Both are named by the contract itself: what only force reaches is refused.
        db.execute(&partner("RESTRICT"));
        assert_refused(&db, "shared", "contracts", "contracts.partner_id");
        // Both own it: shared, and it goes.
        db.execute(&partner("CASCADE"));
        json(&db, &CLEAN).exits(0).says(&["Global"]);
        assert_eq!(keys(&db, "contracts"), ["3"]);
    }

    fn messages_between_users_as_roots(db: TestDatabase) {
        let messages = |action: &str| {
            format!(
                "DROP TABLE IF EXISTS messages; CREATE TABLE messages (id integer PRIMARY KEY, \
                 sender integer NOT NULL REFERENCES users (id) ON DELETE {action}, \
                 recipient integer NOT NULL REFERENCES users (id) ON DELETE {action}); \
                 INSERT INTO messages VALUES (1, 10, 20), (2, 20, 20), (3, 10, 10)"
            )
        };
        db.execute(PEOPLE);
        let root = ["--root", "users", "--name-column", "email", "--org-name", "ann@apex.test", "--yes"];
        // Reached only by force, a message that is also another user's is refused.
        db.execute(&messages("RESTRICT"));
        let before = db.dump();
        json(&db, &[&["clean"], &root[..]].concat()).exits(3);
        let outcome = json(&db, &[&["clean", "--force"], &root[..]].concat()).exits(3);
        assert_eq!(outcome.refusals("shared").len(), 1, "{outcome}");
        outcome.says(&["gil@global.test"]);
        changes(&before, &db.dump()).assert_none();
        // A cascade takes it.
        db.execute(&messages("CASCADE"));
        json(&db, &[&["clean"], &root[..]].concat()).exits(0).says(&["gil@global.test"]);
        assert_eq!((keys(&db, "messages"), keys(&db, "users")), (vec!["2".into()], vec!["20".into()]));
    }

    fn both_organizations_selected_are_no_strangers(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(DEALS);
        json(&db, &[&FORCED[..], &["--org-name", "Global"]].concat()).exits(0);
        assert_eq!(keys(&db, "deals"), Vec::<String>::new());
    }

    fn rows_stranded_by_set_null_ownership_are_shown(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE assets (id integer PRIMARY KEY, \
             organization_id integer REFERENCES organizations (id) ON DELETE SET NULL); \
             INSERT INTO assets VALUES (1, 1), (2, 1), (3, 2)",
        );
        let outcome = json(&db, &CLEAN).exits(0);
        assert_eq!(outcome.rows("unlink")["assets"], 2, "{outcome}");
        assert!(outcome.json()["notes"].to_string().contains("assets"), "no word of stranded rows\n{outcome}");
        assert_eq!(keys(&db, "assets"), ["1", "2", "3"]);
    }

    // Two tables, since the tests read every other one for several references at once.
    fn rows_that_are_found_late_are_counted_once(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(DEALS);
        for notes in ["notes", "remarks"] {
            db.execute(&format!(
                "CREATE TABLE {notes} (
                    id integer PRIMARY KEY,
                    user_id integer REFERENCES users (id) ON DELETE CASCADE,
                    deal_id integer REFERENCES deals (id) ON DELETE CASCADE
                );
                INSERT INTO {notes} VALUES (1, 10, 100), (2, NULL, 100), (3, 10, NULL), (4, NULL, 200), (5, 20, NULL)"
            ));
        }
        let preview = ["preview", "--org-name", "Apex", "--force", "--foreign", "delete"];
        let steps = json(&db, &preview).exits(0).json()["steps"].to_string();
        // Deal 200 is found by what is forced, after the notes of the first one.
        assert_eq!(steps.matches(r#""rows":4,"#).count(), 2, "{steps}");
        db.orgsweep(&[&FORCED[..], &["--foreign", "delete"]].concat()).exits(0);
        assert_eq!((db.count("notes"), db.count("remarks")), (1, 1));
    }
}
