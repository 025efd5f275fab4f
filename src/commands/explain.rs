//! `orgsweep explain`

use super::context::{Prepared, Session};
use crate::address::{self, Address, AddressProblem};
use crate::cli::{Explain, PlainFormat};
use crate::execute::{self, Answer, Job};
use crate::exit::{Exit, Problem};
use crate::explanation::Explanation;
use crate::label::printable;
use crate::render::explain::{ExplanationView, json, table};
use crate::ui::Ui;
use anyhow::Result;

pub fn run(session: &Session, args: &Explain, ui: &mut Ui) -> Result<Exit> {
    let (mut database, prepared) = Prepared::open(session, &args.select, &args.delete)?;
    let address = address(&prepared, args).map_err(unnamed)?;
    if ui.is_heard() {
        ui.heading(&prepared.describe());
    }
    let job = Job { scopes: None, ..prepared.job(args.delete.lock_timeout, false) };
    let mut observe = |progress: execute::Progress| prepared.show_progress(ui, progress);
    let answer = execute::explain(&mut database, &job, &address, &mut observe)?;
    let explanation = explained(&prepared, &address, answer)?;
    prepared.tell_unmatched(&mut database, &explanation.organizations, ui)?;
    let unmatched = args.select.require_match && explanation.organizations.is_empty();
    let exit = if unmatched { Exit::Refused } else { Exit::Done };
    let view = ExplanationView {
        catalog: &prepared.catalog,
        plan: &prepared.plan,
        explanation: &explanation,
        database: &prepared.target,
        exit: exit.code(),
    };
    ui.result(&match args.format {
        PlainFormat::Table => table(&view, ui.width),
        PlainFormat::Json => json(&view),
    });
    Ok(exit)
}

fn address(prepared: &Prepared, args: &Explain) -> Result<Address, AddressProblem> {
    let table = address::table(&prepared.catalog, &args.table)?;
    address::row(prepared.dialect, &prepared.catalog, table, &args.key)
}

fn unnamed(problem: AddressProblem) -> Problem {
    Problem::usage(problem.message).hint(problem.hint)
}

fn explained(
    prepared: &Prepared,
    address: &Address,
    answer: Answer,
) -> Result<Explanation, Problem> {
    let table = &prepared.catalog.table(address.table).name;
    let row = printable(&address.describe(prepared.dialect));
    match answer {
        Answer::Explained(explanation) => Ok(*explanation),
        Answer::Missing => {
            Err(Problem::new(Exit::Refused, format!("{table} has no row with {row}"))
                .hint("it may be gone already"))
        }
        Answer::Several => Err(Problem::usage(format!("several rows of {table} have {row}"))
            .hint("name one by its key, or by more columns")),
        Answer::NoValue(column) => {
            Err(Problem::usage(format!("{table}.{column} holds numbers: no row has {row}"))
                .hint("a key takes a value of its column's own type"))
        }
    }
}
