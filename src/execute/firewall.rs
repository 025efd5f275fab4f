//! Whose rows are the candidates: exceptions found in sets, climbed to their organizations, judged
//! (DESIGN 3). Nothing is refused that a CASCADE reference shares with us.

use super::discovery::Discovery;
use super::{Failure, Run};
use crate::catalog::{ReferenceId, TableId};
use crate::database::Row;
use crate::explanation::{Judgement, Owner};
use crate::findings::{Shared, Unlinked};
use crate::label::title;
use crate::plan::{Refusal, RefusalKind};
use crate::sql::{CLASSES, Home, RowKey, Suspicion};
use std::collections::{BTreeMap, BTreeSet};

const SAMPLES: u32 = 3;

/// What the climb has built.
#[derive(Debug, Default)]
pub struct Homes {
    /// Tables with exceptions.
    tables: Vec<TableId>,
    /// Can go on from other rows.
    climb: Climb,
}

/// Climbs from the exceptions in `tables` and from the unlinked rows, and judges.
pub fn homes(
    run: &mut Run,
    discovery: &Discovery,
    tables: Vec<TableId>,
    unlinked: &[Unlinked],
) -> Result<Homes, Failure> {
    if tables.is_empty() && unlinked.is_empty() {
        return Ok(Homes::default());
    }
    let present = |table| discovery.has_keys(table);
    let mut climb = Climb::default();
    climb.create(run, run.job.plan.root)?;
    for table in &tables {
        run.run(&run.sql.keep_exceptions(*table, discovery.selected, &present))?;
        climb.create(run, *table)?;
        let start = run.sql.climb_from_exceptions(*table, climb.generation);
        climb.add(*table, run.execute(&start)?);
    }
    for unlink in unlinked {
        let plan = &run.job.plan.unlinks[unlink.unlink];
        let child = run.job.catalog.reference(plan.reference).child;
        climb.create(run, child)?;
        let origin = origin_of_unlink(run, unlink.unlink);
        let start = run.sql.climb_from_unlinked(unlink.unlink, child, origin, climb.generation);
        climb.add(child, run.execute(&start)?);
    }
    climb.climb_to_the_top(run, discovery)?;
    let orphaned = climb.created.iter().copied().filter(|table| {
        *table != run.job.plan.root
            && run.job.plan.has_orphans(*table)
            && discovery.has_keys(*table)
    });
    let orphaned: Vec<TableId> = orphaned.collect();
    run.run(&run.sql.classify(discovery.selected, &orphaned))?;
    for table in &tables {
        run.run(&run.sql.judge(*table, &present))?;
    }
    Ok(Homes { tables, climb })
}

/// Unlinked rows are numbered after the tables, whose exceptions are their own origin.
fn origin_of_unlink(run: &Run, position: usize) -> usize {
    run.job.catalog.tables.len() + position
}

/// Tables with rows in the closure some owner of which is outside.
pub fn tables_with_exceptions(
    run: &mut Run,
    discovery: &Discovery,
) -> Result<Vec<TableId>, Failure> {
    let suspicions: Vec<Suspicion> =
        discovery.tables().filter_map(|table| suspicion(run, discovery, table)).collect();
    if suspicions.is_empty() {
        return Ok(Vec::new());
    }
    let present = |table| discovery.has_keys(table);
    let question = run.sql.count_exceptions(&suspicions, discovery.selected, &present);
    let mut tables = BTreeSet::new();
    for row in run.query(&question)? {
        if row.count(1)? > 0 {
            tables.insert(TableId(row.count(0)? as usize));
        }
    }
    Ok(tables.into_iter().collect())
}

/// Rows that an owning reference found have that parent in the closure: what is left to ask.
fn suspicion(run: &Run, discovery: &Discovery, table: TableId) -> Option<Suspicion> {
    let plan = run.job.plan;
    let found = || discovery.found.iter().filter(|found| found.table == table);
    if table == plan.root {
        let reached = found().any(|found| found.reference.is_some());
        return reached.then_some(Suspicion {
            table,
            owning: Vec::new(),
            homeless: false,
            known_owned: None,
        });
    }
    if !plan.may_be_foreign(run.job.catalog, table) || discovery.is_sure(table) {
        return None;
    }
    let known_owned = discovery.known_owned(table).map(|known_owned| known_owned.generations);
    let all = plan.owning_of(table);
    let finds_all = |id: &ReferenceId| found().all(|found| found.reference == Some(*id));
    let owning: Vec<ReferenceId> = all.iter().copied().filter(|id| !finds_all(id)).collect();
    let homeless = found().any(|found| found.reference.is_none_or(|id| !all.contains(&id)));
    (homeless || !owning.is_empty()).then_some(Suspicion { table, owning, homeless, known_owned })
}

