//! What the names in the file mean in the catalog.

use super::{Fault, Policy};
use crate::catalog::{Catalog, Misnomer, TableId};
use std::ops::Range;

pub(super) fn table_called(
    policy: &Policy,
    catalog: &Catalog,
    name: &str,
    span: &Range<usize>,
) -> Result<TableId, Fault> {
    catalog.table_named(name).map_err(|misnomer| match misnomer {
        Misnomer::Unknown => {
            let names = catalog.tables.iter().map(|table| table.name.to_string());
            policy.fault(span, format!("there is no table {name}")).nearest(name, names)
        }
        Misnomer::Ambiguous(names) => policy
            .fault(span, format!("several tables are called {name}"))
            .hint(format!("choose: {}", names.join(" or "))),
    })
}

pub(super) fn column_named(
    policy: &Policy,
    catalog: &Catalog,
    table: TableId,
    name: &str,
    span: &Range<usize>,
) -> Result<String, Fault> {
    let columns = &catalog.table(table).columns;
    let exact = columns.iter().find(|column| column.name == name);
    let found = exact.or(columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)));
    found.map(|column| column.name.clone()).ok_or_else(|| {
        let message = format!("{} has no column {name}", catalog.table(table).name);
        policy.fault(span, message).nearest(name, columns.iter().map(|column| column.name.clone()))
    })
}
