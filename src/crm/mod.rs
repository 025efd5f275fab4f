//! The built-in CRM (DESIGN 9): the schema behind `demo`, the tests and the documentation.
//!
//! [`migrate`] creates its tables from `migrations/crm/<backend>`, [`schema`] is their typed form as
//! Diesel prints it (one for both backends), and [`seed`] fills them. Nothing else in orgsweep
//! knows this schema: a clean-up reads the catalog, here as anywhere.

pub mod migrate;
#[rustfmt::skip]
pub mod schema;
pub mod seed;
