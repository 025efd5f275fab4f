//! Users whose last membership goes belong to nobody any more: told, and no reason to refuse.

use super::*;

/// Ann is a member of Apex alone, Bob of both, Cid of Apex and a guest of Global; Eve has an employer of her own.
const MEMBERSHIPS: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY, name varchar(9) NOT NULL,
    employer_id integer REFERENCES organizations (id) ON DELETE SET NULL);
CREATE TABLE memberships (id integer PRIMARY KEY,
    user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    UNIQUE (user_id, organization_id));
CREATE TABLE guests (
    user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    PRIMARY KEY (organization_id, user_id));
INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global');
INSERT INTO users VALUES (1, 'ann', NULL), (2, 'bob', NULL), (3, 'cid', NULL), (4, 'dan', NULL), (5, 'eve', 2);
INSERT INTO memberships VALUES (1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 3, 1), (5, 5, 1);
INSERT INTO guests VALUES (3, 2), (1, 1);
";

const TOLD: &str = "1 row of users belongs to nobody any more, as their last rows of memberships go (memberships.user_id)";

each_backend! {
    fn whose_last_membership_goes_is_counted(db: TestDatabase) {
        db.execute(MEMBERSHIPS);
        db.orgsweep(&["preview", "--org-name", "Apex"]).exits(0).says(&[TOLD]);
        for flags in [
            &[][..],
            &["--reference-checks", "engine"],
            &["--no-archive", "--verify"],
            &["--batch-rows", "2"],
            &["--keep-organization"],
            &["--cascade", "users.employer_id"],
        ] {
            let copy = db.copy();
            let receipt = copy.directory().join("receipt.json").display().to_string();
            let clean = [&APEX[..], flags, &["--format", "json", "--receipt", &receipt]].concat();
            let outcome = copy.orgsweep(&clean).exits(0);
            let told = outcome.json()["unassociated"].clone();
            let expected = serde_json::json!([
                { "reference": "memberships.user_id", "rows": 1 },
                { "reference": "guests.user_id", "rows": 1 },
            ]);
            let sorted = |told: &Value| {
                let mut told = told.as_array().cloned().unwrap_or_default();
                told.sort_by_key(ToString::to_string);
                told
            };
            assert_eq!(sorted(&told), sorted(&expected), "{flags:?}: {outcome}");
            let receipt: Value = serde_json::from_slice(&std::fs::read(receipt).unwrap()).unwrap();
            let part = receipt["parts"].as_array().and_then(|parts| parts.last()).cloned().unwrap_or_default();
            assert_eq!(part["unassociated"]["memberships.user_id"], 1, "{flags:?}: {receipt:#}");
            assert_eq!(copy.count("users"), 5);
        }
    }

    /// Who always has an owner, or goes, is nobody's concern; nor is a table that the policy says links nothing.
    fn nothing_is_asked_where_nobody_can_be_left_alone(db: TestDatabase) {
        db.execute(MEMBERSHIPS);
        let policy = "[tables.memberships]\nassociation = false\n[tables.guests]\nassociation = false\n";
        std::fs::write(db.directory().join("orgsweep.toml"), policy).unwrap();
        db.orgsweep(&["preview", "--org-name", "Apex"]).exits(0).hides("belongs to nobody");
    }
}
