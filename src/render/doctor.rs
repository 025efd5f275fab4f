//! What `doctor` found, with the statements that cure it.

use super::counted;
use super::table::{line, wrapped};
use crate::doctor::{Diagnostic, Severity};
use serde::Serialize;

pub fn table(database: &str, diagnostics: &[Diagnostic], width: u16) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let heading = match diagnostic.severity {
            Severity::Blocks => "blocks: ",
            Severity::Slows => "slows: ",
            Severity::Note => "note: ",
        };
        // A reference names its table itself.
        let named = diagnostic.table.is_empty()
            || diagnostic.what.contains(&format!("{}.", diagnostic.table));
        let what = if named {
            diagnostic.what.clone()
        } else {
            format!("{}: {}", diagnostic.table, diagnostic.what)
        };
        text += &wrapped(heading, &what, width);
        if let Some(cure) = &diagnostic.cure {
            // One line, to be copied.
            text += &line(&format!("  cure: {cure};"));
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
