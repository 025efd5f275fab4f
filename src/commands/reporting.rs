//! How preview and clean report what they found and did: the report, the next command, the receipt's part.

use super::context::Prepared;
use crate::archive;
use crate::cli::{
    DeleteArgs, EngineCascade, NextCommand, Orphans, PreviewFormat, SelectArgs, durations,
};
use crate::execute::{self, Kept};
use crate::exit::{Exit, Problem};
use crate::findings::{self, Counted, Findings, LeftBehind, Rehearsal, Step, Unlinked};
use crate::label::shell_word;
use crate::plan::{Force, Refusal, RefusalKind};
use crate::policy::Policy;
use crate::receipt::{Part, digests};
use crate::render::html::Made;
use crate::render::{self, Outcome, Report};
use crate::ui::Ui;
use clap::ValueEnum;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;

/// What a standby does not answer.
const COUNTED: &str = "; rows are only counted here: which of them belong to others, are protected or left behind, the guards and samples \
                       need the primary";

/// The database takes no writes, and why.
pub fn refuse_writes(prepared: &Prepared, findings: &mut Findings, read_only: Option<String>) {
    if let Some(mut why) = read_only.filter(|_| !findings.is_empty()) {
        if findings.only_counted {
            why.push_str(COUNTED);
        }
        let refusal = Refusal::new(RefusalKind::ReadOnly, prepared.root.table, None);
        findings.refusals.push(Refusal { detail: why, ..refusal });
    }
}

/// How a preview or a clean has ended, as reports know it.
pub struct Ended {
    pub outcome: Outcome,
    pub findings: Findings,
    pub durations: BTreeMap<Step, Duration>,
    /// Where what went is kept; several of a series of batches.
    pub archives: Vec<Kept>,
    pub rehearsal: Option<Rehearsal>,
}

impl Ended {
    fn short(outcome: Outcome, findings: Findings) -> Ended {
        let durations = BTreeMap::new();
        Ended { outcome, findings, durations, archives: Vec::new(), rehearsal: None }
    }

    /// What a preview with these findings has come to.
    pub fn previewed(findings: Findings) -> Ended {
        let outcome = match () {
            () if findings.is_empty() => Outcome::Nothing,
            () if findings.is_refused() => Outcome::Refused,
            () => Outcome::Previewed,
        };
        Ended::short(outcome, findings)
    }
}

impl From<execute::Outcome> for Ended {
    fn from(outcome: execute::Outcome) -> Ended {
        match outcome {
            execute::Outcome::Nothing(findings) => Ended::short(Outcome::Nothing, findings),
            execute::Outcome::Refused(findings) => Ended::short(Outcome::Refused, findings),
            execute::Outcome::Cleaned { findings, durations, archive } => {
                let archives = archive.into_iter().map(|kept| *kept).collect();
                let cleaned = Ended::short(Outcome::Cleaned, findings);
                Ended { durations, archives, ..cleaned }
            }
            execute::Outcome::Rehearsed { findings, durations, rehearsal } => {
                let rehearsed = Ended::short(Outcome::Rehearsed, findings);
                Ended { durations, rehearsal: Some(rehearsal), ..rehearsed }
            }
        }
    }
}

/// How a command reports what it found or did.
pub struct Reporting<'a> {
    pub command: &'static str,
    pub prepared: &'a Prepared,
    pub select: &'a SelectArgs,
    pub delete: &'a DeleteArgs,
    pub format: PreviewFormat,
    /// The plan's file, where one is saved or followed.
    pub plan: Option<&'a Path>,
    /// The exit code tells whether there is something to delete.
    pub detailed: bool,
}

