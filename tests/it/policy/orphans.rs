//! Rows that nobody owns and that the policy lets go along: never a row that somebody owns, however
//! careless the condition.

use super::*;

/// Users 40 and 50 are left over from older tests, 60 is a super admin.
const LEFT_OVER: &str = "\
CREATE TABLE deals (
    id integer PRIMARY KEY,
    organization_id integer REFERENCES organizations (id) ON DELETE CASCADE,
    created_by integer REFERENCES users (id) ON DELETE RESTRICT
);
CREATE TABLE sessions (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE CASCADE);
CREATE TABLE notes (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE SET NULL, body text);
INSERT INTO users VALUES (11, 1, 'e2e-1@e2e.test'), (21, 2, 'e2e-2@e2e.test'),
    (40, NULL, 'e2e-4@e2e.test'), (50, NULL, 'e2e-5@e2e.test'), (60, NULL, 'root@apex.test');
INSERT INTO sessions VALUES (1, 10), (2, 20), (4, 40), (6, 60);
INSERT INTO notes VALUES (2, 20, 'a'), (5, 50, 'b'), (6, 60, 'c');
";

const POLICY: &str = "\
[[orphans]]
table = \"users\"
where = \"email LIKE '%@e2e.test'\"
";

const APEX: [&str; 4] = ["- organizations 1", "- users 10", "- users 11", "- sessions 1"];
const ORPHANS: [&str; 4] = ["- users 40", "- users 50", "- sessions 4", "~ notes 5,,b"];

fn left_over(db: &TestDatabase) {
    db.execute(PEOPLE);
    db.execute(LEFT_OVER);
}

