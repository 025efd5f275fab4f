//! `with-parent`: rows that are one thing in two tables go together; a parent that is something else
//! stays.

use super::*;

/// Places, some of which are restaurants, some of which are pizzerias. Only restaurants say whose
/// they are. Place 3 is none, 4 and 5 are Global's, 6 is a pizzeria of Apex.
const PLACES: &str = "\
CREATE TABLE places (id integer PRIMARY KEY, address text);
CREATE TABLE restaurants (
    place_id integer PRIMARY KEY REFERENCES places (id),
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE TABLE pizzerias (
    restaurant_id integer PRIMARY KEY REFERENCES restaurants (place_id),
    oven text
);
CREATE TABLE visits (id integer PRIMARY KEY, place_id integer REFERENCES places (id) ON DELETE CASCADE);
INSERT INTO places VALUES (1, 'a'), (3, 'c'), (4, 'd'), (5, 'e'), (6, 'f');
INSERT INTO restaurants VALUES (1, 1), (4, 2), (5, 2), (6, 1);
INSERT INTO pizzerias VALUES (5, 'stone'), (6, 'steel');
INSERT INTO visits VALUES (1, 1), (3, 3), (4, 4), (6, 6);
";

const BOTH: &str = "\
[[references]]
from = \"restaurants.place_id\"
on-delete = \"cascade\"
with-parent = true

[[references]]
from = \"pizzerias.restaurant_id\"
on-delete = \"cascade\"
with-parent = true
";

const GONE: [&str; 9] = [
    "- organizations 1",
    "- users 10",
    "- restaurants 1",
    "- restaurants 6",
    "- pizzerias 6",
    "- places 1",
    "- places 6",
    "- visits 1",
    "- visits 6",
];

each_backend! {
    fn a_parent_goes_with_its_child_over_two_levels(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(PLACES);
        cleans(&db, BOTH, &[], &GONE);
        cleans(&db, BOTH, &["--force", "--verify"], &GONE);
    }

    /// Without it the parent rows would be left behind: the database cannot know.
    fn without_it_the_parent_stays(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(PLACES);
        let text = BOTH.replace("with-parent = true\n", "");
        let gone = ["- organizations 1", "- users 10", "- restaurants 1", "- restaurants 6", "- pizzerias 6"];
        cleans(&db, &text, &[], &gone);
    }

    /// From the lowest level up: only pizzerias say whose they are.
    fn from_the_lowest_level_up(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(&PLACES.replace(
            "organization_id integer REFERENCES organizations (id) ON DELETE CASCADE",
            "seats integer",
        ).replace("oven text", "organization_id integer REFERENCES organizations (id) ON DELETE CASCADE")
         .replace("'stone'", "2").replace("'steel'", "1"));
        let gone = [
            "- organizations 1", "- users 10", "- pizzerias 6", "- restaurants 6", "- places 6", "- visits 6",
        ];
        cleans(&db, BOTH, &[], &gone);
    }

    /// What hangs on the parent and belongs to another organization is that organization's.
    fn rows_of_others_on_the_parent_are_refused(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(PLACES);
        db.execute(
            "CREATE TABLE reviews (id integer PRIMARY KEY, \
                 user_id integer REFERENCES users (id) ON DELETE CASCADE, \
                 place_id integer REFERENCES places (id)); \
             INSERT INTO reviews VALUES (1, 10, 1), (2, 20, 4)",
        );
        if db.backend == Backend::Mysql {
            return; // What is declared without an action is RESTRICT here.
        }
        cleans(&db, BOTH, &[], &[&GONE[..], &["- reviews 1"]].concat());
        db.execute("INSERT INTO reviews VALUES (3, 20, 1)");
        refuses(&db, BOTH, &["--force"], &["foreign"]);
    }

    /// A parent that itself says whose it is, and says somebody else's.
    fn the_parent_of_another_organization_stays(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE profiles (id integer PRIMARY KEY REFERENCES users (id), \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE); \
             INSERT INTO profiles VALUES (10, 1), (20, 2)",
        );
        let text = "[[references]]\nfrom = \"profiles.id\"\non-delete = \"cascade\"\nwith-parent = true\n";
        cleans(&db, text, &[], &["- organizations 1", "- users 10", "- profiles 10"]);
        // Our profile of their user.
        db.execute("INSERT INTO users VALUES (21, 2, 'two@global.test'); INSERT INTO profiles VALUES (21, 1)");
        for force in [&[][..], &["--force"]] {
            let refused = refuses(&db, text, force, &["foreign"]);
            assert_eq!(refused.refusals("foreign")[0]["table"], "users", "{refused}");
        }
    }

    /// Two children of two organizations cannot share a parent by a key, but by two tables they can.
    fn a_parent_that_is_somebody_else_s_too(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(PLACES);
        db.execute(
            "CREATE TABLE shops (place_id integer PRIMARY KEY REFERENCES places (id), \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE); \
             INSERT INTO shops VALUES (1, 2)",
        );
        let text = BOTH.to_owned()
            + "[[references]]\nfrom = \"shops.place_id\"\non-delete = \"cascade\"\nwith-parent = true\n";
        policy(&db, &text);
        let before = db.dump();
        let outcome = apex(&db, "clean", &["--force"]);
        // Either it is refused, or it goes as shared, and says so; never silently.
        if outcome.code == 3 {
            changes(&before, &db.dump()).assert_none();
        }
        outcome.says(&["Global"]);
    }

    fn declared_by_the_policy_alone(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE banks (id integer PRIMARY KEY, iban text); \
             CREATE TABLE wallets (id integer PRIMARY KEY, account text UNIQUE, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE); \
             INSERT INTO banks VALUES (1, 'a'), (2, 'b'), (3, 'c'); \
             INSERT INTO wallets VALUES (11, '1', 1), (12, '2', 2), (13, NULL, 1), (14, '03', 1)",
        );
        let text = "[[references]]\nfrom = \"wallets.account\"\nto = \"banks.id\"\non-delete = \"cascade\"\nwith-parent = true\n";
        let gone = ["- organizations 1", "- users 10", "- wallets 11", "- wallets 13", "- wallets 14", "- banks 1"];
        cleans(&db, text, &[], &gone);
    }
}
