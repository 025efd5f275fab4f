//! `policy check`: what the policy means in this database, and which tables nobody thought of.

use super::*;

const SCHEMA: &str = "\
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    title text
);
CREATE TABLE tasks (id integer PRIMARY KEY, deal_id text);
CREATE TABLE comments (id integer PRIMARY KEY, about_type text, about_id integer);
CREATE TABLE weather (id integer PRIMARY KEY, degrees integer);
INSERT INTO deals VALUES (100, 1, 'own');
INSERT INTO tasks VALUES (1, '100'), (2, '100'), (3, '7'), (4, NULL), (5, 'x');
";

fn check(db: &TestDatabase, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&["policy", "check"], flags].concat())
}

const TASKS: &str =
    "[[references]]\nfrom = \"tasks.deal_id\"\nto = \"deals\"\non-delete = \"cascade\"\n";

each_backend! {
    fn it_shows_what_the_policy_means(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(SCHEMA);
        let text = TASKS.to_owned()
            + "[[references]]\nfrom = \"deals.organization_id\"\non-delete = \"set null\"\n\
               [[orphans]]\ntable = \"users\"\nwhere = \"organization_id IS NULL\"\n\
               [guards]\ndatabases = [\"*_nothing\"]\n\
               [[caveats]]\nmodel = \"crm.Deal\"\nwhat = \"delete() is overridden\"\n";
        policy(&db, &text);
        let before = db.dump();
        let shown = check(&db, &[]).exits(0);
        shown.says(&["tasks.deal_id → deals", "declared", "overrides the database", "users where organization_id IS NULL",
            "NOT NULL", "crm.Deal", "orgsweep.toml:12", "organizations"]);
        let outcome = check(&db, &["--format", "json"]).exits(0);
        let json = outcome.json();
        assert_eq!((&json["format"], &json["command"]), (&1.into(), &"policy check".into()), "{outcome}");
        assert_eq!((&json["outcome"], &json["exit"]), (&"fits".into(), &0.into()), "{outcome}");
        assert_eq!((&json["file"], &json["root"]), (&"orgsweep.toml".into(), &"organizations".into()), "{outcome}");
        let references = json["references"].as_array().cloned().unwrap_or_default();
        let named = |name: &str| references.iter().find(|r| r["reference"] == name).cloned().unwrap_or_default();
        let tasks = named("tasks.deal_id");
        assert_eq!((&tasks["rows"], &tasks["dangling"]), (&4.into(), &2.into()), "{outcome}");
        assert_eq!((&tasks["declared"], &tasks["on_delete"]), (&true.into(), &"cascade".into()), "{outcome}");
        assert!(tasks["warning"].is_null(), "{outcome}");
        let deals = named("deals.organization_id");
        assert_eq!((&deals["declared"], &deals["parent"]), (&false.into(), &"organizations".into()), "{outcome}");
        assert!(deals["warning"].as_str().is_some_and(|w| w.contains("NOT NULL")), "{outcome}");
        assert_eq!(json["orphans"], serde_json::json!([["users", "organization_id IS NULL"]]), "{outcome}");
        assert!(json["guard"].as_str().is_some_and(|g| g.contains("orgsweep.toml:12")), "{outcome}");
        assert_eq!(json["caveats"][0]["model"], "crm.Deal", "{outcome}");
        changes(&before, &db.dump()).assert_none();
    }

    /// An application's delete() does not run here.
    fn what_is_said_of_the_organizations_own_rows_is_told_where_they_go(db: TestDatabase) {
        db.execute(PEOPLE);
        let said = |table: &str| format!("[[caveats]]\nmodel = \"crm.Org\"\ntable = \"{table}\"\nwhat = \"delete() mails\"\n");
        policy(&db, &said("organizations"));
        apex(&db, "preview", &[]).exits(0).says(&["not done here: delete() mails"]);
        apex(&db, "preview", &["--keep-organization"]).exits(0).hides("delete() mails");
        policy(&db, &said("users"));
        apex(&db, "preview", &[]).exits(0).hides("delete() mails");
    }

    fn complete_fails_for_tables_that_nobody_thought_of(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(SCHEMA);
        let unclassified = |outcome: &Outcome| -> Vec<String> {
            let json = outcome.json();
            let all = json["unclassified"].as_array().cloned().unwrap_or_default();
            all.iter().filter_map(|table| table["table"].as_str().map(str::to_owned)).collect()
        };
        let with = |text: &str, code: i32, left: &[&str]| {
            policy(&db, &format!("[tables.weather]\nkeep = \"ignore\"\n{text}"));
            let outcome = check(&db, &["--complete", "--format", "json"]).exits(code);
            assert_eq!(unclassified(&outcome), left, "{text}\n{outcome}");
            assert_eq!(outcome.json()["outcome"], if code == 0 { "fits" } else { "incomplete" }, "{outcome}");
            // Without --complete it is told, and no failure.
            assert_eq!(unclassified(&check(&db, &["--format", "json"]).exits(0)), left, "{text}");
            check(&db, &["--complete"]).exits(code).says(left);
        };
        let ignored = |table: &str| format!("[tables.{table}]\nkeep = \"ignore\"\n");
        let comments = "[[references]]\nfrom = \"comments.about_id\"\nto = \"deals\"\non-delete = \"cascade\"\n\
                        type = { column = \"about_type\", is = \"Deal\" }\n";
        with("", 3, &["comments", "tasks"]);
        with(TASKS, 3, &["comments"]);
        with(&(TASKS.to_owned() + &ignored("comments")), 0, &[]);
        with(&(TASKS.to_owned() + comments), 0, &[]);
        with(&(ignored("tasks") + comments), 0, &[]);
        let forgotten = "[[references]]\nfrom = \"tasks.deal_id\"\nto = \"deals\"\non-delete = \"ignore\"\n";
        with(&(forgotten.to_owned() + comments), 0, &[]);
        with("[tables.tasks]\nlabel = [\"deal_id\"]\n[tables.comments]\nkeep = \"refuse\"\n", 0, &[]);
    }

    /// Each table is reached, kept or named; each column that looks like a key of what goes is a reference or spoken of.
    fn complete_means_every_table_and_every_column(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute("CREATE TABLE weather (id integer PRIMARY KEY, sky varchar(9))");
        policy(&db, "");
        check(&db, &[]).exits(0).hides("weather");
        check(&db, &["--complete"]).exits(3).says(&["weather: nothing leads from it to organizations"]);
        policy(&db, "[tables.weather]\nkeep = \"ignore\"\n");
        check(&db, &["--complete"]).exits(0);
        // Its rows go, but not those that only name somebody by this.
        db.execute("CREATE TABLE posts (id integer PRIMARY KEY, user_id integer, \
                    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE)");
        check(&db, &["--complete"]).exits(3).says(&["posts: user_id looks like a reference to users"]);
        let said = "[tables.weather]\nkeep = \"ignore\"\n[[references]]\nfrom = \"posts.user_id\"\nto = \"users\"\n";
        for action in ["cascade", "ignore"] {
            policy(&db, &format!("{said}on-delete = \"{action}\"\n"));
            check(&db, &["--complete"]).exits(0);
        }
    }

    fn it_needs_a_policy(db: TestDatabase) {
        db.execute(PEOPLE);
        check(&db, &[]).exits(2).says(&["policy init"]);
        let outcome = check(&db, &["--format", "json"]).exits(2);
        assert_eq!(outcome.json()["outcome"], "error", "{outcome}");
        policy(&db, "");
        check(&db, &[]).exits(0);
        check(&db, &["--complete"]).exits(0);
    }

    fn the_root_may_be_named(db: TestDatabase) {
        db.execute(PEOPLE);
        policy(&db, "");
        check(&db, &["--root", "users"]).exits(0).says(&["organizations in users"]);
        check(&db, &["--root", "nothing"]).exits(2);
    }
}
