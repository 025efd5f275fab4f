//! What most commands begin with: connect, read the catalog, find the root, resolve the flags.

use super::conditions::{self, conditions};
use super::progress::show_progress;
use super::roots::{orphans_alone, root, selection, tell_unmatched};
use super::rules::{meant, rules};
use crate::archive::Actor;
use crate::catalog::{Catalog, Origin, Privileges, Reference, ReferenceId, TableId};
use crate::cli::{DeleteArgs, Invocation, Orphans, ReferenceChecks, Scope, SelectArgs};
use crate::database::{Database, ReplicaRole, Target};
use crate::engine::{Dialect, Silence, Statement};
use crate::execute::{self, Job, Progress, ScopeCheck};
use crate::exit::{Exit, Problem};
use crate::findings::Organization;
use crate::interrupt;
use crate::introspect;
use crate::plan::{self, Checks, Condition, EngineCascade, Plan, Rules};
use crate::policy::{self, Fault, Meant, Policy, Resolved, ServerNames};
use crate::render::counted;
use crate::selection::{Root, Selection};
use crate::settings::Settings;
use crate::signals;
use crate::sql::Sql;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The database that a command is about, and the policy for it.
#[derive(Debug, Clone)]
pub struct Session {
    pub target: Target,
    pub policy: Policy,
    pub settings: Settings,
    /// What was typed.
    pub invocation: Invocation,
}

/// A database, what it says about itself, and what the policy makes of it.
pub struct Context {
    pub database: Database,
    /// With the references that the policy means.
    pub catalog: Catalog,
    pub root: Root,
    /// The policy's part of the rules.
    pub rules: Rules,
    /// The policy, and what `--select NAME` means by it.
    policy: Policy,
    selections: BTreeMap<String, Condition>,
}

impl Context {
    /// Connects, reads the catalog and applies the policy.
    ///
    /// # Errors
    /// Those of the connection; a root or a policy that does not fit the database.
    pub fn open(session: &Session, select: &SelectArgs, lock_timeout: Duration) -> Result<Context> {
        let Session { target, policy, .. } = session;
        let mut database = Database::connect(target, false)?;
        database.set_busy_timeout(lock_timeout)?;
        let catalog = database.in_snapshot(introspect::load)?;
        let root = root(policy, select, &catalog, &mut database)?;
        let Resolved { catalog, mut rules, selections } =
            policy::resolve(policy, catalog, root.table)
                .map_err(|faults| policy_problem(&faults))?;
        // The others are called as the selected ones are.
        if let Some(name) = &root.name {
            rules.labels.entry(root.table).or_insert_with(|| vec![name.clone()]);
        }
        let policy = policy.clone();
        Ok(Context { database, catalog, root, rules, policy, selections })
    }

    /// The plan, and why its reference checks are what they are.
    pub fn plan(&mut self, policy: &Policy, delete: &DeleteArgs) -> Result<(Plan, String)> {
        self.take_flags(policy, &delete.scope, &delete.cascade)?;
        let rules = rules(&self.catalog, self.root.table, &self.rules, delete)?;
        self.try_policy()?;
        let mut plan = plan::build(&self.catalog, self.root.table, rules);
        let (checks, reason) = match (plan.rules.engine_cascade, delete.reference_checks) {
            (EngineCascade::Always, ReferenceChecks::Set) => {
                let problem = "the engine's own cascades are its own checks, too";
                return Err(Problem::usage(problem)
                    .hint("--engine-cascade without --reference-checks set")
                    .into());
            }
            (EngineCascade::Always, _) => (Checks::Engine, "the engine cascades".into()),
            (_, wanted) => self.checks(&plan, wanted)?,
        };
        plan.rules.checks = checks;
        Ok((plan, reason))
    }

    /// The catalog means what these flags say from now on.
    ///
    /// # Errors
    /// See [`meant`].
    pub fn take_flags(&mut self, policy: &Policy, scope: &Scope, cascade: &[String]) -> Result<()> {
        let catalog = std::mem::take(&mut self.catalog);
        self.catalog = meant(policy, catalog, self.root.table, scope, cascade)?;
        Ok(())
    }

