//! `orgsweep preview`.

use super::context::{Prepared, Session};
use super::output::Output;
use super::per_org::{self, Series};
use super::reporting::{Ended, Reporting, refuse_writes};
use super::run_record;
use super::saved;
use crate::cli::{Preview, PreviewFormat};
use crate::database::Database;
use crate::execute::{self, Job};
use crate::exit::{self, Exit, Problem};
use crate::findings::Findings;
use crate::render;
use crate::ui::Ui;
use anyhow::Result;

pub fn run(session: &Session, args: &Preview, ui: &mut Ui) -> Result<Exit> {
    let mut output = Some(Output::open(&args.output)?);
    let ended = preview(session, args, &mut output, ui);
    // An empty script would do nothing, and well; one of an earlier run is not this one's.
    if let (Err(error), PreviewFormat::Sql, Some(output)) = (&ended, args.format, output) {
        let why = exit::diagnose(error).to_string();
        output.write(&render::script::refused(session.target.dialect(), &[why]), ui)?;
    }
    ended
}

fn preview(
    session: &Session,
    args: &Preview,
    output: &mut Option<Output>,
    ui: &mut Ui,
) -> Result<Exit> {
    if args.delete.per_org {
        if args.output.output.is_some() {
            return Err(Problem::usage("--per-org reports on stdout")
                .hint("--format json > FILE")
                .into());
        }
        let Preview { select, delete, format, detailed_exitcode, .. } = args;
        let (format, verify, detailed) = (*format, false, *detailed_exitcode);
        let series =
            Series { command: "preview", session, select, delete, format, verify, detailed };
        return per_org::preview(series, ui);
    }
    let file = run_record::destination("--save-plan", args.save_plan.as_deref(), 0o600)?;
    let (mut database, prepared) = Prepared::open(session, &args.select, &args.delete)?;
    if ui.is_heard() {
        ui.heading(&prepared.describe());
    }
    prepared.tell_ageless(&mut database, ui)?;
    let digest = args.save_plan.is_some();
    let job = Job { digest, ..prepared.job(args.delete.lock_timeout, false) };
    let reporting = Reporting {
        command: "preview",
        prepared: &prepared,
        select: &args.select,
        delete: &args.delete,
        format: args.format,
        plan: args.save_plan.as_deref(),
        detailed: args.detailed_exitcode,
    };
    let findings = measure(&mut database, &prepared, &job, ui)?;
    prepared.tell_unmatched(&mut database, &findings.organizations, ui)?;
    if findings.only_counted && args.format == PreviewFormat::Sql {
        let what = "this server is a standby: rows are only counted, a script needs their keys";
        return Err(Problem::new(Exit::Refused, what).hint("preview on the primary").into());
    }
    let ended = Ended::previewed(findings);
    if let (Some(path), Some(file)) = (&args.save_plan, file) {
        saved::save(path, file, session, &mut database, &reporting, &ended, ui)?;
    }
    let (text, exit) = reporting.text(&ended, ui);
    if let Some(output) = output.take() {
        output.write(&text, ui)?;
    }
    Ok(exit)
}

/// What a clean would find, and whether it could write at all.
pub fn measure(
    database: &mut Database,
    prepared: &Prepared,
    job: &Job,
    ui: &mut Ui,
) -> Result<Findings> {
    let read_only = database.read_only()?;
    let mut observe = |progress: execute::Progress| prepared.show_progress(ui, progress);
    let mut findings = execute::preview(database, job, &mut observe)?;
    refuse_writes(prepared, &mut findings, read_only);
    Ok(findings)
}
