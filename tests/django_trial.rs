//! Django's own deletions of random organizations, which orgsweep's are compared with.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use support::*;

each_backend! {
    /// A deletion takes the organization, is rolled back, and some are refused, for most reasons.
    fn django_deletes_and_refuses(db: TestDatabase) {
        for python in django_pythons() {
            let mut trial = DjangoTrial::start(&python, &db);
            let (mut deleted, mut reasons) = (0, BTreeSet::new());
            for seed in 1..=40 {
                let organizations = trial.fill(seed);
                let before = trial.dump();
                for organization in organizations {
                    let outcome = trial.delete(organization);
                    assert_eq!(trial.dump(), before, "seed {seed}: not rolled back");
                    if outcome.refusals.is_empty() {
                        assert!(exists(&before, organization) && !exists(&outcome.tables, organization));
                        deleted += 1;
                    }
                    let actions = outcome.refusals.iter().map(|refusal| refusal["action"].clone());
                    reasons.extend(actions.map(|action| action.as_str().unwrap_or_default().to_owned()));
                }
            }
            assert!(deleted >= 40, "{deleted} deletions");
            assert!(reasons.iter().eq(["DANGLING", "INTEGRITY", "PROTECT", "RESTRICT"]), "{reasons:?}");
        }
    }
}

fn exists(tables: &Value, organization: i64) -> bool {
    let rows = tables["crm_organization"].as_array().into_iter().flatten();
    rows.into_iter().any(|row| row["id"] == organization)
}
