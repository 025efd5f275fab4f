//! A statement as text and bound values, before a dialect gives it placeholders.

use super::Dialect;

/// SQL text with values in it. Values are bound when it runs and become literals in a script.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statement {
    parts: Vec<Part>,
    /// Statements without values that make what this one reads, and remove it again.
    before: Vec<String>,
    after: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Sql(String),
    Value(String),
}

/// How a bound value is written in the text.
#[derive(Debug, Clone, Copy)]
pub enum Placeholder {
    /// `$1` or `?1`
    Numbered(char),
    /// `?`
    Plain,
}

impl Statement {
    pub fn push(&mut self, sql: &str) -> &mut Self {
        match self.parts.last_mut() {
            Some(Part::Sql(last)) => last.push_str(sql),
            _ => self.parts.push(Part::Sql(sql.to_owned())),
        }
        self
    }

    /// Appends a text value; the surrounding SQL casts it to what it needs.
    pub fn bind(&mut self, value: &str) -> &mut Self {
        self.parts.push(Part::Value(value.to_owned()));
        self
    }

    /// With what comes right before and right after it.
    pub fn between(mut self, before: Vec<String>, after: Vec<String>) -> Statement {
        self.before.extend(before);
        self.after.extend(after);
        self
    }

    /// What makes what it reads, as one text; empty where there is nothing to make.
    pub fn before(&self) -> String {
        self.before.join("; ")
    }

    /// What removes that.
    pub fn after(&self) -> String {
        self.after.join("; ")
    }

    pub fn append(&mut self, other: &Statement) -> &mut Self {
        self.before.extend(other.before.iter().cloned());
        self.after.extend(other.after.iter().cloned());
        for part in &other.parts {
            match part {
                Part::Sql(sql) => self.push(sql),
                Part::Value(value) => self.bind(value),
            };
        }
        self
    }

    /// The text with placeholders, and the values in that order.
    pub fn prepared(&self, placeholder: Placeholder) -> (String, Vec<&str>) {
        let mut text = String::new();
        let mut values = Vec::new();
        for part in &self.parts {
            match part {
                Part::Sql(sql) => text.push_str(sql),
                Part::Value(value) => {
                    values.push(value.as_str());
                    match placeholder {
                        Placeholder::Numbered(sigil) => {
                            text.push(sigil);
                            text.push_str(&values.len().to_string());
                        }
                        Placeholder::Plain => text.push('?'),
                    }
                }
            }
        }
        (text, values)
    }

    /// The text with every value written as a string literal.
    pub fn inlined(&self, dialect: Dialect) -> String {
        self.texts(dialect).join("; ")
    }

    /// The same, what comes before and after it apart: for scripts.
    pub fn texts(&self, dialect: Dialect) -> Vec<String> {
        let part = |part: &Part| match part {
            Part::Sql(sql) => sql.clone(),
            Part::Value(value) => dialect.literal(value),
        };
        let own: String = self.parts.iter().map(part).collect();
        let all = self.before.iter().chain([&own]).chain(&self.after);
        all.cloned().collect()
    }
}

impl From<&str> for Statement {
    fn from(sql: &str) -> Self {
        Statement { parts: vec![Part::Sql(sql.to_owned())], ..Statement::default() }
    }
}

impl From<String> for Statement {
    fn from(sql: String) -> Self {
        Statement { parts: vec![Part::Sql(sql)], ..Statement::default() }
    }
}
