//! A statement that takes a minute, in any phase of a run: something to be cancelled, or to be in the
//! midst of when the server goes.

use super::company::{CLEAN, Company, Left};
use crate::support::*;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The first key table comes into being.
    Finding,
    /// A guard looks at the rows that were found.
    Judging,
    /// A surviving row forgets one that goes.
    Unlinking,
    Deleting,
    /// Deferred constraints are asked before COMMIT.
    Proving,
}

pub const PHASES: [Phase; 5] =
    [Phase::Finding, Phase::Judging, Phase::Unlinking, Phase::Deleting, Phase::Proving];

/// The phases that a server can be stalled in: nothing on MariaDB sees a key table, or waits for COMMIT.
pub fn phases(backend: Backend) -> Vec<Phase> {
    let any = |phase: &Phase| !matches!(phase, Phase::Finding | Phase::Proving);
    PHASES.into_iter().filter(|phase| backend == Backend::Postgres || any(phase)).collect()
}

impl Phase {
    /// Makes the phase's statement take a minute in this database.
    pub fn stall(self, db: &TestDatabase) {
        if db.backend == Backend::Mysql {
            let stall = "FOR EACH ROW DO SLEEP(60)";
            // A trigger on users would see the rows that name each other in a circle, which is refused.
            return match self {
                Phase::Unlinking => {
                    db.execute(&format!("CREATE TRIGGER stall BEFORE UPDATE ON notes {stall}"))
                }
                Phase::Deleting => {
                    db.execute(&format!("CREATE TRIGGER stall BEFORE DELETE ON deals {stall}"))
                }
                Phase::Judging | Phase::Finding | Phase::Proving => {}
            };
        }
        let sleep = |returns: &str, last: &str| {
            format!(
                "CREATE FUNCTION stall() RETURNS {returns} LANGUAGE plpgsql AS \
                 $$BEGIN PERFORM pg_sleep(60); {last} END$$; "
            )
        };
        let trigger = |when: &str| {
            sleep("trigger", "RETURN coalesce(NEW, OLD);")
                + &format!("CREATE {when} FOR EACH ROW EXECUTE FUNCTION stall()")
        };
        db.execute(&match self {
            Phase::Finding => {
                sleep("event_trigger", "")
                    + "CREATE EVENT TRIGGER stall ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS') \
                       EXECUTE FUNCTION stall()"
            }
            Phase::Judging => "SELECT".into(),
            Phase::Unlinking => trigger("TRIGGER stall BEFORE UPDATE ON notes"),
            Phase::Deleting => trigger("TRIGGER stall BEFORE DELETE ON users"),
            Phase::Proving => trigger(
                "CONSTRAINT TRIGGER stall AFTER DELETE ON deals DEFERRABLE INITIALLY DEFERRED",
            ),
        });
    }

    /// Runs at their usual speed again.
    pub fn release(self, db: &TestDatabase) {
        let postgres =
            "DROP EVENT TRIGGER IF EXISTS stall; DROP FUNCTION IF EXISTS stall() CASCADE";
        db.execute(db.pick("", postgres, "DROP TRIGGER IF EXISTS stall"));
    }

    /// The flags of a run that meets the stalled statement.
    pub fn flags(self, company: &Company) -> Vec<String> {
        if self != Phase::Judging {
            return Vec::new();
        }
        let policy = company.db.directory().join("stall.toml");
        let sleeps = company.db.pick("", "pg_sleep(60)::text = ''", "sleep(60) = 2");
        let text = format!("[guards]\ntest-data = {{ deals = \"{sleeps}\" }}\n");
        std::fs::write(&policy, text).expect("a policy");
        vec!["--config".into(), policy.display().to_string()]
    }
}

/// Waits until the query counts something.
pub fn wait_until_some(db: &TestDatabase, count: &str) {
    let patience = Instant::now() + Duration::from_secs(20);
    while db.value(count) == "0" {
        assert!(Instant::now() < patience, "nothing comes to be seen by {count}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for the stalled statement.
pub fn wait_for_stall(db: &TestDatabase) {
    wait_until_some(db, stalled(db));
}

/// No session runs the stalled statement, or no more.
pub fn is_released(db: &TestDatabase) -> bool {
    db.value(stalled(db)) == "0"
}

/// Counts the sessions that run the stalled statement.
fn stalled(db: &TestDatabase) -> &str {
    db.pick(
        "",
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
        "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND state = 'User sleep'",
    )
}

/// Where these tests keep archives.
pub fn archive_dir(db: &TestDatabase) -> PathBuf {
    db.directory().join("archives")
}

/// The names of the archives that there are, whatever their state.
pub fn archives(db: &TestDatabase) -> Vec<String> {
    let files = std::fs::read_dir(archive_dir(db)).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(".tar.zst")).collect()
}

/// The arguments of a clean that archives, with these flags besides.
pub fn cleaning(db: &TestDatabase, flags: &[String]) -> Vec<String> {
    let archive = ["--archive-dir".to_owned(), archive_dir(db).display().to_string()];
    CLEAN.map(str::to_owned).into_iter().chain(archive).chain(flags.iter().cloned()).collect()
}

pub fn texts(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// Nothing stalls: it goes, and is archived.
#[track_caller]
pub fn goes(company: &Company, case: &str) {
    company.db.orgsweep(&texts(&cleaning(&company.db, &[]))).exits(0);
    assert_eq!(company.left(case), Left::Nothing, "{case}");
}
