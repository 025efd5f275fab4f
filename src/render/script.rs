//! The preview as a script that psql, mariadb or sqlite3 runs by itself.
//!
//! It repeats the statements that found rows, compares the counts with the preview's, then unlinks
//! and deletes with the engine's own checks on.

use super::Report;
use crate::catalog::TableId;
use crate::findings::Work;
use crate::label::{printable, title};
use crate::sql::{Cycles, Dialect, Sql};
use std::collections::BTreeSet;

pub fn report(report: &Report) -> String {
    let sql = report.sql();
    let mut text = head(report);
    let organizations = report.findings.organizations.iter();
    for organization in organizations {
        let name = organization.name.as_deref().unwrap_or_default();
        text += &format!("-- organization {}\n", title(name, &organization.key));
    }
    text += report.dialect.begin_script();
    let rows = report.findings.rows();
    for table in rows.keys() {
        line(&mut text, &sql.create_key_table(*table));
    }
    for found in &report.findings.found {
        line(&mut text, &found.script);
    }
    text += "\n-- the counts must be those of the preview\n";
    for (table, rows) in &rows {
        line(&mut text, &sql.assert_count(*table, *rows));
    }
    text += "\n";
    for unlinked in &report.findings.unlinked {
        let unlink = &report.plan.unlinks[unlinked.unlink];
        let known = rows.contains_key(&report.catalog.reference(unlink.reference).child);
        line(&mut text, &sql.keep_unlinked(unlinked.unlink, unlink, known, true).inlined());
    }
    text += report.dialect.begin_changes();
    for work in report.findings.work(report.catalog, report.plan, &BTreeSet::new()) {
        match work {
            Work::Unlink(change) => {
                if let Some(merge) = sql.merge_kept(&change) {
                    line(&mut text, &merge);
                }
                line(&mut text, &sql.unlink(&change).inlined());
            }
            Work::Delete(tables) => line(&mut text, &delete(&sql, report.dialect, &tables)),
        }
    }
    text + "COMMIT;\n"
}

fn delete(sql: &Sql, dialect: Dialect, component: &[TableId]) -> String {
    match (dialect.cycles(), component) {
        (Cycles::OneStatement, [_, _, ..]) => sql.delete_together(component).inlined(),
        _ => {
            let deletes: Vec<String> =
                component.iter().map(|table| sql.delete(*table).inlined()).collect();
            deletes.join(";\n")
        }
    }
}

fn head(report: &Report) -> String {
    let client = report.dialect.client();
    let mut text = format!(
        "-- orgsweep {}: delete what the preview showed. Run it with: {client} < THIS\n\
         -- Checked by the engine alone: it stops when a count differs or a reference forbids a\n\
         -- DELETE. orgsweep clean proves more, and shows refusals in words.\n",
        env!("CARGO_PKG_VERSION"),
    );
    for refusal in report.refusal_views() {
        text += &format!("-- REFUSED by orgsweep clean: {}\n", printable(&refusal.message));
    }
    text
}

fn line(text: &mut String, statement: &str) {
    text.push_str(statement);
    text.push_str(";\n");
}
