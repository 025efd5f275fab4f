//! `orgsweep undo`: the last deletion of this database, put back once somebody has said so.

use super::archive_names;
use super::context::Session;
use super::restore;
use super::run_record;
use crate::archive::{self, Manifest};
use crate::cli::{Restore, Undo};
use crate::exit::{Exit, Problem};
use crate::label::printable;
use crate::render::counted;
use crate::ui::Ui;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// What is typed to agree.
const WORD: &str = "undo";

pub fn run(session: &Session, args: &Undo, ui: &mut Ui) -> Result<Exit> {
    let directory = run_record::directory(&args.archives, &session.settings)?;
    let archives = archive_names::find(&directory, Path::new("latest"), Some(&session.target))?;
    let asked = !args.yes && !args.dry_run;
    let introduction = introduction(session, &archives)?;
    if asked && ui.is_interactive() {
        ui.show(|_| introduction.clone());
    } else if ui.is_heard() {
        ui.show_beside(&introduction);
    }
    if asked && !ui.is_interactive() {
        let problem = "undo puts rows back, and nobody is there to confirm it";
        return Err(Problem::new(Exit::NotConfirmed, problem).hint("--yes confirms").into());
    }
    if asked {
        let back = "All of it comes back, in one transaction for each archive.";
        let question = format!("To put it back, type: {WORD}");
        ui.confirm(back, &question, WORD, args.confirm_timeout)?;
    }
    restore::run(session, &restoring(args, archives), ui)
}

fn restoring(args: &Undo, archive: Vec<PathBuf>) -> Restore {
    let Undo { dry_run, fire_triggers, lock_timeout, archives, format, .. } = args.clone();
    let (other_database, receipt) = (false, None);
    Restore {
        archive,
        dry_run,
        fire_triggers,
        other_database,
        lock_timeout,
        archives,
        receipt,
        format,
    }
}

/// Whose rows they are, how many, and who deleted them when.
fn introduction(session: &Session, archives: &[PathBuf]) -> Result<String> {
    let mut text = format!("{}: the last deletion\n", printable(&session.target.redacted()));
    for path in archives {
        let reader = archive::verify(path).map_err(|error| {
            Problem::new(Exit::Refused, format!("{error}; nothing was written"))
        })?;
        let Manifest { made_at, actor, .. } = &reader.manifest;
        text += &printable(&format!(
            "  {}: {} deleted, {} unlinked on {} {:02}:{:02} UTC by {actor}",
            reader.manifest.subject(),
            counted(reader.manifest.deleted(), "row"),
            counted(reader.manifest.unlinked(), "row"),
            made_at.date(),
            made_at.hour(),
            made_at.minute(),
        ));
        text.push('\n');
    }
    Ok(text.trim_end().to_owned())
}
