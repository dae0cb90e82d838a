//! Where stopped actions are kept: a ledger of what was decided, and the texts apart from it.
//!
//! ```text
//! <state>/quarantine/              0700
//!   ledger.jsonl                   0600, the segment that is written; see `pincer_defender::ledger` for its lines
//!   ledger.<first record>.jsonl    older segments; they end with a `sealed` record and never change
//!   head.json                      count and hash of the last record
//!   payloads/<sha256>              0600, whole texts, and what is needed to say messages again; each once
//!   quarantine.lock
//! ```
//!
//! [`Quarantine`] is the only writer and belongs to the store thread, or to a command line while no gateway runs.
//! [`QuarantineReader`] reads at any time, beside a writer too. Both block.
//!
//! **Durability.** What [`Quarantine::append`] acknowledges is synced: texts first, then all lines of the group with one
//! `fsync`, then the head. A failure leaves the ledger as it was (a part of a line is cut off again) and is the caller's
//! to know: what could not be recorded stays blocked. The head is written without a sync of its own: after a power cut it
//! may be behind, never ahead.
//!
//! **Repair.** Bytes behind the last newline are what a crash in a write leaves: they are set aside in a file of their
//! own and reported. Every other break is reported and stays as it is; where the chain cannot go on behind it, the damaged
//! file becomes a segment like any other and a new one begins with a `resumed` record that says so.
//!
//! **What goes.** The oldest first. A text goes when its entry is older than the retention, or when room or places are
//! needed ([`HELD_MAX`]); an `expired` record says so before. A segment goes when its last record is older than the
//! retention or when room is needed, and when no text of it is held any more; a `dropped` record with its last hash says
//! so before, and the rest still verifies.
//!
//! **What tampering shows.** See `pincer_defender::ledger`: all of it but an end that was cut off together with a head
//! that was written to match, and a ledger written anew with its head. Keep the head that `verify` prints elsewhere.

mod error;
mod held;
mod layout;
mod open;
mod reader;
mod room;
mod scan;
mod shown;
mod writer;

#[cfg(test)]
mod tests;

pub use error::QuarantineError;
pub use held::HELD_MAX;
pub use open::OpenedQuarantine;
pub use reader::{Exported, Kept, LIST_MAX, QuarantineReader, Verification};
pub use shown::{Expired, Page, Released, Shown};
pub use writer::{GROUP_MAX, New, Quarantine, Release};
