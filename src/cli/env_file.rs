//! What a `.env` says to the command line, where neither a flag nor the environment says it.

use super::{Cli, Command, Invocation, PolicyCommand};
use crate::exit::Problem;
use crate::settings::{EnvFile, Settings, WAY_OUT};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches};
use std::ffi::OsStr;

impl Cli {
    /// The command line and the settings with what the working directory's `.env` says.
    ///
    /// # Errors
    /// A `.env` that cannot be read, says what is not its business, or gives a setting a value that it cannot have.
    pub fn configured(self, settings: Settings) -> Result<(Cli, Settings), Problem> {
        if self.needs_no_settings() {
            return Ok((self, settings));
        }
        let settings = if self.no_env { settings } else { settings.with_env_file()? };
        let file = settings.env_file().cloned().unwrap_or_default();
        let shown = file.path.display();
        let mut command = with_defaults(Cli::command(), &file);
        let malformed = |error: clap::Error| {
            let told = error.to_string();
            let told = told.lines().next().unwrap_or_default().trim_start_matches("error: ");
            Problem::usage(format!("{shown}: {told}")).hint(WAY_OUT)
        };
        let matches = command.try_get_matches_from_mut(std::env::args_os()).map_err(malformed)?;
        let cli = Cli::from_arg_matches(&matches).map_err(malformed)?;
        let cli = Cli { invocation: Invocation::of(&command, &matches), ..cli }.named();
        if cli.no_config && matches.value_source("config") == Some(ValueSource::CommandLine) {
            return Err(Problem::usage("--config names a policy, and --no-config wants none"));
        }
        let levels = levels(&command, &matches);
        for name in &file.refused {
            permitted(name, &file, &command, &levels)?;
        }
        let is_used = file.settings.keys().any(|name| {
            let mut sources = levels.iter().filter_map(|level| level.source(name));
            sources.any(|source| source == ValueSource::DefaultValue)
        });
        let is_named = cli.database_url.is_some() || cli.django.manage.is_some();
        let takes_database = !is_named && settings.takes_database_from_file();
        let settings =
            if is_used || takes_database { settings.using(&file.path) } else { settings };
        Ok((cli, settings))
    }

    /// What is asked for depends on no database.
    fn needs_no_settings(&self) -> bool {
        matches!(
            &self.command,
            Command::Completions { .. }
                | Command::Man { .. }
                | Command::Demo(_)
                | Command::Policy { command: PolicyCommand::Django(_) }
        )
    }
}

fn with_defaults(command: clap::Command, file: &EnvFile) -> clap::Command {
    let with_default = |arg: Arg| match variable(&arg).and_then(|name| file.settings.get(name)) {
        Some(value) => {
            let value = value.clone();
            arg.default_value(value)
        }
        None => arg,
    };
    command.mut_args(with_default).mut_subcommands(|command| with_defaults(command, file))
}

fn variable(arg: &Arg) -> Option<&str> {
    arg.get_env().and_then(OsStr::to_str)
}

/// A command or subcommand of the command line, and what was said to it.
struct Level<'a> {
    command: &'a clap::Command,
    matches: &'a ArgMatches,
}

impl Level<'_> {
    /// From where the flag of this variable has its value.
    fn source(&self, name: &str) -> Option<ValueSource> {
        let arg = self.command.get_arguments().find(|arg| variable(arg) == Some(name))?;
        self.matches.value_source(arg.get_id().as_str())
    }
}

fn levels<'a>(command: &'a clap::Command, matches: &'a ArgMatches) -> Vec<Level<'a>> {
    let mut levels = vec![Level { command, matches }];
    while let Some(Level { command, matches }) = levels.last()
        && let Some((name, below)) = matches.subcommand()
        && let Some(command) = command.find_subcommand(name)
    {
        levels.push(Level { command, matches: below });
    }
    levels
}

/// A variable that a `.env` may not set is passed over where something stronger says it, or where the command has
/// no use for it.
fn permitted(
    name: &str,
    file: &EnvFile,
    command: &clap::Command,
    levels: &[Level],
) -> Result<(), Problem> {
    let shown = file.path.display();
    let flag = |command: &clap::Command| {
        let mut args = command.get_arguments();
        args.find(|arg| variable(arg) == Some(name))
            .and_then(|arg| arg.get_long().map(str::to_owned))
    };
    let Some(long) = find(command, &flag) else {
        return Err(
            Problem::usage(format!("{shown}: orgsweep has no setting {name}")).hint(WAY_OUT)
        );
    };
    let stronger = [Some(ValueSource::CommandLine), Some(ValueSource::EnvVariable)];
    let concerns = |level: &&Level| flag(level.command).is_some();
    if levels.iter().filter(concerns).all(|level| stronger.contains(&level.source(name))) {
        return Ok(());
    }
    let problem = format!(
        "{shown}: {name} is not for a .env to say: it can choose and narrow, but names no policy, no place to write, \
         and nothing to remove"
    );
    Err(Problem::usage(problem).hint(format!(
        "pass --{long}, or set {name} in the environment; --no-env does without the file"
    )))
}

fn find(
    command: &clap::Command,
    wanted: &dyn Fn(&clap::Command) -> Option<String>,
) -> Option<String> {
    wanted(command).or_else(|| command.get_subcommands().find_map(|below| find(below, wanted)))
}
