//! What jobs and collectors read: JSON logs, silence, metrics.

use crate::cli::{CLEAN_APEX, small};
use crate::support::*;
use serde_json::Value;

/// Every line of stderr, each an object.
#[track_caller]
fn log(outcome: &Outcome) -> Vec<Value> {
    let line =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    outcome.stderr.lines().map(line).collect()
}

fn events(log: &[Value]) -> Vec<&str> {
    log.iter().map(|line| line["event"].as_str().unwrap_or_default()).collect()
}

each_backend! {
    fn a_json_log_tells_every_phase(db: TestDatabase) {
        small(&db);
        let outcome = db.orgsweep(&[&CLEAN_APEX[..], &["--log-format", "json"]].concat()).exits(0);
        let log = log(&outcome);
        let events = events(&log);
        for event in ["note", "finding", "checking", "archiving", "unlinked", "proving", "committing"] {
            assert!(events.contains(&event), "{event}: {events:?}");
        }
        for line in &log {
            let time = line["time"].as_str().unwrap_or_default();
            assert!(time.ends_with('Z') && time.contains('T'), "{line}");
            assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
            assert!(line["run"].is_string() && line["run"] == log[0]["run"], "{line}");
        }
    }

    fn a_json_log_ends_by_saying_how_it_ended(db: TestDatabase) {
        small(&db);
        for (command, exit) in [(["clean", "--yes"], 3), (["preview", "--force"], 0)] {
            let flags = ["--org-name", "Apex", "--log-format", "json"];
            let log = log(&db.orgsweep(&[&command[..], &flags].concat()).exits(exit));
            let last = log.last().expect("a line");
            assert_eq!((&last["event"], &last["exit"]), (&"ended".into(), &exit.into()), "{last}");
        }
    }

    fn a_log_tells_which_organization_it_is_at_and_no_more_than_is_wanted(db: TestDatabase) {
        small(&db);
        let series = ["clean", "--org-id", "1", "--org-id", "2", "--per-org", "--force", "--yes", "--log-format", "json"];
        let lines = log(&db.orgsweep(&[&series[..], &["--dry-run"]].concat()).exits(0));
        let at: Vec<&str> = lines.iter().filter_map(|line| line["organization"].as_str()).collect();
        assert!(at.starts_with(&["Apex (key 1)"]) && at.ends_with(&["Global (key 2)"]), "{at:?}");
        assert!(lines.last().is_some_and(|line| line["organization"].is_null()), "{lines:?}");
        let lines = log(&db.orgsweep(&[&series[..], &["--log-level", "warning"]].concat()).exits(0));
        assert_eq!(events(&lines), ["ended"]);
        assert_eq!(db.count("organizations"), 0);
    }

    fn an_error_is_the_last_line_of_a_json_log(db: TestDatabase) {
        small(&db);
        let flags = ["clean", "--org-id", "1", "--log-format", "json", "--metrics", "/nowhere/x"];
        let outcome = db.orgsweep(&flags).exits(2);
        let log = log(&outcome);
        let last = log.last().expect("a line");
        assert_eq!((&last["event"], &last["exit"]), (&"ended".into(), &2.into()), "{last}");
        assert_eq!(db.count("organizations"), 2);
    }

    fn a_quiet_run_says_only_why_it_ended_badly(db: TestDatabase) {
        small(&db);
        let quiet = ["clean", "--org-name", "Apex", "--yes", "--quiet"];
        // The mail says of which database.
        let refused = db.orgsweep(&quiet).exits(3).says(&["deals.created_by"]);
        assert!(refused.stderr.lines().next().is_some_and(|line| line.contains(db.name())), "{refused}");
        db.orgsweep(&["clean", "--org-name", "*", "--org-like", "*", "--quiet"]).exits(2).says(&["error:"]);
        let done = db.orgsweep(&[&quiet[..], &["--force"]].concat()).exits(0);
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", ""));
        // What is asked for is printed.
        let json = db.orgsweep(&[&quiet[..], &["--format", "json"]].concat()).exits(0);
        assert_eq!(json.json()["outcome"], "nothing");
        assert_eq!(json.stderr, "");
    }

    fn wait_ends_when_the_database_answers(db: TestDatabase) {
        db.orgsweep(&["wait"]).exits(0).says(&["answers", db.name()]);
        let missing = db.url().replace(db.name(), "not_there_yet");
        let waits = ["wait", "--timeout", "600ms", "--database-url", &missing];
        orgsweep(&waits).exits(5).says(&["no answer within 600ms", "--timeout"]);
    }

    fn metrics_tell_of_success_and_failure(db: TestDatabase) {
        small(&db);
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("orgsweep.prom");
        let path = file.display().to_string();
        let clean = |flags: &[&str], code: i32| {
            db.orgsweep(&[&["clean", "--org-id", "1", "--yes", "--metrics", &path], flags].concat()).exits(code);
            std::fs::read_to_string(&file).expect("metrics")
        };
        let refused = clean(&[], 3);
        assert!(refused.contains("orgsweep_last_exit_code 3\n"), "{refused}");
        assert!(!refused.contains("orgsweep_last_success"), "{refused}");
        let done = clean(&["--force"], 0);
        assert!(done.contains("orgsweep_last_rows_deleted{table=\"users\"} 2\n"), "{done}");
        assert!(done.contains("orgsweep_last_rows_unlinked 1\n"), "{done}");
        let success = |text: &str| {
            let line = text.lines().find(|line| line.starts_with("orgsweep_last_success"));
            line.map(str::to_owned)
        };
        assert!(success(&done).is_some(), "{done}");
        let failed = clean(&["--require-match"], 3);
        assert_eq!(success(&failed), success(&done));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "a file was left beside it");
    }
}
