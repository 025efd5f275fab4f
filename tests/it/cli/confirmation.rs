//! Who must agree to a deletion, and how: DESIGN 5.

use super::{assert_apex_is_gone, small};
use crate::support::*;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CLEAN: [&str; 3] = ["clean", "--org-name", "Apex"];

/// Without the deal that protects its user, `Apex` needs no force.
fn unprotected(db: &TestDatabase) -> Dump {
    small(db);
    db.execute("DELETE FROM notes; DELETE FROM deals");
    db.dump()
}

each_backend! {
    fn off_a_terminal_clean_needs_yes_or_force(db: TestDatabase) {
        let before = unprotected(&db);
        db.orgsweep(&CLEAN).exits(4).says(&["--yes"]);
        // A name that arrives through a pipe is nobody's consent.
        db.command(&CLEAN).stdin("Apex\n").run().exits(4);
        let json = db.orgsweep(&[&CLEAN[..], &["--format", "json"]].concat()).exits(4);
        assert_eq!(json.json()["exit"], 4, "{json}");
        changes(&before, &db.dump()).assert_none();
        db.orgsweep(&[&CLEAN[..], &["--yes"]].concat()).exits(0);
        assert_eq!(db.count("organizations"), 1);
    }

    fn force_alone_is_consent_off_a_terminal(db: TestDatabase) {
        let before = small(&db);
        db.orgsweep(&[&CLEAN[..], &["--force"]].concat()).exits(0);
        assert_apex_is_gone(&before, &db);
    }

    fn a_dry_run_needs_no_consent_and_changes_nothing(db: TestDatabase) {
        let before = small(&db);
        db.orgsweep(&[&CLEAN[..], &["--dry-run", "--force"]].concat()).exits(0);
        db.orgsweep(&[&CLEAN[..], &["--dry-run", "--yes"]].concat()).exits(3);
        db.orgsweep(&["preview", "--org-name", "Apex"]).exits(3);
        changes(&before, &db.dump()).assert_none();
    }
}

#[test]
fn at_a_terminal_the_organization_s_name_is_typed() {
    let Some(typed) = at_a_terminal(&CLEAN) else { return };
    for wrong in ["apex\n", "yes\n", "y\n", "\n", ""] {
        let (db, code, screen) = typed(wrong);
        assert_eq!(code, 4, "{wrong:?}\n{screen}");
        assert_eq!(db.count("organizations"), 2, "{screen}");
        assert!(screen.contains("Apex"), "{screen}");
    }
    let (db, code, screen) = typed("Apex\n");
    assert_eq!(code, 0, "{screen}");
    assert_eq!(db.count("organizations"), 1, "{screen}");
}

/// Without a flag, as a person types it who is asked to type it again.
#[test]
fn at_a_terminal_a_name_needs_no_flag() {
    let Some(typed) = at_a_terminal(&["clean", "Apex"]) else { return };
    let (db, code, screen) = typed("Apex\n");
    assert_eq!((code, db.count("organizations")), (0, 1), "{screen}");
}

#[test]
fn at_a_terminal_several_organizations_are_counted() {
    let both = [&CLEAN[..], &["--org-name", "Global"]].concat();
    let Some(typed) = at_a_terminal(&both) else { return };
    let (db, code, screen) = typed("Apex\n");
    assert_eq!((code, db.count("organizations")), (4, 2), "{screen}");
    let (db, code, screen) = typed("delete 2 organizations\n");
    assert_eq!((code, db.count("organizations")), (0, 0), "{screen}");
}

/// Those that would be refused are not asked about, and are not tried.
#[test]
fn at_a_terminal_a_series_is_confirmed_once() {
    let series = |clean: &[&str]| at_a_terminal(&[clean, &["--per-org"]].concat());
    let Some(typed) = series(&[&CLEAN[..], &["--org-name", "Global"]].concat()) else { return };
    let (db, code, screen) = typed("Apex\n");
    assert_eq!((code, db.count("organizations")), (4, 2), "{screen}");
    assert!(screen.contains("2 would go"), "{screen}");
    let (db, code, screen) = typed("delete 2 organizations\n");
    assert_eq!((code, db.count("organizations")), (0, 0), "{screen}");
    assert!(screen.contains("2 cleaned"), "{screen}");

    let one = ["clean", "--org-like", "*l*", "--org-name", "Apex", "--max-rows", "2", "--per-org"];
    let Some(typed) = at_a_terminal(&one) else { return };
    let (db, code, screen) = typed("Global\n");
    assert_eq!((code, db.count("organizations")), (8, 1), "{screen}");
    assert!(screen.contains("1 would go, 1 refused"), "{screen}");
    assert!(screen.contains("partly done: 1 cleaned, 1 refused"), "{screen}");

    let none = ["clean", "--org-like", "*l*", "--max-rows", "1", "--per-org"];
    let Some(typed) = at_a_terminal(&none) else { return };
    let (db, code, screen) = typed("Global\n");
    assert_eq!((code, db.count("organizations")), (3, 2), "{screen}");
    assert!(!screen.contains("type its name"), "{screen}");
}

