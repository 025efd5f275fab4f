//! `--per-org`: one transaction for each organization. One that is refused or fails leaves the others
//! done; a lost connection, an unknown outcome and a signal end the series.

mod series_exit;

use series_exit::{combined, stops_series};

use super::consent::{confirm, consents};
use super::context::{Prepared, Session};
use super::indexes;
use super::reporting::{Ended, Reporting, refuse_writes, selection_flags};
use super::run_record;
use crate::catalog::TableId;
use crate::cli::{Clean, DeleteArgs, PreviewFormat, SelectArgs};
use crate::database::Database;
use crate::execute::{self, Archiving, Failure, Job, PerOrganization, Progress};
use crate::exit::{self, Exit, Problem};
use crate::findings::{Expected, Findings, Organization};
use crate::interrupt;
use crate::plan::{self, Force, Plan, Refusal, RefusalKind, Rules};
use crate::receipt::Part;
use crate::render::Report;
use crate::render::summary::{self, Summary, Unit};
use crate::selection::Selection;
use crate::ui::{self, Ui};
use anyhow::Result;
use std::collections::BTreeSet;
use std::time::Instant;

/// What a series is made from.
#[derive(Clone, Copy)]
pub struct Series<'a> {
    pub command: &'static str,
    pub session: &'a Session,
    pub select: &'a SelectArgs,
    pub delete: &'a DeleteArgs,
    pub format: PreviewFormat,
    pub verify: bool,
    /// The exit code tells whether there is something to delete.
    pub detailed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Preview,
    Clean,
}

/// A series under way.
struct Run<'a> {
    series: Series<'a>,
    database: Database,
    prepared: Prepared,
    /// The plan for an organization; the orphans have their own turn.
    plan: Plan,
    units: Vec<Unit>,
    /// Somebody is going to be asked.
    asks: bool,
    /// What each is expected to take with it, where somebody has seen and confirmed it.
    confirmed: Option<Vec<Option<Findings>>>,
    /// Tables of which rows would go, for the indexes that this wants.
    going: BTreeSet<TableId>,
    /// Why the database takes no writes.
    read_only: Option<String>,
    archiving: Option<Archiving>,
    /// Which columns without a foreign key have rows that name one of them.
    scoped: PerOrganization,
    /// What the receipt says of each.
    parts: Vec<Part>,
}

/// Shows what a clean of each for itself would do.
///
/// # Errors
/// What keeps the organizations from being found; more of them than `--max-orgs`.
pub fn preview(series: Series, ui: &mut Ui) -> Result<Exit> {
    let mut run = Run::open(series, ui)?;
    run.each(Task::Preview, ui);
    Ok(run.finish(ui))
}

/// Cleans each in a transaction of its own; what is selected is confirmed once.
///
/// # Errors
/// As for the preview; not confirmed.
pub fn clean(series: Series, args: &Clean, parts: &mut Vec<Part>, ui: &mut Ui) -> Result<Exit> {
    let mut run = Run::open(series, ui)?;
    let Run { prepared, database, .. } = &mut run;
    run.archiving = run_record::archiving(series.session, prepared, database, &args.record)?;
    let consented = consents(args, ui, run.prepared.plan.rules.force != Force::None);
    let indexes = args.create_missing_indexes && indexes::any_missing(&run.prepared);
    if consented && run.read_only.is_none() {
        let organizations = run.organizations(|_| true);
        if !organizations.is_empty() {
            run.prepared.show_progress(ui, Progress::Selected(&organizations));
        }
        if indexes {
            run.each(Task::Preview, ui);
        }
    } else {
        run.asks = !consented;
        let seen = run.each(Task::Preview, ui);
        let ended = run.units.iter().any(|unit| unit.exit.is_none());
        if ended || interrupt::requested() || !run.units.iter().any(Unit::would_go) {
            return Ok(run.finish(ui));
        }
        run.show(ui);
        let rows = run.units.iter().filter(|unit| unit.would_go()).map(Unit::deleted).sum();
        let organizations = run.organizations(Unit::would_go);
        confirm(ui, args, &organizations, (&run.prepared.target, rows))?;
        run.confirmed = Some(seen);
    }
    if indexes {
        run = run.create_missing_indexes(ui)?;
    }
    run.each(Task::Clean, ui);
    parts.append(&mut run.parts);
    Ok(run.finish(ui))
}

