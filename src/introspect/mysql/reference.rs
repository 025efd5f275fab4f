//! Foreign keys, and what this user may not see of them.

use super::grants::{self, Grant};
use super::{ByTable, Positions, answer, place};
use crate::catalog::{Comparison, Declaration, Mismatch, OnDelete, Reference, Table, TableId};
use crate::database::{self, Database, Fault, Row};
use crate::engine::{is_stored_alike, quote};
use std::collections::BTreeMap;

/// What happens on delete, by database, table and constraint.
type Rules = BTreeMap<(String, String, String), String>;

/// References to tables that this user sees, from tables that it does not see, as [`super::REFERENCES`] has them.
/// `None`: nobody tells whether there are any.
pub fn hidden(
    database: &mut Database,
    grants: &[Grant],
    (question, schemas): (&str, &str),
    seen: &Positions,
) -> database::Result<Option<Vec<Row>>> {
    if grants::hold_everywhere(grants, "SELECT") {
        return Ok(Some(Vec::new()));
    }
    match answer(database, question, schemas) {
        Ok(rows) => {
            Ok(Some(rows.into_iter().filter(|row| !seen.contains_key(&place(row))).collect()))
        }
        Err(error) if error.fault == Fault::Permission => Ok(None),
        Err(error) => Err(error),
    }
}

/// The rules of those references whose own rows lack them: `SHOW CREATE TABLE` has them for everybody who
/// sees the table.
pub fn rules(database: &mut Database, references: &[Row]) -> database::Result<Rules> {
    let mut rules = Rules::new();
    for rows in references.chunk_by(|a, b| place(a) == place(b)) {
        if rows.iter().all(|row| row.optional(7).is_some()) {
            continue;
        }
        let (schema, table) = place(&rows[0]);
        let show = format!("SHOW CREATE TABLE {}.{}", quote(&schema), quote(&table));
        let shown = database.query_one(&show.into())?;
        for row in rows {
            if let Some(rule) = delete_rule(shown.text(1), row.text(2)) {
                rules.insert((schema.clone(), table.clone(), row.text(2).to_owned()), rule);
            }
        }
    }
    Ok(rules)
}

/// The rule of one foreign key in the text of its table, where each has a line of its own.
fn delete_rule(create: &str, constraint: &str) -> Option<String> {
    let head = format!("CONSTRAINT {} FOREIGN KEY ", quote(constraint));
    let line = create.lines().find(|line| line.trim_start().starts_with(&head))?;
    let (_, rule) = line.rsplit_once(" ON DELETE ").unwrap_or_default();
    let rule = rule.split(" ON UPDATE ").next().unwrap_or_default();
    Some(rule.trim_end_matches(',').to_owned())
}

/// From the rows of [`super::REFERENCES`], one for each pair of columns.
pub fn references(
    rows: &[Row],
    (tables, positions): (&[Table], &Positions),
    indexes: &ByTable,
    rules: &Rules,
) -> Vec<Reference> {
    let same = |a: &Row, b: &Row| (0..3).all(|n| a.text(n) == b.text(n));
    let reference = |pairs: &[Row]| {
        let first = &pairs[0];
        let columns: Vec<String> = pairs.iter().map(|row| row.text(5).to_owned()).collect();
        let (schema, table) = place(first);
        let rule = rules.get(&(schema, table, first.text(2).to_owned())).map(String::as_str);
        let on_delete = on_delete(first.optional(7).or(rule).unwrap_or_default());
        let unlinks = on_delete.unlinks();
        let indexes = indexes.get(&place(first)).map(Vec::as_slice).unwrap_or_default();
        let (child, parent) = ends(first, positions)?;
        if is_mismatch(pairs, (child, parent), tables) {
            return None;
        }
        let comparison = |row: &Row| {
            let child = tables[child.0].column(row.text(5))?;
            let key = tables[parent.0].column(row.text(6))?;
            let plain = is_stored_alike(key, child);
            Some(Comparison { plain, ..Comparison::default() })
        };
        Some(Reference {
            name: Some(first.text(2).to_owned()),
            child,
            parent,
            parent_columns: pairs.iter().map(|row| row.text(6).to_owned()).collect(),
            set_columns: if unlinks { columns.clone() } else { Vec::new() },
            index: index_of(indexes, &columns),
            comparisons: pairs.iter().map(|row| comparison(row).unwrap_or_default()).collect(),
            columns,
            on_delete,
            match_full: false,
            deferrable: false,
            initially_deferred: false,
            // With foreign_key_checks off anything may have been written; InnoDB does not tell.
            validated: true,
            enforced: true,
            not_enforced: false,
            partition: None,
            declaration: Declaration::default(),
        })
    };
    rows.chunk_by(same).filter_map(reference).collect()
}

