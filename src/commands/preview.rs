//! `orgsweep preview`, and the reporting that it shares with clean.

use super::context::Prepared;
use crate::cli::{How, Preview, PreviewFormat, Which};
use crate::database::Target;
use crate::execute;
use crate::exit::Exit;
use crate::findings::{Findings, Step};
use crate::plan::{Force, RefusalKind};
use crate::render::{self, Outcome, Report};
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeMap;
use std::time::Duration;

pub fn run(target: &Target, args: &Preview, ui: &mut Ui) -> Result<Exit> {
    let (mut database, prepared) = Prepared::open(target, &args.which, &args.how)?;
    if !ui.json {
        ui.note(&prepared.describe());
    }
    let job = prepared.job(args.how.lock_timeout, false);
    let findings =
        execute::preview(&mut database, &job, &mut |progress| prepared.narrate(ui, progress))?;
    let reporting = Reporting {
        command: "preview",
        prepared: &prepared,
        which: &args.which,
        how: &args.how,
        format: args.format,
    };
    Ok(reporting.finish(ui, previewed(&findings), &findings, BTreeMap::new()))
}

/// What a preview with these findings has come to.
pub fn previewed(findings: &Findings) -> Outcome {
    match () {
        () if findings.organizations.is_empty() => Outcome::Nothing,
        () if findings.is_refused() => Outcome::Refused,
        () => Outcome::Previewed,
    }
}

/// How a command reports what it found or did.
pub struct Reporting<'a> {
    pub command: &'static str,
    pub prepared: &'a Prepared,
    pub which: &'a Which,
    pub how: &'a How,
    pub format: PreviewFormat,
}

impl Reporting<'_> {
    /// Prints the report and tells how the command ends.
    pub fn finish(
        &self,
        ui: &mut Ui,
        outcome: Outcome,
        findings: &Findings,
        durations: BTreeMap<Step, Duration>,
    ) -> Exit {
        let exit = match outcome {
            Outcome::Refused => Exit::Refused,
            Outcome::Nothing if self.which.require_match => Exit::Refused,
            _ => Exit::Done,
        };
        let next = match outcome {
            Outcome::Previewed | Outcome::Refused => self.next_command(findings),
            _ => None,
        };
        let report = Report {
            command: self.command,
            outcome,
            exit: exit.code(),
            database: self.prepared.target.clone(),
            dialect: self.prepared.dialect,
            catalog: &self.prepared.catalog,
            plan: &self.prepared.plan,
            findings,
            durations,
            checks_reason: self.prepared.checks_reason.clone(),
            next,
            all: self.how.all,
        };
        ui.result(&match self.format {
            PreviewFormat::Table => render::table::report(&report, ui.width),
            PreviewFormat::Json => render::json::report(&report),
            PreviewFormat::Markdown => render::markdown::report(&report),
            PreviewFormat::Csv => render::csv::report(&report),
            PreviewFormat::Sql => render::script::report(&report),
        });
        exit
    }

    /// The command that does what was previewed; with `--force` where that is all that is missing.
    fn next_command(&self, findings: &Findings) -> Option<String> {
        let passable =
            |kind: RefusalKind| matches!(kind, RefusalKind::Protected | RefusalKind::Overlap);
        if findings.refusals.iter().any(|refusal| !passable(refusal.kind)) {
            return None;
        }
        let (which, how) = (self.which, self.how);
        let mut words = vec!["orgsweep".to_owned(), "clean".into()];
        let mut flag = |name: &str, values: &[String]| {
            for value in values {
                words.extend([format!("--{name}"), shell_word(value)]);
            }
        };
        flag("org-name", &which.org_name);
        flag("org-id", &which.org_id);
        flag("org-like", &which.org_like);
        flag("root", which.root.as_slice());
        flag("name-column", which.name_column.as_slice());
        flag("foreign", &how.foreign);
        if how.with_children {
            words.push("--with-children".into());
        }
        match findings.is_refused() || self.prepared.plan.rules.force == Force::All {
            true => words.push("--force".into()),
            false => {
                words.extend(how.force.iter().map(|name| format!("--force={}", shell_word(name))))
            }
        }
        Some(words.join(" "))
    }
}

/// Quoted for a POSIX shell where it needs to be.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
