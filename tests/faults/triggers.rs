//! Triggers and rules that get in the way, on every table in turn.

use super::company::{CLEAN, Company, Left, STEPS};
use super::support::*;
