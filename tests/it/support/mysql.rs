//! MariaDB for tests that are written in the SQL that the other engines share.

use super::database::{TestDatabase, mysql_url};
use super::rows::Dump;
use orgsweep::database::{Database, Target};
use orgsweep::engine::{Dialect, literal, quote};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The server that tests are given is MySQL itself, and not MariaDB.
pub fn is_mysql_itself() -> bool {
    static MYSQL: OnceLock<bool> = OnceLock::new();
    *MYSQL.get_or_init(|| {
        let target = mysql_url().and_then(|url| Target::parse(&url).ok());
        let connect =
            |target: &Target| Database::connect(target, false).expect("the server answers");
        target.is_some_and(|target| connect(&target).dialect() == Dialect::MYSQL)
    })
}

/// What a test's own session understands on top of orgsweep's: `||` as the others do.
pub fn session(server: Dialect) -> &'static str {
    if server == Dialect::MYSQL {
        "SET SESSION sql_mode = concat(@@sql_mode, ',PIPES_AS_CONCAT'), restrict_fk_on_non_standard_key = 0"
    } else {
        "SET SESSION sql_mode = concat(@@sql_mode, ',PIPES_AS_CONCAT'), max_recursive_iterations = 1000000"
    }
}

/// The same definition as MariaDB says it, and MySQL, where a backslash escapes: a text that may be in a key has a length, and a reference
/// names the column.
pub fn translated(sql: &str) -> String {
    let mut tokens = tokens(sql);
    if is_mysql_itself() {
        for text in tokens.iter_mut().filter(|token| token.starts_with('\'')) {
            *text = text.replace('\\', "\\\\");
        }
    }
    let mut out = String::new();
    let (mut defines, mut fires) = (false, false);
    let mut words = tokens.iter().enumerate().peekable();
    while let Some((n, token)) = words.next() {
        let upper = token.to_ascii_uppercase();
        match upper.as_str() {
            "CREATE" | "ALTER" => defines = true,
            ";" => defines = false,
            _ => {}
        }
        // Names that are reserved words here.
        if ["LINES", "KEYS"].contains(&upper.as_str()) {
            out.push_str(&quote(token));
            continue;
        }
        if fires && ["BEGIN", "EACH"].contains(&upper.as_str()) {
            fires = false;
            let each = if upper == "BEGIN" { "FOR EACH ROW " } else { "" };
            out.push_str(each);
        }
        if !defines {
            out.push_str(token);
            continue;
        }
        let following = || tokens[n + 1..].iter().find(|token| !token.trim().is_empty());
        match upper.as_str() {
            "TEXT" => out.push_str("varchar(190)"),
            "NUMERIC" if following().is_none_or(|next| next != "(") => out.push_str("decimal(30)"),
            "TIMESTAMPTZ" => out.push_str("datetime(6)"),
            "BYTEA" => out.push_str("varbinary(190)"),
            "BIGSERIAL" => out.push_str("bigint AUTO_INCREMENT"),
            "SERIAL" => out.push_str("integer AUTO_INCREMENT"),
            "JSONB" => out.push_str("json"),
            "UUID" if is_mysql_itself() => out.push_str("char(36)"),
            "TRIGGER" => {
                (defines, fires) = (false, true);
                out.push_str(token);
            }
            "REFERENCES" => {
                out.push_str(token);
                // The blank, the name, and perhaps its schema.
                let mut name = 0;
                while let Some((_, next)) = words.peek() {
                    let blank = next.trim().is_empty();
                    if (!blank && name > 0 && *next != "." && !out.ends_with('.')) || *next == "(" {
                        break;
                    }
                    if blank && name > 0 {
                        break;
                    }
                    name += usize::from(!blank);
                    out.push_str(next);
                    words.next();
                }
                let listed = words.clone().find(|(_, next)| !next.trim().is_empty());
                if listed.is_none_or(|(_, next)| next != "(") {
                    out.push_str(" (id)");
                }
            }
            "DEFERRABLE" => {}
            "INITIALLY" => {}
            "DEFERRED" => {}
            _ => out.push_str(token),
        }
    }
    out
}

