//! References that only the policy knows: they act like foreign keys, compare ids as text where the
//! types differ, and nobody else's rows are touched by them.

use super::*;

const ITEMS: &str = "\
CREATE TABLE items (id integer PRIMARY KEY, organization_id integer DEFAULT 3, body text);
CREATE TABLE lines (id integer PRIMARY KEY, item_id integer REFERENCES items (id) ON DELETE CASCADE);
INSERT INTO items VALUES (100, 1, 'own'), (200, 2, 'other'), (300, NULL, 'nobody'), (400, 99, 'dangling');
INSERT INTO lines VALUES (1, 100), (2, 200), (3, 300), (4, 400);
";

const APEX: [&str; 2] = ["- organizations 1", "- users 10"];
const WITH_ITEMS: [&str; 4] = ["- organizations 1", "- users 10", "- items 100", "- lines 1"];

fn items(db: &TestDatabase) {
    db.execute(PEOPLE);
    db.execute(ITEMS);
}

fn declare(from: &str, to: &str, action: &str) -> String {
    format!("[[references]]\nfrom = \"{from}\"\nto = \"{to}\"\non-delete = \"{action}\"\n")
}

fn items_to_organizations(action: &str) -> String {
    declare("items.organization_id", "organizations", action)
}

each_backend! {
    fn cascade(db: TestDatabase) {
        items(&db);
        cleans(&db, &items_to_organizations("cascade"), &[], &WITH_ITEMS);
        cleans(&db, &items_to_organizations("cascade"), &["--force", "--verify"], &WITH_ITEMS);
    }

    fn set_null(db: TestDatabase) {
        items(&db);
        let expected = [&APEX[..], &["~ items 100,,own"]].concat();
        cleans(&db, &items_to_organizations("set null"), &[], &expected);
    }

    fn set_default(db: TestDatabase) {
        items(&db);
        let text = items_to_organizations("set default");
        cleans(&db, &text, &[], &[&APEX[..], &["~ items 100,3,own"]].concat());
        let of_policy = text.clone() + "default = \"2\"\n";
        cleans(&db, &of_policy, &[], &[&APEX[..], &["~ items 100,2,own"]].concat());
        // The database would not mind; whoever declared the reference does.
        refuses(&db, &(text + "default = \"77\"\n"), &["--force"], &["set_default"]);
    }

    fn restrict_and_no_action(db: TestDatabase) {
        items(&db);
        for action in ["restrict", "no action"] {
            let refused = refuses(&db, &items_to_organizations(action), &[], &["protected"]);
            assert_eq!(refused.refusals("protected")[0]["rows"], 1, "{refused}");
            cleans(&db, &items_to_organizations(action), &["--force"], &WITH_ITEMS);
        }
    }

    fn ignore_leaves_rows_as_they_are(db: TestDatabase) {
        items(&db);
        cleans(&db, &items_to_organizations("ignore"), &[], &APEX);
    }

    /// Without the policy the very same rows are told of, and nothing is guessed.
    fn without_a_policy_they_would_be_left_behind(db: TestDatabase) {
        items(&db);
        let refused = refuses(&db, "", &["--force"], &["left_behind"]);
        assert_eq!(refused.refusals("left_behind")[0]["rows"], 1, "{refused}");
        cleans(&db, "", &["--force", "--leave-behind"], &APEX);
    }

    fn text_that_names_an_integer_names_it_only_as_it_is_written(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE notes (id integer PRIMARY KEY, user_id text, body text); \
             INSERT INTO users VALUES (7, 1, 'seven@apex.test'), (8, 2, 'eight@global.test'); \
             INSERT INTO notes VALUES (1, '10', 'a'), (2, '7', 'b'), (3, '007', 'c'), (4, ' 7', 'd'), \
                 (5, '7 ', 'e'), (6, 'abc', 'f'), (7, '', 'g'), (8, NULL, 'h'), (9, '7.0', 'i'), \
                 (10, '+7', 'j'), (11, '8', 'k'), (12, '70', 'l'), (13, '1e1', 'm'), \
                 (14, '99999999999999999999999', 'n')",
        );
        let gone = ["- organizations 1", "- users 10", "- users 7"];
        let text = declare("notes.user_id", "users.id", "cascade");
        cleans(&db, &text, &[], &[&gone[..], &["- notes 1", "- notes 2"]].concat());
        let text = declare("notes.user_id", "users.id", "set null");
        cleans(&db, &text, &[], &[&gone[..], &["~ notes 1,,a", "~ notes 2,,b"]].concat());
        let text = declare("notes.user_id", "users.id", "no action");
        let refused = refuses(&db, &text, &[], &["protected"]);
        assert_eq!(refused.refusals("protected")[0]["rows"], 2, "{refused}");
    }

    fn an_integer_that_names_text_names_it_as_it_is_written(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE vouchers (code text PRIMARY KEY, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE); \
             CREATE TABLE uses (id integer PRIMARY KEY, voucher integer); \
             INSERT INTO vouchers VALUES ('7', 1), ('007', 2), ('8', 2), ('009', 1); \
             INSERT INTO uses VALUES (1, 7), (2, 8), (3, 9), (4, NULL)",
        );
        let gone = [&APEX[..], &["- vouchers 7", "- vouchers 009", "- uses 1"]].concat();
        cleans(&db, &declare("uses.voucher", "vouchers.code", "cascade"), &[], &gone);
    }

    /// Another key of the parent than its primary one, and columns of several types at once.
    fn other_keys_and_several_columns(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE folders (id integer PRIMARY KEY, tenant integer NOT NULL, no text NOT NULL, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE, UNIQUE (tenant, no)); \
             CREATE TABLE files (id integer PRIMARY KEY, tenant text, no text); \
             INSERT INTO folders VALUES (1, 5, 'a', 1), (2, 6, 'a', 2), (3, 5, 'b', 2); \
             INSERT INTO files VALUES (1, '5', 'a'), (2, '5', 'b'), (3, '6', 'a'), (4, '5', NULL), \
                 (5, '05', 'a'), (6, '5', 'A')",
        );
        let gone = [&APEX[..], &["- folders 1", "- files 1"]].concat();
        cleans(&db, &declare("files.tenant,no", "folders.tenant,no", "cascade"), &[], &gone);
    }

    fn values_that_dangle_before_are_no_matter(db: TestDatabase) {
        items(&db);
        db.execute("INSERT INTO items VALUES (500, 1000, 'x'), (600, 0, 'y'), (700, -1, 'z')");
        for action in ["cascade", "restrict", "no action"] {
            cleans(&db, &items_to_organizations(action), &["--force", "--verify"], &WITH_ITEMS);
        }
        // The key that dangles may be asked for: there is nothing to clean.
        policy(&db, &items_to_organizations("cascade"));
        let before = db.dump();
        of(&db, "clean", &["--org-id", "1000", "--force"]).exits(0);
        changes(&before, &db.dump()).assert_none();
    }

    fn names_with_capitals_dots_and_quotes(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE \"Deal.Items\" (\"Id\" integer PRIMARY KEY, \
                 \"organizationId\" integer REFERENCES organizations (id) ON DELETE CASCADE); \
             CREATE TABLE \"o'neill x\" (id integer PRIMARY KEY, \"Deal.Id\" text); \
             INSERT INTO \"Deal.Items\" VALUES (100, 1), (200, 2); \
             INSERT INTO \"o'neill x\" VALUES (1, '100'), (2, '200')",
        );
        let gone = [&APEX[..], &["- Deal.Items 100", "- o'neill x 1"]].concat();
        cleans(&db, &declare("o'neill x.Deal.Id", "Deal.Items.Id", "cascade"), &[], &gone);
    }

    fn chains_and_cycles_of_declared_references(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
             CREATE TABLE teams (id integer PRIMARY KEY, organization_id text, lead_id integer); \
             CREATE TABLE people (id integer PRIMARY KEY, team_id text, boss_id text); \
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'); \
             INSERT INTO teams VALUES (10, '1', 101), (20, '2', 201); \
             INSERT INTO people VALUES (101, '10', NULL), (102, NULL, '101'), (103, NULL, '102'), \
                 (201, '20', NULL), (202, NULL, '201')",
        );
        let text = declare("teams.organization_id", "organizations", "cascade")
            + &declare("teams.lead_id", "people", "cascade")
            + &declare("people.team_id", "teams", "cascade")
            + &declare("people.boss_id", "people", "cascade");
        let gone = ["- organizations 1", "- teams 10", "- people 101", "- people 102", "- people 103"];
        cleans(&db, &text, &[], &gone);
    }

    /// The note of another organization on our deal: it has an owner of its own.
    fn a_weaker_declared_reference_does_not_take_what_others_own(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE deals (id integer PRIMARY KEY, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE); \
             CREATE TABLE notes (id integer PRIMARY KEY, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE, deal_id text); \
             INSERT INTO deals VALUES (100, 1), (200, 2); \
             INSERT INTO notes VALUES (1, 1, '100'), (2, 2, '100'), (3, 2, '200'), (4, NULL, '200')",
        );
        for action in ["restrict", "no action"] {
            let text = declare("notes.deal_id", "deals", action);
            let refused = refuses(&db, &text, &["--force"], &["foreign"]);
            let refusal = &refused.refusals("foreign")[0];
            assert_eq!(refusal["reference"], "notes.deal_id", "{refused}");
            assert!(refusal["organizations"][0].as_str().is_some_and(|o| o.contains("Global")), "{refused}");
            let gone = [&APEX[..], &["- deals 100", "- notes 1"]].concat();
            let unlink = ["--force", "--foreign", "unlink=notes.deal_id"];
            cleans(&db, &text, &unlink, &[&gone[..], &["~ notes 2,2,"]].concat());
            let reassign = ["--force", "--foreign", "reassign=notes.deal_id:200"];
            cleans(&db, &text, &reassign, &[&gone[..], &["~ notes 2,2,200"]].concat());
            let delete = ["--force", "--foreign", "delete=notes.deal_id"];
            cleans(&db, &text, &delete, &[&gone[..], &["- notes 2"]].concat());
        }
    }

    /// Declared to own as much as the foreign key does: the row is both organizations'.
    fn rows_shared_by_a_declared_cascade_go_and_are_listed(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE teams (id integer PRIMARY KEY, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE); \
             CREATE TABLE members (id integer PRIMARY KEY, \
                 user_id integer REFERENCES users (id) ON DELETE CASCADE, team_id text); \
             INSERT INTO teams VALUES (100, 1), (200, 2); \
             INSERT INTO members VALUES (1, 10, '100'), (2, 20, '100'), (3, 20, '200'), (4, 10, '200')",
        );
        let text = declare("members.team_id", "teams", "cascade");
        let gone = ["- teams 100", "- members 1", "- members 2", "- members 4"];
        cleans(&db, &text, &[], &[&APEX[..], &gone].concat()).says(&["Global"]);
    }

    fn verify_looks_at_declared_references(db: TestDatabase) {
        items(&db);
        db.execute("DELETE FROM items WHERE id = 400");
        db.execute("CREATE TABLE logs (id integer PRIMARY KEY, org text); INSERT INTO logs VALUES (1, '1'), (2, '01')");
        let text = items_to_organizations("cascade") + &declare("logs.org", "organizations", "cascade");
        let verify = |flags: &[&str]| db.orgsweep(&[&["verify", "--format", "json"], flags].concat());
        policy(&db, &text);
        verify(&["--org-id", "1"]).exits(3);
        // '01' names nobody: it dangles, and is not ours.
        db.execute("DELETE FROM logs WHERE id = 2");
        apex(&db, "clean", &[]).exits(0);
        verify(&["--org-id", "1"]).exits(0);
        verify(&["--org-name", "Apex"]).exits(0);
        for (insert, reference) in [
            ("INSERT INTO items VALUES (900, 1, 'late')", "items.organization_id"),
            ("INSERT INTO logs VALUES (9, '1')", "logs.org"),
        ] {
            db.execute(insert);
            verify(&["--org-id", "1"]).exits(3).says(&[reference]);
            verify(&["--org-name", "Apex"]).exits(3).says(&[reference]);
            db.execute("DELETE FROM items WHERE id = 900; DELETE FROM logs WHERE id = 9");
        }
        verify(&["--org-id", "1"]).exits(0);
    }

    fn references_can_be_forced_by_the_names_that_the_policy_gave_them(db: TestDatabase) {
        items(&db);
        cleans(&db, &items_to_organizations("restrict"), &["--force=items.organization_id"], &WITH_ITEMS);
        policy(&db, &items_to_organizations("restrict"));
        apex(&db, "preview", &["--force=items.nothing"]).exits(2);
    }

    /// The graph and the script of a preview know them, too.
    fn graph_and_script_show_declared_references(db: TestDatabase) {
        items(&db);
        policy(&db, &items_to_organizations("cascade"));
        db.orgsweep(&["graph"]).exits(0).says(&["items"]);
        let script = db.orgsweep(&["preview", "--org-name", "Apex", "--format", "sql"]).exits(0);
        assert!(script.stdout.contains("DELETE ") && script.stdout.contains("\"items\""), "{script}");
    }
}

