//! What goes where, and in which shape.

use super::{CLEAN_APEX, SMALL, assert_apex_is_gone, small};
use crate::support::*;
use std::process::Command;

const PREVIEW: [&str; 4] = ["preview", "--org-name", "Apex", "--force"];

fn preview_as(db: &TestDatabase, format: &str) -> String {
    db.orgsweep(&[&PREVIEW[..], &["--format", format]].concat()).exits(0).stdout
}

each_backend! {
    fn the_json_of_a_preview_is_complete(db: TestDatabase) {
        small(&db);
        let outcome = db.orgsweep(&[&PREVIEW[..], &["--format", "json"]].concat()).exits(0);
        let json = outcome.json();
        assert_eq!((&json["format"], &json["exit"]), (&1.into(), &0.into()), "{outcome}");
        assert_eq!((&json["command"], &json["outcome"]), (&"preview".into(), &"previewed".into()), "{outcome}");
        assert_eq!(json["organizations"][0]["key"], "1", "{outcome}");
        assert_eq!(json["organizations"][0]["name"], "Apex", "{outcome}");
        let deleted = [("deals", 1), ("organizations", 1), ("users", 2)];
        let deleted = deleted.map(|(table, rows)| (table.to_owned(), rows));
        assert_eq!(outcome.rows("delete").into_iter().collect::<Vec<_>>(), deleted, "{outcome}");
        assert_eq!(outcome.rows("unlink")["notes"], 1, "{outcome}");
        assert_eq!((&json["totals"]["deleted"], &json["totals"]["unlinked"]), (&4.into(), &1.into()), "{outcome}");
        assert_eq!(json["refusals"], serde_json::json!([]), "{outcome}");
        assert!(matches!(json["reference_checks"].as_str(), Some("engine" | "set")), "{outcome}");
    }

    fn the_json_of_a_clean_counts_what_the_preview_showed(db: TestDatabase) {
        let before = small(&db);
        let preview = db.orgsweep(&[&PREVIEW[..], &["--format", "json"]].concat()).exits(0);
        let clean = db.orgsweep(&[&CLEAN_APEX[..], &["--format", "json"]].concat()).exits(0);
        for action in ["delete", "unlink"] {
            assert_eq!(preview.rows(action), clean.rows(action), "{clean}");
        }
        assert_eq!(clean.json()["outcome"], "cleaned", "{clean}");
        assert_apex_is_gone(&before, &db);
    }

    fn a_refusal_explains_itself(db: TestDatabase) {
        let before = small(&db);
        let clean = ["clean", "--org-name", "Apex", "--yes"];
        db.orgsweep(&clean).exits(3).says(&["deals", "created_by", "users", "DLID0001", "--force"]);
        let outcome = db.orgsweep(&[&clean[..], &["--format", "json"]].concat()).exits(3);
        assert_eq!(outcome.json()["outcome"], "refused", "{outcome}");
        let refusals = outcome.refusals("protected");
        assert_eq!(refusals.len(), 1, "{outcome}");
        assert_eq!(refusals[0]["reference"], "deals.created_by", "{outcome}");
        assert_eq!(refusals[0]["parent"], "users", "{outcome}");
        assert_eq!(refusals[0]["rows"], 1, "{outcome}");
        changes(&before, &db.dump()).assert_none();
    }

    /// What is given is not asked for.
    fn a_reference_that_is_forced_says_so(db: TestDatabase) {
        small(&db);
        db.execute(
            "CREATE TABLE visits (id integer PRIMARY KEY,
                 user_id integer NOT NULL REFERENCES users (id) ON DELETE RESTRICT);
             INSERT INTO visits VALUES (1, 10)",
        );
        let needs = "⚠ needs --force";
        db.orgsweep(&["preview", "--org-name", "Apex"]).exits(3).says(&[needs]).hides("⚠ forced");
        let named = ["preview", "--org-name", "Apex", "--force=visits.user_id"];
        db.orgsweep(&named).exits(3).says(&["⚠ forced", needs]);
        db.orgsweep(&PREVIEW).exits(0).says(&["⚠ forced"]).hides(needs);
        db.orgsweep(&[&PREVIEW[..], &["--format", "markdown"]].concat()).exits(0).says(&["restrict, forced"]);
        db.orgsweep(&CLEAN_APEX).exits(0).says(&["⚠ forced"]).hides(needs);
    }

    fn force_may_name_the_references_it_covers(db: TestDatabase) {
        let before = small(&db);
        db.orgsweep(&["clean", "--org-name", "Apex", "--yes", "--force=deals.created_by"]).exits(0);
        assert_apex_is_gone(&before, &db);
    }

    fn tables_without_rows_are_shown_with_all(db: TestDatabase) {
        small(&db);
        db.execute(
            "CREATE TABLE gadgets (id integer PRIMARY KEY, \
             organization_id integer REFERENCES organizations (id) ON DELETE CASCADE)",
        );
        let preview = [&PREVIEW[..], &["--format", "json"]].concat();
        let has_gadgets = |outcome: &Outcome| outcome.rows("delete").contains_key("gadgets");
        assert!(!has_gadgets(&db.orgsweep(&preview).exits(0)));
        assert!(has_gadgets(&db.orgsweep(&[&preview[..], &["--all"]].concat()).exits(0)));
    }

    fn every_format_names_every_affected_table(db: TestDatabase) {
        let before = small(&db);
        for format in ["table", "json", "markdown", "csv", "sql"] {
            let text = preview_as(&db, format);
            for table in ["organizations", "users", "deals", "notes"] {
                assert!(text.contains(table), "{format}: {table} is missing\n{text}");
            }
        }
        assert!(preview_as(&db, "markdown").lines().any(|line| line.starts_with('|')));
        assert!(preview_as(&db, "csv").lines().count() >= 5);
        changes(&before, &db.dump()).assert_none();
    }

    fn the_sql_script_deletes_what_clean_deletes(db: TestDatabase) {
        let before = small(&db);
        let script = preview_as(&db, "sql");
        let client = db.pick("sqlite3", "psql", "mariadb");
        if Command::new(client).arg("--version").output().is_err() {
            return skip(&format!("no {client} to run the script"));
        }
        db.close();
        let file = db.path().with_file_name("script.sql");
        let file = if db.is_sqlite() { file } else { std::env::temp_dir().join(format!("{}.sql", db.name())) };
        std::fs::write(&file, &script).expect("the script");
        let path = db.path();
        let read = format!(".read {}", file.display());
        let status = match db.backend {
            Backend::Sqlite => Command::new(client).arg("-bail").arg(path).arg(read).status(),
            Backend::Postgres => {
                let quiet = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", db.url(), "-f"];
                Command::new(client).args(quiet).arg(&file).status()
            }
            Backend::Mysql => {
                mysql::client(db.name(), script.as_bytes());
                Command::new(client).arg("--version").stdout(std::process::Stdio::null()).status()
            }
        };
        std::fs::remove_file(&file).expect("the script is removed");
        assert!(status.expect("the client runs").success(), "{script}");
        assert_apex_is_gone(&before, &db);
    }

    fn nothing_but_the_result_goes_to_stdout(db: TestDatabase) {
        small(&db);
        for command in [&PREVIEW[..], &CLEAN_APEX, &["verify", "--org-id", "1"]] {
            let arguments = [command, &["--format", "json"]].concat();
            let outcome = db.orgsweep(&arguments).exits(0);
            outcome.json();
        }
    }

    fn off_a_terminal_there_are_no_colours_and_no_cursor_movements(db: TestDatabase) {
        small(&db);
        for command in [&["preview", "--org-name", "Apex"][..], &PREVIEW, &["graph"], &CLEAN_APEX] {
            db.orgsweep(command).hides("\u{1b}").hides("\r");
        }
    }

    /// Tables fit; prose and commands are left to the terminal, so that they can be copied.
    fn narrow_terminals_are_respected(db: TestDatabase) {
        small(&db);
        for width in [60, 80, 120] {
            for command in [&["preview", "--org-name", "Apex"][..], &PREVIEW, &["graph"]] {
                let outcome = db.command(command).env("COLUMNS", &width.to_string()).run();
                let framed = |line: &&str| line.starts_with(['┌', '│', '╞', '├', '└']);
                let lines = outcome.stdout.lines().filter(framed);
                let widest = lines.map(|line| line.chars().count()).max();
                assert!((1..=width).contains(&widest.unwrap_or_default()), "{width} columns\n{outcome}");
            }
        }
    }

    fn a_result_that_is_not_written_is_a_failure_unless_it_tells_of_a_deletion(db: TestDatabase) {
        small(&db);
        let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        db.command(&["graph", "--format", "dot"]).stdout(full()).run().exits(1).says(&["not written"]);
        db.command(&CLEAN_APEX).stdout(full()).run().exits(0).says(&["warning: the result was not written"]);
        assert_eq!(db.count("organizations"), 1);
    }

    fn markdown_says_whose_rows_they_are_and_where(db: TestDatabase) {
        small(&db);
        let head = preview_as(&db, "markdown").lines().next().unwrap_or_default().to_owned();
        assert!(head.starts_with("**Apex (key 1)** in <code>") && head.contains(db.name()), "{head}");
    }

    /// On a page that others read: no markup, no picture, no link, nobody called.
    fn markdown_means_nothing_by_a_name(db: TestDatabase) {
        small(&db);
        db.execute("UPDATE organizations SET name = '<b>[x](y) *z* @team _w_ snake_case' WHERE id = 1");
        let id = ["preview", "--org-id", "1", "--format", "markdown"];
        let text = db.orgsweep(&id).stdout;
        let name = r"\<b\>\[x\](y) \*z\* @<!-- -->team \_w\_ snake_case (key 1)";
        assert!(text.starts_with(&format!("**{name}** in ")), "{text}");
    }

    fn a_closed_pipe_is_no_panic(db: TestDatabase) {
        let before = small(&db);
        for command in [&["graph"][..], &PREVIEW, &["preview", "--org-name", "Apex", "--format", "json"], &CLEAN_APEX] {
            let outcome = db.command(command).closed_stdout().run().hides("panicked");
            assert!(!matches!(outcome.code, 70 | 101), "{outcome}");
        }
        // Whether it was deleted or not, it was not deleted by half.
        if db.count("organizations") == 1 {
            assert_apex_is_gone(&before, &db);
        } else {
            changes(&before, &db.dump()).assert_none();
        }
    }

    fn the_graph_marks_what_protects(db: TestDatabase) {
        small(&db);
        for format in ["table", "dot", "mermaid", "json"] {
            let outcome = db.orgsweep(&["graph", "--format", format]).exits(0);
            for table in ["organizations", "users", "deals", "notes"] {
                assert!(outcome.stdout.contains(table), "{table} is missing\n{outcome}");
            }
        }
        db.orgsweep(&["graph"]).exits(0).says(&["created_by"]);
    }
}

#[test]
fn names_from_the_data_cannot_forge_output() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    db.execute(SMALL);
    db.execute("UPDATE organizations SET name = 'Evil' || char(27) || '[2J' || char(10) || 'Corp' WHERE id = 1");
    db.execute("UPDATE deals SET title = char(27) || ']0;owned' || char(7)");
    for flags in [&[][..], &["--format", "markdown"], &["--format", "csv"]] {
        let outcome = db.orgsweep(&[&["preview", "--org-id", "1"], flags].concat()).exits(3);
        outcome.hides("\u{1b}").hides("\u{7}");
    }
    db.orgsweep(&["preview", "--org-id", "1", "--format", "json"]).exits(3).json();
}
