//! What is going on, told on stderr.

use crate::catalog::Catalog;
use crate::doctor::{self, Unindexed};
use crate::execute::Progress;
use crate::findings::{Organization, Step};
use crate::label::printable;
use crate::plan::Plan;
use crate::render::{counted, grouped, table::age};
use crate::ui::Ui;

/// Tells on stderr what is going on.
pub fn narrate(ui: &mut Ui, catalog: &Catalog, plan: &Plan, progress: Progress) {
    let name = |table: &crate::catalog::TableId| catalog.table(*table).name.to_string();
    match progress {
        Progress::Selected(organizations) => {
            if !ui.json {
                ui.note(&introduction(organizations));
            }
        }
        Progress::Finding { table, rows } => {
            ui.progress(format!("finding rows: {} of {}", grouped(rows), name(&table)));
        }
        Progress::Checking => ui.progress("looking for rows that stand in the way".into()),
        Progress::Slow(unindexed) => {
            for slow in unindexed {
                ui.note(&format!("warning: {}", slow_text(catalog, slow)));
            }
        }
        Progress::Working { step, rows, of } => {
            let (verb, table) = match step {
                Step::Delete(table) => ("deleted", name(&table)),
                Step::Unlink(position) => {
                    let id = plan.unlinks[position].reference;
                    ("unlinked", catalog.reference_name(id))
                }
            };
            ui.progress(format!("{verb} {} of {table}, {} in all", grouped(rows), grouped(of)));
        }
        Progress::Archiving { table, rows } => {
            ui.progress(format!("archiving rows: {} of {}", grouped(rows), name(&table)));
        }
        Progress::Staging { table, rows } => {
            ui.progress(format!("reading the archive: {} of {}", grouped(rows), name(&table)));
        }
        Progress::Restored { table, rows } => {
            ui.progress(format!("put back: {} of {}", grouped(rows), name(&table)));
        }
        Progress::Proving => ui.progress("proving that nothing is left".into()),
        Progress::Committing => ui.progress("committing".into()),
        Progress::Retrying { attempt } => {
            ui.note(&format!("others got in the way; rolled back, trying again ({attempt})"));
        }
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
fn introduction(organizations: &[Organization]) -> String {
    const SHOWN: usize = 10;
    let mut lines = vec![format!("{}:", counted(organizations.len() as u64, "organization"))];
    lines.extend(organizations.iter().take(SHOWN).map(|organization| {
        let name = organization.name.as_deref().map_or_else(|| "(no name)".into(), printable);
        let age = organization.age_seconds.and_then(age);
        let age = age.map(|age| format!(", {age} old")).unwrap_or_default();
        format!("  {name} (key {}{age})", organization.key)
    }));
    if organizations.len() > SHOWN {
        lines.push(format!("  … and {} more", organizations.len() - SHOWN));
    }
    lines.join("\n")
}
