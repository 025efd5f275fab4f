//! What clean archives, restore puts back: every table is as it was, value for value; and whatever is
//! wrong with an archive, a disk or a schema, nothing is lost and nothing is written in part.

mod charsets;
mod damage;
mod dangling;
mod export;
mod faults;
pub mod harness;
mod history;
mod kept;
mod large;
mod memory;
mod mysql_types;
mod names;
mod postgres_types;
mod random;
mod refusals;
mod round_trip;
mod rowids;
mod shapes;
mod sqlite_types;
mod strangers;
mod triggers;

use crate::support::*;
use harness::*;
