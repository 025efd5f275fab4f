//! Runs a plan: find the closure, look for refusals, delete, prove, commit. It derives no rule of
//! its own; preview and clean go through the same `measure`.

mod analysis;
mod archiving;
mod associations;
mod batch;
mod cascade;
mod checks;
mod closure;
mod constraints;
mod deletion;
mod digest;
mod discovery;
mod explain;
mod export;
mod failure;
mod guards;
mod job;
mod keeping;
mod ledger;
mod lock_wait;
mod naming;
mod obstacles;
mod ownership;
mod proof;
mod rehearsal;
mod restore;
mod scopes;
mod single_pass;
mod standby;
mod staying;
mod transaction;
mod write_set;

pub use archiving::Archiving;
pub use batch::{Batch, batch};
pub use checks::choose_checks;
pub use explain::{Answer, explain};
pub use export::export;
pub use failure::{Doing, Failure};
pub use job::{Job, Kept, Observer, Outcome, Progress};
pub use restore::{Source, restore};
pub use scopes::ScopeCheck;
pub(crate) use scopes::{Budget, PerOrganization, name_each};

use crate::archive::Writer;
use crate::catalog::TableId;
use crate::database::{self, Database, Fault, Purpose, Row};
use crate::doctor;
use crate::engine::{Statement, usage_of};
use crate::findings::{Expected, Findings, Organization};
use crate::interrupt;
use crate::introspect;
use crate::label::printable;
use crate::plan::{Refusal, RefusalKind};
use crate::selection::{Root, Selection};
use crate::sql::Sql;
use analysis::measure;
use ledger::{Ledger, Written};
use lock_wait::LockWaitMonitor;
use proof::Dangling;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use transaction::{commit, retried, transaction};

/// A transaction under way.
struct Run<'a> {
    database: &'a mut Database,
    job: &'a Job<'a>,
    sql: Sql<'a>,
    observe: Observer<'a>,
    /// Lock the rows that are found.
    lock: bool,
    /// Nobody asks for the keys of rows that can be counted without.
    counts: bool,
    archive: Option<Writer>,
    /// The longest statement that the server takes, where it does not take any.
    longest: Option<u64>,
    /// Who keeps us waiting.
    lock_waits: Option<LockWaitMonitor>,
    /// The engine's count when the transaction began, and what we have written since.
    ledger: Ledger,
    written: Written,
    /// How it was before the first change, where that was asked.
    before: Option<Before>,
    /// The statements that changed our own tables, where a script may want to repeat them.
    transcript: Option<Vec<String>>,
    /// Names mean what the user's code means, on an engine where that makes a difference.
    theirs: bool,
}

/// What is not to be taken for ours.
struct Before {
    dangling: Dangling,
    /// How many rows tables had, where nobody else writes.
    rows: BTreeMap<TableId, u64>,
}

/// Finds what a clean would do and rolls back: writes to no user table.
///
/// # Errors
/// See [`Failure`].
pub fn preview(database: &mut Database, job: &Job, observe: Observer) -> Result<Findings, Failure> {
    match database.begin(Purpose::Read) {
        Err(error) if error.fault == Fault::Standby && standby::can_count(job) => {
            return standby::count(database, job, observe);
        }
        begun => begun?,
    }
    let mut run = Run::new(database, job, observe, false);
    run.counts = !job.digest;
    let findings = run.prepare().and_then(|()| measure(&mut run));
    interrupt::cancel_by(None);
    database.rollback();
    findings
}

/// The selected organizations, without a look at their rows.
///
/// # Errors
/// See [`Failure`].
pub fn organizations(database: &mut Database, job: &Job) -> Result<Vec<Organization>, Failure> {
    database.in_snapshot(|database| {
        let mut ignore = |_: Progress<'_>| {};
        let mut run = Run::new(database, job, &mut ignore, false);
        run.prepare()?;
        one_key_each(run.database, &run.sql, job.root, job.selection)?;
        let question = run.sql.find_roots(job.root, job.selection);
        let found = run.selecting(|run| run.query(&question));
        interrupt::cancel_by(None);
        Ok(found.map_err(Failure::at_selection)?.iter().map(closure::organization).collect())
    })
}

