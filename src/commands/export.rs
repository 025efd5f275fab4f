//! `orgsweep export`: an organization's rows in an archive; nothing is deleted.

use super::context::{Prepared, Session};
use super::reporting::{Ended, Reporting};
use super::run_record;
use crate::archive::{Kind, Manifest, Organization};
use crate::cli::{Export, PreviewFormat};
use crate::execute::{self, Archiving, Job, Progress};
use crate::exit::{Exit, Problem};
use crate::label::printable;
use crate::render::counted;
use crate::ui::Ui;
use anyhow::Result;
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
    let (mut database, prepared) = Prepared::open(session, &args.select, &delete)?;
    if ui.is_heard() {
        ui.heading(&prepared.describe());
    }
    prepared.tell_ageless(&mut database, ui)?;
    let manifest = run_record::manifest(session, &prepared, &mut database)?;
    let archiving = Archiving::to_file(&args.output, manifest);
    let job = Job { archive: Some(&archiving), ..prepared.job(delete.lock_timeout, false) };
    let mut observe = |progress: Progress| prepared.show_progress(ui, progress);
    let (findings, sealed) = execute::export(&mut database, &job, &mut observe)?;
    prepared.tell_unmatched(&mut database, &findings.organizations, ui)?;
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
    ui.result(&exported(&path, &sealed.manifest));
    Ok(Exit::Done)
}

fn exported(path: &Path, manifest: &Manifest) -> String {
    let tables = manifest.sections.iter().filter(|section| section.kind == Kind::Rows).count();
    let names: Vec<String> = manifest.organizations.iter().map(Organization::title).collect();
    printable(&format!(
        "exported to {}: {} of {}, {} of others that name them; {}; nothing was deleted",
        path.display(),
        counted(manifest.deleted(), "row"),
        counted(tables as u64, "table"),
        counted(manifest.unlinked(), "row"),
        names.join(", ")
    ))
}
