//! `orgsweep verify`

use super::context::{Context, Session};
use super::roots::tell_unmatched;
use super::rules::leave_behind;
use super::run_record;
use crate::catalog::{OnDelete, ReferenceId};
use crate::cli::{PlainFormat, Verify};
use crate::database::{Database, Fault};
use crate::engine::Statement;
use crate::execute::{self, Budget, Failure};
use crate::exit::{Exit, Problem};
use crate::findings::Counted;
use crate::interrupt;
use crate::plan::{self, LeaveBehind};
use crate::receipt::Receipt;
use crate::render::verify::{Left, Remains, Stranded, What, json, text};
use crate::selection::{Root, Selection};
use crate::sql::Sql;
use crate::ui::Ui;
use anyhow::Result;
use std::time::Duration;

const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

pub fn run(session: &Session, args: &Verify, ui: &mut Ui) -> Result<Exit> {
    let mut context = Context::open(session, &args.select, LOCK_TIMEOUT)?;
    context.take_flags(&session.policy, &args.scope, &[])?;
    let selection = context.selection(&args.select)?;
    let agreed = leave_behind(&context.catalog, &args.scope)?;
    let plan = plan::build(&context.catalog, context.root.table, context.rules.clone());
    let sql = Sql::new(context.database.dialect(), &context.catalog, &plan);
    let looking = Looking { sql: &sql, root: &context.root, selection: &selection, agreed };
    let budget = Budget::new(args.scope.scope_timeout);
    let remains = context.database.in_snapshot(|database| {
        interrupt::cancel_by(database.cancellable()?);
        looking.look(database, &budget)
    });
    interrupt::cancel_by(None);
    let mut remains = remains?;
    remains.database = session.target.redacted();
    looking.recall(session, args, &mut remains);
    let found: Vec<&str> = remains.organizations.iter().map(|(_, name)| name.as_str()).collect();
    tell_unmatched(&mut context.database, (&sql, &context.root, &selection), &found, ui)?;
    let unmatched = args.select.require_match && found.is_empty();
    let exit = if remains.is_clear() && !unmatched { Exit::Done } else { Exit::Refused };
    ui.result(&match args.format {
        PlainFormat::Json => json(&remains, exit.code()),
        PlainFormat::Table => text(&remains),
    });
    if unmatched {
        ui.warn("no organization matches, and --require-match wants one (without it, that is what verify looks for)");
    }
    Ok(exit)
}

/// What is looked for.
struct Looking<'a> {
    sql: &'a Sql<'a>,
    root: &'a Root,
    selection: &'a Selection,
    /// Scope columns of which rows may be left.
    agreed: LeaveBehind,
}

