//! A statement as text and bound values, before a dialect gives it placeholders.

/// SQL text with values in it. Values are bound when it runs and become literals in a script.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statement {
    parts: Vec<Part>,
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

    pub fn append(&mut self, other: &Statement) -> &mut Self {
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

    /// The text with every value written as a string literal, for scripts.
    pub fn inlined(&self) -> String {
        let part = |part: &Part| match part {
            Part::Sql(sql) => sql.clone(),
            Part::Value(value) => super::literal(value),
        };
        self.parts.iter().map(part).collect()
    }
}

impl From<&str> for Statement {
    fn from(sql: &str) -> Self {
        Statement { parts: vec![Part::Sql(sql.to_owned())] }
    }
}

impl From<String> for Statement {
    fn from(sql: String) -> Self {
        Statement { parts: vec![Part::Sql(sql)] }
    }
}
