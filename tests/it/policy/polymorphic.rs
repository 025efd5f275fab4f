//! One column that names rows of several tables, told apart by another: the same key in two types is
//! two rows, and a type that nobody declared names nobody.

use super::*;

/// User 7 and deal 7 of Apex, user 8 and deal 8 of Global, and notes on all of them.
const NOTES: &str = "\
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE TABLE notes (
    id integer PRIMARY KEY,
    kind text,
    object_id integer,
    body text
);
INSERT INTO users VALUES (7, 1, 'seven@apex.test'), (8, 2, 'eight@global.test');
INSERT INTO deals VALUES (7, 1), (8, 2), (10, 2);
INSERT INTO notes VALUES (1, 'Deal', 7, 'a'), (2, 'User', 7, 'b'), (3, 'Deal', 8, 'c'), (4, 'User', 8, 'd'),
    (5, NULL, 7, 'e'), (6, 'Ship', 7, 'f'), (7, 'deal', 7, 'g'), (8, 'Deal', NULL, 'h'), (9, 'Deal', 10, 'i'),
    (10, 'User', 10, 'j'), (11, 'Deal ', 7, 'k'), (12, 'Deal', 777, 'l');
";

const GONE: [&str; 4] = ["- organizations 1", "- users 10", "- users 7", "- deals 7"];

fn typed(to: &str, action: &str, of: &str) -> String {
    format!(
        "[[references]]\nfrom = \"notes.object_id\"\nto = \"{to}\"\non-delete = \"{action}\"\ntype = {of}\n"
    )
}

fn is(to: &str, action: &str, kind: &str) -> String {
    typed(to, action, &format!("{{ column = \"kind\", is = {kind} }}"))
}

fn notes(db: &TestDatabase) {
    db.execute(PEOPLE);
    db.execute(NOTES);
}

