//! `orgsweep migrate`

use crate::cli::{Migrate, PlainFormat};
use crate::crm;
use crate::database::{Database, Target};
use crate::exit::Exit;
use crate::ui::Ui;
use anyhow::Result;

pub fn run(target: &Target, args: &Migrate, ui: &mut Ui) -> Result<Exit> {
    let mut database = Database::connect(target, true)?;
    let applied =
        crm::migrate::run(&mut database, &mut |name| ui.progress(format!("applying {name}")))?;
    ui.result(&match args.format {
        PlainFormat::Json => {
            let document = serde_json::json!({
                "format": 1, "command": "migrate", "exit": 0,
                "database": target.redacted(), "applied": applied,
            });
            document.to_string()
        }
        PlainFormat::Table => match &applied[..] {
            [] => format!("{}: the CRM is up to date", target.redacted()),
            applied => format!("{}: applied {}", target.redacted(), applied.join(", ")),
        },
    });
    Ok(Exit::Done)
}
