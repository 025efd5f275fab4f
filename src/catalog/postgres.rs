//! Loads a [`Catalog`](super::Catalog) from PostgreSQL's system catalogs.
