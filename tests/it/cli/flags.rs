//! Flags as people expect them.

use super::{CLEAN_APEX, assert_apex_is_gone, small};
use crate::support::*;

const COMMANDS: [&str; 11] = [
    "preview",
    "clean",
    "verify",
    "restore",
    "export",
    "archives",
    "history",
    "graph",
    "explain",
    "doctor",
    "organizations",
];

#[test]
fn the_short_help_stands_on_one_screen_and_the_long_one_has_everything() {
    for command in COMMANDS {
        let short = orgsweep(&[command, "-h"]).exits(0).stdout;
        assert!(short.lines().count() <= 50, "{short}");
        let long = orgsweep(&[command, "--help"]).exits(0).stdout;
        assert!(long.contains("--log-format"), "{long}");
    }
    let short = orgsweep(&["clean", "-h"]).exits(0);
    for heading in ["Which organizations:", "What may go:", "How:", "Safety:", "Output:"] {
        assert!(short.stdout.contains(heading), "{heading} is missing\n{short}");
    }
    orgsweep(&["clean", "--help"]).exits(0).says(&[
        "--scope-column",
        "--max-lag",
        "--confirm-timeout",
    ]);
}

#[test]
fn the_help_of_clean_names_no_format_that_it_refuses() {
    let help = orgsweep(&["clean", "--help"]).exits(0).stdout;
    assert!(!help.contains("markdown") && !help.contains("csv"), "{help}");
}

each_backend! {
    fn what_people_type_elsewhere_is_understood(db: TestDatabase) {
        let before = small(&db);
        db.orgsweep(&["clean", "-n", "--force", "Apex"]).exits(0).says(&["4 rows of 3 tables", "--org-name Apex"]);
        db.orgsweep(&["preview", "Apex", "-v"]).exits(3).hides("(--all shows them)");
        db.orgsweep(&["verify", "Apex"]).exits(3);
        changes(&before, &db.dump()).assert_none();
        let delete = [&["delete"], &CLEAN_APEX[1..]].concat();
        db.orgsweep(&delete).exits(0);
        assert_apex_is_gone(&before, &db);
        db.orgsweep(&["verify", "Apex"]).exits(0);
    }

    fn a_name_without_a_flag_deletes_nothing_where_nobody_is_asked(db: TestDatabase) {
        let before = small(&db);
        let clean = ["clean", "Apex", "--force", "--yes"];
        db.orgsweep(&clean).exits(2).says(&["--org-name Apex"]);
        // Words that no quotes hold together are no names of several organizations.
        db.orgsweep(&["preview", "Apex", "Global"]).exits(2);
        changes(&before, &db.dump()).assert_none();
    }

    fn the_exit_code_of_a_preview_may_tell_whether_there_is_something(db: TestDatabase) {
        small(&db);
        let preview = ["preview", "--detailed-exitcode", "--org-name"];
        let found = db.orgsweep(&[&preview[..], &["Apex", "--force", "--format", "json"]].concat());
        assert_eq!(found.exits(10).json()["exit"], 10);
        db.orgsweep(&[&preview[..], &["Apex", "--force", "--per-org"]].concat()).exits(10);
        db.orgsweep(&[&preview[..], &["Apex"]].concat()).exits(3);
        db.orgsweep(&[&preview[..], &["Nobody"]].concat()).exits(0);
    }

    fn every_refusal_and_error_has_a_code_for_machines(db: TestDatabase) {
        small(&db);
        let json = ["--format", "json"];
        let code = |words: &[&str], exit: i32| {
            let json = db.orgsweep(&[words, &json].concat()).exits(exit).json();
            let refusal = json["refusals"][0]["code"].as_str();
            refusal.or(json["code"].as_str()).unwrap_or_default().to_owned()
        };
        assert_eq!(code(&["preview", "--org-name", "Apex"], 3), "protected_rows");
        assert_eq!(code(&["preview", "--org-name", "Apex", "--max-rows", "1", "--force"], 3), "guard");
        assert_eq!(code(&["preview"], 2), "usage");
        assert_eq!(code(&["preview", "--nosuchflag"], 2), "usage");
        assert_eq!(code(&["preview", "--require-policy", "--org-id", "1"], 3), "policy_required");
        assert_eq!(code(&["clean", "--org-id", "2", "--org-id", "1"], 3), "protected_rows");
        db.execute("CREATE TABLE theirs (id integer PRIMARY KEY, \
            organization_id integer NOT NULL REFERENCES organizations (id), \
            user_id integer NOT NULL REFERENCES users (id)); INSERT INTO theirs VALUES (1, 2, 10)");
        let forced = ["preview", "--org-name", "Apex", "--force"];
        assert_eq!(code(&forced, 3), "foreign_rows");
    }
}

#[test]
fn the_log_s_last_line_has_the_code_too() {
    let outcome = orgsweep(&["preview", "--org-id", "1", "--log-format", "json"]).exits(2);
    let last: serde_json::Value =
        serde_json::from_str(outcome.stderr.lines().last().unwrap_or_default()).expect("JSON");
    assert_eq!(last["code"], "no_database", "{outcome}");
}
