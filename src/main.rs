//! Parses, runs, exits.

use clap::Parser;
use orgsweep::cli::Cli;
use orgsweep::exit::{self, Exit, Problem};
use orgsweep::settings::Settings;
use orgsweep::ui::{self, Ui};
use orgsweep::{bug, commands, signals};
use std::process::ExitCode;

fn main() -> ExitCode {
    bug::watch();
    let exit = bug::caught(run).unwrap_or_else(|error| {
        let problem = exit::diagnose(&error);
        ui::problem(&problem);
        problem.exit
    });
    ExitCode::from(exit.code())
}

/// # Errors
/// What nobody could tell in the words that were asked for.
fn run() -> anyhow::Result<Exit> {
    // First, because `.env` may hold what the command line takes from the environment.
    let settings = Settings::load();
    let (json, voice) = Cli::voice_asked_for();
    ui::speak(json, voice);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return Ok(usage(&error, json || voice.log_json)),
    };
    ui::speak(cli.wants_json(), cli.voice());
    let settings = settings?;
    let mut ui = Ui::new(&settings);
    signals::watch();
    let ended = bug::caught(|| commands::run(&cli, &settings, &mut ui));
    Ok(ended.unwrap_or_else(|error| {
        let problem = exit::diagnose(&error);
        ui.problem(&problem);
        problem.exit
    }))
}

/// clap's own words, as JSON where JSON was asked for. Help and version are no errors.
fn usage(error: &clap::Error, json: bool) -> Exit {
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Done;
    }
    if json {
        ui::problem(&Problem::usage(error.render().to_string().trim()));
    } else {
        let _ = error.print();
    }
    Exit::Usage
}
