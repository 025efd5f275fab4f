//! Questions whose answer must be zero: who protects the closure, where unlinking and deleting
//! get in each other's way. Each is a `FROM … WHERE …` that is counted and sampled alike.

use super::Sql;
use super::closure::where_all;
use crate::catalog::{Discriminant, Discriminator, OnDelete, Reference, ReferenceId, TableId};
use crate::engine::mariadb::Family;
use crate::engine::token::{Kind, Token, tokens};
use crate::engine::{Dialect, Statement, quote};
use crate::plan::{Condition, Unlink};

/// Rows `c` of a table (and, where it matters, the parents `p` that they name).
#[derive(Debug, Clone)]
pub struct ProtectedBy {
    pub table: TableId,
    /// The parent table, when `p` is its key table.
    pub parent: Option<TableId>,
    /// A row may name several parents, and stands here once for each of them.
    pub(super) several: bool,
    pub(super) source: Statement,
}

impl Sql<'_> {
    /// Rows that an unforced reference protects: RESTRICT, every row that names a row of the
    /// closure; NO ACTION, those that would survive. `boundary` is the last generation of the
    /// closure; what came later needs `--force`.
    pub fn protected(&self, id: ReferenceId, boundary: u32, excluding: bool) -> ProtectedBy {
        let reference = self.catalog.reference(id);
        let mut conditions = vec![format!("p.gen <= {boundary}")];
        let mut source = self.children(id);
        if reference.on_delete == OnDelete::NoAction {
            let own = self.key_relation(reference.child);
            source += &format!(" JOIN {own} k ON {}", self.same_row(reference.child, "k", "c"));
            conditions.push(format!("k.gen > {boundary}"));
        }
        if excluding {
            conditions.push(self.not_excluded(id));
        }
        source += &where_all(&conditions);
        self.named_by(id, source)
    }

    /// Rows of the closure that name another row of it.
    pub fn named_within(&self, id: ReferenceId) -> ProtectedBy {
        let Reference { child, parent, .. } = *self.catalog.reference(id);
        let own = self.key_relation(child);
        let mut source = self.children(id);
        source += &format!(" JOIN {own} k ON {}", self.same_row(child, "k", "c"));
        if child == parent {
            source += &where_all(&[format!("NOT ({})", self.same_key(child, "k", "p"))]);
        }
        self.named_by(id, source)
    }

    /// Rows that name a row of the closure by `id`, and themselves by another spelling of their key by `own` (SQLite).
    pub fn named_by_their_like(&self, id: ReferenceId, own: ReferenceId) -> ProtectedBy {
        let reference = self.catalog.reference(own);
        let columns = reference.columns.iter().zip(&reference.parent_columns);
        let same = columns.map(|(column, key)| {
            self.same_bytes(&format!("c.{}", quote(column)), &format!("c.{}", quote(key)))
        });
        let otherwise = format!("NOT ({})", same.collect::<Vec<_>>().join(" AND "));
        let itself = where_all(&[self.names_row(own, "c", "c"), otherwise]);
        self.named_by(id, self.children(id) + &itself)
    }

    /// Rows of the closure whose column an unlink would change although a followed reference that
    /// leads into the closure uses it: engines differ on whether they survive.
    pub fn overlapping(&self, unlink: &Unlink, followed: ReferenceId) -> ProtectedBy {
        self.named_by(unlink.reference, self.children_of_both(unlink.reference, followed))
    }

    /// Surviving rows that an unlink would change, and that name a row which stays by another reference, too, by which they
    /// are owned, where that one yields to others. `known`: the child has a key table; `goes`: the other parent's has rows
    /// that go.
    pub fn losing_link(
        &self,
        unlink: &Unlink,
        other: ReferenceId,
        known: bool,
        goes: bool,
    ) -> ProtectedBy {
        let (id, parent) = (unlink.reference, self.catalog.reference(other).parent);
        let stays = if goes {
            let (keys, same) = (self.key_relation(parent), self.same_row(parent, "q", "r"));
            format!(" AND NOT EXISTS (SELECT 1 FROM {keys} q WHERE {same})")
        } else {
            String::new()
        };
        let (parents, names) = (self.relation(parent), self.names_row(other, "r", "c"));
        let mut conditions =
            vec![format!("EXISTS (SELECT 1 FROM {parents} r WHERE {names}{stays})")];
        let links = self.plan.linked.contains(&other);
        conditions.extend((!links).then(|| self.row_is_owned_by(other, "c")));
        conditions.extend(known.then(|| self.survives(id)));
        self.named_by(id, self.children(id) + &where_all(&conditions))
    }

    fn children_of_both(&self, id: ReferenceId, other: ReferenceId) -> String {
        format!(
            "{} JOIN {} q ON {}",
            self.children(id),
            self.key_relation(self.catalog.reference(other).parent),
            self.names_key(other, "q", "c"),
        )
    }

    /// The child `c` is not in its key table.
    fn survives(&self, id: ReferenceId) -> String {
        format!("NOT {}", self.is_found(self.catalog.reference(id).child, ""))
    }

    /// Surviving rows that name a row of the closure by a reference that the policy ignores.
    /// `known`: the child has a key table.
    pub fn kept_rows(&self, id: ReferenceId, known: bool) -> ProtectedBy {
        let survives: Vec<String> = known.then(|| self.survives(id)).into_iter().collect();
        self.named_by(id, self.children(id) + &where_all(&survives))
    }

    /// `source`: children `c` of parents `p`.
    pub(super) fn named_by(&self, id: ReferenceId, source: String) -> ProtectedBy {
        let reference = self.catalog.reference(id);
        ProtectedBy {
            table: reference.child,
            parent: Some(reference.parent),
            several: !self.catalog.names_one(id),
            source: self.said(source),
        }
    }

    /// Rows of the closure for which a guard's condition is not true.
    pub fn unguarded(&self, guard: &Condition) -> ProtectedBy {
        let table = guard.table;
        // The condition names columns of its table alone: no other row is in its scope.
        let source = format!(
            "{} c WHERE {} AND ({} IS NOT TRUE)",
            self.relation(table),
            self.is_found(table, ""),
            guard.parenthesized()
        );
        ProtectedBy { table, parent: None, several: false, source: self.said(source) }
    }

    /// One of them fails where a policy's condition is no expression over its table's columns. What
    /// closes the first one's parentheses early, to get round the conditions beside it, is an error
    /// in the second one, which has none to close; and the other way round.
    pub fn try_condition(&self, condition: &Condition) -> [Statement; 2] {
        let relation = self.relation(condition.table);
        let enclosed = condition.parenthesized();
        let bare = format!("CASE WHEN\n{}\nTHEN '' END", condition.sql);
        [
            format!("SELECT '' FROM {relation} c WHERE {enclosed} LIMIT 0").into(),
            format!("SELECT {bare} FROM {relation} c LIMIT 0").into(),
        ]
    }

    /// The same of one that selects. SQLite would take a name in double quotes for a text where no column has it.
    pub fn try_expression(&self, condition: &Condition) -> Vec<Statement> {
        let mut tries: Vec<Statement> = self.try_condition(condition).into();
        if self.dialect == Dialect::Sqlite {
            let sql = only_names_in_double_quotes(&condition.sql);
            let enclosed = Condition { sql, ..condition.clone() }.parenthesized();
            let relation = self.relation(condition.table);
            tries.push(format!("SELECT '' FROM {relation} c WHERE {enclosed} LIMIT 0").into());
        }
        tries
    }

    /// SQLite: a parameter in the condition, which would take one of the values that are bound beside it. The others say
    /// that there is none.
    pub fn parameter(&self, condition: &Condition) -> Option<String> {
        let is_parameter = |token: &&Token| match token.kind {
            Kind::Other => token.text.starts_with(['?', ':', '@']),
            Kind::Word => token.text.starts_with('$'),
            _ => false,
        };
        let tokens = tokens(&condition.sql);
        let found = tokens.iter().find(is_parameter).filter(|_| self.dialect == Dialect::Sqlite);
        found.map(|token| token.text.to_owned())
    }

    /// Why the two sides of a declared reference cannot be compared, where the engine would all the same:
    /// MariaDB takes any two values for numbers, so that '7abc' is 7.
    pub fn incomparable(&self, id: ReferenceId) -> Option<String> {
        let reference = self.catalog.reference(id);
        if !self.dialect.compares_anything() {
            return None;
        }
        if let Some(Discriminator { column, value: Discriminant::Literal(texts) }) =
            &reference.declaration.discriminator
        {
            let type_name = &self.column(reference.child, column).type_name;
            let stray = texts.iter().find(|text| !Family::of(type_name).reads(text));
            if let Some(text) = stray {
                return Some(format!("{column} is {type_name}, and {text:?} is no such value"));
            }
        }
        if reference.declaration.as_text {
            return None;
        }
        let pairs = reference.columns.iter().zip(&reference.parent_columns);
        let mut types = pairs.map(|(child, parent)| {
            let type_name = |table, name: &String| self.column(table, name).type_name.as_str();
            (type_name(reference.child, child), type_name(reference.parent, parent))
        });
        let unlike = types.find(|(child, parent)| !Family::are_alike(child, parent));
        unlike.map(|(child, parent)| format!("{child} and {parent} are not the same kind of value"))
    }

    /// Fails where the engine cannot compare what a policy says names each other, or cannot read the
    /// default that it says. All of `references` in one round trip.
    pub fn try_references(&self, references: &[ReferenceId]) -> Statement {
        let one = |id: &ReferenceId| {
            let reference = self.catalog.reference(*id);
            let default = reference.declaration.default.iter().flat_map(|default| {
                let columns = reference.set_columns.iter();
                columns
                    .map(|name| self.typed(reference.child, name, &self.dialect.literal(default)))
            });
            let readable = default.map(|value| format!(" AND {value} IS NOT NULL"));
            format!(
                "SELECT '' FROM {} c, {} r WHERE false AND {}{}",
                self.child_relation(*id),
                self.relation(reference.parent),
                self.names_row(*id, "r", "c"),
                readable.collect::<String>()
            )
        };
        references.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ").into()
    }

    /// Number of rows and number of parents that they name.
    pub fn count_protected(&self, question: &ProtectedBy) -> Statement {
        let parents = match question.parent {
            None => self.dialect.as_text("0"),
            Some(parent) => {
                let columns = self.key_table(parent).identity_columns().into_iter();
                let columns = columns.map(|column| format!("p.{column}")).collect();
                self.count_distinct(parent, columns)
            }
        };
        let count = if question.several && !self.has_twins(question.table) {
            self.count_distinct(question.table, self.identity_values(question.table, "c"))
        } else {
            self.dialect.count()
        };
        let mut statement = Statement::from(format!("SELECT {count}, {parents} FROM "));
        statement.append(&question.source);
        statement
    }

    /// How many rows of `table` these values of its identity tell apart.
    fn count_distinct(&self, table: TableId, values: Vec<String>) -> String {
        let values = values.into_iter().zip(self.identity_types(table));
        let texts = values.map(|(value, type_name)| self.dialect.output(&value, &type_name));
        self.dialect.as_text(&format!("count(DISTINCT {})", self.listed(texts.collect())))
    }

    /// Label and key of some rows, then label and key of the parents that they name.
    pub fn sample_protected(&self, question: &ProtectedBy, limit: u32) -> Statement {
        let mut columns = self.label(question.table, "c").to_vec();
        // The parent's own row is looked up by a sub-select, so that the question stays as it is.
        if let Some(parent) = question.parent {
            columns.extend(self.label(parent, "r").map(|label| {
                format!(
                    "(SELECT {label} FROM {} r WHERE {})",
                    self.relation(parent),
                    self.same_row(parent, "p", "r")
                )
            }));
        }
        let mut statement = Statement::from(format!("SELECT {} FROM ", columns.join(", ")));
        let order = self.identity_values(question.table, "c").join(", ");
        statement.append(&question.source).push(&format!(" ORDER BY {order} LIMIT {limit}"));
        statement
    }
}

/// `"name"` as `[name]`, which SQLite takes for nothing else.
fn only_names_in_double_quotes(sql: &str) -> String {
    let mut written = String::with_capacity(sql.len());
    let mut end = 0;
    for token in tokens(sql).iter().filter(|token| token.text.starts_with('"')) {
        let name = token.name();
        if !name.contains(']') {
            written += &format!("{}[{name}]", &sql[end..token.start]);
            end = token.end();
        }
    }
    written + &sql[end..]
}