/// The first of the selected organizations, and how many there are.
///
/// # Errors
/// See [`Failure`].
pub fn list(
    database: &mut Database,
    job: &Job,
    limit: u64,
) -> Result<(Vec<Organization>, u64), Failure> {
    database.in_snapshot(|database| {
        let mut ignore = |_: Progress<'_>| {};
        let mut run = Run::new(database, job, &mut ignore, false);
        run.prepare()?;
        run.must_read(job.root.table)?;
        one_key_each(run.database, &run.sql, job.root, job.selection)?;
        let (first, all) = (
            run.sql.find_first_roots(job.root, job.selection, limit),
            run.sql.count_roots(job.root, job.selection),
        );
        let found = run.selecting(|run| Ok((run.query(&first)?, run.one(all)?)));
        interrupt::cancel_by(None);
        let (first, all) = found.map_err(Failure::at_selection)?;
        Ok((first.iter().map(closure::organization).collect(), all.count(0)?))
    })
}

/// Each key on the command line is one: SQLite may keep 1 and '1' in one column.
///
/// # Errors
/// [`Failure::SeveralKeys`]
pub fn one_key_each(
    database: &mut Database,
    sql: &Sql,
    root: &Root,
    selection: &Selection,
) -> Result<(), Failure> {
    // One that was found by then is said in full.
    for id in selection.ids.iter().filter(|_| selection.only.is_none()) {
        let Some(question) = sql.keys_meant(root, id) else { continue };
        let rows = database.query(&question)?;
        if rows.len() > 1 {
            let keys = rows.iter().map(|row| printable(row.text(0))).collect();
            return Err(Failure::SeveralKeys { id: printable(id), keys });
        }
    }
    Ok(())
}

/// Deletes in one transaction, run again when others got in its way.
///
/// # Errors
/// See [`Failure`]; whatever it is, the transaction was rolled back, [`Failure::OutcomeUnknown`]
/// excepted.
pub fn clean(
    database: &mut Database,
    job: &Job,
    expected: Option<&Expected>,
    observe: Observer,
) -> Result<Outcome, Failure> {
    let mut told = false;
    let observe: Observer = &mut |progress: Progress<'_>| {
        // Who is tried again is not introduced again.
        let again = matches!(progress, Progress::Selected(_)) && std::mem::replace(&mut told, true);
        if !again {
            observe(progress);
        }
    };
    retried(job, observe, &mut |job, observe| delete(database, job, expected, observe))
}

fn delete(
    database: &mut Database,
    job: &Job,
    expected: Option<&Expected>,
    observe: Observer,
) -> Result<Outcome, Failure> {
    deletion::set_reference_checks(database, job.plan.rules.checks)?;
    if let Some(tables) = single_pass::tables(database.dialect(), job) {
        let single_pass = |run: &mut Run| single_pass::clean(run, tables, expected);
        let outcome = transaction(database, job, observe, single_pass)?;
        // What only the closure as a whole can tell is asked of it, in a new transaction.
        if let Some(outcome) = outcome {
            return Ok(outcome);
        }
    }
    let outcome = transaction(database, job, observe, |run| run.clean(expected).map(Some))?;
    Ok(outcome.unwrap_or_else(|| Outcome::Nothing(Findings::default())))
}

