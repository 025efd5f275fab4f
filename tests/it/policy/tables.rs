//! What a policy says of whole tables: which references own their rows, what the rows are called,
//! and that they are never to be touched.

use super::*;

const DEALS: &str = "\
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE,
    created_by integer REFERENCES users (id) ON DELETE CASCADE,
    number text,
    subject text
);
INSERT INTO deals VALUES (100, 1, 10, 'D-1', 'own'), (200, 2, 20, 'D-2', 'other');
";

const AUDIT: &str = "\
CREATE TABLE audit (id integer PRIMARY KEY, user_id integer {}, what text);
INSERT INTO audit VALUES (1, 10, 'ours'), (2, 20, 'theirs'), (3, NULL, 'nobody');
";

const APEX: [&str; 2] = ["- organizations 1", "- users 10"];

fn audit(db: &TestDatabase, reference: &str) -> TestDatabase {
    let db = TestDatabase::fresh(db.backend).expect("the backend was there before");
    db.execute(PEOPLE);
    db.execute(&AUDIT.replace("{}", reference));
    db
}

const ACTIONS: [&str; 4] = ["CASCADE", "SET NULL", "RESTRICT", "NO ACTION"];

fn keep(how: &str) -> String {
    format!("[tables.audit]\nkeep = \"{how}\"\n")
}

each_backend! {
    fn the_owning_reference_can_be_named(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(DEALS);
        // What names the organization itself says whose it is.
        db.execute("INSERT INTO deals VALUES (300, 2, 10, 'D-3', 'whose?')");
        refuses(&db, "", &["--force"], &["foreign"]);
        let by = |column: &str| format!("[tables.deals]\nowning = [\"{column}\"]\n");
        let refused = refuses(&db, &by("organization_id"), &["--force"], &["foreign"]);
        assert_eq!(refused.refusals("foreign")[0]["reference"], "deals.created_by", "{refused}");
        cleans(&db, &by("created_by"), &[], &[&APEX[..], &["- deals 100", "- deals 300"]].concat());
        // Both: shared, and a cascade takes it.
        let both = "[tables.deals]\nowning = [\"organization_id\", \"created_by\"]\n";
        cleans(&db, both, &[], &[&APEX[..], &["- deals 100", "- deals 300"]].concat());
    }

    fn the_label_can_be_named(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(&DEALS.replace("ON DELETE CASCADE,\n    number", "ON DELETE RESTRICT,\n    number"));
        let text = "[tables.deals]\nlabel = [\"number\", \"subject\"]\n";
        let refused = refuses(&db, text, &[], &["protected"]);
        let sample = refused.refusals("protected")[0]["samples"][0].as_str().unwrap_or_default().to_owned();
        assert!(sample.contains("D-1 - own"), "{refused}");
        let refused = refuses(&db, "[tables.deals]\nlabel = [\"id\"]\n", &[], &["protected"]);
        assert!(!refused.text().contains("D-1"), "{refused}");
    }

    fn kept_rows_refuse(db: TestDatabase) {
        for action in ACTIONS {
            let db = audit(&db, &format!("REFERENCES users (id) ON DELETE {action}"));
            for force in [&[][..], &["--force"]] {
                let refused = refuses(&db, &keep("refuse"), force, &["kept"]);
                assert_eq!(refused.refusals("kept")[0]["rows"], 1, "{refused}");
            }
            db.execute("UPDATE audit SET user_id = 20 WHERE id = 1");
            cleans(&db, &keep("refuse"), &["--force"], &APEX);
        }
    }

    fn kept_rows_are_unlinked(db: TestDatabase) {
        for action in ACTIONS {
            let db = audit(&db, &format!("REFERENCES users (id) ON DELETE {action}"));
            cleans(&db, &keep("unlink"), &[], &[&APEX[..], &["~ audit 1,,ours"]].concat());
        }
        let db = audit(&db, "");
        db.execute(
            "DROP TABLE audit; CREATE TABLE audit (id integer PRIMARY KEY, \
                 user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE); \
             INSERT INTO audit VALUES (1, 10)",
        );
        refuses(&db, &keep("unlink"), &["--force"], &["not_null"]);
    }

    fn kept_rows_are_ignored_where_the_database_does_not_watch(db: TestDatabase) {
        for action in ACTIONS {
            let db = audit(&db, &format!("REFERENCES users (id) ON DELETE {action}"));
            policy(&db, &keep("ignore"));
            let before = db.dump();
            for command in ["preview", "clean"] {
                apex(&db, command, &["--force"]).exits(2).says(&["orgsweep.toml:2", "watches", "audit.user_id"]);
            }
            changes(&before, &db.dump()).assert_none();
        }
        let db = audit(&db, "");
        cleans(&db, &keep("ignore"), &[], &APEX);
        let declared = "[[references]]\nfrom = \"audit.user_id\"\nto = \"users\"\non-delete = \"cascade\"\n";
        cleans(&db, declared, &[], &[&APEX[..], &["- audit 1"]].concat());
        // Both cannot be.
        policy(&db, &(declared.to_owned() + &keep("ignore")));
        apex(&db, "clean", &["--force"]).exits(2).says(&["orgsweep.toml:6", "orgsweep.toml:2"]);
    }

    /// Rows that hang on a kept row are as safe as it is.
    fn what_hangs_on_kept_rows_stays(db: TestDatabase) {
        let db = audit(&db, "REFERENCES users (id) ON DELETE CASCADE");
        db.execute(
            "CREATE TABLE details (id integer PRIMARY KEY, audit_id integer REFERENCES audit (id) ON DELETE CASCADE); \
             INSERT INTO details VALUES (1, 1), (2, 2)",
        );
        cleans(&db, "", &[], &[&APEX[..], &["- audit 1", "- details 1"]].concat());
        cleans(&db, &keep("unlink"), &[], &[&APEX[..], &["~ audit 1,,ours"]].concat());
    }

    /// What is said of a single reference holds beside what is said of its table.
    fn one_reference_of_a_kept_table_may_be_unlinked(db: TestDatabase) {
        let db = audit(&db, "REFERENCES users (id) ON DELETE CASCADE");
        db.execute("ALTER TABLE audit ADD COLUMN organization_id integer REFERENCES organizations (id) ON DELETE CASCADE");
        let text = "[[references]]\nfrom = \"audit.user_id\"\non-delete = \"set null\"\n".to_owned() + &keep("refuse");
        cleans(&db, &text, &[], &[&APEX[..], &["~ audit 1,,ours,"]].concat());
        db.execute("UPDATE audit SET organization_id = 1 WHERE id = 2");
        refuses(&db, &text, &["--force"], &["kept"]);
    }
}
