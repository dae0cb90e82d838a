//! Makes changes durable, and reads transcripts and the log back. Everything here blocks: it runs on the store thread.
//!
//! [`open`] claims a state directory, repairs what a crash left behind, and hands back every row with a report of what
//! was repaired. [`Store::commit`] takes many lists of operations and makes them durable with one `fsync`: each list
//! whole or not at all. [`Reader`] answers [`StoreRead`](pincer_sessions::persist::StoreRead)s.
//!
//! Rows live in one of two backends, chosen by the store path: a JSON snapshot with an append-only journal beside it, or
//! SQLite. Transcripts are plain JSONL files in both. A change to a transcript goes first into the journal (or a SQLite
//! table), is synced there, and only then touches the file; the file itself is synced at the next checkpoint, and until
//! then recovery can write it again. So a batch costs one `fsync` however many files it touches, a line acknowledged is
//! never lost, and none is ever doubled.
//!
//! What it leaves out: what rows mean, when to retry, threads, and deciding when old files go.

mod clock;
mod disk;
mod entry;
mod error;
mod json;
mod keep;
mod log_tail;
mod open;
mod plan;
pub mod quarantine;
mod reader;
mod settle;
#[cfg(feature = "sqlite-state")]
mod sqlite;
mod state_dir;
mod store;
mod tail;
mod transcripts;

#[cfg(test)]
mod tests;

pub use error::OpenError;
pub use keep::QuarantineLimits;
pub use open::{Opened, Options, RecoveryReport, open};
pub use reader::Reader;
pub use state_dir::{LOCK_FILE, MARKER_FILE};
pub use store::Store;

/// Parses a journal the way recovery does and returns how many batches are whole. For the fuzz target only.
#[doc(hidden)]
pub fn fuzz_journal(bytes: &[u8]) -> usize {
    json::journal::scan(bytes).records.len()
}
