//! DESIGN 3's table, row by row: whose is it, and what becomes of it when A is cleaned. B, and what is B's, stays.

use crate::support::*;

/// A and B with a user, a client, a deal, a doc, a project and a device each; the admin and a template are nobody's.
const BOTH: &str = "\
CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20) NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY, org integer REFERENCES organizations (id) ON DELETE CASCADE);
CREATE TABLE clients (id integer PRIMARY KEY, org integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
CREATE TABLE deals (id integer PRIMARY KEY, client integer REFERENCES clients (id) ON DELETE CASCADE);
CREATE TABLE docs (id integer PRIMARY KEY, org integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE);
CREATE TABLE templates (id integer PRIMARY KEY, org integer REFERENCES organizations (id) ON DELETE CASCADE);
INSERT INTO organizations VALUES (1, 'A'), (2, 'B');
INSERT INTO users VALUES (1, 1), (2, 2), (3, NULL);
INSERT INTO clients VALUES (1, 1), (2, 2);
INSERT INTO deals VALUES (1, 1), (2, 2);
INSERT INTO docs VALUES (1, 1), (2, 2);
INSERT INTO templates VALUES (1, 1), (2, 2), (3, NULL);
";

fn policy(db: &TestDatabase, text: &str) {
    std::fs::write(db.directory().join("orgsweep.toml"), text).expect("the policy is written");
}

fn both(db: &TestDatabase, own: &str) {
    db.execute(BOTH);
    db.execute(own);
}

/// `orgsweep clean --org-name NAME --yes`, with these flags.
fn clean(db: &TestDatabase, name: &str, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&["clean", "--org-name", name, "--yes", "--format", "json"], flags].concat())
}

/// The ids left in a table.
fn left(db: &TestDatabase, table: &str) -> Vec<String> {
    let ids = db.query(&format!("SELECT id FROM {table} ORDER BY id"));
    ids.into_iter().flatten().flatten().collect()
}

/// Refused, with one row of `table` of this kind; and nothing changes.
#[track_caller]
fn refused(db: &TestDatabase, name: &str, flags: &[&str], kind: &str, table: &str) -> String {
    refuses_rows(db, name, flags, kind, table, 1)
}

#[track_caller]
fn refuses_rows(
    db: &TestDatabase,
    name: &str,
    flags: &[&str],
    kind: &str,
    table: &str,
    rows: u64,
) -> String {
    let before = db.dump();
    let outcome = clean(db, name, flags).exits(3);
    let refusals = outcome.refusals(kind);
    let found = refusals.iter().find(|it| it["table"] == table && it["rows"] == rows);
    let Some(found) = found else { panic!("{rows} {kind} of {table} are not refused\n{outcome}") };
    changes(&before, &db.dump()).assert_none();
    found["hint"].as_str().expect("what to try").to_owned()
}

