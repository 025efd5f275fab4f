//! Who sees the rows come back: the engine's check of each of them, and triggers.

use super::{Failure, Run, Source};
use crate::catalog::{Catalog, Reference, TableId};
use crate::engine::{Cycles, Dialect, Silence};
use crate::plan::Checks;
use crate::restoration::{Firing, firing, is_plain};
use std::collections::BTreeSet;

/// How rows are put back.
pub struct Way {
    /// SQLite's checks of each row are off.
    pub in_sets: bool,
    silence: Silence,
    /// Tables whose rows the engine has to check, one by one.
    engine: BTreeSet<TableId>,
    /// Triggers that fire all the same.
    pub firing: Vec<Firing>,
}

/// Who checks the rows where that is decided before BEGIN. SQLite's own checks would keep out rows that named nobody
/// before they went, all rows of a table whose foreign key names no table or no key, and a row that names itself by
/// what is only equal to its key: SQLite and InnoDB look before the row is there, PostgreSQL after the statement.
pub fn checks(dialect: Dialect, catalog: &Catalog, source: &Source) -> Checks {
    let (rows, links) = source.restoration.tables();
    let dangling = source.reader.manifest.sections.iter().any(|it| !it.dangling.is_empty());
    let unsound = catalog.unsound.iter().any(|table| rows.contains(table) || links.contains(table));
    let mut own = rows.iter().flat_map(|table| catalog.self_references(*table));
    let likes_itself = dialect.looks_before_a_row_is_there() && own.any(|id| catalog.likens(id));
    // What triggers write is the engine's to check.
    let fires = source.fire_triggers
        && !firing(catalog, (&rows, &links), Silence::Nothing, &BTreeSet::new()).is_empty();
    if (dangling || unsound || likes_itself) && !fires { Checks::Set } else { Checks::Engine }
}

impl Way {
    pub fn choose(run: &mut Run, source: &Source) -> Result<Way, Failure> {
        let (rows, links) = source.restoration.tables();
        let silence = if source.fire_triggers { Silence::Nothing } else { source.silence };
        let engine = match silence {
            Silence::ReplicaRole => needing_the_engine(run, &rows)?,
            Silence::Nothing | Silence::Switch => BTreeSet::new(),
        };
        let firing = firing(run.job.catalog, (&rows, &links), silence, &engine);
        let in_sets = checks(run.sql.dialect, run.job.catalog, source) == Checks::Set;
        Ok(Way { in_sets, silence, engine, firing })
    }

    /// Nothing checks the rows of this table, which may then name nobody as they did before.
    pub fn leaves_unwatched(&self, run: &Run, source: &Source, table: TableId) -> bool {
        let mut order = source.restoration.order.iter();
        order.any(|tables| tables.contains(&table) && self.is_unwatched(run, tables))
    }

    /// SQLite's triggers are to be switched off.
    pub fn switches(&self) -> bool {
        self.silence == Silence::Switch
    }

    /// Nothing checks the rows of these tables as they go in: the proof does. On MariaDB rows that name each other
    /// pass no check of single rows; only where triggers fire, whose own rows want to be checked, and no row can
    /// name another of these, its checks stay on.
    pub fn is_unwatched(&self, run: &Run, tables: &[TableId]) -> bool {
        let catalog = run.job.catalog;
        match run.sql.dialect.cycles() {
            Cycles::Deferred => self.in_sets,
            Cycles::OneStatement => {
                let takes =
                    |id: &TableId| self.silence.takes(catalog.table(*id), self.engine.contains(id));
                tables.iter().all(takes)
            }
            Cycles::LeavesFirst => {
                let within = |table: &TableId| tables.contains(table);
                let mut references = catalog.references.iter();
                let unlike =
                    |id| within(&catalog.reference(id).child) && run.sql.unlike(id).is_some();
                !catalog.reference_ids().any(unlike)
                    && (self.firing.is_empty()
                        || references.any(|r| within(&r.child) && within(&r.parent)))
            }
        }
    }
}

/// Tables of which something is watched that no question asked in sets stands for.
fn needing_the_engine(
    run: &mut Run,
    rows: &BTreeSet<TableId>,
) -> Result<BTreeSet<TableId>, Failure> {
    let catalog = run.job.catalog;
    let known = |table: TableId| {
        catalog.references.iter().filter(move |r| r.child == table && r.is_constraint())
    };
    let in_sets = |reference: &Reference| {
        !reference.enforced || (is_plain(reference) && may_hold(catalog, reference.parent))
    };
    let mut engine: BTreeSet<TableId> =
        rows.iter().copied().filter(|table| !known(*table).all(in_sets)).collect();
    let tables: Vec<TableId> = rows.iter().copied().collect();
    if let Some(question) = run.sql.watched_besides(&tables) {
        for row in run.query(&question)? {
            let table = TableId(row.count(0)? as usize);
            let others = row.count(1)? as usize != known(table).count();
            engine.extend((others || row.flag(2)).then_some(table));
        }
    }
    Ok(engine)
}

/// Its rows can be seen, and kept from going.
fn may_hold(catalog: &Catalog, table: TableId) -> bool {
    let table = catalog.table(table);
    table.privileges.select && table.privileges.lock && !table.row_security
}
