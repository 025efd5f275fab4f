//! orgsweep deletes everything that belongs to one organization from a relational database.

pub mod catalog;
pub mod crm;
pub mod database;
pub mod sql;
