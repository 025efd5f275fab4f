//! What a row or an organization is called in output. Names come from the data: they must not be
//! able to move the cursor, start a new line or hide.

/// `DLID0001 - Global Corp (id 7)`: what people call it, shortened, and its key.
pub fn title(name: &str, key: &str) -> String {
    const LONGEST: usize = 60;
    let name = printable(name.trim());
    let mut short: String = name.chars().take(LONGEST).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    let key = printable(key);
    match (short.is_empty(), key.is_empty()) {
        (true, _) => key,
        (false, true) => short,
        (false, false) => format!("{short} ({key})"),
    }
}

/// The text with control and invisible direction characters escaped.
pub fn printable(text: &str) -> String {
    const HIDDEN: [std::ops::RangeInclusive<char>; 3] =
        ['\u{200b}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
    let character = |c: char| match c.is_control() || HIDDEN.iter().any(|range| range.contains(&c))
    {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_short_and_cannot_forge_output() {
        assert_eq!(title("Ann", "id 3"), "Ann (id 3)");
        assert_eq!(title("", "id 3"), "id 3");
        assert_eq!(title("a\u{1b}[2J\nb", ""), "a\\u{1b}[2J\\nb");
        assert_eq!(title(&"x".repeat(80), "").chars().count(), 61);
    }
}
