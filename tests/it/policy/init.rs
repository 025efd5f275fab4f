//! `policy init`: a first policy with evidence. Nothing that it suggests is applied unasked.

use super::*;

/// References that nobody declared, some of which the data bears out.
const WILD: &str = "\
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE,
    title text
);
CREATE TABLE tasks (id integer PRIMARY KEY, deal_id integer, what text);
CREATE TABLE clicks (id integer PRIMARY KEY, user_id text);
CREATE TABLE strays (id integer PRIMARY KEY, deal_id integer);
CREATE TABLE drafts (id integer PRIMARY KEY, deal_id integer);
CREATE TABLE comments (id integer PRIMARY KEY, commentable_type text, commentable_id integer);
INSERT INTO deals VALUES (100, 1, 'own'), (200, 2, 'other');
INSERT INTO tasks VALUES (1, 100, 'call'), (2, 200, 'sign'), (3, NULL, 'x');
INSERT INTO clicks VALUES (1, '10'), (2, '20'), (3, '30');
INSERT INTO strays VALUES (1, 7), (2, 8), (3, 9);
INSERT INTO comments VALUES (1, 'Deal', 100), (2, 'User', 10), (3, 'Deal', 200), (4, 'Moon', 1);
";

fn wild(db: &TestDatabase) {
    db.execute(PEOPLE);
    db.execute(WILD);
}

fn init(db: &TestDatabase, flags: &[&str]) -> Outcome {
    db.orgsweep(&[&["policy", "init"], flags].concat())
}

