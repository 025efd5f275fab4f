//! Another session writes, or changes the schema, in the gap before every statement of a clean:
//! what it did either joins the closure, or comes too late and fails. Nothing dangles, and every row
//! that went is counted.

use super::company::{CLEAN, Company, Left, each_server, proxied, wait_for_backends};
use super::proxy::{Proxy, Verdict};
use crate::support::*;
use orgsweep::database::Database;
use orgsweep::engine::Statement;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What others write: the table whose number of rows changes, by how many, and the statement.
const WRITES: [(&str, i64, &str); 9] = [
    ("inbox", 1, "INSERT INTO inbox VALUES (9, 1)"),
    ("logs", 1, "INSERT INTO logs VALUES (1002, 'late')"),
    ("notes", 1, "INSERT INTO notes VALUES (9, 1002)"),
    ("deals", 1, "INSERT INTO deals VALUES (9001, 2, 103)"),
    // Out of the organization, and into it.
    ("deals", 0, "UPDATE deals SET organization_id = 2, created_by = 201 WHERE id = 1002"),
    ("deals", 0, "UPDATE deals SET organization_id = 1 WHERE id = 2001"),
    ("notes", 0, "UPDATE notes SET deal_id = 1001 WHERE id = 2"),
    // A row without key moves.
    ("logs", 0, "UPDATE logs SET what = 'won again' WHERE deal_id = 1001"),
    ("users", 1, "INSERT INTO users VALUES (203, 2, 11, 103)"),
];

/// Deletes a row, or fails.
fn delete_a_log(backend: Backend) -> (&'static str, i64, &'static str) {
    let delete = match backend {
        Backend::Mysql => {
            "BEGIN NOT ATOMIC DELETE FROM logs WHERE deal_id = 1002; \
             IF ROW_COUNT() = 0 THEN SIGNAL SQLSTATE '45000'; END IF; END"
        }
        _ => {
            "DO $$ BEGIN DELETE FROM logs WHERE deal_id = 1002; \
             IF NOT FOUND THEN RAISE 'too late'; END IF; END $$"
        }
    };
    ("logs", -1, delete)
}

/// What others do to the schema. Each names users or deals by a new reference, or alters a table
/// that the plan knows.
const CHANGES: [&str; 3] = [
    "ALTER TABLE archive ADD CONSTRAINT late FOREIGN KEY (user_id) REFERENCES users (id)",
    "CREATE TABLE badges (user_id integer REFERENCES users (id)); INSERT INTO badges VALUES (103)",
    "ALTER TABLE logs ADD COLUMN late integer, ADD CONSTRAINT late FOREIGN KEY (late) REFERENCES deals (id)",
];

/// Takes the changes back.
fn unchange(db: &TestDatabase) {
    let constraint = db.pick("", "CONSTRAINT", "FOREIGN KEY");
    db.execute(&format!(
        "ALTER TABLE archive DROP {constraint} IF EXISTS late; DROP TABLE IF EXISTS badges; \
         ALTER TABLE logs DROP {constraint} IF EXISTS late; ALTER TABLE logs DROP COLUMN IF EXISTS late; \
         DELETE FROM archive"
    ));
}

/// How a session that wrote goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Commits {
    AtOnce,
    /// When orgsweep waits for it, or has ended.
    WhenWaitedFor,
}

/// A session that runs one transaction in a thread of its own; `true`: it was committed.
struct Other {
    thread: JoinHandle<(Database, bool)>,
    wrote: Receiver<()>,
    pid: String,
}

/// Sees who waits for whom.
#[derive(Clone)]
struct Watch {
    backend: Backend,
    session: Arc<Mutex<Database>>,
}

/// A statement that MariaDB has for so many milliseconds waits for a lock: what it says of locks itself is
/// kept for 100 ms from one look to the next.
const LONG: u64 = 60;

impl Watch {
    fn holds(&self, sql: &str) -> bool {
        text(&mut self.session.lock().expect("no panic"), sql) == "true"
    }

    /// The session `pid` waits for a lock.
    fn waits(&self, pid: &str) -> bool {
        self.holds(&match self.backend {
            Backend::Mysql => format!(
                "SELECT CASE WHEN max(time_ms) > {LONG} THEN 'true' ELSE 'false' END \
                 FROM information_schema.processlist WHERE id = {pid} AND command <> 'Sleep'"
            ),
            _ => format!(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = {pid})::text"
            ),
        })
    }

    /// It waits for a lock, or is gone.
    fn orgsweep_waits(&self) -> bool {
        let proxied = proxied(self.backend);
        self.holds(&match self.backend {
            Backend::Mysql => format!(
                "SELECT CASE WHEN count(*) = 0 OR sum(command <> 'Sleep' AND time_ms > {LONG}) > 0 \
                 THEN 'true' ELSE 'false' END {proxied}"
            ),
            _ => format!(
                "SELECT coalesce(bool_or(EXISTS (SELECT FROM pg_locks l WHERE NOT granted AND l.pid = a.pid)), true)::text \
                 {proxied}"
            ),
        })
    }
}

