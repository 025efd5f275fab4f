//! SQLite's SQL as tokens: just enough to find clauses in the statements that it stores. Those
//! were parsed by SQLite itself, so nothing here checks them.

/// A piece of a statement, without white space and comments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    /// Where it begins in the statement.
    pub start: usize,
    /// How many parentheses are open around it. A parenthesis is outside of itself.
    pub depth: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A keyword, a plain name or a number.
    Word,
    /// `"x"`, `` `x` ``, `[x]` or `'x'`: SQLite takes all of them for names where a name belongs.
    Quoted,
    Open,
    Close,
    Comma,
    Other,
}

impl Token<'_> {
    /// Whether it is this keyword. A quoted word never is.
    pub fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The name that it spells, without its quotes.
    pub fn name(&self) -> String {
        let inner = || self.text.get(1..self.text.len() - 1).unwrap_or_default();
        match (self.kind, self.text.chars().next()) {
            (Kind::Quoted, Some('[')) => inner().to_owned(),
            (Kind::Quoted, Some(quote)) => {
                inner().replace(&format!("{quote}{quote}"), &quote.to_string())
            }
            _ => self.text.to_owned(),
        }
    }
}

/// Whether an expression may read a column: it names it, or something that is called the same.
pub fn mentions(expression: &str, column: &str) -> bool {
    tokens(expression).iter().any(|token| token.name().eq_ignore_ascii_case(column))
}

pub fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    while let Some((kind, length)) = first(&sql[start..]) {
        if let Some(kind) = kind {
            depth -= usize::from(kind == Kind::Close && depth > 0);
            tokens.push(Token { kind, text: &sql[start..start + length], start, depth });
            depth += usize::from(kind == Kind::Open);
        }
        start += length;
    }
    tokens
}

/// The kind (none for white space and comments) and length of what `rest` begins with.
fn first(rest: &str) -> Option<(Option<Kind>, usize)> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    let until = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
    Some(match rest.chars().next()? {
        c if c.is_ascii_whitespace() => (None, 1),
        '-' if rest.starts_with("--") => (None, until("\n")),
        // `/*/` only begins one.
        '/' if rest.starts_with("/*") => {
            (None, rest[2..].find("*/").map_or(rest.len(), |at| at + 4))
        }
        // SQLite takes a byte order mark for white space.
        '\u{feff}' => (None, 3),
        '[' => (Some(Kind::Quoted), until("]")),
        quote @ ('"' | '`' | '\'') => (Some(Kind::Quoted), quoted(rest, quote)),
        '(' => (Some(Kind::Open), 1),
        ')' => (Some(Kind::Close), 1),
        ',' => (Some(Kind::Comma), 1),
        c if word(c) => (Some(Kind::Word), rest.find(|c| !word(c)).unwrap_or(rest.len())),
        _ => (Some(Kind::Other), 1),
    })
}

/// The length of the quoted piece that `rest` begins with; a doubled quote stands for itself.
fn quoted(rest: &str, quote: char) -> usize {
    let mut from = 1;
    while let Some(at) = rest[from..].find(quote) {
        from += at + 1;
        if !rest[from..].starts_with(quote) {
            return from;
        }
        from += 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sql: &str) -> Vec<String> {
        tokens(sql).iter().map(|token| format!("{}{}", token.depth, token.text)).collect()
    }

    #[test]
    fn parentheses_nest_and_comments_vanish() {
        let sql = "a(b,/* ) */(c) -- (\n) d";
        assert_eq!(shown(sql), ["0a", "0(", "1b", "1,", "1(", "2c", "1)", "0)", "0d"]);
        assert_eq!(
            shown("a /*/ b, */ c /**/ d /***/ e\u{c}\u{feff}f"),
            ["0a", "0c", "0d", "0e", "0f"]
        );
    }

    #[test]
    fn quotes_hide_what_is_in_them() {
        let sql = r#""a""(" [b)] `c``,` 'it''s --' x"#;
        let names: Vec<String> = tokens(sql).iter().map(Token::name).collect();
        assert_eq!(names, ["a\"(", "b)", "c`,", "it's --", "x"]);
    }

    #[test]
    fn names_may_be_foreign_and_text_may_end_early() {
        assert_eq!(shown("größe>=1"), ["0größe", "0>", "0=", "01"]);
        for unfinished in ["'abc", "[x", "/* x", "-- x", ")", "\""] {
            assert!(tokens(unfinished).len() <= 1, "{unfinished}");
        }
        assert_eq!(tokens("\"").first().map(Token::name).as_deref(), Some(""));
    }

    #[test]
    fn expressions_mention_columns() {
        assert!(mentions("length(\"Name\") > 0", "name"));
        assert!(!mentions("names IS NOT NULL -- name", "name"));
    }
}
