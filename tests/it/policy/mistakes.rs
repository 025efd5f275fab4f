//! A policy that does not fit is refused as a whole: exit 2, every mistake with file and line, and
//! nothing is touched.

use super::*;

const SCHEMA: &str = "\
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE,
    created_by integer REFERENCES users (id) ON DELETE RESTRICT,
    kind integer,
    title text
);
INSERT INTO deals VALUES (100, 1, 10, 1, 'own'), (200, 2, 20, 1, 'other');
";

/// Every command that reads the policy ends with 2, and says so in JSON where that was asked for.
#[track_caller]
fn unfit(db: &TestDatabase, text: &str, says: &[&str]) {
    policy(db, text);
    let before = db.dump();
    for command in ["preview", "clean"] {
        let outcome = apex(db, command, &["--force"]).exits(2);
        let json = outcome.json();
        assert_eq!(
            (&json["outcome"], &json["exit"]),
            (&"error".into(), &2.into()),
            "{text}\n{outcome}"
        );
        for part in says {
            assert!(
                json["error"].as_str().is_some_and(|e| e.contains(part)),
                "{part:?} is missing\n{text}\n{outcome}"
            );
        }
        changes(&before, &db.dump()).assert_none();
    }
    db.orgsweep(&["policy", "check"]).exits(2).says(says);
}

fn mistaken(db: &TestDatabase) {
    db.execute(PEOPLE);
    db.execute(SCHEMA);
}