/// A trigger's body with SQLite's RAISE as MariaDB says it. It cannot skip a row.
pub fn raising(sqlite: &str) -> String {
    match sqlite.split_once("SELECT RAISE(ABORT, ") {
        Some((before, message)) => {
            let message = message.trim_end_matches(')');
            format!("{before}SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = {message}")
        }
        None => sqlite.to_owned(),
    }
}

/// Words, quoted texts, blanks and single characters.
fn tokens(sql: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut characters = sql.chars().peekable();
    while let Some(first) = characters.next() {
        let mut token = String::from(first);
        let mut take = |token: &mut String, more: &dyn Fn(char) -> bool| {
            while let Some(next) = characters.next_if(|next| more(*next)) {
                token.push(next);
            }
        };
        match first {
            '\'' | '"' => {
                take(&mut token, &|next| next != first);
                token.extend(characters.next());
            }
            c if c.is_alphanumeric() || c == '_' => {
                take(&mut token, &|next| next.is_alphanumeric() || next == '_');
            }
            c if c.is_whitespace() => take(&mut token, &char::is_whitespace),
            _ => {}
        }
        tokens.push(token);
    }
    tokens
}

/// Runs a script by the client, on the throw-away server.
pub fn client(database: &str, script: &[u8]) {
    let mut child = program("mariadb", database)
        .stdin(Stdio::piped())
        .spawn()
        .expect("mariadb, the client, runs");
    child.stdin.take().expect("a pipe").write_all(script).expect("the client reads");
    assert!(child.wait().expect("the client ends").success());
}

/// The client, on the throw-away server.
pub fn client_of(database: &str) -> Command {
    program("mariadb", database)
}

/// A database as a script.
pub fn dump_script(database: &str) -> Vec<u8> {
    dumped(database, &["--routines", "--triggers"])
}

/// Fills an empty database with what is in another one. MySQL does not take the values of generated columns that
/// MariaDB's client writes down.
pub fn copy(from: &TestDatabase, to: &TestDatabase) {
    if !is_mysql_itself() {
        return client(to.name(), &dump_script(from.name()));
    }
    client(to.name(), &dumped(from.name(), &["--no-data", "--skip-triggers"]));
    let columns = from.query(
        "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS \
         JOIN information_schema.TABLES USING (TABLE_SCHEMA, TABLE_NAME) WHERE TABLE_SCHEMA = DATABASE() \
         AND TABLE_TYPE = 'BASE TABLE' AND GENERATION_EXPRESSION = '' ORDER BY TABLE_NAME, ORDINAL_POSITION",
    );
    let name = |row: &Vec<Option<String>>, n: usize| quote(row[n].as_deref().unwrap_or_default());
    let mut script = "SET foreign_key_checks = 0".to_owned();
    for rows in columns.chunk_by(|a, b| a[0] == b[0]) {
        let (table, own) = (name(&rows[0], 0), quote(from.name()));
        let columns = rows.iter().map(|row| name(row, 1)).collect::<Vec<_>>().join(", ");
        script += &format!("; INSERT INTO {table} ({columns}) SELECT {columns} FROM {own}.{table}");
    }
    to.with(|db| {
        db.run(&format!("{script}; SET foreign_key_checks = 1")).expect("rows are copied")
    });
    client(
        to.name(),
        &dumped(from.name(), &["--no-data", "--no-create-info", "--routines", "--triggers"]),
    );
}

