//! Rows that come to name the closure by a declared reference while it is being deleted. Nothing
//! but orgsweep watches them: they are found before COMMIT.

use super::*;
use crate::faults::proxy::{Proxy, Verdict};

const SCHEMA: &str = "\
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE TABLE notes (id integer PRIMARY KEY, kind text, deal_id text);
INSERT INTO deals VALUES (100, 1), (200, 2);
INSERT INTO notes VALUES (1, 'Deal', '100'), (2, 'Deal', '200'), (3, 'Deal', '777');
";

fn policies() -> [String; 4] {
    let of = |action: &str, more: &str| {
        format!(
            "[[references]]\nfrom = \"notes.deal_id\"\nto = \"deals\"\non-delete = \"{action}\"\n{more}"
        )
    };
    let typed = "type = { column = \"kind\", is = \"Deal\" }\n";
    [of("cascade", ""), of("set null", ""), of("cascade", typed), of("no action", typed)]
}

each_backend! {
    fn one_that_a_trigger_adds(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(SCHEMA);
        let insert = "INSERT INTO notes SELECT max(id) + 1, 'Deal', OLD.id FROM notes";
        for table in ["deals", "organizations"] {
            let value = if table == "deals" { "OLD.id" } else { "100" };
            let insert = insert.replace("OLD.id", value);
            let sqlite = format!("CREATE TRIGGER intrude AFTER DELETE ON {table} BEGIN {insert}; END");
            let postgres = format!(
                "CREATE OR REPLACE FUNCTION intrude() RETURNS trigger LANGUAGE plpgsql AS \
                 $$BEGIN {insert}; RETURN NULL; END$$; \
                 CREATE TRIGGER intrude AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION intrude()"
            );
            db.execute(db.pick(&sqlite, &postgres, &sqlite));
            let before = db.dump();
            for text in policies() {
                policy(&db, &text);
                let outcome = apex(&db, "clean", &["--force"]).exits(6);
                outcome.says(&["notes.deal_id"]);
                changes(&before, &db.dump()).assert_none();
            }
            // A type that nobody declared names nobody.
            let other = insert.replace("'Deal'", "'Ship'");
            let drop = format!("DROP TRIGGER intrude ON {table}");
            db.execute(db.pick("DROP TRIGGER intrude", &drop, "DROP TRIGGER intrude"));
            db.execute(&db.pick(&sqlite, &postgres, &sqlite).replace(&insert, &other));
            let copy = db.copy();
            policy(&copy, &policies()[2]);
            apex(&copy, "clean", &["--force"]).exits(0);
            db.execute(db.pick("DROP TRIGGER intrude", &drop, "DROP TRIGGER intrude"));
        }
    }
}

/// What another session commits meanwhile is found, and taken by the next attempt if not by this one.
#[test]
fn one_that_another_session_adds() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(PEOPLE);
    db.execute(SCHEMA);
    for (text, checks) in policies().iter().zip(["engine", "set", "set", "engine"]) {
        // When deals go, and when all is done but the proof.
        for (moment, table) in [("DELETE FROM", "\"deals\""), ("SET CONSTRAINTS ALL IMMEDIATE", "")]
        {
            let copy = db.copy();
            policy(&copy, text);
            let mut session = copy.connect();
            let mut intruder = Some("INSERT INTO notes VALUES (9, 'Deal', '100')");
            let proxy = Proxy::start(&copy, move |message| {
                if message.sql.contains(moment)
                    && message.sql.contains(table)
                    && let Some(insert) = intruder.take()
                {
                    session.run(insert).expect("an insert");
                }
                Verdict::Forward
            });
            let clean = ["clean", "--org-name", "Apex", "--force", "--yes", "--format", "json"];
            let arguments = [&clean[..], &["--reference-checks", checks]].concat();
            let outcome = proxy.command(&arguments).directory(copy.directory()).run().exits(0);
            let case = format!("{moment} {checks}\n{text}\n{outcome}");
            // From the top down, notes are looked for after their deals are gone.
            let in_time = table == "\"deals\"" && outcome.json()["order"] == "top_down";
            assert!(in_time || outcome.stderr.contains("trying again"), "{case}");
            let (deleted, unlinked) = (outcome.rows("delete"), outcome.rows("unlink"));
            assert_eq!(deleted.get("notes").or(unlinked.get("notes")), Some(&2), "{case}");
            assert_eq!(copy.count("notes WHERE deal_id = '100'"), 0, "{case}");
            assert_eq!(copy.count("notes WHERE deal_id IN ('200', '777')"), 2, "{case}");
        }
    }
}
