//! A connection to MariaDB over Diesel: diesel-async's connection, driven to completion here. The
//! driver below it is pure Rust, streams rows, and is not GPL, as the C client is.

use super::error::{Error, Fault};
use super::target::{MysqlUrl, Tls};
use crate::engine::{Dialect, Server};
use diesel::connection::{LoadConnection, SimpleConnection};
use diesel::mysql::{Mysql, MysqlType, MysqlValue};
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::row::{Field, Row as _};
use diesel_async::AsyncMysqlConnection;
use diesel_async::async_connection_wrapper::{AsyncConnectionWrapper, BlockOn};
use mysql_async::{Conn, DriverError, IoError, Opts, OptsBuilder, SslOpts};
use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::Runtime;

/// What Diesel takes for a connection of its own.
pub type MysqlConnection = AsyncConnectionWrapper<AsyncMysqlConnection, Here>;

/// How long the server may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest message that there can be, in bytes.
const LONGEST: usize = 1 << 30;

/// A session that speaks the standard's SQL: `"x"` is a name, a value that
/// does not fit is an error, and what a row holds can be written again (zero dates, a zero in an
/// AUTO_INCREMENT column). Errors are told by their English text (`error`).
const SESSION: &str = "SET SESSION lc_messages = 'en_US', \
    autocommit = 1, completion_type = 'NO_CHAIN', foreign_key_checks = 1, unique_checks = 1, sql_safe_updates = 0, \
    sql_select_limit = 18446744073709551615, time_zone = '+00:00', group_concat_max_len = 1073741824, \
    sql_auto_is_null = 0, sql_quote_show_create = 1, sql_big_selects = 1";

/// MariaDB's, where a backslash is a backslash.
const SESSION_OF_MARIADB: &str = "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,\
    ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', innodb_strict_mode = 1, max_statement_time = 0, \
    max_error_count = 64";

/// MySQL's ([`engine`](crate::engine) says why a backslash is none): statistics as they are now, owners from however far up,
/// keys that the server made by itself seen as others are.
const SESSION_OF_MYSQL: &str = "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES,ALLOW_INVALID_DATES,\
    NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', max_execution_time = 0, information_schema_stats_expiry = 0, \
    cte_max_recursion_depth = 4294967295";

/// All connections share one runtime on the threads that use them: a second connection, from a thread
/// of its own, can cancel what the first one waits for.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime needs only a few file descriptors")
    })
}

/// Runs futures where they are waited for.
pub struct Here;

impl BlockOn for Here {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        runtime().block_on(future)
    }

    fn get_runtime() -> Here {
        Here
    }
}

/// Opens a connection and prepares its session.
///
/// # Errors
/// [`Fault::Connect`]; the server is neither MariaDB nor MySQL, or too old a one.
pub fn connect(url: &MysqlUrl) -> Result<(MysqlConnection, Server), Error> {
    let connection = runtime().block_on(async {
        match tokio::time::timeout(PATIENCE, open(url)).await {
            Ok(connection) => connection,
            Err(_) => Err(refused(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    })?;
    let mut connection = MysqlConnection::from(connection);
    let server = supported(&mut connection)?;
    let own = match server {
        Server::MariaDb => SESSION_OF_MARIADB,
        Server::MySql => SESSION_OF_MYSQL,
    };
    match connection.batch_execute(&format!("{SESSION}; {own}")) {
        Ok(()) => Ok((connection, server)),
        Err(error) => Err(told(&mut connection, error)),
    }
}

async fn open(url: &MysqlUrl) -> Result<AsyncMysqlConnection, Error> {
    let connection = match Conn::new(options(url, true)).await {
        // As other clients do where nothing else was asked for: encrypted if the server can.
        Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer))
            if url.tls == Tls::Preferred =>
        {
            Conn::new(options(url, false)).await
        }
        connection => connection,
    };
    let connection = connection.map_err(|error| match error {
        mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            refused("the server does not offer TLS, which the URL demands".into())
        }
        mysql_async::Error::Server(error) => refused(error.message),
        mysql_async::Error::Io(IoError::Io(error)) => match &url.socket {
            Some(socket) => refused(format!("{socket}: {error}")),
            None => refused(format!("{}, port {}: {error}", url.host, url.port)),
        },
        error => refused(error.to_string()),
    })?;
    Ok(AsyncMysqlConnection::try_from(connection).await?)
}