impl Looking<'_> {
    fn look(&self, database: &mut Database, budget: &Budget) -> Result<Remains> {
        let Looking { sql, root, selection, .. } = self;
        // Rows that a policy hides would pass for gone.
        database.run(&sql.dialect.session(LOCK_TIMEOUT, false))?;
        execute::one_key_each(database, sql, root, selection)?;
        let found = database.query(&sql.find_roots(root, selection)).map_err(|error| {
            if error.fault == Fault::Value {
                anyhow::Error::from(Problem::usage(error.message))
            } else {
                error.into()
            }
        })?;
        let by_key = sql.rows_naming(root, &selection.ids);
        let scoped = sql.rows_scoped(root, &selection.ids);
        let (dangling, unread) = sql.rows_naming_nobody();
        let name = sql.catalog.table(root.table).name.to_string();
        let mut checked = vec![format!("that no selected row of {name} exists")];
        if !selection.ids.is_empty() {
            checked
                .push(format!("that none of {} references to {name} names the key", by_key.len()));
        }
        if !scoped.is_empty() {
            let names: Vec<String> =
                scoped.iter().map(|(id, _)| sql.catalog.reference_name(*id)).collect();
            checked.push(format!("that no row has the key in {}", names.join(", ")));
        }
        if !dangling.is_empty() {
            checked.push(format!(
                "that none of {} unwatched references to {name} and what belongs to it dangles",
                dangling.len()
            ));
        }
        if !unread.is_empty() {
            checked.push(format!("but not {}, which this role may not read", unread.join(", ")));
        }
        let is_asked = |id: &ReferenceId| scoped.iter().any(|(asked, _)| asked == id);
        let unasked = sql.catalog.scope_ids().filter(|id| !is_asked(id));
        let unasked: Vec<String> = unasked.map(|id| sql.catalog.reference_name(id)).collect();
        if !unasked.is_empty() {
            checked.push(format!(
                "but not {}, where rows may have the key without a foreign key: --org-id asks for it",
                unasked.join(", ")
            ));
        }
        let organizations =
            found.iter().map(|row| (row.text(0).to_owned(), row.text(1).to_owned())).collect();
        let mut rows = self.count(database, by_key, What::Names)?;
        rows.extend(self.scoped(database, budget, scoped)?);
        let mut nobody = Vec::new();
        for (reference, statement) in dangling {
            let number = database.query_one(&statement)?.count(0)?;
            if number > 0 {
                let rows = Counted::Rows(number);
                nobody.push(Left { reference, rows, what: What::Dangles, agreed: false });
            }
        }
        rows.extend(nobody);
        Ok(Remains { organizations, rows, checked, ..Remains::default() })
    }

    fn count(
        &self,
        database: &mut Database,
        questions: Vec<(ReferenceId, Statement)>,
        what: What,
    ) -> Result<Vec<Left>> {
        let mut left = Vec::new();
        for (id, statement) in questions {
            let number = database.query_one(&statement)?.count(0)?;
            if number > 0 {
                let reference = self.sql.catalog.reference_arrow(id);
                left.push(Left { reference, rows: Counted::Rows(number), what, agreed: false });
            }
        }
        Ok(left)
    }

    /// Rows that have a key without a foreign key, as far as they can be counted in time.
    fn scoped(
        &self,
        database: &mut Database,
        budget: &Budget,
        questions: Vec<(ReferenceId, Statement)>,
    ) -> Result<Vec<Left>> {
        let mut left = Vec::new();
        for (id, statement) in questions {
            interrupt::check().map_err(Failure::from)?;
            let rows = match budget.ask(database, self.sql.catalog, id, &statement)? {
                Ok(rows) => Counted::Rows(rows.first().map_or(Ok(0), |row| row.count(0))?),
                Err(why) => Counted::Unknown(why),
            };
            if rows != Counted::Rows(0) {
                let reference = self.sql.catalog.reference_name(id);
                let agreed = self.agreed.covers(id);
                left.push(Left { reference, rows, what: What::Scoped, agreed });
            }
        }
        database.unlimit()?;
        Ok(left)
    }

    /// What the records of this database say of rows that were unlinked; or that they say nothing.
    fn recall(&self, session: &Session, args: &Verify, remains: &mut Remains) {
        let catalog = self.sql.catalog;
        let leads = |id: &ReferenceId| {
            let reference = catalog.reference(*id);
            let unlinks = matches!(reference.on_delete, OnDelete::SetNull | OnDelete::SetDefault);
            reference.parent == self.root.table && unlinks
        };
        let unlinking: Vec<String> =
            catalog.reference_ids().filter(leads).map(|id| catalog.reference_name(id)).collect();
        if self.selection.ids.is_empty() || !remains.organizations.is_empty() {
            return;
        }
        let receipts = run_record::directory(&args.archives, &session.settings)
            .and_then(|directory| Ok(run_record::receipts(&directory)?));
        let receipts: Vec<Receipt> =
            receipts.unwrap_or_default().into_iter().map(|(_, receipt)| receipt).collect();
        let mut recorded = false;
        for receipt in receipts.iter().filter(|it| it.database == remains.database) {
            for part in receipt.parts.iter().filter(|part| part.outcome == "cleaned") {
                let own =
                    part.organizations.iter().filter(|it| self.selection.ids.contains(&it.key));
                let keys: Vec<String> = own.map(|it| it.key.clone()).collect();
                recorded |= !keys.is_empty();
                let stranded = part.stranded.iter().filter(|_| !keys.is_empty());
                remains.stranded.extend(stranded.map(|(reference, rows)| Stranded {
                    reference: reference.clone(),
                    rows: *rows,
                    // Of several that went together nobody tells whose they were.
                    organizations: part.organizations.iter().map(|it| it.key.clone()).collect(),
                    at: receipt.started_at,
                }));
            }
        }
        if !unlinking.is_empty() && !recorded {
            remains.checked.push(format!(
                "but not which rows {} was emptied of: no record of such a deletion is here",
                unlinking.join(", ")
            ));
        }
    }
}