each_backend! {
    fn what_it_suggests_is_evident_and_not_applied(db: TestDatabase) {
        wild(&db);
        let before = db.dump();
        let without = apex(&db, "preview", &["--force"]).exits(0);
        let text = init(&db, &[]).exits(0).stdout;
        changes(&before, &db.dump()).assert_none();
        for part in ["# from = \"tasks.deal_id\"", "# from = \"clicks.user_id\"", "# from = \"drafts.deal_id\"",
            "commentable_type", "\"Deal\"", "\"User\"", "2 of 2 rows", "3 of 3 rows", "table = \"organizations\""]
        {
            assert!(text.contains(part), "{part} is missing\n{text}");
        }
        for part in ["strays", "Moon"] {
            assert!(!text.contains(part), "{part}\n{text}");
        }
        assert!(!text.lines().any(|line| line.starts_with("[[references]]")), "{text}");
        policy(&db, &text);
        let with = apex(&db, "preview", &["--force"]).exits(0);
        assert_eq!(without.json(), with.json(), "{text}");
        db.orgsweep(&["policy", "check"]).exits(0);
    }

    /// Taking the comment signs away is all that it takes.
    fn what_it_suggests_can_be_taken_over(db: TestDatabase) {
        wild(&db);
        let text = init(&db, &[]).exits(0).stdout;
        let entries = ["[[references]]", "from = ", "to = ", "type = ", "on-delete = "];
        let tail = text.find("# What else can be said").expect("the tail");
        let uncomment = |line: &str| match line.strip_prefix("# ") {
            Some(rest) if entries.iter().any(|entry| rest.starts_with(entry)) => rest.to_owned() + "\n",
            _ => line.to_owned() + "\n",
        };
        let taken: String = text[..tail].lines().map(uncomment).collect();
        let gone = ["- organizations 1", "- users 10", "- deals 100", "- tasks 1", "- clicks 1", "- comments 1",
            "- comments 2"];
        cleans(&db, &taken, &[], &gone);
        policy(&db, &taken);
        db.orgsweep(&["policy", "check", "--complete", "--format", "json"]);
    }

    /// What was asked for holds at once; what hangs on people loses their names; lists are named.
    fn applied_suggestions_are_rules(db: TestDatabase) {
        wild(&db);
        let list = if db.backend == Backend::Postgres { "integer[]" } else { "json" };
        db.execute(&format!(
            "CREATE TABLE plans (id integer PRIMARY KEY, \"ownerId\" integer, created_by integer, deal_ids {list}); \
             CREATE TABLE user_cards (user_id integer PRIMARY KEY, number text); \
             CREATE TABLE \"_DealToUser\" (\"A\" integer NOT NULL, \"B\" integer NOT NULL)"
        ));
        db.execute("INSERT INTO plans VALUES (1, 10, 77, NULL), (2, 20, 78, NULL)");
        db.execute("INSERT INTO user_cards VALUES (10, 'x'), (20, 'y')");
        db.execute("INSERT INTO \"_DealToUser\" VALUES (100, 10), (200, 20)");
        let text = init(&db, &["--apply"]).exits(0).stdout;
        // MariaDB's JSON is a text.
        let list = if db.backend == Backend::Mysql { "" } else { "model = \"plans.deal_ids\"" };
        for part in ["\nfrom = \"plans.ownerId\"\nto = \"users.id\"\non-delete = \"set null\"", "--apply made rules",
            list, "\nfrom = \"_DealToUser.A\"\nto = \"deals.id\""]
        {
            assert!(text.contains(part), "{part} is missing\n{text}");
        }
        assert!(!text.contains("created_by"), "its values are nobody's\n{text}");
        let gone = ["- organizations 1", "- users 10", "- deals 100", "- tasks 1", "- clicks 1", "- comments 1",
            "- comments 2", "- user_cards 10", "- _DealToUser 100", "~ plans 1,,77,"];
        cleans(&db, &text, &[], &gone);
        policy(&db, &text);
        let check = db.orgsweep(&["policy", "check"]).exits(0);
        if !list.is_empty() {
            check.says(&["deal_ids"]);
        }
    }

    /// What else could be said is an example that is a policy.
    fn its_examples_are_toml(db: TestDatabase) {
        wild(&db);
        let text = init(&db, &[]).exits(0).stdout;
        let tail = &text[text.find("# What else can be said").expect("the tail")..];
        let lines = tail.lines().skip(1).map(|line| line.trim_start_matches("# ").trim_start_matches('#'));
        let text: String = lines.map(|line| line.to_owned() + "\n").collect();
        policy(&db, &text);
        // Its tables are not those of this database, but it can be read.
        db.orgsweep(&["policy", "check"]).exits(2).says(&["there is no table"]);
    }

    fn a_file_is_never_overwritten_unasked(db: TestDatabase) {
        wild(&db);
        let file = db.directory().join("new.toml");
        init(&db, &["--output", "new.toml"]).exits(0).says(&["new.toml"]);
        let written = std::fs::read_to_string(&file).expect("the file");
        assert_eq!(written, init(&db, &[]).exits(0).stdout);
        std::fs::write(&file, "mine").expect("changed");
        init(&db, &["--output", "new.toml"]).exits(2).says(&["new.toml", "--overwrite"]);
        assert_eq!(std::fs::read_to_string(&file).expect("the file"), "mine");
        init(&db, &["--output", "new.toml", "--overwrite"]).exits(0);
        assert_eq!(std::fs::read_to_string(&file).expect("the file"), written);
        init(&db, &["--output", "nowhere/new.toml"]).exits(2);
        init(&db, &["--overwrite"]).exits(2);
        db.orgsweep(&["policy", "check", "--config", "new.toml"]).exits(0);
    }

    fn the_root_may_be_named_and_may_be_unknown(db: TestDatabase) {
        db.execute(
            "CREATE TABLE tenants (id integer PRIMARY KEY, name text); \
             CREATE TABLE companies (id integer PRIMARY KEY, name text); \
             CREATE TABLE notes (id integer PRIMARY KEY, tenant_id integer REFERENCES tenants (id), \
                 company_id integer REFERENCES companies (id))",
        );
        let text = init(&db, &[]).exits(0).stdout;
        assert!(text.contains("tenants") && text.contains("companies") && !text.contains("\n[root]"), "{text}");
        let text = init(&db, &["--root", "tenants"]).exits(0).stdout;
        assert!(text.contains("[root]\ntable = \"tenants\""), "{text}");
        let named = db.command(&["policy", "init"]).env("ORGSWEEP_ROOT", "companies").run().exits(0).stdout;
        assert!(named.contains("[root]\ntable = \"companies\""), "{named}");
        init(&db, &["--root", "nothing"]).exits(2).says(&["nothing"]);
        policy(&db, &text);
        db.orgsweep(&["policy", "check"]).exits(0);
    }

    fn an_empty_database_gives_a_policy_too(db: TestDatabase) {
        let text = init(&db, &[]).exits(0).stdout;
        policy(&db, &text);
        db.execute(PEOPLE);
        cleans(&db, &text, &[], &["- organizations 1", "- users 10"]);
    }

    /// Names from the database cannot write into the policy.
    fn names_with_quotes_and_line_ends(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE \"odd \"\"one\"\"\n[guards]\" (id integer PRIMARY KEY, user_id integer, \"thing_type\" text, thing_id integer)",
        );
        db.execute("INSERT INTO \"odd \"\"one\"\"\n[guards]\" VALUES (1, 10, 'User\n[[orphans]]\ntable = \"users\"', 10), (2, 20, 'User', 10)");
        let text = init(&db, &[]).exits(0).stdout;
        let without = apex(&db, "preview", &["--force"]).exits(0).json();
        policy(&db, &text);
        assert_eq!(apex(&db, "preview", &["--force"]).exits(0).json(), without, "{text}");
        db.orgsweep(&["policy", "check"]).exits(0);
    }

    /// The file that is there already may be the reason for a new one.
    fn a_broken_policy_is_no_obstacle(db: TestDatabase) {
        wild(&db);
        policy(&db, "[root\n");
        init(&db, &[]).exits(0);
    }
}