impl Reporting<'_> {
    /// Prints the report and tells how the command ends.
    pub fn finish(&self, ui: &mut Ui, ended: &Ended) -> Exit {
        let (text, exit) = self.text(ended, ui);
        ui.report(&text, exit);
        exit
    }

    /// The report, and how the command ends.
    pub fn text(&self, ended: &Ended, ui: &mut Ui) -> (String, Exit) {
        let mut exit = self.exit(ended);
        let report = self.report(ended);
        let text = match self.format {
            PreviewFormat::Table => render::table::report(&report, ui.width),
            PreviewFormat::Json => render::json::report(&report),
            PreviewFormat::Markdown => render::markdown::report(&report),
            PreviewFormat::Csv => render::csv::report(&report),
            PreviewFormat::Sql => render::script::report(&report).unwrap_or_else(|why| {
                exit = Exit::Refused;
                let problem = Problem::new(exit, format!("no script can be written: {why}"));
                ui.problem(&problem.hint("orgsweep clean does without one"));
                render::script::refused(report.dialect, &[why])
            }),
            PreviewFormat::Html => {
                let by = self.prepared.actor.clone();
                render::html::preview(&report, &Made { at: OffsetDateTime::now_utc(), by })
            }
        };
        (text, exit)
    }

    /// Shows what is to be confirmed; where nobody is there to do so, with the command that needs nobody.
    pub fn show(&self, ui: &mut Ui, ended: &Ended) {
        let mut report = self.report(ended);
        if !ui.is_interactive() {
            report.next = self.next_command(&ended.findings).map(|next| next.agreed().to_string());
        }
        ui.show(|width| render::table::report(&report, width));
    }

    fn exit(&self, ended: &Ended) -> Exit {
        let unmatched = ended.findings.organizations.is_empty();
        match ended.outcome {
            Outcome::Refused => Exit::Refused,
            Outcome::Nothing if self.select.require_match && unmatched => Exit::Refused,
            Outcome::Previewed if self.detailed => Exit::Something,
            _ => Exit::Done,
        }
    }

    /// What the receipt says of it.
    pub fn part(&self, ended: &Ended, took: Duration) -> Part {
        let Ended { outcome, findings, archives, .. } = ended;
        let archive = archives.first();
        let cleaned = *outcome == Outcome::Cleaned;
        let organization = |one: &findings::Organization| archive::Organization {
            key: one.key.clone(),
            name: one.name.clone(),
        };
        let table = |(table, rows)| (self.prepared.catalog.table(table).name.to_string(), rows);
        let rows = findings.rows().into_iter().filter(|_| cleaned);
        let name = |id| self.prepared.catalog.reference_name(id);
        let left_behind = |left: &LeftBehind| {
            let rows = match left.rows {
                Counted::Rows(rows) => Some(rows),
                Counted::Unknown(_) => None,
            };
            (name(left.scope), rows)
        };
        let stranded = |unlinked: &Unlinked| {
            let id = self.prepared.plan.unlinks[unlinked.unlink].reference;
            (unlinked.stranded > 0).then(|| (name(id), unlinked.stranded))
        };
        Part {
            organizations: findings.organizations.iter().map(organization).collect(),
            outcome: outcome.as_str().into(),
            error: None,
            seconds: took.as_secs_f64(),
            deleted: if cleaned { findings.deleted() } else { 0 },
            unlinked: if cleaned { findings.unlinked_rows } else { 0 },
            tables: rows.map(table).collect(),
            left_behind: findings.left_behind.iter().map(left_behind).collect(),
            stay: !findings.staying.is_empty(),
            linked: findings.linked.iter().map(|(id, rows)| (name(*id), *rows)).collect(),
            kept: findings.stays.iter().map(|(id, rows)| table((*id, *rows))).collect(),
            unassociated: findings
                .unassociated
                .iter()
                .filter(|_| cleaned)
                .map(|(id, rows)| (name(*id), *rows))
                .collect(),
            stranded: findings.unlinked.iter().filter(|_| cleaned).filter_map(stranded).collect(),
            unproven: render::unproven(&findings.proof),
            archive: archive.map(Kept::file_name),
            digests: archive.map(|kept| digests(&kept.manifest)).unwrap_or_default(),
            archive_digest: archive.map(|kept| kept.manifest.digest()),
            restored: None,
        }
    }

    pub fn report<'a>(&'a self, ended: &'a Ended) -> Report<'a> {
        let Ended { outcome, findings, durations, archives, rehearsal } = ended;
        let next = match outcome {
            Outcome::Previewed | Outcome::Rehearsed | Outcome::Refused => {
                self.next_command(findings)
            }
            _ => None,
        };
        Report {
            command: self.command,
            outcome: *outcome,
            exit: self.exit(ended).code(),
            database: self.prepared.target.clone(),
            dialect: self.prepared.dialect,
            role: &self.prepared.role,
            catalog: &self.prepared.catalog,
            plan: &self.prepared.plan,
            findings,
            durations: durations.clone(),
            rehearsal: rehearsal.as_ref(),
            archives: archives.iter().map(|kept| kept.path.display().to_string()).collect(),
            checks_reason: self.prepared.checks_reason.clone(),
            silence: self.prepared.silence,
            selection: selection_flags(self.select, self.delete).join(" "),
            conditions: &self.prepared.selection.conditions,
            next: next.map(|next| next.to_string()),
            restore: self.restore_command(archives),
            all: self.delete.all,
        }
    }

    /// The command that does what was previewed; with `--force` where that is all that is missing, and may be said.
    fn next_command(&self, findings: &Findings) -> Option<NextCommand> {
        let refused = findings.is_refused();
        let scoped =
            |it: &&Refusal| matches!(it.kind, RefusalKind::LeftBehind | RefusalKind::Uncounted);
        let catalog = &self.prepared.catalog;
        let untold =
            |it: &Refusal| it.reference.is_some_and(|id| catalog.reference(id).is_untold());
        if findings.refusals.iter().any(untold) {
            return None;
        }
        let column = |id| catalog.reference(id).columns.join(",");
        let columns: BTreeSet<String> = findings
            .refusals
            .iter()
            .filter(scoped)
            .filter_map(|it| it.reference)
            .map(column)
            .collect();
        let mut others = findings.refusals.iter().filter(|refusal| !scoped(refusal));
        let passable = others.all(|refusal| refusal.kind.is_passable());
        let next = |name| self.prepared.invocation.next(name);
        match self.plan.map(Path::to_string_lossy) {
            _ if !passable => None,
            Some(_) if refused && self.command == "clean" => None,
            None if !columns.is_empty() => Some(next("preview").scoped(&columns)),
            // Whoever wants a plan approved is not led past it.
            Some(file) if !columns.is_empty() => {
                Some(next("preview").scoped(&columns).saving(&[], &file))
            }
            Some(file) if refused => Some(next("preview").forced().saving(&[], &file)),
            Some(file) => Some(next("clean").of_plan(&file)),
            None => Some(self.clean_command(refused)),
        }
    }

    /// What brings back what is gone.
    fn restore_command(&self, archives: &[Kept]) -> Option<String> {
        let name = match archives {
            [] => return None,
            [archive] => archive.file_name(),
            _ => "latest".to_owned(),
        };
        Some(self.prepared.invocation.next("restore").of_archive(&name).to_string())
    }

    /// `orgsweep clean` with the same flags; with `--force` besides where that is missing.
    pub fn clean_command(&self, forced: bool) -> NextCommand {
        let next = self.prepared.invocation.next("clean");
        if forced { next.forced() } else { next }
    }

    /// The preview of one organization alone.
    pub fn preview_command(&self, key: &str) -> String {
        self.prepared.invocation.next("preview").of_key(key).to_string()
    }

    /// Whether one is gone.
    pub fn verify_command(&self, key: &str) -> String {
        self.prepared.invocation.next("verify").of_key(key).to_string()
    }

    /// The flags that a saved plan stands for: the organizations by key, where they have one.
    pub fn flags(&self, findings: &Findings) -> Vec<String> {
        let SelectArgs { org_name, org_id, org_like, root, key_column, name_column, .. } =
            self.select;
        let SelectArgs { condition, select, .. } = self.select;
        let DeleteArgs { force, foreign, with_children, orphans, max_rows, .. } = self.delete;
        let DeleteArgs { reference_checks, cascade, scope, .. } = self.delete;
        let keys: Vec<String> = findings.organizations.iter().map(|one| one.key.clone()).collect();
        let by_key = !self.prepared.root.key.is_empty();
        let none = Vec::new();
        let named = |names| if by_key { &none } else { names };
        let forced = match self.prepared.plan.rules.force {
            Force::All => vec!["*".to_owned()],
            _ => force.clone(),
        };
        let value = |value: Option<clap::builder::PossibleValue>| {
            value.map(|value| value.get_name().to_owned())
        };
        let (orphans, checks) =
            (value(orphans.to_possible_value()), value(reference_checks.to_possible_value()));
        let most = max_rows.map(|most| most.to_string());
        let flagged = [
            ("org-id", if by_key { &keys[..] } else { org_id }),
            ("org-name", named(org_name)),
            ("org-like", named(org_like)),
            ("where", condition.as_slice()),
            ("select", select.as_slice()),
            ("root", root.as_slice()),
            ("key-column", key_column.as_slice()),
            ("name-column", name_column.as_slice()),
            ("foreign", foreign),
            ("cascade", cascade),
            ("scope-column", &scope.scope_column),
            ("leave-behind", &scope.leave_behind),
            ("force", &forced),
            ("orphans", orphans.as_slice()),
            ("reference-checks", checks.as_slice()),
            ("max-rows", most.as_slice()),
        ];
        let flag = |(name, values): (&str, &[String])| -> Vec<String> {
            values.iter().map(|value| format!("--{name}={value}")).collect()
        };
        let children = with_children.then(|| "--with-children".to_owned());
        let others = children.into_iter().chain(keep(self.delete));
        let others = others.chain(engine_cascade(self.delete));
        flagged.into_iter().flat_map(flag).chain(others).collect()
    }
}

