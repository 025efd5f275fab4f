//! Triggers and rules that get in the way, on every table in turn. What a trigger does elsewhere is
//! the application's own; what it does to the organization must not leave half of it.

use super::company::{CLEAN, Company, Left, STEPS};
use crate::support::*;

/// What a trigger does, in SQLite's words and in PL/pgSQL's.
#[derive(Clone, Copy)]
struct Does {
    timing: &'static str,
    sqlite: &'static str,
    plpgsql: &'static str,
}

impl Does {
    const fn the_same(timing: &'static str, sql: &'static str) -> Does {
        Does { timing, sqlite: sql, plpgsql: sql }
    }
}

const RAISE: Does = Does {
    timing: "BEFORE",
    sqlite: "SELECT RAISE(ABORT, 'rows are kept')",
    plpgsql: "RAISE EXCEPTION 'rows are kept'",
};
const SWALLOW: Does =
    Does { timing: "BEFORE", sqlite: "SELECT RAISE(IGNORE)", plpgsql: "RETURN NULL" };
const BURY: Does = Does::the_same("AFTER", "INSERT INTO graveyard VALUES ('one row')");
const ADD_CHILD: Does =
    Does::the_same("AFTER", "INSERT INTO inbox SELECT max(id) + 1, 1 FROM inbox");
/// A deal of the other organization, created by a user who goes: RESTRICT.
const ADD_STRAY: Does =
    Does::the_same("AFTER", "INSERT INTO deals SELECT max(id) + 1, 2, 101 FROM deals");
const DELETE_OTHERS: Does = Does::the_same(
    "AFTER",
    "DELETE FROM logs WHERE deal_id IN (1001, 1002); DELETE FROM inbox WHERE organization_id = 1",
);
const RELINK: Does = Does {
    timing: "AFTER",
    sqlite: "UPDATE notes SET deal_id = OLD.deal_id WHERE id = OLD.id",
    plpgsql: "IF pg_trigger_depth() < 2 THEN \
              UPDATE notes SET deal_id = OLD.deal_id WHERE id = OLD.id; END IF",
};
const REMEMBER: Does = Does::the_same("AFTER", "INSERT INTO logs VALUES (OLD.deal_id, 'unlinked')");

/// The engine's check of a row fails at once; SQLite's deferred ones are left to our proof.
const ENGINE_OR_PROOF: &[i32] = &[1, 6];

impl Company {
    /// Cleans while a trigger on one table `does` something; the trigger is gone afterwards.
    fn clean_with(&self, (table, event): (&str, &str), does: Does, checks: &str) -> Outcome {
        let (db, timing) = (&self.db, does.timing);
        db.execute(&match db.backend {
            Backend::Sqlite => {
                let body = does.sqlite;
                format!("CREATE TRIGGER fault {timing} {event} ON {table} BEGIN {body}; END")
            }
            Backend::Postgres => format!(
                "CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS \
                 $$BEGIN {}; RETURN coalesce(NEW, OLD); END$$; CREATE TRIGGER fault {timing} {event} \
                 ON {table} FOR EACH ROW EXECUTE FUNCTION fault()",
                does.plpgsql
            ),
            Backend::Mysql => format!(
                "CREATE TRIGGER fault {timing} {event} ON {table} FOR EACH ROW BEGIN {}; END",
                mysql::raising(does.sqlite)
            ),
        });
        let outcome = db.orgsweep(&[&CLEAN[..], &["--reference-checks", checks]].concat());
        let drop = format!("DROP TRIGGER fault ON {table}");
        db.execute(db.pick("DROP TRIGGER fault", &drop, "DROP TRIGGER fault"));
        outcome
    }

    /// Every table and every kind of checks that is possible there.
    fn every_step(&self) -> Vec<((&'static str, &'static str), &'static str)> {
        let possible = |step: (&'static str, &'static str)| -> &[&str] {
            // Set-based checks would skip triggers on DELETE, and with SQLite's foreign keys off
            // nothing would check what a trigger writes elsewhere.
            let engine_only = self.db.backend != Backend::Postgres || step.1 == "DELETE";
            if engine_only { &["engine"] } else { &["engine", "set"] }
        };
        // Rows that name each other in a circle only go unwatched, which MariaDB's triggers forbid.
        let circle = ["teams", "users"];
        let passes =
            |step: &&(&str, &str)| self.db.backend != Backend::Mysql || !circle.contains(&step.0);
        STEPS
            .iter()
            .filter(passes)
            .flat_map(|step| possible(*step).iter().map(|checks| (*step, *checks)))
            .collect()
    }