    /// What only the database knows of a policy: its SQL conditions are expressions over their
    /// tables, and what its references compare can be compared.
    ///
    /// # Errors
    /// Those that are not, with their place in the file.
    pub fn try_policy(&mut self) -> Result<()> {
        const BATCH: usize = 100;
        const UNKNOWN: &str = "the database does not understand this condition";
        let (rules, catalog, database) = (&self.rules, &self.catalog, &mut self.database);
        let plan = plan::build(catalog, self.root.table, rules.clone());
        let sql = Sql::new(database.dialect(), catalog, &plan);
        let theirs = database.dialect().names_theirs();
        let mut fails = |statement: &Statement, names: Option<&str>| {
            let asked = database.in_snapshot(|database| {
                names.map_or(Ok(()), |set| database.run(set))?;
                database.query(statement)
            });
            asked.err()
        };
        let mut faults = Vec::new();
        let mut fault = |place: &String, message: String| {
            faults.push(Fault { place: place.clone(), message, hint: None });
        };
        let mut one_fails =
            |tries: &[Statement]| tries.iter().find_map(|statement| fails(statement, theirs));
        for condition in rules.orphans.iter().chain(&rules.guards.test_data) {
            if let Some(error) = one_fails(&sql.try_condition(condition)) {
                fault(&condition.place, format!("{UNKNOWN}: {error}"));
            }
        }
        for keeping in &rules.keeping {
            if let Some(error) = one_fails(&sql.try_expression(&keeping.rows)) {
                fault(&keeping.rows.place, format!("{UNKNOWN}: {error}"));
            }
            for erased in &keeping.erased {
                let says = |it: &&Reference| it.naming_columns().any(|it| *it == erased.column);
                let mut scopes = catalog.scopes.iter().filter(|it| it.child == keeping.rows.table);
                if let Some(scope) = scopes.find(says) {
                    let column = &erased.column;
                    fault(
                        &erased.value.place,
                        format!(
                            "{column} cannot be erased: it says whose the row is ({}); references = \"null\" says what becomes of that",
                            catalog.table(scope.parent).name
                        ),
                    );
                }
                if let Some(error) = one_fails(&sql.try_erased(erased)) {
                    let what = format!("{} cannot be erased so", erased.column);
                    fault(&erased.value.place, format!("{what}: {error}"));
                }
            }
        }
        for id in said(catalog) {
            if let Some(why) = sql.incomparable(id) {
                let arrow = catalog.reference_arrow(id);
                let place = &catalog.reference(id).declaration.place;
                fault(place, format!("the database cannot read {arrow} so: {why}"));
            }
        }
        for batch in said(catalog).chunks(BATCH) {
            if fails(&sql.try_references(batch), None).is_none() {
                continue;
            }
            for id in batch {
                if let Some(error) = fails(&sql.try_references(&[*id]), None) {
                    let arrow = catalog.reference_arrow(*id);
                    let place = &catalog.reference(*id).declaration.place;
                    fault(place, format!("the database cannot read {arrow} so: {error}"));
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(policy_problem(&faults)) }
    }

    /// See [`conditions::try_all`].
    fn try_conditions(&mut self, conditions: &[Condition]) -> Result<()> {
        if conditions.is_empty() {
            return Ok(());
        }
        let plan = plan::build(&self.catalog, self.root.table, self.rules.clone());
        let sql = Sql::new(self.database.dialect(), &self.catalog, &plan);
        conditions::try_all(&mut self.database, &sql, &self.root, conditions)
    }

    /// Tries what the policy says of selections, whichever are asked for.
    ///
    /// # Errors
    /// See [`conditions::try_all`].
    pub fn try_selections(&mut self) -> Result<()> {
        let all: Vec<Condition> = self.selections.values().cloned().collect();
        self.try_conditions(&all)
    }

    /// The policy's selections: name and condition.
    pub fn selections(&self) -> impl Iterator<Item = (&String, &Condition)> {
        self.selections.iter()
    }

    /// The organizations that the flags select.
    ///
    /// # Errors
    /// Nothing selected, or what could select everything; a flag that this root table cannot serve.
    pub fn selection(&mut self, select: &SelectArgs) -> Result<Selection> {
        self.selected(select, false)
    }

    /// The same for a list: where no flag says which, all of them.
    ///
    /// # Errors
    /// As for a selection.
    pub fn listed(&mut self, select: &SelectArgs) -> Result<Selection> {
        self.selected(select, !select.selects())
    }

    fn selected(&mut self, select: &SelectArgs, every: bool) -> Result<Selection> {
        let conditions = conditions(select, &self.root, &self.policy, &self.selections)?;
        let said = conditions.iter().map(|condition| condition.sql.clone()).collect();
        let all = Selection { every, conditions: said, ..Selection::default() };
        let selection = selection(select, &self.root, &self.catalog, all)?;
        self.try_conditions(&conditions)?;
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

    /// What keeps triggers from firing when the rows of this plan are put back.
    fn silence(&mut self, plan: &Plan) -> Result<Silence> {
        let sees = |id: TableId| {
            let (back, linked) = (plan.tables.contains(&id), plan.unlinks_in(id, &self.catalog));
            let mut triggers = self.catalog.table(id).triggers.iter();
            triggers.any(|t| (back && t.on_insert) || (linked && t.on_update))
        };
        if self.catalog.table_ids().any(sees) {
            Ok(self.database.silence()?)
        } else {
            Ok(Silence::Nothing)
        }
    }

    /// The role to which something is to be granted: asked where a privilege is missing.
    fn lacking_role(&mut self) -> Result<String> {
        let lacks = |id: TableId| self.catalog.table(id).privileges != Privileges::ALL;
        if self.catalog.table_ids().any(lacks) {
            Ok(self.database.role()?)
        } else {
            Ok(String::new())
        }
    }

    fn checks(&mut self, plan: &Plan, wanted: ReferenceChecks) -> Result<(Checks, String)> {
        let dialect = self.database.dialect();
        let replica_role = match wanted {
            // Nobody will use it.
            ReferenceChecks::Engine => ReplicaRole::None,
            ReferenceChecks::Auto | ReferenceChecks::Set => self.database.replica_role()?,
        };
        let automatic = execute::choose_checks(&self.catalog, plan, dialect, &replica_role);
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

/// A condition of several lines as it is told.
fn on_one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn guard_problem(fault: Fault) -> Problem {
    let problem = Problem::new(Exit::Refused, format!("{fault}; nothing was changed"));
    Problem { hint: fault.hint, ..problem }.code("guard")
}

/// Everything that is wrong with a policy, one line each.
pub fn policy_problem(faults: &[Fault]) -> anyhow::Error {
    let mut lines = faults.iter().map(Fault::to_string);
    let hints: Vec<&str> = faults.iter().filter_map(|fault| fault.hint.as_deref()).collect();
    let problem = Problem::usage(lines.next().unwrap_or_default());
    let problem = Problem { more: lines.collect(), ..problem }.code("policy");
    if hints.is_empty() {
        problem.hint("orgsweep policy check shows what the policy means").into()
    } else {
        problem.hint(hints.join("; ")).into()
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
    /// What it leaves to the environment: ` (database crm on db.example.com)`.
    pub whereabouts: String,
    /// Why the reference checks are what they are.
    pub checks_reason: String,
    /// What keeps triggers from firing when the rows are put back; asked where there are any.
    pub silence: Silence,
    /// The policy file's path, where there is one.
    pub policy: Option<String>,
    /// The `.env` that says something of this run.
    pub env_file: Option<PathBuf>,
    /// Who runs this, and where.
    pub actor: Actor,
    /// What was typed.
    pub invocation: Invocation,
    /// The role of the session, where it lacks a privilege.
    pub role: String,
    /// The columns without a foreign key that may say whose a row is.
    pub scopes: ScopeCheck,
}

/// The database and the host that `target` does not spell: `PG*` variables and a server's own answer do.
fn whereabouts(target: &str, place: &ServerNames) -> String {
    let first = |meant: &Meant| {
        let names = meant.asked.iter().rev().flat_map(|it| it.names.first());
        names
            .into_iter()
            .find(|name| !name.is_empty())
            .filter(|name| !target.contains(*name))
            .cloned()
    };
    let database = first(&place.databases).map(|name| format!("database {name}"));
    let host = first(&place.hosts).map(|name| format!("on {name}"));
    match database.into_iter().chain(host).collect::<Vec<_>>().join(" ") {
        unsaid if target.starts_with("sqlite:") || unsaid.is_empty() => String::new(),
        unsaid => format!(" ({unsaid})"),
    }
}

impl Prepared {
    /// Connects and plans.
    ///
    /// # Errors
    /// Also a guard on the database that does not hold.
    pub fn open(
        session: &Session,
        select: &SelectArgs,
        delete: &DeleteArgs,
    ) -> Result<(Database, Prepared)> {
        if let Some(deadline) = delete.deadline {
            signals::deadline(deadline);
        }
        let patience = interrupt::at_most(delete.lock_timeout);
        let mut context = Context::open(session, select, patience)?;
        let place =
            context.database.server_names(&session.settings.libpq, &session.policy.guarded())?;
        session.policy.guard(&place).map_err(guard_problem)?;
        let selection = match delete.orphans {
            Orphans::Only => orphans_alone(select, &context.rules)?,
            _ => context.selection(select)?,
        };
        let (plan, checks_reason) = context.plan(&session.policy, delete)?;
        let silence = context.silence(&plan)?;
        let role = context.lacking_role()?;
        let Context { database, catalog, root, .. } = context;
        let (dialect, target) = (database.dialect(), database.target().redacted());
        let policy = Some(session.policy.path().to_owned()).filter(|path| !path.is_empty());
        let env_file = session.settings.used_env_file.clone();
        let asked = catalog.scope_ids().collect();
        let scopes =
            ScopeCheck { asked, timeout: delete.scope.scope_timeout, ..ScopeCheck::default() };
        let prepared = Prepared {
            catalog,
            root,
            plan,
            selection,
            dialect,
            whereabouts: whereabouts(&target, &place),
            target,
            checks_reason,
            silence,
            policy,
            env_file,
            actor: session.settings.actor(),
            invocation: session.invocation.clone(),
            role,
            scopes,
        };
        Ok((database, prepared))
    }

    pub fn job(&self, lock_timeout: Duration, verify: bool) -> Job<'_> {
        let Prepared { catalog, plan, root, selection, scopes, .. } = self;
        let job = Job::new(catalog, plan, root, selection, lock_timeout);
        Job { verify, scopes: Some(scopes), ..job }
    }

    /// `sqlite:crm.db, organizations in organizations.name, policy orgsweep.toml, settings of .env`
    pub fn describe(&self) -> String {
        let name = self.root.name.as_deref().map(|name| format!(".{name}")).unwrap_or_default();
        let policy = self.policy.as_deref().map(|path| format!(", policy {path}"));
        let conditions = self.selection.conditions.iter();
        let conditions = conditions.map(|sql| format!(", where {}", on_one_line(sql)));
        let conditions: String = conditions.collect();
        let env_file =
            self.env_file.as_deref().map(|path| format!(", settings of {}", path.display()));
        format!(
            "{}{}, organizations in {}{name}{}{}{}",
            self.target,
            self.whereabouts,
            self.catalog.table(self.root.table).name,
            conditions,
            policy.unwrap_or_default(),
            env_file.unwrap_or_default()
        )
    }

    /// Says how many of the organizations have no age by which they could be older than anything: an
    /// unattended job would pass over them for ever.
    ///
    /// # Errors
    /// What keeps organizations from being found.
    pub fn tell_ageless(&self, database: &mut Database, ui: &mut Ui) -> Result<()> {
        if !ui.is_heard() || self.selection.older_than.is_none() {
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

    /// Answers each name that is no organization's.
    ///
    /// # Errors
    /// See [`tell_unmatched`].
    pub fn tell_unmatched(
        &self,
        database: &mut Database,
        found: &[Organization],
        ui: &mut Ui,
    ) -> Result<()> {
        if found.is_empty() && !self.selection.is_empty() && !self.plan.rules.orphans.is_empty() {
            ui.note(
                "no organization matches, so the policy's orphans stay; --orphans only takes them",
            );
        }
        let sql = Sql::new(self.dialect, &self.catalog, &self.plan);
        let found: Vec<&str> = found.iter().filter_map(|one| one.name.as_deref()).collect();
        tell_unmatched(database, (&sql, &self.root, &self.selection), &found, ui)
    }

    /// Tells on stderr what is going on.
    pub fn show_progress(&self, ui: &mut Ui, progress: Progress) {
        if let Progress::Selected(organizations) = progress
            && !self.root.key.is_empty()
        {
            let keys: Vec<&str> = organizations.iter().map(|one| one.key.as_str()).collect();
            interrupt::told_by(self.invocation.next("verify").of_keys(&keys).to_string());
        }
        show_progress(ui, &self.catalog, &self.plan, progress);
    }
}
