//! The groups of the help.

pub const WHICH: &str = "Which organizations";
pub const WHAT: &str = "What may go";
pub const HOW: &str = "How";
pub const SAFETY: &str = "Safety";
pub const OUTPUT: &str = "Output";
pub const TARGET: &str = "Database and policy";
