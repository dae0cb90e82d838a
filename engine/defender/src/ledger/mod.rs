//! What was stopped, and what would have been: a chain of lines that shows when one was changed.
//!
//! A ledger is JSON Lines. Each line is
//!
//! ```text
//! {"hash":"<64 hex>","n":7,"prev":"<64 hex>","at":1795400000000,"record":{"type":"released",…}}
//! ```
//!
//! `hash` is SHA-256 over `pincer ledger v1\n` and the bytes of the line behind `{"hash":"…",` up to its end without
//! the newline. `prev` is the hash of the line before, so the hash covers that too; `n` counts lines from 1 over the
//! whole life of the ledger. Hashes are over bytes as written, so checking needs no second way to write the same JSON.
//!
//! What a chain shows: a byte that was changed, a line that was dropped, added or moved, anywhere but at the end. What it
//! cannot show alone: that lines are missing at the *end* (a shorter chain is a chain), for which a [`Head`] is
//! remembered beside it; and a chain that somebody who may write all of these files wrote anew from some line on. Against
//! that, keep a head elsewhere (`export` and `verify` print it).
//!
//! Old lines may go: a segment ends with [`Record::Sealed`], and before a segment is deleted a [`Record::Dropped`] says
//! in the chain which lines are about to go and with which hash they ended.
//!
//! [`Entry`] and [`Record`] are what is recorded, [`Chain`] writes lines, [`Reader`] checks them as they come,
//! [`preview`] makes the piece of text that may be shown. No IO, no clock.

mod chain;
mod error;
mod names;
mod preview;
mod reader;
mod record;

pub use chain::{Chain, Hash, Head, LINE_BYTES_MAX};
pub use error::{Break, LineProblem};
pub use preview::{PREVIEW_CHARS_MAX, preview};
pub use reader::{Item, Line, Reader, Tally};
pub use record::{ActionKind, Entry, EntryId, ExpiryReason, PayloadRef, Record};

#[cfg(test)]
mod tests;
