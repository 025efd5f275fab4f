//! What a row is called by people: `DLID0001 - Global Corp (id 7)`.

use super::{Dialect, Sql, quote};
use crate::catalog::TableId;

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

impl Sql<'_> {
    /// Two text expressions: what people call the row (null where nothing does), and its key.
    pub(super) fn label(&self, table: TableId, alias: &str) -> [String; 2] {
        let columns = self.label_columns(table);
        let text = |name: &String| self.dialect.as_text(&format!("{alias}.{}", quote(name)));
        let label = match &columns[..] {
            [] => "NULL".to_owned(),
            columns => {
                let texts: Vec<String> = columns.iter().map(text).collect();
                format!("concat_ws(' - ', {})", texts.join(", "))
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
        let part = |(name, value): (String, String)| {
            format!("'{} ' || {}", name.replace('\'', "''"), self.dialect.as_text(&value))
        };
        let table = self.table(id);
        let parts: Vec<String> = match table.identifying_key().or(table.primary_key()) {
            Some(key) => {
                let value = |name: &String| (name.clone(), format!("{alias}.{}", quote(name)));
                key.columns.iter().map(value).map(part).collect()
            }
            None => {
                let name = if self.dialect == Dialect::Sqlite { "rowid" } else { "ctid" };
                let values = self.identity_values(id, alias);
                values.last().cloned().map(|value| part((name.into(), value))).into_iter().collect()
            }
        };
        parts.join(" || ', ' || ")
    }
}
