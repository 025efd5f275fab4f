//! What a database says of itself: whether it takes writes, who it is, how far behind its replicas are.

use super::{Database, Fault, Result, Target};
use crate::engine::{Dialect, Silence};
use rustix::fs::{Access, access};

/// Positions in a server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replication {
    pub written: u64,
    pub replayed: u64,
}

/// What can be known of a server's replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replicas {
    /// The engine does not tell.
    Untold,
    /// This role may not see them.
    Hidden,
    /// There is none.
    None,
    Seen(Replication),
}

/// Whether a session may leave PostgreSQL's per-row checks out, and the locks that make up for them can be
/// trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicaRole {
    /// The engine has no such role.
    None,
    Usable,
    NotGranted,
    /// It speaks PostgreSQL's protocol and is something else: its name.
    NotPostgres(String),
}

/// What else may answer as PostgreSQL does. Set-based checks want its row locks, READ COMMITTED and replica
/// role, of which these have their own ideas, or several servers' worth.
///
/// `version` is what `version()` says.
fn relative_of_postgres(version: &str, has_citus: bool) -> Option<String> {
    const RELATIVES: [(&str, &str); 4] = [
        ("-YB-", "YugabyteDB"),
        ("Greenplum", "Greenplum"),
        ("Redshift", "Redshift"),
        ("CockroachDB", "CockroachDB"),
    ];
    let known = RELATIVES.iter().find(|(mark, _)| version.contains(mark));
    match known {
        Some((_, name)) => Some((*name).into()),
        None if has_citus => Some("Citus".into()),
        None if version.starts_with("PostgreSQL ") => None,
        None => Some(version.split_whitespace().next().unwrap_or("an unknown server").into()),
    }
}

impl Database {
    /// Why nothing can, or is meant to, be written here: a standby, a read-only default, a file that
    /// this user may not write. That file is asked about and never opened: who closes a file drops all locks of
    /// the process on it, SQLite's own too (<https://sqlite.org/howtocorrupt.html>, 2.2).
    pub fn read_only(&mut self) -> Result<Option<String>> {
        let question = match &self.target {
            Target::Sqlite(path) => {
                let writable = access(path, Access::WRITE_OK).is_ok();
                return Ok((!writable).then(|| format!("{} is read-only", path.display())));
            }
            Target::Postgres(_) => {
                "SELECT CASE WHEN pg_is_in_recovery() THEN 'this server is a standby, it is read-only' \
                 WHEN current_setting('default_transaction_read_only') = 'on' \
                 THEN 'default_transaction_read_only is on: this database is meant to be read-only' END"
            }
            // Who may write all the same (SUPER, READ_ONLY ADMIN) is not meant to on a replica.
            Target::Mysql(_) => {
                "SELECT CASE WHEN @@global.read_only THEN 'read_only is on: this server is a replica, or is meant to be read-only' \
                 WHEN @@innodb_read_only THEN 'innodb_read_only is on: this server cannot write' END"
            }
        };
        let why = self.in_snapshot(|database| database.query_one(&question.into()))?;
        Ok(why.optional(0).map(str::to_owned))
    }

    /// What tells this database from every other, copies excepted: the server's own identifier and the
    /// database's name (PostgreSQL), the file's whole path (SQLite). MariaDB has no identifier of its own
    /// (MySQL's `server_uuid`): host, port and data directory stand for it.
    pub fn identity(&mut self) -> Result<String> {
        let question = match &self.target {
            Target::Sqlite(path) => {
                let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
                return Ok(format!("sqlite:{}", whole.display()));
            }
            Target::Postgres(_) => {
                "SELECT concat('postgres:', system_identifier, '/', current_database()) FROM pg_control_system()"
            }
            Target::Mysql(_) => {
                "SELECT concat('mysql:', @@hostname, ':', @@port, @@datadir, DATABASE())"
            }
        };
        let identity = self.in_snapshot(|database| database.query_one(&question.into()))?;
        Ok(identity.text(0).to_owned())
    }

    /// How far this server has written its log, and how far the slowest of its replicas has replayed it, in
    /// bytes. The view's own `replay_lag` stands still while a replica does; of others than its own connection
    /// it tells nothing to a role without pg_read_all_stats
    /// (<https://www.postgresql.org/docs/current/monitoring-stats.html>).
    pub fn replicas(&mut self) -> Result<Replicas> {
        if self.dialect() != Dialect::Postgres {
            return Ok(Replicas::Untold);
        }
        let question = "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::pg_catalog.text, \
                               pg_catalog.min(pg_catalog.pg_wal_lsn_diff(replay_lsn, '0/0'))::pg_catalog.text, \
                               pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')::pg_catalog.text \
                        FROM pg_catalog.pg_stat_replication";
        let facts = self.in_snapshot(|database| database.query_one(&question.into()))?;
        if !facts.flag(2) {
            return Ok(Replicas::Hidden);
        }
        let number = |n: usize| facts.optional(n).and_then(|text| text.parse().ok());
        let known = number(0).zip(number(1));
        Ok(known.map_or(Replicas::None, |(written, replayed)| {
            Replicas::Seen(Replication { written, replayed })
        }))
    }

