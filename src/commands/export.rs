//! `orgsweep export`: an organization's rows in an archive; nothing is deleted.

mod jsonl;

use super::context::{Prepared, Session};
use super::reporting::{Ended, Reporting};
use super::run_record;
use crate::archive::{self, Kind, Manifest, Organization};
use crate::cli::{Export, ExportFormat, PreviewFormat};
use crate::execute::{self, Archiving, Job, Progress};
use crate::exit::{Exit, Problem};
use crate::label::printable;
use crate::render::counted;
use crate::ui::Ui;
use anyhow::Result;
use std::fs;
use std::path::Path;

pub fn run(session: &Session, args: &Export, ui: &mut Ui) -> Result<Exit> {
    if args.delete.per_org {
        return Err(Problem::usage(
            "--per-org is of several transactions, and an export of one state",
        )
        .hint("without it all organizations go into one archive")
        .into());
    }
    if args.output.exists() {
        let problem = format!("--output {} is there already", args.output.display());
        return Err(Problem::usage(problem).hint("name a new file").into());
    }
    // Nothing goes, so that nothing is protected: whose the rows are is asked as ever.
    let mut delete = args.delete.clone();
    if delete.force.is_empty() {
        delete.force.push("*".into());
    }
    // And what stays on purpose is the organization's all the same.
    let session = &Session { policy: session.policy.without_keeping(), ..session.clone() };
    let (mut database, prepared) = Prepared::open(session, &args.select, &delete)?;
    if ui.is_heard() {
        ui.heading(&prepared.describe());
    }
    prepared.tell_ageless(&mut database, ui)?;
    let manifest = run_record::manifest(session, &prepared, &mut database)?;
    let manifest = Manifest { exported: true, ..manifest };
    // Rows of JSON are written from an archive that was checked.
    let json = args.format == ExportFormat::Jsonl;
    if json {
        jsonl::folder(&args.output)?;
    }
    let file = if json { args.output.join("export.tar.zst") } else { args.output.clone() };
    let archiving = Archiving::to_file(&file, manifest);
    let job = Job { archive: Some(&archiving), ..prepared.job(delete.lock_timeout, false) };
    let mut observe = |progress: Progress| prepared.show_progress(ui, progress);
    let exported = execute::export(&mut database, &job, &mut observe);
    if json && !matches!(exported, Ok((_, Some(_)))) {
        // It is empty.
        let _ = fs::remove_dir(&args.output);
    }
    let (findings, sealed) = exported?;
    prepared.tell_unmatched(&mut database, &findings.organizations, ui)?;
    if findings.organizations.is_empty() {
        return Err(Problem::new(Exit::Refused, "no organization matches; nothing was written")
            .hint("orgsweep organizations lists them")
            .into());
    }
    let Some(sealed) = sealed else {
        let reporting = Reporting {
            command: "preview",
            prepared: &prepared,
            select: &args.select,
            delete: &delete,
            format: PreviewFormat::Table,
            plan: None,
            detailed: false,
        };
        return Ok(reporting.finish(ui, &Ended::previewed(findings)));
    };
    let path = sealed.keep();
    if json {
        jsonl::write(&archive::verify(&path)?, &args.output)?;
        fs::remove_file(&path)?;
    }
    ui.result(&done(if json { &args.output } else { &path }, &sealed.manifest, json));
    Ok(Exit::Done)
}

fn done(path: &Path, manifest: &Manifest, json: bool) -> String {
    let tables = manifest.sections.iter().filter(|section| section.kind == Kind::Rows).count();
    let names: Vec<String> = manifest.organizations.iter().map(Organization::title).collect();
    let others = match manifest.unlinked() {
        rows if rows > 0 && !json => {
            format!(", and what {} of others name of them", counted(rows, "row"))
        }
        _ => String::new(),
    };
    printable(&format!(
        "exported to {}: {} of {}{others}; {}; nothing was deleted",
        path.display(),
        counted(manifest.deleted(), "row"),
        counted(tables as u64, "table"),
        names.join(", ")
    ))
}
