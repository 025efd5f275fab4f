//! What would be left behind: rows outside the closure of which a scope column says that they are the selected
//! organizations' (DESIGN 2). They are counted under a budget, by reads alone; what was not counted is unknown, and that
//! is no all-clear.

use super::closure::key_counted;
use super::discovery::Discovery;
use super::{Failure, Job, Run};
use crate::catalog::{Catalog, ReferenceId, Table, TableId};
use crate::database::{self, Database, Fault, Row};
use crate::engine::{Statement, usage_of};
use crate::findings::{Counted, LeftBehind, Unlinked};
use crate::interrupt;
use crate::introspect;
use crate::label::title;
use crate::plan::{Plan, Refusal, RefusalKind};
use crate::sql::{RowKey, Sql};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Which scope columns a run asks about.
#[derive(Debug, Clone, Default)]
pub struct ScopeCheck {
    pub asked: Vec<ReferenceId>,
    /// Those that were asked about in vain, and why.
    pub unknown: Vec<LeftBehind>,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// What is left of the time in which rows are counted.
pub struct Budget {
    until: Instant,
    each: Duration,
    /// A table of more rows is not read without an index.
    most_rows: f64,
}

/// How many rows are read per second at least, where nothing else is to be done with them.
const ROWS_PER_SECOND: f64 = 500_000.0;

impl Budget {
    /// One table may take a tenth of it.
    pub fn new(timeout: Duration) -> Budget {
        // Less would stop what begins and ends a limit, too.
        const LEAST: Duration = Duration::from_millis(10);
        let each = (timeout / 10).max(LEAST);
        let most_rows = each.as_secs_f64() * ROWS_PER_SECOND;
        Budget { until: Instant::now() + timeout, each, most_rows }
    }

    /// Runs a question about the rows of a scope column's table; or tells why it has no answer.
    ///
    /// # Errors
    /// The connection is lost, or somebody cancels it.
    pub fn ask(
        &self,
        database: &mut Database,
        catalog: &Catalog,
        scope: ReferenceId,
        question: &Statement,
    ) -> Result<Result<Vec<Row>, String>, database::Error> {
        let table = catalog.table(catalog.reference(scope).child);
        if let Some(why) = unreadable(table) {
            return Ok(Err(why));
        }
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Err("the time for counting was over".into()));
        }
        if let Some(why) = self.too_large(database, catalog, scope)? {
            return Ok(Err(why));
        }
        match database.query_limited(question, self.each.min(left)) {
            Ok(rows) => Ok(Ok(rows)),
            Err(error) => match error.fault {
                Fault::Lost | Fault::Connect | Fault::Cancelled | Fault::Retryable => Err(error),
                Fault::TimeLimit => {
                    Ok(Err(format!("it was not counted within {:.2} s", self.each.as_secs_f64())))
                }
                _ => Ok(Err(error.message)),
            },
        }
    }

    /// How many rows a scope column is asked about; of one that nothing tells, those that name anybody are too many.
    ///
    /// # Errors
    /// See [`Budget::ask`].
    pub fn count(
        &self,
        database: &mut Database,
        sql: &Sql,
        scope: ReferenceId,
        question: &Statement,
    ) -> Result<Counted, database::Error> {
        let untold = sql.catalog.reference(scope).is_untold();
        let question = if untold { &sql.count_naming_anybody(scope) } else { question };
        Ok(match self.ask(database, sql.catalog, scope, question)? {
            Err(why) => Counted::Unknown(why),
            Ok(rows) => match rows.first().map_or(Ok(0), |row| row.count(0))? {
                0 => self.mixed(database, sql, scope)?.map_or(Counted::Rows(0), Counted::Unknown),
                rows => sql.unlike(scope).map_or(Counted::Rows(rows), Counted::Unknown),
            },
        })
    }

    /// Why nobody can tell whether a scope column names anybody, where its values are bytes and the keys are not.
    fn mixed(
        &self,
        database: &mut Database,
        sql: &Sql,
        scope: ReferenceId,
    ) -> Result<Option<String>, database::Error> {
        let Some(question) = sql.mixes_bytes(scope) else { return Ok(None) };
        Ok(match self.ask(database, sql.catalog, scope, &question)? {
            Err(why) => Some(why),
            Ok(rows) => rows.first().is_some_and(|row| row.text(0) == "1").then(|| {
                "some of its values are bytes and the keys are not, or the other way round".into()
            }),
        })
    }

    fn too_large(
        &self,
        database: &mut Database,
        catalog: &Catalog,
        scope: ReferenceId,
    ) -> Result<Option<String>, database::Error> {
        let reference = catalog.reference(scope);
        let table = catalog.table(reference.child);
        let Some(rows) = table.estimated_rows.filter(|rows| *rows as f64 > self.most_rows) else {
            return Ok(None);
        };
        let leads =
            |column: &String| table.keys.iter().any(|key| key.columns.first() == Some(column));
        let mut indexed = reference.index.is_some() || reference.columns.iter().any(leads);
        for column in &reference.columns {
            indexed = indexed || introspect::is_indexed(database, &table.name, column)?;
        }
        let why =
            format!("it has about {rows} rows, and no index over {}", reference.columns.join(", "));
        Ok((!indexed).then_some(why))
    }
}

