//! Who is talking, and what runs next.
//!
//! Session keys, entries, transcripts as text, scheduling, idempotency and slash commands. The caller supplies `now`;
//! nothing here reads a clock, performs IO, or knows what a connection is.

pub mod activation;
pub mod agent;
pub mod command;
pub mod context;
pub mod entry;
pub mod history;
pub mod idempotency;
pub mod inbound;
pub mod key;
pub mod list;
pub mod model_ref;
pub mod patch;
pub mod persist;
pub mod queue;
pub mod reset;
pub mod resolve;
pub mod row;
pub mod scheduler;
pub mod time;
pub mod transcript;
pub mod turn;
pub mod usage;
