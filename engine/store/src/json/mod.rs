//! Rows in a JSON snapshot with an append-only journal beside it.

mod backend;
pub(crate) mod journal;
mod recover;
mod snapshot;

pub(crate) use backend::JsonBackend;
