//! What is counted: the paths that every request, event and connection takes.

pub(super) mod chat;
pub(super) mod connections;
pub(super) mod defender;
pub(super) mod fanout;
pub(super) mod frames;
pub(super) mod requests;
pub(super) mod sessions;
pub(super) mod ws;
