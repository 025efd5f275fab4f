//! Receipts of one directory, each with the digest of the one before: what was taken away, changed or put between
//! shows. It shows to whoever knows the latest digest. Who can write to the directory can make all of it anew: then
//! only a digest that was kept elsewhere tells. Pure.

use super::Receipt;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::format_description::FormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

pub use crate::archive::{Head, Link};

/// Receipts say who deleted what, without any of it.
pub const KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// A receipt as it lies in its directory.
#[derive(Debug, Clone)]
pub struct Record {
    pub link: Link,
    /// `None`: nobody can read it.
    pub receipt: Option<Receipt>,
}

/// An archive beside the receipts.
#[derive(Debug, Clone)]
pub struct Kept {
    pub name: String,
    /// The latest receipt when it was begun; number 0: there was none.
    pub after: Head,
}

/// What the receipts of a directory say of each other, and what its archives say of them.
#[derive(Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verdict {
    /// How many are as the one after them saw them, or the head did.
    pub linked: u64,
    /// The last of them.
    pub head: Option<Link>,
    /// How many were kept long enough.
    pub expired: u64,
    /// Those that carry no digest: of an orgsweep that wrote none, or of a run that could not lock the directory.
    /// Nothing vouches for them.
    pub unlinked: Vec<String>,
    pub faults: Vec<Fault>,
}

#[derive(Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fault {
    pub kind: FaultKind,
    /// The receipt, or the digest that was asked for.
    pub of: String,
    /// Of how many nothing is known.
    pub lost: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    Removed,
    Changed,
    /// None of the others knows it.
    Strange,
    /// There are linked receipts, and no head; or there was none when this one was written.
    NoHead,
    /// No receipt is of this archive.
    NoReceipt,
    /// The digest that somebody kept is none of these.
    UnknownHead,
}

pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Record {
    fn is_unread(&self) -> bool {
        self.receipt.is_none()
    }

    fn number(&self) -> u64 {
        self.receipt.as_ref().map_or(0, |receipt| receipt.number)
    }
}

/// What the next receipt comes after: the head, or what followed it when a run died before it could say so.
pub fn latest(head: Option<Head>, records: &[Record]) -> Option<Head> {
    let by_number = |number: u64| records.iter().filter(move |record| record.number() == number);
    let as_head = |record: &Record| Head { number: record.number(), link: record.link.clone() };
    let Some(mut head) = head else {
        return records
            .iter()
            .map(as_head)
            .filter(|head| head.number > 0)
            .max_by_key(|it| it.number);
    };
    loop {
        let follows = |record: &&Record| {
            record.receipt.as_ref().and_then(|it| it.previous.as_ref()) == Some(&head.link)
        };
        match by_number(head.number + 1).find(follows) {
            Some(record) => head = as_head(record),
            None => return Some(head),
        }
    }
}

