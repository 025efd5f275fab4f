//! Flags to rules, every name resolved against the catalog.

use crate::catalog::{Catalog, OnDelete, Reference, ReferenceId, TableId};
use crate::cli::{self, How, Orphans, Scope};
use crate::exit::Problem;
use crate::plan::{Consent, EngineCascade, Force, ForeignAction, Guards, LeaveBehind, Rules};
use crate::policy::{self, Policy, Scopes, Unfit};
use crate::selection::similar;
use anyhow::Result;
use std::collections::BTreeSet;

/// The catalog as the flags of this run mean it: with references for the scope columns that they name, and with the
/// actions that they override.
///
/// # Errors
/// A column that no table has, or that can be no key of the organizations; a reference that there is not.
pub fn meant(
    policy: &Policy,
    catalog: Catalog,
    root: TableId,
    scope: &Scope,
    cascade: &[String],
) -> Result<Catalog> {
    let mut catalog = catalog;
    let left: Vec<(TableId, Vec<String>)> = named_scopes(&catalog, &scope.leave_behind)?
        .into_iter()
        .map(|id| (catalog.reference(id).child, catalog.reference(id).columns.clone()))
        .collect();
    for name in &scope.scope_column {
        let scopes = Scopes { policy, catalog: &catalog, root };
        let mut named =
            scopes.named(name, "--scope-column").map_err(|Unfit { message, hint }| {
                let problem = Problem::usage(format!("--scope-column {name}: {message}"));
                Problem { hint, ..problem }
            })?;
        named.retain(|it| !left.contains(&(it.child, it.columns.clone())));
        catalog.references.extend(named);
    }
    for name in cascade {
        let is_scope = |id: ReferenceId| catalog.reference_name(id).eq_ignore_ascii_case(name);
        if catalog.scope_ids().any(is_scope) {
            let problem = Problem::usage(format!("--cascade {name}: it is no foreign key"));
            return Err(problem.hint(format!("--scope-column {name} makes it a reference")).into());
        }
        for id in references(&catalog, "--cascade", name)? {
            follow(&mut catalog.references[id.0], name)?;
        }
    }
    catalog.scopes = Scopes { policy, catalog: &catalog, root }.found();
    Ok(catalog)
}

/// Makes a CASCADE of it for this run; whose a row is stays the same.
fn follow(reference: &mut Reference, name: &str) -> Result<()> {
    if reference.on_delete == OnDelete::Ignore {
        let problem = Problem::usage(format!("--cascade {name}: the policy keeps these rows"));
        return Err(problem.hint("change keep, or ignore, in the policy").into());
    }
    if reference.on_delete != OnDelete::Cascade {
        reference.declaration.without_flag = Some(reference.on_delete);
        policy::act(reference, OnDelete::Cascade);
    }
    Ok(())
}

/// Of which scope columns rows may stay.
///
/// # Errors
/// There is no such scope column.
pub fn leave_behind(catalog: &Catalog, scope: &Scope) -> Result<LeaveBehind> {
    match &scope.leave_behind[..] {
        [] => Ok(LeaveBehind::None),
        all if all.iter().any(|name| name == ALL) => Ok(LeaveBehind::All),
        named => Ok(LeaveBehind::Only(named_scopes(catalog, named)?)),
    }
}

fn named_scopes(catalog: &Catalog, names: &[String]) -> Result<BTreeSet<ReferenceId>> {
    let mut named = BTreeSet::new();
    for name in names.iter().filter(|name| *name != ALL) {
        let is_named = |id: &ReferenceId| catalog.reference_name(*id).eq_ignore_ascii_case(name);
        let Some(id) = catalog.scope_ids().find(is_named) else {
            let names = catalog.scope_ids().map(|id| catalog.reference_name(id));
            let problem = Problem::usage(format!(
                "--leave-behind={name}: no column without a foreign key that names an organization is called so"
            ));
            return Err(match &similar(name, names)[..] {
                [] => problem.hint("orgsweep doctor lists them"),
                near => problem.hint(format!("did you mean {}?", near.join(" or "))),
            }
            .into());
        };
        named.insert(id);
    }
    Ok(named)
}

/// What a flag stands for that is given without a name.
const ALL: &str = "*";

pub fn rules(catalog: &Catalog, policy: &Rules, how: &How) -> Result<Rules> {
    let consents: Result<Vec<Consent>> =
        how.foreign.iter().map(|text| consent(catalog, text)).collect();
    Ok(Rules {
        force: force(catalog, &how.force)?,
        consents: consents?,
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
        leave_behind: leave_behind(catalog, &how.scope)?,
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
        all if all.iter().any(|name| name == ALL) => Ok(Force::All),
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
                .hint("use the constraint's name")
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