each_backend! {
    fn the_same_key_in_two_types_is_two_rows(db: TestDatabase) {
        notes(&db);
        cleans(&db, &is("deals", "cascade", "\"Deal\""), &[], &[&GONE[..], &["- notes 1"]].concat());
        cleans(&db, &is("users", "cascade", "\"User\""), &[], &[&GONE[..], &["- notes 2", "- notes 10"]].concat());
        let both = is("deals", "cascade", "\"Deal\"") + &is("users", "cascade", "\"User\"");
        cleans(&db, &both, &[], &[&GONE[..], &["- notes 1", "- notes 2", "- notes 10"]].concat());
    }

    fn several_names_for_one_type(db: TestDatabase) {
        notes(&db);
        let text = is("deals", "cascade", "[\"Deal\", \"deal\", \"Offer\"]");
        cleans(&db, &text, &[], &[&GONE[..], &["- notes 1", "- notes 7"]].concat());
    }

    fn each_type_has_its_own_action(db: TestDatabase) {
        notes(&db);
        let text = is("deals", "set null", "\"Deal\"") + &is("users", "cascade", "\"User\"");
        let expected = [&GONE[..], &["~ notes 1,Deal,,a", "- notes 2", "- notes 10"]].concat();
        cleans(&db, &text, &[], &expected);
        let text = is("deals", "set default", "\"Deal\"") + "default = \"8\"\n";
        cleans(&db, &text, &[], &[&GONE[..], &["~ notes 1,Deal,8,a"]].concat());
        // A deal 20 does not exist, a user 20 does.
        let text = is("deals", "set default", "\"Deal\"") + "default = \"20\"\n" + &is("users", "cascade", "\"User\"");
        refuses(&db, &text, &["--force"], &["set_default"]);
        let text = is("deals", "restrict", "\"Deal\"") + &is("users", "no action", "\"User\"");
        let refused = refuses(&db, &text, &[], &["protected"]);
        let rows: Vec<u64> = refused.refusals("protected").iter().filter_map(|r| r["rows"].as_u64()).collect();
        assert_eq!(rows.iter().sum::<u64>(), 3, "{refused}");
        cleans(&db, &text, &["--force"], &[&GONE[..], &["- notes 1", "- notes 2", "- notes 10"]].concat());
    }

    fn types_that_a_table_lists(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE types (id integer PRIMARY KEY, app_label text, model text); \
             CREATE TABLE deals (id integer PRIMARY KEY, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE); \
             CREATE TABLE notes (id integer PRIMARY KEY, type_id integer REFERENCES types (id) ON DELETE CASCADE, \
                 object_id text, body text); \
             INSERT INTO types VALUES (1, 'crm', 'deal'), (2, 'crm', 'user'), (3, 'hr', 'deal'), (4, NULL, 'deal'); \
             INSERT INTO users VALUES (7, 1, 'seven@apex.test'); \
             INSERT INTO deals VALUES (7, 1), (8, 2); \
             INSERT INTO notes VALUES (1, 1, '7', 'a'), (2, 2, '7', 'b'), (3, 3, '7', 'c'), (4, 4, '7', 'd'), \
                 (5, NULL, '7', 'e'), (6, 1, '8', 'f'), (7, 1, '07', 'g'), (8, 1, 'x', 'h')",
        );
        let of = |to: &str, model: &str| typed(to, "cascade", &format!(
            "{{ column = \"type_id\", in = \"types\", where = {{ app_label = \"crm\", model = \"{model}\" }} }}"
        ));
        cleans(&db, &of("deals", "deal"), &[], &[&GONE[..], &["- notes 1"]].concat());
        let both = of("deals", "deal") + &of("users", "user");
        cleans(&db, &both, &[], &[&GONE[..], &["- notes 1", "- notes 2"]].concat());
        // A type that the table does not list yet names nobody.
        cleans(&db, &of("deals", "ship"), &[], &GONE);
    }

    /// A note of another organization's user on our deal, and one of nobody's.
    fn owned_by_an_author_it_is_foreign(db: TestDatabase) {
        notes(&db);
        db.execute("ALTER TABLE notes ADD COLUMN author_id integer REFERENCES users (id) ON DELETE CASCADE");
        db.execute("UPDATE notes SET author_id = 20 WHERE id = 1");
        let text = is("deals", "no action", "\"Deal\"");
        let refused = refuses(&db, &text, &["--force"], &["foreign"]);
        assert_eq!(refused.refusals("foreign")[0]["rows"], 1, "{refused}");
        let unlink = ["--force", "--foreign", "unlink=notes.object_id"];
        cleans(&db, &text, &unlink, &[&GONE[..], &["~ notes 1,Deal,,a,20"]].concat());
    }

    /// The polymorphic reference is what owns a note: who wrote it is less than what it is on.
    fn owned_by_what_it_is_on(db: TestDatabase) {
        notes(&db);
        db.execute("ALTER TABLE notes ADD COLUMN author_id integer REFERENCES users (id)");
        let both = is("deals", "cascade", "\"Deal\"") + &is("users", "cascade", "\"User\"");
        let named = both.clone() + "[tables.notes]\nowning = [\"object_id\"]\n";
        let ours = [&GONE[..], &["- notes 1", "- notes 2", "- notes 10"]].concat();
        for text in [&both, &named] {
            // Our user's note on our own things, and on those of the other organization.
            for (note, foreign) in [(1, false), (2, false), (3, true), (4, true)] {
                db.execute("UPDATE notes SET author_id = NULL");
                db.execute(&format!("UPDATE notes SET author_id = 10 WHERE id = {note}"));
                if foreign { drop(refuses(&db, text, &["--force"], &["foreign"])) } else { drop(cleans(&db, text, &["--force"], &ours)) }
            }
        }
    }

    /// Written by our user: on nothing that a reference is for, it is the user's, like any row whose stronger reference is
    /// null; on a deal that is not there it is nobody's, and no force takes it.
    fn on_nothing_it_is_its_author_s_and_on_what_is_missing_nobody_s(db: TestDatabase) {
        notes(&db);
        db.execute("ALTER TABLE notes ADD COLUMN author_id integer REFERENCES users (id)");
        let text = is("deals", "cascade", "\"Deal\"") + &is("users", "cascade", "\"User\"");
        let write = |note: u32| {
            db.execute("UPDATE notes SET author_id = NULL");
            db.execute(&format!("UPDATE notes SET author_id = 10 WHERE id = {note}"));
        };
        for note in [5, 6, 8] {
            write(note);
            let own = format!("- notes {note}");
            let gone = [&GONE[..], &["- notes 1", "- notes 2", "- notes 10", &own]].concat();
            cleans(&db, &text, &["--force"], &gone);
        }
        write(12);
        let refused = refuses(&db, &text, &["--force"], &["global"]);
        assert_eq!(refused.refusals("global")[0]["reference"], "notes.author_id", "{refused}");
    }

    fn on_rows_of_its_own_table(db: TestDatabase) {
        notes(&db);
        db.execute("INSERT INTO notes VALUES (21, 'Note', 1, 'x'), (22, 'Note', 21, 'y'), (23, 'Note', 3, 'z')");
        let text = is("deals", "cascade", "\"Deal\"") + &is("notes", "cascade", "\"Note\"");
        cleans(&db, &text, &[], &[&GONE[..], &["- notes 1", "- notes 21", "- notes 22"]].concat());
    }

    fn on_organizations_themselves(db: TestDatabase) {
        notes(&db);
        db.execute("INSERT INTO notes VALUES (21, 'Org', 1, 'x'), (22, 'Org', 2, 'y'), (23, 'User', 1, 'z')");
        let text = is("organizations", "cascade", "\"Org\"");
        cleans(&db, &text, &[], &[&GONE[..], &["- notes 21"]].concat());
        policy(&db, &text);
        apex(&db, "clean", &[]).exits(0);
        db.orgsweep(&["verify", "--org-id", "1"]).exits(0);
        db.execute("INSERT INTO notes VALUES (24, 'Org', 1, 'late')");
        db.orgsweep(&["verify", "--org-id", "1"]).exits(3).says(&["notes.object_id"]);
    }

    /// Quotes and other characters in a type's name are its own.
    fn types_with_quotes(db: TestDatabase) {
        notes(&db);
        db.execute("UPDATE notes SET kind = 'O''Deal\\ \"x\"' WHERE id = 1");
        let text = is("deals", "cascade", "'''O'Deal\\ \"x\"'''");
        cleans(&db, &text, &[], &[&GONE[..], &["- notes 1"]].concat());
    }
}