/// What was confirmed goes, and no more: not what matches meanwhile, not what has grown.
#[test]
fn at_a_terminal_a_series_takes_what_was_shown() {
    let series = ["clean", "--org-like", "*l*", "--org-name", "Apex", "--per-org"];
    let late = "INSERT INTO organizations VALUES (3, 'Late Ltd.'); \
        INSERT INTO users VALUES (21, 2, 'hal@global.test')";
    if !has_script() {
        return;
    }
    let typed = Keys::Then("delete 2 organizations\n");
    let (db, code, screen) = meanwhile("", &series, "", typed, Some(late));
    assert_eq!(code, 8, "{screen}");
    assert!(screen.contains("+1 users"), "{screen}");
    assert!(screen.contains("partly done: 1 cleaned, 1 refused"), "{screen}");
    let left = db.query("SELECT name FROM organizations ORDER BY id");
    assert_eq!(left, [[Some("Global".to_owned())], [Some("Late Ltd.".to_owned())]]);
}

/// Force says what may be deleted, not that the operator read it.
#[test]
fn at_a_terminal_force_is_not_consent_but_yes_is() {
    let Some(forced) = at_a_terminal(&[&CLEAN[..], &["--force"]].concat()) else { return };
    let (db, code, screen) = forced("no\n");
    assert_eq!((code, db.count("organizations")), (4, 2), "{screen}");
    let Some(agreed) = at_a_terminal(&[&CLEAN[..], &["--yes"]].concat()) else { return };
    let (db, code, screen) = agreed("");
    assert_eq!((code, db.count("organizations")), (0, 1), "{screen}");
}

/// The question is asked at the terminal, and what it is about is shown there.
#[test]
fn at_a_terminal_the_streams_may_go_elsewhere() {
    if !has_script() {
        return;
    }
    let forced = [&CLEAN[..], &["--force"]].concat();
    for streams in ["2>/dev/null", "</dev/null >/dev/null 2>&1", "--format json >/dev/null 2>&1"] {
        for (typed, code, left) in [("\n", 4, 2), ("Apex\n", 0, 1)] {
            let (db, ended, screen) = at_the_terminal("", &forced, streams, Keys::Then(typed));
            assert_eq!((ended, db.count("organizations")), (code, left), "{streams}\n{screen}");
            for said in ["Apex", "users", "type its name"] {
                assert!(screen.contains(said), "{said} of {streams}\n{screen}");
            }
        }
    }
}

/// A runbook that is pasted confirms nothing: the lines after the command are its answer to nothing yet asked.
#[test]
fn at_a_terminal_what_was_typed_ahead_is_no_answer() {
    if !has_script() {
        return;
    }
    let clean = [&CLEAN[..], &["--confirm-timeout", "1s"]].concat();
    let (db, code, screen) = at_the_terminal("sleep 0.5; ", &clean, "", Keys::Ahead("Apex\n"));
    assert_eq!((code, db.count("organizations")), (4, 2), "{screen}");
    assert!(screen.contains("nobody answered within 1s"), "{screen}");
}

