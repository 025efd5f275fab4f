//! What SQLite tells only in the text of CREATE statements: collations, CHECK constraints, trigger
//! events. A tokenizer, not a parser: it knows quotes, comments and parentheses.

use crate::catalog::Check;

/// A token with its place in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Token<'a> {
    text: &'a str,
    start: usize,
    /// An identifier or string in quotes, which is never a keyword.
    quoted: bool,
}

impl Token<'_> {
    fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(keyword)
    }

    /// An identifier without its quotes.
    fn name(&self) -> String {
        match self.text.as_bytes() {
            [open @ (b'"' | b'`' | b'\''), .., _] => {
                let quote = char::from(*open);
                let doubled = format!("{quote}{quote}");
                self.text[1..self.text.len() - 1].replace(&doubled, &quote.to_string())
            }
            [b'[', .., _] => self.text[1..self.text.len() - 1].to_owned(),
            _ => self.text.to_owned(),
        }
    }
}

/// What a CREATE TABLE says beyond the pragmas.
#[derive(Debug, Default, PartialEq)]
pub struct TableText {
    /// Column and collation, where one is declared.
    pub collations: Vec<(String, String)>,
    pub checks: Vec<Check>,
}

/// Reads a CREATE TABLE statement. Text that is not one yields nothing.
pub fn table(sql: &str) -> TableText {
    let tokens = tokens(sql);
    let mut text = TableText::default();
    let Some(open) = tokens.iter().position(|token| token.is("(")) else {
        return text;
    };
    for definition in definitions(&tokens[open + 1..]) {
        let constraint = ["constraint", "check", "primary", "unique", "foreign"]
            .iter()
            .any(|k| definition[0].is(k));
        if !constraint {
            let collation = definition.windows(2).find(|pair| pair[0].is("collate"));
            text.collations.extend(collation.map(|pair| (definition[0].name(), pair[1].name())));
        }
        text.checks.extend(checks(sql, definition));
    }
    text
}

/// The parts between top-level commas, up to the closing parenthesis.
fn definitions<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (n, token) in tokens.iter().enumerate() {
        match () {
            () if token.is("(") => depth += 1,
            () if token.is(")") && depth > 0 => depth -= 1,
            () if token.is(")") => {
                parts.push(&tokens[start..n]);
                break;
            }
            () if token.is(",") && depth == 0 => {
                parts.push(&tokens[start..n]);
                start = n + 1;
            }
            () => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// `[CONSTRAINT name] CHECK (expression)` wherever it stands in a definition.
fn checks(sql: &str, definition: &[Token]) -> Vec<Check> {
    let mut checks = Vec::new();
    for n in 0..definition.len().saturating_sub(1) {
        if !(definition[n].is("check") && definition[n + 1].is("(")) {
            continue;
        }
        let mut depth = 0;
        let close = definition[n + 1..].iter().position(|token| {
            depth += i32::from(token.is("(")) - i32::from(token.is(")"));
            depth == 0
        });
        let Some(close) = close.map(|offset| definition[n + 1 + offset]) else {
            continue;
        };
        let expression = sql[definition[n + 1].start + 1..close.start].trim().to_owned();
        let named = n >= 2 && definition[n - 2].is("constraint");
        let name = if named { definition[n - 1].name() } else { expression.clone() };
        checks.push(Check { name, expression, columns: Vec::new() });
    }
    checks
}

/// Whether a CREATE TRIGGER fires on DELETE, and on UPDATE.
pub fn trigger_events(sql: &str) -> (bool, bool) {
    let tokens = tokens(sql);
    let head: Vec<&Token> = tokens.iter().take_while(|token| !token.is("on")).collect();
    let event = |name| head.iter().any(|token| token.is(name));
    (event("delete"), event("update"))
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let bytes = sql.as_bytes();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let rest = &sql[at..];
        let (length, kind) = match bytes[at] {
            b if b.is_ascii_whitespace() => (1, None),
            b'-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), None),
            b'/' if rest.starts_with("/*") => {
                (rest.find("*/").map_or(rest.len(), |end| end + 2), None)
            }
            quote @ (b'"' | b'\'' | b'`') => (quoted_length(rest, char::from(quote)), Some(true)),
            b'[' => (rest.find(']').map_or(rest.len(), |end| end + 1), Some(true)),
            b if is_word(b) => {
                (rest.bytes().position(|b| !is_word(b)).unwrap_or(rest.len()), Some(false))
            }
            _ => (1, Some(false)),
        };
        if let Some(quoted) = kind {
            tokens.push(Token { text: &rest[..length], start: at, quoted });
        }
        at += length;
    }
    tokens
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// The length of a quoted token; a doubled quote does not end it.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => {
                    characters.next();
                }
                _ => return at + 1,
            }
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collations_and_checks_are_found_among_quotes_comments_and_parentheses() {
        let text = table(
            r#"CREATE TABLE "we(ird" ( -- check (no)
              id INTEGER PRIMARY KEY, "na""me" TEXT DEFAULT 'collate x' COLLATE NOCASE CHECK (length("na""me") > (1)),
              /* check (nor this) */ [b c] TEXT collate "RTRIM", n INT,
              CONSTRAINT positive CHECK (n > 0 AND n <> ')'), CHECK(n < 10), UNIQUE (n COLLATE NOCASE))"#,
        );
        let collations: Vec<_> =
            text.collations.iter().map(|(c, k)| (c.as_str(), k.as_str())).collect();
        assert_eq!(collations, [(r#"na"me"#, "NOCASE"), ("b c", "RTRIM")]);
        let checks: Vec<_> =
            text.checks.iter().map(|c| (c.name.as_str(), c.expression.as_str())).collect();
        assert_eq!(
            checks,
            [
                (r#"length("na""me") > (1)"#, r#"length("na""me") > (1)"#),
                ("positive", "n > 0 AND n <> ')'"),
                ("n < 10", "n < 10"),
            ]
        );
    }

    #[test]
    fn triggers_tell_their_events() {
        assert_eq!(
            trigger_events("CREATE TRIGGER t BEFORE DELETE ON x BEGIN UPDATE y SET z = 1; END"),
            (true, false)
        );
        assert_eq!(
            trigger_events("create trigger t update of a, b on x begin delete from y; end"),
            (false, true)
        );
        assert_eq!(
            trigger_events("CREATE TRIGGER \"delete\" INSERT ON x BEGIN SELECT 1; END"),
            (false, false)
        );
    }
}
