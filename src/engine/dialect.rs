//! Which engine it is: what a catalog, an archive or a plan remembers of it.

use super::seen::hides_something;
use super::{Engine, mariadb, mysql, postgres, sqlite};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Deref;

/// An engine's name. It answers as its [`Engine`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    Sqlite,
    Postgres,
    Mysql(Server),
}

/// Whose server answers to MySQL's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Server {
    MariaDb,
    MySql,
}

impl Deref for Dialect {
    type Target = dyn Engine;

    fn deref(&self) -> &Self::Target {
        match self {
            Dialect::Sqlite => &sqlite::Sqlite,
            Dialect::Postgres => &postgres::Postgres,
            Dialect::Mysql(Server::MariaDb) => &mariadb::MariaDb,
            Dialect::Mysql(Server::MySql) => &mysql::MySql,
        }
    }
}

impl Dialect {
    pub const MARIADB: Dialect = Dialect::Mysql(Server::MariaDb);
    pub const MYSQL: Dialect = Dialect::Mysql(Server::MySql);

    /// It speaks MySQL's protocol, whoever made it.
    pub fn is_mysql(self) -> bool {
        matches!(self, Dialect::Mysql(_))
    }

    /// What files call it: those of one server of MySQL's protocol are good for the other, which reads and writes values
    /// in the same way.
    fn name(self) -> &'static str {
        match self {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
            Dialect::Mysql(_) => "mysql",
        }
    }

    /// An archive of one goes back into the other.
    pub fn is_like(self, other: Dialect) -> bool {
        self.name() == other.name()
    }

    /// A statement of a script in characters that are seen. `None` where the engine cannot put together a name that
    /// has others.
    pub fn in_seen_characters(self, statement: &str) -> Option<String> {
        if hides_something(statement) {
            self.spelled_out(statement)
        } else {
            Some(statement.to_owned())
        }
    }
}

impl Serialize for Dialect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Dialect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dialect, D::Error> {
        let name = String::deserialize(deserializer)?;
        let all = [Dialect::Sqlite, Dialect::Postgres, Dialect::MARIADB];
        let known = all.into_iter().find(|dialect| dialect.name() == name);
        known.ok_or_else(|| {
            serde::de::Error::unknown_variant(&name, &["sqlite", "postgres", "mysql"])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn ordinary_statements_stay_as_they_are() {
        let statement = "DELETE FROM \"a b\"\nWHERE x = 'é' -- it's\n";
        for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::MARIADB, Dialect::MYSQL] {
            assert_eq!(dialect.in_seen_characters(statement).as_deref(), Some(statement));
        }
        let written = Dialect::Sqlite.in_seen_characters("a\t= 'b' -- c\r\n");
        assert_eq!(written.as_deref(), Some("a = 'b' -- c \n"));
    }

    #[test]
    fn names_that_are_not_seen_are_put_together_by_the_engine() {
        let statement = "DELETE FROM \"t\u{1b}'\n\\\" WHERE x = 'a\u{e0041}'";
        assert_eq!(Dialect::Sqlite.in_seen_characters(statement), None);
        let written = Dialect::Postgres.in_seen_characters(statement).unwrap();
        expect![[r#"DO E'BEGIN EXECUTE E\'DELETE FROM "t\\u001b\\\'\\u000a\\\\" WHERE x = \\\'a\\U000e0041\\\'\'; END'"#]]
            .assert_eq(&written);
        let written = Dialect::MARIADB.in_seen_characters(statement).unwrap();
        expect![[r#"EXECUTE IMMEDIATE concat('DELETE FROM "t', convert(x'1b' USING utf8mb4), '''', convert(x'0a' USING utf8mb4), '\" WHERE x = ''a', convert(x'f3a08181' USING utf8mb4), '''')"#]]
            .assert_eq(&written);
    }
}
