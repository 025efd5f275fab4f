//! What a row or an organization is called in output, and the one place that decides which characters
//! are shown as they are. Names and texts come from the data: they must not be able to move the cursor,
//! start a new line, turn the direction of writing or hide.

use std::ops::RangeInclusive;

/// Characters beside control characters that are not seen themselves, or change how others are seen:
/// Unicode's Bidi_Control and Default_Ignorable_Code_Point
/// (<https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt>), line and paragraph
/// separators, interlinear annotations. Variation selectors stay: without them emoji and some names look wrong.
const HIDDEN: [RangeInclusive<char>; 15] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e00ff}',
];

/// A character that no output shows as it is.
pub fn is_hidden(character: char) -> bool {
    character.is_control() || HIDDEN.iter().any(|range| range.contains(&character))
}

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

/// `Apex (key 1)`
pub fn organization(name: Option<&str>, key: &str) -> String {
    title(name.unwrap_or_default(), &format!("key {key}"))
}

/// A text on one line, whatever is in it: hidden characters are escaped, line ends among them.
pub fn printable(text: &str) -> String {
    escaped(text, |c| is_hidden(c).then(|| c.escape_default().to_string()))
}

/// A text of several lines that are ours: hidden characters are escaped but for the line ends.
pub fn visible(text: &str) -> String {
    let shown = |c: char| is_hidden(c) && c != '\n';
    escaped(text, |c| shown(c).then(|| c.escape_default().to_string()))
}

/// The same JSON: hidden characters, which are inside its strings, become JSON's own escapes. Whoever reads it
/// gets the text as it was.
pub fn visible_json(text: &str) -> String {
    let units = |c: char| -> String {
        c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    };
    escaped(text, |c| (is_hidden(c) && c != '\n').then(|| units(c)))
}

/// Quoted for a shell where it needs to be: one word on one line, to be pasted. What is not seen is written
/// out as bytes (`$'…'`: bash, zsh, ksh, busybox, and POSIX since 2024).
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:=,@%+".contains(c);
    let bytes = |c: char| -> String {
        c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("\\{byte:03o}")).collect()
    };
    let written = |c: char| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if is_hidden(c) => bytes(c),
        c => c.to_string(),
    };
    match word {
        "" => "''".to_owned(),
        word if word.chars().all(plain) => word.to_owned(),
        word if word.contains(is_hidden) => {
            format!("$'{}'", word.chars().map(written).collect::<String>())
        }
        word => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A TOML key, quoted only where it has to be.
pub fn toml_key(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.is_empty() && text.chars().all(bare) { text.to_owned() } else { toml_text(text) }
}

/// A TOML string on one line.
pub fn toml_text(text: &str) -> String {
    // Written in several lines, only the first one would be commented out; and a file is read at a terminal, too.
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        '\n' => "\\n".to_owned(),
        c if is_hidden(c) => match u32::from(c) {
            code @ 0..=0xffff => format!("\\u{code:04x}"),
            code => format!("\\U{code:08x}"),
        },
        c => c.to_string(),
    };
    if text.contains(is_hidden) {
        format!("\"{}\"", text.chars().map(escaped).collect::<String>())
    } else {
        toml::Value::from(text).to_string()
    }
}

fn escaped(text: &str, escape: impl Fn(char) -> Option<String>) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match escape(character) {
            Some(escaped) => shown.push_str(&escaped),
            None => shown.push(character),
        }
    }
    shown
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

    #[test]
    fn what_is_not_seen_is_written_out() {
        for hidden in "\u{0}\u{7}\u{8}\t\r\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{200b}\u{200d}\u{202e}\u{2066}\u{2028}\u{feff}\u{e0041}"
            .chars()
        {
            assert!(printable(&hidden.to_string()).is_ascii(), "{}", hidden.escape_unicode());
        }
        for seen in ["Müller & Söhne", "שלום", "会社", "❤\u{fe0f}", "e\u{301}", r"a\b"] {
            assert_eq!(printable(seen), seen);
        }
    }

    #[test]
    fn line_ends_are_ours_in_a_whole_text_and_nowhere_else() {
        assert_eq!(printable("a\nb\r"), r"a\nb\r");
        assert_eq!(visible("a\nb\r"), "a\nb\\r");
    }

    #[test]
    fn json_is_read_as_the_text_that_it_was() {
        for text in ["a\u{202e}b\u{7f}\u{e0041}\u{1b}\n", "plain"] {
            let json = visible_json(&serde_json::json!({ "name": text }).to_string());
            assert!(json.is_ascii(), "{json}");
            let read: serde_json::Value = serde_json::from_str(&json).expect("still JSON");
            assert_eq!(read["name"], text);
        }
    }

    #[test]
    fn a_word_is_pasted_as_it_was() {
        for word in ["Apex", "", "it's", r"back\slash", "a\nb\u{1b}[31m'\\1\u{202e}", "$HOME `x`"] {
            let script = format!("printf %s {}", shell_word(word));
            let output = std::process::Command::new("bash").args(["-c", &script]).output();
            let output = output.expect("bash runs");
            assert_eq!(String::from_utf8_lossy(&output.stdout), word, "{script}");
            assert_eq!(printable(&script), script);
        }
    }
}
