//! Loads a [`Catalog`](super::Catalog) from SQLite's pragma functions.
