//! A policy as text: what `policy init` and `policy django` write.

use super::file::{Caveat, Discriminator, OneOrMore};
use crate::catalog::OnDelete;
use crate::label::is_hidden;
use std::fmt::Write;

/// The parts of a policy file, in the order in which they are written.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Comment lines at the top.
    pub head: Vec<String>,
    /// `[root]`: settings and values.
    pub root: Vec<(&'static str, String)>,
    /// Columns that may say whose a row is, and why: commented out.
    pub scopes: Vec<(String, String)>,
    pub entries: Vec<Entry>,
    /// Columns by which people recognise a row, per table.
    pub labels: Vec<(String, Vec<String>)>,
    pub caveats: Vec<Caveat>,
    /// Comment lines at the end.
    pub tail: Vec<String>,
}

/// One `[[references]]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    pub comment: Option<String>,
    pub from: String,
    pub to: Option<String>,
    pub on_delete: Option<OnDelete>,
    pub default: Option<String>,
    pub discriminator: Option<Discriminator>,
    pub with_parent: bool,
    /// Commented out: nothing suggested is applied unasked.
    pub suggested: bool,
}

impl Draft {
    pub fn text(&self) -> String {
        let mut text = comment(&self.head);
        if !self.root.is_empty() {
            text += "\n[root]\n";
            for (setting, value) in &self.root {
                let _ = writeln!(text, "{setting} = {}", quoted(value));
            }
        }
        if !self.scopes.is_empty() {
            let names: Vec<String> = self.scopes.iter().map(|(name, _)| quoted(name)).collect();
            let mut lines: Vec<String> = self.scopes.iter().map(|(_, why)| why.clone()).collect();
            lines.push(format!("scope-columns = [{}]", names.join(", ")));
            text += &comment(&lines);
        }
        for entry in &self.entries {
            text.push('\n');
            text += &entry.text();
        }
        for (table, columns) in &self.labels {
            let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
            let _ = write!(text, "\n[tables.{}]\nlabel = [{}]\n", key(table), columns.join(", "));
        }
        for caveat in &self.caveats {
            let (model, what) = (quoted(&caveat.model), quoted(&caveat.what));
            let _ = write!(text, "\n[[caveats]]\nmodel = {model}\nwhat = {what}\n");
        }
        if !self.tail.is_empty() {
            text.push('\n');
            text += &comment(&self.tail);
        }
        text
    }
}

impl Entry {
    fn text(&self) -> String {
        let mut lines = vec!["[[references]]".to_owned(), format!("from = {}", quoted(&self.from))];
        lines.extend(self.to.as_ref().map(|to| format!("to = {}", quoted(to))));
        lines.extend(self.discriminator.as_ref().map(|given| format!("type = {}", typed(given))));
        lines.extend(
            self.on_delete.map(|action| format!("on-delete = {}", quoted(action.as_str()))),
        );
        lines.extend(self.default.as_ref().map(|value| format!("default = {}", quoted(value))));
        lines.extend(self.with_parent.then(|| "with-parent = true".to_owned()));
        let why = self.comment.iter().map(|why| format!("# {}", one_line(why)));
        let lines =
            lines.into_iter().map(|line| if self.suggested { format!("# {line}") } else { line });
        why.chain(lines).map(|line| line + "\n").collect()
    }
}

fn typed(given: &Discriminator) -> String {
    let mut parts = vec![format!("column = {}", quoted(&given.column))];
    match &given.is {
        Some(OneOrMore::One(text)) => parts.push(format!("is = {}", quoted(text))),
        Some(OneOrMore::More(texts)) => {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            parts.push(format!("is = [{}]", texts.join(", ")));
        }
        None => {}
    }
    if let Some(table) = &given.table {
        let condition =
            |(name, value): (&String, &String)| format!("{} = {}", key(name), quoted(value));
        let conditions: Vec<String> = given.conditions.iter().map(condition).collect();
        parts.push(format!("in = {}, where = {{ {} }}", quoted(table), conditions.join(", ")));
    }
    format!("{{ {} }}", parts.join(", "))
}

/// A TOML key, quoted only where it has to be.
fn key(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.is_empty() && text.chars().all(bare) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
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

fn comment(lines: &[String]) -> String {
    lines.iter().map(|line| format!("# {}", one_line(line)).trim_end().to_owned() + "\n").collect()
}

/// A comment ends with its line; names from the database must not end it earlier.
fn one_line(text: &str) -> String {
    crate::label::printable(text)
}