/// The other sessions, kept from gap to gap.
struct Others {
    sessions: Vec<Database>,
    watch: Watch,
}

impl Other {
    fn start(mut session: Database, watch: Watch, sql: &str, commits: Commits) -> Other {
        let pid = match watch.backend {
            Backend::Mysql => "SELECT CAST(connection_id() AS CHAR)",
            _ => "SELECT pg_backend_pid()::text",
        };
        let pid = text(&mut session, pid);
        let (write, wrote) = channel();
        let sql = format!("BEGIN; {sql}");
        let thread = thread::spawn(move || {
            let done = session.run(&sql).is_ok();
            let _ = write.send(());
            while done && commits == Commits::WhenWaitedFor && !watch.orgsweep_waits() {
                thread::sleep(Duration::from_millis(2));
            }
            let committed = session.run("COMMIT").is_ok() && done;
            (session, committed)
        });
        Other { thread, wrote, pid }
    }

    /// Until the write is done, has failed or waits for a lock.
    fn settle(&self, watch: &Watch) {
        while self.wrote.recv_timeout(Duration::from_millis(3)) == Err(RecvTimeoutError::Timeout) {
            if watch.waits(&self.pid) {
                return;
            }
        }
    }
}

fn text(session: &mut Database, sql: &str) -> String {
    session.query_one(&Statement::from(sql)).expect(sql).text(0).to_owned()
}

impl Others {
    fn new(db: &TestDatabase, sessions: usize) -> Others {
        let sessions = (0..sessions).map(|_| db.connect()).collect();
        let session = Arc::new(Mutex::new(db.connect()));
        Others { sessions, watch: Watch { backend: db.backend, session } }
    }