/// Goes back from the head, receipt by receipt. `known`: a digest that somebody has kept elsewhere.
pub fn verify(
    records: &[Record],
    archives: &[Kept],
    head: Option<Head>,
    known: Option<&str>,
    now: OffsetDateTime,
) -> Verdict {
    let mut verdict = Verdict::default();
    let mut unseen: BTreeMap<&str, &Record> = records
        .iter()
        .filter(|record| record.number() > 0 || record.receipt.is_none())
        .map(|record| (record.link.id.as_str(), record))
        .collect();
    if head.is_none() && unseen.values().any(|record| record.number() > 0) {
        verdict.fault(FaultKind::NoHead, "", 0);
    }
    let mut digests = BTreeSet::new();
    let mut next = latest(head, records);
    verdict.head = next.as_ref().map(|head| head.link.clone());
    while let Some(Head { number, link }) = next.take() {
        digests.insert(link.sha256.clone());
        if let Some(record) = unseen.remove(link.id.as_str()) {
            if record.link.sha256 == link.sha256 {
                verdict.linked += 1;
            } else {
                verdict.fault(FaultKind::Changed, &link.id, 1);
            }
            if let Some(receipt) = &record.receipt {
                let before = receipt.previous.clone();
                next = before.map(|link| Head { number: number.saturating_sub(1), link });
                continue;
            }
        }
        // What this one followed it cannot say.
        let onward = unseen.values().filter(|record| (1..number).contains(&record.number()));
        let onward = onward.max_by_key(|record| record.number());
        let lost = number - onward.map_or(0, |record| record.number());
        if records.iter().any(|record| record.link.id == link.id) {
            // Unreadable, and told; the ones between are gone.
            if lost > 1 {
                verdict.fault(FaultKind::Removed, &link.id, lost - 1);
            }
        } else if is_expired(&link.id, now) {
            verdict.expired += lost;
        } else {
            verdict.fault(FaultKind::Removed, &link.id, lost);
        }
        next = onward.map(|it| Head { number: it.number(), link: it.link.clone() });
    }
    for (id, record) in unseen {
        match record.receipt {
            Some(_) if is_expired(id, now) => {}
            Some(_) => verdict.fault(FaultKind::Strange, id, 0),
            None => verdict.unlinked.push(id.to_owned()),
        }
    }
    for record in records.iter().filter(|it| it.receipt.as_ref().is_some_and(|it| it.headless)) {
        verdict.fault(FaultKind::NoHead, &record.link.id, 0);
    }
    verdict.compare(records, archives, &digests, now);
    let plain = records.iter().filter(|it| it.receipt.as_ref().is_some_and(|it| it.number == 0));
    verdict.unlinked.extend(plain.map(|record| record.link.id.clone()));
    if let Some(known) = known.filter(|known| !digests.contains(&known.to_lowercase())) {
        verdict.fault(FaultKind::UnknownHead, known, 0);
    }
    verdict
}

impl Verdict {
    /// Who took the latest receipt away, and the head, left the archive of its run, or of a run after it.
    fn compare(
        &mut self,
        records: &[Record],
        archives: &[Kept],
        digests: &BTreeSet<String>,
        now: OffsetDateTime,
    ) {
        let mut missed = BTreeMap::new();
        for Kept { after, .. } in archives {
            if after.number > 0 && !digests.contains(&after.link.sha256) {
                missed.insert(&after.link.id, after);
            }
        }
        for id in missed.into_keys().filter(|id| !is_expired(id, now)) {
            if self.faults.iter().any(|fault| fault.of == *id) {
                continue;
            }
            let is_here = records.iter().any(|record| record.link.id == *id);
            self.fault(if is_here { FaultKind::Changed } else { FaultKind::Removed }, id, 1);
        }
        // A receipt that is gone explains archives that have none.
        if self.faults.iter().any(|fault| fault.lost > 0) || records.iter().any(Record::is_unread) {
            return;
        }
        let receipts = records.iter().filter_map(|record| record.receipt.as_ref());
        let parts = receipts.flat_map(|receipt| &receipt.parts);
        let told: BTreeSet<&str> = parts.filter_map(|part| part.archive.as_deref()).collect();
        for kept in archives.iter().filter(|kept| !told.contains(&*kept.name)) {
            if !is_expired(&kept.name, now) {
                self.fault(FaultKind::NoReceipt, &kept.name, 0);
            }
        }
    }

    fn fault(&mut self, kind: FaultKind, of: &str, lost: u64) {
        self.faults.push(Fault { kind, of: of.to_owned(), lost });
    }
}

