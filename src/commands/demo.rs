//! `orgsweep demo`: the whole story, by the same commands that a user would type.

use super::context::{Prepared, Session};
use crate::archive::ArchiveDirectory;
use crate::cli::{Cli, Command, Demo, Invocation};
use crate::database::Target;
use crate::execute;
use crate::exit::{Exit, Problem};
use crate::label::shell_word;
use crate::policy::Policy;
use crate::settings::Settings;
use crate::ui::Ui;
use anyhow::Result;
use clap::{CommandFactory, FromArgMatches};
use std::path::Path;

const DELETED: &str = "Apex Innovations Inc.";
const KEPT: &str = "Global Corp";
/// In this folder, as the database.
const ARCHIVES: &str = "orgsweep-demo-archives";

pub fn run(args: &Demo, settings: &Settings, ui: &mut Ui) -> Result<Exit> {
    let (target, policy) = (Target::Sqlite(args.file.clone()), Policy::default());
    // The demo's own database knows no policy.
    let invocation = Invocation::default();
    let session = &Session { target, policy, settings: settings.clone(), invocation };
    step(ui, session, "a scratch CRM", &["migrate"])?;
    step(ui, session, "with two organizations", &["seed", "--organizations", "2"])?;
    let before = rows_of(session, KEPT)?;
    step(
        ui,
        session,
        "what would go, and what stands in the way",
        &["preview", "--org-name", DELETED],
    )?;
    let refused = step(
        ui,
        session,
        "without --force nothing happens",
        &["clean", "--org-name", DELETED, "--yes"],
    )?;
    expect(refused == Exit::Refused, "the deletion should have been refused")?;
    let cleaned = step(
        ui,
        session,
        "with it, everything of the organization goes, in one transaction",
        &["clean", "--org-name", DELETED, "--force", "--yes"],
    )?;
    expect(cleaned == Exit::Done, "the deletion should have succeeded")?;
    let verified = step(ui, session, "nothing of it is left", &["verify", "--org-name", DELETED])?;
    expect(verified == Exit::Done, "something is left")?;
    expect(rows_of(session, KEPT)? == before, "the other organization should be as it was")?;
    let archives = ArchiveDirectory::archives(Path::new(ARCHIVES))?;
    let newest = archives.last().and_then(|entry| entry.path.file_name());
    let newest = newest.unwrap_or_default().to_string_lossy().into_owned();
    let about = "and if it was the wrong one, all of it comes back";
    let restored = step(ui, session, about, &["restore", &newest])?;
    expect(restored == Exit::Done, "the organization should have come back")?;
    ui.result(&format!(
        "\n# {KEPT} has its {} as before. The file is {}. To go on with it: export DATABASE_URL={} \
         ORGSWEEP_ARCHIVE_DIR={ARCHIVES}",
        crate::render::counted(before, "row"),
        args.file.display(),
        shell_word(&format!("sqlite:{}", args.file.display()))
    ));
    Ok(Exit::Done)
}

/// Says what comes, then runs the command as it would be typed.
fn step(ui: &mut Ui, session: &Session, about: &str, words: &[&str]) -> Result<Exit> {
    let typed: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
    ui.result(&format!("\n# {about}\n$ orgsweep {}", typed.join(" ")));
    let cli = parsed(session, words)?;
    let session = &Session { invocation: cli.invocation, ..session.clone() };
    let target = &session.target;
    match &cli.command {
        Command::Migrate(args) => super::migrate::run(target, args, ui),
        Command::Seed(args) => super::seed::run(target, args, ui),
        Command::Preview(args) => super::preview::run(session, args, ui),
        Command::Clean(args) => super::clean::run(session, args, ui),
        Command::Restore(args) => super::restore::run(session, args, ui),
        Command::Verify(args) => super::verify::run(session, args, ui),
        _ => unreachable!("the demo has no other steps"),
    }
}

/// The words as a command, whatever the environment and this folder say of other databases.
fn parsed(session: &Session, words: &[&str]) -> Result<Cli> {
    const OWN: [&str; 4] = ["--root", "organizations", "--name-column", "name"];
    let selects = ["preview", "clean", "verify"].contains(&words[0]);
    let own = if selects { &OWN[..] } else { &[] };
    let keeps = ["clean", "restore"].contains(&words[0]);
    let keeps: &[&str] = if keeps { &["--archive-dir", ARCHIVES] } else { &[] };
    let database = session.target.redacted();
    let meant = ["--database-url", &database, "--no-config"];
    let words = ["orgsweep"].iter().chain(words).chain(own).chain(keeps).chain(&meant);
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(words)?;
    let invocation = Invocation::of(&command, &matches);
    Ok(Cli { invocation, ..Cli::from_arg_matches(&matches)? })
}

/// How many rows the deletion of an organization would take.
fn rows_of(session: &Session, name: &str) -> Result<u64> {
    let cli = parsed(session, &["preview", "--org-name", name, "--force"])?;
    let Command::Preview(args) = cli.command else {
        unreachable!("preview was typed");
    };
    let (mut database, prepared) = Prepared::open(session, &args.select, &args.delete)?;
    let findings = execute::preview(
        &mut database,
        &prepared.job(args.delete.lock_timeout, false),
        &mut |_| {},
    )?;
    Ok(findings.deleted())
}

fn expect(held: bool, promise: &str) -> Result<()> {
    if held {
        Ok(())
    } else {
        Err(Problem::new(Exit::Bug, format!("the demo went wrong: {promise}")).into())
    }
}
