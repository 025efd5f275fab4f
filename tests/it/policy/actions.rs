//! The action of a real foreign key is overridden: what the policy says happens, whatever the
//! database would have done.

use super::*;

const ACTIONS: [&str; 5] = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"];

/// Items whose reference to organizations has this action, and lines that hang on them. The
/// column's default is organization 3.
fn items(db: &TestDatabase, action: &str) -> TestDatabase {
    let db = TestDatabase::fresh(db.backend).expect("the backend was there before");
    db.execute(PEOPLE);
    db.execute(&format!(
        "CREATE TABLE items (id integer PRIMARY KEY, \
             organization_id integer DEFAULT 3 REFERENCES organizations (id) ON DELETE {action}, body text); \
         CREATE TABLE lines (id integer PRIMARY KEY, \
             item_id integer REFERENCES items (id) ON DELETE CASCADE); \
         INSERT INTO items VALUES (100, 1, 'own'), (200, 2, 'other'), (300, NULL, 'nobody'); \
         INSERT INTO lines VALUES (1, 100), (2, 200), (3, 300)"
    ));
    db
}

fn saying(action: &str) -> String {
    format!("[[references]]\nfrom = \"items.organization_id\"\non-delete = \"{action}\"\n")
}

const APEX: [&str; 2] = ["- organizations 1", "- users 10"];
const WITH_ITEMS: [&str; 4] = ["- organizations 1", "- users 10", "- items 100", "- lines 1"];