impl<'a> Run<'a> {
    fn open(series: Series<'a>, ui: &mut Ui) -> Result<Run<'a>> {
        if !matches!(series.format, PreviewFormat::Table | PreviewFormat::Json) {
            return Err(Problem::usage("--per-org reports as table or json")
                .hint("without it the preview has markdown, csv, sql and html, too")
                .into());
        }
        let (mut database, prepared) =
            Prepared::open(series.session, series.select, series.delete)?;
        if ui.is_heard() {
            ui.heading(&prepared.describe());
        }
        if prepared.root.key.is_empty() {
            let table = &prepared.catalog.table(prepared.root.table).name;
            let problem =
                format!("{table} has no key by which --per-org could tell organizations apart");
            return Err(Problem::usage(problem)
                .hint("--key-column COLUMN, or all in one transaction without --per-org")
                .into());
        }
        prepared.tell_ageless(&mut database, ui)?;
        let read_only = database.read_only()?;
        let plan = plan_without_orphans(&prepared);
        let (units, asks, confirmed) = (Vec::new(), false, None);
        let (archiving, parts, going) = (None, Vec::new(), BTreeSet::new());
        let scoped = PerOrganization::new();
        let mut run = Run {
            series,
            database,
            prepared,
            plan,
            units,
            asks,
            confirmed,
            going,
            read_only,
            archiving,
            scoped,
            parts,
        };
        run.select(ui)?;
        Ok(run)
    }

    /// Finds the organizations: these, and no others that match later.
    fn select(&mut self, ui: &mut Ui) -> Result<()> {
        let job = self.prepared.job(self.series.delete.lock_timeout, false);
        let found = execute::organizations(&mut self.database, &job)?;
        let selected = found.len() as u64;
        self.prepared.tell_unmatched(&mut self.database, &found, ui)?;
        if let Some(most) = self.series.delete.max_orgs.filter(|most| selected > *most) {
            self.prepared.show_progress(ui, Progress::Selected(&found));
            let are = if selected == 1 { "organization is" } else { "organizations are" };
            let problem =
                format!("--max-orgs is {most}, and {selected} {are} selected; nothing was changed");
            return Err(Problem::new(Exit::Refused, problem)
                .code("guard")
                .hint("are all of them meant? then raise --max-orgs; --force does not pass it")
                .into());
        }
        self.scoped = execute::name_each(&mut self.database, &job)?;
        self.units = found.into_iter().map(Unit::of).collect();
        let unmatched = !self.prepared.selection.is_empty() && self.units.is_empty();
        let orphans = !self.prepared.plan.rules.orphans.is_empty() && !unmatched;
        self.units.extend(orphans.then(Unit::default));
        Ok(())
    }

    fn organizations(&self, select: impl Fn(&Unit) -> bool) -> Vec<Organization> {
        let units = self.units.iter().filter(|unit| select(unit));
        units.filter_map(|unit| unit.organization.clone()).collect()
    }

    /// Runs the task for each in turn; once something is confirmed, for those of whom it said that they
    /// would go. Returns what was found, where somebody is going to be asked about it.
    fn each(&mut self, task: Task, ui: &mut Ui) -> Vec<Option<Findings>> {
        let of = self.units.len();
        let mut ended: Option<String> = None;
        let turn = |n: usize| -> Option<Findings> {
            if self.confirmed.is_some() && !self.units[n].would_go() {
                return None;
            }
            if interrupt::requested() && ended.is_none() {
                ended = Some("interrupted before its turn".into());
            }
            if let Some(why) = &ended {
                self.units[n].skipped(why);
                return None;
            }
            ui::set_organization(Some(self.units[n].title()));
            ui.progress(format!("{} of {of}: {}", n + 1, self.units[n].title()));
            let found = self.one(n, task, ui);
            ui::set_organization(None);
            if self.units[n].is_cleaned() {
                interrupt::committed(self.units[n].title());
            }
            found.unwrap_or_else(|why| {
                ended = Some(why);
                None
            })
        };
        (0..of).map(turn).collect()
    }

    /// Runs the task for one and writes down how it ended.
    ///
    /// # Errors
    /// Why the series cannot go on.
    fn one(&mut self, n: usize, task: Task, ui: &mut Ui) -> Result<Option<Findings>, String> {
        const ATTEMPTS: u32 = 3;
        let start = Instant::now();
        let mut attempt = 1;
        let ended = loop {
            match self.attempt(n, task, ui) {
                // What was confirmed is of the plan that it was shown with.
                Err(Failure::SchemaMoved) if self.confirmed.is_none() && attempt < ATTEMPTS => {
                    attempt += 1;
                    ui.note("the schema changed meanwhile; planning again");
                    if let Err(error) = self.plan_again() {
                        break Err(error);
                    }
                }
                ended => break ended.map_err(anyhow::Error::from),
            }
        };
        self.units[n].took = start.elapsed();
        match ended {
            Ok(ended) => {
                let after = match task {
                    Task::Preview => self.after_others(n, &ended.findings),
                    Task::Clean => None,
                };
                let mut unit = std::mem::take(&mut self.units[n]);
                let plan = self.plan_of(&unit);
                let reporting = self.reporting();
                let report = Report { plan, next: None, ..reporting.report(&ended) };
                unit.reported(&report, ui.json);
                if let Some((deleted, unlinked)) = after {
                    unit.goes_after_others(deleted, unlinked);
                }
                let part = (task == Task::Clean).then(|| reporting.part(&ended, start.elapsed()));
                if unit.would_go() {
                    self.going.extend(ended.findings.rows().into_keys());
                }
                self.units[n] = unit;
                self.parts.extend(part);
                // Thousands of organizations would add up.
                Ok(self.asks.then_some(ended.findings))
            }
            Err(error) => {
                let why = stops_series(&error, &self.units[n]);
                if let Some(key) = self.units[n].key() {
                    interrupt::told_by(self.reporting().verify_command(key));
                }
                let problem = exit::diagnose(&error);
                let organizations = self.organizations(|unit| unit.key() == self.units[n].key());
                if task == Task::Clean {
                    self.parts.push(run_record::failed(&organizations, &error, start.elapsed()));
                }
                self.units[n].failed(problem);
                why.map_or(Ok(None), Err)
            }
        }
    }

    /// Whether one that is refused would go in its turn, because what stands in its way goes with those before it:
    /// all of them together are not refused. How many rows would be left for it to delete and to unlink.
    fn after_others(&mut self, n: usize, refused: &Findings) -> Option<(u64, u64)> {
        const MOST: usize = 100;
        let may_go = |refusal: &Refusal| {
            matches!(
                refusal.kind,
                RefusalKind::Foreign | RefusalKind::Shared | RefusalKind::Protected
            )
        };
        let before: Vec<&Unit> = self.units[..n].iter().filter(|unit| unit.would_go()).collect();
        if !refused.is_refused()
            || !refused.refusals.iter().all(may_go)
            || before.is_empty()
            || before.len() > MOST
        {
            return None;
        }
        let (deleted, unlinked) = before.iter().fold((0, 0), |(deleted, unlinked), unit| {
            (deleted + unit.deleted(), unlinked + unit.unlinked())
        });
        let together = before.iter().filter_map(|unit| unit.key()).chain(self.units[n].key());
        let selection = Selection {
            only: Some(together.map(str::to_owned).collect()),
            ..self.prepared.selection.clone()
        };
        let job = Job {
            selection: &selection,
            plan: &self.plan,
            ..self.prepared.job(self.series.delete.lock_timeout, self.series.verify)
        };
        // What cannot be told stays refused.
        let all = execute::preview(&mut self.database, &job, &mut |_| {}).ok()?;
        let left =
            (all.deleted().saturating_sub(deleted), all.unlinked_rows.saturating_sub(unlinked));
        (!all.is_refused() && !all.is_empty()).then_some(left)
    }

    fn attempt(&mut self, n: usize, task: Task, ui: &mut Ui) -> Result<Ended, Failure> {
        let unit = &self.units[n];
        let selection = match unit.key() {
            // Selected again, under the lock.
            Some(key) => {
                Selection { only: Some(vec![key.to_owned()]), ..self.prepared.selection.clone() }
            }
            None => Selection::default(),
        };
        let plan = if unit.organization.is_some() { &self.plan } else { &self.prepared.plan };
        let scopes = unit.key().map(|key| self.prepared.scopes.of(key, &self.scoped));
        let job = Job {
            selection: &selection,
            plan,
            scopes: scopes.as_ref(),
            archive: self.archiving.as_ref(),
            may_shrink: true,
            ..self.prepared.job(self.series.delete.lock_timeout, self.series.verify)
        };
        match task {
            Task::Preview => {
                let mut findings = execute::preview(&mut self.database, &job, &mut |_| {})?;
                refuse_writes(&self.prepared, &mut findings, self.read_only.clone());
                Ok(Ended::previewed(findings))
            }
            Task::Clean => {
                let expected = self.confirmed.as_ref().and_then(|confirmed| confirmed[n].as_ref());
                let expected = expected.map(Expected::from);
                let prepared = &self.prepared;
                let mut observe = |progress: Progress| match progress {
                    Progress::Retrying { .. } => prepared.show_progress(ui, progress),
                    // What is slow for one is slow for all of them.
                    Progress::Slow(_) if n == 0 => prepared.show_progress(ui, progress),
                    _ => {}
                };
                execute::clean(&mut self.database, &job, expected.as_ref(), &mut observe)
                    .map(Ended::from)
            }
        }
    }

    fn create_missing_indexes(mut self, ui: &mut Ui) -> Result<Run<'a>> {
        let Series { session, select, delete, .. } = self.series;
        let open = (self.database, self.prepared);
        (self.database, self.prepared) =
            indexes::create_missing(open, &self.going, (session, select, delete), ui)?;
        self.plan = plan_without_orphans(&self.prepared);
        Ok(self)
    }

