//! Random databases and a row-by-row model of what orgsweep must do to them (DESIGN 2 and 3).

pub mod arena;
pub mod contract;
pub mod data;
mod edges;
pub mod firewall;
pub mod generate;
pub mod schema;
pub mod shrink;
pub mod trial;
pub mod unlinks;
