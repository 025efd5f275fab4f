//! Colours, by how a line begins: no name from the data comes to stand there (`render::table::wrapped`), so none can
//! pass itself off as a refusal or an error.

use clap::builder::styling::{AnsiColor, Style};

const DANGER: Style = AnsiColor::Red.on_default().bold();
const CAUTION: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();
const DETAIL: Style = Style::new().dimmed();

/// What lines begin with that are painted; whole, so that they are found by their words.
const BEGINNINGS: [(&str, Style); 21] = [
    ("error:", DANGER),
    ("refused:", DANGER),
    ("blocks:", DANGER),
    ("partly done:", DANGER),
    ("warning:", CAUTION),
    ("slows:", CAUTION),
    ("next:", STRONG),
    ("undo:", STRONG),
    ("  try:", STRONG),
    ("  or:", STRONG),
    ("  cure:", STRONG),
    ("deleted ", STRONG),
    ("put back ", STRONG),
    ("rehearsed ", STRONG),
    ("nothing ", STRONG),
    ("already back", STRONG),
    ("reference checks: ", DETAIL),
    ("path: ", DETAIL),
    ("checked in ", DETAIL),
    ("archive: ", DETAIL),
    ("… and ", DETAIL),
];
/// Rows that a refusal is about.
const SAMPLE: &str = "    ";
/// Marks within a line.
const MARKS: [(&str, Style); 2] = [("⚠ needs --force", DANGER), ("⚠ forced", CAUTION)];

/// A text that is safe to show, with colours.
pub fn painted(text: &str) -> String {
    let mut painted = String::new();
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches('\n');
        painted += &painted_line(line);
        painted += &whole[line.len()..];
    }
    painted
}

/// Where and whom something is about.
pub fn strong(text: &str) -> String {
    format!("{STRONG}{text}{STRONG:#}")
}

pub fn danger(text: &str) -> String {
    format!("{DANGER}{text}{DANGER:#}")
}

fn painted_line(line: &str) -> String {
    let total = line.contains(" would be deleted").then_some(("", STRONG));
    // What is folded stands further in.
    let is_sample = line.starts_with(SAMPLE) && !line[SAMPLE.len()..].starts_with(' ');
    let sample = is_sample.then_some(("", DETAIL));
    let known = BEGINNINGS.iter().find(|(beginning, _)| line.starts_with(beginning));
    match known.copied().or(sample).or(total) {
        Some((_, style)) => format!("{style}{line}{style:#}"),
        None => MARKS.iter().fold(line.to_owned(), |line, (mark, style)| {
            line.replace(mark, &format!("{style}{mark}{style:#}"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_red_forced_rows_yellow_details_dim_and_totals_bold() {
        let text = "refused: deals protects\n    DLID0001\n│ a ⚠ forced │\ndeleted 3 rows\nnext: orgsweep clean\nusers\n";
        let wanted = "\u{1b}[1m\u{1b}[31mrefused: deals protects\u{1b}[0m\n\
            \u{1b}[2m    DLID0001\u{1b}[0m\n\
            │ a \u{1b}[33m⚠ forced\u{1b}[0m │\n\
            \u{1b}[1mdeleted 3 rows\u{1b}[0m\n\
            \u{1b}[1mnext: orgsweep clean\u{1b}[0m\nusers\n";
        assert_eq!(painted(text), wanted);
    }
}
