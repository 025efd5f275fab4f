//! What to try where rows are not only the selected organizations': each way is one that is taken.

use crate::catalog::{Catalog, ReferenceId, TableId};
use crate::label::{shell_word, toml_key, toml_text};
use crate::plan::{Plan, Refusal, RefusalKind, nulled_columns};

pub fn hint(catalog: &Catalog, plan: &Plan, refusal: &Refusal) -> String {
    let Some(id) = refusal.reference else { return String::new() };
    let reference = catalog.reference(id);
    let name = catalog.reference_name(id);
    let flag = |action: &str| format!("--foreign {}", shell_word(&action.replace("{}", &name)));
    let mut ways = Vec::new();
    let organizations = reference.child == plan.root;
    if organizations && reference.parent == plan.root {
        ways.push("--with-children takes sub-organizations along".to_owned());
    } else if organizations {
        ways.push("select these organizations, too".to_owned());
    }
    if nulled_columns(catalog, id).is_some() {
        ways.push(format!("{} keeps the rows", flag("unlink={}")));
    }
    // To which of several tables is the new parent's key?
    if reference.columns.len() == 1
        && catalog.references_named(&name).is_ok_and(|ids| ids.len() == 1)
    {
        let parent = &catalog.table(reference.parent).name;
        let reassign = flag("reassign={}:KEY");
        ways.push(format!(
            "{reassign} gives them to another row of {parent}, the one with this key"
        ));
    }
    if !organizations {
        ways.push(format!("{} deletes them", flag("delete={}")));
    }
    let ways = ways.join(", ");
    match in_policy(catalog, plan, refusal, id) {
        Some(cure) => format!("{ways}; {cure}"),
        None => ways,
    }
}

/// Where a scope column says whose they are.
pub fn of_scope(name: &str) -> String {
    let unheard = shell_word(&format!("--leave-behind={name}"));
    format!(
        "--foreign delete deletes them, too; {unheard}, if the column does not say whose a row is"
    )
}

/// What a policy could say of these rows that nobody says yet.
fn in_policy(catalog: &Catalog, plan: &Plan, refusal: &Refusal, id: ReferenceId) -> Option<String> {
    let table = refusal.table;
    if table == plan.root || plan.rules.owning.contains_key(&table) {
        return None;
    }
    let heading = format!("[tables.{}]", toml_key(&catalog.table(table).name.to_string()));
    let owning = |ids: &[ReferenceId]| {
        let mut lists: Vec<String> = ids
            .iter()
            .map(|id| {
                let columns = catalog.reference(*id).columns.join(",");
                format!("owning = [{}]", toml_text(&columns))
            })
            .collect();
        lists.dedup();
        format!("the policy can say whose they are: {heading} {}", lists.join(" or "))
    };
    match refusal.kind {
        RefusalKind::Global => Some(owning(&[id])),
        RefusalKind::Shared if plan.owning_of(table).len() > 1 => {
            Some(owning(plan.owning_of(table)))
        }
        RefusalKind::Shared => Some(owning(&[id])),
        _ if would_link(catalog, plan, table, id) => Some(format!(
            "if these rows only link others, as memberships do, the policy can say so: {heading} association = true"
        )),
        _ => None,
    }
}

/// The table has the looks of one that links others, a key apart; then its rows would be shared, and go.
fn would_link(catalog: &Catalog, plan: &Plan, table: TableId, reached_by: ReferenceId) -> bool {
    let links = plan.ownership.links(catalog, table);
    let declared = plan.rules.associations.contains_key(&table);
    let has_children = catalog.references.iter().any(|reference| reference.parent == table);
    !declared
        && !has_children
        && !plan.ownership.is_association(table)
        && !plan.rules.guards.refuses_shared
        && links.len() > 1
        && links.contains(&reached_by)
}