/// Foreign keys by a column that the parent does not have any more, as foreign_key_checks off allows: InnoDB follows none
/// of them.
pub fn mismatches(rows: &[Row], (tables, positions): (&[Table], &Positions)) -> Vec<Mismatch> {
    let same = |a: &Row, b: &Row| (0..3).all(|n| a.text(n) == b.text(n));
    let mismatch = |pairs: &[Row]| {
        let (child, parent) = ends(&pairs[0], positions)?;
        let column = |n: usize| pairs.iter().map(|row| row.text(n).to_owned()).collect();
        let (columns, parent_columns) = (column(5), column(6));
        let found = Mismatch { child, columns, parent, parent_columns };
        is_mismatch(pairs, (child, parent), tables).then_some(found)
    };
    rows.chunk_by(same).filter_map(mismatch).collect()
}

/// Child and parent, where both are there.
fn ends(row: &Row, positions: &Positions) -> Option<(TableId, TableId)> {
    let parent = positions.get(&(row.text(3).to_owned(), row.text(4).to_owned()))?;
    Some((*positions.get(&place(row))?, *parent))
}

/// A column is not there, and would be seen if it was.
fn is_mismatch(pairs: &[Row], (child, parent): (TableId, TableId), tables: &[Table]) -> bool {
    let lacks = |table: TableId, name: &str| {
        let table = &tables[table.0];
        table.privileges.select && table.column(name).is_none()
    };
    pairs.iter().any(|row| lacks(child, row.text(5)) || lacks(parent, row.text(6)))
}

fn on_delete(rule: &str) -> OnDelete {
    match rule {
        "CASCADE" => OnDelete::Cascade,
        "SET NULL" => OnDelete::SetNull,
        "SET DEFAULT" => OnDelete::SetDefault,
        // RESTRICT and NO ACTION: InnoDB checks both at once, row by row, and which of them was declared
        // is lost (with foreign_key_checks off, as in a dump, MariaDB 10.11 keeps RESTRICT as NO ACTION).
        // https://mariadb.com/kb/en/foreign-keys/: "NO ACTION is a synonym for RESTRICT"
        _ => OnDelete::Restrict,
    }
}

/// The narrowest index that begins with the columns, in any order.
fn index_of(indexes: &[Row], columns: &[String]) -> Option<String> {
    let begins = |index: &&[Row]| {
        let mut first = index.iter().take(columns.len());
        index.len() >= columns.len() && first.all(|row| columns.iter().any(|c| c == row.text(4)))
    };
    let indexes = indexes.chunk_by(|a, b| a.text(2) == b.text(2)).filter(begins);
    indexes.min_by_key(|index| index.len()).map(|index| index[0].text(2).to_owned())
}

#[cfg(test)]
mod tests {
    use super::delete_rule;

    #[test]
    fn a_rule_is_read_from_the_text_of_a_table() {
        let create = "CREATE TABLE \"t\" (\n  \"a\" int(11) COMMENT ' ON DELETE ',\n  \
            CONSTRAINT \"one\" FOREIGN KEY (\"a\") REFERENCES \"x ON DELETE y\" (\"id\"),\n  \
            CONSTRAINT \"t\"\"wo\" FOREIGN KEY (\"a\") REFERENCES \"p\" (\"id\") ON DELETE SET NULL ON UPDATE CASCADE\n)";
        assert_eq!(delete_rule(create, "t\"wo").as_deref(), Some("SET NULL"));
        assert_eq!(delete_rule(create, "none"), None);
    }
}
