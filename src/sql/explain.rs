//! Questions about one row: which one it is, whom it names, what was found out about it.

use super::Sql;
use super::meaning::typed;
use super::refusals::ProtectedBy;
use super::staging::literal_alone;
use crate::address::{Address, Place};
use crate::catalog::{ReferenceId, TableId};
use crate::engine::mariadb::Family;
use crate::engine::{Dialect, Statement, path};

/// What identifies one row of a table, every value as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    pub table: TableId,
    pub values: Vec<String>,
}

impl Sql<'_> {
    /// Label, key and identity of the rows that an address means: of two where there are more.
    pub fn find_row(&self, address: &Address) -> Statement {
        let table = address.table;
        let mut columns = self.label(table, "c").to_vec();
        columns.extend(self.identity_texts(table, "c"));
        let mut statement = Statement::from(format!(
            "SELECT {} FROM {} c WHERE ",
            columns.join(", "),
            self.relation(table)
        ));
        for (n, part) in address.parts.iter().enumerate() {
            statement.push(if n > 0 { " AND " } else { "" });
            match (&part.column, self.dialect) {
                (Place::Column(name), _) => {
                    statement.append(&self.value_is_like(table, name, &part.value));
                }
                (Place::Row, _) if self.table(table).has_nameless_rows() => {
                    statement.push("false");
                }
                (Place::Row, Dialect::Sqlite) => {
                    let rowid = &self.identity_values(table, "c")[0];
                    statement.push(&format!("{rowid} = ")).bind(&part.value);
                }
                (Place::Row, Dialect::Postgres) => {
                    statement.push("c.ctid = ").bind(&part.value).push("::text::tid");
                }
                // Rows have no address here: `address` asks for columns.
                (Place::Row, Dialect::Mysql(_)) => {
                    statement.push("false");
                }
            }
        }
        statement.push(" LIMIT 2");
        statement
    }

    /// SQLite compares a number with any text, and finds nothing, as MariaDB is asked to: is the text a number where the
    /// column holds numbers? PostgreSQL says by itself what is no value of its type.
    pub fn fits(&self, table: TableId, column: &str, value: &str) -> bool {
        let type_name = &self.column(table, column).type_name;
        let typed = typed(value).filter(|_| self.dialect == Dialect::Sqlite);
        let value = typed.map_or(value, |(text, _)| text);
        let numeric = match self.dialect {
            Dialect::Sqlite => self.column(table, column).affinity.is_numeric(),
            Dialect::Postgres => false,
            Dialect::Mysql(_) => matches!(
                Family::of(type_name),
                Family::Integer | Family::Decimal | Family::Float | Family::Bit
            ),
        };
        !numeric || value.trim().parse::<f64>().is_ok()
    }

    /// The generation in which the row joined the closure.
    pub fn generation(&self, row: &RowKey) -> Statement {
        let gen_text = self.dialect.as_text("k.gen");
        self.about(row, &gen_text, &self.key_relation(row.table), "k")
    }

    /// Class of the row, and whether a CASCADE reference reaches it, where it was a suspect.
    pub fn verdict(&self, row: &RowKey) -> Statement {
        let cascaded = self.dialect.as_text("CASE WHEN v.cascaded > 0 THEN 1 ELSE 0 END");
        self.about(row, &format!("v.class, {cascaded}"), &self.verdict_table(row.table), "v")
    }

    /// A row comes back when an unlink changes this one.
    pub fn is_kept(&self, position: usize, row: &RowKey) -> Statement {
        self.about(row, "'1'", &self.kept(position), "u")
    }

    /// What a table of keys says of the row.
    fn about(&self, row: &RowKey, columns: &str, keys: &str, alias: &str) -> Statement {
        let mut statement = Statement::from(format!(
            "SELECT {columns} FROM {} c JOIN {keys} {alias} ON {} WHERE ",
            self.relation(row.table),
            self.same_row(row.table, alias, "c")
        ));
        statement.append(&self.is_row(row, "c"));
        self.said(statement)
    }

    /// Whom the row names by a reference: whether it names anybody, the values by which it does,
    /// whether it is excluded; then generation, label, key and identity of the parent. No row comes
    /// back where the reference belongs to another partition.
    pub fn named(&self, id: ReferenceId, row: &RowKey, facts: Known) -> Statement {
        let reference = self.catalog.reference(id);
        let values = reference
            .columns
            .iter()
            .map(|name| format!("coalesce({}, 'null')", self.shown(reference.child, name, "c")));
        let excluded = if facts.excluding {
            format!("CASE WHEN {} THEN '0' ELSE '1' END", self.not_excluded(id))
        } else {
            "'0'".to_owned()
        };
        let mut columns = vec![
            format!("CASE WHEN {} THEN '1' ELSE '0' END", self.row_names_somebody(id, "c")),
            self.listed(values.collect()),
            excluded,
        ];
        let mut source = format!("{} c", self.child_relation(id));
        if facts.readable {
            let parent = reference.parent;
            let on = self.names_row(id, "r", "c");
            source += &format!(" LEFT JOIN {} r ON {on}", self.relation(parent));
            columns.push(if facts.keyed {
                let keys = self.key_relation(parent);
                let on = self.same_row(parent, "k", "r");
                source += &format!(" LEFT JOIN {keys} k ON {on}");
                self.dialect.as_text("k.gen")
            } else {
                "NULL".into()
            });
            columns.extend(self.label(parent, "r"));
            columns.extend(self.identity_texts(parent, "r"));
        }
        let mut statement =
            Statement::from(format!("SELECT {} FROM {source} WHERE ", columns.join(", ")));
        statement.append(&self.is_row(row, "c")).push(&format!(" LIMIT {PARENTS}"));
        self.said(statement)
    }

    /// Number, label and key of rows that protect this one: those of `question` that name it.
    pub fn protectors(&self, question: &ProtectedBy, row: &RowKey, limit: u32) -> Statement {
        let columns = self.key_table(row.table).identity_columns().into_iter();
        let own = columns.map(|column| format!("p.{column}")).collect();
        let mut statement = Statement::from(format!(
            "SELECT {}, {} FROM ",
            self.dialect.as_text("count(*) OVER ()"),
            self.label(question.table, "c").join(", "),
        ));
        statement.append(&question.source).push(" AND ");
        let order = self.identity_values(question.table, "c").join(", ");
        statement.append(&self.equals(row, own)).push(&format!(" ORDER BY {order} LIMIT {limit}"));
        statement
    }

    /// The row `alias` of its table is this one.
    pub(super) fn is_row(&self, row: &RowKey, alias: &str) -> Statement {
        self.equals(row, self.identity_values(row.table, alias))
    }

    /// These expressions have the values of the row's identity.
    fn equals(&self, row: &RowKey, expressions: Vec<String>) -> Statement {
        let mut statement = Statement::default();
        let types = self.identity_types(row.table);
        let parts = expressions.iter().zip(&types).zip(&row.values).enumerate();
        for (n, ((expression, type_name), value)) in parts {
            statement.push(if n > 0 { " AND " } else { "" });
            match self.dialect {
                // It is its own literal, and of its own type.
                Dialect::Sqlite => {
                    let value = literal_alone(value).unwrap_or("NULL");
                    statement.push(&format!("{expression} IS {value}"));
                }
                Dialect::Postgres => {
                    let bound = format!("\0::pg_catalog.text::{}", path::built_in(type_name));
                    let equal = self.identical_keys(row.table, n, expression, &bound);
                    let (left, right) = equal.split_once('\0').expect("what is bound is in it");
                    statement.push(left).bind(value).push(right);
                }
                Dialect::Mysql(_) => {
                    statement.append(&Family::of(type_name).is(expression, value));
                }
            }
        }
        statement
    }

    /// What identifies a row, as text that [`Sql::equals`] finds it by.
    fn identity_texts(&self, table: TableId, alias: &str) -> Vec<String> {
        let values = self.identity_values(table, alias).into_iter().zip(self.identity_types(table));
        values.map(|(value, type_name)| self.dialect.identity_text(&value, &type_name)).collect()
    }
}

/// What is known of a reference's two sides.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The parents may be read.
    pub readable: bool,
    /// The parents have a key table.
    pub keyed: bool,
    /// A consent keeps some children out of the closure.
    pub excluding: bool,
}

/// Most references name one parent; a parent that goes with its children may have many.
const PARENTS: u32 = 20;