    /// May this session turn PostgreSQL's per-row checks off? A superuser may; from PostgreSQL 15 on, whoever
    /// was granted SET on the parameter.
    pub fn replica_role(&mut self) -> Result<ReplicaRole> {
        if self.dialect() != Dialect::Postgres {
            return Ok(ReplicaRole::None);
        }
        self.in_snapshot(|database| {
            let question = "SELECT current_setting('is_superuser'), current_setting('server_version_num'), version(), \
                            EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')::text";
            let facts = database.query_one(&question.into())?;
            if let Some(name) = relative_of_postgres(facts.text(2), facts.flag(3)) {
                return Ok(ReplicaRole::NotPostgres(name));
            }
            let mut granted = facts.text(0) == "on";
            if !granted && facts.number(1)? >= 150_000 {
                let question = "SELECT has_parameter_privilege('session_replication_role', 'SET')::text";
                granted = database.query_one(&question.into())?.flag(0);
            }
            Ok(if granted { ReplicaRole::Usable } else { ReplicaRole::NotGranted })
        })
    }

    /// What keeps triggers from firing while rows are put back.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn silence(&mut self) -> Result<Silence> {
        Ok(match self.replica_role()? {
            ReplicaRole::Usable => Silence::ReplicaRole,
            ReplicaRole::None if self.switches_triggers() => Silence::Switch,
            _ => Silence::Nothing,
        })
    }

    /// As whom the session works, as GRANT names it. SQLite has no users.
    pub fn role(&mut self) -> Result<String> {
        let Some(question) = self.dialect().role() else {
            return Ok(String::new());
        };
        Ok(self.query_one(&question.into())?.text(0).to_owned())
    }

    /// The database's name, as its server knows it. SQLite's has none.
    fn name(&mut self) -> Result<String> {
        let Some(question) = self.dialect().database() else {
            return Ok(String::new());
        };
        let name = self.in_snapshot(|database| database.query_one(&question.into()))?;
        Ok(name.text(0).to_owned())
    }

    /// The name of the database, where this role may create no temporary tables in it.
    pub fn without_temporary_tables(&mut self) -> Result<Option<String>> {
        let may = match self.dialect() {
            Dialect::Sqlite => true,
            Dialect::Postgres => {
                let question =
                    "SELECT has_database_privilege(current_database(), 'TEMPORARY')::text";
                self.in_snapshot(|database| database.query_one(&question.into()))?.flag(0)
            }
            // The privilege may hold on the server, on a pattern of databases, or through a role.
            Dialect::Mysql(_) => {
                let create = self.dialect().create_temporary("orgsweep_probe");
                let drop = self.dialect().drop_temporary("orgsweep_probe");
                let probe = format!("{create} (id int PRIMARY KEY); {drop}");
                !self.run(&probe).is_err_and(|error| error.fault == Fault::Permission)
            }
        };
        Ok(if may { None } else { Some(self.name()?) })
    }

    /// MariaDB's or MySQL's binary log takes statements instead of rows: InnoDB writes nothing under READ COMMITTED then
    /// (error 1665).
    pub fn logs_statements(&mut self) -> Result<bool> {
        if !self.dialect().is_mysql() {
            return Ok(false);
        }
        let question =
            "SELECT CASE WHEN @@log_bin AND @@binlog_format = 'STATEMENT' THEN '1' ELSE '0' END";
        Ok(self.query_one(&question.into())?.flag(0))
    }

    /// The server's version, where this program takes it for one that it was run on and never was: MySQL's before 9.
    pub fn untried_version(&mut self) -> Result<Option<String>> {
        if self.dialect() != Dialect::MYSQL {
            return Ok(None);
        }
        let version = self.query_one(&"SELECT version()".into())?.text(0).to_owned();
        let older = version.split('.').next().and_then(|major| major.parse().ok()) < Some(9_u32);
        Ok(older.then(|| format!("MySQL {version}")))
    }

    /// What a Galera cluster takes in one transaction: `6000 rows (wsrep_max_ws_rows)`. None where the server is
    /// in no cluster.
    pub fn write_set_limits(&mut self) -> Result<Vec<String>> {
        let Some(question) = self.dialect().write_set_limits() else { return Ok(Vec::new()) };
        let mut limits = Vec::new();
        for row in self.query(&question.into())? {
            let (name, most) = (row.text(0).to_ascii_lowercase(), row.count(1)?);
            let of = if name.ends_with("rows") { "rows" } else { "bytes" };
            if name.starts_with("wsrep_max_ws") && most > 0 {
                limits.push(format!("{most} {of} ({name})"));
            }
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_postgresql_itself_is_taken_for_it() {
        let told = |version: &str| relative_of_postgres(version, false).unwrap_or_default();
        assert_eq!(told("PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu"), "");
        assert_eq!(told("PostgreSQL 11.2-YB-2.20.1.0-b0 on x86_64-pc-linux-gnu"), "YugabyteDB");
        assert_eq!(told("CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu)"), "CockroachDB");
        assert_eq!(told("Materialize v0.100"), "Materialize");
        let citus = relative_of_postgres("PostgreSQL 16.2 on x86_64", true);
        assert_eq!(citus.as_deref(), Some("Citus"));
    }
}