/// The way up, again generation by generation.
#[derive(Debug, Default)]
struct Climb {
    created: Vec<TableId>,
    generation: u32,
    newest: BTreeMap<TableId, u32>,
    done: BTreeMap<ReferenceId, u32>,
}

impl Climb {
    fn create(&mut self, run: &mut Run, table: TableId) -> Result<(), Failure> {
        if !self.created.contains(&table) {
            run.run(&run.sql.create_home_table(table))?;
            self.created.push(table);
        }
        self.generation += 1;
        Ok(())
    }

    fn add(&mut self, table: TableId, rows: u64) {
        if rows > 0 {
            self.newest.insert(table, self.generation);
        }
    }

    fn climb_to_the_top(&mut self, run: &mut Run, discovery: &Discovery) -> Result<(), Failure> {
        let plan = run.job.plan;
        loop {
            let ready = |table: &TableId, id: &ReferenceId| {
                let done = self.done.get(id).copied().unwrap_or(0);
                self.newest.get(table).is_some_and(|newest| *newest > done)
            };
            let all =
                plan.owning.iter().flat_map(|(table, ids)| ids.iter().map(move |id| (table, id)));
            let round: Vec<ReferenceId> =
                all.filter(|(table, id)| ready(table, id)).map(|(_, id)| *id).collect();
            if round.is_empty() {
                return Ok(());
            }
            for id in round {
                let parent = run.job.catalog.reference(id).parent;
                if run.unreadable(parent).is_some() {
                    self.done.insert(id, u32::MAX);
                    continue;
                }
                self.create(run, parent)?;
                let since = self.done.get(&id).copied().unwrap_or(0);
                let statement = run.sql.climb(id, since, self.generation);
                self.done.insert(id, self.generation - 1);
                let rows = run.execute(&statement)?;
                self.add(parent, rows);
                if discovery.is_single_pass(parent) && discovery.has_keys(parent) {
                    let statement = run.sql.climb_to_taken(id, since, self.generation);
                    run.execute(&statement)?;
                }
            }
        }
    }
}

/// The organizations that one row belongs to, and whether each is selected.
pub fn homes_of(
    run: &mut Run,
    discovery: &Discovery,
    homes: &mut Homes,
    row: &RowKey,
) -> Result<Vec<Owner>, Failure> {
    let origin = origin_of_unlink(run, run.job.plan.unlinks.len());
    homes.climb.create(run, run.job.plan.root)?;
    homes.climb.create(run, row.table)?;
    let start = run.sql.climb_from_row(row, origin, homes.climb.generation);
    homes.climb.add(row.table, run.execute(&start)?);
    homes.climb.climb_to_the_top(run, discovery)?;
    let owner = |row: Row| Owner { title: title(row.text(0), row.text(1)), selected: row.flag(2) };
    let rows = run.query(&run.sql.homes_of(origin, discovery.selected))?;
    Ok(rows.into_iter().map(owner).collect())
}

/// What was said of a row that is an exception.
pub fn judgement(run: &mut Run, homes: &Homes, row: &RowKey) -> Result<Option<Judgement>, Failure> {
    if !homes.tables.contains(&row.table) {
        return Ok(None);
    }
    let judged = run.query(&run.sql.verdict(row))?;
    Ok(judged.first().map(|judged| match (judged.text(0), judged.flag(1)) {
        ("foreign", _) => Judgement::Foreign,
        ("shared", false) => Judgement::Shared,
        ("global", false) => Judgement::Global,
        _ => Judgement::Passed,
    }))
}

/// Followed references into tables with exceptions, whose parents have rows.
fn reaching(run: &Run, discovery: &Discovery, homes: &Homes) -> Vec<ReferenceId> {
    let into = |table: &TableId| run.job.plan.followed_into(*table, run.job.catalog);
    let references = homes.tables.iter().flat_map(into).map(|followed| followed.reference);
    references.filter(|id| discovery.has_rows(run.job.catalog.reference(*id).parent)).collect()
}

/// Keeps rows that `--foreign unlink|reassign` saves out of the closure. True when there were any:
/// the closure must then be found again without them.
pub fn exclude(
    run: &mut Run,
    discovery: &Discovery,
    homes: &Homes,
    excluded: &mut BTreeSet<ReferenceId>,
) -> Result<bool, Failure> {
    let mut any = false;
    for id in reaching(run, discovery, homes) {
        if run.job.plan.foreign_unlink(id).is_none() {
            continue;
        }
        if excluded.insert(id) {
            run.run(&run.sql.create_excluded(id))?;
        }
        any |= run.execute(&run.sql.exclude_refused(id))? > 0;
    }
    Ok(any)
}

