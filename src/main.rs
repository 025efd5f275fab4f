//! Parses, runs, exits.

use clap::Parser;
use orgsweep::cli::{self, Cli};
use orgsweep::exit::{self, Exit};
use orgsweep::settings::Settings;
use orgsweep::ui::{self, Ui};
use orgsweep::{bug, commands, database, signals};
use std::process::ExitCode;

fn main() -> ExitCode {
    // SAFETY: nothing has started a thread yet.
    unsafe { database::trust_what_the_system_trusts() };
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
    let (json, log_options) = Cli::log_options_asked_for();
    ui::set_output(json, log_options);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return Ok(usage(error)),
    };
    ui::set_output(cli.wants_json(), cli.log_options());
    let (cli, settings) = cli.configured(Settings::new())?;
    let mut ui = Ui::new(&settings);
    signals::watch();
    let ended = bug::caught(|| commands::run(&cli, &settings, &mut ui));
    Ok(match ended {
        Ok(exit) => ui.ended(exit),
        Err(error) => {
            let problem = exit::diagnose(&error);
            ui.problem(&problem);
            problem.exit
        }
    })
}

/// clap's own words, as JSON where JSON was asked for. Help and version are no errors.
fn usage(error: clap::Error) -> Exit {
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Done;
    }
    ui::usage(&cli::mistakes::shown(error, std::env::args_os()));
    Exit::Usage
}
