//! What was typed, for the commands that are printed to be typed next: they meet the same database, by the same
//! policy and under the same guards. Every flag that the next command takes is carried over by itself.

use super::Cli;
use crate::database::Target;
use crate::label::shell_word;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory};
use std::collections::BTreeSet;
use std::fmt;

/// What says which organizations are meant: [`NextCommand::of_key`] says it anew.
const SELECTING: [&str; 9] = [
    "org-name",
    "org-id",
    "org-like",
    "where",
    "select",
    "older-than",
    "orphans",
    "require-match",
    "plan",
];
/// What is about a series of organizations.
const SERIAL: [&str; 2] = ["per-org", "max-orgs"];
/// How one run speaks, or what it was besides: the next one is asked anew.
const OF_ONE_RUN: [&str; 12] = [
    "dry-run",
    "rehearse",
    "yes",
    "format",
    "output",
    "save-plan",
    "detailed-exitcode",
    "all",
    "quiet",
    "color",
    "log-format",
    "log-level",
];

/// The flags on the command line; what variables and files say, they say to the next command, too.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    flags: Vec<Flag>,
}

#[derive(Debug, Clone)]
struct Flag {
    name: String,
    /// As a shell reads them: `--org-name 'Apex Inc.'`, several times where it was given several times.
    words: Vec<String>,
}

/// `orgsweep clean …`, in the order of its help.
pub struct NextCommand {
    name: &'static str,
    /// What it is about, before all flags.
    subject: Option<String>,
    command: Command,
    flags: Vec<Flag>,
}

impl Invocation {
    /// Of the innermost command; the flags of all commands are flags of it.
    pub fn of(command: &Command, matches: &ArgMatches) -> Invocation {
        if let Some((name, below)) = matches.subcommand()
            && let Some(command) = command.find_subcommand(name)
        {
            return Invocation::of(command, below);
        }
        let typed = |arg: &&Arg| {
            matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
        };
        let flag = |arg: &Arg| {
            let unnamed = (arg.get_id() == "name").then_some("org-name");
            let name = arg.get_long().or(unnamed)?.to_owned();
            let words = match arg.get_action() {
                ArgAction::SetTrue => vec![format!("--{name}")],
                _ => {
                    let values = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
                    let joined = arg.is_require_equals_set();
                    values.map(|value| flag(&name, &value.to_string_lossy(), joined)).collect()
                }
            };
            Some(Flag { name, words })
        };
        Invocation { flags: command.get_arguments().filter(typed).filter_map(flag).collect() }
    }

    /// The same flags, as far as this command takes them.
    pub fn next(&self, name: &'static str) -> NextCommand {
        let mut cli = Cli::command();
        cli.build();
        let command = cli.find_subcommand(name).cloned().unwrap_or_default();
        let carried = |flag: &&Flag| !OF_ONE_RUN.contains(&flag.name.as_str());
        let flags = self.flags.iter().filter(carried).cloned().collect();
        NextCommand { name, subject: None, command, flags }
    }
}

impl NextCommand {
    /// About this organization alone.
    pub fn of_key(self, key: &str) -> NextCommand {
        self.of_keys(&[key])
    }

    /// About these alone.
    pub fn of_keys(mut self, keys: &[&str]) -> NextCommand {
        self.flags.retain(|flag| {
            let name = flag.name.as_str();
            !SELECTING.contains(&name) && !SERIAL.contains(&name)
        });
        let words = keys.iter().map(|key| flag("org-id", key, false)).collect();
        self.flags.push(Flag { name: "org-id".into(), words });
        self
    }

    /// What a saved plan says; everything that may not be said beside it is in it.
    pub fn of_plan(mut self, file: &str) -> NextCommand {
        if let Some(plan) = self.command.get_arguments().find(|arg| arg.get_long() == Some("plan"))
        {
            let said = self.command.get_arg_conflicts_with(plan);
            let said: Vec<&str> = said.into_iter().filter_map(Arg::get_long).collect();
            self.flags.retain(|flag| !said.contains(&flag.name.as_str()));
        }
        self.with("plan", file)
    }

    /// The preview that saves anew what these flags of a saved plan say; what was typed beside it counts more.
    pub fn saving(mut self, saved: &[String], file: &str) -> NextCommand {
        let typed = self.flags.clone();
        let is_typed = |name: &str| typed.iter().any(|flag| flag.name == name);
        for word in saved {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let name = name.trim_start_matches('-');
            if !is_typed(name) {
                let said = if value.is_empty() { word.clone() } else { flag(name, value, true) };
                self.flags.push(Flag { name: name.into(), words: vec![said] });
            }
        }
        self.with("save-plan", file)
    }

    /// Of this archive. The receipt that was asked for is the one of what went.
    pub fn of_archive(mut self, archive: &str) -> NextCommand {
        self.flags.retain(|flag| flag.name != "receipt");
        NextCommand { subject: Some(shell_word(archive)), ..self }
    }

    /// With all that `--force` gets past.
    pub fn forced(self) -> NextCommand {
        self.with("force", ALL)
    }

