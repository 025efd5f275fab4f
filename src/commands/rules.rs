//! Flags to rules, every name resolved against the catalog.

use crate::catalog::{Catalog, ReferenceId};
use crate::cli::{self, How, Orphans};
use crate::exit::Problem;
use crate::plan::{Consent, EngineCascade, Force, ForeignAction, Guards, Rules};
use crate::selection::similar;
use anyhow::Result;
use std::collections::BTreeSet;

pub fn rules(catalog: &Catalog, policy: &Rules, how: &How) -> Result<Rules> {
    let consents: Result<Vec<Vec<Consent>>> =
        how.foreign.iter().map(|text| consent(catalog, text)).collect();
    Ok(Rules {
        force: force(catalog, &how.force)?,
        consents: consents?.concat(),
        with_children: how.with_children,
        engine_cascade: match how.engine_cascade {
            cli::EngineCascade::Auto => EngineCascade::Auto,
            cli::EngineCascade::Always => EngineCascade::Always,
            cli::EngineCascade::Never => EngineCascade::Never,
        },
        orphans: match how.orphans {
            Orphans::Without => Vec::new(),
            Orphans::With | Orphans::Only => policy.orphans.clone(),
        },
        guards: guards(&policy.guards, how),
        ..policy.clone()
    })
}

/// Of two limits the lower one holds: a flag cannot loosen a guard.
fn guards(policy: &Guards, how: &How) -> Guards {
    let flag = how.max_rows.map(|most| (most, "--max-rows".to_owned()));
    let limits = policy.max_rows.clone().into_iter().chain(flag);
    let max_rows = limits.min_by_key(|(most, _)| *most);
    Guards { max_rows, max_organizations: how.max_orgs, ..policy.clone() }
}

fn force(catalog: &Catalog, named: &[String]) -> Result<Force> {
    match named {
        [] => Ok(Force::None),
        all if all.iter().any(|name| name == "*") => Ok(Force::All),
        named => {
            let references: Result<Vec<Vec<ReferenceId>>> =
                named.iter().map(|name| references(catalog, "--force", name)).collect();
            Ok(Force::Only(references?.into_iter().flatten().collect()))
        }
    }
}

/// A name may mean several references: those of a polymorphic one are told apart by a type, not by their column.
fn consent(catalog: &Catalog, text: &str) -> Result<Vec<Consent>> {
    let (action, rest) = match text.split_once('=') {
        Some((action, rest)) => (action, Some(rest)),
        None => (text, None),
    };
    let malformed = || {
        Problem::usage(format!("--foreign {text}: not understood")).hint(
            "delete, unlink, delete=TABLE.COLUMN, unlink=TABLE.COLUMN or reassign=TABLE.COLUMN:KEY",
        )
    };
    let named = |action: ForeignAction, name: &str| -> Result<Vec<Consent>> {
        let references = references(catalog, "--foreign", name)?.into_iter();
        let consent = |id| Consent { action: action.clone(), reference: Some(id) };
        Ok(references.map(consent).collect())
    };
    match (action, rest) {
        ("delete", None) => Ok(vec![Consent { action: ForeignAction::Delete, reference: None }]),
        ("unlink", None) => Ok(vec![Consent { action: ForeignAction::Unlink, reference: None }]),
        ("delete", Some(name)) => named(ForeignAction::Delete, name),
        ("unlink", Some(name)) => named(ForeignAction::Unlink, name),
        ("reassign", Some(rest)) => {
            let (name, key) = rest.split_once(':').ok_or_else(malformed)?;
            let consents = named(ForeignAction::Reassign(key.into()), name)?;
            let ids = consents.iter().filter_map(|consent| consent.reference);
            let parents: BTreeSet<_> = ids.clone().map(|id| catalog.reference(id).parent).collect();
            if parents.len() > 1 {
                return Err(Problem::usage(format!("--foreign: {name} names several references"))
                    .hint("use the constraint's name")
                    .into());
            }
            if ids.clone().any(|id| catalog.reference(id).columns.len() != 1) {
                let problem =
                    format!("--foreign {text}: only references of one column can be reassigned");
                return Err(Problem::usage(problem).into());
            }
            Ok(consents)
        }
        _ => Err(malformed().into()),
    }
}

fn references(catalog: &Catalog, flag: &str, name: &str) -> Result<Vec<ReferenceId>> {
    let found = catalog.references_named(name);
    if found.is_empty() {
        let names = catalog.reference_ids().map(|id| catalog.reference_name(id));
        let problem = Problem::usage(format!("{flag}: there is no reference {name}"));
        return Err(match &similar(name, names)[..] {
            [] => problem.hint("orgsweep graph lists the references"),
            near => problem.hint(format!("did you mean {}?", near.join(" or "))),
        }
        .into());
    }
    Ok(found)
}
