//! `orgsweep history`: what was done, by whom, and whether the receipts of it are still as they were.

use super::output::Output;
use super::{receipts, run_record};
use crate::archive::{ArchiveDirectory, Entry, Organization};
use crate::cli::{History, HistoryCommand, PageFormat, PlainFormat};
use crate::exit::{Exit, Problem};
use crate::receipt::Receipt;
use crate::receipt::chain::{self, Kept, Record};
use crate::render::history::{self, Run};
use crate::render::html::{self, ArchiveNow, Made, Proof};
use crate::settings::Settings;
use crate::ui::Ui;
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;
use time::OffsetDateTime;

pub fn run(settings: &Settings, args: &History, ui: &mut Ui) -> Result<Exit> {
    let directory = run_record::directory(&args.archives, settings)?;
    if args.verify && args.archives.archive_dir.is_some() && !directory.is_dir() {
        let problem = format!("there is no directory {}", directory.display());
        return Err(Problem::usage(problem).into());
    }
    let records = receipts::records(&directory)?.into_iter().map(|(_, record)| record);
    let records: Vec<Record> = records.collect();
    if let Some(command) = &args.command {
        return show(settings, &directory, &records, command, ui);
    }
    if args.verify {
        return verify(&directory, &records, args, ui);
    }
    let runs: Vec<Run> = runs(&records).into_iter().filter(|run| is_asked(args, run)).collect();
    let shown = &runs[runs.len().saturating_sub(args.last)..];
    ui.result(&match args.format {
        PlainFormat::Json => history::json(shown),
        PlainFormat::Table => history::table(shown, runs.len(), ui.width),
    });
    Ok(Exit::Done)
}

/// Those that can be read, the oldest first.
fn runs<'a>(records: &'a [Record]) -> Vec<Run<'a>> {
    let receipts = || records.iter().filter_map(|record| record.receipt.as_ref());
    let restores = receipts().flat_map(|receipt| {
        let restored = receipt.parts.iter().filter_map(|part| part.restored.as_deref());
        restored.map(|digest| (digest, receipt.started_at))
    });
    let restored: BTreeMap<&str, OffsetDateTime> = restores.collect();
    let put_back = |receipt: &Receipt| {
        let kept = receipt.parts.iter().filter_map(|part| part.archive_digest.as_deref());
        kept.filter_map(|digest| restored.get(digest).copied()).max()
    };
    let readable = |record: &'a Record| {
        let receipt = record.receipt.as_ref()?;
        let put_back = Some(receipt).filter(|it| it.command == "clean").and_then(put_back);
        Some(Run { link: &record.link, receipt, put_back })
    };
    let mut runs: Vec<Run<'a>> = records.iter().filter_map(readable).collect();
    runs.sort_by_key(|run| run.receipt.started_at);
    runs
}

fn is_asked(args: &History, run: &Run) -> bool {
    let receipt = run.receipt;
    let is_of = |name: &str| {
        let is = |one: &Organization| one.key == name || one.name.as_deref() == Some(name);
        receipt.parts.iter().any(|part| part.organizations.iter().any(is))
    };
    args.database.as_deref().is_none_or(|text| receipt.database.contains(text))
        && args.since.is_none_or(|since| receipt.started_at >= since)
        && args.organization.as_deref().is_none_or(is_of)
}

fn verify(directory: &Path, records: &[Record], args: &History, ui: &mut Ui) -> Result<Exit> {
    let head = receipts::head(directory);
    let archives = ArchiveDirectory::own(directory, Entry::is_complete)?.into_iter();
    let archives = archives
        .filter_map(|(entry, about)| Some(Kept { name: entry.name(), after: about.after? }));
    let archives: Vec<Kept> = archives.collect();
    let verdict =
        chain::verify(records, &archives, head, args.head.as_deref(), OffsetDateTime::now_utc());
    let exit = if verdict.faults.is_empty() { Exit::Done } else { Exit::Refused };
    ui.result(&match args.format {
        PlainFormat::Json => history::verdict_json(directory, &verdict, exit.code()),
        PlainFormat::Table => history::verdict(directory, &verdict, ui.width),
    });
    Ok(exit)
}

fn show(
    settings: &Settings,
    directory: &Path,
    records: &[Record],
    command: &HistoryCommand,
    ui: &mut Ui,
) -> Result<Exit> {
    let HistoryCommand::Show { run: name, format, output } = command;
    let output = Output::open(output)?;
    let runs = runs(records);
    let run = find(&runs, name)?;
    let archive = |name: &str| archive_now(directory, name);
    let text = match format {
        PageFormat::Table => history::one(run, ui.width),
        PageFormat::Json => history::one_json(run),
        PageFormat::Html => {
            let proof = Proof { id: &run.link.id, digest: &run.link.sha256 };
            let made = Made { at: OffsetDateTime::now_utc(), by: settings.actor() };
            html::record(run.receipt, &proof, run.put_back, archive, &made)
        }
    };
    output.write(&text, ui)?;
    Ok(Exit::Done)
}

/// The run that is meant by `latest`, the last one that deleted anything, or by the beginning or the end of its name.
fn find<'a, 'r>(runs: &'a [Run<'r>], name: &str) -> Result<&'a Run<'r>> {
    let is_meant = |run: &&Run| {
        let id = run.link.id.as_str();
        !name.is_empty() && (id.starts_with(name) || id.ends_with(name))
    };
    let deleted = |run: &&Run| run.receipt.parts.iter().any(|part| part.outcome == "cleaned");
    let latest = runs.iter().rev().find(deleted).filter(|_| name == "latest");
    let meant: Vec<&Run> = latest.into_iter().chain(runs.iter().filter(is_meant)).collect();
    let what = match &meant[..] {
        [one] => return Ok(one),
        [] if name == "latest" => "no run has deleted anything".to_owned(),
        [] => format!("no run is called {name}"),
        several => format!("{} runs are called {name}", several.len()),
    };
    Err(Problem::new(Exit::Refused, what)
        .hint("orgsweep history lists those that there are")
        .into())
}

fn archive_now(directory: &Path, name: &str) -> ArchiveNow {
    let path = directory.join(Path::new(name).file_name().unwrap_or_default());
    if path.is_file() { ArchiveNow::Kept } else { ArchiveNow::Gone }
}
