//! Faults, injected at every step: whatever breaks and whenever, either everything of the
//! organization is gone or nothing, no foreign key dangles, and the exit code tells which.

mod cancel;
mod company;
mod connection;
mod deadlocks;
mod gaps;
mod ledger;
mod messages;
pub mod proxy;
mod restart;
mod server;
mod settings;
mod signals;
mod stall;
mod standby;
mod tls;
mod triggers;
mod wrong_plans;
mod zones;
