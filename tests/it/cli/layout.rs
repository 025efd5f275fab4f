//! How it looks: what stands together, what is cut, folded and painted.

use super::small;
use crate::support::*;
use std::fmt::Write;

const PREVIEW: [&str; 3] = ["preview", "--org-name", "Apex"];

/// Many tables with rows of Apex, each of which protects its user.
fn wide(db: &TestDatabase, tables: usize) -> Dump {
    small(db);
    let mut sql = "DELETE FROM notes; DELETE FROM deals;".to_owned();
    for n in 0..tables {
        let _ = write!(
            sql,
            "CREATE TABLE papers_{n} (id integer PRIMARY KEY, \
                 organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE, \
                 signed_by integer NOT NULL REFERENCES users (id) ON DELETE RESTRICT); \
             INSERT INTO papers_{n} VALUES (1, 1, 10), (2, 1, 11);"
        );
    }
    db.execute(&sql);
    db.dump()
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

each_backend! {
    fn refusals_with_one_way_out_stand_together_and_are_cut(db: TestDatabase) {
        wide(&db, 12);
        let told = db.orgsweep(&PREVIEW).exits(3).stdout;
        assert_eq!(count(&told, "try: --force deletes"), 1, "{told}");
        assert_eq!(count(&told, "refused: papers_"), 8, "{told}");
        assert!(told.contains("and 4 more refusals with the same way out (--all)"), "{told}");
        let all = db.orgsweep(&[&PREVIEW[..], &["--all"]].concat()).exits(3).stdout;
        assert_eq!((count(&all, "refused: papers_"), count(&all, "(--all)")), (12, 0), "{all}");
        // Machines get all of it.
        let json = db.orgsweep(&[&PREVIEW[..], &["--format", "json"]].concat()).exits(3);
        assert_eq!(json.refusals("protected").len(), 12, "{json}");
    }
}

#[test]
fn a_large_schema_stays_within_two_screens() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    wide(&db, 150);
    for words in [&PREVIEW[..], &["preview", "--org-name", "Apex", "--force"]] {
        let told = db.orgsweep(words).stdout;
        assert!(told.lines().count() <= 100, "{told}");
        assert!(told.contains("more steps with fewer rows"), "{told}");
        let all = db.orgsweep(&[words, &["-v"]].concat()).stdout;
        assert!(all.contains("papers_149") && !all.contains("(--all)"), "{all}");
    }
}

#[test]
fn no_name_is_broken_in_mid_word() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    const LONG: &str = "agreements_with_every_customer_of_an_organization";
    small(&db);
    db.execute(&format!(
        "CREATE TABLE {LONG} (id integer PRIMARY KEY, \
             organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE RESTRICT); \
         INSERT INTO {LONG} VALUES (1, 1)"
    ));
    for width in ["30", "60", "80"] {
        for words in [&PREVIEW[..], &["graph"], &["preview", "--org-name", "Apex", "--force"]] {
            let told = db.command(words).env("COLUMNS", width).run().stdout;
            assert!(told.contains(LONG) && told.contains("organization_id"), "{width}\n{told}");
        }
    }
}

#[test]
fn what_goes_through_a_pipe_is_not_folded() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    wide(&db, 1);
    let told = db.command(&PREVIEW).env("COLUMNS", "").run().stdout;
    let refusal = "refused: papers_0.signed_by → users (restrict) protects 2 rows of users: 2 rows of papers_0 name them\n";
    assert!(told.contains(refusal), "{told}");
    let folded = db.command(&PREVIEW).env("COLUMNS", "60").run().stdout;
    assert!(!folded.contains(refusal), "{folded}");
}

#[test]
fn colours_are_as_they_are_asked_for() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    small(&db);
    const RED: &str = "\u{1b}[1m\u{1b}[31mrefused: ";
    let run = |flags: &[&str], variables: &[(&str, &str)]| {
        let run = db.command(&[&PREVIEW[..], flags].concat());
        variables.iter().fold(run, |run, (name, value)| run.env(name, value)).run()
    };
    let always = run(&["--color", "always"], &[]);
    assert!(always.stdout.contains(RED), "{always}");
    assert!(always.stderr.starts_with("\u{1b}[1msqlite:"), "{always}");
    run(&[], &[]).hides("\u{1b}");
    let forced = [("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")];
    assert!(run(&[], &forced).stdout.contains(RED));
    run(&["--color", "never"], &forced).hides("\u{1b}");
    run(&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]).hides("\u{1b}");
    // A machine's words are a machine's.
    run(&["--color", "always", "--format", "json"], &[]).json();
}

#[test]
fn doctor_shows_some_of_each_kind_and_its_cures_as_a_script() {
    let Some(db) = TestDatabase::fresh(Backend::Sqlite) else { return };
    wide(&db, 9);
    let told = db.orgsweep(&["doctor"]).stdout;
    assert!(told.contains("of this kind") && told.contains("(--all"), "{told}");
    let all = db.orgsweep(&["doctor", "--all"]).stdout;
    assert!(!all.contains("(--all") && all.lines().count() > told.lines().count(), "{all}");
    let script = db.orgsweep(&["doctor", "--format", "sql"]).stdout;
    let statements: Vec<&str> = script.lines().filter(|line| !line.starts_with("--")).collect();
    assert_eq!(statements.len(), count(&all, "cure: "), "{script}\n{all}");
    assert!(statements.iter().all(|line| line.starts_with("CREATE INDEX")), "{script}");
    db.execute(&script);
    assert_eq!(db.orgsweep(&["doctor", "--format", "sql"]).stdout.lines().count(), 1);
}
