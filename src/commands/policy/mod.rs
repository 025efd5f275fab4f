//! `orgsweep policy`: write a policy file, check it.

mod check;
mod django;
mod init;

use super::context::{Context, Session};
use crate::catalog::{Catalog, ReferenceId, TableId};
use crate::cli::{DjangoArgs, PolicyCommand};
use crate::database::{Database, Target};
use crate::exit::{Exit, Problem};
use crate::files::Destination;
use crate::sql::Sql;
use crate::ui::Ui;
use anyhow::Result;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Rows looked at to see whether a reference holds.
const SAMPLE: u32 = 10_000;

pub fn run(
    command: &PolicyCommand,
    project: &DjangoArgs,
    target: &dyn Fn() -> Result<Target>,
    session: &dyn Fn() -> Result<Session>,
    ui: &mut Ui,
) -> Result<Exit> {
    match command {
        // The policy that is there may be why a new one is wanted.
        PolicyCommand::Init(args) => init::run(&target()?, args, ui),
        PolicyCommand::Django(args) => django::run(project, args, ui),
        PolicyCommand::Check(args) => check::run(&session()?, args, ui),
    }
}

/// Prints a policy, or writes it to a file that is not there yet.
///
/// # Errors
/// The file exists, or cannot be written.
fn write(ui: &mut Ui, output: Option<&Path>, overwrite: bool, text: &str) -> Result<()> {
    let Some(path) = output else {
        ui.result(text);
        return Ok(());
    };
    let written = if overwrite {
        Destination::open(path, 0o666).and_then(|file| file.write(text.as_bytes()))
    } else {
        File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()))
    };
    written.map_err(|error| {
        let problem = Problem::usage(format!("{} cannot be written: {error}", path.display()));
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => problem.hint("--overwrite replaces it"),
            _ => problem,
        }
    })?;
    ui.note(&format!("wrote {}; orgsweep policy check looks whether it fits", path.display()));
    Ok(())
}

/// Rows of the sample that name somebody by a reference, and those whose parent exists; `None`
/// where the rows cannot be read.
fn evidence(database: &mut Database, sql: &Sql, id: ReferenceId) -> Result<Option<(u64, u64)>> {
    let reference = sql.catalog.reference(id);
    if !readable(sql.catalog, reference.child) || !readable(sql.catalog, reference.parent) {
        return Ok(None);
    }
    let row = database.query_one(&sql.evidence(id, SAMPLE))?;
    Ok(Some((row.count(0)?, row.count(1)?)))
}

fn readable(catalog: &Catalog, table: TableId) -> bool {
    let table = catalog.table(table);
    table.privileges.select && !table.row_security
}
