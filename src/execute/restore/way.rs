//! Who sees the rows come back: the engine's check of each of them, and triggers.

use super::{Failure, Run, Source};
use crate::catalog::{Catalog, Reference, TableId};
use crate::restoration::{Firing, Silence, firing, is_plain};
use crate::sql::Cycles;
use std::collections::BTreeSet;

/// How rows are put back.
pub struct Way {
    silence: Silence,
    /// Tables whose rows the engine has to check, one by one.
    engine: BTreeSet<TableId>,
    /// Triggers that fire all the same.
    pub firing: Vec<Firing>,
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
        Ok(Way { silence, engine, firing })
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
            Cycles::Deferred => false,
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
