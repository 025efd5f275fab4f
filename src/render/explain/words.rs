//! Verdicts in sentences.

use super::{ExplanationView, by_policy, is_selected_root};
use crate::catalog::{Reference, ReferenceId};
use crate::explanation::{Effect, Named, Naming, Protector, Standing, Verdict};
use crate::label::shell_word;
use crate::plan::{Rank, UnlinkValue};
use crate::render::{consents, counted, grouped};

/// Whose row it is; of an organization there is nothing to say.
pub fn owners(view: &ExplanationView) -> Option<String> {
    let owner = |owner: &crate::explanation::Owner| {
        let selected = if owner.selected { "selected" } else { "not selected" };
        format!("{}, {selected}", owner.title)
    };
    let owners: Vec<String> = view.explanation.owners.iter().map(owner).collect();
    match (view.explanation.row().table == view.plan.root, owners.is_empty()) {
        (true, _) => None,
        (false, true) => Some("belongs to no organization".into()),
        (false, false) => Some(format!("belongs to {}", owners.join(", and "))),
    }
}

/// What a clean does with the row, and why.
pub fn sentence(view: &ExplanationView) -> String {
    let others = || {
        let others = view.explanation.owners.iter().filter(|owner| !owner.selected);
        others.map(|owner| owner.title.clone()).collect::<Vec<_>>().join(", ")
    };
    if let (Verdict::Foreign, Some((scope, organization))) =
        (view.verdict(), &view.explanation.said)
    {
        let name = view.catalog.reference_name(*scope);
        return format!(
            "refused: {name}, which is no foreign key, says that it belongs to {organization}"
        );
    }
    match view.verdict() {
        Verdict::Selected if view.plan.keeps(view.explanation.row().table) => {
            "stays: it is a selected organization, and --keep-organization only empties it".into()
        }
        Verdict::Selected if is_selected_root(view) => "goes: it is a selected organization".into(),
        Verdict::Selected => "goes: the policy selects it, a row without an owner".into(),
        Verdict::Goes => goes(view),
        Verdict::NeedsForce => {
            format!("goes only with --force: by {}", list(view, &forced_by(view, Rank::Protected)))
        }
        Verdict::Foreign if view.explanation.row().table == view.plan.root => {
            "refused: this organization is not selected, and --force deletes no other".into()
        }
        Verdict::Foreign => {
            format!("refused: it belongs to {}, and --force deletes no foreign row", others())
        }
        Verdict::Shared => {
            format!("refused: it belongs to {} as well, and no cascade reaches it", others())
        }
        Verdict::Global => "refused: it belongs to nobody, and no cascade reaches it".into(),
        Verdict::RefusedParent => {
            let parent = view.explanation.behind().map(|row| row.title.as_str());
            format!("refused: it would go with {}, which is refused", parent.unwrap_or_default())
        }
        Verdict::Unlinked => format!("stays, and is unlinked: {}", unlinks(view)),
        Verdict::Stays => format!("stays: {}", stays(view)),
    }
}

fn goes(view: &ExplanationView) -> String {
    let ancestry = &view.explanation.ancestry;
    let ways = ancestry.ways();
    let Some(last) = ways.first().and_then(|way| way.steps.last()) else {
        return "goes: it is at the end of a very long chain of references".into();
    };
    let by = list(view, &[last.reference]);
    let mut text = format!("goes with {}, by {by}", ancestry.rows[last.parent].title);
    let forced = forced_by(view, Rank::Forced);
    if !forced.is_empty() {
        text += &format!("; --force follows {}", list(view, &forced));
    }
    if !view.explanation.protectors.is_empty() {
        text += "; but other rows protect it";
    }
    text
}

/// The references of this rank on the first way.
fn forced_by(view: &ExplanationView, rank: Rank) -> Vec<ReferenceId> {
    let ways = view.explanation.ancestry.ways();
    let steps = ways.first().into_iter().flat_map(|way| way.steps.clone());
    let mut forced: Vec<ReferenceId> =
        steps.filter(|step| step.rank == rank).map(|step| step.reference).collect();
    forced.dedup();
    forced
}

