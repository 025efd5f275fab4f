//! What clean archives, restore puts back: every table is as it was, value for value; and whatever is
//! wrong with an archive, a disk or a schema, nothing is lost and nothing is written in part.

mod harness;
// Made for other tests, too.
#[allow(dead_code)]
#[path = "../model/mod.rs"]
mod model;
#[allow(dead_code)]
#[path = "../faults/proxy.rs"]
mod proxy;
mod round_trip;
mod shapes;
#[path = "../support/mod.rs"]
mod support;

use harness::*;
use support::*;