fn refused(message: String) -> Error {
    Error { fault: Fault::Connect, message }
}

fn options(url: &MysqlUrl, tls: bool) -> Opts {
    let verified = |ssl: SslOpts| match &url.ca {
        Some(path) => {
            ssl.with_root_certs(vec![path.clone().into()]).with_disable_built_in_roots(true)
        }
        None => ssl,
    };
    let ssl = match url.tls {
        Tls::Disabled => None,
        // Nobody can be impersonated who was not named: encrypted, as `sslmode=require` is in libpq.
        Tls::Preferred | Tls::Required => Some(
            SslOpts::default()
                .with_danger_accept_invalid_certs(true)
                .with_danger_skip_domain_validation(true),
        ),
        Tls::VerifyCa => {
            Some(verified(SslOpts::default()).with_danger_skip_domain_validation(true))
        }
        Tls::VerifyIdentity => Some(verified(SslOpts::default())),
    };
    OptsBuilder::default()
        .ip_or_hostname(&url.host)
        .tcp_port(url.port)
        .socket(url.socket.clone())
        .prefer_socket(false)
        .user(url.user.clone())
        .pass(url.password.clone())
        .db_name(Some(url.database.clone()))
        .ssl_opts(ssl.filter(|_| tls))
        .stmt_cache_size(0)
        // Rows may be longer than what the server takes in one statement.
        .max_allowed_packet(Some(LONGEST))
        // Rows that an UPDATE finds, not only those that it changes: unlinks are counted.
        .client_found_rows(true)
        .into()
}

const OTHERS: [&str; 4] = ["TiDB", "Vitess", "PlanetScale", "OceanBase"];

/// Whose server it is, by what it calls its version.
fn supported(connection: &mut MysqlConnection) -> Result<Server, Error> {
    let version = one(connection, "SELECT version()")?;
    let numbers = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let numbers: Vec<u32> = numbers.collect();
    match version.contains("MariaDB") {
        true if numbers.as_slice() >= &[10, 5] => Ok(Server::MariaDb),
        true => Err(refused(format!("this is MariaDB {version}: 10.5 or later is needed"))),
        // What they call theirs is a version of MySQL, whose locks and checks they do not have.
        false if OTHERS.iter().any(|other| version.contains(other)) => {
            Err(refused(format!("this is {version}, which only speaks MySQL's protocol")))
        }
        // Invisible columns came with it.
        false if numbers.as_slice() >= &[8, 0, 23] => Ok(Server::MySql),
        false => Err(refused(format!("this is MySQL {version}: 8.0.23 or later is needed"))),
    }
}

fn one(connection: &mut MysqlConnection, sql: &str) -> Result<String, Error> {
    let mut text = String::new();
    let mut each = |values: &[super::Value]| {
        text = String::from_utf8_lossy(values[0].unwrap_or_default()).into_owned();
        Ok(())
    };
    stream(connection, diesel::sql_query(sql).into_boxed(), &mut each, |error| error)?;
    Ok(text)
}

type Query<'q> = BoxedSqlQuery<'q, Mysql, SqlQuery>;

/// Gives the rows of a query to `each` as they come. Tells how many there were.
pub fn stream<E>(
    connection: &mut MysqlConnection,
    query: Query,
    each: &mut dyn FnMut(&[super::Value]) -> Result<(), E>,
    fault: impl FnOnce(Error) -> E,
) -> Result<u64, E> {
    rows(connection, query, each).map_err(|broken| match broken {
        Broken::Each(error) => error,
        Broken::Server(error) => fault(told(connection, error)),
    })
}

