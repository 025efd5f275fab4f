//! Flags to rules, every name resolved against the catalog.

use crate::catalog::{Catalog, Misnomer, OnDelete, Reference, ReferenceId, TableId};
use crate::cli::{self, DeleteArgs, Orphans, Scope};
use crate::exit::Problem;
use crate::plan::{Consent, EngineCascade, Force, ForeignAction, Guards, LeaveBehind, Rules};
use crate::policy::{self, Policy, Scopes, Unfit};
use crate::selection::{did_you_mean, similar};
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
                near => problem.hint(did_you_mean(near)),
            }
            .into());
        };
        named.insert(id);
    }
    Ok(named)
}

/// What a flag stands for that is given without a name.
const ALL: &str = "*";

/// # Errors
/// A name that means no reference, or several; a consent that other organizations go.
pub fn rules(
    catalog: &Catalog,
    root: TableId,
    policy: &Rules,
    delete: &DeleteArgs,
) -> Result<Rules> {
    if delete.with_children {
        has_children(catalog, root)?;
    }
    let consents: Result<Vec<Vec<Consent>>> =
        delete.foreign.iter().map(|text| consent(catalog, root, text)).collect();
    Ok(Rules {
        force: force(catalog, &delete.force)?,
        consents: consents?.concat(),
        with_children: delete.with_children,
        keep_organization: delete.keep_organization,
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
        leave_behind: leave_behind(catalog, &delete.scope)?,
        ..policy.clone()
    })
}

/// Somebody expects more organizations to be selected: of those that are only unlinked none is.
fn has_children(catalog: &Catalog, root: TableId) -> Result<()> {
    let own: Vec<ReferenceId> = catalog.self_references(root).collect();
    let action = |id: ReferenceId| catalog.reference(id).on_delete;
    let Some(first) = own.first().filter(|_| own.iter().all(|id| action(*id).unlinks())) else {
        return Ok(());
    };
    let (name, action) = (catalog.reference_name(*first), action(*first));
    let problem =
        format!("--with-children: {name} is {action}, so nothing is part of what it names");
    let hint = format!("--cascade {name} --with-children takes them along");
    Err(Problem::usage(problem).hint(hint).into())
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
        all if all.iter().any(|name| name == ALL) => Ok(Force::All),
        named => {
            let references: Result<Vec<Vec<ReferenceId>>> =
                named.iter().map(|name| references(catalog, "--force", name)).collect();
            Ok(Force::Only(references?.into_iter().flatten().collect()))
        }
    }
}

/// A name may mean several references: those of a polymorphic one are told apart by a type, not by their column.
fn consent(catalog: &Catalog, root: TableId, text: &str) -> Result<Vec<Consent>> {
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
        ("delete", Some(name)) => {
            let consents = named(ForeignAction::Delete, name)?;
            let ids = consents.iter().filter_map(|consent| consent.reference);
            if ids.clone().any(|id| catalog.reference(id).child == root) {
                let problem = format!(
                    "--foreign {text}: other organizations go only where they are selected"
                );
                let parents = ids.map(|id| catalog.reference(id).parent);
                let hint = match parents.clone().any(|parent| parent == root) {
                    true => "--with-children selects those whose parents are selected",
                    false => "name them, too: --org-name, --org-id or --select",
                };
                return Err(Problem::usage(problem).hint(hint).into());
            }
            Ok(consents)
        }
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
    catalog.references_named(name).map_err(|misnomer| match misnomer {
        Misnomer::Unknown => {
            let names = catalog.reference_ids().map(|id| catalog.reference_name(id));
            let problem = Problem::usage(format!("{flag}: there is no reference {name}"));
            match &similar(name, names)[..] {
                [] => problem.hint("orgsweep graph lists the references"),
                near => problem.hint(did_you_mean(near)),
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
