//! Whatever names and texts say, a page has the same elements, and shows them as they are.

use super::super::tests::{SCHEMA, findings};
use super::super::{Outcome, Report};
use super::{ArchiveNow, Made, Proof, plan, preview, record};
use crate::archive::{Actor, Organization};
use crate::catalog::TableId;
use crate::catalog::fixture::catalog;
use crate::engine::{Dialect, Silence};
use crate::label::{is_hidden, printable};
use crate::plan::Rules;
use crate::receipt::chain::Link;
use crate::receipt::{Part, Receipt};
use crate::saved::{Bound, SavedPlan, SavedStep};
use std::collections::BTreeMap;
use time::OffsetDateTime;

const MADE: fn(&str) -> Made = |name| Made {
    at: OffsetDateTime::UNIX_EPOCH,
    by: Actor { user: name.into(), host: name.into() },
};

/// Pages in which every name and text is this one.
fn pages(text: &str) -> [String; 3] {
    [preview_of(text), plan_of(text), record_of(text)]
}

fn preview_of(text: &str) -> String {
    let mut catalog = catalog(SCHEMA);
    for table in &mut catalog.tables {
        table.name.name = text.to_owned();
    }
    for reference in &mut catalog.references {
        reference.columns = vec![text.to_owned()];
    }
    let plan = crate::plan::build(&catalog, TableId(0), Rules::default());
    let mut findings = findings(&crate::plan::build(
        &crate::catalog::fixture::catalog(SCHEMA),
        TableId(0),
        Rules::default(),
    ));
    findings.organizations[0].name = Some(text.to_owned());
    findings.organizations[0].key = text.to_owned();
    findings.unlinked[0].organizations = vec![(text.to_owned(), 2)];
    findings.refusals[0].samples = vec![text.to_owned()];
    let conditions = [text.to_owned()];
    let report = Report {
        command: "preview",
        outcome: Outcome::Refused,
        exit: 3,
        database: text.into(),
        dialect: Dialect::Sqlite,
        role: text,
        catalog: &catalog,
        plan: &plan,
        findings: &findings,
        durations: BTreeMap::new(),
        archives: Vec::new(),
        checks_reason: text.into(),
        silence: Silence::Nothing,
        selection: text.into(),
        conditions: &conditions,
        restore: Some(text.into()),
        rehearsal: None,
        next: Some(text.into()),
        all: false,
    };
    preview(&report, &MADE(text))
}

fn plan_of(text: &str) -> String {
    let step = || SavedStep {
        of: text.into(),
        rows: 3,
        digest: text.into(),
        reached_by: vec![text.into()],
    };
    let saved = SavedPlan {
        format: 1,
        tool: text.into(),
        made_at: OffsetDateTime::UNIX_EPOCH,
        made_by: Some(MADE(text).by),
        bound: Bound {
            database: text.into(),
            identity: text.into(),
            schema: text.into(),
            policy: text.into(),
        },
        flags: vec![text.into()],
        organizations: vec![text.into()],
        titles: vec![text.into()],
        deletions: vec![step()],
        unlinks: vec![step()],
        left_behind: BTreeMap::from([(text.into(), Some(3))]),
        notes: vec![text.into()],
    };
    plan(&saved, text, &MADE(text))
}

fn record_of(text: &str) -> String {
    let mut receipt = Receipt::begin("clean", MADE(text).by, text.into(), text.into());
    receipt.started_at = OffsetDateTime::UNIX_EPOCH;
    receipt.error = Some(text.into());
    receipt.previous = Some(Link { id: text.into(), sha256: text.into() });
    receipt.parts.push(Part {
        organizations: vec![Organization { key: text.into(), name: Some(text.into()) }],
        outcome: "cleaned".into(),
        error: Some(text.into()),
        seconds: 1.0,
        deleted: 3,
        unlinked: 1,
        tables: [(text.to_owned(), 3)].into(),
        unproven: vec![text.into()],
        left_behind: [(text.to_owned(), None)].into(),
        stay: true,
        linked: [(text.to_owned(), 1)].into(),
        kept: [(text.to_owned(), 1)].into(),
        unassociated: [(text.to_owned(), 1)].into(),
        stranded: [(text.to_owned(), 1)].into(),
        archive: Some(text.into()),
        archive_digest: Some(text.into()),
        digests: [(text.to_owned(), text.to_owned())].into(),
        restored: None,
    });
    let proof = Proof { id: text, digest: text };
    record(&receipt, &proof, None, |_| ArchiveNow::Kept, &MADE(text))
}

/// The tags of a page, in order.
fn tags(page: &str) -> Vec<&str> {
    let ends = page.split('<').skip(1);
    ends.map(|tag| tag.split_once('>').expect("a tag ends").0).collect()
}

/// What a page says, its tags left out.
fn text(page: &str) -> String {
    let parts = page.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    let text = parts.collect::<String>();
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn no_text_is_markup() {
    let pieces = [
        "<",
        ">",
        "\"",
        "'",
        "&",
        "&amp;",
        "&#60;",
        "--",
        "]]>",
        "/",
        "=",
        "`",
        "script",
        "</script>",
        "<!--",
        "onload",
        " ",
        "\n",
        "\0",
        "\u{1b}",
        "\u{202e}",
        "\u{2028}",
        "é",
        "漢",
        "x",
    ];
    let plain = pages("x");
    for _ in 0..300 {
        let hostile: String =
            (0..fastrand::usize(1..8)).map(|_| pieces[fastrand::usize(..pieces.len())]).collect();
        // Blank names are left out, and few are long enough to be cut.
        let hostile = format!("x{hostile}");
        for (page, plain) in pages(&hostile).iter().zip(&plain) {
            assert_eq!(tags(page), tags(plain), "{hostile:?}");
            let text = text(page);
            assert!(text.contains(&printable(&hostile)), "{hostile:?} is not in {text}");
            assert!(!text.contains(|c: char| is_hidden(c) && c != '\n'), "{hostile:?}");
        }
    }
}

#[test]
fn a_page_loads_nothing_and_runs_nothing() {
    for page in pages("https://example.com/a.js") {
        let tags = tags(&page);
        for tag in &tags {
            let name = tag.split([' ', '/']).next().unwrap_or_default();
            let loads = ["script", "link", "img", "iframe", "object", "embed", "base", "form", "a"];
            assert!(!loads.contains(&name), "{tag}");
            assert!(
                ![" src=", " href=", " style=", " on"].iter().any(|it| tag.contains(it)),
                "{tag}"
            );
        }
        let policy = tags.iter().find(|tag| tag.contains("Content-Security-Policy"));
        assert!(policy.is_some_and(|it| it.contains("default-src 'none'; style-src 'sha256-")));
        assert!(!super::STYLE.contains("url(") && !super::STYLE.contains("@import"));
    }
}
