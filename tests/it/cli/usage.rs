//! What is wrong before a database is asked: exit 2, and what to do instead.

use crate::support::*;
use std::os::unix::ffi::OsStrExt;

#[test]
fn help_and_version_need_no_database() {
    let help = orgsweep(&["--help"]).exits(0);
    for command in ["preview", "clean", "verify", "graph", "explain", "migrate", "seed", "demo"] {
        assert!(help.stdout.contains(command), "{command} is missing\n{help}");
    }
    orgsweep(&["clean", "--help"]).exits(0).says(&["--org-name", "--force", "--dry-run", "--yes"]);
    orgsweep(&["-V"]).exits(0).says(&[&format!("orgsweep {}\n", env!("CARGO_PKG_VERSION"))]);
    orgsweep(&["--version"]).exits(0).says(&[
        "engines: SQLite 3.",
        "libpq",
        "MariaDB",
        "OpenSSL 3.",
    ]);
}

#[test]
fn completions_and_the_manual_page_go_to_stdout() {
    for shell in ["bash", "zsh", "fish"] {
        let outcome = orgsweep(&["completions", shell]).exits(0);
        assert!(outcome.stdout.contains("org-name"), "{outcome}");
    }
    let manual = orgsweep(&["man"]).exits(0);
    assert!(manual.stdout.contains(".TH"), "{manual}");
}

#[test]
fn each_command_has_a_manual_page_for_a_package() {
    let folder = tempfile::TempDir::new().expect("a temporary directory");
    let path = folder.path().display().to_string();
    orgsweep(&["man", "--dir", &path]).exits(0);
    for page in ["orgsweep.1", "orgsweep-clean.1", "orgsweep-policy-check.1"] {
        let text = std::fs::read_to_string(folder.path().join(page)).expect(page);
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    orgsweep(&["man", "--dir", &format!("{path}/nowhere")]).exits(1).says(&["nowhere"]);
}

#[test]
fn wrong_usage_exits_2() {
    for arguments in [
        &[][..],
        &["nosuchcommand"],
        &["clean", "--nosuchflag"],
        &["preview", "--org-name"],
        &["preview", "--org-name", "A", "--format", "yaml"],
        &["clean", "--org-name", "A", "--lock-timeout", "soon"],
        &["clean", "--org-name", "A", "--reference-checks", "never"],
        &["completions", "nosuchshell"],
        &["clean", "--org-name", "A", "--lock-timeout", "30d"],
        &["restore", "x.tar.zst", "--lock-timeout", "18446744073709551615s"],
        &["clean", "--org-name", "A", "--deadline", "18446744073709551615s"],
        &["clean", "--org-name", "A", "--batch-rows", "1", "--pause", "18446744073709551615s"],
        &["clean", "--org-name", "A", "--older-than", "18446744073709551615s"],
    ] {
        orgsweep(arguments).exits(2);
    }
}

#[test]
fn without_a_database_url_the_error_names_both_ways_to_give_one() {
    let outcome = orgsweep(&["preview", "--org-name", "A"]).exits(2);
    outcome.says(&["--database-url", "DATABASE_URL"]);
}

#[test]
fn an_unknown_url_scheme_exits_2_and_hides_the_password() {
    for url in ["oracle://scott:hunter2@db/x", "postgresq://scott:hunter2@db/x"] {
        let outcome = orgsweep(&["--database-url", url, "preview", "--org-name", "A"]).exits(2);
        outcome.says(&["scheme", "sqlite:"]).hides("hunter2");
    }
}

#[test]
fn a_wrong_flag_is_a_line_of_a_json_log() {
    let usage = ["preview", "--nosuchflag", "--log-format", "json"];
    let by_variable = Invocation::new(&usage[..2]).env("ORGSWEEP_LOG_FORMAT", "json");
    for outcome in [orgsweep(&usage).exits(2), by_variable.run().exits(2)] {
        let line: serde_json::Value =
            serde_json::from_str(outcome.stderr.trim()).expect("one object");
        assert_eq!((&line["event"], &line["exit"]), (&"ended".into(), &2.into()), "{outcome}");
        let message = line["message"].as_str().unwrap_or_default();
        assert!(message.contains("--nosuchflag"), "{outcome}");
        assert_eq!(outcome.stdout, "");
    }
    // Words that no text can hold.
    let word = std::ffi::OsStr::from_bytes(b"--nosuchflag=\xff");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_orgsweep"));
    let ended = command.arg("preview").arg(word).output().expect("it runs");
    assert_eq!(ended.status.code(), Some(2));
}

#[test]
fn errors_are_json_when_json_was_asked_for() {
    let arguments = ["--database-url", "oracle://db/x", "preview", "--org-name", "A"];
    let outcome = orgsweep(&[&arguments[..], &["--format", "json"]].concat()).exits(2);
    let json = outcome.json();
    assert_eq!((&json["format"], &json["exit"]), (&1.into(), &2.into()), "{outcome}");
    assert_eq!(json["outcome"], "error", "{outcome}");
    assert!(json["error"].as_str().is_some_and(|error| error.contains("oracle")), "{outcome}");
}

#[test]
fn blank_names_and_patterns_without_a_literal_exit_2() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    let before = super::small(&db);
    for selection in [
        ["--org-name", ""],
        ["--org-name", "  "],
        ["--org-name", "\t\n"],
        ["--org-id", ""],
        ["--org-like", ""],
        ["--org-like", "*"],
        ["--org-like", " ** "],
        ["--org-like", "?*"],
    ] {
        for command in [&["preview"][..], &["clean", "--force", "--yes"]] {
            db.orgsweep(&[command, &selection].concat()).exits(2);
        }
    }
    changes(&before, &db.dump()).assert_none();
}

#[test]
fn a_command_without_a_selection_exits_2() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    let before = super::small(&db);
    for command in [&["preview"][..], &["clean", "--force", "--yes"], &["verify"]] {
        db.orgsweep(command).exits(2).says(&["--org-name"]);
    }
    changes(&before, &db.dump()).assert_none();
}
