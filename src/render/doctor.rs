//! What `doctor` found, with the statements that cure it.

use super::counted;
use super::table::{line, wrapped};
use crate::doctor::{Severity, Symptom};
use serde::Serialize;

pub fn table(database: &str, symptoms: &[Symptom], width: u16) -> String {
    let mut text = String::new();
    for symptom in symptoms {
        let heading = match symptom.severity {
            Severity::Blocks => "blocks: ",
            Severity::Slows => "slows: ",
            Severity::Note => "note: ",
        };
        // A reference names its table itself.
        let named =
            symptom.table.is_empty() || symptom.what.contains(&format!("{}.", symptom.table));
        let what = match named {
            true => symptom.what.clone(),
            false => format!("{}: {}", symptom.table, symptom.what),
        };
        text += &wrapped(heading, &what, width);
        if let Some(cure) = &symptom.cure {
            // One line, to be copied.
            text += &line(&format!("  cure: {cure};"));
        }
    }
    let count = |severity| symptoms.iter().filter(|s| s.severity == severity).count() as u64;
    match symptoms.is_empty() {
        true => text + &line(&format!("{database}: nothing will bite")),
        false => {
            let blocks = count(Severity::Blocks);
            let slows = count(Severity::Slows);
            let total = counted(symptoms.len() as u64, "finding");
            let what = format!("{total}, {blocks} in the way, {slows} that cost time");
            text + &line(&format!("{database}: {what}"))
        }
    }
}

pub fn json(database: &str, exit: u8, symptoms: &[Symptom]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        format: u32,
        command: &'static str,
        database: &'a str,
        exit: u8,
        findings: &'a [Symptom],
    }
    let document = Document { format: 1, command: "doctor", database, exit, findings: symptoms };
    serde_json::to_string_pretty(&document).expect("plain data always serializes")
}
