//! `orgsweep seed`

use crate::cli::{PlainFormat, Seed};
use crate::crm::seed::{self, Options, Summary};
use crate::database::{Database, Target};
use crate::exit::Exit;
use crate::render::{counted, grouped};
use crate::ui::Ui;
use anyhow::Result;

pub fn run(target: &Target, args: &Seed, ui: &mut Ui) -> Result<Exit> {
    let mut database = Database::connect(target, false)?;
    let options = Options {
        organizations: args.organizations,
        rows: args.rows,
        other_rows: args.other_rows.unwrap_or(args.rows),
        seed: args.seed,
    };
    let total = options.total_rows();
    let summary = seed::run(&mut database, &options, &mut |rows| {
        ui.progress(format!("{} of about {} rows", grouped(rows), grouped(total)));
    })?;
    ui.result(&match args.format {
        PlainFormat::Json => {
            let document = serde_json::json!({
                "format": 1, "command": "seed", "exit": 0, "database": target.redacted(),
                "created": summary.created, "existing": summary.existing, "rows": summary.rows,
            });
            document.to_string()
        }
        PlainFormat::Table => text(&summary),
    });
    Ok(Exit::Done)
}

fn text(summary: &Summary) -> String {
    const SHOWN: usize = 5;
    let list = |names: &[String]| {
        let mut shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        if names.len() > SHOWN {
            shown += &format!(" and {} more", names.len() - SHOWN);
        }
        shown
    };
    let mut text = format!("seeded {}", counted(summary.rows, "row"));
    if !summary.created.is_empty() {
        text += &format!("; created {}", list(&summary.created));
    }
    if !summary.existing.is_empty() {
        text += &format!("; left as it was: {}", list(&summary.existing));
    }
    text
}