each_backend! {
    /// Rule 5: what a row says of itself without a foreign key comes before all references.
    fn an_audit_row_that_names_b_is_b_s_though_a_s_user_takes_it_along(db: TestDatabase) {
        both(&db, "CREATE TABLE audit (id integer PRIMARY KEY,
                user_id integer REFERENCES users (id) ON DELETE CASCADE, organization_id integer);
            INSERT INTO audit VALUES (1, 1, 1), (2, 1, 2), (3, 1, NULL), (4, 1, 77), (5, 2, 2)");
        for flags in [&[][..], &["--force"], &["--no-archive"], &["--reference-checks", "engine"], &["--per-org"]] {
            let before = db.dump();
            let outcome = clean(&db, "A", flags).exits(3);
            assert!(outcome.stdout.contains("1 row of audit that go name other organizations"), "{outcome}");
            changes(&before, &db.dump()).assert_none();
        }
        let explain = |id: &str, flags: &[&str]| {
            db.orgsweep(&[&["explain", "audit", id, "--org-name", "A"], flags].concat())
        };
        explain("2", &[]).says(&["refused: audit.organization_id, which is no foreign key, says that it belongs to B (id 2)",
            "--leave-behind=audit.organization_id"]);
        for (id, flags) in [("1", &[][..]), ("4", &[]), ("2", &["--foreign", "delete"]), ("2", &["--leave-behind"])] {
            explain(id, flags).exits(0).says(&["goes with"]);
        }
        let hint = refused(&db, "A", &[], "foreign", "audit");
        let ways = [&["--foreign", "delete"][..], &["--leave-behind=audit.organization_id"]];
        for way in ways {
            assert!(hint.contains(&way.join(" ")), "{hint}");
            let db = db.copy();
            clean(&db, "A", way).exits(0);
            assert_eq!(left(&db, "audit"), ["5"]);
        }
    }

    /// Guards, `--max-orgs` and the question to the operator are about organizations that are selected.
    fn no_consent_takes_another_organization(db: TestDatabase) {
        db.execute("CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20) NOT NULL, owner integer,
                parent integer REFERENCES organizations (id) ON DELETE CASCADE);
            INSERT INTO organizations VALUES (1, 'A', NULL, NULL), (2, 'B', NULL, 1)");
        let hint = refused(&db, "A", &["--foreign", "delete"], "foreign", "organizations");
        assert!(!hint.contains("--foreign delete"), "{hint}");
        assert!(hint.contains("--with-children"), "{hint}");
        let outcome = clean(&db, "A", &["--foreign", "delete=organizations.parent"]).exits(2);
        assert!(outcome.stdout.contains("--with-children"), "{outcome}");
        clean(&db, "A", &["--foreign", "delete", "--with-children", "--max-orgs", "1"]).exits(3);
        clean(&db, "A", &["--with-children", "--max-orgs", "2"]).exits(0);
        assert!(left(&db, "organizations").is_empty());
    }

    /// A referrer is no part of what it refers to.
    fn an_organization_that_would_only_be_unlinked_is_no_child(db: TestDatabase) {
        db.execute("CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20) NOT NULL,
                referred_by integer REFERENCES organizations (id) ON DELETE SET NULL);
            INSERT INTO organizations VALUES (1, 'A', NULL), (2, 'B', 1)");
        let outcome = clean(&db, "A", &["--with-children"]).exits(2);
        assert!(outcome.stdout.contains("--cascade organizations.referred_by --with-children"), "{outcome}");
        let both = db.copy();
        both.execute("ALTER TABLE organizations ADD COLUMN parent integer REFERENCES organizations (id) ON DELETE CASCADE");
        both.execute("INSERT INTO organizations VALUES (3, 'Sub', NULL, 1)");
        clean(&both, "A", &["--with-children"]).exits(0);
        assert_eq!(left(&both, "organizations"), ["2"]);
        clean(&db, "A", &["--with-children", "--cascade", "organizations.referred_by"]).exits(0);
        assert!(left(&db, "organizations").is_empty());
    }

    /// Its owners are in the closure because it is: that says nothing.
    fn a_row_that_only_itself_or_a_circle_owns_is_nobody_s(db: TestDatabase) {
        both(&db, "CREATE TABLE tasks (id integer PRIMARY KEY,
                parent integer REFERENCES tasks (id) ON DELETE CASCADE,
                made_by integer NOT NULL REFERENCES users (id) ON DELETE RESTRICT);
            INSERT INTO tasks VALUES (1, NULL, 1), (2, 1, 1), (3, NULL, 2)");
        let alone = db.copy();
        clean(&alone, "A", &["--force"]).exits(0);
        assert_eq!(left(&alone, "tasks"), ["3"]);
        for flags in [&["--force"][..], &["--force", "--no-archive"], &["--force", "--reference-checks", "engine"]] {
            let itself = db.copy();
            itself.execute("INSERT INTO tasks VALUES (4, 4, 1)");
            refused(&itself, "A", flags, "global", "tasks");
            let circle = db.copy();
            circle.execute("INSERT INTO tasks VALUES (4, NULL, 1), (5, 4, 2); UPDATE tasks SET parent = 5 WHERE id = 4");
            refused(&circle, "A", flags, "global", "tasks");
        }
    }

    /// What rows say of themselves, or of each other, takes nothing along: something has to begin it that goes without them.
    fn shared_rows_that_a_circle_of_cascades_reaches_are_refused_as_any_other(db: TestDatabase) {
        both(&db, "CREATE TABLE teams (id integer PRIMARY KEY,
                org integer NOT NULL REFERENCES organizations (id) ON DELETE RESTRICT,
                guest integer REFERENCES organizations (id) ON DELETE CASCADE,
                parent integer REFERENCES teams (id) ON DELETE CASCADE);
            CREATE TABLE notes (id integer PRIMARY KEY,
                team integer NOT NULL REFERENCES teams (id) ON DELETE CASCADE);
            ALTER TABLE teams ADD COLUMN note integer REFERENCES notes (id) ON DELETE CASCADE;
            INSERT INTO teams VALUES (1, 1, 2, NULL, NULL), (2, 1, 2, NULL, NULL), (3, 1, NULL, NULL, NULL);
            INSERT INTO notes VALUES (1, 1), (2, 3)");
        let circles = [
            (&["parent = 1 WHERE id = 1", "parent = 2 WHERE id = 2"][..], 2),
            (&["parent = 2 WHERE id = 1", "parent = 1 WHERE id = 2"], 2),
            // Of a note, too, that is shared because its team is; what the circle takes along goes no more than it.
            (&["note = 1 WHERE id = 1", "parent = 1 WHERE id = 2"], 2),
            // Our own team begins it by its note, whatever finds that team.
            (&["parent = 2 WHERE id = 1", "parent = 1, note = 2 WHERE id = 2"], 0),
        ];
        for (circle, rows) in circles {
            let db = db.copy();
            for change in circle {
                db.execute(&format!("UPDATE teams SET {change}"));
            }
            if rows > 0 {
                for flags in [&["--force"][..], &["--force=teams.org", "--batch-rows", "1"], &["--force", "--reference-checks", "engine"]] {
                    refuses_rows(&db, "A", flags, "shared", "teams", rows);
                }
                db.orgsweep(&["explain", "teams", "1", "--org-name", "A", "--force"]).says(&["refused"]);
                clean(&db, "A", &["--force", "--foreign", "delete=teams.org"]).exits(0);
            } else {
                clean(&db, "A", &["--force"]).exits(0).says(&["rows of teams that are shared with other organizations go too"]);
            }
            assert!(left(&db, "teams").is_empty());
        }
    }

    /// A forced reference finds the one first; that what another CASCADE says of it is true does not hang on the circle.
    fn a_shared_row_of_a_circle_goes_where_a_cascade_from_outside_reaches_it(db: TestDatabase) {
        both(&db, "CREATE TABLE items (id integer PRIMARY KEY,
                org integer NOT NULL REFERENCES organizations (id) ON DELETE RESTRICT);
            CREATE TABLE tags (id integer PRIMARY KEY,
                item integer NOT NULL REFERENCES items (id) ON DELETE CASCADE);
            CREATE TABLE files (id integer PRIMARY KEY,
                parent integer REFERENCES files (id) ON DELETE CASCADE,
                made_by integer REFERENCES users (id) ON DELETE RESTRICT,
                tag integer REFERENCES tags (id) ON DELETE CASCADE);
            INSERT INTO items VALUES (1, 1), (2, 2); INSERT INTO tags VALUES (1, 1), (2, 2);
            INSERT INTO files VALUES (1, NULL, 1, 1), (2, 1, 2, 2), (3, NULL, 2, 2);
            UPDATE files SET parent = 2 WHERE id = 1");
        clean(&db, "A", &["--force"]).exits(0).says(&["rows of files that are shared with other organizations go too"]);
        assert_eq!(left(&db, "files"), ["3"]);
    }

    /// One of the columns by which it names A's team says that it is B's, by a foreign key or without one.
    fn a_user_of_b_does_not_lose_b_because_a_team_of_a_goes(db: TestDatabase) {
        let users = |key: &str| format!("CREATE TABLE people (id integer PRIMARY KEY, organization_id integer, team integer,{key}
                FOREIGN KEY (organization_id, team) REFERENCES teams (region, id) ON DELETE SET NULL);
            INSERT INTO people VALUES (1, 2, 10), (2, 2, NULL), (3, 1, 11)");
        let own = "FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,";
        both(&db, "CREATE TABLE teams (id integer PRIMARY KEY, region integer, org integer,
                UNIQUE (region, id), FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE);
            INSERT INTO teams VALUES (10, 2, 1), (11, 1, 2)");
        for key in [own, ""] {
            let db = db.copy();
            db.execute(&users(key));
            for flags in [&[][..], &["--force"], &["--force", "--no-archive"], &["--batch-rows", "1"], &["--scope-column", "organization_id"]] {
                let hint = refused(&db, "A", flags, "loses_link", "people");
                assert!(hint.contains("set another column of the reference to null"), "{hint}");
            }
            db.execute("UPDATE people SET team = NULL WHERE id = 1");
            clean(&db, "A", &["--force", "--scope-column", "organization_id"]).exits(0);
            assert_eq!(left(&db, "people"), ["1", "2"]);
        }
    }

    fn a_payment_for_a_deal_of_b_that_a_s_user_recorded_is_b_s(db: TestDatabase) {
        both(&db, "CREATE TABLE payments (id integer PRIMARY KEY,
                deal integer NOT NULL REFERENCES deals (id) ON DELETE CASCADE,
                recorded_by integer REFERENCES users (id) ON DELETE RESTRICT);
            INSERT INTO payments VALUES (1, 1, 1), (2, 2, 1)");
        refused(&db, "A", &["--force"], "foreign", "payments");
    }

    fn a_client_of_b_that_a_s_user_created_is_b_s_though_a_cascade_reaches_it(db: TestDatabase) {
        both(&db, "CREATE TABLE contacts (id integer PRIMARY KEY,
                org integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
                created_by integer REFERENCES users (id) ON DELETE CASCADE);
            INSERT INTO contacts VALUES (1, 1, 1), (2, 2, 1), (3, 2, 2)");
        refused(&db, "A", &[], "foreign", "contacts");
        clean(&db, "A", &["--foreign", "delete=contacts.created_by"]).exits(0);
        assert_eq!(left(&db, "contacts"), ["3"]);
    }

    fn a_deal_that_b_only_referred_is_its_client_s(db: TestDatabase) {
        both(&db, "CREATE TABLE orders (id integer PRIMARY KEY,
                client integer REFERENCES clients (id) ON DELETE CASCADE,
                referred_by integer REFERENCES organizations (id) ON DELETE SET NULL);
            INSERT INTO orders VALUES (1, 1, 2), (2, 2, NULL)");
        let other = db.copy();
        clean(&db, "A", &[]).exits(0);
        assert_eq!(left(&db, "orders"), ["2"]);
        // The other way round it is unlinked.
        clean(&other, "B", &[]).exits(0);
        assert_eq!(left(&other, "orders"), ["1"]);
        assert_eq!(other.value("SELECT referred_by FROM orders"), "");
    }

    fn a_user_whose_organization_is_set_null_is_its_organization_s_and_is_left_stranded(db: TestDatabase) {
        both(&db, "CREATE TABLE roles (id integer PRIMARY KEY,
                org integer REFERENCES organizations (id) ON DELETE CASCADE);
            CREATE TABLE people (id integer PRIMARY KEY,
                org integer REFERENCES organizations (id) ON DELETE SET NULL,
                role integer REFERENCES roles (id) ON DELETE RESTRICT);
            INSERT INTO roles VALUES (2, 2), (3, NULL);
            INSERT INTO people VALUES (1, 1, 3), (2, 2, 2)");
        let outcome = clean(&db, "A", &[]).exits(0);
        assert_eq!(left(&db, "people"), ["1", "2"]);
        let notes = outcome.json()["notes"].to_string();
        assert!(notes.contains("1 row of people without another owner"), "{notes}");
    }

    fn a_refund_that_names_its_organization_instead_of_an_event_is_that_one_s(db: TestDatabase) {
        both(&db, "CREATE TABLE refunds (id integer PRIMARY KEY,
                deal integer REFERENCES deals (id) ON DELETE CASCADE,
                org integer REFERENCES organizations (id) ON DELETE RESTRICT);
            INSERT INTO refunds VALUES (1, 1, NULL), (2, NULL, 1), (3, 2, NULL), (4, NULL, 2)");
        clean(&db, "A", &[]).exits(3);
        clean(&db, "A", &["--force"]).exits(0);
        assert_eq!(left(&db, "refunds"), ["3", "4"]);
    }

    fn an_address_of_a_on_a_device_of_b_is_a_s(db: TestDatabase) {
        both(&db, "CREATE TABLE addresses (id integer PRIMARY KEY,
                tenant integer REFERENCES organizations (id) ON DELETE RESTRICT,
                kind varchar(20), object integer);
            INSERT INTO addresses VALUES (1, 1, 'doc', 2), (2, 2, 'doc', 2)");
        policy(&db, "[[references]]\nfrom = \"addresses.object\"\nto = \"docs.id\"\n\
                     type = { column = \"kind\", is = \"doc\" }\non-delete = \"cascade\"\n");
        let other = db.copy();
        policy(&other, &std::fs::read_to_string(db.directory().join("orgsweep.toml")).expect("the policy"));
        clean(&db, "A", &["--force"]).exits(0);
        assert_eq!(left(&db, "addresses"), ["2"]);
        refused(&other, "B", &["--force"], "foreign", "addresses");
    }

    fn a_membership_is_of_both_where_a_key_says_that_it_links_them(db: TestDatabase) {
        let members = |key: &str| format!("DROP TABLE IF EXISTS members; CREATE TABLE members (id integer PRIMARY KEY,
                org integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
                user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE{key});
            INSERT INTO members VALUES (1, 1, 1), (2, 2, 1), (3, 2, 2)");
        both(&db, &members(", UNIQUE (org, user_id)"));
        let unkeyed = db.copy();
        clean(&db, "A", &[]).exits(0).says(&["B (id 2): 1"]);
        assert_eq!(left(&db, "members"), ["3"]);
        // Without the key it is the organization's that it names; the refusal says how to tell that it links.
        unkeyed.execute(&members(""));
        let hint = refused(&unkeyed, "A", &[], "foreign", "members");
        assert!(hint.contains("[tables.members] association = true"), "{hint}");
        policy(&unkeyed, "[tables.members]\nassociation = true\n");
        clean(&unkeyed, "A", &[]).exits(0);
        assert_eq!(left(&unkeyed, "members"), ["3"]);
    }

    fn shares_follows_and_messages_are_of_both_ends(db: TestDatabase) {
        both(&db, "CREATE TABLE shares (id integer, doc integer NOT NULL REFERENCES docs (id) ON DELETE CASCADE,
                user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE, PRIMARY KEY (doc, user_id));
            CREATE TABLE messages (id integer PRIMARY KEY, sender integer REFERENCES users (id) ON DELETE CASCADE,
                recipient integer REFERENCES users (id) ON DELETE CASCADE);
            INSERT INTO shares VALUES (1, 1, 2), (2, 2, 1), (3, 2, 2);
            INSERT INTO messages VALUES (1, 1, 2), (2, 2, 1), (3, 2, 2), (4, 1, 1)");
        clean(&db, "A", &[]).exits(0).says(&["shares", "messages", "B (id 2): 2"]);
        assert_eq!((left(&db, "shares"), left(&db, "messages")), (vec!["3".into()], vec!["3".into()]));
    }

    fn a_comment_of_a_s_user_on_b_s_doc_is_of_both_and_the_policy_can_refuse_it(db: TestDatabase) {
        both(&db, "CREATE TABLE comments (id integer PRIMARY KEY,
                author integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                doc integer NOT NULL REFERENCES docs (id) ON DELETE CASCADE);
            INSERT INTO comments VALUES (1, 1, 1), (2, 1, 2), (3, 2, 2)");
        let (refusing, owned) = (db.copy(), db.copy());
        clean(&db, "A", &[]).exits(0).says(&["B (id 2): 1"]);
        assert_eq!(left(&db, "comments"), ["3"]);
        policy(&refusing, "[guards]\nshared = \"refuse\"\n");
        let hint = refused(&refusing, "A", &[], "shared", "comments");
        assert!(hint.contains("owning = [\"doc\"]"), "{hint}");
        policy(&owned, "[tables.comments]\nowning = [\"doc\"]\n");
        refused(&owned, "A", &[], "foreign", "comments");
    }

    fn a_sub_organization_is_its_own(db: TestDatabase) {
        both(&db, "ALTER TABLE organizations ADD COLUMN parent integer REFERENCES organizations (id) ON DELETE CASCADE");
        db.execute("UPDATE organizations SET parent = 1 WHERE id = 2");
        refused(&db, "A", &[], "foreign", "organizations");
        clean(&db, "A", &["--with-children"]).exits(0);
        assert_eq!(left(&db, "organizations"), Vec::<String>::new());
    }

    fn a_task_of_nobody_s_template_is_nobody_s_whoever_created_it(db: TestDatabase) {
        both(&db, "CREATE TABLE tasks (id integer PRIMARY KEY,
                template integer NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
                created_by integer NOT NULL REFERENCES users (id) ON DELETE RESTRICT);
            INSERT INTO tasks VALUES (1, 1, 1), (2, 2, 2), (3, 3, 1)");
        let hint = refused(&db, "A", &["--force"], "global", "tasks");
        assert!(hint.contains("[tables.tasks] owning = [\"created_by\"]"), "{hint}");
        assert!(!hint.contains("unlink"), "created_by takes no null: {hint}");
        policy(&db, "[tables.tasks]\nowning = [\"created_by\"]\n");
        clean(&db, "A", &["--force"]).exits(0);
        assert_eq!(left(&db, "tasks"), ["2"]);
    }

    fn a_row_both_of_whose_parents_are_b_s_is_b_s(db: TestDatabase) {
        // A's user lent the device of whose logs one is.
        both(&db, "CREATE TABLE devices (id integer PRIMARY KEY,
                org integer REFERENCES organizations (id) ON DELETE CASCADE,
                lent_by integer REFERENCES users (id) ON DELETE RESTRICT);
            CREATE TABLE logs (id integer PRIMARY KEY,
                device integer REFERENCES devices (id) ON DELETE CASCADE,
                doc integer REFERENCES docs (id) ON DELETE CASCADE);
            INSERT INTO devices VALUES (1, 1, 1), (2, 2, 1);
            INSERT INTO logs VALUES (1, 1, 1), (2, 2, 2)");
        refused(&db, "A", &["--force"], "foreign", "devices");
        refused(&db, "A", &["--force"], "foreign", "logs");
    }

    fn a_row_whose_reference_names_several_parents_is_all_of_theirs(db: TestDatabase) {
        if db.backend != Backend::Mysql {
            // Elsewhere what is referred to is unique.
            return;
        }
        both(&db, "CREATE TABLE areas (id integer PRIMARY KEY, code varchar(20), KEY (code),
                org integer REFERENCES organizations (id) ON DELETE CASCADE);
            CREATE TABLE visits (id integer PRIMARY KEY, area varchar(20), FOREIGN KEY (area) REFERENCES areas (code) ON DELETE CASCADE);
            INSERT INTO areas VALUES (1, 'north', 1), (2, 'north', 2), (3, 'south', 1), (4, 'east', 2);
            INSERT INTO visits VALUES (1, 'north'), (2, 'south'), (3, 'east')");
        policy(&db, "[guards]\nshared = \"refuse\"\n");
        refused(&db, "A", &[], "shared", "visits");
    }

    fn of_each_of_many_rows_the_other_owner_is_counted(db: TestDatabase) {
        both(&db, "CREATE TABLE messages (id integer PRIMARY KEY, sender integer REFERENCES users (id) ON DELETE CASCADE,
                recipient integer REFERENCES users (id) ON DELETE CASCADE)");
        db.execute("INSERT INTO organizations VALUES (3, 'C'); INSERT INTO users VALUES (13, 3)");
        let rows: Vec<String> = (1..=30).map(|n| format!("({n}, 1, {})", if n % 3 == 0 { 13 } else { 2 })).collect();
        db.execute(&format!("INSERT INTO messages VALUES {}", rows.join(", ")));
        clean(&db, "A", &[]).exits(0).says(&["B (id 2): 20, C (id 3): 10"]);
    }

    // Pairs of rows and owners would be millions: whose the rows are is known all the same.
    fn of_very_many_owners_some_are_named(db: TestDatabase) {
        both(&db, "CREATE TABLE messages (id integer PRIMARY KEY, sender integer REFERENCES users (id) ON DELETE CASCADE,
                recipient integer REFERENCES users (id) ON DELETE CASCADE)");
        let rows = |row: &dyn Fn(usize) -> String| (11..=1010).map(row).collect::<Vec<_>>().join(", ");
        db.execute(&format!(
            "INSERT INTO organizations VALUES {}; INSERT INTO users VALUES {}; INSERT INTO messages VALUES {}",
            rows(&|n| format!("({n}, 'Org {n}')")),
            rows(&|n| format!("({n}, {n})")),
            rows(&|n| format!("({n}, 1, {n})")),
        ));
        let outcome = clean(&db, "A", &[]).exits(0).says(&["Org ", "perhaps others"]);
        assert_eq!(outcome.rows("delete")["messages"], 1000, "{outcome}");
        assert_eq!((db.count("messages"), db.count("organizations")), (0, 1001));
    }

    fn what_a_refusal_advises_is_taken(db: TestDatabase) {
        both(&db, "CREATE TABLE notes (id integer PRIMARY KEY, org integer REFERENCES organizations (id) ON DELETE CASCADE,
                kind varchar(20), object integer);
            INSERT INTO notes VALUES (1, 1, 'user', 1), (2, 2, 'user', 1), (3, 2, 'doc', 1)");
        let declared = |to: &str, is: &str| format!(
            "[[references]]\nfrom = \"notes.object\"\nto = \"{to}.id\"\n\
             type = {{ column = \"kind\", is = \"{is}\" }}\non-delete = \"restrict\"\n"
        );
        policy(&db, &(declared("users", "user") + &declared("docs", "doc")));
        let unlinking = db.copy();
        policy(&unlinking, &(declared("users", "user") + &declared("docs", "doc")));
        let hint = refused(&db, "A", &["--force"], "foreign", "notes");
        assert!(hint.contains("unlink=notes.object") && hint.contains("delete=notes.object"), "{hint}");
        assert!(!hint.contains("reassign"), "to a user or to a doc? {hint}");
        clean(&db, "A", &["--force", "--foreign", "delete=notes.object"]).exits(0);
        assert_eq!(left(&db, "notes"), Vec::<String>::new());
        clean(&unlinking, "A", &["--force", "--foreign", "unlink=notes.object"]).exits(0);
        assert_eq!(left(&unlinking, "notes"), ["2", "3"]);
        assert_eq!(unlinking.value("SELECT count(object) FROM notes"), "0");
    }

    fn a_row_that_goes_in_every_order_of_the_engine_goes(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20));
             CREATE TABLE tariffs (org integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
                id integer NOT NULL, PRIMARY KEY (org, id));
             INSERT INTO organizations VALUES (1, 'A'), (2, 'B');
             INSERT INTO tariffs VALUES (1, 10), (2, 20)",
        );
        let users = |null: &str| format!(
            "CREATE TABLE users (id integer PRIMARY KEY, org integer {null}, tariff integer,
                FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE,
                FOREIGN KEY (org, tariff) REFERENCES tariffs (org, id) ON DELETE SET NULL);
             INSERT INTO users VALUES (1, 1, 10), (2, 1, NULL), (3, 2, 20)"
        );
        let (nullable, mysql) = (db.copy(), db.backend == Backend::Mysql);
        nullable.execute(&users(""));
        match db.backend {
            // Its own cascades come before those of what it deletes.
            Backend::Postgres => {
                clean(&nullable, "A", &[]).exits(0);
                assert_eq!(left(&nullable, "users"), ["3"]);
            }
            _ => drop(refused_overlap(&nullable)),
        }
        // Where NOT NULL forbids it no row is unlinked. (InnoDB does not take such a key.)
        if !mysql {
            db.execute(&users("NOT NULL"));
            clean(&db, "A", &[]).exits(0);
            assert_eq!(left(&db, "users"), ["3"]);
        }
    }
}

fn refused_overlap(db: &TestDatabase) -> Outcome {
    let outcome = clean(db, "A", &[]).exits(3);
    assert!(!outcome.refusals("overlap").is_empty(), "{outcome}");
    outcome
}

/// InnoDB goes through the references to a row by their names.
#[test]
fn of_a_cascade_and_a_set_null_of_one_column_the_first_by_name_decides() {
    for (cascade, unlink) in [("a", "b"), ("b", "a")] {
        let Some(db) = TestDatabase::fresh(Backend::Mysql) else { return };
        db.execute(&format!(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name varchar(20));
             CREATE TABLE users (id integer PRIMARY KEY, org integer,
                CONSTRAINT {cascade}_fk FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE CASCADE,
                CONSTRAINT {unlink}_fk FOREIGN KEY (org) REFERENCES organizations (id) ON DELETE SET NULL);
             INSERT INTO organizations VALUES (1, 'A'), (2, 'B');
             INSERT INTO users VALUES (1, 1), (2, 2)"
        ));
        if cascade < unlink {
            clean(&db, "A", &[]).exits(0);
            assert_eq!(left(&db, "users"), ["2"]);
        } else {
            refused_overlap(&db);
        }
    }
}