each_backend! {
    fn to_cascade(db: TestDatabase) {
        for action in ACTIONS {
            cleans(&items(&db, action), &saying("cascade"), &[], &WITH_ITEMS);
        }
    }

    fn to_set_null(db: TestDatabase) {
        for action in ACTIONS {
            let expected = [&APEX[..], &["~ items 100,,own"]].concat();
            cleans(&items(&db, action), &saying("set null"), &[], &expected);
        }
    }

    fn to_set_default_of_the_column(db: TestDatabase) {
        for action in ACTIONS {
            let expected = [&APEX[..], &["~ items 100,3,own"]].concat();
            cleans(&items(&db, action), &saying("set default"), &[], &expected);
        }
    }

    fn to_set_default_of_the_policy(db: TestDatabase) {
        let text = saying("set default") + "default = \"2\"\n";
        for action in ACTIONS {
            let expected = [&APEX[..], &["~ items 100,2,own"]].concat();
            cleans(&items(&db, action), &text, &[], &expected);
        }
    }

    fn to_set_default_of_a_row_that_is_missing_or_goes_too(db: TestDatabase) {
        for action in ["CASCADE", "SET DEFAULT"] {
            let db = items(&db, action);
            for default in ["1", "99"] {
                let text = saying("set default") + &format!("default = \"{default}\"\n");
                for force in [&[][..], &["--force"]] {
                    refuses(&db, &text, force, &["set_default"]);
                }
            }
        }
    }

    /// The policy's default is text, the column's values are numbers.
    fn to_set_default_of_a_unique_value(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE stages (id integer PRIMARY KEY, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE); \
             CREATE TABLE slots (id integer PRIMARY KEY, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE, \
                 stage_id integer UNIQUE CHECK (stage_id < 50) REFERENCES stages (id)); \
             INSERT INTO stages VALUES (1, NULL), (2, 1), (60, NULL); \
             INSERT INTO slots VALUES (100, 1, 1), (200, NULL, 2)",
        );
        let text = |default: &str| {
            format!(
                "[[references]]\nfrom = \"slots.stage_id\"\non-delete = \"set default\"\ndefault = \"{default}\"\n"
            )
        };
        // Slot 100 has the value, and goes first.
        let gone = ["- slots 100", "- stages 2", "~ slots 200,,1"];
        cleans(&db, &text("1"), &[], &[&APEX[..], &gone].concat());
        refuses(&db, &text("60"), &[], &["check"]);
        db.execute("UPDATE slots SET organization_id = NULL WHERE id = 100");
        refuses(&db, &text("1"), &[], &["unique"]);
    }

    fn to_restrict_or_no_action(db: TestDatabase) {
        for action in ACTIONS {
            let db = items(&db, action);
            for wanted in ["restrict", "no action"] {
                let refused = refuses(&db, &saying(wanted), &[], &["protected"]);
                let refusal = &refused.refusals("protected")[0];
                assert_eq!(refusal["reference"], "items.organization_id", "{refused}");
                refused.says(&[&format!("({wanted})"), "--force"]);
                cleans(&db, &saying(wanted), &["--force"], &WITH_ITEMS);
                cleans(&db, &saying(wanted), &["--force=items.organization_id"], &WITH_ITEMS);
            }
        }
    }

    /// SQL's difference between the two: rows that go themselves count for RESTRICT alone.
    fn to_restrict_inside_the_closure(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE deals (id integer PRIMARY KEY, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE, \
                 created_by integer REFERENCES users (id) ON DELETE CASCADE); \
             INSERT INTO deals VALUES (100, 1, 10), (200, 2, 20)",
        );
        let text = |action: &str| {
            format!("[[references]]\nfrom = \"deals.created_by\"\non-delete = \"{action}\"\n")
        };
        refuses(&db, &text("restrict"), &[], &["protected"]);
        cleans(&db, &text("no action"), &[], &[&APEX[..], &["- deals 100"]].concat());
    }

    fn to_ignore_refuses_rows_that_would_be_left_even_with_force(db: TestDatabase) {
        for action in ACTIONS {
            let db = items(&db, action);
            for force in [&[][..], &["--force"], &["--foreign", "delete", "--force"]] {
                let refused = refuses(&db, &saying("ignore"), force, &["kept"]);
                let refusal = &refused.refusals("kept")[0];
                assert_eq!((&refusal["table"], &refusal["rows"]), (&"items".into(), &1.into()), "{refused}");
            }
            db.execute("UPDATE items SET organization_id = 2 WHERE id = 100");
            cleans(&db, &saying("ignore"), &[], &APEX);
        }
    }

    fn to_ignore_is_no_matter_for_rows_that_go_anyway(db: TestDatabase) {
        for action in ACTIONS {
            let db = items(&db, action);
            db.execute("ALTER TABLE items ADD COLUMN owner_id integer REFERENCES users (id) ON DELETE CASCADE");
            db.execute("UPDATE items SET owner_id = 10 WHERE id = 100");
            cleans(&db, &saying("ignore"), &[], &WITH_ITEMS);
        }
    }

    /// Where only the engine would cascade or unlink, it must not come before us.
    fn to_cascade_on_columns_that_are_not_null(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("InnoDB knows no SET NULL of a NOT NULL column");
        }
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE items (id integer PRIMARY KEY, \
                 organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE SET NULL); \
             INSERT INTO items VALUES (100, 1), (200, 2)",
        );
        for force in [&[][..], &["--force"]] {
            refuses(&db, "", force, &["not_null"]);
            refuses(&db, &saying("set null"), force, &["not_null"]);
        }
        cleans(&db, &saying("cascade"), &[], &[&APEX[..], &["- items 100"]].concat());
    }

    fn by_the_constraint_s_name_and_with_several_columns(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
             CREATE TABLE folders (tenant integer, no integer, \
                 organization_id integer REFERENCES organizations (id) ON DELETE CASCADE, PRIMARY KEY (tenant, no)); \
             CREATE TABLE files (id integer PRIMARY KEY, tenant integer, no integer, \
                 CONSTRAINT files_folder FOREIGN KEY (tenant, no) REFERENCES folders (tenant, no)); \
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'); \
             INSERT INTO folders VALUES (5, 1, 1), (6, 2, 2); \
             INSERT INTO files VALUES (51, 5, 1), (52, 5, NULL), (62, 6, 2)",
        );
        refuses(&db, "", &[], &["protected"]);
        let names = ["files.tenant,no", "files.tenant, no", "FILES.Tenant,No"];
        let constraint = db.either("", "files_folder");
        for name in names.into_iter().chain([constraint]).filter(|name| !name.is_empty()) {
            let text = format!("[[references]]\nfrom = \"{name}\"\non-delete = \"cascade\"\n");
            cleans(&db, &text, &[], &["- organizations 1", "- folders 5", "- files 51"]);
        }
    }

    fn with_the_table_that_it_names_it_is_still_the_same_foreign_key(db: TestDatabase) {
        let db = items(&db, "RESTRICT");
        for to in ["organizations", "organizations.id"] {
            cleans(&db, &(saying("cascade") + &format!("to = \"{to}\"\n")), &[], &WITH_ITEMS);
        }
    }

    /// Nothing the policy says reaches beyond its reference.
    fn without_an_organization_to_clean_nothing_happens(db: TestDatabase) {
        let db = items(&db, "NO ACTION");
        policy(&db, &saying("cascade"));
        let before = db.dump();
        of(&db, "clean", &["--org-name", "Nobody", "--force"]).exits(0);
        of(&db, "clean", &["--org-name", "Nobody", "--force", "--require-match"]).exits(3);
        changes(&before, &db.dump()).assert_none();
    }
}
