//! Which candidates some owner is outside the closure of.

use crate::catalog::{ReferenceId, TableId};
use crate::engine::Statement;
use crate::sql::Sql;
use std::collections::{BTreeMap, BTreeSet};

/// How rows of a table might be suspects, by what found them.
#[derive(Debug, Clone)]
pub struct Suspects {
    pub table: TableId,
    /// Owning references that did not find all of the rows themselves.
    pub owning: Vec<ReferenceId>,
    /// Some rows were not found by any owning reference.
    pub ownerless: bool,
    /// Rows with these numbers, the first and the last, are known to be owned by us.
    pub known_owned: Option<(u32, u32)>,
}

/// Why rows of a table might be suspects.
#[derive(Clone, Copy)]
enum Way {
    /// Root rows that were not selected.
    Reached,
    /// They name an owner outside the closure.
    Outside(ReferenceId),
    Ownerless,
    /// Something else found them than their owners.
    Doubtful,
}

/// What is known of the closure.
#[derive(Clone, Copy)]
pub struct Closure<'a> {
    /// Root rows after this generation were reached, not selected.
    pub selected: u32,
    /// Rows after this generation are not reached by CASCADEs alone.
    pub cascaded: u32,
    /// The table has a key table.
    pub has_keys: &'a dyn Fn(TableId) -> bool,
    pub doubtful: &'a Doubtful,
}

/// Generations (first and last) of rows that something else found than their owners, in tables whose rows may own each
/// other: who names nobody but itself has its owners in the closure, and belongs to nobody all the same.
pub type Doubtful = BTreeMap<TableId, BTreeSet<(u32, u32)>>;

impl Closure<'_> {
    /// The key `k` is of such a generation.
    fn is_doubtful(&self, table: TableId) -> Option<String> {
        let generations = self.doubtful.get(&table)?.iter().copied();
        // A chain that was followed level by level has thousands of them: one list, not as many conditions.
        let (single, many): (Vec<_>, Vec<_>) = generations.partition(|(first, last)| first == last);
        let listed: Vec<String> = single.iter().map(|(number, _)| number.to_string()).collect();
        let listed = (!listed.is_empty()).then(|| format!("k.gen IN ({})", listed.join(", ")));
        let spans = many.iter().map(|(first, last)| format!("k.gen BETWEEN {first} AND {last}"));
        let ways: Vec<String> = listed.into_iter().chain(spans).collect();
        (!ways.is_empty()).then(|| format!("({})", ways.join(" OR ")))
    }
}