fn keep(delete: &DeleteArgs) -> Option<String> {
    delete.keep_organization.then(|| "--keep-organization".to_owned())
}

/// `--engine-cascade=never`, where it is not left to orgsweep.
fn engine_cascade(delete: &DeleteArgs) -> Option<String> {
    let when = delete.engine_cascade;
    let value = when.to_possible_value().filter(|_| when != EngineCascade::Auto);
    value.map(|value| format!("--engine-cascade={}", value.get_name()))
}

/// `--org-like 'e2e-*' --older-than 1d`
pub fn selection_flags(select: &SelectArgs, delete: &DeleteArgs) -> Vec<String> {
    let older = select.older_than.map(durations::shown);
    let SelectArgs { org_name, org_id, org_like, condition, select, .. } = select;
    let orphans = match delete.orphans {
        Orphans::With => &[][..],
        Orphans::Only => &["only".to_owned()],
        Orphans::Without => &["without".to_owned()],
    };
    let flagged = [
        ("org-name", &org_name[..]),
        ("org-id", org_id),
        ("org-like", org_like),
        ("where", condition.as_slice()),
        ("select", select.as_slice()),
        ("older-than", older.as_slice()),
        ("orphans", orphans),
    ];
    flagged.into_iter().flat_map(|(name, values)| flags(name, values)).collect()
}

/// The same with what the policy says of a selection today.
pub fn selection_in_full(select: &SelectArgs, delete: &DeleteArgs, policy: &Policy) -> Vec<String> {
    let named =
        |(name, _): &(&toml::Spanned<String>, _)| Some(name.as_ref()) == select.select.as_ref();
    let meant = policy.file.selections.iter().find(named);
    let meant = meant.map(|(_, selection)| format!("(where {})", selection.condition.as_ref()));
    selection_flags(select, delete).into_iter().chain(meant).chain(keep(delete)).collect()
}

fn flags(name: &str, values: &[String]) -> Vec<String> {
    values.iter().flat_map(|value| [format!("--{name}"), shell_word(value)]).collect()
}
