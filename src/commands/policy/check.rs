//! `orgsweep policy check`: does the policy fit the database, and what does it mean there?

use super::{Context, LOCK_TIMEOUT, Session, evidence};
use crate::catalog::{Catalog, OnDelete, Origin, ReferenceId};
use crate::cli::{PlainFormat, PolicyCheck, SelectArgs};
use crate::database::Database;
use crate::exit::{Exit, Problem};
use crate::plan::{self, Plan};
use crate::policy::unclassified;
use crate::render::policy::{PolicyView, ReferenceView, UnclassifiedView, json, table};
use crate::sql::Sql;
use crate::ui::Ui;
use anyhow::Result;

pub fn run(session: &Session, args: &PolicyCheck, ui: &mut Ui) -> Result<Exit> {
    if !session.policy.exists() {
        return Err(Problem::usage("there is no policy here")
            .hint("orgsweep policy init --output orgsweep.toml writes a first one; --config FILE names another")
            .into());
    }
    let select = SelectArgs { root: args.root.clone(), ..SelectArgs::default() };
    let mut context = Context::open(session, &select, LOCK_TIMEOUT)?;
    let place =
        context.database.server_names(&session.settings.libpq, &session.policy.guarded())?;
    context.try_policy()?;
    context.try_selections()?;
    let selections = context
        .selections()
        .map(|(name, condition)| (name.clone(), condition.sql.clone()))
        .collect();
    let plan = plan::build(&context.catalog, context.root.table, context.rules.clone());
    let Context { database, catalog, root, rules, .. } = &mut context;
    let unclassified = unclassified(&session.policy, catalog, &plan, args.complete)
        .into_iter()
        .map(|(table, why)| UnclassifiedView { table: catalog.table(table).name.to_string(), why });
    let view = PolicyView {
        file: session.policy.path().to_owned(),
        included: session.policy.included().map(str::to_owned).collect(),
        database: session.target.redacted(),
        root: catalog.table(root.table).name.to_string(),
        references: references(database, catalog, &plan)?,
        orphans: rules
            .orphans
            .iter()
            .map(|orphans| (catalog.table(orphans.table).name.to_string(), orphans.sql.clone()))
            .collect(),
        selections,
        guard: session.policy.guard(&place).err().map(|fault| fault.to_string()),
        caveats: session.policy.file.caveats.clone(),
        complete: args.complete,
        unclassified: unclassified.collect(),
    };
    ui.result(&match args.format {
        PlainFormat::Table => table(&view, ui.width),
        PlainFormat::Json => json(&view),
    });
    Ok(if view.fails() { Exit::Refused } else { Exit::Done })
}

/// What the policy says of references, and how far those hold that only the policy knows.
fn references(
    database: &mut Database,
    catalog: &Catalog,
    plan: &Plan,
) -> Result<Vec<ReferenceView>> {
    let sql = Sql::new(database.dialect(), catalog, plan);
    let mut views = Vec::new();
    for id in catalog.reference_ids() {
        let reference = catalog.reference(id);
        let origin = reference.declaration.origin;
        if matches!(origin, Origin::Database | Origin::Inverse) {
            continue;
        }
        let (rows, dangling) = match origin {
            Origin::Declared => {
                let counts = database.in_snapshot(|database| evidence(database, &sql, id))?;
                counts.map(|(rows, found)| (rows, rows - found)).unzip()
            }
            _ => (None, None),
        };
        views.push(ReferenceView {
            reference: catalog.reference_name(id),
            parent: catalog.table(reference.parent).name.to_string(),
            on_delete: reference.on_delete.as_str(),
            declared: origin == Origin::Declared,
            rows,
            dangling,
            warning: warning(catalog, id),
        });
    }
    Ok(views)
}

/// An action that the table cannot take.
fn warning(catalog: &Catalog, id: ReferenceId) -> Option<String> {
    let reference = catalog.reference(id);
    let table = catalog.table(reference.child);
    let nullable = |name: &String| table.column(name).is_some_and(|column| column.nullable);
    match reference.on_delete {
        OnDelete::SetNull if !reference.set_columns.iter().all(nullable) => Some(format!(
            "{} is NOT NULL: rows to unlink will stop the deletion",
            reference.set_columns.join(", ")
        )),
        _ => None,
    }
}