    /// Cleans; these sessions run `statements` in the gap before statement number `gap`. Tells which
    /// of them were committed; `None` when the clean had fewer statements.
    fn meet(
        &mut self,
        company: &Company,
        gap: u32,
        statements: &[&'static str],
        commits: Commits,
        checks: &str,
    ) -> Option<(Outcome, Vec<bool>)> {
        let sessions = self.sessions.drain(..).zip(statements.to_vec()).collect();
        let (mut sessions, watch) = (Some::<Vec<(Database, &str)>>(sessions), self.watch.clone());
        let threads = Arc::new(Mutex::new(None));
        let started = Arc::clone(&threads);
        let proxy = Proxy::start(&company.db, move |message| {
            if message.number == gap {
                let start = |(session, sql)| {
                    let other = Other::start(session, watch.clone(), sql, commits);
                    other.settle(&watch);
                    other.thread
                };
                let all: Vec<_> = sessions.take().into_iter().flatten().map(start).collect();
                *started.lock().expect("no panic") = Some(all);
            }
            Verdict::Forward
        });
        let more = ["--foreign", "delete", "--reference-checks", checks];
        let outcome = proxy.command(&[&CLEAN[..], &more].concat()).run();
        wait_for_backends(&company.db);
        let threads = threads.lock().expect("no panic").take()?.into_iter();
        let ended = threads.map(|thread: JoinHandle<_>| thread.join().expect("a session"));
        let (sessions, committed) = ended.unzip();
        self.sessions = sessions;
        Some((outcome, committed))
    }
}

fn counts(db: &TestDatabase) -> BTreeMap<String, i64> {
    db.dump().into_iter().map(|(table, rows)| (table, rows.len() as i64)).collect()
}

/// Half of the writes at every gap, two gaps in turn.
fn writes_at_every_gap(backend: Backend, checks: &str, commits: Commits) {
    let Some(company) = Company::on(backend) else { return };
    let before = counts(&company.db);
    // Never together with the log that is added.
    let all: Vec<_> = [delete_a_log(backend)].into_iter().chain(WRITES).collect();
    let mut others = Others::new(&company.db, all.len() / 2);
    for gap in 1.. {
        let writes: Vec<_> = all.iter().skip(gap as usize / 2 % 2).step_by(2).collect();
        let statements: Vec<&str> = writes.iter().map(|(_, _, sql)| *sql).collect();
        let met = others.meet(&company, gap, &statements, commits, checks);
        let Some((outcome, committed)) = met else {
            assert!(gap > 30, "statements are missed");
            break;
        };
        let case = format!("{checks}, gap {gap}, {commits:?}: {committed:?}\n{outcome}");
        assert!(company.db.dangling().is_empty(), "{case}: {:?}", company.db.dangling());
        assert_eq!(outcome.code, 0, "{case}");
        assert_eq!(company.db.value("SELECT name FROM organizations"), "Global", "{case}");
        let (after, deleted) = (counts(&company.db), outcome.rows("delete"));
        for (table, before) in &before {
            let added: i64 = writes
                .iter()
                .zip(&committed)
                .filter(|((written, ..), committed)| written == table && **committed)
                .map(|((_, rows, _), _)| rows)
                .sum();
            let gone = before + added - after[table];
            let reported = deleted.get(table).copied().unwrap_or(0) as i64;
            assert_eq!(gone, reported, "{table}: rows gone and reported; {case}");
        }
        company.refill();
    }
}

each_server! {
    fn writes_with_the_engine_s_checks(backend: Backend) {
        writes_at_every_gap(backend, "engine", Commits::AtOnce);
    }

    fn writes_with_set_based_checks(backend: Backend) {
        writes_at_every_gap(backend, "set", Commits::AtOnce);
    }

    fn open_writes_with_the_engine_s_checks(backend: Backend) {
        writes_at_every_gap(backend, "engine", Commits::WhenWaitedFor);
    }

    fn open_writes_with_set_based_checks(backend: Backend) {
        writes_at_every_gap(backend, "set", Commits::WhenWaitedFor);
    }

    fn schema_changes_with_the_engine_s_checks(backend: Backend) {
        changes_at_every_gap(backend, "engine");
    }

    fn schema_changes_with_set_based_checks(backend: Backend) {
        changes_at_every_gap(backend, "set");
    }
}

fn changes_at_every_gap(backend: Backend, checks: &str) {
    let Some(company) = Company::on(backend) else { return };
    let db = &company.db;
    db.execute("CREATE TABLE archive (user_id integer)");
    let mut others = Others::new(db, 1);
    for gap in 1.. {
        db.execute("DELETE FROM archive; INSERT INTO archive VALUES (101), (201)");
        let commits = if gap % 2 == 0 { Commits::AtOnce } else { Commits::WhenWaitedFor };
        let change = &CHANGES[gap as usize % 3..][..1];
        let met = others.meet(&company, gap, change, commits, checks);
        let Some((outcome, committed)) = met else {
            assert!(gap > 30, "statements are missed");
            break;
        };
        let case = format!("{checks}, gap {gap}, {commits:?}: {change:?} {committed:?}\n{outcome}");
        assert!(db.dangling().is_empty(), "{case}: {:?}", db.dangling());
        assert_eq!(outcome.code, 0, "{case}");
        unchange(db);
        let rows = |dump: &Dump| dump.iter().map(|(t, r)| (t.clone(), r.len())).collect::<Vec<_>>();
        let mut now = db.dump();
        now.remove("archive");
        assert_eq!(rows(&now), rows(&company.after), "{case}");
        company.refill();
    }
}

/// With its triggers off a child takes no lock on its parent: what slips in is found by the proof
/// and taken by the next attempt. Rows that dangled before are not ours.
#[test]
fn a_row_that_slips_in_by_an_unwatched_reference() {
    let Some(company) = Company::on_postgres() else { return };
    let db = &company.db;
    for checks in ["engine", "set"] {
        db.execute(
            "ALTER TABLE deals DISABLE TRIGGER ALL; ALTER TABLE logs DISABLE TRIGGER ALL; \
             INSERT INTO logs VALUES (777, 'dangling')",
        );
        let mut session = db.connect();
        let mut slips = Some("INSERT INTO logs VALUES (1001, 'slipped in')");
        let proxy = Proxy::start(db, move |message| {
            // The rows of logs are found, or gone, by then.
            let late = match checks {
                "engine" => {
                    message.sql.starts_with("DELETE FROM") && message.sql.contains("\"deals\"")
                }
                _ => message.sql.starts_with("SET CONSTRAINTS"),
            };
            if late && let Some(insert) = slips.take() {
                session.run(insert).expect("an insert");
            }
            Verdict::Forward
        });
        let outcome =
            proxy.command(&[&CLEAN[..], &["--reference-checks", checks]].concat()).run().exits(0);
        assert!(outcome.stderr.contains("trying again"), "{outcome}");
        assert_eq!(outcome.rows("delete")["logs"], 4, "{outcome}");
        assert_eq!(db.count("logs WHERE deal_id = 777"), 1, "{outcome}");
        db.execute(
            "DELETE FROM logs WHERE deal_id = 777; \
             ALTER TABLE deals ENABLE TRIGGER ALL; ALTER TABLE logs ENABLE TRIGGER ALL",
        );
        assert_eq!(company.left(checks), Left::Nothing);
        company.refill();
    }
}