each_backend! {
    fn they_go_along_alone_or_stay(db: TestDatabase) {
        left_over(&db);
        cleans(&db, POLICY, &[], &[&APEX[..], &ORPHANS].concat());
        cleans(&db, POLICY, &["--orphans", "with"], &[&APEX[..], &ORPHANS].concat());
        cleans(&db, POLICY, &["--orphans", "without"], &APEX);
        cleans_of(&db, POLICY, &["--orphans", "only"], &ORPHANS);
    }

    fn alone_they_need_no_organization_s_name(db: TestDatabase) {
        left_over(&db);
        policy(&db, POLICY);
        of(&db, "clean", &[]).exits(2);
        of(&db, "clean", &["--orphans", "with"]).exits(2);
        let outcome = of(&db, "clean", &["--orphans", "only"]).exits(0);
        assert_eq!(outcome.rows("delete")["users"], 2, "{outcome}");
        assert_eq!(outcome.json()["organizations"], serde_json::json!([]), "{outcome}");
        let outcome = of(&db, "clean", &["--orphans", "only"]).exits(0);
        assert_eq!(outcome.json()["outcome"], "nothing", "{outcome}");
    }

    /// `--orphans only` and a name contradict each other: the organization stays.
    fn alone_they_leave_a_named_organization(db: TestDatabase) {
        left_over(&db);
        policy(&db, POLICY);
        let before = db.dump();
        for selection in [["--org-name", "Apex"], ["--org-id", "1"], ["--org-like", "A*"]] {
            let flags = [&selection[..], &["--orphans", "only"]].concat();
            of(&db, "clean", &flags).exits(2).says(&["--orphans only"]);
        }
        // Where no policy names orphans, somebody is mistaken.
        policy(&db, "");
        of(&db, "clean", &["--orphans", "only"]).exits(2).says(&["no policy names any orphans"]);
        changes(&before, &db.dump()).assert_none();
    }

    fn a_condition_for_every_row_takes_nobody_s_rows_only(db: TestDatabase) {
        left_over(&db);
        for condition in ["1 = 1", "id > 0 OR 1 = 1", "organization_id IS NOT NULL OR id IS NOT NULL"] {
            let text = format!("[[orphans]]\ntable = \"users\"\nwhere = \"{condition}\"\n");
            let all = [&ORPHANS[..], &["- users 60", "- sessions 6", "~ notes 6,,c"]].concat();
            cleans_of(&db, &text, &["--orphans", "only"], &all);
            cleans(&db, &text, &[], &[&APEX[..], &all].concat());
        }
        let text = "[[orphans]]\ntable = \"users\"\nwhere = \"organization_id = 2\"\n";
        cleans_of(&db, text, &["--orphans", "only"], &[]);
    }

    /// A deal of another organization that an orphan created: theirs, force or not.
    fn what_they_made_for_others_stays(db: TestDatabase) {
        left_over(&db);
        db.execute("INSERT INTO deals VALUES (200, 2, 40)");
        for flags in [&["--orphans", "only"][..], &["--org-name", "Apex"]] {
            let forced = [flags, &["--force"]].concat();
            let refused = refuses_of(&db, POLICY, &forced, &["foreign"]);
            let refusal = &refused.refusals("foreign")[0];
            assert_eq!(refusal["reference"], "deals.created_by", "{refused}");
            assert!(refusal["organizations"][0].as_str().is_some_and(|o| o.contains("Global")), "{refused}");
        }
        policy(&db, POLICY);
        let before = db.dump();
        of(&db, "clean", &["--orphans", "only"]).exits(3);
        changes(&before, &db.dump()).assert_none();
        let unlink = ["--orphans", "only", "--force", "--foreign", "unlink=deals.created_by"];
        cleans_of(&db, POLICY, &unlink, &[&ORPHANS[..], &["~ deals 200,2,"]].concat());
    }

    /// Rows that an orphan owns go with it, rows that nobody owns do not.
    fn what_they_own_goes_along(db: TestDatabase) {
        left_over(&db);
        db.execute(
            "CREATE TABLE keys (id integer PRIMARY KEY, user_id integer REFERENCES users (id)); \
             INSERT INTO keys VALUES (1, 40), (2, 60)",
        );
        refuses_of(&db, POLICY, &["--orphans", "only"], &["protected"]);
        cleans_of(&db, POLICY, &["--orphans", "only", "--force"], &[&ORPHANS[..], &["- keys 1"]].concat());
    }

    fn of_several_tables_and_several_conditions(db: TestDatabase) {
        left_over(&db);
        db.execute("CREATE TABLE uploads (id integer PRIMARY KEY, name text); INSERT INTO uploads VALUES (1, 'e2e-a'), (2, 'b')");
        let text = "[[orphans]]\ntable = \"users\"\nwhere = \"email LIKE 'e2e-4%'\"\n\
                    [[orphans]]\ntable = \"uploads\"\nwhere = \"name LIKE 'e2e-%'\"\n\
                    [[orphans]]\ntable = \"users\"\nwhere = \"email LIKE '%@e2e.test'\"\n";
        cleans_of(&db, text, &["--orphans", "only"], &[&ORPHANS[..], &["- uploads 1"]].concat());
        cleans(&db, text, &["--orphans", "without"], &APEX);
    }

    /// Owned by a declared reference is owned.
    fn a_declared_owner_is_an_owner(db: TestDatabase) {
        db.execute(PEOPLE);
        db.execute(
            "CREATE TABLE files (id integer PRIMARY KEY, owner text, kind text); \
             INSERT INTO files VALUES (1, '10', 'User'), (2, '20', 'User'), (3, NULL, 'User'), (4, '99', 'User'), \
                 (5, '20', NULL), (6, '020', 'User'), (7, '20', 'Ship')",
        );
        let orphans = "[[orphans]]\ntable = \"files\"\nwhere = \"1 = 1\"\n";
        let plain = "[[references]]\nfrom = \"files.owner\"\nto = \"users\"\non-delete = \"cascade\"\n";
        let typed = plain.to_owned() + "type = { column = \"kind\", is = \"User\" }\n";
        cleans_of(&db, &(plain.to_owned() + orphans), &["--orphans", "only"], &["- files 3", "- files 4", "- files 6"]);
        let gone = ["- files 3", "- files 4", "- files 5", "- files 6", "- files 7"];
        cleans_of(&db, &(typed + orphans), &["--orphans", "only"], &gone);
    }

    /// The script of a preview selects them alike, comments in the condition included.
    fn a_script_takes_them_too(db: TestDatabase) {
        left_over(&db);
        policy(&db, "[[orphans]]\ntable = \"users\"\nwhere = '''\nemail LIKE '%@e2e.test' -- left over\n'''\n");
        let script = db.orgsweep(&["preview", "--orphans", "only", "--format", "sql"]).exits(0).stdout;
        let before = db.dump();
        if db.is_sqlite() { db.execute(&script.lines().filter(|l| !l.starts_with('.')).map(|l| l.to_owned() + "\n").collect::<String>()) } else { db.execute(&script.lines().filter(|l| !l.starts_with('\\')).map(|l| l.to_owned() + "\n").collect::<String>()) }
        let happened = happened(&before, &db.dump());
        assert_eq!(happened, ORPHANS.iter().map(|&line| line.to_owned()).collect(), "{script}");
    }

    /// A name that is mistyped must delete nothing.
    fn they_stay_where_no_organization_matches(db: TestDatabase) {
        left_over(&db);
        policy(&db, POLICY);
        let before = db.dump();
        for selection in [["--org-name", "Nobody"], ["--org-id", "77"], ["--org-like", "No*"]] {
            for series in [&[][..], &["--per-org"]] {
                let told = ["--orphans only takes them", "othing to clean up"];
                let outcome = db.orgsweep(&[&["clean", "--yes"], &selection[..], series].concat()).exits(0);
                outcome.says(&told[..2 - series.len()]);
            }
        }
        changes(&before, &db.dump()).assert_none();
        cleans_of(&db, POLICY, &["--org-name", "Nobody", "--orphans", "without"], &[]);
        cleans_of(&db, POLICY, &["--orphans", "only", "--per-org"], &ORPHANS);
    }

    /// Who requires a match gets nothing done without one.
    fn a_required_match_is_one_of_an_organization(db: TestDatabase) {
        left_over(&db);
        policy(&db, POLICY);
        let before = db.dump();
        for command in ["preview", "clean"] {
            of(&db, command, &["--org-name", "Nobody", "--require-match"]).exits(3);
            changes(&before, &db.dump()).assert_none();
        }
        of(&db, "clean", &["--org-name", "Apex", "--require-match"]).exits(0);
    }

    /// Off a terminal nothing goes without consent, orphans neither.
    fn they_are_confirmed_like_everything_else(db: TestDatabase) {
        left_over(&db);
        policy(&db, POLICY);
        let before = db.dump();
        db.orgsweep(&["clean", "--orphans", "only"]).exits(4);
        changes(&before, &db.dump()).assert_none();
    }

    fn the_table_of_organizations_has_none(db: TestDatabase) {
        left_over(&db);
        policy(&db, "[[orphans]]\ntable = \"organizations\"\nwhere = \"id = 2\"\n");
        let before = db.dump();
        of(&db, "clean", &["--orphans", "only"]).exits(2).says(&["orgsweep.toml:2", "organizations"]);
        changes(&before, &db.dump()).assert_none();
    }
}
