//! What clean archives, restore puts back: every table is as it was, value for value; and whatever is
//! wrong with an archive, a disk or a schema, nothing is lost and nothing is written in part.

mod charsets;
mod damage;
mod dangling;
mod faults;
mod harness;
mod kept;
mod large;
mod memory;
// Made for other tests, too.
#[allow(dead_code)]
#[path = "../model/mod.rs"]
mod model;
mod mysql_types;
mod postgres_types;
#[allow(dead_code)]
#[path = "../faults/proxy.rs"]
mod proxy;
mod random;
mod refusals;
mod round_trip;
mod rowids;
mod shapes;
mod sqlite_types;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
mod triggers;

use harness::*;
use support::*;
