//! `orgsweep undo`: the last deletion of this database, put back once somebody has said so.

use super::context::Session;
use super::last_deletion;
use super::restore;
use super::run_record;
use crate::archive::{Manifest, Reader};
use crate::cli::{Restore, Undo};
use crate::exit::{Exit, Problem};
use crate::label::printable;
use crate::render::counted;
use crate::ui::Ui;
use anyhow::Result;
use std::path::PathBuf;

/// What is typed to agree.
const WORD: &str = "undo";

pub fn run(session: &Session, args: &Undo, ui: &mut Ui) -> Result<Exit> {
    let directory = run_record::directory(&args.archives, &session.settings)?;
    let archives = last_deletion::archives(&directory, Some(&session.target))?;
    let readers = archives.iter().map(|path| run_record::checked(path));
    let readers: Vec<Reader> = readers.collect::<Result<_, _>>()?;
    let restoring = restoring(args, archives);
    let before = restore::put_back_before(session, &restoring);
    let (mut back, mut gone) = (Vec::new(), Vec::new());
    for reader in &readers {
        let is_back = before.contains(&reader.manifest.digest())
            && restore::is_back(session, &restoring, reader, ui)?;
        if is_back { back.push(reader) } else { gone.push(reader) }
    }
    if gone.is_empty() {
        // It says so.
        return restore::run(session, &restoring, ui);
    }
    let asked = !args.yes && !args.dry_run;
    let introduction = introduction(session, &back, &gone);
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
    let archive = gone.iter().map(|reader| reader.path().to_owned()).collect();
    restore::run(session, &Restore { archive, ..restoring }, ui)
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

/// Whose rows they are, how many, and who deleted them when; what is back is passed over.
fn introduction(session: &Session, back: &[&Reader], gone: &[&Reader]) -> String {
    let mut text = format!("{}: the last deletion\n", printable(&session.target.redacted()));
    let readers = back.iter().map(|it| (it, true)).chain(gone.iter().map(|it| (it, false)));
    for (reader, is_back) in readers {
        let Manifest { made_at, actor, .. } = &reader.manifest;
        text += &printable(&format!(
            "  {}: {} deleted, {} unlinked on {} {:02}:{:02} UTC by {actor}{}",
            reader.manifest.subject(),
            counted(reader.manifest.deleted(), "row"),
            counted(reader.manifest.unlinked(), "row"),
            made_at.date(),
            made_at.hour(),
            made_at.minute(),
            if is_back { "; already back" } else { "" },
        ));
        text.push('\n');
    }
    text.trim_end().to_owned()
}
