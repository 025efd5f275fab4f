//! One row as one line: the text format of PostgreSQL's COPY
//! (<https://www.postgresql.org/docs/current/sql-copy.html>). Values end with a tab, a null is `\N`,
//! a backslash escapes. PostgreSQL's values are their text; SQLite's are SQL literals, which keep the
//! type of each value.

/// Appends a row to `line`, its end included.
pub fn encode<'v>(line: &mut Vec<u8>, values: impl IntoIterator<Item = Option<&'v [u8]>>) {
    for (n, value) in values.into_iter().enumerate() {
        if n > 0 {
            line.push(b'\t');
        }
        match value {
            None => line.extend_from_slice(br"\N"),
            Some(value) => escape(line, value),
        }
    }
    line.push(b'\n');
}

fn escape(line: &mut Vec<u8>, value: &[u8]) {
    let mut plain = 0;
    for (n, byte) in value.iter().enumerate() {
        let escaped = match byte {
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => continue,
        };
        line.extend_from_slice(&value[plain..n]);
        line.extend_from_slice(&[b'\\', escaped]);
        plain = n + 1;
    }
    line.extend_from_slice(&value[plain..]);
}

/// The values of a line without its end; `None` where it is no such line.
pub fn decode(line: &str) -> Option<Vec<Option<String>>> {
    line.split('\t').map(value).collect()
}

fn value(text: &str) -> Option<Option<String>> {
    if text == r"\N" {
        return Some(None);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                _ => return None,
            },
            other => other,
        });
    }
    Some(Some(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded() {
        let values =
            [Some("a\tb"), None, Some(""), Some("\\N"), Some("line\nbreak\r"), Some("grüße 🦀")];
        let mut line = Vec::new();
        encode(&mut line, values.map(|value| value.map(str::as_bytes)));
        let text = String::from_utf8(line).expect("text stays text");
        assert_eq!(text, "a\\tb\t\\N\t\t\\\\N\tline\\nbreak\\r\tgrüße 🦀\n");
        let decoded = decode(text.trim_end_matches('\n')).expect("a line");
        assert_eq!(decoded, values.map(|value| value.map(str::to_owned)));
    }

    #[test]
    fn what_nobody_encoded_is_no_line() {
        assert_eq!(decode(r"a\"), None);
        assert_eq!(decode(r"\x41"), None);
    }
}