/// Drops the key tables and everything built on them.
pub fn forget(
    run: &mut Run,
    discovery: &Discovery,
    homes: &Homes,
    unlinked: &[Unlinked],
) -> Result<(), Failure> {
    run.run(&run.sql.forget_homes(&homes.tables, &homes.climb.created))?;
    for unlink in unlinked {
        run.run(&run.sql.drop_kept(unlink.unlink))?;
    }
    let keys: Vec<TableId> = discovery.created().collect();
    for table in keys {
        run.run(&run.sql.drop_key_table(table))?;
    }
    for table in discovery.with_deferred() {
        run.run(&run.sql.drop_deferred(table))?;
    }
    Ok(())
}

/// Rows of others that would go, per reference that reaches them and has no consent.
pub fn refusals(
    run: &mut Run,
    discovery: &Discovery,
    homes: &Homes,
    excluded: &BTreeSet<ReferenceId>,
) -> Result<Vec<Refusal>, Failure> {
    let mut refusals = Vec::new();
    for id in reaching(run, discovery, homes) {
        if run.job.plan.rules.deletes_foreign(id) {
            continue;
        }
        let excluding = excluded.contains(&id);
        let counts = run.query(&run.sql.count_refused(id, excluding))?;
        for (class, home) in CLASSES {
            if let Some(row) = counts.iter().find(|row| row.text(0) == class) {
                let rows = row.count(1)?;
                refusals.push(refusal(run, discovery, id, (class, home), excluding, rows)?);
            }
        }
    }
    Ok(refusals)
}

fn refusal(
    run: &mut Run,
    discovery: &Discovery,
    id: ReferenceId,
    (class, home): (&str, Home),
    excluding: bool,
    rows: u64,
) -> Result<Refusal, Failure> {
    let kind = match home {
        Home::Foreign => RefusalKind::Foreign,
        Home::Shared => RefusalKind::Shared,
        Home::Global => RefusalKind::Global,
    };
    let samples = run.query(&run.sql.sample_refused(id, class, excluding, SAMPLES))?;
    let samples = samples.iter().map(|row| title(row.text(0), row.text(1))).collect();
    let organizations = match home {
        Home::Global => Vec::new(),
        _ => {
            let question = run.sql.owners_of_refused(id, class, excluding, discovery.selected);
            owners(run, &question)?
        }
    };
    let table = run.job.catalog.reference(id).child;
    Ok(Refusal { rows, samples, organizations, ..Refusal::new(kind, table, Some(id)) })
}

/// Shared rows that go, per table and other organization.
pub fn shared(run: &mut Run, discovery: &Discovery, homes: &Homes) -> Result<Vec<Shared>, Failure> {
    let mut all = Vec::new();
    for table in &homes.tables {
        let question = run.sql.owners_of_shared(*table, discovery.selected);
        let organizations = owners(run, &question)?;
        if !organizations.is_empty() {
            all.push(Shared { table: *table, organizations });
        }
    }
    Ok(all)
}

/// Whose rows the unlinks change, and which of them stay behind without an owner.
pub fn owners_of_unlinked(
    run: &mut Run,
    discovery: &Discovery,
    unlinked: &[Unlinked],
) -> Result<Vec<Unlinked>, Failure> {
    let mut described = Vec::new();
    for unlink in unlinked {
        let origin = origin_of_unlink(run, unlink.unlink);
        let question = run.sql.owners_of_unlinked(unlink.unlink, origin, discovery.selected);
        let organizations = owners(run, &question)?;
        let id = run.job.plan.unlinks[unlink.unlink].reference;
        let child = run.job.catalog.reference(id).child;
        let stranded = if run.job.plan.owning_of(child).contains(&id) {
            run.one(run.sql.count_stranded(origin))?.count(0)?
        } else {
            0
        };
        described.push(Unlinked { organizations, stranded, ..unlink.clone() });
    }
    Ok(described)
}

fn owners(
    run: &mut Run,
    question: &crate::engine::Statement,
) -> Result<Vec<(String, u64)>, Failure> {
    let rows = run.query(question)?;
    let owner = |row: &crate::database::Row| Ok((title(row.text(0), row.text(1)), row.count(2)?));
    rows.iter().map(owner).collect()
}
