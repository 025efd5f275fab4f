//! `orgsweep verify`

use super::context::{Context, Session};
use super::receipts;
use super::roots::tell_unmatched;
use super::rules::leave_behind;
use super::run_record;
use crate::archive::Organization;
use crate::catalog::ReferenceId;
use crate::cli::{PlainFormat, Verify};
use crate::database::{self, Database, Fault, Row};
use crate::engine::Statement;
use crate::execute::{self, Budget, Failure};
use crate::exit::{Exit, Problem};
use crate::findings::Counted;
use crate::interrupt;
use crate::plan::{self, LeaveBehind, Rules};
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
    let rules = Rules { keep_organization: args.keep_organization, ..context.rules.clone() };
    let plan = plan::build(&context.catalog, context.root.table, rules);
    let sql = Sql::new(context.database.dialect(), &context.catalog, &plan);
    let (root, timeout) = (&context.root, args.scope.scope_timeout);
    let looking = Looking { sql: &sql, root, selection: &selection, agreed, timeout };
    let remains = context.database.in_snapshot(|database| {
        interrupt::cancel_by(database.cancellable()?);
        looking.look(database)
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

/// Of all of them: each row ends with its number.
fn sum(rows: &[Row]) -> database::Result<u64> {
    rows.iter().map(|row| row.count(row.0.len() - 1)).sum()
}

/// What is looked for.
struct Looking<'a> {
    sql: &'a Sql<'a>,
    root: &'a Root,
    selection: &'a Selection,
    /// Scope columns of which rows may be left.
    agreed: LeaveBehind,
    /// How long those may be counted.
    timeout: Duration,
}

impl Looking<'_> {
    fn look(&self, database: &mut Database) -> Result<Remains> {
        let Looking { sql, root, selection, .. } = self;
        // Rows that a policy hides would pass for gone.
        database.run(&sql.dialect.session(LOCK_TIMEOUT, false))?;
        execute::one_key_each(database, sql, root, selection)?;
        // Only reads: the transaction does.
        let (theirs, ours) = if selection.conditions.is_empty() {
            (None, None)
        } else {
            (sql.dialect.names_theirs(), sql.dialect.names_ours())
        };
        theirs.map_or(Ok(()), |set| database.run(set))?;
        let found = database.query(&sql.find_roots(root, selection)).map_err(|error| {
            if error.fault == Fault::Value {
                anyhow::Error::from(Problem::usage(error.message))
            } else {
                error.into()
            }
        })?;
        ours.map_or(Ok(()), |set| database.run(set))?;
        let organization = |row: &Row| (row.text(0).to_owned(), row.text(1).to_owned());
        let keep = sql.plan.rules.keep_organization;
        let mut remains = Remains {
            keep,
            organizations: found.iter().map(organization).collect(),
            ..Remains::default()
        };
        if !keep {
            let what = format!("that no selected row of {} exists", self.root_name());
            remains.checked.push(what);
        }
        self.named(database, &mut remains)?;
        self.scoped(database, &mut remains)?;
        self.dangling(database, &mut remains)?;
        if sql.catalog.may_be_unlisted {
            remains.unasked = true;
            let unlisted = "but not tables and columns on which this user holds no SELECT: the server does not list them";
            remains.checked.push(unlisted.into());
        }
        Ok(remains)
    }

    fn root_name(&self) -> String {
        self.sql.catalog.table(self.root.table).name.to_string()
    }

    /// Counts of the rows that name a selected key by one of `references`: those of organizations that stay tell it
    /// themselves.
    fn naming(
        &self,
        remains: &Remains,
        references: &mut dyn Iterator<Item = ReferenceId>,
    ) -> Vec<(ReferenceId, Statement)> {
        let Looking { sql, root, selection, .. } = self;
        if !remains.keep || remains.organizations.is_empty() {
            return sql.naming(root, &selection.ids, references);
        }
        let keys = remains.organizations.iter().map(|(key, _)| key.clone()).collect();
        // The condition was asked: its names would not mean the same here.
        let found = Selection { only: Some(keys), ..Selection::default() };
        let found = if root.key.is_empty() { selection } else { &found };
        let names_root = |id: &ReferenceId| sql.catalog.reference(*id).parent == root.table;
        let question = |id| (id, sql.count_by_organization(id, root, found));
        references.filter(names_root).map(question).collect()
    }

    /// Whether rows may go on naming an organization that stays by this reference.
    fn stays_linked(&self, id: ReferenceId) -> bool {
        let (plan, child) = (self.sql.plan, self.sql.catalog.reference(id).child);
        // Rows that the policy keeps go on naming them: these are counted, and told.
        let kept = plan.rules.keep_organization && plan.kept.contains_key(&child);
        plan.linked.contains(&id) || plan.keeps(child) || kept
    }

    /// Rows that name a key by a reference.
    fn named(&self, database: &mut Database, remains: &mut Remains) -> Result<()> {
        let questions = self.naming(remains, &mut self.sql.catalog.reference_ids());
        if self.selection.ids.is_empty() && questions.is_empty() {
            return Ok(());
        }
        remains.checked.push(format!(
            "that none of {} references to {} names the key",
            questions.len(),
            self.root_name()
        ));
        for (id, question) in questions {
            let reference = self.sql.catalog.reference_arrow(id);
            let rows = Counted::Rows(sum(&database.query(&question)?)?);
            let agreed = self.stays_linked(id);
            remains.add(Left { reference, rows, what: What::Names, agreed });
        }
        Ok(())
    }

    /// Rows that have a key without a foreign key, as far as they can be counted in time.
    fn scoped(&self, database: &mut Database, remains: &mut Remains) -> Result<()> {
        let catalog = self.sql.catalog;
        let questions = self.naming(remains, &mut catalog.scope_ids());
        let is_asked = |id: &ReferenceId| questions.iter().any(|(asked, _)| asked == id);
        let unasked = catalog.scope_ids().filter(|id| !is_asked(id));
        let unasked: Vec<String> = unasked.map(|id| catalog.reference_name(id)).collect();
        let budget = Budget::new(self.timeout);
        let mut counted = Vec::new();
        for (id, question) in questions {
            interrupt::check().map_err(Failure::from)?;
            let reference = catalog.reference_name(id);
            let rows = budget.count(database, self.sql, id, &question)?;
            if matches!(rows, Counted::Rows(_)) {
                counted.push(reference.clone());
            }
            let agreed = self.agreed.covers(id);
            remains.add(Left { reference, rows, what: What::Scoped, agreed });
        }
        database.unlimit()?;
        if !counted.is_empty() {
            remains.checked.push(format!("that no row has the key in {}", counted.join(", ")));
        }
        if !unasked.is_empty() {
            remains.unasked = true;
            remains.checked.push(format!(
                "but not {}, where rows may have the key without a foreign key: --org-id asks for it",
                unasked.join(", ")
            ));
        }
        Ok(())
    }

    /// Rows that name nobody where the engine does not see to it.
    fn dangling(&self, database: &mut Database, remains: &mut Remains) -> Result<()> {
        let (questions, unread) = self.sql.rows_naming_nobody();
        if !questions.is_empty() {
            remains.checked.push(format!(
                "whether any of {} unwatched references to {} and what belongs to it dangles",
                questions.len(),
                self.root_name()
            ));
        }
        if !unread.is_empty() {
            let unread = unread.join(", ");
            remains.checked.push(format!("but not {unread}, which this role may not read"));
        }
        let is_key_known = !self.selection.ids.is_empty() || remains.keep;
        for (id, question) in questions {
            let rows = Counted::Rows(database.query_one(&question)?.count(0)?);
            let reference = self.sql.catalog.reference(id);
            // The rows that name the key were asked for: these name others. What a text means is less certain.
            let names_key = reference.parent == self.root.table
                && reference.parent_columns == self.root.key
                && !reference.declaration.as_text;
            let agreed = is_key_known && names_key;
            let reference = self.sql.catalog.reference_arrow(id);
            remains.add(Left { reference, rows, what: What::Dangles, agreed });
        }
        Ok(())
    }

    /// What the records of this database say of rows that were unlinked; or that they say nothing.
    fn recall(&self, session: &Session, args: &Verify, remains: &mut Remains) {
        if self.selection.ids.is_empty() || !remains.organizations.is_empty() {
            return;
        }
        let receipts = run_record::directory(&args.archives, &session.settings)
            .and_then(|directory| Ok(receipts::receipts(&directory)?));
        let is_selected = |one: &Organization| self.selection.ids.contains(&one.key);
        let mut recorded = false;
        for (_, receipt) in receipts.unwrap_or_default() {
            let own = receipt.parts.iter().filter(|part| {
                part.outcome == "cleaned" && part.organizations.iter().any(is_selected)
            });
            for part in own.filter(|_| receipt.database == remains.database) {
                recorded = true;
                // Of several that went together nobody tells whose they were.
                let organizations: Vec<String> =
                    part.organizations.iter().map(|one| one.key.clone()).collect();
                remains.stranded.extend(part.stranded.iter().map(|(reference, rows)| Stranded {
                    reference: reference.clone(),
                    rows: *rows,
                    organizations: organizations.clone(),
                    at: receipt.started_at,
                }));
            }
        }
        let unlinking = self.unlinking();
        if !unlinking.is_empty() && !recorded {
            remains.checked.push(format!(
                "but not which rows {} was emptied of: no record of such a deletion is here",
                unlinking.join(", ")
            ));
        }
    }

    /// References to the organizations that are emptied when one goes.
    fn unlinking(&self) -> Vec<String> {
        let catalog = self.sql.catalog;
        let is_emptied = |id: &ReferenceId| {
            let reference = catalog.reference(*id);
            reference.parent == self.root.table && reference.on_delete.unlinks()
        };
        catalog.reference_ids().filter(is_emptied).map(|id| catalog.reference_name(id)).collect()
    }
}