#[test]
fn ctrl_c_at_the_question_ends_at_once() {
    if !has_script() {
        return;
    }
    let start = Instant::now();
    let (db, code, screen) = at_the_terminal("", &CLEAN, "", Keys::Asked("\u{3}"));
    assert_eq!((code, db.count("organizations")), (130, 2), "{screen}");
    assert!(screen.contains("interrupted; nothing was changed"), "{screen}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn nobody_is_waited_for_for_ever() {
    if !has_script() {
        return;
    }
    let timeout = [&CLEAN[..], &["--confirm-timeout", "300ms"]].concat();
    let (db, code, screen) = at_the_terminal("", &timeout, "", Keys::Asked(""));
    assert_eq!((code, db.count("organizations")), (4, 2), "{screen}");
    assert!(screen.contains("nobody answered within 300ms"), "{screen}");
    let deadline = [&CLEAN[..], &["--deadline", "1s"]].concat();
    let (db, code, screen) = at_the_terminal("", &deadline, "", Keys::Asked(""));
    assert_eq!((code, db.count("organizations")), (5, 2), "{screen}");
}

/// A job that says so, and one in the background, which would be stopped when it reads.
#[test]
fn at_a_terminal_nobody_need_be_there() {
    if !has_script() {
        return;
    }
    let forced = [&CLEAN[..], &["--force"]].concat();
    for before in ["export CI=true; ", "set -m; (sleep 0.3; echo) & "] {
        let streams = if before.contains("CI") { "" } else { "& wait $!" };
        let (db, code, screen) = at_the_terminal(before, &CLEAN, streams, Keys::Asked(""));
        assert_eq!((code, db.count("organizations")), (4, 2), "{before}\n{screen}");
        assert!(screen.contains("nobody is there"), "{screen}");
        let (db, code, screen) = at_the_terminal(before, &forced, streams, Keys::Asked(""));
        assert_eq!((code, db.count("organizations")), (0, 1), "{before}\n{screen}");
    }
    // What others write who mean the opposite.
    let (_, code, screen) = at_the_terminal("export CI=false; ", &forced, "", Keys::Then("\n"));
    assert_eq!(code, 4, "{screen}");
    assert!(screen.contains("type its name"), "{screen}");
}

/// What is typed, and when.
#[derive(Clone, Copy)]
enum Keys<'a> {
    /// Before the process begins; the input goes on.
    Ahead(&'a str),
    /// When the question is on the screen, or the process has ended; then the input ends.
    Then(&'a str),
    /// The same; the input goes on.
    Asked(&'a str),
}

/// Runs the binary in a pseudo-terminal of `script`, by a shell that is told something before, and streams after
/// it. Returns the database, the exit code and the screen.
fn at_the_terminal(
    before: &str,
    arguments: &[&str],
    streams: &str,
    keys: Keys,
) -> (TestDatabase, i32, String) {
    meanwhile(before, arguments, streams, keys, None)
}

/// The same; this SQL has run when the question is answered.
fn meanwhile(
    before: &str,
    arguments: &[&str],
    streams: &str,
    keys: Keys,
    sql: Option<&str>,
) -> (TestDatabase, i32, String) {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    unprotected(&db);
    let arguments: Vec<_> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
    let binary = env!("CARGO_BIN_EXE_orgsweep");
    let command = format!(
        "{before}'{binary}' --database-url '{}' {} {streams}",
        db.url(),
        arguments.join(" ")
    );
    let mut script = Command::new("timeout")
        .args(["20", "script", "-qec", &command, "/dev/null"])
        .env_remove("DATABASE_URL")
        .env_remove("CI")
        .env("XDG_STATE_HOME", db.directory())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script starts");
    let mut output = script.stdout.take().expect("a pipe");
    let mut keyboard = script.stdin.take().expect("a pipe");
    let mut screen = Vec::new();
    if let Keys::Ahead(typed) = keys {
        keyboard.write_all(typed.as_bytes()).expect("typing");
    }
    let mut some = [0; 4096];
    while !String::from_utf8_lossy(&screen).contains("\n> ") {
        match output.read(&mut some).expect("the screen can be read") {
            0 => break,
            read => screen.extend_from_slice(&some[..read]),
        }
    }
    if let Some(sql) = sql {
        db.execute(sql);
    }
    if let Keys::Then(typed) | Keys::Asked(typed) = keys {
        // It may have ended without a question.
        let _ = keyboard.write_all(typed.as_bytes());
    }
    let held = (!matches!(keys, Keys::Then(_))).then_some(keyboard);
    output.read_to_end(&mut screen).expect("the screen can be read");
    drop(held);
    let status = script.wait().expect("script ends");
    (db, status.code().unwrap_or(-1), String::from_utf8_lossy(&screen).into_owned())
}

/// Runs the binary at a terminal, for several answers. `None`, said loudly, where there is none.
fn at_a_terminal(
    arguments: &[&str],
) -> Option<impl Fn(&str) -> (TestDatabase, i32, String) + use<>> {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let typed = move |typed: &str| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        at_the_terminal("", &arguments, "", Keys::Then(typed))
    };
    has_script().then_some(typed)
}

fn has_script() -> bool {
    let found = Command::new("script").arg("--version").output().is_ok();
    if !found {
        skip("no `script` to make a terminal with");
    }
    found
}
