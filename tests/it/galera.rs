//! A cluster of three MariaDB Galera nodes, which `tests/cluster` starts: an organization goes while the
//! other nodes write; who loses at certification tries again; a node that dies in the midst leaves
//! everything on the others, or nothing.

use crate::support::*;
use orgsweep::database::{Database, Target};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

struct Node {
    url: String,
    /// The file that holds the server's process id.
    process: String,
}

impl Node {
    /// The URL of the same database on this node.
    fn at(&self, db: &TestDatabase) -> String {
        format!("{}/{}", self.url.strip_suffix("/mysql").expect("as made"), db.name())
    }

    fn die(&self) {
        let process = std::fs::read_to_string(&self.process).expect("it runs");
        let killed = Command::new("kill").args(["-KILL", process.trim()]).status();
        assert!(killed.expect("kill runs").success());
    }

    /// Until it was started again and has what it missed.
    fn wait_until_synced(&self) {
        let target = Target::parse(&self.url).expect("a valid URL");
        let patience = Instant::now() + Duration::from_secs(90);
        let synced = || {
            let state = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS \
                         WHERE VARIABLE_NAME = 'wsrep_local_state_comment'";
            let row = Database::connect(&target, false)?.query_one(&state.into())?;
            Ok::<bool, orgsweep::database::Error>(row.text(0) == "Synced")
        };
        while !synced().unwrap_or(false) {
            assert!(Instant::now() < patience, "the node does not come back");
            thread::sleep(Duration::from_millis(300));
        }
    }
}

/// What `tests/cluster` started; `None`, said loudly, where it was not.
fn nodes() -> Option<Vec<Node>> {
    let Ok(described) = std::env::var("ORGSWEEP_TEST_GALERA") else {
        skip("ORGSWEEP_TEST_GALERA is not set: run tests/cluster, which starts three nodes");
        return None;
    };
    let words: Vec<&str> = described.split(' ').collect();
    let node = |pair: &[&str]| Node { url: pair[0].into(), process: pair[1].into() };
    Some(words.chunks(2).map(node).collect())
}

const ROWS: u32 = 30_000;

/// Three organizations with a third of the users each, and a deal for every user.
fn company(db: &TestDatabase) {
    db.execute(&format!(
        "CREATE TABLE organizations (id int PRIMARY KEY, name varchar(100) NOT NULL);
         CREATE TABLE users (id int AUTO_INCREMENT PRIMARY KEY, organization_id int NOT NULL,
             FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE);
         CREATE TABLE deals (id int AUTO_INCREMENT PRIMARY KEY, created_by int NOT NULL,
             FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE RESTRICT);
         INSERT INTO organizations VALUES (1, 'Apex'), (2, 'Beta'), (3, 'Gamma');
         INSERT INTO users (organization_id) SELECT 1 + seq % 3 FROM seq_1_to_{ROWS};
         INSERT INTO deals (created_by) SELECT id FROM users;"
    ));
}

/// The same database on every node, read behind all that was committed anywhere.
fn everywhere(db: &TestDatabase, nodes: &[Node]) -> Vec<Database> {
    let session = |node: &Node| {
        let target = Target::parse(&node.at(db)).expect("a valid URL");
        let mut session = Database::connect(&target, false).expect("a node");
        session.run("SET SESSION wsrep_sync_wait = 1").expect("Galera");
        session
    };
    nodes.iter().map(session).collect()
}

fn number(session: &mut Database, sql: &str) -> i64 {
    let number = session.query_one(&sql.into()).and_then(|row| row.number(0));
    number.unwrap_or_else(|error| panic!("{error}\nin: {sql}"))
}

const USERS: &str = "SELECT CAST(count(*) AS CHAR) FROM users WHERE organization_id = 1";
const DANGLING: &str = "SELECT CAST(count(*) AS CHAR) FROM deals LEFT JOIN users ON users.id = created_by \
                        WHERE users.id IS NULL";

#[test]
fn the_cluster_story() {
    let Some(nodes) = nodes() else { return };
    an_organization_goes_while_the_other_nodes_write(&nodes);
    who_loses_at_certification_tries_again(&nodes);
    what_is_more_than_a_write_set_goes_in_batches(&nodes);
    a_node_that_dies_leaves_everything_or_nothing(&nodes);
}

