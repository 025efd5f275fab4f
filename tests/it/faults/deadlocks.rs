//! Deadlocks and serialization failures: tried again, and given up with nothing changed.

use super::company::{CLEAN, Company, Left, each_server, wait_for_backends};
use super::proxy::{Proxy, Verdict};
use crate::support::*;
use orgsweep::database::Database;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Locks a deal, then waits for the organization that orgsweep has locked; orgsweep comes for the
/// deal.
struct Embrace {
    thread: JoinHandle<Result<(), String>>,
}

impl Embrace {
    /// `first` comes before everything else.
    fn start(mut session: Database, first: &str) -> Embrace {
        session.run(first).expect("a beginning");
        session.run("SELECT 1 FROM deals WHERE id = 1001 FOR UPDATE").expect("a lock");
        let thread = thread::spawn(move || {
            let waited = session.run("SELECT 1 FROM organizations WHERE id = 1 FOR UPDATE");
            let _ = session.run("ROLLBACK");
            waited.map_err(|error| error.message)
        });
        thread::sleep(Duration::from_millis(20));
        Embrace { thread }
    }
}

/// Comes for the rows of deals: by then the organization is locked.
fn finds_deals(sql: &str) -> bool {
    takes(sql, "deals")
}

/// Finds and locks rows of a table, or deletes them as it finds them.
fn takes(sql: &str, table: &str) -> bool {
    let named = sql.contains(&format!("\"{table}\" c"));
    named && ["FOR UPDATE", "DELETE FROM", "DELETE c FROM"].iter().any(|word| sql.contains(word))
}

/// Whose transaction the server ends in a deadlock.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    Orgsweep,
    Other,
}

impl Victim {
    /// How the other session begins. On PostgreSQL who notices first loses, on MariaDB who has written less.
    fn other_begins(self, backend: Backend) -> &'static str {
        match (backend, self) {
            (Backend::Mysql, Victim::Orgsweep) => {
                "BEGIN; INSERT INTO graveyard SELECT 'weight' FROM seq_1_to_5000"
            }
            (Backend::Mysql, Victim::Other) => "BEGIN",
            (_, Victim::Orgsweep) => "SET deadlock_timeout = '60s'; BEGIN",
            (_, Victim::Other) => "SET deadlock_timeout = '30ms'; BEGIN",
        }
    }

    fn company(self, backend: Backend) -> Option<Company> {
        let company = Company::on(backend)?;
        let db = &company.db;
        let orgsweep = if self == Victim::Orgsweep { "30ms" } else { "60s" };
        if backend == Backend::Postgres {
            let set = format!("SET deadlock_timeout = '{orgsweep}'");
            db.execute(&format!("ALTER DATABASE {} {set}", db.name()));
        }
        Some(company)
    }
}

/// Cleans; at the first `times` attempts to find deals another session is in a deadlock with it.
/// Tells how the other session fared each time.
fn embrace(company: &Company, times: usize, victim: Victim) -> (Outcome, Vec<Result<(), String>>) {
    let sessions: Vec<Database> = (0..times).map(|_| company.db.connect()).collect();
    let mut sessions = sessions.into_iter();
    let begin = victim.other_begins(company.db.backend);
    let embraces = Arc::new(Mutex::new(Vec::new()));
    let started = Arc::clone(&embraces);
    let mut embraced = false;
    let proxy = Proxy::start(&company.db, move |message| {
        embraced &= !message.sql.contains("TRANSACTION") && !message.sql.starts_with("BEGIN");
        if !embraced && finds_deals(&message.sql) {
            embraced = true;
            if let Some(session) = sessions.next() {
                started.lock().expect("no panic").push(Embrace::start(session, begin));
            }
        }
        Verdict::Forward
    });
    let outcome = proxy.command(&CLEAN).run();
    wait_for_backends(&company.db);
    let embraces = std::mem::take(&mut *embraces.lock().expect("no panic"));
    (outcome, embraces.into_iter().map(|e| e.thread.join().expect("a session")).collect())
}

each_server! {
    fn a_deadlock_that_orgsweep_loses_is_tried_again(backend: Backend) {
        let Some(company) = Victim::Orgsweep.company(backend) else { return };
        for times in [1, 3] {
            let (outcome, others) = embrace(&company, times, Victim::Orgsweep);
            assert_eq!(others, vec![Ok(()); times], "{outcome}");
            let case = format!("{times}\n{outcome}");
            assert_eq!((outcome.code, company.left(&case)), (0, Left::Nothing), "{case}");
            company.refill();
        }
    }

    fn a_deadlock_that_orgsweep_always_loses_ends_with_exit_5(backend: Backend) {
        let Some(company) = Victim::Orgsweep.company(backend) else { return };
        let (outcome, others) = embrace(&company, 20, Victim::Orgsweep);
        assert_eq!(others, vec![Ok(()); 5], "{outcome}");
        assert_eq!((outcome.code, company.left("")), (5, Left::Everything), "{outcome}");
    }

    fn a_deadlock_that_the_other_session_loses_is_not_even_noticed(backend: Backend) {
        let Some(company) = Victim::Other.company(backend) else { return };
        let (outcome, others) = embrace(&company, 1, Victim::Other);
        assert!(matches!(&others[..], [Err(error)] if error.to_lowercase().contains("deadlock")), "{others:?}");
        assert_eq!((outcome.code, company.left("")), (0, Left::Nothing), "{outcome}");
    }
}

/// 40001 in READ COMMITTED: the row that the clean waits for has left its partition.
#[test]
fn a_row_that_moves_to_another_partition_is_tried_again() {
    let Some(db) = TestDatabase::fresh(Backend::Postgres) else { return };
    db.execute(
        "CREATE TABLE organizations (id integer PRIMARY KEY, name text); \
         CREATE TABLE events (organization_id integer NOT NULL REFERENCES organizations ON DELETE CASCADE, \
                              month integer) PARTITION BY LIST (month); \
         CREATE TABLE may PARTITION OF events FOR VALUES IN (5); \
         CREATE TABLE june PARTITION OF events FOR VALUES IN (6); \
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Global'); \
         INSERT INTO events VALUES (1, 5), (1, 6), (2, 5)",
    );
    let (mut session, attempts) = (db.connect(), Arc::new(AtomicU32::new(0)));
    session
        // Without its foreign key's lock on the organization, where orgsweep would wait already.
        .run("SET session_replication_role = replica; BEGIN; UPDATE events SET month = 6 WHERE organization_id = 1 AND month = 5")
        .expect("an update");
    let (mut open, counted) = (Some(session), Arc::clone(&attempts));
    let proxy = Proxy::start(&db, move |message| {
        if takes(&message.sql, "events") {
            counted.fetch_add(1, Ordering::SeqCst);
            if let Some(mut session) = open.take() {
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(200));
                    session.run("COMMIT").expect("a commit");
                });
            }
        }
        Verdict::Forward
    });
    let outcome = proxy.command(&CLEAN).run().exits(0);
    assert_eq!(attempts.load(Ordering::SeqCst), 2, "{outcome}");
    assert_eq!((db.count("events"), db.count("organizations")), (1, 1), "{outcome}");
    assert_eq!(outcome.rows("delete")["events"], 2, "{outcome}");
}
