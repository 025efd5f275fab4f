//! The page of a receipt: the record of what was erased, to be kept.

use super::super::counted;
use super::super::history::planned;
use super::super::lines::seconds;
use super::{Head, Made, Row, Tone, facts, list, moment, page, rows};
use crate::archive::Organization;
use crate::label::printable;
use crate::receipt::{Part, Receipt};
use maud::{Markup, html};
use time::OffsetDateTime;

/// What tells this record from a forged one, as far as anything does.
pub struct Proof<'a> {
    pub id: &'a str,
    /// SHA-256 of the receipt's file.
    pub digest: &'a str,
}

/// What has become of an archive by now.
pub enum ArchiveNow {
    Kept,
    Gone,
}

/// The whole page. `put_back`: when what went came back. `archive` tells what has become of the one with this name.
pub fn record(
    receipt: &Receipt,
    proof: &Proof,
    put_back: Option<OffsetDateTime>,
    archive: impl Fn(&str) -> ArchiveNow,
    made: &Made,
) -> String {
    const SHOWN: usize = 10;
    let (shown, folded) = receipt.parts.split_at(receipt.parts.len().min(SHOWN));
    let parts = |parts: &[Part]| {
        html! { @for one in parts { (part(receipt, one, &archive)) } }
    };
    let body = html! {
        (facts(&[
            ("Database", receipt.database.clone()),
            ("Asked for", receipt.selection.clone()),
            ("Plan", receipt.plan.as_ref().map(planned).unwrap_or_default()),
            ("When", format!("{}, for {}", moment(receipt.started_at), seconds(receipt.seconds))),
            ("By", receipt.actor.to_string()),
            ("With", receipt.tool.clone()),
            ("Ended", ended(receipt)),
            ("Put back", put_back.map(moment).unwrap_or_default()),
        ]))
        (parts(shown))
        @if !folded.is_empty() {
            details {
                summary { "and " (counted(folded.len() as u64, "more transaction")) }
                (parts(folded))
            }
        }
        h2 { "This record" }
        (facts(&[
            ("Receipt", proof.id.into()),
            ("SHA-256 of the receipt", proof.digest.into()),
            ("The one before", receipt.previous.as_ref().map(|it| format!("{}, {}", it.id, it.sha256)).unwrap_or_default()),
        ]))
        p.dim {
            "orgsweep history --verify --head with this digest tells whether the receipt, and all before it, are \
             still as they were. The digest proves something where it is kept out of reach of those who can write \
             to the directory of receipts: in the change request that this page is attached to."
        }
    };
    page(&head(receipt, put_back), &body, made)
}

fn head(receipt: &Receipt, put_back: Option<OffsetDateTime>) -> Head<'static> {
    let (kind, done) = match receipt.command.as_str() {
        "restore" => ("Record of a restore", "put back"),
        _ => ("Record of an erasure", "erased"),
    };
    let mut names: Vec<String> = receipt.parts.iter().flat_map(organizations).collect();
    names.dedup();
    let subject = match &names[..] {
        [] => receipt.selection.clone(),
        [one] => one.clone(),
        several => counted(several.len() as u64, "organization"),
    };
    let rows = receipt.parts.iter().map(Part::moved).sum::<u64>();
    let back = put_back
        .map(|at| format!("{} {done}, and put back on {}.", counted(rows, "row"), moment(at)));
    let (tone, verdict) = match receipt.exit {
        _ if back.is_some() => (Tone::Warning, back.unwrap_or_default()),
        0 if rows > 0 => (Tone::Good, format!("{} {done}, and committed.", counted(rows, "row"))),
        0 => (Tone::Plain, format!("Nothing was {done}: {}.", receipt.outcome())),
        _ if rows > 0 => {
            (Tone::Warning, format!("{} {done}: {}.", counted(rows, "row"), receipt.outcome()))
        }
        _ => (Tone::Bad, format!("Nothing was {done}: {}.", receipt.outcome())),
    };
    Head { kind, subject, tone, verdict }
}

fn organizations(part: &Part) -> impl Iterator<Item = String> + '_ {
    part.organizations.iter().map(Organization::title)
}

