//! What most commands begin with: connect, read the catalog, find the root, resolve the flags.

use crate::catalog::{self, Catalog, Origin, ReferenceId};
use crate::cli::{How, Orphans, ReferenceChecks, Which};
use crate::database::{Database, Target};
use crate::doctor::{self, Unindexed};
use crate::execute::{self, Job, Progress};
use crate::exit::{Exit, Problem};
use crate::findings::{Organization, Step};
use crate::label::printable;
use crate::plan::{self, Checks, Consent, Force, ForeignAction, Guards, Plan, Rules};
use crate::policy::{self, Fault, Policy, Resolved};
use crate::render::{counted, grouped, table::age};
use crate::selection::{Root, RootNames, RootProblem, Selection, find_root, similar};
use crate::sql::{Dialect, Sql, Statement};
use crate::ui::Ui;
use anyhow::Result;
use std::time::Duration;
use toml::Spanned;

/// The database that a command is about, and the policy for it.
#[derive(Debug, Clone)]
pub struct Subject {
    pub target: Target,
    pub policy: Policy,
}

/// A database, what it says about itself, and what the policy makes of it.
pub struct Context {
    pub database: Database,
    /// With the references that the policy means.
    pub catalog: Catalog,
    pub root: Root,
    /// The policy's part of the rules.
    pub rules: Rules,
}

impl Context {
    /// Connects, reads the catalog and applies the policy.
    ///
    /// # Errors
    /// Those of the connection; a root or a policy that does not fit the database.
    pub fn open(subject: &Subject, which: &Which, lock_timeout: Duration) -> Result<Context> {
        let Subject { target, policy } = subject;
        let mut database = Database::connect(target, false)?;
        database.set_busy_timeout(lock_timeout)?;
        let catalog = database.in_snapshot(catalog::load)?;
        let root = root(policy, which, &catalog)?;
        let Resolved { catalog, rules } = policy::resolve(policy, catalog, root.table)
            .map_err(|faults| policy_problem(&faults))?;
        Ok(Context { database, catalog, root, rules })
    }

    /// The plan, and why its reference checks are what they are.
    pub fn plan(&mut self, how: &How) -> Result<(Plan, String)> {
        let rules = rules(&self.catalog, &self.rules, how)?;
        self.try_policy()?;
        let mut plan = plan::build(&self.catalog, self.root.table, rules);
        let (checks, reason) = self.checks(&plan, how.reference_checks)?;
        plan.rules.checks = checks;
        Ok((plan, reason))
    }

