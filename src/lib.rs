//! orgsweep deletes everything that belongs to one organization from a relational database.
pub mod catalog;
pub mod cli;
pub mod commands;
pub mod crm;
pub mod database;
pub mod execute;
pub mod exit;
pub mod findings;
pub mod graph;
pub mod interrupt;
pub mod plan;
pub mod render;
pub mod selection;
pub mod settings;
pub mod signals;
pub mod sql;
pub mod ui;
