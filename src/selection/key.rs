//! A key of several columns as one text: `eu,1`. What has a comma in it stands in double quotes, `"a,b",1`, and a double
//! quote is two there.

/// The values of a key's columns, or `None` where a quote is not closed or something follows it.
pub fn parts(text: &str) -> Option<Vec<String>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => closed(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        parts.push(part);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.is_empty().then_some(parts),
        }
    }
}

/// What stands before the closing quote, and what after it.
fn closed(quoted: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                part.push('"');
                rest = next;
            }
            None => return Some((part, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    fn check(text: &str, wanted: &[&str]) {
        let wanted = wanted.iter().map(|part| (*part).to_owned()).collect();
        assert_eq!(parts(text), Some(wanted), "{text}");
    }

    #[test]
    fn commas_divide_and_quotes_keep_them() {
        check("eu,1", &["eu", "1"]);
        check(r#""a,b",1"#, &["a,b", "1"]);
        check(r#"1,"say ""no""""#, &["1", r#"say "no""#]);
        check("eu,", &["eu", ""]);
        check(" eu, 1", &[" eu", " 1"]);
        check(r#"5" disk,1"#, &[r#"5" disk"#, "1"]);
    }

    #[test]
    fn a_quote_that_is_not_closed_is_a_mistake() {
        assert_eq!(parts(r#""a,1"#), None);
        assert_eq!(parts(r#""a"b,1"#), None);
    }
}
