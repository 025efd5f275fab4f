//! The preview's steps for spreadsheets (RFC 4180).

use super::Report;
use crate::label::printable;

/// One line per step and reference that reaches it.
pub fn report(report: &Report) -> String {
    let mut text = String::from(
        "order,action,table,rows,reference,parent,on_delete,reached_rows,needs_force\n",
    );
    for step in report.steps() {
        for reached in &step.reached_by {
            let cells = [
                step.order.to_string(),
                step.action.to_owned(),
                step.table.clone(),
                step.rows.to_string(),
                reached.reference.clone().unwrap_or_default(),
                reached.parent.clone().unwrap_or_default(),
                reached.on_delete.unwrap_or_default().to_owned(),
                reached.rows.to_string(),
                reached.needs_force.to_string(),
            ];
            text += &cells.map(|cell| field(&cell)).join(",");
            text.push('\n');
        }
    }
    text
}

pub(super) fn field(cell: &str) -> String {
    let cell = printable(cell);
    if cell.contains(['"', ',']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}