    /// One of these exit codes, and what is left fits it; the rows are put back.
    #[track_caller]
    fn ends(&self, outcome: &Outcome, case: &str, codes: &[i32]) {
        let case = format!("{case}\n{outcome}");
        assert!(codes.contains(&outcome.code), "{case}");
        let left = if outcome.code == 0 { Left::Nothing } else { Left::Everything };
        assert_eq!(self.left(&case), left, "{case}");
        if left == Left::Nothing {
            assert_eq!(outcome.json()["totals"]["deleted"], 13, "{case}");
            self.refill();
        }
    }
}

each_backend! {
    fn one_that_raises(db: TestDatabase) {
        let company = Company::fresh(db);
        for (step, checks) in company.every_step() {
            let outcome = company.clean_with(step, RAISE, checks).says(&["rows are kept"]);
            company.ends(&outcome, &format!("{step:?} {checks}"), &[1]);
        }
    }

    fn one_that_swallows(db: TestDatabase) {
        if db.backend == Backend::Mysql {
            return skip("MariaDB's triggers cannot skip a row");
        }
        let company = Company::fresh(db);
        for (step, checks) in company.every_step() {
            let outcome = company.clean_with(step, SWALLOW, checks).says(&[step.0]);
            // Teams go together with the users who lead them: the engine is the first to notice.
            let engine = !company.db.is_sqlite() && step.0 == "teams";
            company.ends(&outcome, &format!("{step:?} {checks}"), if engine { &[1] } else { &[3] });
        }
    }

    fn one_that_writes_elsewhere(db: TestDatabase) {
        let company = Company::fresh(db);
        for (step, checks) in company.every_step() {
            let outcome = company.clean_with(step, BURY, checks);
            let rows = company.before[step.0].len() - company.after[step.0].len();
            let fired = company.db.count("graveyard") as usize;
            assert_eq!(fired, if step.0 == "notes" { 1 } else { rows }, "{step:?} {checks}");
            company.db.execute("DELETE FROM graveyard");
            company.ends(&outcome, &format!("{step:?} {checks}"), &[0]);
        }
    }

    /// The engine's cascade takes it along while its parent is still to go.
    fn one_that_adds_a_child(db: TestDatabase) {
        let company = Company::fresh(db);
        for (step, checks) in company.every_step() {
            let outcome = company.clean_with(step, ADD_CHILD, checks);
            let endless = matches!(step.0, "organizations" | "inbox");
            let codes: &[i32] = match checks {
                "engine" if endless => ENGINE_OR_PROOF,
                "engine" => &[0],
                _ => &[6],
            };
            company.ends(&outcome, &format!("{step:?} {checks}"), codes);
        }
    }

    fn one_that_adds_a_row_which_protects(db: TestDatabase) {
        let company = Company::fresh(db);
        for (step, checks) in company.every_step() {
            let outcome = company.clean_with(step, ADD_STRAY, checks);
            let codes = if checks == "engine" { ENGINE_OR_PROOF } else { &[6] };
            company.ends(&outcome, &format!("{step:?} {checks}"), codes);
        }
    }

    fn one_that_deletes_other_rows_of_the_organization(db: TestDatabase) {
        let company = Company::fresh(db);
        for (step, checks) in company.every_step() {
            let outcome = company.clean_with(step, DELETE_OTHERS, checks);
            // MariaDB lets no trigger write to the table whose rows fire it (error 1442).
            let own = company.db.backend == Backend::Mysql && matches!(step.0, "logs" | "inbox");
            company.ends(&outcome, &format!("{step:?} {checks}"), &[i32::from(own)]);
        }
    }

    fn one_that_undoes_an_unlink(db: TestDatabase) {
        let company = Company::fresh(db);
        for checks in ["engine", "set", "auto"] {
            let outcome = company.clean_with(("notes", "UPDATE"), RELINK, checks);
            // MariaDB lets no trigger write to the table whose rows fire it (error 1442).
            let own = company.db.backend == Backend::Mysql && checks != "set";
            company.ends(&outcome, checks, &[if own { 1 } else { 3 }]);
        }
    }

    /// The row that it adds names a deal that is about to go.
    fn one_that_remembers_an_unlink(db: TestDatabase) {
        let company = Company::fresh(db);
        let (set, auto) =
            if company.db.backend == Backend::Postgres { (6, 0) } else { (3, 0) };
        for (checks, code) in [("engine", 0), ("set", set), ("auto", auto)] {
            let outcome = company.clean_with(("notes", "UPDATE"), REMEMBER, checks);
            company.ends(&outcome, checks, &[code]);
        }
    }
}

