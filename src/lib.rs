//! orgsweep deletes everything that belongs to one organization from a relational database.

pub mod catalog;
pub mod database;
pub mod execute;
pub mod findings;
pub mod graph;
pub mod interrupt;
pub mod plan;
pub mod selection;
pub mod sql;