impl<'a> Run<'a> {
    fn new(
        database: &'a mut Database,
        job: &'a Job<'a>,
        observe: Observer<'a>,
        lock: bool,
    ) -> Run<'a> {
        let sql = Sql::new(database.dialect(), job.catalog, job.plan);
        Run {
            database,
            job,
            sql,
            observe,
            lock,
            counts: false,
            archive: None,
            longest: None,
            lock_waits: None,
            ledger: Ledger::default(),
            written: Written::default(),
            before: None,
            transcript: None,
            theirs: false,
        }
    }

    /// Session settings, right after BEGIN; the isolation level is checked, not believed.
    fn prepare(&mut self) -> Result<(), Failure> {
        self.database.run(&self.sql.dialect.session(self.job.lock_timeout, self.lock))?;
        if let Some(leftovers) = self.sql.dialect.leftovers() {
            self.drop_leftovers(leftovers)?;
        }
        let Some((question, wanted)) = self.sql.dialect.transaction_facts(self.lock) else {
            return Ok(());
        };
        let facts = self.one(question)?;
        interrupt::cancel_by(self.database.canceller(facts.text(1)));
        self.longest = facts.optional(2).and_then(|bytes| bytes.parse().ok());
        self.ledger =
            facts.optional(3).map_or(Ledger::Unread, |reason| Ledger::Missing(reason.into()));
        let blockers = self.sql.dialect.blockers(facts.text(1));
        if let Some(question) = blockers.filter(|_| self.lock) {
            let target = self.database.target();
            let patience = interrupt::at_most(self.job.lock_timeout);
            self.lock_waits = Some(LockWaitMonitor::begin(target, question, patience));
        }
        match facts.text(0) {
            level if level == wanted => Ok(()),
            level => Err(Failure::Unproven(format!(
                "the transaction runs at {level} instead of {wanted}"
            ))),
        }
    }

    /// SQLite keeps temporary tables beyond COMMIT, for the next run of the same connection.
    fn drop_leftovers(&mut self, question: &str) -> Result<(), Failure> {
        let leftovers = self.query(&question.into())?;
        let drop = |row: &Row| format!("DROP TABLE temp.{}; ", row.text(0));
        if leftovers.is_empty() {
            Ok(())
        } else {
            self.run(&leftovers.iter().map(drop).collect::<String>())
        }
    }

    fn clean(&mut self, expected: Option<&Expected>) -> Result<Outcome, Failure> {
        let mut findings = measure(self)?;
        // A saved plan wants its rows; who was just asked may find them gone.
        if let Some(expected) = expected.filter(|_| self.job.digest || !findings.is_empty()) {
            failure::unmoved(self.job, expected, &findings)?;
        }
        if findings.is_empty() {
            return Ok(Outcome::Nothing(findings));
        }
        if findings.is_refused() {
            return Ok(Outcome::Refused(findings));
        }
        let slow = doctor::unindexed(self.job.catalog, self.job.plan, &findings);
        (self.observe)(Progress::Slow(&slow));
        if self.job.weigh {
            let tables: Vec<TableId> = findings.rows().into_keys().collect();
            let dangling = proof::dangling(self, &tables)?;
            self.before = Some(Before { dangling, rows: ledger::rows(self, &tables)? });
        }
        proof::weigh_closure(self, &findings)?;
        archiving::closure(self, &findings, &BTreeSet::new())?;
        let durations = if findings.engine_cascade {
            cascade::remove(self, &findings)?
        } else {
            deletion::remove(self, &findings, &BTreeSet::new())?
        };
        (self.observe)(Progress::Proving);
        findings.proof = proof::prove(self, &findings, &BTreeSet::new())?;
        Ok(Outcome::Cleaned { findings, durations, archive: None })
    }

    /// Locks these tables against other definitions and, where that is possible, new references to them; then
    /// looks whether the catalog is still the one that the plan was made from.
    fn hold_schema(&mut self, tables: impl Iterator<Item = TableId>) -> Result<(), Failure> {
        let may_lock = |table: &TableId| {
            let privileges = self.job.catalog.table(*table).privileges;
            privileges.delete || privileges.update
        };
        let tables: Vec<TableId> = tables.filter(may_lock).collect();
        if let Some(lock) = self.sql.lock_tables(&tables) {
            self.run(&lock)?;
        }
        if introspect::fingerprint(self.database)? == self.job.catalog.fingerprint {
            Ok(())
        } else {
            Err(Failure::SchemaMoved)
        }
    }

    /// For statements that run a user's code, or have it in them: they name everything of ours in full.
    fn names_theirs(&mut self) -> Result<(), Failure> {
        let set = self.sql.dialect.names_theirs().filter(|_| !self.theirs);
        self.theirs = true;
        set.map_or(Ok(()), |set| self.run(set))
    }

    /// For all others, which nobody else's names shall reach.
    fn names_ours(&mut self) -> Result<(), Failure> {
        let set = self.sql.dialect.names_ours().filter(|_| self.theirs);
        self.theirs = false;
        set.map_or(Ok(()), |set| self.run(set))
    }

    /// What has a selection's condition in it, if there is one.
    fn selecting<T>(
        &mut self,
        ask: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match self.job.selection.conditions.is_empty() {
            true => ask(self),
            false => self.reading(ask),
        }
    }

    /// What has an expression of the user's in it: names in that are the user's, and it may only read. A function that
    /// writes fails, whatever it is called by.
    fn reading<T>(
        &mut self,
        ask: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.names_theirs()?;
        let apart = self.sql.dialect.read_only_apart();
        if let Some((begin, _)) = apart {
            self.watched(|database| database.run(begin))?;
        }
        let answer = ask(self)?;
        if let Some((_, end)) = apart {
            self.watched(|database| database.run(end))?;
        }
        self.names_ours()?;
        Ok(answer)
    }

    /// The selection is asked where nothing can be locked.
    fn reads_only_apart(&self) -> bool {
        !self.job.selection.conditions.is_empty() && self.sql.dialect.read_only_apart().is_some()
    }

    fn execute(&mut self, statement: &Statement) -> Result<u64, Failure> {
        let dialect = self.sql.dialect;
        self.write_down(|| statement.inlined(dialect));
        self.watched(|database| database.execute(statement))
    }

    /// Changes rows of a user's table.
    fn change(&mut self, statement: &Statement) -> Result<u64, Failure> {
        let before = ledger::written_rows(self)?;
        let rows = self.execute(statement)?;
        self.written.counted += ledger::written_rows(self)? - before;
        Ok(rows)
    }

    fn query(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        self.watched(|database| database.query(statement))
    }

    /// The rows of all of them.
    fn query_all(&mut self, statements: &[Statement]) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for statement in statements {
            rows.extend(self.query(statement)?);
        }
        Ok(rows)
    }

    fn one(&mut self, statement: impl Into<Statement>) -> Result<Row, Failure> {
        self.watched(|database| database.query_one(&statement.into()))
    }

    fn run(&mut self, sql: &str) -> Result<(), Failure> {
        self.write_down(|| sql.trim_end_matches([';', ' ']).to_owned());
        self.watched(|database| database.run(sql))
    }

    fn write_down(&mut self, statement: impl FnOnce() -> String) {
        if let Some(transcript) = &mut self.transcript {
            transcript.push(statement());
        }
    }

    fn watched<T>(
        &mut self,
        send: impl FnOnce(&mut Database) -> database::Result<T>,
    ) -> Result<T, Failure> {
        interrupt::check()?;
        lock_wait::over(&self.lock_waits, || Ok(send(self.database)?))
    }

    /// # Errors
    /// The table may not be read.
    fn must_read(&self, table: TableId) -> Result<(), Failure> {
        let Some(refusal) = self.unreadable(table) else {
            return Ok(());
        };
        let name = &self.job.catalog.table(table).name;
        let (fault, message) = match refusal.kind {
            RefusalKind::RowSecurity => {
                (Fault::RowSecurity, format!("row-level security hides rows of {name}"))
            }
            _ if !self.job.catalog.table(table).usable => {
                (Fault::Permission, format!("this role lacks {}, where {name} is", refusal.detail))
            }
            _ => (Fault::Permission, format!("this role lacks {} on {name}", refusal.detail)),
        };
        Err(Failure::Database(database::Error { fault, message }))
    }

    /// A table may be read, or the reason why not.
    fn unreadable(&self, table: TableId) -> Option<Refusal> {
        let facts = self.job.catalog.table(table);
        if !facts.privileges.select {
            let mut refusal = Refusal::new(RefusalKind::Privilege, table, None);
            refusal.detail = facts.closed_schema().map_or_else(|| "SELECT".into(), usage_of);
            return Some(refusal);
        }
        facts.row_security.then(|| Refusal::new(RefusalKind::RowSecurity, table, None))
    }
}

fn timed<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<(T, Duration), Failure> {
    let start = Instant::now();
    let result = work()?;
    Ok((result, start.elapsed()))
}