impl Sql<'_> {
    /// The tables that have suspects, each with a number: in one round trip, and without the joins that tell which
    /// rows they are.
    pub fn count_suspects(&self, all: &[Suspects], closure: Closure) -> Vec<Statement> {
        let questions = all.iter().flat_map(|suspects| {
            let owning = suspects.owning.iter().copied().map(Way::Outside);
            let doubtful = closure.doubtful.contains_key(&suspects.table);
            let ways = owning
                .chain(suspects.ownerless.then_some(Way::Ownerless))
                .chain(doubtful.then_some(Way::Doubtful));
            let ways: Vec<Way> = match suspects.table == self.plan.root {
                true => vec![Way::Reached],
                false => ways.collect(),
            };
            ways.into_iter().map(move |way| (suspects, way))
        });
        self.together(questions, |(suspects, way)| {
            let table = self.dialect.as_text(&suspects.table.0.to_string());
            let rows = self.suspects_by(suspects, way, closure);
            format!("SELECT {table}, {} FROM {rows}", self.dialect.count())
        })
    }

    fn suspects_by(&self, suspects: &Suspects, way: Way, closure: Closure) -> String {
        let table = suspects.table;
        let way = match way {
            Way::Reached => return self.suspects(table, closure),
            Way::Outside(id) => {
                let missing = (closure.has_keys)(self.catalog.reference(id).parent)
                    .then(|| format!(" AND {}", self.is_outside(id)));
                self.key_is_owned_by(id, "k") + &missing.unwrap_or_default()
            }
            Way::Ownerless => self.names_no_owner(table),
            Way::Doubtful => closure.is_doubtful(table).unwrap_or_else(|| "1 = 0".to_owned()),
        };
        let others = suspects.known_owned.map_or(String::new(), |(first, last)| {
            format!(" AND k.gen NOT BETWEEN {first} AND {last}")
        });
        let reached = self.but_selected_orphans(table, closure);
        format!("{} k WHERE {way}{reached}{others}", self.key_relation(table))
    }

    /// Traces the suspects of `table` from this generation on.
    pub fn trace_suspects(&self, table: TableId, closure: Closure, generation: u32) -> Statement {
        let columns = self.key_table(table).identity_columns().into_iter();
        let columns: Vec<String> = columns.map(|column| format!("k.{column}")).collect();
        let target = self.traced_target(table);
        let suspects = self.suspects(table, closure);
        let rows = format!("SELECT {}{} FROM {suspects}", self.distinct(table), columns.join(", "));
        self.number_traced(&target, generation, &rows)
    }

    /// Candidates `k` that name an owner outside the closure, or none.
    fn suspects(&self, table: TableId, closure: Closure) -> String {
        let own = self.key_relation(table);
        if table == self.plan.root {
            return format!("{own} k WHERE k.gen > {}", closure.selected);
        }
        let (mut joins, mut ways) = (String::new(), Vec::new());
        for (n, id) in self.plan.owning_of(table).iter().enumerate() {
            let parent = self.catalog.reference(*id).parent;
            let owned = self.key_is_owned_by(*id, "k");
            if !(closure.has_keys)(parent) {
                ways.push(format!("({owned})"));
            } else if self.catalog.names_one(*id) {
                let (alias, keys) = (format!("p{n}"), self.key_relation(parent));
                let names = self.key_names_key(*id, &alias, "k");
                joins += &format!(" LEFT JOIN {keys} {alias} ON {names}");
                ways.push(format!("({owned} AND {alias}.gen IS NULL)"));
            } else {
                ways.push(format!("({owned} AND {})", self.is_outside(*id)));
            }
        }
        ways.push(format!("({})", self.names_no_owner(table)));
        ways.extend(closure.is_doubtful(table));
        let reached = self.but_selected_orphans(table, closure);
        format!("{own} k{joins} WHERE ({}){reached}", ways.join(" OR "))
    }

    /// A parent that the candidate `k` names by `id` is not in the closure: the one, or one of several.
    fn is_outside(&self, id: ReferenceId) -> String {
        let parent = self.catalog.reference(id).parent;
        let none = format!(
            "NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
            self.key_relation(parent),
            self.key_names_key(id, "p", "k")
        );
        if self.catalog.names_one(id) {
            return none;
        }
        format!(
            "({none} OR EXISTS (SELECT 1 FROM {} r WHERE {} AND NOT EXISTS (SELECT 1 FROM {} q WHERE {})))",
            self.relation(parent),
            self.key_names_row(id, "r", "k"),
            self.key_relation(parent),
            self.same_row(parent, "q", "r"),
        )
    }

    /// A row without owning references, and a row that names nobody, have no owner. (Where one yields, it is to another
    /// one that names somebody.)
    fn names_no_owner(&self, table: TableId) -> String {
        let owning = self.plan.owning_of(table).iter();
        let nobody: Vec<String> =
            owning.map(|id| format!("NOT ({})", self.names_somebody(*id, "k"))).collect();
        if nobody.is_empty() { "true".to_owned() } else { nobody.join(" AND ") }
    }

    /// Orphans have no owner either, and were selected for it.
    fn but_selected_orphans(&self, table: TableId, closure: Closure) -> String {
        if self.plan.has_orphans(table) {
            format!(" AND k.gen > {}", closure.selected)
        } else {
            String::new()
        }
    }
}