each_backend! {
    fn no_toml(db: TestDatabase) {
        mistaken(&db);
        unfit(&db, "[root\ntable = \"x\"\n", &["orgsweep.toml:1"]);
        unfit(&db, "\n\n[root]\ntable = organizations\n", &["orgsweep.toml:4"]);
        unfit(&db, "root = 7\n", &["orgsweep.toml:1"]);
        unfit(&db, "[root]\ntable = \"a\"\ntable = \"b\"\n", &["orgsweep.toml:3"]);
        unfit(&db, "nonsense\n", &["orgsweep.toml:1"]);
    }

    fn unknown_settings_actions_and_kinds_of_values(db: TestDatabase) {
        mistaken(&db);
        let reference = |more: &str| format!("[[references]]\nfrom = \"deals.created_by\"\n{more}\n");
        unfit(&db, &reference("on_delete = \"cascade\""), &["orgsweep.toml:3", "on_delete"]);
        unfit(&db, &reference("on-delete = \"CASCADE\""), &["orgsweep.toml:3", "CASCADE"]);
        unfit(&db, &reference("on-delete = \"delete\""), &["orgsweep.toml:3"]);
        unfit(&db, &reference("with-parent = \"yes\""), &["orgsweep.toml:3"]);
        unfit(&db, "[guards]\nmaxrows = 7\n", &["orgsweep.toml:2", "maxrows"]);
        unfit(&db, "[guards]\nmax-rows = 1.5\n", &["orgsweep.toml:2"]);
        unfit(&db, "[guard]\nmax-rows = 7\n", &["orgsweep.toml:1", "guard"]);
        unfit(&db, "[tables.deals]\nkeep = \"always\"\n", &["orgsweep.toml:2"]);
        unfit(&db, "[[orphans]]\ntable = \"users\"\n", &["orgsweep.toml:1", "where"]);
        unfit(&db, "[guards]\ndatabases = \"x\"\n", &["orgsweep.toml:2"]);
    }

    fn names_that_are_not_there(db: TestDatabase) {
        mistaken(&db);
        let reference = |from: &str, more: &str| {
            format!("[[references]]\nfrom = \"{from}\"\non-delete = \"cascade\"\n{more}\n")
        };
        unfit(&db, &reference("deal.created_by", ""), &["orgsweep.toml:2", "deal"]);
        unfit(&db, &reference("deals.creator", ""), &["orgsweep.toml:2", "creator"]);
        unfit(&db, &reference("deals.kind", ""), &["orgsweep.toml:2", "no foreign key"]);
        unfit(&db, &reference("deals_created_by", ""), &["orgsweep.toml:2"]);
        unfit(&db, &reference("deals.kind", "to = \"kinds\""), &["orgsweep.toml:4", "kinds"]);
        unfit(&db, &reference("deals.kind", "to = \"users.idd\""), &["orgsweep.toml:4", "idd"]);
        unfit(&db, &reference("deals.kind,title", "to = \"users.id\""), &["orgsweep.toml:2"]);
        unfit(&db, &reference("deals.kind", "to = \"users.email\""), &["orgsweep.toml:4", "unique"]);
        unfit(&db, "[tables.dealz]\nkeep = \"refuse\"\n", &["orgsweep.toml:1", "dealz"]);
        unfit(&db, "[tables.deals]\nowning = [\"kind\"]\n", &["orgsweep.toml:2", "kind"]);
        unfit(&db, "[tables.deals]\nlabel = [\"titel\"]\n", &["orgsweep.toml:2", "titel"]);
        unfit(&db, "[root]\ntable = \"organisations\"\n", &["orgsweep.toml:2", "organisations"]);
        unfit(&db, "[root]\nname = \"nam\"\n", &["orgsweep.toml:2", "nam"]);
        unfit(&db, "[root]\nkey = \"name\"\n", &["orgsweep.toml:2", "name"]);
        unfit(&db, "[root]\ncreated-at = \"creation\"\n", &["orgsweep.toml:2", "creation"]);
        unfit(&db, "[[orphans]]\ntable = \"user\"\nwhere = \"1 = 1\"\n", &["orgsweep.toml:2", "user"]);
        unfit(&db, "[guards]\ntest-data = { user = \"1 = 1\" }\n", &["orgsweep.toml:2", "user"]);
        unfit(&db, "[tables.deals]\nowning = []\n", &["orgsweep.toml:1", "owned by nothing"]);
    }

    fn types_that_say_nothing(db: TestDatabase) {
        mistaken(&db);
        let of = |given: &str| {
            format!("[[references]]\nfrom = \"deals.kind\"\nto = \"users\"\non-delete = \"cascade\"\ntype = {given}\n")
        };
        for given in [
            "{ column = \"title\" }",
            "{ column = \"title\", is = [] }",
            "{ column = \"title\", in = \"users\" }",
            "{ column = \"title\", is = \"a\", in = \"users\", where = { email = \"x\" } }",
            "{ column = \"nothing\", is = \"a\" }",
            "{ column = \"title\", in = \"nothing\", where = { email = \"x\" } }",
            "{ column = \"title\", in = \"users\", where = { nothing = \"x\" } }",
            "{ is = \"a\" }",
        ] {
            unfit(&db, &of(given), &["orgsweep.toml:5"]);
        }
    }

    /// Whether values can be compared, only the database knows.
    fn declarations_that_the_database_cannot_compare(db: TestDatabase) {
        mistaken(&db);
        if db.is_sqlite() {
            return; // It compares anything with anything.
        }
        db.execute("ALTER TABLE deals ADD COLUMN ref uuid; ALTER TABLE deals ADD COLUMN made timestamp NULL");
        let of = |from: &str, more: &str| {
            format!("[[references]]\nfrom = \"{from}\"\nto = \"users\"\non-delete = \"cascade\"\n{more}\n")
        };
        if !db.is_mysql_itself() {
            // (MySQL has no type of its own for it, but texts.)
            unfit(&db, &of("deals.ref", ""), &["orgsweep.toml:2", "deals.ref"]);
        }
        unfit(&db, &of("deals.made", ""), &["orgsweep.toml:2", "deals.made"]);
        unfit(&db, &of("deals.title", "type = { column = \"kind\", is = \"Deal\" }"), &["orgsweep.toml:2"]);
        if db.backend == Backend::Mysql {
            return; // A default that is no number is told when it is written.
        }
        let default = "[[references]]\nfrom = \"deals.created_by\"\non-delete = \"set default\"\ndefault = \"nobody\"\n";
        unfit(&db, default, &["orgsweep.toml:2"]);
    }

    fn contradictions(db: TestDatabase) {
        mistaken(&db);
        let twice = "[[references]]\nfrom = \"deals.created_by\"\non-delete = \"cascade\"\n".repeat(2);
        unfit(&db, &twice, &["orgsweep.toml:5", "orgsweep.toml:2"]);
        let kept = "[[references]]\nfrom = \"deals.created_by\"\non-delete = \"cascade\"\n[tables.deals]\nkeep = \"refuse\"\n";
        unfit(&db, kept, &["orgsweep.toml:5", "orgsweep.toml:2"]);
        unfit(&db, "[tables.organizations]\nkeep = \"refuse\"\n", &["orgsweep.toml:2"]);
        unfit(&db, "[[orphans]]\ntable = \"deals\"\nwhere = \"1 = 1\"\n[tables.deals]\nkeep = \"unlink\"\n", &["orgsweep.toml:2", "orgsweep.toml:4"]);
        unfit(&db, "[guards]\ndatabases = [\"a\"]\nforbidden-databases = [\"a\"]\n", &["orgsweep.toml:2", "orgsweep.toml:3"]);
        unfit(&db, "[guards]\nhosts = [\"\"]\n", &["orgsweep.toml:2"]);
        let several = "[root]\nname = \"name\"\n[tables.dealz]\nkeep = \"refuse\"\n[[orphans]]\ntable = \"user\"\nwhere = \"1 = 1\"\n";
        unfit(&db, several, &["orgsweep.toml:3", "orgsweep.toml:6"]);
    }

    fn a_policy_that_cannot_be_read(db: TestDatabase) {
        mistaken(&db);
        let before = db.dump();
        let missing = |arguments: &[&str]| {
            db.orgsweep(arguments).exits(2).says(&["nothing.toml"]);
        };
        missing(&["--config", "nothing.toml", "clean", "--org-name", "Apex", "--force", "--yes"]);
        missing(&["preview", "--org-name", "Apex", "--config", "nothing.toml"]);
        missing(&["policy", "check", "--config", "nothing.toml"]);
        let clean = ["clean", "--org-name", "Apex", "--force", "--yes"];
        db.command(&clean).env("ORGSWEEP_CONFIG", "nothing.toml").run().exits(2).says(&["nothing.toml"]);
        let outcome = of(&db, "clean", &["--org-name", "Apex", "--config", "nothing.toml"]).exits(2);
        assert_eq!(outcome.json()["exit"], 2, "{outcome}");
        // Not text, and a folder of that name.
        std::fs::write(db.directory().join("orgsweep.toml"), [0xff, 0xfe, 0x00]).expect("a file");
        db.orgsweep(&clean).exits(2).says(&["orgsweep.toml"]);
        std::fs::remove_file(db.directory().join("orgsweep.toml")).expect("removed");
        std::fs::create_dir(db.directory().join("orgsweep.toml")).expect("a folder");
        db.orgsweep(&clean).exits(2).says(&["orgsweep.toml"]);
        changes(&before, &db.dump()).assert_none();
    }

    /// What Windows editors make of a file is still the same policy.
    fn line_ends_and_a_byte_order_mark_are_no_mistakes(db: TestDatabase) {
        mistaken(&db);
        let text = "\u{feff}[[references]]\r\nfrom = \"deals.created_by\"\r\non-delete = \"cascade\"\r\n";
        cleans(&db, text, &[], &["- organizations 1", "- users 10", "- deals 100"]);
        unfit(&db, &text.replace("created_by", "nothing"), &["orgsweep.toml:2"]);
    }
}