fn an_organization_goes_while_the_other_nodes_write(nodes: &[Node]) {
    let db = TestDatabase::on_mysql(&nodes[0].url);
    company(&db);
    let (done, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let outcome = thread::scope(|scope| {
        for (n, mut session) in everywhere(&db, &nodes[1..]).into_iter().enumerate() {
            let (done, written) = (&done, &written);
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let insert = format!("INSERT INTO users (organization_id) VALUES ({})", 2 + n);
                    session.run(&insert).expect("nobody is in the way of another organization");
                    written.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let outcome = db.orgsweep(&["clean", "--org-id", "1", "--force", "--yes"]);
        done.store(true, Ordering::SeqCst);
        outcome
    });
    let outcome = outcome.exits(0);
    let written = written.load(Ordering::SeqCst) as i64;
    assert!(written > 0, "the others wrote nothing\n{outcome}");
    for mut session in everywhere(&db, nodes) {
        assert_eq!(number(&mut session, USERS), 0, "{outcome}");
        assert_eq!(number(&mut session, DANGLING), 0, "{outcome}");
        let all = number(&mut session, "SELECT CAST(count(*) AS CHAR) FROM users");
        assert_eq!(all, i64::from(ROWS / 3 * 2) + written, "{outcome}");
    }
}

/// A deal of the organization is added on another node, and committed, while the run waits in the midst
/// of its work: locks know nothing of other nodes, so the run is the one to give way.
fn who_loses_at_certification_tries_again(nodes: &[Node]) {
    let db = TestDatabase::on_mysql(&nodes[0].url);
    company(&db);
    let mut sessions = everywhere(&db, nodes);
    let last = "SELECT CAST(max(id) AS CHAR) FROM users WHERE organization_id = 1";
    let user = number(&mut sessions[0], last);
    sessions[0]
        .run(&format!("BEGIN; SELECT id FROM users WHERE id = {user} FOR UPDATE"))
        .expect("a lock");
    let clean = ["clean", "--org-id", "1", "--force", "--yes", "--lock-timeout", "60s"];
    let run = db.command(&clean).start();
    let waits = "SELECT CAST(count(*) AS CHAR) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
    while number(&mut sessions[0], waits) == 0 {
        // InnoDB answers from a copy that it renews only after it was left alone for 100 ms
        // (CACHE_MIN_IDLE_TIME_NS, storage/innobase/trx/trx0i_s.cc).
        thread::sleep(Duration::from_millis(200));
    }
    sessions[1]
        .run("INSERT INTO users (organization_id) VALUES (1)")
        .expect("no lock of another node");
    thread::sleep(Duration::from_millis(500));
    sessions[0].run("ROLLBACK").expect("the lock is released");
    let outcome = run.finish().exits(0).says(&["trying again"]);
    for mut session in everywhere(&db, nodes) {
        assert_eq!(number(&mut session, USERS), 0, "{outcome}");
        assert_eq!(number(&mut session, DANGLING), 0, "{outcome}");
    }
}

/// 20,001 rows go, and the cluster takes 6,000 in one transaction, or 100,000 bytes.
fn what_is_more_than_a_write_set_goes_in_batches(nodes: &[Node]) {
    let db = TestDatabase::on_mysql(&nodes[0].url);
    company(&db);
    let which = ["--org-id", "1", "--force"];
    let mut server = everywhere(&db, &nodes[..1]).remove(0);
    let before = number(&mut server, USERS);
    // The bytes are known from statistics.
    server.run("ANALYZE TABLE users, deals").expect("statistics");
    for (limit, usual, says) in [
        (
            "wsrep_max_ws_rows = 6000",
            "wsrep_max_ws_rows = 0",
            "at most 6000 rows (wsrep_max_ws_rows)",
        ),
        (
            "wsrep_max_ws_size = 100000",
            "wsrep_max_ws_size = 2147483647",
            "at most 100000 bytes (wsrep_max_ws_size)",
        ),
    ] {
        server.run(&format!("SET GLOBAL {limit}")).expect("a setting");
        db.orgsweep(&["doctor"]).exits(0).says(&[says, "--batch-rows"]);
        let says = [says, "20,001 rows change", "--batch-rows"];
        db.orgsweep(&[&["preview"], &which[..]].concat()).exits(3).says(&says);
        db.orgsweep(&[&["clean", "--yes"], &which[..]].concat()).exits(3).says(&says);
        assert_eq!(number(&mut server, USERS), before);
        server.run(&format!("SET GLOBAL {usual}")).expect("a setting");
    }
    server.run("SET GLOBAL wsrep_max_ws_rows = 6000").expect("a setting");
    let outcome =
        db.orgsweep(&[&["clean", "--yes", "--batch-rows", "2000"], &which[..]].concat()).exits(0);
    server.run("SET GLOBAL wsrep_max_ws_rows = 0").expect("a setting");
    for mut session in everywhere(&db, nodes) {
        assert_eq!(number(&mut session, USERS), 0, "{outcome}");
        assert_eq!(number(&mut session, DANGLING), 0, "{outcome}");
    }
}

/// The node that runs the deletion is killed, each time a little later in the run.
fn a_node_that_dies_leaves_everything_or_nothing(nodes: &[Node]) {
    let mut codes = Vec::new();
    for moment in [50, 120, 190, 260, 330, 450] {
        let db = TestDatabase::on_mysql(&nodes[1].url);
        company(&db);
        // Also there: the first node has all of it.
        let before = number(&mut everywhere(&db, nodes)[0], USERS);
        let first = nodes[0].at(&db);
        let run = db
            .command(&["clean", "--org-id", "1", "--force", "--yes", "--database-url", &first])
            .start();
        thread::sleep(Duration::from_millis(moment));
        nodes[0].die();
        let outcome = run.finish();
        nodes[0].wait_until_synced();
        for mut session in everywhere(&db, nodes) {
            let left = number(&mut session, USERS);
            match outcome.code {
                0 => assert_eq!(left, 0, "{outcome}"),
                1 => assert_eq!(left, before, "{outcome}"),
                7 => assert!(left == 0 || left == before, "{left} are left\n{outcome}"),
                _ => panic!("{outcome}"),
            }
            assert_eq!(number(&mut session, DANGLING), 0, "{outcome}");
        }
        codes.push(outcome.code);
    }
    eprintln!("exit codes of the runs whose node died: {codes:?}");
    assert!(codes.contains(&1), "no run was in its midst: {codes:?}");
}
