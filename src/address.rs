//! Which row is meant by `TABLE KEY`. Pure.

use crate::catalog::{Catalog, Misnomer, Table, TableId, TableKind};
use crate::engine::Dialect;
use crate::selection::{did_you_mean, similar};

/// A row by the values of some of its columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    pub table: TableId,
    pub parts: Vec<Part>,
}

/// One column and the value that it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub column: Place,
    pub value: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    Column(String),
    /// Where the engine keeps the row: SQLite's rowid, PostgreSQL's ctid. For tables without a key.
    Row,
}

/// Why the words name no row; a value to render.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressProblem {
    pub message: String,
    pub hint: String,
}

impl Address {
    /// `deals 1, 7` as people typed it, with the columns: `tenant 1, no 7`.
    pub fn describe(&self, dialect: Dialect) -> String {
        let part = |part: &Part| match &part.column {
            Place::Column(column) => format!("{column} {}", part.value),
            Place::Row => format!("{} {}", row_name(dialect), part.value),
        };
        self.parts.iter().map(part).collect::<Vec<_>>().join(", ")
    }
}

fn row_name(dialect: Dialect) -> &'static str {
    dialect.row_address().unwrap_or("column=value")
}

/// The table that `text` names.
///
/// # Errors
/// No such table, or several in different schemas.
pub fn table(catalog: &Catalog, text: &str) -> Result<TableId, AddressProblem> {
    catalog.table_named(text).map_err(|misnomer| match misnomer {
        Misnomer::Unknown => AddressProblem {
            message: format!("there is no table {text}"),
            hint: match &similar(text, catalog.tables.iter().map(|t| t.name.to_string()))[..] {
                [] => "orgsweep graph lists the tables that an organization reaches".into(),
                near => did_you_mean(near),
            },
        },
        Misnomer::Ambiguous(names) => AddressProblem {
            message: format!("several tables are called {text}"),
            hint: format!("choose: {}", names.join(" or ")),
        },
    })
}

/// The row that `words` name: values in the key's order, or `column=value` pairs.
///
/// # Errors
/// More or fewer values than the key has columns; a table without a key.
pub fn row(
    dialect: Dialect,
    catalog: &Catalog,
    id: TableId,
    words: &[String],
) -> Result<Address, AddressProblem> {
    let table = catalog.table(id);
    let pairs: Option<Vec<Vec<Part>>> = words.iter().map(|word| pairs(table, word)).collect();
    let parts = match pairs {
        Some(pairs) => pairs.concat(),
        None => values(dialect, table, words)?,
    };
    Ok(Address { table: id, parts })
}

/// `no=7,tenant=1`: a comma ends a value where another column's name follows it.
fn pairs(table: &Table, word: &str) -> Option<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    for piece in word.split(',') {
        match (pair(table, piece), parts.last_mut()) {
            (Some(part), _) => parts.push(part),
            (None, Some(last)) => last.value = format!("{},{piece}", last.value),
            (None, None) => return None,
        }
    }
    Some(parts)
}

fn pair(table: &Table, text: &str) -> Option<Part> {
    let (name, value) = text.split_once('=')?;
    let same = |c: &&crate::catalog::Column| c.name.eq_ignore_ascii_case(name.trim());
    let column = table.column(name.trim()).or_else(|| table.columns.iter().find(same))?;
    Some(Part { column: Place::Column(column.name.clone()), value: value.to_owned() })
}

/// Values in the order of the key: one a word, or all of them in one word between commas.
fn values(dialect: Dialect, table: &Table, words: &[String]) -> Result<Vec<Part>, AddressProblem> {
    let name = &table.name;
    let columns: Vec<Place> = match table.identifying_key().or(table.primary_key()) {
        Some(key) => key.columns.iter().cloned().map(Place::Column).collect(),
        None => vec![Place::Row],
    };
    let values: Vec<String> = match words {
        [word] if columns.len() > 1 => word.split(',').map(|part| part.trim().to_owned()).collect(),
        words => words.to_vec(),
    };
    if values.len() != columns.len() {
        return Err(AddressProblem {
            message: format!("the key of {name} is {}", key_text(dialect, &columns)),
            hint: format!(
                "name one row: orgsweep explain {name} {}, or column=value",
                vec!["VALUE"; columns.len()].join(",")
            ),
        });
    }
    let keyless = columns == [Place::Row] && table.kind != TableKind::WithoutRowid;
    if keyless && !dialect.is_row_address(&values[0]) {
        return Err(AddressProblem {
            message: format!("{name} has no key that every row has"),
            hint: match dialect {
                Dialect::Sqlite => "name the row by its rowid, or by columns: column=value".into(),
                Dialect::Postgres => {
                    "name the row by its ctid, '(0,1)', or by columns: column=value".into()
                }
                Dialect::Mysql(_) => "name the row by columns: column=value".into(),
            },
        });
    }
    Ok(columns.into_iter().zip(values).map(|(column, value)| Part { column, value }).collect())
}

fn key_text(dialect: Dialect, columns: &[Place]) -> String {
    let names = columns.iter().map(|place| match place {
        Place::Column(column) => column.clone(),
        Place::Row => row_name(dialect).into(),
    });
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::catalog;
    use expect_test::{Expect, expect};

    fn check(table_name: &str, words: &[&str], expected: Expect) {
        let mut catalog = catalog(
            "orgs(id, name)
             members(team, person, name)
             events(kind, note)",
        );
        catalog.tables[1].keys[0].columns = vec!["team".into(), "person".into()];
        catalog.tables[2].keys.clear();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let found = table(&catalog, table_name)
            .and_then(|id| row(Dialect::Postgres, &catalog, id, &words))
            .map(|address| address.describe(Dialect::Postgres))
            .unwrap_or_else(|problem| format!("{}; {}", problem.message, problem.hint));
        expected.assert_eq(&found);
    }

    #[test]
    fn a_key_of_one_column_is_taken_as_it_is() {
        check("orgs", &["7"], expect!["id 7"]);
        check("orgs", &["a,b=c"], expect!["id a,b=c"]);
    }

    #[test]
    fn values_come_in_the_keys_order_and_pairs_in_any() {
        check("members", &["1,7"], expect!["team 1, person 7"]);
        check("members", &["1", "7"], expect!["team 1, person 7"]);
        check("members", &["person=7,team=1"], expect!["person 7, team 1"]);
        check("members", &["PERSON=7", "team=1"], expect!["person 7, team 1"]);
        check("members", &["name=Ann, B,team=1"], expect!["name Ann, B, team 1"]);
    }

    #[test]
    fn what_names_no_row_is_answered_with_what_would() {
        check(
            "members",
            &["1"],
            expect![
                "the key of members is team, person; name one row: orgsweep explain members VALUE,VALUE, or column=value"
            ],
        );
        check("member", &["1"], expect!["there is no table member; did you mean members?"]);
        check(
            "events",
            &["7"],
            expect![
                "events has no key that every row has; name the row by its ctid, '(0,1)', or by columns: column=value"
            ],
        );
        check("events", &["(0,1)"], expect!["ctid (0,1)"]);
    }
}
