//! A saved plan: what a preview found, so that a clean can do exactly that or refuse. Pure data; stable,
//! versioned JSON.

use crate::archive::Actor;
use crate::catalog::{Catalog, OnDelete, ReferenceId};
use crate::findings::{Expected, Findings, Organization, Step};
use crate::plan::{Plan, Unlink, Which};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// The version that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SavedPlan {
    pub format: u32,
    pub tool: String,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub made_at: OffsetDateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<Actor>,
    pub bound: Bound,
    /// The flags that say which and how, as they would be typed.
    pub flags: Vec<String>,
    /// Keys of the organizations.
    pub organizations: Vec<String>,
    /// What people call them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub titles: Vec<String>,
    /// In the order of execution.
    pub deletions: Vec<SavedStep>,
    pub unlinks: Vec<SavedStep>,
    /// By scope columns the rows that stay though they name what goes; null where nobody knows how many.
    #[serde(default)]
    pub left_behind: BTreeMap<String, Option<u64>>,
    /// For people: whose rows go or change besides, and what stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What must still be the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Bound {
    /// Redacted, for people.
    pub database: String,
    pub identity: String,
    /// The catalog's fingerprint.
    pub schema: String,
    /// SHA-256 of the policy's text.
    pub policy: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SavedStep {
    /// The table, or the reference that is unlinked: `deals.created_by → users.id`.
    pub of: String,
    pub rows: u64,
    pub digest: String,
    /// For people: `organization_id → organizations (cascade)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached_by: Vec<String>,
}

/// SHA-256 of a policy's text.
pub fn policy_digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl SavedPlan {
    pub fn new(
        (bound, made_by): (Bound, Actor),
        flags: Vec<String>,
        findings: &Findings,
        catalog: &Catalog,
        plan: &Plan,
    ) -> SavedPlan {
        let digest = |step: Step| findings.digests.get(&step).cloned().unwrap_or_default();
        let reference = |id: ReferenceId| {
            let reference = catalog.reference(id);
            let parent = &catalog.table(reference.parent).name;
            let columns = reference.columns.join(", ");
            let protects = matches!(reference.on_delete, OnDelete::Restrict | OnDelete::NoAction);
            let forced = if protects { ", forced" } else { "" };
            format!("{columns} → {parent} ({}{forced})", reference.on_delete)
        };
        let deletion = |table| {
            let reached = findings.reached_by(table).into_iter();
            SavedStep {
                of: catalog.table(table).name.to_string(),
                rows: findings.rows().get(&table).copied().unwrap_or_default(),
                digest: digest(Step::Delete(table)),
                reached_by: reached.filter_map(|(id, _)| id.map(reference)).collect(),
            }
        };
        let steps = findings.steps(catalog, plan).into_iter();
        let deletions = steps.filter_map(|(step, _)| match step {
            Step::Delete(table) => Some(deletion(table)),
            Step::Unlink(_) => None,
        });
        let unlinks = findings.unlinked.iter().map(|found| SavedStep {
            of: unlink_name(catalog, &plan.unlinks[found.unlink]),
            rows: found.rows,
            digest: digest(Step::Unlink(found.unlink)),
            reached_by: Vec::new(),
        });
        let left_behind = findings.left_behind.iter();
        let left_behind = left_behind.map(|it| (catalog.reference_name(it.scope), it.rows.known()));
        SavedPlan {
            format: FORMAT,
            tool: concat!("orgsweep ", env!("CARGO_PKG_VERSION")).into(),
            made_at: OffsetDateTime::now_utc(),
            made_by: Some(made_by),
            bound,
            flags,
            organizations: findings.organizations.iter().map(|one| one.key.clone()).collect(),
            titles: findings.organizations.iter().map(Organization::title).collect(),
            deletions: deletions.collect(),
            unlinks: unlinks.collect(),
            left_behind: left_behind.collect(),
            notes: Vec::new(),
        }
    }

    /// What of the plan's surroundings is another one now.
    pub fn moved(&self, now: &Bound) -> Vec<&'static str> {
        let compared = [
            ("the database", self.bound.identity == now.identity),
            ("the schema", self.bound.schema == now.schema),
            ("the policy", self.bound.policy == now.policy),
        ];
        compared.into_iter().filter(|(_, same)| !same).map(|(what, _)| what).collect()
    }

    /// What must be found again, in the schema that the plan is bound to.
    pub fn expected(&self, catalog: &Catalog, plan: &Plan) -> Expected {
        let mut expected = Expected {
            organizations: self.organizations.clone(),
            titles: self.titles.clone(),
            rows: BTreeMap::new(),
            unlinked: BTreeMap::new(),
            digests: BTreeMap::new(),
            left_behind: BTreeMap::new(),
        };
        for saved in &self.deletions {
            let named =
                catalog.table_ids().find(|id| catalog.table(*id).name.to_string() == saved.of);
            if let Some(table) = named {
                expected.rows.insert(table, saved.rows);
                expected.digests.insert(Step::Delete(table), saved.digest.clone());
            }
        }
        for saved in &self.unlinks {
            // References that are alike in everything are taken in the plan's order.
            let named = |(position, unlink): &(usize, &Unlink)| {
                !expected.unlinked.contains_key(position)
                    && unlink_name(catalog, unlink) == saved.of
            };
            if let Some((position, _)) = plan.unlinks.iter().enumerate().find(named) {
                expected.unlinked.insert(position, saved.rows);
                expected.digests.insert(Step::Unlink(position), saved.digest.clone());
            }
        }
        for scope in catalog.scope_ids() {
            if let Some(rows) = self.left_behind.get(&catalog.reference_name(scope)) {
                expected.left_behind.insert(scope, *rows);
            }
        }
        expected
    }
}

/// What tells an unlink from others, and from what else happens to rows that a reference reaches.
fn unlink_name(catalog: &Catalog, unlink: &Unlink) -> String {
    let name = full_name(catalog, unlink.reference);
    match unlink.which {
        Which::Kept if unlink.erases() => format!("{name}: erased ({})", unlink.columns.join(", ")),
        Which::Kept => format!("{name}: kept"),
        Which::Surviving | Which::Foreign => name,
    }
}

/// What tells a reference from others over the same columns.
fn full_name(catalog: &Catalog, id: ReferenceId) -> String {
    let key = catalog.reference(id).parent_columns.join(",");
    format!("{}.{key}", catalog.reference_arrow(id))
}
