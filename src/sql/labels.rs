//! What a row is called by people: `DLID0001 - Global Corp (id 7)`.

use super::Sql;
use super::meaning::TYPES;
use crate::catalog::{Affinity, TableId};
use crate::engine::{Dialect, quote};

/// Columns that name a row, best first.
const NAMES: [&str; 12] = [
    "name",
    "title",
    "full_name",
    "display_name",
    "label",
    "subject",
    "email",
    "username",
    "slug",
    "description",
    "domain",
    "filename",
];
/// Columns that number a row for people.
const CODES: [&str; 6] = ["code", "number", "reference", "ref", "sku", "key"];

/// So many columns stand for a row that nothing identifies.
const KEYLESS: usize = 4;

impl Sql<'_> {
    /// Two text expressions: what people call the row (null where nothing does), and its key.
    pub(super) fn label(&self, table: TableId, alias: &str) -> [String; 2] {
        let columns = self.label_columns(table);
        let text = |name: &String| self.shown(table, name, alias);
        let label = match &columns[..] {
            [] => "NULL".to_owned(),
            columns => {
                let texts: Vec<String> = columns.iter().map(text).collect();
                format!("{}(' - ', {})", self.dialect.function("concat_ws"), texts.join(", "))
            }
        };
        [label, self.row_key(table, alias)]
    }

    fn label_columns(&self, id: TableId) -> Vec<String> {
        if let Some(named) = self.plan.rules.labels.get(&id) {
            return named.clone();
        }
        let table = self.table(id);
        let [_, singular] = table.name.nouns();
        let own: Vec<String> =
            ["id", "number", "no", "code"].map(|end| format!("{singular}_{end}")).to_vec();
        let find = |wanted: &str| {
            let readable =
                |c: &&crate::catalog::Column| c.textual && c.name.eq_ignore_ascii_case(wanted);
            table.columns.iter().find(readable).map(|column| column.name.clone())
        };
        let code = own.iter().map(String::as_str).chain(CODES).find_map(find);
        let name = NAMES.into_iter().find_map(find);
        code.into_iter().chain(name).collect()
    }

    /// `id 7`, `user_id 3, team_id 4`, `rowid 12` as a text expression.
    pub(super) fn row_key(&self, id: TableId, alias: &str) -> String {
        let part = |name: &str, text: String| {
            self.dialect.joined(&[self.dialect.literal(&format!("{name} ")), text])
        };
        let table = self.table(id);
        let parts: Vec<String> = match table.identifying_key().or(table.primary_key()) {
            Some(key) => {
                key.columns.iter().map(|name| part(name, self.shown(id, name, alias))).collect()
            }
            None => match self.dialect.row_address().filter(|_| !table.has_nameless_rows()) {
                Some(name) => {
                    let values = self.identity_values(id, alias);
                    let text = |value: &String| part(name, self.dialect.as_text(value));
                    values.last().map(text).into_iter().collect()
                }
                None => {
                    let columns = self.archived_columns(id).into_iter();
                    let shown = columns.map(|c| {
                        let text = self.shown(id, &c.name, alias);
                        part(&c.name, format!("coalesce({text}, 'null')"))
                    });
                    shown.take(KEYLESS).collect()
                }
            },
        };
        self.listed(parts)
    }

    /// Texts with commas between them.
    pub(super) fn listed(&self, texts: Vec<String>) -> String {
        let mut all = Vec::new();
        for text in texts {
            if !all.is_empty() {
                all.push("', '".to_owned());
            }
            all.push(text);
        }
        self.dialect.joined(&all)
    }

    /// A column's value as text that people can read and type: SQLite's blobs as their literals, and a text that reads
    /// as a value of another type with its own, `1::text`.
    pub(super) fn shown(&self, table: TableId, name: &str, alias: &str) -> String {
        let plain = self.plain(table, name, alias);
        if !self.may_mix(table, name) {
            return plain;
        }
        let value = format!("{alias}.{}", quote(name));
        let typed = TYPES.map(|kind| format!("{value} GLOB '*::{kind}'")).join(" OR ");
        let number =
            |kind| format!("CAST(CAST({value} AS {kind}) AS TEXT) COLLATE BINARY = {value}");
        let number = match self.column(table, name).affinity {
            // It takes no number.
            Affinity::Text => String::new(),
            _ => format!(" OR {} OR {}", number("INTEGER"), number("REAL")),
        };
        format!(
            "CASE WHEN typeof({value}) = 'text' AND ({value} GLOB 'X''*''' OR {typed}{number}) \
             THEN {value} || '::text' ELSE {plain} END"
        )
    }

    /// The same without its type.
    pub(super) fn plain(&self, table: TableId, name: &str, alias: &str) -> String {
        let value = format!("{alias}.{}", quote(name));
        let text = self.dialect.value_text(&value, &self.column(table, name).type_name);
        if self.may_mix(table, name) {
            format!("CASE typeof({value}) WHEN 'blob' THEN quote({value}) ELSE {text} END")
        } else {
            text
        }
    }

    /// SQLite keeps values of several types in any column but the rowid.
    pub(super) fn may_mix(&self, table: TableId, name: &str) -> bool {
        self.dialect == Dialect::Sqlite && !self.table(table).is_rowid(name)
    }
}