/// PostgreSQL has a type for them; applications keep them as text.
#[test]
fn text_that_names_a_uuid() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id uuid PRIMARY KEY, name text); \
         CREATE TABLE logs (id integer PRIMARY KEY, org text); \
         CREATE TABLE events (id integer PRIMARY KEY, org uuid); \
         INSERT INTO organizations VALUES ('11111111-1111-4111-8111-111111111111', 'Apex'), \
             ('22222222-2222-4222-8222-222222222222', 'Global'); \
         INSERT INTO logs VALUES (1, '11111111-1111-4111-8111-111111111111'), \
             (2, '22222222-2222-4222-8222-222222222222'), (3, 'no uuid'), (4, ''), (5, NULL); \
         INSERT INTO events VALUES (1, '11111111-1111-4111-8111-111111111111'), \
             (2, '22222222-2222-4222-8222-222222222222'), (3, NULL)",
    );
    let text = declare("logs.org", "organizations.id", "cascade")
        + &declare("events.org", "organizations", "cascade");
    let gone = ["- organizations 11111111-1111-4111-8111-111111111111", "- logs 1", "- events 1"];
    cleans(&db, &text, &[], &gone);
    policy(&db, &text);
    let verify = ["verify", "--org-id", "11111111-1111-4111-8111-111111111111"];
    db.orgsweep(&verify).exits(3);
    apex(&db, "clean", &[]).exits(0);
    db.orgsweep(&verify).exits(3).says(&["logs.org"]);
    db.execute("DELETE FROM logs WHERE org IN ('no uuid', '')");
    db.orgsweep(&verify).exits(0);
}

/// The same table in two schemas is named with its schema.
#[test]
fn tables_of_several_schemas() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(PEOPLE);
    db.execute(
        "CREATE SCHEMA crm; CREATE SCHEMA old; \
         CREATE TABLE crm.notes (id integer PRIMARY KEY, user_id integer); \
         CREATE TABLE old.notes (id integer PRIMARY KEY, user_id integer); \
         INSERT INTO crm.notes VALUES (1, 10), (2, 20); INSERT INTO old.notes VALUES (1, 10), (2, 20)",
    );
    let gone = [&APEX[..], &["- crm.notes 1"]].concat();
    cleans(&db, &declare("crm.notes.user_id", "users", "cascade"), &[], &gone);
    policy(&db, &declare("notes.user_id", "users", "cascade"));
    let before = db.dump();
    apex(&db, "clean", &[]).exits(2).says(&[
        "orgsweep.toml:2",
        "several tables are called notes",
        "crm.notes or old.notes",
    ]);
    changes(&before, &db.dump()).assert_none();
}
