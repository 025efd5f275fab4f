//! Seed data for the built-in CRM: the story of two organizations (one the client of the other), and
//! as many more, as large, as asked for. Written through Diesel's typed API in one transaction.
//!
//! The same options give the same rows on an empty database, on either backend. An organization is
//! known by its name: one that exists is left as it is, so seeding again brings back what was
//! cleaned away and nothing else.

mod names;
mod organization;
mod rows;
mod shape;
mod store;
mod system;

pub use names::{APEX, GLOBAL};

use crate::crm::schema::organizations;
use crate::database::{self, Database, Driver, Purpose};
use anyhow::{Context, Result};
use diesel::prelude::*;
use organization::Order;
use shape::Shape;
use std::collections::BTreeSet;
use store::{Store, on_driver};
use time::PrimitiveDateTime;
use time::macros::datetime;

/// Where the seeded company history starts. Fixed, so that the rows are the same every day.
const BASE: PrimitiveDateTime = datetime!(2026-01-01 08:00:00);

/// Organizations that are looked up by one query.
const LOOKUP: u32 = 500;

/// What to seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub organizations: u32,
    /// Rows of the first organization, [`APEX`]; at least 63 are made.
    pub rows: u64,
    /// Rows of each of the others.
    pub other_rows: u64,
    /// Another seed gives other amounts, dates and assignments; names stay.
    pub seed: u64,
}

impl Options {
    /// How many rows an empty database would get, a handful outside any organization excepted.
    pub fn total_rows(&self) -> u64 {
        match u64::from(self.organizations) {
            0 => 0,
            all => self.shape(0).rows() + self.shape(1).rows() * (all - 1),
        }
    }

    fn shape(&self, number: u32) -> Shape {
        Shape::of(if number == 0 { self.rows } else { self.other_rows })
    }
}

/// What was seeded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Names of the organizations that were made.
    pub created: Vec<String>,
    /// Names that existed already and were left as they are.
    pub existing: Vec<String>,
    /// Rows written, those outside any organization included.
    pub rows: u64,
}

/// Seeds a migrated database; `progress` hears how many rows are written so far.
///
/// # Errors
/// The tables are missing, or a statement failed: nothing was seeded then.
pub fn run(
    database: &mut Database,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Summary> {
    database.begin(Purpose::Write)?;
    // The CRM's tables are where the search path says.
    if let Some(names) = database.dialect().names_theirs() {
        database.run(names)?;
    }
    let seeded = fill(database, options, progress);
    if seeded.is_err() {
        database.rollback();
        return seeded;
    }
    database.commit()?;
    seeded
}

fn fill(
    database: &mut Database,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Summary> {
    const MISSING: &str = "the CRM's tables cannot be seeded (`orgsweep migrate` creates them)";
    // Two that seed at once would give out the same keys.
    match database.driver() {
        Driver::Sqlite(_) => {}
        Driver::Postgres(_) => {
            database.run("LOCK TABLE organizations IN SHARE ROW EXCLUSIVE MODE").context(MISSING)?
        }
        Driver::Mysql(_) => {
            database.run("SELECT id FROM organizations FOR UPDATE").context(MISSING)?;
        }
    }
    let mut store = Store::open(database, progress).context(MISSING)?;
    let permissions = system::add(&mut store)?;
    let mut summary = Summary::default();
    for first in (0..options.organizations).step_by(LOOKUP as usize) {
        let numbers = first..options.organizations.min(first.saturating_add(LOOKUP));
        let names: Vec<String> = numbers.clone().map(names::organization).collect();
        let existing = existing(store.database, &names)?;
        for (number, name) in numbers.zip(names) {
            if existing.contains(&name) {
                summary.existing.push(name);
                continue;
            }
            let shape = options.shape(number);
            let order = Order { number, name, shape, seed: options.seed };
            organization::add(&mut store, &order, &permissions)?;
            summary.created.push(order.name);
        }
    }
    summary.rows = store.finish()?;
    Ok(summary)
}

fn existing(database: &mut Database, names: &[String]) -> database::Result<BTreeSet<String>> {
    let query =
        organizations::table.filter(organizations::name.eq_any(names)).select(organizations::name);
    let known: Vec<String> = on_driver!(database, connection => query.load(connection))?;
    Ok(known.into_iter().collect())
}
