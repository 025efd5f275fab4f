//! What is going on, told on stderr.

use crate::catalog::{Catalog, TableId};
use crate::doctor::{self, Unindexed};
use crate::execute::Progress;
use crate::findings::{Organization, Step};
use crate::interrupt;
use crate::plan::Plan;
use crate::render::{counted, grouped, table::age};
use crate::ui::{Event, Ui};

/// Tells on stderr what is going on.
pub fn show_progress(ui: &mut Ui, catalog: &Catalog, plan: &Plan, progress: Progress) {
    match progress {
        Progress::Selected(organizations) => {
            if ui.is_heard() {
                ui.note_lines(&introduction(organizations));
            }
        }
        Progress::Slow(unindexed) => {
            for slow in unindexed {
                ui.warn(&slow_text(catalog, slow));
            }
        }
        Progress::Retrying { attempt } => {
            ui.warn(&format!("others got in the way; rolled back, trying again ({attempt})"));
        }
        progress => {
            let event = event(catalog, plan, progress);
            interrupt::doing(event.message.clone());
            ui.event(event);
        }
    }
}

fn event(catalog: &Catalog, plan: &Plan, progress: Progress) -> Event {
    let phase = |name, message: &str| Event { name, message: message.into(), ..Event::default() };
    let counted = |name, message: &str, table: TableId, rows: u64| {
        let table = catalog.table(table).name.to_string();
        Event {
            name,
            message: format!("{message}: {} of {table}", grouped(rows)),
            table: Some(table),
            rows: Some(rows),
            of: None,
        }
    };
    match progress {
        Progress::Finding { table, rows } => counted("finding", "finding rows", table, rows),
        Progress::Archiving { table, rows } => counted("archiving", "archiving rows", table, rows),
        Progress::Staging { table, rows } => counted("staging", "reading the archive", table, rows),
        Progress::Restored { table, rows } => counted("restored", "put back", table, rows),
        Progress::Working { step, rows, of } => {
            let (name, table) = match step {
                Step::Delete(table) => ("deleted", catalog.table(table).name.to_string()),
                Step::Unlink(position) if plan.unlinks[position].erases() => {
                    let table = catalog.reference(plan.unlinks[position].reference).child;
                    ("erased", catalog.table(table).name.to_string())
                }
                Step::Unlink(position) => {
                    ("unlinked", catalog.reference_name(plan.unlinks[position].reference))
                }
            };
            let message = format!("{name} {} of {table}", grouped(rows));
            Event { name, message, table: Some(table), rows: Some(rows), of: Some(of) }
        }
        Progress::Checking => phase("checking", "looking for rows that stand in the way"),
        Progress::Proving => phase("proving", "proving that nothing is left"),
        Progress::Committing => phase("committing", "committing"),
        Progress::RollingBack => phase("rolling_back", "rolling back"),
        Progress::Selected(_) | Progress::Slow(_) | Progress::Retrying { .. } => Event::default(),
    }
}

fn slow_text(catalog: &Catalog, slow: &Unindexed) -> String {
    format!(
        "no index finds the rows of {}: the engine's checks will take about {} (orgsweep doctor tells the cure, \
         --create-missing-indexes applies it)",
        catalog.reference_arrow(slow.reference),
        doctor::seconds(slow.cost.as_secs_f64()),
    )
}

/// Which organizations are about to be looked at.
fn introduction(organizations: &[Organization]) -> Vec<String> {
    const SHOWN: usize = 10;
    let mut lines = vec![format!("{}:", counted(organizations.len() as u64, "organization"))];
    lines.extend(organizations.iter().take(SHOWN).map(|organization| {
        let name = organization.name.as_deref().unwrap_or("(no name)");
        let age = organization.age_seconds.and_then(age);
        let age = age.map(|age| format!(", {age} old")).unwrap_or_default();
        format!("  {name} (key {}{age})", organization.key)
    }));
    if organizations.len() > SHOWN {
        lines.push(format!("  … and {} more", organizations.len() - SHOWN));
    }
    lines
}
