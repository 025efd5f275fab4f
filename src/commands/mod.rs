//! One file a command: flags to plan, plan to run, run to output.

mod archive_files;
mod archive_names;
mod archives;
mod batches;
mod clean;
mod conditions;
mod consent;
mod context;
mod demo;
mod django;
mod doctor;
mod explain;
mod export;
mod graph;
mod history;
mod indexes;
mod last_deletion;
mod migrate;
mod organizations;
mod output;
mod per_org;
mod policy;
mod preview;
mod progress;
mod receipts;
mod reporting;
mod restore;
mod roots;
mod rules;
mod run_record;
mod saved;
mod seed;
mod undo;
mod verify;
mod wait;

use crate::cli::{Cli, Command};
use crate::database::Target;
use crate::exit::Exit;
use crate::settings::Settings;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use clap::CommandFactory;
use context::Session;

/// Runs what the command line asks for.
///
/// # Errors
/// Anything that [`crate::exit::diagnose`] gives a code.
pub fn run(cli: &Cli, settings: &Settings, ui: &mut Ui) -> Result<Exit> {
    let url = cli.database_url.as_deref();
    let target = || -> Result<Target> {
        match django::target(&cli.django, url)? {
            Some(target) => Ok(target),
            None => Ok(settings.target(url)?),
        }
    };
    let session = || -> Result<Session> {
        let policy = settings.policy(cli.policy(), cli.require_policy)?;
        let invocation = cli.invocation.clone();
        Ok(Session { target: target()?, policy, settings: settings.clone(), invocation })
    };
    match &cli.command {
        Command::Preview(args) => preview::run(&session()?, args, ui),
        Command::Clean(args) => clean::run(&session()?, args, ui),
        Command::Verify(args) => verify::run(&session()?, args, ui),
        Command::Restore(args) => restore::run(&session()?, args, ui),
        Command::Undo(args) => undo::run(&session()?, args, ui),
        Command::Export(args) => export::run(&session()?, args, ui),
        Command::Archives(args) => {
            let named = cli.django.manage.is_some() || settings.names_database(url);
            let policy = || settings.policy(cli.policy(), cli.require_policy);
            archives::run(settings, || named.then(target).transpose(), policy, args, ui)
        }
        Command::History(args) => history::run(settings, args, ui),
        Command::Plan { command } => saved::show(settings, command, ui),
        Command::Graph(args) => graph::run(&session()?, args, ui),
        Command::Doctor(args) => doctor::run(&session()?, args, ui),
        Command::Organizations(args) => organizations::run(&session()?, args, ui),
        Command::Explain(args) => explain::run(&session()?, args, ui),
        Command::Policy { command } => policy::run(command, &cli.django, &target, &session, ui),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "orgsweep", &mut script);
            ui.result(&String::from_utf8_lossy(&script));
            Ok(Exit::Done)
        }
        Command::Man { dir: Some(dir) } => {
            clap_mangen::generate_to(Cli::command(), dir)
                .with_context(|| format!("writing manual pages into {}", dir.display()))?;
            Ok(Exit::Done)
        }
        Command::Man { dir: None } => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            ui.result(&String::from_utf8_lossy(&page));
            Ok(Exit::Done)
        }
        Command::Wait(args) => wait::run(&target()?, args, ui),
        Command::Migrate(args) => migrate::run(&target()?, args, ui),
        Command::Seed(args) => seed::run(&target()?, args, ui),
        Command::Demo(args) => demo::run(args, settings, ui),
    }
}
