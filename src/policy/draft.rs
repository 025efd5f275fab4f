//! A policy as text: what `policy init` and `policy django` write.

use super::file::{Caveat, Discriminator, OneOrMore};
use crate::catalog::OnDelete;
use crate::label::{toml_key, toml_text};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The parts of a policy file, in the order in which they are written.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Comment lines at the top.
    pub head: Vec<String>,
    /// `[root]`: settings and values.
    pub root: Vec<(&'static str, String)>,
    /// Columns that may say whose a row is, and why.
    pub scopes: Vec<(String, String)>,
    /// What is suggested holds, and is not commented out.
    pub applied: bool,
    pub entries: Vec<Entry>,
    pub tables: BTreeMap<String, Columns>,
    pub caveats: Vec<Caveat>,
    /// Comment lines at the end.
    pub tail: Vec<String>,
}

/// One `[tables.NAME]`: columns by which people recognise a row, and those that name files.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    pub label: Vec<String>,
    pub files: Vec<String>,
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
    /// A function of the application decides what happens, of which nothing is known.
    pub function: Option<String>,
    /// Commented out, unless it was asked for: nothing suggested is applied unasked.
    pub suggested: bool,
}

impl Draft {
    pub fn text(&self) -> String {
        let mut text = comment(&self.head);
        if !self.root.is_empty() {
            text += "\n[root]\n";
            for (setting, value) in &self.root {
                let _ = writeln!(text, "{setting} = {}", toml_text(value));
            }
        }
        if !self.scopes.is_empty() {
            let names: Vec<String> = self.scopes.iter().map(|(name, _)| toml_text(name)).collect();
            let mut lines: Vec<String> = self.scopes.iter().map(|(_, why)| why.clone()).collect();
            let setting = format!("scope-columns = [{}]", names.join(", "));
            if self.applied {
                text += &(comment(&lines) + &setting + "\n");
            } else {
                lines.push(setting);
                text += &comment(&lines);
            }
        }
        for entry in &self.entries {
            text.push('\n');
            text += &entry.text(self.applied);
        }
        for (table, Columns { label, files }) in &self.tables {
            let _ = write!(text, "\n[tables.{}]\n", toml_key(table));
            for (setting, columns) in [("label", label), ("files", files)] {
                let columns: Vec<String> = columns.iter().map(|column| toml_text(column)).collect();
                if !columns.is_empty() {
                    let _ = writeln!(text, "{setting} = [{}]", columns.join(", "));
                }
            }
        }
        for caveat in &self.caveats {
            let table = caveat.table.as_ref();
            let table = table.map(|table| format!("table = {}\n", toml_text(table)));
            let (model, what) = (toml_text(&caveat.model), toml_text(&caveat.what));
            let table = table.unwrap_or_default();
            let _ = write!(text, "\n[[caveats]]\nmodel = {model}\n{table}what = {what}\n");
        }
        if !self.tail.is_empty() {
            text.push('\n');
            text += &comment(&self.tail);
        }
        text
    }
}

impl Entry {
    fn text(&self, applied: bool) -> String {
        let mut lines =
            vec!["[[references]]".to_owned(), format!("from = {}", toml_text(&self.from))];
        lines.extend(self.to.as_ref().map(|to| format!("to = {}", toml_text(to))));
        lines.extend(self.discriminator.as_ref().map(|given| format!("type = {}", typed(given))));
        lines.extend(
            self.on_delete.map(|action| format!("on-delete = {}", toml_text(action.as_str()))),
        );
        lines.extend(self.default.as_ref().map(|value| format!("default = {}", toml_text(value))));
        lines.extend(self.with_parent.then(|| "with-parent = true".to_owned()));
        let why = self.comment.iter().map(|why| format!("# {}", one_line(why)));
        let commented = self.suggested && !applied;
        let lines =
            lines.into_iter().map(|line| if commented { format!("# {line}") } else { line });
        why.chain(lines).map(|line| line + "\n").collect()
    }
}

fn typed(given: &Discriminator) -> String {
    let mut parts = vec![format!("column = {}", toml_text(&given.column))];
    match &given.is {
        Some(OneOrMore::One(text)) => parts.push(format!("is = {}", toml_text(text))),
        Some(OneOrMore::More(texts)) => {
            let texts: Vec<String> = texts.iter().map(|text| toml_text(text)).collect();
            parts.push(format!("is = [{}]", texts.join(", ")));
        }
        None => {}
    }
    if let Some(table) = &given.table {
        let condition = |(name, value): (&String, &String)| {
            format!("{} = {}", toml_key(name), toml_text(value))
        };
        let conditions: Vec<String> = given.conditions.iter().map(condition).collect();
        parts.push(format!("in = {}, where = {{ {} }}", toml_text(table), conditions.join(", ")));
    }
    format!("{{ {} }}", parts.join(", "))
}

fn comment(lines: &[String]) -> String {
    lines.iter().map(|line| format!("# {}", one_line(line)).trim_end().to_owned() + "\n").collect()
}

/// A comment ends with its line; names from the database must not end it earlier.
fn one_line(text: &str) -> String {
    crate::label::printable(text)
}
