//! `orgsweep clean`

use super::batches;
use super::consent::{confirm, consents};
use super::context::{Prepared, Session};
use super::indexes;
use super::per_org::{self, Series};
use super::preview;
use super::reporting::{Ended, Reporting, selection_in_full};
use super::run_record::{self, Recording};
use super::saved;
use crate::cli::{Clean, Preview, PreviewFormat, RecordArgs};
use crate::database::Database;
use crate::execute::{self, Failure, Job, Progress};
use crate::exit::{Exit, Problem};
use crate::findings::{Expected, Findings};
use crate::label::shell_word;
use crate::plan::Force;
use crate::receipt::{Part, Planned};
use crate::render::Outcome;
use crate::saved::SavedPlan;
use crate::ui::Ui;
use anyhow::Result;
use std::time::Instant;

pub fn run(session: &Session, args: &Clean, ui: &mut Ui) -> Result<Exit> {
    if args.dry_run {
        return preview::run(session, &Preview::of(args), ui);
    }
    if let Some(name) = args.organization.name.as_ref().filter(|_| !ui.is_interactive()) {
        let problem = "an organization is named without a flag only where a person is asked";
        let hint = format!("--org-name {}", shell_word(name));
        return Err(Problem::usage(problem).hint(hint).into());
    }
    if !matches!(args.format, PreviewFormat::Table | PreviewFormat::Json) {
        return Err(Problem::usage("clean reports as table or json")
            .hint("markdown, csv, sql and html are formats of the preview: --dry-run")
            .into());
    }
    if let Some(path) = &args.plan {
        let (saved, planned, args) = saved::load(path, args)?;
        return kept(session, &args, Some((&saved, planned)), ui);
    }
    kept(session, args, None, ui)
}

/// Leaves a receipt; of a rehearsal there is nothing to keep.
fn kept(
    session: &Session,
    args: &Clean,
    saved: Option<(&SavedPlan, Planned)>,
    ui: &mut Ui,
) -> Result<Exit> {
    let (saved, plan) = saved.unzip();
    if args.rehearse {
        return deletion(session, args, saved, &mut Vec::new(), ui);
    }
    let RecordArgs { archives, no_archive, archive_keep, receipt, metrics } = &args.record;
    let recording = Recording {
        command: "clean",
        selection: selection_in_full(&args.select, &args.delete, &session.policy),
        archives,
        receipt: receipt.as_deref(),
        metrics: metrics.as_deref(),
        needed: !no_archive,
        keep: Some(*archive_keep),
        plan,
    };
    run_record::recorded(session, recording, ui, |parts, ui| {
        deletion(session, args, saved, parts, ui)
    })
}

fn deletion(
    session: &Session,
    args: &Clean,
    saved: Option<&SavedPlan>,
    parts: &mut Vec<Part>,
    ui: &mut Ui,
) -> Result<Exit> {
    if args.delete.per_org {
        let Clean { select, delete, verify, .. } = args;
        let (format, verify, detailed) = (args.format, *verify, false);
        let series = Series { command: "clean", session, select, delete, format, verify, detailed };
        return per_org::clean(series, args, parts, ui);
    }
    if let Some(rows) = args.batch_rows {
        return batches::clean(session, args, rows, parts, ui);
    }
    // The schema may change between reading the catalog and locking its tables.
    const ATTEMPTS: u32 = 3;
    for _ in 1..ATTEMPTS {
        match once(session, args, saved, parts, ui) {
            Err(error) if matches!(error.downcast_ref(), Some(Failure::SchemaMoved)) => {
                ui.note("the schema changed meanwhile; planning again");
            }
            ended => return ended,
        }
    }
    once(session, args, saved, parts, ui)
}

