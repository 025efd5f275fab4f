//! Every pair of types that a key and a reference to it can have, with every value that the engine calls equal and
//! some that only look so, against the engine's own DELETE: the same rows go, counted and archived, and come back;
//! or the reference is refused by name, where the engine itself would leave an orphan or take another's row.

#[path = "../archive/harness.rs"]
#[allow(dead_code)]
mod archive;
mod harness;
mod mariadb;
mod postgres;
mod rowid;
mod sqlite;
#[path = "../support/mod.rs"]
mod support;

use harness::*;
use support::*;