    /// With these columns as references to the organizations.
    pub fn scoped(mut self, columns: &BTreeSet<String>) -> NextCommand {
        let own = columns.iter().map(|column| flag("scope-column", column, false));
        match self.flags.iter_mut().find(|flag| flag.name == "scope-column") {
            Some(typed) => typed.words.extend(own),
            None => self.flags.push(Flag { name: "scope-column".into(), words: own.collect() }),
        }
        self
    }

    /// Where nobody is there to confirm it.
    pub fn agreed(mut self) -> NextCommand {
        self.flags.push(Flag { name: "yes".into(), words: vec!["--yes".into()] });
        self
    }

    fn with(mut self, name: &str, value: &str) -> NextCommand {
        self.flags.retain(|flag| flag.name != name);
        self.flags.push(Flag { name: name.into(), words: vec![flag(name, value, false)] });
        self
    }
}

impl fmt::Display for NextCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "orgsweep {}", self.name)?;
        self.subject.iter().try_for_each(|subject| write!(f, " {subject}"))?;
        for arg in self.command.get_arguments() {
            let own = self.flags.iter().filter(|flag| arg.get_long() == Some(&flag.name));
            for word in own.flat_map(|flag| &flag.words) {
                write!(f, " {word}")?;
            }
        }
        Ok(())
    }
}

/// What bare `--force` and `--leave-behind` stand for.
const ALL: &str = "*";

/// `--org-id 7`; with `=` where a value would pass for a flag, or belongs to it only so.
fn flag(name: &str, value: &str, joined: bool) -> String {
    match name {
        "force" | "leave-behind" if value == ALL => format!("--{name}"),
        "database-url" => format!("--{name} {}", shell_word(&shown_url(value))),
        _ if joined || value.starts_with('-') => shell_word(&format!("--{name}={value}")),
        _ => format!("--{name} {}", shell_word(value)),
    }
}

/// A file's as it was typed; a server's with `***` in the place of its password, which no server is asked with.
fn shown_url(url: &str) -> String {
    match Target::parse(url) {
        Ok(Target::Sqlite(_)) => url.to_owned(),
        Ok(target) => target.redacted(),
        Err(_) => crate::database::shown_word(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str]) -> Invocation {
        let mut command = Cli::command();
        let words = ["orgsweep"].iter().chain(words);
        let matches = command.try_get_matches_from_mut(words).expect("a command line");
        Invocation::of(&command, &matches)
    }

    #[track_caller]
    fn check(words: &[&str], wanted: &str) {
        assert_eq!(typed(words).next("clean").to_string(), wanted);
    }

    #[test]
    fn the_next_command_has_every_flag_that_it_takes() {
        check(
            &[
                "--database-url",
                "sqlite:b.db",
                "preview",
                "--org-name",
                "Apex Inc.",
                "--no-env",
                "--no-config",
                "--max-rows",
                "9",
                "--reference-checks",
                "set",
                "--older-than",
                "400d",
                "--format",
                "json",
            ],
            "orgsweep clean --org-name 'Apex Inc.' --older-than 400d --max-rows 9 --reference-checks set \
             --database-url sqlite:b.db --no-config --no-env",
        );
        check(
            &[
                "clean",
                "--org-id",
                "1",
                "--dry-run",
                "--no-archive",
                "--batch-rows",
                "5",
                "--verify",
                "--metrics",
                "m",
                "--receipt",
                "r",
                "--archive-dir",
                "a b",
                "--lock-timeout",
                "5s",
                "--deadline",
                "1h",
                "--yes",
            ],
            "orgsweep clean --org-id 1 --lock-timeout 5s --deadline 1h --batch-rows 5 --verify --archive-dir 'a b' \
             --no-archive --receipt r --metrics m",
        );
        check(
            &[
                "preview",
                "--org-id=-1",
                "--force=Mixed Case.tenantId",
                "--engine-cascade",
                "--org-name=-dash",
            ],
            "orgsweep clean --org-name=-dash --org-id=-1 '--force=Mixed Case.tenantId' --engine-cascade=always",
        );
    }

    #[test]
    fn no_password_is_in_it() {
        for url in [
            "postgres://me:secret@db/x",
            "mysql://me:secret@db/x",
            "postgres://db/x?password=secret",
        ] {
            let next = typed(&["--database-url", url, "preview", "--org-id", "1"])
                .next("clean")
                .to_string();
            assert!(
                next.contains("***") && next.contains("db/x") && !next.contains("secret"),
                "{next}"
            );
        }
    }

    #[test]
    fn one_organization_and_a_plan_are_said_anew() {
        let series = typed(&[
            "preview",
            "--org-like",
            "e2e-*",
            "--older-than",
            "1d",
            "--per-org",
            "--no-config",
        ]);
        assert_eq!(
            series.next("verify").of_key("-7").to_string(),
            "orgsweep verify --org-id=-7 --no-config"
        );
        let forced = typed(&[
            "preview",
            "--org-id",
            "1",
            "--force=a.b",
            "--max-rows",
            "9",
            "--save-plan",
            "p",
        ]);
        assert_eq!(
            forced.next("clean").of_plan("p 1").to_string(),
            "orgsweep clean --max-rows 9 --plan 'p 1'"
        );
        assert_eq!(
            forced.next("clean").forced().agreed().to_string(),
            "orgsweep clean --org-id 1 --force --max-rows 9 --yes"
        );
    }
}
