//! What changed between two dumps of a database.

use std::collections::BTreeMap;
use std::fmt;

/// Every row of every table as text, sorted, by table.
pub type Dump = BTreeMap<String, Vec<String>>;

/// Rows that are gone and rows that are new, by table; a changed row is one of each.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Changes {
    pub gone: Dump,
    pub new: Dump,
}

/// What happened between `before` and `after`.
pub fn changes(before: &Dump, after: &Dump) -> Changes {
    Changes { gone: without(before, after), new: without(after, before) }
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }

    /// Rows of `table` that are gone and did not only change.
    pub fn deleted(&self, table: &str) -> usize {
        let count = |dump: &Dump| dump.get(table).map_or(0, Vec::len);
        count(&self.gone).saturating_sub(count(&self.new))
    }

    #[track_caller]
    pub fn assert_none(&self) {
        assert!(self.is_empty(), "rows changed that had to stay:\n{self}");
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (sign, dump) in [('-', &self.gone), ('+', &self.new)] {
            for (table, rows) in dump {
                for row in rows {
                    writeln!(f, "{sign} {table}: {row}")?;
                }
            }
        }
        Ok(())
    }
}

/// The rows of `left` that `right` lacks, duplicates counted.
fn without(left: &Dump, right: &Dump) -> Dump {
    let none = Vec::new();
    let mut result = Dump::new();
    for (table, rows) in left {
        let mut spare: BTreeMap<&str, usize> = BTreeMap::new();
        for row in right.get(table).unwrap_or(&none) {
            *spare.entry(row).or_default() += 1;
        }
        let missing = rows.iter().filter(|row| match spare.get_mut(row.as_str()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
        let missing: Vec<_> = missing.cloned().collect();
        if !missing.is_empty() {
            result.insert(table.clone(), missing);
        }
    }
    result
}