/// `deals.created_by → users (restrict)`
fn list(view: &ExplanationView, references: &[ReferenceId]) -> String {
    let name = |id: &ReferenceId| {
        let action = view.catalog.reference(*id).on_delete;
        format!("{} ({action})", view.catalog.reference_arrow(*id))
    };
    references.iter().map(name).collect::<Vec<_>>().join(" and ")
}

fn stays(view: &ExplanationView) -> String {
    let explanation = view.explanation;
    let (row, root) = (explanation.row(), view.table_name(view.plan.root));
    let effects: Vec<Effect> = explanation
        .names
        .iter()
        .map(|naming| explanation.effect(naming, view.catalog, view.plan))
        .collect();
    match () {
        () if explanation.organizations.is_empty() => "no organization is selected".into(),
        () if row.table == view.plan.root => {
            "this organization is not selected, and nothing leads to it".into()
        }
        () if effects.iter().any(|it| matches!(it, Effect::Ignored | Effect::Kept)) => {
            "the policy keeps it".into()
        }
        () if effects.contains(&Effect::Consent) => "--foreign keeps it".into(),
        () if !view.plan.tables.contains(&row.table) && effects.is_empty() => {
            format!("{} refers to no table", view.table_name(row.table))
        }
        () if !view.plan.tables.contains(&row.table) => {
            format!("no deletion reaches from {root} to {}", view.table_name(row.table))
        }
        () if effects.iter().all(|effect| *effect == Effect::NamesNobody) => {
            "it names no row that exists".into()
        }
        () => "no row that it names takes it along".into(),
    }
}

fn unlinks(view: &ExplanationView) -> String {
    let unlinks = view.explanation.unlinks.iter().map(|position| &view.plan.unlinks[*position]);
    let text = |unlink: &crate::plan::Unlink| {
        format!("{} becomes {}", unlink.columns.join(", "), value(&unlink.value))
    };
    unlinks.map(text).collect::<Vec<_>>().join("; ")
}

/// What an unlink writes.
pub fn value(value: &UnlinkValue) -> String {
    match value {
        UnlinkValue::Null => "null".into(),
        UnlinkValue::Default => "its default".into(),
        UnlinkValue::Key(key) => crate::label::printable(key),
        UnlinkValue::Erased(erased) => {
            let values: Vec<&str> = erased.iter().map(|erased| erased.value.sql.trim()).collect();
            crate::label::printable(&values.join(", "))
        }
    }
}

/// What can be done about it.
pub fn hint(view: &ExplanationView) -> Option<String> {
    let name = |id: &ReferenceId| view.catalog.reference_name(*id);
    match view.verdict() {
        Verdict::NeedsForce => {
            let flags = forced_by(view, Rank::Protected);
            let flags: Vec<String> =
                flags.iter().map(|id| shell_word(&format!("--force={}", name(id)))).collect();
            Some(format!("--force, or only {}", flags.join(" ")))
        }
        Verdict::Foreign | Verdict::Shared | Verdict::Global => {
            let said = view.explanation.said.as_ref();
            Some(said.map_or_else(|| consents(view), |(scope, _)| consents::of_scope(&name(scope))))
        }
        Verdict::RefusedParent => Some("explain that row: it tells which flags decide".into()),
        _ => None,
    }
}