/// Why rows of the table may be there and not be seen.
fn unreadable(table: &Table) -> Option<String> {
    let privilege = || table.closed_schema().map_or_else(|| "SELECT".into(), usage_of);
    match () {
        () if !table.privileges.select => Some(format!("this role lacks {} on it", privilege())),
        () if table.row_security => Some("row-level security hides rows of it".into()),
        () => None,
    }
}

/// Everything that would be left behind, and what nobody knows: rows that `unlinked` takes the key from say no longer
/// whose they are. Of a batch only the last one is asked, with which the organizations' own rows go.
pub fn left_behind(
    run: &mut Run,
    discovery: &mut Discovery,
    unlinked: &[Unlinked],
) -> Result<Vec<LeftBehind>, Failure> {
    let Some(check) = run.job.scopes else { return Ok(Vec::new()) };
    let (catalog, root) = (run.job.catalog, run.job.plan.root);
    // Organizations that stay are found by each batch.
    if !discovery.has_rows(root) || (run.job.plan.keeps(root) && discovery.is_cut()) {
        return Ok(Vec::new());
    }
    // What a failure undoes must not be among it.
    for scope in &check.asked {
        key_counted(run, discovery, catalog.reference(*scope).child)?;
    }
    let budget = Budget::new(check.timeout);
    let mut left = check.unknown.clone();
    for scope in check.asked.iter().copied() {
        interrupt::check()?;
        let reference = catalog.reference(scope);
        let takes_the_key = |position: &usize| {
            let unlink = &run.job.plan.unlinks[*position];
            catalog.reference(unlink.reference).child == reference.child
                && reference.columns.iter().any(|column| unlink.columns.contains(column))
        };
        let emptied: Vec<usize> =
            unlinked.iter().map(|one| one.unlink).filter(takes_the_key).collect();
        let known = discovery.shows(reference.child);
        let question = run.sql.count_left_behind(scope, known, &emptied);
        let rows = budget.count(run.database, &run.sql, scope, &question)?;
        if rows != Counted::Rows(0) {
            left.push(LeftBehind { scope, rows });
        }
    }
    run.database.unlimit()?;
    Ok(left)
}

/// Those of which nobody has said that they may stay.
pub fn refusals(run: &Run, left: &[LeftBehind]) -> Vec<Refusal> {
    let refusal = |left: &LeftBehind| {
        let table = run.job.catalog.reference(left.scope).child;
        let new = |kind| Refusal::new(kind, table, Some(left.scope));
        match &left.rows {
            Counted::Rows(rows) => Refusal { rows: *rows, ..new(RefusalKind::LeftBehind) },
            Counted::Unknown(why) => Refusal { detail: why.clone(), ..new(RefusalKind::Uncounted) },
        }
    };
    let is_refused = |left: &&LeftBehind| !run.job.plan.rules.leave_behind.covers(left.scope);
    left.iter().filter(is_refused).map(refusal).collect()
}

/// Rows of the closure of which a scope column says that they are another organization's: foreign, whatever the references
/// say (DESIGN 3). Of a batch nothing is asked: the organizations' own rows are kept out of it.
pub fn others(run: &mut Run, discovery: &mut Discovery) -> Result<Vec<Refusal>, Failure> {
    let (catalog, plan) = (run.job.catalog, run.job.plan);
    let mut refusals = Vec::new();
    if run.job.scopes.is_none() || discovery.is_cut() {
        return Ok(refusals);
    }
    for scope in telling_others(catalog, plan) {
        let table = catalog.reference(scope).child;
        if !discovery.has_rows(table) || is_agreed(catalog, plan, table) {
            continue;
        }
        key_counted(run, discovery, table)?;
        let question = run.sql.others_by_organization(scope, run.job.root);
        let others = run.query(&question)?;
        let others = others.iter().map(|row| Ok((format!("key {}", row.text(0)), row.count(1)?)));
        let organizations = others.collect::<Result<Vec<(String, u64)>, Failure>>()?;
        let rows = organizations.iter().map(|(_, rows)| rows).sum();
        if rows > 0 {
            let refusal = Refusal::new(RefusalKind::Foreign, table, Some(scope));
            refusals.push(Refusal { rows, organizations, ..refusal });
        }
    }
    Ok(refusals)
}

