//! What a database says of itself: whether it takes writes, who it is, how far behind its replicas are.

use super::{Database, Result, Target};
use crate::policy::Place;
use crate::sql::Dialect;

/// Positions in a server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replication {
    pub written: u64,
    pub replayed: u64,
}

impl Database {
    /// Why nothing can, or is meant to, be written here: a standby, a read-only default, a file that
    /// this user may not write.
    pub fn read_only(&mut self) -> Result<Option<String>> {
        let question = match &self.target {
            Target::Sqlite(path) => {
                let writable = std::fs::OpenOptions::new().write(true).open(path).is_ok();
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
    /// bytes. `None` where there is none that this role may see, on SQLite and on MariaDB. The view's own `replay_lag`
    /// stands still while a replica does.
    pub fn replication(&mut self) -> Result<Option<Replication>> {
        if self.dialect() != Dialect::Postgres {
            return Ok(None);
        }
        let question = "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::text, min(replay_lsn - '0/0'::pg_lsn)::text \
                        FROM pg_stat_replication";
        let facts = self.in_snapshot(|database| database.query_one(&question.into()))?;
        let number = |n: usize| facts.optional(n).and_then(|text| text.parse().ok());
        let known = number(0).zip(number(1));
        Ok(known.map(|(written, replayed)| Replication { written, replayed }))
    }

    /// The names by which a guard knows this database and its server. An SQLite file is on this machine;
    /// a server tells its address or name where the URL, behind a socket or a proxy, does not.
    pub fn place(&mut self) -> Result<Place> {
        let local = || "localhost".to_owned();
        let question = match &self.target {
            Target::Sqlite(path) => {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                let databases = name.into_iter().chain([path.display().to_string()]).collect();
                return Ok(Place { databases, hosts: vec![local()] });
            }
            Target::Postgres(_) => "SELECT current_database()::text, host(inet_server_addr())",
            Target::Mysql(_) => "SELECT DATABASE(), @@hostname",
        };
        let facts = self.in_snapshot(|database| database.query_one(&question.into()))?;
        let address = facts.optional(1).map_or_else(local, str::to_owned);
        let hosts = self.target.hosts().into_iter().chain([address]).collect();
        Ok(Place { databases: vec![facts.text(0).to_owned()], hosts })
    }
}
