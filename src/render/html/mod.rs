//! A page of its own: what a preview found, what a saved plan says, what a receipt keeps. To be attached to a change
//! request, approved, printed and filed.
//!
//! Made with maud, whose macros escape whatever is spliced in, so that escaping is not something to remember; names
//! go through [`printable`] besides, as everywhere. Nothing is loaded from anywhere and nothing runs: the page's
//! Content-Security-Policy allows its one style sheet, by its digest.

mod picture;
mod plan;
mod preview;
mod record;
#[cfg(test)]
mod tests;

pub use plan::plan;
pub use preview::preview;
pub use record::{ArchiveNow, Proof, record};

use super::grouped;
use super::history::moment;
use crate::archive::Actor;
use crate::label::{printable, visible};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

const STYLE: &str = include_str!("style.css");

/// Who made a page, and when.
pub struct Made {
    pub at: OffsetDateTime,
    pub by: Actor,
}

#[derive(Debug, Clone, Copy)]
enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
}

/// A page's head: what kind of page, of whom, and what it comes to.
struct Head<'a> {
    kind: &'a str,
    subject: String,
    tone: Tone,
    verdict: String,
}

fn page(head: &Head, body: &Markup, made: &Made) -> String {
    let digest = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    );
    let tone = match head.tone {
        Tone::Plain => "",
        Tone::Good => "good",
        Tone::Warning => "warn",
        Tone::Bad => "bad",
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (head.kind) ": " (printable(&head.subject)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header {
                        p.kind { (head.kind) }
                        h1 { (printable(&head.subject)) }
                        p.verdict.(tone) { (printable(&head.verdict)) }
                    }
                    (body)
                    footer {
                        "Made " (moment(made.at)) " by " (printable(&made.by.to_string())) " with orgsweep "
                        (env!("CARGO_PKG_VERSION")) "."
                    }
                }
            }
        }
    };
    // What is hidden in what nobody thought of is shown as well.
    visible(&page.into_string()) + "\n"
}

/// What is known in a word or two each; those without a word are left out.
fn facts(facts: &[(&str, String)]) -> Markup {
    html! {
        dl {
            @for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
                dt { (name) }
                dd { (printable(value)) }
            }
        }
    }
}

/// A list that shows a few, and the rest where somebody asks for it.
fn list(lines: &[String]) -> Markup {
    const SHOWN: usize = 12;
    let (shown, folded) = lines.split_at(lines.len().min(SHOWN));
    let items = |lines: &[String]| html! { ul { @for line in lines { li { (printable(line)) } } } };
    html! {
        (items(shown))
        @if !folded.is_empty() {
            details { summary { "and " (grouped(folded.len() as u64)) " more" } (items(folded)) }
        }
    }
}

/// One line of what goes.
#[derive(Default)]
struct Row {
    action: &'static str,
    table: String,
    rows: u64,
    /// How they were reached, and whether only `--force` does.
    reached: Vec<(String, bool)>,
    took: Option<String>,
}

/// What goes in which order, with bars.
fn rows(rows: &[Row]) -> Markup {
    const LONG: usize = 60;
    let table = table_of(rows);
    html! {
        @if rows.len() > LONG {
            details { summary { (grouped(rows.len() as u64)) " steps" } (table) }
        } @else {
            (table)
        }
    }
}

fn table_of(rows: &[Row]) -> Markup {
    let most = rows.iter().map(|row| row.rows).max().unwrap_or_default().max(1);
    let reached = rows.iter().any(|row| !row.reached.is_empty());
    let timed = rows.iter().any(|row| row.took.is_some());
    html! {
        table {
            thead {
                tr {
                    th.number { "#" } th { "Action" } th { "Table" } th.number { "Rows" } th {}
                    @if reached { th { "Reached by" } }
                    @if timed { th.number { "Time" } }
                }
            }
            tbody {
                @for (n, row) in rows.iter().enumerate() {
                    tr {
                        td.number { (n + 1) }
                        td.word { (row.action) }
                        td { (printable(&row.table)) }
                        td.number { (grouped(row.rows)) }
                        td { (bar(row, most)) }
                        @if reached {
                            td {
                                @for (n, (reference, forced)) in row.reached.iter().enumerate() {
                                    @if n > 0 { br; }
                                    @if *forced { span.forced { (printable(reference)) } }
                                    @else { (printable(reference)) }
                                }
                            }
                        }
                        @if timed { td.number { (row.took.as_deref().unwrap_or_default()) } }
                    }
                }
            }
        }
    }
}

/// As long as its share of the longest; whatever is there is seen.
fn bar(row: &Row, most: u64) -> Markup {
    let share = 100.0 * row.rows as f64 / most as f64;
    let width = if row.rows == 0 { 0.0 } else { share.max(1.0) };
    html! {
        svg.bar viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.(row.action) width=(format!("{width:.1}")) height="10" {}
        }
    }
}
