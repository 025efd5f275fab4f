//! Parses, runs, exits.

use clap::Parser;
use orgsweep::cli::{self, Cli};
use orgsweep::exit::{self, Exit, Problem};
use orgsweep::settings::Settings;
use orgsweep::ui::{self, Ui};
use orgsweep::{commands, signals};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage(error).code()),
    };
    let settings = Settings::new();
    let (cli, settings, problem) = match cli.clone().configured(settings.clone()) {
        Ok((cli, settings)) => (cli, settings, None),
        Err(problem) => (cli, settings, Some(problem)),
    };
    let mut ui = Ui::new(&settings, cli.wants_json(), cli.voice());
    if let Some(problem) = problem {
        ui.problem(&problem);
        return ExitCode::from(problem.exit.code());
    }
    signals::watch();
    let run = std::panic::AssertUnwindSafe(|| commands::run(&cli, &settings, &mut ui));
    let exit = match std::panic::catch_unwind(run) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            let problem = exit::diagnose(&error);
            ui.problem(&problem);
            problem.exit
        }
        // The panic's message is on stderr; the connection is gone, and its transaction with it.
        Err(_) => {
            ui.problem(
                &Problem::new(Exit::Bug, "orgsweep has a bug; nothing was committed after it")
                    .hint("please report the message above"),
            );
            Exit::Bug
        }
    };
    ExitCode::from(exit.code())
}

/// clap's own words, as JSON where JSON was asked for. Help and version are no errors.
fn usage(error: clap::Error) -> Exit {
    if !error.use_stderr() {
        ui::usage(&error, false);
        return Exit::Done;
    }
    let words: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into()).collect();
    let json = words.iter().any(|word| word == "--format=json")
        || words.windows(2).any(|pair| pair == ["--format", "json"]);
    ui::usage(&cli::mistakes::shown(error, std::env::args_os()), json);
    Exit::Usage
}
