//! Flags to rules, every name resolved against the catalog.

use crate::catalog::{Catalog, Misnomer, ReferenceId};
use crate::cli::{self, DeleteArgs, Orphans};
use crate::exit::Problem;
use crate::plan::{Consent, EngineCascade, Force, ForeignAction, Guards, Rules};
use crate::selection::similar;
use anyhow::Result;

pub fn rules(catalog: &Catalog, policy: &Rules, delete: &DeleteArgs) -> Result<Rules> {
    let consents: Result<Vec<Consent>> =
        delete.foreign.iter().map(|text| consent(catalog, text)).collect();
    Ok(Rules {
        force: force(catalog, &delete.force)?,
        consents: consents?,
        with_children: delete.with_children,
        engine_cascade: match delete.engine_cascade {
            cli::EngineCascade::Auto => EngineCascade::Auto,
            cli::EngineCascade::Always => EngineCascade::Always,
            cli::EngineCascade::Never => EngineCascade::Never,
        },
        orphans: match delete.orphans {
            Orphans::Without => Vec::new(),
            Orphans::With | Orphans::Only => policy.orphans.clone(),
        },
        guards: guards(&policy.guards, delete),
        ..policy.clone()
    })
}

/// Of two limits the lower one holds: a flag cannot loosen a guard.
fn guards(policy: &Guards, delete: &DeleteArgs) -> Guards {
    let flag = delete.max_rows.map(|most| (most, "--max-rows".to_owned()));
    let limits = policy.max_rows.clone().into_iter().chain(flag);
    let max_rows = limits.min_by_key(|(most, _)| *most);
    Guards { max_rows, max_organizations: delete.max_orgs, ..policy.clone() }
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

fn consent(catalog: &Catalog, text: &str) -> Result<Consent> {
    let (action, rest) = match text.split_once('=') {
        Some((action, rest)) => (action, Some(rest)),
        None => (text, None),
    };
    let malformed = || {
        Problem::usage(format!("--foreign {text}: not understood")).hint(
            "delete, unlink, delete=TABLE.COLUMN, unlink=TABLE.COLUMN or reassign=TABLE.COLUMN:KEY",
        )
    };
    let one = |name: &str| -> Result<ReferenceId> {
        match references(catalog, "--foreign", name)?[..] {
            [reference] => Ok(reference),
            _ => Err(Problem::usage(format!("--foreign: {name} names several references"))
                .hint(
                    "use the constraint's name, or say which parent is meant: TABLE.COLUMN->PARENT",
                )
                .into()),
        }
    };
    match (action, rest) {
        ("delete", None) => Ok(Consent { action: ForeignAction::Delete, reference: None }),
        ("unlink", None) => Ok(Consent { action: ForeignAction::Unlink, reference: None }),
        ("delete", Some(name)) => {
            Ok(Consent { action: ForeignAction::Delete, reference: Some(one(name)?) })
        }
        ("unlink", Some(name)) => {
            Ok(Consent { action: ForeignAction::Unlink, reference: Some(one(name)?) })
        }
        ("reassign", Some(rest)) => {
            let (name, key) = rest.split_once(':').ok_or_else(malformed)?;
            let reference = one(name)?;
            if catalog.reference(reference).columns.len() != 1 {
                let problem =
                    format!("--foreign {text}: only references of one column can be reassigned");
                return Err(Problem::usage(problem).into());
            }
            Ok(Consent { action: ForeignAction::Reassign(key.into()), reference: Some(reference) })
        }
        _ => Err(malformed().into()),
    }
}

fn references(catalog: &Catalog, flag: &str, name: &str) -> Result<Vec<ReferenceId>> {
    catalog.references_named(name).map_err(|misnomer| match misnomer {
        Misnomer::Unknown => {
            let names = catalog.reference_ids().map(|id| catalog.reference_name(id));
            let problem = Problem::usage(format!("{flag}: there is no reference {name}"));
            match &similar(name, names)[..] {
                [] => problem.hint("orgsweep graph lists the references"),
                near => problem.hint(format!("did you mean {}?", near.join(" or "))),
            }
        }
        .into(),
        Misnomer::Ambiguous(names) => {
            Problem::usage(format!("{flag}: several references are called {name}"))
                .hint(format!("choose: {}", names.join(" or ")))
                .into()
        }
    })
}