    /// What only the database knows of a policy: its SQL conditions are expressions over their
    /// tables, and what its references compare can be compared.
    ///
    /// # Errors
    /// Those that are not, with their place in the file.
    pub fn try_policy(&mut self) -> Result<()> {
        const BATCH: usize = 100;
        let (rules, catalog, database) = (&self.rules, &self.catalog, &mut self.database);
        let plan = plan::build(catalog, self.root.table, rules.clone());
        let sql = Sql::new(database.dialect(), catalog, &plan);
        let mut fails = |statement: &Statement| {
            database.in_snapshot(|database| database.query(statement)).err()
        };
        let mut faults = Vec::new();
        let mut fault = |place: &String, message: String| {
            faults.push(Fault { place: place.clone(), message, hint: None });
        };
        for condition in rules.orphans.iter().chain(&rules.guards.test_data) {
            if let Some(error) = sql.try_condition(condition).iter().find_map(&mut fails) {
                let what = "the database does not understand this condition";
                fault(&condition.place, format!("{what}: {error}"));
            }
        }
        for batch in said(catalog).chunks(BATCH) {
            if fails(&sql.try_references(batch)).is_none() {
                continue;
            }
            for id in batch {
                if let Some(error) = fails(&sql.try_references(&[*id])) {
                    let arrow = catalog.reference_arrow(*id);
                    let place = &catalog.reference(*id).declaration.place;
                    fault(place, format!("the database cannot read {arrow} so: {error}"));
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(policy_problem(&faults)) }
    }

    /// The organizations that the flags select.
    ///
    /// # Errors
    /// Nothing selected, or what could select everything; a flag that this root table cannot serve.
    pub fn selection(&self, which: &Which) -> Result<Selection> {
        let selection = selection(which, &self.root, &self.catalog)?;
        if let Some(created) = selection.older_than.and(self.root.created.as_deref()) {
            let table = self.catalog.table(self.root.table);
            let column = table.columns.iter().find(|column| column.name == created);
            if !column.is_some_and(|column| self.database.dialect().tells_time(&column.type_name)) {
                let problem = format!(
                    "{}.{created} is no time, so --older-than has nothing to go by",
                    table.name
                );
                return Err(Problem::usage(problem)
                    .hint("--created-column COLUMN names another")
                    .into());
            }
        }
        Ok(selection)
    }

    fn checks(&mut self, plan: &Plan, wanted: ReferenceChecks) -> Result<(Checks, String)> {
        let dialect = self.database.dialect();
        let replica_role = match (dialect, wanted) {
            (Dialect::Sqlite, _) | (_, ReferenceChecks::Engine) => true,
            (Dialect::Postgres, _) => self.database.in_snapshot(may_use_replica_role)?,
        };
        let automatic = execute::choose_checks(&self.catalog, plan, dialect, replica_role);
        match wanted {
            ReferenceChecks::Engine => Ok((Checks::Engine, "asked for".into())),
            ReferenceChecks::Auto => Ok((automatic.checks, automatic.reason)),
            ReferenceChecks::Set if automatic.set_is_possible => {
                Ok((Checks::Set, "asked for".into()))
            }
            ReferenceChecks::Set => Err(Problem::new(
                Exit::Refused,
                format!("set-based reference checks are not possible here: {}", automatic.reason),
            )
            .hint("--reference-checks engine")
            .into()),
        }
    }
}

/// References of which a policy says more than their action, between tables that may be read.
fn said(catalog: &Catalog) -> Vec<ReferenceId> {
    let said = |id: &ReferenceId| {
        let reference = catalog.reference(*id);
        let readable = |table| catalog.table(table).privileges.select;
        let declaration = &reference.declaration;
        (declaration.origin == Origin::Declared || declaration.default.is_some())
            && readable(reference.child)
            && readable(reference.parent)
    };
    catalog.reference_ids().filter(said).collect()
}

/// May this session turn per-row checks off? A superuser may; from PostgreSQL 15 on, whoever was
/// granted SET on the parameter.
pub fn may_use_replica_role(database: &mut Database) -> Result<bool> {
    let facts = database.query_one(&Statement::from(
        "SELECT current_setting('is_superuser'), current_setting('server_version_num')",
    ))?;
    if facts.text(0) == "on" || facts.number(1) < 150_000 {
        return Ok(facts.text(0) == "on");
    }
    let granted = database.query_one(&Statement::from(
        "SELECT has_parameter_privilege('session_replication_role', 'SET')::text",
    ))?;
    Ok(granted.flag(0))
}

fn selection(which: &Which, root: &Root, catalog: &Catalog) -> Result<Selection> {
    let selection = Selection {
        names: which.org_name.clone(),
        ids: which.org_id.clone(),
        patterns: which.org_like.clone(),
        older_than: which.older_than,
        only: None,
        required: which.require_match,
    };
    if let Some(problem) = selection.problem() {
        let hint = match selection.is_empty() && selection.older_than.is_some() {
            true => {
                "--older-than only filters what --org-name, --org-id or --org-like 'e2e-*' selects"
            }
            false => "name it: --org-name NAME, --org-id KEY or --org-like 'e2e-*'",
        };
        return Err(Problem::usage(problem).hint(hint).into());
    }
    let table = &catalog.table(root.table).name;
    if root.name.is_none() && !(selection.names.is_empty() && selection.patterns.is_empty()) {
        return Err(Problem::usage(format!("{table} has no column that looks like a name"))
            .hint("--name-column COLUMN, or --org-id KEY")
            .into());
    }
    if root.key.is_none() && !selection.ids.is_empty() {
        return Err(Problem::usage(format!("{table} has no key of one column for --org-id"))
            .hint("--org-name NAME")
            .into());
    }
    if selection.older_than.is_some() && root.created.is_none() {
        let problem =
            format!("{table} has no column that tells when a row was made, for --older-than");
        return Err(Problem::usage(problem).hint("--created-column COLUMN").into());
    }
    Ok(selection)
}

/// No organization: `--orphans only`.
fn orphans_alone(which: &Which, rules: &Rules) -> Result<Selection> {
    let named = [&which.org_name, &which.org_id, &which.org_like];
    if named.iter().any(|names| !names.is_empty()) {
        return Err(Problem::usage("--orphans only takes no organization along")
            .hint("--orphans with takes both; leave the organization out to take the orphans alone")
            .into());
    }
    if rules.orphans.is_empty() {
        return Err(Problem::usage("--orphans only: no policy names any orphans")
            .hint("[[orphans]] in orgsweep.toml names them; --config FILE names another policy")
            .into());
    }
    Ok(Selection::default())
}

/// The table of organizations: flags and environment before the policy before a look at the names.
fn root(policy: &Policy, which: &Which, catalog: &Catalog) -> Result<Root> {
    let file = &policy.file.root;
    // Columns that the policy names are those of its own table, whoever names that.
    let other = match (&which.root, &file.table) {
        (Some(wanted), Some(own)) => {
            catalog.tables_named(wanted) != catalog.tables_named(own.as_ref())
        }
        _ => false,
    };
    let column = |flag: &Option<String>, named: &Option<Spanned<String>>| {
        let named = named.as_ref().filter(|_| !other).map(|name| name.as_ref().clone());
        flag.clone().or(named)
    };
    let table = which.root.clone().or(file.table.as_ref().map(|table| table.as_ref().clone()));
    let key = column(&which.key_column, &file.key);
    let name = column(&which.name_column, &file.name);
    let created = column(&which.created_column, &file.created_at);
    let names = RootNames {
        table: table.as_deref(),
        key: key.as_deref(),
        name: name.as_deref(),
        created: created.as_deref(),
    };
    find_root(catalog, names).map_err(|problem| {
        let mut said = [&file.table, &file.key, &file.name, &file.created_at].into_iter().flatten();
        let place = match &problem {
            RootProblem::NoSuchTable { wanted, .. }
            | RootProblem::NoSuchColumn { wanted, .. }
            | RootProblem::NoKey { wanted, .. } => said.find(|name| name.as_ref() == wanted),
            _ => None,
        };
        root_problem(&problem, place.map(|place| policy.place(&place.span())))
    })
}

fn guard_problem(fault: Fault) -> Problem {
    let problem = Problem::new(Exit::Refused, format!("{fault}; nothing was changed"));
    Problem { hint: fault.hint, ..problem }
}

/// Everything that is wrong with a policy, one line each.
pub fn policy_problem(faults: &[Fault]) -> anyhow::Error {
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    let hints: Vec<&str> = faults.iter().filter_map(|fault| fault.hint.as_deref()).collect();
    let problem = Problem::usage(lines.join("\n"));
    match hints.is_empty() {
        true => problem.hint("orgsweep policy check shows what the policy means").into(),
        false => problem.hint(hints.join("\n")).into(),
    }
}

fn rules(catalog: &Catalog, policy: &Rules, how: &How) -> Result<Rules> {
    let consents: Result<Vec<Consent>> =
        how.foreign.iter().map(|text| consent(catalog, text)).collect();
    Ok(Rules {
        force: force(catalog, &how.force)?,
        consents: consents?,
        with_children: how.with_children,
        orphans: match how.orphans {
            Orphans::Without => Vec::new(),
            Orphans::With | Orphans::Only => policy.orphans.clone(),
        },
        guards: guards(&policy.guards, how),
        ..policy.clone()
    })
}

/// Of two limits the lower one holds: a flag cannot loosen a guard.
fn guards(policy: &Guards, how: &How) -> Guards {
    let flag = how.max_rows.map(|most| (most, "--max-rows".to_owned()));
    let limits = policy.max_rows.clone().into_iter().chain(flag);
    let max_rows = limits.min_by_key(|(most, _)| *most);
    Guards { max_rows, max_organizations: how.max_orgs, ..policy.clone() }
}

fn force(catalog: &Catalog, named: &[String]) -> Result<Force> {
    match named {
        [] => Ok(Force::None),
        all if all.iter().any(|name| name == "*") => Ok(Force::All),
        named => {
            let references: Result<Vec<Vec<ReferenceId>>> =
                named.iter().map(|name| references(catalog, "--force", name)).collect();
            Ok(Force::Only(references?.into_iter().flatten().collect()))
        }
    }
}

fn consent(catalog: &Catalog, text: &str) -> Result<Consent> {
    let (action, rest) = match text.split_once('=') {
        Some((action, rest)) => (action, Some(rest)),
        None => (text, None),
    };
    let malformed = || {
        Problem::usage(format!("--foreign {text}: not understood")).hint(
            "delete, unlink, delete=TABLE.COLUMN, unlink=TABLE.COLUMN or reassign=TABLE.COLUMN:KEY",
        )
    };
    let one = |name: &str| -> Result<ReferenceId> {
        match references(catalog, "--foreign", name)?[..] {
            [reference] => Ok(reference),
            _ => Err(Problem::usage(format!("--foreign: {name} names several references"))
                .hint("use the constraint's name")
                .into()),
        }
    };
    match (action, rest) {
        ("delete", None) => Ok(Consent { action: ForeignAction::Delete, reference: None }),
        ("unlink", None) => Ok(Consent { action: ForeignAction::Unlink, reference: None }),
        ("delete", Some(name)) => {
            Ok(Consent { action: ForeignAction::Delete, reference: Some(one(name)?) })
        }
        ("unlink", Some(name)) => {
            Ok(Consent { action: ForeignAction::Unlink, reference: Some(one(name)?) })
        }
        ("reassign", Some(rest)) => {
            let (name, key) = rest.split_once(':').ok_or_else(malformed)?;
            let reference = one(name)?;
            if catalog.reference(reference).columns.len() != 1 {
                let problem =
                    format!("--foreign {text}: only references of one column can be reassigned");
                return Err(Problem::usage(problem).into());
            }
            Ok(Consent { action: ForeignAction::Reassign(key.into()), reference: Some(reference) })
        }
        _ => Err(malformed().into()),
    }
}

fn references(catalog: &Catalog, flag: &str, name: &str) -> Result<Vec<ReferenceId>> {
    let found = catalog.references_named(name);
    if found.is_empty() {
        let names = catalog.reference_ids().map(|id| catalog.reference_name(id));
        let problem = Problem::usage(format!("{flag}: there is no reference {name}"));
        return Err(match &similar(name, names)[..] {
            [] => problem.hint("orgsweep graph lists the references"),
            near => problem.hint(format!("did you mean {}?", near.join(" or "))),
        }
        .into());
    }
    Ok(found)
}

pub fn root_problem(problem: &RootProblem, place: Option<String>) -> anyhow::Error {
    let error = root_error(problem);
    match place {
        Some(place) => Problem { message: format!("{place}: {}", error.message), ..error }.into(),
        None => error.into(),
    }
}

fn root_error(problem: &RootProblem) -> Problem {
    let did_you_mean = |problem: Problem, similar: &[String]| match similar {
        [] => problem.hint("orgsweep graph --root TABLE shows what a table reaches"),
        near => problem.hint(format!("did you mean {}?", near.join(" or "))),
    };
    match problem {
        RootProblem::NoSuchTable { wanted, similar } => {
            did_you_mean(Problem::usage(format!("there is no table {wanted}")), similar)
        }
        RootProblem::NoSuchColumn { table, wanted, similar } => {
            did_you_mean(Problem::usage(format!("{table} has no column {wanted}")), similar)
        }
        RootProblem::NoKey { table, wanted } => {
            Problem::usage(format!("{table}.{wanted} is no unique key"))
                .hint("the key tells one organization from all others")
        }
        RootProblem::NoneFound { choices } => Problem::usage("no table looks like organizations")
            .hint(match &choices[..] {
                [] => {
                    "the database has no tables; --root TABLE names one where there are".to_owned()
                }
                choices => format!("name it with --root: {}?", choices.join(", ")),
            }),
        RootProblem::Ambiguous { choices } => {
            let roots: Vec<String> = choices.iter().map(|name| format!("--root {name}")).collect();
            Problem::usage(format!(
                "several tables could be the organizations: {}",
                choices.join(", ")
            ))
            .hint(format!("choose one: {}", roots.join(" or ")))
        }
    }
}

/// Everything decided before the first row is looked at, apart from the connection.
pub struct Prepared {
    pub catalog: Catalog,
    pub root: Root,
    pub plan: Plan,
    pub selection: Selection,
    pub dialect: Dialect,
    /// The target as it may be shown.
    pub target: String,
    /// Why the reference checks are what they are.
    pub checks_reason: String,
    /// The policy file's path, where there is one.
    pub policy: Option<String>,
}

impl Prepared {
    /// Connects and plans.
    ///
    /// # Errors
    /// Also a guard on the database that does not hold.
    pub fn open(subject: &Subject, which: &Which, how: &How) -> Result<(Database, Prepared)> {
        let mut context = Context::open(subject, which, how.lock_timeout)?;
        let place = context.database.place()?;
        subject.policy.guard(&place).map_err(guard_problem)?;
        let selection = match how.orphans {
            Orphans::Only => orphans_alone(which, &context.rules)?,
            _ => context.selection(which)?,
        };
        let (plan, checks_reason) = context.plan(how)?;
        let Context { database, catalog, root, .. } = context;
        let (dialect, target) = (database.dialect(), database.target().redacted());
        let policy = Some(subject.policy.path().to_owned()).filter(|path| !path.is_empty());
        let prepared =
            Prepared { catalog, root, plan, selection, dialect, target, checks_reason, policy };
        Ok((database, prepared))
    }

    pub fn job(&self, lock_timeout: Duration, verify: bool) -> Job<'_> {
        Job {
            catalog: &self.catalog,
            plan: &self.plan,
            root: &self.root,
            selection: &self.selection,
            lock_timeout,
            verify,
            may_shrink: false,
        }
    }

    /// `sqlite:crm.db, organizations in organizations.name`
    pub fn describe(&self) -> String {
        let name = self.root.name.as_deref().map(|name| format!(".{name}")).unwrap_or_default();
        let policy = self.policy.as_deref().map(|path| format!(", policy {path}"));
        format!(
            "{}, organizations in {}{name}{}",
            self.target,
            self.catalog.table(self.root.table).name,
            policy.unwrap_or_default()
        )
    }

    /// Says how many of the organizations have no age by which they could be older than anything: an
    /// unattended job would pass over them for ever.
    ///
    /// # Errors
    /// What keeps organizations from being found.
    pub fn tell_ageless(&self, database: &mut Database, ui: &mut Ui) -> Result<()> {
        if ui.json || self.selection.older_than.is_none() {
            return Ok(());
        }
        let selection = Selection { older_than: None, ..self.selection.clone() };
        let job = Job { selection: &selection, ..self.job(Duration::from_secs(10), false) };
        let found = execute::organizations(database, &job)?;
        let ageless = found.iter().filter(|one| one.age_seconds.is_none()).count() as u64;
        if ageless > 0 {
            let table = &self.catalog.table(self.root.table).name;
            let column = self.root.created.as_deref().unwrap_or_default();
            ui.note(&format!(
                "{} without a time in {table}.{column}, never older than anything",
                counted(ageless, "matching organization")
            ));
        }
        Ok(())
    }

    /// Tells on stderr what is going on.
    pub fn narrate(&self, ui: &mut Ui, progress: Progress) {
        narrate(ui, &self.catalog, &self.plan, progress);
    }
}

/// Tells on stderr what is going on.
pub fn narrate(ui: &mut Ui, catalog: &Catalog, plan: &Plan, progress: Progress) {
    let name = |table: &crate::catalog::TableId| catalog.table(*table).name.to_string();
    match progress {
        Progress::Selected(organizations) => {
            if !ui.json {
                ui.note(&introduction(organizations));
            }
        }
        Progress::Finding { table, rows } => {
            ui.progress(format!("finding rows: {} of {}", grouped(rows), name(&table)));
        }
        Progress::Checking => ui.progress("looking for rows that stand in the way".into()),
        Progress::Slow(unindexed) => {
            for slow in unindexed {
                ui.note(&format!("warning: {}", slow_text(catalog, slow)));
            }
        }
        Progress::Working { step, rows, of } => {
            let (verb, table) = match step {
                Step::Delete(table) => ("deleted", name(&table)),
                Step::Unlink(position) => {
                    let id = plan.unlinks[position].reference;
                    ("unlinked", catalog.reference_name(id))
                }
            };
            ui.progress(format!("{verb} {} of {table}, {} in all", grouped(rows), grouped(of)));
        }
        Progress::Proving => ui.progress("proving that nothing is left".into()),
        Progress::Committing => ui.progress("committing".into()),
        Progress::Retrying { attempt } => {
            ui.note(&format!("others got in the way; rolled back, trying again ({attempt})"));
        }
    }
}

fn slow_text(catalog: &Catalog, slow: &Unindexed) -> String {
    format!(
        "no index finds the rows of {}: the engine's checks will take about {} (orgsweep doctor tells the cure, \
         --create-missing-indexes applies it)",
        catalog.reference_arrow(slow.reference),
        doctor::seconds(slow.cost.as_secs_f64()),
    )
}

/// Which organizations are about to be looked at.
fn introduction(organizations: &[Organization]) -> String {
    const SHOWN: usize = 10;
    let mut lines = vec![format!("{}:", counted(organizations.len() as u64, "organization"))];
    lines.extend(organizations.iter().take(SHOWN).map(|organization| {
        let name = organization.name.as_deref().map_or_else(|| "(no name)".into(), printable);
        let age = organization.age_seconds.and_then(age);
        let age = age.map(|age| format!(", {age} old")).unwrap_or_default();
        format!("  {name} (key {}{age})", organization.key)
    }));
    if organizations.len() > SHOWN {
        lines.push(format!("  … and {} more", organizations.len() - SHOWN));
    }
    lines.join("\n")
}
