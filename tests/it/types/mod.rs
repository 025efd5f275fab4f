//! Every pair of types that a key and a reference to it can have, with every value that the engine calls equal and
//! some that only look so, against the engine's own DELETE: the same rows go, counted and archived, and come back;
//! or the reference is refused by name, where the engine itself would leave an orphan or take another's row.

mod harness;
mod keys;
mod mariadb;
mod postgres;
mod rowid;
mod sqlite;

use crate::archive::harness as archive;
use crate::support::*;
use harness::*;
