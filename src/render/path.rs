//! Which way a deletion takes through its rows, why, and what it falls back to.

use super::Report;
use crate::plan::Checks;

impl Report<'_> {
    /// Of the clean that a preview announces.
    pub fn path(&self) -> String {
        if self.findings.top_down {
            return "one pass from the top down, rows go as they are found; should anything be in the way by \
                    then, it is rolled back and all rows are found first"
                .into();
        }
        if self.findings.engine_cascade {
            return "all rows are found first, then the engine deletes the organizations' rows and, by its own \
                    cascades, the others"
                .into();
        }
        let path = "all rows are found first, then deleted children first";
        match self.why_not_one_pass() {
            Some(why) => format!("{path}: no single pass, since {why}"),
            None => path.into(),
        }
    }

    /// What kept a faster path from being taken, where there is one.
    fn why_not_one_pass(&self) -> Option<&'static str> {
        match self.plan.rules.checks {
            _ if !self.dialect.keeps_deleted_keys() => None,
            Checks::Engine => Some("the engine checks each row as it goes"),
            Checks::Set if !self.findings.digests.is_empty() => Some("a saved plan names its rows"),
            Checks::Set => self
                .plan
                .must_know_first(self.catalog)
                .or(Some("some rows have owners that stay, or other obstacles")),
        }
    }
}