/// Whose failure ended a stream of rows.
enum Broken<E> {
    Each(E),
    Server(DieselError),
}

fn rows<E>(
    connection: &mut MysqlConnection,
    query: Query,
    each: &mut dyn FnMut(&[super::Value]) -> Result<(), E>,
) -> Result<u64, Broken<E>> {
    let fault = Broken::Server;
    let mut count = 0;
    for row in LoadConnection::load(connection, query).map_err(fault)? {
        let row = row.map_err(fault)?;
        let fields: Vec<_> = (0..row.field_count()).filter_map(|n| row.get(n)).collect();
        let values: Vec<_> = fields.iter().map(Field::value).collect();
        let values: Vec<_> = values.iter().map(|value| value.as_ref().map(text)).collect();
        let values: Vec<_> = values.iter().map(Option::as_deref).collect();
        each(&values).map_err(Broken::Each)?;
        count += 1;
    }
    Ok(count)
}

/// What a failed statement means: by the server's number of it, which it still knows.
pub fn told(connection: &mut MysqlConnection, error: DieselError) -> Error {
    let code = match &error {
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            code(connection, information.message())
        }
        _ => None,
    };
    Error::of(Dialect::MARIADB, error, code)
}

/// The number of the error with this message, of the statement before. `None`: the server does not answer, or has had
/// more to say than it keeps (`max_error_count`).
fn code(connection: &mut MysqlConnection, message: &str) -> Option<u16> {
    // MariaDB tells, after an error in a trigger, where it was, for each trigger and procedure that led there. MySQL does
    // not, and a SET makes it forget all.
    const DEPTH: usize = 12;
    let kept = (0..DEPTH).map(|n| {
        let (set, which) = match n {
            0 => (String::new(), "@orgsweep_last"),
            n => (
                format!(" SET @orgsweep_n = greatest(CAST(@orgsweep_last AS SIGNED) - {n}, 1);"),
                "@orgsweep_n",
            ),
        };
        format!(
            ";{set} GET DIAGNOSTICS CONDITION {which} @orgsweep_code{n} = MYSQL_ERRNO, @orgsweep_text{n} = MESSAGE_TEXT"
        )
    });
    let keep = "GET DIAGNOSTICS @orgsweep_last = NUMBER".to_owned() + &kept.collect::<String>();
    let asked = (0..DEPTH).map(|n| format!("@orgsweep_code{n}, @orgsweep_text{n}"));
    let ask = format!("SELECT {}", asked.collect::<Vec<_>>().join(", "));
    // As texts: preparing a statement would forget what is asked for.
    connection.batch_execute(&keep).ok()?;
    let mut code = None;
    let mut each = |values: &[super::Value]| {
        let mut pairs = values.chunks(2);
        let said = |pair: &&[super::Value]| pair[1] == Some(message.as_bytes());
        code = pairs.find(said).and_then(|pair| std::str::from_utf8(pair[0]?).ok()?.parse().ok());
        Ok(())
    };
    rows::<()>(connection, diesel::sql_query(ask).into_boxed(), &mut each).ok()?;
    code
}

/// A value's text; whole numbers come as they are in memory, and dates are for the query to cast.
fn text<'a>(value: &MysqlValue<'a>) -> Cow<'a, [u8]> {
    let bytes = value.as_bytes();
    let signed = matches!(
        value.value_type(),
        MysqlType::Tiny | MysqlType::Short | MysqlType::Long | MysqlType::LongLong
    );
    let unsigned = matches!(
        value.value_type(),
        MysqlType::UnsignedTiny
            | MysqlType::UnsignedShort
            | MysqlType::UnsignedLong
            | MysqlType::UnsignedLongLong
    );
    // The driver widens all of them.
    match <[u8; 8]>::try_from(bytes) {
        Ok(number) if signed => Cow::Owned(i64::from_le_bytes(number).to_string().into_bytes()),
        Ok(number) if unsigned => Cow::Owned(u64::from_le_bytes(number).to_string().into_bytes()),
        _ => Cow::Borrowed(bytes),
    }
}