/// By the time in its name: a later run may have removed it.
fn is_expired(id: &str, now: OffsetDateTime) -> bool {
    const STAMP: &[FormatItem] =
        format_description!("[year][month][day]T[hour][minute][second].[subsecond digits:3]Z");
    let stamp = id.split_once('-').map_or(id, |(stamp, _)| stamp);
    PrimitiveDateTime::parse(stamp, STAMP).is_ok_and(|made| now - made.assume_utc() > KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Actor;
    use crate::receipt::Part;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-30 00:00 UTC);

    /// So many runs of the same day, the first ones `old` of them long ago.
    fn runs(count: u64, old: u64) -> (Vec<Record>, Head) {
        let mut records = Vec::<Record>::new();
        for number in 1..=count {
            let year = if number <= old { 2020 } else { 2026 };
            let id = format!("{year}1129T0000{number:02}.000Z-apex-0000000{number}");
            let previous = records.last().map(|record| record.link.clone());
            records.push(sealed(&id, number, previous));
        }
        let head = Head { number: count, link: records[records.len() - 1].link.clone() };
        (records, head)
    }

    fn sealed(id: &str, number: u64, previous: Option<Link>) -> Record {
        let actor = Actor { user: "ann".into(), host: "desk".into() };
        let mut receipt = Receipt::begin("clean", actor, "sqlite:crm.db".into(), id.into());
        (receipt.number, receipt.previous) = (number, previous);
        let sha256 = sha256(&serde_json::to_vec(&receipt).unwrap());
        Record { link: Link { id: id.into(), sha256 }, receipt: Some(receipt) }
    }

    fn faults(verdict: &Verdict) -> Vec<(FaultKind, &str, u64)> {
        let end = |id: &'_ str| id.rsplit_once('-').map_or(0, |(begin, _)| begin.len() + 1);
        verdict.faults.iter().map(|it| (it.kind, &it.of[end(&it.of)..], it.lost)).collect()
    }

    #[test]
    fn a_whole_chain_is_in_order() {
        let (records, head) = runs(4, 0);
        let verdict = verify(&records, &[], Some(head.clone()), Some(&records[1].link.sha256), NOW);
        assert_eq!((verdict.linked, verdict.faults), (4, vec![]));
        assert_eq!(verdict.head, Some(head.link));
    }

    #[test]
    fn each_that_is_gone_is_missed() {
        for n in 0..4 {
            let (mut records, head) = runs(4, 0);
            let gone = records.remove(n);
            let verdict = verify(&records, &[], Some(head), None, NOW);
            assert_eq!(verdict.linked, 3, "{verdict:?}");
            let fault = Fault { kind: FaultKind::Removed, of: gone.link.id, lost: 1 };
            assert_eq!(verdict.faults, [fault]);
        }
        let (mut records, head) = runs(5, 0);
        records.drain(1..4);
        assert_eq!(
            faults(&verify(&records, &[], Some(head), None, NOW)),
            [(FaultKind::Removed, "00000004", 3)]
        );
    }

    #[test]
    fn each_that_was_changed_is_known() {
        for n in 0..4 {
            let (mut records, head) = runs(4, 0);
            let mut receipt = records[n].receipt.clone().unwrap();
            receipt.database = "another".into();
            records[n].link.sha256 = sha256(&serde_json::to_vec(&receipt).unwrap());
            records[n].receipt = Some(receipt);
            let verdict = verify(&records, &[], Some(head.clone()), None, NOW);
            let fault = Fault { kind: FaultKind::Changed, of: records[n].link.id.clone(), lost: 1 };
            assert_eq!((verdict.linked, verdict.faults), (3, vec![fault]));
            // Garbage instead.
            records[n].receipt = None;
            let verdict = verify(&records, &[], Some(head), None, NOW);
            assert_eq!((verdict.linked, verdict.faults.len()), (3, 1), "{n}");
        }
    }

    #[test]
    fn another_order_is_none_of_theirs() {
        let (mut records, head) = runs(4, 0);
        let (second, third) = (records[1].link.id.clone(), records[2].link.id.clone());
        (records[1].link.id, records[2].link.id) = (third, second);
        let verdict = verify(&records, &[], Some(head), None, NOW);
        let kinds: Vec<FaultKind> = verdict.faults.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [FaultKind::Changed, FaultKind::Strange]);
    }

    #[test]
    fn one_that_was_put_between_is_strange() {
        let (mut records, head) = runs(3, 0);
        let before = records[0].link.clone();
        records.push(sealed("20261129T000009.000Z-forged-00000009", 2, Some(before)));
        assert_eq!(
            faults(&verify(&records, &[], Some(head), None, NOW)),
            [(FaultKind::Strange, "00000009", 0)]
        );
    }

    #[test]
    fn what_was_kept_long_enough_may_be_gone() {
        let (mut records, head) = runs(5, 3);
        // Another database's of the same age stays.
        records.remove(2);
        records.remove(0);
        let verdict = verify(&records, &[], Some(head), None, NOW);
        assert_eq!((verdict.linked, verdict.expired, verdict.faults), (3, 2, vec![]));
    }

    #[test]
    fn who_died_before_the_head_was_written_is_followed() {
        let (records, head) = runs(3, 0);
        let stale = Head { number: 2, link: records[1].link.clone() };
        assert_eq!(latest(Some(stale.clone()), &records), Some(head));
        assert_eq!(verify(&records, &[], Some(stale), None, NOW).faults, []);
    }

    #[test]
    fn a_chain_that_was_made_anew_is_known_by_a_digest_kept_elsewhere() {
        let (records, head) = runs(3, 0);
        let kept = head.link.sha256;
        let mut anew = Vec::<Record>::new();
        for record in &records[1..] {
            let previous = anew.last().map(|record| record.link.clone());
            anew.push(sealed(&record.link.id, anew.len() as u64 + 1, previous));
        }
        let head = Head { number: 2, link: anew[1].link.clone() };
        assert_eq!(verify(&anew, &[], Some(head.clone()), None, NOW).faults, []);
        let verdict = verify(&anew, &[], Some(head), Some(&kept), NOW);
        assert_eq!(verdict.faults[0].kind, FaultKind::UnknownHead);
        assert_eq!(verify(&anew, &[], None, None, NOW).faults[0].kind, FaultKind::NoHead);
    }

    /// Of the last of three runs, of the first, or with all of them.
    #[test]
    fn who_takes_the_head_away_too_is_told_by_archives() {
        let archive = |record: &Record, before: Option<&Record>| {
            let none = Link { id: String::new(), sha256: String::new() };
            let number = before.map_or(0, |record| record.number());
            let link = before.map_or(none, |record| record.link.clone());
            Kept { name: format!("{}.tar.zst", record.link.id), after: Head { number, link } }
        };
        let (mut records, head) = runs(3, 0);
        for (n, record) in records.iter_mut().enumerate() {
            record.receipt.as_mut().unwrap().parts.push(Part {
                archive: Some(format!("{}.tar.zst", record.link.id)),
                ..Part::default()
            });
            assert!(n < 3);
        }
        let archives = [
            archive(&records[0], None),
            archive(&records[1], Some(&records[0])),
            archive(&records[2], Some(&records[1])),
        ];
        let told =
            |records: &[Record], head| faults_of(&verify(records, &archives, head, None, NOW));
        assert_eq!(told(&records, Some(head)), []);
        let second = Head { number: 2, link: records[1].link.clone() };
        assert_eq!(told(&records[..2], Some(second)), [(FaultKind::NoReceipt, 0)]);
        assert_eq!(told(&[], None), [(FaultKind::Removed, 1), (FaultKind::Removed, 1)]);
        // As the next run would have it.
        let mut anew = sealed("20261129T000009.000Z-apex-00000009", 1, None);
        let head = Head { number: 1, link: anew.link.clone() };
        assert_eq!(
            told(std::slice::from_ref(&anew), Some(head.clone())),
            [(FaultKind::Removed, 1), (FaultKind::Removed, 1)]
        );
        anew.receipt.as_mut().unwrap().headless = true;
        let verdict = verify(&[anew], &[], Some(head), None, NOW);
        assert_eq!(faults_of(&verdict), [(FaultKind::NoHead, 0)]);
    }

    fn faults_of(verdict: &Verdict) -> Vec<(FaultKind, u64)> {
        verdict.faults.iter().map(|it| (it.kind, it.lost)).collect()
    }

    #[test]
    fn receipts_without_a_digest_are_told_and_no_fault() {
        let (mut records, head) = runs(2, 0);
        records.push(sealed("20251129T000000.000Z-apex-0000000a", 0, None));
        let verdict = verify(&records, &[], Some(head), None, NOW);
        assert_eq!((verdict.unlinked.len(), verdict.faults.len()), (1, 0));
        assert_eq!(verify(&records[2..], &[], None, None, NOW).faults, []);
    }
}
