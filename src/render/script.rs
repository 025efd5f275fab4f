//! The preview as a script that psql, mariadb or sqlite3 runs by itself.
//!
//! It repeats the statements that found rows, compares the counts with the preview's, then unlinks
//! and deletes with the engine's own checks on. Of a deletion that clean refuses nothing is in it: it fails.

use super::{Outcome, Report};
use crate::catalog::{OnDelete, ReferenceId, TableId};
use crate::engine::{Cycles, Dialect, Statement};
use crate::exit::Exit;
use crate::findings::Work;
use crate::label::{printable, title};
use crate::plan::UnlinkValue;
use crate::sql::Sql;
use std::collections::BTreeSet;

/// # Errors
/// Why the script cannot be written: it would hold characters that are not seen, or always fail.
pub fn report(report: &Report) -> Result<String, String> {
    let unmatched = report.outcome == Outcome::Nothing && report.exit == Exit::Refused.code();
    if report.outcome == Outcome::Refused || unmatched {
        let messages = report.refusal_views().into_iter().map(|refusal| refusal.message);
        let messages: Vec<String> = messages.collect();
        let none = [format!("nothing matches {}", report.selection)];
        return Ok(refused(report.dialect, if messages.is_empty() { &none } else { &messages }));
    }
    let (sql, dialect) = (report.sql(), report.dialect);
    let mut text = head(dialect);
    for organization in &report.findings.organizations {
        let name = organization.name.as_deref().unwrap_or_default();
        text += &format!("-- organization {}\n", title(name, &organization.key));
    }
    text += dialect.begin_script();
    let mut script = Script { dialect, text };
    for statement in &report.findings.prelude {
        script.add(statement)?;
    }
    let rows = report.findings.rows();
    let staying = &report.findings.staying;
    let stays = staying.first().map(|found| &found.table);
    for table in rows.keys().chain(stays) {
        script.add(&sql.create_key_table(*table))?;
    }
    for found in staying.iter().chain(&report.findings.found) {
        script.add(&found.script)?;
    }
    script.text += "\n-- the counts must be those of the preview\n";
    for (table, rows) in &rows {
        script.add(&sql.assert_count(*table, *rows))?;
    }
    script.text += "\n";
    for unlinked in &report.findings.unlinked {
        let unlink = &report.plan.unlinks[unlinked.unlink];
        let child = report.catalog.reference(unlink.reference).child;
        if let UnlinkValue::Erased(erased) = &unlink.value {
            script.add(&sql.create_erased(unlinked.unlink, child, erased))?;
            script.add_all(&sql.fill_erased(unlinked.unlink, child, erased))?;
        } else {
            let known = rows.contains_key(&child);
            script.add_all(&sql.keep_unlinked(unlinked.unlink, unlink, known, true))?;
        }
    }
    script.text += dialect.begin_changes();
    if report.findings.engine_cascade {
        script.add_all(&sql.delete(report.plan.root))?;
        return Ok(script.text + "COMMIT;\n");
    }
    for work in report.findings.work(report.catalog, report.plan, &BTreeSet::new()) {
        match work {
            Work::Unlink(change) => {
                if let Some(merge) = sql.merge_kept(&change) {
                    script.add(&merge)?;
                }
                script.add_all(&sql.unlink(&change))?;
            }
            Work::Delete(tables) => {
                if let Some(why) = unscripted(report, &tables) {
                    return Err(why);
                }
                for statement in deletes(&sql, dialect, &tables) {
                    script.add_all(&statement)?;
                }
            }
        }
    }
    Ok(script.text + "COMMIT;\n")
}

/// The script of a deletion that is refused, and why: it changes nothing, and fails.
pub fn refused(dialect: Dialect, reasons: &[String]) -> String {
    let mut text = head(dialect);
    for reason in reasons {
        text += &format!("-- REFUSED by orgsweep clean: {}\n", printable(reason));
    }
    text + dialect.refuse_in_script()
}

struct Script {
    dialect: Dialect,
    text: String,
}

impl Script {
    fn add_all(&mut self, statement: &Statement) -> Result<(), String> {
        statement.texts(self.dialect).iter().try_for_each(|text| self.add(text))
    }

    fn add(&mut self, statement: &str) -> Result<(), String> {
        let Some(statement) = self.dialect.in_seen_characters(statement) else {
            return Err(
                "names or values hold control characters, which a script for this client cannot \
                        write in another way"
                    .into(),
            );
        };
        self.text += &statement;
        self.text += ";\n";
        Ok(())
    }
}

/// Why no script deletes these tables' rows: InnoDB checks each row as it goes, and one of a circle is always named.
fn unscripted(report: &Report, component: &[TableId]) -> Option<String> {
    let holds = |id: &ReferenceId| {
        let reference = report.catalog.reference(*id);
        [reference.child, reference.parent].iter().all(|table| component.contains(table))
            && reference.is_constraint()
            && matches!(reference.on_delete, OnDelete::Restrict | OnDelete::NoAction)
    };
    let circle = report.dialect.is_mysql() && component.len() > 1;
    let holding = report.catalog.reference_ids().find(|id| circle && holds(id))?;
    let names: Vec<String> = component.iter().map(|table| report.table_name(*table)).collect();
    Some(format!(
        "rows of {} name each other, and {} forbids to delete one before the other",
        names.join(", "),
        report.catalog.reference_arrow(holding)
    ))
}

fn deletes(sql: &Sql, dialect: Dialect, component: &[TableId]) -> Vec<Statement> {
    match (dialect.cycles(), component) {
        (Cycles::OneStatement, [_, _, ..]) => vec![sql.delete_together(component)],
        _ => component.iter().map(|table| sql.delete(*table)).collect(),
    }
}

fn head(dialect: Dialect) -> String {
    format!(
        "{}-- orgsweep {}: delete what the preview showed. Run it with: {} < THIS\n\
         -- Checked by the engine alone: it stops when a count differs or a reference forbids a\n\
         -- DELETE. orgsweep clean proves more, and shows refusals in words.\n",
        dialect.stop_at_errors(),
        env!("CARGO_PKG_VERSION"),
        dialect.client(),
    )
}