    fn plan_again(&mut self) -> Result<()> {
        let Series { session, select, delete, .. } = self.series;
        (self.database, self.prepared) = Prepared::open(session, select, delete)?;
        self.plan = plan_without_orphans(&self.prepared);
        let job = self.prepared.job(delete.lock_timeout, false);
        self.scoped = execute::name_each(&mut self.database, &job)?;
        Ok(())
    }

    fn plan_of(&self, unit: &Unit) -> &Plan {
        if unit.organization.is_some() { &self.plan } else { &self.prepared.plan }
    }

    fn reporting(&self) -> Reporting<'_> {
        let Series { command, select, delete, format, .. } = self.series;
        let (prepared, plan, detailed) = (&self.prepared, None, self.series.detailed);
        Reporting { command, prepared, select, delete, format, plan, detailed }
    }

    /// Shows what is to be confirmed.
    fn show(&self, ui: &mut Ui) {
        let alone = !ui.is_interactive();
        let render =
            |width| self.summarized(Exit::Done, alone, |summary| summary::table(summary, width));
        ui.show(render);
    }

    /// Reports on all and tells how the command ends.
    fn finish(mut self, ui: &mut Ui) -> Exit {
        // Orphans are no organization that somebody asked for.
        self.units.retain(|unit| unit.organization.is_some() || !unit.is_nothing());
        let unmatched = self.units.is_empty() && self.series.select.require_match;
        let exit = match combined(&self.units, unmatched, interrupt::reason().map(Exit::from)) {
            Exit::Done if self.series.detailed && self.units.iter().any(Unit::would_go) => {
                Exit::Something
            }
            exit => exit,
        };
        let text = self.summarized(exit, false, |summary| {
            if ui.json { summary::json(summary) } else { summary::table(summary, ui.width) }
        });
        if self.series.command == "preview" {
            ui.result(&text)
        } else {
            ui.report(&text, exit)
        }
        exit
    }

    /// `alone`: nobody is there to confirm what is named to be typed next.
    fn summarized(
        &self,
        exit: Exit,
        alone: bool,
        render: impl FnOnce(&Summary) -> String,
    ) -> String {
        let reporting = self.reporting();
        let units = &self.units;
        let refused = || units.iter().filter(|unit| unit.is_refused());
        let full = refused().find_map(Unit::key).map(|key| reporting.preview_command(key));
        let passable = refused().next().is_some() && refused().all(Unit::is_passable);
        let unknown = units.iter().filter(|unit| unit.is_unknown()).find_map(Unit::key);
        let next = match unknown {
            Some(key) => Some(reporting.verify_command(key)),
            None if units.iter().any(Unit::would_go) => {
                let next = reporting.clean_command(false);
                Some(if alone { next.agreed() } else { next }.to_string())
            }
            None => passable.then(|| reporting.clean_command(true).to_string()),
        };
        render(&Summary {
            command: self.series.command,
            database: &self.prepared.target,
            exit,
            selection: &selection_flags(self.series.select, self.series.delete).join(" "),
            units,
            full: full.as_deref(),
            next: next.as_deref(),
        })
    }
}

fn plan_without_orphans(prepared: &Prepared) -> Plan {
    let rules = Rules { orphans: Vec::new(), ..prepared.plan.rules.clone() };
    plan::build(&prepared.catalog, prepared.root.table, rules)
}
