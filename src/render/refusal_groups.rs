//! Refusals as a person reads them: those with one and the same way out stand together, and no list is longer than a
//! screen unless all of it is asked for.

use super::lines::{line, wrapped};
use super::refusals::{RefusalView, is_left_behind, ways_out_of_all};
use super::{Report, counted, grouped};
use crate::label::shell_word;
use crate::plan::RefusalKind;

/// So many refusals of one way out are shown.
const SHOWN: usize = 8;
/// Of so many of them, samples of rows.
const SAMPLED: usize = 3;
/// A way out names so many references.
const NAMED: usize = 4;

/// Refusals that the same helps against.
struct Group<'a> {
    way: Way<'a>,
    refusals: Vec<&'a RefusalView>,
}

#[derive(PartialEq)]
enum Way<'a> {
    Force,
    LeftBehind,
    Hint(&'a str),
}

pub fn text(report: &Report, width: u16) -> String {
    let refusals = report.refusal_views();
    let mut text = String::new();
    for group in groups(&refusals) {
        text.push('\n');
        text += &group.text(report.all, width);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// In the order of their first refusals.
fn groups(refusals: &[RefusalView]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    for refusal in refusals {
        let way = match refusal.kind {
            RefusalKind::Protected => Way::Force,
            kind if is_left_behind(kind) => Way::LeftBehind,
            _ => Way::Hint(&refusal.hint),
        };
        match groups.iter_mut().find(|group| group.way == way) {
            Some(group) => group.refusals.push(refusal),
            None => groups.push(Group { way, refusals: vec![refusal] }),
        }
    }
    groups
}

impl Group<'_> {
    fn text(&self, all: bool, width: u16) -> String {
        let shown = if all { self.refusals.len() } else { self.refusals.len().min(SHOWN) };
        let mut text = String::new();
        for (n, refusal) in self.refusals[..shown].iter().enumerate() {
            text += &wrapped("refused: ", &refusal.message, width);
            if all || n < SAMPLED {
                text += &samples(refusal, width);
            }
        }
        if let more @ 1.. = self.refusals.len() - shown {
            let more = counted(more as u64, "more refusal");
            text += &format!("refused: … and {more} with the same way out (--all)\n");
        }
        for (n, way) in self.ways().iter().enumerate() {
            let heading = if n == 0 { "try" } else { "or" };
            text += &line(&format!("  {heading}: {way}"));
        }
        text
    }

    fn ways(&self) -> Vec<String> {
        match (&self.way, &self.refusals[..]) {
            (Way::Hint(hint), _) => vec![(*hint).to_owned()],
            (Way::LeftBehind, refusals) => ways_out_of_all(refusals),
            (Way::Force, [refusal]) => vec![refusal.hint.clone()],
            (Way::Force, refusals) => {
                let name = |refusal: &&RefusalView| {
                    let name = refusal.reference.as_deref().unwrap_or_default();
                    shell_word(&format!("--force={name}"))
                };
                let mut names: Vec<String> = refusals.iter().map(name).collect();
                names.dedup();
                let named = match names.len() {
                    0..=NAMED => names.join(" "),
                    _ => "--force=TABLE.COLUMN".to_owned(),
                };
                vec![format!("--force deletes these rows too; {named} by these references only")]
            }
        }
    }
}

/// Some of the rows, and how many more there are.
fn samples(refusal: &RefusalView, width: u16) -> String {
    let sample = |sample: &String| wrapped("    ", sample, width);
    let mut text: String = refusal.samples.iter().map(sample).collect();
    let shown = refusal.samples.len() as u64;
    if shown > 0 && refusal.rows > shown {
        text += &format!("    … and {} more\n", grouped(refusal.rows - shown));
    }
    text
}
