//! The receipts of a directory: read, and written one after the other, each with the digest of the one before.

use crate::archive::{self, ArchiveDirectory};
use crate::files::{self, Destination};
use crate::receipt::Receipt;
use crate::receipt::chain::{self, Head, Link, Record};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// No receipt is larger.
const LARGEST: u64 = 64 << 20;
/// How long another run may take to write its own.
const PATIENCE: Duration = Duration::from_secs(10);

/// All receipts of a directory, those that nobody can read included, by name.
///
/// # Errors
/// The directory cannot be read.
pub fn records(directory: &Path) -> archive::Result<Vec<(archive::Entry, Record)>> {
    Ok(read(ArchiveDirectory::receipts(directory)?))
}

fn read(entries: Vec<archive::Entry>) -> Vec<(archive::Entry, Record)> {
    let read = |entry: archive::Entry| {
        // Another run may take it away meanwhile.
        let text = files::read(&entry.path, LARGEST).ok()?;
        let link = Link { id: entry.stem(), sha256: chain::sha256(&text) };
        let receipt = serde_json::from_slice(&text).ok();
        Some((entry, Record { link, receipt }))
    };
    entries.into_iter().filter_map(read).collect()
}

/// What the next receipt comes after, or an archive that is begun. Only what may be later than the head is read: there may be years of the others.
pub fn latest(directory: &Path) -> archive::Result<Option<Head>> {
    // File systems round.
    const SLACK: Duration = Duration::from_secs(2);
    let head = head(directory);
    let written = fs::metadata(ArchiveDirectory::head(directory)).and_then(|it| it.modified());
    let mut entries = ArchiveDirectory::receipts(directory)?;
    if let (Some(_), Ok(written)) = (&head, written) {
        entries.retain(|entry| entry.modified + SLACK >= written);
    }
    let records: Vec<Record> = read(entries).into_iter().map(|(_, record)| record).collect();
    Ok(chain::latest(head, &records))
}

/// Those that can be read, the oldest first.
///
/// # Errors
/// The directory cannot be read.
pub fn receipts(directory: &Path) -> archive::Result<Vec<(archive::Entry, Receipt)>> {
    let readable = |(entry, record): (_, Record)| record.receipt.map(|receipt| (entry, receipt));
    let mut receipts: Vec<(archive::Entry, Receipt)> =
        records(directory)?.into_iter().filter_map(readable).collect();
    receipts.sort_by_key(|(_, receipt)| receipt.started_at);
    Ok(receipts)
}

/// The latest, as the directory says.
pub fn head(directory: &Path) -> Option<Head> {
    let text = files::read(&ArchiveDirectory::head(directory), LARGEST).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Writes a receipt under this name, after the latest, and where it was asked for besides.
///
/// # Errors
/// It cannot be written.
pub fn keep(
    receipt: &mut Receipt,
    archives: &ArchiveDirectory,
    stem: &str,
    besides: Option<Destination>,
) -> Result<Link> {
    // As long as it is open, other runs wait: each receipt follows another one.
    let locked = archives.lock(PATIENCE)?;
    if locked.is_some() {
        let latest = latest(&archives.directory)?;
        receipt.headless = latest.is_some() && head(&archives.directory).is_none();
        receipt.number = latest.as_ref().map_or(0, |head| head.number) + 1;
        receipt.previous = latest.map(|head| head.link);
    }
    let text = written(receipt, besides)?;
    Destination::open(&archives.receipt(stem), 0o600)?.write(&text)?;
    let link = Link { id: stem.to_owned(), sha256: chain::sha256(&text) };
    if locked.is_some() {
        let head = Head { number: receipt.number, link: link.clone() };
        let text = serde_json::to_vec(&head).expect("plain data always serializes");
        Destination::open(&ArchiveDirectory::head(&archives.directory), 0o600)?.write(&text)?;
    }
    Ok(link)
}

/// Only where it was asked for.
///
/// # Errors
/// It cannot be written.
pub fn written(receipt: &Receipt, file: Option<Destination>) -> Result<Vec<u8>> {
    let text = serde_json::to_vec_pretty(receipt).expect("plain data always serializes");
    if let Some(file) = file {
        file.write(&text)?;
    }
    Ok(text)
}