fn dumped(database: &str, what: &[&str]) -> Vec<u8> {
    let arguments = ["--skip-comments", "--single-transaction"];
    let output = program("mariadb-dump", database)
        .args(arguments)
        .args(what)
        .output()
        .expect("mariadb-dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn program(name: &str, database: &str) -> Command {
    let url = mysql_url().expect("a server");
    let authority = url.split("//").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or("");
    let (user, server) = authority.split_once('@').unwrap_or(("root", authority));
    let (host, port) = server.split_once(':').unwrap_or((server, "3306"));
    let user = user.split(':').next().unwrap_or(user);
    let mut command = Command::new(name);
    let host = format!("--host={host}");
    command.args(["--no-defaults", "--protocol=tcp", &host, &format!("--port={port}")]);
    command.args([&format!("--user={user}"), "--default-character-set=utf8mb4", database]);
    command
}

/// Every row of every table as text.
pub fn dump(db: &TestDatabase) -> Dump {
    let columns = db.query(
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS \
         JOIN information_schema.TABLES USING (TABLE_SCHEMA, TABLE_NAME) \
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME, ORDINAL_POSITION",
    );
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for row in columns {
        let text = |n: usize| row[n].clone().unwrap_or_default();
        if tables.last().is_none_or(|(name, _)| *name != text(0)) {
            tables.push((text(0), Vec::new()));
        }
        let column = quote(&text(1));
        let value = match text(2).as_str() {
            "binary" | "varbinary" | "blob" | "tinyblob" | "mediumblob" | "longblob" | "bit"
            | "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "vector" => {
                format!("hex({column})")
            }
            // A FLOAT's own text has six digits.
            "float" | "double" => format!("CAST(CAST({column} AS DOUBLE) AS CHAR)"),
            _ => format!("quote(CAST({column} AS CHAR))"),
        };
        tables.last_mut().expect("one").1.push(format!("coalesce({value}, 'NULL')"));
    }
    let rows = |(name, values): (String, Vec<String>)| {
        let row = values.join(", ', ', ");
        let rows = db.query(&format!("SELECT concat({row}, '') FROM {}", quote(&name)));
        let mut rows: Vec<String> = rows.into_iter().flatten().flatten().collect();
        rows.sort_unstable();
        (name, rows)
    };
    tables.into_iter().map(rows).collect()
}

/// One query per foreign key: its name, once per child row whose parent is missing.
pub fn dangling(db: &TestDatabase) -> Vec<String> {
    let pairs = db.query(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, REFERENCED_TABLE_NAME, COLUMN_NAME, REFERENCED_COLUMN_NAME \
           FROM information_schema.KEY_COLUMN_USAGE \
          WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL \
          ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
    );
    let text = |row: &[Option<String>], n: usize| row[n].clone().unwrap_or_default();
    let query = |pairs: &[Vec<Option<String>>]| {
        let first = &pairs[0];
        let each = |form: &dyn Fn(String, String) -> String| -> String {
            let one = |row: &Vec<Option<String>>| form(quote(&text(row, 3)), quote(&text(row, 4)));
            pairs.iter().map(one).collect::<Vec<_>>().join(" AND ")
        };
        format!(
            "SELECT {} FROM {} child WHERE {} AND NOT EXISTS (SELECT 1 FROM {} parent WHERE {})",
            literal(&format!("{}.{}", text(first, 0), text(first, 1))),
            quote(&text(first, 0)),
            each(&|child, _| format!("child.{child} IS NOT NULL")),
            quote(&text(first, 2)),
            each(&|child, parent| format!("child.{child} = parent.{parent}")),
        )
    };
    let same = |a: &Vec<Option<String>>, b: &Vec<Option<String>>| a[..2] == b[..2];
    pairs.chunk_by(same).map(query).collect()
}

mod tests {
    #[test]
    fn definitions_are_translated() {
        for (shared, own) in [
            (
                "CREATE TABLE a (id integer, t text REFERENCES b ON DELETE CASCADE)",
                "CREATE TABLE a (id integer, t varchar(190) REFERENCES b (id) ON DELETE CASCADE)",
            ),
            (
                "CREATE TABLE a (b int REFERENCES \"B c\"(x), c int references d)",
                "CREATE TABLE a (b int REFERENCES \"B c\"(x), c int references d (id))",
            ),
            ("INSERT INTO t VALUES ('text')", "INSERT INTO t VALUES ('text')"),
        ] {
            assert_eq!(super::translated(shared), own);
        }
    }
}
