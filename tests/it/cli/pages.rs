//! Pages to be attached and filed: the preview, the saved plan, the record of an erasure.

use crate::support::*;
use std::path::Path;

/// The tags and texts that say how a page is built: its headings, its verdict, the first cells of its tables, and how
/// many tables and references are in the picture.
fn outline(page: &str) -> String {
    let mut lines = Vec::new();
    let texts = |tag: &str| -> Vec<String> {
        let (begin, end) =
            (format!("<{tag}"), format!("</{}>", tag.split(' ').next().unwrap_or(tag)));
        let parts = page.split(&begin).skip(1);
        let inner = parts.filter_map(|part| part.split_once('>')?.1.split_once(&end));
        inner.map(|(text, _)| text.to_owned()).collect()
    };
    lines.extend(texts("h1"));
    lines.extend(texts("p class=\"verdict"));
    lines.extend(texts("h2").into_iter().chain(texts("h3")).map(|heading| format!("- {heading}")));
    let mut rows: Vec<String> = texts("tr")
        .iter()
        .filter_map(|row| {
            let cells: Vec<&str> = row
                .split("<td")
                .skip(1)
                .filter_map(|cell| cell.split_once('>')?.1.split('<').next())
                .collect();
            Some(format!("  {} {} {}", cells.get(1)?, cells.get(2)?, cells.get(3)?))
        })
        .collect();
    rows.sort();
    lines.extend(rows);
    lines.push(format!(
        "{} nodes, {} edges",
        page.matches("<g class=\"node").count(),
        page.matches("<path class=\"edge").count()
    ));
    lines.join("\n") + "\n"
}

fn page(path: &Path, expected: &str) -> String {
    let page = std::fs::read_to_string(path).expect("a page");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
    assert_eq!(outline(&page), expected);
    page
}

const PREVIEW: &str = "\
Apex Innovations Inc.
A clean would refuse, for 2 reasons: 100 rows of 15 tables.
- 1 organization
- What stands in the way
- Along which references
- What goes, in this order
- How
- Next
  delete activity_logs 21
  delete clients 3
  delete commissions 7
  delete deals 7
  delete notifications 13
  delete organizations 1
  delete payments 14
  delete projects 1
  delete role_permissions 12
  delete roles 3
  delete team_members 4
  delete team_projects 1
  delete teams 1
  delete user_sessions 8
  delete users 4
15 nodes, 20 edges
";

const PLAN: &str = "\
Apex Innovations Inc. (key 1)
100 rows of 15 tables will be deleted
- 1 organization
- What goes
- The flags that it stands for
  delete activity_logs 21
  delete clients 3
  delete commissions 7
  delete deals 7
  delete notifications 13
  delete organizations 1
  delete payments 14
  delete projects 1
  delete role_permissions 12
  delete roles 3
  delete team_members 4
  delete team_projects 1
  delete teams 1
  delete user_sessions 8
  delete users 4
0 nodes, 0 edges
";

const RECORD: &str = "\
Apex Innovations Inc. (key 1)
100 rows erased, and committed.
- cleaned: 100 rows
- This record
- Proven before COMMIT
- Archive
  deleted activity_logs 21
  deleted clients 3
  deleted commissions 7
  deleted deals 7
  deleted notifications 13
  deleted organizations 1
  deleted payments 14
  deleted projects 1
  deleted role_permissions 12
  deleted roles 3
  deleted team_members 4
  deleted team_projects 1
  deleted teams 1
  deleted user_sessions 8
  deleted users 4
0 nodes, 0 edges
";

each_backend! {
    fn the_demo_becomes_pages(db: TestDatabase) {
        db.orgsweep(&["migrate"]).exits(0);
        db.orgsweep(&["seed"]).exits(0);
        let file = |name: &str| db.directory().join(name);
        let path = |name: &str| file(name).display().to_string();
        let (html, plan, archives) = (path("page.html"), path("plan.json"), path("archives"));
        let apex = ["--org-name", "Apex Innovations Inc."];
        let preview = [&["preview"][..], &apex, &["--format", "html", "--output", &html]].concat();
        let outcome = db.orgsweep(&preview).exits(3);
        assert_eq!(outcome.stdout, "");
        let preview = page(&file("page.html"), PREVIEW);
        assert!(preview.contains(db.name()) && preview.contains("DLID0001 - Global Corp"), "{preview}");

        let save = [&["preview"][..], &apex, &["--force", "--save-plan", &plan]].concat();
        db.orgsweep(&save).exits(0);
        let show = ["plan", "show", &plan];
        orgsweep(&show).exits(0).says(&["Apex Innovations Inc. (key 1)", "organization_id → organizations (cascade)"]);
        orgsweep(&[&show[..], &["--format", "html", "--output", &html]].concat()).exits(0);
        page(&file("page.html"), PLAN);

        let clean = [&["clean"][..], &apex, &["--force", "--yes", "--archive-dir", &archives]].concat();
        db.orgsweep(&clean).exits(0);
        let show = ["history", "show", "latest", "--archive-dir", &archives];
        orgsweep(&show).exits(0).says(&["Apex Innovations Inc. (key 1)", "activity_logs", "100 rows"]);
        orgsweep(&[&show[..], &["--format", "html", "--output", &html]].concat()).exits(0);
        let record = page(&file("page.html"), RECORD);
        assert!(record.contains("removed by the first clean"), "{record}");
    }
}

#[test]
fn a_result_goes_to_a_file_whatever_its_format_and_nowhere_else() {
    let db = TestDatabase::fresh(Backend::Sqlite).expect("SQLite needs no server");
    db.execute(super::SMALL);
    let file = db.directory().join("result");
    let path = file.display().to_string();
    for (format, holds) in [
        ("table", "deals"),
        ("json", "\"steps\""),
        ("csv", "deals"),
        ("sql", "BEGIN"),
        ("html", "<h1>Apex"),
    ] {
        let preview =
            ["preview", "--org-name", "Apex", "--force", "--format", format, "--output", &path];
        let outcome = db.orgsweep(&preview).exits(0);
        let text = std::fs::read_to_string(&file).expect("a result");
        assert!(outcome.stdout.is_empty() && text.contains(holds), "{format}: {text}\n{outcome}");
    }
    // Before the database is asked.
    let nowhere = ["preview", "--org-name", "Apex", "--output", "/no/such/folder/x"];
    db.orgsweep(&nowhere).exits(2).says(&["--output /no/such/folder/x cannot be written"]);
    // A script that a failing preview leaves would be an earlier one's.
    let wrong =
        ["preview", "--org-name", "Apex", "--force=no.such", "--format", "sql", "--output", &path];
    db.orgsweep(&wrong).exits(2);
    let script = std::fs::read_to_string(&file).expect("a script");
    assert!(!script.contains("DELETE FROM"), "{script}");
}
