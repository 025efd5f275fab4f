//! What `doctor` found, with the statements that cure it.

use super::counted;
use super::table::{line, wrapped};
use crate::doctor::{Diagnostic, Severity};
use serde::Serialize;

/// Of several findings of one kind so many are shown, unless all are asked for.
const SHOWN: usize = 5;

/// Worst first, those of one kind together.
pub fn table(database: &str, diagnostics: &[Diagnostic], all: bool, width: u16) -> String {
    let mut text = String::new();
    let same = |one: &Diagnostic, other: &Diagnostic| {
        (one.severity, one.kind) == (other.severity, other.kind)
    };
    for alike in diagnostics.chunk_by(same) {
        let shown = if all { alike.len() } else { alike.len().min(SHOWN) };
        text.extend(alike[..shown].iter().map(|diagnostic| finding(diagnostic, width)));
        if let more @ 1.. = alike.len() - shown {
            let cures = alike[shown..].iter().filter(|it| it.cure.is_some()).count() as u64;
            let more = counted(more as u64, "more finding");
            text += &match cures {
                0 => format!("… and {more} of this kind (--all)\n"),
                cures => format!(
                    "… and {more} of this kind, {} (--all; --format sql has the cures alone)\n",
                    counted(cures, "cure")
                ),
            };
        }
    }
    let count = |severity| diagnostics.iter().filter(|s| s.severity == severity).count() as u64;
    if diagnostics.is_empty() {
        text + &line(&format!("{database}: nothing will bite"))
    } else {
        let blocks = count(Severity::Blocks);
        let slows = count(Severity::Slows);
        let total = counted(diagnostics.len() as u64, "finding");
        let what = format!("{total}, {blocks} in the way, {slows} that cost time");
        text + &line(&format!("{database}: {what}"))
    }
}

fn finding(diagnostic: &Diagnostic, width: u16) -> String {
    let heading = match diagnostic.severity {
        Severity::Blocks => "blocks: ",
        Severity::Slows => "slows: ",
        Severity::Note => "note: ",
    };
    // A reference names its table itself.
    let named =
        diagnostic.table.is_empty() || diagnostic.what.contains(&format!("{}.", diagnostic.table));
    let what = if named {
        diagnostic.what.clone()
    } else {
        format!("{}: {}", diagnostic.table, diagnostic.what)
    };
    let mut text = wrapped(heading, &what, width);
    if let Some(cure) = &diagnostic.cure {
        // One line, to be copied.
        text += &line(&format!("  cure: {cure};"));
    }
    text
}

/// The statements that cure it, each once; the worst comes first.
pub fn sql(database: &str, diagnostics: &[Diagnostic]) -> String {
    let mut cures: Vec<&str> = Vec::new();
    let mut text =
        line(&format!("-- cures that orgsweep doctor knows for {database}: read them first"));
    for diagnostic in diagnostics {
        if let Some(cure) = diagnostic.cure.as_deref().filter(|cure| !cures.contains(cure)) {
            cures.push(cure);
            text += &line(&format!("{cure};"));
        }
    }
    text
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DoctorDocument<'a> {
    format: u32,
    command: &'static str,
    database: &'a str,
    exit: u8,
    findings: &'a [Diagnostic],
}

pub fn json(database: &str, exit: u8, diagnostics: &[Diagnostic]) -> String {
    let document =
        DoctorDocument { format: 1, command: "doctor", database, exit, findings: diagnostics };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}
