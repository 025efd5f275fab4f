//! A digest of the very rows that a plan concerns, whatever the order in which they are found: the sum
//! of their keys' hashes. Rows that come, go or are exchanged change it.

use super::{Failure, Run};
use crate::archive::line;
use crate::database::Value;
use crate::engine::Statement;
use crate::findings::{Findings, Step};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Of every step with rows; the key tables are still there.
pub fn digests(run: &mut Run, findings: &Findings) -> Result<BTreeMap<Step, String>, Failure> {
    let deleted = findings.rows().into_keys().map(Step::Delete);
    let unlinked = findings.unlinked.iter().map(|found| Step::Unlink(found.unlink));
    let mut digests = BTreeMap::new();
    for step in deleted.chain(unlinked) {
        let keys = match step {
            Step::Delete(table) => run.sql.keys_of(table),
            Step::Unlink(position) => run.sql.kept_keys(position),
        };
        digests.insert(step, digest(run, &keys)?);
    }
    Ok(digests)
}

fn digest(run: &mut Run, keys: &Statement) -> Result<String, Failure> {
    let mut sum = Sum::default();
    run.database.stream(keys, &mut |values| {
        sum.add(values);
        Ok::<(), Failure>(())
    })?;
    Ok(format!("{:032x}", sum.total))
}

/// The sum of the hashes of rows: the same rows have the same, in whatever order they come.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    total: u128,
    line: Vec<u8>,
}

impl Sum {
    pub fn add(&mut self, values: &[Value]) {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line::encode(&mut line, values.iter().copied());
        self.add_line(&line);
        self.line = line;
    }

    /// The same of a row that is a line already, its end included.
    pub fn add_line(&mut self, line: &[u8]) {
        let hash = Sha256::digest(line);
        let half = hash.first_chunk().expect("SHA-256 has 32 bytes");
        self.total = self.total.wrapping_add(u128::from_be_bytes(*half));
    }
}

impl PartialEq for Sum {
    fn eq(&self, other: &Sum) -> bool {
        self.total == other.total
    }
}