fn once(
    session: &Session,
    args: &Clean,
    saved: Option<&SavedPlan>,
    parts: &mut Vec<Part>,
    ui: &mut Ui,
) -> Result<Exit> {
    let (mut database, mut prepared) = Prepared::open(session, &args.select, &args.delete)?;
    if ui.is_heard() {
        ui.heading(&prepared.describe());
    }
    prepared.tell_ageless(&mut database, ui)?;
    let archiving = run_record::archiving(session, &prepared, &mut database, &args.record)?;
    let planned = saved.zip(args.plan.as_deref());
    if let Some((saved, file)) = planned {
        saved::check(saved, session, &prepared, &mut database, file)?;
    }
    let start = Instant::now();
    let (seen, confirmed) = match agree(args, saved, &mut database, &prepared, ui)? {
        Agreed::Unseen => (false, None),
        Agreed::Not(preview) => {
            let reporting = reporting(args, &prepared);
            parts.push(reporting.part(&preview, start.elapsed()));
            return Ok(reporting.finish(ui, &preview));
        }
        Agreed::Seen { findings, confirmed } => {
            if args.create_missing_indexes {
                let tables = findings.rows().into_keys().collect();
                let open = (session, &args.select, &args.delete);
                (database, prepared) =
                    indexes::create_missing((database, prepared), &tables, open, ui)?;
            }
            (true, confirmed.then(|| Expected::from(&findings)))
        }
    };
    let job = Job { archive: archiving.as_ref(), ..job(args, saved, &prepared) };
    let saved = saved.map(|saved| saved.expected(&prepared.catalog, &prepared.plan));
    let expected = saved.as_ref().or(confirmed.as_ref());
    let mut organizations = Vec::new();
    let ended = execute::clean(&mut database, &job, expected, &mut |progress| {
        if let Progress::Selected(selected) = progress {
            organizations = selected.to_vec();
        }
        // The organizations were introduced already.
        if !seen || !matches!(progress, Progress::Selected(_)) {
            prepared.show_progress(ui, progress);
        }
    });
    let ended = match ended {
        Ok(ended) => Ended::from(ended),
        // Planned again.
        Err(failure @ Failure::SchemaMoved) => return Err(failure.into()),
        Err(failure) => {
            let error = match planned {
                Some((saved, file)) => saved::outdated(failure, saved, file, session),
                None => failure.into(),
            };
            parts.push(run_record::failed(&organizations, &error, start.elapsed()));
            return Err(error);
        }
    };
    if !seen && ended.outcome == Outcome::Nothing {
        prepared.tell_unmatched(&mut database, &[], ui)?;
    }
    let reporting = reporting(args, &prepared);
    parts.push(reporting.part(&ended, start.elapsed()));
    Ok(reporting.finish(ui, &ended))
}

fn reporting<'a>(args: &'a Clean, prepared: &'a Prepared) -> Reporting<'a> {
    let Clean { select, delete, format, plan, .. } = args;
    let plan = plan.as_deref();
    let detailed = false;
    Reporting { command: "clean", prepared, select, delete, format: *format, plan, detailed }
}

fn job<'a>(args: &Clean, saved: Option<&SavedPlan>, prepared: &'a Prepared) -> Job<'a> {
    let rehearse = args.rehearse;
    Job { digest: saved.is_some(), rehearse, ..prepared.job(args.delete.lock_timeout, args.verify) }
}

/// Whether to go on, and what is known by then.
enum Agreed {
    /// Nobody had to look.
    Unseen,
    Seen {
        findings: Findings,
        /// By somebody who was shown exactly this.
        confirmed: bool,
    },
    /// There is nothing to go on with.
    Not(Ended),
}

/// Consent, or confirmation of what a preview shows; and a preview for the indexes that are to be
/// created for what goes, and for nothing else.
fn agree(
    args: &Clean,
    saved: Option<&SavedPlan>,
    database: &mut Database,
    prepared: &Prepared,
    ui: &mut Ui,
) -> Result<Agreed> {
    // A saved plan says what may go: whoever wrote it agreed to nothing. A rehearsal takes nothing.
    let forced = saved.is_none() && prepared.plan.rules.force != Force::None;
    let consented =
        (args.rehearse || consents(args, ui, forced)) && database.read_only()?.is_none();
    if consented && !(args.create_missing_indexes && indexes::any_missing(prepared)) {
        return Ok(Agreed::Unseen);
    }
    let findings = preview::measure(database, prepared, &job(args, saved, prepared), ui)?;
    prepared.tell_unmatched(database, &findings.organizations, ui)?;
    let preview = Ended::previewed(findings);
    if preview.outcome != Outcome::Previewed {
        return Ok(Agreed::Not(preview));
    }
    if !consented {
        reporting(args, prepared).show(ui, &preview);
        let about = (&*prepared.target, preview.findings.deleted());
        confirm(ui, args, &preview.findings.organizations, about)?;
    }
    Ok(Agreed::Seen { findings: preview.findings, confirmed: !consented })
}