/// The flags that would keep the row, and those that would delete it.
fn consents(view: &ExplanationView) -> String {
    let steps = view.explanation.ancestry.steps.iter().filter(|step| step.child == 0);
    let open = steps.filter(|step| !view.plan.deletes_foreign(view.catalog, step.reference));
    let mut references: Vec<ReferenceId> = open.map(|step| step.reference).collect();
    references.dedup();
    let flags = |flag: &dyn Fn(ReferenceId) -> String| {
        references.iter().map(|id| flag(*id)).collect::<Vec<_>>().join(" ")
    };
    let name = |id: ReferenceId| view.catalog.reference_name(id);
    let keep = flags(&|id| {
        if nullable(view, id) {
            format!("--foreign {}", shell_word(&format!("unlink={}", name(id))))
        } else {
            format!("--foreign {}", shell_word(&format!("reassign={}:KEY", name(id))))
        }
    });
    if view.explanation.row().table == view.plan.root {
        return format!("--with-children selects sub-organizations, too; {keep} keeps it");
    }
    let delete = flags(&|id| format!("--foreign {}", shell_word(&format!("delete={}", name(id)))));
    format!("{keep} keeps it, {delete} lets it go")
}

fn nullable(view: &ExplanationView, id: ReferenceId) -> bool {
    let reference = view.catalog.reference(id);
    let columns = &view.catalog.table(reference.child).columns;
    columns.iter().any(|column| column.nullable && reference.columns.contains(&column.name))
}

/// What becomes of the parent that the row names, and of the row with it.
pub fn consequence(view: &ExplanationView, naming: &Naming) -> String {
    let explanation = view.explanation;
    let columns = view.catalog.reference(naming.reference).columns.join(", ");
    let becomes = || match explanation.becomes(naming.reference, view.plan) {
        Some(written) => format!("; {columns} becomes {}", value(written)),
        None => String::new(),
    };
    let parent = view.catalog.reference(naming.reference).parent;
    let goes = match &naming.parent {
        Named::Row { parent, .. } if parent.standing == Standing::NeedsForce => "goes with --force",
        _ if view.plan.keeps(parent) => "is emptied",
        _ => "goes",
    };
    match explanation.effect(naming, view.catalog, view.plan) {
        Effect::NamesNobody | Effect::Unreadable => String::new(),
        Effect::ParentStays if parent == view.plan.root && !view.plan.keeps(parent) => {
            "is not selected".into()
        }
        Effect::ParentStays => "stays".into(),
        Effect::Followed => format!("{goes}, and this row with it"),
        Effect::NeedsForce => format!("{goes}, and by --force this row"),
        Effect::Unlinked => format!("{goes}{}", becomes()),
        Effect::Moot => goes.into(),
        Effect::Consent => format!("{goes}; --foreign keeps this{}", becomes()),
        Effect::Kept => format!("{goes}; the policy keeps this{}", becomes()),
        Effect::Ignored => format!("{goes}; the policy ignores this reference"),
    }
}

/// `3 rows of deals name it by created_by (restrict), which only --force=deals.created_by follows`
pub fn protected(view: &ExplanationView, protector: &Protector) -> String {
    let reference = view.catalog.reference(protector.reference);
    format!(
        "{} of {} {} it by {}, which only --force={} follows",
        counted(protector.rows, "row"),
        view.table_name(reference.child),
        if protector.rows == 1 { "names" } else { "name" },
        columns_and_action(reference),
        view.catalog.reference_name(protector.reference),
    )
}

/// `    … and 4 more`
pub fn more(rows: u64, shown: usize) -> String {
    match rows.saturating_sub(shown as u64) {
        0 => String::new(),
        more => format!("    … and {} more\n", grouped(more)),
    }
}

/// `created_by → users (restrict)`
pub fn arrow(view: &ExplanationView, reference: &Reference) -> String {
    let (columns, parent) = (reference.columns.join(", "), view.table_name(reference.parent));
    format!("{columns} → {parent} ({})", action(reference))
}

/// `created_by (restrict)`
pub fn columns_and_action(reference: &Reference) -> String {
    format!("{} ({})", reference.columns.join(", "), action(reference))
}

fn action(reference: &Reference) -> String {
    let policy = if by_policy(reference) { ", policy" } else { "" };
    format!("{}{policy}", reference.on_delete)
}