fn ended(receipt: &Receipt) -> String {
    match &receipt.error {
        None => format!("exit {}", receipt.exit),
        Some(error) => format!("exit {}: {error}", receipt.exit),
    }
}

fn part(receipt: &Receipt, part: &Part, archive: impl Fn(&str) -> ArchiveNow) -> Markup {
    let names: Vec<String> = organizations(part).collect();
    let action = if part.outcome == "restored" { "put back" } else { "deleted" };
    let tables = part.tables.iter().map(|(table, rows)| Row {
        action,
        table: table.clone(),
        rows: *rows,
        ..Row::default()
    });
    let tables: Vec<Row> = tables.collect();
    let unlinked = if part.unlinked > 0 { counted(part.unlinked, "row") } else { String::new() };
    html! {
        h2 { (printable(&part.outcome)) ": " (counted(part.moved(), "row")) }
        (list(&names))
        @if let Some(error) = &part.error { p { (printable(error)) } }
        @if !tables.is_empty() { (rows(&tables)) }
        (facts(&[("Unlinked", unlinked), ("Took", seconds(part.seconds))]))
        @if part.outcome == "cleaned" { (proofs(part)) }
        (staying(part))
        @if let Some(name) = &part.archive { (kept(receipt, part, name, archive(name))) }
    }
}

fn proofs(part: &Part) -> Markup {
    html! {
        h3 { "Proven before COMMIT" }
        ul {
            li { "that none of these rows was left" }
            li { "that nothing names a row that went" }
            li { "that no other row went" }
        }
        @if !part.unproven.is_empty() {
            p { "Except:" }
            (list(&part.unproven))
        }
    }
}

/// Rows that belonged to the organizations, and were meant to stay.
fn staying(part: &Part) -> Markup {
    let stranded = part.stranded.iter().map(|(reference, rows)| {
        format!("{} stay without an organization: unlinked by {reference}", counted(*rows, "row"))
    });
    let left_behind = part.left_behind.iter().map(|(column, rows)| match rows {
        Some(rows) => format!("{} left behind: {column} still names it", counted(*rows, "row")),
        None => format!("not known: whether {column} still names it"),
    });
    let own = part.stay.then(|| "the organizations' own rows".to_owned()).into_iter();
    let kept =
        part.kept.iter().map(|(table, rows)| format!("{} of {table} kept", counted(*rows, "row")));
    let linked = part.linked.iter().map(|(reference, rows)| {
        format!("{} linked to them by {reference}", counted(*rows, "row"))
    });
    let alone = part.unassociated.iter().map(|(reference, rows)| {
        format!("{} belong to nobody: {reference} names them no more", counted(*rows, "row"))
    });
    let stranded = stranded.chain(alone);
    let lines: Vec<String> =
        own.chain(kept).chain(linked).chain(stranded).chain(left_behind).collect();
    html! { @if !lines.is_empty() { h3 { "What stayed" } (list(&lines)) } }
}

fn kept(receipt: &Receipt, part: &Part, name: &str, now: ArchiveNow) -> Markup {
    let state = match (now, part.outcome.as_str()) {
        (ArchiveNow::Gone, _) => "not in the directory any more".to_owned(),
        (ArchiveNow::Kept, "unknown") => {
            "in the directory; whether its rows went, nobody knows".to_owned()
        }
        (ArchiveNow::Kept, _) => match receipt.archive_until {
            Some(until) => format!(
                "in the directory; removed by the first clean of this database that ends well after {}",
                moment(until)
            ),
            None => "in the directory".to_owned(),
        },
    };
    let digests: Vec<String> =
        part.digests.iter().map(|(section, digest)| format!("{section}: {digest}")).collect();
    html! {
        h3 { "Archive" }
        (facts(&[
            ("File", name.to_owned()),
            ("Now", state),
            ("Digest", part.archive_digest.clone().unwrap_or_default()),
        ]))
        @if !digests.is_empty() {
            details {
                summary { "SHA-256 of the rows of each table in it" }
                ul { @for digest in &digests { li { code { (printable(digest)) } } } }
            }
        }
    }
}
