//! All integration tests, in one binary: one link, and what is shared is compiled once. A module a subject;
//! `tests/run archive` runs one of them.

mod architecture;
mod archive;
mod catalog;
mod cli;
mod corpus;
mod crm;
mod crowds;
mod differential;
mod django;
mod django_reader;
mod django_trial;
mod faults;
mod firewall;
mod galera;
mod grants;
mod infrastructure;
mod mariadb;
mod model;
mod ownership;
mod policy;
mod pooler;
mod races;
mod rows_without_identity;
mod seed_story;
mod support;
mod types;
