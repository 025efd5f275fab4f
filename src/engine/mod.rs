//! How each engine speaks: its transactions and settings, what it can and cannot do, how a name, a literal and a
//! type are written. Pure text; nothing here knows a plan, and nothing runs.
//!
//! An engine is one file that implements [`Engine`]; the statements that are no engine's own are put together in `sql`.

mod contract;
mod dialect;
pub(crate) mod mariadb;
mod mysql;
pub(crate) mod path;
mod plain;
mod postgres;
mod quoting;
mod seen;
mod sqlite;
mod statement;
pub(crate) mod token;

pub use contract::{Cycles, Engine, Purpose, Silence};
pub use dialect::{Dialect, Server};
pub use mariadb::{coded_type, is_stored_alike};
pub(crate) use plain::Plain;
pub(crate) use quoting::{hex, quote_table};
pub use quoting::{literal, quote, usage_of};
pub(crate) use sqlite::type_of;
pub use statement::{Placeholder, Statement};