each_backend! {
    /// Without the engine's checks nothing would cascade there: not in PostgreSQL's replica role, in
    /// which an ENABLE ALWAYS trigger fires, and not with SQLite's foreign keys off.
    fn one_that_deletes_elsewhere(db: TestDatabase) {
        let company = Company::fresh(db);
        let db = &company.db;
        db.execute(
            "CREATE TABLE shelves (id integer PRIMARY KEY); \
             CREATE TABLE books (shelf_id integer NOT NULL REFERENCES shelves (id) ON DELETE CASCADE); \
             INSERT INTO shelves VALUES (1), (2), (3); INSERT INTO books VALUES (1), (2), (3)",
        );
        for (shelf, (event, table)) in [(1, ("DELETE", "deals")), (2, ("UPDATE", "notes"))] {
            let delete = format!("DELETE FROM shelves WHERE id = {shelf}");
            let sqlite = format!("CREATE TRIGGER fault{shelf} AFTER {event} ON {table} BEGIN {delete}; END");
            let postgres = format!(
                "CREATE FUNCTION fault{shelf}() RETURNS trigger LANGUAGE plpgsql AS \
                 $$BEGIN {delete}; RETURN NULL; END$$; \
                 CREATE TRIGGER fault AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION fault{shelf}(); \
                 ALTER TABLE {table} ENABLE ALWAYS TRIGGER fault"
            );
            db.execute(db.pick(&sqlite, &postgres, &sqlite));
        }
        db.orgsweep(&CLEAN).exits(0);
        assert!(db.dangling().is_empty(), "{:?}", db.dangling());
        assert_eq!((db.count("shelves"), db.count("books")), (1, 1));
    }

    /// Engines check RESTRICT at once, but for whole statements (PostgreSQL) or, deferred, at COMMIT
    /// (SQLite).
    fn one_beside_a_self_reference_that_restricts(db: TestDatabase) {
        db.execute(
            "CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
             CREATE TABLE folders (id integer PRIMARY KEY, \
                 organization_id integer NOT NULL REFERENCES organizations (id) ON DELETE CASCADE, \
                 parent_id integer REFERENCES folders (id) ON DELETE RESTRICT); \
             CREATE TABLE graveyard (what text); \
             INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'); \
             INSERT INTO folders VALUES (1, 1, NULL), (2, 1, 1), (3, 1, 2), (4, 2, NULL)",
        );
        let bury = "INSERT INTO graveyard VALUES ('one row')";
        let sqlite = format!("CREATE TRIGGER bury AFTER DELETE ON folders BEGIN {bury}; END");
        let postgres = format!(
            "CREATE FUNCTION bury() RETURNS trigger LANGUAGE plpgsql AS \
             $$BEGIN {bury}; RETURN NULL; END$$; \
             CREATE TRIGGER bury AFTER DELETE ON folders FOR EACH ROW EXECUTE FUNCTION bury()"
        );
        db.execute(db.pick(&sqlite, &postgres, &sqlite));
        db.orgsweep(&CLEAN).exits(0);
        assert_eq!((db.count("folders"), db.count("graveyard")), (1, 3));
    }
}

/// PostgreSQL's triggers of either replication role: none is skipped, none fires out of turn, and
/// what they do is checked.
#[test]
fn one_that_fires_in_the_other_replication_role() {
    let Some(company) = Company::on_postgres() else { return };
    company.db.execute(
        "CREATE FUNCTION bury() RETURNS trigger LANGUAGE plpgsql AS \
         $$BEGIN INSERT INTO graveyard VALUES ('one row'); RETURN OLD; END$$",
    );
    for (table, _) in STEPS.iter().filter(|(_, event)| *event == "DELETE") {
        let rows = company.before[*table].len() - company.after[*table].len();
        for (role, fires) in [("REPLICA", 0), ("ALWAYS", rows)] {
            company.db.execute(&format!(
                "CREATE TRIGGER bury AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION bury(); \
                 ALTER TABLE {table} ENABLE {role} TRIGGER bury"
            ));
            let set = [&CLEAN[..], &["--reference-checks", "set"]].concat();
            company.db.orgsweep(&set).exits(3).says(&["trigger"]);
            let outcome = company.db.orgsweep(&CLEAN);
            company.db.execute(&format!("DROP TRIGGER bury ON {table}"));
            let case = format!("{role} on {table}");
            assert_eq!(company.db.count("graveyard") as usize, fires, "{case}");
            assert_eq!(outcome.json()["reference_checks"], "engine", "{case}");
            company.db.execute("DELETE FROM graveyard");
            company.ends(&outcome, &case, &[0]);
        }
    }
}

#[test]
fn a_rule_that_swallows() {
    let Some(company) = Company::on_postgres() else { return };
    for step @ (table, event) in STEPS {
        company
            .db
            .execute(&format!("CREATE RULE fault AS ON {event} TO {table} DO INSTEAD NOTHING"));
        let outcome = company.db.orgsweep(&CLEAN);
        company.db.execute(&format!("DROP RULE fault ON {table}"));
        // PostgreSQL takes no such rule in a WITH, which deletes teams and users together.
        let together = matches!(table, "teams" | "users");
        let named = format!("rule fault of {table}");
        let outcome = if together { outcome } else { outcome.says(&[&named]) };
        company.ends(&outcome, &format!("{step:?}"), if together { &[1] } else { &[3] });
    }
}
