//! How any text gets its lines: what is put on one stays there, whatever is in it.

use crate::label::printable;
use std::time::Duration;

/// A line that is never folded: to be copied.
pub fn line(text: &str) -> String {
    printable(text) + "\n"
}

/// A line with a heading, folded under its own text where it is too long: no name, however long, comes to
/// stand where a line begins.
pub fn wrapped(heading: &str, text: &str, width: u16) -> String {
    let indent = " ".repeat(heading.chars().count().max(2));
    let options = textwrap::Options::new(usize::from(width))
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .initial_indent(heading)
        .subsequent_indent(&indent);
    textwrap::fill(&printable(text), options) + "\n"
}

/// `3 ms`, `1.2 s`
pub fn duration(duration: Duration) -> String {
    match duration.as_millis() {
        0..1000 => format!("{} ms", duration.as_millis()),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

/// The same of what a receipt says.
pub fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