/// The first of them that says so of this row, and whose it then is.
pub fn said_of(run: &mut Run, key: &RowKey) -> Result<Option<(ReferenceId, String)>, Failure> {
    let catalog = run.job.catalog;
    if is_agreed(catalog, run.job.plan, key.table) {
        return Ok(None);
    }
    let telling = telling_others(catalog, run.job.plan).into_iter();
    for scope in telling.filter(|id| catalog.reference(*id).child == key.table) {
        let other = run.query(&run.sql.other_of_row(scope, run.job.root, key))?;
        if let Some(row) = other.first() {
            return Ok(Some((scope, title(row.text(0), row.text(1)))));
        }
    }
    Ok(None)
}

/// Whatever reaches rows of this table may take those of others.
fn is_agreed(catalog: &Catalog, plan: &Plan, table: TableId) -> bool {
    let followed = plan.followed_into(table, catalog);
    followed.iter().all(|followed| plan.deletes_foreign(catalog, followed.reference))
}

/// The columns by which a row of the closure may say that it is somebody else's.
pub fn telling_others(catalog: &Catalog, plan: &Plan) -> Vec<ReferenceId> {
    let unheard = |id: &ReferenceId| {
        !plan.rules.leave_behind.covers(*id) && !catalog.reference(*id).is_untold()
    };
    let by_now = catalog.reference_ids().filter(|id| says_otherwise(catalog, plan, *id));
    catalog.scope_ids().filter(unheard).chain(by_now).collect()
}

/// A scope column that is a reference by now, beside another reference to the organizations: two that name them alike are
/// no membership of both, unless the table's rows link others.
fn says_otherwise(catalog: &Catalog, plan: &Plan, id: ReferenceId) -> bool {
    let table = catalog.reference(id).child;
    let names_root = |id: &&ReferenceId| catalog.reference(**id).parent == plan.root;
    catalog.reference(id).declaration.scope
        && !plan.ownership.is_association(table)
        && plan.owning_of(table).iter().filter(names_root).count() > 1
}

/// What rows there are per organization: its key and their number.
pub type PerOrganization = BTreeMap<ReferenceId, Result<BTreeMap<String, u64>, String>>;

/// How many rows name each selected organization, whether they go with it or not: each table is asked once for all.
///
/// # Errors
/// See [`Failure`].
pub fn name_each(database: &mut Database, job: &Job) -> Result<PerOrganization, Failure> {
    let Some(check) = job.scopes.filter(|check| !check.asked.is_empty()) else {
        return Ok(BTreeMap::new());
    };
    database.in_snapshot(|database| {
        let mut ignore = |_: super::Progress<'_>| {};
        let mut run = Run::new(database, job, &mut ignore, false);
        run.prepare()?;
        let budget = Budget::new(check.timeout);
        let mut all = BTreeMap::new();
        for scope in check.asked.iter().copied() {
            interrupt::check()?;
            let question = run.sql.count_by_organization(scope, job.root, job.selection);
            if job.catalog.reference(scope).is_untold() {
                let rows = budget.count(run.database, &run.sql, scope, &question)?;
                if let Counted::Unknown(why) = rows {
                    all.insert(scope, Err(why));
                }
                continue;
            }
            let counted = match budget.ask(run.database, job.catalog, scope, &question)? {
                Ok(rows) => {
                    let each = rows.iter().map(|row| Ok((row.text(0).to_owned(), row.count(1)?)));
                    Ok(each.collect::<database::Result<BTreeMap<String, u64>>>()?)
                }
                Err(why) => Err(why),
            };
            let mixed = budget.mixed(run.database, &run.sql, scope)?;
            all.insert(scope, mixed.map_or(counted, Err));
        }
        run.database.unlimit()?;
        interrupt::cancel_by(None);
        Ok(all)
    })
}

impl ScopeCheck {
    /// What is still to be asked about one organization.
    pub(crate) fn of(&self, key: &str, named: &PerOrganization) -> ScopeCheck {
        let mut check = ScopeCheck { timeout: self.timeout, ..ScopeCheck::default() };
        for (scope, counted) in named {
            match counted {
                Ok(rows) if rows.contains_key(key) => check.asked.push(*scope),
                Ok(_) => {}
                Err(why) => {
                    let rows = Counted::Unknown(why.clone());
                    check.unknown.push(LeftBehind { scope: *scope, rows });
                }
            }
        }
        check
    }
}
